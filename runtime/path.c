// JSONPath as Jayway's library reads it, which is what the service's definitions are written for, with the variations
// that were recorded (jsonpath-and-intrinsics.md 2 to 5).
//
// A path is a row of steps. Names and indexes are walked down directly, and nearly all paths have no others. Any other step
// gives a list of nodes; the names and indexes behind it are walked from each as it is found. The next such step goes over
// that list, so that nothing here recurses over a document:
//
//     $.a[*].b        root ─ name a ─► a ─ all, name b ─► [a0.b, a2.b]
//     $..[?(@.x>1)]   root ─ scan ─► [every object and array, parents first] ─ filter ─► […]
//
// Where a node has not what a step asks for, it just leaves the list: only definite paths can miss. Like Jayway, and
// unlike what the grammar suggests, several names at the end of a path make one object of them
// (`$.[*].['bucket', 'key']`); in the middle of a path they are alternatives.
//
// path_parse.c reads the text; here paths are evaluated.
#include <inttypes.h>
#include <string.h>

#include "path_private.h"
#include "query.h"
#include "value_private.h"

// Steps such as `..` on `..` list a node once for every way that leads to it. Lists longer than this, and evaluations
// that look at more nodes, find nothing: asl_path_missing says why.
enum { MAX_NODES = 1 << 24, MAX_WORK = 1 << 26 };

// ---------------------------------------------------------------- memory

static void filter_free(struct filter *filter);

static void operand_free(struct operand *o) {
    asl_path_free(o->path);
    asl_release(o->value);
    asl__regex_free(o->regex);
}

static void filter_free(struct filter *filter) {
    while (filter) {
        struct filter *next = filter->next;
        filter_free(filter->first);
        operand_free(&filter->left);
        operand_free(&filter->right);
        asl_free(filter);
        filter = next;
    }
}

static void step_free(struct step *s) {
    switch (s->kind) {
    case STEP_NAME:
        asl_text_release(s->u.name);
        if (s->seen) asl_text_release(s->seen);
        break;
    case STEP_NAMES:
        for (size_t i = 0; i < s->u.names.count; i++) asl_text_release(s->u.names.items[i]);
        asl_free(s->u.names.items);
        break;
    case STEP_INDEXES: asl_free(s->u.indexes.items); break;
    case STEP_FILTER: filter_free(s->u.filter.test); break;
    case STEP_INDEX: case STEP_SLICE: case STEP_ALL: case STEP_SCAN: case STEP_LENGTH: break;
    }
}

void asl_path_free(asl_path *path) {
    if (!path) return;
    for (size_t i = 0; i < path->count; i++) step_free(&path->steps[i]);
    asl_free(path->steps);
    if (path->text) asl_text_release(path->text);
    asl_free(path);
}

asl_str asl_path_text(const asl_path *path) { return (asl_str){path->text->bytes, path->text->size}; }
asl_path_root asl_path_root_of(const asl_path *path) { return path->root; }
asl_str asl_path_variable(const asl_path *path) { return (asl_str){path->text->bytes + 1, path->variable_size}; }
size_t asl_path_steps(const asl_path *path) { return path->count; }
bool asl_path_step(const asl_path *path, size_t i, asl_str *name, int64_t *index) {
    const struct step *s = &path->steps[i];
    *name = s->kind == STEP_NAME ? (asl_str){s->u.name->bytes, s->u.name->size} : (asl_str){NULL, 0};
    *index = s->kind == STEP_INDEX ? s->u.index : 0;
    return s->kind == STEP_NAME || s->kind == STEP_INDEX;
}
bool asl_path_definite(const asl_path *path) { return path->definite; }
bool asl_path_reference(const asl_path *path) { return path->reference; }

// ---------------------------------------------------------------- evaluation

struct eval {
    const asl_value *root;
    asl_value *roots; // of the filter being applied: ASL_NONE not evaluated or missing
    bool *roots_known;
    size_t work;
    bool exceeded;
};

// Twice the room for what is in `local` until that is full.
static void *more_room(void *items, const void *local, size_t *capacity, size_t each) {
    void *more = asl_realloc(items == local ? NULL : items, 2 * *capacity * each);
    if (items == local) memcpy(more, local, *capacity * each);
    *capacity *= 2;
    return more;
}

struct nodes {
    const asl_value **items;
    size_t count, capacity;
    const asl_value *local[16];
};

static void nodes_begin(struct nodes *n) {
    n->items = n->local;
    n->count = 0;
    n->capacity = sizeof n->local / sizeof *n->local;
}

static void nodes_add(struct nodes *n, const asl_value *v) {
    if (n->count == n->capacity) n->items = more_room(n->items, n->local, &n->capacity, sizeof *n->items);
    n->items[n->count++] = v;
}

static void nodes_free(struct nodes *n) {
    if (n->items != n->local) asl_free(n->items);
}

static const asl_value *find_member(const asl_value *v, const asl_text *name) {
    return v->tag == ASL_OBJECT ? asl_object_get_key(v, name) : NULL;
}

static const asl_value *member(const asl_value *v, struct step *s) {
    if (v->tag != ASL_OBJECT) return NULL;
    asl_object *o = v->object;
    if (s->place < o->head.count && o->entries[s->place].key == s->seen) return &o->entries[s->place].value;
    struct asl__entry *e = asl__object_find(o, s->u.name);
    if (!e) return NULL;
    s->place = (uint32_t)(e - o->entries);
    if (s->seen) asl_text_release(s->seen);
    s->seen = asl_text_retain(e->key);
    return &e->value;
}

static const asl_value *element(const asl_value *v, int64_t index) {
    if (v->tag != ASL_ARRAY) return NULL;
    int64_t count = (int64_t)asl_array_count(v);
    if (index < 0) index += count;
    return index >= 0 && index < count ? asl_array_at(v, (size_t)index) : NULL;
}

static inline bool is_direct(const struct step *s) { return s->kind == STEP_NAME || s->kind == STEP_INDEX; }

// What a name or an index leads to, or NULL.
static inline const asl_value *child(const asl_value *v, struct step *s) {
    return s->kind == STEP_NAME ? member(v, s) : element(v, s->u.index);
}

// Follows the names and indexes of a path from step *at on. Stops before the first step that is something else, or that
// finds nothing (then the result is NULL); *at is its number.
static const asl_value *walk(const asl_path *path, const asl_value *from, size_t *at) {
    const asl_value *v = from;
    size_t i = *at;
    for (; i < path->count; i++) {
        struct step *s = &path->steps[i];
        if (!is_direct(s)) break;
        const asl_value *next = child(v, s);
        *at = i;
        if (!next) return NULL;
        v = next;
    }
    *at = i;
    return v;
}

// Where the nodes that a step gives go: down the names and indexes behind it, and then to a list, or to the result.
struct sink {
    struct step *from, *to;
    struct nodes *list; // or NULL
    asl_value result;
    size_t given;
};

static inline void give(struct eval *e, struct sink *sink, const asl_value *v) {
    if (++e->work > MAX_WORK || sink->given++ == MAX_NODES) {
        e->exceeded = true;
        return;
    }
    for (struct step *s = sink->from; s < sink->to; s++) {
        e->work += 2;
        if (!(v = child(v, s))) return;
    }
    if (sink->list) nodes_add(sink->list, v);
    else asl__push(&sink->result, asl__keep(*v));
}

// The values in an array or object that have not been looked at: so many bytes from each other.
struct children {
    const char *next, *end;
    size_t apart;
};

static struct children children_of(const asl_value *v) {
    const char *first = "";
    size_t apart = sizeof(asl_value), count = 0;
    if (v->tag == ASL_ARRAY) {
        first = (const char *)v->array->items;
        count = v->array->head.count;
    } else if (v->tag == ASL_OBJECT) {
        first = (const char *)v->object->entries + offsetof(struct asl__entry, value);
        apart = sizeof(struct asl__entry);
        count = v->object->head.count;
    }
    return (struct children){first, first + count * apart, apart};
}

static inline const asl_value *next_child(struct children *c) {
    const char *child = c->next;
    c->next += c->apart;
    return (const asl_value *)(const void *)child;
}

static void all_children(struct eval *e, const asl_value *v, struct sink *out) {
    for (struct children c = children_of(v); c.next != c.end && !e->exceeded;) give(e, out, next_child(&c));
}

// How many elements from which one on.
static size_t slice_of(const struct step *s, const asl_value *v, size_t *first) {
    if (v->tag != ASL_ARRAY) return 0;
    int64_t count = (int64_t)asl_array_count(v);
    int64_t from = s->u.slice.has_from ? s->u.slice.from : 0, to = s->u.slice.has_to ? s->u.slice.to : count;
    if (from < 0) from = from + count < 0 ? 0 : from + count;
    if (to < 0) to += count;
    if (to > count) to = count;
    *first = (size_t)from;
    return from < to ? (size_t)(to - from) : 0;
}

static void slice(struct eval *e, const struct step *s, const asl_value *v, struct sink *out) {
    size_t first, count = slice_of(s, v, &first);
    for (size_t i = 0; i < count && !e->exceeded; i++) give(e, out, asl_array_at(v, first + i));
}

static bool is_container(const asl_value *v) { return v->tag == ASL_ARRAY || v->tag == ASL_OBJECT; }

// v and every object and array below it, each before what it holds. The stack is our own: documents may be deep.
static void scan(struct eval *e, const asl_value *v, struct sink *out) {
    struct children local[32], *stack = local;
    size_t depth = 0, capacity = sizeof local / sizeof *local;
    while (v && !e->exceeded) {
        if (is_container(v)) {
            give(e, out, v);
            if (depth == capacity) stack = more_room(stack, local, &capacity, sizeof *stack);
            stack[depth++] = children_of(v);
        }
        for (v = NULL; depth > 0 && !v;) { // the next container in document order
            struct children *c = &stack[depth - 1];
            while (!v && c->next != c->end) {
                const asl_value *child_value = next_child(c);
                if (is_container(child_value)) v = child_value;
            }
            if (!v) depth--;
        }
    }
    if (stack != local) asl_free(stack);
}

static bool passes(struct eval *e, const struct filter *f, const asl_value *item);

// A filter tests the elements of an array; an object is tested itself (as Jayway does). After a scan, every container
// comes by on its own, so only itself is tested, or elements would be listed twice.
static void apply_filter(struct eval *e, const struct step *s, const struct nodes *in, bool scanned, struct sink *out) {
    asl_value *outer_roots = e->roots;
    bool *outer_known = e->roots_known;
    size_t roots = s->u.filter.roots;
    e->roots = roots ? asl_calloc(roots, sizeof *e->roots) : NULL;
    e->roots_known = roots ? asl_calloc(roots, sizeof *e->roots_known) : NULL;
    for (size_t n = 0; n < in->count && !e->exceeded; n++) {
        const asl_value *v = in->items[n];
        if (v->tag == ASL_OBJECT || scanned) {
            if (passes(e, s->u.filter.test, v)) give(e, out, v);
            continue;
        }
        size_t count = v->tag == ASL_ARRAY ? asl_array_count(v) : 0;
        for (size_t i = 0; i < count && !e->exceeded; i++)
            if (passes(e, s->u.filter.test, asl_array_at(v, i))) give(e, out, asl_array_at(v, i));
    }
    for (size_t i = 0; i < roots; i++) asl_release(e->roots[i]);
    asl_free(e->roots);
    asl_free(e->roots_known);
    e->roots = outer_roots;
    e->roots_known = outer_known;
}

static void apply(struct eval *e, const struct step *s, const struct nodes *in, bool scanned, struct sink *out) {
    if (s->kind == STEP_FILTER) {
        apply_filter(e, s, in, scanned, out);
        return;
    }
    for (size_t n = 0; n < in->count && !e->exceeded; n++) {
        const asl_value *v = in->items[n], *hit;
        switch (s->kind) {
        case STEP_NAMES:
            for (size_t i = 0; i < s->u.names.count; i++)
                if ((hit = find_member(v, s->u.names.items[i]))) give(e, out, hit);
            break;
        case STEP_INDEXES:
            for (size_t i = 0; i < s->u.indexes.count; i++)
                if ((hit = element(v, s->u.indexes.items[i]))) give(e, out, hit);
            break;
        case STEP_SLICE: slice(e, s, v, out); break;
        case STEP_ALL: all_children(e, v, out); break;
        case STEP_SCAN: scan(e, v, out); break;
        case STEP_FILTER: case STEP_NAME: case STEP_INDEX: case STEP_LENGTH: break;
        }
        if (++e->work > MAX_WORK) e->exceeded = true;
    }
}

// Several names at the end of a path: one object with those of them that v has. After a scan, v must have them all.
static asl_value pick(const struct step *s, const asl_value *v, bool scanned) {
    if (v->tag != ASL_OBJECT) return asl_none();
    asl_value picked = asl_object_new(s->u.names.count);
    for (size_t i = 0; i < s->u.names.count; i++) {
        const asl_value *hit = find_member(v, s->u.names.items[i]);
        if (hit) picked = asl_object_set(picked, s->u.names.items[i], asl_retain(*hit));
        else if (scanned) {
            asl_release(picked);
            return asl_none();
        }
    }
    return picked;
}

static asl_value length_of(const asl_value *v) {
    if (v->tag == ASL_ARRAY) return asl_int((int64_t)asl_array_count(v));
    if (v->tag == ASL_OBJECT) return asl_int((int64_t)asl_object_count(v));
    return asl_none();
}

// The last step, when it is no list of nodes that it gives.
static asl_value finish(const asl_path *path, const struct nodes *now, bool scanned, bool several) {
    const struct step *s = &path->steps[path->count - 1];
    if (s->kind == STEP_LENGTH)
        return several ? asl_int((int64_t)now->count) : now->count > 0 ? length_of(now->items[0]) : asl_none();
    if (path->definite) return now->count > 0 ? pick(s, now->items[0], scanned) : asl_none();
    asl_value result = asl_array_new(now->count);
    for (size_t n = 0; n < now->count; n++) {
        asl_value picked = pick(s, now->items[n], scanned);
        if (picked.tag != ASL_NONE) asl__push(&result, picked);
    }
    return result;
}

// About how many nodes a step will give.
static size_t expected(const struct step *s, const struct nodes *now) {
    size_t first;
    if (now->count != 1) return now->count;
    if (s->kind == STEP_SLICE) return slice_of(s, now->items[0], &first);
    struct children c = children_of(now->items[0]);
    return s->kind == STEP_ALL ? (size_t)(c.end - c.next) / c.apart : 1;
}

// The steps from `first` on, which is no name or index, beginning at one node.
static asl_value collect(struct eval *e, const asl_path *path, size_t first, const asl_value *from) {
    struct nodes lists[2], *now = &lists[0], *next = &lists[1];
    nodes_begin(now);
    nodes_begin(next);
    nodes_add(now, from);
    bool scanned = false;
    asl_value result = asl_none();
    for (size_t i = first; i < path->count && !e->exceeded;) {
        struct step *s = &path->steps[i];
        if (s->kind == STEP_LENGTH || (s->kind == STEP_NAMES && i + 1 == path->count)) {
            result = finish(path, now, scanned, i > first);
            break;
        }
        size_t to = i + 1;
        while (to < path->count && is_direct(&path->steps[to])) to++;
        bool last = to == path->count;
        struct sink sink = {.from = s + 1, .to = &path->steps[to], .list = last ? NULL : next};
        if (last) sink.result = asl_array_new(expected(s, now));
        next->count = 0;
        apply(e, s, now, scanned, &sink);
        struct nodes *swap = now;
        now = next, next = swap;
        scanned = s->kind == STEP_SCAN && to == i + 1;
        result = sink.result;
        i = to;
    }
    nodes_free(now);
    nodes_free(next);
    if (!e->exceeded) return result;
    asl_release(result);
    return asl_none();
}

static asl_value evaluate_from(struct eval *e, const asl_path *path, size_t step, const asl_value *from) {
    size_t at = step;
    const asl_value *v = walk(path, from, &at);
    if (path->direct) return v ? asl_retain(*v) : asl_none();
    if (!v) return path->definite ? asl_none() : asl_array_new(0);
    return collect(e, path, at, v);
}

static asl_value evaluate(struct eval *e, const asl_path *path, const asl_value *from) { return evaluate_from(e, path, 0, from); }

asl_value asl__path_get_from(const asl_path *path, size_t step, const asl_value *from) {
    struct eval e = {.root = NULL};
    return evaluate_from(&e, path, step, from);
}

asl_value asl_path_get(const asl_path *path, const asl_value *root) {
    struct eval e = {.root = root};
    return evaluate(&e, path, root);
}

// ---------------------------------------------------------------- evaluating filters

// The operand's value, or NULL when its path finds nothing. What had to be made is in *made, to be released.
static const asl_value *operand_value(struct eval *e, const struct operand *o, const asl_value *item, asl_value *made) {
    *made = asl_none();
    if (++e->work > MAX_WORK) e->exceeded = true;
    if (o->kind == OPERAND_VALUE) return &o->value;
    if (o->kind == OPERAND_ITEM && o->path->direct) {
        size_t at = 0;
        return walk(o->path, item, &at);
    }
    if (o->kind == OPERAND_ITEM) {
        *made = evaluate(e, o->path, item);
        return made->tag == ASL_NONE ? NULL : made;
    }
    if (o->kind != OPERAND_ROOT) return NULL;
    if (!e->roots_known[o->root_number]) {
        asl_value v = evaluate(e, o->path, e->root);
        e->roots[o->root_number] = v;
        e->roots_known[o->root_number] = true;
    }
    const asl_value *v = &e->roots[o->root_number];
    return v->tag == ASL_NONE ? NULL : v;
}

static asl_str as_text(const asl_value *v, asl_buffer *b) { // of a string, number or boolean
    if (v->tag == ASL_STRING) return asl_text_of(v);
    asl_json_print(v, b);
    return (asl_str){b->size ? b->data : "", b->size};
}

// As Jayway compares: a number with a string by the left one's kind, everything else by value.
static bool loosely_equal(const asl_value *a, const asl_value *b) {
    if (asl_is_number(a) && b->tag == ASL_STRING) {
        asl_value number;
        if (asl_json_parse(asl_text_of(b), NULL, &number, NULL) != 0) return false;
        bool equal = asl_is_number(&number) && asl_number_compare(a, &number) == 0;
        asl_release(number);
        return equal;
    }
    if (a->tag == ASL_STRING && asl_is_number(b)) {
        asl_buffer text = {0};
        bool equal = asl_str_equal(asl_text_of(a), as_text(b, &text));
        asl_buffer_free(&text);
        return equal;
    }
    return asl__equal(a, b);
}

static bool has(const asl_value *list, const asl_value *v) {
    for (size_t i = 0; i < asl_array_count(list); i++)
        if (loosely_equal(v, asl_array_at(list, i))) return true;
    return false;
}

static size_t count_in(const asl_value *list, const asl_value *wanted) {
    size_t n = 0;
    for (size_t i = 0; i < asl_array_count(wanted); i++) n += has(list, asl_array_at(wanted, i));
    return n;
}

static bool ordered(enum comparison comparison, const asl_value *a, const asl_value *b) {
    int order;
    if (a->tag == ASL_INT && b->tag == ASL_INT) order = (a->i > b->i) - (a->i < b->i);
    else if (asl_is_number(a) && asl_is_number(b)) order = asl_number_compare(a, b);
    else if (a->tag == ASL_STRING && b->tag == ASL_STRING) order = asl_string_compare(asl_text_of(a), asl_text_of(b));
    else return false;
    if (comparison == LESS) return order < 0;
    if (comparison == LESS_EQUAL) return order <= 0;
    return comparison == GREATER ? order > 0 : order >= 0;
}

static bool contains(const asl_value *a, const asl_value *b) {
    if (a->tag == ASL_ARRAY) return has(a, b);
    if (a->tag != ASL_STRING || b->tag != ASL_STRING) return false;
    asl_str text = asl_text_of(a), part = asl_text_of(b);
    return part.size == 0 || (text.size >= part.size && memmem(text.data, text.size, part.data, part.size) != NULL);
}

static int64_t size_of(const asl_value *v) { // -1: has none
    if (v->tag == ASL_STRING) return (int64_t)asl_text_of(v).size;
    return is_container(v) ? length_of(v).i : -1;
}

// Both sides are there.
static bool compare(enum comparison comparison, const asl_value *a, const asl_value *b) {
    bool arrays = a->tag == ASL_ARRAY && b->tag == ASL_ARRAY;
    int64_t n;
    switch (comparison) {
    case EQUAL: return loosely_equal(a, b);
    case NOT_EQUAL: return !loosely_equal(a, b);
    case LESS: case LESS_EQUAL: case GREATER: case GREATER_EQUAL: return ordered(comparison, a, b);
    case IN: return b->tag == ASL_ARRAY && has(b, a);
    case NOT_IN: return !(b->tag == ASL_ARRAY && has(b, a));
    case CONTAINS: return contains(a, b);
    case SUBSET_OF: return arrays && count_in(b, a) == asl_array_count(a);
    case ANY_OF: return arrays && count_in(b, a) > 0;
    case NONE_OF: return arrays && count_in(b, a) == 0;
    case SIZE: return asl_is_number(b) && asl_number_as_int(b, &n) && size_of(a) == n;
    case EMPTY: return size_of(a) >= 0 && b->tag == ASL_BOOL && (size_of(a) == 0) == b->b;
    case MATCHES: break;
    }
    return false;
}

static bool regex_test(const struct asl__regex *regex, const asl_value *v) {
    if (v->tag != ASL_STRING && v->tag != ASL_BOOL && !asl_is_number(v)) return false;
    asl_buffer text = {0};
    bool matches = asl__regex_matches(regex, as_text(v, &text));
    asl_buffer_free(&text);
    return matches;
}

static bool compare_operands(struct eval *e, const struct filter *f, const asl_value *item) {
    asl_value made_left, made_right = asl_none();
    const asl_value *a = operand_value(e, &f->left, item, &made_left);
    bool answer;
    if (f->comparison == MATCHES) {
        answer = a && regex_test(f->right.regex, a);
    } else {
        const asl_value *b = operand_value(e, &f->right, item, &made_right);
        // Something missing equals nothing and is in no list.
        answer = a && b ? compare(f->comparison, a, b) : f->comparison == NOT_EQUAL || f->comparison == NOT_IN;
    }
    asl__drop(made_left);
    asl__drop(made_right);
    return answer;
}

static bool exists(struct eval *e, const struct operand *o, const asl_value *item, bool null_counts) {
    asl_value made;
    const asl_value *v = operand_value(e, o, item, &made);
    bool there = v && (null_counts || v->tag != ASL_NULL);
    if (there && !o->path->definite) there = asl_array_count(v) > 0;
    asl__drop(made);
    return there;
}

static bool passes(struct eval *e, const struct filter *f, const asl_value *item) {
    switch (f->kind) {
    case FILTER_OR:
        for (const struct filter *c = f->first; c; c = c->next)
            if (passes(e, c, item)) return true;
        return false;
    case FILTER_AND:
        for (const struct filter *c = f->first; c; c = c->next)
            if (!passes(e, c, item)) return false;
        return true;
    case FILTER_NOT: return !passes(e, f->first, item);
    case FILTER_EXISTS: return exists(e, &f->left, item, true);
    case FILTER_ABSENT: return !exists(e, &f->left, item, false);
    case FILTER_COMPARE: return compare_operands(e, f, item);
    }
    return false;
}

// ---------------------------------------------------------------- what is missing

static void print_name(const asl_text *name, asl_buffer *out) {
    asl_buffer_byte(out, '\'');
    asl_buffer_add(out, name->bytes, name->size);
    asl_buffer_byte(out, '\'');
}

static void print_step(const struct step *s, asl_buffer *out) {
    switch (s->kind) {
    case STEP_NAME:
        asl_buffer_byte(out, '[');
        print_name(s->u.name, out);
        asl_buffer_byte(out, ']');
        break;
    case STEP_INDEX: asl_buffer_format(out, "[%" PRId64 "]", s->u.index); break;
    case STEP_NAMES:
        for (size_t i = 0; i < s->u.names.count; i++) {
            asl_buffer_byte(out, i ? ',' : '[');
            print_name(s->u.names.items[i], out);
        }
        asl_buffer_byte(out, ']');
        break;
    case STEP_LENGTH: asl_buffer_z(out, ".length()"); break;
    case STEP_INDEXES: case STEP_SLICE: case STEP_ALL: case STEP_SCAN: case STEP_FILTER: break; // never definite
    }
}

void asl_path_missing(const asl_path *path, const asl_value *root, asl_buffer *out) {
    size_t at = 0;
    const asl_value *v = walk(path, root, &at);
    if (!path->definite || (v && at < path->count && path->steps[at].kind != STEP_NAMES && path->steps[at].kind != STEP_LENGTH)) {
        asl_buffer_format(out, "The path selects too many nodes: %s", path->text->bytes);
        return;
    }
    // An index past the end leaves the path without results wherever it stands; a name that is not there is named itself.
    bool middle = !v && at + 1 < path->count && path->steps[at].kind == STEP_NAME;
    size_t count = middle ? at + 1 : path->count;
    asl_buffer_z(out, middle ? "Missing property in path $" : "No results for path: $");
    for (size_t i = 0; i < count; i++) print_step(&path->steps[i], out);
}

bool asl_path_index_past_end(const asl_path *path, const asl_value *root) {
    const asl_value *v = root;
    for (size_t i = 0; path->definite && i < path->count; i++) {
        struct step *s = &path->steps[i];
        if (!is_direct(s)) return false;
        const asl_value *next = child(v, s);
        if (!next) return s->kind == STEP_INDEX && v->tag == ASL_ARRAY;
        v = next;
    }
    return false;
}

// ---------------------------------------------------------------- ResultPath

// Whether a value can be put there: what exists on the way are objects where a name goes on, and arrays long enough
// where an index does. Below the first missing member only names may follow.
static bool can_put(const asl_path *path, const asl_value *document) {
    const asl_value *v = document;
    for (size_t i = 0; i < path->count; i++) {
        const struct step *s = &path->steps[i];
        if (s->kind == STEP_INDEX) {
            if (!v || !(v = element(v, s->u.index))) return false;
        } else if (v) {
            if (v->tag != ASL_OBJECT) return false;
            v = asl_object_get_key(v, s->u.name);
        }
    }
    return true;
}

// Down, making each node the document's own, which copies those that somebody else holds too. Places in a node stay where
// they are while what is in them changes.
asl_value asl_path_put(const asl_path *path, asl_value document, asl_value value) {
    if (!path->reference || !can_put(path, &document)) {
        asl_release(document);
        asl_release(value);
        return asl_none();
    }
    asl_value *at = &document;
    for (size_t i = 0; i < path->count; i++) {
        const struct step *s = &path->steps[i];
        if (at->tag == ASL_NONE) *at = asl_object_new(1); // below the first missing member
        at = s->kind == STEP_NAME ? asl__object_place(at, s->u.name) : asl__array_place(at, (size_t)s->u.index);
    }
    asl_value_set(at, value);
    return document;
}
