// Frames: one running machine each.
//
//     one allocation:  [ asl_frame | private | slots … | retry counters … ]     from a pool per machine
//
// A frame is stepped when it stands in the ready queue with READY_STEP. Its step function runs until it is done, has
// failed, or waits; what it waits for (a task, a timer, a fan-out of child frames) puts it back into the queue together
// with an answer. Nothing ever steps a frame from within another step.
#include "observe.h"
#include "words.h"

#include <stdarg.h>
#include <string.h>

/* Generated code knows these three and nothing else. */
_Static_assert(offsetof(asl_frame, slot) == ASL_FRAME_SLOT, "compiled code relies on this");
_Static_assert(offsetof(asl_frame, resume) == ASL_FRAME_RESUME, "compiled code relies on this");
_Static_assert(offsetof(asl_frame, machine) == ASL_FRAME_MACHINE, "compiled code relies on this");
_Static_assert(sizeof(asl_value) == 16, "compiled code relies on this");

void asl__assert_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "%s:%d: the runtime is broken: %s does not hold\n", file, line, condition);
    abort();
}

char *asl__copy_text(asl_str s) {
    char *z = memcpy(asl_alloc(s.size + 1), s.data, s.size);
    z[s.size] = 0;
    return z;
}

// ---------------------------------------------------------------- making and freeing

struct frame *asl__frame_make(const struct image *image, uint32_t machine) {
    size_t slots = image->machines[machine].slots * sizeof(asl_value);
    struct frame *f = asl_calloc(1, sizeof *f + slots + image->most_retriers * sizeof(uint32_t));
    f->head.slot = f->slots;
    f->head.machine = f->made_for = machine;
    f->retries = (uint32_t *)(void *)((char *)f->slots + slots);
    return f;
}

uint32_t asl__child_machine(const struct frame *f, uint32_t machine) {
    uint32_t quiet = f->execution->engine->image.quiet;
    return f->head.machine >= quiet ? machine + quiet : machine; /* without quiet machines that adds nothing */
}

static inline void forget(asl_value *v) {
    if (v->tag == ASL_NONE) return;
    struct asl__words w = asl__load(v);
    asl__store_new(v, (struct asl__words){0, 0});
    asl__release_words(w);
}

/* All that an uneventful frame can have left when nobody watched. */
static void wipe_little(struct frame *f) {
    asl__context_drop(f);
    forget(&f->result); // of an iteration that is forgotten
    if (f->retry_count) memset(f->retries, 0, f->execution->engine->image.most_retriers * sizeof *f->retries);
    f->retry_count = 0;
    f->failed = f->caught = false;
    if (f->failure.error.tag | f->failure.cause.tag) asl__failure_clear(&f->failure); // ASL_NONE is 0
    f->head = (asl_frame){.slot = f->slots, .machine = f->made_for};
    f->up = NULL;
    f->prev = NULL;
    f->index = 0;
    f->last = f->before = 0;
    f->entered_ms = 0;
    f->open = f->started = false;
}

static __attribute__((noinline)) void wipe(struct frame *f) {
    const struct image *image = &f->execution->engine->image;
    asl__drop(f->result);
    asl__drop(f->failure.error);
    asl__drop(f->failure.cause);
    asl__drop(f->context);
    if (f->variables) asl__forget_variables(f);
    if (f->assigned) asl__forget_assigned(f);
    if (f->assigned) asl_free(f->assigned);
    if (f->token) asl_free(f->token);
    uint32_t *retries = f->retries, machine = f->made_for, generation = f->generation;
    struct task *spare = f->spare;
    if (f->retry_count) memset(retries, 0, image->most_retriers * sizeof *retries);
    memset(f, 0, sizeof *f);
    f->head.slot = f->slots;
    f->head.machine = f->made_for = machine;
    f->retries = retries;
    f->spare = spare;
    f->generation = generation;
}

void asl__frame_free(struct frame *f) {
    asl_assert(f->ready == READY_NOT && !f->task && !f->down && f->timer.position == 0);
    asl_engine *e = f->execution->engine;
    struct machine *m = &e->image.machines[f->made_for];
    if (e->journal) e->journal->gone(e->journal, f);
    for (asl_value *v = f->slots, *end = v + m->slots; v < end; v++) forget(v);
    if (!f->eventful && asl__unwatched(e)) wipe_little(f);
    else wipe(f);
    f->generation++;
    f->next = m->pool;
    m->pool = f;
}

void asl__frame_cancel(struct frame *f) {
    asl__ready_remove(f);
    asl__timer_stop(&f->execution->engine->clock, &f->timer);
    if (f->task) asl__task_cancel(f);
    if (f->down) asl__fanout_cancel(f); /* as deep as the definition nests its states */
    asl__frame_free(f);
}

void asl__frame_aborted(struct frame *f, uint64_t previous) {
    if (!f->open) return;
    enum state_kind kind = f->execution->engine->image.states[f->head.state].kind;
    if (kind != STATE_TASK && kind != STATE_WAIT && kind != STATE_PARALLEL && kind != STATE_MAP) return;
    if (f->down) asl__fanout_aborted(f, previous);
    asl__publish(f->execution, f, EVENT_PASS_ABORTED + (int)kind, previous, NULL);
}

// ---------------------------------------------------------------- sizes of variables (asl-language 5)

struct variable_size {
    uint32_t name;
    size_t bytes;
};

static struct variable_size *variable_size(struct frame *f, uint32_t name) {
    for (size_t i = 0; i < f->variable_count; i++)
        if (f->variables[i].name == name) return &f->variables[i];
    f->variables = asl_realloc(f->variables, (f->variable_count + 1) * sizeof *f->variables);
    f->variables[f->variable_count] = (struct variable_size){name, 0};
    return &f->variables[f->variable_count++];
}

/* Nobody has recorded the words for this error. */
static int32_t too_large(struct frame *f, const char *what, uint32_t name, const char *how) {
    asl_str text = asl_text_of(f->execution->engine->image.constants[name]);
    return asl__raise(f, asl_string_z("States.DataLimitExceeded"),
                      asl_string_format("%s '%.*s' %s exceeding the maximum number of bytes service limit.", what,
                                        (int)text.size, text.data, how));
}

int32_t asl__check_variable(struct frame *f, const asl_value *v, uint32_t i, uint32_t name) {
    asl_execution *x = f->execution;
    size_t bytes = asl_json_size(v);
    struct variable_size *own = variable_size(f, name);
    if (i == 0) f->assigned_bytes = 0;
    f->assigned_bytes += bytes;
    x->variable_bytes += bytes - own->bytes;
    own->bytes = bytes;
    if (bytes > ASL__PAYLOAD_LIMIT) return too_large(f, "The variable", name, "has a size");
    if (f->assigned_bytes > ASL__PAYLOAD_LIMIT) return too_large(f, "The variables of the Assign up to", name, "have a size");
    if (x->variable_bytes > ASL__VARIABLES_LIMIT) return too_large(f, "The variables of the execution with", name, "have a size");
    return 0;
}

void asl__forget_variables(struct frame *f) {
    for (size_t i = 0; i < f->variable_count; i++) f->execution->variable_bytes -= f->variables[i].bytes;
    asl_free(f->variables);
    f->variables = NULL;
    f->variable_count = 0;
}

// ---------------------------------------------------------------- what a state assigns, for its Exited event

void asl__note_assigned(struct frame *f, const asl_value *v, uint32_t i, uint32_t name) {
    if (i == 0) asl__forget_assigned(f);
    if (f->assigned_count == f->assigned_room) {
        f->assigned_room = f->assigned_room ? 2 * f->assigned_room : 4;
        f->assigned = asl_realloc(f->assigned, f->assigned_room * sizeof *f->assigned);
    }
    f->assigned[f->assigned_count++] =
        (struct assigned_variable){f->execution->engine->image.constants[name], asl_retain(*v)};
}

void asl__forget_assigned(struct frame *f) {
    for (size_t i = 0; i < f->assigned_count; i++) asl_release(f->assigned[i].value);
    f->assigned_count = 0;
}

// ---------------------------------------------------------------- the ready queue

/* What a journal has to write first stands in a queue of its own. */
static void hold(struct frame *f) {
    asl_engine *e = f->execution->engine;
    f->ready_next = NULL;
    f->ready_prev = e->held_last;
    if (e->held_last) e->held_last->ready_next = f;
    else e->held_first = f;
    e->held_last = f;
}

void asl__ready_push(struct frame *f, enum ready_kind kind) {
    asl_engine *e = f->execution->engine;
    asl_assert(f->ready == READY_NOT);
    f->ready = kind;
    if (kind == READY_HELD) hold(f);
    else asl__ready_append(e, f);
    if (e->journal) e->journal->touched(e->journal, f, true);
}

void asl__ready_take_out(struct frame *f) {
    asl_execution *x = f->execution;
    asl_engine *e = x->engine;
    bool held = f->ready == READY_HELD;
    f->ready = READY_NOT;
    if (f->ready_prev) f->ready_prev->ready_next = f->ready_next;
    else if (held) e->held_first = f->ready_next;
    else e->ready_first = f->ready_next;
    if (f->ready_next) f->ready_next->ready_prev = f->ready_prev;
    else if (held) e->held_last = f->ready_prev;
    else e->ready_last = f->ready_prev;
    if (held) return;
    e->ready_count--;
    x->main->ready--;
}

void asl__frame_answer(struct frame *f, asl_value result) {
    asl__frame_take(f, result);
    asl__ready_push(f, READY_STEP);
}

void asl__frame_answer_failure(struct frame *f, struct failure *failure) {
    f->generation++;
    f->failed = true;
    asl__drop(f->failure.error);
    asl__drop(f->failure.cause);
    f->failure = *failure;
    *failure = (struct failure){0};
    asl__ready_push(f, READY_STEP);
}

// ---------------------------------------------------------------- errors

void asl__failure_clear(struct failure *failure) {
    asl__drop(failure->error);
    asl__drop(failure->cause);
    *failure = (struct failure){0};
}

bool asl__failure_is_runtime(const struct failure *failure) {
    return failure->error.tag == ASL_STRING && asl_str_equal(asl_text_of(&failure->error), ASL_STR("States.Runtime"));
}

int32_t asl__raise(struct frame *f, asl_value error, asl_value cause) {
    f->eventful = true;
    asl__failure_clear(&f->failure);
    f->failure = (struct failure){.error = error, .cause = cause, .state = f->head.state};
    return 1;
}

int32_t asl__raise_buffer(struct frame *f, const char *error, asl_buffer *text) {
    asl_buffer b = {0};
    asl_buffer_z(&b, "An error occurred while executing the state '");
    asl_buffer_str(&b, asl_text_of(&f->execution->engine->image.states[f->head.state].name));
    asl_buffer_format(&b, "' (entered at the event id #%llu). ", (unsigned long long)f->head.entered);
    asl_buffer_add(&b, text->data, text->size);
    asl_value cause = asl_string((asl_str){b.data, b.size});
    asl_buffer_free(&b);
    asl_buffer_free(text);
    return asl__raise(f, asl_string_z(error), cause);
}

/* Recorded (18.3): a Map or Parallel state whose expression fails has failed; its iterations and catchers fail for themselves. */
int32_t asl__raise_query(struct frame *f, asl_buffer *text, const asl_value *location) {
    const struct image_state *s = &f->execution->engine->image.states[f->head.state];
    bool own = !f->caught && f->open; /* an ItemSelector is evaluated in a frame that has entered nothing yet */
    asl__raise_buffer(f, "States.QueryEvaluationError", text);
    /* Recorded (18.2): it points past the Entered event, but for a Wait's Timestamp. */
    bool timestamp = location && s->kind == STATE_WAIT && asl_str_equal(asl_text_of(location), ASL_STR("Timestamp"));
    f->last = asl__publish(f->execution, f, EVENT_EVALUATION_FAILED, timestamp ? f->head.entered : f->before,
                           DETAILS(.state = s->name_z, .error = &f->failure.error, .cause = &f->failure.cause,
                                   .location = location));
    if (own && s->kind == STATE_MAP) f->failed_event = EVENT_MAP_FAILED;
    if (own && s->kind == STATE_PARALLEL) f->failed_event = EVENT_PARALLEL_FAILED;
    return 1;
}

int32_t asl__raise_prefixed(struct frame *f, const char *error, const char *format, ...) {
    asl_buffer b = {0};
    va_list arguments;
    va_start(arguments, format);
    asl_buffer_vformat(&b, format, arguments);
    va_end(arguments);
    return asl__raise_buffer(f, error, &b);
}

bool asl__frame_cut(struct frame *f) { return f->execution->main->cut != ASL_RUNNING || f->execution->full; }

/* A Map or Parallel that no retrier takes has failed now; one that is retried has not (recorded: 18.3). */
void asl__frame_failed_event(struct frame *f) {
    if (!f->failed_event) return;
    asl__tell(f, f->failed_event, NULL);
    f->failed_event = 0;
}

// ---------------------------------------------------------------- stepping

/* limits-and-errors 1.3: the last event says so, without the usual prefix. */
static void fail_full(asl_execution *x) {
    struct failure failure = {
        .error = asl_string_z("States.Runtime"),
        .cause = asl_string_format("The execution reached the maximum number of history events (%d).", ASL__EVENT_LIMIT),
        .state = ASL_NO_OPERAND,
    };
    x->events = ASL__EVENT_LIMIT - 1;
    asl__execution_end(x, ASL_FAILED_STATUS, &failure, x->root->last);
}

static void failed(struct frame *f) {
    asl_execution *x = f->execution;
    bool final = !f->up || f == x->root || asl__failure_is_runtime(&f->failure);
    if (!final) {
        asl__frame_failed_event(f);
        asl__fanout_failed(f);
        return;
    }
    /* States.Runtime in a branch goes straight to ExecutionFailed, without a ParallelStateFailed (execution-history 3). */
    if (!asl__failure_is_runtime(&f->failure)) asl__frame_failed_event(f);
    struct failure failure = f->failure;
    f->failure = (struct failure){0};
    asl__execution_end(x, ASL_FAILED_STATUS, &failure, f->last);
}

static void done(struct frame *f) {
    asl_execution *x = f->execution;
    if (f->up && f != x->root) {
        asl__fanout_done(f);
        return;
    }
    struct asl__words output = asl__load(&f->result);
    asl__store_new(&f->result, (struct asl__words){0, 0});
    asl__store_new(&x->output, output);
    asl__execution_end(x, ASL_SUCCEEDED, NULL, f->last);
}

void asl__frame_step(struct frame *f) {
    asl_execution *x = f->execution;
    int32_t outcome = x->engine->image.machines[f->head.machine].step(&f->head);
    if (x->main->cut != ASL_RUNNING) {
        asl__execution_end(x->main, x->main->cut, NULL, 0);
    } else if (x->full) {
        fail_full(x);
    } else if (outcome == ASL_DONE) {
        done(f);
    } else if (outcome == ASL_FAILED) {
        failed(f);
    } else {
        bool waits = f->ready != READY_NOT || f->task || f->down || f->timer.position;
        f->eventful = true;
        if (!waits && f->yields) asl__ready_push(f, READY_STEP);
        asl_assert(waits || f->yields);
        f->yields = false;
        if (x->engine->journal) x->engine->journal->touched(x->engine->journal, f, true);
        if (!f->stepped) {
            f->stepped = true;
            if (f->up) asl__fanout_stepped(f);
        }
    }
}
