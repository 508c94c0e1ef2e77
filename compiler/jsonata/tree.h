// An expression as a tree, after the rewrites of jsonata-language 4: what the parser makes and the lowering reads.
//
//     a.b[0]{k: v}      PATH ── steps:  NAME "a",  NAME "b" with stages { FILTER NUMBER 0 }
//                         └─── group:   { k: v }
//     (a)[0]            BLOCK with predicates { NUMBER 0 }        a predicate of a node that is no path
//     a                 PATH of one step                           a lone name is a path
//     -1                NUMBER -1                                  folded
//     x ~> f(1)         APPLY x, CALL f(1)                         the lowering inserts x
//
// A node is evaluated as jsonata-language 5 says: its kind, then `predicates`, then `group` (of a PATH: by the path
// itself), then a sequence collapses unless keep_array. `stages`, `focus`, `index` and `ancestor` belong to a node as a
// step of the path it stands in. A call in tail position has no predicates, group and keep_array of its own any more.
//
// Trees live in the arena they were parsed into and are no deeper than JSONATA_MAX_DEPTH nodes, so functions over them
// may recurse. They are trees: no node is reached twice.
#ifndef ASLC_JSONATA_TREE_H
#define ASLC_JSONATA_TREE_H

#include "../arena.h"
#include "jsonata.h"

#define JSONATA_MAX_DEPTH ASL_MAX_DEPTH /* of nodes below one another; also of chains like 1+1+1 */
#define JSONATA_MAX_SIZE  (64u << 20)   /* bytes of source, as of any source: offsets have 32 bits */

enum jsonata_kind {
    JSONATA_PATH,        /* path */
    JSONATA_NAME,        /* text; only as a step */
    JSONATA_STRING,      /* text: WTF-8 */
    JSONATA_NUMBER,      /* number */
    JSONATA_TRUE,
    JSONATA_FALSE,
    JSONATA_NULL,
    JSONATA_VARIABLE,    /* text: name without its $; "" is the context, "$" the input */
    JSONATA_REGEX,       /* regex */
    JSONATA_WILDCARD,
    JSONATA_DESCENDANTS,
    JSONATA_PARENT,      /* slot */
    JSONATA_NEGATE,      /* one */
    JSONATA_ARRAY,       /* list; of its items only RANGE is no ordinary expression */
    JSONATA_RANGE,       /* two; only as an item of ARRAY */
    JSONATA_OBJECT,      /* object */
    JSONATA_BINARY,      /* two, operator */
    JSONATA_CONDITION,   /* condition; otherwise may be NULL */
    JSONATA_ELVIS,       /* two: a ?: b is a ? a : b */
    JSONATA_COALESCE,    /* two: a ?? b is $exists(a) ? a : b */
    JSONATA_BLOCK,       /* list */
    JSONATA_BIND,        /* bind */
    JSONATA_APPLY,       /* two: left ~> right */
    JSONATA_CALL,        /* call */
    JSONATA_PARTIAL,     /* call; of its arguments those that are PLACEHOLDER stay open */
    JSONATA_PLACEHOLDER, /* only as an argument of PARTIAL */
    JSONATA_LAMBDA,      /* lambda */
    JSONATA_TRANSFORM,   /* transform */
    JSONATA_SORT,        /* sort; only as a step */
};

enum jsonata_operator {
    JSONATA_ADD, JSONATA_SUBTRACT, JSONATA_MULTIPLY, JSONATA_DIVIDE, JSONATA_REMAINDER,
    JSONATA_EQUAL, JSONATA_NOT_EQUAL, JSONATA_LESS, JSONATA_LESS_EQUAL, JSONATA_GREATER, JSONATA_GREATER_EQUAL,
    JSONATA_CONCATENATE, JSONATA_AND, JSONATA_OR, JSONATA_IN,
};

struct jsonata_node;

struct jsonata_pair {
    struct jsonata_node *key, *value;
};

struct jsonata_pairs { /* an object constructor, or a group */
    struct jsonata_pair *items;
    size_t count;
    uint32_t position; /* of the { */
};

struct jsonata_list {
    struct jsonata_node **items;
    size_t count;
};

struct jsonata_stage {
    struct jsonata_node *filter; /* x[filter]; NULL: #$index among the stages */
    asl_str index;               /* without its $ */
    uint32_t position;
};

struct jsonata_stages {
    struct jsonata_stage *items;
    size_t count;
};

struct jsonata_term { /* of an order-by */
    struct jsonata_node *expression;
    bool descending;
};

/* What a % stands for: the value its label has in the tuple. Several % at one step share a label. */
struct jsonata_slot {
    uint32_t label; /* from 1, unique in the expression; no step has it when a % stands where nothing looks for its step:
                       then % is undefined */
    uint32_t level; /* the parser's */
};

struct jsonata_node {
    enum jsonata_kind kind;
    uint32_t offset, size; /* bytes of the source that are the node's token */
    uint32_t position;     /* UTF-16 units up to the token's end: what errors report */
    asl_str token;         /* what errors name: the operator; of a call the function's name; {NULL, 0} when not a string */
    uint32_t depth;        /* nodes below one another, itself included */

    bool keep_array;       /* [] on this node (on a PATH also see path.keep_singleton) */
    bool cons;             /* its array is not spliced into the surrounding sequence */
    bool tuple;            /* as a step: its path is a tuple stream from here on. PATH, BLOCK: yields the tuples themselves,
                              because an enclosing path needs their ancestry */
    struct jsonata_stages predicates; /* filters only; applied to the node's value as a whole */
    struct jsonata_stages stages;     /* of a step: applied to each item's result */
    struct jsonata_pairs *group;      /* or NULL */
    asl_str focus;         /* step: @$focus, without its $; data NULL when none */
    asl_str index;         /* step: #$index before any stage; data NULL when none */
    uint32_t ancestor;     /* step: label that is bound to the context it comes from; 0 none */

    union {
        struct {
            struct jsonata_list steps;
            bool keep_singleton; /* [] on a step, or on the lone name: the result is marked keepSingleton */
        } path;
        asl_str text;
        double number;
        struct {
            asl_str pattern; /* as written between the slashes */
            bool ignore_case, multiline;
        } regex;
        struct jsonata_slot *slot;
        struct jsonata_node *one;
        struct {
            struct jsonata_node *left, *right;
            enum jsonata_operator operator; /* of BINARY */
        } two;
        struct jsonata_list list;
        struct jsonata_pairs object;
        struct {
            struct jsonata_node *test, *then, *otherwise;
        } condition;
        struct {
            asl_str name; /* without its $ */
            struct jsonata_node *value;
        } bind;
        struct {
            struct jsonata_node *callee;
            struct jsonata_list arguments;
            bool tail; /* in tail position of a lambda (never set on PARTIAL) */
        } call;
        struct {
            asl_str *params; /* without their $ */
            size_t param_count;
            asl_str signature; /* "<s-:n>", its syntax checked; data NULL when none */
            struct jsonata_node *body;
        } lambda;
        struct {
            struct jsonata_node *pattern, *update, *removed; /* removed may be NULL */
        } transform;
        struct {
            struct jsonata_term *terms;
            size_t count;
        } sort;
    };
};

/* Parses source (UTF-8, or WTF-8: anything else is S0201) into a. NULL with *error filled when it is no expression of the dialect; the error's
   texts are in a. Time is linear in the source's size. */
struct jsonata_node *jsonata_parse(struct arena *a, asl_str source, enum jsonata_dialect dialect, struct jsonata_error *error);

// ---------------------------------------------------------------- what creation checks (jsonata-in-step-functions 10)

/* Members of $states that a field does not always have. */
enum { JSONATA_RESULT = 1, JSONATA_ERROR_OUTPUT = 2 };

/* Calls report for each thing that the Step Functions dialect refuses at creation, in order of evaluation, one name
   once: a bare name or $ read with the expression's own context, $$ anywhere, $states.result or $states.errorOutput that
   is not among offered. message is in a. */
typedef void jsonata_check_fn(void *arg, const struct jsonata_node *at, const char *message);
void jsonata_check(struct arena *a, const struct jsonata_node *tree, unsigned offered, jsonata_check_fn *report, void *arg);

/* Calls visit for each reading of a variable that is not bound inside the expression, in order of evaluation: name without
   its $, "" and "$" and the names of built-in functions included. A binding that is not sure to have been made counts as
   none, but inside a lambda the bindings around it count also where they come later: $f in $f := function(){ $f() }.
   field is the name of a plain step that follows, as "input" in $states.input.x; data NULL otherwise. a is for the tables. */
typedef void jsonata_variable_fn(void *arg, const struct jsonata_node *at, asl_str name, asl_str field);
void jsonata_variables(struct arena *a, const struct jsonata_node *tree, jsonata_variable_fn *visit, void *arg);

#endif
