// --each: the input is a JSON document a line, and each line an execution of its own. Outputs come in the lines' order.
//
//     lines ──► ring of those taken and not yet printed ──► the first is done: print it, and what else is done behind it
//                   │ taken by
//                   ├─ the session's engine, in the calling thread
//                   └─ an engine more in each further thread, once there is enough to compute
//
// Lines are spread where nothing ties executions to each other: no journal, no observers, no mocks, which count executions,
// no seed, no virtual clock, which they would share. One thread alone takes all lines there is room for at once; several take
// what they can compute soon, so that none has much left when the lines are all taken.
#include "run.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "threads.h"

#define WORTH_NS 2000000 /* what is left must take so long before threads are started */
#define TRIED_NS 1000000 /* processor time that tells how long that is */
enum { READY_ENOUGH = 4, THREADS_MAX = 256 };

struct one {
    asl_execution *execution; /* NULL: not running */
    size_t number;            /* of its line */
    asl_buffer line, said;    /* for standard output; for standard error, in front of it */
    bool done;
};

/* An engine and who runs it. */
struct each;
struct part {
    struct each *each;
    asl_engine *engine;
    struct one **running; /* room for all */
    size_t count;
    pthread_t thread;
};

struct each {
    struct run *run;
    struct session *session;
    const asl_program *program;
    bool spreads;         /* what is not taken yet may be taken by other threads */
    size_t input_size;
    int64_t begun_ns;     /* processor time of the calling thread */
    unsigned part_count;
    struct part parts[THREADS_MAX]; /* [0]: the session's engine; the others run in threads of their own */
    asl_engine *volatile engines[THREADS_MAX]; /* of the others, for the signal handler */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t printed;
    asl_str rest;     /* of the input */
    struct one *ones; /* a ring: those between the first whose line is not printed and the last that was taken */
    size_t room, first, count;
    size_t number;    /* of the line read last */
    int rc;
};

static void worse(struct each *a, int rc) {
    if (rc > a->rc) a->rc = rc; /* they are in this order: FAILED, BAD_USE, SUSPENDED */
}

static asl_str text_or_none(const asl_value *v) {
    return v && v->tag == ASL_STRING ? asl_text_of(v) : (asl_str){NULL, 0};
}

// ---------------------------------------------------------------- lines in

/* The next line that is not blank. */
static bool next_line(struct each *a, asl_str *line) {
    while (a->rest.size) {
        const char *end = memchr(a->rest.data, '\n', a->rest.size);
        size_t size = end ? (size_t)(end - a->rest.data) : a->rest.size;
        *line = (asl_str){a->rest.data, size};
        a->rest = (asl_str){a->rest.data + size + (end != NULL), a->rest.size - size - (end != NULL)};
        a->number++;
        if (strspn(line->data, " \t\r") < size) return true;
    }
    return false;
}

enum taken { TAKEN, NO_ROOM, NO_MORE };

static enum taken take(struct each *a, struct one **one, asl_str *line) {
    enum taken taken = TAKEN;
    pthread_mutex_lock(&a->lock);
    if (a->rest.size && !a->session->journal && asl__was_signalled()) { /* who stops a run wants none of what has not begun */
        asl__complain(a->run, "interrupted: what is behind line %zu of the input has not been run", a->number);
        a->rest.size = 0;
        worse(a, EXIT_FAILED_RUN);
    }
    if (a->count == a->room && a->rest.size) {
        taken = NO_ROOM;
    } else if (!next_line(a, line)) {
        taken = NO_MORE;
    } else {
        *one = &a->ones[(a->first + a->count++) % a->room];
        **one = (struct one){.number = a->number};
    }
    pthread_mutex_unlock(&a->lock);
    return taken;
}

// ---------------------------------------------------------------- lines out

/* It is done: prints it if it is its turn, and those behind it that wait for it. */
static void finish(struct each *a, struct one *o, int rc) {
    pthread_mutex_lock(&a->lock);
    worse(a, rc);
    o->done = true;
    while (a->count && a->ones[a->first].done) {
        struct one *first = &a->ones[a->first];
        if (first->said.size) fwrite(first->said.data, 1, first->said.size, stderr);
        worse(a, asl__write_out(a->run, &first->line));
        asl_buffer_free(&first->line);
        asl_buffer_free(&first->said);
        a->first = (a->first + 1) % a->room;
        a->count--;
    }
    pthread_cond_broadcast(&a->printed);
    pthread_mutex_unlock(&a->lock);
}

static void finish_execution(struct each *a, struct one *o) {
    struct run *r = a->run;
    asl_execution *x = o->execution;
    asl_status status = asl_execution_status(x);
    if (r->describe) asl__describe(x, &o->line);
    else if (status == ASL_SUCCEEDED) asl_json_print(asl_execution_output(x), &o->line);
    else asl_buffer_z(&o->line, "null");
    if (status != ASL_SUCCEEDED) {
        asl_buffer_format(&o->said, "%s: ", asl_execution_name(x));
        asl__failure_line(r, asl_status_name(status), text_or_none(asl_execution_error(x)), text_or_none(asl_execution_cause(x)),
                          asl_execution_failed_state(x), &o->said);
    }
    o->execution = NULL;
    asl_execution_free(x);
    finish(a, o, status == ASL_SUCCEEDED ? EXIT_OK : EXIT_FAILED_RUN);
}

/* One that ran in an earlier process, or is refused. */
static void finish_stored(struct each *a, struct one *o, enum journal_found found, const char *name, const char *message) {
    struct run *r = a->run;
    struct store *store = asl__journal_store(a->session->journal);
    int rc = EXIT_OK;
    if (found == JOURNAL_REFUSED) {
        asl_buffer_format(&o->said, "%s: %s\n", r->name, message);
        rc = EXIT_BAD_USE;
    } else if (asl__stored_description(r, store, a->session->engine->image.name, name, &o->line)) {
        asl_value d = asl_none();
        asl_json_parse((asl_str){o->line.data, o->line.size}, NULL, &d, NULL);
        const asl_value *output = asl_object_get(&d, ASL_STR("output")), *status = asl_object_get(&d, ASL_STR("status"));
        if (!output) {
            char *status_z = asl__copy_text(asl_text_of(status));
            asl_buffer_format(&o->said, "%s: ", name);
            asl__failure_line(r, status_z, text_or_none(asl_object_get(&d, ASL_STR("error"))),
                              text_or_none(asl_object_get(&d, ASL_STR("cause"))), NULL, &o->said);
            asl_free(status_z);
            rc = EXIT_FAILED_RUN;
        }
        if (!r->describe) {
            o->line.size = 0;
            if (output) asl_buffer_str(&o->line, asl_text_of(output));
        }
        asl_release(d);
    }
    if (!o->line.size) asl_buffer_z(&o->line, "null");
    finish(a, o, rc);
}

// ---------------------------------------------------------------- running

static void start(struct part *p, struct one *o, asl_str line) {
    struct each *a = p->each;
    struct run *r = a->run;
    char name[120], message[1024];
    asl_value input;
    asl_json_error error;
    if (asl_json_parse(line, NULL, &input, &error) < 0) {
        asl_buffer_format(&o->said, "%s: input line %zu, column %u: %s\n", r->name, o->number, error.column, error.message);
        asl_buffer_z(&o->line, "null");
        finish(a, o, EXIT_BAD_USE);
        return;
    }
    snprintf(name, sizeof name, "%s-%zu", r->execution_name ? r->execution_name : "", o->number);
    enum journal_found found = JOURNAL_NEW;
    if (a->session->journal && r->execution_name)
        found = asl__journal_take(a->session->journal, name, line, false, &o->execution, message, sizeof message);
    if (found != JOURNAL_NEW) asl_release(input);
    if (found == JOURNAL_NEW) o->execution = asl__execution_start(p->engine, input, line, r->execution_name ? name : NULL);
    if (o->execution) p->running[p->count++] = o;
    else finish_stored(a, o, found, name, message);
}

static void finish_ended(struct part *p) {
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct one *o = p->running[i];
        if (asl_execution_status(o->execution) == ASL_RUNNING) p->running[kept++] = o;
        else finish_execution(p->each, o);
    }
    p->count = kept;
}

static void start_threads(struct each *a);

/* Takes lines, runs them, and finishes them, until there are no more. */
static void run_part(struct part *p) {
    struct each *a = p->each;
    asl_engine *e = p->engine;
    for (;;) {
        enum taken taken = TAKEN;
        struct one *o;
        asl_str line;
        while ((!a->spreads || e->ready_count < READY_ENOUGH) && (taken = take(a, &o, &line)) == TAKEN) start(p, o, line);
        finish_ended(p);
        if (e->suspended || (taken == NO_MORE && !p->count)) return;
        if (!p->count) {
            pthread_mutex_lock(&a->lock);
            while (taken == NO_ROOM && a->count == a->room) pthread_cond_wait(&a->printed, &a->lock);
            pthread_mutex_unlock(&a->lock);
            continue;
        }
        if (p == a->parts) start_threads(a);
        uint64_t ended = e->ended;
        asl_engine_run(e, taken == TAKEN ? ASL_RUN_NOWAIT : ASL_RUN_DEFAULT);
        if (taken == TAKEN || e->ended != ended || e->suspended) continue;
        asl__complain(a->run, "nothing can go on: %zu executions wait for answers that will not come", p->count);
        for (size_t i = 0; i < p->count; i++) asl_execution_stop(p->running[i]->execution, asl_none(), asl_none());
    }
}

// ---------------------------------------------------------------- threads

static int64_t processor_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *part_main(void *user) {
    run_part(user);
    return NULL;
}

/* Whether what is left is worth more threads. */
static bool worth_it(struct each *a, int64_t spent) {
    pthread_mutex_lock(&a->lock);
    double rest = (double)a->rest.size;
    pthread_mutex_unlock(&a->lock);
    double taken = (double)a->input_size - rest;
    return spent >= TRIED_NS && (double)spent * rest >= WORTH_NS * taken;
}

static void start_threads(struct each *a) {
    struct run *r = a->run;
    if (!a->spreads || a->part_count > 1 || !worth_it(a, processor_ns() - a->begun_ns)) return;
    unsigned threads = r->options.threads == UINT_MAX ? asl__threads_allowed() : r->options.threads;
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    if (threads > a->room) threads = (unsigned)a->room;
    if (threads < 2) a->spreads = false;
    asl_engine_options options = r->options;
    options.threads = 1;
    char message[16384];
    while (a->part_count < threads) {
        struct part *p = &a->parts[a->part_count];
        asl_engine *e = asl_engine_new(a->program, &options, message, sizeof message);
        if (!e) break; /* the first has been made, and is enough */
        *p = (struct part){.each = a, .engine = e, .running = asl_alloc(a->room * sizeof *p->running)};
        a->engines[a->part_count] = e;
        if (!asl__thread_start(&p->thread, part_main, p)) {
            a->engines[a->part_count] = NULL;
            asl_free(p->running);
            asl_engine_free(e);
            break;
        }
        a->part_count++;
    }
    if (a->part_count == 1) a->spreads = false;
}

static void end_threads(struct each *a) {
    for (unsigned i = 1; i < a->part_count; i++) pthread_join(a->parts[i].thread, NULL);
    asl__interrupt_also(NULL, 0);
    for (unsigned i = 1; i < a->part_count; i++) {
        asl_engine_free(a->parts[i].engine);
        asl_free(a->parts[i].running);
    }
}

// ---------------------------------------------------------------- all of it

static bool may_spread(const struct run *r, const struct session *s) {
    const asl_engine_options *o = &r->options;
    return o->threads > 1 && !s->journal && !s->engine->observers && !o->mock_file && !o->seeded && !o->virtual_clock;
}

int asl__run_each(struct run *r, struct session *s, const asl_program *program) {
    struct each *a = asl_calloc(1, sizeof *a);
    *a = (struct each){.run = r, .session = s, .program = program, .spreads = may_spread(r, s), .input_size = r->input_text.size,
                       .begun_ns = processor_ns(), .part_count = 1, .rest = {r->input_text.data, r->input_text.size}, .room = r->concurrency};
    a->ones = asl_calloc(a->room, sizeof *a->ones);
    a->parts[0] = (struct part){.each = a, .engine = s->engine, .running = asl_alloc(a->room * sizeof(struct one *))};
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->printed, NULL);
    asl__interrupt_also(a->engines, THREADS_MAX);
    run_part(&a->parts[0]);
    end_threads(a);
    if (s->engine->suspended) {
        const char *problem = asl__journal_problem(s->journal);
        size_t running = a->parts[0].count;
        if (*problem) asl__complain(r, "%s", problem);
        else asl__complain(r, "%zu execution%s: %s", running, running == 1 ? " is journalled" : "s are journalled",
                           r->execution_name ? "run again to go on" : "resume them to go on");
        worse(a, EXIT_SUSPENDED);
    }
    for (size_t i = 0; i < a->count; i++) { /* behind one that goes on later */
        struct one *o = &a->ones[(a->first + i) % a->room];
        if (o->said.size) fwrite(o->said.data, 1, o->said.size, stderr);
        asl_buffer_free(&o->line);
        asl_buffer_free(&o->said);
    }
    int rc = a->rc;
    pthread_cond_destroy(&a->printed);
    pthread_mutex_destroy(&a->lock);
    asl_free(a->parts[0].running);
    asl_free(a->ones);
    asl_free(a);
    return rc;
}
