// Which blocks of quiet machines are warm: worth LLVM's time.
//
//     a machine that never waits      all its blocks: it may be the body of a Map, or run a million times a second
//     one that waits                  its loops, as far as they do not wait
//     watched machines                none: whoever is told of every state has no use for faster code between them
//
// Warm blocks get the hot ops' code inlined and are optimised. Cold ones call the library, and a machine without a warm
// block is translated as it stands, which takes a tenth of the time: what such a machine does between two tasks is over in a
// microsecond either way.
#include "module.h"

struct search { // Tarjan's, without recursion: machines may have ten thousand states
    const struct ir_machine *machine;
    uint32_t *order, *low, *path, *component, *next; /* order: 0: not seen; next: target to look at */
    size_t path_size, component_size;
    uint32_t seen;
    bool *warm;
};

static bool waits(const struct ir_exit *e) { return e->kind == EXIT_SUSPEND || e->kind == EXIT_RETRY; }

/* Where control goes without waiting and without an error. A retrier that takes the error waits. */
static uint32_t successors(const struct ir_exit *e, const uint32_t **to) {
    uint32_t from = e->kind == EXIT_RETRY;
    *to = e->target + from;
    return e->kind == EXIT_SUSPEND || e->kind == EXIT_GIVE_UP ? 0 : e->target_count - from;
}

static void enter(struct search *s, uint32_t block) {
    s->order[block] = s->low[block] = ++s->seen;
    s->path[s->path_size++] = s->component[s->component_size++] = block;
}

static bool goes_to_itself(const struct search *s, uint32_t block) {
    const uint32_t *to;
    uint32_t count = successors(&s->machine->blocks.items[block]->exit, &to);
    for (uint32_t i = 0; i < count; i++)
        if (to[i] == block)
            return true;
    return false;
}

/* What stands above the block in the component is all that it is in a loop with. */
static void leave(struct search *s, uint32_t block) {
    size_t from = s->component_size;
    while (s->component[--from] != block) {
    }
    bool loop = s->component_size - from > 1 || goes_to_itself(s, block);
    for (size_t i = from; i < s->component_size; i++) {
        s->warm[s->component[i]] = loop;
        s->low[s->component[i]] = UINT32_MAX; // no longer on the way
    }
    s->component_size = from;
}

static void search(struct search *s, uint32_t first) {
    enter(s, first);
    while (s->path_size) {
        uint32_t block = s->path[s->path_size - 1];
        const uint32_t *to;
        uint32_t count = successors(&s->machine->blocks.items[block]->exit, &to), *low = &s->low[block];
        if (s->next[block] < count) {
            uint32_t next = to[s->next[block]++];
            if (!s->order[next])
                enter(s, next);
            else if (s->low[next] != UINT32_MAX && s->order[next] < *low)
                *low = s->order[next];
            continue;
        }
        uint32_t *before = --s->path_size ? &s->low[s->path[s->path_size - 1]] : low;
        if (*low < *before)
            *before = *low;
        if (*low == s->order[block])
            leave(s, block);
    }
}

static void find_loops(struct arena *a, const struct ir_machine *m, bool *warm) {
    size_t count = m->blocks.count;
    uint32_t *words = arena_alloc(a, 5 * count * sizeof *words);
    struct search s = {.machine = m, .warm = warm, .order = words, .low = words + count, .path = words + 2 * count,
                       .component = words + 3 * count, .next = words + 4 * count};
    for (uint32_t b = 0; b < count; b++)
        if (!s.order[b])
            search(&s, b);
}

const bool *emit_warm_blocks(struct arena *a, const struct ir_machine *m) {
    bool *warm = arena_alloc(a, m->blocks.count * sizeof *warm), any = false, computes = true;
    for (size_t b = 0; b < m->blocks.count; b++)
        computes = computes && !waits(&m->blocks.items[b]->exit);
    for (size_t b = 0; b < m->blocks.count; b++)
        warm[b] = computes;
    if (!computes)
        find_loops(a, m, warm);
    for (size_t b = 0; b < m->blocks.count; b++)
        any = any || warm[b];
    return any ? warm : NULL;
}
