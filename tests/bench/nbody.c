// Planets pulling at each other: floating point in a small working set.
#include "clock.h"
#include <math.h>
#include <string.h>

struct body { double x, y, z, vx, vy, vz, mass; };
enum { COUNT = 5 };

static void advance(struct body *bodies, double dt) {
    for (int i = 0; i < COUNT; i++)
        for (int j = i + 1; j < COUNT; j++) {
            struct body *a = &bodies[i], *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            double square = dx * dx + dy * dy + dz * dz;
            double force = dt / (square * sqrt(square));
            a->vx -= dx * b->mass * force, a->vy -= dy * b->mass * force, a->vz -= dz * b->mass * force;
            b->vx += dx * a->mass * force, b->vy += dy * a->mass * force, b->vz += dz * a->mass * force;
        }
    for (int i = 0; i < COUNT; i++) {
        struct body *a = &bodies[i];
        a->x += dt * a->vx, a->y += dt * a->vy, a->z += dt * a->vz;
    }
}

int main(int argc, char **argv) {
    uint64_t steps = scale(argc, argv, 8000000), random = 2463534242u;
    struct body bodies[COUNT];
    double *values = (double *)bodies;
    for (size_t i = 0; i < sizeof bodies / (sizeof *values); i++)
        values[i] = (double)(next_random(&random) % 1000) / 100 + 0.5;
    double started = now();
    for (uint64_t i = 0; i < steps; i++)
        advance(bodies, 0.001);
    uint64_t checksum;
    memcpy(&checksum, &bodies[0].x, sizeof checksum);
    return report(started, checksum);
}
