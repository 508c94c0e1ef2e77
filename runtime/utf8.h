// The one place that knows which bytes are UTF-8.
#ifndef ASL_UTF8_H
#define ASL_UTF8_H

#include <stddef.h>
#include <stdint.h>

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

#endif
