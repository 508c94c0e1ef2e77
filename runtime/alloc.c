// Memory: malloc that does not return NULL, and a count of what is still allocated.
//
// The counts are for tests and measuring, so they must cost next to nothing: each thread counts for itself, in variables
// that only it writes, what it allocates and what it frees; asl_alloc_live() adds them up. A block may be freed by another
// thread than the one that allocated it; one thread's difference may then be negative, the sum is right. A thread that
// ends leaves its counts behind.
//
// Texts, arrays and objects know their own size, so the small ones need no more than a free list per size, of the
// thread's own: asl__block_alloc() takes the first, asl__block_free() puts it back. Lists are filled by cutting up
// pages of chunks, which are never given back; a thread that ends leaves its lists and pages behind for the next that
// needs such. Blocks of large documents come from pages that are used anew as a whole: see struct asl__page.
#include "heap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define CHUNK_SIZE (64 * ASL__PAGE)

static _Thread_local struct asl__heap *mine; /* NULL until it is needed; a pointer, because few executables have room for more */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct asl__heap *heaps;                          /* of the threads that run */
static unsigned long left_made, left_freed;              /* counts of threads that ended */
static struct asl__free_block *left_free[ASL__HEAP_CLASSES]; /* and their free blocks */
static struct asl__free_block *left_pages;               /* and pages, as they are in asl__heap.empty */

static pthread_key_t thread_end;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;

static void free_list_push(struct asl__free_block **list, void *p) {
    struct asl__free_block *block = p;
    block->next = *list;
    *list = block;
}

// What is left of a page is smaller than some small block, and so is a small block itself.
static void free_rest(struct asl__heap *h, char *rest, const char *end) {
    for (size_t size; (size = (size_t)(end - rest)) >= ASL__HEAP_STEP; rest += size) {
        if (size > ASL__SMALL_MAX) size = ASL__SMALL_MAX;
        free_list_push(&h->free[size / ASL__HEAP_STEP], rest);
    }
}

static void leave_behind(void *p) {
    struct asl__heap *h = p;
    free_rest(h, h->fresh, h->fresh_end);
    h->fresh = h->fresh_end = NULL;
    if (h->run) {
        struct asl__page *page = asl__page_of(h->run_end - 1);
        page->owner = NULL; // whoever frees its blocks puts them on a list
        h->run = h->run_end = NULL;
    }
    pthread_mutex_lock(&lock);
    while (h->empty) {
        struct asl__free_block *page = h->empty;
        h->empty = page->next;
        free_list_push(&left_pages, page);
    }
    while (h->pages < h->pages_end) {
        h->pages_end -= ASL__PAGE;
        free_list_push(&left_pages, h->pages_end + sizeof(struct asl__page));
    }
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
    mine = NULL; // a destructor that runs after this one may still free: with a new one then
    free(h);
}

static void make_key(void) {
    if (pthread_key_create(&thread_end, leave_behind)) asl__out_of_memory(sizeof(struct asl__heap));
}

static struct asl__heap *make_heap(void) {
    pthread_once(&thread_end_once, make_key);
    struct asl__heap *h = calloc(1, sizeof *h);
    if (!h || pthread_setspecific(thread_end, h)) asl__out_of_memory(sizeof *h);
    pthread_mutex_lock(&lock);
    h->next = heaps;
    heaps = h;
    pthread_mutex_unlock(&lock);
    return mine = h;
}

struct asl__heap *asl__heap(void) {
    struct asl__heap *h = mine;
    return __builtin_expect(h != NULL, 1) ? h : make_heap();
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
    asl__heap_count(&asl__heap()->made, 1);
    return p;
}

void *asl_calloc(size_t n, size_t size) {
    void *p = n && size ? calloc(n, size) : calloc(1, 1);
    if (!p) asl__out_of_memory(asl__block_size(0, n, size));
    asl__heap_count(&asl__heap()->made, 1);
    return p;
}

void *asl_realloc(void *p, size_t size) {
    void *q = realloc(p, size ? size : 1);
    if (!q) asl__out_of_memory(size);
    if (!p) asl__heap_count(&asl__heap()->made, 1);
    return q;
}

void asl_free(void *p) {
    if (!p) return;
    free(p);
    asl__heap_count(&asl__heap()->freed, 1);
}

// ---------------------------------------------------------------- blocks that know their size

// A page that nothing is in. Chunks are mapped, because malloc would put its own words between aligned pages.
static struct asl__page *take_page(struct asl__heap *h) {
    struct asl__free_block *first = h->empty;
    if (first) {
        h->empty = first->next;
        return asl__page_of(first);
    }
    if (h->pages == h->pages_end) {
        pthread_mutex_lock(&lock);
        first = left_pages;
        if (first) left_pages = first->next;
        pthread_mutex_unlock(&lock);
        if (first) return asl__page_of(first);
#ifdef ASLC_MUSL /* the first lies in the executable */
        static atomic_bool taken;
        if (!atomic_exchange(&taken, true)) {
            struct asl__page *page = asl__first_pages(CHUNK_SIZE);
            h->pages = (char *)page + ASL__PAGE;
            h->pages_end = (char *)page + CHUNK_SIZE;
            return page;
        }
#endif
        char *chunk = mmap(NULL, CHUNK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (chunk == MAP_FAILED) asl__out_of_memory(CHUNK_SIZE);
        h->pages = chunk;
        h->pages_end = chunk + CHUNK_SIZE;
    }
    struct asl__page *page = (struct asl__page *)(void *)h->pages;
    h->pages += ASL__PAGE;
    return page;
}

static void *cut_block(struct asl__heap *h, size_t size) {
    if ((size_t)(h->fresh_end - h->fresh) < size) {
        size_t class = size / ASL__HEAP_STEP;
        pthread_mutex_lock(&lock);
        struct asl__free_block *left = left_free[class];
        left_free[class] = NULL;
        pthread_mutex_unlock(&lock);
        if (left) {
            h->free[class] = left->next;
            return left;
        }
        free_rest(h, h->fresh, h->fresh_end);
        struct asl__page *page = take_page(h);
        *page = (struct asl__page){.owner = NULL};
        h->fresh = (char *)(page + 1);
        h->fresh_end = (char *)page + ASL__PAGE;
    }
    void *p = h->fresh;
    h->fresh += size;
    return p;
}

void asl__page_empty(struct asl__heap *h, struct asl__page *page) {
    free_list_push(&h->empty, page + 1);
}

void asl__run_count(struct asl__heap *h, uint32_t blocks) {
    asl__page_of(h->run_end - 1)->live += blocks;
    asl__heap_count(&h->made, blocks);
}

void asl__run_next(struct asl__heap *h) {
    struct asl__page *page = h->run ? asl__page_of(h->run_end - 1) : NULL;
    if (!page || page->live != ASL__PAGE_OPEN) {
        if (page) page->live -= ASL__PAGE_OPEN;
        page = take_page(h);
        *page = (struct asl__page){.owner = h, .live = ASL__PAGE_OPEN};
    } // else all its blocks have been freed meanwhile
    h->run = (char *)(page + 1);
    h->run_end = (char *)page + ASL__PAGE;
}

void *asl__block_alloc(size_t size) {
    if (size > ASL__SMALL_MAX) return asl_alloc(size);
    size_t class = (size + ASL__HEAP_STEP - 1) / ASL__HEAP_STEP;
    struct asl__heap *h = asl__heap();
    struct asl__free_block *block = h->free[class];
    asl__heap_count(&h->made, 1);
    if (!block) return cut_block(h, class * ASL__HEAP_STEP);
    h->free[class] = block->next;
    return block;
}

void asl__block_free(void *p, size_t size) { asl__heap_free(asl__heap(), p, size); }

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

size_t asl_alloc_made(void) { return atomic_load_explicit(&asl__heap()->made, memory_order_relaxed); }
