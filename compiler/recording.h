// A recorded history: the events of one execution, in chains.
//
// What happened is a list, but its order among branches and iterations is chance. So every event is put into the chain it
// belongs to, and chains are what is compared and answered from:
//
//     ExecutionStarted ─ Entered ─ MapStateStarted ··············· MapStateSucceeded ─ Exited ─ ExecutionSucceeded    root
//                                        └ fan ┬ MapIterationStarted(0) ─ Entered ─ … ─ MapIterationSucceeded(0)       child
//                                              └ MapIterationStarted(1) ─ Entered ─ …                                  child
//
// previousEventId tells most of it; where it points across chains (a Map's end, an iteration that waited for its turn) the
// names of states and the indexes decide. The rules are those of execution-history 3. The same code takes a history from a
// file and the events of a running execution one by one.
#ifndef ASLC_RECORDING_H
#define ASLC_RECORDING_H

#include "arena.h"
#include "aslc/value.h"

struct chain;

/* What an event does to its chain. */
enum event_role {
    EVENT_OTHER,     /* EvaluationFailed, MapRun… */
    EVENT_BEGIN,     /* ExecutionStarted */
    EVENT_END,       /* ExecutionSucceeded, Failed, TimedOut, Aborted */
    EVENT_REDRIVEN,
    EVENT_ENTERED,
    EVENT_EXITED,
    EVENT_ABORTED,   /* of a state, an iteration, a Map Run: when it comes is chance; in no chain */
    EVENT_FAN_STARTED,
    EVENT_FAN_SUCCEEDED,
    EVENT_FAN_FAILED,
    EVENT_ITERATION_STARTED,
    EVENT_ITERATION_ENDED,
    EVENT_SCHEDULED, /* of a task: service integration, function or activity */
    EVENT_STARTED,
    EVENT_SUBMITTED,
    EVENT_SUCCEEDED,
    EVENT_FAILED,
    EVENT_REFUSED,   /* …ScheduleFailed, …StartFailed, …SubmitFailed: a failure for the workflow */
    EVENT_TIMED_OUT,
};

struct event {
    const char *type; /* "TaskScheduled" */
    enum event_role role;
    uint64_t id, previous;
    int64_t time_ms;    /* since 1970; -1: not recorded */
    size_t number;      /* its place among the events of its file, from 0 */
    const char *key;    /* of the details in the file: "taskScheduledEventDetails", "details" of a log line; NULL: none */
    asl_value details;  /* an object, or ASL_NONE */
    const char *state;  /* the state it is about, NULL: none */
    struct chain *chain;
    size_t position;    /* among the events of its chain */
    struct event *twin; /* replay: what it was compared with; of a recorded event, whether it happened again */
    bool skipped;       /* replay: recorded, and need not happen again */
};

/* One start of the branches of a Parallel or the iterations of a Map; a retry makes another. */
struct fan {
    struct chain *owner;
    size_t ordinal;     /* among the fans of its chain */
    const char *state;
    bool is_map, distributed, succeeded, failed;
    VEC(struct chain *) children;
    struct fan *twin;
};

struct chain {
    struct chain *parent; /* NULL: the execution itself */
    struct fan *fan;      /* it is a child of */
    int64_t index;        /* of the iteration; -1: a branch, or the root */
    uint32_t depth;       /* chains round it */
    const char *first;    /* a branch: the state it begins with */
    VEC(struct event *) events;
    VEC(struct fan *) fans;
    const char *open;     /* the state entered and not exited, or NULL */
    struct chain *twin;
    size_t shift;         /* replay: events of ours that the recorded chain has no counterpart of */
};

struct recording {
    struct arena *arena;
    const char *path;
    VEC(struct event *) events; /* events[i].id == i + 1 */
    struct chain *root;
    const char *arn;       /* of the execution, when the file or the user says it; else NULL */
    const char *machine, *name; /* parts of arn, or NULL */
    const char *region, *account;
    bool express;
    bool has_data;         /* payloads were recorded */
    size_t redrives;       /* events from the first redrive on are left out */
    bool complete;         /* it holds the execution's end */
};

/* Reads a history: GetExecutionHistory's answer, also page after page or with ISO times; an array of events; or the log lines
   that CloudWatch has of an execution, plain or inside what `aws logs` prints. execution: its ARN or name, to choose among
   several in a log; or NULL. Values live until arena_free. NULL after printing what is wrong on standard error. */
struct recording *recording_read(struct arena *a, const char *path, const char *execution);
/* The same with the text at hand; path is its name in messages, which are added to errors, a line each. */
struct recording *recording_parse(struct arena *a, asl_str text, const char *path, const char *execution, asl_buffer *errors);

/* An empty one, and an event for it as the runtime tells it. Returns the event in its chain. */
struct recording *recording_new(struct arena *a);
struct event *recording_add(struct recording *r, const char *json, size_t size);

/* Splits an execution ARN into the recording's members. False when it is none. */
bool recording_set_arn(struct recording *r, const char *arn);

/* A member of the details. NULL when absent. */
const asl_value *event_member(const struct event *e, const char *key);
/* A payload ("input", "output"): its text parsed; yours. ASL_NONE when absent. */
asl_value event_payload(const struct event *e, const char *key);
/* "error" or "cause": the text; yours. ASL_NONE when absent. */
asl_value event_text(const struct event *e, const char *key);
/* The indexes of the Map iterations round a chain, outermost first, in the arena. */
const uint32_t *chain_iteration(struct arena *a, const struct chain *c, uint32_t *depth);

#endif
