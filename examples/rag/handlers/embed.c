// A toy embedding: the words of a text, hashed into a few dozen buckets, counted, and scaled to length one. Texts about
// the same thing share words and so point in similar directions. It is the same on every machine and needs no model.
//
// Called through ffi as embed(string)->json: the argument is UTF-8 text, the result JSON text from malloc, which the
// caller frees.
#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIMENSIONS = 48, SHORTEST = 4 };

char *embed(const char *text);

static void count_words(const char *text, double *bucket) {
    while (*text) {
        uint32_t hash = 2166136261u; // FNV-1a
        size_t length = 0;
        while (*text && (isalpha((unsigned char)*text) || (unsigned char)*text >= 128)) {
            hash = (hash ^ (uint32_t)tolower((unsigned char)*text++)) * 16777619u;
            length++;
        }
        if (length >= SHORTEST) // "the" and "of" say nothing about what a text is about
            bucket[hash % DIMENSIONS] += 1;
        if (*text && !length)
            text++;
    }
}

char *embed(const char *text) {
    double bucket[DIMENSIONS] = {0}, square = 0;
    count_words(text, bucket);
    for (int i = 0; i < DIMENSIONS; i++)
        square += bucket[i] * bucket[i];
    double length = square > 0 ? sqrt(square) : 1;

    char *json = malloc(DIMENSIONS * 12 + 3);
    if (!json)
        return NULL;
    char *end = json;
    *end++ = '[';
    for (int i = 0; i < DIMENSIONS; i++)
        end += sprintf(end, i ? ",%.4g" : "%.4g", bucket[i] / length);
    strcpy(end, "]");
    return json;
}
