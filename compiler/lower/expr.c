// Lowering of paths, intrinsic calls and payload templates, and of the fields that move data through a state
// (asl-language 4.1).
#include <stdlib.h>
#include <string.h>

#include "lower.h"

// ---------------------------------------------------------------- paths

// What a path starts from: the field's input, the Context object, or a variable, which must have a value unless the
// path is allowed to find nothing.
static uint32_t root(struct lower *l, struct scope *s, const asl_path *path, uint32_t number, uint32_t input,
                     asl_path_mode mode) {
    switch (asl_path_root_of(path)) {
    case ASL_ROOT_CONTEXT: {
        uint32_t context = lower_temp(l, s);
        lower_op(l, s, OP_CONTEXT, OPERANDS(context));
        return context;
    }
    case ASL_ROOT_VARIABLE: {
        uint32_t variable = lower_variable(l, s, asl_path_variable(path));
        if (mode == ASL_PATH_OPTIONAL)
            return variable;
        uint32_t checked = lower_temp(l, s);
        lower_op(l, s, OP_VARIABLE, OPERANDS(checked, variable, number));
        return checked;
    }
    case ASL_ROOT_INPUT: break;
    }
    return input;
}

static uint32_t path_number(struct lower *l, const asl_path *path) {
    asl_str text = asl_path_text(path);
    return ir_path(l->plan, arena_copy(l->arena, text.data, text.size));
}

// into: where the value must go, or ASL_NO_OPERAND.
static uint32_t path_to(struct lower *l, struct scope *s, const struct expr *e, uint32_t input, asl_path_mode mode,
                        const char *field, uint32_t into) {
    lower_at(l, e->span);
    const asl_path *path = e->u.path;
    uint32_t number = path_number(l, path), from = root(l, s, path, number, input, mode);
    if (asl_path_steps(path) == 0)
        return from;
    uint32_t field_constant = field ? ir_const_string(l->plan, field, strlen(field)) : ASL_NO_OPERAND;
    if (into == ASL_NO_OPERAND)
        into = lower_temp(l, s);
    lower_op(l, s, OP_PATH, OPERANDS(into, from, number, mode, field_constant));
    return into;
}

uint32_t lower_path(struct lower *l, struct scope *s, const struct expr *e, uint32_t input, asl_path_mode mode,
                    const char *field) {
    if (e->kind != EXPR_PATH)
        return lower_expr(l, s, e, input); // JSONata, or an opaque placeholder
    return path_to(l, s, e, input, mode, field, ASL_NO_OPERAND);
}

// ---------------------------------------------------------------- templates

static uint32_t expr_to(struct lower *l, struct scope *s, const struct expr *e, uint32_t input, uint32_t into);

static uint32_t call_to(struct lower *l, struct scope *s, const struct expr *e, uint32_t input, uint32_t into) {
    uint32_t first = lower_temps(l, s, (uint32_t)e->u.call.count);
    asl_str source = e->u.call.source;
    const char *whole = arena_copy(l->arena, source.data, source.size);
    for (uint32_t i = 0; i < e->u.call.count; i++) {
        const struct expr *arg = e->u.call.args[i];
        uint32_t at = first + i, got = arg->kind == EXPR_PATH
                                           ? path_to(l, s, arg, input, ASL_PATH_ARGUMENT, whole, at)
                                           : expr_to(l, s, arg, input, at);
        if (got != at)
            lower_op(l, s, OP_COPY, OPERANDS(at, got));
    }
    lower_at(l, e->span);
    if (into == ASL_NO_OPERAND)
        into = lower_temp(l, s);
    lower_op(l, s, OP_INTRINSIC, OPERANDS(into, e->u.call.function, ir_const_string(l->plan, whole, source.size),
                                          e->u.call.count ? first : ASL_NO_OPERAND, (uint32_t)e->u.call.count));
    return into;
}

static void set(struct lower *l, struct scope *s, uint32_t object, const char *key, uint32_t value) {
    lower_op(l, s, OP_SET, OPERANDS(object, ir_const_string(l->plan, key, strlen(key)), value));
}

// The service writes a template's static keys first, in the definition's order, then the ".$" keys in the order of a
// java.util.HashMap of their names (recorded, 17). Literal fields at the front become one constant.
static uint32_t object_to(struct lower *l, struct scope *s, const struct expr *e, uint32_t input, uint32_t into) {
    size_t count = e->u.object.count, dynamic = 0, literal = 0;
    const struct expr_field **ordered = arena_alloc(l->arena, (count + 1) * sizeof(void *));
    size_t filled = 0;
    asl_buffer constant = {0};
    for (size_t i = 0; i < count; i++) {
        const struct expr_field *f = &e->u.object.fields[i];
        dynamic += f->dynamic;
        if (!f->dynamic)
            ordered[filled++] = f;
    }
    while (literal < filled && ordered[literal]->value->kind == EXPR_LITERAL) {
        asl_buffer_byte(&constant, literal ? ',' : '{');
        asl_json_print_string(asl_str_z(ordered[literal]->key), &constant);
        asl_buffer_byte(&constant, ':');
        asl_buffer_str(&constant, ordered[literal++]->value->u.json);
    }
    asl_str *keys = arena_alloc(l->arena, (dynamic + 1) * sizeof *keys);
    const struct expr_field **by_key = arena_alloc(l->arena, (dynamic + 1) * sizeof(void *));
    size_t *order = arena_alloc(l->arena, (dynamic + 1) * sizeof *order), n = 0;
    for (size_t i = 0; i < count; i++)
        if (e->u.object.fields[i].dynamic) {
            by_key[n] = &e->u.object.fields[i];
            keys[n++] = asl_str_z(e->u.object.fields[i].key);
        }
    asl_java_hash_order(keys, dynamic, order);
    for (size_t i = 0; i < dynamic; i++)
        ordered[filled++] = by_key[order[i]];

    if (into == ASL_NO_OPERAND)
        into = lower_temp(l, s);
    // The values come first and the object last: `into` may be the slot that a value is still read from.
    uint32_t *values = arena_alloc(l->arena, (filled + 1) * sizeof *values);
    for (size_t i = literal; i < filled; i++)
        values[i] = expr_to(l, s, ordered[i]->value, input, ASL_NO_OPERAND);
    lower_at(l, e->span);
    if (literal) {
        asl_buffer_byte(&constant, '}');
        lower_op(l, s, OP_CONST, OPERANDS(into, ir_const(l->plan, constant.data)));
    } else {
        lower_op(l, s, OP_OBJECT, OPERANDS(into));
    }
    asl_buffer_free(&constant);
    for (size_t i = literal; i < filled; i++)
        set(l, s, into, ordered[i]->key, values[i]);
    return into;
}

static uint32_t array_to(struct lower *l, struct scope *s, const struct expr *e, uint32_t input, uint32_t into) {
    uint32_t *values = arena_alloc(l->arena, (e->u.array.count + 1) * sizeof *values);
    for (size_t i = 0; i < e->u.array.count; i++)
        values[i] = expr_to(l, s, e->u.array.items[i], input, ASL_NO_OPERAND);
    lower_at(l, e->span);
    if (into == ASL_NO_OPERAND)
        into = lower_temp(l, s);
    lower_op(l, s, OP_ARRAY, OPERANDS(into));
    for (size_t i = 0; i < e->u.array.count; i++)
        lower_op(l, s, OP_PUSH, OPERANDS(into, values[i]));
    return into;
}

static uint32_t expr_to(struct lower *l, struct scope *s, const struct expr *e, uint32_t input, uint32_t into) {
    switch (e->kind) {
    case EXPR_LITERAL:
        if (into == ASL_NO_OPERAND)
            into = lower_temp(l, s);
        lower_at(l, e->span);
        lower_op(l, s, OP_CONST, OPERANDS(into, ir_const(l->plan, arena_copy(l->arena, e->u.json.data, e->u.json.size))));
        return into;
    case EXPR_PATH: return path_to(l, s, e, input, ASL_PATH_TEMPLATE, e->field, into);
    case EXPR_CALL: return call_to(l, s, e, input, into);
    case EXPR_OBJECT: return object_to(l, s, e, input, into);
    case EXPR_ARRAY: return array_to(l, s, e, input, into);
    case EXPR_JSONATA: return lower_jsonata(l, s, e, into);
    }
    return input;
}

uint32_t lower_expr(struct lower *l, struct scope *s, const struct expr *e, uint32_t input) {
    return expr_to(l, s, e, input, ASL_NO_OPERAND);
}

// ---------------------------------------------------------------- the data flow of a state

uint32_t lower_input_path(struct lower *l, struct scope *s) {
    const struct ast_path *p = &s->state->input_path;
    if (p->presence == PATH_NULL)
        return lower_literal(l, s, "{}");
    return p->presence == PATH_GIVEN ? lower_path(l, s, p->expr, 0, ASL_PATH_INVALID, NULL) : 0;
}

uint32_t lower_result_path(struct lower *l, struct scope *s, const struct ast_path *p, uint32_t result) {
    if (p->presence == PATH_NULL)
        return 0; // the raw input, unchanged
    if (p->presence == PATH_ABSENT || p->expr->kind != EXPR_PATH || asl_path_steps(p->expr->u.path) == 0)
        return result;
    lower_at(l, p->expr->span);
    uint32_t combined = lower_temp(l, s);
    lower_op(l, s, OP_PUT, OPERANDS(combined, 0, result, path_number(l, p->expr->u.path)));
    return combined;
}

uint32_t lower_output_path(struct lower *l, struct scope *s, uint32_t value) {
    const struct ast_path *p = &s->state->output_path;
    if (s->state->output)
        return lower_expr(l, s, s->state->output, value);
    if (p->presence == PATH_NULL)
        return lower_literal(l, s, "{}");
    return p->presence == PATH_GIVEN ? lower_path(l, s, p->expr, value, ASL_PATH_INVALID, NULL) : value;
}

uint32_t lower_output(struct lower *l, struct scope *s, uint32_t result) {
    return lower_output_path(l, s, lower_result_path(l, s, &s->state->result_path, result));
}

struct assigned lower_assign_values(struct lower *l, struct scope *s, const struct ast_assigns *a, uint32_t input) {
    struct assigned assigned = {a, arena_alloc(l->arena, (a->count + 1) * sizeof(uint32_t))};
    for (size_t i = 0; i < a->count; i++)
        assigned.values[i] = lower_expr(l, s, a->items[i].value, input);
    return assigned;
}

void lower_assign_commit(struct lower *l, struct scope *s, const struct assigned *a) {
    for (size_t i = 0; i < a->assigns->count; i++) {
        const char *name = a->assigns->items[i].name;
        lower_op(l, s, OP_ASSIGN, OPERANDS(a->values[i], (uint32_t)i, ir_const_string(l->plan, name, strlen(name))));
    }
    for (size_t i = 0; i < a->assigns->count; i++) {
        uint32_t variable = lower_variable(l, s, asl_str_z(a->assigns->items[i].name));
        lower_op(l, s, OP_COPY, OPERANDS(variable, a->values[i]));
    }
}

uint32_t lower_number(struct lower *l, struct scope *s, const struct ast_number *n, uint32_t input, asl_path_mode mode) {
    if (!n->given || !n->expr)
        return ASL_NO_OPERAND;
    uint32_t value = lower_path(l, s, n->expr, input, mode, NULL);
    lower_expect(l, s, value, ASL_EXPECT_NUMBER, n->expr);
    return value;
}
