// An expression as a whole: text in, functions of the plan out.
//
// Function 0 of an expression is its text; each lambda that is not inlined is one more. Bodies are lowered one after
// another, so that nesting of lambdas is no recursion here.
#include "lower.h"

#include <string.h>

struct params {
    struct compiler *compiler;
    VEC(const char *) names;
};

static bool is_bound(const struct compiler *c, asl_str name) {
    for (size_t i = 0; i < c->bound_count; i++)
        if (jl_same(name, c->bound[i]))
            return true;
    return false;
}

static void add_param(struct params *p, const char *name) {
    for (size_t i = 0; i < p->names.count; i++)
        if (strcmp(p->names.items[i], name) == 0)
            return;
    *vec_push(p->compiler->arena, &p->names) = name;
}

static void free_variable(void *arg, const node *at, asl_str name, asl_str field) {
    struct params *p = arg;
    struct compiler *c = p->compiler;
    (void)at;
    if (name.size == 0 || jl_same(name, "$"))
        return;
    if (!is_bound(c, name) && jl_builtin_named(c->dialect, name) >= 0)
        return;
    static const char *const members[] = {"input", "result", "errorOutput", "context"};
    if (c->dialect == JSONATA_STEP_FUNCTIONS && jl_same(name, "states"))
        for (size_t i = 0; i < sizeof members / sizeof *members; i++)
            if (field.data && jl_same(field, members[i])) {
                add_param(p, arena_format(c->arena, "states.%s", members[i]));
                return;
            }
    add_param(p, arena_copy(c->arena, name.data, name.size));
}

static uint32_t root_function(struct compiler *c, const node *tree, const struct params *p) {
    uint32_t number = ir_function_new(c->plan, c->name, (uint32_t)(1 + p->names.count));
    struct function *f = arena_alloc(c->arena, sizeof *f);
    *f = (struct function){.compiler = c, .machine = c->plan->functions.items[number], .error = IR_NO_BLOCK, .wrapped = NONE};
    f->block = ir_block_new(c->plan, f->machine, "entry", ASL_NO_OPERAND);
    ir_slot(c->plan, f->machine, "context");
    f->top = 1;
    jl_scope_open(f);
    for (size_t i = 0; i < p->names.count; i++) {
        uint32_t slot = ir_slot(c->plan, f->machine, p->names.items[i]);
        f->top++;
        jl_scope_add(f, asl_str_z(p->names.items[i]), slot);
    }
    c->input = jl_scope_find(f->scope, ASL_STR("$"));
    if (!c->input) {
        c->input = arena_alloc(c->arena, sizeof *c->input);
        *c->input = (struct variable){.name = ASL_STR("$"), .function = f, .slot = jl_temporary(f)};
        jl_emit(f, OP_JX_UNWRAP, OPERANDS(c->input->slot, 0)); // removed when nobody reads it
    }
    struct jsonata_node *body = (struct jsonata_node *)tree;
    struct jsonata_list list = {&body, 1};
    jl_scope_open(f);
    jl_scope_declare(f, &list, 0, false);
    jl_emit(f, OP_JX_RETURN, OPERANDS(jl_value(f, tree, 0, NONE)));
    struct ir_exit *e = &f->machine->blocks.items[f->block]->exit;
    e->kind = EXIT_RETURN;
    e->a = ASL_DONE;
    return number;
}

int jsonata_compile_with(struct ir_plan *plan, asl_str source, const struct jsonata_options *options,
                         struct jsonata_expression *out, struct jsonata_error *error) {
    struct jsonata_node *tree = jsonata_parse(plan->arena, source, options->dialect, error);
    if (!tree)
        return -1;
    struct compiler *c = arena_alloc(plan->arena, sizeof *c);
    *c = (struct compiler){.arena = plan->arena, .plan = plan, .dialect = options->dialect, .name = options->name,
                           .bound = options->bound, .bound_count = options->bound_count,
                           .depth = options->dialect == JSONATA_STEP_FUNCTIONS || options->depth};
    struct params params = {.compiler = c};
    if (options->evaluated)
        add_param(&params, "$");
    jsonata_variables(c->arena, tree, free_variable, &params);
    out->function = root_function(c, tree, &params);
    for (size_t i = 0; i < c->pending.count; i++)
        jl_lambda_body(c, c->pending.items[i]);
    out->params = params.names.items;
    out->param_count = params.names.count;
    return 0;
}

int jsonata_compile(struct ir_plan *plan, asl_str source, enum jsonata_dialect dialect, const char *name,
                    struct jsonata_expression *out, struct jsonata_error *error) {
    return jsonata_compile_with(plan, source, &(struct jsonata_options){.dialect = dialect, .name = name}, out, error);
}
