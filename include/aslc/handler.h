// Who does the work of a Task: one small struct is the interface of a handler.
//
// A handler serves a scheme: "exec:./charge --fast" goes to the handler of scheme "exec" with spec "./charge --fast".
// It never completes inline: start() begins the work and returns; later, from the loop, it calls asl_task_succeed or
// asl_task_fail exactly once, unless cancel() was called first. Calling them from within start() is allowed: the
// answer still travels through the ready queue, or is taken when start() has returned.
//
// Every call happens on the loop's thread. A handler that blocks does so on libuv's pool (uv_queue_work).
#ifndef ASLC_HANDLER_H
#define ASLC_HANDLER_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct asl_task asl_task;
typedef struct asl_binding asl_binding; /* one bound handler: "exec:./charge" for one pattern */
typedef struct asl_handler asl_handler;
struct uv_loop_s;
struct asl_engine;

struct asl_task {
    /* read-only for handlers */
    const char *resource;     /* the Task state's Resource */
    const char *state;        /* the Task state's name */
    const asl_value *payload; /* effective input; borrowed, valid until the task is completed or cancelled */
    const char *token;        /* task token of .waitForTaskToken and .sync resources, else NULL */
    const char *idempotency;  /* the same for every start of this attempt; unique otherwise; NULL for a simple handler */
    const char *traceparent, *xray_trace; /* the call's place in a trace, as W3C's and X-Ray's headers have it; or NULL */
    uint32_t attempt;         /* 0 at the first call of this visit, then 1, 2, … */
    const uint32_t *iteration; /* indexes of the Map iterations round the call, outermost first */
    uint32_t iteration_depth;
    uint64_t execution; /* number of the execution in its engine: the same for all its tasks, never used twice */
    asl_binding *binding;
    /* the handler's */
    void *data;
};

struct asl_handler {
    const char *scheme;
    /* Checks a binding and prepares it: *state is passed back in asl_binding_state(). 0, or -1 with a message. */
    int (*open)(asl_binding *binding, asl_str spec, void **state, char *message, size_t message_size);
    void (*close)(asl_binding *binding, void *state);
    /* Begins the work. */
    void (*start)(asl_task *task);
    /* Stop it: the task timed out or its branch was cancelled. After this no asl_task_* call may follow for it, and the
       work must really end; process groups get SIGTERM and, after asl_kill_grace_ms(), SIGKILL. */
    void (*cancel)(asl_task *task);
    /* start() calls nothing of the runtime but asl_task_…, and nobody looks at idempotency: it is not made, and start() may
       be called as soon as the payload is there, from within the state. */
    bool simple;
};

void *asl_binding_state(const asl_binding *binding);
struct uv_loop_s *asl_task_loop(asl_task *task); /* the loop, made on first use */

/* The answer. result is moved in. error and cause may be ASL_NONE (then the field is absent); moved in. */
void asl_task_succeed(asl_task *task, asl_value result);
void asl_task_fail(asl_task *task, asl_value error, asl_value cause);
/* .sync and .waitForTaskToken: the service's first answer (TaskSubmitted). Before succeed or fail. Moved in. */
void asl_task_submitted(asl_task *task, asl_value answer);
void asl_task_heartbeat(asl_task *task); /* restarts the heartbeat clock */
/* What went wrong is not the task's fault (no response left in a mock): States.Runtime, not retried, not caught. */
void asl_task_broken(asl_task *task, asl_value cause);

uint64_t asl_kill_grace_ms(void); /* how long a cancelled process group has between SIGTERM and SIGKILL */

/* A process that was cancelled is still to be reaped: the engine does not end before it has been. Balance the two. */
void asl_task_hold(asl_task *task, struct asl_engine **engine);
void asl_engine_unhold(struct asl_engine *engine);

/* The handlers that come with the runtime. */
extern const asl_handler asl_handler_exec, asl_handler_worker, asl_handler_ffi, asl_handler_fail, asl_handler_return;
extern const asl_handler asl_handler_mock; /* spec: "FILE" or "FILE#TESTCASE"; opened by the engine for --mock */

#ifdef __cplusplus
}
#endif
#endif
