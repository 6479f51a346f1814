// Products of square matrices of doubles.
#include "clock.h"
#include <string.h>

enum { N = 320 };

static void __attribute__((noinline)) multiply(double (*c)[N], double (*a)[N], double (*b)[N]) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
}

int main(int argc, char **argv) {
    uint64_t rounds = scale(argc, argv, 20), random = 2463534242u;
    double(*m[3])[N];
    for (int i = 0; i < 3; i++)
        m[i] = malloc(sizeof(double[N][N]));
    for (int i = 0; i < N * N; i++) {
        m[0][0][i] = (double)(next_random(&random) % 1000) / 1e5;
        m[1][0][i] = (double)(next_random(&random) % 1000) / 1e5;
    }
    double started = now();
    for (uint64_t i = 0; i < rounds; i++) {
        multiply(m[2], m[0], m[1]);
        double(*swapped)[N] = m[0];
        m[0] = m[2], m[2] = swapped;
    }
    uint64_t checksum;
    memcpy(&checksum, &m[0][N / 2][N / 3], sizeof checksum);
    return report(started, checksum);
}
