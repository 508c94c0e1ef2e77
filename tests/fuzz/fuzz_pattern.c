// Patterns of $match, $replace and $split, valid or not, on texts with every kind of character. What a match reports must
// lie in the text, and what split and replace leave must be the text again.
#include "jsonata/eval.h"
#include "jsonata/lib.h"

#include <stdlib.h>

static struct jx_program *program;
static struct jx *jx;

static void begin(void) {
    static const asl_program none = {.abi = ASL_ABI, .image = "{\"functions\":[]}", .image_size = 16};
    char text[200];
    program = jx_program_new(&none, NULL, 0, text, sizeof text);
    if (!program) abort();
    jx = asl_calloc(1, sizeof *jx);
    jx->program = program;
    jx->memory_limit = 1 << 20;
    jx->fuel = 1 << 30;
    jx->stack_limit = NULL;
}

static void end(void) {
    for (uint32_t i = 0; i < jx->field_count; i++) asl_release(jx->fields[i].value);
    asl_release(jx->token);
    asl_release(jx->message);
    asl_free(jx);
    jx_program_free(program);
}

// Bytes from 0x80 on stand for characters that make a difference.
static asl_value text_of(const uint8_t *data, size_t size) {
    static const uint32_t special[] = {0xe9,   0xdf,   0x3a3,  0x3c2,  0x17f,  0x212a, 0x2028,  0x2029,
                                       0xa0,   0xfeff, 0xd83d, 0xde00, 0xffff, 0x1d11e, 0x1f600, 0x130};
    struct jx_text t;
    jx_text_begin(&t);
    for (size_t i = 0; i < size; i++) {
        char bytes[4];
        uint32_t code = data[i] < 0x80 ? data[i] : special[data[i] & 15];
        jx_text_join(&t, (asl_str){bytes, jx_put_code(code, bytes)});
    }
    return jx_text_value(&t);
}

static asl_value call(jx_builtin *function, asl_value text, asl_value regex, const char *third) {
    asl_value args[4] = {text, regex, third ? asl_string_z(third) : asl_none(), asl_none()}, out = asl_none();
    if (function(jx, args, 4, &out) < 0) out = asl_none();
    asl_release(args[2]);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 300) return 0;
    const uint8_t *cut = memchr(data + 1, '\n', size - 1);
    if (!cut || cut == data + 1) return 0;
    begin();
    char message[200];
    asl_value pattern = text_of(data + 1, (size_t)(cut - data - 1));
    asl_value text = text_of(cut + 1, (size_t)(data + size - cut - 1));
    bool ignore_case = data[0] & 1, multiline = data[0] & 2;
    bool valid = jx_regex_check(asl_text_of(&pattern), ignore_case, multiline, message, sizeof message);
    asl_value regex = jx_regex_new(jx, asl_text_of(&pattern), ignore_case, multiline);
    asl_value matches = call(jx_fn_MATCH, text, regex, NULL);
    size_t units = jx_units(asl_text_of(&text));
    for (uint32_t i = 0; matches.tag == ASL_ARRAY && i < matches.array->head.count; i++) {
        const asl_value *match = &matches.array->items[i], *index = asl_object_get(match, ASL_STR("index"));
        asl_str found = asl_text_of(asl_object_get(match, ASL_STR("match")));
        if (!valid || (size_t)index->i + jx_units(found) > units) abort();
        asl_value slice = jx_unit_slice(asl_text_of(&text), (size_t)index->i, (size_t)index->i + jx_units(found));
        if (!asl_str_equal(asl_text_of(&slice), found)) abort();
        asl_release(slice);
    }
    asl_value same = call(jx_fn_REPLACE, text, regex, "$0");
    if (same.tag == ASL_STRING && !asl_str_equal(asl_text_of(&same), asl_text_of(&text))) abort();
    asl_value parts = call(jx_fn_SPLIT, text, regex, NULL);
    asl_value changed = call(jx_fn_REPLACE, text, regex, "<$1$2$12$$>");
    asl_release(matches);
    asl_release(same);
    asl_release(parts);
    asl_release(changed);
    asl_release(regex);
    asl_release(pattern);
    asl_release(text);
    end();
    return 0;
}
