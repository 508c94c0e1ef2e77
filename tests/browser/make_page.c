// Writes the report of an execution, as --report does, from files: make_page DEFINITION DESCRIPTION HISTORY > page.html
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>

static asl_str file(const char *path, asl_buffer *b) {
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(2);
    }
    for (size_t n; (n = fread(asl_buffer_reserve(b, 65536), 1, 65536, f)) > 0;) b->size += n;
    fclose(f);
    return (asl_str){b->data, b->size};
}

int main(int argc, char **argv) {
    asl_buffer text[3] = {{0}}, page = {0};
    if (argc != 4) return 2;
    struct report r = {
        .machine = "NightlyOrders",
        .version = "1.0",
        .definition = file(argv[1], &text[0]),
        .definition_file = argv[1],
        .description = file(argv[2], &text[1]),
        .history = file(argv[3], &text[2]),
    };
    asl__report(&r, &page);
    fwrite(page.data, 1, page.size, stdout);
    for (int i = 0; i < 3; i++) asl_buffer_free(&text[i]);
    asl_buffer_free(&page);
    return fflush(stdout) == 0 ? 0 : 1;
}
