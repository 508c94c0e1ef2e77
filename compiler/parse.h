// Private to the front end: the table of fields, and the shape check that reads it.
#ifndef ASLC_PARSE_H
#define ASLC_PARSE_H

#include "ast.h"
#include "diag.h"
#include "names.h"

/* Objects that have fields. The states come first. ORDER state kinds */
enum owner {
    OWNER_TASK, OWNER_PASS, OWNER_CHOICE, OWNER_WAIT, OWNER_SUCCEED, OWNER_FAIL, OWNER_PARALLEL, OWNER_MAP,
    OWNER_MACHINE, OWNER_BRANCH, OWNER_PROCESSOR, OWNER_PROCESSOR_CONFIG, OWNER_RETRIER, OWNER_CATCHER, OWNER_RULE,
    OWNER_NESTED_RULE, OWNER_READER, OWNER_READER_CONFIG, OWNER_BATCHER, OWNER_WRITER, OWNER_WRITER_CONFIG,
    OWNER_COUNT,
};

struct parser {
    struct arena *arena;
    struct diag *diag;
    struct ast *ast;
    VEC(struct ast_state *) all;
};

/* The object that is being checked, for messages. */
struct where {
    enum owner owner;
    const struct ast_state *state; /* it is this state, or inside it; NULL: the top-level machine */
    const char *field;             /* the field of the state that holds it: "Retry" */
    size_t index;                  /* in the array that field is */
    enum query_language language;
};

enum { SHAPE_MAX = 32 };

/* What an object holds. */
struct shape {
    struct where where;
    asl_doc *node;
    const struct field *rows;
    size_t row_count;
    asl_doc *given[SHAPE_MAX]; /* by row */
    bool fits[SHAPE_MAX];      /* its type is right */
    bool meant[SHAPE_MAX];     /* an unknown field was said to be this one misspelt: it is not missing too */
    size_t strange;            /* members that do not belong here, reported */
};

/* Checks one object against its rows: unknown fields, fields of another place or language, types, ranges, what is
   missing. Everything wrong has been reported. */
void shape_check(struct parser *p, struct shape *shape, struct where where, asl_doc *node);
asl_doc *shape_get(const struct shape *shape, const char *field);   /* NULL unless given and of the right type */
asl_doc *shape_given(const struct shape *shape, const char *field); /* also when its type is wrong */
bool shape_meant(const struct shape *shape, const char *field);     /* given under a misspelt name */
/* At most one of the named fields (NULL ends the list) may be given. Returns how many are, or were meant. */
size_t shape_exclusive(struct parser *p, const struct shape *shape, const char *const *fields);

/* Reports one missing thing of an object, unless a mistake in its text may have swallowed it. */
void shape_missing(struct parser *p, const struct shape *shape, const char *what);

const char *where_text(struct parser *p, const struct where *w); /* Task state "Load", Retry[0] of "Load" */
asl_span where_span(const asl_doc *node); /* where a message about a whole object points: its key, or its brace */
const char *doc_text(struct parser *p, const asl_doc *node); /* found value: the string "x", an array, the number 5 */

/* parse_rule.c: the Choices of a Choice state. */
void parse_choices(struct parser *p, struct ast_state *s, const asl_doc *choices);

/* What parse.c's parts share. */
struct expr *parse_literal(struct parser *p, asl_doc *node);
/* A path field; NULL when it was wrong. field is as error texts name it, and is kept. */
struct expr *parse_path(struct parser *p, struct ast_state *s, asl_doc *node, const char *field, bool reference);
/* field: where the object stands, "Catch[0]/Assign"; offered: as for parse_payload. */
void parse_assign(struct parser *p, struct ast_state *s, const asl_doc *node, const char *field, unsigned offered,
                  struct ast_assigns *out);
void parse_reference(struct parser *p, struct ast_machine *machine, struct ast_state *from, asl_doc *node,
                     struct ast_state **to);
bool in_catcher(const asl_doc *member);                   /* a member of the Assign of a Catcher */
bool is_template_function(const asl_doc *node);           /* {"Ref": …}, {"Fn::GetAtt": …} of CloudFormation */
struct expr *parse_use(struct parser *p, struct ast_state *s, struct expr *e); /* notes whose variables e sees; gives e */

/* parse_jsonata.c: a field of a JSONata state, any JSON with expressions {% … %} at any depth; NULL when it was wrong, or
   node is NULL. field: where it stands in the state, "Output", and is kept. offered: members of $states beside input and
   context, JSONATA_RESULT | JSONATA_ERROR_OUTPUT (jsonata/tree.h). */
struct expr *parse_payload(struct parser *p, struct ast_state *s, asl_doc *node, const char *field, unsigned offered);
/* A string that only a placeholder's value would make an expression or a value of the field. */
struct expr *parse_open(struct parser *p, asl_doc *node, const char *field);

bool is_jsonata(asl_str text);                                      /* {% … %} */
bool has_placeholder(const struct parser *p, const asl_doc *node); /* an unfilled one, inside a string */
bool doc_integer(const asl_doc *node, int64_t *out); /* of a NUMBER: 3, 3.0, 3e0 */

#endif
