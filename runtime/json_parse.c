// JSON text, parsed straight into values.
//
// The parser does not recurse, and does not copy what it makes: an array or object is made when it opens and filled in
// place; `levels` holds the way up to the root. How large it will be, and which names its members have, is guessed from a
// value that it will probably be like:
//
//     [{"id": 1, "at": {"x": 5}},      an item         is like the item before it,
//      {"id": 2, "at": {"x": 6}}]      a first item    like the first of the array that its array is like,
//                                      a member        like the member of that name in the object that its object is like
//     {"a7": {"x": 5}, "b3": {"x": 6}}                  or, when there is none, like the member before it
//
// While the guess holds, reading a name is one comparison with the bytes expected, the object has the right size from the
// start and no name in it can occur twice. Whatever is different is found by looking, and the guess goes on from there.
// Names that occur again share one asl_text also without a guess, as long as a small cache remembers them. The white space
// of an indented text is guessed, too: it is as wide as in the line before.
//
// At each step MARGIN bytes can be read without looking for the end of the text. To this end its last bytes are copied,
// with zeros after them, when the parser comes near: s->start, s->end and the pointers into the text are then about the copy.
//
// Strings are copied, not kept as parts of the text: most fit into their value, and a small part that somebody keeps must
// not keep a large document alive.
#include "heap.h"
#include "json_private.h"
#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

// A value's two halves. It is stored as such: written byte by byte and read again as 16 it would stall the processor.
static inline void store(asl_value *slot, uint64_t low, uint64_t high) {
    struct window w = {low, high};
    memcpy(slot, &w, sizeof w);
}

static inline void store_value(asl_value *slot, asl_value v) {
    struct window w;
    memcpy(&w, &v, sizeof w);
    store(slot, w.low, w.high);
}

// A value that is a tag, with nothing between it and its second half.
static inline void store_tagged(asl_value *slot, asl_tag tag, uint64_t half) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    store(slot, tag, half);
#else
    store(slot, (uint64_t)tag << 56, half);
#endif
}

// The value with up to 14 bytes of text in it; 16 can be read.
static inline void store_inline_text(asl_value *slot, asl_tag tag, const char *p, size_t size) {
#if defined __SSE2__
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    x = _mm_and_si128(x, _mm_loadu_si128((const __m128i *)(const void *)(byte_mask + 16 - size)));
    x = _mm_or_si128(_mm_slli_si128(x, 2), _mm_cvtsi32_si128((int)(tag | size << 8)));
    _mm_storeu_si128((__m128i *)(void *)slot, x);
#else
    store_value(slot, asl__inline_text(tag, p, size));
#endif
}

// ---------------------------------------------------------------- the parser

enum kind {
    ROOT,
    ARRAY,
    OBJECT, /* no name in it can have occurred twice */
    LOOSE_OBJECT,
};

// An array or object that is being filled. (Or what stands above them all, which never has a second item.)
struct level {
    struct asl__container *container; /* NULL at the root */
    char *next, *full; /* where the next item or member goes; where it would have to be looked at what is possible */
    asl_value *slot;    /* where the array or object one level down goes */
    ptrdiff_t expected; /* from where a member goes to the one that it is expected to be like; there is one up to `full`.
                           0: none is expected */
    enum kind kind;
    uint32_t gap; /* white space that is probably before the next item or member, up to LONGEST_GAP bytes; once there was some */
    union {
        const asl_object *like_object; /* what this one is probably like, or NULL */
        const asl_array *like_array;
    };
};

#define CACHED_KEYS 128
struct cached_key {
    struct window start; /* of the key, padded with zeros */
    asl_text *text;      /* not owned: a member holds it */
};

// From the check at the start of an item or member up to the next check at most so many bytes are read: a name of 16
// bytes with its quotes, a number of up to 37 or a string of 16, what stands between them, and 16 to look ahead.
#define MARGIN 80

#define LARGE        16384 /* bytes of text: a run, and only then, because a value that is kept keeps its page */
#define LOOK_AHEAD   16 /* names */
#define FIRST_LEVELS 48
#define FIRST_ROOM   8 /* of an array or object that is like none */
#define LONGEST_GAP  31 /* of 32 bytes that are looked at */
#define TABLE        64 /* members of an object, before it is taken for a table */
struct parser {
    const char *start, *end, *limit; /* limit: MARGIN bytes before the end */
    size_t copied_from;              /* in the copy: what its start is in the text */
    bool in_copy;
    const char *text;
    size_t max_depth;
    bool lone_surrogates, index_order;
    bool plain_keys; /* each name's bytes can stand in quotes as they are */
    asl_json_error *error; /* may be NULL */
    struct asl__heap *heap;
    bool large;          /* its blocks come from a run */
    char *run, *run_end; /* what is left of the run's page */
    uint32_t cut;        /* blocks from it that are not yet counted */
    uint64_t seed;
    uint32_t step;       /* by so much a level's gap is probably larger than that of the level above */
    struct level *levels, *last_level; /* last_level: the lowest that is allowed, or that there is room for */
    asl_buffer decoded; /* of a string with escapes */
    uint64_t cached[CACHED_KEYS / 64]; /* a bit for each of keys[] that holds one */
    /* Not initialised: keys that are not cached, levels, and the copy. */
    struct cached_key keys[CACHED_KEYS];
    struct level first_levels[FIRST_LEVELS];
    char copy[2 * MARGIN];
};

static const char *fail(struct parser *s, const char *at, const char *format, ...)
    __attribute__((cold, noinline, format(printf, 3, 4)));

// Fills in the error and returns NULL, which stands for failure everywhere below.
static const char *fail(struct parser *s, const char *at, const char *format, ...) {
    asl_json_error *e = s->error;
    if (!e) return NULL;
    e->offset = s->copied_from + (size_t)(at - s->start);
    e->line = 1;
    const char *line = s->text, *end = s->text + e->offset;
    for (const char *p = line; p < end; p++) {
        if (*p != '\n') continue;
        e->line++;
        line = p + 1;
    }
    e->column = (uint32_t)(end - line) + 1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(e->message, sizeof e->message, format, arguments);
    va_end(arguments);
    return NULL;
}

// p is near the end: what is left goes on in the copy.
static const char *go_on_in_copy(struct parser *s, const char *p) {
    size_t left = (size_t)(s->end - p); // less than MARGIN
    memset(s->copy, 0, sizeof s->copy);
    if (left) memcpy(s->copy, p, left);
    s->copied_from = (size_t)(p - s->start);
    s->in_copy = true;
    s->start = s->copy;
    s->end = s->copy + left;
    s->limit = s->copy + sizeof s->copy; // never passed
    return s->copy;
}

#if defined __SSE2__
// A bit for each of 16 bytes that is not white space.
static inline uint32_t window_not_space(const char *p) {
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i usual = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(' ')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\n')));
    __m128i rare = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('\r')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\t')));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(usual, rare)) ^ 0xffff;
}
#else
static inline uint32_t window_not_space(const char *p) {
    for (int i = 0; i < 16; i++) {
        if (p[i] != ' ' && p[i] != '\n' && p[i] != '\r' && p[i] != '\t') return (uint32_t)1 << i;
    }
    return 0;
}
#endif

static __attribute__((noinline)) const char *skip_long_space(struct parser *s, const char *p) {
    uint32_t other;
    do {
        p += 16;
        if (p > s->limit) p = go_on_in_copy(s, p);
        other = window_not_space(p);
    } while (!other);
    return p + __builtin_ctz(other);
}

// Skips white space; at the result there is again room to read ahead.
static inline const char *skip_space(struct parser *s, const char *p) {
    if (p > s->limit) p = go_on_in_copy(s, p);
    uint32_t other = window_not_space(p);
    return other ? p + __builtin_ctz(other) : skip_long_space(s, p);
}

static __attribute__((noinline)) const char *skip_other_gap(struct parser *s, const char *p, uint32_t *gap) {
    const char *q = skip_space(s, p);
    if (!s->in_copy) *gap = q - p <= LONGEST_GAP ? (uint32_t)(q - p) : 0;
    return q;
}

// The same where lines are indented: there is as much white space as in the line before. While that is so, nothing has to
// wait until this has been counted. (See expectation().)
static inline const char *skip_gap(struct parser *s, const char *p, uint32_t *gap) {
    uint32_t likely = *gap;
    if (s->limit - p < (ptrdiff_t)likely) return skip_other_gap(s, p, gap);
    uint64_t other = window_not_space(p) | (uint64_t)window_not_space(p + 16) << 16 | (uint64_t)1 << 32;
    return (uint32_t)__builtin_ctzll(other) == likely ? p + likely : skip_other_gap(s, p, gap);
}

static __attribute__((noinline)) void *new_block_slowly(struct parser *s, size_t size) {
    if (!s->large || size > ASL__SMALL_MAX) return asl__heap_alloc(s->heap, size);
    s->heap->run = s->run;
    if (s->run) asl__run_count(s->heap, s->cut);
    s->cut = 0;
    asl__run_next(s->heap);
    char *block = s->heap->run;
    s->run = block + asl__heap_rounded(size);
    s->run_end = s->heap->run_end;
    s->cut = 1;
    return block;
}

// Memory for something whose size is final.
static inline void *new_block(struct parser *s, size_t size) {
    size_t rounded = asl__heap_rounded(size);
    if (rounded > ASL__SMALL_MAX || (size_t)(s->run_end - s->run) < rounded) return new_block_slowly(s, size);
    void *block = s->run;
    s->run += rounded;
    s->cut++;
    return block;
}

// A size that is only expected, for use when it has turned out to be the one that was found. The compiler may not know that
// they are equal, or it would make the processor wait for the one that was found: on that depends where the next token
// begins, and so on through the whole text.
static inline size_t expectation(size_t size) {
    __asm__("" : "+r"(size));
    return size;
}

// ---------------------------------------------------------------- strings

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

// Decodes \u at p to *out, of which 4 bytes may be written.
static const char *unicode_escape(struct parser *s, const char *p, char **out) {
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
    char *to = *out;
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    *out = to;
    return after;
}

// The same of any escape.
static inline const char *escape(struct parser *s, const char *p, char **out) {
    static const char meant[128] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    if (p + 1 == s->end) return fail(s, p, "unterminated string");
    char c = p[1];
    if ((uint8_t)c < 128 && meant[(uint8_t)c]) {
        *(*out)++ = meant[(uint8_t)c];
        return p + 2;
    }
    if (c == 'u') return unicode_escape(s, p, out);
    if (c > ' ' && c <= '~') return fail(s, p, "unknown escape \\%c", c);
    return fail(s, p, "unknown escape: a backslash before byte 0x%02x", (uint8_t)c);
}

// Whether `size` bytes of a string can be read in steps of 16.
static inline bool in_steps(const struct parser *s, const char *p, size_t size) {
    return s->end - p >= (ptrdiff_t)(size + ASL__TEXT_STEP) || s->in_copy;
}

static inline void copy_in_steps(char *to, const char *from, size_t size) {
    if (size < 128) {
        for (size_t i = 0; i <= size; i += ASL__TEXT_STEP) memcpy(to + i, from + i, ASL__TEXT_STEP);
    } else {
        memcpy(to, from, size);
    }
}

// Where the last character before p begins that may reach to p, not before `first`; p when there is none.
static const char *character_start(const char *p, const char *first) {
    for (int i = 1; i < 4 && p - first >= i; i++) {
        if ((uint8_t)p[-i] >= 0xc0) return p - i;
    }
    return p;
}

// After the character at p, which is not ASCII.
static const char *after_character(struct parser *s, const char *p) {
    size_t size = asl__utf8_size(p, s->end);
    if (!size && s->lone_surrogates && s->end - p >= 3 && (uint8_t)p[0] == 0xed && (uint8_t)p[1] >= 0xa0 &&
        (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80)
        size = 3;
    if (!size) return fail(s, p, "invalid UTF-8 byte 0x%02x", (uint8_t)*p);
    return p + size;
}

// From p on, to the next byte that is special in a string: '"', '\\' or one below 0x20. NULL: there is none, or invalid
// UTF-8 stands before it. start is that of the string, for the message.
static const char *plain_run(struct parser *s, const char *p, const char *start) {
    const char *first = p; // what is before it is none of the characters that follow
    bool open = false;     // whether a character may have begun in the window before
    while (s->end - p >= 16 || s->in_copy) {
        uint32_t special = window_special(p, false), other = window_non_ascii(p);
        if (other || open) {
            uint32_t errors = asl__utf8_errors(p, p > first) & (special ^ (special - 1)); // up to the special one, with it
            if (__builtin_expect(errors != 0, 0)) {
                // Or there is one that is allowed nevertheless, or nobody has looked yet.
                p = character_start(p + __builtin_ctz(errors), first);
                do {
                    if (!(p = after_character(s, p))) return NULL;
                } while (p < s->end && (uint8_t)*p >= 0x80);
                first = p;
                open = false;
                continue;
            }
            open = other != 0;
        }
        if (special) {
            p += __builtin_ctz(special);
            return p < s->end ? p : fail(s, start, "unterminated string");
        }
        p += 16;
    }
    if (open) p = character_start(p, first);
    while (p < s->end) {
        if ((uint8_t)*p >= 0x80) {
            if (!(p = after_character(s, p))) return NULL;
        } else {
            if ((uint8_t)*p < 0x20 || *p == '"' || *p == '\\') return p;
            p++;
        }
    }
    return fail(s, start, "unterminated string");
}

// The rest of a string in general: p is after its opening quote. *text is in the source, or decoded in s->decoded; then it
// can be read in steps of 16.
static const char *string_text(struct parser *s, const char *p, asl_str *text) {
    const char *start = p - 1, *run = p;
    p = plain_run(s, p, start);
    if (!p) return NULL;
    if (*p == '"') {
        *text = (asl_str){run, (size_t)(p - run)};
        return p + 1;
    }
    s->decoded.size = 0;
    for (;;) {
        // What an escape becomes, or what is copied too much.
        size_t size = (size_t)(p - run);
        char *out = asl_buffer_reserve(&s->decoded, size + ASL__TEXT_STEP);
        if (in_steps(s, run, size)) copy_in_steps(out, run, size);
        else memcpy(out, run, size);
        out += size;
        if (*p == '"') {
            memset(out, 0, ASL__TEXT_STEP);
            *text = (asl_str){s->decoded.data, (size_t)(out - s->decoded.data)};
            return p + 1;
        }
        if (*p != '\\') return fail(s, p, "a control character in a string must be escaped: \\u%04x", (uint8_t)*p);
        run = p = escape(s, p, &out);
        if (!p) return NULL;
        s->decoded.size = (size_t)(out - s->decoded.data);
        if (p == s->end || *p != '\\') p = plain_run(s, p, start);
        if (!p) return NULL;
    }
}

// The text for a string; decoded: as string_text() leaves it in s->decoded.
static __attribute__((noinline)) asl_text *new_text(struct parser *s, asl_str text, bool decoded) {
    if (!decoded && !in_steps(s, text.data, text.size)) return asl_text_new(text);
    asl_text *t = new_block(s, asl__text_block(text.size));
    t->refs = 1;
    t->hash = 0;
    t->size = text.size;
    copy_in_steps(t->bytes, text.data, text.size);
    t->bytes[text.size] = 0;
    return t;
}

static inline void store_string(struct parser *s, asl_value *slot, asl_str text, bool decoded) {
    if (text.size <= ASL_INLINE_MAX) store_value(slot, asl__inline_text(ASL_STRING, text.data, text.size));
    else store_value(slot, (asl_value){.tag = ASL_STRING, .size = ASL_ON_HEAP, .text = new_text(s, text, decoded)});
}

// A string that does not fit into its value, or is not plain ASCII. p is after its opening quote; the first `plain` bytes
// are.
static __attribute__((noinline)) const char *long_string(struct parser *s, const char *p, size_t plain, asl_value *slot,
                                                         const asl_value *like) {
    const char *q = plain_run(s, p + plain, p - 1);
    if (!q) return NULL;
    if (*q == '"') {
        size_t size = (size_t)(q - p);
        store_string(s, slot, (asl_str){p, size}, false);
        if (asl__has_text(like)) {
            size_t likely = expectation(like->text->size);
            if (like->text->size == size) q = p + likely;
        }
        q++;
    } else {
        asl_str text;
        q = string_text(s, p, &text);
        if (!q) return NULL;
        store_string(s, slot, text, true);
    }
    return q > s->limit ? go_on_in_copy(s, q) : q;
}

// start are the key's first 16 bytes, zeros after its end.
static inline asl_text *new_key(struct parser *s, asl_str key, struct window start) {
    asl_text *t;
    if (key.size < 16) {
        t = new_block(s, asl__text_block(15));
        t->refs = 1;
        t->size = key.size;
        memcpy(t->bytes, &start, sizeof start);
    } else {
        t = new_text(s, key, key.data == s->decoded.data);
    }
    t->hash = asl__hash_with(s->seed, key);
    return t;
}

// The one made before, when the cache has it.
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
    asl_text *t = new_key(s, key, start);
    *k = (struct cached_key){start, t};
    *cached |= bit;
    return t;
}

static __attribute__((noinline)) const char *name_in_general(struct parser *s, const char *p, asl_text **key) {
    asl_str text;
    p = string_text(s, p, &text);
    if (!p) return NULL;
    if (text.data == s->decoded.data) {
        for (size_t i = 0; i < text.size; i++) {
            uint8_t c = (uint8_t)text.data[i];
            if (c < 0x20 || c == '"' || c == '\\') s->plain_keys = false;
        }
    }
    struct window start = {0};
    if (text.size) memcpy(&start, text.data, text.size < 16 ? text.size : 16);
    *key = key_text(s, text, start);
    return p > s->limit ? go_on_in_copy(s, p) : p;
}

// The name of an object's member, whatever it is; p is after its opening quote. Where there are many members they are a
// table: their names will be as long as each other, and none will occur again.
static inline const char *member_name(struct parser *s, const char *p, const struct asl__entry *first,
                                      struct asl__entry *member) {
    asl_text **key = &member->key;
    size_t size = (size_t)__builtin_ctz(window_special(p, true) | 0x10000);
    if (size == 16 || p[size] != '"') return name_in_general(s, p, key);
    asl_str text = {p, size};
    if (member - first < TABLE) {
        *key = key_text(s, text, window_load(p, size));
    } else {
        *key = new_key(s, text, window_load(p, size));
        size_t likely = expectation(member[-1].key->size);
        if (likely == size) return p + likely + 1;
    }
    return p + size + 1;
}

// Whether the string after the opening quote at p is the key, which is written without escapes and has up to 16 bytes.
static inline bool name_is(const char *p, const asl_text *key) {
#if defined __SSE2__
    // They differ at the quote at the latest, where the key has its NUL.
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i y = _mm_loadu_si128((const __m128i *)(const void *)key->bytes);
    uint32_t differ = ~(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y)); // the bits above are set
    return (size_t)(uint32_t)__builtin_ctz(differ) == key->size && p[key->size] == '"';
#else
    if (key->size > 16) return false;
    struct window x = window_load(p, key->size), y = window_load(key->bytes, key->size);
    return x.low == y.low && x.high == y.high && p[key->size] == '"';
#endif
}

// The same of a longer key.
static __attribute__((noinline)) bool long_name_is(const struct parser *s, const char *p, const asl_text *key) {
    return (size_t)(s->end - p) > key->size && memcmp(p, key->bytes, key->size) == 0 && p[key->size] == '"';
}

// ---------------------------------------------------------------- numbers

// The number of 8 digits, first digit in the lowest byte: pairs, fours, eights.
static inline uint64_t eight_digits(uint64_t x) {
    x = (x * 10 + (x >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x * 100 + (x >> 16)) & UINT64_C(0x0000ffff0000ffff);
    return (x * 10000 + (x >> 32)) & UINT64_C(0xffffffff);
}

// Of 8 bytes, each xor '0', a bit above the first that is not a digit; what is above that bit means nothing.
static inline uint64_t no_digit(uint64_t x) {
    return ((x + EACH(0x76)) | x) & EACH(0x80); // carries go upwards only
}

// The number of the digits before the first of 8 bytes that is none; there is at least one. bit: from no_digit().
static inline uint64_t leading_digits(uint64_t x, uint64_t bit) {
    return eight_digits(x << (71 - __builtin_ctzll(bit)));
}

static __attribute__((noinline)) const char *number_in_general(struct parser *s, const char *p, asl_value *slot) {
    asl_value v;
    const char *why;
    p = asl__number_scan(p, s->end, &v, &why);
    if (v.tag == ASL_NONE) return fail(s, p, "%s", why);
    store_value(slot, v);
    return p > s->limit ? go_on_in_copy(s, p) : p;
}

// Integers of up to 18 digits, and decimals with up to 10 digits before the point and 23 after it. All others, and whatever
// is not a number, go to asl__number_scan.
static inline const char *number_value(struct parser *s, const char *start, bool negative, asl_value *slot) {
    static const uint32_t ten[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    const char *p = start + negative;
    uint64_t x = load8(p) ^ EACH('0'), bit = no_digit(x), u;
    if ((uint8_t)x == 0 && (bit & 0x8000) == 0) return number_in_general(s, start, slot); // 0 before another digit
    if (bit) {
        if (negative && bit & 0x80) return number_in_general(s, start, slot);
        u = leading_digits(x, bit);
        p += __builtin_ctzll(bit) / 8;
    } else {
        u = eight_digits(x);
        x = load8(p + 8) ^ EACH('0');
        bit = no_digit(x);
        p += 8;
        if (!bit) {
            u = u * 100000000 + eight_digits(x);
            x = load8(p + 8) ^ EACH('0');
            bit = no_digit(x);
            p += 8;
            if (!(bit & 0x808080)) return number_in_general(s, start, slot); // 19 digits may be too many
        }
        unsigned size = (unsigned)__builtin_ctzll(bit) / 8;
        if (size) u = u * ten[size] + leading_digits(x, bit);
        p += size;
    }
    if (*p != '.' && (*p | 0x20) != 'e' && !(negative && u == 0)) {
        store_tagged(slot, ASL_INT, negative ? 0 - u : u);
        return p;
    }
    if (*p == '.' && p - start < 12) {
        const char *fraction = ++p;
        while (!(bit = no_digit(load8(p) ^ EACH('0'))) && p - fraction < 16) p += 8;
        if (bit) p += __builtin_ctzll(bit) / 8;
        if (bit && p > fraction && (*p | 0x20) != 'e') {
            asl_str text = {start, (size_t)(p - start)};
            if (text.size <= ASL_INLINE_MAX) store_inline_text(slot, ASL_NUMBER_TEXT, start, text.size);
            else store_value(slot, (asl_value){.tag = ASL_NUMBER_TEXT, .size = ASL_ON_HEAP, .text = new_text(s, text, false)});
            return p;
        }
    }
    return number_in_general(s, start, slot);
}

// ---------------------------------------------------------------- values

static inline uint32_t load4(const char *p) {
    uint32_t x;
    memcpy(&x, p, 4);
    return x;
}

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

static const char *expected_at(struct parser *s, const char *p, const char *what) {
    if (p == s->end) return fail(s, p, "unexpected end of input, expected %s", what);
    return fail(s, p, "expected %s", what);
}

static inline const char *word(struct parser *s, const char *p, const char *spelling, size_t size) {
    if ((size_t)(s->end - p) < size || memcmp(p, spelling, size) != 0) return bad_value(s, p);
    return p + size;
}

static const asl_value nothing; // what nothing is like

// What an array or object in an array is probably like when the item before it is something else: tuples.
static __attribute__((noinline)) const asl_value *same_place(const struct asl__container *array, const asl_array *like,
                                                             const asl_value *slot) {
    size_t i = (size_t)(slot - ((const asl_array *)array)->items);
    return like && i < like->head.count ? &like->items[i] : &nothing;
}

static inline uint32_t count_in(const struct asl__container *c, const char *next, enum kind kind) {
    return kind == ARRAY ? (uint32_t)((const asl_value *)(const void *)next - ((const asl_array *)c)->items)
                         : (uint32_t)((const struct asl__entry *)(const void *)next - ((const asl_object *)c)->entries);
}

static inline size_t size_of(enum kind kind, size_t room) {
    return kind == ARRAY ? asl__array_size(room) : asl__object_size(room);
}

// Twice as much room.
static __attribute__((noinline)) struct asl__container *grow(struct asl__container *c, enum kind kind) {
    size_t room = c->capacity < FIRST_ROOM / 2 ? FIRST_ROOM : (size_t)c->capacity * 2;
    if (room > ASL__CAPACITY_MAX) asl__out_of_memory(SIZE_MAX);
    c = asl__block_resize(c, size_of(kind, c->capacity), size_of(kind, room));
    c->capacity = (uint32_t)room;
    return c;
}

// Gives back room that was not needed; what is in a run only when nothing came after it.
static __attribute__((noinline)) struct asl__container *fit(struct parser *s, struct asl__container *c, const char *next,
                                                            enum kind kind) {
    uint32_t count = c->count = count_in(c, next, kind);
    size_t has = size_of(kind, c->capacity), needs = size_of(kind, count);
    if (asl__heap_rounded(has) == asl__heap_rounded(needs)) return c;
    if (has > ASL__SMALL_MAX) {
        c = asl__block_resize(c, has, needs);
    } else if (asl__page_of(c)->owner == s->heap) {
        if ((char *)c + asl__heap_rounded(has) != s->run) return c;
        s->run = (char *)c + asl__heap_rounded(needs);
    } else {
        char *to = new_block(s, needs);
        memcpy(to, c, sizeof *c);
        for (size_t i = sizeof *c; i < needs; i += 8) memcpy(to + i, (const char *)c + i, 8);
        asl__heap_free(s->heap, c, has);
        c = (struct asl__container *)(void *)to;
    }
    c->capacity = count;
    return c;
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

// An object whose names may be out of order or occur twice. A key that is freed because it occurs twice may not stay in
// the cache.
static __attribute__((noinline)) void settle(struct parser *s, asl_object *o) {
    uint32_t count = o->head.count;
    if (s->index_order) indices_first(o->entries, count);
    asl__object_settle(o);
    if (o->head.count < count) memset(s->cached, 0, sizeof s->cached);
}

// The last level again, when one more is allowed, in a larger stack. NULL: it is not.
static __attribute__((noinline)) struct level *more_levels(struct parser *s, const char *p) {
    size_t depth = (size_t)(s->last_level - s->levels), room = depth + 1;
    if (depth == s->max_depth) {
        fail(s, p, "nested deeper than %zu", s->max_depth);
        return NULL;
    }
    s->levels = more_room(s->levels, s->first_levels, &room, sizeof *s->levels);
    s->last_level = s->levels + (s->max_depth < room - 1 ? s->max_depth : room - 1);
    return s->levels + depth;
}

#define CHECK_ROOM()                                                                                                   \
    do {                                                                                                               \
        if (__builtin_expect(p > s->limit, 0)) p = go_on_in_copy(s, p);                                                \
    } while (0)
// White space before the first of an array or object, which will be the level after this one.
static inline const char *skip_first_gap(struct parser *s, const char *p, struct level *level) {
    uint32_t likely = level->gap + s->step;
    level[1].gap = likely <= LONGEST_GAP ? likely : 0;
    p = skip_gap(s, p, &level[1].gap);
    s->step = level[1].gap - level->gap;
    return p;
}

#define SKIP_GAP(gap)                                                                                                  \
    do {                                                                                                               \
        if (__builtin_expect((uint8_t)*p <= ' ', 0)) p = skip_gap(s, p, &(gap));                                       \
    } while (0)
#define SKIP_FIRST_GAP()                                                                                               \
    do {                                                                                                               \
        if (__builtin_expect((uint8_t)*p <= ' ', 0)) p = skip_first_gap(s, p, level);                                  \
    } while (0)
#define SKIP_SPACE()                                                                                                   \
    do {                                                                                                               \
        if ((uint8_t)*p <= ' ') p = skip_space(s, p);                                                                  \
    } while (0)

// One value with everything inside it. Returns where it ends, or NULL; *lowest is the level that was being filled then.
//
// That level is spread over local variables, for the compiler to keep in registers. Values are written where they belong;
// a member's name is there before its value.
static const char *parse_value(struct parser *s, const char *p, asl_value *root, struct level **lowest) {
    struct level *level = s->levels;
    struct asl__container *container = NULL, *closed;
    char *next = (char *)root, *full = NULL;
    ptrdiff_t expected = 0;
    enum kind kind = ROOT;
    asl_value *slot = root;           // where the next value goes
    const asl_value *like = &nothing; // what it is probably like
    asl_tag tag;
    level->gap = 0;

next_value:
    if (*p == '"') {
        size_t size = (size_t)__builtin_ctz(window_special(p + 1, true) | 0x10000), likely = expectation(like->size);
        if (size <= ASL_INLINE_MAX && p[size + 1] == '"') {
            store_inline_text(slot, ASL_STRING, p + 1, size);
            if (size == like->size) p += likely + 2;
            else p += expectation(size) + 2; // not the same addition: that would have to wait
            goto have_value;
        }
        p = long_string(s, p + 1, size, slot, like);
        if (!p) goto failed;
        goto have_value;
    }
    if ((uint8_t)(*p - '0') < 10) {
        p = number_value(s, p, false, slot);
        if (!p) goto failed;
        goto have_value;
    }
    if (*p == '{') goto open_object;
    switch (*p) {
    case ' ':
    case '\n':
    case '\r':
    case '\t':
        p = skip_space(s, p);
        goto next_value;
    case '[': {
        if (level == s->last_level && !(level = more_levels(s, p))) goto failed;
        p++;
        CHECK_ROOM();
        level[1].gap = 0;
        SKIP_FIRST_GAP();
        if (*p == ']') {
            p++;
            store_value(slot, asl_array_new(0));
            goto have_value;
        }
        if (like->tag != ASL_ARRAY && kind == ARRAY) like = same_place(container, level->like_array, slot);
        level->container = container, level->next = next, level->full = full;
        level->slot = slot, level->expected = expected, level->kind = kind;
        level++;
        size_t room = FIRST_ROOM;
        level->like_array = NULL;
        if (like->tag == ASL_ARRAY && like->array->head.count) {
            level->like_array = like->array;
            room = like->array->head.count;
            like = like->array->items;
        } else {
            like = &nothing;
        }
        size_t size = asl__array_size(room);
        asl_array *a = level->like_array ? new_block(s, size) : asl__heap_alloc(s->heap, size);
        a->head = (struct asl__container){.refs = 1, .capacity = (uint32_t)room};
        container = &a->head;
        kind = ARRAY;
        next = (char *)a->items;
        full = (char *)(a->items + room);
        slot = a->items;
        goto next_value;
    }
    case '-':
        p = number_value(s, p, true, slot);
        if (!p) goto failed;
        goto have_value;
    case 't':
    case 'f': {
        // Which of the two it is nobody can foresee: so no jump depends on it.
        bool truth = *p == 't';
        if (load4(p + !truth) != load4(truth ? "true" : "alse")) {
            bad_value(s, p);
            goto failed;
        }
        store_tagged(slot, ASL_BOOL, truth);
        p += 5 - truth;
        goto have_value;
    }
    case 'n':
        if (!(p = word(s, p, "null", 4))) goto failed;
        store_tagged(slot, ASL_NULL, 0);
        goto have_value;
    default: bad_value(s, p); goto failed;
    }

open_object:
    if (level == s->last_level && !(level = more_levels(s, p))) goto failed;
    p++;
    CHECK_ROOM();
    level[1].gap = 0;
    if (*p != '"') {
        SKIP_FIRST_GAP();
        if (*p == '}') {
            p++;
            store_value(slot, asl_object_new(0));
            goto have_value;
        }
    }
    if (like->tag != ASL_OBJECT && kind == ARRAY) like = same_place(container, level->like_array, slot);
    level->container = container, level->next = next, level->full = full;
    level->slot = slot, level->expected = expected, level->kind = kind;
    level++;
    if (like->tag == ASL_OBJECT && s->plain_keys) {
        size_t room = like->object->head.count;
        asl_object *o = new_block(s, asl__object_size(room));
        o->head = (struct asl__container){.refs = 1, .capacity = (uint32_t)room};
        o->index = NULL;
        level->like_object = like->object;
        container = &o->head;
        kind = OBJECT;
        expected = (const char *)like->object - (const char *)o;
        next = (char *)o->entries;
        full = (char *)(o->entries + room);
    } else {
        asl_object *o = asl__heap_alloc(s->heap, asl__object_size(FIRST_ROOM));
        o->head = (struct asl__container){.refs = 1, .capacity = FIRST_ROOM};
        o->index = NULL;
        level->like_object = NULL;
        container = &o->head;
        kind = LOOSE_OBJECT;
        expected = 0;
        next = full = (char *)o->entries;
    }
    goto next_member;

have_value:
    if (kind >= OBJECT) {
        if (*p != ',') {
            SKIP_GAP(level[-1].gap);
            if (*p == '}') goto close_object;
            if (*p != ',') {
                expected_at(s, p, "',' or '}' after a member");
                goto failed_between;
            }
        }
        p++;
        goto next_member;
    }
    if (kind == ROOT) return p;
    next += sizeof(asl_value);
    if (*p != ',') {
        SKIP_GAP(level[-1].gap);
        if (*p == ']') goto close_array;
        if (*p != ',') {
            expected_at(s, p, "',' or ']' after an item");
            goto failed;
        }
    }
    p++;
    CHECK_ROOM();
    if ((uint8_t)*p <= ' ') {
        if (*p == ' ') p++; // one is usual
        SKIP_GAP(level->gap);
    }
    if (next == full) {
        size_t filled = (size_t)(next - (char *)container);
        container = grow(container, ARRAY);
        next = (char *)container + filled;
        full = (char *)container + asl__array_size(container->capacity);
    }
    slot = (asl_value *)(void *)next;
    like = slot - 1;
    goto next_value;

close_object:
    if (next == (char *)container + asl__object_size(container->capacity)) container->count = container->capacity;
    else container = fit(s, container, next, kind);
    if (kind == LOOSE_OBJECT) settle(s, (asl_object *)container);
    closed = container;
    tag = ASL_OBJECT;
    goto close_level;

close_array:
    if (next == full) container->count = container->capacity;
    else container = fit(s, container, next, kind);
    closed = container;
    tag = ASL_ARRAY;

close_level:
    p++;
    CHECK_ROOM();
    level--;
    container = level->container, next = level->next, full = level->full;
    slot = level->slot, expected = level->expected, kind = level->kind;
    store_tagged(slot, tag, (uintptr_t)closed);
    goto have_value;

next_member:
    CHECK_ROOM();
    if (*p == ' ') p++; // one is usual, or none
    if (*p != '"') {
        SKIP_GAP(level->gap);
        if (*p != '"') {
            expected_at(s, p, "a member's name in double quotes");
            goto failed_between;
        }
    }
    struct asl__entry *member = (struct asl__entry *)(void *)next;
    const struct asl__entry *e = (const struct asl__entry *)(const void *)(next + expected);
    size_t likely;
    if (__builtin_expect(next != full && (likely = expectation(e->key->size), name_is(p + 1, e->key)), 1)) {
        p += likely + 2;
        e->key->refs++;
        member->key = e->key;
        like = &e->value;
        slot = &member->value;
        next += sizeof *member;
    } else if (next != full && e->key->size > 16 && long_name_is(s, p + 1, e->key)) {
        p += e->key->size + 2;
        CHECK_ROOM();
        e->key->refs++;
        member->key = e->key;
        like = &e->value;
        slot = &member->value;
        next += sizeof *member;
    } else {
        const asl_object *like_object = level->like_object;
        if (next == (char *)container + asl__object_size(container->capacity)) {
            size_t filled = (size_t)(next - (char *)container);
            container = grow(container, OBJECT);
            next = (char *)container + filled;
            member = (struct asl__entry *)(void *)next;
        }
        p = member_name(s, p + 1, ((asl_object *)(void *)container)->entries, member);
        if (!p) goto failed_between;
        slot = &member->value;
        next += sizeof *member;
        like = &nothing;
        full = next;
        if (!like_object) {
            kind = LOOSE_OBJECT;
            if (member > ((asl_object *)(void *)container)->entries) like = &member[-1].value;
        } else {
            // Perhaps some of the members expected are missing here, and this is the one after them.
            const struct asl__entry *end = like_object->entries + like_object->head.count, *found = e;
            while (found < end && found - e < LOOK_AHEAD && found->key != member->key) found++;
            if (found < end && found->key == member->key) {
                like = &found->value;
                e = found + 1;
            } else {
                kind = LOOSE_OBJECT;
            }
            size_t room = (size_t)((char *)container + asl__object_size(container->capacity) - next);
            size_t left = (size_t)((const char *)end - (const char *)e);
            full += room < left ? room : left;
            expected = (const char *)e - next;
        }
    }
    if (*p != ':') {
        SKIP_SPACE();
        if (*p != ':') {
            expected_at(s, p, "':' after a member's name");
            goto failed;
        }
    }
    p++;
    if (*p == ' ') p++;
    goto next_value;

failed:
    if (kind >= OBJECT) store_tagged((asl_value *)(void *)next - 1, ASL_NONE, 0); // a name without its value
failed_between:
    if (!level) level = s->last_level; // it had to be the last
    level->container = container, level->next = next, level->kind = kind;
    *lowest = level;
    return NULL;
}

// Frees what there is at all levels. Those above the lowest wait for a value.
static void drop_levels(struct parser *s, struct level *lowest) {
    for (struct level *l = lowest; l > s->levels; l--) {
        if (l->kind >= OBJECT && l != lowest) store_tagged((asl_value *)(void *)l->next - 1, ASL_NONE, 0);
        l->container->count = count_in(l->container, l->next, l->kind);
        asl_release(l->kind == ARRAY ? (asl_value){.tag = ASL_ARRAY, .array = (asl_array *)l->container}
                                     : (asl_value){.tag = ASL_OBJECT, .object = (asl_object *)l->container});
    }
}

int asl_json_parse(asl_str text, const asl_json_limits *limits, asl_value *out, asl_json_error *error) {
    struct parser s;
    s.text = s.start = text.size ? text.data : "";
    s.end = s.start + text.size;
    s.copied_from = 0;
    s.in_copy = false;
    s.max_depth = limits && limits->max_depth ? limits->max_depth : ASL_MAX_DEPTH;
    s.lone_surrogates = limits && limits->lone_surrogates;
    s.index_order = limits && limits->index_order;
    s.plain_keys = true;
    s.error = error;
    s.heap = asl__heap();
    s.large = ASL__SMALL_MAX && text.size >= LARGE;
    s.run = s.large ? s.heap->run : NULL;
    s.run_end = s.large ? s.heap->run_end : NULL;
    s.cut = 0;
    s.step = 0;
    s.seed = asl__hash_seed();
    s.levels = s.first_levels;
    s.last_level = s.levels + (s.max_depth < FIRST_LEVELS - 1 ? s.max_depth : FIRST_LEVELS - 1);
    s.decoded = (asl_buffer){0};
    memset(s.cached, 0, sizeof s.cached);

    *out = asl_none();
    if (limits && limits->max_size && text.size > limits->max_size) {
        fail(&s, s.start, "%zu bytes of JSON are more than the limit of %zu", text.size, limits->max_size);
        return -1;
    }
    asl_value v = asl_none();
    const char *p = s.start;
    if (text.size >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) p += 3;
    if (s.end - p < MARGIN) p = go_on_in_copy(&s, p);
    else s.limit = s.end - MARGIN;
    struct level *lowest = s.levels;
    p = parse_value(&s, p, &v, &lowest);
    if (s.run) {
        s.heap->run = s.run;
        asl__run_count(s.heap, s.cut);
    }
    if (p) {
        p = skip_space(&s, p);
        if (p < s.end) {
            fail(&s, p, "text after the JSON value");
            asl_release(v);
            p = NULL;
        }
    } else {
        drop_levels(&s, lowest);
    }
    if (p) *out = v;
    if (s.levels != s.first_levels) asl_free(s.levels);
    asl_buffer_free(&s.decoded);
    return p ? 0 : -1;
}
