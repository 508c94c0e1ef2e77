// One evaluation of an expression: the program it runs, its value stack, its limits, its error.
#include "eval.h"

#include "error.h"

#include <math.h>
#ifdef ASLC_MUSL
#include <sys/resource.h>
#include <unistd.h>
#endif
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum {
    CHUNK_VALUES = 4096,
    FIRST_FUEL = 100,          /* calls and iterations until the clock is looked at first: most evaluations have fewer … */
    FUEL = 10000,              /* … and between two looks at it */
    STACK_RESERVE = 192 * 1024 /* of the C stack, for what built-in functions need */
};
#define DEFAULT_MEMORY ((size_t)512 << 20) /* of one value: about the longest string of JavaScript */

_Static_assert(offsetof(struct jx_frame, head) == 0, "compiled code finds its slots there");

const asl_program *asl_rt_jx_program(const asl_frame *frame) { return jx_of(frame)->program->program; }

// ---------------------------------------------------------------- programs

static const asl_value *member(const asl_value *object, const char *name) {
    return object->tag == ASL_OBJECT ? asl_object_get(object, asl_str_z(name)) : NULL;
}

static bool decode_functions(struct jx_program *p, const asl_value *functions) {
    if (!functions) return p->program->function_count == 0;
    if (functions->tag != ASL_ARRAY || asl_array_count(functions) != p->program->function_count) return false;
    p->function_count = (uint32_t)asl_array_count(functions);
    p->functions = asl_calloc(p->function_count + 1, sizeof *p->functions);
    for (uint32_t i = 0; i < p->function_count; i++) {
        const asl_value *f = asl_array_at(functions, i);
        if (f->tag != ASL_ARRAY || asl_array_count(f) != 2) return false;
        int64_t incoming = asl_array_at(f, 0)->i, slots = asl_array_at(f, 1)->i;
        if (incoming < 0 || incoming > slots || slots > UINT32_MAX / 32) return false;
        p->functions[i] = (struct jx_function){p->program->functions[i], (uint32_t)incoming, (uint32_t)slots};
    }
    return true;
}

struct jx_program *jx_program_new(const asl_program *program, const asl_value *const *constants, uint32_t constant_count,
                                  char *message, size_t message_size) {
    struct jx_program *p = asl_calloc(1, sizeof *p);
    p->program = program;
    p->empty = jx_marked(asl_array_new(0), JX_SEQUENCE);
    asl_json_limits limits = {.lone_surrogates = true};
    asl_json_error error;
    if (asl_json_parse((asl_str){program->image, program->image_size}, &limits, &p->root, &error) < 0) {
        snprintf(message, message_size, "the program's image is damaged: byte %zu: %s", error.offset, error.message);
        p->root = asl_none();
        jx_program_free(p);
        return NULL;
    }
    const asl_value *own = member(&p->root, "constants");
    p->constant_count = constants ? constant_count : own && own->tag == ASL_ARRAY ? (uint32_t)asl_array_count(own) : 0;
    p->constants = asl_calloc(p->constant_count + 1, sizeof *p->constants);
    p->names = asl_calloc(p->constant_count + 1, sizeof *p->names);
    p->signatures = asl_calloc(p->constant_count + 1, sizeof *p->signatures);
    p->regexes = asl_calloc(p->constant_count + 1, sizeof *p->regexes);
    p->fast = jx_fast_table();
    for (uint32_t i = 0; i < p->constant_count; i++) {
        asl_value v = constants ? *constants[i] : *asl_array_at(own, i);
        p->constants[i] = v.tag == ASL_NUMBER_TEXT ? jx_double(asl_number(&v)) : jx_retain(v);
        p->strange |= p->constants[i].tag == ASL_DOUBLE && p->constants[i].d == 0; // negative, else it were an integer
    }
    if (!decode_functions(p, member(&p->root, "functions"))) {
        snprintf(message, message_size, "the program's image is damaged: its functions do not fit together");
        jx_program_free(p);
        return NULL;
    }
    asl_release(p->root);
    p->root = asl_none();
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    p->random = &p->own_random;
    asl__random_seed(p->random, (uint64_t)now.tv_nsec * 2654435761u ^ (uint64_t)now.tv_sec ^ (uint64_t)(uintptr_t)p);
    return p;
}

static void free_evaluation(struct jx *jx) {
    for (struct jx_chunk *c = jx->first; c;) {
        struct jx_chunk *above = c->above;
        asl_free(c);
        c = above;
    }
    asl_free(jx->tail);
    asl_release(jx->cells);
    asl_free(jx);
}

void jx_program_free(struct jx_program *p) {
    if (!p) return;
    if (p->spare) free_evaluation(p->spare);
    if (p->standing) free_evaluation(p->standing);
    for (uint32_t i = 0; i < p->constant_count; i++) {
        asl_release(p->constants[i]);
        for (uint32_t n = 0; p->names[i] && n < p->names[i]->count; n++) {
            asl_text_release(p->names[i]->items[n].key);
            if (p->names[i]->items[n].seen) asl_text_release(p->names[i]->items[n].seen);
        }
        asl_free(p->names[i]);
        asl_release(p->regexes[i]);
        if (p->signatures[i]) jx_signature_free(p->signatures[i]);
    }
    for (int i = 0; i < JX_BUILTIN_COUNT; i++)
        if (p->builtin_signatures[i]) jx_signature_free(p->builtin_signatures[i]);
    for (size_t i = 0; i < sizeof p->cache / sizeof *p->cache; i++) {
        for (struct jx_cached_entry *e = p->cache[i]; e;) {
            struct jx_cached_entry *next = e->next;
            e->drop(e->made);
            asl_free(e);
            e = next;
        }
    }
    asl_free(p->constants);
    asl_free(p->names);
    asl_free(p->signatures);
    asl_free(p->regexes);
    asl_free(p->functions);
    asl_release(p->empty);
    asl_release(p->root);
    asl_free(p);
}

void jx_set_random(struct jx_program *p, struct asl__random *random) { p->random = random; }

void jx_set_compile(struct jx_program *p, jx_compile *compile, void *user) {
    p->compile = compile;
    p->compile_user = user;
}

COLD struct jx_names *jx_names_make(struct jx *jx, uint32_t k) {
    const asl_value *v = &jx->constants[k];
    uint32_t count = v->tag == ASL_ARRAY ? count_of(v) : 1;
    struct jx_names *n = asl_calloc(1, sizeof *n + count * sizeof *n->items);
    n->count = count;
    for (uint32_t i = 0; i < count; i++) n->items[i].key = jx_key_of(v->tag == ASL_ARRAY ? &v->array->items[i] : v);
    return jx->program->names[k] = n;
}

const asl_value *jx_member_search(const asl_value *object, struct jx_name *name) {
    asl_object *o = object->object;
    struct asl__entry *e = NULL;
    if (name->hint < o->head.count && asl__text_equal(o->entries[name->hint].key, name->key)) e = &o->entries[name->hint];
    else e = asl__object_find(o, name->key);
    if (!e) return NULL;
    name->hint = (uint32_t)(e - o->entries);
    if (name->seen) asl_text_release(name->seen);
    name->seen = asl_text_retain(e->key);
    return &e->value;
}

static uint32_t cache_hash(const void *kind, asl_str key) { return asl_hash(key) ^ (uint32_t)((uintptr_t)kind >> 4); }

void *jx_cached(struct jx *jx, const void *kind, asl_str key, void *(*make)(struct jx *, asl_str), void (*drop)(void *)) {
    struct jx_cached_entry **list = &jx->program->cache[cache_hash(kind, key) & 255];
    size_t length = 0;
    for (struct jx_cached_entry *e = *list; e; e = e->next, length++)
        if (e->kind == kind && e->size == key.size && memcmp(e->key, key.data, key.size) == 0) return e->made;
    void *made = make(jx, key);
    if (!made) return NULL;
    // Keys that are computed could be without number: the oldest of a long list goes.
    if (length >= 8) {
        struct jx_cached_entry **last = list;
        while ((*last)->next) last = &(*last)->next;
        (*last)->drop((*last)->made);
        asl_free(*last);
        *last = NULL;
    }
    struct jx_cached_entry *e = asl_alloc(asl__block_size(sizeof *e, key.size, 1));
    *e = (struct jx_cached_entry){*list, kind, made, drop, key.size};
    if (key.size) memcpy(e->key, key.data, key.size);
    *list = e;
    return made;
}

// ---------------------------------------------------------------- the value stack

static COLD asl_value *next_chunk(struct jx *jx, uint32_t count) {
    struct jx_chunk *c = jx->chunk ? jx->chunk->above : jx->first;
    if (c && (size_t)(c->end - c->values) < count) { // too small: it and all above it make room
        for (struct jx_chunk *gone = c; gone;) {
            struct jx_chunk *above = gone->above;
            asl_free(gone);
            gone = above;
        }
        c = NULL;
        if (jx->chunk) jx->chunk->above = NULL;
        else jx->first = NULL;
    }
    if (!c) {
        size_t size = count > CHUNK_VALUES ? count : CHUNK_VALUES;
        c = asl_alloc(asl__block_size(sizeof *c, size, sizeof(asl_value)));
        *c = (struct jx_chunk){.below = jx->chunk, .end = c->values + size};
        if (jx->chunk) jx->chunk->above = c;
        else jx->first = c;
    }
    jx->chunk = c;
    jx->end = c->end;
    jx->top = c->values + count;
    return c->values;
}

static inline asl_value *push_slots(struct jx *jx, uint32_t count) {
    if (UNLIKELY((size_t)(jx->end - jx->top) < count)) return next_chunk(jx, count);
    asl_value *slots = jx->top;
    jx->top += count;
    return slots;
}

// ---------------------------------------------------------------- running functions

/* A call: its slots, and where the stack ended before. */
struct activation {
    asl_value *slot, *top, *end;
    struct jx_chunk *chunk;
};

/* The first `count` slots are left for what comes in. */
static inline struct activation activate(struct jx *jx, uint32_t g, uint32_t count) {
    struct activation a = {.top = jx->top, .end = jx->end, .chunk = jx->chunk};
    uint32_t slots = jx->program->functions[g].slots;
    a.slot = push_slots(jx, slots);
    for (uint32_t i = count; i < slots; i++) asl__store_new(&a.slot[i], (struct asl__words){0, 0});
    return a;
}

static inline int32_t execute(struct jx *jx, uint32_t g, const struct activation *a) {
    const struct jx_function *f = &jx->program->functions[g];
    struct jx_frame frame;
    frame.head.slot = a->slot;
    frame.head.resume = 0;
    frame.head.machine = g;
    frame.jx = jx;
    int32_t status = f->code(&frame.head);
    for (uint32_t i = 0; i < f->slots; i++) asl__release_words(asl__load(&a->slot[i]));
    jx->top = a->top;
    jx->end = a->end;
    jx->chunk = a->chunk;
    return status;
}

static int32_t enter(struct jx *jx, uint32_t g, asl_value *in, uint32_t count) {
    struct activation a = activate(jx, g, count);
    for (uint32_t i = 0; i < count; i++) {
        asl__store_new(&a.slot[i], asl__load(&in[i]));
        asl__store_new(&in[i], (struct asl__words){0, 0});
    }
    return execute(jx, g, &a);
}

/* The calls that are to be made instead of returning, and what comes of them. */
static inline int returned(struct jx *jx, int32_t status, asl_value *out) {
    while (UNLIKELY(status == ASL_TAIL)) {
        if (jx_tick(jx) < 0) {
            for (uint32_t i = 0; i < jx->tail_count; i++) asl_value_set(&jx->tail[i], asl_none());
            return -1;
        }
        if (jx->tail_function == ASL_NO_OPERAND) { // the call that was to be made has been made: it was no lambda
            status = ASL_DONE;
            break;
        }
        status = enter(jx, jx->tail_function, jx->tail, jx->tail_count);
    }
    if (UNLIKELY(status != ASL_DONE)) return -1;
    asl__store_new(out, asl__load(&jx->result));
    asl__store_new(&jx->result, (struct asl__words){0, 0});
    return 0;
}

// Not the address of a local: the address sanitizer may keep those elsewhere.
#define STACK_IS_FULL(jx) UNLIKELY((char *)__builtin_frame_address(0) < (jx)->stack_limit)

int jx_run_function(struct jx *jx, uint32_t g, asl_value *in, uint32_t count, asl_value *out) {
    if (STACK_IS_FULL(jx)) return jx_raise_limit(jx, JX_STACK);
    if (jx_tick(jx) < 0) return -1;
    return returned(jx, enter(jx, g, in, count), out);
}

// ---------------------------------------------------------------- limits

// Coarse: it is right to a few milliseconds.
static int64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reading the clock takes longer than a short evaluation: its time runs from the first look. False: it did before, or there is no limit. */
static bool set_deadline(struct jx *jx) {
    if (!jx->milliseconds || jx->deadline_ms) return false;
    jx->deadline_ms = monotonic_ms() + jx->milliseconds;
    return true;
}

COLD int jx_look_at_clock(struct jx *jx) {
    jx->fuel = FUEL;
    if (set_deadline(jx)) return 0;
    if (jx->deadline_ms && monotonic_ms() >= jx->deadline_ms) return jx_raise_limit(jx, JX_TIME);
    return 0;
}

COLD int jx_raise_limit(struct jx *jx, enum jx_limit limit) {
    static const char *const codes[] = {[JX_STACK] = "D1011", [JX_MEMORY] = "D2015", [JX_TIME] = "D1012"};
    asl_value value = limit == JX_TIME ? asl_int(jx->milliseconds) : asl_none(), message = asl_none();
    if (limit == JX_TIME && !jx->milliseconds) message = asl_string_z("A regular expression took too many steps");
    if (limit == JX_MEMORY) {
        char text[80];
        snprintf(text, sizeof text, "A value of more than %zu bytes was made", jx->memory_limit);
        message = asl_string_z(text);
    }
    jx_raise(jx, codes[limit], message.tag == ASL_NONE ? "value" : "message", message.tag == ASL_NONE ? &value : &message, (const char *)NULL);
    asl_release(message);
    jx->limit = limit;
    return -1;
}

int jx_charge(struct jx *jx, size_t bytes) {
    if (UNLIKELY(bytes > jx->memory_limit)) return jx_raise_limit(jx, JX_MEMORY);
    return 0;
}

/* The lowest address that the C stack of this thread may reach. */
static char *stack_bottom(void) {
    static _Thread_local char *bottom;
    if (bottom) return bottom;
    pthread_attr_t attributes;
    void *base = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &base, &size);
        pthread_attr_destroy(&attributes);
    }
#ifdef ASLC_MUSL
    struct rlimit limit; /* musl tells what the main thread has touched so far, not what it may */
    if (base && getpid() == gettid() && getrlimit(RLIMIT_STACK, &limit) == 0) {
        size_t most = limit.rlim_cur < ((size_t)64 << 20) ? (size_t)limit.rlim_cur : (size_t)64 << 20;
        char *top = (char *)base + size;
        if (most > size) base = top - most, size = most;
    }
#endif
    bottom = base ? (char *)base : (char *)__builtin_frame_address(0) - 512 * 1024; // when nothing is known
    // The main thread's stack may be unlimited: deep recursion must end before memory does.
    if (base && size > (size_t)64 << 20) bottom = (char *)base + size - ((size_t)64 << 20);
    return bottom;
}

int64_t jx_now_ms(struct jx *jx) {
    if (jx->outer) return jx_now_ms(jx->outer);
    if (!jx->now_known) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        jx->now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
        jx->now_known = true;
    }
    return jx->now_ms;
}

struct asl__random *jx_random(struct jx *jx) { return jx->program->random; }

// ---------------------------------------------------------------- errors

static void clear_fields(struct jx *jx) {
    for (uint32_t i = 0; i < jx->field_count; i++) asl_release(jx->fields[i].value);
    jx->field_count = 0;
    asl_value_set(&jx->token, asl_none());
    asl_value_set(&jx->message, asl_none());
}

COLD int jx_raise(struct jx *jx, const char *code, ...) {
    clear_fields(jx);
    jx->code = code;
    jx->position = -1;
    va_list arguments;
    va_start(arguments, code);
    for (const char *name; (name = va_arg(arguments, const char *)) != NULL;) {
        const asl_value *v = va_arg(arguments, const asl_value *);
        if (strcmp(name, "token") == 0) asl_value_set(&jx->token, jx_retain(*v));
        else if (strcmp(name, "message") == 0) asl_value_set(&jx->message, jx_retain(*v));
        else if (jx->field_count < JX_ERROR_FIELDS) {
            jx->fields[jx->field_count].name = name;
            jx->fields[jx->field_count++].value = jx_retain(*v);
        }
    }
    va_end(arguments);
    return -1;
}

COLD int jx_place(struct jx *jx, uint32_t position, const char *token) {
    if (jx->position < 0) jx->position = position;
    if (jx->token.tag == ASL_NONE && token) asl_value_set(&jx->token, asl_string_z(token));
    return -1;
}

COLD int jx_place_site(struct jx *jx, uint32_t k) {
    const asl_value *site = &jx->constants[k];
    if (jx->position < 0) jx->position = site->array->items[0].i;
    if (jx->token.tag == ASL_NONE && site->array->items[1].tag == ASL_STRING)
        asl_value_set(&jx->token, jx_retain(site->array->items[1]));
    return -1;
}

int32_t asl_rt_jx_scope(asl_frame *frame, uint32_t s) {
    asl_value_set(&jx_of(frame)->scope, take(frame, s));
    return 0;
}

int32_t asl_rt_jx_blame(asl_frame *frame, uint32_t position, uint32_t k) {
    struct jx *jx = jx_of(frame);
    jx->position = position;
    asl_value_set(&jx->token, jx_retain(jx->constants[k]));
    return 0;
}

int32_t asl_rt_jx_fail(asl_frame *frame, uint32_t k, uint32_t position) {
    struct jx *jx = jx_of(frame);
    const asl_value *c = &jx->constants[k]; // [code, token or null, value or null]
    static const char *const codes[] = {"D1009", "T1006", "T2013", "S0500"};
    asl_str text = asl_text_of(&c->array->items[0]);
    const char *code = codes[3];
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (asl_str_equal(asl_str_z(codes[i]), text)) code = codes[i];
    jx_raise(jx, code, "value", &c->array->items[2], (const char *)NULL);
    if (c->array->items[1].tag == ASL_STRING) asl_value_set(&jx->token, jx_retain(c->array->items[1]));
    return jx_place(jx, position, NULL);
}

int32_t asl_rt_jx_depth(asl_frame *frame, uint32_t depth) {
    struct jx *jx = jx_of(frame);
    if (UNLIKELY(jx->depth_limit && jx->depth + depth > jx->depth_limit)) return jx_raise_limit(jx, JX_STACK);
    return 0;
}

static asl_value error_message(struct jx *jx) {
    if (jx->message.tag == ASL_STRING) return jx_retain(jx->message);
    asl_value code = asl_string_z(jx->code);
    struct jx_field fields[JX_ERROR_FIELDS + 2] = {{"token", &jx->token}, {"code", &code}};
    for (uint32_t i = 0; i < jx->field_count; i++) fields[i + 2] = (struct jx_field){jx->fields[i].name, &jx->fields[i].value};
    asl_buffer b = {0};
    jx_message(jx->code, fields, jx->field_count + 2, &b);
    asl_value text = asl_string((asl_str){b.data ? b.data : "", b.size});
    asl_buffer_free(&b);
    return text;
}

void jx_error_clear(struct jx_error *e) {
    asl_release(e->message);
    asl_release(e->token);
    asl_release(e->value);
    *e = (struct jx_error){.position = -1};
}

static void report(struct jx *jx, struct jx_error *e) {
    *e = (struct jx_error){.limit = jx->limit, .position = jx->position};
    snprintf(e->code, sizeof e->code, "%s", jx->code);
    e->message = error_message(jx);
    e->token = jx_retain(jx->token);
    for (uint32_t i = 0; i < jx->field_count; i++)
        if (strcmp(jx->fields[i].name, "value") == 0) e->value = jx_retain(jx->fields[i].value);
    clear_fields(jx);
}

// ---------------------------------------------------------------- cells

// A cell is an array of one item that its variable's readers share. All of them are emptied when the evaluation ends: a
// lambda in a cell that it holds itself would live for ever.
int32_t asl_rt_jx_cell(asl_frame *frame, uint32_t d, uint32_t v) {
    struct jx *jx = jx_of(frame);
    asl_value cell = asl_array_new(1);
    cell.array->items[cell.array->head.count++] = take_any(frame, v);
    if (jx->cells.tag == ASL_NONE) jx->cells = asl_array_new(8);
    if (count_of(&jx->cells) >= 64 && (count_of(&jx->cells) & (count_of(&jx->cells) - 1)) == 0) {
        // Most cells of a long evaluation are nobody's any more.
        uint32_t kept = 0, count = count_of(&jx->cells);
        for (uint32_t i = 0; i < count; i++) {
            asl_value c = jx->cells.array->items[i];
            if (c.array->head.refs > 1) jx->cells.array->items[kept++] = c;
            else asl_release(c);
        }
        jx->cells.array->head.count = kept;
    }
    jx_push(&jx->cells, jx_retain(cell));
    put(frame, d, cell);
    return 0;
}

int32_t asl_rt_jx_cell_get(asl_frame *frame, uint32_t d, uint32_t s) {
    put(frame, d, jx_retain(at(frame, s)->array->items[0]));
    return 0;
}

int32_t asl_rt_jx_cell_set(asl_frame *frame, uint32_t s, uint32_t v) {
    asl_value value = take_any(frame, v);
    asl_value_set(&at(frame, s)->array->items[0], value);
    return 0;
}

static COLD void empty_cells(struct jx *jx) {
    for (uint32_t i = 0; i < count_of(&jx->cells); i++)
        asl_value_set(&jx->cells.array->items[i].array->items[0], asl_none());
    asl_release(jx->cells);
    jx->cells = asl_none();
}

// ---------------------------------------------------------------- evaluations

static inline struct jx *begin(struct jx_program *p, const struct jx_limits *limits) {
    struct jx *jx = p->spare;
    p->spare = NULL;
    if (!jx) {
        jx = asl_calloc(1, sizeof *jx);
        jx->program = p;
        jx->constants = p->constants;
    }
    jx->chunk = jx->first;
    jx->top = jx->first ? jx->first->values : NULL;
    jx->end = jx->first ? jx->first->end : NULL;
    jx->stack_limit = stack_bottom() + STACK_RESERVE;
    jx->fuel = FIRST_FUEL;
    jx->limit = JX_NO_LIMIT;
    jx->depth = 0;
    jx->depth_limit = limits ? limits->depth : 0;
    jx->memory_limit = limits && limits->memory ? limits->memory : DEFAULT_MEMORY;
    jx->milliseconds = limits ? limits->milliseconds : 0;
    jx->deadline_ms = 0;
    jx->now_known = limits && limits->now_ms;
    jx->now_ms = limits ? limits->now_ms : 0;
    return jx;
}

static inline void end(struct jx *jx) {
    if (UNLIKELY(jx->cells.tag != ASL_NONE)) empty_cells(jx);
    jx_release(jx->root);
    jx->root = asl_none();
    if (UNLIKELY(jx->scope.tag != ASL_NONE)) asl_value_set(&jx->scope, asl_none());
    if (UNLIKELY(jx->around.tag != ASL_NONE)) asl_value_set(&jx->around, asl_none());
    jx->outer = NULL;
    if (jx->program->spare) free_evaluation(jx);
    else jx->program->spare = jx;
}

struct jx *jx_standing(struct jx_program *p, const struct jx_limits *limits) {
    if (!p->standing) {
        p->standing = begin(p, limits);
        p->standing->milliseconds = 0;
    }
    return p->standing;
}

void jx_pardon(struct jx *jx) {
    clear_fields(jx);
    jx->limit = JX_NO_LIMIT;
}

static inline int run(struct jx *jx, uint32_t g, const asl_value *context, const asl_value *args, uint32_t count, asl_value *out) {
    if (STACK_IS_FULL(jx)) return jx_raise_limit(jx, JX_STACK);
    struct activation a = activate(jx, g, count + 1);
    asl__store_new(&a.slot[0], (struct asl__words){0, 0});
    if (context) a.slot[0] = jx_retain(*context);
    // An array as the input is one input (1, outerWrapper).
    if (context && is_array(context) && !is_sequence(context)) {
        asl_value wrapper = asl_array_new(1);
        jx_push(&wrapper, a.slot[0]);
        a.slot[0] = jx_marked(wrapper, JX_SEQUENCE | JX_OUTER);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct asl__words w = asl__load(&args[i]);
        asl__retain_words(w);
        asl__store_new(&a.slot[i + 1], w);
    }
    int rc = returned(jx, execute(jx, g, &a), out);
    if (rc == 0 && is_array(out) && jx_marks(out) & JX_OUTER && count_of(out) == 1) {
        asl_value inner = jx_retain(out->array->items[0]);
        asl_release(*out);
        *out = inner;
    }
    return rc;
}

int jx_run(struct jx_program *p, uint32_t g, const asl_value *context, const asl_value *args, uint32_t count,
           const struct jx_limits *limits, asl_value *out, struct jx_error *error) {
    struct jx *jx = begin(p, limits);
    jx->root = context ? jx_retain(*context) : asl_none();
    *out = asl_none();
    jx_strange = p->strange;
    int rc = run(jx, g, context, args, count, out);
    if (rc < 0) report(jx, error);
    else if (is_array(out)) out->reserved[0] = 0;
    end(jx);
    return rc;
}

// ---------------------------------------------------------------- $eval

/* D3120 and D3121 show the text and what went wrong. */
static COLD int eval_failed(struct jx *jx, const char *code, const asl_value *text, struct jx_error *e) {
    enum jx_limit limit = e->limit;
    jx_raise(jx, code, "value", text, "error", &e->message, (const char *)NULL);
    jx->limit = limit;
    jx_error_clear(e);
    return -1;
}

int jx_fn_EVAL(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    *out = asl_none();
    if (args[0].tag == ASL_NONE) return 0;
    struct jx_error e;
    struct jx_program *p = NULL;
    const char *const *params;
    size_t param_count;
    asl_value scope = jx->scope;
    jx->scope = asl_none();
    if (jx->around.tag == ASL_OBJECT) {
        asl_value inner = scope;
        scope = jx_retain(jx->around);
        if (inner.tag == ASL_OBJECT) scope = jx_merge(scope, &inner);
        asl_release(inner);
    }
    if (!jx->program->compile) return jx_raise(jx, "T1006", (const char *)NULL);
    if (jx->program->compile(jx->program->compile_user, asl_text_of(&args[0]), &p, &params, &param_count, &e) < 0) {
        asl_release(scope);
        return eval_failed(jx, "D3120", &args[0], &e);
    }
    asl_value *given = asl_calloc(param_count, sizeof *given); // borrowed
    given[0] = jx->root;
    for (size_t i = 1; i < param_count && scope.tag == ASL_OBJECT; i++) {
        const asl_value *v = asl_object_get(&scope, asl_str_z(params[i]));
        if (v) given[i] = *v;
    }
    struct jx_limits limits = {.depth = jx->depth_limit, .memory = jx->memory_limit};
    struct jx *inner = begin(p, &limits);
    jx_strange |= p->strange;
    set_deadline(jx);
    inner->deadline_ms = jx->deadline_ms;
    inner->outer = jx;
    inner->depth = jx->depth;
    // The second argument, when it is an array, is not wrapped a second time (15).
    inner->root = jx_retain(jx->root);
    inner->around = jx_retain(scope);
    int rc = run(inner, 0, count > 1 ? &args[1] : NULL, given, (uint32_t)param_count, out);
    asl_free(given);
    asl_release(scope);
    if (rc < 0) {
        report(inner, &e);
        rc = eval_failed(jx, "D3121", &args[0], &e);
    }
    end(inner);
    return rc;
}

// ---------------------------------------------------------------- results

_Thread_local bool jx_strange;

static bool is_document(const asl_value *v) {
    if (v->tag == ASL_FUNCTION || v->tag == ASL_NONE) return false;
    if (v->tag == ASL_DOUBLE) return isfinite(v->d) && !(v->d == 0 && signbit(v->d));
    if (v->tag == ASL_ARRAY)
        for (uint32_t i = 0; i < count_of(v); i++)
            if (!is_document(&v->array->items[i])) return false;
    if (v->tag == ASL_OBJECT)
        for (size_t i = 0; i < asl_object_count(v); i++)
            if (!is_document(asl_object_at(v, i))) return false;
    return true;
}

/* How a number that no document has is shown; a zero has no sign there. */
enum shown { AS_NULL, AS_NAME, AS_IT_IS };

static asl_value document(const asl_value *v, enum shown numbers, int depth) {
    switch ((asl_tag)v->tag) {
    case ASL_FUNCTION: return asl_string_z("");
    case ASL_NONE: return asl_null();
    case ASL_DOUBLE:
        if (numbers == AS_IT_IS) break;
        if (v->d == 0) return asl_int(0);
        if (isfinite(v->d)) break;
        if (numbers == AS_NULL) return asl_null();
        return asl_string_z(isnan(v->d) ? "NaN" : v->d > 0 ? "Infinity" : "-Infinity");
    case ASL_ARRAY: {
        if (depth == 0) return asl_null();
        asl_value a = asl_array_new(count_of(v));
        for (uint32_t i = 0; i < count_of(v); i++) jx_push(&a, document(&v->array->items[i], numbers, depth - 1));
        return a;
    }
    case ASL_OBJECT: {
        if (depth == 0) return asl_null();
        asl_value o = asl_object_new(asl_object_count(v));
        for (size_t i = 0; i < asl_object_count(v); i++)
            o = asl_object_set(o, asl_object_key_at(v, i), document(asl_object_at(v, i), numbers, depth - 1));
        return o;
    }
    case ASL_NULL:
    case ASL_BOOL:
    case ASL_INT:
    case ASL_NUMBER_TEXT:
    case ASL_STRING: break;
    }
    return jx_retain(*v);
}

/* Whether something in v is deeper than a document may be; without recursion. */
static bool too_deep(const asl_value *v) {
    struct { const asl_value *v; size_t next; } stack[ASL_MAX_DEPTH];
    size_t depth = 0;
    for (;;) {
        if (v->tag == ASL_ARRAY || v->tag == ASL_OBJECT) {
            if (depth == ASL_MAX_DEPTH) return true;
            stack[depth].v = v, stack[depth++].next = 0;
        }
        for (;;) {
            if (!depth) return false;
            const asl_value *top = stack[depth - 1].v;
            size_t i = stack[depth - 1].next++;
            if (i < (top->tag == ASL_ARRAY ? count_of(top) : asl_object_count(top))) {
                v = top->tag == ASL_ARRAY ? &top->array->items[i] : asl_object_at(top, i);
                break;
            }
            depth--;
        }
    }
}

// Values of documents and of nothing else may be as deep as they like: nobody recurses over them without counting.
static asl_value document_of(asl_value v, enum shown numbers) {
    if (!jx_strange || v.tag == ASL_NONE) return v;
    if (!too_deep(&v) && is_document(&v)) return v;
    asl_value d = document(&v, numbers, ASL_MAX_DEPTH);
    asl_release(v);
    return d;
}

asl_value jx_document(asl_value v, bool named) { return document_of(v, named ? AS_NAME : AS_NULL); }

asl_value jx_without_functions(asl_value v) { return document_of(v, AS_IT_IS); }
