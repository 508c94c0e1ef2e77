// A workflow of one Task state, made by hand, for tests of handlers: no compiler is needed.
//
//     struct outcome o = run_task("exec:./charge", "{}", 0);
//     CHECK_STR(o.error, "States.TaskFailed");
//     outcome_free(&o);
#ifndef ASL_ONE_TASK_H
#define ASL_ONE_TASK_H

#include "aslc/runtime.h"
#include "rt.h"
#include "steps.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* State "A": slot 0 is its input and slot 1 its result. */
static int32_t one_task_step(asl_frame *f) {
    int32_t answer;
    switch (f->resume) {
    case 0:
        if (asl_rt_enter(f, 0, 0)) return ASL_FAILED;
        break;
    case 1:
        if (asl_rt_result(f, 1) == 0) {
            if (asl_rt_exit(f, 0, 1) || asl_rt_done(f, 1)) return ASL_FAILED;
            return ASL_DONE;
        }
        if ((answer = asl_rt_retry(f, 0)) == 0) return ASL_FAILED;
        f->resume = 2;
        return retry_or_go_on(f, one_task_step, answer);
    default: break; /* 2: the backoff is over */
    }
    f->resume = 1;
    if (asl_rt_attempt(f, 0)) return ASL_FAILED;
    return wait_or_go_on(f, one_task_step, asl_rt_task(f, 0, 0, ASL_NO_OPERAND, ASL_NO_OPERAND, ASL_NO_OPERAND));
}

static asl_step *const one_task_steps[] = {one_task_step};
static const asl_handler *const one_task_handlers[] = {&asl_handler_exec, &asl_handler_worker, &asl_handler_ffi,
                                                       &asl_handler_fail, &asl_handler_return, NULL};

/* What to run; everything may be left out. */
struct one_task {
    const char *handler;  /* for --bind '*=HANDLER' */
    const char *payload;  /* JSON; absent: {} */
    const char *site;     /* further members of the site: "\"timeoutSeconds\": 1" */
    const char *bindings; /* compiled in */
    asl_thunk *const *thunks;
    const char *mock_file, *mock_case;
    bool virtual_clock;
    int count; /* of executions at once in one engine; 0: one */
};

struct outcome {
    asl_status status;
    asl_value output, error, cause;
    char message[2048]; /* not empty: nothing has run */
};

static inline void outcome_free(struct outcome *o) {
    asl_release(o->output);
    asl_release(o->error);
    asl_release(o->cause);
}

static inline asl_str text_of(const asl_value *v) {
    return v->tag == ASL_STRING || v->tag == ASL_NUMBER_TEXT ? asl_text_of(v) : ASL_STR("(no string)");
}

/* The output as JSON text, in a buffer that the next call overwrites. */
static inline const char *output_text(const struct outcome *o) {
    static char text[4096];
    asl_buffer b = {0};
    if (o->output.tag != ASL_NONE) asl_json_print(&o->output, &b);
    snprintf(text, sizeof text, "%.*s", (int)b.size, b.size ? b.data : "");
    asl_buffer_free(&b);
    return text;
}

static inline asl_value json(const char *text) {
    asl_value v = asl_null();
    asl_json_error e;
    if (asl_json_parse(asl_str_z(text), NULL, &v, &e) < 0) printf("test input: %s\n", e.message);
    return v;
}

/* Runs t->count executions at once; their outcomes are in out[]. */
static inline void run_all(const struct one_task *t, struct outcome *out) {
    size_t count = t->count ? (size_t)t->count : 1;
    asl_buffer image = {0};
    asl_buffer_format(&image,
                      "{\"abi\":1,\"name\":\"test\",\"type\":\"STANDARD\",\"definition\":\"\",\"constants\":[],"
                      "\"paths\":[],\"states\":[{\"name\":\"A\",\"type\":\"Task\"}],"
                      "\"machines\":[{\"name\":\"/\",\"slots\":[\"input\",\"result\"],"
                      "\"resume\":[\"A\",\"A.result\",\"A.retry\"],\"captures\":[]}],"
                      "\"sites\":[{\"state\":0,\"kind\":\"task\",\"resource\":\"urn:task\"%s%s}],\"bindings\":[%s]}",
                      t->site ? "," : "", t->site ? t->site : "", t->bindings ? t->bindings : "");
    const asl_program program = {.abi = ASL_ABI,
                                 .step_count = 1,
                                 .image = image.data,
                                 .image_size = image.size,
                                 .steps = one_task_steps,
                                 .thunks = t->thunks,
                                 .handlers = one_task_handlers};
    const asl_bind bind = {"*", t->handler};
    const asl_engine_options options = {.binds = &bind,
                                        .bind_count = t->handler != NULL,
                                        .mock_file = t->mock_file,
                                        .mock_case = t->mock_case,
                                        .virtual_clock = t->virtual_clock};
    memset(out, 0, count * sizeof *out);
    asl_engine *e = asl_engine_new(&program, &options, out[0].message, sizeof out[0].message);
    asl_execution **x = asl_calloc(count, sizeof(asl_execution *));
    for (size_t i = 0; e && i < count; i++) x[i] = asl_execution_start(e, json(t->payload ? t->payload : "{}"), NULL);
    while (e && asl_engine_run(e, ASL_RUN_DEFAULT) > 0) {
    }
    for (size_t i = 0; e && i < count; i++) {
        out[i].status = asl_execution_status(x[i]);
        out[i].output = asl_retain(*asl_execution_output(x[i]));
        out[i].error = asl_retain(*asl_execution_error(x[i]));
        out[i].cause = asl_retain(*asl_execution_cause(x[i]));
        asl_execution_free(x[i]);
    }
    asl_free(x);
    asl_engine_free(e);
    asl_buffer_free(&image);
}

static inline struct outcome run_one(struct one_task t) {
    struct outcome o;
    t.count = 0;
    run_all(&t, &o);
    return o;
}

/* handler with payload, timed out after so many seconds unless 0. */
static inline struct outcome run_task(const char *handler, const char *payload, int timeout_seconds) {
    char site[64];
    snprintf(site, sizeof site, "\"timeoutSeconds\":%d", timeout_seconds);
    return run_one((struct one_task){.handler = handler, .payload = payload, .site = timeout_seconds ? site : NULL});
}

/* Descriptors this process has open. */
static inline int open_files(void) {
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (d && readdir(d)) n++;
    if (d) closedir(d);
    return n;
}

/* Children of this process, zombies included. */
static inline bool has_children(void) { return waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD; }

#endif
