// Where Standard executions are journalled: SQLite or PostgreSQL behind one small interface.
//
//     journal.c ──► store.c  every SQL statement, once, in what both databases understand
//                      └──► database.h ──► sqlite.c | postgres.c    connect, run a statement, transactions
//
// A store is one connection and belongs to one thread. Nothing is written but between store_begin and store_commit; what
// was committed survives the process and the machine (SQLite: WAL with synchronous=FULL; PostgreSQL: its own settings,
// synchronous_commit on). docs/durability.md says what is written when. Where it says "own transaction", the function
// begins and commits one, unless the caller has begun one: then it belongs to that.
//
// What reads many rows reads them in pages. Its visitor may ask the store for anything but what it is visiting.
//
// Texts are JSON or opaque to the store. Large ones are kept once, by content: store_payload_put gives their name.
#ifndef ASL_STORE_H
#define ASL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aslc/value.h"

struct store;

enum store_result {
    STORE_OK,
    STORE_NONE,   /* there is no such execution, token, payload */
    STORE_EXISTS, /* … or there is one already */
    STORE_BUSY,   /* another process has the execution: its lease has not run out and it lives */
    STORE_LOST,   /* the fencing token is an old one: another process has taken the execution over */
    STORE_ERROR,  /* the database says no: store_message */
};

/* url: "sqlite:FILE", "postgres://…" or "postgresql://…". create: make what is missing (tables; SQLite: the file). NULL
   with a message that says what to do: library not installed, no such file, read-only, not a journal, a newer journal. */
struct store *store_open(const char *url, bool create, char *message, size_t message_size);
void store_close(struct store *s);
const char *store_message(const struct store *s); /* of the last STORE_ERROR, one line */
/* Whether the last STORE_ERROR is of a kind that passes, so that the transaction is worth repeating for a while: the
   connection is lost, the server starts or ends, another process was in the way. */
bool store_worth_repeating(const struct store *s);

/* Connects anew when the connection is lost; so whoever wants to survive a database that restarts calls it again for a
   while. EXISTS: the transaction whose commit said ERROR has happened after all (the connection broke before the answer
   came), it must not be repeated, and none has been begun. It is therefore a repetition of what failed that is begun
   after a failed commit. */
enum store_result store_begin(struct store *s);
/* Not OK: it is rolled back, nothing of the transaction has happened, unless the next store_begin says so. LOST as
   store_execution_update has it: PostgreSQL is asked in a bunch and may tell it here only. */
enum store_result store_commit(struct store *s);
void store_rollback(struct store *s); /* does nothing when no transaction is open */
/* Which execution the last LOST was about: a transaction may hold those of many. */
int64_t store_lost(const struct store *s);

// ---------------------------------------------------------------- executions

/* What a process says of itself when it claims an execution. Another process on the same machine can tell whether it
   still lives ("host boot-id pid-namespace pid start-time"). */
const char *store_owner(const struct store *s);

struct store_execution {
    int64_t id;          /* the store's */
    const char *machine; /* name of the state machine; with name the key */
    const char *name;
    const char *arn;
    const char *definition; /* hash */
    const char *status;     /* RUNNING, SUCCEEDED, …, as DescribeExecution has it */
    int64_t start_ms, stop_ms;     /* stop 0: it has not ended */
    int64_t deadline_ms;           /* 0: none */
    int64_t redrive_count, redrive_ms;
    int64_t events; /* ids given out so far */
    asl_str input, output, error, cause; /* payload texts as the journal wrote them; size 0 with NULL data: none */
    const char *state; /* a name to show: where it stands or failed; may be NULL */
    const char *owner;
    int64_t lease_ms; /* until when */
    int64_t fence;
    bool stop_wanted; /* asked for by another process, with stop_error and stop_cause */
    asl_str stop_error, stop_cause;
};

/* Makes the row and claims it. in: machine, name, arn, definition, start_ms, deadline_ms, input; out: id, fence. Inside a
   transaction of the caller's, like everything below that writes, unless it says otherwise. */
enum store_result store_execution_new(struct store *s, struct store_execution *x, int64_t now_ms, int64_t lease_ms);
/* Reads one. Texts are the store's, valid until its next call. */
enum store_result store_execution_find(struct store *s, const char *machine, const char *name, struct store_execution *out);
/* Newest first; status NULL: all. visit returns false to stop. */
enum store_result store_execution_list(struct store *s, const char *machine, const char *status,
                                       bool (*visit)(void *user, const struct store_execution *x), void *user);
/* Takes the execution over: BUSY while another live process has it (then *out tells who), NONE when it is gone. The own
   process may claim what it has, which makes the older fence an old one. Whatever its owner before was committing is in
   *out, or does not happen; so read what else there is after this. A transaction of its own. */
enum store_result store_execution_claim(struct store *s, int64_t id, int64_t now_ms, int64_t lease_ms,
                                        struct store_execution *out);
/* Longer lease, and LOST when the fence is not ours any more. Also tells whether a stop is wanted. Own transaction. */
enum store_result store_execution_renew(struct store *s, int64_t id, int64_t fence, int64_t until_ms, bool *stop_wanted);
/* Writes status, stop_ms, deadline_ms, redrive_count, redrive_ms, events, output, error, cause, state and definition;
   prolongs the lease to lease_ms. LOST: roll back, it is not ours. The first write of every journal transaction. */
enum store_result store_execution_update(struct store *s, const struct store_execution *x);
/* Gives it up: the next process need not wait for the lease. In the caller's transaction or, without one, its own. */
enum store_result store_execution_release(struct store *s, int64_t id, int64_t fence);
/* Deletes its frames, results and tokens: it has succeeded. */
enum store_result store_execution_clear(struct store *s, int64_t id);
/* Another process asks its owner to stop it. EXISTS: it has ended already. Own transaction. */
enum store_result store_execution_ask_stop(struct store *s, int64_t id, asl_str error, asl_str cause);
/* Deletes executions of the machine that ended before a time, and payloads nobody needs. *count: how many executions. Own
   transactions, bounded in size each. */
enum store_result store_gc(struct store *s, const char *machine, int64_t before_ms, int64_t *count);

// ---------------------------------------------------------------- what an execution consists of

/* Events are only ever appended. details: the journal's text. */
enum store_result store_event_add(struct store *s, int64_t execution, int64_t id, int64_t previous, int64_t time_ms,
                                  const char *type, asl_str details);
typedef bool store_event_visit(void *user, int64_t id, int64_t previous, int64_t time_ms, const char *type, asl_str details);
enum store_result store_events(struct store *s, int64_t execution, int64_t after_id, store_event_visit *visit, void *user);

/* Frames, by their path: "/", "/Fulfil[17]", "/Fulfil[17]/Pack.1". */
enum store_result store_frame_put(struct store *s, int64_t execution, asl_str path, asl_str record);
enum store_result store_frame_delete(struct store *s, int64_t execution, asl_str path);
enum store_result store_frames(struct store *s, int64_t execution, bool (*visit)(void *user, asl_str path, asl_str record),
                               void *user); /* in order of path */

/* Results of branches and iterations that are done, by the path of the frame that waits for them and their index. */
enum store_result store_result_put(struct store *s, int64_t execution, asl_str path, int64_t index, asl_str value);
enum store_result store_results_delete(struct store *s, int64_t execution, asl_str path); /* all of one frame */
enum store_result store_results(struct store *s, int64_t execution,
                                bool (*visit)(void *user, asl_str path, int64_t index, asl_str value), void *user);

/* Texts by content. ref: 64 hex digits and NUL. */
enum store_result store_payload_put(struct store *s, int64_t execution, asl_str text, char ref[65]);
enum store_result store_payload_get(struct store *s, const char *ref, asl_buffer *out);

// ---------------------------------------------------------------- task tokens

enum store_token_answer { STORE_TOKEN_OPEN, STORE_TOKEN_SUCCESS, STORE_TOKEN_FAILURE };

struct store_token {
    const char *token;
    int64_t execution;
    asl_str path;                    /* of the frame that waits */
    enum store_token_answer answer;
    asl_str output, error, cause;    /* of the answer; error, cause NULL data: not given */
    int64_t heartbeat_ms;            /* when the last heartbeat was, 0: none */
    int64_t heartbeat_seconds;       /* the task's HeartbeatSeconds, 0: none */
    int64_t deadline_ms;             /* when it times out, heartbeats included; 0: never */
    int64_t timeout_ms;              /* when it times out whatever the heartbeats (TimeoutSeconds); 0: never */
};

enum store_result store_token_put(struct store *s, const struct store_token *t);
enum store_result store_token_delete(struct store *s, const char *token);
enum store_result store_token_find(struct store *s, const char *token, struct store_token *out);
/* From another process, own transactions. STORE_NONE: no such token (TaskDoesNotExist); STORE_EXISTS: answered already;
   STORE_LOST: its time ran out (TaskTimedOut). */
enum store_result store_token_answer(struct store *s, const char *token, int64_t now_ms, enum store_token_answer answer,
                                     asl_str output, asl_str error, asl_str cause);
enum store_result store_token_heartbeat(struct store *s, const char *token, int64_t now_ms);
/* All tokens of an execution, for its owner to look for answers and heartbeats. */
enum store_result store_tokens(struct store *s, int64_t execution, bool (*visit)(void *user, const struct store_token *t),
                               void *user);
/* Whether anything another process may have written has changed since the last call: cheap, for polling. SQLite: PRAGMA
   data_version; PostgreSQL: LISTEN/NOTIFY or a counter. The first call says true. */
bool store_changed(struct store *s);

#endif
