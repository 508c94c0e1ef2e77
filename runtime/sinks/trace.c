// Spans from events: one an execution, a state, an attempt of a task; and for X-Ray one a branch or iteration.
//
//     execution
//       └─ state "Fulfil" (Map)
//            └─ iteration 3
//                 └─ state "Charge" (Task)
//                      ├─ attempt 0   failed        ◄── asl__trace_headers: what the handler continues
//                      └─ attempt 1
//
// A span is open from its first event to its last; then exporters turn it into text and it is forgotten, so memory holds
// what is running and no more. Frames tell where a span belongs: a frame is in one state at a time, and a branch's or
// iteration's frame hangs on a fan-out that the Parallel's or Map's frame waits for. Not every end has an event (a branch
// that is cancelled in a Pass): when a span ends, what is still open in it ends too.
//
// The first eight digits of a trace's id are the seconds of its start, so that one id serves W3C and X-Ray.
//
// An execution that is journalled may go on in another process. Its ids are not random but made from its ARN, its start
// and the ids of its events, so that both processes tell parts of the same trace.
#include "trace.h"

#include <ctype.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "../waiting.h"
#include "lines.h"
#include "map.h"
#include "redact.h"

#define TEXT_MAX 4096 /* of an error or cause in a span */

/* What is open in a frame. */
struct track {
    struct span *group, *state, *attempt;
};

struct tracer {
    struct asl_observer observer;
    struct exporter *exporters;
    struct asl__random random;
    struct redact *redact;
    struct sink_counters *counters;
    /* the trace that was handed to us */
    bool incoming;
    struct trace_id trace;
    uint64_t parent;

    struct map tracks;     /* frame → track */
    struct map executions; /* execution → span */
    struct span *open;     /* executions, the latest first */
    int64_t now_ms;        /* of the last event */
};

static struct tracer *tracer_of(struct asl_observer *o) { return (struct tracer *)o; }

void span_id_print(uint64_t id, char out[17]) { snprintf(out, 17, "%016llx", (unsigned long long)id); }

static uint64_t new_id(struct tracer *t) {
    uint64_t id;
    do id = asl__random_next(&t->random);
    while (id == 0); /* means "none" */
    return id;
}

/* splitmix64's last steps: every bit of n has its say in every bit of the result. */
static uint64_t mix(uint64_t n) {
    n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
    return n ^ (n >> 31);
}

static uint64_t derive(uint64_t key, uint64_t what, uint64_t number) {
    uint64_t id = mix(mix(key + what * UINT64_C(0x9e3779b97f4a7c15)) + number);
    return id ? id : 1;
}

static uint64_t derive_text(const char *text, uint64_t number) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return derive(hash, 0, number);
}

// ---------------------------------------------------------------- a span's life

static char *copy_text(const struct tracer *t, const asl_value *v) {
    if (!v || v->tag != ASL_STRING) return NULL;
    asl_value clean = redact_value(t->redact, v);
    asl_str s = asl_text_of(&clean);
    size_t size = s.size;
    if (size > TEXT_MAX) {
        size = TEXT_MAX;
        while (size > 0 && ((unsigned char)s.data[size] & 0xc0) == 0x80) size--; /* not in the middle of a character */
    }
    char *z = asl_alloc(size + 1);
    memcpy(z, s.data, size);
    z[size] = 0;
    asl_release(clean);
    return z;
}

static void span_fail(struct tracer *t, struct span *s, const asl_value *error, const asl_value *cause) {
    asl_free(s->error);
    asl_free(s->cause);
    s->error = copy_text(t, error);
    s->cause = copy_text(t, cause);
    s->failing = true;
}

/* number: which of its kind it is, when ids are not random. */
static struct span *span_open(struct tracer *t, enum span_kind kind, struct span *parent, const struct event_record *r,
                              int64_t start_ms, uint64_t number) {
    struct span *s = asl_calloc(1, sizeof *s);
    s->kind = kind;
    s->key = parent && kind != SPAN_EXECUTION ? parent->key : 0;
    s->id = s->key ? derive(s->key, kind, number) : new_id(t);
    s->parent = parent;
    s->execution = r->execution;
    s->engine = r->execution->engine;
    s->frame = r->frame;
    s->start_ms = start_ms;
    if (parent && kind != SPAN_EXECUTION) s->trace = parent->trace;
    struct span **last = parent ? &parent->last : NULL;
    if (last) { /* at the end: what ends by itself is most often the oldest */
        s->prev = *last;
        if (*last) (*last)->next = s;
        else parent->first = s;
        *last = s;
    } else {
        s->next = t->open;
        if (t->open) t->open->prev = s;
        t->open = s;
    }
    return s;
}

static void span_unlink(struct tracer *t, struct span *s) {
    if (s->prev) s->prev->next = s->next;
    else if (s->parent) s->parent->first = s->next;
    else t->open = s->next;
    if (s->next) s->next->prev = s->prev;
    else if (s->parent) s->parent->last = s->prev;
}

static char *copy_z(const char *z) {
    size_t size = strlen(z) + 1;
    return memcpy(asl_alloc(size), z, size);
}

static struct track *track_of(struct tracer *t, const struct frame *f) {
    struct track *k = map_get(&t->tracks, f);
    if (!k) {
        k = asl_calloc(1, sizeof *k);
        map_put(&t->tracks, f, k);
    }
    return k;
}

static void forget(struct tracer *t, struct span *s) {
    if (s->kind == SPAN_EXECUTION) {
        map_remove(&t->executions, s->execution);
        return;
    }
    struct track *k = map_get(&t->tracks, s->frame);
    if (!k) return;
    if (k->group == s) k->group = NULL;
    if (k->state == s) k->state = NULL;
    if (k->attempt == s) k->attempt = NULL;
    if (k->group || k->state || k->attempt) return;
    map_remove(&t->tracks, s->frame);
    asl_free(k);
}

static void end_one(struct tracer *t, struct span *s, int64_t end_ms, enum span_end end) {
    s->end = end;
    s->end_ms = end_ms > s->start_ms ? end_ms : s->start_ms;
    if (s->parent && s->parent->kind == SPAN_GROUP) s->parent->end_ms = s->end_ms; /* a branch ends without an event */
    if (s->trace->sampled) {
        for (struct exporter *e = t->exporters; e; e = e->next) e->ended(e, s);
        if (t->counters && s->kind != SPAN_GROUP) t->counters->spans++;
    }
    forget(t, s);
    span_unlink(t, s);
    asl_free(s->error);
    asl_free(s->cause);
    asl_free(s->arn);
    asl_free(s->machine_arn);
    asl_free(s->execution_name);
    asl_buffer_free(&s->inner);
    asl_free(s);
}

/* What is still open in s when it ends: a Fail state failed, as did what has an error; the rest was cut off. */
static enum span_end end_of_inner(const struct span *s, enum span_end outer) {
    if (outer == SPAN_SUSPENDED) return SPAN_SUSPENDED;
    if (s->failing) return SPAN_FAILED;
    return outer == SPAN_OK || s->kind == SPAN_GROUP ? SPAN_OK : SPAN_ABORTED;
}

static void end_inner(struct tracer *t, struct span *s, int64_t end_ms, enum span_end end) {
    while (s->first) {
        struct span *deepest = s->first;
        while (deepest->first) deepest = deepest->first;
        int64_t last_ms = deepest->kind == SPAN_GROUP && deepest->end_ms ? deepest->end_ms : end_ms;
        end_one(t, deepest, last_ms, end_of_inner(deepest, end));
    }
}

static void span_end(struct tracer *t, struct span *s, int64_t end_ms, enum span_end end) {
    end_inner(t, s, end_ms, end);
    end_one(t, s, end_ms, end);
}

// ---------------------------------------------------------------- where a span belongs

static void new_trace(struct tracer *t, struct span *s) {
    struct trace_id *id = &s->own_trace;
    if (t->incoming) {
        *id = t->trace;
        s->remote_parent = t->parent;
    } else {
        id->sampled = true;
        uint64_t high = s->key ? derive_text(s->arn, (uint64_t)s->start_ms) : new_id(t), low = s->key ? mix(high) : new_id(t);
        snprintf(id->hex, sizeof id->hex, "%08x%016llx%08x", (unsigned)((uint64_t)s->start_ms / 1000),
                 (unsigned long long)high, (unsigned)low);
    }
    s->trace = id;
}

static struct span *state_span(struct tracer *t, const struct event_record *r);

/* The Parallel's or Map's that a frame hangs on. */
static struct span *fanout_span(struct tracer *t, const struct fanout *up, int64_t time_ms) {
    const struct event_record r = {.execution = up->parent->execution, .frame = up->parent, .time_ms = time_ms};
    return state_span(t, &r);
}

/* The execution's span; made here when its beginning was before our time: it was resumed. */
static struct span *execution_span(struct tracer *t, const struct event_record *r) {
    asl_execution *x = r->execution;
    struct span *s = map_get(&t->executions, x);
    if (s) return s;
    struct span *outer = x->up ? fanout_span(t, x->up, r->time_ms) : NULL;
    struct event_record whole = {.execution = x};
    s = span_open(t, SPAN_EXECUTION, outer, &whole, x->start_ms, 0);
    s->name = x->machine;
    s->arn = copy_z(asl_execution_arn(x));
    s->execution_name = copy_z(asl_execution_name(x));
    asl_buffer machine = {0};
    asl__machine_arn(x, &machine);
    asl_buffer_byte(&machine, 0);
    s->machine_arn = copy_z(machine.data);
    asl_buffer_free(&machine);
    if (x->kept) { /* each redrive has a span of its own in the same trace */
        s->key = derive_text(s->arn, (uint64_t)x->start_ms + (uint64_t)x->redrive_count);
        s->id = derive(s->key, SPAN_EXECUTION, 0);
    }
    if (outer) s->trace = outer->trace;
    else new_trace(t, s);
    map_put(&t->executions, x, s);
    return s;
}

/* What holds the states of a frame: the execution, or the iteration or branch. */
static struct span *group_span(struct tracer *t, const struct event_record *r) {
    const struct frame *f = r->frame;
    if (!f->up || f->up == r->execution->up) return execution_span(t, r);
    struct track *k = map_get(&t->tracks, f);
    if (k && k->group) {
        if (k->group->fanout == f->up && k->group->index == f->index) return k->group;
        span_end(t, k->group, k->group->end_ms, SPAN_OK); /* of another branch, which the frame was before */
    }
    struct span *outer = fanout_span(t, f->up, r->time_ms); /* as deep as the definition nests its states */
    k = track_of(t, f);
    k->group = span_open(t, SPAN_GROUP, outer, r, r->time_ms, outer->id + mix((uint64_t)outer->fanned << 32 | f->index));
    k->group->name = outer->name;
    k->group->state = outer->state;
    k->group->index = f->index;
    k->group->fanout = f->up;
    return k->group;
}

static struct span *open_state(struct tracer *t, const struct event_record *r, int64_t start_ms, uint64_t entered) {
    const struct image_state *state = &r->execution->engine->image.states[r->frame->head.state];
    struct span *outer = group_span(t, r), *s = span_open(t, SPAN_STATE, outer, r, start_ms, entered);
    s->name = state->name_z;
    s->state = state->kind;
    track_of(t, r->frame)->state = s;
    return s;
}

static struct span *state_span(struct tracer *t, const struct event_record *r) {
    const struct frame *f = r->frame;
    /* An iteration's frame is in the Map's state until it has one of its own: the ItemSelector is evaluated in it. */
    if (f->up && f->head.entered == f->up->parent->head.entered) return fanout_span(t, f->up, r->time_ms);
    struct track *k = track_of(t, r->frame);
    return k->state ? k->state : open_state(t, r, f->entered_ms, f->head.entered);
}

// ---------------------------------------------------------------- events

enum role {
    NOTHING, STARTED, ENDED_WELL, ENDED_BADLY, ENTERED, EXITED, ABORTED, SCHEDULED, ANSWERED, TASK_BAD, TASK_LATE,
    FANS_OUT, FAN_FAILED, ITERATION, ITERATION_DONE, ITERATION_BAD, ITERATION_ABORTED, EVALUATION,
};

static const unsigned char roles[EVENT_COUNT] = {
    [EVENT_EXECUTION_STARTED] = STARTED, [EVENT_EXECUTION_REDRIVEN] = STARTED, [EVENT_EXECUTION_SUCCEEDED] = ENDED_WELL,
    [EVENT_EXECUTION_FAILED] = ENDED_BADLY, [EVENT_EXECUTION_ABORTED] = ENDED_BADLY,
    [EVENT_EXECUTION_TIMED_OUT] = ENDED_BADLY,
    [EVENT_PASS_ENTERED ... EVENT_MAP_ENTERED] = ENTERED,
    [EVENT_PASS_EXITED ... EVENT_MAP_EXITED] = EXITED,
    [EVENT_PASS_ABORTED ... EVENT_MAP_ABORTED] = ABORTED,
    [EVENT_TASK_SCHEDULED] = SCHEDULED, [EVENT_LAMBDA_SCHEDULED] = SCHEDULED, [EVENT_ACTIVITY_SCHEDULED] = SCHEDULED,
    [EVENT_TASK_SUCCEEDED] = ANSWERED, [EVENT_LAMBDA_SUCCEEDED] = ANSWERED, [EVENT_ACTIVITY_SUCCEEDED] = ANSWERED,
    [EVENT_TASK_FAILED] = TASK_BAD, [EVENT_LAMBDA_FAILED] = TASK_BAD, [EVENT_ACTIVITY_FAILED] = TASK_BAD,
    [EVENT_TASK_TIMED_OUT] = TASK_LATE, [EVENT_LAMBDA_TIMED_OUT] = TASK_LATE, [EVENT_ACTIVITY_TIMED_OUT] = TASK_LATE,
    [EVENT_PARALLEL_STARTED] = FANS_OUT, [EVENT_MAP_STARTED] = FANS_OUT,
    [EVENT_PARALLEL_FAILED] = FAN_FAILED, [EVENT_MAP_FAILED] = FAN_FAILED, [EVENT_MAP_RUN_FAILED] = FAN_FAILED,
    [EVENT_MAP_ITERATION_STARTED] = ITERATION, [EVENT_MAP_ITERATION_SUCCEEDED] = ITERATION_DONE,
    [EVENT_MAP_ITERATION_FAILED] = ITERATION_BAD, [EVENT_MAP_ITERATION_ABORTED] = ITERATION_ABORTED,
    [EVENT_EVALUATION_FAILED] = EVALUATION,
};

/* In a failed execution the state that failed may have had no event that says so: Fail, or a bad path. */
static void blame(struct tracer *t, struct span *execution, const struct event_record *r) {
    uint32_t failed = r->execution->failed_state;
    const struct image *image = &r->execution->engine->image;
    const char *name = failed < image->state_count ? image->states[failed].name_z : NULL;
    struct span *culprit = NULL;
    for (struct span *s = execution->last; s && name;) {
        bool same = s->kind == SPAN_STATE && s->name == name;
        if (same && s->failing) return;
        if (same) culprit = s;
        if (s->last) {
            s = s->last;
            continue;
        }
        while (s != execution && !s->prev) s = s->parent;
        s = s == execution ? NULL : s->prev;
    }
    if (culprit) span_fail(t, culprit, r->d.error, r->d.cause);
}

static void end_execution(struct tracer *t, const struct event_record *r) {
    struct span *s = execution_span(t, r);
    s->timed_out = r->type == EVENT_EXECUTION_TIMED_OUT;
    if (r->type == EVENT_EXECUTION_ABORTED) {
        span_fail(t, s, r->d.error, r->d.cause);
        span_end(t, s, r->time_ms, SPAN_ABORTED);
        return;
    }
    span_fail(t, s, r->d.error, r->d.cause);
    if (r->type == EVENT_EXECUTION_FAILED) blame(t, s, r);
    span_end(t, s, r->time_ms, SPAN_FAILED);
}

static struct span *open_attempt(struct tracer *t, struct span *state, const struct event_record *r, int64_t start_ms) {
    struct span *s = span_open(t, SPAN_ATTEMPT, state, r, start_ms, state->id + r->frame->retry_count);
    s->name = state->name;
    s->resource_type = r->d.resource_type ? r->d.resource_type
                       : r->type == EVENT_LAMBDA_SCHEDULED ? "lambda" : r->type == EVENT_ACTIVITY_SCHEDULED ? "activity" : NULL;
    s->resource = r->d.resource;
    s->attempt = r->frame->retry_count;
    track_of(t, r->frame)->attempt = s;
    return s;
}

static void schedule(struct tracer *t, const struct event_record *r) {
    struct span *state = state_span(t, r);
    struct track *k = track_of(t, r->frame);
    if (k->attempt) span_end(t, k->attempt, r->time_ms, SPAN_ABORTED);
    open_attempt(t, state, r, r->time_ms);
}

static void answer(struct tracer *t, const struct event_record *r, bool ok) {
    struct span *state = state_span(t, r), *attempt = track_of(t, r->frame)->attempt;
    if (!attempt) attempt = open_attempt(t, state, r, r->frame->entered_ms); /* another process has scheduled it */
    if (!ok) {
        span_fail(t, state, r->d.error, r->d.cause);
        span_fail(t, attempt, r->d.error, r->d.cause);
    }
    state->failing = !ok;
    span_end(t, attempt, r->time_ms, ok ? SPAN_OK : SPAN_FAILED);
}

static void trace_event(struct asl_observer *o, const struct event_record *r) {
    struct tracer *t = tracer_of(o);
    enum role role = (enum role)roles[r->type];
    t->now_ms = r->time_ms;
    if (!r->frame && role != STARTED && role != ENDED_WELL && role != ENDED_BADLY) return;
    struct track *k = r->frame ? map_get(&t->tracks, r->frame) : NULL;
    switch (role) {
    case NOTHING: break;
    case STARTED: {
        struct span *left = map_get(&t->executions, r->execution); /* to its journal, and gone without a word */
        if (left) span_end(t, left, r->time_ms, SPAN_SUSPENDED);
        execution_span(t, r);
        break;
    }
    case ENDED_WELL: span_end(t, execution_span(t, r), r->time_ms, SPAN_OK); break;
    case ENDED_BADLY: end_execution(t, r); break;
    case ENTERED:
        if (k && k->state) span_end(t, k->state, r->time_ms, SPAN_ABORTED); /* the frame had another life */
        open_state(t, r, r->time_ms, r->id);
        break;
    case EXITED: {
        struct span *s = state_span(t, r);
        span_end(t, s, r->time_ms, s->failing ? SPAN_CAUGHT : SPAN_OK);
        break;
    }
    case ABORTED:
        if (k && k->state) span_end(t, k->state, r->time_ms, k->state->failing ? SPAN_FAILED : SPAN_ABORTED);
        break;
    case SCHEDULED: schedule(t, r); break;
    case ANSWERED: answer(t, r, true); break;
    case TASK_BAD:
    case TASK_LATE: answer(t, r, false); break;
    case FANS_OUT: {
        struct span *s = state_span(t, r);
        end_inner(t, s, r->time_ms, SPAN_ABORTED); /* of an attempt before */
        s->failing = false;
        s->fanned++;
        break;
    }
    case FAN_FAILED: {
        struct span *s = state_span(t, r);
        end_inner(t, s, r->time_ms, SPAN_FAILED);
        /* ParallelStateFailed and MapStateFailed have no details; the frame knows. */
        const struct failure *f = &r->frame->failure;
        if (r->d.error) span_fail(t, s, r->d.error, r->d.cause);
        else if (!s->failing) span_fail(t, s, &f->error, &f->cause);
        break;
    }
    case ITERATION:
        if (k && k->group) span_end(t, k->group, r->time_ms, SPAN_ABORTED);
        group_span(t, r);
        break;
    case ITERATION_DONE:
    case ITERATION_BAD:
    case ITERATION_ABORTED:
        if (k && k->group)
            span_end(t, k->group, r->time_ms,
                     role == ITERATION_DONE ? SPAN_OK : role == ITERATION_BAD ? SPAN_FAILED : SPAN_ABORTED);
        break;
    case EVALUATION: span_fail(t, state_span(t, r), r->d.error, r->d.cause); break;
    }
}

static void trace_turn(struct asl_observer *o) {
    struct tracer *t = tracer_of(o);
    uint64_t dropped = 0;
    for (struct exporter *e = t->exporters; e; e = e->next) {
        if (e->turn) e->turn(e, t->open);
        dropped += e->dropped(e);
    }
    if (t->counters) t->counters->spans_dropped = dropped;
}

static void trace_close(struct asl_observer *o) {
    struct tracer *t = tracer_of(o);
    while (t->open) span_end(t, t->open, t->now_ms, SPAN_SUSPENDED); /* another process goes on with it */
    uint64_t dropped = 0;
    for (struct exporter *e = t->exporters, *next; e; e = next) {
        next = e->next;
        dropped += e->close(e);
    }
    if (t->counters) t->counters->spans_dropped = dropped;
    if (dropped) lines_complain("%llu trace span%s dropped\n", (unsigned long long)dropped, dropped == 1 ? "" : "s");
    for (size_t i = 0; i < t->tracks.capacity; i++) asl_free(t->tracks.entries[i].value);
    map_free(&t->tracks);
    map_free(&t->executions);
    redact_free(t->redact);
    asl_free(t);
}

// ---------------------------------------------------------------- headers

static bool hex(const char *text, size_t digits) {
    bool zero = true;
    for (size_t i = 0; i < digits; i++) {
        if (!isxdigit((unsigned char)text[i])) return false;
        zero &= text[i] == '0';
    }
    return !zero;
}

static void lower(char *text) {
    for (; *text; text++) *text = (char)tolower((unsigned char)*text);
}

static uint64_t id_of(const char *digits) {
    char z[17] = {0};
    memcpy(z, digits, 16);
    return strtoull(z, NULL, 16);
}

/* 00-<32 hex>-<16 hex>-<2 hex>; later versions may have more behind it. */
static bool parse_traceparent(struct tracer *t, const char *h) {
    size_t size = h ? strlen(h) : 0;
    if (size < 55 || h[2] != '-' || h[35] != '-' || h[52] != '-' || !isxdigit((unsigned char)h[0]) ||
        !isxdigit((unsigned char)h[1]) || strncasecmp(h, "ff", 2) == 0 || (size > 55 && h[55] != '-'))
        return false;
    if (!hex(h + 3, 32) || !hex(h + 36, 16) || !isxdigit((unsigned char)h[53]) || !isxdigit((unsigned char)h[54])) return false;
    memcpy(t->trace.hex, h + 3, 32);
    t->parent = id_of(h + 36);
    t->trace.sampled = strtoul(h + 53, NULL, 16) & 1;
    return true;
}

/* Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=0|1|?, in any order; only Root must be there. */
static bool parse_xray(struct tracer *t, const char *h) {
    bool root = false;
    t->parent = 0;
    t->trace.sampled = true;
    while (h && *h) {
        while (*h == ' ' || *h == ';') h++;
        size_t size = strcspn(h, ";");
        if (size >= 40 && strncasecmp(h, "Root=1-", 7) == 0 && h[15] == '-' && hex(h + 7, 8) && hex(h + 16, 24)) {
            memcpy(t->trace.hex, h + 7, 8);
            memcpy(t->trace.hex + 8, h + 16, 24);
            root = true;
        } else if (size >= 23 && strncasecmp(h, "Parent=", 7) == 0 && hex(h + 7, 16)) {
            t->parent = id_of(h + 7);
        } else if (strncasecmp(h, "Sampled=0", 9) == 0) {
            t->trace.sampled = false;
        }
        h += size;
    }
    return root;
}

static void take_incoming(struct tracer *t) {
    t->incoming = parse_xray(t, getenv("_X_AMZN_TRACE_ID")) || parse_traceparent(t, getenv("TRACEPARENT"));
    lower(t->trace.hex);
}

void asl__trace_headers(struct asl_observer *o, const struct frame *f, char traceparent[56], char xray[128]) {
    struct tracer *t = tracer_of(o);
    const struct track *k = map_get(&t->tracks, f);
    const struct span *s = k && k->attempt ? k->attempt : k && k->state ? k->state : map_get(&t->executions, f->execution);
    traceparent[0] = xray[0] = 0;
    if (!s) return;
    char id[17];
    span_id_print(s->id, id);
    snprintf(traceparent, 56, "00-%s-%s-%02x", s->trace->hex, id, s->trace->sampled);
    snprintf(xray, 128, "Root=1-%.8s-%s;Parent=%s;Sampled=%d", s->trace->hex, s->trace->hex + 8, id, s->trace->sampled);
}

// ---------------------------------------------------------------- opening

static bool is_sink(const char *spec, const char *name, const char **rest) {
    size_t size = strlen(name);
    if (strncmp(spec, name, size) != 0 || (spec[size] && spec[size] != ':')) return false;
    *rest = spec[size] ? spec + size + 1 : NULL;
    return true;
}

struct asl_observer *asl__trace_open(const struct trace_options *options, char *message, size_t message_size) {
    struct tracer *t = asl_calloc(1, sizeof *t);
    t->observer = (struct asl_observer){.event = trace_event, .turn = trace_turn, .close = trace_close};
    for (size_t i = 0; i < options->sink_count; i++) {
        const char *spec = options->sinks[i], *rest;
        struct exporter *e = NULL;
        if (is_sink(spec, "xray", &rest)) e = xray_open(rest, message, message_size);
        else if (is_sink(spec, "otlp", &rest)) e = otlp_open(rest, options->service, message, message_size);
        else snprintf(message, message_size, "traces go to xray[:HOST:PORT] or otlp[:URL], not \"%s\"", spec);
        if (!e) {
            trace_close(&t->observer);
            return NULL;
        }
        struct exporter **at = &t->exporters;
        while (*at) at = &(*at)->next;
        *at = e;
    }
    uint64_t seed = options->seed;
    if (!options->seeded && getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        seed = (uint64_t)now.tv_sec * 1000000007u ^ (uint64_t)now.tv_nsec ^ (uintptr_t)t;
    }
    asl__random_seed(&t->random, seed ^ UINT64_C(0x7472616365)); /* not the numbers that the execution sees */
    t->redact = redact_new(options->redact, options->redact_count);
    t->counters = options->counters;
    take_incoming(t);
    return &t->observer;
}
