// Executions: their beginning, their end, and what can be asked about them.
//
// An execution owns its root frame and through it everything that runs for it. It ends exactly once, in
// asl__execution_end; then its frames are gone and its results stay until asl_execution_free. The children of a
// distributed Map are executions too; they belong to the Map and are deleted as they end.
#include "observe.h"
#include "words.h"

#include <string.h>

#define YEAR_MS    (INT64_C(365) * 24 * 3600 * 1000)
#define EXPRESS_MS (INT64_C(5) * 60 * 1000)

// ---------------------------------------------------------------- beginning

static void on_deadline(struct timer *timer) {
    asl__execution_end(container_of(timer, asl_execution, deadline), ASL_TIMED_OUT, NULL, 0);
}

/* All that few executions have is nothing. */
static inline asl_execution *blank(asl_engine *e) {
    asl_execution *x = e->spare;
    if (x) {
        e->spare = x->next;
        return x;
    }
    x = asl__block_alloc(sizeof *x);
    return memset(x, 0, sizeof *x);
}

static __attribute__((noinline)) void limit(asl_execution *x, int64_t timeout_s) {
    asl_engine *e = x->engine;
    if (e->strict && !x->express) x->event_limit = ASL__EVENT_LIMIT;
    int64_t longest = x->express ? EXPRESS_MS : e->strict ? YEAR_MS : INT64_MAX;
    if (timeout_s && timeout_s * 1000 < longest) longest = timeout_s * 1000;
    if (longest < INT64_MAX) asl__execution_deadline(x, x->start_ms + longest);
}

static void name_it(asl_execution *x, const char *name) {
    if (name) {
        size_t size = strlen(name) + 1;
        x->name = memcpy(size <= sizeof x->name_room ? x->name_room : asl_alloc(size), name, size);
    } else {
        x->name = NULL;
        x->name_bits[0] = asl__random_next(&x->engine->random);
        x->name_bits[1] = asl__random_next(&x->engine->random);
        if (x->engine->journal) asl_execution_name(x);
    }
}

/* Member by member: a block of zeros first would take as long as all the rest. */
static inline asl_execution *new_execution(asl_engine *e, struct asl__words input, const char *name, bool express, int64_t timeout_s) {
    asl_execution *x = blank(e);
    x->engine = e;
    x->next = x->prev = NULL;
    x->main = x;
    x->root = NULL;
    x->status = x->cut = ASL_RUNNING;
    x->express = express;
    x->finished = x->full = false;
    x->failed_state = ASL_NO_OPERAND;
    x->events = x->transitions = 0;
    x->event_limit = UINT64_MAX;
    asl__store_new(&x->input, input);
    asl__store_new(&x->output, (struct asl__words){0, 0});
    x->start_ms = e->clock.now_ms;
    x->stop_ms = 0;
    x->deadline_ms = INT64_MAX;
    x->machine = e->image.name;
    x->ready = 0;
    x->number = 0;
    if (express || e->strict || timeout_s) limit(x, timeout_s);
    name_it(x, name);
    return x;
}

asl_execution *asl__execution_new(asl_engine *e, asl_value input, const char *name, bool express, int64_t timeout_s) {
    return new_execution(e, asl__load(&input), name, express, timeout_s);
}

static inline void enlist(asl_execution *x) {
    asl_engine *e = x->engine;
    x->number = ++e->started;
    x->next = e->executions;
    if (x->next) x->next->prev = x;
    e->executions = x;
    e->running++;
}

/* What is told of a beginning, with everybody listening. */
static __attribute__((noinline)) void tell_start(asl_execution *x, asl_str text) {
    asl_engine *e = x->engine;
    if (text.size && e->observers) x->input_text = asl_string(text);
    if (e->journal) {
        e->journal->begin(e->journal, x);
        e->journal->entered(e->journal, x->root, true);
    }
    asl__publish(x, NULL, EVENT_EXECUTION_STARTED, 0, DETAILS(.input = &x->input));
    asl__ready_push(x->root, READY_STEP);
}

asl_execution *asl__execution_start(asl_engine *e, asl_value input, asl_str text, const char *name) {
    struct asl__words w = asl__load(&input);
    asl__clock_update(&e->clock);
    asl_execution *x = new_execution(e, w, name, e->express, e->image.timeout_seconds);
    enlist(x);
    bool quiet = asl__unwatched(e);
    struct frame *root = x->root = asl__frame_new(x, quiet ? e->image.quiet : 0);
    asl__retain_words(w);
    asl__store_new(&root->slots[0], w);
    if (quiet) {
        asl__event(x);
        root->ready = READY_STEP;
        asl__ready_append(e, root);
    } else {
        tell_start(x, text);
    }
    return x;
}

asl_execution *asl_execution_start(asl_engine *e, asl_value input, const char *name) {
    return asl__execution_start(e, input, (asl_str){NULL, 0}, name);
}

// ---------------------------------------------------------------- end

void asl__execution_end(asl_execution *x, asl_status status, struct failure *failure, uint64_t previous) {
    static const enum event events[] = {
        [ASL_SUCCEEDED] = EVENT_EXECUTION_SUCCEEDED, [ASL_FAILED_STATUS] = EVENT_EXECUTION_FAILED,
        [ASL_TIMED_OUT] = EVENT_EXECUTION_TIMED_OUT, [ASL_ABORTED] = EVENT_EXECUTION_ABORTED};
    asl_engine *e = x->engine;
    asl_assert(!x->finished && status != ASL_RUNNING);
    x->finished = true;
    x->status = status;
    asl__clock_update(&e->clock);
    x->stop_ms = e->clock.now_ms;
    if (failure) {
        x->error = failure->error;
        x->cause = failure->cause;
        x->failed_state = failure->state;
        *failure = (struct failure){0};
    }
    if (e->journal) e->journal->ended(e->journal, x);
    if (e->observers)
        asl__publish(x, NULL, events[status], previous,
                     status == ASL_SUCCEEDED ? DETAILS(.output = &x->output) : DETAILS(.error = &x->error, .cause = &x->cause));
    else asl__event(x);
    asl__timer_stop(&e->clock, &x->deadline);
    if (x->up) {
        asl__fanout_execution_ended(x); /* x is gone */
        return;
    }
    asl__frame_cancel(x->root);
    x->root = NULL;
    if (x->context_execution.tag != ASL_NONE) {
        asl_value_set(&x->context_execution, asl_none());
        asl_value_set(&x->context_machine, asl_none());
    }
    e->running--;
    e->ended++;
    if (e->mock) asl__mock_ended(e, x->number);
}

void asl__execution_deadline(asl_execution *x, int64_t at_ms) {
    x->deadline_ms = at_ms;
    asl__timer_start(&x->engine->clock, &x->deadline, at_ms, on_deadline);
}

asl_execution *asl__execution_take(asl_engine *e, asl_value input, const char *name, int64_t start_ms, int64_t deadline_ms) {
    asl__clock_update(&e->clock);
    asl_execution *x = asl__execution_new(e, input, name, false, 0);
    x->start_ms = start_ms;
    if (deadline_ms) asl__execution_deadline(x, deadline_ms);
    enlist(x);
    return x;
}

void asl__execution_abandon(asl_execution *x) {
    if (x->finished) return;
    asl_engine *e = x->engine;
    x->finished = true; /* a journal is not written any more: what it has of the frames stays */
    asl__timer_stop(&e->clock, &x->deadline);
    if (x->root) asl__frame_cancel(x->root); /* none when its journal is damaged */
    x->root = NULL;
    e->running--;
}

void asl_execution_stop(asl_execution *x, asl_value error, asl_value cause) {
    struct failure failure = {.error = error, .cause = cause, .state = ASL_NO_OPERAND};
    if (x->finished && error.tag == ASL_NONE && cause.tag == ASL_NONE) return;
    if (x->finished) asl__failure_clear(&failure);
    else asl__execution_end(x, ASL_ABORTED, &failure, 0);
}

void asl__execution_delete(asl_execution *x) {
    asl_engine *e = x->engine;
    asl__timer_stop(&e->clock, &x->deadline);
    asl__release_words(asl__load(&x->input));
    asl__release_words(asl__load(&x->output));
    if (x->name && x->name != x->name_room) asl_free(x->name);
    bool plain = asl__unwatched(e) && !x->up && !x->arn && !(x->error.tag | x->cause.tag | x->context_execution.tag); /* ASL_NONE is 0 */
    if (plain) {
        x->next = e->spare;
        e->spare = x;
        return;
    }
    asl__drop(x->input_text);
    asl__drop(x->error);
    asl__drop(x->cause);
    asl__drop(x->context_execution);
    asl__drop(x->context_machine);
    asl_free(x->arn);
    asl__block_free(x, sizeof *x);
}

void asl__executions_free_spare(asl_engine *e) {
    for (asl_execution *x; (x = e->spare);) {
        e->spare = x->next;
        asl__block_free(x, sizeof *x);
    }
}

void asl_execution_free(asl_execution *x) {
    if (!x) return;
    if (!x->finished) asl__execution_end(x, ASL_ABORTED, NULL, 0);
    if (x->prev) x->prev->next = x->next;
    else x->engine->executions = x->next;
    if (x->next) x->next->prev = x->prev;
    asl__execution_delete(x);
}

// ---------------------------------------------------------------- questions

asl_status asl_execution_status(const asl_execution *x) { return x->status; }

const char *asl_status_name(asl_status status) {
    static const char *const names[] = {
        [ASL_RUNNING] = "RUNNING",     [ASL_SUCCEEDED] = "SUCCEEDED", [ASL_FAILED_STATUS] = "FAILED",
        [ASL_TIMED_OUT] = "TIMED_OUT", [ASL_ABORTED] = "ABORTED"};
    return names[status];
}

const char *asl_execution_name(const asl_execution *x) {
    if (x->name) return x->name;
    asl_execution *named = (asl_execution *)x; /* most are never asked */
    asl__uuid_print(x->name_bits[0], x->name_bits[1], named->name_room);
    return named->name = named->name_room;
}

static void arn(const asl_execution *x, const char *kind, asl_buffer *out) {
    const asl_engine *e = x->engine;
    asl_buffer_format(out, "arn:%s:states:%s:%s:%s:%s", e->partition, e->region, e->account, kind, x->machine);
}

void asl__machine_arn(const asl_execution *x, asl_buffer *out) { arn(x, "stateMachine", out); }

void asl__role_arn(const asl_execution *x, asl_buffer *out) {
    const asl_engine *e = x->engine;
    asl_buffer_format(out, "arn:%s:iam::%s:role/%s", e->partition, e->account, e->image.name);
}

const char *asl_execution_arn(const asl_execution *x) {
    if (x->arn) return x->arn;
    asl_buffer b = {0};
    arn(x, x->express ? "express" : "execution", &b);
    asl_buffer_format(&b, ":%s", asl_execution_name(x));
    if (x->express) {
        char uuid[37];
        asl__random_uuid(&x->engine->names, uuid);
        asl_buffer_format(&b, ":%s", uuid);
    }
    asl_buffer_byte(&b, 0);
    ((asl_execution *)x)->arn = b.data; /* asked for by few, so made on demand; nothing else sees the change */
    return x->arn;
}

const char *asl_execution_failed_state(const asl_execution *x) {
    return x->failed_state < x->engine->image.state_count ? x->engine->image.states[x->failed_state].name_z : NULL;
}

const asl_value *asl_execution_input(const asl_execution *x) { return &x->input; }
const asl_value *asl_execution_output(const asl_execution *x) { return &x->output; }
const asl_value *asl_execution_error(const asl_execution *x) { return &x->error; }
const asl_value *asl_execution_cause(const asl_execution *x) { return &x->cause; }
int64_t asl_execution_start_ms(const asl_execution *x) { return x->start_ms; }
int64_t asl_execution_stop_ms(const asl_execution *x) { return x->stop_ms; }
uint64_t asl_execution_transitions(const asl_execution *x) { return x->transitions; }

const char *asl__frame_waiting_state(const struct frame *f) {
    if (f->task) return f->execution->engine->image.states[f->head.state].name_z;
    return f->down ? asl__fanout_waiting_state(f) : NULL;
}

const char *asl__waiting_state(const asl_execution *x) { return x->root ? asl__frame_waiting_state(x->root) : NULL; }

// ---------------------------------------------------------------- descriptions

static void add_text(asl_buffer *b, const char *key, const char *text) {
    asl_buffer_format(b, ",\"%s\":", key);
    asl_json_print_string(asl_str_z(text), b);
}

/* Seconds since 1970 with milliseconds, as the API writes its times. */
static void add_time(asl_buffer *b, const char *key, int64_t ms) {
    asl_buffer_format(b, ",\"%s\":%lld.%03d", key, (long long)(ms / 1000), (int)(ms % 1000));
}

/* A payload as the API gives it: JSON text in a string. */
static void add_payload(asl_buffer *b, const char *key, const asl_value *v) {
    asl_buffer text = {0};
    asl_json_print(v, &text);
    asl_buffer_format(b, ",\"%s\":", key);
    asl_json_print_string((asl_str){text.data, text.size}, b);
    asl_buffer_format(b, ",\"%sDetails\":{\"included\":true}", key);
    asl_buffer_free(&text);
}

void asl__describe(const asl_execution *x, asl_buffer *out) {
    asl_buffer machine = {0};
    asl__machine_arn(x, &machine);
    asl_buffer_byte(&machine, 0);
    asl_buffer_z(out, "{\"executionArn\":");
    asl_json_print_string(asl_str_z(asl_execution_arn(x)), out);
    add_text(out, "stateMachineArn", machine.data);
    add_text(out, "name", asl_execution_name(x));
    add_text(out, "status", asl_status_name(x->status));
    add_time(out, "startDate", x->start_ms);
    if (x->redrive_count) asl_buffer_format(out, ",\"redriveCount\":%lld", (long long)x->redrive_count);
    if (x->redrive_count) add_time(out, "redriveDate", x->redrive_ms);
    if (x->finished) add_time(out, "stopDate", x->stop_ms);
    add_payload(out, "input", &x->input);
    if (x->status == ASL_SUCCEEDED) add_payload(out, "output", &x->output);
    if (x->error.tag != ASL_NONE) {
        asl_buffer_z(out, ",\"error\":");
        asl_json_print(&x->error, out);
    }
    if (x->cause.tag != ASL_NONE) {
        asl_buffer_z(out, ",\"cause\":");
        asl_json_print(&x->cause, out);
    }
    asl_buffer_byte(out, '}');
    asl_buffer_free(&machine);
}

static asl_value included(void) { return asl_object_put(asl_object_new(1), ASL_STR("Included"), asl_bool(true)); }

asl_value asl__execution_record(const asl_execution *x) {
    asl_buffer b = {0};
    asl_value o = asl_object_new(14);
    o = asl_object_put(o, ASL_STR("ExecutionArn"), asl_string_z(asl_execution_arn(x)));
    asl_json_print(&x->input, &b);
    o = asl_object_put(o, ASL_STR("Input"), asl_string((asl_str){b.data, b.size}));
    o = asl_object_put(o, ASL_STR("InputDetails"), included());
    o = asl_object_put(o, ASL_STR("Name"), asl_string_z(asl_execution_name(x)));
    o = asl_object_put(o, ASL_STR("OutputDetails"), included());
    o = asl_object_put(o, ASL_STR("RedriveCount"), asl_int(0));
    o = asl_object_put(o, ASL_STR("RedriveStatus"), asl_string_z(x->express ? "NOT_REDRIVABLE" : "REDRIVABLE"));
    o = asl_object_put(o, ASL_STR("StartDate"), asl__time_value(x->start_ms));
    b.size = 0;
    asl__machine_arn(x, &b);
    o = asl_object_put(o, ASL_STR("StateMachineArn"), asl_string((asl_str){b.data, b.size}));
    o = asl_object_put(o, ASL_STR("Status"), asl_string_z(asl_status_name(x->status)));
    o = asl_object_put(o, ASL_STR("StopDate"), asl__time_value(x->stop_ms));
    if (x->error.tag != ASL_NONE) o = asl_object_put(o, ASL_STR("Error"), asl_retain(x->error));
    if (x->cause.tag != ASL_NONE) o = asl_object_put(o, ASL_STR("Cause"), asl_retain(x->cause));
    asl_buffer_free(&b);
    return o;
}
