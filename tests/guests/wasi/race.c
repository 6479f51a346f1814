// Uses `entry`, and paths through `swap`, for as many milliseconds as the argument says. Meanwhile another process exchanges
// these names with files outside of the grant. All contents that are read must be `inside`. Prints the numbers of successful
// and failed calls, and `escaped` with the name of a function that saw something from outside.

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

// The least number of rounds, even if a busy machine gives little time to this program.
enum { GRANT = 3, INSIDE = sizeof "inside" - 1, LEAST = 40 };

static unsigned long long succeeded, failed;

static bool did(__wasi_errno_t error) {
    if (error) failed++;
    else succeeded++;
    return !error;
}

static void escaped(const char *what) {
    printf("escaped: %s\n", what);
    fflush(stdout);
}

static __wasi_errno_t open_at(const char *path, __wasi_lookupflags_t lookup, __wasi_oflags_t oflags, __wasi_rights_t rights,
                              __wasi_fd_t *fd) {
    return __wasi_path_open(GRANT, lookup, path, oflags, rights, 0, 0, fd);
}

static void close_fd(__wasi_fd_t fd) {
    if (__wasi_fd_close(fd)) escaped("close");
}

static void read_file(const char *path, __wasi_lookupflags_t lookup) {
    __wasi_fd_t fd;
    if (!did(open_at(path, lookup, 0, __WASI_RIGHTS_FD_READ, &fd))) return;
    uint8_t bytes[16] = {0};
    __wasi_iovec_t iovec = {bytes, sizeof bytes};
    __wasi_size_t len;
    if (__wasi_fd_read(fd, &iovec, 1, &len) || len != INSIDE || memcmp(bytes, "inside", len)) escaped(path);
    close_fd(fd);
}

static void look(const char *path, __wasi_lookupflags_t lookup) {
    __wasi_filestat_t stat;
    if (did(__wasi_path_filestat_get(GRANT, lookup, path, &stat)) && stat.size != INSIDE) escaped("path_filestat_get");
}

static void read_link(const char *path) {
    uint8_t bytes[16];
    __wasi_size_t len;
    if (did(__wasi_path_readlink(GRANT, path, bytes, sizeof bytes, &len)) && (len != INSIDE || memcmp(bytes, "inside", len)))
        escaped("path_readlink");
}

// Writes a file that exists under this name inside and outside. Its contents stay the same.
static void write_file(const char *path, __wasi_lookupflags_t lookup, __wasi_oflags_t oflags) {
    __wasi_fd_t fd;
    if (!did(open_at(path, lookup, oflags, __WASI_RIGHTS_FD_WRITE, &fd))) return;
    __wasi_ciovec_t iovec = {(const uint8_t *)"inside", INSIDE};
    __wasi_size_t len;
    if (__wasi_fd_write(fd, &iovec, 1, &len)) escaped("fd_write");
    close_fd(fd);
}

// Creates and removes everything that can be created.
static void create_and_remove(unsigned round) {
    static const char *const names[] = {"swap/new", "swap/sub/new", "swap/sub/../new", "swap/./sub/.././new"};
    const char *name = names[round % (sizeof names / sizeof *names)];
    __wasi_fd_t fd;
    if (did(open_at(name, round & 1, __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, __WASI_RIGHTS_FD_WRITE, &fd))) close_fd(fd);
    did(__wasi_path_unlink_file(GRANT, name));
    did(__wasi_path_create_directory(GRANT, name));
    did(__wasi_path_remove_directory(GRANT, name));
    did(__wasi_path_symlink("inside", GRANT, name));
    did(__wasi_path_unlink_file(GRANT, name));
    did(__wasi_path_link(GRANT, 0, "swap/file", GRANT, name));
    did(__wasi_path_unlink_file(GRANT, name));
}

// Moves a file back and forth, inside the directory and out of it.
static void move(void) {
    did(__wasi_path_rename(GRANT, "swap/victim", GRANT, "swap/sub/moved"));
    did(__wasi_path_rename(GRANT, "swap/sub/moved", GRANT, "moved"));
    did(__wasi_path_rename(GRANT, "moved", GRANT, "swap/victim"));
    did(__wasi_path_rename(GRANT, "swap/sub/victim", GRANT, "swap/sub/../moved"));
    did(__wasi_path_rename(GRANT, "swap/moved", GRANT, "swap/sub/victim"));
    // A file that was left on the way is moved to the place where the next round expects it.
    did(__wasi_path_rename(GRANT, "swap/sub/moved", GRANT, "swap/victim"));
}

int main(int argc, char **argv) {
    __wasi_timestamp_t start, now, duration = argc > 1 ? strtoull(argv[1], NULL, 10) * 1000000 : 0;
    if (__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 0, &start)) return 1;
    unsigned round = 0;
    do {
        read_file("swap/file", 0);
        read_file("swap/file", __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW);
        read_file("swap/sub/file", 0);
        read_file("swap/sub/../file", 0);
        read_file("swap/sub/.././sub/file", __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW);
        read_file("swap/../swap/file", 0);
        // There is no such file in the grant, but there is one outside.
        read_file("swap/sub/../../file", 0);
        read_file("entry", 0);
        read_file("entry", __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW);
        look("entry", __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW);
        write_file("entry", __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, __WASI_OFLAGS_TRUNC);
        write_file("entry", __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, __WASI_OFLAGS_CREAT);
        write_file("entry", 0, __WASI_OFLAGS_CREAT | __WASI_OFLAGS_TRUNC);
        did(__wasi_path_filestat_set_times(GRANT, 0, "entry", 1, 1, __WASI_FSTFLAGS_MTIM));
        did(__wasi_path_filestat_set_times(GRANT, 1, "entry", 1, 1, __WASI_FSTFLAGS_MTIM));
        look("swap/file", 0);
        look("swap/sub/../file", __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW);
        read_link("swap/link");
        read_link("swap/sub/../link");
        write_file("swap/file", 0, 0);
        write_file("swap/file", 0, __WASI_OFLAGS_TRUNC);
        write_file("swap/sub/../file", 0, __WASI_OFLAGS_CREAT);
        did(__wasi_path_filestat_set_times(GRANT, 0, "swap/file", 1, 1, __WASI_FSTFLAGS_MTIM));
        did(__wasi_path_filestat_set_times(GRANT, 1, "swap/sub/file", 1, 1, __WASI_FSTFLAGS_ATIM));
        did(__wasi_path_filestat_set_times(GRANT, 1, "swap/", 1, 1, __WASI_FSTFLAGS_MTIM));
        did(__wasi_path_filestat_set_times(GRANT, 1, "swap", 1, 1, __WASI_FSTFLAGS_MTIM));
        did(__wasi_path_remove_directory(GRANT, "swap/empty"));
        did(__wasi_path_create_directory(GRANT, "swap/empty"));
        create_and_remove(round);
        move();
        // An open directory stays the same directory, even if its name is given to another one.
        __wasi_fd_t directory, above;
        if (did(open_at("swap/sub", 0, __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READ, &directory))) {
            if (!__wasi_path_open(directory, 0, "../file", 0, __WASI_RIGHTS_FD_READ, 0, 0, &above)) escaped("..");
            close_fd(directory);
        }
        if (__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 0, &now)) return 1;
    } while (++round < LEAST || now - start < duration);
    printf("%llu succeeded, %llu failed\n", succeeded, failed);
    return 0;
}
