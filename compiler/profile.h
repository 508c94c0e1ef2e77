// --profile: time and allocations of states and expressions, on the definition's lines.
#ifndef ASLC_PROFILE_H
#define ASLC_PROFILE_H

#include <stdio.h>

#include "ir.h"
#include "source.h"

struct profile; /* lives in the plan's arena */

/* The last pass: ops that say which place of the definition begins. Changes nothing of what the plan does. */
struct profile *profile_plan(struct ir_plan *p);

/* Counts what this thread runs of the plan, from here to profile_print, which prints where it went. */
void profile_begin(struct profile *profile);
void profile_print(struct profile *profile, const struct source *source, FILE *out);

#endif
