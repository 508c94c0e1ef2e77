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

// A value that is compared with a number that is no integer is read once, too.
static uint32_t decimal(struct shape *s, struct sym *a, const struct sym *b) {
    const asl_value *v = b->kind == CONST ? shape_constant(s, b->number) : NULL;
    struct sym *known = shape_find(&s->at.env, OP_DECIMAL, a, 0, 0);
    if (a->kind != SLOT || !v || !(shape_types_of(&s->at.env, a) & TYPE(ASL_NUMBER_TEXT)))
        return 0;
    bool is_short = v->tag == ASL_NUMBER_TEXT ? v->size != ASL_ON_HEAP && !strpbrk(s->plan->constants.items[b->number], "eE")
                                              : known && v->tag == ASL_INT && v->i > INT32_MIN && v->i < INT32_MAX;
    if (!is_short)
        return 0;
    if (!known) {
        known = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_DOUBLE));
        shape_append(s, OP_DECIMAL, OPERANDS(known->number, a->number));
        shape_learn(s, OP_DECIMAL, a, 0, 0, known);
    }
    return known->number + 1;
}

struct sym *shape_answer(struct shape *s, struct sym *test) {
    int known = outcome(s, test->test, test->items[0], test->items[1]);
    if (known >= 0) {
        asl_value v = asl_bool((known == 1) != test->negated);
        return shape_value_sym(s, &v);
    }
    struct sym *x = shape_sym_new(s, SLOT, 0, TYPE(ASL_BOOL));
    if (test->test < ASL_CHOICE_NUMERIC_EQUALS || test->test > ASL_CHOICE_NUMERIC_GREATER_THAN_EQUALS) {
        if (test->test == ASL_CHOICE_BOOLEAN_EQUALS && !test->negated && shape_types_of(&s->at.env, test->items[0]) == TYPE(ASL_BOOL) &&
            test->items[1]->kind == CONST && shape_constant(s, test->items[1]->number)->b)
            return test->items[0];
        uint32_t a = shape_operand(s, test->items[0]), b = shape_operand(s, test->items[1]);
        x->number = shape_new_slot(s);
        shape_append(s, OP_ANSWER, OPERANDS(x->number, test->test, a, b, test->negated));
        return x;
    }
    x->number = shape_new_slot(s);
    shape_append(s, OP_HOLDS, OPERANDS(x->number, test->test, shape_number_operand(test->items[0]), shape_number_operand(test->items[1]), test->negated));
    return x;
}

static void narrow(struct shape *s, struct sym *n, int64_t least, int64_t most) {
    if (n->kind == NUMBER)
        shape_learn(s, OP_WITHIN, n, (uint64_t)least, (uint64_t)most, n);
}

// What a comparison of integers that holds, or does not, says about them.
static void learn_order(struct shape *s, uint32_t test, bool holds, struct sym *a, struct sym *b) {
    bool less = false, greater = false, or_equal = false;
    switch ((int)test) {
    case ASL_CHOICE_NUMERIC_LESS_THAN: less = holds, greater = or_equal = !holds; break;
    case ASL_CHOICE_NUMERIC_LESS_THAN_EQUALS: less = or_equal = holds, greater = !holds; break;
    case ASL_CHOICE_NUMERIC_GREATER_THAN: greater = holds, less = or_equal = !holds; break;
    case ASL_CHOICE_NUMERIC_GREATER_THAN_EQUALS: greater = or_equal = holds, less = !holds; break;
    case ASL_CHOICE_NUMERIC_EQUALS: less = greater = or_equal = holds; break; // neither is less, neither is greater
    default: return;
    }
    struct range x = shape_range_of(s, &s->at.env, a), y = shape_range_of(s, &s->at.env, b);
    if (less) {
        narrow(s, a, x.least, or_equal || y.most == INT64_MIN ? y.most : y.most - 1);
        narrow(s, b, or_equal || x.least == INT64_MAX ? x.least : x.least + 1, y.most);
    }
    if (greater) {
        narrow(s, a, or_equal || y.least == INT64_MAX ? y.least : y.least + 1, x.most);
        narrow(s, b, y.least, or_equal || x.most == INT64_MIN ? x.most : x.most - 1);
    }
}

void shape_branch(struct shape *s, uint32_t test, struct sym *a, struct sym *b, uint32_t yes, uint32_t no) {
    int known = outcome(s, test, a, b);
    if (known >= 0) {
        shape_go(s, known ? yes : no);
        return;
    }
    bool numeric = types_compared(test) == NUMERIC && types_tested(test) == 0 && test != ASL_CHOICE_IS_TIMESTAMP;
    if (numeric) {
        struct sym *x = shape_known_number(s, &s->at.env, a), *y = shape_known_number(s, &s->at.env, b);
        struct sym *sides[] = {a, b};
        for (int i = 0; i < 2; i++)
            if (sides[i]->kind == SLOT && !sides[i]->wanted)
                sides[i]->wanted = 32;
        if (x && y)
            a = x, b = y;
    }
    bool integers = (a->kind == NUMBER || a->kind == CONST) && (b->kind == NUMBER || b->kind == CONST);
    uint32_t parsed = is_timestamp_test(test) && b->kind == CONST ? timestamp(s, a) : numeric ? decimal(s, a, b) : 0;
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
    if (integers)
        learn_order(s, test, true, a, b);
    shape_go(s, yes);
    s->at = (struct cursor){outs[1], other};
    if (integers)
        learn_order(s, test, false, a, b);
    shape_go(s, no);
}
