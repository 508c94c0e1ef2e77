// Lowering of Parallel and Map.
//
// A branch or processor is a machine of its own. Here we only emit the fork in the parent:
//
//     S.attempt:  InputPath, Parameters | ItemsPath, limits; parallel | map -> suspend   (the runtime starts child frames)
//                 JSONata: Arguments | Items, limits
//     S.result:   the array of outputs, in order of branches or items
//     S.error:    the first failure; siblings are cancelled before we get here
//
// Nothing in here knows how children run; see runtime/fanout.c.
#include "lower.h"

static const char *child_path(struct lower *l, const struct scope *s, const char *suffix) {
    bool top = s->path[1] == '\0';
    return arena_format(l->arena, "%s/%s%s", top ? "" : s->path, s->state->name, suffix);
}

void lower_parallel(struct lower *l, struct scope *s) {
    const struct ast_state *state = s->state;
    uint32_t error = lower_error_block(l, s);
    s->error = error;
    uint32_t attempt = lower_block(l, s, ".attempt", true), answered = lower_block(l, s, ".result", true);
    lower_exit(l, s, EXIT_JUMP, &attempt, 1);

    asl_buffer json = {0};
    asl_buffer_format(&json, "{\"state\":%u,\"kind\":\"parallel\",\"machines\":[", state->number);
    for (size_t i = 0; i < state->u.parallel.count; i++) {
        const char *path = child_path(l, s, arena_format(l->arena, ".%zu", i));
        uint32_t line = l->line, column = l->column;
        uint32_t machine = lower_machine(l, s, state->u.parallel.branches[i], path, NULL, ASL_NO_OPERAND, ASL_NO_OPERAND);
        asl_buffer_format(&json, i ? ",%u" : "%u", machine);
        l->line = line;
        l->column = column;
    }
    asl_buffer_byte(&json, ']');
    lower_site_errors(state, &json);
    asl_buffer_byte(&json, '}');
    uint32_t site = lower_site(l, &json);

    lower_into(s, attempt);
    uint32_t input = lower_input_path(l, s);
    if (state->parameters)
        input = lower_expr(l, s, state->parameters, input);
    lower_at(l, state->node->key_span);
    lower_op(l, s, OP_PARALLEL, OPERANDS(site, input));
    lower_exit(l, s, EXIT_SUSPEND, &answered, 1);

    lower_into(s, answered);
    lower_result(l, s);
    lower_errors(l, s, error, site, attempt);
}

void lower_map(struct lower *l, struct scope *s) {
    const struct ast_state *state = s->state;
    const struct ast_path *items_path = &state->u.map.items_path;
    uint32_t error = lower_error_block(l, s);
    s->error = error;
    uint32_t attempt = lower_block(l, s, ".attempt", true), answered = lower_block(l, s, ".result", true);
    lower_exit(l, s, EXIT_JUMP, &attempt, 1);
    lower_into(s, attempt);
    uint32_t input = lower_input_path(l, s);
    uint32_t source = ASL_NO_OPERAND;
    if (state->parameters) { // ItemSelector reads the effective input for every item: keep it while they run
        source = lower_named_slot(l, s, ".source");
        lower_op(l, s, OP_COPY, OPERANDS(source, input));
    }
    uint32_t items = input;
    if (items_path->presence == PATH_GIVEN) {
        items = lower_path(l, s, items_path->expr, input, ASL_PATH_OPTIONAL, NULL);
    } else if (state->u.map.items) {
        items = lower_expr(l, s, state->u.map.items, input);
        lower_expect(l, s, items, ASL_EXPECT_ARRAY, state->u.map.items);
    }
    uint32_t concurrency = lower_number(l, s, &state->u.map.max_concurrency, input, ASL_PATH_INVALID);
    uint32_t count = lower_number(l, s, &state->u.map.tolerated_count, input, ASL_PATH_INVALID);
    uint32_t percentage = lower_number(l, s, &state->u.map.tolerated_percentage, input, ASL_PATH_INVALID);

    // The site is numbered before the processor is lowered, whose prologue names it; its text is filled in afterwards.
    uint32_t site = (uint32_t)l->plan->sites.count;
    *vec_push(l->arena, &l->plan->sites) = "{}";
    uint32_t line = l->line, column = l->column;
    uint32_t machine = lower_machine(l, s, state->u.map.processor, child_path(l, s, ""), state, site, source);
    l->line = line;
    l->column = column;
    asl_buffer json = {0};
    asl_buffer_format(&json, "{\"state\":%u,\"kind\":\"map\",\"machines\":[%u]", state->number, machine);
    lower_json_number(&json, "maxConcurrency", &state->u.map.max_concurrency, "maxConcurrencyPath");
    lower_json_number(&json, "toleratedFailureCount", &state->u.map.tolerated_count, "toleratedFailureCountPath");
    lower_json_number(&json, "toleratedFailurePercentage", &state->u.map.tolerated_percentage, "toleratedFailurePercentagePath");
    if (state->language == QUERY_JSONATA)
        asl_buffer_z(&json, ",\"jsonata\":true");
    if (state->parameters)
        asl_buffer_z(&json, ",\"itemSelector\":true");
    if (items_path->presence == PATH_GIVEN && items_path->expr->kind == EXPR_PATH) {
        asl_buffer_z(&json, ",\"itemsPath\":");
        asl_json_print_string(asl_path_text(items_path->expr->u.path), &json);
    }
    if (state->u.map.processor->distributed)
        asl_buffer_format(&json, ",\"distributed\":true,\"executionType\":\"%s\"",
                          state->u.map.processor->express ? "EXPRESS" : "STANDARD");
    if (state->u.map.label)
        lower_json_member(&json, "label", state->u.map.label);
    lower_site_errors(state, &json);
    asl_buffer_byte(&json, '}');
    l->plan->sites.items[site] = arena_copy(l->arena, json.data, json.size);
    asl_buffer_free(&json);

    lower_at(l, state->node->key_span);
    lower_op(l, s, OP_MAP, OPERANDS(site, input, items, concurrency, count, percentage));
    lower_exit(l, s, EXIT_SUSPEND, &answered, 1);

    lower_into(s, answered);
    lower_result(l, s);
    lower_errors(l, s, error, site, attempt);
}
