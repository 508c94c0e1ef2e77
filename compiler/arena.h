// The compiler's memory: one arena, freed once. There is no free() in compiler/.
#ifndef ASLC_ARENA_H
#define ASLC_ARENA_H

#include <stddef.h>

#include "aslc/value.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);                     /* everything allocated from it */
void *arena_alloc(struct arena *a, size_t size);      /* zeroed, aligned for any type */
char *arena_copy(struct arena *a, const char *data, size_t size); /* NUL-terminated copy */
char *arena_format(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* fn(arg) runs at arena_free, latest first: for what is reached from the arena but owns memory outside it. */
void arena_defer(struct arena *a, void (*fn)(void *), void *arg);

/* A growing array in an arena: VEC(struct x) v = {0}; *vec_push(a, &v) = …; */
#define VEC(type)                                                                                                \
    struct {                                                                                                     \
        type *items;                                                                                             \
        size_t count, capacity;                                                                                  \
    }
#define vec_push(a, v)                                                                                           \
    ((v)->count == (v)->capacity                                                                                 \
         ? ((v)->items = vec_grow((a), (v)->items, &(v)->capacity, sizeof *(v)->items), &(v)->items[(v)->count++]) \
         : &(v)->items[(v)->count++])
void *vec_grow(struct arena *a, void *items, size_t *capacity, size_t item_size); /* the new room is zeroed */

#endif
