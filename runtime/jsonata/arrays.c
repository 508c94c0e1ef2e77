// Functions of arrays that call no function back (jsonata-language 15). Arguments of one item or none come back as they
// are where the reference does that: with their marks.
#include "lib.h"

#include <math.h>

/* Undefined in, undefined out; anything else must be an array. */
#define ARRAY_ARGUMENT()                                                                                     \
    (void)count;                                                                                             \
    JX_WANT(0, JX_A | JX_M);                                                                                 \
    *out = asl_none();                                                                                       \
    if (args[0].tag == ASL_NONE) return 0;                                                                   \
    const asl_value *items = args[0].array->items;                                                           \
    uint32_t n = args[0].array->head.count;                                                                  \
    if (n <= 1) {                                                                                            \
        *out = asl_retain(args[0]);                                                                          \
        return 0;                                                                                            \
    }

void jx_make_room(asl_value *array) {
    asl_array *a = array->array;
    size_t capacity = a->head.capacity < 4 ? 8 : (size_t)a->head.capacity * 2;
    if (capacity > ASL__CAPACITY_MAX) asl__out_of_memory(SIZE_MAX);
    a = asl__block_resize(a, asl__array_size(a->head.capacity), asl__array_size(capacity));
    a->head.capacity = (uint32_t)capacity;
    array->array = a;
}

int jx_fn_APPEND(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    size_t items = (args[0].tag == ASL_ARRAY ? asl_array_count(&args[0]) : 1) + (args[1].tag == ASL_ARRAY ? asl_array_count(&args[1]) : 1);
    if (jx_charge(jx, items * sizeof(asl_value)) < 0) return -1;
    if (args[1].tag == ASL_NONE) *out = asl_retain(args[0]);
    else if (args[0].tag == ASL_NONE) *out = asl_retain(args[1]);
    else *out = jx_append(asl_retain(args[0]), asl_retain(args[1]));
    return 0;
}

int jx_fn_REVERSE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    ARRAY_ARGUMENT();
    asl_value made = asl_array_new(n);
    for (uint32_t i = n; i-- > 0;) jx_add(&made, asl_retain(items[i]));
    *out = made;
    return 0;
}

int jx_fn_SHUFFLE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    ARRAY_ARGUMENT();
    asl_value made = asl_array_new(n);
    struct asl__random *random = jx_random(jx);
    for (uint32_t i = 0; i < n; i++) { // each new item changes places with one of those before it, or itself
        uint32_t j = (uint32_t)(asl__random_unit(random) * (i + 1));
        jx_add(&made, asl_retain(items[i]));
        asl_value *to = made.array->items, moved = to[j];
        to[j] = to[i];
        to[i] = moved;
    }
    *out = made;
    return 0;
}

int jx_fn_ZIP(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    uint32_t length = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = args[i].tag == ASL_ARRAY ? args[i].array->head.count : 0;
        if (n < length) length = n;
    }
    if (count == 0) length = 0;
    if (jx_charge(jx, (size_t)length * count * sizeof(asl_value)) < 0) return -1;
    asl_value made = asl_array_new(length);
    for (uint32_t row = 0; row < length; row++) {
        asl_value tuple = asl_array_new(count);
        for (uint32_t i = 0; i < count; i++) jx_add(&tuple, asl_retain(args[i].array->items[row]));
        jx_add(&made, tuple);
    }
    *out = made;
    return 0;
}

// ---------------------------------------------------------------- $distinct

#define HASH_DEPTH 6 // what lies deeper is told apart by comparing

static uint32_t mix(uint64_t x) {
    x *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(x >> 32 ^ x);
}

static uint32_t hash_of(const asl_value *v, int depth) {
    switch (v->tag) {
    case ASL_INT:
    case ASL_DOUBLE:
    case ASL_NUMBER_TEXT: { // by value, whatever the form
        double d = v->tag == ASL_INT ? (double)v->i : jx_number(v);
        uint64_t bits = 0;
        if (d != 0) memcpy(&bits, &d, sizeof bits);
        return mix(bits ^ 0x6e);
    }
    case ASL_STRING: {
        if (v->size == ASL_ON_HEAP) return asl__text_hash(v->text);
        uint64_t words[2]; // short strings are inline always
        memcpy(words, v, sizeof words);
        return mix(words[0] ^ (uint64_t)mix(words[1]) << 16);
    }
    case ASL_BOOL: return v->b ? 0x5bd1e995u : 0x1b873593u;
    case ASL_ARRAY: {
        uint32_t h = mix(v->array->head.count + 0x100u);
        for (uint32_t i = 0; depth < HASH_DEPTH && i < v->array->head.count; i++) {
            h = mix((uint64_t)h << 32 | hash_of(&v->array->items[i], depth + 1));
        }
        return h;
    }
    case ASL_OBJECT: { // in any order
        const asl_object *o = v->object;
        uint32_t h = mix(o->head.count + 0x200u);
        for (uint32_t i = 0; depth < HASH_DEPTH && i < o->head.count; i++) {
            h += mix((uint64_t)asl__text_hash(o->entries[i].key) << 32 | hash_of(&o->entries[i].value, depth + 1));
        }
        return h;
    }
    default: return v->tag;
    }
}

static inline bool same(const asl_value *a, const asl_value *b) {
    bool plain = a->tag == ASL_INT || a->tag == ASL_STRING;
    return (plain && memcmp(a, b, sizeof *a) == 0) || jx_deep_equal(a, b);
}

struct seen {
    uint32_t hash, position; /* one more than the index in what is kept; 0: free */
};

int jx_fn_DISTINCT(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)jx, (void)count;
    const asl_value *v = &args[0];
    if (v->tag != ASL_ARRAY || v->array->head.count <= 1) {
        *out = asl_retain(*v);
        return 0;
    }
    uint32_t n = v->array->head.count, slots = 16;
    while (slots / 2 < n && slots < (1u << 30)) slots *= 2;
    struct seen local[64], *table = slots <= 64 ? local : asl_alloc(slots * sizeof *table);
    memset(table, 0, slots * sizeof *table);
    asl_value made = asl_array_new(n < 16 ? n : 16);
    for (uint32_t i = 0; i < n; i++) {
        const asl_value *item = &v->array->items[i];
        uint32_t hash = hash_of(item, 0), at = hash & (slots - 1);
        while (table[at].position) {
            if (table[at].hash == hash && same(&made.array->items[table[at].position - 1], item)) break;
            at = (at + 1) & (slots - 1);
        }
        if (table[at].position) continue;
        jx_add(&made, asl_retain(*item));
        table[at] = (struct seen){hash, made.array->head.count};
    }
    if (table != local) asl_free(table);
    *out = jx_marked(made, jx_marks(v) & JX_SEQUENCE);
    return 0;
}

// ---------------------------------------------------------------- $sort

// Both sorts are stable merge sorts. Without a comparator the keys are taken out first: doubles, or the first eight bytes
// of each string, which decide nearly every comparison.

struct sort_key {
    union {
        double number;
        uint64_t prefix;
    };
    const asl_value *item;
};

static inline bool number_after(const struct sort_key *a, const struct sort_key *b) { return a->number > b->number; }

static inline bool text_after(const struct sort_key *a, const struct sort_key *b) {
    // In ASCII the order of bytes is the order of UTF-16 units; elsewhere it may not be.
    if (a->prefix != b->prefix && !((a->prefix | b->prefix) & 0x8080808080808080u)) return a->prefix > b->prefix;
    return asl_string_compare(asl_text_of(a->item), asl_text_of(b->item)) > 0;
}

// Sorts keys[0 … n) with room for as many; the result is in either, which is returned.
#define MERGE_SORT(name, after)                                                                              \
    static struct sort_key *name(struct sort_key *keys, struct sort_key *room, size_t n) {                   \
        enum { RUN = 8 };                                                                                    \
        for (size_t start = 0; start < n; start += RUN) {                                                    \
            size_t end = start + RUN < n ? start + RUN : n;                                                  \
            for (size_t i = start + 1; i < end; i++) {                                                       \
                struct sort_key key = keys[i];                                                               \
                size_t j = i;                                                                                \
                for (; j > start && after(&keys[j - 1], &key); j--) keys[j] = keys[j - 1];                   \
                keys[j] = key;                                                                               \
            }                                                                                                \
        }                                                                                                    \
        for (size_t width = RUN; width < n; width *= 2) {                                                    \
            for (size_t start = 0; start < n; start += 2 * width) {                                          \
                size_t middle = start + width < n ? start + width : n;                                       \
                size_t end = middle + width < n ? middle + width : n;                                        \
                size_t left = start, right = middle;                                                         \
                for (size_t to = start; to < end; to++) {                                                    \
                    bool take_right = right < end && (left == middle || after(&keys[left], &keys[right]));   \
                    room[to] = keys[take_right ? right++ : left++];                                          \
                }                                                                                            \
            }                                                                                                \
            struct sort_key *swap = keys;                                                                    \
            keys = room;                                                                                     \
            room = swap;                                                                                     \
        }                                                                                                    \
        return keys;                                                                                         \
    }
MERGE_SORT(sort_numbers, number_after)
MERGE_SORT(sort_texts, text_after)

static uint64_t prefix_of(asl_str s) {
    uint8_t bytes[8] = {0};
    memcpy(bytes, s.data, s.size < 8 ? s.size : 8);
    uint64_t x = 0;
    for (int i = 0; i < 8; i++) x = x << 8 | bytes[i];
    return x;
}

static int sort_plain(struct jx *jx, const asl_value *items, uint32_t n, asl_value *out) {
    bool numbers = true, texts = true;
    for (uint32_t i = 0; i < n; i++) {
        numbers &= asl_is_number(&items[i]);
        texts &= items[i].tag == ASL_STRING;
    }
    if (!numbers && !texts) {
        asl_value first = asl_int(1);
        return jx_raise(jx, "D3070", "index", &first, (const char *)NULL);
    }
    struct sort_key *keys = asl_alloc(asl__block_size(0, n, 2 * sizeof *keys));
    for (uint32_t i = 0; i < n; i++) {
        keys[i].item = &items[i];
        if (numbers) keys[i].number = jx_number(&items[i]);
        else keys[i].prefix = prefix_of(asl_text_of(&items[i]));
    }
    const struct sort_key *sorted = numbers ? sort_numbers(keys, keys + n, n) : sort_texts(keys, keys + n, n);
    asl_value made = asl_array_new(n);
    for (uint32_t i = 0; i < n; i++) jx_add(&made, asl_retain(*sorted[i].item));
    asl_free(keys);
    *out = made;
    return 0;
}

// The reference's own way: halves, each sorted, then merged; so that a comparator that contradicts itself gives the same.
static int merge_sort(struct jx *jx, const asl_value *comparator, asl_value *items, asl_value *room, size_t n) {
    if (n <= 1) return 0;
    size_t half = n / 2;
    if (merge_sort(jx, comparator, items, room, half) < 0) return -1;
    if (merge_sort(jx, comparator, items + half, room, n - half) < 0) return -1;
    memcpy(room, items, half * sizeof *items);
    size_t left = 0, right = half, to = 0;
    while (left < half && right < n) {
        asl_value pair[2] = {room[left], items[right]}, answer = asl_none();
        if (jx_call(jx, comparator, pair, 2, &answer) < 0) {
            memcpy(&items[to], &room[left], (half - left) * sizeof *items); // all of them are still there
            return -1;
        }
        items[to++] = jx_host_truth(&answer) ? items[right++] : room[left++];
        asl_release(answer);
    }
    memcpy(&items[to], &room[left], (half - left) * sizeof *items);
    return 0;
}

int jx_fn_SORT(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    ARRAY_ARGUMENT();
    if (args[1].tag == ASL_NONE) return sort_plain(jx, items, n, out);
    JX_WANT(1, JX_F);
    asl_value made = asl_array_new(n);
    for (uint32_t i = 0; i < n; i++) jx_add(&made, asl_retain(items[i]));
    asl_value *room = asl_alloc(asl__block_size(0, n, sizeof *room));
    int rc = merge_sort(jx, &args[1], made.array->items, room, n);
    asl_free(room);
    if (rc < 0) asl_release(made);
    else *out = made;
    return rc;
}
