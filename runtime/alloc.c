// Memory: malloc that does not return NULL, and a count of what is still allocated.
//
// The counts are for tests and measuring, so they must cost next to nothing: each thread counts for itself, in variables
// that only it writes, what it allocates and what it frees; asl_alloc_live() adds them up. A block may be freed by another
// thread than the one that allocated it; one thread's difference may then be negative, the sum is right. A thread that
// ends leaves its counts behind.
//
// Texts, arrays and objects know their own size, so the small ones need no more than a free list per size, of the
// thread's own: asl__block_alloc() takes the first, asl__block_free() puts it back. Lists are filled by cutting up
// chunks, which are never given back; a thread that ends leaves its lists behind for the next that needs such blocks.
#include "heap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_SIZE 65536

struct chunk {
    struct chunk *next;
    char *padding; /* blocks are aligned to 16 */
};

static _Thread_local struct asl__heap mine;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the next four */
static struct asl__heap *heaps;                          /* of the threads that run */
static unsigned long left_made, left_freed;              /* counts of threads that ended */
static struct asl__free_block *left_free[ASL__HEAP_CLASSES]; /* and their free blocks */
static struct chunk *chunks;                             /* all, so that they count as reachable */

static pthread_key_t thread_end;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;

static void free_list_push(struct asl__free_block **list, void *p) {
    struct asl__free_block *block = p;
    block->next = *list;
    *list = block;
}

// What is left of the chunk is smaller than some small block, and so is a small block itself.
static void free_rest_of_chunk(struct asl__heap *h) {
    size_t rest = (size_t)(h->fresh_end - h->fresh);
    while (rest >= ASL__HEAP_STEP) {
        size_t size = rest;
        if (size > ASL__SMALL_MAX) size = ASL__SMALL_MAX;
        free_list_push(&h->free[size / ASL__HEAP_STEP], h->fresh);
        h->fresh += size;
        rest -= size;
    }
    h->fresh = h->fresh_end = NULL;
}

static void leave_behind(void *p) {
    struct asl__heap *h = p;
    free_rest_of_chunk(h);
    pthread_mutex_lock(&lock);
    for (struct asl__heap **link = &heaps; *link; link = &(*link)->next) {
        if (*link == h) {
            *link = h->next;
            break;
        }
    }
    left_made += atomic_load_explicit(&h->made, memory_order_relaxed);
    left_freed += atomic_load_explicit(&h->freed, memory_order_relaxed);
    for (size_t c = 0; c < ASL__HEAP_CLASSES; c++) {
        while (h->free[c]) {
            struct asl__free_block *block = h->free[c];
            h->free[c] = block->next;
            free_list_push(&left_free[c], block);
        }
    }
    pthread_mutex_unlock(&lock);
    atomic_store_explicit(&h->made, 0, memory_order_relaxed);
    atomic_store_explicit(&h->freed, 0, memory_order_relaxed);
    h->listed = false; // a destructor that runs after this one may still free: then it is listed again
}

static void make_key(void) {
    if (pthread_key_create(&thread_end, leave_behind)) asl__out_of_memory(sizeof(struct asl__heap));
}

static void list_heap(void) {
    pthread_once(&thread_end_once, make_key);
    pthread_mutex_lock(&lock);
    mine.next = heaps;
    heaps = &mine;
    mine.listed = true;
    pthread_mutex_unlock(&lock);
    if (pthread_setspecific(thread_end, &mine)) asl__out_of_memory(sizeof(struct asl__heap));
}

struct asl__heap *asl__heap(void) {
    if (__builtin_expect(!mine.listed, 0)) list_heap();
    return &mine;
}

static inline void count(atomic_ulong *blocks) {
    if (__builtin_expect(!mine.listed, 0)) list_heap();
    asl__heap_count(blocks, 1);
}

void asl__out_of_memory(size_t size) {
    fprintf(stderr, "out of memory: %zu bytes asked for\n", size);
    abort();
}

size_t asl__block_size(size_t header, size_t n, size_t each) {
    size_t size;
    if (__builtin_mul_overflow(n, each, &size) || __builtin_add_overflow(size, header, &size)) {
        asl__out_of_memory(SIZE_MAX);
    }
    return size;
}

void *asl_alloc(size_t size) {
    void *p = malloc(size ? size : 1);
    if (!p) asl__out_of_memory(size);
    count(&mine.made);
    return p;
}

void *asl_calloc(size_t n, size_t size) {
    void *p = n && size ? calloc(n, size) : calloc(1, 1);
    if (!p) asl__out_of_memory(asl__block_size(0, n, size));
    count(&mine.made);
    return p;
}

void *asl_realloc(void *p, size_t size) {
    void *q = realloc(p, size ? size : 1);
    if (!q) asl__out_of_memory(size);
    if (!p) count(&mine.made);
    return q;
}

void asl_free(void *p) {
    if (!p) return;
    free(p);
    count(&mine.freed);
}

// ---------------------------------------------------------------- blocks that know their size

static void *cut_block(size_t class) {
    size_t size = class * ASL__HEAP_STEP;
    if ((size_t)(mine.fresh_end - mine.fresh) < size) {
        free_rest_of_chunk(&mine);
        pthread_mutex_lock(&lock);
        struct asl__free_block *left = left_free[class];
        if (left) {
            left_free[class] = NULL;
        } else {
            struct chunk *chunk = malloc(CHUNK_SIZE);
            if (!chunk) asl__out_of_memory(CHUNK_SIZE);
            chunk->next = chunks;
            chunks = chunk;
            mine.fresh = (char *)(chunk + 1);
            mine.fresh_end = (char *)chunk + CHUNK_SIZE;
        }
        pthread_mutex_unlock(&lock);
        if (left) {
            mine.free[class] = left->next;
            return left;
        }
    }
    void *p = mine.fresh;
    mine.fresh += size;
    return p;
}

void *asl__block_alloc(size_t size) {
    if (size > ASL__SMALL_MAX) return asl_alloc(size);
    size_t class = (size + ASL__HEAP_STEP - 1) / ASL__HEAP_STEP;
    struct asl__free_block *block = mine.free[class];
    count(&mine.made);
    if (!block) return cut_block(class);
    mine.free[class] = block->next;
    return block;
}

void asl__block_free(void *p, size_t size) {
    if (size > ASL__SMALL_MAX) {
        asl_free(p);
        return;
    }
    count(&mine.freed);
    free_list_push(&mine.free[(size + ASL__HEAP_STEP - 1) / ASL__HEAP_STEP], p);
}

void *asl__block_resize(void *p, size_t old_size, size_t size) {
    if (old_size > ASL__SMALL_MAX && size > ASL__SMALL_MAX) return asl_realloc(p, size);
    void *q = asl__block_alloc(size);
    memcpy(q, p, old_size < size ? old_size : size);
    asl__block_free(p, old_size);
    return q;
}

size_t asl_alloc_live(void) {
    pthread_mutex_lock(&lock);
    unsigned long live = left_made - left_freed;
    for (const struct asl__heap *h = heaps; h; h = h->next) {
        live += atomic_load_explicit(&h->made, memory_order_relaxed);
        live -= atomic_load_explicit(&h->freed, memory_order_relaxed);
    }
    pthread_mutex_unlock(&lock);
    return (long)live > 0 ? live : 0; // another thread may have freed between the two
}

size_t asl_alloc_made(void) { return atomic_load_explicit(&mine.made, memory_order_relaxed); }
