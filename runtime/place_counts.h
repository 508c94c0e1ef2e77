// Where an execution's time and memory go, counted: the plan's op "profile" says which place begins.
//
// The compiler puts the op before everything that stands at another place of the definition than what came before
// (compiler/profile.c), and numbers the places; here each gets what passes until the next one begins. Place 0 is the
// engine: what happens between the states.
#ifndef ASL_PLACE_COUNTS_H
#define ASL_PLACE_COUNTS_H

#include <stddef.h>
#include <stdint.h>

struct asl__profile_place {
    uint64_t visits;
    uint64_t ticks;  /* of the processor's clock, while the thread had the processor */
    uint64_t blocks; /* allocated */
};

/* From now on the calling thread's executions are counted in places[0 … count), until asl__profile_end. */
void asl__profile_begin(struct asl__profile_place *places, size_t count);

struct asl__profile_times {
    double tick, away; /* seconds of a tick; seconds in which the thread did not run, which are in no place's ticks */
};
/* Takes what the counting itself took out of the figures. */
struct asl__profile_times asl__profile_end(void);

#endif
