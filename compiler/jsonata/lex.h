// Private to the parser: the tokens of an expression (jsonata-language 2).
#ifndef ASLC_JSONATA_LEX_H
#define ASLC_JSONATA_LEX_H

#include "../arena.h"
#include "jsonata.h"

/* Operators are their characters, as TOKEN_OPERATOR's op: '+', and these of two characters or of letters. */
enum lex_op {
    OP_RANGE = 256, /* .. */
    OP_BIND,        /* := */
    OP_NOT_EQUAL,   /* != */
    OP_AT_LEAST,    /* >= */
    OP_AT_MOST,     /* <= */
    OP_DESCENDANTS, /* ** */
    OP_APPLY,       /* ~> */
    OP_ELVIS,       /* ?: */
    OP_COALESCE,    /* ?? */
    OP_AND,
    OP_OR,
    OP_IN,
};

enum lex_kind {
    TOKEN_END,
    TOKEN_OPERATOR, /* op */
    TOKEN_NAME,     /* text */
    TOKEN_VARIABLE, /* text, without the $ */
    TOKEN_STRING,   /* text, its escapes undone */
    TOKEN_NUMBER,   /* number */
    TOKEN_TRUE,
    TOKEN_FALSE,
    TOKEN_NULL,
    TOKEN_REGEX, /* text: between the slashes; ignore_case, multiline */
};

struct lex_token {
    enum lex_kind kind;
    int op; /* of TOKEN_OPERATOR; else 0 */
    bool ignore_case, multiline;
    uint32_t offset, size; /* bytes of the source */
    uint32_t position;     /* UTF-16 units up to its end */
    asl_str text;          /* of an operator and the end: as messages show them, "+", "(end)" */
    double number;
};

/* What is wrong, before it has a message: jsonata_parse writes that once, for the error that counts. */
struct lex_error {
    const char *code; /* NULL: none */
    uint32_t offset, size, position;
    struct lex_token token; /* as the reference names it: as text if it is a string */
    bool has_token;
    asl_str expected;   /* S0202, S0203 */
    uint32_t parameter; /* S0208: from 1 */
};

struct lexer {
    struct arena *arena;
    asl_str source; /* in the arena */
    bool version_2_1; /* ?: and ?? are operators */
    uint32_t at;      /* bytes read */
    uint32_t units;   /* the same in UTF-16 units */
};

/* Reads the next token. operand: one that begins an operand may stand here, so that / begins a regex. False with *error. */
bool lex_next(struct lexer *l, bool operand, struct lex_token *out, struct lex_error *error);

#endif
