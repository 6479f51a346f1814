// Reads and copies files by name: `read FILE` prints it, `copy FROM TO` copies it.

#include <stdio.h>
#include <string.h>

static int copy(const char *from, FILE *out) {
    FILE *in = fopen(from, "r");
    if (!in) return perror(from), 1;
    char buffer[4096];
    for (size_t len; (len = fread(buffer, 1, sizeof buffer, in));) fwrite(buffer, 1, len, out);
    int error = ferror(in) || ferror(out);
    fclose(in);
    return error;
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "read")) return copy(argv[2], stdout);
    if (argc != 4) return 2;
    FILE *out = fopen(argv[3], "w");
    if (!out) return perror(argv[3]), 1;
    int error = copy(argv[2], out);
    return fclose(out) || error;
}
