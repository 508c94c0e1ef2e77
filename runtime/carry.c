// Values from one thread to another: copied, because reference counts belong to one thread.
//
// The copier reads what the owner may count references of meanwhile, and may index (object.c): it looks at neither. That
// nothing else changes is the owner's promise, kept by holding a reference: what somebody else holds is not changed in place.
#include "threads.h"
#include "value_private.h"

#include <string.h>

static asl_text *copy_text(const asl_text *t, uint32_t hash) {
    size_t block = asl__text_block(t->size);
    asl_text *copy = asl__block_alloc(block);
    memset((char *)copy + block - ASL__TEXT_STEP, 0, ASL__TEXT_STEP);
    copy->refs = 1;
    copy->hash = hash;
    copy->size = t->size;
    memcpy(copy->bytes, t->bytes, t->size);
    return copy;
}

/* Objects of one kind have the same keys: they share their copies. */
static asl_text *carry_key(struct asl__carrier *c, const asl_text *key) {
    asl_text **known = &c->keys[key->hash % (sizeof c->keys / sizeof *c->keys)];
    if (*known && (*known)->hash == key->hash && asl__text_is(*known, key->bytes, key->size)) return asl_text_retain(*known);
    if (*known) asl_text_release(*known);
    *known = copy_text(key, key->hash);
    return asl_text_retain(*known);
}

static bool carry(struct asl__carrier *c, const asl_value *v, uint32_t depth, asl_value *out);

static bool carry_array(struct asl__carrier *c, const asl_value *v, uint32_t depth, asl_value *out) {
    uint32_t count = v->array->head.count;
    const asl_value *items = v->array->items;
    asl_value copy = asl_array_new(count);
    bool ok = true;
    for (uint32_t i = 0; i < count && ok; i++) {
        ok = carry(c, &items[i], depth + 1, &copy.array->items[i]);
        copy.array->head.count += ok;
    }
    *out = *v; /* with the marks that an evaluation may have left in the value itself */
    out->array = copy.array;
    return ok;
}

static bool carry_object(struct asl__carrier *c, const asl_value *v, uint32_t depth, asl_value *out) {
    uint32_t count = v->object->head.count;
    const struct asl__entry *entries = v->object->entries;
    asl_value copy = asl_object_new(count);
    bool ok = true;
    for (uint32_t i = 0; i < count && ok; i++) {
        struct asl__entry *entry = &copy.object->entries[i];
        ok = carry(c, &entries[i].value, depth + 1, &entry->value);
        if (!ok) break;
        entry->key = carry_key(c, entries[i].key);
        copy.object->head.count++;
    }
    *out = *v;
    out->object = copy.object;
    return ok;
}

static bool carry(struct asl__carrier *c, const asl_value *v, uint32_t depth, asl_value *out) {
    *out = *v;
    if (asl__is_container(v)) {
        bool ok = depth < ASL_MAX_DEPTH && v->tag != ASL_FUNCTION;
        if (ok) ok = v->tag == ASL_ARRAY ? carry_array(c, v, depth, out) : carry_object(c, v, depth, out);
        else *out = asl_none();
        if (ok) return true;
        asl_release(*out);
        *out = asl_none();
        return false;
    }
    if (asl__has_text(v)) out->text = copy_text(v->text, 0);
    return true;
}

bool asl__carry(struct asl__carrier *c, const asl_value *v, asl_value *out) { return carry(c, v, 0, out); }

void asl__carrier_clear(struct asl__carrier *c) {
    for (size_t i = 0; i < sizeof c->keys / sizeof *c->keys; i++)
        if (c->keys[i]) asl_text_release(c->keys[i]);
    *c = (struct asl__carrier){0};
}
