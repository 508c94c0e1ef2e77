// $match, $contains, $replace, $split: with strings, regexes and functions that match (jsonata-language 15, 19).
//
// A matcher gives one match after the other, whoever finds them. A regex is searched in the subject's text directly;
// only a function that is called with a match sees an object. A function of the user's gives such objects itself:
//
//     {match: "ab", start: 3, end: 5, groups: ["b"], next: function}     start and end in UTF-16 units
#include "match.h"

#include <math.h>
#include <stdlib.h>

// ---------------------------------------------------------------- subjects

void jx_subject_begin(struct jx_subject *s, asl_str text) {
    s->text = text;
    s->ascii = jx_ascii(text);
    s->split = !s->ascii && jx_has_pairs(text);
    if (!s->split) return;
    jx_text_begin(&s->halves);
    jx_split_pairs(text, &s->halves);
    s->text = (asl_str){s->halves.data, s->halves.size};
}

void jx_subject_end(struct jx_subject *s) {
    if (s->split) jx_text_end(&s->halves);
}

void jx_subject_add(const struct jx_subject *s, size_t start, size_t end, struct jx_text *out) {
    asl_str part = {s->text.data + start, end - start};
    if (s->split) jx_text_halves(out, part);
    else jx_text_join(out, part);
}

asl_value jx_subject_slice(const struct jx_subject *s, size_t start, size_t end) {
    if (!s->split) return asl_string((asl_str){s->text.data + start, end - start});
    struct jx_text t;
    jx_text_begin(&t);
    jx_subject_add(s, start, end, &t);
    return jx_text_value(&t);
}

size_t jx_subject_units(const struct jx_subject *s, size_t from, size_t units, size_t to) {
    if (s->ascii) return to;
    return units + jx_code_points((asl_str){s->text.data + from, to - from}); // each unit is a sequence of its own
}

// What is no string is searched as its text in the host: only calls of a regex itself, or of a partial application, bring
// such.
static void add_host_text(const asl_value *v, int depth, struct jx_text *out) {
    char digits[40];
    switch (v->tag) {
    case ASL_STRING: jx_text_join(out, asl_text_of(v)); break;
    case ASL_BOOL: jx_text_join(out, asl_str_z(v->b ? "true" : "false")); break;
    case ASL_NONE: jx_text_join(out, ASL_STR("undefined")); break;
    case ASL_NULL: jx_text_join(out, ASL_STR("null")); break;
    case ASL_INT:
    case ASL_DOUBLE:
    case ASL_NUMBER_TEXT: jx_text_add(out, digits, jx_number_print(jx_number(v), digits)); break;
    case ASL_ARRAY:
        for (uint32_t i = 0; depth < ASL_MAX_DEPTH && i < v->array->head.count; i++) {
            const asl_value *item = &v->array->items[i];
            if (i) jx_text_add(out, ",", 1);
            if (item->tag != ASL_NONE && item->tag != ASL_NULL) add_host_text(item, depth + 1, out);
        }
        break;
    default: jx_text_join(out, ASL_STR("[object Object]"));
    }
}

static asl_value host_text(const asl_value *v) {
    if (v->tag == ASL_STRING) return asl_retain(*v);
    struct jx_text t;
    jx_text_begin(&t);
    add_host_text(v, 0, &t);
    return jx_text_value(&t);
}

// ---------------------------------------------------------------- regex values

// How many spans stand on the stack.
#define SPANS 12

static struct jx_regex *regex_of(struct jx *jx, const asl_value *held) {
    jx_regex_get *get = (jx_regex_get *)(intptr_t)held[JX_REGEX_GET].i;
    return get(jx, (asl_value *)(uintptr_t)held); // what was found is noted there
}

// The pattern, behind the two flags of the key.
static int raise_empty(struct jx *jx, const asl_value *held) {
    asl_str key = asl_text_of(&held[JX_REGEX_KEY]);
    asl_value pattern = asl_string((asl_str){key.data + 2, key.size - 2});
    jx_raise_value(jx, "D1004", &pattern);
    asl_release(pattern);
    return -1;
}

static asl_value groups_of(const struct jx_regex *r, const struct jx_subject *s, const struct jx_span *spans) {
    asl_value groups = asl_array_new(r->groups);
    for (uint32_t i = 1; i <= r->groups; i++) {
        bool took_part = spans[i].start != SIZE_MAX;
        jx_add(&groups, took_part ? jx_subject_slice(s, spans[i].start, spans[i].end) : asl_none());
    }
    return groups;
}

static struct asl__entry member(const char *key, asl_value v) {
    return (struct asl__entry){asl_text_new(asl_str_z(key)), v};
}

static jx_native call_next;

// {match, start, end, groups, next}; held is the regex's, text the subject's value.
static asl_value match_object(const asl_value *held, const struct jx_regex *r, const struct jx_subject *s,
                              const struct jx_span *spans, const asl_value *text) {
    size_t start = jx_subject_units(s, 0, 0, spans[0].start);
    size_t end = jx_subject_units(s, spans[0].start, start, spans[0].end);
    asl_value further[JX_REGEX_HELD + 2];
    memcpy(further, held, JX_REGEX_HELD * sizeof *held);
    further[JX_REGEX_HELD] = *text;
    further[JX_REGEX_HELD + 1] = asl_int((int64_t)spans[0].end);
    struct asl__entry entries[] = {
        member("match", jx_subject_slice(s, spans[0].start, spans[0].end)),
        member("start", asl_int((int64_t)start)),
        member("end", asl_int((int64_t)end)),
        member("groups", groups_of(r, s, spans)),
        member("next", jx_native_new(call_next, 0, further, JX_REGEX_HELD + 2)),
    };
    return asl__object_of(entries, sizeof entries / sizeof entries[0]);
}

// The first match at or after byte `from` as an object. no_empty: an empty one is an error.
static int match_from(struct jx *jx, const asl_value *held, const asl_value *text, size_t from, bool in_units,
                      bool no_empty, asl_value *out) {
    struct jx_regex *r = regex_of(jx, held);
    *out = asl_none();
    if (!r) return -1;
    struct jx_subject s;
    jx_subject_begin(&s, asl_text_of(text));
    struct jx_span local[SPANS], *spans = r->groups < SPANS ? local : asl_alloc((r->groups + 1) * sizeof *spans);
    int rc = 0;
    if (in_units && !s.ascii) from = jx_code_point_offset(s.text, from);
    if (from <= s.text.size && !(no_empty && from >= s.text.size)) rc = r->find(jx, r, &s, from, spans);
    if (rc > 0 && no_empty && spans[0].start == spans[0].end) rc = raise_empty(jx, held);
    if (rc > 0) {
        *out = match_object(held, r, &s, spans, text);
        rc = 0;
    }
    if (spans != local) asl_free(spans);
    jx_subject_end(&s);
    return rc;
}

static int call_next(struct jx *jx, const asl_value *held, const asl_value *args, uint32_t count, asl_value *out) {
    (void)args, (void)count;
    return match_from(jx, held, &held[JX_REGEX_HELD], (size_t)held[JX_REGEX_HELD + 1].i, false, true, out);
}

static double digits_only(asl_str s) {
    double d = 0;
    for (size_t i = 0; i < s.size; i++) {
        if ((uint8_t)(s.data[i] - '0') > 9) return 0;
        d = d * 10 + (s.data[i] - '0');
    }
    return d;
}

// A regex as a function: of a string, and of where to begin.
static int call_regex(struct jx *jx, const asl_value *held, const asl_value *args, uint32_t count, asl_value *out) {
    double from = 0;
    asl_value text = count ? host_text(&args[0]) : asl_string(ASL_STR("undefined"));
    *out = asl_none();
    if (count > 1) { // an index, or a key of an object, as the higher-order functions give it
        if (asl_is_number(&args[1])) from = jx_number(&args[1]);
        if (args[1].tag == ASL_BOOL) from = args[1].b;
        if (args[1].tag == ASL_STRING) from = digits_only(asl_text_of(&args[1]));
    }
    if (!(from >= 0)) from = 0;
    int rc = from > 1e9 ? 0 : match_from(jx, held, &text, (size_t)from, true, false, out);
    asl_release(text);
    return rc;
}

asl_value jx_regex_value(jx_regex_get *get, const asl_value *key) {
    asl_value held[JX_REGEX_HELD] = {asl_int((int64_t)(intptr_t)get), *key, asl_int(0), asl_int(0)};
    return jx_native_new(call_regex, 2, held, JX_REGEX_HELD);
}

// ---------------------------------------------------------------- matchers

struct matcher {
    struct jx *jx;
    const asl_value *function, *argument;
    asl_value text;          // a string
    const asl_value *held;   // of a regex; NULL for a function of the user's
    struct jx_regex *regex;  // NULL after somebody was called: the cache may have dropped it
    uint32_t groups;
    struct jx_subject subject;
    struct jx_span *spans, local[SPANS];
    bool begun;
    asl_value object; // the user's match
    size_t length;    // of the text in units, for the user's positions
};

static int matcher_begin(struct matcher *m, struct jx *jx, const asl_value *function, const asl_value *text) {
    m->jx = jx;
    m->function = function;
    m->argument = text;
    m->text = asl_none();
    m->held = jx_native_held(function, call_regex);
    m->regex = NULL;
    m->spans = m->local;
    m->begun = false;
    m->object = asl_none();
    m->subject.split = false;
    m->text = host_text(text);
    if (!m->held) {
        m->length = jx_units(asl_text_of(&m->text));
        return 0;
    }
    m->regex = regex_of(jx, m->held);
    if (!m->regex) return -1;
    m->groups = m->regex->groups;
    if (m->groups >= SPANS) m->spans = asl_alloc((m->groups + 1) * sizeof *m->spans);
    jx_subject_begin(&m->subject, asl_text_of(&m->text));
    return 0;
}

static void matcher_end(struct matcher *m) {
    if (m->spans != m->local) asl_free(m->spans);
    jx_subject_end(&m->subject);
    asl_release(m->text);
    asl_release(m->object);
}

static const asl_value *field(const struct matcher *m, asl_str name) {
    static const asl_value nothing = {.tag = ASL_NONE};
    const asl_value *v = m->object.tag == ASL_OBJECT ? asl_object_get(&m->object, name) : NULL;
    return v ? v : &nothing;
}

static int raise_shape(struct matcher *m) { return jx_raise(m->jx, "T1010", (const char *)NULL); }

// Calls the function, or the next of the last match. As lax as the reference: one sound field is enough here.
static int ask_user(struct matcher *m) {
    asl_value result = asl_none(), next;
    if (!m->begun) {
        if (jx_call(m->jx, m->function, m->argument, 1, &result) < 0) return -1;
    } else {
        next = asl_retain(*field(m, ASL_STR("next")));
        if (!jx_is_function(&next)) {
            asl_release(next);
            return raise_shape(m);
        }
        int rc = jx_call(m->jx, &next, NULL, 0, &result);
        asl_release(next);
        if (rc < 0) return -1;
    }
    asl_value_set(&m->object, result);
    if (result.tag == ASL_NONE) return 0;
    if (jx_host_truth(&result) && !asl_is_number(field(m, ASL_STR("start"))) && !asl_is_number(field(m, ASL_STR("end"))) &&
        field(m, ASL_STR("groups"))->tag != ASL_ARRAY && !jx_is_function(field(m, ASL_STR("next")))) {
        return raise_shape(m);
    }
    return 1;
}

// The next match: 1, 0 when there is none, -1 raised.
static int matcher_next(struct matcher *m) {
    int rc;
    if (!m->held) {
        rc = ask_user(m);
    } else if (!m->begun) {
        rc = m->regex->find(m->jx, m->regex, &m->subject, 0, m->spans);
    } else if (m->spans[0].end >= m->subject.text.size) {
        return 0;
    } else {
        if (!m->regex && !(m->regex = regex_of(m->jx, m->held))) return -1;
        rc = m->regex->find(m->jx, m->regex, &m->subject, m->spans[0].end, m->spans);
        if (rc > 0 && m->spans[0].start == m->spans[0].end) return raise_empty(m->jx, m->held);
    }
    m->begun = true;
    return rc;
}

// A position that the user's function gave, in units.
static size_t user_position(const struct matcher *m, double d) {
    return !(d > 0) ? 0 : d > (double)m->length ? m->length : (size_t)d;
}

static double number_field(const struct matcher *m, asl_str name) {
    const asl_value *v = field(m, name);
    return asl_is_number(v) ? jx_number(v) : NAN;
}

// As String.prototype.substring: the larger position is the end.
static asl_value user_slice(const struct matcher *m, size_t a, size_t b) {
    return jx_unit_slice(asl_text_of(&m->text), a < b ? a : b, a < b ? b : a);
}

// The text from `last`, which is where the match before ended, to where this one begins; to the end when there is no
// match. last is in bytes for a regex and in units for the user's function.
static asl_value text_between(const struct matcher *m, size_t last, bool matched) {
    if (m->held) return jx_subject_slice(&m->subject, last, matched ? m->spans[0].start : m->subject.text.size);
    return user_slice(m, last, matched ? user_position(m, number_field(m, ASL_STR("start"))) : m->length);
}

static bool below_limit(const asl_value *limit, size_t count) {
    return limit->tag == ASL_NONE || (double)count < jx_number(limit);
}

static int check_limit(struct jx *jx, const asl_value *limit, const char *code, int64_t index) {
    if (limit->tag == ASL_NONE || !(jx_number(limit) < 0)) return 0;
    asl_value number = asl_int(index);
    return jx_raise(jx, code, "value", limit, "index", &number, (const char *)NULL);
}

/* Undefined in, undefined out; else a string. */
#define STRING_ARGUMENT()                                                                                    \
    (void)count;                                                                                             \
    JX_WANT(0, JX_S | JX_M);                                                                                 \
    *out = asl_none();                                                                                       \
    if (args[0].tag == ASL_NONE) return 0

// ---------------------------------------------------------------- $contains

// Whether needle occurs, by UTF-16 units: its halves of pairs are found inside whole characters.
static bool contains(asl_str s, asl_str needle) {
    if (!jx_has_surrogates(needle) || !jx_has_pairs(s)) return jx_find(s, needle, 0) != SIZE_MAX;
    struct jx_text halves, needle_halves;
    jx_text_begin(&halves);
    jx_text_begin(&needle_halves);
    jx_split_pairs(s, &halves);
    jx_split_pairs(needle, &needle_halves);
    bool found = jx_find((asl_str){halves.data, halves.size}, (asl_str){needle_halves.data, needle_halves.size}, 0) != SIZE_MAX;
    jx_text_end(&halves);
    jx_text_end(&needle_halves);
    return found;
}

int jx_fn_CONTAINS(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    JX_WANT(1, JX_S | JX_F | JX_M);
    *out = asl_none();
    if (args[0].tag == ASL_NONE || args[1].tag == ASL_NONE) return 0;
    if (args[1].tag == ASL_STRING) {
        JX_WANT(0, JX_S);
        *out = asl_bool(contains(asl_text_of(&args[0]), asl_text_of(&args[1])));
        return 0;
    }
    struct matcher m;
    int rc = matcher_begin(&m, jx, &args[1], &args[0]);
    if (rc == 0) rc = matcher_next(&m);
    matcher_end(&m);
    if (rc < 0) return -1;
    *out = asl_bool(rc > 0);
    return 0;
}

// ---------------------------------------------------------------- $match

int jx_fn_MATCH(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    *out = asl_none();
    if (args[0].tag == ASL_NONE) return 0;
    JX_WANT(1, JX_F);
    JX_WANT(2, JX_N | JX_M);
    if (check_limit(jx, &args[2], "D3040", 3) < 0) return -1;
    asl_value made = asl_array_new(0);
    struct matcher m;
    size_t byte = 0, unit = 0;
    int rc = below_limit(&args[2], 0) ? matcher_begin(&m, jx, &args[1], &args[0]) : 1;
    if (rc > 0) {
        *out = jx_marked(made, JX_SEQUENCE);
        return 0;
    }
    asl_text *match = asl_text_new(ASL_STR("match")), *index = asl_text_new(ASL_STR("index")),
             *groups = asl_text_new(ASL_STR("groups"));
    while (rc == 0 && (rc = matcher_next(&m)) > 0) {
        asl_value object;
        if (m.held) {
            unit = jx_subject_units(&m.subject, byte, unit, m.spans[0].start);
            byte = m.spans[0].start;
            struct asl__entry entries[] = {
                {asl_text_retain(match), jx_subject_slice(&m.subject, m.spans[0].start, m.spans[0].end)},
                {asl_text_retain(index), asl_int((int64_t)unit)},
                {asl_text_retain(groups), groups_of(m.regex, &m.subject, m.spans)},
            };
            object = asl__object_of(entries, 3);
        } else {
            const asl_value *fields[] = {field(&m, ASL_STR("match")), field(&m, ASL_STR("start")),
                                         field(&m, ASL_STR("groups"))};
            asl_text *keys[] = {match, index, groups};
            object = asl_object_new(3);
            for (int i = 0; i < 3; i++) {
                if (fields[i]->tag != ASL_NONE) object = asl_object_set(object, keys[i], asl_retain(*fields[i]));
            }
        }
        jx_add(&made, object);
        rc = 0;
        if (!below_limit(&args[2], made.array->head.count)) {
            // The reference looks for one more, and that may fail.
            rc = matcher_next(&m);
            break;
        }
    }
    asl_text_release(match);
    asl_text_release(index);
    asl_text_release(groups);
    matcher_end(&m);
    if (rc < 0) asl_release(made);
    else *out = jx_marked(made, JX_SEQUENCE);
    return rc < 0 ? -1 : 0;
}

// ---------------------------------------------------------------- $split

// Units that a limit for a plain separator leaves: it is read as an unsigned integer of 32 bits.
static uint32_t to_uint32(double d) {
    if (!isfinite(d)) return 0;
    d = fmod(trunc(d), 0x1p32);
    return (uint32_t)(int64_t)d;
}

static asl_value split_units(asl_str s, uint32_t limit) {
    asl_value made = asl_array_new(s.size < limit ? s.size : limit);
    const char *p = s.data, *end = p + s.size;
    while (p < end && made.array->head.count < limit) {
        const char *start = p;
        uint32_t code = jx_next_code(&p);
        if (code < 0x10000) {
            jx_add(&made, asl_string((asl_str){start, (size_t)(p - start)}));
            continue;
        }
        char half[4];
        size_t size = jx_put_code(0xd800 | (code - 0x10000) >> 10, half);
        jx_add(&made, asl_string((asl_str){half, size}));
        if (made.array->head.count == limit) break;
        size = jx_put_code(0xdc00 | (code & 0x3ff), half);
        jx_add(&made, asl_string((asl_str){half, size}));
    }
    return made;
}

static asl_value split_plain(asl_str text, asl_str separator, uint32_t limit) {
    struct jx_subject s = {.text = text};
    struct jx_text needle;
    jx_text_begin(&needle);
    if (jx_has_surrogates(separator)) { // found inside whole characters
        jx_subject_begin(&s, text);
        jx_split_pairs(separator, &needle);
        separator = (asl_str){needle.data, needle.size};
    }
    asl_value made = asl_array_new(4);
    size_t start = 0, at;
    while (made.array->head.count < limit && (at = jx_find(s.text, separator, start)) != SIZE_MAX) {
        jx_add(&made, jx_subject_slice(&s, start, at));
        start = at + separator.size;
    }
    if (made.array->head.count < limit) jx_add(&made, jx_subject_slice(&s, start, s.text.size));
    jx_subject_end(&s);
    jx_text_end(&needle);
    return made;
}

int jx_fn_SPLIT(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    STRING_ARGUMENT();
    JX_WANT(1, JX_S | JX_F);
    JX_WANT(2, JX_N | JX_M);
    if (check_limit(jx, &args[2], "D3020", 3) < 0) return -1;
    if (args[1].tag == ASL_STRING) {
        asl_str s = asl_text_of(&args[0]), separator = asl_text_of(&args[1]);
        uint32_t limit = args[2].tag == ASL_NONE ? UINT32_MAX : to_uint32(jx_number(&args[2]));
        if (separator.size) {
            *out = split_plain(s, separator, limit);
            return 0;
        }
        if (jx_charge(jx, 8 * (s.size < limit ? s.size : limit)) < 0) return -1; // a small text becomes a large array
        *out = split_units(s, limit);
        return 0;
    }
    asl_value made = asl_array_new(0);
    struct matcher m;
    size_t last = 0;
    int rc = 1;
    if (!below_limit(&args[2], 0)) {
        *out = made;
        return 0;
    }
    if (matcher_begin(&m, jx, &args[1], &args[0]) < 0) rc = -1;
    while (rc > 0 && (rc = matcher_next(&m)) > 0) {
        if (!below_limit(&args[2], made.array->head.count)) break;
        jx_add(&made, text_between(&m, last, true));
        last = m.held ? m.spans[0].end : user_position(&m, number_field(&m, ASL_STR("end")));
    }
    if (rc >= 0 && below_limit(&args[2], made.array->head.count)) jx_add(&made, text_between(&m, last, false));
    matcher_end(&m);
    if (rc < 0) asl_release(made);
    else *out = made;
    return rc < 0 ? -1 : 0;
}

// ---------------------------------------------------------------- $replace

// What a replacement's $ needs of a match.
struct parts {
    const struct matcher *m;
    uint32_t groups;
};

static void add_group(const struct parts *p, uint32_t group, struct jx_text *out) {
    const struct matcher *m = p->m;
    if (m->held) {
        struct jx_span span = m->spans[group];
        if (span.start != SIZE_MAX) jx_subject_add(&m->subject, span.start, span.end, out);
        return;
    }
    const asl_value *v = group ? asl_array_at(field(m, ASL_STR("groups")), group - 1) : field(m, ASL_STR("match"));
    if (v->tag == ASL_STRING) jx_text_join(out, asl_text_of(v));
}

// As parseInt reads at most n bytes: blanks and a sign may come first. False when there is no digit.
static bool parse_int(asl_str s, size_t n, int64_t *value) {
    size_t i = 0;
    bool negative = false;
    if (n > s.size) n = s.size;
    while (i < n && (s.data[i] == ' ' || (s.data[i] >= '\t' && s.data[i] <= '\r'))) i++;
    if (i < n && (s.data[i] == '-' || s.data[i] == '+')) negative = s.data[i++] == '-';
    size_t digits = i;
    int64_t x = 0;
    for (; i < n && s.data[i] >= '0' && s.data[i] <= '9'; i++) x = x * 10 + (s.data[i] - '0');
    *value = negative ? -x : x;
    return i > digits;
}

static void add_replacement(const struct parts *p, asl_str r, struct jx_text *out) {
    size_t most_digits = 1;
    for (uint32_t n = p->groups; n >= 10; n /= 10) most_digits++;
    while (r.size) {
        const char *dollar = memchr(r.data, '$', r.size);
        size_t before = dollar ? (size_t)(dollar - r.data) : r.size;
        jx_text_join(out, (asl_str){r.data, before});
        if (!dollar) return;
        r = (asl_str){dollar + 1, r.size - before - 1};
        int64_t group;
        if (r.size && r.data[0] == '$') {
            jx_text_add(out, "$", 1);
            r.data++, r.size--;
            continue;
        }
        if (r.size && r.data[0] == '0') {
            add_group(p, 0, out);
            r.data++, r.size--;
            continue;
        }
        bool number = parse_int(r, most_digits, &group);
        if (number && most_digits > 1 && group > (int64_t)p->groups) number = parse_int(r, most_digits - 1, &group);
        if (!number) {
            jx_text_add(out, "$", 1);
            continue;
        }
        if (group >= 1 && group <= (int64_t)p->groups) add_group(p, (uint32_t)group, out);
        char digits[20];
        size_t size = asl__int_print(group, digits); // as long as the number is, whatever stood there
        r.data += size, r.size -= size < r.size ? size : r.size;
    }
}

// What stands for one match: text, or what a function makes of it. 0 or -1.
static int replace_one(struct matcher *m, const asl_value *replacement, struct jx_text *out) {
    if (replacement->tag == ASL_STRING) {
        struct parts p = {m, m->groups};
        if (!m->held) {
            const asl_value *groups = field(m, ASL_STR("groups"));
            if (groups->tag != ASL_ARRAY && memchr(asl_text_of(replacement).data, '$', asl_text_of(replacement).size)) {
                return raise_shape(m);
            }
            p.groups = groups->tag == ASL_ARRAY ? groups->array->head.count : 0;
        }
        add_replacement(&p, asl_text_of(replacement), out);
        return 0;
    }
    asl_value match = m->held ? match_object(m->held, m->regex, &m->subject, m->spans, &m->text) : asl_retain(m->object);
    asl_value result = asl_none();
    int rc = jx_call(m->jx, replacement, &match, 1, &result);
    m->regex = NULL;
    asl_release(match);
    if (rc == 0 && result.tag != ASL_STRING) rc = jx_raise_value(m->jx, "D3012", &result);
    if (rc == 0) jx_text_join(out, asl_text_of(&result));
    asl_release(result);
    return rc;
}

static int replace_matches(struct jx *jx, const asl_value *args, asl_value *out) {
    struct matcher m;
    struct jx_text t;
    size_t last = 0, replaced = 0;
    jx_text_begin(&t);
    int rc = matcher_begin(&m, jx, &args[1], &args[0]) < 0 ? -1 : 1;
    while (rc > 0 && (rc = matcher_next(&m)) > 0 && below_limit(&args[3], replaced)) {
        if (m.held) {
            jx_subject_add(&m.subject, last, m.spans[0].start, &t);
        } else {
            asl_value between = text_between(&m, last, true);
            jx_text_join(&t, asl_text_of(&between));
            asl_release(between);
        }
        if (replace_one(&m, &args[2], &t) < 0) {
            rc = -1;
            break;
        }
        replaced++;
        if (m.held) {
            last = m.spans[0].end;
        } else {
            const asl_value *match = field(&m, ASL_STR("match"));
            double length = match->tag == ASL_STRING ? (double)jx_units(asl_text_of(match)) : NAN;
            last = user_position(&m, number_field(&m, ASL_STR("start")) + length);
        }
        if (t.size > 4096 && jx_charge(jx, 2 * t.size) < 0) {
            rc = -1;
            break;
        }
    }
    if (rc >= 0 && replaced == 0) {
        *out = asl_retain(args[0]);
    } else if (rc >= 0) {
        asl_value rest = text_between(&m, last, false);
        jx_text_join(&t, asl_text_of(&rest));
        asl_release(rest);
        *out = asl_string((asl_str){t.data, t.size});
    }
    jx_text_end(&t);
    matcher_end(&m);
    return rc < 0 ? -1 : 0;
}

static int replace_plain(struct jx *jx, const asl_value *args, asl_value *out) {
    struct jx_subject s = {.text = asl_text_of(&args[0])};
    asl_str pattern = asl_text_of(&args[1]), replacement = {"", 0};
    if (args[2].tag == ASL_STRING) replacement = asl_text_of(&args[2]);
    struct jx_text t, needle;
    jx_text_begin(&t);
    jx_text_begin(&needle);
    if (jx_has_surrogates(pattern)) {
        jx_subject_begin(&s, s.text);
        jx_split_pairs(pattern, &needle);
        pattern = (asl_str){needle.data, needle.size};
    }
    size_t start = 0, replaced = 0, at;
    int rc = 0;
    while (rc == 0 && below_limit(&args[3], replaced) && (at = jx_find(s.text, pattern, start)) != SIZE_MAX) {
        jx_subject_add(&s, start, at, &t);
        jx_text_join(&t, replacement);
        start = at + pattern.size;
        replaced++;
        if (args[2].tag != ASL_STRING) rc = jx_raise_value(jx, "D3012", &args[2]); // the reference puts in its source
        else if (t.size > 4096) rc = jx_charge(jx, 2 * t.size);
    }
    if (rc == 0 && replaced) {
        jx_subject_add(&s, start, s.text.size, &t);
        *out = asl_string((asl_str){t.data, t.size});
    } else if (rc == 0) {
        *out = asl_retain(args[0]);
    }
    jx_subject_end(&s);
    jx_text_end(&t);
    jx_text_end(&needle);
    return rc;
}

int jx_fn_REPLACE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    STRING_ARGUMENT();
    JX_WANT(1, JX_S | JX_F);
    JX_WANT(2, JX_S | JX_F);
    JX_WANT(3, JX_N | JX_M);
    if (args[1].tag == ASL_STRING && asl_text_of(&args[1]).size == 0) {
        asl_value index = asl_int(2);
        return jx_raise(jx, "D3010", "value", &args[1], "index", &index, (const char *)NULL);
    }
    if (check_limit(jx, &args[3], "D3011", 4) < 0) return -1;
    if (!below_limit(&args[3], 0)) {
        *out = asl_retain(args[0]);
        return 0;
    }
    if (args[1].tag != ASL_STRING) return replace_matches(jx, args, out);
    return replace_plain(jx, args, out);
}
