// Executions: their beginning, their end, and what can be asked about them.
//
// An execution owns its root frame and through it everything that runs for it. It ends exactly once, in
// asl__execution_end; then its frames are gone and its results stay until asl_execution_free. The children of a
// distributed Map are executions too; they belong to the Map and are deleted as they end.
#include "observe.h"
#include "value_private.h"

#include <string.h>

#define YEAR_MS    (INT64_C(365) * 24 * 3600 * 1000)
#define EXPRESS_MS (INT64_C(5) * 60 * 1000)

// ---------------------------------------------------------------- beginning

static void on_deadline(struct timer *timer) {
    asl__execution_end(container_of(timer, asl_execution, deadline), ASL_TIMED_OUT, NULL, 0);
}

asl_execution *asl__execution_new(asl_engine *e, asl_value input, const char *name, bool express, int64_t timeout_s) {
    asl_execution *x = asl__block_alloc(sizeof *x);
    memset(x, 0, sizeof *x);
    x->engine = e;
    x->main = x;
    x->machine = e->image.name;
    x->express = express;
    x->input = input;
    x->failed_state = ASL_NO_OPERAND;
    x->start_ms = e->clock.now_ms;
    x->event_limit = e->strict && !express ? ASL__EVENT_LIMIT : UINT64_MAX;
    int64_t quota = express ? EXPRESS_MS : e->strict ? YEAR_MS : INT64_MAX;
    int64_t longest = timeout_s && timeout_s * 1000 < quota ? timeout_s * 1000 : quota;
    x->deadline_ms = longest < INT64_MAX ? x->start_ms + longest : INT64_MAX;
    if (longest < INT64_MAX) asl__timer_start(&e->clock, &x->deadline, x->deadline_ms, on_deadline);
    if (name) {
        size_t size = strlen(name) + 1;
        x->name = memcpy(size <= sizeof x->name_room ? x->name_room : asl_alloc(size), name, size);
    } else {
        x->name_bits[0] = asl__random_next(&e->random);
        x->name_bits[1] = asl__random_next(&e->random);
        if (e->journal) asl_execution_name(x);
    }
    return x;
}

/* Whether nobody watches: no limit of the service's holds, no event is told. */
static bool quiet(const asl_engine *e) { return !e->strict && !e->observers && !e->journal; }

asl_execution *asl_execution_start(asl_engine *e, asl_value input, const char *name) {
    return asl__execution_start(e, input, (asl_str){NULL, 0}, name);
}

static void enlist(asl_execution *x) {
    asl_engine *e = x->engine;
    x->number = ++e->started;
    x->next = e->executions;
    if (x->next) x->next->prev = x;
    e->executions = x;
    e->running++;
}

asl_execution *asl__execution_start(asl_engine *e, asl_value input, asl_str text, const char *name) {
    asl__clock_update(&e->clock);
    asl_execution *x = asl__execution_new(e, input, name, e->express, e->image.timeout_seconds);
    enlist(x);
    x->root = asl__frame_new(x, quiet(e) ? e->image.quiet : 0);
    x->root->slots[0] = asl_retain(x->input);
    if (text.size && e->observers) x->input_text = asl_string(text);
    if (e->journal) {
        e->journal->begin(e->journal, x);
        e->journal->entered(e->journal, x->root, true);
    }
    asl__publish(x, NULL, EVENT_EXECUTION_STARTED, 0, DETAILS(.input = &x->input));
    asl__ready_push(x->root, READY_STEP);
    return x;
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
    asl__drop(x->context_execution);
    asl__drop(x->context_machine);
    x->context_execution = x->context_machine = asl_none();
    e->running--;
    e->ended++;
    asl__mock_ended(e, x->number);
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

void asl__execution_succeed(asl_execution *x, asl_value output) {
    x->output = output;
    asl__execution_end(x, ASL_SUCCEEDED, NULL, x->root->last);
}

void asl_execution_stop(asl_execution *x, asl_value error, asl_value cause) {
    struct failure failure = {.error = error, .cause = cause, .state = ASL_NO_OPERAND};
    if (x->finished && error.tag == ASL_NONE && cause.tag == ASL_NONE) return;
    if (x->finished) asl__failure_clear(&failure);
    else asl__execution_end(x, ASL_ABORTED, &failure, 0);
}

void asl__execution_delete(asl_execution *x) {
    asl__timer_stop(&x->engine->clock, &x->deadline);
    asl__drop(x->input);
    asl__drop(x->input_text);
    asl__drop(x->output);
    asl__drop(x->error);
    asl__drop(x->cause);
    asl__drop(x->context_execution);
    asl__drop(x->context_machine);
    if (x->name != x->name_room) asl_free(x->name);
    asl_free(x->arn);
    asl__block_free(x, sizeof *x);
}

void asl_execution_free(asl_execution *x) {
    if (!x) return;
    asl_execution_stop(x, asl_none(), asl_none());
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

static asl_value time_value(int64_t ms) {
    char text[40];
    size_t size = asl_timestamp_print(ms, text);
    return asl_string((asl_str){text, size});
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
    o = asl_object_put(o, ASL_STR("StartDate"), time_value(x->start_ms));
    b.size = 0;
    asl__machine_arn(x, &b);
    o = asl_object_put(o, ASL_STR("StateMachineArn"), asl_string((asl_str){b.data, b.size}));
    o = asl_object_put(o, ASL_STR("Status"), asl_string_z(asl_status_name(x->status)));
    o = asl_object_put(o, ASL_STR("StopDate"), time_value(x->stop_ms));
    if (x->error.tag != ASL_NONE) o = asl_object_put(o, ASL_STR("Error"), asl_retain(x->error));
    if (x->cause.tag != ASL_NONE) o = asl_object_put(o, ASL_STR("Cause"), asl_retain(x->cause));
    asl_buffer_free(&b);
    return o;
}
