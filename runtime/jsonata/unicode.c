// Text: characters, UTF-16 units and bytes of WTF-8, and strings under construction.
#include "lib.h"

// ---------------------------------------------------------------- counting

static inline uint64_t load8(const char *p) {
    uint64_t x;
    memcpy(&x, p, 8);
    return x;
}

#define EACH_BYTE 0x0101010101010101u

bool jx_ascii(asl_str s) {
    const char *p = s.data, *end = p + s.size;
    uint64_t seen = 0;
    for (; end - p >= 32; p += 32) {
        seen = load8(p) | load8(p + 8) | load8(p + 16) | load8(p + 24);
        if (seen & (EACH_BYTE << 7)) return false;
    }
    for (; end - p >= 8; p += 8) seen |= load8(p);
    for (; p < end; p++) seen |= (uint8_t)*p;
    return !(seen & (EACH_BYTE << 7));
}

// How many bytes b of the text satisfy (b & mask) == mask and, when `not` is set, !(b & not).
static size_t count_leads(asl_str s, int high_bit, int clear_bit) {
    const char *p = s.data, *end = p + s.size;
    size_t count = 0;
    while (end - p >= 8) {
        uint64_t sums = 0; // eight counters of a byte each
        for (int i = 0; i < 255 && end - p >= 8; i++, p += 8) {
            uint64_t x = load8(p);
            uint64_t hit = (x >> high_bit) & EACH_BYTE & (x >> 7);
            sums += clear_bit >= 0 ? hit & ~(x >> clear_bit) : hit;
        }
        uint64_t pairs = (sums & 0x00ff00ff00ff00ffu) + (sums >> 8 & 0x00ff00ff00ff00ffu);
        count += pairs * 0x0001000100010001u >> 48;
    }
    for (; p < end; p++) {
        uint8_t b = (uint8_t)*p;
        bool hit = (b >> 7) && (b >> high_bit & 1);
        count += hit && !(clear_bit >= 0 && (b >> clear_bit & 1));
    }
    return count;
}

// Continuation bytes are 10xxxxxx; characters above U+FFFF begin with 11110xxx, and no other byte has the bits 7 … 4.
size_t jx_code_points(asl_str s) { return s.size - count_leads(s, 7, 6); }

static size_t count_pairs(asl_str s) {
    size_t count = 0;
    for (size_t i = 0; i < s.size; i++) count += (uint8_t)s.data[i] >= 0xf0;
    return count;
}

size_t jx_units(asl_str s) { return jx_ascii(s) ? s.size : jx_code_points(s) + count_pairs(s); }

bool jx_has_pairs(asl_str s) {
    for (size_t i = 0; i < s.size; i++) {
        if ((uint8_t)s.data[i] >= 0xf0) return true;
    }
    return false;
}

bool jx_has_surrogates(asl_str s) {
    for (const char *p = s.data, *end = p + s.size; p < end; p++) {
        p = memchr(p, 0xed, (size_t)(end - p));
        if (!p) return false;
        if ((uint8_t)p[1] >= 0xa0) return true;
    }
    return false;
}

static inline size_t length_of(char lead) {
    uint8_t c = (uint8_t)lead;
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

size_t jx_code_point_offset(asl_str s, size_t n) {
    size_t at = 0;
    while (n && at < s.size) {
        if (n >= 8 && s.size - at >= 8 && !(load8(s.data + at) & (EACH_BYTE << 7))) {
            at += 8, n -= 8;
            continue;
        }
        at += length_of(s.data[at]);
        n--;
    }
    return at < s.size ? at : s.size;
}

// ---------------------------------------------------------------- text under construction

char *jx_text_grow(struct jx_text *t, size_t more) {
    size_t capacity = t->capacity * 2;
    if (more > (SIZE_MAX >> 2)) asl__out_of_memory(SIZE_MAX);
    if (capacity < t->size + more) capacity = t->size + more;
    if (t->data == t->local) {
        t->data = asl_alloc(capacity);
        memcpy(t->data, t->local, t->size);
    } else {
        t->data = asl_realloc(t->data, capacity);
    }
    t->capacity = capacity;
    return t->data + t->size;
}

size_t jx_put_code(uint32_t code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

void jx_text_code(struct jx_text *t, uint32_t code) { t->size += jx_put_code(code, jx_text_room(t, 4)); }

void jx_text_join(struct jx_text *t, asl_str s) {
    if (jx_begins_low(s.data, s.size) && jx_ends_high(t->data, t->size)) {
        uint32_t code = jx_join_halves(t->data + t->size - 3, s.data);
        t->size -= 3;
        jx_text_code(t, code);
        s.data += 3, s.size -= 3;
    }
    jx_text_add(t, s.data, s.size);
}

void jx_text_halves(struct jx_text *t, asl_str s) {
    const char *p = s.data, *end = p + s.size, *plain = p;
    while (p < end) {
        p = memchr(p, 0xed, (size_t)(end - p));
        if (!p) break;
        if (jx_ends_high(plain, (size_t)(p - plain)) && jx_begins_low(p, (size_t)(end - p))) {
            jx_text_join(t, (asl_str){plain, (size_t)(p - 3 - plain)});
            jx_text_code(t, jx_join_halves(p - 3, p));
            plain = p + 3;
        }
        p += 3;
    }
    jx_text_join(t, (asl_str){plain, (size_t)(end - plain)});
}

// ---------------------------------------------------------------- cutting

// The byte where unit n lies; *second says that it is the second half of the character there.
static size_t unit_offset(asl_str s, size_t n, bool *second) {
    size_t at = 0;
    *second = false;
    while (n && at < s.size) {
        size_t length = length_of(s.data[at]);
        if (length == 4) {
            if (n == 1) {
                *second = true;
                return at;
            }
            n--;
        }
        n--;
        at += length;
    }
    return at;
}

asl_value jx_unit_slice(asl_str s, size_t from, size_t to) {
    if (jx_ascii(s)) return asl_string((asl_str){s.data + from, to - from});
    bool from_second, to_second;
    size_t a = unit_offset(s, from, &from_second), b = unit_offset(s, to, &to_second);
    if (from >= to) return asl_string((asl_str){"", 0});
    if (!from_second && !to_second) return asl_string((asl_str){s.data + a, b - a});
    struct jx_text t;
    jx_text_begin(&t);
    if (from_second) {
        const char *p = s.data + a;
        uint32_t code = jx_next_code(&p);
        jx_text_code(&t, 0xdc00 | (code & 0x3ff));
        a += 4;
    }
    if (b > a) jx_text_add(&t, s.data + a, b - a);
    if (to_second) {
        const char *p = s.data + b;
        uint32_t code = jx_next_code(&p);
        jx_text_code(&t, 0xd800 | ((code - 0x10000) >> 10));
    }
    return jx_text_value(&t);
}

size_t jx_find(asl_str s, asl_str needle, size_t from) {
    if (from > s.size || needle.size > s.size - from) return SIZE_MAX;
    if (needle.size == 0) return from;
    const char *found = needle.size == 1 ? memchr(s.data + from, needle.data[0], s.size - from)
                                         : memmem(s.data + from, s.size - from, needle.data, needle.size);
    return found ? (size_t)(found - s.data) : SIZE_MAX;
}

void jx_split_pairs(asl_str s, struct jx_text *out) {
    const char *p = s.data, *end = p + s.size, *plain = p;
    while (p < end) {
        if ((uint8_t)*p < 0xf0) {
            p++;
            continue;
        }
        jx_text_add(out, plain, (size_t)(p - plain));
        uint32_t code = jx_next_code(&p);
        jx_text_code(out, 0xd800 | ((code - 0x10000) >> 10));
        jx_text_code(out, 0xdc00 | (code & 0x3ff));
        plain = p;
    }
    jx_text_add(out, plain, (size_t)(p - plain));
}
