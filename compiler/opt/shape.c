// Shape: quiet machines are rebuilt so that objects, calls and tests whose outcome is known cost nothing.
//
// The states that only compute (Pass, Choice, Succeed, Fail) are run here symbolically. A slot then holds no value but
// what is known of one:
//
//     SLOT    in slot %n of the frame; which types it may have
//     NUMBER  a 64-bit integer outside the frame, in a register of the processor
//     CONST   a constant
//     OBJECT  made of these members, on top of `base` if there is one; nobody has built it yet
//     ARRAY   made of these items
//
// So `Parameters` of one state that the next one takes apart again are never built, the same path or function of the same
// value is evaluated once (facts), what is constant is folded, and integers are added in registers. An object is built
// where it leaves: in the output, or before a state that waits.
//
//     block b2 "Add" n1 error b4                     n is in #0, limit in #1
//       add32 #2 #0 k2
//       tick 4 2                                      events and states entered: counted, though nobody is told
//       …
//     block b4 "Add.again" n1                         add32 failed: no 32-bit integer
//       record %6 2 …                                 the state's input is built after all,
//       give_up b1                                    and the watched machine goes on from the state's start
//
// Nothing that fails is explained here. Up to its end a state that only computes has done nothing that cannot be done
// again, so whatever is unusual gives up: the frame gets the slots that the watched machine has at the state's start, and
// that one goes on. Its errors, event ids and texts are then what they always were.
//
// A state that several others go to is compiled once for each shape that its slots arrive with, up to VERSIONS; after
// that with everything in slots. A loop's body so becomes a first round, which finds out the types, and the loop proper.
// States that wait, and those that draw random numbers, stand as lowering made them, with all slots in place.
#include <string.h>

#include "aslc/path.h"
#include "ir.h"
#include "query.h"

enum kind { SLOT, NUMBER, CONST, OBJECT, ARRAY, TEST };

#define TYPE(tag)  (1u << (tag))
#define NUMERIC    (TYPE(ASL_INT) | TYPE(ASL_DOUBLE) | TYPE(ASL_NUMBER_TEXT))
#define ANY        (TYPE(ASL_NULL) | TYPE(ASL_BOOL) | NUMERIC | TYPE(ASL_STRING) | TYPE(ASL_ARRAY) | TYPE(ASL_OBJECT))
#define MAYBE      (ANY | TYPE(ASL_NONE))

enum {
    VERSIONS = 4,      // of a state, besides the one with everything in slots
    MOST_INLINED = 3000, // ops of a Parallel's branches that become part of its machine
    MOST_MEMBERS = 48, // of an object that is not built
    MOST_FACTS = 256,
    DEEPEST = 12,
    GUESSES = 4,       // at a loop's back edge: values that may turn out to be integers
};

struct sym {
    enum kind kind;
    uint32_t number; // SLOT, NUMBER, CONST
    uint32_t types;
    bool compared;   // as a number: worth finding out whether it is an integer
    bool param;      // of a version
    uint32_t depth;
    struct sym *base; // OBJECT
    uint32_t count;
    uint32_t *keys; // OBJECT: constants
    struct sym **items;
    uint32_t test; // TEST: of numbers items[0] and items[1]
};

// "op of s with a and b is result": on the way to here, that has been computed. Guards: result is s, with a its types.
struct fact {
    uint32_t op;
    const struct sym *s;
    uint64_t a, b;
    struct sym *result;
};

struct env {
    struct sym **slot;
    VEC(struct fact) facts;
    uint32_t events, states; // not yet counted
};

struct cursor {
    uint32_t out; // block of the new machine that is being written
    struct env env;
};

struct version {
    uint32_t block, out;
    bool plain; // everything in slots
    struct env env;
};

struct arrivals {
    VEC(struct cursor) items;
};

struct visit {
    uint32_t block;
    struct cursor at;
};

struct move {
    uint32_t d, s;
    bool number;
};

struct place {
    uint32_t block, op;
};

// A Parallel or Map site.
struct site {
    bool is_map, selects, distributed, limited;
    bool inlined; // its machines have become part of their parent
    bool now; // its machines only compute, and nothing else of the execution runs beside them: they run here and now
    uint32_t *machines;
    size_t count;
};

// A quiet machine as it was before it was rebuilt.
struct original {
    struct ir_block **blocks;
    size_t count, slots;
};

struct shape {
    struct site *sites;
    const struct original *originals;
    struct ir_plan *plan;
    struct arena *arena;
    const struct ir_machine *watched;
    struct ir_machine *m;
    struct ir_block **from; // the blocks it had
    size_t from_count;
    uint32_t home; // slots that it has in common with the watched machine
    uint32_t *rank, *preds;
    bool *simple; // by block
    uint32_t *copies; // by block: the same, copied, or IR_NO_BLOCK
    const uint64_t *const *live;
    VEC(struct version) versions;
    VEC(struct visit) visits;
    VEC(uint32_t) to_copy;
    VEC(struct place) forgets;
    size_t ops, budget;
    asl_value *constants; // parsed when first asked for
    size_t constant_room;
    struct sym **const_syms;
    /* the state being run */
    struct cursor at;
    uint32_t state, entry, again;
    struct env entry_env;
    struct arrivals *pending; // by block
    bool marked; // branches count their states within this one: giving up takes that back
    struct sym *results; // of the iterations or branches that have just run
    uint32_t line, column;
};

// ---------------------------------------------------------------- what is known

static struct sym *sym_new(struct shape *s, enum kind kind, uint32_t number, uint32_t types) {
    struct sym *x = arena_alloc(s->arena, sizeof *x);
    *x = (struct sym){.kind = kind, .number = number, .types = types};
    return x;
}

static const asl_value *constant(struct shape *s, uint32_t k) {
    if (k >= s->constant_room) {
        size_t room = s->plan->constants.count + 64;
        asl_value *larger = arena_alloc(s->arena, room * sizeof *larger);
        struct sym **syms = arena_alloc(s->arena, room * sizeof *syms);
        if (s->constant_room) {
            memcpy(larger, s->constants, s->constant_room * sizeof *larger);
            memcpy(syms, s->const_syms, s->constant_room * sizeof *syms);
        }
        s->constants = larger;
        s->const_syms = syms;
        s->constant_room = room;
    }
    if (s->constants[k].tag == ASL_NONE &&
        asl_json_parse(asl_str_z(s->plan->constants.items[k]), &(asl_json_limits){.lone_surrogates = true}, &s->constants[k], NULL) < 0)
        s->constants[k] = asl_null(); // it was JSON when it came in
    return &s->constants[k];
}

static struct sym *const_sym(struct shape *s, uint32_t k) {
    const asl_value *v = constant(s, k);
    if (!s->const_syms[k])
        s->const_syms[k] = sym_new(s, CONST, k, TYPE(v->tag));
    return s->const_syms[k];
}

static struct sym *value_sym(struct shape *s, const asl_value *v) {
    asl_buffer json = {0};
    asl_json_print(v, &json);
    uint32_t k = ir_const(s->plan, json.data);
    asl_buffer_free(&json);
    return const_sym(s, k);
}

static bool const_int(struct shape *s, const struct sym *x, int64_t *out) {
    if (x->kind != CONST || constant(s, x->number)->tag != ASL_INT)
        return false;
    *out = constant(s, x->number)->i;
    return true;
}

static struct sym *find(const struct env *e, uint32_t op, const struct sym *x, uint64_t a, uint64_t b) {
    for (size_t i = e->facts.count; i-- > 0;) {
        const struct fact *f = &e->facts.items[i];
        if (f->op == op && f->s == x && f->a == a && f->b == b)
            return f->result;
    }
    return NULL;
}

static void learn(struct shape *s, uint32_t op, const struct sym *x, uint64_t a, uint64_t b, struct sym *result) {
    struct env *e = &s->at.env;
    if (e->facts.count >= MOST_FACTS) {
        e->facts.count -= MOST_FACTS / 2;
        memmove(e->facts.items, e->facts.items + MOST_FACTS / 2, e->facts.count * sizeof *e->facts.items);
    }
    *vec_push(s->arena, &e->facts) = (struct fact){op, x, a, b, result};
}

// GUARD's fact: a, the types, is all of it.
static uint32_t types_of(const struct env *e, const struct sym *x) {
    uint32_t types = x->types;
    for (size_t i = e->facts.count; i-- > 0;)
        if (e->facts.items[i].op == OP_GUARD && e->facts.items[i].s == x)
            types &= (uint32_t)e->facts.items[i].a;
    return types;
}

static struct env env_copy(struct shape *s, const struct env *from) {
    struct env e = {.slot = arena_alloc(s->arena, (s->home + 1) * sizeof *e.slot), .events = from->events, .states = from->states};
    memcpy(e.slot, from->slot, s->home * sizeof *e.slot);
    e.facts.items = arena_alloc(s->arena, (from->facts.count + 8) * sizeof *e.facts.items);
    e.facts.capacity = from->facts.count + 8;
    e.facts.count = from->facts.count;
    if (from->facts.count)
        memcpy(e.facts.items, from->facts.items, from->facts.count * sizeof *e.facts.items);
    return e;
}

// ---------------------------------------------------------------- writing

static bool is_live(const struct shape *s, uint32_t block, uint32_t slot) {
    return s->live[block][slot / 64] >> (slot % 64) & 1;
}

static uint32_t new_slot(struct shape *s) {
    return ir_slot(s->plan, s->m, arena_format(s->arena, "r%zu", s->m->slots.count - s->home));
}

static uint32_t new_block(struct shape *s, const char *name, uint32_t state) {
    return ir_block_new(s->plan, s->m, name, state);
}

static struct ir_block *out_block(struct shape *s, uint32_t out) { return s->m->blocks.items[out]; }

static void leave_block(struct shape *s, enum ir_exit_kind kind, uint32_t a, uint32_t b, uint32_t count) {
    struct ir_exit *e = &out_block(s, s->at.out)->exit;
    *e = (struct ir_exit){.kind = kind, .line = s->line, .column = s->column, .target_count = count};
    e->target = arena_alloc(s->arena, 2 * sizeof *e->target);
    e->target[0] = a;
    e->target[1] = b;
}

static struct ir_op *append(struct shape *s, enum ir_opcode opcode, const uint32_t *operands) {
    struct ir_op *op = ir_op(s->plan, out_block(s, s->at.out), opcode, operands);
    op->line = s->line;
    op->column = s->column;
    s->ops++;
    return op;
}
#define OPERANDS(...) ((const uint32_t[IR_MAX_OPERANDS]){__VA_ARGS__})

static void count_events(struct shape *s) {
    struct env *e = &s->at.env;
    if (e->events || e->states)
        append(s, OP_TICK, OPERANDS(e->events, e->states));
    e->events = e->states = 0;
}

static void to_homes(struct shape *s, uint32_t block);

// Where a failing op of this state goes: the watched machine begins the state again.
static uint32_t again(struct shape *s) {
    if (s->again != IR_NO_BLOCK)
        return s->again;
    const struct ir_block *b = s->from[s->entry];
    struct cursor kept = s->at;
    s->again = new_block(s, arena_format(s->arena, "%s.again", b->name), s->state);
    s->at.out = s->again;
    s->at.env = env_copy(s, &s->entry_env);
    s->at.env.events = s->at.env.states = 0; // counted before the op that failed
    if (s->marked)
        append(s, OP_UNMARK, OPERANDS(0));
    to_homes(s, s->entry);
    leave_block(s, EXIT_GIVE_UP, s->entry, 0, 1);
    s->at = kept;
    return s->again;
}

// An op that may fail: then the state begins again.
static void fallible(struct shape *s, enum ir_opcode opcode, const uint32_t *operands) {
    if (!s->marked)
        count_events(s);
    uint32_t to = again(s);
    out_block(s, s->at.out)->error = to;
    append(s, opcode, operands);
}

static void give_up(struct shape *s) {
    if (!s->marked)
        count_events(s);
    uint32_t to = again(s);
    leave_block(s, EXIT_JUMP, to, 0, 1);
}

// ---------------------------------------------------------------- building what is not built

static uint32_t in_slot(struct shape *s, struct sym *x);

static uint32_t number_operand(struct sym *x) { return x->kind == CONST ? x->number | ASL_CONSTANT : x->number; }

// As an operand of kind 'v'.
static uint32_t operand(struct shape *s, struct sym *x) {
    return x->kind == CONST ? x->number | ASL_CONSTANT : in_slot(s, x);
}

static uint32_t build(struct shape *s, struct sym *x) {
    uint32_t d;
    uint32_t *values = arena_alloc(s->arena, (x->count + 1) * sizeof *values);
    for (uint32_t i = 0; i < x->count; i++)
        if (x->items[i]->kind != NUMBER || x->base || x->kind == ARRAY) // those are filled in as they are
            values[i] = x->base || x->kind == ARRAY ? in_slot(s, x->items[i]) : operand(s, x->items[i]);
    if (x->kind == ARRAY) {
        append(s, OP_ARRAY, OPERANDS(d = new_slot(s)));
        for (uint32_t i = 0; i < x->count; i++)
            append(s, OP_PUSH, OPERANDS(d, values[i]));
        return d;
    }
    if (x->base) {
        uint32_t base = in_slot(s, x->base);
        append(s, OP_COPY, OPERANDS(d = new_slot(s), base));
        for (uint32_t i = 0; i < x->count; i++)
            append(s, OP_SET, OPERANDS(d, x->keys[i], values[i]));
        return d;
    }
    append(s, OP_RECORD, OPERANDS(d = new_slot(s), x->count));
    for (uint32_t i = 0; i < x->count; i++)
        if (x->items[i]->kind == NUMBER)
            append(s, OP_FILL_INT, OPERANDS(d, i, x->keys[i], x->items[i]->number));
        else
            append(s, OP_FILL, OPERANDS(d, i, x->keys[i], values[i]));
    return d;
}

// The slot that holds x, which is built now unless it has been.
static uint32_t in_slot(struct shape *s, struct sym *x) {
    if (x->kind == SLOT)
        return x->number;
    struct sym *known = find(&s->at.env, OP_BOX, x, 0, 0);
    if (known)
        return known->number;
    uint32_t d;
    if (x->kind == NUMBER)
        append(s, OP_BOX, OPERANDS(d = new_slot(s), x->number));
    else if (x->kind == CONST)
        append(s, OP_CONST, OPERANDS(d = new_slot(s), x->number));
    else
        d = build(s, x);
    struct sym *made = sym_new(s, SLOT, d, x->types);
    learn(s, OP_BOX, x, 0, 0, made);
    if (x->kind == NUMBER)
        learn(s, OP_INT, made, 0, 0, x);
    return d;
}

// An integer of which nothing is known but that: unboxed, or NULL when x cannot be one. It gives up when x is none.
static struct sym *as_number(struct shape *s, struct sym *x) {
    int64_t ignored;
    if (x->kind == NUMBER || const_int(s, x, &ignored))
        return x;
    if (x->kind != SLOT || !(types_of(&s->at.env, x) & TYPE(ASL_INT)))
        return NULL;
    struct sym *known = find(&s->at.env, OP_INT, x, 0, 0);
    if (known)
        return known;
    struct sym *n = sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
    fallible(s, OP_INT, OPERANDS(n->number, x->number));
    learn(s, OP_INT, x, 0, 0, n);
    learn(s, OP_BOX, n, 0, 0, x);
    learn(s, OP_GUARD, x, TYPE(ASL_INT), 0, x);
    return n;
}

// Copies that happen at once: no source is overwritten before it is read.
struct moves {
    VEC(struct move) items;
};
static void move_all(struct shape *s, struct moves *m) {
    for (size_t i = 0; i < m->items.count; i++)
        for (size_t j = 0; j < i; j++)
            if (m->items.items[i].number == m->items.items[j].number && m->items.items[i].s == m->items.items[j].d &&
                m->items.items[j].d != m->items.items[j].s) {
                uint32_t t;
                if (m->items.items[i].number) {
                    if (m->items.items[i].s & ASL_CONSTANT)
                        continue;
                    append(s, OP_MOVE, OPERANDS(t = s->m->numbers++, m->items.items[i].s));
                } else {
                    append(s, OP_COPY, OPERANDS(t = new_slot(s), m->items.items[i].s));
                }
                m->items.items[i].s = t;
                break;
            }
    for (size_t i = 0; i < m->items.count; i++)
        if (m->items.items[i].d != m->items.items[i].s)
            append(s, m->items.items[i].number ? OP_MOVE : OP_COPY, OPERANDS(m->items.items[i].d, m->items.items[i].s));
}

// Puts the slots that block reads where the watched machine has them.
static void to_homes(struct shape *s, uint32_t block) {
    struct moves moves = {0};
    for (uint32_t i = 0; i < s->home; i++) {
        struct sym *x = s->at.env.slot[i];
        if (!x || !is_live(s, block, i) || (x->kind == SLOT && x->number == i))
            continue;
        uint32_t from = in_slot(s, x);
        *vec_push(s->arena, &moves.items) = (struct move){i, from, false};
    }
    move_all(s, &moves);
}

// ---------------------------------------------------------------- members and items

static struct sym *object_with(struct shape *s, struct sym *o, uint32_t key, struct sym *value) {
    struct sym *x = sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT));
    uint32_t at = 0;
    x->base = o->base;
    while (at < o->count && o->keys[at] != key)
        at++;
    x->count = at < o->count ? o->count : o->count + 1;
    x->keys = arena_alloc(s->arena, x->count * sizeof *x->keys);
    x->items = arena_alloc(s->arena, x->count * sizeof *x->items);
    if (o->count) {
        memcpy(x->keys, o->keys, o->count * sizeof *x->keys);
        memcpy(x->items, o->items, o->count * sizeof *x->items);
    }
    x->keys[at] = key;
    x->items[at] = value;
    x->depth = x->base ? x->base->depth + 1 : 1;
    for (uint32_t i = 0; i < x->count; i++)
        if (x->items[i]->depth >= x->depth)
            x->depth = x->items[i]->depth + 1;
    return x;
}

// An object as one that is made of members: a constant is taken apart. NULL when it may be no object.
static struct sym *as_object(struct shape *s, struct sym *x) {
    if (x->kind == OBJECT)
        return x;
    struct sym *o = sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT));
    if (x->kind == CONST) {
        asl_value v = *constant(s, x->number);
        if (v.tag != ASL_OBJECT || asl_object_count(&v) > MOST_MEMBERS)
            return NULL;
        for (size_t i = 0; i < asl_object_count(&v); i++) {
            const asl_text *key = asl_object_key_at(&v, i);
            uint32_t k = ir_const_string(s->plan, key->bytes, key->size);
            o = object_with(s, o, k, value_sym(s, asl_object_at(&v, i)));
        }
        return o;
    }
    if (types_of(&s->at.env, x) != TYPE(ASL_OBJECT))
        return NULL;
    o->base = x;
    return o;
}

// Too large or too deep an object is built at once.
static struct sym *bounded(struct shape *s, struct sym *x) {
    if (x->kind != OBJECT && x->kind != ARRAY)
        return x;
    if (x->count <= MOST_MEMBERS && x->depth <= DEEPEST)
        return x;
    struct sym *made = sym_new(s, SLOT, in_slot(s, x), x->types);
    return made;
}

// x[key], or x[index] when key is ASL_NO_OPERAND. NULL: there surely is none. maybe: what is not there holds nothing.
static struct sym *child(struct shape *s, struct sym *x, uint32_t key, int64_t index, bool maybe) {
    bool named = key != ASL_NO_OPERAND;
    if (x->kind == OBJECT) {
        for (uint32_t i = 0; named && i < x->count; i++)
            if (x->keys[i] == key)
                return x->items[i];
        return named && x->base ? child(s, x->base, key, 0, maybe) : NULL;
    }
    if (x->kind == ARRAY)
        return !named && index < (int64_t)x->count ? x->items[index] : NULL;
    if (x->kind == CONST) {
        asl_value v = *constant(s, x->number);
        const asl_value *c = named && v.tag == ASL_OBJECT ? asl_object_get(&v, asl_text_of(constant(s, key)))
                             : !named && v.tag == ASL_ARRAY && index < (int64_t)asl_array_count(&v) ? asl_array_at(&v, (size_t)index)
                                                                                                    : NULL;
        return c ? value_sym(s, c) : NULL;
    }
    uint32_t types = types_of(&s->at.env, x);
    if (x->kind != SLOT || !(types & TYPE(named ? ASL_OBJECT : ASL_ARRAY)))
        return NULL;
    uint32_t op = named ? OP_FIELD : OP_ELEMENT, op_maybe = named ? OP_FIELD_MAYBE : OP_ELEMENT_MAYBE;
    uint64_t which = named ? key : (uint64_t)index;
    struct sym *known = find(&s->at.env, op, x, which, 0);
    if (known)
        return known;
    known = find(&s->at.env, op_maybe, x, which, 0);
    if (known && (maybe || !(types_of(&s->at.env, known) & TYPE(ASL_NONE))))
        return known;
    if (known) {
        fallible(s, OP_GUARD, OPERANDS(known->number, ANY));
        learn(s, OP_GUARD, known, ANY, 0, known);
        return known;
    }
    struct sym *d = sym_new(s, SLOT, new_slot(s), maybe ? MAYBE : ANY);
    if (maybe) {
        append(s, (enum ir_opcode)op_maybe, OPERANDS(d->number, x->number, (uint32_t)which));
        learn(s, op_maybe, x, which, 0, d);
    } else {
        fallible(s, (enum ir_opcode)op, OPERANDS(d->number, x->number, (uint32_t)which));
        learn(s, op, x, which, 0, d);
        learn(s, OP_GUARD, x, TYPE(named ? ASL_OBJECT : ASL_ARRAY), 0, x);
    }
    return d;
}

static struct sym *nothing(struct shape *s) {
    static const uint32_t none = TYPE(ASL_NONE);
    struct sym *d = sym_new(s, SLOT, new_slot(s), none);
    return d; // a slot that nobody writes
}

// ---------------------------------------------------------------- the ops of states that only compute

// "$[*].a.b" of an array whose items are known. NULL: it is another path, or they are not known well enough.
static struct sym *every(struct shape *s, struct sym *x, const char *text) {
    if (strncmp(text, "$[*].", 5) != 0)
        return NULL;
    asl_path *path = asl_path_parse(asl_str_z(arena_format(s->arena, "$%s", text + 4)), NULL);
    struct sym *all = sym_new(s, ARRAY, 0, TYPE(ASL_ARRAY));
    all->depth = 1;
    all->items = arena_alloc(s->arena, (x->count + 1) * sizeof *all->items);
    bool known = path != NULL;
    for (uint32_t i = 0; i < x->count && known; i++) {
        struct sym *item = x->items[i];
        for (size_t step = 0; known && item && step < asl_path_steps(path); step++) {
            asl_str name;
            int64_t index;
            known = asl_path_step(path, step, &name, &index) && name.data && (item->kind != OBJECT || !item->base) &&
                    item->kind != SLOT;
            if (known)
                item = child(s, item, ir_const_string(s->plan, name.data, name.size), 0, false);
        }
        if (known && item) { // what is not there is left out
            all->items[all->count++] = item;
            if (item->depth >= all->depth)
                all->depth = item->depth + 1;
        }
    }
    asl_path_free(path);
    return known ? bounded(s, all) : NULL;
}

// False: it surely fails.
static bool run_path(struct shape *s, const struct ir_op *op) {
    struct sym *x = s->at.env.slot[op->operand[1] & ~ASL_LAST];
    const char *text = s->plan->paths.items[op->operand[2]];
    bool maybe = op->operand[3] == ASL_PATH_OPTIONAL;
    asl_path *path = asl_path_parse(asl_str_z(text), NULL);
    if (!path || !x) {
        asl_path_free(path);
        return false;
    }
    size_t steps = asl_path_steps(path);
    bool direct = true;
    for (size_t i = 0; i < steps && direct; i++) {
        asl_str name;
        int64_t index;
        direct = asl_path_step(path, i, &name, &index) && (name.data || (index >= 0 && index < INT32_MAX));
    }
    bool fails = false;
    for (size_t i = 0; i < steps && direct && !fails && x; i++) {
        asl_str name;
        int64_t index;
        asl_path_step(path, i, &name, &index);
        uint32_t key = name.data ? ir_const_string(s->plan, name.data, name.size) : ASL_NO_OPERAND;
        x = child(s, x, key, index, maybe);
    }
    if (direct && !x && maybe)
        x = nothing(s);
    fails = direct && !x;
    if (direct && steps == 0 && !maybe && x && types_of(&s->at.env, x) & TYPE(ASL_NONE)) {
        fallible(s, OP_GUARD, OPERANDS(x->number, ANY));
        learn(s, OP_GUARD, x, ANY, 0, x);
    }
    if (!direct && x->kind == ARRAY) {
        struct sym *all = every(s, x, text);
        if (all) {
            asl_path_free(path);
            s->at.env.slot[op->operand[0]] = all;
            return true;
        }
    }
    if (!direct) {
        struct sym *root = x;
        x = find(&s->at.env, OP_PATH, root, op->operand[2], op->operand[3]);
        if (!x) {
            uint32_t from = in_slot(s, root);
            x = sym_new(s, SLOT, new_slot(s), maybe ? MAYBE : ANY);
            fallible(s, OP_PATH, OPERANDS(x->number, from, op->operand[2], op->operand[3], op->operand[4]));
            learn(s, OP_PATH, root, op->operand[2], op->operand[3], x);
        }
    }
    asl_path_free(path);
    if (!fails)
        s->at.env.slot[op->operand[0]] = x;
    return !fails;
}

// ResultPath. Members on the way that are not known to be objects are left to the runtime.
static struct sym *put(struct shape *s, struct sym *document, const asl_path *path, size_t step, struct sym *value) {
    if (step == asl_path_steps(path))
        return value;
    asl_str name;
    int64_t index;
    if (!asl_path_step(path, step, &name, &index) || !name.data)
        return NULL;
    if (document->kind == SLOT && types_of(&s->at.env, document) & TYPE(ASL_OBJECT) &&
        types_of(&s->at.env, document) != TYPE(ASL_OBJECT)) {
        fallible(s, OP_GUARD, OPERANDS(document->number, TYPE(ASL_OBJECT)));
        learn(s, OP_GUARD, document, TYPE(ASL_OBJECT), 0, document);
    }
    struct sym *o = as_object(s, document);
    if (!o)
        return NULL;
    uint32_t key = ir_const_string(s->plan, name.data, name.size);
    struct sym *below = NULL;
    if (step + 1 < asl_path_steps(path)) {
        below = child(s, o, key, 0, true);
        if (!below)
            below = sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT));
        else if (below->kind == SLOT && types_of(&s->at.env, below) & TYPE(ASL_NONE))
            return NULL;
        below = put(s, below, path, step + 1, value);
        if (!below)
            return NULL;
    }
    return bounded(s, object_with(s, o, key, below ? below : value));
}

static bool run_put(struct shape *s, const struct ir_op *op) {
    struct sym *document = s->at.env.slot[op->operand[1] & ~ASL_LAST], *value = s->at.env.slot[op->operand[2] & ~ASL_LAST];
    asl_path *path = asl_path_parse(asl_str_z(s->plan->paths.items[op->operand[3]]), NULL);
    struct sym *x = path && document && value ? put(s, document, path, 0, value) : NULL;
    asl_path_free(path);
    if (!document || !value)
        return false;
    if (!x) {
        uint32_t d = in_slot(s, document), v = in_slot(s, value);
        x = sym_new(s, SLOT, new_slot(s), TYPE(ASL_OBJECT) | TYPE(ASL_ARRAY));
        fallible(s, OP_PUT, OPERANDS(x->number, d, v, op->operand[3]));
    }
    s->at.env.slot[op->operand[0]] = x;
    return true;
}

static struct sym *add(struct shape *s, enum ir_opcode op, struct sym *a, struct sym *b) {
    int64_t x, y, limit = op == OP_ADD32 ? INT32_MAX : INT64_C(1) << 53;
    if (!a || !b)
        return NULL;
    if (const_int(s, a, &x) && const_int(s, b, &y)) {
        bool fits = x <= limit && x >= -limit && y <= limit && y >= -limit;
        int64_t sum = op == OP_EXACT_SUBTRACT ? x - y : x + y;
        if (!fits || (op != OP_ADD32 && (sum > limit || sum < -limit)))
            return NULL;
        asl_value v = asl_int(sum);
        return value_sym(s, &v);
    }
    struct sym *known = find(&s->at.env, op, a, (uintptr_t)b, 0);
    if (known)
        return known;
    struct sym *d = sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
    fallible(s, op, OPERANDS(d->number, number_operand(a), number_operand(b)));
    learn(s, op, a, (uintptr_t)b, 0, d);
    return d;
}

// Two objects whose members are all known: the keys come in the order of a Java HashMap.
static struct sym *merge(struct shape *s, struct sym *a, struct sym *b) {
    if (a->kind == CONST)
        a = as_object(s, a);
    if (b->kind == CONST)
        b = as_object(s, b);
    if (!a || !b || a->kind != OBJECT || b->kind != OBJECT || a->base || b->base)
        return NULL;
    for (uint32_t i = 0; i < b->count; i++)
        a = object_with(s, a, b->keys[i], b->items[i]);
    if (a->count > MOST_MEMBERS)
        return NULL;
    asl_str keys[MOST_MEMBERS];
    size_t order[MOST_MEMBERS];
    for (uint32_t i = 0; i < a->count; i++)
        keys[i] = asl_text_of(constant(s, a->keys[i]));
    asl_java_hash_order(keys, a->count, order);
    struct sym *out = sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT));
    for (uint32_t i = 0; i < a->count; i++)
        out = object_with(s, out, a->keys[order[i]], a->items[order[i]]);
    return bounded(s, out);
}

static bool plain_template(asl_str t, uint32_t *places) {
    *places = 0;
    for (size_t i = 0; i < t.size; i++) {
        if (t.data[i] == '\\')
            return false;
        *places += t.data[i] == '{' && i + 1 < t.size && t.data[i + 1] == '}';
    }
    return true;
}

static uint32_t result_types(asl_intrinsic function) {
    switch ((int)function) {
    case ASL_INTRINSIC_ARRAY: case ASL_INTRINSIC_ARRAY_PARTITION: case ASL_INTRINSIC_ARRAY_RANGE:
    case ASL_INTRINSIC_ARRAY_UNIQUE: case ASL_INTRINSIC_STRING_SPLIT: return TYPE(ASL_ARRAY);
    case ASL_INTRINSIC_ARRAY_CONTAINS: return TYPE(ASL_BOOL);
    case ASL_INTRINSIC_ARRAY_LENGTH: case ASL_INTRINSIC_MATH_RANDOM: case ASL_INTRINSIC_MATH_ADD: return TYPE(ASL_INT);
    case ASL_INTRINSIC_BASE64_ENCODE: case ASL_INTRINSIC_BASE64_DECODE: case ASL_INTRINSIC_HASH:
    case ASL_INTRINSIC_JSON_TO_STRING: case ASL_INTRINSIC_UUID: case ASL_INTRINSIC_FORMAT: return TYPE(ASL_STRING);
    case ASL_INTRINSIC_JSON_MERGE: return TYPE(ASL_OBJECT);
    case ASL_INTRINSIC_ARRAY_GET_ITEM: case ASL_INTRINSIC_STRING_TO_JSON: case ASL_INTRINSIC_COUNT: break;
    }
    return ANY;
}

// The functions that are more than a call. NULL: it is one.
static struct sym *known_function(struct shape *s, asl_intrinsic function, struct sym **args, uint32_t count) {
    int64_t index;
    uint32_t places;
    if (function == ASL_INTRINSIC_MATH_ADD && count == 2) {
        // Doubles are added too, rounded; only what may well be an integer is taken for one.
        struct sym *a = as_number(s, args[0]), *b = a ? as_number(s, args[1]) : NULL;
        return add(s, OP_ADD32, a, b);
    }
    if (function == ASL_INTRINSIC_ARRAY_LENGTH && count == 1) {
        if (args[0]->kind == ARRAY) {
            asl_value v = asl_int(args[0]->count);
            return value_sym(s, &v);
        }
        if (args[0]->kind != SLOT || !(types_of(&s->at.env, args[0]) & TYPE(ASL_ARRAY)))
            return NULL;
        struct sym *known = find(&s->at.env, OP_LENGTH, args[0], 0, 0);
        if (known)
            return known;
        struct sym *n = sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
        fallible(s, OP_LENGTH, OPERANDS(n->number, args[0]->number));
        learn(s, OP_LENGTH, args[0], 0, 0, n);
        return n;
    }
    if (function == ASL_INTRINSIC_ARRAY_GET_ITEM && count == 2 && const_int(s, args[1], &index) && index >= 0 && index < INT32_MAX)
        return child(s, args[0], ASL_NO_OPERAND, index, false);
    if (function == ASL_INTRINSIC_ARRAY) {
        struct sym *x = sym_new(s, ARRAY, 0, TYPE(ASL_ARRAY));
        x->count = count;
        x->items = args;
        x->depth = 1;
        for (uint32_t i = 0; i < count; i++)
            if (args[i]->depth >= x->depth)
                x->depth = args[i]->depth + 1;
        return bounded(s, x);
    }
    if (function == ASL_INTRINSIC_JSON_MERGE && count == 3 && args[2]->kind == CONST &&
        constant(s, args[2]->number)->tag == ASL_BOOL && !constant(s, args[2]->number)->b)
        return merge(s, args[0], args[1]);
    if (function == ASL_INTRINSIC_FORMAT && count >= 2 && count <= 5 && args[0]->kind == CONST &&
        constant(s, args[0]->number)->tag == ASL_STRING && plain_template(asl_text_of(constant(s, args[0]->number)), &places) &&
        places == count - 1) {
        uint32_t o[4] = {ASL_NO_OPERAND, ASL_NO_OPERAND, ASL_NO_OPERAND, ASL_NO_OPERAND};
        for (uint32_t i = 0; i + 1 < count; i++)
            o[i] = operand(s, args[i + 1]);
        struct sym *d = sym_new(s, SLOT, new_slot(s), TYPE(ASL_STRING));
        fallible(s, OP_FORMAT, OPERANDS(d->number, args[0]->number, o[0], o[1], o[2], o[3]));
        return d;
    }
    return NULL;
}

static uint64_t mixed(struct sym *const *args, uint32_t count) {
    uint64_t h = count;
    for (uint32_t i = 0; i < count; i++)
        h = (h ^ (uintptr_t)args[i]) * UINT64_C(0x9e3779b97f4a7c15), h ^= h >> 29;
    return h;
}

static uint32_t consecutive(struct shape *s, struct sym *const *args, uint32_t count) {
    uint32_t *from = arena_alloc(s->arena, (count + 1) * sizeof *from), first = ASL_NO_OPERAND;
    for (uint32_t i = 0; i < count; i++)
        from[i] = args[i]->kind == CONST ? 0 : in_slot(s, args[i]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t d = new_slot(s);
        first = i ? first : d;
        if (args[i]->kind == CONST)
            append(s, OP_CONST, OPERANDS(d, args[i]->number));
        else
            append(s, OP_COPY, OPERANDS(d, from[i]));
    }
    return first;
}

static bool run_intrinsic(struct shape *s, const struct ir_op *op) {
    asl_intrinsic function = (asl_intrinsic)op->operand[1];
    uint32_t first = op->operand[3], count = op->operand[4];
    struct sym **args = arena_alloc(s->arena, (count + 1) * sizeof *args), *x = NULL;
    bool known = true;
    for (uint32_t i = 0; i < count; i++) {
        args[i] = s->at.env.slot[(first & ~ASL_LAST) + i];
        if (!args[i])
            return false;
        known = known && args[i]->kind == CONST;
    }
    struct sym *head = count ? args[0] : NULL;
    uint64_t key = (uint64_t)function, rest = count > 1 ? mixed(args + 1, count - 1) : 0;
    struct sym *before = find(&s->at.env, OP_INTRINSIC, head, key, rest);
    if (before) {
        s->at.env.slot[op->operand[0]] = before;
        return true;
    }
    if (known) {
        asl_value *values = arena_alloc(s->arena, (count + 1) * sizeof *values), out;
        char message[256];
        for (uint32_t i = 0; i < count; i++)
            values[i] = *constant(s, args[i]->number);
        if (asl__intrinsic_call(function, values, count, NULL, &out, message, sizeof message) < 0)
            return false;
        if (asl_json_size(&out) <= 4096)
            x = value_sym(s, &out);
        asl_release(out);
    }
    if (!x)
        x = known_function(s, function, args, count);
    if (!x) {
        uint32_t at = consecutive(s, args, count);
        x = sym_new(s, SLOT, new_slot(s), result_types(function));
        fallible(s, OP_INTRINSIC, OPERANDS(x->number, function, op->operand[2], at, count));
    }
    learn(s, OP_INTRINSIC, head, key, rest, x);
    s->at.env.slot[op->operand[0]] = x;
    return true;
}

// ---------------------------------------------------------------- expressions that only calculate

// A function of one block of arithmetic: its value for these arguments, when they are integers. NULL: it is called.
static struct sym *calculate(struct shape *s, const struct ir_machine *f, struct sym **args, uint32_t count) {
    if (f->blocks.count != 1 || f->blocks.items[0]->exit.kind != EXIT_RETURN || f->blocks.items[0]->exit.a != ASL_DONE ||
        f->slots.count > 64)
        return NULL;
    struct sym *slot[64] = {0};
    bool worthwhile = true;
    for (uint32_t i = 0; i < count && i + 1 < f->slots.count; i++)
        slot[i + 1] = args[i];
    const struct ir_block *b = f->blocks.items[0];
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < b->ops.count; i++) {
            const struct ir_op *op = &b->ops.items[i];
            const uint32_t *o = op->operand;
            struct sym *v[2] = {NULL, NULL}, *x = NULL;
            int first = op->opcode == OP_JX_RETURN ? 0 : 1;
            int reads = op->opcode == OP_JX_ADD || op->opcode == OP_JX_SUBTRACT || op->opcode == OP_JX_ORDER ? 2
                        : op->opcode == OP_JX_RETURN                                                         ? 1
                                                                                                             : -1;
            if (op->opcode == OP_JX_UNWRAP) { // the context, which nobody asks for
                slot[o[0]] = NULL;
                continue;
            }
            if (op->opcode == OP_JX_CONST) {
                slot[o[0]] = const_sym(s, o[1]);
                continue;
            }
            if (reads < 0)
                return NULL;
            for (int a = 0; a < reads; a++) {
                uint32_t w = o[first + a];
                v[a] = w == ASL_NO_OPERAND ? NULL : w & ASL_CONSTANT ? const_sym(s, w & ~ASL_CONSTANT) : slot[w & ~ASL_LAST];
                if (!v[a])
                    return NULL;
            }
            if (pass == 0) { // are they all integers?
                for (int a = 0; a < reads; a++) {
                    int64_t ignored;
                    bool is = v[a]->kind == TEST || v[a]->kind == NUMBER || const_int(s, v[a], &ignored) ||
                              (v[a]->kind == SLOT && (types_of(&s->at.env, v[a]) == TYPE(ASL_INT) || find(&s->at.env, OP_INT, v[a], 0, 0)));
                    if (!is && v[a]->kind == SLOT && reads == 2)
                        v[a]->compared = true;
                    worthwhile = worthwhile && is;
                }
                if (op->opcode != OP_JX_RETURN)
                    slot[o[0]] = sym_new(s, op->opcode == OP_JX_ORDER ? TEST : NUMBER, 0, TYPE(ASL_INT));
                continue;
            }
            if (op->opcode == OP_JX_RETURN)
                return v[0];
            struct sym *a = as_number(s, v[0]), *c = as_number(s, v[1]);
            if (!a || !c)
                return NULL;
            if (op->opcode == OP_JX_ORDER) {
                static const uint32_t tests[] = {ASL_CHOICE_NUMERIC_LESS_THAN, ASL_CHOICE_NUMERIC_LESS_THAN_EQUALS,
                                                 ASL_CHOICE_NUMERIC_GREATER_THAN, ASL_CHOICE_NUMERIC_GREATER_THAN_EQUALS};
                if (o[3] > 3)
                    return NULL;
                x = sym_new(s, TEST, 0, TYPE(ASL_BOOL));
                x->test = tests[o[3]];
                x->items = arena_alloc(s->arena, 2 * sizeof *x->items);
                x->items[0] = a;
                x->items[1] = c;
            } else {
                x = add(s, op->opcode == OP_JX_ADD ? OP_EXACT_ADD : OP_EXACT_SUBTRACT, a, c);
                if (!x)
                    return NULL;
            }
            slot[o[0]] = x;
        }
        if (!worthwhile)
            return NULL;
        memset(slot, 0, sizeof slot);
        for (uint32_t i = 0; i < count && i + 1 < f->slots.count; i++)
            slot[i + 1] = args[i];
    }
    return NULL;
}

static bool run_expression(struct shape *s, const struct ir_op *op) {
    uint32_t first = op->operand[2], count = op->operand[3];
    struct sym **args = arena_alloc(s->arena, (count + 1) * sizeof *args);
    for (uint32_t i = 0; i < count; i++)
        if (!(args[i] = s->at.env.slot[(first & ~ASL_LAST) + i]))
            return false;
    struct sym *x = calculate(s, s->plan->functions.items[op->operand[1]], args, count);
    if (!x) {
        for (uint32_t i = 0; i < count; i++)
            if (args[i]->kind == TEST)
                return false;
        uint32_t at = count == 1 && args[0]->kind != CONST ? in_slot(s, args[0]) : consecutive(s, args, count);
        x = sym_new(s, SLOT, new_slot(s), MAYBE);
        fallible(s, OP_JX_EVAL, OPERANDS(x->number, op->operand[1], at, count, op->operand[4]));
    }
    s->at.env.slot[op->operand[0]] = x;
    return true;
}

// ---------------------------------------------------------------- running a block

static bool mentions(const struct sym *x, uint32_t slot) {
    if (!x)
        return false;
    if (x->kind == SLOT)
        return x->number == slot;
    for (uint32_t i = 0; i < x->count; i++)
        if (mentions(x->items[i], slot))
            return true;
    return x->base && mentions(x->base, slot);
}

// Children capture slots of their parent's: they are put where they belong, unless something else that is still needed
// lies there.
static bool captures_home(struct shape *s, const struct site *site) {
    for (size_t i = 0; i < site->count; i++) {
        const struct ir_machine *child = s->plan->machines.items[site->machines[i]];
        for (size_t c = 0; c < child->captures.count; c++) {
            uint32_t at = child->captures.items[c].parent_slot;
            struct sym *x = s->at.env.slot[at];
            if (!x || x->kind == TEST)
                return false;
            if (x->kind == SLOT && x->number == at)
                continue;
            for (uint32_t j = 0; j < s->home; j++)
                if (mentions(s->at.env.slot[j], at) || mentions(s->entry_env.slot[j], at))
                    return false;
            struct env *e = &s->at.env;
            size_t kept = 0;
            for (size_t f = 0; f < e->facts.count; f++)
                if (!mentions(e->facts.items[f].s, at) && !mentions(e->facts.items[f].result, at))
                    e->facts.items[kept++] = e->facts.items[f];
            e->facts.count = kept;
            append(s, OP_COPY, OPERANDS(at, in_slot(s, x)));
        }
    }
    return true;
}

// False: the state gives up here.
static bool run_op(struct shape *s, const struct ir_op *op) {
    const uint32_t *o = op->operand;
    struct sym **slot = s->at.env.slot, *x;
    if (op->line) {
        s->line = op->line;
        s->column = op->column;
    }
    switch ((int)op->opcode) {
    case OP_ENTER: return true;
    case OP_EXIT:
        s->at.env.events += 2;
        s->at.env.states++;
        return true;
    case OP_POLL: {
        count_events(s);
        uint32_t out = new_block(s, out_block(s, s->at.out)->name, s->state); // without an error edge: it ends the execution
        leave_block(s, EXIT_JUMP, out, 0, 1);
        s->at.out = out;
        append(s, OP_POLL, OPERANDS(0));
        return true;
    }
    case OP_MARK:
        count_events(s);
        append(s, OP_MARK, OPERANDS(0));
        s->marked = true;
        s->again = IR_NO_BLOCK; // what fails from here on has more to take back
        {
            uint32_t out = new_block(s, out_block(s, s->at.out)->name, s->state);
            leave_block(s, EXIT_JUMP, out, 0, 1);
            s->at.out = out;
        }
        return true;
    case OP_TICK: // of branches that were put into their machine
        s->at.env.events += o[0];
        s->at.env.states += o[1];
        return true;
    case OP_CONST: slot[o[0]] = const_sym(s, o[1]); return true;
    case OP_COPY: slot[o[0]] = slot[o[1] & ~ASL_LAST]; return slot[o[0]] != NULL;
    case OP_VARIABLE:
        x = slot[o[1] & ~ASL_LAST];
        if (!x)
            return false;
        if (x->kind == SLOT && types_of(&s->at.env, x) & TYPE(ASL_NONE)) {
            fallible(s, OP_GUARD, OPERANDS(x->number, ANY));
            learn(s, OP_GUARD, x, ANY, 0, x);
        }
        slot[o[0]] = x;
        return true;
    case OP_OBJECT: slot[o[0]] = sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT)); return true;
    case OP_SET: {
        struct sym *value = slot[o[2] & ~ASL_LAST];
        if (!slot[o[0]] || !value || value->kind == TEST)
            return false;
        x = as_object(s, slot[o[0]]);
        if (!x)
            return false; // lowering sets members of objects that it has just made
        slot[o[0]] = bounded(s, object_with(s, x, o[1], value));
        return true;
    }
    case OP_ARRAY:
        slot[o[0]] = sym_new(s, ARRAY, 0, TYPE(ASL_ARRAY));
        slot[o[0]]->depth = 1;
        return true;
    case OP_PUSH: {
        struct sym *a = slot[o[0]], *value = slot[o[1] & ~ASL_LAST];
        if (!a || !value || value->kind == TEST)
            return false;
        if (a->kind != ARRAY || a->count >= MOST_MEMBERS) { // long ones are built as they grow
            uint32_t from = in_slot(s, a), d = new_slot(s), v = in_slot(s, value);
            append(s, OP_COPY, OPERANDS(d, from));
            append(s, OP_PUSH, OPERANDS(d, v));
            slot[o[0]] = sym_new(s, SLOT, d, TYPE(ASL_ARRAY));
            return true;
        }
        x = sym_new(s, ARRAY, 0, TYPE(ASL_ARRAY));
        x->count = a->count + 1;
        x->items = arena_alloc(s->arena, x->count * sizeof *x->items);
        if (a->count)
            memcpy(x->items, a->items, a->count * sizeof *x->items);
        x->items[a->count] = value;
        x->depth = value->depth >= a->depth ? value->depth + 1 : a->depth;
        slot[o[0]] = bounded(s, x);
        return true;
    }
    case OP_PATH: return run_path(s, op);
    case OP_INTRINSIC: return run_intrinsic(s, op);
    case OP_PUT: return run_put(s, op);
    case OP_CONTEXT:
        x = find(&s->at.env, OP_CONTEXT, NULL, s->entry, 0);
        if (!x) {
            count_events(s);
            append(s, OP_ARRIVE, OPERANDS(s->state));
            x = sym_new(s, SLOT, new_slot(s), TYPE(ASL_OBJECT));
            append(s, OP_CONTEXT, OPERANDS(x->number));
            learn(s, OP_CONTEXT, NULL, s->entry, 0, x);
        }
        slot[o[0]] = x;
        return true;
    case OP_JX_EVAL: return run_expression(s, op);
    case OP_EXPECT:
        x = slot[o[0] & ~ASL_LAST];
        if (!x || x->kind == TEST)
            return false;
        if (o[1] == ASL_EXPECT_NUMBER && (x->kind == NUMBER || x->types == TYPE(ASL_INT)))
            return true;
        fallible(s, OP_EXPECT, OPERANDS(in_slot(s, x), o[1], o[2]));
        return true;
    case OP_MAP:
    case OP_PARALLEL: {
        bool map = op->opcode == OP_MAP;
        x = slot[o[map ? 2 : 1] & ~ASL_LAST];
        if (!x || x->kind == TEST || (map && !(x->types & TYPE(ASL_ARRAY))) || !captures_home(s, &s->sites[o[0]]))
            return false;
        if (!s->marked) { // an ItemSelector's Context object shows the Map's state
            count_events(s);
            append(s, OP_ARRIVE, OPERANDS(s->state));
        }
        s->results = sym_new(s, SLOT, new_slot(s), TYPE(ASL_ARRAY));
        fallible(s, map ? OP_MAP_NOW : OP_PARALLEL_NOW, OPERANDS(s->results->number, o[0], in_slot(s, x)));
        return true;
    }
    case OP_RESULT:
        if (o[0] != ASL_NO_OPERAND)
            slot[o[0]] = s->results;
        return s->results != NULL;
    default: return false; // RAISE, FAIL
    }
}

static bool computes(const struct ir_plan *p, const struct ir_op *op, int depth);

static bool pure_function(const struct ir_plan *p, uint32_t g, int depth) {
    const struct ir_machine *f = p->functions.items[g];
    if (depth > 20)
        return false;
    for (size_t i = 0; i < f->blocks.count; i++)
        for (size_t j = 0; j < f->blocks.items[i]->ops.count; j++)
            if (!computes(p, &f->blocks.items[i]->ops.items[j], depth + 1))
                return false;
    return true;
}

static bool draws(uint32_t builtin) {
    enum {
#define BUILTIN(id, name, signature, where) JX_##id,
#include "aslc/jsonata.def"
#undef BUILTIN
    };
    return builtin == JX_RANDOM || builtin == JX_SHUFFLE || builtin == JX_EVAL || builtin == JX_SFN_RANDOM || builtin == JX_UUID;
}

// Whether op may be done twice.
static bool computes(const struct ir_plan *p, const struct ir_op *op, int depth) {
    switch ((int)op->opcode) {
    case OP_ENTER: case OP_EXIT: case OP_POLL: case OP_CONST: case OP_COPY: case OP_CONTEXT: case OP_VARIABLE: case OP_PATH:
    case OP_OBJECT: case OP_SET: case OP_ARRAY: case OP_PUSH: case OP_PUT: case OP_RAISE: case OP_FAIL: case OP_EXPECT:
    case OP_CONDITION: case OP_TICK: case OP_MARK: return true;
    case OP_INTRINSIC: return op->operand[1] != ASL_INTRINSIC_UUID && op->operand[1] != ASL_INTRINSIC_MATH_RANDOM;
    case OP_JX_EVAL: return pure_function(p, op->operand[1], depth);
    case OP_JX_CALL_FUNCTION: case OP_JX_CLOSURE: return op->operand[1] < p->functions.count && pure_function(p, op->operand[1], depth);
    case OP_JX_TAIL_FUNCTION: return op->operand[0] < p->functions.count && pure_function(p, op->operand[0], depth);
    case OP_JX_BUILTIN: case OP_JX_FUNCTION: return !draws(op->operand[1] & 0xff); // above that are flags
    case OP_TASK: case OP_LIMIT: case OP_ASSIGN: case OP_ATTEMPT: case OP_WAIT_SECONDS: case OP_WAIT_UNTIL: case OP_PARALLEL:
    case OP_MAP: case OP_ITEM: case OP_RESULT: case OP_ERROR_OUTPUT: return false; // see only_computes
    default: return depth > 0; // JSONata's own
    }
}

// ---------------------------------------------------------------- going on

static void go(struct shape *s, uint32_t to);

static void copy_later(struct shape *s, uint32_t block) {
    const struct ir_block *b = s->from[block];
    s->copies[block] = new_block(s, b->name, b->state);
    *vec_push(s->arena, &s->to_copy) = block;
}

static uint32_t copied(struct shape *s, uint32_t block) {
    if (s->copies[block] == IR_NO_BLOCK)
        copy_later(s, block);
    return s->copies[block];
}

static void visit_later(struct shape *s, uint32_t block, uint32_t out, struct env env) {
    *vec_push(s->arena, &s->visits) = (struct visit){block, {out, env}};
}

// The version of a state that finds everything in slots.
static uint32_t plain_version(struct shape *s, uint32_t block) {
    for (size_t i = 0; i < s->versions.count; i++)
        if (s->versions.items[i].block == block && s->versions.items[i].plain)
            return s->versions.items[i].out;
    uint32_t out = new_block(s, s->from[block]->name, s->from[block]->state);
    struct env e = {.slot = arena_alloc(s->arena, (s->home + 1) * sizeof *e.slot)};
    for (uint32_t i = 0; i < s->home; i++)
        if (is_live(s, block, i))
            e.slot[i] = sym_new(s, SLOT, i, i == 0 ? ANY : MAYBE);
    *vec_push(s->arena, &s->versions) = (struct version){.block = block, .out = out, .plain = true};
    visit_later(s, block, out, e);
    return out;
}

// Where the copy of a block goes on.
static uint32_t target_of_copy(struct shape *s, uint32_t block) {
    return s->simple[block] ? plain_version(s, block) : copied(s, block);
}

struct binding {
    const struct sym *param;
    struct sym *value;
};
struct bindings {
    VEC(struct binding) items;
};

static bool bind(struct shape *s, struct bindings *b, const struct sym *param, struct sym *value) {
    for (size_t i = 0; i < b->items.count; i++)
        if (b->items.items[i].param == param)
            return b->items.items[i].value == value;
    *vec_push(s->arena, &b->items) = (struct binding){param, value};
    return true;
}

static struct sym *known_number(struct shape *s, const struct env *e, struct sym *x) {
    int64_t ignored;
    if (x->kind == NUMBER || const_int(s, x, &ignored))
        return x;
    return x->kind == SLOT ? find(e, OP_INT, x, 0, 0) : NULL;
}

// exactly: what is known to be a number does not go where it would be forgotten.
static bool fits(struct shape *s, struct bindings *b, const struct sym *t, const struct env *e, struct sym *x, bool exactly) {
    if (!t || !x)
        return t == x;
    if (t->param && t->kind == NUMBER) {
        struct sym *n = known_number(s, e, x);
        return n && bind(s, b, t, n);
    }
    if (t->param && exactly && x->kind == SLOT && known_number(s, e, x))
        return false;
    if (t->param)
        return (x->kind == SLOT || x->kind == CONST) && !(types_of(e, x) & ~t->types) && bind(s, b, t, x);
    if (t->kind == CONST)
        return x->kind == CONST && x->number == t->number;
    if (t->kind != x->kind || t->count != x->count)
        return false;
    if (t->kind == OBJECT) {
        for (uint32_t i = 0; i < t->count; i++)
            if (t->keys[i] != x->keys[i])
                return false;
        if (!t->base != !x->base || (t->base && !fits(s, b, t->base, e, x->base, exactly)))
            return false;
    }
    for (uint32_t i = 0; i < t->count; i++)
        if (!fits(s, b, t->items[i], e, x->items[i], exactly))
            return false;
    return true;
}

// What a version knows of x: its shape and types, not where it came from.
static struct sym *template_of(struct shape *s, struct bindings *b, const struct env *e, struct sym *x, bool keep_constants) {
    struct sym *n = known_number(s, e, x);
    if (n || x->kind == SLOT || (x->kind == CONST && !keep_constants)) {
        struct sym *value = n ? n : x;
        for (size_t i = 0; i < b->items.count; i++)
            if (b->items.items[i].value == value)
                return (struct sym *)(uintptr_t)b->items.items[i].param;
        struct sym *p = n ? sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT)) : sym_new(s, SLOT, new_slot(s), types_of(e, x));
        p->param = true;
        p->compared = x->compared;
        *vec_push(s->arena, &b->items) = (struct binding){p, value};
        return p;
    }
    if (x->kind == CONST)
        return x;
    struct sym *t = sym_new(s, x->kind, 0, x->types);
    t->count = x->count;
    t->keys = x->keys;
    t->depth = x->depth;
    t->items = arena_alloc(s->arena, (x->count + 1) * sizeof *t->items);
    if (x->base)
        t->base = template_of(s, b, e, x->base, false);
    for (uint32_t i = 0; i < x->count; i++)
        t->items[i] = template_of(s, b, e, x->items[i], keep_constants);
    return t;
}

static void enter_version(struct shape *s, uint32_t out, const struct bindings *b) {
    struct moves moves = {0};
    for (size_t i = 0; i < b->items.count; i++) {
        const struct sym *p = b->items.items[i].param;
        struct sym *x = b->items.items[i].value;
        uint32_t from = p->kind == NUMBER ? number_operand(x) : in_slot(s, x);
        *vec_push(s->arena, &moves.items) = (struct move){p->number, from, p->kind == NUMBER};
    }
    move_all(s, &moves);
    leave_block(s, EXIT_JUMP, out, 0, 1);
}

static bool try_version(struct shape *s, const struct version *v, bool exactly) {
    struct bindings b = {0};
    for (uint32_t i = 0; i < s->home; i++)
        if (is_live(s, v->block, i) && !fits(s, &b, v->env.slot[i], &s->at.env, s->at.env.slot[i], exactly))
            return false;
    enter_version(s, v->out, &b);
    return true;
}

static void guess(struct shape *s, struct sym *x, uint32_t *left, uint32_t otherwise) {
    if (*left == 0 || !x)
        return;
    if (x->kind == OBJECT || x->kind == ARRAY) {
        for (uint32_t i = 0; i < x->count; i++)
            guess(s, x->items[i], left, otherwise);
        return;
    }
    if (x->kind != SLOT || !x->compared || !(types_of(&s->at.env, x) & TYPE(ASL_INT)) || find(&s->at.env, OP_INT, x, 0, 0))
        return;
    (*left)--;
    struct sym *n = sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
    append(s, OP_INT, OPERANDS(n->number, x->number));
    out_block(s, s->at.out)->error = otherwise;
    learn(s, OP_INT, x, 0, 0, n);
    learn(s, OP_BOX, n, 0, 0, x);
    learn(s, OP_GUARD, x, TYPE(ASL_INT), 0, x);
}

static void go_to_version(struct shape *s, uint32_t to) {
    size_t versions = 0;
    for (size_t i = 0; i < s->versions.count; i++)
        if (s->versions.items[i].block == to && !s->versions.items[i].plain) {
            if (try_version(s, &s->versions.items[i], true))
                return;
            versions++;
        }
    bool full = versions >= VERSIONS || s->ops > s->budget;
    for (size_t i = 0; full && i < s->versions.count; i++)
        if (s->versions.items[i].block == to && !s->versions.items[i].plain && try_version(s, &s->versions.items[i], false))
            return;
    if (versions >= VERSIONS || s->ops > s->budget) {
        to_homes(s, to);
        uint32_t out = plain_version(s, to);
        leave_block(s, EXIT_JUMP, out, 0, 1);
        return;
    }
    struct version v = {.block = to, .out = new_block(s, s->from[to]->name, s->from[to]->state)};
    struct bindings b = {0};
    v.env.slot = arena_alloc(s->arena, (s->home + 1) * sizeof *v.env.slot);
    for (uint32_t i = 0; i < s->home; i++)
        if (is_live(s, to, i) && s->at.env.slot[i])
            v.env.slot[i] = template_of(s, &b, &s->at.env, s->at.env.slot[i], versions == 0);
    *vec_push(s->arena, &s->versions) = v;
    enter_version(s, v.out, &b);
    visit_later(s, to, v.out, env_copy(s, &v.env));
}

// From here to a block of another state, or to this one's start again.
static void go_to_state(struct shape *s, uint32_t to) {
    if (!s->simple[to]) {
        count_events(s);
        to_homes(s, to);
        if (s->m->slots.count > s->watched->slots.count) {
            *vec_push(s->arena, &s->forgets) = (struct place){s->at.out, (uint32_t)out_block(s, s->at.out)->ops.count};
            append(s, OP_FORGET, OPERANDS((uint32_t)s->watched->slots.count, 0));
        }
        uint32_t out = copied(s, to);
        leave_block(s, EXIT_JUMP, out, 0, 1);
        return;
    }
    if (s->preds[to] == 1 && s->ops <= s->budget) {
        uint32_t out = new_block(s, s->from[to]->name, s->from[to]->state);
        leave_block(s, EXIT_JUMP, out, 0, 1);
        visit_later(s, to, out, s->at.env);
        return;
    }
    count_events(s);
    bool seen = false;
    for (size_t i = 0; i < s->versions.count && !seen; i++)
        seen = s->versions.items[i].block == to;
    if (seen && s->ops <= s->budget) {
        struct cursor plain = s->at;
        uint32_t left = GUESSES, otherwise = new_block(s, out_block(s, s->at.out)->name, s->state), numbers = s->m->numbers;
        uint32_t sure = new_block(s, out_block(s, s->at.out)->name, s->state);
        plain.env = env_copy(s, &s->at.env);
        plain.out = otherwise;
        leave_block(s, EXIT_JUMP, sure, 0, 1);
        s->at.out = sure;
        for (uint32_t i = 0; i < s->home; i++)
            if (is_live(s, to, i))
                guess(s, s->at.env.slot[i], &left, otherwise);
        if (s->m->numbers != numbers) {
            uint32_t more = new_block(s, out_block(s, s->at.out)->name, s->state); // what follows cannot fail
            leave_block(s, EXIT_JUMP, more, 0, 1);
            s->at.out = more;
            go_to_version(s, to);
            s->at = plain;
        } else {
            out_block(s, otherwise)->exit.kind = EXIT_FAILED; // nobody goes there
        }
    }
    go_to_version(s, to);
}

static void go(struct shape *s, uint32_t to) {
    if (s->from[to]->state == s->state && to != s->entry && s->simple[to])
        *vec_push(s->arena, &s->pending[to].items) = s->at;
    else
        go_to_state(s, to);
}

// ---------------------------------------------------------------- tests

static uint32_t tested(struct shape *s, struct sym *x) {
    return x->kind == CONST ? x->number | ASL_CONSTANT : x->kind == NUMBER ? x->number | IR_NUMBER : in_slot(s, x);
}

static uint32_t types_tested(uint32_t test) {
    switch ((int)test) {
    case ASL_CHOICE_IS_NULL: return TYPE(ASL_NULL);
    case ASL_CHOICE_IS_PRESENT: return ANY;
    case ASL_CHOICE_IS_NUMERIC: return NUMERIC;
    case ASL_CHOICE_IS_STRING: return TYPE(ASL_STRING);
    case ASL_CHOICE_IS_BOOLEAN: return TYPE(ASL_BOOL);
    default: return 0;
    }
}

static uint32_t types_compared(uint32_t test) {
    if (test <= ASL_CHOICE_STRING_MATCHES)
        return TYPE(ASL_STRING);
    if (test >= ASL_CHOICE_NUMERIC_EQUALS && test <= ASL_CHOICE_NUMERIC_GREATER_THAN_EQUALS)
        return NUMERIC;
    if (test == ASL_CHOICE_BOOLEAN_EQUALS)
        return TYPE(ASL_BOOL);
    return TYPE(ASL_STRING); // timestamps
}

static bool is_timestamp_test(uint32_t test) {
    return test >= ASL_CHOICE_TIMESTAMP_EQUALS && test <= ASL_CHOICE_TIMESTAMP_GREATER_THAN_EQUALS;
}

// 1 true, 0 false, -1 that must be seen.
static int outcome(struct shape *s, uint32_t test, const struct sym *a, const struct sym *b) {
    if (a->kind == CONST && b->kind == CONST) {
        asl_value x = *constant(s, a->number), y = *constant(s, b->number);
        return asl__choice_test((asl_choice)test, &x, &y);
    }
    uint32_t types = types_of(&s->at.env, a), wanted = types_tested(test);
    if (wanted) {
        if (b->kind != CONST || constant(s, b->number)->tag != ASL_BOOL)
            return -1;
        bool yes = constant(s, b->number)->b;
        return !(types & ~wanted) ? yes : !(types & wanted) ? !yes : -1;
    }
    if (test == ASL_CHOICE_IS_TIMESTAMP)
        return -1;
    uint32_t compared = types_compared(test);
    return types & compared && types_of(&s->at.env, b) & compared ? -1 : 0;
}

// The timestamp is read once for all rules of the state.
static uint32_t timestamp(struct shape *s, struct sym *a) {
    if (a->kind != SLOT)
        return 0;
    struct sym *known = find(&s->at.env, OP_TIMESTAMP, a, 0, 0);
    if (!known) {
        known = sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
        append(s, OP_TIMESTAMP, OPERANDS(known->number, a->number));
        learn(s, OP_TIMESTAMP, a, 0, 0, known);
    }
    return known->number + 1;
}

static void branch(struct shape *s, uint32_t test, struct sym *a, struct sym *b, uint32_t yes, uint32_t no) {
    int known = outcome(s, test, a, b);
    if (known >= 0) {
        go(s, known ? yes : no);
        return;
    }
    if (types_compared(test) == NUMERIC && types_tested(test) == 0 && test != ASL_CHOICE_IS_TIMESTAMP) {
        struct sym *x = known_number(s, &s->at.env, a), *y = known_number(s, &s->at.env, b);
        if (a->kind == SLOT)
            a->compared = true;
        if (b->kind == SLOT)
            b->compared = true;
        if (x && y)
            a = x, b = y;
    }
    uint32_t parsed = is_timestamp_test(test) && b->kind == CONST ? timestamp(s, a) : 0;
    uint32_t left = tested(s, a), right = tested(s, b);
    uint32_t outs[2];
    for (int i = 0; i < 2; i++)
        outs[i] = new_block(s, s->from[i ? no : yes]->name, s->state);
    leave_block(s, EXIT_IF, outs[0], outs[1], 2);
    struct ir_exit *e = &out_block(s, s->at.out)->exit;
    e->test = test;
    e->a = left;
    e->b = right;
    e->parsed = parsed;
    struct env other = env_copy(s, &s->at.env);
    s->at.out = outs[0];
    if (test == ASL_CHOICE_IS_PRESENT && a->kind == SLOT && b->kind == CONST && constant(s, b->number)->b)
        learn(s, OP_GUARD, a, ANY, 0, a);
    go(s, yes);
    s->at = (struct cursor){outs[1], other};
    go(s, no);
}

// ---------------------------------------------------------------- a state

// What several paths through a state have in common. Where they differ, what they know goes into slots that are theirs.
static void join(struct shape *s, uint32_t block, const struct arrivals *a) {
    uint32_t out = new_block(s, s->from[block]->name, s->state);
    struct env e = env_copy(s, &a->items.items[0].env);
    e.events = e.states = 0;
    for (size_t i = 0; i < a->items.count; i++) {
        s->at = a->items.items[i];
        count_events(s);
        a->items.items[i].env.events = a->items.items[i].env.states = 0;
    }
    for (uint32_t slot = 0; slot < s->home; slot++) {
        bool same = true, numbers = true, all = true;
        uint32_t types = 0;
        for (size_t i = 0; i < a->items.count; i++) {
            struct sym *x = a->items.items[i].env.slot[slot];
            same = same && x == e.slot[slot];
            all = all && x && x->kind != TEST;
            if (all) {
                numbers = numbers && known_number(s, &a->items.items[i].env, x);
                types |= types_of(&a->items.items[i].env, x);
            }
        }
        if (same)
            continue;
        if (!all || !is_live(s, block, slot)) {
            e.slot[slot] = NULL;
            continue;
        }
        e.slot[slot] = numbers ? sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT)) : sym_new(s, SLOT, new_slot(s), types);
        for (size_t i = 0; i < a->items.count; i++) {
            s->at = a->items.items[i];
            struct sym *x = s->at.env.slot[slot];
            if (numbers)
                append(s, OP_MOVE, OPERANDS(e.slot[slot]->number, number_operand(known_number(s, &s->at.env, x))));
            else
                append(s, OP_COPY, OPERANDS(e.slot[slot]->number, in_slot(s, x)));
            a->items.items[i] = s->at;
        }
    }
    size_t kept = 0;
    for (size_t f = 0; f < e.facts.count; f++) {
        const struct fact *x = &e.facts.items[f];
        bool common = true;
        for (size_t i = 1; i < a->items.count && common; i++) {
            const struct env *o = &a->items.items[i].env;
            common = x->op == OP_GUARD ? !(types_of(o, x->s) & ~(uint32_t)x->a) : find(o, x->op, x->s, x->a, x->b) == x->result;
        }
        if (common)
            e.facts.items[kept++] = *x;
    }
    e.facts.count = kept;
    for (size_t i = 0; i < a->items.count; i++) {
        s->at = a->items.items[i];
        leave_block(s, EXIT_JUMP, out, 0, 1);
    }
    s->at = (struct cursor){out, e};
}

static void run_block(struct shape *s, uint32_t number) {
    const struct ir_block *b = s->from[number];
    struct arrivals a = s->pending[number];
    s->pending[number] = (struct arrivals){0};
    if (a.items.count == 1)
        s->at = a.items.items[0];
    else
        join(s, number, &a);
    for (size_t i = 0; i < b->ops.count; i++) {
        const struct ir_op *op = &b->ops.items[i];
        if (op->opcode == OP_CONDITION) { // followed by a branch
            struct sym *x = s->at.env.slot[op->operand[0] & ~ASL_LAST];
            if (x && x->kind == TEST) {
                branch(s, x->test, x->items[0], x->items[1], b->exit.target[0], b->exit.target[1]);
                return;
            }
            if (!x || (x->kind != SLOT && x->kind != CONST)) {
                give_up(s);
                return;
            }
            fallible(s, OP_CONDITION, OPERANDS(in_slot(s, x), op->operand[1]));
            uint32_t outs[2];
            for (int t = 0; t < 2; t++)
                outs[t] = new_block(s, s->from[b->exit.target[t]]->name, s->state);
            leave_block(s, EXIT_BRANCH, outs[0], outs[1], 2);
            struct env other = env_copy(s, &s->at.env);
            s->at.out = outs[0];
            go(s, b->exit.target[0]);
            s->at = (struct cursor){outs[1], other};
            go(s, b->exit.target[1]);
            return;
        }
        if (!run_op(s, op)) {
            give_up(s);
            return;
        }
    }
    if (b->exit.line) {
        s->line = b->exit.line;
        s->column = b->exit.column;
    }
    switch ((int)b->exit.kind) {
    case EXIT_SUSPEND: // for what has been done already
    case EXIT_JUMP: go(s, b->exit.target[0]); return;
    case EXIT_IF: {
        struct sym *x = s->at.env.slot[b->exit.a & ~ASL_LAST], *y = s->at.env.slot[b->exit.b & ~ASL_LAST];
        if (x && y && x->kind != TEST && y->kind != TEST)
            branch(s, b->exit.test, x, y, b->exit.target[0], b->exit.target[1]);
        else
            give_up(s);
        return;
    }
    case EXIT_DONE: {
        struct sym *x = s->at.env.slot[b->exit.a & ~ASL_LAST];
        if (!x || x->kind == TEST) {
            give_up(s);
            return;
        }
        count_events(s);
        uint32_t from = in_slot(s, x);
        leave_block(s, EXIT_DONE, 0, 0, 0);
        out_block(s, s->at.out)->exit.a = from;
        return;
    }
    default: give_up(s); return;
    }
}

// Paths that several rules of a Choice ask for are followed once, before the first of them: what is not there holds
// nothing until a rule minds.
static void look_ahead(struct shape *s) {
    for (size_t i = 0; i < s->from_count; i++) {
        const struct ir_block *b = s->from[i];
        if (b->state != s->state)
            continue;
        for (size_t j = 0; j < b->ops.count; j++) {
            const struct ir_op *op = &b->ops.items[j];
            if (op->opcode != OP_PATH)
                continue;
            uint32_t uses = 0;
            bool first = true;
            for (size_t k = 0; k < s->from_count; k++)
                for (size_t l = 0; s->from[k]->state == s->state && l < s->from[k]->ops.count; l++) {
                    const struct ir_op *other = &s->from[k]->ops.items[l];
                    if (other->opcode != OP_PATH || other->operand[2] != op->operand[2] ||
                        (other->operand[1] & ~ASL_LAST) != (op->operand[1] & ~ASL_LAST))
                        continue;
                    uses++;
                    first = first && (k > i || (k == i && l >= j));
                }
            struct sym *x = s->at.env.slot[op->operand[1] & ~ASL_LAST];
            if (!first || uses < 3 || (op->operand[1] & ~ASL_LAST) != 0 || !x)
                continue;
            asl_path *path = asl_path_parse(asl_str_z(s->plan->paths.items[op->operand[2]]), NULL);
            for (size_t step = 0; path && x && step < asl_path_steps(path); step++) {
                asl_str name;
                int64_t index;
                if (!asl_path_step(path, step, &name, &index) || (!name.data && (index < 0 || index >= INT32_MAX)))
                    break;
                x = child(s, x, name.data ? ir_const_string(s->plan, name.data, name.size) : ASL_NO_OPERAND, index, true);
            }
            asl_path_free(path);
        }
    }
}

static void run_state(struct shape *s, uint32_t block, struct cursor at) {
    const struct ir_block *b = s->from[block];
    s->at = at;
    s->entry = block;
    s->state = b->state;
    s->again = IR_NO_BLOCK;
    s->marked = false;
    s->entry_env = env_copy(s, &at.env);
    s->line = b->ops.items[0].line;
    s->column = b->ops.items[0].column;
    if (strcmp(s->plan->states.items[s->state].type, "Choice") == 0)
        look_ahead(s);
    *vec_push(s->arena, &s->pending[block].items) = s->at;
    for (;;) {
        uint32_t next = IR_NO_BLOCK;
        for (uint32_t i = 0; i < s->from_count; i++)
            if (s->pending[i].items.count && (next == IR_NO_BLOCK || s->rank[i] < s->rank[next]))
                next = i;
        if (next == IR_NO_BLOCK)
            return;
        run_block(s, next);
    }
}

// ---------------------------------------------------------------- the machine

static void copy_block(struct shape *s, uint32_t number) {
    const struct ir_block *from = s->from[number];
    struct ir_block *b = out_block(s, s->copies[number]);
    for (size_t i = 0; i < from->ops.count; i++)
        *vec_push(s->arena, &b->ops) = from->ops.items[i];
    b->exit = from->exit;
    b->exit.target = arena_alloc(s->arena, (from->exit.target_count + 1) * sizeof *b->exit.target);
    if (from->error != IR_NO_BLOCK) {
        uint32_t error = target_of_copy(s, from->error);
        out_block(s, s->copies[number])->error = error;
    }
    for (uint32_t i = 0; i < from->exit.target_count; i++) {
        uint32_t to = target_of_copy(s, from->exit.target[i]);
        b->exit.target[i] = to;
        if (from->exit.kind == EXIT_SUSPEND || (from->exit.kind == EXIT_RETRY && i == 0))
            out_block(s, to)->resume = true;
    }
    s->ops += from->ops.count;
}

// Which states of a machine only compute, and begin where they should; `now` says which Parallel and Map states do so
// because their sites run now.
static bool *only_compute(const struct ir_plan *p, const struct site *sites, const struct ir_machine *watched,
                          struct ir_block *const *from, size_t from_count, const bool *inlined) {
    size_t states = p->states.count;
    bool *bad = arena_alloc(p->arena, states + 1), *entered = arena_alloc(p->arena, states + 1);
    bool *fanout = arena_alloc(p->arena, states + 1), *handler = arena_alloc(p->arena, from_count + 1);
    if (inlined)
        memcpy(fanout, inlined, states * sizeof *fanout);
    for (size_t i = 0; i < from_count; i++)
        for (size_t j = 0; j < from[i]->ops.count && from[i]->state != ASL_NO_OPERAND; j++) {
            const struct ir_op *op = &from[i]->ops.items[j];
            if ((op->opcode == OP_MAP || op->opcode == OP_PARALLEL) && sites[op->operand[0]].now)
                fanout[from[i]->state] = true;
        }
    // What such a state does about errors is the watched machine's business.
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < from_count; i++) {
            const struct ir_block *b = from[i];
            if (b->state == ASL_NO_OPERAND || !fanout[b->state])
                continue;
            for (uint32_t t = 0; t < b->exit.target_count && handler[i]; t++) {
                uint32_t to = b->exit.target[t];
                bool inside = from[to]->state == b->state && !(b->exit.kind == EXIT_RETRY && t == 0);
                more |= inside && !handler[to];
                handler[to] |= inside;
            }
            if (b->error != IR_NO_BLOCK && !handler[b->error])
                more = handler[b->error] = true;
        }
    }
    for (size_t i = 0; i < from_count; i++) {
        const struct ir_block *b = from[i];
        if (b->state == ASL_NO_OPERAND || handler[i])
            continue;
        bool waits = false;
        for (size_t j = 0; j < b->ops.count; j++) {
            const struct ir_op *op = &b->ops.items[j];
            bool forks = op->opcode == OP_MAP || op->opcode == OP_PARALLEL;
            if (forks && sites[op->operand[0]].now)
                waits = true;
            else if (!computes(p, op, 0) && !(op->opcode == OP_RESULT && fanout[b->state]))
                bad[b->state] = true;
            if (op->opcode == OP_ENTER) {
                bad[b->state] = bad[b->state] || j != 0 || entered[b->state];
                entered[b->state] = true;
            }
        }
        enum ir_exit_kind kind = b->exit.kind;
        if ((b->error != IR_NO_BLOCK && !fanout[b->state]) || (kind == EXIT_SUSPEND && !waits) || kind == EXIT_RETRY ||
            kind == EXIT_CATCH || kind == EXIT_NONE || kind == EXIT_GIVE_UP || kind == EXIT_RETURN)
            bad[b->state] = true;
        bool asks = b->ops.count && b->ops.items[b->ops.count - 1].opcode == OP_CONDITION;
        if (kind == EXIT_BRANCH && !asks)
            bad[b->state] = true;
    }
    // Only a state's first block may be entered from outside, and the watched machine must be able to begin there.
    for (size_t i = 0; i < from_count; i++) {
        for (uint32_t t = 0; t < from[i]->exit.target_count; t++) {
            const struct ir_block *to = from[from[i]->exit.target[t]];
            bool first = to->ops.count && to->ops.items[0].opcode == OP_ENTER;
            if (to->state != ASL_NO_OPERAND && to->state != from[i]->state && !first)
                bad[to->state] = true;
        }
        bool first = from[i]->ops.count && from[i]->ops.items[0].opcode == OP_ENTER && from[i]->state != ASL_NO_OPERAND;
        if (first && i != 0 && (i >= watched->blocks.count || !watched->blocks.items[i]->resume))
            bad[from[i]->state] = true;
    }
    bool *simple = arena_alloc(p->arena, from_count + 1);
    for (size_t i = 0; i < from_count; i++) {
        uint32_t state = from[i]->state;
        simple[i] = state != ASL_NO_OPERAND && entered[state] && !bad[state];
    }
    return simple;
}

// What is inside runs beside others after all.
static void not_now(const struct ir_plan *p, struct site *sites, const struct site *outer) {
    for (size_t c = 0; c < outer->count; c++) {
        const struct ir_machine *m = p->machines.items[outer->machines[c] + p->quiet];
        for (size_t i = 0; i < m->blocks.count; i++)
            for (size_t j = 0; j < m->blocks.items[i]->ops.count; j++) {
                const struct ir_op *op = &m->blocks.items[i]->ops.items[j];
                if (op->opcode == OP_MAP || op->opcode == OP_PARALLEL) {
                    sites[op->operand[0]].now = false;
                    not_now(p, sites, &sites[op->operand[0]]);
                }
            }
    }
}

// Whether a machine comes to its end without waiting for anything, once its sites that may run now do so.
static bool runs_through(const struct ir_plan *p, struct site *sites, size_t number, int depth) {
    const struct ir_machine *m = p->machines.items[number + p->quiet];
    if (depth > DEEPEST)
        return false;
    for (size_t i = 0; i < m->blocks.count; i++)
        for (size_t j = 0; j < m->blocks.items[i]->ops.count; j++) {
            const struct ir_op *op = &m->blocks.items[i]->ops.items[j];
            if (op->opcode != OP_MAP && op->opcode != OP_PARALLEL)
                continue;
            struct site *site = &sites[op->operand[0]];
            bool may = !site->distributed && !site->limited && site->count > 0;
            if (op->opcode == OP_MAP)
                for (int o = 3; o < 6; o++)
                    may = may && op->operand[o] == ASL_NO_OPERAND;
            for (size_t c = 0; c < site->count && may; c++)
                may = runs_through(p, sites, site->machines[c], depth + 1);
            site->now = may;
            if (!may)
                not_now(p, sites, site);
        }
    bool *simple = only_compute(p, sites, p->machines.items[number], m->blocks.items, m->blocks.count, NULL);
    for (size_t i = 0; i < m->blocks.count; i++)
        for (size_t j = 0; j < m->blocks.items[i]->ops.count && !simple[i]; j++) {
            const struct ir_op *op = &m->blocks.items[i]->ops.items[j];
            if (op->opcode != OP_MAP && op->opcode != OP_PARALLEL)
                continue;
            sites[op->operand[0]].now = false; // something else in the state is in the way
            not_now(p, sites, &sites[op->operand[0]]);
        }
    for (size_t i = 0; i < m->blocks.count; i++) {
        const struct ir_block *b = m->blocks.items[i];
        bool prologue = i == 0 && (b->ops.count == 0 || b->ops.items[0].opcode != OP_ENTER);
        if (simple[i])
            continue;
        if (!prologue)
            return false;
        for (size_t j = 0; j < b->ops.count; j++)
            if (!computes(p, &b->ops.items[j], 0) && b->ops.items[j].opcode != OP_ITEM)
                return false;
        if (b->error != IR_NO_BLOCK || (b->exit.kind != EXIT_JUMP && b->exit.kind != EXIT_SUSPEND))
            return false;
    }
    return true;
}

static bool has(const asl_value *site, const char *key) {
    const asl_value *v = asl_object_get(site, asl_str_z(key));
    return v && !(v->tag == ASL_BOOL && !v->b);
}

static struct site *read_sites(struct ir_plan *p) {
    struct site *sites = arena_alloc(p->arena, (p->sites.count + 1) * sizeof *sites);
    for (size_t i = 0; i < p->sites.count; i++) {
        asl_value v;
        if (asl_json_parse(asl_str_z(p->sites.items[i]), NULL, &v, NULL) < 0)
            continue; // the image is refused when it is loaded
        const asl_value *machines = v.tag == ASL_OBJECT ? asl_object_get(&v, ASL_STR("machines")) : NULL;
        if (machines && machines->tag == ASL_ARRAY) {
            struct site *s = &sites[i];
            s->count = asl_array_count(machines);
            s->machines = arena_alloc(p->arena, (s->count + 1) * sizeof *s->machines);
            for (size_t m = 0; m < s->count; m++)
                s->machines[m] = (uint32_t)asl_array_at(machines, m)->i;
            s->is_map = s->count == 1 && has(&v, "kind") && asl_str_equal(asl_text_of(asl_object_get(&v, ASL_STR("kind"))), ASL_STR("map"));
            s->selects = has(&v, "itemSelector");
            s->distributed = has(&v, "distributed");
            s->limited = has(&v, "toleratedFailureCount") || has(&v, "toleratedFailurePercentage");
        }
        asl_release(v);
    }
    return sites;
}

// An iteration without an ItemSelector has begun when its frame is made: the op has nothing left to do.
static void drop_items(struct shape *s) {
    for (size_t i = 0; i < s->from_count; i++) {
        struct ir_block *b = s->from[i];
        if (b->ops.count == 1 && b->ops.items[0].opcode == OP_ITEM && b->exit.kind == EXIT_JUMP &&
            !s->sites[b->ops.items[0].operand[0]].selects && !s->sites[b->ops.items[0].operand[0]].distributed)
            b->ops.count = 0;
    }
}

// ---------------------------------------------------------------- branches that become part of their machine
//
// A Parallel's branches, when they are small and without loops, are copied into its machine one after the other, with
// slots of their own, and belong to the Parallel state: when anything in them is unusual, that is what begins again.

static bool acyclic(const struct ir_plan *p, const struct original *m) {
    uint8_t *seen = arena_alloc(p->arena, m->count + 1); // 1 on the way, 2 done
    struct place *stack = arena_alloc(p->arena, (m->count + 1) * sizeof *stack);
    size_t depth = 0;
    stack[depth++] = (struct place){0, 0};
    seen[0] = 1;
    while (depth) {
        const struct ir_exit *e = &m->blocks[stack[depth - 1].block]->exit;
        if (stack[depth - 1].op == e->target_count) {
            seen[stack[--depth].block] = 2;
            continue;
        }
        uint32_t to = e->target[stack[depth - 1].op++];
        if (seen[to] == 1)
            return false;
        if (!seen[to]) {
            seen[to] = 1;
            stack[depth++] = (struct place){to, 0};
        }
    }
    return true;
}

static bool inlines(const struct shape *s, const struct site *site) {
    size_t ops = 0;
    if (!site->now || site->is_map)
        return false;
    for (size_t c = 0; c < site->count; c++) {
        const struct original *m = &s->originals[site->machines[c]];
        for (size_t b = 0; b < m->count; b++) {
            if (m->blocks[b]->error != IR_NO_BLOCK)
                return false;
            for (size_t o = 0; o < m->blocks[b]->ops.count; o++, ops++) {
                uint8_t opcode = m->blocks[b]->ops.items[o].opcode;
                // The Context object says which state it is; a poll tells what was counted; what forks again has blocks of its own for errors.
                if (opcode == OP_CONTEXT || opcode == OP_POLL || opcode == OP_MARK || opcode == OP_MAP || opcode == OP_PARALLEL || opcode == OP_ITEM)
                    return false;
            }
        }
        if (!acyclic(s->plan, m))
            return false;
    }
    return ops <= MOST_INLINED;
}

static struct ir_op shifted(const struct ir_op *op, uint32_t by) {
    struct ir_op copy = *op;
    const char *kinds = ir_op_info[op->opcode].operands;
    for (size_t i = 0; kinds[i]; i++)
        if (strchr("dsxaDXv", kinds[i]) && op->operand[i] != ASL_NO_OPERAND && !(kinds[i] == 'v' && op->operand[i] & ASL_CONSTANT))
            copy.operand[i] += by;
    return copy;
}

static struct ir_block *bare_block(struct shape *s, const char *name, uint32_t state) {
    ir_block_new(s->plan, s->m, name, state);
    return s->m->blocks.items[s->m->blocks.count - 1];
}

static void jump_to(struct shape *s, struct ir_block *b, uint32_t to) {
    b->exit.kind = EXIT_JUMP;
    b->exit.target_count = 1;
    b->exit.target = arena_alloc(s->arena, sizeof *b->exit.target);
    b->exit.target[0] = to;
}

// Appends a branch's blocks, and the block that begins it; returns that one's number. Its output goes to `out`.
static uint32_t inline_branch(struct shape *s, uint32_t machine, uint32_t input, uint32_t out, uint32_t state, uint32_t next) {
    const struct original *m = &s->originals[machine];
    const struct ir_machine *child = s->plan->machines.items[machine];
    uint32_t slots = (uint32_t)s->m->slots.count, begin, first;
    for (size_t i = 0; i < m->slots; i++)
        ir_slot(s->plan, s->m, child->slots.items[i]);
    begin = (uint32_t)s->m->blocks.count;
    first = begin + 1;
    struct ir_block *b = bare_block(s, m->blocks[0]->name, state);
    ir_op(s->plan, b, OP_COPY, OPERANDS(slots, input));
    for (size_t i = 0; i < child->captures.count; i++)
        ir_op(s->plan, b, OP_COPY, OPERANDS(slots + child->captures.items[i].slot, child->captures.items[i].parent_slot));
    jump_to(s, b, first);
    for (size_t i = 0; i < m->count; i++) {
        const struct ir_block *from = m->blocks[i];
        b = bare_block(s, from->name, state);
        for (size_t o = 0; o < from->ops.count; o++)
            if (from->ops.items[o].opcode != OP_ENTER) // leaving counts for both
                *vec_push(s->arena, &b->ops) = shifted(&from->ops.items[o], slots);
        b->exit = from->exit;
        if (from->exit.kind == EXIT_DONE) {
            ir_op(s->plan, b, OP_COPY, OPERANDS(out, (from->exit.a & ~ASL_LAST) + slots));
            jump_to(s, b, next);
            continue;
        }
        if (from->exit.kind == EXIT_IF) {
            b->exit.a += slots;
            b->exit.b += slots;
        }
        b->exit.target = arena_alloc(s->arena, (from->exit.target_count + 1) * sizeof *b->exit.target);
        for (uint32_t t = 0; t < from->exit.target_count; t++)
            b->exit.target[t] = from->exit.target[t] + first;
    }
    return begin;
}

static bool *inline_branches(struct shape *s) {
    bool *inlined = arena_alloc(s->arena, s->plan->states.count + 1);
    size_t count = s->m->blocks.count;
    const bool *simple = only_compute(s->plan, s->sites, s->watched, s->m->blocks.items, count, NULL);
    for (size_t i = 0; i < count; i++) {
        struct ir_block *b = s->m->blocks.items[i];
        struct ir_op *op = b->ops.count ? &b->ops.items[b->ops.count - 1] : NULL;
        if (!op || !simple[i] || op->opcode != OP_PARALLEL || b->exit.kind != EXIT_SUSPEND || !inlines(s, &s->sites[op->operand[0]]))
            continue;
        struct ir_block *answered = s->m->blocks.items[b->exit.target[0]];
        if (!answered->ops.count || answered->ops.items[0].opcode != OP_RESULT)
            continue;
        struct site *site = &s->sites[op->operand[0]];
        site->inlined = true;
        uint32_t input = op->operand[1] & ~ASL_LAST, state = b->state, *out = arena_alloc(s->arena, site->count * sizeof *out);
        uint32_t results = ir_slot(s->plan, s->m, "results");
        for (size_t c = 0; c < site->count; c++)
            out[c] = ir_slot(s->plan, s->m, "output");
        uint32_t next = (uint32_t)s->m->blocks.count;
        struct ir_block *end = bare_block(s, answered->name, state);
        ir_op(s->plan, end, OP_ARRAY, OPERANDS(results));
        for (size_t c = 0; c < site->count; c++)
            ir_op(s->plan, end, OP_PUSH, OPERANDS(results, out[c]));
        ir_op(s->plan, end, OP_TICK, OPERANDS(2, 0)); // ParallelStateStarted, ParallelStateSucceeded
        jump_to(s, end, b->exit.target[0]);
        for (size_t c = site->count; c-- > 0;)
            next = inline_branch(s, site->machines[c], input, out[c], state, next);
        *op = (struct ir_op){.opcode = OP_MARK, .line = op->line, .column = op->column};
        jump_to(s, b, next);
        struct ir_op *result = &answered->ops.items[0];
        if (result->operand[0] == ASL_NO_OPERAND)
            *result = (struct ir_op){.opcode = OP_TICK, .line = result->line, .column = result->column};
        else
            *result = (struct ir_op){.opcode = OP_COPY, .line = result->line, .column = result->column, .operand = {result->operand[0], results}};
        inlined[state] = true;
    }
    return inlined;
}

// Slots that nothing speaks of any more: those of branches that have become registers.
static void pack_slots(struct shape *s, uint32_t home) {
    struct ir_machine *m = s->m;
    uint32_t *to = arena_alloc(s->arena, (m->slots.count + 1) * sizeof *to);
    bool *used = arena_alloc(s->arena, m->slots.count + 1);
    for (size_t i = 0; i < home; i++)
        used[i] = true;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < m->blocks.count; i++) {
            struct ir_block *b = m->blocks.items[i];
            for (size_t o = 0; o < b->ops.count; o++) {
                const char *kinds = ir_op_info[b->ops.items[o].opcode].operands;
                for (size_t k = 0; kinds[k]; k++) {
                    uint32_t *v = &b->ops.items[o].operand[k];
                    if (!strchr("dsxaDXv", kinds[k]) || *v == ASL_NO_OPERAND || (kinds[k] == 'v' && *v & ASL_CONSTANT))
                        continue;
                    uint32_t count = kinds[k] == 'a' ? b->ops.items[o].operand[k + 1] : kinds[k] == 'D' || kinds[k] == 'X' ? 2 : 1;
                    for (uint32_t c = 0; c < count && pass == 0; c++)
                        used[*v + c] = true;
                    if (pass == 1)
                        *v = to[*v];
                }
            }
            uint32_t *tested[] = {&b->exit.a, &b->exit.b};
            for (int t = 0; t < 2; t++) {
                bool is = (b->exit.kind == EXIT_IF || (b->exit.kind == EXIT_DONE && t == 0)) && *tested[t] != ASL_NO_OPERAND &&
                          !(*tested[t] & (ASL_CONSTANT | IR_NUMBER));
                if (is && pass == 0)
                    used[*tested[t]] = true;
                if (is && pass == 1)
                    *tested[t] = to[*tested[t]];
            }
        }
        uint32_t kept = 0;
        for (uint32_t i = 0; i < m->slots.count && pass == 0; i++) {
            to[i] = kept;
            kept += used[i];
        }
    }
    uint32_t kept = 0;
    for (size_t i = 0; i < m->slots.count; i++)
        if (used[i])
            m->slots.items[kept++] = m->slots.items[i];
    m->slots.count = kept;
}

static void rank_blocks(struct shape *s) {
    struct place *stack = arena_alloc(s->arena, (s->from_count + 1) * sizeof *stack);
    bool *seen = arena_alloc(s->arena, s->from_count + 1);
    uint32_t left = (uint32_t)s->from_count;
    for (uint32_t root = 0; root < s->from_count; root++) {
        if (seen[root])
            continue;
        size_t depth = 0;
        stack[depth].block = root;
        stack[depth++].op = 0;
        seen[root] = true;
        while (depth) {
            const struct ir_exit *e = &s->from[stack[depth - 1].block]->exit;
            if (stack[depth - 1].op == e->target_count) {
                s->rank[stack[--depth].block] = --left;
                continue;
            }
            uint32_t to = e->target[stack[depth - 1].op++];
            if (!seen[to]) {
                seen[to] = true;
                stack[depth].block = to;
                stack[depth++].op = 0;
            }
        }
    }
}

static void shape_machine(struct ir_plan *p, struct site *sites, const struct original *originals, size_t number) {
    struct ir_machine *m = p->machines.items[number + p->quiet];
    struct shape shape = {.plan = p, .arena = p->arena, .watched = p->machines.items[number], .m = m}, *s = &shape;
    s->sites = sites;
    s->originals = originals;
    const bool *inlined = inline_branches(s);
    s->live = opt_live(p, m);
    s->from = m->blocks.items;
    s->from_count = m->blocks.count;
    s->home = (uint32_t)m->slots.count;
    size_t n = s->from_count + 1;
    s->rank = arena_alloc(s->arena, n * sizeof *s->rank);
    s->preds = arena_alloc(s->arena, n * sizeof *s->preds);
    s->copies = arena_alloc(s->arena, n * sizeof *s->copies);
    s->pending = arena_alloc(s->arena, n * sizeof *s->pending);
    memset(s->copies, 0xff, n * sizeof *s->copies);
    for (size_t i = 0; i < s->from_count; i++) {
        s->budget += 3 * s->from[i]->ops.count + 20;
        for (uint32_t t = 0; t < s->from[i]->exit.target_count; t++)
            s->preds[s->from[i]->exit.target[t]]++;
    }
    s->preds[0]++;
    s->simple = only_compute(p, sites, s->watched, s->from, s->from_count, inlined);
    rank_blocks(s);
    drop_items(s);
    m->blocks.items = NULL;
    m->blocks.count = m->blocks.capacity = 0;
    target_of_copy(s, 0);
    while (s->visits.count || s->to_copy.count) {
        if (s->to_copy.count) {
            copy_block(s, s->to_copy.items[--s->to_copy.count]);
            continue;
        }
        struct visit next = s->visits.items[--s->visits.count];
        run_state(s, next.block, next.at);
    }
    pack_slots(s, (uint32_t)s->watched->slots.count);
    for (size_t i = 0; i < s->forgets.count; i++)
        out_block(s, s->forgets.items[i].block)->ops.items[s->forgets.items[i].op].operand[1] = (uint32_t)m->slots.count;
    for (size_t k = 0; k < s->constant_room; k++)
        asl_release(s->constants[k]);
    opt_thread_machine(p->arena, m);
}

// A quiet machine that nobody starts.
static void leave_empty(struct ir_plan *p, uint32_t number) {
    struct ir_machine *m = p->machines.items[number + p->quiet];
    m->blocks.items = NULL;
    m->blocks.count = m->blocks.capacity = 0;
    m->numbers = 0;
    m->slots.count = p->machines.items[number]->slots.count;
    uint32_t only = ir_block_new(p, m, "inlined", ASL_NO_OPERAND);
    struct ir_block *b = m->blocks.items[only];
    b->exit.kind = EXIT_GIVE_UP;
    b->exit.target_count = 1;
    b->exit.target = arena_alloc(p->arena, sizeof *b->exit.target); // block 0
}

void opt_shape(struct ir_plan *p) {
    if (!p->quiet)
        return;
    struct site *sites = read_sites(p);
    runs_through(p, sites, 0, 0); // nothing runs beside the outermost machine
    struct original *originals = arena_alloc(p->arena, (p->quiet + 1) * sizeof *originals);
    for (size_t i = 0; i < p->quiet; i++) {
        const struct ir_machine *m = p->machines.items[i + p->quiet];
        originals[i] = (struct original){m->blocks.items, m->blocks.count, m->slots.count};
    }
    for (size_t i = p->quiet; i-- > 0;) // inner machines have larger numbers; what is copied into others is not changed
        shape_machine(p, sites, originals, i);
    for (size_t i = 0; i < p->sites.count; i++)
        for (size_t c = 0; c < sites[i].count && sites[i].inlined; c++)
            leave_empty(p, sites[i].machines[c]);
}
