// An expression as a program of its own: compiled, decoded, ready to run. What aslc eval and libaslc share.
#ifndef ASLC_EXPRESSION_H
#define ASLC_EXPRESSION_H

#include "arena.h"
#include "jsonata/jsonata.h"
#include "jsonata/run.h"

struct expression {
    struct arena *arena;
    struct ir_plan *plan;
    struct jsonata_expression compiled;
    struct emit_jit *jit;         /* or NULL: walked */
    struct jx_program *program;
    VEC(struct expression *) evals; /* what $eval has compiled, most recent last */
};

extern const struct jx_limits expression_service_limits;

struct expression_options {
    struct jsonata_options language;
    bool jit;
    int optimise;
};

/* NULL with *error filled, whose texts live in texts. A failure of the code generator has the code "". */
struct expression *expression_new(asl_str source, const struct expression_options *o, struct arena *texts, struct jsonata_error *error);
void expression_free(struct expression *e);

/* Evaluates with variables by name: names without $; a member of "states" may be asked for on its own. */
struct expression_binding {
    asl_str name;
    const asl_value *value;
};
int expression_run(struct expression *e, const asl_value *context, const struct expression_binding *bindings, size_t count,
                   const struct jx_limits *limits, asl_value *out, struct jx_error *error);

#endif
