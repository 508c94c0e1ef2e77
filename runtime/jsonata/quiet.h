// What quiet machines do of JSONata in a few lines: for the library (quiet.c), and for the bitcode that is inlined
// (../hot.c). INLINE, LIKELY and UNLIKELY are theirs.
#include "../hot.h"
#include "../words.h"

/* Two integers and two short texts; the rest is quiet.c's. The relation is a constant where this is called. */
INLINE int32_t asl_hot_relate(asl_frame *frame, asl_value *d, uint32_t relation, uint32_t fresh, const asl_value *a, const asl_value *b) {
    const int64_t exact = INT64_C(1) << 53;
    struct asl__words x = asl__load(a), y = relation == ASL_TRUTH ? x : asl__load(b);
    uint8_t tag = (uint8_t)x.head;
    int64_t i = (int64_t)x.body, j = (int64_t)y.body;
    bool ints = tag == ASL_INT && (uint8_t)y.head == ASL_INT && i >= -exact && i <= exact && j >= -exact && j <= exact;
    bool texts = tag == ASL_STRING && (uint8_t)y.head == ASL_STRING && (uint8_t)(x.head >> 8) != ASL_ON_HEAP &&
                 (uint8_t)(y.head >> 8) != ASL_ON_HEAP, same = x.head == y.head && x.body == y.body;
    bool known = relation <= ASL_OTHER ? ints || texts : relation == ASL_TRUTH ? tag == ASL_BOOL || tag == ASL_INT : relation != ASL_IN && ints;
    if (UNLIKELY(!known)) return asl__hot_relate(frame, d, relation, a, b);
    bool holds = relation == ASL_SAME         ? same
                 : relation == ASL_OTHER      ? !same
                 : relation == ASL_LESS       ? i < j
                 : relation == ASL_LESS_EQUAL ? i <= j
                 : relation == ASL_GREATER    ? i > j
                 : relation == ASL_TRUTH      ? (tag == ASL_BOOL ? (x.body & 1) != 0 : i != 0)
                                              : i >= j;
    struct asl__words w = asl__words_of(asl_bool(holds));
    if (fresh) asl__store_new(d, w);
    else asl__store(d, w);
    return 0;
}

INLINE void asl_hot_unmarked(asl_value *d, const asl_value *s, uint32_t fresh) {
    struct asl__words w = asl__load(s);
    asl__retain_words(w);
    if ((uint8_t)w.head == ASL_ARRAY) w.head = ASL_ARRAY;
    if (fresh) asl__store_new(d, w);
    else asl__store(d, w);
}
