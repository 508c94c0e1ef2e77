// Shape: a state is run block by block, in an order in which all ways to a block are there before it.
#include "opt/shape/shape.h"

// What several paths through a state have in common. Where they differ, what they know goes into slots that are theirs.
static void join(struct shape *s, uint32_t block, const struct arrivals *a) {
    uint32_t out = shape_new_block(s, s->from[block]->name, s->state);
    struct env e = shape_env_copy(s, &a->items.items[0].env);
    e.events = e.states = 0;
    for (size_t i = 0; i < a->items.count; i++) {
        s->at = a->items.items[i];
        shape_count_events(s);
        a->items.items[i].env.events = a->items.items[i].env.states = 0;
    }
    for (uint32_t slot = 0; slot < s->home; slot++) {
        bool same = true, numbers = true, reals = true, all = true;
        uint32_t types = 0, wanted = 53;
        struct range range = {INT64_MAX, INT64_MIN};
        for (size_t i = 0; i < a->items.count; i++) {
            struct sym *x = a->items.items[i].env.slot[slot];
            same = same && x == e.slot[slot];
            all = all && x && x->kind != TEST;
            if (all) {
                struct sym *n = numbers || reals ? shape_known_number(s, &a->items.items[i].env, x) : NULL;
                numbers = numbers && n;
                struct range r = n ? shape_range_of(s, &a->items.items[i].env, n) : ANY_INTEGER;
                range.least = r.least < range.least ? r.least : range.least;
                range.most = r.most > range.most ? r.most : range.most;
                reals = reals && (n ? shape_in_range(r, shape_bits(53)) : shape_is_real(s, x));
                types |= shape_types_of(&a->items.items[i].env, x);
                wanted = n || x->wanted ? wanted : 0;
            }
        }
        if (same)
            continue;
        if (!all || !shape_is_live(s, block, slot)) {
            e.slot[slot] = NULL;
            continue;
        }
        e.slot[slot] = numbers ? shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT))
                       : reals ? shape_sym_new(s, REAL, s->m->numbers++, TYPE(ASL_INT) | TYPE(ASL_DOUBLE))
                               : shape_sym_new(s, SLOT, shape_new_slot(s), types);
        e.slot[slot]->range = range;
        e.slot[slot]->wanted = wanted;
        for (size_t i = 0; i < a->items.count; i++) {
            s->at = a->items.items[i];
            struct sym *x = s->at.env.slot[slot];
            if (numbers)
                shape_append(s, OP_MOVE, OPERANDS(e.slot[slot]->number, shape_number_operand(shape_known_number(s, &s->at.env, x))));
            else if (reals)
                shape_append(s, OP_MOVE, OPERANDS(e.slot[slot]->number, shape_to_real(s, x)->number));
            else
                shape_append(s, OP_COPY, OPERANDS(e.slot[slot]->number, shape_in_slot(s, x)));
            a->items.items[i] = s->at;
        }
    }
    size_t kept = 0;
    for (size_t f = 0; f < e.facts.count; f++) {
        const struct fact *x = &e.facts.items[f];
        bool common = true;
        for (size_t i = 1; i < a->items.count && common; i++) {
            const struct env *o = &a->items.items[i].env;
            common = x->op == OP_GUARD    ? !(shape_types_of(o, x->s) & ~(uint32_t)x->a)
                     : x->op == OP_WITHIN ? shape_in_range(shape_range_of(s, o, x->s), (struct range){(int64_t)x->a, (int64_t)x->b})
                                          : shape_find(o, x->op, x->s, x->a, x->b) == x->result;
        }
        if (common)
            e.facts.items[kept++] = *x;
    }
    e.facts.count = kept;
    for (size_t i = 0; i < a->items.count; i++) {
        s->at = a->items.items[i];
        shape_leave_block(s, EXIT_JUMP, out, 0, 1);
    }
    s->at = (struct cursor){out, e};
}

static void run_condition(struct shape *s, const struct ir_op *op, uint32_t yes, uint32_t no) {
    struct sym *x = s->at.env.slot[op->operand[0] & ~ASL_LAST];
    if (x && (x->kind == TEST || shape_types_of(&s->at.env, x) == TYPE(ASL_BOOL))) {
        shape_branch_on(s, x, yes, no);
        return;
    }
    if (!x || (x->kind != SLOT && x->kind != CONST)) {
        shape_give_up(s);
        return;
    }
    shape_fallible(s, OP_CONDITION, OPERANDS(shape_in_slot(s, x), op->operand[1]));
    uint32_t outs[] = {shape_new_block(s, s->from[yes]->name, s->state), shape_new_block(s, s->from[no]->name, s->state)};
    shape_leave_block(s, EXIT_BRANCH, outs[0], outs[1], 2);
    struct env other = shape_env_copy(s, &s->at.env);
    s->at.out = outs[0];
    shape_go(s, yes);
    s->at = (struct cursor){outs[1], other};
    shape_go(s, no);
}

// The expression is called after all.
static void call_instead(struct shape *s, const struct splice *here) {
    s->line = here->call->line;
    s->column = here->call->column;
    if (shape_call_expression(s, here->call, true))
        shape_go(s, here->after);
    else
        shape_give_up(s);
}

void shape_run_block(struct shape *s, uint32_t number) {
    const struct ir_block *b = s->from[number];
    const struct splice here = s->splices.items[number];
    struct arrivals a = s->pending[number];
    s->pending[number] = (struct arrivals){0};
    if (a.items.count == 1)
        s->at = a.items.items[0];
    else
        join(s, number, &a);
    for (size_t i = 0; i < b->ops.count; i++) {
        const struct ir_op *op = &b->ops.items[i];
        if (op->opcode == OP_CONDITION) { // followed by a branch
            run_condition(s, op, b->exit.target[0], b->exit.target[1]);
            return;
        }
        if (op->opcode == OP_JX_EVAL && here.after != IR_NO_BLOCK && i + 1 == b->ops.count) {
            if (s->trust == CALLS) {
                call_instead(s, &here);
                return;
            }
            continue;
        }
        if (!here.inside) {
            bool starts = s->entered && ir_op_info[op->opcode].flags & IR_STARTS;
            if (starts ? !shape_run_start(s, b, op) : !shape_run_op(s, op)) {
                shape_give_up(s);
                return;
            }
            if (starts)
                return;
            continue;
        }
        s->line = op->line;
        s->column = op->column;
        bool asks = i + 1 == b->ops.count && b->exit.kind == EXIT_BRANCH;
        if (asks ? !shape_ask(s, op, b->exit.target[0], b->exit.target[1]) : !shape_run_expression_op(s, op)) {
            call_instead(s, &here);
            return;
        }
        if (asks)
            return;
        struct sym **made = op->opcode == OP_UNMARKED ? &s->at.env.slot[op->operand[0]] : NULL;
        if (made && (*made)->kind == TEST && !s->splices.items[here.after].alone)
            *made = shape_answer(s, *made);
    }
    if (b->exit.line) {
        s->line = b->exit.line;
        s->column = b->exit.column;
    }
    switch ((int)b->exit.kind) {
    case EXIT_SUSPEND: // for what has been done already
    case EXIT_JUMP: shape_go(s, b->exit.target[0]); return;
    case EXIT_IF: {
        struct sym *x = s->at.env.slot[b->exit.a & ~ASL_LAST], *y = s->at.env.slot[b->exit.b & ~ASL_LAST];
        if (x && y && x->kind != TEST && y->kind != TEST)
            shape_branch(s, b->exit.test, x, y, b->exit.target[0], b->exit.target[1]);
        else
            shape_give_up(s);
        return;
    }
    case EXIT_DONE: {
        struct sym *x = s->at.env.slot[b->exit.a & ~ASL_LAST];
        if (!x || x->kind == TEST) {
            shape_give_up(s);
            return;
        }
        shape_count_events(s);
        uint32_t from = shape_in_slot(s, x);
        shape_leave_block(s, EXIT_DONE, 0, 0, 0);
        shape_out_block(s, s->at.out)->exit.a = from;
        return;
    }
    default: shape_give_up(s); return;
    }
}

// Paths that several rules of a Choice ask for are followed once, before the first of them: what is not there holds
// nothing until a rule minds.
static void look_ahead(struct shape *s) {
    for (size_t i = 0; i < s->from_count; i++) {
        const struct ir_block *b = s->from[i];
        if (b->state != s->state)
            continue;
        for (size_t j = 0; j < b->ops.count; j++) {
            const struct ir_op *op = &b->ops.items[j];
            if (op->opcode != OP_PATH)
                continue;
            uint32_t uses = 0;
            bool first = true;
            for (size_t k = 0; k < s->from_count; k++)
                for (size_t l = 0; s->from[k]->state == s->state && l < s->from[k]->ops.count; l++) {
                    const struct ir_op *other = &s->from[k]->ops.items[l];
                    if (other->opcode != OP_PATH || other->operand[2] != op->operand[2] ||
                        (other->operand[1] & ~ASL_LAST) != (op->operand[1] & ~ASL_LAST))
                        continue;
                    uses++;
                    first = first && (k > i || (k == i && l >= j));
                }
            struct sym *x = s->at.env.slot[op->operand[1] & ~ASL_LAST];
            if (!first || uses < 3 || (op->operand[1] & ~ASL_LAST) != 0 || !x)
                continue;
            asl_path *path = asl_path_parse(asl_str_z(s->plan->paths.items[op->operand[2]]), NULL);
            for (size_t step = 0; path && x && step < asl_path_steps(path); step++) {
                asl_str name;
                int64_t index;
                if (!asl_path_step(path, step, &name, &index) || (!name.data && (index < 0 || index >= INT32_MAX)))
                    break;
                x = shape_child(s, x, name.data ? ir_const_string(s->plan, name.data, name.size) : ASL_NO_OPERAND, index, true);
            }
            asl_path_free(path);
        }
    }
}

static bool has_expressions(const struct shape *s, uint32_t state) {
    for (size_t i = 0; i < s->from_count; i++)
        if (s->from[i]->state == state && s->splices.items[i].inside)
            return true;
    return false;
}

// States.MathAdd, which mostly adds integers.
static bool has_sums(const struct shape *s, uint32_t state) {
    for (size_t i = 0; i < s->from_count; i++)
        for (size_t j = 0; s->from[i]->state == state && j < s->from[i]->ops.count; j++) {
            const struct ir_op *op = &s->from[i]->ops.items[j];
            if (op->opcode == OP_INTRINSIC && op->operand[1] == ASL_INTRINSIC_MATH_ADD)
                return true;
        }
    return false;
}

// Whether the state is gone through again and again: then a version that takes numbers for doubles is worth its size.
static bool repeats(struct shape *s, uint32_t entry) {
    if (s->iteration)
        return true;
    bool *seen = arena_alloc(s->arena, s->from_count + 1), found = false;
    uint32_t *stack = arena_alloc(s->arena, (s->from_count + 1) * sizeof *stack);
    size_t depth = 0;
    stack[depth++] = entry;
    while (depth && !found) {
        const struct ir_exit *e = &s->from[stack[--depth]]->exit;
        for (uint32_t t = 0; t < e->target_count; t++) {
            found |= e->target[t] == entry;
            if (!seen[e->target[t]])
                stack[depth++] = e->target[t];
            seen[e->target[t]] = true;
        }
    }
    return found;
}

void shape_run_state(struct shape *s, uint32_t block, struct cursor at, enum trust trust) {
    const struct ir_block *b = s->from[block];
    s->trust = trust = s->ops > MOST_TRUSTED ? CALLS : trust;
    bool expressions = trust < CALLS && has_expressions(s, b->state);
    bool again = trust == INTEGERS && (expressions || has_sums(s, b->state)) && repeats(s, block);
    s->hopes = expressions || again;
    s->trusts_less = again ? REALS : CALLS;
    s->at = at;
    s->entry = block;
    s->state = b->state;
    s->again = s->hopes_less = IR_NO_BLOCK;
    s->marked = s->drawn = false;
    s->results = NULL;
    s->entered = b->ops.items[0].opcode == OP_ATTEMPT || b->ops.items[0].opcode == OP_RESULT;
    s->answer = NULL;
    s->entry_env = shape_env_copy(s, &at.env);
    s->line = b->ops.items[0].line;
    s->column = b->ops.items[0].column;
    if (strcmp(s->plan->states.items[s->state].type, "Choice") == 0)
        look_ahead(s);
    *vec_push(s->arena, &s->pending[block].items) = s->at;
    for (;;) {
        uint32_t next = IR_NO_BLOCK;
        for (uint32_t i = 0; i < s->from_count; i++)
            if (s->pending[i].items.count && (next == IR_NO_BLOCK || s->rank[i] < s->rank[next]))
                next = i;
        if (next == IR_NO_BLOCK)
            return;
        shape_run_block(s, next);
    }
}
