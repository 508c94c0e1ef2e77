#include <stdio.h>

#include "aslc/runtime.h"

extern const asl_program order_program;

/* A scheme of our own: answers with the length of its spec. */
static int length_open(asl_binding *binding, asl_str spec, void **state, char *message, size_t message_size) {
    (void)binding;
    (void)message;
    (void)message_size;
    *state = (void *)spec.size;
    return 0;
}

static void length_start(asl_task *task) {
    asl_task_succeed(task, asl_int((int64_t)(size_t)asl_binding_state(task->binding)));
}

static void length_cancel(asl_task *task) { (void)task; }
static void length_close(asl_binding *binding, void *state) { (void)binding, (void)state; }

int main(void) {
    static const asl_handler length = {"length", length_open, length_close, length_start, length_cancel};
    const asl_handler *handlers[] = {&length};
    asl_bind binds[] = {{"arn:*", "length:four"}};
    asl_engine_options options = {.virtual_clock = true, .binds = binds, .bind_count = 1, .handlers = handlers,
                                  .handler_count = 1};
    asl_outcome outcome;
    asl_execute(&order_program, "{}", &options, &outcome);
    printf("%s %s\n", asl_status_name(outcome.status), outcome.output ? outcome.output : outcome.message);
    asl_outcome_free(&outcome);
    return 0;
}
