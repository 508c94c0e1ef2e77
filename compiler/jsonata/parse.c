// The grammar: a Pratt parser (jsonata-language 3).
//
//     expression(rbp):  prefix rule of the next token, then infix rules while the next one binds tighter than rbp
//
// The tree is built by the rewrites of rewrite.c as the operators come. Three rules look at how an operand was *written*
// (is it a lone name, a variable, an @ …), so what the rules pass on is an operand: the node with that knowledge.
//
// Two kinds of mistakes: those of the grammar end the parse at once; those of the rewrites (`deferred`) are reported when
// the grammar has none, because the reference looks for them afterwards.
#include "parse_private.h"

#include "jsonata/error.h" // the runtime's
#include "jsonata/jx.h"

#include <string.h>

enum written { AS_OTHER, AS_NAME, AS_VARIABLE, AS_FOCUS };

struct operand {
    struct jsonata_node *node; /* NULL: failed */
    struct lex_token token;    /* of the node as written: a name, an operator */
    enum written written;
    enum written innermost;    /* without predicates: of a in a[0][1] */
    uint32_t start;            /* in bytes */
};

static const struct operand failed;

static struct operand expression(struct parser *p, int rbp);

// ---------------------------------------------------------------- mistakes

static struct operand refuse(struct parser *p, const char *code, const struct lex_token *place, const struct lex_token *token) {
    p->error = (struct lex_error){.code = code, .offset = place->offset, .size = place->size, .position = place->position};
    if (token) {
        p->error.token = *token;
        p->error.has_token = true;
    }
    return failed;
}

struct lex_error *parser_defer(struct parser *p, const char *code, const struct lex_token *place) {
    if (p->deferred.code)
        return NULL;
    p->deferred = (struct lex_error){.code = code, .offset = place->offset, .size = place->size, .position = place->position};
    return &p->deferred;
}

// ---------------------------------------------------------------- tokens

static bool next(struct parser *p, bool operand) { return lex_next(&p->lexer, operand, &p->token, &p->error); }

static bool here(const struct parser *p, int op) { return p->token.kind == TOKEN_OPERATOR && p->token.op == op; }

static bool check_regex(struct parser *p, const struct lex_token *t) {
    char why[200];
    if (jx_regex_check(t->text, t->ignore_case, t->multiline, why, sizeof why))
        return true;
    refuse(p, "S0303", t, NULL);
    p->error.expected = asl_str_z(arena_copy(p->lexer.arena, why, strlen(why)));
    return false;
}

/* The next token must be op; goes on to the one after it. */
static bool expect(struct parser *p, int op, const char *text, bool operand) {
    if (here(p, op))
        return next(p, operand);
    refuse(p, p->token.kind == TOKEN_END ? "S0203" : "S0202", &p->token, &p->token);
    p->error.expected = asl_str_z(text);
    return false;
}

static int binding_power(const struct lex_token *t) {
    if (t->kind != TOKEN_OPERATOR)
        return 0;
    switch (t->op) {
    case '(': case '[': case '@': case '#': return 80;
    case '.': return 75;
    case '{': return 70;
    case '*': case '/': case '%': return 60;
    case '+': case '-': case '&': return 50;
    case '=': case '<': case '>': case '^': case OP_NOT_EQUAL: case OP_AT_LEAST: case OP_AT_MOST: case OP_APPLY: case OP_IN:
    case OP_ELVIS: case OP_COALESCE: return 40;
    case OP_AND: return 30;
    case OP_OR: return 25;
    case '?': return 20;
    case OP_BIND: return 10;
    default: return 0;
    }
}

static struct operand operand_of(struct jsonata_node *node, const struct lex_token *token) {
    return (struct operand){.node = node, .token = *token};
}

// ---------------------------------------------------------------- lists

typedef VEC(struct jsonata_node *) node_list;

static struct jsonata_list list_of(const node_list *v) { return (struct jsonata_list){v->items, v->count}; }

/* key : value , … } with the { taken. The pairs of a constructor belong to owner. */
static bool pairs(struct parser *p, struct jsonata_node *owner, uint32_t position, struct jsonata_pairs *out) {
    VEC(struct jsonata_pair) all = {0};
    for (bool more = !here(p, '}'); more;) {
        struct operand key = expression(p, 0), value;
        if (!key.node || !expect(p, ':', ":", true) || !(value = expression(p, 0)).node)
            return false;
        *vec_push(p->lexer.arena, &all) = (struct jsonata_pair){key.node, value.node};
        if (owner) {
            rewrite_adopt(p, owner, key.node);
            rewrite_adopt(p, owner, value.node);
        }
        if ((more = here(p, ',')) && !next(p, true))
            return false;
    }
    *out = (struct jsonata_pairs){all.items, all.count, position};
    return expect(p, '}', "}", false);
}

// ---------------------------------------------------------------- prefix rules

static struct operand block(struct parser *p, const struct lex_token *token) {
    struct jsonata_node *n = rewrite_node(p, JSONATA_BLOCK, token);
    n->token = (asl_str){NULL, 0};
    node_list parts = {0};
    while (!here(p, ')')) {
        struct jsonata_node *part = expression(p, 0).node;
        if (!part)
            return failed;
        *vec_push(p->lexer.arena, &parts) = part;
        rewrite_adopt(p, n, part);
        n->cons |= part->kind == JSONATA_PATH ? part->path.steps.items[0]->cons : part->cons;
        if (!here(p, ';'))
            break;
        if (!next(p, true))
            return failed;
    }
    n->list = list_of(&parts);
    return expect(p, ')', ")", false) ? operand_of(n, token) : failed;
}

static struct operand array(struct parser *p, const struct lex_token *token) {
    struct jsonata_node *n = rewrite_node(p, JSONATA_ARRAY, token);
    node_list items = {0};
    for (bool more = !here(p, ']'); more;) {
        struct jsonata_node *item = expression(p, 0).node;
        if (!item)
            return failed;
        if (here(p, OP_RANGE)) {
            struct jsonata_node *range = rewrite_node(p, JSONATA_RANGE, &p->token);
            range->two.left = item;
            if (!next(p, true) || !(range->two.right = expression(p, 0).node))
                return failed;
            rewrite_adopt(p, range, range->two.left);
            rewrite_adopt(p, range, range->two.right);
            item = range;
        }
        *vec_push(p->lexer.arena, &items) = item;
        rewrite_adopt(p, n, item);
        if ((more = here(p, ',')) && !next(p, true))
            return failed;
    }
    n->list = list_of(&items);
    return expect(p, ']', "]", false) ? operand_of(n, token) : failed;
}

static struct operand object(struct parser *p, const struct lex_token *token) {
    struct jsonata_node *n = rewrite_node(p, JSONATA_OBJECT, token);
    return pairs(p, n, token->position, &n->object) ? operand_of(n, token) : failed;
}

static struct operand transform(struct parser *p, const struct lex_token *token) {
    struct jsonata_node *n = rewrite_node(p, JSONATA_TRANSFORM, token);
    n->token = (asl_str){NULL, 0};
    if (!(n->transform.pattern = expression(p, 0).node) || !expect(p, '|', "|", true))
        return failed;
    if (!(n->transform.update = expression(p, 0).node))
        return failed;
    if (here(p, ',') && (!next(p, true) || !(n->transform.removed = expression(p, 0).node)))
        return failed;
    /* Not adopted: a % inside looks no further than the transform's own parts. */
    rewrite_deepen(n, n->transform.pattern);
    rewrite_deepen(n, n->transform.update);
    rewrite_deepen(n, n->transform.removed);
    return expect(p, '|', "|", true) ? operand_of(n, token) : failed;
}

static struct operand operator_as_operand(struct parser *p, const struct lex_token *token) {
    struct operand out = operand_of(NULL, token);
    switch (token->op) {
    case OP_AND:
    case OP_OR:
    case OP_IN:
        out.node = rewrite_name(p, token);
        out.innermost = AS_NAME;
        return out;
    case '*':
    case OP_DESCENDANTS:
        out.node = rewrite_node(p, token->op == '*' ? JSONATA_WILDCARD : JSONATA_DESCENDANTS, token);
        return out;
    case '%':
        out.node = rewrite_node(p, JSONATA_PARENT, token);
        out.node->slot = arena_alloc(p->lexer.arena, sizeof *out.node->slot);
        *out.node->slot = (struct jsonata_slot){.label = ++p->labels, .level = 1};
        return out;
    case '-': {
        struct operand operand = expression(p, 70);
        if (operand.node)
            out.node = rewrite_negate(p, token, operand.node);
        return out;
    }
    case '(': return block(p, token);
    case '[': return array(p, token);
    case '{': return object(p, token);
    case '|': return transform(p, token);
    default: return refuse(p, "S0211", token, token);
    }
}

static struct operand prefix(struct parser *p, const struct lex_token *token) {
    struct operand out = operand_of(NULL, token);
    switch (token->kind) {
    case TOKEN_OPERATOR: return operator_as_operand(p, token);
    case TOKEN_END: {
        struct lex_error *e = parser_defer(p, "S0207", token);
        if (e) {
            e->token = *token;
            e->has_token = true;
        }
        out.node = rewrite_node(p, JSONATA_NULL, token);
        return out;
    }
    case TOKEN_NAME:
        out.node = rewrite_name(p, token);
        out.written = out.innermost = AS_NAME;
        return out;
    case TOKEN_VARIABLE:
        out.node = rewrite_node(p, JSONATA_VARIABLE, token);
        out.node->text = token->text;
        out.written = out.innermost = AS_VARIABLE;
        return out;
    case TOKEN_STRING:
        out.node = rewrite_node(p, JSONATA_STRING, token);
        out.node->text = token->text;
        return out;
    case TOKEN_NUMBER:
        out.node = rewrite_node(p, JSONATA_NUMBER, token);
        out.node->number = token->number;
        break;
    case TOKEN_TRUE: out.node = rewrite_node(p, JSONATA_TRUE, token); break;
    case TOKEN_FALSE: out.node = rewrite_node(p, JSONATA_FALSE, token); break;
    case TOKEN_NULL: out.node = rewrite_node(p, JSONATA_NULL, token); break;
    case TOKEN_REGEX:
        out.node = rewrite_node(p, JSONATA_REGEX, token);
        out.node->regex.pattern = token->text;
        out.node->regex.ignore_case = token->ignore_case;
        out.node->regex.multiline = token->multiline;
        if (!check_regex(p, token))
            return failed;
        break;
    }
    out.node->token = (asl_str){NULL, 0};
    return out;
}

// ---------------------------------------------------------------- functions

/* The text of the signature is that of its tokens, without blanks. */
static void add_to_signature(const struct parser *p, asl_buffer *text, const struct lex_token *t) {
    if (t->kind == TOKEN_NUMBER || t->kind == TOKEN_REGEX)
        asl_buffer_add(text, p->lexer.source.data + t->offset, t->size);
    else if (t->kind != TOKEN_END)
        asl_buffer_str(text, t->text);
}

static bool signature(struct parser *p, asl_str *out) {
    struct lex_token start = p->token;
    asl_buffer text = {0};
    bool ok = true;
    asl_buffer_byte(&text, '<');
    for (uint32_t open = 1; ok && open > 0 && !here(p, '{') && p->token.kind != TOKEN_END;) {
        if ((ok = next(p, true))) {
            open += here(p, '<');
            open -= here(p, '>');
            add_to_signature(p, &text, &p->token);
        }
    }
    ok = ok && expect(p, '>', ">", true);
    *out = (asl_str){arena_copy(p->lexer.arena, text.data, text.size), text.size};
    asl_buffer_free(&text);
    if (!ok)
        return false;
    size_t offset = 0;
    const char *code = signature_check(*out, &offset);
    if (!code)
        return true;
    start.position += (uint32_t)offset;
    refuse(p, code, &start, NULL);
    return false;
}

static struct operand lambda(struct parser *p, const struct lex_token *token, const struct operand *args, size_t count) {
    struct jsonata_node *n = rewrite_node(p, JSONATA_LAMBDA, token);
    n->token = (asl_str){NULL, 0};
    n->lambda.params = arena_alloc(p->lexer.arena, (count + 1) * sizeof *n->lambda.params);
    n->lambda.param_count = count;
    for (size_t i = 0; i < count; i++) {
        if (args[i].written != AS_VARIABLE) {
            refuse(p, "S0208", &args[i].token, &args[i].token);
            p->error.parameter = (uint32_t)i + 1;
            return failed;
        }
        n->lambda.params[i] = args[i].token.text;
    }
    if (here(p, '<') && !signature(p, &n->lambda.signature))
        return failed;
    if (!expect(p, '{', "{", true) || !(n->lambda.body = expression(p, 0).node) || !expect(p, '}', "}", true))
        return failed;
    rewrite_deepen(n, n->lambda.body); // a % in the body has no path around it to look at
    rewrite_mark_tail_calls(n->lambda.body);
    return operand_of(n, token);
}

/* What errors call the function. */
static asl_str callee_name(const struct jsonata_node *callee) {
    if (callee->kind == JSONATA_PATH)
        return callee->path.steps.items[0]->token;
    return callee->kind == JSONATA_CALL || callee->kind == JSONATA_PARTIAL ? ASL_STR("(") : callee->token;
}

static struct operand call(struct parser *p, const struct lex_token *token, struct operand callee) {
    /* Of two mistakes the reference sees those in the arguments first. */
    struct lex_error in_callee = p->deferred;
    bool own = in_callee.code && in_callee.offset >= callee.start;
    if (own)
        p->deferred.code = NULL;
    struct jsonata_node *n = rewrite_node(p, JSONATA_CALL, token);
    VEC(struct operand) args = {0};
    node_list nodes = {0};
    for (bool more = !here(p, ')'); more;) {
        struct operand arg;
        if (here(p, '?')) {
            arg = operand_of(rewrite_node(p, JSONATA_PLACEHOLDER, &p->token), &p->token);
            n->kind = JSONATA_PARTIAL;
            if (!next(p, true))
                return failed;
        } else if (!(arg = expression(p, 0)).node) {
            return failed;
        }
        *vec_push(p->lexer.arena, &args) = arg;
        *vec_push(p->lexer.arena, &nodes) = arg.node;
        rewrite_adopt(p, n, arg.node);
        if ((more = here(p, ',')) && !next(p, true))
            return failed;
    }
    if (!expect(p, ')', ")", false))
        return failed;
    if (callee.written == AS_NAME && (asl_str_equal(callee.token.text, ASL_STR("function")) ||
                                      asl_str_equal(callee.token.text, ASL_STR("λ"))))
        return lambda(p, token, args.items, args.count);
    if (own && !p->deferred.code)
        p->deferred = in_callee;
    n->call.callee = callee.node;
    n->call.arguments = list_of(&nodes);
    n->token = callee_name(callee.node);
    rewrite_deepen(n, callee.node);
    return operand_of(n, token);
}

// ---------------------------------------------------------------- infix rules

static struct operand two(struct parser *p, const struct lex_token *token, enum jsonata_kind kind, enum jsonata_operator op,
                          struct operand left, int rbp) {
    struct jsonata_node *n = rewrite_node(p, kind, token);
    n->two.left = left.node;
    n->two.operator = op;
    if (!(n->two.right = expression(p, rbp).node))
        return failed;
    if (kind == JSONATA_APPLY) {
        rewrite_deepen(n, n->two.left);
        rewrite_deepen(n, n->two.right);
    } else {
        rewrite_adopt(p, n, n->two.left);
        rewrite_adopt(p, n, n->two.right);
    }
    return operand_of(n, token);
}

static struct operand predicate(struct parser *p, const struct lex_token *token, struct operand left) {
    if (here(p, ']')) {
        left.node->keep_array = true;
        if (left.innermost == AS_NAME) {
            left.node->path.keep_singleton = true;
            left.node->path.steps.items[0]->keep_array = true;
        } else if (left.innermost == AS_FOCUS) {
            struct jsonata_node *n = left.node;
            if (n->kind == JSONATA_PATH)
                n->path.steps.items[n->path.steps.count - 1]->keep_array = true;
        }
        return expect(p, ']', "]", true) ? left : failed; // a[]/2 is no division
    }
    rewrite_check_group(p, token, left.node);
    struct jsonata_node *filter = expression(p, 0).node;
    if (!filter || !expect(p, ']', "]", false))
        return failed;
    struct operand out = operand_of(rewrite_predicate(p, token, left.node, filter), token);
    out.innermost = left.innermost;
    return out;
}

static struct operand order_by(struct parser *p, const struct lex_token *token, struct operand left) {
    VEC(struct jsonata_term) terms = {0};
    if (!expect(p, '(', "(", true))
        return failed;
    for (bool more = true; more;) {
        struct jsonata_term term = {.descending = here(p, '>')};
        if ((here(p, '<') || here(p, '>')) && !next(p, true))
            return failed;
        if (!(term.expression = expression(p, 0).node))
            return failed;
        *vec_push(p->lexer.arena, &terms) = term;
        if ((more = here(p, ',')) && !next(p, true))
            return failed;
    }
    if (!expect(p, ')', ")", true))
        return failed;
    return operand_of(rewrite_sort(p, token, left.node, terms.items, terms.count), token);
}

static struct operand condition(struct parser *p, const struct lex_token *token, struct operand test) {
    struct jsonata_node *n = rewrite_node(p, JSONATA_CONDITION, token);
    n->condition.test = test.node;
    if (!(n->condition.then = expression(p, 0).node))
        return failed;
    if (here(p, ':') && (!next(p, true) || !(n->condition.otherwise = expression(p, 0).node)))
        return failed;
    rewrite_adopt(p, n, n->condition.test);
    rewrite_adopt(p, n, n->condition.then);
    rewrite_adopt(p, n, n->condition.otherwise);
    return operand_of(n, token);
}

static struct operand bind(struct parser *p, const struct lex_token *token, struct operand left) {
    if (left.written != AS_VARIABLE)
        return refuse(p, "S0212", &left.token, &left.token);
    struct jsonata_node *n = rewrite_node(p, JSONATA_BIND, token);
    n->bind.name = left.token.text;
    if (!(n->bind.value = expression(p, 9).node))
        return failed;
    rewrite_adopt(p, n, n->bind.value);
    return operand_of(n, token);
}

static struct operand tuple_binding(struct parser *p, const struct lex_token *token, struct operand left) {
    struct operand name = expression(p, 80), out;
    if (!name.node)
        return failed;
    if (name.written != AS_VARIABLE)
        return refuse(p, "S0214", &name.token, token);
    if (token->op == '#')
        return operand_of(rewrite_index(p, token, left.node, name.token.text), token);
    out = operand_of(rewrite_focus(p, token, left.node, name.token.text), token);
    out.innermost = AS_FOCUS;
    return out;
}

static struct operand infix(struct parser *p, const struct lex_token *t, struct operand left) {
    struct operand out;
    switch (t->op) {
    case '.':
        if (!(out = expression(p, 75)).node)
            return failed;
        return operand_of(rewrite_dot(p, left.node, out.node), t);
    case '(': return call(p, t, left);
    case '[': return predicate(p, t, left);
    case '{': {
        struct jsonata_pairs group;
        rewrite_check_group(p, t, left.node);
        if (!pairs(p, NULL, t->position, &group))
            return failed;
        return operand_of(rewrite_group(p, left.node, group), t);
    }
    case '@':
    case '#': return tuple_binding(p, t, left);
    case '^': return order_by(p, t, left);
    case '?': return condition(p, t, left);
    case OP_BIND: return bind(p, t, left);
    case OP_ELVIS: return two(p, t, JSONATA_ELVIS, 0, left, 0);
    case OP_COALESCE: return two(p, t, JSONATA_COALESCE, 0, left, 0);
    case OP_APPLY:
        out = two(p, t, JSONATA_APPLY, 0, left, 40);
        if (out.node)
            out.node->keep_array = out.node->two.left->keep_array || out.node->two.right->keep_array;
        return out;
    case '+': return two(p, t, JSONATA_BINARY, JSONATA_ADD, left, 50);
    case '-': return two(p, t, JSONATA_BINARY, JSONATA_SUBTRACT, left, 50);
    case '&': return two(p, t, JSONATA_BINARY, JSONATA_CONCATENATE, left, 50);
    case '*': return two(p, t, JSONATA_BINARY, JSONATA_MULTIPLY, left, 60);
    case '/': return two(p, t, JSONATA_BINARY, JSONATA_DIVIDE, left, 60);
    case '%': return two(p, t, JSONATA_BINARY, JSONATA_REMAINDER, left, 60);
    case '=': return two(p, t, JSONATA_BINARY, JSONATA_EQUAL, left, 40);
    case OP_NOT_EQUAL: return two(p, t, JSONATA_BINARY, JSONATA_NOT_EQUAL, left, 40);
    case '<': return two(p, t, JSONATA_BINARY, JSONATA_LESS, left, 40);
    case OP_AT_MOST: return two(p, t, JSONATA_BINARY, JSONATA_LESS_EQUAL, left, 40);
    case '>': return two(p, t, JSONATA_BINARY, JSONATA_GREATER, left, 40);
    case OP_AT_LEAST: return two(p, t, JSONATA_BINARY, JSONATA_GREATER_EQUAL, left, 40);
    case OP_IN: return two(p, t, JSONATA_BINARY, JSONATA_IN, left, 40);
    case OP_AND: return two(p, t, JSONATA_BINARY, JSONATA_AND, left, 30);
    case OP_OR: return two(p, t, JSONATA_BINARY, JSONATA_OR, left, 25);
    default: return refuse(p, "S0201", t, t);
    }
}

static struct operand too_deep(struct parser *p, const struct lex_token *place) { return refuse(p, "S0501", place, NULL); }

static struct operand expression(struct parser *p, int rbp) {
    struct lex_token token = p->token;
    if (p->nesting == JSONATA_MAX_DEPTH)
        return too_deep(p, &token);
    p->nesting++;
    uint32_t start = token.offset;
    struct operand left = next(p, false) ? prefix(p, &token) : failed;
    while (left.node && left.node->depth <= JSONATA_MAX_DEPTH && rbp < binding_power(&p->token)) {
        token = p->token;
        left.start = start;
        left = next(p, true) ? infix(p, &token, left) : failed;
    }
    p->nesting--;
    return left.node && left.node->depth > JSONATA_MAX_DEPTH ? too_deep(p, &token) : left;
}

// ---------------------------------------------------------------- the whole

/* A token as the reference would put it into a message. */
static asl_value token_value(const struct lex_token *t) {
    switch (t->kind) {
    case TOKEN_NUMBER: return asl_double(t->number);
    case TOKEN_TRUE: return asl_bool(true);
    case TOKEN_FALSE: return asl_bool(false);
    case TOKEN_NULL: return asl_null();
    case TOKEN_REGEX: return asl_object_new(0);
    case TOKEN_END:
    case TOKEN_OPERATOR:
    case TOKEN_NAME:
    case TOKEN_VARIABLE:
    case TOKEN_STRING: return asl_string(t->text);
    }
    return asl_none();
}

static void explain(struct arena *a, const struct lex_error *e, struct jsonata_error *out) {
    asl_value token = token_value(&e->token), value = asl_retain(token);
    if (e->expected.data)
        asl_value_set(&value, asl_string(e->expected));
    if (e->parameter)
        asl_value_set(&value, asl_int(e->parameter));
    struct jx_field fields[] = {{"token", &token}, {"value", &value}};
    asl_buffer text = {0};
    jx_message(e->code, fields, 2, &text);
    *out = (struct jsonata_error){
        .code = e->code,
        .message = arena_copy(a, text.data, text.size),
        .offset = e->offset,
        .size = e->size,
        .position = e->position,
    };
    if (e->has_token && token.tag == ASL_STRING)
        out->token = arena_copy(a, e->token.text.data, e->token.text.size);
    asl_buffer_free(&text);
    asl_release(token);
    asl_release(value);
}

/* The size of the character at i, 0 when it is none. Half a surrogate pair is one, as in our strings. */
static size_t character(asl_str s, size_t i) {
    const unsigned char *p = (const unsigned char *)s.data + i;
    size_t size = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : *p >= 0xe0 && *p < 0xf0 ? 3 : *p >= 0xf0 && *p < 0xf5 ? 4 : 0;
    if (size > s.size - i)
        return 0;
    for (size_t k = 1; k < size; k++)
        if ((p[k] & 0xc0) != 0x80)
            return 0;
    bool overlong = size >= 3 && ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90)), beyond = *p == 0xf4 && p[1] >= 0x90;
    return overlong || beyond ? 0 : size;
}

/* Texts of JSON are characters already; those of other callers need not be, and constants of the plan must. */
static bool check_characters(struct arena *a, asl_str source, struct jsonata_error *error) {
    size_t size;
    for (size_t i = 0, units = 0; i < source.size; i += size, units += size == 4 ? 2 : 1) {
        size = character(source, i);
        if (size)
            continue;
        const char *byte = arena_format(a, "\\x%02x", (unsigned char)source.data[i]);
        *error = (struct jsonata_error){"S0201", arena_format(a, "Syntax error: the byte %s is not UTF-8", byte), byte, i, 1, units + 1};
        return false;
    }
    return true;
}

struct jsonata_node *jsonata_parse(struct arena *a, asl_str source, enum jsonata_dialect dialect, struct jsonata_error *error) {
    struct parser p = {.lexer = {.arena = a, .version_2_1 = dialect == JSONATA_PLAIN}};
    struct jsonata_node *tree = NULL;
    if (source.size > JSONATA_MAX_SIZE) {
        p.error = (struct lex_error){.code = "S0502"};
    } else if (!check_characters(a, source, error)) {
        return NULL;
    } else {
        p.lexer.source = (asl_str){arena_copy(a, source.data, source.size), source.size};
        if (next(&p, true))
            tree = expression(&p, 0).node;
    }
    if (tree && p.token.kind != TOKEN_END)
        refuse(&p, "S0201", &p.token, &p.token);
    if (tree && !p.error.code)
        rewrite_end(&p, tree);
    if (!p.error.code)
        p.error = p.deferred;
    if (!p.error.code)
        return tree;
    explain(a, &p.error, error);
    return NULL;
}
