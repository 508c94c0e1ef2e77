// Values: counting references, making strings, comparing.
//
// Nothing here recurses: freeing threads its way through the containers themselves, comparing keeps a stack of its own.
// Programs may build values deeper than the parser lets in.
#include "heap.h"

#include <stdarg.h>
#include <stdio.h>

// ---------------------------------------------------------------- counting references

asl_value asl_retain(asl_value v) {
    if (asl__is_container(&v)) v.array->head.refs++;
    else if (asl__has_text(&v)) v.text->refs++;
    return v;
}

static inline struct asl__container *container_of(const asl_value *v) {
    return v->tag == ASL_OBJECT ? &v->object->head : &v->array->head;
}

// A container without owners: it gets a new life as an element of the list of those being emptied.
static struct asl__container *begin_free(const asl_value *v, struct asl__container *above) {
    struct asl__container *c = container_of(v);
    bool object = v->tag == ASL_OBJECT;
    if (object && v->object->index) asl_free(v->object->index);
    c->refs = c->capacity * 2 + object;
    c->above = above;
    return c;
}

// Items are mostly made one after the other, and so is what is in them: an item takes what lies between its beginning and
// that of the next. When its turn comes that should be in the cache, which by itself sees only pointers going backwards.
#define AHEAD     3   /* items */
#define AHEAD_MAX 448 /* bytes of one */
static inline void prefetch_item(const asl_value *item) {
    if (!asl__is_container(item)) return;
    const char *from = (const char *)item->array;
    size_t size = asl__is_container(item + 1) ? (size_t)((const char *)item[1].array - from) : 64;
    if (size > AHEAD_MAX) size = AHEAD_MAX; // also when the next lies before it
    for (size_t i = 0; i < size; i += 64) __builtin_prefetch(from + i, 1);
}

static void free_container(const asl_value *first) {
    struct asl__heap *heap = asl__heap();
    struct asl__container *c = begin_free(first, NULL);
    while (c) {
        bool object = c->refs & 1;
        if (c->count == 0) {
            struct asl__container *above = c->above;
            asl__heap_free(heap, c, object ? asl__object_size(c->refs / 2) : asl__array_size(c->refs / 2));
            c = above;
            continue;
        }
        uint32_t last = --c->count;
        asl_value item;
        if (!object) {
            const asl_value *items = ((asl_array *)c)->items;
            item = items[last];
            if (last >= AHEAD) prefetch_item(&items[last - AHEAD]);
        } else {
            struct asl__entry *e = &((asl_object *)c)->entries[last];
            if (--e->key->refs == 0) asl__heap_free(heap, e->key, asl__text_block(e->key->size));
            item = e->value;
        }
        if (asl__has_text(&item)) {
            if (--item.text->refs == 0) asl__heap_free(heap, item.text, asl__text_block(item.text->size));
        } else if (asl__is_container(&item) && --container_of(&item)->refs == 0) {
            c = begin_free(&item, c);
        }
    }
}

void asl_release(asl_value v) {
    if (asl__has_text(&v)) asl_text_release(v.text);
    else if (asl__is_container(&v) && --container_of(&v)->refs == 0) free_container(&v);
}

void asl_value_set(asl_value *slot, asl_value v) {
    asl_value old = *slot;
    *slot = v;
    asl_release(old);
}

// ---------------------------------------------------------------- strings

asl_value asl__text_value(asl_tag tag, asl_str text) {
    if (text.size <= ASL_INLINE_MAX) return asl__inline_text(tag, text.size ? text.data : "", text.size); // empty text may have no bytes to copy from
    return (asl_value){.tag = (uint8_t)tag, .size = ASL_ON_HEAP, .text = asl_text_new(text)};
}

asl_value asl_string(asl_str text) { return asl__text_value(ASL_STRING, text); }

asl_value asl_string_z(const char *text) { return asl__text_value(ASL_STRING, asl_str_z(text)); }

asl_value asl_string_format(const char *format, ...) {
    char local[256];
    asl_buffer large = {0};
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(local, sizeof local, format, arguments);
    asl_str text = {local, size > 0 ? (size_t)size : 0};
    if (text.size >= sizeof local) {
        text.data = asl_buffer_reserve(&large, text.size);
        vsnprintf(large.data, text.size + 1, format, again);
    }
    va_end(again);
    va_end(arguments);
    asl_value v = asl_string(text);
    asl_buffer_free(&large);
    return v;
}

asl_value asl_string_of_text(asl_text *key) {
    // Short strings are always inline: equality relies on there being one form.
    if (key->size <= ASL_INLINE_MAX) return asl__inline_text(ASL_STRING, key->bytes, key->size);
    return (asl_value){.tag = ASL_STRING, .size = ASL_ON_HEAP, .text = asl_text_retain(key)};
}

asl_str asl_text_of(const asl_value *v) {
    if (v->size == ASL_ON_HEAP) return (asl_str){v->text->bytes, v->text->size};
    return (asl_str){v->inline_text, v->size};
}

// ---------------------------------------------------------------- comparing

enum answer { DIFFERENT, SAME, LOOK_INSIDE };

static enum answer compare_one(const asl_value *a, const asl_value *b) {
    if (asl_is_number(a) && asl_is_number(b)) return asl_number_compare(a, b) == 0 ? SAME : DIFFERENT;
    if (a->tag != b->tag) return DIFFERENT;
    switch ((asl_tag)a->tag) {
    case ASL_NONE:
    case ASL_NULL: return SAME;
    case ASL_BOOL: return a->b == b->b ? SAME : DIFFERENT;
    case ASL_STRING:
        if (a->size != b->size) return DIFFERENT;
        if (a->size != ASL_ON_HEAP) return memcmp(a, b, sizeof *a) == 0 ? SAME : DIFFERENT;
        return asl__text_equal(a->text, b->text) ? SAME : DIFFERENT;
    case ASL_FUNCTION: return a->array == b->array ? SAME : DIFFERENT;
    case ASL_ARRAY:
    case ASL_OBJECT:
        if (a->array == b->array) return SAME;
        if (container_of(a)->count != container_of(b)->count) return DIFFERENT;
        return container_of(a)->count ? LOOK_INSIDE : SAME;
    case ASL_INT:
    case ASL_DOUBLE:
    case ASL_NUMBER_TEXT: break; // above
    }
    return DIFFERENT;
}

struct pair {
    const asl_value *a, *b;
    uint32_t next; /* member or item to compare next */
};

bool asl_equal(const asl_value *a, const asl_value *b) {
    struct pair local[32], *stack = local;
    size_t depth = 0, room = sizeof local / sizeof local[0];
    bool equal = false;
    for (;;) {
        enum answer answer = compare_one(a, b);
        if (answer == DIFFERENT) break;
        if (answer == LOOK_INSIDE) {
            if (depth == room) {
                struct pair *larger = asl_alloc(asl__block_size(0, room, 2 * sizeof *larger));
                memcpy(larger, stack, depth * sizeof *stack);
                if (stack != local) asl_free(stack);
                stack = larger;
                room *= 2;
            }
            stack[depth++] = (struct pair){a, b, 0};
        }
        while (depth && stack[depth - 1].next == container_of(stack[depth - 1].a)->count) depth--;
        if (!depth) {
            equal = true;
            break;
        }
        struct pair *top = &stack[depth - 1];
        uint32_t i = top->next++;
        if (top->a->tag == ASL_ARRAY) {
            a = &top->a->array->items[i];
            b = &top->b->array->items[i];
            continue;
        }
        const struct asl__entry *x = &top->a->object->entries[i], *y = &top->b->object->entries[i];
        if (!asl__text_equal(x->key, y->key)) y = asl__object_find(top->b->object, x->key);
        if (!y) break;
        a = &x->value;
        b = &y->value;
    }
    if (stack != local) asl_free(stack);
    return equal;
}
