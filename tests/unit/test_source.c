// Placeholders: where they are filled in, and the way back to the file. And diagnostics printed from there.
#include "test.h"

#include "diag.h"
#include "source.h"

static struct source *expanded(struct arena *a, const char *text, struct definition *d, size_t count) {
    struct source *s = source_from_text(a, "x.asl.json", asl_str_z(text));
    source_expand(s, d, count);
    return s;
}

TEST(fills_in_everywhere) {
    struct arena *a = arena_new();
    struct definition d[] = {{"n", "30", false}, {"q", "a\"b\\\n", false}, {"k", "key", false}, {"o", "{\"x\": 1}", false}};
    struct source *s = expanded(a, "{\"${k}\": ${n}, \"s\": \"<${q}>\", \"o\": ${o}, \"e\": \"{% ${ n } %}\"}", d, 4);
    CHECK_STR(s->text, "{\"key\": 30, \"s\": \"<a\\\"b\\\\\\n>\", \"o\": {\"x\": 1}, \"e\": \"{% 30 %}\"}");
    for (size_t i = 0; i < 4; i++) CHECK(d[i].used);
    CHECK_EQ(s->unfilled.count, 0);
    arena_free(a);
}

TEST(leaves_alone_what_is_none) {
    struct arena *a = arena_new();
    struct definition d[] = {{"x", "1", false}};
    const char *text = "{\"a\": \"$${x} ${!x} ${f x} ${\", \"b\": \"${unknown} ${AWS::Region}\", \"c\": ${bare}}";
    struct source *s = expanded(a, text, d, 1);
    CHECK_STR(s->text, text);
    CHECK(!d[0].used);
    CHECK_EQ(s->unfilled.count, 2); /* those in strings */
    CHECK(source_has_placeholder(s, s->unfilled.items[0]));
    CHECK(!source_has_placeholder(s, (asl_span){0, 10}));
    arena_free(a);
}

TEST(quotes_in_strings_do_not_confuse) {
    struct arena *a = arena_new();
    struct definition d[] = {{"x", "\"", false}};
    struct source *s = expanded(a, "[\"\\\"${x}\", ${x}]", d, 1);
    CHECK_STR(s->text, "[\"\\\"\\\"\", \"]");
    arena_free(a);
}

static void check_span(struct source *s, const char *in_text, const char *in_file) {
    const char *at = strstr(s->text.data, in_text);
    CHECK_OR_END(at);
    uint32_t start = (uint32_t)(at - s->text.data);
    asl_span span = source_file_span(s, (asl_span){start, start + (uint32_t)strlen(in_text)});
    CHECK_STR(((asl_str){s->file.data + span.start, span.end - span.start}), in_file);
}

TEST(maps_back) {
    struct arena *a = arena_new();
    struct definition d[] = {{"n", "12345", false}, {"e", "", false}, {"t", "a\nb", false}};
    struct source *s = expanded(a, "before ${n} middle ${e} after\n\"${t}\"${n}${n} end", d, 3);
    check_span(s, "before", "before");
    check_span(s, "12345", "${n}");
    check_span(s, "234", "${n}");
    check_span(s, "middle", "middle");
    check_span(s, "after", "after");
    check_span(s, "\"a\\nb\"", "\"${t}\"");
    check_span(s, "1234512345", "${n}${n}");
    check_span(s, "end", "end");
    check_span(s, "12345 middle", "${n} middle");
    uint32_t line, column;
    source_position(s, (uint32_t)(strstr(s->text.data, "end") - s->text.data), &line, &column);
    CHECK_EQ(line, 2);
    CHECK_EQ(column, 16);
    arena_free(a);
}

TEST(lines) {
    struct arena *a = arena_new();
    struct source *s = expanded(a, "one\r\ntwo\n\nlast", NULL, 0);
    CHECK_STR(source_line(s, 1), "one");
    CHECK_STR(source_line(s, 2), "two");
    CHECK_STR(source_line(s, 3), "");
    CHECK_STR(source_line(s, 4), "last");
    CHECK_STR(source_line(s, 5), "");
    CHECK_STR(source_line(s, 0), "");
    arena_free(a);
}

TEST(reads_files) {
    struct arena *a = arena_new();
    const char *message = NULL;
    CHECK(!source_read(a, "/no/such/file", &message));
    CHECK_STR(message, "cannot open /no/such/file: No such file or directory");
    CHECK(!source_read(a, "/", &message));
    CHECK_STR(message, "cannot read /: Is a directory");
    arena_free(a);
}

/* What diag_print writes. */
static const char *printed(struct arena *a, const struct diag *d, enum diag_format format) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    diag_print(d, format, false, out);
    fclose(out);
    const char *copy = arena_copy(a, text, size);
    free(text);
    return copy;
}

TEST(prints_the_line_and_a_caret) {
    struct arena *a = arena_new();
    struct definition d[] = {{"n", "1234567890", false}};
    struct source *s = expanded(a, "[\n\t\"\xc3\xa4\", ${n}, here\n]", d, 1);
    struct diag diag;
    diag_init(&diag, a, s, false);
    uint32_t at = (uint32_t)(strstr(s->text.data, "here") - s->text.data);
    struct diag_message *m = diag_error(&diag, DIAG_SYNTAX, NULL, (asl_span){at, at + 4}, "not \"%s\"\x01\n", "here");
    diag_help(&diag, m, "there");
    diag_note(&diag, m, (asl_span){0, 1}, "begun");
    diag_warning(&diag, DIAG_PLACEHOLDER, NULL, (asl_span){9, 11}, "early");
    CHECK_STR(printed(a, &diag, DIAG_TEXT), "x.asl.json:2:8: warning[ASL0005]: early\n"
                                            "    2 | \t\"\xc3\xa4\", ${n}, here\n"
                                            "      | \t     ^~~~\n"
                                            "x.asl.json:2:14: error[ASL0001]: not \"here\"\\x01\\n\n"
                                            "    2 | \t\"\xc3\xa4\", ${n}, here\n"
                                            "      | \t           ^~~~\n"
                                            "      = help: there\n"
                                            "x.asl.json:1:1: note: begun\n"
                                            "    1 | [\n"
                                            "      | ^\n");
    CHECK(strstr(printed(a, &diag, DIAG_JSON), "\"line\":\t2"));
    CHECK(strstr(printed(a, &diag, DIAG_SARIF), "\"ruleId\":\t\"ASL0001\""));
    CHECK_EQ(diag.errors, 1);
    CHECK_EQ(diag.warnings, 1);
    arena_free(a);
}

TEST(long_lines_are_cut) {
    struct arena *a = arena_new();
    char text[3001];
    memset(text, 'a', 3000);
    text[3000] = 0;
    text[1500] = 'X';
    struct source *s = source_from_text(a, "x", asl_str_z(text));
    struct diag diag;
    diag_init(&diag, a, s, false);
    diag_error(&diag, DIAG_SYNTAX, NULL, (asl_span){1500, 2900}, "m");
    const char *out = printed(a, &diag, DIAG_TEXT);
    CHECK(strlen(out) < 400);
    CHECK(strstr(out, "...a"));
    const char *x = strchr(out, 'X'), *caret = strchr(out, '^'), *line = x;
    while (line[-1] != '\n') line--;
    const char *below = caret;
    while (below[-1] != '\n') below--;
    CHECK_EQ(x - line, caret - below);
    arena_free(a);
}

TEST(later_features_are_warnings_when_lenient) {
    struct arena *a = arena_new();
    struct source *s = source_from_text(a, "x", ASL_STR("{}"));
    struct diag diag;
    diag_init(&diag, a, s, true);
    diag_error(&diag, DIAG_LATER_FEATURE, NULL, (asl_span){0, 1}, "m");
    CHECK_EQ(diag.errors, 0);
    CHECK_EQ(diag.warnings, 1);
    arena_free(a);
}

TEST(suggests_the_nearest) {
    static const char *const words[] = {"Notify", "InputPath", "ErrorEquals", "Next"};
    CHECK_STR(diag_nearest("Notfiy", words, 4), "Notify");
    CHECK_STR(diag_nearest("Error Equals", words, 4), "ErrorEquals");
    CHECK_STR(diag_nearest("next", words, 4), "Next");
    CHECK(!diag_nearest("Elsewhere", words, 4));
    CHECK(!diag_nearest("", words, 4));
    char longest[500];
    memset(longest, 'x', 499);
    longest[499] = 0;
    CHECK(!diag_nearest(longest, words, 4));
}

TEST(an_avalanche_is_counted_not_kept) {
    struct arena *a = arena_new();
    struct source *s = source_from_text(a, "x", ASL_STR("{}"));
    struct diag diag;
    diag_init(&diag, a, s, false);
    for (int i = 0; i < 100000; i++) diag_help(&diag, diag_error(&diag, DIAG_SYNTAX, NULL, (asl_span){0, 1}, "m"), "h");
    CHECK_EQ(diag.errors, 100000);
    CHECK(diag.messages.count < 5000);
    arena_free(a);
}

static void count(void *arg) { ++*(int *)arg; }

TEST(arena_defers) {
    struct arena *a = arena_new();
    int calls = 0;
    arena_defer(a, count, &calls);
    arena_defer(a, count, &calls);
    memset(arena_alloc(a, 1 << 20), 1, 1 << 20);
    char *small = arena_alloc(a, 3);
    CHECK_EQ(small[0] + small[1] + small[2], 0);
    arena_free(a);
    CHECK_EQ(calls, 2);
}
