// Which blocks of quiet machines are warm: worth LLVM's time.
//
//     loops, as far as they do not wait          warm
//     a machine that never waits                 all its blocks: it may be the body of a Map; the machine that an execution
//                                                begins with, only as long as that takes no time
//     all others, watched machines               cold: between two tasks it does not matter, and whoever is told of every
//                                                state has no use for faster code between them
//
// Warm blocks get the hot ops' code inlined and are optimised. Cold ones call the library, and a machine without a warm
// block is translated as it stands, which takes a tenth of the time.
#include "module.h"

#include <string.h>

struct search { // Tarjan's, without recursion: machines may have ten thousand states
    const struct ir_machine *machine;
    uint32_t *order, *low, *path, *component, *next; /* order: 0: not seen; next: target to look at */
    size_t path_size, component_size;
    uint32_t seen;
    bool *loops;
};

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
        s->loops[s->component[i]] = loop;
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

static const bool *find_loops(struct arena *a, const struct ir_machine *m) {
    size_t count = m->blocks.count;
    bool *loops = arena_alloc(a, count * sizeof *loops);
    uint32_t *words = arena_alloc(a, 5 * count * sizeof *words);
    struct search s = {.machine = m, .loops = loops, .order = words, .low = words + count, .path = words + 2 * count,
                       .component = words + 3 * count, .next = words + 4 * count};
    for (uint32_t b = 0; b < count; b++)
        if (!s.order[b])
            search(&s, b);
    return loops;
}

// Inlining makes some twenty instructions of an op or a test, and twenty microseconds' work for LLVM of each of them.
enum {
    SHORT = 100, /* so much is optimised with all that LLVM has */
    ONCE = 180, /* code that runs once in an execution: calls take a twentieth longer, a choice half as long again */
    LARGE = 700, /* more than this is called */
    HUGE = 2800, /* and what comes on top of this is cold */
};

static bool is_arithmetic(uint8_t opcode) { // one instruction or two
    return opcode == OP_MOVE || opcode == OP_WITHIN || opcode == OP_ADD || opcode == OP_SUBTRACT || opcode == OP_MULTIPLY ||
           opcode == OP_TICK;
}

static size_t size_of(const struct ir_machine *m, const bool *warm) {
    size_t size = 0;
    for (size_t b = 0; b < m->blocks.count; b++) {
        const struct ir_block *block = m->blocks.items[b];
        for (size_t o = 0; warm[b] && o < block->ops.count; o++)
            size += !is_arithmetic(block->ops.items[o].opcode);
        size += warm[b] && block->exit.kind == EXIT_IF;
    }
    return size;
}

static bool never_waits(const struct ir_machine *m) {
    for (size_t b = 0; b < m->blocks.count; b++)
        if (m->blocks.items[b]->exit.kind == EXIT_SUSPEND || m->blocks.items[b]->exit.kind == EXIT_RETRY)
            return false;
    return true;
}

/* By block; *size: of all of it. NULL: none is. */
static const bool *warm_blocks(struct arena *a, const struct ir_machine *m, const bool *loops, bool once, size_t *size) {
    bool *all = arena_alloc(a, m->blocks.count * sizeof *all);
    memset(all, true, m->blocks.count * sizeof *all);
    const bool *warm = never_waits(m) ? all : loops;
    *size = size_of(m, warm);
    if (once && *size > ONCE) {
        warm = loops;
        *size = size_of(m, warm);
    }
    return *size ? warm : NULL;
}

void emit_heat(struct emit *e) {
    const struct ir_plan *p = e->plan;
    size_t sum = 0;
    e->warm = arena_alloc(e->arena, (p->machines.count + 1) * sizeof *e->warm);
    for (size_t i = p->machines.count; p->quiet && i-- > p->quiet;) { // the first one last: the others may run more often
        size_t size;
        const bool *loops = find_loops(e->arena, p->machines.items[i]);
        const bool *warm = warm_blocks(e->arena, p->machines.items[i], loops, i == p->quiet, &size);
        if (i == p->quiet)
            e->loops = loops;
        if (sum + size <= HUGE) {
            e->warm[i] = warm;
            sum += size;
        }
    }
    e->as_it_is = p->quiet && sum == 0;
    e->large = sum > SHORT;
    e->inlines = p->quiet && e->options->optimise > 0 && sum <= LARGE;
}
