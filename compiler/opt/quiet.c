// Quiet machines: each machine once more, for executions that nobody watches.
//
//     machine @0 "/"            what histories, journals and logs are told of: every state entered and left is an op,
//                               limits of the service hold
//     machine @1 "/" quiet      the same without the limits; what later passes improve
//
// An execution runs the quiet machines when no observer listens, no store keeps it and the service's limits do not hold
// (runtime/execution.c decides at its start). Slots, resume points and captures are the same in both, so that a quiet
// machine can give up anywhere and let the other one go on.
#include <string.h>

#include "ir.h"

// Ops that only hold to a limit of the service, under --strict-aws.
static bool is_limit(const struct ir_op *op) { return op->opcode == OP_LIMIT || op->opcode == OP_ASSIGN; }

static struct ir_block *copy_block(struct arena *a, const struct ir_block *from) {
    struct ir_block *b = arena_alloc(a, sizeof *b);
    *b = *from;
    b->ops.items = NULL;
    b->ops.count = b->ops.capacity = 0;
    for (size_t i = 0; i < from->ops.count; i++)
        if (!is_limit(&from->ops.items[i]))
            *vec_push(a, &b->ops) = from->ops.items[i];
    b->exit.target = arena_alloc(a, (from->exit.target_count + 1) * sizeof *b->exit.target);
    if (from->exit.target_count)
        memcpy(b->exit.target, from->exit.target, from->exit.target_count * sizeof *b->exit.target);
    return b;
}

static void copy_machine(struct ir_plan *p, const struct ir_machine *from) {
    struct ir_machine *m = ir_machine_new(p, from->name);
    for (size_t i = 0; i < from->slots.count; i++)
        ir_slot(p, m, from->slots.items[i]);
    for (size_t i = 0; i < from->captures.count; i++)
        *vec_push(p->arena, &m->captures) = from->captures.items[i];
    for (size_t i = 0; i < from->blocks.count; i++)
        *vec_push(p->arena, &m->blocks) = copy_block(p->arena, from->blocks.items[i]);
    // Journals resume the other machine: here only what waits comes back.
    for (size_t i = 0; i < m->blocks.count; i++)
        m->blocks.items[i]->resume = false;
    for (size_t i = 0; i < m->blocks.count; i++) {
        const struct ir_exit *e = &m->blocks.items[i]->exit;
        if (e->kind == EXIT_SUSPEND || e->kind == EXIT_RETRY)
            m->blocks.items[e->target[0]]->resume = true;
    }
}

void opt_quiet(struct ir_plan *p) {
    size_t count = p->machines.count;
    if (p->quiet || !count) // a plan that was printed and read again has them
        return;
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    return; // their code takes values apart in registers, and nobody has written it for the other order
#endif
    for (size_t i = 0; i < count; i++)
        copy_machine(p, p->machines.items[i]);
    p->quiet = (uint32_t)count;
}
