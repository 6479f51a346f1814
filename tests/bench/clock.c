// Asks for the time, as programs that measure themselves do.
#include "clock.h"

int main(int argc, char **argv) {
    uint64_t count = scale(argc, argv, 5000000), backwards = 0;
    struct timespec before = {0}, t;
    double started = now();
    for (uint64_t i = 0; i < count; i++) {
        clock_gettime(CLOCK_MONOTONIC, &t);
        backwards += t.tv_sec < before.tv_sec || (t.tv_sec == before.tv_sec && t.tv_nsec < before.tv_nsec);
        before = t;
    }
    return report(started, count + backwards);
}
