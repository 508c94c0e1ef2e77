// Numbers: from text, to text, compared by value.
//
// A number that only passes through keeps its text; it becomes a double when somebody computes with it. Comparing does
// not go through double where that would lose digits: numbers are compared as decimals, digit by digit.
#include "value_private.h"

#include <assert.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

asl_value asl_double(double d) {
    assert(isfinite(d));
    return (asl_value){.tag = ASL_DOUBLE, .d = d};
}

// ---------------------------------------------------------------- reading

static inline bool is_digit(char c) { return (uint8_t)(c - '0') <= 9; }

const char *asl__number_scan(const char *text, const char *end, asl_value *value, const char **why) {
    const char *p = text;
    bool negative = *p == '-', integer = true;
    uint64_t u = 0; // wraps round when there are more than 19 digits, and is not used then
    *value = asl_none();
    if (negative) p++;
    const char *digits = p;
    while (p < end && is_digit(*p)) u = u * 10 + (uint64_t)(*p++ - '0');
    size_t count = (size_t)(p - digits);
    if (count == 0) {
        *why = "expected a digit after '-'";
        return p;
    }
    if (count > 1 && *digits == '0') {
        *why = "a number may not start with 0";
        return digits;
    }
    if (p < end && *p == '.') {
        integer = false;
        const char *fraction = ++p;
        while (p < end && is_digit(*p)) p++;
        if (p == fraction) {
            *why = "expected a digit after '.'";
            return p;
        }
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        integer = false;
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        const char *exponent = p;
        while (p < end && is_digit(*p)) p++;
        if (p == exponent) {
            *why = "expected a digit in the exponent";
            return p;
        }
    }
    if (integer && count <= 19 && u <= (uint64_t)INT64_MAX + negative && !(negative && u == 0)) {
        *value = asl_int((int64_t)(negative ? 0 - u : u));
    } else {
        *value = asl__text_value(ASL_NUMBER_TEXT, (asl_str){text, (size_t)(p - text)});
    }
    return p;
}

asl_value asl_number_text(asl_str text) {
    asl_value v = asl_none();
    const char *why = NULL, *end = text.data + text.size;
    if (text.size) end = asl__number_scan(text.data, end, &v, &why);
    assert(v.tag != ASL_NONE && end == text.data + text.size);
    (void)end;
    return v;
}

// ---------------------------------------------------------------- as decimals

// 0.d1 d2 d3 … × 10^point, d1 and the last digit not 0. The digits stay where they are; a '.' may lie among them.
struct decimal {
    bool negative, zero;
    const char *first, *last; /* last: exclusive */
    size_t count;             /* digits */
    int64_t point;
};

// A longer exponent than this is all the same: no text has as many digits.
#define EXPONENT_MAX (INT64_MAX / 4)

static struct decimal decimal_of(asl_str text) {
    const char *p = text.data, *end = p + text.size;
    struct decimal d = {.negative = *p == '-'};
    p += d.negative;
    const char *start = p, *dot = NULL;
    while (p < end && (is_digit(*p) || *p == '.')) {
        if (*p == '.') dot = p;
        p++;
    }
    const char *mantissa_end = p;
    int64_t exponent = 0;
    if (p < end) { // 'e'
        p++;
        bool down = *p == '-';
        if (*p == '+' || *p == '-') p++;
        for (; p < end; p++) {
            if (exponent < EXPONENT_MAX / 10) exponent = exponent * 10 + (*p - '0');
            else exponent = EXPONENT_MAX;
        }
        if (down) exponent = -exponent;
    }
    const char *first = start, *last = mantissa_end;
    while (first < last && (*first == '0' || *first == '.')) first++;
    while (last > first && (last[-1] == '0' || last[-1] == '.')) last--;
    if (first == last) {
        d.zero = true;
        return d;
    }
    d.first = first, d.last = last;
    d.count = (size_t)(last - first) - (dot && dot > first && dot < last);
    const char *units_end = dot ? dot : mantissa_end;
    d.point = exponent + (first < units_end ? units_end - first : units_end + 1 - first);
    return d;
}

static int compare_magnitude(const struct decimal *a, const struct decimal *b) {
    if (a->point != b->point) return a->point < b->point ? -1 : 1;
    const char *p = a->first, *q = b->first;
    for (;;) {
        if (p < a->last && *p == '.') p++;
        if (q < b->last && *q == '.') q++;
        if (p == a->last || q == b->last) return (p < a->last) - (q < b->last);
        if (*p != *q) return *p < *q ? -1 : 1;
        p++, q++;
    }
}

static int compare_decimals(const struct decimal *a, const struct decimal *b) {
    int sign_a = a->zero ? 0 : a->negative ? -1 : 1, sign_b = b->zero ? 0 : b->negative ? -1 : 1;
    if (sign_a != sign_b) return sign_a < sign_b ? -1 : 1;
    return sign_a * (sign_a ? compare_magnitude(a, b) : 0);
}

// The text of any number; room is for those that have none.
static asl_str text_of_number(const asl_value *v, char room[32]) {
    if (v->tag == ASL_NUMBER_TEXT) return asl_text_of(v);
    return (asl_str){room, v->tag == ASL_INT ? asl__int_print(v->i, room) : asl_double_print(v->d, room)};
}

// ---------------------------------------------------------------- as int64

static bool decimal_as_int(const struct decimal *d, int64_t *out) {
    if (d->zero) {
        *out = 0;
        return true;
    }
    if (d->point > 19 || d->point < 0 || d->count > (uint64_t)d->point) return false;
    uint64_t u = 0;
    const char *p = d->first;
    for (int64_t i = 0; i < d->point; i++) {
        if (p < d->last && *p == '.') p++;
        unsigned digit = p < d->last ? (unsigned)(*p++ - '0') : 0;
        u = u * 10 + digit; // 19 digits fit
    }
    if (u > (uint64_t)INT64_MAX + d->negative) return false;
    *out = (int64_t)(d->negative ? 0 - u : u);
    return true;
}

bool asl_number_as_int(const asl_value *v, int64_t *out) {
    if (v->tag == ASL_INT) {
        *out = v->i;
        return true;
    }
    if (v->tag == ASL_DOUBLE) {
        if (!(v->d >= -0x1p63 && v->d < 0x1p63) || v->d != floor(v->d)) return false;
        *out = (int64_t)v->d;
        return true;
    }
    if (v->tag != ASL_NUMBER_TEXT) return false;
    struct decimal d = decimal_of(asl_text_of(v));
    return decimal_as_int(&d, out);
}

// ---------------------------------------------------------------- as double

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

static double text_as_double(asl_str text) {
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct decimal d = decimal_of(text);
    if (d.zero) return d.negative ? -0.0 : 0.0;
    // Up to 15 digits and a power of ten up to 22 are both exact as doubles, so one operation rounds correctly.
    int64_t power = d.point - (int64_t)d.count;
    if (d.count <= 15 && power >= -22 && power <= 22) {
        int64_t digits = 0;
        for (const char *p = d.first; p < d.last; p++) {
            if (*p != '.') digits = digits * 10 + (*p - '0');
        }
        double x = power < 0 ? (double)digits / ten[-power] : (double)digits * ten[power];
        return d.negative ? -x : x;
    }
    // The program that embeds us may have set a locale whose decimal point is a comma.
    pthread_once(&c_locale_once, make_c_locale);
    char local[64], *zero_terminated = text.size < sizeof local ? local : asl_alloc(text.size + 1);
    memcpy(zero_terminated, text.data, text.size);
    zero_terminated[text.size] = 0;
    double x = strtod_l(zero_terminated, NULL, c_locale);
    if (zero_terminated != local) asl_free(zero_terminated);
    return x;
}

double asl_number(const asl_value *v) {
    if (v->tag == ASL_INT) return (double)v->i;
    if (v->tag == ASL_DOUBLE) return v->d;
    assert(v->tag == ASL_NUMBER_TEXT);
    return text_as_double(asl_text_of(v));
}

// ---------------------------------------------------------------- comparing, rounding

static int compare_int_double(int64_t i, double d) {
    if (d >= 0x1p63) return -1;
    if (d < -0x1p63) return 1;
    int64_t whole = (int64_t)d; // towards zero
    if (i != whole) return i < whole ? -1 : 1;
    double rest = d - (double)whole; // exact: d has a fraction only below 2^53
    return rest > 0 ? -1 : rest < 0;
}

int asl_number_compare(const asl_value *a, const asl_value *b) {
    if (a->tag == ASL_INT && b->tag == ASL_INT) return (a->i > b->i) - (a->i < b->i);
    if (a->tag == ASL_DOUBLE && b->tag == ASL_DOUBLE) return (a->d > b->d) - (a->d < b->d);
    if (a->tag == ASL_INT && b->tag == ASL_DOUBLE) return compare_int_double(a->i, b->d);
    if (a->tag == ASL_DOUBLE && b->tag == ASL_INT) return -compare_int_double(b->i, a->d);
    // One of them is text. An integer among them is compared exactly; a double stands for its shortest digits, so that
    // 0.1 computed and 0.1 read are equal.
    int64_t i;
    if (a->tag == ASL_NUMBER_TEXT && b->tag == ASL_DOUBLE && asl_number_as_int(a, &i)) {
        return compare_int_double(i, b->d);
    }
    if (b->tag == ASL_NUMBER_TEXT && a->tag == ASL_DOUBLE && asl_number_as_int(b, &i)) {
        return -compare_int_double(i, a->d);
    }
    char room_a[32], room_b[32];
    struct decimal x = decimal_of(text_of_number(a, room_a)), y = decimal_of(text_of_number(b, room_b));
    return compare_decimals(&x, &y);
}

asl_value asl_number_round(const asl_value *v) {
    int64_t i;
    if (asl_number_as_int(v, &i)) return asl_int(i);
    double d = asl_number(v), whole = floor(d);
    if (d - whole >= 0.5) whole++; // d + 0.5 would itself be rounded: 0.49999999999999994 would give 1
    if (whole >= 0x1p63) return asl_int(INT64_MAX);
    if (whole < -0x1p63) return asl_int(INT64_MIN);
    return asl_int((int64_t)whole);
}

// ---------------------------------------------------------------- printing

static const char two_digits[201] = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
                                    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

size_t asl__int_print(int64_t i, char out[20]) {
    char digits[20], *p = digits + sizeof digits;
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    while (u >= 100) {
        p -= 2;
        memcpy(p, two_digits + u % 100 * 2, 2);
        u /= 100;
    }
    if (u >= 10) {
        p -= 2;
        memcpy(p, two_digits + u * 2, 2);
    } else {
        *--p = (char)('0' + u);
    }
    if (i < 0) *--p = '-';
    size_t size = (size_t)(digits + sizeof digits - p);
    memcpy(out, p, size);
    return size;
}

// The shortest digits of a double, by Raffaello Giulietti's Schubfach ("The Schubfach way to render doubles", 2021): the
// interval of reals that read back as d is scaled by a power of ten such that it holds one or two integers, or one
// multiple of ten; 126 bits of that power are enough to tell which. As a table of all 617 powers would be larger than
// everything else here, they are made from every 27th, to 192 bits and rounded up, and an exact power of five.

struct bits128 {
    uint64_t high, low;
};

#define POWER_FIRST (-297)
#define POWER_STEP  27
static const uint64_t power_of_ten[24][3] = {
    {0xa76c582338ed2621, 0xaf2af2b80af6f24e, 0x657c8f4d43323a37}, // 1e-297
    {0x873e4f75e2224e68, 0x5a7744a6e804a291, 0xcc35eddfcf0996d8}, // 1e-270
    {0xda7f5bf590966848, 0xaf39a475506a899e, 0xa30294cc2934e663}, // 1e-243
    {0xb080392cc4349dec, 0xbd8d794d96aacfb3, 0xfe13a5c86af64419}, // 1e-216
    {0x8e938662882af53e, 0x547eb47b7282ee9c, 0x41b0230e1421487e}, // 1e-189
    {0xe65829b3046b0afa, 0x0cb4a5a3112a5112, 0xa3b561b1cb208397}, // 1e-162
    {0xba121a4650e4ddeb, 0x92f34d62616ce413, 0x21a0183e10583cd4}, // 1e-135
    {0x964e858c91ba2655, 0x3a6a07f8d510f86f, 0xe9082f25e9c5e9ed}, // 1e-108
    {0xf2d56790ab41c2a2, 0xfae27299423fb9c3, 0x3695dad7e8858902}, // 1e-81
    {0xc428d05aa4751e4c, 0xaa97e14c3c26b886, 0x96842dc95323f5a9}, // 1e-54
    {0x9e74d1b791e07e48, 0x775ea264cf55347d, 0xca49f1c05120c9c8}, // 1e-27
    {0x8000000000000000, 0x0000000000000000, 0x0000000000000000}, // 1e0
    {0xcecb8f27f4200f3a, 0x0000000000000000, 0x0000000000000000}, // 1e27
    {0xa70c3c40a64e6c51, 0x999090b65f67d924, 0x0000000000000000}, // 1e54
    {0x86f0ac99b4e8dafd, 0x69a028bb3ded71a3, 0xdf9f915627c04e28}, // 1e81
    {0xda01ee641a708de9, 0xe80e6f4820cc9495, 0xd74baad03bc1d8d4}, // 1e108
    {0xb01ae745b101e9e4, 0x5ec05dcff72e7f8f, 0xc04c79ffe3243020}, // 1e135
    {0x8e41ade9fbebc27d, 0x14588f13be847307, 0x23bd6a2059c002f6}, // 1e162
    {0xe5d3ef282a242e81, 0x8f1668c8a86da5fa, 0xf0b5ccf5176ecc7d}, // 1e189
    {0xb9a74a0637ce2ee1, 0x6d953e2bd7173692, 0x88efb0037ac08bdf}, // 1e216
    {0x95f83d0a1fb69cd9, 0x4abdaf101564f98e, 0x0d5a4af7b3a98e48}, // 1e243
    {0xf24a01a73cf2dccf, 0xbc633b39673c8cec, 0x3d9c44cd2f36917d}, // 1e270
    {0xc3b8358109e84f07, 0x0a862f80ec4700c8, 0x02606ea01029dc38}, // 1e297
    {0x9e19db92b4e31ba9, 0x6c07a2c26a8346d1, 0x4944d9f52cd0dec3}, // 1e324
};

// floor(log2(10^e)) for |e| < 1233
static inline int log2_of_power(int e) { return (e * 1741647) >> 19; }

// 10^e as 128 bits with the highest set, rounded up; -292 <= e <= 324.
static struct bits128 power(int e) {
    int row = (e - POWER_FIRST) / POWER_STEP, base = POWER_FIRST + row * POWER_STEP, rest = e - base;
    uint64_t five = 1;
    for (int i = 0; i < rest; i++) five *= 5; // 5^26 < 2^61
    // The row times 5^rest: 256 bits, word[0] the lowest.
    uint64_t word[4];
    unsigned __int128 sum = 0;
    for (int i = 0; i < 3; i++) {
        sum += (unsigned __int128)power_of_ten[row][2 - i] * five;
        word[i] = (uint64_t)sum;
        sum >>= 64;
    }
    word[3] = (uint64_t)sum;
    int shift = log2_of_power(e) - log2_of_power(base) - rest; // 0 … 61, beyond the 64 bits dropped anyway
    bool inexact = word[0] != 0;
    if (shift) {
        inexact |= word[1] << (64 - shift) != 0;
        word[1] = word[1] >> shift | word[2] << (64 - shift);
        word[2] = word[2] >> shift | word[3] << (64 - shift);
    }
    word[1] += inexact;
    word[2] += inexact && word[1] == 0;
    return (struct bits128){word[2], word[1]};
}

// floor(g * x / 2^128), the last bit set when that is not exact.
static inline uint64_t round_to_odd(struct bits128 g, uint64_t x) {
    unsigned __int128 low = (unsigned __int128)g.low * x, high = (unsigned __int128)g.high * x + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

// d > 0 is *digits * 10^*exponent, with the fewest digits that read back as d, and of those nearest to d.
static void shortest_decimal(double d, uint64_t *digits, int *exponent) {
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    uint64_t fraction = bits & 0xfffffffffffffu;
    int biased = (int)(bits >> 52);
    uint64_t c = biased ? fraction | 0x10000000000000u : fraction; // d = c * 2^q
    int q = (biased ? biased : 1) - 1075;
    bool even = c % 2 == 0;                         // then the ends of the interval read back as d too
    bool lower_closer = fraction == 0 && biased > 1; // at a power of two the doubles below are twice as dense
    int k = (q * 1262611 - (lower_closer ? 524031 : 0)) >> 22; // floor(log10(2^q)), or of 3/4 of it
    int h = q + log2_of_power(-k) + 1;
    struct bits128 g = power(-k);
    uint64_t lower = round_to_odd(g, (4 * c - 2 + lower_closer) << h) + !even;
    uint64_t middle = round_to_odd(g, 4 * c << h);
    uint64_t upper = round_to_odd(g, (4 * c + 2) << h) - !even;

    uint64_t s = middle / 4, tens = s / 10;
    *exponent = k + 1;
    if (s >= 10) {
        bool down_fits = lower <= 40 * tens, up_fits = 40 * tens + 40 <= upper;
        if (down_fits != up_fits) {
            *digits = tens + up_fits;
            return;
        }
    }
    *exponent = k;
    bool down_fits = lower <= 4 * s, up_fits = 4 * s + 4 <= upper;
    uint64_t half = 4 * s + 2;
    bool up = down_fits != up_fits ? up_fits : middle > half || (middle == half && s % 2);
    *digits = s + up;
}

// The same as digits: d = 0.d1 d2 … × 10^*point. Returns their number.
static size_t shortest_digits(double d, char digits[20], int *point) {
    uint64_t u;
    int exponent;
    shortest_decimal(d, &u, &exponent);
    size_t count = asl__int_print((int64_t)u, digits); // below 10^17
    *point = (int)count + exponent;
    while (count > 1 && digits[count - 1] == '0') count--;
    return count;
}

char *asl__digits_print(const char *digits, size_t count, int point, char *p) {
    if (point >= -5 && point <= 0) {
        memcpy(p, "0.000000", 8);
        p += 2 - point;
        memcpy(p, digits, count);
        p += count;
    } else if (point > 0 && point <= 21) {
        size_t whole = count < (size_t)point ? count : (size_t)point;
        memcpy(p, digits, whole);
        p += whole;
        memset(p, '0', (size_t)point - whole);
        p += (size_t)point - whole;
        if (count > whole) {
            *p++ = '.';
            memcpy(p, digits + whole, count - whole);
            p += count - whole;
        }
    } else {
        *p++ = digits[0];
        if (count > 1) {
            *p++ = '.';
            memcpy(p, digits + 1, count - 1);
            p += count - 1;
        }
        *p++ = 'e';
        p += asl__int_print(point - 1, p);
    }
    return p;
}

// As JavaScript writes numbers, but 1e21 for its 1e+21: integers in full up to 21 digits, fractions from 0.000001 on.
size_t asl_double_print(double d, char out[32]) {
    char *p = out;
    if (!isfinite(d)) { // never a value; JSON has no other word for it
        memcpy(out, "null", 4);
        return 4;
    }
    if (signbit(d)) *p++ = '-';
    d = fabs(d);
    if (d < 1e15 && d == floor(d)) return (size_t)(p - out) + asl__int_print((int64_t)d, p);
    char digits[20];
    int point;
    size_t count = shortest_digits(d, digits, &point);
    return (size_t)(asl__digits_print(digits, count, point, p) - out);
}
