// Retry and Catch: policy is data, compiled code only asks (asl-language 15 to 17).
#include "waiting.h"

#include <math.h>

static bool is(const asl_value *v, const char *text) {
    return v->tag == ASL_STRING && asl_str_equal(asl_text_of(v), asl_str_z(text));
}

static bool matches_name(const asl_value *name, const struct failure *e) {
    if (is(name, "States.ALL")) return true;
    if (is(name, "States.TaskFailed"))
        return !is(&e->error, "States.Timeout") && !is(&e->error, "States.HeartbeatTimeout") &&
               !is(&e->error, "States.DataLimitExceeded");
    if (is(name, "States.HeartbeatTimeout") && e->heartbeat) return true;
    if (is(name, "States.Timeout") && is(&e->error, "States.HeartbeatTimeout")) return true;
    return e->error.tag == ASL_STRING && name->tag == ASL_STRING && asl_str_equal(asl_text_of(name), asl_text_of(&e->error));
}

/* States.Runtime is matched by nothing, not even by its own name (recorded: catch_states_runtime). */
bool asl__matches(const struct matcher *m, const struct failure *e) {
    if (asl__failure_is_runtime(e)) return false;
    for (size_t i = 0; i < m->count; i++)
        if (matches_name(&m->names[i], e)) return true;
    return false;
}

void asl__on_backoff(struct timer *timer) {
    struct frame *f = container_of(timer, struct frame, timer);
    f->generation++;
    asl__ready_push(f, READY_STEP);
}

/* min(IntervalSeconds · BackoffRate^attempt, MaxDelaySeconds), with FULL jitter anything up to that; in milliseconds. */
static int64_t delay_ms(asl_engine *e, const struct retrier *r, uint32_t attempt) {
    double delay = r->interval_seconds * pow(r->rate, attempt);
    if (r->max_delay_seconds > 0 && delay > (double)r->max_delay_seconds) delay = (double)r->max_delay_seconds;
    if (r->jitter) delay *= asl__random_unit(&e->random);
    /* A rate of 1e9 must not overflow: a million years is never. */
    return delay < 3.2e13 ? (int64_t)floor(delay * 1000 + 0.5) : (int64_t)32 * 1000 * 1000 * 1000 * 1000 * 1000;
}

int32_t asl_rt_retry(asl_frame *frame, uint32_t t) {
    struct frame *f = frame_of(frame);
    asl_engine *e = f->execution->engine;
    if (asl__frame_cut(f)) return 0;
    const struct site *site = &e->image.sites[t];
    for (size_t i = 0; i < site->retrier_count; i++) {
        const struct retrier *r = &site->retriers[i];
        if (!asl__matches(&r->errors, &f->failure)) continue;
        if (f->retries[i] >= r->max_attempts) break; /* the first that matches counts, exhausted or not */
        int64_t due = e->clock.now_ms + delay_ms(e, r, f->retries[i]);
        f->retries[i]++;
        f->retry_count++;
        f->failed_event = 0;
        if (e->journal) e->journal->forgotten(e->journal, f);
        asl__failure_clear(&f->failure);
        asl__context_drop(f);
        asl__timer_start(&e->clock, &f->timer, due, asl__on_backoff);
        return 1;
    }
    asl__frame_failed_event(f);
    return 0;
}

int32_t asl_rt_catch(asl_frame *frame, uint32_t t) {
    struct frame *f = frame_of(frame);
    if (asl__frame_cut(f)) return 0;
    const struct site *site = &f->execution->engine->image.sites[t];
    for (size_t i = 0; i < site->catcher_count; i++) {
        if (!asl__matches(&site->catchers[i], &f->failure)) continue;
        asl__frame_failed_event(f);
        asl_engine *e = f->execution->engine;
        if (e->journal) e->journal->forgotten(e->journal, f);
        return (int32_t)i + 1;
    }
    return 0;
}

int32_t asl_rt_error_output(asl_frame *frame, uint32_t d) {
    struct frame *f = frame_of(frame);
    asl_engine *e = f->execution->engine;
    struct failure failure = f->failure;
    f->failure = (struct failure){0};
    f->caught = true;
    /* A timeout has no cause and shows ""; a failure that was sent without error and cause shows nulls (recorded). */
    bool timeout = is(&failure.error, "States.Timeout");
    asl_value o = asl_object_new(2);
    o = asl_object_set(o, asl__key(e, KEY_ERROR), failure.error.tag == ASL_NONE ? asl_null() : failure.error);
    if (failure.cause.tag == ASL_NONE) failure.cause = timeout ? asl_string(ASL_STR("")) : asl_null();
    o = asl_object_set(o, asl__key(e, KEY_CAUSE), failure.cause);
    asl_value_set(&frame->slot[d], o);
    return 0;
}
