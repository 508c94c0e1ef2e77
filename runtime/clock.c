// Time and timers. Nothing else in the runtime reads a clock.
//
// Timers run by the time they are due, then by the order in which they were created, with the real clock as with the virtual
// one. One that is due after all others of the list, or with the last of them, joins that list at its end: mostly they come in
// their order, since many wait as long as each other. The others live in a binary heap. With the virtual clock time stands still
// while anything is ready, then jumps to the next timer. Milliseconds since 1970.
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
    c->first = c->last = NULL;
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

enum { IN_LIST = UINT32_MAX }; /* as a position */

static void append(struct clock *c, struct timer *t) {
    t->position = IN_LIST;
    t->next = NULL;
    t->prev = c->last;
    if (c->last) c->last->next = t;
    else c->first = t;
    c->last = t;
}

static void push(struct clock *c, struct timer *t) {
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? 2 * c->capacity : 16;
        c->heap = asl_realloc(c->heap, c->capacity * sizeof(struct timer *));
    }
    sift_up(c, c->count++, t);
}

void asl__timer_start(struct clock *c, struct timer *t, int64_t due_ms, void (*fire)(struct timer *)) {
    asl__timer_stop(c, t);
    t->due_ms = due_ms;
    t->order = c->created++;
    t->fire = fire;
    if (!c->last || c->last->due_ms <= due_ms) append(c, t);
    else push(c, t);
}

void asl__timer_remove(struct clock *c, struct timer *t) {
    uint32_t at = t->position - 1;
    bool in_list = t->position == IN_LIST;
    t->position = 0;
    if (in_list) {
        if (t->prev) t->prev->next = t->next;
        else c->first = t->next;
        if (t->next) t->next->prev = t->prev;
        else c->last = t->prev;
        return;
    }
    struct timer *last = c->heap[--c->count];
    if (last == t) return;
    if (at > 0 && earlier(last, c->heap[(at - 1) / 2])) sift_up(c, at, last);
    else sift_down(c, at, last);
}

struct timer *asl__timer_next(const struct clock *c) {
    return c->count && (!c->first || earlier(c->heap[0], c->first)) ? c->heap[0] : c->first;
}

const struct timer *asl__timer_any(const struct clock *c, const struct timer *before) {
    bool in_heap = before && before->position != IN_LIST;
    const struct timer *listed = !before ? c->first : in_heap ? NULL : before->next;
    uint32_t at = in_heap ? before->position : 0; /* from 1: it is the next one's place */
    return listed ? listed : at < c->count ? c->heap[at] : NULL;
}

bool asl__timers_fire(struct clock *c) {
    bool any = false;
    /* Only those that exist now: one that is started meanwhile for the same instant waits for its turn. */
    uint64_t before = c->created;
    for (struct timer *t; (t = asl__timer_next(c)) && t->due_ms <= c->now_ms && t->order < before;) {
        asl__timer_stop(c, t);
        t->fire(t);
        any = true;
    }
    return any;
}
