// JSONPath, the dialect of Step Functions (Jayway's grammar; jsonpath-and-intrinsics.md 2 to 5).
//
// One parser serves the compiler, which checks and classifies paths, and the runtime, which evaluates them.
#ifndef ASLC_PATH_H
#define ASLC_PATH_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct asl_path asl_path; /* opaque, immutable, no references to the text it was parsed from */

typedef enum asl_path_root {
    ASL_ROOT_INPUT,    /* $        the value a field applies to */
    ASL_ROOT_CONTEXT,  /* $$       the Context object */
    ASL_ROOT_VARIABLE, /* $name    a variable */
} asl_path_root;

typedef struct asl_path_error {
    size_t offset; /* bytes into the path's text */
    char message[160];
} asl_path_error;

/* Parses a path. NULL, with *error filled (may be NULL), when it is none. Free with asl_path_free. */
asl_path *asl_path_parse(asl_str text, asl_path_error *error);
void asl_path_free(asl_path *path);

asl_str asl_path_text(const asl_path *path); /* as it was written, surrounding blanks trimmed */
asl_path_root asl_path_root_of(const asl_path *path);
asl_str asl_path_variable(const asl_path *path); /* the name of ASL_ROOT_VARIABLE, without the $ */
size_t asl_path_steps(const asl_path *path);     /* 0: the root itself */
bool asl_path_definite(const asl_path *path);    /* selects at most one node */
/* A Reference Path: only names and non-negative indexes (jsonpath-and-intrinsics.md 5). */
bool asl_path_reference(const asl_path *path);
/* Step i: true when it is a name (*name) or an index (name->data NULL, *index). */
bool asl_path_step(const asl_path *path, size_t i, asl_str *name, int64_t *index);
/* Variables that filters name, for the checker: none in this dialect; `$` in a filter is the root value. */

/* Evaluates the path's steps on root, which the caller has chosen by asl_path_root_of.
   Definite: the node, retained, or ASL_NONE when there is none. Indefinite: an array of the matches, maybe empty. */
asl_value asl_path_get(const asl_path *path, const asl_value *root);

/* Why asl_path_get of a definite path gave nothing, in the service's words (recorded):
       "No results for path: $['a']"  or, when a step before the last is missing,  "Missing property in path $['a']"
   Appended to out. */
void asl_path_missing(const asl_path *path, const asl_value *root, asl_buffer *out);

/* True when a definite path found nothing only because an array index lies past the end: such a path gives null in a
   payload template (reported behaviour, jsonpath-and-intrinsics.md 4). */
bool asl_path_index_past_end(const asl_path *path, const asl_value *root);

/* document with value put at a reference path; missing objects on the way are created, replaced keys keep their place.
   Both are moved in. On failure (a node on the way is no object, an element does not exist) ASL_NONE is returned and
   both are released; the caller raises States.ResultPathMatchFailure. */
asl_value asl_path_put(const asl_path *path, asl_value document, asl_value value);

#ifdef __cplusplus
}
#endif
#endif
