// Lowering of Task, and of what Task, Parallel and Map have in common once their work has answered.
//
//     S:          enter
//     S.attempt:  attempt site; InputPath, Parameters, time limits; task -> suspend   (a retry evaluates them anew)
//     S.result:   result; ResultSelector, Assign, ResultPath, OutputPath (JSONata: Assign, Output); exit
#include "lower.h"

void lower_result(struct lower *l, struct scope *s) {
    const struct ast_state *state = s->state;
    s->temps_used = 0;
    uint32_t raw = lower_temp(l, s), result = raw;
    lower_op(l, s, OP_RESULT, OPERANDS(raw));
    s->states_result = raw;
    if (state->result_selector)
        result = lower_expr(l, s, state->result_selector, raw);
    // Assign sees what ResultSelector sees, and neither sees the other (asl-language 4.1).
    struct assigned assigned = lower_assign_values(l, s, &state->assign, raw);
    uint32_t output = lower_output(l, s, result);
    lower_limit(l, s, output);
    lower_assign_commit(l, s, &assigned);
    lower_leave(l, s, output, state->next);
    s->states_result = ASL_NO_OPERAND;
}

void lower_task(struct lower *l, struct scope *s) {
    const struct ast_state *state = s->state;
    asl_buffer json = {0};
    asl_buffer_format(&json, "{\"state\":%u,\"kind\":\"task\"", state->number);
    lower_json_member(&json, "resource", state->u.task.resource);
    lower_json_number(&json, "timeoutSeconds", &state->u.task.timeout, "timeoutPath");
    lower_json_number(&json, "heartbeatSeconds", &state->u.task.heartbeat, "heartbeatPath");
    if (state->language == QUERY_JSONATA)
        asl_buffer_z(&json, ",\"jsonata\":true");
    lower_site_errors(state, &json);
    asl_buffer_byte(&json, '}');
    uint32_t site = lower_site(l, &json);

    uint32_t error = lower_error_block(l, s);
    s->error = error;
    uint32_t attempt = lower_block(l, s, ".attempt", true), answered = lower_block(l, s, ".result", true);
    lower_exit(l, s, EXIT_JUMP, &attempt, 1);

    lower_into(s, attempt);
    lower_op(l, s, OP_ATTEMPT, OPERANDS(site));
    uint32_t payload = lower_input_path(l, s);
    uint32_t input = payload;
    if (state->parameters)
        payload = lower_expr(l, s, state->parameters, input);
    uint32_t role = ASL_NO_OPERAND;
    if (state->u.task.role) { // one that is not found fails the state before the call
        role = lower_expr(l, s, state->u.task.role, input);
        lower_expect(l, s, role, ASL_EXPECT_STRING, state->u.task.role);
    }
    uint32_t timeout = lower_number(l, s, &state->u.task.timeout, input, ASL_PATH_INVALID);
    uint32_t heartbeat = lower_number(l, s, &state->u.task.heartbeat, input, ASL_PATH_INVALID);
    lower_at(l, state->node->key_span);
    lower_op(l, s, OP_TASK, OPERANDS(site, payload, timeout, heartbeat, role));
    lower_exit(l, s, EXIT_SUSPEND, &answered, 1);

    lower_into(s, answered);
    lower_result(l, s);
    lower_errors(l, s, error, site, attempt);
}
