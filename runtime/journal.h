// The journal: executions that survive their process.
//
//     engine ── asl_journal hooks ──► journal.c ──► store/
//                                        └── checkpoint.c   frames as records, and back
//
// While it runs, an execution's frames are marked as they change. Before anything comes of what has happened (a task is
// started, an end is told, the process sleeps) the records of the marked frames, the events since and the results of
// branches and items are written in one transaction, for all executions of the engine together. docs/durability.md has
// what a crash at each point means.
#ifndef ASL_JOURNAL_H
#define ASL_JOURNAL_H

#include "observe.h"

struct journal;
struct store;

struct journal_options {
    const char *url;
    bool wait;                /* stay for tokens and long waits instead of suspending */
    int64_t suspend_after_ms; /* waits longer than this need no process */
    bool stop;                /* what is taken up is not run on, so nobody need be there for its tasks */
};

/* Opens the store and lets the engine keep its executions there; the engine closes it. NULL with a message. */
struct journal *asl__journal_open(asl_engine *e, const struct journal_options *options, char *message, size_t message_size);
struct store *asl__journal_store(struct journal *j);
/* Why the run had to be given up; "" when it was not, but for a checkpoint. */
const char *asl__journal_problem(const struct journal *j);

enum journal_found {
    JOURNAL_NEW,     /* no execution of that name */
    JOURNAL_RESUMED, /* *x runs on from where it was */
    JOURNAL_ENDED,   /* it has ended */
    JOURNAL_REFUSED, /* it cannot be had: see message */
};
/* Takes up an execution of that name, if there is one. input: what it should have been started with, size 0: whatever.
   redrive: one that has ended unsuccessfully goes on from what it has not finished. */
enum journal_found asl__journal_take(struct journal *j, const char *name, asl_str input, bool redrive, asl_execution **x,
                                     char *message, size_t message_size);

/* GetExecutionHistory's JSON of one event as the journal keeps it (reads payloads from the store). */
bool asl__journal_event_print(struct store *s, int64_t id, int64_t previous, int64_t time_ms, const char *type,
                              asl_str details, asl_buffer *out);
/* A text of a store_execution (input, output, error, cause) as it was. Nothing is added for one that is not there. */
bool asl__journal_text(struct store *s, asl_str from, asl_buffer *out);

#endif
