// Shape: what is known. Symbols are compared by address: one that is the same is the same value.
#include "opt/shape/shape.h"

struct sym *shape_sym_new(struct shape *s, enum kind kind, uint32_t number, uint32_t types) {
    struct sym *x = arena_alloc(s->arena, sizeof *x);
    *x = (struct sym){.kind = kind, .number = number, .types = types, .range = ANY_INTEGER};
    return x;
}

const asl_value *shape_constant(struct shape *s, uint32_t k) {
    if (k >= s->constant_room) {
        size_t room = s->plan->constants.count + 64;
        asl_value *larger = arena_alloc(s->arena, room * sizeof *larger);
        struct sym **syms = arena_alloc(s->arena, room * sizeof *syms);
        if (s->constant_room) {
            memcpy(larger, s->constants, s->constant_room * sizeof *larger);
            memcpy(syms, s->const_syms, s->constant_room * sizeof *syms);
        }
        s->constants = larger;
        s->const_syms = syms;
        s->constant_room = room;
    }
    if (s->constants[k].tag == ASL_NONE &&
        asl_json_parse(asl_str_z(s->plan->constants.items[k]), &(asl_json_limits){.lone_surrogates = true}, &s->constants[k], NULL) < 0)
        s->constants[k] = asl_null(); // it was JSON when it came in
    return &s->constants[k];
}

struct sym *shape_const_sym(struct shape *s, uint32_t k) {
    const asl_value *v = shape_constant(s, k);
    if (!s->const_syms[k])
        s->const_syms[k] = shape_sym_new(s, CONST, k, TYPE(v->tag));
    return s->const_syms[k];
}

struct sym *shape_value_sym(struct shape *s, const asl_value *v) {
    asl_buffer json = {0};
    asl_json_print(v, &json);
    uint32_t k = ir_const(s->plan, json.data);
    asl_buffer_free(&json);
    return shape_const_sym(s, k);
}

bool shape_const_int(struct shape *s, const struct sym *x, int64_t *out) {
    if (x->kind != CONST || shape_constant(s, x->number)->tag != ASL_INT)
        return false;
    *out = shape_constant(s, x->number)->i;
    return true;
}

struct sym *shape_find(const struct env *e, uint32_t op, const struct sym *x, uint64_t a, uint64_t b) {
    for (size_t i = e->facts.count; i-- > 0;) {
        const struct fact *f = &e->facts.items[i];
        if (f->op == op && f->s == x && f->a == a && f->b == b)
            return f->result;
    }
    return NULL;
}

void shape_learn(struct shape *s, uint32_t op, const struct sym *x, uint64_t a, uint64_t b, struct sym *result) {
    struct env *e = &s->at.env;
    if (e->facts.count >= MOST_FACTS) {
        e->facts.count -= MOST_FACTS / 2;
        memmove(e->facts.items, e->facts.items + MOST_FACTS / 2, e->facts.count * sizeof *e->facts.items);
    }
    *vec_push(s->arena, &e->facts) = (struct fact){op, x, a, b, result};
}

// GUARD's fact: a, the types, is all of it.
uint32_t shape_types_of(const struct env *e, const struct sym *x) {
    uint32_t types = x->types;
    for (size_t i = e->facts.count; i-- > 0;)
        if (e->facts.items[i].op == OP_GUARD && e->facts.items[i].s == x)
            types &= (uint32_t)e->facts.items[i].a;
    return types;
}

bool shape_in_range(struct range inner, struct range outer) { return inner.least >= outer.least && inner.most <= outer.most; }

struct range shape_bits(uint32_t bits) {
    return bits == 32 ? (struct range){INT32_MIN, INT32_MAX} : (struct range){-(INT64_C(1) << 53), (INT64_C(1) << 53) - 1};
}

struct range shape_range_of(struct shape *s, const struct env *e, const struct sym *n) {
    struct range r = n->range;
    int64_t constant;
    if (shape_const_int(s, n, &constant))
        return (struct range){constant, constant};
    for (size_t i = e->facts.count; i-- > 0;) {
        const struct fact *f = &e->facts.items[i];
        if (f->op != OP_WITHIN || f->s != n)
            continue;
        r.least = (int64_t)f->a > r.least ? (int64_t)f->a : r.least;
        r.most = (int64_t)f->b < r.most ? (int64_t)f->b : r.most;
    }
    return r;
}

struct env shape_env_copy(struct shape *s, const struct env *from) {
    struct env e = {.slot = arena_alloc(s->arena, (s->home + 1) * sizeof *e.slot), .events = from->events, .states = from->states};
    memcpy(e.slot, from->slot, s->home * sizeof *e.slot);
    e.facts.items = arena_alloc(s->arena, (from->facts.count + 8) * sizeof *e.facts.items);
    e.facts.capacity = from->facts.count + 8;
    e.facts.count = from->facts.count;
    if (from->facts.count)
        memcpy(e.facts.items, from->facts.items, from->facts.count * sizeof *e.facts.items);
    return e;
}

// x, or what it is unboxed: NULL when it is not known to be an integer.
struct sym *shape_known_number(struct shape *s, const struct env *e, struct sym *x) {
    int64_t ignored;
    if (x->kind == NUMBER || shape_const_int(s, x, &ignored))
        return x;
    return x->kind == SLOT ? shape_find(e, OP_INT, x, 0, 0) : x->kind == REAL ? shape_find(e, OP_FLOOR, x, 2, 0) : NULL;
}
