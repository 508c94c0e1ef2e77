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

/* Places of components. ORDER date components */
enum { C_Y, C_X, C_M, C_x, C_W, C_w, C_d, C_D, C_F, C_P, C_H, C_h, C_m, C_s, C_f, C_Z, C_z };
#define BIT(i) (1u << (i))

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
                forward = false;
            }
            if (!forward && step_back(m) < 0) return -1;
        }
    }
}

// The same when every part takes what it likes best, which is nearly always; else false, and it is for match to say.
static bool match_at_once(const struct jx_date_picture *p, asl_str text, size_t *ends) {
    size_t at = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct jx_date_part *part = &p->part[i];
        if (!part->component) {
            asl_str literal = asl_text_of(&part->text);
            if (text.size - at < literal.size || memcmp(text.data + at, literal.data, literal.size) != 0) return false;
            at += literal.size;
        } else if (part->takes_digits) {
            size_t from = at;
            while (at < text.size && is_digit(text.data[at])) at++;
            if (at == from) return false;
        } else {
            struct takes t = begin_takes(part, text, at);
            bool takes = next_end(&t, &at);
            drop_takes(&t);
            if (!takes) return false;
        }
        ends[i] = at;
    }
    return at == text.size;
}

// ---------------------------------------------------------------- from text to components

/* What was read, by component (its place in jx_date_components); NAN is a value: text that is no number. */
struct components {
    double value[JX_DATE_COMPONENTS];
    uint32_t given; /* a bit for each */
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
        uint8_t to = part->index;
        bool known = true;
        if (!part->component) continue;
        if (to == C_Z || to == C_z) c->value[to] = parse_zone(part, taken);
        else if (to == C_f) c->value[to] = parse_fraction(taken);
        else if (!part->has_integer) c->value[to] = parse_name(part, taken, &known);
        else if (part->integer.plain) c->value[to] = parse_plain(taken);
        else c->value[to] = jx_integer_parse(&part->integer, taken);
        c->given = (c->given & ~BIT(to)) | (known ? BIT(to) : 0);
    }
}

// ---------------------------------------------------------------- from components to an instant

// Which of the components are there and neither 0 nor NaN.
static uint32_t set_of(const struct components *c) {
    uint32_t set = 0;
    for (uint8_t i = 0; i < JX_DATE_COMPONENTS; i++) {
        if (c->given & BIT(i) && c->value[i] != 0 && !isnan(c->value[i])) set |= BIT(i);
    }
    return set;
}

static bool only(uint32_t set, uint32_t these) { return set && !(set & ~these); }

// Fills in what is not given. False: something between is missing.
static bool complete(struct jx *jx, struct components *c, const uint8_t *order, size_t count) {
    double now = NAN;
    struct jx_civil civil;
    bool started = false, ended = false;
    for (size_t k = 0; k < count; k++) {
        uint8_t i = order[k];
        if (c->given & BIT(i)) {
            started = true;
            if (ended) return false;
        } else if (started) {
            c->value[i] = i == C_M || i == C_D || i == C_d;
            ended = true;
        } else if (i != C_P) { // morning or afternoon of now does not count, in the reference neither
            if (isnan(now)) {
                now = (double)jx_now_ms(jx);
                civil = jx_civil_of(now);
            }
            c->value[i] = jx_date_component(&civil, now, jx_date_components[i]);
        }
    }
    return true;
}

static int instant_of(struct jx *jx, struct components *c, double *time) {
    const uint32_t dates = BIT(C_Y) | BIT(C_X) | BIT(C_M) | BIT(C_x) | BIT(C_W) | BIT(C_w) | BIT(C_d) | BIT(C_D);
    const uint32_t times = BIT(C_P) | BIT(C_H) | BIT(C_h) | BIT(C_m) | BIT(C_s) | BIT(C_f);
    uint32_t set = set_of(c), date = set & dates, clock = set & times;
    bool ymd = only(date, BIT(C_Y) | BIT(C_M) | BIT(C_D)), yd = !ymd && only(date, BIT(C_Y) | BIT(C_d));
    const uint32_t minutes = BIT(C_m) | BIT(C_s) | BIT(C_f);
    bool half_days = !only(clock, minutes | BIT(C_H)) && only(clock, minutes | BIT(C_P) | BIT(C_h));
    // Dates by weeks are told from others, and refused.
    bool weeks = only(date, BIT(C_X) | BIT(C_x) | BIT(C_w)) || only(date, BIT(C_X) | BIT(C_W));
    uint8_t order[8] = {C_Y}, count = 1;
    if (!yd) order[count++] = C_M;
    order[count++] = C_D;
    if (half_days) order[count++] = C_P;
    order[count++] = half_days ? C_h : C_H;
    order[count++] = C_m, order[count++] = C_s, order[count++] = C_f;
    if (weeks || !complete(jx, c, order, count)) return jx_raise(jx, "D3136", (const char *)NULL);
    double *v = c->value, month = v[C_M] > 0 ? v[C_M] - 1 : 0, day = v[C_D], hour = v[C_H];
    if (yd) {
        double derived = jx_time_clip(jx_utc(v[C_Y], 0, 1, 0, 0, 0, 0) + (v[C_d] - 1) * JX_DAY);
        struct jx_civil civil = isnan(derived) ? (struct jx_civil){0} : jx_civil_of(derived);
        month = isnan(derived) ? NAN : civil.month - 1;
        day = isnan(derived) ? NAN : civil.day; // of the year given, whichever the day falls in
    }
    if (half_days) hour = (v[C_h] == 12 ? 0 : v[C_h]) + (v[C_P] == 1 ? 12 : 0);
    double utc = jx_utc(v[C_Y], month, day, hour, v[C_m], v[C_s], v[C_f]);
    double zone = set & BIT(C_Z) ? v[C_Z] : set & BIT(C_z) ? v[C_z] : 0;
    *time = zone == 0 ? utc : utc - zone * 60000;
    return 0;
}

// Markers that cannot be parsed. 0, or -1 raised.
static int refuse_markers(struct jx *jx, const struct jx_date_picture *p) {
    for (size_t i = 0; i < p->count; i++) {
        const struct jx_date_part *part = &p->part[i];
        char c = part->component;
        if (!c || c == 'Z' || c == 'z' || c == 'f') continue;
        if (!part->has_integer && !strchr("MxFP", c)) return jx_raise_value(jx, "D3133", &part->text);
        if (part->has_integer && part->integer.primary == JX_NUMBERING)
            return jx_integer_picture_refuse(jx, &part->integer);
    }
    return 0;
}

int jx_date_parse(struct jx *jx, const struct jx_date_picture *p, asl_str text, bool *matched, double *time) {
    enum { FEW = 24 };
    struct takes few_takes[FEW];
    size_t few_ends[FEW];
    *matched = false;
    if (refuse_markers(jx, p) < 0) return -1;
    bool few = p->count <= FEW;
    struct matcher matcher = {jx, p, text, few ? few_takes : asl_alloc(p->count * sizeof *matcher.takes), NULL, 0};
    for (size_t i = 0; i < p->count; i++) matcher.takes[i].list = NULL;
    size_t *ends = few ? few_ends : asl_alloc(p->count * sizeof *ends);
    int rc = match_at_once(p, text, ends) ? 1 : match(&matcher, ends);
    if (rc > 0) {
        struct components c = {0};
        read_components(p, text, ends, &c);
        for (size_t i = 0; i < p->count; i++) *matched |= p->part[i].component != 0;
        rc = *matched ? instant_of(jx, &c, time) : 0;
    }
    for (size_t i = 0; i < p->count; i++) drop_takes(&matcher.takes[i]);
    asl_free(matcher.tried);
    if (!few) {
        asl_free(matcher.takes);
        asl_free(ends);
    }
    return rc;
}
