// Private to the runtime: what an execution tells, and who listens.
//
//     asl__publish(event) ──► observer ──► observer ──► …     history file, journal, log lines, traces, metrics, progress
//
// Events are counted always and told only when somebody listens: an engine without observers pays one test per event.
// An observer must not keep what it is given (values may be retained), nor change anything of the execution.
#ifndef ASL_OBSERVE_H
#define ASL_OBSERVE_H

#include "engine.h"

/* Everything an event can say; what its type does not have is NULL or 0. Borrowed. */
struct event_details {
    const char *name;              /* of the state; MapIteration…: of the Map */
    const asl_value *input, *output, *parameters;
    const asl_value *error, *cause;        /* strings */
    const char *resource_type, *resource;  /* "lambda", "invoke"; Lambda and activity events: resource is the ARN */
    const asl_value *role;                 /* taskCredentials.roleArn */
    const char *state;                     /* EvaluationFailed */
    const asl_value *location;             /* EvaluationFailed: "Output/v" */
    const char *worker;                    /* ActivityStarted */
    const char *map_run_arn;
    int64_t timeout_s, heartbeat_s;        /* 0: not set by the user */
    int64_t index, length;                 /* MapIteration…; MapStateStarted */
    int64_t redrive_count;                 /* ExecutionRedriven; 0: none */
    const struct assigned_variable *assigned; /* StateExited: what the state assigned */
    size_t assigned_count;
};

struct assigned_variable {
    const asl_value *name; /* string */
    asl_value value;
};

struct event_record {
    enum event type;
    uint64_t id, previous;
    int64_t time_ms;
    asl_execution *execution;  /* of a distributed Map's child: the child's own (ids begin at 1 again) */
    const struct frame *frame; /* that it belongs to: frame->head.state, ->up, ->index; NULL: the execution as a whole */
    struct event_details d;
};

const char *asl__event_name(enum event type);        /* "TaskStateEntered" */
const char *asl__event_details_key(enum event type); /* "stateEnteredEventDetails", or NULL: has no details object */
/* The details object, "{…}" ("{}" when there is nothing). data false: without input, output, parameters and assigned
   variables and their …Details, as CloudWatch's includeExecutionData=false has it. */
void asl__event_details_print(const struct event_record *r, bool data, asl_buffer *out);
/* One event as GetExecutionHistory has it: {"timestamp", "type", "id", "previousEventId", "…EventDetails"}. */
void asl__event_print(const struct event_record *r, asl_buffer *out);

/* The text of a payload when it is the execution's input as it was sent; size 0: it is to be printed. */
asl_str asl__event_payload_sent(const struct event_record *r, const asl_value *payload);
/* {"name": "JSON", …} of what the state assigned. */
void asl__event_assigned_print(const struct event_record *r, asl_buffer *out);
/* The beginning of that, up to the details. */
void asl__event_head_print(int64_t time_ms, const char *type, uint64_t id, uint64_t previous, asl_buffer *out);

/* The state an event's frame is in: index into image.states; ASL_NO_OPERAND without a frame. */
static inline uint32_t asl__event_state(const struct event_record *r) {
    return r->frame ? r->frame->head.state : ASL_NO_OPERAND;
}

struct asl_observer {
    struct asl_observer *next; /* the engine's list */
    void (*event)(struct asl_observer *o, const struct event_record *r);
    void (*turn)(struct asl_observer *o);  /* the loop has nothing ready and is about to sleep; may be NULL */
    void (*close)(struct asl_observer *o); /* flushes what it holds and frees itself; no event comes after it */
};

/* Adds an observer, which the engine closes; before executions are started. */
void asl__observe(asl_engine *e, struct asl_observer *o);

/* --history FILE: keeps the events of the engine's executions (not of distributed children) and writes
   {"events": […]} to the file on close. NULL with a message when the file cannot be made. */
struct asl_observer *asl__history_open(const char *path, char *message, size_t message_size);

/* Calls sink for every event (asl_engine_options.on_event). */
struct asl_observer *asl__callback_open(asl_event_sink *sink, void *user);

// ---------------------------------------------------------------- publishing

uint64_t asl__publish_event(asl_execution *x, struct frame *f, enum event type, uint64_t previous, const struct event_details *d);

/* Counts an event and tells it to whoever listens; f NULL: of the execution as a whole; details NULL: none. Its id. A macro,
   so that details are made only when somebody listens. */
#define asl__publish(x, f, type, previous, details)                                                                    \
    ((x)->engine->observers ? asl__publish_event(x, f, type, previous, details) : asl__event(x))
/* The same for the next event of a frame's own chain: what follows points at it. */
#define asl__tell(f, type, details) ((f)->last = asl__publish((f)->execution, f, type, (f)->last, details))

#define DETAILS(...) (&(struct event_details){__VA_ARGS__})

#endif
