// Functions of objects, and the order in which JavaScript shows their members (jsonata-language 1, 15).
#include "lib.h"

#include <stdlib.h>

// ---------------------------------------------------------------- order

// "0", "7", "12": canonical and below 2^32 - 1.
static bool is_index(const asl_text *key, uint32_t *index) {
    if (key->size == 0 || key->size > 10 || (uint8_t)(key->bytes[0] - '0') > 9) return false;
    if (key->bytes[0] == '0' && key->size > 1) return false;
    uint64_t x = 0;
    for (size_t i = 0; i < key->size; i++) {
        uint8_t digit = (uint8_t)(key->bytes[i] - '0');
        if (digit > 9) return false;
        x = x * 10 + digit;
    }
    *index = (uint32_t)x;
    return x < UINT32_MAX;
}

struct indexed {
    uint32_t index, position;
};

static int compare_indexed(const void *a, const void *b) {
    uint32_t x = ((const struct indexed *)a)->index, y = ((const struct indexed *)b)->index;
    return (x > y) - (x < y);
}

uint32_t *jx_key_order(const asl_value *object) {
    const struct asl__entry *entries = object->object->entries;
    uint32_t n = object->object->head.count, indexes = 0, index, last = 0;
    bool in_order = true;
    for (uint32_t i = 0; i < n; i++) {
        if ((uint8_t)(entries[i].key->bytes[0] - '0') > 9) continue; // nearly always
        if (!is_index(entries[i].key, &index)) continue;
        if (indexes != i || (i && index < last)) in_order = false;
        last = index;
        indexes++;
    }
    if (in_order) return NULL;
    struct indexed *sorted = asl_alloc(asl__block_size(0, indexes, sizeof *sorted));
    uint32_t *order = asl_alloc(asl__block_size(0, n, sizeof *order)), others = indexes, at = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (is_index(entries[i].key, &index)) sorted[at++] = (struct indexed){index, i};
        else order[others++] = i;
    }
    qsort(sorted, indexes, sizeof *sorted, compare_indexed);
    for (uint32_t i = 0; i < indexes; i++) order[i] = sorted[i].position;
    asl_free(sorted);
    return order;
}

asl_value jx_in_key_order(asl_value object) {
    uint32_t *order = jx_key_order(&object), n = object.object->head.count;
    if (!order) return object;
    struct asl__entry *entries = asl_alloc(asl__block_size(0, n, sizeof *entries));
    for (uint32_t i = 0; i < n; i++) {
        const struct asl__entry *e = &object.object->entries[order[i]];
        entries[i] = (struct asl__entry){asl_text_retain(e->key), asl_retain(e->value)};
    }
    asl_value made = asl__object_of(entries, n);
    asl_free(entries);
    asl_free(order);
    asl_release(object);
    return made;
}

// ---------------------------------------------------------------- $keys

// A set of keys: an object whose values nobody looks at.
static int collect_keys(struct jx *jx, const asl_value *v, int depth, asl_value *set) {
    if (v->tag == ASL_OBJECT) {
        const asl_object *o = v->object;
        for (uint32_t i = 0; i < o->head.count; i++) {
            asl_text *key = o->entries[i].key;
            if (i < set->object->head.count && set->object->entries[i].key == key) continue; // made like the first one
            if (!asl__object_find(set->object, key)) *set = asl_object_set(*set, key, asl_null());
        }
    } else if (v->tag == ASL_ARRAY) {
        if (depth == ASL_MAX_DEPTH) return jx_raise(jx, "D1011", (const char *)NULL);
        for (uint32_t i = 0; i < v->array->head.count; i++) {
            if (collect_keys(jx, &v->array->items[i], depth + 1, set) < 0) return -1;
        }
    }
    return 0;
}

static asl_value keys_of(const asl_value *object) {
    uint32_t *order = jx_key_order(object), n = object->object->head.count;
    asl_value made = asl_array_new(n);
    for (uint32_t i = 0; i < n; i++) {
        jx_add(&made, asl_string_of_text(object->object->entries[order ? order[i] : i].key));
    }
    asl_free(order);
    return jx_marked(made, JX_SEQUENCE);
}

int jx_fn_KEYS(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    if (args[0].tag == ASL_OBJECT) {
        *out = keys_of(&args[0]);
        return 0;
    }
    asl_value set = asl_object_new(0);
    int rc = collect_keys(jx, &args[0], 0, &set);
    if (rc == 0) *out = keys_of(&set);
    asl_release(set);
    return rc;
}

// ---------------------------------------------------------------- $lookup

// Like a name step: arrays are looked through at any depth, array results spliced.
static int look_up(struct jx *jx, const asl_value *v, asl_str key, int depth, asl_value *found) {
    if (depth == ASL_MAX_DEPTH) return jx_raise(jx, "D1011", (const char *)NULL);
    for (uint32_t i = 0; i < v->array->head.count; i++) {
        const asl_value *item = &v->array->items[i], *member;
        if (item->tag == ASL_ARRAY) {
            if (look_up(jx, item, key, depth + 1, found) < 0) return -1;
        } else if (item->tag == ASL_OBJECT && (member = asl_object_get(item, key))) {
            if (member->tag != ASL_ARRAY) {
                jx_add(found, asl_retain(*member));
                continue;
            }
            for (uint32_t j = 0; j < member->array->head.count; j++) {
                jx_add(found, asl_retain(member->array->items[j]));
            }
        }
    }
    return 0;
}

int jx_fn_LOOKUP(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    JX_WANT(1, JX_S | JX_M);
    *out = asl_none();
    asl_str key = args[1].tag == ASL_STRING ? asl_text_of(&args[1]) : ASL_STR("undefined"); // the host's text of it
    if (args[0].tag == ASL_OBJECT) {
        const asl_value *member = asl_object_get(&args[0], key);
        if (member) *out = asl_retain(*member);
    } else if (args[0].tag == ASL_ARRAY) {
        asl_value found = asl_array_new(0);
        if (look_up(jx, &args[0], key, 0, &found) < 0) {
            asl_release(found);
            return -1;
        }
        *out = jx_marked(found, JX_SEQUENCE);
    }
    return 0;
}

// ---------------------------------------------------------------- $spread, $merge

static int spread(struct jx *jx, const asl_value *v, int depth, asl_value *made) {
    if (v->tag == ASL_OBJECT) {
        uint32_t *order = jx_key_order(v);
        for (uint32_t i = 0; i < v->object->head.count; i++) {
            const struct asl__entry *e = &v->object->entries[order ? order[i] : i];
            struct asl__entry one = {asl_text_retain(e->key), asl_retain(e->value)};
            jx_add(made, asl__object_of(&one, 1));
        }
        asl_free(order);
    } else if (v->tag == ASL_ARRAY) {
        if (depth == ASL_MAX_DEPTH) return jx_raise(jx, "D1011", (const char *)NULL);
        for (uint32_t i = 0; i < v->array->head.count; i++) {
            if (spread(jx, &v->array->items[i], depth + 1, made) < 0) return -1;
        }
    } else if (v->tag != ASL_NONE) {
        jx_add(made, asl_retain(*v));
    }
    return 0;
}

int jx_fn_SPREAD(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    if (args[0].tag != ASL_OBJECT && args[0].tag != ASL_ARRAY) {
        *out = asl_retain(args[0]);
        return 0;
    }
    asl_value made = asl_array_new(0);
    if (spread(jx, &args[0], 0, &made) < 0) {
        asl_release(made);
        return -1;
    }
    // The parts of an array are appended, which leaves no mark; but for an empty one nothing is, nor for what is nothing.
    bool marked = true;
    for (uint32_t i = 0; args[0].tag == ASL_ARRAY && i < args[0].array->head.count && marked; i++) {
        marked = args[0].array->items[i].tag == ASL_NONE;
    }
    *out = marked ? jx_marked(made, JX_SEQUENCE) : made;
    return 0;
}

asl_value jx_merge(asl_value into, const asl_value *object) {
    const asl_object *o = object->object;
    for (uint32_t i = 0; i < o->head.count; i++) into = asl_object_set(into, o->entries[i].key, asl_retain(o->entries[i].value));
    return into;
}

int jx_fn_MERGE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    JX_WANT(0, JX_A | JX_M);
    *out = asl_none();
    if (args[0].tag == ASL_NONE) return 0;
    const asl_value *items = args[0].array->items;
    uint32_t n = args[0].array->head.count;
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].tag != ASL_OBJECT) return jx_bad_argument(jx, args, 0);
    }
    asl_value made = n ? asl_retain(items[0]) : asl_object_new(0); // the second object makes it a copy
    for (uint32_t i = 1; i < n; i++) made = jx_merge(made, &items[i]);
    *out = jx_in_key_order(made);
    return 0;
}
