// Private to the date functions: date pictures, read once.
//
//     "[FNn,3-3], [D1o] [MNn] [Y0001]"
//       │││ │       │└ ordinal     └ parts: markers, and the text between them
//       ││└ width   └ integer picture
//       │└ names in title case
//       └ component
#ifndef ASL_JX_DATE_PICTURE_H
#define ASL_JX_DATE_PICTURE_H

#include "integer_picture.h"

enum jx_name_case { JX_NO_NAMES, JX_NAMES_LOWER, JX_NAMES_UPPER, JX_NAMES_TITLE };

struct jx_date_part {
    char component;      /* 0: text */
    uint8_t index;       /* of the component in jx_date_components */
    bool zulu;           /* the modifier t: Z instead of +00:00 */
    bool has_integer;    /* integer is filled */
    bool takes_digits;   /* as many as there are, and nothing else */
    bool has_max;        /* a width with a maximum, which may be NaN */
    enum jx_name_case names;
    double max;
    double year_digits;  /* of a Y that is cut to so many; -1: it is not */
    double exact;        /* digits that parsing takes when the next integer follows at once; 0 or NaN: any number */
    struct jx_integer_picture integer;
    asl_value text;      /* of text; of a marker that cannot be, its component */
};

/* ORDER date components; what is none of them is the last. */
#define jx_date_components "YXMxWwdDFPHhmsfZzCE?"
enum { JX_DATE_COMPONENTS = 20 };

struct jx_date_picture {
    size_t count;
    struct jx_date_part part[];
};

/* Indexed by month - 1 and by weekday, 1 … 7. */
extern const asl_str jx_month_names[12], jx_day_names[8];

/* What a component of an instant shows: M, D, h, …; P is 0 or 1. NaN when time is NaN. */
struct jx_civil;
double jx_date_component(const struct jx_civil *c, double time, char component);

/* $fromMillis with a picture; time is clipped, offset hours and minutes are what zones show. 0, or -1 raised. */
int jx_date_format(struct jx *jx, const struct jx_date_picture *p, double time, double hours, double minutes,
                   struct jx_text *out);
/* $toMillis with a picture: 0 with *time (NaN when it is no date) and *matched; or -1 raised. */
int jx_date_parse(struct jx *jx, const struct jx_date_picture *p, asl_str text, bool *matched, double *time);

#endif
