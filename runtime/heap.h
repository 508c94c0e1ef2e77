// Private to the runtime: a thread's heap of small blocks (alloc.c), for loops that make or free very many.
//
// asl__block_alloc() finds its thread's heap anew each time; who has asked for it once with asl__heap() allocates and
// frees with a few instructions.
#ifndef ASL_HEAP_H
#define ASL_HEAP_H

#include "value_private.h"

#include <stdatomic.h>

// With the address sanitizer each block is one of malloc's, so that its mistakes are found.
#if defined __SANITIZE_ADDRESS__
#define ASL__SMALL_MAX 0
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define ASL__SMALL_MAX 0
#endif
#endif
#ifndef ASL__SMALL_MAX
#define ASL__SMALL_MAX 512
#endif
#define ASL__HEAP_STEP    16 /* sizes are rounded up to a multiple; blocks are aligned to it */
#define ASL__HEAP_CLASSES (ASL__SMALL_MAX / ASL__HEAP_STEP + 1)

#define ASL__PAGE 4096 /* small blocks lie within one, after its header */

struct asl__free_block {
    struct asl__free_block *next;
};

/* Blocks of a large document are cut from pages one after the other, which is how memory is fastest, and are not put on
   free lists: when the last of a page is freed, the page is used anew. Such a page belongs to a run. */
struct asl__page {
    struct asl__heap *owner; /* of a run's page; NULL: freed blocks go to the free lists */
    uint32_t live;           /* of a run's page: blocks not freed; ASL__PAGE_OPEN more while blocks are cut from it */
    uint32_t unused;
};
#define ASL__PAGE_OPEN 0x40000000u
_Static_assert(sizeof(struct asl__page) == ASL__HEAP_STEP, "blocks are aligned");

struct asl__heap {
    atomic_ulong made, freed; /* blocks, by this thread */
    struct asl__heap *next;
    struct asl__free_block *free[ASL__HEAP_CLASSES]; /* [n]: of n * ASL__HEAP_STEP bytes */
    char *fresh, *fresh_end;                         /* what is left of the page that is being cut up for them */
    char *run, *run_end;                             /* the same of a run's page; NULL when there is none */
    struct asl__free_block *empty;                   /* pages, in the place of their first block */
    char *pages, *pages_end;                         /* pages never used, of the last chunk */
};

/* The calling thread's. It may not be used by another. */
struct asl__heap *asl__heap(void);

#ifdef ASLC_MUSL
/* Zeroed pages of the executable's own (musl.c), once. */
struct asl__page *asl__first_pages(size_t size);
#endif
/* The owner's page has no live block any more. */
void asl__page_empty(struct asl__heap *h, struct asl__page *page);
/* So many blocks have been cut from the run's page since it was counted last: at h->run, which the caller moves on. */
void asl__run_count(struct asl__heap *h, uint32_t blocks);
/* The run goes on with another page, after its last one was counted. */
void asl__run_next(struct asl__heap *h);

static inline struct asl__page *asl__page_of(const void *block) {
    return (struct asl__page *)((uintptr_t)block & ~(uintptr_t)(ASL__PAGE - 1));
}

/* What a block of this size really takes, as far as that is known. */
static inline size_t asl__heap_rounded(size_t size) {
    return (size + ASL__HEAP_STEP - 1) & ~(size_t)(ASL__HEAP_STEP - 1);
}

// No other thread writes it, so this need not be one atomic addition.
static inline void asl__heap_count(atomic_ulong *counter, unsigned long blocks) {
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + blocks, memory_order_relaxed);
}

static inline void *asl__heap_alloc(struct asl__heap *h, size_t size) {
    size_t rounded = asl__heap_rounded(size);
    if (rounded > ASL__SMALL_MAX) return asl__block_alloc(size);
    struct asl__free_block *block = h->free[rounded / ASL__HEAP_STEP];
    if (block) {
        h->free[rounded / ASL__HEAP_STEP] = block->next;
    } else {
        if ((size_t)(h->fresh_end - h->fresh) < rounded) return asl__block_alloc(size);
        block = (struct asl__free_block *)(void *)h->fresh;
        h->fresh += rounded;
    }
    asl__heap_count(&h->made, 1);
    return block;
}

static inline void asl__heap_free(struct asl__heap *h, void *p, size_t size) {
    size_t rounded = asl__heap_rounded(size);
    if (rounded > ASL__SMALL_MAX) {
        asl_free(p);
        return;
    }
    asl__heap_count(&h->freed, 1);
    struct asl__page *page = asl__page_of(p);
    if (page->owner == h) {
        if (--page->live == 0) asl__page_empty(h, page);
        return;
    }
    struct asl__free_block *block = p;
    block->next = h->free[rounded / ASL__HEAP_STEP];
    h->free[rounded / ASL__HEAP_STEP] = block;
}

#endif
