// The common part of the benchmarks. A benchmark takes its scale from its argument, so that nothing can be computed at compile
// time. It measures its own kernel, and prints a checksum (equal on every engine) and the seconds.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int report_on(FILE *to, double started, uint64_t checksum) {
    double seconds = now() - started;
    fprintf(to, "%016llx %.6f\n", (unsigned long long)checksum, seconds);
    return 0;
}

static inline int report(double started, uint64_t checksum) { return report_on(stdout, started, checksum); }

static uint64_t scale(int argc, char **argv, uint64_t usual) {
    return argc > 1 ? strtoull(argv[1], NULL, 10) : usual;
}

static inline uint64_t next_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}
