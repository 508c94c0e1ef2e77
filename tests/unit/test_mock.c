// The mock file of AWS Step Functions Local: what is refused and how, which test case is meant, and which call gets
// which answer.

#include "test.h"

#include "handlers/mock.h"
#include "one_task.h"

#include <unistd.h>

/* Writes a mock file; ' stands for ". The name is the same each time, and so is in the messages. */
static const char *file(const char *text) {
    static char path[] = "/tmp/asl-mock-XXXXXX";
    static bool made;
    int fd = made ? -1 : mkstemp(path);
    if (fd >= 0) close(fd);
    made = true;
    FILE *f = fopen(path, "w");
    if (!f) exit(2);
    for (; *text; text++) fputc(*text == '\'' ? '"' : *text, f);
    fclose(f);
    return path;
}

/* The messages without the file's name. */
static void refused_for(const char *program, const char *text, const char *test_case, const char *messages) {
    const char *path = file(text);
    asl_buffer errors = {0}, plain = {0};
    void *state = NULL;
    int rc = asl__mock_open(path, test_case, program, &state, &errors);
    asl_buffer_byte(&errors, 0);
    CHECK_EQ(rc, -1);
    for (const char *s = errors.data; *s;) {
        if (strncmp(s, path, strlen(path)) == 0) s += strlen(path);
        else asl_buffer_byte(&plain, *s++);
    }
    CHECK_STR(((asl_str){plain.data, plain.size}), messages);
    asl_buffer_free(&errors);
    asl_buffer_free(&plain);
    if (rc == 0) asl__mock_close(state);
    unlink(path);
}

static void refused(const char *text, const char *messages) { refused_for("machine", text, "c", messages); }

/* A file whose only response is this. */
static void response_refused(const char *response, const char *messages) {
    char text[1024];
    snprintf(text, sizeof text, "{'StateMachines':{'machine':{'TestCases':{'c':{'A':'r'}}}},\n'MockedResponses':{'r':\n%s}}",
             response);
    refused(text, messages);
}

// ---------------------------------------------------------------- the grammar

TEST(text_that_is_no_json) {
    refused("", ":1:1: error: the text is empty");
    refused("[]", ":1:1: error: a mock file must be an object, not an array");
    refused("{}", ":1:1: error: a mock file must have 'StateMachines'");
    asl_buffer errors = {0};
    void *state;
    CHECK_EQ(asl__mock_open("/nowhere/mock.json", "c", NULL, &state, &errors), -1);
    CHECK_STR(((asl_str){errors.data, errors.size}),
              "/nowhere/mock.json: error: the mock file cannot be read: No such file or directory");
    asl_buffer_free(&errors);
}

TEST(members_and_kinds) {
    refused("{'StateMachine':{},\n 'MockedResponse':{},\n'StateMachines':{}}",
            ":1:2: error: a mock file has no member 'StateMachine'; did you mean 'StateMachines'?\n"
            ":2:2: error: a mock file has no member 'MockedResponse'; did you mean 'MockedResponses'?\n"
            ":3:17: error: the file has no test case");
    refused("{'StateMachines':{'machine':{'Testcases':{}},'b':[]}}",
            ":1:18: error: the file has no test case\n"
            ":1:29: error: the state machine 'machine' has no 'TestCases'\n"
            ":1:30: error: a state machine has no member 'Testcases'; did you mean 'TestCases'?\n"
            ":1:50: error: a state machine must be an object, not an array");
}

TEST(states_must_name_a_response) {
    refused("{'StateMachines':{'machine':{'TestCases':{'c':{\n'A':'charge',\n'B':'other',\n'A':'charged','C':1}}}},\n"
            "'MockedResponses':{'charged':{'0':{'Return':1}}}}",
            ":2:5: error: no mocked response is named 'charge'; did you mean 'charged'?\n"
            ":3:5: error: no mocked response is named 'other'\n"
            ":4:1: error: state 'A' is defined twice\n"
            ":4:19: error: the name of a mocked response must be a string, not a number");
}

TEST(numbers_of_invocations) {
    response_refused("{'x':{'Return':1}}", ":3:2: error: 'x' is no invocation number; write \"0\", \"1\", … or a range \"1-3\"");
    response_refused("{'-1':{'Return':1}}", ":3:2: error: '-1' is no invocation number; write \"0\", \"1\", … or a range \"1-3\"");
    response_refused("{'0-':{'Return':1}}", ":3:2: error: '0-' is no invocation number; write \"0\", \"1\", … or a range \"1-3\"");
    response_refused("{'0':{'Return':1},'2-1':{'Return':1}}", ":3:19: error: the range '2-1' runs backwards");
    response_refused("{'0':{'Return':1},\n'2':{'Return':1}}",
                     ":4:1: error: responses of 'r' must be numbered without a gap or an overlap: expected the next to begin "
                     "at 1, not 2");
    response_refused("{'0-2':{'Return':1},\n'2':{'Return':1}}",
                     ":4:1: error: responses of 'r' must be numbered without a gap or an overlap: expected the next to begin "
                     "at 3, not 2");
    response_refused("{'1':{'Return':1}}",
                     ":3:2: error: responses of 'r' must be numbered without a gap or an overlap: expected the next to begin "
                     "at 0, not 1");
    response_refused("{'0':{'Return':1},'0':{'Return':1}}", ":3:19: error: invocation '0' is defined twice");
}

TEST(what_a_response_holds) {
    response_refused("1", ":3:1: error: a mocked response must be an object, not a number");
    response_refused("{'0':1}", ":3:6: error: a response must be an object, not a number");
    response_refused("{'0':{}}", ":3:6: error: a response must hold 'Return', 'Throw' or 'Hang'");
    response_refused("{'0':{'Return':1,'Throw':{}}}", ":3:18: error: a response cannot hold both 'Return' and 'Throw'");
    response_refused("{'0':{'Throw':1}}", ":3:15: error: 'Throw' must be an object, not a number");
    response_refused("{'0':{'Throw':{'Error':1,'Cause':null,'Casue':1}}}",
                     ":3:24: error: 'Error' must be a string\n"
                     ":3:34: error: 'Cause' must be a string\n"
                     ":3:39: error: 'Throw' has no member 'Casue'; it takes 'Error' and 'Cause'");
    response_refused("{'0':{'Hang':false}}", ":3:14: error: 'Hang' must be true");
    response_refused("{'0':{'Return':1,'TimesOutWith':{'Error':'x'}}}",
                     ":3:18: error: 'TimesOutWith' goes with 'Hang' only");
    response_refused("{'0':{'Return':1,'Iteration':[]}}", ":3:30: error: 'Iteration' takes 1 to 16 indexes, one for each Map "
                                                          "round the state, outermost first");
    response_refused("{'0':{'Return':1,'Iteration':[0,'a',-1]}}",
                     ":3:33: error: an index in 'Iteration' must be a whole number from 0\n"
                     ":3:37: error: an index in 'Iteration' must be a whole number from 0");
    response_refused("{'0':{'return':1}}",
                     ":3:6: error: a response must hold 'Return', 'Throw' or 'Hang'\n"
                     ":3:7: error: a response has no member 'return'; it takes 'Return', 'Throw' or 'Hang', and 'Submitted', "
                     "'Iteration', 'TimesOutWith'");
}

// ---------------------------------------------------------------- choosing

#define RESPONSES "'MockedResponses':{'r':{'0':{'Return':'r'}},'s':{'0':{'Return':'s'}}}"
#define TWO_MACHINES                                                                                                  \
    "{'StateMachines':{'one':{'TestCases':{'c':{'A':'r'},'d':{'B':'r'}}},'two':{'TestCases':{'c':{'B':'s'}}}}," RESPONSES "}"

/* Which of A and B the chosen test case serves. */
static void serves(const char *text, const char *program, const char *test_case, const char *states) {
    const char *path = file(text);
    asl_buffer errors = {0};
    void *state;
    char got[3] = "";
    if (asl__mock_open(path, test_case, program, &state, &errors) == 0) {
        if (asl__mock_serves(state, "A")) strcat(got, "A");
        if (asl__mock_serves(state, "B")) strcat(got, "B");
        asl__mock_close(state);
    }
    CHECK_EQ(errors.size, 0);
    CHECK_STR(got, states);
    asl_buffer_free(&errors);
    unlink(path);
}

TEST(the_test_case_is_that_of_the_only_machine_or_of_the_program) {
    serves(TWO_MACHINES, "one", "c", "A");
    serves(TWO_MACHINES, "two", "c", "B");
    serves(TWO_MACHINES, "three", "d", "B");
    serves(TWO_MACHINES, NULL, "d", "B");
    serves(TWO_MACHINES, "one", "", "");
    serves("{'StateMachines':{'x':{'TestCases':{'only':{'A':'r'}}}}," RESPONSES "}", "m", NULL, "A");
    refused_for("three", TWO_MACHINES, "c",
                ":1:18: error: 2 state machines have a test case 'c', and none of them is named 'three'");
    refused_for(NULL, TWO_MACHINES, "c", ":1:18: error: 2 state machines have a test case 'c'");
    refused_for("one", TWO_MACHINES, "e", ":1:18: error: no test case is named 'e'; there are 'c', 'd', 'c'");
    refused_for("one", "{'StateMachines':{'x':{'TestCases':{'happy':{}}}}}", "hapy",
                ":1:18: error: no test case is named 'hapy'; did you mean 'happy'?");
    refused_for("one", TWO_MACHINES, NULL, ":1:18: error: which test case? write #NAME with one of 'c', 'd', 'c'");
}

// ---------------------------------------------------------------- warnings

TEST(warnings) {
    const char *path = file("{'StateMachines':{'m':{'TestCases':{'c':{'Charge':'r','Notfy':'empty'}}}},\n"
                            "'MockedResponses':{'r':{'0-1':{'Throw':{'Error':'E','Cause':'C'}}},\n'empty':{},\n'unused':{'0':{'Return':1}},}}");
    asl_buffer errors = {0};
    void *state;
    char warnings[2000], want[2000];
    CHECK_OR_END(asl__mock_open(path, "c", "m", &state, &errors) == 0);
    const char *const tasks[] = {"Charge", "Notify"};
    asl__mock_check(state, tasks, 2, warnings, sizeof warnings);
    asl__mock_check_calls(state, "Charge", 2, warnings, sizeof warnings);
    asl__mock_check_calls(state, "Charge", 4, warnings, sizeof warnings);
    asl__mock_check_calls(state, "Other", 4, warnings, sizeof warnings);
    char *comma = strchr(warnings, '\n'); /* the reader's own words about the comma come first */
    CHECK(comma != NULL && strstr(warnings, ":4:28: warning: ") == warnings + strlen(path));
    snprintf(want, sizeof want,
             "%s:4:1: warning: the mocked response 'unused' is never used\n"
             "%s:3:9: warning: this mocked response has no entry, so it can answer no call\n"
             "warning: the mocked state 'Notfy' is no Task state of this machine; did you mean 'Notify'?\n"
             "warning: the mocked response 'r' ends in a 'Throw' after 2 calls, and with its retriers the state 'Charge' can "
             "make 4",
             path, path);
    if (comma) CHECK_STR((const char *)comma + 1, want);
    asl__mock_check(state, tasks, 2, warnings, 40); /* what does not fit is left out */
    CHECK(strlen(warnings) < 40);
    asl__mock_close(state);
    unlink(path);
}

// ---------------------------------------------------------------- answers

/* One execution of a Task state A with retries; what came of it. */
static void gives(const char *response, const char *site, const char *outcome) {
    char text[2048], got[4200];
    snprintf(text, sizeof text, "{'StateMachines':{'x':{'TestCases':{'c':{'A':'r'}}}},'MockedResponses':{'r':%s}}", response);
    const char *path = file(text);
    struct outcome o = run_one((struct one_task){.mock_file = path, .mock_case = "c", .site = site, .virtual_clock = true});
    CHECK_STR(o.message, "");
    if (o.status == ASL_SUCCEEDED)
        snprintf(got, sizeof got, "%s", output_text(&o));
    else
        snprintf(got, sizeof got, "%s %.*s: %.*s", asl_status_name(o.status), (int)text_of(&o.error).size,
                 text_of(&o.error).data, (int)text_of(&o.cause).size, text_of(&o.cause).data);
    CHECK_STR((const char *)got, outcome);
    outcome_free(&o);
    unlink(path);
}

#define RETRY3 "\"retry\":[{\"errorEquals\":[\"States.ALL\"],\"intervalSeconds\":1,\"maxAttempts\":3,\"backoffRate\":2}]"

TEST(answers_by_the_number_of_the_call) {
    gives("{'0':{'Return':{'a':[1.50,null]}}}", NULL, "{\"a\":[1.50,null]}");
    gives("{'0':{'Return':null}}", NULL, "null");
    gives("{'0':{'Throw':{'Error':'E','Cause':'C'}}}", NULL, "FAILED E: C");
    gives("{'0':{'Throw':{}}}", NULL, "FAILED (no string): (no string)");
    gives("{'0-1':{'Throw':{'Error':'E','Cause':'C'}},'2':{'Return':2}}", RETRY3, "2");
    gives("{' 2 ':{'Return':2},' 0 - 1 ':{'Throw':{'Error':'E','Cause':'C'}}}", RETRY3, "2");
    gives("{'0-3':{'Throw':{'Error':'E','Cause':'C'}}}", RETRY3, "FAILED E: C");
}

TEST(no_answer_left_is_neither_retried_nor_caught) {
    gives("{'0':{'Throw':{'Error':'E','Cause':'C'}}}", RETRY3,
          "FAILED States.Runtime: No mocked response definition for state 'A' and invocation number '1'");
    gives("{}", RETRY3, "FAILED States.Runtime: No mocked response definition for state 'A' and invocation number '0'");
}

TEST(hanging_ends_with_the_time_out) {
    gives("{'0':{'Hang':true,'TimesOutWith':{'Error':'States.Timeout'}}}", "\"timeoutSeconds\":30",
          "FAILED States.Timeout: (no string)");
    gives("{'0':{'Hang':true},'1':{'Return':1}}", "\"timeoutSeconds\":30,\"heartbeatSeconds\":5," RETRY3, "1");
}

TEST(calls_are_counted_for_each_execution) {
    enum { COUNT = 5 };
    struct outcome out[COUNT];
    const char *path = file("{'StateMachines':{'x':{'TestCases':{'c':{'A':'r'}}}},"
                            "'MockedResponses':{'r':{'0':{'Throw':{'Error':'E','Cause':'C'}},'1':{'Return':1}}}}");
    run_all(&(struct one_task){.mock_file = path, .mock_case = "c", .site = RETRY3, .virtual_clock = true, .count = COUNT}, out);
    for (int i = 0; i < COUNT; i++) {
        CHECK_STR(output_text(&out[i]), "1");
        outcome_free(&out[i]);
    }
    unlink(path);
}

TEST(answers_for_an_iteration_are_not_for_others) {
    gives("{'0':{'Return':'inside','Iteration':[0]},'1':{'Return':'outside'}}", NULL, "\"outside\"");
    gives("{'0':{'Return':'inside','Iteration':[0]}}", NULL,
          "FAILED States.Runtime: No mocked response definition for state 'A' and invocation number '0'");
}

TEST(many_mistakes_fit_into_a_message) {
    char text[8000] = "{'StateMachines':{'x':{'TestCases':{'c':{}}}},'MockedResponses':{'r':1";
    for (int i = 0; i < 150; i++) sprintf(text + strlen(text), ",\n'r%d':1", i);
    strcat(text, "}}");
    const char *path = file(text);
    struct outcome o = run_one((struct one_task){.mock_file = path, .mock_case = "c"});
    char *last = strrchr(o.message, '\n');
    CHECK(last && strncmp(last, "\nand ", 5) == 0 && strstr(last, " more"));
    outcome_free(&o);
    unlink(path);
}
