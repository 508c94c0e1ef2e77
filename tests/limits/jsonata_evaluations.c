// Millions of evaluations in one process:   jsonata_evaluations [COUNT]
//
// Expressions of every kind, some of which fail, in turn; after a tenth of them the process must not grow any more. Prints
// what it measured; exits 1 when the memory grew or something is left at the end.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "aslc/aslc.h"

static const struct {
    const char *text, *fails; /* the code, or NULL */
} expressions[] = {
    {"a.b[0].c", NULL},
    {"$sum(items.(price * qty))", NULL},
    {"items[price > 2].name", NULL},
    {"{\"n\": $count(items), \"first\": items[0].name & \"!\"}", NULL},
    {"($f := function($n){ $n < 2 ? 1 : $n * $f($n - 1) }; $f(8))", NULL},
    {"($make := function($x){ function($y){ $x + $y } }; $make(1)(2))", NULL}, /* closures that hold each other */
    {"items ~> $map(function($i){ $uppercase($i.name) })", NULL},
    {"items^(>price).name", NULL},
    {"$replace(text, /[aeiou]/, \"*\")", NULL},
    {"$ ~> |items|{\"qty\": qty + 1}, \"name\"|", NULL},
    {"items{name: $sum(price)}", NULL},
    {"$number(text)", "D3030"},
    {"items + 1", "T2001"},
    {"$error(\"no\")", "D3137"},
    {"$eval(\"1 + 1\")", NULL},
};
enum { COUNT = sizeof expressions / sizeof *expressions };

static const char document[] = "{\"a\":{\"b\":[{\"c\":1}]},\"text\":\"hello world\",\"items\":[{\"name\":\"x\",\"price\":1.5,\"qty\":2},"
                               "{\"name\":\"y\",\"price\":3,\"qty\":1},{\"name\":\"x\",\"price\":2.25,\"qty\":4}]}";

static long resident_kb(void) {
    long pages = 0, ignored;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &ignored, &pages) != 2) {
        perror("/proc/self/statm");
        exit(1);
    }
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv) {
    long count = argc > 1 ? atol(argv[1]) : 1000000, warm = 0;
    asl_value input;
    aslc_expression_error e;
    aslc_expression *compiled[COUNT];
    if (asl_json_parse((asl_str){document, sizeof document - 1}, NULL, &input, NULL) < 0)
        return 1;
    for (size_t i = 0; i < COUNT; i++) {
        compiled[i] = aslc_expression_compile(expressions[i].text, strlen(expressions[i].text), ASLC_JSONATA, &e);
        if (!compiled[i]) {
            printf("%s: %s %s\n", expressions[i].text, e.code, e.message);
            return 1;
        }
    }
    clock_t started = clock();
    for (long n = 0; n < count; n++) {
        if (n == count / 10)
            warm = resident_kb();
        size_t i = (size_t)n % COUNT;
        asl_value out = asl_none();
        const char *fails = "";
        if (aslc_expression_evaluate(compiled[i], &input, NULL, 0, &out, &e) < 0)
            fails = e.code;
        if (strcmp(fails, expressions[i].fails ? expressions[i].fails : "") != 0 || (!*fails && out.tag == ASL_NONE)) {
            printf("%s: \"%s\" after %ld evaluations\n", expressions[i].text, fails, n);
            return 1;
        }
        asl_release(out);
    }
    double seconds = (double)(clock() - started) / CLOCKS_PER_SEC;
    long grown = resident_kb() - warm;
    for (size_t i = 0; i < COUNT; i++)
        aslc_expression_free(compiled[i]);
    asl_release(input);
    printf("%ld evaluations in %.1f s: %ld KiB resident after the first tenth, %+ld KiB since; %zu bytes left at the end\n", count, seconds,
           warm, grown, asl_alloc_live());
    return grown > 4096 || asl_alloc_live() != 0; // 4 MiB: the allocator may still spread in the first millions
}
