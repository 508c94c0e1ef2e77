// Lowering of JSONata expressions.
//
// An expression is a function of the plan, compiled once however often its text occurs; where it stands, an op calls it:
//
//     {% $states.input.n + $bias %}      function /0 "S/Output/n" ($, states.input, bias)
//
//     copy %5 %0                          the values of its free variables, in consecutive slots:
//     copy %6 %3                          $states.input is the raw input, $bias a slot of the machine
//     jx_eval %7 g0 %5 2 k4               k4: its source and its field, for causes
//
// All values are those of the state's entry: variables are written when nothing can fail any more (lower_assign_commit).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../jsonata/jsonata.h"
#include "lower.h"

// What $states.x stands for where we are.
static uint32_t member(struct lower *l, struct scope *s, const char *name) {
    uint32_t slot = strcmp(name, "input") == 0         ? s->states_input
                    : strcmp(name, "result") == 0      ? s->states_result
                    : strcmp(name, "errorOutput") == 0 ? s->states_error
                                                       : ASL_NO_OPERAND;
    if (slot != ASL_NO_OPERAND)
        return slot;
    slot = lower_temp(l, s);
    lower_op(l, s, OP_CONTEXT, OPERANDS(slot));
    return slot;
}

static uint32_t whole(struct lower *l, struct scope *s) {
    static const char *const names[] = {"input", "result", "errorOutput", "context"};
    uint32_t object = lower_temp(l, s), values[4];
    bool has[] = {true, s->states_result != ASL_NO_OPERAND, s->states_error != ASL_NO_OPERAND, true};
    for (size_t i = 0; i < 4; i++)
        if (has[i])
            values[i] = member(l, s, names[i]);
    lower_op(l, s, OP_OBJECT, OPERANDS(object));
    for (size_t i = 0; i < 4; i++)
        if (has[i])
            lower_op(l, s, OP_SET, OPERANDS(object, ir_const_string(l->plan, names[i], strlen(names[i])), values[i]));
    return object;
}

static uint32_t free_variable(struct lower *l, struct scope *s, const char *name) {
    if (strcmp(name, "states") == 0)
        return whole(l, s);
    if (strncmp(name, "states.", 7) == 0)
        return member(l, s, name + 7);
    return lower_variable(l, s, asl_str_z(name));
}

// variant keeps apart what one text is compiled to with different bound names.
static const struct jsonata_expression *compiled(struct lower *l, struct scope *s, const struct expr *e, uintptr_t variant,
                                                 const char *const *bound, size_t bound_count) {
    void **known = names_at(&l->expressions, (const void *)variant, e->u.jsonata.source);
    if (*known)
        return *known;
    struct jsonata_expression *x = *known = arena_alloc(l->arena, sizeof *x);
    struct jsonata_error error;
    struct jsonata_options options = {
        .dialect = JSONATA_STEP_FUNCTIONS,
        .name = arena_format(l->arena, "%s/%s", s->state->name, e->field),
        .bound = bound,
        .bound_count = bound_count,
    };
    if (jsonata_compile_with(l->plan, e->u.jsonata.source, &options, x, &error) < 0) { // it was parsed before, for the checks
        fprintf(stderr, "aslc: internal error: %s: %s\n", options.name, error.message);
        abort();
    }
    return x;
}

static uint32_t description(struct lower *l, const struct expr *e) {
    asl_buffer json = {0};
    asl_buffer_z(&json, "{\"expression\":");
    asl_json_print_string(e->u.jsonata.source, &json);
    asl_buffer_z(&json, ",\"field\":");
    asl_json_print_string(asl_str_z(e->field), &json);
    asl_buffer_byte(&json, '}');
    uint32_t k = ir_const(l->plan, arena_copy(l->arena, json.data, json.size));
    asl_buffer_free(&json);
    return k;
}

static void lower_open(struct lower *l, struct scope *s, const struct expr *e) {
    const char *cause = arena_format(l->arena, "The JSONata expression '%.*s' specified for the field '%s' holds the placeholder "
                                               "%s, which had no value when the workflow was compiled.",
                                     (int)e->u.jsonata.source.size, e->u.jsonata.source.data, e->field,
                                     e->u.jsonata.placeholder);
    lower_op(l, s, OP_FAIL, OPERANDS(ir_const_string(l->plan, cause, strlen(cause))));
}

static void call(struct lower *l, struct scope *s, const struct expr *e, const struct jsonata_expression *x, uint32_t into) {
    uint32_t count = (uint32_t)x->param_count, first = ASL_NO_OPERAND;
    uint32_t *from = arena_alloc(l->arena, (count + 1) * sizeof *from);
    for (uint32_t i = 0; i < count; i++)
        from[i] = free_variable(l, s, x->params[i]);
    if (count == 1) {
        first = from[0];
    } else if (count) {
        first = lower_temps(l, s, count);
        for (uint32_t i = 0; i < count; i++)
            lower_op(l, s, OP_COPY, OPERANDS(first + i, from[i]));
    }
    lower_op(l, s, OP_JX_EVAL, OPERANDS(into, x->function, first, count, description(l, e)));
}

// ---------------------------------------------------------------- variables that hide a function
//
// "Assign": {"count": "{% $count($states.input.items) %}"}: a variable hides the function of its name once it has a value.
// The expression is compiled for both, and the machine looks at the slot.

enum { HIDING_MAX = 4 };

struct hiding {
    const struct expr *expr;
    uint32_t into;
    const char *names[HIDING_MAX]; /* that the expression reads */
    size_t count;
    const char *bound[HIDING_MAX];
    size_t bound_count;
};

static bool is_shadowing(const struct lower *l, const char *name) {
    for (size_t i = 0; i < l->ast->shadowing.count; i++)
        if (strcmp(l->ast->shadowing.items[i], name) == 0)
            return true;
    return false;
}

static void choose(struct lower *l, struct scope *s, struct hiding *h, size_t index, uintptr_t variant) {
    if (index == h->count) {
        call(l, s, h->expr, compiled(l, s, h->expr, variant, h->bound, h->bound_count), h->into);
        return;
    }
    uint32_t value = lower_variable(l, s, asl_str_z(h->names[index])), yes = lower_literal(l, s, "true");
    uint32_t targets[] = {lower_block(l, s, ".variable", false), lower_block(l, s, ".function", false)};
    uint32_t joined = lower_block(l, s, ".evaluated", false);
    lower_exit(l, s, EXIT_IF, targets, 2);
    struct ir_exit *test = lower_current_exit(s);
    test->test = ASL_CHOICE_IS_PRESENT;
    test->a = value;
    test->b = yes;
    for (size_t hidden = 0; hidden < 2; hidden++) {
        size_t bound_count = h->bound_count;
        lower_into(s, targets[hidden]);
        if (hidden == 0)
            h->bound[h->bound_count++] = h->names[index];
        choose(l, s, h, index + 1, variant << 1 | hidden);
        h->bound_count = bound_count;
        lower_exit(l, s, EXIT_JUMP, &joined, 1);
    }
    lower_into(s, joined);
}

uint32_t lower_jsonata(struct lower *l, struct scope *s, const struct expr *e, uint32_t into) {
    lower_at(l, e->span);
    if (into == ASL_NO_OPERAND)
        into = lower_temp(l, s);
    if (e->u.jsonata.placeholder) {
        lower_open(l, s, e);
        return into;
    }
    const struct jsonata_expression *x = compiled(l, s, e, 0, l->ast->shadowing.items, l->ast->shadowing.count);
    struct hiding h = {.expr = e, .into = into};
    for (size_t i = 0; i < x->param_count && h.count < HIDING_MAX; i++)
        if (is_shadowing(l, x->params[i]))
            h.names[h.count++] = x->params[i];
    if (h.count)
        choose(l, s, &h, 0, 1);
    else
        call(l, s, e, x, into);
    return into;
}

// ---------------------------------------------------------------- what fields want

void lower_expect(struct lower *l, struct scope *s, uint32_t slot, asl_expected kind, const struct expr *e) {
    if (e->kind == EXPR_JSONATA)
        lower_op(l, s, OP_EXPECT, OPERANDS(slot, kind, description(l, e)));
}

void lower_condition(struct lower *l, struct scope *s, const struct expr *e, uint32_t yes, uint32_t no) {
    uint32_t targets[] = {yes, no};
    if (e->kind == EXPR_LITERAL) {
        bool holds = asl_str_equal(e->u.json, ASL_STR("true"));
        lower_exit(l, s, EXIT_JUMP, holds ? &targets[0] : &targets[1], 1);
        return;
    }
    uint32_t value = lower_jsonata(l, s, e, ASL_NO_OPERAND);
    lower_op(l, s, OP_CONDITION, OPERANDS(value, description(l, e)));
    lower_exit(l, s, EXIT_BRANCH, targets, 2);
}
