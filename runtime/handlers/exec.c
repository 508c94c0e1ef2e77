// exec:COMMAND ARGS… — a process per call: the payload on standard input, the result on standard output.
//
// How it ended            what the task becomes
// ----------------------  ------------------------------------------------------------------------------------------
// exit 0, one JSON text   that result; what it said on standard error is passed on to ours
// exit 0, nothing         null, as for a function that returns nothing
// exit 0, anything else   States.TaskFailed with line, column and the beginning of it
// exit 1 … 255            Error and Cause of the JSON object on standard error, else States.TaskFailed with its text
// a signal                States.TaskFailed "exec: ./charge was ended by signal 9 (Killed)"
// too much output         killed, States.TaskFailed
// not started             States.TaskFailed "exec: ./charge: no such file or directory"
//
// Everything a process prints counts as a heartbeat. At most ASL_EXEC_PROCESSES (64) of one binding run at a time, the
// others wait in line: a Map over 10,000 items shall not fork 10,000 processes.

#include "answer.h"
#include "process.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROCESSES 64

struct call {
    asl_task *task; /* NULL: cancelled */
    struct exec *exec;
    struct asl__process *process; /* NULL: waiting in line */
    struct call *next, *before;
};

struct exec {
    char **argv;
    char who[ASL__WHO_SIZE];
    struct call *first, *last; /* waiting */
    size_t running, most;
    bool closed;
};

static void exec_free(struct exec *x) {
    if (x->closed && x->running == 0) {
        asl_free(x->argv);
        asl_free(x);
    }
}

// ---------------------------------------------------------------- the answer

static void answer(asl_task *task, const char *who, struct asl__process *p) {
    asl_str out = {p->out.data, p->out.size}, err = {p->err.data, p->err.size};
    asl_buffer cause = {0};
    struct asl__failure failure;
    asl_value result, text;

    if (p->out_overflow) {
        asl__task_fail(task, "%s printed more than %zu bytes and was killed", who, p->out_limit);
    } else if (p->error) {
        asl__task_fail(task, "%s was killed because its streams failed: %s", who, uv_strerror(p->error));
    } else if (p->signal) {
        const char *what = sigdescr_np(p->signal);
        asl_buffer_format(&cause, "%s was ended by signal %d (%s)", who, p->signal, what ? what : "unknown");
        asl__task_fail_saying(task, &cause, err);
    } else if (p->exit_status != 0) {
        if (asl__failure_in_text(err, &failure)) {
            asl_task_fail(task, failure.error, failure.cause);
        } else if (text = asl__cause(err), asl_text_of(&text).size > 0) {
            asl_task_fail(task, asl_string(ASL_STR("States.TaskFailed")), text);
        } else {
            asl_release(text);
            asl__task_fail(task, "%s exited with status %d", who, (int)p->exit_status);
        }
    } else if (asl__is_blank(out)) {
        asl__pass_on(&p->err);
        asl_task_succeed(task, asl_null());
    } else if (asl__answer_json(out, who, "printed", &result, &text) == 0) {
        asl__pass_on(&p->err);
        asl_task_succeed(task, result);
    } else {
        asl_buffer_str(&cause, asl_text_of(&text));
        asl__task_fail_saying(task, &cause, err);
        asl_release(text);
    }
}

// ---------------------------------------------------------------- processes

static void on_output(struct asl__process *p, void *owner) {
    (void)p;
    struct call *c = owner;
    asl_task_heartbeat(c->task);
}

static void on_ended(struct asl__process *p, void *owner) {
    struct call *c = owner;
    asl_task *task = c->task;
    c->task = NULL;
    task->data = NULL;
    answer(task, c->exec->who, p);
}

static void start_waiting(struct exec *x);

static void on_released(void *owner) {
    struct call *c = owner;
    struct exec *x = c->exec;
    asl_free(c);
    x->running--;
    start_waiting(x);
    exec_free(x);
}

static const struct asl__process_events events = {on_output, on_ended, on_released};

/* Too many files or processes: worth another try when one of ours has ended. */
static bool is_shortage(int rc) {
    return rc == UV_EMFILE || rc == UV_ENFILE || rc == UV_EAGAIN || rc == UV_ENOMEM;
}

/* False when it has to wait in line after all. */
static bool launch(struct call *c) {
    struct exec *x = c->exec;
    asl_task *task = c->task;
    char **env = asl__task_environment(task);
    int rc = asl__process_start(&c->process, asl_task_loop(task), x->argv, env, asl__output_limit(), &events, c);
    asl_free(env);
    if (rc < 0 && is_shortage(rc) && x->running > 0)
        return false;
    if (rc < 0) {
        task->data = NULL;
        asl_free(c);
        asl__task_fail(task, "exec: %.200s: %s", x->argv[0], uv_strerror(rc));
        return true;
    }
    x->running++;
    asl_buffer text = {0};
    asl_json_print(task->payload, &text);
    asl_buffer_byte(&text, '\n'); /* for those that read lines */
    asl__process_write(c->process, &text, true);
    return true;
}

static void join_line(struct exec *x, struct call *c) {
    c->before = x->last;
    *(x->last ? &x->last->next : &x->first) = c;
    x->last = c;
}

static void leave_line(struct exec *x, struct call *c) {
    *(c->before ? &c->before->next : &x->first) = c->next;
    *(c->next ? &c->next->before : &x->last) = c->before;
    c->next = c->before = NULL;
}

static void start_waiting(struct exec *x) {
    while (x->first && x->running < x->most) {
        struct call *c = x->first;
        leave_line(x, c);
        if (launch(c))
            continue;
        c->next = x->first; /* back to its place */
        *(x->first ? &x->first->before : &x->last) = c;
        x->first = c;
        return;
    }
}

static void exec_start(asl_task *task) {
    struct exec *x = asl_binding_state(task->binding);
    struct call *c = asl_calloc(1, sizeof *c);
    c->task = task;
    c->exec = x;
    task->data = c;
    if (!x->first && x->running < x->most && launch(c))
        return;
    join_line(x, c);
}

static void exec_cancel(asl_task *task) {
    struct call *c = task->data;
    if (!c)
        return;
    task->data = NULL;
    c->task = NULL;
    if (c->process) {
        asl__process_stop(c->process, task);
        return;
    }
    leave_line(c->exec, c);
    asl_free(c);
}

// ---------------------------------------------------------------- the binding

static size_t processes(void) {
    const char *text = getenv("ASL_EXEC_PROCESSES");
    long n = text ? strtol(text, NULL, 10) : 0;
    return n > 0 && n <= 100000 ? (size_t)n : PROCESSES;
}

static int exec_open(asl_binding *binding, asl_str spec, void **state, char *message, size_t message_size) {
    (void)binding;
    char reason[256], **argv;
    if (asl__split_words(spec, &argv, reason, sizeof reason) < 0) {
        snprintf(message, message_size, "exec: %s", reason);
        return -1;
    }
    struct exec *x = asl_calloc(1, sizeof *x);
    x->argv = argv;
    asl__who("exec", spec, x->who);
    x->most = processes();
    *state = x;
    return 0;
}

static void exec_close(asl_binding *binding, void *state) {
    (void)binding;
    struct exec *x = state;
    x->closed = true; /* cancelled processes may still be ending */
    exec_free(x);
}

const asl_handler asl_handler_exec = {
    .scheme = "exec", .open = exec_open, .close = exec_close, .start = exec_start, .cancel = exec_cancel};
