/* The smallest program that does something: what starting costs. */
#include <stdio.h>

int main(void) {
    puts("hello");
    return 0;
}
