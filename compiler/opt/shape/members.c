// Shape: members and items, the paths to them, and what ResultPath puts among them.
#include "opt/shape/shape.h"

struct sym *shape_object_with(struct shape *s, struct sym *o, uint32_t key, struct sym *value) {
    struct sym *x = shape_sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT));
    uint32_t at = 0;
    x->base = o->base;
    while (at < o->count && o->keys[at] != key)
        at++;
    x->count = at < o->count ? o->count : o->count + 1;
    x->keys = arena_alloc(s->arena, x->count * sizeof *x->keys);
    x->items = arena_alloc(s->arena, x->count * sizeof *x->items);
    if (o->count) {
        memcpy(x->keys, o->keys, o->count * sizeof *x->keys);
        memcpy(x->items, o->items, o->count * sizeof *x->items);
    }
    x->keys[at] = key;
    x->items[at] = value;
    x->depth = x->base ? x->base->depth + 1 : 1;
    for (uint32_t i = 0; i < x->count; i++)
        if (x->items[i]->depth >= x->depth)
            x->depth = x->items[i]->depth + 1;
    return x;
}

// An object as one that is made of members: a constant is taken apart. NULL when it may be no object.
struct sym *shape_as_object(struct shape *s, struct sym *x) {
    if (x->kind == OBJECT)
        return x;
    struct sym *o = shape_sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT));
    if (x->kind == CONST) {
        asl_value v = *shape_constant(s, x->number);
        if (v.tag != ASL_OBJECT || asl_object_count(&v) > MOST_MEMBERS)
            return NULL;
        for (size_t i = 0; i < asl_object_count(&v); i++) {
            const asl_text *key = asl_object_key_at(&v, i);
            uint32_t k = ir_const_string(s->plan, key->bytes, key->size);
            o = shape_object_with(s, o, k, shape_value_sym(s, asl_object_at(&v, i)));
        }
        return o;
    }
    if (shape_types_of(&s->at.env, x) != TYPE(ASL_OBJECT))
        return NULL;
    o->base = x;
    return o;
}

// Too large or too deep an object is built at once.
struct sym *shape_bounded(struct shape *s, struct sym *x) {
    if (x->kind != OBJECT && x->kind != ARRAY)
        return x;
    if (x->count <= MOST_MEMBERS && x->depth <= DEEPEST)
        return x;
    struct sym *made = shape_sym_new(s, SLOT, shape_in_slot(s, x), x->types);
    return made;
}

// x[key], or x[index] when key is ASL_NO_OPERAND. NULL: there surely is none. maybe: what is not there holds nothing.
struct sym *shape_child(struct shape *s, struct sym *x, uint32_t key, int64_t index, bool maybe) {
    bool named = key != ASL_NO_OPERAND;
    if (x->kind == OBJECT) {
        for (uint32_t i = 0; named && i < x->count; i++)
            if (x->keys[i] == key)
                return x->items[i];
        return named && x->base ? shape_child(s, x->base, key, 0, maybe) : NULL;
    }
    if (x->kind == ARRAY && x->base)
        return shape_child(s, shape_sym_new(s, SLOT, shape_in_slot(s, x), TYPE(ASL_ARRAY)), key, index, maybe);
    if (x->kind == ARRAY)
        return !named && index < (int64_t)x->count ? x->items[index] : NULL;
    if (x->kind == CONST) {
        asl_value v = *shape_constant(s, x->number);
        const asl_value *c = named && v.tag == ASL_OBJECT ? asl_object_get(&v, asl_text_of(shape_constant(s, key)))
                             : !named && v.tag == ASL_ARRAY && index < (int64_t)asl_array_count(&v) ? asl_array_at(&v, (size_t)index)
                                                                                                    : NULL;
        return c ? shape_value_sym(s, c) : NULL;
    }
    uint32_t types = shape_types_of(&s->at.env, x);
    if (x->kind != SLOT || !(types & TYPE(named ? ASL_OBJECT : ASL_ARRAY)))
        return NULL;
    uint32_t op = named ? OP_FIELD : OP_ELEMENT, op_maybe = named ? OP_FIELD_MAYBE : OP_ELEMENT_MAYBE;
    uint64_t which = named ? key : (uint64_t)index;
    struct sym *known = shape_find(&s->at.env, op, x, which, 0);
    if (known)
        return known;
    known = shape_find(&s->at.env, op_maybe, x, which, 0);
    if (known && (maybe || !(shape_types_of(&s->at.env, known) & TYPE(ASL_NONE))))
        return known;
    if (known) {
        shape_fallible(s, OP_GUARD, OPERANDS(known->number, ANY));
        shape_learn(s, OP_GUARD, known, ANY, 0, known);
        return known;
    }
    struct sym *d = shape_sym_new(s, SLOT, shape_new_slot(s), maybe ? MAYBE : ANY);
    if (maybe) {
        shape_append(s, (enum ir_opcode)op_maybe, OPERANDS(d->number, x->number, (uint32_t)which));
        shape_learn(s, op_maybe, x, which, 0, d);
    } else {
        shape_fallible(s, (enum ir_opcode)op, OPERANDS(d->number, x->number, (uint32_t)which));
        shape_learn(s, op, x, which, 0, d);
        shape_learn(s, OP_GUARD, x, TYPE(named ? ASL_OBJECT : ASL_ARRAY), 0, x);
    }
    return d;
}

static struct sym *nothing(struct shape *s) {
    static const uint32_t none = TYPE(ASL_NONE);
    struct sym *d = shape_sym_new(s, SLOT, shape_new_slot(s), none);
    return d; // a slot that nobody writes
}

// ---------------------------------------------------------------- the ops of states that only compute

// "$[*].a.b" of an array whose items are known. NULL: it is another path, or they are not known well enough.
static struct sym *every(struct shape *s, struct sym *x, const char *text) {
    if (strncmp(text, "$[*].", 5) != 0)
        return NULL;
    asl_path *path = asl_path_parse(asl_str_z(arena_format(s->arena, "$%s", text + 4)), NULL);
    struct sym *all = shape_sym_new(s, ARRAY, 0, TYPE(ASL_ARRAY));
    all->depth = 1;
    all->items = arena_alloc(s->arena, (x->count + 1) * sizeof *all->items);
    bool known = path != NULL;
    for (uint32_t i = 0; i < x->count && known; i++) {
        struct sym *item = x->items[i];
        for (size_t step = 0; known && item && step < asl_path_steps(path); step++) {
            asl_str name;
            int64_t index;
            known = asl_path_step(path, step, &name, &index) && name.data && (item->kind != OBJECT || !item->base) &&
                    item->kind != SLOT;
            if (known)
                item = shape_child(s, item, ir_const_string(s->plan, name.data, name.size), 0, false);
        }
        if (known && item) { // what is not there is left out
            all->items[all->count++] = item;
            if (item->depth >= all->depth)
                all->depth = item->depth + 1;
        }
    }
    asl_path_free(path);
    return known ? shape_bounded(s, all) : NULL;
}

// False: it surely fails.
// A path that selects any number of nodes, in what its first names and indexes lead to. Its filters do not speak of the root.
static struct sym *select_from(struct shape *s, const asl_path *path, uint32_t p, struct sym *x) {
    uint32_t step = 0;
    asl_str name;
    int64_t index;
    for (; x && step < asl_path_steps(path) && asl_path_step(path, step, &name, &index); step++) {
        if (!name.data && (index < 0 || index >= INT32_MAX))
            break;
        x = shape_child(s, x, name.data ? ir_const_string(s->plan, name.data, name.size) : ASL_NO_OPERAND, index, false);
    }
    struct sym *found = x ? shape_find(&s->at.env, OP_PATH_FROM, x, p, step) : NULL;
    if (!x || found)
        return found;
    uint32_t from = shape_in_slot(s, x);
    found = shape_sym_new(s, SLOT, shape_new_slot(s), TYPE(ASL_ARRAY) | TYPE(ASL_INT)); // .length()
    shape_fallible(s, OP_PATH_FROM, OPERANDS(found->number, from, p, step));
    shape_learn(s, OP_PATH_FROM, x, p, step, found);
    return found;
}

bool shape_run_path(struct shape *s, const struct ir_op *op) {
    struct sym *x = s->at.env.slot[op->operand[1] & ~ASL_LAST];
    const char *text = s->plan->paths.items[op->operand[2]];
    bool maybe = op->operand[3] == ASL_PATH_OPTIONAL;
    asl_path *path = asl_path_parse(asl_str_z(text), NULL);
    if (!path || !x) {
        asl_path_free(path);
        return false;
    }
    size_t steps = asl_path_steps(path);
    bool direct = true;
    for (size_t i = 0; i < steps && direct; i++) {
        asl_str name;
        int64_t index;
        direct = asl_path_step(path, i, &name, &index) && (name.data || (index >= 0 && index < INT32_MAX));
    }
    bool fails = false;
    for (size_t i = 0; i < steps && direct && !fails && x; i++) {
        asl_str name;
        int64_t index;
        asl_path_step(path, i, &name, &index);
        uint32_t key = name.data ? ir_const_string(s->plan, name.data, name.size) : ASL_NO_OPERAND;
        x = shape_child(s, x, key, index, maybe);
    }
    if (direct && !x && maybe)
        x = nothing(s);
    fails = direct && !x;
    if (direct && steps == 0 && !maybe && x && shape_types_of(&s->at.env, x) & TYPE(ASL_NONE)) {
        shape_fallible(s, OP_GUARD, OPERANDS(x->number, ANY));
        shape_learn(s, OP_GUARD, x, ANY, 0, x);
    }
    if (!direct && x->kind == ARRAY && !x->base) {
        struct sym *all = every(s, x, text);
        if (all) {
            asl_path_free(path);
            s->at.env.slot[op->operand[0]] = all;
            return true;
        }
    }
    if (!direct && !maybe && !asl_path_definite(path) && !strchr(text + strspn(text, "$"), '$')) {
        x = select_from(s, path, op->operand[2], x);
        fails = !x;
    } else if (!direct) {
        struct sym *root = x;
        x = shape_find(&s->at.env, OP_PATH, root, op->operand[2], op->operand[3]);
        if (!x) {
            uint32_t from = shape_in_slot(s, root);
            x = shape_sym_new(s, SLOT, shape_new_slot(s), maybe ? MAYBE : ANY);
            shape_fallible(s, OP_PATH, OPERANDS(x->number, from, op->operand[2], op->operand[3], op->operand[4]));
            shape_learn(s, OP_PATH, root, op->operand[2], op->operand[3], x);
        }
    }
    asl_path_free(path);
    if (!fails)
        s->at.env.slot[op->operand[0]] = x;
    return !fails;
}

// What ResultPath puts a member into: x, or an object without members where there is nothing.
static struct sym *object_or_new(struct shape *s, struct sym *x) {
    uint32_t types = x->kind == SLOT ? shape_types_of(&s->at.env, x) : x->types;
    if (!(types & TYPE(ASL_NONE)) || !(types & TYPE(ASL_OBJECT)))
        return x;
    struct sym *o = shape_find(&s->at.env, OP_OBJECT_OR_NEW, x, 0, 0);
    if (o)
        return o;
    o = shape_sym_new(s, SLOT, shape_new_slot(s), TYPE(ASL_OBJECT));
    shape_fallible(s, OP_OBJECT_OR_NEW, OPERANDS(o->number, x->number, ir_const(s->plan, "{}")));
    shape_learn(s, OP_OBJECT_OR_NEW, x, 0, 0, o);
    return o;
}

// ResultPath. Members on the way that are not known to be objects are left to the runtime.
static struct sym *put(struct shape *s, struct sym *document, const asl_path *path, size_t step, struct sym *value) {
    if (step == asl_path_steps(path))
        return value;
    asl_str name;
    int64_t index;
    if (!asl_path_step(path, step, &name, &index) || !name.data)
        return NULL;
    if (document->kind == SLOT && shape_types_of(&s->at.env, document) & TYPE(ASL_OBJECT) &&
        shape_types_of(&s->at.env, document) != TYPE(ASL_OBJECT)) {
        shape_fallible(s, OP_GUARD, OPERANDS(document->number, TYPE(ASL_OBJECT)));
        shape_learn(s, OP_GUARD, document, TYPE(ASL_OBJECT), 0, document);
    }
    struct sym *o = shape_as_object(s, document);
    if (!o)
        return NULL;
    uint32_t key = ir_const_string(s->plan, name.data, name.size);
    struct sym *below = NULL;
    if (step + 1 < asl_path_steps(path)) {
        below = shape_child(s, o, key, 0, true);
        if (!below)
            below = shape_sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT));
        else
            below = object_or_new(s, below);
        below = put(s, below, path, step + 1, value);
        if (!below)
            return NULL;
    }
    return shape_bounded(s, shape_object_with(s, o, key, below ? below : value));
}

bool shape_run_put(struct shape *s, const struct ir_op *op) {
    struct sym *document = s->at.env.slot[op->operand[1] & ~ASL_LAST], *value = s->at.env.slot[op->operand[2] & ~ASL_LAST];
    asl_path *path = asl_path_parse(asl_str_z(s->plan->paths.items[op->operand[3]]), NULL);
    struct sym *x = path && document && value ? put(s, document, path, 0, value) : NULL;
    asl_path_free(path);
    if (!document || !value)
        return false;
    if (!x) {
        uint32_t d = shape_in_slot(s, document), v = shape_in_slot(s, value);
        x = shape_sym_new(s, SLOT, shape_new_slot(s), TYPE(ASL_OBJECT) | TYPE(ASL_ARRAY));
        shape_fallible(s, OP_PUT, OPERANDS(x->number, d, v, op->operand[3]));
    }
    s->at.env.slot[op->operand[0]] = x;
    return true;
}
