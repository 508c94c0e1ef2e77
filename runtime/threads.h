// Private to the runtime: branches and iterations that never wait, computed by more than one thread.
//
//     fanout.c, now.c:  child 0, 1, 2, …                      in the caller, and timed
//                            └─ the rest is worth it ─► asl__spread ─► chunks for the caller and N - 1 threads
//                            ┌─────────────────────────┘
//                       child k, …                            whatever was not done there
//
// A pure child may be computed anywhere, and twice: what goes wrong in a thread, or would not be the same there as here, is
// thrown away and computed again by the caller, in its turn. So nothing of what comes out depends on the threads.
#ifndef ASL_THREADS_H
#define ASL_THREADS_H

#include <pthread.h>

#include "waiting.h"

/* How many threads may run at once: by the affinity mask and cpu.max of the control groups round this process; from 1. */
unsigned asl__threads_allowed(void);

/* While children are run in the caller: whether the rest is worth more threads. */
struct spread_watch {
    bool off;           /* they are not to be spread, or not to be timed */
    bool spread;        /* they were */
    uint32_t refused;   /* times that a spread came back early */
    size_t from, next;  /* the first child that is timed; how many are done at the next look at the clock */
    int64_t started_ns; /* when the first began */
    struct asl__random random; /* the engine's stream then: who draws from it is not spread */
    uint32_t polls;
};
void asl__spread_measure(struct spread_watch *w, struct fanout *o);
bool asl__spread_look(struct spread_watch *w, struct fanout *o, size_t done);
void asl__spread_note(struct spread_watch *w, struct fanout *o);

static inline void asl__spread_begin(struct spread_watch *w, struct fanout *o) {
    w->off = true;
    if (o->parent->execution->engine->threads > 1 && o->count > 1) asl__spread_measure(w, o);
}

/* After `done` children of o: whether to call asl__spread now. */
static inline bool asl__spread_due(struct spread_watch *w, struct fanout *o, size_t done) {
    return !w->off && done >= w->next && asl__spread_look(w, o, done);
}

static inline void asl__spread_end(struct spread_watch *w, struct fanout *o) {
    if (!w->off) asl__spread_note(w, o);
}

/* How a child is run, here as in any thread: fanout.c and now.c each have their way. */
struct child_ways {
    struct frame *(*make)(struct fanout *o, uint32_t machine);
    void (*start)(struct frame *child, size_t index, asl_value input); /* input moved in */
    bool (*run)(struct frame *child);   /* to its end. False: it failed, or is not what it was thought to be */
    void (*renew)(struct frame *child); /* makes it what a new one is; of Maps */
};

/* Runs children from `from` on. Returns the first that is not done; the results of those before it are in o->results,
   and the events and states that they counted are added to the execution's. An execution that was stopped or is out of
   time has been cut then. */
size_t asl__spread(struct spread_watch *w, const struct child_ways *ways, struct fanout *o, size_t from);

/* A thread that gets no signals and has as much stack as the main thread. False: the system has none left. */
bool asl__thread_start(pthread_t *thread, void *(*main)(void *), void *user);

/* A deep copy that shares nothing with v, which other threads may read meanwhile. False: v is nested too deep. */
struct asl__carrier { /* zero-initialised is empty */
    asl_text *keys[256]; /* of objects carried so far, by their hash */
};
bool asl__carry(struct asl__carrier *c, const asl_value *v, asl_value *out);
void asl__carrier_clear(struct asl__carrier *c);

#endif
