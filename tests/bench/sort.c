// A sort with a comparison function, like qsort: one indirect call per comparison.
#include "clock.h"
#include <string.h>

typedef int compare(const void *, const void *);

static void swap(char *a, char *b, size_t size) {
    for (size_t i = 0; i < size; i++) {
        char byte = a[i];
        a[i] = b[i];
        b[i] = byte;
    }
}

static void __attribute__((noinline)) sort(char *base, size_t count, size_t size, compare *less) {
    while (count > 1) {
        char *pivot = base + count / 2 * size, *last = base + (count - 1) * size, *store = base;
        swap(pivot, last, size);
        for (char *at = base; at < last; at += size)
            if (less(at, last) < 0) {
                swap(at, store, size);
                store += size;
            }
        swap(store, last, size);
        size_t below = (size_t)(store - base) / size, above = count - below - 1;
        if (below < above) {
            sort(base, below, size, less);
            base = store + size, count = above;
        } else {
            sort(store + size, above, size, less);
            count = below;
        }
    }
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int by_low_bits(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a & 0xffff, y = *(const uint32_t *)b & 0xffff;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    uint64_t count = scale(argc, argv, 3000000), random = 88172645463325252u, checksum = 0;
    uint32_t *values = malloc(count * sizeof *values);
    for (uint64_t i = 0; i < count; i++)
        values[i] = (uint32_t)(next_random(&random) >> 20);
    compare *orders[2] = {ascending, by_low_bits};
    double started = now();
    sort((char *)values, count, sizeof *values, orders[argc > 100]);
    for (uint64_t i = 0; i < count; i++)
        checksum = checksum * 31 + values[i];
    return report(started, checksum);
}
