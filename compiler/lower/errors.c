// Lowering of Retry and Catch.
//
// Policy is data: the retriers and the catchers' error names go into the site, and the runtime answers "again after d"
// or "catcher k". Control flow is code:
//
//     S.error:    retry site -> S.attempt, else S.catch        (only with Retry)
//     S.catch:    catch site -> S.catch.0, S.catch.1, …, else the machine fails
//     S.catch.k:  error_output, Assign, ResultPath on the raw input (JSONata: Output), next state
//
// An error inside S.catch.k is final: later catchers are not tried (asl-language 16).
#include "lower.h"

static void names(asl_buffer *json, const char **errors, size_t count) {
    asl_buffer_byte(json, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            asl_buffer_byte(json, ',');
        asl_json_print_string(asl_str_z(errors[i]), json);
    }
    asl_buffer_byte(json, ']');
}

void lower_site_errors(const struct ast_state *state, asl_buffer *json) {
    if (state->retrier_count) {
        asl_buffer_z(json, ",\"retry\":[");
        for (size_t i = 0; i < state->retrier_count; i++) {
            const struct ast_retrier *r = &state->retriers[i];
            char rate[32];
            size_t size = asl_double_print(r->backoff_rate, rate);
            asl_buffer_z(json, i ? ",{\"errorEquals\":" : "{\"errorEquals\":");
            names(json, r->errors, r->error_count);
            asl_buffer_format(json, ",\"intervalSeconds\":%lld,\"maxAttempts\":%lld,\"backoffRate\":%.*s",
                              (long long)r->interval_seconds, (long long)r->max_attempts, (int)size, rate);
            if (r->max_delay_seconds)
                asl_buffer_format(json, ",\"maxDelaySeconds\":%lld", (long long)r->max_delay_seconds);
            asl_buffer_z(json, r->jitter ? ",\"jitter\":true}" : "}");
        }
        asl_buffer_byte(json, ']');
    }
    if (state->catcher_count) {
        asl_buffer_z(json, ",\"catch\":[");
        for (size_t i = 0; i < state->catcher_count; i++) {
            if (i)
                asl_buffer_byte(json, ',');
            names(json, state->catchers[i].errors, state->catchers[i].error_count);
        }
        asl_buffer_byte(json, ']');
    }
}

uint32_t lower_error_block(struct lower *l, struct scope *s) {
    return s->state->retrier_count || s->state->catcher_count ? lower_block(l, s, ".error", false) : IR_NO_BLOCK;
}

static void lower_catcher(struct lower *l, struct scope *s, const struct ast_catcher *c) {
    lower_at(l, c->node->span);
    uint32_t output = lower_temp(l, s);
    lower_op(l, s, OP_ERROR_OUTPUT, OPERANDS(output));
    s->states_error = output;
    struct assigned assigned = lower_assign_values(l, s, &c->assign, output);
    output = c->output ? lower_expr(l, s, c->output, output) : lower_result_path(l, s, &c->result_path, output);
    s->states_error = ASL_NO_OPERAND;
    lower_limit(l, s, output);
    lower_assign_commit(l, s, &assigned);
    lower_leave(l, s, output, c->next);
}

void lower_errors(struct lower *l, struct scope *s, uint32_t error_block, uint32_t site, uint32_t attempt) {
    const struct ast_state *state = s->state;
    if (error_block == IR_NO_BLOCK)
        return;
    s->error = IR_NO_BLOCK;
    lower_at(l, state->node->key_span);
    lower_into(s, error_block);
    if (state->retrier_count) {
        uint32_t targets[] = {attempt, lower_block(l, s, ".catch", false)};
        lower_exit(l, s, EXIT_RETRY, targets, 2);
        lower_current_exit(s)->site = site;
        lower_into(s, targets[1]);
    }
    uint32_t *handlers = arena_alloc(l->arena, (state->catcher_count + 1) * sizeof *handlers);
    for (size_t i = 0; i < state->catcher_count; i++)
        handlers[i] = lower_block(l, s, arena_format(l->arena, ".catch.%zu", i), false);
    lower_exit(l, s, EXIT_CATCH, handlers, (uint32_t)state->catcher_count);
    lower_current_exit(s)->site = site;
    for (size_t i = 0; i < state->catcher_count; i++) {
        s->temps_used = 0;
        lower_into(s, handlers[i]);
        lower_catcher(l, s, &state->catchers[i]);
    }
}
