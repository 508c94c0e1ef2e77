// JSONata in fields of a definition (jsonata-in-step-functions.md 2, 4 and 10).
//
//     "Output": {"a": [1, "{% $states.input.x %}"], "b": {"c": 2}}      object  a: array  literal 1
//                                                                                         jsonata, field "Output/a[1]"
//                                                                               b: literal {"c":2}
//
// A string is an expression when it starts with {% and ends with %}; there is no interpolation, keys are never looked
// at, and a part without expressions is one literal. Messages point into the string, through its escapes and over its
// lines.
//
// An unfilled placeholder inside quotes is text like any other. Outside it could be anything, a number as well as half
// an expression: the expression is then accepted as it stands, checked as far as it parses with a name in the
// placeholder's place, and fails when it is reached.
#include <string.h>

#include "jsonata/tree.h"
#include "parse.h"

struct payload {
    struct parser *parser;
    const asl_doc *root;
    const char *field; /* where root stands: "Output" */
    unsigned offered;  /* JSONATA_RESULT, JSONATA_ERROR_OUTPUT */
    bool failed;
};

static struct expr *expr_new(struct payload *t, enum expr_kind kind, asl_doc *node) {
    struct expr *e = arena_alloc(t->parser->arena, sizeof *e);
    *e = (struct expr){.kind = kind, .node = node, .span = node->span};
    return e;
}

/* "Output/a[1]", as causes and events name the place. */
static void add_place(const struct payload *t, const asl_doc *node, asl_buffer *out) {
    if (node == t->root) {
        asl_buffer_z(out, t->field);
        return;
    }
    add_place(t, node->parent, out);
    if (node->parent->kind == ASL_DOC_ARRAY) {
        asl_buffer_format(out, "[%zu]", node->index);
    } else {
        asl_buffer_byte(out, '/');
        asl_buffer_str(out, node->key);
    }
}

static const char *place(const struct payload *t, const asl_doc *node) {
    asl_buffer text = {0};
    add_place(t, node, &text);
    const char *kept = arena_copy(t->parser->arena, text.data, text.size);
    asl_buffer_free(&text);
    return kept;
}

// ---------------------------------------------------------------- placeholders

/* The length of the placeholder at text[i], 0 when there is none. */
static size_t placeholder_length(asl_str text, size_t i) {
    if (text.data[i] != '$' || i + 1 >= text.size || text.data[i + 1] != '{')
        return 0;
    const char *end = memchr(text.data + i, '}', text.size - i);
    return end ? (size_t)(end - text.data) + 1 - i : 0;
}

/* The first placeholder that stands neither in quotes nor in a comment, or {NULL, 0}. */
static asl_str placeholder_in_code(asl_str text) {
    char quote = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        size_t length;
        if (quote) {
            if (c == '\\' && quote != '`')
                i++;
            else if (c == quote)
                quote = 0;
        } else if (c == '"' || c == '\'' || c == '`') {
            quote = c;
        } else if (c == '/' && i + 1 < text.size && text.data[i + 1] == '*') {
            const char *end = memmem(text.data + i + 2, text.size - i - 2, "*/", 2);
            if (!end)
                break;
            i = (size_t)(end - text.data) + 1;
        } else if ((length = placeholder_length(text, i)) > 0) {
            return (asl_str){text.data + i, length};
        }
    }
    return (asl_str){NULL, 0};
}

/* The same text with names for placeholders: ${__max__} becomes $___max___. Every byte keeps its place. */
static asl_str with_names(struct arena *a, asl_str text) {
    char *copy = arena_copy(a, text.data, text.size);
    for (size_t i = 0; i < text.size; i++) {
        size_t length = placeholder_length(text, i);
        for (size_t k = 1; k < length; k++) {
            unsigned char c = (unsigned char)copy[i + k];
            bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
            copy[i + k] = (char)(letter ? c : '_');
        }
        i += length ? length - 1 : 0;
    }
    return (asl_str){copy, text.size};
}

// ---------------------------------------------------------------- one expression

static asl_span span_in(const struct expr *e, size_t offset, size_t size) {
    size_t from = e->u.jsonata.offset + offset, to = from + (size ? size : 1);
    if (to > e->node->text.size)
        to = e->node->text.size;
    return asl_doc_text_span(e->node, false, from < to ? from : to, to);
}

static void leave_open(struct parser *p, struct expr *e, asl_str placeholder) {
    e->u.jsonata.placeholder = arena_copy(p->arena, placeholder.data, placeholder.size);
    size_t offset = (size_t)(placeholder.data - e->u.jsonata.source.data);
    struct diag_message *m = diag_warning(p->diag, DIAG_PLACEHOLDER, e->node, span_in(e, offset, placeholder.size),
                                          "this expression cannot be evaluated without the value of %s", e->u.jsonata.placeholder);
    diag_help(p->diag, m, "as it stands the state fails when it is reached");
}

struct refusal {
    struct payload *payload;
    const struct expr *expr;
};

static void refuse(void *arg, const struct jsonata_node *at, const char *message) {
    struct refusal *r = arg;
    struct parser *p = r->payload->parser;
    r->payload->failed = true;
    struct diag_message *e = diag_error(p->diag, DIAG_UNSUPPORTED_JSONATA, r->expr->node, span_in(r->expr, at->offset, at->size),
                                        "%s", message);
    if (strstr(message, "$states.errorOutput"))
        diag_help(p->diag, e, "it exists in the Output and Assign of a Catch entry");
    else if (strstr(message, "$states.result"))
        diag_help(p->diag, e, "it exists in the Output and Assign of a Task, Parallel or Map state");
    else if (at->kind == JSONATA_NAME)
        diag_help(p->diag, e, "for a field of the input write $states.input.%.*s", (int)(at->text.size > 60 ? 60 : at->text.size),
                  at->text.data);
    else
        diag_help(p->diag, e, "there is no input document: begin with $states.input, or with a variable");
}

static struct expr *expression(struct payload *t, asl_doc *node) {
    struct parser *p = t->parser;
    struct expr *e = expr_new(t, EXPR_JSONATA, node);
    e->field = place(t, node);
    size_t from = 2, to = node->text.size - 2;
    while (from < to && strchr(" \t\r\n", node->text.data[from]))
        from++;
    while (to > from && strchr(" \t\r\n", node->text.data[to - 1]))
        to--;
    asl_str source = e->u.jsonata.source = (asl_str){node->text.data + from, to - from};
    e->u.jsonata.offset = (uint32_t)from;
    if (has_placeholder(p, node)) {
        asl_str placeholder = placeholder_in_code(source);
        if (placeholder.data) {
            leave_open(p, e, placeholder);
            source = with_names(p->arena, source);
        }
    }
    struct jsonata_error error;
    struct jsonata_node *tree = jsonata_parse(p->arena, source, JSONATA_STEP_FUNCTIONS, &error);
    e->u.jsonata.tree = tree;
    if (!tree && e->u.jsonata.placeholder)
        return e;
    if (!tree) {
        diag_error(p->diag, DIAG_BAD_JSONATA, node, span_in(e, error.offset, error.size), "%s: %s", error.code, error.message);
        t->failed = true;
        return NULL;
    }
    struct refusal r = {t, e};
    jsonata_check(p->arena, tree, t->offered, refuse, &r);
    return e;
}

// ---------------------------------------------------------------- JSON with expressions in it

/* One mark only: most likely meant to be an expression, but the service reads it as text. */
static void warn_half_marked(struct payload *t, const asl_doc *node) {
    asl_str text = node->text;
    bool opens = text.size >= 2 && memcmp(text.data, "{%", 2) == 0;
    bool closes = text.size >= 2 && memcmp(text.data + text.size - 2, "%}", 2) == 0;
    if (has_placeholder(t->parser, node) || opens == closes)
        return;
    struct diag_message *e = diag_warning(t->parser->diag, DIAG_BAD_JSONATA, node, node->span, "this string %s and stays text",
                                          opens ? "starts with {% but does not end with %}"
                                                : "ends with %} but does not start with {%");
    diag_help(t->parser->diag, e, "an expression is the whole string: \"{%% ... %%}\"");
}

static struct expr *build(struct payload *t, asl_doc *node);

static struct expr *literal_unless(struct payload *t, struct expr *made, asl_doc *node) {
    return made ? made : parse_literal(t->parser, node);
}

static struct expr *object(struct payload *t, asl_doc *node) {
    struct arena *a = t->parser->arena;
    struct expr **values = arena_alloc(a, (node->count + 1) * sizeof *values);
    bool any = false;
    for (asl_doc *m = node->first; m; m = m->next)
        if (!m->duplicate_of) /* reported with all duplicate keys */
            any = (values[m->index] = build(t, m)) || any;
    if (!any || t->failed)
        return NULL;
    struct expr *e = expr_new(t, EXPR_OBJECT, node);
    e->u.object.fields = arena_alloc(a, (node->count + 1) * sizeof *e->u.object.fields);
    for (asl_doc *m = node->first; m; m = m->next) {
        if (m->duplicate_of)
            continue;
        if (memchr(m->key.data, 0, m->key.size)) { /* keys are kept as C strings from here on */
            diag_error(t->parser->diag, DIAG_BAD_TEMPLATE_VALUE, m, m->key_span,
                       "a key beside JSONata expressions cannot hold U+0000");
            t->failed = true;
        }
        struct expr_field *f = &e->u.object.fields[e->u.object.count++];
        f->key = m->key.data;
        f->value = literal_unless(t, values[m->index], m);
    }
    return e;
}

static struct expr *array(struct payload *t, asl_doc *node) {
    struct arena *a = t->parser->arena;
    struct expr **items = arena_alloc(a, (node->count + 1) * sizeof *items);
    bool any = false;
    for (asl_doc *item = node->first; item; item = item->next)
        any = (items[item->index] = build(t, item)) || any;
    if (!any || t->failed)
        return NULL;
    struct expr *e = expr_new(t, EXPR_ARRAY, node);
    e->u.array.items = items;
    e->u.array.count = node->count;
    for (asl_doc *item = node->first; item; item = item->next)
        items[item->index] = literal_unless(t, items[item->index], item);
    return e;
}

/* NULL: nothing below is evaluated, or the payload has failed. Recurses as deep as the document, which is limited to
   ASL_MAX_DEPTH. */
static struct expr *build(struct payload *t, asl_doc *node) {
    switch (node->kind) {
    case ASL_DOC_OBJECT: return object(t, node);
    case ASL_DOC_ARRAY: return array(t, node);
    case ASL_DOC_STRING:
        if (is_jsonata(node->text))
            return expression(t, node);
        warn_half_marked(t, node);
        break;
    case ASL_DOC_NULL:
    case ASL_DOC_BOOL:
    case ASL_DOC_NUMBER: break;
    }
    return NULL;
}

struct expr *parse_payload(struct parser *p, struct ast_state *s, asl_doc *node, const char *field, unsigned offered) {
    struct payload t = {.parser = p, .root = node, .field = field, .offered = offered};
    if (!node || (node->broken && node->kind == ASL_DOC_NULL))
        return NULL;
    struct expr *e = build(&t, node);
    return t.failed ? NULL : parse_use(p, s, literal_unless(&t, e, node));
}

struct expr *parse_open(struct parser *p, asl_doc *node, const char *field) {
    struct payload t = {.parser = p, .root = node, .field = field};
    struct expr *e = expr_new(&t, EXPR_JSONATA, node);
    e->field = field;
    e->u.jsonata.source = node->text;
    asl_str placeholder = placeholder_in_code(node->text);
    leave_open(p, e, placeholder.data ? placeholder : node->text);
    return e;
}
