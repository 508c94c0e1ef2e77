// The data tests of Choice rules, StringMatches, and timestamps.
#include "query.h"
#include "test.h"

static const char *const names[] = {
#define CHOICE(id, name, type, path) name,
#include "aslc/choice.def"
#undef CHOICE
};

static asl_value json(const char *text) {
    asl_value v = asl_none();
    if (*text && asl_json_parse(asl_str_z(text), NULL, &v, NULL) != 0) TEST_FAIL("%s is not JSON", text);
    return v;
}

// value "": missing
static bool holds(const char *name, const char *value, const char *operand) {
    int op = 0;
    while (strcmp(names[op], name) != 0) op++;
    asl_value v = json(value), o = json(operand);
    bool answer = asl__choice_test((asl_choice)op, &v, &o);
    asl_release(v);
    asl_release(o);
    return answer;
}

TEST(data_tests) {
    static const struct {
        const char *op, *value, *operand;
        bool holds;
    } table[] = {
        {"StringEquals", "\"a\"", "\"a\"", true}, {"StringEquals", "\" \"", "\"     \"", false},
        {"StringEquals", "1", "\"1\"", false}, {"StringEquals", "null", "\"null\"", false}, {"StringEquals", "\"\"", "\"\"", true},
        {"StringLessThan", "\"A\"", "\"AB\"", true}, {"StringLessThan", "\"A\"", "\"A\"", false},
        {"StringLessThan", "\"\\uffff\"", "\"\\ud83d\\ude00\"", false}, // UTF-16 order
        {"StringGreaterThan", "\"b\"", "\"a\"", true}, {"StringLessThanEquals", "\"a\"", "\"a\"", true},
        {"StringGreaterThanEquals", "\"a\"", "\"b\"", false}, {"StringMatches", "\"log-1.txt\"", "\"log-*.txt\"", true},
        {"StringMatches", "5", "\"*\"", false},
        {"NumericEquals", "1", "1.0", true}, {"NumericEquals", "0.0", "0", true}, {"NumericEquals", "\"\"", "0", false},
        {"NumericEquals", "null", "0", false}, {"NumericEquals", "true", "1", false}, {"NumericEquals", "[]", "0", false},
        {"NumericLessThan", "1", "1.5", true}, {"NumericLessThan", "-1e3", "-999", true}, {"NumericGreaterThan", "2", "1", true},
        {"NumericLessThanEquals", "2", "2", true}, {"NumericGreaterThanEquals", "1", "2", false},
        {"NumericGreaterThan", "9007199254740993", "9007199254740992", true},
        {"BooleanEquals", "true", "true", true}, {"BooleanEquals", "false", "true", false}, {"BooleanEquals", "\"true\"", "true", false},
        {"BooleanEquals", "null", "false", false},
        {"TimestampEquals", "\"2016-03-14T01:59:00Z\"", "\"2016-03-14T03:59:00+02:00\"", true},
        {"TimestampEquals", "\"2016-03-14T01:59:00.50Z\"", "\"2016-03-14T01:59:00.5Z\"", true},
        {"TimestampEquals", "\"2023-02-24 12:15:56.832957\"", "\"2023-02-24T12:15:56Z\"", false},
        {"TimestampEquals", "5", "\"2023-02-24T12:15:56Z\"", false},
        {"TimestampLessThan", "\"2016-03-14T01:59:00.1Z\"", "\"2016-03-14T01:59:00.2Z\"", true},
        {"TimestampGreaterThan", "\"2017-03-14T01:59:00Z\"", "\"2016-03-14T01:59:00Z\"", true},
        {"TimestampLessThanEquals", "\"2016-03-14T01:59:00Z\"", "\"2016-03-14T01:59:00Z\"", true},
        {"TimestampGreaterThanEquals", "\"2016-03-14T01:58:59Z\"", "\"2016-03-14T01:59:00Z\"", false},
        {"IsNull", "null", "true", true}, {"IsNull", "0", "true", false}, {"IsNull", "0", "false", true},
        {"IsPresent", "null", "true", true}, {"IsPresent", "", "true", false}, {"IsPresent", "", "false", true},
        {"IsNumeric", "1.5", "true", true}, {"IsNumeric", "\"1\"", "true", false}, {"IsNumeric", "\"1\"", "false", true},
        {"IsString", "\"\"", "true", true}, {"IsString", "[]", "true", false}, {"IsBoolean", "false", "true", true},
        {"IsBoolean", "null", "true", false}, {"IsTimestamp", "\"2016-03-14T01:59:00Z\"", "true", true},
        {"IsTimestamp", "\"2016-03-14\"", "true", false}, {"IsTimestamp", "7", "false", true},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (holds(table[i].op, table[i].value, table[i].operand) != table[i].holds)
            TEST_FAIL("%s of %s and %s", table[i].op, table[i].value, table[i].operand);
}

TEST(string_matches) {
    static const struct {
        const char *text, *pattern;
        bool matches;
    } table[] = {
        {"", "", true}, {"", "*", true}, {"a", "", false}, {"abc", "*", true}, {"abc", "a*c", true}, {"abc", "a*b", false},
        {"abc", "*b*", true}, {"abc", "**c", true}, {"aXbXc", "a*X*c", true}, {"abcabd", "*abd", true}, {"abab", "*ab", true},
        {"a*c", "a\\*c", true}, {"abc", "a\\*c", false}, {"a\\c", "a\\\\c", true}, {"a\\", "a\\", true}, {"a\\b", "a\\b", true},
        {"aaa", "a*a*a*a", false}, {"zebra", "z*a", true}, {"foo.log", "*.log", true}, {"foo.log.1", "*.log", false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (asl__string_matches(asl_str_z(table[i].text), asl_str_z(table[i].pattern)) != table[i].matches)
            TEST_FAIL("%s against %s", table[i].text, table[i].pattern);
}

// As compiled rules do it: the pattern is taken apart, its ends are compared, the pieces between them looked for.
static bool matches_by_pieces(asl_str text, asl_str pattern) {
    char head[64], piece[64], middle[256];
    size_t at = 0, size, used = 0, head_size = asl__pattern_piece(pattern, &at, head);
    uint32_t count = 0;
    if (at > pattern.size) return text.size == head_size && memcmp(text.data, head, head_size) == 0;
    while (size = asl__pattern_piece(pattern, &at, piece), at <= pattern.size) {
        if (!size) continue;
        memcpy(middle + used, &(uint32_t){(uint32_t)size}, 4);
        memcpy(middle + used + 4, piece, size);
        used += 4 + size;
        count++;
    }
    if (text.size < head_size + size || memcmp(text.data, head, head_size) != 0 ||
        memcmp(text.data + text.size - size, piece, size) != 0)
        return false;
    return asl__pieces_follow((asl_str){text.data + head_size, text.size - head_size - size}, middle, count);
}

TEST(patterns_in_pieces) {
    uint32_t r = 1;
    for (int n = 0; n < 200000; n++) {
        char text[12], pattern[10];
        asl_str t = {text, r % 12}, p = {pattern, r / 16 % 10};
        for (size_t i = 0; i < t.size; i++) text[i] = "aab*\\"[(r = r * 1664525 + 1013904223) >> 16 & 3 ? (r >> 20) % 3 : (r >> 20) % 5];
        for (size_t i = 0; i < p.size; i++) pattern[i] = "ab**\\"[((r = r * 1664525 + 1013904223) >> 20) % 5];
        r = r * 1664525 + 1013904223;
        r ^= r >> 15;
        if (matches_by_pieces(t, p) != asl__string_matches(t, p))
            TEST_FAIL("%.*s against %.*s", (int)t.size, text, (int)p.size, pattern);
    }
}

TEST(hard_patterns_take_no_longer) { // every star costs at most one pass over the text
    static char text[20000], pattern[2001];
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < sizeof pattern - 1; i += 2) memcpy(pattern + i, "a*", 2);
    pattern[sizeof pattern - 1] = 'b';
    CHECK(!asl__string_matches((asl_str){text, sizeof text}, (asl_str){pattern, sizeof pattern}));
}

TEST(timestamps) {
    static const struct {
        const char *text, *why; // why NULL: valid
        int64_t seconds;
        int32_t nanos;
    } table[] = {
        {"1970-01-01T00:00:00Z", NULL, 0, 0},
        {"2016-03-14T01:59:00Z", NULL, 1457920740, 0},
        {"2016-03-14T01:59:00+18:00", NULL, 1457855940, 0},
        {"2016-03-14T01:59:00-00:00", NULL, 1457920740, 0},
        {"2016-03-14T01:59:00-05:30", NULL, 1457940540, 0},
        {"2016-03-05T21:29:29.243167252Z", NULL, 1457213369, 243167252}, // recorded
        {"2016-03-05T21:29:29.000000Z", NULL, 1457213369, 0},
        {"2016-03-05T21:29:29.00Z", NULL, 1457213369, 0},
        {"0000-01-01T00:00:00Z", NULL, -62167219200, 0},
        {"9999-12-31T23:59:59Z", NULL, 253402300799, 0},
        {"2000-02-29T00:00:00Z", NULL, 951782400, 0},
        {"2016-12-05 21:29:29Z", "missing \"T\" between date and time", 0, 0},
        {"2016-12-05T21:29:29", "missing zone: add \"Z\"", 0, 0},
        {"2016-13-05T21:29:29Z", "month 13", 0, 0},
        {"2016-00-05T21:29:29Z", "month 0", 0, 0},
        {"05-12-2016T21:29:29Z", "the year must have four digits: YYYY-MM-DD", 0, 0},
        {"12016-12-05T21:29:29Z", "the year must have four digits: YYYY-MM-DD", 0, 0},
        {"2016-12-05T25:29:29Z", "hour 25", 0, 0},
        {"2016-12-05T24:00:00Z", "hour 24", 0, 0},
        {"2016-12-05T23:60:00Z", "minute 60", 0, 0},
        {"2016-12-05T23:59:60Z", "second 60", 0, 0},
        {"2016-12-32T00:00:00Z", "day 32", 0, 0},
        {"2016-12-00T00:00:00Z", "day 0", 0, 0},
        {"2015-02-29T00:00:00Z", "2015-02 has no day 29", 0, 0},
        {"1900-02-29T00:00:00Z", "1900-02 has no day 29", 0, 0},
        {"2015-04-31T00:00:00Z", "2015-04 has no day 31", 0, 0},
        {"2016-12-05", "missing time: add \"T\" and hh:mm:ss", 0, 0},
        {"2016-12-05t00:00:00Z", "\"T\" must be upper case", 0, 0},
        {"2016-12-05T00:00:00z", "\"Z\" must be upper case", 0, 0},
        {"2016-12-05T00:00Z", "missing seconds: write hh:mm:ss", 0, 0},
        {"2016-12-05T00:00:00.Z", "no digits after the decimal point of the seconds", 0, 0},
        {"2016-12-05T00:00:00.1234567890Z", "more than nine digits of a second", 0, 0},
        {"2016-12-05T00:00:00+0200", "the offset must be written +hh:mm or -hh:mm", 0, 0},
        {"2016-12-05T00:00:00+02", "the offset must be written +hh:mm or -hh:mm", 0, 0},
        {"2016-12-05T00:00:00+18:01", "an offset of more than 18 hours", 0, 0},
        {"2016-12-05T00:00:00+02:60", "offset minutes 60", 0, 0},
        {"2016-12-05T00:00:00 Z", "the zone must be \"Z\" or an offset such as +02:00", 0, 0},
        {"2016-12-05T00:00:00Z ", "there is text after the zone", 0, 0},
        {"2016/12/05T00:00:00Z", "the date must be written YYYY-MM-DD", 0, 0},
        {"", "the text is empty", 0, 0},
        {"{% $now() %}", "the year must have four digits: YYYY-MM-DD", 0, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t seconds = 0;
        int32_t nanos = 0;
        const char *why = NULL;
        bool valid = asl_timestamp_parse(asl_str_z(table[i].text), &seconds, &nanos, &why);
        CHECK_EQ(valid, table[i].why == NULL);
        if (table[i].why) CHECK_STR(why, table[i].why);
        if (seconds != table[i].seconds || nanos != table[i].nanos)
            TEST_FAIL("%s is %lld.%d", table[i].text, (long long)seconds, nanos);
    }
    CHECK(!asl_timestamp_parse(ASL_STR("x"), NULL, NULL, NULL));
}

TEST(printed_timestamps) {
    static const struct {
        int64_t ms;
        const char *text;
    } table[] = {
        {0, "1970-01-01T00:00:00Z"}, {1457920740000, "2016-03-14T01:59:00Z"}, {1457920740007, "2016-03-14T01:59:00.007Z"},
        {-1, "1969-12-31T23:59:59.999Z"}, {951782400000, "2000-02-29T00:00:00Z"}, {253402300799999, "9999-12-31T23:59:59.999Z"},
        {-62167219200000, "0000-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[40];
        size_t size = asl_timestamp_print(table[i].ms, text);
        CHECK_STR(((asl_str){text, size}), table[i].text);
        int64_t seconds;
        int32_t nanos;
        CHECK(asl_timestamp_parse((asl_str){text, size}, &seconds, &nanos, NULL));
        CHECK_EQ(seconds * 1000 + nanos / 1000000, table[i].ms);
    }
    char text[40]; // years that cannot be read again
    CHECK_STR(((asl_str){text, asl_timestamp_print(253402300800000, text)}), "10000-01-01T00:00:00Z");
    CHECK_STR(((asl_str){text, asl_timestamp_print(-62167219201000, text)}), "-001-12-31T23:59:59Z");
    CHECK_STR(((asl_str){text, asl_timestamp_print(INT64_MAX, text)}), "292278994-08-17T07:12:55.807Z");
}
