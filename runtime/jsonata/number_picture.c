// $formatNumber and $formatBase (jsonata-language 17).
//
// A picture is one or two sub-pictures, each read once:
//
//       "PRE #,##0.00 e0 SUF ; (0)"
//        prefix │  │   │  suffix
//               │  │   └ exponent part          counts of digits, positions of groupings
//               │  └ fractional part
//               └ integer part
//
// Nearly every number then goes the short way: its shortest decimal digits are rounded as integers and written with the
// groupings. Pictures with an exponent, other digits or irregular groupings, and numbers that are too large for that, are
// formatted step by step as the reference does, because what it does to odd pictures follows from its steps.
#include "wide.h"

#include <math.h>

enum option { DECIMAL, GROUPING, EXPONENT, MINUS, PERCENT, PER_MILLE, ZERO, DIGIT, SEPARATOR, OPTION_COUNT };

static const struct {
    asl_str name, value;
} option_defaults[] = {
    [DECIMAL] = {{"decimal-separator", 17}, {".", 1}},
    [GROUPING] = {{"grouping-separator", 18}, {",", 1}},
    [EXPONENT] = {{"exponent-separator", 18}, {"e", 1}},
    [MINUS] = {{"minus-sign", 10}, {"-", 1}},
    [PERCENT] = {{"percent", 7}, {"%", 1}},
    [PER_MILLE] = {{"per-mille", 9}, {"\xe2\x80\xb0", 3}},
    [ZERO] = {{"zero-digit", 10}, {"0", 1}},
    [DIGIT] = {{"digit", 5}, {"#", 1}},
    [SEPARATOR] = {{"pattern-separator", 17}, {";", 1}},
};

/* Positions of groupings, in the order of the picture. */
struct positions {
    uint32_t *at, count;
};

struct sub_picture {
    struct jx_span text, prefix, suffix, active, mantissa, exponent, integer, fraction;
    bool has_exponent, has_decimal, has_percent, has_per_mille;
    struct positions integer_groups, fraction_groups;
    uint32_t regular; /* digits in a group, 0: not regular */
    uint32_t min_integer, scale, min_fraction, max_fraction, min_exponent;
    bool quick; /* what follows is filled, and format_quickly will do */
    char *before, *after;
    size_t before_size, after_size;
};

struct number_picture {
    struct jx_wide text; /* the options, the picture, "-" and the first prefix */
    struct jx_span option[OPTION_COUNT];
    uint16_t zero;
    bool has_zero;
    char decimal[4], grouping[4]; /* as bytes, for format_quickly */
    uint8_t decimal_size, grouping_size;
    uint32_t count;
    struct sub_picture sub[2]; /* for numbers from 0, for negative ones */
};

// ---------------------------------------------------------------- reading pictures

static bool is_digit(const struct number_picture *p, uint16_t unit) {
    return p->has_zero && (uint16_t)(unit - p->zero) < 10;
}

static bool is_option(const struct number_picture *p, enum option o, uint16_t unit) {
    return p->option[o].size == 1 && p->option[o].data[0] == unit;
}

static bool is_active(const struct number_picture *p, uint16_t unit) {
    return is_digit(p, unit) || is_option(p, DECIMAL, unit) || is_option(p, EXPONENT, unit) ||
           is_option(p, GROUPING, unit) || is_option(p, DIGIT, unit) || is_option(p, SEPARATOR, unit);
}

// Digits of the family, and the optional ones too when `optional`.
static uint32_t count_digits(const struct number_picture *p, struct jx_span s, bool optional) {
    uint32_t count = 0;
    for (size_t i = 0; i < s.size; i++) count += is_digit(p, s.data[i]) || (optional && is_option(p, DIGIT, s.data[i]));
    return count;
}

static void split_parts(const struct number_picture *p, struct sub_picture *s) {
    struct jx_span text = s->text;
    size_t first = 0, last = text.size;
#define BOUNDS(i) (is_active(p, text.data[i]) && !is_option(p, EXPONENT, text.data[i]))
    while (first < text.size && !BOUNDS(first)) first++;
    if (first == text.size) first = 0; // nothing active: all of it is checked as if it were
    else while (!BOUNDS(last - 1)) last--;
#undef BOUNDS
    s->prefix = jx_span_part(text, 0, first);
    s->suffix = jx_span_part(text, last, text.size);
    s->active = jx_span_part(text, first, last);
    ptrdiff_t exponent = jx_span_find(text, p->option[EXPONENT], first);
    s->has_exponent = exponent >= 0 && (size_t)exponent <= last;
    s->mantissa = s->active;
    if (s->has_exponent) { // its position counts from the prefix on, but cuts the part behind it: so does the reference
        s->mantissa = jx_span_part(s->active, 0, (size_t)exponent);
        s->exponent = jx_span_part(s->active, (size_t)exponent + 1, s->active.size);
    }
    ptrdiff_t decimal = jx_span_find(s->mantissa, p->option[DECIMAL], 0);
    s->integer = decimal < 0 ? s->mantissa : jx_span_part(s->mantissa, 0, (size_t)decimal);
    s->fraction = decimal < 0 ? s->suffix : jx_span_part(s->mantissa, (size_t)decimal + 1, s->mantissa.size);
}

static bool twice(struct jx_span s, struct jx_span what) { return jx_span_find(s, what, 0) != jx_span_find_last(s, what); }

// The code of the last check that fails, or NULL.
static const char *check(const struct number_picture *p, const struct sub_picture *s) {
    const struct jx_span *option = p->option;
    const char *code = NULL;
    ptrdiff_t decimal = jx_span_find(s->text, option[DECIMAL], 0);
    bool percent = jx_span_find(s->text, option[PERCENT], 0) >= 0;
    bool per_mille = jx_span_find(s->text, option[PER_MILLE], 0) >= 0;
    if (twice(s->text, option[DECIMAL])) code = "D3081";
    if (twice(s->text, option[PERCENT])) code = "D3082";
    if (twice(s->text, option[PER_MILLE])) code = "D3083";
    if (percent && per_mille) code = "D3084";
    if (count_digits(p, s->mantissa, true) == 0) code = "D3085";
    for (size_t i = 0; i < s->active.size; i++) {
        if (!is_active(p, s->active.data[i])) code = "D3086";
    }
    if (decimal >= 0) {
        size_t at = (size_t)decimal;
        bool left = at > 0 && is_option(p, GROUPING, s->text.data[at - 1]);
        bool right = at + 1 < s->text.size && is_option(p, GROUPING, s->text.data[at + 1]);
        if (left || right) code = "D3087";
    } else if (s->integer.size && is_option(p, GROUPING, s->integer.data[s->integer.size - 1])) {
        code = "D3088";
    }
    struct jx_wide adjacent;
    jx_wide_begin(&adjacent);
    jx_wide_repeat(&adjacent, option[GROUPING], 2);
    if (jx_span_find(s->text, jx_span_of(&adjacent), 0) >= 0) code = "D3089";
    jx_wide_end(&adjacent);
    ptrdiff_t optional = jx_span_find(s->integer, option[DIGIT], 0);
    if (optional >= 0 && count_digits(p, jx_span_part(s->integer, 0, (size_t)optional), false)) code = "D3090";
    optional = jx_span_find_last(s->fraction, option[DIGIT]);
    if (optional >= 0 && count_digits(p, jx_span_part(s->fraction, (size_t)optional, s->fraction.size), false))
        code = "D3091";
    if (s->has_exponent) {
        if (s->exponent.size && (percent || per_mille)) code = "D3092";
        if (s->exponent.size == 0 || count_digits(p, s->exponent, false) != s->exponent.size) code = "D3093";
    }
    return code;
}

// Where the groupings of a part are, in digits to the right of each, or to the left. Having found the first the reference
// goes on in the integer part whatever the part is.
static struct positions find_groups(const struct number_picture *p, const struct sub_picture *s, bool fraction) {
    struct jx_span part = fraction ? s->fraction : s->integer;
    struct positions found = {asl_alloc((part.size + s->integer.size + 1) * sizeof *found.at), 0};
    ptrdiff_t at = jx_span_find(part, p->option[GROUPING], 0);
    while (at >= 0 && (size_t)at < part.size + s->integer.size) {
        struct jx_span side = fraction ? jx_span_part(part, 0, (size_t)at) : jx_span_part(part, (size_t)at, part.size);
        found.at[found.count++] = count_digits(p, side, true);
        size_t next = (size_t)at + 1;
        if (next > s->integer.size) break;
        at = jx_span_find(s->integer, p->option[GROUPING], next);
    }
    return found;
}

static uint32_t gcd(uint32_t a, uint32_t b) {
    while (b) {
        uint32_t rest = a % b;
        a = b, b = rest;
    }
    return a;
}

// The step when the groupings are at all its multiples, else 0.
static uint32_t regular_step(struct positions p) {
    uint32_t step = 0;
    for (uint32_t i = 0; i < p.count; i++) step = gcd(step, p.at[i]);
    if (step == 0) return 0;
    // The multiples up to count * step are all there when none of the positions is beyond, and all are different: those in
    // a picture decrease from left to right.
    bool *seen = asl_calloc(p.count + 1, sizeof *seen);
    uint32_t different = 0;
    for (uint32_t i = 0; i < p.count; i++) {
        uint32_t multiple = p.at[i] / step;
        if (multiple >= 1 && multiple <= p.count && !seen[multiple]) seen[multiple] = true, different++;
    }
    asl_free(seen);
    return different == p.count ? step : 0;
}

static void analyse(const struct number_picture *p, struct sub_picture *s) {
    s->integer_groups = find_groups(p, s, false);
    s->fraction_groups = find_groups(p, s, true);
    s->regular = regular_step(s->integer_groups);
    s->min_integer = s->scale = count_digits(p, s->integer, false);
    s->min_fraction = count_digits(p, s->fraction, false);
    s->max_fraction = count_digits(p, s->fraction, true);
    if (s->min_integer == 0 && s->max_fraction == 0) {
        if (s->has_exponent) s->min_fraction = s->max_fraction = 1;
        else s->min_integer = 1;
    }
    if (s->has_exponent && s->min_integer == 0 && jx_span_find(s->integer, p->option[DIGIT], 0) >= 0)
        s->min_integer = 1;
    if (s->min_integer == 0 && s->min_fraction == 0) s->min_fraction = 1;
    if (s->has_exponent) s->min_exponent = count_digits(p, s->exponent, false);
    s->has_decimal = jx_span_find(s->text, p->option[DECIMAL], 0) >= 0;
    s->has_percent = jx_span_find(s->text, p->option[PERCENT], 0) >= 0;
    s->has_per_mille = jx_span_find(s->text, p->option[PER_MILLE], 0) >= 0;
}

enum { QUICK_DIGITS = 100 }; // a longer picture goes the long way

static void prepare_quick(const struct number_picture *p, struct sub_picture *s) {
    bool ordinary = p->option[ZERO].size == 1 && p->option[DECIMAL].size == 1 && p->option[GROUPING].size == 1 &&
                    !is_digit(p, p->option[DECIMAL].data[0]) && p->has_zero && p->zero == '0';
    s->quick = ordinary && !s->has_exponent && (s->integer_groups.count == 0 || s->regular) &&
               s->fraction_groups.count == 0 && (s->has_decimal || s->max_fraction == 0) &&
               s->min_fraction <= s->max_fraction &&
               s->min_integer <= QUICK_DIGITS && s->max_fraction <= QUICK_DIGITS;
    struct jx_text t;
    jx_text_begin(&t);
    jx_span_text(s->prefix, &t);
    s->before_size = t.size;
    jx_span_text(s->suffix, &t);
    s->after_size = t.size - s->before_size;
    s->before = asl_alloc(t.size + 1);
    memcpy(s->before, t.data, t.size);
    s->after = s->before + s->before_size;
    jx_text_end(&t);
}

static void free_picture(void *picture) {
    struct number_picture *p = picture;
    for (int i = 0; i < 2; i++) {
        if (i == 0 || p->count == 2) {
            asl_free(p->sub[i].integer_groups.at);
            asl_free(p->sub[i].fraction_groups.at);
        }
        asl_free(p->sub[i].before);
    }
    jx_wide_end(&p->text);
    asl_free(p);
}

// Appends an option's value: strings are meant, other values are taken as $string writes them.
static int add_option(struct jx *jx, enum option o, const asl_value *options, struct jx_wide *to) {
    const asl_value *given = options ? asl_object_get(options, option_defaults[o].name) : NULL;
    if (!given) {
        jx_wide_text(to, option_defaults[o].value);
        return 0;
    }
    asl_buffer b = {0};
    int rc = jx_stringify(jx, given, false, &b);
    if (rc == 0) jx_wide_text(to, (asl_str){b.data ? b.data : "", b.size});
    asl_buffer_free(&b);
    return rc;
}

// Cuts the picture into sub-pictures; false when there are more than two, or none.
static bool split_picture(struct number_picture *p, struct jx_span picture) {
    struct jx_span separator = p->option[SEPARATOR];
    if (separator.size == 0) { // every unit is one
        p->count = (uint32_t)(picture.size > 3 ? 3 : picture.size);
        for (uint32_t i = 0; i < p->count && i < 2; i++) p->sub[i].text = jx_span_part(picture, i, i + 1);
        return p->count == 1 || p->count == 2;
    }
    ptrdiff_t cut = jx_span_find(picture, separator, 0);
    p->count = 1;
    p->sub[0].text = picture;
    if (cut < 0) return true;
    p->count = 2;
    p->sub[0].text = jx_span_part(picture, 0, (size_t)cut);
    p->sub[1].text = jx_span_part(picture, (size_t)cut + separator.size, picture.size);
    return jx_span_find(p->sub[1].text, separator, 0) < 0;
}

static void note_bytes(struct jx_span s, char bytes[4], uint8_t *size) {
    if (s.size == 1) *size = (uint8_t)jx_put_code(s.data[0], bytes);
}

static struct number_picture *read_picture(struct jx *jx, asl_str text, const asl_value *options) {
    struct number_picture *p = asl_calloc(1, sizeof *p);
    jx_wide_begin(&p->text);
    size_t end[OPTION_COUNT + 2];
    int rc = 0;
    for (int o = 0; o < OPTION_COUNT && rc == 0; o++) {
        rc = add_option(jx, (enum option)o, options, &p->text);
        end[o] = p->text.size;
    }
    if (rc < 0) {
        jx_wide_end(&p->text);
        asl_free(p);
        return NULL;
    }
    jx_wide_text(&p->text, text);
    end[OPTION_COUNT] = p->text.size;
    // Room for "-" and the prefix behind it, so that nothing moves any more.
    size_t minus = end[MINUS] - end[MINUS - 1];
    for (size_t i = 0; i < minus + end[OPTION_COUNT] - end[OPTION_COUNT - 1]; i++) jx_wide_unit(&p->text, 0);
    struct jx_span all = jx_span_of(&p->text);
    for (int o = 0; o < OPTION_COUNT; o++) p->option[o] = jx_span_part(all, o ? end[o - 1] : 0, end[o]);
    p->has_zero = p->option[ZERO].size > 0;
    if (p->has_zero) p->zero = p->option[ZERO].data[0];
    note_bytes(p->option[DECIMAL], p->decimal, &p->decimal_size);
    note_bytes(p->option[GROUPING], p->grouping, &p->grouping_size);

    const char *code = NULL;
    bool split = split_picture(p, jx_span_part(all, end[OPTION_COUNT - 1], end[OPTION_COUNT]));
    if (!split) code = p->count ? "D3080" : "D3085";
    if (p->count > 2) p->count = 2;
    for (uint32_t i = 0; i < p->count && !code; i++) {
        split_parts(p, &p->sub[i]);
        code = check(p, &p->sub[i]);
    }
    if (code) {
        p->count = 0;
        free_picture(p);
        jx_raise(jx, code, (const char *)NULL);
        return NULL;
    }
    for (uint32_t i = 0; i < p->count; i++) analyse(p, &p->sub[i]);
    if (p->count == 1) {
        p->sub[1] = p->sub[0];
        uint16_t *negative = p->text.data + end[OPTION_COUNT];
        memcpy(negative, p->option[MINUS].data, minus * sizeof *negative);
        memcpy(negative + minus, p->sub[0].prefix.data, p->sub[0].prefix.size * sizeof *negative);
        p->sub[1].prefix = (struct jx_span){negative, minus + p->sub[0].prefix.size};
    }
    for (int i = 0; i < 2; i++) prepare_quick(p, &p->sub[i]);
    return p;
}

static void *make_picture(struct jx *jx, asl_str text) { return read_picture(jx, text, NULL); }

// ---------------------------------------------------------------- numbers as decimals

/* digits * 10^exponent */
struct decimal {
    uint64_t digits;
    int exponent;
    bool negative;
};

static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
// clang-format off
static const uint64_t powers[] = {1u, 10u, 100u, 1000u, 10000u, 100000u, 1000000u, 10000000u, 100000000u, 1000000000u,
    10000000000u, 100000000000u, 1000000000000u, 10000000000000u, 100000000000000u, 1000000000000000u,
    10000000000000000u, 100000000000000000u, 1000000000000000000u, 10000000000000000000u};
// clang-format on

// Reads the text of a number that has at most `most` significant digits, 17 at most; false: it has more, or a large
// exponent.
static bool read_decimal(asl_str text, size_t most, struct decimal *out) {
    const char *p = text.data, *end = p + text.size;
    struct decimal d = {.negative = p < end && *p == '-'};
    size_t count = 0;
    int zeros = 0; // seen, and not counted unless another digit follows
    bool behind = false;
    for (p += d.negative; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            behind = true;
            continue;
        }
        d.exponent -= behind;
        if (*p == '0') {
            zeros++;
            continue;
        }
        if (d.digits) {
            count += (size_t)zeros;
            if (count >= most) return false;
            d.digits *= powers[zeros];
        }
        if (++count > most) return false;
        d.digits = d.digits * 10 + (uint64_t)(*p - '0');
        zeros = 0;
    }
    d.exponent += zeros;
    if (p < end) {
        bool down = *++p == '-';
        int exponent = 0;
        for (p += *p == '-' || *p == '+'; p < end; p++) {
            exponent = exponent * 10 + (*p - '0');
            if (exponent > 1000) return false;
        }
        d.exponent += down ? -exponent : exponent;
    }
    *out = d;
    return true;
}

// The fewest digits that read back as d, which is finite.
static struct decimal shortest(double d) {
    char text[40];
    struct decimal out = {0};
    if (fabs(d) < 0x1p53 && d == floor(d)) return (struct decimal){(uint64_t)fabs(d), 0, d < 0};
    read_decimal((asl_str){text, asl_double_print(d, text)}, 17, &out);
    return out;
}

// The double nearest to digits * 10^exponent.
static double nearest(struct decimal d) {
    double x;
    if (d.digits <= (uint64_t)1 << 53 && d.exponent >= -22 && d.exponent <= 22) { // both exact, so rounded once
        x = d.exponent < 0 ? (double)d.digits / tens[-d.exponent] : (double)d.digits * tens[d.exponent];
    } else {
        char text[48];
        size_t size = asl__int_print((int64_t)d.digits, text); // below 10^17 when not an exact integer
        text[size++] = 'e';
        size += asl__int_print(d.exponent, text + size);
        asl_value v = asl_number_text((asl_str){text, size});
        x = asl_number(&v);
        asl_release(v);
    }
    return d.negative ? -x : x;
}

// 16: rounded half to even where the decimal point is moved in the text; rint does so with the bits.
static double round_at(double d, uint32_t places) {
    if (places && !isfinite(d)) return NAN; // "Infinitye2"
    if (places) {
        struct decimal moved = shortest(d);
        moved.exponent += (int)places;
        d = nearest(moved);
        if (isinf(d)) return NAN; // the reference reads "Infinitye-9"
    }
    d = rint(d);
    if (d == 0) return 0;
    if (places && isfinite(d)) {
        struct decimal back = shortest(d);
        back.exponent -= (int)places;
        d = nearest(back);
    }
    return d;
}

// ---------------------------------------------------------------- rounding to integers

#define ROUNDED_MAX ((uint64_t)1 << 52) /* below, fixed notation gives back exactly these digits */

// The digits of the number with `places` decimals, rounded as round_at does; false when integers do not tell.
static bool round_decimal(struct decimal d, int places, uint64_t *out) {
    int shift = d.exponent + places;
    if (shift >= 0) {
        if (d.digits == 0) return *out = 0, true;
        if (shift > 16 || d.digits > ROUNDED_MAX / powers[shift]) return false;
        *out = d.digits * powers[shift];
        return *out < ROUNDED_MAX;
    }
    if (shift < -19) return *out = 0, d.digits < powers[17];
    if (d.digits <= (uint64_t)1 << 53) { // the quotient is the double that the reference reads, for both are exact
        *out = (uint64_t)rint((double)d.digits / tens[-shift]);
        return *out < ROUNDED_MAX;
    }
    // The double next to the quotient is nearer than a thousandth: no tie unless the remainder is next to one half.
    uint64_t power = powers[-shift], whole = d.digits / power, rest = d.digits % power, half = power / 2;
    uint64_t off = rest > half ? rest - half : half - rest;
    if (whole >= (uint64_t)1 << 40 || off <= power / 1000 + 1) return false;
    *out = whole + (rest > half);
    return true;
}

// ---------------------------------------------------------------- fixed notation

#define LIMBS 16 /* of 32 bits: 2^53 * 10^100 has 386 bits */

static void multiply(uint32_t n[LIMBS], uint32_t by) {
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)n[i] * by;
        n[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static uint32_t divide(uint32_t n[LIMBS], uint32_t by) {
    uint64_t rest = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        rest = rest << 32 | n[i];
        n[i] = (uint32_t)(rest / by);
        rest %= by;
    }
    return (uint32_t)rest;
}

static void shift_right(uint32_t n[LIMBS], int bits) { // rounds half up
    bool half = false;
    for (; bits >= 32; bits -= 32) {
        half = n[0] >> 31;
        memmove(n, n + 1, (LIMBS - 1) * sizeof *n);
        n[LIMBS - 1] = 0;
    }
    if (bits) {
        half = n[0] >> (bits - 1) & 1;
        for (int i = 0; i < LIMBS; i++) n[i] = n[i] >> bits | (i + 1 < LIMBS ? n[i + 1] << (32 - bits) : 0);
    }
    for (int i = 0; half && i < LIMBS; i++) half = ++n[i] == 0;
}

// JavaScript's toFixed of a number that round_at has rounded: the exact value with `places` decimals, ties away from zero;
// from 1e21 on as numbers print.
static void add_fixed(double d, uint32_t places, struct jx_wide *out) {
    d = fabs(d);
    char text[48];
    uint64_t rounded;
    if (!(d < 1e21)) {
        jx_wide_ascii(out, text, jx_number_print(d, text));
        return;
    }
    if (places > 100) places = 100; // the reference refuses more; the rest would be zeros
    if (places < 16 && round_decimal(shortest(d), (int)places, &rounded)) {
        size_t count = asl__int_print((int64_t)(rounded / powers[places]), text);
        jx_wide_ascii(out, text, count);
        if (!places) return;
        asl__int_print((int64_t)(rounded % powers[places] + powers[places]), text);
        text[0] = '.'; // was the 1 that keeps the zeros
        jx_wide_ascii(out, text, places + 1);
        return;
    }
    uint32_t n[LIMBS] = {0};
    int exponent;
    uint64_t bits = (uint64_t)ldexp(frexp(d, &exponent), 53);
    exponent -= 53;
    n[0] = (uint32_t)bits, n[1] = (uint32_t)(bits >> 32);
    for (; exponent > 0; exponent--) multiply(n, 2);
    for (uint32_t i = 0; i < places; i++) multiply(n, 10);
    if (exponent < -32 * LIMBS + 1) memset(n, 0, sizeof n); // less than half of the last place
    else shift_right(n, -exponent);
    char digits[160], *p = digits + sizeof digits;
    for (int i = 0; i < LIMBS; i++) { // 9 digits at a time: 144 of them
        uint32_t nine = divide(n, 1000000000);
        for (int k = 0; k < 9; k++, nine /= 10) *--p = (char)('0' + nine % 10);
    }
    size_t size = (size_t)(digits + sizeof digits - p), whole = size - places, zeros = 0;
    while (zeros + 1 < whole && p[zeros] == '0') zeros++;
    jx_wide_ascii(out, p + zeros, whole - zeros);
    if (places) {
        jx_wide_unit(out, '.');
        jx_wide_ascii(out, p + whole, places);
    }
}

// ---------------------------------------------------------------- formatting, the long way

static const struct jx_span nothing = {(const uint16_t[]){0}, 0};

static void add_in_family(const struct number_picture *p, double d, uint32_t places, struct jx_wide *out) {
    size_t from = out->size;
    add_fixed(d, places, out);
    struct jx_span zero = p->option[ZERO];
    if (zero.size == 1 && zero.data[0] == '0') return;
    for (size_t i = from; i < out->size; i++) {
        if (out->data[i] < '0' || out->data[i] > '9') continue;
        if (p->has_zero) out->data[i] = (uint16_t)(p->zero + (out->data[i] - '0'));
        else jx_wide_cut(out, i, i + 1), i--;
    }
}

static void insert_group(const struct number_picture *p, struct jx_wide *s, ptrdiff_t at) {
    ptrdiff_t size = (ptrdiff_t)s->size;
    if (at < 0) at = at + size < 0 ? 0 : at + size; // JavaScript's slice
    jx_wide_insert(s, (size_t)(at > size ? size : at), p->option[GROUPING]);
}

static ptrdiff_t find_decimal(const struct number_picture *p, const struct jx_wide *s) {
    return jx_span_find(jx_span_of(s), p->option[DECIMAL], 0);
}

// The mantissa as digits, padded to the least sizes, with a decimal separator in any case.
static void write_digits(const struct number_picture *p, const struct sub_picture *sub, double mantissa,
                         struct jx_wide *s) {
    add_in_family(p, round_at(mantissa, sub->max_fraction), sub->max_fraction, s);
    struct jx_span zero = p->option[ZERO];
    ptrdiff_t point = jx_span_find(jx_span_of(s), (struct jx_span){(const uint16_t[]){'.'}, 1}, 0);
    if (point >= 0) jx_wide_cut(s, (size_t)point, (size_t)point + 1);
    jx_wide_insert(s, point >= 0 ? (size_t)point : s->size, p->option[DECIMAL]);
    if (zero.size == 1) {
        size_t first = 0;
        while (first < s->size && s->data[first] == zero.data[0]) first++;
        jx_wide_cut(s, 0, first);
        while (s->size && s->data[s->size - 1] == zero.data[0]) s->size--;
    }
    point = find_decimal(p, s);
    ptrdiff_t left = (ptrdiff_t)sub->min_integer - point;
    ptrdiff_t right = (ptrdiff_t)sub->min_fraction - ((ptrdiff_t)s->size - point - 1);
    struct jx_wide zeros;
    jx_wide_begin(&zeros);
    if (left > 0) jx_wide_repeat(&zeros, zero, (size_t)left);
    jx_wide_insert(s, 0, jx_span_of(&zeros));
    jx_wide_end(&zeros);
    if (right > 0) jx_wide_repeat(s, zero, (size_t)right);
}

static void insert_groups(const struct number_picture *p, const struct sub_picture *sub, struct jx_wide *s) {
    ptrdiff_t point = find_decimal(p, s);
    if (sub->regular) {
        if (point > 0) jx_wide_group(s, (size_t)point, sub->regular, p->option[GROUPING]);
    } else {
        for (uint32_t i = 0; i < sub->integer_groups.count; i++)
            insert_group(p, s, point++ - (ptrdiff_t)sub->integer_groups.at[i]);
    }
    point = find_decimal(p, s);
    for (uint32_t i = 0; i < sub->fraction_groups.count; i++)
        insert_group(p, s, point + 1 + (ptrdiff_t)sub->fraction_groups.at[i]);
    point = find_decimal(p, s);
    if ((!sub->has_decimal || point == (ptrdiff_t)s->size - 1) && s->size) s->size--;
}

static asl_value format_slowly(const struct number_picture *p, const struct sub_picture *sub, double d) {
    double mantissa = d * (sub->has_percent ? 100 : sub->has_per_mille ? 1000 : 1);
    int exponent = 0;
    if (sub->min_exponent && isfinite(mantissa) && mantissa != 0) {
        double most = jx_power(10, sub->scale), least = jx_power(10, (double)sub->scale - 1);
        while (fabs(mantissa) < least) mantissa *= 10, exponent--;
        while (fabs(mantissa) > most) mantissa /= 10, exponent++;
    }
    struct jx_wide s;
    struct jx_text out;
    jx_wide_begin(&s);
    write_digits(p, sub, mantissa, &s);
    insert_groups(p, sub, &s);
    if (sub->min_exponent) {
        jx_wide_span(&s, p->option[EXPONENT]);
        if (exponent < 0) jx_wide_span(&s, p->option[MINUS]);
        struct jx_wide e;
        jx_wide_begin(&e);
        add_in_family(p, exponent, 0, &e);
        if (sub->min_exponent > e.size) jx_wide_repeat(&s, p->option[ZERO], sub->min_exponent - e.size);
        jx_wide_span(&s, jx_span_of(&e));
        jx_wide_end(&e);
    }
    jx_wide_insert(&s, 0, sub->prefix);
    jx_wide_span(&s, sub->suffix.size ? sub->suffix : nothing);
    jx_text_begin(&out);
    jx_span_text(jx_span_of(&s), &out);
    jx_wide_end(&s);
    return jx_text_value(&out);
}

// ---------------------------------------------------------------- formatting, the short way

static char *put(char *to, const char *bytes, size_t size) {
    memcpy(to, bytes, size);
    return to + size;
}

static asl_value format_quickly(const struct number_picture *p, const struct sub_picture *sub, uint64_t rounded) {
    char digits[20];
    size_t count = rounded ? asl__int_print((int64_t)rounded, digits) : 0;
    size_t places = sub->max_fraction, whole = count > places ? count - places : 0;
    size_t decimals = places, leading = count < places ? places - count : 0; // zeros behind the point
    while (decimals > sub->min_fraction && (decimals <= leading || digits[whole + decimals - 1 - leading] == '0'))
        decimals--;
    size_t zeros = sub->min_integer > whole ? sub->min_integer - whole : 0, left = zeros + whole;

    struct jx_text t;
    jx_text_begin(&t);
    char *o = jx_text_room(&t, sub->before_size + sub->after_size + left * 4 + decimals + 4);
    char *begin = o;
    o = put(o, sub->before, sub->before_size);
    size_t step = sub->regular ? sub->regular : SIZE_MAX;
    for (size_t i = 0, until = left ? (left - 1) % step + 1 : 0; i < left; i++) {
        if (i == until) {
            until += step;
            memcpy(o, p->grouping, 4); // room is there
            o += p->grouping_size;
        }
        *o++ = i < zeros ? '0' : digits[i - zeros];
    }
    if (decimals) {
        o = put(o, p->decimal, p->decimal_size);
        size_t blank = leading < decimals ? leading : decimals;
        memset(o, '0', blank);
        o = put(o + blank, digits + whole, decimals - blank);
    }
    o = put(o, sub->after, sub->after_size);
    t.size += (size_t)(o - begin);
    return jx_text_value(&t);
}

// The number as digits, when that takes no more than looking at it.
static bool decimal_of(const asl_value *v, struct decimal *d) {
    if (v->tag == ASL_INT) {
        if (v->i > INT64_C(1) << 53 || v->i < -(INT64_C(1) << 53)) return false; // computed with as a double
        *d = (struct decimal){(uint64_t)(v->i < 0 ? -v->i : v->i), 0, v->i < 0};
        return true;
    }
    // Of up to 15 digits every decimal is the shortest one of its double.
    return v->tag == ASL_NUMBER_TEXT && read_decimal(asl_text_of(v), 15, d);
}

static asl_value format(const struct number_picture *p, const asl_value *number) {
    struct decimal d;
    uint64_t rounded;
    bool plain = !p->sub[0].has_percent && !p->sub[0].has_per_mille && !p->sub[1].has_percent && !p->sub[1].has_per_mille;
    if (plain && decimal_of(number, &d)) {
        const struct sub_picture *sub = &p->sub[d.negative && d.digits];
        if (sub->quick && round_decimal(d, (int)sub->max_fraction, &rounded)) return format_quickly(p, sub, rounded);
    }
    double x = asl_number(number);
    const struct sub_picture *sub = &p->sub[!(x >= 0)];
    double scaled = x * (sub->has_percent ? 100 : sub->has_per_mille ? 1000 : 1);
    if (sub->quick && isfinite(scaled) && round_decimal(shortest(scaled), (int)sub->max_fraction, &rounded))
        return format_quickly(p, sub, rounded);
    return format_slowly(p, sub, x);
}

int jx_fn_FORMAT_NUMBER(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    static const char kind;
    *out = asl_none();
    if (args[0].tag == ASL_NONE) return 0;
    JX_WANT(0, JX_N);
    JX_WANT(1, JX_S);
    bool options = count > 2 && args[2].tag != ASL_NONE;
    if (options) JX_WANT(2, JX_O);
    asl_str text = asl_text_of(&args[1]);
    struct number_picture *p = options ? read_picture(jx, text, &args[2])
                                       : jx_cached(jx, &kind, text, make_picture, free_picture);
    if (!p) return -1;
    *out = format(p, &args[0]);
    if (options) free_picture(p);
    return 0;
}

// ---------------------------------------------------------------- $formatBase

// An integer in another base. What a double does not know exactly is shown as zeros, as JavaScript does.
static size_t print_radix(double d, unsigned radix, char out[1100]) {
    char *end = out + 1100, *p = end;
    bool negative = d < 0;
    d = fabs(d);
    while (d / radix >= 0x1p53) {
        d /= radix;
        *--p = '0';
    }
    do {
        double rest = fmod(d, radix);
        *--p = "0123456789abcdefghijklmnopqrstuvwxyz"[(int)rest];
        d = (d - rest) / radix;
    } while (d > 0);
    if (negative) *--p = '-';
    memmove(out, p, (size_t)(end - p));
    return (size_t)(end - p);
}

int jx_fn_FORMAT_BASE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    *out = asl_none();
    if (args[0].tag == ASL_NONE) return 0;
    JX_WANT(0, JX_N);
    double d = rint(asl_number(&args[0])), radix = 10;
    if (count > 1 && args[1].tag != ASL_NONE) {
        JX_WANT(1, JX_N);
        radix = rint(asl_number(&args[1]));
    }
    if (!(radix >= 2 && radix <= 36)) {
        asl_value given = jx_number_value(radix);
        return jx_raise_value(jx, "D3100", &given);
    }
    char text[1100];
    bool plain = radix == 10 || !isfinite(d);
    size_t size = plain ? jx_number_print(d, text) : print_radix(d, (unsigned)radix, text);
    *out = asl_string((asl_str){text, size});
    return 0;
}
