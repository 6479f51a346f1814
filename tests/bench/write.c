// Writes to standard output byte by byte, like a program without buffers. Reports to standard error.
#include "clock.h"
#include <unistd.h>

int main(int argc, char **argv) {
    uint64_t count = scale(argc, argv, 1000000), written = 0;
    double started = now();
    for (uint64_t i = 0; i < count; i++) {
        char byte = (char)i;
        ssize_t n = write(STDOUT_FILENO, &byte, 1);
        if (n < 0)
            return perror("write"), 1;
        written += (uint64_t)n;
    }
    return report_on(stderr, started, written);
}
