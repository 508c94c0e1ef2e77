// Payload templates (jsonpath-and-intrinsics.md 6): JSON in which the value of a key that ends in ".$" is a path or an
// intrinsic call.
//
//     {"a": [1, 2], "b": {"c.$": "$.x"}}      object  a: literal [1,2]
//                                                     b: object  c (dynamic): path $.x
//
// A subtree without such keys is one literal, so the plan has one constant for it. Keys keep the definition's order here;
// the order in which the service writes them is lower/'s business.
#include <string.h>

#include "ast.h"
#include "diag.h"

struct template {
    struct arena *arena;
    struct diag *diag;
    const asl_doc *root; // the whole template
    bool failed;
};

static bool is_dynamic(const asl_doc *member) {
    return member->key.size >= 2 && memcmp(member->key.data + member->key.size - 2, ".$", 2) == 0;
}

static struct expr *expr_new(struct template *t, enum expr_kind kind, asl_doc *node) {
    struct expr *e = arena_alloc(t->arena, sizeof *e);
    *e = (struct expr){.kind = kind, .node = node, .span = node->span};
    return e;
}

static struct expr *literal(struct template *t, asl_doc *node) {
    struct expr *e = expr_new(t, EXPR_LITERAL, node);
    asl_value v = asl_doc_value(node);
    asl_buffer json = {0};
    asl_json_print(&v, &json);
    e->u.json = (asl_str){arena_copy(t->arena, json.data, json.size), json.size};
    asl_buffer_free(&json);
    asl_release(v);
    return e;
}

// "id": "$.id" is a text, and hardly ever meant to be one.
static void warn_literal_path(struct template *t, const asl_doc *node) {
    asl_str text = node->text;
    const char *rest = text.data + (text.size > 1 && text.data[1] == '$' ? 2 : 1);
    bool path = text.size > 2 && text.data[0] == '$' && (*rest == '.' || *rest == '[');
    bool call = text.size > 9 && memcmp(text.data, "States.", 7) == 0 && text.data[text.size - 1] == ')';
    if (path) {
        asl_path *parsed = asl_path_parse(text, NULL);
        path = parsed != NULL;
        asl_path_free(parsed);
    }
    if (!path && !call) return;
    struct diag_message *m = diag_warning(t->diag, DIAG_NO_DOLLAR, node, node->span, "this is a plain text, not %s",
                                          path ? "a path" : "an intrinsic call");
    bool variable = node->parent && asl_str_equal(node->parent->key, ASL_STR("Assign"));
    if (node == t->root && !variable)
        diag_help(t->diag, m, "only the keys of an object that end in \".$\" are evaluated; InputPath hands on a whole value");
    else if (node->key.data)
        diag_help(t->diag, m, "to evaluate it, write \"%.60s.$\"", node->key.data);
    else
        diag_help(t->diag, m, "elements of an array are not evaluated; use \"….$\": \"States.Array(…)\"");
}

static struct expr *build(struct template *t, asl_doc *node);

// "x" and "x.$" would be the same field.
static bool clashes(struct template *t, const asl_doc *member) {
    asl_str name = {member->key.data, member->key.size - 2};
    const asl_doc *other = asl_doc_get_str(member->parent, name);
    if (!other) return false;
    struct diag_message *m = diag_error(t->diag, DIAG_DUPLICATE_TEMPLATE_FIELD, member, member->key_span,
                                        "\"%s\" and \"%.*s\" are the same field", member->key.data, (int)name.size, name.data);
    diag_note(t->diag, m, other->key_span, "\"%.*s\" is here", (int)name.size, name.data);
    return true;
}

// Keys are kept as C strings from here on.
static bool key_has_nul(struct template *t, const asl_doc *member) {
    if (!memchr(member->key.data, 0, member->key.size)) return false;
    diag_error(t->diag, DIAG_BAD_TEMPLATE_VALUE, member, member->key_span, "a key beside \".$\" keys cannot hold U+0000");
    return true;
}

static struct expr *object(struct template *t, asl_doc *node) {
    struct expr **values = arena_alloc(t->arena, (node->count + 1) * sizeof *values);
    bool any = false;
    size_t i = 0;
    for (asl_doc *m = node->first; m; m = m->next, i++) {
        if (m->duplicate_of) continue; // reported with all duplicate keys
        if (!is_dynamic(m)) {
            values[i] = build(t, m);
            any = any || values[i];
            continue;
        }
        any = true;
        values[i] = clashes(t, m) ? NULL : query_parse(t->arena, t->diag, m, m->key.data);
        if (!values[i]) t->failed = true;
    }
    if (!any) return NULL;
    struct expr *e = expr_new(t, EXPR_OBJECT, node);
    e->u.object.fields = arena_alloc(t->arena, (node->count + 1) * sizeof *e->u.object.fields);
    i = 0;
    for (asl_doc *m = node->first; m && !t->failed; m = m->next, i++) {
        if (m->duplicate_of) continue;
        if (key_has_nul(t, m)) {
            t->failed = true;
            break;
        }
        struct expr_field *f = &e->u.object.fields[e->u.object.count++];
        f->dynamic = is_dynamic(m);
        f->key = arena_copy(t->arena, m->key.data, m->key.size - (f->dynamic ? 2 : 0));
        f->value = values[i] ? values[i] : literal(t, m);
    }
    return e;
}

static struct expr *array(struct template *t, asl_doc *node) {
    struct expr **items = arena_alloc(t->arena, (node->count + 1) * sizeof *items);
    bool any = false;
    size_t i = 0;
    for (asl_doc *item = node->first; item; item = item->next, i++) any = (items[i] = build(t, item)) || any;
    if (!any) return NULL;
    struct expr *e = expr_new(t, EXPR_ARRAY, node);
    e->u.array.items = items;
    e->u.array.count = node->count;
    i = 0;
    for (asl_doc *item = node->first; item && !t->failed; item = item->next, i++)
        if (!items[i]) items[i] = literal(t, item);
    return e;
}

// NULL: nothing below is evaluated. Recurses as deep as the document, which is limited to ASL_MAX_DEPTH.
static struct expr *build(struct template *t, asl_doc *node) {
    switch (node->kind) {
    case ASL_DOC_OBJECT: return object(t, node);
    case ASL_DOC_ARRAY: return array(t, node);
    case ASL_DOC_STRING: warn_literal_path(t, node); return NULL;
    case ASL_DOC_NULL: case ASL_DOC_BOOL: case ASL_DOC_NUMBER: break;
    }
    return NULL;
}

struct expr *template_parse(struct arena *a, struct diag *d, asl_doc *node) {
    struct template t = {.arena = a, .diag = d, .root = node};
    struct expr *e = build(&t, node);
    if (t.failed) return NULL;
    return e ? e : literal(&t, node);
}
