// JSON text: what is accepted, what it becomes, how it is printed, how mistakes are reported.
#include "test.h"
#include "utf8.h"

#include <pthread.h>

static bool parse(asl_str text, asl_value *v) {
    asl_json_error error;
    if (asl_json_parse(text, NULL, v, &error) == 0) return true;
    TEST_FAIL("%.*s: %u:%u: %s", text.size < 200 ? (int)text.size : 200, text.data, error.line, error.column, error.message);
    return false;
}

// Parses a copy of exactly the text's size, so that reading beyond its end would be found.
static int parse_copy(asl_str text, asl_value *v, asl_json_error *error) {
    char *copy = malloc(text.size ? text.size : 1);
    memcpy(copy, text.data, text.size);
    int rc = asl_json_parse((asl_str){copy, text.size}, NULL, v, error);
    free(copy);
    return rc;
}

static void check_print(asl_str text, asl_str wanted) {
    asl_value v;
    asl_json_error error;
    if (parse_copy(text, &v, &error)) {
        TEST_FAIL("%.*s: %s", (int)text.size, text.data, error.message);
        return;
    }
    asl_buffer out = {0};
    asl_json_print(&v, &out);
    CHECK_STR(((asl_str){out.data, out.size}), wanted);
    CHECK_EQ(out.data[out.size], 0);
    CHECK_EQ(asl_json_size(&v), out.size);
    asl_buffer_free(&out);
    asl_release(v);
}

static void becomes(const char *text, const char *wanted) { check_print(asl_str_z(text), asl_str_z(wanted)); }
static void stays(const char *text) { becomes(text, text); }

static void refused_str(asl_str text, uint32_t line, uint32_t column, const char *message) {
    asl_value v = asl_int(1);
    asl_json_error error;
    if (parse_copy(text, &v, &error) == 0) {
        TEST_FAIL("%.*s was accepted", (int)text.size, text.data);
        asl_release(v);
        return;
    }
    CHECK_EQ(v.tag, ASL_NONE);
    CHECK_STR(error.message, message);
    if (error.line != line || error.column != column) {
        TEST_FAIL("%.*s: reported at %u:%u, not %u:%u", (int)text.size, text.data, error.line, error.column, line, column);
    }
    CHECK_EQ(asl_json_parse(text, NULL, &v, NULL), -1);
}

static void refused(const char *text, uint32_t column, const char *message) {
    refused_str(asl_str_z(text), 1, column, message);
}

// ---------------------------------------------------------------- accepted

TEST(numbers_survive_untouched) {
    static const char *const numbers[] = {
        "0", "-0", "0.0", "-0.0", "4.30", "1E400", "1e-7", "1.5E+300", "12345678901234567890", "-9223372036854775808",
        "9223372036854775807", "9223372036854775808", "100000000000000000000000", "0.1234567890123456789", "1e5",
        "123456789012345", "1234567890123456", "12345678", "-12345678", "123456789", "1.5", "10.25", "-3.14", "0e1",
        "12345678.9", "123456789012.5", "1234567.12345678", "1.1234567", "1.12345678", "-1234567.123456", "1.5e3", "7",
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        stays(numbers[i]);
        char text[200]; // with and without room after it for reading ahead
        snprintf(text, sizeof text, "[%s,%s,\"and some thirty bytes to follow it\"]", numbers[i], numbers[i]);
        stays(text);
        snprintf(text, sizeof text, "{\"a\":%s}", numbers[i]);
        stays(text);
    }
}

TEST(integers_of_every_length) {
    uint64_t u = 1;
    for (int digits = 1; digits <= 19; digits++, u = u * 10 + (uint64_t)(digits % 10)) {
        if (u > INT64_MAX) break;
        for (int negative = 0; negative < 2; negative++) {
            char text[64];
            snprintf(text, sizeof text, "%s%llu                        ", negative ? "-" : "", (unsigned long long)u);
            asl_value v;
            CHECK_OR_END(parse(asl_str_z(text), &v));
            CHECK_EQ(v.tag, ASL_INT);
            CHECK_EQ(v.i, negative ? -(int64_t)u : (int64_t)u);
        }
    }
}

TEST(scalars) {
    stays("null");
    stays("true");
    stays("false");
    stays("\"\"");
    becomes(" \t\r\n1 \n", "1");
    becomes("\xef\xbb\xbf{\"a\": 1}", "{\"a\":1}");
}

TEST(containers) {
    stays("[]");
    stays("{}");
    becomes("[ ]", "[]");
    becomes("{ }", "{}");
    becomes(" [ 1 , [ ] , { } , \"x\" , null ] ", "[1,[],{},\"x\",null]");
    becomes(" { \"b\" : [ { \"c\" : { } } ] , \"a\" : true } ", "{\"b\":[{\"c\":{}}],\"a\":true}");
    stays("[[[[1],2],3],[{\"a\":[{\"b\":[]}]}]]");
    stays("{\"\":{\"\":{}}}");
}

TEST(strings_of_every_length) {
    char text[100];
    for (int size = 0; size < 70; size++) {
        text[0] = '"';
        for (int i = 0; i < size; i++) text[i + 1] = (char)('a' + i % 26);
        memcpy(text + size + 1, "\"", 2);
        stays(text);
        char keyed[256];
        snprintf(keyed, sizeof keyed, "{%s:%s,\"some more bytes\":0}", text, text);
        stays(keyed);
        for (int at = 0; at + 2 <= size; at++) { // an escape, and a character of two bytes, at every place
            char with[100];
            memcpy(with, text, sizeof with);
            memcpy(with + at + 1, "\\n", 2);
            stays(with);
            memcpy(with + at + 1, "\xc3\xa9", 2);
            stays(with);
        }
    }
}

TEST(escapes) {
    becomes("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
    becomes("\"\\u0000\\u001f\\u007f\"", "\"\\u0000\\u001f\x7f\"");
    becomes("\"\\u00e9\\u20AC\\ud83D\\uDe00\\uffff\"", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbf\"");
    becomes("{\"\\u0061 key with an escape in it\\n\":1}", "{\"a key with an escape in it\\n\":1}");
    check_print(ASL_STR("[\"a\\u0000b\",\"a longer string with \\u0000 inside\"]"),
                ASL_STR("[\"a\\u0000b\",\"a longer string with \\u0000 inside\"]"));
    asl_value v;
    CHECK_OR_END(parse(ASL_STR("\"a\\u0000b\""), &v));
    CHECK(asl_str_equal(asl_text_of(&v), ASL_STR("a\0b")));
    for (int c = 1; c < 0x20; c++) { // every control character, in inline and heap strings, at shifting places
        char text[80], padded[80];
        snprintf(text, sizeof text, "\"\\u%04x%.*s\\u%04x\"", c, c, "abcdefghijklmnopqrstuvwxyz0123456789", c);
        const char *brief = strchr("\b\f\n\r\t", c);
        if (brief) {
            snprintf(padded, sizeof padded, "\"\\%c%.*s\\%c\"", "bfnrt"[brief - "\b\f\n\r\t"], c,
                     "abcdefghijklmnopqrstuvwxyz0123456789", "bfnrt"[brief - "\b\f\n\r\t"]);
        } else {
            memcpy(padded, text, sizeof padded);
        }
        becomes(text, padded);
    }
}

TEST(utf8) {
    stays("\"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\"");
    stays("\"\xe6\x9d\xb1\xe4\xba\xac\xe6\x9d\xb1\xe4\xba\xac\xe6\x9d\xb1\xe4\xba\xac\xe6\x9d\xb1\xe4\xba\xac\"");
    static const char *const invalid[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xe2\x82",
        "\xe2(\xa1", "\xe2\x82(", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x9f\x98", "\xf0(\x8c\xbc",
        "\xfe", "\xff",
    };
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        char text[80], message[40];
        snprintf(message, sizeof message, "invalid UTF-8 byte 0x%02x", (uint8_t)invalid[i][0]);
        snprintf(text, sizeof text, "[\"%s\"]", invalid[i]);
        refused(text, 3, message);
        snprintf(text, sizeof text, "[\"%s and sixteen bytes and more\"]", invalid[i]);
        refused(text, 3, message);
        snprintf(text, sizeof text, "{\"sixteen bytes and more before \xc3\xa9%s\":1}", invalid[i]);
        refused(text, 35, message);
    }
}

// Every sequence of two bytes, and those around each limit of longer ones, at every place of a window: as the one place
// that looks at characters one by one says.
TEST(utf8_in_windows) {
    static const uint8_t edges[] = {0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0,
                                    0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
    enum { EDGES = sizeof edges };
    char text[160];
    for (size_t at = 1; at < 36; at += at < 10 || at > 18 ? 5 : 1) {
        for (size_t n = 0; n < EDGES * EDGES * EDGES; n++) {
            // Among ASCII, and among other characters, so that what was before is part of what is looked at.
            bool among = n & 1;
            size_t size = 120, begin = at * 3 + 1;
            memset(text, 'x', size);
            for (size_t i = 1; among && i + 3 < size; i += 3) memcpy(text + i, "\xe3\x81\x93", 3);
            text[0] = text[size - 1] = '"';
            const uint8_t four[] = {edges[n % EDGES], edges[n / EDGES % EDGES], edges[n / EDGES / EDGES], n & 2 ? 0x80 : 'x'};
            for (size_t i = 0; i < 4; i++) text[begin + i] = (char)four[i];
            if (among) text[begin + 4] = text[begin + 5] = 'x';
            size_t wrong = 0;
            for (size_t i = 1; i < size && !wrong;) {
                size_t length = asl__utf8_size(text + i, text + size);
                if (!length) wrong = i;
                i += length;
            }
            asl_value v;
            asl_json_error error;
            int rc = asl_json_parse((asl_str){text, size}, NULL, &v, &error);
            CHECK_EQ(rc != 0, wrong != 0);
            if (wrong && rc) CHECK_EQ(error.offset, wrong);
            if (rc) continue;
            CHECK_STR(asl_text_of(&v), ((asl_str){text + 1, size - 2}));
            asl_release(v);
        }
    }
}

TEST(indentation) {
    // Regular and not, narrow and wide, in lines that end as here and as elsewhere.
    const char *compact = "[[0,1,{\"a\":{\"b\":[],\"c\":[2,\"three\",[4,[5,{\"d\":6,\"e\":{}},7],8]],\"f\":\"g\"},\"h\":null},"
                          "{\"a\":{\"b\":[],\"c\":[2,[4,[5,{\"d\":6,\"e\":{}},7],8],9],\"f\":{\"i\":true}},\"h\":10}],11]";
    for (int step = 0; step < 40; step++) {
        for (int irregular = 0; irregular < 4; irregular++) {
            asl_buffer text = {0};
            int depth = 0, line = 0;
            for (const char *p = compact; *p; p++) {
                bool opens = *p == '[' || *p == '{', closes = *p == ']' || *p == '}';
                depth -= closes;
                int more = irregular ? line % irregular : 0;
                if (closes && p[-1] != '[' && p[-1] != '{') asl_buffer_format(&text, "\n%*s", depth * step + more, "");
                asl_buffer_byte(&text, *p);
                if (*p == ':') asl_buffer_byte(&text, ' ');
                depth += opens;
                if (opens ? p[1] != ']' && p[1] != '}' : *p == ',') {
                    asl_buffer_format(&text, irregular == 2 ? "\r\n%*s" : "\n%*s", depth * step + more, "");
                    line++;
                }
            }
            check_print((asl_str){text.data, text.size}, asl_str_z(compact));
            asl_buffer_free(&text);
        }
    }
    refused_str(asl_str_z("[\n    1,\n    2,\n   \001 3]"), 4, 4, "expected a value, found byte 0x01");
}

// Tables: names that differ, values that are like each other, and some names that occur again.
TEST(objects_by_name) {
#define member "%c\"user-%d-of-many\":{\"id\":%d,\"tags\":[%d,\"a longer text, %d\"]}"
    for (int count = 1; count < 300; count += 37) {
        for (int repeated = 0; repeated < 3; repeated++) {
            asl_buffer text = {0}, wanted = {0};
            for (int i = 0; i < count + repeated; i++) {
                int name = i < count ? i : (i - count) * 7 % count, value = i;
                asl_buffer_format(&text, member, i ? ',' : '{', name * name, value, value, value);
            }
            for (int i = 0; i < count; i++) {
                int value = i;
                for (int r = 0; r < repeated; r++) {
                    if (r * 7 % count == i) value = count + r;
                }
                asl_buffer_format(&wanted, member, i ? ',' : '{', i * i, value, value, value);
            }
            asl_buffer_byte(&text, '}');
            asl_buffer_byte(&wanted, '}');
            check_print((asl_str){text.data, text.size}, (asl_str){wanted.data, wanted.size});
            asl_buffer_free(&text);
            asl_buffer_free(&wanted);
        }
    }
#undef member
}

TEST(duplicate_keys) {
    becomes("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}");
    becomes("{\"a\":{\"x\":[\"a string on the heap\"]},\"x\":1,\"a\":{\"x\":2,\"x\":3},\"x\":4}", "{\"a\":{\"x\":3},\"x\":4}");
    becomes("[{\"a\":1,\"\\u0061\":2},{\"a\":1}]", "[{\"a\":2},{\"a\":1}]");
    asl_buffer text = {0}, wanted = {0};
    for (int i = 0; i < 1000; i++) asl_buffer_format(&text, "%s\"key %d\":%d", i ? "," : "{", i % 300, i);
    for (int i = 0; i < 300; i++) asl_buffer_format(&wanted, "%s\"key %d\":%d", i ? "," : "{", i, i < 100 ? 900 + i : 600 + i);
    asl_buffer_byte(&text, '}');
    asl_buffer_byte(&wanted, '}');
    becomes(text.data, wanted.data);
    asl_buffer_free(&text);
    asl_buffer_free(&wanted);
}

TEST(equal_keys_share_one_text) {
    asl_value v;
    CHECK_OR_END(parse(ASL_STR("[{\"name\":1,\"a key longer than sixteen bytes\":2},{\"name\":3,\"a key longer than sixteen bytes\":4},"
                               "{\"a key longer than sixteen bytez\":5}]"), &v));
    const asl_value *first = asl_array_at(&v, 0), *second = asl_array_at(&v, 1), *third = asl_array_at(&v, 2);
    CHECK(asl_object_key_at(first, 0) == asl_object_key_at(second, 0));
    CHECK(asl_object_key_at(first, 1) == asl_object_key_at(second, 1));
    CHECK(asl_object_key_at(first, 1) != asl_object_key_at(third, 0));
    CHECK_EQ(asl_object_key_at(first, 0)->refs, 2);
    CHECK_EQ(asl_object_get(third, ASL_STR("a key longer than sixteen bytez"))->i, 5);
    asl_release(v);
}

TEST(many_keys_and_many_members) {
    enum { COUNT = 100000 };
    asl_buffer text = {0};
    for (int i = 0; i < COUNT; i++) asl_buffer_format(&text, "%s\"key %d\":[%d,{\"n\":%d}]", i ? "," : "{", i, i, i);
    asl_buffer_byte(&text, '}');
    asl_value v;
    CHECK_OR_END(parse((asl_str){text.data, text.size}, &v));
    CHECK_EQ(asl_object_count(&v), COUNT);
    const asl_value *last = asl_object_get(&v, ASL_STR("key 99999"));
    CHECK_OR_END(last);
    CHECK_EQ(asl_object_get(asl_array_at(last, 1), ASL_STR("n"))->i, 99999);
    asl_buffer out = {0};
    asl_json_print(&v, &out);
    CHECK(asl_str_equal((asl_str){out.data, out.size}, (asl_str){text.data, text.size}));
    CHECK_EQ(asl_json_size(&v), out.size);
    asl_buffer_free(&out);
    asl_buffer_free(&text);
    asl_release(v);
}

TEST(print_appends) {
    asl_buffer out = {0};
    asl_buffer_z(&out, "x=");
    asl_json_print_string(ASL_STR("say \"hi\"\n"), &out);
    asl_buffer_byte(&out, ';');
    asl_value v = asl_double(2.5), none = asl_none();
    asl_json_print(&v, &out);
    asl_json_print(&none, &out);
    CHECK_STR(out.data, "x=\"say \\\"hi\\\"\\n\";2.5null");
    asl_buffer_free(&out);
    char controls[3000]; // every byte grows to six
    memset(controls, 1, sizeof controls);
    asl_json_print_string((asl_str){controls, sizeof controls}, &out);
    CHECK_EQ(out.size, 6 * sizeof controls + 2);
    asl_buffer_free(&out);
}

// ---------------------------------------------------------------- refused

TEST(values_refused) {
    refused("", 1, "unexpected end of input, expected a value");
    refused("   ", 4, "unexpected end of input, expected a value");
    refused("nul", 1, "expected a value, found nul");
    refused("True", 1, "expected a value, found True");
    refused("[NaN]", 2, "expected a value, found NaN");
    refused("'a'", 1, "strings take double quotes");
    refused("[1, // one", 5, "expected a value; JSON has no comments");
    refused("[,1]", 2, "expected a value, found ','");
    refused("[1,]", 4, "expected a value, found ']'");
    refused("[\xff]", 2, "expected a value, found byte 0xff");
    refused_str(ASL_STR("[\0]"), 1, 2, "expected a value, found byte 0x00");
    refused("1 2", 3, "text after the JSON value");
    refused("{} {}", 4, "text after the JSON value");
    refused("nulll", 5, "text after the JSON value");
    refused_str(ASL_STR("1\0"), 1, 2, "text after the JSON value");
    refused_str(ASL_STR("\xef\xbb\xbf"), 1, 4, "unexpected end of input, expected a value");
    refused("\xef\xbb", 1, "expected a value, found byte 0xef");
}

TEST(numbers_refused) {
    refused("01", 1, "a number may not start with 0");
    refused("-01", 2, "a number may not start with 0");
    refused("[00.5, \"and some thirty bytes to follow it\"]", 2, "a number may not start with 0");
    refused("-", 2, "expected a digit after '-'");
    refused("-x", 2, "expected a digit after '-'");
    refused("1.", 3, "expected a digit after '.'");
    refused("[1.e5]", 4, "expected a digit after '.'");
    refused("[1., \"and some thirty bytes to follow it\"]", 4, "expected a digit after '.'");
    refused("1e", 3, "expected a digit in the exponent");
    refused("1e+", 4, "expected a digit in the exponent");
    refused("[1.5e, \"and some thirty bytes to follow it\"]", 6, "expected a digit in the exponent");
    refused("+1", 1, "a number may not start with '+'");
    refused(".5", 1, "a number may not start with '.'");
    refused("1.5.5", 4, "text after the JSON value");
    refused("0x10", 2, "text after the JSON value");
}

TEST(strings_refused) {
    refused("\"abc", 1, "unterminated string");
    refused("\"", 1, "unterminated string");
    refused("[\"abcdefghijklmnopqrstuvwxyz", 2, "unterminated string");
    refused("[\"abcdefghijklmnopqrstuvwxyz\\", 29, "unterminated string");
    refused("\"\\x41\"", 2, "unknown escape \\x");
    refused("\"\\\x01\"", 2, "unknown escape: a backslash before byte 0x01");
    refused("\"\\u12\"", 2, "\\u needs four hexadecimal digits");
    refused("\"\\u12g4\"", 2, "\\u needs four hexadecimal digits");
    refused("\"a\\u1", 3, "\\u needs four hexadecimal digits");
    refused("\"\\ud800\"", 2, "lone surrogate \\ud800");
    refused("\"\\uD83D\\u0041\"", 2, "lone surrogate \\ud83d");
    refused("\"\\ud83d\\ud83d\"", 2, "lone surrogate \\ud83d");
    refused("\"\\udE00\"", 2, "lone surrogate \\ude00");
    refused("\"\\ud83d\\n\"", 2, "lone surrogate \\ud83d");
    refused("\"a\nb\"", 3, "a control character in a string must be escaped: \\u000a");
    refused_str(ASL_STR("\"a\0b\""), 1, 3, "a control character in a string must be escaped: \\u0000");
    refused_str(ASL_STR("{\"some long and\tlonger key\":1}"), 1, 16,
                "a control character in a string must be escaped: \\u0009");
}

TEST(containers_refused) {
    refused("[1", 3, "unexpected end of input, expected ',' or ']' after an item");
    refused("[1 2]", 4, "expected ',' or ']' after an item");
    refused("[1}", 3, "expected ',' or ']' after an item");
    refused("{\"a\":1", 7, "unexpected end of input, expected ',' or '}' after a member");
    refused("{\"a\":1]", 7, "expected ',' or '}' after a member");
    refused("{\"a\" 1}", 6, "expected ':' after a member's name");
    refused("{\"a\"", 5, "unexpected end of input, expected ':' after a member's name");
    refused("{\"a\":}", 6, "expected a value, found '}'");
    refused("{a:1}", 2, "expected a member's name in double quotes");
    refused("{", 2, "unexpected end of input, expected a member's name in double quotes");
    refused("{\"a\":1,}", 8, "expected a member's name in double quotes");
    refused("[{\"a\":\"a string on the heap\",\"b\":[1,{\"c\":\"and here another one\"", 64,
            "unexpected end of input, expected ',' or '}' after a member");
    refused("]", 1, "expected a value, found ']'");
    refused_str(ASL_STR("{\n  \"a\": 1,\n  \"b\": tru\n}"), 3, 8, "expected a value, found tru");
}

// ---------------------------------------------------------------- limits

static asl_str brackets(asl_buffer *text, size_t depth, bool objects) {
    text->size = 0;
    for (size_t i = 0; i < depth; i++) asl_buffer_z(text, objects && i % 2 ? "{\"k\":" : "[");
    asl_buffer_z(text, "1");
    for (size_t i = depth; i-- > 0;) asl_buffer_byte(text, objects && i % 2 ? '}' : ']');
    return (asl_str){text->data, text->size};
}

TEST(depth_is_limited) {
    asl_buffer text = {0};
    asl_value v;
    asl_json_error error;
    for (int objects = 0; objects < 2; objects++) {
        asl_str deep = brackets(&text, ASL_MAX_DEPTH, objects);
        check_print(deep, deep);
        CHECK_EQ(asl_json_parse(brackets(&text, ASL_MAX_DEPTH + 1, objects), NULL, &v, &error), -1);
        CHECK_STR(error.message, "nested deeper than 1000");
        CHECK_EQ(error.column, objects ? 1000 / 2 * 6 + 1 : 1001);
    }
    asl_json_limits shallow = {.max_depth = 2}, deep = {.max_depth = 200000};
    CHECK_EQ(asl_json_parse(ASL_STR("[[1]]"), &shallow, &v, &error), 0);
    asl_release(v);
    CHECK_EQ(asl_json_parse(ASL_STR("[[[1]]]"), &shallow, &v, &error), -1);
    CHECK_STR(error.message, "nested deeper than 2");
    CHECK_EQ(asl_json_parse(brackets(&text, 200000, true), &deep, &v, &error), 0);
    asl_release(v);
    // A bomb of a million brackets ends at the thousand and first.
    text.size = 0;
    for (int i = 0; i < 1000000; i++) asl_buffer_byte(&text, '[');
    CHECK_EQ(asl_json_parse((asl_str){text.data, text.size}, NULL, &v, &error), -1);
    CHECK_EQ(error.offset, 1000);
    asl_buffer_free(&text);
}

TEST(size_is_limited) {
    asl_json_limits limits = {.max_size = 5};
    asl_value v;
    asl_json_error error;
    CHECK_EQ(asl_json_parse(ASL_STR("[1,2]"), &limits, &v, &error), 0);
    asl_release(v);
    CHECK_EQ(asl_json_parse(ASL_STR("[1,2] "), &limits, &v, &error), -1);
    CHECK_STR(error.message, "6 bytes of JSON are more than the limit of 5");
}

// Every beginning of a document is refused without a trace, or is itself a document.
TEST(truncation_anywhere) {
    static const char text[] = "{\"a\":[1,-2.5e3,\"\\ud83d\\ude00 and a string on the heap\",{\"\xc3\xa9\":null,\"a\":true}],"
                               "\"a key longer than sixteen bytes\":{\"a\":false},\"a\":\"again\"}";
    for (size_t size = 0; size < sizeof text - 1; size++) {
        asl_value v;
        asl_json_error error;
        CHECK_EQ(parse_copy((asl_str){text, size}, &v, &error), -1);
        CHECK(error.offset <= size);
    }
}

// ---------------------------------------------------------------- likeness: what the parser expects, and what comes

static uint32_t random_below(uint32_t *state, uint32_t limit) {
    *state = *state * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(*state >> 8) * limit >> 24);
}

#define TOP 4

// A value whose members and items are mostly, but not always, those of its neighbours. gap: what stands between tokens.
static void add_value(asl_buffer *text, uint32_t *state, int depth, const char *gap) {
    static const char *const scalars[] = {
        "1", "-20", "4.25", "12345678901234567890", "true", "false", "null", "\"\"", "\"text\"", "\"a text on the heap\"",
        "\"\\n\"", "\"\xc3\xa4\"", "\"of fourteen chr\"", "\"of fifteen char.\"", "0.5e-3", "[]", "{}",
    };
    static const char *const names[] = {
        "id", "name", "a name of 16 byt", "x", "\xc3\xa4", "a name of 15 by", "tags", "at", "a name longer than sixteen bytes", "\\\"",
    };
    uint32_t kind = depth == TOP ? 9 : depth ? random_below(state, 9) : 0;
    if (kind < 5) {
        asl_buffer_z(text, scalars[random_below(state, sizeof scalars / sizeof scalars[0])]);
    } else if (kind < 7) {
        asl_buffer_byte(text, '{');
        bool first = true;
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            if (random_below(state, 8) == 0) continue;
            asl_buffer_z(text, first ? gap : ",");
            if (!first) asl_buffer_z(text, gap);
            first = false;
            asl_buffer_byte(text, '"');
            asl_buffer_z(text, names[i]);
            asl_buffer_z(text, "\"");
            asl_buffer_z(text, gap);
            asl_buffer_z(text, ":");
            asl_buffer_z(text, gap);
            add_value(text, state, depth - 1, gap);
            asl_buffer_z(text, gap);
        }
        asl_buffer_byte(text, '}');
    } else {
        asl_buffer_byte(text, '[');
        for (uint32_t i = 0, count = depth == TOP ? 40 : random_below(state, 6); i < count; i++) {
            asl_buffer_z(text, i ? "," : gap);
            if (i) asl_buffer_z(text, gap);
            add_value(text, state, depth - 1, gap);
        }
        asl_buffer_z(text, gap);
        asl_buffer_byte(text, ']');
    }
}

TEST(neighbours_that_differ) {
    static const char *const gaps[] = {"", " ", "\n  ", "\r\n\t                          ", "  "};
    for (uint32_t seed = 0; seed < 20; seed++) {
        asl_buffer plain = {0};
        uint32_t state = seed;
        add_value(&plain, &state, TOP, "");
        for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++) {
            asl_buffer text = {0};
            state = seed;
            add_value(&text, &state, TOP, gaps[g]);
            check_print((asl_str){text.data, text.size}, (asl_str){plain.data, plain.size});
            asl_buffer_free(&text);
        }
        asl_buffer_free(&plain);
    }
}

// A name with escapes is not how it is written: {"a"b": is no name, though the name before it was a"b.
TEST(expected_names_with_escapes) {
    stays("[{\"a\\\"b\":1},{\"a\\\"b\":2}]");
    refused("[{\"a\\\"b\":1},{\"a\"b\":2}]", 17, "expected ':' after a member's name");
    refused("[{\"a\\\\n\":1},{\"a\\x\":2}]", 16, "unknown escape \\x");
    becomes("[{\"a\\u0062\":1},{\"ab\":2},{\"a\\u0062\":3}]", "[{\"ab\":1},{\"ab\":2},{\"ab\":3}]");
    becomes("[{\"a\\\\n\":1},{\"a\\n\":2},{\"a\\\\n\":3}]", "[{\"a\\\\n\":1},{\"a\\n\":2},{\"a\\\\n\":3}]");
}

TEST(expected_names_that_repeat) {
    becomes("[{\"a\":1,\"b\":2},{\"a\":1,\"b\":2,\"a\":3},{\"a\":1,\"b\":2},{\"b\":1,\"a\":2,\"b\":3},{\"a\":1,\"a\":2}]",
            "[{\"a\":1,\"b\":2},{\"a\":3,\"b\":2},{\"a\":1,\"b\":2},{\"b\":3,\"a\":2},{\"a\":2}]");
    becomes("[{\"a\":{\"x\":1},\"a\":{\"x\":2}},{\"a\":{\"x\":3},\"b\":{\"x\":[1]},\"a\":{\"y\":{\"x\":4}}}]",
            "[{\"a\":{\"x\":2}},{\"a\":{\"y\":{\"x\":4}},\"b\":{\"x\":[1]}}]");
}

TEST(likeness_ends_anywhere) {
    asl_buffer text = {0};
    uint32_t state = 4;
    add_value(&text, &state, TOP, " ");
    for (size_t size = 0; size < text.size; size += 7) {
        asl_value v;
        asl_json_error error;
        CHECK_EQ(parse_copy((asl_str){text.data, size}, &v, &error), -1);
        CHECK_EQ(error.offset <= size, true);
    }
    asl_buffer_free(&text);
}

// ---------------------------------------------------------------- large documents, whose memory comes from pages

static void add_rows(asl_buffer *text, int rows, int from) {
    asl_buffer_byte(text, '[');
    for (int i = 0; i < rows; i++) {
        asl_buffer_format(text, "%s{\"id\":%d,\"name\":\"row number %d on the heap\",\"at\":{\"x\":%d.5,\"tags\":[\"t%d\"%s]}%s}",
                          i ? "," : "", from + i, from + i, i, i % 9, i % 5 ? "" : ",\"one more\"", i % 7 ? "" : ",\"extra\":null");
    }
    asl_buffer_byte(text, ']');
}

TEST(parts_of_large_documents_are_kept) {
    enum { KEPT = 300 };
    asl_value kept[KEPT];
    char *wanted[KEPT];
    for (int i = 0; i < KEPT; i++) {
        asl_buffer text = {0};
        asl_value v;
        add_rows(&text, 200 + i, i);
        CHECK_OR_END(parse((asl_str){text.data, text.size}, &v));
        asl_buffer out = {0};
        asl_json_print(&v, &out);
        CHECK(out.size == text.size && memcmp(out.data, text.data, out.size) == 0);
        kept[i] = asl_retain(*asl_array_at(&v, (size_t)(i * 7 % 200)));
        if (i % 3 == 0) {
            asl_value name = asl_retain(*asl_object_get(&kept[i], ASL_STR("name")));
            asl_release(kept[i]);
            kept[i] = name;
        }
        out.size = 0;
        asl_json_print(&kept[i], &out);
        wanted[i] = strdup(out.data);
        asl_release(v);
        if (i % 2) { // an older one goes first
            asl_release(kept[i / 2]);
            kept[i / 2] = asl_null();
            strcpy(wanted[i / 2], "null");
        }
        asl_buffer_free(&out);
        asl_buffer_free(&text);
    }
    for (int i = 0; i < KEPT; i++) {
        asl_buffer out = {0};
        asl_json_print(&kept[i], &out);
        CHECK_STR(((asl_str){out.data, out.size}), wanted[i]);
        asl_buffer_free(&out);
        asl_release(kept[i]);
        free(wanted[i]);
    }
}

static void *parse_rows(void *out) {
    asl_buffer text = {0};
    add_rows(&text, 500, 0);
    for (int i = 0; i < 3; i++) { // the last one stays
        asl_value *v = out;
        asl_json_parse((asl_str){text.data, text.size}, NULL, v, NULL);
        if (i < 2) asl_release(*v);
    }
    asl_buffer_free(&text);
    return NULL;
}

TEST(large_documents_of_other_threads) {
    asl_buffer text = {0};
    add_rows(&text, 500, 0);
    for (int i = 0; i < 8; i++) {
        pthread_t threads[3];
        asl_value v[4];
        for (int t = 0; t < 3; t++) CHECK_OR_END(pthread_create(&threads[t], NULL, parse_rows, &v[t]) == 0);
        for (int t = 0; t < 3; t++) pthread_join(threads[t], NULL);
        parse_rows(&v[3]);
        for (int t = 0; t < 4; t++) {
            asl_buffer out = {0};
            asl_json_print(&v[t], &out);
            CHECK(out.size == text.size && memcmp(out.data, text.data, out.size) == 0);
            asl_buffer_free(&out);
            asl_release(v[t]);
        }
    }
    asl_buffer_free(&text);
}
