// The plan's text goes both ways, and the verifier refuses what would break compiled code.
#include <string.h>

#include "ir.h"
#include "test.h"

static const char good[] = "plan 1 \"order\" express timeout 60\n"
                           "definition \"ab\\\"c\"\n"
                           "const k0 = {\"a\":[1,2]}\n"
                           "const k1 = \"x.$\"\n"
                           "path p0 = \"$.a[0]\"\n"
                           "state n0 = Task \"Charge it\" @3:5\n"
                           "site t0 = {\"state\":0,\"kind\":\"task\",\"resource\":\"r\"}\n"
                           "binding {\"pattern\":\"*\",\"handler\":\"return:1\"}\n"
                           "machine @0 \"/\"\n"
                           "  slot %0 \"input\"\n"
                           "  slot %1 \"t0\"\n"
                           "  slot %2 \"t1\"\n"
                           "  block b0 \"Charge it\" n0\n"
                           "    enter n0 %0 @3:5\n"
                           "    jump b1\n"
                           "  block b1 \"Charge it.attempt\" n0 resume error b3\n"
                           "    attempt t0\n"
                           "    const %2 k0\n"
                           "    path %1 %0 p0 template k1\n"
                           "    intrinsic %2 MathAdd k1 %0 2\n"
                           "    task t0 %1! _ _ _\n"
                           "    suspend b2 @4:1\n"
                           "  block b2 \"Charge it.result\" n0 resume error b3\n"
                           "    result %0\n"
                           "    if NumericLessThan %0 %1 b4 b5\n"
                           "  block b3 \"Charge it.error\" n0\n"
                           "    retry t0 b1 b6\n"
                           "  block b4 \"yes\"\n"
                           "    done %0!\n"
                           "  block b5 \"no\"\n"
                           "    failed\n"
                           "  block b6 \"Charge it.catch\" n0\n"
                           "    catch t0 b4 b5\n"
                           "machine @1 \"/P.0\"\n"
                           "  slot %0 \"input\"\n"
                           "  slot %1 \"$x\"\n"
                           "  capture %1 %2\n"
                           "  block b0 \"A\"\n"
                           "    done %0\n";

TEST(prints_what_it_parsed) {
    struct arena *a = arena_new();
    char why[256] = "";
    struct ir_plan *p = ir_parse(a, asl_str_z(good), why, sizeof why);
    CHECK_STR(why, "");
    CHECK(p != NULL);
    asl_buffer out = {0};
    ir_print(p, &out);
    CHECK_STR(out.data, good);
    CHECK(ir_verify(p) == NULL);
    asl_buffer_free(&out);
    arena_free(a);
}

TEST(image_is_json) {
    struct arena *a = arena_new();
    char why[256];
    struct ir_plan *p = ir_parse(a, asl_str_z(good), why, sizeof why);
    asl_buffer out = {0};
    ir_image(p, &out);
    asl_value v;
    CHECK_EQ(asl_json_parse((asl_str){out.data, out.size}, NULL, &v, NULL), 0);
    CHECK_EQ(asl_number(asl_object_get(&v, ASL_STR("timeoutSeconds"))), 60);
    const asl_value *machine = asl_array_at(asl_object_get(&v, ASL_STR("machines")), 0);
    // Block 0 and the two that say so are resume points.
    CHECK_EQ(asl_array_count(asl_object_get(machine, ASL_STR("resume"))), 3);
    asl_release(v);
    asl_buffer_free(&out);
    arena_free(a);
}

TEST(constants_are_kept_once) {
    struct arena *a = arena_new();
    struct ir_plan *p = ir_plan_new(a, "x");
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 1000; i++)
            CHECK_EQ(ir_const(p, arena_format(a, "%d", i)), i);
    CHECK_EQ(ir_path(p, "$.a"), 0);
    CHECK_EQ(ir_path(p, "$.b"), 1);
    CHECK_EQ(ir_path(p, "$.a"), 0);
    arena_free(a);
}

// good with one line replaced; says what the verifier or parser answers.
static void expect(const char *line, const char *replacement, const char *answer) {
    struct arena *a = arena_new();
    const char *at = strstr(good, line);
    CHECK(at != NULL);
    char *text = arena_format(a, "%.*s%s%s", (int)(at - good), good, replacement, at + strlen(line));
    char why[256] = "";
    struct ir_plan *p = ir_parse(a, asl_str_z(text), why, sizeof why);
    const char *got = p ? ir_verify(p) : why;
    if (!got || !strstr(got, answer))
        printf("%s: got %s\n", replacement, got ? got : "nothing");
    CHECK(got && strstr(got, answer));
    arena_free(a);
}

TEST(refuses_broken_plans) {
    expect("    result %0\n", "    result %9\n", "slot %9 does not exist");
    expect("path %1 %0 p0 template k1", "path %1 %0 p7 template k1", "p7 does not exist");
    expect("path %1 %0 p0 template k1", "path %1! %0 p0 template k1", "a destination is marked as a last use");
    expect("intrinsic %2 MathAdd k1 %0 2", "intrinsic %2 MathAdd k1 %2 2", "reach past the last slot");
    expect("    suspend b2 @4:1\n", "    suspend b4\n", "which is no resume point");
    expect("    suspend b2 @4:1\n", "    jump b2\n", "must be the last before a suspend");
    expect("    task t0 %1! _ _ _\n", "", "must be the last before a suspend");
    expect("    retry t0 b1 b6\n", "    retry t0 b4 b6\n", "which is no resume point");
    expect("    catch t0 b4 b5\n", "    catch t9 b4 b5\n", "names a site that does not exist");
    expect("    failed\n", "", "has no exit");
    expect("b4 b5\n  block b3", "b4 b50\n  block b3", "goes to b50");
    expect("n0 resume error b3\n    attempt", "n0 resume error b30\n    attempt", "its error edge");
}

TEST(parser_points_at_the_line) {
    expect("const k0", "const k5", "line 3: expected k0, found k5");
    expect("    failed\n", "    flail\n", "line 31: unknown op \"flail\"");
    expect("    failed\n", "    failed\n    poll\n", "stands after the block's exit");
    expect("    result %0\n", "    result %0 %1\n", "line 24: unexpected \"%1\"");
    expect("plan 1", "plan 2", "line 1: only plans of version 1 are known");
    expect("\"order\"", "\"order", "line 1: a name's closing quote is missing");
}
