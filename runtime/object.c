// Objects: members in insertion order, found by looking at each while they are few, by a hash index when they are many.
#include "value_private.h"
#include "words.h"

#include <assert.h>

static asl_object *new_object(size_t capacity) {
    if (capacity > ASL__CAPACITY_MAX) asl__out_of_memory(SIZE_MAX);
    asl_object *o = asl__block_alloc(asl__object_size(capacity));
    o->head = (struct asl__container){.refs = 1, .capacity = (uint32_t)capacity};
    o->index = NULL;
    return o;
}

static inline asl_value object_value(asl_object *o) { return (asl_value){.tag = ASL_OBJECT, .object = o}; }

asl_value asl_object_new(size_t reserve) { return object_value(new_object(reserve)); }

// ---------------------------------------------------------------- the index

static void drop_index(asl_object *o) {
    asl_free(o->index);
    o->index = NULL;
    o->head.slots = 0;
}

static inline void index_add(asl_object *o, uint32_t hash, uint32_t position) {
    uint32_t mask = o->head.slots - 1, i = hash & mask;
    while (o->index[i].position) i = (i + 1) & mask;
    o->index[i] = (struct asl__index_slot){hash, position + 1};
}

// An index with room for one more than `count` members.
static void make_index(asl_object *o, uint32_t count) {
    uint32_t slots = 32;
    while (slots / 2 < count + 1) slots *= 2; // at most half full
    asl_free(o->index);
    o->index = asl_calloc(slots, sizeof *o->index);
    o->head.slots = slots;
    for (uint32_t i = 0; i < o->head.count; i++) index_add(o, asl__text_hash(o->entries[i].key), i);
}

static struct asl__entry *find_indexed(asl_object *o, const char *data, size_t size, uint32_t hash) {
    if (!o->index) make_index(o, o->head.count);
    uint32_t mask = o->head.slots - 1;
    for (uint32_t i = hash & mask; o->index[i].position; i = (i + 1) & mask) {
        if (o->index[i].hash != hash) continue;
        struct asl__entry *e = &o->entries[o->index[i].position - 1];
        if (asl__text_is(e->key, data, size)) return e;
    }
    return NULL;
}

// ---------------------------------------------------------------- searching

struct asl__entry *asl__object_find(asl_object *o, const asl_text *key) {
    if (o->head.count > ASL__SCAN_MAX) return find_indexed(o, key->bytes, key->size, asl__text_hash(key));
    for (uint32_t i = 0; i < o->head.count; i++) {
        if (asl__text_equal(o->entries[i].key, key)) return &o->entries[i];
    }
    return NULL;
}

static struct asl__entry *find_str(asl_object *o, asl_str key) {
    if (o->head.count > ASL__SCAN_MAX) return find_indexed(o, key.data, key.size, asl_hash(key));
    for (uint32_t i = 0; i < o->head.count; i++) {
        if (asl__text_is(o->entries[i].key, key.data, key.size)) return &o->entries[i];
    }
    return NULL;
}

size_t asl_object_count(const asl_value *object) {
    assert(object->tag == ASL_OBJECT);
    return object->object->head.count;
}

const asl_value *asl_object_get(const asl_value *object, asl_str key) {
    assert(object->tag == ASL_OBJECT);
    struct asl__entry *e = find_str(object->object, key);
    return e ? &e->value : NULL;
}

const asl_value *asl_object_get_key(const asl_value *object, const asl_text *key) {
    assert(object->tag == ASL_OBJECT);
    struct asl__entry *e = asl__object_find(object->object, key);
    return e ? &e->value : NULL;
}

asl_text *asl_object_key_at(const asl_value *object, size_t index) {
    assert(object->tag == ASL_OBJECT && index < object->object->head.count);
    return object->object->entries[index].key;
}

const asl_value *asl_object_at(const asl_value *object, size_t index) {
    assert(object->tag == ASL_OBJECT && index < object->object->head.count);
    return &object->object->entries[index].value;
}

// ---------------------------------------------------------------- changing

asl_object *asl__object_own(asl_object *o, uint32_t room) {
    if (o->head.refs == 1) return o;
    asl_object *copy = new_object((size_t)o->head.count + room);
    for (uint32_t i = 0; i < o->head.count; i++) {
        struct asl__words value = asl__load(&o->entries[i].value);
        asl__retain_words(value);
        o->entries[i].key->refs++;
        copy->entries[i].key = o->entries[i].key;
        asl__store_new(&copy->entries[i].value, value);
    }
    copy->head.count = o->head.count;
    o->head.refs--; // not the last one
    return copy;
}

static inline asl_object *writable(asl_object *o) { return o->head.refs == 1 ? o : asl__object_own(o, 1); }

// Adds a member whose key is not there yet; key and item are moved in.
static asl_object *append(asl_object *o, asl_text *key, asl_value item) {
    if (o->head.count == o->head.capacity) {
        uint32_t capacity = o->head.capacity < 4 ? 4 : o->head.capacity * 2;
        if (capacity > ASL__CAPACITY_MAX) asl__out_of_memory(SIZE_MAX);
        o = asl__block_resize(o, asl__object_size(o->head.capacity), asl__object_size(capacity));
        o->head.capacity = capacity;
    }
    uint32_t position = o->head.count++, hash = asl__key_hash(key);
    o->entries[position] = (struct asl__entry){key, item};
    if (o->index) {
        if (o->head.count > o->head.slots / 2) make_index(o, o->head.count);
        else index_add(o, hash, position);
    }
    return o;
}

asl_value *asl__object_place(asl_value *object, asl_text *key) {
    assert(object->tag == ASL_OBJECT);
    asl_object *o = writable(object->object);
    struct asl__entry *e = asl__object_find(o, key);
    if (!e) {
        o = append(o, asl_text_retain(key), asl_none());
        e = &o->entries[o->head.count - 1];
    }
    object->object = o;
    return &e->value;
}

asl_value asl_object_set(asl_value object, asl_text *key, asl_value item) {
    assert(item.tag != ASL_NONE);
    asl_value_set(asl__object_place(&object, key), item);
    return object;
}

asl_value asl_object_put(asl_value object, asl_str key, asl_value item) {
    assert(object.tag == ASL_OBJECT && item.tag != ASL_NONE);
    asl_object *o = writable(object.object);
    struct asl__entry *e = find_str(o, key);
    if (e) asl_value_set(&e->value, item);
    else o = append(o, asl_text_new(key), item);
    return object_value(o);
}

asl_value asl_object_remove(asl_value object, asl_str key) {
    assert(object.tag == ASL_OBJECT);
    struct asl__entry *e = find_str(object.object, key);
    if (!e) return object;
    ptrdiff_t at = e - object.object->entries;
    asl_object *o = writable(object.object);
    struct asl__entry gone = o->entries[at];
    memmove(&o->entries[at], &o->entries[at + 1], (o->head.count - (size_t)at - 1) * sizeof gone);
    o->head.count--;
    drop_index(o); // every position after this one has moved
    asl_text_release(gone.key);
    asl_release(gone.value);
    return object_value(o);
}

// ---------------------------------------------------------------- all at once

// Whether two keys might be equal: a bit per six bits of hash says no for most small objects without comparing any pair.
static bool may_repeat(const struct asl__entry *entries, size_t count) {
    uint64_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t hash = asl__key_hash(entries[i].key);
        uint64_t bit = (uint64_t)1 << (hash & 63);
        if (seen & bit) {
            for (size_t j = 0; j < i; j++) {
                if (entries[j].key->hash == hash) return true;
            }
        }
        seen |= bit;
    }
    return false;
}

// The same of many: a table of their hashes says it without looking at any key twice, and is far smaller than an index. In
// some thousands of keys two may have the same hash by chance; so many that it happens often get their index.
static bool many_may_repeat(const struct asl__entry *entries, size_t count) {
    size_t slots = 64;
    while (slots < 2 * count) slots *= 2;
    uint32_t *seen = asl_calloc(slots, sizeof *seen); // a slot that is 0 is empty
    int same = 0;
    bool found = false;
    for (size_t i = 0; i < count && !found; i++) {
        uint32_t hash = asl__key_hash(entries[i].key);
        size_t at = hash & (slots - 1);
        while (seen[at] && seen[at] != hash) at = (at + 1) & (slots - 1);
        if (__builtin_expect(seen[at] == hash, 0)) {
            found = ++same > 4;
            for (size_t j = 0; j < i && !found; j++) found = asl__text_equal(entries[j].key, entries[i].key);
        }
        seen[at] = hash;
    }
    asl_free(seen);
    return found;
}

void asl__object_settle(asl_object *o) {
    uint32_t count = o->head.count;
    if (count <= 16 ? !may_repeat(o->entries, count) : !many_may_repeat(o->entries, count)) return;
    o->head.count = 0;
    if (count > ASL__SCAN_MAX) make_index(o, count);
    for (uint32_t i = 0; i < count; i++) {
        struct asl__entry next = o->entries[i], *e = asl__object_find(o, next.key);
        if (e) {
            asl_value_set(&e->value, next.value);
            asl_text_release(next.key);
            continue;
        }
        uint32_t position = o->head.count++; // no later than where it was
        o->entries[position] = next;
        if (o->index) index_add(o, asl__key_hash(next.key), position);
    }
}

asl_value asl__object_of(const struct asl__entry *entries, size_t count) {
    asl_object *o = new_object(count);
    if (count) memcpy(o->entries, entries, count * sizeof *entries);
    o->head.count = (uint32_t)count;
    asl__object_settle(o);
    return object_value(o);
}
