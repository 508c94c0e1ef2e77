// Functions: values, calls, tail calls, signatures, partial application, chains (jsonata-language 11, 14).
#include "eval.h"
#include "lib.h"

#include <pthread.h>
#include <stdlib.h>

bool jx_is_function(const asl_value *v) { return v->tag == ASL_FUNCTION; }

// ---------------------------------------------------------------- built-in functions

static const struct {
    const char *name, *signature;
    jx_builtin *call;
} builtins[] = {
#define BUILTIN(id, name, signature, dialect) {name, signature, jx_fn_##id},
#include "aslc/jsonata.def"
#undef BUILTIN
};

/* What a parameter takes without being looked at closely: bits are tags. ELEMENTS: an array of these. */
struct jx_fast {
    uint8_t count, needed; /* parameters; 0xff: has no fast path */
    struct {
        uint16_t tags;
        uint16_t elements; /* 0: any */
    } parameters[4];
};

#define BIT(tag) (1u << (tag))
enum { NUMBERS = BIT(ASL_INT) | BIT(ASL_DOUBLE) | BIT(ASL_NUMBER_TEXT), ANY = 0xffff };

static uint16_t letter_tags(char c) {
    switch (c) {
    case 's': return BIT(ASL_STRING);
    case 'n': return NUMBERS;
    case 'b': return BIT(ASL_BOOL);
    case 'l': return BIT(ASL_NULL);
    case 'o': return BIT(ASL_OBJECT);
    case 'f': return BIT(ASL_FUNCTION);
    case 'a': return BIT(ASL_ARRAY);
    case 'j': return (uint16_t)(ANY & ~BIT(ASL_FUNCTION));
    case 'x': return ANY;
    default: return 0;
    }
}

static void fast_of(const char *signature, struct jx_fast *f) {
    *f = (struct jx_fast){0};
    for (const char *p = signature + 1; *p && *p != ':' && *p != '>';) {
        if (f->count == 4) {
            f->count = 0xff;
            return;
        }
        uint16_t tags = 0, elements = 0;
        if (*p == '(') {
            for (p++; *p != ')'; p++) tags |= letter_tags(*p);
            p++;
        } else {
            char letter = *p++;
            tags = letter_tags(letter);
            if (*p == '<') {
                if (letter == 'a') elements = letter_tags(p[1]);
                while (*p != '>') p++;
                p++;
            }
        }
        if (!(tags & BIT(ASL_FUNCTION)) || tags == ANY) tags |= BIT(ASL_NONE);
        f->parameters[f->count].tags = tags;
        f->parameters[f->count++].elements = elements;
        if (*p == '+') {
            f->count = 0xff;
            return;
        }
        if (*p == '?') p++;
        else f->needed = f->count;
        if (*p == '-') p++;
    }
}

/* Parameters with `-` are needed here: what stands for a missing one is the slow path's. */
static struct jx_fast fast_table[JX_BUILTIN_COUNT];
static pthread_once_t fast_once = PTHREAD_ONCE_INIT;

static void make_fast_table(void) {
    for (int i = 0; i < JX_BUILTIN_COUNT; i++) fast_of(builtins[i].signature, &fast_table[i]);
}

const struct jx_fast *jx_fast_table(void) {
    pthread_once(&fast_once, make_fast_table);
    return fast_table;
}

static inline bool fits(const struct jx_fast *f, const asl_value *args, uint32_t count) {
    if (count > f->count || count < f->needed || f->count == 0xff) return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!(f->parameters[i].tags >> args[i].tag & 1)) return false;
        uint16_t elements = f->parameters[i].elements;
        if (elements && args[i].tag == ASL_ARRAY) {
            const asl_value *items = args[i].array->items;
            for (uint32_t j = 0, n = count_of(&args[i]); j < n; j++)
                if (!(elements >> items[j].tag & 1)) return false;
        }
    }
    return true;
}

static struct jx_signature *builtin_signature(struct jx *jx, uint32_t id) {
    struct jx_signature **place = &jx->program->builtin_signatures[id];
    if (!*place) {
        const char *code;
        size_t offset;
        *place = jx_signature_parse(asl_str_z(builtins[id].signature), &code, &offset);
    }
    return *place;
}

enum { MOST_ARGUMENTS = 64 }; /* checked on the C stack; more: on the heap */

static void release_all(asl_value *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) asl_release(values[i]);
}

static COLD int call_checked(struct jx *jx, uint32_t id, const asl_value *args, uint32_t count, const asl_value *context,
                             asl_value *out) {
    const struct jx_signature *s = builtin_signature(jx, id);
    asl_value local[MOST_ARGUMENTS], *checked = local;
    uint32_t room = count + jx_signature_params(s) + 1, got = 0;
    if (room > MOST_ARGUMENTS) checked = asl_calloc(room, sizeof *checked);
    else memset(local, 0, room * sizeof *local);
    int rc = jx_signature_check(jx, s, args, count, context, checked, room, &got);
    if (rc == 0) {
        uint32_t declared = jx_signature_params(s);
        rc = builtins[id].call(jx, checked, id == JX_ZIP ? got : declared > got ? declared : got, out);
        release_all(checked, got);
    }
    if (checked != local) asl_free(checked);
    return rc;
}

int jx_call_builtin(struct jx *jx, uint32_t id, const asl_value *args, uint32_t count, const asl_value *context, asl_value *out) {
    *out = asl_none();
    asl_value with_context[2];
    if (UNLIKELY(id == JX_EVAL && (count == 1 || (count == 2 && args[1].tag == ASL_NONE)))) { // evaluated in the context of the call
        with_context[0] = args[0], with_context[1] = *context;
        args = with_context;
        count = 2;
    }
    const struct jx_fast *f = &jx->program->fast[id];
    if (!fits(f, args, count)) return call_checked(jx, id, args, count, context, out);
    if (count == f->count) return builtins[id].call(jx, args, count, out);
    asl_value all[4] = {0};
    memcpy(all, args, count * sizeof *args);
    return builtins[id].call(jx, all, f->count, out);
}

static inline void drop_arguments(asl_frame *frame, uint32_t a, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        asl_value *v = &frame->slot[a + i];
        if (is_counted(v)) asl_release(*v);
        *v = asl_none();
    }
}

enum { KEEP_SEQUENCE = 0x100 }; /* the result goes on to a jx_node that collapses it */

int32_t asl_rt_jx_builtin(asl_frame *frame, uint32_t d, uint32_t id, uint32_t a, uint32_t count, uint32_t s, uint32_t k) {
    struct jx *jx = jx_of(frame);
    asl_value out, nothing = asl_none();
    const asl_value *context = s == ASL_NO_OPERAND ? &nothing : at(frame, s);
    uint32_t depth = jx->depth;
    if (UNLIKELY(jx->depth_limit)) jx->depth += (uint32_t)jx->constants[k].array->items[2].i;
    bool keep = id & KEEP_SEQUENCE;
    int rc = jx_call_builtin(jx, id & ~KEEP_SEQUENCE, count ? &frame->slot[a] : &nothing, count, context, &out);
    jx->depth = depth;
    drop_arguments(frame, a, count);
    if (UNLIKELY(rc < 0)) return jx_place_site(jx, k);
    put(frame, d, is_sequence(&out) && !keep ? jx_collapse(out, false) : out);
    return 0;
}

int32_t asl_rt_jx_function(asl_frame *frame, uint32_t d, uint32_t id) {
    struct jx *jx = jx_of(frame);
    uint32_t arity = jx_signature_params(builtin_signature(jx, id));
    if (id == JX_STRING) arity = 1; // its second parameter has a default (15, "Arity")
    put(frame, d, jx_function_value(JX_BUILTIN, id, arity, asl_none(), jx->program, 0));
    return 0;
}

// ---------------------------------------------------------------- values

int32_t asl_rt_jx_closure(asl_frame *frame, uint32_t d, uint32_t g, uint32_t a, uint32_t count, uint32_t k) {
    struct jx *jx = jx_of(frame);
    const asl_value *meta = &jx->constants[k];
    asl_value f = jx_function_value(JX_LAMBDA, g, (uint32_t)meta->array->items[0].i, frame->slot[a], jx->program, count + 1);
    asl_value *items = f.array->items;
    items[JX_HELD] = asl_int(meta->array->items[1].tag == ASL_STRING ? (int64_t)k : -1);
    memcpy(items + JX_HELD + 1, &frame->slot[a + 1], (count - 1) * sizeof *items);
    memset(&frame->slot[a], 0, count * sizeof *items);
    f.array->head.count = JX_HELD + count;
    put(frame, d, f);
    return 0;
}

asl_value jx_native_new(jx_native *call, uint32_t arity, const asl_value *held, uint32_t held_count) {
    asl_value f = jx_function_value(JX_NATIVE, 0, arity, asl_none(), (const void *)(intptr_t)call, held_count);
    for (uint32_t i = 0; i < held_count; i++) f.array->items[JX_HELD + i] = jx_retain(held[i]);
    f.array->head.count += held_count;
    return f;
}

const asl_value *jx_native_held(const asl_value *f, jx_native *call) {
    if (f->tag != ASL_FUNCTION || jx_kind(f) != JX_NATIVE || jx_pointer(f) != (void *)(intptr_t)call) return NULL;
    return &f->array->items[JX_HELD];
}

uint32_t jx_arity(const asl_value *f) { return jx_arity_of(f); }

/* Two values of one known lambda are made when it is named twice: the same function with the same captures is the same. */
static bool same_function(const asl_value *a, const asl_value *b) {
    if (a->array == b->array) return true;
    if (count_of(a) != count_of(b) || a->array->items[JX_HEAD].i != b->array->items[JX_HEAD].i ||
        a->array->items[JX_POINTER].i != b->array->items[JX_POINTER].i || jx_kind(a) == JX_PARTIAL)
        return false;
    for (uint32_t i = JX_HELD; i < count_of(a); i++) {
        const asl_value *x = &a->array->items[i], *y = &b->array->items[i];
        if (x->tag != y->tag || memcmp(x, y, sizeof *x) != 0) return false;
    }
    return jx_kind(a) == JX_BUILTIN || jx_kind(a) == JX_LAMBDA;
}

static bool equal_one(const asl_value *a, const asl_value *b, int depth);

static bool equal_objects(const asl_value *a, const asl_value *b, int depth) {
    if (asl_object_count(a) != asl_object_count(b)) return false;
    for (size_t i = 0; i < asl_object_count(a); i++) {
        const asl_value *other = asl_object_get_key(b, asl_object_key_at(a, i));
        if (!other || !equal_one(asl_object_at(a, i), other, depth)) return false;
    }
    return true;
}

static bool equal_one(const asl_value *a, const asl_value *b, int depth) {
    if (a->tag == ASL_FUNCTION) return b->tag == ASL_FUNCTION && same_function(a, b);
    if (asl_is_number(a)) return asl_is_number(b) && jx_number(a) == jx_number(b);
    if (a->tag != b->tag) return false;
    if (a->tag == ASL_ARRAY) {
        if (a->array == b->array) return true;
        if (depth == 0) return asl_equal(a, b);
        uint32_t n = count_of(a);
        if (n != count_of(b)) return false;
        for (uint32_t i = 0; i < n; i++)
            if (!equal_one(&a->array->items[i], &b->array->items[i], depth - 1)) return false;
        return true;
    }
    if (a->tag == ASL_OBJECT) {
        if (a->object == b->object) return true;
        return depth == 0 ? asl_equal(a, b) : equal_objects(a, b, depth - 1);
    }
    return asl_equal(a, b);
}

bool jx_deep_equal(const asl_value *a, const asl_value *b) { return equal_one(a, b, ASL_MAX_DEPTH); }

// ---------------------------------------------------------------- calling lambdas

static struct jx_signature *lambda_signature(struct jx_program *p, uint32_t k) {
    struct jx_signature **place = &p->signatures[k];
    if (!*place) {
        const char *code;
        size_t offset;
        *place = jx_signature_parse(asl_text_of(&p->constants[k].array->items[1]), &code, &offset);
    }
    return *place;
}

static asl_value *tail_room(struct jx *jx, uint32_t count) {
    if (count > jx->tail_room) {
        jx->tail_room = count < 16 ? 16 : count * 2;
        jx->tail = asl_realloc(jx->tail, asl__block_size(0, jx->tail_room, sizeof *jx->tail));
    }
    jx->tail_count = count;
    return jx->tail;
}

static int prepare_lambda(struct jx *jx, const asl_value *f, const asl_value *args, uint32_t count, const asl_value *context) {
    const asl_value *items = f->array->items;
    uint32_t params = jx_arity_of(f), captures = count_of(f) - JX_HELD - 1;
    asl_value checked_local[MOST_ARGUMENTS], *checked = NULL;
    uint32_t got = 0;
    if (items[JX_HELD].i >= 0) {
        struct jx_program *p = jx_pointer(f);
        const struct jx_signature *s = lambda_signature(p, (uint32_t)items[JX_HELD].i);
        uint32_t room = count + (s ? jx_signature_params(s) : 0) + 1;
        checked = room > MOST_ARGUMENTS ? asl_calloc(room, sizeof *checked) : memset(checked_local, 0, room * sizeof *checked);
        if (s && jx_signature_check(jx, s, args, count, context, checked, room, &got) < 0) {
            if (checked != checked_local) asl_free(checked);
            return -1;
        }
    }
    jx->tail_function = jx_number_of(f);
    asl_value *in = tail_room(jx, 1 + params + captures);
    in[0] = jx_retain(items[JX_CONTEXT]);
    const asl_value *given = checked ? checked : args;
    uint32_t given_count = checked ? got : count;
    for (uint32_t i = 0; i < params; i++) {
        in[1 + i] = i < given_count ? jx_retain(given[i]) : asl_none();
        if (UNLIKELY(is_sequence(&in[1 + i]))) in[1 + i] = jx_collapse(in[1 + i], false); // as whoever reads it does
    }
    for (uint32_t i = 0; i < captures; i++) in[1 + params + i] = jx_retain(items[JX_HELD + 1 + i]);
    if (checked) release_all(checked, got);
    if (checked && checked != checked_local) asl_free(checked);
    return 1;
}

static int call_value(struct jx *jx, const asl_value *f, const asl_value *args, uint32_t count, const asl_value *context, asl_value *out);

/* Lambdas of $eval belong to another program, whose own evaluation is over: they get a new one. */
static int call_foreign(struct jx *jx, const asl_value *f, const asl_value *args, uint32_t count, const asl_value *context, asl_value *out);

/* The error of a built-in that is called as a value: the call's own name is somebody else's. */
static COLD void name_builtin(struct jx *jx, uint32_t id) {
    if (jx->token.tag == ASL_NONE) asl_value_set(&jx->token, asl_string_z(builtins[id].name));
}

static int call_partial(struct jx *jx, const asl_value *f, const asl_value *args, uint32_t count, const asl_value *context, asl_value *out) {
    const asl_value *items = f->array->items;
    uint32_t total = count_of(f) - JX_HELD - 1;
    asl_value local[16], *all = total > 16 ? asl_alloc(asl__block_size(0, total, sizeof *all)) : local;
    uint32_t next = 0;
    for (uint32_t i = 0; i < total; i++) {
        const asl_value *held = &items[JX_HELD + 1 + i];
        bool open = held->tag == ASL_ARRAY && held->reserved[1] == 1;
        all[i] = open ? (next < count ? args[next] : asl_none()) : *held;
        next += open;
    }
    const asl_value *target = &items[JX_HELD];
    int rc;
    if (jx_kind(target) == JX_BUILTIN) { // neither its signature nor the context counts (11)
        uint32_t id = jx_number_of(target);
        uint32_t declared = jx_signature_params(builtin_signature(jx, id));
        asl_value padded[8] = {0};
        *out = asl_none();
        if (total < declared && declared <= 8) {
            memcpy(padded, all, total * sizeof *all);
            rc = builtins[id].call(jx, padded, declared, out);
        } else {
            rc = builtins[id].call(jx, all, total, out);
        }
    } else {
        rc = jx_call(jx, target, all, total, out);
    }
    if (UNLIKELY(rc < 0) && jx_kind(target) == JX_BUILTIN) name_builtin(jx, jx_number_of(target));
    (void)context;
    if (all != local) asl_free(all);
    return rc;
}

static int call_other(struct jx *jx, const asl_value *f, const asl_value *args, uint32_t count, const asl_value *context, asl_value *out) {
    if (UNLIKELY((char *)__builtin_frame_address(0) < jx->stack_limit)) return jx_raise_limit(jx, JX_STACK);
    *out = asl_none();
    int rc = 0;
    switch (jx_kind(f)) {
    case JX_BUILTIN:
        rc = jx_call_builtin(jx, jx_number_of(f), args, count, context, out);
        if (UNLIKELY(rc < 0)) name_builtin(jx, jx_number_of(f));
        break;
    case JX_NATIVE: {
        jx_native *call = (jx_native *)(intptr_t)jx_pointer(f);
        rc = call(jx, &f->array->items[JX_HELD], args, count, out);
        break;
    }
    case JX_PARTIAL: rc = call_partial(jx, f, args, count, context, out); break;
    case JX_COMPOSITION: {
        asl_value middle, nothing = asl_none(); // a function of one parameter
        const asl_value *items = f->array->items;
        rc = call_value(jx, &items[JX_HELD], count ? args : &nothing, 1, &items[JX_CONTEXT], &middle);
        if (rc == 0) {
            if (is_sequence(&middle)) middle = jx_collapse(middle, false);
            rc = call_value(jx, &items[JX_HELD + 1], &middle, 1, &items[JX_CONTEXT], out);
            asl_release(middle);
        }
        break;
    }
    case JX_LAMBDA: break;
    }
    return rc;
}

static int call_value(struct jx *jx, const asl_value *f, const asl_value *args, uint32_t count, const asl_value *context, asl_value *out) {
    *out = asl_none();
    if (jx_kind(f) != JX_LAMBDA) return call_other(jx, f, args, count, context, out);
    if (UNLIKELY(jx_pointer(f) != jx->program)) return call_foreign(jx, f, args, count, context, out);
    if (prepare_lambda(jx, f, args, count, context) < 0) return -1;
    return jx_run_function(jx, jx->tail_function, jx->tail, jx->tail_count, out);
}

int jx_call(struct jx *jx, const asl_value *f, const asl_value *args, uint32_t count, asl_value *out) {
    asl_value no_context = asl_null(), held = jx_retain(*f); // the callee may drop what names it
    int rc = call_value(jx, &held, args, count, &no_context, out);
    asl_release(held);
    return rc;
}

static int call_foreign(struct jx *jx, const asl_value *f, const asl_value *args, uint32_t count, const asl_value *context, asl_value *out) {
    struct jx_program *p = jx_pointer(f);
    struct jx inner = *jx;
    inner.program = p;
    inner.constants = p->constants;
    inner.chunk = inner.first = NULL;
    inner.top = inner.end = NULL;
    inner.tail = NULL;
    inner.tail_room = inner.tail_count = 0;
    inner.cells = asl_none();
    inner.result = asl_none();
    int rc = prepare_lambda(&inner, f, args, count, context);
    if (rc >= 0) rc = jx_run_function(&inner, inner.tail_function, inner.tail, inner.tail_count, out);
    struct jx_chunk *chunks = inner.first;
    asl_value *tail = inner.tail;
    // What it has learnt: the error and the limits. Its cells are now the outer evaluation's.
    if (inner.cells.tag == ASL_ARRAY) {
        if (jx->cells.tag == ASL_NONE) jx->cells = asl_array_new(8);
        jx_push_all(&jx->cells, inner.cells.array->items, count_of(&inner.cells));
        asl_release(inner.cells);
    }
    struct jx outer = *jx;
    *jx = inner;
    jx->program = outer.program, jx->constants = outer.constants, jx->chunk = outer.chunk, jx->first = outer.first;
    jx->top = outer.top, jx->end = outer.end, jx->tail = outer.tail, jx->tail_room = outer.tail_room;
    jx->tail_count = outer.tail_count, jx->cells = outer.cells, jx->result = outer.result;
    while (chunks) {
        struct jx_chunk *above = chunks->above;
        asl_free(chunks);
        chunks = above;
    }
    asl_free(tail);
    return rc;
}

// ---------------------------------------------------------------- entries that call

static COLD int not_a_function(struct jx *jx, uint32_t k) {
    // A bare name that names a built-in: the $ was forgotten.
    const asl_value *site = &jx->constants[k];
    jx_raise(jx, count_of(site) > 3 && site->array->items[3].b ? "T1005" : "T1006", (const char *)NULL);
    return jx_place_site(jx, k);
}

/* A call's value as its node's, unless somebody else (a predicate, a caller's caller) takes it as it is. */
static inline asl_value node_value(struct jx *jx, asl_value v, uint32_t k) {
    if (LIKELY(!is_sequence(&v)) || jx->constants[k].array->items[4].b) return v;
    return jx_collapse(v, false);
}

static inline int deeper(struct jx *jx, uint32_t k) {
    if (LIKELY(!jx->depth_limit)) return 0;
    jx->depth += (uint32_t)jx->constants[k].array->items[2].i;
    return jx->depth > jx->depth_limit ? jx_raise_limit(jx, JX_STACK) : 0;
}

int32_t asl_rt_jx_call(asl_frame *frame, uint32_t d, uint32_t v, uint32_t a, uint32_t count, uint32_t s, uint32_t k) {
    struct jx *jx = jx_of(frame);
    const asl_value *f = peek(frame, v);
    if (UNLIKELY(f->tag != ASL_FUNCTION)) return not_a_function(jx, k);
    asl_value out, nothing = asl_none();
    const asl_value *context = s == ASL_NO_OPERAND ? &nothing : at(frame, s);
    uint32_t depth = jx->depth;
    int rc = deeper(jx, k);
    if (rc == 0) rc = call_value(jx, f, count ? &frame->slot[a] : &nothing, count, context, &out);
    jx->depth = depth;
    drop_arguments(frame, a, count);
    if (UNLIKELY(rc < 0)) return jx_place_site(jx, k);
    put(frame, d, node_value(jx, out, k));
    return 0;
}

int32_t asl_rt_jx_call_function(asl_frame *frame, uint32_t d, uint32_t g, uint32_t a, uint32_t count, uint32_t k) {
    struct jx *jx = jx_of(frame);
    asl_value out;
    uint32_t depth = jx->depth;
    int rc = deeper(jx, k);
    if (rc == 0) rc = jx_run_function(jx, g, &frame->slot[a], count, &out);
    jx->depth = depth;
    if (UNLIKELY(rc < 0)) return jx_place_site(jx, k);
    if (UNLIKELY(is_sequence(&out))) out = node_value(jx, out, k);
    put_words(frame, d, asl__load(&out));
    return 0;
}

int32_t asl_rt_jx_tail(asl_frame *frame, uint32_t v, uint32_t a, uint32_t count, uint32_t s, uint32_t k) {
    struct jx *jx = jx_of(frame);
    const asl_value *f = peek(frame, v);
    if (UNLIKELY(f->tag != ASL_FUNCTION)) return not_a_function(jx, k);
    asl_value nothing = asl_none();
    const asl_value *context = s == ASL_NO_OPERAND ? &nothing : at(frame, s), *args = count ? &frame->slot[a] : &nothing;
    int rc;
    if (jx_kind(f) == JX_LAMBDA && jx_pointer(f) == jx->program) {
        rc = prepare_lambda(jx, f, args, count, context);
    } else {
        rc = call_value(jx, f, args, count, context, &nothing);
        if (rc == 0) asl_value_set(&jx->result, nothing);
        jx->tail_function = ASL_NO_OPERAND;
        jx->tail_count = 0;
    }
    drop_arguments(frame, a, count);
    return rc < 0 ? jx_place_site(jx, k) : 0;
}

int32_t asl_rt_jx_tail_function(asl_frame *frame, uint32_t g, uint32_t a, uint32_t count, uint32_t k) {
    struct jx *jx = jx_of(frame);
    (void)k;
    asl_value *in = tail_room(jx, count);
    memcpy(in, &frame->slot[a], count * sizeof *in);
    memset(&frame->slot[a], 0, count * sizeof *in);
    jx->tail_function = g;
    return 0;
}

int32_t asl_rt_jx_return(asl_frame *frame, uint32_t v) {
    struct jx *jx = jx_of(frame);
    struct asl__words old = asl__load(&jx->result);
    asl__store_new(&jx->result, take_words(frame, v));
    asl__release_words(old);
    return 0;
}

// ---------------------------------------------------------------- partial application, chains

static int merge_one(struct jx *jx, asl_value *into, asl_value v) {
    if (v.tag == ASL_NONE) return 0;
    if (v.tag != ASL_OBJECT) {
        asl_value name = asl_string_z("merge"), type = asl_string_z("objects");
        jx_raise(jx, "T0412", "value", &v, "index", &(asl_value){.tag = ASL_INT, .i = 1}, "token", &name, "type", &type,
                 (const char *)NULL);
        asl_release(v);
        return -1;
    }
    if (into->tag == ASL_NONE) {
        v.reserved[0] = 0;
        *into = jx_in_key_order(v);
        return 0;
    }
    *into = jx_merge(*into, &v);
    asl_release(v);
    return 0;
}

int32_t asl_rt_jx_merge(asl_frame *frame, uint32_t d, uint32_t a, uint32_t count, uint32_t k) {
    struct jx *jx = jx_of(frame);
    asl_value into = asl_none();
    int rc = 0;
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        asl_value v = frame->slot[a + i];
        frame->slot[a + i] = asl_none();
        if (v.tag != ASL_ARRAY) {
            rc = merge_one(jx, &into, v);
            continue;
        }
        for (uint32_t j = 0; j < count_of(&v) && rc == 0; j++) rc = merge_one(jx, &into, jx_retain(v.array->items[j]));
        asl_release(v);
    }
    if (rc < 0) {
        asl_release(into);
        return jx_place_site(jx, k);
    }
    put(frame, d, into.tag == ASL_NONE ? asl_object_new(0) : jx_in_key_order(into));
    return 0;
}

int32_t asl_rt_jx_partial(asl_frame *frame, uint32_t d, uint32_t v, uint32_t a, uint32_t count, uint32_t k) {
    struct jx *jx = jx_of(frame);
    const asl_value *target = peek(frame, v), *site = &jx->constants[k], *open = &site->array->items[3];
    if (target->tag != ASL_FUNCTION) {
        jx_raise(jx, count_of(site) > 4 ? "T1007" : "T1008", (const char *)NULL);
        return jx_place_site(jx, k);
    }
    asl_value held = jx_retain(*target);
    asl_value f = jx_function_value(JX_PARTIAL, 0, count_of(open), asl_none(), NULL, count + 1);
    f.array->items[f.array->head.count++] = held;
    for (uint32_t i = 0, next = 0; i < count; i++) {
        asl_value item = frame->slot[a + i];
        if (next < count_of(open) && open->array->items[next].i == i) {
            item = jx_retain(jx->program->empty);
            item.reserved[1] = 1; // an open place
            next++;
        }
        f.array->items[f.array->head.count++] = item;
        frame->slot[a + i] = asl_none();
    }
    put(frame, d, f);
    return 0;
}

int32_t asl_rt_jx_chain(asl_frame *frame, uint32_t d, uint32_t l, uint32_t r, uint32_t s, uint32_t k) {
    struct jx *jx = jx_of(frame);
    const asl_value *left = peek(frame, l), *right = peek(frame, r);
    if (right->tag != ASL_FUNCTION) {
        jx_raise(jx, "T2006", "value", right, (const char *)NULL);
        return jx_place_site(jx, k);
    }
    asl_value out, nothing = asl_none(), no_context = asl_null();
    const asl_value *context = s == ASL_NO_OPERAND ? &nothing : at(frame, s);
    if (left->tag == ASL_FUNCTION) {
        out = jx_function_value(JX_COMPOSITION, 0, 1, jx_retain(*context), NULL, 2);
        out.array->items[out.array->head.count++] = jx_retain(*left);
        out.array->items[out.array->head.count++] = jx_retain(*right);
    } else {
        uint32_t depth = jx->depth;
        int rc = deeper(jx, k);
        asl_value f = jx_retain(*right), argument = jx_retain(*left);
        if (rc == 0) rc = call_value(jx, &f, &argument, 1, &no_context, &out);
        asl_release(f);
        asl_release(argument);
        jx->depth = depth;
        if (rc < 0) return jx_place_site(jx, k);
        out = node_value(jx, out, k);
    }
    put(frame, d, out);
    return 0;
}

int32_t asl_rt_jx_regex(asl_frame *frame, uint32_t d, uint32_t k) {
    struct jx *jx = jx_of(frame);
    asl_value *made = &jx->program->regexes[k];
    if (LIKELY(made->tag != ASL_NONE)) {
        put(frame, d, jx_retain(*made));
        return 0;
    }
    const asl_value *c = &jx->constants[k];
    asl_str flags = asl_text_of(&c->array->items[1]);
    asl_value v = jx_regex_new(jx, asl_text_of(&c->array->items[0]), memchr(flags.data, 'i', flags.size) != NULL,
                               memchr(flags.data, 'm', flags.size) != NULL);
    if (v.tag == ASL_NONE) return jx_place(jx, (uint32_t)c->array->items[2].i, NULL);
    *made = jx_retain(v);
    put(frame, d, v);
    return 0;
}
