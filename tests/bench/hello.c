/* The smallest program with output, for measuring the start. */
#include <stdio.h>

int main(void) {
    puts("hello");
    return 0;
}
