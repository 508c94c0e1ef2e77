// Private to the lowering of expressions: a tree becomes functions of the plan.
//
//     compile.c      an expression as a whole: its parameters, its functions one after another
//     scope.c        names: where each is bound, which lambdas are known, what a lambda captures
//     lower.c        nodes: literals, operators, conditions, blocks, constructors
//     lower_path.c   paths, predicates, order-by, groups
//     lower_tuple.c  paths with @ # %: loops in loops, whose names are slots
//     lower_call.c   calls, lambdas, the higher-order functions as loops, transforms
//
// What these files share begins with jl_.
//
// Slots of a function: 0 the context, then its parameters, then what it captures, then variables and temporaries, which
// come and go like a stack (`top`). An operand is a slot or a constant (ASL_CONSTANT). Arguments that an op takes as
// consecutive slots are always fresh temporaries: such ops move them out.
#ifndef ASLC_JSONATA_LOWER_H
#define ASLC_JSONATA_LOWER_H

#include "../ir.h"
#include "jsonata.h"
#include "tree.h"

#define NONE ASL_NO_OPERAND

typedef struct jsonata_node node; /* here only: it is in every signature */

struct function;
struct lambda;

struct variable {
    asl_str name;
    struct function *function; /* whose slot it is */
    uint32_t slot;
    bool cell;             /* the slot holds a cell */
    bool many;             /* assigned more than once: what was read before must be copied */
    struct lambda *lambda; /* the name of a known lambda: no slot at all */
};

struct scope {
    struct scope *up;
    struct function *function;
    VEC(struct variable *) variables;
};

/* A lambda that becomes a function of its own. */
struct lambda {
    const node *node;
    struct scope *scope;        /* where it is written */
    struct variable *context;   /* the context there */
    bool reads_context;
    bool analysed;
    VEC(struct variable *) captures; /* the context among them when it is read */
    uint32_t number;            /* of the plan's function; NONE: nobody has needed it yet */
};

struct capture {
    struct variable *variable;
    uint32_t slot;
};

struct function {
    struct compiler *compiler;
    struct ir_machine *machine;
    uint32_t block, error; /* ops go to the end of block; error edge of new blocks */
    uint32_t top;          /* slots below are in use */
    struct scope *scope;
    VEC(struct capture) captures;
    uint32_t level;        /* nesting of the node being lowered */
    uint32_t wrapped;      /* a context that is a sequence: reading $ makes a node's value of it; NONE */
    uint32_t checked, checked_block; /* nesting has been checked down to this level in that block (jx_depth) */
    bool is_lambda;
};

struct compiler {
    struct arena *arena;
    struct ir_plan *plan;
    enum jsonata_dialect dialect;
    const char *name;
    const char *const *bound; /* names that the caller binds though they are a built-in's */
    size_t bound_count;
    bool depth; /* nesting is checked at run time */
    struct variable *root_context, *input; /* $$ */
    VEC(struct lambda *) pending; /* declared, body to come */
    VEC(struct lambda *) lambdas; /* all, by node */
};

// ---------------------------------------------------------------- building (lower.c)

#define OPERANDS(...) ((const uint32_t[IR_MAX_OPERANDS]){__VA_ARGS__})
void jl_emit(struct function *f, enum ir_opcode opcode, const uint32_t *operands);
uint32_t jl_new_block(struct function *f, const char *name);
void jl_go_to(struct function *f, uint32_t block);    /* a jump there, and on with it */
void jl_jump(struct function *f, uint32_t block);     /* ends the current block */
void jl_branch(struct function *f, uint32_t yes, uint32_t no); /* after an op that asks */
void jl_continue_at(struct function *f, uint32_t block);
uint32_t jl_temporary(struct function *f);
uint32_t jl_temporaries(struct function *f, uint32_t count);
uint32_t jl_constant(struct function *f, const char *json);
uint32_t jl_constant_string(struct function *f, asl_str text);
uint32_t jl_in_slot(struct function *f, uint32_t operand); /* a constant gets a temporary */
void jl_copy(struct function *f, uint32_t to, uint32_t operand);
uint32_t jl_site(struct function *f, const node *n);  /* [position, token, depth] */
bool jl_same(asl_str a, const char *b);

// ---------------------------------------------------------------- nodes (lower.c)

/* The value of n: in `want`, or anywhere when that is NONE. Temporaries above the result's slot are free again. */
uint32_t jl_value(struct function *f, const node *n, uint32_t context, uint32_t want);
/* The same without the node's predicates, group and keep_array. raw: a sequence does not collapse. */
uint32_t jl_bare_value(struct function *f, const node *n, uint32_t context, uint32_t want, bool raw);
/* The value of a lambda's body where it is inlined: what a call in tail position gives does not collapse. */
uint32_t jl_body_value(struct function *f, const node *n, uint32_t context, uint32_t want);
void jl_condition(struct function *f, const node *n, uint32_t context, uint32_t yes, uint32_t no);
bool jl_is_boolean(struct function *f, const node *n); /* true, false, or nothing, surely */
void jl_returned(struct function *f, const node *n, uint32_t context); /* a body: its value, or a tail call */
bool jl_is_plain(const node *n); /* has neither predicates nor group */
void jl_literal_json(const node *n, asl_buffer *out); /* of a literal */
bool jl_is_literal(const node *n);

// ---------------------------------------------------------------- paths (lower_path.c)

uint32_t jl_path_value(struct function *f, const node *n, uint32_t context, uint32_t want);
/* The list that the steps before `end` give; *how becomes the way to iterate over it (jx_iterate). */
uint32_t jl_path_list(struct function *f, const node *n, uint32_t end, uint32_t context, uint32_t *how);
enum { AS_STAGE, AS_NODE, AS_KEPT, AS_SEQUENCE /* not yet a node's value */, OF_LIST = 16 /* nothing is no item */ };
uint32_t jl_filtered(struct function *f, uint32_t operand, const node *filter, uint32_t want, uint32_t as);
uint32_t jl_object_value(struct function *f, const struct jsonata_pairs *pairs, uint32_t items, uint32_t want);
void jl_group_values(struct function *f, const struct jsonata_pairs *pairs, uint32_t groups, uint32_t object, uint32_t key,
                     uint32_t context, uint32_t head);
// Appends the keys of one item to keys; returns the constant that says which terms sort downwards.
uint32_t jl_sort_keys(struct function *f, const node *sort, uint32_t context, uint32_t keys);
uint32_t jl_sorted(struct function *f, const node *sort, uint32_t list, uint32_t how, uint32_t want);
/* Loops: over a list, with each item in a slot. */
struct loop {
    uint32_t iterator, item, head, done;
};
enum { ITEMS_GET_NAMES = 64 };
struct loop jl_loop_begin(struct function *f, uint32_t list, uint32_t how); /* how: of jx_iterate */
void jl_loop_end(struct function *f, const struct loop *l);

// ---------------------------------------------------------------- tuples (lower_tuple.c)

bool jl_is_stream(const node *path);
uint32_t jl_stream_value(struct function *f, const node *path, uint32_t context, uint32_t want);

// ---------------------------------------------------------------- names (scope.c)

struct scope *jl_scope_open(struct function *f); /* becomes f->scope */
void jl_scope_close(struct function *f);
struct variable *jl_scope_add(struct function *f, asl_str name, uint32_t slot); /* NONE: a new temporary */
/* The names that the nodes bind themselves, with the values of the outer ones for now. */
void jl_scope_declare(struct function *f, const struct jsonata_list *nodes, uint32_t context, bool block);
struct variable *jl_scope_find(const struct scope *s, asl_str name);
/* The variables that a text can name there, the innermost first; as many as there is room for. */
uint32_t jl_scope_visible(const struct scope *s, struct variable **out, uint32_t room);
uint32_t jl_variable_slot(struct function *f, struct variable *v); /* in this function: its own, or the captured one's */
uint32_t jl_variable_value(struct function *f, const node *n, asl_str name, uint32_t context, uint32_t want);
void jl_variable_assign(struct function *f, asl_str name, uint32_t operand);
asl_str jl_label_name(struct arena *a, uint32_t label); /* the variable of a % */
int jl_builtin_id(struct function *f, asl_str name); /* -1: none, or it is shadowed */
int jl_builtin_named(enum jsonata_dialect dialect, asl_str name);
unsigned jl_builtin_params(int id);
bool jl_builtin_is_pure(int id); /* draws nothing at random, evaluates no text, calls no function that it is given */
/* The builtin that a call calls, or -1. */
int jl_called_builtin(struct function *f, const node *call);
struct lambda *jl_lambda_of(struct function *f, const node *n, uint32_t context);
void jl_lambda_analyse(struct compiler *c, struct lambda *l);
uint32_t jl_lambda_number(struct compiler *c, struct lambda *l);
bool jl_reads_context(struct compiler *c, const struct scope *s, const node *n);
bool jl_is_invariant(struct function *f, const node *n); /* surely the same value in every context */
bool jl_is_inlined(enum jsonata_dialect dialect, const node *call); /* $map(…, function) and the like, by its looks */

// ---------------------------------------------------------------- calls (lower_call.c)

uint32_t jl_call_value(struct function *f, const node *n, const node *first, uint32_t context, uint32_t want, bool raw);
void jl_tail_call(struct function *f, const node *n, uint32_t context); /* and return */
uint32_t jl_lambda_value(struct function *f, struct lambda *l, uint32_t want);
bool jl_may_be_raw(struct function *f, const node *n);
uint32_t jl_partial_value(struct function *f, const node *n, const node *first, uint32_t context, uint32_t want);
uint32_t jl_apply_value(struct function *f, const node *n, uint32_t context, uint32_t want, bool raw);
void jl_lambda_body(struct compiler *c, struct lambda *l);

#endif
