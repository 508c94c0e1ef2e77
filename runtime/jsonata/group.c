// Groups and objects' fields (jsonata-language 9).
//
// Groups are an object: the key's member is [pair, data, how many, key]. Data is the item itself while there is one, then an
// array of our own; items that are tuples are kept as they are.
#include "eval.h"
#include "lib.h"

int32_t asl_rt_jx_fold(asl_frame *frame, uint32_t d, uint32_t s) {
    const asl_value *v = at(frame, s);
    if (!is_array(v)) {
        asl_value same = take(frame, s);
        put(frame, d, same);
        return 0;
    }
    uint32_t count = count_of(v);
    bool flat = count > 1;
    for (uint32_t i = 0; i < count && flat; i++) flat = v->array->items[i].tag != ASL_ARRAY;
    if (flat) { // appending its items one by one gives it again
        put(frame, d, jx_marked(jx_retain(*v), 0));
        return 0;
    }
    asl_value folded = count ? jx_retain(v->array->items[0]) : asl_none();
    for (uint32_t i = 1; i < count; i++) folded = jx_append(folded, jx_retain(v->array->items[i]));
    put(frame, d, folded);
    return 0;
}

enum { PAIR, DATA, COUNT, KEY, WIDTH };

// Short keys lie in the value itself: two comparisons of eight bytes each.
static inline bool same_key(const asl_value *a, const asl_value *b) {
    uint64_t x[2], y[2];
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    return x[0] == y[0] && x[1] == y[1];
}

static asl_value *find_group(const asl_value *groups, const asl_value *key) {
    const asl_object *o = groups->object;
    if (o->head.count <= ASL__SCAN_MAX && key->size != ASL_ON_HEAP) {
        for (uint32_t i = 0; i < o->head.count; i++)
            if (same_key(&o->entries[i].value.array->items[KEY], key)) return o->entries[i].value.array->items;
        return NULL;
    }
    const asl_value *found = asl_object_get(groups, asl_text_of(key));
    return found ? found->array->items : NULL;
}

int32_t asl_rt_jx_group_key(asl_frame *frame, uint32_t x, uint32_t key, uint32_t v, uint32_t pair, uint32_t position) {
    struct jx *jx = jx_of(frame);
    const asl_value *name = peek(frame, key);
    asl_value *groups = &frame->slot[x];
    if (groups->tag != ASL_OBJECT) asl_value_set(groups, asl_object_new(4));
    if (name->tag == ASL_NONE) return 0;
    if (name->tag != ASL_STRING) {
        jx_raise(jx, "T1003", "value", name, (const char *)NULL);
        return jx_place(jx, position, NULL);
    }
    asl_value *group = find_group(groups, name);
    asl_value item = take_any(frame, v);
    if ((key & ~ASL_LAST) == (v & ~ASL_LAST)) name = &item; // {$: …}: its slot is empty now
    if (!group) {
        asl_value new_group = asl_array_new(WIDTH);
        asl_value *items = new_group.array->items;
        items[PAIR] = asl_int(pair);
        items[DATA] = item;
        items[COUNT] = asl_int(1);
        items[KEY] = jx_retain(*name);
        new_group.array->head.count = WIDTH;
        asl_text *text = jx_key_of(name);
        *groups = asl_object_set(*groups, text, new_group);
        asl_text_release(text);
        return 0;
    }
    if (group[PAIR].i != pair) {
        jx_raise(jx, "D1009", "value", name, (const char *)NULL);
        asl_release(item);
        return jx_place(jx, position, NULL);
    }
    if (item.tag == ASL_ARRAY && jx_marks(&item) & JX_TUPLES) {
        if (group[COUNT].i == 1) acc_start_array(&group[DATA]);
        jx_push(&group[DATA], item);
    } else if (group[COUNT].i > 1 && item.tag != ASL_ARRAY && item.tag != ASL_NONE && is_array(&group[DATA]) &&
               group[DATA].array->head.refs == 1) {
        jx_push(&group[DATA], item); // an array of our own since the second item
    } else {
        group[DATA] = jx_append(group[DATA], item);
    }
    group[COUNT].i++;
    return 0;
}

int32_t asl_rt_jx_group_order(asl_frame *frame, uint32_t x) {
    asl_value *groups = &frame->slot[x];
    if (groups->tag != ASL_OBJECT) asl_value_set(groups, asl_object_new(0));
    *groups = jx_in_key_order(*groups);
    return 0;
}

int32_t asl_rt_jx_group_next(asl_frame *frame, uint32_t d, uint32_t x) {
    const asl_value *groups = &frame->slot[x];
    asl_value *index = &frame->slot[x + 1];
    if (groups->tag != ASL_OBJECT || (size_t)index->i >= asl_object_count(groups)) return 0;
    size_t i = (size_t)index->i++;
    put(frame, d, asl_string_of_text(asl_object_key_at(groups, i)));
    // Taken out of the group: nobody else looks at it again, so it may be changed in place.
    asl_value *data = &asl_object_at(groups, i)->array->items[DATA];
    put(frame, d + 1, *data);
    *data = asl_none();
    return 1;
}

int32_t asl_rt_jx_group_pair(asl_frame *frame, uint32_t groups, uint32_t index, uint32_t pair) {
    const asl_value *g = asl_object_at(at(frame, groups), (size_t)at(frame, index)->i - 1);
    return g->array->items[PAIR].i == pair;
}

// ---------------------------------------------------------------- fields of objects

int32_t asl_rt_jx_lookup_object(asl_frame *frame, uint32_t d, uint32_t v, uint32_t position) {
    struct jx *jx = jx_of(frame);
    const asl_value *o = peek(frame, v);
    if (o->tag != ASL_NONE && o->tag != ASL_OBJECT) {
        jx_raise(jx, "T0410", "value", o, "index", &(asl_value){.tag = ASL_INT, .i = 1}, (const char *)NULL);
        return jx_place(jx, position, NULL);
    }
    asl_value object = take_any(frame, v);
    put(frame, d, object.tag == ASL_OBJECT ? jx_in_key_order(object) : object);
    put(frame, d + 1, asl_int(0));
    return 0;
}

int32_t asl_rt_jx_entry_next(asl_frame *frame, uint32_t d, uint32_t x) {
    const asl_value *o = &frame->slot[x];
    asl_value *index = &frame->slot[x + 1];
    if (o->tag != ASL_OBJECT || (size_t)index->i >= asl_object_count(o)) return 0;
    size_t i = (size_t)index->i++;
    put(frame, d, jx_retain(*asl_object_at(o, i)));
    put(frame, d + 1, asl_string_of_text(asl_object_key_at(o, i)));
    return jx_tick(jx_of(frame)) < 0 ? -1 : 1;
}

// ---------------------------------------------------------------- tuples (8)

int32_t asl_rt_jx_tuple(asl_frame *frame, uint32_t x, uint32_t a, uint32_t count) {
    asl_value tuple = asl_array_new(count);
    memcpy(tuple.array->items, &frame->slot[a], count * sizeof(asl_value));
    memset(&frame->slot[a], 0, count * sizeof(asl_value));
    tuple.array->head.count = count;
    asl_value *list = &frame->slot[x];
    if (list->tag != ASL_ARRAY) asl_value_set(list, asl_array_new(8));
    jx_push(list, jx_marked(tuple, JX_TUPLES));
    return 0;
}

int32_t asl_rt_jx_untuple(asl_frame *frame, uint32_t d, uint32_t s, uint32_t i) {
    put(frame, d, jx_retain(at(frame, s)->array->items[i]));
    return 0;
}

static void set_in_tuple(asl_value *tuple, uint32_t i, asl_value v) {
    if (tuple->array->head.refs > 1) {
        asl_value copy = jx_marked(jx_copy_items(tuple, 0), JX_TUPLES);
        asl_release(*tuple);
        *tuple = copy;
    }
    asl_value_set(&tuple->array->items[i], v);
}

int32_t asl_rt_jx_tuples_index(asl_frame *frame, uint32_t x, uint32_t slot) {
    asl_value *list = &frame->slot[x];
    if (list->tag != ASL_ARRAY) return 0;
    jx_own(list, 0);
    for (uint32_t i = 0; i < count_of(list); i++) set_in_tuple(&list->array->items[i], slot, asl_int(i));
    return 0;
}

int32_t asl_rt_jx_merge_tuples(asl_frame *frame, uint32_t d, uint32_t s) {
    const asl_value *data = at(frame, s);
    if (!is_array(data) || jx_marks(data) & JX_TUPLES || count_of(data) == 0) {
        asl_value same = take(frame, s);
        put(frame, d, same);
        return 0;
    }
    uint32_t width = count_of(&data->array->items[0]);
    asl_value merged = asl_array_new(width);
    for (uint32_t i = 0; i < width; i++) {
        asl_value v = jx_retain(data->array->items[0].array->items[i]);
        for (uint32_t j = 1; j < count_of(data); j++) v = jx_append(v, jx_retain(data->array->items[j].array->items[i]));
        merged.array->items[i] = v;
    }
    merged.array->head.count = width;
    put(frame, d, jx_marked(merged, JX_TUPLES));
    return 0;
}
