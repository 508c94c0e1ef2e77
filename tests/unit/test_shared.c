// What a shared object exports, with a step function written by hand the way compiled code looks: one Task state whose
// handler the options give.
#include "aslc/shared.h"

#include <poll.h>
#include <pthread.h>

#include "aslc/handler.h"
#include "rt.h"
#include "steps.h"
#include "test.h"

static const char image[] =
    "{\"abi\":1,\"name\":\"order\",\"type\":\"STANDARD\",\"constants\":[],\"paths\":[],"
    "\"states\":[{\"name\":\"Charge\",\"type\":\"Task\"}],"
    "\"machines\":[{\"name\":\"/\",\"slots\":[\"input\",\"result\"],\"resume\":[\"Charge\",\"Charge.result\"]}],"
    "\"sites\":[{\"state\":0,\"kind\":\"task\",\"resource\":\"arn:charge\"}],\"bindings\":[]}";

static int32_t step(asl_frame *f) {
    if (f->resume == 0) {
        if (asl_rt_enter(f, 0, 0) || asl_rt_attempt(f, 0))
            return ASL_FAILED;
        f->resume = 1;
        return wait_or_go_on(f, step, asl_rt_task(f, 0, 0, ASL_NO_OPERAND, ASL_NO_OPERAND, ASL_NO_OPERAND));
    }
    if (asl_rt_result(f, 1) || asl_rt_exit(f, 0, 1))
        return ASL_FAILED;
    asl_rt_done(f, 1);
    return ASL_DONE;
}

static asl_step *const steps[] = {step};
static const asl_handler *const handlers[] = {&asl_handler_exec, &asl_handler_fail, &asl_handler_return, NULL};
static const asl_program program = {.abi = ASL_ABI, .step_count = 1, .image = image, .image_size = sizeof image - 1,
                                    .steps = steps, .handlers = handlers};

#define ANSWER  "{\"bind\": {\"arn:*\": \"return:[1,\\\"é\\\"]\"}}"
#define REFUSAL "{\"bind\": {\"arn:*\": \"fail:Card.Declined:no money\"}}"
#define COMMAND "{\"bind\": {\"arn:*\": \"exec:/bin/cat\"}}"
#define HANGING "{\"bind\": {\"arn:*\": \"exec:/bin/sleep 60\"}}"

TEST(success) {
    char *output, *error, *cause;
    CHECK_EQ(asl_shared_execute(&program, "{}", ANSWER, &output, &error, &cause), ASL_SHARED_SUCCEEDED);
    CHECK_STR(output, "[1,\"é\"]");
    CHECK(!error && !cause);
    asl_shared_free(output);
    asl_shared_free(NULL);
}

TEST(failure) {
    char *output, *error, *cause;
    CHECK_EQ(asl_shared_execute(&program, NULL, REFUSAL, &output, &error, &cause), ASL_SHARED_FAILED);
    CHECK(!output);
    CHECK_STR(error, "Card.Declined");
    CHECK_STR(cause, "no money");
    asl_shared_free(error);
    asl_shared_free(cause);
    CHECK_EQ(asl_shared_execute(&program, NULL, REFUSAL, NULL, NULL, NULL), ASL_SHARED_FAILED);
}

static void refused(const char *input, const char *options, const char *why) {
    char *output, *error, *cause;
    CHECK_EQ(asl_shared_execute(&program, input, options, &output, &error, &cause), ASL_SHARED_INVALID);
    CHECK(!output && !error);
    CHECK_STR(cause, why);
    asl_shared_free(cause);
    char *message;
    CHECK(!asl_shared_start(&program, input, options, &message));
    CHECK_STR(message, why);
    asl_shared_free(message);
    CHECK(!asl_shared_start(&program, input, options, NULL));
}

TEST(bad_options) {
    refused("{}", "[]", "the options: they must be a JSON object");
    refused("{}", "{\"seed\": 1.5}", "option \"seed\": \"seed\" must be an integer");
    refused("{}", "{\"clock\": \"fast\"}", "option \"clock\": \"clock\" must be \"real\" or \"virtual\"");
    refused("{}", "{\"type\": 1}", "option \"type\": \"type\" must be \"standard\" or \"express\"");
    refused("{}", "{\"strictAws\": 1}", "option \"strictAws\": \"strictAws\" must be true or false");
    refused("{}", "{\"name\": 1}", "option \"name\": \"name\" must be a string");
    refused("{}", "{\"mock\": {}}", "option \"mock\": \"mock\" must be \"FILE\" or \"FILE#TESTCASE\"");
    refused("{}", "{\"bind\": []}", "option \"bind\": \"bind\" must be an object of handlers by pattern");
    refused("{}", "{\"bind\": {\"a\": \"return:1\", \"b\": 1}}",
            "option \"bind\": a handler in \"bind\" must be a string such as \"exec:./charge\"");
    refused("{}", "{\"sed\": 1}",
            "option \"sed\": there is no such option; there are bind, mock, clock, seed, type, strictAws and name");
}

TEST(bad_texts) {
    char *cause;
    CHECK_EQ(asl_shared_execute(&program, "{", ANSWER, NULL, NULL, &cause), ASL_SHARED_INVALID);
    CHECK(strstr(cause, "the input is no JSON: line 1, column 2: "));
    asl_shared_free(cause);
    CHECK_EQ(asl_shared_execute(&program, "{}", "{\"x\"", NULL, NULL, &cause), ASL_SHARED_INVALID);
    CHECK(strstr(cause, "the options are no JSON: line 1, column 5: "));
    asl_shared_free(cause);
    CHECK_EQ(asl_shared_execute(&program, "{}", "{\"bind\": {\"arn:*\": \"nonsense\"}}", NULL, NULL, &cause),
             ASL_SHARED_INVALID);
    CHECK(cause && *cause);
    asl_shared_free(cause);
}

TEST(options_are_taken) {
    char *output;
    CHECK_EQ(asl_shared_execute(&program, "{}",
                                "{\"name\": \"x\", \"clock\": \"virtual\", \"seed\": 7, \"type\": \"express\", \"strictAws\": true,"
                                " \"bind\": {\"other\": \"return:1\", \"arn:charge\": \"return:2\"}}",
                                &output, NULL, NULL),
             ASL_SHARED_SUCCEEDED);
    CHECK_STR(output, "2");
    asl_shared_free(output);
}

static int32_t run_by_poll(asl_shared_run *run) {
    while (asl_shared_step(run) == ASL_SHARED_RUNNING) {
        struct pollfd p = {.fd = asl_shared_poll_fd(run), .events = POLLIN};
        int64_t deadline = asl_shared_next_deadline(run);
        CHECK(p.fd >= 0 || deadline >= 0); // else nobody would ever wake it
        poll(&p, 1, (int)deadline);
    }
    return asl_shared_status(run);
}

TEST(in_steps) {
    asl_shared_run *run = asl_shared_start(&program, "{\"a\": 1}", COMMAND, NULL);
    CHECK_OR_END(run);
    CHECK_EQ(asl_shared_status(run), ASL_SHARED_RUNNING);
    CHECK(!asl_shared_output(run) && !asl_shared_error(run));
    CHECK_EQ(run_by_poll(run), ASL_SHARED_SUCCEEDED);
    CHECK_STR(asl_shared_output(run), "{\"a\":1}");
    CHECK(asl_shared_output(run) == asl_shared_output(run));
    CHECK(!asl_shared_error(run) && !asl_shared_cause(run));
    asl_shared_stop(run, "Too", "late"); // has ended: nothing happens
    CHECK_EQ(asl_shared_status(run), ASL_SHARED_SUCCEEDED);
    asl_shared_close(run);
    asl_shared_close(NULL);
}

TEST(stopped) {
    asl_shared_run *run = asl_shared_start(&program, "{}", HANGING, NULL);
    CHECK_OR_END(run);
    CHECK_EQ(asl_shared_step(run), ASL_SHARED_RUNNING);
    asl_shared_stop(run, "Cancelled", NULL);
    CHECK_EQ(asl_shared_status(run), ASL_SHARED_ABORTED);
    CHECK_STR(asl_shared_error(run), "Cancelled");
    CHECK(!asl_shared_cause(run));
    asl_shared_close(run);
}

TEST(closed_while_running) {
    asl_shared_run *run = asl_shared_start(&program, "{}", HANGING, NULL);
    CHECK_OR_END(run);
    CHECK_EQ(asl_shared_step(run), ASL_SHARED_RUNNING);
    asl_shared_close(run);
}

static void *many(void *unused) {
    (void)unused;
    intptr_t wrong = 0;
    for (int i = 0; i < 200; i++) {
        char *output;
        wrong += asl_shared_execute(&program, "{}", ANSWER, &output, NULL, NULL) != 0 || strcmp(output, "[1,\"é\"]") != 0;
        asl_shared_free(output);
    }
    return (void *)wrong;
}

TEST(from_many_threads) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, many, NULL);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        CHECK_EQ((intptr_t)wrong, 0);
    }
}

TEST(version) {
    CHECK_EQ(asl_shared_abi_version(), ASL_SHARED_ABI);
}
