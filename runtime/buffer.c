// A growing buffer of bytes. It doubles, so that adding n bytes one by one costs O(n).
#include "value_private.h"

#include <stdarg.h>
#include <stdio.h>

char *asl_buffer_reserve(asl_buffer *b, size_t more) {
    size_t needed;
    if (__builtin_add_overflow(b->size, more, &needed) || needed >= PTRDIFF_MAX) asl__out_of_memory(SIZE_MAX);
    if (needed >= b->capacity) { // one more byte for the NUL
        size_t capacity = b->capacity < 32 ? 64 : b->capacity * 2;
        if (capacity <= needed) capacity = needed + 1;
        b->data = asl_realloc(b->data, capacity);
        b->capacity = capacity;
    }
    b->data[needed] = 0; // right for a caller that then uses all it asked for
    return b->data + b->size;
}

void asl_buffer_add(asl_buffer *b, const void *data, size_t size) {
    if (!size) return;
    memcpy(asl_buffer_reserve(b, size), data, size);
    b->size += size;
}

void asl_buffer_str(asl_buffer *b, asl_str s) { asl_buffer_add(b, s.data, s.size); }

void asl_buffer_z(asl_buffer *b, const char *s) { asl_buffer_add(b, s, strlen(s)); }

void asl_buffer_byte(asl_buffer *b, char c) {
    *asl_buffer_reserve(b, 1) = c;
    b->size++;
}

void asl_buffer_vformat(asl_buffer *b, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    char *room = asl_buffer_reserve(b, 120);
    int size = vsnprintf(room, 121, format, arguments);
    if (size > 120) vsnprintf(asl_buffer_reserve(b, (size_t)size), (size_t)size + 1, format, again);
    va_end(again);
    if (size > 0) b->size += (size_t)size;
}

void asl_buffer_format(asl_buffer *b, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    asl_buffer_vformat(b, format, arguments);
    va_end(arguments);
}

void asl_buffer_free(asl_buffer *b) {
    asl_free(b->data);
    *b = (asl_buffer){0};
}
