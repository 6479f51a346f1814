// setjmp and longjmp: over many frames, out of a callback, in nested and repeated use.

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

static jmp_buf outer, inner;

static int descend(int depth, int value) {
    if (depth == 0) longjmp(outer, value);
    return descend(depth - 1, value) + 1;
}

static int give_up(const void *a, const void *b) {
    if (*(const int *)a == 3 || *(const int *)b == 3) longjmp(outer, 33);
    return *(const int *)a - *(const int *)b;
}

static int nested(int which) {
    volatile int steps = 0;
    int first = setjmp(outer);
    if (first) return 100 + first * 10 + steps;
    steps = 1;
    int second = setjmp(inner);
    if (second == 2) longjmp(outer, 2);
    if (second) return 200 + second * 10 + steps;
    steps = 2;
    if (which == 0) longjmp(inner, 1);
    if (which == 1) longjmp(inner, 2);
    longjmp(outer, 3);
}

int main(void) {
    printf("first %d\n", setjmp(outer));
    for (volatile int value = 0; value < 4; value++) {
        int got = setjmp(outer);
        if (got == 0) descend(value * 50, value);
        printf("%d gives %d\n", value, got);
    }
    int numbers[] = {5, 4, 3, 2, 1};
    int got = setjmp(outer);
    if (got == 0) qsort(numbers, 5, sizeof *numbers, give_up);
    printf("qsort %d\n", got);
    for (int which = 0; which < 3; which++) printf("nested %d\n", nested(which));
    volatile long sum = 0;
    for (volatile int i = 0; i < 200000; i++) {
        got = setjmp(inner);
        if (got == 0) longjmp(inner, i % 7 + 1);
        sum += got;
    }
    printf("sum %ld\n", sum);
    fflush(stdout);
    if (setjmp(outer) == 0) descend(3, 1);
    exit(5);
}
