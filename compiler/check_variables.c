// Variables (asl-language.md 5).
//
// A scope is one States object. An inner scope sees the names of the scopes round it and may not assign them. The
// processor of a distributed Map runs as executions of their own: it sees nothing outside.
#include <string.h>

#include "check.h"
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

static void check_path(struct checker *c, struct ast_state *s, const struct expr *e) {
    if (asl_path_root_of(e->u.path) != ASL_ROOT_VARIABLE)
        return;
    asl_str name = asl_path_variable(e->u.path);
    const struct ast_machine *hidden;
    if (find_scope(c, s->machine, name, &hidden))
        return;
    const char *text = arena_copy(c->arena, name.data, name.size);
    if (hidden) {
        struct diag_message *m = diag_error(c->diag, DIAG_VARIABLE_SCOPE, e->node, e->span,
                                            "the variable $%s cannot be read inside a Map in DISTRIBUTED mode", text);
        diag_help(c->diag, m, "hand it over with ItemSelector");
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

/* As deep as the document or the nesting of calls, both limited. */
static void check_expr(struct checker *c, struct ast_state *s, const struct expr *e) {
    if (!e)
        return;
    switch (e->kind) {
    case EXPR_LITERAL: break;
    case EXPR_PATH: check_path(c, s, e); break;
    case EXPR_CALL:
        for (size_t i = 0; i < e->u.call.count; i++)
            check_expr(c, s, e->u.call.args[i]);
        break;
    case EXPR_OBJECT:
        for (size_t i = 0; i < e->u.object.count; i++)
            check_expr(c, s, e->u.object.fields[i].value);
        break;
    case EXPR_ARRAY:
        for (size_t i = 0; i < e->u.array.count; i++)
            check_expr(c, s, e->u.array.items[i]);
        break;
    }
}

static void check_names(struct checker *c, struct ast_state *s, const struct ast_assigns *a) {
    for (size_t i = 0; i < a->count; i++) {
        asl_str name = asl_str_z(a->items[i].name);
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
    for (size_t i = 0; i < c->ast->uses.count; i++)
        check_expr(c, c->ast->uses.items[i].state, c->ast->uses.items[i].expr);
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
