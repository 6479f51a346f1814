// Uses the null device as programs do: writes to it, reads from it, lists its directory, and sends standard error there.
// Prints the contents of a file, if one is named, and `done`.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasi/libc.h>

// From wasi-libc, which declares it in no header.
int __wasilibc_fd_renumber(int fd, int to);

static int failed(const char *what) {
    printf("%s: %s\n", what, strerror(errno));
    return 1;
}

int main(int argc, char **argv) {
    FILE *null = fopen("/dev/null", "w");
    if (!null) return failed("fopen to write");
    for (int i = 0; i < 10000; i++) {
        if (fprintf(null, "line %d\n", i) < 0) return failed("fprintf");
    }
    if (fclose(null)) return failed("fclose");

    null = fopen("/dev/null", "r");
    if (!null) return failed("fopen to read");
    if (fgetc(null) != EOF || ferror(null)) return failed("fgetc");
    fclose(null);

    struct stat stat_of;
    if (stat("/dev/null", &stat_of)) return failed("stat");
    if (!S_ISCHR(stat_of.st_mode)) return failed("not a character device");

    // With a grant of its own `/dev`, the program would see that one.
    if (argc == 1) {
        DIR *dev = opendir("/dev");
        if (!dev) return failed("opendir");
        int names = 0;
        for (struct dirent *entry; (entry = readdir(dev));) {
            names += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
        }
        closedir(dev);
        if (names != 1) return failed("readdir");
        if (unlink("/dev/null") == 0 || errno != EROFS) return failed("unlink");
        if (open("/dev/zero", O_WRONLY | O_CREAT, 0666) >= 0 || errno != EROFS) return failed("open with O_CREAT");
    }

    // `2>/dev/null`
    int fd = open("/dev/null", O_WRONLY);
    if (fd < 0) return failed("open");
    if (__wasilibc_fd_renumber(fd, STDERR_FILENO)) return failed("renumber");
    fprintf(stderr, "nobody sees this\n");

    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        if (!file) return failed(argv[i]);
        char line[100];
        while (fgets(line, sizeof line, file)) printf("%s\n", line);
        fclose(file);
    }
    printf("done\n");
    return 0;
}
