// Variables (asl-language.md 5).
//
// A scope is one States object. An inner scope sees the names of the scopes round it and may not assign them. The
// processor of a distributed Map runs as executions of their own: it sees nothing outside.
//
// A path to a variable that nobody assigns is refused where the definition uses variables at all. A JSONata expression
// is not (jsonata-in-step-functions.md 10): there $exists($x) is a question like any other.
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "jsonata/tree.h"
#include "parse.h"

static const char *scope_text(const struct ast_machine *m) {
    if (!m->owner)
        return "the state machine";
    return m->owner->kind == STATE_PARALLEL ? "this branch" : "this Map's processor";
}

/* The machine whose states assign the name, as seen from m, or NULL. *hidden: one does, but on the other side of a
   distributed Map. */
static const struct ast_machine *find_scope(const struct checker *c, const struct ast_machine *m, asl_str name,
                                            const struct ast_machine **hidden) {
    bool crossed = false;
    for (*hidden = NULL; m; m = m->parent) {
        if (names_get(&c->ast->variables, m, name)) {
            if (!crossed)
                return m;
            *hidden = m;
            return NULL;
        }
        crossed = crossed || m->distributed;
    }
    return NULL;
}

static const char *nearest(struct checker *c, const struct ast_machine *m, const char *name) {
    VEC(const char *) names = {0};
    for (; m && names.count < 200; m = m->parent)
        for (size_t i = 0; i < m->variables.count && names.count < 200; i++)
            *vec_push(c->arena, &names) = m->variables.items[i];
    return diag_nearest(name, names.items, names.count);
}

static void report_hidden(struct checker *c, const asl_doc *node, asl_span at, const char *name) {
    struct diag_message *m =
        diag_error(c->diag, DIAG_VARIABLE_SCOPE, node, at, "the variable $%s cannot be read inside a Map in DISTRIBUTED mode", name);
    diag_help(c->diag, m, "hand it over with ItemSelector");
}

static void check_path(struct checker *c, struct ast_state *s, const struct expr *e) {
    if (asl_path_root_of(e->u.path) != ASL_ROOT_VARIABLE)
        return;
    asl_str name = asl_path_variable(e->u.path);
    const struct ast_machine *hidden;
    if (find_scope(c, s->machine, name, &hidden))
        return;
    const char *text = arena_copy(c->arena, name.data, name.size);
    if (hidden) {
        report_hidden(c, e->node, e->span, text);
        return;
    }
    /* In a definition that assigns nothing at all it is a slip whose effect is a failure at run time; validators accept
       such definitions. Where variables are used, it is a misspelt one and the service refuses it. */
    struct diag_message *m =
        (c->ast->variables.count ? diag_error : diag_warning)(c->diag, DIAG_UNKNOWN_VARIABLE, e->node, e->span,
                                                              "no state assigns the variable $%s", text);
    const char *near = nearest(c, s->machine, text);
    if (near)
        diag_help(c->diag, m, "did you mean \"$%s\"?", near);
    else
        diag_help(c->diag, m, "for a field of the input write \"$.%s\"", text);
}

// ---------------------------------------------------------------- variables of JSONata

/* The functions of the dialect, which look like variables. */
static bool is_function(asl_str name) {
    enum { PLAIN, BOTH, SFN };
    static const struct { const char *name; int dialect; } functions[] = {
#define BUILTIN(id, name, signature, dialect) {name, dialect},
#include "aslc/jsonata.def"
#undef BUILTIN
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (functions[i].dialect != PLAIN && asl_str_equal(name, asl_str_z(functions[i].name)))
            return true;
    return false;
}

typedef void variable_fn(void *arg, const struct expr *e, asl_str name, const struct jsonata_node *at);
struct reading {
    const struct expr *expr;
    variable_fn *visit;
    void *arg;
};

static void read_variable(void *arg, const struct jsonata_node *at, asl_str name, asl_str field) {
    const struct reading *r = arg;
    asl_str source = r->expr->u.jsonata.source;
    (void)field;
    bool placeholder = at->offset + 1 < source.size && source.data[at->offset + 1] == '{';
    bool local = name.size == 0 || name.data[0] == '$' || asl_str_equal(name, ASL_STR("states"));
    if (!placeholder && !local)
        r->visit(r->arg, r->expr, name, at);
}

/* Calls visit for each variable that e reads. As deep as the document or the nesting of calls, both limited. */
static void each_variable(struct arena *a, const struct expr *e, variable_fn *visit, void *arg) {
    if (!e)
        return;
    switch (e->kind) {
    case EXPR_LITERAL: break;
    case EXPR_PATH:
        if (asl_path_root_of(e->u.path) == ASL_ROOT_VARIABLE)
            visit(arg, e, asl_path_variable(e->u.path), NULL);
        break;
    case EXPR_CALL:
        for (size_t i = 0; i < e->u.call.count; i++)
            each_variable(a, e->u.call.args[i], visit, arg);
        break;
    case EXPR_OBJECT:
        for (size_t i = 0; i < e->u.object.count; i++)
            each_variable(a, e->u.object.fields[i].value, visit, arg);
        break;
    case EXPR_ARRAY:
        for (size_t i = 0; i < e->u.array.count; i++)
            each_variable(a, e->u.array.items[i], visit, arg);
        break;
    case EXPR_JSONATA:
        if (e->u.jsonata.tree)
            jsonata_variables(a, e->u.jsonata.tree, read_variable, &(struct reading){e, visit, arg});
        break;
    }
}

struct variable_check {
    struct checker *checker;
    struct ast_state *state;
    struct names *said; /* (expression, name) */
};

static void check_variable(void *arg, const struct expr *e, asl_str name, const struct jsonata_node *at) {
    struct variable_check *v = arg;
    struct checker *c = v->checker;
    const struct ast_machine *hidden;
    if (!at) {
        check_path(c, v->state, e);
        return;
    }
    if (find_scope(c, v->state->machine, name, &hidden) || (is_function(name) && !hidden))
        return;
    void **said = names_at(v->said, e, name);
    if (*said)
        return;
    *said = c;
    size_t from = e->u.jsonata.offset + at->offset;
    asl_span span = asl_doc_text_span(e->node, false, from, from + at->size);
    const char *text = arena_copy(c->arena, name.data, name.size);
    if (hidden) {
        report_hidden(c, e->node, span, text);
        return;
    }
    struct diag_message *m = diag_warning(c->diag, DIAG_UNKNOWN_VARIABLE, e->node, span, "no state assigns the variable $%s", text);
    const char *near = nearest(c, v->state->machine, text);
    if (near)
        diag_help(c->diag, m, "did you mean \"$%s\"?", near);
    else
        diag_help(c->diag, m, "nor is there a function of this name: it is undefined");
}

// ---------------------------------------------------------------- names that are assigned

static void check_names(struct checker *c, struct ast_state *s, const struct ast_assigns *a) {
    for (size_t i = 0; i < a->count; i++) {
        asl_str name = asl_str_z(a->items[i].name);
        if (is_function(name))
            *vec_push(c->arena, &c->ast->shadowing) = a->items[i].name;
        for (const struct ast_machine *m = s->machine; m->parent && !m->distributed; m = m->parent) {
            const asl_doc *outer = names_get(&c->ast->variables, m->parent, name);
            /* Accepted when only a Catcher outside assigns it (recorded): it runs when the inner scope is gone. */
            if (!outer || in_catcher(outer))
                continue;
            asl_doc *member = asl_doc_get(a->node, a->items[i].name);
            if (!member) /* written "name.$" */
                member = asl_doc_get(a->node, arena_format(c->arena, "%s.$", a->items[i].name));
            struct diag_message *e =
                diag_error(c->diag, DIAG_VARIABLE_SCOPE, member, member ? member->key_span : a->node->span,
                           "%s cannot assign \"%s\": it belongs to a scope outside", scope_text(s->machine), name.data);
            diag_help(c->diag, e, "use another name here");
            diag_note(c->diag, e, outer->key_span, "assigned here");
            break;
        }
    }
}

void check_variables(struct checker *c) {
    struct names said = {.arena = c->arena};
    for (size_t i = 0; i < c->ast->uses.count; i++) {
        struct variable_check v = {c, c->ast->uses.items[i].state, &said};
        each_variable(c->arena, c->ast->uses.items[i].expr, check_variable, &v);
    }
    for (size_t i = 0; i < c->ast->all_count; i++) {
        struct ast_state *s = c->ast->all[i];
        check_names(c, s, &s->assign);
        for (size_t k = 0; k < s->catcher_count; k++)
            check_names(c, s, &s->catchers[k].assign);
        if (s->kind == STATE_CHOICE)
            for (size_t k = 0; k < s->u.choice.count; k++)
                check_names(c, s, &s->u.choice.rules[k]->assign);
    }
}

// ---------------------------------------------------------------- which variables a state reads

struct collection {
    struct arena *arena;
    const struct ast *ast;
    const struct ast_state *state;
    struct names known;
    VEC(const char *) names;
};

static void collect(void *arg, const struct expr *e, asl_str name, const struct jsonata_node *at) {
    struct collection *all = arg;
    (void)e;
    bool assigned = false;
    for (const struct ast_machine *m = all->state->machine; at && m && !assigned; m = m->parent)
        assigned = names_get(&all->ast->variables, m, name) != NULL;
    if (at && !assigned && is_function(name))
        return;
    void **known = names_at(&all->known, NULL, name);
    if (*known)
        return;
    *vec_push(all->arena, &all->names) = *known = arena_copy(all->arena, name.data, name.size);
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static int by_state(const void *a, const void *b) {
    const struct ast_use *x = *(const struct ast_use *const *)a, *y = *(const struct ast_use *const *)b;
    uint32_t p = x->state->node->span.start, q = y->state->node->span.start;
    return p < q ? -1 : p > q;
}

void ast_references(struct arena *a, const struct ast *ast, asl_buffer *out) {
    const struct ast_use **uses = arena_alloc(a, (ast->uses.count + 1) * sizeof *uses);
    for (size_t i = 0; i < ast->uses.count; i++)
        uses[i] = &ast->uses.items[i];
    qsort(uses, ast->uses.count, sizeof *uses, by_state);
    const char *before = "";
    asl_buffer_byte(out, '{');
    for (size_t i = 0; i < ast->uses.count;) {
        const struct ast_state *state = uses[i]->state;
        struct collection all = {.arena = a, .ast = ast, .state = state, .known.arena = a};
        for (; i < ast->uses.count && uses[i]->state == state; i++)
            each_variable(a, uses[i]->expr, collect, &all);
        if (all.names.count == 0)
            continue;
        qsort(all.names.items, all.names.count, sizeof(char *), by_text);
        asl_buffer_z(out, before);
        asl_json_print_string((asl_str){state->name, state->name_size}, out);
        for (size_t n = 0; n < all.names.count; n++) {
            asl_buffer_z(out, n ? "," : ":[");
            asl_json_print_string(asl_str_z(all.names.items[n]), out);
        }
        asl_buffer_byte(out, ']');
        before = ",";
    }
    asl_buffer_byte(out, '}');
}
