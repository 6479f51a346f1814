// Copies standard input to standard output, like cat. Reports to standard error.
#include "clock.h"
#include <unistd.h>

int main(int argc, char **argv) {
    size_t size = (size_t)scale(argc, argv, 1 << 16);
    char *buffer = malloc(size);
    uint64_t copied = 0;
    double started = now();
    for (;;) {
        ssize_t n = read(STDIN_FILENO, buffer, size);
        if (n < 0)
            return perror("read"), 1;
        if (n == 0)
            return report_on(stderr, started, copied);
        for (ssize_t done = 0; done < n;) {
            ssize_t more = write(STDOUT_FILENO, buffer + done, (size_t)(n - done));
            if (more < 0)
                return perror("write"), 1;
            done += more;
        }
        copied += (uint64_t)n;
    }
}
