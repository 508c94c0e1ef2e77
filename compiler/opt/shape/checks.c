// Shape: checks that a later one includes.
//
//     within #0 32
//     add #1 #0 k5                 5, and so on
//     within #1 32        dropped: #1 is not less than #0, and not more than #2
//     add #2 #1 k5
//     within #2 32
//
// Within a block all checks fail to the same place, and up to there nothing has happened that is not done again. So a
// number that only constants that are not negative were added to needs no check of its own when one that grew from it has it.
#include "opt/shape/shape.h"

struct number {
    uint32_t set, checked; // by which ops of the block, one more than their numbers; 0: by none
    uint32_t from;         // one more than the number that it grew from
    uint32_t bits;         // of its own check
    uint32_t below;        // so many bits has, by a later check, a number that grew from it; 0: none
    bool again;            // set more than once
};

static bool grows(struct shape *s, const struct ir_op *op) {
    if (op->opcode != OP_ADD || op->operand[1] & ASL_CONSTANT || !(op->operand[2] & ASL_CONSTANT))
        return false;
    const asl_value *by = shape_constant(s, op->operand[2] & ~ASL_CONSTANT);
    return by->tag == ASL_INT && by->i >= 0 && by->i <= INT32_MAX; // all of them together do not overflow
}

static void look_at(struct shape *s, const struct ir_block *b, struct number *numbers) {
    for (uint32_t i = 0; i < b->ops.count; i++) {
        const struct ir_op *op = &b->ops.items[i];
        const char *kinds = ir_op_info[op->opcode].operands;
        for (size_t k = 0; kinds[k]; k++)
            if (kinds[k] == 'L') {
                struct number *n = &numbers[op->operand[k]];
                n->again |= n->set || n->checked;
                n->set = i + 1;
                n->from = grows(s, op) ? op->operand[1] + 1 : 0;
            }
        if (op->opcode == OP_WITHIN && !(op->operand[0] & ASL_CONSTANT)) {
            struct number *n = &numbers[op->operand[0]];
            n->again |= n->checked > 0;
            n->checked = i + 1;
            n->bits = op->operand[1];
        }
    }
}

// The number that n grew from, when that has been checked before, for no more than bits.
static struct number *origin(struct number *numbers, const struct number *n, uint32_t bits) {
    struct number *a = n->from ? &numbers[n->from - 1] : NULL;
    return a && !n->again && !a->again && a->checked && a->checked < n->set && a->bits <= bits ? a : NULL;
}

static void drop_in_block(struct shape *s, struct ir_block *b) {
    size_t checks = 0, kept = 0;
    for (size_t i = 0; i < b->ops.count; i++)
        checks += b->ops.items[i].opcode == OP_WITHIN;
    if (checks < 3)
        return;
    struct number *numbers = arena_alloc(s->arena, s->m->numbers * sizeof *numbers);
    look_at(s, b, numbers);
    for (uint32_t i = (uint32_t)b->ops.count; i-- > 0;) {
        struct ir_op *op = &b->ops.items[i];
        struct number *n = op->opcode == OP_WITHIN && !(op->operand[0] & ASL_CONSTANT) ? &numbers[op->operand[0]] : NULL;
        struct number *a = n ? origin(numbers, n, n->bits) : NULL;
        if (!a)
            continue;
        a->below = n->bits;
        if (n->below && n->below <= n->bits)
            op->opcode = OP_COUNT;
    }
    for (size_t i = 0; i < b->ops.count; i++)
        if (b->ops.items[i].opcode != OP_COUNT)
            b->ops.items[kept++] = b->ops.items[i];
    b->ops.count = kept;
}

void shape_drop_checks(struct shape *s) {
    for (size_t i = 0; i < s->m->blocks.count; i++)
        drop_in_block(s, s->m->blocks.items[i]);
}
