// The entries of compiled code that do not wait: values in, values out. Contract: rt.def.
//
// The straight path of each is short; what explains an error stands in functions of its own, marked cold.
#include "observe.h"
#include "value_private.h"

#define COLD __attribute__((cold, noinline))

static inline const asl_value *source(const asl_frame *frame, uint32_t s) { return &frame->slot[s & ~ASL_LAST]; }

/* A source operand as a value of one's own: moved out when this is its last use. */
static inline asl_value take(asl_frame *frame, uint32_t s) {
    asl_value *slot = &frame->slot[s & ~ASL_LAST];
    if (!(s & ASL_LAST)) return asl_retain(*slot);
    asl_value v = *slot;
    *slot = asl_none();
    return v;
}

static inline void drop_if_last(asl_frame *frame, uint32_t s) {
    if (s & ASL_LAST) asl_value_set(&frame->slot[s & ~ASL_LAST], asl_none());
}

static inline struct image *image_of(asl_frame *frame) { return &frame_of(frame)->execution->engine->image; }

// ---------------------------------------------------------------- states

static COLD void tell_entered(struct frame *f, uint32_t n, const asl_value *input) {
    const struct image_state *s = &f->execution->engine->image.states[n];
    f->before = f->last;
    asl__forget_assigned(f);
    f->head.entered = asl__tell(f, EVENT_PASS_ENTERED + (int)s->kind, DETAILS(.name = s->name_z, .input = input));
}

static COLD void tell_exited(struct frame *f, uint32_t n, const asl_value *output) {
    const struct image_state *s = &f->execution->engine->image.states[n];
    asl__tell(f, EVENT_PASS_EXITED + (int)s->kind,
              DETAILS(.name = s->name_z, .output = output, .assigned = f->assigned, .assigned_count = f->assigned_count));
    asl__forget_assigned(f);
}

int32_t asl_rt_enter(asl_frame *frame, uint32_t n, uint32_t input) {
    struct frame *f = frame_of(frame);
    asl_execution *x = f->execution;
    frame->state = n;
    if (x->engine->observers) tell_entered(f, n, source(frame, input));
    else frame->entered = asl__event(x);
    f->entered_ms = x->engine->clock.now_ms;
    f->open = true;
    x->main->transitions++;
    f->caught = false;
    if (f->retry_count) {
        for (uint32_t i = 0; i < x->engine->image.most_retriers; i++) f->retries[i] = 0;
        f->retry_count = 0;
    }
    if (f->token) {
        asl_free(f->token);
        f->token = NULL;
    }
    asl__context_drop(f);
    if (x->engine->journal) x->engine->journal->entered(x->engine->journal, f, false);
    return x->full;
}

int32_t asl_rt_exit(asl_frame *frame, uint32_t n, uint32_t output) {
    struct frame *f = frame_of(frame);
    asl_execution *x = f->execution;
    f->open = false;
    if (x->engine->observers) tell_exited(f, n, source(frame, output));
    else asl__event(x);
    return x->full;
}

/* A loop that never waits must still end when it is told to, or when its time is up. Reading the clock at every back
   edge would cost more than the loop. */
static COLD int32_t poll_slowly(asl_execution *x) {
    asl_engine *e = x->engine;
    e->polls = 0;
    /* Virtual time passes too, a little: a loop without end must meet its time limit under either clock. */
    if (e->clock.is_virtual) e->clock.now_ms++;
    else asl__clock_update(&e->clock);
    if (asl__interrupted(e)) x->main->cut = ASL_ABORTED;
    else if (e->clock.now_ms >= x->main->deadline_ms) x->main->cut = ASL_TIMED_OUT;
    return x->main->cut != ASL_RUNNING;
}

int32_t asl__poll_now(asl_execution *x) {
    if (x->main->cut != ASL_RUNNING || x->full) return 1;
    return poll_slowly(x);
}

int32_t asl_rt_poll(asl_frame *frame) {
    struct frame *f = frame_of(frame);
    asl_execution *x = f->execution;
    if (x->main->cut != ASL_RUNNING || x->full) return 1;
    if (++x->engine->polls >= ASL__POLLS && poll_slowly(x)) return 1;
    if (f->rounds == 0) return 0;
    return f->rounds > 1 ? f->rounds--, 0 : ASL_HAND_BACK;
}

// ---------------------------------------------------------------- values

int32_t asl_rt_const(asl_frame *frame, uint32_t d, uint32_t k) {
    asl_value_set(&frame->slot[d], asl_retain(*image_of(frame)->constants[k]));
    return 0;
}

int32_t asl_rt_copy(asl_frame *frame, uint32_t d, uint32_t s) {
    // As two words: a value stored in parts and loaded as a whole would make the processor wait.
    asl_value *from = &frame->slot[s & ~ASL_LAST], *to = &frame->slot[d];
    uint64_t head, body, nothing = 0;
    memcpy(&head, from, 8), memcpy(&body, (const char *)from + 8, 8);
    if (s & ASL_LAST) memcpy(from, &nothing, 8), memcpy((char *)from + 8, &nothing, 8);
    else if (asl__is_container(from)) from->array->head.refs++;
    else if (asl__has_text(from)) from->text->refs++;
    asl_value old = *to;
    memcpy(to, &head, 8), memcpy((char *)to + 8, &body, 8);
    if (asl__is_container(&old) || asl__has_text(&old)) asl_release(old);
    return 0;
}

int32_t asl_rt_context(asl_frame *frame, uint32_t d) {
    asl_value_set(&frame->slot[d], asl__context(frame_of(frame)));
    return 0;
}

int32_t asl_rt_object(asl_frame *frame, uint32_t d) {
    asl_value_set(&frame->slot[d], asl_object_new(0));
    return 0;
}

int32_t asl_rt_set(asl_frame *frame, uint32_t d, uint32_t k, uint32_t s) {
    asl_value item = take(frame, s);
    frame->slot[d] = asl_object_set(frame->slot[d], asl__image_key(image_of(frame), k), item);
    return 0;
}

int32_t asl_rt_array(asl_frame *frame, uint32_t d) {
    asl_value_set(&frame->slot[d], asl_array_new(0));
    return 0;
}

int32_t asl_rt_push(asl_frame *frame, uint32_t d, uint32_t s) {
    asl_value item = take(frame, s);
    frame->slot[d] = asl_array_push(frame->slot[d], item);
    return 0;
}

int32_t asl_rt_test(asl_frame *frame, uint32_t op, uint32_t s, uint32_t operand) {
    return asl__choice_test((asl_choice)op, source(frame, s), source(frame, operand));
}

// ---------------------------------------------------------------- paths

static COLD int32_t no_value(asl_frame *frame, uint32_t p) {
    const asl_path *path = asl__image_path(image_of(frame), p);
    asl_str text = asl_path_text(path), name = asl_path_variable(path);
    return asl__raise_prefixed(frame_of(frame), "States.Runtime", "Invalid path '%.*s' : the variable $%.*s has no value",
                               (int)text.size, text.data, (int)name.size, name.data);
}

int32_t asl_rt_variable(asl_frame *frame, uint32_t d, uint32_t s, uint32_t p) {
    if (source(frame, s)->tag == ASL_NONE) return no_value(frame, p);
    return asl_rt_copy(frame, d, s);
}

static void add_constant(asl_buffer *b, asl_frame *frame, uint32_t k) {
    if (k == ASL_NO_OPERAND) return;
    const asl_value *v = image_of(frame)->constants[k];
    if (v->tag == ASL_STRING) asl_buffer_str(b, asl_text_of(v));
    else asl_json_print(v, b);
}

/* "could not be found in the input '…'": what the path was applied to; for the Context object and variables the state's
   input (jsonpath-and-intrinsics 7). */
static void add_input(asl_buffer *b, asl_frame *frame, const asl_path *path, const asl_value *root) {
    const asl_value *input = asl_path_root_of(path) == ASL_ROOT_INPUT ? root : asl__state_input(frame_of(frame));
    asl_buffer_z(b, "' could not be found in the input '");
    if (input->tag != ASL_NONE) asl_json_print(input, b);
    asl_buffer_byte(b, '\'');
}

static COLD int32_t missing(asl_frame *frame, const asl_value *root, const asl_path *path, uint32_t mode, uint32_t k) {
    asl_buffer b = {0};
    switch ((asl_path_mode)mode) {
    case ASL_PATH_INVALID:
        asl_buffer_z(&b, "Invalid path '");
        asl_buffer_str(&b, asl_path_text(path));
        asl_buffer_z(&b, "' : ");
        asl_path_missing(path, root, &b);
        break;
    case ASL_PATH_TEMPLATE:
    case ASL_PATH_FIELD:
        asl_buffer_z(&b, "The JSONPath '");
        asl_buffer_str(&b, asl_path_text(path));
        asl_buffer_z(&b, "' specified for the field '");
        add_constant(&b, frame, k);
        add_input(&b, frame, path, root);
        break;
    case ASL_PATH_ARGUMENT:
        asl_buffer_z(&b, "The function '");
        add_constant(&b, frame, k);
        asl_buffer_z(&b, "' had the following error: The JsonPath argument for the field '");
        asl_buffer_str(&b, asl_path_text(path));
        add_input(&b, frame, path, root);
        break;
    case ASL_PATH_CHOICE:
        asl_buffer_z(&b, "Invalid path '");
        asl_buffer_str(&b, asl_path_text(path));
        asl_buffer_z(&b, "': The choice state's condition path references an invalid value.");
        break;
    case ASL_PATH_OPTIONAL:
        asl_assert(!"an optional path does not fail");
    }
    return asl__raise_buffer(frame_of(frame), "States.Runtime", &b);
}

int32_t asl_rt_path(asl_frame *frame, uint32_t d, uint32_t s, uint32_t p, uint32_t mode, uint32_t k) {
    const asl_path *path = asl__image_path(image_of(frame), p);
    const asl_value *root = source(frame, s);
    if (asl_path_steps(path) == 0 && root->tag != ASL_NONE) return asl_rt_copy(frame, d, s);
    asl_value v = root->tag == ASL_NONE ? asl_none() : asl_path_get(path, root);
    if (v.tag == ASL_NONE && mode != ASL_PATH_OPTIONAL) {
        if (mode != ASL_PATH_TEMPLATE || root->tag == ASL_NONE || !asl_path_index_past_end(path, root)) {
            if (root->tag == ASL_NONE && asl_path_root_of(path) == ASL_ROOT_VARIABLE) return no_value(frame, p);
            return missing(frame, root, path, mode, k);
        }
        v = asl_null();
    }
    drop_if_last(frame, s);
    asl_value_set(&frame->slot[d], v);
    return 0;
}

int32_t asl_rt_put(asl_frame *frame, uint32_t d, uint32_t raw, uint32_t result, uint32_t p) {
    struct frame *f = frame_of(frame);
    const asl_path *path = asl__image_path(image_of(frame), p);
    asl_value document = take(frame, raw);
    asl_value value = take(frame, result);
    asl_value v = asl_path_put(path, document, value);
    if (v.tag == ASL_NONE)
        return asl__raise_prefixed(f, "States.ResultPathMatchFailure",
                                   "Unable to apply ReferencePath %.*s to the state's input.",
                                   (int)asl_path_text(path).size, asl_path_text(path).data);
    asl_value_set(&frame->slot[d], v);
    return 0;
}

// ---------------------------------------------------------------- functions

static COLD int32_t intrinsic_failed(asl_frame *frame, uint32_t k, const char *message) {
    asl_buffer b = {0};
    asl_buffer_z(&b, "The function '");
    add_constant(&b, frame, k);
    asl_buffer_z(&b, "' had the following error: ");
    asl_buffer_z(&b, message);
    return asl__raise_buffer(frame_of(frame), "States.IntrinsicFailure", &b);
}

int32_t asl_rt_intrinsic(asl_frame *frame, uint32_t d, uint32_t function, uint32_t k, uint32_t s, uint32_t count) {
    asl_value out = asl_none();
    char message[256];
    if (asl__intrinsic_call((asl_intrinsic)function, count ? source(frame, s) : NULL, count,
                            &frame_of(frame)->execution->engine->random, &out, message, sizeof message) < 0)
        return intrinsic_failed(frame, k, message);
    if (count && (s & ASL_LAST))
        for (uint32_t i = 0; i < count; i++) asl_value_set(&frame->slot[(s & ~ASL_LAST) + i], asl_none());
    asl_value_set(&frame->slot[d], out);
    return 0;
}

// ---------------------------------------------------------------- limits and ends

int32_t asl__check_size(struct frame *f, const asl_value *v, asl_str name) {
    if (!f->execution->engine->strict || asl_json_size(v) <= ASL__PAYLOAD_LIMIT) return 0;
    asl_buffer b = {0};
    asl_buffer_z(&b, "The state/task '");
    asl_buffer_str(&b, name);
    asl_buffer_z(&b, "' returned a result with a size exceeding the maximum number of bytes service limit.");
    asl_value cause = asl_string((asl_str){b.data, b.size});
    asl_buffer_free(&b);
    return asl__raise(f, asl_string_z("States.DataLimitExceeded"), cause);
}

int32_t asl_rt_limit(asl_frame *frame, uint32_t s, uint32_t k) {
    return asl__check_size(frame_of(frame), source(frame, s), asl_text_of(image_of(frame)->constants[k]));
}

int32_t asl_rt_assign(asl_frame *frame, uint32_t s, uint32_t i, uint32_t k) {
    struct frame *f = frame_of(frame);
    asl_engine *e = f->execution->engine;
    if (e->observers) asl__note_assigned(f, source(frame, s), i, k);
    return e->strict ? asl__check_variable(f, source(frame, s), i, k) : 0;
}

int32_t asl_rt_result(asl_frame *frame, uint32_t d) {
    struct frame *f = frame_of(frame);
    if (f->failed) {
        f->failed = false;
        return 1; /* the error is in the frame already */
    }
    asl_value v = f->result;
    f->result = asl_none();
    if (d == ASL_NO_OPERAND) asl_release(v);
    else asl_value_set(&frame->slot[d], v);
    return 0;
}

int32_t asl_rt_raise(asl_frame *frame, uint32_t error, uint32_t cause) {
    asl_value e = error == ASL_NO_OPERAND ? asl_none() : take(frame, error);
    asl_value c = cause == ASL_NO_OPERAND ? asl_none() : take(frame, cause);
    const char *bad = e.tag != ASL_NONE && e.tag != ASL_STRING   ? "ErrorPath"
                      : c.tag != ASL_NONE && c.tag != ASL_STRING ? "CausePath"
                                                                 : NULL;
    if (!bad) return asl__raise(frame_of(frame), e, c);
    asl_release(e);
    asl_release(c);
    return asl__raise_prefixed(frame_of(frame), "States.Runtime", "The value of the field '%s' is not a string.", bad);
}

int32_t asl_rt_done(asl_frame *frame, uint32_t s) {
    asl_value v = take(frame, s);
    asl_value_set(&frame_of(frame)->result, v);
    return 0;
}

int32_t asl_rt_fail(asl_frame *frame, uint32_t k) {
    asl_buffer b = {0};
    add_constant(&b, frame, k);
    return asl__raise_buffer(frame_of(frame), "States.Runtime", &b);
}
