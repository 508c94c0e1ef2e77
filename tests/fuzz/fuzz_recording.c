// Any bytes as a recorded history: it is read, or a message says why not; every event stands in a chain at its position.
#include "recording.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition) {
    if (!condition) abort();
}

static void check(struct arena *a, const struct recording *r) {
    must(r->events.count > 0);
    for (size_t i = 0; i < r->events.count; i++) {
        const struct event *e = r->events.items[i];
        must(e->id == i + 1 && e->chain);
        if (e->role != EVENT_ABORTED) must(e->chain->events.items[e->position] == e);
        for (const struct chain *c = e->chain; c; c = c->parent) must((c->parent == NULL) == (c == r->root));
        uint32_t depth;
        chain_iteration(a, e->chain, &depth);
        asl_release(event_payload(e, "output"));
        asl_release(event_text(e, "cause"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t live = asl_alloc_live();
    static const char *const executions[] = {NULL, "one"};
    for (size_t i = 0; i < 2; i++) {
        struct arena *a = arena_new();
        asl_buffer errors = {0};
        struct recording *r = recording_parse(a, (asl_str){(const char *)data, size}, "history.json", executions[i], &errors);
        must((r == NULL) == (errors.size > 0));
        if (r) check(a, r);
        asl_buffer_free(&errors);
        arena_free(a);
    }
    must(asl_alloc_live() == live);
    return 0;
}
