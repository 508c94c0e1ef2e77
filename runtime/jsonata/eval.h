// Private to the core of JSONata: an evaluation, the program it runs, and what the files with entries share.
//
//     jx_program   constants, functions, caches: decoded once, used by one thread
//        └── jx    one evaluation: value stack, error, limits
//              └── jx_frame   one call of a compiled function, on the C stack; its slots are on the value stack
//
// The value stack is a list of chunks, so that it grows without moving the slots of live frames. A compiled function
// returns DONE with its value in jx->result, or TAIL with the call to make instead in jx->tail, or FAILED with the error
// in jx->error.
#ifndef ASL_JX_EVAL_H
#define ASL_JX_EVAL_H

#include "jx.h"
#include "rt.h"
#include "run.h"
#include "value_private.h"
#include "words.h"

#define COLD __attribute__((cold, noinline))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

struct jx_name {
    asl_text *key;
    asl_text *seen; /* the key's text in the object where it was found last: the next has the same one, most likely */
    uint32_t hint;  /* and its place there */
};

struct jx_names {
    uint32_t count;
    struct jx_name items[];
};

struct jx_function {
    asl_step *code;
    uint32_t incoming, slots; /* context, parameters and captures; all */
};

struct jx_chunk {
    struct jx_chunk *below, *above;
    asl_value *end;
    asl_value values[];
};

struct jx_cached_entry {
    struct jx_cached_entry *next;
    const void *kind;
    void *made;
    void (*drop)(void *);
    size_t size;
    char key[];
};

struct jx_program {
    const asl_program *program;
    asl_value root; /* owns the constants, unless a state machine's image does */
    asl_value *constants;
    uint32_t constant_count, function_count;
    struct jx_names **names;    /* of constants that are arrays of names; made when first needed */
    struct jx_signature **signatures; /* of constants that are texts of signatures */
    asl_value *regexes;         /* of constants that are patterns */
    const struct jx_fast *fast; /* of the built-ins: what their parameters take (call.c) */
    struct jx_signature *builtin_signatures[JX_BUILTIN_COUNT];
    struct jx_function *functions;
    bool strange;               /* a constant is (jx_strange) */
    asl_value empty;            /* [] as a sequence */
    struct jx_cached_entry *cache[256];
    struct jx *spare;           /* an evaluation that is over: its memory serves the next */
    struct jx *standing;        /* the one in which quiet machines do single ops (quiet.c); never over */
    struct asl__random *random, own_random;
    jx_compile *compile;        /* $eval */
    void *compile_user;
};

#define JX_ERROR_FIELDS 6

struct jx {
    struct jx_program *program;
    const asl_value *constants;
    asl_value *top, *end;
    struct jx_chunk *chunk, *first;
    asl_value result;
    /* a call to make instead of returning */
    uint32_t tail_function, tail_count, tail_room;
    asl_value *tail;
    /* limits */
    char *stack_limit;
    int32_t fuel; /* calls and iterations until the clock is looked at */
    uint32_t depth, depth_limit;
    size_t memory_limit;
    uint32_t milliseconds; /* that it may take; 0: any number */
    int64_t deadline_ms; /* 0: none; of CLOCK_MONOTONIC */
    enum jx_limit limit;
    /* the error */
    const char *code;
    int64_t position;
    asl_value token;
    struct {
        const char *name;
        asl_value value;
    } fields[JX_ERROR_FIELDS];
    uint32_t field_count;
    asl_value message; /* of $error and $assert: stands for itself */
    int64_t now_ms;
    bool now_known;
    asl_value cells; /* every cell that was made */
    struct jx *outer; /* the evaluation whose $eval this is, or NULL */
    asl_value root;   /* $$ */
    asl_value scope;  /* the variables that the next $eval's text may name: an object, or nothing */
    asl_value around; /* those that this text itself could name */
};

static inline struct jx *jx_of(const asl_frame *frame) { return ((const struct jx_frame *)(const void *)frame)->jx; }

/* asl_retain and asl_release without a call for what has no count. */
static inline bool is_counted(const asl_value *v) { return asl__is_container(v) || asl__has_text(v); }
static inline asl_value jx_retain(asl_value v) {
    if (asl__is_container(&v)) v.array->head.refs++;
    else if (UNLIKELY(asl__has_text(&v))) v.text->refs++;
    return v;
}
static inline void jx_release(asl_value v) {
    if (is_counted(&v)) asl_release(v);
}

// ---------------------------------------------------------------- operands

static inline const asl_value *at(const asl_frame *frame, uint32_t s) { return &frame->slot[s & ~ASL_LAST]; }

/* A slot or a constant. */
static inline const asl_value *peek(const asl_frame *frame, uint32_t v) {
    return v & ASL_CONSTANT ? &jx_of(frame)->constants[v & ~ASL_CONSTANT] : &frame->slot[v & ~ASL_LAST];
}

static inline asl_value take(asl_frame *frame, uint32_t s) {
    asl_value *slot = &frame->slot[s & ~ASL_LAST];
    if (!(s & ASL_LAST)) return jx_retain(*slot);
    asl_value v = *slot;
    *slot = asl_none();
    return v;
}

static inline asl_value take_any(asl_frame *frame, uint32_t v) {
    return v & ASL_CONSTANT ? jx_retain(jx_of(frame)->constants[v & ~ASL_CONSTANT]) : take(frame, v);
}


static inline void put(asl_frame *frame, uint32_t d, asl_value v) {
    asl_value *slot = &frame->slot[d];
    struct asl__words old = asl__load(slot);
    *slot = v;
    asl__release_words(old);
}

static inline void put_words(asl_frame *frame, uint32_t d, struct asl__words w) {
    asl__store(&frame->slot[d], w);
}

static inline void put_int(asl_frame *frame, uint32_t d, int64_t i) {
    put_words(frame, d, (struct asl__words){ASL_INT, (uint64_t)i});
}

/* The operand's own reference, as words. */
static inline struct asl__words take_words(asl_frame *frame, uint32_t v) {
    if (v & ASL_CONSTANT) {
        struct asl__words w = asl__load(&jx_of(frame)->constants[v & ~ASL_CONSTANT]);
        asl__retain_words(w);
        return w;
    }
    asl_value *slot = &frame->slot[v & ~ASL_LAST];
    struct asl__words w = asl__load(slot);
    if (v & ASL_LAST) asl__store_new(slot, (struct asl__words){0, 0});
    else asl__retain_words(w);
    return w;
}

/* Somebody else's value: a new reference to it goes to the slot. */
static inline void put_copy(asl_frame *frame, uint32_t d, const asl_value *v) {
    struct asl__words w = asl__load(v);
    asl__retain_words(w);
    put_words(frame, d, w);
}

static inline bool is_array(const asl_value *v) { return v->tag == ASL_ARRAY; }
static inline bool is_sequence(const asl_value *v) { return v->tag == ASL_ARRAY && v->reserved[0] & JX_SEQUENCE; }
static inline uint32_t count_of(const asl_value *array) { return array->array->head.count; }

/* Set when an evaluation makes what no document holds: a function, an infinity. Then its result is looked through. */
extern _Thread_local bool jx_strange;

static inline asl_value jx_double(double d) { return (asl_value){.tag = ASL_DOUBLE, .d = d}; }

// ---------------------------------------------------------------- arrays that nobody else holds

/* Appends to an array of which this is the only owner; the item is moved in. */
void jx_grow(asl_value *array);
static inline void jx_push(asl_value *array, asl_value item) {
    asl_array *a = array->array;
    if (UNLIKELY(a->head.count == a->head.capacity)) {
        jx_grow(array);
        a = array->array;
    }
    a->items[a->head.count++] = item;
}
static inline void jx_push_words(asl_value *array, struct asl__words w) {
    asl_array *a = array->array;
    if (UNLIKELY(a->head.count == a->head.capacity)) {
        jx_grow(array);
        a = array->array;
    }
    asl__store_new(&a->items[a->head.count++], w);
}
/* A copy of the items in a new array with room for more; unmarked. */
asl_value jx_copy_items(const asl_value *array, size_t more);
/* Makes *array the only owner of its items. */
static inline void jx_own(asl_value *array, size_t more) {
    if (LIKELY(array->array->head.refs == 1)) return;
    asl_value copy = jx_copy_items(array, more);
    copy.reserved[0] = array->reserved[0];
    asl_release(*array);
    *array = copy;
}
void jx_push_all(asl_value *array, const asl_value *items, uint32_t count); /* items are borrowed */

/* A node's value: sequences of none and one collapse (5.4). v is moved in. */
asl_value jx_collapse(asl_value v, bool keep);

// ---------------------------------------------------------------- objects in JavaScript's order

bool jx_is_index(const asl_text *key, uint32_t *index); /* "0", "7", …: such keys come first, ascending */
asl_value jx_object_put(asl_value object, asl_text *key, asl_value item); /* key borrowed, item moved in */
asl_text *jx_key_of(const asl_value *string);             /* a new reference */

// ---------------------------------------------------------------- names

struct jx_names *jx_names_make(struct jx *jx, uint32_t k);
static inline struct jx_names *jx_names_of(struct jx *jx, uint32_t k) {
    struct jx_names *n = jx->program->names[k];
    return LIKELY(n != NULL) ? n : jx_names_make(jx, k);
}
/* The member of an object, or NULL. */
const asl_value *jx_member_search(const asl_value *object, struct jx_name *name);
static inline const asl_value *jx_member(const asl_value *object, struct jx_name *name) {
    const asl_object *o = object->object;
    uint32_t i = name->hint;
    if (LIKELY(i < o->head.count && o->entries[i].key == name->seen)) return &o->entries[i].value;
    return jx_member_search(object, name);
}
/* A name on one context (6), as a node's value; yours. */
asl_value jx_lookup(const asl_value *context, struct jx_name *name);

// ---------------------------------------------------------------- accumulators (6, 7)

/* What is held after one result is that result; after more, an array of our own. raw counts results. */
static inline void acc_start_array(asl_value *held) {
    asl_value a = asl_array_new(8);
    jx_push(&a, *held);
    *held = a;
}

static inline void acc_keep(asl_value pair[2], asl_value item) {
    if (pair[1].i == 0) pair[0] = item;
    else {
        if (pair[1].i == 1) acc_start_array(&pair[0]);
        jx_push(&pair[0], item);
    }
    pair[1].i++;
}

// ---------------------------------------------------------------- errors

/* Gives the error its place unless a deeper call has. Returns -1. token is borrowed, may be NULL. */
int jx_place(struct jx *jx, uint32_t position, const char *token);
int jx_place_site(struct jx *jx, uint32_t k); /* [position, token, …] */
int jx_raise_limit(struct jx *jx, enum jx_limit limit);

/* Calls and iterations: 0, or -1 when the time is up. */
int jx_look_at_clock(struct jx *jx);
static inline int jx_tick(struct jx *jx) { return LIKELY(--jx->fuel > 0) ? 0 : jx_look_at_clock(jx); }

// ---------------------------------------------------------------- functions

enum jx_function_kind { JX_LAMBDA, JX_BUILTIN, JX_PARTIAL, JX_NATIVE, JX_COMPOSITION };

/* A function lies in memory like an array: its kind, number and arity packed into the first item, the context, a pointer,
   and then what it holds. */
enum { JX_HEAD, JX_CONTEXT, JX_POINTER, JX_HELD };

static inline asl_value jx_function_value(enum jx_function_kind kind, uint32_t number, uint32_t arity, asl_value context,
                                          const void *pointer, size_t held) {
    asl_value f = asl_array_new(JX_HELD + held);
    jx_strange = true;
    f.tag = ASL_FUNCTION;
    asl_value *items = f.array->items;
    items[JX_HEAD] = asl_int((int64_t)number | (int64_t)kind << 32 | (int64_t)arity << 40);
    items[JX_CONTEXT] = context;
    items[JX_POINTER] = asl_int((int64_t)(intptr_t)pointer);
    f.array->head.count = JX_HELD; /* the caller adds what it holds */
    return f;
}
static inline enum jx_function_kind jx_kind(const asl_value *f) { return (enum jx_function_kind)(f->array->items[JX_HEAD].i >> 32 & 0xff); }
static inline uint32_t jx_number_of(const asl_value *f) { return (uint32_t)f->array->items[JX_HEAD].i; }
static inline uint32_t jx_arity_of(const asl_value *f) { return (uint32_t)(f->array->items[JX_HEAD].i >> 40); }
static inline void *jx_pointer(const asl_value *f) { return (void *)(intptr_t)f->array->items[JX_POINTER].i; }

/* & of values that are borrowed; 0, or -1 raised. */
int jx_concat(struct jx *jx, const asl_value *v, uint32_t count, asl_value *out);
bool jx_is_in(const asl_value *a, const asl_value *b);

/* The standing evaluation, which has no time limit; and what is left of an error that nobody will see. */
struct jx *jx_standing(struct jx_program *p, const struct jx_limits *limits);
void jx_pardon(struct jx *jx);

/* Runs a function of the program; in[0 … count) are moved out of. */
int jx_run_function(struct jx *jx, uint32_t g, asl_value *in, uint32_t count, asl_value *out);
/* Calls a built-in with its signature checked. */
int jx_call_builtin(struct jx *jx, uint32_t id, const asl_value *args, uint32_t count, const asl_value *context, asl_value *out);
const struct jx_fast *jx_fast_table(void);

#endif
