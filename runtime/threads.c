// Branches and iterations that never wait, computed by more than one thread (threads.h).
//
//     caller: engine, execution, parent frame            worker: an engine of its own, made once
//         │  job: children from … count in chunks            │
//         ├─ takes chunk 0, runs it in place                 ├─ copies what the children capture, once per job
//         ├─ takes chunk 2, …                                ├─ takes chunk 1: copies items in, runs them, shows results
//         ├─ copies the results of chunk 1                   ├─ takes chunk 3, …
//         └─ all taken: waits for the workers' last chunks   └─ frees what has been copied
//
// So every value is made and freed by one thread, and no thread collects the memory of the others.
//
// Chunks are taken in order. A child that does not come out as it would in its turn lowers the job's limit to itself: it
// failed (its cause names an event's id), it drew a random number, it moved the virtual clock, it looked at a Context object
// that was not lent. What lies before the limit counts, what lies behind it is dropped, and the caller goes on there alone.
//
// The threads are started when they are first needed, belong to the engine, and sleep between jobs. Signals go to others.
#include "threads.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "heap.h"

#define WORTH_NS     1000000 /* what is left must take so long: some times what it costs to start a thread */
#define CHILD_MIN_NS 1000    /* shorter ones are done before they are copied */
#define SURE_NS      100000  /* measured in a shorter time they may look long because the first made what all use */
#define CHUNK_NS     200000  /* so long nobody need wait at the end */
#define LOOK_MS      10      /* while the caller has nothing to do but to wait for the end */
enum { CHUNK_MAX = 256, REFUSED_MAX = 4, THREADS_MAX = 256, BACKOFF_MAX = 1023 };

static int64_t monotonic_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// ---------------------------------------------------------------- how many

/* The whole of a small file. False: it cannot be read. */
static bool read_small(const char *path, char *text, size_t room) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, text, room - 1);
    close(fd);
    if (n < 0) return false;
    text[n] = 0;
    return true;
}

/* The smallest cpu.max of a group and those round it: "max 100000", or the time it has in each period. */
static unsigned group_allows(unsigned most) {
    char groups[4096], path[4096 + 64], quota[64];
    if (!read_small("/proc/self/cgroup", groups, sizeof groups)) return most;
    char *own = strncmp(groups, "0::", 3) == 0 ? groups : strstr(groups, "\n0::");
    if (!own) return most;
    own = strchr(own, '/');
    if (!own) return most;
    own[strcspn(own, "\n")] = 0;
    for (size_t size = strlen(own);; size--) {
        own[size] = 0;
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", own);
        if (read_small(path, quota, sizeof quota)) {
            char *rest; /* "max" is no number, and not above 0 */
            unsigned long long time = strtoull(quota, &rest, 10), period = strtoull(rest, NULL, 10);
            unsigned long long processors = time > 0 && period > 0 ? (time + period - 1) / period : most;
            if (processors < most) most = (unsigned)processors;
        }
        while (size > 0 && own[size] != '/') size--;
        if (size == 0) {
            if (!*own) return most;
            size = 1; /* the root of what this process sees is a group, too */
        }
    }
}

unsigned asl__threads_allowed(void) {
    cpu_set_t processors;
    unsigned most = 1;
    if (sched_getaffinity(0, sizeof processors, &processors) == 0) {
        most = (unsigned)CPU_COUNT(&processors);
    } else { /* more than the set has room for */
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        if (online > 1) most = online < THREADS_MAX ? (unsigned)online : THREADS_MAX;
    }
    if (most > THREADS_MAX) most = THREADS_MAX;
    return most > 1 ? group_allows(most) : 1;
}

// ---------------------------------------------------------------- whether

static struct site *memory_of(const struct fanout *o) { return (struct site *)o->site; /* of the engine's own image */ }

void asl__spread_measure(struct spread_watch *w, struct fanout *o) {
    struct site *site = memory_of(o);
    if (site->spread.skip && o->count <= site->spread.count) {
        site->spread.skip--;
        return;
    }
    const asl_engine *e = o->parent->execution->engine;
    *w = (struct spread_watch){.started_ns = monotonic_ns(), .random = e->random, .polls = e->polls};
}

/* Something that the children do ties them to their turns. */
static bool tied(const struct spread_watch *w, const asl_engine *e) {
    return memcmp(&w->random, &e->random, sizeof w->random) != 0 || (e->clock.is_virtual && w->polls != e->polls);
}

bool asl__spread_look(struct spread_watch *w, struct fanout *o, size_t done) {
    asl_engine *e = o->parent->execution->engine;
    struct site *site = memory_of(o);
    int64_t taken = 0;
    if (done > w->from) {
        taken = monotonic_ns() - w->started_ns;
        site->spread.child_ns = (uint64_t)taken / (done - w->from);
        if (tied(w, e)) {
            asl__spread_note(w, o);
            w->off = true;
            return false;
        }
    }
    w->next = done < 64 ? 2 * done + !done : done + 64;
    size_t rest = o->count - done;
    uint64_t each = site->spread.child_ns;
    bool sure = done == 0 || taken >= SURE_NS || done - w->from >= 16;
    if (rest < 2 || o->max_running == 1 || !sure || each < CHILD_MIN_NS || each < WORTH_NS / rest) return false;
    if (e->threads == UINT_MAX) e->threads = asl__threads_allowed();
    w->off = e->threads == 1;
    w->spread = !w->off;
    return w->spread;
}

/* Visits that were short are followed by more and more that nobody measures. */
void asl__spread_note(struct spread_watch *w, struct fanout *o) {
    struct site *site = memory_of(o);
    if (w->spread) site->spread.backoff = 0;
    else if (site->spread.backoff < BACKOFF_MAX) site->spread.backoff = 2 * site->spread.backoff + 1;
    site->spread.skip = site->spread.backoff;
    site->spread.count = o->count;
}

// ---------------------------------------------------------------- jobs

/* What a worker shows of a chunk, and frees when it has been copied. */
struct shown {
    struct shown *next;
    atomic_bool copied;
    size_t count;
    asl_value values[];
};

struct chunk {
    uint64_t events, transitions; /* of its children, up to its end or to the limit */
    bool own;                     /* the caller's */
    _Atomic(struct shown *) shown;
};

struct job {
    const struct child_ways *ways;
    const struct fanout *o;
    const struct frame *parent;
    size_t from, count, size, chunk_count; /* children; of a chunk */
    atomic_size_t next;    /* chunk to be taken */
    atomic_size_t limit;   /* children from here on are the caller's */
    struct chunk *chunks;
    size_t copied;         /* chunks before this one have been copied */
    /* what the caller may change meanwhile, as it was */
    struct clock clock;
    int64_t deadline_ms;
    bool lends_context;
};

struct worker {
    struct asl__threads *threads;
    pthread_t thread;
    uint64_t seen;              /* the last job it has looked at */
    bool at_work;               /* on the job: the caller waits for it */
    asl_engine *engine;         /* NULL until it is made */
    struct asl__carrier inward;
    struct shown *first, *last; /* not freed yet, in order */
    /* of a job */
    asl_execution execution;
    struct fanout fanout;
    struct fanout *above; /* round the parent, up to the innermost Map; NULL: none */
    size_t levels;
    asl_value item;       /* of that Map */
};

struct asl__threads {
    asl_engine *engine; /* whose children are computed */
    struct asl__carrier outward;
    pthread_mutex_t lock; /* guards what follows, and the workers' seen, at_work and engine */
    pthread_cond_t work, done;
    struct job *job; /* NULL: none that could be joined */
    uint64_t jobs, copied; /* so many; all that the jobs up to this one have shown has been copied */
    unsigned at_work, wanted; /* on the job; that may still join it */
    bool end;
    unsigned count;
    struct worker *workers[THREADS_MAX];
};

static void lower_limit(struct job *j, size_t to) {
    size_t old = atomic_load(&j->limit);
    while (to < old && !atomic_compare_exchange_weak(&j->limit, &old, to)) continue;
}

/* Children of a chunk. */
static size_t first_of(const struct job *j, size_t chunk) { return j->from + chunk * j->size; }

static size_t end_of(const struct job *j, size_t chunk) {
    size_t first = first_of(j, chunk);
    return j->count - first < j->size ? j->count : first + j->size;
}

/* The next chunk that is wanted. False: there is none. */
static bool take_chunk(struct job *j, size_t *chunk) {
    *chunk = atomic_fetch_add(&j->next, 1);
    return *chunk < j->chunk_count && first_of(j, *chunk) < atomic_load(&j->limit);
}

static struct frame *new_child(const struct job *j, struct fanout *o, size_t index) {
    return j->ways->make(o, j->o->site->machines[j->o->is_map ? 0 : index]);
}

/* Runs a child. False: it has not come out as it would in its turn, and has left no trace. */
static bool run_child(const struct job *j, struct frame *child, size_t index, asl_value input, bool lends_context) {
    asl_execution *x = child->execution;
    asl_engine *e = x->engine;
    struct asl__random random = e->random;
    uint32_t polls = e->polls;
    int64_t now_ms = e->clock.now_ms;
    j->ways->start(child, index, input);
    bool ended = j->ways->run(child);
    bool moved = e->clock.is_virtual && (e->polls != polls || e->clock.now_ms != now_ms);
    bool drew = memcmp(&e->random, &random, sizeof random) != 0;
    bool looked = !lends_context && x->context_execution.tag != ASL_NONE;
    if (moved) {
        e->polls = polls;
        e->clock.now_ms = now_ms;
    }
    e->random = random;
    return ended && x->main->cut == ASL_RUNNING && !moved && !drew && !looked;
}

// ---------------------------------------------------------------- a worker's part

/* An engine for children alone: no bindings, no timers, no executions but the one that is mirrored. */
static asl_engine *make_engine(const asl_engine *of) {
    char message[256];
    asl_engine *e = asl_calloc(1, sizeof *e);
    e->program = of->program;
    e->heap = asl__heap(); /* it is made in the thread that runs it */
    if (asl__image_decode(&e->image, of->program, message, sizeof message) < 0) {
        asl_free(e);
        return NULL;
    }
    asl__random_seed(&e->random, 0); /* not to be drawn from, which shows only in a stream that was seeded */
    e->threads = 1;
    e->express = of->express;
    e->region = of->region;
    e->account = of->account;
    e->partition = of->partition;
    return e;
}

/* The frames round the parent, as far as a Context object shows them. */
static bool mirror_above(struct worker *w, const struct job *j, struct frame *own) {
    const struct frame *f;
    w->levels = 0;
    for (f = j->parent; f->up; f = f->up->parent) {
        w->levels++;
        if (f->up->is_map) break;
    }
    w->above = w->levels ? asl_calloc(w->levels, sizeof *w->above) : NULL;
    f = j->parent;
    for (size_t i = 0; i < w->levels; i++, f = f->up->parent) {
        struct fanout *o = &w->above[i];
        own->index = f->index;
        own->started = f->started;
        own->up = o;
        o->is_map = f->up->is_map;
        o->site = f->up->site;
        o->item = &w->item;
        if (o->is_map) { /* the last: nothing is asked about what is round it */
            const asl_value *item = f->up->item ? f->up->item : asl_array_at(&f->up->items, f->index);
            return asl__carry(&w->inward, item, &w->item);
        }
        o->parent = own = asl_calloc(1, sizeof *own);
        own->execution = &w->execution;
        own->head.state = f->up->parent->head.state;
        own->head.entered = f->up->parent->head.entered;
    }
    return true;
}

static bool mirror_captures(struct worker *w, const struct job *j, struct frame *own) {
    const struct image *image = &w->engine->image;
    for (size_t i = 0; i < j->o->site->machine_count; i++) {
        const struct machine *m = &image->machines[asl__child_machine(j->parent, j->o->site->machines[i])];
        for (uint32_t c = 0; c < m->capture_count; c++) {
            uint32_t slot = m->captures[c].parent_slot;
            if (own->slots[slot].tag == ASL_NONE && !asl__carry(&w->inward, &j->parent->head.slot[slot], &own->slots[slot]))
                return false;
        }
    }
    return true;
}

/* The execution and the parent frame as the children see them. */
static bool mirror(struct worker *w, const struct job *j) {
    const asl_execution *of = j->parent->execution;
    asl_engine *e = w->engine;
    asl_execution *x = &w->execution;
    e->clock = (struct clock){.is_virtual = j->clock.is_virtual, .now_ms = j->clock.now_ms, .offset_ms = j->clock.offset_ms};
    e->polls = 0;
    *x = (asl_execution){.engine = e, .main = x, .express = of->express, .event_limit = UINT64_MAX, .input = asl_null(),
                         .failed_state = ASL_NO_OPERAND, .start_ms = of->start_ms, .deadline_ms = j->deadline_ms, .machine = of->machine};
    struct frame *own = asl__frame_new(x, j->parent->made_for);
    own->head.machine = j->parent->head.machine; /* another when it gave up being quiet */
    own->head.state = j->parent->head.state;
    own->head.entered = j->parent->head.entered;
    own->entered_ms = j->parent->entered_ms;
    w->fanout = (struct fanout){.parent = own, .site = &e->image.sites[j->o->site - of->engine->image.sites],
                                .is_map = j->o->is_map, .count = j->count};
    bool ok = mirror_captures(w, j, own) && mirror_above(w, j, own);
    if (ok && !j->o->is_map) ok = asl__carry(&w->inward, &j->o->input, &w->fanout.input);
    if (ok && j->lends_context)
        ok = asl__carry(&w->inward, &of->context_execution, &x->context_execution) &&
             asl__carry(&w->inward, &of->context_machine, &x->context_machine);
    return ok;
}

static void break_mirror(struct worker *w) {
    asl_execution *x = &w->execution;
    for (size_t i = 0; i < w->levels; i++) asl_free(w->above[i].parent);
    asl_free(w->above);
    w->above = NULL;
    w->levels = 0;
    asl_value_set(&w->item, asl_none());
    asl__frame_free(w->fanout.parent);
    asl_release(w->fanout.input);
    asl_release(x->context_execution);
    asl_release(x->context_machine);
    asl_free(x->arn);
}

/* One child. Its item is in *value, and then its result. */
static bool run_carried(struct worker *w, struct job *j, struct frame **child, size_t index, asl_value *value) {
    struct fanout *o = &w->fanout;
    if (!*child) *child = new_child(j, o, index);
    if (o->is_map) o->item = value;
    bool ok = run_child(j, *child, index, asl_retain(*value), j->lends_context);
    asl_value result = (*child)->result;
    (*child)->result = asl_none();
    if (ok && o->is_map) {
        j->ways->renew(*child);
    } else {
        asl__frame_free(*child);
        *child = NULL;
    }
    asl_value_set(value, asl_none());
    if (ok) *value = result;
    else asl_release(result);
    return ok;
}

static void free_copied(struct worker *w) {
    while (w->first && atomic_load_explicit(&w->first->copied, memory_order_acquire)) {
        struct shown *s = w->first;
        w->first = s->next;
        if (!w->first) w->last = NULL;
        for (size_t i = 0; i < s->count; i++) asl_release(s->values[i]);
        asl_free(s);
    }
}

static void show(struct worker *w, struct chunk *chunk, struct shown *s) {
    if (w->last) w->last->next = s;
    else w->first = s;
    w->last = s;
    atomic_store_explicit(&chunk->shown, s, memory_order_release);
}

static bool out_of_time(asl_engine *e, const asl_execution *x) {
    asl__clock_update(&e->clock);
    return asl__interrupted(e) || e->clock.now_ms >= x->deadline_ms;
}

/* Copies items in, runs them, shows their results. Whether it was worth it. */
static bool run_chunk(struct worker *w, struct job *j, size_t number) {
    asl_execution *x = &w->execution;
    struct chunk *chunk = &j->chunks[number];
    size_t first = first_of(j, number), end = end_of(j, number), copied = first, ran = first;
    struct shown *s = asl_alloc(sizeof *s + (end - first) * sizeof *s->values);
    struct frame *child = NULL;
    *s = (struct shown){0};
    int64_t begun = monotonic_ns();
    for (; copied < end; copied++) {
        asl_value *in = &s->values[copied - first];
        if (!j->o->is_map) *in = asl_retain(w->fanout.input);
        else if (!asl__carry(&w->inward, &j->o->items.array->items[copied], in)) break;
    }
    int64_t in = monotonic_ns();
    for (; ran < copied; ran++) {
        if (ran >= atomic_load_explicit(&j->limit, memory_order_relaxed) || out_of_time(w->engine, x)) break;
        x->events = x->transitions = 0;
        if (!run_carried(w, j, &child, ran, &s->values[ran - first])) break;
        chunk->events += x->events;
        chunk->transitions += x->transitions;
    }
    int64_t run = monotonic_ns();
    if (child) asl__frame_free(child);
    if (ran < end) lower_limit(j, ran);
    for (size_t i = ran; i < copied; i++) asl_value_set(&s->values[i - first], asl_none());
    s->count = ran - first;
    show(w, chunk, s);
    free_copied(w);
    return run - in >= in - begun;
}

static void work(struct worker *w, struct job *j) {
    size_t chunk;
    if (!take_chunk(j, &chunk)) return;
    bool ok = w->engine && mirror(w, j);
    if (!ok) lower_limit(j, first_of(j, chunk));
    else while (run_chunk(w, j, chunk) && take_chunk(j, &chunk)) continue;
    if (w->engine) break_mirror(w);
}

static void *worker_main(void *user) {
    struct worker *w = user;
    struct asl__threads *t = w->threads;
    asl_engine *e = make_engine(t->engine);
    pthread_mutex_lock(&t->lock);
    w->engine = e;
    for (;;) {
        bool free = w->first && t->copied >= w->seen;
        if (free) {
            pthread_mutex_unlock(&t->lock);
            free_copied(w);
            pthread_mutex_lock(&t->lock);
            continue;
        }
        if (t->end) break;
        if (!t->job || w->seen == t->jobs) {
            pthread_cond_wait(&t->work, &t->lock);
            continue;
        }
        struct job *j = t->job;
        w->seen = t->jobs;
        if (t->wanted == 0) continue;
        t->wanted--;
        w->at_work = true;
        t->at_work++;
        pthread_mutex_unlock(&t->lock);
        work(w, j);
        pthread_mutex_lock(&t->lock);
        w->at_work = false;
        if (--t->at_work == 0) pthread_cond_signal(&t->done);
    }
    pthread_mutex_unlock(&t->lock);
    asl__carrier_clear(&w->inward);
    if (e) asl_engine_free(e);
    return NULL;
}

// ---------------------------------------------------------------- the threads

static void free_workers(struct asl__threads *t) {
    pthread_mutex_lock(&t->lock);
    t->end = true;
    pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->lock);
    for (unsigned i = 0; i < t->count; i++) {
        pthread_join(t->workers[i]->thread, NULL);
        asl_free(t->workers[i]);
    }
    pthread_cond_destroy(&t->work);
    pthread_cond_destroy(&t->done);
    pthread_mutex_destroy(&t->lock);
    asl_free(t);
}

static struct asl__threads *make_threads(asl_engine *e) {
    struct asl__threads *t = asl_calloc(1, sizeof *t);
    pthread_condattr_t monotonic;
    t->engine = e;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->work, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&t->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    e->workers = t;
    e->free_workers = free_workers;
    return t;
}

bool asl__thread_start(pthread_t *thread, void *(*main)(void *), void *user) {
    pthread_attr_t attributes;
    struct rlimit stack;
    sigset_t all, before;
    /* A JSONata function recurses as deep as in the main thread. */
    size_t size = (size_t)8 << 20;
    if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur > size)
        size = stack.rlim_cur > ((size_t)64 << 20) ? (size_t)64 << 20 : (size_t)stack.rlim_cur & ~(size_t)65535;
    if (pthread_attr_init(&attributes) != 0) return false;
    pthread_attr_setstacksize(&attributes, size);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* who handles signals goes on doing so */
    int rc = pthread_create(thread, &attributes, main, user);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return rc == 0;
}

/* As many as wanted, or as the system has: maybe none. */
static struct asl__threads *threads_of(asl_engine *e, size_t wanted) {
    struct asl__threads *t = e->workers ? e->workers : make_threads(e);
    while (t->count < wanted && t->count < THREADS_MAX) {
        struct worker *w = asl_calloc(1, sizeof *w);
        w->threads = t;
        if (!asl__thread_start(&w->thread, worker_main, w)) {
            asl_free(w);
            break;
        }
        t->workers[t->count++] = w;
    }
    return t;
}

// ---------------------------------------------------------------- the caller's part

/* What ends an execution reaches it here too. */
static bool cut(asl_execution *x) {
    asl_engine *e = x->engine;
    asl__clock_update(&e->clock);
    if (asl__interrupted(e)) x->main->cut = ASL_ABORTED;
    else if (e->clock.now_ms >= x->main->deadline_ms) x->main->cut = ASL_TIMED_OUT;
    return x->main->cut != ASL_RUNNING;
}

static void run_own_chunk(struct job *j, struct fanout *o, size_t number) {
    asl_execution *x = j->parent->execution, *main = x->main;
    uint64_t events = x->events, transitions = main->transitions;
    struct chunk *chunk = &j->chunks[number];
    struct frame *child = NULL;
    size_t i = first_of(j, number), end = end_of(j, number);
    chunk->own = true;
    for (; i < end && i < atomic_load_explicit(&j->limit, memory_order_relaxed) && !cut(x); i++) {
        if (!child) child = new_child(j, o, i);
        x->events = main->transitions = 0;
        if (!run_child(j, child, i, asl_retain(o->is_map ? o->items.array->items[i] : o->input), true)) break;
        chunk->events += x->events;
        chunk->transitions += main->transitions;
        o->results.array->items[i] = child->result;
        child->result = asl_none();
        if (o->is_map) {
            j->ways->renew(child);
        } else {
            asl__frame_free(child);
            child = NULL;
        }
    }
    if (child) asl__frame_free(child);
    if (i < end) lower_limit(j, i);
    x->events = events;
    main->transitions = transitions;
}

/* Copies what workers have shown, in order; all: nothing more will come. */
static void copy_shown(struct asl__threads *t, struct job *j, asl_value *results, bool all) {
    for (; j->copied < j->chunk_count; j->copied++) {
        struct chunk *chunk = &j->chunks[j->copied];
        struct shown *s = atomic_load_explicit(&chunk->shown, memory_order_acquire);
        if (!s && !chunk->own && !all) return;
        if (!s) continue;
        size_t first = first_of(j, j->copied);
        for (size_t i = 0; i < s->count && first + i < atomic_load_explicit(&j->limit, memory_order_relaxed); i++)
            if (!asl__carry(&t->outward, &s->values[i], &results[first + i])) lower_limit(j, first); /* too deep: all of the chunk */
        atomic_store_explicit(&s->copied, true, memory_order_release);
    }
}

/* Until all workers have left the job. */
static void wait_for_workers(struct asl__threads *t, struct job *j, asl_execution *x) {
    pthread_mutex_lock(&t->lock);
    t->job = NULL;
    while (t->at_work > 0) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_MS * 1000000;
        if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
        if (pthread_cond_timedwait(&t->done, &t->lock, &until) == ETIMEDOUT) cut(x);
        if (x->main->cut == ASL_RUNNING) continue;
        lower_limit(j, j->from);
        for (unsigned i = 0; i < t->count; i++)
            if (t->workers[i]->at_work && t->workers[i]->engine) asl__engine_interrupt(t->workers[i]->engine);
    }
    for (unsigned i = 0; i < t->count; i++)
        if (t->workers[i]->engine) __atomic_store_n(&t->workers[i]->engine->interrupted, 0, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&t->lock);
}

static size_t chunk_size(const struct fanout *o, size_t rest, unsigned threads) {
    uint64_t each = o->site->spread.child_ns ? o->site->spread.child_ns : 1;
    uint64_t size = CHUNK_NS / each, share = rest / (8 * (uint64_t)threads);
    if (size > share) size = share;
    if (size > CHUNK_MAX) size = CHUNK_MAX;
    return size ? size : 1;
}

static void run_job(struct asl__threads *t, struct job *j, struct fanout *o, unsigned helpers) {
    asl_execution *x = j->parent->execution;
    asl_engine *e = x->engine;
    asl_value *results = o->results.array->items;
    unsigned threads = e->threads;
    size_t chunk;
    pthread_mutex_lock(&t->lock);
    t->job = j;
    t->jobs++;
    t->wanted = helpers;
    pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->lock);
    e->threads = 1; /* what is nested in the children is not spread again */
    while (take_chunk(j, &chunk)) {
        run_own_chunk(j, o, chunk);
        copy_shown(t, j, results, false);
    }
    e->threads = threads;
    wait_for_workers(t, j, x);
    copy_shown(t, j, results, true);
    asl__carrier_clear(&t->outward);
    pthread_mutex_lock(&t->lock);
    t->copied = t->jobs;
    pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->lock);
}

size_t asl__spread(struct spread_watch *watch, const struct child_ways *ways, struct fanout *o, size_t from) {
    asl_execution *x = o->parent->execution;
    asl_engine *e = x->engine;
    asl_value *results = o->results.array->items;
    size_t rest = o->count - from, helpers = e->threads - 1 < rest - 1 ? e->threads - 1 : rest - 1;
    if (o->max_running && helpers > o->max_running - 1) helpers = o->max_running - 1;
    struct asl__threads *t = threads_of(e, helpers);
    if (t->count == 0) {
        watch->off = true;
        return from;
    }
    struct job job = {
        .ways = ways, .o = o, .parent = o->parent, .from = from, .count = o->count, .size = chunk_size(o, rest, e->threads),
        .clock = e->clock, .deadline_ms = x->main->deadline_ms, .lends_context = x->context_execution.tag != ASL_NONE,
    }, *j = &job;
    j->chunk_count = (rest + j->size - 1) / j->size;
    j->chunks = asl_calloc(j->chunk_count, sizeof *j->chunks);
    atomic_init(&j->next, 0);
    atomic_init(&j->limit, o->count);
    for (size_t i = from; i < o->count; i++) results[i] = asl_none();
    run_job(t, j, o, (unsigned)helpers);

    size_t limit = atomic_load(&j->limit);
    for (size_t i = 0; i < j->chunk_count && first_of(j, i) < limit; i++) {
        x->events += j->chunks[i].events;
        x->main->transitions += j->chunks[i].transitions;
    }
    for (size_t i = limit; i < o->count; i++) asl_release(results[i]);
    asl_free(j->chunks);
    if (limit < o->count) {
        watch->from = limit;
        watch->next = limit + 16;
        watch->started_ns = monotonic_ns();
        watch->off = ++watch->refused == REFUSED_MAX;
    }
    return limit;
}
