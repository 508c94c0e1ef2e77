// Shape: the ops of expressions that have become part of the machine (splice.c).
//
// It is hoped that operands are what such ops are mostly given: integers, members of objects. Where they turn out not to
// be, the state begins again in a version of its own, in which all its expressions are called. What cannot be at all is
// known here: then this expression alone is called (false).
#include "opt/shape/shape.h"

#include "hot.h"

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

// NULL: it holds nothing, or nobody knows what.
static struct sym *peek(struct shape *s, uint32_t v) {
    if (v == ASL_NO_OPERAND)
        return NULL;
    return v & ASL_CONSTANT ? shape_const_sym(s, v & ~ASL_CONSTANT) : s->at.env.slot[v & ~ASL_LAST];
}

static struct sym *value(struct shape *s, struct sym *x) { return x && x->kind == TEST ? shape_answer(s, x) : x; }

static struct sym *constant_bool(struct shape *s, bool b) {
    asl_value v = asl_bool(b);
    return shape_value_sym(s, &v);
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

// ---------------------------------------------------------------- numbers

static bool may_be_integer(struct shape *s, struct sym *x) {
    return x && x->kind != TEST && (shape_types_of(&s->at.env, x) & TYPE(ASL_INT));
}

static void want_integer(struct shape *s, struct sym *x) {
    if (may_be_integer(s, x) && x->kind == SLOT)
        x->wanted = 53;
}

static bool as_integers(struct shape *s, struct sym **a, struct sym **b) {
    want_integer(s, *a);
    want_integer(s, *b);
    if (!may_be_integer(s, *a) || !may_be_integer(s, *b))
        return false;
    *a = shape_as_number(s, *a);
    *b = *a ? shape_as_number(s, *b) : NULL;
    return *b && shape_within(s, *a, 53) && shape_within(s, *b, 53); // others are rounded to doubles
}

// Exact for what is not negative.
static struct sym *remainder_of(struct shape *s, struct sym *a, struct sym *b) {
    struct range x = shape_range_of(s, &s->at.env, a), y = shape_range_of(s, &s->at.env, b);
    if (x.most < 0 || y.most <= 0)
        return NULL;
    struct sym *d = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
    d->range = (struct range){0, y.most - 1 < x.most ? y.most - 1 : x.most};
    d->wanted = 53;
    shape_fallible(s, OP_REMAINDER, OPERANDS(d->number, shape_number_operand(a), shape_number_operand(b)));
    return d;
}

static struct sym *multiply(struct shape *s, struct sym *a, struct sym *b) {
    struct sym *d = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
    d->range = shape_bits(53);
    d->wanted = 53;
    shape_fallible(s, OP_MULTIPLY, OPERANDS(d->number, shape_number_operand(a), shape_number_operand(b)));
    return d;
}

// What may well be an integer although it is calculated with as a double.
static struct sym *whole(struct shape *s, struct sym *x) {
    if (x->kind != REAL || !x->wanted || s->trust != INTEGERS)
        return x;
    struct sym *n = shape_known_number(s, &s->at.env, x);
    return n ? n : shape_floor(s, x, 2);
}

static bool as_doubles(struct shape *s, struct sym *a, struct sym *b) {
    bool integers = shape_known_number(s, &s->at.env, a) && shape_known_number(s, &s->at.env, b);
    return shape_has_fraction(s, a) || shape_has_fraction(s, b) || (s->trust == REALS && !integers);
}

static struct sym *arithmetic(struct shape *s, enum ir_opcode op, struct sym *a, struct sym *b) {
    if (op == OP_JX_REMAINDER)
        a = whole(s, a), b = whole(s, b);
    if (op == OP_JX_DIVIDE || as_doubles(s, a, b))
        return shape_calculate(s, (uint32_t)(op - OP_JX_ADD), a, b);
    if (!as_integers(s, &a, &b))
        return NULL;
    switch ((int)op) {
    case OP_JX_ADD: return shape_add(s, OP_ADD, a, b, 53);
    case OP_JX_SUBTRACT: return shape_add(s, OP_SUBTRACT, a, b, 53);
    case OP_JX_MULTIPLY: return multiply(s, a, b);
    default: return remainder_of(s, a, b);
    }
}

static struct sym *minus_one(struct shape *s) {
    asl_value v = asl_int(-1);
    return shape_value_sym(s, &v);
}

static struct sym *negate(struct shape *s, struct sym *a) {
    asl_value zero = asl_int(0);
    struct sym *none = shape_value_sym(s, &zero);
    if (as_doubles(s, none, a)) {
        return shape_calculate(s, 2, a, minus_one(s)); // -0 fails there
    }
    if (!as_integers(s, &none, &a))
        return NULL;
    struct range r = shape_range_of(s, &s->at.env, a);
    return r.least > 0 || r.most < 0 ? shape_add(s, OP_SUBTRACT, none, a, 53) : NULL; // -0 is another number
}

// ---------------------------------------------------------------- comparisons

static struct sym *test_of(struct shape *s, uint32_t test, struct sym *a, struct sym *b, bool negated) {
    struct sym *x = shape_sym_new(s, TEST, 0, TYPE(ASL_BOOL));
    x->test = test;
    x->negated = negated;
    x->items = arena_alloc(s->arena, 2 * sizeof *x->items);
    x->items[0] = a;
    x->items[1] = b;
    return x;
}

static struct sym *holds(struct shape *s, struct sym *x, bool negated) {
    return test_of(s, ASL_CHOICE_BOOLEAN_EQUALS, x, constant_bool(s, true), negated);
}

static struct sym *relate(struct shape *s, enum asl_hot_relation relation, struct sym *a, struct sym *b) {
    struct sym *x = shape_sym_new(s, SLOT, 0, TYPE(ASL_BOOL));
    uint32_t left = shape_operand(s, a), right = shape_operand(s, b);
    x->number = shape_new_slot(s);
    shape_fallible(s, OP_RELATE, OPERANDS(x->number, relation, left, right));
    return holds(s, x, false);
}

static bool both_integers(struct shape *s, struct sym *a, struct sym *b) {
    return (shape_known_number(s, &s->at.env, a) && may_be_integer(s, b)) || (shape_known_number(s, &s->at.env, b) && may_be_integer(s, a));
}

// Of a constant that is no array or object, which is never equal to what is of another type. -1: it is no such constant.
static int test_of_constant(struct shape *s, const struct sym *x) {
    switch (x->kind == CONST ? (int)shape_constant(s, x->number)->tag : ASL_NONE) {
    case ASL_STRING: return ASL_CHOICE_STRING_EQUALS;
    case ASL_BOOL: return ASL_CHOICE_BOOLEAN_EQUALS;
    case ASL_NULL: return ASL_CHOICE_IS_NULL;
    default: return -1;
    }
}

// Of doubles, when one side is.
static struct sym *compare_doubles(struct shape *s, uint32_t how, struct sym *a, struct sym *b, bool negated) {
    asl_value yes = asl_int(1);
    struct sym *n = shape_real_holds(s, how, a, b);
    return n ? test_of(s, ASL_CHOICE_NUMERIC_EQUALS, n, shape_value_sym(s, &yes), negated) : NULL;
}

static bool compares_doubles(struct shape *s, struct sym *a, struct sym *b) {
    bool number = shape_known_number(s, &s->at.env, a) || shape_known_number(s, &s->at.env, b);
    return shape_has_fraction(s, a) || shape_has_fraction(s, b) ||
           (s->trust == REALS && number && !(shape_known_number(s, &s->at.env, a) && shape_known_number(s, &s->at.env, b)));
}

static struct sym *same(struct shape *s, struct sym *a, struct sym *b, bool negated) {
    uint32_t left = shape_types_of(&s->at.env, a), right = shape_types_of(&s->at.env, b);
    if (compares_doubles(s, a, b) && !((left | right) & ~NUMERIC)) // others are not equal to one
        return compare_doubles(s, 4, a, b, negated);
    if (both_integers(s, a, b) && s->trust == INTEGERS)
        return as_integers(s, &a, &b) ? test_of(s, ASL_CHOICE_NUMERIC_EQUALS, a, b, negated) : NULL;
    if (test_of_constant(s, b) < 0 && test_of_constant(s, a) >= 0) {
        struct sym *t = a;
        a = b;
        b = t;
    }
    int test = test_of_constant(s, b);
    if (test >= 0) {
        if (negated && !of_types(s, a, ANY)) // nothing is not unequal either
            return NULL;
        return test_of(s, (uint32_t)test, a, test == ASL_CHOICE_IS_NULL ? constant_bool(s, true) : b, negated);
    }
    want_integer(s, a);
    want_integer(s, b);
    return relate(s, negated ? ASL_OTHER : ASL_SAME, a, b);
}

static struct sym *order(struct shape *s, uint32_t how, struct sym *a, struct sym *b) {
    static const uint32_t numbers[] = {ASL_CHOICE_NUMERIC_LESS_THAN, ASL_CHOICE_NUMERIC_LESS_THAN_EQUALS, ASL_CHOICE_NUMERIC_GREATER_THAN,
                                       ASL_CHOICE_NUMERIC_GREATER_THAN_EQUALS};
    static const uint32_t texts[] = {ASL_CHOICE_STRING_LESS_THAN, ASL_CHOICE_STRING_LESS_THAN_EQUALS, ASL_CHOICE_STRING_GREATER_THAN,
                                     ASL_CHOICE_STRING_GREATER_THAN_EQUALS};
    if (compares_doubles(s, a, b))
        return compare_doubles(s, how, a, b, false);
    if (both_integers(s, a, b))
        return as_integers(s, &a, &b) ? test_of(s, numbers[how], a, b, false) : NULL;
    if (shape_types_of(&s->at.env, a) == TYPE(ASL_STRING) || shape_types_of(&s->at.env, b) == TYPE(ASL_STRING))
        return of_types(s, a, TYPE(ASL_STRING)) && of_types(s, b, TYPE(ASL_STRING)) ? test_of(s, texts[how], a, b, false) : NULL;
    want_integer(s, a);
    want_integer(s, b);
    return relate(s, (enum asl_hot_relation)(ASL_LESS + how), a, b);
}

static struct sym *truth(struct shape *s, struct sym *x) {
    int64_t n;
    if (x->kind == TEST)
        return x;
    if (x->kind == REAL) {
        asl_value zero = asl_int(0);
        return compare_doubles(s, 4, x, shape_value_sym(s, &zero), true);
    }
    if (x->kind == NUMBER || shape_const_int(s, x, &n)) {
        asl_value zero = asl_int(0);
        return test_of(s, ASL_CHOICE_NUMERIC_EQUALS, x, shape_value_sym(s, &zero), true);
    }
    if (shape_types_of(&s->at.env, x) == TYPE(ASL_BOOL))
        return holds(s, x, false);
    return relate(s, ASL_TRUTH, x, x);
}

static struct sym *exists(struct shape *s, struct sym *x) {
    if (!(shape_types_of(&s->at.env, x) & TYPE(ASL_NONE)))
        return constant_bool(s, true);
    return test_of(s, ASL_CHOICE_IS_PRESENT, x, constant_bool(s, true), false);
}

static struct sym *negated(struct shape *s, struct sym *x) {
    if (x->kind != TEST)
        return constant_bool(s, !shape_constant(s, x->number)->b);
    return test_of(s, x->test, x->items[0], x->items[1], !x->negated);
}

// What an op that asks is about, as a test or a constant. NULL: it is called.
static struct sym *asked(struct shape *s, const struct ir_op *op) {
    struct sym *a = peek(s, op->operand[0]), *b = op->opcode == OP_JX_TRUTH || op->opcode == OP_JX_EXISTS ? a : peek(s, op->operand[1]);
    if (op->opcode != OP_JX_TRUTH)
        a = value(s, a), b = value(s, b);
    if (!a || !b)
        return NULL;
    switch ((int)op->opcode) {
    case OP_JX_EQUAL: return same(s, a, b, false);
    case OP_JX_UNEQUAL: return same(s, a, b, true);
    case OP_JX_LESS: return order(s, 0, a, b);
    case OP_JX_LESS_EQUAL: return order(s, 1, a, b);
    case OP_JX_GREATER: return order(s, 2, a, b);
    case OP_JX_GREATER_EQUAL: return order(s, 3, a, b);
    case OP_JX_IN: return relate(s, ASL_IN, a, b);
    case OP_JX_TRUTH: return truth(s, a);
    case OP_JX_EXISTS: return exists(s, a);
    default: return NULL;
    }
}

void shape_branch_on(struct shape *s, struct sym *x, uint32_t yes, uint32_t no) {
    if (x->kind == TEST)
        shape_branch(s, x->test, x->items[0], x->items[1], x->negated ? no : yes, x->negated ? yes : no);
    else
        shape_branch(s, ASL_CHOICE_BOOLEAN_EQUALS, x, constant_bool(s, true), yes, no);
}

bool shape_ask(struct shape *s, const struct ir_op *op, uint32_t yes, uint32_t no) {
    if (op->opcode == OP_JX_NEXT) { // the first item, whatever it is
        s->at.env.slot[op->operand[0]] = NULL;
        shape_go(s, yes);
        return true;
    }
    struct sym *x = asked(s, op);
    if (!x)
        return false;
    shape_branch_on(s, x, yes, no);
    return true;
}

// ---------------------------------------------------------------- paths, predicates
//
// What is left of a path of one step that has no loop, and of a predicate that is the same for all items: an index into an
// array. An accumulator's first slot is what has been collected, its second is there once something has; an iterator's
// first slot is the list.

static struct sym *item_at(struct shape *s, struct sym *list, struct sym *index) {
    int64_t n;
    if (!list || !index || !(shape_types_of(&s->at.env, list) & TYPE(ASL_ARRAY)))
        return NULL;
    if (shape_const_int(s, index, &n))
        return n >= 0 && n < INT32_MAX ? shape_child(s, list, ASL_NO_OPERAND, n, false) : NULL;
    if (index->kind == SLOT)
        index->wanted = 53;
    if (index->kind == REAL)
        index = shape_floor(s, index, 0);
    index = list->kind == SLOT ? shape_as_number(s, index) : NULL;
    if (!index)
        return NULL;
    struct sym *x = shape_find(&s->at.env, OP_ITEM_AT, list, (uintptr_t)index, 0);
    if (x)
        return x;
    x = shape_sym_new(s, SLOT, shape_new_slot(s), ANY);
    shape_fallible(s, OP_ITEM_AT, OPERANDS(x->number, list->number, index->number));
    shape_learn(s, OP_ITEM_AT, list, (uintptr_t)index, 0, x);
    return x;
}

static bool run_path_op(struct shape *s, const struct ir_op *op) {
    const uint32_t *o = op->operand;
    struct sym **slot = s->at.env.slot, *x;
    switch ((int)op->opcode) {
    case OP_JX_RESET: slot[o[0]] = slot[o[0] + 1] = NULL; return true;
    case OP_JX_ITERATE: // an array, it is hoped, with an item
        x = value(s, peek(s, o[1]));
        slot[o[0]] = x ? of_types(s, x, TYPE(ASL_ARRAY)) : NULL;
        return slot[o[0]] != NULL;
    case OP_JX_COLLECT:
        x = value(s, peek(s, o[1]));
        if (!x || slot[o[0] + 1])
            return false;
        slot[o[0]] = slot[o[0] + 1] = x;
        return true;
    case OP_JX_SELECT_ALL:
        if (slot[o[0] + 1] || !(x = item_at(s, slot[o[2] & ~ASL_LAST], value(s, peek(s, o[1])))))
            return false;
        slot[o[0]] = slot[o[0] + 1] = x;
        return true;
    case OP_JX_FINISH: slot[o[0]] = slot[o[1] + 1]; return slot[o[0]] != NULL;
    case OP_JX_INDEX: {
        asl_value n = asl_int((int32_t)o[2]);
        slot[o[0]] = item_at(s, value(s, peek(s, o[1])), shape_value_sym(s, &n));
        return slot[o[0]] != NULL;
    }
    case OP_JX_KEPT:
        x = slot[o[1] + 1];
        slot[o[0]] = x && o[2] == 0 ? of_types(s, x, ANY & ~TYPE(ASL_ARRAY)) : x; // an array would be one item of the list
        return slot[o[0]] != NULL;
    default: // JX_NODE: of a sequence that is no array there is nothing to collapse
        x = value(s, peek(s, o[1]));
        slot[o[0]] = x ? of_types(s, x, ANY & ~TYPE(ASL_ARRAY)) : NULL;
        return slot[o[0]] != NULL;
    }
}

// ---------------------------------------------------------------- functions, constructors

static struct sym *call_of_four(struct shape *s, enum ir_opcode op, uint32_t builtin, struct sym *const *args, uint32_t count, uint32_t types) {
    uint32_t o[4];
    for (uint32_t i = 0; i < 4; i++)
        o[i] = i < count ? shape_operand(s, args[i]) : ASL_NO_OPERAND;
    struct sym *d = shape_sym_new(s, SLOT, shape_new_slot(s), types);
    if (op == OP_APPLY)
        shape_fallible(s, op, OPERANDS(d->number, builtin, o[0], o[1], o[2], o[3]));
    else
        shape_fallible(s, op, OPERANDS(d->number, o[0], o[1], o[2], o[3]));
    return d;
}

// & of any number: what the first give is the first of the next.
static struct sym *concatenate(struct shape *s, struct sym **parts, uint32_t count) {
    struct sym *d = call_of_four(s, OP_JOIN, 0, parts, count < 4 ? count : 4, TYPE(ASL_STRING));
    for (uint32_t next = 4; next < count; next += 3) {
        struct sym *some[4] = {d};
        uint32_t n = count - next < 3 ? count - next : 3;
        memcpy(some + 1, parts + next, n * sizeof *some);
        d = call_of_four(s, OP_JOIN, 0, some, n + 1, TYPE(ASL_STRING));
    }
    return d;
}

static uint32_t result_types(uint32_t builtin) {
    static const char *const signatures[] = {
#define BUILTIN(id, name, signature, dialect) signature,
#include "aslc/jsonata.def"
#undef BUILTIN
    };
    const char *result = strrchr(signatures[builtin], ':');
    switch (result ? result[1] : 0) {
    case 's': return TYPE(ASL_STRING);
    case 'n': return builtin == JX_COUNT || builtin == JX_LENGTH ? TYPE(ASL_INT) : NUMERIC;
    case 'b': return TYPE(ASL_BOOL);
    default: return ANY;
    }
}

// The functions that are more than a call, of one argument. NULL: it is one.
static struct sym *known_function(struct shape *s, uint32_t builtin, struct sym *x) {
    uint32_t types = shape_types_of(&s->at.env, x);
    bool integer = x->kind == NUMBER || (shape_known_number(s, &s->at.env, x) && shape_within(s, shape_known_number(s, &s->at.env, x), 53));
    switch (builtin) {
    case JX_BOOLEAN: return types & TYPE(ASL_NONE) ? NULL : truth(s, x);
    case JX_NOT: return types & TYPE(ASL_NONE) ? NULL : negated(s, truth(s, x));
    case JX_EXISTS: return exists(s, x);
    case JX_FLOOR: case JX_CEIL:
        if (!integer && (x->kind == REAL || shape_has_fraction(s, x)) && (x = shape_as_real(s, x)))
            return shape_floor(s, x, builtin == JX_CEIL);
        return integer ? x : NULL;
    case JX_ROUND: return integer ? x : NULL;
    case JX_ABS: return integer && shape_range_of(s, &s->at.env, shape_known_number(s, &s->at.env, x)).least >= 0 ? x : NULL;
    case JX_STRING: return types == TYPE(ASL_STRING) ? x : integer ? call_of_four(s, OP_JOIN, 0, &x, 1, TYPE(ASL_STRING)) : NULL;
    case JX_COUNT: {
        if (x->kind == ARRAY && !x->base) {
            asl_value v = asl_int(x->count);
            return shape_value_sym(s, &v);
        }
        if (x->kind != SLOT || !(types & TYPE(ASL_ARRAY)))
            return NULL;
        struct sym *n = shape_find(&s->at.env, OP_LENGTH, x, 0, 0);
        if (n)
            return n;
        n = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
        n->range = (struct range){0, UINT32_MAX};
        shape_fallible(s, OP_LENGTH, OPERANDS(n->number, x->number));
        shape_learn(s, OP_LENGTH, x, 0, 0, n);
        return n;
    }
    default: return NULL;
    }
}

// $append of one item to an array.
static struct sym *appended(struct shape *s, struct sym *a, struct sym *item) {
    if (!of_types(s, item, ANY & ~TYPE(ASL_ARRAY)) || !of_types(s, a, TYPE(ASL_ARRAY)))
        return NULL;
    struct sym *x = shape_sym_new(s, ARRAY, 0, TYPE(ASL_ARRAY));
    bool known = a->kind == ARRAY && a->count < MOST_MEMBERS;
    x->base = !known ? shape_sym_new(s, SLOT, shape_in_slot(s, a), TYPE(ASL_ARRAY)) : a->base;
    x->count = known ? a->count + 1 : 1;
    x->items = arena_alloc(s->arena, x->count * sizeof *x->items);
    if (known)
        memcpy(x->items, a->items, a->count * sizeof *x->items);
    x->items[x->count - 1] = item;
    x->depth = known ? a->depth : 1;
    if (item->depth >= x->depth)
        x->depth = item->depth + 1;
    return shape_bounded(s, x);
}

static bool makes_fractions(uint32_t builtin, uint32_t count) {
    return builtin == JX_AVERAGE || builtin == JX_SQRT || builtin == JX_NUMBER || (builtin == JX_ROUND && count == 2);
}

static struct sym *apply(struct shape *s, uint32_t builtin, struct sym **args, uint32_t count) {
    struct sym *x = count == 1 ? known_function(s, builtin, args[0]) : NULL;
    if (x)
        return x;
    for (uint32_t i = 0; i < count; i++)
        if (!(args[i] = value(s, args[i])))
            return NULL;
    if (builtin == JX_APPEND && count == 2 && (x = appended(s, args[0], args[1])))
        return x;
    x = call_of_four(s, OP_APPLY, builtin, args, count, result_types(builtin));
    x->fraction = makes_fractions(builtin, count);
    x->wanted = x->types & TYPE(ASL_INT) && !x->fraction ? 53 : 0;
    if (x->types & TYPE(ASL_ARRAY))
        shape_learn(s, OP_APPLY, x, 0, 0, x); // it may have marks
    return x;
}

static struct sym *list(struct shape *s, struct sym **items, uint32_t count, uint32_t nested) {
    struct sym *x = shape_sym_new(s, ARRAY, 0, TYPE(ASL_ARRAY));
    x->count = count;
    x->items = items;
    x->depth = 1;
    for (uint32_t i = 0; i < count; i++) {
        if (!of_types(s, items[i], nested >> i & 1 ? ANY : ANY & ~TYPE(ASL_ARRAY))) // an array is spliced
            return NULL;
        if (items[i]->depth >= x->depth)
            x->depth = items[i]->depth + 1;
    }
    return shape_bounded(s, x);
}

static struct sym *record(struct shape *s, struct sym *const *values, uint32_t count, uint32_t k) {
    struct sym *x = shape_sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT));
    for (uint32_t i = 0; i < count; i++) {
        asl_str name = asl_text_of(asl_array_at(shape_constant(s, k), i));
        if (!of_types(s, values[i], ANY)) // what is nothing is left out
            return NULL;
        x = shape_object_with(s, x, ir_const_string(s->plan, name.data, name.size), values[i]);
    }
    return shape_bounded(s, x);
}

// $merge: the members of objects that are known are set on the first.
static struct sym *merge(struct shape *s, struct sym *const *objects, uint32_t count) {
    struct sym *x = count ? of_types(s, objects[0], TYPE(ASL_OBJECT)) : NULL;
    x = x ? shape_as_object(s, x) : NULL;
    for (uint32_t i = 1; i < count && x; i++) {
        struct sym *o = of_types(s, objects[i], TYPE(ASL_OBJECT));
        o = o ? shape_as_object(s, o) : NULL;
        if (!o || o->base)
            return NULL;
        for (uint32_t m = 0; m < o->count; m++)
            x = shape_object_with(s, x, o->keys[m], o->items[m]);
    }
    return x ? shape_bounded(s, x) : NULL;
}

static struct sym *of_several(struct shape *s, const struct ir_op *op) {
    const uint32_t *o = op->operand;
    bool builtin = op->opcode == OP_JX_BUILTIN;
    uint32_t first = o[builtin ? 2 : 1], count = o[builtin ? 3 : 2];
    struct sym **v = arena_alloc(s->arena, (count + 1) * sizeof *v);
    for (uint32_t i = 0; i < count; i++) {
        v[i] = peek(s, first + i);
        if (!builtin)
            v[i] = value(s, v[i]);
        if (!v[i])
            return NULL;
    }
    switch ((int)op->opcode) {
    case OP_JX_BUILTIN: return apply(s, o[1] & 0xff, v, count);
    case OP_JX_CONCAT: return concatenate(s, v, count);
    case OP_JX_LIST: return list(s, v, count, o[3]);
    case OP_JX_RECORD: return record(s, v, count, o[3]);
    default: return merge(s, v, count);
    }
}

// ---------------------------------------------------------------- ops

bool shape_run_expression_op(struct shape *s, const struct ir_op *op) {
    const uint32_t *o = op->operand;
    struct sym **slot = s->at.env.slot, *a, *b, *x = NULL;
    switch ((int)op->opcode) {
    case OP_COPY: slot[o[0]] = peek(s, o[1]); return true;
    case OP_JX_UNDEFINED: slot[o[0]] = NULL; return true;
    case OP_JX_BLAME: return true;
    case OP_JX_CONST: x = shape_const_sym(s, o[1]); break;
    case OP_JX_NAMES:
        x = value(s, peek(s, o[1]));
        x = x ? names(s, x, o[3]) : NULL;
        break;
    case OP_JX_NEGATE:
        x = value(s, peek(s, o[1]));
        x = x ? negate(s, x) : NULL;
        break;
    case OP_JX_ADD: case OP_JX_SUBTRACT: case OP_JX_MULTIPLY: case OP_JX_DIVIDE: case OP_JX_REMAINDER: case OP_JX_ORDER: case OP_JX_SAME:
        a = value(s, peek(s, o[1]));
        b = value(s, peek(s, o[2]));
        if (a && b)
            x = op->opcode == OP_JX_ORDER  ? order(s, o[3], a, b)
                : op->opcode != OP_JX_SAME ? arithmetic(s, (enum ir_opcode)op->opcode, a, b)
                : o[3] == 2                ? relate(s, ASL_IN, a, b)
                                           : same(s, a, b, o[3] == 1);
        break;
    case OP_JX_RESET: case OP_JX_ITERATE: case OP_JX_COLLECT: case OP_JX_SELECT_ALL: case OP_JX_FINISH: case OP_JX_INDEX: case OP_JX_KEPT:
    case OP_JX_NODE: return run_path_op(s, op);
    case OP_JX_BUILTIN: case OP_JX_CONCAT: case OP_JX_LIST: case OP_JX_RECORD: case OP_JX_MERGE: x = of_several(s, op); break;
    case OP_UNMARKED:
        x = peek(s, o[1]);
        if (x && x->kind != TEST && !(x = of_types(s, x, ANY)))
            return false;
        if (x && x->kind == SLOT && shape_types_of(&s->at.env, x) & TYPE(ASL_ARRAY) && shape_find(&s->at.env, OP_APPLY, x, 0, 0)) {
            struct sym *d = shape_sym_new(s, SLOT, shape_new_slot(s), shape_types_of(&s->at.env, x));
            shape_append(s, OP_UNMARKED, OPERANDS(d->number, x->number));
            x = d;
        }
        break;
    default: return false;
    }
    if (x)
        slot[o[0]] = x;
    return x != NULL;
}

bool shape_call_expression(struct shape *s, const struct ir_op *op, bool calculates) {
    uint32_t first = op->operand[2], count = op->operand[3];
    struct sym **args = arena_alloc(s->arena, (count + 1) * sizeof *args);
    for (uint32_t i = 0; i < count; i++)
        if (!(args[i] = s->at.env.slot[(first & ~ASL_LAST) + i]) || args[i]->kind == TEST)
            return false;
    uint32_t at = count == 1 && args[0]->kind != CONST ? shape_in_slot(s, args[0]) : shape_consecutive(s, args, count);
    struct sym *x = shape_sym_new(s, SLOT, shape_new_slot(s), ANY);
    x->wanted = calculates ? 53 : 0;
    shape_fallible(s, OP_JX_EVAL, OPERANDS(x->number, op->operand[1], at, count, op->operand[4]));
    s->at.env.slot[op->operand[0]] = x;
    return true;
}
