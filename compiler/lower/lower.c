// Lowering: a checked AST becomes a plan, machine by machine and state by state. lower.h has the shape of the result.
#include "lower.h"

#include <stdio.h>
#include <string.h>

// ---------------------------------------------------------------- positions

static void find_lines(struct lower *l) {
    asl_str file = l->source->file;
    *vec_push(l->arena, &l->lines) = 0;
    for (const char *at = file.data, *end = at + file.size; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        *vec_push(l->arena, &l->lines) = (uint32_t)(at + 1 - file.data);
}

void lower_at(struct lower *l, asl_span where) {
    uint32_t offset = source_file_span(l->source, where).start;
    size_t low = 0, high = l->lines.count; // the last line that starts at or before offset
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (l->lines.items[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    l->line = (uint32_t)low + 1;
    l->column = offset - l->lines.items[low] + 1;
}

// ---------------------------------------------------------------- blocks and ops

static struct ir_block *current(struct scope *s) { return s->ir->blocks.items[s->block]; }

uint32_t lower_block(struct lower *l, struct scope *s, const char *suffix, bool resume) {
    const char *name = arena_format(l->arena, "%s%s", s->state ? s->state->name : "", suffix);
    uint32_t b = ir_block_new(l->plan, s->ir, name, s->state ? s->state->number : ASL_NO_OPERAND);
    s->ir->blocks.items[b]->resume = resume;
    s->ir->blocks.items[b]->error = s->error;
    return b;
}

void lower_into(struct scope *s, uint32_t block) { s->block = block; }

void lower_op(struct lower *l, struct scope *s, enum ir_opcode op, const uint32_t *operands) {
    struct ir_op *made = ir_op(l->plan, current(s), op, operands);
    made->line = l->line;
    made->column = l->column;
}

struct ir_exit *lower_current_exit(struct scope *s) { return &current(s)->exit; }

void lower_exit(struct lower *l, struct scope *s, enum ir_exit_kind kind, const uint32_t *targets, uint32_t count) {
    struct ir_exit *e = lower_current_exit(s);
    e->kind = kind;
    e->line = l->line;
    e->column = l->column;
    e->target = arena_alloc(l->arena, (count + 1) * sizeof *e->target);
    if (count)
        memcpy(e->target, targets, count * sizeof *targets);
    e->target_count = count;
}

// ---------------------------------------------------------------- slots

uint32_t lower_temp(struct lower *l, struct scope *s) {
    if (s->temps_used == s->temps.count) {
        const char *name = arena_format(l->arena, "t%zu", s->temps.count);
        *vec_push(l->arena, &s->temps) = ir_slot(l->plan, s->ir, name);
    }
    return s->temps.items[s->temps_used++];
}

uint32_t lower_temps(struct lower *l, struct scope *s, uint32_t count) {
    if (count == 0)
        return 0;
    // Look for `count` unused temporaries with consecutive numbers; the ones skipped wait for the next state.
    uint32_t run = 0;
    for (uint32_t i = s->temps_used; i < s->temps.count; i++) {
        run = run && s->temps.items[i] == s->temps.items[i - 1] + 1 ? run + 1 : 1;
        if (run == count) {
            s->temps_used = i + 1;
            return s->temps.items[i + 1 - count];
        }
    }
    s->temps_used = (uint32_t)s->temps.count;
    uint32_t first = lower_temp(l, s);
    for (uint32_t i = 1; i < count; i++)
        lower_temp(l, s);
    return first;
}

uint32_t lower_named_slot(struct lower *l, struct scope *s, const char *suffix) {
    return ir_slot(l->plan, s->ir, arena_format(l->arena, "%s%s", s->state->name, suffix));
}

static bool assigns(const struct ast_machine *m, asl_str name) {
    for (size_t i = 0; i < m->variables.count; i++)
        if (asl_str_equal(name, asl_str_z(m->variables.items[i])))
            return true;
    return false;
}

uint32_t lower_variable(struct lower *l, struct scope *s, asl_str name) {
    for (size_t i = 0; i < s->variable_count; i++)
        if (asl_str_equal(name, asl_str_z(s->variables[i].name)))
            return s->variables[i].slot;
    const char *copy = arena_copy(l->arena, name.data, name.size);
    uint32_t slot = ir_slot(l->plan, s->ir, arena_format(l->arena, "$%s", copy));
    if (s->variable_count == s->variable_capacity)
        s->variables = vec_grow(l->arena, s->variables, &s->variable_capacity, sizeof *s->variables);
    s->variables[s->variable_count].name = copy;
    s->variables[s->variable_count++].slot = slot;
    // A name that no state of this scope assigns comes from outside. (In a distributed Map only the Map's own fields,
    // lowered into the processor's prologue, may say such a name: check.c has seen to that.)
    if (s->parent && !assigns(s->ast, name)) {
        struct ir_capture capture = {slot, lower_variable(l, s->parent, name)};
        *vec_push(l->arena, &s->ir->captures) = capture;
    }
    return slot;
}

uint32_t lower_literal(struct lower *l, struct scope *s, const char *json) {
    uint32_t slot = lower_temp(l, s);
    lower_op(l, s, OP_CONST, OPERANDS(slot, ir_const(l->plan, json)));
    return slot;
}

// ---------------------------------------------------------------- sites

uint32_t lower_site(struct lower *l, asl_buffer *json) {
    *vec_push(l->arena, &l->plan->sites) = arena_copy(l->arena, json->data, json->size);
    asl_buffer_free(json);
    return (uint32_t)l->plan->sites.count - 1;
}

void lower_json_member(asl_buffer *json, const char *key, const char *text) {
    asl_buffer_format(json, ",\"%s\":", key);
    asl_json_print_string(asl_str_z(text), json);
}

void lower_json_number(asl_buffer *json, const char *key, const struct ast_number *n, const char *path_key) {
    if (!n->given)
        return;
    if (n->expr && n->expr->kind != EXPR_PATH)
        return;
    if (n->expr) {
        asl_str text = asl_path_text(n->expr->u.path);
        asl_buffer_format(json, ",\"%s\":", path_key);
        asl_json_print_string(text, json);
        return;
    }
    char digits[32];
    size_t size = asl_double_print(n->value, digits);
    asl_buffer_format(json, ",\"%s\":%.*s", key, (int)size, digits);
}

// ---------------------------------------------------------------- leaving a state

void lower_limit(struct lower *l, struct scope *s, uint32_t slot) {
    lower_op(l, s, OP_LIMIT, OPERANDS(slot, ir_const_string(l->plan, s->state->name, s->state->name_size)));
}

void lower_leave(struct lower *l, struct scope *s, uint32_t output, const struct ast_state *next) {
    lower_op(l, s, OP_EXIT, OPERANDS(s->state->number, output));
    if (!next) {
        lower_exit(l, s, EXIT_DONE, NULL, 0);
        lower_current_exit(s)->a = output;
        return;
    }
    if (output != 0)
        lower_op(l, s, OP_COPY, OPERANDS(0, output));
    // Every cycle has an edge that does not go forward in the document: there the machine looks up, so that a loop that
    // never waits can be stopped and timed out.
    if (next->number <= s->state->number)
        lower_op(l, s, OP_POLL, OPERANDS(0));
    lower_exit(l, s, EXIT_JUMP, &next->block, 1);
}

// ---------------------------------------------------------------- the plain states

static void lower_pass(struct lower *l, struct scope *s) {
    const struct ast_state *state = s->state;
    uint32_t result;
    if (state->u.pass.result) {
        result = lower_expr(l, s, state->u.pass.result, 0);
    } else {
        result = lower_input_path(l, s);
        if (state->parameters)
            result = lower_expr(l, s, state->parameters, result);
    }
    struct assigned assigned = lower_assign_values(l, s, &state->assign, result);
    uint32_t output = lower_output(l, s, result);
    lower_limit(l, s, output);
    lower_assign_commit(l, s, &assigned);
    lower_leave(l, s, output, state->next);
}

static void lower_succeed(struct lower *l, struct scope *s) {
    uint32_t output = lower_output_path(l, s, lower_input_path(l, s));
    lower_limit(l, s, output);
    lower_leave(l, s, output, NULL);
}

static uint32_t fail_field(struct lower *l, struct scope *s, const struct expr *e, const char *field) {
    if (!e)
        return ASL_NO_OPERAND;
    uint32_t value = e->kind == EXPR_PATH ? lower_path(l, s, e, 0, ASL_PATH_FIELD, field) : lower_expr(l, s, e, 0);
    lower_expect(l, s, value, ASL_EXPECT_STRING, e);
    return value;
}

static void lower_fail(struct lower *l, struct scope *s) {
    uint32_t error = fail_field(l, s, s->state->u.fail.error, "ErrorPath");
    uint32_t cause = fail_field(l, s, s->state->u.fail.cause, "CausePath");
    lower_op(l, s, OP_RAISE, OPERANDS(error, cause));
    lower_exit(l, s, EXIT_FAILED, NULL, 0);
}

static void lower_state(struct lower *l, struct scope *s, const struct ast_state *state) {
    s->state = state;
    s->temps_used = 0;
    s->error = IR_NO_BLOCK;
    s->states_input = 0;
    s->states_result = s->states_error = ASL_NO_OPERAND;
    lower_at(l, state->node->key_span);
    lower_into(s, state->block);
    lower_op(l, s, OP_ENTER, OPERANDS(state->number, 0));
    switch (state->kind) {
    case STATE_TASK: lower_task(l, s); break;
    case STATE_PASS: lower_pass(l, s); break;
    case STATE_CHOICE: lower_choice(l, s); break;
    case STATE_WAIT: lower_wait(l, s); break;
    case STATE_SUCCEED: lower_succeed(l, s); break;
    case STATE_FAIL: lower_fail(l, s); break;
    case STATE_PARALLEL: lower_parallel(l, s); break;
    case STATE_MAP: lower_map(l, s); break;
    }
}

// ---------------------------------------------------------------- machines

// A Map's processor begins with what the Map says of each item: ItemSelector is evaluated on the Map's effective input,
// in the iteration's own context ($$.Map.Item), before the iteration counts as started.
static void lower_item_prologue(struct lower *l, struct scope *s, const struct ast_state *map, uint32_t map_site,
                                uint32_t source_slot) {
    if (map->parameters) {
        uint32_t source = ir_slot(l->plan, s->ir, "source");
        struct ir_capture capture = {source, source_slot};
        *vec_push(l->arena, &s->ir->captures) = capture;
        lower_at(l, map->parameters->span);
        s->states_input = source;
        uint32_t selected = lower_expr(l, s, map->parameters, source);
        lower_op(l, s, OP_COPY, OPERANDS(0, selected));
    }
    lower_op(l, s, OP_ITEM, OPERANDS(map_site));
}

uint32_t lower_machine(struct lower *l, struct scope *parent, const struct ast_machine *m, const char *path,
                       const struct ast_state *map, uint32_t map_site, uint32_t source_slot) {
    struct scope scope = {.parent = parent, .ast = m, .path = path, .error = IR_NO_BLOCK,
                          .states_result = ASL_NO_OPERAND, .states_error = ASL_NO_OPERAND};
    struct scope *s = &scope;
    uint32_t number = (uint32_t)l->plan->machines.count;
    s->ir = ir_machine_new(l->plan, path);
    ir_slot(l->plan, s->ir, "input");
    uint32_t entry = IR_NO_BLOCK;
    if (map) {
        struct ast_state prologue = {.name = map->name, .name_size = map->name_size, .number = map->number};
        s->state = &prologue;
        entry = lower_block(l, s, ".item", false);
        lower_into(s, entry);
        lower_item_prologue(l, s, map, map_site, source_slot);
        s->state = NULL;
    } else if (m->start != m->states[0]) {
        entry = lower_block(l, s, "start", false); // block 0 is the entry, whatever StartAt says
    }
    for (size_t i = 0; i < m->count; i++) {
        s->state = m->states[i];
        m->states[i]->block = lower_block(l, s, "", true); // where a redrive enters it again
    }
    if (entry != IR_NO_BLOCK) {
        lower_into(s, entry);
        // With an ItemSelector: all that can start do so, with their selectors, before the first goes on (18.3).
        bool yields = map && map->parameters;
        if (yields)
            s->ir->blocks.items[m->start->block]->resume = true;
        lower_exit(l, s, yields ? EXIT_SUSPEND : EXIT_JUMP, &m->start->block, 1);
    }
    for (size_t i = 0; i < m->count; i++)
        lower_state(l, s, m->states[i]);
    return number;
}

struct ir_plan *lower(struct arena *a, const struct ast *ast, const struct source *source) {
    struct lower lowering = {.arena = a, .ast = ast, .source = source, .expressions.arena = a}, *l = &lowering;
    l->plan = ir_plan_new(a, ast->name);
    l->plan->express = ast->express;
    l->plan->timeout_seconds = ast->root->timeout_seconds;
    find_lines(l);
    for (size_t i = 0; i < ast->all_count; i++) {
        struct ast_state *state = ast->all[i];
        state->number = (uint32_t)i;
        lower_at(l, state->node->key_span);
        struct ir_state made = {state->name, state_kind_names[state->kind], l->line, l->column};
        *vec_push(a, &l->plan->states) = made;
    }
    lower_machine(l, NULL, ast->root, "/", NULL, ASL_NO_OPERAND, ASL_NO_OPERAND);
    return l->plan;
}
