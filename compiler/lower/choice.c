// Lowering of Choice: And, Or and Not become control flow, each data test one `if`, each Condition one `condition`.
//
//     S:           enter; InputPath; first test
//     S.choice.k:  rule k holds: Assign, OutputPath or Output, next state
//     S.default:   none does
#include "lower.h"

// Tests rule; control goes to block yes or no. Leaves no open block.
static void lower_rule(struct lower *l, struct scope *s, const struct ast_rule *rule, uint32_t input, uint32_t yes,
                       uint32_t no) {
    switch (rule->kind) {
    case RULE_NOT: lower_rule(l, s, rule->children[0], input, no, yes); return;
    case RULE_AND:
    case RULE_OR:
        for (size_t i = 0; i < rule->count; i++) {
            bool last = i + 1 == rule->count;
            uint32_t next = last ? IR_NO_BLOCK : lower_block(l, s, ".test", false);
            if (rule->kind == RULE_AND)
                lower_rule(l, s, rule->children[i], input, last ? yes : next, no);
            else
                lower_rule(l, s, rule->children[i], input, yes, last ? no : next);
            if (!last)
                lower_into(s, next);
        }
        return;
    case RULE_CONDITION:
        s->temps_used = 0;
        lower_at(l, rule->node->span);
        lower_condition(l, s, rule->condition, yes, no);
        return;
    case RULE_TEST: break;
    }
    lower_at(l, rule->node->span);
    s->temps_used = 0;
    if (input != 0)
        s->temps_used = 1; // the InputPath result keeps the first temporary
    asl_path_mode mode = rule->op == ASL_CHOICE_IS_PRESENT ? ASL_PATH_OPTIONAL : ASL_PATH_CHOICE;
    uint32_t value = lower_path(l, s, rule->variable, input, mode, NULL);
    uint32_t operand = rule->operand->kind == EXPR_PATH ? lower_path(l, s, rule->operand, input, ASL_PATH_CHOICE, NULL)
                                                        : lower_expr(l, s, rule->operand, input);
    uint32_t targets[] = {yes, no};
    lower_at(l, rule->node->span);
    lower_exit(l, s, EXIT_IF, targets, 2);
    struct ir_exit *e = lower_current_exit(s);
    e->test = rule->op;
    e->a = value;
    e->b = operand;
}

// expression: what replaces Output, in a JSONata state; NULL: the input.
static void lower_outcome(struct lower *l, struct scope *s, const struct ast_assigns *assign, const struct expr *expression,
                          uint32_t input, const struct ast_state *next) {
    const struct ast_path *p = &s->state->output_path;
    s->temps_used = input != 0;
    struct assigned assigned = lower_assign_values(l, s, assign, input);
    uint32_t output = input;
    if (expression) {
        output = lower_expr(l, s, expression, input);
        lower_limit(l, s, output);
    } else if (p->presence == PATH_NULL)
        output = lower_literal(l, s, "{}");
    else if (p->presence == PATH_GIVEN)
        output = lower_path(l, s, p->expr, input, ASL_PATH_INVALID, NULL);
    lower_assign_commit(l, s, &assigned);
    lower_leave(l, s, output, next);
}

void lower_choice(struct lower *l, struct scope *s) {
    const struct ast_state *state = s->state;
    uint32_t input = lower_input_path(l, s);
    if (input != 0) { // keep it in the first temporary, where the tests expect it
        s->temps_used = 0;
        uint32_t kept = lower_temp(l, s);
        if (kept != input)
            lower_op(l, s, OP_COPY, OPERANDS(kept, input));
        input = kept;
    }
    for (size_t i = 0; i < state->u.choice.count; i++) {
        const struct ast_rule *rule = state->u.choice.rules[i];
        bool last = i + 1 == state->u.choice.count;
        uint32_t yes = lower_block(l, s, arena_format(l->arena, ".choice.%zu", i), false);
        uint32_t no = lower_block(l, s, last ? ".default" : ".test", false);
        lower_rule(l, s, rule, input, yes, no);
        lower_into(s, yes);
        lower_outcome(l, s, &rule->assign, rule->output, input, rule->next);
        lower_into(s, no);
    }
    lower_at(l, state->node->key_span);
    if (state->u.choice.otherwise) {
        lower_outcome(l, s, &state->assign, state->output, input, state->u.choice.otherwise);
        return;
    }
    static const char none[] = "Failed to transition out of the state. The state does not point to a next state.";
    lower_op(l, s, OP_FAIL, OPERANDS(ir_const_string(l->plan, none, sizeof none - 1)));
    lower_exit(l, s, EXIT_FAILED, NULL, 0);
}
