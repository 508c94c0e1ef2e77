// Paths with @, # and % (jsonata-language 8).
//
// A stream of tuples is not a list but loops in loops: each step is a loop inside the body of the loop of the step before
// it, and the names that a tuple binds are slots that the body reads. So a join makes no tuples at all:
//
//     loans@$l.books@$b[$l.isbn = $b.isbn].title         each loan: each book: if …: title
//
// Only what looks at the stream as a whole needs tuples to lie side by side: an order-by, an index after a filter, a
// predicate that may be a number, a group. There the loops end, having filled a list of tuples (arrays of the context and
// all names), and a new loop goes over it.
#include "lower.h"

#include <string.h>

struct stream {
    struct stream *outer;  /* of the path in which this one stands and whose tuples it extends */
    struct function *function;
    const node *path;
    uint32_t context, first; /* step from which on it is a stream */
    bool listed;             /* what the steps before it gave is in list already */
    uint32_t list, how;
    uint32_t begun;          /* a slot that tells whether there was a tuple to start from; NONE: nobody asks */
    VEC(struct variable *) names;
};

/* Emits what is done with each tuple; at: the slot of its context. */
typedef void each_tuple(struct function *f, uint32_t at, void *arg);

bool jl_is_stream(const node *path) {
    for (size_t i = 0; i < path->path.steps.count; i++)
        if (path->path.steps.items[i]->tuple)
            return true;
    return false;
}

// Whether the value of a step is itself a stream, whose tuples are merged into ours.
static const node *nested_stream(const node *step) {
    if (step->kind == JSONATA_PATH)
        return step->tuple && jl_is_stream(step) && !step->group ? step : NULL;
    if (step->kind != JSONATA_BLOCK || step->list.count == 0 || step->group)
        return NULL;
    return nested_stream(step->list.items[step->list.count - 1]);
}

// ---------------------------------------------------------------- names

static void add_name(struct stream *s, asl_str name) {
    for (struct stream *o = s; o; o = o->outer)
        for (size_t i = 0; i < o->names.count; i++)
            if (asl_str_equal(o->names.items[i]->name, name))
                return;
    struct variable *v = jl_scope_add(s->function, name, NONE);
    jl_emit(s->function, OP_JX_UNDEFINED, OPERANDS(v->slot));
    *vec_push(s->function->compiler->arena, &s->names) = v;
}

static void add_names(struct stream *s, const node *path) {
    bool stream = false;
    for (size_t i = 0; i < path->path.steps.count; i++) {
        const node *step = path->path.steps.items[i];
        stream |= step->tuple;
        if (!stream)
            continue;
        if (step->focus.data)
            add_name(s, step->focus);
        if (step->index.data)
            add_name(s, step->index);
        if (step->ancestor)
            add_name(s, jl_label_name(s->function->compiler->arena, step->ancestor));
        for (size_t j = 0; j < step->stages.count; j++)
            if (!step->stages.items[j].filter)
                add_name(s, step->stages.items[j].index);
        const node *nested = nested_stream(step);
        if (nested)
            add_names(s, nested);
    }
}

static uint32_t slot_of(struct function *f, asl_str name) { return jl_scope_find(f->scope, name)->slot; }

static uint32_t place_in_tuple(const struct stream *s, asl_str name) {
    for (size_t i = 0; i < s->names.count; i++)
        if (asl_str_equal(s->names.items[i]->name, name))
            return (uint32_t)i + 1;
    return NONE;
}

// What the stream starts from: the list that the steps before it give.
static uint32_t start_of(const struct stream *s, uint32_t *how) {
    if (!s->listed)
        return jl_path_list(s->function, s->path, s->first, s->context, how);
    *how = s->how;
    return s->list;
}

// ---------------------------------------------------------------- tuples side by side

struct gathering {
    struct stream *stream;
    uint32_t list;
};

static void gather_tuple(struct function *f, uint32_t at, void *arg) {
    struct gathering *g = arg;
    uint32_t top = f->top, count = 1 + (uint32_t)g->stream->names.count, first = jl_temporaries(f, count);
    jl_copy(f, first, at);
    for (uint32_t i = 1; i < count; i++)
        jl_copy(f, first + i, g->stream->names.items[i - 1]->slot);
    jl_emit(f, OP_JX_TUPLE, OPERANDS(g->list, first, count));
    f->top = top;
}

// The names get the values of a tuple; its context goes to `at`.
static void load_tuple(struct function *f, const struct stream *s, uint32_t tuple, uint32_t at) {
    jl_emit(f, OP_JX_UNTUPLE, OPERANDS(at, tuple, 0));
    for (size_t i = 0; i < s->names.count; i++)
        jl_emit(f, OP_JX_UNTUPLE, OPERANDS(s->names.items[i]->slot, tuple, (uint32_t)i + 1));
}

static struct loop tuples_begin(struct function *f, const struct stream *s, uint32_t list, uint32_t how, uint32_t *at) {
    struct loop l = jl_loop_begin(f, list, how);
    *at = jl_temporary(f);
    load_tuple(f, s, l.item, *at);
    return l;
}

static void filter_tuples(struct function *f, const struct stream *s, uint32_t list, const node *filter) {
    uint32_t top = f->top, kept = jl_temporaries(f, 2), at;
    jl_emit(f, OP_JX_RESET, OPERANDS(kept));
    struct loop l = tuples_begin(f, s, list, 0, &at);
    uint32_t p = jl_value(f, filter, at, NONE);
    jl_emit(f, OP_JX_SELECT, OPERANDS(kept, l.item, p, l.iterator, l.iterator + 1));
    jl_loop_end(f, &l);
    jl_emit(f, OP_JX_KEPT, OPERANDS(list, kept, AS_STAGE));
    f->top = top;
}

static void apply_stages(struct function *f, const struct stream *s, uint32_t list, const node *step, size_t from) {
    for (size_t i = from; i < step->stages.count; i++) {
        if (step->stages.items[i].filter)
            filter_tuples(f, s, list, step->stages.items[i].filter);
        else
            jl_emit(f, OP_JX_TUPLES_INDEX, OPERANDS(list, place_in_tuple(s, step->stages.items[i].index)));
    }
}

static void each_of_list(struct stream *s, uint32_t list, each_tuple *next, void *arg) {
    struct function *f = s->function;
    uint32_t at;
    struct loop l = tuples_begin(f, s, list, 0, &at);
    next(f, at, arg);
    jl_loop_end(f, &l);
}

// ---------------------------------------------------------------- steps

struct step_arg {
    struct stream *stream;
    uint32_t position; /* of the step, which the tuples that come in go through */
    each_tuple *next;
    void *arg;
    size_t fused; /* stages that are tests inside the loop */
};

static void produce(struct stream *s, uint32_t position, each_tuple *next, void *arg);

// A tuple has come out of the step: tests, then whoever is next.
static void out_of_step(struct function *f, struct step_arg *a, uint32_t at, uint32_t otherwise) {
    const node *step = a->stream->path->path.steps.items[a->position];
    for (size_t i = 0; i < a->fused; i++) {
        uint32_t yes = jl_new_block(f, "match");
        jl_condition(f, step->stages.items[i].filter, at, yes, otherwise);
        jl_continue_at(f, yes);
    }
    a->next(f, at, a->arg);
}

static void out_of_nested(struct function *f, uint32_t at, void *arg) {
    struct step_arg *a = arg;
    uint32_t skip = jl_new_block(f, "next"), top = f->top;
    out_of_step(f, a, at, skip);
    jl_go_to(f, skip);
    f->top = top;
}

static void run_nested(struct function *f, struct stream *outer, const node *n, uint32_t at, uint32_t begun, each_tuple *next, void *arg);

static void into_step(struct function *f, uint32_t at, void *arg) {
    struct step_arg *a = arg;
    struct stream *s = a->stream;
    const node *step = s->path->path.steps.items[a->position];
    uint32_t top = f->top;
    if (nested_stream(step) && step->predicates.count) {
        uint32_t list = jl_temporary(f);
        struct gathering g = {s, list};
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(list));
        uint32_t begun = jl_temporary(f), nothing = jl_new_block(f, "nothing"), filtered = jl_new_block(f, "filtered");
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(begun));
        run_nested(f, s, step, at, begun, gather_tuple, &g);
        jl_emit(f, OP_JX_EXISTS, OPERANDS(begun)); // what is nothing before it is a stream is asked, and may fail
        jl_branch(f, filtered, nothing);
        jl_continue_at(f, nothing);
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(begun));
        jl_value(f, step->predicates.items[0].filter, begun, jl_temporary(f));
        jl_go_to(f, filtered);
        for (size_t i = 0; i < step->predicates.count; i++)
            filter_tuples(f, s, list, step->predicates.items[i].filter);
        each_of_list(s, list, out_of_nested, a);
        f->top = top;
        return;
    }
    if (nested_stream(step)) {
        run_nested(f, s, step, at, NONE, out_of_nested, a);
        f->top = top;
        return;
    }
    uint32_t operand = jl_value(f, step, at, NONE);
    struct loop l = jl_loop_begin(f, operand, 0);
    if (step->ancestor)
        jl_copy(f, slot_of(f, jl_label_name(f->compiler->arena, step->ancestor)), at);
    if (step->index.data)
        jl_emit(f, OP_JX_SUBTRACT, OPERANDS(slot_of(f, step->index), l.iterator + 1, jl_constant(f, "1"), 0));
    uint32_t now = l.item;
    if (step->focus.data) {
        jl_copy(f, slot_of(f, step->focus), l.item);
        now = at;
    }
    out_of_step(f, a, now, l.head);
    jl_loop_end(f, &l);
    f->top = top;
}

static void run_nested(struct function *f, struct stream *outer, const node *n, uint32_t at, uint32_t begun, each_tuple *next, void *arg) {
    if (n->kind == JSONATA_BLOCK) {
        uint32_t top = f->top;
        jl_scope_open(f);
        jl_scope_declare(f, &n->list, at, true);
        for (size_t i = 0; i + 1 < n->list.count; i++)
            jl_value(f, n->list.items[i], at, NONE);
        run_nested(f, outer, n->list.items[n->list.count - 1], at, begun, next, arg);
        jl_scope_close(f);
        f->top = top;
        return;
    }
    struct stream s = {.outer = outer, .function = f, .path = n, .context = at, .begun = begun};
    while (!n->path.steps.items[s.first]->tuple)
        s.first++;
    produce(&s, (uint32_t)n->path.steps.count, next, arg);
}

// A filter that is a test and nothing else can stand inside the loop.
static size_t fusable_stages(struct function *f, const node *step) {
    size_t n = 0;
    while (n < step->stages.count && step->stages.items[n].filter && jl_is_boolean(f, step->stages.items[n].filter))
        n++;
    return n;
}

static void sort_tuples(struct stream *s, uint32_t position, each_tuple *next, void *arg) {
    struct function *f = s->function;
    const node *step = s->path->path.steps.items[position];
    uint32_t list = jl_temporary(f), at;
    if (position == s->first) { // nothing has bound anything yet: its input is a list
        uint32_t how, items = start_of(s, &how);
        uint32_t result = jl_sorted(f, step, items, how, NONE);
        struct gathering g = {s, list};
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(list));
        struct loop l = jl_loop_begin(f, result, how);
        if (step->index.data)
            jl_emit(f, OP_JX_SUBTRACT, OPERANDS(slot_of(f, step->index), l.iterator + 1, jl_constant(f, "1"), 0));
        if (step->stages.count == 0) {
            next(f, l.item, arg);
            jl_loop_end(f, &l);
            return;
        }
        gather_tuple(f, l.item, &g);
        jl_loop_end(f, &l);
    } else {
        struct gathering g = {s, list};
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(list));
        produce(s, position, gather_tuple, &g);
        uint32_t keys = jl_temporary(f);
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(keys));
        struct loop l = tuples_begin(f, s, list, 32, &at);
        uint32_t descending = jl_sort_keys(f, step, at, keys);
        jl_loop_end(f, &l);
        jl_emit(f, OP_JX_SORT, OPERANDS(list, list, keys, descending, step->position));
    }
    apply_stages(f, s, list, step, 0);
    each_of_list(s, list, next, arg);
}

static void begin(struct stream *s) {
    if (s->begun != NONE)
        jl_copy(s->function, s->begun, jl_constant(s->function, "true"));
}

/* Emits the loops over the tuples that the steps before `position` give, and `next` in the innermost. */
static void produce(struct stream *s, uint32_t position, each_tuple *next, void *arg) {
    struct function *f = s->function;
    uint32_t top = f->top;
    if (position == s->first) {
        if (position == 0 && s->path->path.steps.items[0]->kind == JSONATA_VARIABLE) {
            begin(s);
            next(f, s->context, arg); // a variable is read once, whatever the context is
            return;
        }
        uint32_t how, list = start_of(s, &how);
        struct loop l = jl_loop_begin(f, list, how);
        begin(s);
        next(f, l.item, arg);
        jl_loop_end(f, &l);
        f->top = top;
        return;
    }
    const node *step = s->path->path.steps.items[position - 1];
    if (step->kind == JSONATA_SORT) {
        sort_tuples(s, position - 1, next, arg);
        f->top = top;
        return;
    }
    size_t fused = fusable_stages(f, step);
    if (fused == step->stages.count) {
        struct step_arg a = {s, position - 1, next, arg, fused};
        produce(s, position - 1, into_step, &a);
        f->top = top;
        return;
    }
    uint32_t list = jl_temporary(f);
    struct gathering g = {s, list};
    struct step_arg a = {s, position - 1, gather_tuple, &g, fused};
    jl_emit(f, OP_JX_UNDEFINED, OPERANDS(list));
    produce(s, position - 1, into_step, &a);
    apply_stages(f, s, list, step, fused);
    each_of_list(s, list, next, arg);
    f->top = top;
}

// ---------------------------------------------------------------- the path as a value

static bool keeps_singleton(const node *path) {
    bool keep = path->path.keep_singleton || path->keep_array;
    for (size_t i = 0; i < path->path.steps.count; i++)
        keep = keep || path->path.steps.items[i]->keep_array;
    return keep;
}

// A tuple whose context is nothing is one all the same: nope[[0, 0]].(1)@$v has two.
static void keep_context(struct function *f, uint32_t at, void *arg) { jl_emit(f, OP_JX_MATCH, OPERANDS(*(uint32_t *)arg, at)); }

static void group_tuples(struct function *f, struct stream *s, uint32_t want) {
    const struct jsonata_pairs *pairs = s->path->group;
    uint32_t list = jl_temporary(f), groups = jl_temporaries(f, 2), object = jl_temporary(f), at;
    struct gathering g = {s, list};
    jl_emit(f, OP_JX_UNDEFINED, OPERANDS(list));
    produce(s, (uint32_t)s->path->path.steps.count, gather_tuple, &g);
    jl_emit(f, OP_JX_RESET, OPERANDS(groups));
    struct loop l = tuples_begin(f, s, list, 0, &at);
    for (size_t i = 0; i < pairs->count; i++) {
        uint32_t before = f->top;
        jl_emit(f, OP_JX_GROUP_KEY, OPERANDS(groups, jl_value(f, pairs->items[i].key, at, NONE), l.item, (uint32_t)i, pairs->position));
        f->top = before;
    }
    jl_loop_end(f, &l);
    jl_emit(f, OP_JX_GROUP_ORDER, OPERANDS(groups));
    f->top = object + 1;
    uint32_t key = jl_temporaries(f, 2), merged = jl_temporary(f), context = jl_temporary(f);
    uint32_t head = jl_new_block(f, "group"), body = jl_new_block(f, "group.value"), done = jl_new_block(f, "group.done");
    jl_emit(f, OP_JX_UNDEFINED, OPERANDS(object));
    jl_go_to(f, head);
    jl_emit(f, OP_JX_GROUP_NEXT, OPERANDS(key, groups));
    jl_branch(f, body, done);
    jl_continue_at(f, body);
    jl_emit(f, OP_JX_MERGE_TUPLES, OPERANDS(merged, key + 1));
    load_tuple(f, s, merged, context);
    jl_group_values(f, pairs, groups, object, key, context, head);
    jl_continue_at(f, done);
    jl_emit(f, OP_JX_PUT, OPERANDS(object, jl_constant(f, "\"\""), NONE));
    jl_copy(f, want, object);
}

/* A path that ends before its stream begins is an ordinary one: its group has one item that is nothing, and its value may
   be the empty array constructor from which it starts. Such a value goes to d, and control to the block that is returned. */
static uint32_t ended_early(struct function *f, struct stream *s, uint32_t d) {
    const node *path = s->path, *first = path->path.steps.items[0];
    if (s->first == 0 || !(path->group || ((first->kind == JSONATA_ARRAY || first->kind == JSONATA_BLOCK) && first->cons)))
        return NONE;
    uint32_t some = jl_new_block(f, "some"), none = jl_new_block(f, "none"), end = jl_new_block(f, "ended");
    s->list = start_of(s, &s->how);
    s->listed = true;
    uint32_t iterator = jl_temporaries(f, 2), item = jl_temporary(f);
    jl_emit(f, OP_JX_ITERATE, OPERANDS(iterator, jl_in_slot(f, s->list), s->how));
    jl_emit(f, OP_JX_NEXT, OPERANDS(item, iterator));
    jl_branch(f, some, none);
    jl_continue_at(f, none);
    jl_emit(f, OP_JX_UNDEFINED, OPERANDS(item)); // what jx_next leaves alone may be anything
    if (path->group) {
        jl_object_value(f, path->group, item, d);
    } else {
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(d));
        jl_emit(f, OP_JX_UNLESS_EMPTY, OPERANDS(d, s->list, keeps_singleton(path)));
    }
    jl_jump(f, end);
    jl_continue_at(f, some);
    return end;
}

uint32_t jl_stream_value(struct function *f, const node *path, uint32_t context, uint32_t want) {
    uint32_t d = want == NONE ? jl_temporary(f) : want, top = f->top;
    struct stream s = {.function = f, .path = path, .context = context, .begun = NONE};
    while (!path->path.steps.items[s.first]->tuple)
        s.first++;
    jl_scope_open(f);
    add_names(&s, path);
    uint32_t end = ended_early(f, &s, d);
    if (path->group) {
        group_tuples(f, &s, d);
    } else {
        uint32_t kept = jl_temporaries(f, 2);
        jl_emit(f, OP_JX_RESET, OPERANDS(kept));
        produce(&s, (uint32_t)path->path.steps.count, keep_context, &kept);
        jl_emit(f, OP_JX_KEPT, OPERANDS(d, kept, keeps_singleton(path) ? AS_KEPT : AS_NODE));
    }
    if (end != NONE)
        jl_go_to(f, end);
    jl_scope_close(f);
    f->top = top;
    return d;
}
