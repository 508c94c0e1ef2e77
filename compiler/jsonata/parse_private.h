// Private to parse.c, rewrite.c and signature_check.c: a parse under way.
#ifndef ASLC_JSONATA_PARSE_PRIVATE_H
#define ASLC_JSONATA_PARSE_PRIVATE_H

#include "lex.h"
#include "tree.h"

/* A node with what only the parser needs. Every node of a tree begins as one. */
struct draft {
    struct jsonata_node node; /* must be first */
    VEC(struct jsonata_slot *) seeking; /* the % below whose step may be outside */
    size_t step_room, stage_room, predicate_room;
};

static inline struct draft *draft_of(struct jsonata_node *node) { return (struct draft *)node; }

struct parser {
    struct lexer lexer;
    struct lex_token token; /* the next one */
    struct lex_error error;    /* of the grammar: ends the parse */
    struct lex_error deferred; /* of a rewrite: counts when the grammar is satisfied */
    uint32_t nesting;
    uint32_t labels;
};

// ---------------------------------------------------------------- parse.c

/* A deferred error at a token's place; the first one stays. */
struct lex_error *parser_defer(struct parser *p, const char *code, const struct lex_token *place);

// ---------------------------------------------------------------- rewrite.c: the second pass, node by node (4)

/* Places are tokens: offset, size and position of the node, and its token. */
struct jsonata_node *rewrite_node(struct parser *p, enum jsonata_kind kind, const struct lex_token *place);
/* A child: its depth counts … */
void rewrite_deepen(struct jsonata_node *parent, const struct jsonata_node *child);
/* … and its unresolved % look for their steps outside the parent. */
void rewrite_adopt(struct parser *p, struct jsonata_node *parent, struct jsonata_node *child);
struct jsonata_node *rewrite_name(struct parser *p, const struct lex_token *name);
struct jsonata_node *rewrite_dot(struct parser *p, struct jsonata_node *left, struct jsonata_node *right);
/* May the { or [ at place follow left, which may have a group? Asked before what is in the brackets is read. */
void rewrite_check_group(struct parser *p, const struct lex_token *place, struct jsonata_node *left);
struct jsonata_node *rewrite_predicate(struct parser *p, const struct lex_token *bracket, struct jsonata_node *left,
                                       struct jsonata_node *filter);
struct jsonata_node *rewrite_group(struct parser *p, struct jsonata_node *left, struct jsonata_pairs pairs);
struct jsonata_node *rewrite_sort(struct parser *p, const struct lex_token *hat, struct jsonata_node *left,
                                  struct jsonata_term *terms, size_t count);
struct jsonata_node *rewrite_focus(struct parser *p, const struct lex_token *at, struct jsonata_node *left, asl_str name);
struct jsonata_node *rewrite_index(struct parser *p, const struct lex_token *hash, struct jsonata_node *left, asl_str name);
struct jsonata_node *rewrite_negate(struct parser *p, const struct lex_token *minus, struct jsonata_node *operand);
void rewrite_mark_tail_calls(struct jsonata_node *body);
/* What is left when the expression is complete. */
void rewrite_end(struct parser *p, struct jsonata_node *tree);

// ---------------------------------------------------------------- signature_check.c

/* NULL when the signature is in order, else S0401 or S0402 with its place in text. */
const char *signature_check(asl_str text, size_t *offset);

#endif
