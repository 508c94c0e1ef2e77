// Retry and Catch: policy is data, compiled code only asks (asl-language 15 to 17).
#include "value_private.h"
#include "waiting.h"
#include "words.h"

#include <math.h>

static inline asl_str text_of(const asl_value *v) {
    return v->size == ASL_ON_HEAP ? (asl_str){v->text->bytes, v->text->size} : (asl_str){v->inline_text, v->size};
}

static inline bool same(asl_str a, asl_str b) { return a.size == b.size && memcmp(a.data, b.data, a.size) == 0; }

#define IS(v, literal) ((v)->tag == ASL_STRING && same(text_of(v), ASL_STR(literal)))

static inline void forget_failure(struct failure *failure) {
    struct asl__words error = asl__load(&failure->error), cause = asl__load(&failure->cause);
    *failure = (struct failure){0};
    asl__release_words(error);
    asl__release_words(cause);
}

static inline bool matches_name(const asl_value *name, const struct failure *e) {
    const asl_value *error = &e->error;
    struct asl__words n = asl__load(name), w = asl__load(error);
    if (n.head == w.head && n.body == w.body && name->tag == ASL_STRING) return true;
    if (name->tag != ASL_STRING) return false;
    if (error->tag == ASL_STRING && same(text_of(name), text_of(error))) return true;
    asl_str text = text_of(name);
    if (text.size < 10 || memcmp(text.data, "States.", 7) != 0) return false; /* the shortest is States.ALL */
    if (IS(name, "States.ALL")) return true;
    if (IS(name, "States.TaskFailed"))
        return !IS(error, "States.Timeout") && !IS(error, "States.HeartbeatTimeout") && !IS(error, "States.DataLimitExceeded");
    if (IS(name, "States.HeartbeatTimeout")) return e->heartbeat;
    return IS(name, "States.Timeout") && IS(error, "States.HeartbeatTimeout");
}

/* States.Runtime is matched by nothing, not even by its own name (recorded: catch_states_runtime). */
static bool matches(const struct matcher *m, const struct failure *e) {
    if (IS(&e->error, "States.Runtime")) return false;
    for (size_t i = 0; i < m->count; i++)
        if (matches_name(&m->names[i], e)) return true;
    return false;
}

/* min(IntervalSeconds · BackoffRate^attempt, MaxDelaySeconds), with FULL jitter anything up to that; in milliseconds. */
static int64_t delay_ms(asl_engine *e, const struct retrier *r, uint32_t attempt) {
    double delay = r->interval_seconds;
    if (attempt > 0 && r->rate == 2) delay = ldexp(delay, (int)(attempt < 2000 ? attempt : 2000)); /* the usual one */
    else if (attempt > 0 && r->rate != 1) delay *= pow(r->rate, attempt);
    if (r->max_delay_seconds > 0 && delay > (double)r->max_delay_seconds) delay = (double)r->max_delay_seconds;
    if (r->jitter) delay *= asl__random_unit(&e->random);
    /* A rate of 1e9 must not overflow: a million years is never. */
    return delay < 3.2e13 ? (int64_t)(delay * 1000 + 0.5) : (int64_t)32 * 1000 * 1000 * 1000 * 1000 * 1000;
}

int32_t asl_rt_retry(asl_frame *frame, uint32_t t) {
    struct frame *f = frame_of(frame);
    asl_engine *e = f->execution->engine;
    if (asl__frame_cut(f)) return 0;
    const struct site *site = &e->image.sites[t];
    for (size_t i = 0; i < site->retrier_count; i++) {
        const struct retrier *r = &site->retriers[i];
        if (!matches(&r->errors, &f->failure)) continue;
        if (f->retries[i] >= r->max_attempts) break; /* the first that matches counts, exhausted or not */
        int64_t due = e->clock.now_ms + delay_ms(e, r, f->retries[i]);
        f->retries[i]++;
        f->retry_count++;
        f->failed_event = 0;
        if (e->journal) e->journal->forgotten(e->journal, f);
        forget_failure(&f->failure);
        asl__context_drop(f);
        if (asl__time_jumps(e, due)) {
            f->generation++;
            return asl__answered(f) ? ASL_ANSWERED : 1;
        }
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
        if (!matches(&site->catchers[i], &f->failure)) continue;
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
    bool timeout = IS(&failure.error, "States.Timeout");
    asl_value o = asl_object_new(2);
    o = asl_object_set(o, asl__key(e, KEY_ERROR), failure.error.tag == ASL_NONE ? asl_null() : failure.error);
    if (failure.cause.tag == ASL_NONE) failure.cause = timeout ? asl_string(ASL_STR("")) : asl_null();
    o = asl_object_set(o, asl__key(e, KEY_CAUSE), failure.cause);
    asl_value_set(&frame->slot[d], o);
    return 0;
}
