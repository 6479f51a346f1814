// A hash table with open addressing: dependent loads over more memory than the caches hold.
#include "clock.h"
#include <string.h>

struct table { uint64_t *keys, *values, mask; };

static uint64_t mix(uint64_t x) {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    return x * 0xd6e8feb86659fd93u;
}

static uint64_t *__attribute__((noinline)) entry(struct table *table, uint64_t key) {
    uint64_t at = mix(key) & table->mask;
    while (table->keys[at] != 0 && table->keys[at] != key)
        at = (at + 1) & table->mask;
    table->keys[at] = key;
    return &table->values[at];
}

int main(int argc, char **argv) {
    uint64_t rounds = scale(argc, argv, 16000000), random = 88172645463325252u, checksum = 0;
    struct table table = {.mask = (1 << 20) - 1};
    table.keys = calloc(table.mask + 1, sizeof(uint64_t));
    table.values = calloc(table.mask + 1, sizeof(uint64_t));
    double started = now();
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t *value = entry(&table, next_random(&random) % 600000 + 1);
        checksum += *value;
        *value += i;
    }
    return report(started, checksum);
}
