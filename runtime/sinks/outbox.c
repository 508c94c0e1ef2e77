// A bounded queue with a thread of its own, made when somebody must wait (see outbox.h).
//
// The thread owns the outbox together with its opener: when close gives up waiting, the thread frees it once the call it
// is stuck in returns, or the end of the process does.
#include "outbox.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "aslc/value.h"

#define END_MS      100 /* for a thread without work to end */

/* What the thread takes at a time: fewer locks, yet progress is seen. */
#define SLICE       64
#define SLICE_BYTES 65536

struct chunk {
    struct chunk *next;
    size_t size, sent;
    char bytes[];
};

struct outbox {
    struct outbox_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed;  /* for the thread: something to do */
    pthread_cond_t progress; /* for close: something was done */
    pthread_t thread;
    bool threaded, threadless; /* threadless: none could be made */
    bool closing, abandoned, ended;
    struct chunk *first, *last;
    bool busy;             /* the thread has chunks in its hands */
    size_t bytes, items;   /* queued, what the thread has included */
    int64_t oldest_ms;     /* since when the first item has been first */
    int64_t moved_ms;      /* when the receiver last took something, or had nothing to take */
    int64_t give_up_ms;    /* closing */
    uint64_t dropped, done; /* done: chunks, for linger */
};

int64_t outbox_now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct timespec timespec_of(int64_t ms) {
    return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

struct outbox *outbox_new(const struct outbox_options *options) {
    struct outbox *o = asl_calloc(1, sizeof *o);
    o->options = *options;
    pthread_mutex_init(&o->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&o->changed, &monotonic);
    pthread_cond_init(&o->progress, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return o;
}

static void free_chunks(struct chunk *c) {
    while (c) {
        struct chunk *next = c->next;
        asl_free(c);
        c = next;
    }
}

static void free_outbox(struct outbox *o) {
    free_chunks(o->first);
    if (o->options.destroy) o->options.destroy(o->options.user);
    pthread_cond_destroy(&o->changed);
    pthread_cond_destroy(&o->progress);
    pthread_mutex_destroy(&o->lock);
    asl_free(o);
}

// ---------------------------------------------------------------- the thread

/* Locked. Sleeps until there is something to deliver; false: there never will be. */
static bool await(struct outbox *o) {
    for (;;) {
        if (o->abandoned) return false;
        if (!o->first) {
            if (o->closing) return false;
            pthread_cond_wait(&o->changed, &o->lock);
            continue;
        }
        /* The first batch goes soon: it shows how the receiver is. */
        int64_t due = o->oldest_ms + (o->done ? o->options.linger_ms : o->options.linger_ms / 5);
        if (o->closing || !o->options.batch || o->items >= o->options.batch || outbox_now_ms() >= due) return true;
        struct timespec until = timespec_of(due);
        pthread_cond_timedwait(&o->changed, &o->lock, &until);
    }
}

/* Locked. Takes the first chunks out of the queue: a batch or a slice. */
static struct chunk *take(struct outbox *o) {
    struct chunk *first = o->first, *last = first;
    size_t most = o->options.batch ? o->options.batch : SLICE, most_bytes = o->options.batch ? SIZE_MAX : SLICE_BYTES;
    for (size_t n = 1, bytes = first->size; n < most && bytes < most_bytes && last->next; n++) {
        last = last->next;
        bytes += last->size;
    }
    o->first = last->next;
    if (!o->first) o->last = NULL;
    last->next = NULL;
    o->busy = true;
    return first;
}

/* Delivers data, however long it takes; false: the outbox has been abandoned. */
static bool deliver(struct outbox *o, const char *data, size_t size, size_t items, size_t at, uint64_t *lost) {
    for (;;) {
        size_t sent = 0;
        enum delivery d = o->options.deliver(o->options.user, data + at, size - at, items, &sent, true);
        if (d == LOST) *lost += items;
        if (d != NOT_NOW) return true;
        at += sent;
        pthread_mutex_lock(&o->lock);
        bool abandoned = o->abandoned;
        if (sent) o->moved_ms = outbox_now_ms();
        if (sent) pthread_cond_signal(&o->progress);
        pthread_mutex_unlock(&o->lock);
        if (abandoned) return false;
    }
}

/* Delivers a slice. Locked again when it returns; false: the outbox has been abandoned. */
static bool deliver_slice(struct outbox *o, asl_buffer *joined) {
    size_t count = 0, bytes = 0;
    uint64_t lost = 0;
    bool go_on = true;
    struct chunk *slice = take(o);
    pthread_mutex_unlock(&o->lock);
    joined->size = 0;
    for (struct chunk *c = slice; c && go_on; c = c->next) {
        count++;
        bytes += c->size;
        if (!o->options.batch) {
            go_on = deliver(o, c->bytes, c->size, 1, c->sent, &lost);
            continue;
        }
        if (joined->size) asl_buffer_byte(joined, ',');
        asl_buffer_add(joined, c->bytes, c->size);
    }
    if (o->options.batch) go_on = deliver(o, joined->data, joined->size, count, 0, &lost);
    free_chunks(slice);
    pthread_mutex_lock(&o->lock);
    o->busy = false;
    o->bytes -= bytes;
    o->items -= count;
    o->dropped += lost;
    o->oldest_ms = o->moved_ms = outbox_now_ms();
    o->done++;
    if (o->closing) pthread_cond_signal(&o->progress);
    return go_on;
}

static void *run(void *argument) {
    struct outbox *o = argument;
    asl_buffer joined = {0};
    pthread_mutex_lock(&o->lock);
    while (await(o) && deliver_slice(o, &joined)) {}
    o->ended = true;
    bool abandoned = o->abandoned;
    pthread_cond_signal(&o->progress);
    pthread_mutex_unlock(&o->lock);
    asl_buffer_free(&joined);
    if (abandoned) free_outbox(o);
    return NULL;
}

/* Signals are the main thread's: it has handlers for them. */
static void start_thread(struct outbox *o) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    o->threaded = pthread_create(&o->thread, NULL, run, o) == 0;
    o->threadless = !o->threaded;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// ---------------------------------------------------------------- putting

static void enqueue(struct outbox *o, const char *data, size_t size, size_t sent) {
    struct chunk *c = asl_alloc(sizeof *c + size);
    c->next = NULL;
    c->size = size;
    c->sent = sent;
    memcpy(c->bytes, data, size);
    if (o->last) o->last->next = c;
    else o->first = c;
    o->last = c;
    if (o->first == c) o->oldest_ms = outbox_now_ms();
    if (o->items == 0) o->moved_ms = o->oldest_ms;
    o->bytes += size;
    o->items++;
}

void outbox_put(struct outbox *o, const char *data, size_t size) {
    size_t sent = 0;
    pthread_mutex_lock(&o->lock);
    enum delivery d = NOT_NOW;
    if (!o->first && !o->busy && !o->options.batch) d = o->options.deliver(o->options.user, data, size, 1, &sent, false);
    if (d == NOT_NOW && !o->threaded && !o->threadless) start_thread(o);
    /* A line that has begun must end, or what follows would continue it. */
    if (d == LOST || (d == NOT_NOW && (o->threadless || (!sent && o->bytes + size > o->options.limit)))) {
        o->dropped++;
    } else if (d == NOT_NOW) {
        enqueue(o, data, size, sent);
        if (!o->busy && (o->first == o->last || o->items == o->options.batch)) pthread_cond_signal(&o->changed);
    }
    pthread_mutex_unlock(&o->lock);
}

void outbox_lose(struct outbox *o, size_t items) {
    pthread_mutex_lock(&o->lock);
    o->dropped += items;
    pthread_mutex_unlock(&o->lock);
}

uint64_t outbox_dropped(struct outbox *o) {
    pthread_mutex_lock(&o->lock);
    uint64_t dropped = o->dropped;
    pthread_mutex_unlock(&o->lock);
    return dropped;
}

// ---------------------------------------------------------------- closing

bool outbox_closing(struct outbox *o) {
    pthread_mutex_lock(&o->lock);
    bool closing = o->closing;
    pthread_mutex_unlock(&o->lock);
    return closing;
}

int64_t outbox_left_ms(struct outbox *o) {
    pthread_mutex_lock(&o->lock);
    int64_t left = !o->closing ? INT64_MAX : o->abandoned ? 0 : o->give_up_ms - outbox_now_ms();
    pthread_mutex_unlock(&o->lock);
    return left < 0 ? 0 : left;
}

void outbox_close(struct outbox *o, int64_t timeout_ms, int64_t patience_ms, uint64_t *dropped) {
    pthread_mutex_lock(&o->lock);
    int64_t now = outbox_now_ms();
    o->closing = true;
    o->give_up_ms = now + timeout_ms;
    pthread_cond_signal(&o->changed);
    while (o->threaded && !o->ended) {
        int64_t until_ms = o->moved_ms + patience_ms < o->give_up_ms ? o->moved_ms + patience_ms : o->give_up_ms;
        if (!o->items) until_ms = now + END_MS; /* the thread only has to see that it is over */
        if (now >= until_ms) break;
        struct timespec until = timespec_of(until_ms);
        pthread_cond_timedwait(&o->progress, &o->lock, &until);
        now = outbox_now_ms();
    }
    bool wait = o->threaded && o->ended;
    o->abandoned = o->threaded && !o->ended;
    o->dropped += o->items; /* of an abandoned outbox, whatever comes of the one in the thread's hands */
    if (dropped) *dropped = o->dropped;
    if (o->abandoned) {
        pthread_detach(o->thread);
        pthread_cond_signal(&o->changed);
        pthread_mutex_unlock(&o->lock); /* from here on it is the thread's */
        return;
    }
    pthread_mutex_unlock(&o->lock);
    if (wait) pthread_join(o->thread, NULL);
    free_outbox(o);
}
