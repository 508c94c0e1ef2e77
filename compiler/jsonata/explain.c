// What is known of an expression before it runs, as text: its tree, and the types that each node can have.
//
//     path                             number string boolean null array object function nothing
//       name "orders"                  …
//       call "$sum"                    number nothing
//
// Types are inferred from the leaves up: operators, constructors and built-in functions say what they give; what a path or
// a variable gives is only known when it runs.
#include "explain.h"

#include <string.h>

#include "../../runtime/jsonata/jx.h"
#include "tree.h"

enum { NUMBER = 1, STRING = 2, BOOLEAN = 4, NULL_TYPE = 8, ARRAY = 16, OBJECT = 32, FUNCTION = 64, NOTHING = 128, ANY = 255 };

static const struct {
    const char *name, *signature;
} builtins[] = {
#define BUILTIN(id, name, signature, dialect) {name, signature},
#include "aslc/jsonata.def"
#undef BUILTIN
};

static unsigned type_of(const struct jsonata_node *n);

// The part of a signature behind the colon. Few functions give nothing for nothing only; all are taken to.
static unsigned called_type(const struct jsonata_node *call) {
    const struct jsonata_node *callee = call->call.callee;
    if (callee->kind != JSONATA_VARIABLE)
        return ANY;
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++) {
        if (!asl_str_equal(callee->text, asl_str_z(builtins[i].name)))
            continue;
        const char *result = NULL;
        int depth = 0;
        for (const char *p = builtins[i].signature; *p; p++) {
            depth += *p == '<' ? 1 : *p == '>' ? -1 : 0;
            if (*p == ':' && depth == 1)
                result = p + 1;
        }
        if (i == JX_EXISTS)
            return BOOLEAN;
        if (i == JX_COUNT)
            return NUMBER;
        switch (result ? *result : 'x') {
        case 'n': return NUMBER | NOTHING;
        case 's': return STRING | NOTHING;
        case 'b': return BOOLEAN | NOTHING;
        case 'o': return OBJECT | NOTHING;
        default: return ANY; // an array may collapse to its only item
        }
    }
    return ANY;
}

static unsigned binary_type(const struct jsonata_node *n) {
    enum jsonata_operator o = n->two.operator;
    if (o <= JSONATA_REMAINDER)
        return NUMBER | NOTHING;
    if (o == JSONATA_CONCATENATE)
        return STRING;
    return o >= JSONATA_LESS && o <= JSONATA_GREATER_EQUAL ? BOOLEAN | NOTHING : BOOLEAN;
}

static unsigned type_of(const struct jsonata_node *n) {
    if (n->predicates.count || (n->group && n->kind != JSONATA_PATH))
        return n->group ? OBJECT : ANY;
    switch (n->kind) {
    case JSONATA_STRING: return STRING;
    case JSONATA_NUMBER: return NUMBER;
    case JSONATA_TRUE:
    case JSONATA_FALSE: return BOOLEAN;
    case JSONATA_NULL: return NULL_TYPE;
    case JSONATA_REGEX:
    case JSONATA_PARTIAL:
    case JSONATA_LAMBDA:
    case JSONATA_TRANSFORM: return FUNCTION;
    case JSONATA_NEGATE: return NUMBER | NOTHING;
    case JSONATA_ARRAY: return ARRAY;
    case JSONATA_RANGE: return ARRAY | NOTHING;
    case JSONATA_OBJECT: return OBJECT;
    case JSONATA_BINARY: return binary_type(n);
    case JSONATA_CONDITION:
        return type_of(n->condition.then) | (n->condition.otherwise ? type_of(n->condition.otherwise) : NOTHING);
    case JSONATA_ELVIS:
    case JSONATA_COALESCE: return type_of(n->two.left) | type_of(n->two.right);
    case JSONATA_BLOCK: return n->list.count ? type_of(n->list.items[n->list.count - 1]) : NOTHING;
    case JSONATA_BIND: return type_of(n->bind.value);
    case JSONATA_CALL: return called_type(n);
    case JSONATA_APPLY:
        if (n->two.right->kind == JSONATA_CALL)
            return called_type(n->two.right);
        return n->two.right->kind == JSONATA_TRANSFORM ? OBJECT | ARRAY | FUNCTION | NOTHING : ANY;
    case JSONATA_PATH: return n->group ? OBJECT : ANY;
    case JSONATA_NAME:
    case JSONATA_VARIABLE:
    case JSONATA_WILDCARD:
    case JSONATA_DESCENDANTS:
    case JSONATA_PARENT:
    case JSONATA_PLACEHOLDER:
    case JSONATA_SORT: break;
    }
    return ANY;
}

static const char *const kind_names[] = {
    [JSONATA_PATH] = "path", [JSONATA_NAME] = "name", [JSONATA_STRING] = "string", [JSONATA_NUMBER] = "number",
    [JSONATA_TRUE] = "true", [JSONATA_FALSE] = "false", [JSONATA_NULL] = "null", [JSONATA_VARIABLE] = "variable",
    [JSONATA_REGEX] = "regex", [JSONATA_WILDCARD] = "wildcard", [JSONATA_DESCENDANTS] = "descendants",
    [JSONATA_PARENT] = "parent", [JSONATA_NEGATE] = "negate", [JSONATA_ARRAY] = "array", [JSONATA_RANGE] = "range",
    [JSONATA_OBJECT] = "object", [JSONATA_BINARY] = "operator", [JSONATA_CONDITION] = "condition",
    [JSONATA_ELVIS] = "default", [JSONATA_COALESCE] = "coalesce", [JSONATA_BLOCK] = "block", [JSONATA_BIND] = "bind",
    [JSONATA_APPLY] = "chain", [JSONATA_CALL] = "call", [JSONATA_PARTIAL] = "partial", [JSONATA_PLACEHOLDER] = "?",
    [JSONATA_LAMBDA] = "lambda", [JSONATA_TRANSFORM] = "transform", [JSONATA_SORT] = "order-by",
};

struct printer {
    asl_buffer *out;
    asl_str source;
};

static void print_types(unsigned types, asl_buffer *out) {
    static const char *const names[] = {"number", "string", "boolean", "null", "array", "object", "function", "nothing"};
    if (types == ANY) {
        asl_buffer_z(out, "anything");
        return;
    }
    for (int i = 0, first = 1; i < 8; i++)
        if (types >> i & 1) {
            asl_buffer_format(out, "%s%s", first ? "" : " or ", names[i]);
            first = 0;
        }
}

static void print_node(struct printer *p, const struct jsonata_node *n, int depth, const char *role);

static void print_list(struct printer *p, const struct jsonata_list *list, int depth, const char *role) {
    for (size_t i = 0; i < list->count; i++)
        print_node(p, list->items[i], depth, role);
}

static void print_pairs(struct printer *p, const struct jsonata_pairs *pairs, int depth) {
    for (size_t i = 0; i < pairs->count; i++) {
        print_node(p, pairs->items[i].key, depth, "key ");
        print_node(p, pairs->items[i].value, depth, "value ");
    }
}

static void print_children(struct printer *p, const struct jsonata_node *n, int depth) {
    switch (n->kind) {
    case JSONATA_PATH: print_list(p, &n->path.steps, depth, "step "); break;
    case JSONATA_NEGATE: print_node(p, n->one, depth, ""); break;
    case JSONATA_ARRAY:
    case JSONATA_BLOCK: print_list(p, &n->list, depth, ""); break;
    case JSONATA_OBJECT: print_pairs(p, &n->object, depth); break;
    case JSONATA_RANGE:
    case JSONATA_BINARY:
    case JSONATA_ELVIS:
    case JSONATA_COALESCE:
    case JSONATA_APPLY:
        print_node(p, n->two.left, depth, "");
        print_node(p, n->two.right, depth, "");
        break;
    case JSONATA_CONDITION:
        print_node(p, n->condition.test, depth, "if ");
        print_node(p, n->condition.then, depth, "then ");
        if (n->condition.otherwise)
            print_node(p, n->condition.otherwise, depth, "else ");
        break;
    case JSONATA_BIND: print_node(p, n->bind.value, depth, ""); break;
    case JSONATA_CALL:
    case JSONATA_PARTIAL:
        if (n->call.callee->kind != JSONATA_VARIABLE)
            print_node(p, n->call.callee, depth, "callee ");
        print_list(p, &n->call.arguments, depth, "");
        break;
    case JSONATA_LAMBDA: print_node(p, n->lambda.body, depth, ""); break;
    case JSONATA_TRANSFORM:
        print_node(p, n->transform.pattern, depth, "where ");
        print_node(p, n->transform.update, depth, "update ");
        if (n->transform.removed)
            print_node(p, n->transform.removed, depth, "remove ");
        break;
    case JSONATA_SORT:
        for (size_t i = 0; i < n->sort.count; i++)
            print_node(p, n->sort.terms[i].expression, depth, n->sort.terms[i].descending ? "descending " : "ascending ");
        break;
    case JSONATA_NAME:
    case JSONATA_STRING:
    case JSONATA_NUMBER:
    case JSONATA_TRUE:
    case JSONATA_FALSE:
    case JSONATA_NULL:
    case JSONATA_VARIABLE:
    case JSONATA_REGEX:
    case JSONATA_WILDCARD:
    case JSONATA_DESCENDANTS:
    case JSONATA_PARENT:
    case JSONATA_PLACEHOLDER: break;
    }
    for (size_t i = 0; i < n->predicates.count; i++)
        print_node(p, n->predicates.items[i].filter, depth, "filter ");
    for (size_t i = 0; i < n->stages.count; i++)
        if (n->stages.items[i].filter)
            print_node(p, n->stages.items[i].filter, depth, "filter ");
    if (n->group)
        print_pairs(p, n->group, depth);
}

static void print_node(struct printer *p, const struct jsonata_node *n, int depth, const char *role) {
    size_t start = p->out->size;
    asl_buffer_format(p->out, "#   %*s%s%s", 2 * depth, "", role, kind_names[n->kind]);
    bool callee = (n->kind == JSONATA_CALL || n->kind == JSONATA_PARTIAL) && n->call.callee->kind == JSONATA_VARIABLE;
    if (callee)
        asl_buffer_format(p->out, " $%.*s", (int)n->call.callee->text.size, n->call.callee->text.data);
    else if (n->kind == JSONATA_BIND)
        asl_buffer_format(p->out, " $%.*s", (int)n->bind.name.size, n->bind.name.data);
    else if (n->kind != JSONATA_PATH && n->kind != JSONATA_TRUE && n->kind != JSONATA_FALSE && n->kind != JSONATA_NULL &&
             n->size <= 40 && n->offset + n->size <= p->source.size && !memchr(p->source.data + n->offset, '\n', n->size))
        asl_buffer_format(p->out, " %.*s", (int)n->size, p->source.data + n->offset);
    do
        asl_buffer_byte(p->out, ' ');
    while (p->out->size - start < 48);
    print_types(type_of(n), p->out);
    asl_buffer_byte(p->out, '\n');
    print_children(p, n, depth + 1);
}

int jsonata_explain(struct arena *a, asl_str source, enum jsonata_dialect dialect, asl_buffer *out) {
    struct jsonata_error error;
    const struct jsonata_node *tree = jsonata_parse(a, source, dialect, &error);
    if (!tree)
        return -1;
    print_node(&(struct printer){out, source}, tree, 0, "");
    return 0;
}
