// Prints for standard input and output whether the libc takes them for a terminal.

#include <stdio.h>
#include <unistd.h>

int main(void) {
    for (int fd = 0; fd < 2; fd++) puts(isatty(fd) ? "terminal" : "other");
    return 0;
}
