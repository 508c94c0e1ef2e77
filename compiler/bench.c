// aslc bench: the same plan, the same input, the same process; compiled and interpreted in turn.
//
//     per engine and run      parse ── run ── print ── release        each timed by itself
//     in turn                 compiled, interpreted, compiled, …      so that what else the machine does slows both
//
// "run" is an execution from its start to its end on an engine that is already there, as a resident process would do it:
// input and output are values. Every output is compared with the other engine's of the same round. Time is virtual and
// the seed is fixed unless the command line says otherwise, so waits cost nothing and random numbers are the same twice.
//
// On a busy machine a run of 15 ms is interrupted several times and takes twice as long, one of 20 us hardly ever is: plain
// times would then compare the machine's load. So what a phase lost because others were given the processor is taken out;
// when it gave the processor up itself, to wait for a handler, all of it counts.
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "driver.h"
#include "duration.h"

enum { OK = 0, FAILED = 1, BAD = 2 };

const char bench_usage[] =
    "Usage: aslc bench [OPTIONS] DEFINITION\n"
    "\n"
    "Runs DEFINITION compiled and interpreted, in turn, in one process, and compares times and outputs.\n"
    "\n"
    "  --input FILE|-|JSON     the executions' input (default {})\n"
    "  --runs N                measured runs of each (default: as many as take 3 seconds, 7 to 1001)\n"
    "  --format text|json      json: one object on standard output; times in seconds, medians\n"
    "  --mock FILE[#TESTCASE]  answer Task states from a MockConfigFile of AWS Step Functions Local\n"
    "  --bind PATTERN=HANDLER  who does the work of Task resources\n"
    "  --clock virtual|real    default virtual: waits and backoffs pass at once\n"
    "  --seed N                of random numbers (default 1)\n"
    "  --strict-aws            hold to the quotas of the AWS service\n"
    "  --type standard|express\n"
    "  -O0 -O1 -O2 -O3         how hard to optimise (default -O2)\n"
    "  -fno-PASS               leave a pass out, to see what it gives\n"
    "  -D NAME=VALUE, --definitions FILE\n"
    "                          fill placeholders ${NAME}\n";

/* Enough for a median to mean something; few enough that a slow workflow ends. */
enum { FEWEST_RUNS = 7, MOST_RUNS = 1001, LEAST_WARM_UP = 3 };
#define BUDGET_SECONDS  3.0
#define WARM_UP_SECONDS 0.3

enum phase { PARSE, RUN, PRINT, RELEASE, PHASES };
enum side { COMPILED, INTERPRETED, SIDES };
static const char *const side_names[SIDES] = {"compiled", "interpreted"};

struct options {
    const char *definition, *input, *format;
    aslc_options compile;
    asl_engine_options engine;
    uint32_t runs; /* 0: as many as there is time for */
    VEC(aslc_define) defines;
    VEC(asl_bind) binds;
};

struct measured { /* one side */
    asl_engine *engine;
    double *times[PHASES], *totals;
    size_t count, capacity;
    size_t allocations; /* of the last run, parsing and printing included */
    asl_status status;
    uint64_t transitions;
    asl_buffer outcome; /* of the last run: output, or error and cause */
};

__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("aslc bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return BAD;
}

// ---------------------------------------------------------------- options

static int add_define(struct options *o, struct arena *a, const char *text) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return complain("-D takes NAME=VALUE, not \"%s\"", text);
    *vec_push(a, &o->defines) = (aslc_define){arena_copy(a, text, (size_t)(equals - text)), equals + 1};
    return OK;
}

static int add_definitions(struct options *o, struct arena *a, const char *path) {
    aslc_define *defines;
    size_t count;
    if (driver_definitions(a, path, &defines, &count) < 0)
        return BAD;
    for (size_t i = 0; i < count; i++)
        *vec_push(a, &o->defines) = defines[i];
    return OK;
}

static int add_bind(struct options *o, struct arena *a, const char *text) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return complain("--bind takes PATTERN=HANDLER, not \"%s\"", text);
    *vec_push(a, &o->binds) = (asl_bind){arena_copy(a, text, (size_t)(equals - text)), equals + 1};
    return OK;
}

static int leave_out(struct options *o, struct arena *a, const char *pass) {
    if (!driver_has_pass(pass, true))
        return complain("-fno-%s: there is no such pass", pass);
    o->compile.without = arena_format(a, "%s%s,", o->compile.without ? o->compile.without : "", pass);
    return OK;
}

static int set_number(const char *option, const char *text, uint64_t most, uint64_t *out) {
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || *out > most)
        return complain("%s takes a number up to %" PRIu64 ", not \"%s\"", option, most, text);
    return OK;
}

static int one_of(const char *option, const char *text, const char *first, const char *second, bool *is_first) {
    *is_first = strcmp(text, first) == 0;
    if (*is_first || strcmp(text, second) == 0)
        return OK;
    return complain("%s is %s or %s, not \"%s\"", option, first, second, text);
}

static int valued_option(struct options *o, struct arena *a, const char *option, const char *value) {
    uint64_t number;
    bool first;
    int rc = OK;
    if (strcmp(option, "--input") == 0) {
        o->input = value;
    } else if (strcmp(option, "--mock") == 0) {
        o->engine.mock_file = value;
    } else if (strcmp(option, "--bind") == 0) {
        rc = add_bind(o, a, value);
    } else if (strcmp(option, "--definitions") == 0) {
        rc = add_definitions(o, a, value);
    } else if (strcmp(option, "--format") == 0) {
        o->format = value;
        rc = one_of(option, value, "text", "json", &first);
    } else if (strcmp(option, "--runs") == 0) {
        if ((rc = set_number(option, value, 1000000, &number)) == OK && number == 0)
            rc = complain("--runs 0 measures nothing");
        o->runs = (uint32_t)number;
    } else if (strcmp(option, "--seed") == 0) {
        rc = set_number(option, value, UINT64_MAX, &o->engine.seed);
    } else if (strcmp(option, "--clock") == 0) {
        rc = one_of(option, value, "virtual", "real", &o->engine.virtual_clock);
    } else { /* --type */
        rc = one_of(option, value, "express", "standard", &first);
        o->compile.express = o->engine.express = first;
        o->engine.standard = !first;
    }
    return rc;
}

static const char *const valued_options[] = {"--input", "--runs", "--format", "--mock", "--bind", "--clock",
                                             "--seed",  "--type", "--definitions", NULL};

static int option(struct options *o, struct arena *a, int argc, char **argv, int *i) {
    const char *word = argv[*i], *equals = strchr(word, '=');
    size_t size = equals ? (size_t)(equals - word) : strlen(word);
    for (const char *const *v = valued_options; *v; v++) {
        if (strlen(*v) != size || strncmp(*v, word, size) != 0)
            continue;
        if (!equals && *i + 1 >= argc)
            return complain("%s needs a value", word);
        return valued_option(o, a, *v, equals ? equals + 1 : argv[++*i]);
    }
    if (strcmp(word, "--strict-aws") == 0)
        return o->engine.strict_aws = true, OK;
    if (word[1] == 'O' && word[2] >= '0' && word[2] <= '3' && !word[3])
        return o->compile.optimise = word[2] - '0', OK;
    if (strncmp(word, "-fno-", 5) == 0)
        return leave_out(o, a, word + 5);
    if (word[1] == 'D' && (word[2] || *i + 1 < argc))
        return add_define(o, a, word[2] ? word + 2 : argv[++*i]);
    complain("there is no option %s", word);
    fputs("Try 'aslc help bench'.\n", stderr);
    return BAD;
}

static int parse(struct options *o, struct arena *a, int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        if (argv[i][0] == '-' && argv[i][1]) {
            if (option(o, a, argc, argv, &i) != OK)
                return BAD;
        } else if (o->definition) {
            return complain("one definition at a time; what is \"%s\"?", argv[i]);
        } else {
            o->definition = argv[i];
        }
    }
    o->compile.defines = o->defines.items;
    o->compile.define_count = o->defines.count;
    o->engine.binds = o->binds.items;
    o->engine.bind_count = o->binds.count;
    return o->definition ? OK : complain("which definition? Name a file, or - for standard input");
}

// ---------------------------------------------------------------- one run

static double clock_seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double now(void) { return clock_seconds(CLOCK_MONOTONIC); }

/* How often the thread has given the processor up by itself. */
static long voluntary_waits(void) {
    struct rusage used;
    getrusage(RUSAGE_THREAD, &used);
    return used.ru_nvcsw;
}

struct stopwatch {
    double wall, cpu;
};

/* The wall clock is read last here and first below, so that the other, which is a system call, is not measured; it is the
   only one before a phase, as in tests/bench/limit, because the first instructions after one are slower. */
static struct stopwatch start_watch(void) {
    struct stopwatch w = {.cpu = clock_seconds(CLOCK_THREAD_CPUTIME_ID)};
    w.wall = now();
    return w;
}

/* waits: as they were when a phase was last long enough for them to matter. */
static double stop_watch(const struct stopwatch *w, long *waits) {
    double wall = now() - w->wall, cpu = clock_seconds(CLOCK_THREAD_CPUTIME_ID) - w->cpu;
    if (wall <= 100e-6 || cpu >= wall) // reading the clocks is some 1 us of cpu
        return wall;
    long before = *waits;
    *waits = voluntary_waits();
    return *waits == before ? cpu : wall;
}

static void keep_time(struct measured *m, const double times[PHASES]) {
    if (m->count == m->capacity) {
        m->capacity = m->capacity ? 2 * m->capacity : 64;
        for (int p = 0; p < PHASES; p++)
            m->times[p] = asl_realloc(m->times[p], m->capacity * sizeof(double));
        m->totals = asl_realloc(m->totals, m->capacity * sizeof(double));
    }
    double total = 0;
    for (int p = 0; p < PHASES; p++)
        total += m->times[p][m->count] = times[p];
    m->totals[m->count++] = total;
}

static void print_outcome(const asl_execution *x, asl_buffer *out) {
    out->size = 0;
    if (asl_execution_status(x) == ASL_SUCCEEDED) {
        asl_json_print(asl_execution_output(x), out);
        return;
    }
    const asl_value *parts[] = {asl_execution_error(x), asl_execution_cause(x)};
    for (int i = 0; i < 2; i++) {
        if (parts[i]->tag == ASL_NONE)
            continue;
        asl_buffer_z(out, i ? ": " : "");
        asl_buffer_str(out, asl_text_of(parts[i]));
    }
}

/* 0, or -1 when the execution cannot come to an end. */
static int run_once(struct measured *m, asl_str input) {
    double times[PHASES];
    asl_value value;
    size_t before = asl_alloc_made();
    long waits = voluntary_waits();
    struct stopwatch w = start_watch();
    asl_json_parse(input, NULL, &value, NULL); // has been parsed once before
    times[PARSE] = stop_watch(&w, &waits);
    w = start_watch();
    asl_execution *x = asl_execution_start(m->engine, value, "bench");
    asl_engine_run(m->engine, ASL_RUN_DEFAULT);
    times[RUN] = stop_watch(&w, &waits);
    m->status = asl_execution_status(x);
    m->transitions = asl_execution_transitions(x);
    w = start_watch();
    print_outcome(x, &m->outcome);
    times[PRINT] = stop_watch(&w, &waits);
    w = start_watch();
    asl_execution_free(x);
    times[RELEASE] = stop_watch(&w, &waits);
    m->allocations = asl_alloc_made() - before;
    if (m->status == ASL_RUNNING)
        return -1;
    keep_time(m, times);
    return 0;
}

// ---------------------------------------------------------------- all runs

struct progress {
    bool shown;
    double last;
};

static void show_progress(struct progress *p, const char *what, size_t done, size_t of) {
    double t = now();
    if (!p->shown || t - p->last < 0.1)
        return;
    p->last = t;
    if (of)
        fprintf(stderr, "\r\033[K%s %zu/%zu", what, done, of);
    else
        fprintf(stderr, "\r\033[K%s", what);
    fflush(stderr);
}

static void end_progress(const struct progress *p) {
    if (p->shown)
        fputs("\r\033[K", stderr);
}

static bool same_outcome(const struct measured *m) {
    const struct measured *a = &m[COMPILED], *b = &m[INTERPRETED];
    return a->status == b->status && a->transitions == b->transitions && a->outcome.size == b->outcome.size &&
           (a->outcome.size == 0 || memcmp(a->outcome.data, b->outcome.data, a->outcome.size) == 0);
}

/* 1: measured and all outcomes were the same, 0: they differ, -1: an execution did not end. */
static int measure(struct measured m[SIDES], asl_str input, uint32_t runs, struct progress *p) {
    bool same = true;
    double begin = now(), spent;
    uint32_t rounds = 0;
    do { // nothing is known yet, so the first round tells how long one takes
        show_progress(p, "warming up", 0, 0);
        for (int s = 0; s < SIDES; s++)
            if (run_once(&m[s], input) < 0)
                return -1;
        same &= same_outcome(m);
        rounds++;
        spent = now() - begin;
    } while (spent < WARM_UP_SECONDS ? rounds < MOST_RUNS : rounds < LEAST_WARM_UP && spent < BUDGET_SECONDS);
    double a_round = spent / rounds;
    if (runs == 0) {
        double affordable = BUDGET_SECONDS / a_round;
        runs = affordable < FEWEST_RUNS ? FEWEST_RUNS : affordable > MOST_RUNS ? MOST_RUNS : (uint32_t)affordable;
    }
    m[COMPILED].count = m[INTERPRETED].count = 0;
    for (uint32_t r = 0; r < runs; r++) {
        show_progress(p, "run", r + 1, runs);
        for (int s = 0; s < SIDES; s++) // whichever goes first finds the caches as the other left them: take turns
            if (run_once(&m[r % 2 ? SIDES - 1 - s : s], input) < 0)
                return -1;
        same &= same_outcome(m);
    }
    return same;
}

// ---------------------------------------------------------------- reporting

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *times, size_t count) {
    qsort(times, count, sizeof *times, compare);
    return count % 2 ? times[count / 2] : (times[count / 2 - 1] + times[count / 2]) / 2;
}

struct figures {
    double phase[PHASES], least, most, total;
};

static struct figures figures(struct measured *m) {
    struct figures f = {.total = median(m->totals, m->count)};
    for (int p = 0; p < PHASES; p++)
        f.phase[p] = median(m->times[p], m->count); // which sorts them
    f.least = m->times[RUN][0];
    f.most = m->times[RUN][m->count - 1];
    return f;
}

static double per_transition(double seconds, uint64_t transitions) {
    return transitions ? seconds * 1e9 / (double)transitions : 0;
}

static void json_side(asl_buffer *b, int side, const struct measured *m, const struct figures *f) {
    asl_buffer_format(b, ",\"%s\":{\"median_s\":%.9f,\"min_s\":%.9f,\"max_s\":%.9f,\"ns_per_transition\":%.3f,", side_names[side],
                      f->phase[RUN], f->least, f->most, per_transition(f->phase[RUN], m->transitions));
    asl_buffer_format(b, "\"transitions_per_s\":%.0f,\"parse_s\":%.9f,\"print_s\":%.9f,\"release_s\":%.9f,\"total_s\":%.9f,",
                      f->phase[RUN] > 0 ? (double)m->transitions / f->phase[RUN] : 0, f->phase[PARSE], f->phase[PRINT],
                      f->phase[RELEASE], f->total);
    asl_buffer_format(b, "\"allocations\":%zu}", m->allocations);
}

static void report_json(const struct aslc_unit *u, const struct measured m[SIDES], const struct figures f[SIDES], double ratio,
                        bool same, double compile_s) {
    const struct measured *c = &m[COMPILED];
    asl_buffer b = {0};
    asl_buffer_z(&b, "{\"name\":");
    asl_json_print_string(asl_str_z(u->name), &b);
    asl_buffer_format(&b, ",\"status\":\"%s\",\"transitions\":%" PRIu64 ",\"runs\":%zu,\"compile_s\":%.6f", asl_status_name(c->status),
                      c->transitions, c->count, compile_s);
    for (int s = 0; s < SIDES; s++)
        json_side(&b, s, &m[s], &f[s]);
    asl_buffer_format(&b, ",\"ratio\":%.3f,\"output_matches\":%s,\"output\":", ratio, same ? "true" : "false");
    if (c->status == ASL_SUCCEEDED)
        asl_buffer_add(&b, c->outcome.data, c->outcome.size);
    else
        asl_buffer_z(&b, "null");
    asl_buffer_z(&b, "}\n");
    fwrite(b.data, 1, b.size, stdout);
    asl_buffer_free(&b);
}

static void report_text(const struct aslc_unit *u, const struct measured m[SIDES], const struct figures f[SIDES], double ratio,
                        bool same, double compile_s) {
    const struct measured *c = &m[COMPILED];
    char text[32];
    printf("%s: %s after %" PRIu64 " transition%s; compiled in %s; medians of %zu run%s, in turn\n\n", u->name, asl_status_name(c->status),
           c->transitions, c->transitions == 1 ? "" : "s", duration(compile_s, text), c->count,
           c->count == 1 ? "" : "s");
    printf("%-12s %9s %9s %9s %14s %14s %9s %9s %9s %12s\n", "", "run", "least", "most", "transitions/s", "ns/transition", "parse", "print",
           "total", "allocations");
    for (int s = 0; s < SIDES; s++) {
        printf("%-12s %9s", side_names[s], duration(f[s].phase[RUN], text));
        printf(" %9s", duration(f[s].least, text));
        printf(" %9s", duration(f[s].most, text));
        printf(" %14.0f %14.1f", f[s].phase[RUN] > 0 ? (double)m[s].transitions / f[s].phase[RUN] : 0,
               per_transition(f[s].phase[RUN], m[s].transitions));
        printf(" %9s", duration(f[s].phase[PARSE], text));
        printf(" %9s", duration(f[s].phase[PRINT], text));
        printf(" %9s %12zu\n", duration(f[s].total, text), m[s].allocations);
    }
    printf("\ncompiled is %.2f times as fast; outputs %s\n", ratio, same ? "match" : "DIFFER");
    if (c->status != ASL_SUCCEEDED)
        printf("what was measured ended with %.*s\n", (int)c->outcome.size, c->outcome.data);
}

static void show_difference(const struct measured m[SIDES]) {
    for (int s = 0; s < SIDES; s++)
        fprintf(stderr, "aslc bench: %s: %s after %" PRIu64 " transitions: %.*s\n", side_names[s], asl_status_name(m[s].status),
                m[s].transitions, m[s].outcome.size < 400 ? (int)m[s].outcome.size : 400, m[s].outcome.size ? m[s].outcome.data : "");
}

// ---------------------------------------------------------------- the command

static int read_input(struct arena *a, const char *from, asl_str *text) {
    const char *message, *name = from;
    if (!from || strchr("{[\"", *from)) {
        *text = asl_str_z(from ? from : "{}");
        name = "--input";
    } else {
        struct source *s = source_read(a, from, &message);
        if (!s)
            return complain("%s", message);
        *text = s->file;
    }
    asl_json_error error;
    asl_value value;
    if (asl_json_parse(*text, NULL, &value, &error) < 0) {
        fprintf(stderr, "%s:%u:%u: error: %s\n", name, error.line, error.column, error.message);
        return BAD;
    }
    asl_release(value);
    return OK;
}

static int bench(struct aslc_unit *u, const struct options *o, asl_str input) {
    struct measured m[SIDES] = {0};
    struct progress p = {.shown = isatty(STDERR_FILENO)};
    const char *message = NULL;
    char why[4096];
    double begin = now();
    show_progress(&p, "compiling", 0, 0);
    const asl_program *programs[SIDES] = {[COMPILED] = aslc_jit(u, &message)};
    double compile_s = now() - begin;
    int rc = OK;
    if (programs[COMPILED])
        programs[INTERPRETED] = aslc_interpret(u);
    else
        rc = complain("%s", message), rc = FAILED;
    for (int s = 0; s < SIDES && rc == OK; s++)
        if (!(m[s].engine = asl_engine_new(programs[s], &o->engine, why, sizeof why)))
            rc = complain("%s", why);
    if (rc == OK) {
        int same = measure(m, input, o->runs, &p);
        end_progress(&p);
        if (same < 0) {
            complain("the execution does not end: it waits for an answer that will not come");
            rc = FAILED;
        } else {
            struct figures f[SIDES] = {figures(&m[COMPILED]), figures(&m[INTERPRETED])};
            double ratio = f[COMPILED].phase[RUN] > 0 ? f[INTERPRETED].phase[RUN] / f[COMPILED].phase[RUN] : 0;
            (o->format && strcmp(o->format, "json") == 0 ? report_json : report_text)(u, m, f, ratio, same, compile_s);
            if (!same) {
                show_difference(m);
                rc = FAILED;
            }
            if (fflush(stdout) != 0)
                rc = FAILED;
        }
    } else {
        end_progress(&p);
    }
    for (int s = 0; s < SIDES; s++) {
        asl_engine_free(m[s].engine);
        for (int ph = 0; ph < PHASES; ph++)
            asl_free(m[s].times[ph]);
        asl_free(m[s].totals);
        asl_buffer_free(&m[s].outcome);
    }
    return rc;
}

int bench_main(int argc, char **argv) {
    struct arena *a = arena_new();
    struct options o = {.compile = {.optimise = 2}, .engine = {.virtual_clock = true, .seeded = true, .seed = 1}};
    asl_str input;
    struct aslc_unit *u = NULL;
    const char *message = NULL;
    int rc = parse(&o, a, argc, argv);
    if (rc == OK)
        rc = read_input(a, o.input, &input);
    if (rc == OK && !(u = driver_compile(o.definition, NULL, &o.compile, false, &message)))
        rc = complain("%s", message);
    if (rc == OK) {
        diag_print(&u->diag, DIAG_TEXT, isatty(STDERR_FILENO) && !getenv("NO_COLOR"), stderr);
        rc = u->plan ? bench(u, &o, input) : BAD;
    }
    aslc_unit_free(u);
    arena_free(a);
    return rc;
}
