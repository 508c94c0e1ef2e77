// Order-by (jsonata-language 9): items sorted by keys that have been computed once for each.
//
// A stable merge sort of positions. Keys are compared where they lie, in one flat array: term t of item i is key
// i * terms + t; nothing stands for undefined, which sorts last.
#include "eval.h"

struct sort {
    struct jx *jx;
    const asl_value *keys, *descending;
    uint32_t terms;
    bool failed;
};

static inline bool is_number(const asl_value *v) { return v->tag >= ASL_INT && v->tag <= ASL_NUMBER_TEXT; }

static COLD int bad_keys(struct sort *s, const asl_value *a, const asl_value *b) {
    bool a_fits = is_number(a) || a->tag == ASL_STRING;
    bool b_fits = is_number(b) || b->tag == ASL_STRING;
    s->failed = true;
    if (!a_fits || !b_fits) jx_raise(s->jx, "T2008", "value", a_fits ? b : a, (const char *)NULL);
    else jx_raise(s->jx, "T2007", "value", a, "value2", b, (const char *)NULL);
    return 0;
}

// Whether item a must come after item b.
static bool after(struct sort *s, uint32_t a, uint32_t b) {
    const asl_value *x = s->keys + (size_t)a * s->terms, *y = s->keys + (size_t)b * s->terms;
    for (uint32_t t = 0; t < s->terms; t++, x++, y++) {
        if (x->tag == ASL_NONE || y->tag == ASL_NONE) {
            if (x->tag == y->tag) continue;
            return x->tag == ASL_NONE;
        }
        int order;
        if (x->tag == ASL_INT && y->tag == ASL_INT && jx_is_exact(x->i) && jx_is_exact(y->i)) {
            order = x->i < y->i ? -1 : x->i > y->i;
        } else if (is_number(x) && is_number(y)) {
            double i = jx_number(x), j = jx_number(y);
            order = i < j ? -1 : i > j;
        } else if (x->tag == ASL_STRING && y->tag == ASL_STRING) {
            order = asl_string_compare(asl_text_of(x), asl_text_of(y));
        } else {
            return bad_keys(s, x, y);
        }
        if (order) return (order > 0) != s->descending[t].b;
    }
    return false;
}

static void merge_sort(struct sort *s, uint32_t *order, uint32_t *room, uint32_t count) {
    if (count < 2 || s->failed) return;
    if (count <= 8) {
        for (uint32_t i = 1; i < count; i++) {
            uint32_t moved = order[i], j = i;
            for (; j > 0 && after(s, order[j - 1], moved) && !s->failed; j--) order[j] = order[j - 1];
            order[j] = moved;
        }
        return;
    }
    uint32_t half = count / 2;
    merge_sort(s, order, room, half);
    merge_sort(s, order + half, room, count - half);
    if (s->failed || !after(s, order[half - 1], order[half])) return;
    memcpy(room, order, half * sizeof *room);
    uint32_t i = 0, j = half, to = 0;
    while (i < half && j < count) order[to++] = after(s, room[i], order[j]) ? order[j++] : room[i++];
    memcpy(order + to, room + i, (half - i) * sizeof *room);
}

int32_t asl_rt_jx_sort_key(asl_frame *frame, uint32_t x, uint32_t v) {
    asl_value *keys = &frame->slot[x];
    if (keys->tag != ASL_ARRAY) asl_value_set(keys, asl_array_new(16));
    asl_value key = take_any(frame, v);
    // Compared many times: as a double it is read once. Functions and the like are refused when they are compared.
    if (key.tag == ASL_NUMBER_TEXT) {
        double d = jx_number(&key);
        asl_release(key);
        key = jx_double(d);
    }
    jx_push(keys, key);
    return 0;
}

int32_t asl_rt_jx_sort(asl_frame *frame, uint32_t d, uint32_t items, uint32_t keys, uint32_t k, uint32_t position) {
    struct jx *jx = jx_of(frame);
    const asl_value *list = at(frame, items), *all = at(frame, keys), *descending = &jx->constants[k];
    if (!is_array(list) || count_of(list) < 2) {
        asl_value same = take(frame, items);
        if (is_array(&same)) same = jx_marked(same, JX_SEQUENCE); // one item stands for itself
        put(frame, d, same);
        return 0;
    }
    uint32_t count = count_of(list);
    struct sort s = {.jx = jx, .keys = all->array->items, .descending = descending->array->items, .terms = count_of(descending)};
    uint32_t *order = asl_alloc(asl__block_size(0, count, 2 * sizeof *order));
    for (uint32_t i = 0; i < count; i++) order[i] = i;
    merge_sort(&s, order, order + count, count);
    if (s.failed) {
        asl_free(order);
        return jx_place(jx, position, "^");
    }
    asl_value sorted = asl_array_new(count);
    for (uint32_t i = 0; i < count; i++) sorted.array->items[i] = jx_retain(list->array->items[order[i]]);
    sorted.array->head.count = count;
    asl_free(order);
    if (keys & ASL_LAST) asl_value_set(&frame->slot[keys & ~ASL_LAST], asl_none());
    put(frame, d, sorted);
    return 0;
}
