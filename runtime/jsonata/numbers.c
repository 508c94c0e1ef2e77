// Functions of numbers, and the aggregates (jsonata-language 15).
//
// All arithmetic is that of doubles, as in the reference; integers that are exact as doubles stay integers when nothing
// is computed with them.
#include "lib.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int jx_bad_argument(struct jx *jx, const asl_value *args, uint32_t index) {
    asl_value number = asl_int((int64_t)index + 1);
    return jx_raise(jx, "T0410", "value", &args[index], "index", &number, (const char *)NULL);
}

static inline double number_of(const asl_value *v) {
    return v->tag == ASL_INT ? (double)v->i : v->tag == ASL_DOUBLE ? v->d : jx_number(v);
}

// ---------------------------------------------------------------- aggregates

// The argument is an array of numbers: the signature has seen to it. A partial application may pass anything.
#define NUMBERS()                                                                                            \
    (void)count;                                                                                             \
    JX_WANT(0, JX_A | JX_M);                                                                                 \
    *out = asl_none();                                                                                       \
    if (args[0].tag == ASL_NONE) return 0;                                                                   \
    const asl_value *items = args[0].array->items;                                                           \
    uint32_t n = args[0].array->head.count

static bool sum_of(const asl_value *items, uint32_t n, double *sum) {
    double total = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!asl_is_number(&items[i])) return false;
        total += number_of(&items[i]);
    }
    *sum = total;
    return true;
}

int jx_fn_SUM(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    double sum;
    NUMBERS();
    if (!sum_of(items, n, &sum)) return jx_bad_argument(jx, args, 0);
    *out = jx_number_value(sum);
    return 0;
}

int jx_fn_AVERAGE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    double sum;
    NUMBERS();
    if (!sum_of(items, n, &sum)) return jx_bad_argument(jx, args, 0);
    if (n) *out = jx_number_value(sum / n);
    return 0;
}

// sign: 1 for the largest, -1 for the smallest.
static int extreme(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out, double sign) {
    double best = 0;
    NUMBERS();
    for (uint32_t i = 0; i < n; i++) {
        if (!asl_is_number(&items[i])) return jx_bad_argument(jx, args, 0);
        double d = number_of(&items[i]);
        bool beyond = d * sign > best * sign || (d == 0 && best == 0 && signbit(d) == (sign < 0)); // -0 is before 0
        if (i == 0 || isnan(d) || beyond) best = isnan(best) ? best : d; // once NaN, always NaN
    }
    if (n) *out = jx_number_value(best);
    return 0;
}

int jx_fn_MAX(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    return extreme(jx, args, count, out, 1);
}

int jx_fn_MIN(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    return extreme(jx, args, count, out, -1);
}

int jx_fn_COUNT(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)jx, (void)count;
    *out = asl_int(args[0].tag == ASL_NONE ? 0 : args[0].tag == ASL_ARRAY ? (int64_t)args[0].array->head.count : 1);
    return 0;
}

// ---------------------------------------------------------------- one number

#define NUMBER()                                                                                             \
    (void)count;                                                                                             \
    JX_WANT(0, JX_N | JX_M);                                                                                 \
    if (args[0].tag == ASL_NONE) {                                                                           \
        *out = asl_none();                                                                                   \
        return 0;                                                                                            \
    }                                                                                                        \
    if (args[0].tag == ASL_INT && jx_is_exact(args[0].i) && INTEGER) {                                             \
        *out = asl_int(INTEGER_RESULT);                                                                      \
        return 0;                                                                                            \
    }                                                                                                        \
    double d = number_of(&args[0])

#define INTEGER        true
#define INTEGER_RESULT args[0].i
int jx_fn_FLOOR(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    NUMBER();
    *out = jx_number_value(floor(d));
    return 0;
}

int jx_fn_CEIL(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    NUMBER();
    *out = jx_number_value(ceil(d));
    return 0;
}
#undef INTEGER_RESULT

#define INTEGER_RESULT (args[0].i < 0 ? -args[0].i : args[0].i)
int jx_fn_ABS(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    NUMBER();
    *out = jx_number_value(fabs(d));
    return 0;
}
#undef INTEGER_RESULT
#undef INTEGER

#define INTEGER        false
#define INTEGER_RESULT 0
int jx_fn_SQRT(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    NUMBER();
    if (d < 0) return jx_raise_value(jx, "D3060", &args[0]);
    *out = jx_number_value(sqrt(d));
    return 0;
}

int jx_fn_POWER(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    NUMBER();
    JX_WANT(1, JX_N | JX_M);
    double exponent = args[1].tag == ASL_NONE ? NAN : number_of(&args[1]);
    double power = jx_power(d, exponent);
    if (!isfinite(power)) {
        return jx_raise(jx, "D3061", "value", &args[0], "exp", &args[1], (const char *)NULL);
    }
    *out = jx_number_value(power);
    return 0;
}
#undef INTEGER
#undef INTEGER_RESULT

// ---------------------------------------------------------------- $round

// The number whose text is that of d with the decimal point moved `places` to the right: as the reference does it, by
// editing the exponent, because multiplying would round.
static double move_point(double d, int64_t places) {
    char text[80];
    if (!isfinite(d)) return places ? NAN : d;
    size_t size = jx_number_print(d, text);
    char *e = memchr(text, 'e', size);
    if (e) {
        text[size] = 0;
        places += atoi(e + 1);
        size = (size_t)(e - text);
    }
    text[size++] = 'e';
    size += asl__int_print(places, text + size);
    asl_value v = asl__text_value(ASL_NUMBER_TEXT, (asl_str){text, size});
    d = asl_number(&v);
    asl_release(v);
    return d;
}

#define MOST_PLACES 1e6 /* by which a point is moved: everything is 0 or Infinity long before */

int jx_fn_ROUND(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    JX_WANT(0, JX_N | JX_M);
    JX_WANT(1, JX_N | JX_M);
    *out = asl_none();
    if (args[0].tag == ASL_NONE) return 0;
    double precision = 0, d = number_of(&args[0]);
    jx_optional_number(&args[1], &precision);
    // Up to 15 digits come back as they are wherever the point has been meanwhile.
    if (args[0].tag == ASL_INT && args[0].i > -INT64_C(1000000000000000) && args[0].i < INT64_C(1000000000000000) &&
        precision >= 0 && precision <= 290 && precision == floor(precision)) {
        *out = args[0];
        return 0;
    }
    if (precision != floor(precision) || fabs(precision) >= 1e21) { // "1e0.5" and "1e1e+21" are no numbers
        *out = jx_number_value(NAN);
        return 0;
    }
    if (fabs(precision) > MOST_PLACES) precision = precision < 0 ? -MOST_PLACES : MOST_PLACES;
    if (precision != 0) d = move_point(d, (int64_t)precision);
    double below = floor(d), rounded = isfinite(d) && d - below >= 0.5 ? below + 1 : below;
    if (fabs(rounded - d) == 0.5 && fmod(fabs(rounded), 2) == 1) rounded -= 1;
    if (precision != 0) rounded = move_point(rounded, -(int64_t)precision);
    *out = jx_number_value(rounded == 0 ? 0 : rounded);
    return 0;
}

// ---------------------------------------------------------------- $number

static bool all_digits(const char **p, const char *end) {
    const char *start = *p;
    while (*p < end && isdigit((unsigned char)**p)) ++*p;
    return *p > start;
}

// JSON's syntax, but leading zeros are allowed.
static bool read_decimal(asl_str s, double *out) {
    const char *p = s.data, *end = p + s.size;
    if (p < end && *p == '-') p++;
    const char *digits = p;
    if (!all_digits(&p, end)) return false;
    if (p < end && *p == '.' && (p++, !all_digits(&p, end))) return false;
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '-' || *p == '+')) p++;
        if (!all_digits(&p, end)) return false;
    }
    if (p < end) return false;
    while (digits + 1 < end && digits[0] == '0' && isdigit((unsigned char)digits[1])) digits++;
    asl_value v = asl__text_value(ASL_NUMBER_TEXT, (asl_str){digits, (size_t)(end - digits)});
    *out = s.data[0] == '-' ? -asl_number(&v) : asl_number(&v);
    asl_release(v);
    return isfinite(*out);
}

// 0x, 0o, 0b and digits; beyond 2^53 rounded as a whole, not digit by digit.
static bool read_radix(asl_str s, double *out) {
    if (s.size < 3 || s.data[0] != '0') return false;
    int bits = (s.data[1] | 0x20) == 'x' ? 4 : (s.data[1] | 0x20) == 'o' ? 3 : (s.data[1] | 0x20) == 'b' ? 1 : 0;
    if (!bits) return false;
    uint64_t top = 0;
    int dropped = 0;
    bool sticky = false;
    for (size_t i = 2; i < s.size; i++) {
        char c = s.data[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : 99;
        if (digit >> bits) return false;
        for (int b = bits - 1; b >= 0; b--) {
            uint64_t bit = (uint64_t)digit >> b & 1;
            if (top >> 62) {
                sticky |= bit != 0;
                if (dropped < 4096) dropped++;
            } else {
                top = top << 1 | bit;
            }
        }
    }
    *out = ldexp((double)(top << 1 | sticky), dropped - 1); // 63 or 64 bits: the last one only breaks ties
    return isfinite(*out);
}

int jx_fn_NUMBER(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    double d;
    JX_WANT(0, JX_N | JX_S | JX_B | JX_M);
    switch (args[0].tag) {
    case ASL_BOOL: *out = asl_int(args[0].b); return 0;
    case ASL_STRING: break;
    default: *out = asl_retain(args[0]); return 0;
    }
    asl_str s = asl_text_of(&args[0]);
    if (!read_decimal(s, &d) && !read_radix(s, &d)) return jx_raise_value(jx, "D3030", &args[0]);
    *out = jx_number_value(d);
    return 0;
}

// ---------------------------------------------------------------- the rest

int jx_fn_RANDOM(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)args, (void)count;
    *out = jx_number_value(asl__random_unit(jx_random(jx)));
    return 0;
}

// A number that is none to the reference: what asks for its type says so.
static int check_finite(struct jx *jx, const asl_value *v) {
    return v->tag == ASL_DOUBLE && isinf(v->d) ? jx_raise_value(jx, "D1001", v) : 0;
}

int jx_fn_BOOLEAN(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    int truth = jx_test(jx, &args[0]);
    if (truth < 0) return -1;
    *out = args[0].tag == ASL_NONE ? asl_none() : asl_bool(truth);
    return 0;
}

int jx_fn_NOT(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    int truth = jx_test(jx, &args[0]);
    if (truth < 0) return -1;
    *out = args[0].tag == ASL_NONE ? asl_none() : asl_bool(!truth);
    return 0;
}

int jx_fn_EXISTS(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)jx, (void)count;
    *out = asl_bool(args[0].tag != ASL_NONE);
    return 0;
}

int jx_fn_TYPE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    const char *name = "function";
    if (check_finite(jx, &args[0]) < 0) return -1;
    switch (args[0].tag) {
    case ASL_NONE: *out = asl_none(); return 0;
    case ASL_NULL: name = "null"; break;
    case ASL_BOOL: name = "boolean"; break;
    case ASL_DOUBLE: name = isnan(args[0].d) ? "object" : "number"; break; // NaN falls through all tests
    case ASL_INT:
    case ASL_NUMBER_TEXT: name = "number"; break;
    case ASL_STRING: name = "string"; break;
    case ASL_ARRAY: name = "array"; break;
    case ASL_OBJECT: name = "object"; break;
    default: break;
    }
    *out = asl_string_z(name);
    return 0;
}

// The message of $error and $assert: theirs, or the default when there is none or it is empty.
static int raise_message(struct jx *jx, const char *code, const asl_value *message, const char *otherwise) {
    asl_value text = message->tag == ASL_STRING && asl_text_of(message).size ? asl_retain(*message)
                                                                            : asl_string_z(otherwise);
    int rc = jx_raise(jx, code, "message", &text, (const char *)NULL);
    asl_release(text);
    return rc;
}

int jx_fn_ERROR(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count, (void)out;
    return raise_message(jx, "D3137", &args[0], "$error() function evaluated");
}

int jx_fn_ASSERT(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    *out = asl_none();
    if (jx_host_truth(&args[0])) return 0;
    return raise_message(jx, "D3141", &args[1], "$assert() statement failed");
}

bool jx_host_truth(const asl_value *v) {
    switch (v->tag) {
    case ASL_NONE:
    case ASL_NULL: return false;
    case ASL_BOOL: return v->b;
    case ASL_INT: return v->i != 0;
    case ASL_DOUBLE: return v->d != 0 && !isnan(v->d);
    case ASL_NUMBER_TEXT: return jx_number(v) != 0;
    case ASL_STRING: return v->size != 0;
    default: return true;
    }
}
