// Private to the engine: what a frame waits for, as task.c and fanout.c make it and as a journal keeps it.
#ifndef ASL_WAITING_H
#define ASL_WAITING_H

#include "engine.h"

#include <string.h>

enum answer { ANSWER_NONE, ANSWER_SUCCESS, ANSWER_FAILURE, ANSWER_BROKEN };

#define ASL__NESTED_MAPS 6  /* more than anybody nests; deeper ones are allocated */
#define ASL__KEY_ROOM    64 /* for a UUID, '/' and a number */

struct task_trace {
    char traceparent[56], xray[128];
};

struct task {
    asl_task handle; /* what the handler sees; must be first */
    struct frame *frame;
    const struct site *site;
    asl_value payload, role;
    uint32_t *iteration; /* indexes, or NULL where they are none */
    char *idempotency;   /* key, or longer; NULL when the handler does not ask for it */
    struct task_trace *trace; /* NULL without a tracer */
    bool at_once;   /* in asl_rt_task, which takes the answer: there is nothing to free but the payload */
    bool starting;  /* the handler's start() is running */
    bool started;   /* the handler is at work, or was */
    bool told;      /* TaskStarted; after a resume it may be so before it is started again */
    bool submitted; /* .waitForTaskToken: the handler is done, the answer comes with the token */
    bool outside;
    enum answer answer;
    asl_value result, error, cause;
    int64_t timeout_ms, heartbeat_ms; /* 0: none */
    struct timer timeout, heartbeat;
    uint32_t indexes[ASL__NESTED_MAPS];
    char key[ASL__KEY_ROOM];
};

struct fanout {
    struct frame *parent;
    const struct site *site;
    bool is_map;
    struct frame *first, *last;
    size_t count, next;             /* children in all, index of the next to start */
    size_t running, unstepped, finished, failed;
    size_t max_running;             /* 0: no limit */
    size_t tolerated;               /* distributed: failed items that do not fail the run */
    asl_value input;                /* Map: for messages; what the ItemSelector sees is captured */
    asl_value items, results;
    const asl_value *item;          /* in another thread: the item that is being run; there are no items then */
    const asl_value *next_item, *last_item; /* now.c: what the quiet machine runs through; last_item is behind them */
    asl_value *next_result;
    uint64_t chain;                 /* event the next child points at */
    uint64_t told;                  /* the last event of the children that are done */
};

/* What fires a frame's timer: the end of a Wait, of a retrier's interval. */
void asl__on_wait(struct timer *timer);
void asl__on_backoff(struct timer *timer);

/* For a journal that restores an execution. The fanout is filled in but for its children, which come in order of index;
   go_on then starts what is still to start, or completes it. */
struct fanout *asl__fanout_restore(struct frame *parent, const struct site *site, size_t count);
struct frame *asl__fanout_restore_child(struct fanout *o, uint32_t index);
void asl__fanout_restore_execution(struct frame *child, asl_value input, const char *name, int64_t start_ms, uint64_t events);
void asl__fanout_go_on(struct fanout *o);
/* An attempt as it was scheduled; payload, role and token moved in or copied. It is started again unless it was submitted;
   due times in ms since 1970, 0: none. */
void asl__task_restore(struct frame *f, const struct site *site, asl_value payload, asl_value role, const char *idempotency,
                       int64_t timeout_ms, int64_t heartbeat_ms, bool told, bool submitted, int64_t timeout_due,
                       int64_t heartbeat_due);
/* The answer that came with a task's token; values moved in. */
void asl__task_token_answer(struct frame *f, bool success, asl_value output, asl_value error, asl_value cause);
/* A heartbeat that was sent with it at a time. */
void asl__task_token_heartbeat(struct frame *f, int64_t at_ms);

#endif
