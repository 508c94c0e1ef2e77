#include "recording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---------------------------------------------------------------- kinds of events

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static bool ends(const char *text, const char *with) {
    size_t n = strlen(text), m = strlen(with);
    return n >= m && memcmp(text + n - m, with, m) == 0;
}

/* Either may be missing: a file may say anything. */
static bool same_name(const char *a, const char *b) { return a && b && strcmp(a, b) == 0; }

/* By the shape of the name, since future types will follow it too. */
static enum event_role role_of(const char *type) {
    static const struct { const char *end; enum event_role role; } of_tasks[] = {
        {"ScheduleFailed", EVENT_REFUSED}, {"StartFailed", EVENT_REFUSED}, {"SubmitFailed", EVENT_REFUSED},
        {"Scheduled", EVENT_SCHEDULED},    {"Started", EVENT_STARTED},     {"Submitted", EVENT_SUBMITTED},
        {"Succeeded", EVENT_SUCCEEDED},    {"Failed", EVENT_FAILED},       {"TimedOut", EVENT_TIMED_OUT},
    };
    if (strcmp(type, "ExecutionStarted") == 0) return EVENT_BEGIN;
    if (strcmp(type, "ExecutionRedriven") == 0) return EVENT_REDRIVEN;
    if (begins(type, "Execution")) return EVENT_END;
    if (ends(type, "Aborted")) return EVENT_ABORTED;
    if (ends(type, "StateEntered")) return EVENT_ENTERED;
    if (ends(type, "StateExited")) return EVENT_EXITED;
    if (begins(type, "ParallelState") || begins(type, "MapState"))
        return ends(type, "Started") ? EVENT_FAN_STARTED : ends(type, "Succeeded") ? EVENT_FAN_SUCCEEDED : EVENT_FAN_FAILED;
    if (begins(type, "MapIteration")) return ends(type, "Started") ? EVENT_ITERATION_STARTED : EVENT_ITERATION_ENDED;
    if (begins(type, "Task") || begins(type, "LambdaFunction") || begins(type, "Activity"))
        for (size_t i = 0; i < sizeof of_tasks / sizeof *of_tasks; i++)
            if (ends(type, of_tasks[i].end)) return of_tasks[i].role;
    return EVENT_OTHER;
}

// ---------------------------------------------------------------- members

const asl_value *event_member(const struct event *e, const char *key) {
    return e->details.tag == ASL_OBJECT ? asl_object_get(&e->details, asl_str_z(key)) : NULL;
}

/* Some tools that print histories parse payloads themselves; then the value stands where its text should. */
asl_value event_payload(const struct event *e, const char *key) {
    const asl_value *v = event_member(e, key);
    asl_value parsed;
    if (!v) return asl_none();
    if (v->tag == ASL_STRING && asl_json_parse(asl_text_of(v), NULL, &parsed, NULL) == 0) return parsed;
    return asl_retain(*v);
}

asl_value event_text(const struct event *e, const char *key) {
    const asl_value *v = event_member(e, key);
    if (!v || v->tag == ASL_NULL) return asl_none();
    if (v->tag == ASL_STRING) return asl_retain(*v);
    asl_buffer b = {0};
    asl_json_print(v, &b);
    asl_value text = asl_string((asl_str){b.data, b.size});
    asl_buffer_free(&b);
    return text;
}

static const char *text_member(struct arena *a, const asl_value *object, const char *key) {
    const asl_value *v = object->tag == ASL_OBJECT ? asl_object_get(object, asl_str_z(key)) : NULL;
    if (!v || v->tag != ASL_STRING) return NULL;
    asl_str s = asl_text_of(v);
    return arena_copy(a, s.data, s.size);
}

const uint32_t *chain_iteration(struct arena *a, const struct chain *c, uint32_t *depth) {
    *depth = 0;
    for (const struct chain *p = c; p; p = p->parent) *depth += p->index >= 0;
    uint32_t *indexes = arena_alloc(a, (*depth + 1) * sizeof *indexes), at = *depth;
    for (const struct chain *p = c; p; p = p->parent)
        if (p->index >= 0) indexes[--at] = (uint32_t)p->index;
    return indexes;
}

// ---------------------------------------------------------------- chains

static struct event *event_by_id(const struct recording *r, uint64_t id) {
    return id >= 1 && id <= r->events.count ? r->events.items[id - 1] : NULL;
}

static struct fan *last_fan(const struct chain *c) { return c->fans.count ? c->fans.items[c->fans.count - 1] : NULL; }
static struct fan *running_fan(const struct chain *c) {
    struct fan *f = last_fan(c);
    return f && !f->succeeded && !f->failed ? f : NULL;
}

/* No definition nests deeper; what a file says beyond that stays in the chain it is in. */
static struct chain *add_chain(struct recording *r, struct fan *f, int64_t index, const char *first) {
    if (f->owner->depth == ASL_MAX_DEPTH) return f->owner;
    struct chain *c = arena_alloc(r->arena, sizeof *c);
    c->parent = f->owner;
    c->depth = f->owner->depth + 1;
    c->fan = f;
    c->index = index;
    c->first = first;
    *vec_push(r->arena, &f->children) = c;
    return c;
}

static void add_fan(struct recording *r, struct chain *c, bool is_map) {
    struct fan *f = arena_alloc(r->arena, sizeof *f);
    f->owner = c;
    f->ordinal = c->fans.count;
    f->state = c->open;
    f->is_map = is_map;
    *vec_push(r->arena, &c->fans) = f;
}

/* From a chain outwards to the first that has this state open; the chain itself when none has. */
static struct chain *with_open(struct chain *from, const char *state) {
    for (struct chain *c = from; c && state; c = c->parent)
        if (same_name(c->open, state)) return c;
    return from;
}

/* From a chain outwards to the first that has a fan of this kind running; else to the first that had one in its open state:
   a Catch that fails by itself lets a state fail twice. */
static struct chain *with_fan(struct chain *from, bool is_map, const char *state) {
    for (int again = 0; again < 2; again++)
        for (struct chain *c = from; c; c = c->parent) {
            struct fan *f = again ? last_fan(c) : running_fan(c);
            if (f && f->is_map == is_map && c->open && (!state || same_name(f->state, state))) return c;
        }
    return from;
}

/* The entered state of this kind of fan, from a chain outwards: where a first start or a retry belongs. A running fan of a chain
   further in has not failed by itself: it went down with what is retried. */
static struct chain *to_start_in(struct chain *from, const struct event *previous, bool is_map) {
    if (previous && previous->role == EVENT_ENTERED && begins(previous->type, is_map ? "MapState" : "ParallelState")) return from;
    for (struct chain *c = from; c; c = c->parent) {
        struct fan *f = running_fan(c);
        if (f && f->is_map == is_map && c != from) return c;
        if (f && f->is_map == is_map && previous && previous->chain == c) return c;
    }
    return with_fan(from, is_map, NULL);
}

static struct chain *iteration_of(struct chain *from, const char *map, int64_t index) {
    for (struct chain *c = from; c; c = c->parent)
        if (c->index == index && (!map || same_name(c->fan->state, map))) return c;
    for (struct chain *c = from; c; c = c->parent) { /* beside it */
        struct fan *f = last_fan(c);
        for (size_t i = 0; f && f->is_map && i < f->children.count; i++)
            if (f->children.items[i]->index == index && (!map || same_name(f->state, map))) return f->children.items[i];
    }
    return from;
}

/* EvaluationFailed points at what its state's Entered event points at (recorded), so it may be told only by the state. */
static struct chain *evaluated_in(struct recording *r, struct chain *from, const struct event *previous, const char *state) {
    struct fan *f = previous && previous->role == EVENT_FAN_STARTED ? last_fan(from) : NULL;
    for (size_t i = 0; f && i < f->children.count; i++)
        if (same_name(f->children.items[i]->open, state)) return f->children.items[i];
    (void)r;
    return with_open(from, state);
}

static int64_t index_of(const struct event *e) {
    const asl_value *v = event_member(e, "index");
    int64_t i;
    return v && asl_is_number(v) && asl_number_as_int(v, &i) ? i : 0;
}

static struct chain *chain_of(struct recording *r, struct event *e) {
    struct event *previous = event_by_id(r, e->previous);
    struct chain *from = previous ? previous->chain : r->root;
    bool is_map = begins(e->type, "Map");
    switch (e->role) {
    case EVENT_BEGIN:
    case EVENT_END:
    case EVENT_REDRIVEN: return r->root;
    case EVENT_ENTERED:
        if (previous && previous->role == EVENT_FAN_STARTED && !begins(previous->type, "Map"))
            return add_chain(r, last_fan(from), -1, e->state);
        return from;
    case EVENT_EXITED: {
        struct chain *c = with_open(from, e->state);
        bool is_fan = is_map || begins(e->type, "Parallel"), found = same_name(c->open, e->state);
        return is_fan && !found ? with_fan(from, is_map, NULL) : c; /* a name that was not entered: a difference to be shown */
    }
    case EVENT_FAN_STARTED: return to_start_in(from, previous, is_map);
    case EVENT_FAN_SUCCEEDED:
    case EVENT_FAN_FAILED: return with_fan(from, is_map, NULL);
    case EVENT_ITERATION_STARTED: {
        struct chain *c = with_fan(from, true, e->state);
        return last_fan(c) ? add_chain(r, last_fan(c), index_of(e), NULL) : c;
    }
    case EVENT_ITERATION_ENDED: return iteration_of(from, e->state, index_of(e));
    case EVENT_OTHER:
        if (begins(e->type, "MapRun")) return with_fan(from, true, NULL);
        return evaluated_in(r, from, previous, e->state);
    case EVENT_ABORTED:
    case EVENT_SCHEDULED:
    case EVENT_STARTED:
    case EVENT_SUBMITTED:
    case EVENT_SUCCEEDED:
    case EVENT_FAILED:
    case EVENT_REFUSED:
    case EVENT_TIMED_OUT: break;
    }
    return from;
}

/* What the event says about the chain it stands in. */
static void change_chain(struct recording *r, struct event *e) {
    struct chain *c = e->chain;
    struct fan *f = last_fan(c);
    switch (e->role) {
    case EVENT_ENTERED: c->open = e->state; break;
    case EVENT_EXITED: c->open = NULL; break;
    case EVENT_FAN_STARTED:
        if (f && !f->succeeded) f->failed = true;
        add_fan(r, c, begins(e->type, "Map"));
        break;
    case EVENT_FAN_SUCCEEDED:
        if (f) f->succeeded = true;
        break;
    case EVENT_FAN_FAILED:
        if (f) f->failed = true;
        break;
    case EVENT_OTHER:
        if (f && begins(e->type, "MapRun")) f->distributed = true;
        break;
    case EVENT_BEGIN:
    case EVENT_END:
    case EVENT_REDRIVEN:
    case EVENT_ABORTED:
    case EVENT_ITERATION_STARTED:
    case EVENT_ITERATION_ENDED:
    case EVENT_SCHEDULED:
    case EVENT_STARTED:
    case EVENT_SUBMITTED:
    case EVENT_SUCCEEDED:
    case EVENT_FAILED:
    case EVENT_REFUSED:
    case EVENT_TIMED_OUT: break;
    }
}

static void place(struct recording *r, struct event *e) {
    e->chain = chain_of(r, e);
    *vec_push(r->arena, &r->events) = e;
    if (e->role == EVENT_ABORTED) return;
    if (!e->state) e->state = e->chain->open;
    e->position = e->chain->events.count;
    *vec_push(r->arena, &e->chain->events) = e;
    change_chain(r, e);
}

// ---------------------------------------------------------------- one event

static void release_root(void *root) { asl_release(*(asl_value *)root); }

/* Keeps a value until the arena goes. */
static const asl_value *keep(struct arena *a, asl_value v) {
    asl_value *kept = arena_alloc(a, sizeof *kept);
    *kept = v;
    arena_defer(a, release_root, kept);
    return kept;
}

/* A whole number, also as text. */
static bool whole(const asl_value *v, int64_t *out) {
    if (v && v->tag == ASL_STRING) {
        asl_str s = asl_text_of(v);
        char text[24], *end;
        if (s.size == 0 || s.size >= sizeof text) return false;
        memcpy(text, s.data, s.size);
        text[s.size] = 0;
        *out = strtoll(text, &end, 10);
        return *end == 0;
    }
    return v && asl_is_number(v) && asl_number_as_int(v, out);
}

static bool digits(const char *s, size_t n, int64_t *out) {
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9') return false;
        *out = *out * 10 + (s[i] - '0');
    }
    return true;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t days(int64_t y, int64_t m, int64_t d) {
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* 2024-03-10T12:00:00.123000+01:00, as the AWS CLI prints times. */
static bool iso_time(asl_str s, int64_t *ms) {
    char t[40] = {0};
    int64_t y, mo, d, h, mi, sec, zh = 0, zm = 0, fraction = 0;
    if (s.size < 19 || s.size >= sizeof t) return false;
    memcpy(t, s.data, s.size);
    if (!digits(t, 4, &y) || t[4] != '-' || !digits(t + 5, 2, &mo) || t[7] != '-' || !digits(t + 8, 2, &d) ||
        (t[10] != 'T' && t[10] != ' ') || !digits(t + 11, 2, &h) || t[13] != ':' || !digits(t + 14, 2, &mi) || t[16] != ':' ||
        !digits(t + 17, 2, &sec))
        return false;
    const char *at = t + 19;
    if (*at == '.')
        for (int64_t unit = 100; *++at >= '0' && *at <= '9'; unit /= 10) fraction += unit * (*at - '0');
    int64_t sign = *at == '-' ? -1 : 1;
    if (*at == '+' || *at == '-') {
        if (!digits(at + 1, 2, &zh) || at[3] != ':' || !digits(at + 4, 2, &zm)) return false;
    } else if (*at && strcmp(at, "Z") != 0) {
        return false;
    }
    *ms = ((days(y, mo, d) * 24 + h - sign * zh) * 60 + mi - sign * zm) * 60000 + sec * 1000 + fraction;
    return true;
}

/* Seconds since 1970 with a fraction, or ISO 8601. */
static int64_t time_of(const asl_value *v) {
    int64_t ms;
    if (v && asl_is_number(v)) {
        double s = asl_number(v);
        return s >= 0 && s < 1e12 ? (int64_t)(s * 1000 + 0.5) : -1;
    }
    return v && v->tag == ASL_STRING && iso_time(asl_text_of(v), &ms) ? ms : -1;
}

static const char *details_key(struct arena *a, const asl_value *object) {
    for (size_t i = 0; i < asl_object_count(object); i++) {
        asl_text *key = asl_object_key_at(object, i);
        if (ends(key->bytes, "EventDetails") || strcmp(key->bytes, "details") == 0)
            return arena_copy(a, key->bytes, key->size);
    }
    return NULL;
}

/* An event in the API's shape or a log line's. NULL: it is neither. object lives as long as the arena. */
static struct event *read_event(struct arena *a, const asl_value *object) {
    const char *type = text_member(a, object, "type");
    int64_t id, previous = 0;
    const asl_value *back = object->tag == ASL_OBJECT ? asl_object_get(object, ASL_STR("previousEventId")) : NULL;
    if (!type || !whole(asl_object_get(object, ASL_STR("id")), &id) || id < 1) return NULL;
    if (!back) back = asl_object_get(object, ASL_STR("previous_event_id"));
    if (back && (!whole(back, &previous) || previous < 0)) return NULL;
    struct event *e = arena_alloc(a, sizeof *e);
    *e = (struct event){.type = type, .role = role_of(type), .id = (uint64_t)id, .previous = (uint64_t)previous};
    int64_t log_time;
    e->time_ms = time_of(asl_object_get(object, ASL_STR("timestamp")));
    if (e->time_ms < 0 && whole(asl_object_get(object, ASL_STR("event_timestamp")), &log_time)) e->time_ms = log_time;
    e->key = details_key(a, object);
    const asl_value *details = e->key ? asl_object_get(object, asl_str_z(e->key)) : NULL;
    if (details && details->tag == ASL_OBJECT) e->details = *details; /* owned by the object */
    e->state = text_member(a, &e->details, "name");
    if (!e->state) e->state = text_member(a, &e->details, "state");
    return e;
}

struct recording *recording_new(struct arena *a) {
    struct recording *r = arena_alloc(a, sizeof *r);
    r->arena = a;
    r->root = arena_alloc(a, sizeof *r->root);
    r->root->index = -1;
    return r;
}

struct event *recording_add(struct recording *r, const char *json, size_t size) {
    asl_value v;
    if (asl_json_parse((asl_str){json, size}, NULL, &v, NULL) < 0) return NULL;
    struct event *e = read_event(r->arena, keep(r->arena, v));
    if (!e || e->id != r->events.count + 1) return NULL;
    e->number = r->events.count;
    place(r, e);
    return e;
}

// ---------------------------------------------------------------- ARNs

bool recording_set_arn(struct recording *r, const char *arn) {
    /* arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME, …:express:MACHINE:NAME:UUID */
    char *part[9] = {0};
    char *copy = arena_copy(r->arena, arn, strlen(arn));
    size_t n = 0;
    for (char *at = copy; at && n < 9; n++) {
        part[n] = at;
        at = strchr(at, ':');
        if (at) *at++ = 0;
    }
    if (n < 8 || strcmp(part[0], "arn") != 0 || strcmp(part[2], "states") != 0) return false;
    bool express = strcmp(part[5], "express") == 0;
    if (!express && strcmp(part[5], "execution") != 0) return false;
    r->arn = arena_copy(r->arena, arn, strlen(arn));
    r->region = part[3];
    r->account = part[4];
    r->machine = part[6];
    r->name = part[7];
    r->express = express;
    return true;
}

// ---------------------------------------------------------------- files

struct reading {
    struct recording *r;
    const char *execution; /* asked for, or NULL */
    VEC(struct event *) found;
    VEC(const char *) executions; /* met in a log, each once */
    const char *strange;   /* the first event that is none: what was wrong */
    asl_buffer *errors;
};

static int fail_at(struct reading *g, asl_str text, size_t offset, const char *message) {
    size_t line = 1, column = 1;
    for (size_t i = 0; i < offset && i < text.size; i++) {
        column = text.data[i] == '\n' ? 1 : column + 1;
        line += text.data[i] == '\n';
    }
    asl_buffer_format(g->errors, "%s:%zu:%zu: error: %s\n", g->r->path, line, column, message);
    return -1;
}

static bool chosen(struct reading *g, const char *arn) {
    if (!arn) return true;
    size_t i = 0;
    while (i < g->executions.count && strcmp(g->executions.items[i], arn) != 0) i++;
    if (i == g->executions.count) *vec_push(g->r->arena, &g->executions) = arn;
    if (!g->execution) return true;
    const char *colon = strstr(arn, g->execution);
    size_t n = strlen(g->execution);
    return strcmp(arn, g->execution) == 0 ||
           (colon && colon > arn && colon[-1] == ':' && (colon[n] == 0 || colon[n] == ':'));
}

static void take(struct reading *g, const asl_value *v, int depth);

static void take_event(struct reading *g, const asl_value *v, int depth) {
    struct arena *a = g->r->arena;
    const asl_value *message = v->tag == ASL_OBJECT ? asl_object_get(v, ASL_STR("message")) : NULL;
    asl_value line;
    if (message && message->tag == ASL_STRING && depth < 4 && !asl_object_get(v, ASL_STR("type"))) { /* aws logs … */
        if (asl_json_parse(asl_text_of(message), NULL, &line, NULL) == 0) take(g, keep(a, line), depth + 1);
        return;
    }
    const char *arn = text_member(a, v, "execution_arn");
    if (!chosen(g, arn)) return;
    struct event *e = read_event(a, v);
    if (!e) {
        if (!g->strange) g->strange = "an event without \"type\", \"id\" or \"previousEventId\"";
        return;
    }
    if (arn && !g->r->arn) recording_set_arn(g->r, arn);
    *vec_push(a, &g->found) = e;
}

/* A page, an array of events or pages, or one event. */
static void take(struct reading *g, const asl_value *v, int depth) {
    const asl_value *events = v->tag == ASL_OBJECT ? asl_object_get(v, ASL_STR("events")) : v;
    if (!events || events->tag != ASL_ARRAY) {
        take_event(g, v, depth);
        return;
    }
    for (size_t i = 0; i < asl_array_count(events); i++) {
        const asl_value *item = asl_array_at(events, i);
        bool is_page = item->tag == ASL_OBJECT && asl_object_get(item, ASL_STR("events"));
        if (is_page && depth < 4) take(g, item, depth + 1);
        else take_event(g, item, depth);
    }
}

/* Where the JSON text at `from` ends: pages and log lines follow each other without a mark. */
static size_t end_of_text(asl_str text, size_t from) {
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = from; i < text.size; i++) {
        char c = text.data[i];
        if (quoted) {
            if (c == '\\') i++;
            else if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return text.size;
}

static int read_texts(struct reading *g, asl_str text) {
    size_t at = text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (;;) {
        while (at < text.size && strchr(" \t\r\n", text.data[at])) at++;
        if (at == text.size) return 0;
        if (text.data[at] != '{' && text.data[at] != '[')
            return fail_at(g, text, at, "expected a history: {\"events\": […]}, or log lines {\"id\": …, \"type\": …}");
        size_t end = end_of_text(text, at);
        asl_value v;
        asl_json_error error;
        if (asl_json_parse((asl_str){text.data + at, end - at}, NULL, &v, &error) < 0)
            return fail_at(g, text, at + error.offset, error.message);
        take(g, keep(g->r->arena, v), 0);
        at = end;
    }
}

static int by_id(const void *a, const void *b) {
    const struct event *x = *(struct event *const *)a, *y = *(struct event *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int complain(const struct reading *g, const char *message) {
    asl_buffer_format(g->errors, "%s: error: %s\n", g->r->path, message);
    return -1;
}

static int list_executions(const struct reading *g) {
    asl_buffer_format(g->errors, "%s: error: the log holds %zu executions; choose one with --execution:\n", g->r->path,
                      g->executions.count);
    for (size_t i = 0; i < g->executions.count && i < 10; i++) asl_buffer_format(g->errors, "    %s\n", g->executions.items[i]);
    if (g->executions.count > 10) asl_buffer_z(g->errors, "    …\n");
    return -1;
}

/* Puts the events into their chains, up to a redrive. */
static int finish(struct reading *g) {
    struct recording *r = g->r;
    char message[160];
    if (!g->execution && g->executions.count > 1) return list_executions(g);
    if (g->strange) return complain(g, g->strange);
    if (g->found.count == 0)
        return complain(g, g->execution && g->executions.count ? "the log does not hold that execution" : "there are no events in it");
    qsort(g->found.items, g->found.count, sizeof *g->found.items, by_id);
    uint64_t expected = 1;
    for (size_t i = 0; i < g->found.count; i++) {
        struct event *e = g->found.items[i];
        if (e->id == expected - 1 && i > 0) continue; /* the same page or line twice */
        if (e->id != expected) {
            snprintf(message, sizeof message, "event %llu is missing: a log must be complete (level ALL), a history must have all its pages",
                     (unsigned long long)expected);
            return complain(g, message);
        }
        if (e->previous >= e->id) {
            snprintf(message, sizeof message, "event %llu follows event %llu, which is later", (unsigned long long)e->id,
                     (unsigned long long)e->previous);
            return complain(g, message);
        }
        if (i == 0 && e->role != EVENT_BEGIN) return complain(g, "the first event is not ExecutionStarted");
        expected++;
        if (e->role == EVENT_REDRIVEN) r->redrives++;
        if (r->redrives) continue;
        e->number = r->events.count;
        place(r, e);
        if (e->role == EVENT_END) r->complete = true;
    }
    r->has_data = event_member(r->events.items[0], "input") != NULL;
    return 0;
}

static int read_file(const char *path, asl_buffer *text) {
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "rbe");
    size_t n = 0;
    if (f) {
        do {
            n = fread(asl_buffer_reserve(text, 65536), 1, 65536, f);
            text->size += n;
        } while (n > 0);
    }
    int rc = 0;
    if (!f || ferror(f)) {
        fprintf(stderr, "aslc: cannot read %s: %s\n", path, strerror(errno));
        rc = -1;
    }
    if (f && !standard) fclose(f);
    return rc;
}

struct recording *recording_parse(struct arena *a, asl_str text, const char *path, const char *execution, asl_buffer *errors) {
    struct recording *r = recording_new(a);
    struct reading g = {.r = r, .execution = execution, .errors = errors};
    r->path = path;
    return read_texts(&g, text) == 0 && finish(&g) == 0 ? r : NULL;
}

struct recording *recording_read(struct arena *a, const char *path, const char *execution) {
    struct recording *r = NULL;
    asl_buffer text = {0}, errors = {0};
    if (read_file(path, &text) == 0) {
        r = recording_parse(a, (asl_str){text.data, text.size}, path, execution, &errors);
        if (errors.size) fwrite(errors.data, 1, errors.size, stderr);
    }
    asl_buffer_free(&text);
    asl_buffer_free(&errors);
    return r;
}
