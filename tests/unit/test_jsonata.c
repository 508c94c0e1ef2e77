// Expressions through libaslc: what they give, how they fail, what they leave behind.
//
// The language itself is covered by the conformance and differential tests; here is what those cannot see: machine code
// and walked plan against each other, memory, limits, closures that hold themselves, state from one evaluation to the next.
#include <pthread.h>
#include <stdio.h>

#include "aslc/aslc.h"
#include "expression.h"
#include "test.h"

static asl_value parsed(const char *json) {
    asl_value v;
    CHECK(asl_json_parse(asl_str_z(json), NULL, &v, NULL) == 0);
    return v;
}

/* The result as JSON text, "undefined", or "code@position token". Owned by the buffer. */
static const char *outcome(asl_buffer *b, aslc_expression *x, const asl_value *input) {
    asl_value out;
    aslc_expression_error e;
    b->size = 0;
    if (aslc_expression_evaluate(x, input, NULL, 0, &out, &e) < 0) {
        asl_buffer_format(b, "%s@%lld %s", e.code, (long long)e.position, e.token);
        return b->data;
    }
    if (out.tag == ASL_NONE)
        asl_buffer_z(b, "undefined");
    else
        asl_json_print(&out, b);
    asl_release(out);
    return b->data;
}

/* Evaluates text on the JSON input by machine code, twice, and by walking the plan; all three must agree. */
static void check(const char *text, const char *json, const char *wanted) {
    size_t before = asl_alloc_live();
    asl_value input = json ? parsed(json) : asl_none();
    aslc_expression_error e;
    asl_buffer b = {0};
    aslc_expression *x = aslc_expression_compile(text, strlen(text), ASLC_JSONATA, &e);
    CHECK_OR_END(x != NULL);
    CHECK_STR(outcome(&b, x, &input), wanted);
    CHECK_STR(outcome(&b, x, &input), wanted);
    aslc_expression_free(x);

    struct arena *texts = arena_new();
    struct expression_options o = {.language = {.dialect = JSONATA_PLAIN, .name = "walked"}};
    struct jsonata_error why;
    struct expression *walked = expression_new(asl_str_z(text), &o, texts, &why);
    CHECK_OR_END(walked != NULL);
    asl_value out;
    struct jx_error error;
    b.size = 0;
    if (expression_run(walked, &input, NULL, 0, NULL, &out, &error) < 0) {
        asl_str token = error.token.tag == ASL_STRING ? asl_text_of(&error.token) : ASL_STR("");
        asl_buffer_format(&b, "%s@%lld %.*s", error.code, (long long)error.position, (int)token.size, token.data);
        jx_error_clear(&error);
    } else {
        out = jx_document(out, false);
        if (out.tag == ASL_NONE)
            asl_buffer_z(&b, "undefined");
        else
            asl_json_print(&out, &b);
        asl_release(out);
    }
    CHECK_STR(b.data, wanted);
    expression_free(walked);
    arena_free(texts);
    asl_buffer_free(&b);
    asl_release(input);
    CHECK_EQ(asl_alloc_live(), before);
}

TEST(zero_has_a_sign_that_only_division_shows) {
    check("[-0, 0 * -1, {\"a\": -0}, [[-0]]]", NULL, "[0,0,{\"a\":0},[[0]]]");
    check("$string(-0) & (0 * -1)", NULL, "\"00\"");
    check("[1/-0 < 0, 1/(0 * -1) < 0, 1/(0 - 0) > 0]", NULL, "[true,true,true]");
    check("-0 = 0 and -0 in [0]", NULL, "true");
    check("a * -1", "{\"a\":0}", "0");
}

TEST(text_that_is_evaluated_sees_what_is_around_it) {
    check("($x := 5; $eval(\"$x + 1\"))", NULL, "6");
    check("a.$eval(\"$$.b\")", "{\"a\":1,\"b\":2}", "2");
    check("($f := function($n){ $n * 2 }; $map([1,2], function($v){ $eval(\"$f($v)\") + 0 }))", NULL, "[2,4]");
    check("($x := 5; $eval(\"$eval(\\\"$x\\\")\"))", NULL, "5");
    check("($x := 5; $g := function(){ 0 + $eval(\"$x\") }; $x := 7; $g())", NULL, "7");
    check("($eval(\"$x := 2\"); $x)", NULL, "undefined");
}

TEST(regexes_are_checked_when_they_are_compiled) {
    aslc_expression_error e;
    CHECK(aslc_expression_compile("false ? /a**/ : 1", 17, ASLC_JSONATA, &e) == NULL);
    CHECK_STR(e.code, "S0303");
}

TEST(paths_collapse_as_sequences_do) {
    check("a.b", "{\"a\":[{\"b\":1},{\"b\":[2,3]}]}", "[1,2,3]");
    check("a.b", "{\"a\":[{\"b\":[5]}]}", "[5]");
    check("a.b[0]", "{\"a\":[{\"b\":[1,2]},{\"b\":[3]}]}", "[1,3]");
    check("(a.b)[0]", "{\"a\":[{\"b\":[1,2]},{\"b\":[3]}]}", "1");
    check("a[]", "{\"a\":7}", "[7]");
    check("$", "[1,[2]]", "[1,[2]]");
    check("a.b.c", "{\"a\":{\"b\":{}}}", "undefined");
}

TEST(predicates_choose_by_truth_and_by_position) {
    check("a[b > 1].b", "{\"a\":[{\"b\":1},{\"b\":2},{\"b\":3}]}", "[2,3]");
    check("a[[0,2]]", "{\"a\":[1,2,3]}", "[1,3]");
    check("a[-1]", "{\"a\":[1,2,3]}", "3");
    check("a[$ = 2 or $ = 3]", "{\"a\":[1,2,3]}", "[2,3]");
}

TEST(joins_ancestors_positions) {
    check("a@$x.b@$y[$x.i = $y.i].[$x.v, $y.v]", "{\"a\":[{\"i\":1,\"v\":\"p\"},{\"i\":2,\"v\":\"q\"}],\"b\":[{\"i\":2,\"v\":9}]}",
          "[\"q\",9]");
    check("a.b.{\"i\": %.i, \"v\": v}", "{\"a\":[{\"i\":1,\"b\":[{\"v\":2},{\"v\":3}]}]}", "[{\"i\":1,\"v\":2},{\"i\":1,\"v\":3}]");
    check("a#$i[$i > 0].[$i, $]", "{\"a\":[5,6,7]}", "[1,6,2,7]");
}

TEST(groups_order_transforms) {
    check("a{k: $sum(v)}", "{\"a\":[{\"k\":\"x\",\"v\":1},{\"k\":\"10\",\"v\":2},{\"k\":\"x\",\"v\":3}]}", "{\"10\":2,\"x\":4}");
    check("a^(>v, k).k", "{\"a\":[{\"k\":\"b\",\"v\":1},{\"k\":\"a\",\"v\":1},{\"k\":\"c\",\"v\":2}]}", "[\"c\",\"a\",\"b\"]");
    check("$ ~> |a|{\"n\": v * 2}, \"k\"|", "{\"a\":[{\"k\":\"b\",\"v\":1}]}", "{\"a\":[{\"v\":1,\"n\":2}]}");
    // What a transform changes is its own copy, even where the same object is met again.
    check("($x := {\"a\": {\"b\": 1}}; $y := $x ~> |a|{\"b\": 2}|; [$x.a.b, $y.a.b])", NULL, "[1,2]");
    check("($x := {\"a\": {}}; $x ~> |a|{\"self\": $}|)", NULL, "{\"a\":{\"self\":{}}}");
    check("$ ~> |a|{\"p\":1,\"q\":2,\"r\":3,\"s\":4,\"t\":5,\"u\":6}|", "{\"a\":[{},{\"z\":0}]}",
          "{\"a\":[{\"p\":1,\"q\":2,\"r\":3,\"s\":4,\"t\":5,\"u\":6},{\"z\":0,\"p\":1,\"q\":2,\"r\":3,\"s\":4,\"t\":5,\"u\":6}]}");
}

TEST(lambdas_closures_recursion_tail_calls) {
    check("($x := 1; $f := function() { $x }; $x := 2; $f())", NULL, "2");
    check("($f := function($n) { $n < 2 ? $n : $f($n - 1) + $f($n - 2) }; $f(20))", NULL, "6765");
    check("($even := function($n) { $n = 0 ? true : $odd($n - 1) }; $odd := function($n) { $n = 0 ? false : $even($n - 1) };"
          " $odd(10001))", NULL, "true");
    check("($f := function($n, $a) { $n = 0 ? $a : $f($n - 1, $a + 1) }; $f(1000000, 0))", NULL, "1000000");
    check("$map([1..3], function($v, $i, $a) { $v * $i + $count($a) })", NULL, "[3,5,9]");
    check("($add := function($a, $b) { $a + $b }; $inc := $add(1, ?); $map([1, 2], $inc))", NULL, "[2,3]");
    check("($twice := $uppercase ~> $length; $twice(\"abc\"))", NULL, "3");
    check("($g := function($c) { $m := function($n) { $n = 0 ? $c : $m($n - 1) } }; $g(\"x\")(3))", NULL, "\"x\"");
    check("($x := 1; ($y := $x; $x := 2; [$x, $y]))", NULL, "[2,1]");
    check("a.($f := function() { $.b }; $f())", "{\"a\":[{\"b\":1},{\"b\":2}]}", "[1,2]");
}

TEST(errors_name_their_place) {
    check("1 + \"x\"", NULL, "T2002@3 +");
    check("$uppercase(5)", NULL, "T0410@11 uppercase");
    check("a < true", "{\"a\":1}", "T2010@3 <");
    check("$f(1)", NULL, "T1006@3 f");
    check("[1, 2] ~> $sum() ~> $nothing()", NULL, "T1006@29 nothing");
    aslc_expression_error e;
    CHECK(aslc_expression_compile("a.[", 3, ASLC_JSONATA, &e) == NULL);
    CHECK_STR((const char *)e.code, "S0203");
}

TEST(functions_that_hold_themselves_are_freed) {
    // The lambda is in a cell that it captures itself: only the end of the evaluation breaks that.
    check("($f := function() { 1 }; $f := function($n) { $n = 0 ? \"end\" : $f($n - 1) }; $f(3))", NULL, "\"end\"");
    check("($o := {\"f\": function() { $o }}; $exists($o.f()))", NULL, "true");
    check("$map([1..1000], function($v) { ($g := function($n) { $n = 0 ? $v : $g($n - 1) }; $h := $g; $g := $h; $g(2)) })[0]", NULL, "1");
}

TEST(deep_recursion_is_an_error_in_threads_with_small_stacks_too) {
    check("($f := function($n) { 1 + $f($n + 1) }; $f(0))", NULL, "D1011@29 f");
    check("($f := function($n) { $map([$n], $f) }; $f(0))", NULL, "D1011@27 map");
}

static void *on_small_stack(void *arg) {
    (void)arg;
    check("($f := function($n) { 1 + $f($n + 1) }; $f(0))", NULL, "D1011@29 f");
    return NULL;
}

TEST(a_thread_with_512_KB) {
    pthread_attr_t a;
    pthread_t t;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 512 * 1024);
    CHECK(pthread_create(&t, &a, on_small_stack, NULL) == 0);
    pthread_join(t, NULL);
    pthread_attr_destroy(&a);
}

TEST(the_service_s_dialect_and_limits) {
    aslc_expression_error e;
    asl_value states = parsed("{\"input\":{\"n\":3},\"context\":{\"Execution\":{\"Name\":\"x\"}}}"), seven = asl_int(7), out;
    aslc_binding bound[] = {{"states", &states}, {"total", &seven}};
    static const struct { const char *text, *wanted; int limit; } cases[] = {
        {"$states.input.n + $total", "10", 0},
        {"$states.context.Execution.Name & $string($total)", "\"x7\"", 0},
        {"$keys($states)", "[\"input\",\"context\"]", 0},
        {"$range(1, 3, 1)", "[1,2,3]", 0},
        {"1/0", "\"Infinity\"", 0},
        {"($f := function($x){ $x <= 0 ? 0 : 1 + $f($x-1) }; $f(31))", "31", 0},
        {"($f := function($x){ $x <= 0 ? 0 : 1 + $f($x-1) }; $f(32))", "", 1},
        {"[1..873783]", "", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aslc_expression *x = aslc_expression_compile(cases[i].text, strlen(cases[i].text), ASLC_STEP_FUNCTIONS, &e);
        CHECK_OR_END(x != NULL);
        int rc = aslc_expression_evaluate(x, NULL, bound, 2, &out, &e);
        CHECK_EQ(rc, cases[i].limit ? -1 : 0);
        if (rc == 0) {
            asl_buffer b = {0};
            asl_json_print(&out, &b);
            CHECK_STR(b.data, cases[i].wanted);
            asl_buffer_free(&b);
            asl_release(out);
        } else {
            CHECK_EQ(e.limit, cases[i].limit);
        }
        aslc_expression_free(x);
    }
    CHECK(aslc_expression_compile("a ?? b", 6, ASLC_STEP_FUNCTIONS, &e) == NULL);
    asl_release(states);
}

TEST(the_same_memory_after_many_evaluations_failed_ones_among_them) {
    static const char text[] = "$map(a, function($v) { $v = 3 ? $error(\"no\" & $v) : {\"v\": $string($v) & \"------------------\"} })";
    aslc_expression_error e;
    aslc_expression *x = aslc_expression_compile(text, strlen(text), ASLC_JSONATA, &e);
    CHECK_OR_END(x != NULL);
    asl_value good = parsed("{\"a\":[1,2]}"), bad = parsed("{\"a\":[1,2,3]}"), out;
    size_t after_first = 0;
    for (int i = 0; i < 20000; i++) {
        if (aslc_expression_evaluate(x, i % 2 ? &bad : &good, NULL, 0, &out, &e) == 0)
            asl_release(out);
        if (i == 10)
            after_first = asl_alloc_live();
    }
    CHECK_EQ(asl_alloc_live(), after_first);
    CHECK_STR((const char *)e.message, "no3");
    aslc_expression_free(x);
    asl_release(good);
    asl_release(bad);
}
