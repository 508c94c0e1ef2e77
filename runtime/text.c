// Text: its hash, its blocks on the heap, and the two Java orders that the service shows.
#include "value_private.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

// ---------------------------------------------------------------- hash

// The seed differs in every process, so that nobody can write an input whose keys all collide.

static uint64_t seed;
static atomic_bool seeded;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void) {
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) {
        // So early in the boot that there is no entropy yet: a poor seed is better than waiting.
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        seed = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)getpid() << 32 ^ (uintptr_t)&now;
    }
    atomic_store_explicit(&seeded, true, memory_order_release);
}

uint64_t asl__hash_seed(void) {
    if (__builtin_expect(!atomic_load_explicit(&seeded, memory_order_acquire), 0)) pthread_once(&seed_once, make_seed);
    return seed;
}

uint32_t asl_hash(asl_str text) { return asl__hash_with(asl__hash_seed(), text); }

// ---------------------------------------------------------------- blocks

asl_text *asl_text_new(asl_str text) {
    if (text.size > PTRDIFF_MAX) asl__out_of_memory(SIZE_MAX);
    size_t block = asl__text_block(text.size);
    asl_text *t = asl__block_alloc(block);
    // The NUL, and something definite where it may be read in steps of 16.
    memset((char *)t + block - ASL__TEXT_STEP, 0, ASL__TEXT_STEP);
    t->refs = 1;
    t->hash = asl_hash(text);
    t->size = text.size;
    if (text.size) memcpy(t->bytes, text.data, text.size);
    return t;
}

asl_text *asl_text_retain(asl_text *t) {
    t->refs++;
    return t;
}

void asl_text_release(asl_text *t) {
    if (--t->refs == 0) asl__block_free(t, asl__text_block(t->size));
}

asl_str asl_str_z(const char *zero_terminated) {
    return (asl_str){zero_terminated, strlen(zero_terminated)};
}

bool asl_str_equal(asl_str a, asl_str b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

// ---------------------------------------------------------------- Java's orders

static inline uint64_t load8(const char *p) {
    uint64_t x;
    memcpy(&x, p, 8);
    return x;
}

// UTF-8 compares byte by byte in the order of code points. UTF-16 differs in one place: code points above U+FFFF are
// surrogate pairs, d800 … dfff, and so come before U+E000 … U+FFFF. In the first byte that differs these are F0 … F4
// and EE, EF; in any later byte of a character both texts have the same number of bytes and the order is the same.
int asl_string_compare(asl_str a, asl_str b) {
    size_t shared = a.size < b.size ? a.size : b.size, i = 0;
    while (i + 8 <= shared && load8(a.data + i) == load8(b.data + i)) i += 8;
    while (i < shared && a.data[i] == b.data[i]) i++;
    if (i == shared) return (a.size > b.size) - (a.size < b.size);
    uint8_t x = (uint8_t)a.data[i], y = (uint8_t)b.data[i];
    if (x >= 0xee && y >= 0xee && (x >= 0xf0) != (y >= 0xf0)) return x >= 0xf0 ? -1 : 1;
    return x < y ? -1 : 1;
}

// String.hashCode(): 31 * h + unit over the UTF-16 code units.
static uint32_t java_hash(asl_str s) {
    uint32_t h = 0;
    const uint8_t *p = (const uint8_t *)s.data, *end = p + s.size;
    while (p < end) {
        uint32_t c = *p++;
        int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
        if (more) c &= 0x3fu >> more;
        for (; more && p < end; more--) c = c << 6 | (*p++ & 0x3fu);
        if (c >= 0x10000) {
            h = 31 * h + (0xd7c0u + (c >> 10));
            c = 0xdc00u | (c & 0x3ffu);
        }
        h = 31 * h + c;
    }
    return h;
}

// Twice as many buckets; counts anew what is in each, as long as that is asked.
static size_t doubled(size_t size, uint8_t in_bucket[64], const uint32_t *hashes, size_t count) {
    size *= 2;
    memset(in_bucket, 0, 64);
    for (size_t i = 0; size < 64 && i < count; i++) in_bucket[hashes[i] & (size - 1)]++;
    return size;
}

// java.util.HashMap, new and then filled: 16 buckets, doubled when more than three quarters full, and also when a ninth
// key falls into one bucket of fewer than 64. A bucket is a list in insertion order, and doubling keeps the order in
// both halves, so only the final number of buckets matters. (From 64 buckets on, a bucket of nine becomes a tree whose
// order is not modelled: no input that is not made for it gets there.)
void asl_java_hash_order(const asl_str *keys, size_t count, size_t *order) {
    if (!count) return;
    uint32_t few_hashes[32], *hashes = few_hashes;
    if (count > 32) hashes = asl_alloc(asl__block_size(0, count, sizeof *hashes));
    for (size_t i = 0; i < count; i++) {
        uint32_t h = java_hash(keys[i]);
        hashes[i] = h ^ h >> 16;
    }

    size_t size = 16;
    uint8_t in_bucket[64] = {0}; // while size < 64
    for (size_t i = 0; i < count; i++) {
        bool crowded = size < 64 && ++in_bucket[hashes[i] & (size - 1)] > 8;
        if (crowded) size = doubled(size, in_bucket, hashes, i + 1);
        if (i + 1 > size / 4 * 3) size = doubled(size, in_bucket, hashes, i + 1);
    }

    // Counting sort by bucket, stable.
    size_t few_starts[65] = {0}, *start = few_starts;
    if (size > 64) start = asl_calloc(size + 1, sizeof *start);
    for (size_t i = 0; i < count; i++) start[(hashes[i] & (size - 1)) + 1]++;
    for (size_t b = 0; b < size; b++) start[b + 1] += start[b];
    for (size_t i = 0; i < count; i++) order[start[hashes[i] & (size - 1)]++] = i;
    if (start != few_starts) asl_free(start);
    if (hashes != few_hashes) asl_free(hashes);
}
