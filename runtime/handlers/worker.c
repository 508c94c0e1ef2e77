// worker:[-jN] [-c] COMMAND ARGS… — like exec, but the process stays: one JSON document a line each way.
//
//     tasks ──► queue ──► slot 0: process ◄─ payload line ── busy with one task
//                         slot 1: …        ── answer line ─►
//
// -c: a line is {"payload": …, "call": {"resource", "state", "attempt", "idempotencyToken", "taskToken", "traceparent",
// "xrayTrace"}}: what a process for each call is told by its environment; what there is not is left out.
// -jN: so many processes at once, 1 unless said. A process is started for the first task that needs it, and ends when
// the binding is closed: its standard input ends then.
//
// What comes back         what the task becomes
// ----------------------  -----------------------------------------------------------------------------------------
// a line of JSON          that result
// a failure report        {"Error", "Cause"} or {"errorType", "errorMessage"} and nothing else: the task fails with it
// a blank line            a heartbeat, like everything else it prints
// a line that is no JSON  States.TaskFailed; the process is replaced, for its next line may belong to this task
// the process ends        as for exec; the next task has a new process
//
// A task that is cancelled takes its process with it: there is no way to tell it to stop.

#include "answer.h"
#include "process.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PROCESSES 256

struct call {
    asl_task *task;
    struct slot *slot; /* NULL: waiting in line */
    struct call *next, *before;
};

struct slot {
    struct worker *worker;
    struct asl__process *process; /* NULL: none runs */
    struct call *call;            /* what it is busy with */
    bool ending;                  /* its last process is not quite gone */
    size_t looked;                /* bytes of the unfinished line that hold no newline */
};

struct worker {
    char **words; /* the block of the command */
    char **argv;  /* the command itself, after -jN */
    char who[ASL__WHO_SIZE];
    struct call *first, *last;
    bool closed, envelope;
    size_t alive; /* processes not released */
    size_t count;
    struct slot slots[];
};

static void worker_free(struct worker *w) {
    if (w->closed && w->alive == 0) {
        asl_free(w->words);
        asl_free(w);
    }
}

// ---------------------------------------------------------------- answers

/* The slot's task is answered: the slot is idle. The caller answers. */
static asl_task *take_task(struct slot *s) {
    asl_task *task = s->call->task;
    asl_free(s->call);
    s->call = NULL;
    task->data = NULL;
    return task;
}

static void stop_process(struct slot *s, asl_task *task) {
    struct asl__process *p = s->process;
    s->process = NULL;
    s->ending = true;
    asl__process_stop(p, task);
}

/* One line that came while a task was waiting for it. False: the process is out of step. */
static bool answer_line(struct slot *s, asl_str line) {
    asl_value result, cause;
    struct asl__failure failure;
    bool is_json = asl__answer_json(line, s->worker->who, "answered with", &result, &cause) == 0;
    asl_task *task = take_task(s);
    if (!is_json) {
        asl_task_fail(task, asl_string(ASL_STR("States.TaskFailed")), cause);
    } else if (asl__failure_object(&result, true, &failure)) {
        asl_release(result);
        asl_task_fail(task, failure.error, failure.cause);
    } else {
        asl_task_succeed(task, result);
    }
    return is_json;
}

/* Takes the finished lines out of p->out. False: more came than was asked for, or it was no JSON. */
static bool take_lines(struct slot *s, struct asl__process *p) {
    size_t from = 0;
    bool in_step = true;
    while (in_step) {
        size_t look = from + s->looked;
        const char *newline = look < p->out.size ? memchr(p->out.data + look, '\n', p->out.size - look) : NULL;
        if (!newline)
            break;
        asl_str line = {p->out.data + from, (size_t)(newline - p->out.data) - from};
        from += line.size + 1;
        s->looked = 0;
        if (!asl__is_blank(line))
            in_step = s->call && answer_line(s, line);
    }
    if (from > 0)
        memmove(p->out.data, p->out.data + from, p->out.size - from);
    p->out.size -= from;
    s->looked = p->out.size;
    return in_step;
}

static void next(struct worker *w);

static void on_output(struct asl__process *p, void *owner) {
    struct slot *s = owner;
    if (s->call)
        asl_task_heartbeat(s->call->task);
    bool in_step = take_lines(s, p);
    if (s->call)
        return;
    asl__pass_on(&p->err);
    if (!in_step || !asl__is_blank((asl_str){p->out.data, p->out.size}))
        stop_process(s, NULL);
    else
        next(s->worker);
}

/* It ended without answering. */
static void fail_ended(struct slot *s, const struct asl__process *p) {
    const char *name = s->worker->who;
    struct asl__failure failure;
    asl_str err = {p->err.data, p->err.size};
    asl_task *task = take_task(s);
    if (p->out_overflow) {
        asl__task_fail(task, "%s answered with more than %zu bytes and was killed", name, p->out_limit);
    } else if (p->input_lost && p->signal == SIGKILL) {
        asl__task_fail(task, "%s closed its standard input before it had read the payload, and was killed", name);
    } else if (p->error) {
        asl__task_fail(task, "%s was killed because its streams failed: %s", name, uv_strerror(p->error));
    } else if (!p->signal && p->exit_status != 0 && asl__failure_in_text(err, &failure)) {
        asl_task_fail(task, failure.error, failure.cause);
    } else {
        asl_buffer cause = {0};
        const char *what = p->signal ? sigdescr_np(p->signal) : NULL;
        if (p->signal)
            asl_buffer_format(&cause, "%s was ended by signal %d (%s)", name, p->signal, what ? what : "unknown");
        else
            asl_buffer_format(&cause, "%s exited with status %d", name, (int)p->exit_status);
        asl_buffer_z(&cause, " before it answered");
        asl__task_fail_saying(task, &cause, err);
    }
}

static void on_ended(struct asl__process *p, void *owner) {
    struct slot *s = owner;
    s->process = NULL;
    s->ending = true;
    if (s->call && !p->error && !p->out_overflow) {
        asl_buffer_byte(&p->out, '\n'); /* a last line needs no newline */
        take_lines(s, p);
    }
    if (s->call)
        fail_ended(s, p);
    else
        asl__pass_on(&p->err);
}

static void on_released(void *owner) {
    struct slot *s = owner;
    struct worker *w = s->worker;
    s->ending = false;
    w->alive--;
    next(w);
    worker_free(w);
}

static const struct asl__process_events events = {on_output, on_ended, on_released};

// ---------------------------------------------------------------- the queue

static int start_process(struct slot *s, asl_task *task) {
    char **env = asl__task_environment(NULL);
    int rc = asl__process_start(&s->process, asl_task_loop(task), s->worker->argv, env, asl__output_limit(), &events,
                                s);
    asl_free(env);
    if (rc < 0)
        return rc;
    s->process->must_listen = true;
    s->looked = 0;
    s->worker->alive++;
    return 0;
}

static void add_text(asl_buffer *text, const char *name, const char *z) {
    if (!z)
        return;
    asl_buffer_format(text, ",\"%s\":", name);
    asl_json_print_string(asl_str_z(z), text);
}

static void add_call(const asl_task *task, asl_buffer *text) {
    asl_buffer_format(text, ",\"call\":{\"attempt\":%u", task->attempt);
    add_text(text, "resource", task->resource);
    add_text(text, "state", task->state);
    add_text(text, "idempotencyToken", task->idempotency);
    add_text(text, "taskToken", task->token);
    add_text(text, "traceparent", task->traceparent);
    add_text(text, "xrayTrace", task->xray_trace);
    asl_buffer_z(text, "}}");
}

static void begin(struct slot *s, struct call *c) {
    asl_task *task = c->task;
    int rc = s->process ? 0 : start_process(s, task);
    if (rc < 0) {
        task->data = NULL;
        asl_free(c);
        asl__task_fail(task, "worker: %.200s: %s", s->worker->argv[0], uv_strerror(rc));
        return;
    }
    s->call = c;
    c->slot = s;
    asl__process_keep_loop(s->process, true);
    asl_buffer text = {0};
    if (s->worker->envelope)
        asl_buffer_z(&text, "{\"payload\":");
    asl_json_print(task->payload, &text);
    if (s->worker->envelope)
        add_call(task, &text);
    asl_buffer_byte(&text, '\n');
    asl__process_write(s->process, &text, false);
}

static void join_line(struct worker *w, struct call *c) {
    c->before = w->last;
    *(w->last ? &w->last->next : &w->first) = c;
    w->last = c;
}

static void leave_line(struct worker *w, struct call *c) {
    *(c->before ? &c->before->next : &w->first) = c->next;
    *(c->next ? &c->next->before : &w->last) = c->before;
    c->next = c->before = NULL;
}

/* Gives waiting tasks to idle slots, those with a process first; a process without work does not keep the loop. */
static void next(struct worker *w) {
    for (int without = 0; without < 2; without++)
        for (size_t i = 0; i < w->count && w->first; i++) {
            struct slot *s = &w->slots[i];
            while (w->first && !s->call && !s->ending && (s->process || without)) {
                struct call *c = w->first;
                leave_line(w, c);
                begin(s, c);
            }
        }
    for (size_t i = 0; i < w->count; i++)
        if (w->slots[i].process && !w->slots[i].call)
            asl__process_keep_loop(w->slots[i].process, false);
}

static void worker_start(asl_task *task) {
    struct worker *w = asl_binding_state(task->binding);
    struct call *c = asl_calloc(1, sizeof *c);
    c->task = task;
    task->data = c;
    join_line(w, c);
    next(w);
}

static void worker_cancel(asl_task *task) {
    struct worker *w = asl_binding_state(task->binding);
    struct call *c = task->data;
    if (!c)
        return;
    if (c->slot) {
        struct slot *s = c->slot;
        take_task(s);
        stop_process(s, task); /* the queue goes on when it is gone: not now, its siblings may be cancelled next */
        return;
    }
    task->data = NULL;
    leave_line(w, c);
    asl_free(c);
}

// ---------------------------------------------------------------- the binding

static int worker_open(asl_binding *binding, asl_str spec, void **state, char *message, size_t message_size) {
    (void)binding;
    char reason[256], **words;
    if (asl__split_words(spec, &words, reason, sizeof reason) < 0) {
        snprintf(message, message_size, "worker: %s", reason);
        return -1;
    }
    char **argv = words, *end;
    unsigned long count = 1;
    bool envelope = false;
    for (; argv[0] && argv[0][0] == '-'; argv++) {
        if (strcmp(argv[0], "-c") == 0 && argv[1]) {
            envelope = true;
            continue;
        }
        count = strncmp(argv[0], "-j", 2) == 0 ? strtoul(argv[0] + 2, &end, 10) : 0;
        if (count < 1 || count > MOST_PROCESSES || *end || !argv[1]) {
            snprintf(message, message_size,
                     "worker: '%.100s' is no option; write worker:-jN -c COMMAND with N from 1 to %d", argv[0],
                     MOST_PROCESSES);
            asl_free(words);
            return -1;
        }
    }
    struct worker *w = asl_calloc(1, sizeof *w + count * sizeof *w->slots);
    w->words = words;
    w->argv = argv;
    asl__who("worker", spec, w->who);
    w->count = count;
    w->envelope = envelope;
    for (size_t i = 0; i < count; i++)
        w->slots[i].worker = w;
    *state = w;
    return 0;
}

static void worker_close(asl_binding *binding, void *state) {
    (void)binding;
    struct worker *w = state;
    w->closed = true;
    for (size_t i = 0; i < w->count; i++) {
        struct asl__process *p = w->slots[i].process;
        w->slots[i].process = NULL;
        if (p)
            asl__process_retire(p);
    }
    worker_free(w);
}

const asl_handler asl_handler_worker = {
    .scheme = "worker", .open = worker_open, .close = worker_close, .start = worker_start, .cancel = worker_cancel};
