// Pictures: whatever a picture and what is formatted or parsed by it may be, there is a result or an error, in good time,
// and what was formatted is well-formed. The input is a letter for the function, eight bytes of a number, and two texts with
// a NUL between.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jsonata/eval.h"
#include "jsonata/lib.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_utf8(const uint8_t *s, size_t size) {
    for (size_t i = 0; i < size;) {
        uint8_t b = s[i++];
        if (b < 0x80) continue;
        size_t more = b >= 0xc2 && b <= 0xdf ? 1 : (b & 0xf0) == 0xe0 ? 2 : b >= 0xf0 && b <= 0xf4 ? 3 : 0;
        if (more == 0 || size - i < more) return false;
        uint8_t least = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80, most = b == 0xf4 ? 0x8f : 0xbf;
        if (s[i] < least || s[i] > most) return false; // half a character is fine
        for (size_t k = 1; k < more; k++) {
            if ((s[i + k] & 0xc0) != 0x80) return false;
        }
        i += more;
    }
    return true;
}

static asl_value text_of(const uint8_t *data, size_t size) { return asl_string((asl_str){(const char *)data, size}); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 10 || size > 4096 || !is_utf8(data + 9, size - 9)) return 0;
    const uint8_t *first = data + 9, *nul = memchr(first, 0, size - 9), *end = data + size;
    double d;
    memcpy(&d, data + 1, sizeof d);
    if (data[0] & 0x80 && fabs(d) < 0x1p62) d = (double)(int64_t)d; // seldom so by chance
    asl_value number = jx_number_value(d);
    asl_value one = text_of(first, (size_t)((nul ? nul : end) - first));
    asl_value two = nul ? text_of(nul + 1, (size_t)(end - nul - 1)) : asl_none();

    struct jx_program *program = asl_calloc(1, sizeof *program);
    struct jx *jx = asl_calloc(1, sizeof *jx);
    jx->program = program;
    jx->memory_limit = 1 << 20;
    jx->fuel = 1 << 20;
    jx->now_known = true;
    asl_value by_number[] = {number, one, two}, by_text[] = {one, two}, out = asl_none(), options = asl_none();
    int rc = 0;
    switch (data[0] & 7) {
    case 0:
        if (two.tag == ASL_STRING) { // the options: what is a digit, and what a decimal separator
            options = asl_object_put(asl_object_new(2), ASL_STR("zero-digit"), asl_retain(two));
            options = asl_object_put(options, ASL_STR("decimal-separator"), asl_retain(two));
        }
        by_number[2] = options;
        rc = jx_fn_FORMAT_NUMBER(jx, by_number, 3, &out);
        break;
    case 1: rc = jx_fn_FORMAT_INTEGER(jx, by_number, 2, &out); break;
    case 2: rc = jx_fn_FROM_MILLIS(jx, by_number, 3, &out); break;
    case 3: rc = jx_fn_PARSE_INTEGER(jx, by_text, 2, &out); break;
    case 4: rc = jx_fn_TO_MILLIS(jx, by_text, 2, &out); break;
    case 5: rc = jx_fn_PARSE(jx, by_text, 1, &out); break;
    case 6: rc = jx_fn_HASH(jx, by_text, 2, &out); break;
    default: rc = jx_fn_FORMAT_BASE(jx, by_number, 1, &out); break;
    }
    if (rc == 0 && out.tag == ASL_STRING) {
        asl_str s = asl_text_of(&out);
        if (!is_utf8((const uint8_t *)s.data, s.size)) abort();
    }
    if (rc < 0 && !jx->code) abort();
    asl_release(out);
    asl_release(options);
    asl_release(one);
    asl_release(two);
    for (uint32_t i = 0; i < jx->field_count; i++) asl_release(jx->fields[i].value);
    asl_release(jx->token);
    asl_release(jx->message);
    asl_free(jx);
    jx_program_free(program);
    if (asl_alloc_live()) abort();
    return 0;
}
