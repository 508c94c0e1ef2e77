// Parallel and Map: one frame a branch or iteration (asl-language 12 to 14, aws-observed-behaviour 13 to 15 and 18.3).
//
//     parent frame ── down ──► fanout ──► child frames in order of start
//                                 ├─ results: written where they belong, as they come
//                                 └─ first failure: the others are cancelled, the parent gets that error
//
// Iterations are started while there is room under MaxConcurrency, but never more than WINDOW that have not had a turn
// yet: iterations that do not wait for anything then need WINDOW frames, however many items there are.
//
// Children none of which can wait need no frames side by side at all. Where nobody watches and nothing else of the execution
// is ready, they are run one after the other within asl_rt_parallel and asl_rt_map, in one frame, with the events counted in
// the order that the queue would have given them: run_at_once().
//
// A Map in DISTRIBUTED mode gives each iteration an execution of its own, with its own events and Context object. It
// begins when the ItemSelector is done: until then the frame belongs to the parent's execution.
#include "observe.h"
#include "threads.h"
#include "value_private.h"
#include "waiting.h"

#include <math.h>
#include <string.h>

enum { WINDOW = 40 };
#define INLINE_CONCURRENCY 40 /* the service's bound for inline Maps (limits-and-errors 1.1) */

// ---------------------------------------------------------------- children

static void unlink_child(struct fanout *o, struct frame *child) {
    if (child->prev) child->prev->next = child->next;
    else o->first = child->next;
    if (child->next) child->next->prev = child->prev;
    else o->last = child->prev;
    child->next = child->prev = NULL;
    o->running--;
    if (!child->stepped) o->unstepped--;
}

static const char *state_name(const struct fanout *o) {
    return o->parent->execution->engine->image.states[o->site->state].name_z;
}

static void tell_iteration(struct frame *child, enum event type, uint64_t previous) {
    uint64_t id = asl__publish(child->execution, child, type, previous,
                               DETAILS(.name = state_name(child->up), .index = child->index));
    if (type == EVENT_MAP_ITERATION_STARTED) child->last = id;
    if (type == EVENT_MAP_ITERATION_SUCCEEDED) child->up->told = id;
}

/* A distributed Map's child: an execution of its own. */
static asl_execution *child_execution(struct frame *child, asl_value input, const char *name) {
    struct fanout *o = child->up;
    asl_execution *x = asl__execution_new(child->execution->engine, input, name, o->site->express_children, 0);
    x->main = child->execution->main;
    x->up = o;
    x->index = child->index;
    x->number = x->main->number;
    x->machine = o->site->child_machine;
    x->root = child;
    child->execution = x;
    child->last = 0;
    return x;
}

/* MapIterationStarted, or in DISTRIBUTED mode the execution. */
static void begin_iteration(struct frame *child) {
    struct fanout *o = child->up;
    if (child->started) return;
    child->started = true;
    if (!o->site->distributed) {
        tell_iteration(child, EVENT_MAP_ITERATION_STARTED, child->last);
        return;
    }
    asl_execution *x = child_execution(child, asl_retain(child->slots[0]), NULL);
    asl__context_drop(child);
    asl__publish(x, NULL, EVENT_EXECUTION_STARTED, 0, DETAILS(.input = &x->input));
}

/* A frame for a branch or iteration, last in the list. */
static struct frame *new_child(struct fanout *o, uint32_t machine, uint32_t index) {
    struct frame *child = asl__frame_new(o->parent->execution, machine);
    child->up = o;
    child->index = index;
    child->prev = o->last;
    if (o->last) o->last->next = child;
    else o->first = child;
    o->last = child;
    o->running++;
    return child;
}

static void start_child(struct fanout *o, uint32_t machine, asl_value input) {
    struct frame *parent = o->parent;
    struct frame *child = new_child(o, machine, (uint32_t)o->next++);
    const struct machine *m = &parent->execution->engine->image.machines[machine];
    struct asl_journal *journal = parent->execution->engine->journal;
    o->unstepped++;
    /* Until it enters a state of its own, it acts for the parent's: an ItemSelector that fails names the Map. */
    child->head.state = parent->head.state;
    child->head.entered = parent->head.entered;
    child->entered_ms = parent->entered_ms;
    child->before = parent->before;
    child->last = o->chain;
    for (uint32_t i = 0; i < m->capture_count; i++)
        asl_value_set(&child->slots[m->captures[i].slot], asl_retain(parent->head.slot[m->captures[i].parent_slot]));
    asl_value_set(&child->slots[0], input);
    if (journal) {
        journal->entered(journal, child, true);
        journal->touched(journal, parent, true);
    }
    /* A child execution needs its input, an iteration's event only the order. */
    if (o->is_map && !o->site->item_selector && !o->site->distributed) begin_iteration(child);
    asl__ready_push(child, READY_STEP);
}

static void start_iterations(struct fanout *o) {
    while (o->next < o->count && o->unstepped < WINDOW && (o->max_running == 0 || o->running < o->max_running))
        start_child(o, asl__child_machine(o->parent, o->site->machines[0]), asl_retain(*asl_array_at(&o->items, o->next)));
}

int32_t asl_rt_item(asl_frame *frame, uint32_t t) {
    struct frame *f = frame_of(frame);
    begin_iteration(f);
    asl__context_drop(f);
    /* All that can start do so before the first goes on (18.3, "Map, 4 tasks at once"). */
    f->yields = f->execution->engine->image.sites[t].item_selector;
    return 0;
}

// ---------------------------------------------------------------- starting

static struct fanout *new_fanout(struct frame *parent, const struct site *site, size_t count) {
    struct fanout *o = asl__block_alloc(sizeof *o);
    *o = (struct fanout){.parent = parent, .site = site, .is_map = site->kind == SITE_MAP, .count = count,
                         .results = asl_array_new(count)};
    asl_array *results = o->results.array;
    for (; results->head.count < count; results->head.count++) results->items[results->head.count] = asl_null();
    parent->down = o;
    return o;
}

static void free_fanout(struct fanout *o) {
    asl_assert(!o->first);
    o->parent->down = NULL;
    asl_release(o->input);
    asl_release(o->items);
    asl_release(o->results);
    asl__block_free(o, sizeof *o);
}

// ---------------------------------------------------------------- at once

static bool runs_at_once(const struct frame *f, const struct site *site) {
    const asl_execution *x = f->execution;
    const struct image *image = &x->engine->image;
    if (site->distributed || x->main->ready || !asl__unwatched(x->engine)) return false;
    for (size_t i = 0; i < site->machine_count; i++)
        if (image->machines[site->machines[i]].waits) return false;
    return true;
}

/* Makes the frame what a new one is, for the next iteration. */
static inline void renew(struct frame *child, const struct machine *m, uint32_t machine) {
    for (asl_value *v = child->slots, *end = v + m->slots; v < end; v++) {
        if (v->tag == ASL_NONE) continue;
        asl__drop(*v);
        *v = asl_none();
    }
    asl__context_drop(child);
    child->head.machine = machine;
    child->head.resume = 0;
}

static struct frame *new_frame(struct fanout *o, uint32_t machine) {
    struct frame *child = asl__frame_new(o->parent->execution, machine);
    child->up = o;
    child->started = true; /* its events are counted here */
    return child;
}

static inline void prepare(const struct fanout *o, struct frame *child, const struct machine *m, size_t index, asl_value input) {
    const struct frame *parent = o->parent;
    child->index = (uint32_t)index;
    child->head.state = parent->head.state;
    child->head.entered = parent->head.entered;
    child->entered_ms = parent->entered_ms;
    for (uint32_t i = 0; i < m->capture_count; i++)
        child->slots[m->captures[i].slot] = asl_retain(parent->head.slot[m->captures[i].parent_slot]);
    child->slots[0] = input;
}

static void start_child_at_once(struct frame *child, size_t index, asl_value input) {
    prepare(child->up, child, &child->execution->engine->image.machines[child->made_for], index, input);
}

static bool run_to_end(struct frame *child) {
    int32_t outcome = child->execution->engine->image.machines[child->head.machine].step(&child->head);
    asl_assert(outcome != ASL_SUSPENDED);
    return outcome == ASL_DONE;
}

static void renew_child(struct frame *child) {
    uint32_t machine = child->made_for;
    renew(child, &child->execution->engine->image.machines[machine], machine);
}

static const struct child_ways at_once = {new_frame, start_child_at_once, run_to_end, renew_child};

/* A stop or the end of its time reaches an execution between two children too. */
static inline bool go_on(asl_execution *x, size_t index) {
    asl_engine *e = x->engine;
    if (index % 64 == 63) asl__clock_update(&e->clock);
    if (asl__interrupted(e)) x->main->cut = ASL_ABORTED;
    else if (e->clock.now_ms >= x->main->deadline_ms) x->main->cut = ASL_TIMED_OUT;
    return x->main->cut == ASL_RUNNING;
}

/* Runs a child to its end: its result is where it belongs. Otherwise it has failed, or the execution is to stop. */
static inline bool run_child(struct fanout *o, struct frame *child, const struct machine *m, size_t index, asl_value input) {
    asl_execution *x = o->parent->execution;
    prepare(o, child, m, index, input);
    int32_t outcome = m->step(&child->head);
    asl_assert(outcome != ASL_SUSPENDED);
    if (!go_on(x, index) || outcome != ASL_DONE) return false;
    asl_array *results = o->results.array;
    results->items[index] = child->result;
    results->head.count = (uint32_t)index + 1;
    child->result = asl_none();
    return true;
}

/* The first failure is the whole's. Of a Map the iterations are aborted that a queue would hold by now. */
static void fail_at_once(struct fanout *o, struct frame *child) {
    struct frame *parent = o->parent;
    if (parent->execution->main->cut != ASL_RUNNING) return; /* what follows the step sees to it */
    asl__failure_clear(&parent->failure);
    parent->failure = child->failure;
    child->failure = (struct failure){0};
    if (asl__failure_is_runtime(&parent->failure)) return; /* nothing takes it: the execution ends with it */
    if (o->is_map) parent->execution->events += o->next - child->index; /* one failed, the others are aborted */
    parent->failed_event = o->is_map ? EVENT_MAP_FAILED : EVENT_PARALLEL_FAILED;
}

/* Children from `from` on by more threads (threads.c). The first that is still to be run. */
static size_t run_spread(struct spread_watch *watch, struct fanout *o, size_t from) {
    asl_execution *x = o->parent->execution;
    size_t next = asl__spread(watch, &at_once, o, from), done = next - from, room = o->count - o->next;
    o->results.array->head.count = (uint32_t)next;
    if (!o->is_map) return next;
    if (room > done) room = done;
    o->next += room;
    x->events += done + room; /* as they are counted one by one */
    return next;
}

/* Whether all have their results. */
static bool run_iterations(struct fanout *o, size_t window) {
    asl_execution *x = o->parent->execution;
    uint32_t machine = asl__child_machine(o->parent, o->site->machines[0]);
    const struct machine *m = &x->engine->image.machines[machine];
    struct frame *child = new_frame(o, machine);
    struct spread_watch watch;
    size_t i = 0;
    o->next = o->count < window ? o->count : window;
    x->events += o->next; /* MapIterationStarted of all that have room */
    asl__spread_begin(&watch, o);
    if (asl__spread_due(&watch, o, 0)) i = run_spread(&watch, o, 0);
    bool fine = x->main->cut == ASL_RUNNING;
    for (; i < o->count && fine; i++) {
        fine = run_child(o, child, m, i, asl_retain(o->items.array->items[i]));
        if (fine) {
            x->events++; /* MapIterationSucceeded, which makes room for another */
            if (o->next < o->count) o->next++, x->events++;
            renew(child, m, machine);
        } else {
            fail_at_once(o, child);
        }
        if (fine && asl__spread_due(&watch, o, i + 1)) {
            i = run_spread(&watch, o, i + 1) - 1;
            fine = x->main->cut == ASL_RUNNING;
        }
    }
    asl__spread_end(&watch, o);
    asl__frame_free(child);
    return fine;
}

static bool run_branches(struct fanout *o) {
    const struct image *image = &o->parent->execution->engine->image;
    struct spread_watch watch;
    size_t i = 0;
    asl__spread_begin(&watch, o);
    if (asl__spread_due(&watch, o, 0)) i = run_spread(&watch, o, 0);
    bool fine = o->parent->execution->main->cut == ASL_RUNNING;
    for (; i < o->count && fine; i++) {
        uint32_t machine = asl__child_machine(o->parent, o->site->machines[i]);
        struct frame *child = new_frame(o, machine);
        fine = run_child(o, child, &image->machines[machine], i, asl_retain(o->input));
        if (!fine) fail_at_once(o, child);
        asl__frame_free(child);
        if (fine && asl__spread_due(&watch, o, i + 1)) {
            i = run_spread(&watch, o, i + 1) - 1;
            fine = o->parent->execution->main->cut == ASL_RUNNING;
        }
    }
    asl__spread_end(&watch, o);
    return fine;
}

/* 0: the parent has its answer. */
static int32_t run_at_once(struct fanout *o, size_t window) {
    o->results = asl_array_new(o->count);
    if (!(o->is_map ? run_iterations(o, window) : run_branches(o))) {
        asl_release(o->results);
        return 1;
    }
    asl__event(o->parent->execution); /* MapStateSucceeded, ParallelStateSucceeded */
    asl__frame_answer(o->parent, o->results);
    return 0;
}

// ---------------------------------------------------------------- ahead

static void start_ahead(struct frame *child, size_t index, asl_value input) {
    start_child_at_once(child, index, input);
    child->started = false; /* asl_rt_item counts it */
}

static bool run_ahead_to_end(struct frame *child) {
    int32_t outcome;
    do {
        child->yields = false;
        outcome = child->execution->engine->image.machines[child->head.machine].step(&child->head);
    } while (outcome == ASL_SUSPENDED && child->yields);
    asl_assert(outcome != ASL_SUSPENDED);
    return outcome == ASL_DONE;
}

static const struct child_ways ahead = {new_frame, start_ahead, run_ahead_to_end, renew_child};

/* In the queue iterations with an ItemSelector take two turns, so that all that can start do so before the first goes on.
   Where that shows in nothing but the order of events, they too are run one after the other. When it would show in more, in
   an error, which may name an event, in random numbers or virtual time, then all is forgotten and left to the queue. */
static bool run_ahead(struct fanout *o) {
    asl_execution *x = o->parent->execution;
    asl_engine *e = x->engine;
    struct asl__random random = e->random;
    uint64_t events = x->events, transitions = x->main->transitions;
    uint32_t polls = e->polls;
    int64_t now_ms = e->clock.now_ms;
    struct frame *child = new_frame(o, asl__child_machine(o->parent, o->site->machines[0]));
    struct spread_watch watch;
    bool fine = true;
    o->results = asl_array_new(o->count);
    asl_array *results = o->results.array;
    asl__spread_begin(&watch, o);
    for (size_t i = 0; fine; i++) {
        if (asl__spread_due(&watch, o, i)) {
            size_t next = asl__spread(&watch, &ahead, o, i);
            x->events += next - i; /* MapIterationSucceeded */
            i = results->head.count = (uint32_t)next;
            if (x->main->cut != ASL_RUNNING) break;
        }
        if (i == o->count) break;
        start_ahead(child, i, asl_retain(o->items.array->items[i]));
        fine = run_ahead_to_end(child) && go_on(x, i);
        fine = fine && memcmp(&e->random, &random, sizeof random) == 0;
        fine = fine && !(e->clock.is_virtual && (e->polls != polls || e->clock.now_ms != now_ms));
        if (!fine) break;
        results->items[i] = child->result;
        results->head.count = (uint32_t)i + 1;
        child->result = asl_none();
        x->events++; /* MapIterationSucceeded */
        renew_child(child);
    }
    asl__spread_end(&watch, o);
    asl__frame_free(child);
    if (results->head.count == o->count) {
        asl__event(x); /* MapStateSucceeded */
        asl__frame_answer(o->parent, o->results);
        return true;
    }
    asl_release(o->results);
    e->random = random;
    x->events = events;
    x->main->transitions = transitions;
    if (!e->clock.is_virtual) return false;
    e->polls = polls;
    e->clock.now_ms = now_ms;
    return false;
}

int32_t asl_rt_parallel(asl_frame *frame, uint32_t t, uint32_t input) {
    struct frame *f = frame_of(frame);
    const struct site *site = &f->execution->engine->image.sites[t];
    if (runs_at_once(f, site)) {
        asl__event(f->execution); /* ParallelStateStarted */
        struct fanout all = {.parent = f, .site = site, .count = site->machine_count,
                             .input = frame->slot[input & ~ASL_LAST]};
        return run_at_once(&all, 0);
    }
    struct fanout *o = new_fanout(f, site, site->machine_count);
    o->chain = asl__tell(f, EVENT_PARALLEL_STARTED, NULL);
    for (size_t i = 0; i < site->machine_count; i++)
        start_child(o, asl__child_machine(f, site->machines[i]), asl_retain(frame->slot[input & ~ASL_LAST]));
    return 0;
}

/* A number, or the text of one: both are accepted where a path gives it (recorded, 2.2). */
static bool number_of(const asl_value *v, double *number, int64_t *integer, bool *is_integer) {
    asl_value parsed = asl_none();
    if (v->tag == ASL_STRING) {
        if (asl_json_parse(asl_text_of(v), NULL, &parsed, NULL) < 0) return false;
        v = &parsed;
    }
    bool ok = asl_is_number(v);
    if (ok) {
        *number = asl_number(v);
        *is_integer = asl_number_as_int(v, integer);
    }
    asl_release(parsed);
    return ok;
}

static int32_t raise_cause(struct frame *f, const struct site *site, asl_buffer *text) {
    return site->jsonata ? asl__raise_query(f, text, NULL) : asl__raise_buffer(f, "States.Runtime", text);
}

static int32_t raise_text(struct frame *f, const struct site *site, const char *text) {
    asl_buffer b = {0};
    asl_buffer_z(&b, text);
    return raise_cause(f, site, &b);
}

static int32_t refuse(struct frame *f, const struct site *site, const char *field, const asl_value *v, const char *kind,
                      const char *path) {
    asl_buffer b = {0};
    asl_buffer_format(&b, "The %s%s field refers to value \"", field, site->jsonata ? "" : "Path");
    if (v->tag == ASL_STRING) asl_buffer_str(&b, asl_text_of(v));
    else asl_json_print(v, &b);
    asl_buffer_format(&b, "\" which is not a valid %s", kind);
    if (!site->jsonata) asl_buffer_format(&b, ": %s", path ? path : "$");
    return raise_cause(f, site, &b);
}

static const asl_value *operand(asl_frame *frame, uint32_t s) {
    if (s == ASL_NO_OPERAND) return NULL;
    const asl_value *v = &frame->slot[s & ~ASL_LAST];
    return v->tag == ASL_NONE ? NULL : v;
}

static int32_t max_concurrency(struct frame *f, const struct site *site, const asl_value *v, size_t *out) {
    int64_t n = site->max_concurrency;
    double number;
    bool is_integer = true;
    if (v && (!number_of(v, &number, &n, &is_integer) || !is_integer))
        return refuse(f, site, "MaxConcurrency", v, "integer", site->max_concurrency_path);
    if (n < 0) return raise_text(f, site, "MaxConcurrency cannot be negative.");
    *out = (size_t)n;
    if (f->execution->engine->strict && !site->distributed && (n == 0 || n > INLINE_CONCURRENCY))
        *out = INLINE_CONCURRENCY;
    return 0;
}

/* How many items may fail: the smaller of ToleratedFailureCount and of ToleratedFailurePercentage's share (14.2). */
static int32_t tolerance(struct frame *f, const struct site *site, const asl_value *count, const asl_value *percentage,
                         size_t items, size_t *out) {
    int64_t n = site->tolerated_count, ignored;
    double p = site->tolerated_percentage, number;
    bool is_integer = true;
    if (count && (!number_of(count, &number, &n, &is_integer) || !is_integer))
        return refuse(f, site, "ToleratedFailureCount", count, "integer", site->tolerated_count_path);
    if (n < 0) return raise_text(f, site, "ToleratedFailureCount cannot be negative.");
    if (percentage && !number_of(percentage, &p, &ignored, &is_integer))
        return refuse(f, site, "ToleratedFailurePercentage", percentage, "float", site->tolerated_percentage_path);
    if (!(p >= 0 && p <= 100)) return raise_text(f, site, "ToleratedFailurePercentage must be between 0 and 100.");
    bool has_count = count || site->tolerates_count, has_percentage = percentage || site->tolerates_percentage;
    size_t share = (size_t)floor((double)items * p / 100);
    if (has_count && has_percentage) *out = (size_t)n < share ? (size_t)n : share;
    else *out = has_percentage ? share : (size_t)n;
    return 0;
}

static void complete(struct fanout *o);

static void tell_map_run(struct frame *f, const struct site *site) {
    asl_execution *x = f->execution;
    asl_engine *e = x->engine;
    asl_buffer arn = {0};
    if (e->observers) {
        char uuid[37];
        asl__random_uuid(&e->names, uuid);
        asl_buffer_format(&arn, "arn:%s:states:%s:%s:mapRun:%s:%s", e->partition, e->region, e->account, site->child_machine, uuid);
        asl_buffer_byte(&arn, 0);
    }
    asl__tell(f, EVENT_MAP_RUN_STARTED, DETAILS(.map_run_arn = arn.data));
    asl_buffer_free(&arn);
}

int32_t asl_rt_map(asl_frame *frame, uint32_t t, uint32_t input, uint32_t items, uint32_t concurrency,
                   uint32_t tolerated_count, uint32_t tolerated_percentage) {
    struct frame *f = frame_of(frame);
    asl_execution *x = f->execution;
    const struct site *site = &x->engine->image.sites[t];
    size_t max_running = 0, tolerated = 0;
    if (max_concurrency(f, site, operand(frame, concurrency), &max_running)) return 1;
    asl_value *list = &frame->slot[items & ~ASL_LAST];
    if (list->tag != ASL_ARRAY && site->jsonata) {
        asl_buffer b = {0};
        asl_buffer_z(&b, "Map state input must be an array but was: ");
        asl_json_print(list, &b);
        return asl__raise_query(f, &b, NULL);
    }
    if (list->tag != ASL_ARRAY)
        return asl__raise(f, asl_string_z("States.Runtime"),
                          asl_string_format("Reference path \"%s\" must point to array.", site->items_path));
    size_t count = asl_array_count(list);
    asl__tell(f, EVENT_MAP_STARTED, DETAILS(.length = (int64_t)count));
    if (tolerance(f, site, operand(frame, tolerated_count), operand(frame, tolerated_percentage), count, &tolerated)) return 1;
    if (count && runs_at_once(f, site)) {
        struct fanout all = {.parent = f, .site = site, .is_map = true, .count = count, .items = *list, .max_running = max_running,
                             .input = input == ASL_NO_OPERAND ? asl_none() : frame->slot[input & ~ASL_LAST]};
        bool ran = !site->item_selector;
        int32_t failed = 0;
        asl_retain(all.items);
        if (ran) failed = run_at_once(&all, max_running && max_running < WINDOW ? max_running : WINDOW);
        else ran = run_ahead(&all);
        asl_release(all.items);
        if (ran && (items & ASL_LAST)) asl_value_set(list, asl_none());
        if (ran) return failed;
    }
    if (site->distributed) tell_map_run(f, site);
    struct fanout *o = new_fanout(f, site, count);
    o->chain = o->told = f->last;
    o->max_running = max_running;
    o->tolerated = tolerated;
    if (input != ASL_NO_OPERAND) o->input = asl_retain(frame->slot[input & ~ASL_LAST]);
    if (items & ASL_LAST) {
        o->items = *list;
        *list = asl_none();
    } else {
        o->items = asl_retain(*list);
    }
    if (count == 0) complete(o);
    else start_iterations(o);
    return 0;
}

// ---------------------------------------------------------------- ending

static void complete(struct fanout *o) {
    struct frame *parent = o->parent;
    /* Recorded (18.2): what follows does not point at …Succeeded but at what that points at; with a Map Run at its start. */
    parent->last = o->told;
    uint64_t previous = parent->last;
    if (o->is_map && o->site->distributed)
        previous = asl__publish(parent->execution, parent, EVENT_MAP_RUN_SUCCEEDED, previous, NULL);
    asl__publish(parent->execution, parent, o->is_map ? EVENT_MAP_SUCCEEDED : EVENT_PARALLEL_SUCCEEDED, previous, NULL);
    asl_value results = o->results;
    o->results = asl_none();
    free_fanout(o);
    struct asl_journal *journal = parent->execution->engine->journal;
    if (journal) journal->forgotten(journal, parent);
    asl__frame_answer(parent, results);
}

// ---------------------------------------------------------------- coming back

struct fanout *asl__fanout_restore(struct frame *parent, const struct site *site, size_t count) {
    return new_fanout(parent, site, count);
}

struct frame *asl__fanout_restore_child(struct fanout *o, uint32_t index) {
    return new_child(o, o->is_map ? o->site->machines[0] : o->site->machines[index], index);
}

void asl__fanout_restore_execution(struct frame *child, asl_value input, const char *name, int64_t start_ms, uint64_t events) {
    asl_execution *x = child_execution(child, input, name);
    x->start_ms = start_ms;
    x->events = events;
}

void asl__fanout_go_on(struct fanout *o) {
    for (struct frame *c = o->first; c; c = c->next) o->unstepped += !c->stepped;
    if (o->finished == o->count) complete(o);
    else if (o->is_map) start_iterations(o);
}

static void settle(struct fanout *o, size_t index, asl_value result) {
    struct asl_journal *journal = o->parent->execution->engine->journal;
    if (journal) {
        journal->result(journal, o->parent, index, &result);
        journal->touched(journal, o->parent, true);
    }
    o->results.array->items[index] = result; /* null so far, and nobody else's */
    o->finished++;
    if (o->finished == o->count) complete(o);
    else if (o->is_map) start_iterations(o);
}

void asl__fanout_stepped(struct frame *child) {
    struct fanout *o = child->up;
    o->unstepped--;
    if (o->is_map) start_iterations(o);
}

void asl__fanout_done(struct frame *child) {
    struct fanout *o = child->up;
    size_t index = child->index;
    asl_value result = child->result;
    child->result = asl_none();
    /* An iteration that starts because there is room again follows from this one (recorded: 18.3, MaxConcurrency 1). */
    if (o->max_running && o->running == o->max_running) o->chain = child->last;
    if (o->is_map) tell_iteration(child, EVENT_MAP_ITERATION_SUCCEEDED, child->last);
    else o->told = child->last;
    unlink_child(o, child);
    asl__frame_free(child);
    settle(o, index, result);
}

static void abort_children(struct fanout *o, uint64_t previous) {
    if (o->is_map && o->site->distributed) return; /* they keep their own history */
    for (struct frame *c = o->first; c; c = c->next) {
        if (o->is_map && c->started) tell_iteration(c, EVENT_MAP_ITERATION_ABORTED, previous);
        asl__frame_aborted(c, previous);
    }
}

static void cancel_children(struct fanout *o) {
    while (o->first) {
        struct frame *child = o->first;
        asl_execution *x = child->execution;
        unlink_child(o, child);
        asl__frame_cancel(child);
        if (x != o->parent->execution) asl__execution_delete(x);
    }
}

/* Ends the whole with an error, moved in, of the event `last`. */
static void fail(struct fanout *o, struct failure *failure, uint64_t last) {
    struct frame *parent = o->parent;
    struct asl_journal *journal = parent->execution->engine->journal;
    abort_children(o, last);
    if (journal) journal->fell(journal, parent);
    cancel_children(o);
    parent->last = last;
    if (o->is_map && o->site->distributed)
        asl__tell(parent, EVENT_MAP_RUN_FAILED, DETAILS(.error = &failure->error, .cause = &failure->cause));
    parent->failed_event = o->is_map ? EVENT_MAP_FAILED : EVENT_PARALLEL_FAILED;
    free_fanout(o);
    asl__frame_answer_failure(parent, failure);
}

void asl__fanout_failed(struct frame *child) {
    struct fanout *o = child->up;
    struct failure failure = child->failure;
    child->failure = (struct failure){0};
    uint64_t last = child->last;
    if (o->is_map && child->started) tell_iteration(child, EVENT_MAP_ITERATION_FAILED, last);
    /* A Task state that failed counts as aborted too; a Fail state does not (18.3). */
    if (child->open && child->execution->engine->image.states[child->head.state].kind == STATE_TASK)
        asl__publish(child->execution, child, EVENT_TASK_ABORTED, last, NULL);
    struct asl_journal *journal = child->execution->engine->journal;
    if (journal) journal->left(journal, child);
    unlink_child(o, child);
    asl__frame_cancel(child);
    fail(o, &failure, last);
}

/* A distributed Map's child: its output counts, or its record and one failure more. */
void asl__fanout_execution_ended(asl_execution *x) {
    struct fanout *o = x->up;
    size_t index = x->index;
    struct asl_journal *journal = x->engine->journal;
    if (journal && x->status != ASL_SUCCEEDED) journal->left(journal, x->root);
    unlink_child(o, x->root);
    asl__frame_cancel(x->root);
    x->root = NULL;
    asl_value result = asl_none();
    if (x->status == ASL_SUCCEEDED) {
        result = asl_retain(x->output);
    } else {
        result = asl__execution_record(x);
        o->failed++;
    }
    uint32_t state = o->parent->head.state;
    asl__execution_delete(x);
    if (o->failed <= o->tolerated) {
        settle(o, index, result);
        return;
    }
    asl_release(result);
    struct failure failure = {
        .error = asl_string_z("States.ExceedToleratedFailureThreshold"),
        .cause = asl_string_z("The specified tolerated failure threshold was exceeded"),
        .state = state,
    };
    fail(o, &failure, o->told);
}

void asl__fanout_cancel(struct frame *parent) {
    struct fanout *o = parent->down;
    cancel_children(o);
    free_fanout(o);
}

void asl__fanout_aborted(struct frame *parent, uint64_t previous) {
    struct fanout *o = parent->down;
    if (o->is_map && o->site->distributed)
        asl__publish(parent->execution, parent, EVENT_MAP_RUN_ABORTED, previous, NULL);
    abort_children(o, previous);
}

// ---------------------------------------------------------------- where a frame stands

const char *asl__fanout_waiting_state(const struct frame *parent) {
    const char *state = NULL;
    for (struct frame *c = parent->down->first; c && !state; c = c->next) state = asl__frame_waiting_state(c);
    return state;
}

const asl_value *asl__state_input(const struct frame *f) {
    if (!f->up || !f->up->is_map) return &f->slots[0];
    const struct frame *parent = f->up->parent;
    bool selecting = f->head.state == parent->head.state && f->head.entered == parent->head.entered;
    return selecting ? &f->up->input : &f->slots[0];
}

bool asl__map_item(const struct frame *f, const asl_value **item, uint32_t *index) {
    for (; f->up; f = f->up->parent) {
        const struct fanout *o = f->up;
        if (!o->is_map) continue;
        if (o->site->distributed && f->started) return false; /* the child's Context object is its own */
        *item = o->item ? o->item : asl_array_at(&o->items, f->index);
        *index = f->index;
        return true;
    }
    return false;
}

uint32_t asl__map_depth(const struct frame *f) {
    uint32_t depth = 0;
    for (const struct frame *a = f; a->up; a = a->up->parent) depth += a->up->is_map;
    return depth;
}

void asl__map_indexes(const struct frame *f, uint32_t *indexes, uint32_t depth) {
    for (const struct frame *a = f; a->up; a = a->up->parent)
        if (a->up->is_map) indexes[--depth] = a->index;
}
