// Throughput of compiled expressions through libaslc: what tests/bench/jsonata.py compares with npm's jsonata.
//
//     jsonata_bench NAME DATA.json EXPRESSION [SAMPLES]
//
// Compiles once, evaluates for half a second to warm up, then takes samples of about 0.3 s. Prints one JSON object:
// {"name", "us", "min", "compile_ms", "bytes", "result"}: microseconds per evaluation (median, least), milliseconds to
// compile, resident bytes that the evaluations have added, and the result as a text.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "aslc/aslc.h"

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static char *read_file(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(*size + 1);
    if (fread(text, 1, *size, f) != *size)
        *size = 0;
    fclose(f);
    return text;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static aslc_expression *expression;
static asl_value input;

static double run(long count) {
    aslc_expression_error error;
    double start = now_us();
    for (long i = 0; i < count; i++) {
        asl_value out;
        if (aslc_expression_evaluate(expression, &input, NULL, 0, &out, &error) < 0) {
            fprintf(stderr, "%s: %s\n", error.code, error.message);
            exit(1);
        }
        asl_release(out);
    }
    return now_us() - start;
}

int main(int argc, char **argv) {
    size_t size = 0;
    char *text = argc >= 4 ? read_file(argv[2], &size) : NULL;
    asl_json_error bad;
    if (!text || asl_json_parse((asl_str){text, size}, NULL, &input, &bad) < 0) {
        fputs("usage: jsonata_bench NAME DATA.json EXPRESSION [SAMPLES]\n", stderr);
        return 2;
    }
    int samples = argc > 4 ? atoi(argv[4]) : 7;
    aslc_expression_error error;
    double before = now_us();
    expression = aslc_expression_compile(argv[3], strlen(argv[3]), ASLC_JSONATA, &error);
    double compiled = now_us() - before;
    if (!expression) {
        fprintf(stderr, "%s: %s\n", error.code, error.message);
        return 1;
    }
    asl_value out;
    asl_buffer result = {0};
    if (aslc_expression_evaluate(expression, &input, NULL, 0, &out, &error) < 0) {
        fprintf(stderr, "%s: %s\n", error.code, error.message);
        return 1;
    }
    asl_json_print(&out, &result);
    asl_release(out);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    long resident = usage.ru_maxrss;
    double start = now_us(), t = 0;
    long n = 1;
    while (now_us() - start < 5e5)
        if ((t = run(n)) < 1e5)
            n *= 2;
    n = (long)((double)n * 3e5 / t);
    if (n < 1)
        n = 1;
    double v[64];
    if (samples < 1 || samples > 64)
        samples = 7;
    for (int i = 0; i < samples; i++)
        v[i] = run(n) / (double)n;
    qsort(v, (size_t)samples, sizeof *v, ascending);
    getrusage(RUSAGE_SELF, &usage);
    asl_buffer line = {0};
    asl_buffer_format(&line, "{\"name\":\"%s\",\"us\":%.4f,\"min\":%.4f,\"compile_ms\":%.2f,\"bytes\":%ld,\"result\":", argv[1], v[samples / 2],
                      v[0], compiled / 1e3, (usage.ru_maxrss - resident) * 1024);
    asl_json_print_string((asl_str){result.data, result.size}, &line);
    asl_buffer_z(&line, "}");
    puts(line.data);
    asl_buffer_free(&line);
    asl_buffer_free(&result);
    aslc_expression_free(expression);
    asl_release(input);
    free(text);
    return 0;
}
