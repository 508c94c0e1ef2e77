// The runtime's public face: load a program, run executions of it.
//
//     asl_engine *e = asl_engine_new(program, &options, message, sizeof message);
//     asl_execution *x = asl_execution_start(e, input, "my-name");
//     while (asl_engine_run(e, ASL_RUN_DEFAULT) > 0) {}
//     asl_execution_status(x) …
//     asl_execution_free(x); asl_engine_free(e);
//
// An engine is one event loop with everything that hangs off it; it belongs to one thread at a time. Several engines, of
// the same or different programs, may live in one process. Nothing here is global.
#ifndef ASLC_RUNTIME_H
#define ASLC_RUNTIME_H

#include "handler.h"
#include "program.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct asl_engine asl_engine;
typedef struct asl_execution asl_execution;

typedef enum asl_status { ASL_RUNNING, ASL_SUCCEEDED, ASL_FAILED_STATUS, ASL_TIMED_OUT, ASL_ABORTED } asl_status;

typedef struct asl_bind { /* PATTERN=HANDLER */
    const char *pattern;  /* of the Resource; * matches any run of characters */
    const char *handler;  /* "exec:./charge" */
} asl_bind;

/* An event of an execution as it happens, as one JSON object in GetExecutionHistory's shape; json ends in NUL, borrowed. */
typedef void asl_event_sink(void *user, asl_execution *x, const char *json, size_t size);

typedef struct asl_engine_options {
    bool virtual_clock;
    bool strict_aws;
    bool express;        /* --type express */
    bool standard;       /* --type standard: overrides a program compiled as express */
    bool seeded;
    uint64_t seed;
    int64_t start_time_ms; /* virtual clock: where it starts, ms since 1970; 0: now */
    const asl_bind *binds; /* earlier ones win; they come before those compiled in */
    size_t bind_count;
    unsigned threads; /* that compute Map items and Parallel branches which need nothing but computing; 0 and 1: the caller's
                         alone; UINT_MAX: as many as the process may use. What comes out does not depend on it */
    const char *mock_file;  /* path of a MockConfigFile, or NULL */
    const char *mock_case;  /* test case, NULL: none */
    const asl_handler *const *handlers; /* further schemes */
    size_t handler_count;
    asl_event_sink *on_event; /* or NULL */
    void *on_event_user;
} asl_engine_options;

/* Decodes the program's image and opens the bindings. NULL with a message when that fails: nothing has run then. */
asl_engine *asl_engine_new(const asl_program *program, const asl_engine_options *options, char *message, size_t message_size);
void asl_engine_free(asl_engine *engine); /* cancels what still runs, waits for processes to end */

/* Starts an execution; input is moved in; name may be NULL. It runs in asl_engine_run. */
asl_execution *asl_execution_start(asl_engine *engine, asl_value input, const char *name);
void asl_execution_stop(asl_execution *x, asl_value error, asl_value cause); /* ABORTED; moved in */

enum asl_run_mode { ASL_RUN_DEFAULT, ASL_RUN_NOWAIT, ASL_RUN_READY };
/* Runs what is ready; DEFAULT waits for timers and handlers until an execution ended or nothing is left, NOWAIT returns
   instead of waiting, READY does not even let the virtual clock's time pass. Returns the number of executions still
   running. */
int asl_engine_run(asl_engine *engine, enum asl_run_mode mode);
/* For a foreign event loop: wait until this descriptor is readable or so many ms have passed, then run NOWAIT. */
int asl_engine_poll_fd(asl_engine *engine);        /* -1 while nothing outside is awaited */
int64_t asl_engine_next_deadline(asl_engine *engine); /* ms from now, 0 ready work, -1 none */

/* The virtual clock by hand (pace.c): run READY, then put the clock where the next thing happens. Times are ms since 1970. */
int64_t asl_engine_now(const asl_engine *engine);
int64_t asl_engine_next_timer(const asl_engine *engine); /* when it is due, -1: none */
void asl_engine_set_time(asl_engine *engine, int64_t ms); /* may go back; what is due then happens in the next run */
/* Also from an event sink, where asl_execution_stop must not be called: it ends, ABORTED, once what runs gives way. */
void asl_execution_cut(asl_execution *x);

asl_status asl_execution_status(const asl_execution *x);
const char *asl_status_name(asl_status status); /* "SUCCEEDED" */
const char *asl_execution_name(const asl_execution *x);
const char *asl_execution_arn(const asl_execution *x);
const char *asl_execution_failed_state(const asl_execution *x); /* name, or NULL */
const asl_value *asl_execution_input(const asl_execution *x);
const asl_value *asl_execution_output(const asl_execution *x); /* ASL_NONE unless SUCCEEDED */
const asl_value *asl_execution_error(const asl_execution *x);  /* string or ASL_NONE */
const asl_value *asl_execution_cause(const asl_execution *x);
int64_t asl_execution_start_ms(const asl_execution *x);
int64_t asl_execution_stop_ms(const asl_execution *x);
uint64_t asl_execution_transitions(const asl_execution *x);    /* states entered */
void asl_execution_free(asl_execution *x);

/* ---- text in, text out: what `aslc build --shared` wraps; thread-safe, each call has an engine of its own */
typedef struct asl_outcome {
    asl_status status;
    char *output; /* JSON text when SUCCEEDED, else NULL */
    char *error, *cause; /* or NULL */
    char *message; /* bad input or bad binding: nothing has run; status is ASL_ABORTED */
} asl_outcome;
int asl_execute(const asl_program *program, const char *input_json, const asl_engine_options *options, asl_outcome *out);
void asl_outcome_free(asl_outcome *out);

/* The command line of a compiled executable (contract.md, Run options). Returns the exit status. */
int asl_main(const asl_program *program, int argc, char **argv);

#ifdef __cplusplus
}
#endif
#endif
