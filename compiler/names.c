// Open addressing with linear probing; grows at half full. The texts are borrowed.
#include "names.h"

struct name_entry {
    const void *scope;
    asl_str text; /* data NULL: free */
    void *value;
};

static struct name_entry *find(const struct names *n, const void *scope, asl_str text) {
    size_t i = (asl_hash(text) + (uintptr_t)scope / sizeof(void *)) & (n->size - 1);
    while (n->entries[i].text.data && !(n->entries[i].scope == scope && asl_str_equal(n->entries[i].text, text)))
        i = (i + 1) & (n->size - 1);
    return &n->entries[i];
}

static void grow(struct names *n) {
    struct names old = *n;
    n->size = old.size ? old.size * 2 : 32;
    n->entries = arena_alloc(n->arena, n->size * sizeof *n->entries);
    for (size_t i = 0; i < old.size; i++)
        if (old.entries[i].text.data)
            *find(n, old.entries[i].scope, old.entries[i].text) = old.entries[i];
}

void **names_at(struct names *n, const void *scope, asl_str text) {
    if ((n->count + 1) * 2 > n->size)
        grow(n);
    struct name_entry *e = find(n, scope, text);
    if (!e->text.data) {
        *e = (struct name_entry){.scope = scope, .text = text};
        n->count++;
    }
    return &e->value;
}

void *names_get(const struct names *n, const void *scope, asl_str text) {
    return n->size ? find(n, scope, text)->value : NULL;
}
