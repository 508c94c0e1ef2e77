// Messages of errors (jsonata-language 21).
//
// Values are shown as JavaScript's JSON.stringify would: numbers in its notation, what is no number as null, half a
// surrogate pair as \udxxx, and no function at all.
#include "error.h"

#include "jx.h"

#include <math.h>
#include <string.h>

static const char *template_of(const char *code) {
    static const struct {
        const char *code, *text;
    } errors[] = {
#define ERROR(error_code, error_text) {#error_code, error_text},
#include "aslc/jsonata_errors.def"
#undef ERROR
    };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(errors[i].code, code) == 0) return errors[i].text;
    return code;
}

static void print_string(asl_str s, asl_buffer *out) {
    asl_buffer_byte(out, '"');
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        const char *short_form = c ? strchr("\bb\tt\nn\ff\rr\"\"\\\\", c) : NULL;
        if (c == 0xED && i + 2 < s.size && (unsigned char)s.data[i + 1] >= 0xA0) {
            unsigned half = 0xD000u | ((unsigned char)s.data[i + 1] & 0x3Fu) << 6 | ((unsigned char)s.data[i + 2] & 0x3Fu);
            asl_buffer_format(out, "\\u%04x", half);
            i += 2;
        } else if (c < 0x20 || c == '"' || c == '\\') {
            if (short_form) asl_buffer_format(out, "\\%c", short_form[1]);
            else asl_buffer_format(out, "\\u%04x", c);
        } else {
            asl_buffer_byte(out, (char)c);
        }
    }
    asl_buffer_byte(out, '"');
}

static void print_number(const asl_value *v, asl_buffer *out) {
    double d = asl_number(v);
    char digits[40];
    if (v->tag == ASL_INT) asl_buffer_format(out, "%lld", (long long)v->i);
    else asl_buffer_add(out, digits, jx_number_print(d, digits));
}

static bool is_nothing(const asl_value *v) { return v->tag == ASL_NONE || v->tag == ASL_FUNCTION; }

// Values are nested at most ASL_MAX_DEPTH deep, and what is deeper all the same is cut short.
static void print(const asl_value *v, unsigned depth, asl_buffer *out) {
    bool first = true;
    if (depth > ASL_MAX_DEPTH) {
        asl_buffer_z(out, "null");
        return;
    }
    switch ((asl_tag)v->tag) {
    case ASL_BOOL: asl_buffer_z(out, v->b ? "true" : "false"); return;
    case ASL_INT:
    case ASL_DOUBLE:
    case ASL_NUMBER_TEXT:
        if (isfinite(asl_number(v))) print_number(v, out);
        else asl_buffer_z(out, "null");
        return;
    case ASL_STRING: print_string(asl_text_of(v), out); return;
    case ASL_ARRAY:
        asl_buffer_byte(out, '[');
        for (size_t i = 0; i < asl_array_count(v); i++) {
            if (i) asl_buffer_byte(out, ',');
            print(asl_array_at(v, i), depth + 1, out);
        }
        asl_buffer_byte(out, ']');
        return;
    case ASL_OBJECT:
        asl_buffer_byte(out, '{');
        for (size_t i = 0; i < asl_object_count(v); i++) {
            if (is_nothing(asl_object_at(v, i))) continue;
            if (!first) asl_buffer_byte(out, ',');
            first = false;
            const asl_text *key = asl_object_key_at(v, i);
            print_string((asl_str){key->bytes, key->size}, out);
            asl_buffer_byte(out, ':');
            print(asl_object_at(v, i), depth + 1, out);
        }
        asl_buffer_byte(out, '}');
        return;
    case ASL_NONE:
    case ASL_NULL:
    case ASL_FUNCTION: asl_buffer_z(out, "null"); return; // as JSON.stringify has a function in an array
    }
}

static void show(const asl_value *v, bool plain, asl_buffer *out) {
    if (!v || is_nothing(v)) asl_buffer_z(out, "undefined");
    else if (plain && v->tag == ASL_STRING) asl_buffer_str(out, asl_text_of(v));
    else print(v, 0, out);
}

void jx_message(const char *code, const struct jx_field *fields, size_t count, asl_buffer *out) {
    const char *p = template_of(code);
    for (const char *open; (open = strstr(p, "{{")) != NULL;) {
        bool plain = open[2] == '{';
        const char *from = open + 2 + plain, *close = strstr(from, "}}");
        if (!close) break;
        asl_buffer_add(out, p, (size_t)(open - p));
        const asl_value *v = NULL;
        for (size_t i = 0; i < count && !v; i++)
            if (asl_str_equal(asl_str_z(fields[i].name), (asl_str){from, (size_t)(close - from)})) v = fields[i].value;
        show(v, plain, out);
        p = close + 2 + plain;
    }
    asl_buffer_z(out, p);
}
