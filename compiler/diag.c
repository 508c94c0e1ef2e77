// Diagnostics: collected while the compiler runs, printed once, in order of position.
//
//     order.asl.json:31:15: error[ASL0201]: state "Charge" goes to "ShipOder", which does not exist
//        31 |       "Next": "ShipOder"
//           |               ^~~~~~~~~~
//           = help: did you mean "ShipOrder"?
//     order.asl.json:40:5: note: "ShipOrder" is here
//        40 |     "ShipOrder": {
//           |     ^~~~~~~~~~~
//
// Everything is kept in terms of the expanded text and mapped back to the file when it is printed.
#include "diag.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "aslc/aslc.h"
#include "utf8.h"

enum {
    KEPT_MAX = 2000,  /* more messages than anybody reads; keeps hostile input linear */
    WORD_MAX = 96,    /* diag_nearest looks at no longer words: it is quadratic in them */
    SHOWN_MAX = 120,  /* columns of a source line that are shown; generated files are one line long */
};

static const char *const code_text[] = {
#define CODE(name, number, title) number,
#include "codes.def"
#undef CODE
};
static const char *const code_title[] = {
#define CODE(name, number, title) title,
#include "codes.def"
#undef CODE
};
static const char *const severity_text[] = {"error", "warning", "note"};

const char *diag_code_text(enum diag_code code) { return code_text[code]; }

void diag_init(struct diag *d, struct arena *a, const struct source *s, bool lenient) {
    *d = (struct diag){.arena = a, .source = s, .lenient = lenient};
}

// ---------------------------------------------------------------- text that may stand in a terminal and in JSON

static void add_clean(asl_buffer *out, asl_str text, bool keep_tabs) {
    for (size_t i = 0; i < text.size;) {
        unsigned char c = (unsigned char)text.data[i];
        size_t size = asl__utf8_size(text.data + i, text.data + text.size);
        if (size == 0) {
            asl_buffer_z(out, "?");
            size = 1;
        } else if (c == '\t' && keep_tabs) {
            asl_buffer_byte(out, '\t');
        } else if (c == '\n') {
            asl_buffer_z(out, keep_tabs ? " " : "\\n");
        } else if (c < 0x20 || c == 0x7f) {
            /* One column when the source line is shown, so that carets stay where they belong. */
            if (keep_tabs)
                asl_buffer_byte(out, '?');
            else
                asl_buffer_format(out, "\\x%02x", c);
        } else {
            asl_buffer_add(out, text.data + i, size);
        }
        i += size;
    }
}

static const char *format_clean(struct arena *a, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    char *raw = asl_alloc((size_t)size + 1);
    vsnprintf(raw, (size_t)size + 1, format, again);
    va_end(again);
    asl_buffer clean = {0};
    add_clean(&clean, (asl_str){raw, (size_t)size}, false);
    const char *text = arena_copy(a, clean.data, clean.size);
    asl_buffer_free(&clean);
    asl_free(raw);
    return text;
}

// ---------------------------------------------------------------- collecting

static struct diag_message *add(struct diag *d, enum diag_severity severity, enum diag_code code, const asl_doc *node,
                                asl_span where, const char *format, va_list args) {
    if (code == DIAG_LATER_FEATURE && d->lenient)
        severity = DIAG_WARNING;
    if (severity == DIAG_ERROR)
        d->errors++;
    else
        d->warnings++;
    if (d->messages.count >= KEPT_MAX) {
        d->dropped = (struct diag_message){.severity = severity, .code = code_text[code], .span = where, .text = ""};
        return &d->dropped;
    }
    struct diag_message *m = vec_push(d->arena, &d->messages);
    *m = (struct diag_message){.severity = severity, .code = code_text[code], .span = where};
    m->text = format_clean(d->arena, format, args);
    if (node) {
        asl_buffer pointer = {0};
        asl_doc_pointer(node, &pointer);
        m->pointer = arena_copy(d->arena, pointer.data, pointer.size);
        asl_buffer_free(&pointer);
    }
    return m;
}

struct diag_message *diag_error(struct diag *d, enum diag_code code, const asl_doc *node, asl_span where,
                                const char *format, ...) {
    va_list args;
    va_start(args, format);
    struct diag_message *m = add(d, DIAG_ERROR, code, node, where, format, args);
    va_end(args);
    return m;
}

struct diag_message *diag_warning(struct diag *d, enum diag_code code, const asl_doc *node, asl_span where,
                                  const char *format, ...) {
    va_list args;
    va_start(args, format);
    struct diag_message *m = add(d, DIAG_WARNING, code, node, where, format, args);
    va_end(args);
    return m;
}

void diag_help(struct diag *d, struct diag_message *m, const char *format, ...) {
    if (m == &d->dropped)
        return;
    va_list args;
    va_start(args, format);
    m->help = format_clean(d->arena, format, args);
    va_end(args);
}

void diag_note(struct diag *d, struct diag_message *m, asl_span where, const char *format, ...) {
    if (m == &d->dropped)
        return;
    va_list args;
    va_start(args, format);
    m->note = format_clean(d->arena, format, args);
    m->note_span = where;
    va_end(args);
}

// ---------------------------------------------------------------- suggestions

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

/* Edits to get from a to b: insert, delete, replace, swap neighbours. A slip of case or a lost blank costs nothing:
   "next", "Error Equals". */
static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size) {
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_size; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            size_t best = last[j - 1] + !same;
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]) &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *spare = before;
        before = last, last = row, row = spare;
    }
    return last[b_size];
}

const char *diag_nearest(const char *word, const char *const *candidates, size_t count) {
    const char *nearest = NULL;
    size_t size = strlen(word);
    if (size == 0 || size > WORD_MAX)
        return NULL;
    size_t best = size < 4 ? 1 : size / 3; /* more edits than this and it is another word */
    if (best > 6)
        best = 6;
    best++;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(candidates[i]);
        if (other > WORD_MAX || (other > size ? other - size : size - other) >= best)
            continue;
        size_t distance = edit_distance(word, size, candidates[i], other);
        if (distance < best) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}

// ---------------------------------------------------------------- printing

struct place { /* of a span, in the file */
    uint32_t line, column, end_line, end_column;
};

static struct place place_of(const struct diag *d, asl_span span) {
    struct place p;
    asl_span in_file = source_file_span(d->source, span);
    source_file_position(d->source, in_file.start, &p.line, &p.column);
    source_file_position(d->source, in_file.end, &p.end_line, &p.end_column);
    return p;
}

struct sorted {
    const struct diag *d;
    const struct diag_message *m;
    size_t index;
};

static int by_position(const void *left, const void *right) {
    const struct sorted *a = left, *b = right;
    if (a->m->span.start != b->m->span.start)
        return a->m->span.start < b->m->span.start ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

static struct sorted *sort(const struct diag *d) {
    struct sorted *order = asl_calloc(d->messages.count + 1, sizeof *order);
    for (size_t i = 0; i < d->messages.count; i++)
        order[i] = (struct sorted){d, &d->messages.items[i], i};
    qsort(order, d->messages.count, sizeof *order, by_position);
    return order;
}

static const char *paint(bool colour, const char *code) { return colour ? code : ""; }
#define RED    "\033[1;31m"
#define YELLOW "\033[1;35m"
#define CYAN   "\033[1;36m"
#define BLUE   "\033[1;34m"
#define BOLD   "\033[1m"
#define PLAIN  "\033[0m"

/* The source line and a caret under the span. Of a long line, the part round the caret. */
static void print_line(const struct diag *d, struct place p, bool colour, const char *caret, FILE *out) {
    asl_str line = source_line(d->source, p.line);
    size_t from = 0, start = p.column - 1;
    if (start > line.size)
        start = line.size;
    size_t end = p.end_line == p.line ? p.end_column - 1 : line.size;
    if (end > line.size)
        end = line.size;
    if (end < start)
        end = start;
    if (line.size > SHOWN_MAX && start > SHOWN_MAX / 2)
        from = start - SHOWN_MAX / 2;
    while (from < start && ((unsigned char)line.data[from] & 0xc0) == 0x80)
        from++;
    size_t to = line.size - from > SHOWN_MAX ? from + SHOWN_MAX : line.size;
    while (to < line.size && to > start && ((unsigned char)line.data[to] & 0xc0) == 0x80)
        to--;
    if (end > to)
        end = to;

    asl_buffer text = {0}, mark = {0};
    if (from > 0)
        asl_buffer_z(&text, "...");
    add_clean(&text, (asl_str){line.data + from, to - from}, true);
    if (to < line.size)
        asl_buffer_z(&text, "...");
    if (from > 0)
        asl_buffer_z(&mark, "   ");
    for (size_t i = from; i < start; i++) /* tabs stay tabs: they are as wide below as above */
        if (((unsigned char)line.data[i] & 0xc0) != 0x80)
            asl_buffer_byte(&mark, line.data[i] == '\t' ? '\t' : ' ');
    asl_buffer_byte(&mark, 0); /* the caret's colour goes between the two */
    size_t blank = mark.size;
    asl_buffer_byte(&mark, '^');
    for (size_t i = start + 1; i < end; i++)
        if (((unsigned char)line.data[i] & 0xc0) != 0x80)
            asl_buffer_byte(&mark, '~');
    fprintf(out, "%s%5u |%s %.*s\n", paint(colour, BLUE), p.line, paint(colour, PLAIN), (int)text.size,
            text.size ? text.data : "");
    fprintf(out, "%s      |%s %s%s%.*s%s\n", paint(colour, BLUE), paint(colour, PLAIN), mark.data, paint(colour, caret),
            (int)(mark.size - blank), mark.data + blank, paint(colour, PLAIN));
    asl_buffer_free(&text);
    asl_buffer_free(&mark);
}

static void print_text(const struct diag *d, bool colour, FILE *out) {
    struct sorted *order = sort(d);
    for (size_t i = 0; i < d->messages.count; i++) {
        const struct diag_message *m = order[i].m;
        const char *tint = m->severity == DIAG_ERROR ? RED : m->severity == DIAG_WARNING ? YELLOW : CYAN;
        struct place p = place_of(d, m->span);
        fprintf(out, "%s%s:%u:%u:%s %s%s[%s]:%s %s%s%s\n", paint(colour, BOLD), d->source->path, p.line, p.column,
                paint(colour, PLAIN), paint(colour, tint), severity_text[m->severity], m->code, paint(colour, PLAIN),
                paint(colour, BOLD), m->text, paint(colour, PLAIN));
        print_line(d, p, colour, tint, out);
        if (m->help)
            fprintf(out, "      %s= help:%s %s\n", paint(colour, CYAN), paint(colour, PLAIN), m->help);
        if (m->note && m->note_span.end == 0) {
            fprintf(out, "      %s= note:%s %s\n", paint(colour, CYAN), paint(colour, PLAIN), m->note);
        } else if (m->note) {
            struct place at = place_of(d, m->note_span);
            fprintf(out, "%s%s:%u:%u:%s %snote:%s %s\n", paint(colour, BOLD), d->source->path, at.line, at.column,
                    paint(colour, PLAIN), paint(colour, CYAN), paint(colour, PLAIN), m->note);
            print_line(d, at, colour, CYAN, out);
        }
    }
    size_t total = d->errors + d->warnings;
    if (total > d->messages.count)
        fprintf(out, "%s: %zu more messages are not shown\n", d->source->path, total - d->messages.count);
    asl_free(order);
}

/* cJSON copies a string as it is and must be given UTF-8; a path need not be. */
static void add_string(cJSON *object, const char *key, const char *text) {
    asl_buffer clean = {0};
    add_clean(&clean, asl_str_z(text), false);
    cJSON_AddStringToObject(object, key, clean.size ? clean.data : "");
    asl_buffer_free(&clean);
}

static void add_json(cJSON *array, const struct diag *d) {
    struct sorted *order = sort(d);
    for (size_t i = 0; i < d->messages.count; i++) {
        const struct diag_message *m = order[i].m;
        struct place p = place_of(d, m->span);
        cJSON *o = cJSON_CreateObject();
        add_string(o, "file", d->source->path);
        cJSON_AddNumberToObject(o, "line", p.line);
        cJSON_AddNumberToObject(o, "column", p.column);
        cJSON_AddNumberToObject(o, "endLine", p.end_line);
        cJSON_AddNumberToObject(o, "endColumn", p.end_column);
        cJSON_AddStringToObject(o, "severity", severity_text[m->severity]);
        cJSON_AddStringToObject(o, "code", m->code);
        cJSON_AddStringToObject(o, "message", m->text);
        if (m->help)
            cJSON_AddStringToObject(o, "help", m->help);
        if (m->pointer)
            cJSON_AddStringToObject(o, "pointer", m->pointer);
        if (m->note)
            cJSON_AddStringToObject(o, "note", m->note);
        if (m->note && m->note_span.end) {
            struct place at = place_of(d, m->note_span);
            cJSON_AddNumberToObject(o, "noteLine", at.line);
            cJSON_AddNumberToObject(o, "noteColumn", at.column);
        }
        cJSON_AddItemToArray(array, o);
    }
    asl_free(order);
}

// ---------------------------------------------------------------- SARIF 2.1.0

/* SARIF counts code points, we count bytes. */
static uint32_t code_point_column(const struct diag *d, uint32_t line, uint32_t column) {
    asl_str text = source_line(d->source, line);
    uint32_t points = 1;
    for (size_t i = 0; i + 1 < column && i < text.size; i++)
        points += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return points;
}

static cJSON *sarif_location(const struct diag *d, asl_span span, const char *pointer, const char *message) {
    struct place p = place_of(d, span);
    cJSON *location = cJSON_CreateObject();
    cJSON *physical = cJSON_AddObjectToObject(location, "physicalLocation");
    asl_buffer uri = {0};
    for (const unsigned char *c = (const unsigned char *)d->source->path; *c; c++) {
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("-._~/", *c))
            asl_buffer_byte(&uri, (char)*c);
        else
            asl_buffer_format(&uri, "%%%02X", *c);
    }
    cJSON *artifact = cJSON_AddObjectToObject(physical, "artifactLocation");
    cJSON_AddStringToObject(artifact, "uri", uri.size ? uri.data : "");
    asl_buffer_free(&uri);
    cJSON *region = cJSON_AddObjectToObject(physical, "region");
    cJSON_AddNumberToObject(region, "startLine", p.line);
    cJSON_AddNumberToObject(region, "startColumn", code_point_column(d, p.line, p.column));
    cJSON_AddNumberToObject(region, "endLine", p.end_line);
    cJSON_AddNumberToObject(region, "endColumn", code_point_column(d, p.end_line, p.end_column));
    if (pointer) {
        cJSON *logical = cJSON_AddArrayToObject(location, "logicalLocations");
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "fullyQualifiedName", pointer);
        cJSON_AddItemToArray(logical, one);
    }
    if (message)
        cJSON_AddStringToObject(cJSON_AddObjectToObject(location, "message"), "text", message);
    return location;
}

static int code_index(const char *text) {
    int i = 0;
    while (i < DIAG_CODE_COUNT && strcmp(code_text[i], text) != 0)
        i++;
    return i;
}

/* rule[]: the index of each code among the rules of the log, which are those that occur. */
static void add_sarif(cJSON *results, const int *rule, const struct diag *d) {
    struct sorted *order = sort(d);
    for (size_t i = 0; i < d->messages.count; i++) {
        const struct diag_message *m = order[i].m;
        cJSON *result = cJSON_CreateObject();
        cJSON_AddStringToObject(result, "ruleId", m->code);
        cJSON_AddNumberToObject(result, "ruleIndex", rule[code_index(m->code)]);
        cJSON_AddStringToObject(result, "level", severity_text[m->severity]);
        char *text = arena_format(d->arena, m->help ? "%s (%s)" : "%s", m->text, m->help);
        cJSON_AddStringToObject(cJSON_AddObjectToObject(result, "message"), "text", text);
        cJSON *locations = cJSON_AddArrayToObject(result, "locations");
        cJSON_AddItemToArray(locations, sarif_location(d, m->span, m->pointer, NULL));
        if (m->note && m->note_span.end) {
            cJSON *related = cJSON_AddArrayToObject(result, "relatedLocations");
            cJSON_AddItemToArray(related, sarif_location(d, m->note_span, NULL, m->note));
        }
        cJSON_AddItemToArray(results, result);
    }
    asl_free(order);
}

static cJSON *sarif_log(const struct diag *const *all, size_t count) {
    int rule[DIAG_CODE_COUNT + 1] = {0}, rules_count = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < all[i]->messages.count; k++)
            rule[code_index(all[i]->messages.items[k].code)] = 1;
    cJSON *log = cJSON_CreateObject();
    cJSON_AddStringToObject(log, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    cJSON_AddStringToObject(log, "version", "2.1.0");
    cJSON *run = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(log, "runs"), run);
    cJSON *driver = cJSON_AddObjectToObject(cJSON_AddObjectToObject(run, "tool"), "driver");
    cJSON_AddStringToObject(driver, "name", "aslc");
    cJSON_AddStringToObject(driver, "version", ASLC_VERSION);
    cJSON *rules = cJSON_AddArrayToObject(driver, "rules");
    for (int i = 0; i < DIAG_CODE_COUNT; i++) {
        if (!rule[i])
            continue;
        rule[i] = rules_count++;
        cJSON *described = cJSON_CreateObject();
        cJSON_AddStringToObject(described, "id", code_text[i]);
        cJSON_AddStringToObject(cJSON_AddObjectToObject(described, "shortDescription"), "text", code_title[i]);
        cJSON_AddItemToArray(rules, described);
    }
    cJSON_AddStringToObject(run, "columnKind", "unicodeCodePoints");
    cJSON *results = cJSON_AddArrayToObject(run, "results");
    for (size_t i = 0; i < count; i++)
        add_sarif(results, rule, all[i]);
    return log;
}

static void print_tree(cJSON *tree, FILE *out) {
    char *text = cJSON_Print(tree);
    if (text)
        fprintf(out, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(tree);
}

void diag_print_all(const struct diag *const *all, size_t count, enum diag_format format, bool colour, FILE *out) {
    cJSON *tree = NULL;
    switch (format) {
    case DIAG_TEXT:
        for (size_t i = 0; i < count; i++)
            print_text(all[i], colour, out);
        return;
    case DIAG_JSON:
        tree = cJSON_CreateArray();
        for (size_t i = 0; i < count; i++)
            add_json(tree, all[i]);
        break;
    case DIAG_SARIF:
        tree = sarif_log(all, count);
        break;
    }
    print_tree(tree, out);
}

void diag_print(const struct diag *d, enum diag_format format, bool colour, FILE *out) {
    diag_print_all(&d, 1, format, colour, out);
}
