// $uppercase and $lowercase: the full default mappings of Unicode, without locale: ß becomes SS, İ becomes i with a dot
// above, a sigma that ends a word becomes ς.
#include "lib.h"

struct case_range {
    uint32_t first, last;
    int32_t step, delta;
};
struct case_several {
    uint32_t code;
    uint16_t to[3]; /* 0 ends them */
};
struct code_range {
    uint32_t first, last;
};

#include "unicode_case.h"

struct mapping {
    const struct case_range *ranges;
    size_t range_count;
    const struct case_several *several;
    size_t several_count;
};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])
static const struct mapping to_upper = {upper_ranges, COUNT(upper_ranges), upper_several, COUNT(upper_several)};
static const struct mapping to_lower = {lower_ranges, COUNT(lower_ranges), lower_several, COUNT(lower_several)};

static uint32_t map_one(const struct mapping *m, uint32_t code) {
    size_t low = 0, high = m->range_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct case_range *r = &m->ranges[middle];
        if (code > r->last) low = middle + 1;
        else if (code < r->first) high = middle;
        else return (code - r->first) % (uint32_t)r->step ? code : code + (uint32_t)r->delta;
    }
    return code;
}

static const struct case_several *map_several(const struct mapping *m, uint32_t code) {
    size_t low = 0, high = m->several_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (m->several[middle].code == code) return &m->several[middle];
        if (m->several[middle].code < code) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

static bool is_in(const struct code_range *ranges, size_t count, uint32_t code) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (code > ranges[middle].last) low = middle + 1;
        else if (code < ranges[middle].first) high = middle;
        else return true;
    }
    return false;
}

// The character before p, which is not at the start.
static uint32_t code_before(const char *start, const char **p) {
    const char *q = *p - 1;
    while (q > start && ((uint8_t)*q & 0xc0) == 0x80) q--;
    *p = q;
    return jx_next_code(&q);
}

// A sigma ends a word when a letter with case stands before it and none after it; what does not count is skipped.
static bool ends_word(asl_str s, const char *sigma, const char *after) {
    uint32_t code = 0;
    const char *p = sigma;
    do {
        if (p == s.data) return false;
        code = code_before(s.data, &p);
    } while (is_in(case_ignorable, COUNT(case_ignorable), code));
    if (!is_in(cased, COUNT(cased), code)) return false;
    p = after;
    do {
        if (p == s.data + s.size) return true;
        code = jx_next_code(&p);
    } while (is_in(case_ignorable, COUNT(case_ignorable), code));
    return !is_in(cased, COUNT(cased), code);
}

// Eight ASCII letters at once: bit 7 of a byte is set where first <= byte <= last, and moved down it is the bit that
// tells the cases apart.
static inline uint64_t flip_case(uint64_t x, uint8_t first, uint8_t last) {
    const uint64_t each = 0x0101010101010101u;
    uint64_t from = x + each * (0x80u - first), past = x + each * (0x7fu - last);
    return x ^ ((from & ~past & (each << 7)) >> 2);
}

void jx_map_case(asl_str s, bool upper, struct jx_text *out) {
    const struct mapping *m = upper ? &to_upper : &to_lower;
    uint8_t first = upper ? 'a' : 'A', last = upper ? 'z' : 'Z';
    const char *p = s.data, *end = p + s.size;
    while (p < end) {
        if (end - p >= 8) {
            uint64_t x;
            memcpy(&x, p, 8);
            if (!(x & 0x8080808080808080u)) {
                x = flip_case(x, first, last);
                jx_text_add(out, (const char *)&x, 8);
                p += 8;
                continue;
            }
        }
        if ((uint8_t)*p < 0x80) {
            uint8_t c = (uint8_t)*p++;
            *jx_text_room(out, 1) = (char)(c >= first && c <= last ? c ^ 0x20 : c);
            out->size++;
            continue;
        }
        const char *start = p;
        uint32_t code = jx_next_code(&p);
        const struct case_several *several = map_several(m, code);
        if (!several) {
            if (code == 0x3a3 && !upper && ends_word(s, start, p)) code = 0x3c2;
            else code = map_one(m, code);
            jx_text_code(out, code);
            continue;
        }
        for (int i = 0; i < 3 && several->to[i]; i++) jx_text_code(out, several->to[i]);
    }
}
