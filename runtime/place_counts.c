// The op "profile": time and allocations of each place of the definition (place_counts.h).
//
// Counting and not sampling: figures are exact from the first execution on, and need neither signals nor unwinding. What
// an op of the plan costs is in the order of ten nanoseconds, and so is reading the processor's clock twice; what a visit
// costs is measured when counting begins and taken off at the end.
//
// A process that is interrupted for some milliseconds would have them counted at whatever place ran, which is more than
// most places take in all. So after every long interval the thread's processor time is asked for, and what passed while
// the thread did not run, because it waited or because others did, is taken out.
#include "place_counts.h"

#include <string.h>
#include <time.h>

#include "aslc/value.h"
#include "rt.h"

struct profile {
    struct asl__profile_place *places, *at; /* at: the place that is running; NULL: none has begun */
    size_t count;
    uint64_t since, blocks;      /* when it began, and what had been allocated then */
    double tick, visit;          /* seconds of a tick; ticks that a visit costs */
    uint64_t longest;            /* ticks that pass without a look at the processor time */
    double checked, checked_cpu; /* both clocks at the last look */
    double away;                 /* seconds in which the thread did not run */
};

/* One thread is profiled at a time, by `aslc run`; entries of compiled code have no other way to get here. */
static _Thread_local struct profile current;

#define LONG_SECONDS 20e-6

static double clock_seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline uint64_t ticks(void) {
#if defined __x86_64__
    // Without the fences the processor reads its clock before the work in front of it is done, and ten nanoseconds of one
    // place are counted at another.
    __builtin_ia32_lfence();
    uint64_t t = __builtin_ia32_rdtsc();
    __builtin_ia32_lfence();
    return t;
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
#endif
}

/* What of an interval of so many ticks, which ends now, was not ours. The intervals since the last look were all short. */
static uint64_t taken_away(struct profile *p, uint64_t passed) {
    double wall = clock_seconds(CLOCK_MONOTONIC), cpu = clock_seconds(CLOCK_THREAD_CPUTIME_ID);
    double away = (wall - p->checked) - (cpu - p->checked_cpu);
    p->checked = wall;
    p->checked_cpu = cpu;
    if (away <= 0) return 0;
    uint64_t t = (uint64_t)(away / p->tick);
    if (t > passed) t = passed;
    p->away += (double)t * p->tick;
    return t;
}

static inline void visit(struct profile *p, uint32_t place) {
    uint64_t passed = ticks() - p->since;
    size_t blocks = asl_alloc_made();
    if (p->at) {
        if (passed > p->longest) passed -= taken_away(p, passed);
        p->at->ticks += passed;
        p->at->blocks += blocks - p->blocks;
    }
    p->at = &p->places[place < p->count ? place : 0];
    p->at->visits++;
    p->blocks = blocks;
    p->since = ticks();
}

int32_t asl_rt_profile(asl_frame *frame, uint32_t place) {
    (void)frame;
    if (current.count) visit(&current, place); // a plan read from a file may have the op with nobody counting
    return 0;
}

static double cost_of_a_visit(void) {
    struct asl__profile_place places[2];
    double least = 1e9;
    for (int round = 0; round < 32; round++) { // the least: any interruption only adds
        memset(places, 0, sizeof places);
        current = (struct profile){.places = places, .count = 2, .longest = UINT64_MAX};
        for (uint32_t i = 0; i < 256; i++) asl_rt_profile(NULL, i & 1);
        double each = (double)(places[0].ticks + places[1].ticks) / 255;
        if (each < least) least = each;
    }
    return least;
}

/* Two milliseconds are enough for three digits. */
static double seconds_of_a_tick(void) {
    double begin = clock_seconds(CLOCK_MONOTONIC), seconds;
    uint64_t t = ticks();
    do seconds = clock_seconds(CLOCK_MONOTONIC) - begin;
    while (seconds < 2e-3);
    return seconds / (double)(ticks() - t);
}

void asl__profile_begin(struct asl__profile_place *places, size_t count) {
    double cost = cost_of_a_visit(), tick = seconds_of_a_tick();
    current = (struct profile){.places = places,
                               .count = count,
                               .tick = tick,
                               .visit = cost,
                               .longest = (uint64_t)(LONG_SECONDS / tick),
                               .checked = clock_seconds(CLOCK_MONOTONIC),
                               .checked_cpu = clock_seconds(CLOCK_THREAD_CPUTIME_ID)};
}

struct asl__profile_times asl__profile_end(void) {
    struct profile *p = &current;
    struct asl__profile_times times = {p->tick, p->away};
    for (size_t i = 0; i < p->count; i++) {
        struct asl__profile_place *place = &p->places[i];
        uint64_t counting = (uint64_t)((double)place->visits * p->visit);
        place->ticks -= counting < place->ticks ? counting : place->ticks;
    }
    *p = (struct profile){0};
    return times;
}
