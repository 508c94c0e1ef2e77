// Shape: from one state to the next. A state that only one comes from continues with all that is known. Others have
// versions, each for the shape of what its slots hold: a template, with parameters where values may differ.
#include "opt/shape/shape.h"

static void copy_later(struct shape *s, uint32_t block) {
    const struct ir_block *b = s->from[block];
    s->copies[block] = shape_new_block(s, b->name, b->state);
    *vec_push(s->arena, &s->to_copy) = block;
}

static uint32_t copied(struct shape *s, uint32_t block) {
    if (s->copies[block] == IR_NO_BLOCK)
        copy_later(s, block);
    return s->copies[block];
}

static void visit_later(struct shape *s, uint32_t block, uint32_t out, struct env env, enum trust trust) {
    *vec_push(s->arena, &s->visits) = (struct visit){block, {out, env}, trust};
}

// The version of a state that finds everything in slots.
uint32_t shape_plain_version(struct shape *s, uint32_t block, enum trust trust) {
    for (size_t i = 0; i < s->versions.count; i++)
        if (s->versions.items[i].block == block && s->versions.items[i].plain && s->versions.items[i].trust == trust)
            return s->versions.items[i].out;
    uint32_t out = shape_new_block(s, s->from[block]->name, s->from[block]->state);
    struct env e = {.slot = arena_alloc(s->arena, (s->home + 1) * sizeof *e.slot)};
    for (uint32_t i = 0; i < s->home; i++)
        if (shape_is_live(s, block, i))
            e.slot[i] = shape_sym_new(s, SLOT, i, i == 0 ? ANY : MAYBE);
    *vec_push(s->arena, &s->versions) = (struct version){.block = block, .out = out, .plain = true, .trust = trust};
    visit_later(s, block, out, e, trust);
    return out;
}

// Where the copy of a block goes on.
uint32_t shape_target_of_copy(struct shape *s, uint32_t block) {
    return s->simple[block] ? shape_plain_version(s, block, INTEGERS) : copied(s, block);
}

struct binding {
    const struct sym *param;
    struct sym *value;
};
struct bindings {
    VEC(struct binding) items;
    bool any_range; // numbers fit whatever range the version has for them
};

static bool bind(struct shape *s, struct bindings *b, const struct sym *param, struct sym *value) {
    for (size_t i = 0; i < b->items.count; i++)
        if (b->items.items[i].param == param)
            return b->items.items[i].value == value;
    *vec_push(s->arena, &b->items) = (struct binding){param, value};
    return true;
}

// exactly: what is known to be a number does not go where it would be forgotten.
static bool fits(struct shape *s, struct bindings *b, const struct sym *t, const struct env *e, struct sym *x, bool exactly) {
    if (!t || !x)
        return t == x;
    if (t->param && t->kind == NUMBER) {
        struct sym *n = shape_known_number(s, e, x);
        return n && (b->any_range || shape_in_range(shape_range_of(s, e, n), t->range)) && bind(s, b, t, n);
    }
    if (t->param && t->kind == REAL) {
        struct sym *n = shape_known_number(s, e, x);
        bool whole = n && shape_in_range(shape_range_of(s, e, n), shape_bits(53));
        return !(n && exactly) && (whole || shape_is_real(s, x)) && bind(s, b, t, whole ? n : x);
    }
    if (t->param && exactly && x->kind == SLOT && shape_known_number(s, e, x))
        return false;
    if (t->param)
        return (x->kind == SLOT || x->kind == CONST) && !(shape_types_of(e, x) & ~t->types) && bind(s, b, t, x);
    if (t->kind == CONST)
        return x->kind == CONST && x->number == t->number;
    if (t->kind != x->kind || t->count != x->count)
        return false;
    if (t->kind == OBJECT) {
        for (uint32_t i = 0; i < t->count; i++)
            if (t->keys[i] != x->keys[i])
                return false;
        if (!t->base != !x->base || (t->base && !fits(s, b, t->base, e, x->base, exactly)))
            return false;
    }
    for (uint32_t i = 0; i < t->count; i++)
        if (!fits(s, b, t->items[i], e, x->items[i], exactly))
            return false;
    return true;
}

// A loop's numbers grow from round to round: versions know how many bits they have, and no more.
static struct range roughly(struct range r, bool wide) {
    return !wide && shape_in_range(r, shape_bits(32)) ? shape_bits(32) : shape_in_range(r, shape_bits(53)) ? shape_bits(53) : ANY_INTEGER;
}

// What a version knows of x: its shape and types, not where it came from.
static struct sym *template_of(struct shape *s, struct bindings *b, const struct env *e, struct sym *x, bool keep_constants) {
    struct sym *n = shape_known_number(s, e, x);
    bool real = x->kind == REAL || (x->kind == CONST && !keep_constants && shape_is_real(s, x));
    if (n || x->kind == SLOT || x->kind == REAL || (x->kind == CONST && !keep_constants)) {
        struct sym *value = n ? n : x;
        for (size_t i = 0; i < b->items.count; i++)
            if (b->items.items[i].value == value)
                return (struct sym *)(uintptr_t)b->items.items[i].param;
        struct sym *p = n      ? shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT))
                        : real ? shape_sym_new(s, REAL, s->m->numbers++, TYPE(ASL_INT) | TYPE(ASL_DOUBLE))
                               : shape_sym_new(s, SLOT, shape_new_slot(s), shape_types_of(e, x));
        p->param = true;
        p->fraction = x->fraction;
        p->wanted = n && n->wanted ? n->wanted : x->wanted;
        if (n)
            p->range = roughly(shape_range_of(s, e, n), b->any_range);
        *vec_push(s->arena, &b->items) = (struct binding){p, value};
        return p;
    }
    if (x->kind == CONST)
        return x;
    struct sym *t = shape_sym_new(s, x->kind, 0, x->types);
    t->count = x->count;
    t->keys = x->keys;
    t->depth = x->depth;
    t->items = arena_alloc(s->arena, (x->count + 1) * sizeof *t->items);
    if (x->base)
        t->base = template_of(s, b, e, x->base, false);
    for (uint32_t i = 0; i < x->count; i++)
        t->items[i] = template_of(s, b, e, x->items[i], keep_constants);
    return t;
}

static void enter_version(struct shape *s, uint32_t out, const struct bindings *b) {
    struct moves moves = {0};
    for (size_t i = 0; i < b->items.count; i++) {
        const struct sym *p = b->items.items[i].param;
        struct sym *x = b->items.items[i].value;
        uint32_t from = p->kind == NUMBER ? shape_number_operand(x) : p->kind == REAL ? shape_to_real(s, x)->number : shape_in_slot(s, x);
        *vec_push(s->arena, &moves.items) = (struct move){p->number, from, p->kind != SLOT};
    }
    shape_move_all(s, &moves);
    shape_leave_block(s, EXIT_JUMP, out, 0, 1);
}

static bool fits_version(struct shape *s, struct bindings *b, const struct version *v, bool exactly) {
    for (uint32_t i = 0; i < s->home; i++)
        if (shape_is_live(s, v->block, i) && !fits(s, b, v->env.slot[i], &s->at.env, s->at.env.slot[i], exactly))
            return false;
    return true;
}

static bool try_version(struct shape *s, const struct version *v, bool exactly) {
    struct bindings b = {0};
    if (!fits_version(s, &b, v, exactly))
        return false;
    enter_version(s, v->out, &b);
    return true;
}

static void narrow(struct shape *s, struct sym *n, uint32_t otherwise) {
    struct range r = shape_bits(n->wanted);
    shape_append(s, OP_WITHIN, OPERANDS(n->number, n->wanted));
    shape_out_block(s, s->at.out)->error = otherwise;
    shape_learn(s, OP_WITHIN, n, (uint64_t)r.least, (uint64_t)r.most, n);
}

// Values that are added or compared are looked at once before the loop: whether they are integers, and of how many bits.
static void guess(struct shape *s, struct sym *x, uint32_t *left, uint32_t otherwise) {
    if (*left == 0 || !x)
        return;
    if (x->kind == OBJECT || x->kind == ARRAY) {
        for (uint32_t i = 0; i < x->count; i++)
            guess(s, x->items[i], left, otherwise);
        return;
    }
    if (x->kind == NUMBER && x->wanted && !shape_in_range(shape_range_of(s, &s->at.env, x), shape_bits(x->wanted))) {
        (*left)--;
        narrow(s, x, otherwise);
    }
    if (x->kind == REAL && x->wanted && !shape_find(&s->at.env, OP_FLOOR, x, 2, 0)) {
        (*left)--;
        shape_as_whole(s, x);
        shape_out_block(s, s->at.out)->error = otherwise;
        return;
    }
    if (x->kind != SLOT || !x->wanted || !(shape_types_of(&s->at.env, x) & TYPE(ASL_INT)) || shape_find(&s->at.env, OP_INT, x, 0, 0))
        return;
    (*left)--;
    struct sym *n = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
    shape_append(s, OP_INT, OPERANDS(n->number, x->number));
    n->wanted = x->wanted;
    narrow(s, n, otherwise);
    shape_learn(s, OP_INT, x, 0, 0, n);
    shape_learn(s, OP_BOX, n, 0, 0, x);
    shape_learn(s, OP_GUARD, x, TYPE(ASL_INT), 0, x);
}

static void go_to_version(struct shape *s, uint32_t to) {
    size_t versions = 0;
    bool differs_in_range = false; // a second version of this shape is for all its ranges
    for (size_t i = 0; i < s->versions.count; i++)
        if (s->versions.items[i].block == to && !s->versions.items[i].plain) {
            struct bindings but_for_range = {.any_range = true};
            if (try_version(s, &s->versions.items[i], true))
                return;
            differs_in_range |= fits_version(s, &but_for_range, &s->versions.items[i], true);
            versions++;
        }
    bool full = versions >= VERSIONS || s->ops > s->budget;
    for (size_t i = 0; full && i < s->versions.count; i++)
        if (s->versions.items[i].block == to && !s->versions.items[i].plain && try_version(s, &s->versions.items[i], false))
            return;
    if (versions >= VERSIONS || s->ops > s->budget) {
        shape_to_homes(s, to);
        uint32_t out = shape_plain_version(s, to, INTEGERS);
        shape_leave_block(s, EXIT_JUMP, out, 0, 1);
        return;
    }
    struct version v = {.block = to, .out = shape_new_block(s, s->from[to]->name, s->from[to]->state)};
    struct bindings b = {.any_range = differs_in_range};
    v.env.slot = arena_alloc(s->arena, (s->home + 1) * sizeof *v.env.slot);
    for (uint32_t i = 0; i < s->home; i++)
        if (shape_is_live(s, to, i) && s->at.env.slot[i])
            v.env.slot[i] = template_of(s, &b, &s->at.env, s->at.env.slot[i], versions == 0);
    *vec_push(s->arena, &s->versions) = v;
    enter_version(s, v.out, &b);
    visit_later(s, to, v.out, shape_env_copy(s, &v.env), INTEGERS);
}

// What only this machine has is given back before it waits.
void shape_forget_all(struct shape *s) {
    if (s->m->slots.count <= s->watched->slots.count)
        return;
    *vec_push(s->arena, &s->forgets) = (struct place){s->at.out, (uint32_t)shape_out_block(s, s->at.out)->ops.count};
    shape_append(s, OP_FORGET, OPERANDS((uint32_t)s->watched->slots.count, 0));
}

// From here to a block of another state, or to this one's start again.
static void go_to_state(struct shape *s, uint32_t to) {
    for (uint32_t i = 0; i < s->home; i++) // nothing that fails comes any more: what is to grow has no other reader
        if (shape_is_live(s, to, i) && s->at.env.slot[i])
            s->at.env.slot[i] = shape_settled(s, s->at.env.slot[i]);
    if (!s->simple[to]) {
        shape_count_events(s);
        shape_to_homes(s, to);
        shape_forget_all(s);
        uint32_t out = copied(s, to);
        shape_leave_block(s, EXIT_JUMP, out, 0, 1);
        return;
    }
    if (s->preds[to] == 1 && s->ops <= s->budget && s->trust == INTEGERS) { // one way there, but for versions of the same state
        uint32_t out = shape_new_block(s, s->from[to]->name, s->from[to]->state);
        shape_leave_block(s, EXIT_JUMP, out, 0, 1);
        visit_later(s, to, out, s->at.env, INTEGERS);
        return;
    }
    shape_count_events(s);
    bool seen = false;
    for (size_t i = 0; i < s->versions.count && !seen; i++)
        seen = s->versions.items[i].block == to && s->versions.items[i].trust == INTEGERS;
    if (seen && s->ops <= s->budget) {
        struct cursor plain = s->at;
        uint32_t left = GUESSES, otherwise = shape_new_block(s, shape_out_block(s, s->at.out)->name, s->state);
        uint32_t sure = shape_new_block(s, shape_out_block(s, s->at.out)->name, s->state);
        plain.env = shape_env_copy(s, &s->at.env);
        plain.out = otherwise;
        shape_leave_block(s, EXIT_JUMP, sure, 0, 1);
        s->at.out = sure;
        for (uint32_t i = 0; i < s->home; i++)
            if (shape_is_live(s, to, i))
                guess(s, s->at.env.slot[i], &left, otherwise);
        if (left != GUESSES) {
            uint32_t more = shape_new_block(s, shape_out_block(s, s->at.out)->name, s->state); // what follows cannot fail
            shape_leave_block(s, EXIT_JUMP, more, 0, 1);
            s->at.out = more;
            go_to_version(s, to);
            s->at = plain;
        } else {
            shape_out_block(s, otherwise)->exit.kind = EXIT_FAILED; // nobody goes there
        }
    }
    go_to_version(s, to);
}

void shape_go(struct shape *s, uint32_t to) {
    if (s->from[to]->state != s->state || to == s->entry || !s->simple[to]) {
        go_to_state(s, to);
        return;
    }
    *vec_push(s->arena, &s->pending[to].items) = s->at;
    if (s->splices.items[to].alone)
        shape_run_block(s, to);
}
