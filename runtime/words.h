// Private to the runtime: values moved as two words, with one load and one store each. A value that is stored in parts and
// loaded as a whole makes the processor wait, and compilers like to join the two.
#ifndef ASL_WORDS_H
#define ASL_WORDS_H

#include "value_private.h"

struct asl__words {
    uint64_t head, body;
};

static inline struct asl__words asl__load(const asl_value *v) {
    struct asl__words w;
    memcpy(&w.head, v, 8);
    memcpy(&w.body, (const char *)v + 8, 8);
#ifndef ASL_BITCODE /* there "noimplicitfloat" sees to it, and LLVM does not have to look through this */
    __asm__("" : "+r"(w.head), "+r"(w.body)); /* two registers, not half of a wider one */
#endif
    return w;
}

static inline struct asl__words asl__words_of(asl_value v) {
    struct asl__words w;
    memcpy(&w, &v, sizeof w);
    return w;
}

_Static_assert(ASL_ARRAY == 7 && ASL_FUNCTION < 15 && ASL_INLINE_MAX < 128 && ASL_ON_HEAP == 255, "see below");
static inline bool asl__owns(uint64_t head) {
    return ((head + 1) & 0x8008) != 0; /* tags from 7 on; sizes above 127, which only texts on the heap have */
}

/* Texts and containers begin with their count of references. */
_Static_assert(offsetof(asl_text, refs) == 0 && offsetof(struct asl__container, refs) == 0, "counted alike");
static inline void asl__retain_words(struct asl__words w) {
    if (asl__owns(w.head)) ++*(uint32_t *)(uintptr_t)w.body;
}

static inline void asl__release_words(struct asl__words w) {
    if (!asl__owns(w.head)) return;
    uint32_t *refs = (uint32_t *)(uintptr_t)w.body;
    if (*refs > 1) {
        --*refs;
        return;
    }
    asl_value gone;
    memcpy(&gone, &w, sizeof gone);
    asl_release(gone);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* Text that fits into a value, in registers: the first byte is the lowest, those behind its end are zeros. */
typedef unsigned __int128 asl__bytes16;
static inline asl__bytes16 asl__inline_bytes(struct asl__words w) { return ((asl__bytes16)w.body << 64 | w.head) >> 16; }
static inline struct asl__words asl__inline_words(asl__bytes16 text, uint64_t size) {
    return (struct asl__words){(uint64_t)text << 16 | size << 8 | ASL_STRING, (uint64_t)(text >> 48)};
}
#endif

static inline void asl__store_new(asl_value *d, struct asl__words w) { /* d holds nothing that counts */
    memcpy(d, &w.head, 8);
    memcpy((char *)d + 8, &w.body, 8);
}

static inline void asl__store(asl_value *d, struct asl__words w) {
    struct asl__words old = asl__load(d);
    asl__store_new(d, w);
    if (__builtin_expect(asl__owns(old.head), 0)) {
        asl_value gone;
        memcpy(&gone, &old, sizeof gone);
        asl_release(gone);
    }
}

#endif
