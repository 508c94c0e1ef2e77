// Private to the picture functions: text as UTF-16 units.
//
// Pictures are analysed and results put together by JavaScript's rules, which count UTF-16 units; what is rare or must be
// exact to the unit is done on such a buffer. The common cases write bytes directly and do without.
#ifndef ASL_JX_WIDE_H
#define ASL_JX_WIDE_H

#include "lib.h"

struct jx_wide {
    uint16_t *data;
    size_t size, capacity;
    uint16_t local[96];
};

/* Borrowed units. */
struct jx_span {
    const uint16_t *data;
    size_t size;
};

static inline void jx_wide_begin(struct jx_wide *w) {
    w->data = w->local;
    w->size = 0;
    w->capacity = sizeof w->local / sizeof *w->local;
}
static inline void jx_wide_end(struct jx_wide *w) {
    if (w->data != w->local) asl_free(w->data);
}
static inline struct jx_span jx_span_of(const struct jx_wide *w) { return (struct jx_span){w->data, w->size}; }

void jx_wide_unit(struct jx_wide *w, uint16_t unit);
void jx_wide_code(struct jx_wide *w, uint32_t code);
void jx_wide_span(struct jx_wide *w, struct jx_span s);   /* s may not lie in w */
void jx_wide_ascii(struct jx_wide *w, const char *text, size_t size);
void jx_wide_text(struct jx_wide *w, asl_str text);       /* text is WTF-8 */
void jx_wide_repeat(struct jx_wide *w, struct jx_span s, size_t times);
/* at <= w->size; s may not lie in w */
void jx_wide_insert(struct jx_wide *w, size_t at, struct jx_span s);
void jx_wide_cut(struct jx_wide *w, size_t from, size_t to); /* removes those units */
/* Puts s between the first `end` units so that each `step` of them, counted from there back, stand together. */
void jx_wide_group(struct jx_wide *w, size_t end, size_t step, struct jx_span s);

/* Appends the units as WTF-8; the two halves of a character become one. */
void jx_span_text(struct jx_span s, struct jx_text *out);

/* JavaScript's indexOf from `from` on and lastIndexOf; -1 when there is none. An empty needle is found at once. */
ptrdiff_t jx_span_find(struct jx_span s, struct jx_span needle, size_t from);
ptrdiff_t jx_span_find_last(struct jx_span s, struct jx_span needle);
/* JavaScript's substring: ends beyond the text are its end. */
static inline struct jx_span jx_span_part(struct jx_span s, size_t from, size_t to) {
    if (to > s.size) to = s.size;
    if (from > to) from = to;
    return (struct jx_span){s.data + from, to - from};
}

#endif
