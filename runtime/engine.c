// The engine: who serves which Resource, and the loop.
//
// One turn of the loop runs what is ready, then looks outside. With the real clock it sleeps until the next timer or until
// a handler has something; with the virtual clock time jumps to the next timer once no handler is at work any more. The uv
// loop (loop.c) exists only from the moment a handler must wait for something outside.
#include "observe.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "handlers/mock.h"
#include "handlers/native.h"
#include "heap.h"

/* A program that was compiled with C functions brings native.o with it; no other needs it. */
#pragma weak asl__native_open
#ifdef ASLC_MUSL /* no handlers at all, and nothing that could be mocked */
#pragma weak asl_handler_mock
#pragma weak asl__mock_serves
#pragma weak asl__mock_forget
#pragma weak asl__mock_check
#pragma weak asl__mock_check_calls
#endif

// ---------------------------------------------------------------- bindings

void *asl_binding_state(const asl_binding *b) { return b->state; }
const char *asl__binding_machine(const asl_binding *b) { return b->engine->image.name; }
asl_thunk *asl__binding_thunk(const asl_binding *b) { return b->thunk; }

/* Whether text matches pattern, in which * stands for any run of characters. */
static bool pattern_matches(const char *pattern, const char *text) {
    const char *star = NULL, *again = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            again = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return *pattern == 0;
}

static bool has_scheme(const asl_handler *h, const char *spec) {
    size_t n = strlen(h->scheme);
    return strncmp(spec, h->scheme, n) == 0 && (spec[n] == ':' || spec[n] == 0);
}

/* The handler of a scheme: the user's own first. */
static const asl_handler *find_handler(const asl_engine *e, const char *spec) {
    for (size_t i = 0; i < e->handler_count; i++)
        if (has_scheme(e->handlers[i], spec)) return e->handlers[i];
    for (const asl_handler *const *h = e->program->handlers; h && *h; h++)
        if (has_scheme(*h, spec)) return *h;
    return NULL;
}

static bool is_later_scheme(const char *spec) {
    return strncmp(spec, "http:", 5) == 0 || strncmp(spec, "https:", 6) == 0 || strcmp(spec, "aws") == 0 ||
           strcmp(spec, "activity") == 0;
}

static void list_schemes(const asl_engine *e, asl_buffer *out) {
    const char *before = "";
    for (size_t i = 0; i < e->handler_count; i++, before = ", ") asl_buffer_format(out, "%s%s:", before, e->handlers[i]->scheme);
    for (const asl_handler *const *h = e->program->handlers; h && *h; h++, before = ", ")
        asl_buffer_format(out, "%s%s:", before, (*h)->scheme);
    if (!*before) asl_buffer_z(out, "none, since the program has no Task states");
}

static char *copy(const char *z) {
    size_t size = strlen(z) + 1;
    return memcpy(asl_alloc(size), z, size);
}

static void free_binding(asl_binding *b) {
    asl_free(b->pattern);
    asl_free(b->spec);
    asl_free(b);
}

/* Opens "scheme:spec" for a pattern and keeps it. NULL with a message. */
static asl_binding *open_binding(asl_engine *e, const char *pattern, const char *spec, uint32_t thunk, char *message,
                                 size_t size) {
    const asl_handler *h = find_handler(e, spec);
    if (!h) {
        asl_buffer known = {0};
        list_schemes(e, &known);
        if (is_later_scheme(spec)) snprintf(message, size, "%s=%s: this handler is not supported by this version yet", pattern, spec);
        else snprintf(message, size, "%s=%s: there is no such handler; known are %s", pattern, spec, known.data);
        asl_buffer_free(&known);
        return NULL;
    }
    asl_binding *b = asl_calloc(1, sizeof *b);
    *b = (asl_binding){.engine = e, .handler = h, .pattern = copy(pattern), .spec = copy(spec)};
    if (thunk != ASL_NO_OPERAND && e->program->thunks) b->thunk = e->program->thunks[thunk];
    const char *rest = spec + strlen(h->scheme);
    asl_str inner = asl_str_z(*rest == ':' ? rest + 1 : rest);
    char why[1024] = "";
    int rc = b->thunk && asl__native_open ? asl__native_open(inner, b->thunk, &b->state, why, sizeof why)
             : h->open                    ? h->open(b, inner, &b->state, why, sizeof why)
                                          : 0;
    if (rc < 0) {
        snprintf(message, size, "%s=%s: %s", pattern, spec, why);
        free_binding(b);
        return NULL;
    }
    e->bindings = asl_realloc(e->bindings, (e->binding_count + 1) * sizeof(asl_binding *));
    return e->bindings[e->binding_count++] = b;
}

static int open_mock(asl_engine *e, const char *file, const char *test_case, char *message, size_t size) {
    asl_binding *b = asl_calloc(1, sizeof *b);
    asl_buffer spec = {0};
    asl_buffer_z(&spec, file);
    if (test_case) asl_buffer_format(&spec, "#%s", test_case);
    asl_buffer_byte(&spec, 0);
    *b = (asl_binding){.engine = e, .handler = &asl_handler_mock, .pattern = copy("*"), .spec = spec.data};
    if (b->handler->open(b, asl_str_z(b->spec), &b->state, message, size) < 0) {
        free_binding(b);
        return -1;
    }
    e->mock = b;
    return 0;
}

/* Who serves a site: the mock, then the bindings of the options, then those compiled in, then the Resource itself when
   it names a handler. An ARN may stay without: it fails when it is reached. */
static int bind_site(asl_engine *e, struct site *site, const asl_engine_options *o, size_t from_options, char *message,
                     size_t size) {
    const char *resource = site->resource, *state = e->image.states[site->state].name_z;
    if (e->mock && asl__mock_serves(e->mock->state, state)) {
        site->binding = e->mock;
        site->mocked = true;
        return 0;
    }
    for (size_t i = 0; i < from_options; i++) {
        if (!pattern_matches(o->binds[i].pattern, resource)) continue;
        site->binding = e->bindings[i];
        return 0;
    }
    const char *pattern = NULL, *handler = NULL;
    uint32_t thunk = ASL_NO_OPERAND;
    for (uint32_t i = 0; i < e->image.binding_count && !handler; i++) {
        const struct image_binding *b = &e->image.bindings[i];
        if (!pattern_matches(b->pattern, resource)) continue;
        pattern = b->pattern;
        handler = b->handler;
        thunk = b->thunk;
    }
    if (!handler) {
        if (site->is_arn) return 0;
        pattern = handler = resource;
        if (!find_handler(e, resource) && !is_later_scheme(resource)) {
            snprintf(message, size, "state \"%s\": nothing serves the resource \"%s\"; say who does its work, for example "
                                    "--bind '%s=exec:COMMAND', or answer it with --mock",
                     state, resource, resource);
            return -1;
        }
    }
    for (size_t i = from_options; i < e->binding_count; i++) {
        if (strcmp(e->bindings[i]->spec, handler) != 0 || strcmp(e->bindings[i]->pattern, pattern) != 0) continue;
        site->binding = e->bindings[i];
        return 0;
    }
    site->binding = open_binding(e, pattern, handler, thunk, message, size);
    return site->binding ? 0 : -1;
}

static int bind_all(asl_engine *e, const asl_engine_options *o, char *message, size_t size) {
    bool has_tasks = false;
    for (uint32_t i = 0; i < e->image.site_count; i++) has_tasks |= e->image.sites[i].kind == SITE_TASK;
    if (!has_tasks) return 0; /* nobody to bind or mock, and no handlers linked in: scripts pass the same options to all */
    if (o->mock_file && open_mock(e, o->mock_file, o->mock_case, message, size) < 0) return -1;
    for (size_t i = 0; i < o->bind_count; i++)
        if (!open_binding(e, o->binds[i].pattern, o->binds[i].handler, ASL_NO_OPERAND, message, size)) return -1;
    for (uint32_t i = 0; i < e->image.site_count; i++)
        if (e->image.sites[i].kind == SITE_TASK && bind_site(e, &e->image.sites[i], o, o->bind_count, message, size) < 0)
            return -1;
    return 0;
}

void asl__mock_ended(asl_engine *e, uint64_t execution) { asl__mock_forget(e->mock->state, execution); }

void asl__mock_warnings(asl_engine *e, asl_buffer *out) {
    if (!e->mock) return;
    const struct image *image = &e->image;
    char warnings[8192] = "";
    const char **tasks = asl_alloc((image->state_count + 1) * sizeof *tasks);
    size_t count = 0;
    for (uint32_t i = 0; i < image->state_count; i++)
        if (image->states[i].kind == STATE_TASK) tasks[count++] = image->states[i].name_z;
    asl__mock_check(e->mock->state, tasks, count, warnings, sizeof warnings);
    for (uint32_t i = 0; i < image->site_count; i++) {
        const struct site *site = &image->sites[i];
        if (!site->mocked) continue;
        uint64_t calls = 1;
        for (size_t r = 0; r < site->retrier_count; r++) calls += (uint64_t)site->retriers[r].max_attempts;
        asl__mock_check_calls(e->mock->state, image->states[site->state].name_z, calls, warnings, sizeof warnings);
    }
    asl_free(tasks);
    asl_buffer_z(out, warnings);
}

// ---------------------------------------------------------------- making and freeing

static const char *environment(const char *name, const char *otherwise) {
    const char *v = getenv(name);
    return v && *v ? v : otherwise;
}

static uint64_t fresh_seed(void) {
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) == sizeof seed) return seed;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

asl_engine *asl_engine_new(const asl_program *program, const asl_engine_options *options, char *message,
                           size_t message_size) {
    static const asl_engine_options defaults = {0};
    const asl_engine_options *o = options ? options : &defaults;
    asl_engine *e = asl_calloc(1, sizeof *e);
    e->program = program;
    if (asl__image_decode(&e->image, program, message, message_size) < 0) {
        asl_free(e);
        return NULL;
    }
    asl__clock_init(&e->clock, o->virtual_clock, o->start_time_ms);
    uint64_t seed = o->seeded ? o->seed : fresh_seed();
    asl__random_seed(&e->random, seed);
    asl__random_seed(&e->names, ~seed);
    e->strict = o->strict_aws;
    e->threads = o->threads ? o->threads : 1;
    e->express = o->express || (e->image.express && !o->standard);
    const char *region = environment("AWS_REGION", environment("AWS_DEFAULT_REGION", "us-east-1"));
    e->region = e->owned_region = copy(region);
    e->account = e->owned_account = copy(environment("AWS_ACCOUNT_ID", "123456789012"));
    e->partition = strncmp(region, "cn-", 3) == 0 ? "aws-cn" : strncmp(region, "us-gov-", 7) == 0 ? "aws-us-gov" : "aws";
    e->handlers = o->handlers;
    e->handler_count = o->handler_count;
    if (o->on_event) asl__observe(e, asl__callback_open(o->on_event, o->on_event_user));
    if (bind_all(e, o, message, message_size) < 0) {
        asl_engine_free(e);
        return NULL;
    }
    return e;
}

const asl_program *asl_frame_program(const asl_frame *frame) {
    return ((const struct frame *)frame)->execution->engine->program;
}

void asl__engine_interrupt(asl_engine *e) {
    __atomic_store_n(&e->interrupted, 1, __ATOMIC_RELAXED);
    if (e->can_wake) {
        e->loop_calls->wake(e);
    } else if (e->can_rouse) {
        int saved = errno;
        uint64_t one = 1;
        if (write(e->rouse, &one, sizeof one) < 0) errno = saved; /* full: it will wake */
    }
}

static void wait_for_processes(asl_engine *e) {
    if (!e->loop) return;
    while (e->holds > 0 && e->loop_calls->alive(e)) e->loop_calls->turn(e, true);
}

void asl_engine_free(asl_engine *e) {
    if (!e) return;
    if (e->suspended)
        for (asl_execution *x = e->executions; x; x = x->next) asl__execution_abandon(x);
    while (e->executions) asl_execution_free(e->executions);
    asl__executions_free_spare(e);
    for (struct asl_observer *o = e->observers, *next; o; o = next) {
        next = o->next;
        o->close(o);
    }
    e->observers = NULL;
    if (e->journal) e->journal->close(e->journal);
    e->journal = NULL;
    if (e->workers) e->free_workers(e->workers);
    wait_for_processes(e);
    for (size_t i = 0; i < e->binding_count; i++) {
        asl_binding *b = e->bindings[i];
        if (b->handler->close) b->handler->close(b, b->state);
    }
    if (e->mock) e->mock->handler->close(e->mock, e->mock->state);
    e->can_wake = 0;
    if (e->loop) e->loop_calls->close(e);
    if (e->can_rouse) close(e->rouse);
    for (size_t i = 0; i < e->binding_count; i++) free_binding(e->bindings[i]);
    if (e->mock) free_binding(e->mock);
    asl_free(e->bindings);
    for (int i = 0; i < KEY_COUNT; i++)
        if (e->keys[i]) asl_text_release(e->keys[i]);
    if (e->expressions) e->free_expressions(e->expressions);
    asl__image_free(&e->image);
    asl__clock_free(&e->clock);
    asl_free(e->owned_region);
    asl_free(e->owned_account);
    asl_free(e);
}

// ---------------------------------------------------------------- the loop

/* A handler at work, whose answer will come through the uv loop. */
static bool working(const asl_engine *e) { return e->loop && e->outside > 0 && e->loop_calls->alive(e); }

static inline struct frame *take_first(asl_engine *e) {
    struct frame *f = e->ready_first, *next = f->ready_next;
    e->ready_first = next;
    if (next) next->ready_prev = NULL;
    else e->ready_last = NULL;
    f->ready = READY_NOT;
    e->ready_count--;
    f->execution->main->ready--;
    return f;
}

enum { TURNS_JOINED = 64 }; /* steps; of some microseconds, if they make turns of their own */

/* What is ready now; what becomes ready meanwhile has the next turn. Where nobody would see it, turns are joined: tasks that
   are answered at once come and go without a look at the clock in between. */
static void run_ready(asl_engine *e, uint64_t ended) {
    e->turns = e->ready_count;
    if (e->turns < TURNS_JOINED && asl__unwatched(e) && !working(e)) e->turns = TURNS_JOINED;
    /* With a journal all that end in one turn are told after one commit. */
    while (e->turns && e->ready_first && (e->ended == ended || e->journal) && !asl__interrupted(e)) {
        e->turns--;
        enum ready_kind kind = e->ready_first->ready;
        struct frame *f = take_first(e);
        if (kind == READY_STEP) { /* nearly always */
            asl__frame_step(f);
            continue;
        }
        switch (kind) {
        case READY_STEP:
        case READY_NOT: asl_assert(!"a frame in the queue is ready"); break;
        case READY_START:
            if (e->journal) asl__ready_push(f, READY_HELD); /* not before the journal has it */
            else asl__task_start(f);
            break;
        case READY_HELD: asl_assert(!"what is held stands in a queue of its own"); break;
        case READY_ANSWER: asl__task_answer(f); break;
        }
    }
}

/* What has happened is written down before anything comes of it: a task is started, an end is told. False: it cannot be. */
static bool commit(asl_engine *e) {
    if (!e->journal->commit(e->journal)) {
        e->suspended = true;
        return false;
    }
    for (struct frame *f; (f = e->held_first);) {
        asl__ready_remove(f);
        asl__task_start(f);
    }
    return true;
}

static void stop_all(asl_engine *e) {
    __atomic_store_n(&e->interrupted, 0, __ATOMIC_RELAXED);
    if (e->journal) { /* nothing is stopped for good: the next run goes on */
        e->journal->commit(e->journal);
        e->suspended = true;
        return;
    }
    for (asl_execution *x = e->executions; x; x = x->next) asl_execution_stop(x, asl_none(), asl_none());
}

/* Without a uv loop. What wakes it, a signal handler or another thread, writes to the descriptor, so that nothing can come
   between a look at `interrupted` and the sleep. */
static void sleep_alone(asl_engine *e, int64_t ms) {
    if (!e->can_rouse) {
        e->rouse = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (e->rouse < 0) {
            fprintf(stderr, "cannot wait: %s\n", strerror(errno)); /* no descriptors left: as out of memory */
            abort();
        }
        atomic_signal_fence(memory_order_seq_cst);
        e->can_rouse = 1;
        if (asl__interrupted(e)) return;
    }
    struct pollfd wakes = {.fd = e->rouse, .events = POLLIN};
    uint64_t count;
    if (poll(&wakes, 1, ms < 0 ? -1 : ms < INT_MAX ? (int)ms : INT_MAX) > 0 && read(e->rouse, &count, sizeof count) < 0) return;
}

/* Sleeps until the next timer is due or a handler has something. False: neither will ever happen. */
static bool sleep_real(asl_engine *e) {
    if (e->progress) e->progress_draw(e);
    struct timer *next = asl__timer_next(&e->clock);
    int64_t wake = e->journal ? e->journal->wake(e->journal) : -1;
    if (!next && !working(e) && wake < 0) return false;
    if (next && (wake < 0 || next->due_ms - e->clock.now_ms < wake)) wake = next->due_ms - e->clock.now_ms;
    if (e->progress && (wake < 0 || wake > 1000)) wake = 1000;
    if (e->loop) e->loop_calls->sleep(e, wake);
    else sleep_alone(e, wake);
    return true;
}

/* Time jumps to the next timer once nobody is at work. */
static bool sleep_virtual(asl_engine *e) {
    if (working(e)) {
        e->loop_calls->turn(e, true);
        return true;
    }
    struct timer *next = asl__timer_next(&e->clock);
    if (!next && e->journal && e->journal->wake(e->journal) >= 0) return sleep_real(e); /* for another process */
    if (!next) return false;
    e->clock.now_ms = next->due_ms;
    asl__timers_fire(&e->clock);
    return true;
}

static __attribute__((noinline)) void run(asl_engine *e, enum asl_run_mode mode, uint64_t ended) {
    for (;;) {
        asl__clock_update(&e->clock);
        if (asl__interrupted(e)) stop_all(e);
        if (e->suspended) break;
        run_ready(e, ended);
        if (e->journal && (e->ended != ended || !e->ready_first) && !commit(e)) break;
        if (e->ended != ended) break;
        if (asl__interrupted(e)) continue;
        asl__clock_update(&e->clock);
        if (e->ready_first) {
            if (!e->clock.is_virtual) asl__timers_fire(&e->clock);
            if (working(e)) e->loop_calls->turn(e, false);
            continue;
        }
        if (asl__timers_fire(&e->clock)) continue;
        if (e->journal && e->journal->turn(e->journal)) continue;
        for (struct asl_observer *o = e->observers; o; o = o->next)
            if (o->turn) o->turn(o);
        if (mode == ASL_RUN_READY) {
            if (e->loop) e->loop_calls->turn(e, false);
            if (!e->ready_first) break;
        } else if (mode == ASL_RUN_NOWAIT) {
            if (e->loop) e->loop_calls->turn(e, false);
            if (!e->ready_first && (!e->clock.is_virtual || working(e) || !sleep_virtual(e))) break;
        } else if (e->running > 0 && e->journal && e->journal->may_suspend(e->journal)) {
            e->suspended = true;
        } else if (e->running == 0 || !(e->clock.is_virtual ? sleep_virtual(e) : sleep_real(e))) {
            break;
        }
    }
}

int asl_engine_run(asl_engine *e, enum asl_run_mode mode) {
    uint64_t ended = e->ended;
    e->jumps = e->clock.is_virtual && mode == ASL_RUN_DEFAULT;
    e->heap = asl__heap();
    struct frame *f = e->ready_first;
    if (f && !f->ready_next && f->ready == READY_STEP && asl__unwatched(e) && !asl__interrupted(e)) {
        asl__clock_update(&e->clock); /* the loop's first turn when all there is to do is one step: often it is the last */
        e->turns = TURNS_JOINED;
        asl__frame_step(take_first(e));
    }
    if (e->ended == ended) run(e, mode, ended);
    e->jumps = false;
    return (int)e->running;
}

int asl_engine_poll_fd(asl_engine *e) { return e->loop ? e->loop_calls->descriptor(e) : -1; }

int64_t asl_engine_next_deadline(asl_engine *e) {
    if (e->ready_first) return 0;
    struct timer *next = asl__timer_next(&e->clock);
    int64_t deadline = -1;
    if (next && e->clock.is_virtual && !working(e)) return 0;
    if (next && !e->clock.is_virtual) {
        asl__clock_update(&e->clock);
        deadline = next->due_ms > e->clock.now_ms ? next->due_ms - e->clock.now_ms : 0;
    }
    if (e->loop) { /* a handler's own timers, closing handles */
        int64_t timeout = e->loop_calls->timeout(e);
        if (timeout >= 0 && (deadline < 0 || timeout < deadline)) deadline = timeout;
    }
    return deadline;
}
