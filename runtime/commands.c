// The commands of a compiled executable that look into the journal without running anything: list, describe, history, gc,
// send-task-success, send-task-failure, send-task-heartbeat. Their words and shapes are the service's API's.
#include "run.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"

const char *const asl__run_commands[] = {
    "run", "resume", "redrive", "stop", "list", "describe", "history", "gc",
    "send-task-success", "send-task-failure", "send-task-heartbeat", NULL,
};

bool asl__is_query(const char *command) {
    for (size_t i = 4; asl__run_commands[i]; i++)
        if (strcmp(asl__run_commands[i], command) == 0) return true;
    return false;
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct store *open_store(const struct run *r, bool create) {
    char message[1024];
    struct store *s = store_open(r->journal.url, create, message, sizeof message);
    if (!s) asl__complain(r, "%s", message);
    return s;
}

static int store_failed(const struct run *r, struct store *s, const char *name, enum store_result result) {
    if (result == STORE_NONE) return asl__complain(r, "there is no execution \"%s\" in %s", name, r->journal.url);
    return asl__complain(r, "%s", store_message(s));
}

// ---------------------------------------------------------------- executions

static void add_text(asl_buffer *out, const char *key, asl_str text) {
    asl_buffer_format(out, out->size && out->data[out->size - 1] != '{' ? ",\"%s\":" : "\"%s\":", key);
    asl_json_print_string(text, out);
}

static void add_time(asl_buffer *out, const char *key, int64_t ms) {
    asl_buffer_format(out, ",\"%s\":%lld.%03d", key, (long long)(ms / 1000), (int)(ms % 1000));
}

/* The head of ListExecutions' and DescribeExecution's items; "{" is there, "}" is not. */
static void add_head(asl_buffer *out, const struct store_execution *x) {
    const char *arn = x->arn ? x->arn : "", *end = strrchr(arn, ':'), *kind = strstr(arn, ":execution:");
    add_text(out, "executionArn", asl_str_z(arn));
    if (kind && end) {
        asl_buffer machine = {0};
        asl_buffer_format(&machine, "%.*s:stateMachine:%.*s", (int)(kind - arn), arn, (int)(end - (kind + 11)), kind + 11);
        add_text(out, "stateMachineArn", (asl_str){machine.data, machine.size});
        asl_buffer_free(&machine);
    }
    add_text(out, "name", asl_str_z(x->name));
    add_text(out, "status", asl_str_z(x->status));
    add_time(out, "startDate", x->start_ms);
    if (x->stop_ms) add_time(out, "stopDate", x->stop_ms);
    asl_buffer_format(out, ",\"redriveCount\":%lld", (long long)x->redrive_count);
    if (x->redrive_ms) add_time(out, "redriveDate", x->redrive_ms);
}

/* A row and its texts, which outlive the store's next call. */
struct found {
    struct store_execution x;
    char *texts[6];
    asl_buffer input, output, error, cause;
};

static void free_found(struct found *f) {
    for (size_t i = 0; i < sizeof f->texts / sizeof *f->texts; i++) asl_free(f->texts[i]);
    asl_buffer_free(&f->input);
    asl_buffer_free(&f->output);
    asl_buffer_free(&f->error);
    asl_buffer_free(&f->cause);
}

static const char *copy(struct found *f, int i, const char *z) {
    if (!z) return NULL;
    return f->texts[i] = asl__copy_text(asl_str_z(z));
}

static asl_str keep(asl_buffer *b, asl_str text) {
    asl_buffer_str(b, text);
    return (asl_str){b->data, b->size};
}

static void resolve(struct store *s, asl_buffer *b) {
    asl_buffer text = {0};
    if (b->size) asl__journal_text(s, (asl_str){b->data, b->size}, &text);
    asl_buffer_free(b);
    *b = text;
}

static enum store_result find(struct store *s, const char *machine, const char *name, struct found *f) {
    *f = (struct found){0};
    enum store_result r = store_execution_find(s, machine, name, &f->x);
    if (r != STORE_OK) return r;
    struct store_execution *x = &f->x;
    x->name = copy(f, 0, x->name);
    x->arn = copy(f, 1, x->arn);
    x->status = copy(f, 2, x->status);
    x->state = copy(f, 3, x->state);
    x->owner = copy(f, 4, x->owner);
    x->definition = copy(f, 5, x->definition);
    keep(&f->input, x->input);
    keep(&f->output, x->output);
    keep(&f->error, x->error);
    keep(&f->cause, x->cause);
    resolve(s, &f->input);
    resolve(s, &f->output);
    resolve(s, &f->error);
    resolve(s, &f->cause);
    return STORE_OK;
}

static void add_payload(asl_buffer *out, const char *key, const asl_buffer *text) {
    add_text(out, key, (asl_str){text->data, text->size});
    asl_buffer_format(out, ",\"%sDetails\":{\"included\":true}", key);
}

static const char *redrive_status(const struct store_execution *x, const char **reason) {
    ASL__OF_THREAD char text[80];
    bool can = strcmp(x->status, "FAILED") == 0 || strcmp(x->status, "TIMED_OUT") == 0 || strcmp(x->status, "ABORTED") == 0;
    snprintf(text, sizeof text, "Execution is %s and cannot be redriven", x->status);
    *reason = can ? NULL : text;
    return can ? "REDRIVABLE" : "NOT_REDRIVABLE";
}

static void describe(const struct found *f, asl_buffer *out) {
    const char *reason;
    asl_buffer_byte(out, '{');
    add_head(out, &f->x);
    add_text(out, "redriveStatus", asl_str_z(redrive_status(&f->x, &reason)));
    if (reason) add_text(out, "redriveStatusReason", asl_str_z(reason));
    add_payload(out, "input", &f->input);
    if (f->output.size) add_payload(out, "output", &f->output);
    if (f->error.size) asl_buffer_z(out, ",\"error\":"), asl_buffer_add(out, f->error.data, f->error.size);
    if (f->cause.size) asl_buffer_z(out, ",\"cause\":"), asl_buffer_add(out, f->cause.data, f->cause.size);
    asl_buffer_byte(out, '}');
}

bool asl__stored_description(const struct run *r, struct store *s, const char *machine, const char *name, asl_buffer *out) {
    struct found f;
    enum store_result result = find(s, machine, name, &f);
    if (result == STORE_OK) describe(&f, out);
    else store_failed(r, s, name, result);
    free_found(&f);
    return result == STORE_OK;
}

int asl__report_ended(const struct run *r, struct store *s, const char *machine, const char *name) {
    struct found f;
    enum store_result result = find(s, machine, name, &f);
    if (result != STORE_OK) {
        free_found(&f);
        return store_failed(r, s, name, result);
    }
    asl_buffer out = {0};
    if (r->describe) describe(&f, &out);
    else asl_buffer_add(&out, f.output.data, f.output.size);
    int rc = asl__write_out(r, &out);
    asl_buffer_free(&out);
    if (strcmp(f.x.status, "SUCCEEDED") != 0) {
        asl_value error = asl_none(), cause = asl_none();
        if (f.error.size) asl_json_parse((asl_str){f.error.data, f.error.size}, NULL, &error, NULL);
        if (f.cause.size) asl_json_parse((asl_str){f.cause.data, f.cause.size}, NULL, &cause, NULL);
        asl__say_failure(r, f.x.status, error.tag == ASL_STRING ? asl_text_of(&error) : (asl_str){NULL, 0},
                         cause.tag == ASL_STRING ? asl_text_of(&cause) : (asl_str){NULL, 0}, f.x.state);
        asl_release(error);
        asl_release(cause);
    }
    if (rc == EXIT_OK) rc = asl__status_exit(f.x.status);
    free_found(&f);
    return rc;
}

// ---------------------------------------------------------------- list

struct list {
    asl_buffer out;
    bool json, any;
};

static void time_column(asl_buffer *out, int64_t ms) {
    char text[40];
    size_t size = ms ? asl_timestamp_print(ms, text) : (size_t)sprintf(text, "-");
    asl_buffer_format(out, "  %-24.*s", (int)size, text);
}

static bool list_one(void *user, const struct store_execution *x) {
    struct list *l = user;
    if (l->json) {
        asl_buffer_z(&l->out, l->any ? ",{" : "{");
        add_head(&l->out, x);
        asl_buffer_byte(&l->out, '}');
    } else {
        if (!l->any) asl_buffer_format(&l->out, "%-36s  %-9s  %-24s  %-24s  %s\n", "NAME", "STATUS", "STARTED", "ENDED", "STATE");
        asl_buffer_format(&l->out, "%-36s  %-9s", x->name, x->status);
        time_column(&l->out, x->start_ms);
        time_column(&l->out, x->stop_ms);
        asl_buffer_format(&l->out, "  %s\n", x->state ? x->state : "");
    }
    l->any = true;
    return true;
}

static int list(struct run *r, struct store *s, const char *machine) {
    static const char *const statuses[] = {"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"};
    struct list l = {.json = r->format && strcmp(r->format, "json") == 0};
    bool known = !r->status;
    for (size_t i = 0; i < 5 && !known; i++) known = strcmp(statuses[i], r->status) == 0;
    if (!known) return asl__complain(r, "--status is RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED, not \"%s\"", r->status);
    if (l.json) asl_buffer_z(&l.out, "{\"executions\":[");
    enum store_result result = store_execution_list(s, machine, r->status, list_one, &l);
    if (l.json) asl_buffer_z(&l.out, "]}");
    else if (l.any) l.out.size--; /* asl__write_out ends the last line */
    int rc = result == STORE_OK ? asl__write_out(r, &l.out) : store_failed(r, s, "", result);
    asl_buffer_free(&l.out);
    return rc;
}

// ---------------------------------------------------------------- history

struct events {
    struct store *store;
    asl_buffer *out;
    bool any, bad;
    int64_t last;
};

static bool add_event(void *user, int64_t id, int64_t previous, int64_t time_ms, const char *type, asl_str details) {
    struct events *e = user;
    asl_buffer_z(e->out, e->any ? ",\n" : "\n");
    e->any = true;
    if (!asl__journal_event_print(e->store, id, previous, time_ms, type, details, e->out)) e->bad = true;
    return true;
}

bool asl__stored_history(const struct run *r, struct store *s, const char *machine, const char *name, asl_buffer *out) {
    struct store_execution x;
    enum store_result result = store_execution_find(s, machine, name, &x);
    struct events e = {.store = s, .out = out};
    asl_buffer_z(out, "{\"events\":[");
    if (result == STORE_OK) result = store_events(s, x.id, 0, add_event, &e);
    asl_buffer_z(out, "\n]}");
    if (result != STORE_OK) store_failed(r, s, name, result);
    else if (e.bad) asl__complain(r, "the journal lacks a payload of execution \"%s\"", name);
    return result == STORE_OK && !e.bad;
}

/* "12:03:07.250    7  TaskStateEntered          Charge" */
static bool show_event(void *user, int64_t id, int64_t previous, int64_t time_ms, const char *type, asl_str details) {
    struct events *e = user;
    char when[40];
    (void)previous;
    size_t size = asl_timestamp_print(time_ms, when);
    asl_value stored = asl_none(), none = asl_none();
    asl_json_parse(details, NULL, &stored, NULL);
    const asl_value *d = stored.tag == ASL_OBJECT ? asl_object_get(&stored, ASL_STR("details")) : NULL;
    if (!d || d->tag != ASL_OBJECT) d = &none;
    static const char *const shown[] = {"name", "index", "state", "resource", "error", "cause"};
    printf("%.*s %5lld  %-26s", (int)size, when, (long long)id, type);
    for (size_t i = 0; i < sizeof shown / sizeof *shown && d->tag == ASL_OBJECT; i++) {
        const asl_value *v = asl_object_get(d, asl_str_z(shown[i]));
        if (!v) continue;
        asl_buffer text = {0};
        if (v->tag == ASL_STRING) asl_buffer_str(&text, asl_text_of(v));
        else asl_json_print(v, &text);
        for (size_t c = 0; c < text.size; c++)
            if ((unsigned char)text.data[c] < ' ') text.data[c] = ' ';
        printf(" %.*s", (int)(text.size < 200 ? text.size : 200), text.data);
        asl_buffer_free(&text);
    }
    putchar('\n');
    asl_release(stored);
    e->last = id;
    return true;
}

static int follow(struct run *r, struct store *s, const char *machine) {
    struct events e = {.store = s};
    for (;;) {
        struct store_execution x;
        enum store_result result = store_execution_find(s, machine, r->operand, &x);
        if (result != STORE_OK) return store_failed(r, s, r->operand, result);
        bool running = strcmp(x.status, "RUNNING") == 0;
        result = store_events(s, x.id, e.last, show_event, &e);
        if (result != STORE_OK) return store_failed(r, s, r->operand, result);
        if (fflush(stdout) != 0) return EXIT_FAILED_RUN; /* nobody reads on */
        if (!running) return EXIT_OK;
        /* PostgreSQL tells of answers and stops only, so now and then it is looked whatever it says. */
        for (int i = 0; i < 4 && !store_changed(s); i++) usleep(100 * 1000);
    }
}

static int history(struct run *r, struct store *s, const char *machine, const asl_value *image) {
    if (r->follow) return follow(r, s, machine);
    asl_buffer out = {0}, description = {0};
    int rc = asl__stored_history(r, s, machine, r->operand, &out) ? EXIT_OK : EXIT_BAD_USE;
    if (rc == EXIT_OK && r->report)
        rc = asl__stored_description(r, s, machine, r->operand, &description)
                 ? asl__write_report(r, image, (asl_str){description.data, description.size}, (asl_str){out.data, out.size})
                 : EXIT_BAD_USE;
    else if (rc == EXIT_OK) rc = asl__write_out(r, &out);
    asl_buffer_free(&out);
    asl_buffer_free(&description);
    return rc;
}

// ---------------------------------------------------------------- stop, gc, tokens

int asl__ask_stop(const struct run *r, struct store *s, const char *machine, const char *name) {
    struct store_execution x;
    enum store_result result = store_execution_find(s, machine, name, &x);
    if (result == STORE_OK)
        result = store_execution_ask_stop(s, x.id, r->error ? asl_str_z(r->error) : (asl_str){NULL, 0},
                                          r->cause ? asl_str_z(r->cause) : (asl_str){NULL, 0});
    if (result == STORE_EXISTS) return EXIT_OK;
    if (result != STORE_OK) return store_failed(r, s, name, result);
    for (int64_t until = now_ms() + 30000; now_ms() < until; usleep(100 * 1000)) {
        result = store_execution_find(s, machine, name, &x);
        if (result != STORE_OK) return store_failed(r, s, name, result);
        if (strcmp(x.status, "RUNNING") != 0) return EXIT_OK;
    }
    asl__complain(r, "the process that runs execution \"%s\" has been asked to stop it, and has not yet (%s)", name,
                  x.owner ? x.owner : "?");
    return EXIT_SUSPENDED;
}

/* "30d", "12h", "90m", "45s": in ms, or -1. */
static int64_t duration(const char *text) {
    char *end;
    long long n = strtoll(text, &end, 10);
    int64_t unit = *end == 'd' ? 86400000 : *end == 'h' ? 3600000 : *end == 'm' ? 60000 : *end == 's' ? 1000 : 0;
    return *text < '0' || *text > '9' || !unit || end[1] || n > 36500 * (86400000 / unit) ? -1 : n * unit;
}

static int gc(struct run *r, struct store *s, const char *machine) {
    if (!r->older_than) return asl__complain(r, "gc needs --older-than, such as --older-than 30d");
    int64_t age = duration(r->older_than), count = 0;
    if (age < 0) return asl__complain(r, "--older-than is a number of days, hours, minutes or seconds, such as 30d or 12h, not \"%s\"", r->older_than);
    enum store_result result = store_gc(s, machine, now_ms() - age, &count);
    if (result != STORE_OK) return store_failed(r, s, "", result);
    fprintf(stderr, "%s: %lld execution%s deleted\n", r->name, (long long)count, count == 1 ? "" : "s");
    return EXIT_OK;
}

static int send_task(struct run *r, struct store *s) {
    enum store_result result;
    asl_str none = {NULL, 0};
    if (strcmp(r->command, "send-task-heartbeat") == 0) {
        result = store_token_heartbeat(s, r->operand, now_ms());
    } else if (strcmp(r->command, "send-task-failure") == 0) {
        result = store_token_answer(s, r->operand, now_ms(), STORE_TOKEN_FAILURE, none, r->error ? asl_str_z(r->error) : none,
                                    r->cause ? asl_str_z(r->cause) : none);
    } else {
        asl_value parsed;
        asl_json_error error;
        const char *output = r->output ? r->output : "{}";
        if (asl_json_parse(asl_str_z(output), NULL, &parsed, &error) < 0)
            return asl__complain(r, "InvalidOutput: --output is JSON: %u:%u: %s", error.line, error.column, error.message);
        asl_release(parsed);
        result = store_token_answer(s, r->operand, now_ms(), STORE_TOKEN_SUCCESS, asl_str_z(output), none, none);
    }
    switch (result) {
    case STORE_OK: return EXIT_OK;
    case STORE_NONE: return asl__complain(r, "TaskDoesNotExist: no task waits for this token in %s", r->journal.url);
    case STORE_EXISTS: return asl__complain(r, "TaskDoesNotExist: this token has been answered already");
    case STORE_LOST: return asl__complain(r, "TaskTimedOut: the task that waited for this token has run out of time");
    case STORE_BUSY:
    case STORE_ERROR: break;
    }
    return asl__complain(r, "%s", store_message(s));
}

int asl__query(struct run *r, const asl_program *program) {
    struct image image = {0};
    char message[256];
    bool names = strcmp(r->command, "list") != 0 && strcmp(r->command, "gc") != 0;
    if (names && !r->operand)
        return asl__complain(r, strncmp(r->command, "send", 4) == 0 ? "%s needs the task's token" : "%s needs the execution's name", r->command);
    if (asl__image_decode(&image, program, message, sizeof message) < 0) return asl__complain(r, "%s", message);
    int rc = EXIT_BAD_USE;
    struct store *s = open_store(r, false);
    if (s) {
        if (strcmp(r->command, "list") == 0) rc = list(r, s, image.name);
        else if (strcmp(r->command, "history") == 0) rc = history(r, s, image.name, &image.root);
        else if (strcmp(r->command, "gc") == 0) rc = gc(r, s, image.name);
        else if (strcmp(r->command, "describe") == 0) {
            asl_buffer out = {0};
            if (asl__stored_description(r, s, image.name, r->operand, &out)) rc = asl__write_out(r, &out);
            asl_buffer_free(&out);
        } else {
            rc = send_task(r, s);
        }
        store_close(s);
    }
    asl__image_free(&image);
    return rc;
}
