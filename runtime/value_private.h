// Private to the runtime: how arrays and objects lie in memory, and what the files about values share.
//
//     array   +------+-------+----------+-------+------+------+---
//             | refs | count | capacity |   -   | item | item | …       one block, items 16 bytes each
//             +------+-------+----------+-------+------+------+---
//
//     object  +------+-------+----------+-------+-------+-------------+-------------+---
//             | refs | count | capacity | slots | index | key · value | key · value | …    in insertion order
//             +------+-------+----------+-------+-------+-------------+-------------+---
//
// Objects of up to ASL__SCAN_MAX members are searched by looking at each. Larger ones get an index, made when the first
// search needs it: many objects are only parsed, passed on and printed.
#ifndef ASL_VALUE_PRIVATE_H
#define ASL_VALUE_PRIVATE_H

#include "aslc/value.h"

#include <string.h>

#define ASL__SCAN_MAX 8

/* What arrays and objects begin with. While a container is being freed its fields serve another purpose, so that
   freeing needs no memory, however deep the nesting. */
#define ASL__CAPACITY_MAX (UINT32_MAX / 4) /* leaves a bit of refs then, and the size of an index */
struct asl__container {
    uint32_t refs; /* being freed: twice its capacity, plus one for an object */
    uint32_t count;
    union {
        struct {
            uint32_t capacity;
            uint32_t slots; /* of an object's index */
        };
        struct asl__container *above; /* being freed: the container to go on with when this one is empty */
    };
};

struct asl_array {
    struct asl__container head;
    asl_value items[];
};

struct asl__entry {
    asl_text *key;
    asl_value value;
};

/* Open addressing, linear probing; position is one more than the entry's, 0 where the slot is free. */
struct asl__index_slot {
    uint32_t hash;
    uint32_t position;
};

struct asl_object {
    struct asl__container head;
    struct asl__index_slot *index; /* head.slots of them, a power of two; NULL when there is none */
    struct asl__entry entries[];
};

_Static_assert(sizeof(asl_value) == 16, "compiled code relies on this");
_Static_assert(offsetof(asl_value, inline_text) == 2 && offsetof(asl_value, i) == 8, "compiled code relies on this");
_Static_assert(sizeof(struct asl_array) == 16, "an array's header is one value long");

/* Says "out of memory" and aborts. */
_Noreturn void asl__out_of_memory(size_t size);
/* The size of a block of header + count * each bytes; out of memory when that overflows. */
size_t asl__block_size(size_t header, size_t count, size_t each);

/* Memory for texts, arrays and objects, which know how large they are: faster than asl_alloc when they are small. A
   block is freed with the size that it was allocated or resized to. */
void *asl__block_alloc(size_t size);
void asl__block_free(void *p, size_t size);
void *asl__block_resize(void *p, size_t old_size, size_t size);

static inline size_t asl__array_size(size_t capacity) {
    return sizeof(asl_array) + capacity * sizeof(asl_value); /* at most 16 GB: no overflow */
}
static inline size_t asl__object_size(size_t capacity) {
    return sizeof(asl_object) + capacity * sizeof(struct asl__entry);
}

static inline bool asl__is_container(const asl_value *v) { return v->tag >= ASL_ARRAY; }

static inline bool asl__has_text(const asl_value *v) {
    return (v->tag == ASL_STRING || v->tag == ASL_NUMBER_TEXT) && v->size == ASL_ON_HEAP;
}

/* asl_release, which most values do not need. */
static inline void asl__drop(asl_value v) {
    if (asl__is_container(&v) || asl__has_text(&v)) asl_release(v);
}

/* asl_retain, likewise. */
static inline asl_value asl__keep(asl_value v) {
    if (asl__is_container(&v)) v.array->head.refs++;
    else if (asl__has_text(&v)) v.text->refs++;
    return v;
}

/* asl_equal, of what mostly are integers. */
static inline bool asl__equal(const asl_value *a, const asl_value *b) {
    return a->tag == ASL_INT && b->tag == ASL_INT ? a->i == b->i : asl_equal(a, b);
}

/* Appends to an array of which this is the only owner; the item is moved in. */
static inline void asl__push(asl_value *array, asl_value item) {
    asl_array *a = array->array;
    if (a->head.count < a->head.capacity) a->items[a->head.count++] = item;
    else *array = asl_array_push(*array, item);
}

/* A new string or number text of the given tag. */
asl_value asl__text_value(asl_tag tag, asl_str text);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* The first `size` <= 8 bytes as a number whose lowest byte is the first. */
static inline uint64_t asl__load_short(const char *p, size_t size) {
    uint64_t x = 0, y = 0;
    if (size >= 8) {
        memcpy(&x, p, 8);
    } else if (size >= 4) {
        memcpy(&x, p, 4);
        memcpy(&y, p + size - 4, 4);
        x |= y << (size - 4) * 8;
    } else if (size >= 2) {
        memcpy(&x, p, 2);
        memcpy(&y, p + size - 2, 2);
        x |= y << (size - 2) * 8;
    } else if (size) {
        x = (uint8_t)*p;
    }
    return x;
}
/* Made in two registers: written byte by byte and read again as 16 it would stall the processor. */
static inline asl_value asl__inline_text(asl_tag tag, const char *data, size_t size) {
    uint64_t half[2] = {(uint64_t)tag | (uint64_t)size << 8 | asl__load_short(data, size < 6 ? size : 6) << 16,
                        size > 6 ? asl__load_short(data + 6, size - 6) : 0};
    asl_value v;
    memcpy(&v, half, sizeof v);
    return v;
}
#else
static inline asl_value asl__inline_text(asl_tag tag, const char *data, size_t size) {
    asl_value v = {.tag = (uint8_t)tag, .size = (uint8_t)size};
    memcpy(v.inline_text, data, size);
    return v;
}
#endif

/* asl_hash() with a seed asked for once: multiply and fold, in the manner of wyhash. Nothing visible depends on it. */
uint64_t asl__hash_seed(void);
static inline uint64_t asl__fold(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
static inline uint32_t asl__hash_with(uint64_t seed, asl_str text) {
    const uint64_t c1 = 0xa0761d6478bd642fu, c2 = 0xe7037ed1a0b428dbu;
    const char *p = text.data;
    size_t left = text.size;
    uint64_t h = seed ^ c1, a = 0, b = 0;
    while (left > 16) {
        memcpy(&a, p, 8);
        memcpy(&b, p + 8, 8);
        h = asl__fold(a ^ c1, b ^ h);
        p += 16, left -= 16;
    }
    // The last 0 … 16 bytes as two words, which may overlap.
    a = b = 0;
    if (left >= 8) {
        memcpy(&a, p, 8);
        memcpy(&b, p + left - 8, 8);
    } else if (left >= 4) {
        memcpy(&a, p, 4);
        memcpy(&b, p + left - 4, 4);
    } else if (left) {
        a = (uint64_t)(uint8_t)p[0] << 16 | (uint64_t)(uint8_t)p[left >> 1] << 8 | (uint8_t)p[left - 1];
    }
    h = asl__fold(a ^ c2, b ^ h);
    h = asl__fold(h ^ text.size, c1 ^ seed);
    uint32_t hash = (uint32_t)(h ^ h >> 32);
    return hash + !hash; // 0 stands for unknown
}
/* Of most strings nobody asks for the hash: the parser leaves it out, and an object adds it to the keys it takes. Others read
   it only, because a carrier may look at the text at the same time (carry.c). */
static inline uint32_t asl__text_hash(const asl_text *t) {
    return t->hash ? t->hash : asl_hash((asl_str){t->bytes, t->size});
}
/* Of a text that becomes a key. */
static inline uint32_t asl__key_hash(asl_text *t) {
    if (__builtin_expect(!t->hash, 0)) t->hash = asl__text_hash(t);
    return t->hash;
}

/* The bytes of an asl_text may be read in steps of 16 from the first: what follows the NUL is allocated too. */
#define ASL__TEXT_STEP 16
/* The size of its block: at least one byte more than the text, for the NUL, and a multiple of ASL__TEXT_STEP. */
static inline size_t asl__text_block(size_t size) {
    return (sizeof(asl_text) + size + ASL__TEXT_STEP) & ~(size_t)(ASL__TEXT_STEP - 1);
}
static inline bool asl__text_is(const asl_text *t, const char *data, size_t size) {
    return t->size == size && memcmp(t->bytes, data, size) == 0;
}
/* Mostly of names, which are short: a call of memcmp takes longer than all of this. */
static inline bool asl__text_equal(const asl_text *a, const asl_text *b) {
    if (a == b) return true;
    if (a->size != b->size || (a->hash != b->hash && a->hash && b->hash)) return false;
    if (a->size > 64) return memcmp(a->bytes, b->bytes, a->size) == 0;
    for (size_t i = 0; i < a->size; i += 8) {
        uint64_t x, y;
        memcpy(&x, a->bytes + i, 8);
        memcpy(&y, b->bytes + i, 8);
        if (a->size - i < 8) {
            unsigned beyond = 64 - 8 * (unsigned)(a->size - i);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            return (x ^ y) << beyond == 0;
#else
            return (x ^ y) >> beyond == 0;
#endif
        }
        if (x != y) return false;
    }
    return true;
}

/* Containers of values that are moved in. Of entries with the same key the last one wins, in the first one's place. */
asl_value asl__array_of(const asl_value *items, size_t count);
asl_value asl__object_of(const struct asl__entry *entries, size_t count);
/* A new array of these items, which are borrowed. */
asl_value asl__array_copy(const asl_value *items, size_t count);

/* Of members with the same key keeps the last one, in the first one's place. Nobody has searched the object yet. */
void asl__object_settle(asl_object *o);

/* The member with this key, or NULL. */
struct asl__entry *asl__object_find(asl_object *o, const asl_text *key);

/* Where the member or item is, to be changed: the container is made its owner's alone. A member that was missing is there
   now, and ASL_NONE until the caller has put something into it. */
asl_value *asl__object_place(asl_value *object, asl_text *key);
/* The object for its sole owner to change: a copy, with room for so many more members, unless it is that already. The
   caller's reference is taken. */
asl_object *asl__object_own(asl_object *object, uint32_t room);
asl_value *asl__array_place(asl_value *array, size_t index);

/* The digits of 0 … 99999999, the first in the lowest byte: all at once, halves of four, of two and of one, of which the
   leading zeros are shifted out. False: n is another. */
static inline bool asl__few_digits(int64_t n, uint64_t *text, size_t *size) {
    if ((uint64_t)n > 99999999) return false;
    uint64_t x = (uint64_t)n, fours = x / 10000 | (x % 10000) << 32;
    uint64_t high = (fours * 10486 >> 20) & 0x7f0000007f, twos = high | (fours - 100 * high) << 16;
    uint64_t tens = (twos * 103 >> 10) & 0xf000f000f000f, ones = tens | (twos - 10 * tens) << 8;
    unsigned zeros = (unsigned)__builtin_ctzll(ones | (uint64_t)1 << 56) & ~7u;
    *text = (ones | 0x3030303030303030) >> zeros;
    *size = 8 - zeros / 8;
    return true;
}

/* Decimal digits of i with its sign, not NUL-terminated; the length. */
size_t asl__int_print(int64_t i, char out[20]);
/* 0.d1 d2 … × 10^point in the notation of asl_double_print. Returns the end. */
char *asl__digits_print(const char *digits, size_t count, int point, char *out);

/* Reads the JSON number at `text`, which begins with '-' or a digit, and returns where it ends. *value is made by the
   same rules as asl_number_text. When it is no number: *value is ASL_NONE, *why a message, and the culprit is returned. */
const char *asl__number_scan(const char *text, const char *end, asl_value *value, const char **why);

#endif
