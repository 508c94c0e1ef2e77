// aslc replay: a definition is run against a recorded history, and the first difference is shown.
//
//     history ─► recording ──────────────┐ answers, times
//                                        ▼
//     definition ─► plan ─► interpreter: run READY ─► event ─► its chain ─► compared with the recorded chain's next event
//                                  ▲                                │
//                                  └── nothing is ready: the ◄──────┘
//                                      recorded event that comes next is an answer: give it; a timer's: let time pass
//
// The clock is virtual and stands where the history says, so that waits end, time-outs fire and answers come in the recorded
// order, and what a workflow says about time is what it said then. Branches and iterations that do not wait are compared each
// for itself: their interleaving is chance.
#include "replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aslc/aslc.h"
#include "compare.h"
#include "driver.h"

enum { OK = 0, DIVERGED = 1, BAD = 2 };

#define SERVICE_PAYLOAD 262144 /* bytes: a history with larger ones was recorded where the service's limits do not hold */
#define SERVICE_EVENTS  25000
#define IDLE_MAX        100000 /* timers in a row without an event that the history has: it never will come */
#define SHOWN_MAX       600    /* bytes of a value in the text report */

const char replay_usage[] =
    "Usage: aslc replay [OPTIONS] DEFINITION HISTORY\n"
    "\n"
    "Runs DEFINITION against a recorded execution: its input and the results of its tasks come from HISTORY, and every\n"
    "transition, input and output is compared. Prints the first difference with both sides and its place in DEFINITION.\n"
    "The exit status is 0 when there is none, 1 when there is one, 2 when the replay could not be made.\n"
    "\n"
    "HISTORY is what GetExecutionHistory gives (all pages), what --history writes, or the log of an execution at level ALL\n"
    "with execution data. One that ends early is replayed as far as it goes.\n"
    "\n"
    "  --ignore POINTER        do not compare what this JSON pointer into HISTORY points at: /events/4/…EventDetails/output/id;\n"
    "                          a * stands for any one step. Repeatable\n"
    "  --ignore-file FILE      pointers, one a line\n"
    "  --execution ARN|NAME    which execution, when a log holds several; an ARN also says names, account and region\n"
    "  --name NAME             of the state machine (default: from the ARN, or the file's name)\n"
    "  --format text|json\n"
    "  -D NAME=VALUE           fill the placeholder ${NAME}\n"
    "  --definitions FILE      placeholders' values as a JSON object\n"
    "  --type standard|express\n"
    "  --color=WHEN            auto, always or never\n";

struct pending { /* a task that waits for its recorded answer */
    asl_task *task;
    struct chain *chain; /* of ours; NULL: a child of a distributed Map, of which nothing was recorded */
};

struct replay {
    struct arena *arena;
    struct recording *recorded, *again;
    struct comparison compare;
    asl_engine *engine;
    asl_execution *execution;
    VEC(struct pending) pending;
    size_t cursor;      /* the first recorded event that has not happened again and still should */
    size_t events, states, tasks;
    size_t idle;        /* timers since an event matched */
    const char *orphan; /* a task state without a recorded answer, in a child of a distributed Map */
    bool done;          /* the history's end is reached */

    bool diverged;
    const char *what;   /* in words */
    const struct event *recorded_event, *again_event; /* either may be NULL */
};

// ---------------------------------------------------------------- divergence

static void diverge(struct replay *r, const struct event *recorded, const struct event *again, const char *what) {
    if (r->diverged) return;
    r->diverged = true;
    r->recorded_event = recorded;
    r->again_event = again;
    r->what = what;
    asl_execution_cut(r->execution); /* nobody looks at what follows */
}

// ---------------------------------------------------------------- twins: a chain of ours and the recorded one

static void find_twin_of_fan(struct fan *f) {
    struct chain *owner = f->owner->twin;
    if (owner && f->ordinal < owner->fans.count) f->twin = owner->fans.items[f->ordinal];
}

static void find_twin(struct replay *r, struct chain *c) {
    if (c->twin) return;
    if (!c->parent) {
        c->twin = r->recorded->root;
        return;
    }
    if (!c->fan->twin) find_twin_of_fan(c->fan);
    struct fan *f = c->fan->twin;
    for (size_t i = 0; f && i < f->children.count && !c->twin; i++) {
        struct chain *t = f->children.items[i];
        bool same = c->index >= 0 ? t->index == c->index : t->first && c->first && strcmp(t->first, c->first) == 0;
        if (same) c->twin = t;
    }
}

/* The recorded event that comes next in a chain of ours, when `position` of ours have happened. */
static struct event *recorded_at(const struct chain *c, size_t position) {
    size_t at = position - c->shift;
    return c->twin && at < c->twin->events.count ? c->twin->events.items[at] : NULL;
}

/* Whether the recorded chain may have ended before its end: with the history, with the execution, or because the branches
   beside it failed. */
static bool was_cut(const struct replay *r, const struct chain *recorded) {
    size_t n = recorded->events.count;
    if (n && recorded->events.items[n - 1]->role == EVENT_ITERATION_ENDED) return false;
    if (!r->recorded->complete) return true;
    for (const struct chain *c = recorded; c->fan; c = c->parent)
        if (!c->fan->succeeded) return true;
    return false;
}

static void skip_chain(struct chain *recorded);

static void skip_fan(struct fan *recorded) {
    for (size_t i = 0; i < recorded->children.count; i++) skip_chain(recorded->children.items[i]);
}

/* What has not happened again of a chain need not any more. As deep as the definition nests its states. */
static void skip_chain(struct chain *recorded) {
    for (size_t i = 0; i < recorded->events.count; i++)
        if (!recorded->events.items[i]->twin) recorded->events.items[i]->skipped = true;
    for (size_t i = 0; i < recorded->fans.count; i++) skip_fan(recorded->fans.items[i]);
}

/* The first event that a successful fan's children had and ours did not. */
static struct event *missing_in(const struct fan *recorded) {
    for (size_t i = 0; i < recorded->children.count; i++) {
        const struct chain *c = recorded->children.items[i];
        for (size_t k = 0; k < c->events.count; k++)
            if (!c->events.items[k]->twin && !c->events.items[k]->skipped) return c->events.items[k];
    }
    return NULL;
}

// ---------------------------------------------------------------- events of ours

/* Stopped from outside, which may have been at any time. */
static bool is_abort(const struct event *e) { return e->role == EVENT_END && strcmp(e->type, "ExecutionAborted") == 0; }

static bool is_answer(const struct event *e) {
    return e->role == EVENT_SUBMITTED || e->role == EVENT_SUCCEEDED || e->role == EVENT_FAILED || e->role == EVENT_REFUSED;
}

/* Whether `next` follows in its chain without anybody waiting, so that the clock can stand at its time already now. */
static bool follows_at_once(const struct event *e, const struct event *next) {
    if (next->time_ms < 0) return false;
    switch (e->role) {
    case EVENT_BEGIN:
    case EVENT_EXITED:
    case EVENT_ITERATION_STARTED:
    case EVENT_FAN_SUCCEEDED:
    case EVENT_SUCCEEDED:
    case EVENT_SCHEDULED: return true;
    case EVENT_ENTERED: return next->role != EVENT_EXITED || strncmp(e->type, "Wait", 4) != 0;
    case EVENT_FAN_FAILED:
    case EVENT_FAILED:
    case EVENT_REFUSED:
    case EVENT_TIMED_OUT:
    case EVENT_OTHER: return next->role == EVENT_EXITED || next->role == EVENT_END; /* not a retry's backoff */
    case EVENT_STARTED:
    case EVENT_SUBMITTED:
    case EVENT_FAN_STARTED:
    case EVENT_ITERATION_ENDED:
    case EVENT_ABORTED:
    case EVENT_END:
    case EVENT_REDRIVEN: break;
    }
    return false;
}

static bool same_type(const struct event *recorded, const struct event *again) {
    if (strcmp(recorded->type, again->type) == 0) return true;
    return recorded->role == EVENT_REFUSED && again->role == EVENT_FAILED; /* the same for the workflow */
}

static void matched(struct replay *r, struct event *recorded, struct event *again) {
    const struct recording *h = r->recorded;
    recorded->twin = again;
    again->twin = recorded;
    r->events++;
    r->idle = 0;
    r->states += again->role == EVENT_ENTERED;
    r->tasks += again->role == EVENT_SCHEDULED;
    struct chain *c = again->chain;
    struct fan *f = recorded->chain->fans.count ? recorded->chain->fans.items[recorded->chain->fans.count - 1] : NULL;
    struct fan *ours = c->fans.count ? c->fans.items[c->fans.count - 1] : NULL;
    if (again->role == EVENT_FAN_STARTED) {
        find_twin_of_fan(ours);
        f = ours->ordinal ? recorded->chain->fans.items[ours->ordinal - 1] : NULL; /* the attempt before */
        if (f) skip_fan(f);
    } else if (again->role == EVENT_FAN_FAILED && ours && ours->twin) {
        skip_fan(ours->twin);
    } else if (again->role == EVENT_FAN_SUCCEEDED && ours && ours->twin) {
        struct event *missing = missing_in(ours->twin);
        if (missing) diverge(r, missing, NULL, ours->is_map ? "the iteration ended earlier" : "the branch ended earlier");
    } else if (again->role == EVENT_END) {
        r->done = true;
    }
    while (r->cursor < h->events.count && (h->events.items[r->cursor]->twin || h->events.items[r->cursor]->skipped ||
                                           h->events.items[r->cursor]->role == EVENT_ABORTED))
        r->cursor++;
    if (r->cursor == h->events.count || is_abort(h->events.items[r->cursor])) {
        r->done = true;
        asl_execution_cut(r->execution); /* it might go on for ever */
    }
    struct event *next = recorded_at(c, again->position + 1);
    if (next && follows_at_once(recorded, next)) asl_engine_set_time(r->engine, next->time_ms);
}

static void check(struct replay *r, struct event *e) {
    struct chain *c = e->chain;
    find_twin(r, c);
    if (!c->twin) {
        const struct fan *f = c->fan->twin;
        if (f && f->succeeded)
            diverge(r, NULL, e, f->is_map ? "the history has no such iteration" : "the history has no such branch");
        return;
    }
    struct event *recorded = recorded_at(c, e->position);
    if (!recorded) {
        if (was_cut(r, c->twin)) return;
        diverge(r, NULL, e, c->fan ? c->fan->is_map ? "the iteration ended here" : "the branch ended here" : "the execution ended here");
        return;
    }
    if (is_abort(recorded)) {
        r->done = true;
        asl_execution_cut(r->execution);
        return;
    }
    if (recorded->role == EVENT_REFUSED && e->role == EVENT_STARTED) {
        c->shift++;
        return;
    }
    if (!same_type(recorded, e))
        diverge(r, recorded, e, "another event follows");
    else if (!comparison_events(&r->compare, recorded, e))
        diverge(r, recorded, e, NULL);
    else
        matched(r, recorded, e);
}

static void on_event(void *user, asl_execution *x, const char *json, size_t size) {
    struct replay *r = user;
    if (!r->execution) r->execution = x;
    if (x != r->execution || r->diverged || r->done) return; /* of another: children of a distributed Map have their own ids */
    struct event *e = recording_add(r->again, json, size);
    if (!e || e->role == EVENT_ABORTED) return;
    check(r, e);
}

// ---------------------------------------------------------------- the handler of all tasks

static _Thread_local struct replay *current; /* a handler is opened with a text only */

static int replay_open(asl_binding *binding, asl_str spec, void **state, char *message, size_t size) {
    (void)binding, (void)spec, (void)message, (void)size;
    *state = current;
    return 0;
}

static bool in_iteration(struct replay *r, const struct chain *c, const asl_task *task) {
    uint32_t depth;
    const uint32_t *indexes = chain_iteration(r->arena, c, &depth);
    return depth == task->iteration_depth && (depth == 0 || memcmp(indexes, task->iteration, depth * sizeof *indexes) == 0);
}

/* The chain of the task that is being started: the latest start of its state in its iteration. */
static struct chain *chain_of_task(struct replay *r, const asl_task *task) {
    for (size_t i = r->again->events.count; i > 0; i--) {
        const struct event *e = r->again->events.items[i - 1];
        if (e->role != EVENT_STARTED || !e->state || strcmp(e->state, task->state) != 0) continue;
        if (e->position + 1 == e->chain->events.count && in_iteration(r, e->chain, task)) return e->chain;
    }
    return NULL;
}

static void replay_start(asl_task *task) {
    struct replay *r = asl_binding_state(task->binding);
    struct chain *c = chain_of_task(r, task);
    if (!c && !r->diverged && !r->done) r->orphan = task->state;
    *vec_push(r->arena, &r->pending) = (struct pending){task, c};
}

static void forget(struct replay *r, const asl_task *task) {
    for (size_t i = 0; i < r->pending.count; i++) {
        if (r->pending.items[i].task != task) continue;
        r->pending.items[i] = r->pending.items[--r->pending.count];
        return;
    }
}

static void replay_cancel(asl_task *task) { forget(asl_binding_state(task->binding), task); }

static const asl_handler replay_handler = {.scheme = "replay", .open = replay_open, .start = replay_start, .cancel = replay_cancel};

// ---------------------------------------------------------------- what happens next

static struct event *answer_for(const struct pending *p) {
    struct event *e = p->chain ? recorded_at(p->chain, p->chain->events.count) : NULL;
    return e && is_answer(e) ? e : NULL;
}

/* The pending task whose answer was recorded first. */
static struct pending *next_answer(struct replay *r) {
    struct pending *best = NULL;
    for (size_t i = 0; i < r->pending.count; i++) {
        struct pending *p = &r->pending.items[i];
        struct event *e = answer_for(p);
        if (e && (!best || e->id < answer_for(best)->id)) best = p;
    }
    return best;
}

static void answer(struct replay *r, struct pending *p) {
    const struct event *e = answer_for(p);
    asl_task *task = p->task;
    if (e->time_ms >= 0) asl_engine_set_time(r->engine, e->time_ms);
    if (e->role == EVENT_SUBMITTED) {
        size_t before = p->chain->events.count;
        asl_task_submitted(task, event_payload(e, "output"));
        if (!r->diverged && p->chain->events.count == before) /* a Resource that answers once only */
            diverge(r, e, NULL, "the task's Resource does not say that it was submitted");
        return;
    }
    forget(r, task);
    if (e->role == EVENT_SUCCEEDED) asl_task_succeed(task, event_payload(e, "output"));
    else asl_task_fail(task, event_text(e, "error"), event_text(e, "cause"));
}

/* Events that come when a timer fires: the end of a wait, of a backoff, or of a time limit. */
static bool is_of_timer(const struct event *e) {
    return e->role == EVENT_SCHEDULED || e->role == EVENT_TIMED_OUT || e->role == EVENT_FAN_STARTED || e->role == EVENT_EXITED ||
           e->role == EVENT_END;
}

/* False: there is no timer. */
static bool pass_time(struct replay *r, const struct event *next) {
    int64_t due = asl_engine_next_timer(r->engine);
    if (due < 0) return false;
    asl_engine_set_time(r->engine, is_of_timer(next) && next->time_ms > due ? next->time_ms : due);
    /* A task that was answered had sent the heartbeats it needed; they are not events. */
    for (size_t i = 0; i < r->pending.count; i++)
        if (answer_for(&r->pending.items[i])) asl_task_heartbeat(r->pending.items[i].task);
    return ++r->idle < IDLE_MAX;
}

/* Nothing is ready. False: nothing will be. */
static bool go_on(struct replay *r) {
    if (r->cursor == r->recorded->events.count) return false;
    const struct event *next = r->recorded->events.items[r->cursor];
    if (is_abort(next)) return false;
    struct pending *p = next_answer(r);
    if (p && (answer_for(p) == next || !is_of_timer(next))) {
        answer(r, p);
        return true;
    }
    if (!p && r->orphan) return false; /* what happens next would be the answer of a task that nobody recorded */
    if (pass_time(r, next)) return true;
    if (!p) return false;
    answer(r, p);
    return true;
}

static const struct pending *waiting_task(const struct replay *r) {
    for (size_t i = 0; i < r->pending.count; i++)
        if (r->pending.items[i].chain) return &r->pending.items[i];
    return NULL;
}

/* The run stands still or has ended, and the history goes on. */
static void check_rest(struct replay *r) {
    if (r->diverged || r->done || r->cursor == r->recorded->events.count || r->orphan) return;
    const struct event *next = r->recorded->events.items[r->cursor];
    if (is_abort(next)) return;
    const struct pending *p = waiting_task(r);
    const char *what = "nothing more happens";
    if (p) what = arena_format(r->arena, "nothing happens: the task of state \"%s\" has no answer", p->task->state);
    diverge(r, next, NULL, what);
}

static void run(struct replay *r) {
    while (asl_engine_run(r->engine, ASL_RUN_READY) > 0 && !r->diverged && !r->done)
        if (!go_on(r)) break;
    check_rest(r);
}

// ---------------------------------------------------------------- setting up

/* Everything recorded that is data: input and results. */
static void gather(struct replay *r, const struct aslc_unit *u) {
    struct comparison *c = &r->compare;
    comparison_data(c, u->source->text); /* what the definition says is not made up either */
    for (size_t i = 0; i < r->recorded->events.count; i++) {
        const struct event *e = r->recorded->events.items[i];
        if (e->role == EVENT_BEGIN || is_answer(e)) comparison_event_data(c, e);
    }
}

static bool within_limits(const struct recording *h) {
    static const char *const keys[] = {"input", "output", "parameters"};
    if (h->events.count > SERVICE_EVENTS) return false;
    for (size_t i = 0; i < h->events.count; i++)
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            const asl_value *v = event_member(h->events.items[i], keys[k]);
            if (v && v->tag == ASL_STRING && asl_text_of(v).size > SERVICE_PAYLOAD) return false;
        }
    return true;
}

/* Names of ours that stand for recorded ones which nobody has told us. */
static void note_names(struct replay *r) {
    struct comparison *c = &r->compare;
    const struct event *started = r->again->events.count ? r->again->events.items[0] : NULL;
    const asl_value *role = started ? event_member(started, "roleArn") : NULL;
    if (role && role->tag == ASL_STRING) *vec_push(r->arena, &c->ours) = asl_text_of(role);
    if (r->recorded->arn) return;
    const char *arn = asl_execution_arn(r->execution);
    *vec_push(r->arena, &c->ours) = asl_str_z(arena_copy(r->arena, arn, strlen(arn)));
    const char *name = asl_execution_name(r->execution);
    *vec_push(r->arena, &c->ours) = asl_str_z(arena_copy(r->arena, name, strlen(name)));
    /* arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME gives …:stateMachine:MACHINE */
    const char *kind = strstr(arn, r->recorded->express ? ":express:" : ":execution:");
    const char *machine = kind ? strchr(kind + 1, ':') : NULL, *end = machine ? strchr(machine + 1, ':') : NULL;
    if (!end) return;
    *vec_push(r->arena, &c->ours) = asl_str_z(arena_format(r->arena, "%.*s:stateMachine%.*s", (int)(kind - arn), arn, (int)(end - machine), machine));
}

static int start(struct replay *r, struct aslc_unit *u) {
    const asl_bind bind = {"*", "replay:"};
    const asl_handler *const handlers[] = {&replay_handler};
    const struct recording *h = r->recorded;
    const struct event *first = h->events.items[0];
    char message[1024];
    if (h->region && *h->region) setenv("AWS_REGION", h->region, 1);
    if (h->account && *h->account) setenv("AWS_ACCOUNT_ID", h->account, 1);
    asl_engine_options o = {
        .virtual_clock = true,
        .strict_aws = within_limits(h),
        .express = h->express,
        .seeded = true,
        .start_time_ms = first->time_ms > 0 ? first->time_ms : 0,
        .binds = &bind,
        .bind_count = 1,
        .handlers = handlers,
        .handler_count = 1,
        .on_event = on_event,
        .on_event_user = r,
    };
    current = r;
    r->engine = asl_engine_new(aslc_interpret(u), &o, message, sizeof message);
    current = NULL;
    if (!r->engine) {
        fprintf(stderr, "aslc: %s\n", message);
        return -1;
    }
    asl_execution_start(r->engine, event_payload(first, "input"), h->name);
    note_names(r);
    return 0;
}

// ---------------------------------------------------------------- where it is in the definition

static const struct ast_state *state_named(const struct aslc_unit *u, const char *name) {
    for (size_t i = 0; u->ast && name && i < u->ast->all_count; i++)
        if (strcmp(u->ast->all[i]->name, name) == 0) return u->ast->all[i];
    return NULL;
}

/* The fields that decide about a member of the details, the likeliest first. */
static const struct { enum event_role role; const char *member; const char *fields[7]; } deciders[] = {
    {EVENT_SCHEDULED, "parameters", {"Arguments", "Parameters", "InputPath"}},
    {EVENT_SCHEDULED, "input", {"Arguments", "Parameters", "InputPath"}},
    {EVENT_SCHEDULED, "resource", {"Resource"}},
    {EVENT_SCHEDULED, "resourceType", {"Resource"}},
    {EVENT_SCHEDULED, "timeoutInSeconds", {"TimeoutSeconds", "TimeoutSecondsPath"}},
    {EVENT_SCHEDULED, "heartbeatInSeconds", {"HeartbeatSeconds", "HeartbeatSecondsPath"}},
    {EVENT_SCHEDULED, "taskCredentials", {"Credentials"}},
    {EVENT_EXITED, "output", {"Output", "ResultSelector", "Result", "Parameters", "ResultPath", "OutputPath", "InputPath"}},
    {EVENT_EXITED, "assignedVariables", {"Assign"}},
    {EVENT_FAN_STARTED, "length", {"Items", "ItemsPath", "InputPath"}},
    {EVENT_END, "error", {"Error", "ErrorPath"}},
    {EVENT_END, "cause", {"Cause", "CausePath"}},
};

/* Fields of the Map or Parallel that make the input of an iteration or branch. */
static const char *const of_children[] = {"ItemSelector", "Arguments", "Parameters", "Items", "ItemsPath", "InputPath", NULL};
static const char *const of_transition[] = {"Next", "Choices", "Default", "End", NULL};

static const asl_doc *field_of(const struct ast_state *s, const char *const *names, size_t count) {
    for (size_t i = 0; i < count && names[i]; i++) {
        const asl_doc *d = asl_doc_get(s->node, names[i]);
        if (d) return d;
    }
    return s->node;
}

/* The state that was left last before an event of its chain, or NULL. */
static const char *left_before(const struct event *e) {
    for (size_t i = e->position; i > 0; i--)
        if (e->chain->events.items[i - 1]->role == EVENT_EXITED) return e->chain->events.items[i - 1]->state;
    return NULL;
}

static bool is_failure(const struct event *e) {
    return e->role == EVENT_FAILED || e->role == EVENT_REFUSED || e->role == EVENT_TIMED_OUT || e->role == EVENT_FAN_FAILED ||
           strcmp(e->type, "EvaluationFailed") == 0;
}

/* Where another event follows: the transition, or what is done about an error. */
static const asl_doc *place_of_order(const struct aslc_unit *u, const struct event *e) {
    static const char *const of_error[] = {"Retry", "Catch", NULL}, *const of_catch[] = {"Catch"};
    const struct chain *c = e->chain;
    const struct event *before = e->position > 0 && e->position <= c->events.count ? c->events.items[e->position - 1] : NULL;
    const char *left = before && before->role == EVENT_EXITED ? before->state : NULL;
    const struct ast_state *from = state_named(u, left);
    if (from && before->position > 0 && is_failure(c->events.items[before->position - 1])) return field_of(from, of_catch, 1);
    if (from) return field_of(from, of_transition, 4);
    const struct ast_state *s = state_named(u, e->state ? e->state : left_before(e));
    if (!s) s = state_named(u, left_before(e));
    if (!s) return NULL;
    return before && is_failure(before) ? field_of(s, of_error, 2) : s->node;
}

/* The node the difference comes from, or NULL. */
static const asl_doc *place_of(const struct replay *r, const struct aslc_unit *u) {
    const struct event *e = r->again_event ? r->again_event : r->recorded_event;
    const struct chain *c = e->chain;
    if (r->what) return place_of_order(u, e);
    if (e->role == EVENT_ENTERED && strcmp(strrchr(r->compare.pointer, '/'), "/name") == 0) return place_of_order(u, e);
    const struct ast_state *s = state_named(u, e->state ? e->state : left_before(e));
    if (!s) return NULL;
    bool begins_child = e->role == EVENT_ENTERED && c->fan && e->position <= 1;
    const struct ast_state *fan = begins_child ? state_named(u, c->fan->state) : NULL;
    if (fan) return field_of(fan, of_children, 6);
    for (size_t i = 0; i < sizeof deciders / sizeof *deciders; i++) {
        char member[64];
        int n = snprintf(member, sizeof member, "/%s", deciders[i].member);
        const char *at = deciders[i].role == e->role ? strstr(r->compare.pointer, member) : NULL;
        if (at && (at[n] == 0 || at[n] == '/')) return field_of(s, deciders[i].fields, 7);
    }
    return s->node;
}

// ---------------------------------------------------------------- the report

static void add_event(asl_buffer *b, const struct event *e) {
    if (!e) {
        asl_buffer_z(b, "nothing");
        return;
    }
    asl_buffer_format(b, "event %llu, %s", (unsigned long long)e->id, e->type);
    if (e->state) asl_buffer_format(b, " of state \"%s\"", e->state);
    uint32_t depth = 0;
    for (const struct chain *c = e->chain; c; c = c->parent)
        if (c->index >= 0) asl_buffer_format(b, "%s %lld", depth++ ? " of" : ", iteration", (long long)c->index);
    static const char *const keys[] = {"error", "cause"};
    for (size_t i = 0; i < 2; i++) {
        asl_value v = event_text(e, keys[i]);
        if (v.tag == ASL_STRING) {
            asl_str s = asl_text_of(&v);
            asl_buffer_format(b, ": %.*s%s", (int)(s.size < 300 ? s.size : 300), s.data, s.size < 300 ? "" : "…");
        }
        asl_release(v);
    }
}

static void add_value(asl_buffer *b, const asl_value *v) {
    if (v->tag == ASL_NONE) {
        asl_buffer_z(b, "absent");
        return;
    }
    asl_buffer text = {0};
    asl_json_print(v, &text);
    size_t n = text.size;
    if (n > SHOWN_MAX) {
        n = SHOWN_MAX;
        while (n && ((unsigned char)text.data[n] & 0xc0) == 0x80) n--;
    }
    asl_buffer_add(b, text.data, n);
    if (n < text.size) asl_buffer_format(b, "… (%zu bytes)", text.size);
    asl_buffer_free(&text);
}

static const char *title(const struct replay *r) {
    if (r->what) return r->what;
    const char *member = strrchr(r->compare.pointer, '/');
    const struct event *e = r->again_event;
    if (e->role == EVENT_ENTERED && strcmp(member, "/name") == 0) return "another state follows";
    return "the event is not the same";
}

/* The source line with the key under a caret. */
static void add_line(asl_buffer *b, const struct source *s, const asl_doc *node, uint32_t line, uint32_t column) {
    asl_str text = source_line(s, line);
    asl_span span = source_file_span(s, node->key.size ? node->key_span : node->span);
    size_t width = span.end - span.start, from = 0;
    if (text.size > 160 && column > 80) from = column - 80;
    while (from && from < text.size && ((unsigned char)text.data[from] & 0xc0) == 0x80) from--;
    size_t to = text.size - from > 160 ? from + 160 : text.size;
    if (column - 1 + width > to) width = to > column - 1 ? to - (column - 1) : 1;
    asl_buffer_format(b, "%5u | %.*s\n      | ", line, (int)(to - from), text.data + from);
    for (size_t i = from; i + 1 < column; i++)
        if (((unsigned char)text.data[i] & 0xc0) != 0x80) asl_buffer_byte(b, text.data[i] == '\t' ? '\t' : ' ');
    asl_buffer_byte(b, '^');
    for (size_t i = 1; i < width; i++)
        if (((unsigned char)text.data[column - 1 + i] & 0xc0) != 0x80) asl_buffer_byte(b, '~');
    asl_buffer_byte(b, '\n');
}

static void position(const struct aslc_unit *u, const asl_doc *node, uint32_t *line, uint32_t *column) {
    source_position(u->source, node->key.size ? node->key_span.start : node->span.start, line, column);
}

static void report_text(const struct replay *r, const struct aslc_unit *u, bool colour, asl_buffer *b) {
    const asl_doc *node = place_of(r, u);
    uint32_t line = 1, column = 1;
    const char *bold = colour ? "\x1b[1m" : "", *red = colour ? "\x1b[1;31m" : "", *plain = colour ? "\x1b[0m" : "";
    asl_buffer_format(b, "%s%s", bold, u->source->path);
    if (node) {
        position(u, node, &line, &column);
        asl_buffer_format(b, ":%u:%u", line, column);
    }
    asl_buffer_format(b, ":%s %sdivergence:%s %s%s%s\n", plain, red, plain, bold, title(r), plain);
    if (node) add_line(b, u->source, node, line, column);
    asl_buffer_z(b, "recorded: ");
    add_event(b, r->recorded_event);
    asl_buffer_z(b, "\nreplayed: ");
    add_event(b, r->again_event);
    asl_buffer_byte(b, '\n');
    if (r->what) return;
    asl_buffer_format(b, "at %s\n  recorded: ", r->compare.pointer);
    add_value(b, &r->compare.recorded);
    asl_buffer_z(b, "\n  replayed: ");
    add_value(b, &r->compare.again);
    asl_buffer_byte(b, '\n');
}

/* What the summary must say beside its figures, or NULL. */
static const char *reservation(const struct replay *r) {
    const struct recording *h = r->recorded;
    if (r->orphan)
        return arena_format(r->arena, "up to a distributed Map whose children run the task \"%s\": their histories are their own", r->orphan);
    if (h->redrives) return "up to the first redrive";
    if (!h->complete) return "up to where the history ends";
    if (is_abort(h->events.items[h->events.count - 1])) return "up to where it was stopped";
    return NULL;
}

static void summary_text(const struct replay *r, asl_buffer *b) {
    const char *but = reservation(r);
    asl_buffer_format(b, "%s: no divergence in %zu event%s, %zu state%s, %zu task%s%s%s\n", r->recorded->path, r->events,
                      r->events == 1 ? "" : "s", r->states, r->states == 1 ? "" : "s", r->tasks, r->tasks == 1 ? "" : "s",
                      but ? ", " : "", but ? but : "");
}

static asl_value put(asl_value o, const char *key, asl_value v) { return asl_object_put(o, asl_str_z(key), v); }

static asl_value event_value(const struct event *e) {
    if (!e) return asl_null();
    asl_value o = asl_object_new(5);
    o = put(o, "id", asl_int((int64_t)e->id));
    o = put(o, "type", asl_string_z(e->type));
    if (e->state) o = put(o, "state", asl_string_z(e->state));
    uint32_t depth = 0;
    asl_value iteration = asl_array_new(0);
    struct arena *a = arena_new();
    const uint32_t *indexes = chain_iteration(a, e->chain, &depth);
    for (uint32_t i = 0; i < depth; i++) iteration = asl_array_push(iteration, asl_int(indexes[i]));
    arena_free(a);
    if (depth) o = put(o, "iteration", iteration);
    else asl_release(iteration);
    if (e->details.tag == ASL_OBJECT) o = put(o, "details", asl_retain(e->details));
    return o;
}

static asl_value divergence_value(const struct replay *r, const struct aslc_unit *u) {
    const asl_doc *node = place_of(r, u);
    asl_value o = asl_object_new(10);
    o = put(o, "message", asl_string_z(title(r)));
    o = put(o, "file", asl_string_z(u->source->path));
    if (node) {
        uint32_t line, column;
        asl_buffer pointer = {0};
        position(u, node, &line, &column);
        asl_doc_pointer(node, &pointer);
        o = put(o, "line", asl_int(line));
        o = put(o, "column", asl_int(column));
        o = put(o, "definitionPointer", asl_string((asl_str){pointer.data, pointer.size}));
        asl_buffer_free(&pointer);
    }
    o = put(o, "recorded", event_value(r->recorded_event));
    o = put(o, "replayed", event_value(r->again_event));
    if (r->what) return o;
    o = put(o, "pointer", asl_string_z(r->compare.pointer));
    if (r->compare.recorded.tag != ASL_NONE) o = put(o, "recordedValue", asl_retain(r->compare.recorded));
    if (r->compare.again.tag != ASL_NONE) o = put(o, "replayedValue", asl_retain(r->compare.again));
    return o;
}

static void report_json(const struct replay *r, const struct aslc_unit *u, asl_buffer *b) {
    const char *but = reservation(r);
    asl_value o = asl_object_new(6);
    o = put(o, "history", asl_string_z(r->recorded->path));
    o = put(o, "divergence", r->diverged ? divergence_value(r, u) : asl_null());
    o = put(o, "events", asl_int((int64_t)r->events));
    o = put(o, "states", asl_int((int64_t)r->states));
    o = put(o, "tasks", asl_int((int64_t)r->tasks));
    if (but) o = put(o, "reservation", asl_string_z(but));
    asl_json_print(&o, b);
    asl_buffer_byte(b, '\n');
    asl_release(o);
}

// ---------------------------------------------------------------- the command

struct replay_options {
    aslc_options compile;
    VEC(aslc_define) defines;
    VEC(const char *) ignored;
    const char *definition, *history, *execution, *format, *type;
    int colour; /* -1: auto */
};

static int usage_error(const char *format, const char *what) {
    fputs("aslc replay: ", stderr);
    fprintf(stderr, format, what); // every format is a literal of ours with one %s
    fputs("\nTry 'aslc help replay'.\n", stderr);
    return BAD;
}

static int add_define(struct arena *a, struct replay_options *o, const char *text) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) return usage_error("-D takes NAME=VALUE, not \"%s\"", text);
    aslc_define *d = vec_push(a, &o->defines);
    d->name = arena_copy(a, text, (size_t)(equals - text));
    d->value = equals + 1;
    return OK;
}

static int add_definitions(struct arena *a, struct replay_options *o, const char *path) {
    aslc_define *defines;
    size_t count;
    if (driver_definitions(a, path, &defines, &count) < 0) return BAD;
    for (size_t i = 0; i < count; i++) *vec_push(a, &o->defines) = defines[i];
    return OK;
}

static int add_ignored(struct arena *a, struct replay_options *o, const char *pointer) {
    if (*pointer != '/') return usage_error("--ignore takes a JSON pointer that begins with /, not \"%s\"", pointer);
    *vec_push(a, &o->ignored) = pointer;
    return OK;
}

static int add_ignore_file(struct arena *a, struct replay_options *o, const char *path) {
    const char *message;
    struct source *s = source_read(a, path, &message);
    if (!s) {
        fprintf(stderr, "aslc: %s\n", message);
        return BAD;
    }
    for (uint32_t i = 1; i <= s->lines.count; i++) {
        asl_str line = source_line(s, i);
        if (line.size && add_ignored(a, o, arena_copy(a, line.data, line.size)) != OK) return BAD;
    }
    return OK;
}

static int set_option(struct arena *a, struct replay_options *o, const char *name, const char *value) {
    if (strcmp(name, "-D") == 0) return add_define(a, o, value);
    if (strcmp(name, "--definitions") == 0) return add_definitions(a, o, value);
    if (strcmp(name, "--ignore") == 0) return add_ignored(a, o, value);
    if (strcmp(name, "--ignore-file") == 0) return add_ignore_file(a, o, value);
    if (strcmp(name, "--execution") == 0) o->execution = value;
    if (strcmp(name, "--name") == 0) o->compile.name = value;
    if (strcmp(name, "--format") == 0) {
        o->format = value;
        if (strcmp(value, "text") != 0 && strcmp(value, "json") != 0) return usage_error("--format is text or json, not \"%s\"", value);
    }
    if (strcmp(name, "--type") == 0) {
        o->type = value;
        if (strcmp(value, "standard") != 0 && strcmp(value, "express") != 0)
            return usage_error("--type is standard or express, not \"%s\"", value);
    }
    if (strcmp(name, "--color") == 0) {
        o->colour = strcmp(value, "always") == 0 ? 1 : strcmp(value, "never") == 0 ? 0 : -1;
        if (o->colour < 0 && strcmp(value, "auto") != 0) return usage_error("--color is auto, always or never, not \"%s\"", value);
    }
    return OK;
}

static int parse(struct arena *a, int argc, char **argv, struct replay_options *o) {
    static const char *const valued[] = {"-D",     "--definitions", "--ignore", "--ignore-file", "--execution",
                                         "--name", "--format",      "--type",   "--color"};
    for (int i = 0; i < argc; i++) {
        bool taken = false;
        for (size_t k = 0; k < sizeof valued / sizeof *valued && !taken; k++) {
            size_t n = strlen(valued[k]);
            bool is_short = n == 2;
            if (strncmp(argv[i], valued[k], n) != 0 || (argv[i][n] && argv[i][n] != '=' && !is_short)) continue;
            const char *value = argv[i][n] == 0 ? NULL : is_short ? argv[i] + n : argv[i] + n + 1;
            if (!value && ++i == argc) return usage_error("%s needs a value", valued[k]);
            if (set_option(a, o, valued[k], value ? value : argv[i]) != OK) return BAD;
            taken = true;
        }
        if (taken) continue;
        if (argv[i][0] == '-' && argv[i][1]) return usage_error("there is no option %s", argv[i]);
        if (!o->definition) o->definition = argv[i];
        else if (!o->history) o->history = argv[i];
        else return usage_error("one definition and one history; what is \"%s\"?", argv[i]);
    }
    if (!o->definition) return usage_error("%s", "which definition?");
    return o->history ? OK : usage_error("%s", "which history? Name it behind the definition");
}

static bool use_colour(const struct replay_options *o, int stream) {
    return o->colour >= 0 ? o->colour : isatty(stream) && !getenv("NO_COLOR");
}

static int complain(const struct recording *h, const char *message) {
    fprintf(stderr, "%s: error: %s\n", h->path, message);
    return BAD;
}

static struct aslc_unit *compile(struct replay_options *o, const struct recording *h) {
    const char *message = NULL;
    o->compile.defines = o->defines.items;
    o->compile.define_count = o->defines.count;
    o->compile.express = o->type ? strcmp(o->type, "express") == 0 : h->express;
    if (!o->compile.name) o->compile.name = h->machine;
    struct aslc_unit *u = driver_compile(o->definition, NULL, &o->compile, false, &message);
    if (!u) {
        fprintf(stderr, "aslc: %s\n", message);
        return NULL;
    }
    if (u->plan) return u; // its warnings are for who writes it
    diag_print(&u->diag, DIAG_TEXT, use_colour(o, STDERR_FILENO), stderr);
    aslc_unit_free(u);
    return NULL;
}

static int print_report(const struct replay *r, const struct aslc_unit *u, const struct replay_options *o) {
    asl_buffer out = {0};
    if (o->format && strcmp(o->format, "json") == 0) report_json(r, u, &out);
    else if (r->diverged) report_text(r, u, use_colour(o, STDOUT_FILENO), &out);
    else summary_text(r, &out);
    bool written = fwrite(out.data, 1, out.size, stdout) == out.size && fflush(stdout) == 0;
    asl_buffer_free(&out);
    if (!written) fprintf(stderr, "aslc: cannot write: %s\n", strerror(errno));
    return !written ? BAD : r->diverged ? DIVERGED : OK;
}

static int replay(struct arena *a, struct replay_options *o) {
    struct recording *h = recording_read(a, o->history, o->execution);
    if (!h) return BAD;
    if (!h->has_data) return complain(h, "it was recorded without execution data, so there is no input to begin with");
    if (!h->arn && o->execution && strncmp(o->execution, "arn:", 4) == 0 && !recording_set_arn(h, o->execution))
        return usage_error("--execution takes an execution's ARN or name, not \"%s\"", o->execution);
    struct aslc_unit *u = compile(o, h);
    if (!u) return BAD;
    struct replay r = {.arena = a, .recorded = h, .again = recording_new(a), .compare = {.arena = a}};
    for (size_t i = 0; i < o->ignored.count; i++) *vec_push(a, &r.compare.ignored) = o->ignored.items[i];
    gather(&r, u);
    int rc = BAD;
    if (start(&r, u) == 0) {
        run(&r);
        rc = print_report(&r, u, o);
        r.done = true; // what is stopped now tells so too
        asl_execution_free(r.execution);
        asl_engine_free(r.engine);
    }
    comparison_clear(&r.compare);
    aslc_unit_free(u);
    return rc;
}

int cmd_replay(int argc, char **argv) {
    struct arena *a = arena_new();
    struct replay_options o = {.colour = -1};
    int rc = parse(a, argc, argv, &o);
    if (rc == OK) rc = replay(a, &o);
    arena_free(a);
    return rc;
}
