// For step functions that tests write by hand: what follows an entry that starts something.
#ifndef ASL_TEST_STEPS_H
#define ASL_TEST_STEPS_H

#include "rt.h"

/* f->resume is set. Waits, or goes on there when the answer is there already (ASL_ANSWERED). */
static inline int32_t wait_or_go_on(asl_frame *f, asl_step *step, int32_t answer) {
    return answer == ASL_ANSWERED ? step(f) : answer ? ASL_FAILED : ASL_SUSPENDED;
}

/* The same after a retrier has taken the error: it has not failed. */
static inline int32_t retry_or_go_on(asl_frame *f, asl_step *step, int32_t answer) {
    return answer == ASL_ANSWERED ? step(f) : ASL_SUSPENDED;
}

#endif
