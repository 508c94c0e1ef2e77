// Redaction, cutting of log lines, the bounded queue, and what handlers are told of a trace. What receivers see of whole runs
// is in tests/e2e/sinks.py.
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sinks/lines.h"
#include "sinks/outbox.h"
#include "sinks/redact.h"
#include "sinks/sinks.h"
#include "waiting.h"

// ---------------------------------------------------------------- redaction

static void check_redacted(const char *names, const char *before, const char *after) {
    struct redact *r = redact_new(&names, 1);
    asl_value v, clean;
    CHECK_OR_END(asl_json_parse(asl_str_z(before), NULL, &v, NULL) == 0);
    clean = redact_value(r, &v);
    asl_buffer b = {0}, same = {0};
    asl_json_print(&clean, &b);
    CHECK_STR(((asl_str){b.data, b.size}), after);
    asl_json_print(&v, &same);
    CHECK_STR(((asl_str){same.data, same.size}), before); /* what was redacted is as it was */
    asl_buffer_free(&b);
    asl_buffer_free(&same);
    asl_release(v);
    asl_release(clean);
    redact_free(r);
}

TEST(redact_documents) {
    check_redacted("a", "{\"a\":1,\"b\":2}", "{\"a\":\"***\",\"b\":2}");
    check_redacted("a,b", "[{\"a\":{\"x\":1}},{\"c\":[[{\"b\":null}]]}]", "[{\"a\":\"***\"},{\"c\":[[{\"b\":\"***\"}]]}]");
    check_redacted(" a , ,b ", "{\"a\":1,\" a \":1}", "{\"a\":\"***\",\" a \":1}");
    check_redacted("a", "{\"A\":1,\"aa\":1,\"b\":\"a\"}", "{\"A\":1,\"aa\":1,\"b\":\"a\"}");
    check_redacted(", ,", "{\"a\":1}", "{\"a\":1}");
}

TEST(redact_texts) {
    check_redacted("a", "\"{\\\"a\\\":1,\\\"b\\\":2}\"", "\"{\\\"a\\\":\\\"***\\\",\\\"b\\\":2}\"");
    check_redacted("a", "{\"body\":\" [{\\\"a\\\": 1}]\"}", "{\"body\":\"[{\\\"a\\\":\\\"***\\\"}]\"}");
    check_redacted("a", "{\"body\":\"{\\\"b\\\": \\\"a\\\"}\"}", "{\"body\":\"{\\\"b\\\": \\\"a\\\"}\"}"); /* to the space */
    /* a string in a string in a string */
    check_redacted("a", "\"{\\\"s\\\":\\\"{\\\\\\\"a\\\\\\\":1}\\\"}\"", "\"{\\\"s\\\":\\\"{\\\\\\\"a\\\\\\\":\\\\\\\"***\\\\\\\"}\\\"}\"");
    check_redacted("a", "\"in '{\\\"a\\\": {\\\"x\\\": [1]}, \\\"b\\\": 2}'.\"", "\"in '{\\\"a\\\": \\\"***\\\", \\\"b\\\": 2}'.\"");
    check_redacted("a", "\"x \\\"a\\\":12, \\\"a\\\" : \\\"q\\\\\\\"\\\" y\"", "\"x \\\"a\\\":\\\"***\\\", \\\"a\\\" : \\\"***\\\" y\"");
    check_redacted("a", "\"x \\\\\\\"a\\\\\\\":\\\\\\\"secret\\\\\\\"} y\"", "\"x \\\\\\\"a\\\\\\\":\\\\\\\"***\\\\\\\"} y\"");
    check_redacted("a", "\"an \\\"a\\\" and \\\"a\\\"\"", "\"an \\\"a\\\" and \\\"a\\\"\"");
    check_redacted("a", "\"cut \\\"a\\\":[1,{\"", "\"cut \\\"a\\\":\\\"***\\\"\"");
    check_redacted("a", "\"cut \\\"a\\\":\"", "\"cut \\\"a\\\":\\\"***\\\"\"");
    check_redacted("a", "\"cut \\\"a\\\":\\\"x\\\\\\\\\"", "\"cut \\\"a\\\":\\\"***\\\"\"");
}

TEST(redact_the_depths) {
    asl_buffer b = {0};
    for (int i = 0; i < ASL_MAX_DEPTH - 2; i++) asl_buffer_z(&b, i % 2 ? "[" : "{\"b\":");
    asl_buffer_z(&b, "{\"a\":1}");
    for (int i = ASL_MAX_DEPTH - 3; i >= 0; i--) asl_buffer_byte(&b, i % 2 ? ']' : '}');
    const char *name = "a";
    struct redact *r = redact_new(&name, 1);
    asl_value v;
    CHECK_OR_END(asl_json_parse((asl_str){b.data, b.size}, NULL, &v, NULL) == 0);
    asl_value clean = redact_value(r, &v);
    asl_buffer out = {0};
    asl_json_print(&clean, &out);
    CHECK(memmem(out.data, out.size, "{\"a\":\"***\"}", 11) != NULL);
    asl_release(clean);
    asl_release(v);
    asl_buffer_free(&out);
    asl_buffer_free(&b);
    redact_free(r);
}

// ---------------------------------------------------------------- log lines

static char arn[] = "arn:aws:states:us-east-1:123456789012:execution:m:e";

static asl_value long_text(const char *unit, size_t count) {
    asl_buffer b = {0};
    for (size_t i = 0; i < count; i++) asl_buffer_z(&b, unit);
    asl_value v = asl_string((asl_str){b.data, b.size});
    asl_buffer_free(&b);
    return v;
}

/* Logs one event to a pipe; the line, which the next call overwrites. */
static const char *logged(const struct event_record *r, size_t *size) {
    static char line[70000];
    char path[64], message[256];
    int ends[2];
    *line = 0;
    *size = 0;
    if (pipe(ends) < 0) return line;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETPIPE_SZ, 65536);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[1]);
    struct asl_observer *o = asl__log_open(&(struct log_options){.level = LOG_ALL, .data = true, .destination = path}, message,
                                           sizeof message);
    CHECK(o != NULL);
    if (o) {
        o->event(o, r);
        o->close(o);
    }
    ssize_t n = read(ends[0], line, sizeof line - 1);
    close(ends[0]);
    close(ends[1]);
    *size = n > 0 ? (size_t)n : 0;
    line[*size] = 0;
    return line;
}

TEST(log_lines_are_cut_between_characters) {
    /* one and more bytes; escaped once, and so twice in a payload's text; \u escapes; pairs of surrogates stay UTF-8 */
    static const char *const units[] = {"x", "ä", "€", "\U0001f600", "\"", "\\", "\n", "\x01", "xä\"€\\\U0001f600\x1f"};
    asl_execution x = {.arn = arn};
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        for (size_t shift = 0; shift < 9; shift++) { /* so that the limit falls on each byte of a character */
            asl_value name = long_text("n", shift + 1), text = long_text(units[u], 9000), other = long_text("y", 9000 - shift);
            struct assigned_variable variable = {&name, other};
            struct event_record r = {.type = EVENT_PASS_EXITED, .id = 3, .previous = 2, .execution = &x,
                                     .d = {.name = "S", .output = &text, .assigned = &variable, .assigned_count = 1,
                                           .index = -1, .length = -1}};
            size_t size;
            const char *line = logged(&r, &size);
            asl_value v = asl_null();
            asl_json_error e = {0};
            CHECK(size <= 16384 && size > 15900 && line[size - 1] == '\n');
            if (asl_json_parse((asl_str){line, size}, NULL, &v, &e) < 0) TEST_FAIL("unit %zu shift %zu: %s", u, shift, e.message);
            CHECK(strstr(line, "\"outputDetails\":{\"truncated\":true}") || strstr(line, "\"assignedVariablesDetails\":{\"truncated\":true}"));
            asl_release(v);
            asl_release(text);
            asl_release(other);
            asl_release(name);
        }
    }
}

TEST(log_cuts_what_is_longest) {
    asl_execution x = {.arn = arn};
    asl_value input = long_text("x", 40000), cause = long_text("c", 30), error = long_text("e", 3);
    struct event_record r = {.type = EVENT_LAMBDA_SCHEDULED, .id = 3, .execution = &x,
                             .d = {.input = &input, .error = &error, .cause = &cause, .index = -1, .length = -1}};
    size_t size;
    const char *line = logged(&r, &size);
    CHECK(strstr(line, "\"inputDetails\":{\"truncated\":true}") != NULL);
    CHECK(strstr(line, "\"cause\":\"cccccccccccccccccccccccccccccc\"") != NULL);
    CHECK(strstr(line, "causeDetails") == NULL);
    r.d.cause = &input;
    r.d.input = NULL;
    line = logged(&r, &size);
    CHECK(strstr(line, "\"causeDetails\":{\"truncated\":true}") != NULL);
    /* more variables than their names alone would fit */
    static struct assigned_variable many[400];
    asl_value name = long_text("v", 80);
    for (size_t i = 0; i < 400; i++) many[i] = (struct assigned_variable){&name, asl_int(1)};
    r = (struct event_record){.type = EVENT_PASS_EXITED, .id = 3, .execution = &x,
                              .d = {.name = "S", .assigned = many, .assigned_count = 400, .index = -1, .length = -1}};
    line = logged(&r, &size);
    CHECK(size < 16384);
    CHECK(strstr(line, "\"details\":{\"truncated\":true},") != NULL);
    asl_release(name);
    asl_release(input);
    asl_release(cause);
    asl_release(error);
}

TEST(log_levels) {
    enum log_level level;
    CHECK(asl__log_level_parse("ERROR", &level) && level == LOG_ERROR);
    CHECK(asl__log_level_parse("OFF", &level) && level == LOG_OFF);
    CHECK(!asl__log_level_parse("error", &level) && !asl__log_level_parse("", &level));
}

// ---------------------------------------------------------------- queue

TEST(lines_to_a_full_pipe) {
    char path[64], message[256], line[1000], read_back[1000];
    int ends[2];
    CHECK_OR_END(pipe(ends) == 0);
    fcntl(ends[1], F_SETPIPE_SZ, 4096);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[1]);
    struct lines *l = lines_open(path, message, sizeof message);
    CHECK_OR_END(l != NULL);
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 10000; i++) lines_put(l, line, sizeof line); /* 10 MB; the queue holds 4 MiB */
    CHECK(lines_dropped(l) > 5000);
    CHECK(lines_dropped(l) < 6000);
    uint64_t dropped = lines_close(l);
    CHECK(dropped > 9400);
    /* the pipe is not full: others may write to it */
    struct pollfd p = {.fd = ends[1], .events = POLLOUT};
    CHECK(poll(&p, 1, 0) == 1 && (p.revents & POLLOUT));
    close(ends[1]);
    int64_t before = outbox_now_ms();
    size_t whole = 0;
    while (read(ends[0], read_back, sizeof read_back) == (ssize_t)sizeof read_back) whole += memcmp(line, read_back, sizeof line) == 0;
    CHECK(whole >= 4);
    CHECK(outbox_now_ms() - before < 5000);
    close(ends[0]);
    usleep(150000); /* the thread that was left behind has seen it, so that nothing is still allocated */
}

TEST(lines_to_a_slow_reader) {
    char path[64], message[256], line[16] = "0000000 line ..\n";
    int ends[2];
    CHECK_OR_END(pipe(ends) == 0);
    fcntl(ends[1], F_SETPIPE_SZ, 4096);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[1]);
    struct lines *l = lines_open(path, message, sizeof message);
    CHECK_OR_END(l != NULL);
    close(ends[1]);
    pid_t reader = fork();
    if (reader == 0) { /* every line, in order */
        for (int i = 0; i < 20000; i++) {
            char got[16], want[17];
            size_t at = 0;
            while (at < sizeof got) {
                ssize_t n = read(ends[0], got + at, sizeof got - at);
                if (n <= 0) _exit(1);
                at += (size_t)n;
            }
            snprintf(want, sizeof want, "%07d line ..\n", i);
            if (memcmp(got, want, sizeof got) != 0) _exit(2);
            if (i % 1000 == 0) usleep(1000);
        }
        _exit(0);
    }
    close(ends[0]);
    for (int i = 0; i < 20000; i++) {
        char z[17];
        snprintf(z, sizeof z, "%07d line ..\n", i);
        memcpy(line, z, sizeof line);
        lines_put(l, line, sizeof line);
    }
    CHECK_EQ(lines_close(l), 0);
    int status = -1;
    waitpid(reader, &status, 0);
    CHECK_EQ(status, 0);
}

TEST(lines_to_a_full_disk) {
    char message[256];
    struct lines *l = lines_open("/dev/full", message, sizeof message);
    CHECK_OR_END(l != NULL);
    lines_put(l, "x\n", 2);
    CHECK_EQ(lines_close(l), 1);
    CHECK(lines_open("/no/such/folder/x", message, sizeof message) == NULL);
    CHECK_STR(message, "cannot write to /no/such/folder/x: No such file or directory");
}

// ---------------------------------------------------------------- traces

/* A Map "M" with one frame under it, made by hand. */
struct fixture {
    asl_engine engine;
    asl_execution execution;
    struct image_state states[2];
    struct frame root, child;
    struct fanout fanout;
    struct asl_observer *tracer;
};

static void begin(struct fixture *f, bool seeded) {
    char message[256];
    memset(f, 0, sizeof *f);
    f->states[0] = (struct image_state){.name_z = "M", .kind = STATE_MAP};
    f->states[1] = (struct image_state){.name_z = "T", .kind = STATE_TASK};
    f->engine.image.states = f->states;
    f->engine.image.state_count = 2;
    f->execution.engine = &f->engine;
    f->execution.machine = f->execution.name = "m";
    f->execution.arn = arn;
    f->root.execution = f->child.execution = &f->execution;
    f->child.head.state = 1;
    f->root.head.entered = 2;
    f->child.head.entered = 5;
    f->fanout.parent = &f->root;
    f->child.up = &f->fanout;
    f->tracer = asl__trace_open(&(struct trace_options){.service = "m", .seeded = seeded, .seed = 1}, message, sizeof message);
}

static void tell(struct fixture *f, enum event type, const struct frame *frame) {
    struct event_record r = {.type = type, .time_ms = 1767225600000, .execution = &f->execution, .frame = frame,
                             .d = {.resource = "x", .index = -1, .length = -1}};
    f->tracer->event(f->tracer, &r);
}

static void until_the_attempt(struct fixture *f) {
    tell(f, EVENT_EXECUTION_STARTED, NULL);
    tell(f, EVENT_MAP_ENTERED, &f->root);
    tell(f, EVENT_MAP_STARTED, &f->root);
    tell(f, EVENT_MAP_ITERATION_STARTED, &f->child);
    tell(f, EVENT_TASK_ENTERED, &f->child);
    tell(f, EVENT_TASK_SCHEDULED, &f->child);
}

TEST(trace_headers) {
    struct fixture f;
    char parent[56], xray[128], again[56], id[17];
    unsetenv("TRACEPARENT");
    unsetenv("_X_AMZN_TRACE_ID");
    begin(&f, true);
    asl__trace_headers(f.tracer, &f.child, parent, xray);
    CHECK_STR(parent, ""); /* nothing has begun */
    f.execution.start_ms = 1767225600000;
    until_the_attempt(&f);
    asl__trace_headers(f.tracer, &f.child, parent, xray);
    CHECK_EQ(strlen(parent), 55);
    CHECK_EQ(memcmp(parent, "00-6955b900", 11), 0); /* the trace's id begins with the time */
    CHECK_STR(parent + 53, "01");
    snprintf(id, sizeof id, "%.16s", parent + 36);
    char want[128];
    snprintf(want, sizeof want, "Root=1-%.8s-%.24s;Parent=%s;Sampled=1", parent + 3, parent + 11, id);
    CHECK_STR(xray, want);
    /* the next attempt is another span of the same trace */
    tell(&f, EVENT_TASK_FAILED, &f.child);
    tell(&f, EVENT_TASK_SCHEDULED, &f.child);
    asl__trace_headers(f.tracer, &f.child, again, xray);
    CHECK(memcmp(again, parent, 36) == 0 && memcmp(again + 36, parent + 36, 16) != 0);
    f.tracer->close(f.tracer); /* with all of it open */
    begin(&f, true);
    f.execution.start_ms = 1767225600000;
    until_the_attempt(&f);
    asl__trace_headers(f.tracer, &f.child, again, xray);
    CHECK_STR(again, parent); /* the seed says it all */
    f.tracer->close(f.tracer);
}

TEST(trace_headers_continue) {
    static const struct {
        const char *xray, *w3c, *root, *sampled;
    } cases[] = {
        {"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", NULL,
         "00-5759e988bd862e3fe1be46a994272793-", "01"},
        {"Sampled=0; Root=1-5759e988-bd862e3fe1be46a994272793", NULL, "00-5759e988bd862e3fe1be46a994272793-", "00"},
        {"Root=1-5759E988-BD862E3FE1BE46A994272793;Lineage=x", NULL, "00-5759e988bd862e3fe1be46a994272793-", "01"},
        {NULL, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-", "01"},
        {NULL, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", "00-0af7651916cd43dd8448eb211c80319c-", "00"},
        {NULL, "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", "00-0af7651916cd43dd8448eb211c80319c-", "01"},
        {"nonsense", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-", "01"},
    };
    static const char *const bad[] = {"", "00", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                      "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                                      "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                                      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
                                      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x"};
    struct fixture f;
    char parent[56], xray[128];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsetenv("_X_AMZN_TRACE_ID");
        unsetenv("TRACEPARENT");
        if (cases[i].xray) setenv("_X_AMZN_TRACE_ID", cases[i].xray, 1);
        if (cases[i].w3c) setenv("TRACEPARENT", cases[i].w3c, 1);
        begin(&f, false);
        until_the_attempt(&f);
        asl__trace_headers(f.tracer, &f.child, parent, xray);
        CHECK_STR(((asl_str){parent, 36}), cases[i].root);
        CHECK_STR(parent + 53, cases[i].sampled);
        CHECK_EQ(xray[strlen(xray) - 1], cases[i].sampled[1]);
        f.tracer->close(f.tracer);
    }
    unsetenv("_X_AMZN_TRACE_ID");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("TRACEPARENT", bad[i], 1);
        begin(&f, false);
        until_the_attempt(&f);
        asl__trace_headers(f.tracer, &f.child, parent, xray);
        CHECK(strstr(parent, "0af7651916cd43dd") == NULL && strlen(parent) == 55);
        f.tracer->close(f.tracer);
    }
    unsetenv("TRACEPARENT");
}

TEST(trace_begins_in_the_middle) {
    /* a resumed process sees the end of what another began */
    struct fixture f;
    char parent[56], xray[128];
    begin(&f, false);
    tell(&f, EVENT_TASK_SUCCEEDED, &f.child);
    tell(&f, EVENT_TASK_EXITED, &f.child);
    tell(&f, EVENT_MAP_ITERATION_SUCCEEDED, &f.child);
    tell(&f, EVENT_MAP_EXITED, &f.root);
    asl__trace_headers(f.tracer, &f.root, parent, xray);
    CHECK_EQ(strlen(parent), 55);
    tell(&f, EVENT_EXECUTION_SUCCEEDED, NULL);
    tell(&f, EVENT_PASS_ABORTED, &f.root);
    f.tracer->close(f.tracer);
}

TEST(sinks_say_what_they_want) {
    struct sink_options o = {0};
    char message[256] = "";
    CHECK_EQ(asl__sinks_option(&o, "--log-level", "ALL", message, sizeof message), 0);
    CHECK_EQ(asl__sinks_option(&o, "--trace", "xray", message, sizeof message), 0);
    CHECK_EQ(asl__sinks_option(&o, "--store", "x", message, sizeof message), 1);
    CHECK_EQ(asl__sinks_option(&o, "--log-level", "all", message, sizeof message), -1);
    CHECK_STR(message, "--log-level is ALL, ERROR, FATAL or OFF, not \"all\"");
    asl__sinks_options_free(&o);
    static const char *const bad[] = {"xray:", "xray:host", "xray:host:0", "xray:host:99999", "xray:::1:2000", "otlp:ftp://x", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        *message = 0;
        CHECK(asl__trace_open(&(struct trace_options){.sinks = &bad[i], .sink_count = 1, .service = "m"}, message, sizeof message) == NULL);
        CHECK(*message != 0);
    }
}
