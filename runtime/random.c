// Random numbers: xoshiro256** (Blackman and Vigna), its state filled by splitmix64.
//
// Everything random in a run (UUIDs, task tokens, jitter, States.MathRandom) comes from one generator of the engine, so
// that a run with --seed gives the same text every time.
#include "query.h"

static uint64_t splitmix(uint64_t *x) {
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void asl__random_seed(struct asl__random *r, uint64_t seed) {
    for (int i = 0; i < 4; i++) r->s[i] = splitmix(&seed); // never all zero: splitmix is a bijection of a counter
}

static uint64_t rotate_left(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

uint64_t asl__random_next(struct asl__random *r) {
    uint64_t *s = r->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double asl__random_unit(struct asl__random *r) {
    return (double)(asl__random_next(r) >> 11) * 0x1p-53; // the 53 best bits: every value is exact, 1.0 never comes
}

void asl__random_uuid(struct asl__random *r, char out[37]) {
    uint64_t high = asl__random_next(r), low = asl__random_next(r);
    asl__uuid_print(high, low, out);
}

void asl__uuid_print(uint64_t high, uint64_t low, char out[37]) {
    static const char hex[] = "0123456789abcdef";
    high = (high & ~0xf000ull) | 0x4000u;                    // version 4
    low = (low & ~(3ull << 62)) | (2ull << 62);              // the variant of RFC 4122
    char *p = out;
    for (int nibble = 0; nibble < 32; nibble++) {
        if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) *p++ = '-';
        uint64_t half = nibble < 16 ? high : low;
        *p++ = hex[half >> (60 - nibble % 16 * 4) & 15];
    }
    *p = 0;
}
