// Atomic instructions on a memory that is not shared: counters in two tables, by addition, and by comparison and exchange.
#include "clock.h"

#define COUNTERS 4096

static uint32_t narrow[COUNTERS];
static uint64_t wide[COUNTERS];

int main(int argc, char **argv) {
    uint64_t rounds = scale(argc, argv, 60000000), checksum = 0;
    uint32_t random = 1;
    double started = now();
    for (uint64_t i = 0; i < rounds; i++) {
        random = random * 1664525 + 1013904223;
        uint32_t at = random >> 20;
        __atomic_fetch_add(&narrow[at], random, __ATOMIC_SEQ_CST);
        uint64_t expected = __atomic_load_n(&wide[at], __ATOMIC_SEQ_CST);
        __atomic_compare_exchange_n(&wide[at], &expected, expected + random, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    for (int i = 0; i < COUNTERS; i++)
        checksum = checksum * 31 + narrow[i] + __atomic_exchange_n(&wide[i], 0, __ATOMIC_SEQ_CST);
    return report(started, checksum);
}
