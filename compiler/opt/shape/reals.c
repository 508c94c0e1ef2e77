// Shape: numbers that need not be integers.
//
//     real #0 %3             what %3 holds, as a double; gives up when it is no number
//     const_real #1 k4
//     calculate #2 #0 #1 0   the sum
//     box_real %5 #2         an integer again when it is one, as JSONata has it
//
// Their symbol is a REAL. None is infinite, no number or -0: where an expression comes to that, it is called. A value that is
// only passed on stays what it is, since "1.50" is 1.5 once it has been calculated with. An integer becomes a REAL where
// one is calculated with, or divides.
#include "opt/shape/shape.h"

#include <math.h>

static bool constant(struct shape *s, const struct sym *x, double *out) {
    const asl_value *v = x->kind == CONST ? shape_constant(s, x->number) : NULL;
    if (!v || !asl_is_number(v))
        return false;
    *out = asl_number(v);
    return isfinite(*out) && (*out != 0 || !signbit(*out));
}

static struct sym *real(struct shape *s) { return shape_sym_new(s, REAL, s->m->numbers++, TYPE(ASL_INT) | TYPE(ASL_DOUBLE)); }

// A constant that reads as what is calculated does.
static bool reads_alike(struct shape *s, const struct sym *x) {
    double d;
    if (!constant(s, x, &d) || shape_constant(s, x->number)->tag == ASL_INT)
        return false;
    asl_value v = asl_double(d);
    asl_buffer json = {0};
    asl_json_print(&v, &json);
    bool alike = strcmp(json.data, s->plan->constants.items[x->number]) == 0;
    asl_buffer_free(&json);
    return alike;
}

bool shape_is_real(struct shape *s, struct sym *x) { return x->kind == REAL || reads_alike(s, x); }

bool shape_has_fraction(struct shape *s, const struct sym *x) {
    double d;
    return x->kind == REAL || (x->kind == SLOT && (x->fraction || shape_find(&s->at.env, OP_REAL, x, 0, 0))) ||
           (constant(s, x, &d) && d != floor(d));
}

// x, which is an integer or shape_is_real, as a REAL.
struct sym *shape_to_real(struct shape *s, struct sym *x) {
    if (x->kind == REAL)
        return x;
    struct sym *n = x->kind == CONST ? x : shape_known_number(s, &s->at.env, x), *d = shape_find(&s->at.env, OP_TO_REAL, n, 0, 0);
    if (d)
        return d;
    d = real(s);
    if (n->kind == CONST)
        shape_append(s, OP_CONST_REAL, OPERANDS(d->number, n->number));
    else
        shape_append(s, OP_TO_REAL, OPERANDS(d->number, n->number));
    d->wanted = n->kind == NUMBER || shape_constant(s, n->number)->tag == ASL_INT ? 53 : 0;
    shape_learn(s, OP_TO_REAL, n, 0, 0, d);
    return d;
}

// NULL: it surely is no number. The state begins again when it turns out to be none.
struct sym *shape_as_real(struct shape *s, struct sym *x) {
    double ignored;
    if (x->kind == REAL || x->kind == NUMBER || constant(s, x, &ignored) || (x->kind == SLOT && shape_known_number(s, &s->at.env, x)))
        return shape_to_real(s, x);
    if (x->kind != SLOT || !(shape_types_of(&s->at.env, x) & NUMERIC))
        return NULL;
    struct sym *d = shape_find(&s->at.env, OP_REAL, x, 0, 0);
    if (d)
        return d;
    d = real(s);
    shape_fallible(s, OP_REAL, OPERANDS(d->number, x->number));
    shape_learn(s, OP_REAL, x, 0, 0, d);
    return d;
}

static struct sym *integer(struct shape *s) {
    struct sym *n = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
    n->range = shape_bits(53);
    n->wanted = 53;
    return n;
}

// A REAL that is an integer, as one; what comes of it when it is none is up to the caller.
struct sym *shape_as_whole(struct shape *s, struct sym *x) {
    struct sym *n = integer(s);
    shape_append(s, OP_FLOOR, OPERANDS(n->number, x->number, 2));
    shape_learn(s, OP_FLOOR, x, 2, 0, n);
    return n;
}

// 0 down, 1 up, 2 it is one already.
struct sym *shape_floor(struct shape *s, struct sym *x, uint32_t how) {
    struct sym *n = integer(s);
    shape_fallible(s, OP_FLOOR, OPERANDS(n->number, x->number, how));
    if (how == 2)
        shape_learn(s, OP_FLOOR, x, 2, 0, n);
    return n;
}

struct sym *shape_calculate(struct shape *s, uint32_t how, struct sym *a, struct sym *b) {
    a = shape_as_real(s, a);
    b = a ? shape_as_real(s, b) : NULL;
    if (!b)
        return NULL;
    struct sym *d = real(s);
    d->wanted = a->wanted && b->wanted ? 53 : 0; // of integers it may well be one
    shape_fallible(s, OP_CALCULATE, OPERANDS(d->number, a->number, b->number, how));
    return d;
}

// Whether < <= > >= = (0 … 4) holds, as an integer: 1 or 0.
struct sym *shape_real_holds(struct shape *s, uint32_t how, struct sym *a, struct sym *b) {
    a = shape_as_real(s, a);
    b = a ? shape_as_real(s, b) : NULL;
    if (!b)
        return NULL;
    struct sym *n = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
    n->range = (struct range){0, 1};
    shape_append(s, OP_REAL_HOLDS, OPERANDS(n->number, a->number, b->number, how));
    return n;
}
