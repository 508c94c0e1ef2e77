// Jump threading: blocks that only jump are bypassed, blocks nobody reaches are removed.
//
// Does not change what a workflow does, nor which state a block belongs to.
#include <string.h>

#include "ir.h"

static uint32_t final_target(const struct ir_machine *m, uint32_t block) {
    // A cycle of empty blocks cannot come out of lowering (states have ops), but a plan can be written by hand.
    for (size_t hops = 0; hops < m->blocks.count; hops++) {
        const struct ir_block *b = m->blocks.items[block];
        if (b->ops.count || b->exit.kind != EXIT_JUMP)
            break;
        block = b->exit.target[0];
    }
    return block;
}

static void reach(const struct ir_machine *m, bool *reached, uint32_t *stack, uint32_t first) {
    size_t depth = 0;
    if (!reached[first]) {
        reached[first] = true;
        stack[depth++] = first;
    }
    while (depth) {
        const struct ir_block *b = m->blocks.items[stack[--depth]];
        uint32_t targets = b->exit.kind == EXIT_GIVE_UP ? 0 : b->exit.target_count; // that one is another machine's
        for (uint32_t i = 0; i <= targets; i++) {
            uint32_t to = i < targets ? b->exit.target[i] : b->error;
            if (to != IR_NO_BLOCK && !reached[to]) {
                reached[to] = true;
                stack[depth++] = to;
            }
        }
    }
}

void opt_thread_machine(struct arena *a, struct ir_machine *m, bool quiet) {
    size_t count = m->blocks.count;
    for (size_t i = 0; i < count; i++) {
        struct ir_exit *e = &m->blocks.items[i]->exit;
        for (uint32_t t = 0; t < e->target_count; t++) {
            bool waits = e->kind == EXIT_SUSPEND || (e->kind == EXIT_RETRY && t == 0) || e->kind == EXIT_GIVE_UP;
            if (!waits) // a resume point is named in journals: it stays where it is
                e->target[t] = final_target(m, e->target[t]);
        }
    }
    bool *reached = arena_alloc(a, count * sizeof *reached);
    uint32_t *stack = arena_alloc(a, count * sizeof *stack), *moved = arena_alloc(a, count * sizeof *moved);
    reach(m, reached, stack, 0);
    for (size_t i = 0; i < count; i++)
        if (quiet && m->blocks.items[i]->resume) // the watched machine may hand back there
            reach(m, reached, stack, (uint32_t)i);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (reached[i]) {
            moved[i] = (uint32_t)kept;
            m->blocks.items[kept++] = m->blocks.items[i];
        }
    m->blocks.count = kept;
    for (size_t i = 0; i < kept; i++) {
        struct ir_block *b = m->blocks.items[i];
        if (b->error != IR_NO_BLOCK)
            b->error = moved[b->error];
        for (uint32_t t = 0; t < b->exit.target_count && b->exit.kind != EXIT_GIVE_UP; t++)
            b->exit.target[t] = moved[b->exit.target[t]];
    }
}

void opt_thread(struct ir_plan *p) {
    for (size_t i = 0; i < p->machines.count; i++)
        opt_thread_machine(p->arena, p->machines.items[i], false);
    for (size_t i = 0; i < p->functions.count; i++)
        opt_thread_machine(p->arena, p->functions.items[i], false);
}
