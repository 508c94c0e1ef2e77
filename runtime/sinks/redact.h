// Private to sinks: values of named fields become "***".
#ifndef ASL_REDACT_H
#define ASL_REDACT_H

#include "aslc/value.h"

struct redact; /* NULL redacts nothing */

struct redact *redact_new(const char *const *lists, size_t count); /* of "NAME,NAME"; NULL when they name nothing */
void redact_free(struct redact *r);
bool redact_names(const struct redact *r, asl_str field);
/* v without the values of the named fields, at any depth, also in texts that are JSON or quote some. Yours; v itself when
   it has none. */
asl_value redact_value(const struct redact *r, const asl_value *v);

#endif
