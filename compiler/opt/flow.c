// Liveness: see flow.h.
#include "opt/flow.h"

bool flow_join(const struct flow *f, set to, const uint64_t *from) {
    bool grew = false;
    for (size_t w = 0; w < f->words; w++) {
        grew |= (from[w] & ~to[w]) != 0;
        to[w] |= from[w];
    }
    return grew;
}

// These print the state's raw input in the text of their error.
bool flow_reads_raw_input(const struct ir_op *op) {
    return op->opcode == OP_PATH && (op->operand[3] == ASL_PATH_TEMPLATE || op->operand[3] == ASL_PATH_FIELD ||
                                     op->operand[3] == ASL_PATH_ARGUMENT);
}

void flow_each_use(struct ir_op *op, flow_visit *v, void *user) {
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
    if (flow_reads_raw_input(op))
        v(user, 0, NULL, 0);
}

uint32_t flow_destination(const struct ir_op *op) {
    return ir_op_info[op->opcode].operands[0] == 'd' ? op->operand[0] : ASL_NO_OPERAND;
}

bool flow_writes(const struct ir_op *op, uint32_t slot) {
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

void flow_before_op(const struct flow *f, const struct ir_block *b, struct ir_op *op, set live) {
    uint32_t d = flow_destination(op);
    if (d != ASL_NO_OPERAND)
        take(live, d);
    if (ir_op_info[op->opcode].operands[0] == 'D')
        take(live, op->operand[0]), take(live, op->operand[0] + 1);
    if (ir_op_info[op->opcode].flags & IR_FAILS && b->error != IR_NO_BLOCK)
        flow_join(f, live, f->in[b->error]);
    flow_each_use(op, use, live);
}

static void use_tested(set live, uint32_t operand) {
    if (operand != ASL_NO_OPERAND && !(operand & (ASL_CONSTANT | IR_NUMBER)))
        add(live, operand & ~ASL_LAST);
}

void flow_after_block(const struct flow *f, const struct ir_block *b, set live) {
    const struct ir_exit *e = &b->exit;
    memset(live, 0, f->words * sizeof *live);
    for (uint32_t t = 0; t < e->target_count && e->kind != EXIT_GIVE_UP; t++)
        flow_join(f, live, f->in[e->target[t]]);
    if (e->kind == EXIT_GIVE_UP)
        flow_join(f->watched, live, f->watched->in[e->target[0]]); // its slots are the first
    if (e->kind == EXIT_IF) {
        use_tested(live, e->a);
        use_tested(live, e->b);
    } else if (e->kind == EXIT_DONE) {
        add(live, e->a & ~ASL_LAST);
    }
}

void flow_solve(struct flow *f, set live) {
    size_t count = f->machine->blocks.count;
    for (size_t i = 0; i < count; i++)
        memset(f->in[i], 0, f->words * sizeof(uint64_t));
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = count; i-- > 0;) {
            struct ir_block *b = f->machine->blocks.items[i];
            flow_after_block(f, b, live);
            for (size_t j = b->ops.count; j-- > 0;)
                flow_before_op(f, b, &b->ops.items[j], live);
            changed |= flow_join(f, f->in[i], live);
        }
    }
}

struct flow flow_of(struct ir_plan *p, struct ir_machine *m) {
    struct arena *a = p->arena;
    struct flow f = {.plan = p, .machine = m, .words = m->slots.count / 64 + 1};
    for (size_t i = 0; i < p->quiet; i++)
        if (p->machines.items[i + p->quiet] == m) {
            f.home = (uint32_t)p->machines.items[i]->slots.count;
            struct flow *watched = arena_alloc(a, sizeof *watched);
            *watched = flow_of(p, p->machines.items[i]);
            flow_solve(watched, arena_alloc(a, watched->words * sizeof(uint64_t)));
            f.watched = watched;
        }
    f.pinned = arena_alloc(a, f.words * sizeof(uint64_t));
    f.in = arena_alloc(a, m->blocks.count * sizeof *f.in);
    for (size_t i = 0; i < m->blocks.count; i++)
        f.in[i] = arena_alloc(a, f.words * sizeof(uint64_t));
    // Which machine a child's captures speak of is not written down: every machine whose slots they could name keeps them.
    // They were named when there were no other slots than the watched machine's.
    size_t machines = p->quiet ? p->quiet : p->machines.count, named = f.home ? f.home : m->slots.count; // quiet ones capture the same
    for (size_t i = 0; i < machines; i++)
        for (size_t j = 0; j < p->machines.items[i]->captures.count; j++) { // functions capture nothing this way
            uint32_t slot = p->machines.items[i]->captures.items[j].parent_slot;
            bool own = p->machines.items[i] == m || (p->quiet && p->machines.items[i + p->quiet] == m);
            if (!own && slot < named)
                add(f.pinned, slot);
        }
    return f;
}

const uint64_t *const *opt_live(struct ir_plan *p, struct ir_machine *m) {
    struct flow f = flow_of(p, m);
    set live = arena_alloc(p->arena, f.words * sizeof *live);
    flow_solve(&f, live);
    for (size_t i = 0; i < m->blocks.count; i++)
        flow_join(&f, f.in[i], f.pinned);
    return (const uint64_t *const *)f.in;
}
