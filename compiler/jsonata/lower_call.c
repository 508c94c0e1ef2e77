// Calls, lambdas, the higher-order functions as loops, chains, transforms (jsonata-language 11, 12, 15).
#include "lower.h"

#include "../../runtime/jsonata/jx.h"

#include <string.h>

static uint32_t wanted(struct function *f, uint32_t want) { return want == NONE ? jl_temporary(f) : want; }

// ---------------------------------------------------------------- lambdas as values, and called directly

// What a function takes behind its parameters: from here, into consecutive slots.
static void pass_captures(struct function *f, const struct lambda *l, uint32_t first) {
    for (size_t i = 0; i < l->captures.count; i++) {
        uint32_t slot = jl_variable_slot(f, l->captures.items[i]);
        if (slot == NONE)
            jl_emit(f, OP_JX_UNDEFINED, OPERANDS(first + (uint32_t)i));
        else
            jl_copy(f, first + (uint32_t)i, slot);
    }
}

static void pass_context(struct function *f, const struct lambda *l, uint32_t to) {
    uint32_t slot = l->reads_context ? jl_variable_slot(f, l->context) : NONE;
    if (slot == NONE)
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(to));
    else
        jl_copy(f, to, slot);
}

static uint32_t lambda_params(const struct lambda *l) {
    return l->node->kind == JSONATA_TRANSFORM ? 1 : (uint32_t)l->node->lambda.param_count;
}

uint32_t jl_lambda_value(struct function *f, struct lambda *l, uint32_t want) {
    uint32_t d = wanted(f, want), top = f->top, number = jl_lambda_number(f->compiler, l);
    uint32_t count = 1 + (uint32_t)l->captures.count, first = jl_temporaries(f, count);
    pass_context(f, l, first);
    pass_captures(f, l, first + 1);
    asl_buffer b = {0};
    asl_buffer_format(&b, "[%u,", lambda_params(l));
    if (l->node->kind == JSONATA_LAMBDA && l->node->lambda.signature.data)
        asl_json_print_string(l->node->lambda.signature, &b);
    else
        asl_buffer_z(&b, "null");
    asl_buffer_byte(&b, ']');
    jl_emit(f, OP_JX_CLOSURE, OPERANDS(d, number, first, count, ir_const(f->compiler->plan, b.data)));
    asl_buffer_free(&b);
    f->top = top;
    return d;
}

static void begin_function(struct function *f, struct compiler *c, uint32_t number, struct scope *outer) {
    *f = (struct function){.compiler = c, .machine = c->plan->functions.items[number], .error = IR_NO_BLOCK, .scope = outer, .wrapped = NONE};
    f->block = ir_block_new(c->plan, f->machine, "entry", ASL_NO_OPERAND);
    ir_slot(c->plan, f->machine, "context");
    f->top = 1;
    jl_scope_open(f);
}

static uint32_t parameter(struct function *f, const char *name) {
    f->top++;
    return ir_slot(f->compiler->plan, f->machine, name);
}

static void transform_body(struct function *f, const node *n);

void jl_lambda_body(struct compiler *c, struct lambda *l) {
    struct function *f = arena_alloc(c->arena, sizeof *f);
    begin_function(f, c, l->number, l->scope);
    f->is_lambda = true;
    uint32_t params = lambda_params(l);
    bool transform = l->node->kind == JSONATA_TRANSFORM;
    for (uint32_t i = 0; i < params; i++) {
        asl_str name = transform ? ASL_STR("object") : l->node->lambda.params[i];
        uint32_t slot = parameter(f, arena_copy(c->arena, name.data, name.size));
        if (!transform)
            jl_scope_add(f, name, slot);
    }
    for (size_t i = 0; i < l->captures.count; i++) {
        struct variable *v = l->captures.items[i];
        const char *name = arena_format(c->arena, "%.*s", (int)v->name.size, v->name.data);
        *vec_push(c->arena, &f->captures) = (struct capture){v, parameter(f, name)};
    }
    if (transform) {
        transform_body(f, l->node);
        return;
    }
    struct jsonata_node *body = l->node->lambda.body;
    struct jsonata_list list = {&body, 1};
    jl_scope_open(f); // what the body assigns must not hide what a parameter was
    jl_scope_declare(f, &list, 0, false);
    jl_returned(f, body, 0);
}

// ---------------------------------------------------------------- arguments

static uint32_t argument_count(const node *n, const node *first) { return (uint32_t)n->call.arguments.count + (first != NULL); }

static const node *argument(const node *n, const node *first, uint32_t i) {
    if (first)
        return i == 0 ? first : n->call.arguments.items[i - 1];
    return n->call.arguments.items[i];
}

// Arguments into the consecutive slots from `to` on; at most `most` of them are passed, all are evaluated. named: they are
// the values of a known function's parameters, which are nodes' values for whoever reads them.
static void pass_arguments(struct function *f, const node *n, const node *first, uint32_t context, uint32_t to, uint32_t most, bool named) {
    for (uint32_t i = 0; i < argument_count(n, first); i++) {
        uint32_t top = f->top;
        const node *a = argument(n, first, i);
        uint32_t v = jl_value(f, a, context, i < most ? to + i : NONE);
        if (named && i < most && jl_may_be_raw(f, a))
            jl_emit(f, OP_JX_NODE, OPERANDS(v, v, 0));
        f->top = top;
    }
    for (uint32_t i = argument_count(n, first); i < most; i++)
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(to + i));
}

static struct lambda *known_callee(struct function *f, const node *n) {
    const node *callee = n->call.callee;
    if (callee->kind != JSONATA_VARIABLE || callee->predicates.count)
        return NULL;
    struct variable *v = jl_scope_find(f->scope, callee->text);
    return v ? v->lambda : NULL;
}

// The site of a call whose callee may turn out to be no function: [position, token, depth, whether the $ was forgotten,
// raw]. raw: the result is not yet a node's value.
static uint32_t site(struct function *f, uint32_t position, asl_str token, bool forgotten, bool raw) {
    asl_buffer b = {0};
    asl_buffer_format(&b, "[%u,", position);
    if (token.data)
        asl_json_print_string(token, &b);
    else
        asl_buffer_z(&b, "null");
    asl_buffer_format(&b, ",%u,%s,%s]", f->level, forgotten ? "true" : "false", raw ? "true" : "false");
    uint32_t k = ir_const(f->compiler->plan, b.data);
    asl_buffer_free(&b);
    return k;
}

static uint32_t call_site(struct function *f, const node *n, bool raw) {
    const node *callee = n->call.callee;
    bool forgotten = callee->kind == JSONATA_PATH && callee->path.steps.count == 1 &&
                     callee->path.steps.items[0]->kind == JSONATA_NAME &&
                     (jl_builtin_id(f, callee->path.steps.items[0]->text) >= 0 || jl_scope_find(f->scope, callee->path.steps.items[0]->text));
    return site(f, n->position, forgotten ? callee->path.steps.items[0]->text : n->token, forgotten, raw);
}

enum { KEEP_SEQUENCE = 0x100 }; /* a built-in's number with it: its sequence does not collapse */

// ---------------------------------------------------------------- higher-order functions as loops

/* $map(list, function($v, $i, $a) {…}) with the function written there: its body stands in the loop. */
static const node *inlined(const node *n, const node *first, uint32_t count) {
    if (argument_count(n, first) != count)
        return NULL;
    const node *l = argument(n, first, 1);
    return l->kind == JSONATA_LAMBDA && jl_is_plain(l) && !l->keep_array && !l->lambda.signature.data ? l : NULL;
}

static asl_str param(const node *lambda, size_t i) { return lambda->lambda.params[i]; }

static void name_slot(struct function *f, const node *lambda, size_t i, uint32_t slot) {
    if (lambda->lambda.param_count > i)
        jl_scope_add(f, param(lambda, i), slot);
}

// $i and $a, when there are such parameters.
static void name_position(struct function *f, const node *lambda, size_t i, const struct loop *l) {
    if (lambda->lambda.param_count > i) {
        uint32_t index = jl_temporary(f);
        jl_emit(f, OP_JX_SUBTRACT, OPERANDS(index, l->iterator + 1, jl_constant(f, "1"), 0));
        jl_scope_add(f, param(lambda, i), index);
    }
    if (lambda->lambda.param_count > i + 1) {
        uint32_t all = jl_temporary(f), list = jl_temporary(f);
        jl_copy(f, list, l->iterator);
        jl_emit(f, OP_JX_LIST, OPERANDS(all, list, 1, 0));
        jl_scope_add(f, param(lambda, i + 1), all);
    }
    for (size_t p = i + 2; p < lambda->lambda.param_count; p++)
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(jl_scope_add(f, param(lambda, p), NONE)->slot));
}

static void declare_body(struct function *f, const node *lambda, uint32_t context) {
    struct jsonata_node *body = lambda->lambda.body;
    struct jsonata_list list = {&body, 1};
    jl_scope_open(f);
    jl_scope_declare(f, &list, context, false);
}

static void close_body(struct function *f) {
    jl_scope_close(f);
    jl_scope_close(f);
}

/* Of nothing it is nothing: then d is that, and control goes to the block that is returned. */
static uint32_t unless_nothing(struct function *f, uint32_t items, uint32_t d) {
    uint32_t some = jl_new_block(f, "some"), none = jl_new_block(f, "none"), end = jl_new_block(f, "over");
    jl_emit(f, OP_JX_EXISTS, OPERANDS(items));
    jl_branch(f, some, none);
    jl_continue_at(f, none);
    jl_emit(f, OP_JX_UNDEFINED, OPERANDS(d));
    jl_jump(f, end);
    jl_continue_at(f, some);
    return end;
}

static uint32_t map_loop(struct function *f, const node *list, const node *lambda, bool filter, uint32_t context,
                         uint32_t want, uint32_t as) {
    uint32_t d = wanted(f, want), top = f->top, kept = jl_temporaries(f, 2);
    uint32_t items = jl_value(f, list, context, NONE), end = NONE;
    if (as == AS_SEQUENCE && list->kind != JSONATA_ARRAY)
        end = unless_nothing(f, items, d);
    jl_emit(f, OP_JX_RESET, OPERANDS(kept));
    struct loop l = jl_loop_begin(f, items, ITEMS_GET_NAMES);
    jl_scope_open(f);
    name_slot(f, lambda, 0, l.item);
    name_position(f, lambda, 1, &l);
    declare_body(f, lambda, context);
    if (filter) {
        uint32_t yes = jl_new_block(f, "keep");
        jl_condition(f, lambda->lambda.body, context, yes, l.head);
        jl_continue_at(f, yes);
        jl_emit(f, OP_JX_KEEP, OPERANDS(kept, l.item));
    } else {
        jl_emit(f, OP_JX_KEEP, OPERANDS(kept, jl_body_value(f, lambda->lambda.body, context, NONE)));
    }
    close_body(f);
    jl_loop_end(f, &l);
    jl_emit(f, OP_JX_KEPT, OPERANDS(d, kept, as));
    if (end != NONE)
        jl_go_to(f, end);
    f->top = top;
    return d;
}

/* Whether what a node gives may be a sequence that its last call has taken from where it was no node's value. */
bool jl_may_be_raw(struct function *f, const node *n) {
    static const int raw[] = {JX_KEYS,   JX_FILTER,   JX_MAP,    JX_EACH,   JX_MATCH, JX_SPREAD,
                              JX_LOOKUP, JX_DISTINCT, JX_SINGLE, JX_REDUCE, JX_EVAL};
    switch ((int)n->kind) {
    case JSONATA_CALL: {
        int id = jl_called_builtin(f, n);
        for (size_t i = 0; i < sizeof raw / sizeof *raw; i++)
            if (id == raw[i])
                return true;
        return id < 0;
    }
    case JSONATA_APPLY: return n->two.right->kind != JSONATA_CALL || jl_may_be_raw(f, n->two.right);
    case JSONATA_BIND: return jl_may_be_raw(f, n->bind.value);
    case JSONATA_CONDITION:
        return jl_may_be_raw(f, n->condition.then) || (n->condition.otherwise && jl_may_be_raw(f, n->condition.otherwise));
    case JSONATA_ELVIS:
    case JSONATA_COALESCE: return jl_may_be_raw(f, n->two.left) || jl_may_be_raw(f, n->two.right);
    case JSONATA_BLOCK: return n->list.count && jl_may_be_raw(f, n->list.items[n->list.count - 1]);
    default: return false;
    }
}

/* What $reduce starts from, which must be no function. Where that is not plain to see, the built-in is asked with nothing
   to reduce: it gives the start or fails as it should. */
static void start_value(struct function *f, const node *n, const node *start, uint32_t context, uint32_t want) {
    if (start->kind == JSONATA_OBJECT || start->kind == JSONATA_ARRAY || start->kind == JSONATA_BINARY || start->kind == JSONATA_NEGATE ||
        jl_is_literal(start)) {
        jl_value(f, start, context, want);
        return;
    }
    uint32_t top = f->top, first = jl_temporaries(f, 3);
    jl_value(f, start, context, first + 2);
    jl_copy(f, first, jl_constant(f, "[]"));
    jl_emit(f, OP_JX_FUNCTION, OPERANDS(first + 1, JX_APPEND));
    jl_emit(f, OP_JX_BUILTIN, OPERANDS(want, JX_REDUCE | KEEP_SEQUENCE, first, 3, NONE, call_site(f, n, true)));
    f->top = top;
}

static uint32_t reduce_loop(struct function *f, const node *n, const node *list, const node *lambda, const node *start, uint32_t context,
                            uint32_t want, bool raw) {
    uint32_t d = wanted(f, want), top = f->top, so_far = jl_temporary(f);
    uint32_t items = jl_value(f, list, context, start ? jl_temporary(f) : NONE); // the start may assign a variable
    if (start)
        start_value(f, n, start, context, so_far);
    else
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(so_far));
    uint32_t end = NONE;
    if (start && list->kind != JSONATA_ARRAY) // whatever it starts from
        end = unless_nothing(f, items, d);
    uint32_t iterator = jl_temporaries(f, 2), item = jl_temporary(f);
    uint32_t head = jl_new_block(f, "each"), body = jl_new_block(f, "item"), done = jl_new_block(f, "done");
    jl_emit(f, OP_JX_ITERATE, OPERANDS(iterator, jl_in_slot(f, items), ITEMS_GET_NAMES));
    if (!start || !(start->kind == JSONATA_OBJECT || start->kind == JSONATA_ARRAY || jl_is_literal(start))) {
        uint32_t take_first = jl_new_block(f, "first");
        jl_emit(f, OP_JX_EXISTS, OPERANDS(so_far));
        jl_branch(f, head, take_first);
        jl_continue_at(f, take_first);
        jl_emit(f, OP_JX_NEXT, OPERANDS(so_far, iterator));
        jl_branch(f, head, done);
        jl_continue_at(f, head);
    } else {
        jl_go_to(f, head);
    }
    jl_emit(f, OP_JX_NEXT, OPERANDS(item, iterator));
    jl_branch(f, body, done);
    jl_continue_at(f, body);
    struct loop l = {.iterator = iterator, .item = item, .head = head, .done = done};
    jl_scope_open(f);
    uint32_t named = so_far;
    bool sequences = jl_may_be_raw(f, lambda->lambda.body);
    if (sequences)
        jl_emit(f, OP_JX_NODE, OPERANDS(named = jl_temporary(f), so_far, 0));
    name_slot(f, lambda, 0, named);
    name_slot(f, lambda, 1, item);
    name_position(f, lambda, 2, &l);
    declare_body(f, lambda, context);
    uint32_t next = jl_body_value(f, lambda->lambda.body, context, jl_temporary(f));
    close_body(f);
    jl_copy(f, so_far, next);
    jl_loop_end(f, &l);
    if (sequences && !raw)
        jl_emit(f, OP_JX_NODE, OPERANDS(d, so_far, 0));
    else
        jl_copy(f, d, so_far);
    if (end != NONE)
        jl_go_to(f, end);
    f->top = top;
    return d;
}

static uint32_t object_loop(struct function *f, const node *n, const node *object, const node *lambda, bool sift,
                            uint32_t context, uint32_t want, uint32_t as) {
    uint32_t d = wanted(f, want), top = f->top, result = jl_temporaries(f, 2);
    uint32_t from = jl_value(f, object, context, NONE);
    uint32_t iterator = jl_temporaries(f, 2), entry = jl_temporaries(f, 2), key = entry + 1;
    uint32_t head = jl_new_block(f, "each"), body = jl_new_block(f, "entry"), done = jl_new_block(f, "done");
    jl_emit(f, OP_JX_RESET, OPERANDS(result));
    jl_emit(f, OP_JX_LOOKUP_OBJECT, OPERANDS(iterator, from, n->position));
    jl_go_to(f, head);
    jl_emit(f, OP_JX_ENTRY_NEXT, OPERANDS(entry, iterator));
    jl_branch(f, body, done);
    jl_continue_at(f, body);
    jl_scope_open(f);
    name_slot(f, lambda, 0, entry);
    name_slot(f, lambda, 1, key);
    name_slot(f, lambda, 2, iterator);
    for (size_t p = 3; p < lambda->lambda.param_count; p++)
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(jl_scope_add(f, param(lambda, p), NONE)->slot));
    declare_body(f, lambda, context);
    if (sift) {
        uint32_t yes = jl_new_block(f, "keep");
        jl_condition(f, lambda->lambda.body, context, yes, head);
        jl_continue_at(f, yes);
        jl_emit(f, OP_JX_PUT, OPERANDS(result, key, entry));
    } else {
        jl_emit(f, OP_JX_KEEP, OPERANDS(result, jl_body_value(f, lambda->lambda.body, context, NONE)));
    }
    close_body(f);
    jl_jump(f, head);
    jl_continue_at(f, done);
    if (sift)
        jl_copy(f, d, result);
    else
        jl_emit(f, OP_JX_KEPT, OPERANDS(d, result, as));
    f->top = top;
    return d;
}

static bool is_function(const node *n) {
    return n->kind == JSONATA_LAMBDA || n->kind == JSONATA_PARTIAL || n->kind == JSONATA_TRANSFORM || n->kind == JSONATA_REGEX;
}

static bool loop_call(struct function *f, int id, const node *n, const node *first, uint32_t context, uint32_t *want, bool raw) {
    uint32_t count = argument_count(n, first), as = raw ? AS_SEQUENCE : AS_NODE;
    const node *lambda = NULL;
    if (count < 2 || !(lambda = inlined(n, first, count)))
        return false;
    const node *list = argument(n, first, 0);
    switch (id) {
    case JX_MAP:
    case JX_FILTER:
        if (count != 2)
            return false;
        *want = map_loop(f, list, lambda, id == JX_FILTER, context, *want, as);
        return true;
    case JX_REDUCE:
        if (count > 3 || lambda->lambda.param_count < 2 || (count == 3 && is_function(argument(n, first, 2))))
            return false;
        *want = reduce_loop(f, n, list, lambda, count == 3 ? argument(n, first, 2) : NULL, context, *want, raw);
        return true;
    case JX_SIFT:
    case JX_EACH:
        if (count != 2)
            return false;
        *want = object_loop(f, n, list, lambda, id == JX_SIFT, context, *want, as);
        return true;
    default: return false;
    }
}

// ---------------------------------------------------------------- calls

static bool merge_call(struct function *f, int id, const node *n, const node *first, uint32_t context, uint32_t *want) {
    if (id != JX_MERGE || argument_count(n, first) != 1)
        return false;
    const node *list = argument(n, first, 0);
    if (list->kind != JSONATA_ARRAY || !jl_is_plain(list) || list->list.count == 0 || list->list.count > 32)
        return false;
    for (size_t i = 0; i < list->list.count; i++)
        if (list->list.items[i]->kind == JSONATA_RANGE || list->list.items[i]->kind == JSONATA_ARRAY)
            return false;
    uint32_t d = wanted(f, *want), top = f->top, count = (uint32_t)list->list.count, to = jl_temporaries(f, count);
    for (uint32_t i = 0; i < count; i++)
        jl_value(f, list->list.items[i], context, to + i);
    jl_emit(f, OP_JX_MERGE, OPERANDS(d, to, count, jl_site(f, n)));
    f->top = top;
    *want = d;
    return true;
}

enum { MOST_VARIABLES = 200 }; /* that $eval's text sees: the innermost ones */

/* All variables that can be seen here, by their names. */
static void pass_variables(struct function *f, uint32_t context) {
    struct compiler *c = f->compiler;
    struct variable **seen = arena_alloc(c->arena, MOST_VARIABLES * sizeof *seen);
    uint32_t count = jl_scope_visible(f->scope, seen, MOST_VARIABLES), top = f->top;
    if (!count)
        return;
    uint32_t object = jl_temporary(f), first = jl_temporaries(f, count);
    asl_buffer names = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t before = f->top;
        jl_variable_value(f, NULL, seen[i]->name, context, first + i);
        f->top = before;
        asl_buffer_byte(&names, i ? ',' : '[');
        asl_json_print_string(seen[i]->name, &names);
    }
    asl_buffer_byte(&names, ']');
    jl_emit(f, OP_JX_RECORD, OPERANDS(object, first, count, ir_const(c->plan, names.data)));
    jl_emit(f, OP_JX_SCOPE, OPERANDS(object));
    asl_buffer_free(&names);
    f->top = top;
}

static uint32_t builtin_call(struct function *f, int id, const node *n, const node *first, uint32_t context, uint32_t want, bool raw) {
    if (loop_call(f, id, n, first, context, &want, raw) || merge_call(f, id, n, first, context, &want))
        return want;
    uint32_t d = wanted(f, want), top = f->top, count = argument_count(n, first);
    uint32_t to = count ? jl_temporaries(f, count) : NONE;
    pass_arguments(f, n, first, context, to, count, false);
    uint32_t seen = context;
    bool looks = count < jl_builtin_params(id) || (id == JX_EVAL && count == 2); // $eval's second argument may be nothing
    if (looks && context == 0 && id != JX_SPREAD) { // the input document itself; $spread tells an empty one from its wrapper
        seen = jl_temporary(f);
        jl_emit(f, OP_JX_UNWRAP, OPERANDS(seen, context));
    } else if (!looks) {
        seen = NONE;
    }
    if (id == JX_EVAL)
        pass_variables(f, context);
    jl_emit(f, OP_JX_BUILTIN, OPERANDS(d, (uint32_t)id | (raw ? KEEP_SEQUENCE : 0), to, count, seen, call_site(f, n, raw)));
    f->top = top;
    return d;
}

uint32_t jl_call_value(struct function *f, const node *n, const node *first, uint32_t context, uint32_t want, bool raw) {
    int id = jl_called_builtin(f, n);
    if (id >= 0)
        return builtin_call(f, id, n, first, context, want, raw);
    uint32_t d = wanted(f, want), top = f->top;
    struct lambda *known = known_callee(f, n);
    if (known) {
        uint32_t number = jl_lambda_number(f->compiler, known), params = lambda_params(known);
        uint32_t count = 1 + params + (uint32_t)known->captures.count, to = jl_temporaries(f, count);
        pass_arguments(f, n, first, context, to + 1, params, true);
        pass_context(f, known, to);
        pass_captures(f, known, to + 1 + params);
        jl_emit(f, OP_JX_CALL_FUNCTION, OPERANDS(d, number, to, count, call_site(f, n, raw)));
    } else {
        uint32_t count = argument_count(n, first), callee = jl_temporary(f), to = count ? jl_temporaries(f, count) : NONE;
        jl_value(f, n->call.callee, context, callee);
        pass_arguments(f, n, first, context, to, count, false);
        jl_emit(f, OP_JX_CALL, OPERANDS(d, callee, to, count, context, call_site(f, n, raw)));
    }
    f->top = top;
    return d;
}

void jl_tail_call(struct function *f, const node *n, uint32_t context) {
    uint32_t top = f->top;
    struct lambda *known = known_callee(f, n);
    if (known) {
        uint32_t number = jl_lambda_number(f->compiler, known), params = lambda_params(known);
        uint32_t count = 1 + params + (uint32_t)known->captures.count, to = jl_temporaries(f, count);
        pass_arguments(f, n, NULL, context, to + 1, params, true);
        pass_context(f, known, to);
        pass_captures(f, known, to + 1 + params);
        jl_emit(f, OP_JX_TAIL_FUNCTION, OPERANDS(number, to, count, call_site(f, n, false)));
    } else {
        uint32_t count = argument_count(n, NULL), callee = jl_temporary(f), to = count ? jl_temporaries(f, count) : NONE;
        jl_value(f, n->call.callee, context, callee);
        pass_arguments(f, n, NULL, context, to, count, false);
        jl_emit(f, OP_JX_TAIL, OPERANDS(callee, to, count, context, call_site(f, n, false)));
    }
    f->top = top;
}

uint32_t jl_partial_value(struct function *f, const node *n, const node *first, uint32_t context, uint32_t want) {
    uint32_t d = wanted(f, want), top = f->top, count = argument_count(n, first);
    uint32_t callee = jl_temporary(f), to = count ? jl_temporaries(f, count) : NONE;
    jl_value(f, n->call.callee, context, callee);
    asl_buffer open = {0};
    asl_buffer_byte(&open, '[');
    for (uint32_t i = 0; i < count; i++) {
        const node *a = argument(n, first, i);
        if (a->kind == JSONATA_PLACEHOLDER) {
            asl_buffer_format(&open, "%s%u", open.size > 1 ? "," : "", i);
            jl_emit(f, OP_JX_UNDEFINED, OPERANDS(to + i));
        } else {
            jl_value(f, a, context, to + i);
        }
    }
    const node *name = n->call.callee;
    bool forgotten = name->kind == JSONATA_PATH && name->path.steps.count == 1 && name->path.steps.items[0]->kind == JSONATA_NAME &&
                     jl_builtin_id(f, name->path.steps.items[0]->text) >= 0;
    asl_str token = forgotten ? name->path.steps.items[0]->text : n->token;
    asl_buffer b = {0};
    asl_buffer_format(&b, "[%u,", n->position);
    if (token.data)
        asl_json_print_string(token, &b);
    else
        asl_buffer_z(&b, "null");
    asl_buffer_format(&b, ",%u,%s]%s]", f->level, open.data, forgotten ? ",true" : "");
    jl_emit(f, OP_JX_PARTIAL, OPERANDS(d, callee, to, count, ir_const(f->compiler->plan, b.data)));
    asl_buffer_free(&b);
    asl_buffer_free(&open);
    f->top = top;
    return d;
}

// ---------------------------------------------------------------- chains

static uint32_t transform_inline(struct function *f, const node *n, uint32_t object, uint32_t want);

// Whether the left side of ~> cannot be a function, which would make a composition of it.
static bool is_no_function(const node *n) {
    return jl_is_literal(n) || n->kind == JSONATA_PATH || n->kind == JSONATA_OBJECT || n->kind == JSONATA_ARRAY ||
           (n->kind == JSONATA_VARIABLE && (n->text.size == 0 || jl_same(n->text, "$")));
}

uint32_t jl_apply_value(struct function *f, const node *n, uint32_t context, uint32_t want, bool raw) {
    const node *right = n->two.right;
    if (right->kind == JSONATA_CALL) // nobody asks for its value as a node: its predicates and its group are not looked at
        return jl_call_value(f, right, n->two.left, context, want, raw);
    uint32_t d = wanted(f, want), top = f->top;
    uint32_t left = jl_value(f, n->two.left, context, jl_temporary(f));
    if (right->kind == JSONATA_TRANSFORM && jl_is_plain(right) && is_no_function(n->two.left)) {
        transform_inline(f, right, left, d);
        f->top = top;
        return d;
    }
    uint32_t function = jl_value(f, right, context, NONE);
    jl_emit(f, OP_JX_CHAIN, OPERANDS(d, left, function, context, site(f, n->position, n->token, false, raw)));
    f->top = top;
    return d;
}

// ---------------------------------------------------------------- transforms

// What is wrong with the update or the names to remove is where they stand.
static uint32_t site_of_part(struct function *f, const node *n, const node *part) {
    return site(f, part->position, n->token, false, false);
}

static uint32_t transform_inline(struct function *f, const node *n, uint32_t object, uint32_t want) {
    uint32_t top = f->top, k = jl_site(f, n), x = jl_temporary(f), clone = NONE;
    struct variable *v = jl_scope_find(f->scope, ASL_STR("clone"));
    if (v)
        clone = jl_variable_value(f, n, ASL_STR("clone"), 0, jl_temporary(f));
    jl_emit(f, OP_JX_CLONE, OPERANDS(x, object, clone, k));
    uint32_t some = jl_new_block(f, "object"), done = jl_new_block(f, "transformed"); // nothing stays as it is
    jl_emit(f, OP_JX_EXISTS, OPERANDS(x));
    jl_branch(f, some, done);
    jl_continue_at(f, some);
    uint32_t matches = jl_value(f, n->transform.pattern, x, NONE);
    struct loop l = jl_loop_begin(f, matches, 0);
    uint32_t update = jl_value(f, n->transform.update, l.item, NONE);
    jl_emit(f, OP_JX_CHANGES, OPERANDS(x, l.item, update, site_of_part(f, n, n->transform.update)));
    if (n->transform.removed) {
        uint32_t removed = jl_value(f, n->transform.removed, l.item, NONE);
        jl_emit(f, OP_JX_REMOVES, OPERANDS(x, l.item, removed, site_of_part(f, n, n->transform.removed)));
    }
    jl_loop_end(f, &l);
    jl_go_to(f, done);
    jl_copy(f, want, x);
    f->top = top;
    return want;
}

static void transform_body(struct function *f, const node *n) {
    uint32_t d = jl_temporary(f);
    transform_inline(f, n, 1, d);
    jl_emit(f, OP_JX_RETURN, OPERANDS(d));
    struct ir_exit *e = &f->machine->blocks.items[f->block]->exit;
    e->kind = EXIT_RETURN;
    e->a = ASL_DONE;
}
