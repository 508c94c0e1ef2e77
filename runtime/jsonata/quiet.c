// What quiet machines do of JSONata themselves: single ops of expressions that have become part of the machine
// (compiler/opt/shape/splice.c). Operands are borrowed, and nothing is explained: 1 means that the expression is to be
// called after all, which raises the error, or gives what no document has (jx_strange), or nothing.
#include "eval.h"
#include "state.h"

#include <math.h>

#define INLINE
#include "quiet.h"

int64_t asl_hot_remainder(int64_t a, int64_t b) {
    double x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    x = fmod(x, y);
    memcpy(&a, &x, sizeof a);
    return a;
}

static struct jx *evaluation(asl_frame *frame) {
    asl_engine *e = frame_of(frame)->execution->engine;
    char message[200];
    struct jx_program *p = LIKELY(e->expressions) ? e->expressions : jx_expressions(e, message, sizeof message);
    return p && !p->strange ? jx_standing(p, &jx_service) : NULL;
}

static int32_t give(asl_value *d, asl_value v, uint32_t fresh) {
    if (UNLIKELY(v.tag == ASL_NONE || v.tag == ASL_FUNCTION || jx_strange)) {
        asl_release(v);
        jx_strange = false;
        return 1;
    }
    if (fresh) asl__store_new(d, asl__words_of(v));
    else asl__store(d, asl__words_of(v));
    return 0;
}

int32_t asl_hot_apply(asl_frame *frame, asl_value *d, uint32_t builtin, uint32_t fresh, const asl_value *a, const asl_value *b,
                      const asl_value *c, const asl_value *e, uint32_t count) {
    const asl_value *from[] = {a, b, c, e};
    asl_value args[4], out, nothing = asl_none();
    struct jx *jx = evaluation(frame);
    if (UNLIKELY(!jx)) return 1;
    for (uint32_t i = 0; i < count; i++) asl__store_new(&args[i], asl__load(from[i]));
    jx_strange = false;
    if (UNLIKELY(jx_call_builtin(jx, builtin, args, count, &nothing, &out) < 0)) {
        jx_pardon(jx);
        return 1;
    }
    return give(d, is_sequence(&out) ? jx_collapse(out, false) : out, fresh);
}

// What fits into a value is put together in registers.
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static inline bool short_part(const asl_value *v, asl__bytes16 *text, size_t *size) {
    uint64_t digits = 0;
    if (v->tag == ASL_INT && asl__few_digits(v->i, &digits, size)) {
        *text = digits;
        return true;
    }
    *text = asl__inline_bytes(asl__load(v));
    *size = v->size;
    return v->tag == ASL_STRING && v->size != ASL_ON_HEAP && (uint8_t)*text != 0xed; // half a character may meet its other half
}

static inline bool join_short(asl_value *d, const asl_value *const *v, uint32_t count, uint32_t fresh) {
    asl__bytes16 all = 0, text;
    size_t size = 0, more;
    for (uint32_t i = 0; i < count; i++) {
        if (!short_part(v[i], &text, &more) || more > ASL_INLINE_MAX - size) return false;
        all |= text << (8 * size);
        size += more;
    }
    struct asl__words w = asl__inline_words(all, size);
    if (fresh) asl__store_new(d, w);
    else asl__store(d, w);
    return true;
}
#else
static inline bool join_short(asl_value *d, const asl_value *const *v, uint32_t count, uint32_t fresh) {
    (void)d, (void)v, (void)count, (void)fresh;
    return false;
}
#endif

int32_t asl_hot_join(asl_frame *frame, asl_value *d, uint32_t fresh, const asl_value *a, const asl_value *b, const asl_value *c,
                     const asl_value *e, uint32_t count) {
    const asl_value *from[] = {a, b, c, e};
    if (LIKELY(join_short(d, from, count, fresh))) return 0;
    asl_value parts[4], out;
    struct jx *jx = evaluation(frame);
    if (UNLIKELY(!jx)) return 1;
    for (uint32_t i = 0; i < count; i++) asl__store_new(&parts[i], asl__load(from[i]));
    jx_strange = false;
    if (UNLIKELY(jx_concat(jx, parts, count, &out) < 0)) {
        jx_pardon(jx);
        return 1;
    }
    return give(d, out, fresh);
}

int32_t asl__hot_relate(asl_frame *frame, asl_value *d, uint32_t relation, const asl_value *a, const asl_value *b) {
    struct jx *jx = evaluation(frame);
    bool both = relation == ASL_TRUTH || (a->tag != ASL_NONE && b->tag != ASL_NONE), holds = false;
    int order = 0;
    if (UNLIKELY(!jx)) return 1;
    if (relation >= ASL_LESS && relation <= ASL_GREATER_EQUAL) {
        if (asl_is_number(a) && asl_is_number(b)) order = (jx_number(a) > jx_number(b)) - (jx_number(a) < jx_number(b));
        else if (a->tag == ASL_STRING && b->tag == ASL_STRING) order = asl_string_compare(asl_text_of(a), asl_text_of(b));
        else return 1;
    }
    switch ((enum asl_hot_relation)relation) {
    case ASL_SAME: holds = both && jx_deep_equal(a, b); break;
    case ASL_OTHER: holds = both && !jx_deep_equal(a, b); break;
    case ASL_IN: holds = both && jx_is_in(a, b); break;
    case ASL_LESS: holds = order < 0; break;
    case ASL_LESS_EQUAL: holds = order <= 0; break;
    case ASL_GREATER: holds = order > 0; break;
    case ASL_GREATER_EQUAL: holds = order >= 0; break;
    case ASL_TRUTH: holds = jx_truth(a); break;
    }
    asl_value_set(d, asl_bool(holds));
    return 0;
}
