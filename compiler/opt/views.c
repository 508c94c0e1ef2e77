// Views: members and items that are only looked at stay where they are.
//
//     field %6 %0 k1          $.doc              %6, %7: no references are counted, nothing is copied:
//     element %7 %6 3         … .sections[3]     the step function knows where in %0's value they are
//     length #0 %7
//
// A slot becomes a view when all that is ever put into it are members and items, directly or by way of other views, of one
// other slot, its root, and wherever the view may still be read the root holds the same value as when it was found: the
// root is live there and nobody writes it. No value changes while somebody else refers to it, so what is found stays.
//
// What the execution has as its input it keeps to its end: views of the root machine's slot %0 stay what they are whatever
// becomes of the slot, unless another value is put into it before the machine gives up: then it is unknown which they mean.
// A Map's items, and what its iterations capture of the frame that it is in, others keep for as long as these run; so does
// the execution what its Context objects share.
//
// Views are known to ops that take pointers (IR_HOT, copy) and to exits. Where another op names one, a copy of it is made
// first; mostly that is where the machine gives up.
#include "opt/flow.h"

enum { NO_ROOT = ASL_NO_OPERAND, KEPT = ASL_NO_OPERAND - 1 /* by others */ };

struct views {
    struct ir_plan *plan;
    struct ir_machine *machine;
    struct flow flow;
    set is, were;    /* slots that may be views; at the start of this round */
    uint32_t *root;  /* of each */
    uint32_t *above; /* what it was found in: the root, or a view of it */
    bool input_kept;
    bool changed;
    uint32_t copies[IR_MAX_OPERANDS]; /* slots for copies, by operand; 0: none yet */
};

static void refuse(struct views *v, uint32_t slot) {
    if (slot < v->machine->slots.count && has(v->is, slot)) {
        take(v->is, slot);
        v->changed = true;
    }
}

// ---------------------------------------------------------------- which slots

struct use {
    struct views *views;
    const struct ir_op *op;
    bool rarely;   /* where the machine gives up */
    set looked_at, copied; /* slots that some op takes as a view; that some op wants as a value */
};

static void look(void *user, uint32_t slot, uint32_t *operand, char kind) {
    struct use *u = user;
    if (!operand || kind != 's') refuse(u->views, slot);
    else if (ir_takes_views(u->op->opcode)) add(u->looked_at, slot);
    else if (!u->rarely) add(u->copied, slot);
}

static void refuse_written(struct views *v, const struct ir_op *op) {
    const char *kinds = ir_op_info[op->opcode].operands;
    for (size_t i = 0; kinds[i]; i++) {
        if (strchr("dxDX", kinds[i]) && !(i == 0 && ir_finds(op->opcode)))
            refuse(v, op->operand[i]);
        if (kinds[i] == 'D' || kinds[i] == 'X')
            refuse(v, op->operand[i] + 1);
    }
}

// Slots of the watched machine, which goes on from them, and captured ones are what they are.
static void find_candidates(struct views *v) {
    struct ir_machine *m = v->machine;
    struct use u = {.views = v};
    u.looked_at = arena_alloc(v->plan->arena, v->flow.words * sizeof *u.looked_at);
    u.copied = arena_alloc(v->plan->arena, v->flow.words * sizeof *u.copied);
    for (size_t i = 0; i < m->blocks.count; i++)
        for (size_t j = 0; j < m->blocks.items[i]->ops.count; j++) {
            const struct ir_op *op = &m->blocks.items[i]->ops.items[j];
            if (ir_finds(op->opcode) && op->operand[0] >= v->flow.home && !has(v->flow.pinned, op->operand[0]))
                add(v->is, op->operand[0]);
        }
    for (size_t i = 0; i < m->blocks.count; i++) {
        struct ir_block *b = m->blocks.items[i];
        u.rarely = b->exit.kind == EXIT_GIVE_UP;
        for (size_t j = 0; j < b->ops.count; j++) {
            u.op = &b->ops.items[j];
            refuse_written(v, u.op);
            flow_each_use(&b->ops.items[j], look, &u);
        }
        if (b->exit.kind == EXIT_IF)
            for (int side = 0; side < 2; side++) {
                uint32_t o = side ? b->exit.b : b->exit.a;
                if (o != ASL_NO_OPERAND && !(o & (ASL_CONSTANT | IR_NUMBER)))
                    add(u.looked_at, o & ~ASL_LAST);
            }
    }
    for (size_t w = 0; w < v->flow.words; w++)
        v->is[w] &= u.looked_at[w] | ~u.copied[w];
}

// What each view is part of; one that may be part of two values is none.
static void find_roots(struct views *v) {
    struct ir_machine *m = v->machine;
    for (uint32_t i = 0; i < m->slots.count; i++)
        v->root[i] = NO_ROOT;
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < m->blocks.count; i++)
            for (size_t j = 0; j < m->blocks.items[i]->ops.count; j++) {
                const struct ir_op *op = &m->blocks.items[i]->ops.items[j];
                if (!ir_finds(op->opcode) || !has(v->is, op->operand[0]))
                    continue;
                bool kept = ir_finds_kept(op->opcode);
                uint32_t d = op->operand[0], s = kept ? KEPT : op->operand[1] & ~ASL_LAST;
                uint32_t root = !kept && has(v->is, s) ? v->root[s] : s;
                if (root == NO_ROOT || root == v->root[d])
                    continue;
                if (v->root[d] == NO_ROOT)
                    v->root[d] = root, v->above[d] = s;
                else
                    refuse(v, d);
                again = true;
            }
    }
    for (uint32_t i = 0; i < m->slots.count; i++)
        if (v->root[i] == NO_ROOT)
            refuse(v, i);
}

// Calls refuse() for views that are live where their roots are not, or where op writes those. op may be NULL.
static void check_live(struct views *v, const uint64_t *live, const struct ir_op *op) {
    for (size_t w = 0; w < v->flow.words; w++)
        for (uint64_t left = live[w] & v->is[w]; left; left &= left - 1) {
            uint32_t slot = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(left), root = v->root[slot];
            uint32_t above = v->above[slot];
            if (root == KEPT)
                continue;
            while (has(v->were, above) && !has(live, above))
                above = v->above[above];
            if (has(v->were, above))
                continue; // the same holds for that view: once it is a value, this one may be a view of it
            bool kept = (has(live, root) || has(v->flow.pinned, root)) && !(op && flow_writes(op, root));
            if (!kept && !(root == 0 && v->input_kept))
                refuse(v, slot);
        }
}

static void check_lives(struct views *v, set live) {
    struct ir_machine *m = v->machine;
    for (size_t i = 0; i < m->blocks.count; i++) {
        struct ir_block *b = m->blocks.items[i];
        for (uint32_t slot = 0; (i == 0 || b->resume) && slot < m->slots.count; slot++)
            if (has(v->flow.in[i], slot)) // it would have to live while the machine waits
                refuse(v, slot);
        check_live(v, v->flow.in[i], NULL);
        flow_after_block(&v->flow, b, live);
        for (size_t j = b->ops.count; j-- > 0;) {
            check_live(v, live, &b->ops.items[j]);
            flow_before_op(&v->flow, b, &b->ops.items[j], live);
        }
    }
}

static bool keeps_input(const struct ir_plan *p, const struct ir_machine *m) {
    if (m != p->machines.items[p->quiet])
        return false;
    for (size_t i = 0; i < m->blocks.count; i++) {
        const struct ir_block *b = m->blocks.items[i];
        if (b->resume)
            return false;
        for (size_t j = 0; j < b->ops.count && b->exit.kind != EXIT_GIVE_UP; j++)
            if (flow_writes(&b->ops.items[j], 0))
                return false;
    }
    return true;
}

// ---------------------------------------------------------------- making them

// Operands that name views hold nothing that could be moved; ops that want a value get a copy.
static void name_views(struct views *v, struct ir_block *b) {
    struct ir_block made = {0};
    for (size_t j = 0; j < b->ops.count; j++) {
        struct ir_op op = b->ops.items[j];
        const char *kinds = ir_op_info[op.opcode].operands;
        for (size_t i = 0; kinds[i]; i++) {
            uint32_t slot = op.operand[i] & ~ASL_LAST;
            bool names = op.operand[i] != ASL_NO_OPERAND && (kinds[i] == 's' || (kinds[i] == 'v' && !(op.operand[i] & ASL_CONSTANT)));
            if (!names || slot >= v->flow.words * 64 || !has(v->is, slot))
                continue;
            if (ir_takes_views(op.opcode)) {
                op.operand[i] = slot;
                continue;
            }
            if (!v->copies[i])
                v->copies[i] = ir_slot(v->plan, v->machine, arena_format(v->plan->arena, "copy%zu", i));
            struct ir_op *copy = ir_op(v->plan, &made, OP_COPY, (uint32_t[]){v->copies[i], slot});
            copy->line = op.line;
            copy->column = op.column;
            op.operand[i] = v->copies[i] | ASL_LAST;
        }
        *vec_push(v->plan->arena, &made.ops) = op;
    }
    memcpy(&b->ops, &made.ops, sizeof b->ops);
    if (b->exit.kind == EXIT_DONE && has(v->is, b->exit.a & ~ASL_LAST))
        b->exit.a &= ~ASL_LAST;
}

static void views_machine(struct ir_plan *p, struct ir_machine *m) {
    struct arena *a = p->arena;
    struct views v = {.plan = p, .machine = m, .flow = flow_of(p, m)};
    set live = arena_alloc(a, v.flow.words * sizeof *live);
    v.is = arena_alloc(a, v.flow.words * sizeof *v.is);
    v.were = arena_alloc(a, v.flow.words * sizeof *v.were);
    v.root = arena_alloc(a, m->slots.count * sizeof *v.root);
    v.above = arena_alloc(a, m->slots.count * sizeof *v.above);
    v.input_kept = keeps_input(p, m);
    find_candidates(&v);
    flow_solve(&v.flow, live);
    do {
        v.changed = false;
        find_roots(&v);
        memcpy(v.were, v.is, v.flow.words * sizeof *v.is);
        check_lives(&v, live);
    } while (v.changed);
    for (uint32_t slot = 0; slot < v.flow.words * 64 && slot < m->slots.count; slot++)
        if (has(v.is, slot))
            ir_view(p, m, slot);
    for (size_t i = 0; i < m->blocks.count; i++)
        name_views(&v, m->blocks.items[i]);
}

void opt_views(struct ir_plan *p) {
    for (size_t i = 0; p->quiet && i < p->quiet; i++)
        views_machine(p, p->machines.items[i + p->quiet]);
}
