// Private to the JSON parser and printer: text 16 bytes at a time, and stacks that begin on the C stack.
//
// window_special() tells at once which of 16 bytes need a closer look. What strings consist of mostly, and all of most
// keys, is never looked at byte by byte. SSE2 is part of every x86-64 processor, so nothing is asked at run time, which
// would cost more than a small document takes; elsewhere the same is done with two 64-bit words.
#ifndef ASL_JSON_PRIVATE_H
#define ASL_JSON_PRIVATE_H

#include "value_private.h"

#if defined __SSE2__
#include <emmintrin.h>
#endif

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
static inline uint32_t special_of(__m128i x, bool non_ascii) {
    __m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"')), backslash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
    __m128i low = non_ascii ? _mm_cmplt_epi8(x, _mm_set1_epi8(0x20)) // signed: bytes from 0x80 on are negative
                            : _mm_cmpeq_epi8(_mm_max_epu8(x, _mm_set1_epi8(0x1f)), _mm_set1_epi8(0x1f));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), low));
}

static inline uint32_t window_special(const char *p, bool non_ascii) {
    return special_of(_mm_loadu_si128((const __m128i *)(const void *)p), non_ascii);
}

// A bit for each byte from 0x80 on.
static inline uint32_t window_non_ascii(const char *p) {
    return (uint32_t)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)p));
}

// A bit for each byte that is this one.
static inline uint32_t window_equal(const char *p, uint8_t byte) {
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8((char)byte)));
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

static inline uint32_t window_non_ascii(const char *p) {
    uint32_t mask = 0;
    for (int half = 1; half >= 0; half--) {
        mask = mask << 8 | (uint32_t)(((load8(p + 8 * half) & EACH(0x80)) >> 7) * UINT64_C(0x0102040810204080) >> 56);
    }
    return mask;
}

static inline uint32_t window_equal(const char *p, uint8_t byte) {
    uint32_t mask = 0;
    for (int i = 0; i < 16; i++) mask |= (uint32_t)((uint8_t)p[i] == byte) << i;
    return mask;
}

#endif

// Doubles the room of a stack that begins in a local variable.
static inline void *more_room(void *stack, const void *first, size_t *room, size_t each) {
    size_t size = asl__block_size(0, *room, each), doubled = asl__block_size(0, *room, 2 * each);
    void *larger = stack == first ? memcpy(asl_alloc(doubled), stack, size) : asl_realloc(stack, doubled);
    *room *= 2;
    return larger;
}

static inline char *room_for(asl_buffer *out, size_t more) {
    if (out->capacity - out->size > more) return out->data + out->size; // > : the NUL
    return asl_buffer_reserve(out, more);
}

static inline void print_text(asl_buffer *out, const char *text, size_t size) {
    memcpy(room_for(out, size), text, size);
    out->size += size;
}

// A UTF-16 unit that must be escaped in a JSON string; at most 6 bytes. Returns the end.
char *asl__print_escape(char *p, uint32_t unit);

#endif
