// The one place that knows which bytes are UTF-8.
#ifndef ASL_UTF8_H
#define ASL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined __SSE2__
#include <emmintrin.h>
#endif

// Bytes of the well-formed sequence at text, which is before end; 0 when there is none (RFC 3629: no overlong forms, no
// surrogates, nothing above U+10FFFF).
static inline size_t asl__utf8_size(const char *text, const char *end) {
    const uint8_t *p = (const uint8_t *)text;
    size_t left = (size_t)(end - text);
    if (p[0] < 0x80) return 1;
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

// Of 16 bytes a bit for each that may not stand after the three before it. inside: these can be read, too; if not, the text
// begins here. (A sequence that the last bytes begin shows its errors among the next 16.) 0: there is no error. Elsewhere
// than with SSE2 each byte that is not ASCII has its bit, and asl__utf8_size() has to tell.
static inline uint32_t asl__utf8_errors(const char *p, bool inside) {
#if defined __SSE2__
#define EACH_BYTE(byte) _mm_set1_epi8((char)(byte))
#define LOAD(from)      _mm_loadu_si128((const __m128i *)(const void *)(from))
    // Bytes compare as signed ones: 0x80 … 0xff are below all others, in their order.
    __m128i x = LOAD(p), before1, before2, before3;
    if (inside) before1 = LOAD(p - 1), before2 = LOAD(p - 2), before3 = LOAD(p - 3);
    else before1 = _mm_slli_si128(x, 1), before2 = _mm_slli_si128(x, 2), before3 = _mm_slli_si128(x, 3);
    // A continuation byte stands where, and only where, the lead byte before it asks for one.
    __m128i asked = _mm_or_si128(_mm_or_si128(_mm_subs_epu8(before1, EACH_BYTE(0xbf)), _mm_subs_epu8(before2, EACH_BYTE(0xdf))),
                                 _mm_subs_epu8(before3, EACH_BYTE(0xef)));
    __m128i errors = _mm_cmpeq_epi8(_mm_cmpeq_epi8(asked, _mm_setzero_si128()), _mm_cmplt_epi8(x, EACH_BYTE(0xc0)));
    // No lead bytes: c0 and c1, f5 … ff.
    errors = _mm_or_si128(errors, _mm_cmpeq_epi8(_mm_and_si128(x, EACH_BYTE(0xfe)), EACH_BYTE(0xc0)));
    errors = _mm_or_si128(errors, _mm_cmpeq_epi8(_mm_max_epu8(x, EACH_BYTE(0xf5)), x));
    // After these the second byte has less room: overlong forms, surrogates, above U+10FFFF.
    errors = _mm_or_si128(errors, _mm_and_si128(_mm_cmpeq_epi8(before1, EACH_BYTE(0xe0)), _mm_cmplt_epi8(x, EACH_BYTE(0xa0))));
    errors = _mm_or_si128(errors, _mm_and_si128(_mm_cmpeq_epi8(before1, EACH_BYTE(0xed)), _mm_cmpgt_epi8(x, EACH_BYTE(0x9f))));
    errors = _mm_or_si128(errors, _mm_and_si128(_mm_cmpeq_epi8(before1, EACH_BYTE(0xf0)), _mm_cmplt_epi8(x, EACH_BYTE(0x90))));
    errors = _mm_or_si128(errors, _mm_and_si128(_mm_cmpeq_epi8(before1, EACH_BYTE(0xf4)), _mm_cmpgt_epi8(x, EACH_BYTE(0x8f))));
    return (uint32_t)_mm_movemask_epi8(errors);
#undef EACH_BYTE
#undef LOAD
#else
    uint32_t errors = 0;
    for (int i = 0; i < 16; i++) errors |= (uint32_t)((uint8_t)p[i] >> 7) << i;
    return (void)inside, errors;
#endif
}

#endif
