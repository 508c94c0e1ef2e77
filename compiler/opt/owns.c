// Owns: which slots of a quiet machine may hold a value that counts its references. The others hold nothing, a number, a
// boolean or null, or a constant's short text: what is written over them is written without a look.
//
// Forward data flow over blocks. A slot owns something from an op that may put such a value there until it is moved out.
// Where a machine is resumed every slot may; at its start those that it shares with the watched machine, and those that
// earlier iterations of a Map have left in its frame.
#include <string.h>

#include "ir.h"
#include "query.h"

static void add(uint64_t *set, uint32_t slot) { set[slot / 64] |= UINT64_C(1) << (slot % 64); }
static void take(uint64_t *set, uint32_t slot) { set[slot / 64] &= ~(UINT64_C(1) << (slot % 64)); }
static bool has(const uint64_t *set, uint32_t slot) { return set[slot / 64] >> (slot % 64) & 1; }

static bool join(uint64_t *to, const uint64_t *from, size_t words) {
    bool grew = false;
    for (size_t w = 0; w < words; w++) {
        grew |= (from[w] & ~to[w]) != 0;
        to[w] |= from[w];
    }
    return grew;
}

static bool constant_owns(const struct ir_plan *p, uint32_t k) {
    asl_value v;
    if (asl_json_parse(asl_str_z(p->constants.items[k]), &(asl_json_limits){.lone_surrogates = true}, &v, NULL) < 0)
        return true;
    bool text = v.tag == ASL_STRING || v.tag == ASL_NUMBER_TEXT;
    bool owns = v.tag >= ASL_ARRAY || (text && v.size == ASL_ON_HEAP);
    asl_release(v);
    return owns;
}

static void add_destinations(const struct ir_op *op, uint64_t *owning) {
    const char *kinds = ir_op_info[op->opcode].operands;
    for (size_t i = 0; kinds[i]; i++) {
        if (kinds[i] == 'd' || kinds[i] == 'x')
            add(owning, op->operand[i]);
        if (kinds[i] == 'D' || kinds[i] == 'X')
            add(owning, op->operand[i]), add(owning, op->operand[i] + 1);
    }
}

static bool makes_scalars(uint8_t opcode) {
    switch ((int)opcode) {
    case OP_BOX: case OP_BOX_REAL: case OP_HOLDS: case OP_ANSWER: case OP_RELATE: return true;
    default: return false;
    }
}

void opt_owning_after(const struct ir_plan *p, const struct ir_op *op, uint64_t *owning) {
    const uint32_t *o = op->operand;
    const char *kinds = ir_op_info[op->opcode].operands;
    bool empties = ir_op_info[op->opcode].flags & IR_HOT || op->opcode == OP_COPY;
    bool owns = op->opcode == OP_COPY ? has(owning, o[1] & ~ASL_LAST) : op->opcode == OP_CONST ? constant_owns(p, o[1]) : !makes_scalars(op->opcode);
    if (op->opcode == OP_INT) // it was one
        take(owning, o[1] & ~ASL_LAST);
    for (size_t i = 0; empties && kinds[i]; i++)
        if ((kinds[i] == 's' || kinds[i] == 'v') && o[i] != ASL_NO_OPERAND && o[i] & ASL_LAST && !(kinds[i] == 'v' && o[i] & ASL_CONSTANT))
            take(owning, o[i] & ~ASL_LAST);
    if (owns)
        add_destinations(op, owning);
    else
        take(owning, o[0]);
    for (uint32_t slot = o[0]; op->opcode == OP_FORGET && slot < o[1]; slot++)
        take(owning, slot);
}

const uint64_t *const *opt_owning(const struct ir_plan *p, const struct ir_machine *m) {
    size_t words = m->slots.count / 64 + 1, count = m->blocks.count;
    uint64_t **in = arena_alloc(p->arena, (count + 1) * sizeof *in), *now = arena_alloc(p->arena, words * sizeof *now);
    uint32_t home = 0;
    for (size_t i = 0; i < p->quiet; i++)
        if (p->machines.items[i + p->quiet] == m)
            home = (uint32_t)p->machines.items[i]->slots.count;
    for (size_t i = 0; i < count; i++) {
        in[i] = arena_alloc(p->arena, words * sizeof **in);
        if (m->blocks.items[i]->resume)
            memset(in[i], 0xff, words * sizeof **in);
    }
    for (uint32_t slot = 0; slot < home; slot++)
        add(in[0], slot);
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < count; i++) {
            const struct ir_block *b = m->blocks.items[i];
            memcpy(now, in[i], words * sizeof *now);
            for (size_t j = 0; j < b->ops.count; j++) {
                const struct ir_op *op = &b->ops.items[j];
                if (ir_op_info[op->opcode].flags & IR_FAILS && b->error != IR_NO_BLOCK) {
                    changed |= join(in[b->error], now, words);
                    add_destinations(op, in[b->error]);
                }
                opt_owning_after(p, op, now);
            }
            if (b->exit.kind == EXIT_DONE && b->exit.a & ASL_LAST)
                take(now, b->exit.a & ~ASL_LAST);
            for (uint32_t t = 0; t < b->exit.target_count && b->exit.kind != EXIT_GIVE_UP; t++)
                changed |= join(in[b->exit.target[t]], now, words);
            if (b->exit.kind == EXIT_RETURN) // until there are more items
                changed |= join(in[0], now, words);
        }
    }
    return (const uint64_t *const *)in;
}
