// Private to the runtime (and to the interpreter): JSONata.
//
// An expression is a function of the plan, compiled like a machine: `int32_t f(asl_frame *)` over slots. Its frame is a
// jx_frame, whose head is an asl_frame, so compiled code finds its slots the same way; everything it calls is an entry
// asl_rt_jx_* of rt.def. Expressions never suspend.
//
//     asl_rt_jx_eval (an op of a state's machine) ──► jx_call(function, arguments) ──► compiled function
//                                                                                        ├─ asl_rt_jx_* : values
//                                                                                        └─ jx_call: lambdas, $map(…), …
#ifndef ASL_JX_H
#define ASL_JX_H

#include "aslc/program.h"
#include "aslc/value.h"

struct jx; /* one evaluation: its value stack, limits, error, the instant it began */

struct jx_frame {
    asl_frame head; /* head.machine is the function's number; must be first */
    struct jx *jx;
    /* further members are eval.c's */
};

/* The program a function's frame runs: how the interpreter finds its plan. */
const asl_program *asl_rt_jx_program(const asl_frame *frame);

#endif
