// The compiler's memory: chunks in a list, a bump pointer in the newest, everything freed at once.
//
//     arena ──► newest chunk ──► older chunk ──► … ──► NULL
//                    │ used ▲ size
//
// What is larger than a chunk gets one of its own, put behind the newest so that its rest is not lost. Things that live
// in the arena but own memory outside it (parsed paths) say so with arena_defer.
#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK_SIZE = 64 * 1024 };
#define ALIGNMENT _Alignof(max_align_t)

struct chunk {
    struct chunk *next;
    size_t size, used; /* of bytes[] */
    _Alignas(max_align_t) char bytes[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *);
    void *arg;
};

struct arena {
    struct chunk *newest;
    struct deferred *deferred;
};

static struct chunk *chunk_new(size_t size) {
    /* Zeroed here once: arena_alloc promises zeroed memory and never hands the same bytes out twice. */
    struct chunk *c = asl_calloc(1, sizeof *c + size);
    c->size = size;
    return c;
}

struct arena *arena_new(void) {
    struct arena *a = asl_calloc(1, sizeof *a);
    a->newest = chunk_new(CHUNK_SIZE);
    return a;
}

void arena_free(struct arena *a) {
    if (!a)
        return;
    /* The deferred calls come first, latest first: their arguments may lie in the chunks. */
    for (struct deferred *d = a->deferred; d; d = d->next)
        d->fn(d->arg);
    for (struct chunk *c = a->newest, *next; c; c = next) {
        next = c->next;
        asl_free(c);
    }
    asl_free(a);
}

void *arena_alloc(struct arena *a, size_t size) {
    struct chunk *c = a->newest;
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > CHUNK_SIZE / 4) {
        struct chunk *own = chunk_new(size);
        own->used = size;
        own->next = c->next;
        c->next = own;
        return own->bytes;
    }
    if (c->size - c->used < size) {
        c = chunk_new(CHUNK_SIZE);
        c->next = a->newest;
        a->newest = c;
    }
    void *p = c->bytes + c->used;
    c->used += size;
    return p;
}

char *arena_copy(struct arena *a, const char *data, size_t size) {
    char *copy = arena_alloc(a, size + 1);
    if (size)
        memcpy(copy, data, size);
    return copy; /* the NUL is there: the memory is zeroed */
}

char *arena_format(struct arena *a, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = arena_alloc(a, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

void arena_defer(struct arena *a, void (*fn)(void *), void *arg) {
    struct deferred *d = arena_alloc(a, sizeof *d);
    *d = (struct deferred){.next = a->deferred, .fn = fn, .arg = arg};
    a->deferred = d;
}

void *vec_grow(struct arena *a, void *items, size_t *capacity, size_t item_size) {
    size_t old = *capacity, grown = old ? old * 2 : 8;
    void *room = arena_alloc(a, grown * item_size);
    if (old)
        memcpy(room, items, old * item_size);
    *capacity = grown;
    return room;
}
