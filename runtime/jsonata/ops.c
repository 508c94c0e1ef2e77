// Operators and constructors (jsonata-language 9, 10, 13).
//
// Each entry tries two integers, then two doubles, and leaves the rest to a cold function.
#include "eval.h"

#include <math.h>

// A number as documents have most: up to 14 bytes, digits and one point. Its digits as an integer and its power of ten are
// exact as doubles, so one division rounds correctly.
static double short_number(const asl_value *v) {
    static const double ten[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13};
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (v->size <= 8) { // eight digits at once: those before the point and those behind it pushed together
        const uint64_t each = UINT64_C(0x0101010101010101);
        uint64_t x;
        memcpy(&x, v->inline_text, 8);
        uint64_t points = x ^ each * '.', point = (points - each) & ~points & each * 0x80;
        if (point) {
            unsigned before = (unsigned)__builtin_ctzll(point) / 8, count = v->size - 1u;
            uint64_t low = before ? x & (~UINT64_C(0) >> (64 - 8 * before)) : 0;
            uint64_t high = before < 7 ? x >> (8 * before + 8) << 8 * before : 0;
            x = (low | high) << (64 - 8 * count);
            uint64_t digits = x ^ (each * '0' & ~UINT64_C(0) << (64 - 8 * count));
            if (!(((digits + each * 0x76) | digits) & each * 0x80)) {
                digits = (digits * 10 + (digits >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
                digits = (digits * 100 + (digits >> 16)) & UINT64_C(0x0000ffff0000ffff);
                digits = (digits * 10000 + (digits >> 32)) & UINT64_C(0xffffffff);
                return (double)digits / ten[count - before];
            }
        }
    }
#endif
    const char *p = v->inline_text, *end = p + v->size;
    bool negative = *p == '-';
    p += negative;
    uint64_t digits = 0;
    unsigned c;
    for (; p < end && (c = (unsigned)(*p - '0')) <= 9; p++) digits = digits * 10 + c;
    size_t fraction = 0;
    if (p < end && *p == '.') {
        const char *point = ++p;
        for (; p < end && (c = (unsigned)(*p - '0')) <= 9; p++) digits = digits * 10 + c;
        fraction = (size_t)(p - point);
    }
    if (p < end) return asl_number(v); // an exponent
    double d = (double)digits / ten[fraction];
    return negative ? -d : d;
}

double jx_number(const asl_value *v) {
    if (v->tag == ASL_INT) return (double)v->i;
    if (v->tag == ASL_DOUBLE) return v->d;
    return v->size <= ASL_INLINE_MAX ? short_number(v) : asl_number(v);
}

// A zero that is negative: its reciprocal shows it, and nothing else. A document has none.
static COLD bool is_negative_zero(double d) {
    if (!signbit(d)) return false;
    jx_strange = true;
    return true;
}

asl_value jx_number_value(double d) {
    if (d >= -0x1p53 && d <= 0x1p53) {
        int64_t i = (int64_t)d;
        if ((double)i == d && (LIKELY(i) || !is_negative_zero(d))) return asl_int(i);
    } else if (!isfinite(d)) {
        jx_strange = true;
    }
    return jx_double(d);
}

static inline void put_number(asl_frame *frame, uint32_t d, double x) {
    if (x >= -0x1p53 && x <= 0x1p53) {
        int64_t i = (int64_t)x;
        if ((double)i == x && (LIKELY(i) || !is_negative_zero(x))) {
            put_int(frame, d, i);
            return;
        }
    } else if (!isfinite(x)) {
        jx_strange = true;
    }
    struct asl__words w = {ASL_DOUBLE, 0};
    memcpy(&w.body, &x, 8);
    put_words(frame, d, w);
}

static inline bool is_number(const asl_value *v) { return v->tag >= ASL_INT && v->tag <= ASL_NUMBER_TEXT; }

int32_t asl_rt_jx_const(asl_frame *frame, uint32_t d, uint32_t k) {
    put_copy(frame, d, &jx_of(frame)->constants[k]);
    return 0;
}

int32_t asl_rt_jx_undefined(asl_frame *frame, uint32_t d) {
    put_words(frame, d, (struct asl__words){0, 0});
    return 0;
}

int32_t asl_rt_jx_unwrap(asl_frame *frame, uint32_t d, uint32_t s) {
    const asl_value *v = at(frame, s);
    if (is_array(v) && jx_marks(v) & JX_OUTER) put_copy(frame, d, &v->array->items[0]);
    else if (is_sequence(v)) put(frame, d, jx_collapse(jx_retain(*v), false));
    else put_copy(frame, d, v);
    return 0;
}

int32_t asl_rt_jx_sequence(asl_frame *frame, uint32_t d, uint32_t s) {
    asl_value v = take(frame, s);
    if (v.tag == ASL_NONE) jx_strange = true;
    if (v.tag != ASL_ARRAY) {
        asl_value one = asl_array_new(1);
        jx_push(&one, v);
        v = jx_marked(one, JX_SEQUENCE);
    }
    put(frame, d, v);
    return 0;
}

// ---------------------------------------------------------------- arithmetic

enum operation { ADD, SUBTRACT, MULTIPLY, DIVIDE, REMAINDER };
static const char *const symbols[] = {"+", "-", "*", "/", "%"};

// An operand must be a finite number or nothing. 1 nothing, 0 fine, -1 raised.
static COLD int bad_operand(struct jx *jx, const asl_value *v, const char *code) {
    if (v->tag == ASL_NONE) return 1;
    if (v->tag == ASL_DOUBLE && isinf(v->d)) return jx_raise(jx, "D1001", "value", v, (const char *)NULL);
    return jx_raise(jx, code, "value", v, (const char *)NULL);
}

static inline bool finite_number(const asl_value *v) {
    return v->tag == ASL_INT || v->tag == ASL_NUMBER_TEXT || (v->tag == ASL_DOUBLE && isfinite(v->d));
}

static double compute(enum operation op, double x, double y) {
    switch (op) {
    case ADD: return x + y;
    case SUBTRACT: return x - y;
    case MULTIPLY: return x * y;
    case DIVIDE: return x / y;
    case REMAINDER: return fmod(x, y);
    }
    return 0;
}

static __attribute__((noinline)) int32_t arithmetic(asl_frame *frame, uint32_t d, uint32_t l, uint32_t r, uint32_t position, enum operation op) {
    struct jx *jx = jx_of(frame);
    const asl_value *a = peek(frame, l), *b = peek(frame, r);
    int left = finite_number(a) ? 0 : bad_operand(jx, a, "T2001");
    if (left < 0) return jx_place(jx, position, symbols[op]);
    int right = finite_number(b) ? 0 : bad_operand(jx, b, "T2002");
    if (right < 0) return jx_place(jx, position, symbols[op]);
    if (left || right) put_words(frame, d, (struct asl__words){0, 0});
    else put_number(frame, d, compute(op, jx_number(a), jx_number(b)));
    return 0;
}

#define BOTH(kind) (a->tag == (kind) && b->tag == (kind))

int32_t asl_rt_jx_add(asl_frame *frame, uint32_t d, uint32_t l, uint32_t r, uint32_t position) {
    const asl_value *a = peek(frame, l), *b = peek(frame, r);
    if (LIKELY(BOTH(ASL_INT) && jx_is_exact(a->i) && jx_is_exact(b->i))) {
        int64_t sum = a->i + b->i;
        if (LIKELY(jx_is_exact(sum))) return put_int(frame, d, sum), 0;
    }
    return arithmetic(frame, d, l, r, position, ADD);
}

int32_t asl_rt_jx_subtract(asl_frame *frame, uint32_t d, uint32_t l, uint32_t r, uint32_t position) {
    const asl_value *a = peek(frame, l), *b = peek(frame, r);
    if (LIKELY(BOTH(ASL_INT) && jx_is_exact(a->i) && jx_is_exact(b->i))) {
        int64_t difference = a->i - b->i;
        if (LIKELY(jx_is_exact(difference))) return put_int(frame, d, difference), 0;
    }
    return arithmetic(frame, d, l, r, position, SUBTRACT);
}

int32_t asl_rt_jx_multiply(asl_frame *frame, uint32_t d, uint32_t l, uint32_t r, uint32_t position) {
    const asl_value *a = peek(frame, l), *b = peek(frame, r);
    if (BOTH(ASL_INT)) {
        int64_t product;
        bool overflows = __builtin_mul_overflow(a->i, b->i, &product);
        if (LIKELY(!overflows && jx_is_exact(product) && jx_is_exact(a->i) && jx_is_exact(b->i) && (product || (a->i | b->i) >= 0))) // not -0
            return put_int(frame, d, product), 0;
    }
    return arithmetic(frame, d, l, r, position, MULTIPLY);
}

int32_t asl_rt_jx_divide(asl_frame *frame, uint32_t d, uint32_t l, uint32_t r, uint32_t position) {
    return arithmetic(frame, d, l, r, position, DIVIDE);
}

int32_t asl_rt_jx_remainder(asl_frame *frame, uint32_t d, uint32_t l, uint32_t r, uint32_t position) {
    const asl_value *a = peek(frame, l), *b = peek(frame, r);
    if (LIKELY(BOTH(ASL_INT) && b->i > 0 && a->i >= 0 && jx_is_exact(a->i) && jx_is_exact(b->i))) return put_int(frame, d, a->i % b->i), 0;
    return arithmetic(frame, d, l, r, position, REMAINDER);
}

int32_t asl_rt_jx_negate(asl_frame *frame, uint32_t d, uint32_t v, uint32_t position) {
    const asl_value *a = peek(frame, v);
    if (finite_number(a)) {
        put(frame, d, jx_number_value(-jx_number(a)));
        return 0;
    }
    if (bad_operand(jx_of(frame), a, "D1002") < 0) return jx_place(jx_of(frame), position, "-");
    put(frame, d, asl_none());
    return 0;
}

// ---------------------------------------------------------------- truth and comparison

bool jx_truth(const asl_value *v) {
    switch ((asl_tag)v->tag) {
    case ASL_NONE:
    case ASL_NULL:
    case ASL_FUNCTION: return false;
    case ASL_BOOL: return v->b;
    case ASL_INT: return v->i != 0;
    case ASL_DOUBLE: return v->d != 0 && !isnan(v->d);
    case ASL_NUMBER_TEXT: return jx_number(v) != 0;
    case ASL_STRING: return v->size != 0;
    case ASL_OBJECT: return asl_object_count(v) > 0;
    case ASL_ARRAY: break;
    }
    // Any item's truth; of arrays in arrays, without recursion.
    const asl_value *stack[64];
    uint32_t next[64], depth = 0;
    stack[0] = v, next[0] = 0;
    for (;;) {
        const asl_value *top = stack[depth];
        if (next[depth] == count_of(top)) {
            if (depth-- == 0) return false;
            continue;
        }
        const asl_value *item = &top->array->items[next[depth]++];
        if (item->tag != ASL_ARRAY) {
            if (jx_truth(item)) return true;
        } else if (depth < 63) {
            stack[++depth] = item, next[depth] = 0;
        } else if (count_of(item) > 0) {
            return true;
        }
    }
}

// The first infinity that the truth of v asks about: itself or in an array, however deep.
static const asl_value *infinity_in(const asl_value *v, int depth) {
    if (v->tag == ASL_DOUBLE) return isinf(v->d) ? v : NULL;
    if (v->tag != ASL_ARRAY || depth == 0) return NULL;
    for (uint32_t i = 0; i < count_of(v); i++) {
        const asl_value *found = infinity_in(&v->array->items[i], depth - 1);
        if (found) return found;
    }
    return NULL;
}

int jx_test(struct jx *jx, const asl_value *v) {
    if (v->tag == ASL_BOOL) return v->b;
    if (UNLIKELY(jx_strange)) {
        const asl_value *infinity = infinity_in(v, ASL_MAX_DEPTH);
        if (infinity) return jx_raise(jx, "D1001", "value", infinity, (const char *)NULL);
    }
    return jx_truth(v);
}

int32_t asl_rt_jx_truth(asl_frame *frame, uint32_t v) { return jx_test(jx_of(frame), peek(frame, v)); }

int32_t asl_rt_jx_exists(asl_frame *frame, uint32_t v) { return peek(frame, v)->tag != ASL_NONE; }

static inline bool equal(const asl_value *a, const asl_value *b) {
    if (a->tag == b->tag) {
        if (a->tag == ASL_INT) return a->i == b->i || UNLIKELY(!jx_is_exact(a->i) && (double)a->i == (double)b->i);
        if (a->tag == ASL_STRING && a->size != ASL_ON_HEAP) return memcmp(a, b, sizeof *a) == 0;
    }
    return jx_deep_equal(a, b);
}

static inline bool is_equal(const asl_value *a, const asl_value *b) {
    return a->tag != ASL_NONE && b->tag != ASL_NONE && equal(a, b);
}

int32_t asl_rt_jx_equal(asl_frame *frame, uint32_t l, uint32_t r) { return is_equal(peek(frame, l), peek(frame, r)); }

static inline bool is_unequal(const asl_value *a, const asl_value *b) {
    return a->tag != ASL_NONE && b->tag != ASL_NONE && !equal(a, b);
}

int32_t asl_rt_jx_unequal(asl_frame *frame, uint32_t l, uint32_t r) { return is_unequal(peek(frame, l), peek(frame, r)); }

// Identity: numbers, strings and the like by value, arrays and objects only when they are the same one.
static bool identical(const asl_value *a, const asl_value *b) {
    if (asl__is_container(a)) return a->tag == b->tag && a->array == b->array;
    return jx_deep_equal(a, b);
}

bool jx_is_in(const asl_value *a, const asl_value *b) {
    if (a->tag == ASL_NONE || b->tag == ASL_NONE) return false;
    if (b->tag != ASL_ARRAY) return identical(a, b);
    for (uint32_t i = 0; i < count_of(b); i++)
        if (identical(a, &b->array->items[i])) return true;
    return false;
}

int32_t asl_rt_jx_in(asl_frame *frame, uint32_t l, uint32_t r) { return jx_is_in(peek(frame, l), peek(frame, r)); }

int32_t asl_rt_jx_same(asl_frame *frame, uint32_t d, uint32_t l, uint32_t r, uint32_t how) {
    const asl_value *a = peek(frame, l), *b = peek(frame, r);
    put(frame, d, asl_bool(how == 0 ? is_equal(a, b) : how == 1 ? is_unequal(a, b) : jx_is_in(a, b)));
    return 0;
}

// -1, 0, 1; 2: one side is nothing; -2: raised.
static __attribute__((noinline)) int order(asl_frame *frame, const asl_value *a, const asl_value *b, uint32_t position, const char *symbol) {
    struct jx *jx = jx_of(frame);
    bool a_fits = a->tag == ASL_NONE || a->tag == ASL_STRING || is_number(a);
    bool b_fits = b->tag == ASL_NONE || b->tag == ASL_STRING || is_number(b);
    if (!a_fits || !b_fits) {
        jx_raise(jx, "T2010", "value", a_fits ? b : a, (const char *)NULL);
        return jx_place(jx, position, symbol), -2;
    }
    if (a->tag == ASL_NONE || b->tag == ASL_NONE) return 2;
    if ((a->tag == ASL_STRING) != (b->tag == ASL_STRING)) {
        jx_raise(jx, "T2009", "value", a, "value2", b, (const char *)NULL);
        return jx_place(jx, position, symbol), -2;
    }
    if (a->tag == ASL_STRING) {
        int c = asl_string_compare(asl_text_of(a), asl_text_of(b));
        return c < 0 ? -1 : c > 0;
    }
    double x = jx_number(a), y = jx_number(b);
    return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
}

static inline int compare(asl_frame *frame, uint32_t l, uint32_t r, uint32_t position, const char *symbol) {
    const asl_value *a = peek(frame, l), *b = peek(frame, r);
    if (LIKELY(BOTH(ASL_INT) && jx_is_exact(a->i) && jx_is_exact(b->i))) return a->i < b->i ? -1 : a->i > b->i;
    return order(frame, a, b, position, symbol);
}

int32_t asl_rt_jx_less(asl_frame *frame, uint32_t l, uint32_t r, uint32_t position) {
    int c = compare(frame, l, r, position, "<");
    return UNLIKELY(c == -2) ? -1 : c == -1;
}

int32_t asl_rt_jx_less_equal(asl_frame *frame, uint32_t l, uint32_t r, uint32_t position) {
    int c = compare(frame, l, r, position, "<=");
    return UNLIKELY(c == -2) ? -1 : c == -1 || c == 0;
}

int32_t asl_rt_jx_greater(asl_frame *frame, uint32_t l, uint32_t r, uint32_t position) {
    int c = compare(frame, l, r, position, ">");
    return UNLIKELY(c == -2) ? -1 : c == 1;
}

int32_t asl_rt_jx_greater_equal(asl_frame *frame, uint32_t l, uint32_t r, uint32_t position) {
    int c = compare(frame, l, r, position, ">=");
    return UNLIKELY(c == -2) ? -1 : c == 1 || c == 0;
}

int32_t asl_rt_jx_order(asl_frame *frame, uint32_t d, uint32_t l, uint32_t r, uint32_t how, uint32_t position) {
    static const char *const operators[] = {"<", "<=", ">", ">="};
    int c = compare(frame, l, r, position, operators[how]);
    if (UNLIKELY(c == -2)) return -1;
    bool holds = how == 0 ? c < 0 : how == 1 ? c <= 0 : how == 2 ? c > 0 : c >= 0;
    bool nan = c == 2 && peek(frame, l)->tag != ASL_NONE && peek(frame, r)->tag != ASL_NONE;
    put(frame, d, c == 2 ? (nan ? asl_bool(false) : asl_none()) : asl_bool(holds));
    return 0;
}

// ---------------------------------------------------------------- strings

// Halves of a surrogate pair that meet become one character.
static void join(asl_buffer *b, asl_str s) {
    const uint8_t *p = (const uint8_t *)s.data, *q = b->size >= 3 ? (const uint8_t *)b->data + b->size : NULL;
    if (q && s.size >= 3 && p[0] == 0xed && p[1] >= 0xb0 && q[-3] == 0xed && q[-2] >= 0xa0 && q[-2] < 0xb0) {
        uint32_t high = (uint32_t)(q[-2] & 0x0f) << 6 | (q[-1] & 0x3f), low = (uint32_t)(p[1] & 0x0f) << 6 | (p[2] & 0x3f);
        uint32_t c = 0x10000 + (high << 10 | low);
        b->size -= 3;
        char text[4] = {(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3f)), (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f))};
        asl_buffer_add(b, text, 4);
        s.data += 3, s.size -= 3;
    }
    asl_buffer_str(b, s);
}

int jx_concat(struct jx *jx, const asl_value *v, uint32_t count, asl_value *out) {
    char local[512];
    size_t size = 0;
    bool simple = true;
    for (uint32_t i = 0; i < count && simple; i++) {
        if (v[i].tag == ASL_NONE) continue;
        if (v[i].tag == ASL_INT) {
            if (size > sizeof local - 20 || !jx_is_exact(v[i].i)) simple = false;
            else size += asl__int_print(v[i].i, local + size);
            continue;
        }
        asl_str s = v[i].tag == ASL_STRING ? asl_text_of(&v[i]) : (asl_str){"", 0};
        simple = v[i].tag == ASL_STRING && s.size <= sizeof local - size && !(s.size && (uint8_t)s.data[0] == 0xed);
        if (simple && s.size) memcpy(local + size, s.data, s.size);
        size += s.size;
    }
    if (simple) {
        *out = asl_string((asl_str){local, size});
        return 0;
    }
    asl_buffer b = {0};
    int rc = 0;
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        if (v[i].tag == ASL_NONE) continue;
        if (v[i].tag == ASL_STRING) {
            asl_str s = asl_text_of(&v[i]);
            rc = jx_charge(jx, b.size + s.size);
            if (rc == 0) join(&b, s);
        } else {
            rc = jx_stringify(jx, &v[i], false, &b);
        }
    }
    if (rc == 0) *out = asl_string((asl_str){b.data ? b.data : "", b.size});
    asl_buffer_free(&b);
    return rc;
}

int32_t asl_rt_jx_concat(asl_frame *frame, uint32_t d, uint32_t a, uint32_t count, uint32_t position) {
    struct jx *jx = jx_of(frame);
    asl_value *v = &frame->slot[a], text;
    if (UNLIKELY(jx_concat(jx, v, count, &text) < 0)) return jx_place(jx, position, "&");
    for (uint32_t i = 0; i < count; i++) {
        if (is_counted(&v[i])) asl_release(v[i]);
        v[i] = asl_none();
    }
    put(frame, d, text);
    return 0;
}

// ---------------------------------------------------------------- arrays

COLD void jx_grow(asl_value *array) {
    asl_array *a = array->array;
    uint32_t capacity = a->head.capacity < 4 ? 8 : a->head.capacity * 2;
    if (capacity > ASL__CAPACITY_MAX) asl__out_of_memory(SIZE_MAX);
    a = asl__block_resize(a, asl__array_size(a->head.capacity), asl__array_size(capacity));
    a->head.capacity = capacity;
    array->array = a;
}

asl_value jx_copy_items(const asl_value *array, size_t more) {
    uint32_t count = count_of(array);
    asl_value copy = asl_array_new(count + more);
    for (uint32_t i = 0; i < count; i++) copy.array->items[i] = jx_retain(array->array->items[i]);
    copy.array->head.count = count;
    return copy;
}

void jx_push_all(asl_value *array, const asl_value *items, uint32_t count) {
    if (array->array->head.capacity - array->array->head.count < count) {
        uint32_t needed = array->array->head.count + count, capacity = array->array->head.capacity * 2;
        if (capacity < needed) capacity = needed;
        if (capacity > ASL__CAPACITY_MAX) asl__out_of_memory(SIZE_MAX);
        array->array = asl__block_resize(array->array, asl__array_size(array->array->head.capacity), asl__array_size(capacity));
        array->array->head.capacity = capacity;
    }
    asl_value *to = &array->array->items[array->array->head.count];
    for (uint32_t i = 0; i < count; i++) to[i] = jx_retain(items[i]);
    array->array->head.count += count;
}

asl_value jx_append(asl_value a, asl_value b) {
    if (a.tag == ASL_NONE) return b;
    if (b.tag == ASL_NONE) return a;
    asl_value list;
    if (a.tag == ASL_ARRAY && a.array->head.refs == 1) {
        list = a;
        list.reserved[0] = 0;
    } else if (a.tag == ASL_ARRAY) {
        list = jx_copy_items(&a, b.tag == ASL_ARRAY ? count_of(&b) : 4);
        asl_release(a);
    } else {
        list = asl_array_new(4);
        jx_push(&list, a);
    }
    if (b.tag == ASL_ARRAY) {
        jx_push_all(&list, b.array->items, count_of(&b));
        asl_release(b);
    } else {
        jx_push(&list, b);
    }
    return list;
}

asl_value jx_collapse(asl_value v, bool keep) {
    if (!is_sequence(&v) || jx_marks(&v) & JX_TUPLES) return v;
    if (keep) v.reserved[0] |= JX_KEEP_SINGLETON;
    uint32_t count = count_of(&v);
    if (count == 0) {
        asl_release(v);
        return asl_none();
    }
    if (count > 1 || v.reserved[0] & JX_KEEP_SINGLETON) return v;
    asl_value item = jx_retain(v.array->items[0]);
    asl_release(v);
    return item;
}

int32_t asl_rt_jx_node(asl_frame *frame, uint32_t d, uint32_t s, uint32_t keep) {
    asl_value v = take(frame, s);
    if (keep == 2 && v.tag != ASL_ARRAY && v.tag != ASL_NONE) { // the item that an index has found
        asl_value one = asl_array_new(1);
        jx_push(&one, v);
        v = jx_marked(one, JX_SEQUENCE);
    }
    put(frame, d, jx_collapse(v, keep != 0));
    return 0;
}

// An element of an array constructor, moved in.
static inline void add_element(asl_value *list, asl_value v, bool nested) {
    if (v.tag == ASL_NONE) return;
    if (nested || v.tag != ASL_ARRAY) {
        jx_push(list, v);
        return;
    }
    jx_push_all(list, v.array->items, count_of(&v));
    asl_release(v);
}

int32_t asl_rt_jx_list(asl_frame *frame, uint32_t d, uint32_t a, uint32_t count, uint32_t nested) {
    asl_value *v = &frame->slot[a];
    asl_value list;
    if (count && v[0].tag == ASL_ARRAY && !(nested & 1)) { // nobody changes an array that somebody else holds
        list = v[0];
        if (count > 1) jx_own(&list, count);
        list.reserved[0] = 0;
    } else {
        list = asl_array_new(count);
        if (count) add_element(&list, v[0], nested & 1);
    }
    if (count) v[0] = asl_none();
    for (uint32_t i = 1; i < count; i++) {
        add_element(&list, v[i], nested >> i & 1);
        v[i] = asl_none();
    }
    put(frame, d, list);
    return 0;
}

int32_t asl_rt_jx_list_add(asl_frame *frame, uint32_t x, uint32_t v, uint32_t nested) {
    asl_value *list = &frame->slot[x];
    jx_own(list, 8);
    add_element(list, take_any(frame, v), nested != 0);
    return 0;
}

int32_t asl_rt_jx_marked(asl_frame *frame, uint32_t d, uint32_t s, uint32_t marks) {
    asl_value v = take(frame, s);
    if (is_array(&v)) v.reserved[0] = (uint8_t)marks;
    put(frame, d, v);
    return 0;
}

// Whether v may stand in a range: 1 nothing, 0 an integer, -1 raised.
static int range_end(struct jx *jx, const asl_value *v, const char *code, double *out) {
    if (v->tag == ASL_NONE) return 1;
    if (is_number(v)) {
        *out = jx_number(v);
        if (*out == floor(*out) && isfinite(*out)) return 0;
    }
    return jx_raise(jx, code, "value", v, (const char *)NULL);
}

int32_t asl_rt_jx_range(asl_frame *frame, uint32_t d, uint32_t l, uint32_t r, uint32_t position) {
    struct jx *jx = jx_of(frame);
    double first = 0, last = 0;
    int left = range_end(jx, peek(frame, l), "T2003", &first);
    int right = left < 0 ? left : range_end(jx, peek(frame, r), "T2004", &last);
    if (right < 0) return jx_place(jx, position, "..");
    if (left || right || first > last) {
        put(frame, d, asl_none());
        return 0;
    }
    double size = last - first + 1;
    if (size > 1e7) {
        asl_value shown = jx_number_value(size);
        jx_raise(jx, "D2014", "value", &shown, (const char *)NULL);
        return jx_place(jx, position, "..");
    }
    // The service runs out of its 7 MiB between 873782 and 873783 numbers (recorded).
    if (jx_charge(jx, (size_t)(size * 8.4003)) < 0) return jx_place(jx, position, "..");
    asl_value list = asl_array_new((size_t)size);
    for (uint32_t i = 0; i < (uint32_t)size; i++) list.array->items[i] = jx_number_value(first + i);
    list.array->head.count = (uint32_t)size;
    put(frame, d, jx_marked(list, JX_SEQUENCE));
    return 0;
}

// ---------------------------------------------------------------- objects

asl_text *jx_key_of(const asl_value *string) {
    if (string->size != ASL_ON_HEAP) return asl_text_new(asl_text_of(string));
    asl__key_hash(string->text);
    return asl_text_retain(string->text);
}

bool jx_is_index(const asl_text *key, uint32_t *index) {
    if (key->size == 0 || key->size > 10 || (uint8_t)(key->bytes[0] - '0') > 9 || (key->bytes[0] == '0' && key->size > 1)) return false;
    uint64_t n = 0;
    for (size_t i = 0; i < key->size; i++) {
        if ((uint8_t)(key->bytes[i] - '0') > 9) return false;
        n = n * 10 + (uint64_t)(key->bytes[i] - '0');
    }
    *index = (uint32_t)n;
    return n < UINT32_MAX;
}

asl_value jx_object_put(asl_value object, asl_text *key, asl_value item) {
    uint32_t index, other;
    size_t before = asl_object_count(&object);
    object = asl_object_set(object, key, item);
    if (LIKELY(!jx_is_index(key, &index)) || asl_object_count(&object) == before) return object;
    // The new key, which is last, moves before those that follow it.
    asl_object *o = object.object;
    size_t place = before;
    while (place > 0 && !(jx_is_index(o->entries[place - 1].key, &other) && other < index)) place--;
    if (place == before) return object;
    struct asl__entry moved = o->entries[before];
    memmove(&o->entries[place + 1], &o->entries[place], (before - place) * sizeof moved);
    o->entries[place] = moved;
    asl_free(o->index);
    o->index = NULL;
    o->head.slots = 0;
    return object;
}

int32_t asl_rt_jx_record(asl_frame *frame, uint32_t d, uint32_t a, uint32_t count, uint32_t k) {
    const struct jx_names *names = jx_names_of(jx_of(frame), k);
    asl_value *v = frame->slot + (count ? a : 0), object = asl_object_new(count);
    asl_object *o = object.object;
    // The compiler has put the keys in order, each once.
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (v[i].tag == ASL_NONE) continue;
        o->entries[n].key = asl_text_retain(names->items[i].key);
        o->entries[n++].value = v[i];
        v[i] = asl_none();
    }
    o->head.count = n;
    put(frame, d, object);
    return 0;
}

int32_t asl_rt_jx_put(asl_frame *frame, uint32_t x, uint32_t key, uint32_t v) {
    if (v == ASL_NO_OPERAND) {
        if (frame->slot[x].tag != ASL_OBJECT) frame->slot[x] = asl_object_new(0);
        return 0;
    }
    asl_value item = take_any(frame, v);
    if (item.tag == ASL_NONE) return 0;
    const asl_value *name = peek(frame, key);
    asl_text *text = jx_key_of(name);
    asl_value *object = &frame->slot[x];
    if (object->tag != ASL_OBJECT) *object = asl_object_new(4);
    *object = jx_object_put(*object, text, item);
    asl_text_release(text);
    return 0;
}
