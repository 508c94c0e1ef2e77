// JSONata expressions: text in, functions of the plan out.
#ifndef ASLC_JSONATA_H
#define ASLC_JSONATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aslc/value.h"

struct ir_plan;

enum jsonata_dialect {
    JSONATA_PLAIN,          /* the language itself, with an input document */
    JSONATA_STEP_FUNCTIONS, /* what the service makes of it: neither $ nor bare names, no ?: and ??, its own functions */
};

struct jsonata_error {
    const char *code;    /* "S0202" */
    const char *message; /* as the reference words it, without its code */
    const char *token;   /* or NULL */
    size_t offset, size; /* the bytes of the source that are meant */
    size_t position;     /* UTF-16 units, as the reference counts: up to the end of the token */
};

struct jsonata_expression {
    uint32_t function;         /* of the plan */
    const char *const *params; /* the free variables in the order the function takes them, after the context in slot 0: */
    size_t param_count;        /* "x", "states.input", "states.result", "states.errorOutput", "states.context", "states" */
};

/* Parses source (without {% %}) and adds its functions to plan. name is for messages and symbols. 0, or -1 with *error
   filled. Everything made lives as long as the plan. */
int jsonata_compile(struct ir_plan *plan, asl_str source, enum jsonata_dialect dialect, const char *name,
                    struct jsonata_expression *out, struct jsonata_error *error);

/* The same with options. */
struct jsonata_options {
    enum jsonata_dialect dialect;
    const char *name;
    const char *const *bound; /* variables that exist although a built-in function has their name */
    size_t bound_count;
    bool depth;               /* nesting is checked at run time (jx_limits.depth); always in STEP_FUNCTIONS */
    bool evaluated;           /* the text of $eval: the first parameter is $$, called "$" */
};
int jsonata_compile_with(struct ir_plan *plan, asl_str source, const struct jsonata_options *options,
                         struct jsonata_expression *out, struct jsonata_error *error);

#endif
