// What events say: their names, their details as GetExecutionHistory has them, and the file of --history.
//
// Which field an event has is decided where it is published; here is only how it is written. Payloads are JSON texts in a
// string; a payload is followed by "…Details": {"truncated": false} (execution-history 1 and 2, aws-observed-behaviour 18).
#include "observe.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name, *key;
} events[EVENT_COUNT] = {
#define EVENT(id, name, details) [EVENT_##id] = {name, details},
#include "events.def"
#undef EVENT
};

const char *asl__event_name(enum event type) { return events[type].name; }
const char *asl__event_details_key(enum event type) { return events[type].key; }

// ---------------------------------------------------------------- details

struct details {
    asl_buffer *out;
    bool data;
    const asl_execution *execution;
    asl_buffer text; /* a payload before it is put into a string */
};

static void key(struct details *d, const char *name) {
    asl_buffer *out = d->out;
    asl_buffer_format(out, out->data[out->size - 1] == '{' ? "\"%s\":" : ",\"%s\":", name);
}

static void text(struct details *d, const char *name, const char *z) {
    if (!z) return;
    key(d, name);
    asl_json_print_string(asl_str_z(z), d->out);
}

static void string(struct details *d, const char *name, const asl_value *v) {
    if (!v || v->tag == ASL_NONE) return;
    key(d, name);
    asl_json_print(v, d->out);
}

static void number(struct details *d, const char *name, int64_t n) {
    key(d, name);
    asl_buffer_format(d->out, "%lld", (long long)n);
}

/* The input that is handed on whole keeps the text it was sent as (aws-observed-behaviour 17). */
static bool is_input(const asl_execution *x, const asl_value *v) {
    if (x->input_text.tag == ASL_NONE || v->tag != x->input.tag) return false;
    return (v->tag == ASL_OBJECT || v->tag == ASL_ARRAY) ? v->array == x->input.array : v == &x->input;
}

static void as_text(struct details *d, const asl_value *v) {
    if (is_input(d->execution, v)) {
        asl_json_print_string(asl_text_of(&d->execution->input_text), d->out);
        return;
    }
    d->text.size = 0;
    asl_json_print(v, &d->text);
    asl_json_print_string((asl_str){d->text.data, d->text.size}, d->out);
}

static void payload(struct details *d, const char *name, const asl_value *v, const char *details) {
    if (!v || !d->data) return;
    key(d, name);
    if (v->tag == ASL_NONE) asl_buffer_z(d->out, "\"null\"");
    else as_text(d, v);
    if (!details) return;
    key(d, details);
    asl_buffer_z(d->out, "{\"truncated\":false}");
}

static void assigned_object(struct details *d, const struct event_details *e) {
    asl_buffer_byte(d->out, '{');
    for (size_t i = 0; i < e->assigned_count; i++) {
        if (i) asl_buffer_byte(d->out, ',');
        asl_json_print(e->assigned[i].name, d->out);
        asl_buffer_byte(d->out, ':');
        as_text(d, &e->assigned[i].value);
    }
    asl_buffer_byte(d->out, '}');
}

static void assigned(struct details *d, const struct event_details *e) {
    if (!e->assigned_count || !d->data) return;
    key(d, "assignedVariables");
    assigned_object(d, e);
    key(d, "assignedVariablesDetails");
    asl_buffer_z(d->out, "{\"truncated\":false}");
}

void asl__event_assigned_print(const struct event_record *r, asl_buffer *out) {
    struct details d = {out, true, r->execution, {0}};
    assigned_object(&d, &r->d);
    asl_buffer_free(&d.text);
}

asl_str asl__event_payload_sent(const struct event_record *r, const asl_value *payload) {
    return is_input(r->execution, payload) ? asl_text_of(&r->execution->input_text) : (asl_str){NULL, 0};
}

void asl__event_details_print(const struct event_record *r, bool data, asl_buffer *out) {
    const struct event_details *e = &r->d;
    struct details details = {out, data, r->execution, {0}}, *d = &details;
    asl_buffer_byte(out, '{');
    text(d, "name", e->name);
    text(d, "resourceType", e->resource_type);
    text(d, "resource", e->resource);
    if (r->type == EVENT_TASK_SCHEDULED) text(d, "region", r->execution->engine->region);
    if (r->type == EVENT_MAP_STARTED) number(d, "length", e->length);
    if (r->type >= EVENT_MAP_ITERATION_STARTED && r->type <= EVENT_MAP_ITERATION_ABORTED) number(d, "index", e->index);
    payload(d, "input", e->input, "inputDetails");
    payload(d, "output", e->output, "outputDetails");
    payload(d, "parameters", e->parameters, NULL);
    assigned(d, e);
    text(d, "state", e->state);
    string(d, "error", e->error);
    string(d, "cause", e->cause);
    string(d, "location", e->location);
    text(d, "workerName", e->worker);
    text(d, "mapRunArn", e->map_run_arn);
    if (e->timeout_s) number(d, "timeoutInSeconds", e->timeout_s);
    if (e->heartbeat_s) number(d, "heartbeatInSeconds", e->heartbeat_s);
    if (e->redrive_count) number(d, "redriveCount", e->redrive_count);
    if (e->role && e->role->tag == ASL_STRING) {
        key(d, "taskCredentials");
        asl_buffer_z(out, "{\"roleArn\":");
        asl_json_print(e->role, out);
        asl_buffer_byte(out, '}');
    }
    if (r->type == EVENT_EXECUTION_STARTED) {
        asl_buffer role = {0};
        asl__role_arn(r->execution, &role);
        asl_buffer_byte(&role, 0);
        text(d, "roleArn", role.data);
        asl_buffer_free(&role);
    }
    asl_buffer_byte(out, '}');
    asl_buffer_free(&d->text);
}

void asl__event_print(const struct event_record *r, asl_buffer *out) {
    asl__event_head_print(r->time_ms, asl__event_name(r->type), r->id, r->previous, out);
    const char *details = asl__event_details_key(r->type);
    if (details) {
        asl_buffer_format(out, ",\"%s\":", details);
        asl__event_details_print(r, true, out);
    }
    asl_buffer_byte(out, '}');
}

void asl__event_head_print(int64_t time_ms, const char *type, uint64_t id, uint64_t previous, asl_buffer *out) {
    asl_buffer_format(out, "{\"timestamp\":%lld.%03d,\"type\":\"%s\",\"id\":%llu,\"previousEventId\":%llu",
                      (long long)(time_ms / 1000), (int)(time_ms % 1000), type, (unsigned long long)id,
                      (unsigned long long)previous);
}

// ---------------------------------------------------------------- publishing

void asl__observe(asl_engine *e, struct asl_observer *o) {
    struct asl_observer **at = &e->observers;
    while (*at) at = &(*at)->next;
    *at = o;
    o->next = NULL;
}

uint64_t asl__publish_event(asl_execution *x, struct frame *f, enum event type, uint64_t previous,
                            const struct event_details *d) {
    uint64_t id = asl__event(x);
    struct asl_observer *o = x->engine->observers;
    struct event_record r = {.type = type, .id = id, .previous = previous, .time_ms = x->engine->clock.now_ms,
                             .execution = x, .frame = f};
    if (d) r.d = *d;
    for (; o; o = o->next) o->event(o, &r);
    return id;
}

// ---------------------------------------------------------------- the file

struct history {
    struct asl_observer observer;
    FILE *file;
    char *path;
    uint64_t count;
    asl_buffer text;
};

static void history_event(struct asl_observer *o, const struct event_record *r) {
    struct history *h = (struct history *)o;
    if (r->execution->up) return; /* a distributed Map's child has a history of its own, which is asked for separately */
    h->text.size = 0;
    asl_buffer_z(&h->text, h->count++ ? ",\n" : "\n");
    asl__event_print(r, &h->text);
    fwrite(h->text.data, 1, h->text.size, h->file);
}

static void history_close(struct asl_observer *o) {
    struct history *h = (struct history *)o;
    fputs("\n]}\n", h->file);
    bool bad = ferror(h->file) != 0;
    int error = errno;
    if (fclose(h->file) != 0) {
        bad = true;
        error = errno;
    }
    if (bad) fprintf(stderr, "the history could not be written to %s: %s\n", h->path, strerror(error));
    asl_buffer_free(&h->text);
    asl_free(h->path);
    asl_free(h);
}

struct asl_observer *asl__history_open(const char *path, char *message, size_t message_size) {
    FILE *file = fopen(path, "we");
    if (!file) {
        snprintf(message, message_size, "cannot write the history to %s: %s", path, strerror(errno));
        return NULL;
    }
    struct history *h = asl_calloc(1, sizeof *h);
    h->observer = (struct asl_observer){.event = history_event, .close = history_close};
    h->file = file;
    size_t size = strlen(path) + 1;
    h->path = memcpy(asl_alloc(size), path, size);
    fputs("{\"events\":[", file);
    return &h->observer;
}

// ---------------------------------------------------------------- a callback of the embedding program's

struct callback {
    struct asl_observer observer;
    asl_event_sink *sink;
    void *user;
    asl_buffer text;
};

static void callback_event(struct asl_observer *o, const struct event_record *r) {
    struct callback *c = (struct callback *)o;
    c->text.size = 0;
    asl__event_print(r, &c->text);
    size_t size = c->text.size;
    asl_buffer_byte(&c->text, 0);
    c->sink(c->user, r->execution, c->text.data, size);
}

static void callback_close(struct asl_observer *o) {
    asl_buffer_free(&((struct callback *)o)->text);
    asl_free(o);
}

struct asl_observer *asl__callback_open(asl_event_sink *sink, void *user) {
    struct callback *c = asl_calloc(1, sizeof *c);
    c->observer = (struct asl_observer){.event = callback_event, .close = callback_close};
    c->sink = sink;
    c->user = user;
    return &c->observer;
}
