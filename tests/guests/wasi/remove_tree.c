// Removes a tree like `rm -r`, with opendir, readdir and unlink of the libc: each entry is removed while its directory is read.
// Prints the number of removed files, links and directories.

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int removed;

static int remove_tree(const char *path) {
    DIR *directory = opendir(path);
    if (!directory) return perror(path), 1;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char below[1024];
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR) {
            if (remove_tree(below)) return 1;
        } else if (unlink(below)) {
            return perror(below), 1;
        } else {
            removed++;
        }
    }
    closedir(directory);
    if (rmdir(path)) return perror(path), 1;
    removed++;
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 2 || remove_tree(argv[1])) return 1;
    printf("%d removed\n", removed);
    return 0;
}
