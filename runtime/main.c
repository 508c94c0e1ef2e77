// The command line of a compiled executable, shared with `aslc run` and `aslc interpret` (contract.md, Run options).
//
//     options ──► input ──► engine ──► one execution ──► report ──► exit status
//
// Whatever is wrong with options, input, bindings or mocks is said before any state has run, with exit status 2.
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "aslc/aslc.h"
#include "aslc/doc.h"
#include "report/report.h"
#include "store/store.h"

const char asl__run_usage[] =
    "Commands (the first word; default: run):\n"
    "  run                     run an execution; with --store: go on with the one of that --name if there is one\n"
    "  list [--status S] [--format json]\n"
    "                          the journalled executions, newest first\n"
    "  describe NAME           one of them, as DescribeExecution has it\n"
    "  history NAME            its events, as GetExecutionHistory has them; --follow: live, --report FILE: as a page\n"
    "  resume [NAME]           go on with it, or with all that run and have no process\n"
    "  redrive NAME            go on with one that ended without success, from what it has not finished\n"
    "  stop NAME               end it as ABORTED, with --error and --cause\n"
    "  send-task-success TOKEN --output JSON, send-task-failure TOKEN --error E --cause C, send-task-heartbeat TOKEN\n"
    "                          answer a task that waits for its token\n"
    "  gc --older-than 30d     delete executions that ended longer ago\n"
    "\n"
    "Run options:\n"
    "  --input FILE|-|JSON|s3://BUCKET/KEY\n"
    "                          the execution's input; default: standard input unless it is a terminal, else {}\n"
    "  --each                  the input is a JSON document a line, and each an execution of its own; outputs come in the\n"
    "                          same order, a line each, null for one that did not succeed. With --name N they are N-1, N-2, …\n"
    "  --max-executions N      of --each at once; default 1000\n"
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
    "  --report FILE           write a page about the execution: graph, timeline, events, error\n"
    "  --log-level ALL|ERROR|FATAL|OFF, --log FILE|unix:PATH, --log-data, --log-redact NAME[,NAME...]\n"
    "                          CloudWatch's log lines, on standard error unless --log says otherwise; with inputs and\n"
    "                          outputs; with the values of these fields hidden\n"
    "  --trace xray[:HOST:PORT]|otlp[:URL]  X-Ray segments by UDP, OTLP spans by HTTP\n"
    "  --metrics emf[:FILE]|prometheus:FILE  the service's metrics\n"
    "  --store sqlite:FILE|postgres://...  journal: the execution survives this process. Default: $ASLC_STORE; with\n"
    "                          --type standard and --name, or a command, sqlite:WORKFLOW.db\n"
    "  --wait                  stay for task tokens and long waits instead of ending with status 75\n"
    "  --suspend-after SECONDS waits longer than this need no process; default 60\n"
    "  --threads N             that compute Map items and Parallel branches which wait for nothing, and executions of\n"
    "                          --each; default: $ASLC_THREADS, or as many as this process may use; 1: no others\n"
    "  --seed N                makes random numbers, identifiers and jitter repeatable\n"
    "  --s3-root DIR           s3://BUCKET/KEY is DIR/BUCKET/KEY\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 SUCCEEDED, 1 FAILED, 2 bad usage or input, 3 TIMED_OUT, 4 ABORTED, 75 journalled and not finished:\n"
    "run again to go on.\n";

const char *const asl__run_valued_options[] = {
    "--input", "--mock",      "--bind", "--bindings", "--clock", "--type",    "--name",
    "--seed",  "--s3-root",   "--start-time", "--history", "--report", "--store", "--suspend-after", "--threads", "--max-executions", "--status", "--error",
    "--cause", "--output", "--older-than", "--format", "--log-level", "--log", "--log-redact", "--trace", "--metrics", NULL,
};

const char *const asl__run_flag_options[] = {"--describe", "--strict-aws", "--log-data", "--wait", "--follow", "--each",
                                               "--help", "-h", "--version", NULL};

/* 2026-01-01T00:00:00Z: with the virtual clock a run does not depend on when it is made (architecture, decision 8). */
#define VIRTUAL_START_MS INT64_C(1767225600000)

int asl__complain(const struct run *r, const char *format, ...) {
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
        size_t step = out->size ? 65536 : 1024; /* most inputs are short, and memory that is not touched costs nothing */
        char *room = asl_buffer_reserve(out, step);
        ssize_t n = read(fd, room, step - 1);
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
        return asl__complain(r, "--bind takes PATTERN=HANDLER, such as 'arn:*:function:charge=exec:./charge', not \"%s\"", text);
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
        return asl__complain(r, "cannot read the bindings file %s: %s", path, strerror(error));
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
    if (*text < '0' || *text > '9' || *end || errno) return asl__complain(r, "--seed takes a number, not \"%s\"", text);
    return EXIT_OK;
}

/* asl-language 19: 1 to 80 characters, none of those that ARNs and tools stumble over. */
static int check_name(struct run *r, const char *name) {
    size_t characters = 0;
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        characters += (*c & 0xc0) != 0x80;
        if (*c <= ' ' || *c == 127 || strchr("<>{}[]?*\"#%\\^|~`$&,;:/", *c))
            return asl__complain(r, "--name: an execution's name must not hold '%c'", *c < ' ' || *c == 127 ? '?' : *c);
    }
    if (characters == 0 || characters > 80) return asl__complain(r, "--name: an execution's name has 1 to 80 characters");
    r->execution_name = name;
    return EXIT_OK;
}

static int parse_threads(struct run *r, const char *from, const char *text) {
    char *end;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (*text < '1' || *text > '9' || *end || errno || n > 100000)
        return asl__complain(r, "%s is how many threads may compute, from 1 on, not \"%s\"", from, text);
    r->options.threads = (unsigned)n;
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
    if (strcmp(option, "--report") == 0) return r->report = value, EXIT_OK;
    if (strcmp(option, "--store") == 0) return r->journal.url = value, EXIT_OK;
    if (strcmp(option, "--status") == 0) return r->status = value, EXIT_OK;
    if (strcmp(option, "--error") == 0) return r->error = value, EXIT_OK;
    if (strcmp(option, "--cause") == 0) return r->cause = value, EXIT_OK;
    if (strcmp(option, "--output") == 0) return r->output = value, EXIT_OK;
    if (strcmp(option, "--older-than") == 0) return r->older_than = value, EXIT_OK;
    if (strcmp(option, "--format") == 0) {
        r->format = value;
        return strcmp(value, "json") == 0 || strcmp(value, "text") == 0 ? EXIT_OK
               : asl__complain(r, "--format is text or json, not \"%s\"", value);
    }
    if (strcmp(option, "--max-executions") == 0) {
        char *end;
        errno = 0;
        unsigned long n = strtoul(value, &end, 10);
        if (*value < '1' || *value > '9' || *end || errno) return asl__complain(r, "--max-executions takes a number from 1 on, not \"%s\"", value);
        r->concurrency = n;
        return EXIT_OK;
    }
    if (strcmp(option, "--threads") == 0) return parse_threads(r, "--threads", value);
    if (strcmp(option, "--suspend-after") == 0) {
        char *end;
        double seconds = strtod(value, &end);
        if (end == value || *end || !(seconds >= 0 && seconds < 1e9))
            return asl__complain(r, "--suspend-after takes a number of seconds, not \"%s\"", value);
        r->journal.suspend_after_ms = (int64_t)(seconds * 1000);
        return EXIT_OK;
    }
    if (strcmp(option, "--s3-root") == 0) return r->s3_root = value, EXIT_OK;
    if (strcmp(option, "--clock") == 0) {
        r->options.virtual_clock = strcmp(value, "virtual") == 0;
        if (r->options.virtual_clock || strcmp(value, "real") == 0) return EXIT_OK;
        return asl__complain(r, "--clock is real or virtual, not \"%s\"", value);
    }
    if (strcmp(option, "--start-time") == 0) {
        int64_t seconds;
        int32_t nanoseconds;
        const char *why;
        r->start_given = true;
        if (strcmp(value, "now") == 0) return EXIT_OK;
        if (!asl_timestamp_parse(asl_str_z(value), &seconds, &nanoseconds, &why))
            return asl__complain(r, "--start-time is a timestamp such as 2026-01-01T00:00:00Z, or now: %s", why);
        r->options.start_time_ms = seconds * 1000 + nanoseconds / 1000000;
        return EXIT_OK;
    }
    if (strcmp(option, "--type") == 0) {
        r->options.express = strcasecmp(value, "express") == 0;
        r->options.standard = strcasecmp(value, "standard") == 0;
        if (r->options.express || r->options.standard) return EXIT_OK;
        return asl__complain(r, "--type is standard or express, not \"%s\"", value);
    }
    char message[1024];
    return asl__sinks_option(&r->sinks, option, value, message, sizeof message) == 0 ? EXIT_OK : asl__complain(r, "%s", message);
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
        if (*at + 1 >= argc) return asl__complain(r, "%s needs a value", name);
        return parse_valued(r, name, argv[++*at]);
    }
    if (strcmp(a, "--describe") == 0) return r->describe = true, EXIT_OK;
    if (strcmp(a, "--strict-aws") == 0) return r->options.strict_aws = true, EXIT_OK;
    if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) return r->help = true, EXIT_OK;
    if (strcmp(a, "--version") == 0) return r->version = true, EXIT_OK;
    if (strcmp(a, "--log-data") == 0) return r->sinks.data = true, EXIT_OK;
    if (strcmp(a, "--wait") == 0) return r->journal.wait = true, EXIT_OK;
    if (strcmp(a, "--each") == 0) return r->each = true, EXIT_OK;
    if (strcmp(a, "--follow") == 0) return r->follow = true, EXIT_OK;
    if (strncmp(a, "-D", 2) == 0 || strncmp(a, "--definitions", 13) == 0)
        return asl__complain(r, "%.*s fills in ${NAME} placeholders when the workflow is compiled: give it to aslc",
                        a[1] == 'D' ? 2 : 13, a);
    if (a[0] == '-' && a[1]) return asl__complain(r, "there is no option %s; --help lists them", a);
    for (const char *const *c = asl__run_commands; *c && !r->command; c++)
        if (strcmp(*c, a) == 0) return r->command = *c, EXIT_OK;
    bool takes_one = r->command && !r->operand && strcmp(r->command, "run") != 0 && strcmp(r->command, "list") != 0 &&
                     strcmp(r->command, "gc") != 0;
    if (takes_one) return r->operand = a, EXIT_OK;
    return asl__complain(r, "what is \"%s\"? The execution's input is given with --input", a);
}

// ---------------------------------------------------------------- input

static int parse_input(struct run *r, const char *from, asl_str text, asl_value *input) {
    r->input_text.size = 0;
    asl_buffer_str(&r->input_text, text);
    if (r->each) return EXIT_OK; /* line by line */
    asl_json_error error;
    if (asl_json_parse(text, NULL, input, &error) < 0) {
        fprintf(stderr, "%s:%u:%u: error: %s\n", from, error.line, error.column, error.message);
        return EXIT_BAD_USE;
    }
    if (r->options.strict_aws && asl_json_size(input) > ASL__PAYLOAD_LIMIT) {
        size_t size = asl_json_size(input);
        asl_release(*input);
        return asl__complain(r, "%s: the input has %zu bytes; the service accepts %d", from, size, ASL__PAYLOAD_LIMIT);
    }
    return EXIT_OK;
}

static int read_input(struct run *r, asl_value *input) {
    const char *from = r->input;
    if (!from && isatty(STDIN_FILENO)) {
        r->no_input = true;
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
        if (!r->s3_root) return asl__complain(r, "--input %s: reading from S3 is not supported by this version yet; with "
                                            "--s3-root DIR it is DIR/%s", from, from + 5);
        asl_buffer_format(&path, "%s/%s", r->s3_root, from + 5);
        error = read_file(path.data, &text);
    } else {
        error = read_file(from, &text);
    }
    const char *shown = path.size ? path.data : !from || strcmp(from, "-") == 0 ? "<stdin>" : from;
    if (error) {
        rc = asl__complain(r, "cannot read the input from %s: %s", shown, strerror(error));
        if (error == ENOENT && asl_json_parse(asl_str_z(from), NULL, input, NULL) == 0) {
            asl_release(*input);
            asl__complain(r, "an input that is a number, true, false or null comes from a file or standard input");
        }
    } else if (!from && text.size == 0) {
        r->no_input = true;
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

/* The globals: a signal handler has nothing else to go by. */
static asl_engine *volatile interrupted_engine;
static asl_engine *volatile *volatile interrupted_engines; /* further ones, and NULLs */
static volatile size_t interrupted_count;
static atomic_bool signalled;

static void on_signal(int signal) {
    (void)signal;
    int saved = errno;
    atomic_store(&signalled, true);
    asl_engine *e = interrupted_engine;
    if (e) asl__engine_interrupt(e);
    for (size_t i = 0; i < interrupted_count; i++)
        if ((e = interrupted_engines[i])) asl__engine_interrupt(e);
    errno = saved;
}

void asl__interrupt_also(asl_engine *volatile *engines, size_t count) {
    interrupted_count = 0;
    interrupted_engines = engines;
    interrupted_count = count;
}

bool asl__was_signalled(void) { return atomic_load(&signalled); }

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof signals / sizeof *signals };

static void catch_signals(asl_engine *e, struct sigaction before[SIGNALS]) {
    interrupted_engine = e;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], &action, &before[i]);
        if (before[i].sa_handler == SIG_IGN) sigaction(signals[i], &before[i], NULL); /* nohup stays nohup */
    }
}

static void release_signals(const struct sigaction before[SIGNALS]) {
    for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &before[i], NULL);
    interrupted_engine = NULL;
}

// ---------------------------------------------------------------- reporting

static void add_line(asl_buffer *out, asl_str s) {
    for (size_t i = 0; i < s.size; i++) { /* one line, whatever a Cause holds */
        unsigned char c = (unsigned char)s.data[i];
        if (c == '\n') asl_buffer_z(out, "\\n");
        else if (c == '\r') asl_buffer_z(out, "\\r");
        else if (c == '\t') asl_buffer_byte(out, '\t');
        else if (c < ' ' || c == 127) asl_buffer_format(out, "\\x%02x", c);
        else asl_buffer_byte(out, (char)c);
    }
}

void asl__failure_line(const struct run *r, const char *status, asl_str error, asl_str cause, const char *state, asl_buffer *out) {
    asl_buffer_format(out, "%s: %s", r->name, status);
    if (error.data) {
        asl_buffer_byte(out, ' ');
        add_line(out, error);
    }
    if (cause.data) {
        asl_buffer_z(out, ": ");
        add_line(out, cause);
    }
    if (state) asl_buffer_format(out, " (state \"%s\")", state);
    asl_buffer_byte(out, '\n');
}

void asl__say_failure(const struct run *r, const char *status, asl_str error, asl_str cause, const char *state) {
    asl_buffer line = {0};
    asl__failure_line(r, status, error, cause, state, &line);
    fwrite(line.data, 1, line.size, stderr);
    asl_buffer_free(&line);
}

int asl__status_exit(const char *status) {
    static const struct {
        const char *status;
        int code;
    } codes[] = {{"SUCCEEDED", EXIT_OK}, {"FAILED", EXIT_FAILED_RUN}, {"TIMED_OUT", EXIT_TIMED_OUT}, {"RUNNING", EXIT_SUSPENDED}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i].status, status) == 0) return codes[i].code;
    return EXIT_ABORTED;
}

static int write_all(int fd, const asl_buffer *b) {
    for (size_t at = 0; at < b->size;) {
        ssize_t n = write(fd, b->data + at, b->size - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        at += (size_t)n;
    }
    return 0;
}

int asl__write_out(const struct run *r, const asl_buffer *b) {
    asl_buffer line = {0};
    if (!b->size) return EXIT_OK;
    asl_buffer_add(&line, b->data, b->size);
    asl_buffer_byte(&line, '\n');
    int error = write_all(STDOUT_FILENO, &line);
    asl_buffer_free(&line);
    if (!error) return EXIT_OK;
    asl__complain(r, "cannot write the output: %s", strerror(error));
    return EXIT_FAILED_RUN;
}

static asl_str text_or_none(const asl_value *v) { return v->tag == ASL_STRING ? asl_text_of(v) : (asl_str){NULL, 0}; }

static int report(const struct run *r, const asl_execution *x) {
    asl_status status = asl_execution_status(x);
    asl_buffer out = {0};
    if (r->describe) asl__describe(x, &out);
    else if (status == ASL_SUCCEEDED) asl_json_print(asl_execution_output(x), &out);
    int rc = asl__write_out(r, &out), code = asl__status_exit(asl_status_name(status));
    asl_buffer_free(&out);
    if (status != ASL_SUCCEEDED)
        asl__say_failure(r, asl_status_name(status), text_or_none(asl_execution_error(x)), text_or_none(asl_execution_cause(x)),
                         asl_execution_failed_state(x));
    return code ? code : rc;
}

static int write_file(const struct run *r, const char *what, const char *path, const asl_buffer *b) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int error = fd < 0 ? errno : write_all(fd, b);
    if (fd >= 0 && close(fd) != 0 && !error) error = errno;
    if (!error) return EXIT_OK;
    asl__complain(r, "cannot write the %s to %s: %s", what, path, strerror(error));
    return EXIT_FAILED_RUN;
}

int asl__write_report(const struct run *r, const asl_value *image, asl_str description, asl_str history) {
    const asl_value *source = asl_object_get(image, ASL_STR("source")), *file = asl_object_get(image, ASL_STR("file")),
                    *name = asl_object_get(image, ASL_STR("name"));
    char *machine = asl__copy_text(asl_text_of(name)), *file_z = file ? asl__copy_text(asl_text_of(file)) : NULL;
    asl_buffer page = {0};
    asl__report(&(struct report){.machine = machine, .version = ASLC_VERSION, .definition = source ? asl_text_of(source) : (asl_str){NULL, 0},
                                 .definition_file = file_z, .description = description, .history = history}, &page);
    int rc = write_file(r, "report", r->report, &page);
    asl_buffer_free(&page);
    asl_free(machine);
    asl_free(file_z);
    return rc;
}

// ---------------------------------------------------------------- running

/* The input without the white space round it. */
static asl_str sent(const struct run *r) {
    const char *start = r->input_text.data, *end = start + r->input_text.size;
    while (start < end && strchr(" \t\r\n", *start)) start++;
    while (end > start && strchr(" \t\r\n", end[-1])) end--;
    return (asl_str){start, (size_t)(end - start)};
}

static void collect_event(void *user, asl_execution *x, const char *json, size_t size) {
    asl_buffer *events = user;
    if (x->up) return;
    asl_buffer_z(events, events->size ? ",\n" : "{\"events\":[");
    asl_buffer_add(events, json, size);
}

static int open_saying(struct run *r, const asl_program *program, struct session *s, char *message, size_t size) {
    asl_engine_options options = r->options;
    if (r->report) {
        options.on_event = collect_event;
        options.on_event_user = &s->events;
    }
    asl_engine *e = s->engine = asl_engine_new(program, &options, message, size);
    if (!e) {
        /* A mock file's messages are located lines of their own. */
        if (r->options.mock_file && strstr(message, ": error: ")) fprintf(stderr, "%s\n", message);
        else asl__complain(r, "%s", message);
        return EXIT_BAD_USE;
    }
    /* With a journal it is written from there when all is done, with what came before this process. */
    struct asl_observer *history = r->history && !r->journal.url ? asl__history_open(r->history, message, size) : NULL;
    bool bad = r->history && !r->journal.url && !history;
    if (history) asl__observe(e, history);
    bad = bad || asl__sinks_open(&r->sinks, e, &r->options, &e->tracer, message, size) < 0;
    e->trace_headers = asl__trace_headers;
    if (!bad && r->journal.url) bad = !(s->journal = asl__journal_open(e, &r->journal, message, size));
    if (bad) return asl__complain(r, "%s", message);
    asl_buffer warnings = {0};
    asl__mock_warnings(e, &warnings);
    if (warnings.size) fprintf(stderr, "%s%s", warnings.data, warnings.data[warnings.size - 1] == '\n' ? "" : "\n");
    asl_buffer_free(&warnings);
    return EXIT_OK;
}

/* 0, or an exit status with a message said. */
static int open_session(struct run *r, const asl_program *program, struct session *s) {
    enum { ROOM = 16384 }; /* a mock file may have much to be said about; else so many pages of stack would be skipped, and paid for */
    char little[1024], *much = r->options.mock_file ? asl_alloc(ROOM) : NULL;
    int rc = open_saying(r, program, s, much ? much : little, much ? ROOM : sizeof little);
    asl_free(much);
    return rc;
}

/* --history and --report of an execution that is in the journal. */
static int write_stored(struct run *r, struct session *s, const char *name) {
    struct store *store = asl__journal_store(s->journal);
    const char *machine = s->engine->image.name;
    asl_buffer description = {0}, events = {0};
    int rc = asl__stored_history(r, store, machine, name, &events) && asl__stored_description(r, store, machine, name, &description)
                 ? EXIT_OK : EXIT_FAILED_RUN;
    if (rc == EXIT_OK && r->report)
        rc = asl__write_report(r, &s->engine->image.root, (asl_str){description.data, description.size},
                               (asl_str){events.data, events.size});
    asl_buffer_byte(&events, '\n');
    if (rc == EXIT_OK && r->history) rc = write_file(r, "history", r->history, &events);
    asl_buffer_free(&description);
    asl_buffer_free(&events);
    return rc;
}

static int write_files(struct run *r, struct session *s, const asl_execution *x) {
    if (!r->report && !(r->history && s->journal)) return EXIT_OK;
    if (s->journal) return write_stored(r, s, asl_execution_name(x));
    asl_buffer description = {0};
    asl_buffer_z(&s->events, "]}");
    asl__describe(x, &description);
    int rc = asl__write_report(r, &s->engine->image.root, (asl_str){description.data, description.size},
                           (asl_str){s->events.data, s->events.size});
    asl_buffer_free(&description);
    return rc;
}

/* What became of an execution when the engine has nothing more to do for now. */
static int outcome(struct run *r, struct session *s, asl_execution *x) {
    asl_engine *e = s->engine;
    int rc;
    if (e->suspended) {
        const char *problem = asl__journal_problem(s->journal), *state = asl__waiting_state(x);
        const char *again = r->execution_name || r->operand ? "run again to go on" : "resume it to go on";
        if (*problem) asl__complain(r, "%s", problem);
        else if (state) asl__complain(r, "execution \"%s\" is journalled and waits in state \"%s\": %s", x->name, state, again);
        else asl__complain(r, "execution \"%s\" is journalled: %s", x->name, again);
        write_files(r, s, x);
        return EXIT_SUSPENDED;
    }
    if (asl_execution_status(x) == ASL_RUNNING) {
        const char *state = asl__waiting_state(x);
        asl__complain(r, "nothing can go on: state \"%s\" waits for an answer that will not come", state ? state : "?");
        asl_execution_stop(x, asl_none(), asl_none());
        if (e->journal) e->journal->commit(e->journal);
    }
    rc = write_files(r, s, x);
    int code = report(r, x);
    return rc != EXIT_OK ? rc : code;
}

static void stop_now(struct run *r, asl_engine *e, asl_execution *x) {
    asl_execution_stop(x, r->error ? asl_string_z(r->error) : asl_none(), r->cause ? asl_string_z(r->cause) : asl_none());
    e->journal->commit(e->journal);
}

/* run, resume NAME, redrive NAME, stop NAME. input is moved in. */
static int run_one(struct run *r, struct session *s, asl_value input) {
    asl_engine *e = s->engine;
    const char *name = r->operand ? r->operand : r->execution_name;
    bool is_run = strcmp(r->command, "run") == 0, redrive = strcmp(r->command, "redrive") == 0, stop = strcmp(r->command, "stop") == 0;
    char message[1024];
    asl_execution *x = NULL;
    enum journal_found found = JOURNAL_NEW;
    if (s->journal && name)
        found = asl__journal_take(s->journal, name, is_run && !r->no_input ? sent(r) : (asl_str){NULL, 0}, redrive, &x, message,
                                  sizeof message);
    if (found != JOURNAL_NEW) asl_release(input);
    switch (found) {
    case JOURNAL_REFUSED:
        if (stop && strstr(message, "another process")) return asl__ask_stop(r, asl__journal_store(s->journal), e->image.name, name);
        asl__complain(r, "%s", message);
        return strstr(message, "another process") ? EXIT_SUSPENDED : EXIT_BAD_USE;
    case JOURNAL_ENDED:
        if (stop) return EXIT_OK;
        if ((r->history || r->report) && write_stored(r, s, name) != EXIT_OK) return EXIT_FAILED_RUN;
        return asl__report_ended(r, asl__journal_store(s->journal), e->image.name, name);
    case JOURNAL_NEW:
        if (!is_run) {
            asl_release(input);
            return asl__complain(r, "there is no execution \"%s\" in %s", name, r->journal.url);
        }
        x = asl__execution_start(e, input, sent(r), name);
        break;
    case JOURNAL_RESUMED: break;
    }
    if (stop) {
        stop_now(r, e, x);
        asl_execution_free(x);
        return EXIT_OK;
    }
    asl_engine_run(e, ASL_RUN_DEFAULT);
    asl__progress_end(e);
    return outcome(r, s, x); /* the engine frees x: as ended, or as left to the journal */
}

struct names {
    char **items;
    size_t count;
};

static bool add_name(void *user, const struct store_execution *x) {
    struct names *n = user;
    n->items = asl_realloc(n->items, (n->count + 1) * sizeof *n->items);
    n->items[n->count++] = asl__copy_text(asl_str_z(x->name));
    return true;
}

/* resume without a name: every execution that runs and has no process, all in this one. */
static int resume_all(struct run *r, struct session *s) {
    asl_engine *e = s->engine;
    struct names names = {0};
    char message[1024];
    int rc = EXIT_OK;
    size_t taken = 0;
    if (store_execution_list(asl__journal_store(s->journal), e->image.name, "RUNNING", add_name, &names) != STORE_OK)
        rc = asl__complain(r, "%s", store_message(asl__journal_store(s->journal)));
    for (size_t i = 0; i < names.count; i++) {
        asl_execution *x;
        enum journal_found found = asl__journal_take(s->journal, names.items[i], (asl_str){NULL, 0}, false, &x, message, sizeof message);
        if (found == JOURNAL_REFUSED) asl__complain(r, "%s", message);
        if (found == JOURNAL_REFUSED && !strstr(message, "another process")) rc = EXIT_BAD_USE;
        taken += found == JOURNAL_RESUMED;
    }
    while (!e->suspended && e->running > 0) {
        uint64_t ended = e->ended;
        asl_engine_run(e, ASL_RUN_DEFAULT);
        if (e->ended == ended) break; /* nothing can go on */
    }
    if (e->suspended && *asl__journal_problem(s->journal)) asl__complain(r, "%s", asl__journal_problem(s->journal));
    for (asl_execution *x = e->executions; x; x = x->next) {
        if (x->status == ASL_RUNNING && !x->kept) continue; /* refused */
        fprintf(stderr, "%s: %s %s\n", r->name, x->name, x->status == ASL_RUNNING ? "goes on later" : asl_status_name(x->status));
    }
    if (!taken && rc == EXIT_OK) fprintf(stderr, "%s: nothing to resume\n", r->name);
    for (size_t i = 0; i < names.count; i++) asl_free(names.items[i]);
    asl_free(names.items);
    return e->suspended || e->running > 0 ? EXIT_SUSPENDED : rc;
}

// ---------------------------------------------------------------- a session

static int run_session(struct run *r, const asl_program *program, asl_value input) {
    struct session session = {0}, *s = &session;
    r->journal.stop = strcmp(r->command, "stop") == 0;
    int rc = open_session(r, program, s);
    if (rc != EXIT_OK) {
        asl_release(input);
    } else {
        struct sigaction before[SIGNALS];
        catch_signals(s->engine, before);
        asl__progress_begin(s->engine);
        rc = strcmp(r->command, "resume") == 0 && !r->operand ? resume_all(r, s)
             : r->each                                        ? asl__run_each(r, s, program)
                                                              : run_one(r, s, input);
        asl__progress_end(s->engine);
        asl_engine_free(s->engine); /* waits for the processes it has stopped, so signals are ours until then */
        s->engine = NULL;
        release_signals(before);
    }
    asl_engine_free(s->engine);
    asl_buffer_free(&s->events);
    return rc;
}

/* Where the journal is. "" none. */
static int find_store(struct run *r, const asl_program *program) {
    const char *environment = getenv("ASLC_STORE");
    bool command = strcmp(r->command, "run") != 0, by_default = command || (r->options.standard && r->execution_name);
    if (environment && !*environment) environment = NULL;
    if (!r->journal.url && !environment && !by_default) return EXIT_OK;
    struct image image = {0};
    char message[256];
    if (asl__image_decode(&image, program, message, sizeof message) < 0) return asl__complain(r, "%s", message);
    bool express = r->options.express || (image.express && !r->options.standard && !command);
    asl_buffer url = {0};
    asl_buffer_format(&url, "sqlite:%s.db", image.name);
    asl_buffer_byte(&url, 0);
    r->store = url.data;
    asl__image_free(&image);
    if (express)
        return r->journal.url ? asl__complain(r, "an Express execution is not journalled: --store is for --type standard") : EXIT_OK;
    if (!r->journal.url) r->journal.url = environment ? environment : r->store;
    return EXIT_OK;
}

static int run_command(struct run *r, const asl_program *program) {
    asl_value input = asl_none();
    int rc = find_store(r, program);
    if (rc != EXIT_OK) return rc;
    if (asl__is_query(r->command)) return asl__query(r, program);
    if ((r->each || (!r->operand && strcmp(r->command, "resume") == 0)) && (r->history || r->report))
        return asl__complain(r, "--history and --report are about one execution: give them to the command history");
    if (strcmp(r->command, "run") == 0) rc = read_input(r, &input);
    else if (!r->operand && strcmp(r->command, "resume") != 0) rc = asl__complain(r, "%s needs the execution's name", r->command);
    return rc == EXIT_OK ? run_session(r, program, input) : rc;
}

int asl__run_main(const asl_program *program, const char *program_name, int argc, char **argv) {
    struct run run = {.name = program_name, .journal = {.suspend_after_ms = 60000}, .concurrency = 1000}, *r = &run;
    int rc = EXIT_OK;
    for (int i = 0; i < argc && rc == EXIT_OK && !r->help && !r->version; i++) rc = parse_option(r, argc, argv, &i);
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error of write() */
    r->options.binds = r->binds;
    r->options.bind_count = r->bind_count;
    if (!r->command) r->command = asl__run_commands[0];
    const char *threads = getenv("ASLC_THREADS");
    if (rc == EXIT_OK && !r->options.threads && threads && *threads) rc = parse_threads(r, "ASLC_THREADS", threads);
    if (!r->options.threads) r->options.threads = UINT_MAX;
    if (r->options.virtual_clock && !r->start_given) r->options.start_time_ms = VIRTUAL_START_MS;
    if (rc == EXIT_OK && r->help) printf("Usage: %s [COMMAND] [OPTION…]\n\n%s", program_name, asl__run_usage);
    else if (rc == EXIT_OK && r->version) printf("%s, compiled by aslc %s\n", program_name, ASLC_VERSION);
    else if (rc == EXIT_OK) rc = run_command(r, program);
    for (size_t i = 0; i < r->text_count; i++) asl_free(r->texts[i]);
    asl_free(r->texts);
    asl_free(r->binds);
    asl_free(r->store);
    asl__sinks_options_free(&r->sinks);
    asl_buffer_free(&r->input_text);
    return rc;
}

int asl_main(const asl_program *program, int argc, char **argv) {
    const char *name = argc > 0 ? argv[0] : "workflow", *slash = strrchr(name, '/');
    return asl__run_main(program, slash ? slash + 1 : name, argc - (argc > 0), argv + (argc > 0));
}
