// Time and timers. Nothing else in the runtime reads a clock.
//
// Timers live in a binary heap of our own, for the real clock as for the virtual one, so that both run them in the same
// order: by the time they are due, then by the order in which they were created. With the virtual clock time stands
// still while anything is ready, then jumps to the next timer. Milliseconds since 1970.
#include "engine.h"

#include <time.h>
#ifdef ASLC_MUSL
#include <sys/syscall.h>
#include <unistd.h>
#endif

static int64_t read_clock(clockid_t id) {
    struct timespec t;
#ifdef ASLC_MUSL /* the way round the kernel takes two page faults and a search to find: many processes end before that pays */
    static _Atomic unsigned asked;
    if (asked < 16 && asked++ < 16) syscall(SYS_clock_gettime, id, &t);
    else
#endif
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void asl__clock_init(struct clock *c, bool is_virtual, int64_t start_ms) {
    int64_t today = read_clock(CLOCK_REALTIME);
    *c = (struct clock){.is_virtual = is_virtual};
    c->now_ms = is_virtual && start_ms ? start_ms : today;
    /* What counts is time that has passed: setting the machine's clock must not fire or delay a timer. */
    c->offset_ms = today - read_clock(CLOCK_MONOTONIC);
}

void asl__clock_free(struct clock *c) {
    asl_free(c->heap);
    c->heap = NULL;
    c->count = c->capacity = 0;
}

void asl__clock_read(struct clock *c) { c->now_ms = read_clock(CLOCK_MONOTONIC) + c->offset_ms; }

static bool earlier(const struct timer *a, const struct timer *b) {
    return a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->order < b->order);
}

static void place(struct clock *c, uint32_t at, struct timer *t) {
    c->heap[at] = t;
    t->position = at + 1;
}

static void sift_up(struct clock *c, uint32_t at, struct timer *t) {
    while (at > 0) {
        uint32_t parent = (at - 1) / 2;
        if (!earlier(t, c->heap[parent])) break;
        place(c, at, c->heap[parent]);
        at = parent;
    }
    place(c, at, t);
}

static void sift_down(struct clock *c, uint32_t at, struct timer *t) {
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= c->count) break;
        if (child + 1 < c->count && earlier(c->heap[child + 1], c->heap[child])) child++;
        if (!earlier(c->heap[child], t)) break;
        place(c, at, c->heap[child]);
        at = child;
    }
    place(c, at, t);
}

void asl__timer_start(struct clock *c, struct timer *t, int64_t due_ms, void (*fire)(struct timer *)) {
    asl__timer_stop(c, t);
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? 2 * c->capacity : 16;
        c->heap = asl_realloc(c->heap, c->capacity * sizeof(struct timer *));
    }
    t->due_ms = due_ms;
    t->order = c->created++;
    t->fire = fire;
    sift_up(c, c->count++, t);
}

void asl__timer_remove(struct clock *c, struct timer *t) {
    uint32_t at = t->position - 1;
    t->position = 0;
    struct timer *last = c->heap[--c->count];
    if (last == t) return;
    if (at > 0 && earlier(last, c->heap[(at - 1) / 2])) sift_up(c, at, last);
    else sift_down(c, at, last);
}

struct timer *asl__timer_next(const struct clock *c) { return c->count ? c->heap[0] : NULL; }

bool asl__timers_fire(struct clock *c) {
    bool any = false;
    /* Only those that exist now: one that is started meanwhile for the same instant waits for its turn. */
    uint64_t before = c->created;
    while (c->count && c->heap[0]->due_ms <= c->now_ms && c->heap[0]->order < before) {
        struct timer *t = c->heap[0];
        asl__timer_stop(c, t);
        t->fire(t);
        any = true;
    }
    return any;
}
