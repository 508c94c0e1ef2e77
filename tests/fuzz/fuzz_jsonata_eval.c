// Evaluation: any text that is an expression ends with a value or a mistake of the language, within its limits, and
// leaves nothing behind. The input is the expression, a zero byte, and the document; without one, a document that has
// something of everything. Each expression runs twice, since the second run meets the caches of the first.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char document[] = "{\"a\":[1,2.5,-3,{\"b\":\"x\",\"c\":[[1],[2,3]]}],\"b\":{\"a\":\"abc def\",\"7\":null,\"b\":{\"c\":true}},"
                               "\"c\":\"2018-05-13T09:00:00.000Z\",\"n\":12345.678,\"s\":\"\\u00e9\\ud83d\\ude00 x\",\"e\":[]}";

static bool is_code(const char *code) {
    if (strlen(code) != 5 || !strchr("SDTU", code[0])) return false;
    for (size_t i = 1; i < 5; i++)
        if (code[i] < '0' || code[i] > '9') return false;
    return true;
}

static void evaluate(struct expression *e, const asl_value *input, bool step_functions) {
    static const struct jx_limits limits = {.depth = 60, .milliseconds = 300, .memory = 1 << 20, .now_ms = 1526202000000};
    struct expression_binding states = {ASL_STR("states"), input};
    asl_value out;
    struct jx_error error;
    if (expression_run(e, step_functions ? NULL : input, &states, 1, &limits, &out, &error) < 0) {
        if (!is_code(error.code)) {
            fprintf(stderr, "a mistake without a code: \"%s\"\n", error.code);
            abort();
        }
        jx_error_clear(&error);
        return;
    }
    out = jx_document(out, true);
    asl_buffer text = {0};
    if (out.tag != ASL_NONE) asl_json_print(&out, &text);
    asl_buffer_free(&text);
    asl_release(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *zero = memchr(data, 0, size);
    asl_str source = {(const char *)data, zero ? (size_t)(zero - data) : size}, text = {document, sizeof document - 1};
    if (zero) text = (asl_str){(const char *)zero + 1, size - source.size - 1};
    asl_value input;
    asl_json_error bad;
    if (asl_json_parse(text, &(asl_json_limits){.lone_surrogates = true}, &input, &bad) < 0) input = asl_none();
    for (int dialect = 0; dialect < 2; dialect++) {
        struct arena *texts = arena_new();
        struct jsonata_error why = {0};
        struct expression_options o = {
            .language = {.dialect = dialect ? JSONATA_STEP_FUNCTIONS : JSONATA_PLAIN, .name = "fuzz", .depth = true}};
        struct expression *e = expression_new(source, &o, texts, &why);
        if (e) {
            evaluate(e, &input, dialect);
            evaluate(e, &input, dialect);
            expression_free(e);
        } else if (!why.code || !*why.code) { // the plan did not verify
            fprintf(stderr, "%s\n", why.message);
            abort();
        }
        arena_free(texts);
    }
    asl_release(input);
    if (asl_alloc_live() != 0) abort();
    return 0;
}
