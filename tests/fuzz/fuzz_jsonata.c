// Expressions: any text may be one. In both dialects, either it parses, and the tree keeps its promises and can be
// analysed, or the mistake has a code, a message and a place inside the text.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jsonata/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t source_size;

static uint32_t depth_of(const struct jsonata_node *n);

static uint32_t max(uint32_t a, uint32_t b) { return a > b ? a : b; }

static uint32_t depth_of_list(const struct jsonata_list *list) {
    uint32_t depth = 0;
    for (size_t i = 0; i < list->count; i++) depth = max(depth, depth_of(list->items[i]));
    return depth;
}

static uint32_t depth_of_pairs(const struct jsonata_pairs *pairs) {
    uint32_t depth = 0;
    for (size_t i = 0; pairs && i < pairs->count; i++)
        depth = max(depth, max(depth_of(pairs->items[i].key), depth_of(pairs->items[i].value)));
    return depth;
}

static uint32_t depth_of_stages(const struct jsonata_stages *stages, bool filters_only) {
    uint32_t depth = 0;
    for (size_t i = 0; i < stages->count; i++) {
        const struct jsonata_stage *s = &stages->items[i];
        if (s->filter ? s->index.data != NULL : filters_only || !s->index.data) abort();
        if (s->filter) depth = max(depth, depth_of(s->filter));
    }
    return depth;
}

static uint32_t depth_below(const struct jsonata_node *n) {
    uint32_t depth = 0;
    switch (n->kind) {
    case JSONATA_PATH:
        if (!n->path.steps.count) abort();
        return depth_of_list(&n->path.steps);
    case JSONATA_NAME:
    case JSONATA_STRING:
    case JSONATA_VARIABLE:
        if (!n->text.data) abort();
        return 0;
    case JSONATA_REGEX:
        if (!n->regex.pattern.size) abort();
        return 0;
    case JSONATA_PARENT:
        if (!n->slot->label) abort();
        return 0;
    case JSONATA_NEGATE: return depth_of(n->one);
    case JSONATA_ARRAY:
    case JSONATA_BLOCK: return depth_of_list(&n->list);
    case JSONATA_OBJECT: return depth_of_pairs(&n->object);
    case JSONATA_RANGE:
    case JSONATA_BINARY:
    case JSONATA_ELVIS:
    case JSONATA_COALESCE:
    case JSONATA_APPLY: return max(depth_of(n->two.left), depth_of(n->two.right));
    case JSONATA_CONDITION:
        depth = max(depth_of(n->condition.test), depth_of(n->condition.then));
        return n->condition.otherwise ? max(depth, depth_of(n->condition.otherwise)) : depth;
    case JSONATA_BIND: return depth_of(n->bind.value);
    case JSONATA_CALL:
    case JSONATA_PARTIAL:
        if (n->call.tail && (n->kind == JSONATA_PARTIAL || n->group || n->keep_array || n->predicates.count)) abort();
        return max(depth_of(n->call.callee), depth_of_list(&n->call.arguments));
    case JSONATA_LAMBDA: return depth_of(n->lambda.body);
    case JSONATA_TRANSFORM:
        depth = max(depth_of(n->transform.pattern), depth_of(n->transform.update));
        return n->transform.removed ? max(depth, depth_of(n->transform.removed)) : depth;
    case JSONATA_SORT:
        if (!n->sort.count) abort();
        for (size_t i = 0; i < n->sort.count; i++) depth = max(depth, depth_of(n->sort.terms[i].expression));
        return depth;
    case JSONATA_NUMBER:
    case JSONATA_TRUE:
    case JSONATA_FALSE:
    case JSONATA_NULL:
    case JSONATA_WILDCARD:
    case JSONATA_DESCENDANTS:
    case JSONATA_PLACEHOLDER: return 0;
    }
    abort();
}

static uint32_t depth_of(const struct jsonata_node *n) {
    uint32_t depth = max(depth_below(n), depth_of_pairs(n->group));
    depth = max(depth, depth_of_stages(&n->predicates, true));
    depth = max(depth, depth_of_stages(&n->stages, false));
    if (n->depth < depth + 1 || n->depth > JSONATA_MAX_DEPTH) abort();
    if (n->offset + n->size > source_size) abort();
    return n->depth;
}

static void on_message(void *arg, const struct jsonata_node *at, const char *message) {
    (void)arg;
    if (!at || !*message) abort();
}

static void on_variable(void *arg, const struct jsonata_node *at, asl_str name, asl_str field) {
    (void)arg;
    (void)field;
    if (at->kind != JSONATA_VARIABLE || !asl_str_equal(at->text, name)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const enum jsonata_dialect dialects[] = {JSONATA_PLAIN, JSONATA_STEP_FUNCTIONS};
    asl_str source = {(const char *)data, size};
    source_size = size;
    for (size_t i = 0; i < 2; i++) {
        struct arena *a = arena_new();
        struct jsonata_error error = {0};
        struct jsonata_node *tree = jsonata_parse(a, source, dialects[i], &error);
        if (tree) {
            depth_of(tree);
            jsonata_check(a, tree, JSONATA_RESULT, on_message, NULL);
            jsonata_variables(a, tree, on_variable, NULL);
        } else {
            if (!error.code || !*error.message || error.offset + error.size > size) abort();
            if (error.position > 2 * size + 5) abort(); // bytes that are no UTF-8 may count twice
        }
        arena_free(a);
    }
    if (asl_alloc_live() != 0) abort();
    return 0;
}
