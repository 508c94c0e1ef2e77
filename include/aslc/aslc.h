// libaslc: compile a definition from memory.
//
//     aslc_options o = {.name = "order"};
//     aslc_unit *u = aslc_compile(text, size, "order.asl.json", &o, on_message, user);   // NULL: there were errors
//     aslc_emit(u, ASLC_EMIT_EXECUTABLE, "order", &message);
//     aslc_unit_free(u);
#ifndef ASLC_H
#define ASLC_H

#include "program.h"
#include "runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASLC_VERSION "0.1.0"

typedef struct aslc_unit aslc_unit; /* one compiled definition */

typedef struct aslc_diagnostic {
    const char *severity; /* "error", "warning" */
    const char *code, *message, *help, *file, *pointer; /* help, pointer may be NULL */
    uint32_t line, column, end_line, end_column;
} aslc_diagnostic;
typedef void aslc_on_diagnostic(void *user, const aslc_diagnostic *d);

typedef struct aslc_define { const char *name, *value; } aslc_define;

typedef struct aslc_options {
    const char *name;    /* of the state machine; NULL: from path */
    bool express;
    int optimise;        /* 0 … 3 */
    const aslc_define *defines;
    size_t define_count;
    const asl_bind *binds; /* compiled in */
    size_t bind_count;
    const char *dump_after; /* print the plan on standard error after this pass: "lower", "thread", "slots", … */
    const char *without; /* passes to leave out, each followed by a comma: "quiet,slots,"; NULL: none */
    bool profile;        /* ops that count time and allocations of places: for `aslc run --profile` */
    bool lenient;        /* later features are warnings, not errors: for `aslc check` */
} aslc_options;

/* Compiles up to the optimised plan. NULL when there were errors, each of which has been reported. Thread-safe. */
aslc_unit *aslc_compile(const char *text, size_t size, const char *path, const aslc_options *options,
                        aslc_on_diagnostic *report, void *user);
void aslc_unit_free(aslc_unit *u);

enum aslc_emit {
    ASLC_EMIT_PLAN, ASLC_EMIT_IR, ASLC_EMIT_BITCODE, ASLC_EMIT_ASM, ASLC_EMIT_OBJECT, ASLC_EMIT_EXECUTABLE, ASLC_EMIT_SHARED,
};
/* Writes path. 0, or -1 with *message (lives as long as the unit). SHARED also writes the header beside it. */
int aslc_emit(aslc_unit *u, enum aslc_emit what, const char *path, const char **message);

/* A program to run in this process: compiled by the JIT, or walked by the interpreter. Lives as long as the unit. */
const asl_program *aslc_jit(aslc_unit *u, const char **message);
const asl_program *aslc_interpret(aslc_unit *u);

// ---------------------------------------------------------------- JSONata expressions
//
//     aslc_expression_error e;
//     aslc_expression *x = aslc_expression_compile(text, size, ASLC_JSONATA, &e);       machine code in this process
//     aslc_expression_evaluate(x, &input, NULL, 0, &value, &e);                          as often as you like
//     aslc_expression_free(x);

enum aslc_dialect {
    ASLC_JSONATA,        /* the language itself; the input is its context */
    ASLC_STEP_FUNCTIONS, /* as in {% … %}: no context, the service's functions and limits; bind "states" */
};

typedef struct aslc_expression aslc_expression; /* belongs to one thread at a time */

typedef struct aslc_binding {
    const char *name; /* without its $ */
    const asl_value *value;
} aslc_binding;

typedef struct aslc_expression_error {
    char code[8];      /* "T2001"; "" when the code generator failed */
    char message[512]; /* without the code */
    char token[64];    /* or "" */
    int64_t position;  /* UTF-16 units up to the end of what is meant; -1: nowhere */
    int limit;         /* a limit was reached: 1 nesting, 2 memory, 3 time */
} aslc_expression_error;

/* NULL with *error filled. Names of built-in functions mean these, whatever is bound later. */
aslc_expression *aslc_expression_compile(const char *text, size_t size, enum aslc_dialect dialect, aslc_expression_error *error);
void aslc_expression_free(aslc_expression *x);

/* 0 with *out set (yours: asl_release; ASL_NONE when there is no value), or -1 with *error filled. input may be NULL:
   nothing. Variables that are not bound have no value. Constant memory, however often it is called. */
int aslc_expression_evaluate(aslc_expression *x, const asl_value *input, const aslc_binding *bindings, size_t count,
                             asl_value *out, aslc_expression_error *error);

#ifdef __cplusplus
}
#endif
#endif
