// Paths, predicates, order-by, groups (jsonata-language 6, 7, 9).
//
// A path goes step by step: each is a loop over the list that the step before gave, with its body inlined. A run of plain
// names is one op. Lists and accumulators are explained in runtime/jsonata/path.c.
#include "lower.h"

#include <math.h>
#include <string.h>

// ---------------------------------------------------------------- loops

struct loop jl_loop_begin(struct function *f, uint32_t list, uint32_t how) {
    struct loop l = {.iterator = jl_temporaries(f, 2), .item = jl_temporary(f)};
    jl_emit(f, OP_JX_ITERATE, OPERANDS(l.iterator, jl_in_slot(f, list), how));
    l.head = jl_new_block(f, "each");
    uint32_t body = jl_new_block(f, "item");
    l.done = jl_new_block(f, "done");
    jl_go_to(f, l.head);
    jl_emit(f, OP_JX_NEXT, OPERANDS(l.item, l.iterator));
    jl_branch(f, body, l.done);
    jl_continue_at(f, body);
    return l;
}

void jl_loop_end(struct function *f, const struct loop *l) {
    jl_jump(f, l->head);
    jl_continue_at(f, l->done);
}

// ---------------------------------------------------------------- predicates

static uint32_t wanted(struct function *f, uint32_t want) { return want == NONE ? jl_temporary(f) : want; }

static bool is_index(const node *filter, double *number) {
    if (filter->kind != JSONATA_NUMBER || !jl_is_plain(filter))
        return false;
    *number = floor(filter->number);
    return fabs(*number) < 1e9;
}

uint32_t jl_filtered(struct function *f, uint32_t operand, const node *filter, uint32_t want, uint32_t as) {
    uint32_t d = wanted(f, want), top = f->top;
    double number;
    uint32_t kept_as = as & ~OF_LIST;
    if (is_index(filter, &number)) {
        jl_emit(f, OP_JX_INDEX, OPERANDS(d, jl_in_slot(f, operand), (uint32_t)(int32_t)number));
        if (kept_as != AS_STAGE)
            jl_emit(f, OP_JX_NODE, OPERANDS(d, d, kept_as == AS_KEPT ? 2 : 0));
        f->top = top;
        return d;
    }
    uint32_t kept = jl_temporaries(f, 2);
    jl_emit(f, OP_JX_RESET, OPERANDS(kept));
    struct loop l = jl_loop_begin(f, operand, as & OF_LIST ? 0 : 2); // else nothing is one item
    if (jl_is_invariant(f, filter)) { // what it says of the first item it says of all
        uint32_t p = jl_value(f, filter, l.item, NONE);
        jl_emit(f, OP_JX_SELECT_ALL, OPERANDS(kept, p, l.iterator, l.iterator + 1));
        jl_jump(f, l.done);
        jl_continue_at(f, l.done);
        jl_emit(f, OP_JX_KEPT, OPERANDS(d, kept, kept_as));
        f->top = top;
        return d;
    }
    if (jl_is_boolean(f, filter)) {
        uint32_t yes = jl_new_block(f, "keep");
        jl_condition(f, filter, l.item, yes, l.head);
        jl_continue_at(f, yes);
        jl_emit(f, OP_JX_MATCH, OPERANDS(kept, l.item));
    } else {
        uint32_t p = jl_value(f, filter, l.item, NONE);
        jl_emit(f, OP_JX_SELECT, OPERANDS(kept, l.item, p, l.iterator, l.iterator + 1));
    }
    jl_loop_end(f, &l);
    jl_emit(f, OP_JX_KEPT, OPERANDS(d, kept, kept_as));
    f->top = top;
    return d;
}

// ---------------------------------------------------------------- steps

static bool is_plain_name(const node *step) { return step->kind == JSONATA_NAME && step->stages.count == 0; }

enum { LAST = 1, KEEP = 2 };

// A step for one item: its value after its stages.
static uint32_t step_value(struct function *f, const node *step, uint32_t item) {
    uint32_t operand = jl_value(f, step, item, NONE);
    for (size_t i = 0; i < step->stages.count; i++)
        if (step->stages.items[i].filter)
            operand = jl_filtered(f, operand, step->stages.items[i].filter, NONE, AS_STAGE);
    return operand;
}

static void general_step(struct function *f, const node *step, uint32_t list, uint32_t how, uint32_t flags, uint32_t d) {
    uint32_t top = f->top, found = jl_temporaries(f, 2);
    jl_emit(f, OP_JX_RESET, OPERANDS(found));
    struct loop l = jl_loop_begin(f, list, how);
    jl_emit(f, OP_JX_COLLECT, OPERANDS(found, step_value(f, step, l.item)));
    jl_loop_end(f, &l);
    jl_emit(f, OP_JX_FINISH, OPERANDS(d, found, flags));
    f->top = top;
}

// One item only, whatever it is: no loop.
static void single_step(struct function *f, const node *step, uint32_t operand, uint32_t flags, uint32_t d) {
    uint32_t top = f->top, found = jl_temporaries(f, 2);
    jl_emit(f, OP_JX_RESET, OPERANDS(found));
    for (size_t i = 0; i < step->stages.count; i++)
        if (step->stages.items[i].filter)
            operand = jl_filtered(f, operand, step->stages.items[i].filter, NONE, AS_STAGE);
    jl_emit(f, OP_JX_COLLECT, OPERANDS(found, operand));
    jl_emit(f, OP_JX_FINISH, OPERANDS(d, found, flags));
    f->top = top;
}

static uint32_t names_constant(struct function *f, const struct jsonata_list *steps, uint32_t from, uint32_t to) {
    asl_buffer b = {0};
    for (uint32_t i = from; i < to; i++) {
        asl_buffer_byte(&b, i == from ? '[' : ',');
        asl_json_print_string(steps->items[i]->text, &b);
    }
    asl_buffer_byte(&b, ']');
    uint32_t k = ir_const(f->compiler->plan, b.data);
    asl_buffer_free(&b);
    return k;
}

// $states.input is a parameter of its own.
static struct variable *states_member(struct function *f, const struct jsonata_list *steps) {
    if (steps->count < 2 || steps->items[0]->kind != JSONATA_VARIABLE || !jl_same(steps->items[0]->text, "states") ||
        steps->items[0]->stages.count || steps->items[0]->predicates.count || steps->items[1]->kind != JSONATA_NAME)
        return NULL;
    asl_str name = steps->items[1]->text;
    char *text = arena_format(f->compiler->arena, "states.%.*s", (int)name.size, name.data);
    struct variable *own = jl_scope_find(f->scope, ASL_STR("states")), *part = jl_scope_find(f->scope, asl_str_z(text));
    return part && (!own || own->function->is_lambda == false) && (!own || !own->many) ? part : NULL;
}

uint32_t jl_sort_keys(struct function *f, const node *sort, uint32_t context, uint32_t keys) {
    asl_buffer descending = {0};
    for (size_t i = 0; i < sort->sort.count; i++) {
        uint32_t before = f->top;
        jl_emit(f, OP_JX_SORT_KEY, OPERANDS(keys, jl_value(f, sort->sort.terms[i].expression, context, NONE)));
        f->top = before;
        asl_buffer_z(&descending, i ? "," : "[");
        asl_buffer_z(&descending, sort->sort.terms[i].descending ? "true" : "false");
    }
    asl_buffer_byte(&descending, ']');
    uint32_t k = ir_const(f->compiler->plan, descending.data);
    asl_buffer_free(&descending);
    return k;
}

uint32_t jl_sorted(struct function *f, const node *sort, uint32_t list, uint32_t how, uint32_t want) {
    uint32_t d = wanted(f, want), top = f->top, keys = jl_temporary(f), items = jl_temporary(f);
    jl_copy(f, items, list);
    jl_emit(f, OP_JX_UNDEFINED, OPERANDS(keys));
    struct loop l = jl_loop_begin(f, items, how | 32);
    uint32_t descending = jl_sort_keys(f, sort, l.item, keys);
    jl_loop_end(f, &l);
    jl_emit(f, OP_JX_SORT, OPERANDS(d, items, keys, descending, sort->position));
    f->top = top;
    return d;
}

/* Whether n can tell a context from the sequence of it: paths go over its items, and $ makes a node's value of it. */
static bool sees_sequence(struct function *f, const node *n) {
    if (n->kind == JSONATA_ARRAY || n->kind == JSONATA_BLOCK) {
        for (size_t i = 0; i < n->list.count; i++)
            if (sees_sequence(f, n->list.items[i]))
                return true;
        return false;
    }
    if (n->kind == JSONATA_RANGE)
        return sees_sequence(f, n->two.left) || sees_sequence(f, n->two.right);
    if (n->kind == JSONATA_PATH)
        return n->path.steps.items[0]->cons && sees_sequence(f, n->path.steps.items[0]);
    return n->kind != JSONATA_VARIABLE && jl_reads_context(f->compiler, f->scope, n);
}

/* A constructor that a path begins with is evaluated once, in the context of the whole sequence that the path goes over. */
static void constructor(struct function *f, const node *step, uint32_t context, uint32_t want) {
    uint32_t top = f->top, outer = f->wrapped;
    if (sees_sequence(f, step)) {
        uint32_t sequence = jl_temporary(f);
        jl_emit(f, OP_JX_SEQUENCE, OPERANDS(sequence, context));
        f->wrapped = context = sequence;
    }
    jl_value(f, step, context, want);
    f->wrapped = outer;
    f->top = top;
}

/* Lowers the steps from the first up to end; how is what iterating over the result needs. flags are those of the path's
   last step; nothing is finished when end is before it. The result is in d unless it is the first step's own operand. */
static uint32_t steps_value(struct function *f, const node *n, uint32_t end, uint32_t context, uint32_t d, uint32_t *how) {
    const struct jsonata_list *steps = &n->path.steps;
    uint32_t count = (uint32_t)steps->count, i = 0;
    uint32_t list = context; // what the next step iterates over
    *how = 2;                // a context that is nothing is one item
    bool first_variable = false;
    uint32_t start = f->top, top = start, first_list = NONE;
    struct variable *member = states_member(f, steps);
    bool keep = n->path.keep_singleton || n->keep_array;
    if (member && end >= 2) {
        uint32_t slot = jl_variable_slot(f, member);
        i = 2;
        bool last = count == 2;
        if (steps->items[1]->stages.count || last) {
            single_step(f, steps->items[1], slot, last ? LAST | (keep ? KEEP : 0) : 0, d);
            list = d;
        } else {
            list = slot;
        }
        *how = 0;
    }
    while (i < end) {
        const node *step = steps->items[i];
        bool last = i + 1 == count;
        uint32_t flags = last ? LAST | (keep ? KEEP : 0) : 0;
        bool of_array = *how == 8 && (steps->items[0]->predicates.count || steps->items[0]->stages.count || steps->items[0]->kind == JSONATA_BLOCK);
        if (is_plain_name(step) && !of_array) { // what a predicate or a block has taken out of the array may be none, and is no item then
            uint32_t to = i + 1;
            while (to < end && is_plain_name(steps->items[to]))
                to++;
            bool finished = to == count;
            jl_emit(f, OP_JX_NAMES, OPERANDS(d, list, (first_variable ? 1 : 0) | (finished ? 2 : 0) |
                                                       (finished && keep ? 4 : 0),
                                          names_constant(f, steps, i, to)));
            i = to;
        } else if (step->kind == JSONATA_SORT) {
            uint32_t sorting = jl_sorted(f, step, list, *how, NONE);
            for (size_t s = 0; s < step->stages.count; s++)
                if (step->stages.items[s].filter)
                    sorting = jl_filtered(f, sorting, step->stages.items[s].filter, NONE, i ? AS_STAGE | OF_LIST : AS_STAGE);
            if (last)
                jl_emit(f, OP_JX_NODE, OPERANDS(d, sorting, keep ? 2 : 0));
            else
                jl_copy(f, d, sorting);
            f->top = top;
            i++;
        } else if (i == 0 && step->kind == JSONATA_VARIABLE && step->stages.count == 0 && !last) {
            list = jl_in_slot(f, jl_value(f, step, context, NONE)); // its items, without a copy
            first_variable = true;
            *how = 1;
            i++;
            continue;
        } else if (i == 0 && step->kind == JSONATA_VARIABLE) {
            single_step(f, step, jl_in_slot(f, jl_value(f, step, context, NONE)), flags, d);
            i++;
        } else if (i == 0 && (step->kind == JSONATA_ARRAY || step->kind == JSONATA_BLOCK) && step->cons) {
            bool decides = !last && end > 1; // an empty one ends the path and is its value
            if (decides) {
                first_list = jl_temporary(f);
                constructor(f, step, context, first_list);
                top = f->top;
            } else
                constructor(f, step, context, d);
            *how = 8;
            list = decides ? first_list : d;
            i++;
            if (last)
                jl_emit(f, OP_JX_NODE, OPERANDS(d, d, keep));
            first_variable = false;
            continue;
        } else {
            general_step(f, step, list, *how, flags, d);
            i++;
        }
        list = d;
        *how = 0;
        first_variable = false;
    }
    if (first_list != NONE)
        jl_emit(f, OP_JX_UNLESS_EMPTY, OPERANDS(d, first_list, end == count && keep));
    if (list == d)
        f->top = start;
    return list;
}

uint32_t jl_path_list(struct function *f, const node *n, uint32_t end, uint32_t context, uint32_t *how) {
    return steps_value(f, n, end, context, jl_temporary(f), how);
}

uint32_t jl_path_value(struct function *f, const node *n, uint32_t context, uint32_t want) {
    if (jl_is_stream(n))
        return jl_stream_value(f, n, context, want);
    uint32_t d = wanted(f, want), top = f->top, how;
    if (!n->group) {
        uint32_t list = steps_value(f, n, (uint32_t)n->path.steps.count, context, d, &how);
        jl_copy(f, d, list);
        f->top = top;
        return d;
    }
    uint32_t list = steps_value(f, n, (uint32_t)n->path.steps.count, context, jl_temporary(f), &how);
    jl_object_value(f, n->group, list, d);
    f->top = top;
    return d;
}

// ---------------------------------------------------------------- objects and groups

static bool is_constant_key(const node *key) { return key->kind == JSONATA_STRING && jl_is_plain(key); }

static bool index_key(asl_str s, uint64_t *n) {
    if (s.size == 0 || s.size > 10 || (s.size > 1 && s.data[0] == '0'))
        return false;
    *n = 0;
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        *n = *n * 10 + (uint64_t)(s.data[i] - '0');
    }
    return *n < UINT32_MAX;
}

// The order in which JavaScript shows keys: integer-like ones first, ascending.
static void key_order(const struct jsonata_pairs *pairs, uint32_t *order) {
    for (uint32_t i = 0; i < pairs->count; i++) {
        uint64_t n, other;
        uint32_t place = i;
        if (index_key(pairs->items[i].key->text, &n))
            while (place > 0 && !(index_key(pairs->items[order[place - 1]].key->text, &other) && other < n)) {
                order[place] = order[place - 1];
                place--;
            }
        order[place] = i;
    }
}

// A key that another pair has too is refused when the object is made (D1009).
static const node *repeated_key(const struct jsonata_pairs *pairs) {
    for (size_t i = 1; i < pairs->count; i++)
        for (size_t j = 0; j < i; j++)
            if (asl_str_equal(pairs->items[i].key->text, pairs->items[j].key->text))
                return pairs->items[i].key;
    return NULL;
}

enum { MOST_MEMBERS = 256 }; /* of an object that is made at once */

static uint32_t record(struct function *f, const struct jsonata_pairs *pairs, uint32_t items, uint32_t want) {
    uint32_t d = wanted(f, want), top = f->top, count = (uint32_t)pairs->count;
    const node *repeated = repeated_key(pairs);
    if (repeated) {
        asl_buffer b = {0};
        asl_buffer_z(&b, "[\"D1009\",null,");
        asl_json_print_string(repeated->text, &b);
        asl_buffer_byte(&b, ']');
        jl_emit(f, OP_JX_FAIL, OPERANDS(ir_const(f->compiler->plan, b.data), pairs->position));
        asl_buffer_free(&b);
        jl_emit(f, OP_JX_UNDEFINED, OPERANDS(d));
        return d;
    }
    uint32_t *order = arena_alloc(f->compiler->arena, (count + 1) * sizeof *order);
    key_order(pairs, order);
    uint32_t *place = arena_alloc(f->compiler->arena, (count + 1) * sizeof *place);
    asl_buffer b = {0};
    for (uint32_t i = 0; i < count; i++) {
        asl_buffer_byte(&b, i ? ',' : '[');
        asl_json_print_string(pairs->items[order[i]].key->text, &b);
        place[order[i]] = i;
    }
    uint32_t context = jl_temporary(f), first = count ? jl_temporaries(f, count) : NONE;
    jl_emit(f, OP_JX_FOLD, OPERANDS(context, items));
    for (uint32_t i = 0; i < count; i++)
        jl_value(f, pairs->items[i].value, context, first + place[i]);
    asl_buffer_z(&b, count ? "]" : "[]");
    jl_emit(f, OP_JX_RECORD, OPERANDS(d, first, count, ir_const(f->compiler->plan, b.data)));
    asl_buffer_free(&b);
    f->top = top;
    return d;
}

/* One group's value: that of the pair its key came from, put into object under key; then on to the next group at head. */
void jl_group_values(struct function *f, const struct jsonata_pairs *pairs, uint32_t groups, uint32_t object, uint32_t key,
                     uint32_t context, uint32_t head) {
    if (pairs->count == 0)
        jl_jump(f, head);
    for (size_t i = 0; i < pairs->count; i++) {
        uint32_t next = NONE, before = f->top;
        if (i + 1 < pairs->count) {
            uint32_t mine = jl_new_block(f, "pair");
            next = jl_new_block(f, "pair.other");
            jl_emit(f, OP_JX_GROUP_PAIR, OPERANDS(groups, groups + 1, (uint32_t)i));
            jl_branch(f, mine, next);
            jl_continue_at(f, mine);
        }
        jl_emit(f, OP_JX_PUT, OPERANDS(object, key, jl_value(f, pairs->items[i].value, context, NONE)));
        jl_jump(f, head);
        f->top = before;
        if (next != NONE)
            jl_continue_at(f, next);
    }
}

uint32_t jl_object_value(struct function *f, const struct jsonata_pairs *pairs, uint32_t items, uint32_t want) {
    bool constant_keys = pairs->count <= MOST_MEMBERS;
    for (size_t i = 0; i < pairs->count; i++)
        constant_keys = constant_keys && is_constant_key(pairs->items[i].key);
    if (constant_keys)
        return record(f, pairs, items, want);
    uint32_t d = wanted(f, want), top = f->top;
    uint32_t groups = jl_temporaries(f, 2), object = jl_temporary(f);
    jl_emit(f, OP_JX_RESET, OPERANDS(groups));
    struct loop l = jl_loop_begin(f, items, 16);
    for (size_t i = 0; i < pairs->count; i++) {
        uint32_t before = f->top;
        uint32_t key = jl_value(f, pairs->items[i].key, l.item, NONE);
        jl_emit(f, OP_JX_GROUP_KEY, OPERANDS(groups, key, l.item, (uint32_t)i, pairs->position));
        f->top = before;
    }
    jl_loop_end(f, &l);
    jl_emit(f, OP_JX_GROUP_ORDER, OPERANDS(groups));
    f->top = object + 1;
    uint32_t key = jl_temporaries(f, 2), data = key + 1;
    uint32_t head = jl_new_block(f, "group"), body = jl_new_block(f, "group.value"), done = jl_new_block(f, "group.done");
    jl_emit(f, OP_JX_UNDEFINED, OPERANDS(object));
    jl_go_to(f, head);
    jl_emit(f, OP_JX_GROUP_NEXT, OPERANDS(key, groups));
    jl_branch(f, body, done);
    jl_continue_at(f, body);
    jl_group_values(f, pairs, groups, object, key, data, head);
    jl_continue_at(f, done);
    jl_emit(f, OP_JX_PUT, OPERANDS(object, jl_constant(f, "\"\""), NONE)); // at least {}
    jl_copy(f, d, object);
    f->top = top;
    return d;
}
