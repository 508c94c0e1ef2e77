// A source file: its bytes, its placeholders filled in, and the way back from expanded text to the file.
#ifndef ASLC_SOURCE_H
#define ASLC_SOURCE_H

#include "arena.h"
#include "aslc/doc.h"

#define SOURCE_MAX_SIZE (64u << 20) /* spans are 32 bits, and a definition of the service has at most 1 MiB */

struct definition { /* -D NAME=VALUE, or a member of --definitions FILE.json (strings raw, other JSON as text) */
    const char *name, *value;
    bool used;
};

struct source_edit { /* expanded text [at, at + size) came from file bytes [from, from + length) */
    uint32_t at, size, from, length;
};

struct source {
    struct arena *arena;
    const char *path; /* as given; "<stdin>" for - */
    asl_str file;     /* its bytes */
    asl_str text;     /* expanded; == file when nothing was filled in */
    VEC(struct source_edit) edits;
    VEC(asl_span) unfilled; /* placeholders left in strings of text, in order */
    VEC(uint32_t) lines;    /* where each line of file starts */
};

/* Reads a file of at most SOURCE_MAX_SIZE bytes. Reads path ("-": standard input). NULL with a message (in the arena) when it cannot be read. */
struct source *source_read(struct arena *a, const char *path, const char **message);
struct source *source_from_text(struct arena *a, const char *path, asl_str bytes);
/* Fills in ${NAME} wherever it stands; remembers what stays unfilled. Values that stand inside a JSON string are
   escaped as needed. `$${` and "${…}" with a name not among the definitions stay as they are. */
void source_expand(struct source *s, struct definition *definitions, size_t count);
/* Back to the file: line and column (from 1, column in bytes) of an offset in text, and the file's span. */
asl_span source_file_span(const struct source *s, asl_span in_text);
void source_position(const struct source *s, uint32_t text_offset, uint32_t *line, uint32_t *column);
void source_file_position(const struct source *s, uint32_t file_offset, uint32_t *line, uint32_t *column);
asl_str source_line(const struct source *s, uint32_t line); /* of the file, from 1, without its end */
bool source_has_placeholder(const struct source *s, asl_span in_text); /* an unfilled one inside */

#endif
