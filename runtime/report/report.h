// Private to the runtime: an execution as a page that people look at.
#ifndef ASL_REPORT_H
#define ASL_REPORT_H

#include "aslc/value.h"

struct report {
    const char *machine, *version;
    asl_str definition;          /* the ASL source text, JSON; may be empty: the graph then shows what was seen */
    const char *definition_file; /* its name, to be shown; may be NULL */
    asl_str description;         /* DescribeExecution's JSON */
    asl_str history;             /* GetExecutionHistory's JSON: {"events": [...]} */
};

/* Appends one self-contained HTML page. What cannot be read of the description or the history is left out, and the page
   says so: a report is wanted most when something is wrong. */
void asl__report(const struct report *r, asl_buffer *out);

#endif
