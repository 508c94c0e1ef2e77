// Private to the runtime: regular expressions, as filters of paths use them (`@.id =~ /SBJ.*?/i`).
#ifndef ASL_REGEX_H
#define ASL_REGEX_H

#include "aslc/value.h"

struct asl__regex;

enum {
    ASL__REGEX_IGNORE_CASE = 1, /* i: ASCII letters only, as Java without UNICODE_CASE */
    ASL__REGEX_MULTILINE = 2,   /* m: ^ and $ also match at line breaks */
    ASL__REGEX_DOT_ALL = 4,     /* s: . also matches line breaks */
};

/* NULL, with *offset (bytes into the pattern) and a message, when the pattern is none or uses what is not supported. */
struct asl__regex *asl__regex_new(asl_str pattern, unsigned flags, size_t *offset, char *message, size_t message_size);
void asl__regex_free(struct asl__regex *regex);
/* Whether the whole text matches; in time proportional to text × pattern, whatever the pattern. */
bool asl__regex_matches(const struct asl__regex *regex, asl_str text);

#endif
