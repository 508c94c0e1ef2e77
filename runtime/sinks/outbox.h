// Private to sinks: a bounded queue between an execution and a receiver that may be slow, full or gone.
//
//     put ──► empty? deliver at once, without waiting ──► taken: no thread is ever made
//                          └─ not now ──► queue ──► a thread delivers it, waiting as long as it takes
//
// Whatever does not fit into the bound is dropped and counted: put never waits.
#ifndef ASL_OUTBOX_H
#define ASL_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outbox;

enum delivery {
    DELIVERED,
    NOT_NOW, /* *sent bytes have gone; the rest is to be delivered later */
    LOST,    /* will never go */
};

struct outbox_options {
    /* Hands data on. may_wait: from the outbox's thread; then NOT_NOW means "call again", after having waited a while
       (no longer than 100 ms at a time when it can be helped). items: what data consists of. */
    enum delivery (*deliver)(void *user, const char *data, size_t size, size_t items, size_t *sent, bool may_wait);
    void (*destroy)(void *user); /* once nothing is delivered any more */
    void *user;
    size_t limit;  /* bytes kept */
    /* batches: the thread waits until there are `batch` items or the first is linger_ms old (of the very first batch a
       fifth), and delivers them joined by commas; 0: each chunk by itself */
    size_t batch;
    int64_t linger_ms;
};

struct outbox *outbox_new(const struct outbox_options *options);
void outbox_put(struct outbox *o, const char *data, size_t size); /* one item; copied; from any thread */
void outbox_lose(struct outbox *o, size_t items);  /* from within deliver: so many of what is delivered were refused */
bool outbox_closing(struct outbox *o);             /* from within deliver: outbox_close waits */
int64_t outbox_left_ms(struct outbox *o);          /* … and for how long still; INT64_MAX when it does not */
/* Waits for what is queued, at most timeout_ms, and no longer than until the receiver has taken nothing for patience_ms.
   Frees the outbox; *dropped is the number of items that were not delivered, in all its life. */
void outbox_close(struct outbox *o, int64_t timeout_ms, int64_t patience_ms, uint64_t *dropped);
uint64_t outbox_dropped(struct outbox *o); /* so far */

int64_t outbox_now_ms(void); /* of the monotonic clock */

#endif
