// Ends in the way that its argument names, with output in a buffer and a function registered for the end.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void at_the_end(void) { printf("at the end\n"); }

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    // The buffer is large enough that nothing is written before the end.
    setvbuf(stdout, NULL, _IOFBF, 4096);
    atexit(at_the_end);
    printf("buffered\n");
    if (!strcmp(how, "exit")) exit(255);
    if (!strcmp(how, "_Exit")) _Exit(254);
    if (!strcmp(how, "abort")) abort();
    return 3;
}
