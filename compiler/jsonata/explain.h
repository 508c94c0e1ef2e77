// The tree of an expression and the types inferred for its nodes, as text: aslc eval --explain.
#ifndef ASLC_JSONATA_EXPLAIN_H
#define ASLC_JSONATA_EXPLAIN_H

#include "../arena.h"
#include "jsonata.h"

/* Appends lines that begin with "# ", so that a plan may follow. -1 when source does not parse. */
int jsonata_explain(struct arena *a, asl_str source, enum jsonata_dialect dialect, asl_buffer *out);

#endif
