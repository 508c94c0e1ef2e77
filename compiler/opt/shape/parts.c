// Shape: what a state that waits does before it waits, and with what it was given. Both only compute, too, and the watched
// machine can begin at both: lowering made resume points of them (compiler/lower/task.c).
//
//     S:          enter                                            a copy
//     S.attempt:  attempt; InputPath, Parameters, …; task          a part: gives up to S.attempt
//     S.error:    retry, catch                                     a copy
//     S.result:   result; ResultSelector, ResultPath, …; exit      a part: gives back the result and gives up to S.result
//
// Where the state waits every slot is where lowering had it. The attempt is counted last, when nothing fails any more; one
// that draws a token stands as it was when something before it shows the token, or draws, too.
#include "opt/shape/shape.h"

struct part {
    uint32_t entry;
    bool *blocks;
    bool asks;  // for the Context object, or a random number
    bool token; // its attempt may draw one
    bool ok;
};

static bool begins_part(const struct shape *s, uint32_t block) {
    const struct ir_block *b = s->from[block];
    bool resumes = block < s->watched->blocks.count && s->watched->blocks.items[block]->resume;
    if (!resumes || b->state == ASL_NO_OPERAND || b->ops.count == 0)
        return false;
    return b->ops.items[0].opcode == OP_ATTEMPT || b->ops.items[0].opcode == OP_RESULT;
}

static void look_at_ops(const struct shape *s, struct part *p, const struct ir_block *b, bool first) {
    for (size_t i = 0; i < b->ops.count; i++) {
        const struct ir_op *op = &b->ops.items[i];
        bool begins = first && i == 0, starts = ir_op_info[op->opcode].flags & IR_STARTS;
        p->asks |= op->opcode == OP_CONTEXT || (op->opcode == OP_INTRINSIC && shape_draws(op->operand[1]));
        p->ok = p->ok && (begins || starts || (op->opcode != OP_ENTER && shape_computes(s->plan, op)));
        p->token |= op->opcode == OP_TASK && s->sites[op->operand[0]].has_token;
    }
}

// Its blocks: those of the state that are reached from the entry before it waits.
static void follow(struct shape *s, struct part *p) {
    uint32_t *stack = arena_alloc(s->arena, (s->from_count + 1) * sizeof *stack);
    size_t depth = 0;
    stack[depth++] = p->entry;
    p->blocks[p->entry] = true;
    while (depth && p->ok) {
        uint32_t at = stack[--depth];
        const struct ir_block *b = s->from[at];
        const struct ir_exit *e = &b->exit;
        const struct ir_op *last = b->ops.count ? &b->ops.items[b->ops.count - 1] : NULL;
        look_at_ops(s, p, b, at == p->entry);
        bool starts = last && ir_op_info[last->opcode].flags & IR_STARTS;
        bool known = e->kind == EXIT_JUMP || e->kind == EXIT_IF || e->kind == EXIT_DONE || (e->kind == EXIT_SUSPEND && starts) ||
                     (e->kind == EXIT_BRANCH && last && last->opcode == OP_CONDITION);
        p->ok = p->ok && known;
        for (uint32_t t = 0; t < e->target_count && e->kind != EXIT_SUSPEND; t++) {
            uint32_t to = e->target[t];
            const struct ir_block *next = s->from[to];
            bool other = next->state != b->state || (next->ops.count && next->ops.items[0].opcode == OP_ENTER);
            if (other || p->blocks[to])
                continue;
            p->ok = p->ok && !begins_part(s, to);
            p->blocks[to] = true;
            stack[depth++] = to;
        }
    }
    p->ok = p->ok && !(p->asks && p->token);
}

// Nobody comes into the midst of it, not by an error either.
static void look_outside(const struct shape *s, struct part *p) {
    for (uint32_t i = 0; i < s->from_count && p->ok; i++) {
        const struct ir_block *b = s->from[i];
        for (uint32_t t = 0; t < b->exit.target_count; t++)
            p->ok = p->ok && (p->blocks[i] || !p->blocks[b->exit.target[t]] || b->exit.target[t] == p->entry);
        p->ok = p->ok && (b->error == IR_NO_BLOCK || !p->blocks[b->error]);
    }
}

void shape_find_parts(struct shape *s) {
    for (uint32_t i = 0; i < s->from_count; i++) {
        if (s->simple[i] || !begins_part(s, i))
            continue;
        struct part p = {.entry = i, .blocks = arena_alloc(s->arena, s->from_count + 1), .ok = true};
        follow(s, &p);
        look_outside(s, &p);
        for (uint32_t b = 0; b < s->from_count && p.ok; b++)
            s->simple[b] |= p.blocks[b];
    }
}

// ---------------------------------------------------------------- their ops

static void next_block(struct shape *s) {
    uint32_t out = shape_new_block(s, shape_out_block(s, s->at.out)->name, s->state);
    shape_leave_block(s, EXIT_JUMP, out, 0, 1);
    s->at.out = out;
}

// The error of the work is the state's own.
bool shape_run_result(struct shape *s, const struct ir_op *op) {
    uint32_t d = op->operand[0], error = s->from[s->entry]->error;
    if (error != IR_NO_BLOCK)
        error = shape_target_of_copy(s, error);
    shape_out_block(s, s->at.out)->error = error;
    struct sym *x = d == ASL_NO_OPERAND ? NULL : shape_sym_new(s, SLOT, shape_new_slot(s), ANY);
    shape_append(s, OP_RESULT, OPERANDS(x ? x->number : ASL_NO_OPERAND));
    next_block(s);
    s->answer = x;
    if (x)
        s->at.env.slot[d] = x;
    return true;
}

// Of the state it was entered as, which the runtime knows of.
void shape_run_exit(struct shape *s, const struct ir_op *op) {
    shape_count_events(s);
    next_block(s);
    shape_append(s, OP_EXIT, OPERANDS(op->operand[0], ASL_NO_OPERAND));
}

// All is put where lowering had it, and the work starts.
bool shape_run_start(struct shape *s, const struct ir_block *b, const struct ir_op *op) {
    uint32_t to = b->exit.target[0];
    size_t words = s->home / 64 + 1;
    uint64_t *wanted = arena_alloc(s->arena, words * sizeof *wanted);
    for (size_t w = 0; w < words; w++)
        wanted[w] = s->live[to][w] | (b->error == IR_NO_BLOCK ? 0 : s->live[b->error][w]);
    const char *kinds = ir_op_info[op->opcode].operands;
    for (size_t i = 0; kinds[i]; i++) {
        uint32_t slot = op->operand[i] & ~ASL_LAST;
        if (kinds[i] != 's' || op->operand[i] == ASL_NO_OPERAND)
            continue;
        if (!s->at.env.slot[slot] || s->at.env.slot[slot]->kind == TEST)
            return false;
        wanted[slot / 64] |= UINT64_C(1) << (slot % 64);
    }
    for (uint32_t i = 0; i < s->home; i++)
        if (wanted[i / 64] >> (i % 64) & 1 && s->at.env.slot[i] && s->at.env.slot[i]->kind == TEST)
            return false;
    shape_put_home(s, wanted);
    shape_forget_all(s);
    next_block(s);
    uint32_t error = b->error == IR_NO_BLOCK ? IR_NO_BLOCK : shape_target_of_copy(s, b->error);
    shape_out_block(s, s->at.out)->error = error;
    if (s->from[s->entry]->ops.items[0].opcode == OP_ATTEMPT)
        shape_append(s, OP_ATTEMPT, s->from[s->entry]->ops.items[0].operand);
    shape_append(s, op->opcode, op->operand);
    uint32_t out = shape_target_of_copy(s, to);
    shape_out_block(s, out)->resume = true;
    shape_leave_block(s, EXIT_SUSPEND, out, 0, 1);
    return true;
}
