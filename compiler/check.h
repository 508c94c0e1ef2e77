// Private to the checks.
#ifndef ASLC_CHECK_H
#define ASLC_CHECK_H

#include "ast.h"
#include "diag.h"

struct checker {
    struct arena *arena;
    struct diag *diag;
    struct ast *ast;
};

void check_resource(struct checker *c, struct ast_state *s); /* check_resource.c */
void check_errors(struct checker *c, struct ast_state *s);   /* check_errors.c: Retry and Catch */
void check_variables(struct checker *c);                     /* check_variables.c */

#endif
