// What the parts of the shape pass share: what is known of a value, the machine that is being written, and the steps from
// one to the other. shape.c says how it works.
//
//     known.c      symbols, constants and facts
//     write.c      ops of the new machine; building what is not built; giving up
//     members.c    paths into objects and arrays, ResultPath
//     functions.c  intrinsics and arithmetic
//     splice.c     expressions become part of the machine
//     expressions.c  what they do there
//     reals.c      numbers that are no integers
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

enum kind { SLOT, NUMBER, REAL, CONST, OBJECT, ARRAY, TEST };

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
    MOST_TRUSTED = 6000, // ops: in a machine that has more, expressions are called
    MOST_MEMBERS = 48, // of an object that is not built
    MOST_FACTS = 256,
    DEEPEST = 12,
    GUESSES = 4,       // at a loop's back edge: values that may turn out to be integers
};

enum builtin { // JSONata's functions
#define BUILTIN(id, name, signature, dialect) JX_##id,
#include "aslc/jsonata.def"
#undef BUILTIN
    BUILTINS
};

struct sym {
    enum kind kind;
    uint32_t number; // SLOT, NUMBER, REAL, CONST
    uint32_t types;
    uint32_t wanted; // compared or added: worth finding out whether it is an integer of so many bits, before a loop
    struct range range; // NUMBER
    bool fraction; // SLOT: when it is a number, then mostly none that is an integer
    bool param;      // of a version
    uint32_t depth;
    struct sym *base; // OBJECT, ARRAY
    uint32_t count;
    uint32_t *keys; // OBJECT: constants
    struct sym **items;
    uint32_t test; // TEST: of numbers items[0] and items[1]
    bool negated;  // TEST
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

// What a state's expressions are taken for. When it does not work out, it begins again in a version that trusts them less.
enum trust { INTEGERS, REALS, CALLS };

struct version {
    uint32_t block, out;
    bool plain; // everything in slots
    enum trust trust;
    struct env env;
};

struct arrivals {
    VEC(struct cursor) items;
};

struct visit {
    uint32_t block;
    struct cursor at;
    enum trust trust;
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

// A block at whose end an expression is evaluated, or (inside) one of that expression's.
struct splice {
    const struct ir_op *call; // what calls the expression instead
    uint32_t after;           // where it goes on behind it; IR_NO_BLOCK: the block is no such one
    bool inside;
    bool alone; // all that comes here does so on its own
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
    VEC(struct splice) splices; // by block, and one more
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
    enum trust trust;
    bool hopes;  // there is a version that trusts less: so
    enum trust trusts_less;
    bool entered; // a part of a state that waits: the state has been entered
    struct sym *answer; // what such a part has been given, for who does it over
    bool drawn; // it has drawn random numbers: giving up takes them back
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

struct sym *shape_settled(struct shape *s, struct sym *x); // without arrays that wait to grow

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

// reals.c; NULL: it surely is no number
bool shape_is_real(struct shape *s, struct sym *x); // its value is that of a REAL
bool shape_has_fraction(struct shape *s, const struct sym *x); // it is better taken for a double than for an integer
struct sym *shape_to_real(struct shape *s, struct sym *x);
struct sym *shape_as_real(struct shape *s, struct sym *x);
struct sym *shape_as_whole(struct shape *s, struct sym *x);
struct sym *shape_floor(struct shape *s, struct sym *x, uint32_t how);
struct sym *shape_calculate(struct shape *s, uint32_t how, struct sym *a, struct sym *b);
struct sym *shape_real_holds(struct shape *s, uint32_t how, struct sym *a, struct sym *b);

// splice.c
void shape_splice_expressions(struct shape *s, bool **simple);

// expressions.c; false: it is to be called, or surely fails
bool shape_run_expression_op(struct shape *s, const struct ir_op *op);
bool shape_ask(struct shape *s, const struct ir_op *op, uint32_t yes, uint32_t no);
void shape_branch_on(struct shape *s, struct sym *x, uint32_t yes, uint32_t no); // a test, or a boolean
bool shape_call_expression(struct shape *s, const struct ir_op *op, bool calculates); // its result may well be an integer

// op.c; false: the state gives up here
bool shape_run_op(struct shape *s, const struct ir_op *op);

// test.c
struct sym *shape_answer(struct shape *s, struct sym *test); // as a value
void shape_branch(struct shape *s, uint32_t test, struct sym *a, struct sym *b, uint32_t yes, uint32_t no);

// state.c
void shape_run_state(struct shape *s, uint32_t block, struct cursor at, enum trust trust);
void shape_run_block(struct shape *s, uint32_t block); // for what is pending there

// parts.c
void shape_find_parts(struct shape *s);
bool shape_run_result(struct shape *s, const struct ir_op *op);
void shape_run_exit(struct shape *s, const struct ir_op *op);
bool shape_run_start(struct shape *s, const struct ir_block *b, const struct ir_op *op);

// versions.c
void shape_forget_all(struct shape *s);
void shape_go(struct shape *s, uint32_t to);
uint32_t shape_plain_version(struct shape *s, uint32_t block, enum trust trust);
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
bool shape_acyclic(const struct ir_plan *p, struct ir_block *const *blocks, size_t count);
struct ir_op shape_shifted(const struct ir_op *op, uint32_t by); // its slots have larger numbers
void shape_jump_to(struct shape *s, struct ir_block *b, uint32_t to);
bool *shape_inline_branches(struct shape *s); // by state: it is a Parallel whose branches have become part of the machine

#endif
