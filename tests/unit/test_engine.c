// The engine without the compiler: step functions written by hand the way compiled code looks, images as the compiler
// writes them, and a handler of our own, scheme "test":
//
//     test:now:JSON   answers from within start        test:later:MS:JSON   after so many real milliseconds
//     test:fail:A,B,C fails with A, then B, then C, then A again          test:never   waits to be cancelled
#include "engine.h"
#include "steps.h"
#include "test.h"

#include <pthread.h>
#include <uv.h>

// ---------------------------------------------------------------- the handler

static struct {
    int started, cancelled, running, most_running;
    uint32_t last_attempt, last_depth, last_index;
    asl_task *last;
} seen;

static int test_open(asl_binding *b, asl_str spec, void **state, char *message, size_t size) {
    (void)b;
    if (spec.size == 0) {
        snprintf(message, size, "what should it do?");
        return -1;
    }
    char *z = asl_calloc(1, spec.size + 1);
    memcpy(z, spec.data, spec.size);
    *state = z;
    return 0;
}

static void test_close(asl_binding *b, void *state) {
    (void)b;
    asl_free(state);
}

static void ended(void) { seen.running--; }

static void closed(uv_handle_t *h) { asl_free(h); }

static asl_value parse(const char *json) {
    asl_value v;
    if (asl_json_parse(asl_str_z(json), NULL, &v, NULL) < 0) abort();
    return v;
}

static void later(uv_timer_t *timer) {
    asl_task *task = timer->data;
    const char *spec = strchr(strchr(asl_binding_state(task->binding), ':') + 1, ':') + 1;
    ended();
    task->data = NULL;
    uv_close((uv_handle_t *)timer, closed);
    asl_task_succeed(task, parse(spec));
}

static void test_start(asl_task *task) {
    const char *spec = asl_binding_state(task->binding);
    seen.started++;
    seen.last = task;
    seen.last_attempt = task->attempt;
    seen.last_depth = task->iteration_depth;
    seen.last_index = task->iteration_depth ? task->iteration[task->iteration_depth - 1] : 99;
    if (++seen.running > seen.most_running) seen.most_running = seen.running;
    if (strncmp(spec, "now:", 4) == 0) {
        ended();
        asl_task_succeed(task, parse(spec + 4));
        asl_task_succeed(task, asl_int(1)); /* one too many: dropped */
    } else if (strncmp(spec, "fail:", 5) == 0) {
        ended();
        int n = (seen.started - 1) % 3;
        asl_task_fail(task, asl_string((asl_str){spec + 5 + 2 * n, 1}), asl_string_z("because"));
    } else if (strcmp(spec, "bare") == 0) {
        ended();
        asl_task_fail(task, asl_none(), asl_none());
    } else if (strcmp(spec, "broken") == 0) {
        ended();
        asl_task_broken(task, asl_string_z("out of answers"));
    } else if (strncmp(spec, "later:", 6) == 0) {
        uv_timer_t *timer = asl_alloc(sizeof *timer);
        uv_timer_init(asl_task_loop(task), timer);
        timer->data = task;
        task->data = timer;
        uv_timer_start(timer, later, (uint64_t)atoi(spec + 6), 0);
    }
}

static void test_cancel(asl_task *task) {
    seen.cancelled++;
    ended();
    if (task->data) uv_close(task->data, closed);
}

static const asl_handler test_handler = {
    .scheme = "test", .open = test_open, .close = test_close, .start = test_start, .cancel = test_cancel};
static const asl_handler *const handlers[] = {&test_handler, NULL};

// ---------------------------------------------------------------- running

static char message[1024];

/* Runs a program to its end; the engine is left in *engine for questions. */
static asl_execution *run_with(asl_engine **engine, const asl_engine_options *o, const char *image, asl_step *const *steps,
                               uint32_t step_count, asl_value input) {
    static asl_program program; /* one at a time */
    program = (asl_program){.abi = ASL_ABI, .step_count = step_count, .image = image, .image_size = strlen(image),
                            .steps = steps, .handlers = handlers};
    memset(&seen, 0, sizeof seen);
    message[0] = 0;
    *engine = asl_engine_new(&program, o, message, sizeof message);
    if (!*engine) {
        asl_release(input);
        return NULL;
    }
    asl_execution *x = asl_execution_start(*engine, input, "test-run");
    asl_engine_run(*engine, ASL_RUN_DEFAULT);
    return x;
}

static void free_both(asl_engine *e, asl_execution *x) {
    asl_execution_free(x);
    asl_engine_free(e);
}

static char *text(const asl_value *v) { /* of the last call */
    static asl_buffer b;
    static char out[4096];
    b.size = 0;
    if (v->tag == ASL_NONE) return strcpy(out, "(none)");
    asl_json_print(v, &b);
    snprintf(out, sizeof out, "%.*s", (int)b.size, b.data);
    asl_buffer_free(&b);
    b = (asl_buffer){0};
    return out;
}

static const asl_engine_options quick = {.virtual_clock = true, .seeded = true, .seed = 1};

#define STEPS(...) (asl_step *const[]){__VA_ARGS__}
#define TRY(call)                                                                                                      \
    if (call) return ASL_FAILED

// ---------------------------------------------------------------- Pass, Choice, Fail

static int32_t pass(asl_frame *f) {
    TRY(asl_rt_enter(f, 0, 0));
    asl_rt_object(f, 1);
    asl_rt_set(f, 1, 0, 0 | ASL_LAST);
    TRY(asl_rt_exit(f, 0, 1));
    asl_rt_done(f, 1 | ASL_LAST);
    return ASL_DONE;
}

#define ONE_STATE(type, rest)                                                                                          \
    "{\"abi\":1,\"name\":\"m\",\"type\":\"STANDARD\",\"states\":[{\"name\":\"S\",\"type\":\"" type "\"}],"             \
    "\"constants\":[\"key\",{\"a\":1},0,\"States.ALL\"],\"paths\":[\"$.a\",\"$.n\"],"                                  \
    "\"machines\":[{\"name\":\"/\",\"slots\":[\"i\",\"a\",\"b\",\"c\",\"d\"],\"resume\":[\"S\"]}]" rest "}"

TEST(pass) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, ONE_STATE("Pass", ""), STEPS(pass), 1, asl_int(5));
    CHECK_EQ(asl_execution_status(x), ASL_SUCCEEDED);
    CHECK_STR(text(asl_execution_output(x)), "{\"key\":5}");
    CHECK_EQ(x->events, 4);
    CHECK_EQ(asl_execution_transitions(x), 1);
    CHECK(e->loop == NULL); /* nothing outside: no uv loop */
    CHECK_STR(asl_execution_arn(x), "arn:aws:states:us-east-1:123456789012:execution:m:test-run");
    asl_buffer b = {0};
    asl__describe(x, &b);
    asl_value v = parse(b.data);
    CHECK_STR(asl_text_of(asl_object_get(&v, ASL_STR("output"))), "{\"key\":5}");
    CHECK_STR(asl_text_of(asl_object_get(&v, ASL_STR("status"))), "SUCCEEDED");
    asl_release(v);
    asl_buffer_free(&b);
    free_both(e, x);
}

/* Counts slot 1 up to slot 0 with a Choice: n = n + 1 by MathAdd. */
static int32_t loop(asl_frame *f) {
    TRY(asl_rt_enter(f, 0, 0));
    asl_rt_const(f, 1, 2);
    asl_rt_const(f, 2, 4);
    for (;;) {
        TRY(asl_rt_enter(f, 0, 0));
        if (!asl_rt_test(f, ASL_CHOICE_NUMERIC_LESS_THAN, 1, 0)) break;
        TRY(asl_rt_intrinsic(f, 1, ASL_INTRINSIC_MATH_ADD, ASL_NO_OPERAND, 1, 2));
        TRY(asl_rt_exit(f, 0, 1));
        TRY(asl_rt_poll(f));
    }
    asl_rt_done(f, 1);
    return ASL_DONE;
}

#define LOOP(rest)                                                                                                     \
    "{\"abi\":1,\"name\":\"m\",\"type\":\"STANDARD\",\"states\":[{\"name\":\"S\",\"type\":\"Choice\"}],"               \
    "\"constants\":[\"\",\"\",0,\"\",1],\"paths\":[],"                                                                 \
    "\"machines\":[{\"name\":\"/\",\"slots\":[\"i\",\"a\",\"b\"],\"resume\":[\"S\"]}]" rest "}"

TEST(choice_loop) {
    asl_engine *e;
    size_t live = asl_alloc_live();
    asl_execution *x = run_with(&e, &quick, LOOP(""), STEPS(loop), 1, asl_int(1000000));
    CHECK_STR(text(asl_execution_output(x)), "1000000");
    CHECK_EQ(asl_execution_transitions(x), 1000002);
    CHECK(asl_alloc_live() - live < 30);
    free_both(e, x);
}

TEST(event_limit) {
    asl_engine *e;
    asl_engine_options o = quick;
    o.strict_aws = true;
    asl_execution *x = run_with(&e, &o, LOOP(""), STEPS(loop), 1, asl_int(1000000));
    CHECK_EQ(asl_execution_status(x), ASL_FAILED_STATUS);
    CHECK_STR(asl_text_of(asl_execution_error(x)), "States.Runtime");
    CHECK_STR(asl_text_of(asl_execution_cause(x)), "The execution reached the maximum number of history events (25000).");
    CHECK_EQ(x->events, 25000);
    free_both(e, x);
}

TEST(endless_loop_times_out) {
    asl_engine *e;
    asl_engine_options o = {0};
    asl_execution *x = run_with(&e, &o, LOOP(",\"timeoutSeconds\":1"), STEPS(loop), 1, asl_int(INT64_C(1) << 60));
    CHECK_EQ(asl_execution_status(x), ASL_TIMED_OUT);
    CHECK_EQ(asl_execution_error(x)->tag, ASL_NONE);
    CHECK_EQ(asl_execution_cause(x)->tag, ASL_NONE);
    int64_t took = asl_execution_stop_ms(x) - asl_execution_start_ms(x);
    CHECK(took >= 1000 && took < 1500);
    free_both(e, x);
    x = run_with(&e, &quick, LOOP(",\"timeoutSeconds\":1"), STEPS(loop), 1, asl_int(INT64_C(1) << 60));
    CHECK_EQ(asl_execution_status(x), ASL_TIMED_OUT);
    free_both(e, x);
}

static int32_t bad_path(asl_frame *f) {
    TRY(asl_rt_enter(f, 0, 0));
    TRY(asl_rt_path(f, 1, 0, 0, ASL_PATH_TEMPLATE, 0));
    asl_rt_done(f, 1);
    return ASL_DONE;
}

TEST(missing_path) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, ONE_STATE("Pass", ""), STEPS(bad_path), 1, parse("{\"b\":[1]}"));
    CHECK_STR(asl_text_of(asl_execution_error(x)), "States.Runtime");
    CHECK_STR(asl_text_of(asl_execution_cause(x)),
              "An error occurred while executing the state 'S' (entered at the event id #2). The JSONPath '$.a' specified "
              "for the field 'key' could not be found in the input '{\"b\":[1]}'");
    CHECK_STR(asl_execution_failed_state(x), "S");
    free_both(e, x);
}

static int32_t fail_state(asl_frame *f) {
    TRY(asl_rt_enter(f, 0, 0));
    TRY(asl_rt_raise(f, ASL_NO_OPERAND, 0));
    return ASL_DONE;
}

TEST(fail_with_cause_only) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, ONE_STATE("Fail", ""), STEPS(fail_state), 1, asl_string_z("why not"));
    CHECK_EQ(asl_execution_status(x), ASL_FAILED_STATUS);
    CHECK_EQ(asl_execution_error(x)->tag, ASL_NONE);
    CHECK_STR(asl_text_of(asl_execution_cause(x)), "why not");
    CHECK_EQ(x->events, 3);
    free_both(e, x);
}

// ---------------------------------------------------------------- Wait

static int32_t wait_state(asl_frame *f) {
    if (f->resume == 0) {
        TRY(asl_rt_enter(f, 0, 0));
        f->resume = 1;
        return wait_or_go_on(f, wait_state, asl_rt_wait_seconds(f, 0, 0));
    }
    TRY(asl_rt_result(f, 1));
    TRY(asl_rt_exit(f, 0, 0));
    asl_rt_done(f, 0);
    return ASL_DONE;
}

static int32_t wait_until(asl_frame *f) {
    if (f->resume == 0) {
        TRY(asl_rt_enter(f, 0, 0));
        f->resume = 1;
        return wait_or_go_on(f, wait_until, asl_rt_wait_until(f, 0, 0));
    }
    TRY(asl_rt_result(f, 1));
    asl_rt_done(f, 0);
    return ASL_DONE;
}

#define WAIT ONE_STATE("Wait", ",\"sites\":[{\"state\":0,\"kind\":\"wait\",\"secondsPath\":\"$.s\",\"timestampPath\":\"$.t\"}]")

TEST(wait_virtual) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, WAIT, STEPS(wait_state), 1, asl_int(31536000));
    CHECK_EQ(asl_execution_status(x), ASL_SUCCEEDED);
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), INT64_C(31536000000));
    CHECK(e->loop == NULL);
    free_both(e, x);
}

TEST(wait_real) {
    asl_engine *e;
    asl_engine_options o = {0};
    asl_execution *x = run_with(&e, &o, WAIT, STEPS(wait_state), 1, asl_int(1));
    CHECK_EQ(asl_execution_status(x), ASL_SUCCEEDED);
    int64_t took = asl_execution_stop_ms(x) - asl_execution_start_ms(x);
    CHECK(took >= 1000 && took < 1300);
    free_both(e, x);
}

TEST(wait_zero_needs_no_loop) {
    asl_engine *e;
    asl_engine_options o = {0};
    asl_execution *x = run_with(&e, &o, WAIT, STEPS(wait_state), 1, asl_int(0));
    CHECK_EQ(asl_execution_status(x), ASL_SUCCEEDED);
    CHECK(e->loop == NULL);
    free_both(e, x);
}

#define P "An error occurred while executing the state 'S' (entered at the event id #2). "

TEST(wait_refusals) {
    static const struct {
        const char *value, *cause;
    } cases[] = {
        {"-1", P "The SecondsPath parameter references a negative value: $.s == -1"},
        {"1.5", P "The SecondsPath parameter cannot be parsed as a long value: $.s == 1.5"},
        {"-1.5", P "The SecondsPath parameter cannot be parsed as a long value: $.s == -1.5"},
        {"\"soon\"", P "The SecondsPath parameter cannot be parsed as a long value: $.s == soon"},
        {"2147483648", P "Wait state delay is too long."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asl_engine *e;
        asl_execution *x = run_with(&e, &quick, WAIT, STEPS(wait_state), 1, parse(cases[i].value));
        CHECK_STR(asl_text_of(asl_execution_error(x)), "States.Runtime");
        CHECK_STR(asl_text_of(asl_execution_cause(x)), cases[i].cause);
        free_both(e, x);
    }
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, WAIT, STEPS(wait_until), 1, asl_string_z("2016-12-05 21:29:29Z"));
    CHECK_STR(asl_text_of(asl_execution_cause(x)),
              P "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: "
                "$.t == 2016-12-05 21:29:29Z");
    free_both(e, x);
}

TEST(wait_until) {
    asl_engine *e;
    asl_engine_options o = quick;
    o.start_time_ms = INT64_C(1480973368000); /* 2016-12-05T21:29:28Z */
    asl_execution *x = run_with(&e, &o, WAIT, STEPS(wait_until), 1, asl_string_z("2016-12-05T21:29:29.0001Z"));
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 1001); /* never too early */
    free_both(e, x);
    x = run_with(&e, &o, WAIT, STEPS(wait_until), 1, asl_string_z("2001-12-05T21:29:29Z"));
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 0);
    free_both(e, x);
}

TEST(machine_timeout) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick,
                                ONE_STATE("Wait", ",\"timeoutSeconds\":5,\"sites\":[{\"state\":0,\"kind\":\"wait\"}]"),
                                STEPS(wait_state), 1, asl_int(6));
    CHECK_EQ(asl_execution_status(x), ASL_TIMED_OUT);
    CHECK_EQ(asl_execution_error(x)->tag, ASL_NONE);
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 5000);
    free_both(e, x);
}

TEST(express_ends_after_five_minutes_under_strict) {
    asl_engine *e;
    asl_engine_options o = quick;
    o.strict_aws = o.express = true;
    asl_execution *x = run_with(&e, &o, WAIT, STEPS(wait_state), 1, asl_int(301));
    CHECK_EQ(asl_execution_status(x), ASL_TIMED_OUT);
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 300000);
    CHECK(strncmp(asl_execution_arn(x), "arn:aws:states:us-east-1:123456789012:express:m:test-run:", 57) == 0);
    free_both(e, x);
}

// ---------------------------------------------------------------- Task, Retry, Catch

/* slot 0 input, 1 result, 2 timeout, 3 heartbeat */
static int32_t task_state(asl_frame *f) {
    int32_t answer;
    switch (f->resume) {
    case 0: TRY(asl_rt_enter(f, 0, 0)); /* fallthrough */
    case 1:
        f->resume = 2;
        if (asl_rt_attempt(f, 0) || (answer = asl_rt_task(f, 0, 0, 2, 3, ASL_NO_OPERAND)) == 1) break;
        return wait_or_go_on(f, task_state, answer);
    case 2:
        if (asl_rt_result(f, 1)) break;
        TRY(asl_rt_exit(f, 0, 1));
        asl_rt_done(f, 1);
        return ASL_DONE;
    }
    if ((answer = asl_rt_retry(f, 0))) {
        f->resume = 1;
        return retry_or_go_on(f, task_state, answer);
    }
    if (asl_rt_catch(f, 0) == 0) return ASL_FAILED;
    asl_rt_error_output(f, 1);
    TRY(asl_rt_exit(f, 0, 1));
    asl_rt_done(f, 1);
    return ASL_DONE;
}

#define TASK(resource, rest) ONE_STATE("Task", ",\"sites\":[{\"state\":0,\"kind\":\"task\",\"resource\":\"" resource "\"" rest "}]")

TEST(task_now) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, TASK("test:now:[1,2]", ""), STEPS(task_state), 1, asl_int(1));
    CHECK_STR(text(asl_execution_output(x)), "[1,2]");
    CHECK_EQ(x->events, 7);
    CHECK(e->loop == NULL);
    free_both(e, x);
}

TEST(task_later) {
    asl_engine *e;
    asl_engine_options o = {0};
    asl_execution *x = run_with(&e, &o, TASK("test:later:20:\\\"done\\\"", ""), STEPS(task_state), 1, asl_int(1));
    CHECK_STR(text(asl_execution_output(x)), "\"done\"");
    free_both(e, x);
    /* With the virtual clock, time stands still while a handler works: the timeout must not strike. */
    x = run_with(&e, &quick, TASK("test:later:20:7", ",\"timeoutSeconds\":1"), STEPS(task_state), 1, asl_int(1));
    CHECK_STR(text(asl_execution_output(x)), "7");
    free_both(e, x);
}

TEST(task_timeout) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, TASK("test:never", ",\"timeoutSeconds\":5"), STEPS(task_state), 1, asl_int(1));
    CHECK_EQ(asl_execution_status(x), ASL_FAILED_STATUS);
    CHECK_STR(asl_text_of(asl_execution_error(x)), "States.Timeout");
    CHECK_EQ(asl_execution_cause(x)->tag, ASL_NONE);
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 5000);
    CHECK_EQ(seen.cancelled, 1);
    CHECK_EQ(x->events, 6);
    free_both(e, x);
    x = run_with(&e, &quick, TASK("test:never", ",\"timeoutSeconds\":5,\"catch\":[[\"States.TaskFailed\"],[\"States.Timeout\"]]"),
                 STEPS(task_state), 1, asl_int(1));
    CHECK_STR(text(asl_execution_output(x)), "{\"Error\":\"States.Timeout\",\"Cause\":\"\"}");
    free_both(e, x);
}

TEST(task_heartbeat) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick,
                                TASK("test:never", ",\"timeoutSeconds\":50,\"heartbeatSeconds\":3,\"catch\":[[\"States.HeartbeatTimeout\"]]"),
                                STEPS(task_state), 1, asl_int(1));
    CHECK_STR(text(asl_execution_output(x)), "{\"Error\":\"States.Timeout\",\"Cause\":\"\"}");
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 3000);
    free_both(e, x);
}

TEST(task_fails_without_names) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, TASK("test:bare", ",\"catch\":[[\"States.ALL\"]]"), STEPS(task_state), 1, asl_int(1));
    CHECK_STR(text(asl_execution_output(x)), "{\"Error\":null,\"Cause\":null}");
    free_both(e, x);
}

TEST(task_broken_is_never_caught) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick,
                                TASK("test:broken", ",\"retry\":[{\"errorEquals\":[\"States.Runtime\"]}],"
                                                    "\"catch\":[[\"States.Runtime\"],[\"States.ALL\"]]"),
                                STEPS(task_state), 1, asl_int(1));
    CHECK_STR(asl_text_of(asl_execution_error(x)), "States.Runtime");
    CHECK_STR(asl_text_of(asl_execution_cause(x)), "out of answers");
    CHECK_EQ(seen.started, 1);
    free_both(e, x);
}

TEST(retry_backoff) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, TASK("test:fail:X,X,X", ",\"retry\":[{\"errorEquals\":[\"X\"],\"intervalSeconds\":2,\"maxAttempts\":3}]"),
                                STEPS(task_state), 1, asl_int(1));
    CHECK_STR(asl_text_of(asl_execution_error(x)), "X");
    CHECK_EQ(seen.started, 4);
    CHECK_EQ(seen.last_attempt, 3);
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 2000 + 4000 + 8000);
    CHECK_EQ(x->events, 15); /* started, entered, 4 × (scheduled, started, failed), failed */
    free_both(e, x);
    x = run_with(&e, &quick,
                 TASK("test:fail:X,X,X", ",\"retry\":[{\"errorEquals\":[\"States.ALL\"],\"intervalSeconds\":2,\"maxAttempts\":4,"
                                         "\"backoffRate\":1.5,\"maxDelaySeconds\":4}]"),
                 STEPS(task_state), 1, asl_int(1));
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 2000 + 3000 + 4000 + 4000);
    free_both(e, x);
}

/* The specification's example: A, B, C, … Retrier 1 {A, B; 1 s; twice}, retrier 2 {C; 5 s}: 1, 2, 5 s, then Catch. */
TEST(retry_counts_per_retrier) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick,
                                TASK("test:fail:A,B,C", ",\"retry\":[{\"errorEquals\":[\"A\",\"B\"],\"maxAttempts\":2},"
                                                        "{\"errorEquals\":[\"C\"],\"intervalSeconds\":5}],\"catch\":[[\"States.ALL\"]]"),
                                STEPS(task_state), 1, asl_int(1));
    CHECK_STR(text(asl_execution_output(x)), "{\"Error\":\"A\",\"Cause\":\"because\"}");
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 8000);
    CHECK_EQ(seen.started, 4);
    free_both(e, x);
}

TEST(retry_jitter) {
    int64_t first = -1;
    for (int i = 0; i < 2; i++) {
        asl_engine *e;
        asl_execution *x = run_with(&e, &quick,
                                    TASK("test:fail:X,X,X", ",\"retry\":[{\"errorEquals\":[\"X\"],\"intervalSeconds\":10,\"maxAttempts\":5,"
                                                            "\"backoffRate\":1,\"jitter\":true}]"),
                                    STEPS(task_state), 1, asl_int(1));
        int64_t took = asl_execution_stop_ms(x) - asl_execution_start_ms(x);
        CHECK(took > 0 && took < 50000);
        CHECK(i == 0 || took == first); /* the same seed, the same waits */
        first = took;
        free_both(e, x);
    }
}

TEST(stop_cancels) {
    asl_engine *e;
    asl_program program = {.abi = ASL_ABI, .step_count = 1, .steps = STEPS(task_state), .handlers = handlers};
    program.image = TASK("test:later:60000:1", "");
    program.image_size = strlen(program.image);
    memset(&seen, 0, sizeof seen);
    asl_engine_options o = {0};
    e = asl_engine_new(&program, &o, message, sizeof message);
    asl_execution *x = asl_execution_start(e, asl_null(), NULL);
    CHECK_EQ(asl_engine_next_deadline(e), 0);
    CHECK_EQ(asl_engine_poll_fd(e), -1);
    CHECK_EQ(asl_engine_run(e, ASL_RUN_NOWAIT), 1);
    CHECK(asl_engine_poll_fd(e) >= 0);
    int64_t deadline = asl_engine_next_deadline(e);
    CHECK(deadline > 59000 && deadline <= 60000);
    asl_execution_stop(x, asl_string_z("Why"), asl_none());
    CHECK_EQ(asl_execution_status(x), ASL_ABORTED);
    CHECK_EQ(seen.cancelled, 1);
    CHECK_STR(asl_text_of(asl_execution_error(x)), "Why");
    CHECK_EQ(asl_engine_run(e, ASL_RUN_DEFAULT), 0);
    free_both(e, x);
    /* Freeing the engine alone takes everything along. */
    e = asl_engine_new(&program, &o, message, sizeof message);
    asl_execution_start(e, asl_null(), NULL);
    asl_engine_run(e, ASL_RUN_NOWAIT);
    asl_engine_free(e);
    CHECK_EQ(seen.cancelled, 2);
}

static void *interrupt_soon(void *engine) {
    struct timespec t = {0, 30000000};
    nanosleep(&t, NULL);
    asl__engine_interrupt(engine);
    return NULL;
}

TEST(interrupt) {
    asl_program program = {.abi = ASL_ABI, .step_count = 1, .steps = STEPS(task_state), .handlers = handlers};
    program.image = TASK("test:later:60000:1", "");
    program.image_size = strlen(program.image);
    asl_engine_options o = {0};
    asl_engine *e = asl_engine_new(&program, &o, message, sizeof message);
    asl__engine_loop(e); /* so that the thread finds it whole */
    asl_execution *x = asl_execution_start(e, asl_null(), NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, interrupt_soon, e);
    asl_engine_run(e, ASL_RUN_DEFAULT);
    pthread_join(thread, NULL);
    CHECK_EQ(asl_execution_status(x), ASL_ABORTED);
    free_both(e, x);
}

TEST(hopeless_wait_returns) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, TASK("test:never", ""), STEPS(task_state), 1, asl_int(1));
    CHECK_EQ(asl_execution_status(x), ASL_RUNNING);
    CHECK_STR(asl__waiting_state(x), "S");
    free_both(e, x);
}

TEST(bindings) {
    asl_engine *e;
    asl_bind binds[] = {{"no*", "test:now:0"}, {"arn:*:charge", "test:now:1"}, {"arn:*", "test:now:2"}};
    asl_engine_options o = quick;
    o.binds = binds;
    o.bind_count = 3;
    asl_execution *x = run_with(&e, &o, TASK("arn:aws:lambda:us-east-1:1:function:charge", ""), STEPS(task_state), 1, asl_int(1));
    CHECK_STR(text(asl_execution_output(x)), "1");
    free_both(e, x);
    /* compiled in, after the options */
    x = run_with(&e, &quick, ONE_STATE("Task", ",\"sites\":[{\"state\":0,\"kind\":\"task\",\"resource\":\"arn:x\"}],"
                                               "\"bindings\":[{\"pattern\":\"*\",\"handler\":\"test:now:9\"}]"),
                 STEPS(task_state), 1, asl_int(1));
    CHECK_STR(text(asl_execution_output(x)), "9");
    free_both(e, x);
    CHECK(!run_with(&e, &quick, TASK("charge", ""), STEPS(task_state), 1, asl_int(1)));
    CHECK(strstr(message, "state \"S\": nothing serves the resource \"charge\"; say who does its work, for example --bind 'charge="));
    binds[0].handler = "nonsense:x";
    CHECK(!run_with(&e, &o, TASK("charge", ""), STEPS(task_state), 1, asl_int(1)));
    CHECK_STR((const char *)message, "no*=nonsense:x: there is no such handler; known are test:");
    binds[0].handler = "test:";
    CHECK(!run_with(&e, &o, TASK("charge", ""), STEPS(task_state), 1, asl_int(1)));
    CHECK_STR((const char *)message, "no*=test:: what should it do?");
    /* AWS: only when it is reached, and then for good */
    x = run_with(&e, &quick, TASK("arn:aws:states:::sqs:sendMessage", ",\"catch\":[[\"States.ALL\"]]"), STEPS(task_state), 1, asl_int(1));
    CHECK_STR(asl_text_of(asl_execution_error(x)), "States.Runtime");
    CHECK_EQ(x->events, 3);
    free_both(e, x);
}

TEST(damaged_images) {
    static const char *const images[] = {
        "", "{", "{}", "[]", "{\"abi\":1,\"name\":\"m\"}",
        "{\"abi\":1,\"name\":\"m\",\"machines\":[{\"name\":\"/\",\"slots\":[]}]}",
        "{\"abi\":1,\"name\":\"m\",\"machines\":[{\"name\":\"/\",\"slots\":[\"i\"]}],\"sites\":[{\"state\":0,\"kind\":\"task\"}]}",
        "{\"abi\":1,\"name\":\"m\",\"machines\":[{\"name\":\"/\",\"slots\":[\"i\"],\"captures\":[[9,1]]}]}",
    };
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) {
        asl_engine *e;
        CHECK(!run_with(&e, &quick, images[i], STEPS(pass), 1, asl_int(1)));
        CHECK(strstr(message, "image is damaged"));
    }
}

// ---------------------------------------------------------------- the Context object

static int32_t context(asl_frame *f) {
    TRY(asl_rt_enter(f, 0, 0));
    asl_rt_context(f, 1);
    asl_rt_done(f, 1);
    return ASL_DONE;
}

TEST(context) {
    asl_engine *e;
    asl_engine_options o = quick;
    o.start_time_ms = 1718026591123;
    asl_execution *x = run_with(&e, &o, ONE_STATE("Pass", ""), STEPS(context), 1, asl_int(5));
    CHECK_STR(text(asl_execution_output(x)),
              "{\"Execution\":{\"Id\":\"arn:aws:states:us-east-1:123456789012:execution:m:test-run\",\"Input\":5,"
              "\"StartTime\":\"2024-06-10T13:36:31.123Z\",\"Name\":\"test-run\",\"RoleArn\":\"arn:aws:iam::123456789012:role/m\","
              "\"RedriveCount\":0},\"StateMachine\":{\"Id\":\"arn:aws:states:us-east-1:123456789012:stateMachine:m\",\"Name\":\"m\"},"
              "\"State\":{\"Name\":\"S\",\"EnteredTime\":\"2024-06-10T13:36:31.123Z\"}}");
    free_both(e, x);
}

// ---------------------------------------------------------------- Parallel and Map

/* The parent of both: slot 0 input, 1 result. */
static int32_t fork_state(asl_frame *f) {
    int32_t answer;
    bool is_map = frame_of(f)->execution->engine->image.sites[0].kind == SITE_MAP;
    switch (f->resume) {
    case 0: TRY(asl_rt_enter(f, 0, 0)); /* fallthrough */
    case 1:
        f->resume = 2;
        answer = is_map ? asl_rt_map(f, 0, 0, 0, ASL_NO_OPERAND, ASL_NO_OPERAND, ASL_NO_OPERAND) : asl_rt_parallel(f, 0, 0);
        if (answer == 1) break;
        return wait_or_go_on(f, fork_state, answer);
    case 2:
        if (asl_rt_result(f, 1)) break;
        TRY(asl_rt_exit(f, 0, 1));
        asl_rt_done(f, 1);
        return ASL_DONE;
    }
    if ((answer = asl_rt_retry(f, 0))) {
        f->resume = 1;
        return retry_or_go_on(f, fork_state, answer);
    }
    if (asl_rt_catch(f, 0) == 0) return ASL_FAILED;
    asl_rt_error_output(f, 1);
    TRY(asl_rt_exit(f, 0, 1));
    asl_rt_done(f, 1);
    return ASL_DONE;
}

/* A Task without Retry and Catch, site 1, state 1. */
static int32_t inner_task(asl_frame *f) {
    if (f->resume == 0) {
        TRY(asl_rt_item(f, 0));
        TRY(asl_rt_enter(f, 1, 0));
        TRY(asl_rt_attempt(f, 1));
        f->resume = 1;
        return wait_or_go_on(f, inner_task, asl_rt_task(f, 1, 0, ASL_NO_OPERAND, ASL_NO_OPERAND, ASL_NO_OPERAND));
    }
    TRY(asl_rt_result(f, 1));
    TRY(asl_rt_exit(f, 1, 1));
    asl_rt_done(f, 1);
    return ASL_DONE;
}

static int32_t branch_task(asl_frame *f) {
    if (f->resume == 0) {
        TRY(asl_rt_enter(f, 1, 0));
        f->resume = 1;
        return wait_or_go_on(f, branch_task, asl_rt_task(f, 1, 0, ASL_NO_OPERAND, ASL_NO_OPERAND, ASL_NO_OPERAND));
    }
    TRY(asl_rt_result(f, 1));
    asl_rt_done(f, 1);
    return ASL_DONE;
}

/* Waits slot 0 seconds, then fails: states 2 and 3, site 2. */
static int32_t branch_fail(asl_frame *f) {
    if (f->resume == 0) {
        TRY(asl_rt_enter(f, 2, 0));
        f->resume = 1;
        return wait_or_go_on(f, branch_fail, asl_rt_wait_seconds(f, 2, 0));
    }
    TRY(asl_rt_exit(f, 2, 0));
    TRY(asl_rt_enter(f, 3, 0));
    asl_rt_const(f, 1, 0);
    TRY(asl_rt_raise(f, 1, 1));
    return ASL_DONE;
}

static int32_t branch_pass(asl_frame *f) {
    TRY(asl_rt_enter(f, 4, 0));
    TRY(asl_rt_exit(f, 4, 0));
    asl_rt_done(f, 0);
    return ASL_DONE;
}

/* Map processors. */
static int32_t item_pass(asl_frame *f) {
    TRY(asl_rt_item(f, 0));
    return branch_pass(f);
}

static int32_t item_wait(asl_frame *f) {
    if (f->resume == 0) {
        TRY(asl_rt_item(f, 0));
        TRY(asl_rt_enter(f, 2, 0));
        f->resume = 1;
        return wait_or_go_on(f, item_wait, asl_rt_wait_seconds(f, 2, 0));
    }
    TRY(asl_rt_exit(f, 2, 0));
    asl_rt_done(f, 0);
    return ASL_DONE;
}

/* Items below 0 fail. */
static int32_t item_picky(asl_frame *f) {
    TRY(asl_rt_item(f, 0));
    TRY(asl_rt_enter(f, 3, 0));
    if (f->slot[0].i < 0) {
        asl_rt_const(f, 1, 0);
        TRY(asl_rt_raise(f, 1, 1));
    }
    asl_rt_done(f, 0);
    return ASL_DONE;
}

static int32_t item_bad_path(asl_frame *f) {
    TRY(asl_rt_item(f, 0));
    TRY(asl_rt_enter(f, 4, 0));
    TRY(asl_rt_path(f, 1, 0, 0, ASL_PATH_INVALID, ASL_NO_OPERAND));
    asl_rt_done(f, 1);
    return ASL_DONE;
}

/* With an ItemSelector: {"key": index}, then the processor. Captures the parent's input in slot 2. */
static int32_t item_selected(asl_frame *f) {
    if (f->resume == 0) {
        asl_rt_context(f, 1);
        TRY(asl_rt_path(f, 1, 1, 1, ASL_PATH_TEMPLATE, 0));
        asl_rt_array(f, 3);
        asl_rt_push(f, 3, 1 | ASL_LAST);
        asl_rt_push(f, 3, 2);
        asl_rt_copy(f, 0, 3 | ASL_LAST);
        TRY(asl_rt_item(f, 0));
        f->resume = 1;
        return ASL_SUSPENDED;
    }
    return branch_pass(f);
}

#define FORK(type, site, machines, resource)                                                                           \
    "{\"abi\":1,\"name\":\"m\",\"type\":\"STANDARD\",\"states\":[{\"name\":\"S\",\"type\":\"" type "\"},"              \
    "{\"name\":\"T\",\"type\":\"Task\"},{\"name\":\"W\",\"type\":\"Wait\"},{\"name\":\"F\",\"type\":\"Fail\"},"        \
    "{\"name\":\"P\",\"type\":\"Pass\"}],\"constants\":[\"Oops\"],\"paths\":[\"$.a\",\"$$.Map.Item.Index\"],"          \
    "\"machines\":[{\"name\":\"/\",\"slots\":[\"i\",\"a\",\"b\"],\"resume\":[\"S\"]}," machines "],"                   \
    "\"sites\":[{\"state\":0," site "},{\"state\":1,\"kind\":\"task\",\"resource\":\"" resource "\",\"timeoutSeconds\":5}," \
    "{\"state\":2,\"kind\":\"wait\"}]}"
#define MACHINE(name) "{\"name\":\"" name "\",\"slots\":[\"i\",\"a\",\"b\",\"c\"],\"resume\":[\"S\"]}"
#define PARALLEL(rest) FORK("Parallel", "\"kind\":\"parallel\",\"machines\":[1,2]" rest, MACHINE("/S.0") "," MACHINE("/S.1"), "test:never")
#define MAP(rest, resource) FORK("Map", "\"kind\":\"map\",\"machines\":[1]" rest, MACHINE("/S"), resource)

TEST(parallel_results_in_order) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, PARALLEL(""), STEPS(fork_state, branch_pass, branch_pass), 3, asl_int(3));
    CHECK_STR(text(asl_execution_output(x)), "[3,3]");
    CHECK_EQ(x->events, 2 + 1 + 4 + 1 + 2);
    free_both(e, x);
}

TEST(parallel_fails_fast) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, PARALLEL(",\"catch\":[[\"Oops\"]]"), STEPS(fork_state, branch_fail, branch_task), 3, asl_int(3));
    CHECK_STR(text(asl_execution_output(x)), "{\"Error\":\"Oops\",\"Cause\":\"Oops\"}");
    CHECK_EQ(seen.cancelled, 1);
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 3000);
    free_both(e, x);
    x = run_with(&e, &quick, PARALLEL(""), STEPS(fork_state, branch_fail, branch_task), 3, asl_int(3));
    CHECK_STR(asl_text_of(asl_execution_error(x)), "Oops");
    CHECK_STR(asl_execution_failed_state(x), "F");
    free_both(e, x);
}

TEST(parallel_retry_starts_all_again) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, PARALLEL(",\"retry\":[{\"errorEquals\":[\"Oops\"],\"maxAttempts\":2}]"),
                                STEPS(fork_state, branch_fail, branch_task), 3, asl_int(1));
    CHECK_EQ(seen.started, 3);
    CHECK_EQ(seen.cancelled, 3);
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 1000 + 1000 + 1000 + 2000 + 1000);
    free_both(e, x);
}

/* Recorded: aws-observed-behaviour 18.3, "Map, 4 tasks at once time out". */
TEST(map_tasks_time_out_together) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, MAP("", "test:never"), STEPS(fork_state, inner_task), 2, parse("[1,2,3,4]"));
    CHECK_STR(asl_text_of(asl_execution_error(x)), "States.Timeout");
    CHECK_EQ(x->events, 33);
    CHECK_EQ(seen.most_running, 4);
    CHECK_EQ(seen.cancelled, 4);
    CHECK_EQ(seen.last_depth, 1);
    CHECK_EQ(seen.last_index, 3);
    free_both(e, x);
}

TEST(map_concurrency) {
    asl_engine *e;
    asl_engine_options o = {0};
    asl_execution *x = run_with(&e, &o, MAP(",\"maxConcurrency\":2", "test:later:2:0"), STEPS(fork_state, inner_task), 2, parse("[1,2,3,4,5,6,7]"));
    CHECK_STR(text(asl_execution_output(x)), "[0,0,0,0,0,0,0]");
    CHECK_EQ(seen.most_running, 2);
    CHECK_EQ(seen.started, 7);
    free_both(e, x);
}

/* Recorded: 18.3 "Map, MaxConcurrency 1" and "empty Map". */
TEST(map_events) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, MAP(",\"maxConcurrency\":1", "test:never"), STEPS(fork_state, item_pass), 2, parse("[7,8]"));
    CHECK_STR(text(asl_execution_output(x)), "[7,8]");
    CHECK_EQ(x->events, 2 + 1 + 2 * 4 + 2 + 1);
    free_both(e, x);
    x = run_with(&e, &quick, MAP("", "test:never"), STEPS(fork_state, item_pass), 2, parse("[]"));
    CHECK_STR(text(asl_execution_output(x)), "[]");
    CHECK_EQ(x->events, 6);
    free_both(e, x);
}

TEST(map_item_selector) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick,
                                FORK("Map", "\"kind\":\"map\",\"machines\":[1],\"itemSelector\":true",
                                     "{\"name\":\"/S\",\"slots\":[\"i\",\"a\",\"b\",\"c\"],\"resume\":[\"S\"],\"captures\":[[2,0]]}",
                                     "test:never"),
                                STEPS(fork_state, item_selected), 2, parse("[\"x\",\"y\"]"));
    CHECK_STR(text(asl_execution_output(x)), "[[0,[\"x\",\"y\"]],[1,[\"x\",\"y\"]]]");
    free_both(e, x);
}

TEST(map_needs_an_array) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, MAP(",\"itemsPath\":\"$.x\"", "test:never"), STEPS(fork_state, item_pass), 2, asl_int(1));
    CHECK_STR(asl_text_of(asl_execution_cause(x)), "Reference path \"$.x\" must point to array.");
    free_both(e, x);
}

TEST(runtime_error_in_iteration_is_final) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, MAP(",\"catch\":[[\"States.ALL\"],[\"States.Runtime\"]]", "test:never"),
                                STEPS(fork_state, item_bad_path), 2, parse("[{\"a\":1},{\"b\":2}]"));
    CHECK_EQ(asl_execution_status(x), ASL_FAILED_STATUS);
    CHECK_STR(asl_text_of(asl_execution_cause(x)),
              "An error occurred while executing the state 'P' (entered at the event id #8). Invalid path '$.a' : No results "
              "for path: $['a']");
    CHECK_STR(asl_execution_failed_state(x), "P");
    free_both(e, x);
}

static asl_value numbers(size_t count, int64_t modulo) {
    asl_value v = asl_array_new(count);
    for (size_t i = 0; i < count; i++) v = asl_array_push(v, asl_int((int64_t)i % modulo));
    return v;
}

TEST(map_of_100000_items) {
    asl_engine *e;
    size_t live = asl_alloc_live();
    asl_execution *x = run_with(&e, &quick, MAP("", "test:never"), STEPS(fork_state, item_pass), 2, numbers(100000, 1000000));
    CHECK_EQ(asl_execution_status(x), ASL_SUCCEEDED);
    const asl_value *out = asl_execution_output(x);
    CHECK_EQ(asl_array_count(out), 100000);
    bool in_order = true;
    for (size_t i = 0; i < 100000; i++) in_order &= asl_array_at(out, i)->i == (int64_t)i;
    CHECK(in_order);
    CHECK(asl_alloc_live() - live < 200); /* iterations that do not wait share a window of frames */
    free_both(e, x);
}

TEST(ten_thousand_waits) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, MAP("", "test:never"), STEPS(fork_state, item_wait), 2, numbers(10000, 977));
    CHECK_EQ(asl_execution_status(x), ASL_SUCCEEDED);
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 976000);
    free_both(e, x);
}

TEST(map_inline_concurrency_under_strict) {
    asl_engine *e;
    asl_engine_options o = quick;
    o.strict_aws = true;
    asl_execution *x = run_with(&e, &o, MAP("", "test:never"), STEPS(fork_state, item_wait), 2, numbers(100, 2));
    CHECK_EQ(asl_execution_status(x), ASL_SUCCEEDED);
    CHECK(asl_execution_stop_ms(x) - asl_execution_start_ms(x) >= 2000);
    free_both(e, x);
}

TEST(map_of_the_distributed_kind) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick, MAP(",\"distributed\":true,\"executionType\":\"STANDARD\"", "test:never"),
                                STEPS(fork_state, item_picky), 2, parse("[1,2,3]"));
    CHECK_STR(text(asl_execution_output(x)), "[1,2,3]");
    CHECK_EQ(x->events, 8); /* the children count for themselves */
    free_both(e, x);
    x = run_with(&e, &quick, MAP(",\"distributed\":true", "test:never"), STEPS(fork_state, item_picky), 2, parse("[1,-2,3]"));
    CHECK_STR(asl_text_of(asl_execution_error(x)), "States.ExceedToleratedFailureThreshold");
    CHECK_STR(asl_text_of(asl_execution_cause(x)), "The specified tolerated failure threshold was exceeded");
    CHECK_EQ(x->events, 7);
    free_both(e, x);
    x = run_with(&e, &quick, MAP(",\"distributed\":true,\"toleratedFailurePercentage\":34", "test:never"), STEPS(fork_state, item_picky), 2,
                 parse("[1,-2,3]"));
    CHECK_EQ(asl_execution_status(x), ASL_SUCCEEDED);
    const asl_value *record = asl_array_at(asl_execution_output(x), 1);
    CHECK_STR(asl_text_of(asl_object_get(record, ASL_STR("Status"))), "FAILED");
    CHECK_STR(asl_text_of(asl_object_get(record, ASL_STR("Input"))), "-2");
    CHECK_STR(asl_text_of(asl_object_get(record, ASL_STR("Error"))), "Oops");
    CHECK_STR(asl_text_of(asl_object_get(record, ASL_STR("StateMachineArn"))), "arn:aws:states:us-east-1:123456789012:stateMachine:m/S");
    free_both(e, x);
    /* A runtime error is the child's own affair here: it counts as one failure. Ids begin at 1 in the child. */
    x = run_with(&e, &quick, MAP(",\"distributed\":true,\"toleratedFailureCount\":1", "test:never"), STEPS(fork_state, item_bad_path), 2,
                 parse("[{\"a\":5},{}]"));
    CHECK_EQ(asl_execution_status(x), ASL_SUCCEEDED);
    record = asl_array_at(asl_execution_output(x), 1);
    CHECK_STR(asl_text_of(asl_object_get(record, ASL_STR("Cause"))),
              "An error occurred while executing the state 'P' (entered at the event id #2). Invalid path '$.a' : No results "
              "for path: $['a']");
    free_both(e, x);
    x = run_with(&e, &quick, MAP(",\"distributed\":true", "test:never"), STEPS(fork_state, inner_task), 2, parse("[1,2]"));
    CHECK_STR(asl_text_of(asl_execution_error(x)), "States.ExceedToleratedFailureThreshold");
    CHECK_EQ(seen.cancelled, 2);
    free_both(e, x);
}

/* Express children have five minutes each, under --strict-aws. */
TEST(distributed_express_children_time_out) {
    asl_engine *e;
    asl_engine_options o = quick;
    o.strict_aws = true;
    asl_execution *x = run_with(&e, &o, MAP(",\"distributed\":true,\"executionType\":\"EXPRESS\",\"toleratedFailureCount\":1", "test:never"),
                                STEPS(fork_state, item_wait), 2, parse("[1,400,2]"));
    CHECK_EQ(asl_execution_status(x), ASL_SUCCEEDED);
    const asl_value *record = asl_array_at(asl_execution_output(x), 1);
    CHECK_STR(asl_text_of(asl_object_get(record, ASL_STR("Status"))), "TIMED_OUT");
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 300000);
    free_both(e, x);
}

TEST(machine_timeout_ends_everything) {
    asl_engine *e;
    asl_execution *x = run_with(&e, &quick,
                                FORK("Map", "\"kind\":\"map\",\"machines\":[1]", MACHINE("/S") "],\"timeoutSeconds\":2,\"x\":[0", "test:never"),
                                STEPS(fork_state, inner_task), 2, parse("[1,2,3]"));
    CHECK_EQ(asl_execution_status(x), ASL_TIMED_OUT);
    CHECK_EQ(seen.cancelled, 3);
    free_both(e, x);
}

// ---------------------------------------------------------------- several engines

static void *execute_many(void *program) {
    for (int i = 0; i < 200; i++) {
        asl_outcome out;
        if (asl_execute(program, "[1,2,3]", &quick, &out) < 0 || !out.output || strcmp(out.output, "{\"key\":[1,2,3]}") != 0) return program;
        asl_outcome_free(&out);
    }
    return NULL;
}

TEST(threads_have_engines_of_their_own) {
    static asl_program program;
    program = (asl_program){.abi = ASL_ABI, .step_count = 1, .steps = STEPS(pass), .image = ONE_STATE("Pass", "")};
    program.image_size = strlen(program.image);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, execute_many, &program);
    for (int i = 0; i < 4; i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        CHECK(!bad);
    }
    asl_outcome out;
    CHECK_EQ(asl_execute(&program, "[1,", &quick, &out), -1);
    CHECK(strstr(out.message, "the input is not JSON: 1:"));
    asl_outcome_free(&out);
}

TEST(quotas_under_strict) {
    asl_engine *e;
    asl_engine_options o = quick;
    o.strict_aws = true;
    char *big = asl_alloc(262150);
    memset(big, 'x', 262149);
    big[262149] = 0;
    /* what goes into a task */
    asl_execution *x = run_with(&e, &o, TASK("test:now:1", ",\"catch\":[[\"States.ALL\"]]"), STEPS(task_state), 1, asl_string_z(big));
    CHECK_STR(text(asl_execution_output(x)), "{\"Error\":\"States.DataLimitExceeded\",\"Cause\":\"The state/task 'S' returned a "
                                             "result with a size exceeding the maximum number of bytes service limit.\"}");
    CHECK_EQ(seen.started, 0);
    free_both(e, x);
    /* without --strict-aws there is no such limit */
    x = run_with(&e, &quick, TASK("test:now:1", ""), STEPS(task_state), 1, asl_string_z(big));
    CHECK_STR(text(asl_execution_output(x)), "1");
    free_both(e, x);
    asl_free(big);
}

/* What a task gives back is named by its service, of a function by its ARN (recorded, 2.5). */
TEST(results_too_large) {
    static const struct {
        const char *resource, *name;
    } cases[] = {
        {"arn:aws:states:::lambda:invoke", "lambda"},
        {"arn:aws:states:::aws-sdk:s3:getObject.waitForTaskToken", "aws-sdk:s3"},
        {"arn:aws:lambda:us-east-1:1:function:f", "arn:aws:lambda:us-east-1:1:function:f"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asl_buffer handler = {0}, wanted = {0};
        asl_buffer_z(&handler, "test:now:\"");
        for (int n = 0; n < 26215; n++) asl_buffer_z(&handler, "0123456789");
        asl_buffer_z(&handler, "\"");
        asl_bind bind = {"*", handler.data};
        asl_engine_options o = quick;
        o.strict_aws = true;
        o.binds = &bind;
        o.bind_count = 1;
        char image[2048];
        snprintf(image, sizeof image,
                 ONE_STATE("Task", ",\"sites\":[{\"state\":0,\"kind\":\"task\",\"resource\":\"%s\",\"catch\":[[\"States.ALL\"]]}]"),
                 cases[i].resource);
        asl_engine *e;
        asl_execution *x = run_with(&e, &o, image, STEPS(task_state), 1, asl_int(1));
        asl_buffer_format(&wanted, "{\"Error\":\"States.DataLimitExceeded\",\"Cause\":\"The state/task '%s' returned a result with a "
                                   "size exceeding the maximum number of bytes service limit.\"}", cases[i].name);
        CHECK_STR(text(asl_execution_output(x)), (const char *)wanted.data);
        CHECK_EQ(x->events, 7);
        free_both(e, x);
        asl_buffer_free(&handler);
        asl_buffer_free(&wanted);
    }
}

// ---------------------------------------------------------------- the mock

TEST(mocks) {
    char name[] = "/tmp/test-engine-XXXXXX";
    FILE *file = fdopen(mkstemp(name), "w");
    CHECK_OR_END(file);
    fputs("{\"StateMachines\":{\"m\":{\"TestCases\":{\"flaky\":{\"S\":\"A\"},\"hangs\":{\"S\":\"B\"},\"none\":{}}}},"
          "\"MockedResponses\":{\"A\":{\"0-1\":{\"Throw\":{\"Error\":\"X\",\"Cause\":\"slow\"}},\"2\":{\"Return\":[1]}},"
          "\"B\":{\"0\":{\"Hang\":true}}}}", file);
    fclose(file);
    asl_engine *e;
    asl_engine_options o = quick;
    o.mock_file = name;
    o.mock_case = "flaky";
    const char *image = TASK("arn:aws:states:::sqs:sendMessage.waitForTaskToken", ",\"timeoutSeconds\":9,"
                             "\"retry\":[{\"errorEquals\":[\"States.TaskFailed\"],\"maxAttempts\":2}]");
    asl_execution *x = run_with(&e, &o, image, STEPS(task_state), 1, asl_int(1));
    CHECK_STR(text(asl_execution_output(x)), "[1]");
    CHECK_EQ(x->events, 2 + 3 * 2 + 4 + 2); /* the last attempt has TaskSubmitted, a Throw has not */
    free_both(e, x);
    o.mock_case = "hangs";
    x = run_with(&e, &o, image, STEPS(task_state), 1, asl_int(1));
    CHECK_STR(asl_text_of(asl_execution_error(x)), "States.Timeout");
    CHECK_EQ(asl_execution_stop_ms(x) - asl_execution_start_ms(x), 9000);
    free_both(e, x);
    o.mock_case = "nonsense";
    CHECK(!run_with(&e, &o, image, STEPS(task_state), 1, asl_int(1)));
    CHECK(strstr(message, "nonsense"));
    o.mock_case = "none"; /* nothing is mocked: the service itself */
    x = run_with(&e, &o, image, STEPS(task_state), 1, asl_int(1));
    CHECK_STR(asl_text_of(asl_execution_error(x)), "States.Runtime");
    free_both(e, x);
    remove(name);
}
