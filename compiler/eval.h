// aslc eval of JSONata: one expression, or a stream of requests.
#ifndef ASLC_EVAL_H
#define ASLC_EVAL_H

#include "arena.h"

struct eval_options {
    bool jit;                /* compile to machine code; else walk the plan */
    bool explain;            /* print what the compiler makes of the expression instead of evaluating it */
    bool step_functions;     /* the service's dialect and limits */
    int optimise;
    asl_str data;            /* JSON text; {NULL, 0}: no input */
    const char *data_name;   /* for messages */
};

/* Evaluates one expression and prints its JSON on standard output. Returns the exit status. */
int eval_jsonata(struct arena *a, asl_str source, const struct eval_options *o);

/* One request a line on standard input, one outcome a line on standard output: docs/eval.md. */
int eval_batch(const struct eval_options *o);

#endif
