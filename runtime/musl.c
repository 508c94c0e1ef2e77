// What executables that are linked against musl have of their own (compiler/link.c): memory, environment variables and a hash.
//
// A process that lives for a tenth of a millisecond spends it on system calls and page faults, so memory comes from the
// executable's own zeroed pages first. Small blocks are rounded up to one of a few sizes and kept on a list per size; large
// ones are mapped. musl takes these functions for its own when they stand in one object file.
//
// Journals need SHA-256 (FIPS 180-4), under nettle's names, because nettle asks the processor for its features at every start.
#include <dlfcn.h>
#include <errno.h>
#include <nettle/sha2.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// ---------------------------------------------------------------- memory

struct head { /* before every block */
    size_t size; /* of the block; a mapped one: of the mapping */
    uint32_t class, offset; /* where the block begins in its mapping, or in its real block when it was aligned */
};
_Static_assert(sizeof(struct head) == 16, "blocks are aligned");

struct free_block {
    struct free_block *next;
};

enum { STEP = 16, FINE = 64, CLASSES = FINE + 4 * 8 + 1, MAPPED = 255, ALIGNED = 254 };
#define SMALL_MAX ((size_t)FINE * STEP)      /* multiples of 16 up to here */
#define CLASS_MAX (SMALL_MAX << 8)           /* then four sizes up to each doubling; larger ones are mapped */
#define CHUNK     ((size_t)1 << 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct free_block *lists[CLASSES];
/* Blocks are cut from the end of an area to its beginning, and small values take pages (alloc.c) from there on: what a short
   run touches of both lies together. Common, so that the linker puts it behind the small variables, which then share the
   pages of those that are not zeroed; aligned by hand for the same reason. */
enum { PAGE = 4096, FIRST_BLOCKS = 1 << 16, FIRST_PAGES = 64 * PAGE };
extern char asl__first_memory[FIRST_BLOCKS + FIRST_PAGES + PAGE];
__attribute__((common, aligned(STEP))) char asl__first_memory[FIRST_BLOCKS + FIRST_PAGES + PAGE];
static char *fresh, *fresh_end;

static char *page_of(const void *p) { return (char *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1)); }
static char *first_page(void) { return page_of(asl__first_memory + FIRST_BLOCKS + PAGE - 1); }

struct asl__page *asl__first_pages(size_t size) {
    if (size > FIRST_PAGES) abort();
    return (struct asl__page *)(void *)first_page();
}

static unsigned class_of(size_t size, size_t *rounded) {
    if (size <= SMALL_MAX) {
        *rounded = (size + STEP - 1) & ~(size_t)(STEP - 1);
        return (unsigned)(*rounded / STEP);
    }
    unsigned octave = 0;
    while ((SMALL_MAX << (octave + 1)) < size) octave++;
    size_t quarter = (SMALL_MAX << octave) / 4, n = (size - (SMALL_MAX << octave) + quarter - 1) / quarter;
    *rounded = (SMALL_MAX << octave) + n * quarter;
    return FINE + 4 * octave + (unsigned)n;
}

static void *map(size_t size) {
    if (size > SIZE_MAX - 8192) {
        errno = ENOMEM;
        return NULL;
    }
    size_t all = (size + sizeof(struct head) + 4095) & ~(size_t)4095;
    struct head *h = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (h == MAP_FAILED) return NULL;
    *h = (struct head){.size = all, .class = MAPPED};
    return h + 1;
}

static void *cut(size_t rounded, unsigned class) {
    size_t all = rounded + sizeof(struct head);
    if ((size_t)(fresh_end - fresh) < all) { /* what is left is lost */
        bool first = !fresh;
        char *area = first ? asl__first_memory : mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED) return NULL;
        fresh = area;
        fresh_end = first ? first_page() : area + CHUNK;
    }
    fresh_end -= all;
    struct head *h = (struct head *)(void *)fresh_end;
    *h = (struct head){.size = rounded, .class = class};
    return h + 1;
}

void *malloc(size_t size) {
    if (size > CLASS_MAX) return map(size);
    size_t rounded;
    unsigned class = class_of(size ? size : 1, &rounded);
    pthread_mutex_lock(&lock);
    void *p = lists[class];
    if (p) lists[class] = lists[class]->next;
    else p = cut(rounded, class);
    pthread_mutex_unlock(&lock);
    return p;
}

void free(void *p) {
    if (!p) return;
    struct head *h = (struct head *)p - 1;
    if (h->class == ALIGNED) {
        p = (char *)p - h->offset;
        h = (struct head *)p - 1;
    }
    if (h->class == MAPPED) {
        int saved = errno;
        munmap(h, h->size);
        errno = saved;
        return;
    }
    struct free_block *b = p;
    pthread_mutex_lock(&lock);
    b->next = lists[h->class];
    lists[h->class] = b;
    pthread_mutex_unlock(&lock);
}

void *calloc(size_t n, size_t size) {
    size_t all;
    if (__builtin_mul_overflow(n, size, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    void *p = malloc(all);
    if (p && ((struct head *)p)[-1].class != MAPPED) memset(p, 0, all);
    return p;
}

/* What a block that was not asked to be aligned has room for. */
static size_t room(const struct head *h) { return h->class == MAPPED ? h->size - sizeof *h : h->size; }

void *realloc(void *p, size_t size) {
    if (!p) return malloc(size);
    struct head *h = (struct head *)p - 1;
    size_t have = h->class == ALIGNED ? h->size : room(h);
    if (size <= have && (size >= have / 4 || have <= SMALL_MAX)) return p;
    if (h->class == MAPPED && size > CLASS_MAX && size < SIZE_MAX - 8192) {
        size_t all = (size + sizeof *h + 4095) & ~(size_t)4095;
        h = mremap(h, h->size, all, MREMAP_MAYMOVE);
        if (h == MAP_FAILED) return NULL;
        h->size = all;
        return h + 1;
    }
    void *q = malloc(size);
    if (!q) return NULL;
    memcpy(q, p, size < have ? size : have);
    free(p);
    return q;
}

void *aligned_alloc(size_t alignment, size_t size) {
    if (alignment <= STEP) return malloc(size);
    if (size > SIZE_MAX - 2 * alignment) {
        errno = ENOMEM;
        return NULL;
    }
    char *p = malloc(size + alignment + sizeof(struct head));
    if (!p || ((uintptr_t)p & (alignment - 1)) == 0) return p;
    char *q = (char *)(((uintptr_t)p + sizeof(struct head) + alignment - 1) & ~(uintptr_t)(alignment - 1));
    ((struct head *)(void *)q)[-1] = (struct head){.size = size, .class = ALIGNED, .offset = (uint32_t)(q - p)};
    return q;
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    void *p = aligned_alloc(alignment, size);
    if (p) *out = p;
    return p ? 0 : ENOMEM;
}

void *memalign(size_t alignment, size_t size) { return aligned_alloc(alignment, size); }

size_t malloc_usable_size(void *p) {
    const struct head *h = (struct head *)p - 1;
    return !p ? 0 : h->class == ALIGNED ? h->size : room(h);
}

// ---------------------------------------------------------------- the environment

/* Asked for half a dozen names that are rarely there; musl calls a function for each variable and name. */
char *getenv(const char *name) {
    size_t size = strcspn(name, "=");
    if (!environ || !size || name[size]) return NULL;
    for (char **e = environ; *e; e++)
        if (**e == *name && strncmp(*e, name, size) == 0 && (*e)[size] == '=') return *e + size + 1;
    return NULL;
}

// ---------------------------------------------------------------- what glibc has

/* Archives that were made for glibc with checks ask for these. */
int __fprintf_chk(FILE *out, int flag, const char *format, ...);
int __fprintf_chk(FILE *out, int flag, const char *format, ...) {
    (void)flag;
    va_list arguments;
    va_start(arguments, format);
    int rc = vfprintf(out, format, arguments);
    va_end(arguments);
    return rc;
}

#define CHECKED(name, second)                                                                                                    \
    void *__##name##_chk(void *to, second, size_t size, size_t room);                                                           \
    void *__##name##_chk(void *to, second, size_t size, size_t room) {                                                          \
        if (size > room) abort();                                                                                                \
        return name(to, from, size);                                                                                             \
    }
CHECKED(memcpy, const void *from)
CHECKED(memmove, const void *from)
CHECKED(memset, int from)

/* Stores open their libraries when they are asked for. */
void *dlopen(const char *name, int flags) {
    (void)name;
    (void)flags;
    return NULL;
}
void *dlsym(void *restrict handle, const char *restrict name) {
    (void)handle;
    (void)name;
    return NULL;
}
int dlclose(void *handle) {
    (void)handle;
    return 0;
}
char *dlerror(void) { return "an executable that is linked statically against musl opens no libraries: build it without --static"; }

// ---------------------------------------------------------------- SHA-256

static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline uint32_t turned(uint32_t x, int bits) { return x >> bits | x << (32 - bits); }

static inline uint32_t load(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void store(uint8_t *p, uint32_t x) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(x >> (24 - 8 * i));
}

static void mix(uint32_t state[8], const uint8_t block[64]) {
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++) w[i] = load(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) + w[i - 7] + (turned(b, 17) ^ turned(b, 19) ^ b >> 10);
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t a = s[0], e = s[4];
        uint32_t t1 = s[7] + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
        uint32_t t2 = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) state[i] += s[i];
}

void nettle_sha256_init(struct sha256_ctx *c) {
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memset(c, 0, sizeof *c);
    memcpy(c->state, first, sizeof first);
}

void nettle_sha256_update(struct sha256_ctx *c, size_t size, const uint8_t *data) {
    while (size > 0) {
        size_t room = sizeof c->block - c->index, n = size < room ? size : room;
        memcpy(c->block + c->index, data, n);
        c->index += (unsigned)n;
        data += n;
        size -= n;
        if (c->index < sizeof c->block) break;
        mix(c->state, c->block);
        c->count++;
        c->index = 0;
    }
}

void nettle_sha256_digest(struct sha256_ctx *c, size_t size, uint8_t *digest) {
    uint64_t bits = (c->count * sizeof c->block + c->index) * 8;
    uint8_t end[72] = {0x80}, all[32];
    size_t padding = (c->index < 56 ? 56 : 120) - c->index;
    for (int i = 0; i < 8; i++) end[padding + i] = (uint8_t)(bits >> (56 - 8 * i));
    nettle_sha256_update(c, padding + 8, end);
    for (int i = 0; i < 8; i++) store(all + 4 * i, c->state[i]);
    memcpy(digest, all, size < sizeof all ? size : sizeof all);
    nettle_sha256_init(c);
}
