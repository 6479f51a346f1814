// Creates, inspects, lists, renames and removes files in the directory that its second argument names.
#include "clock.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char from[4096], to[4096];

static const char *name(char *buffer, const char *directory, const char *kind, uint64_t i) {
    snprintf(buffer, sizeof from, "%s/%s-%06u", directory, kind, (unsigned)i);
    return buffer;
}

static int failed(const char *what) { return perror(what), 1; }

int main(int argc, char **argv) {
    uint64_t count = scale(argc, argv, 5000), checksum = 0;
    const char *directory = argc > 2 ? argv[2] : ".";
    double started = now();
    for (uint64_t i = 0; i < count; i++) {
        int fd = open(name(from, directory, "old", i), O_CREAT | O_EXCL | O_WRONLY, 0666);
        if (fd < 0 || write(fd, from, 10) != 10 || close(fd) < 0)
            return failed("create");
    }
    for (uint64_t i = 0; i < count; i++) {
        struct stat stat_of;
        if (stat(name(from, directory, "old", i), &stat_of) < 0)
            return failed("stat");
        checksum += (uint64_t)stat_of.st_size;
    }
    DIR *listed = opendir(directory);
    if (!listed)
        return failed("list");
    for (struct dirent *entry; (entry = readdir(listed));)
        checksum += entry->d_name[0] == 'o';
    closedir(listed);
    for (uint64_t i = 0; i < count; i++)
        if (rename(name(from, directory, "old", i), name(to, directory, "new", i)) < 0)
            return failed("rename");
    for (uint64_t i = 0; i < count; i++)
        if (unlink(name(to, directory, "new", i)) < 0)
            return failed("remove");
    return report(started, checksum);
}
