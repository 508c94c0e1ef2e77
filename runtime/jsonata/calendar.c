// The calendar of dates, and ISO 8601.
#include "calendar.h"

#include <math.h>

// Years begin in March here, so that the leap day comes last (as in runtime/timestamp.c).
int64_t jx_days_of(int64_t year, int month) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

struct jx_civil jx_civil_of(double time) {
    struct jx_civil c;
    int64_t t = (int64_t)time, days = t / 86400000, ms = t % 86400000;
    if (ms < 0) ms += 86400000, days--;
    uint32_t rest = (uint32_t)ms;
    c.millisecond = (int)(rest % 1000), rest /= 1000;
    c.second = (int)(rest % 60), rest /= 60;
    c.minute = (int)(rest % 60), c.hour = (int)(rest / 60);
    c.weekday = (int)((days % 7 + 11) % 7); // 1970 began on a Thursday
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    uint32_t day_of_era = (uint32_t)(days - era * 146097);
    uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t shifted = (5 * day_of_year + 2) / 153;
    c.day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    c.month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    c.year = (int64_t)year_of_era + era * 400 + (c.month <= 2);
    return c;
}

double jx_time_clip(double time) {
    if (!(fabs(time) <= 8.64e15)) return NAN;
    return trunc(time) + 0.0;
}

double jx_utc(double year, double month, double day, double hour, double minute, double second, double millisecond) {
    // What is not finite makes the sum so; beyond these bounds no date is in range.
    double check = year + month + day + hour + minute + second + millisecond;
    if (!isfinite(check) || fabs(year) > 1e6 || fabs(month) > 1e7) return NAN;
    year = trunc(year), month = trunc(month);
    if (year >= 0 && year <= 99) year += 1900;
    double months = floor(month / 12);
    double days = (double)jx_days_of((int64_t)(year + months), (int)(month - months * 12) + 1) + trunc(day) - 1;
    return jx_time_clip(days * JX_DAY + trunc(hour) * 3600000 + trunc(minute) * 60000 + trunc(second) * 1000 +
                        trunc(millisecond));
}

// ---------------------------------------------------------------- ISO 8601

static inline bool digit_in(char c, char low, char high) { return c >= low && c <= high; }
static inline bool is_digit(char c) { return digit_in(c, '0', '9'); }
static inline int two(const char *p) { return (p[0] - '0') * 10 + p[1] - '0'; }

// -, a digit up to `most`, a digit
static bool at_dash_pair(const char *p, const char *end, char most) {
    return end - p >= 3 && p[0] == '-' && digit_in(p[1], '0', most) && is_digit(p[2]);
}

static bool at_time(const char *p, const char *end) {
    return end - p >= 9 && p[0] == 'T' && digit_in(p[1], '0', '2') && is_digit(p[2]) && p[3] == ':' &&
           digit_in(p[4], '0', '5') && is_digit(p[5]) && p[6] == ':' && digit_in(p[7], '0', '5') && is_digit(p[8]);
}

static bool is_zone(const char *p, const char *end) { // the rest of the text
    if (p == end) return true;
    if (*p == 'Z') return p + 1 == end;
    size_t colon = end - p == 6;
    return (end - p == 5 || (colon && p[3] == ':')) && (*p == '+' || *p == '-') && digit_in(p[1], '0', '2') &&
           is_digit(p[2]) && digit_in(p[3 + colon], '0', '5') && is_digit(p[4 + colon]);
}

// (\.\d+)?(zone)?$
static bool is_fraction_and_zone(const char *p, const char *end) {
    if (p < end && *p == '.') {
        const char *digits = ++p;
        while (p < end && is_digit(*p)) p++;
        if (p == digits) return false;
    }
    return is_zone(p, end);
}

static bool is_time_and_rest(const char *p, const char *end) {
    return (at_time(p, end) && is_fraction_and_zone(p + 9, end)) || is_fraction_and_zone(p, end);
}

// ^\d{4}(-[01]\d)?(-[0-3]\d)?(T[0-2]\d:[0-5]\d:[0-5]\d)?(\.\d+)?([+-][0-2]\d:?[0-5]\d|Z)?$
static bool is_written_right(const char *p, const char *end) {
    if (end - p < 4 || !is_digit(p[0]) || !is_digit(p[1]) || !is_digit(p[2]) || !is_digit(p[3])) return false;
    p += 4;
    bool month = at_dash_pair(p, end, '1');
    if (month && at_dash_pair(p + 3, end, '3') && is_time_and_rest(p + 6, end)) return true;
    if (month && is_time_and_rest(p + 3, end)) return true;
    if (at_dash_pair(p, end, '3') && is_time_and_rest(p + 3, end)) return true;
    return is_time_and_rest(p, end);
}

// The date and time of a text that is written right, but may mean nothing.
static double read_time(const char *p, const char *end) {
    int year = two(p) * 100 + two(p + 2), month = 1, day = 1;
    double time = 0;
    p += 4;
    if (at_dash_pair(p, end, '9')) month = two(p + 1), p += 3;
    if (at_dash_pair(p, end, '9')) day = two(p + 1), p += 3;
    if (month < 1 || month > 12 || day < 1 || day > 31) return NAN;
    if (at_time(p, end)) {
        int hour = two(p + 1), minute = two(p + 4), second = two(p + 7), ms = 0, scale = 100;
        p += 9;
        if (p < end && *p == '.') {
            for (p++; p < end && is_digit(*p); p++, scale /= 10) ms += (*p - '0') * scale;
        }
        if (hour > 24 || (hour == 24 && (minute || second || ms))) return NAN;
        time = hour * 3600000.0 + minute * 60000.0 + second * 1000.0 + ms;
        if (p < end && *p != 'Z') { // ±hhmm or ±hh:mm
            int hours = two(p + 1), minutes = two(end - 2);
            if (hours > 23) return NAN;
            time -= (*p == '-' ? -1 : 1) * (hours * 60 + minutes) * 60000.0;
            p = end;
        }
    }
    // What only other programs' dates look like ("2018.5", "2018-03+01:00") is none.
    if (p < end && !(*p == 'Z' && p + 1 == end)) return NAN;
    return ((double)jx_days_of(year, month) + day - 1) * JX_DAY + time;
}

bool jx_iso_parse(asl_str text, double *time) {
    const char *p = text.data, *end = p + text.size;
    if (!is_written_right(p, end)) return false;
    *time = read_time(p, end);
    return true;
}

static inline char *put_two(char *p, int n) {
    p[0] = (char)('0' + n / 10), p[1] = (char)('0' + n % 10);
    return p + 2;
}

void jx_iso_print(const struct jx_civil *c, char out[24]) {
    char *p = put_two(put_two(out, (int)c->year / 100), (int)c->year % 100);
    *p++ = '-';
    p = put_two(p, c->month);
    *p++ = '-';
    p = put_two(p, c->day);
    *p++ = 'T';
    p = put_two(p, c->hour);
    *p++ = ':';
    p = put_two(p, c->minute);
    *p++ = ':';
    p = put_two(p, c->second);
    *p++ = '.';
    *p++ = (char)('0' + c->millisecond / 100);
    p = put_two(p, c->millisecond % 100);
    *p = 'Z';
}
