// Slots: liveness decides which values may be moved instead of copied.
//
//   1. a copy out of a temporary that dies there is folded into the op that made the temporary
//   2. pure ops whose destination nobody reads are removed
//   3. the last use of a slot is marked (ASL_LAST), so that the runtime moves the value out of it; a sole owner is then
//      updated in place
#include "opt/flow.h"

struct search {
    uint32_t slot;
    bool found;
};
static void look(void *user, uint32_t slot, uint32_t *operand, char kind) {
    struct search *s = user;
    (void)operand, (void)kind;
    s->found |= slot == s->slot;
}
static bool uses(struct ir_op *op, uint32_t slot) {
    struct search s = {slot, false};
    flow_each_use(op, look, &s);
    return s.found;
}

// Whether op reads slot where it cannot be renamed: as one of several arguments, or half of a pair.
static void look_fixed(void *user, uint32_t slot, uint32_t *operand, char kind) {
    struct search *s = user;
    (void)kind;
    s->found |= slot == s->slot && !operand;
}
static bool uses_fixed(struct ir_op *op, uint32_t slot) {
    struct search s = {slot, false};
    flow_each_use(op, look_fixed, &s);
    return s.found || (ir_op_info[op->opcode].operands[0] == 'D' && flow_writes(op, slot));
}

struct renaming {
    uint32_t from, to;
};
static void rename_use(void *user, uint32_t slot, uint32_t *operand, char kind) {
    struct renaming *r = user;
    (void)kind;
    if (operand && slot == r->from)
        *operand = r->to;
}

// "x %t …; …; copy %d %t" with %t dead afterwards becomes "x %d …". Between the two nobody may touch %d, nor read %t where
// it cannot be renamed; and no handler may read %d when one of them fails.
static bool fold_copy(const struct flow *f, struct ir_block *b, size_t at, set live_after) {
    uint32_t d = b->ops.items[at].operand[0], t = b->ops.items[at].operand[1] & ~ASL_LAST;
    if (t == d || t == 0 || has(live_after, t) || has(f->pinned, t))
        return false;
    size_t from = at;
    bool fails = false;
    while (from-- > 0) {
        struct ir_op *op = &b->ops.items[from];
        fails |= (ir_op_info[op->opcode].flags & IR_FAILS) != 0;
        bool defines = flow_destination(op) == t;
        if (!defines && (flow_writes(op, d) || uses(op, d)))
            return false;
        if (!defines && uses_fixed(op, t))
            return false;
        if (defines)
            break;
    }
    if (from == SIZE_MAX || (fails && b->error != IR_NO_BLOCK && has(f->in[b->error], d)))
        return false;
    struct renaming r = {t, d};
    b->ops.items[from].operand[0] = d;
    for (size_t i = from + 1; i < at; i++) {
        struct ir_op *op = &b->ops.items[i];
        flow_each_use(op, rename_use, &r);
    }
    memmove(&b->ops.items[at], &b->ops.items[at + 1], (b->ops.count - at - 1) * sizeof *b->ops.items);
    b->ops.count--;
    return true;
}

// One walk over everything. What a change here does to liveness stays inside its block (a folded copy) or only makes
// less live (a removed op), so the sets at block boundaries stay good enough for the rest of the walk.
static bool improve(struct flow *f, set live) {
    bool changed = false;
    for (size_t i = 0; i < f->machine->blocks.count; i++) {
        struct ir_block *b = f->machine->blocks.items[i];
        flow_after_block(f, b, live);
        for (size_t j = b->ops.count; j-- > 0;) {
            struct ir_op *op = &b->ops.items[j];
            uint32_t d = flow_destination(op);
            if (op->opcode == OP_COPY && fold_copy(f, b, j, live)) {
                changed = true;
                continue;
            }
            bool unread = d != ASL_NO_OPERAND && !has(live, d) && !has(f->pinned, d);
            if (unread && ir_op_info[op->opcode].flags & IR_PURE) {
                memmove(op, op + 1, (b->ops.count - j - 1) * sizeof *op);
                b->ops.count--;
                changed = true;
                continue;
            }
            flow_before_op(f, b, op, live);
        }
    }
    return changed;
}

struct marking {
    const struct flow *flow;
    set after;
    struct ir_op *op;
};
static void mark(void *user, uint32_t slot, uint32_t *operand, char kind) {
    struct marking *m = user;
    bool changed = flow_writes(m->op, slot) && m->op->opcode != OP_PUT; // that one takes its operands before it writes
    if (!operand || kind != 's' || has(m->after, slot) || has(m->flow->pinned, slot) || changed)
        return;
    if (flow_reads_raw_input(m->op) && slot == 0)
        return;
    // An op that names a slot twice reads it twice: only the last of them may empty it.
    const char *kinds = ir_op_info[m->op->opcode].operands;
    for (uint32_t *later = operand + 1; later < m->op->operand + strlen(kinds); later++)
        if (strchr("sv", kinds[later - m->op->operand]) && (*later & ~ASL_LAST) == slot && *later != ASL_NO_OPERAND)
            return;
    *operand = slot | ASL_LAST;
}

static void mark_last_uses(const struct flow *f, set live, set after) {
    for (size_t i = 0; i < f->machine->blocks.count; i++) {
        struct ir_block *b = f->machine->blocks.items[i];
        flow_after_block(f, b, live);
        if (b->exit.kind == EXIT_DONE && !has(f->pinned, b->exit.a & ~ASL_LAST))
            b->exit.a |= ASL_LAST;
        for (size_t j = b->ops.count; j-- > 0;) {
            struct ir_op *op = &b->ops.items[j];
            memcpy(after, live, f->words * sizeof *after);
            if (op->opcode == OP_PUT)
                take(after, op->operand[0]);
            if (ir_op_info[op->opcode].flags & IR_FAILS && b->error != IR_NO_BLOCK)
                flow_join(f, after, f->in[b->error]);
            struct marking m = {f, after, op};
            flow_each_use(op, mark, &m);
            flow_before_op(f, b, op, live);
        }
    }
}

static void slots_machine(struct ir_plan *p, struct ir_machine *m) {
    struct flow f = flow_of(p, m);
    set live = arena_alloc(p->arena, f.words * sizeof *live), after = arena_alloc(p->arena, f.words * sizeof *after);
    flow_solve(&f, live);
    for (int round = 0; round < 4 && improve(&f, live); round++)
        flow_solve(&f, live);
    mark_last_uses(&f, live, after);
}

void opt_slots(struct ir_plan *p) {
    for (size_t i = 0; i < p->machines.count; i++)
        slots_machine(p, p->machines.items[i]);
    for (size_t i = 0; i < p->functions.count; i++)
        slots_machine(p, p->functions.items[i]);
}
