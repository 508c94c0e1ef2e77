// The log: for each event that its level asks for, the line that the service sends to CloudWatch Logs (execution-history
// 4, aws-observed-behaviour 19):
//
//     {"id":"3","type":"PassStateExited","details":{…},"previous_event_id":"2","event_timestamp":"1718026591123",
//      "execution_arn":"arn:aws:states:…:execution:m:e","redrive_count":"0"}
//
// Fields named by --log-redact lose their values before anything is printed. A text of more than 248 KiB is cut, as the
// service does; a line that its destination would split (lines.h) is made to fit by cutting the longest texts. What was
// cut has "truncated": true in its …Details.
#include <string.h>

#include "lines.h"
#include "redact.h"
#include "sinks.h"

#define TEXT_LIMIT (248u * 1024) /* of an escaped input or output (execution-history 4) */

struct log {
    struct asl_observer observer;
    enum log_level level;
    bool data;
    struct redact *redact;
    struct lines *lines;
    struct sink_counters *counters;
    asl_buffer line, details, cut;
};

// ---------------------------------------------------------------- levels

bool asl__log_level_parse(const char *text, enum log_level *level) {
    static const char *const names[] = {[LOG_OFF] = "OFF", [LOG_FATAL] = "FATAL", [LOG_ERROR] = "ERROR", [LOG_ALL] = "ALL"};
    for (int i = LOG_OFF; i <= LOG_ALL; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *level = (enum log_level)i;
        return true;
    }
    return false;
}

/* The least level at which an event is logged; all others: ALL. Of activities and EvaluationFailed the service's table
   says nothing. */
static const unsigned char least_level[EVENT_COUNT] = {
    [EVENT_EXECUTION_ABORTED] = LOG_FATAL, [EVENT_EXECUTION_FAILED] = LOG_FATAL, [EVENT_EXECUTION_TIMED_OUT] = LOG_FATAL,
    [EVENT_FAIL_ENTERED] = LOG_ERROR,      [EVENT_LAMBDA_FAILED] = LOG_ERROR,    [EVENT_LAMBDA_TIMED_OUT] = LOG_ERROR,
    [EVENT_MAP_ITERATION_ABORTED] = LOG_ERROR, [EVENT_MAP_ITERATION_FAILED] = LOG_ERROR,
    [EVENT_MAP_RUN_ABORTED] = LOG_ERROR,   [EVENT_MAP_RUN_FAILED] = LOG_ERROR,
    [EVENT_MAP_ABORTED] = LOG_ERROR,       [EVENT_MAP_FAILED] = LOG_ERROR,
    [EVENT_PARALLEL_ABORTED] = LOG_ERROR,  [EVENT_PARALLEL_FAILED] = LOG_ERROR,
    [EVENT_TASK_FAILED] = LOG_ERROR,       [EVENT_TASK_ABORTED] = LOG_ERROR,     [EVENT_TASK_TIMED_OUT] = LOG_ERROR,
    [EVENT_WAIT_ABORTED] = LOG_ERROR,      [EVENT_ACTIVITY_FAILED] = LOG_ERROR,  [EVENT_ACTIVITY_TIMED_OUT] = LOG_ERROR,
    [EVENT_EVALUATION_FAILED] = LOG_ERROR,
};

// ---------------------------------------------------------------- redaction

/* A copy of the details with clean values in it, which are `values`; free with drop_clean. */
struct clean {
    struct event_details d;
    asl_value input, output, parameters, error, cause;
    struct assigned_variable *assigned;
};

static const asl_value *clean_value(const struct redact *r, const asl_value *v, asl_value *clean) {
    if (!v) return NULL;
    *clean = redact_value(r, v);
    return clean;
}

static void make_clean(const struct log *l, const struct event_details *d, struct clean *c) {
    *c = (struct clean){.d = *d};
    if (l->data) {
        c->d.input = clean_value(l->redact, d->input, &c->input);
        c->d.output = clean_value(l->redact, d->output, &c->output);
        c->d.parameters = clean_value(l->redact, d->parameters, &c->parameters);
    }
    if (d->cause) {
        c->cause = redact_value(l->redact, d->cause);
        c->d.cause = &c->cause;
    }
    if (!l->data || !d->assigned_count) return;
    c->assigned = asl_calloc(d->assigned_count, sizeof *c->assigned);
    for (size_t i = 0; i < d->assigned_count; i++) {
        bool named = redact_names(l->redact, asl_text_of(d->assigned[i].name));
        c->assigned[i].name = d->assigned[i].name;
        c->assigned[i].value = named ? asl_string(ASL_STR("***")) : redact_value(l->redact, &d->assigned[i].value);
    }
    c->d.assigned = c->assigned;
}

static void drop_clean(struct clean *c) {
    asl_release(c->input);
    asl_release(c->output);
    asl_release(c->parameters);
    asl_release(c->cause);
    for (size_t i = 0; c->assigned && i < c->d.assigned_count; i++) asl_release(c->assigned[i].value);
    asl_free(c->assigned);
}

// ---------------------------------------------------------------- cutting

/* The details are cut as text: they are printed by others, and only here does it matter how long they are. This walks
   over our own printer's JSON, so it is valid and has no spaces. */

static const char *string_behind(const char *p) { /* p at the opening quote */
    for (p++; *p != '"'; p++) p += *p == '\\';
    return p + 1;
}

static const char *value_behind(const char *p) {
    size_t open = 0;
    do {
        if (*p == '"') {
            p = string_behind(p);
            continue;
        }
        if (*p == '{' || *p == '[') open++;
        if (*p == '}' || *p == ']') {
            if (open == 0) return p;
            open--;
        }
        if (*p == ',' && open == 0) return p;
        p++;
    } while (open || (*p != ',' && *p != '}'));
    return p;
}

/* The longest beginning of an escaped text that has at most `limit` bytes and ends between two characters. */
static size_t cut_at(const char *text, size_t size, size_t limit) {
    if (size <= limit) return size;
    size_t at = 0, whole = 0;
    while (at <= limit) {
        whole = at;
        unsigned char c = (unsigned char)text[at];
        if (c == '\\') at += text[at + 1] == 'u' ? 6 : 2;
        else at += c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    }
    return whole;
}

static bool key_is(const char *key, size_t size, const char *name) {
    return size == strlen(name) && memcmp(key, name, size) == 0;
}

static bool can_be_cut(const char *key, size_t size) {
    return key_is(key, size, "input") || key_is(key, size, "output") || key_is(key, size, "parameters") ||
           key_is(key, size, "cause") || key_is(key, size, "error");
}

/* How many bytes the texts of the details have when each is cut to `limit`; *longest of them as they are. */
static size_t measure(const char *p, size_t limit, size_t *longest) {
    size_t total = 0;
    while (*p != '}') {
        const char *key = p + 1, *key_end = string_behind(key) - 1, *value = key_end + 2, *end = value_behind(value);
        size_t key_size = (size_t)(key_end - key - 1);
        if (*value == '"' && can_be_cut(key + 1, key_size)) {
            size_t size = (size_t)(end - value) - 2;
            if (size > *longest) *longest = size;
            total += size < limit ? size : limit;
        } else if (key_is(key + 1, key_size, "assignedVariables")) {
            for (const char *v = value; *v != '}';) {
                const char *text = string_behind(v + 1) + 1, *text_end = string_behind(text);
                size_t size = (size_t)(text_end - text) - 2;
                if (size > *longest) *longest = size;
                total += size < limit ? size : limit;
                v = text_end;
            }
        }
        p = end;
    }
    return total;
}

static bool copy_cut(const char *value, const char *end, size_t limit, asl_buffer *out) {
    size_t size = (size_t)(end - value) - 2, kept = cut_at(value + 1, size, limit);
    asl_buffer_add(out, value, kept + 1);
    asl_buffer_byte(out, '"');
    return kept < size;
}

static void truncated(const char *name, size_t size, asl_buffer *out) {
    asl_buffer_format(out, ",\"%.*sDetails\":{\"truncated\":true}", (int)size, name);
}

/* Copies details with every text cut to `limit`. */
static void cut_details(const char *p, size_t limit, asl_buffer *out) {
    const char *cut = NULL; /* the text whose …Details are to say so */
    size_t cut_size = 0;
    while (*p != '}') {
        const char *key = p + 1, *key_end = string_behind(key) - 1, *value = key_end + 2, *end = value_behind(value);
        size_t size = (size_t)(key_end - key - 1);
        const char *name = key + 1;
        if (cut && size == cut_size + 7 && memcmp(name, cut, cut_size) == 0 && memcmp(name + cut_size, "Details", 7) == 0) {
            truncated(cut, cut_size, out);
            cut = NULL;
            p = end;
            continue;
        }
        if (cut) truncated(cut, cut_size, out); /* parameters and causes have none otherwise */
        cut = NULL;
        bool is_cut = false;
        if (*value == '"' && can_be_cut(name, size)) {
            asl_buffer_add(out, p, (size_t)(value - p));
            is_cut = copy_cut(value, end, limit, out);
        } else if (key_is(name, size, "assignedVariables")) {
            asl_buffer_add(out, p, (size_t)(value - p));
            for (const char *v = value; *v != '}';) {
                const char *text = string_behind(v + 1) + 1, *text_end = string_behind(text);
                asl_buffer_add(out, v, (size_t)(text - v));
                is_cut |= copy_cut(text, text_end, limit, out);
                v = text_end;
            }
            asl_buffer_byte(out, '}');
        } else {
            asl_buffer_add(out, p, (size_t)(end - p));
        }
        if (is_cut) cut = name, cut_size = size;
        p = end;
    }
    if (cut) truncated(cut, cut_size, out);
    asl_buffer_byte(out, '}');
}

/* Makes the details fit: no text longer than the service's limit, and all of it within `room` (0: whatever that is). */
static void fit(struct log *l, size_t room) {
    asl_buffer *d = &l->details;
    if (d->size <= 2 || (d->size <= TEXT_LIMIT && (room == 0 || d->size <= room))) return;
    size_t longest = 0, all = measure(d->data, SIZE_MAX, &longest), limit = TEXT_LIMIT;
    if (room) {
        const size_t marks = 160; /* what cutting may add: …Details of five texts */
        size_t rest = d->size - all + marks, low = 0, high = longest < TEXT_LIMIT ? longest : TEXT_LIMIT;
        size_t texts = room > rest ? room - rest : 0;
        while (low < high) { /* the largest limit with which the texts fit */
            size_t middle = low + (high - low + 1) / 2;
            if (measure(d->data, middle, &longest) <= texts) low = middle;
            else high = middle - 1;
        }
        limit = low;
    }
    if (longest <= limit) return;
    l->cut.size = 0;
    cut_details(d->data, limit, &l->cut);
    if (room && l->cut.size > room) { /* hundreds of variables: nothing of them can be told */
        l->cut.size = 0;
        asl_buffer_z(&l->cut, "{\"truncated\":true}");
    }
    asl_buffer swap = l->details;
    l->details = l->cut;
    l->cut = swap;
}

// ---------------------------------------------------------------- the observer

static void log_event(struct asl_observer *o, const struct event_record *r) {
    struct log *l = (struct log *)o;
    unsigned least = least_level[r->type] ? least_level[r->type] : LOG_ALL;
    if (least > l->level) return;
    l->details.size = 0;
    if (l->redact) {
        struct event_record copy = *r;
        struct clean clean;
        make_clean(l, &r->d, &clean);
        copy.d = clean.d;
        asl__event_details_print(&copy, l->data, &l->details);
        drop_clean(&clean);
    } else {
        asl__event_details_print(r, l->data, &l->details);
    }
    asl_buffer *b = &l->line;
    b->size = 0;
    const char *arn = asl_execution_arn(r->execution);
    size_t limit = lines_limit(l->lines), round = strlen(arn) + 220; /* ids, type, keys */
    *asl_buffer_reserve(&l->details, 1) = 0;
    fit(l, limit > round ? limit - round : limit);
    asl_buffer_format(b, "{\"id\":\"%llu\",\"type\":\"%s\",\"details\":", (unsigned long long)r->id, asl__event_name(r->type));
    asl_buffer_add(b, l->details.data, l->details.size);
    asl_buffer_format(b, ",\"previous_event_id\":\"%llu\",\"event_timestamp\":\"%lld\",\"execution_arn\":",
                      (unsigned long long)r->previous, (long long)r->time_ms);
    asl_json_print_string(asl_str_z(arn), b);
    asl_buffer_format(b, ",\"redrive_count\":\"%lld\"}\n", (long long)r->execution->redrive_count);
    lines_put(l->lines, b->data, b->size);
    if (l->counters) l->counters->lines++;
}

static void log_turn(struct asl_observer *o) {
    struct log *l = (struct log *)o;
    if (l->counters) l->counters->lines_dropped = lines_dropped(l->lines);
}

static void log_close(struct asl_observer *o) {
    struct log *l = (struct log *)o;
    uint64_t dropped = lines_close(l->lines);
    if (l->counters) l->counters->lines_dropped = dropped;
    if (dropped) lines_complain("%llu log line%s dropped\n", (unsigned long long)dropped, dropped == 1 ? "" : "s");
    redact_free(l->redact);
    asl_buffer_free(&l->line);
    asl_buffer_free(&l->details);
    asl_buffer_free(&l->cut);
    asl_free(l);
}

struct asl_observer *asl__log_open(const struct log_options *options, char *message, size_t message_size) {
    struct lines *lines = lines_open(options->destination, message, message_size);
    if (!lines) return NULL;
    struct log *l = asl_calloc(1, sizeof *l);
    l->observer = (struct asl_observer){.event = log_event, .turn = log_turn, .close = log_close};
    l->level = options->level;
    l->data = options->data;
    l->redact = redact_new(options->redact, options->redact_count);
    l->lines = lines;
    l->counters = options->counters;
    return &l->observer;
}
