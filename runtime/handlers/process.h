// A child process with its three streams, as exec and worker need it.
//
//     asl__process_start ──► running ──► main process exits ──► streams end ──► ended() ──► released()
//                               │                                  └ not soon: the group is killed
//                               ├─ asl__process_stop:   TERM to the group, KILL after the grace ──► released()
//                               └─ asl__process_retire: its input ends; TERM and KILL if that is not enough
//
// A child leads a session and process group of its own, so that what it forks can be ended with it: whatever is left
// of the group when the main process has ended is killed. The streams are pipes, not sockets, so that /dev/stdin works.
//
// The struct frees itself after its last handle has closed; released() is the last thing that is heard of it. After
// stop, retire and ended() the caller forgets its pointer.
#ifndef ASL_PROCESS_H
#define ASL_PROCESS_H

#include "aslc/handler.h"
#include <uv.h>

struct asl__process;

struct asl__process_events {
    /* Bytes were added to p->out, or to p->err which keeps the last ones only. The callback may consume them from
       p->out, and may stop the process. */
    void (*output)(struct asl__process *p, void *owner);
    /* The main process was reaped and its streams have ended: exit_status, signal, error and both buffers tell how.
       Not called after stop or retire. */
    void (*ended)(struct asl__process *p, void *owner);
    /* Nothing is left of it. Called in every case; never from within another call on p. */
    void (*released)(void *owner);
};

struct asl__process {
    /* for the owner to read; out may be consumed */
    asl_buffer out, err;
    int64_t exit_status;
    int signal;        /* that ended it, or 0 */
    int error;         /* a stream of ours failed: a negative libuv error; the process was killed for it, or 0 */
    bool out_overflow; /* it was killed because out would have grown beyond its limit */
    bool input_lost;   /* it closed its standard input before everything was written */
    bool must_listen;  /* set by the owner: then it is killed for that */

    /* private to process.c */
    const struct asl__process_events *events;
    void *owner;
    struct asl_engine *held; /* the engine waits for this process */
    uv_process_t process;
    uv_pipe_t out_pipe, err_pipe;
    uv_timer_t timer;
    uv_poll_t in_poll; /* only while the pipe to the child is full */
    int in_fd;         /* -1: closed */
    asl_buffer in;
    size_t in_offset;
    size_t out_limit;
    uint64_t deadline;  /* stopping: when the group is killed, by uv_now */
    uint32_t handles;   /* open ones */
    int stage;
    bool in_ends; /* close in_fd once everything is written */
    bool in_polled, out_open, err_open, exited, detached;
};

/* Spawns argv with the environment env, both ending in NULL. 0, or a negative libuv error: then nothing runs and
   no event will follow. out_limit: bytes that may be pending in p->out. */
int asl__process_start(struct asl__process **out, uv_loop_t *loop, char *const *argv, char *const *env,
                       size_t out_limit, const struct asl__process_events *events, void *owner);
/* Queues text for its standard input and empties the buffer; end: that was all, its input ends. */
void asl__process_write(struct asl__process *p, asl_buffer *text, bool end);
/* The task was cancelled, or the process cannot be trusted any more. With a task, its engine waits for the end. */
void asl__process_stop(struct asl__process *p, asl_task *task);
/* It is no longer needed: its input ends, which is the polite way to tell. */
void asl__process_retire(struct asl__process *p);
/* An idle process does not keep the loop alive. */
void asl__process_keep_loop(struct asl__process *p, bool keep);

/* Splits a command as a shell splits plain words: blanks separate, '…' and "…" and \ quote. No variables, patterns,
   pipes or redirections: a word that is only a shell operator is refused with the way to write it. *argv is one
   block, ending in NULL, freed with asl_free. 0, or -1 with a message. */
int asl__split_words(asl_str command, char ***argv, char *message, size_t message_size);

/* "exec: ./charge --fast", for messages: the command as written, cut when it is long. */
enum { ASL__WHO_SIZE = 128 };
void asl__who(const char *scheme, asl_str command, char out[ASL__WHO_SIZE]);

/* The environment of a task's process: ours, with the ASL_ variables replaced. task NULL: without them. One block. */
char **asl__task_environment(const asl_task *task);

/* The most bytes one answer may have: ASL_OUTPUT_LIMIT in the environment, else 64 MiB. */
size_t asl__output_limit(void);

/* Writes text to our standard error, for what a child that succeeded has said there. */
void asl__pass_on(asl_buffer *text);

#endif
