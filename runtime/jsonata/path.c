// Paths: names, iteration, what a step's results become, predicates, wildcards (jsonata-language 6, 7).
//
// A list that goes from step to step is an array of its items, or, when it has one item that is no array, that item
// itself, or nothing. So the common path over objects never makes an array.
#include "eval.h"
#include "lib.h"

#include <math.h>
#include <stdlib.h>

// ---------------------------------------------------------------- results of a step

// Adds what one item gave: arrays are spliced unless they are cons.
static void acc_collect(asl_value pair[2], asl_value v) {
    if (pair[1].i == 0) {
        pair[0] = v;
    } else {
        if (pair[1].i == 1) {
            asl_value first = pair[0];
            if (first.tag == ASL_ARRAY && !(jx_marks(&first) & JX_CONS)) {
                jx_own(&first, 8);
                pair[0] = first;
            } else {
                acc_start_array(&pair[0]);
            }
        }
        if (v.tag == ASL_ARRAY && !(jx_marks(&v) & JX_CONS)) {
            jx_push_all(&pair[0], v.array->items, count_of(&v));
            asl_release(v);
        } else {
            jx_push(&pair[0], v);
        }
    }
    pair[1].i++;
}

enum { LAST = 1, KEEP = 2 };

static asl_value acc_finish(asl_value pair[2], uint32_t how) {
    asl_value v = pair[0];
    int64_t raw = pair[1].i;
    pair[0] = asl_none();
    pair[1].i = 0;
    if (raw == 0) return asl_none();
    bool bare = v.tag != ASL_ARRAY;
    if (raw == 1 && !bare) {
        bool as_it_is = how & LAST && !is_sequence(&v);
        if (!as_it_is) {
            if (jx_marks(&v) & JX_CONS) acc_start_array(&v);
            v = jx_marked(v, JX_SEQUENCE);
        }
    } else if (!bare) {
        v = jx_marked(v, JX_SEQUENCE);
    }
    if (!(how & LAST)) return v;
    if (how & KEEP) {
        if (bare || (jx_marks(&v) & JX_CONS && !is_sequence(&v))) {
            acc_start_array(&v);
            v = jx_marked(v, JX_SEQUENCE);
        }
        v.reserved[0] |= JX_KEEP_SINGLETON;
    }
    return jx_collapse(v, false);
}

int32_t asl_rt_jx_reset(asl_frame *frame, uint32_t d) {
    put(frame, d, asl_none());
    put(frame, d + 1, asl_int(0));
    return 0;
}

int32_t asl_rt_jx_collect(asl_frame *frame, uint32_t x, uint32_t v) {
    const asl_value *item = peek(frame, v);
    if (item->tag == ASL_NONE) return 0;
    asl_value *pair = &frame->slot[x];
    if (LIKELY(pair[1].i > 1 && item->tag != ASL_ARRAY)) {
        jx_push_words(&pair[0], take_words(frame, v));
        pair[1].i++;
        return 0;
    }
    acc_collect(pair, take_any(frame, v));
    return 0;
}

int32_t asl_rt_jx_finish(asl_frame *frame, uint32_t d, uint32_t x, uint32_t how) {
    put(frame, d, acc_finish(&frame->slot[x], how));
    return 0;
}

// A predicate on nothing is asked once, too, and may keep that nothing: several of them are an array (nope[[0, 0]] has two
// items), which prints as nulls.
static void keep_item(asl_value pair[2], asl_value item) {
    if (item.tag == ASL_NONE) jx_strange = true;
    acc_keep(pair, item);
}

int32_t asl_rt_jx_keep(asl_frame *frame, uint32_t x, uint32_t v) {
    if (peek(frame, v)->tag == ASL_NONE) return 0;
    acc_keep(&frame->slot[x], take_any(frame, v));
    return 0;
}

int32_t asl_rt_jx_match(asl_frame *frame, uint32_t x, uint32_t v) {
    keep_item(&frame->slot[x], take_any(frame, v));
    return 0;
}

enum { KEPT_STAGE, KEPT_NODE, KEPT_SINGLETON, KEPT_SEQUENCE };

int32_t asl_rt_jx_kept(asl_frame *frame, uint32_t d, uint32_t x, uint32_t how) {
    asl_value v = frame->slot[x];
    int64_t kept = frame->slot[x + 1].i;
    frame->slot[x] = asl_none();
    frame->slot[x + 1] = asl_int(0);
    if (kept == 0) {
        bool sequence = how == KEPT_STAGE || how == KEPT_SEQUENCE;
        v = sequence ? jx_retain(jx_of(frame)->program->empty) : asl_none();
    } else if (kept > 1) {
        v = jx_marked(v, how == KEPT_SINGLETON ? JX_SEQUENCE | JX_KEEP_SINGLETON : JX_SEQUENCE);
    } else if (how >= KEPT_SINGLETON || (how == KEPT_STAGE && (v.tag == ASL_ARRAY || v.tag == ASL_NONE))) {
        acc_start_array(&v);
        v = jx_marked(v, how == KEPT_SINGLETON ? JX_SEQUENCE | JX_KEEP_SINGLETON : JX_SEQUENCE);
    }
    put(frame, d, v);
    return 0;
}

int32_t asl_rt_jx_unless_empty(asl_frame *frame, uint32_t x, uint32_t first, uint32_t keep) {
    const asl_value *v = peek(frame, first);
    if (!is_array(v) || count_of(v) > 0 || is_sequence(v)) return 0;
    asl_value found = jx_retain(*v);
    if (keep) {
        acc_start_array(&found);
        found = jx_marked(found, JX_SEQUENCE | JX_KEEP_SINGLETON);
    }
    put(frame, x, found);
    return 0;
}

// ---------------------------------------------------------------- iterating

/* In the second slot: the next index; and about the iteration: */
enum { ONE_ITEM = 1, NAMED = 2 /* what names are bound to has collapsed (5.4) */ };

// The reference counts what it iterates over, and indexes it: a string has a length, too.
static COLD asl_value units_of(const asl_value *string) {
    asl_str s = asl_text_of(string);
    size_t units = jx_units(s);
    asl_value list = asl_array_new(units);
    for (size_t i = 0; i < units; i++) jx_push(&list, jx_unit_slice(s, i, i + 1));
    return list;
}

int32_t asl_rt_jx_iterate(asl_frame *frame, uint32_t d, uint32_t s, uint32_t how) {
    const asl_value *v = at(frame, s);
    if (UNLIKELY(how & 8 && v->tag == ASL_STRING)) {
        put(frame, d, units_of(v));
        put(frame, d + 1, asl_int(0));
        return 0;
    }
    bool one = !is_array(v) || (how & 1 && jx_marks(v) & JX_CONS) || how & 4;
    asl_value index = asl_int(0);
    if (how & 16 && is_array(v) && count_of(v) == 0) {
        index.reserved[0] = ONE_ITEM;
        put(frame, d, asl_none());
        put(frame, d + 1, index);
        return 0;
    }
    if (one) {
        index.reserved[0] = ONE_ITEM;
        index.i = how & 8 || (v->tag == ASL_NONE && !(how & (2 | 16)));
    }
    if (how & 32 && (one || count_of(v) < 2)) index.i = 1;
    if (how & 64) index.reserved[0] |= NAMED;
    asl_value list = take(frame, s);
    put(frame, d, list);
    put(frame, d + 1, index);
    return 0;
}

int32_t asl_rt_jx_next(asl_frame *frame, uint32_t d, uint32_t x) {
    const asl_value *list = &frame->slot[x];
    asl_value *index = &frame->slot[x + 1];
    int64_t i = index->i;
    if (index->reserved[0] & ONE_ITEM) {
        if (i) return 0;
        index->i = 1;
        put(frame, d, jx_retain(*list));
        return 1;
    }
    if (i >= count_of(list)) return 0;
    index->i = i + 1;
    const asl_value *item = &list->array->items[i];
    if (UNLIKELY(is_sequence(item)) && index->reserved[0] & NAMED) put(frame, d, jx_collapse(jx_retain(*item), false));
    else put_copy(frame, d, item);
    return jx_tick(jx_of(frame)) < 0 ? -1 : 1;
}

// ---------------------------------------------------------------- names

// A name in every element of an array, recursively (6): results are spliced. Adds to *found.
static void lookup_in_array(const asl_value *array, struct jx_name *name, asl_value *found, int depth) {
    for (uint32_t i = 0; i < count_of(array); i++) {
        const asl_value *item = &array->array->items[i], *member = NULL;
        if (item->tag == ASL_OBJECT) member = jx_member(item, name);
        else if (item->tag == ASL_ARRAY && depth > 0) lookup_in_array(item, name, found, depth - 1);
        if (!member) continue;
        if (member->tag == ASL_ARRAY) jx_push_all(found, member->array->items, count_of(member));
        else jx_push(found, jx_retain(*member));
    }
}

asl_value jx_lookup(const asl_value *context, struct jx_name *name) {
    if (context->tag == ASL_OBJECT) {
        const asl_value *member = jx_member(context, name);
        return member ? jx_retain(*member) : asl_none();
    }
    if (context->tag != ASL_ARRAY) return asl_none();
    asl_value found = asl_array_new(count_of(context) < 8 ? 8 : count_of(context));
    lookup_in_array(context, name, &found, ASL_MAX_DEPTH);
    return jx_collapse(jx_marked(found, JX_SEQUENCE), false);
}

int32_t asl_rt_jx_field(asl_frame *frame, uint32_t d, uint32_t v, uint32_t k) {
    struct jx_name *name = &jx_names_of(jx_of(frame), k)->items[0];
    const asl_value *context = peek(frame, v);
    if (LIKELY(context->tag == ASL_OBJECT)) {
        const asl_value *member = jx_member(context, name);
        if (member) put_copy(frame, d, member);
        else put_words(frame, d, (struct asl__words){0, 0});
        return 0;
    }
    put(frame, d, jx_lookup(context, name));
    return 0;
}

enum { FROM_VARIABLE = 1, LAST_NAMES = 2, KEEP_NAMES = 4 };

int32_t asl_rt_jx_names(asl_frame *frame, uint32_t d, uint32_t v, uint32_t how, uint32_t k) {
    struct jx *jx = jx_of(frame);
    struct jx_names *names = jx_names_of(jx, k);
    const asl_value *from = peek(frame, v);
    uint32_t n = 0;
    if (LIKELY(names->count == 1 && from->tag == ASL_OBJECT)) {
        from = jx_member(from, &names->items[0]);
        if (!from || from->tag != ASL_ARRAY) {
            if (LIKELY(!from || !(how & KEEP_NAMES))) {
                if (from) put_copy(frame, d, from);
                else put_words(frame, d, (struct asl__words){0, 0});
                return 0;
            }
        } else if ((how & (LAST_NAMES | KEEP_NAMES)) == LAST_NAMES) {
            put_copy(frame, d, from);
            return 0;
        }
        from = peek(frame, v);
    }
    // Object by object, nothing is counted until the result is known.
    while (n < names->count && from->tag == ASL_OBJECT) {
        from = jx_member(from, &names->items[n++]);
        if (!from) {
            put(frame, d, asl_none());
            return 0;
        }
    }
    bool keep = how & KEEP_NAMES;
    if (n == names->count) {
        // One result: an array is that array itself when these were the last steps.
        asl_value result = jx_retain(*from);
        if (result.tag != ASL_ARRAY ? keep : !(how & LAST_NAMES) || keep) {
            asl_value pair[2] = {result, asl_int(1)};
            result = acc_finish(pair, how & LAST_NAMES ? LAST | (keep ? KEEP : 0) : 0);
        }
        put(frame, d, result);
        return 0;
    }
    if (from->tag != ASL_ARRAY) {
        put(frame, d, asl_none());
        return 0;
    }
    asl_value list = jx_retain(*from);
    // A cons array in a variable is one item; anything that a step gave has been spliced.
    bool whole = n == 0 && how & FROM_VARIABLE && jx_marks(&list) & JX_CONS;
    for (; n < names->count; n++) {
        asl_value pair[2] = {asl_none(), asl_int(0)};
        uint32_t count = whole || list.tag != ASL_ARRAY ? 1 : count_of(&list);
        const asl_value *items = whole || list.tag != ASL_ARRAY ? &list : list.array->items;
        for (uint32_t i = 0; i < count; i++) {
            asl_value found;
            if (LIKELY(items[i].tag == ASL_OBJECT)) {
                const asl_value *m = jx_member(&items[i], &names->items[n]);
                if (!m) continue;
                if (m->tag != ASL_ARRAY && pair[1].i) {
                    if (pair[1].i == 1 && pair[0].tag != ASL_ARRAY) {
                        asl_value all = asl_array_new(count - i + 1);
                        jx_push(&all, pair[0]);
                        pair[0] = all;
                    }
                    if (pair[1].i > 1 || pair[0].array->head.refs == 1) {
                        struct asl__words w = asl__load(m);
                        asl__retain_words(w);
                        jx_push_words(&pair[0], w);
                        pair[1].i++;
                        continue;
                    }
                }
                found = jx_retain(*m);
            } else {
                found = jx_lookup(&items[i], &names->items[n]);
                if (found.tag == ASL_NONE) continue;
            }
            acc_collect(pair, found);
        }
        whole = false;
        asl_release(list);
        bool last = n + 1 == names->count && how & LAST_NAMES;
        list = acc_finish(pair, last ? LAST | (keep ? KEEP : 0) : 0);
        if (list.tag == ASL_NONE) break;
        if (jx_tick(jx) < 0) {
            asl_release(list);
            return -1;
        }
    }
    put(frame, d, list);
    return 0;
}

// ---------------------------------------------------------------- wildcards

static void flatten(const asl_value *v, asl_value *into, int depth) {
    for (uint32_t i = 0; i < count_of(v); i++) {
        const asl_value *item = &v->array->items[i];
        if (item->tag == ASL_ARRAY && depth > 0) flatten(item, into, depth - 1);
        else jx_push(into, jx_retain(*item));
    }
}

int32_t asl_rt_jx_wildcard(asl_frame *frame, uint32_t d, uint32_t s, uint32_t raw) {
    const asl_value *v = at(frame, s);
    if (is_array(v) && jx_marks(v) & JX_OUTER && count_of(v) > 0) v = &v->array->items[0];
    size_t count = v->tag == ASL_ARRAY ? count_of(v) : v->tag == ASL_OBJECT ? asl_object_count(v) : 0;
    asl_value found = jx_marked(asl_array_new(count < 4 ? 4 : count), JX_SEQUENCE);
    for (size_t i = 0; i < count; i++) {
        const asl_value *item = v->tag == ASL_ARRAY ? &v->array->items[i] : asl_object_at(v, i);
        if (item->tag == ASL_ARRAY) {
            flatten(item, &found, ASL_MAX_DEPTH);
            found.reserved[0] = 0;
        } else {
            jx_push(&found, jx_retain(*item));
        }
    }
    put(frame, d, raw ? found : jx_collapse(found, false));
    return 0;
}

static void descend(const asl_value *v, asl_value *found, int depth) {
    if (v->tag != ASL_ARRAY) jx_push(found, jx_retain(*v));
    if (depth == 0) return;
    if (v->tag == ASL_ARRAY)
        for (uint32_t i = 0; i < count_of(v); i++) descend(&v->array->items[i], found, depth - 1);
    else if (v->tag == ASL_OBJECT)
        for (size_t i = 0; i < asl_object_count(v); i++) descend(asl_object_at(v, i), found, depth - 1);
}

int32_t asl_rt_jx_descendants(asl_frame *frame, uint32_t d, uint32_t s, uint32_t raw) {
    const asl_value *v = at(frame, s);
    if (v->tag == ASL_NONE) { // has none, not even an empty sequence of them
        put(frame, d, asl_none());
        return 0;
    }
    asl_value found = jx_marked(asl_array_new(8), JX_SEQUENCE);
    descend(v, &found, ASL_MAX_DEPTH);
    put(frame, d, raw && count_of(&found) != 1 ? found : jx_collapse(found, false)); // a single one is given bare
    return 0;
}

// ---------------------------------------------------------------- predicates

int32_t asl_rt_jx_index(asl_frame *frame, uint32_t d, uint32_t s, uint32_t number) {
    const asl_value *v = at(frame, s);
    int64_t i = (int32_t)number;
    asl_value found = asl_none();
    if (is_array(v)) {
        if (i < 0) i += count_of(v);
        if (i >= 0 && i < count_of(v)) found = jx_retain(v->array->items[i]);
    } else if (v->tag != ASL_NONE && (i == 0 || i == -1)) {
        found = jx_retain(*v);
    }
    put(frame, d, found.tag == ASL_NONE ? jx_retain(jx_of(frame)->program->empty) : found);
    return 0;
}

static inline bool is_number(const asl_value *v) { return v->tag >= ASL_INT && v->tag <= ASL_NUMBER_TEXT; }

/* The numbers that select items, when the predicate's value is one or is an array of nothing else. */
static bool is_selection(const asl_value *predicate, const asl_value **numbers, uint32_t *count) {
    bool several = predicate->tag == ASL_ARRAY;
    *numbers = several ? predicate->array->items : predicate;
    *count = several ? count_of(predicate) : 1;
    for (uint32_t i = 0; i < *count; i++)
        if (!is_number(&(*numbers)[i])) return false;
    return true;
}

/* The place that a number selects: where no item is, when it is not one of the list. 0 or -1 raised. */
static inline int place_of(struct jx *jx, const asl_value *number, double length, double *place) {
    *place = number->tag == ASL_INT ? (double)number->i : floor(jx_number(number));
    if (UNLIKELY(isinf(*place))) return jx_raise(jx, "D1001", "value", number, (const char *)NULL);
    if (*place < 0) *place += length;
    return 0;
}

int32_t asl_rt_jx_select(asl_frame *frame, uint32_t x, uint32_t v, uint32_t p, uint32_t list, uint32_t index) {
    struct jx *jx = jx_of(frame);
    const asl_value *predicate = peek(frame, p), *iterated = at(frame, list), *state = at(frame, index), *numbers;
    asl_value *pair = &frame->slot[x];
    const asl_value *item = peek(frame, v);
    uint32_t count;
    if (predicate->tag == ASL_BOOL) {
        if (predicate->b) keep_item(pair, jx_retain(*item));
        return 0;
    }
    if (!is_selection(predicate, &numbers, &count)) {
        int keep = jx_test(jx, predicate);
        if (keep > 0) keep_item(pair, jx_retain(*item));
        return keep < 0 ? -1 : 0;
    }
    bool one = state->reserved[0] & ONE_ITEM;
    double position = one ? 0 : (double)(state->i - 1), length = one ? 1 : count_of(iterated), place;
    for (uint32_t i = 0; i < count; i++) {
        if (place_of(jx, &numbers[i], length, &place) < 0) return -1;
        if (place == position) keep_item(pair, jx_retain(*item));
    }
    return 0;
}

static int by_place(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int32_t asl_rt_jx_select_all(asl_frame *frame, uint32_t x, uint32_t p, uint32_t list, uint32_t index) {
    struct jx *jx = jx_of(frame);
    const asl_value *predicate = peek(frame, p), *iterated = at(frame, list), *numbers;
    asl_value *pair = &frame->slot[x];
    bool one = at(frame, index)->reserved[0] & ONE_ITEM;
    const asl_value *items = one ? iterated : iterated->array->items;
    uint32_t length = one ? 1 : count_of(iterated), count;
    if (!is_selection(predicate, &numbers, &count)) {
        int keep = jx_test(jx, predicate);
        for (uint32_t i = 0; keep > 0 && i < length; i++) keep_item(pair, jx_retain(items[i]));
        return keep < 0 ? -1 : 0;
    }
    // In the order of the items, each as often as it is named.
    uint32_t local[64], *places = count > 64 ? asl_alloc(count * sizeof *places) : local, found = 0;
    bool sorted = true;
    double place;
    int rc = 0;
    for (uint32_t i = 0; i < count && (rc = place_of(jx, &numbers[i], length, &place)) == 0; i++) {
        if (!(place >= 0 && place < length)) continue;
        sorted = sorted && (found == 0 || places[found - 1] <= (uint32_t)place);
        places[found++] = (uint32_t)place;
    }
    if (!sorted) qsort(places, found, sizeof *places, by_place);
    for (uint32_t i = 0; i < found && rc == 0; i++) keep_item(pair, jx_retain(items[places[i]]));
    if (places != local) asl_free(places);
    return rc;
}
