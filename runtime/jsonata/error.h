// What errors of expressions say: the catalogue of aslc/jsonata_errors.def, for the evaluation and for the parser.
#ifndef ASL_JX_ERROR_H
#define ASL_JX_ERROR_H

#include "aslc/value.h"

struct jx_field { /* of an error, as its message may show it; borrowed */
    const char *name;
    const asl_value *value;
};

/* The message of a code, without it: {{x}} is the field x as JSON, {{{x}}} as plain text, either "undefined" when there is no
   such field or nothing in it. Appended to out. */
void jx_message(const char *code, const struct jx_field *fields, size_t count, asl_buffer *out);

#endif
