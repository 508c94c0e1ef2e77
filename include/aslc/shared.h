// Text in, text out: what the functions that a shared object exports are made of.
//
// `aslc build --shared order.asl.json` writes order.h with order_execute, order_start and so on; each passes its program on
// to the function of the same purpose here. That header describes them for its users, in the same words; a C program
// that links the runtime itself can call these, or the richer aslc/runtime.h.
//
// Everything crosses as NUL-terminated UTF-8 text, integers and opaque pointers, so any language that can call C can use
// it. Functions are thread-safe; an asl_shared_run belongs to one thread at a time.
#ifndef ASLC_SHARED_H
#define ASLC_SHARED_H

#include "program.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASL_SHARED_ABI 1
uint32_t asl_shared_abi_version(void);

/* The exit statuses of a compiled executable, and one for what has not ended. */
enum {
    ASL_SHARED_RUNNING = -1,
    ASL_SHARED_SUCCEEDED = 0,
    ASL_SHARED_FAILED = 1,
    ASL_SHARED_INVALID = 2, /* bad input, options or binding: nothing has run; the cause says what is wrong */
    ASL_SHARED_TIMED_OUT = 3,
    ASL_SHARED_ABORTED = 4,
};

/* Runs one execution to its end. input: JSON, NULL means {}. options: a JSON object, or NULL:
       {"bind": {PATTERN: HANDLER, …}, "mock": "FILE#CASE", "clock": "real"|"virtual", "seed": N,
        "type": "standard"|"express", "strictAws": true, "name": "…"}
   output, error, cause may be NULL; otherwise each is set to a text of yours (asl_shared_free) or NULL. */
int32_t asl_shared_execute(const asl_program *program, const char *input, const char *options, char **output,
                           char **error, char **cause);
void asl_shared_free(char *text);

// ---------------------------------------------------------------- in steps, for a foreign event loop

typedef struct asl_shared_run asl_shared_run; /* one execution and its engine */

/* NULL when input or options are wrong: *message (message may be NULL) is then yours to release with asl_shared_free. */
asl_shared_run *asl_shared_start(const asl_program *program, const char *input, const char *options, char **message);
int32_t asl_shared_step(asl_shared_run *run); /* runs what is ready; never waits */
int32_t asl_shared_status(const asl_shared_run *run);
int32_t asl_shared_poll_fd(asl_shared_run *run);        /* step again when it is readable; -1: nothing outside */
int64_t asl_shared_next_deadline(asl_shared_run *run);  /* or after so many ms; 0: at once, -1: no timer */
const char *asl_shared_output(asl_shared_run *run);     /* NULL unless it applies; lives until close */
const char *asl_shared_error(asl_shared_run *run);
const char *asl_shared_cause(asl_shared_run *run);
void asl_shared_stop(asl_shared_run *run, const char *error, const char *cause); /* either may be NULL */
void asl_shared_close(asl_shared_run *run);             /* cancels what still runs; NULL is fine */

#ifdef __cplusplus
}
#endif
#endif
