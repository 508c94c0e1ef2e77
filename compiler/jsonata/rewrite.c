// The rewrites of jsonata-language 4, made while the grammar is read: every operator gets operands that are already
// rewritten, so a node is touched once and nothing recurses.
//
// Ancestry (4.11). A % has a slot that looks for the step it goes up to; `level` says how many levels are still to climb.
// A node that holds such a % hands the slot to its parent (draft.seeking) until a path can resolve it:
//
//     a.b.{"x": %}        { seeks 1 level  ─►  step b: level 0, b gets ancestor = label, and is a tuple step
//     a.b.{"x": %.%}      the second % seeks 2: b takes one, a the other
//
// Mistakes found here do not end the parse: the reference finds them in a second pass, after the grammar's.
#include "parse_private.h"

#include <string.h>

#define NO_STR ((asl_str){NULL, 0})

// ---------------------------------------------------------------- nodes and lists

struct jsonata_node *rewrite_node(struct parser *p, enum jsonata_kind kind, const struct lex_token *place) {
    struct draft *d = arena_alloc(p->lexer.arena, sizeof *d);
    struct jsonata_node *n = &d->node;
    n->kind = kind;
    n->offset = place->offset;
    n->size = place->size;
    n->position = place->position;
    n->token = place->text;
    n->depth = 1;
    return n;
}

/* Doubles an array of `count` items that is full. */
static void *grown(struct parser *p, void *items, size_t count, size_t *room, size_t size) {
    if (count < *room)
        return items;
    *room = count ? count : 1; // an array made elsewhere is as large as its count
    size_t more = *room * 2;
    void *copy = arena_alloc(p->lexer.arena, more * size);
    if (count)
        memcpy(copy, items, count * size);
    *room = more;
    return copy;
}

static void add_step(struct parser *p, struct jsonata_node *path, struct jsonata_node *step) {
    struct jsonata_list *steps = &path->path.steps;
    steps->items = grown(p, steps->items, steps->count, &draft_of(path)->step_room, sizeof *steps->items);
    steps->items[steps->count++] = step;
    rewrite_deepen(path, step);
}

static void add_stage(struct parser *p, struct jsonata_node *n, bool predicate, struct jsonata_stage stage) {
    struct jsonata_stages *list = predicate ? &n->predicates : &n->stages;
    size_t *room = predicate ? &draft_of(n)->predicate_room : &draft_of(n)->stage_room;
    list->items = grown(p, list->items, list->count, room, sizeof *list->items);
    list->items[list->count++] = stage;
}

static struct jsonata_node *path_of(struct parser *p, struct jsonata_node *first) {
    struct jsonata_node *path = rewrite_node(p, JSONATA_PATH, &(struct lex_token){0});
    path->offset = first->offset;
    path->size = first->size;
    path->position = first->position;
    path->token = NO_STR;
    add_step(p, path, first);
    return path;
}

static struct jsonata_node *last_step(const struct jsonata_node *path) {
    return path->path.steps.items[path->path.steps.count - 1];
}

struct jsonata_node *rewrite_name(struct parser *p, const struct lex_token *name) {
    struct jsonata_node *n = rewrite_node(p, JSONATA_NAME, name);
    n->text = name->text;
    return path_of(p, n);
}

static const struct lex_token *place_of(const struct jsonata_node *n, struct lex_token *room) {
    *room = (struct lex_token){.offset = n->offset, .size = n->size, .position = n->position};
    return room;
}

// ---------------------------------------------------------------- ancestry

static void seek_outside(struct parser *p, struct jsonata_node *n, struct jsonata_slot *slot) {
    *vec_push(p->lexer.arena, &draft_of(n)->seeking) = slot;
}

/* The list itself goes up where it can: nobody asks the child again, and copying it at every level would not be linear. */
static void hand_up(struct parser *p, struct jsonata_node *to, struct jsonata_node *child) {
    struct draft *from = draft_of(child), *parent = draft_of(to);
    if (!parent->seeking.count)
        memcpy(&parent->seeking, &from->seeking, sizeof parent->seeking);
    else
        for (size_t i = 0; i < from->seeking.count; i++)
            seek_outside(p, to, from->seeking.items[i]);
}

void rewrite_deepen(struct jsonata_node *parent, const struct jsonata_node *child) {
    if (child && parent->depth <= child->depth)
        parent->depth = child->depth + 1;
}

void rewrite_adopt(struct parser *p, struct jsonata_node *parent, struct jsonata_node *child) {
    if (!child)
        return;
    rewrite_deepen(parent, child);
    hand_up(p, parent, child);
    if (child->kind == JSONATA_PARENT)
        seek_outside(p, parent, child->slot);
}

/* As the reference names the kinds in its message. */
static asl_str kind_name(const struct jsonata_node *n) {
    switch (n->kind) {
    case JSONATA_PATH: return ASL_STR("path");
    case JSONATA_NAME: return ASL_STR("name");
    case JSONATA_STRING: return ASL_STR("string");
    case JSONATA_NUMBER: return ASL_STR("number");
    case JSONATA_TRUE:
    case JSONATA_FALSE:
    case JSONATA_NULL: return ASL_STR("value");
    case JSONATA_VARIABLE: return ASL_STR("variable");
    case JSONATA_REGEX: return ASL_STR("regex");
    case JSONATA_WILDCARD: return ASL_STR("wildcard");
    case JSONATA_DESCENDANTS: return ASL_STR("descendant");
    case JSONATA_PARENT: return ASL_STR("parent");
    case JSONATA_NEGATE:
    case JSONATA_ARRAY:
    case JSONATA_OBJECT: return ASL_STR("unary");
    case JSONATA_RANGE:
    case JSONATA_BINARY: return ASL_STR("binary");
    case JSONATA_CONDITION:
    case JSONATA_ELVIS:
    case JSONATA_COALESCE: return ASL_STR("condition");
    case JSONATA_BLOCK: return ASL_STR("block");
    case JSONATA_BIND: return ASL_STR("bind");
    case JSONATA_APPLY: return ASL_STR("apply");
    case JSONATA_CALL: return ASL_STR("function");
    case JSONATA_PARTIAL: return ASL_STR("partial");
    case JSONATA_PLACEHOLDER: return ASL_STR("operator");
    case JSONATA_LAMBDA: return ASL_STR("lambda");
    case JSONATA_TRANSFORM: return ASL_STR("transform");
    case JSONATA_SORT: return ASL_STR("sort");
    }
    return NO_STR;
}

static void no_parent(struct parser *p, const struct jsonata_node *at) {
    struct lex_token room;
    struct lex_error *e = parser_defer(p, "S0217", place_of(at, &room));
    if (!e)
        return;
    e->has_token = true;
    e->token = (struct lex_token){.kind = TOKEN_STRING, .text = kind_name(at)};
}

/* A step that a slot climbs through. */
static void climb(struct parser *p, struct jsonata_node *n, struct jsonata_slot *slot) {
    switch ((int)n->kind) {
    case JSONATA_NAME:
    case JSONATA_WILDCARD:
        if (--slot->level > 0)
            return;
        if (n->ancestor)
            slot->label = n->ancestor;
        n->ancestor = slot->label;
        n->tuple = true;
        return;
    case JSONATA_PARENT:
        /* No document is deeper than values may be nested, so nothing is lost; a bound keeps the search for many % short. */
        if (slot->level < ASL_MAX_DEPTH)
            slot->level++;
        else
            no_parent(p, n), slot->level = 0;
        return;
    case JSONATA_BLOCK:
        if (n->list.count) {
            n->tuple = true;
            climb(p, n->list.items[n->list.count - 1], slot);
        }
        return;
    case JSONATA_PATH:
        n->tuple = true;
        for (size_t i = n->path.steps.count; i-- > 0 && slot->level > 0;)
            climb(p, n->path.steps.items[i], slot);
        return;
    default:
        no_parent(p, n);
        slot->level = 0; // one message
        return;
    }
}

/* The path's new last step looks for the steps that its % go up to. */
static void resolve(struct parser *p, struct jsonata_node *path) {
    if (p->deferred.code)
        return; // there will be no tree: do not search at length
    const struct jsonata_list *steps = &path->path.steps;
    struct draft *last = draft_of(last_step(path));
    if (last->node.kind == JSONATA_PARENT)
        seek_outside(p, &last->node, last->node.slot);
    for (size_t i = 0; i < last->seeking.count; i++) {
        struct jsonata_slot *slot = last->seeking.items[i];
        size_t next = steps->count - 1;
        while (slot->level > 0 && next > 0) {
            struct jsonata_node *step = steps->items[--next];
            /* Steps in a row that bind a focus all start from the same place. */
            while (next > 0 && step->focus.data && steps->items[next - 1]->focus.data)
                step = steps->items[--next];
            climb(p, step, slot);
        }
        if (slot->level > 0)
            seek_outside(p, path, slot);
    }
}

// ---------------------------------------------------------------- operators

static void step_from(struct parser *p, struct jsonata_node *step) {
    if (step->kind == JSONATA_STRING) {
        step->kind = JSONATA_NAME;
        return;
    }
    if (step->kind != JSONATA_NUMBER && step->kind != JSONATA_TRUE && step->kind != JSONATA_FALSE && step->kind != JSONATA_NULL)
        return;
    struct lex_token place;
    struct lex_error *e = parser_defer(p, "S0213", place_of(step, &place));
    if (!e)
        return;
    e->token = (struct lex_token){.number = step->kind == JSONATA_NUMBER ? step->number : 0};
    e->token.kind = step->kind == JSONATA_NUMBER ? TOKEN_NUMBER
                    : step->kind == JSONATA_TRUE ? TOKEN_TRUE
                    : step->kind == JSONATA_FALSE ? TOKEN_FALSE
                                                  : TOKEN_NULL;
}

static void predicates_to_stages(struct jsonata_node *n) {
    n->stages = n->predicates;
    draft_of(n)->stage_room = draft_of(n)->predicate_room;
    n->predicates = (struct jsonata_stages){0};
    draft_of(n)->predicate_room = 0;
}

static bool is_array(const struct jsonata_node *n) { return n->kind == JSONATA_ARRAY; }

struct jsonata_node *rewrite_dot(struct parser *p, struct jsonata_node *left, struct jsonata_node *right) {
    struct jsonata_node *path = left;
    if (left->kind != JSONATA_PATH) {
        path = path_of(p, left);
        if (left->kind == JSONATA_PARENT)
            seek_outside(p, path, left->slot);
    }
    size_t first_new = path->path.steps.count;
    if (right->kind == JSONATA_PATH) {
        for (size_t i = 0; i < right->path.steps.count; i++)
            add_step(p, path, right->path.steps.items[i]);
    } else {
        if (right->predicates.count) {
            predicates_to_stages(right);
        }
        add_step(p, path, right);
    }
    struct jsonata_list steps = path->path.steps;
    step_from(p, steps.items[0]); // also of a path that began with ^ or #
    for (size_t i = first_new; i < steps.count; i++)
        step_from(p, steps.items[i]);
    for (size_t i = first_new - 1; i < steps.count; i++)
        path->path.keep_singleton |= steps.items[i]->keep_array;
    path->path.keep_singleton |= steps.items[0]->keep_array;
    steps.items[0]->cons |= is_array(steps.items[0]);
    last_step(path)->cons |= is_array(last_step(path));
    resolve(p, path);
    return path;
}

void rewrite_check_group(struct parser *p, const struct lex_token *place, struct jsonata_node *left) {
    if (place->op == '{' ? left->group : (left->kind == JSONATA_PATH ? last_step(left) : left)->group)
        parser_defer(p, place->op == '{' ? "S0210" : "S0209", place);
}

struct jsonata_node *rewrite_predicate(struct parser *p, const struct lex_token *bracket, struct jsonata_node *left,
                                       struct jsonata_node *filter) {
    bool in_path = left->kind == JSONATA_PATH;
    struct jsonata_node *step = in_path ? last_step(left) : left;
    struct draft *seeker = draft_of(filter);
    for (size_t i = 0; i < seeker->seeking.count; i++) {
        struct jsonata_slot *slot = seeker->seeking.items[i];
        if (slot->level == 1)
            climb(p, step, slot);
        else if (slot->level > 1)
            slot->level--;
    }
    hand_up(p, step, filter);
    /* A filter that is nothing but % does not look for its step, so it is undefined; with a % in it, it does. */
    if (filter->kind == JSONATA_PARENT && seeker->seeking.count)
        seek_outside(p, step, filter->slot);
    add_stage(p, step, !in_path, (struct jsonata_stage){.filter = filter, .index = NO_STR, .position = bracket->position});
    rewrite_deepen(step, filter);
    if (in_path)
        rewrite_deepen(left, step);
    return left;
}

struct jsonata_node *rewrite_group(struct parser *p, struct jsonata_node *left, struct jsonata_pairs pairs) {
    left->group = arena_alloc(p->lexer.arena, sizeof *left->group);
    *left->group = pairs;
    for (size_t i = 0; i < pairs.count; i++) {
        rewrite_deepen(left, pairs.items[i].key);
        rewrite_deepen(left, pairs.items[i].value);
    }
    return left;
}

struct jsonata_node *rewrite_sort(struct parser *p, const struct lex_token *hat, struct jsonata_node *left,
                                  struct jsonata_term *terms, size_t count) {
    struct jsonata_node *path = left->kind == JSONATA_PATH ? left : path_of(p, left);
    struct jsonata_node *sort = rewrite_node(p, JSONATA_SORT, hat);
    sort->sort.terms = terms;
    sort->sort.count = count;
    for (size_t i = 0; i < count; i++)
        rewrite_adopt(p, sort, terms[i].expression);
    add_step(p, path, sort);
    resolve(p, path);
    return path;
}

struct jsonata_node *rewrite_focus(struct parser *p, const struct lex_token *at, struct jsonata_node *left, asl_str name) {
    struct jsonata_node *step = left->kind == JSONATA_PATH ? last_step(left) : left;
    if (step->stages.count || step->predicates.count)
        parser_defer(p, "S0215", at);
    else if (step->kind == JSONATA_SORT)
        parser_defer(p, "S0216", at);
    step->focus = name;
    step->tuple = true;
    return left;
}

struct jsonata_node *rewrite_index(struct parser *p, const struct lex_token *hash, struct jsonata_node *left, asl_str name) {
    struct jsonata_node *path = left, *step = left;
    if (left->kind == JSONATA_PATH) {
        step = last_step(left);
    } else {
        path = path_of(p, left);
        predicates_to_stages(step);
    }
    if (step->stages.count)
        add_stage(p, step, false, (struct jsonata_stage){.index = name, .position = hash->position});
    else
        step->index = name;
    step->tuple = true;
    return path;
}

struct jsonata_node *rewrite_negate(struct parser *p, const struct lex_token *minus, struct jsonata_node *operand) {
    if (operand->kind == JSONATA_NUMBER) {
        operand->number = -operand->number;
        return operand;
    }
    struct jsonata_node *n = rewrite_node(p, JSONATA_NEGATE, minus);
    n->one = operand;
    rewrite_adopt(p, n, operand);
    return n;
}

/* A call in tail position is not evaluated as a node: the caller's loop makes the call and takes what it gives, so its
   group and its [] are lost. */
void rewrite_mark_tail_calls(struct jsonata_node *body) {
    while (body) {
        switch ((int)body->kind) {
        case JSONATA_CALL:
            if (body->predicates.count)
                return;
            body->call.tail = true;
            body->group = NULL;
            body->keep_array = false;
            return;
        case JSONATA_CONDITION:
            rewrite_mark_tail_calls(body->condition.then);
            body = body->condition.otherwise;
            break;
        case JSONATA_ELVIS:
        case JSONATA_COALESCE:
            body = body->two.right;
            break;
        case JSONATA_BLOCK:
            /* What is applied to the block's value has to wait for it. */
            if (body->predicates.count || body->group || body->keep_array)
                return;
            body = body->list.count ? body->list.items[body->list.count - 1] : NULL;
            break;
        default:
            return;
        }
    }
}

void rewrite_end(struct parser *p, struct jsonata_node *tree) {
    if (tree->kind == JSONATA_PARENT || draft_of(tree)->seeking.count)
        no_parent(p, tree);
}
