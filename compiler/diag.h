// Diagnostics: collect, point, continue.
//
// A message points at bytes of the *expanded* text (placeholders filled in); source.c maps that back to the file.
// One mistake gives one message: a part that failed yields a poison node (NULL) and whoever meets it stays silent.
#ifndef ASLC_DIAG_H
#define ASLC_DIAG_H

#include <stdio.h>

#include "arena.h"
#include "aslc/doc.h"
#include "source.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

struct diag_message {
    enum diag_severity severity;
    const char *code;    /* "ASL0123" */
    asl_span span;       /* into source->text */
    const char *pointer; /* JSON pointer of the node, or NULL */
    const char *text;
    const char *help;    /* or NULL */
    asl_span note_span;  /* when note is not NULL */
    const char *note;
};

struct diag {
    struct arena *arena;
    const struct source *source;
    VEC(struct diag_message) messages;
    size_t errors, warnings;
    bool lenient;                /* what a later version will compile (LATER_FEATURE) is a warning */
    struct diag_message dropped; /* stands in for messages beyond the most that are kept; they are still counted */
};

/* Sets up d for the source. */
void diag_init(struct diag *d, struct arena *a, const struct source *s, bool lenient);

/* The codes: X(name, "ASL0123", "short title"), in codes.def */
enum diag_code {
#define CODE(name, number, title) DIAG_##name,
#include "codes.def"
#undef CODE
    DIAG_CODE_COUNT
};

/* Each returns the message so that help and notes can be added with diag_help, diag_note: at once, the next message may
   move it. node gives the JSON pointer (may be NULL). */
struct diag_message *diag_error(struct diag *d, enum diag_code code, const asl_doc *node, asl_span where, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
struct diag_message *diag_warning(struct diag *d, enum diag_code code, const asl_doc *node, asl_span where, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void diag_help(struct diag *d, struct diag_message *m, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* where may be empty ({0, 0}): then the note has no place of its own. */
void diag_note(struct diag *d, struct diag_message *m, asl_span where, const char *format, ...) __attribute__((format(printf, 4, 5)));
const char *diag_code_text(enum diag_code code); /* "ASL0123" */

/* The nearest of candidates[] by edit distance, or NULL when none is near. */
const char *diag_nearest(const char *word, const char *const *candidates, size_t count);

enum diag_format { DIAG_TEXT, DIAG_JSON, DIAG_SARIF };
/* Prints in order of position. TEXT goes to out with colour when colour is set; JSON is an array of one object a message;
   SARIF is 2.1.0. */
void diag_print(const struct diag *d, enum diag_format format, bool colour, FILE *out);
/* The same for several files: one JSON array, one SARIF run. */
void diag_print_all(const struct diag *const *all, size_t count, enum diag_format format, bool colour, FILE *out);

#endif
