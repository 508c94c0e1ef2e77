// $formatInteger, $parseInteger, and the integers in dates (jsonata-language 17).
#include "integer_picture.h"

#include "eval.h"
#include "wide.h"

#include <math.h>

// ---------------------------------------------------------------- reading pictures

/* The zeros of the families of digits that pictures know: those of the Basic Multilingual Plane. */
static const uint16_t families[] = {0x0030, 0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6,
                                    0x0c66, 0x0ce6, 0x0d66, 0x0de6, 0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0,
                                    0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620,
                                    0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10};

static uint32_t family_of(uint32_t code) { // 0: no digit
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (code - families[i] < 10) return families[i];
    }
    return 0;
}

static uint32_t gcd(uint32_t a, uint32_t b) {
    while (b) {
        uint32_t rest = a % b;
        a = b, b = rest;
    }
    return a;
}

// The groupings are in order of their positions, from the right.
static uint32_t regular_step(const struct jx_grouping *g, uint32_t count) {
    uint32_t step = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (g[i].character != g[0].character) return 0;
        step = gcd(step, g[i].position);
    }
    if (step == 0) return 0;
    // Every multiple up to count * step has to be there: as there are count of them, none twice and none beyond.
    for (uint32_t i = 0; i < count; i++) {
        if (g[i].position != (i + 1) * step) return 0;
    }
    return step;
}

static int read_decimal_pattern(struct jx *jx, asl_str text, struct jx_integer_picture *out) {
    uint32_t position = 0, mandatory = 0, optional = 0;
    out->groupings = asl_alloc((text.size + 1) * sizeof *out->groupings);
    for (const char *start = text.data, *p = start + text.size; p > start;) { // from the right
        do p--;
        while (p > start && ((uint8_t)*p & 0xc0) == 0x80);
        const char *next = p;
        uint32_t code = jx_next_code(&next), family = family_of(code);
        if (family) {
            mandatory++, position++;
            if (out->zero && out->zero != family) return jx_raise(jx, "D3131", (const char *)NULL);
            out->zero = family;
        } else if (code == '#') {
            optional++, position++;
        } else {
            out->groupings[out->grouping_count++] = (struct jx_grouping){position, code};
        }
    }
    if (mandatory == 0) {
        out->primary = JX_NUMBERING;
        out->token = asl_string(text);
        return 0;
    }
    out->mandatory = mandatory;
    out->optional = optional;
    out->regular = regular_step(out->groupings, out->grouping_count);
    out->plain = out->zero == '0' && out->grouping_count == 0 && !out->ordinal;
    return 0;
}

int jx_integer_picture_read(struct jx *jx, asl_str text, struct jx_integer_picture *out) {
    *out = (struct jx_integer_picture){.primary = JX_DECIMAL, .mandatory = NAN, .optional = NAN};
    const char *modifier = text.size ? memrchr(text.data, ';', text.size) : NULL;
    if (modifier) {
        const char *end = text.data + text.size;
        out->ordinal = modifier + 1 < end && modifier[1] == 'o';
        text.size = (size_t)(modifier - text.data);
    }
    char letter = text.size == 1 ? *text.data : 0;
    if (letter == 'A' || letter == 'I' || letter == 'W') out->letters = JX_UPPER;
    if (letter == 'A' || letter == 'a') out->primary = JX_LETTERS;
    else if (letter == 'I' || letter == 'i') out->primary = JX_ROMAN;
    else if (letter == 'W' || letter == 'w') out->primary = JX_WORDS;
    else if (asl_str_equal(text, ASL_STR("Ww"))) out->primary = JX_WORDS, out->letters = JX_TITLE;
    else return read_decimal_pattern(jx, text, out);
    return 0;
}

void jx_integer_picture_end(struct jx_integer_picture *p) {
    asl_free(p->groupings);
    asl_release(p->token);
}

int jx_integer_picture_refuse(struct jx *jx, const struct jx_integer_picture *p) {
    return jx_raise_value(jx, "D3130", &p->token);
}

// ---------------------------------------------------------------- letters, roman numerals

static int format_letters(struct jx *jx, double value, char first, struct jx_text *out) {
    if (isinf(value)) return jx_raise_limit(jx, JX_STACK); // the reference does not come to an end
    char letters[320], *end = letters + sizeof letters, *p = end; // 26^219 is beyond the largest double
    while (value > 0 && p > letters) {
        *--p = (char)(first + (int)fmod(value - 1, 26));
        value = floor((value - 1) / 26);
    }
    jx_text_add(out, p, (size_t)(end - p));
    return 0;
}

static const struct {
    uint16_t value;
    char upper[3], lower[3];
} numerals[] = {
    {1000, "M", "m"}, {900, "CM", "cm"}, {500, "D", "d"}, {400, "CD", "cd"}, {100, "C", "c"},
    {90, "XC", "xc"}, {50, "L", "l"},    {40, "XL", "xl"}, {10, "X", "x"},
    {9, "IX", "ix"},  {5, "V", "v"},     {4, "IV", "iv"}, {1, "I", "i"},
};
#define ROMAN_MAX 1e7 /* 10,000 letters M; the reference, which recurses for each, overflows its stack */

static int format_roman(struct jx *jx, double value, bool upper, struct jx_text *out) {
    if (isnan(value)) return 0;
    if (value >= ROMAN_MAX) return jx_raise_limit(jx, JX_STACK);
    uint32_t rest = (uint32_t)value;
    for (size_t i = 0; i < sizeof numerals / sizeof *numerals; i++) {
        for (; rest >= numerals[i].value; rest -= numerals[i].value) {
            const char *letters = upper ? numerals[i].upper : numerals[i].lower;
            jx_text_add(out, letters, strlen(letters));
        }
    }
    return 0;
}

// From the right; what is smaller than something to its right is subtracted.
static double parse_roman(asl_str text) {
    double sum = 0, most = 1;
    for (size_t i = text.size; i-- > 0;) {
        double value = NAN;
        for (size_t k = 0; k < sizeof numerals / sizeof *numerals; k++) {
            if (numerals[k].upper[0] == text.data[i] && !numerals[k].upper[1]) value = numerals[k].value;
        }
        if (value < most) {
            sum -= value;
        } else {
            most = value;
            sum += value;
        }
    }
    return sum;
}

static double parse_letters(asl_str text, char first) {
    struct jx_wide units;
    jx_wide_begin(&units);
    jx_wide_text(&units, text);
    double sum = 0;
    for (size_t i = 0; i < units.size; i++) sum += (units.data[units.size - 1 - i] - first + 1) * jx_power(26, (double)i);
    jx_wide_end(&units);
    return sum;
}

// ---------------------------------------------------------------- decimal

// Puts the character before what remains of the text from its position on. When the text is shorter than that the
// reference loses what it has: JavaScript's substr counts from the end.
static void insert_at(struct jx_wide *s, const struct jx_grouping *g) {
    ptrdiff_t at = (ptrdiff_t)s->size - (ptrdiff_t)g->position;
    if (at < 0) {
        size_t keep = (size_t)-at < s->size ? (size_t)-at : s->size;
        jx_wide_cut(s, 0, s->size - keep);
        at = 0;
    }
    struct jx_wide character;
    jx_wide_begin(&character);
    jx_wide_code(&character, g->character);
    jx_wide_insert(s, (size_t)at, jx_span_of(&character));
    jx_wide_end(&character);
}

static void insert_groupings(const struct jx_integer_picture *p, struct jx_wide *s) {
    if (p->regular) {
        struct jx_wide character;
        jx_wide_begin(&character);
        jx_wide_code(&character, p->groupings[0].character);
        jx_wide_group(s, s->size, p->regular, jx_span_of(&character));
        jx_wide_end(&character);
    } else {
        for (uint32_t i = p->grouping_count; i-- > 0;) insert_at(s, &p->groupings[i]);
    }
}

static const char *ordinal_suffix(const struct jx_wide *s) {
    uint16_t last = s->size ? s->data[s->size - 1] : 0;
    if (last < '1' || last > '3' || (s->size > 1 && s->data[s->size - 2] == '1')) return "th";
    return last == '1' ? "st" : last == '2' ? "nd" : "rd";
}

static int format_decimal(struct jx *jx, const struct jx_integer_picture *p, double value, struct jx_text *out) {
    char text[40];
    size_t size = jx_number_print(value, text);
    size_t zeros = p->mandatory > (double)size ? (size_t)(p->mandatory < 0x1p53 ? p->mandatory : 0x1p53) - size : 0;
    if (zeros > sizeof text && jx_charge(jx, zeros) < 0) return -1;
    if (p->plain) {
        memset(jx_text_room(out, zeros), '0', zeros);
        out->size += zeros;
        jx_text_add(out, text, size);
        return 0;
    }
    struct jx_wide s;
    jx_wide_begin(&s);
    jx_wide_repeat(&s, (struct jx_span){(const uint16_t[]){'0'}, 1}, zeros);
    jx_wide_ascii(&s, text, size);
    // "NaN" and exponents move with the digits, as in the reference.
    for (size_t i = 0; p->zero != '0' && i < s.size; i++) s.data[i] = (uint16_t)(s.data[i] + p->zero - '0');
    insert_groupings(p, &s);
    if (p->ordinal) jx_wide_ascii(&s, ordinal_suffix(&s), 2);
    jx_span_text(jx_span_of(&s), out);
    jx_wide_end(&s);
    return 0;
}

static void remove_character(asl_str text, uint32_t character, struct jx_text *out) {
    for (const char *p = text.data, *end = p + text.size; p < end;) {
        const char *from = p;
        if (jx_next_code(&p) != character) jx_text_add(out, from, (size_t)(p - from));
    }
}

static double parse_decimal(const struct jx_integer_picture *p, asl_str text) {
    struct jx_text digits[2];
    asl_value cut = asl_none();
    if (p->ordinal) { // whatever the last two are
        size_t units = jx_units(text);
        cut = jx_unit_slice(text, 0, units > 2 ? units - 2 : 0);
        text = asl_text_of(&cut);
    }
    uint32_t count = p->regular ? 1 : p->grouping_count;
    int turn = 0;
    for (int i = 0; i < 2; i++) jx_text_begin(&digits[i]);
    for (uint32_t i = 0; i < count; i++, turn = !turn) {
        digits[turn].size = 0;
        remove_character(text, p->regular ? ',' : p->groupings[i].character, &digits[turn]); // a comma: so the reference
        text = (asl_str){digits[turn].data, digits[turn].size};
    }
    double value = NAN;
    bool readable = true;
    if (p->zero != '0') {
        digits[turn].size = 0;
        for (const char *s = text.data, *end = s + text.size; s < end && readable;) {
            uint32_t code = jx_next_code(&s);
            readable = code + '0' >= p->zero; // the reference ends in a host error otherwise
            if (readable) jx_text_code(&digits[turn], code + '0' - p->zero);
        }
        text = (asl_str){digits[turn].data, digits[turn].size};
    }
    if (readable) value = jx_parse_int(text);
    for (int i = 0; i < 2; i++) jx_text_end(&digits[i]);
    asl_release(cut);
    return value;
}

static unsigned digit_value(char c) {
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'z' ? (unsigned)(c - 'a') + 10 : 99;
}

double jx_parse_int(asl_str text) {
    const char *p = text.data, *end = p + text.size;
    for (size_t blank; (blank = jx_white_space(p, end)) > 0;) p += blank;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    unsigned radix = 10;
    if (end - p >= 2 && p[0] == '0' && (p[1] | 0x20) == 'x') radix = 16, p += 2;
    const char *digits = p;
    double value = 0;
    while (p < end && digit_value(*p) < radix) value = value * radix + digit_value(*p++);
    if (p == digits) return NAN;
    if (value >= 0x1p53 && radix == 10) { // rounded more than once above
        while (*digits == '0') digits++;
        asl_value exact = asl_number_text((asl_str){digits, (size_t)(p - digits)});
        value = asl_number(&exact);
        asl_release(exact);
    }
    return negative ? -value : value;
}

// ---------------------------------------------------------------- both ways

static void change_case(char *p, size_t size, enum jx_case to) {
    for (size_t i = 0; i < size && to != JX_TITLE; i++) {
        if (to == JX_UPPER && p[i] >= 'a' && p[i] <= 'z') p[i] = (char)(p[i] - 0x20);
        if (to == JX_LOWER && p[i] >= 'A' && p[i] <= 'Z') p[i] = (char)(p[i] + 0x20);
    }
}

int jx_integer_format(struct jx *jx, const struct jx_integer_picture *p, double value, struct jx_text *out) {
    if (p->primary == JX_NUMBERING) return jx_integer_picture_refuse(jx, p);
    if (value < 0) jx_text_add(out, "-", 1);
    value = fabs(value);
    size_t from = out->size;
    switch (p->primary) {
    case JX_LETTERS: return format_letters(jx, value, p->letters == JX_UPPER ? 'A' : 'a', out);
    case JX_ROMAN: return format_roman(jx, value, p->letters == JX_UPPER, out);
    case JX_WORDS:
        if (jx_words_format(jx, value, p->ordinal, out) < 0) return -1;
        change_case(out->data + from, out->size - from, p->letters);
        return 0;
    case JX_DECIMAL: return format_decimal(jx, p, value, out);
    case JX_NUMBERING: break;
    }
    return 0;
}

double jx_integer_parse(const struct jx_integer_picture *p, asl_str text) {
    bool upper = p->letters == JX_UPPER;
    if (p->primary == JX_LETTERS) return parse_letters(text, upper ? 'A' : 'a');
    if (p->primary == JX_DECIMAL) return parse_decimal(p, text);
    struct jx_text mapped;
    jx_text_begin(&mapped);
    double value = NAN;
    if (p->primary == JX_WORDS) {
        jx_map_case(text, false, &mapped);
        value = jx_words_parse((asl_str){mapped.data, mapped.size});
    } else if (p->primary == JX_ROMAN) {
        if (!upper) jx_map_case(text, true, &mapped);
        value = parse_roman(upper ? text : (asl_str){mapped.data, mapped.size});
    }
    jx_text_end(&mapped);
    return value;
}

// ---------------------------------------------------------------- the functions

static void *make_picture(struct jx *jx, asl_str text) {
    struct jx_integer_picture *p = asl_alloc(sizeof *p);
    if (jx_integer_picture_read(jx, text, p) == 0) return p;
    jx_integer_picture_end(p);
    asl_free(p);
    return NULL;
}

static void free_picture(void *picture) {
    jx_integer_picture_end(picture);
    asl_free(picture);
}

static const struct jx_integer_picture *picture_of(struct jx *jx, const asl_value *text) {
    static const char kind;
    return jx_cached(jx, &kind, asl_text_of(text), make_picture, free_picture);
}

int jx_fn_FORMAT_INTEGER(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    *out = asl_none();
    if (args[0].tag == ASL_NONE) return 0;
    JX_WANT(0, JX_N);
    JX_WANT(1, JX_S);
    const struct jx_integer_picture *p = picture_of(jx, &args[1]);
    if (!p) return -1;
    struct jx_text t;
    jx_text_begin(&t);
    int rc = jx_integer_format(jx, p, floor(asl_number(&args[0])), &t);
    if (rc == 0) *out = jx_text_value(&t);
    else jx_text_end(&t);
    return rc;
}

int jx_fn_PARSE_INTEGER(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    *out = asl_none();
    if (args[0].tag == ASL_NONE) return 0;
    JX_WANT(0, JX_S);
    JX_WANT(1, JX_S);
    const struct jx_integer_picture *p = picture_of(jx, &args[1]);
    if (!p) return -1;
    if (p->primary == JX_NUMBERING) return jx_integer_picture_refuse(jx, p);
    *out = jx_number_value(jx_integer_parse(p, asl_text_of(&args[0])));
    return 0;
}
