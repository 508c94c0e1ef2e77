// Private to the built-in functions: what matches text.
//
//     match.c    $match $contains $replace $split: matchers of both kinds, a match at a time
//        │       (refers to no engine: a program without regexes does not link one)
//     regex.c    regex values and their engine, PCRE2
//        │
//     pattern.c  ECMAScript's patterns in PCRE2's words
#ifndef ASL_JX_MATCH_H
#define ASL_JX_MATCH_H

#include "lib.h"

/* Where a match or a group lies in a subject's text; start is SIZE_MAX for a group that took no part. */
struct jx_span {
    size_t start, end;
};

/* Text as the engine sees it: UTF-16 units, each a sequence of one to three bytes. Characters above U+FFFF are split into
   their halves, which the reference's patterns see. */
struct jx_subject {
    asl_str text;
    bool ascii, split; /* split: text is in halves */
    struct jx_text halves;
};
void jx_subject_begin(struct jx_subject *s, asl_str text); /* text is borrowed */
void jx_subject_end(struct jx_subject *s);
asl_value jx_subject_slice(const struct jx_subject *s, size_t start, size_t end);
void jx_subject_add(const struct jx_subject *s, size_t start, size_t end, struct jx_text *out);
/* UTF-16 units before byte `to`, when `units` lie before byte `from` <= to. */
size_t jx_subject_units(const struct jx_subject *s, size_t from, size_t units, size_t to);

struct jx_regex {
    uint32_t groups;
    /* The first match at or after byte `from`: 1 with spans[0 … groups] filled, 0, or -1 raised. */
    int (*find)(struct jx *jx, struct jx_regex *r, const struct jx_subject *s, size_t from, struct jx_span *spans);
};

/* What the value of a regex holds: who finds its program, the key that it is kept under, and what was found last time. The
   cache may drop a program: then `drops` is another than JX_REGEX_DROPS says, and it is looked for again. */
enum { JX_REGEX_GET, JX_REGEX_KEY, JX_REGEX_FOUND, JX_REGEX_DROPS, JX_REGEX_HELD };
typedef struct jx_regex *jx_regex_get(struct jx *jx, asl_value *held); /* NULL after raising */
asl_value jx_regex_value(jx_regex_get *get, const asl_value *key);

/* ECMAScript's pattern (WTF-8) in PCRE2's syntax, all ASCII. utf: for subjects that hold more than ASCII; else what
   cannot match there is left out. 0 with *groups; or -1 with a message as the reference's host words it. */
int jx_pattern(asl_str pattern, bool utf, bool ignore_case, bool multiline, asl_buffer *out, uint32_t *groups,
               const char **message);

#endif
