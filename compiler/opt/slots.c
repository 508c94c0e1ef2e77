// Slots: liveness decides which values may be moved instead of copied.
//
//   1. a copy out of a temporary that dies there is folded into the op that made the temporary
//   2. pure ops whose destination nobody reads are removed
//   3. the last use of a slot is marked (ASL_LAST), so that the runtime moves the value out of it; a sole owner is then
//      updated in place
//
// Liveness is the usual backward data flow over blocks, with two particularities: an op that can fail keeps alive what
// the block's error edge reads, and slots that a child machine captures are alive always.
#include <string.h>

#include "ir.h"

typedef uint64_t *set;

struct flow {
    struct ir_plan *plan;
    struct ir_machine *machine;
    size_t words;
    set pinned; /* captured by children */
    set *in;    /* live at the start of each block */
    uint32_t home; /* quiet: the slots of the watched machine, which goes on from them when this one gives up */
};

static bool has(set s, uint32_t slot) { return s[slot / 64] >> (slot % 64) & 1; }
static void add(set s, uint32_t slot) { s[slot / 64] |= UINT64_C(1) << (slot % 64); }
static void take(set s, uint32_t slot) { s[slot / 64] &= ~(UINT64_C(1) << (slot % 64)); }

static bool join(const struct flow *f, set to, set from) {
    bool grew = false;
    for (size_t w = 0; w < f->words; w++) {
        grew |= (from[w] & ~to[w]) != 0;
        to[w] |= from[w];
    }
    return grew;
}

// These print the state's raw input in the text of their error.
static bool reads_raw_input(const struct ir_op *op) {
    return op->opcode == OP_PATH && (op->operand[3] == ASL_PATH_TEMPLATE || op->operand[3] == ASL_PATH_FIELD ||
                                     op->operand[3] == ASL_PATH_ARGUMENT);
}

// Calls visit for each slot that op reads; operand points at the operand naming it alone ('s', or 'x' when changed in
// place), or is NULL where it is one of several or implied.
typedef void visit(void *user, uint32_t slot, uint32_t *operand, char kind);
static void each_use(struct ir_op *op, visit *v, void *user) {
    const char *kinds = ir_op_info[op->opcode].operands;
    for (size_t i = 0; kinds[i]; i++) {
        uint32_t o = op->operand[i];
        if (o == ASL_NO_OPERAND)
            continue;
        if (kinds[i] == 'a')
            for (uint32_t a = 0; a < op->operand[i + 1]; a++)
                v(user, o + a, NULL, 'a');
        else if (kinds[i] == 'X')
            v(user, o, NULL, 'X'), v(user, o + 1, NULL, 'X');
        else if (kinds[i] == 's' || kinds[i] == 'x' || (kinds[i] == 'v' && !(o & ASL_CONSTANT)))
            v(user, o & ~ASL_LAST, &op->operand[i], kinds[i] == 'v' ? 's' : kinds[i]);
    }
    if (reads_raw_input(op))
        v(user, 0, NULL, 0);
}

static uint32_t destination(const struct ir_op *op) {
    return ir_op_info[op->opcode].operands[0] == 'd' ? op->operand[0] : ASL_NO_OPERAND;
}

// Whether op changes slot in any way.
static bool writes(const struct ir_op *op, uint32_t slot) {
    const char *kinds = ir_op_info[op->opcode].operands;
    for (size_t i = 0; kinds[i]; i++) {
        bool pair = kinds[i] == 'D' || kinds[i] == 'X';
        if ((kinds[i] == 'd' || kinds[i] == 'x' || pair) && (op->operand[i] == slot || (pair && op->operand[i] + 1 == slot)))
            return true;
    }
    return false;
}

static void use(void *live, uint32_t slot, uint32_t *operand, char kind) {
    (void)operand, (void)kind;
    add(live, slot);
}

// Live before op, given live after it.
static void before_op(const struct flow *f, const struct ir_block *b, struct ir_op *op, set live) {
    uint32_t d = destination(op);
    if (d != ASL_NO_OPERAND)
        take(live, d);
    if (ir_op_info[op->opcode].operands[0] == 'D')
        take(live, op->operand[0]), take(live, op->operand[0] + 1);
    if (ir_op_info[op->opcode].flags & IR_FAILS && b->error != IR_NO_BLOCK)
        join(f, live, f->in[b->error]);
    each_use(op, use, live);
}

static void use_tested(set live, uint32_t operand) {
    if (operand != ASL_NO_OPERAND && !(operand & (ASL_CONSTANT | IR_NUMBER)))
        add(live, operand & ~ASL_LAST);
}

static void after_block(const struct flow *f, const struct ir_block *b, set live) {
    const struct ir_exit *e = &b->exit;
    memset(live, 0, f->words * sizeof *live);
    for (uint32_t t = 0; t < e->target_count && e->kind != EXIT_GIVE_UP; t++)
        join(f, live, f->in[e->target[t]]);
    for (uint32_t i = 0; i < f->home && e->kind == EXIT_GIVE_UP; i++)
        add(live, i);
    if (e->kind == EXIT_IF) {
        use_tested(live, e->a);
        use_tested(live, e->b);
    } else if (e->kind == EXIT_DONE) {
        add(live, e->a & ~ASL_LAST);
    }
}

static void solve(struct flow *f, set live) {
    size_t count = f->machine->blocks.count;
    for (size_t i = 0; i < count; i++)
        memset(f->in[i], 0, f->words * sizeof(uint64_t));
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = count; i-- > 0;) {
            struct ir_block *b = f->machine->blocks.items[i];
            after_block(f, b, live);
            for (size_t j = b->ops.count; j-- > 0;)
                before_op(f, b, &b->ops.items[j], live);
            changed |= join(f, f->in[i], live);
        }
    }
}

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
    each_use(op, look, &s);
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
    each_use(op, look_fixed, &s);
    return s.found || (ir_op_info[op->opcode].operands[0] == 'D' && writes(op, slot));
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
        bool defines = destination(op) == t;
        if (!defines && (writes(op, d) || uses(op, d)))
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
        each_use(op, rename_use, &r);
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
        after_block(f, b, live);
        for (size_t j = b->ops.count; j-- > 0;) {
            struct ir_op *op = &b->ops.items[j];
            uint32_t d = destination(op);
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
            before_op(f, b, op, live);
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
    if (!operand || kind != 's' || has(m->after, slot) || has(m->flow->pinned, slot) || writes(m->op, slot))
        return;
    if (reads_raw_input(m->op) && slot == 0)
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
        after_block(f, b, live);
        if (b->exit.kind == EXIT_DONE && !has(f->pinned, b->exit.a & ~ASL_LAST))
            b->exit.a |= ASL_LAST;
        for (size_t j = b->ops.count; j-- > 0;) {
            struct ir_op *op = &b->ops.items[j];
            memcpy(after, live, f->words * sizeof *after);
            if (ir_op_info[op->opcode].flags & IR_FAILS && b->error != IR_NO_BLOCK)
                join(f, after, f->in[b->error]);
            struct marking m = {f, after, op};
            each_use(op, mark, &m);
            before_op(f, b, op, live);
        }
    }
}

static struct flow flow_of(struct ir_plan *p, struct ir_machine *m) {
    struct arena *a = p->arena;
    struct flow f = {.plan = p, .machine = m, .words = m->slots.count / 64 + 1};
    for (size_t i = 0; i < p->quiet; i++)
        if (p->machines.items[i + p->quiet] == m)
            f.home = (uint32_t)p->machines.items[i]->slots.count;
    f.pinned = arena_alloc(a, f.words * sizeof(uint64_t));
    f.in = arena_alloc(a, m->blocks.count * sizeof *f.in);
    for (size_t i = 0; i < m->blocks.count; i++)
        f.in[i] = arena_alloc(a, f.words * sizeof(uint64_t));
    // Which machine a child's captures speak of is not written down: every machine whose slots they could name keeps them.
    size_t machines = p->quiet ? p->quiet : p->machines.count; // the quiet ones capture the same
    for (size_t i = 0; i < machines; i++)
        for (size_t j = 0; j < p->machines.items[i]->captures.count; j++) { // functions capture nothing this way
            uint32_t slot = p->machines.items[i]->captures.items[j].parent_slot;
            bool own = p->machines.items[i] == m || (p->quiet && p->machines.items[i + p->quiet] == m);
            if (!own && slot < m->slots.count)
                add(f.pinned, slot);
        }
    return f;
}

static void slots_machine(struct ir_plan *p, struct ir_machine *m) {
    struct flow f = flow_of(p, m);
    set live = arena_alloc(p->arena, f.words * sizeof *live), after = arena_alloc(p->arena, f.words * sizeof *after);
    solve(&f, live);
    for (int round = 0; round < 4 && improve(&f, live); round++)
        solve(&f, live);
    mark_last_uses(&f, live, after);
}

const uint64_t *const *opt_live(struct ir_plan *p, struct ir_machine *m) {
    struct flow f = flow_of(p, m);
    set live = arena_alloc(p->arena, f.words * sizeof *live);
    solve(&f, live);
    for (size_t i = 0; i < m->blocks.count; i++)
        join(&f, f.in[i], f.pinned);
    return (const uint64_t *const *)f.in;
}

void opt_slots(struct ir_plan *p) {
    for (size_t i = 0; i < p->machines.count; i++)
        slots_machine(p, p->machines.items[i]);
    for (size_t i = 0; i < p->functions.count; i++)
        slots_machine(p, p->functions.items[i]);
}
