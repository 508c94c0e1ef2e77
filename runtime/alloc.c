// Memory: malloc that does not return NULL, and a count of what is still allocated.
//
// The count is for tests, so it must cost next to nothing: each thread counts for itself in a variable that only it
// writes, and asl_alloc_live() adds them up. A block may be freed by another thread than the one that allocated it; one
// thread's count may then be negative, the sum is right. A thread that ends leaves its count in `retired`.
#include "value_private.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct counter {
    atomic_long blocks;
    bool listed;
    struct counter *next;
};

static _Thread_local struct counter mine;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct counter *counters; /* of the threads that run, guarded by lock */
static long retired;             /* the sum of those that ended, guarded by lock */
static pthread_key_t thread_end;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;

static void retire(void *p) {
    struct counter *c = p;
    pthread_mutex_lock(&lock);
    for (struct counter **link = &counters; *link; link = &(*link)->next) {
        if (*link == c) {
            *link = c->next;
            break;
        }
    }
    retired += atomic_load_explicit(&c->blocks, memory_order_relaxed);
    pthread_mutex_unlock(&lock);
    atomic_store_explicit(&c->blocks, 0, memory_order_relaxed);
    c->listed = false; // a destructor that runs after this one may still free: then it is listed again
}

static void make_key(void) {
    if (pthread_key_create(&thread_end, retire)) asl__out_of_memory(sizeof(struct counter));
}

static void list_counter(void) {
    pthread_once(&thread_end_once, make_key);
    pthread_mutex_lock(&lock);
    mine.next = counters;
    counters = &mine;
    mine.listed = true;
    pthread_mutex_unlock(&lock);
    if (pthread_setspecific(thread_end, &mine)) asl__out_of_memory(sizeof(struct counter));
}

static inline void count(long blocks) {
    if (__builtin_expect(!mine.listed, 0)) list_counter();
    // No other thread writes it, so this need not be one atomic addition.
    long now = atomic_load_explicit(&mine.blocks, memory_order_relaxed);
    atomic_store_explicit(&mine.blocks, now + blocks, memory_order_relaxed);
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
    count(1);
    return p;
}

void *asl_calloc(size_t n, size_t size) {
    void *p = n && size ? calloc(n, size) : calloc(1, 1);
    if (!p) asl__out_of_memory(asl__block_size(0, n, size));
    count(1);
    return p;
}

void *asl_realloc(void *p, size_t size) {
    void *q = realloc(p, size ? size : 1);
    if (!q) asl__out_of_memory(size);
    if (!p) count(1);
    return q;
}

void asl_free(void *p) {
    if (!p) return;
    free(p);
    count(-1);
}

size_t asl_alloc_live(void) {
    pthread_mutex_lock(&lock);
    long sum = retired;
    for (const struct counter *c = counters; c; c = c->next) {
        sum += atomic_load_explicit(&c->blocks, memory_order_relaxed);
    }
    pthread_mutex_unlock(&lock);
    return sum > 0 ? (size_t)sum : 0;
}
