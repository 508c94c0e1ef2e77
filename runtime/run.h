// Private to the command line of compiled executables: main.c parses and runs, commands.c asks the journal.
#ifndef ASL_RUN_H
#define ASL_RUN_H

#include "journal.h"
#include "run_main.h"
#include "sinks/sinks.h"

enum {
    EXIT_OK = 0, EXIT_FAILED_RUN = 1, EXIT_BAD_USE = 2, EXIT_TIMED_OUT = 3, EXIT_ABORTED = 4,
    EXIT_SUSPENDED = 75, /* EX_TEMPFAIL: run again to go on */
};

struct run {
    const char *name; /* of the program, for messages */
    const char *command, *operand; /* NULL: run */
    asl_engine_options options;
    asl_bind *binds;
    size_t bind_count;
    asl_buffer input_text; /* as it was sent */
    char **texts; /* what binds point into */
    size_t text_count;
    const char *input, *execution_name, *s3_root, *history, *report;
    struct sink_options sinks;
    struct journal_options journal;
    char *store; /* the default one */
    /* of commands */
    const char *status, *error, *cause, *output, *older_than, *format;
    bool describe, help, version, start_given, follow, no_input, each;
    size_t concurrency; /* --each: executions at once */
};

/* Prints "NAME: message" on standard error; EXIT_BAD_USE. */
int asl__complain(const struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes all of b to standard output: an exit status. */
int asl__write_out(const struct run *r, const asl_buffer *b);
/* "NAME: FAILED Error: Cause (state "S")" on standard error; error and cause are texts, or NULL data. */
void asl__say_failure(const struct run *r, const char *status, asl_str error, asl_str cause, const char *state);
/* The same line, added to a buffer. */
void asl__failure_line(const struct run *r, const char *status, asl_str error, asl_str cause, const char *state, asl_buffer *out);
int asl__status_exit(const char *status);
/* Writes the report of --report, from the two JSON texts. */
int asl__write_report(const struct run *r, const asl_value *image, asl_str description, asl_str history);

/* Everything that listens and keeps; what is opened belongs to the engine. */
struct session {
    asl_engine *engine;
    struct journal *journal; /* or NULL */
    asl_buffer events;       /* for a report without a journal: {"events":[… */
};

/* --each (each.c): the exit status. */
int asl__run_each(struct run *r, struct session *s, const asl_program *program);
/* Engines that a signal interrupts, besides the session's; those that are not there yet are NULL. */
void asl__interrupt_also(asl_engine *volatile *engines, size_t count);
bool asl__was_signalled(void);

/* list, describe, history, gc, send-task-…: those that run nothing. */
bool asl__is_query(const char *command);
int asl__query(struct run *r, const asl_program *program);
/* Prints the outcome of an execution that has ended, from the store. */
int asl__report_ended(const struct run *r, struct store *s, const char *machine, const char *name);
/* DescribeExecution's JSON and GetExecutionHistory's JSON from the store. False: not there (said). */
bool asl__stored_description(const struct run *r, struct store *s, const char *machine, const char *name, asl_buffer *out);
bool asl__stored_history(const struct run *r, struct store *s, const char *machine, const char *name, asl_buffer *out);
/* stop NAME while another process runs it: asks and waits for the end. */
int asl__ask_stop(const struct run *r, struct store *s, const char *machine, const char *name);

#endif
