#include "compare.h"

#include <stdlib.h>
#include <string.h>

/* The pointer to where the comparison stands grows and shrinks with it. */
struct walk {
    struct comparison *c;
    asl_buffer at;
};

// ---------------------------------------------------------------- pointers

static size_t step_into(struct walk *w, asl_str key) {
    size_t before = w->at.size;
    asl_buffer_byte(&w->at, '/');
    for (size_t i = 0; i < key.size; i++) {
        if (key.data[i] == '~') asl_buffer_z(&w->at, "~0");
        else if (key.data[i] == '/') asl_buffer_z(&w->at, "~1");
        else asl_buffer_byte(&w->at, key.data[i]);
    }
    return before;
}

static size_t step_to(struct walk *w, size_t index) {
    size_t before = w->at.size;
    asl_buffer_format(&w->at, "/%zu", index);
    return before;
}

static void step_back(struct walk *w, size_t before) { w->at.size = before; }

/* Whether the pattern covers the pointer: step by step, to the pattern's end. */
static bool covers(const char *pattern, asl_str pointer) {
    const char *p = pattern, *at = pointer.data, *end = at + pointer.size;
    while (*p) {
        size_t n = strcspn(p + 1, "/") + 1;
        const char *next = at + 1 < end ? memchr(at + 1, '/', (size_t)(end - at - 1)) : NULL;
        size_t m = at < end ? (size_t)((next ? next : end) - at) : 0;
        bool any = n == 2 && p[1] == '*';
        if (m == 0 || (!any && (n != m || memcmp(p, at, n) != 0))) return false;
        p += n;
        at += m;
    }
    return true;
}

static bool ignored(const struct walk *w) {
    for (size_t i = 0; i < w->c->ignored.count; i++)
        if (covers(w->c->ignored.items[i], (asl_str){w->at.data, w->at.size})) return true;
    return false;
}

static bool differ(struct walk *w, const asl_value *recorded, const asl_value *again) {
    w->c->pointer = arena_copy(w->c->arena, w->at.data, w->at.size);
    asl_value_set(&w->c->recorded, recorded ? asl_retain(*recorded) : asl_none());
    asl_value_set(&w->c->again, again ? asl_retain(*again) : asl_none());
    return false;
}

void comparison_clear(struct comparison *c) {
    asl_value_set(&c->recorded, asl_none());
    asl_value_set(&c->again, asl_none());
}

// ---------------------------------------------------------------- what cannot be the same

static size_t hex_run(const char *s, size_t n) {
    size_t i = 0;
    while (i < n && ((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f'))) i++;
    return i;
}

static size_t digit_run(const char *s, size_t n) {
    size_t i = 0;
    while (i < n && s[i] >= '0' && s[i] <= '9') i++;
    return i;
}

static size_t uuid_at(const char *s, size_t n) {
    static const size_t groups[] = {8, 4, 4, 4, 12};
    size_t at = 0;
    for (size_t g = 0; g < 5; g++) {
        if (g && (at >= n || s[at++] != '-')) return 0;
        if (at + groups[g] > n || hex_run(s + at, groups[g]) != groups[g]) return 0;
        at += groups[g];
    }
    return at;
}

/* 2024-03-10T12:00:00.123Z */
static size_t time_at(const char *s, size_t n) {
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    size_t at = sizeof shape - 1;
    if (n < at) return 0;
    for (size_t i = 0; i < at; i++)
        if (shape[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i]) return 0;
    if (at < n && s[at] == '.') at += 1 + digit_run(s + at + 1, n - at - 1);
    if (at < n && s[at] == 'Z') return at + 1;
    if (at + 6 <= n && (s[at] == '+' || s[at] == '-') && s[at + 3] == ':') return at + 6;
    return 0;
}

void comparison_data(struct comparison *c, asl_str text) {
    for (size_t i = 0; i < text.size;) {
        size_t rest = text.size - i, n = uuid_at(text.data + i, rest);
        if (!n) n = time_at(text.data + i, rest);
        if (n) *vec_push(c->arena, &c->data) = (asl_str){arena_copy(c->arena, text.data + i, n), n};
        i += n ? n : 1;
    }
    c->data_sorted = false;
}

void comparison_event_data(struct comparison *c, const struct event *recorded) {
    static const char *const keys[] = {"input", "output", "error", "cause"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        asl_value v = event_text(recorded, keys[i]);
        if (v.tag == ASL_STRING) comparison_data(c, asl_text_of(&v));
        asl_release(v);
    }
}

static int by_text(const void *a, const void *b) {
    const asl_str *x = a, *y = b;
    int order = memcmp(x->data, y->data, x->size < y->size ? x->size : y->size);
    return order ? order : x->size < y->size ? -1 : x->size > y->size;
}

static bool is_data(struct comparison *c, asl_str s) {
    if (c->data.count == 0) return false;
    if (!c->data_sorted) qsort(c->data.items, c->data.count, sizeof *c->data.items, by_text);
    c->data_sorted = true;
    return bsearch(&s, c->data.items, c->data.count, sizeof *c->data.items, by_text) != NULL;
}

/* How many bytes at `at` are made up; 0: none. */
static size_t made_up(struct comparison *c, asl_str s, size_t at) {
    static const char event_id[] = "(entered at the event id #";
    const char *from = s.data + at;
    size_t rest = s.size - at, n = 0;
    for (size_t i = 0; i < c->ours.count; i++) {
        asl_str own = c->ours.items[i];
        if (own.size && own.size <= rest && own.size > n && memcmp(from, own.data, own.size) == 0) n = own.size;
    }
    if (n) return n;
    size_t mark = sizeof event_id - 1;
    if (at >= mark && memcmp(from - mark, event_id, mark) == 0) return digit_run(from, rest);
    n = uuid_at(from, rest);
    if (!n) n = time_at(from, rest);
    return n && !is_data(c, (asl_str){from, n}) ? n : 0;
}

/* The recorded text matches ours with what is made up standing for any text. */
static bool alike(struct comparison *c, asl_str recorded, asl_str again) {
    if (time_at(again.data, again.size) == again.size && time_at(recorded.data, recorded.size) != recorded.size) return false;
    size_t i = 0, j = 0, star_i = 0, star_j = 0;
    bool starred = false;
    while (i < recorded.size) {
        size_t n = j < again.size ? made_up(c, again, j) : 0;
        if (n) {
            starred = true;
            j += n;
            star_i = ++i; /* at least one byte */
            star_j = j;
        } else if (j < again.size && recorded.data[i] == again.data[j]) {
            i++;
            j++;
        } else if (starred) {
            i = ++star_i;
            j = star_j;
        } else {
            return false;
        }
    }
    return j == again.size;
}

// ---------------------------------------------------------------- values

/* Text of an array or object. */
static bool parse_container(const asl_value *v, asl_value *out) {
    asl_str s = asl_text_of(v);
    if (s.size < 2 || (s.data[0] != '{' && s.data[0] != '[')) return false;
    return asl_json_parse(s, NULL, out, NULL) == 0;
}

static bool same(struct walk *w, const asl_value *recorded, const asl_value *again, int depth);

static bool same_text(struct walk *w, const asl_value *recorded, const asl_value *again, int depth) {
    asl_str a = asl_text_of(recorded), b = asl_text_of(again);
    if (asl_str_equal(a, b)) return true;
    asl_value x, y;
    if (parse_container(recorded, &x)) {
        if (parse_container(again, &y)) {
            bool equal = same(w, &x, &y, depth + 1);
            asl_release(x);
            asl_release(y);
            return equal;
        }
        asl_release(x);
    }
    return alike(w->c, a, b) || differ(w, recorded, again);
}

static bool same_array(struct walk *w, const asl_value *recorded, const asl_value *again, int depth) {
    size_t n = asl_array_count(recorded), m = asl_array_count(again);
    bool equal = true;
    for (size_t i = 0; i < n && i < m && equal; i++) {
        size_t before = step_to(w, i);
        equal = same(w, asl_array_at(recorded, i), asl_array_at(again, i), depth + 1);
        step_back(w, before);
    }
    if (!equal || n == m) return equal;
    size_t before = step_to(w, n < m ? n : m);
    equal = ignored(w) || differ(w, n > m ? asl_array_at(recorded, m) : NULL, m > n ? asl_array_at(again, n) : NULL);
    step_back(w, before);
    return equal;
}

/* Member for member, whatever their order; compare looks at those that both have. */
typedef bool comparison(struct walk *w, const asl_value *recorded, const asl_value *again, int depth);
static bool same_members(struct walk *w, const asl_value *recorded, const asl_value *again, comparison *compare, int depth) {
    bool equal = true;
    for (size_t i = 0; i < asl_object_count(recorded) && equal; i++) {
        asl_text *key = asl_object_key_at(recorded, i);
        const asl_value *other = asl_object_get_key(again, key);
        size_t before = step_into(w, (asl_str){key->bytes, key->size});
        equal = other ? compare(w, asl_object_at(recorded, i), other, depth)
                      : ignored(w) || differ(w, asl_object_at(recorded, i), NULL);
        step_back(w, before);
    }
    for (size_t i = 0; i < asl_object_count(again) && equal; i++) {
        asl_text *key = asl_object_key_at(again, i);
        if (asl_object_get_key(recorded, key)) continue;
        size_t before = step_into(w, (asl_str){key->bytes, key->size});
        equal = ignored(w) || differ(w, NULL, asl_object_at(again, i));
        step_back(w, before);
    }
    return equal;
}

/* Depth: text in text in text could go on. */
static bool same(struct walk *w, const asl_value *recorded, const asl_value *again, int depth) {
    if (depth > ASL_MAX_DEPTH) return asl_equal(recorded, again) || differ(w, recorded, again);
    if (w->c->ignored.count && ignored(w)) return true;
    if (asl_is_number(recorded) && asl_is_number(again))
        return asl_number_compare(recorded, again) == 0 || differ(w, recorded, again);
    if (recorded->tag != again->tag) return differ(w, recorded, again);
    if (recorded->tag == ASL_STRING) return same_text(w, recorded, again, depth);
    if (recorded->tag == ASL_ARRAY) return same_array(w, recorded, again, depth);
    if (recorded->tag == ASL_OBJECT) return same_members(w, recorded, again, same, depth + 1);
    return asl_equal(recorded, again) || differ(w, recorded, again);
}

// ---------------------------------------------------------------- events

enum member_kind {
    MEMBER_VALUE,    /* compared as it is */
    MEMBER_PAYLOAD,  /* JSON text */
    MEMBER_PAYLOADS, /* an object of JSON texts */
    MEMBER_SKIPPED,  /* another account, another run */
};

static enum member_kind kind_of(const char *key) {
    static const struct { const char *key; enum member_kind kind; } kinds[] = {
        {"input", MEMBER_PAYLOAD},         {"output", MEMBER_PAYLOAD},
        {"parameters", MEMBER_PAYLOAD},    {"cause", MEMBER_PAYLOAD},
        {"assignedVariables", MEMBER_PAYLOADS},
        {"inputDetails", MEMBER_SKIPPED},  {"outputDetails", MEMBER_SKIPPED},
        {"assignedVariablesDetails", MEMBER_SKIPPED},
        {"roleArn", MEMBER_SKIPPED},       {"region", MEMBER_SKIPPED},
        {"mapRunArn", MEMBER_SKIPPED},     {"workerName", MEMBER_SKIPPED},
        {"stateMachineAliasArn", MEMBER_SKIPPED}, {"stateMachineVersionArn", MEMBER_SKIPPED},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].key, key) == 0) return kinds[i].kind;
    return MEMBER_VALUE;
}

/* A payload on both sides: texts, or on the recorded side the value that the text says. */
static bool same_payload(struct walk *w, const asl_value *recorded, const asl_value *again, int depth) {
    asl_value x = asl_none(), y = asl_none();
    bool texts = recorded->tag == ASL_STRING;
    bool parsed = again->tag == ASL_STRING && asl_json_parse(asl_text_of(again), NULL, &y, NULL) == 0;
    if (parsed && texts) parsed = asl_json_parse(asl_text_of(recorded), NULL, &x, NULL) == 0;
    bool equal = parsed ? same(w, texts ? &x : recorded, &y, depth) : same(w, recorded, again, depth);
    asl_release(x);
    asl_release(y);
    return equal;
}

static bool is_truncated(const struct event *e, const char *key) {
    char name[64];
    size_t n = strlen(key);
    if (n + sizeof "Details" > sizeof name) return false;
    memcpy(name, key, n);
    memcpy(name + n, "Details", sizeof "Details");
    const asl_value *details = event_member(e, name);
    const asl_value *truncated = details && details->tag == ASL_OBJECT ? asl_object_get(details, ASL_STR("truncated")) : NULL;
    return truncated && truncated->tag == ASL_BOOL && truncated->b;
}

static bool same_payloads(struct walk *w, const asl_value *recorded, const asl_value *again) {
    if (recorded->tag != ASL_OBJECT || again->tag != ASL_OBJECT) return same(w, recorded, again, 0);
    return same_members(w, recorded, again, same_payload, 0);
}

static bool same_member(struct walk *w, const struct event *recorded, const asl_value *a, const asl_value *b, const char *key) {
    enum member_kind kind = kind_of(key);
    if (kind == MEMBER_SKIPPED || ignored(w)) return true;
    if (!a || !b) return (a && a->tag == ASL_NULL) || differ(w, a, b);
    if (kind == MEMBER_VALUE) return same(w, a, b, 0);
    if (is_truncated(recorded, key)) return true;
    return kind == MEMBER_PAYLOAD ? same_payload(w, a, b, 0) : same_payloads(w, a, b);
}

bool comparison_events(struct comparison *c, const struct event *recorded, const struct event *again) {
    struct walk w = {.c = c};
    asl_buffer_format(&w.at, "/events/%zu", recorded->number);
    const char *details = recorded->key ? recorded->key : again->key;
    if (details) step_into(&w, asl_str_z(details));
    bool equal = true;
    size_t n = recorded->details.tag == ASL_OBJECT ? asl_object_count(&recorded->details) : 0;
    for (size_t i = 0; i < n && equal; i++) {
        asl_text *key = asl_object_key_at(&recorded->details, i);
        size_t before = step_into(&w, (asl_str){key->bytes, key->size});
        equal = same_member(&w, recorded, asl_object_at(&recorded->details, i), event_member(again, key->bytes), key->bytes);
        step_back(&w, before);
    }
    n = again->details.tag == ASL_OBJECT ? asl_object_count(&again->details) : 0;
    for (size_t i = 0; i < n && equal; i++) {
        asl_text *key = asl_object_key_at(&again->details, i);
        if (event_member(recorded, key->bytes)) continue;
        size_t before = step_into(&w, (asl_str){key->bytes, key->size});
        equal = same_member(&w, recorded, NULL, asl_object_at(&again->details, i), key->bytes);
        step_back(&w, before);
    }
    asl_buffer_free(&w.at);
    return equal;
}
