// A table of names: (scope, text) to a pointer. For state names, variables and labels, which hostile input can make
// numerous enough that a linear search would be quadratic.
#ifndef ASLC_NAMES_H
#define ASLC_NAMES_H

#include "arena.h"

struct names {
    struct arena *arena;
    struct name_entry *entries;
    size_t count, size;
};

/* The pointer kept for a name, added as NULL when it was not there. Valid until the next call. */
void **names_at(struct names *n, const void *scope, asl_str text);
void *names_get(const struct names *n, const void *scope, asl_str text); /* NULL when absent */

#endif
