// Shape: JSONata that follows names, calculates with integers, compares and makes objects is part of the machine.
//
// It is hoped that operands are what such functions are mostly given: integers, members of objects that are no arrays. Where
// they turn out not to be, the state begins again in a version of its own, in which all its expressions are called.
#include "opt/shape/shape.h"

#define SCALAR (TYPE(ASL_NULL) | TYPE(ASL_BOOL) | TYPE(ASL_INT) | TYPE(ASL_STRING)) // what is the same before and after an expression

enum { REGISTERS = 64 };

bool shape_calculates(const struct ir_machine *f) {
    if (f->blocks.count != 1 || f->blocks.items[0]->exit.kind != EXIT_RETURN || f->blocks.items[0]->exit.a != ASL_DONE ||
        f->slots.count > REGISTERS)
        return false;
    const struct ir_block *b = f->blocks.items[0];
    for (size_t i = 0; i < b->ops.count; i++) {
        const uint32_t *o = b->ops.items[i].operand;
        switch ((int)b->ops.items[i].opcode) {
        case OP_JX_UNWRAP: case OP_JX_CONST: case OP_JX_RETURN: case OP_JX_ADD: case OP_JX_SUBTRACT: case OP_JX_MULTIPLY:
        case OP_JX_DIVIDE: case OP_JX_REMAINDER: case OP_JX_ORDER: case OP_JX_RECORD: case OP_COPY: break;
        case OP_JX_SAME:
            if (o[3] > 1)
                return false;
            break;
        case OP_JX_NAMES:
            if (o[2] & 4)
                return false;
            break;
        default: return false;
        }
    }
    return true;
}

// x is of these types: NULL when it surely is not, and it gives up when it turns out not to be.
static struct sym *of_types(struct shape *s, struct sym *x, uint32_t wanted) {
    uint32_t types = shape_types_of(&s->at.env, x);
    if (!(types & wanted))
        return NULL;
    if (types & ~wanted) {
        if (x->kind != SLOT)
            return NULL;
        shape_fallible(s, OP_GUARD, OPERANDS(x->number, wanted));
        shape_learn(s, OP_GUARD, x, wanted, 0, x);
    }
    return x;
}

static struct sym *names(struct shape *s, struct sym *x, uint32_t k) {
    const asl_value *list = shape_constant(s, k);
    for (size_t i = 0; x && list->tag == ASL_ARRAY && i < asl_array_count(list); i++) {
        asl_str name = asl_text_of(asl_array_at(list, i));
        uint32_t key = ir_const_string(s->plan, name.data, name.size); // makes constants: list may lie elsewhere then
        list = shape_constant(s, k);
        x = of_types(s, x, TYPE(ASL_OBJECT));
        x = x ? shape_child(s, x, key, 0, true) : NULL;
    }
    return x;
}

// Exact for what is not negative; a quotient that is no integer gives up, too.
static struct sym *divide(struct shape *s, enum ir_opcode op, struct sym *a, struct sym *b) {
    if (!shape_within(s, a, 53) || !shape_within(s, b, 53))
        return NULL;
    struct range x = shape_range_of(s, &s->at.env, a), y = shape_range_of(s, &s->at.env, b);
    if (x.most < 0 || y.most <= 0)
        return NULL;
    struct sym *d = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
    d->range = (struct range){0, op == OP_REMAINDER && y.most - 1 < x.most ? y.most - 1 : x.most};
    d->wanted = 53;
    shape_fallible(s, op, OPERANDS(d->number, shape_number_operand(a), shape_number_operand(b)));
    return d;
}

static struct sym *multiply(struct shape *s, struct sym *a, struct sym *b) {
    struct sym *d = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
    if (!shape_within(s, a, 53) || !shape_within(s, b, 53))
        return NULL;
    d->range = shape_bits(53);
    d->wanted = 53;
    shape_fallible(s, OP_MULTIPLY, OPERANDS(d->number, shape_number_operand(a), shape_number_operand(b)));
    return d;
}

static struct sym *test_of(struct shape *s, uint32_t test, struct sym *a, struct sym *b, bool negated) {
    struct sym *x = shape_sym_new(s, TEST, 0, TYPE(ASL_BOOL));
    x->test = test;
    x->negated = negated;
    x->items = arena_alloc(s->arena, 2 * sizeof *x->items);
    x->items[0] = a;
    x->items[1] = b;
    return x;
}

static struct sym *record(struct shape *s, struct sym *const *values, uint32_t count, uint32_t k) {
    struct sym *x = shape_sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT));
    for (uint32_t i = 0; i < count; i++) {
        asl_str name = asl_text_of(asl_array_at(shape_constant(s, k), i));
        struct sym *value = values[i] && values[i]->kind == TEST ? shape_answer(s, values[i]) : values[i];
        if (!value || (value->kind != OBJECT && !of_types(s, value, SCALAR)))
            return NULL;
        x = shape_object_with(s, x, ir_const_string(s->plan, name.data, name.size), value);
    }
    return shape_bounded(s, x);
}

// What a function is worth for these arguments. NULL: it is called.
static struct sym *calculate(struct shape *s, const struct ir_machine *f, struct sym **args, uint32_t count) {
    static const uint32_t orders[] = {ASL_CHOICE_NUMERIC_LESS_THAN, ASL_CHOICE_NUMERIC_LESS_THAN_EQUALS, ASL_CHOICE_NUMERIC_GREATER_THAN,
                                      ASL_CHOICE_NUMERIC_GREATER_THAN_EQUALS};
    struct sym *slot[REGISTERS] = {0};
    for (uint32_t i = 0; i < count && i + 1 < f->slots.count; i++)
        slot[i + 1] = args[i];
    const struct ir_block *b = f->blocks.items[0];
    for (size_t i = 0; i < b->ops.count; i++) {
        const struct ir_op *op = &b->ops.items[i];
        const uint32_t *o = op->operand;
        struct sym *v[2] = {NULL, NULL}, *x = NULL;
        const char *kinds = ir_op_info[op->opcode].operands;
        for (int k = 0, n = 0; kinds[k] && n < 2; k++)
            if ((kinds[k] == 'v' || kinds[k] == 's') && o[k] != ASL_NO_OPERAND)
                v[n++] = kinds[k] == 'v' && o[k] & ASL_CONSTANT ? shape_const_sym(s, o[k] & ~ASL_CONSTANT) : slot[o[k] & ~ASL_LAST];
        bool numbers = op->opcode == OP_JX_ADD || op->opcode == OP_JX_SUBTRACT || op->opcode == OP_JX_MULTIPLY ||
                       op->opcode == OP_JX_DIVIDE || op->opcode == OP_JX_REMAINDER || op->opcode == OP_JX_ORDER || op->opcode == OP_JX_SAME;
        for (int n = 0; n < 2 && numbers; n++) {
            if (v[n] && v[n]->kind == SLOT)
                v[n]->wanted = 53;
            v[n] = v[n] && v[n]->kind != TEST ? shape_as_number(s, v[n]) : NULL;
            if (!v[n])
                return NULL;
        }
        switch ((int)op->opcode) {
        case OP_JX_UNWRAP: slot[o[0]] = NULL; continue; // the context, which nobody asks for
        case OP_JX_CONST: x = shape_const_sym(s, o[1]); break;
        case OP_COPY: x = v[0]; break;
        case OP_JX_NAMES: x = v[0] && v[0]->kind != TEST ? names(s, v[0], o[3]) : NULL; break;
        case OP_JX_ADD: x = shape_add(s, OP_ADD, v[0], v[1], 53); break;
        case OP_JX_SUBTRACT: x = shape_add(s, OP_SUBTRACT, v[0], v[1], 53); break;
        case OP_JX_MULTIPLY: x = multiply(s, v[0], v[1]); break;
        case OP_JX_DIVIDE: x = divide(s, OP_DIVIDE, v[0], v[1]); break;
        case OP_JX_REMAINDER: x = divide(s, OP_REMAINDER, v[0], v[1]); break;
        case OP_JX_ORDER: x = o[3] < 4 ? test_of(s, orders[o[3]], v[0], v[1], false) : NULL; break;
        case OP_JX_SAME: x = test_of(s, ASL_CHOICE_NUMERIC_EQUALS, v[0], v[1], o[3] == 1); break;
        case OP_JX_RECORD: x = record(s, slot + (o[2] ? o[1] & ~ASL_LAST : 0), o[2], o[3]); break;
        case OP_JX_RETURN: return v[0] && (v[0]->kind == OBJECT ? v[0]->returned : v[0]->kind == TEST || of_types(s, v[0], SCALAR)) ? v[0] : NULL;
        default: return NULL;
        }
        if (!x)
            return NULL;
        if (op->opcode == OP_JX_RECORD)
            x->returned = true;
        slot[o[0]] = x;
    }
    return NULL;
}

bool shape_run_expression(struct shape *s, const struct ir_op *op) {
    const struct ir_machine *f = s->plan->functions.items[op->operand[1]];
    uint32_t first = op->operand[2], count = op->operand[3];
    struct sym **args = arena_alloc(s->arena, (count + 1) * sizeof *args);
    for (uint32_t i = 0; i < count; i++)
        if (!(args[i] = s->at.env.slot[(first & ~ASL_LAST) + i]))
            return false;
    bool calculates = shape_calculates(f);
    struct sym *x = calculates && !s->calls ? calculate(s, f, args, count) : NULL;
    if (!x) {
        uint32_t at = count == 1 && args[0]->kind != CONST ? shape_in_slot(s, args[0]) : shape_consecutive(s, args, count);
        x = shape_sym_new(s, SLOT, shape_new_slot(s), ANY);
        x->wanted = calculates ? 53 : 0;
        shape_fallible(s, OP_JX_EVAL, OPERANDS(x->number, op->operand[1], at, count, op->operand[4]));
    }
    s->at.env.slot[op->operand[0]] = x;
    return true;
}
