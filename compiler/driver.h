// What main.c sees of a compilation beside the public API.
#ifndef ASLC_DRIVER_H
#define ASLC_DRIVER_H

#include "aslc/aslc.h"
#include "ast.h"
#include "diag.h"
#include "emit/emit.h"
#include "ir.h"

struct aslc_unit {
    struct arena *arena;
    struct source *source;
    struct diag diag;
    struct ast *ast;              /* NULL when the file holds a plan */
    const char *name;             /* the state machine's */
    int optimise;
    const char *dump_after, *without;
    const asl_bind *binds;
    size_t bind_count;
    bool profiled;
    struct profile *profile;      /* of the plan that was made last; NULL without --profile */
    struct ir_plan *plan;         /* optimised; NULL when there were errors */
    const asl_program *interpreted;
    struct emit_jit *jit;
    const asl_program *compiled;
    char message[1024];
};

/* The phases, in order. Always returns a unit, whose diag says how it went; plan is NULL when only checking or when there
   were errors. text NULL: read path. NULL only when path cannot be read, with *message. */
struct aslc_unit *driver_compile(const char *path, const asl_str *text, const aslc_options *options, bool check_only,
                                 const char **message);

/* The state machine's name for a definition's path: "dir/order.asl.json" gives "order". */
const char *driver_name(struct arena *a, const char *path);

/* Reads --definitions FILE: a JSON object of names and values. 0, or -1 after printing what is wrong. */
int driver_definitions(struct arena *a, const char *path, aslc_define **defines, size_t *count);

/* Whether "SCHEME:…" is a handler of the runtime. */
bool driver_knows_handler(const char *handler);
/* Whether --dump-after knows a pass, or with `optional` -fno-PASS; their names for messages. */
bool driver_has_pass(const char *name, bool optional);
const char *driver_passes(struct arena *a);

/* The first Task state whose resource neither a binding nor a scheme of ours nor AWS can serve, or NULL. */
const struct ast_state *driver_unserved(const struct aslc_unit *u);

#endif
