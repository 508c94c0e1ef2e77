// Nodes: literals, operators, conditions, blocks, constructors (jsonata-language 5, 9, 10).
#include "lower.h"

#include "../../runtime/jsonata/jx.h"

#include <math.h>
#include <string.h>

// ---------------------------------------------------------------- building

void jl_emit(struct function *f, enum ir_opcode opcode, const uint32_t *operands) {
    ir_op(f->compiler->plan, f->machine->blocks.items[f->block], opcode, operands);
}

uint32_t jl_new_block(struct function *f, const char *name) {
    uint32_t b = ir_block_new(f->compiler->plan, f->machine, name, ASL_NO_OPERAND);
    f->machine->blocks.items[b]->error = f->error;
    return b;
}

static void leave(struct function *f, enum ir_exit_kind kind, uint32_t first, uint32_t second, uint32_t count) {
    struct ir_exit *e = &f->machine->blocks.items[f->block]->exit;
    e->kind = kind;
    e->target = arena_alloc(f->compiler->arena, 2 * sizeof *e->target);
    e->target[0] = first;
    e->target[1] = second;
    e->target_count = count;
}

void jl_jump(struct function *f, uint32_t block) { leave(f, EXIT_JUMP, block, 0, 1); }
void jl_branch(struct function *f, uint32_t yes, uint32_t no) { leave(f, EXIT_BRANCH, yes, no, 2); }
void jl_continue_at(struct function *f, uint32_t block) { f->block = block; }
void jl_go_to(struct function *f, uint32_t block) {
    jl_jump(f, block);
    f->block = block;
}

static void leave_function(struct function *f, uint32_t status) {
    struct ir_exit *e = &f->machine->blocks.items[f->block]->exit;
    e->kind = EXIT_RETURN;
    e->a = status;
}

uint32_t jl_temporaries(struct function *f, uint32_t count) {
    uint32_t first = f->top;
    f->top += count;
    while (f->machine->slots.count < f->top)
        ir_slot(f->compiler->plan, f->machine, "");
    return first;
}

uint32_t jl_temporary(struct function *f) { return jl_temporaries(f, 1); }

static uint32_t wanted(struct function *f, uint32_t want) { return want == NONE ? jl_temporary(f) : want; }

uint32_t jl_constant(struct function *f, const char *json) { return ir_const(f->compiler->plan, json) | ASL_CONSTANT; }

uint32_t jl_constant_string(struct function *f, asl_str text) {
    return ir_const_string(f->compiler->plan, text.data, text.size) | ASL_CONSTANT;
}

void jl_copy(struct function *f, uint32_t to, uint32_t operand) {
    if (operand == to)
        return;
    if (operand & ASL_CONSTANT)
        jl_emit(f, OP_JX_CONST, OPERANDS(to, operand & ~ASL_CONSTANT));
    else
        jl_emit(f, OP_COPY, OPERANDS(to, operand));
}

uint32_t jl_in_slot(struct function *f, uint32_t operand) {
    if (!(operand & ASL_CONSTANT))
        return operand;
    uint32_t t = jl_temporary(f);
    jl_copy(f, t, operand);
    return t;
}

// The operand as a result: where it is, or in `want`.
static uint32_t given(struct function *f, uint32_t operand, uint32_t want) {
    if (want == NONE)
        return operand;
    jl_copy(f, want, operand);
    return want;
}

uint32_t jl_site(struct function *f, const node *n) {
    asl_buffer b = {0};
    asl_buffer_format(&b, "[%u,", n->position);
    if (n->token.data)
        asl_json_print_string(n->token, &b);
    else
        asl_buffer_z(&b, "null");
    asl_buffer_format(&b, ",%u]", f->level);
    uint32_t k = ir_const(f->compiler->plan, b.data);
    asl_buffer_free(&b);
    return k;
}

bool jl_same(asl_str a, const char *b) { return asl_str_equal(a, asl_str_z(b)); }

bool jl_is_plain(const node *n) { return n->predicates.count == 0 && (!n->group || n->kind == JSONATA_PATH); }

// ---------------------------------------------------------------- literals

/* As a constant it is text, which is read as a number where it stands alone. */
static bool is_negative_zero(const node *n) { return n->kind == JSONATA_NUMBER && n->number == 0 && signbit(n->number); }

bool jl_is_literal(const node *n) {
    if (!jl_is_plain(n) || n->group)
        return false;
    if (n->kind == JSONATA_ARRAY && !n->cons && n->list.count <= 1000) {
        for (size_t i = 0; i < n->list.count; i++)
            if (!jl_is_literal(n->list.items[i]) || (n->list.items[i]->kind == JSONATA_ARRAY && n->list.items[i]->keep_array) ||
                is_negative_zero(n->list.items[i]))
                return false;
        return true;
    }
    return n->kind == JSONATA_STRING || n->kind == JSONATA_NUMBER || n->kind == JSONATA_TRUE ||
           n->kind == JSONATA_FALSE || n->kind == JSONATA_NULL;
}

static void number_json(double d, asl_buffer *out) {
    char text[32];
    if (d == 0)
        asl_buffer_z(out, signbit(d) ? "-0.0" : "0");
    else if (d > -9007199254740992.0 && d < 9007199254740992.0 && d == (double)(int64_t)d)
        asl_buffer_format(out, "%lld", (long long)d);
    else
        asl_buffer_add(out, text, asl_double_print(d, text));
}

void jl_literal_json(const node *n, asl_buffer *out) {
    if (n->kind == JSONATA_STRING) {
        asl_json_print_string(n->text, out);
    } else if (n->kind == JSONATA_NUMBER) {
        number_json(n->number, out);
    } else if (n->kind == JSONATA_ARRAY) {
        asl_buffer_byte(out, '[');
        for (size_t i = 0; i < n->list.count; i++) {
            if (i)
                asl_buffer_byte(out, ',');
            jl_literal_json(n->list.items[i], out);
        }
        asl_buffer_byte(out, ']');
    } else {
        asl_buffer_z(out, n->kind == JSONATA_TRUE ? "true" : n->kind == JSONATA_FALSE ? "false" : "null");
    }
}

static uint32_t literal(struct function *f, const node *n) {
    asl_buffer b = {0};
    jl_literal_json(n, &b);
    uint32_t k = jl_constant(f, b.data);
    asl_buffer_free(&b);
    return k;
}

// ---------------------------------------------------------------- operators

static enum ir_opcode arithmetic_op(enum jsonata_operator o) {
    static const enum ir_opcode ops[] = {OP_JX_ADD, OP_JX_SUBTRACT, OP_JX_MULTIPLY, OP_JX_DIVIDE, OP_JX_REMAINDER};
    return ops[o - JSONATA_ADD];
}

static bool calls_or_binds(const node *n) {
    if (n->predicates.count || n->group)
        return true;
    if (n->kind != JSONATA_PATH)
        return !jl_is_literal(n) && n->kind != JSONATA_VARIABLE;
    for (size_t i = 0; i < n->path.steps.count; i++) {
        const node *s = n->path.steps.items[i];
        if ((s->kind != JSONATA_NAME && s->kind != JSONATA_VARIABLE) || s->stages.count)
            return true;
    }
    return false;
}

// Operands of a chain a & b & c, which leans to the left, in order. The operators in between must have nothing of their own.
static uint32_t chain_count(const node *n) {
    uint32_t count = 1;
    for (; n->kind == JSONATA_BINARY && n->two.operator == JSONATA_CONCATENATE && jl_is_plain(n) && !n->keep_array && count < 200;
         n = n->two.left)
        count++;
    return count;
}

// (a & b) & c: what is wrong with a & b counts before what is wrong with c. It is only looked for when c has failed.
static uint32_t concatenated_before(struct function *f, uint32_t first, uint32_t count, const node *operator, uint32_t outer) {
    uint32_t here = f->block, b = jl_new_block(f, "concat.error"), top = f->top;
    f->block = b;
    jl_emit(f, OP_JX_CONCAT, OPERANDS(jl_temporary(f), first, count, operator->position));
    f->top = top;
    if (outer == IR_NO_BLOCK)
        f->machine->blocks.items[b]->exit.kind = EXIT_FAILED;
    else
        jl_jump(f, outer);
    f->block = here;
    return b;
}

static uint32_t concatenation(struct function *f, const node *n, uint32_t context, uint32_t want) {
    uint32_t d = wanted(f, want), count = 1 + chain_count(n->two.left), top = f->top;
    uint32_t first = jl_temporaries(f, count);
    const node *left = n, **parts = arena_alloc(f->compiler->arena, 2 * count * sizeof *parts), **operators = parts + count;
    for (uint32_t i = count; i-- > 1; left = left->two.left)
        parts[i] = left->two.right, operators[i] = left;
    parts[0] = left;
    uint32_t outer = f->error;
    for (uint32_t i = 0; i < count; i++) {
        bool fails = i >= 2 && calls_or_binds(parts[i]);
        if (fails) {
            f->error = concatenated_before(f, first, i, operators[i - 1], outer);
            jl_go_to(f, jl_new_block(f, "concat"));
        }
        jl_value(f, parts[i], context, first + i);
        f->error = outer;
        if (fails)
            jl_go_to(f, jl_new_block(f, "concat"));
    }
    jl_emit(f, OP_JX_CONCAT, OPERANDS(d, first, count, n->position));
    f->top = top;
    return d;
}

static bool is_comparison(enum jsonata_operator o) { return o >= JSONATA_EQUAL && o <= JSONATA_GREATER_EQUAL; }

// The left operand while the right one is computed: a variable that might be assigned meanwhile is copied.
static uint32_t left_operand(struct function *f, const node *n, const node *right, uint32_t context) {
    if (n->kind == JSONATA_VARIABLE && n->predicates.count == 0 && calls_or_binds(right)) {
        struct variable *v = jl_scope_find(f->scope, n->text);
        if (v && v->many)
            return jl_value(f, n, context, jl_temporary(f));
    }
    return jl_value(f, n, context, NONE);
}

// What a failing right side of `and` and `or` is blamed on (10).
static uint32_t blame_begin(struct function *f, const node *n) {
    uint32_t outer = f->error;
    const char *name = n->two.operator == JSONATA_AND ? "and.error" : "or.error";
    uint32_t b = jl_new_block(f, name);
    uint32_t here = f->block;
    f->block = b;
    jl_emit(f, OP_JX_BLAME, OPERANDS(n->position, jl_constant_string(f, asl_str_z(n->two.operator == JSONATA_AND ? "and" : "or")) & ~ASL_CONSTANT));
    if (outer == IR_NO_BLOCK)
        f->machine->blocks.items[b]->exit.kind = EXIT_FAILED;
    else
        jl_jump(f, outer);
    f->block = here;
    f->error = b;
    return outer;
}

static void compare_and_branch(struct function *f, const node *n, uint32_t context, uint32_t yes, uint32_t no) {
    uint32_t top = f->top;
    uint32_t l = left_operand(f, n->two.left, n->two.right, context);
    uint32_t r = jl_value(f, n->two.right, context, NONE);
    enum jsonata_operator o = n->two.operator;
    if (o == JSONATA_EQUAL || o == JSONATA_NOT_EQUAL || o == JSONATA_IN) {
        jl_emit(f, o == JSONATA_EQUAL ? OP_JX_EQUAL : o == JSONATA_IN ? OP_JX_IN : OP_JX_UNEQUAL, OPERANDS(l, r));
    } else {
        static const enum ir_opcode orders[] = {OP_JX_LESS, OP_JX_LESS_EQUAL, OP_JX_GREATER, OP_JX_GREATER_EQUAL};
        jl_emit(f, orders[o - JSONATA_LESS], OPERANDS(l, r, n->position));
    }
    f->top = top;
    jl_branch(f, yes, no);
}

static const char *called_name(const node *n) {
    const node *callee = n->call.callee;
    if (callee->kind != JSONATA_VARIABLE || callee->predicates.count)
        return "";
    static const char *const names[] = {"exists", "not", "boolean", "contains"};
    for (size_t i = 0; i < 4; i++)
        if (jl_same(callee->text, names[i]))
            return names[i];
    return "";
}

static bool is_call_of(struct function *f, const node *n, const char *name, size_t arguments) {
    return n->kind == JSONATA_CALL && jl_is_plain(n) && n->call.arguments.count == arguments &&
           strcmp(called_name(n), name) == 0 && jl_builtin_id(f, n->call.callee->text) >= 0;
}

bool jl_is_boolean(struct function *f, const node *n) {
    if (!jl_is_plain(n))
        return false;
    if (n->kind == JSONATA_TRUE || n->kind == JSONATA_FALSE)
        return true;
    if (n->kind == JSONATA_BINARY)
        return is_comparison(n->two.operator) || n->two.operator == JSONATA_AND || n->two.operator == JSONATA_OR ||
               n->two.operator == JSONATA_IN;
    if (n->kind == JSONATA_CALL)
        return *called_name(n) && jl_builtin_id(f, n->call.callee->text) >= 0;
    return n->kind == JSONATA_BLOCK && n->list.count == 1 && jl_is_boolean(f, n->list.items[0]);
}

void jl_condition(struct function *f, const node *n, uint32_t context, uint32_t yes, uint32_t no) {
    uint32_t top = f->top;
    f->level++;
    if (jl_is_plain(n) && n->kind == JSONATA_BINARY) {
        enum jsonata_operator o = n->two.operator;
        if (is_comparison(o) || o == JSONATA_IN) {
            compare_and_branch(f, n, context, yes, no);
            f->level--;
            return;
        }
        if (o == JSONATA_AND || o == JSONATA_OR) {
            uint32_t outer = blame_begin(f, n);
            uint32_t right = jl_new_block(f, o == JSONATA_AND ? "and" : "or");
            uint32_t blamed = f->error;
            f->error = outer;
            if (o == JSONATA_AND)
                jl_condition(f, n->two.left, context, right, no);
            else
                jl_condition(f, n->two.left, context, yes, right);
            f->error = blamed;
            jl_continue_at(f, right);
            jl_condition(f, n->two.right, context, yes, no);
            f->error = outer;
            f->level--;
            return;
        }
    }
    if (is_call_of(f, n, "exists", 1)) {
        jl_emit(f, OP_JX_EXISTS, OPERANDS(jl_value(f, n->call.arguments.items[0], context, NONE)));
        jl_branch(f, yes, no);
    } else if (is_call_of(f, n, "boolean", 1)) {
        jl_condition(f, n->call.arguments.items[0], context, yes, no);
    } else if (is_call_of(f, n, "not", 1)) {
        const node *argument = n->call.arguments.items[0];
        if (jl_is_boolean(f, argument) && !(argument->kind == JSONATA_BINARY && argument->two.operator >= JSONATA_LESS &&
                                         argument->two.operator <= JSONATA_GREATER_EQUAL) &&
            argument->kind != JSONATA_CALL && argument->kind != JSONATA_BLOCK) {
            jl_condition(f, argument, context, no, yes);
        } else { // of nothing it is nothing
            uint32_t v = jl_value(f, argument, context, NONE), exists = jl_new_block(f, "not");
            jl_emit(f, OP_JX_EXISTS, OPERANDS(v));
            jl_branch(f, exists, no);
            jl_continue_at(f, exists);
            jl_emit(f, OP_JX_TRUTH, OPERANDS(v));
            jl_branch(f, no, yes);
        }
    } else if (n->kind == JSONATA_TRUE && jl_is_plain(n)) {
        jl_jump(f, yes);
    } else if (n->kind == JSONATA_FALSE && jl_is_plain(n)) {
        jl_jump(f, no);
    } else {
        f->level--;
        jl_emit(f, OP_JX_TRUTH, OPERANDS(jl_value(f, n, context, NONE)));
        f->level++;
        jl_branch(f, yes, no);
    }
    f->level--;
    f->top = top;
}

// A condition as a value: true or false.
static uint32_t condition_value(struct function *f, const node *n, uint32_t context, uint32_t want) {
    uint32_t d = wanted(f, want), yes = jl_new_block(f, "true"), no = jl_new_block(f, "false"), end = jl_new_block(f, "end");
    f->level--;
    jl_condition(f, n, context, yes, no);
    f->level++;
    jl_continue_at(f, yes);
    jl_copy(f, d, jl_constant(f, "true"));
    jl_jump(f, end);
    jl_continue_at(f, no);
    jl_copy(f, d, jl_constant(f, "false"));
    jl_go_to(f, end);
    return d;
}

static uint32_t binary(struct function *f, const node *n, uint32_t context, uint32_t want) {
    enum jsonata_operator o = n->two.operator;
    if (o == JSONATA_CONCATENATE)
        return concatenation(f, n, context, want);
    if (o == JSONATA_AND || o == JSONATA_OR)
        return condition_value(f, n, context, want);
    uint32_t d = wanted(f, want), top = f->top;
    uint32_t l = left_operand(f, n->two.left, n->two.right, context);
    uint32_t r = jl_value(f, n->two.right, context, NONE);
    if (o <= JSONATA_REMAINDER)
        jl_emit(f, arithmetic_op(o), OPERANDS(d, l, r, n->position));
    else if (o == JSONATA_EQUAL || o == JSONATA_NOT_EQUAL || o == JSONATA_IN)
        jl_emit(f, OP_JX_SAME, OPERANDS(d, l, r, o == JSONATA_EQUAL ? 0 : o == JSONATA_NOT_EQUAL ? 1 : 2));
    else
        jl_emit(f, OP_JX_ORDER, OPERANDS(d, l, r, (uint32_t)(o - JSONATA_LESS), n->position));
    f->top = top;
    return d;
}

typedef uint32_t value_fn(struct function *f, const node *n, uint32_t context, uint32_t want);

// value: what the branches are evaluated with, jl_value or jl_body_value.
static uint32_t conditional(struct function *f, const node *n, uint32_t context, uint32_t want, value_fn *value) {
    uint32_t d = wanted(f, want), top = f->top;
    uint32_t yes = jl_new_block(f, "then"), no = jl_new_block(f, "else"), end = jl_new_block(f, "end");
    jl_condition(f, n->condition.test, context, yes, no);
    jl_continue_at(f, yes);
    f->top = top;
    value(f, n->condition.then, context, d);
    jl_jump(f, end);
    jl_continue_at(f, no);
    f->top = top;
    if (n->condition.otherwise)
        value(f, n->condition.otherwise, context, d);
    else
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(d));
    jl_go_to(f, end);
    f->top = top;
    return d;
}

// Of a ?: b and a ?? b: the left value, which counts when it is true, or exists; goes on at `no` when it does not. (The
// reference evaluates it twice.)
static uint32_t left_value(struct function *f, const node *n, uint32_t context, bool body, uint32_t no) {
    uint32_t t = jl_temporary(f), seen = t, yes = jl_new_block(f, "left");
    const node *left = n->two.left;
    if (body && left->kind == JSONATA_CALL && jl_is_plain(left) && !left->keep_array) { // it is in tail position, too
        seen = jl_temporary(f);
        jl_bare_value(f, left, context, t, true);
        jl_emit(f, OP_JX_NODE, OPERANDS(seen, t, 0));
    } else {
        jl_value(f, left, context, t);
    }
    jl_emit(f, n->kind == JSONATA_ELVIS ? OP_JX_TRUTH : OP_JX_EXISTS, OPERANDS(seen));
    jl_branch(f, yes, no);
    jl_continue_at(f, yes);
    return t;
}

static uint32_t otherwise(struct function *f, const node *n, uint32_t context, uint32_t want, value_fn *value) {
    uint32_t d = wanted(f, want), top = f->top;
    uint32_t no = jl_new_block(f, "right"), end = jl_new_block(f, "end");
    uint32_t t = left_value(f, n, context, value == jl_body_value, no);
    jl_copy(f, d, t);
    jl_jump(f, end);
    jl_continue_at(f, no);
    f->top = top;
    value(f, n->two.right, context, d);
    jl_go_to(f, end);
    f->top = top;
    return d;
}

// ---------------------------------------------------------------- constructors

static void element(struct function *f, const node *n, uint32_t context, uint32_t want) {
    if (n->kind != JSONATA_RANGE) {
        jl_value(f, n, context, want);
        return;
    }
    uint32_t top = f->top;
    uint32_t l = left_operand(f, n->two.left, n->two.right, context), r = jl_value(f, n->two.right, context, NONE);
    jl_emit(f, OP_JX_RANGE, OPERANDS(want, l, r, n->position));
    f->top = top;
}

static uint32_t array(struct function *f, const node *n, uint32_t context, uint32_t want) {
    uint32_t d = wanted(f, want), top = f->top, count = (uint32_t)n->list.count;
    uint32_t at_once = count < 32 ? count : 32, nested = 0;
    uint32_t first = at_once ? jl_temporaries(f, at_once) : 0;
    for (uint32_t i = 0; i < at_once; i++) {
        const node *e = n->list.items[i];
        element(f, e, context, first + i);
        if (e->kind == JSONATA_ARRAY)
            nested |= 1u << i;
    }
    if (count > at_once) {
        uint32_t list = jl_temporary(f), one = jl_temporary(f); // d may be a variable that the elements read
        jl_emit(f, OP_JX_LIST, OPERANDS(list, first, at_once, nested));
        for (uint32_t i = at_once; i < count; i++) {
            element(f, n->list.items[i], context, one);
            jl_emit(f, OP_JX_LIST_ADD, OPERANDS(list, one, n->list.items[i]->kind == JSONATA_ARRAY));
        }
        jl_copy(f, d, list);
    } else {
        jl_emit(f, OP_JX_LIST, OPERANDS(d, first, at_once, nested));
    }
    if (n->cons)
        jl_emit(f, OP_JX_MARKED, OPERANDS(d, d, 4));
    f->top = top;
    return d;
}

// ---------------------------------------------------------------- blocks

// Opens a block's scope and evaluates all its expressions but the last, whose value is the block's.
static const node *block_begin(struct function *f, const node *n, uint32_t context) {
    jl_scope_open(f);
    jl_scope_declare(f, &n->list, context, true);
    for (size_t i = 0; i + 1 < n->list.count; i++) {
        uint32_t before = f->top;
        jl_value(f, n->list.items[i], context, NONE);
        f->top = before;
    }
    return n->list.items[n->list.count - 1];
}

static uint32_t block(struct function *f, const node *n, uint32_t context, uint32_t want, value_fn *value) {
    if (n->list.count == 0) {
        uint32_t d = wanted(f, want);
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(d));
        return d;
    }
    if (n->list.count == 1 && n->list.items[0]->kind != JSONATA_BIND && !calls_or_binds(n->list.items[0]))
        return value(f, n->list.items[0], context, want);
    uint32_t d = wanted(f, want), top = f->top;
    value(f, block_begin(f, n, context), context, d);
    jl_scope_close(f);
    f->top = top;
    return d;
}

static uint32_t bind(struct function *f, const node *n, uint32_t context, uint32_t want) {
    struct variable *v = jl_scope_find(f->scope, n->bind.name);
    if (v && v->lambda) // known: it has no value until somebody asks for one
        return want == NONE ? jl_constant(f, "null") : jl_variable_value(f, n, n->bind.name, context, want);
    if (v && v->function == f && !v->cell && !v->many && !calls_or_binds(n->bind.value)) {
        jl_value(f, n->bind.value, context, v->slot);
        return given(f, v->slot, want);
    }
    uint32_t d = wanted(f, want), top = f->top;
    uint32_t t = jl_value(f, n->bind.value, context, jl_temporary(f));
    if (jl_may_be_raw(f, n->bind.value)) // whoever reads the variable makes a node's value of it
        jl_emit(f, OP_JX_NODE, OPERANDS(t, t, 0));
    jl_variable_assign(f, n->bind.name, t);
    jl_copy(f, d, t);
    f->top = top;
    return d;
}

// ---------------------------------------------------------------- any node

uint32_t jl_bare_value(struct function *f, const node *n, uint32_t context, uint32_t want, bool raw) {
    uint32_t d, top;
    struct jsonata_node alone = *n;
    alone.predicates.count = 0;
    alone.group = NULL;
    if (jl_is_literal(&alone))
        return given(f, literal(f, n), want);
    switch (n->kind) {
    case JSONATA_PATH: return jl_path_value(f, n, context, want);
    case JSONATA_NAME: {
        d = wanted(f, want);
        jl_emit(f, OP_JX_FIELD, OPERANDS(d, context, jl_constant_string(f, n->text) & ~ASL_CONSTANT));
        return d;
    }
    case JSONATA_VARIABLE: return jl_variable_value(f, n, n->text, context, want);
    case JSONATA_REGEX: {
        asl_buffer b = {0};
        asl_buffer_byte(&b, '[');
        asl_json_print_string(n->regex.pattern, &b);
        asl_buffer_format(&b, ",\"%s%s\",%u]", n->regex.ignore_case ? "i" : "", n->regex.multiline ? "m" : "", n->position);
        d = wanted(f, want);
        jl_emit(f, OP_JX_REGEX, OPERANDS(d, ir_const(f->compiler->plan, b.data)));
        asl_buffer_free(&b);
        return d;
    }
    case JSONATA_WILDCARD:
    case JSONATA_DESCENDANTS:
        d = wanted(f, want);
        jl_emit(f, n->kind == JSONATA_WILDCARD ? OP_JX_WILDCARD : OP_JX_DESCENDANTS, OPERANDS(d, context, raw));
        return d;
    case JSONATA_PARENT: return jl_variable_value(f, n, jl_label_name(f->compiler->arena, n->slot->label), context, want);
    case JSONATA_NEGATE:
        d = wanted(f, want), top = f->top;
        jl_emit(f, OP_JX_NEGATE, OPERANDS(d, jl_value(f, n->one, context, NONE), n->position));
        f->top = top;
        return d;
    case JSONATA_ARRAY: return array(f, n, context, want);
    case JSONATA_OBJECT: return jl_object_value(f, &n->object, context, want);
    case JSONATA_BINARY: return binary(f, n, context, want);
    case JSONATA_CONDITION: return conditional(f, n, context, want, jl_value);
    case JSONATA_ELVIS:
    case JSONATA_COALESCE: return otherwise(f, n, context, want, jl_value);
    case JSONATA_BLOCK: return block(f, n, context, want, jl_value);
    case JSONATA_BIND: return bind(f, n, context, want);
    case JSONATA_APPLY: return jl_apply_value(f, n, context, want, raw);
    case JSONATA_CALL: return jl_call_value(f, n, NULL, context, want, raw);
    case JSONATA_PARTIAL: return jl_partial_value(f, n, NULL, context, want);
    case JSONATA_LAMBDA: return jl_lambda_value(f, jl_lambda_of(f, n, context), want);
    case JSONATA_TRANSFORM: return jl_lambda_value(f, jl_lambda_of(f, n, context), want);
    case JSONATA_STRING:
    case JSONATA_NUMBER:
    case JSONATA_TRUE:
    case JSONATA_FALSE:
    case JSONATA_NULL: break;
    case JSONATA_RANGE:
        d = wanted(f, want);
        element(f, n, context, d);
        return d;
    case JSONATA_PLACEHOLDER:
    case JSONATA_SORT: break;
    }
    d = wanted(f, want);
    jl_emit(f, OP_JX_UNDEFINED, OPERANDS(d));
    return d;
}

// How deep evaluation goes below n whatever happens: what depends on a condition, or on there being items, checks itself.
static uint32_t sure_depth(const node *n) {
    uint32_t deepest = 0, d;
    if (jl_is_literal(n))
        return n->depth;
    if (n->kind == JSONATA_PATH)
        deepest = sure_depth(n->path.steps.items[0]);
    else if (n->kind == JSONATA_CONDITION)
        deepest = sure_depth(n->condition.test);
    else if (n->kind == JSONATA_NEGATE)
        deepest = sure_depth(n->one);
    else if (n->kind == JSONATA_BIND)
        deepest = sure_depth(n->bind.value);
    else if (n->kind == JSONATA_BINARY || n->kind == JSONATA_APPLY || n->kind == JSONATA_RANGE) {
        deepest = sure_depth(n->two.left);
        bool sure = n->kind != JSONATA_BINARY || (n->two.operator != JSONATA_AND && n->two.operator != JSONATA_OR);
        if (sure && (d = sure_depth(n->two.right)) > deepest)
            deepest = d;
    } else if (n->kind == JSONATA_BLOCK || n->kind == JSONATA_ARRAY || n->kind == JSONATA_CALL) {
        const struct jsonata_list *l = n->kind == JSONATA_CALL ? &n->call.arguments : &n->list;
        for (size_t i = 0; i < l->count; i++)
            if ((d = sure_depth(l->items[i])) > deepest)
                deepest = d;
    }
    return 1 + deepest;
}

static void check_depth(struct function *f, const node *n) {
    if (!f->compiler->depth || (!f->is_lambda && f->level + n->depth <= 50))
        return;
    if (f->checked_block == f->block && f->level <= f->checked)
        return;
    f->checked = f->level + sure_depth(n) - 1;
    f->checked_block = f->block;
    jl_emit(f, OP_JX_DEPTH, OPERANDS(f->checked));
}

uint32_t jl_value(struct function *f, const node *n, uint32_t context, uint32_t want) {
    f->level++;
    check_depth(f, n);
    bool group = n->group && n->kind != JSONATA_PATH;
    if (n->predicates.count == 0 && !group && (!n->keep_array || n->kind == JSONATA_PATH)) { // a path sees to it itself
        bool passes = n->kind == JSONATA_BLOCK || n->kind == JSONATA_CONDITION || n->kind == JSONATA_ELVIS || n->kind == JSONATA_COALESCE;
        uint32_t operand = jl_bare_value(f, n, context, want, false);
        if (passes && jl_may_be_raw(f, n)) // what is passed on is this node's value, too
            jl_emit(f, OP_JX_NODE, OPERANDS(operand, operand, 0));
        f->level--;
        return operand;
    }
    uint32_t d = wanted(f, want), top = f->top;
    uint32_t operand = jl_bare_value(f, n, context, NONE, true);
    for (size_t i = 0; i < n->predicates.count; i++) {
        bool last = i + 1 == n->predicates.count && !group;
        operand = jl_filtered(f, operand, n->predicates.items[i].filter, last ? d : NONE,
                           !last ? AS_STAGE : n->keep_array ? AS_KEPT : AS_NODE);
    }
    if (group)
        jl_object_value(f, n->group, jl_in_slot(f, operand), d);
    else if (n->predicates.count == 0)
        jl_emit(f, OP_JX_NODE, OPERANDS(d, jl_in_slot(f, operand), 1));
    f->level--;
    f->top = top;
    return d;
}

// ---------------------------------------------------------------- bodies

uint32_t jl_body_value(struct function *f, const node *n, uint32_t context, uint32_t want) {
    uint32_t operand;
    bool call = n->kind == JSONATA_CALL && n->call.tail;
    if (!jl_is_plain(n) || n->keep_array ||
        !(call || n->kind == JSONATA_CONDITION || n->kind == JSONATA_ELVIS || n->kind == JSONATA_COALESCE || n->kind == JSONATA_BLOCK))
        return jl_value(f, n, context, want);
    f->level++;
    check_depth(f, n);
    if (call)
        operand = jl_bare_value(f, n, context, want, true);
    else if (n->kind == JSONATA_CONDITION)
        operand = conditional(f, n, context, want, jl_body_value);
    else if (n->kind == JSONATA_BLOCK)
        operand = block(f, n, context, want, jl_body_value);
    else
        operand = otherwise(f, n, context, want, jl_body_value);
    f->level--;
    return operand;
}

void jl_returned(struct function *f, const node *n, uint32_t context) {
    uint32_t top = f->top;
    if (jl_is_plain(n) && !n->keep_array && n->kind == JSONATA_CONDITION) {
        f->level++;
        check_depth(f, n);
        uint32_t yes = jl_new_block(f, "then"), no = jl_new_block(f, "else");
        jl_condition(f, n->condition.test, context, yes, no);
        jl_continue_at(f, yes);
        jl_returned(f, n->condition.then, context);
        f->top = top;
        jl_continue_at(f, no);
        if (n->condition.otherwise) {
            jl_returned(f, n->condition.otherwise, context);
        } else {
            uint32_t nothing = jl_temporary(f);
            jl_emit(f, OP_JX_UNDEFINED, OPERANDS(nothing));
            jl_emit(f, OP_JX_RETURN, OPERANDS(nothing));
            leave_function(f, ASL_DONE);
        }
        f->level--;
    } else if (jl_is_plain(n) && !n->keep_array && n->kind == JSONATA_BLOCK && n->list.count > 0) {
        f->level++;
        check_depth(f, n);
        jl_returned(f, block_begin(f, n, context), context);
        jl_scope_close(f);
        f->level--;
    } else if (jl_is_plain(n) && !n->keep_array && (n->kind == JSONATA_ELVIS || n->kind == JSONATA_COALESCE)) {
        f->level++;
        check_depth(f, n);
        uint32_t no = jl_new_block(f, "right");
        jl_emit(f, OP_JX_RETURN, OPERANDS(left_value(f, n, context, true, no)));
        leave_function(f, ASL_DONE);
        f->top = top;
        jl_continue_at(f, no);
        jl_returned(f, n->two.right, context);
        f->level--;
    } else if (n->kind == JSONATA_CALL && n->call.tail && jl_is_plain(n) && jl_called_builtin(f, n) < 0) {
        f->level++;
        check_depth(f, n);
        jl_tail_call(f, n, context);
        leave_function(f, ASL_TAIL);
        f->level--;
    } else {
        jl_emit(f, OP_JX_RETURN, OPERANDS(jl_body_value(f, n, context, NONE)));
        leave_function(f, ASL_DONE);
    }
    f->top = top;
}
