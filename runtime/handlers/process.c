// A child process with its three streams: see process.h for the picture.
//
// libuv's own stream writes would need SIGPIPE to be ignored in the whole process, which is not ours to do when we live
// in someone's program; so the child's standard input is written here, with the signal blocked round the call.

#include "process.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_MS      100 /* how long streams may stay open after the main process has ended */
#define LOOK_AGAIN_MS 10  /* how often a stopped group is asked whether it is still there */
#define ERR_KEEP      (256u << 10) /* the end of standard error that is kept: a Cause, even with every byte escaped */
#define READ_MIN      4096
#define READ_MAX      65536

extern char **environ;

enum stage {
    RUNNING,
    DRAINING, /* the main process has ended, its streams have not */
    GIVING_UP, /* the group was killed, the streams are still open: someone outside the group holds them */
    RETIRING, /* waiting for it to end by itself */
    STOPPING, /* SIGTERM was sent */
    KILLED,   /* SIGKILL was sent */
    CLOSING,
};

static void read_ended(struct asl__process *p);

uint64_t asl_kill_grace_ms(void) {
    const char *text = getenv("ASL_KILL_GRACE_MS");
    char *end;
    if (!text || *text < '0' || *text > '9')
        return 2000;
    errno = 0;
    unsigned long long ms = strtoull(text, &end, 10);
    return *end || errno || ms > 86400000 ? 2000 : ms;
}

size_t asl__output_limit(void) {
    const char *text = getenv("ASL_OUTPUT_LIMIT");
    char *end;
    if (!text || *text < '0' || *text > '9')
        return (size_t)64 << 20;
    errno = 0;
    unsigned long long bytes = strtoull(text, &end, 10);
    return *end || errno || bytes == 0 ? (size_t)64 << 20 : (size_t)bytes;
}

void asl__pass_on(asl_buffer *text) {
    if (text->size)
        fwrite(text->data, 1, text->size, stderr);
    text->size = 0;
}

// ---------------------------------------------------------------- closing

static void closed(uv_handle_t *h) {
    struct asl__process *p = h->data;
    if (--p->handles > 0)
        return;
    asl_buffer_free(&p->in);
    asl_buffer_free(&p->out);
    asl_buffer_free(&p->err);
    struct asl_engine *held = p->held;
    const struct asl__process_events *events = p->events;
    void *owner = p->owner;
    asl_free(p);
    if (events)
        events->released(owner);
    if (held)
        asl_engine_unhold(held);
}

static void close_stream(uv_pipe_t *pipe, bool *open) {
    if (*open)
        uv_close((uv_handle_t *)pipe, closed);
    *open = false;
}

static void close_input(struct asl__process *p) {
    if (p->in_polled)
        uv_close((uv_handle_t *)&p->in_poll, closed);
    p->in_polled = false;
    if (p->in_fd >= 0)
        close(p->in_fd);
    p->in_fd = -1;
    asl_buffer_free(&p->in);
    p->in_offset = 0;
}

/* Ends the group; the number cannot have been given to others while a member of the group lives. */
static void signal_group(const struct asl__process *p, int signal) { kill(-p->process.pid, signal); }

static bool group_is_there(const struct asl__process *p) { return kill(-p->process.pid, 0) == 0 || errno == EPERM; }

static void close_all(struct asl__process *p) {
    if (p->stage == CLOSING)
        return;
    p->stage = CLOSING;
    close_input(p);
    close_stream(&p->out_pipe, &p->out_open);
    close_stream(&p->err_pipe, &p->err_open);
    uv_close((uv_handle_t *)&p->timer, closed);
    uv_close((uv_handle_t *)&p->process, closed);
}

/* The main process is gone and nothing more is to be read. */
static void finish(struct asl__process *p) {
    signal_group(p, SIGKILL); /* what it forked and left behind; usually nothing */
    if (!p->detached) {
        p->detached = true;
        p->events->ended(p, p->owner);
    }
    close_all(p);
}

// ---------------------------------------------------------------- reading

/* Our stream to it failed: it cannot go on as if nothing had happened. */
static void give_up(struct asl__process *p, int error) {
    if (p->error == 0)
        p->error = error;
    if (!p->exited)
        signal_group(p, SIGKILL);
}

static void make_room(uv_handle_t *h, size_t suggested, uv_buf_t *buf) {
    (void)suggested;
    struct asl__process *p = h->data;
    asl_buffer *b = h == (uv_handle_t *)&p->out_pipe ? &p->out : &p->err;
    size_t room = b->size < READ_MIN ? READ_MIN : b->size < READ_MAX ? b->size : READ_MAX;
    *buf = uv_buf_init(asl_buffer_reserve(b, room), (unsigned)room);
}

/* n more bytes stand at the end of the buffer. */
static void took(struct asl__process *p, asl_buffer *b, size_t n) {
    b->size += n;
    if (p->detached || p->out_overflow) { /* read on, so that it can end in peace, but keep nothing */
        b->size = 0;
        return;
    }
    if (b == &p->err && b->size > 2 * ERR_KEEP) {
        memmove(b->data, b->data + b->size - ERR_KEEP, ERR_KEEP);
        b->size = ERR_KEEP;
    }
    if (b == &p->out && b->size > p->out_limit) {
        p->out_overflow = true;
        asl_buffer_free(b);
        signal_group(p, SIGKILL);
        return;
    }
    if (p->stage == RUNNING)
        p->events->output(p, p->owner);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    (void)buf;
    struct asl__process *p = stream->data;
    bool is_out = stream == (uv_stream_t *)&p->out_pipe;
    if (n > 0)
        took(p, is_out ? &p->out : &p->err, (size_t)n);
    if (n >= 0 || p->stage == CLOSING)
        return;
    close_stream(is_out ? &p->out_pipe : &p->err_pipe, is_out ? &p->out_open : &p->err_open);
    if (n != UV_EOF)
        give_up(p, (int)n);
    read_ended(p);
}

static void read_ended(struct asl__process *p) {
    if (p->exited && !p->out_open && !p->err_open && (p->stage == DRAINING || p->stage == GIVING_UP))
        finish(p);
}

/* What is in the pipe now, without waiting: the loop may not have come round to it yet. */
static void read_rest(struct asl__process *p, uv_pipe_t *pipe, bool open, asl_buffer *b) {
    uv_os_fd_t fd;
    if (!open || uv_fileno((uv_handle_t *)pipe, &fd) < 0)
        return;
    while (!p->out_overflow || b == &p->err) {
        char *room = asl_buffer_reserve(b, READ_MAX);
        ssize_t n = read(fd, room, READ_MAX);
        if (n > 0)
            took(p, b, (size_t)n);
        else if (n == 0 || errno != EINTR)
            return;
    }
}

// ---------------------------------------------------------------- writing

/* write(2), but a reader that has gone is EPIPE and never a signal. */
static ssize_t write_quietly(int fd, const char *data, size_t size) {
    sigset_t pipe_signal, before, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    ssize_t n = write(fd, data, size);
    int error = errno;
    if (n < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE)) {
        static const struct timespec now = {0, 0};
        while (sigtimedwait(&pipe_signal, NULL, &now) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return n;
}

static void on_writable(uv_poll_t *poll, int status, int events);

static void feed(struct asl__process *p) {
    while (p->in_offset < p->in.size) {
        ssize_t n = write_quietly(p->in_fd, p->in.data + p->in_offset, p->in.size - p->in_offset);
        if (n >= 0) {
            p->in_offset += (size_t)n;
            continue;
        }
        if (errno == EINTR)
            continue;
        int rc = -errno;
        if (rc == UV_EAGAIN && !p->in_polled) {
            rc = uv_poll_init(p->process.loop, &p->in_poll, p->in_fd);
            if (rc == 0) {
                p->in_poll.data = p;
                p->in_polled = true;
                p->handles++;
            }
        }
        if (p->in_polled && (rc == 0 || rc == UV_EAGAIN))
            rc = uv_poll_start(&p->in_poll, UV_WRITABLE, on_writable);
        if (rc == 0)
            return; /* the pipe is full: the loop tells when it is not */
        close_input(p);
        p->input_lost = true;
        if (rc != UV_EPIPE) /* it need not read its input, but we must be able to write it */
            give_up(p, rc);
        else if (p->must_listen && !p->exited)
            signal_group(p, SIGKILL);
        return;
    }
    if (p->in_polled)
        uv_poll_stop(&p->in_poll);
    asl_buffer_free(&p->in);
    p->in_offset = 0;
    if (p->in_ends)
        close_input(p);
}

static void on_writable(uv_poll_t *poll, int status, int events) {
    (void)status, (void)events; /* an error shows in the write itself */
    feed(poll->data);
}

void asl__process_write(struct asl__process *p, asl_buffer *text, bool end) {
    p->in_ends |= end;
    if (p->in_fd < 0) {
        p->input_lost = true;
        if (p->must_listen && !p->exited)
            signal_group(p, SIGKILL);
    } else if (p->in.size == 0) {
        p->in = *text;
        *text = (asl_buffer){0};
        feed(p);
    } else {
        asl_buffer_add(&p->in, text->data, text->size);
    }
    asl_buffer_free(text);
}

// ---------------------------------------------------------------- ending

static void on_timer(uv_timer_t *timer) {
    struct asl__process *p = timer->data;
    switch ((enum stage)p->stage) {
    case DRAINING: /* something it forked holds the streams */
        signal_group(p, SIGKILL);
        p->stage = GIVING_UP;
        uv_timer_start(timer, on_timer, DRAIN_MS, 0);
        break;
    case GIVING_UP: /* and has left the group */
        read_rest(p, &p->out_pipe, p->out_open, &p->out);
        read_rest(p, &p->err_pipe, p->err_open, &p->err);
        finish(p);
        break;
    case RETIRING:
        p->stage = STOPPING;
        signal_group(p, SIGTERM);
        uv_timer_start(timer, on_timer, asl_kill_grace_ms(), 0);
        break;
    case STOPPING:
        if (p->exited && group_is_there(p) && uv_now(timer->loop) < p->deadline) {
            uv_timer_start(timer, on_timer, LOOK_AGAIN_MS, 0);
            break;
        }
        p->stage = KILLED;
        if (p->exited)
            finish(p);
        else
            signal_group(p, SIGKILL);
        break;
    case RUNNING:
    case KILLED:
    case CLOSING: break;
    }
}

static void on_exit_of_main(uv_process_t *process, int64_t status, int signal) {
    struct asl__process *p = process->data;
    p->exited = true;
    p->exit_status = status;
    p->signal = signal;
    switch ((enum stage)p->stage) {
    case RUNNING:
        if (!p->out_open && !p->err_open) {
            finish(p);
        } else {
            p->stage = DRAINING;
            uv_update_time(p->timer.loop); /* the loop's own time may be old, and the wait would be too short */
            uv_timer_start(&p->timer, on_timer, DRAIN_MS, 0);
        }
        break;
    case STOPPING: /* the rest of the group has what is left of the grace */
        on_timer(&p->timer);
        break;
    case RETIRING:
    case KILLED: finish(p); break;
    case DRAINING:
    case GIVING_UP:
    case CLOSING: break;
    }
}

/* Nobody waits for it any more; it is gone after `graces` times the grace at the latest. False: it has ended already. */
static bool let_go(struct asl__process *p, enum stage stage, uint64_t graces) {
    p->detached = true;
    asl__process_keep_loop(p, true);
    close_input(p);
    if (p->exited) {
        finish(p);
        return false;
    }
    p->stage = stage;
    uv_update_time(p->timer.loop);
    p->deadline = uv_now(p->timer.loop) + graces * asl_kill_grace_ms();
    uv_timer_start(&p->timer, on_timer, asl_kill_grace_ms(), 0);
    return true;
}

void asl__process_stop(struct asl__process *p, asl_task *task) {
    if (task && !p->held)
        asl_task_hold(task, &p->held);
    if (!let_go(p, STOPPING, 1))
        return;
    signal_group(p, SIGTERM);
    signal_group(p, SIGCONT); /* a stopped process would not see the signal */
}

void asl__process_retire(struct asl__process *p) { let_go(p, RETIRING, 2); }

void asl__process_keep_loop(struct asl__process *p, bool keep) {
    uv_handle_t *handles[] = {(uv_handle_t *)&p->process, p->out_open ? (uv_handle_t *)&p->out_pipe : NULL,
                              p->err_open ? (uv_handle_t *)&p->err_pipe : NULL,
                              p->in_polled ? (uv_handle_t *)&p->in_poll : NULL};
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++) {
        if (handles[i] && keep)
            uv_ref(handles[i]);
        else if (handles[i])
            uv_unref(handles[i]);
    }
}

// ---------------------------------------------------------------- starting

static void close_fd(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Takes over our end of a stream. */
static int open_stream(struct asl__process *p, uv_loop_t *loop, uv_pipe_t *pipe, bool *open, int *fd) {
    int rc = uv_pipe_init(loop, pipe, 0);
    if (rc < 0)
        return rc;
    pipe->data = p;
    p->handles++;
    *open = true;
    rc = uv_pipe_open(pipe, *fd);
    if (rc == 0)
        *fd = -1;
    return rc;
}

int asl__process_start(struct asl__process **out, uv_loop_t *loop, char *const *argv, char *const *env,
                       size_t out_limit, const struct asl__process_events *events, void *owner) {
    int in[2] = {-1, -1}, from[2] = {-1, -1}, err[2] = {-1, -1}, rc;
    bool process_made = false;
    struct asl__process *p = asl_calloc(1, sizeof *p);
    p->in_fd = -1;
    p->out_limit = out_limit;
    uv_timer_init(loop, &p->timer);
    p->timer.data = p;
    p->handles = 1;

    if ((rc = uv_pipe(in, 0, UV_NONBLOCK_PIPE)) < 0 || (rc = uv_pipe(from, UV_NONBLOCK_PIPE, 0)) < 0 ||
        (rc = uv_pipe(err, UV_NONBLOCK_PIPE, 0)) < 0)
        goto failed;
    if ((rc = open_stream(p, loop, &p->out_pipe, &p->out_open, &from[0])) < 0 ||
        (rc = open_stream(p, loop, &p->err_pipe, &p->err_open, &err[0])) < 0)
        goto failed;

    uv_stdio_container_t stdio[3] = {
        {.flags = UV_INHERIT_FD, .data.fd = in[0]},
        {.flags = UV_INHERIT_FD, .data.fd = from[1]},
        {.flags = UV_INHERIT_FD, .data.fd = err[1]},
    };
    uv_process_options_t options = {
        .exit_cb = on_exit_of_main,
        .file = argv[0],
        .args = (char **)argv, /* libuv does not write to them */
        .env = (char **)env,
        .flags = UV_PROCESS_DETACHED, /* setsid: its own group, to be signalled as a whole */
        .stdio_count = 3,
        .stdio = stdio,
    };
    rc = uv_spawn(loop, &p->process, &options);
    p->process.data = p;
    process_made = true; /* must be closed even when this failed */
    p->handles++;
    if (rc < 0)
        goto failed;

    close_fd(&in[0]);
    close_fd(&from[1]);
    close_fd(&err[1]);
    p->in_fd = in[1];
    p->events = events;
    p->owner = owner;
    *out = p;
    /* These cannot fail on streams just made; should they, the child ends and says why. */
    if ((rc = uv_read_start((uv_stream_t *)&p->out_pipe, make_room, on_read)) < 0 ||
        (rc = uv_read_start((uv_stream_t *)&p->err_pipe, make_room, on_read)) < 0)
        give_up(p, rc);
    return 0;

failed:
    close_fd(&in[0]), close_fd(&in[1]);
    close_fd(&from[0]), close_fd(&from[1]);
    close_fd(&err[0]), close_fd(&err[1]);
    p->stage = CLOSING;
    close_stream(&p->out_pipe, &p->out_open);
    close_stream(&p->err_pipe, &p->err_open);
    uv_close((uv_handle_t *)&p->timer, closed);
    if (process_made)
        uv_close((uv_handle_t *)&p->process, closed);
    return rc;
}

// ---------------------------------------------------------------- command lines

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static bool is_shell_operator(const char *word) {
    static const char *const operators[] = {"|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1", "|&", "&>"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(word, operators[i]) == 0)
            return true;
    return false;
}

/* Copies one word to *to, without its quotes. The character after it, or NULL when a quote is left open: then *quote
   is the culprit. *plain: nothing in it was quoted. */
static const char *copy_word(const char *s, const char *end, char **to, char *quote, bool *plain) {
    char *o = *to;
    *quote = 0;
    *plain = true;
    for (; s < end && (*quote || !is_blank(*s)); s++) {
        if (*quote == '\'') {
            if (*s == '\'')
                *quote = 0;
            else
                *o++ = *s;
        } else if (*s == '\\') {
            *plain = false;
            if (s + 1 == end) {
                *quote = '\\';
                break;
            }
            if (*quote == '"' && !strchr("\"\\$`\n", s[1]))
                *o++ = *s; /* inside "…" it quotes only what would be special there */
            *o++ = *++s;
        } else if (*s == *quote) {
            *quote = 0;
        } else if (!*quote && (*s == '\'' || *s == '"')) {
            *quote = *s;
            *plain = false;
        } else {
            *o++ = *s;
        }
    }
    *o++ = 0;
    *to = o;
    return *quote ? NULL : s;
}

int asl__split_words(asl_str command, char ***argv, char *message, size_t message_size) {
    if (command.size && memchr(command.data, 0, command.size)) {
        snprintf(message, message_size, "the command holds a NUL byte");
        return -1;
    }
    /* At most every other byte begins a word; the words need no more room than the command and a NUL each. */
    size_t most = command.size / 2 + 2;
    char **words = asl_alloc(most * sizeof *words + command.size + most);
    char *to = (char *)(words + most);
    size_t count = 0;
    const char *s = command.data, *end = command.data + command.size;
    for (;;) {
        while (s < end && is_blank(*s))
            s++;
        if (s == end)
            break;
        char quote;
        bool plain;
        words[count] = to;
        s = copy_word(s, end, &to, &quote, &plain);
        if (!s) {
            if (quote == '\\')
                snprintf(message, message_size, "the command ends in a \\ that quotes nothing");
            else
                snprintf(message, message_size, "the command has no closing %c", quote);
            asl_free(words);
            return -1;
        }
        if (plain && is_shell_operator(words[count])) {
            snprintf(message, message_size, "no shell runs the command, so '%s' means nothing; write sh -c '…'",
                     words[count]);
            asl_free(words);
            return -1;
        }
        count++;
    }
    if (count == 0 || !*words[0]) {
        snprintf(message, message_size, "names no command");
        asl_free(words);
        return -1;
    }
    words[count] = NULL;
    *argv = words;
    return 0;
}

void asl__who(const char *scheme, asl_str command, char out[ASL__WHO_SIZE]) {
    enum { SHOWN = 80 };
    while (command.size && is_blank(command.data[0]))
        command.data++, command.size--;
    while (command.size && is_blank(command.data[command.size - 1]))
        command.size--;
    size_t size = command.size;
    if (size > SHOWN)
        size = SHOWN;
    while (size > 0 && size < command.size && ((unsigned char)command.data[size] & 0xc0) == 0x80)
        size--; /* no half of a character */
    snprintf(out, ASL__WHO_SIZE, "%s: %.*s%s", scheme, (int)size, command.data, size < command.size ? "…" : "");
}

// ---------------------------------------------------------------- environment

static const char *const variables[] = {"ASL_RESOURCE=", "ASL_STATE=", "ASL_ATTEMPT=", "ASL_TASK_TOKEN=",
                                        "ASL_IDEMPOTENCY_TOKEN=", "TRACEPARENT=", "_X_AMZN_TRACE_ID="};
enum { VARIABLES = sizeof variables / sizeof *variables, TRACE = 5 /* from here on: left as it is without a trace */ };

static bool is_ours(const char *entry, const char *const *values) {
    for (size_t i = 0; i < VARIABLES; i++)
        if ((i < TRACE || values[i]) && strncmp(entry, variables[i], strlen(variables[i])) == 0)
            return true;
    return false;
}

char **asl__task_environment(const asl_task *task) {
    char attempt[16];
    snprintf(attempt, sizeof attempt, "%u", task ? task->attempt : 0);
    const char *values[VARIABLES] = {NULL};
    if (task) {
        values[0] = task->resource, values[1] = task->state, values[2] = attempt;
        values[3] = task->token, values[4] = task->idempotency;
        values[5] = task->traceparent, values[6] = task->xray_trace;
    }
    size_t inherited = 0, text = 0;
    while (environ && environ[inherited])
        inherited++;
    for (size_t i = 0; i < VARIABLES; i++)
        if (values[i])
            text += strlen(variables[i]) + strlen(values[i]) + 1;
    char **env = asl_alloc((inherited + VARIABLES + 1) * sizeof *env + text);
    char *to = (char *)(env + inherited + VARIABLES + 1);
    size_t count = 0;
    for (size_t i = 0; i < inherited; i++)
        if (!is_ours(environ[i], values)) /* those of an outer workflow are not this task's */
            env[count++] = environ[i];
    for (size_t i = 0; i < VARIABLES; i++) {
        if (!values[i])
            continue;
        env[count++] = to;
        to += sprintf(to, "%s%s", variables[i], values[i]) + 1;
    }
    env[count] = NULL;
    return env;
}
