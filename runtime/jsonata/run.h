// Private to the runtime and the compiler: running the expressions of a program.
#ifndef ASL_JX_RUN_H
#define ASL_JX_RUN_H

#include "aslc/program.h"
#include "aslc/value.h"

struct jx;
struct jx_program;

/* Decodes what the program's expressions need. It belongs to one thread at a time. constants: those of the program's image
   when somebody has decoded it already (they must outlive it), else NULL. NULL with a message. */
struct jx_program *jx_program_new(const asl_program *program, const asl_value *const *constants, uint32_t constant_count,
                                  char *message, size_t message_size);
void jx_program_free(struct jx_program *p);
/* Where its random numbers come from; its own, seeded by the clock, otherwise. */
struct asl__random;
void jx_set_random(struct jx_program *p, struct asl__random *random);

enum jx_limit { JX_NO_LIMIT, JX_STACK, JX_MEMORY, JX_TIME };

struct jx_limits {
    uint32_t depth;         /* nested evaluations; 0: as deep as the C stack allows */
    uint32_t milliseconds;  /* 0: none */
    size_t memory;          /* bytes of one value; 0: the default */
    int64_t now_ms;         /* the instant, since 1970; 0: ask the clock */
};

/* An evaluation that failed. Release it with jx_error_clear. */
struct jx_error {
    char code[8];          /* "T2001" */
    enum jx_limit limit;   /* the code is D1011 or D1012 then */
    int64_t position;      /* UTF-16 units, -1: none */
    asl_value message;     /* without the code */
    asl_value token, value;
};
void jx_error_clear(struct jx_error *e);

/* Runs function g with the context and arguments, all borrowed. 0 with *out set (yours; ASL_NONE when undefined; marks are
   gone), or -1 with *error filled. A function as the result, or in it, stays one: see jx_without_functions. */
int jx_run(struct jx_program *p, uint32_t g, const asl_value *context, const asl_value *args, uint32_t count,
           const struct jx_limits *limits, asl_value *out, struct jx_error *error);

/* The value as a document: functions become "", infinities and NaN what JSON has (strings when `named`, else null). v is
   moved in. */
asl_value jx_document(asl_value v, bool named);
/* The value with its functions, and only these, as ""; v is moved in. */
asl_value jx_without_functions(asl_value v);

/* $eval: compiles text to a program whose function 0 takes the context, the input ($$) and the text's free variables, whose
   names are in *params (as long as the program lives), count of them with the input's. Its owner keeps it until the end of p. 0, or
   -1 with *error filled (a code of the parser). */
typedef int jx_compile(void *user, asl_str text, struct jx_program **out, const char *const **params, size_t *count,
                       struct jx_error *error);
void jx_set_compile(struct jx_program *p, jx_compile *compile, void *user);

#endif
