// Names: where each is bound, which are known lambdas, and what a lambda captures (jsonata-language 5, 11).
//
// `:=` binds in the scope it stands in: a block, a lambda's body, the expression. All of a scope's names get their slots
// when it opens, with the values of the outer variables of the same names, for that is what reads before the assignment
// see. A lambda takes copies of what it captures, so a variable that is assigned after a lambda has taken it, or more
// than once, is a cell that both share. Recursion needs none: a name bound once, to a lambda, as a statement of a block is
// *known*; its calls are direct and pass on what it captures.
#include "lower.h"

#include "../../runtime/jsonata/jx.h"

#include <string.h>

// ---------------------------------------------------------------- built-in functions

enum { BOTH, PLAIN, SFN };

static const struct {
    const char *name, *signature;
    int dialect;
} builtins[] = {
#define BUILTIN(id, name, signature, dialect) {name, signature, dialect},
#include "aslc/jsonata.def"
#undef BUILTIN
};

int jl_builtin_named(enum jsonata_dialect dialect, asl_str name) {
    int other = dialect == JSONATA_PLAIN ? SFN : PLAIN;
    for (int i = 0; i < JX_BUILTIN_COUNT; i++)
        if (builtins[i].dialect != other && jl_same(name, builtins[i].name))
            return i;
    return -1;
}

bool jl_builtin_is_pure(int id) {
    bool draws = id == JX_RANDOM || id == JX_SFN_RANDOM || id == JX_SHUFFLE || id == JX_UUID;
    return !draws && id != JX_EVAL && !strchr(builtins[id].signature, 'f'); // f: a function
}

unsigned jl_builtin_params(int id) {
    unsigned count = 0;
    for (const char *p = builtins[id].signature + 1; *p && *p != ':' && *p != '>'; p++) {
        if (*p == '(')
            while (*p != ')')
                p++;
        else if (*p == '<')
            for (int depth = 1; depth;) {
                p++;
                depth += *p == '<' ? 1 : *p == '>' ? -1 : 0;
            }
        if (!strchr("?+->", *p))
            count++;
    }
    return count;
}

int jl_builtin_id(struct function *f, asl_str name) {
    struct compiler *c = f->compiler;
    if (jl_scope_find(f->scope, name))
        return -1;
    for (size_t i = 0; i < c->bound_count; i++)
        if (jl_same(name, c->bound[i]))
            return -1;
    return jl_builtin_named(c->dialect, name);
}

int jl_called_builtin(struct function *f, const node *call) {
    const node *callee = call->call.callee;
    if (callee->kind != JSONATA_VARIABLE || callee->predicates.count || callee->group)
        return -1;
    return jl_builtin_id(f, callee->text);
}

bool jl_is_inlined(enum jsonata_dialect dialect, const node *call) {
    const node *callee = call->call.callee;
    return callee->kind == JSONATA_VARIABLE && jl_builtin_named(dialect, callee->text) >= 0;
}

// ---------------------------------------------------------------- walking trees

typedef void child_fn(void *arg, const node *child);

static void each_pair(const struct jsonata_pairs *pairs, child_fn *visit, void *arg) {
    for (size_t i = 0; i < pairs->count; i++) {
        visit(arg, pairs->items[i].key);
        visit(arg, pairs->items[i].value);
    }
}

static void each_of(const struct jsonata_list *list, child_fn *visit, void *arg) {
    for (size_t i = 0; i < list->count; i++)
        visit(arg, list->items[i]);
}

static void each_child(const node *n, child_fn *visit, void *arg) {
    switch (n->kind) {
    case JSONATA_PATH: each_of(&n->path.steps, visit, arg); break;
    case JSONATA_NEGATE: visit(arg, n->one); break;
    case JSONATA_ARRAY:
    case JSONATA_BLOCK: each_of(&n->list, visit, arg); break;
    case JSONATA_OBJECT: each_pair(&n->object, visit, arg); break;
    case JSONATA_RANGE:
    case JSONATA_BINARY:
    case JSONATA_ELVIS:
    case JSONATA_COALESCE:
    case JSONATA_APPLY:
        visit(arg, n->two.left);
        visit(arg, n->two.right);
        break;
    case JSONATA_CONDITION:
        visit(arg, n->condition.test);
        visit(arg, n->condition.then);
        if (n->condition.otherwise)
            visit(arg, n->condition.otherwise);
        break;
    case JSONATA_BIND: visit(arg, n->bind.value); break;
    case JSONATA_CALL:
    case JSONATA_PARTIAL:
        visit(arg, n->call.callee);
        each_of(&n->call.arguments, visit, arg);
        break;
    case JSONATA_LAMBDA: visit(arg, n->lambda.body); break;
    case JSONATA_TRANSFORM:
        visit(arg, n->transform.pattern);
        visit(arg, n->transform.update);
        if (n->transform.removed)
            visit(arg, n->transform.removed);
        break;
    case JSONATA_SORT:
        for (size_t i = 0; i < n->sort.count; i++)
            visit(arg, n->sort.terms[i].expression);
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
        visit(arg, n->predicates.items[i].filter);
    for (size_t i = 0; i < n->stages.count; i++)
        if (n->stages.items[i].filter)
            visit(arg, n->stages.items[i].filter);
    if (n->group)
        each_pair(n->group, visit, arg);
}

// ---------------------------------------------------------------- scopes

struct scope *jl_scope_open(struct function *f) {
    struct scope *s = arena_alloc(f->compiler->arena, sizeof *s);
    s->up = f->scope;
    s->function = f;
    return f->scope = s;
}

void jl_scope_close(struct function *f) { f->scope = f->scope->up; }

struct variable *jl_scope_add(struct function *f, asl_str name, uint32_t slot) {
    struct variable *v = arena_alloc(f->compiler->arena, sizeof *v);
    *v = (struct variable){.name = name, .function = f, .slot = slot == NONE ? jl_temporary(f) : slot};
    *vec_push(f->compiler->arena, &f->scope->variables) = v;
    return v;
}

struct variable *jl_scope_find(const struct scope *s, asl_str name) {
    for (; s; s = s->up)
        for (size_t i = s->variables.count; i-- > 0;)
            if (asl_str_equal(s->variables.items[i]->name, name))
                return s->variables.items[i];
    return NULL;
}

uint32_t jl_scope_visible(const struct scope *s, struct variable **out, uint32_t room) {
    uint32_t count = 0;
    for (; s; s = s->up)
        for (size_t i = s->variables.count; i-- > 0 && count < room;) {
            struct variable *v = s->variables.items[i];
            bool hidden = v->name.size == 0 || v->name.data[0] == '%' || jl_same(v->name, "$");
            for (uint32_t k = 0; k < count && !hidden; k++)
                hidden = asl_str_equal(out[k]->name, v->name);
            if (!hidden)
                out[count++] = v;
        }
    return count;
}

asl_str jl_label_name(struct arena *a, uint32_t label) {
    char *text = arena_format(a, "%%%u", label); // no variable is called like this
    return asl_str_z(text);
}

/* What a scope binds, and what lambdas in it mention: in order of evaluation. */
struct bound {
    asl_str name;
    uint32_t count, first;
};
struct mention {
    asl_str name;
    bool any; /* the text of an $eval: whatever it names */
    uint32_t order;
};
struct survey {
    struct compiler *compiler;
    uint32_t order;
    bool inner, in_lambda;
    VEC(struct bound) bound;
    VEC(struct mention) mentions;
};

static void survey(void *arg, const node *n);

static bool is_eval(const node *n) {
    return n->kind == JSONATA_CALL && n->call.callee->kind == JSONATA_VARIABLE && jl_same(n->call.callee->text, "eval");
}

static void survey_with(struct survey *s, const node *n, bool inner, bool in_lambda) {
    bool before = s->inner, lambda_before = s->in_lambda;
    s->inner |= inner;
    s->in_lambda |= in_lambda;
    survey(s, n);
    s->inner = before;
    s->in_lambda = lambda_before;
}

static void survey_path(struct survey *s, const node *n) {
    bool tuple = false; // from here on each step has the frame of its tuple
    for (size_t i = 0; i < n->path.steps.count; i++) {
        tuple |= n->path.steps.items[i]->tuple;
        survey_with(s, n->path.steps.items[i], tuple, false);
    }
    if (n->group)
        for (size_t i = 0; i < n->group->count; i++) {
            survey_with(s, n->group->items[i].key, tuple, false);
            survey_with(s, n->group->items[i].value, tuple, false);
        }
    for (size_t i = 0; i < n->predicates.count; i++)
        survey(s, n->predicates.items[i].filter);
}

static void survey(void *arg, const node *n) {
    struct survey *s = arg;
    struct arena *a = s->compiler->arena;
    s->order++;
    if (s->in_lambda && (n->kind == JSONATA_VARIABLE || n->kind == JSONATA_PARENT)) {
        asl_str name = n->kind == JSONATA_VARIABLE ? n->text : jl_label_name(a, n->slot->label);
        *vec_push(a, &s->mentions) = (struct mention){.name = name, .order = s->order};
    }
    if (s->in_lambda && is_eval(n))
        *vec_push(a, &s->mentions) = (struct mention){.any = true, .order = s->order};
    if (n->kind == JSONATA_PATH) {
        survey_path(s, n);
        return;
    }
    if (n->kind == JSONATA_BLOCK) {
        bool before = s->inner;
        for (size_t i = 0; i < n->list.count; i++)
            survey_with(s, n->list.items[i], true, false);
        s->inner = before;
        struct jsonata_node rest = *n; // what stands behind the block belongs to this scope
        rest.kind = JSONATA_PLACEHOLDER;
        each_child(&rest, survey, s);
        return;
    }
    if (n->kind == JSONATA_LAMBDA || n->kind == JSONATA_TRANSFORM) {
        bool before = s->inner, lambda_before = s->in_lambda;
        s->inner = s->in_lambda = true;
        each_child(n, survey, s);
        s->inner = before, s->in_lambda = lambda_before;
        return;
    }
    if (n->kind == JSONATA_CALL && jl_is_inlined(s->compiler->dialect, n)) {
        // Called while it lives and no longer: what it takes cannot be assigned meanwhile.
        survey(s, n->call.callee);
        for (size_t i = 0; i < n->call.arguments.count; i++) {
            const node *e = n->call.arguments.items[i];
            if (e->kind == JSONATA_LAMBDA)
                survey_with(s, e->lambda.body, true, false);
            else
                survey(s, e);
        }
        struct jsonata_node rest = *n;
        rest.kind = JSONATA_PLACEHOLDER;
        each_child(&rest, survey, s);
        return;
    }
    each_child(n, survey, s);
    if (n->kind == JSONATA_BIND && !s->inner) {
        struct bound *b = NULL;
        for (size_t i = 0; i < s->bound.count && !b; i++)
            if (asl_str_equal(s->bound.items[i].name, n->bind.name))
                b = &s->bound.items[i];
        if (!b) {
            b = vec_push(a, &s->bound);
            b->name = n->bind.name;
            b->first = ++s->order;
        }
        b->count++;
    }
}

static const node *known_lambda(const struct jsonata_list *nodes, asl_str name) {
    for (size_t i = 0; i < nodes->count; i++) {
        const node *n = nodes->items[i];
        if (n->kind != JSONATA_BIND || !asl_str_equal(n->bind.name, name))
            continue;
        const node *v = n->bind.value;
        return jl_is_plain(n) && v->kind == JSONATA_LAMBDA && jl_is_plain(v) && !v->group && !v->lambda.signature.data ? v : NULL;
    }
    return NULL;
}

static bool is_statement(const struct jsonata_list *nodes, asl_str name) {
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i]->kind == JSONATA_BIND && asl_str_equal(nodes->items[i]->bind.name, name))
            return true;
    return false;
}

void jl_scope_declare(struct function *f, const struct jsonata_list *nodes, uint32_t context, bool block) {
    struct survey s = {.compiler = f->compiler};
    for (size_t i = 0; i < nodes->count; i++)
        survey(&s, nodes->items[i]);
    struct scope *scope = f->scope;
    for (size_t i = 0; i < s.bound.count; i++) {
        const struct bound *b = &s.bound.items[i];
        struct variable *outer = jl_scope_find(scope->up, b->name);
        const node *known = block && b->count == 1 ? known_lambda(nodes, b->name) : NULL;
        if (known) {
            struct variable *v = arena_alloc(f->compiler->arena, sizeof *v);
            *v = (struct variable){.name = b->name, .function = f, .slot = NONE};
            *vec_push(f->compiler->arena, &scope->variables) = v;
            v->lambda = jl_lambda_of(f, known, context);
            continue;
        }
        bool mentioned = false, before = false;
        for (size_t m = 0; m < s.mentions.count; m++)
            if (s.mentions.items[m].any || asl_str_equal(s.mentions.items[m].name, b->name)) {
                mentioned = true;
                before |= s.mentions.items[m].order < b->first;
            }
        uint32_t slot = jl_temporary(f), top = f->top;
        uint32_t value = NONE;
        if (outer || !is_statement(nodes, b->name)) {
            f->scope = scope->up;
            struct jsonata_node read = {.kind = JSONATA_VARIABLE};
            if (!outer || !outer->lambda || !is_statement(nodes, b->name))
                value = jl_variable_value(f, &read, b->name, context, NONE);
            f->scope = scope;
        }
        struct variable *v = jl_scope_add(f, b->name, slot);
        v->many = b->count > 1 || !is_statement(nodes, b->name);
        v->cell = mentioned && (b->count > 1 || before);
        if (v->cell) {
            if (value == NONE)
                jl_emit(f, OP_JX_UNDEFINED, OPERANDS(value = jl_temporary(f)));
            jl_emit(f, OP_JX_CELL, OPERANDS(slot, value));
        } else if (value == NONE) {
            jl_emit(f, OP_JX_UNDEFINED, OPERANDS(slot));
        } else {
            jl_copy(f, slot, value);
        }
        f->top = top;
    }
}

// ---------------------------------------------------------------- reading and assigning

uint32_t jl_variable_slot(struct function *f, struct variable *v) {
    if (v->function == f)
        return v->slot;
    for (size_t i = 0; i < f->captures.count; i++)
        if (f->captures.items[i].variable == v)
            return f->captures.items[i].slot;
    return NONE;
}

uint32_t jl_variable_value(struct function *f, const node *n, asl_str name, uint32_t context, uint32_t want) {
    (void)n;
    struct variable *v = name.size == 0 ? NULL : jl_same(name, "$") ? f->compiler->input : jl_scope_find(f->scope, name);
    uint32_t slot = NONE;
    if (name.size == 0) {
        if (context != 0 && context != f->wrapped)
            slot = context;
    } else if (v && v->lambda) {
        return jl_lambda_value(f, v->lambda, want);
    } else if (v) {
        slot = jl_variable_slot(f, v);
    }
    if (slot != NONE && !(v && v->cell)) {
        if (want == NONE)
            return slot;
        jl_copy(f, want, slot);
        return want;
    }
    uint32_t d = want == NONE ? jl_temporary(f) : want;
    int id;
    if (name.size == 0)
        jl_emit(f, OP_JX_UNWRAP, OPERANDS(d, context));
    else if (slot != NONE)
        jl_emit(f, OP_JX_CELL_GET, OPERANDS(d, slot));
    else if (!v && (id = jl_builtin_id(f, name)) >= 0)
        jl_emit(f, OP_JX_FUNCTION, OPERANDS(d, (uint32_t)id));
    else
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(d));
    return d;
}

void jl_variable_assign(struct function *f, asl_str name, uint32_t operand) {
    struct variable *v = jl_scope_find(f->scope, name);
    if (!v || v->lambda || v->function != f)
        return; // every := of a scope has been declared
    if (v->cell)
        jl_emit(f, OP_JX_CELL_SET, OPERANDS(v->slot, operand));
    else
        jl_copy(f, v->slot, operand);
}

// ---------------------------------------------------------------- lambdas

struct lambda *jl_lambda_of(struct function *f, const node *n, uint32_t context) {
    struct compiler *c = f->compiler;
    for (size_t i = c->lambdas.count; i-- > 0;)
        if (c->lambdas.items[i]->node == n)
            return c->lambdas.items[i];
    struct lambda *l = arena_alloc(c->arena, sizeof *l);
    struct variable *v = arena_alloc(c->arena, sizeof *v);
    *v = (struct variable){.name = ASL_STR(""), .function = f, .slot = context};
    *l = (struct lambda){.node = n, .scope = f->scope, .context = v, .number = NONE};
    *vec_push(c->arena, &c->lambdas) = l;
    return l;
}

struct reading {
    struct compiler *compiler;
    const struct scope *scope;
    bool found;
};

static void look_for_context(void *arg, const node *n) {
    struct reading *r = arg;
    r->found = r->found || jl_reads_context(r->compiler, r->scope, n);
}

static bool is_known(const struct scope *s, asl_str name) {
    struct variable *v = jl_scope_find(s, name);
    return v && v->lambda;
}

bool jl_reads_context(struct compiler *c, const struct scope *s, const node *n) {
    struct reading r = {c, s, false};
    switch (n->kind) {
    case JSONATA_NAME:
    case JSONATA_WILDCARD:
    case JSONATA_DESCENDANTS: return true;
    case JSONATA_VARIABLE: return n->text.size == 0;
    case JSONATA_PATH: return jl_reads_context(c, s, n->path.steps.items[0]);
    case JSONATA_CALL: {
        const node *callee = n->call.callee;
        if (callee->kind != JSONATA_VARIABLE)
            return true;
        if (!is_known(s, callee->text)) {
            int id = jl_builtin_named(c->dialect, callee->text);
            if (id < 0 || n->call.arguments.count < jl_builtin_params(id) || jl_scope_find(s, callee->text))
                return true;
        }
        each_of(&n->call.arguments, look_for_context, &r);
        return r.found;
    }
    case JSONATA_APPLY:
        if (n->two.right->kind != JSONATA_LAMBDA && n->two.right->kind != JSONATA_TRANSFORM)
            return true;
        break;
    case JSONATA_PARTIAL: return true;
    case JSONATA_TRANSFORM: return false; // its parts have contexts of their own
    case JSONATA_STRING:
    case JSONATA_NUMBER:
    case JSONATA_TRUE:
    case JSONATA_FALSE:
    case JSONATA_NULL:
    case JSONATA_REGEX:
    case JSONATA_PARENT:
    case JSONATA_NEGATE:
    case JSONATA_ARRAY:
    case JSONATA_RANGE:
    case JSONATA_OBJECT:
    case JSONATA_BINARY:
    case JSONATA_CONDITION:
    case JSONATA_ELVIS:
    case JSONATA_COALESCE:
    case JSONATA_BLOCK:
    case JSONATA_BIND:
    case JSONATA_PLACEHOLDER:
    case JSONATA_LAMBDA:
    case JSONATA_SORT: break;
    }
    each_child(n, look_for_context, &r); // predicates and groups too: more than needed is not wrong
    return r.found;
}

static bool is_pure(struct function *f, const node *n);

static void look_for_effects(void *arg, const node *n) {
    struct function **f = arg;
    if (*f && !is_pure(*f, n))
        *f = NULL;
}

/* Evaluated again with the same variables and context, it gives the same, and assigns nothing. Functions that the
   expression itself defines are not looked into. */
static bool is_pure(struct function *f, const node *n) {
    switch (n->kind) {
    case JSONATA_CALL: {
        int id = jl_called_builtin(f, n);
        if (id < 0 || !jl_builtin_is_pure(id))
            return false;
        break;
    }
    case JSONATA_BIND:
    case JSONATA_PARENT:
    case JSONATA_APPLY:
    case JSONATA_PARTIAL:
    case JSONATA_PLACEHOLDER:
    case JSONATA_LAMBDA:
    case JSONATA_TRANSFORM: return false;
    case JSONATA_PATH:
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
    case JSONATA_NEGATE:
    case JSONATA_ARRAY:
    case JSONATA_RANGE:
    case JSONATA_OBJECT:
    case JSONATA_BINARY:
    case JSONATA_CONDITION:
    case JSONATA_ELVIS:
    case JSONATA_COALESCE:
    case JSONATA_BLOCK:
    case JSONATA_SORT: break;
    }
    each_child(n, look_for_effects, &f);
    return f != NULL;
}

bool jl_is_invariant(struct function *f, const node *n) {
    return !jl_reads_context(f->compiler, f->scope, n) && is_pure(f, n);
}

/* Gathers what lambdas mention, and what the known lambdas among that do. */
struct gathering {
    struct compiler *compiler;
    struct lambda *into, *now;
    VEC(struct lambda *) seen;
};

static void gather(void *arg, const node *n);

enum { MOST_CAPTURES = 1000 }; /* for the text of an $eval */

static void capture(struct gathering *g, struct variable *v) {
    for (size_t i = 0; i < g->into->captures.count; i++)
        if (g->into->captures.items[i] == v)
            return;
    *vec_push(g->compiler->arena, &g->into->captures) = v;
}

static void gather_lambda(struct gathering *g, struct lambda *l) {
    for (size_t i = 0; i < g->seen.count; i++)
        if (g->seen.items[i] == l)
            return;
    *vec_push(g->compiler->arena, &g->seen) = l;
    struct lambda *outer = g->now;
    g->now = l;
    if (l->node->kind != JSONATA_TRANSFORM && jl_reads_context(g->compiler, l->scope, l->node->lambda.body)) {
        l->reads_context = true;
        capture(g, l->context);
    }
    each_child(l->node, gather, g);
    if (l->node->kind == JSONATA_TRANSFORM) { // whatever is bound to it makes the copy
        struct variable *v = jl_scope_find(l->scope, ASL_STR("clone"));
        if (v && !v->lambda)
            capture(g, v);
        else if (v)
            gather_lambda(g, v->lambda);
    }
    g->now = outer;
}

static void gather(void *arg, const node *n) {
    struct gathering *g = arg;
    struct variable *v = NULL;
    if (n->kind == JSONATA_VARIABLE && jl_same(n->text, "$"))
        v = g->compiler->input;
    else if (n->kind == JSONATA_VARIABLE && n->text.size)
        v = jl_scope_find(g->now->scope, n->text);
    else if (n->kind == JSONATA_PARENT)
        v = jl_scope_find(g->now->scope, jl_label_name(g->compiler->arena, n->slot->label));
    if (n->kind == JSONATA_PATH && n->path.steps.items[0]->kind == JSONATA_VARIABLE &&
        jl_same(n->path.steps.items[0]->text, "states") && n->path.steps.count > 1 &&
        n->path.steps.items[1]->kind == JSONATA_NAME) {
        asl_str name = n->path.steps.items[1]->text;
        char *text = arena_format(g->compiler->arena, "states.%.*s", (int)name.size, name.data);
        struct variable *part = jl_scope_find(g->now->scope, asl_str_z(text));
        if (part)
            capture(g, part);
    }
    if (v && v->lambda)
        gather_lambda(g, v->lambda);
    else if (v)
        capture(g, v);
    if (n->kind == JSONATA_TRANSFORM) {
        struct variable *clone = jl_scope_find(g->now->scope, ASL_STR("clone"));
        if (clone && clone->lambda)
            gather_lambda(g, clone->lambda);
        else if (clone)
            capture(g, clone);
    }
    if (is_eval(n)) {
        struct variable **seen = arena_alloc(g->compiler->arena, MOST_CAPTURES * sizeof *seen);
        for (uint32_t i = 0, count = jl_scope_visible(g->now->scope, seen, MOST_CAPTURES); i < count; i++)
            if (seen[i]->lambda)
                gather_lambda(g, seen[i]->lambda);
            else
                capture(g, seen[i]);
    }
    each_child(n, gather, g);
}

void jl_lambda_analyse(struct compiler *c, struct lambda *l) {
    if (l->analysed)
        return;
    l->analysed = true;
    struct gathering g = {.compiler = c, .into = l};
    gather_lambda(&g, l);
}

uint32_t jl_lambda_number(struct compiler *c, struct lambda *l) {
    if (l->number != NONE)
        return l->number;
    jl_lambda_analyse(c, l);
    size_t params = l->node->kind == JSONATA_TRANSFORM ? 1 : l->node->lambda.param_count;
    const char *name = arena_format(c->arena, "%s/%u", c->name, l->node->position);
    l->number = ir_function_new(c->plan, name, (uint32_t)(1 + params + l->captures.count));
    *vec_push(c->arena, &c->pending) = l;
    return l->number;
}
