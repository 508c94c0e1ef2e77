// Private to the built-in functions: kinds of arguments, text under construction, UTF-16 offsets, the order of keys.
//
// Strings are WTF-8: UTF-8 in which a lone surrogate is three bytes (ED A0..BF xx). Two halves that come together are
// one character again, so whoever joins strings does it with jx_text_join. What JavaScript counts in UTF-16 units is
// converted where it is observed; for ASCII units, characters and bytes are the same, and every function looks for
// that case first.
#ifndef ASL_JX_LIB_H
#define ASL_JX_LIB_H

#include "jx.h"
#include "value_private.h"

// ---------------------------------------------------------------- kinds of arguments

/* The letters of signatures (jsonata-language 14); JX_M stands for an undefined argument. */
enum {
    JX_S = 1,
    JX_N = 2,
    JX_B = 4,
    JX_L = 8,
    JX_A = 16,
    JX_O = 32,
    JX_F = 64,
    JX_M = 128,
};

static inline uint8_t jx_letter(const asl_value *v) {
    static const uint8_t letters[16] = {JX_M, JX_L, JX_B, JX_N, JX_N, JX_N, JX_S, JX_A,
                                        JX_O, JX_F, JX_F, JX_F, JX_F, JX_F, JX_F, JX_F};
    return letters[v->tag & 15];
}

/* T0410 for argument `index` (from 0). Calls are checked against the signature before; only a partial application lets
   other values through (jsonata-language 11), where the reference ends in a host error. */
int jx_bad_argument(struct jx *jx, const asl_value *args, uint32_t index);
#define JX_WANT(index, letters)                                                                              \
    do {                                                                                                     \
        if (!(jx_letter(&args[index]) & (letters))) return jx_bad_argument(jx, args, index);                 \
    } while (0)

/* Raises an error whose message shows the value and nothing else. */
static inline int jx_raise_value(struct jx *jx, const char *code, const asl_value *v) {
    return jx_raise(jx, code, "value", v, (const char *)NULL);
}

// ---------------------------------------------------------------- text under construction

/* Begins on the stack; short results never touch the heap before they are values. */
struct jx_text {
    char *data;
    size_t size, capacity;
    char local[240];
};
static inline void jx_text_begin(struct jx_text *t) {
    t->data = t->local;
    t->size = 0;
    t->capacity = sizeof t->local;
}
char *jx_text_grow(struct jx_text *t, size_t more);
static inline char *jx_text_room(struct jx_text *t, size_t more) { /* the caller adds to size */
    return t->capacity - t->size >= more ? t->data + t->size : jx_text_grow(t, more);
}
static inline void jx_text_add(struct jx_text *t, const char *data, size_t size) {
    if (!size) return;
    memcpy(jx_text_room(t, size), data, size);
    t->size += size;
}
void jx_text_join(struct jx_text *t, asl_str s); /* halves of a surrogate pair that meet become one character */
void jx_text_code(struct jx_text *t, uint32_t code);
void jx_text_halves(struct jx_text *t, asl_str s); /* undoes jx_split_pairs */
static inline void jx_text_end(struct jx_text *t) {
    if (t->data != t->local) asl_free(t->data);
}
static inline asl_value jx_text_value(struct jx_text *t) {
    asl_value v = asl_string((asl_str){t->data, t->size});
    jx_text_end(t);
    return v;
}

static inline bool jx_begins_low(const char *p, size_t size) {
    return size >= 3 && (uint8_t)p[0] == 0xed && ((uint8_t)p[1] & 0xf0) == 0xb0;
}
static inline bool jx_ends_high(const char *p, size_t size) {
    return size >= 3 && (uint8_t)p[size - 3] == 0xed && ((uint8_t)p[size - 2] & 0xf0) == 0xa0;
}
static inline uint32_t jx_join_halves(const char *high, const char *low) {
    uint32_t h = ((uint8_t)high[1] & 0x0fu) << 6 | ((uint8_t)high[2] & 0x3fu);
    uint32_t l = ((uint8_t)low[1] & 0x0fu) << 6 | ((uint8_t)low[2] & 0x3fu);
    return 0x10000u + (h << 10 | l);
}
size_t jx_put_code(uint32_t code, char out[4]); /* WTF-8; returns the length */

/* Reads one character of well-formed WTF-8 and moves on. */
static inline uint32_t jx_next_code(const char **p) {
    const uint8_t *s = (const uint8_t *)*p;
    if (s[0] < 0x80) return *p += 1, s[0];
    if (s[0] < 0xe0) return *p += 2, (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    if (s[0] < 0xf0) return *p += 3, (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    return *p += 4, (s[0] & 7u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
}

// ---------------------------------------------------------------- counting and cutting (unicode.c)

bool jx_ascii(asl_str s);
bool jx_has_surrogates(asl_str s); /* lone ones */
size_t jx_code_points(asl_str s);
size_t jx_code_point_offset(asl_str s, size_t n); /* the byte where the n-th begins, or s.size */
size_t jx_units(asl_str s);                       /* UTF-16 units */
/* The units from … to of s, both at most jx_units(s); a character may be cut in two. */
asl_value jx_unit_slice(asl_str s, size_t from, size_t to);
/* Where needle begins in s at or after byte `from`, or SIZE_MAX. As bytes: right unless needle has lone surrogates. */
size_t jx_find(asl_str s, asl_str needle, size_t from);
/* s with every character above U+FFFF written as its two halves, each three bytes; nothing to do when there is none. */
bool jx_has_pairs(asl_str s);
void jx_split_pairs(asl_str s, struct jx_text *out);

/* Full default case mappings without locale (jsonata-language 18). */
void jx_map_case(asl_str s, bool upper, struct jx_text *out);

// ---------------------------------------------------------------- arrays, objects, numbers

/* Appends to an array of which the caller is the only owner; item is moved in, and may be undefined (a group of a match
   that took no part is, jsonata-language 19). */
void jx_make_room(asl_value *array);
static inline void jx_add(asl_value *array, asl_value item) {
    if (array->array->head.count == array->array->head.capacity) jx_make_room(array);
    array->array->items[array->array->head.count++] = item;
}

/* The order in which JavaScript shows the members: integer-like keys first, ascending (jsonata-language 1). NULL when
   that is the order in which they lie; else positions, to be freed with asl_free. */
uint32_t *jx_key_order(const asl_value *object);
/* The object with its members in that order; moved in. */
asl_value jx_in_key_order(asl_value object);

double jx_power(double x, double y); /* as Math.pow */

/* Whether v, a result of the user's function, is true in JavaScript: all but undefined, null, false, 0, NaN, "". */
bool jx_host_truth(const asl_value *v);

static inline bool jx_optional_number(const asl_value *v, double *out) { /* false: undefined */
    if (v->tag == ASL_NONE) return false;
    *out = v->tag == ASL_INT ? (double)v->i : jx_number(v);
    return true;
}

#endif
