// What quiet machines call and LLVM should not inline: see hot.h.
#include "hot.h"

#include "engine.h"
#include "waiting.h"
#include "words.h"

static struct image *image_of(asl_frame *frame) { return &frame_of(frame)->execution->engine->image; }

asl_text *asl__hot_key(asl_frame *frame, uint32_t k) { return asl__image_key(image_of(frame), k); }

/* NULL: there is no such member. What was found is where the cache looks first from now on. */
const asl_value *asl__hot_find(asl_frame *frame, asl_object *o, uint32_t k, struct asl_hot_cache *c) {
    struct image *image = image_of(frame);
    const asl_text *key = image->keys[k] ? image->keys[k] : asl__image_key(image, k);
    struct asl__entry *e = &o->entries[c->at];
    if (c->at >= o->head.count || !asl__text_equal(e->key, key)) e = asl__object_find(o, key);
    if (!e) return NULL;
    c->at = (uint32_t)(e - o->entries);
    if (c->key != e->key) {
        if (c->key) asl_text_release(c->key);
        c->key = e->key;
        c->key->refs++;
    }
    return &e->value;
}

void asl_hot_own(asl_value *x, uint32_t room) { x->object = asl__object_own(x->object, room); }

static void set(asl_frame *frame, void *keys, asl_value *x, uint32_t k, struct asl__words w) {
    asl_text *key = ((asl_text **)keys)[k];
    asl__store(asl__object_place(x, key ? key : asl__hot_key(frame, k)), w);
}

void asl_hot_set(asl_frame *frame, void *keys, asl_value *x, uint32_t k, const asl_value *s) {
    struct asl__words w = asl__load(s);
    asl__retain_words(w);
    set(frame, keys, x, k, w);
}

void asl_hot_set_last(asl_frame *frame, void *keys, asl_value *x, uint32_t k, asl_value *s) {
    struct asl__words w = asl__load(s);
    asl__store_new(s, (struct asl__words){0, 0});
    set(frame, keys, x, k, w);
}

double asl__hot_number(const asl_value *s) {
    double d = s->tag == ASL_NUMBER_TEXT ? asl_number(s) : __builtin_nan("");
    return __builtin_isfinite(d) && (d != 0 || !__builtin_signbit(d)) ? d : __builtin_nan("");
}

/* Doubles tell numbers of up to 15 digits apart, and order them. What fits into a value has no more, unless it has an exponent. */
int64_t asl_hot_decimal(const asl_value *s) {
    double d = __builtin_nan("");
    int64_t bits;
    if (s->tag == ASL_INT && s->i > -INT64_C(1000000000000000) && s->i < INT64_C(1000000000000000)) d = (double)s->i;
    else if (s->tag == ASL_NUMBER_TEXT && s->size != ASL_ON_HEAP && !memchr(s->inline_text, 'e', s->size) && !memchr(s->inline_text, 'E', s->size))
        d = asl_number(s);
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

int64_t asl_hot_timestamp(const asl_value *s) {
    int64_t seconds, nanoseconds;
    int32_t nanos;
    if (s->tag != ASL_STRING || !asl_timestamp_parse(asl_text_of(s), &seconds, &nanos, NULL)) return INT64_MIN;
    if (__builtin_mul_overflow(seconds, INT64_C(1000000000), &nanoseconds) ||
        __builtin_add_overflow(nanoseconds, nanos, &nanoseconds))
        return INT64_MIN;
    return nanoseconds;
}

int32_t asl_hot_pieces(const asl_value *s, uint32_t head_size, uint32_t tail_size, const char *pieces, uint32_t count) {
    asl_str text = asl_text_of(s);
    return asl__pieces_follow((asl_str){text.data + head_size, text.size - head_size - tail_size}, pieces, count);
}

// ---------------------------------------------------------------- States.Format

static int32_t format_any(asl_frame *frame, asl_value *d, uint32_t k, const asl_value *const *args, uint32_t count) {
    asl_value all[5] = {*image_of(frame)->constants[k]}, out;
    char message[256];
    for (uint32_t i = 0; i < count; i++) all[i + 1] = *args[i];
    if (asl__intrinsic_call(ASL_INTRINSIC_FORMAT, all, count + 1, NULL, &out, message, sizeof message) < 0) return 1;
    asl_value_set(d, out);
    return 0;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
struct part {
    asl__bytes16 text;     /* up to 16 bytes, and zeros */
    const char *data; /* where they are when they may be more; NULL: they are not */
    size_t size;
};

/* Strings as they are, integers in digits. False: whatever prints otherwise is left to the function itself. */
static inline bool read_argument(const asl_value *v, struct part *p, char digits[20]) {
    uint64_t few;
    p->data = NULL;
    if (v->tag == ASL_INT) {
        if (asl__few_digits(v->i, &few, &p->size)) {
            p->text = few;
        } else {
            memset(digits, 0, 20);
            p->size = asl__int_print(v->i, digits);
            p->data = digits;
            memcpy(&p->text, digits, sizeof p->text);
        }
        return true;
    }
    if (v->tag != ASL_STRING && v->tag != ASL_NUMBER_TEXT) return false;
    if (v->size == ASL_ON_HEAP) {
        p->data = v->text->bytes;
        p->size = v->text->size;
        return true;
    }
    p->text = asl__inline_bytes(asl__load(v));
    p->size = v->size;
    return true;
}

static inline asl__bytes16 short_piece(const struct asl_hot_text *p) { return (asl__bytes16)p->high << 64 | p->low; }

/* There is room for 16 bytes at least. */
static inline char *put(char *at, asl__bytes16 text, const char *data, size_t size) {
    if (data) memcpy(at, data, size);
    else memcpy(at, &text, sizeof text);
    return at + size;
}

/* A result that fits into a value is put together in registers: what is written to memory in parts and read again as a
   whole makes the processor wait for longer than all the rest takes. */
int32_t asl_hot_format(asl_frame *frame, asl_value *d, uint32_t k, const struct asl_hot_text *pieces, uint32_t fresh,
                       const asl_value *a, const asl_value *b, const asl_value *c, const asl_value *e, uint32_t count) {
    const asl_value *args[] = {a, b, c, e};
    struct part parts[4];
    char digits[4][20], text[512 + sizeof(asl__bytes16)], *at = text;
    size_t size = pieces[0].size;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_argument(args[i], &parts[i], digits[i])) return format_any(frame, d, k, args, count);
        size += parts[i].size + pieces[i + 1].size;
    }
    struct asl__words w;
    if (size <= ASL_INLINE_MAX) {
        asl__bytes16 all = short_piece(&pieces[0]);
        size_t end = pieces[0].size;
        for (uint32_t i = 0; i < count; i++) {
            all |= parts[i].text << (8 * end);
            end += parts[i].size;
            all |= short_piece(&pieces[i + 1]) << (8 * end);
            end += pieces[i + 1].size;
        }
        w = asl__inline_words(all, size);
    } else {
        if (size > 512) return format_any(frame, d, k, args, count);
        const char *template = asl_text_of(image_of(frame)->constants[k]).data;
        for (uint32_t i = 0; i <= count; i++) {
            at = put(at, short_piece(&pieces[i]), pieces[i].size > sizeof(asl__bytes16) ? template : NULL, pieces[i].size);
            template += pieces[i].size + 2; /* {} */
            if (i < count) at = put(at, parts[i].text, parts[i].data, parts[i].size);
        }
        w = asl__words_of(asl_string((asl_str){text, size}));
    }
    if (fresh) asl__store_new(d, w);
    else asl__store(d, w);
    return 0;
}
#else /* there are no quiet machines */
int32_t asl_hot_format(asl_frame *frame, asl_value *d, uint32_t k, const struct asl_hot_text *pieces, uint32_t fresh,
                       const asl_value *a, const asl_value *b, const asl_value *c, const asl_value *e, uint32_t count) {
    (void)pieces, (void)fresh;
    return format_any(frame, d, k, (const asl_value *const[]){a, b, c, e}, count);
}
#endif

int32_t asl_hot_call(asl_frame *frame, asl_value *d, uint32_t function, uint32_t fresh, const asl_value *a, const asl_value *b,
                     const asl_value *c, const asl_value *e, uint32_t count) {
    const asl_value *args[] = {a, b, c, e};
    asl_value all[4], out;
    char message[256];
    for (uint32_t i = 0; i < count; i++) asl__store_new(&all[i], asl__load(args[i]));
    struct asl__random *random = &frame_of(frame)->execution->engine->random;
    if (asl__intrinsic_call((asl_intrinsic)function, all, count, random, &out, message, sizeof message) < 0) return 1;
    if (fresh) asl__store_new(d, asl__words_of(out));
    else asl__store(d, asl__words_of(out));
    return 0;
}

void asl_hot_draw(asl_frame *frame) {
    asl_engine *e = frame_of(frame)->execution->engine;
    e->undrawn = e->random;
}

void asl_hot_undraw(asl_frame *frame) {
    asl_engine *e = frame_of(frame)->execution->engine;
    e->random = e->undrawn;
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

void asl_hot_context(asl_frame *frame, asl_value *d) { asl_value_set(d, asl__context(frame_of(frame))); }

void asl_hot_entered(asl_frame *frame, asl_value *d) { asl_value_set(d, asl__time_value(frame_of(frame)->entered_ms)); }

void asl_hot_begin_item(asl_frame *frame) {
    struct frame *f = frame_of(frame);
    const struct frame *parent = f->up->parent;
    frame->state = parent->head.state;
    f->entered_ms = parent->entered_ms;
    asl__context_drop(f);
}

int32_t asl_hot_path(asl_frame *frame, asl_value *d, const asl_value *s, uint32_t p, uint32_t step) {
    asl_value v = asl__path_get_from(asl__image_path(image_of(frame), p), step, s);
    if (v.tag == ASL_NONE) return 1;
    asl__store(d, asl__words_of(v));
    return 0;
}

const asl_value *asl_hot_execution(asl_frame *frame, uint32_t which) {
    asl_execution *x = frame_of(frame)->execution;
    asl__context_share(x);
    return which ? &x->context_machine : &x->context_execution;
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
    if (f->up && f->up->is_map && resume == 0) asl_hot_begin_item(frame); /* this iteration has entered no state */
    frame->machine = machine;
    frame->resume = resume;
    f->eventful = true;
    if (!f->up) f->rounds = UINT32_C(1) << (f->gave_up < 20 ? f->gave_up++ : 20);
    return 0;
}

void asl_hot_hand_back(asl_frame *frame, uint32_t machine, uint32_t resume) {
    frame->machine = machine;
    frame->resume = resume;
    frame_of(frame)->rounds = 0;
}
