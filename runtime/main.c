// The command line of a compiled executable, shared with `aslc run` and `aslc interpret` (contract.md, Run options).
//
//     options ──► input ──► engine ──► one execution ──► report ──► exit status
//
// Whatever is wrong with options, input, bindings or mocks is said before any state has run, with exit status 2.
#include "run_main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "aslc/aslc.h"
#include "aslc/doc.h"
#include "observe.h"

enum { EXIT_OK = 0, EXIT_FAILED_RUN = 1, EXIT_BAD_USE = 2, EXIT_TIMED_OUT = 3, EXIT_ABORTED = 4 };

const char asl__run_usage[] =
    "Run options:\n"
    "  --input FILE|-|JSON|s3://BUCKET/KEY\n"
    "                          the execution's input; default: standard input unless it is a terminal, else {}\n"
    "  --describe              print the execution as one JSON object, whatever its status\n"
    "  --mock FILE[#TESTCASE]  answer Task states from a MockConfigFile of AWS Step Functions Local\n"
    "  --bind PATTERN=HANDLER  who does the work of Task resources; * in PATTERN matches anything\n"
    "                          HANDLER: exec:COMMAND, worker:COMMAND, ffi:LIB#SYMBOL(TYPE,…)->TYPE,\n"
    "                          fail:ERROR[:CAUSE], return:JSON\n"
    "  --bindings FILE         the same from a JSON object {\"PATTERN\": \"HANDLER\", …}\n"
    "  --clock real|virtual    virtual: waits, backoffs and timeouts pass at once, in the right order\n"
    "  --start-time TIMESTAMP  where the virtual clock begins, or now; default: 2026-01-01T00:00:00Z, so that every\n"
    "                          run is the same to the byte\n"
    "  --strict-aws            hold to the quotas of the AWS service\n"
    "  --type standard|express overrides the compiled-in workflow type\n"
    "  --name NAME             of the execution\n"
    "  --history FILE          write the execution history there, as GetExecutionHistory's JSON\n"
    "  --seed N                makes random numbers, identifiers and jitter repeatable\n"
    "  --s3-root DIR           s3://BUCKET/KEY is DIR/BUCKET/KEY\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 SUCCEEDED, 1 FAILED, 2 bad usage or input, 3 TIMED_OUT, 4 ABORTED.\n";

const char *const asl__run_valued_options[] = {
    "--input", "--mock",      "--bind", "--bindings", "--clock", "--type",    "--name",
    "--seed",  "--s3-root",   "--start-time", "--history", "--log-level", "--log", "--store", NULL,
};

const char *const asl__run_flag_options[] = {"--describe", "--strict-aws", "--log-data", "--help", "-h", "--version", NULL};

struct run {
    const char *name; /* of the program, for messages */
    asl_engine_options options;
    asl_bind *binds;
    size_t bind_count;
    asl_buffer input_text; /* as it was sent */
    char **texts; /* what binds point into */
    size_t text_count;
    const char *input, *execution_name, *s3_root, *history;
    bool describe, help, version, start_given;
};

/* 2026-01-01T00:00:00Z: with the virtual clock a run does not depend on when it is made (architecture, decision 8). */
#define VIRTUAL_START_MS INT64_C(1767225600000)

__attribute__((format(printf, 2, 3))) static int complain(const struct run *r, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", r->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return EXIT_BAD_USE;
}

// ---------------------------------------------------------------- reading files

/* All of a descriptor. 0, or an errno. */
static int read_all(int fd, asl_buffer *out) {
    for (;;) {
        char *room = asl_buffer_reserve(out, 65536);
        ssize_t n = read(fd, room, 65535);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) break;
        out->size += (size_t)n;
    }
    *asl_buffer_reserve(out, 1) = 0;
    return 0;
}

static int read_file(const char *path, asl_buffer *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    int rc = read_all(fd, out);
    close(fd);
    return rc;
}

// ---------------------------------------------------------------- bindings

static const char *keep(struct run *r, const char *text, size_t size) {
    char *z = asl_alloc(size + 1);
    memcpy(z, text, size);
    z[size] = 0;
    r->texts = asl_realloc(r->texts, (r->text_count + 1) * sizeof *r->texts);
    return r->texts[r->text_count++] = z;
}

static void add_bind(struct run *r, const char *pattern, const char *handler) {
    r->binds = asl_realloc(r->binds, (r->bind_count + 1) * sizeof *r->binds);
    r->binds[r->bind_count++] = (asl_bind){pattern, handler};
}

static int parse_bind(struct run *r, const char *text) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return complain(r, "--bind takes PATTERN=HANDLER, such as 'arn:*:function:charge=exec:./charge', not \"%s\"", text);
    add_bind(r, keep(r, text, (size_t)(equals - text)), equals + 1);
    return EXIT_OK;
}

struct bindings_file {
    const char *path;
    asl_str text;
    size_t errors;
};

static void complain_at(void *user, asl_span where, const char *message, const char *help) {
    struct bindings_file *f = user;
    uint32_t line, column;
    asl_doc_position(f->text, where.start, &line, &column);
    fprintf(stderr, "%s:%u:%u: error: %s\n", f->path, line, column, message);
    if (help) fprintf(stderr, "    help: %s\n", help);
    f->errors++;
}

static void warn_at(void *user, asl_span where, const char *message, const char *help) {
    struct bindings_file *f = user;
    uint32_t line, column;
    asl_doc_position(f->text, where.start, &line, &column);
    fprintf(stderr, "%s:%u:%u: warning: %s\n", f->path, line, column, message);
    if (help) fprintf(stderr, "    help: %s\n", help);
}

static int parse_bindings(struct run *r, const char *path) {
    asl_buffer text = {0};
    int error = read_file(path, &text);
    if (error) {
        asl_buffer_free(&text);
        return complain(r, "cannot read the bindings file %s: %s", path, strerror(error));
    }
    struct bindings_file f = {path, {text.data, text.size}, 0};
    size_t errors = 0;
    asl_doc_tree *tree = asl_doc_read(f.text, complain_at, warn_at, &f, &errors);
    asl_doc *root = tree ? asl_doc_root(tree) : NULL;
    if (root && root->kind != ASL_DOC_OBJECT && !root->broken)
        complain_at(&f, root->span, "a bindings file is a JSON object: {\"PATTERN\": \"HANDLER\", …}", NULL);
    for (asl_doc *d = root && root->kind == ASL_DOC_OBJECT ? root->first : NULL; d; d = d->next) {
        if (d->kind == ASL_DOC_STRING)
            add_bind(r, keep(r, d->key.data, d->key.size), keep(r, d->text.data, d->text.size));
        else if (!d->broken)
            complain_at(&f, d->span, "a handler is a string", "such as \"exec:./charge\"");
        if (d->duplicate_of) complain_at(&f, d->key_span, "this pattern is there twice", NULL);
    }
    if (!root && f.errors == 0) complain_at(&f, (asl_span){0, 0}, "there is no JSON in this file", NULL);
    asl_doc_free(tree);
    asl_buffer_free(&text);
    return f.errors || errors ? EXIT_BAD_USE : EXIT_OK;
}

// ---------------------------------------------------------------- options

static int parse_seed(struct run *r, const char *text) {
    char *end;
    errno = 0;
    r->options.seed = strtoull(text, &end, 0);
    r->options.seeded = true;
    if (*text < '0' || *text > '9' || *end || errno) return complain(r, "--seed takes a number, not \"%s\"", text);
    return EXIT_OK;
}

/* asl-language 19: 1 to 80 characters, none of those that ARNs and tools stumble over. */
static int check_name(struct run *r, const char *name) {
    size_t characters = 0;
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        characters += (*c & 0xc0) != 0x80;
        if (*c <= ' ' || *c == 127 || strchr("<>{}[]?*\"#%\\^|~`$&,;:/", *c))
            return complain(r, "--name: an execution's name must not hold '%c'", *c < ' ' || *c == 127 ? '?' : *c);
    }
    if (characters == 0 || characters > 80) return complain(r, "--name: an execution's name has 1 to 80 characters");
    r->execution_name = name;
    return EXIT_OK;
}

static int parse_valued(struct run *r, const char *option, const char *value) {
    if (strcmp(option, "--input") == 0) return r->input = value, EXIT_OK;
    if (strcmp(option, "--mock") == 0) return r->options.mock_file = value, EXIT_OK;
    if (strcmp(option, "--bind") == 0) return parse_bind(r, value);
    if (strcmp(option, "--bindings") == 0) return parse_bindings(r, value);
    if (strcmp(option, "--name") == 0) return check_name(r, value);
    if (strcmp(option, "--seed") == 0) return parse_seed(r, value);
    if (strcmp(option, "--history") == 0) return r->history = value, EXIT_OK;
    if (strcmp(option, "--s3-root") == 0) return r->s3_root = value, EXIT_OK;
    if (strcmp(option, "--clock") == 0) {
        r->options.virtual_clock = strcmp(value, "virtual") == 0;
        if (r->options.virtual_clock || strcmp(value, "real") == 0) return EXIT_OK;
        return complain(r, "--clock is real or virtual, not \"%s\"", value);
    }
    if (strcmp(option, "--start-time") == 0) {
        int64_t seconds;
        int32_t nanoseconds;
        const char *why;
        r->start_given = true;
        if (strcmp(value, "now") == 0) return EXIT_OK;
        if (!asl_timestamp_parse(asl_str_z(value), &seconds, &nanoseconds, &why))
            return complain(r, "--start-time is a timestamp such as 2026-01-01T00:00:00Z, or now: %s", why);
        r->options.start_time_ms = seconds * 1000 + nanoseconds / 1000000;
        return EXIT_OK;
    }
    if (strcmp(option, "--type") == 0) {
        r->options.express = strcasecmp(value, "express") == 0;
        r->options.standard = strcasecmp(value, "standard") == 0;
        if (r->options.express || r->options.standard) return EXIT_OK;
        return complain(r, "--type is standard or express, not \"%s\"", value);
    }
    return complain(r, "%s is not supported by this version yet", option);
}

static bool is_valued(const char *option, size_t size, const char **name) {
    for (const char *const *o = asl__run_valued_options; *o; o++) {
        if (strlen(*o) != size || strncmp(*o, option, size) != 0) continue;
        *name = *o;
        return true;
    }
    return false;
}

static int parse_option(struct run *r, int argc, char **argv, int *at) {
    const char *a = argv[*at], *name;
    const char *equals = strchr(a, '=');
    if (is_valued(a, equals ? (size_t)(equals - a) : strlen(a), &name)) {
        if (equals) return parse_valued(r, name, equals + 1);
        if (*at + 1 >= argc) return complain(r, "%s needs a value", name);
        return parse_valued(r, name, argv[++*at]);
    }
    if (strcmp(a, "--describe") == 0) return r->describe = true, EXIT_OK;
    if (strcmp(a, "--strict-aws") == 0) return r->options.strict_aws = true, EXIT_OK;
    if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) return r->help = true, EXIT_OK;
    if (strcmp(a, "--version") == 0) return r->version = true, EXIT_OK;
    if (strcmp(a, "--log-data") == 0) return complain(r, "--log-data is not supported by this version yet");
    if (strncmp(a, "-D", 2) == 0 || strncmp(a, "--definitions", 13) == 0)
        return complain(r, "%.*s fills in ${NAME} placeholders when the workflow is compiled: give it to aslc",
                        a[1] == 'D' ? 2 : 13, a);
    if (a[0] == '-' && a[1]) return complain(r, "there is no option %s; --help lists them", a);
    return complain(r, "what is \"%s\"? The execution's input is given with --input", a);
}

// ---------------------------------------------------------------- input

static int parse_input(struct run *r, const char *from, asl_str text, asl_value *input) {
    r->input_text.size = 0;
    asl_buffer_str(&r->input_text, text);
    asl_json_error error;
    if (asl_json_parse(text, NULL, input, &error) < 0) {
        fprintf(stderr, "%s:%u:%u: error: %s\n", from, error.line, error.column, error.message);
        return EXIT_BAD_USE;
    }
    if (r->options.strict_aws && asl_json_size(input) > ASL__PAYLOAD_LIMIT) {
        size_t size = asl_json_size(input);
        asl_release(*input);
        return complain(r, "%s: the input has %zu bytes; the service accepts %d", from, size, ASL__PAYLOAD_LIMIT);
    }
    return EXIT_OK;
}

static int read_input(struct run *r, asl_value *input) {
    const char *from = r->input;
    if (!from && isatty(STDIN_FILENO)) {
        *input = asl_object_new(0);
        return EXIT_OK;
    }
    if (from && (*from == '{' || *from == '[' || *from == '"')) return parse_input(r, "--input", asl_str_z(from), input);
    asl_buffer text = {0}, path = {0};
    int error, rc;
    if (!from || strcmp(from, "-") == 0) {
        error = read_all(STDIN_FILENO, &text);
        if (!from && error == EBADF) error = 0; /* started without a standard input */
    } else if (strncmp(from, "s3://", 5) == 0) {
        if (!r->s3_root) return complain(r, "--input %s: reading from S3 is not supported by this version yet; with "
                                            "--s3-root DIR it is DIR/%s", from, from + 5);
        asl_buffer_format(&path, "%s/%s", r->s3_root, from + 5);
        error = read_file(path.data, &text);
    } else {
        error = read_file(from, &text);
    }
    const char *shown = path.size ? path.data : !from || strcmp(from, "-") == 0 ? "<stdin>" : from;
    if (error) {
        rc = complain(r, "cannot read the input from %s: %s", shown, strerror(error));
        if (error == ENOENT && asl_json_parse(asl_str_z(from), NULL, input, NULL) == 0) {
            asl_release(*input);
            complain(r, "an input that is a number, true, false or null comes from a file or standard input");
        }
    } else if (!from && text.size == 0) {
        *input = asl_object_new(0); /* nothing was piped in */
        rc = EXIT_OK;
    } else {
        rc = parse_input(r, shown, (asl_str){text.data, text.size}, input);
    }
    asl_buffer_free(&text);
    asl_buffer_free(&path);
    return rc;
}

// ---------------------------------------------------------------- signals

/* The one global: a signal handler has nothing else to go by. */
static asl_engine *volatile interrupted_engine;

static void on_signal(int signal) {
    (void)signal;
    int saved = errno;
    asl_engine *e = interrupted_engine;
    if (e) asl__engine_interrupt(e);
    errno = saved;
}

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof signals / sizeof *signals };

static void catch_signals(asl_engine *e, struct sigaction before[SIGNALS]) {
    interrupted_engine = e;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL); /* nohup stays nohup */
    }
}

static void release_signals(const struct sigaction before[SIGNALS]) {
    for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &before[i], NULL);
    interrupted_engine = NULL;
}

// ---------------------------------------------------------------- reporting

static void print_text(FILE *out, const asl_value *v) {
    asl_str s = asl_text_of(v);
    for (size_t i = 0; i < s.size; i++) { /* one line, whatever a Cause holds */
        unsigned char c = (unsigned char)s.data[i];
        if (c == '\n') fputs("\\n", out);
        else if (c == '\r') fputs("\\r", out);
        else if (c == '\t') fputc('\t', out);
        else if (c < ' ' || c == 127) fprintf(out, "\\x%02x", c);
        else fputc(c, out);
    }
}

static void report_failure(const struct run *r, const asl_execution *x) {
    const asl_value *error = asl_execution_error(x), *cause = asl_execution_cause(x);
    const char *state = asl_execution_failed_state(x);
    fprintf(stderr, "%s: %s", r->name, asl_status_name(asl_execution_status(x)));
    if (error->tag == ASL_STRING) {
        fputc(' ', stderr);
        print_text(stderr, error);
    }
    if (cause->tag == ASL_STRING) {
        fputs(": ", stderr);
        print_text(stderr, cause);
    }
    if (state) fprintf(stderr, " (state \"%s\")", state);
    fputc('\n', stderr);
}

static int write_all(const asl_buffer *b) {
    for (size_t at = 0; at < b->size;) {
        ssize_t n = write(STDOUT_FILENO, b->data + at, b->size - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        at += (size_t)n;
    }
    return 0;
}

static int report(const struct run *r, const asl_execution *x) {
    static const int exits[] = {
        [ASL_RUNNING] = EXIT_ABORTED,     [ASL_SUCCEEDED] = EXIT_OK,   [ASL_FAILED_STATUS] = EXIT_FAILED_RUN,
        [ASL_TIMED_OUT] = EXIT_TIMED_OUT, [ASL_ABORTED] = EXIT_ABORTED};
    asl_status status = asl_execution_status(x);
    asl_buffer out = {0};
    if (r->describe) asl__describe(x, &out);
    else if (status == ASL_SUCCEEDED) asl_json_print(asl_execution_output(x), &out);
    int error = 0;
    if (out.size) {
        asl_buffer_byte(&out, '\n');
        error = write_all(&out);
    }
    asl_buffer_free(&out);
    if (status != ASL_SUCCEEDED) report_failure(r, x);
    if (!error) return exits[status];
    complain(r, "cannot write the output: %s", strerror(error));
    return exits[status] ? exits[status] : EXIT_FAILED_RUN;
}

// ---------------------------------------------------------------- running

/* The input without the white space round it. */
static asl_str sent(const struct run *r) {
    const char *start = r->input_text.data, *end = start + r->input_text.size;
    while (start < end && strchr(" \t\r\n", *start)) start++;
    while (end > start && strchr(" \t\r\n", end[-1])) end--;
    return (asl_str){start, (size_t)(end - start)};
}

static int run_execution(const struct run *r, const asl_program *program, asl_value input) {
    char message[16384];
    asl_engine *e = asl_engine_new(program, &r->options, message, sizeof message);
    if (!e) {
        asl_release(input);
        /* A mock file's messages are located lines of their own. */
        if (r->options.mock_file && strstr(message, ": error: ")) fprintf(stderr, "%s\n", message);
        else complain(r, "%s", message);
        return EXIT_BAD_USE;
    }
    struct asl_observer *history = r->history ? asl__history_open(r->history, message, sizeof message) : NULL;
    if (r->history && !history) {
        asl_release(input);
        asl_engine_free(e);
        return complain(r, "%s", message);
    }
    if (history) asl__observe(e, history);
    asl_buffer warnings = {0};
    asl__mock_warnings(e, &warnings);
    if (warnings.size) fprintf(stderr, "%s%s", warnings.data, warnings.data[warnings.size - 1] == '\n' ? "" : "\n");
    asl_buffer_free(&warnings);

    struct sigaction before[SIGNALS];
    catch_signals(e, before);
    asl_execution *x = asl__execution_start(e, input, sent(r), r->execution_name);
    asl_engine_run(e, ASL_RUN_DEFAULT);
    if (asl_execution_status(x) == ASL_RUNNING) {
        const char *state = asl__waiting_state(x);
        complain(r, "nothing can go on: state \"%s\" waits for an answer that will not come", state ? state : "?");
        asl_execution_stop(x, asl_none(), asl_none());
    }
    int rc = report(r, x);
    asl_execution_free(x);
    asl_engine_free(e); /* waits for the processes it has stopped, so signals are ours until then */
    release_signals(before);
    return rc;
}

int asl__run_main(const asl_program *program, const char *program_name, int argc, char **argv) {
    struct run run = {.name = program_name}, *r = &run;
    asl_value input = asl_none();
    int rc = EXIT_OK;
    for (int i = 0; i < argc && rc == EXIT_OK && !r->help && !r->version; i++) rc = parse_option(r, argc, argv, &i);
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error of write() */
    r->options.binds = r->binds;
    r->options.bind_count = r->bind_count;
    if (r->options.virtual_clock && !r->start_given) r->options.start_time_ms = VIRTUAL_START_MS;
    if (rc == EXIT_OK && r->help) printf("Usage: %s [OPTION…]\n\n%s", program_name, asl__run_usage);
    else if (rc == EXIT_OK && r->version) printf("%s, compiled by aslc %s\n", program_name, ASLC_VERSION);
    else if (rc == EXIT_OK && (rc = read_input(r, &input)) == EXIT_OK) rc = run_execution(r, program, input);
    for (size_t i = 0; i < r->text_count; i++) asl_free(r->texts[i]);
    asl_free(r->texts);
    asl_free(r->binds);
    asl_buffer_free(&r->input_text);
    return rc;
}

int asl_main(const asl_program *program, int argc, char **argv) {
    const char *name = argc > 0 ? argv[0] : "workflow", *slash = strrchr(name, '/');
    return asl__run_main(program, slash ? slash + 1 : name, argc - (argc > 0), argv + (argc > 0));
}
