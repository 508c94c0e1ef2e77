// Pack: slots that do not hold values at the same time become one, so that frames of quiet machines are small. They are
// cleared and searched for what they own at each execution's end, and would go cold between two of a large document.
//
// Greedy colouring of the interference graph, in the order of the slots. The watched machine's slots and captured ones stay
// as they are; slots that an op names as a row stay a row. Views come last: they are not in the frame.
#include "opt/flow.h"

struct pack {
    struct ir_plan *plan;
    struct ir_machine *machine;
    struct flow flow;
    set *apart;      /* for each slot: those it may not be joined with */
    bool *row;       /* slot i and i + 1 stay neighbours */
    set *taken;      /* for each new slot: those that have become it */
    uint32_t *to;    /* new numbers */
    uint32_t count;  /* of new slots */
    set after, sources; /* of the op that is looked at */
};

static void source(void *user, uint32_t slot, uint32_t *operand, char kind) {
    struct pack *p = user;
    (void)operand, (void)kind;
    add(p->sources, slot);
}

static void keep_apart(struct pack *p, uint32_t slot, const uint64_t *others) {
    for (size_t w = 0; w < p->flow.words; w++)
        for (uint64_t left = others[w]; left; left &= left - 1) {
            uint32_t other = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(left);
            add(p->apart[slot], other);
            add(p->apart[other], slot);
        }
}

// What an op writes must not take the place of what is read afterwards, by its error edge, or by the op itself.
static void look_at_op(struct pack *p, const struct ir_block *b, struct ir_op *op, const uint64_t *live) {
    const char *kinds = ir_op_info[op->opcode].operands;
    memcpy(p->after, live, p->flow.words * sizeof *live);
    if (ir_op_info[op->opcode].flags & IR_FAILS && b->error != IR_NO_BLOCK)
        flow_join(&p->flow, p->after, p->flow.in[b->error]);
    memset(p->sources, 0, p->flow.words * sizeof *p->sources);
    flow_each_use(op, source, p);
    flow_join(&p->flow, p->after, p->sources);
    for (size_t i = 0; kinds[i]; i++) {
        uint32_t o = op->operand[i];
        bool pair = kinds[i] == 'D' || kinds[i] == 'X';
        if (pair)
            add(p->after, o), add(p->after, o + 1), p->row[o] = true;
        if (pair || kinds[i] == 'd' || kinds[i] == 'x')
            keep_apart(p, o, p->after);
        if (pair)
            keep_apart(p, o + 1, p->after);
        for (uint32_t a = 0; kinds[i] == 'a' && a + 1 < op->operand[i + 1]; a++)
            p->row[o + a] = true;
    }
}

static void find_conflicts(struct pack *p) {
    struct ir_machine *m = p->machine;
    set live = arena_alloc(p->plan->arena, p->flow.words * sizeof *live), entry = p->flow.in[0];
    flow_solve(&p->flow, live);
    for (uint32_t slot = 0; slot < m->slots.count; slot++) // read before anything is put into them: nothing may be
        for (uint32_t other = 0; has(entry, slot) && other < m->slots.count; other++)
            add(p->apart[slot], other), add(p->apart[other], slot);
    for (size_t i = 0; i < m->blocks.count; i++) {
        struct ir_block *b = m->blocks.items[i];
        flow_after_block(&p->flow, b, live);
        for (size_t j = b->ops.count; j-- > 0;) {
            look_at_op(p, b, &b->ops.items[j], live);
            flow_before_op(&p->flow, b, &b->ops.items[j], live);
        }
    }
}

static bool fits(const struct pack *p, uint32_t slot, uint32_t at) {
    for (size_t w = 0; at < p->count && w < p->flow.words; w++)
        if (p->apart[slot][w] & p->taken[at][w])
            return false;
    return true;
}

static void place(struct pack *p, uint32_t slot, uint32_t at) {
    const char **names = p->machine->slots.items;
    p->to[slot] = at;
    if (at >= p->count) {
        names[at] = names[slot]; // new numbers are not above the old ones
        p->count = at + 1;
    }
    add(p->taken[at], slot);
}

static void choose(struct pack *p) {
    const struct ir_machine *m = p->machine;
    uint32_t slots = (uint32_t)m->slots.count, size;
    for (uint32_t slot = 0; slot < slots; slot += size) {
        size = 1;
        if (ir_is_view(m, slot))
            continue;
        while (p->row[slot + size - 1])
            size++;
        uint32_t at = slot, n = 0;
        if (slot >= p->flow.home && !has(p->flow.pinned, slot))
            for (at = p->flow.home; n < size; at += n < size)
                for (n = 0; n < size && fits(p, slot + n, at + n); n++)
                    ;
        for (n = 0; n < size; n++)
            place(p, slot + n, at + n);
    }
}

static void rename_slot(const struct pack *p, uint32_t *operand) {
    if (*operand != ASL_NO_OPERAND)
        *operand = p->to[*operand & ~ASL_LAST] | (*operand & ASL_LAST);
}

static void rename_slots(struct pack *p, struct ir_block *b) {
    for (size_t j = 0; j < b->ops.count; j++) {
        struct ir_op *op = &b->ops.items[j];
        const char *kinds = ir_op_info[op->opcode].operands;
        for (size_t i = 0; kinds[i]; i++)
            if (strchr("dsxaDX", kinds[i]) || (kinds[i] == 'v' && !(op->operand[i] & ASL_CONSTANT && op->operand[i] != ASL_NO_OPERAND)))
                rename_slot(p, &op->operand[i]);
        if (op->opcode == OP_FORGET && op->operand[1] > p->count)
            op->operand[1] = p->count;
    }
    struct ir_exit *e = &b->exit;
    if (e->kind == EXIT_DONE || (e->kind == EXIT_IF && !(e->a & (ASL_CONSTANT | IR_NUMBER))))
        rename_slot(p, &e->a);
    if (e->kind == EXIT_IF && !(e->b & (ASL_CONSTANT | IR_NUMBER)))
        rename_slot(p, &e->b);
}

static void number_views(struct pack *p) {
    struct ir_machine *m = p->machine;
    size_t slots = m->slots.count, views = 0;
    for (uint32_t slot = 0; slot < slots; slot++)
        if (ir_is_view(m, slot))
            p->to[slot] = p->count + (uint32_t)views++;
    m->slots.count = p->count;
    m->views.count = 0;
    for (size_t i = 0; i < views; i++)
        ir_view(p->plan, m, ir_slot(p->plan, m, arena_format(p->plan->arena, "v%zu", i)));
}

static set *sets(struct arena *a, size_t count, size_t words) {
    set *all = arena_alloc(a, count * sizeof *all), bits = arena_alloc(a, count * words * sizeof *bits);
    for (size_t i = 0; i < count; i++)
        all[i] = bits + i * words;
    return all;
}

static void pack_machine(struct ir_plan *plan, struct ir_machine *m) {
    struct arena *a = plan->arena;
    struct pack p = {.plan = plan, .machine = m, .flow = flow_of(plan, m)};
    size_t slots = m->slots.count;
    p.apart = sets(a, slots, p.flow.words);
    p.taken = sets(a, slots, p.flow.words);
    p.row = arena_alloc(a, slots * sizeof *p.row);
    p.to = arena_alloc(a, slots * sizeof *p.to);
    p.after = arena_alloc(a, p.flow.words * sizeof *p.after);
    p.sources = arena_alloc(a, p.flow.words * sizeof *p.sources);
    find_conflicts(&p);
    choose(&p);
    number_views(&p);
    for (size_t i = 0; i < m->blocks.count; i++)
        rename_slots(&p, m->blocks.items[i]);
}

void opt_pack(struct ir_plan *p) {
    for (size_t i = 0; p->quiet && i < p->quiet; i++)
        pack_machine(p, p->machines.items[i + p->quiet]);
}
