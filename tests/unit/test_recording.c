// Which chain an event of a recorded history belongs to, after the sequences that were recorded; what makes two events the same.
#include "compare.h"
#include "test.h"

// ---------------------------------------------------------------- chains

/* "4<3 MapIterationStarted M 0": id, previous, type, name, index; a line each. */
static void add_line(asl_buffer *json, const char *line) {
    int id, previous, index = -1;
    char type[64] = "", name[64] = "";
    if (sscanf(line, "%d<%d %63s %63s %d", &id, &previous, type, name, &index) < 3) TEST_FAIL("a line of the test: %s", line);
    asl_buffer_format(json, "%s{\"id\":%d,\"previousEventId\":%d,\"type\":\"%s\",\"details\":{", json->size > 1 ? "," : "", id, previous, type);
    if (*name) asl_buffer_format(json, "\"name\":\"%s\"", name);
    if (index >= 0) asl_buffer_format(json, ",\"index\":%d", index);
    asl_buffer_z(json, "}}");
}

/* "1 2 3; M0: 4 5; …": the ids of each chain, children after their parents. */
static void print_chain(const struct chain *c, asl_buffer *out) {
    if (out->size) asl_buffer_z(out, "; ");
    if (c->index >= 0) asl_buffer_format(out, "%s%lld:", c->fan->state, (long long)c->index);
    else if (c->first) asl_buffer_format(out, "%s:", c->first);
    for (size_t i = 0; i < c->events.count; i++)
        asl_buffer_format(out, "%s%llu", i || c->parent ? " " : "", (unsigned long long)c->events.items[i]->id);
    for (size_t f = 0; f < c->fans.count; f++)
        for (size_t i = 0; i < c->fans.items[f]->children.count; i++) print_chain(c->fans.items[f]->children.items[i], out);
}

static void check_chains(const char *lines, const char *wanted) {
    struct arena *a = arena_new();
    asl_buffer json = {0}, errors = {0}, got = {0};
    asl_buffer_byte(&json, '[');
    for (const char *at = lines; *at;) {
        char line[160];
        size_t n = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)n, at);
        add_line(&json, line);
        at += n + (at[n] == '\n');
    }
    asl_buffer_byte(&json, ']');
    struct recording *r = recording_parse(a, (asl_str){json.data, json.size}, "history", NULL, &errors);
    asl_buffer_byte(&errors, 0);
    if (r) print_chain(r->root, &got);
    asl_buffer_byte(&got, 0);
    CHECK_STR(errors.data, "");
    CHECK_STR(got.data, wanted);
    asl_buffer_free(&json);
    asl_buffer_free(&errors);
    asl_buffer_free(&got);
    arena_free(a);
}

TEST(a_map_one_after_the_other) {
    check_chains("1<0 ExecutionStarted\n2<0 MapStateEntered M\n3<2 MapStateStarted\n"
                 "4<3 MapIterationStarted M 0\n5<4 PassStateEntered P\n6<5 PassStateExited P\n7<6 MapIterationSucceeded M 0\n"
                 "8<6 MapIterationStarted M 1\n9<8 PassStateEntered P\n10<9 PassStateExited P\n11<10 MapIterationSucceeded M 1\n"
                 "12<11 MapStateSucceeded\n13<11 MapStateExited M\n14<13 ExecutionSucceeded",
                 "1 2 3 12 13 14; M0: 4 5 6 7; M1: 8 9 10 11");
}

TEST(a_map_that_is_retried) {
    check_chains("1<0 ExecutionStarted\n2<0 MapStateEntered M\n3<2 MapStateStarted\n"
                 "4<3 MapIterationStarted M 0\n5<4 FailStateEntered F\n6<5 MapIterationFailed M 0\n"
                 "7<5 MapStateStarted\n8<7 MapIterationStarted M 0\n9<8 FailStateEntered F\n10<9 MapIterationFailed M 0\n"
                 "11<9 MapStateFailed\n12<11 MapStateExited M\n13<12 PassStateEntered P",
                 "1 2 3 7 11 12 13; M0: 4 5 6; M0: 8 9 10");
}

TEST(tasks_of_a_map_that_time_out_at_once) {
    check_chains("1<0 ExecutionStarted\n2<0 MapStateEntered M\n3<2 MapStateStarted\n4<3 MapIterationStarted M 0\n"
                 "5<3 MapIterationStarted M 1\n6<4 TaskStateEntered T\n7<6 TaskScheduled\n8<5 TaskStateEntered T\n9<8 TaskScheduled\n"
                 "10<7 TaskStarted\n11<9 TaskStarted\n12<10 TaskTimedOut\n13<11 TaskTimedOut\n14<12 MapIterationFailed M 0\n"
                 "15<12 TaskStateAborted\n16<12 MapIterationAborted M 1\n17<12 TaskStateAborted\n18<12 MapStateFailed\n19<18 ExecutionFailed",
                 "1 2 3 18 19; M0: 4 6 7 10 12 14; M1: 5 8 9 11 13");
}

TEST(a_parallel_that_fails_is_retried_and_caught) {
    check_chains("1<0 ExecutionStarted\n2<0 ParallelStateEntered P\n3<2 ParallelStateStarted\n4<3 FailStateEntered F\n5<3 WaitStateEntered W\n"
                 "6<4 WaitStateAborted\n7<4 ParallelStateStarted\n8<7 FailStateEntered F\n9<7 WaitStateEntered W\n10<8 ParallelStateFailed\n"
                 "11<10 ParallelStateExited P\n12<11 SucceedStateEntered S\n13<12 SucceedStateExited S\n14<13 ExecutionSucceeded",
                 "1 2 3 7 10 11 12 13 14; F: 4; W: 5; F: 8; W: 9");
}

TEST(a_parallel_in_a_map_in_a_parallel) {
    check_chains("1<0 ExecutionStarted\n2<0 ParallelStateEntered P\n3<2 ParallelStateStarted\n4<3 MapStateEntered M\n5<4 MapStateStarted\n"
                 "6<5 MapIterationStarted M 0\n7<5 MapIterationStarted M 1\n8<6 ParallelStateEntered Q\n9<8 ParallelStateStarted\n"
                 "10<9 PassStateEntered A\n11<7 ParallelStateEntered Q\n12<11 ParallelStateStarted\n13<12 PassStateEntered A\n"
                 "14<10 PassStateExited A\n15<14 ParallelStateSucceeded\n16<14 ParallelStateExited Q\n17<16 MapIterationSucceeded M 0\n"
                 "18<13 PassStateExited A\n19<18 ParallelStateSucceeded\n20<18 ParallelStateExited Q\n21<20 MapIterationSucceeded M 1\n"
                 "22<21 MapStateSucceeded\n23<21 MapStateExited M\n24<23 ParallelStateSucceeded\n25<23 ParallelStateExited P\n26<25 ExecutionSucceeded",
                 "1 2 3 24 25 26; M: 4 5 22 23; M0: 6 8 9 15 16 17; A: 10 14; M1: 7 11 12 19 20 21; A: 13 18");
}

TEST(an_inner_failure_goes_through_both) {
    check_chains("1<0 ExecutionStarted\n2<0 ParallelStateEntered P\n3<2 ParallelStateStarted\n4<3 ParallelStateEntered Q\n5<4 ParallelStateStarted\n"
                 "6<5 FailStateEntered F\n7<6 ParallelStateFailed\n8<6 ParallelStateFailed\n9<8 ExecutionFailed",
                 "1 2 3 8 9; Q: 4 5 7; F: 6");
}

TEST(evaluation_failed_points_before_its_state) {
    check_chains("1<0 ExecutionStarted\n2<0 ParallelStateEntered P\n3<2 ParallelStateStarted\n4<3 PassStateEntered A\n5<3 PassStateEntered B\n"
                 "6<3 EvaluationFailed B\n7<6 ParallelStateFailed\n8<7 ExecutionFailed",
                 "1 2 3 7 8; A: 4; B: 5 6");
    check_chains("1<0 ExecutionStarted\n2<0 PassStateEntered P\n3<0 EvaluationFailed P\n4<3 ExecutionFailed", "1 2 3 4");
}

TEST(a_catcher_that_fails_lets_a_parallel_fail_twice) {
    check_chains("1<0 ExecutionStarted\n2<0 ParallelStateEntered P\n3<2 ParallelStateStarted\n4<3 FailStateEntered F\n5<4 ParallelStateFailed\n"
                 "6<4 EvaluationFailed P\n7<6 ParallelStateFailed\n8<7 ExecutionFailed",
                 "1 2 3 5 6 7 8; F: 4");
}

TEST(a_distributed_map) {
    check_chains("1<0 ExecutionStarted\n2<0 MapStateEntered M\n3<2 MapStateStarted\n4<3 MapRunStarted\n5<4 MapRunSucceeded\n6<5 MapStateSucceeded\n"
                 "7<4 MapStateExited M\n8<7 ExecutionSucceeded",
                 "1 2 3 4 5 6 7 8");
}

// ---------------------------------------------------------------- comparing

/* Whether ExecutionSucceeded with one output is the same as with the other; *at: the pointer of the difference. */
static bool same_output(struct comparison *c, const char *recorded, const char *again, char at[200]) {
    struct recording *sides[2];
    const char *outputs[] = {recorded, again};
    for (int i = 0; i < 2; i++) {
        asl_buffer json = {0}, errors = {0};
        asl_buffer_z(&json, "[{\"id\":1,\"previousEventId\":0,\"type\":\"ExecutionStarted\"},{\"id\":2,\"previousEventId\":1,"
                            "\"type\":\"ExecutionSucceeded\",\"executionSucceededEventDetails\":{\"output\":");
        asl_json_print_string(asl_str_z(outputs[i]), &json);
        asl_buffer_z(&json, "}}]");
        sides[i] = recording_parse(c->arena, (asl_str){json.data, json.size}, "history", NULL, &errors);
        asl_buffer_free(&json);
        asl_buffer_free(&errors);
    }
    bool same = comparison_events(c, sides[0]->events.items[1], sides[1]->events.items[1]);
    snprintf(at, 200, "%s", same ? "" : c->pointer + strlen("/events/1/executionSucceededEventDetails/output"));
    comparison_clear(c);
    return same;
}

#define SAME(recorded, again) CHECK_STR((same_output(&c, recorded, again, at), at), "")
#define DIFFER(recorded, again, pointer)                                                                               \
    do {                                                                                                               \
        CHECK(!same_output(&c, recorded, again, at));                                                                  \
        CHECK_STR(at, pointer);                                                                                        \
    } while (0)

TEST(payloads_are_compared_as_values) {
    struct comparison c = {.arena = arena_new()};
    char at[200];
    SAME("{\"a\": 1, \"b\": [true]}", "{\"b\":[true],\"a\":1.0}");
    SAME("{\"cause\":\"{\\\"a\\\": 1}\"}", "{\"cause\":\"{\\\"a\\\":1}\"}");
    DIFFER("{\"a\":1}", "{\"a\":2}", "/a");
    DIFFER("{\"a\":1}", "{\"a\":\"1\"}", "/a");
    DIFFER("{\"a\":{}}", "{\"a\":\"{}\"}", "/a");
    DIFFER("{\"a/b\":{\"~\":1}}", "{\"a/b\":{}}", "/a~1b/~0");
    DIFFER("{}", "{\"x\":null}", "/x");
    DIFFER("[1,2,3]", "[1,2]", "/2");
    DIFFER("[1]", "[1,[2]]", "/1");
    DIFFER("\"text\"", "\"test\"", "");
    DIFFER("{\"cause\":\"{\\\"a\\\": 1}\"}", "{\"cause\":\"{\\\"a\\\":2}\"}", "/cause/a");
    arena_free(c.arena);
}

TEST(what_is_made_up_is_not_compared) {
    struct comparison c = {.arena = arena_new()};
    char at[200];
    *vec_push(c.arena, &c.ours) = ASL_STR("arn:ours");
    SAME("\"0e9aa7a0-5a3c-4b7e-9d7e-1f0a2b3c4d5e\"", "\"11111111-2222-3333-4444-555555555555\"");
    SAME("\"a token\"", "\"11111111-2222-3333-4444-55555555555511111111-2222-3333-4444-555555555555\"");
    SAME("\"https://x/?t=AQCE&n=1\"", "\"https://x/?t=11111111-2222-3333-4444-555555555555&n=1\"");
    SAME("\"2024-03-10T12:00:00.070Z\"", "\"2020-01-01T00:00:00Z\"");
    SAME("\"run arn:theirs.\"", "\"run arn:ours.\"");
    SAME("\"'A' (entered at the event id #12). No\"", "\"'A' (entered at the event id #9). No\"");
    DIFFER("\"'A' (entered at the event id #12). No\"", "\"'A' (entered at the event id #9). Yes\"", "");
    DIFFER("\"https://x/?t=AQCE&n=1\"", "\"https://x/?t=11111111-2222-3333-4444-555555555555&n=2\"", "");
    DIFFER("\"never\"", "\"2020-01-01T00:00:00Z\"", "");
    DIFFER("\"\"", "\"11111111-2222-3333-4444-555555555555\"", "");
    DIFFER("null", "\"11111111-2222-3333-4444-555555555555\"", "");
    comparison_data(&c, ASL_STR("{\"id\":\"11111111-2222-3333-4444-555555555555\",\"at\":\"2020-01-01T00:00:00Z\"}"));
    DIFFER("\"0e9aa7a0-5a3c-4b7e-9d7e-1f0a2b3c4d5e\"", "\"11111111-2222-3333-4444-555555555555\"", "");
    DIFFER("\"2024-03-10T12:00:00.070Z\"", "\"2020-01-01T00:00:00Z\"", "");
    SAME("\"0e9aa7a0-5a3c-4b7e-9d7e-1f0a2b3c4d5e\"", "\"99999999-2222-3333-4444-555555555555\"");
    arena_free(c.arena);
}

TEST(what_is_ignored_is_not_compared) {
    struct comparison c = {.arena = arena_new()};
    char at[200];
    *vec_push(c.arena, &c.ignored) = "/events/*/executionSucceededEventDetails/output/a/*/b";
    DIFFER("{\"a\":[{\"b\":1,\"c\":1}]}", "{\"a\":[{\"b\":2,\"c\":2}]}", "/a/0/c");
    SAME("{\"a\":[{\"b\":1},{\"b\":{\"x\":1}}]}", "{\"a\":[{\"b\":2},{}]}");
    DIFFER("{\"b\":1}", "{\"b\":2}", "/b");
    arena_free(c.arena);
}

// ---------------------------------------------------------------- ARNs

TEST(parts_of_an_arn) {
    struct arena *a = arena_new();
    struct recording *r = recording_new(a);
    CHECK(recording_set_arn(r, "arn:aws:states:eu-west-1:1:execution:order:first"));
    CHECK_STR(r->machine, "order");
    CHECK_STR(r->name, "first");
    CHECK(!r->express);
    CHECK(recording_set_arn(r, "arn:aws-cn:states:cn-north-1:1:express:order:first:11111111-2222-3333-4444-555555555555"));
    CHECK_STR(r->region, "cn-north-1");
    CHECK_STR(r->name, "first");
    CHECK(r->express);
    CHECK(!recording_set_arn(r, "arn:aws:states:eu-west-1:1:stateMachine:order"));
    CHECK(!recording_set_arn(r, "order"));
    arena_free(a);
}
