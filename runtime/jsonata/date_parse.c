// $toMillis with a picture (jsonata-language 17).
//
// The parts of the picture are matched one after the other, as an anchored regular expression would: each takes as much as
// it can, and less when what follows does not match then. Nothing is tried twice, so that a text costs at most its length
// times the number of parts, however it is made.
//
// What was read becomes a date by filling in the rest: what is greater than the greatest part given comes from now, what
// is smaller is 0 or 1.
#include "calendar.h"
#include "date_picture.h"
#include "eval.h"

#include <math.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
static bool is_roman(char c) { return c && strchr("mdclxvi", c | 0x20) && is_letter(c); }

// ---------------------------------------------------------------- what a part can take

/* Ends of what a part takes from one place, best first: all from most down to least, or those in a list. */
struct takes {
    size_t from, most, least; /* most < least: no more */
    size_t *list, count, next;
};

static void drop_takes(struct takes *t) {
    asl_free(t->list);
    t->list = NULL;
}

static bool next_end(struct takes *t, size_t *end) {
    if (t->list) {
        if (t->next == t->count) return false;
        *end = t->list[t->next++];
        return true;
    }
    if (t->most < t->least || t->most == 0) return false;
    *end = t->most--;
    return true;
}

static void take_run(asl_str text, bool (*belongs)(char), struct takes *t) {
    size_t at = t->from;
    while (at < text.size && belongs(text.data[at])) at++;
    t->most = at;
    t->least = t->from + 1;
}

static void take_exactly(size_t end, struct takes *t) { t->most = t->least = end; }

// JavaScript's comparison without regard to case: by the upper case form, when that is one unit and does not turn
// something else into ASCII.
static uint32_t folded(uint32_t code) {
    if (code < 0x80) return code >= 'a' && code <= 'z' ? code - 0x20 : code;
    if (code > 0xffff || (code >= 0xd800 && code < 0xe000)) return code;
    char bytes[4];
    struct jx_text upper;
    jx_text_begin(&upper);
    jx_map_case((asl_str){bytes, jx_put_code(code, bytes)}, true, &upper);
    const char *p = upper.data;
    uint32_t mapped = upper.size ? jx_next_code(&p) : code;
    bool one = p == upper.data + upper.size && mapped >= 0x80 && mapped <= 0xffff;
    jx_text_end(&upper);
    return one ? mapped : code;
}

static bool same_letter(const char **p, const char *end, const char **q) {
    if (*p >= end) return false;
    if (**p == **q && (uint8_t)**p < 0x80) return ++*p, ++*q, true;
    uint32_t a = jx_next_code(p), b = jx_next_code(q);
    return a == b || folded(a) == folded(b);
}

static void take_literal(asl_str text, asl_str literal, struct takes *t) {
    const char *p = text.data + t->from, *q = literal.data, *q_end = q + literal.size;
    while (q < q_end) {
        if (!same_letter(&p, text.data + text.size, &q)) return;
    }
    take_exactly((size_t)(p - text.data), t);
}

// The bytes of the separator at p, or 0. It stands in the reference's pattern as it is: a point is any character.
static size_t zone_separator(const char *p, const char *end, uint32_t separator) {
    if (p >= end) return 0;
    const char *next = p;
    uint32_t code = jx_next_code(&next);
    bool line_end = code == '\n' || code == '\r' || code == 0x2028 || code == 0x2029;
    bool same = separator == '.' ? !line_end && code <= 0xffff : code == separator || folded(code) == folded(separator);
    return same ? (size_t)(next - p) : 0;
}

// (GMT)[-+][0-9]+, and separator[0-9]+ when the picture has one.
static void take_zone(asl_str text, const struct jx_date_part *part, struct takes *t) {
    const char *p = text.data + t->from, *end = text.data + text.size;
    if (part->component == 'z') {
        if (end - p < 3 || (p[0] | 0x20) != 'g' || (p[1] | 0x20) != 'm' || (p[2] | 0x20) != 't') return;
        p += 3;
    }
    if (p >= end || (*p != '-' && *p != '+')) return;
    const char *digits = ++p;
    while (p < end && is_digit(*p)) p++;
    if (!part->integer.regular) {
        t->most = (size_t)(p - text.data);
        t->least = (size_t)(digits + 1 - text.data);
        return;
    }
    t->list = asl_alloc((text.size + 1) * sizeof *t->list);
    for (size_t reached = SIZE_MAX; p > digits; p--) { // a separator may be a digit when it is a point
        size_t size = zone_separator(p, end, part->integer.groupings[0].character);
        const char *minutes = p + size, *last = minutes;
        if (!size) continue;
        while (last < end && is_digit(*last)) last++;
        for (; last > minutes; last--) {
            size_t at = (size_t)(last - text.data);
            if (at >= reached) continue; // has been in the list
            t->list[t->count++] = reached = at;
        }
    }
}

static void take_ordinal(asl_str text, struct takes *t) { // behind the last digit
    static const char suffixes[4][2] = {{'t', 'h'}, {'s', 't'}, {'n', 'd'}, {'r', 'd'}};
    size_t end = t->most;
    t->most = 0;
    for (int i = 0; i < 4 && end + 2 <= text.size; i++) {
        if ((text.data[end] | 0x20) == suffixes[i][0] && (text.data[end + 1] | 0x20) == suffixes[i][1])
            take_exactly(end + 2, t);
    }
}

static void take_integer(asl_str text, const struct jx_date_part *part, struct takes *t) {
    switch (part->integer.primary) {
    case JX_LETTERS: take_run(text, is_letter, t); return;
    case JX_ROMAN: take_run(text, is_roman, t); return;
    case JX_WORDS: {
        asl_str rest = {text.data + t->from, text.size - t->from};
        t->list = asl_alloc((rest.size + 1) * sizeof *t->list);
        t->count = jx_words_match(rest, t->list);
        for (size_t i = 0; i < t->count; i++) t->list[i] += t->from;
        return;
    }
    case JX_DECIMAL:
        take_run(text, is_digit, t);
        if (part->exact > 0) { // that many of them
            double end = (double)t->from + part->exact;
            if (end > (double)t->most) t->most = 0;
            else take_exactly((size_t)end, t);
        }
        if (part->integer.ordinal && t->most > t->from) take_ordinal(text, t);
        return;
    case JX_NUMBERING: return;
    }
}

static struct takes begin_takes(const struct jx_date_part *part, asl_str text, size_t from) {
    struct takes t = {.from = from, .least = 1};
    if (!part->component) take_literal(text, asl_text_of(&part->text), &t);
    else if (part->component == 'Z' || part->component == 'z') take_zone(text, part, &t);
    else if (part->component == 'f') take_run(text, is_digit, &t);
    else if (part->has_integer) take_integer(text, part, &t);
    else take_run(text, is_letter, &t);
    return t;
}

// ---------------------------------------------------------------- matching

enum { PATIENCE = 2000 }; // steps back, after which is noted what has been tried

struct matcher {
    struct jx *jx;
    const struct jx_date_picture *picture;
    asl_str text;
    struct takes *takes; /* of each part that has taken something */
    uint64_t *tried;     /* a bit for each part and place: nothing matches from there */
    size_t steps;
};

static bool was_tried(struct matcher *m, size_t part, size_t at) {
    size_t bit = part * (m->text.size + 1) + at;
    bool before = m->tried[bit / 64] >> (bit % 64) & 1;
    m->tried[bit / 64] |= (uint64_t)1 << (bit % 64);
    return before;
}

// Counts a step back. 0, or -1 raised.
static int step_back(struct matcher *m) {
    if (jx_tick(m->jx) < 0) return -1;
    if (++m->steps != PATIENCE) return 0;
    size_t bits = m->picture->count * (m->text.size + 1);
    if (jx_charge(m->jx, bits / 8) < 0) return -1;
    m->tried = asl_calloc(bits / 64 + 1, sizeof *m->tried);
    return 0;
}

// Fills ends[]: where each part's text ends. 1: matched, 0: not, -1: raised.
static int match(struct matcher *m, size_t *ends) {
    const struct jx_date_picture *p = m->picture;
    size_t part = 0, at = 0;
    for (bool forward = true;;) {
        if (forward && part == p->count) {
            if (at == m->text.size) return 1;
            forward = false;
        } else if (forward && m->tried && was_tried(m, part, at)) {
            forward = false;
        } else {
            if (forward) m->takes[part] = begin_takes(&p->part[part], m->text, at);
            else if (part == 0) return 0;
            else part--;
            size_t end;
            if (next_end(&m->takes[part], &end)) {
                ends[part++] = at = end;
                forward = true;
            } else {
                drop_takes(&m->takes[part]);
                m->takes[part] = (struct takes){0};
                forward = false;
            }
            if (!forward && step_back(m) < 0) return -1;
        }
    }
}

// ---------------------------------------------------------------- from text to components

/* What was read, by component; NAN is a value: text that is no number. */
struct components {
    double value[128];
    bool given[128];
};

static double parse_name(const struct jx_date_part *part, asl_str text, bool *known) {
    double found = NAN;
    const asl_str *names = part->component == 'F' ? jx_day_names : jx_month_names;
    int first = part->component == 'F', count = part->component == 'F' ? 8 : 12;
    if (part->component == 'P') {
        if (text.size == 2 && (memcmp(text.data, "am", 2) == 0 || memcmp(text.data, "AM", 2) == 0)) found = 0;
        if (text.size == 2 && (memcmp(text.data, "pm", 2) == 0 || memcmp(text.data, "PM", 2) == 0)) found = 1;
    } else {
        bool cut = part->has_max && part->max != 0 && !isnan(part->max);
        for (int i = first; i < count; i++) { // cut short they may be the same: the last counts
            asl_str name = names[i];
            if (cut && (double)name.size > part->max) name.size = part->max > 0 ? (size_t)part->max : 0;
            if (asl_str_equal(name, text)) found = i + 1 - first;
        }
    }
    *known = !isnan(found);
    return found;
}

// Minutes. Hours and minutes are read one by one, so that -02:30 are -120 + 30: so does the reference.
static double parse_zone(const struct jx_date_part *part, asl_str text) {
    if (part->component == 'z') text.data += 3, text.size -= 3;
    double hours, minutes = 0;
    if (part->integer.regular) {
        char bytes[4];
        asl_str separator = {bytes, jx_put_code(part->integer.groupings[0].character, bytes)};
        size_t at = jx_find(text, separator, 0);
        if (at == SIZE_MAX) return NAN; // another character matched
        hours = jx_parse_int((asl_str){text.data, at});
        minutes = jx_parse_int((asl_str){text.data + at + separator.size, text.size - at - separator.size});
    } else if (text.size <= 3) {
        hours = jx_parse_int(text);
    } else {
        hours = jx_parse_int((asl_str){text.data, 3});
        minutes = jx_parse_int((asl_str){text.data + 3, text.size - 3});
    }
    return hours * 60 + minutes;
}

static double parse_fraction(asl_str text) { // milliseconds
    int value = 0;
    for (size_t i = 0; i < 3; i++) value = value * 10 + (i < text.size ? text.data[i] - '0' : 0);
    return value;
}

static double parse_plain(asl_str text) { // digits
    if (text.size > 15) return jx_parse_int(text);
    int64_t value = 0;
    for (size_t i = 0; i < text.size; i++) value = value * 10 + (text.data[i] - '0');
    return (double)value;
}

static void read_components(const struct jx_date_picture *p, asl_str text, const size_t *ends, struct components *c) {
    for (size_t i = 0; i < p->count; i++) {
        const struct jx_date_part *part = &p->part[i];
        size_t from = i ? ends[i - 1] : 0;
        asl_str taken = {text.data + from, ends[i] - from};
        unsigned component = (uint8_t)part->component;
        bool known = true;
        if (!component) continue;
        if (component == 'Z' || component == 'z') c->value[component] = parse_zone(part, taken);
        else if (component == 'f') c->value[component] = parse_fraction(taken);
        else if (!part->has_integer) c->value[component] = parse_name(part, taken, &known);
        else if (part->integer.plain) c->value[component] = parse_plain(taken);
        else c->value[component] = jx_integer_parse(&part->integer, taken);
        c->given[component] = known;
    }
}

// ---------------------------------------------------------------- from components to an instant

// Which of the components are there and neither 0 nor NaN, in the order of the letters from the highest bit.
static unsigned mask_of(const struct components *c, const char *letters) {
    unsigned mask = 0;
    for (; *letters; letters++) {
        unsigned i = (uint8_t)*letters;
        mask = mask << 1 | (c->given[i] && c->value[i] != 0 && !isnan(c->value[i]));
    }
    return mask;
}

static bool only(unsigned mask, unsigned these) { return mask && !(mask & ~these); }

// Fills in what is not given. False: something between is missing.
static bool complete(struct components *c, const char *letters, double now) {
    struct jx_civil civil = jx_civil_of(now);
    bool started = false, ended = false;
    for (; *letters; letters++) {
        unsigned i = (uint8_t)*letters;
        if (c->given[i]) {
            started = true;
            if (ended) return false;
        } else {
            c->given[i] = true;
            if (!started) {
                c->value[i] = *letters == 'P' ? NAN : jx_date_component(&civil, now, *letters);
            } else {
                c->value[i] = strchr("MDd", *letters) ? 1 : 0;
                ended = true;
            }
        }
    }
    return true;
}

static int instant_of(struct jx *jx, struct components *c, double *time) {
    // YXMxWwdD: the sets YMD, Yd, Xxw and XW
    unsigned date = mask_of(c, "YXMxWwdD"), clock = mask_of(c, "PHhmsf");
    bool ymd = only(date, 0xa1), yd = !ymd && only(date, 0x82), months = only(date, 0x54), weeks = !months && only(date, 0x48);
    bool half_days = !only(clock, 0x17) && only(clock, 0x2f); // Hmsf, Phmsf
    char letters[16];
    strcpy(letters, yd ? "YD" : months ? "XxwF" : weeks ? "XWF" : "YMD");
    strcat(letters, half_days ? "Phmsf" : "Hmsf");
    bool whole = complete(c, letters, (double)jx_now_ms(jx));
    if (!whole || months || weeks) return jx_raise(jx, "D3136", (const char *)NULL);
    double *v = c->value, month = v['M'] > 0 ? v['M'] - 1 : 0, day = v['D'], hour = v['H'];
    if (yd) {
        double derived = jx_time_clip(jx_utc(v['Y'], 0, 1, 0, 0, 0, 0) + (v['d'] - 1) * JX_DAY);
        struct jx_civil civil = isnan(derived) ? (struct jx_civil){0} : jx_civil_of(derived);
        month = isnan(derived) ? NAN : civil.month - 1;
        day = isnan(derived) ? NAN : civil.day; // of the year given, whichever the day falls in
    }
    if (half_days) hour = (v['h'] == 12 ? 0 : v['h']) + (v['P'] == 1 ? 12 : 0);
    double utc = jx_utc(v['Y'], month, day, hour, v['m'], v['s'], v['f']);
    double zone = c->given['Z'] && v['Z'] != 0 && !isnan(v['Z']) ? v['Z'] : c->given['z'] ? v['z'] : 0;
    *time = isnan(zone) || zone == 0 ? utc : utc - zone * 60000;
    return 0;
}

// Markers that cannot be parsed. 0, or -1 raised.
static int refuse_markers(struct jx *jx, const struct jx_date_picture *p) {
    for (size_t i = 0; i < p->count; i++) {
        const struct jx_date_part *part = &p->part[i];
        char c = part->component;
        if (!c || c == 'Z' || c == 'z' || c == 'f') continue;
        if (part->has_integer && part->integer.primary == JX_NUMBERING) return jx_integer_picture_refuse(jx, &part->integer);
        if (!part->has_integer && c != 'M' && c != 'x' && c != 'F' && c != 'P') return jx_raise_value(jx, "D3133", &part->text);
    }
    return 0;
}

int jx_date_parse(struct jx *jx, const struct jx_date_picture *p, asl_str text, bool *matched, double *time) {
    enum { FEW = 24 };
    struct takes few_takes[FEW] = {0};
    size_t few_ends[FEW];
    *matched = false;
    if (refuse_markers(jx, p) < 0) return -1;
    bool few = p->count <= FEW;
    struct matcher m = {jx, p, text, few ? few_takes : asl_calloc(p->count, sizeof *m.takes), NULL, 0};
    size_t *ends = few ? few_ends : asl_alloc(p->count * sizeof *ends);
    int rc = match(&m, ends);
    if (rc > 0) {
        struct components c = {0};
        read_components(p, text, ends, &c);
        for (size_t i = 0; i < p->count; i++) *matched |= p->part[i].component != 0;
        rc = *matched ? instant_of(jx, &c, time) : 0;
    }
    for (size_t i = 0; i < p->count; i++) drop_takes(&m.takes[i]);
    asl_free(m.tried);
    if (!few) {
        asl_free(m.takes);
        asl_free(ends);
    }
    return rc;
}
