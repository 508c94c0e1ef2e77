// JSON text: parsing straight into values, printing from them.
//
// Both go through text 16 bytes at a time: window_special() tells at once which of 16 bytes need a closer look. What
// strings consist of mostly, and all of most keys, is never looked at byte by byte.
//
// The parser does not recurse. Items and members wait on two stacks until their array or object is closed, which is then
// made in its final size with one allocation:
//
//     {"a": [1, 2, {"b": 3}     members  | a: … | b: 3 |          levels  | object, from member 0 |
//                               items    | 1 | 2 |                        | array, from item 0    |
//                                                                         | object, from member 1 |
//
// Keys that occur again share one asl_text, as long as the small cache remembers them.
#include "value_private.h"

#include <stdarg.h>
#include <stdio.h>

#if defined __SSE2__
#include <emmintrin.h>
#endif

// ---------------------------------------------------------------- 16 bytes at a time

// 8 bytes as a number whose lowest byte is the first.
static inline uint64_t load8(const char *p) {
    uint64_t x;
    memcpy(&x, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

#if defined __SSE2__

// A bit for each byte below 0x20, '"' and '\\'; and, when asked, from 0x80 on.
static inline uint32_t window_special(const char *p, bool non_ascii) {
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"')), backslash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
    __m128i low = non_ascii ? _mm_cmplt_epi8(x, _mm_set1_epi8(0x20)) // signed: bytes from 0x80 on are negative
                            : _mm_cmpeq_epi8(_mm_max_epu8(x, _mm_set1_epi8(0x1f)), _mm_set1_epi8(0x1f));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), low));
}

#else

// The high bit of each byte of x that is below `limit`, up to 0x80; no carries between bytes.
static inline uint64_t bytes_below(uint64_t x, uint64_t limit) {
    return ~(((x & EACH(0x7f)) + EACH(0x80 - limit)) | x) & EACH(0x80);
}

static inline uint32_t window_special(const char *p, bool non_ascii) {
    uint32_t mask = 0;
    for (int half = 1; half >= 0; half--) {
        uint64_t x = load8(p + 8 * half);
        uint64_t found = bytes_below(x, 0x20) | bytes_below(x ^ EACH('"'), 1) | bytes_below(x ^ EACH('\\'), 1);
        if (non_ascii) found |= x & EACH(0x80);
        mask = mask << 8 | (uint32_t)((found >> 7) * UINT64_C(0x0102040810204080) >> 56);
    }
    return mask;
}

#endif

// 16 bytes as two such numbers.
struct window {
    uint64_t low, high;
};

static const char byte_mask[32] = "\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377";

// The first `size` <= 16 of 16 readable bytes, the others zero.
static inline struct window window_load(const char *p, size_t size) {
    const char *mask = byte_mask + 16 - size;
    return (struct window){load8(p) & load8(mask), load8(p + 8) & load8(mask + 8)};
}

// A value in the making. It stays in two registers until it is stored where it belongs: written byte by byte and read
// again as 16 it would stall the processor each time.
static inline struct window window_of(asl_value v) {
    struct window w;
    memcpy(&w, &v, sizeof w);
    return w;
}

static inline asl_value value_of(struct window w) {
    asl_value v;
    memcpy(&v, &w, sizeof v);
    return v;
}

// The value with up to 14 bytes of text in it.
static inline struct window inline_text(asl_tag tag, const char *p, size_t size) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    struct window w = window_load(p, size);
    return (struct window){(uint64_t)tag | (uint64_t)size << 8 | w.low << 16, w.low >> 48 | w.high << 16};
#else
    return window_of(asl__inline_text(tag, p, size));
#endif
}

// ---------------------------------------------------------------- the parser

struct level {
    bool object;
    size_t base; /* where its items or members begin on their stack */
};

#define CACHED_KEYS 128
struct cached_key {
    struct window start; /* of the key, padded with zeros */
    asl_text *text;      /* not owned: a member on the stack or in a value holds it */
};

#define FIRST_ROOM 64
struct parser {
    const char *start, *end;
    size_t max_depth;
    bool lone_surrogates, index_order;
    asl_json_error *error; /* may be NULL */
    asl_value *items;
    struct asl__entry *members;
    struct level *levels;
    size_t item_count, item_room, member_count, member_room, depth, level_room;
    asl_buffer decoded; /* of a string with escapes */
    uint64_t cached[CACHED_KEYS / 64]; /* a bit for each of keys[] that holds one */
    /* Not initialised: keys that are not cached, and room for documents that need no more. */
    struct cached_key keys[CACHED_KEYS];
    asl_value first_items[FIRST_ROOM];
    struct asl__entry first_members[FIRST_ROOM];
    struct level first_levels[FIRST_ROOM];
};

static const char *fail(struct parser *s, const char *at, const char *format, ...)
    __attribute__((cold, noinline, format(printf, 3, 4)));

// Fills in the error and returns NULL, which stands for failure everywhere below.
static const char *fail(struct parser *s, const char *at, const char *format, ...) {
    asl_json_error *e = s->error;
    if (!e) return NULL;
    e->offset = (size_t)(at - s->start);
    e->line = 1;
    const char *line = s->start;
    for (const char *p = line; p < at; p++) {
        if (*p != '\n') continue;
        e->line++;
        line = p + 1;
    }
    e->column = (uint32_t)(at - line) + 1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(e->message, sizeof e->message, format, arguments);
    va_end(arguments);
    return NULL;
}

// Doubles the room of a stack that begins in the parser itself.
static void *more_room(void *stack, const void *first, size_t *room, size_t each) {
    size_t size = asl__block_size(0, *room, each), doubled = asl__block_size(0, *room, 2 * each);
    void *larger = stack == first ? memcpy(asl_alloc(doubled), stack, size) : asl_realloc(stack, doubled);
    *room *= 2;
    return larger;
}

static inline const char *skip_space(const char *p, const char *end) {
    while (p < end && (uint8_t)*p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
    return p;
}

// ---------------------------------------------------------------- strings

// The length of the valid UTF-8 sequence at p, whose first byte is not ASCII; 0 when it is not valid (RFC 3629: no
// overlong forms, no surrogates, nothing above U+10FFFF).
static inline size_t utf8_length(const char *text, const char *end) {
    const uint8_t *p = (const uint8_t *)text;
    size_t left = (size_t)(end - text);
    if (p[0] < 0xc2 || left < 2 || (p[1] & 0xc0) != 0x80) return 0;
    if (p[0] < 0xe0) return 2;
    if (left < 3 || (p[2] & 0xc0) != 0x80) return 0;
    if (p[0] < 0xf0) {
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0)) return 0;
        return 3;
    }
    if (left < 4 || (p[3] & 0xc0) != 0x80) return 0;
    if (p[0] > 0xf4 || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90)) return 0;
    return 4;
}

// The number of four hexadecimal digits, or -1.
static int32_t hex4(const char *p, const char *end) {
    if (end - p < 4) return -1;
    int32_t x = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
        if (digit < 0) return -1;
        x = x << 4 | digit;
    }
    return x;
}

// Decodes the escape at p, which is at a backslash, to the end of s->decoded.
static const char *escape(struct parser *s, const char *p) {
    char c = p + 1 < s->end ? p[1] : 0;
    switch (c) {
    case '"':
    case '\\':
    case '/': break;
    case 'b': c = '\b'; break;
    case 'f': c = '\f'; break;
    case 'n': c = '\n'; break;
    case 'r': c = '\r'; break;
    case 't': c = '\t'; break;
    case 'u': {
        int32_t unit = hex4(p + 2, s->end);
        if (unit < 0) return fail(s, p, "\\u needs four hexadecimal digits");
        uint32_t code = (uint32_t)unit;
        const char *after = p + 6;
        if (code >= 0xd800 && code < 0xe000) {
            int32_t low = code < 0xdc00 && s->end - after >= 2 && after[0] == '\\' && after[1] == 'u'
                              ? hex4(after + 2, s->end) : -1;
            if (low >= 0xdc00 && low <= 0xdfff) {
                code = 0x10000 + ((code - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
                after += 6;
            } else if (!s->lone_surrogates) {
                return fail(s, p, "lone surrogate \\u%04x", code);
            }
        }
        char *out = asl_buffer_reserve(&s->decoded, 4);
        if (code < 0x80) {
            out[0] = (char)code;
            s->decoded.size += 1;
        } else if (code < 0x800) {
            out[0] = (char)(0xc0 | code >> 6);
            out[1] = (char)(0x80 | (code & 0x3f));
            s->decoded.size += 2;
        } else if (code < 0x10000) {
            out[0] = (char)(0xe0 | code >> 12);
            out[1] = (char)(0x80 | (code >> 6 & 0x3f));
            out[2] = (char)(0x80 | (code & 0x3f));
            s->decoded.size += 3;
        } else {
            out[0] = (char)(0xf0 | code >> 18);
            out[1] = (char)(0x80 | (code >> 12 & 0x3f));
            out[2] = (char)(0x80 | (code >> 6 & 0x3f));
            out[3] = (char)(0x80 | (code & 0x3f));
            s->decoded.size += 4;
        }
        return after;
    }
    default:
        if (p + 1 == s->end) return fail(s, p, "unterminated string");
        if (c > ' ' && c <= '~') return fail(s, p, "unknown escape \\%c", c);
        return fail(s, p, "unknown escape: a backslash before byte 0x%02x", (uint8_t)c);
    }
    asl_buffer_byte(&s->decoded, c);
    return p + 2;
}

// From p on, to the next byte that is special in a string: '"', '\\' or one below 0x20. NULL: there is none, or invalid
// UTF-8 stands before it. start is that of the string, for the message.
static const char *plain_run(struct parser *s, const char *p, const char *start) {
    for (;;) {
        if (s->end - p >= 16) {
            uint32_t special = window_special(p, true);
            if (!special) {
                p += 16;
                continue;
            }
            p += __builtin_ctz(special);
        } else {
            while (p < s->end && (uint8_t)*p >= 0x20 && (uint8_t)*p < 0x80 && *p != '"' && *p != '\\') p++;
            if (p == s->end) return fail(s, start, "unterminated string");
        }
        if ((uint8_t)*p < 0x80) return p;
        do {
            size_t length = utf8_length(p, s->end);
            if (!length && s->lone_surrogates && s->end - p >= 3 && (uint8_t)p[0] == 0xed && (uint8_t)p[1] >= 0xa0 &&
                (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80)
                length = 3;
            if (!length) return fail(s, p, "invalid UTF-8 byte 0x%02x", (uint8_t)*p);
            p += length;
        } while (p < s->end && (uint8_t)*p >= 0x80);
    }
}

// The rest of a string in general: p is after its opening quote. *text is in the source, or decoded in s->decoded.
static const char *string_text(struct parser *s, const char *p, asl_str *text) {
    const char *start = p - 1, *run = p;
    p = plain_run(s, p, start);
    if (!p) return NULL;
    if (*p == '"') {
        *text = (asl_str){run, (size_t)(p - run)};
        return p + 1;
    }
    s->decoded.size = 0;
    while (*p != '"') {
        if (*p != '\\') return fail(s, p, "a control character in a string must be escaped: \\u%04x", (uint8_t)*p);
        asl_buffer_add(&s->decoded, run, (size_t)(p - run));
        run = p = escape(s, p);
        if (!p) return NULL;
        p = plain_run(s, p, start);
        if (!p) return NULL;
    }
    asl_buffer_add(&s->decoded, run, (size_t)(p - run));
    *text = (asl_str){s->decoded.data, s->decoded.size};
    return p + 1;
}

static const char *string_in_general(struct parser *s, const char *p, struct window *v) {
    asl_str text;
    p = string_text(s, p, &text);
    if (p) *v = window_of(asl_string(text));
    return p;
}

static inline const char *string_value(struct parser *s, const char *p, struct window *v) {
    if (s->end - p < 16) return string_in_general(s, p, v);
    uint32_t special = window_special(p, true);
    size_t size = special ? (size_t)__builtin_ctz(special) : 16;
    if (size <= ASL_INLINE_MAX && p[size] == '"') {
        *v = inline_text(ASL_STRING, p, size);
        return p + size + 1;
    }
    while (!special && s->end - p - (ptrdiff_t)size >= 16) {
        special = window_special(p + size, true);
        size += special ? (size_t)__builtin_ctz(special) : 16;
    }
    if (!special || p[size] != '"') return string_in_general(s, p, v);
    *v = window_of(asl_string((asl_str){p, size}));
    return p + size + 1;
}

// The text for a key: the one made before, when the cache has it. start are its first 16 bytes.
static inline asl_text *key_text(struct parser *s, asl_str key, struct window start) {
    uint64_t h = (start.low ^ start.high * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93);
    size_t slot = (h ^ key.size) >> 32 & (CACHED_KEYS - 1);
    struct cached_key *k = &s->keys[slot];
    uint64_t bit = (uint64_t)1 << slot % 64, *cached = &s->cached[slot / 64];
    if (*cached & bit && k->start.low == start.low && k->start.high == start.high && k->text->size == key.size &&
        (key.size <= 16 || memcmp(k->text->bytes + 16, key.data + 16, key.size - 16) == 0)) {
        k->text->refs++;
        return k->text;
    }
    *k = (struct cached_key){start, asl_text_new(key)};
    *cached |= bit;
    return k->text;
}

static inline const char *member_key(struct parser *s, const char *p, asl_text **key) {
    if (s->end - p >= 16) {
        uint32_t special = window_special(p, true);
        size_t size = special ? (size_t)__builtin_ctz(special) : 16;
        if (size < 16 && p[size] == '"') {
            *key = key_text(s, (asl_str){p, size}, window_load(p, size));
            return p + size + 1;
        }
    }
    asl_str text;
    p = string_text(s, p, &text);
    if (!p) return NULL;
    struct window start = {0};
    if (text.size) memcpy(&start, text.data, text.size < 16 ? text.size : 16);
    *key = key_text(s, text, start);
    return p;
}

// ---------------------------------------------------------------- numbers

// How many of 8 bytes, each xor '0', are digits before the first that is not.
static inline unsigned digits_among(uint64_t x) {
    uint64_t other = ((x + EACH(0x76)) | x) & EACH(0x80); // right up to the first: carries go upwards only
    return other ? (unsigned)__builtin_ctzll(other) / 8 : 8;
}

// The number of 8 digits, first digit in the lowest byte: pairs, fours, eights.
static inline uint64_t eight_digits(uint64_t x) {
    x = (x * 10 + (x >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x * 100 + (x >> 16)) & UINT64_C(0x0000ffff0000ffff);
    return (x * 10000 + (x >> 32)) & UINT64_C(0xffffffff);
}

// Integers of up to 16 digits, and decimal fractions of up to 14 bytes without an exponent. All others, and whatever
// is not a number, go to asl__number_scan.
static inline const char *number_value(struct parser *s, const char *p, struct window *v) {
    const char *start = p, *why;
    bool negative = *p == '-';
    p += negative;
    if (s->end - p >= 24) {
        uint64_t x = load8(p) ^ EACH('0'), u;
        unsigned size = digits_among(x);
        if (size < 8) {
            u = size ? eight_digits(x << (64 - 8 * size)) : 0;
        } else {
            u = eight_digits(x);
            x = load8(p + 8) ^ EACH('0');
            unsigned more = digits_among(x);
            static const uint32_t ten[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
            if (more) u = u * ten[more] + eight_digits(x << (64 - 8 * more));
            size += more;
        }
        if (size && (*p != '0' || size == 1)) {
            char next = p[size];
            if (size < 16 && next != '.' && (next | 0x20) != 'e' && !(negative && u == 0)) {
                *v = window_of(asl_int((int64_t)(negative ? 0 - u : u)));
                return p + size;
            }
            if (size < 12 && next == '.') { // then 8 more bytes are there
                unsigned fraction = digits_among(load8(p + size + 1) ^ EACH('0'));
                const char *end = p + size + 1 + fraction;
                if (fraction && fraction < 8 && end - start <= ASL_INLINE_MAX && (*end | 0x20) != 'e') {
                    *v = inline_text(ASL_NUMBER_TEXT, start, (size_t)(end - start));
                    return end;
                }
            }
        }
    }
    asl_value general;
    p = asl__number_scan(start, s->end, &general, &why);
    if (general.tag == ASL_NONE) return fail(s, p, "%s", why);
    *v = window_of(general);
    return p;
}

// ---------------------------------------------------------------- values

static const char *bad_value(struct parser *s, const char *p) {
    if (p == s->end) return fail(s, p, "unexpected end of input, expected a value");
    uint8_t c = (uint8_t)*p;
    if (c == '\'') return fail(s, p, "strings take double quotes");
    if (c == '/' || c == '#') return fail(s, p, "expected a value; JSON has no comments");
    if (c == '+' || c == '.') return fail(s, p, "a number may not start with '%c'", c);
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
        size_t size = 1;
        while (size < 20 && p + size < s->end && (p[size] | 0x20) >= 'a' && (p[size] | 0x20) <= 'z') size++;
        return fail(s, p, "expected a value, found %.*s", (int)size, p);
    }
    if (c > ' ' && c <= '~') return fail(s, p, "expected a value, found '%c'", c);
    return fail(s, p, "expected a value, found byte 0x%02x", c);
}

static const char *expected(struct parser *s, const char *p, const char *what) {
    if (p == s->end) return fail(s, p, "unexpected end of input, expected %s", what);
    return fail(s, p, "expected %s", what);
}

static inline const char *word(struct parser *s, const char *p, const char *spelling, size_t size) {
    if ((size_t)(s->end - p) < size || memcmp(p, spelling, size) != 0) return bad_value(s, p);
    return p + size;
}

static inline const char *open_level(struct parser *s, const char *p, bool object) {
    if (s->depth >= s->max_depth) return fail(s, p, "nested deeper than %zu", s->max_depth);
    if (s->depth == s->level_room) {
        s->levels = more_room(s->levels, s->first_levels, &s->level_room, sizeof *s->levels);
    }
    s->levels[s->depth++] = (struct level){object, object ? s->member_count : s->item_count};
    return p + 1;
}

// The name's place among array indices, from 1; 0 when it is none: no leading zeros, below 2^32 - 1.
static uint64_t index_of(const asl_text *key) {
    if (key->size == 0 || key->size > 10 || (key->bytes[0] == '0' && key->size > 1)) return 0;
    uint64_t n = 0;
    for (size_t i = 0; i < key->size; i++) {
        if (key->bytes[i] < '0' || key->bytes[i] > '9') return 0;
        n = n * 10 + (uint64_t)(key->bytes[i] - '0');
    }
    return n < UINT32_MAX ? n + 1 : 0;
}

struct indexed {
    uint64_t index;
    size_t at;
};

static int compare_indexed(const void *a, const void *b) {
    const struct indexed *x = a, *y = b;
    if (x->index != y->index) return x->index < y->index ? -1 : 1;
    return x->at < y->at ? -1 : 1; // of the same name the last one wins: they stay as they came
}

// Moves the members whose names are array indices to the front, ascending.
static void indices_first(struct asl__entry *members, size_t count) {
    size_t indices = 0;
    bool moves = false;
    uint64_t highest = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t n = index_of(members[i].key);
        if (!n) continue;
        moves = moves || indices < i || n < highest;
        highest = n;
        indices++;
    }
    if (!moves) return;
    struct indexed *first = asl_alloc(indices * sizeof *first);
    struct asl__entry *sorted = asl_alloc(count * sizeof *sorted);
    size_t found = 0, rest = indices;
    for (size_t i = 0; i < count; i++) {
        uint64_t n = index_of(members[i].key);
        if (n) first[found++] = (struct indexed){n, i};
        else sorted[rest++] = members[i];
    }
    qsort(first, indices, sizeof *first, compare_indexed);
    for (size_t i = 0; i < indices; i++) sorted[i] = members[first[i].at];
    memcpy(members, sorted, count * sizeof *members);
    asl_free(sorted);
    asl_free(first);
}

// The members from `base` on as an object. A key that is freed because it occurs twice may not stay in the cache.
static asl_value close_object(struct parser *s, size_t base) {
    size_t count = s->member_count - base;
    if (s->index_order) indices_first(s->members + base, count);
    asl_value v = asl__object_of(s->members + base, count);
    s->member_count = base;
    if (asl_object_count(&v) < count) memset(s->cached, 0, sizeof s->cached);
    return v;
}

// One value with everything inside it. Returns where it ends.
static const char *value(struct parser *s, const char *p, asl_value *out) {
    const char *end = s->end;
    struct window v;

next_value:
    p = skip_space(p, end);
    if (p == end) return bad_value(s, p);
    switch (*p) {
    case '"':
        p = string_value(s, p + 1, &v);
        if (!p) return NULL;
        break;
    case '{':
        p = open_level(s, p, true);
        if (!p) return NULL;
        p = skip_space(p, end);
        if (p == end || *p != '}') goto next_key;
        p++;
        s->depth--;
        v = window_of(asl_object_new(0));
        break;
    case '[':
        p = open_level(s, p, false);
        if (!p) return NULL;
        p = skip_space(p, end);
        if (p == end || *p != ']') goto next_value;
        p++;
        s->depth--;
        v = window_of(asl_array_new(0));
        break;
    case '-':
    case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        p = number_value(s, p, &v);
        if (!p) return NULL;
        break;
    case 't':
        if (!(p = word(s, p, "true", 4))) return NULL;
        v = window_of(asl_bool(true));
        break;
    case 'f':
        if (!(p = word(s, p, "false", 5))) return NULL;
        v = window_of(asl_bool(false));
        break;
    case 'n':
        if (!(p = word(s, p, "null", 4))) return NULL;
        v = window_of(asl_null());
        break;
    default: return bad_value(s, p);
    }

have_value:
    if (s->depth == 0) {
        *out = value_of(v);
        return p;
    }
    const struct level *level = &s->levels[s->depth - 1];
    if (level->object) {
        s->members[s->member_count - 1].value = value_of(v);
        p = skip_space(p, end);
        if (p < end && *p == ',') {
            p = skip_space(p + 1, end);
            goto next_key;
        }
        if (p == end || *p != '}') return expected(s, p, "',' or '}' after a member");
        v = window_of(close_object(s, level->base));
    } else {
        if (s->item_count == s->item_room) {
            s->items = more_room(s->items, s->first_items, &s->item_room, sizeof *s->items);
        }
        s->items[s->item_count++] = value_of(v);
        p = skip_space(p, end);
        if (p < end && *p == ',') {
            p++;
            goto next_value;
        }
        if (p == end || *p != ']') return expected(s, p, "',' or ']' after an item");
        v = window_of(asl__array_of(s->items + level->base, s->item_count - level->base));
        s->item_count = level->base;
    }
    p++;
    s->depth--;
    goto have_value;

next_key:
    if (p == end || *p != '"') return expected(s, p, "a member's name in double quotes");
    if (s->member_count == s->member_room) {
        s->members = more_room(s->members, s->first_members, &s->member_room, sizeof *s->members);
    }
    struct asl__entry *member = &s->members[s->member_count];
    p = member_key(s, p + 1, &member->key);
    if (!p) return NULL;
    member->value = asl_none();
    s->member_count++;
    p = skip_space(p, end);
    if (p == end || *p != ':') return expected(s, p, "':' after a member's name");
    p++;
    goto next_value;
}

int asl_json_parse(asl_str text, const asl_json_limits *limits, asl_value *out, asl_json_error *error) {
    struct parser s;
    s.start = text.size ? text.data : "";
    s.end = s.start + text.size;
    s.max_depth = limits && limits->max_depth ? limits->max_depth : ASL_MAX_DEPTH;
    s.lone_surrogates = limits && limits->lone_surrogates;
    s.index_order = limits && limits->index_order;
    s.error = error;
    s.items = s.first_items, s.item_count = 0, s.item_room = FIRST_ROOM;
    s.members = s.first_members, s.member_count = 0, s.member_room = FIRST_ROOM;
    s.levels = s.first_levels, s.depth = 0, s.level_room = FIRST_ROOM;
    s.decoded = (asl_buffer){0};
    memset(s.cached, 0, sizeof s.cached);

    asl_value v = asl_none();
    const char *p = s.start;
    if (limits && limits->max_size && text.size > limits->max_size) {
        p = fail(&s, p, "%zu bytes of JSON are more than the limit of %zu", text.size, limits->max_size);
    }
    if (p && text.size >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) p += 3;
    if (p) p = value(&s, p, &v);
    if (p) {
        p = skip_space(p, s.end);
        if (p < s.end) p = fail(&s, p, "text after the JSON value");
    }
    if (!p) {
        for (size_t i = 0; i < s.item_count; i++) asl_release(s.items[i]);
        for (size_t i = 0; i < s.member_count; i++) {
            asl_text_release(s.members[i].key);
            asl_release(s.members[i].value);
        }
        asl_release(v);
        v = asl_none();
    }
    if (s.items != s.first_items) asl_free(s.items);
    if (s.members != s.first_members) asl_free(s.members);
    if (s.levels != s.first_levels) asl_free(s.levels);
    asl_buffer_free(&s.decoded);
    *out = v;
    return p ? 0 : -1;
}

// ---------------------------------------------------------------- printing

static inline char *room_for(asl_buffer *out, size_t more) {
    if (out->capacity - out->size > more) return out->data + out->size; // > : the NUL
    return asl_buffer_reserve(out, more);
}

// Writes a byte that must be escaped; at most 6 bytes.
static char *print_escape(char *p, uint8_t c) {
    static const char hex[] = "0123456789abcdef";
    *p++ = '\\';
    switch (c) {
    case '"':
    case '\\': *p++ = (char)c; break;
    case '\b': *p++ = 'b'; break;
    case '\f': *p++ = 'f'; break;
    case '\n': *p++ = 'n'; break;
    case '\r': *p++ = 'r'; break;
    case '\t': *p++ = 't'; break;
    default:
        memcpy(p, "u00", 3);
        p[3] = hex[c >> 4];
        p[4] = hex[c & 15];
        p += 5;
    }
    return p;
}

// Prints a string with its quotes. padded: it may be read in steps of 16 bytes from its start.
static inline void print_string(asl_buffer *out, const char *data, size_t size, bool padded) {
    // Room for all of it without escapes, and for writing 16 bytes and an escape at any time.
    char *p = room_for(out, size + 2 + 16 + 6);
    *p++ = '"';
    while (size) {
        char tail[16];
        const char *from = data;
        if (size < 16 && !padded) {
            memcpy(tail, data, size);
            from = tail;
        }
        uint32_t special = window_special(from, false);
        memcpy(p, from, 16);
        if (size < 16) special &= ((uint32_t)1 << size) - 1;
        size_t plain = special ? (size_t)__builtin_ctz(special) : size < 16 ? size : 16;
        p += plain;
        data += plain;
        size -= plain;
        if (!special) continue;
        p = print_escape(p, (uint8_t)*data++);
        size--;
        padded = false; // out of step
        out->size = (size_t)(p - out->data);
        p = room_for(out, size + 1 + 16 + 6);
    }
    *p++ = '"';
    out->size = (size_t)(p - out->data);
}

void asl_json_print_string(asl_str text, asl_buffer *out) {
    print_string(out, text.data, text.size, false);
    out->data[out->size] = 0;
}

static inline void print_inline_string(asl_buffer *out, const asl_value *v) {
    char text[16] = {0}; // in the value itself only 14 may be read
    memcpy(text, v->inline_text, ASL_INLINE_MAX);
    print_string(out, text, v->size, true);
}

struct place {
    const asl_value *v; /* an array or object that is not empty */
    uint32_t next;      /* item or member to go on with */
};

// The way down to where a walk is, without recursion.
struct walk {
    struct place local[32], *stack;
    size_t depth, room;
};

static inline void walk_down(struct walk *w, const asl_value *v) {
    if (w->depth == w->room) w->stack = more_room(w->stack, w->local, &w->room, sizeof *w->stack);
    w->stack[w->depth++] = (struct place){v, 0};
}

static inline uint32_t count_of(const asl_value *v) {
    return v->tag == ASL_ARRAY ? v->array->head.count : v->object->head.count;
}

static inline void print_text(asl_buffer *out, const char *text, size_t size) {
    memcpy(room_for(out, size), text, size);
    out->size += size;
}

void asl_json_print(const asl_value *v, asl_buffer *out) {
    struct walk w;
    w.stack = w.local, w.depth = 0, w.room = sizeof w.local / sizeof w.local[0];
    for (;;) {
        switch ((asl_tag)v->tag) {
        case ASL_NONE: // never inside a value; at the top it prints as what JSON has for "nothing"
        case ASL_NULL: print_text(out, "null", 4); break;
        case ASL_BOOL: print_text(out, v->b ? "true" : "false", v->b ? 4 : 5); break;
        case ASL_INT: out->size += asl__int_print(v->i, room_for(out, 20)); break;
        case ASL_DOUBLE: out->size += asl_double_print(v->d, room_for(out, 32)); break;
        case ASL_NUMBER_TEXT: {
            asl_str text = asl_text_of(v);
            print_text(out, text.data, text.size);
            break;
        }
        case ASL_STRING:
            if (v->size == ASL_ON_HEAP) print_string(out, v->text->bytes, v->text->size, true);
            else print_inline_string(out, v);
            break;
        case ASL_FUNCTION: print_text(out, "\"\"", 2); break;
        case ASL_ARRAY:
            if (count_of(v)) walk_down(&w, v);
            print_text(out, "[]", count_of(v) ? 1 : 2);
            break;
        case ASL_OBJECT:
            if (count_of(v)) walk_down(&w, v);
            print_text(out, "{}", count_of(v) ? 1 : 2);
            break;
        }
        struct place *top = NULL;
        while (w.depth) {
            top = &w.stack[w.depth - 1];
            if (top->next < count_of(top->v)) break;
            print_text(out, top->v->tag == ASL_ARRAY ? "]" : "}", 1);
            w.depth--;
        }
        if (!w.depth) break;
        uint32_t i = top->next++;
        if (i) print_text(out, ",", 1);
        if (top->v->tag == ASL_ARRAY) {
            v = &top->v->array->items[i];
        } else {
            const struct asl__entry *e = &top->v->object->entries[i];
            print_string(out, e->key->bytes, e->key->size, true);
            print_text(out, ":", 1);
            v = &e->value;
        }
    }
    if (w.stack != w.local) asl_free(w.stack);
    out->data[out->size] = 0;
}

// ---------------------------------------------------------------- size

static size_t string_size(asl_str text) {
    size_t size = text.size + 2;
    for (size_t i = 0; i < text.size; i++) {
        char escaped[6];
        uint8_t c = (uint8_t)text.data[i];
        if (c < 0x20 || c == '"' || c == '\\') size += (size_t)(print_escape(escaped, c) - escaped) - 1;
    }
    return size;
}

size_t asl_json_size(const asl_value *v) {
    struct walk w;
    w.stack = w.local, w.depth = 0, w.room = sizeof w.local / sizeof w.local[0];
    size_t size = 0;
    char digits[32];
    for (;;) {
        switch ((asl_tag)v->tag) {
        case ASL_NONE:
        case ASL_NULL: size += 4; break;
        case ASL_BOOL: size += v->b ? 4 : 5; break;
        case ASL_INT: size += asl__int_print(v->i, digits); break;
        case ASL_DOUBLE: size += asl_double_print(v->d, digits); break;
        case ASL_NUMBER_TEXT: size += asl_text_of(v).size; break;
        case ASL_STRING: size += string_size(asl_text_of(v)); break;
        case ASL_FUNCTION: size += 2; break;
        case ASL_ARRAY:
        case ASL_OBJECT:
            size += count_of(v) ? count_of(v) + 1 : 2; // brackets and commas
            if (count_of(v)) walk_down(&w, v);
            break;
        }
        while (w.depth && w.stack[w.depth - 1].next == count_of(w.stack[w.depth - 1].v)) w.depth--;
        if (!w.depth) break;
        struct place *top = &w.stack[w.depth - 1];
        uint32_t i = top->next++;
        if (top->v->tag == ASL_ARRAY) {
            v = &top->v->array->items[i];
        } else {
            const struct asl__entry *e = &top->v->object->entries[i];
            size += string_size((asl_str){e->key->bytes, e->key->size}) + 1;
            v = &e->value;
        }
    }
    if (w.stack != w.local) asl_free(w.stack);
    return size;
}
