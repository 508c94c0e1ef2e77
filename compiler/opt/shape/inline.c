// Shape: branches that become part of their machine.
//
// A Parallel's branches, when they are small and without loops, are copied into its machine one after the other, with
// slots of their own, and belong to the Parallel state: when anything in them is unusual, that is what begins again.
#include "opt/shape/shape.h"

bool shape_acyclic(const struct ir_plan *p, struct ir_block *const *blocks, size_t count) {
    uint8_t *seen = arena_alloc(p->arena, count + 1); // 1 on the way, 2 done
    struct place *stack = arena_alloc(p->arena, (count + 1) * sizeof *stack);
    size_t depth = 0;
    stack[depth++] = (struct place){0, 0};
    seen[0] = 1;
    while (depth) {
        const struct ir_exit *e = &blocks[stack[depth - 1].block]->exit;
        if (stack[depth - 1].op == e->target_count) {
            seen[stack[--depth].block] = 2;
            continue;
        }
        uint32_t to = e->target[stack[depth - 1].op++];
        if (seen[to] == 1)
            return false;
        if (!seen[to]) {
            seen[to] = 1;
            stack[depth++] = (struct place){to, 0};
        }
    }
    return true;
}

static bool inlines(const struct shape *s, const struct site *site) {
    size_t ops = 0;
    if (!site->now || site->is_map)
        return false;
    for (size_t c = 0; c < site->count; c++) {
        const struct original *m = &s->originals[site->machines[c]];
        for (size_t b = 0; b < m->count; b++) {
            if (m->blocks[b]->error != IR_NO_BLOCK)
                return false;
            for (size_t o = 0; o < m->blocks[b]->ops.count; o++, ops++) {
                uint8_t opcode = m->blocks[b]->ops.items[o].opcode;
                // The Context object says which state it is; a poll tells what was counted; what forks again has blocks of its own for errors.
                if (opcode == OP_CONTEXT || opcode == OP_POLL || opcode == OP_MARK || opcode == OP_MAP || opcode == OP_PARALLEL || opcode == OP_ITEM)
                    return false;
            }
        }
        if (!shape_acyclic(s->plan, m->blocks, m->count))
            return false;
    }
    return ops <= MOST_INLINED;
}

struct ir_op shape_shifted(const struct ir_op *op, uint32_t by) {
    struct ir_op copy = *op;
    const char *kinds = ir_op_info[op->opcode].operands;
    for (size_t i = 0; kinds[i]; i++)
        if (strchr("dsxaDXv", kinds[i]) && op->operand[i] != ASL_NO_OPERAND && !(kinds[i] == 'v' && op->operand[i] & ASL_CONSTANT))
            copy.operand[i] += by;
    return copy;
}

static struct ir_block *bare_block(struct shape *s, const char *name, uint32_t state) {
    ir_block_new(s->plan, s->m, name, state);
    return s->m->blocks.items[s->m->blocks.count - 1];
}

void shape_jump_to(struct shape *s, struct ir_block *b, uint32_t to) {
    b->exit.kind = EXIT_JUMP;
    b->exit.target_count = 1;
    b->exit.target = arena_alloc(s->arena, sizeof *b->exit.target);
    b->exit.target[0] = to;
}

// Appends a branch's blocks, and the block that begins it; returns that one's number. Its output goes to `out`.
static uint32_t inline_branch(struct shape *s, uint32_t machine, uint32_t input, uint32_t out, uint32_t state, uint32_t next) {
    const struct original *m = &s->originals[machine];
    const struct ir_machine *child = s->plan->machines.items[machine];
    uint32_t slots = (uint32_t)s->m->slots.count, begin, first;
    for (size_t i = 0; i < m->slots; i++)
        ir_slot(s->plan, s->m, child->slots.items[i]);
    begin = (uint32_t)s->m->blocks.count;
    first = begin + 1;
    struct ir_block *b = bare_block(s, m->blocks[0]->name, state);
    ir_op(s->plan, b, OP_COPY, OPERANDS(slots, input));
    for (size_t i = 0; i < child->captures.count; i++)
        ir_op(s->plan, b, OP_COPY, OPERANDS(slots + child->captures.items[i].slot, child->captures.items[i].parent_slot));
    shape_jump_to(s, b, first);
    for (size_t i = 0; i < m->count; i++) {
        const struct ir_block *from = m->blocks[i];
        b = bare_block(s, from->name, state);
        for (size_t o = 0; o < from->ops.count; o++)
            if (from->ops.items[o].opcode != OP_ENTER) // leaving counts for both
                *vec_push(s->arena, &b->ops) = shape_shifted(&from->ops.items[o], slots);
        b->exit = from->exit;
        if (from->exit.kind == EXIT_DONE) {
            ir_op(s->plan, b, OP_COPY, OPERANDS(out, (from->exit.a & ~ASL_LAST) + slots));
            shape_jump_to(s, b, next);
            continue;
        }
        if (from->exit.kind == EXIT_IF) {
            b->exit.a += slots;
            b->exit.b += slots;
        }
        b->exit.target = arena_alloc(s->arena, (from->exit.target_count + 1) * sizeof *b->exit.target);
        for (uint32_t t = 0; t < from->exit.target_count; t++)
            b->exit.target[t] = from->exit.target[t] + first;
    }
    return begin;
}

bool *shape_inline_branches(struct shape *s) {
    bool *inlined = arena_alloc(s->arena, s->plan->states.count + 1);
    size_t count = s->m->blocks.count;
    const bool *simple = shape_only_compute(s->plan, s->sites, s->watched, s->m->blocks.items, count, NULL);
    for (size_t i = 0; i < count; i++) {
        struct ir_block *b = s->m->blocks.items[i];
        struct ir_op *op = b->ops.count ? &b->ops.items[b->ops.count - 1] : NULL;
        if (!op || !simple[i] || op->opcode != OP_PARALLEL || b->exit.kind != EXIT_SUSPEND || !inlines(s, &s->sites[op->operand[0]]))
            continue;
        struct ir_block *answered = s->m->blocks.items[b->exit.target[0]];
        if (!answered->ops.count || answered->ops.items[0].opcode != OP_RESULT)
            continue;
        struct site *site = &s->sites[op->operand[0]];
        site->inlined = true;
        uint32_t input = op->operand[1] & ~ASL_LAST, state = b->state, *out = arena_alloc(s->arena, site->count * sizeof *out);
        uint32_t results = ir_slot(s->plan, s->m, "results");
        for (size_t c = 0; c < site->count; c++)
            out[c] = ir_slot(s->plan, s->m, "output");
        uint32_t next = (uint32_t)s->m->blocks.count;
        struct ir_block *end = bare_block(s, answered->name, state);
        ir_op(s->plan, end, OP_ARRAY, OPERANDS(results));
        for (size_t c = 0; c < site->count; c++)
            ir_op(s->plan, end, OP_PUSH, OPERANDS(results, out[c]));
        ir_op(s->plan, end, OP_TICK, OPERANDS(2, 0)); // ParallelStateStarted, ParallelStateSucceeded
        shape_jump_to(s, end, b->exit.target[0]);
        for (size_t c = site->count; c-- > 0;)
            next = inline_branch(s, site->machines[c], input, out[c], state, next);
        *op = (struct ir_op){.opcode = OP_MARK, .line = op->line, .column = op->column};
        shape_jump_to(s, b, next);
        struct ir_op *result = &answered->ops.items[0];
        if (result->operand[0] == ASL_NO_OPERAND)
            *result = (struct ir_op){.opcode = OP_TICK, .line = result->line, .column = result->column};
        else
            *result = (struct ir_op){.opcode = OP_COPY, .line = result->line, .column = result->column, .operand = {result->operand[0], results}};
        inlined[state] = true;
    }
    return inlined;
}
