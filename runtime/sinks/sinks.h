// What leaves an execution while it runs: log lines, traces, metrics. Each is an observer of events (observe.h).
//
//     events ──► log.c ──────────────────────────────► lines.c ──► outbox.c ──► standard error, file, UNIX socket
//            ├─► trace.c (spans, ids) ──► xray.c ─────────────────► UDP
//            │                        └─► otlp.c ──► outbox.c ──► post.c ──► HTTP, HTTPS
//            └─► metrics.c ──► EMF lines ──► lines.c ; Prometheus text ──► file
//
// The promise of all of them: a receiver that is down, slow or full never stalls an execution nor changes what comes of
// it. What it does not take is kept up to a bound, then dropped and counted; at the end it is waited for a bounded time.
// Nothing here draws from the engine's random numbers or reads its clock otherwise than from events.
#ifndef ASL_SINKS_H
#define ASL_SINKS_H

#include <stdatomic.h>

#include "../observe.h"

/* Shared by the sinks of a process, so that metrics can say what the others lost. Must outlive them. */
struct sink_counters {
    atomic_ullong lines, lines_dropped; /* of the log */
    atomic_ullong spans, spans_dropped; /* of all traces */
};

enum log_level { LOG_OFF, LOG_FATAL, LOG_ERROR, LOG_ALL };

/* "ALL", "ERROR", "FATAL", "OFF"; false: none of them. */
bool asl__log_level_parse(const char *text, enum log_level *level);

struct log_options {
    enum log_level level;
    const char *destination; /* "FILE", "unix:PATH"; NULL: standard error */
    bool data;               /* --log-data: input, output, parameters and variables too */
    const char *const *redact; /* lists of field names, "NAME,NAME" */
    size_t redact_count;
    struct sink_counters *counters; /* or NULL */
};

/* The service's log lines (execution-history 4). NULL with a message when the options are wrong. */
struct asl_observer *asl__log_open(const struct log_options *options, char *message, size_t message_size);

struct trace_options {
    const char *const *sinks; /* "xray", "xray:HOST:PORT", "otlp", "otlp:URL" */
    size_t sink_count;
    const char *service;      /* the program's name: service.name unless the environment has one */
    bool seeded;              /* --seed: ids are the same each run */
    uint64_t seed;
    const char *const *redact; /* as for the log: fields of causes that are JSON */
    size_t redact_count;
    struct sink_counters *counters; /* or NULL */
};

/* One observer for all trace sinks, so that they agree about ids. NULL with a message when the options are wrong. */
struct asl_observer *asl__trace_open(const struct trace_options *options, char *message, size_t message_size);

/* The context of the attempt that frame f makes (after its Scheduled event), for who does the work: the headers' values,
   NUL-terminated, W3C's traceparent and X-Ray's X-Amzn-Trace-Id. o is what asl__trace_open gave. */
void asl__trace_headers(struct asl_observer *o, const struct frame *f, char traceparent[56], char xray[128]);

struct metrics_options {
    const char *const *sinks; /* "emf", "emf:FILE" (default: standard error), "prometheus:FILE" */
    size_t sink_count;
    const struct sink_counters *counters; /* or NULL */
};

/* The service's metrics (execution-history 6), every 15 seconds and at the end. Observe it after the other sinks: it then
   closes last and says what they dropped. NULL with a message when the options are wrong. */
struct asl_observer *asl__metrics_open(const struct metrics_options *options, char *message, size_t message_size);

// ---------------------------------------------------------------- the command line (options.c)

/* What the run options say about sinks. All zero: nothing; the texts are borrowed. */
struct sink_options {
    bool has_level, data;
    enum log_level level;
    const char *log;
    const char **redact, **traces, **metrics;
    size_t redact_count, trace_count, metrics_count;
    struct sink_counters counters;
};

/* Takes --log-level, --log, --log-redact, --trace, --metrics with their value, and --log-data (NULL). 0; 1: not one of
   these; -1 with a message. */
int asl__sinks_option(struct sink_options *o, const char *option, const char *value, char *message, size_t message_size);
/* Opens what was asked for and adds it to the engine's observers. *tracer: for asl__trace_headers, NULL without --trace.
   o stays until the engine is freed. 0, or -1 with a message. */
int asl__sinks_open(struct sink_options *o, asl_engine *e, const asl_engine_options *engine_options,
                    struct asl_observer **tracer, char *message, size_t message_size);
void asl__sinks_options_free(struct sink_options *o);

#endif
