// Shape: the rules of a Choice.
#include "opt/shape/shape.h"

static uint32_t tested(struct shape *s, struct sym *x) {
    return x->kind == CONST ? x->number | ASL_CONSTANT : x->kind == NUMBER ? x->number | IR_NUMBER : shape_in_slot(s, x);
}

static uint32_t types_tested(uint32_t test) {
    switch ((int)test) {
    case ASL_CHOICE_IS_NULL: return TYPE(ASL_NULL);
    case ASL_CHOICE_IS_PRESENT: return ANY;
    case ASL_CHOICE_IS_NUMERIC: return NUMERIC;
    case ASL_CHOICE_IS_STRING: return TYPE(ASL_STRING);
    case ASL_CHOICE_IS_BOOLEAN: return TYPE(ASL_BOOL);
    default: return 0;
    }
}

static uint32_t types_compared(uint32_t test) {
    if (test <= ASL_CHOICE_STRING_MATCHES)
        return TYPE(ASL_STRING);
    if (test >= ASL_CHOICE_NUMERIC_EQUALS && test <= ASL_CHOICE_NUMERIC_GREATER_THAN_EQUALS)
        return NUMERIC;
    if (test == ASL_CHOICE_BOOLEAN_EQUALS)
        return TYPE(ASL_BOOL);
    return TYPE(ASL_STRING); // timestamps
}

static bool is_timestamp_test(uint32_t test) {
    return test >= ASL_CHOICE_TIMESTAMP_EQUALS && test <= ASL_CHOICE_TIMESTAMP_GREATER_THAN_EQUALS;
}

// 1 true, 0 false, -1 that must be seen.
static int outcome(struct shape *s, uint32_t test, const struct sym *a, const struct sym *b) {
    if (a->kind == CONST && b->kind == CONST) {
        asl_value x = *shape_constant(s, a->number), y = *shape_constant(s, b->number);
        return asl__choice_test((asl_choice)test, &x, &y);
    }
    uint32_t types = shape_types_of(&s->at.env, a), wanted = types_tested(test);
    if (wanted) {
        if (b->kind != CONST || shape_constant(s, b->number)->tag != ASL_BOOL)
            return -1;
        bool yes = shape_constant(s, b->number)->b;
        return !(types & ~wanted) ? yes : !(types & wanted) ? !yes : -1;
    }
    if (test == ASL_CHOICE_IS_TIMESTAMP)
        return -1;
    uint32_t compared = types_compared(test);
    return types & compared && shape_types_of(&s->at.env, b) & compared ? -1 : 0;
}

// The timestamp is read once for all rules of the state.
static uint32_t timestamp(struct shape *s, struct sym *a) {
    if (a->kind != SLOT)
        return 0;
    struct sym *known = shape_find(&s->at.env, OP_TIMESTAMP, a, 0, 0);
    if (!known) {
        known = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
        shape_append(s, OP_TIMESTAMP, OPERANDS(known->number, a->number));
        shape_learn(s, OP_TIMESTAMP, a, 0, 0, known);
    }
    return known->number + 1;
}

void shape_branch(struct shape *s, uint32_t test, struct sym *a, struct sym *b, uint32_t yes, uint32_t no) {
    int known = outcome(s, test, a, b);
    if (known >= 0) {
        shape_go(s, known ? yes : no);
        return;
    }
    if (types_compared(test) == NUMERIC && types_tested(test) == 0 && test != ASL_CHOICE_IS_TIMESTAMP) {
        struct sym *x = shape_known_number(s, &s->at.env, a), *y = shape_known_number(s, &s->at.env, b);
        if (a->kind == SLOT)
            a->compared = true;
        if (b->kind == SLOT)
            b->compared = true;
        if (x && y)
            a = x, b = y;
    }
    uint32_t parsed = is_timestamp_test(test) && b->kind == CONST ? timestamp(s, a) : 0;
    uint32_t left = tested(s, a), right = tested(s, b);
    uint32_t outs[2];
    for (int i = 0; i < 2; i++)
        outs[i] = shape_new_block(s, s->from[i ? no : yes]->name, s->state);
    shape_leave_block(s, EXIT_IF, outs[0], outs[1], 2);
    struct ir_exit *e = &shape_out_block(s, s->at.out)->exit;
    e->test = test;
    e->a = left;
    e->b = right;
    e->parsed = parsed;
    struct env other = shape_env_copy(s, &s->at.env);
    s->at.out = outs[0];
    if (test == ASL_CHOICE_IS_PRESENT && a->kind == SLOT && b->kind == CONST && shape_constant(s, b->number)->b)
        shape_learn(s, OP_GUARD, a, ANY, 0, a);
    shape_go(s, yes);
    s->at = (struct cursor){outs[1], other};
    shape_go(s, no);
}
