// Arrays: one block, copied when it is to change and somebody else holds it too.
#include "value_private.h"

#include <assert.h>

static asl_array *new_array(size_t capacity) {
    if (capacity > ASL__CAPACITY_MAX) asl__out_of_memory(SIZE_MAX);
    asl_array *a = asl__block_alloc(asl__array_size(capacity));
    a->head = (struct asl__container){.refs = 1, .capacity = (uint32_t)capacity};
    return a;
}

static inline asl_value array_value(asl_array *a) { return (asl_value){.tag = ASL_ARRAY, .array = a}; }

asl_value asl_array_new(size_t reserve) { return array_value(new_array(reserve)); }

asl_value asl__array_of(const asl_value *items, size_t count) {
    asl_array *a = new_array(count);
    if (count) memcpy(a->items, items, count * sizeof *items);
    a->head.count = (uint32_t)count;
    return array_value(a);
}

asl_value asl__array_copy(const asl_value *items, size_t count) {
    asl_array *a = new_array(count);
    for (size_t i = 0; i < count; i++) a->items[i] = asl__keep(items[i]);
    a->head.count = (uint32_t)count;
    return array_value(a);
}

// The array for its sole owner to change, with room for `capacity` items. The caller's reference is taken.
static asl_array *writable(asl_array *a, size_t capacity) {
    if (a->head.refs == 1) {
        if (capacity <= a->head.capacity) return a;
        if (capacity > ASL__CAPACITY_MAX) asl__out_of_memory(SIZE_MAX);
        a = asl__block_resize(a, asl__array_size(a->head.capacity), asl__array_size(capacity));
        a->head.capacity = (uint32_t)capacity;
        return a;
    }
    asl_array *copy = new_array(capacity);
    for (uint32_t i = 0; i < a->head.count; i++) copy->items[i] = asl_retain(a->items[i]);
    copy->head.count = a->head.count;
    a->head.refs--; // not the last one
    return copy;
}

size_t asl_array_count(const asl_value *array) {
    assert(array->tag == ASL_ARRAY);
    return array->array->head.count;
}

const asl_value *asl_array_at(const asl_value *array, size_t index) {
    assert(array->tag == ASL_ARRAY && index < array->array->head.count);
    return &array->array->items[index];
}

asl_value asl_array_push(asl_value array, asl_value item) {
    assert(array.tag == ASL_ARRAY && item.tag != ASL_NONE);
    size_t count = array.array->head.count, capacity = array.array->head.capacity;
    if (count == capacity) capacity = capacity < 4 ? 8 : capacity * 2;
    asl_array *a = writable(array.array, capacity);
    a->items[a->head.count++] = item;
    return array_value(a);
}

asl_value *asl__array_place(asl_value *array, size_t index) {
    assert(array->tag == ASL_ARRAY && index < array->array->head.count);
    array->array = writable(array->array, array->array->head.count);
    return &array->array->items[index];
}

asl_value asl_array_set(asl_value array, size_t index, asl_value item) {
    assert(item.tag != ASL_NONE);
    asl_value_set(asl__array_place(&array, index), item);
    return array;
}
