// Text as UTF-16 units.
#include "wide.h"

static uint16_t *room(struct jx_wide *w, size_t more) {
    if (w->capacity - w->size >= more) return w->data + w->size;
    size_t capacity = w->capacity * 2;
    if (more > SIZE_MAX / 8) asl__out_of_memory(SIZE_MAX);
    if (capacity < w->size + more) capacity = w->size + more;
    if (w->data == w->local) {
        w->data = asl_alloc(capacity * sizeof *w->data);
        memcpy(w->data, w->local, w->size * sizeof *w->data);
    } else {
        w->data = asl_realloc(w->data, capacity * sizeof *w->data);
    }
    w->capacity = capacity;
    return w->data + w->size;
}

void jx_wide_unit(struct jx_wide *w, uint16_t unit) {
    *room(w, 1) = unit;
    w->size++;
}

void jx_wide_code(struct jx_wide *w, uint32_t code) {
    if (code < 0x10000) {
        jx_wide_unit(w, (uint16_t)code);
    } else {
        jx_wide_unit(w, (uint16_t)(0xd800 + ((code - 0x10000) >> 10)));
        jx_wide_unit(w, (uint16_t)(0xdc00 + (code & 0x3ff)));
    }
}

void jx_wide_span(struct jx_wide *w, struct jx_span s) {
    if (!s.size) return;
    memcpy(room(w, s.size), s.data, s.size * sizeof *s.data);
    w->size += s.size;
}

void jx_wide_ascii(struct jx_wide *w, const char *text, size_t size) {
    uint16_t *to = room(w, size);
    for (size_t i = 0; i < size; i++) to[i] = (uint8_t)text[i];
    w->size += size;
}

void jx_wide_text(struct jx_wide *w, asl_str text) {
    for (const char *p = text.data, *end = p + text.size; p < end;) jx_wide_code(w, jx_next_code(&p));
}

void jx_wide_repeat(struct jx_wide *w, struct jx_span s, size_t times) {
    for (size_t i = 0; i < times; i++) jx_wide_span(w, s);
}

void jx_wide_insert(struct jx_wide *w, size_t at, struct jx_span s) {
    if (!s.size) return;
    room(w, s.size);
    memmove(w->data + at + s.size, w->data + at, (w->size - at) * sizeof *w->data);
    memcpy(w->data + at, s.data, s.size * sizeof *s.data);
    w->size += s.size;
}

void jx_wide_cut(struct jx_wide *w, size_t from, size_t to) {
    memmove(w->data + from, w->data + to, (w->size - to) * sizeof *w->data);
    w->size -= to - from;
}

void jx_wide_group(struct jx_wide *w, size_t end, size_t step, struct jx_span s) {
    if (end <= step) return;
    struct jx_wide grouped; // one pass: a width may ask for a million digits
    jx_wide_begin(&grouped);
    size_t first = end % step ? end % step : step;
    jx_wide_span(&grouped, (struct jx_span){w->data, first});
    for (size_t i = first; i < end; i += step) {
        jx_wide_span(&grouped, s);
        jx_wide_span(&grouped, (struct jx_span){w->data + i, step});
    }
    jx_wide_span(&grouped, (struct jx_span){w->data + end, w->size - end});
    w->size = 0;
    jx_wide_span(w, jx_span_of(&grouped));
    jx_wide_end(&grouped);
}

void jx_span_text(struct jx_span s, struct jx_text *out) {
    for (size_t i = 0; i < s.size; i++) {
        uint32_t code = s.data[i];
        if (code >= 0xd800 && code < 0xdc00 && i + 1 < s.size && s.data[i + 1] >= 0xdc00 && s.data[i + 1] < 0xe000)
            code = 0x10000 + ((code & 0x3ff) << 10 | (s.data[++i] & 0x3ffu));
        out->size += jx_put_code(code, jx_text_room(out, 4));
    }
}

static bool is_at(struct jx_span s, struct jx_span needle, size_t at) {
    return needle.size <= s.size - at && memcmp(s.data + at, needle.data, needle.size * sizeof *s.data) == 0;
}

ptrdiff_t jx_span_find(struct jx_span s, struct jx_span needle, size_t from) {
    if (from > s.size) from = s.size;
    for (size_t i = from; i <= s.size; i++) {
        if (!needle.size || is_at(s, needle, i)) return (ptrdiff_t)i;
    }
    return -1;
}

ptrdiff_t jx_span_find_last(struct jx_span s, struct jx_span needle) {
    for (size_t i = s.size + 1; i-- > 0;) {
        if (!needle.size || is_at(s, needle, i)) return (ptrdiff_t)i;
    }
    return -1;
}
