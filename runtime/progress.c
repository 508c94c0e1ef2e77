// A line about what runs, on a terminal: "Fulfil 120/1000 · 3 running · 12 s". Drawn when the engine is about to sleep and a
// second has passed, so that what is quick or computes without waiting shows nothing and pays nothing.
#include "waiting.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MS 1000
#define EVERY_MS 200

struct asl_progress {
    int64_t started_ms, drawn_ms;
    size_t width; /* of what stands on the terminal */
};

static int64_t monotonic_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The outermost Map that is at work, else the state the root is in. */
static const struct fanout *find_map(const struct frame *f) {
    const struct fanout *o = f->down;
    if (!o) return NULL;
    if (o->is_map) return o;
    for (const struct frame *c = o->first; c; c = c->next) {
        const struct fanout *found = find_map(c);
        if (found) return found;
    }
    return NULL;
}

static void describe(const asl_engine *e, int64_t elapsed_ms, char *out, size_t size) {
    const asl_execution *x = e->executions;
    const struct fanout *map = x && x->root ? find_map(x->root) : NULL;
    if (e->running > 1) {
        snprintf(out, size, "%zu executions running, %llu ended · %lld s", e->running, (unsigned long long)e->ended,
                 (long long)(elapsed_ms / 1000));
    } else if (map) {
        snprintf(out, size, "%s %zu/%zu · %zu running · %lld s", e->image.states[map->site->state].name_z, map->finished, map->count,
                 map->running, (long long)(elapsed_ms / 1000));
    } else if (x && x->root) {
        snprintf(out, size, "%s · %lld s", e->image.states[x->root->head.state].name_z, (long long)(elapsed_ms / 1000));
    } else {
        out[0] = 0;
    }
}

static void draw(asl_engine *e) {
    struct asl_progress *p = e->progress;
    int64_t now = monotonic_ms();
    if (now - p->started_ms < FIRST_MS || now - p->drawn_ms < EVERY_MS) return;
    char line[160];
    describe(e, now - p->started_ms, line, sizeof line);
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
    p->width = strlen(line);
    p->drawn_ms = now;
}

void asl__progress_begin(asl_engine *e) {
    const char *term = getenv("TERM");
    if (!isatty(STDERR_FILENO) || !term || strcmp(term, "dumb") == 0 || e->clock.is_virtual) return;
    e->progress = asl_calloc(1, sizeof *e->progress);
    e->progress->started_ms = monotonic_ms();
    e->progress_draw = draw;
}

void asl__progress_end(asl_engine *e) {
    if (!e->progress) return;
    if (e->progress->width) fprintf(stderr, "\r\033[K");
    asl_free(e->progress);
    e->progress = NULL;
    e->progress_draw = NULL;
}
