// What quiet machines call and LLVM should not inline: see hot.h.
#include "hot.h"

#include "engine.h"
#include "value_private.h"

static struct image *image_of(asl_frame *frame) { return &frame_of(frame)->execution->engine->image; }

asl_text *asl__hot_key(asl_frame *frame, uint32_t k) { return asl__image_key(image_of(frame), k); }

/* 1: there is no such member. What was found is where the cache looks first from now on. */
int32_t asl__hot_find(asl_frame *frame, const asl_value *s, uint32_t k, uint32_t cache, const asl_value **found) {
    struct image *image = image_of(frame);
    struct asl_hot_cache *c = &image->caches[cache];
    const asl_text *key = asl__image_key(image, k);
    asl_object *o = s->object;
    struct asl__entry *e = c->at < o->head.count && asl__text_equal(o->entries[c->at].key, key) ? &o->entries[c->at]
                                                                                                : asl__object_find(o, key);
    if (!e) return 1;
    c->at = (uint32_t)(e - o->entries);
    if (c->key != e->key) {
        if (c->key) asl_text_release(c->key);
        c->key = asl_text_retain(e->key);
    }
    *found = &e->value;
    return 0;
}

void asl__hot_record(asl_value *d, uint32_t members) { asl_value_set(d, asl_object_new(members)); }

int64_t asl_hot_timestamp(const asl_value *s) {
    int64_t seconds, nanoseconds;
    int32_t nanos;
    if (s->tag != ASL_STRING || !asl_timestamp_parse(asl_text_of(s), &seconds, &nanos, NULL)) return INT64_MIN;
    if (__builtin_mul_overflow(seconds, INT64_C(1000000000), &nanoseconds) ||
        __builtin_add_overflow(nanoseconds, nanos, &nanoseconds))
        return INT64_MIN;
    return nanoseconds;
}

/* Strings as they are, integers in digits; whatever prints otherwise is left to the function itself. */
static bool add(char **at, const char *end, const asl_value *v) {
    char digits[20];
    asl_str text;
    if (v->tag == ASL_INT) text = (asl_str){digits, asl__int_print(v->i, digits)};
    else if (v->tag == ASL_STRING || v->tag == ASL_NUMBER_TEXT) text = asl_text_of(v);
    else return false;
    if (text.size > (size_t)(end - *at)) return false;
    memcpy(*at, text.data, text.size);
    *at += text.size;
    return true;
}

int32_t asl_hot_format(asl_frame *frame, asl_value *d, uint32_t k, uint32_t unused, const asl_value *a, const asl_value *b,
                       const asl_value *c, const asl_value *e, uint32_t count) {
    (void)unused;
    const asl_value *args[] = {a, b, c, e};
    const asl_value *template = image_of(frame)->constants[k];
    asl_str t = asl_text_of(template);
    char text[512], *at = text;
    uint32_t used = 0;
    bool fits = true;
    for (const char *p = t.data, *end = p + t.size; p < end && fits;) {
        const char *brace = memchr(p, '{', (size_t)(end - p)), *stop = brace ? brace : end;
        fits = (size_t)(stop - p) <= (size_t)(text + sizeof text - at);
        if (!fits) break;
        memcpy(at, p, (size_t)(stop - p));
        at += stop - p;
        if (stop == end) break;
        if (stop + 1 < end && stop[1] == '}' && used < count) {
            fits = add(&at, text + sizeof text, args[used++]);
            p = stop + 2;
        } else {
            fits = at < text + sizeof text;
            if (fits) *at++ = '{';
            p = stop + 1;
        }
    }
    if (fits) {
        asl_value_set(d, asl_string((asl_str){text, (size_t)(at - text)}));
        return 0;
    }
    asl_value all[5] = {*template}, out;
    char message[256];
    for (uint32_t i = 0; i < count; i++) all[i + 1] = *args[i];
    if (asl__intrinsic_call(ASL_INTRINSIC_FORMAT, all, count + 1, NULL, &out, message, sizeof message) < 0) return 1;
    asl_value_set(d, out);
    return 0;
}

void asl_hot_arrive(asl_frame *frame, uint32_t n) {
    struct frame *f = frame_of(frame);
    asl_execution *x = f->execution;
    frame->state = n;
    frame->entered = x->events + 1; /* the id that its event would have */
    f->entered_ms = x->engine->clock.now_ms;
    if (f->retry_count) {
        for (uint32_t i = 0; i < x->engine->image.most_retriers; i++) f->retries[i] = 0;
        f->retry_count = 0;
    }
    asl_free(f->token);
    f->token = NULL;
    asl__context_drop(f);
}

int32_t asl_hot_poll(asl_frame *frame) { return asl__poll_now(frame_of(frame)->execution); }

void asl_hot_unraise(asl_frame *frame, int64_t events) {
    struct frame *f = frame_of(frame);
    f->execution->events = (uint64_t)events;
    f->failed_event = 0;
    asl__failure_clear(&f->failure);
}

void asl_hot_forget(asl_frame *frame, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; i++)
        if (frame->slot[i].tag != ASL_NONE) asl_value_set(&frame->slot[i], asl_none());
}

/* The watched machine goes on: its slots are right, the others are no longer needed. */
int32_t asl_hot_give_up(asl_frame *frame, uint32_t machine, uint32_t resume, uint32_t slots) {
    struct frame *f = frame_of(frame);
    if (frame->now) return 1;
    asl_hot_forget(frame, slots, f->execution->engine->image.machines[frame->machine].slots);
    frame->machine = machine;
    frame->resume = resume;
    return 0;
}
