// A JSON document that remembers where everything stood: definitions, mock files, binding files.
//
// The reader collects every mistake and goes on where it can, so that a file's problems are reported in one go. It is
// for documents that people write; payloads go through asl_json_parse.
#ifndef ASLC_DOC_H
#define ASLC_DOC_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct asl_span {
    uint32_t start, end; /* byte offsets into the text; end exclusive */
} asl_span;

typedef enum asl_doc_kind {
    ASL_DOC_NULL,
    ASL_DOC_BOOL,
    ASL_DOC_NUMBER,
    ASL_DOC_STRING,
    ASL_DOC_ARRAY,
    ASL_DOC_OBJECT,
} asl_doc_kind;

typedef struct asl_doc {
    asl_doc_kind kind;
    asl_span span;           /* of the value; of a string with its quotes */
    bool boolean;            /* BOOL */
    asl_str text;            /* STRING: decoded UTF-8, NUL-terminated; NUMBER: as written */
    bool broken;             /* a mistake was reported here: NULL stands for a value that could not be read, a
                                container may lack members. Whoever meets it need not complain again */
    struct asl_doc *first;   /* ARRAY, OBJECT: children in order, by next */
    struct asl_doc *last;
    struct asl_doc *next;
    struct asl_doc *parent;
    size_t count;
    size_t index;            /* its number among its parent's children */
    asl_str key;             /* when the parent is an OBJECT: decoded, NUL-terminated */
    asl_span key_span;       /* with its quotes */
    struct asl_doc *duplicate_of; /* an earlier member with the same key, or NULL; not reported by the reader */
    const uint32_t *offsets; /* STRING with escapes: offset in the source of each decoded byte, count text.size + 1; else NULL */
    const uint32_t *key_offsets; /* the same for the key */
    struct asl_doc **table;  /* private: members by hash, of a large object */
    size_t table_size;
} asl_doc;

/* One message about the text; `help` may be NULL. */
typedef void asl_doc_report(void *user, asl_span where, const char *message, const char *help);

typedef struct asl_doc_tree asl_doc_tree; /* owns the nodes */

/* Reads one document. Accepts a byte-order mark and CRLF; a trailing comma is reported as *warning, comments and all
   other mistakes as errors, each through its callback; the reader recovers and goes on. NULL when nothing could be made of
   it. *errors counts the errors. The text must outlive the tree. Nesting deeper than ASL_MAX_DEPTH is an error. */
asl_doc_tree *asl_doc_read(asl_str text, asl_doc_report *error, asl_doc_report *warning, void *user, size_t *errors);

/* The same, for a caller who tells mistakes apart. The texts live as long as the call of the listener. */
enum asl_doc_problem {
    ASL_DOC_SYNTAX,
    ASL_DOC_COMMENT,
    ASL_DOC_TRAILING_COMMA, /* the only warning */
    ASL_DOC_PLACEHOLDER,    /* ${Name} where no string is */
    ASL_DOC_TOO_DEEP,
};
typedef struct asl_doc_message {
    enum asl_doc_problem problem;
    asl_span where;
    const char *message;
    const char *help; /* or NULL */
    const char *note; /* or NULL */
    asl_span note_where;
} asl_doc_message;
typedef void asl_doc_listener(void *user, const asl_doc_message *message);
asl_doc_tree *asl_doc_read_for(asl_str text, asl_doc_listener *listener, void *user, size_t *errors);

asl_doc *asl_doc_root(asl_doc_tree *tree);
void asl_doc_free(asl_doc_tree *tree);

asl_doc *asl_doc_get(const asl_doc *object, const char *key); /* NULL when absent or no object; the first of duplicates */
asl_doc *asl_doc_get_str(const asl_doc *object, asl_str key);
asl_value asl_doc_value(const asl_doc *node);                  /* the same data as a value; yours */
void asl_doc_pointer(const asl_doc *node, asl_buffer *out);    /* its JSON pointer: /States/A/Next; "" for the root */
/* The source span of bytes [from, to) of a decoded string, or of a key when is_key. */
asl_span asl_doc_text_span(const asl_doc *node, bool is_key, size_t from, size_t to);
/* Line and column (from 1, columns in bytes) of an offset. */
void asl_doc_position(asl_str text, uint32_t offset, uint32_t *line, uint32_t *column);

#ifdef __cplusplus
}
#endif
#endif
