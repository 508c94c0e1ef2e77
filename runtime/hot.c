// The code of quiet machines' ops. Compiled into the library, and by clang to bitcode that aslc links into a module before
// LLVM optimises it: then these few lines stand where they are called. What is rare or long is in hot_slow.c.
#include "hot.h"

#include "engine.h"
#include "heap.h"
#include "waiting.h"
#include "words.h"

#ifdef ASL_BITCODE
#define INLINE __attribute__((always_inline))
#else
#define INLINE
#endif
#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

// ---------------------------------------------------------------- values

/* fresh is a constant where these are called: nothing of the look at what was there remains. */
static inline void store(asl_value *d, struct asl__words w, uint32_t fresh) {
    if (fresh) asl__store_new(d, w);
    else asl__store(d, w);
}

INLINE void asl_hot_copy(asl_value *d, const asl_value *s, uint32_t fresh) {
    struct asl__words w = asl__load(s);
    asl__retain_words(w);
    store(d, w, fresh);
}

INLINE void asl_hot_move(asl_value *d, asl_value *s, uint32_t fresh) {
    struct asl__words w = asl__load(s);
    asl__store_new(s, (struct asl__words){0, 0});
    store(d, w, fresh);
}

INLINE void asl_hot_words(asl_value *d, int64_t head, int64_t body, uint32_t fresh) {
    store(d, (struct asl__words){(uint64_t)head, (uint64_t)body}, fresh);
}

static inline struct image *image_of(asl_frame *frame) { return &frame_of(frame)->execution->engine->image; }

INLINE const asl_value *asl_hot_constant(asl_frame *frame, uint32_t k) { return image_of(frame)->constants[k]; }

INLINE void *asl_hot_keys(asl_frame *frame) { return image_of(frame)->keys; }
INLINE void *asl_hot_caches(asl_frame *frame) { return image_of(frame)->caches; }
INLINE void *asl_hot_heap(asl_frame *frame) { return frame_of(frame)->execution->engine->heap; }

static inline asl_text *key_of(asl_frame *frame, void *keys, uint32_t k) {
    asl_text *key = ((asl_text **)keys)[k];
    return LIKELY(key != NULL) ? key : asl__hot_key(frame, k);
}

// ---------------------------------------------------------------- members and items

/* What is behind a short text can be read, see asl__text_equal. False where numbers begin with their highest byte: then it is
   looked for. */
static inline bool reads(const asl_text *text, const struct asl_hot_text *name) {
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    return false;
#endif
    uint64_t low, high;
    if (text->size != name->size) return false;
    memcpy(&low, text->bytes, 8);
    if (name->size < 8) return (low ^ name->low) << (64 - 8 * name->size) == 0;
    if (low != name->low || name->size == 8) return low == name->low;
    memcpy(&high, text->bytes + 8, 8);
    return (high ^ name->high) << (128 - 8 * name->size) == 0;
}

/* Where it was last time, under the very same text, or, with a name, one that reads alike. */
static inline const asl_value *cached(const asl_value *s, const struct asl_hot_cache *c, const struct asl_hot_text *name) {
    const asl_object *o = s->object;
    if (UNLIKELY(c->at >= o->head.count)) return NULL;
    const asl_text *key = o->entries[c->at].key;
    return LIKELY(name ? reads(key, name) : key == c->key) ? &o->entries[c->at].value : NULL;
}

INLINE const asl_value *asl_hot_field_at(asl_frame *frame, const asl_value *s, uint32_t k, struct asl_hot_cache *cache, const struct asl_hot_text *name) {
    if (UNLIKELY(s->tag != ASL_OBJECT)) return NULL;
    const asl_value *v = cached(s, cache, name);
    return LIKELY(v != NULL) ? v : asl__hot_find(frame, s->object, k, cache);
}

INLINE const asl_value *asl_hot_element_at(const asl_value *s, int64_t index) {
    return LIKELY(s->tag == ASL_ARRAY && (uint64_t)index < s->array->head.count) ? &s->array->items[index] : NULL;
}

static const asl_value asl__hot_nothing; /* in a module with the user's own names */

INLINE const asl_value *asl_hot_field_at_maybe(asl_frame *frame, const asl_value *s, uint32_t k, struct asl_hot_cache *cache, const struct asl_hot_text *name) {
    const asl_value *v = asl_hot_field_at(frame, s, k, cache, name);
    return v ? v : &asl__hot_nothing;
}

INLINE const asl_value *asl_hot_element_at_maybe(const asl_value *s, int64_t index) {
    const asl_value *v = asl_hot_element_at(s, index);
    return v ? v : &asl__hot_nothing;
}

INLINE const asl_value *asl_hot_object_or_new_at(asl_frame *frame, const asl_value *s, uint32_t k) {
    if (LIKELY(s->tag == ASL_OBJECT)) return s;
    return s->tag == ASL_NONE ? asl_hot_constant(frame, k) : NULL;
}

INLINE int32_t asl_hot_field(asl_frame *frame, asl_value *d, const asl_value *s, uint32_t k, struct asl_hot_cache *cache,
                             const struct asl_hot_text *name, uint32_t fresh) {
    const asl_value *v = asl_hot_field_at(frame, s, k, cache, name);
    if (UNLIKELY(!v)) return 1;
    asl_hot_copy(d, v, fresh);
    return 0;
}

INLINE void asl_hot_field_maybe(asl_frame *frame, asl_value *d, const asl_value *s, uint32_t k, struct asl_hot_cache *cache,
                                const struct asl_hot_text *name, uint32_t fresh) {
    asl_hot_copy(d, asl_hot_field_at_maybe(frame, s, k, cache, name), fresh);
}

INLINE int32_t asl_hot_element(asl_value *d, const asl_value *s, int64_t index, uint32_t fresh) {
    const asl_value *v = asl_hot_element_at(s, index);
    if (UNLIKELY(!v)) return 1;
    asl_hot_copy(d, v, fresh);
    return 0;
}

INLINE void asl_hot_element_maybe(asl_value *d, const asl_value *s, int64_t index, uint32_t fresh) {
    asl_hot_copy(d, asl_hot_element_at_maybe(s, index), fresh);
}

INLINE int32_t asl_hot_object_or_new(asl_frame *frame, asl_value *d, const asl_value *s, uint32_t k, uint32_t fresh) {
    const asl_value *v = asl_hot_object_or_new_at(frame, s, k);
    if (UNLIKELY(!v)) return 1;
    asl_hot_copy(d, v, fresh);
    return 0;
}

INLINE int64_t asl_hot_length(const asl_value *s) { return s->tag == ASL_ARRAY ? (int64_t)s->array->head.count : -1; }

// ---------------------------------------------------------------- records

INLINE void asl_hot_record(void *heap, asl_value *d, uint32_t members, uint32_t fresh) {
    asl_object *o = asl__heap_alloc(heap, asl__object_size(members));
    o->head = (struct asl__container){.refs = 1, .count = members, .capacity = members}; /* they are filled in at once */
    o->index = NULL;
    store(d, (struct asl__words){ASL_OBJECT, (uintptr_t)o}, fresh);
}

static inline void fill(asl_frame *frame, void *keys, asl_value *x, uint32_t i, uint32_t k, struct asl__words w) {
    asl_object *o = x->object;
    asl_text *key = key_of(frame, keys, k);
    key->refs++;
    o->entries[i].key = key;
    asl__store_new(&o->entries[i].value, w);
}

INLINE void asl_hot_fill(asl_frame *frame, void *keys, asl_value *x, uint32_t i, uint32_t k, const asl_value *s) {
    struct asl__words w = asl__load(s);
    asl__retain_words(w);
    fill(frame, keys, x, i, k, w);
}

INLINE void asl_hot_fill_last(asl_frame *frame, void *keys, asl_value *x, uint32_t i, uint32_t k, asl_value *s) {
    struct asl__words w = asl__load(s);
    asl__store_new(s, (struct asl__words){0, 0});
    fill(frame, keys, x, i, k, w);
}

INLINE void asl_hot_fill_words(asl_frame *frame, void *keys, asl_value *x, uint32_t i, uint32_t k, int64_t head, int64_t body) {
    fill(frame, keys, x, i, k, (struct asl__words){(uint64_t)head, (uint64_t)body});
}

// ---------------------------------------------------------------- arrays

INLINE void asl_hot_list(void *heap, asl_value *d, uint32_t items, uint32_t fresh) {
    asl_array *a = asl__heap_alloc(heap, asl__array_size(items));
    a->head = (struct asl__container){.refs = 1, .count = items, .capacity = items};
    store(d, (struct asl__words){ASL_ARRAY, (uintptr_t)a}, fresh);
}

INLINE void asl_hot_list_item(asl_value *x, uint32_t i, const asl_value *s) {
    struct asl__words w = asl__load(s);
    asl__retain_words(w);
    asl__store_new(&x->array->items[i], w);
}

INLINE void asl_hot_list_item_last(asl_value *x, uint32_t i, asl_value *s) {
    asl__store_new(&x->array->items[i], asl__load(s));
    asl__store_new(s, (struct asl__words){0, 0});
}

INLINE void asl_hot_list_words(asl_value *x, uint32_t i, int64_t head, int64_t body) {
    asl__store_new(&x->array->items[i], (struct asl__words){(uint64_t)head, (uint64_t)body});
}

INLINE void asl_hot_done(asl_frame *frame, asl_value *s) {
    struct asl__words w = asl__load(s);
    asl__store_new(s, (struct asl__words){0, 0});
    asl__store_new(&frame_of(frame)->result, w); /* answers have been taken out of it */
}

INLINE void asl_hot_give_back(asl_frame *frame, asl_value *s) { asl_hot_done(frame, s); } /* of a state, as of a machine */

// ---------------------------------------------------------------- States.Format

/* Of one integer, into a text that fits into a value: the pieces are constants here, and so are most of the shifts. */
INLINE int32_t asl_hot_format_one(asl_frame *frame, asl_value *d, uint32_t k, const struct asl_hot_text *pieces, uint32_t fresh,
                                  const asl_value *a) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t digits, before = pieces[0].size, behind = pieces[1].size;
    size_t count;
    if (LIKELY(a->tag == ASL_INT && before + behind < ASL_INLINE_MAX && asl__few_digits(a->i, &digits, &count) &&
               before + count + behind <= ASL_INLINE_MAX)) {
        asl__bytes16 text = (asl__bytes16)digits << (8 * before) | (asl__bytes16)pieces[0].high << 64 | pieces[0].low;
        if (behind) text |= ((asl__bytes16)pieces[1].high << 64 | pieces[1].low) << (8 * (before + count));
        store(d, asl__inline_words(text, before + count + behind), fresh);
        return 0;
    }
#endif
    asl_value text = {0}; /* the address of d stays here: it may be a register */
    if (asl_hot_format(frame, &text, k, pieces, 1, a, NULL, NULL, NULL, 1)) return 1;
    store(d, asl__load(&text), fresh);
    return 0;
}

// ---------------------------------------------------------------- iterations

INLINE int32_t asl_hot_next_item(asl_frame *frame) {
    struct frame *f = frame_of(frame);
    struct fanout *o = f->up;
    if (UNLIKELY(o->next_item == o->last_item)) return 0;
    o->next_item++;
    f->index++;
    return 1;
}

INLINE const asl_value *asl_hot_item(asl_frame *frame) { return frame_of(frame)->up->next_item - 1; }
INLINE int64_t asl_hot_index(asl_frame *frame) { return frame_of(frame)->index; }
INLINE const asl_value *asl_hot_captured(asl_frame *frame, uint32_t slot) { return &frame_of(frame)->up->parent->head.slot[slot]; }

static inline void result(asl_frame *frame, struct asl__words w) {
    struct fanout *o = frame_of(frame)->up;
    asl__store_new(o->next_result++, w);
}

INLINE void asl_hot_result(asl_frame *frame, const asl_value *s) {
    struct asl__words w = asl__load(s);
    asl__retain_words(w);
    result(frame, w);
}

INLINE void asl_hot_result_last(asl_frame *frame, asl_value *s) {
    struct asl__words w = asl__load(s);
    asl__store_new(s, (struct asl__words){0, 0});
    result(frame, w);
}

// ---------------------------------------------------------------- tests

/* The choice is a constant where this is called, so of all of it one line remains. */
INLINE int32_t asl_hot_test(uint32_t choice, const asl_value *a, const asl_value *b) {
    struct asl__words x, y; /* constants, often */
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    uint8_t tag = (uint8_t)x.head;
    bool ints = tag == ASL_INT && (uint8_t)y.head == ASL_INT;
    int64_t i = (int64_t)x.body, j = (int64_t)y.body;
    switch (choice) {
    case ASL_CHOICE_NUMERIC_EQUALS:
        if (LIKELY(ints)) return i == j;
        break;
    case ASL_CHOICE_NUMERIC_LESS_THAN:
        if (LIKELY(ints)) return i < j;
        break;
    case ASL_CHOICE_NUMERIC_GREATER_THAN:
        if (LIKELY(ints)) return i > j;
        break;
    case ASL_CHOICE_NUMERIC_LESS_THAN_EQUALS:
        if (LIKELY(ints)) return i <= j;
        break;
    case ASL_CHOICE_NUMERIC_GREATER_THAN_EQUALS:
        if (LIKELY(ints)) return i >= j;
        break;
    case ASL_CHOICE_STRING_EQUALS:
        /* Short strings are inline always, so two values that are not both on the heap are equal when all of them is. */
        if (tag != ASL_STRING || (uint8_t)y.head != ASL_STRING) return 0;
        if ((uint8_t)(x.head >> 8) != ASL_ON_HEAP || (uint8_t)(y.head >> 8) != ASL_ON_HEAP)
            return x.head == y.head && x.body == y.body;
        break;
    case ASL_CHOICE_BOOLEAN_EQUALS:
        return tag == ASL_BOOL && (uint8_t)y.head == ASL_BOOL && (x.body & 1) == (y.body & 1);
    case ASL_CHOICE_IS_NULL:
        if (LIKELY((uint8_t)y.head == ASL_BOOL)) return (tag == ASL_NULL) == (y.body & 1);
        break;
    case ASL_CHOICE_IS_PRESENT:
        if (LIKELY((uint8_t)y.head == ASL_BOOL)) return (tag != ASL_NONE) == (y.body & 1);
        break;
    case ASL_CHOICE_IS_NUMERIC:
        if (LIKELY((uint8_t)y.head == ASL_BOOL)) return (tag >= ASL_INT && tag <= ASL_NUMBER_TEXT) == (y.body & 1);
        break;
    case ASL_CHOICE_IS_STRING:
        if (LIKELY((uint8_t)y.head == ASL_BOOL)) return (tag == ASL_STRING) == (y.body & 1);
        break;
    case ASL_CHOICE_IS_BOOLEAN:
        if (LIKELY((uint8_t)y.head == ASL_BOOL)) return (tag == ASL_BOOL) == (y.body & 1);
        break;
    default: break;
    }
    return asl__choice_test((asl_choice)choice, a, b);
}

/* StringMatches: how the text begins and ends. */
INLINE int32_t asl_hot_affixes(const asl_value *s, const char *head, uint32_t head_size, const char *tail, uint32_t tail_size) {
    if (s->tag != ASL_STRING) return 0;
    bool heap = s->size == ASL_ON_HEAP;
    const char *data = heap ? s->text->bytes : s->inline_text;
    size_t size = heap ? s->text->size : s->size;
    return size >= (size_t)head_size + tail_size && memcmp(data, head, head_size) == 0 &&
           memcmp(data + size - tail_size, tail, tail_size) == 0;
}

// ---------------------------------------------------------------- doubles

static inline int64_t bits_of(double d) {
    int64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

INLINE int64_t asl_hot_real(const asl_value *s) {
    if (s->tag == ASL_INT) return bits_of((double)s->i);
    if (s->tag == ASL_DOUBLE && s->i != INT64_MIN) return s->i; /* those are -0's bits */
    return bits_of(asl__hot_number(s));
}

INLINE void asl_hot_box_real(asl_value *d, int64_t bits, uint32_t fresh) {
    double x;
    memcpy(&x, &bits, sizeof x);
    struct asl__words w = {ASL_DOUBLE, (uint64_t)bits};
    if (x >= -0x1p53 && x <= 0x1p53 && (double)(int64_t)x == x) w = (struct asl__words){ASL_INT, (uint64_t)(int64_t)x};
    store(d, w, fresh);
}

// ---------------------------------------------------------------- JSONata

#ifdef ASL_BITCODE /* in the library it is jsonata/quiet.c's, which is linked where there are expressions */
#include "jsonata/quiet.h"
#endif

// ---------------------------------------------------------------- what is counted

INLINE void asl_hot_tick(asl_frame *frame, int64_t events, int64_t states) {
    asl_execution *x = frame_of(frame)->execution;
    x->events += (uint64_t)events;
    x->main->transitions += (uint64_t)states;
}

INLINE int64_t asl_hot_polls(asl_frame *frame) { return frame_of(frame)->execution->engine->polls; }
INLINE void asl_hot_set_polls(asl_frame *frame, int64_t polls) {
    frame_of(frame)->execution->engine->polls = (uint32_t)polls;
}

INLINE int64_t asl_hot_events(asl_frame *frame) { return (int64_t)frame_of(frame)->execution->events; }
