// The rules of a Choice state (asl-language.md 8).
//
// A rule is one comparison (Variable and an operator), or And, Or, Not over rules. Only the outermost has a Next. In a
// JSONata state it is a Condition instead.
#include <string.h>

#include "parse.h"

enum operand { OPERAND_STRING, OPERAND_NUMBER, OPERAND_BOOLEAN, OPERAND_TIMESTAMP };

static const struct choice_operator {
    const char *name;
    enum operand operand;
    bool has_path; /* there is a …Path form */
} operators[] = {
#define STRING OPERAND_STRING
#define NUMBER OPERAND_NUMBER
#define BOOLEAN OPERAND_BOOLEAN
#define TIMESTAMP OPERAND_TIMESTAMP
#define CHOICE(id, name, type, path) {name, type, path},
#include "aslc/choice.def"
#undef CHOICE
#undef STRING
#undef NUMBER
#undef BOOLEAN
#undef TIMESTAMP
};

/* The operator a member is, or -1. */
static int find_operator(asl_str key, bool *path) {
    asl_str stem = key;
    for (size_t i = 0; i < ASL_CHOICE_COUNT; i++)
        if (asl_str_equal(key, asl_str_z(operators[i].name))) {
            *path = false;
            return (int)i;
        }
    if (key.size < 4 || memcmp(key.data + key.size - 4, "Path", 4) != 0)
        return -1;
    stem.size -= 4;
    for (size_t i = 0; i < ASL_CHOICE_COUNT; i++)
        if (operators[i].has_path && asl_str_equal(stem, asl_str_z(operators[i].name))) {
            *path = true;
            return (int)i;
        }
    return -1;
}

static struct expr *parse_operand(struct parser *p, struct ast_state *s, asl_doc *m, int op, bool path) {
    static const char *const wanted[] = {"a string", "a number", "true or false", "a timestamp, a string"};
    static const asl_doc_kind kinds[] = {ASL_DOC_STRING, ASL_DOC_NUMBER, ASL_DOC_BOOL, ASL_DOC_STRING};
    if (m->broken && m->kind == ASL_DOC_NULL)
        return NULL;
    if (path) {
        if (m->kind == ASL_DOC_STRING)
            return parse_path(p, s, m, m->key.data, true);
        diag_error(p->diag, DIAG_WRONG_TYPE, m, m->span, "%s must be a path, a string, found %s", m->key.data, doc_text(p, m));
        return NULL;
    }
    enum operand operand = operators[op].operand;
    /* "NumericEquals": "${n}": never equal to a number as it stands, and the warning about ${n} says why. */
    if (m->kind == kinds[operand] || has_placeholder(p, m))
        return parse_literal(p, m);
    struct diag_message *e = diag_error(p->diag, DIAG_WRONG_TYPE, m, m->span, "%s must be %s, found %s", m->key.data,
                                        wanted[operand], doc_text(p, m));
    if (m->kind == ASL_DOC_STRING && m->text.size && m->text.data[0] == '$' && operators[op].has_path)
        diag_help(p->diag, e, "use \"%sPath\" to compare with a path", operators[op].name);
    else if (m->kind == ASL_DOC_BOOL && operand == OPERAND_STRING)
        diag_help(p->diag, e, "use \"BooleanEquals\", or put it in quotes");
    else if (m->kind == ASL_DOC_NUMBER && operand == OPERAND_STRING)
        diag_help(p->diag, e, "use a Numeric operator, or put it in quotes");
    else if (m->kind == ASL_DOC_STRING && operand == OPERAND_BOOLEAN &&
             (asl_str_equal(m->text, ASL_STR("true")) || asl_str_equal(m->text, ASL_STR("false"))))
        diag_help(p->diag, e, "write %s without quotes", m->text.data);
    return NULL;
}

static struct ast_rule *parse_rule(struct parser *p, struct ast_state *s, asl_doc *node, size_t index, bool top);

static void parse_list(struct parser *p, struct ast_state *s, struct ast_rule *rule, const asl_doc *list, size_t index) {
    rule->children = arena_alloc(p->arena, (list->count + 1) * sizeof *rule->children);
    for (asl_doc *item = list->first; item; item = item->next) {
        struct ast_rule *child = parse_rule(p, s, item, index, false);
        if (child)
            rule->children[rule->count++] = child;
    }
    if (list->count == 0 && !list->broken) {
        struct diag_message *e = diag_error(p->diag, DIAG_EMPTY, list, list->span, "%s is empty", list->key.data);
        diag_help(p->diag, e, "it needs at least one rule");
    }
}

static void parse_comparison(struct parser *p, struct ast_state *s, struct ast_rule *rule, const struct shape *shape) {
    const asl_doc *first = NULL;
    asl_doc *variable = shape_get(shape, "Variable");
    if (variable)
        rule->variable = parse_path(p, s, variable, "Variable", false);
    for (asl_doc *m = shape->node->first; m; m = m->next) {
        bool path;
        int op = m->duplicate_of ? -1 : find_operator(m->key, &path);
        if (op < 0)
            continue;
        if (first) {
            struct diag_message *e = diag_error(p->diag, DIAG_EXCLUSIVE, m, m->key_span,
                                                "\"%s\" and \"%s\" cannot both stand in one rule", first->key.data, m->key.data);
            diag_help(p->diag, e, "put each into a rule of its own, under And");
            continue;
        }
        first = m;
        rule->op = (asl_choice)op;
        rule->operand = parse_operand(p, s, m, op, path);
    }
    bool other_language = shape_given(shape, "Condition") != NULL;
    if (!shape_given(shape, "Variable") && !other_language && !(shape->strange && !first))
        shape_missing(p, shape, "Variable");
    if (!first && shape_given(shape, "Variable") && !shape->strange && !shape->node->broken) {
        struct diag_message *e = diag_error(p->diag, DIAG_MISSING_FIELD, shape->node, where_span(shape->node),
                                            "%s compares its Variable with nothing", where_text(p, &shape->where));
        diag_help(p->diag, e, "add an operator, such as \"StringEquals\" or \"IsPresent\"");
    }
}

static struct ast_rule *parse_rule(struct parser *p, struct ast_state *s, asl_doc *node, size_t index, bool top) {
    struct where where = {top ? OWNER_RULE : OWNER_NESTED_RULE, s, "Choices", index, s->language};
    if (node->broken && node->kind == ASL_DOC_NULL)
        return NULL;
    if (node->kind != ASL_DOC_OBJECT) {
        diag_error(p->diag, DIAG_WRONG_TYPE, node, node->span, "a Choice rule must be an object, found %s", doc_text(p, node));
        return NULL;
    }
    struct shape shape;
    struct ast_rule *rule = arena_alloc(p->arena, sizeof *rule);
    shape_check(p, &shape, where, node);
    rule->node = node;
    if (top) {
        asl_doc *next = shape_get(&shape, "Next"), *assign = shape_get(&shape, "Assign");
        if (next)
            parse_reference(p, s->machine, s, next, &rule->next);
        if (assign)
            parse_assign(p, s, assign, arena_format(p->arena, "Choices[%zu]/Assign", index), 0, &rule->assign);
    }
    if (s->language == QUERY_JSONATA) {
        rule->kind = RULE_CONDITION;
        const char *field = arena_format(p->arena, "Choices[%zu]/Condition", index);
        asl_doc *condition = shape_given(&shape, "Condition");
        rule->condition = parse_payload(p, s, shape_get(&shape, "Condition"), field, 0);
        if (condition && !shape_get(&shape, "Condition") && has_placeholder(p, condition))
            rule->condition = parse_open(p, condition, field); /* "Condition": "${x}" */
        rule->output = parse_payload(p, s, shape_get(&shape, "Output"), arena_format(p->arena, "Choices[%zu]/Output", index), 0);
        return rule;
    }
    shape_exclusive(p, &shape, (const char *const[]){"And", "Or", "Not", "Variable", NULL});
    asl_doc *list;
    if (shape_given(&shape, "And") || shape_given(&shape, "Or")) {
        rule->kind = shape_given(&shape, "And") ? RULE_AND : RULE_OR;
        if ((list = shape_get(&shape, rule->kind == RULE_AND ? "And" : "Or")))
            parse_list(p, s, rule, list, index);
    } else if (shape_given(&shape, "Not")) {
        asl_doc *inner = shape_get(&shape, "Not");
        struct ast_rule *child = inner ? parse_rule(p, s, inner, index, false) : NULL;
        rule->kind = RULE_NOT;
        if (child) {
            rule->children = arena_alloc(p->arena, sizeof *rule->children);
            rule->children[rule->count++] = child;
        }
    } else {
        parse_comparison(p, s, rule, &shape);
    }
    return rule;
}

void parse_choices(struct parser *p, struct ast_state *s, const asl_doc *choices) {
    s->u.choice.rules = arena_alloc(p->arena, (choices->count + 1) * sizeof *s->u.choice.rules);
    for (asl_doc *item = choices->first; item; item = item->next) {
        struct ast_rule *rule = parse_rule(p, s, item, item->index, true);
        if (rule)
            s->u.choice.rules[s->u.choice.count++] = rule;
    }
    if (choices->count == 0 && !choices->broken)
        diag_error(p->diag, DIAG_EMPTY, choices, choices->span, "Choices is empty; a Choice state needs at least one rule");
}
