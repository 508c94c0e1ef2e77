// The JSON parser and printer beside cJSON's and simdjson's: what tests/bench/json_bench.py prints a table of.
//
//     json_bench [--rounds N] [--only ours|cjson|simdjson] FILE.json …
//
// A round parses, prints and frees the document once with each library in turn (small documents many times), so that each
// finds the caches as another program might leave them; processor time is what counts. Before that the document goes through ours there and back: printed, read
// again and printed again it must be equal and the same text, and as many bytes as asl_json_size says.
//
// For each file and library one JSON line: {"file", "bytes", "library", "parse", "parse_best", "print", "print_best",
// "free"}: MB/s, median and best, of the text read and the text written; microseconds to free it.
#include "aslc/value.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *simdjson_open(const char *text, size_t size); // json_simdjson.cpp; NULL when built without simdjson
int simdjson_parse(void *reader);
size_t simdjson_print(void *reader);
void simdjson_close(void *reader);

#if defined NO_SIMDJSON
void *simdjson_open(const char *text, size_t size) { return (void)text, (void)size, NULL; }
int simdjson_parse(void *reader) { return reader != NULL; }
size_t simdjson_print(void *reader) { return reader != NULL; }
void simdjson_close(void *reader) { (void)reader; }
#endif

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); // what else the machine does shall not count
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *read_file(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(*size + 1);
    if (fread(text, 1, *size, f) != *size) exit(1);
    text[*size] = 0;
    fclose(f);
    return text;
}

static void must(int condition, const char *what) {
    if (condition) return;
    fprintf(stderr, "json_bench: %s\n", what);
    exit(1);
}

enum { OURS, CJSON, SIMDJSON, LIBRARIES };
static const char *const names[] = {"ours", "cjson", "simdjson"};

struct document {
    const char *text;
    size_t size;
    size_t repeat; // how often it is parsed in one sample
    asl_value *ours;
    cJSON **cjson;
    void *simdjson;
    asl_buffer printed;
};

struct sample {
    double parse, print, release; // seconds for one document
    size_t printed;
};

static struct sample sample_ours(struct document *d) {
    struct sample s;
    double t0 = now();
    for (size_t i = 0; i < d->repeat; i++) asl_json_parse((asl_str){d->text, d->size}, NULL, &d->ours[i], NULL);
    double t1 = now();
    for (size_t i = 0; i < d->repeat; i++) {
        d->printed.size = 0;
        asl_json_print(&d->ours[i], &d->printed);
    }
    double t2 = now();
    for (size_t i = 0; i < d->repeat; i++) asl_release(d->ours[i]);
    double t3 = now(), n = (double)d->repeat;
    s = (struct sample){(t1 - t0) / n, (t2 - t1) / n, (t3 - t2) / n, d->printed.size};
    return s;
}

static struct sample sample_cjson(struct document *d) {
    struct sample s = {0};
    double t0 = now();
    for (size_t i = 0; i < d->repeat; i++) d->cjson[i] = cJSON_ParseWithLength(d->text, d->size);
    double t1 = now();
    for (size_t i = 0; i < d->repeat; i++) {
        char *text = cJSON_PrintUnformatted(d->cjson[i]);
        s.printed = strlen(text);
        cJSON_free(text);
    }
    double t2 = now();
    for (size_t i = 0; i < d->repeat; i++) cJSON_Delete(d->cjson[i]);
    double t3 = now(), n = (double)d->repeat;
    s.parse = (t1 - t0) / n, s.print = (t2 - t1) / n, s.release = (t3 - t2) / n;
    return s;
}

static struct sample sample_simdjson(struct document *d) {
    struct sample s = {0};
    double t0 = now();
    for (size_t i = 0; i < d->repeat; i++) must(simdjson_parse(d->simdjson), "simdjson refuses it");
    double t1 = now();
    for (size_t i = 0; i < d->repeat; i++) s.printed = simdjson_print(d->simdjson);
    double t2 = now(), n = (double)d->repeat;
    s.parse = (t1 - t0) / n, s.print = (t2 - t1) / n;
    return s;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n) {
    qsort(x, n, sizeof *x, ascending);
    return x[n / 2];
}

static void check_round_trip(const struct document *d) {
    asl_value v, again;
    asl_buffer first = {0}, second = {0};
    must(asl_json_parse((asl_str){d->text, d->size}, NULL, &v, NULL) == 0, "we refuse it");
    asl_json_print(&v, &first);
    must(first.size == asl_json_size(&v), "asl_json_size is wrong");
    must(asl_json_parse((asl_str){first.data, first.size}, NULL, &again, NULL) == 0, "we refuse our own text");
    asl_json_print(&again, &second);
    must(asl_equal(&v, &again), "the value changed");
    must(first.size == second.size && memcmp(first.data, second.data, first.size) == 0, "the text changed");
    asl_release(v);
    asl_release(again);
    asl_buffer_free(&first);
    asl_buffer_free(&second);
}

static void run(const char *path, size_t rounds, int only) {
    struct document d = {0};
    char *text = read_file(path, &d.size);
    while (d.size && (text[d.size - 1] == '\n' || text[d.size - 1] == ' ')) d.size--;
    d.text = text;
    check_round_trip(&d);
    d.repeat = d.size < 65536 ? 65536 / (d.size + 1) + 1 : 1;
    d.ours = calloc(d.repeat, sizeof *d.ours);
    d.cjson = calloc(d.repeat, sizeof *d.cjson);
    d.simdjson = simdjson_open(d.text, d.size);

    double *parse[LIBRARIES], *print[LIBRARIES], *release[LIBRARIES];
    size_t printed[LIBRARIES] = {0};
    for (int l = 0; l < LIBRARIES; l++) {
        parse[l] = calloc(rounds, sizeof(double));
        print[l] = calloc(rounds, sizeof(double));
        release[l] = calloc(rounds, sizeof(double));
    }
    for (size_t round = 0; round < rounds + 2; round++) { // two to warm up
        for (int l = 0; l < LIBRARIES; l++) {
            if ((only >= 0 && only != l) || (l == SIMDJSON && !d.simdjson)) continue;
            struct sample s = l == OURS ? sample_ours(&d) : l == CJSON ? sample_cjson(&d) : sample_simdjson(&d);
            printed[l] = s.printed;
            if (round < 2) continue;
            parse[l][round - 2] = s.parse, print[l][round - 2] = s.print, release[l][round - 2] = s.release;
        }
    }
    for (int l = 0; l < LIBRARIES; l++) {
        if (!printed[l]) continue;
        double parse_median = median(parse[l], rounds), print_median = median(print[l], rounds);
        printf("{\"file\":\"%s\",\"bytes\":%zu,\"library\":\"%s\",\"parse\":%.1f,\"parse_best\":%.1f,\"print\":%.1f,"
               "\"print_best\":%.1f,\"free\":%.2f}\n",
               path, d.size, names[l], (double)d.size / parse_median / 1e6, (double)d.size / parse[l][0] / 1e6,
               (double)printed[l] / print_median / 1e6, (double)printed[l] / print[l][0] / 1e6,
               median(release[l], rounds) * 1e6);
        fflush(stdout);
    }
    for (int l = 0; l < LIBRARIES; l++) free(parse[l]), free(print[l]), free(release[l]);
    if (d.simdjson) simdjson_close(d.simdjson);
    asl_buffer_free(&d.printed);
    free(d.ours), free(d.cjson), free(text);
}

int main(int count, char **args) {
    size_t rounds = 41;
    int only = -1, i = 1;
    for (; i + 1 < count && strncmp(args[i], "--", 2) == 0; i += 2) {
        if (strcmp(args[i], "--rounds") == 0) rounds = strtoul(args[i + 1], NULL, 10);
        for (int l = 0; l < LIBRARIES; l++) {
            if (strcmp(args[i], "--only") == 0 && strcmp(args[i + 1], names[l]) == 0) only = l;
        }
    }
    must(i < count && rounds > 0, "usage: json_bench [--rounds N] [--only ours|cjson|simdjson] FILE.json …");
    for (; i < count; i++) run(args[i], rounds, only);
    return 0;
}
