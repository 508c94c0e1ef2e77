// Transforms (jsonata-language 12): a copy, and changes to the objects in it.
//
// The copy's objects are changed in place although the matches hold them too: that is what the language wants, a later
// match sees what was done to an earlier one. The handles of the copy's containers carry its number, so that an object
// from elsewhere, which others rely on, is never touched; and what an update brings in is copied when it comes from the
// copy, for an object that held itself could not be freed.
#include "eval.h"
#include "lib.h"

#include <math.h>
#include <stdlib.h>

enum { ROOM = 4 /* members that may be added to an object before it moves */ };

static void set_number(asl_value *v, uint32_t number) { memcpy(&v->reserved[2], &number, sizeof number); }
static uint32_t number_of(const asl_value *v) {
    uint32_t number;
    memcpy(&number, &v->reserved[2], sizeof number);
    return number;
}

// A number through its text with 15 digits (16).
static asl_value clone_number(const asl_value *v) {
    if (v->tag == ASL_INT) return *v;
    double d = jx_number(v);
    if (!isfinite(d)) return asl_null();
    char text[40];
    size_t size = jx_number_print15(d, text);
    if (v->tag == ASL_NUMBER_TEXT && asl_str_equal(asl_text_of(v), (asl_str){text, size})) return jx_retain(*v);
    text[size] = 0;
    return jx_number_value(strtod(text, NULL));
}

// Numbers written with few digits are what they are.
static inline bool is_short_number(const asl_value *v) { return v->tag == ASL_NUMBER_TEXT && v->size <= ASL_INLINE_MAX; }

static asl_value clone(const asl_value *v, uint32_t number, int depth);

static inline asl_value clone_item(const asl_value *v, uint32_t number, int depth) {
    if (v->tag == ASL_STRING || v->tag == ASL_INT || v->tag == ASL_BOOL || v->tag == ASL_NULL || is_short_number(v))
        return jx_retain(*v);
    return clone(v, number, depth);
}

static asl_value clone(const asl_value *v, uint32_t number, int depth) {
    if (v->tag == ASL_ARRAY) {
        uint32_t count = depth ? count_of(v) : 0;
        asl_value a = asl_array_new(count);
        for (uint32_t i = 0; i < count; i++) a.array->items[i] = clone_item(&v->array->items[i], number, depth - 1);
        a.array->head.count = count;
        set_number(&a, number);
        return a;
    }
    if (v->tag == ASL_OBJECT) {
        uint32_t count = depth ? v->object->head.count : 0;
        asl_value o = asl_object_new(count + (number ? ROOM : 0));
        const struct asl__entry *from = v->object->entries;
        struct asl__entry *to = o.object->entries;
        for (uint32_t i = 0; i < count; i++) {
            to[i].key = from[i].key;
            to[i].key->refs++;
            to[i].value = clone_item(&from[i].value, number, depth - 1);
        }
        o.object->head.count = count;
        set_number(&o, number);
        return o;
    }
    if (v->tag == ASL_FUNCTION) return asl_string_z("");
    if (v->tag == ASL_DOUBLE || v->tag == ASL_NUMBER_TEXT) return clone_number(v);
    return jx_retain(*v);
}

// Unique in the process, whichever thread an object ends up in; 0 is no copy's.
static uint32_t next_number(void) {
    static _Atomic uint32_t last;
    uint32_t number = ++last;
    return number ? number : ++last;
}

int32_t asl_rt_jx_clone(asl_frame *frame, uint32_t d, uint32_t v, uint32_t function, uint32_t k) {
    struct jx *jx = jx_of(frame);
    const asl_value *from = peek(frame, v);
    if (from->tag == ASL_NONE) {
        put(frame, d, asl_none());
        return 0;
    }
    if (from->tag != ASL_ARRAY && from->tag != ASL_OBJECT) {
        jx_raise(jx, "T0410", "value", from, "index", &(asl_value){.tag = ASL_INT, .i = 1}, (const char *)NULL);
        return jx_place_site(jx, k);
    }
    if (function != ASL_NO_OPERAND) {
        asl_value copy, argument = jx_retain(*from);
        if (peek(frame, function)->tag != ASL_FUNCTION) {
            asl_release(argument);
            jx_raise(jx, "T2013", (const char *)NULL);
            return jx_place_site(jx, k);
        }
        int rc = jx_call(jx, peek(frame, function), &argument, 1, &copy);
        asl_release(argument);
        if (rc < 0) return jx_place_site(jx, k);
        // Whatever it is, it is not ours to change.
        asl_value own = clone(&copy, next_number(), ASL_MAX_DEPTH);
        asl_release(copy);
        put(frame, d, own);
        return 0;
    }
    put(frame, d, clone(from, next_number(), ASL_MAX_DEPTH));
    return 0;
}

// Whether v, or something in it, belongs to the copy.
static bool belongs(const asl_value *v, uint32_t number, int depth) {
    if (v->tag != ASL_ARRAY && v->tag != ASL_OBJECT) return false;
    if (number_of(v) == number || depth == 0) return true;
    if (v->tag == ASL_ARRAY) {
        for (uint32_t i = 0; i < count_of(v); i++)
            if (belongs(&v->array->items[i], number, depth - 1)) return true;
    } else {
        for (uint32_t i = 0; i < v->object->head.count; i++)
            if (belongs(&v->object->entries[i].value, number, depth - 1)) return true;
    }
    return false;
}

// Puts the new object wherever the old one stands in v.
static void replace(asl_value *v, const asl_object *old, const asl_value *by, uint32_t number, int depth) {
    if ((v->tag != ASL_ARRAY && v->tag != ASL_OBJECT) || number_of(v) != number || depth == 0) return;
    if (v->tag == ASL_OBJECT && v->object == old) {
        asl_value_set(v, jx_retain(*by));
        return;
    }
    if (v->tag == ASL_ARRAY)
        for (uint32_t i = 0; i < count_of(v); i++) replace(&v->array->items[i], old, by, number, depth - 1);
    else
        for (uint32_t i = 0; i < v->object->head.count; i++) replace(&v->object->entries[i].value, old, by, number, depth - 1);
}

static void drop_index(asl_object *o) {
    asl_free(o->index);
    o->index = NULL;
    o->head.slots = 0;
}

// The match with room for so many members: itself, or a larger object in its place.
static asl_value with_room(asl_value *root, asl_value match, size_t members) {
    asl_object *o = match.object;
    if (o->head.capacity - o->head.count >= members) return match;
    uint32_t number = number_of(&match);
    asl_value larger = asl_object_new(2 * (o->head.count + members));
    for (uint32_t i = 0; i < o->head.count; i++) {
        larger.object->entries[i].key = asl_text_retain(o->entries[i].key);
        larger.object->entries[i].value = jx_retain(o->entries[i].value);
    }
    larger.object->head.count = o->head.count;
    set_number(&larger, number);
    replace(root, o, &larger, number, ASL_MAX_DEPTH);
    asl_release(match);
    return larger;
}

int32_t asl_rt_jx_changes(asl_frame *frame, uint32_t x, uint32_t m, uint32_t u, uint32_t k) {
    struct jx *jx = jx_of(frame);
    asl_value *root = &frame->slot[x];
    const asl_value *update = peek(frame, u);
    uint32_t number = number_of(root);
    if (update->tag == ASL_NONE) return 0;
    if (update->tag != ASL_OBJECT) {
        jx_raise(jx, "T2011", "value", update, (const char *)NULL);
        return jx_place_site(jx, k);
    }
    const asl_value *found = &frame->slot[m];
    if (found->tag != ASL_OBJECT) return 0;
    asl_value changes = jx_retain(*update);
    if (number_of(found) != number) { // no part of the copy: nobody but what names the members to remove sees it changed
        put(frame, m, jx_merge(jx_retain(*found), &changes));
        asl_release(changes);
        return 0;
    }
    asl_value match = with_room(root, jx_retain(*found), asl_object_count(&changes));
    asl_object *o = match.object;
    for (size_t i = 0; i < asl_object_count(&changes); i++) {
        const asl_value *item = asl_object_at(&changes, i);
        asl_value own = belongs(item, number, 64) ? clone(item, 0, ASL_MAX_DEPTH) : jx_retain(*item);
        uint32_t refs = o->head.refs;
        o->head.refs = 1; // there is room: it stays where it is
        jx_object_put((asl_value){.tag = ASL_OBJECT, .object = o}, asl_object_key_at(&changes, i), own);
        o->head.refs = refs;
    }
    put(frame, m, match); // it may have moved
    asl_release(changes);
    return 0;
}

static void remove_member(asl_object *o, asl_str name) {
    for (uint32_t i = 0; i < o->head.count; i++) {
        if (!asl_str_equal((asl_str){o->entries[i].key->bytes, o->entries[i].key->size}, name)) continue;
        struct asl__entry gone = o->entries[i];
        memmove(&o->entries[i], &o->entries[i + 1], (o->head.count - i - 1) * sizeof gone);
        o->head.count--;
        if (o->index) drop_index(o);
        asl_text_release(gone.key);
        asl_release(gone.value);
        return;
    }
}

int32_t asl_rt_jx_removes(asl_frame *frame, uint32_t x, uint32_t v, uint32_t n, uint32_t k) {
    struct jx *jx = jx_of(frame);
    const asl_value *names = peek(frame, n), *match = peek(frame, v);
    if (names->tag == ASL_NONE) return 0;
    const asl_value *items = names->tag == ASL_ARRAY ? names->array->items : names;
    uint32_t count = names->tag == ASL_ARRAY ? count_of(names) : 1;
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].tag == ASL_STRING) continue;
        jx_raise(jx, "T2012", "value", names, (const char *)NULL);
        return jx_place_site(jx, k);
    }
    if (match->tag != ASL_OBJECT || number_of(match) != number_of(&frame->slot[x])) return 0;
    for (uint32_t i = 0; i < count; i++) remove_member(match->object, asl_text_of(&items[i]));
    return 0;
}
