// Branches and iterations that only compute, run at once: no frame of theirs waits, so they need no queue, and their results
// are written where they belong. Branches have a frame each. Iterations have one together, whose quiet machine is a loop:
//
//     asl_hot_next_item     next_item ─► last_item          the runtime looks at the clock once in a thousand, and at threads
//     asl_hot_result        next_result
//
// Nothing else of the execution runs meanwhile: the compiler sees to it that only the outermost machine, or one that is
// run like this itself, does so (compiler/opt/shape). So event ids are what they would be. A child that comes upon anything
// unusual goes on in the watched machine by itself. When that fails, or would wait for children of its own, all is
// forgotten, what was counted included, and the parent's watched machine does it over with frames.
#include "hot.h"
#include "threads.h"
#include "words.h"
#include "waiting.h"

static void remember(struct frame *f) {
    const asl_execution *x = f->execution;
    f->before_now = (struct counts){x->events, x->main->transitions, x->engine->clock.now_ms, x->engine->polls};
}

void asl_hot_take_back(asl_frame *frame) {
    const struct frame *f = frame_of(frame);
    asl_execution *x = f->execution;
    x->events = f->before_now.events;
    x->main->transitions = f->before_now.transitions;
    x->engine->polls = f->before_now.polls;
    if (x->engine->clock.is_virtual) x->engine->clock.now_ms = f->before_now.now_ms;
}

static struct frame *begin(struct fanout *o, uint32_t machine) {
    struct frame *parent = o->parent, *child = asl__frame_new(parent->execution, asl__child_machine(parent, machine));
    child->up = o;
    child->head.now = parent->execution->engine->image.machines[machine].waits;
    child->head.state = parent->head.state;
    child->entered_ms = parent->entered_ms;
    child->started = true; /* its events are counted here */
    return child;
}

/* It gave up, or has not come to its end at once. False: it does not. */
__attribute__((noinline)) static bool unusual(struct frame *child, int32_t outcome) {
    const struct image *image = &child->execution->engine->image;
    while (outcome == ASL_SUSPENDED && child->yields) { /* an iteration's selector is done */
        child->yields = false;
        outcome = image->machines[child->head.machine].step(&child->head);
    }
    return outcome == ASL_DONE;
}

// ---------------------------------------------------------------- branches

static void start_branch(struct frame *child, uint32_t index, const asl_value *input) {
    const struct frame *parent = child->up->parent;
    const struct machine *m = &child->execution->engine->image.machines[child->made_for];
    child->index = index;
    for (uint32_t i = 0; i < m->capture_count; i++)
        asl_value_set(&child->slots[m->captures[i].slot], asl_retain(parent->head.slot[m->captures[i].parent_slot]));
    asl_value_set(&child->slots[0], asl_retain(*input));
}

/* False: it did not come to its end at once, and can only be freed. */
static bool run_branch(struct frame *child) {
    int32_t outcome = child->execution->engine->image.machines[child->made_for].step(&child->head);
    return outcome == ASL_DONE || unusual(child, outcome);
}

// ---------------------------------------------------------------- iterations

/* What the watched machine has left: variables have no value at its start. */
static void clear(struct frame *child) {
    const struct image *image = &child->execution->engine->image;
    uint32_t home = image->machines[child->made_for - image->quiet].slots;
    for (uint32_t i = 0; i < home; i++)
        if (child->slots[i].tag != ASL_NONE) asl_value_set(&child->slots[i], asl_none());
}

/* So many, from index on. The quiet machine is a loop over them; one that gave up has ended in the watched machine, and the
   loop goes on behind it. Returns the first that has no result. */
__attribute__((noinline)) static size_t iterate(struct frame *child, size_t index, size_t count, const asl_value *items, asl_value *results) {
    asl_step *step = child->execution->engine->image.machines[child->made_for].step;
    struct fanout *o = child->up;
    o->next_item = items;
    o->last_item = items + count;
    o->next_result = results;
    child->index = (uint32_t)index - 1;
    for (;;) {
        int32_t outcome = step(&child->head);
        if (outcome == ASL_DONE && child->head.machine == child->made_for) return index + count;
        if (!unusual(child, outcome)) return child->index;
        asl_value result = child->result; /* where it may belong, too */
        child->result = asl_none();
        *o->next_result++ = result;
        clear(child);
        child->head.machine = child->made_for;
        child->head.resume = 0;
    }
}

// ---------------------------------------------------------------- both, in any thread

static void start_now(struct frame *child, size_t index, asl_value input) {
    if (child->up->is_map) child->index = (uint32_t)index;
    else start_branch(child, (uint32_t)index, &input);
    asl_release(input); /* the item is where it was */
}

static bool run_now(struct frame *child) {
    struct fanout *o = child->up;
    size_t index = child->index;
    if (!o->is_map) return run_branch(child);
    return iterate(child, index, 1, o->item ? o->item : &o->items.array->items[index], &child->result) > index;
}

static const struct child_ways now = {begin, start_now, run_now, clear};

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
    enum { LOOK = 1024 }; /* iterations between two looks at the clock */
    struct frame *parent = frame_of(frame);
    asl_execution *x = parent->execution;
    struct image *image = &x->engine->image;
    if (items->tag != ASL_ARRAY) return 1;
    struct fanout o = {.parent = parent, .site = &image->sites[t], .is_map = true, .items = *items,
                       .max_running = (size_t)image->sites[t].max_concurrency};
    remember(parent);
    size_t count = o.count = asl_array_count(items), done = 0, look = LOOK;
    asl_value list = asl_retain(*items), results = o.results = asl_array_new(count);
    struct spread_watch watch;
    struct frame *child = begin(&o, o.site->machines[0]);
    asl__spread_begin(&watch, &o);
    for (;;) {
        results.array->head.count = (uint32_t)done;
        if (asl__spread_due(&watch, &o, done)) {
            done = asl__spread(&watch, &now, &o, done);
            results.array->head.count = (uint32_t)done;
            if (x->main->cut != ASL_RUNNING) break;
        }
        if (done >= look) {
            if (cut(x)) break;
            look = done + LOOK;
        }
        if (done == count) break;
        size_t stop = look < count ? look : count;
        if (!watch.off && watch.next > done && watch.next < stop) stop = watch.next;
        done = iterate(child, done, stop - done, &list.array->items[done], &results.array->items[done]);
        if (done < stop) break;
    }
    asl__spread_end(&watch, &o);
    asl__frame_free(child);
    asl_release(list);
    if (done < count) {
        results.array->head.count = (uint32_t)done;
        asl_release(results);
        asl_hot_take_back(frame);
        return 1;
    }
    x->events += 2 + 2 * count; /* MapStateStarted and Succeeded, the same of iterations */
    asl_value_set(d, results);
    return 0;
}

int32_t asl_hot_parallel(asl_frame *frame, uint32_t t, asl_value *d, const asl_value *input) {
    struct frame *parent = frame_of(frame);
    asl_execution *x = parent->execution;
    struct fanout o = {.parent = parent, .site = &x->engine->image.sites[t], .input = *input};
    remember(parent);
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
        start_branch(child, (uint32_t)done, &o.input);
        ok = run_branch(child);
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
        asl_hot_take_back(frame);
        return 1;
    }
    asl_value_set(d, results);
    return 0;
}
