// The HTML report: the page's template with the execution's data in it.
//
//     page.in.html ─┐                           ┌ "@TITLE@"  the machine's name
//     page.css      ├─ embed.c ─► page.inc ─────┤
//     *.js          ┘  (packed)   (one C array) └ "@DATA@"   the JSON that this file writes
//
// Everything that is drawn is worked out by the page's scripts. What is done here keeps the page small: an event is a row
// of numbers that point into one table of values, because payloads travel from event to event unchanged, and long
// payloads are cut, shorter and shorter until the whole fits. The data:
//
//     {"machine", "version", "file", "definition", "problem",
//      "values": [text | number | [bytes, text that was cut] | {"v": any other JSON}],
//      "execution": {"status": value, ...},                      DescribeExecution
//      "shapes":  [["TaskScheduled", "resource", ...]],           a type of event and the names of its details
//      "events":  [[shape, id, previousEventId, ms since start, value of each detail...]],
//      "start", "omitted", "limit"}
//
// No "<" is left in it, so that nothing in a payload can end the element it is in.
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "query.h"

#include "page.inc" // page_packed[], and page_size, the template's size when it is unpacked

#define PAYLOAD_LIMIT  (64 * 1024)        /* longer payloads are cut */
#define PAYLOAD_LEAST  64                 /* ... and never shorter than this */
#define TABLE_LIMIT    (4 * 1024 * 1024)  /* what all of them may take: the page stays under 5 MB with 10,000 events */
#define EVENTS_LIMIT   200000             /* more than that no browser likes to hold; the middle is left out */
#define STORY_LENGTH   64                 /* the last events that led to the failure keep their payloads */

// ---------------------------------------------------------------- the table of values

struct entry {
    asl_value text; /* a string: the value's text, or its JSON */
    uint32_t hash;
    char kind;      /* 's' text, 'n' number, 'v' other JSON */
    bool whole;     /* part of the story: only PAYLOAD_LIMIT cuts it */
};

struct table {
    struct entry *entries;
    size_t count, capacity;
    uint32_t *slots; /* index + 1, open addressing; slot_count is a power of two */
    size_t slot_count;
};

static void table_grow(struct table *t) {
    size_t slot_count = t->slot_count ? t->slot_count * 2 : 256;
    uint32_t *slots = asl_calloc(slot_count, sizeof *slots);
    for (size_t i = 0; i < t->count; i++) {
        size_t at = t->entries[i].hash & (slot_count - 1);
        while (slots[at]) at = (at + 1) & (slot_count - 1);
        slots[at] = (uint32_t)i + 1;
    }
    asl_free(t->slots);
    t->slots = slots;
    t->slot_count = slot_count;
}

/* The index of a value, which enters the table the first time it is seen. */
static uint32_t table_put(struct table *t, const asl_value *v, bool whole) {
    asl_value text;
    char kind = asl_is_number(v) ? 'n' : 'v';
    if (v->tag == ASL_STRING) {
        text = asl_retain(*v);
        kind = 's';
    } else {
        asl_buffer b = {0};
        asl_json_print(v, &b);
        text = asl_string((asl_str){b.data, b.size});
        asl_buffer_free(&b);
    }
    asl_str bytes = asl_text_of(&text);
    uint32_t hash = asl_hash(bytes) ^ (uint32_t)kind;
    if (t->count * 2 >= t->slot_count) table_grow(t);
    size_t at = hash & (t->slot_count - 1);
    for (; t->slots[at]; at = (at + 1) & (t->slot_count - 1)) {
        struct entry *e = &t->entries[t->slots[at] - 1];
        if (e->hash == hash && e->kind == kind && asl_str_equal(asl_text_of(&e->text), bytes)) {
            e->whole |= whole;
            asl_release(text);
            return t->slots[at] - 1;
        }
    }
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? t->capacity * 2 : 256;
        t->entries = asl_realloc(t->entries, t->capacity * sizeof *t->entries);
    }
    t->entries[t->count] = (struct entry){.text = text, .hash = hash, .kind = kind, .whole = whole};
    t->slots[at] = (uint32_t)++t->count;
    return (uint32_t)t->count - 1;
}

static void table_free(struct table *t) {
    for (size_t i = 0; i < t->count; i++) asl_release(t->entries[i].text);
    asl_free(t->entries);
    asl_free(t->slots);
}

/* What a text takes in the page. */
static size_t printed_size(asl_str s) {
    size_t size = 2;
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        size += c == '"' || c == '\\' || c == '\n' ? 2 : c < 0x20 || c == '<' ? 6 : 1;
    }
    return size;
}

/* The first bytes of a text, whole characters only. */
static asl_str cut(asl_str s, size_t limit) {
    if (s.size <= limit) return s;
    while (limit > 0 && ((unsigned char)s.data[limit] & 0xC0) == 0x80) limit--;
    return (asl_str){s.data, limit};
}

/* How long a payload may be for all of them to fit. */
static size_t table_limit(const struct table *t) {
    size_t limit = PAYLOAD_LIMIT;
    for (; limit > PAYLOAD_LEAST; limit -= limit / 4) {
        size_t total = 0;
        for (size_t i = 0; i < t->count && total <= TABLE_LIMIT; i++) {
            const struct entry *e = &t->entries[i];
            total += printed_size(cut(asl_text_of(&e->text), e->whole ? PAYLOAD_LIMIT : limit));
        }
        if (total <= TABLE_LIMIT) break;
    }
    return limit;
}

static void table_print(const struct table *t, size_t limit, asl_buffer *out) {
    asl_buffer_z(out, "\"values\":[");
    for (size_t i = 0; i < t->count; i++) {
        const struct entry *e = &t->entries[i];
        asl_str text = asl_text_of(&e->text), kept = cut(text, e->whole ? PAYLOAD_LIMIT : limit);
        asl_buffer_z(out, i ? ",\n" : "\n");
        if (kept.size < text.size) {
            asl_buffer_format(out, "[%zu,", text.size);
            asl_json_print_string(kept, out);
            asl_buffer_byte(out, ']');
        } else if (e->kind == 's') {
            asl_json_print_string(text, out);
        } else {
            asl_buffer_z(out, e->kind == 'v' ? "{\"v\":" : "");
            asl_buffer_str(out, text);
            asl_buffer_z(out, e->kind == 'v' ? "}" : "");
        }
    }
    asl_buffer_z(out, "]");
}

// ---------------------------------------------------------------- events

/* Epoch seconds, or the date that the AWS command line prints. */
static int64_t time_ms(const asl_value *v) {
    int64_t seconds;
    int32_t nanos;
    const char *why;
    if (v && asl_is_number(v)) {
        double ms = asl_number(v) * 1000;
        return ms > -9e15 && ms < 9e15 ? (int64_t)(ms + (ms < 0 ? -0.5 : 0.5)) : 0;
    }
    if (v && v->tag == ASL_STRING && asl_timestamp_parse(asl_text_of(v), &seconds, &nanos, &why))
        return seconds * 1000 + nanos / 1000000;
    return 0;
}

static int64_t whole_number(const asl_value *v) {
    int64_t i = 0;
    return v && asl_is_number(v) && asl_number_as_int(v, &i) ? i : 0;
}

/* {"truncated": false} and {"included": true}, which come with every payload. */
static bool says_nothing(const asl_value *v) {
    if (v->tag != ASL_OBJECT || asl_object_count(v) != 1) return false;
    const asl_value *truncated = asl_object_get(v, ASL_STR("truncated")), *included = asl_object_get(v, ASL_STR("included"));
    return (truncated && truncated->tag == ASL_BOOL && !truncated->b) || (included && included->tag == ASL_BOOL && included->b);
}

struct writer {
    struct table values;
    struct table shapes; /* the JSON of each */
    asl_buffer events, shape, row;
};

static void detail(struct writer *w, const asl_text *key, const asl_value *v, bool whole) {
    if (says_nothing(v)) return;
    asl_buffer_byte(&w->shape, ',');
    asl_json_print_string((asl_str){key->bytes, key->size}, &w->shape);
    asl_buffer_format(&w->row, ",%u", table_put(&w->values, v, whole));
}

static bool is_any(const asl_text *key, const char *const *names) {
    for (; *names; names++)
        if (asl_str_equal((asl_str){key->bytes, key->size}, asl_str_z(*names))) return true;
    return false;
}

static void event(struct writer *w, const asl_value *e, int64_t start, bool whole) {
    static const char *const common[] = {"timestamp", "type", "id", "previousEventId", NULL};
    const asl_value *type = asl_object_get(e, ASL_STR("type"));
    w->shape.size = w->row.size = 0;
    asl_buffer_byte(&w->shape, '[');
    asl_json_print_string(type && type->tag == ASL_STRING ? asl_text_of(type) : ASL_STR("?"), &w->shape);
    for (size_t i = 0; i < asl_object_count(e); i++) {
        const asl_text *key = asl_object_key_at(e, i);
        const asl_value *v = asl_object_at(e, i);
        if (is_any(key, common)) continue;
        if (v->tag != ASL_OBJECT) {
            detail(w, key, v, whole);
            continue;
        }
        for (size_t k = 0; k < asl_object_count(v); k++) /* "...EventDetails" */
            detail(w, asl_object_key_at(v, k), asl_object_at(v, k), whole);
    }
    asl_buffer_byte(&w->shape, ']');
    asl_value shape = asl_string((asl_str){w->shape.data, w->shape.size});
    asl_buffer_format(&w->events, "%s[%u,%lld,%lld,%lld", w->events.size ? ",\n" : "\n", table_put(&w->shapes, &shape, false),
                      (long long)whole_number(asl_object_get(e, ASL_STR("id"))),
                      (long long)whole_number(asl_object_get(e, ASL_STR("previousEventId"))),
                      (long long)(time_ms(asl_object_get(e, ASL_STR("timestamp"))) - start));
    asl_buffer_str(&w->events, (asl_str){w->row.data, w->row.size});
    asl_buffer_byte(&w->events, ']');
    asl_release(shape);
}

/* Marks the events that led to the last one. Ids are 1, 2, 3 ... in the order of the events; where they are not, nothing
   is marked and payloads are cut alike. */
static void mark_story(const asl_value *events, bool *story) {
    size_t count = asl_array_count(events), at = count;
    for (int n = 0; n < STORY_LENGTH && at >= 1 && at <= count; n++) {
        const asl_value *e = asl_array_at(events, at - 1);
        if (e->tag != ASL_OBJECT) break;
        story[at - 1] = true;
        size_t previous = (size_t)whole_number(asl_object_get(e, ASL_STR("previousEventId")));
        if (previous >= at) break;
        at = previous;
    }
}

/* Returns how many events were left out. */
static size_t write_events(struct writer *w, const asl_value *events, int64_t *start) {
    size_t count = asl_array_count(events), omitted = count > EVENTS_LIMIT ? count - EVENTS_LIMIT : 0;
    bool *story = asl_calloc(count + 1, sizeof *story);
    mark_story(events, story);
    for (size_t i = 0; i < count; i++) {
        const asl_value *e = asl_array_at(events, i);
        if (e->tag != ASL_OBJECT) continue;
        if (i == 0) *start = time_ms(asl_object_get(e, ASL_STR("timestamp")));
        if (omitted && i >= EVENTS_LIMIT / 2 && i < EVENTS_LIMIT / 2 + omitted) continue;
        event(w, e, *start, story[i]);
    }
    asl_free(story);
    return omitted;
}

// ---------------------------------------------------------------- the page

static void member(const char *key, asl_str text, asl_buffer *out) {
    asl_buffer_format(out, "\"%s\":", key);
    asl_json_print_string(text, out);
    asl_buffer_z(out, ",\n");
}

static void write_description(struct writer *w, const asl_value *d, int64_t *start, asl_buffer *out) {
    asl_buffer_z(out, "\"execution\":{");
    bool first = true;
    for (size_t i = 0; d->tag == ASL_OBJECT && i < asl_object_count(d); i++) {
        const asl_text *key = asl_object_key_at(d, i);
        const asl_value *v = asl_object_at(d, i);
        if (says_nothing(v)) continue;
        asl_buffer_z(out, first ? "" : ",");
        first = false;
        asl_json_print_string((asl_str){key->bytes, key->size}, out);
        asl_value ms = asl_none();
        static const char *const dates[] = {"startDate", "stopDate", "redriveDate", NULL};
        if (is_any(key, dates)) ms = asl_int(time_ms(v));
        asl_buffer_format(out, ":%u", table_put(&w->values, ms.tag == ASL_NONE ? v : &ms, true));
    }
    asl_buffer_z(out, "},\n");
    const asl_value *began = d->tag == ASL_OBJECT ? asl_object_get(d, ASL_STR("startDate")) : NULL;
    if (began) *start = time_ms(began);
}

static void data(const struct report *r, asl_buffer *out) {
    struct writer w = {0};
    asl_value description = asl_none(), history = asl_none();
    asl_json_error error;
    char problem[256] = "";
    if (r->description.size && asl_json_parse(r->description, NULL, &description, &error) != 0)
        snprintf(problem, sizeof problem, "The execution's description could not be read: %s.", error.message);
    if (r->history.size && asl_json_parse(r->history, NULL, &history, &error) != 0)
        snprintf(problem, sizeof problem, "The history could not be read: %s (line %u).", error.message, error.line);

    asl_buffer_byte(out, '{');
    member("machine", asl_str_z(r->machine ? r->machine : ""), out);
    member("version", asl_str_z(r->version ? r->version : ""), out);
    member("file", asl_str_z(r->definition_file ? r->definition_file : ""), out);
    member("definition", r->definition, out);
    member("problem", asl_str_z(problem), out);
    int64_t start = 0;
    write_description(&w, &description, &start, out);
    const asl_value *events = history.tag == ASL_OBJECT ? asl_object_get(&history, ASL_STR("events")) : &history;
    size_t omitted = events && events->tag == ASL_ARRAY ? write_events(&w, events, &start) : 0;

    size_t limit = table_limit(&w.values);
    table_print(&w.values, limit, out);
    asl_buffer_z(out, ",\n\"shapes\":[");
    for (size_t i = 0; i < w.shapes.count; i++) {
        asl_buffer_z(out, i ? ",\n" : "\n");
        asl_buffer_str(out, asl_text_of(&w.shapes.entries[i].text));
    }
    asl_buffer_z(out, "],\n\"events\":[");
    asl_buffer_str(out, (asl_str){w.events.data, w.events.size});
    asl_buffer_format(out, "],\n\"start\":%lld,\"omitted\":%zu,\"limit\":%zu}", (long long)start, omitted, limit);

    table_free(&w.values);
    table_free(&w.shapes);
    asl_buffer_free(&w.events);
    asl_buffer_free(&w.shape);
    asl_buffer_free(&w.row);
    asl_release(description);
    asl_release(history);
}

static void escape(asl_str s, asl_buffer *out) {
    for (size_t i = 0; i < s.size; i++) {
        switch (s.data[i]) {
        case '<': asl_buffer_z(out, "&lt;"); break;
        case '&': asl_buffer_z(out, "&amp;"); break;
        case '"': asl_buffer_z(out, "&quot;"); break;
        default: asl_buffer_byte(out, s.data[i]);
        }
    }
}

static size_t length(const unsigned char **in, size_t n) {
    if (n < 15) return n;
    unsigned char more;
    do n += more = *(*in)++;
    while (more == 255);
    return n;
}

/* The other half of embed.c. What is unpacked is part of the program, so it is what it should be. */
static void unpack(char *out) {
    const unsigned char *in = page_packed, *end = page_packed + sizeof page_packed;
    for (;;) {
        unsigned char token = *in++;
        size_t literals = length(&in, token >> 4);
        memcpy(out, in, literals);
        out += literals;
        in += literals;
        if (in == end) break;
        size_t copy = length(&in, token & 15) + 4;
        const char *from = out - (in[0] | in[1] << 8);
        in += 2;
        while (copy--) *out++ = *from++; /* byte by byte: it may repeat what it writes */
    }
    *out = 0;
}

void asl__report(const struct report *r, asl_buffer *out) {
    char *page = asl_alloc(page_size + 1);
    unpack(page);
    const char *title = strstr(page, "@TITLE@"), *place = strstr(page, "@DATA@");
    asl_buffer json = {0};
    data(r, &json);
    asl_buffer_add(out, page, (size_t)(title - page));
    escape(asl_str_z(r->machine ? r->machine : ""), out);
    title += strlen("@TITLE@");
    asl_buffer_add(out, title, (size_t)(place - title));
    size_t from = 0;
    for (size_t i = 0; i < json.size; i++) {
        if (json.data[i] != '<') continue;
        asl_buffer_add(out, json.data + from, i - from);
        asl_buffer_z(out, "\\u003c");
        from = i + 1;
    }
    asl_buffer_add(out, json.data + from, json.size - from);
    asl_buffer_z(out, place + strlen("@DATA@"));
    asl_buffer_free(&json);
    asl_free(page);
}
