// Task states: an attempt's way from asl_rt_task to its answer.
//
//     asl_rt_task       TaskScheduled; the frame suspends, READY_START
//     asl__task_start   TaskStarted on the next turn; timeout and heartbeat run from here; handler->start
//     asl_task_*        the handler's answer is kept, READY_ANSWER
//     asl__task_answer  TaskSucceeded or TaskFailed; the frame is stepped
//
// Where nobody watches, nothing else is ready and the handler is simple, all this is one call: asl_rt_task gives the answer
// (ASL_ANSWERED), since the queue would come to nothing else in between.
//
// Whatever else ends the attempt (timeout, heartbeat, a cancelled branch, the end of the execution) calls handler->cancel
// and frees the task; the contract of handlers is that nothing is heard of it afterwards.
#include "observe.h"
#include "value_private.h"
#include "waiting.h"
#include "words.h"

#include <string.h>

/* The events of the three families stand in the same order. A function's and an activity's name their resource once. */
static __attribute__((noinline)) void tell_listeners(struct task *t, enum event event, const struct event_details *details) {
    static const int family[] = {
        [RESOURCE_TASK] = 0,
        [RESOURCE_LAMBDA] = EVENT_LAMBDA_SCHEDULED - EVENT_TASK_SCHEDULED,
        [RESOURCE_ACTIVITY] = EVENT_ACTIVITY_SCHEDULED - EVENT_TASK_SCHEDULED,
    };
    struct event_details d = {0};
    if (details) d = *details;
    bool service = t->site->resource_kind == RESOURCE_TASK;
    if (service) d.resource_type = t->site->service;
    if (service || event == EVENT_TASK_SCHEDULED) d.resource = t->site->action;
    asl__tell(t->frame, event + family[t->site->resource_kind], &d);
}

/* The details are made when somebody listens. */
#define TELL_TASK(t, event, details)                                                                                   \
    ((t)->frame->execution->engine->observers ? tell_listeners(t, event, details)                                      \
                                              : (void)((t)->frame->last = asl__event((t)->frame->execution)))

static __attribute__((noinline)) void tell_scheduled(struct task *t) {
    const asl_value *payload = &t->payload;
    bool service = t->site->resource_kind == RESOURCE_TASK;
    tell_listeners(t, EVENT_TASK_SCHEDULED,
              DETAILS(.parameters = service ? payload : NULL, .input = service ? NULL : payload, .role = &t->role,
                      .timeout_s = t->timeout_ms / 1000, .heartbeat_s = t->heartbeat_ms / 1000));
}

static inline void clear(asl_value *v) {
    struct asl__words old = asl__load(v);
    asl__store_new(v, (struct asl__words){0, 0});
    asl__release_words(old);
}

static __attribute__((noinline)) void let_go(struct task *t) {
    struct frame *f = t->frame;
    asl_engine *e = f->execution->engine;
    if (t->timeout.position) asl__timer_stop(&e->clock, &t->timeout);
    if (t->heartbeat.position) asl__timer_stop(&e->clock, &t->heartbeat);
    if (t->outside) e->outside--;
    if (t->role.tag | t->result.tag | t->error.tag | t->cause.tag) { /* ASL_NONE is 0 */
        clear(&t->role);
        clear(&t->result);
        clear(&t->error);
        clear(&t->cause);
    }
    if (t->iteration != t->indexes && t->iteration) asl_free(t->iteration);
    if (t->idempotency != t->key && t->idempotency) asl_free(t->idempotency);
    if (t->trace) asl_free(t->trace);
    t->iteration = NULL;
    t->idempotency = NULL;
    t->trace = NULL;
    t->starting = t->started = t->told = t->submitted = t->outside = false;
    t->handle.data = NULL;
    t->handle.traceparent = t->handle.xray_trace = NULL;
    if (e->journal) e->journal->task_ended(e->journal, f);
}

/* The frame keeps one, in which all is nothing that new_task() does not fill in. */
static void free_task(struct task *t) {
    struct frame *f = t->frame;
    clear(&t->payload);
    if (!t->at_once) let_go(t);
    t->at_once = false;
    t->answer = ANSWER_NONE;
    f->task = NULL;
    if (f->spare) asl__block_free(t, sizeof *t);
    else f->spare = t;
}

void asl__task_free_spare(struct frame *f) {
    if (f->spare) asl__block_free(f->spare, sizeof *f->spare);
    f->spare = NULL;
}

void asl__task_cancel(struct frame *f) {
    struct task *t = f->task;
    if (t->started && !t->submitted && t->answer == ANSWER_NONE) t->handle.binding->handler->cancel(&t->handle);
    free_task(t);
}

// ---------------------------------------------------------------- starting

int32_t asl_rt_attempt(asl_frame *frame, uint32_t t) {
    struct frame *f = frame_of(frame);
    asl_engine *e = f->execution->engine;
    const struct site *site = &e->image.sites[t];
    asl__context_drop(f);
    if (!site->has_token) return 0;
    f->eventful = true;
    asl_free(f->token);
    f->token = asl_alloc(2 * 36 + 1);
    char *at = f->token;
    for (int i = 0; i < 2; i++, at += 36) asl__random_uuid(&e->random, at);
    return 0;
}

/* TimeoutSeconds and its sibling: a positive integer. 0 when absent; -1 after raising. path: its …Path field, or NULL. */
static int64_t seconds_of(struct frame *f, const struct site *site, uint32_t slot, int64_t constant, const char *field,
                          const char *path) {
    if (slot == ASL_NO_OPERAND) return constant;
    const asl_value *v = &f->head.slot[slot & ~ASL_LAST];
    int64_t seconds;
    if (v->tag == ASL_NONE) return constant;
    if (asl_is_number(v) && asl_number_as_int(v, &seconds) && seconds > 0 && seconds <= 99999999) return seconds;
    asl_buffer b = {0};
    if (site->jsonata)
        asl_buffer_format(&b, "The %s field is not a positive integer up to 99999999: ", field);
    else
        asl_buffer_format(&b, "The %sPath parameter does not reference a positive integer up to 99999999: %s == ", field,
                          path ? path : "$");
    asl_json_print(v, &b);
    if (site->jsonata) {
        asl_value location = asl_string_z(field);
        asl__raise_query(f, &b, &location);
        asl_release(location);
    } else {
        asl__raise_buffer(f, "States.Runtime", &b);
    }
    return -1;
}

/* What the handler gets to see. */
static void hand_over(struct task *t) {
    struct frame *f = t->frame;
    uint32_t depth = f->up ? asl__map_depth(f) : 0;
    t->iteration = NULL;
    if (depth) {
        t->iteration = depth <= ASL__NESTED_MAPS ? t->indexes : asl_alloc(depth * sizeof *t->iteration);
        asl__map_indexes(f, t->iteration, depth);
    }
    asl_task *h = &t->handle;
    h->payload = &t->payload;
    h->token = f->token;
    h->idempotency = t->idempotency;
    h->attempt = f->retry_count;
    h->iteration = t->iteration;
    h->iteration_depth = depth;
    h->execution = f->execution->number;
}

static struct task *new_task(struct frame *f, const struct site *site) {
    struct task *t = f->spare;
    if (t) {
        f->spare = NULL;
    } else {
        t = asl__block_alloc(sizeof *t);
        memset(t, 0, sizeof *t);
        t->frame = f;
    }
    if (t->site != site) {
        t->site = site;
        t->handle.resource = site->resource;
        t->handle.state = f->execution->engine->image.states[site->state].name_z;
        t->handle.binding = site->binding;
    }
    return t;
}

static char *key_room(struct task *t, size_t size) {
    return t->idempotency = size < ASL__KEY_ROOM ? t->key : asl_alloc(size + 1);
}

/* The same for every start of the attempt: the execution's name and the event that scheduled it. */
static __attribute__((noinline)) void name_attempt(struct task *t) {
    const asl_execution *x = t->frame->execution;
    asl_str name = asl_str_z(asl_execution_name(x));
    char number[20];
    size_t digits = asl__int_print((int64_t)x->events, number);
    char *key = key_room(t, name.size + 1 + digits);
    memcpy(key, name.data, name.size);
    key[name.size] = '/';
    memcpy(key + name.size + 1, number, digits);
    key[name.size + 1 + digits] = 0;
}

static void on_timeout(struct timer *timer);
static void on_heartbeat(struct timer *timer);

static void start_timers(struct task *t) {
    struct clock *c = &t->frame->execution->engine->clock;
    if (t->timeout_ms && !t->timeout.position) asl__timer_start(c, &t->timeout, c->now_ms + t->timeout_ms, on_timeout);
    if (t->heartbeat_ms) asl__timer_start(c, &t->heartbeat, c->now_ms + t->heartbeat_ms, on_heartbeat);
}

/* A mocked task that hangs is nobody's work: with the virtual clock, time may pass over it. */
static void count_outside(struct task *t) {
    t->outside = !t->site->mocked;
    if (t->outside) t->frame->execution->engine->outside++;
}

static void take_answer(struct task *t);

static int32_t start_at_once(struct task *t) {
    struct frame *f = t->frame;
    f->last = asl__event(f->execution); /* TaskStarted */
    t->at_once = t->role.tag == ASL_NONE && t->handle.iteration_depth <= ASL__NESTED_MAPS;
    t->starting = true;
    t->handle.binding->handler->start(&t->handle);
    t->starting = false;
    if (t->answer != ANSWER_NONE) {
        take_answer(t);
        return asl__answered(f);
    }
    t->at_once = false;
    t->started = t->told = true;
    start_timers(t);
    count_outside(t);
    return 0;
}

int32_t asl_rt_task(asl_frame *frame, uint32_t t, uint32_t payload, uint32_t timeout, uint32_t heartbeat, uint32_t role) {
    struct frame *f = frame_of(frame);
    asl_execution *x = f->execution;
    asl_engine *e = x->engine;
    const struct site *site = &e->image.sites[t];
    if (!site->binding)
        return asl__raise_prefixed(f, "States.Runtime",
                                   "The resource '%s' is a service of AWS, and calls to AWS are not in this version: name "
                                   "who does its work with --bind '%s=HANDLER', or answer it with --mock.",
                                   site->resource, site->resource);
    int64_t timeout_s = seconds_of(f, site, timeout, site->timeout_seconds, "TimeoutSeconds", site->timeout_path);
    if (timeout_s < 0) return 1;
    int64_t heartbeat_s = seconds_of(f, site, heartbeat, site->heartbeat_seconds, "HeartbeatSeconds", site->heartbeat_path);
    if (heartbeat_s < 0) return 1;
    if (e->strict && payload != ASL_NO_OPERAND &&
        asl__check_size(f, &frame->slot[payload & ~ASL_LAST], asl_text_of(&e->image.states[site->state].name)))
        return 1;

    struct task *task = new_task(f, site);
    task->timeout_ms = timeout_s * 1000;
    task->heartbeat_ms = heartbeat_s * 1000;
    uint32_t s = payload & ~ASL_LAST;
    if (payload == ASL_NO_OPERAND) {
        task->payload = asl_object_new(0);
    } else if (payload & ASL_LAST) {
        task->payload = frame->slot[s];
        frame->slot[s] = asl_none();
    } else {
        struct asl__words w = asl__load(&frame->slot[s]);
        asl__retain_words(w);
        asl__store_new(&task->payload, w);
    }
    if (role != ASL_NO_OPERAND) task->role = asl_retain(frame->slot[role & ~ASL_LAST]);
    f->task = task;
    if (e->observers) tell_scheduled(task);
    else f->last = asl__event(x);
    bool simple = site->binding->handler->simple;
    if (!simple || e->journal) name_attempt(task);
    hand_over(task);
    if (simple && !e->ready_first && asl__unwatched(e)) return start_at_once(task);
    asl__ready_push(f, READY_START);
    return 0;
}

/* Ends the attempt with States.Timeout, which has no cause (recorded); a missed heartbeat has the same name. */
static void time_out(struct task *t, bool heartbeat) {
    struct frame *f = t->frame;
    struct failure failure = {
        .error = asl_string_z("States.Timeout"), .state = f->head.state, .heartbeat = heartbeat};
    TELL_TASK(t, EVENT_TASK_TIMED_OUT, DETAILS(.error = &failure.error));
    asl__ready_remove(f);
    asl__task_cancel(f);
    asl__frame_answer_failure(f, &failure);
}

static void on_timeout(struct timer *timer) {
    struct task *t = container_of(timer, struct task, timeout);
    if (t->answer == ANSWER_NONE) time_out(t, false); /* an answer that is in the queue came before */
}

static void on_heartbeat(struct timer *timer) {
    struct task *t = container_of(timer, struct task, heartbeat);
    if (t->answer == ANSWER_NONE) time_out(t, true);
}

void asl__task_start(struct frame *f) {
    struct task *t = f->task;
    asl_engine *e = f->execution->engine;
    if (!t->told) TELL_TASK(t, EVENT_TASK_STARTED, NULL);
    t->told = true;
    if (e->journal) e->journal->touched(e->journal, f, false);
    start_timers(t);
    t->started = true;
    if (e->tracer) {
        if (!t->trace) t->trace = asl_alloc(sizeof *t->trace);
        e->trace_headers(e->tracer, f, t->trace->traceparent, t->trace->xray);
        t->handle.traceparent = t->trace->traceparent;
        t->handle.xray_trace = t->trace->xray;
    }
    count_outside(t);
    t->starting = true;
    t->handle.binding->handler->start(&t->handle);
    if (f->task != t) return; /* start() has stopped the execution; the frame is in its pool */
    t->starting = false;
    if (t->answer != ANSWER_NONE && f->ready == READY_NOT) asl__task_answer(f);
}

void asl__task_restore(struct frame *f, const struct site *site, asl_value payload, asl_value role, const char *idempotency,
                       int64_t timeout_ms, int64_t heartbeat_ms, bool told, bool submitted, int64_t timeout_due,
                       int64_t heartbeat_due) {
    struct clock *c = &f->execution->engine->clock;
    struct task *t = new_task(f, site);
    t->payload = payload;
    t->role = role;
    t->timeout_ms = timeout_ms;
    t->heartbeat_ms = heartbeat_ms;
    t->told = told;
    t->submitted = t->started = submitted;
    size_t size = strlen(idempotency);
    memcpy(key_room(t, size), idempotency, size + 1);
    f->task = t;
    hand_over(t);
    /* The time a task has runs on while no process is there. */
    if (timeout_due) asl__timer_start(c, &t->timeout, timeout_due, on_timeout);
    if (heartbeat_due && submitted) asl__timer_start(c, &t->heartbeat, heartbeat_due, on_heartbeat);
    if (!submitted) asl__ready_push(f, READY_START);
}

// ---------------------------------------------------------------- the handler's side

/* Whether this answer counts; the first one does. */
static bool counts(struct task *t, enum answer answer) {
    if (t->answer != ANSWER_NONE) return false;
    t->answer = answer;
    if (t->at_once) return true;
    if (t->outside) t->frame->execution->engine->outside--;
    t->outside = false;
    /* When nothing else is ready it would have the next turn anyway. */
    asl_engine *e = t->frame->execution->engine;
    if (t->starting && !e->ready_first && asl__unwatched(e)) return true;
    asl__ready_push(t->frame, READY_ANSWER);
    return true;
}

/* With a journal, a task that answers through its token goes on waiting for it: in another process, if need be. */
static bool takes_token(const struct task *t) {
    return t->frame->execution->engine->journal && t->site->callback && !t->site->mocked && !t->submitted &&
           t->answer == ANSWER_NONE;
}

static void submitted(struct task *t, asl_value answer) {
    asl_engine *e = t->frame->execution->engine;
    TELL_TASK(t, EVENT_TASK_SUBMITTED, DETAILS(.output = &answer));
    asl_release(answer);
    t->submitted = true;
    if (t->outside) e->outside--;
    t->outside = false;
    e->journal->touched(e->journal, t->frame, true);
}

void asl__task_token_answer(struct frame *f, bool success, asl_value output, asl_value error, asl_value cause) {
    struct task *t = f->task;
    if (!counts(t, success ? ANSWER_SUCCESS : ANSWER_FAILURE)) {
        asl_release(output);
        asl_release(error);
        asl_release(cause);
        return;
    }
    t->result = output;
    t->error = error;
    t->cause = cause;
}

void asl_task_succeed(asl_task *task, asl_value result) {
    struct task *t = (struct task *)task;
    if (takes_token(t)) {
        submitted(t, result.tag == ASL_NONE ? asl_null() : result);
        return;
    }
    if (counts(t, ANSWER_SUCCESS)) t->result = result.tag == ASL_NONE ? asl_null() : result;
    else asl_release(result);
}

void asl_task_fail(asl_task *task, asl_value error, asl_value cause) {
    struct task *t = (struct task *)task;
    if (counts(t, ANSWER_FAILURE)) {
        t->error = error;
        t->cause = cause;
    } else {
        asl_release(error);
        asl_release(cause);
    }
}

void asl_task_broken(asl_task *task, asl_value cause) {
    struct task *t = (struct task *)task;
    if (counts(t, ANSWER_BROKEN)) t->cause = cause;
    else asl_release(cause);
}

void asl_task_submitted(asl_task *task, asl_value answer) {
    struct task *t = (struct task *)task;
    if (takes_token(t)) {
        submitted(t, answer);
        return;
    }
    if (t->answer == ANSWER_NONE && t->site->submits) TELL_TASK(t, EVENT_TASK_SUBMITTED, DETAILS(.output = &answer));
    asl_release(answer);
}

void asl_task_heartbeat(asl_task *task) {
    struct task *t = (struct task *)task;
    struct clock *c = &t->frame->execution->engine->clock;
    asl__clock_update(c);
    if (t->heartbeat_ms && t->answer == ANSWER_NONE)
        asl__timer_start(c, &t->heartbeat, c->now_ms + t->heartbeat_ms, on_heartbeat);
}

void asl__task_token_heartbeat(struct frame *f, int64_t at_ms) {
    struct task *t = f->task;
    struct clock *c = &f->execution->engine->clock;
    if (!t->heartbeat_ms || t->answer != ANSWER_NONE) return;
    asl__timer_start(c, &t->heartbeat, at_ms + t->heartbeat_ms, on_heartbeat);
}

asl_engine *asl__task_engine(const asl_task *task) { return ((const struct task *)task)->frame->execution->engine; }

void asl_task_hold(asl_task *task, struct asl_engine **engine) {
    *engine = ((struct task *)task)->frame->execution->engine;
    (*engine)->holds++;
}

void asl_engine_unhold(struct asl_engine *engine) {
    asl_assert(engine->holds > 0);
    engine->holds--;
}

// ---------------------------------------------------------------- the answer

static inline void move(asl_value *to, asl_value *from) {
    struct asl__words w = asl__load(from);
    asl__store_new(from, (struct asl__words){0, 0});
    asl__store(to, w);
}

/* The frame has it, and the task is gone. */
static void take_answer(struct task *t) {
    struct frame *f = t->frame;
    if (t->answer == ANSWER_SUCCESS && f->execution->engine->strict && asl_json_size(&t->result) > ASL__PAYLOAD_LIMIT) {
        /* A task failure like any other: States.ALL takes it (recorded, 2.5). */
        t->answer = ANSWER_FAILURE;
        t->error = asl_string_z("States.DataLimitExceeded");
        t->cause = asl_string_format("The state/task '%s' returned a result with a size exceeding the maximum number of "
                                     "bytes service limit.",
                                     t->site->limit_name);
    }
    f->generation++;
    f->failed = t->answer != ANSWER_SUCCESS;
    if (t->answer == ANSWER_SUCCESS) {
        TELL_TASK(t, EVENT_TASK_SUCCEEDED, DETAILS(.output = &t->result));
        move(&f->result, &t->result);
    } else {
        if (t->answer == ANSWER_BROKEN) t->error = asl_string_z("States.Runtime");
        else TELL_TASK(t, EVENT_TASK_FAILED, DETAILS(.error = &t->error, .cause = &t->cause));
        move(&f->failure.error, &t->error);
        move(&f->failure.cause, &t->cause);
        f->failure.state = f->head.state;
        f->failure.heartbeat = false;
    }
    free_task(t);
}

void asl__task_answer(struct frame *f) {
    take_answer(f->task);
    asl__ready_push(f, READY_STEP);
}
