// Calls through a table of functions, at an index that is not known in advance.
#include "clock.h"

typedef uint32_t operation(uint32_t, uint32_t);

static uint32_t add(uint32_t a, uint32_t b) { return a + b; }
static uint32_t subtract(uint32_t a, uint32_t b) { return a - b; }
static uint32_t exclusive(uint32_t a, uint32_t b) { return a ^ b; }
static uint32_t rotated(uint32_t a, uint32_t b) { return (a << 7 | a >> 25) + b; }
static uint32_t multiply(uint32_t a, uint32_t b) { return a * (b | 1); }
static uint32_t conjunction(uint32_t a, uint32_t b) { return (a & b) + 0x9e3779b9; }
static uint32_t first(uint32_t a, uint32_t b) { return a + (b >> 31); }
static uint32_t second(uint32_t a, uint32_t b) { return b + (a >> 31); }

static operation *volatile const table[8] = {add, subtract, exclusive, rotated, multiply, conjunction, first, second};

int main(int argc, char **argv) {
    uint64_t rounds = scale(argc, argv, 300000000);
    uint32_t value = 1;
    double started = now();
    for (uint64_t i = 0; i < rounds; i++)
        value = table[i & 7](value, (uint32_t)i);
    return report(started, value);
}
