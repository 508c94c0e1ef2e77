// Wait states: the checks of their fields and the timer (asl-language 9; texts: aws-observed-behaviour 2.2 and 2.3).
#include "waiting.h"

#define LONGEST_WAIT_S INT64_C(2147483647)

void asl__on_wait(struct timer *timer) {
    asl__frame_answer(container_of(timer, struct frame, timer), asl_none());
}

/* Here and not in retry.c, of which a workflow without Retry needs nothing, nor of libm then. */
void asl__on_backoff(struct timer *timer) {
    struct frame *f = container_of(timer, struct frame, timer);
    f->generation++;
    asl__ready_push(f, READY_STEP);
}

static int32_t start(struct frame *f, int64_t due_ms) {
    struct clock *c = &f->execution->engine->clock;
    /* No wait, no timer: a time in the past takes the next turn. */
    if (due_ms <= c->now_ms || asl__time_jumps(f->execution->engine, due_ms)) {
        asl__frame_take(f, asl_none());
        return asl__answered(f);
    }
    asl__timer_start(c, &f->timer, due_ms, asl__on_wait);
    return 0;
}

/* A value as these messages show it: text as it is, anything else as JSON. */
static void show(asl_buffer *b, const asl_value *v) {
    if (v->tag == ASL_STRING) asl_buffer_str(b, asl_text_of(v));
    else asl_json_print(v, b);
}

static int32_t refuse(struct frame *f, const char *what, const char *path, const asl_value *v) {
    asl_buffer b = {0};
    asl_buffer_format(&b, "The %s: %s", what, path);
    if (v) {
        asl_buffer_z(&b, " == ");
        show(&b, v);
    }
    return asl__raise_buffer(f, "States.Runtime", &b);
}

/* The field of a JSONata state: its value comes from no path. */
static int32_t refuse_field(struct frame *f, const char *field, const char *what, const asl_value *v) {
    asl_buffer b = {0};
    asl_buffer_format(&b, "The %s %s: ", field, what);
    show(&b, v);
    asl_value location = asl_string_z(field);
    asl__raise_query(f, &b, &location);
    asl_release(location);
    return 1;
}

static int32_t too_long(struct frame *f, const struct site *site) {
    asl_buffer b = {0};
    asl_buffer_z(&b, "Wait state delay is too long.");
    return site->jsonata ? asl__raise_query(f, &b, NULL) : asl__raise_buffer(f, "States.Runtime", &b);
}

/* Whole seconds, as a number or as the text of one; the service reads the value's text as a long. */
static bool whole(const asl_value *v, int64_t *out) {
    if (asl_is_number(v)) return asl_number_as_int(v, out);
    if (v->tag != ASL_STRING) return false;
    asl_value parsed;
    if (asl_json_parse(asl_text_of(v), NULL, &parsed, NULL) < 0) return false;
    bool ok = parsed.tag == ASL_INT;
    if (ok) *out = parsed.i;
    asl_release(parsed);
    return ok;
}

int32_t asl_rt_wait_seconds(asl_frame *frame, uint32_t t, uint32_t s) {
    struct frame *f = frame_of(frame);
    asl_engine *e = f->execution->engine;
    const struct site *site = &e->image.sites[t];
    const char *path = site->seconds_path;
    const asl_value *v = &frame->slot[s & ~ASL_LAST];
    int64_t seconds;
    if (!path) path = "$";
    if (site->jsonata && !whole(v, &seconds)) return refuse_field(f, "Seconds", "field cannot be parsed as a long value", v);
    if (site->jsonata && seconds < 0) return refuse_field(f, "Seconds", "field is a negative value", v);
    if (v->tag == ASL_NONE) return refuse(f, "SecondsPath parameter does not reference an input value", path, NULL);
    if (!whole(v, &seconds)) return refuse(f, "SecondsPath parameter cannot be parsed as a long value", path, v);
    if (seconds < 0) return refuse(f, "SecondsPath parameter references a negative value", path, v);
    if (seconds > LONGEST_WAIT_S) return too_long(f, site);
    return start(f, e->clock.now_ms + seconds * 1000);
}

int32_t asl_rt_wait_until(asl_frame *frame, uint32_t t, uint32_t s) {
    struct frame *f = frame_of(frame);
    asl_engine *e = f->execution->engine;
    const struct site *site = &e->image.sites[t];
    const char *path = site->timestamp_path;
    const asl_value *v = &frame->slot[s & ~ASL_LAST];
    int64_t seconds;
    int32_t nanos;
    if (!path) path = "$";
    if (v->tag == ASL_NONE) return refuse(f, "TimestampPath parameter does not reference an input value", path, NULL);
    bool parsed = v->tag == ASL_STRING && asl_timestamp_parse(asl_text_of(v), &seconds, &nanos, NULL);
    if (!parsed && site->jsonata)
        return refuse_field(f, "Timestamp", "field cannot be parsed as an ISO-8601 extended offset date-time format string", v);
    if (!parsed)
        return refuse(f,
                      "TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string",
                      path, v);
    if (seconds - e->clock.now_ms / 1000 > LONGEST_WAIT_S) return too_long(f, site);
    return start(f, seconds * 1000 + (nanos + 999999) / 1000000); /* never too early */
}
