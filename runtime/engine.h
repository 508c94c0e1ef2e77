// Private to the engine: the loop, its executions, their frames, and what frames wait for.
//
//     asl_engine ──► executions ──► root frame ──► fanout (Parallel, Map) ──► child frames ──► …
//         │                             └──► task | timer              one frame waits for one thing at a time
//         ├── ready queue of frames: step it, start its task, or take its task's answer
//         ├── heap of timers: waits, backoffs, timeouts, heartbeats, deadlines
//         └── uv loop, made when a handler must wait for something outside
//
// What each file does: image.c decodes the program's image; clock.c time and the timers; frame.c frames, the ready queue,
// errors and what follows a step; context.c the Context object; task.c, retry.c, wait.c, fanout.c what the waiting states
// need; rt.c the entries of compiled code that do not wait; execution.c an execution's beginning and end; engine.c
// bindings and the loop; loop.c the uv loop; expression.c the JSONata of states.
#ifndef ASL_ENGINE_H
#define ASL_ENGINE_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "aslc/handler.h"
#include "aslc/path.h"
#include "aslc/program.h"
#include "aslc/runtime.h"
#include "aslc/value.h"
#include "query.h"
#include "hot.h"
#include "rt.h"

/* A broken invariant of ours, never something a user can do. */
#define asl_assert(condition)                                                                                          \
    ((condition) ? (void)0 : asl__assert_failed(#condition, __FILE__, __LINE__))
_Noreturn void asl__assert_failed(const char *condition, const char *file, int line);

/* What is lent for a moment belongs to the thread that an engine runs in. Executables for musl have no other engines, and room
   for a hundred bytes of all threads' own: more would be mapped at their start. */
#ifdef ASLC_MUSL
#define ASL__OF_THREAD static
#else
#define ASL__OF_THREAD static _Thread_local
#endif

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

// ---------------------------------------------------------------- events

enum state_kind {
#define STATE(id, name) STATE_##id,
#include "events.def"
#undef STATE
    STATE_KINDS
};

enum event {
#define EVENT(id, name, details) EVENT_##id,
#include "events.def"
#undef EVENT
    EVENT_COUNT
};

/* Counts an event of the execution: its id. observe.h tells it. */
static inline uint64_t asl__event(asl_execution *x);

struct asl_observer;

// ---------------------------------------------------------------- the image, decoded (image.c)

struct image_path {
    asl_value text;
    asl_path *path; /* parsed on first use */
};

struct image_state {
    asl_value name;
    const char *name_z;
    enum state_kind kind;
};

struct image_capture {
    uint32_t slot, parent_slot;
};

struct machine {
    const char *name; /* "/", "/P.0", "/M" */
    asl_step *step;
    uint32_t slots;
    uint32_t capture_count;
    struct image_capture *captures;
    struct frame *pool; /* frames of this machine ready for reuse */
    bool waits; /* has a state that hands its work to others: Task, Wait, Parallel, Map */
};

struct matcher { /* an ErrorEquals */
    asl_value *names;
    size_t count;
};

struct retrier {
    struct matcher errors;
    double interval_seconds, rate;
    int64_t max_attempts, max_delay_seconds; /* 0: no maximum delay */
    bool jitter;
};

enum site_kind { SITE_TASK, SITE_PARALLEL, SITE_MAP, SITE_WAIT };
enum resource_kind { RESOURCE_TASK, RESOURCE_LAMBDA, RESOURCE_ACTIVITY }; /* which family of events it has */

struct site {
    enum site_kind kind;
    uint32_t state;
    const struct retrier *retriers;
    size_t retrier_count;
    const struct matcher *catchers;
    size_t catcher_count;
    /* task */
    const char *resource;
    enum resource_kind resource_kind;
    bool is_arn, has_token, submits;
    bool callback; /* .waitForTaskToken: with a journal the answer comes with the token alone */
    bool jsonata; /* values come from expressions, not paths */
    const char *limit_name;  /* what States.DataLimitExceeded calls it: "lambda", or the function's ARN */
    const char *service, *action; /* events: resourceType and resource; the ARN of a function or activity is its action */
    asl_binding *binding;    /* NULL: a service that nothing is bound to */
    bool mocked;
    /* texts for messages; NULL when the field has no …Path form */
    const char *timeout_path, *heartbeat_path, *seconds_path, *timestamp_path;
    const char *max_concurrency_path, *tolerated_count_path, *tolerated_percentage_path, *items_path;
    int64_t timeout_seconds, heartbeat_seconds; /* 0: none */
    /* parallel, map */
    const uint32_t *machines;
    size_t machine_count;
    int64_t max_concurrency;
    bool tolerates_count, tolerates_percentage;
    int64_t tolerated_count;
    double tolerated_percentage;
    bool distributed, express_children;
    bool item_selector; /* iterations count as started when asl_rt_item says so */
    const char *child_machine; /* distributed: "machine/label", what the children's ARNs name */
    struct {
        uint64_t child_ns;      /* what a child took when it was last measured */
        uint32_t skip, backoff; /* visits that are not measured, because earlier ones were short … */
        size_t count;           /* … with so many children */
    } spread; /* threads.c */
};

struct image_binding {
    const char *pattern, *handler;
    uint32_t thunk; /* ASL_NO_OPERAND: none */
};

struct image {
    asl_value root; /* owns the constants and all texts */
    struct block *blocks; /* tables and NUL-terminated names */
    const char *name;
    bool express;
    int64_t timeout_seconds; /* 0: none */
    uint32_t constant_count, path_count, state_count, machine_count, site_count, binding_count;
    const asl_value **constants;
    asl_text **keys; /* constants as object keys, made on first use */
    struct image_path *paths;
    struct image_state *states;
    struct machine *machines;
    struct site *sites;
    struct image_binding *bindings;
    uint32_t most_retriers; /* of any site: the counters a frame needs */
    struct asl_hot_cache *caches; /* of the quiet machines' member accesses */
    uint32_t cache_count;
    uint32_t quiet; /* machine N + quiet is machine N for executions that nobody watches; 0: there are none */
};

/* 0, or -1 with a message. */
int asl__image_decode(struct image *image, const asl_program *program, char *message, size_t message_size);
void asl__image_free(struct image *image);
const asl_path *asl__image_path(struct image *image, uint32_t p);
asl_text *asl__image_key(struct image *image, uint32_t k);

// ---------------------------------------------------------------- time (clock.c)

struct timer {
    int64_t due_ms;
    uint64_t order;    /* of creation: breaks ties */
    uint32_t position; /* in the heap, from 1; 0: not running */
    struct timer *prev, *next; /* in the list */
    void (*fire)(struct timer *timer);
};

struct clock {
    bool is_virtual;
    int64_t now_ms;    /* since 1970; the loop's idea of now, renewed every turn */
    int64_t offset_ms; /* real: between the monotonic clock and 1970 */
    uint64_t created;
    struct timer *first, *last; /* those that came in order */
    struct timer **heap;        /* those that did not */
    uint32_t count, capacity;
};

void asl__clock_init(struct clock *c, bool is_virtual, int64_t start_ms);
void asl__clock_free(struct clock *c);
void asl__clock_read(struct clock *c); /* real only */
static inline void asl__clock_update(struct clock *c) {
    if (!c->is_virtual) asl__clock_read(c);
}
void asl__timer_start(struct clock *c, struct timer *t, int64_t due_ms, void (*fire)(struct timer *));
void asl__timer_remove(struct clock *c, struct timer *t); /* it runs */
static inline void asl__timer_stop(struct clock *c, struct timer *t) {
    if (t->position) asl__timer_remove(c, t);
}
struct timer *asl__timer_next(const struct clock *c);   /* the earliest, or NULL */
/* One after the other in no order; NULL before the first and after the last. */
const struct timer *asl__timer_any(const struct clock *c, const struct timer *before);
bool asl__timers_fire(struct clock *c); /* all that are due now, in order; whether there were any */

// ---------------------------------------------------------------- errors

struct failure {
    asl_value error, cause; /* strings, or ASL_NONE */
    uint32_t state;         /* where it arose */
    bool heartbeat;         /* a States.Timeout that States.HeartbeatTimeout matches too */
};

/* States.Runtime: never retried, never caught, ends the whole execution. */
bool asl__failure_is_runtime(const struct failure *failure);

/* Each sets the frame's error and returns 1. Values are moved in; the prefix is "An error occurred while executing the
   state 'S' (entered at the event id #N). " (aws-observed-behaviour 2.1). */
int32_t asl__raise(struct frame *f, asl_value error, asl_value cause);
int32_t asl__raise_prefixed(struct frame *f, const char *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int32_t asl__raise_buffer(struct frame *f, const char *error, asl_buffer *text); /* prefixed; frees text */
/* States.QueryEvaluationError with this cause after the prefix, and its event; frees text. location: the field, or NULL. */
int32_t asl__raise_query(struct frame *f, asl_buffer *text, const asl_value *location);

/* States.DataLimitExceeded, without the prefix, when v is too large under --strict-aws (aws-observed-behaviour 2.5). */
int32_t asl__check_size(struct frame *f, const asl_value *v, asl_str name);

/* Variables: States.DataLimitExceeded when v as the i-th of an Assign takes more than they may, under --strict-aws. */
int32_t asl__check_variable(struct frame *f, const asl_value *v, uint32_t i, uint32_t name);
void asl__forget_variables(struct frame *f);
void asl__note_assigned(struct frame *f, const asl_value *v, uint32_t i, uint32_t name);
void asl__forget_assigned(struct frame *f);

// ---------------------------------------------------------------- frames (frame.c)

enum ready_kind { READY_NOT, READY_STEP, READY_START, READY_ANSWER, READY_HELD /* to be started once the journal has it */ };

/* What an execution has counted, to be able to forget what came after. */
struct counts {
    uint64_t events, transitions;
    int64_t now_ms; /* of the virtual clock */
    uint32_t polls;
};

struct frame {
    asl_frame head; /* what compiled code sees; must be first */
    asl_execution *execution;
    struct fanout *up;         /* the Parallel or Map that started it; NULL at the root of an execution */
    uint32_t index;            /* branch or item */
    struct frame *next, *prev; /* siblings, in order of start */
    struct frame *ready_next, *ready_prev;
    enum ready_kind ready;
    uint32_t made_for;   /* the machine that it has the slots of; head.machine is another when a quiet one gave up */
    uint32_t generation; /* counts what it has waited for: an answer to an earlier wait is dropped */

    /* what it has told; kept while somebody listens */
    uint64_t last;   /* id of the last event of its chain: what the next one points at */
    uint64_t before; /* … before it entered the state it is in */
    struct assigned_variable *assigned; /* by the state being left, for its Exited event */
    size_t assigned_count, assigned_room;

    /* the visit of a state */
    int64_t entered_ms;
    uint32_t retry_count;  /* all retriers together: $$.State.RetryCount */
    bool open;             /* entered and not exited */
    bool stepped;          /* has had its first turn */
    bool eventful;         /* it has waited, failed, given up or had a token: asl__frame_free() has more to wipe */
    bool started;          /* Map: MapIterationStarted is counted */
    bool caught;           /* a catcher has the visit's error */
    uint32_t gave_up;      /* so often its quiet machine has */
    uint32_t rounds;       /* of loops until that takes over again; 0: it has, or nobody does */
    bool yields;           /* asl_rt_item: back to the end of the queue, for the others' selectors */
    char *token;           /* of the current attempt */
    asl_value context;     /* the Context object, once asked for in this visit */
    struct variable_size *variables; /* under --strict-aws: what its variables hold; NULL when none */
    size_t variable_count;
    size_t assigned_bytes; /* of the Assign that is being evaluated */
    enum event failed_event; /* MapStateFailed or ParallelStateFailed, due unless a retrier takes the error; 0: none */

    /* what it waits for */
    struct task *task;
    struct task *spare; /* one it had, cleared: a retry or the next iteration takes it */
    struct fanout *down;
    struct counts before_now; /* the branches or iterations that it has run at once (now.c) */
    struct timer timer;

    /* what came of it */
    asl_value result;
    bool failed;
    struct failure failure;

    struct kept_frame *kept; /* what a journal keeps of it; NULL without one */

    uint32_t *retries; /* attempts per retrier of the state being visited */
    asl_value slots[];
};

static inline struct frame *frame_of(asl_frame *f) { return (struct frame *)f; }

struct frame *asl__frame_make(const struct image *image, uint32_t machine);
static inline struct frame *asl__frame_new(asl_execution *x, uint32_t machine);
/* The form of a machine that a child of f runs: quiet when f's is. */
uint32_t asl__child_machine(const struct frame *f, uint32_t machine);
void asl__frame_cancel(struct frame *f); /* stops whatever it waits for, children included, and frees it */
void asl__frame_free(struct frame *f);
void asl__frame_aborted(struct frame *f, uint64_t previous); /* tells the Aborted events of what is open in it */

void asl__ready_push(struct frame *f, enum ready_kind kind);
void asl__ready_take_out(struct frame *f); /* it stands in a queue */
static inline void asl__ready_remove(struct frame *f) {
    if (f->ready != READY_NOT) asl__ready_take_out(f);
}
/* What came of what it waited for, moved in: the frame has it … */
static inline void asl__frame_take(struct frame *f, asl_value result);
/* … and is stepped again. */
void asl__frame_answer(struct frame *f, asl_value result);
void asl__frame_answer_failure(struct frame *f, struct failure *failure);
/* For an entry of rt.def that started what is over already: the frame has the answer and goes on at once when the queue
   would come to it next, else in its turn. */
static inline int32_t asl__answered(struct frame *f);
void asl__frame_step(struct frame *f);

void asl__failure_clear(struct failure *failure);
/* What the back edge of a loop does once in ASL__POLLS times; 1: the execution was stopped or is out of time. */
int32_t asl__poll_now(asl_execution *x);
bool asl__frame_cut(struct frame *f); /* the execution was stopped or ran out of time while the frame was running */
void asl__frame_failed_event(struct frame *f);

// ---------------------------------------------------------------- waiting states

void asl__task_start(struct frame *f);  /* READY_START */
void asl__task_answer(struct frame *f); /* READY_ANSWER */
void asl__task_cancel(struct frame *f);
void asl__task_free_spare(struct frame *f);

void asl__fanout_done(struct frame *child);   /* a branch or iteration has its output */
void asl__fanout_failed(struct frame *child); /* … or has failed; never with States.Runtime */
void asl__fanout_stepped(struct frame *child); /* had its first turn */
void asl__fanout_execution_ended(asl_execution *child);
void asl__fanout_cancel(struct frame *parent);
void asl__fanout_aborted(struct frame *parent, uint64_t previous);
const char *asl__fanout_waiting_state(const struct frame *parent); /* of a child that waits for a task, or NULL */
/* The input of the state that f is in: of the Map while its ItemSelector is evaluated. */
const asl_value *asl__state_input(const struct frame *f);
/* The innermost Map item round a frame, within its execution. False: there is none. Borrowed. */
bool asl__map_item(const struct frame *f, const asl_value **item, uint32_t *index);
/* How many Map iterations there are round a frame; and their indexes, outermost first. */
uint32_t asl__map_depth(const struct frame *f);
void asl__map_indexes(const struct frame *f, uint32_t *indexes, uint32_t depth);

// ---------------------------------------------------------------- the Context object (context.c)

enum {
    KEY_EXECUTION, KEY_ID, KEY_INPUT, KEY_START_TIME, KEY_NAME, KEY_ROLE_ARN, KEY_REDRIVE_COUNT, KEY_REDRIVE_TIME, KEY_STATE_MACHINE,
    KEY_STATE, KEY_ENTERED_TIME, KEY_RETRY_COUNT, KEY_TASK, KEY_TOKEN, KEY_MAP, KEY_ITEM, KEY_INDEX, KEY_VALUE,
    KEY_ERROR, KEY_CAUSE, KEY_COUNT,
};
asl_text *asl__key(asl_engine *e, int key); /* made once per engine; borrowed */
asl_value asl__context(struct frame *f);     /* yours */
asl_value asl__time_value(int64_t ms); /* as text */
void asl__context_share(asl_execution *x);   /* makes what its Context objects share */
/* Something it shows has changed. */
static inline void asl__context_drop(struct frame *f) {
    if (f->context.tag != ASL_NONE) asl_value_set(&f->context, asl_none());
}

// ---------------------------------------------------------------- executions (execution.c)

struct asl_execution {
    asl_engine *engine;
    asl_execution *next, *prev; /* of the engine; children of a distributed Map are in no list */
    asl_execution *main;        /* the execution that was asked for: itself, or a child's outermost parent */
    struct frame *root;         /* NULL once it has ended */
    asl_status status;
    asl_status cut;             /* ASL_RUNNING, or how it must end, noticed while one of its frames was running */
    bool express, finished;
    bool full;                  /* no room for further events */
    uint32_t failed_state;
    uint64_t events, event_limit;
    uint64_t transitions;
    asl_value input, output;
    int64_t start_ms, stop_ms;
    int64_t deadline_ms; /* INT64_MAX: none */
    const char *machine; /* the state machine's name as ARNs have it: "order", of a child "order/label" */
    char *name; /* NULL: a UUID, made when asked for; asl_execution_name */
    size_t ready;    /* main execution: its frames in the ready queue, children's included */
    uint64_t number; /* of the main execution, in its engine */

    char name_room[40];
    uint64_t name_bits[2]; /* what the UUID that is its name is made of, while nobody has asked for it */
    struct timer deadline;

    /* what few have: all zeros in the engine's spare ones */
    struct fanout *up; /* child of a distributed Map */
    uint32_t index;
    asl_value error, cause;
    asl_value input_text; /* the input as it was sent, for events; ASL_NONE: as it would be printed */
    char *arn;  /* made when asked for */
    asl_value context_execution, context_machine;
    int64_t redrive_count, redrive_ms;
    struct kept_execution *kept; /* what a journal keeps of it */
    size_t variable_bytes; /* under --strict-aws */
};

/* Not yet running. name NULL: a UUID; timeout_s 0: none but the service's, under --strict-aws. */
asl_execution *asl__execution_new(asl_engine *e, asl_value input, const char *name, bool express, int64_t timeout_s);
/* Ends it: the event, which points at `previous`, the status, the frames. failure (moved in) may be NULL. */
void asl__execution_end(asl_execution *x, asl_status status, struct failure *failure, uint64_t previous);
/* asl_execution_start for an input parsed from a text: events show it as it was sent (aws-observed-behaviour 17). */
asl_execution *asl__execution_start(asl_engine *e, asl_value input, asl_str text, const char *name);
void asl__execution_delete(asl_execution *x);
void asl__executions_free_spare(asl_engine *e);
void asl__machine_arn(const asl_execution *x, asl_buffer *out);
void asl__role_arn(const asl_execution *x, asl_buffer *out);
void asl__describe(const asl_execution *x, asl_buffer *out); /* one JSON object in DescribeExecution's shape */
asl_value asl__execution_record(const asl_execution *x);     /* a failed child in a Map's result (asl-language 14.5) */
const char *asl__waiting_state(const asl_execution *x);      /* one that waits for a task's answer, or NULL */
const char *asl__frame_waiting_state(const struct frame *f);

static inline uint64_t asl__event(asl_execution *x) {
    uint64_t id = ++x->events;
    if (id >= x->event_limit) x->full = true;
    return id;
}

// ---------------------------------------------------------------- journals

/* What the engine tells a journal (journal.c), which only programs with a command line link. All of it is about
   executions that the journal keeps; nothing it does changes what a workflow does. */
struct asl_journal {
    void (*begin)(struct asl_journal *j, asl_execution *x);    /* a new execution; before its first event */
    void (*entered)(struct asl_journal *j, struct frame *f, bool first); /* a state; first: the machine, at its start */
    void (*touched)(struct asl_journal *j, struct frame *f, bool urgent); /* its record has to be written */
    void (*gone)(struct asl_journal *j, struct frame *f);      /* about to be freed */
    void (*result)(struct asl_journal *j, struct frame *parent, size_t index, const asl_value *v); /* of a child */
    void (*left)(struct asl_journal *j, struct frame *f);           /* a child that has failed, or is to be cancelled for it */
    void (*fell)(struct asl_journal *j, struct frame *parent);      /* its fan-out fails; the children are still there */
    void (*forgotten)(struct asl_journal *j, struct frame *parent); /* … but a retrier or catcher took it, or all are done */
    void (*task_ended)(struct asl_journal *j, struct frame *f);     /* its token is worth nothing any more */
    void (*ended)(struct asl_journal *j, asl_execution *x);    /* before its frames are cancelled */
    bool (*commit)(struct asl_journal *j);   /* writes all it knows. False: it cannot, the run has to be given up */
    bool (*turn)(struct asl_journal *j);     /* nothing is ready: looks for what others have written. Whether there was any */
    int64_t (*wake)(const struct asl_journal *j); /* ms until it wants its next turn, -1: none */
    bool (*may_suspend)(struct asl_journal *j); /* nothing is ready: whether to wait in no process at all */
    void (*close)(struct asl_journal *j);
};

// ---------------------------------------------------------------- the engine (engine.c)

struct asl_binding {
    asl_engine *engine;
    const asl_handler *handler;
    void *state;
    char *pattern, *spec;
    asl_thunk *thunk; /* compiled in for ffi, else NULL */
};
const char *asl__binding_machine(const asl_binding *b);  /* the state machine's name */
asl_thunk *asl__binding_thunk(const asl_binding *b);     /* the direct call compiled for it, or NULL */

struct asl_engine {
    const asl_program *program;
    struct image image;
    struct clock clock;
    struct asl__random random, names; /* names: of what only observers see, so that a run is the same without them */
    struct asl__random undrawn; /* random as it was before a state drew that may begin again (hot.h) */
    bool strict, express;
    const char *region, *account, *partition;
    char *owned_region, *owned_account;

    struct asl_observer *observers; /* who listens to events; NULL: nobody */
    struct asl_journal *journal;    /* or NULL */
    struct asl_observer *tracer;    /* one of the observers, whose context tasks carry on; or NULL */
    void (*trace_headers)(struct asl_observer *tracer, const struct frame *f, char traceparent[56], char xray[128]);
    struct asl_progress *progress;  /* or NULL */
    void (*progress_draw)(asl_engine *e);
    unsigned threads;               /* that may compute children (threads.c); 1: the engine's own alone; UINT_MAX: as many as allowed */
    struct asl__threads *workers;   /* NULL until they are used */
    void (*free_workers)(struct asl__threads *workers);
    bool suspended; /* the run was given up at a checkpoint: what runs goes on in another process */

    struct asl__heap *heap; /* of the thread that runs it */
    struct frame *ready_first, *ready_last;
    struct frame *held_first, *held_last; /* READY_HELD */
    size_t ready_count;
    size_t turns; /* of the queue that are left before the loop looks at the clock again */
    struct uv_loop_s *loop; /* NULL until a handler awaits something outside */
    const struct asl__loop_calls *loop_calls; /* of loop */
    struct uv_timer_s *timer;
    struct uv_async_s *wake;
    size_t outside; /* tasks started and not answered whose handler may be at work */
    size_t holds;   /* cancelled processes still to be reaped */
    volatile sig_atomic_t interrupted;
    volatile sig_atomic_t can_wake;  /* the loop is there … */
    volatile sig_atomic_t can_rouse; /* … or the descriptor that a sleep without it listens to */
    int rouse;
    bool jumps;     /* it runs, and virtual time goes on by itself */
    uint32_t polls; /* back edges since the clock was read */

    asl_execution *executions;
    asl_execution *spare; /* freed ones, for the next to be started; linked by next */
    size_t running;
    uint64_t started, ended;

    asl_binding **bindings;
    size_t binding_count;
    asl_binding *mock;
    const asl_handler *const *handlers; /* further schemes, from the options */
    size_t handler_count;

    asl_text *keys[KEY_COUNT];

    struct jx_program *expressions; /* NULL until one is evaluated */
    void (*free_expressions)(struct jx_program *expressions);
};

/* Nobody listens, nothing is kept, no limit of the service holds: only what comes of an execution matters. */
static inline bool asl__unwatched(const asl_engine *e) { return !e->observers && !e->journal && !e->strict; }

static inline struct frame *asl__frame_new(asl_execution *x, uint32_t machine) {
    struct image *image = &x->engine->image;
    struct machine *m = &image->machines[machine];
    struct frame *f = m->pool;
    if (f) {
        m->pool = f->next;
        f->next = NULL;
    } else {
        f = asl__frame_make(image, machine);
    }
    f->execution = x;
    return f;
}

/* The queue's end; f->ready says what for. */
static inline void asl__ready_append(asl_engine *e, struct frame *f) {
    struct frame *last = e->ready_last;
    f->ready_next = NULL;
    f->ready_prev = last;
    if (last) last->ready_next = f;
    else e->ready_first = f;
    e->ready_last = f;
    e->ready_count++;
    f->execution->main->ready++;
}

/* Whether virtual time has come to `due`: it does when nothing is ready or at work and no timer comes before. */
static inline bool asl__time_jumps(asl_engine *e, int64_t due) {
    struct clock *c = &e->clock;
    if (!e->jumps || e->ready_first || e->outside || !asl__unwatched(e)) return false;
    const struct timer *next = asl__timer_next(c);
    if (next && next->due_ms <= due) return false;
    c->now_ms = due;
    return true;
}

/* Also another thread may have said so. */
static inline bool asl__interrupted(const asl_engine *e) { return __atomic_load_n(&e->interrupted, __ATOMIC_RELAXED); }

static inline void asl__frame_take(struct frame *f, asl_value result) {
    f->generation++;
    f->failed = false;
    asl_value old = f->result;
    f->result = result;
    if (old.tag != ASL_NONE) asl_release(old);
}

static inline int32_t asl__answered(struct frame *f) {
    asl_engine *e = f->execution->engine;
    if (e->turns && !e->ready_first && asl__unwatched(e) && !asl__interrupted(e)) {
        e->turns--;
        return ASL_ANSWERED;
    }
    asl__ready_push(f, READY_STEP);
    return 0;
}

struct uv_loop_s *asl__engine_loop(asl_engine *e); /* made on first use (loop.c) */
struct asl__loop_calls {
    bool (*alive)(const asl_engine *e);
    void (*turn)(asl_engine *e, bool waits);
    void (*sleep)(asl_engine *e, int64_t ms); /* -1: until something happens */
    void (*wake)(asl_engine *e);              /* from a signal handler or another thread */
    int (*descriptor)(const asl_engine *e);
    int64_t (*timeout)(asl_engine *e);        /* ms until it wants a turn, -1: none */
    void (*close)(asl_engine *e);
};
asl_engine *asl__task_engine(const asl_task *task);
/* A progress line on standard error when that is a terminal (progress.c); end takes it away. */
void asl__progress_begin(asl_engine *e);
void asl__progress_end(asl_engine *e);
/* Lets go of what runs without ending it: its journal has it. */
void asl__execution_abandon(asl_execution *x);
/* An execution that began earlier and has no frames yet; input moved in, times in ms since 1970, deadline 0: none. */
asl_execution *asl__execution_take(asl_engine *e, asl_value input, const char *name, int64_t start_ms, int64_t deadline_ms);
void asl__execution_deadline(asl_execution *x, int64_t at_ms);
char *asl__copy_text(asl_str s); /* NUL-terminated, for asl_free */
void asl__mock_ended(asl_engine *e, uint64_t execution); /* there are mocks */
void asl__mock_warnings(asl_engine *e, asl_buffer *out); /* lines about the mock file */
/* From a signal handler or another thread: what runs is to be stopped. */
void asl__engine_interrupt(asl_engine *e);

#define ASL__POLLS         ASL_POLLS
#define ASL__PAYLOAD_LIMIT 262144 /* bytes of UTF-8 JSON (limits-and-errors 1.1) */
#define ASL__VARIABLES_LIMIT (10u << 20) /* bytes of all variables of an execution (limits-and-errors 1) */
#define ASL__EVENT_LIMIT   25000  /* limits-and-errors 1.3 */

#endif
