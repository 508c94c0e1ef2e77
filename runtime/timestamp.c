// Timestamps, as Choice and Wait take them and as the Context object prints them (asl-language.md 8.4).
//
//     2016-03-14T01:59:00Z      2016-03-14T01:59:00.243167252+05:30
//
// The profile is Java's ISO_OFFSET_DATE_TIME narrowed by what the service was seen to refuse: seconds are needed, "T"
// and "Z" are upper case, a fraction has one to nine digits, the offset has a colon and is at most 18 hours, and the
// date must exist. There are no leap seconds.
#include <stdio.h>
#include <string.h>

#include "query.h"

struct reader {
    const char *p, *end;
};

// Messages hold numbers, so they are built; each thread has room for its last one.
static _Thread_local char message[64];

static const char *say_number(const char *what, long number) {
    snprintf(message, sizeof message, "%s %ld", what, number);
    return message;
}

static bool at_digit(const struct reader *r) { return r->p < r->end && *r->p >= '0' && *r->p <= '9'; }

static bool take(struct reader *r, char c) {
    if (r->p == r->end || *r->p != c) return false;
    r->p++;
    return true;
}

static bool number(struct reader *r, int digits, int *out) {
    int n = 0;
    for (int i = 0; i < digits; i++) {
        if (!at_digit(r)) return false;
        n = n * 10 + (*r->p++ - '0');
    }
    *out = n;
    return !at_digit(r);
}

static bool leap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && leap(year) ? 29 : days[month - 1];
}

// Days since 1970-01-01 in the proleptic Gregorian calendar; years begin in March so that the leap day comes last.
static int64_t days_from_civil(int64_t year, int month, int day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void civil_from_days(int64_t days, int64_t *year, int *month, int *day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

// Each part returns what is wrong with it, or NULL.
static const char *read_date(struct reader *r, int64_t *days) {
    int year, month, day;
    if (!number(r, 4, &year)) return "the year must have four digits: YYYY-MM-DD";
    if (!take(r, '-') || !number(r, 2, &month)) return "the date must be written YYYY-MM-DD";
    if (month < 1 || month > 12) return say_number("month", month);
    if (!take(r, '-') || !number(r, 2, &day)) return "the date must be written YYYY-MM-DD";
    if (day < 1 || day > 31) return say_number("day", day);
    if (day > days_in_month(year, month)) {
        snprintf(message, sizeof message, "%04d-%02d has no day %d", year, month, day);
        return message;
    }
    *days = days_from_civil(year, month, day);
    return NULL;
}

static const char *read_fraction(struct reader *r, int32_t *nanos) {
    if (!at_digit(r)) return "no digits after the decimal point of the seconds";
    int32_t scale = 100000000, n = 0;
    for (; at_digit(r); r->p++, scale /= 10) {
        if (scale == 0) return "more than nine digits of a second";
        n += (*r->p - '0') * scale;
    }
    *nanos = n;
    return NULL;
}

static const char *read_time(struct reader *r, int64_t *seconds, int32_t *nanos) {
    int hour, minute, second;
    if (!number(r, 2, &hour)) return "the time must be written hh:mm:ss";
    if (hour > 23) return say_number("hour", hour);
    if (!take(r, ':') || !number(r, 2, &minute)) return "the time must be written hh:mm:ss";
    if (minute > 59) return say_number("minute", minute);
    if (!take(r, ':')) return "missing seconds: write hh:mm:ss";
    if (!number(r, 2, &second)) return "the time must be written hh:mm:ss";
    if (second > 59) return say_number("second", second);
    *seconds = hour * 3600 + minute * 60 + second;
    *nanos = 0;
    return take(r, '.') ? read_fraction(r, nanos) : NULL;
}

static const char *read_zone(struct reader *r, int64_t *offset) {
    *offset = 0;
    if (r->p == r->end) return "missing zone: add \"Z\"";
    if (take(r, 'Z')) return NULL;
    if (*r->p == 'z') return "\"Z\" must be upper case";
    int sign = *r->p == '-' ? -1 : 1;
    if (*r->p != '+' && *r->p != '-') return "the zone must be \"Z\" or an offset such as +02:00";
    r->p++;
    int hours, minutes;
    if (!number(r, 2, &hours) || !take(r, ':') || !number(r, 2, &minutes))
        return "the offset must be written +hh:mm or -hh:mm";
    if (minutes > 59) return say_number("offset minutes", minutes);
    if (hours > 18 || (hours == 18 && minutes > 0)) return "an offset of more than 18 hours";
    *offset = sign * (hours * 3600 + minutes * 60);
    return NULL;
}

static const char *read_timestamp(struct reader *r, int64_t *seconds, int32_t *nanos) {
    int64_t days, time, offset;
    const char *wrong;
    if (r->p == r->end) return "the text is empty";
    if ((wrong = read_date(r, &days))) return wrong;
    if (r->p == r->end) return "missing time: add \"T\" and hh:mm:ss";
    if (*r->p == 't') return "\"T\" must be upper case";
    if (!take(r, 'T')) return "missing \"T\" between date and time";
    if ((wrong = read_time(r, &time, nanos))) return wrong;
    if ((wrong = read_zone(r, &offset))) return wrong;
    if (r->p != r->end) return "there is text after the zone";
    *seconds = days * 86400 + time - offset;
    return NULL;
}

bool asl_timestamp_parse(asl_str text, int64_t *seconds, int32_t *nanos, const char **why) {
    struct reader r = {text.data, text.data + text.size};
    int64_t s = 0;
    int32_t n = 0;
    const char *wrong = text.size == 0 ? "the text is empty" : read_timestamp(&r, &s, &n);
    if (wrong) {
        if (why) *why = wrong;
        return false;
    }
    *seconds = s;
    *nanos = n;
    return true;
}

// So many decimal digits of n, and where they end.
static char *digits(char *out, int64_t n, int count) {
    for (int i = count; i-- > 0; n /= 10) out[i] = (char)('0' + n % 10);
    return out + count;
}

size_t asl_timestamp_print(int64_t ms_since_1970, char out[40]) {
    int64_t ms = ms_since_1970 % 86400000, days = ms_since_1970 / 86400000, year;
    if (ms < 0) ms += 86400000, days--;
    int month, day, seconds = (int)(ms / 1000);
    civil_from_days(days, &year, &month, &day);
    char *p = out;
    int width = 4; // the sign of a year counts
    if (year < 0) *p++ = '-', year = -year, width = 3;
    for (int64_t more = year / (width == 3 ? 1000 : 10000); more > 0; more /= 10) width++;
    p = digits(p, year, width);
    *p++ = '-';
    p = digits(p, month, 2);
    *p++ = '-';
    p = digits(p, day, 2);
    *p++ = 'T';
    p = digits(p, seconds / 3600, 2);
    *p++ = ':';
    p = digits(p, seconds / 60 % 60, 2);
    *p++ = ':';
    p = digits(p, seconds % 60, 2);
    if (ms % 1000 != 0) {
        *p++ = '.';
        p = digits(p, ms % 1000, 3);
    }
    *p++ = 'Z';
    *p = 0;
    return (size_t)(p - out);
}
