// Numbers as text, as JavaScript writes them (jsonata-language 16).
//
// $string and & first round what is not an integer to 15 significant digits: of the exact value, ties away from zero.
// The shortest digits that read back as the number (17 at most) tell the outcome, except when they are 16 with a 5 at
// the end: only then may the exact value lie on either side of the tie, and integers decide.
#include "lib.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

size_t jx_number_print(double d, char out[40]) {
    if (!isfinite(d)) {
        const char *word = isnan(d) ? "NaN" : d < 0 ? "-Infinity" : "Infinity";
        size_t size = strlen(word);
        memcpy(out, word, size);
        return size;
    }
    if (d == 0) { // -0 too
        out[0] = '0';
        return 1;
    }
    size_t size = asl_double_print(d, out);
    double magnitude = fabs(d);
    if (magnitude < 1e21) return size;
    char *e = memchr(out, 'e', size); // 1e21 is 1e+21 in JavaScript
    memmove(e + 2, e + 1, size - (size_t)(e + 1 - out));
    e[1] = '+';
    return size + 1;
}

// ---------------------------------------------------------------- 15 digits

// Whether |d| >= digits * 10^-k, digits being 16 digits next to it.
static bool at_least(double d, uint64_t digits, int k) {
    int exponent;
    uint64_t c = (uint64_t)ldexp(frexp(d, &exponent), 53);
    int q = exponent - 53; // d = c * 2^q
    if (k >= 0 && k <= 32) { // c * 5^k < 2^128, and the other side is about as large
        unsigned __int128 left = c, right = digits;
        for (int i = 0; i < k; i++) left *= 5;
        int shift = -q - k;
        if (shift >= 0) right <<= shift;
        else left <<= -shift;
        return left >= right;
    }
    // Very small numbers: the digits of the exact value, all of them.
    char text[800];
    snprintf(text, sizeof text, "%.770e", d);
    uint64_t first = (uint64_t)(text[0] - '0');
    for (int i = 2; i < 17; i++) first = first * 10 + (uint64_t)(text[i] - '0');
    return first >= digits;
}

size_t jx_number_print15(double d, char out[40]) {
    size_t size = jx_number_print(d, out);
    if (size <= 16 || !isfinite(d) || d == floor(d)) return size; // 16: a point and 15 digits
    char digits[20];
    size_t count = 0;
    int point = 0;
    const char *p = out + (d < 0), *end = out + size;
    bool behind = false;
    for (; p < end && *p != 'e'; p++) {
        if (*p == '.') {
            behind = true;
        } else if (count || *p != '0') {
            digits[count++] = *p;
            point += !behind;
        } else {
            point -= behind; // a zero between the point and the first digit
        }
    }
    if (p < end) {
        out[size] = 0; // at most 25 characters
        point += atoi(p + 1);
    }
    if (count <= 15) return size;
    double magnitude = fabs(d);
    bool up = digits[15] >= '5';
    if (count == 16 && digits[15] == '5') {
        uint64_t u = 0;
        for (int i = 0; i < 16; i++) u = u * 10 + (uint64_t)(digits[i] - '0');
        up = at_least(magnitude, u, 16 - point);
    }
    count = 15;
    if (up) {
        while (count && digits[count - 1] == '9') count--;
        if (count) {
            digits[count - 1]++;
        } else {
            digits[0] = '1';
            count = 1;
            point++;
        }
    }
    while (count > 1 && digits[count - 1] == '0') count--;
    if (magnitude < 0x1p-1022) { // too few bits for 15 digits to come back as they are
        char text[48];
        snprintf(text, sizeof text, "0.%.*se%d", (int)count, digits, point);
        double rounded = strtod(text, NULL);
        return jx_number_print(d < 0 ? -rounded : rounded, out);
    }
    char *to = out;
    if (d < 0) *to++ = '-';
    return (size_t)(asl__digits_print(digits, count, point, to) - out);
}
