// Waits in all the ways that a libc offers, and prints the name of each way that took the right time.

#include <poll.h>
#include <stdio.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

enum { WAIT = 30 * 1000 * 1000, SECOND = 1000 * 1000 * 1000 };

static long long now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void waited(const char *name, long long started, int result) {
    long long nanoseconds = now(CLOCK_MONOTONIC) - started;
    if (result == 0 && nanoseconds >= WAIT) puts(name);
    else printf("%s: %d after %lld ns\n", name, result, nanoseconds);
}

int main(void) {
    long long started = now(CLOCK_MONOTONIC);
    waited("usleep", started, usleep(WAIT / 1000));

    struct timespec wait = {0, WAIT};
    started = now(CLOCK_MONOTONIC);
    waited("clock_nanosleep", started, clock_nanosleep(CLOCK_REALTIME, 0, &wait, NULL));

    started = now(CLOCK_MONOTONIC);
    long long end = now(CLOCK_REALTIME) + WAIT;
    struct timespec until = {end / SECOND, end % SECOND};
    waited("clock_nanosleep absolute", started, clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL));

    // Standard input stays empty.
    struct pollfd in = {0, POLLRDNORM, 0};
    started = now(CLOCK_MONOTONIC);
    waited("poll", started, poll(&in, 1, WAIT / 1000000));

    fd_set set;
    FD_ZERO(&set);
    FD_SET(0, &set);
    struct timeval timeout = {0, WAIT / 1000};
    started = now(CLOCK_MONOTONIC);
    waited("select", started, select(1, &set, NULL, NULL, &timeout));
    return 0;
}
