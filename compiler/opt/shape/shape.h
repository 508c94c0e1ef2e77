// What the parts of the shape pass share: what is known of a value, the machine that is being written, and the steps from
// one to the other. shape.c says how it works.
//
//     known.c      symbols, constants and facts
//     write.c      ops of the new machine; building what is not built; giving up
//     members.c    paths into objects and arrays, ResultPath
//     functions.c  intrinsics and arithmetic
//     expressions.c  JSONata that calculates
//     op.c         one op
//     test.c       Choice rules
//     state.c      one state
//     parts.c      what a state that waits does before it waits and with its result
//     versions.c   from a state to the next
//     sites.c      which states only compute, which Parallel and Map states run at once
//     checks.c     checks of numbers that later ones include
//     inline.c     branches that become part of their machine
//
// Everything lies in the arena of the plan.
#ifndef ASLC_OPT_SHAPE_H
#define ASLC_OPT_SHAPE_H

#include <string.h>

#include "aslc/path.h"
#include "ir.h"
#include "query.h"

enum kind { SLOT, NUMBER, CONST, OBJECT, ARRAY, TEST };

struct range { // of an integer, both included
    int64_t least, most;
};
#define ANY_INTEGER ((struct range){INT64_MIN, INT64_MAX})

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
    uint32_t wanted; // compared or added: worth finding out whether it is an integer of so many bits, before a loop
    struct range range; // NUMBER
    bool param;      // of a version
    uint32_t depth;
    struct sym *base; // OBJECT
    uint32_t count;
    uint32_t *keys; // OBJECT: constants
    struct sym **items;
    uint32_t test; // TEST: of numbers items[0] and items[1]
    bool negated;  // TEST
    bool returned; // OBJECT: an expression's, whose members are known
};

// "op of s with a and b is result": on the way to here, that has been computed. OP_GUARD: result is s, with a its types;
// OP_WITHIN: result is s, with a and b its range.
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
    bool calls; // and expressions are called
    struct env env;
};

struct arrivals {
    VEC(struct cursor) items;
};

struct visit {
    uint32_t block;
    struct cursor at;
    bool calls;
};

struct move {
    uint32_t d, s;
    bool number;
};

// Copies that happen at once.
struct moves {
    VEC(struct move) items;
};

struct place {
    uint32_t block, op;
};

// A Parallel or Map site.
struct site {
    bool is_map, selects, distributed, limited;
    bool has_token; // maybe: then every attempt has another
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
    bool *simple; // by block: run symbolically
    uint32_t *copies; // by block: the same, copied, or IR_NO_BLOCK
    const uint64_t *const *live;
    VEC(struct version) versions;
    VEC(struct visit) visits;
    VEC(uint32_t) to_copy;
    VEC(struct place) forgets; // FORGET ops, whose count of slots is known in the end
    size_t ops, budget;
    asl_value *constants; // parsed when first asked for
    size_t constant_room;
    struct sym **const_syms;
    /* the state being run */
    struct cursor at;
    uint32_t state, entry, again, hopes_less;
    struct env entry_env;
    struct arrivals *pending; // by block
    bool iteration; // the machine is a Map's, run here and now
    struct sym *item; // what it is the iteration of
    bool hopes;  // some expression of it is calculated: when that does not work out, it begins again in a version that calls it
    bool calls;  // that is this one
    bool entered; // a part of a state that waits: the state has been entered
    struct sym *answer; // what such a part has been given, for who does it over
    bool drawn; // it has drawn random numbers: so does giving up, and takes those back
    bool marked; // branches count their states within this one: giving up takes that back
    struct sym *results; // of the iterations or branches that have just run
    uint32_t line, column;
};

#define OPERANDS(...) ((const uint32_t[IR_MAX_OPERANDS]){__VA_ARGS__})

// known.c
struct sym *shape_sym_new(struct shape *s, enum kind kind, uint32_t number, uint32_t types);
const asl_value *shape_constant(struct shape *s, uint32_t k); // borrowed; lives until the pass ends
struct sym *shape_const_sym(struct shape *s, uint32_t k);
struct sym *shape_value_sym(struct shape *s, const asl_value *v); // v as a constant of the plan
bool shape_const_int(struct shape *s, const struct sym *x, int64_t *out);
struct sym *shape_find(const struct env *e, uint32_t op, const struct sym *x, uint64_t a, uint64_t b); // a fact's result, or NULL
void shape_learn(struct shape *s, uint32_t op, const struct sym *x, uint64_t a, uint64_t b, struct sym *result);
uint32_t shape_types_of(const struct env *e, const struct sym *x);
struct sym *shape_known_number(struct shape *s, const struct env *e, struct sym *x);
struct range shape_range_of(struct shape *s, const struct env *e, const struct sym *n); // n: NUMBER, or a constant integer
bool shape_in_range(struct range inner, struct range outer);
struct range shape_bits(uint32_t bits); // what op within lets pass
struct env shape_env_copy(struct shape *s, const struct env *from);

// write.c
static inline bool shape_is_live(const struct shape *s, uint32_t block, uint32_t slot) {
    return s->live[block][slot / 64] >> (slot % 64) & 1;
}
static inline struct ir_block *shape_out_block(struct shape *s, uint32_t out) { return s->m->blocks.items[out]; }
static inline uint32_t shape_number_operand(const struct sym *x) {
    return x->kind == CONST ? x->number | ASL_CONSTANT : x->number;
}
uint32_t shape_new_slot(struct shape *s);
uint32_t shape_new_block(struct shape *s, const char *name, uint32_t state);
struct ir_op *shape_append(struct shape *s, enum ir_opcode opcode, const uint32_t *operands);
void shape_leave_block(struct shape *s, enum ir_exit_kind kind, uint32_t a, uint32_t b, uint32_t count);
void shape_count_events(struct shape *s);
void shape_fallible(struct shape *s, enum ir_opcode opcode, const uint32_t *operands);
void shape_give_up(struct shape *s);
uint32_t shape_in_slot(struct shape *s, struct sym *x);
uint32_t shape_operand(struct shape *s, struct sym *x);
struct sym *shape_as_number(struct shape *s, struct sym *x);
bool shape_within(struct shape *s, struct sym *n, uint32_t bits); // it gives up when n has more; false: it surely has
void shape_move_all(struct shape *s, struct moves *m);
void shape_to_homes(struct shape *s, uint32_t block);
void shape_put_home(struct shape *s, const uint64_t *slots); // the set of these

// members.c
struct sym *shape_object_with(struct shape *s, struct sym *o, uint32_t key, struct sym *value);
struct sym *shape_as_object(struct shape *s, struct sym *x);
struct sym *shape_bounded(struct shape *s, struct sym *x);
struct sym *shape_child(struct shape *s, struct sym *x, uint32_t key, int64_t index, bool maybe);
bool shape_run_path(struct shape *s, const struct ir_op *op);
bool shape_run_put(struct shape *s, const struct ir_op *op);

// functions.c; false: it surely fails
bool shape_run_intrinsic(struct shape *s, const struct ir_op *op);
struct sym *shape_add(struct shape *s, enum ir_opcode op, struct sym *a, struct sym *b, uint32_t bits);
uint32_t shape_consecutive(struct shape *s, struct sym *const *args, uint32_t count); // slots that follow each other; the first

// expressions.c; false: it surely fails
bool shape_calculates(const struct ir_machine *f);
bool shape_run_expression(struct shape *s, const struct ir_op *op);

// op.c; false: the state gives up here
bool shape_run_op(struct shape *s, const struct ir_op *op);

// test.c
struct sym *shape_answer(struct shape *s, struct sym *test); // as a value
void shape_branch(struct shape *s, uint32_t test, struct sym *a, struct sym *b, uint32_t yes, uint32_t no);

// state.c
void shape_run_state(struct shape *s, uint32_t block, struct cursor at, bool calls);

// parts.c
void shape_find_parts(struct shape *s);
bool shape_run_result(struct shape *s, const struct ir_op *op);
void shape_run_exit(struct shape *s, const struct ir_op *op);
bool shape_run_start(struct shape *s, const struct ir_block *b, const struct ir_op *op);

// versions.c
void shape_forget_all(struct shape *s);
void shape_go(struct shape *s, uint32_t to);
uint32_t shape_plain_version(struct shape *s, uint32_t block, bool calls);
uint32_t shape_target_of_copy(struct shape *s, uint32_t block);

// sites.c
bool shape_draws(uint32_t intrinsic); // random numbers
struct site *shape_read_sites(struct ir_plan *p);
bool shape_runs_through(const struct ir_plan *p, struct site *sites, size_t number, int depth);
bool shape_computes(const struct ir_plan *p, const struct ir_op *op); // it may be done twice
bool *shape_only_compute(const struct ir_plan *p, const struct site *sites, const struct ir_machine *watched,
                         struct ir_block *const *from, size_t from_count, const bool *inlined);

// checks.c
void shape_drop_checks(struct shape *s);

// inline.c
bool *shape_inline_branches(struct shape *s); // by state: it is a Parallel whose branches have become part of the machine

#endif
