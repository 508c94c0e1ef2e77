// Branches and iterations that only compute, run by a quiet machine as a loop: no frame of theirs waits, so they need no
// queue, and their results are written where they belong.
//
// Nothing else of the execution runs meanwhile: the compiler sees to it that only the outermost machine, or one that is
// run like this itself, does so (compiler/opt/shape). So event ids are what they would be. When a child does anything
// unusual, all of it is forgotten, what was counted included, and the watched machine does it over with frames.
#include "hot.h"
#include "threads.h"
#include "words.h"
#include "waiting.h"

struct before { /* what a run counts, to be able to forget it */
    uint64_t events, transitions;
    uint32_t polls;
    int64_t now_ms;
};

static struct before remember(const asl_execution *x) {
    return (struct before){x->events, x->main->transitions, x->engine->polls, x->engine->clock.now_ms};
}

static int32_t forget(asl_execution *x, const struct before *b) {
    x->events = b->events;
    x->main->transitions = b->transitions;
    x->engine->polls = b->polls;
    if (x->engine->clock.is_virtual) x->engine->clock.now_ms = b->now_ms;
    return 1;
}

static struct frame *begin(struct fanout *o, uint32_t machine) {
    struct frame *parent = o->parent, *child = asl__frame_new(parent->execution, asl__child_machine(parent, machine));
    child->up = o;
    child->head.now = 1;
    return child;
}

static inline void set_start(struct frame *child, uint32_t index, const asl_value *input) {
    struct frame *parent = child->up->parent;
    const struct machine *m = &parent->execution->engine->image.machines[child->made_for];
    child->index = index;
    child->head.resume = 0;
    child->head.state = parent->head.state;
    child->entered_ms = parent->entered_ms;
    child->started = false;
    asl__context_drop(child);
    for (uint32_t i = 0; i < m->capture_count; i++)
        asl_value_set(&child->slots[m->captures[i].slot], asl_retain(parent->head.slot[m->captures[i].parent_slot]));
    struct asl__words w = asl__load(input);
    asl__retain_words(w);
    asl__store(&child->slots[0], w);
}

/* False: it did not come to its end at once. */
static inline bool run(struct frame *child, asl_step *step) {
    int32_t outcome = step(&child->head);
    while (outcome == ASL_SUSPENDED && child->yields) { /* an iteration's selector is done */
        child->yields = false;
        outcome = step(&child->head);
    }
    return outcome == ASL_DONE;
}

/* Between iterations: variables have no value yet. Slots that only quiet machines have need no care. */
static inline void clear(struct frame *child, uint32_t home) {
    for (uint32_t i = 1; i < home; i++)
        if (child->slots[i].tag != ASL_NONE) asl_value_set(&child->slots[i], asl_none());
}

static void start_now(struct frame *child, size_t index, asl_value input) {
    set_start(child, (uint32_t)index, &input);
    asl_release(input);
}

static bool run_now(struct frame *child) { return run(child, child->execution->engine->image.machines[child->made_for].step); }

static void clear_now(struct frame *child) {
    const struct image *image = &child->execution->engine->image;
    clear(child, image->machines[child->made_for - image->quiet].slots);
}

static const struct child_ways now = {begin, start_now, run_now, clear_now};

/* Loops without end must be stopped; with the virtual clock they are not, since no time passes in them. */
static bool cut(asl_execution *x) {
    asl_engine *e = x->engine;
    if (asl__interrupted(e)) {
        x->main->cut = ASL_ABORTED;
    } else if (!e->clock.is_virtual) {
        asl__clock_update(&e->clock);
        if (e->clock.now_ms >= x->main->deadline_ms) x->main->cut = ASL_TIMED_OUT;
    }
    return x->main->cut != ASL_RUNNING;
}

int32_t asl_hot_map(asl_frame *frame, uint32_t t, asl_value *d, const asl_value *items) {
    struct frame *parent = frame_of(frame);
    asl_execution *x = parent->execution;
    struct image *image = &x->engine->image;
    if (items->tag != ASL_ARRAY) return 1;
    struct fanout o = {.parent = parent, .site = &image->sites[t], .is_map = true, .items = *items,
                       .max_running = (size_t)image->sites[t].max_concurrency};
    struct before before = remember(x);
    size_t count = o.count = asl_array_count(items), done = 0;
    asl_value list = asl_retain(*items), results = o.results = asl_array_new(count);
    uint64_t own_events = o.site->item_selector ? 1 : 2; /* MapIterationSucceeded, and Started unless asl_rt_item counts it */
    struct spread_watch watch;
    struct frame *child = begin(&o, o.site->machines[0]);
    const struct machine *m = &image->machines[child->made_for];
    uint32_t home = image->machines[child->made_for - image->quiet].slots;
    x->events++; /* MapStateStarted */
    asl__spread_begin(&watch, &o);
    for (;; done++) {
        if (asl__spread_due(&watch, &o, done)) {
            size_t first = done;
            done = asl__spread(&watch, &now, &o, first);
            results.array->head.count = (uint32_t)done;
            x->events += (done - first) * own_events;
            if (x->main->cut != ASL_RUNNING) break;
        }
        if (done == count) break;
        set_start(child, (uint32_t)done, &list.array->items[done]);
        x->events += own_events;
        if (!run(child, m->step)) break;
        asl__store_new(&results.array->items[done], asl__load(&child->result));
        results.array->head.count = (uint32_t)done + 1;
        asl__store_new(&child->result, (struct asl__words){0, 0});
        clear(child, home);
        if ((done & 1023) == 1023 && cut(x)) break;
    }
    asl__spread_end(&watch, &o);
    x->events++; /* MapStateSucceeded */
    asl__frame_free(child);
    asl_release(list);
    if (done < count) {
        asl_release(results);
        return forget(x, &before);
    }
    asl_value_set(d, results);
    return 0;
}

int32_t asl_hot_parallel(asl_frame *frame, uint32_t t, asl_value *d, const asl_value *input) {
    struct frame *parent = frame_of(frame);
    asl_execution *x = parent->execution;
    struct fanout o = {.parent = parent, .site = &x->engine->image.sites[t], .input = *input};
    struct before before = remember(x);
    size_t count = o.count = o.site->machine_count, done = 0;
    asl_value results = o.results = asl_array_new(count);
    struct spread_watch watch;
    x->events += 2; /* ParallelStateStarted, ParallelStateSucceeded */
    asl__spread_begin(&watch, &o);
    for (bool ok = true; ok; done += ok) {
        if (asl__spread_due(&watch, &o, done)) {
            done = asl__spread(&watch, &now, &o, done);
            results.array->head.count = (uint32_t)done;
            if (x->main->cut != ASL_RUNNING) break;
        }
        if (done == count) break;
        struct frame *child = begin(&o, o.site->machines[done]);
        set_start(child, (uint32_t)done, &o.input);
        ok = run(child, x->engine->image.machines[child->made_for].step);
        if (ok) {
            results.array->items[done] = child->result;
            results.array->head.count = (uint32_t)done + 1;
            child->result = asl_none();
        }
        asl__frame_free(child);
    }
    asl__spread_end(&watch, &o);
    if (done < count) {
        asl_release(results);
        return forget(x, &before);
    }
    asl_value_set(d, results);
    return 0;
}
