// Built-in functions of JSONata: pictures of numbers, integers and dates; what Step Functions adds.
#include "test.h"

#include "jsonata/error.h"
#include "jsonata/eval.h"

// ---------------------------------------------------------------- an evaluation to call them in

static struct jx_program *program;
static struct jx *jx;

static void begin(void) {
    program = asl_calloc(1, sizeof *program);
    program->fast = jx_fast_table();
    program->random = &program->own_random;
    asl__random_seed(program->random, 1);
    jx = asl_calloc(1, sizeof *jx);
    jx->program = program;
    jx->memory_limit = 7 << 20; // the service's
    jx->fuel = 1 << 30;
    jx->now_ms = 1715952275678; // 2024-05-17T13:24:35.678Z
    jx->now_known = true;
}

static void end(void) {
    for (uint32_t i = 0; i < jx->field_count; i++) asl_release(jx->fields[i].value);
    asl_release(jx->token);
    asl_release(jx->message);
    asl_free(jx);
    jx_program_free(program);
}

// The first of that name in a dialect: $random is two.
static uint32_t id_of(const char *name) {
    enum { BOTH, PLAIN, SFN };
    static const struct {
        const char *name;
        int dialect;
    } functions[] = {
#define BUILTIN(id, text, signature, in) {text, in},
#include "aslc/jsonata.def"
#undef BUILTIN
    };
    uint32_t id = 0;
    while (id < JX_BUILTIN_COUNT && (strcmp(functions[id].name, name) != 0 || functions[id].dialect == PLAIN)) id++;
    return id;
}

// The result of a call as JSON, "undefined", or the error's code. Of the arguments "undefined" is none.
static const char *call(const char *name, const char *json) {
    static char shown[4][4096];
    static unsigned turn;
    char *to = shown[turn++ % 4];
    asl_value list = asl_none(), args[8], out = asl_none(), around = asl_none();
    asl_json_error error;
    if (asl_json_parse(asl_str_z(json), NULL, &list, &error) < 0) TEST_FAIL("%s: %s", json, error.message);
    uint32_t count = (uint32_t)asl_array_count(&list);
    for (uint32_t i = 0; i < count; i++) {
        args[i] = asl_retain(*asl_array_at(&list, i));
        if (args[i].tag == ASL_STRING && asl_str_equal(asl_text_of(&args[i]), ASL_STR("undefined"))) args[i] = asl_none();
    }
    int rc = jx_call_builtin(jx, id_of(name), args, count, &around, &out);
    asl_buffer b = {0};
    if (rc < 0) {
        asl_buffer_z(&b, jx->code);
    } else if (out.tag == ASL_NONE) {
        asl_buffer_z(&b, "undefined");
    } else {
        out = jx_document(out, true);
        asl_json_print(&out, &b);
    }
    asl_release(out);
    snprintf(to, sizeof shown[0], "%s", b.size ? b.data : "");
    asl_buffer_free(&b);
    for (uint32_t i = 0; i < count; i++) asl_release(args[i]);
    asl_release(list);
    return to;
}

static const char *message(void) {
    static char text[512];
    struct jx_field fields[JX_ERROR_FIELDS];
    asl_buffer b = {0};
    if (jx->message.tag == ASL_STRING) asl_buffer_str(&b, asl_text_of(&jx->message));
    for (uint32_t i = 0; i < jx->field_count; i++) fields[i] = (struct jx_field){jx->fields[i].name, &jx->fields[i].value};
    if (jx->message.tag != ASL_STRING) jx_message(jx->code, fields, jx->field_count, &b);
    snprintf(text, sizeof text, "%s", b.size ? b.data : "");
    asl_buffer_free(&b);
    return text;
}

struct row {
    const char *args, *wanted;
};

static void check_rows(const char *name, const struct row *rows, size_t count) {
    begin();
    for (size_t i = 0; i < count; i++) {
        const char *got = call(name, rows[i].args);
        if (strcmp(got, rows[i].wanted) != 0) TEST_FAIL("$%s%s is %s, not %s", name, rows[i].args, got, rows[i].wanted);
    }
    end();
}
#define CHECK_ROWS(name, ...)                                                                                \
    do {                                                                                                     \
        static const struct row rows[] = {__VA_ARGS__};                                                      \
        check_rows(name, rows, sizeof rows / sizeof *rows);                                                  \
    } while (0)

// ---------------------------------------------------------------- $formatNumber

TEST(numbers_in_pictures) {
    CHECK_ROWS("formatNumber", {"[12345.6, \"#,##0.00\"]", "\"12,345.60\""}, {"[0, \"#,##0.00\"]", "\"0.00\""},
               {"[-0.001, \"0.00\"]", "\"-0.00\""}, {"[0.5, \"0\"]", "\"0\""}, {"[1.5, \"0\"]", "\"2\""},
               {"[2.675, \"0.00\"]", "\"2.68\""}, {"[1.005, \"0.00\"]", "\"1.00\""},
               {"[0.30000000000000004, \"0.0\"]", "\"0.3\""},
               {"[0.12345678901234566, \"0.0000000000000000\"]", "\"0.1234567890123456\""},
               {"[1234567, \"$#,##0 each\"]", "\"$1,234,567 each\""}, {"[-42, \"0;(0)\"]", "\"(42)\""},
               {"[0.14, \"01%\"]", "\"14%\""}, {"[0.4857, \"###.###\\u2030\"]", "\"485.7\xe2\x80\xb0\""},
               {"[1234.5678, \"00.000e000\"]", "\"12.346e002\""}, {"[0, \"0e0\"]", "\"0e0\""},
               {"[-42, \"0e0\"]", "\"-4e1\""}, {"[1e21, \"#,##0.00\"]", "\"1e,+21.00\""},
               {"[1125899906842624.25, \"0.0\"]", "\"1125899906842624.3\""}, // a tie in fixed notation
               {"[123456789012345678901, \"#,##0\"]", "\"123,456,789,012,345,683,968\""},
               {"[\"undefined\", \"0\"]", "undefined"}, {"[1, \"undefined\"]", "T0410"});
}

// What the reference does to these follows from its steps, and is kept.
TEST(odd_pictures_of_numbers) {
    CHECK_ROWS("formatNumber", {"[12, \"#,##,##0\"]", "\",,12\""},
               {"[1234.56789, \"#,#.0,0,0,0\"]", "\"1,2,3,4.5,679\""},
               {"[1234.5678, \"x0.0e00\"]", "\"x1.2e3\""}, {"[1234.5678, \"xx00.000e0\"]", "D3093"},
               {"[1, \"\"]", "D3085"}, {"[1, \"%%\"]", "D3086"}, {"[1, \"0;0;0\"]", "D3080"},
               {"[1, \"0.0.0\"]", "D3081"},
               {"[2, \"AAA.AAA\", {\"zero-digit\": \"A\"}]", "\"AAC.AAA\""},
               {"[1.5, \"0,0\", {\"decimal-separator\": \",\"}]", "\"1,5\""},
               {"[1234.5, \"#.##0,0\", {\"decimal-separator\": \",\", \"grouping-separator\": \".\"}]", "\"1.234,5\""},
               {"[0.14, \"###pm\", {\"per-mille\": \"pm\"}]", "\"140pm\""},
               {"[1.5, \"0.0\", {\"pattern-separator\": \"\"}]", "D3080"},
               {"[7, \"\xf0\x9f\x98\x80""0\xf0\x9f\x98\x80\"]", "\"\xf0\x9f\x98\x80""7\xf0\x9f\x98\x80\""});
}

TEST(bases) {
    CHECK_ROWS("formatBase", {"[100]", "\"100\""}, {"[-100, 2]", "\"-1100100\""}, {"[99.5, 2.5]", "\"1100100\""},
               {"[123456789012345678901, 36]", "\"q1ysz911igw00\""}, {"[535269238520672200, 32]", "\"erd8h5ajfru0\""},
               {"[1, 37]", "D3100"}, {"[1, 1.4]", "D3100"});
}

// ---------------------------------------------------------------- integers

TEST(integers_in_pictures) {
    CHECK_ROWS("formatInteger", {"[1234567, \"#,##0\"]", "\"1,234,567\""}, {"[12, \"###0;o\"]", "\"12th\""},
               {"[123, \"000;o\"]", "\"123rd\""}, {"[-1.5, \"0\"]", "\"-2\""},
               {"[12340, \"###\\u0661\"]", "\"\xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4\xd9\xa0\""},
               {"[1, \"#:###,##0\"]", "\",1\""}, {"[1984, \"I\"]", "\"MCMLXXXIV\""}, {"[0, \"I\"]", "\"\""},
               {"[703, \"A\"]", "\"AAA\""}, {"[3731, \"w;o\"]", "\"three thousand, seven hundred and thirty-first\""},
               {"[1e46, \"w\"]", "\"ten billion trillion trillion trillion\""}, {"[5, \"x\"]", "D3130"},
               {"[5, \"0\\uff10\"]", "D3131"}, {"[1e8, \"I\"]", "D1011"}, {"[5, \"\"]", "D3130"});
    CHECK_ROWS("parseInteger", {"[\"1,234\", \"#,##0\"]", "1234"},
               {"[\"1234:567,890\", \"#:###,##0\"]", "1234567890"},
               {"[\"21st\", \"0;o\"]", "21"}, {"[\"MCMXC\", \"I\"]", "1990"}, {"[\"xcix\", \"i\"]", "99"},
               {"[\"FZPH\", \"A\"]", "123456"},
               {"[\"NINETY-NINTH\", \"W;o\"]", "99"}, {"[\"one thousand trillion\", \"w\"]", "1000000000000000"},
               {"[\"abc\", \"0\"]", "\"NaN\""}, {"[\"abc\", \"w\"]", "\"NaN\""}, {"[\"0x12\", \"0\"]", "18"},
               {"[\"50\", \"#\"]", "D3130"},
               {"[\"a\", \"#\\u0661\"]", "\"NaN\""});
}

// A round trip over many numbers: words, letters, numerals.
TEST(integers_there_and_back) {
    static const char *const pictures[] = {"w", "W;o", "Ww", "A", "a", "I", "i", "#,##0", "0;o", "#'##0", "\\u0660"};
    begin();
    for (size_t p = 0; p < sizeof pictures / sizeof *pictures; p++) {
        for (long n = 1; n < 4000; n = n * 3 / 2 + 7) {
            char args[512], wanted[32];
            snprintf(args, sizeof args, "[%ld, \"%s\"]", n, pictures[p]);
            const char *text = call("formatInteger", args);
            snprintf(args, sizeof args, "[%s, \"%s\"]", text, pictures[p]);
            snprintf(wanted, sizeof wanted, "%ld", n);
            if (strcmp(pictures[p], "#'##0") != 0) CHECK_STR(call("parseInteger", args), (const char *)wanted);
        }
    }
    CHECK_STR(call("parseInteger", "[\"1'234\", \"#'##0\"]"), "1"); // regular groupings: only commas are dropped
    end();
}

// ---------------------------------------------------------------- dates

TEST(instants_as_iso_8601) {
    CHECK_ROWS("fromMillis", {"[0]", "\"1970-01-01T00:00:00.000Z\""}, {"[-1]", "\"1969-12-31T23:59:59.999Z\""},
               {"[1.5]", "\"1970-01-01T00:00:00.001Z\""}, {"[253402300799999]", "\"9999-12-31T23:59:59.999Z\""},
               {"[8640000000000000]", "\"5760-09-13T00:00:00.000Z\""},
               {"[-8640000000000000]", "\"-1821-04-20T00:00:00.000Z\""},
               {"[8640000000000001]", "\"0NaN-NaN-NaNTNaN:NaN:NaN.NaNZ\""},
               {"[0, \"undefined\", \"+0530\"]", "\"1970-01-01T05:30:00.000+05:30\""},
               {"[0, \"undefined\", \"0000\"]", "\"1970-01-01T00:00:00.000Z\""},
               {"[0, \"undefined\", \"-0330\"]", "\"1969-12-31T19:30:00.000-04:30\""},
               {"[0, \"undefined\", \"+05:30\"]", "\"1970-01-01T00:05:00.000+00:05\""});
    CHECK_ROWS("toMillis", {"[\"1970-01-01T00:00:00.000Z\"]", "0"}, {"[\"2018\"]", "1514764800000"},
               {"[\"2018-03\"]", "1519862400000"},
               {"[\"2018-02-30\"]", "1519948800000"}, {"[\"2018-03-23T10:33:36\"]", "1521801216000"},
               {"[\"2018-03-23T10:33:36.6179Z\"]", "1521801216617"},
               {"[\"2018-03-23T10:33:36+0100\"]", "1521797616000"},
               {"[\"2018-03-23T24:00:00Z\"]", "1521849600000"}, {"[\"2018-13-01\"]", "\"NaN\""},
               {"[\"2018-03-23T10:33Z\"]", "D3110"},
               {"[\"2018-3-3\"]", "D3110"}, {"[\"\"]", "D3110"}, {"[\"0000-01-01\"]", "-62167219200000"});
}

TEST(dates_in_pictures) {
    CHECK_ROWS("fromMillis", {"[1521801216617, \"[FNn], [D1o] [MNn] [Y]\"]", "\"Friday, 23rd March 2018\""},
               {"[1521801216617, \"[Y]-[ M01]-[D 01]T[H01 ]:[ m   ]:[s].[f0  01][Z01:\\n 01t]\"]", "\"2018-03-23T10:33:36.617Z\""},
               {"[1521801216617, \"[D#1,2]/[M1,2]/[Y0001,2-2]\"]", "\"23/03/18\""},
               {"[1521801216617, \"[[Year]]: [[[Y0001]]]\"]", "\"[Year]: [2018]\""},
               {"[1419940800000, \"[X0001]-W[W01]-[F1] [w] of [xNn]\"]", "\"2015-W01-2 1 of January\""},
               {"[1204405500000, \"[h]:[m] [PN] [d] [E]\"]", "\"9:05 PM 61 ISO\""},
               {"[-60000000000000, \"[Y] [W] [X]\"]", "\"68 36 67\""}, // the weeks of 1968
               {"[1531310400000, \"[Z0] [z] [Z0000]\", \"+0530\"]", "\"+5:30 GMT+05:30 +0530\""},
               {"[0, \"[Z010101]\"]", "D3134"},
               {"[0, \"[q]\"]", "D3132"}, {"[0, \"[YN]\"]", "D3133"}, {"[0, \"[M*]\"]", "D3130"},
               {"[0, \"[Y\"]", "D3135"},
               {"[0, \"[Y0\\u0660]\"]", "D3131"}, {"[0, \"\"]", "\"\""}, {"[0, \"[f,5]\"]", "\"00000\""});
    CHECK_ROWS("now", {"[]", "\"2024-05-17T13:24:35.678Z\""}, {"[\"[Y]\"]", "\"2024\""},
               {"[\"undefined\", \"+0200\"]", "\"2024-05-17T15:24:35.678+02:00\""});
    CHECK_ROWS("millis", {"[]", "1715952275678"});
}

TEST(dates_from_pictures) {
    CHECK_ROWS("toMillis", {"[\"21st 12 1881\", \"[D1o] [M01] [Y0001]\"]", "-2777932800000"},
               {"[\"20180205\", \"[Y0001][M01][D01]\"]", "1517788800000"},
               {"[\"w C mmxviii\", \"[Da] [MA] [Yi]\"]", "1521763200000"},
               {"[\"twenty-first August two thousand and seventeen\", \"[Dw] [MNn] [Yw]\"]", "1503273600000"},
               {"[\"4/4/2018 12:06 am\", \"[D1]/[M1]/[Y0001] [h]:[m] [P]\"]", "1522800360000"},
               {"[\"2018-094\", \"[Y0001]-[d001]\"]", "1522800000000"},
               {"[\"2018-366\", \"[Y]-[d]\"]", "1514764800000"}, // of the year given
               {"[\"13:45\", \"[H]:[m]\"]", "1715953500000"}, {"[\"pm 3\", \"[P] [h]\"]", "1715958000000"},
               {"[\"2020-09-09 12:00:00 GMT-5\", \"[Y0001]-[M01]-[D01] [H01]:[m01]:[s01] [z01]\"]", "1599670800000"},
               {"[\"5 -02:30\", \"[H] [Z]\"]", "1715927400000"},
               {"[\"10:11:12.0567\", \"[H]:[m]:[s].[f001]\"]", "1715940672056"},
               {"[\"M\xc3\x84RZ 5\", \"m\xc3\xa4rz [D]\"]", "1714867200000"}, {"[\"x\", \"[Y]\"]", "undefined"},
               {"[\"2018\", \"2018\"]", "undefined"},
               {"[\"sixteen\", \"[Dw]\"]", "1715817600000"}, {"[\"2018-22\", \"[Y]-[D]\"]", "D3136"},
               {"[\"3\", \"[w]\"]", "D3136"},
               {"[\"1 ISO\", \"[D] [C]\"]", "D3133"}, {"[\"99999999999\", \"[Y]\"]", "\"NaN\""},
               {"[\"\", \"\"]", "undefined"});
}

// Every part may take more or less of the same digits: what was tried is not tried again.
TEST(dates_that_could_match_in_many_ways) {
    begin();
    asl_buffer b = {0};
    asl_buffer_z(&b, "[\"");
    for (int i = 0; i < 3000; i++) asl_buffer_byte(&b, 'i');
    asl_buffer_z(&b, "!\", \"");
    for (int i = 0; i < 40; i++) asl_buffer_z(&b, "[YI][Mi]");
    asl_buffer_z(&b, "\"]");
    CHECK_STR(call("toMillis", b.data), "undefined");
    asl_buffer_free(&b);
    end();
}

// ---------------------------------------------------------------- Step Functions

TEST(partitions_and_ranges) {
    CHECK_ROWS("partition", {"[[0,1,2,3,4], 2]", "[[0,1],[2,3],[4]]"}, {"[[0], 5]", "[[0]]"},
               {"[[1,2,3]]", "[[1,2,3]]"},
               {"[[1,2,3], 2.9]", "[[1,2],[3]]"}, {"[[], 2]", "undefined"}, {"[[1], 0]", "undefined"},
               {"[[1], -0.5]", "undefined"},
               {"[[1,2,3], -1]", "D3137"}, {"[null, 1]", "T0412"}, {"[[1], 1, 1]", "T0410"});
    CHECK_ROWS("range", {"[1, 9, 2]", "[1,3,5,7,9]"}, {"[5, 1, -1.5]", "[5,4,3,2,1]"}, {"[-1.7, 2, 1]", "[-1,0,1,2]"},
               {"[3, 3, 1]", "3"},
               {"[5, 1, 1]", "undefined"}, {"[1, 5, 0]", "undefined"}, {"[1, 5]", "undefined"},
               {"[-9223372036854775808, 9223372036854775807, 9223372036854775807]", "[-9223372036854775808,-1,9223372036854775806]"},
               {"[1, 360146, 1]", "D2015"}, {"[0, 9223372036854775807, 1]", "D2015"});
    begin();
    call("partition", "[[1], -1]");
    CHECK_STR(message(), "Second argument must be zero or greater");
    CHECK(strlen(call("range", "[1, 360145, 1]")) > 100);
    end();
}

TEST(hashes) {
    CHECK_ROWS("hash", {"[\"Hello\", \"SHA-1\"]", "\"f7ff9e8b7bb2e09b70935a5d785e0cc5d9d0abf0\""},
               {"[\"\\u00f1\", \"MD5\"]", "\"94e9342ecbb1458b6043ecd3bfcbc192\""},
               {"[\"Hello\", \"SHA-384\"]", "\"3519fe5ad2c596efe3e276a6f351b8fc0b03db861782490d45f7598ebd0ab5fd5520ed102f38c4a5ec834e98668035fc\""},
               {"[\"a\", \"md5\"]", "D3137"}, {"[\"a\"]", "undefined"}, {"[5, \"MD5\"]", "T0410"});
}

TEST(random_numbers) {
    CHECK_ROWS("random", {"[42]", "0.7275636800328681"}, {"[0]", "0.730967787376657"}, {"[0.9]", "0.730967787376657"},
               {"[1, 2]", "T0410"});
    begin();
    CHECK(strcmp(call("random", "[]"), call("random", "[]")) != 0);
    const char *uuid = call("uuid", "[]");
    CHECK_EQ(strlen(uuid), 38);
    CHECK_EQ(uuid[15], '4');
    CHECK(strcmp(uuid, call("uuid", "[]")) != 0);
    end();
}

TEST(parsing_json) {
    CHECK_ROWS("parse", {"[\"1.0\"]", "1"}, {"[\"1e2\"]", "100"}, {"[\"-0\"]", "0"},
               {"[\"[1.10, {\\\"b\\\":2,\\\"a\\\":[]}]\"]", "[1.1,{\"b\":2,\"a\":[]}]"},
               {"[\"{\\\"n\\\":9223372036854775807}\"]", "{\"n\":9223372036854775807}"},
               {"[\"9223372036854775808\"]", "9223372036854776000"},
               {"[\"null\"]", "null"}, {"[]", "undefined"}, {"[\"undefined\"]", "undefined"}, {"[null]", "T0410"},
               {"[\"\"]", "D3137"}, {"[\"  \"]", "D3137"},
               {"[\"{\\\"a\\\":1}{\\\"b\\\":2}\"]", "D3137"}, {"[\"{\\\"a\\\":1,\\\"a\\\":2}\"]", "D3137"},
               {"[\"{\\\"a\\\":1,\\\"\\\\u0061\\\":2}\"]", "D3137"},
               {"[\"[{\\\"x\\\":\\\"a:b\\\\\\\":\\\"}]\"]", "[{\"x\":\"a:b\\\":\"}]"}, {"[\"1e400\"]", "D3137"},
               {"[\"not valid json\"]", "D3137"});
    begin();
    call("parse", "[\"\"]");
    CHECK(strncmp(message(), "Invalid JSON", 12) == 0);
    end();
}
