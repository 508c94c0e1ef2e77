// Building the plan: tables grow, constants and paths are kept once.
#include "ir.h"

#include <string.h>

enum { FAILS = IR_FAILS, PURE = IR_PURE, ASKS = IR_ASKS, HOT = IR_HOT, STARTS = IR_STARTS };

const struct ir_op_info ir_op_info[OP_COUNT] = {
#define OP(id, op_name, op_operands, op_flags) [OP_##id] = {op_name, op_operands, op_flags},
#include "ops.def"
#undef OP
};

struct ir_plan *ir_plan_new(struct arena *a, const char *name) {
    struct ir_plan *p = arena_alloc(a, sizeof *p);
    p->arena = a;
    p->name = name;
    return p;
}

// The index of text in a table of texts. Open addressing over a table that is rebuilt as it grows; -1 marks a free place.
static uint32_t intern(struct ir_plan *p, struct ir_intern *t, const char *const *items, size_t count, const char *text) {
    if (2 * (t->used + 1) > t->size) {
        t->size = t->size ? 2 * t->size : 64;
        t->places = arena_alloc(p->arena, t->size * sizeof *t->places);
        memset(t->places, 0xff, t->size * sizeof *t->places);
        t->used = 0;
        for (size_t i = 0; i < count; i++) {
            size_t at = asl_hash(asl_str_z(items[i])) & (t->size - 1);
            while (t->places[at] != UINT32_MAX)
                at = (at + 1) & (t->size - 1);
            t->places[at] = (uint32_t)i;
            t->used++;
        }
    }
    size_t at = asl_hash(asl_str_z(text)) & (t->size - 1);
    for (; t->places[at] != UINT32_MAX; at = (at + 1) & (t->size - 1))
        if (strcmp(items[t->places[at]], text) == 0)
            return t->places[at];
    t->places[at] = (uint32_t)count;
    t->used++;
    return (uint32_t)count;
}

uint32_t ir_const(struct ir_plan *p, const char *json) {
    uint32_t k = intern(p, &p->constant_index, p->constants.items, p->constants.count, json);
    if (k == p->constants.count)
        *vec_push(p->arena, &p->constants) = arena_copy(p->arena, json, strlen(json));
    return k;
}

uint32_t ir_const_string(struct ir_plan *p, const char *text, size_t size) {
    asl_buffer b = {0};
    asl_json_print_string((asl_str){text, size}, &b);
    uint32_t k = ir_const(p, b.data);
    asl_buffer_free(&b);
    return k;
}

uint32_t ir_path(struct ir_plan *p, const char *text) {
    uint32_t i = intern(p, &p->path_index, p->paths.items, p->paths.count, text);
    if (i == p->paths.count)
        *vec_push(p->arena, &p->paths) = arena_copy(p->arena, text, strlen(text));
    return i;
}

struct ir_machine *ir_machine_new(struct ir_plan *p, const char *name) {
    struct ir_machine *m = arena_alloc(p->arena, sizeof *m);
    m->name = name;
    *vec_push(p->arena, &p->machines) = m;
    return m;
}

uint32_t ir_function_new(struct ir_plan *p, const char *name, uint32_t params) {
    struct ir_machine *m = arena_alloc(p->arena, sizeof *m);
    m->name = name;
    m->params = params;
    *vec_push(p->arena, &p->functions) = m;
    return (uint32_t)p->functions.count - 1;
}

uint32_t ir_slot(struct ir_plan *p, struct ir_machine *m, const char *name) {
    *vec_push(p->arena, &m->slots) = name;
    return (uint32_t)m->slots.count - 1;
}

void ir_view(struct ir_plan *p, struct ir_machine *m, uint32_t slot) {
    while (m->views.count <= slot)
        *vec_push(p->arena, &m->views) = false;
    m->views.items[slot] = true;
}

bool ir_is_view(const struct ir_machine *m, uint32_t slot) { return slot < m->views.count && m->views.items[slot]; }

uint32_t ir_frame_slots(const struct ir_machine *m) {
    uint32_t count = (uint32_t)m->slots.count;
    while (count && ir_is_view(m, count - 1))
        count--;
    return count;
}

bool ir_finds(uint8_t opcode) {
    return opcode == OP_FIELD || opcode == OP_FIELD_MAYBE || opcode == OP_ELEMENT || opcode == OP_ELEMENT_MAYBE ||
           opcode == OP_OBJECT_OR_NEW || ir_finds_kept(opcode);
}

bool ir_finds_kept(uint8_t opcode) { return opcode == OP_ITEM_VALUE || opcode == OP_CAPTURED || opcode == OP_EXECUTION_CONTEXT; }

bool ir_takes_views(uint8_t opcode) { return ir_op_info[opcode].flags & IR_HOT || opcode == OP_COPY || opcode == OP_SET; }

uint32_t ir_block_new(struct ir_plan *p, struct ir_machine *m, const char *name, uint32_t state) {
    struct ir_block *b = arena_alloc(p->arena, sizeof *b);
    b->name = name;
    b->state = state;
    b->error = IR_NO_BLOCK;
    *vec_push(p->arena, &m->blocks) = b;
    return (uint32_t)m->blocks.count - 1;
}

struct ir_op *ir_op(struct ir_plan *p, struct ir_block *b, enum ir_opcode opcode, const uint32_t *operands) {
    struct ir_op *op = vec_push(p->arena, &b->ops);
    *op = (struct ir_op){.opcode = (uint8_t)opcode};
    size_t n = strlen(ir_op_info[opcode].operands);
    for (size_t i = 0; i < IR_MAX_OPERANDS; i++)
        op->operand[i] = i < n ? operands[i] : ASL_NO_OPERAND;
    return op;
}

uint32_t ir_resume_points(struct arena *a, const struct ir_machine *m, uint32_t **resume) {
    uint32_t count = 0;
    *resume = arena_alloc(a, m->blocks.count * sizeof **resume + 1);
    for (size_t i = 0; i < m->blocks.count; i++)
        if (i == 0 || m->blocks.items[i]->resume)
            (*resume)[count++] = (uint32_t)i;
    return count;
}
