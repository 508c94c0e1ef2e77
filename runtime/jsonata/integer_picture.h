// Private to the picture functions: integer pictures (jsonata-language 17), which date pictures are made of too.
#ifndef ASL_JX_INTEGER_PICTURE_H
#define ASL_JX_INTEGER_PICTURE_H

#include "lib.h"

enum jx_case { JX_LOWER, JX_UPPER, JX_TITLE };
enum jx_primary { JX_LETTERS, JX_ROMAN, JX_WORDS, JX_DECIMAL, JX_NUMBERING /* unsupported: D3130 */ };

struct jx_grouping {
    uint32_t position;  /* digits to its right */
    uint32_t character;
};

struct jx_integer_picture {
    enum jx_primary primary;
    enum jx_case letters;
    bool ordinal;
    bool plain;         /* decimal, ASCII digits, no groupings, no ordinal */
    uint32_t zero;      /* of the family of digits */
    double mandatory, optional; /* digits; NaN unless decimal */
    uint32_t regular;   /* groupings: one character every so many digits; 0: each where it stands */
    struct jx_grouping *groupings;
    uint32_t grouping_count;
    asl_value token;    /* of JX_NUMBERING */
};

/* 0, or -1 after D3131; release it with jx_integer_picture_end in both cases. */
int jx_integer_picture_read(struct jx *jx, asl_str text, struct jx_integer_picture *out);
void jx_integer_picture_end(struct jx_integer_picture *p);
int jx_integer_picture_refuse(struct jx *jx, const struct jx_integer_picture *p); /* D3130 */

/* Appends value, which is an integer or not finite. 0, or -1 raised. */
int jx_integer_format(struct jx *jx, const struct jx_integer_picture *p, double value, struct jx_text *out);
/* The number that text stands for; NaN when it is none. p is not JX_NUMBERING. */
double jx_integer_parse(const struct jx_integer_picture *p, asl_str text);

/* JavaScript's parseInt: white space, a sign, 0x, digits; NaN. */
double jx_parse_int(asl_str text);

// ---------------------------------------------------------------- words (number_words.c)

/* 0, or -1 after a limit (the reference overflows its stack on numbers that are not finite). Title case. */
int jx_words_format(struct jx *jx, double value, bool ordinal, struct jx_text *out);
double jx_words_parse(asl_str lower_case);
/* The ends of what (?:zero|one|…|and|[-, ])+ matches at the start of text, whatever its case, best first, as the matcher
   of the reference would try them. Returns how many; ends has room for text.size. */
size_t jx_words_match(asl_str text, size_t *ends);

/* The bytes of a JavaScript white space character at p, or 0. */
size_t jx_white_space(const char *p, const char *end);

#endif
