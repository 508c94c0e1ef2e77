// Expressions that could run away: each ends soon, within its limits, with the mistake that is documented for it.
#include "aslc/aslc.h"
#include "expression.h"
#include "test.h"

#include <stdio.h>
#include <time.h>

#define SECONDS 5 /* what one evaluation may take here, with sanitizers on a busy machine; without them it is tenths */

/* The code, or the result as JSON, cut to 40 bytes. */
static const char *outcome_of(const char *text, const struct jx_limits *limits, bool jit) {
    static char shown[41];
    struct arena *texts = arena_new();
    struct jsonata_error why = {0};
    struct expression_options o = {.language = {.dialect = JSONATA_PLAIN, .name = "limits", .depth = limits && limits->depth}, .jit = jit};
    struct expression *e = expression_new(asl_str_z(text), &o, texts, &why);
    if (!e) {
        snprintf(shown, sizeof shown, "%s", why.code);
    } else {
        asl_value nothing = asl_none(), out;
        struct jx_error error;
        if (expression_run(e, &nothing, NULL, 0, limits, &out, &error) < 0) {
            snprintf(shown, sizeof shown, "%s", error.code);
            jx_error_clear(&error);
        } else {
            out = jx_document(out, true);
            asl_buffer b = {0};
            asl_json_print(&out, &b);
            snprintf(shown, sizeof shown, "%.*s", (int)b.size, b.data);
            asl_buffer_free(&b);
            asl_release(out);
        }
        expression_free(e);
    }
    arena_free(texts);
    return shown;
}

static void ends(const char *text, const struct jx_limits *limits, const char *wanted) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    CHECK_STR(outcome_of(text, limits, false), wanted);
    CHECK_STR(outcome_of(text, limits, true), wanted);
    clock_gettime(CLOCK_MONOTONIC, &to);
    CHECK(to.tv_sec - from.tv_sec < 2 * SECONDS);
    CHECK_EQ(asl_alloc_live(), 0);
}

static const struct jx_limits short_time = {.milliseconds = 200}, shallow = {.depth = 100}, small = {.memory = 1 << 20};

/* before, then what so many times, then after. */
static char *repeated(const char *before, const char *what, size_t times, const char *after) {
    asl_buffer b = {0};
    asl_buffer_z(&b, before);
    for (size_t i = 0; i < times; i++) asl_buffer_z(&b, what);
    asl_buffer_z(&b, after);
    asl_buffer_byte(&b, 0);
    return b.data;
}

static void repeated_ends(const char *before, const char *what, size_t times, const char *after, const char *wanted) {
    char *text = repeated(before, what, times, after);
    char shown[41];
    snprintf(shown, sizeof shown, "%s", outcome_of(text, NULL, false));
    asl_free(text);
    CHECK_STR(shown, wanted);
    CHECK_EQ(asl_alloc_live(), 0);
}

TEST(regexes_that_backtrack_without_end) {
    ends("$contains(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\", /^(a+)+$/)", NULL, "D1012");
    ends("$match($pad(\"\", 5000, \"a\"), /^(a|aa)+$b/)", &short_time, "null");
    ends("$count($split($pad(\"\", 5000, \"x\"), /(x+x+)+y/))", &short_time, "1");
}

TEST(recursion) {
    ends("($f := function($n){ 1 + $f($n + 1) }; $f(0))", NULL, "D1011");
    ends("($a := function($n){ [$b($n)] }; $b := function($n){ {\"x\": $a($n)} }; $a(0))", NULL, "D1011");
    ends("($f := function($n){ $map([1], function($x){ 1 + $f($x) }) }; $f(0))", NULL, "D1011");
    ends("($f := function($n){ $n = 0 ? 0 : 1 + $f($n - 1) }; $f(200))", &shallow, "D1011");
    ends("($f := function($n){ $n = 300000 ? \"done\" : $f($n + 1) }; $f(0))", NULL, "\"done\""); /* a tail call is no nesting */
    ends("($f := function($n){ $f($n + 1) }; $f(0))", &short_time, "D1012");
    ends("($a := function($n){ $b($n) }; $b := function($n){ $a($n) }; $a(0))", &short_time, "D1012");
}

TEST(ranges_and_loops) {
    ends("[1..10000001]", NULL, "D2014");
    ends("[-9007199254740991..9007199254740991]", NULL, "D2014");
    ends("$count([1..2000].([1..2000]).([1..2000]))", &short_time, "D1012");
    ends("$count([1..100000]@$a.[1..100000]@$b[$a = $b])", &short_time, "D1012");
    ends("[1..1000].$reduce([1..10000000], function($a, $x){ $a + $x })", &short_time, "D1012");
}

TEST(comparators_that_contradict_themselves) {
    ends("$count($sort([1..2000], function($a, $b){ true }))", NULL, "2000");
    ends("$count($sort([1..2000], function($a, $b){ $random() < 0.5 }))", NULL, "2000");
    ends("$sum($sort([1..2000], function($a, $b){ ($a * 7919) % 13 > ($b * 104729) % 11 }))", NULL, "2001000");
    ends("$count([1..2000]^($random()))", NULL, "2000");
}

TEST(nesting_of_the_text) {
    repeated_ends("", "(", 20000, "", "S0501");
    repeated_ends("", "[", 20000, "1", "S0501");
    repeated_ends("", "{\"a\":", 20000, "1", "S0501");
    repeated_ends("1", "+1", 20000, "", "S0501");
    repeated_ends("", "-(", 20000, "1", "S0501");
    repeated_ends("", "function($x){", 20000, "1", "S0501");
    repeated_ends("", "1?", 20000, "1", "S0501");
    repeated_ends("a", ".a", 5000, "", "null"); /* steps are no nesting */
    repeated_ends("[1", ",1", 20000, "][-1]", "1");
}

TEST(nesting_of_values) {
    ends("$type($reduce([1..5000], function($a, $x){ [[$a], 1] }, 0))", NULL, "\"array\"");
    ends("($d := $reduce([1..5000], function($a, $x){ {\"a\": $a} }, 0); $e := $reduce([1..5000], function($a, $x){ {\"a\": $a} }, 0); $d = $e)",
         NULL, "true");
    ends("$exists($string($reduce([1..5000], function($a, $x){ {\"a\": $a} }, 0)))", NULL, "true");
    ends("$exists($reduce([1..5000], function($a, $x){ {\"a\": $a} }, 0) ~> |**|{\"b\": 1}|)", NULL, "true");
    ends("$exists($distinct([$reduce([1..5000], function($a, $x){ {\"a\": $a} }, 0), 1]))", NULL, "true");
    ends("$exists($reduce([1..5000], function($a, $x){ {\"a\": $a} }, 0).**.a)", NULL, "true");
    ends("$exists($reduce([1..5000], function($a, $x){ {\"a\": $a} }, 0))", NULL, "true");
}

TEST(texts_and_lists_that_double) {
    ends("$length($reduce([1..60], function($a, $x){ $a & $a }, \"ab\"))", &small, "D2015");
    ends("$count($reduce([1..60], function($a, $x){ $append($a, $a) }, [1]))", &small, "D2015");
    ends("$length($pad(\"x\", 1000000000))", &small, "D2015");
    ends("$length($pad(\"x\", -1e18, \"ab\"))", NULL, "D2015");
    ends("$length($replace($pad(\"a\", 100000), /./, $pad(\"b\", 10000)))", &small, "D2015");
    ends("$length($join($map([1..100000], function($x){ \"0123456789012345678901234567890123456789\" })))", &small, "D2015");
}

