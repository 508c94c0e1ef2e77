// Private to the date functions: the calendar, as ECMAScript's Date has it.
//
// Times are milliseconds since 1970 in doubles, NaN for what is no time; the calendar is proleptic Gregorian, in UTC.
#ifndef ASL_JX_CALENDAR_H
#define ASL_JX_CALENDAR_H

#include "lib.h"

#define JX_DAY 86400000.0

struct jx_civil {
    int64_t year;
    int month, day; /* from 1 */
    int hour, minute, second, millisecond;
    int weekday;    /* 0 is Sunday */
};

/* time is a whole number in the range of Date. */
struct jx_civil jx_civil_of(double time);
/* A time in the range of Date, cut to whole milliseconds; else NaN. */
double jx_time_clip(double time);
/* Days from 1970 to the first of a month, from 1. */
int64_t jx_days_of(int64_t year, int month);
/* Date.UTC: what overflows carries over; month from 0, and years from 0 to 99 are those of the 20th century. */
double jx_utc(double year, double month, double day, double hour, double minute, double second, double millisecond);

/* Date.parse of "2018-03-23T10:33:36.617+01:00" and its shorter forms. False when text is not written as $toMillis wants
   it; *time is NaN when it is but is no date ("2018-13-01"). */
bool jx_iso_parse(asl_str text, double *time);
/* "2018-03-23T10:33:36.617Z": 24 bytes; the year has four digits. */
void jx_iso_print(const struct jx_civil *c, char out[24]);

#endif
