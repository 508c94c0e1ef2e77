// $fromMillis, $toMillis, $now, $millis; reading date pictures and formatting by them (jsonata-language 17).
#include "date_picture.h"

#include "calendar.h"

#include <math.h>

const asl_str jx_month_names[12] = {{"January", 7},   {"February", 8}, {"March", 5},    {"April", 5},
                                    {"May", 3},       {"June", 4},     {"July", 4},     {"August", 6},
                                    {"September", 9}, {"October", 7},  {"November", 8}, {"December", 8}};
const asl_str jx_day_names[8] = {{"", 0},         {"Monday", 6}, {"Tuesday", 7},  {"Wednesday", 9},
                                 {"Thursday", 8}, {"Friday", 6}, {"Saturday", 8}, {"Sunday", 6}};

// ---------------------------------------------------------------- reading pictures

static const char *default_presentation(char component) {
    switch (component) {
    case 'Y': case 'M': case 'D': case 'd': case 'W': case 'w': case 'X': case 'x': case 'H': case 'h': case 'f':
        return "1";
    case 'F': case 'P': case 'C': case 'E': return "n";
    case 'm': case 's': return "01";
    case 'Z': case 'z': return "01:01";
    default: return NULL;
    }
}

static bool is_integer_component(char c) { return c && strchr("YMDdFWwXxHhmsf", c); }

// The marker without its white space, in text.
static void squeeze(asl_str marker, struct jx_text *text) {
    for (const char *p = marker.data, *end = p + marker.size; p < end;) {
        size_t blank = jx_white_space(p, end), length = 1;
        if (!blank) {
            while (p + length < end && ((uint8_t)p[length] & 0xc0) == 0x80) length++;
            jx_text_add(text, p, length);
        }
        p += blank ? blank : length;
    }
}

static bool read_width(asl_str width, double *out) { // false: none
    if (asl_str_equal(width, ASL_STR("*"))) return false;
    *out = jx_parse_int(width);
    return true;
}

// After the last comma: min, or min-max.
static void read_widths(asl_str width, struct jx_date_part *part, bool *has_min, double *min) {
    const char *dash = width.size ? memchr(width.data, '-', width.size) : NULL;
    size_t first = dash ? (size_t)(dash - width.data) : width.size;
    *has_min = read_width((asl_str){width.data, first}, min);
    if (dash) part->has_max = read_width((asl_str){dash + 1, width.size - first - 1}, &part->max);
}

// A year that has a greatest width, or at least two digits in its picture, is shown without its higher digits.
static void limit_year(struct jx_date_part *part) {
    if (part->has_max) {
        part->year_digits = part->integer.mandatory = part->max;
    } else {
        double digits = part->integer.mandatory + part->integer.optional;
        if (digits >= 2) part->year_digits = digits;
    }
}

static int read_integer(struct jx *jx, asl_str presentation, struct jx_date_part *part, bool has_min, double min,
                        struct jx_date_part *previous) {
    part->has_integer = true;
    if (jx_integer_picture_read(jx, presentation, &part->integer) < 0) return -1;
    if (part->component == 'Z' || part->component == 'z') return 0;
    if (has_min && part->integer.mandatory < min) part->integer.mandatory = min;
    if (part->component == 'Y') limit_year(part);
    part->takes_digits = part->integer.plain;
    if (previous && previous->has_integer) {
        previous->exact = previous->integer.mandatory;
        previous->takes_digits = false;
    }
    return 0;
}

// marker: what is between the brackets, without white space.
static int read_marker(struct jx *jx, asl_str marker, struct jx_date_part *part, struct jx_date_part *previous) {
    const char *rest = marker.data, *end = marker.data + marker.size;
    if (rest < end) jx_next_code(&rest);
    asl_str component = {marker.data, (size_t)(rest - marker.data)};
    char letter = component.size == 1 && *component.data ? *component.data : '?';
    *part = (struct jx_date_part){.component = letter, .year_digits = -1};
    const char *known = strchr(jx_date_components, part->component);
    part->index = known ? (uint8_t)(known - jx_date_components) : JX_DATE_COMPONENTS - 1;
    part->text = asl_string(component);
    const char *comma = marker.size ? memrchr(marker.data, ',', marker.size) : NULL;
    bool has_min = false;
    double min = 0;
    if (comma) {
        read_widths((asl_str){comma + 1, (size_t)(end - comma - 1)}, part, &has_min, &min);
        end = comma;
    }
    asl_str presentation = {rest, (size_t)(end - rest)};
    if (end < rest) presentation = (asl_str){end, 1}; // "[,2]": JavaScript's substring takes its ends in either order
    char modifier = 0;
    if (presentation.size == 0) {
        const char *otherwise = default_presentation(part->component);
        if (!otherwise) return jx_raise_value(jx, "D3132", &part->text);
        presentation = asl_str_z(otherwise);
    } else if (presentation.size > 1 && end[-1] && strchr("atco", end[-1])) {
        modifier = presentation.data[--presentation.size];
    }
    part->zulu = modifier == 't';
    bool zone = part->component == 'Z' || part->component == 'z';
    if (*presentation.data == 'n') part->names = JX_NAMES_LOWER;
    else if (*presentation.data == 'N')
        part->names = presentation.size > 1 && presentation.data[1] == 'n' ? JX_NAMES_TITLE : JX_NAMES_UPPER;
    if (zone) return read_integer(jx, presentation, part, has_min, min, previous);
    if (part->names || !is_integer_component(part->component)) return 0;
    struct jx_text pattern;
    jx_text_begin(&pattern);
    jx_text_add(&pattern, presentation.data, presentation.size);
    if (modifier) {
        jx_text_add(&pattern, ";", 1);
        jx_text_add(&pattern, &modifier, 1);
    }
    int rc = read_integer(jx, (asl_str){pattern.data, pattern.size}, part, has_min, min, previous);
    jx_text_end(&pattern);
    return rc;
}

static void add_literal(struct jx_date_picture *p, const char *from, const char *to) {
    if (to <= from) return;
    struct jx_text text;
    jx_text_begin(&text);
    for (const char *c = from; c < to; c++) {
        jx_text_add(&text, c, 1);
        if (*c == ']' && c + 1 < to && c[1] == ']') c++;
    }
    p->part[p->count++] = (struct jx_date_part){.text = jx_text_value(&text)};
}

static int read_parts(struct jx *jx, asl_str text, struct jx_date_picture *p) {
    const char *at = text.data, *end = at + text.size, *from = at;
    while (at < end) {
        if (*at != '[') {
            at++;
            continue;
        }
        add_literal(p, from, at);
        if (at + 1 < end && at[1] == '[') {
            p->part[p->count++] = (struct jx_date_part){.text = asl_string(ASL_STR("["))};
            from = at += 2;
            continue;
        }
        const char *close = memchr(at, ']', (size_t)(end - at));
        if (!close) return jx_raise(jx, "D3135", (const char *)NULL);
        struct jx_text marker;
        jx_text_begin(&marker);
        squeeze((asl_str){at + 1, (size_t)(close - at - 1)}, &marker);
        struct jx_date_part *part = &p->part[p->count++];
        int rc = read_marker(jx, (asl_str){marker.data, marker.size}, part, p->count > 1 ? part - 1 : NULL);
        jx_text_end(&marker);
        if (rc < 0) return -1;
        from = at = close + 1;
    }
    add_literal(p, from, end);
    return 0;
}

static void free_picture(void *picture) {
    struct jx_date_picture *p = picture;
    for (size_t i = 0; i < p->count; i++) {
        if (p->part[i].has_integer) jx_integer_picture_end(&p->part[i].integer);
        asl_release(p->part[i].text);
    }
    asl_free(p);
}

static void *make_picture(struct jx *jx, asl_str text) {
    // Every part but the last ends at a bracket.
    size_t most = 2;
    for (size_t i = 0; i < text.size; i++) most += text.data[i] == '[' ? 2 : 0;
    struct jx_date_picture *p = asl_alloc(sizeof *p + most * sizeof *p->part);
    p->count = 0;
    if (read_parts(jx, text, p) == 0) return p;
    free_picture(p);
    return NULL;
}

// The picture, kept with the program; NULL after D3131, D3132, D3135.
static const struct jx_date_picture *cached(struct jx *jx, asl_str text) {
    static const char kind;
    return jx_cached(jx, &kind, text, make_picture, free_picture);
}

// ---------------------------------------------------------------- weeks

// Years from 0 to 99 are taken for those of the 20th century here, as in the reference.
static double midnight(int64_t year, int month, int day) { return jx_utc((double)year, month, day, 0, 0, 0, 0); }

// The Monday of the week that holds a month's (or, for January, a year's) first Thursday. Months count from 0 and may
// be -1 or 12.
static double first_week(int64_t year, int month) {
    if (month < 0) year--, month = 11;
    if (month > 11) year++, month = 0;
    double first = midnight(year, month, 1);
    if (isnan(first)) return NAN; // next to the last date there is
    int weekday = jx_civil_of(first).weekday;
    if (weekday == 0) weekday = 7;
    return weekday > 4 ? first + (8 - weekday) * JX_DAY : first - (weekday - 1) * JX_DAY;
}

static double weeks_since(double first, double day) { return floor((day - first) / (JX_DAY * 7) + 1); }

// Of a year (month 0, step 12) or a month (step 1): the week's number there, which may belong to what is next to it.
static double week_number(const struct jx_civil *c, int month, int step) {
    double today = midnight(c->year, c->month - 1, c->day);
    double week = weeks_since(first_week(c->year, month), today);
    int64_t next_year = c->year + (step == 12), last_year = c->year - (step == 12);
    int next = step == 12 ? 0 : month + 1, last = step == 12 ? 0 : month - 1;
    if (week > (step == 12 ? 52 : 4)) return today >= first_week(next_year, next) ? 1 : week;
    if (week < 1) return weeks_since(first_week(last_year, last), today);
    return week;
}

static int side(double time, double begin, double end) { return time < begin ? -1 : time >= end ? 1 : 0; }

double jx_date_component(const struct jx_civil *c, double time, char component) {
    int side_of;
    if (isnan(time)) return component == 'P' ? 0 : NAN;
    switch (component) {
    case 'Y': return (double)c->year;
    case 'M': return c->month;
    case 'D': return c->day;
    case 'd': return (midnight(c->year, c->month - 1, c->day) - midnight(c->year, 0, 1)) / JX_DAY + 1;
    case 'F': return c->weekday ? c->weekday : 7;
    case 'W': return week_number(c, 0, 12);
    case 'w': return week_number(c, c->month - 1, 1);
    case 'X': return (double)(c->year + side(time, first_week(c->year, 0), first_week(c->year + 1, 0)));
    case 'x':
        side_of = side(time, first_week(c->year, c->month - 1), first_week(c->year, c->month));
        return (c->month - 1 + 12 + side_of) % 12 + 1;
    case 'H': return c->hour;
    case 'h': return c->hour % 12 ? c->hour % 12 : 12;
    case 'P': return c->hour >= 12;
    case 'm': return c->minute;
    case 's': return c->second;
    case 'f': return c->millisecond;
    default: return NAN;
    }
}

// ---------------------------------------------------------------- formatting

static int format_name(struct jx *jx, const struct jx_date_part *part, double value, struct jx_text *out) {
    asl_str name = ASL_STR("undefined"); // of no date
    if (part->component == 'M' || part->component == 'x') {
        if (!isnan(value)) name = jx_month_names[(int)value - 1];
    } else if (part->component == 'F') {
        if (!isnan(value)) name = jx_day_names[(int)value];
    } else {
        return jx_raise_value(jx, "D3133", &part->text);
    }
    if (part->has_max && (double)name.size > part->max) name.size = part->max > 0 ? (size_t)part->max : 0;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (part->names == JX_NAMES_UPPER && c >= 'a') c = (char)(c - 0x20);
        if (part->names == JX_NAMES_LOWER && c < 'a') c = (char)(c + 0x20);
        jx_text_add(out, &c, 1);
    }
    return 0;
}

static int format_zone(struct jx *jx, const struct jx_date_part *part, double hours, double minutes,
                       struct jx_text *out) {
    double offset = hours * 100 + minutes;
    if (part->zulu && offset == 0) { // the picture must be right all the same
        size_t size = out->size;
        struct jx_date_part other = *part;
        other.zulu = false;
        int rc = format_zone(jx, &other, hours, minutes, out);
        out->size = size;
        jx_text_add(out, "Z", 1);
        return rc;
    }
    if (part->component == 'z') jx_text_add(out, "GMT", 3);
    if (offset >= 0) jx_text_add(out, "+", 1);
    double digits = part->integer.mandatory;
    if (part->integer.regular || digits == 3 || digits == 4) return jx_integer_format(jx, &part->integer, offset, out);
    if (digits != 1 && digits != 2) return jx_raise(jx, "D3134", (const char *)NULL);
    if (jx_integer_format(jx, &part->integer, hours, out) < 0) return -1;
    if (minutes == 0) return 0;
    static const struct jx_integer_picture two_digits = {
        .primary = JX_DECIMAL, .plain = true, .zero = '0', .mandatory = 2};
    jx_text_add(out, ":", 1);
    return jx_integer_format(jx, &two_digits, minutes, out);
}

static int format_marker(struct jx *jx, const struct jx_date_part *part, const struct jx_civil *c, double time,
                         struct jx_text *out) {
    switch (part->component) {
    case 'C':
    case 'E': jx_text_add(out, "ISO", 3); return 0;
    case 'P': {
        bool late = jx_date_component(c, time, 'P') > 0, upper = part->names == JX_NAMES_UPPER;
        jx_text_add(out, upper ? (late ? "PM" : "AM") : late ? "pm" : "am", 2);
        return 0;
    }
    default: break;
    }
    if (!is_integer_component(part->component)) {
        jx_text_add(out, "undefined", 9); // an unknown component whose presentation is given
        return 0;
    }
    double value = jx_date_component(c, time, part->component);
    if (part->names) return format_name(jx, part, value, out);
    if (part->component == 'Y' && part->year_digits != -1) value = fmod(value, jx_power(10, part->year_digits));
    return jx_integer_format(jx, &part->integer, value, out);
}

// Small numbers in plain digits: nearly all there is in dates.
static bool format_plainly(const struct jx_date_part *part, const struct jx_civil *c, struct jx_text *out) {
    uint32_t value;
    switch (part->component) {
    case 'Y':
        if (part->year_digits != 4 || c->year < 0 || c->year > 9999) return false;
        value = (uint32_t)c->year;
        break;
    case 'M': value = (uint32_t)c->month; break;
    case 'D': value = (uint32_t)c->day; break;
    case 'H': value = (uint32_t)c->hour; break;
    case 'm': value = (uint32_t)c->minute; break;
    case 's': value = (uint32_t)c->second; break;
    case 'f': value = (uint32_t)c->millisecond; break;
    default: return false;
    }
    if (!part->has_integer || !part->integer.plain || !(part->integer.mandatory <= 8)) return false;
    char digits[8] = "00000000", *p = digits + sizeof digits;
    do *--p = (char)('0' + value % 10);
    while (value /= 10);
    ptrdiff_t size = digits + sizeof digits - p, least = (ptrdiff_t)part->integer.mandatory;
    if (size < least) size = least;
    memcpy(jx_text_room(out, 8), digits + sizeof digits - size, (size_t)size);
    out->size += (size_t)size;
    return true;
}

int jx_date_format(struct jx *jx, const struct jx_date_picture *p, double time, double hours, double minutes,
                   struct jx_text *out) {
    struct jx_civil c = isnan(time) ? (struct jx_civil){0} : jx_civil_of(time);
    for (size_t i = 0; i < p->count; i++) {
        const struct jx_date_part *part = &p->part[i];
        if (!part->component) {
            asl_str literal = asl_text_of(&part->text);
            jx_text_add(out, literal.data, literal.size);
        } else if (!isnan(time) && format_plainly(part, &c, out)) {
            continue;
        } else if (part->component == 'Z' || part->component == 'z') {
            if (format_zone(jx, part, hours, minutes, out) < 0) return -1;
        } else if (format_marker(jx, part, &c, time, out) < 0) {
            return -1;
        }
    }
    return 0;
}

// ---------------------------------------------------------------- the functions

#define DEFAULT_PICTURE ASL_STR("[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]")

static int from_millis(struct jx *jx, double millis, const asl_value *picture, const asl_value *zone,
                       asl_value *out) {
    double hours = 0, minutes = 0;
    if (zone) {
        double offset = jx_parse_int(asl_text_of(zone));
        hours = floor(offset / 100);
        minutes = fmod(offset, 100) + 0.0;
    }
    double time = jx_time_clip(millis + (60 * hours + minutes) * 60000);
    if (!picture && hours == 0 && minutes == 0 && !isnan(time)) {
        struct jx_civil c = jx_civil_of(time);
        if (c.year >= 0 && c.year <= 9999) {
            char text[24];
            jx_iso_print(&c, text);
            *out = asl_string((asl_str){text, sizeof text});
            return 0;
        }
    }
    const struct jx_date_picture *p = cached(jx, picture ? asl_text_of(picture) : DEFAULT_PICTURE);
    if (!p) return -1;
    struct jx_text t;
    jx_text_begin(&t);
    int rc = jx_date_format(jx, p, time, hours, minutes, &t);
    if (rc == 0) *out = jx_text_value(&t);
    else jx_text_end(&t);
    return rc;
}

static const asl_value *optional(const asl_value *args, uint32_t count, uint32_t i) {
    return i < count && args[i].tag != ASL_NONE ? &args[i] : NULL;
}

// Picture and time zone from args[i] on.
#define PICTURE_AND_ZONE(i)                                                                                  \
    const asl_value *picture = optional(args, count, i), *zone = optional(args, count, (i) + 1);             \
    if (picture) JX_WANT(i, JX_S);                                                                           \
    if (zone) JX_WANT((i) + 1, JX_S)

int jx_fn_FROM_MILLIS(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    *out = asl_none();
    if (args[0].tag == ASL_NONE) return 0;
    JX_WANT(0, JX_N);
    PICTURE_AND_ZONE(1);
    return from_millis(jx, asl_number(&args[0]), picture, zone, out);
}

int jx_fn_NOW(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    *out = asl_none();
    PICTURE_AND_ZONE(0);
    return from_millis(jx, (double)jx_now_ms(jx), picture, zone, out);
}

int jx_fn_MILLIS(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)args, (void)count;
    *out = asl_int(jx_now_ms(jx));
    return 0;
}

int jx_fn_TO_MILLIS(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    *out = asl_none();
    if (args[0].tag == ASL_NONE) return 0;
    JX_WANT(0, JX_S);
    const asl_value *picture = optional(args, count, 1);
    double time;
    if (!picture) {
        if (!jx_iso_parse(asl_text_of(&args[0]), &time)) return jx_raise_value(jx, "D3110", &args[0]);
        *out = jx_number_value(time);
        return 0;
    }
    JX_WANT(1, JX_S);
    const struct jx_date_picture *p = cached(jx, asl_text_of(picture));
    bool matched;
    if (!p || jx_date_parse(jx, p, asl_text_of(&args[0]), &matched, &time) < 0) return -1;
    if (matched) *out = jx_number_value(time);
    return 0;
}
