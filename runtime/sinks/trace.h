// Private to sinks: spans, and who takes them once they have ended.
#ifndef ASL_TRACE_H
#define ASL_TRACE_H

#include "sinks.h"

/* A group is a Map's iteration or a Parallel's branch: X-Ray nests what happens in it; OTLP has no span for it. */
enum span_kind { SPAN_EXECUTION, SPAN_STATE, SPAN_GROUP, SPAN_ATTEMPT };

enum span_end { SPAN_OK, SPAN_FAILED, SPAN_CAUGHT /* a state: its error was taken by a catcher */, SPAN_ABORTED, SPAN_SUSPENDED /* goes on in another process */ };

struct trace_id {
    char hex[33]; /* begins with the time in seconds, as X-Ray wants it */
    bool sampled;
};

struct span {
    enum span_kind kind;
    struct span *parent, *first, *last; /* of those that are open: its first and last child … */
    struct span *next, *prev;           /* … and its siblings; an execution's are the tracer's executions */
    uint64_t id;
    const struct trace_id *trace; /* of its execution */
    int64_t start_ms, end_ms;
    enum span_end end;
    char *error, *cause; /* FAILED, CAUGHT; either may be NULL */
    const asl_execution *execution; /* which; after a suspension it is gone, so it is not looked at here … */
    const asl_engine *engine;
    const struct frame *frame; /* … and nor is this. NULL: an execution */
    const struct fanout *fanout; /* group: what its frame hung on */
    /* what it is called; names live as long as the engine */
    const char *name;                     /* machine, state; group: of its Map or Parallel */
    const char *resource_type, *resource; /* attempt */
    enum state_kind state;                /* state, group */
    uint32_t index;                       /* group */
    uint32_t attempt;                     /* attempt: from 0 */
    bool failing;                         /* state: has an error that nothing has put right yet */
    uint32_t fanned;                      /* Parallel, Map: how often it has begun its branches */
    uint64_t key;                         /* what ids are made from: its execution's, 0 when they are random */
    /* execution */
    struct trace_id own_trace;
    uint64_t remote_parent; /* 0: none */
    char *arn, *machine_arn, *execution_name;
    bool timed_out;
    bool announced;         /* xray.c */
    asl_buffer inner;       /* xray.c: documents of children that have ended */
};

struct exporter {
    struct exporter *next;
    void (*ended)(struct exporter *e, struct span *s); /* the span is over; sampled only */
    void (*turn)(struct exporter *e, struct span *executions); /* may be NULL: about to sleep, with these open */
    uint64_t (*dropped)(struct exporter *e); /* so far */
    uint64_t (*close)(struct exporter *e);   /* how many were dropped, ever */
};

/* spec: what follows "xray:" and "otlp:", or NULL. NULL with a message. */
struct exporter *xray_open(const char *spec, char *message, size_t message_size);
struct exporter *otlp_open(const char *spec, const char *service, char *message, size_t message_size);

void span_id_print(uint64_t id, char out[17]);

#endif
