// The virtual clock by hand: for who knows when things happened, and lets them happen again at these times.
//
//     while (asl_engine_run(e, ASL_RUN_READY) > 0) {
//         asl_engine_set_time(e, …);            nothing is ready: answer a task, or go on to the next timer
//     }
//
// A file of its own, so that programs which leave the clock to the engine do not link it.
#include "engine.h"

int64_t asl_engine_now(const asl_engine *e) { return e->clock.now_ms; }

int64_t asl_engine_next_timer(const asl_engine *e) {
    const struct timer *next = asl__timer_next(&e->clock);
    return next ? next->due_ms : -1;
}

void asl_engine_set_time(asl_engine *e, int64_t ms) {
    asl_assert(e->clock.is_virtual);
    e->clock.now_ms = ms;
}

void asl_execution_cut(asl_execution *x) { x->main->cut = ASL_ABORTED; }
