// Private to sinks: from pointers to pointers, open addressing. What is known of a frame, an execution, a fan-out.
#ifndef ASL_SINKS_MAP_H
#define ASL_SINKS_MAP_H

#include <stdint.h>

#include "aslc/value.h"

struct map_entry {
    const void *key; /* NULL: free */
    void *value;
};

struct map {
    struct map_entry *entries;
    size_t count, capacity; /* a power of two */
};

static inline size_t map_place(const struct map *m, const void *key) {
    return (size_t)(((uintptr_t)key >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (m->capacity - 1);
}

static inline struct map_entry *map_find(const struct map *m, const void *key) {
    if (!m->capacity) return NULL;
    for (size_t i = map_place(m, key);; i = (i + 1) & (m->capacity - 1)) {
        if (m->entries[i].key == key) return &m->entries[i];
        if (!m->entries[i].key) return NULL;
    }
}

static inline void *map_get(const struct map *m, const void *key) {
    const struct map_entry *e = map_find(m, key);
    return e ? e->value : NULL;
}

static inline void map_put(struct map *m, const void *key, void *value) {
    struct map_entry *old = map_find(m, key);
    if (old) {
        old->value = value;
        return;
    }
    if (2 * (m->count + 1) > m->capacity) {
        struct map bigger = {.capacity = m->capacity ? 2 * m->capacity : 16};
        bigger.entries = asl_calloc(bigger.capacity, sizeof *bigger.entries);
        for (size_t i = 0; i < m->capacity; i++)
            if (m->entries[i].key) map_put(&bigger, m->entries[i].key, m->entries[i].value);
        asl_free(m->entries);
        *m = bigger;
    }
    size_t i = map_place(m, key);
    while (m->entries[i].key) i = (i + 1) & (m->capacity - 1);
    m->entries[i] = (struct map_entry){key, value};
    m->count++;
}

static inline void map_remove(struct map *m, const void *key) {
    struct map_entry *e = map_find(m, key);
    if (!e) return;
    m->count--;
    size_t mask = m->capacity - 1, hole = (size_t)(e - m->entries);
    for (size_t i = hole;;) { /* moves up what would no longer be found behind the hole */
        i = (i + 1) & mask;
        if (!m->entries[i].key) break;
        size_t home = map_place(m, m->entries[i].key);
        if (((i - home) & mask) < ((i - hole) & mask)) continue;
        m->entries[hole] = m->entries[i];
        hole = i;
    }
    m->entries[hole] = (struct map_entry){0};
}

static inline void map_free(struct map *m) {
    asl_free(m->entries);
    *m = (struct map){0};
}

#endif
