// Functions of strings, but for those that search with patterns (match.c) and the encodings (encoding.c).
#include "lib.h"

#include <math.h>

/* Undefined in, undefined out; anything else must be a string (jx_bad_argument). */
#define STRING_ARGUMENT()                                                                                    \
    (void)count;                                                                                             \
    JX_WANT(0, JX_S | JX_M);                                                                                 \
    *out = asl_none();                                                                                       \
    if (args[0].tag == ASL_NONE) return 0;                                                                   \
    asl_str s = asl_text_of(&args[0])

int jx_fn_LENGTH(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    STRING_ARGUMENT();
    *out = asl_int((int64_t)jx_code_points(s));
    return 0;
}

// ---------------------------------------------------------------- parts

// As Array.prototype.slice reads a position: truncated, NaN is 0, negative ones count from the end.
static size_t slice_position(double d, size_t length) {
    if (isnan(d)) return 0;
    d = trunc(d);
    if (d < 0) d = d + (double)length < 0 ? 0 : d + (double)length;
    return d > (double)length ? length : (size_t)d;
}

int jx_fn_SUBSTRING(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    STRING_ARGUMENT();
    JX_WANT(1, JX_N | JX_M);
    JX_WANT(2, JX_N | JX_M);
    bool ascii = jx_ascii(s);
    size_t length = ascii ? s.size : jx_code_points(s);
    double start = NAN, wanted, end = INFINITY;
    jx_optional_number(&args[1], &start);
    if ((double)length + start < 0) start = 0;
    if (jx_optional_number(&args[2], &wanted)) {
        if (wanted <= 0) {
            *out = asl_string((asl_str){"", 0});
            return 0;
        }
        end = start >= 0 ? start + wanted : (double)length + start + wanted;
    }
    size_t from = slice_position(start, length), to = slice_position(end, length);
    if (from >= to) {
        *out = asl_string((asl_str){"", 0});
    } else if (from == 0 && to == length) {
        *out = asl_retain(args[0]);
    } else {
        if (!ascii) {
            size_t first = jx_code_point_offset(s, from);
            asl_str rest = {s.data + first, s.size - first};
            to = first + jx_code_point_offset(rest, to - from);
            from = first;
        }
        *out = asl_string((asl_str){s.data + from, to - from});
    }
    return 0;
}

// Where a needle begins and ends, in bytes.
struct found {
    size_t start, end;
};

static bool find(asl_str s, asl_str needle, struct found *found) {
    size_t at = jx_find(s, needle, 0);
    *found = (struct found){at, at + needle.size};
    return at != SIZE_MAX;
}

// The same with lone surrogates in the needle: the reference compares UTF-16 units, so it finds them inside whole
// characters too and cuts those in two.
static asl_value part_in_halves(asl_str s, asl_str needle, bool after) {
    struct jx_text halves, whole;
    struct found found;
    jx_text_begin(&halves);
    jx_text_begin(&whole);
    jx_split_pairs(s, &halves);
    asl_str text = {halves.data, halves.size};
    struct jx_text needle_halves;
    jx_text_begin(&needle_halves);
    jx_split_pairs(needle, &needle_halves);
    if (find(text, (asl_str){needle_halves.data, needle_halves.size}, &found)) {
        if (after) text = (asl_str){text.data + found.end, text.size - found.end};
        else text.size = found.start;
    }
    jx_text_halves(&whole, text);
    jx_text_end(&halves);
    jx_text_end(&needle_halves);
    return jx_text_value(&whole);
}

static int part(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out, bool after) {
    STRING_ARGUMENT();
    JX_WANT(1, JX_S | JX_M);
    struct found found;
    asl_str needle = args[1].tag == ASL_NONE ? ASL_STR("undefined") : asl_text_of(&args[1]); // as the host's text of it
    if (jx_has_surrogates(needle) && jx_has_pairs(s)) *out = part_in_halves(s, needle, after);
    else if (!find(s, needle, &found)) *out = asl_retain(args[0]);
    else if (after) *out = asl_string((asl_str){s.data + found.end, s.size - found.end});
    else *out = asl_string((asl_str){s.data, found.start});
    return 0;
}

int jx_fn_SUBSTRING_BEFORE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    return part(jx, args, count, out, false);
}

int jx_fn_SUBSTRING_AFTER(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    return part(jx, args, count, out, true);
}

// ---------------------------------------------------------------- changed

static int map_case(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out, bool upper) {
    STRING_ARGUMENT();
    struct jx_text t;
    jx_text_begin(&t);
    jx_map_case(s, upper, &t);
    *out = jx_text_value(&t);
    return 0;
}

int jx_fn_UPPERCASE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    return map_case(jx, args, count, out, true);
}

int jx_fn_LOWERCASE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    return map_case(jx, args, count, out, false);
}

static inline bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

int jx_fn_TRIM(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    STRING_ARGUMENT();
    const char *p = s.data, *end = p + s.size;
    while (p < end && is_blank(*p)) p++;
    while (end > p && is_blank(end[-1])) end--;
    struct jx_text t;
    jx_text_begin(&t);
    char *to = jx_text_room(&t, (size_t)(end - p));
    for (; p < end; p++) {
        if (!is_blank(*p)) *to++ = *p;
        else if (to[-1] != ' ') *to++ = ' '; // the first byte is none
    }
    t.size = (size_t)(to - t.data);
    *out = jx_text_value(&t);
    return 0;
}

int jx_fn_PAD(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    STRING_ARGUMENT();
    JX_WANT(1, JX_N | JX_M);
    JX_WANT(2, JX_S | JX_M);
    double width = 0;
    jx_optional_number(&args[1], &width);
    double missing = trunc(fabs(width)) - (double)jx_code_points(s);
    if (!(missing > 0)) {
        *out = asl_retain(args[0]);
        return 0;
    }
    asl_str fill = args[2].tag == ASL_STRING ? asl_text_of(&args[2]) : ASL_STR(" ");
    if (fill.size == 0) fill = ASL_STR(" ");
    double bytes = 2 * missing * (double)fill.size;
    if (jx_charge(jx, bytes < 1e18 ? (size_t)bytes : (size_t)1e18) < 0) return -1;
    struct jx_text t;
    jx_text_begin(&t);
    if (width > 0) jx_text_add(&t, s.data, s.size);
    size_t left = (size_t)missing, each = jx_code_points(fill);
    if (fill.size == 1) {
        memset(jx_text_room(&t, left), fill.data[0], left);
        t.size += left;
    } else {
        for (; left >= each; left -= each) jx_text_join(&t, fill);
        jx_text_join(&t, (asl_str){fill.data, jx_code_point_offset(fill, left)});
    }
    if (width < 0) jx_text_join(&t, s);
    *out = jx_text_value(&t);
    return 0;
}

int jx_fn_JOIN(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    JX_WANT(0, JX_A | JX_S | JX_M);
    JX_WANT(1, JX_S | JX_M);
    if (args[0].tag != ASL_ARRAY) {
        *out = asl_retain(args[0]);
        return 0;
    }
    asl_str separator = args[1].tag == ASL_STRING ? asl_text_of(&args[1]) : (asl_str){"", 0};
    struct jx_text t;
    jx_text_begin(&t);
    for (uint32_t i = 0, n = args[0].array->head.count; i < n; i++) {
        const asl_value *item = &args[0].array->items[i];
        if (item->tag != ASL_STRING) {
            jx_text_end(&t);
            return jx_bad_argument(jx, args, 0);
        }
        if (i) jx_text_join(&t, separator);
        jx_text_join(&t, asl_text_of(item));
    }
    if (jx_charge(jx, 2 * t.size) < 0) {
        jx_text_end(&t);
        return -1;
    }
    *out = jx_text_value(&t);
    return 0;
}
