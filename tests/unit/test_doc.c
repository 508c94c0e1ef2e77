// The reader of documents: positions, recovery, look-up.
#include "test.h"

#include "aslc/doc.h"

struct heard {
    size_t count;
    enum asl_doc_problem problem[64];
    asl_span where[64];
    char message[64][160];
};

static void hear(void *user, const asl_doc_message *m) {
    struct heard *h = user;
    if (h->count == 64) return;
    h->problem[h->count] = m->problem;
    h->where[h->count] = m->where;
    snprintf(h->message[h->count++], sizeof h->message[0], "%s", m->message);
}

static asl_doc_tree *read(struct heard *h, const char *text, size_t *errors) {
    memset(h, 0, sizeof *h);
    return asl_doc_read_for(asl_str_z(text), hear, h, errors);
}

/* The text as the document that was understood, for comparison. */
static void check_reads_as(const char *text, const char *wanted, size_t wanted_errors) {
    struct heard h;
    size_t errors;
    asl_doc_tree *tree = read(&h, text, &errors);
    asl_buffer out = {0};
    if (tree) {
        asl_value v = asl_doc_value(asl_doc_root(tree));
        asl_json_print(&v, &out);
        asl_release(v);
    }
    CHECK_STR(((asl_str){out.data ? out.data : "", out.size}), wanted);
    CHECK_EQ(errors, wanted_errors);
    asl_buffer_free(&out);
    asl_doc_free(tree);
}

TEST(accepts_what_people_write) {
    check_reads_as("\xef\xbb\xbf{\"a\":\r\n\t[1, 2.50, -0, 1e400]}", "{\"a\":[1,2.50,-0,1e400]}", 0);
    check_reads_as("[]", "[]", 0);
    check_reads_as(" \"x\" ", "\"x\"", 0);
    check_reads_as("{\"a\": [1, 2,], }", "{\"a\":[1,2]}", 0); /* warnings */
}

TEST(escapes) {
    check_reads_as("\"\\u0041\\n\\\"\\ud83d\\ude00\\/\"", "\"A\\n\\\"\xf0\x9f\x98\x80/\"", 0);
    check_reads_as("\"\\ud800x\"", "\"\xef\xbf\xbdx\"", 1);
    check_reads_as("\"\\q\"", "\"\\\\q\"", 1);
    check_reads_as("\"\\u12\"", "\"\xef\xbf\xbd" "12\"", 1);
    check_reads_as("\"\xff\"", "\"\xef\xbf\xbd\"", 1);
    check_reads_as("\"a\tb\"", "\"a\\tb\"", 1);
}

TEST(recovers) {
    check_reads_as("{\"a\": 1 \"b\": 2}", "{\"a\":1,\"b\":2}", 1);
    check_reads_as("[1 2]", "[1,2]", 1);
    check_reads_as("{\"a\": \"b\": 2}", "{\"b\":2}", 1);
    check_reads_as("{\"x\": 0, \"a\": \"b\": 2}", "{\"x\":0,\"b\":2}", 1);
    check_reads_as("{\"a\": \"open,\n\"b\": 2}", "{\"a\":\"open\",\"b\":2}", 1);
    check_reads_as("{\"a\": \"two\nlines\", \"b\": 2}", "{\"a\":\"two\\nlines\",\"b\":2}", 1);
    check_reads_as("{\"a\": [1, 2 },\n\"b\": 3}", "{\"a\":[1,2],\"b\":3}", 1);
    check_reads_as("{\"a\": {\"c\": [1, 2 },\n\"b\": 3}", "{\"a\":{\"c\":[1,2]},\"b\":3}", 1);
    check_reads_as("{\"a\": ${x}, \"b\": ${y}${z}}", "{\"a\":null,\"b\":null}", 3);
    check_reads_as("{\"a\": True,\n\"b\": None,\n\"c\": 012\n}", "{\"a\":null,\"b\":null,\"c\":null}", 3);
    check_reads_as("{a: 1,\n'b': 'x'}", "{\"a\":1,\"b\":\"x\"}", 2);
    check_reads_as("{\"a\" = 1}", "{\"a\":1}", 1);
    check_reads_as("[1,,2]", "[1,2]", 1);
    check_reads_as("{\"a\": }", "{\"a\":null}", 1);
    check_reads_as("{\"a\": [1, {\"b\": 2", "{\"a\":[1,{\"b\":2}]}", 1);
    check_reads_as("{\"a\": 1}}", "{\"a\":1}", 1);
    check_reads_as("{\"a\": 1} trailing", "{\"a\":1}", 1);
    check_reads_as("// one\n{\"a\": 1 /* two */}\n# three", "{\"a\":1}", 3);
}

TEST(nothing_to_read) {
    check_reads_as("", "", 1);
    check_reads_as(" \n ", "", 1);
    check_reads_as("\xff\xfe{", "", 1);
    check_reads_as("]", "", 1);
}

TEST(one_mistake_a_line) {
    struct heard h;
    size_t errors;
    asl_doc_free(read(&h, "{\"a\" 1 2 3 4 : : ] ] , , x y z }", &errors));
    CHECK_EQ(errors, 1);
}

TEST(problems_are_told_apart) {
    struct heard h;
    size_t errors;
    asl_doc_free(read(&h, "{\"a\": 1, // c\n\"b\": ${n},\n}", &errors));
    CHECK_EQ(errors, 2);
    CHECK_EQ(h.count, 3);
    CHECK_EQ(h.problem[0], ASL_DOC_COMMENT);
    CHECK_EQ(h.problem[1], ASL_DOC_PLACEHOLDER);
    CHECK_EQ(h.problem[2], ASL_DOC_TRAILING_COMMA);
    CHECK_EQ(h.where[1].start, 19);
    CHECK_EQ(h.where[1].end, 23);
}

TEST(spans_and_pointers) {
    const char *text = "{\"a/b\": [10, {\"c~\": \"x\\u0041y\"}]}";
    struct heard h;
    size_t errors;
    asl_doc_tree *tree = read(&h, text, &errors);
    CHECK_OR_END(tree);
    asl_doc *list = asl_doc_get(asl_doc_root(tree), "a/b");
    asl_doc *leaf = asl_doc_get(list->last, "c~");
    asl_buffer pointer = {0};
    asl_doc_pointer(leaf, &pointer);
    CHECK_STR(((asl_str){pointer.data, pointer.size}), "/a~1b/1/c~0");
    asl_buffer_free(&pointer);
    CHECK_EQ(list->key_span.start, 1);
    CHECK_EQ(list->key_span.end, 6);
    CHECK_STR(leaf->text, "xAy");
    asl_span y = asl_doc_text_span(leaf, false, 2, 3), a = asl_doc_text_span(leaf, false, 1, 2);
    CHECK_STR(((asl_str){text + y.start, y.end - y.start}), "y");
    CHECK_STR(((asl_str){text + a.start, a.end - a.start}), "\\u0041");
    asl_span key = asl_doc_text_span(list, true, 0, 1);
    CHECK_STR(((asl_str){text + key.start, key.end - key.start}), "a");
    uint32_t line, column;
    asl_doc_position(ASL_STR("ab\ncd"), 4, &line, &column);
    CHECK_EQ(line, 2);
    CHECK_EQ(column, 2);
    CHECK(!asl_doc_get(leaf, "x"));
    CHECK(!asl_doc_get(NULL, "x"));
    asl_doc_free(tree);
}

TEST(duplicates_are_marked) {
    struct heard h;
    size_t errors;
    asl_doc_tree *tree = read(&h, "{\"a\": 1, \"b\": 2, \"\\u0061\": 3}", &errors);
    CHECK_OR_END(tree);
    asl_doc *root = asl_doc_root(tree);
    CHECK_EQ(errors, 0);
    CHECK(root->last->duplicate_of == root->first);
    CHECK(asl_doc_get(root, "a") == root->first);
    asl_doc_free(tree);
}

TEST(large_objects_are_indexed) {
    asl_buffer text = {0};
    struct heard h;
    size_t errors;
    asl_buffer_byte(&text, '{');
    for (int i = 0; i < 5000; i++) asl_buffer_format(&text, "%s\"k%d\": %d", i ? "," : "", i, i);
    asl_buffer_z(&text, ", \"k7\": 0}");
    asl_doc_tree *tree = asl_doc_read_for((asl_str){text.data, text.size}, hear, &h, &errors);
    CHECK_OR_END(tree);
    asl_doc *root = asl_doc_root(tree);
    CHECK_EQ(root->count, 5001);
    CHECK_STR(asl_doc_get(root, "k4999")->text, "4999");
    CHECK(!asl_doc_get(root, "k5000"));
    CHECK(root->last->duplicate_of == asl_doc_get(root, "k7"));
    asl_doc_free(tree);
    asl_buffer_free(&text);
}

TEST(nesting_is_limited) {
    asl_buffer text = {0};
    struct heard h = {0};
    size_t errors;
    for (int i = 0; i < ASL_MAX_DEPTH; i++) asl_buffer_byte(&text, '[');
    for (int i = 0; i < ASL_MAX_DEPTH; i++) asl_buffer_byte(&text, ']');
    asl_doc_tree *tree = asl_doc_read_for((asl_str){text.data, text.size}, hear, &h, &errors);
    CHECK_EQ(errors, 0);
    asl_doc_free(tree);
    text.size = 0;
    for (int i = 0; i < 200000; i++) asl_buffer_byte(&text, '[');
    tree = asl_doc_read_for((asl_str){text.data, text.size}, hear, &h, &errors);
    CHECK(errors > 0);
    CHECK_EQ(h.problem[0], ASL_DOC_TOO_DEEP);
    asl_doc_free(tree);
    asl_buffer_free(&text);
}
