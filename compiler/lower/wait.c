// Lowering of Wait: the timer is started, and the state goes on at "S.result" when it has run out.
#include "lower.h"

void lower_wait(struct lower *l, struct scope *s) {
    const struct ast_state *state = s->state;
    const struct expr *timestamp = state->u.wait.timestamp;
    asl_buffer json = {0};
    asl_buffer_format(&json, "{\"state\":%u,\"kind\":\"wait\"", state->number);
    if (state->language == QUERY_JSONATA)
        asl_buffer_z(&json, ",\"jsonata\":true");
    if (state->u.wait.seconds.expr)
        lower_json_number(&json, "seconds", &state->u.wait.seconds, "secondsPath");
    if (timestamp && timestamp->kind == EXPR_PATH) {
        asl_buffer_z(&json, ",\"timestampPath\":");
        asl_json_print_string(asl_path_text(timestamp->u.path), &json);
    }
    asl_buffer_byte(&json, '}');
    uint32_t site = lower_site(l, &json);

    uint32_t input = lower_input_path(l, s), until;
    if (timestamp) {
        until = lower_path(l, s, timestamp, input, ASL_PATH_OPTIONAL, NULL);
        lower_expect(l, s, until, ASL_EXPECT_STRING, timestamp);
    } else if (state->u.wait.seconds.expr) {
        until = lower_number(l, s, &state->u.wait.seconds, input, ASL_PATH_OPTIONAL);
    } else {
        until = lower_literal(l, s, arena_format(l->arena, "%lld", (long long)state->u.wait.seconds.value));
    }
    uint32_t over = lower_block(l, s, ".result", true);
    lower_op(l, s, timestamp ? OP_WAIT_UNTIL : OP_WAIT_SECONDS, OPERANDS(site, until));
    lower_exit(l, s, EXIT_SUSPEND, &over, 1);

    lower_into(s, over);
    uint32_t nothing = lower_temp(l, s);
    lower_op(l, s, OP_RESULT, OPERANDS(nothing));
    struct assigned assigned = lower_assign_values(l, s, &state->assign, input);
    uint32_t output = lower_output_path(l, s, input);
    if (state->output)
        lower_limit(l, s, output);
    lower_assign_commit(l, s, &assigned);
    lower_leave(l, s, output, state->next);
}
