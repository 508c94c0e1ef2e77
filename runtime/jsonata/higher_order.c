// Functions that call a function back (jsonata-language 15). Those written in the place of the call are compiled into it;
// what arrives here is a function in a variable, a built-in, a partial application.
//
// The item comes first; its index or key and the whole only when the function takes as many parameters.
#include "lib.h"

struct callback {
    const asl_value *function;
    uint32_t count; /* arguments it gets: 1, 2 or 3 */
};

static struct callback callback_of(const asl_value *function) {
    uint32_t arity = jx_arity(function);
    return (struct callback){function, arity < 2 ? 1 : arity < 3 ? 2 : 3};
}

static inline int call_back(struct jx *jx, struct callback c, asl_value item, asl_value place, asl_value whole,
                            asl_value *out) {
    asl_value args[3] = {item, place, whole};
    *out = asl_none();
    return jx_call(jx, c.function, args, c.count, out);
}

/* Undefined in, undefined out; else an array (or, as `array`, one item that is none) and a function. */
#define ARRAY_AND_FUNCTION()                                                                                 \
    (void)count;                                                                                             \
    JX_WANT(0, JX_A | JX_M);                                                                                 \
    *out = asl_none();                                                                                       \
    if (args[0].tag == ASL_NONE) return 0;                                                                   \
    const asl_value *items = args[0].array->items;                                                           \
    uint32_t n = args[0].array->head.count

int jx_fn_MAP(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    ARRAY_AND_FUNCTION();
    JX_WANT(1, JX_F);
    struct callback c = callback_of(&args[1]);
    asl_value made = asl_array_new(n);
    for (uint32_t i = 0; i < n; i++) {
        asl_value result;
        if (call_back(jx, c, items[i], asl_int(i), args[0], &result) < 0) {
            asl_release(made);
            return -1;
        }
        if (result.tag != ASL_NONE) jx_add(&made, result);
    }
    *out = jx_marked(made, JX_SEQUENCE);
    return 0;
}

int jx_fn_FILTER(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    ARRAY_AND_FUNCTION();
    JX_WANT(1, JX_F);
    struct callback c = callback_of(&args[1]);
    asl_value made = asl_array_new(0);
    for (uint32_t i = 0; i < n; i++) {
        asl_value result;
        if (call_back(jx, c, items[i], asl_int(i), args[0], &result) < 0) {
            asl_release(made);
            return -1;
        }
        int keep = jx_test(jx, &result);
        asl_release(result);
        if (keep < 0) {
            asl_release(made);
            return -1;
        }
        if (keep) jx_add(&made, asl_retain(items[i]));
    }
    *out = jx_marked(made, JX_SEQUENCE);
    return 0;
}

int jx_fn_SINGLE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    ARRAY_AND_FUNCTION();
    JX_WANT(1, JX_F | JX_M);
    struct callback c = {NULL, 0};
    if (args[1].tag != ASL_NONE) c = callback_of(&args[1]);
    const asl_value *found = NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (c.function) {
            asl_value result;
            if (call_back(jx, c, items[i], asl_int(i), args[0], &result) < 0) return -1;
            int wanted = jx_test(jx, &result);
            asl_release(result);
            if (wanted < 0) return -1;
            if (!wanted) continue;
        }
        if (found) {
            asl_value index = asl_int(i);
            return jx_raise(jx, "D3138", "index", &index, (const char *)NULL);
        }
        found = &items[i];
    }
    if (!found) return jx_raise(jx, "D3139", (const char *)NULL);
    *out = asl_retain(*found);
    return 0;
}

int jx_fn_REDUCE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    ARRAY_AND_FUNCTION();
    JX_WANT(1, JX_F);
    uint32_t arity = jx_arity(&args[1]), start = 0;
    if (arity < 2) {
        asl_value index = asl_int(1);
        return jx_raise(jx, "D3050", "index", &index, (const char *)NULL);
    }
    if (arity > 4) arity = 4;
    asl_value sofar = asl_retain(args[2]);
    if (sofar.tag == ASL_NONE && n) sofar = asl_retain(items[start++]);
    for (uint32_t i = start; i < n; i++) {
        asl_value next[4] = {sofar, items[i], asl_int(i), args[0]}, result = asl_none();
        int rc = jx_call(jx, &args[1], next, arity, &result);
        asl_release(sofar);
        if (rc < 0) return -1;
        sofar = result;
    }
    *out = sofar;
    return 0;
}

// ---------------------------------------------------------------- members of objects

#define OBJECT_AND_FUNCTION()                                                                                \
    (void)count;                                                                                             \
    JX_WANT(0, JX_O | JX_M);                                                                                 \
    *out = asl_none();                                                                                       \
    if (args[0].tag == ASL_NONE) return 0;                                                                   \
    JX_WANT(1, JX_F);                                                                                        \
    struct callback c = callback_of(&args[1]);                                                               \
    const struct asl__entry *entries = args[0].object->entries;                                              \
    uint32_t n = args[0].object->head.count, *order = jx_key_order(&args[0])

static int call_with_member(struct jx *jx, struct callback c, const struct asl__entry *e, const asl_value *object,
                            asl_value *out) {
    asl_value key = asl_string_of_text(e->key);
    int rc = call_back(jx, c, e->value, key, *object, out);
    asl_release(key);
    return rc;
}

int jx_fn_EACH(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    if (args[0].tag == ASL_NONE) { // has no members
        *out = jx_marked(asl_array_new(0), JX_SEQUENCE);
        return 0;
    }
    OBJECT_AND_FUNCTION();
    asl_value made = asl_array_new(n);
    int rc = 0;
    for (uint32_t i = 0; i < n; i++) {
        asl_value result;
        rc = call_with_member(jx, c, &entries[order ? order[i] : i], &args[0], &result);
        if (rc < 0) break;
        if (result.tag != ASL_NONE) jx_add(&made, result);
    }
    asl_free(order);
    if (rc < 0) asl_release(made);
    else *out = jx_marked(made, JX_SEQUENCE);
    return rc;
}

int jx_fn_SIFT(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    OBJECT_AND_FUNCTION();
    asl_value made = asl_object_new(0);
    int rc = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct asl__entry *e = &entries[order ? order[i] : i];
        asl_value result;
        rc = call_with_member(jx, c, e, &args[0], &result);
        if (rc < 0) break;
        rc = jx_test(jx, &result);
        asl_release(result);
        if (rc < 0) break;
        if (rc) made = asl_object_set(made, e->key, asl_retain(e->value));
        rc = 0;
    }
    asl_free(order);
    if (rc < 0 || asl_object_count(&made) == 0) asl_release(made);
    else *out = made;
    return rc;
}
