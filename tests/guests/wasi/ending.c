// Ends in the way that its argument names, with something in a buffer and something to do at the end.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void at_the_end(void) { printf("at the end\n"); }

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    // Not a terminal, so nothing is written before the end.
    setvbuf(stdout, NULL, _IOFBF, 4096);
    atexit(at_the_end);
    printf("buffered\n");
    if (!strcmp(how, "exit")) exit(255);
    if (!strcmp(how, "_Exit")) _Exit(254);
    if (!strcmp(how, "abort")) abort();
    return 3;
}
