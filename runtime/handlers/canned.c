// fail:ERROR[:CAUSE] and return:JSON, for tests: the answer is in the binding.

#include "answer.h"
#include <stdio.h>
#include <string.h>

struct canned {
    asl_value result;       /* return */
    asl_value error, cause; /* fail */
};

static struct canned *canned_new(void) { return asl_calloc(1, sizeof(struct canned)); }

static void canned_close(asl_binding *binding, void *state) {
    (void)binding;
    struct canned *c = state;
    asl_release(c->result);
    asl_release(c->error);
    asl_release(c->cause);
    asl_free(c);
}

static void canned_cancel(asl_task *task) { (void)task; }

// ---------------------------------------------------------------- fail

static int fail_open(asl_binding *binding, asl_str spec, void **state, char *message, size_t message_size) {
    (void)binding;
    const char *colon = spec.size ? memchr(spec.data, ':', spec.size) : NULL;
    asl_str error = {spec.data, colon ? (size_t)(colon - spec.data) : spec.size};
    if (error.size == 0) {
        snprintf(message, message_size, "fail: names no error; write fail:ERROR or fail:ERROR:CAUSE");
        return -1;
    }
    if (!asl__utf8_valid(spec)) {
        snprintf(message, message_size, "fail: the text is not UTF-8");
        return -1;
    }
    struct canned *c = canned_new();
    c->error = asl_string(error);
    if (colon)
        c->cause = asl_string((asl_str){colon + 1, spec.size - error.size - 1});
    *state = c;
    return 0;
}

static void fail_start(asl_task *task) {
    const struct canned *c = asl_binding_state(task->binding);
    asl_task_fail(task, asl_retain(c->error), asl_retain(c->cause));
}

const asl_handler asl_handler_fail = {
    .scheme = "fail", .open = fail_open, .close = canned_close, .start = fail_start, .cancel = canned_cancel,
    .simple = true};

// ---------------------------------------------------------------- return

static int return_open(asl_binding *binding, asl_str spec, void **state, char *message, size_t message_size) {
    (void)binding;
    asl_json_error error;
    struct canned *c = canned_new();
    if (asl_json_parse(spec, NULL, &c->result, &error) < 0) {
        snprintf(message, message_size, "return: what follows is not JSON (%u:%u: %s)", error.line, error.column,
                 error.message);
        c->result = asl_none();
        canned_close(binding, c);
        return -1;
    }
    *state = c;
    return 0;
}

static void return_start(asl_task *task) {
    const struct canned *c = asl_binding_state(task->binding);
    asl_task_succeed(task, asl_retain(c->result));
}

const asl_handler asl_handler_return = {
    .scheme = "return", .open = return_open, .close = canned_close, .start = return_start, .cancel = canned_cancel,
    .simple = true};
