// Shape: intrinsics, and sums.
#include "opt/shape/shape.h"

// Operands that have more bits give up, and so does a result of JSONata's. NULL: it surely fails, or is no number.
struct sym *shape_add(struct shape *s, enum ir_opcode op, struct sym *a, struct sym *b, uint32_t bits) {
    int64_t x, y;
    if (!a || !b || !shape_within(s, a, bits) || !shape_within(s, b, bits))
        return NULL;
    bool minus = op == OP_SUBTRACT;
    if (shape_const_int(s, a, &x) && shape_const_int(s, b, &y)) {
        asl_value sum = asl_int(minus ? x - y : x + y);
        struct sym *known = shape_value_sym(s, &sum);
        return bits == 32 || shape_within(s, known, bits) ? known : NULL;
    }
    struct sym *d = shape_find(&s->at.env, op, a, (uintptr_t)b, 0);
    if (!d) {
        struct range l = shape_range_of(s, &s->at.env, a), r = shape_range_of(s, &s->at.env, b);
        d = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
        d->range = minus ? (struct range){l.least - r.most, l.most - r.least} : (struct range){l.least + r.least, l.most + r.most};
        d->wanted = bits;
        shape_append(s, op, OPERANDS(d->number, shape_number_operand(a), shape_number_operand(b)));
        shape_learn(s, op, a, (uintptr_t)b, 0, d);
    }
    return bits == 32 || shape_within(s, d, bits) ? d : NULL;
}

// Two objects whose members are all known: the keys come in the order of a Java HashMap.
static struct sym *merge(struct shape *s, struct sym *a, struct sym *b) {
    if (a->kind == CONST)
        a = shape_as_object(s, a);
    if (b->kind == CONST)
        b = shape_as_object(s, b);
    if (!a || !b || a->kind != OBJECT || b->kind != OBJECT || a->base || b->base)
        return NULL;
    for (uint32_t i = 0; i < b->count; i++)
        a = shape_object_with(s, a, b->keys[i], b->items[i]);
    if (a->count > MOST_MEMBERS)
        return NULL;
    asl_str keys[MOST_MEMBERS];
    size_t order[MOST_MEMBERS];
    for (uint32_t i = 0; i < a->count; i++)
        keys[i] = asl_text_of(shape_constant(s, a->keys[i]));
    asl_java_hash_order(keys, a->count, order);
    struct sym *out = shape_sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT));
    for (uint32_t i = 0; i < a->count; i++)
        out = shape_object_with(s, out, a->keys[order[i]], a->items[order[i]]);
    return shape_bounded(s, out);
}

static bool plain_template(asl_str t, uint32_t *places) {
    *places = 0;
    for (size_t i = 0; i < t.size; i++) {
        if (t.data[i] == '\\')
            return false;
        *places += t.data[i] == '{' && i + 1 < t.size && t.data[i + 1] == '}';
    }
    return true;
}

static uint32_t result_types(asl_intrinsic function) {
    switch ((int)function) {
    case ASL_INTRINSIC_ARRAY: case ASL_INTRINSIC_ARRAY_PARTITION: case ASL_INTRINSIC_ARRAY_RANGE:
    case ASL_INTRINSIC_ARRAY_UNIQUE: case ASL_INTRINSIC_STRING_SPLIT: return TYPE(ASL_ARRAY);
    case ASL_INTRINSIC_ARRAY_CONTAINS: return TYPE(ASL_BOOL);
    case ASL_INTRINSIC_ARRAY_LENGTH: case ASL_INTRINSIC_MATH_RANDOM: case ASL_INTRINSIC_MATH_ADD: return TYPE(ASL_INT);
    case ASL_INTRINSIC_BASE64_ENCODE: case ASL_INTRINSIC_BASE64_DECODE: case ASL_INTRINSIC_HASH:
    case ASL_INTRINSIC_JSON_TO_STRING: case ASL_INTRINSIC_UUID: case ASL_INTRINSIC_FORMAT: return TYPE(ASL_STRING);
    case ASL_INTRINSIC_JSON_MERGE: return TYPE(ASL_OBJECT);
    case ASL_INTRINSIC_ARRAY_GET_ITEM: case ASL_INTRINSIC_STRING_TO_JSON: case ASL_INTRINSIC_COUNT: break;
    }
    return ANY;
}

static void call_of_four(struct shape *s, enum ir_opcode op, struct sym *d, uint32_t what, struct sym *const *args, uint32_t count) {
    uint32_t o[4];
    for (uint32_t i = 0; i < 4; i++)
        o[i] = i < count ? shape_operand(s, args[i]) : ASL_NO_OPERAND;
    d->number = shape_new_slot(s);
    shape_fallible(s, op, OPERANDS(d->number, what, o[0], o[1], o[2], o[3]));
}

// The functions that are more than a call. NULL: it is one.
static struct sym *known_function(struct shape *s, asl_intrinsic function, struct sym **args, uint32_t count) {
    int64_t index;
    uint32_t places;
    if (function == ASL_INTRINSIC_MATH_ADD && count == 2 && s->trust == INTEGERS) {
        // Doubles are added too, rounded; only what may well be an integer is taken for one.
        struct sym *a = shape_as_number(s, args[0]), *b = a ? shape_as_number(s, args[1]) : NULL;
        return shape_add(s, OP_ADD, a, b, 32);
    }
    if (function == ASL_INTRINSIC_ARRAY_LENGTH && count == 1) {
        if (args[0]->kind == ARRAY && !args[0]->base) {
            asl_value v = asl_int(args[0]->count);
            return shape_value_sym(s, &v);
        }
        if (args[0]->kind != SLOT || !(shape_types_of(&s->at.env, args[0]) & TYPE(ASL_ARRAY)))
            return NULL;
        struct sym *known = shape_find(&s->at.env, OP_LENGTH, args[0], 0, 0);
        if (known)
            return known;
        struct sym *n = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
        shape_fallible(s, OP_LENGTH, OPERANDS(n->number, args[0]->number));
        shape_learn(s, OP_LENGTH, args[0], 0, 0, n);
        return n;
    }
    if (function == ASL_INTRINSIC_ARRAY_GET_ITEM && count == 2 && shape_const_int(s, args[1], &index) && index >= 0 && index < INT32_MAX)
        return shape_child(s, args[0], ASL_NO_OPERAND, index, false);
    if (function == ASL_INTRINSIC_ARRAY) {
        struct sym *x = shape_sym_new(s, ARRAY, 0, TYPE(ASL_ARRAY));
        x->count = count;
        x->items = args;
        x->depth = 1;
        for (uint32_t i = 0; i < count; i++)
            if (args[i]->depth >= x->depth)
                x->depth = args[i]->depth + 1;
        return shape_bounded(s, x);
    }
    if (function == ASL_INTRINSIC_JSON_MERGE && count == 3 && args[2]->kind == CONST &&
        shape_constant(s, args[2]->number)->tag == ASL_BOOL && !shape_constant(s, args[2]->number)->b)
        return merge(s, args[0], args[1]);
    if (function == ASL_INTRINSIC_FORMAT && count >= 2 && count <= 5 && args[0]->kind == CONST &&
        shape_constant(s, args[0]->number)->tag == ASL_STRING && plain_template(asl_text_of(shape_constant(s, args[0]->number)), &places) &&
        places == count - 1) {
        struct sym *d = shape_sym_new(s, SLOT, 0, TYPE(ASL_STRING));
        call_of_four(s, OP_FORMAT, d, args[0]->number, args + 1, count - 1);
        return d;
    }
    return NULL;
}

static uint64_t mixed(struct sym *const *args, uint32_t count) {
    uint64_t h = count;
    for (uint32_t i = 0; i < count; i++)
        h = (h ^ (uintptr_t)args[i]) * UINT64_C(0x9e3779b97f4a7c15), h ^= h >> 29;
    return h;
}

uint32_t shape_consecutive(struct shape *s, struct sym *const *args, uint32_t count) {
    uint32_t *from = arena_alloc(s->arena, (count + 1) * sizeof *from), first = ASL_NO_OPERAND;
    for (uint32_t i = 0; i < count; i++)
        from[i] = args[i]->kind == CONST ? 0 : shape_in_slot(s, args[i]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t d = shape_new_slot(s);
        first = i ? first : d;
        if (args[i]->kind == CONST)
            shape_append(s, OP_CONST, OPERANDS(d, args[i]->number));
        else
            shape_append(s, OP_COPY, OPERANDS(d, from[i]));
    }
    return first;
}

static struct sym *called_function(struct shape *s, const struct ir_op *op, struct sym **args, uint32_t count) {
    asl_intrinsic function = (asl_intrinsic)op->operand[1];
    struct sym *x = shape_sym_new(s, SLOT, 0, result_types(function));
    if (count <= 4) {
        call_of_four(s, OP_CALL, x, (uint32_t)function, args, count);
    } else {
        uint32_t at = shape_consecutive(s, args, count);
        x->number = shape_new_slot(s);
        shape_fallible(s, OP_INTRINSIC, OPERANDS(x->number, function, op->operand[2], at, count));
    }
    return x;
}

// Random numbers. When the state begins again, it draws the same.
static void draw(struct shape *s, const struct ir_op *op, struct sym **args, uint32_t count) {
    if (!s->drawn) {
        shape_append(s, OP_DRAW, OPERANDS(0));
        s->drawn = true;
        s->again = s->hopes_less = IR_NO_BLOCK;
    }
    s->at.env.slot[op->operand[0]] = called_function(s, op, args, count);
}

bool shape_run_intrinsic(struct shape *s, const struct ir_op *op) {
    asl_intrinsic function = (asl_intrinsic)op->operand[1];
    uint32_t first = op->operand[3], count = op->operand[4];
    struct sym **args = arena_alloc(s->arena, (count + 1) * sizeof *args), *x = NULL;
    bool known = true;
    for (uint32_t i = 0; i < count; i++) {
        args[i] = s->at.env.slot[(first & ~ASL_LAST) + i];
        if (!args[i])
            return false;
        known = known && args[i]->kind == CONST;
    }
    if (shape_draws(function)) {
        draw(s, op, args, count);
        return true;
    }
    struct sym *head = count ? args[0] : NULL;
    uint64_t key = (uint64_t)function, rest = count > 1 ? mixed(args + 1, count - 1) : 0;
    struct sym *before = shape_find(&s->at.env, OP_INTRINSIC, head, key, rest);
    if (before) {
        s->at.env.slot[op->operand[0]] = before;
        return true;
    }
    if (known) {
        asl_value *values = arena_alloc(s->arena, (count + 1) * sizeof *values), out;
        char message[256];
        for (uint32_t i = 0; i < count; i++)
            values[i] = *shape_constant(s, args[i]->number);
        if (asl__intrinsic_call(function, values, count, NULL, &out, message, sizeof message) < 0)
            return false;
        if (asl_json_size(&out) <= 4096)
            x = shape_value_sym(s, &out);
        asl_release(out);
    }
    if (!x)
        x = known_function(s, function, args, count);
    if (!x)
        x = called_function(s, op, args, count);
    shape_learn(s, OP_INTRINSIC, head, key, rest, x);
    s->at.env.slot[op->operand[0]] = x;
    return true;
}
