// Shape: expressions become part of their machine.
//
// The function of an expression, when it has no loop and nothing in it that only an evaluation can do, is copied into the
// machine behind the op that calls it, and belongs to the state:
//
//     block b4 "Check"                     copy %20 %3           the function's slots follow the machine's; all
//       …                                  jx_eval %5 g1 …       expressions have the same ones, one after the other
//       jx_eval %5 g1 %3 1 k4              jump b9
//       condition %5 k4            b9 …    jx_less %20 k2 …      what was g1
//       branch b6 b7               b12 …   unmarked %5 %21
//                                          jump b8
//                                  b8      condition %5 k4
//                                          branch b6 b7
//
// state.c then goes through these blocks as through the others. Where what an op is given cannot be what it wants, or in a
// version of the state that hopes for nothing, jx_eval calls the function as ever, and goes on behind it.
#include "opt/shape/shape.h"

enum { MOST_SLOTS = 64, MOST_BLOCKS = 48, MOST_OPS = 128 };

// Those that call a function, look at the clock, draw a number or only fail are left to an evaluation.
static bool applies(uint32_t builtin) {
    switch (builtin) {
    case JX_MAP: case JX_FILTER: case JX_SINGLE: case JX_REDUCE: case JX_SIFT: case JX_EACH: case JX_EVAL: case JX_ERROR: case JX_ASSERT:
    case JX_NOW: case JX_MILLIS: case JX_TO_MILLIS: case JX_RANDOM: case JX_SFN_RANDOM: case JX_SHUFFLE: case JX_UUID: return false;
    default: return builtin < BUILTINS;
    }
}

static bool becomes_part(const struct ir_op *op) {
    const uint32_t *o = op->operand;
    switch ((int)op->opcode) {
    case OP_COPY: case OP_JX_UNWRAP: case OP_JX_FOLD: case OP_JX_UNDEFINED: case OP_JX_CONST: case OP_JX_RETURN: case OP_JX_ADD: case OP_JX_SUBTRACT:
    case OP_JX_MULTIPLY: case OP_JX_DIVIDE: case OP_JX_REMAINDER: case OP_JX_NEGATE: case OP_JX_EQUAL: case OP_JX_UNEQUAL: case OP_JX_LESS:
    case OP_JX_LESS_EQUAL: case OP_JX_GREATER: case OP_JX_GREATER_EQUAL: case OP_JX_IN: case OP_JX_TRUTH: case OP_JX_EXISTS: case OP_JX_SAME:
    case OP_JX_ORDER: case OP_JX_CONCAT: case OP_JX_LIST: case OP_JX_RECORD: case OP_JX_MERGE: case OP_JX_BLAME:
    case OP_JX_RESET: case OP_JX_COLLECT: case OP_JX_NEXT: case OP_JX_SELECT_ALL: case OP_JX_INDEX: return true;
    case OP_JX_FINISH: return o[2] == 1; // the last step
    case OP_JX_ITERATE: return (o[2] & ~2u) == 0;
    case OP_JX_KEPT: return o[2] <= 1;
    case OP_JX_NODE: return o[2] == 0;
    case OP_JX_NAMES: return (o[2] & 6) == 2; // the last steps; an array that has one item stays one item
    case OP_JX_BUILTIN: return applies(o[1] & 0xff) && o[3] <= 4;
    default: return false;
    }
}

static bool is_spliced(const struct ir_plan *p, const struct ir_machine *f) {
    size_t ops = 0;
    if (f->blocks.count > MOST_BLOCKS || f->slots.count > MOST_SLOTS)
        return false;
    for (size_t i = 0; i < f->blocks.count; i++) {
        const struct ir_block *b = f->blocks.items[i];
        if (b->exit.kind == EXIT_RETURN ? b->exit.a != ASL_DONE : b->exit.kind != EXIT_JUMP && b->exit.kind != EXIT_BRANCH && b->exit.kind != EXIT_FAILED)
            return false;
        for (size_t j = 0; j < b->ops.count; j++, ops++)
            if (!becomes_part(&b->ops.items[j]))
                return false;
    }
    return ops <= MOST_OPS && shape_acyclic(p, f->blocks.items, f->blocks.count);
}

static struct splice *splice_of(struct shape *s, uint32_t block) {
    while (s->splices.count <= block)
        *vec_push(s->arena, &s->splices) = (struct splice){.after = IR_NO_BLOCK};
    return &s->splices.items[block];
}

// The function's blocks; their slots are those from `slots` on, and its value goes to d.
static void append_function(struct shape *s, const struct ir_machine *f, const struct ir_block *caller, const struct ir_op *call, uint32_t slots,
                            uint32_t after) {
    uint32_t base = (uint32_t)s->m->blocks.count;
    for (size_t i = 0; i < f->blocks.count; i++) {
        const struct ir_block *from = f->blocks.items[i];
        uint32_t number = shape_new_block(s, caller->name, caller->state);
        struct ir_block *b = s->m->blocks.items[number];
        *splice_of(s, number) = (struct splice){.call = call, .after = after, .inside = true};
        for (size_t o = 0; o < from->ops.count; o++) {
            struct ir_op op = shape_shifted(&from->ops.items[o], slots);
            op.line = call->line;
            op.column = call->column;
            if (op.opcode == OP_JX_UNWRAP || op.opcode == OP_JX_FOLD) // the context: nobody has one here
                op = (struct ir_op){.opcode = OP_JX_UNDEFINED, .operand = {op.operand[0]}};
            if (op.opcode == OP_JX_BUILTIN)
                op.operand[4] = ASL_NO_OPERAND;
            if (op.opcode == OP_JX_RETURN)
                op = (struct ir_op){.opcode = OP_UNMARKED, .line = call->line, .column = call->column, .operand = {call->operand[0], op.operand[0]}};
            *vec_push(s->arena, &b->ops) = op;
        }
        b->exit = from->exit;
        b->exit.line = call->line;
        b->exit.column = call->column;
        if (from->exit.kind == EXIT_RETURN) {
            shape_jump_to(s, b, after);
            s->splices.items[number].alone = from->ops.count == 1 && s->splices.items[after].alone;
            continue;
        }
        b->exit.target = arena_alloc(s->arena, (from->exit.target_count + 1) * sizeof *b->exit.target);
        for (uint32_t t = 0; t < from->exit.target_count; t++)
            b->exit.target[t] = from->exit.target[t] + base;
    }
}

// Splits the block behind the expression at `at`, and puts its function in between.
static void splice(struct shape *s, uint32_t number, size_t at, uint32_t slots) {
    const struct ir_block *whole = s->m->blocks.items[number];
    struct ir_op *call = arena_alloc(s->arena, sizeof *call);
    *call = whole->ops.items[at];
    const struct ir_machine *f = s->plan->functions.items[call->operand[1]];
    uint32_t after = shape_new_block(s, whole->name, whole->state);
    struct ir_block *b = arena_alloc(s->arena, sizeof *b), *rest = s->m->blocks.items[after];
    *b = (struct ir_block){.name = whole->name, .state = whole->state, .error = whole->error, .resume = whole->resume};
    for (size_t i = 0; i < whole->ops.count; i++)
        if (i != at)
            *vec_push(s->arena, i < at ? &b->ops : &rest->ops) = whole->ops.items[i];
    rest->exit = whole->exit;
    rest->error = whole->error;
    *splice_of(s, after) = (struct splice){.after = IR_NO_BLOCK, .alone = rest->ops.count && rest->ops.items[0].opcode == OP_CONDITION};
    for (uint32_t i = 0; i < call->operand[3]; i++)
        ir_op(s->plan, b, OP_COPY, OPERANDS(slots + 1 + i, (call->operand[2] & ~ASL_LAST) + i));
    *vec_push(s->arena, &b->ops) = *call;
    s->m->blocks.items[number] = b;
    shape_jump_to(s, b, (uint32_t)s->m->blocks.count);
    *splice_of(s, number) = (struct splice){.call = call, .after = after};
    append_function(s, f, b, call, slots, after);
}

// Blocks are copied: a Parallel's machine may yet want them as they were (inline.c).
static void own_blocks(struct shape *s) {
    struct ir_block **shared = s->m->blocks.items;
    size_t count = s->m->blocks.count;
    s->m->blocks.items = NULL;
    s->m->blocks.count = s->m->blocks.capacity = 0;
    for (size_t i = 0; i < count; i++)
        *vec_push(s->arena, &s->m->blocks) = shared[i];
}

void shape_splice_expressions(struct shape *s, bool **simple) {
    own_blocks(s);
    uint32_t slots = (uint32_t)s->m->slots.count, room = 0;
    size_t count = s->m->blocks.count;
    const struct ir_plan *p = s->plan;
    bool *spliced = arena_alloc(s->arena, p->functions.count + 1);
    for (size_t g = 0; g < p->functions.count; g++)
        spliced[g] = is_spliced(p, p->functions.items[g]);
    for (uint32_t i = 0; i < s->m->blocks.count; i++) {
        bool of_state = i < count ? (*simple)[i] : s->splices.count > i && !s->splices.items[i].inside;
        for (size_t j = 0; of_state && j < s->m->blocks.items[i]->ops.count; j++) {
            const struct ir_op *op = &s->m->blocks.items[i]->ops.items[j];
            if (op->opcode != OP_JX_EVAL || !spliced[op->operand[1]])
                continue;
            size_t needed = p->functions.items[op->operand[1]]->slots.count;
            for (; room < needed; room++)
                ir_slot(s->plan, s->m, "expression");
            splice(s, i, j, slots);
            break; // what follows is a block of its own
        }
    }
    splice_of(s, (uint32_t)s->m->blocks.count);
    bool *all = arena_alloc(s->arena, s->m->blocks.count + 1);
    memcpy(all, *simple, count * sizeof *all);
    for (size_t i = count; i < s->m->blocks.count; i++)
        all[i] = true;
    *simple = all;
}
