// Built-in functions of JSONata: strings, numbers, arrays, objects, patterns; signatures.
#include "test.h"

#include "jsonata/error.h"
#include "jsonata/eval.h"

// ---------------------------------------------------------------- an evaluation to call them in

static struct jx_program *program;
static struct jx *jx;

static void begin(void) {
    static const asl_program none = {.abi = ASL_ABI, .image = "{\"functions\":[]}", .image_size = 16};
    char text[200];
    program = jx_program_new(&none, NULL, 0, text, sizeof text);
    if (!program) TEST_FAIL("%s", text);
    jx = asl_calloc(1, sizeof *jx);
    jx->program = program;
    jx->memory_limit = 1 << 24;
    jx->fuel = 1 << 30;
    jx->stack_limit = NULL; // as deep as it goes
}

static void end(void) {
    for (uint32_t i = 0; i < jx->field_count; i++) asl_release(jx->fields[i].value);
    asl_release(jx->token);
    asl_release(jx->message);
    asl_free(jx);
    jx_program_free(program);
}

static uint32_t id_of(const char *name) {
    static const char *const names[] = {
#define BUILTIN(id, text, signature, dialect) text,
#include "aslc/jsonata.def"
#undef BUILTIN
    };
    uint32_t id = 0;
    while (id < JX_BUILTIN_COUNT && strcmp(names[id], name) != 0) id++;
    return id;
}

static char shown[8192];

// The result as JSON, "undefined", or the error's code.
static const char *show(int rc, asl_value v) {
    asl_buffer b = {0};
    if (rc < 0) {
        asl_buffer_z(&b, jx->code);
    } else {
        if (is_sequence(&v)) v = jx_collapse(v, false);
        if (v.tag == ASL_NONE) {
            asl_buffer_z(&b, "undefined");
        } else {
            v = jx_document(v, true);
            asl_json_print(&v, &b);
        }
        asl_release(v);
    }
    snprintf(shown, sizeof shown, "%s", b.size ? b.data : "");
    asl_buffer_free(&b);
    return shown;
}

static asl_value read(const char *json) {
    asl_value v = asl_none();
    asl_json_error error;
    asl_json_limits limits = {.lone_surrogates = true};
    if (*json && asl_json_parse(asl_str_z(json), &limits, &v, &error) < 0) TEST_FAIL("%s: %s", json, error.message);
    return v;
}

// Arguments come as an array; "undefined" in it is undefined, "/a/im" a regex, and "$name" a built-in.
static asl_value argument(const asl_value *v) {
    if (v->tag != ASL_STRING) return asl_retain(*v);
    char text[256];
    asl_str s = asl_text_of(v);
    snprintf(text, sizeof text, "%.*s", (int)s.size, s.data);
    const char *slash = strrchr(text, '/');
    if (strcmp(text, "undefined") == 0) return asl_none();
    if (text[0] == '/' && slash > text) {
        asl_str pattern = {text + 1, (size_t)(slash - text - 1)};
        return jx_regex_new(jx, pattern, strchr(slash, 'i') != NULL, strchr(slash, 'm') != NULL);
    }
    return asl_retain(*v);
}

static const char *call_in(const char *context, const char *name, const char *json) {
    asl_value list = read(json), args[16], out = asl_none(), around = read(context);
    uint32_t count = (uint32_t)asl_array_count(&list);
    for (uint32_t i = 0; i < count; i++) args[i] = argument(asl_array_at(&list, i));
    int rc = jx_call_builtin(jx, id_of(name), args, count, &around, &out);
    const char *text = show(rc, out);
    for (uint32_t i = 0; i < count; i++) asl_release(args[i]);
    asl_release(list);
    asl_release(around);
    return text;
}

static const char *call(const char *name, const char *json) { return call_in("", name, json); }

static const char *call_with(const char *name, const char *json, jx_native *callback, uint32_t arity) {
    asl_value list = read(json), args[16], out = asl_none(), around = asl_none();
    uint32_t count = (uint32_t)asl_array_count(&list);
    for (uint32_t i = 0; i < count; i++) args[i] = argument(asl_array_at(&list, i));
    asl_value function = jx_native_new(callback, arity, NULL, 0);
    // The function is the second argument, or the last.
    uint32_t at = count > 1 ? count : 1;
    args[at] = function;
    int rc = jx_call_builtin(jx, id_of(name), args, at + 1, &around, &out);
    const char *text = show(rc, out);
    for (uint32_t i = 0; i <= at; i++) asl_release(args[i]);
    asl_release(list);
    return text;
}

static const char *message(void) {
    struct jx_field fields[JX_ERROR_FIELDS];
    asl_buffer b = {0};
    if (jx->message.tag == ASL_STRING) { // of $error and $assert
        asl_str own = asl_text_of(&jx->message);
        snprintf(shown, sizeof shown, "%.*s", (int)own.size, own.data);
        return shown;
    }
    for (uint32_t i = 0; i < jx->field_count; i++) {
        fields[i] = (struct jx_field){jx->fields[i].name, &jx->fields[i].value};
    }
    jx_message(jx->code, fields, jx->field_count, &b);
    snprintf(shown, sizeof shown, "%s", b.size ? b.data : "");
    asl_buffer_free(&b);
    return shown;
}

// ---------------------------------------------------------------- numbers as text

static const char *print15(double d) {
    shown[jx_number_print15(d, shown)] = 0;
    return shown;
}

static const char *print(double d) {
    shown[jx_number_print(d, shown)] = 0;
    return shown;
}

TEST(numbers_as_javascript_writes_them) {
    CHECK_STR(print(0.0), "0");
    CHECK_STR(print(-0.0), "0");
    CHECK_STR(print(1e21), "1e+21");
    CHECK_STR(print(-1.5e300), "-1.5e+300");
    CHECK_STR(print(1e20), "100000000000000000000");
    CHECK_STR(print(1e-6), "0.000001");
    CHECK_STR(print(1e-7), "1e-7");
    CHECK_STR(print(5e-324), "5e-324");
    CHECK_STR(print(1.0 / 0.0), "Infinity");
}

TEST(fifteen_digits) {
    CHECK_STR(print15(0.1 + 0.2), "0.3");
    CHECK_STR(print15(1.0 / 3), "0.333333333333333");
    CHECK_STR(print15(2.0 / 3), "0.666666666666667");
    CHECK_STR(print15(-2.0 / 3), "-0.666666666666667");
    CHECK_STR(print15(100000000000000.5), "100000000000001"); // a tie, away from zero
    CHECK_STR(print15(-100000000000000.5), "-100000000000001");
    CHECK_STR(print15(999999999999999.5), "1000000000000000");
    CHECK_STR(print15(0.9999999999999999), "1");
    CHECK_STR(print15(9.9999999999999995e-8), "1e-7");
    CHECK_STR(print15(1.2345678901234567e-10), "1.23456789012346e-10");
    CHECK_STR(print15(0.000001234567890123456), "0.00000123456789012346");
    CHECK_STR(print15(12345678901234567.0), "12345678901234568"); // integers in full
    CHECK_STR(print15(1.7976931348623157e308), "1.7976931348623157e+308");
    CHECK_STR(print15(2.2250738585072011e-308), "2.2250738585072e-308"); // rounds to another double
    // 16 digits with a 5 at the end, the exact value on either side of the tie
    CHECK_STR(print15(4.349999999999999), "4.35");
    CHECK_STR(print15(0.1000000000000005), "0.100000000000001");
    CHECK_STR(print15(1.000000000000005), "1.00000000000001");
    CHECK_STR(print15(1.000000000000015), "1.00000000000002");
    CHECK_STR(print15(5.000000000000005e-40), "5.00000000000001e-40");
}

TEST(string) {
    begin();
    CHECK_STR(call("string", "[{\"a\":[1,2.50,1e3,null,true,\"x\\n\\u0001\\\"\"],\"b\":{},\"c\":[]}]"),
              "\"{\\\"a\\\":[1,2.5,1000,null,true,\\\"x\\\\n\\\\u0001\\\\\\\"\\\"],\\\"b\\\":{},\\\"c\\\":[]}\"");
    CHECK_STR(call("string", "[{\"a\":[1,{}]}, true]"), "\"{\\n  \\\"a\\\": [\\n    1,\\n    {}\\n  ]\\n}\"");
    CHECK_STR(call("string", "[{\"b\":1,\"10\":2,\"9\":3}]"), "\"{\\\"9\\\":3,\\\"10\\\":2,\\\"b\\\":1}\"");
    CHECK_STR(call("string", "[0.0000001]"), "\"1e-7\"");
    CHECK_STR(call("string", "[[0.0000012, 0.00000012, -0.5, 123456789.123456789]]"),
              "\"[0.0000012,1.2e-7,-0.5,123456789.123457]\"");
    CHECK_STR(call("string", "[[\"\\ud800x\"]]"), "\"[\\\"\\\\ud800x\\\"]\"");
    asl_value infinite = {.tag = ASL_DOUBLE, .d = 1.0 / 0.0}, none = asl_none(), out = asl_none();
    CHECK_STR(show(jx_call_builtin(jx, JX_STRING, &infinite, 1, &none, &out), out), "D3001");
    asl_value list = asl_array_push(asl_array_new(1), infinite);
    out = asl_none();
    CHECK_STR(show(jx_call_builtin(jx, JX_STRING, &list, 1, &none, &out), out), "D1001");
    asl_release(list);
    end();
}

TEST(halves_of_a_pair_meet) {
    begin();
    asl_value a = read("\"x\\ud83d\""), b = read("\"\\ude00y\"");
    asl_buffer text = {0};
    CHECK_EQ(jx_stringify(jx, &a, false, &text), 0);
    CHECK_EQ(jx_stringify(jx, &b, false, &text), 0);
    CHECK_STR(((asl_str){text.data, text.size}), "x😀y");
    asl_buffer_free(&text);
    asl_release(a);
    asl_release(b);
    CHECK_STR(call("join", "[[\"a\\ud83d\",\"\\ude00\"]]"), "\"a😀\"");
    CHECK_STR(call("replace", "[\"a-\\ude00\", \"-\", \"\\ud83d\"]"), "\"a😀\"");
    CHECK_STR(call("split", "[\"😀x\", \"\"]"), "[\"\xed\xa0\xbd\",\"\xed\xb8\x80\",\"x\"]");
    CHECK_STR(call("substringAfter", "[\"a😀b\", \"\\ud83d\"]"), "\"\xed\xb8\x80" "b\"");
    CHECK_STR(call("contains", "[\"a😀b\", \"\\ude00\"]"), "true");
    end();
}

// ---------------------------------------------------------------- strings

TEST(strings) {
    begin();
    CHECK_STR(call("substring", "[\"hello\", -100, 3]"), "\"hel\"");
    CHECK_STR(call("substring", "[\"abcdef\", 1.9, 2.9]"), "\"bcd\"");
    CHECK_STR(call("substring", "[\"😂😁😀\", -2, 1]"), "\"😁\"");
    CHECK_STR(call_in("\"hello\"", "substring", "[1]"), "\"ello\"");
    CHECK_STR(call("length", "[\"𝄞💩é\"]"), "3");
    CHECK_STR(call("trim", "[\"  a \\n\\t b  \"]"), "\"a b\"");
    CHECK_STR(call("pad", "[\"foo\", -8, \"-+\"]"), "\"-+-+-foo\"");
    CHECK_STR(call("pad", "[\"foo\", 1e15]"), "D2015");
    CHECK_STR(call("uppercase", "[\"straße ﬁ\"]"), "\"STRASSE FI\"");
    CHECK_STR(call("lowercase", "[\"ΑΣ ΑΣΑ İ\"]"), "\"ας ασα i̇\"");
    CHECK_STR(call("uppercase", "[\"abcdefghijklmnopqrstuvwxyz0123456789@[`{\"]"),
              "\"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@[`{\"");
    CHECK_STR(call("base64encode", "[\"héllo\"]"), "\"aOlsbG8=\"");
    CHECK_STR(call("base64decode", "[\"aOls bG8\"]"), "\"héllo\"");
    CHECK_STR(call("encodeUrl", "[\"http://x.y/a b?c=é#f\"]"), "\"http://x.y/a%20b?c=%C3%A9#f\"");
    CHECK_STR(call("decodeUrl", "[\"a%20b%26c\"]"), "\"a b%26c\"");
    CHECK_STR(call("decodeUrlComponent", "[\"%E0%A4%A\"]"), "D3140");
    CHECK_STR(message(), "Malformed URL passed to $decodeUrlComponent(): \"%E0%A4%A\"");
    CHECK_STR(call("encodeUrl", "[\"\\ud800\"]"), "D3140");
    end();
}

// ---------------------------------------------------------------- numbers

TEST(round_to_even) {
    begin();
    CHECK_STR(call("round", "[2.5]"), "2");
    CHECK_STR(call("round", "[-1.5]"), "-2");
    CHECK_STR(call("round", "[0.49999999999999994]"), "0");
    CHECK_STR(call("round", "[4.525, 2]"), "4.52");
    CHECK_STR(call("round", "[2.675, 2]"), "2.68");
    CHECK_STR(call("round", "[12450, -2]"), "12400");
    CHECK_STR(call("round", "[6.022e-23, 24]"), "6e-23");
    CHECK_STR(call("round", "[1e21, 2]"), "1e21");
    end();
}

TEST(number) {
    begin();
    CHECK_STR(call("number", "[\"-007\"]"), "-7");
    CHECK_STR(call("number", "[\"000.00123000\"]"), "0.00123");
    CHECK_STR(call("number", "[\"0x1fffffffffffff8\"]"), "144115188075855870");
    CHECK_STR(call("number", "[\"0B101\"]"), "5");
    CHECK_STR(call("number", "[\"1e400\"]"), "D3030");
    CHECK_STR(call("number", "[\"1.\"]"), "D3030");
    CHECK_STR(call("number", "[null]"), "T0410");
    CHECK_STR(call("sum", "[[0.1, 0.2]]"), "0.30000000000000004");
    CHECK_STR(call("max", "[[3, 1.5, 7]]"), "7");
    CHECK_STR(call("average", "[[]]"), "undefined");
    CHECK_STR(call("power", "[1234.56, 2]"), "1524138.3935999998");
    CHECK_STR(call("power", "[-8, 0.5]"), "D3061");
    end();
}

// ---------------------------------------------------------------- arrays and objects

static int is_odd(struct jx *j, const asl_value *held, const asl_value *args, uint32_t count, asl_value *out) {
    (void)j, (void)held, (void)count;
    *out = asl_bool((int64_t)jx_number(&args[0]) % 2 != 0);
    return 0;
}

static int tuple_of(struct jx *j, const asl_value *held, const asl_value *args, uint32_t count, asl_value *out) {
    (void)j, (void)held;
    *out = asl_array_new(count);
    for (uint32_t i = 0; i < count; i++) *out = asl_array_push(*out, asl_retain(args[i]));
    return 0;
}

static int is_after(struct jx *j, const asl_value *held, const asl_value *args, uint32_t count, asl_value *out) {
    (void)held, (void)count;
    if (jx_number(&args[0]) == 13) return jx_raise(j, "D3070", (const char *)NULL);
    *out = asl_bool(jx_number(&args[0]) / 10 > jx_number(&args[1]) / 10 + 0.5);
    return 0;
}

TEST(higher_order) {
    begin();
    CHECK_STR(call_with("filter", "[[1,2,3,4]]", is_odd, 1), "[1,3]");
    CHECK_STR(call_with("filter", "[[2]]", is_odd, 1), "undefined");
    CHECK_STR(call_with("map", "[[5,6]]", tuple_of, 3), "[[5,0,[5,6]],[6,1,[5,6]]]");
    CHECK_STR(call_with("map", "[[5,6]]", tuple_of, 1), "[[5],[6]]");
    CHECK_STR(call_with("single", "[[2,3,4]]", is_odd, 1), "3");
    CHECK_STR(call_with("single", "[[3,4,5]]", is_odd, 1), "D3138");
    CHECK_STR(call_with("single", "[[4]]", is_odd, 1), "D3139");
    CHECK_STR(call_with("reduce", "[[1,2,3]]", tuple_of, 2), "[[1,2],3]");
    CHECK_STR(call_with("reduce", "[[1,2,3]]", tuple_of, 1), "D3050");
    CHECK_STR(call_with("each", "[{\"b\":1,\"7\":2}]", tuple_of, 2), "[[2,\"7\"],[1,\"b\"]]");
    CHECK_STR(call_with("sift", "[{\"b\":1,\"7\":2,\"a\":3}]", is_odd, 1), "{\"b\":1,\"a\":3}");
    CHECK_STR(call_with("sift", "[{\"b\":2}]", is_odd, 1), "undefined");
    CHECK_STR(call_with("sort", "[[31,20,11,35,14]]", is_after, 2), "[11,14,20,31,35]"); // stable within tens
    CHECK_STR(call_with("sort", "[[31,20,13,35,14]]", is_after, 2), "D3070");
    end();
}

TEST(arrays_and_objects) {
    begin();
    CHECK_STR(call("sort", "[[10,9,1,-5,2.5,3,7,8,6,4,11]]"), "[-5,1,2.5,3,4,6,7,8,9,10,11]");
    CHECK_STR(call("sort", "[[\"b\",\"a\",\"B\",\"é\",\"aaaaaaaaab\",\"aaaaaaaaaa\",\"\"]]"),
              "[\"\",\"B\",\"a\",\"aaaaaaaaaa\",\"aaaaaaaaab\",\"b\",\"é\"]");
    CHECK_STR(call("sort", "[[\"\\uffff\",\"😀\"]]"), "[\"😀\",\"\xef\xbf\xbf\"]"); // by UTF-16 units
    CHECK_STR(call("sort", "[[1,\"a\"]]"), "D3070");
    CHECK_STR(call("distinct", "[[1,1.0,\"1\",[1],[1],{\"a\":1,\"b\":2},{\"b\":2,\"a\":1},null,null]]"),
              "[1,\"1\",[1],{\"a\":1,\"b\":2},null]");
    CHECK_STR(call("zip", "[[1,2,3],[4,5]]"), "[[1,4],[2,5]]");
    CHECK_STR(call("zip", "[[1,2,3],\"undefined\"]"), "[]");
    CHECK_STR(call("reverse", "[[1,2,3]]"), "[3,2,1]");
    CHECK_STR(call("append", "[[1],\"undefined\"]"), "[1]");
    CHECK_STR(call("keys", "[[[{\"a\":1}],{\"2\":1,\"a\":1}]]"), "[\"2\",\"a\"]");
    CHECK_STR(call("keys", "[{\"b\":1,\"10\":2,\"2\":3}]"), "[\"2\",\"10\",\"b\"]");
    CHECK_STR(call("lookup", "[[{\"a\":1},[{\"a\":[3,4]}]],\"a\"]"), "[1,3,4]");
    CHECK_STR(call("spread", "[{\"b\":1,\"1\":2}]"), "[{\"1\":2},{\"b\":1}]");
    CHECK_STR(call("spread", "[[{\"b\":1}]]"), "[{\"b\":1}]");
    CHECK_STR(call("merge", "[[{\"a\":1},{\"5\":2,\"a\":3},{\"01\":4}]]"), "{\"5\":2,\"a\":3,\"01\":4}");
    CHECK_STR(call("clone", "[{\"b\":0.1234567890123456789,\"1\":[[null]]}]"), "{\"1\":[[null]],\"b\":0.123456789012346}");
    CHECK_STR(call("type", "[[]]"), "\"array\"");
    CHECK_STR(call("error", "[\"no\"]"), "D3137");
    CHECK_STR(message(), "no");
    CHECK_STR(call("assert", "[false]"), "D3141");
    CHECK_STR(message(), "$assert() statement failed");
    end();
}

// ---------------------------------------------------------------- patterns

TEST(patterns) {
    begin();
    CHECK_STR(call("match", "[\"ab12cd345\", \"/[0-9]+/\"]"),
              "[{\"match\":\"12\",\"index\":2,\"groups\":[]},{\"match\":\"345\",\"index\":6,\"groups\":[]}]");
    CHECK_STR(call("match", "[\"abc\", \"/(x)?b/\"]"), "{\"match\":\"b\",\"index\":1,\"groups\":[null]}");
    CHECK_STR(call("match", "[\"😀a\", \"/a/\"]"), "{\"match\":\"a\",\"index\":2,\"groups\":[]}");
    CHECK_STR(call("match", "[\"😀\", \"/./\", 1]"), "{\"match\":\"\xed\xa0\xbd\",\"index\":0,\"groups\":[]}");
    CHECK_STR(call("match", "[\"x😀\", \"/[\\\\ud800-\\\\udbff][\\\\udc00-\\\\udfff]/\"]"),
              "{\"match\":\"😀\",\"index\":1,\"groups\":[]}");
    CHECK_STR(call("match", "[\"a\", \"/a/\", -1]"), "D3040");
    CHECK_STR(call("contains", "[\"xÉx\", \"/é/i\"]"), "true");
    CHECK_STR(call("contains", "[\"\\u212a\", \"/k/i\"]"), "false");
    CHECK_STR(call("contains", "[\"\\u017fé\", \"/[r-t]/i\"]"), "false");
    CHECK_STR(call("contains", "[\"a\\u2028b\", \"/^b/m\"]"), "true");
    CHECK_STR(call("contains", "[\"a\\u00a0\", \"/a\\\\s$/\"]"), "true");
    CHECK_STR(call("contains", "[\"a\\nb\", \"/^b/\"]"), "false");
    CHECK_STR(call("contains", "[\"A\", \"/\\\\A/\"]"), "true");      // an identity escape
    CHECK_STR(call("contains", "[\"uuu\", \"/^\\\\u{3}$/\"]"), "true"); // u, three times
    CHECK_STR(call("contains", "[\"[\", \"/[[:alpha:]]/\"]"), "false");
    CHECK_STR(call("contains", "[\"[]\", \"/[[:alpha:]]/\"]"), "true");
    CHECK_STR(call("split", "[\"a1b22c\", \"/[0-9]+/\", 2]"), "[\"a\",\"b\"]");
    CHECK_STR(call("split", "[\"a, b, c\", \", \", 2.5]"), "[\"a\",\"b\"]");
    CHECK_STR(call("split", "[\"a\", \"a\", -1]"), "D3020");
    CHECK_STR(call("replace", "[\"abc\", \"/x*/\", \"y\"]"), "D1004");
    CHECK_STR(call("replace", "[\"265USD\", \"/([0-9]+)USD/\", \"$$$1 $0 $2 $x\"]"), "\"$265 265USD  $x\"");
    CHECK_STR(call("replace", "[\"abcdefghijklmno\", \"/(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)(l)(m)/\", \"$8$5$12$12$18$123\"]"),
              "\"hella8l3no\"");
    CHECK_STR(call("replace", "[\"hello\", \"l\", \"$1\", 1]"), "\"he$1lo\"");
    CHECK_STR(call("replace", "[\"hello\", \"\", \"x\"]"), "D3010");
    CHECK_STR(call("split", "[\"some text\", \"undefined\"]"), "T0410");
    CHECK_STR(call_with("split", "[\"some text\"]", tuple_of, 1), "T1010");
    CHECK_STR(call_with("replace", "[\"ab\", \"/b/\"]", tuple_of, 1), "D3012");
    end();
}

TEST(patterns_that_are_none) {
    static const char *const wrong[][2] = {
        {"(", "Unterminated group"},        {")", "Unmatched ')'"},
        {"a++", "Nothing to repeat"},       {"*", "Nothing to repeat"},
        {"[b-a]", "Range out of order in character class"}, {"[a", "Unterminated character class"},
        {"(?>a)", "Invalid group"},         {"(?i)a", "Invalid group"},
        {"a{2,1}", "numbers out of order in {} quantifier"}, {"\\", "\\ at end of pattern"},
        {"(?<a>.)(?<a>.)", "Duplicate capture group name"}, {"(?<=a*)b", "lookbehind of variable length is not supported"},
        {"(?<a>.)\\k<b>", "Invalid named capture referenced"},
    };
    char message_text[200];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        strcpy(message_text, "fine");
        jx_regex_check(asl_str_z(wrong[i][0]), false, false, message_text, sizeof message_text);
        CHECK_STR((const char *)message_text, wrong[i][1]);
    }
    CHECK(jx_regex_check(ASL_STR("a{,2}{1}[]\\k<x>]|}"), true, true, message_text, sizeof message_text));
}

TEST(patterns_without_end_are_given_up) {
    begin();
    CHECK_STR(call("contains", "[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", \"/^(a+)+$b/\"]"), "false");
    CHECK_STR(call("contains", "[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\", \"/^(a|aa)+$/\"]"), "D1012");
    // More rounds than the compiled code has stack for.
    asl_buffer text = {0};
    asl_buffer_z(&text, "[\"");
    for (int i = 0; i < 100000; i++) asl_buffer_z(&text, i % 2 ? "a" : "b");
    asl_buffer_z(&text, "\", \"/^(a|b)*$/\"]");
    CHECK_STR(call("contains", text.data), "true");
    asl_buffer_free(&text);
    end();
}

// ---------------------------------------------------------------- signatures

static const char *check(const char *signature, const char *json, const char *context) {
    const char *code = NULL;
    size_t offset = 0;
    struct jx_signature *s = jx_signature_parse(asl_str_z(signature), &code, &offset);
    if (!s) {
        snprintf(shown, sizeof shown, "%s at %d", code, (int)offset);
        return shown;
    }
    asl_value list = read(json), args[16], out[32], around = read(context);
    uint32_t count = (uint32_t)asl_array_count(&list), made = 0;
    for (uint32_t i = 0; i < count; i++) args[i] = argument(asl_array_at(&list, i));
    int rc = jx_signature_check(jx, s, args, count, &around, out, 32, &made);
    if (rc < 0) {
        snprintf(shown, sizeof shown, "%s %d", jx->code, (int)jx->fields[1].value.i);
    } else {
        asl_value all = asl_array_new(made);
        for (uint32_t i = 0; i < made; i++) all = asl_array_push(all, out[i].tag == ASL_NONE ? asl_string_z("-") : out[i]);
        show(0, all);
    }
    for (uint32_t i = 0; i < count; i++) asl_release(args[i]);
    asl_release(list);
    asl_release(around);
    jx_signature_free(s);
    return shown;
}

TEST(signatures) {
    begin();
    CHECK_STR(check("<s-nn?:s>", "[\"a\",1]", ""), "[\"a\",1,\"-\"]");
    CHECK_STR(check("<s-nn?:s>", "[1]", "\"c\""), "[\"c\",1,\"-\"]");
    CHECK_STR(check("<s-nn?:s>", "[1,2]", "\"c\""), "[\"c\",1,2]");
    CHECK_STR(check("<s-nn?:s>", "[1]", "7"), "T0411 1");
    CHECK_STR(check("<s-nn?:s>", "[\"a\",\"b\"]", ""), "T0410 2");
    CHECK_STR(check("<s-nn?:s>", "[true]", ""), "T0410 1");
    CHECK_STR(check("<nn:a>", "[1,3,\"2\"]", ""), "T0410 3");
    CHECK_STR(check("<nn+:a>", "[1,3,2,\"g\"]", ""), "T0410 4");
    CHECK_STR(check("<nn+:a>", "[1,3,2]", ""), "[1,3,2]");
    CHECK_STR(check("<n+s-:a>", "[1,2]", "\"b\""), "[1,2,\"b\"]");
    CHECK_STR(check("<s?n+:a>", "[1,2,3]", ""), "[1,2,3,\"-\"]"); // as the reference: the missing one uses one up
    CHECK_STR(check("<a<n>:n>", "[1]", ""), "[[1]]");
    CHECK_STR(check("<a<n>:n>", "[\"a\"]", ""), "T0412 1");
    CHECK_STR(check("<a<n>:n>", "[[1,\"a\"]]", ""), "T0412 1");
    CHECK_STR(check("<a<a<n>>>", "[[[1]]]", ""), "[[[1]]]");
    CHECK_STR(check("<a<n>+:o>", "[[1],[2]]", ""), "[[1],[2]]");
    CHECK_STR(check("<(ns)-:n>", "[true]", ""), "T0410 1");
    CHECK_STR(check("<(ns)-:n>", "[]", "5"), "[5]");
    CHECK_STR(check("<x:b>", "[]", ""), "T0410 1");
    CHECK_STR(check("<x:b>", "[\"undefined\"]", ""), "[\"-\"]");
    CHECK_STR(check("<n<n>>", "[]", ""), "S0401 at 2");
    CHECK_STR(check("<(sa<n>)>>", "[]", ""), "S0402 at 1");
    CHECK_STR(check("<f<n:n>:f<n:n>>", "[1]", ""), "T0410 1");
    CHECK_STR(check("<x+x+x+x+x+x+x+x+x+x+s>", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", ""), "T0410 17");
    end();
}
