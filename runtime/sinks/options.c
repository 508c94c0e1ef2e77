// The run options about logs, traces and metrics (contract.md, Run options): from the command line to observers.
#include <string.h>

#include "sinks.h"

static void add(const char ***list, size_t *count, const char *value) {
    *list = asl_realloc(*list, (*count + 1) * sizeof **list);
    (*list)[(*count)++] = value;
}

int asl__sinks_option(struct sink_options *o, const char *option, const char *value, char *message, size_t message_size) {
    if (strcmp(option, "--log-data") == 0) {
        o->data = true;
    } else if (strcmp(option, "--log") == 0) {
        o->log = value;
    } else if (strcmp(option, "--log-redact") == 0) {
        add(&o->redact, &o->redact_count, value);
    } else if (strcmp(option, "--trace") == 0) {
        add(&o->traces, &o->trace_count, value);
    } else if (strcmp(option, "--metrics") == 0) {
        add(&o->metrics, &o->metrics_count, value);
    } else if (strcmp(option, "--log-level") == 0) {
        o->has_level = true;
        if (asl__log_level_parse(value, &o->level)) return 0;
        snprintf(message, message_size, "--log-level is ALL, ERROR, FATAL or OFF, not \"%s\"", value);
        return -1;
    } else {
        return 1;
    }
    return 0;
}

/* Who asks where the log goes wants one. */
static enum log_level level_of(const struct sink_options *o) {
    return o->has_level ? o->level : o->log || o->data ? LOG_ALL : LOG_OFF;
}

int asl__sinks_open(struct sink_options *o, asl_engine *e, const asl_engine_options *engine_options,
                    struct asl_observer **tracer, char *message, size_t message_size) {
    struct asl_observer *opened;
    enum log_level level = level_of(o);
    *tracer = NULL;
    if (level != LOG_OFF || o->log) { /* OFF with a file leaves an empty one, for who reads it */
        opened = asl__log_open(&(struct log_options){.level = level, .destination = o->log, .data = o->data,
                                                     .redact = o->redact, .redact_count = o->redact_count,
                                                     .counters = &o->counters}, message, message_size);
        if (!opened) return -1;
        asl__observe(e, opened);
    }
    if (o->trace_count) {
        opened = asl__trace_open(&(struct trace_options){.sinks = o->traces, .sink_count = o->trace_count,
                                                         .service = e->image.name, .seeded = engine_options->seeded,
                                                         .seed = engine_options->seed, .redact = o->redact,
                                                         .redact_count = o->redact_count, .counters = &o->counters},
                                 message, message_size);
        if (!opened) return -1;
        asl__observe(e, *tracer = opened);
    }
    if (o->metrics_count) { /* the last: it says what the others dropped */
        opened = asl__metrics_open(&(struct metrics_options){.sinks = o->metrics, .sink_count = o->metrics_count,
                                                             .counters = &o->counters}, message, message_size);
        if (!opened) return -1;
        asl__observe(e, opened);
    }
    return 0;
}

void asl__sinks_options_free(struct sink_options *o) {
    asl_free(o->redact);
    asl_free(o->traces);
    asl_free(o->metrics);
}
