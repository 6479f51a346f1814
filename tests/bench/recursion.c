// Recursive calls and nothing else.
#include "clock.h"

static uint32_t __attribute__((noinline)) fib(uint32_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

int main(int argc, char **argv) {
    uint32_t n = (uint32_t)scale(argc, argv, 41);
    double started = now();
    return report(started, fib(n));
}
