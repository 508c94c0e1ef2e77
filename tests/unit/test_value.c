// Values: ownership, strings, numbers, arrays, objects, equality, the Java orders. Every test gives back all memory.
#include "test.h"

#include <float.h>
#include <math.h>
#include <pthread.h>

static asl_value parsed(const char *json) {
    asl_value v;
    asl_json_error error;
    if (asl_json_parse(asl_str_z(json), NULL, &v, &error)) TEST_FAIL("%s: %s", json, error.message);
    return v;
}

// v as JSON, in one of a few static buffers; v is taken.
static const char *printed(asl_value v) {
    static char text[4][4096];
    static unsigned turn;
    asl_buffer out = {0};
    asl_json_print(&v, &out);
    char *to = text[turn++ % 4];
    snprintf(to, sizeof text[0], "%s", out.data);
    asl_buffer_free(&out);
    asl_release(v);
    return to;
}

static bool equal_json(const char *a, const char *b) {
    asl_value x = parsed(a), y = parsed(b);
    bool one_way = asl_equal(&x, &y);
    CHECK_EQ(asl_equal(&y, &x), one_way);
    asl_release(x);
    asl_release(y);
    return one_way;
}

// ---------------------------------------------------------------- strings

TEST(strings_at_the_inline_boundary) {
    for (size_t size = 0; size <= 40; size++) {
        char text[41];
        for (size_t i = 0; i < size; i++) text[i] = (char)('a' + i % 26);
        asl_value v = asl_string((asl_str){text, size});
        CHECK_EQ(v.tag, ASL_STRING);
        CHECK_EQ(v.size, size <= 14 ? (int)size : ASL_ON_HEAP);
        CHECK(asl_str_equal(asl_text_of(&v), (asl_str){text, size}));
        if (size != 14) CHECK_EQ(asl_text_of(&v).data[size], 0);
        asl_value again = asl_retain(v), other = asl_string((asl_str){text, size});
        CHECK(asl_equal(&again, &other));
        asl_release(again);
        asl_release(other);
        asl_release(v);
    }
}

TEST(strings_may_hold_nul) {
    asl_value v = asl_string(ASL_STR("a\0b")), w = asl_string(ASL_STR("a\0c")), x = asl_string(ASL_STR("a"));
    CHECK_EQ(asl_text_of(&v).size, 3);
    CHECK(!asl_equal(&v, &w));
    CHECK(!asl_equal(&v, &x));
    asl_value o = asl_object_put(asl_object_new(0), ASL_STR("k\0 1"), asl_int(1));
    o = asl_object_put(o, ASL_STR("k\0 2"), asl_int(2));
    CHECK_EQ(asl_object_count(&o), 2);
    CHECK_EQ(asl_object_get(&o, ASL_STR("k\0 2"))->i, 2);
    CHECK(!asl_object_get(&o, ASL_STR("k")));
    asl_release(o);
}

TEST(string_format) {
    CHECK_STR(printed(asl_string_format("%s-%d", "state", 7)), "\"state-7\"");
    char wide[600];
    memset(wide, 'x', 599);
    wide[599] = 0;
    asl_value v = asl_string_format("<%s>", wide);
    CHECK_EQ(asl_text_of(&v).size, 601);
    CHECK_EQ(asl_text_of(&v).data[600], '>');
    asl_release(v);
}

TEST(a_string_shares_a_key) {
    asl_text *key = asl_text_new(ASL_STR("a key of more than fourteen bytes"));
    asl_value v = asl_string_of_text(key);
    CHECK_EQ(key->refs, 2);
    CHECK(v.text == key);
    asl_release(v);
    asl_text_release(key);
    key = asl_text_new(ASL_STR("short"));
    v = asl_string_of_text(key);
    CHECK_EQ(key->refs, 1);
    asl_text_release(key);
    CHECK_STR(asl_text_of(&v), "short");
}

// ---------------------------------------------------------------- numbers

static const char *double_text(double d) {
    static char text[4][40];
    static unsigned turn;
    char *to = text[turn++ % 4];
    to[asl_double_print(d, to)] = 0;
    return to;
}

TEST(doubles_print_shortest) {
    CHECK_STR(double_text(0), "0");
    CHECK_STR(double_text(-0.0), "-0");
    CHECK_STR(double_text(1.5), "1.5");
    CHECK_STR(double_text(100.0), "100");
    CHECK_STR(double_text(-3.0), "-3");
    CHECK_STR(double_text(0.1), "0.1");
    CHECK_STR(double_text(0.1 + 0.2), "0.30000000000000004");
    CHECK_STR(double_text(1.0 / 3), "0.3333333333333333");
    CHECK_STR(double_text(123456.789), "123456.789");
    CHECK_STR(double_text(1e15), "1000000000000000");
    CHECK_STR(double_text(123456789012345680000.0), "123456789012345680000");
    CHECK_STR(double_text(1e21), "1e21");
    CHECK_STR(double_text(-1.25e30), "-1.25e30");
    CHECK_STR(double_text(0.000001), "0.000001");
    CHECK_STR(double_text(1e-7), "1e-7");
    CHECK_STR(double_text(1.5e-10), "1.5e-10");
    CHECK_STR(double_text(5e-324), "5e-324");
    CHECK_STR(double_text(DBL_MIN), "2.2250738585072014e-308");
    CHECK_STR(double_text(DBL_MAX), "1.7976931348623157e308");
    CHECK_STR(double_text(0x1p-44), "5.684341886080802e-14"); // %.17g gives one digit more: 2^-44 is a power of two
    CHECK_STR(double_text(9007199254740993.0), "9007199254740992");
    CHECK_STR(double_text(5e-7), "5e-7");
    CHECK_STR(double_text(1e23), "1e23");
}

TEST(doubles_read_back_the_same) {
    uint64_t state = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17; // xorshift
        double d, back;
        memcpy(&d, &state, sizeof d);
        if (!isfinite(d)) continue;
        char text[33];
        size_t size = asl_double_print(d, text);
        text[size] = 0;
        back = strtod(text, NULL);
        if (memcmp(&d, &back, sizeof d) != 0 || size > 25) TEST_FAIL("%a printed as %s", d, text);
        asl_value v = asl_number_text((asl_str){text, size});
        back = asl_number(&v);
        if (back != d) TEST_FAIL("%s read as %a", text, back);
        asl_release(v);
    }
}

TEST(number_text_becomes_int_when_canonical) {
    static const struct {
        const char *text;
        int tag;
    } cases[] = {
        {"0", ASL_INT}, {"-1", ASL_INT}, {"9223372036854775807", ASL_INT}, {"-9223372036854775808", ASL_INT},
        {"9223372036854775808", ASL_NUMBER_TEXT}, {"-9223372036854775809", ASL_NUMBER_TEXT},
        {"18446744073709551616", ASL_NUMBER_TEXT}, {"18446744073709551617", ASL_NUMBER_TEXT},
        {"100000000000000000000000000000000", ASL_NUMBER_TEXT},
        {"-0", ASL_NUMBER_TEXT}, {"0.0", ASL_NUMBER_TEXT}, {"1e3", ASL_NUMBER_TEXT}, {"1E400", ASL_NUMBER_TEXT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        asl_value v = asl_number_text(asl_str_z(cases[i].text));
        CHECK_EQ(v.tag, cases[i].tag);
        CHECK_STR(printed(v), cases[i].text);
    }
}

static int compared(const char *a, const char *b) {
    asl_value x = parsed(a), y = parsed(b);
    int order = asl_number_compare(&x, &y);
    CHECK_EQ(asl_number_compare(&y, &x), -order);
    asl_release(x);
    asl_release(y);
    return order;
}

TEST(numbers_compare_by_value) {
    CHECK_EQ(compared("1", "1.0"), 0);
    CHECK_EQ(compared("0", "-0.0e5"), 0);
    CHECK_EQ(compared("100", "1e2"), 0);
    CHECK_EQ(compared("100", "0.1E+3"), 0);
    CHECK_EQ(compared("0.001", "1e-3"), 0);
    CHECK_EQ(compared("1.50", "1.5"), 0);
    CHECK_EQ(compared("1.5", "1.49999999999999999999999999"), 1);
    CHECK_EQ(compared("-1.5", "-1.49"), -1);
    CHECK_EQ(compared("-1.5", "1.49"), -1);
    CHECK_EQ(compared("9", "10.5"), -1);
    CHECK_EQ(compared("9007199254740993", "9007199254740992.0"), 1); // equal as doubles
    CHECK_EQ(compared("9007199254740993", "9007199254740993.0"), 0);
    CHECK_EQ(compared("12345678901234567890", "12345678901234567891"), -1);
    CHECK_EQ(compared("9223372036854775807", "9223372036854775808"), -1);
    CHECK_EQ(compared("1E400", "1E401"), -1);
    CHECK_EQ(compared("1E400", "10E399"), 0);
    CHECK_EQ(compared("-1E400", "-9e399"), -1);
    CHECK_EQ(compared("1e-400", "0"), 1);
    CHECK_EQ(compared("1e-400", "1e-401"), 1);
    CHECK_EQ(compared("1e99999999999999999999", "1e400"), 1);
    CHECK_EQ(compared("0e99999999999999999999", "0"), 0);
    CHECK_EQ(compared("1e-99999999999999999999", "1e-400"), -1);

    asl_value d = asl_double(0.1), text = asl_number_text(ASL_STR("0.1"));
    CHECK_EQ(asl_number_compare(&d, &text), 0);
    d = asl_double(0x1p60), text = asl_number_text(ASL_STR("1152921504606846976.0"));
    CHECK_EQ(asl_number_compare(&d, &text), 0);
    CHECK_EQ(asl_number_compare(&text, &d), 0);
    asl_release(text);
    asl_value i = asl_int(INT64_MAX);
    d = asl_double(0x1p63);
    CHECK_EQ(asl_number_compare(&i, &d), -1);
    CHECK_EQ(asl_number_compare(&d, &i), 1);
    i = asl_int(INT64_MIN), d = asl_double(-0x1p63);
    CHECK_EQ(asl_number_compare(&i, &d), 0);
    i = asl_int(3), d = asl_double(3.5);
    CHECK_EQ(asl_number_compare(&i, &d), -1);
    i = asl_int(-3), d = asl_double(-3.5);
    CHECK_EQ(asl_number_compare(&i, &d), 1);
    d = asl_double(-1e300);
    CHECK_EQ(asl_number_compare(&i, &d), 1);
}

// The integer that text is, or `none`.
static int64_t as_int(const char *text, int64_t none) {
    asl_value v = parsed(text);
    int64_t i;
    bool is = asl_number_as_int(&v, &i);
    asl_release(v);
    return is ? i : none;
}

TEST(exact_integers) {
    CHECK_EQ(as_int("3", -1), 3);
    CHECK_EQ(as_int("3.0", -1), 3);
    CHECK_EQ(as_int("3e0", -1), 3);
    CHECK_EQ(as_int("-30.0e-1", -1), -3);
    CHECK_EQ(as_int("0.003E3", -1), 3);
    CHECK_EQ(as_int("12e2", -1), 1200);
    CHECK_EQ(as_int("-0", -1), 0);
    CHECK_EQ(as_int("0e999999999999999999999", -1), 0);
    CHECK_EQ(as_int("3.5", -1), -1);
    CHECK_EQ(as_int("0.3", -1), -1);
    CHECK_EQ(as_int("1e-1", -1), -1);
    CHECK_EQ(as_int("9223372036854775807.0", -1), INT64_MAX);
    CHECK_EQ(as_int("-9223372036854775808.0", -1), INT64_MIN);
    CHECK_EQ(as_int("9223372036854775808", -1), -1);
    CHECK_EQ(as_int("1e19", -1), -1);
    CHECK_EQ(as_int("1e400", -1), -1);
    int64_t i = 0;
    asl_value d = asl_double(4.0), fraction = asl_double(4.25), large = asl_double(0x1p63), no = asl_null();
    CHECK(asl_number_as_int(&d, &i) && i == 4);
    CHECK(!asl_number_as_int(&fraction, &i));
    CHECK(!asl_number_as_int(&large, &i));
    CHECK(!asl_number_as_int(&no, &i));
}

static int64_t rounded(const char *text) {
    asl_value v = parsed(text), r = asl_number_round(&v);
    CHECK_EQ(r.tag, ASL_INT);
    asl_release(v);
    return r.i;
}

TEST(rounding_half_up_and_saturating) {
    CHECK_EQ(rounded("1.5"), 2);
    CHECK_EQ(rounded("-1.5"), -1);
    CHECK_EQ(rounded("-2.5"), -2);
    CHECK_EQ(rounded("-2.51"), -3);
    CHECK_EQ(rounded("0.49999999999999994"), 0);
    CHECK_EQ(rounded("7"), 7);
    CHECK_EQ(rounded("9007199254740993"), 9007199254740993);
    CHECK_EQ(rounded("9007199254740993.0"), 9007199254740993);
    CHECK_EQ(rounded("1e30"), INT64_MAX);
    CHECK_EQ(rounded("-1E400"), INT64_MIN);
}

TEST(numbers_as_doubles) {
    static const char *const texts[] = {
        "0.1", "-0.0", "1e22", "1e23", "123456789012345.6", "1234567890123456789.5", "4.9e-324", "1.7976931348623157e308",
        "0.000000000000000000000000000000000000000000000000000000000000000000000000000000001234567890123456789",
        "3e-22", "8.41e21", "9007199254740993.0",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        asl_value v = parsed(texts[i]);
        double got = asl_number(&v), wanted = strtod(texts[i], NULL);
        if (memcmp(&got, &wanted, sizeof got) != 0) TEST_FAIL("%s read as %a, not %a", texts[i], got, wanted);
        asl_release(v);
    }
    asl_value v = parsed("1E400");
    CHECK(isinf(asl_number(&v)));
    asl_release(v);
}

// ---------------------------------------------------------------- arrays

TEST(arrays_copy_on_write) {
    asl_value a = asl_array_new(0);
    for (int i = 0; i < 100; i++) a = asl_array_push(a, asl_string_format("item number %d on the heap", i));
    CHECK_EQ(asl_array_count(&a), 100);
    asl_array *block = a.array;
    a = asl_array_set(a, 3, asl_int(3));
    CHECK(a.array == block); // a sole owner's array is changed in place
    asl_value shared = asl_retain(a);
    a = asl_array_push(a, asl_null());
    a = asl_array_set(a, 0, asl_bool(true));
    CHECK(a.array != shared.array);
    CHECK_EQ(asl_array_count(&shared), 100);
    CHECK_EQ(asl_array_count(&a), 101);
    CHECK_EQ(asl_array_at(&shared, 0)->tag, ASL_STRING);
    CHECK_EQ(asl_array_at(&a, 0)->tag, ASL_BOOL);
    CHECK_STR(asl_text_of(asl_array_at(&shared, 99)), "item number 99 on the heap");
    asl_release(a);
    asl_release(shared);
}

TEST(value_set_releases_what_was_there) {
    asl_value slot = asl_none();
    asl_value_set(&slot, parsed("[1, {\"a\": \"a string on the heap\"}]"));
    asl_value_set(&slot, asl_retain(slot));
    CHECK_EQ(asl_array_count(&slot), 2);
    asl_value_set(&slot, asl_none());
}

// ---------------------------------------------------------------- objects

TEST(objects_keep_insertion_order) {
    asl_value o = asl_object_new(2);
    o = asl_object_put(o, ASL_STR("z"), asl_int(1));
    o = asl_object_put(o, ASL_STR("a"), asl_int(2));
    o = asl_object_put(o, ASL_STR(""), asl_int(3));
    o = asl_object_put(o, ASL_STR("z"), asl_int(4));
    CHECK_STR(printed(asl_retain(o)), "{\"z\":4,\"a\":2,\"\":3}");
    o = asl_object_remove(o, ASL_STR("nobody"));
    o = asl_object_remove(o, ASL_STR("z"));
    o = asl_object_put(o, ASL_STR("z"), asl_int(5));
    CHECK_STR(printed(o), "{\"a\":2,\"\":3,\"z\":5}");
}

TEST(objects_copy_on_write) {
    asl_value o = parsed("{\"a\":\"a string on the heap\",\"b\":[1]}"), shared = asl_retain(o);
    o = asl_object_put(o, ASL_STR("a"), asl_int(1));
    CHECK_STR(printed(asl_retain(shared)), "{\"a\":\"a string on the heap\",\"b\":[1]}");
    asl_value second = asl_retain(o);
    o = asl_object_remove(o, ASL_STR("b"));
    CHECK_STR(printed(second), "{\"a\":1,\"b\":[1]}");
    CHECK_STR(printed(o), "{\"a\":1}");
    o = asl_object_remove(asl_retain(shared), ASL_STR("absent"));
    CHECK(o.object == shared.object);
    asl_release(o);
    asl_release(shared);
}

TEST(keys_are_shared) {
    asl_text *key = asl_text_new(ASL_STR("key"));
    asl_value o = asl_object_set(asl_object_new(1), key, asl_int(1)), p = asl_object_set(asl_object_new(1), key, asl_int(2));
    CHECK_EQ(key->refs, 3);
    CHECK(asl_object_key_at(&o, 0) == asl_object_key_at(&p, 0));
    CHECK_EQ(asl_object_get_key(&p, key)->i, 2);
    o = asl_object_set(o, key, asl_int(5));
    CHECK_EQ(key->refs, 3);
    asl_text *same = asl_text_new(ASL_STR("key"));
    CHECK_EQ(asl_object_get_key(&o, same)->i, 5);
    asl_text_release(same);
    asl_text_release(key);
    asl_release(o);
    asl_release(p);
}

TEST(large_objects_are_indexed) {
    enum { COUNT = 100000 };
    asl_value o = asl_object_new(0);
    char key[32];
    for (int i = 0; i < COUNT; i++) {
        int size = snprintf(key, sizeof key, "key-%d", i);
        o = asl_object_put(o, (asl_str){key, (size_t)size}, asl_int(i));
    }
    CHECK_EQ(asl_object_count(&o), COUNT);
    for (int i = 0; i < COUNT; i += 7) {
        int size = snprintf(key, sizeof key, "key-%d", i);
        const asl_value *v = asl_object_get(&o, (asl_str){key, (size_t)size});
        CHECK_OR_END(v && v->i == i);
    }
    CHECK(!asl_object_get(&o, ASL_STR("key-100000")));
    asl_value shared = asl_retain(o);
    o = asl_object_remove(o, ASL_STR("key-500"));
    o = asl_object_put(o, ASL_STR("key-501"), asl_null());
    CHECK(!asl_object_get(&o, ASL_STR("key-500")));
    CHECK_STR(asl_str_z(asl_object_key_at(&o, 500)->bytes), "key-501");
    CHECK_EQ(asl_object_get(&o, ASL_STR("key-501"))->tag, ASL_NULL);
    CHECK_EQ(asl_object_get(&o, ASL_STR("key-99999"))->i, 99999);
    CHECK_EQ(asl_object_get(&shared, ASL_STR("key-500"))->i, 500);
    asl_release(o);
    asl_release(shared);
}

TEST(objects_round_the_index_threshold) {
    for (int count = 0; count <= 40; count++) {
        asl_value o = asl_object_new(0);
        char key[16];
        for (int i = 0; i < count; i++) {
            int size = snprintf(key, sizeof key, "%d", i);
            o = asl_object_put(o, (asl_str){key, (size_t)size}, asl_int(i));
        }
        for (int i = 0; i < count; i += 2) { // every other one goes
            int size = snprintf(key, sizeof key, "%d", i);
            o = asl_object_remove(o, (asl_str){key, (size_t)size});
        }
        CHECK_EQ(asl_object_count(&o), count / 2);
        for (int i = 0; i < count; i++) {
            int size = snprintf(key, sizeof key, "%d", i);
            const asl_value *v = asl_object_get(&o, (asl_str){key, (size_t)size});
            CHECK(i % 2 ? v && v->i == i : !v);
        }
        asl_release(o);
    }
}

// ---------------------------------------------------------------- equality, depth

TEST(deep_equality) {
    CHECK(equal_json("{\"a\":1,\"b\":[true,null,\"x\"]}", "{\"b\":[true,null,\"x\"],\"a\":1.0}"));
    CHECK(!equal_json("{\"a\":1,\"b\":2}", "{\"a\":1,\"c\":2}"));
    CHECK(!equal_json("{\"a\":1}", "{\"a\":1,\"b\":2}"));
    CHECK(!equal_json("[1,2]", "[2,1]"));
    CHECK(!equal_json("[]", "{}"));
    CHECK(!equal_json("\"1\"", "1"));
    CHECK(!equal_json("null", "false"));
    CHECK(!equal_json("true", "false"));
    CHECK(equal_json("[[],{}]", "[[],{}]"));
    CHECK(equal_json("\"a string on the heap\"", "\"a string on the \\u0068eap\""));
    CHECK(equal_json("{\"a\":[{\"x\":[1,{}]}],\"b\":[]}", "{\"b\":[],\"a\":[{\"x\":[1,{}]}]}"));
    CHECK(!equal_json("{\"a\":[{\"x\":[1,{}]}],\"b\":[]}", "{\"b\":[],\"a\":[{\"x\":[1,{\"y\":0}]}]}"));
}

// Programs may nest deeper than the parser lets in.
static asl_value nested(int depth) {
    asl_value v = asl_int(1);
    for (int i = 0; i < depth; i++) {
        v = i % 2 ? asl_array_push(asl_array_new(1), v) : asl_object_put(asl_object_new(1), ASL_STR("k"), v);
    }
    return v;
}

TEST(nesting_of_a_million) {
    asl_value a = nested(1000000), b = nested(1000000), c = nested(1000002);
    CHECK(asl_equal(&a, &b));
    CHECK(!asl_equal(&a, &c));
    asl_buffer out = {0};
    asl_json_print(&a, &out);
    CHECK_EQ(out.size, 1000000 / 2 * 2 + 1000000 / 2 * 6 + 1);
    CHECK_EQ(asl_json_size(&a), out.size);
    asl_buffer_free(&out);
    asl_release(a);
    asl_release(b);
    asl_release(c);
}

TEST(releasing_shared_parts) {
    asl_value leaf = parsed("{\"a\":[\"a string on the heap\"]}"), a = asl_array_new(0);
    for (int i = 0; i < 1000; i++) a = asl_array_push(a, asl_retain(leaf));
    asl_release(a);
    CHECK_STR(printed(leaf), "{\"a\":[\"a string on the heap\"]}");
}

// ---------------------------------------------------------------- Java

static void check_order(size_t count, const char *const *keys, const size_t *wanted) {
    asl_str text[32] = {0};
    size_t order[32];
    for (size_t i = 0; i < count; i++) text[i] = asl_str_z(keys[i]);
    asl_java_hash_order(text, count, order);
    for (size_t i = 0; i < count; i++) {
        if (order[i] != wanted[i]) TEST_FAIL("place %zu has key %s, not %s", i, keys[order[i]], keys[wanted[i]]);
    }
}

TEST(java_hash_order) {
    // "a" is 97: bucket 1; b 98: 2; q 113: 1; Q 81: 1; c 99: 3.
    check_order(5, (const char *const[]){"a", "b", "q", "Q", "c"}, (const size_t[]){0, 2, 3, 1, 4});
    // "Aa" and "BB" are both 2112: bucket 0, as P and @; x is 120: 8.
    check_order(5, (const char *const[]){"BB", "Aa", "x", "P", "@"}, (const size_t[]){0, 1, 3, 4, 2});
    // Twelve keys still fit 16 buckets; beyond ASCII the UTF-16 units count: "\U0001F600" is 31 * d83d + de00.
    check_order(12,
                (const char *const[]){"orderId", "customerId", "total", "status", "items", "currency", "\xc3\xa9",
                                      "\xe6\x9d\xb1\xe4\xba\xac", "\xf0\x9f\x98\x80", "name", "id", "type"},
                (const size_t[]){2, 0, 7, 1, 8, 9, 6, 5, 10, 11, 4, 3});
    // The thirteenth doubles them.
    check_order(13,
                (const char *const[]){"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "k10", "k11", "k12"},
                (const size_t[]){0, 1, 2, 3, 4, 5, 11, 6, 10, 7, 8, 12, 9});
    check_order(0, NULL, NULL);
}

TEST(java_hash_order_of_nine_in_one_bucket) {
    // The nine long keys have the same hash, bucket 9 of 16 and of 32; p (112) and 0 (48) go from bucket 0 of 16 to 16 of
    // 32. The ninth key in one bucket doubles them, though eleven keys would fit 16.
    static const char *const keys[] = {"AaAaAaAa", "AaAaAaBB", "AaAaBBAa", "AaAaBBBB", "AaBBAaAa", "AaBBAaBB",
                                       "AaBBBBAa", "AaBBBBBB", "BBAaAaAa", "p", "0"};
    static const size_t eight_and_two[] = {8, 9, 0, 1, 2, 3, 4, 5, 6, 7}, nine_and_two[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    const char *fewer[10];
    memcpy(fewer, keys, 8 * sizeof keys[0]);
    memcpy(fewer + 8, keys + 9, 2 * sizeof keys[0]);
    check_order(10, fewer, eight_and_two);
    check_order(11, keys, nine_and_two);
}

static int sign(int x) { return (x > 0) - (x < 0); }

TEST(strings_compare_by_utf16) {
    static const char *const ordered[] = {"", "a", "a\x01", "aa", "b", "\xc3\xa9", "\xe6\x9d\xb1",
                                          "\xed\x9f\xbf",     // U+D7FF
                                          "\xf0\x90\x80\x80", // U+10000: d800 dc00
                                          "\xf0\x9f\x98\x80", // U+1F600
                                          "\xf4\x8f\xbf\xbf", // U+10FFFF
                                          "\xee\x80\x80",     // U+E000
                                          "\xef\xbf\xbf"};    // U+FFFF
    int count = sizeof ordered / sizeof ordered[0];
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < count; j++) {
            CHECK_EQ(sign(asl_string_compare(asl_str_z(ordered[i]), asl_str_z(ordered[j]))), sign(i - j));
            char a[64], b[64]; // and after a common beginning
            snprintf(a, sizeof a, "0123456789abcd%s", ordered[i]);
            snprintf(b, sizeof b, "0123456789abcd%s", ordered[j]);
            CHECK_EQ(sign(asl_string_compare(asl_str_z(a), asl_str_z(b))), sign(i - j));
        }
    }
}

TEST(hash_depends_on_every_byte) {
    char text[70];
    memset(text, 'x', sizeof text);
    for (size_t size = 1; size <= sizeof text; size++) {
        uint32_t hash = asl_hash((asl_str){text, size});
        CHECK_EQ(asl_hash((asl_str){text, size}), hash);
        CHECK(asl_hash((asl_str){text, size - 1}) != hash);
        for (size_t i = 0; i < size; i++) {
            text[i] = 'y';
            CHECK(asl_hash((asl_str){text, size}) != hash);
            text[i] = 'x';
        }
    }
}

// ---------------------------------------------------------------- buffers, memory

TEST(buffers) {
    asl_buffer b = {0};
    for (int i = 0; i < 1000; i++) asl_buffer_byte(&b, 'x');
    CHECK_EQ(b.size, 1000);
    CHECK_EQ(b.data[1000], 0);
    asl_buffer_z(&b, "abc");
    asl_buffer_str(&b, ASL_STR("d\0e"));
    CHECK_EQ(b.size, 1006);
    CHECK_EQ(b.data[1006], 0);
    char wide[400];
    memset(wide, 'y', 399);
    wide[399] = 0;
    asl_buffer_format(&b, "[%s%d]", wide, 42);
    CHECK_EQ(b.size, 1006 + 403);
    CHECK_STR(asl_str_z(b.data + 1006 + 399), "y42]");
    memcpy(asl_buffer_reserve(&b, 5), "12345", 5);
    b.size += 5;
    CHECK_STR(asl_str_z(b.data + b.size - 5), "12345");
    asl_buffer_add(&b, NULL, 0);
    asl_buffer_free(&b);
    CHECK(!b.data && !b.size);
}

TEST(alloc_counts_blocks) {
    size_t live = asl_alloc_live();
    void *p = asl_alloc(0), *q = asl_calloc(10, 10), *r = asl_realloc(NULL, 5);
    CHECK_EQ(asl_alloc_live(), live + 3);
    r = asl_realloc(r, 5000);
    CHECK_EQ(asl_alloc_live(), live + 3);
    CHECK_EQ(((char *)q)[99], 0);
    asl_free(p), asl_free(q), asl_free(r), asl_free(NULL);
    CHECK_EQ(asl_alloc_live(), live);
}

static void *make_value(void *json) {
    asl_value *v = malloc(sizeof *v);
    *v = parsed(json);
    return v;
}

TEST(blocks_may_be_freed_by_another_thread) {
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        void *made;
        CHECK_OR_END(pthread_create(&thread, NULL, make_value, "{\"a\":[1,[2],\"a string on the heap\"]}") == 0);
        pthread_join(thread, &made);
        CHECK_STR(printed(*(asl_value *)made), "{\"a\":[1,[2],\"a string on the heap\"]}");
        free(made);
    }
}
