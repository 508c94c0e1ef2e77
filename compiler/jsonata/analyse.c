// What an expression reads: its free variables, and what the Step Functions dialect refuses at creation
// (jsonata-in-step-functions 10).
//
// One walk in order of evaluation serves both. It knows two things about where it is:
//
//   * whether the context is still the expression's own ("top level"). Later steps, filters, sort terms, groups and the
//     parts of a transform have another one; a lambda's body has its definer's.
//   * which names are bound. A block, a lambda, a transform and the whole have a frame of bindings; a path has a scope for
//     its @$v and #$v, which := does not bind in. A binding counts from where it is made on, if it is made for certain.
//     Inside a lambda every binding of a frame around it counts, because the body runs later.
#include "tree.h"

#include "../names.h"

#include <string.h>

enum bound { NOT_BOUND, SOMEWHERE, FOR_CERTAIN }; /* SOMEWHERE: later, or perhaps */

struct scope {
    struct scope *outer;
    bool path;       /* of @ and #: := looks for its frame further out */
    bool lambda;     /* what is in it runs later than what is around it */
    unsigned unsure; /* depth of what may not be evaluated, in this scope */
};

struct walk {
    struct names bound; /* (scope, name) to enum bound */
    jsonata_variable_fn *variable;
    void (*bare)(void *arg, const struct jsonata_node *at, asl_str name); /* a field of the expression's own context */
    void *arg;
};

static void walk(struct walk *w, const struct jsonata_node *n, struct scope *s, bool top);

// ---------------------------------------------------------------- bindings

static enum bound bound_in(const struct walk *w, const struct scope *s, asl_str name) {
    return (enum bound)(uintptr_t)names_get(&w->bound, s, name);
}

static void set_bound(struct walk *w, const struct scope *s, asl_str name, enum bound how) {
    void **at = names_at(&w->bound, s, name);
    if ((uintptr_t)*at < (uintptr_t)how)
        *at = (void *)(uintptr_t)how; /* numbers fit where pointers do */
}

static bool is_bound(const struct walk *w, const struct scope *s, asl_str name) {
    bool later = false; /* seen from inside a lambda */
    for (; s; s = s->outer) {
        enum bound how = bound_in(w, s, name);
        if (how == FOR_CERTAIN || (how == SOMEWHERE && later))
            return true;
        later = later || s->lambda;
    }
    return false;
}

static void bind(struct walk *w, struct scope *s, asl_str name) {
    bool unsure = s->unsure > 0;
    while (s->path) {
        s = s->outer; /* a path is always inside a frame */
        unsure = unsure || s->unsure > 0;
    }
    set_bound(w, s, name, unsure ? SOMEWHERE : FOR_CERTAIN);
}

/* Enters what := binds in the frame of n: not in blocks, lambdas and transforms below, which have their own. */
static void collect(struct walk *w, const struct jsonata_node *n, const struct scope *frame);

static void collect_list(struct walk *w, const struct jsonata_list *list, const struct scope *frame) {
    for (size_t i = 0; i < list->count; i++)
        collect(w, list->items[i], frame);
}

static void collect_pairs(struct walk *w, const struct jsonata_pairs *pairs, const struct scope *frame) {
    for (size_t i = 0; pairs && i < pairs->count; i++) {
        collect(w, pairs->items[i].key, frame);
        collect(w, pairs->items[i].value, frame);
    }
}

static void collect_stages(struct walk *w, const struct jsonata_stages *stages, const struct scope *frame) {
    for (size_t i = 0; i < stages->count; i++)
        collect(w, stages->items[i].filter, frame);
}

static void collect(struct walk *w, const struct jsonata_node *n, const struct scope *frame) {
    if (!n)
        return;
    switch (n->kind) {
    case JSONATA_PATH: collect_list(w, &n->path.steps, frame); break;
    case JSONATA_NEGATE: collect(w, n->one, frame); break;
    case JSONATA_ARRAY: collect_list(w, &n->list, frame); break;
    case JSONATA_OBJECT: collect_pairs(w, &n->object, frame); break;
    case JSONATA_RANGE:
    case JSONATA_BINARY:
    case JSONATA_ELVIS:
    case JSONATA_COALESCE:
    case JSONATA_APPLY:
        collect(w, n->two.left, frame);
        collect(w, n->two.right, frame);
        break;
    case JSONATA_CONDITION:
        collect(w, n->condition.test, frame);
        collect(w, n->condition.then, frame);
        collect(w, n->condition.otherwise, frame);
        break;
    case JSONATA_BIND:
        set_bound(w, frame, n->bind.name, SOMEWHERE);
        collect(w, n->bind.value, frame);
        break;
    case JSONATA_CALL:
    case JSONATA_PARTIAL:
        collect(w, n->call.callee, frame);
        collect_list(w, &n->call.arguments, frame);
        break;
    case JSONATA_SORT:
        for (size_t i = 0; i < n->sort.count; i++)
            collect(w, n->sort.terms[i].expression, frame);
        break;
    case JSONATA_BLOCK:
    case JSONATA_LAMBDA:
    case JSONATA_TRANSFORM:
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
    collect_stages(w, &n->predicates, frame);
    collect_stages(w, &n->stages, frame);
    collect_pairs(w, n->group, frame);
}

// ---------------------------------------------------------------- the walk

/* What is evaluated only perhaps, or with another context, or many times. */
static void walk_unsure(struct walk *w, const struct jsonata_node *n, struct scope *s, bool top) {
    if (!n)
        return;
    s->unsure++;
    walk(w, n, s, top);
    s->unsure--;
}

static void walk_list(struct walk *w, const struct jsonata_list *list, struct scope *s, bool top) {
    for (size_t i = 0; i < list->count; i++)
        walk(w, list->items[i], s, top);
}

static void walk_pairs(struct walk *w, const struct jsonata_pairs *pairs, struct scope *s, bool top) {
    for (size_t i = 0; pairs && i < pairs->count; i++) {
        walk_unsure(w, pairs->items[i].key, s, top);
        walk_unsure(w, pairs->items[i].value, s, top);
    }
}

static void walk_stages(struct walk *w, const struct jsonata_stages *stages, struct scope *s) {
    for (size_t i = 0; i < stages->count; i++) {
        if (stages->items[i].filter)
            walk_unsure(w, stages->items[i].filter, s, false);
        else
            set_bound(w, s, stages->items[i].index, FOR_CERTAIN);
    }
}

static void walk_variable(struct walk *w, const struct jsonata_node *n, const struct scope *s, bool top, asl_str field) {
    bool context = n->text.size == 0;
    if (is_bound(w, s, n->text) || (context && !top))
        return; /* the context of a step or a filter comes from within */
    if (context && w->bare)
        w->bare(w->arg, n, ASL_STR("$"));
    w->variable(w->arg, n, n->text, field);
}

/* What a step that yields tuples has bound is bound in the path round it too. */
static void bind_tuples(struct walk *w, const struct jsonata_node *step, const struct scope *s) {
    if (!step->tuple)
        return;
    if (step->kind == JSONATA_BLOCK && step->list.count)
        bind_tuples(w, step->list.items[step->list.count - 1], s);
    if (step->kind != JSONATA_PATH)
        return;
    for (size_t i = 0; i < step->path.steps.count; i++) {
        const struct jsonata_node *inner = step->path.steps.items[i];
        bind_tuples(w, inner, s);
        if (inner->focus.data)
            set_bound(w, s, inner->focus, FOR_CERTAIN);
        if (inner->index.data)
            set_bound(w, s, inner->index, FOR_CERTAIN);
        for (size_t k = 0; k < inner->stages.count; k++)
            if (!inner->stages.items[k].filter)
                set_bound(w, s, inner->stages.items[k].index, FOR_CERTAIN);
    }
}

/* The name of the step after a variable, where it is nothing more. */
static asl_str field_after(const struct jsonata_node *path) {
    const struct jsonata_node *first = path->path.steps.items[0];
    if (path->path.steps.count > 1 && !first->predicates.count && !first->stages.count && !first->focus.data) {
        const struct jsonata_node *second = path->path.steps.items[1];
        if (second->kind == JSONATA_NAME)
            return second->text;
    }
    return (asl_str){NULL, 0};
}

static void walk_path(struct walk *w, const struct jsonata_node *n, struct scope *s, bool top) {
    struct scope *inner = arena_alloc(w->bound.arena, sizeof *inner); /* its address is its key: it must stay its own */
    *inner = (struct scope){.outer = s, .path = true};
    for (size_t i = 0; i < n->path.steps.count; i++) {
        const struct jsonata_node *step = n->path.steps.items[i];
        if (i == 0 && step->kind == JSONATA_VARIABLE) {
            walk_variable(w, step, inner, top, field_after(n));
            walk_stages(w, &step->predicates, inner);
        } else if (i == 0) {
            walk(w, step, inner, top);
        } else {
            walk_unsure(w, step, inner, false);
        }
        bind_tuples(w, step, inner);
        if (step->focus.data)
            set_bound(w, inner, step->focus, FOR_CERTAIN);
        if (step->index.data)
            set_bound(w, inner, step->index, FOR_CERTAIN);
        walk_stages(w, &step->stages, inner);
    }
    walk_pairs(w, n->group, inner, false);
}

static struct scope *frame_in(struct walk *w, struct scope *outer, bool lambda) {
    struct scope *frame = arena_alloc(w->bound.arena, sizeof *frame);
    *frame = (struct scope){.outer = outer, .lambda = lambda};
    return frame;
}

static void walk_block(struct walk *w, const struct jsonata_node *n, struct scope *outer, bool top) {
    struct scope *frame = frame_in(w, outer, false);
    collect_list(w, &n->list, frame);
    walk_list(w, &n->list, frame, top);
}

static void walk_lambda(struct walk *w, const struct jsonata_node *n, struct scope *outer, bool top) {
    struct scope *frame = frame_in(w, outer, true);
    for (size_t i = 0; i < n->lambda.param_count; i++)
        set_bound(w, frame, n->lambda.params[i], FOR_CERTAIN);
    collect(w, n->lambda.body, frame);
    walk(w, n->lambda.body, frame, top);
}

static void walk_transform(struct walk *w, const struct jsonata_node *n, struct scope *outer) {
    struct scope *frame = frame_in(w, outer, true);
    collect(w, n->transform.pattern, frame);
    collect(w, n->transform.update, frame);
    collect(w, n->transform.removed, frame);
    walk(w, n->transform.pattern, frame, false);
    walk_unsure(w, n->transform.update, frame, false);
    walk_unsure(w, n->transform.removed, frame, false);
}

static void walk(struct walk *w, const struct jsonata_node *n, struct scope *s, bool top) {
    switch (n->kind) {
    case JSONATA_PATH:
        walk_path(w, n, s, top);
        walk_stages(w, &n->predicates, s);
        return; /* its group is done */
    case JSONATA_NAME:
        if (top && w->bare)
            w->bare(w->arg, n, n->text);
        break;
    case JSONATA_VARIABLE: walk_variable(w, n, s, top, (asl_str){NULL, 0}); break;
    case JSONATA_NEGATE: walk(w, n->one, s, top); break;
    case JSONATA_ARRAY:
        for (size_t i = 0; i < n->list.count; i++)
            walk_unsure(w, n->list.items[i], s, top); /* elements do not see what their siblings bind (5) */
        break;
    case JSONATA_OBJECT: walk_pairs(w, &n->object, s, top); break;
    case JSONATA_RANGE:
    case JSONATA_APPLY:
        walk(w, n->two.left, s, top);
        walk(w, n->two.right, s, top);
        break;
    case JSONATA_BINARY:
        walk(w, n->two.left, s, top);
        if (n->two.operator == JSONATA_AND || n->two.operator == JSONATA_OR)
            walk_unsure(w, n->two.right, s, top);
        else
            walk(w, n->two.right, s, top);
        break;
    case JSONATA_ELVIS:
    case JSONATA_COALESCE:
        walk(w, n->two.left, s, top);
        walk_unsure(w, n->two.right, s, top);
        break;
    case JSONATA_CONDITION:
        walk(w, n->condition.test, s, top);
        walk_unsure(w, n->condition.then, s, top);
        walk_unsure(w, n->condition.otherwise, s, top);
        break;
    case JSONATA_BLOCK: walk_block(w, n, s, top); break;
    case JSONATA_BIND:
        walk(w, n->bind.value, s, top);
        bind(w, s, n->bind.name);
        break;
    case JSONATA_CALL:
    case JSONATA_PARTIAL:
        walk(w, n->call.callee, s, top);
        walk_list(w, &n->call.arguments, s, top);
        break;
    case JSONATA_LAMBDA: walk_lambda(w, n, s, top); break;
    case JSONATA_TRANSFORM: walk_transform(w, n, s); break;
    case JSONATA_SORT:
        for (size_t i = 0; i < n->sort.count; i++)
            walk_unsure(w, n->sort.terms[i].expression, s, false);
        break;
    case JSONATA_STRING:
    case JSONATA_NUMBER:
    case JSONATA_TRUE:
    case JSONATA_FALSE:
    case JSONATA_NULL:
    case JSONATA_REGEX:
    case JSONATA_WILDCARD:
    case JSONATA_DESCENDANTS:
    case JSONATA_PARENT:
    case JSONATA_PLACEHOLDER: break;
    }
    walk_stages(w, &n->predicates, s);
    walk_pairs(w, n->group, s, false);
}

static void walk_all(struct walk *w, const struct jsonata_node *tree) {
    struct scope *whole = frame_in(w, NULL, false);
    collect(w, tree, whole);
    walk(w, tree, whole, true);
}

void jsonata_variables(struct arena *a, const struct jsonata_node *tree, jsonata_variable_fn *visit, void *arg) {
    struct walk w = {.bound = {.arena = a}, .variable = visit, .arg = arg};
    walk_all(&w, tree);
}

// ---------------------------------------------------------------- checks at creation

struct check {
    struct arena *arena;
    unsigned offered;
    struct names reported;
    jsonata_check_fn *report;
    void *arg;
};

/* Each text once. */
static void report(struct check *c, const struct jsonata_node *at, const char *text) {
    void **seen = names_at(&c->reported, NULL, asl_str_z(text));
    if (!*seen)
        c->report(c->arg, at, text);
    *seen = c;
}

static void check_bare(void *arg, const struct jsonata_node *at, asl_str name) {
    struct check *c = arg;
    report(c, at,
           arena_format(c->arena, "Reference to '%.*s' at the top level is not supported.", (int)name.size, name.data));
}

static void check_variable(void *arg, const struct jsonata_node *at, asl_str name, asl_str field) {
    struct check *c = arg;
    if (asl_str_equal(name, ASL_STR("$")))
        report(c, at, "Reference to '$$' is not supported.");
    if (!asl_str_equal(name, ASL_STR("states")) || !field.data)
        return;
    if (asl_str_equal(field, ASL_STR("result")) && !(c->offered & JSONATA_RESULT))
        report(c, at, "Field '$states.result' does not exist.");
    if (asl_str_equal(field, ASL_STR("errorOutput")) && !(c->offered & JSONATA_ERROR_OUTPUT))
        report(c, at, "Field '$states.errorOutput' does not exist.");
}

void jsonata_check(struct arena *a, const struct jsonata_node *tree, unsigned offered, jsonata_check_fn *fn, void *arg) {
    struct check c = {.arena = a, .offered = offered, .reported = {.arena = a}, .report = fn, .arg = arg};
    struct walk w = {.bound = {.arena = a}, .variable = check_variable, .bare = check_bare, .arg = &c};
    walk_all(&w, tree);
}
