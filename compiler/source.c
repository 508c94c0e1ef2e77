// A source file, its placeholders, and the way back from the expanded text to the file.
//
//     file   {"TimeoutSeconds": ${t}, "Resource": "${fn}"}        -D t=300 -D 'fn=a"b'
//     text   {"TimeoutSeconds": 300, "Resource": "a\"b"}
//     edits                     [at 19, size 3, from 19, length 4]   [at …]
//
// The scan knows only as much JSON as it needs: whether it is inside a string, where a value must be escaped. The text
// need not be JSON before its placeholders are filled in.
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void index_lines(struct source *s) {
    *vec_push(s->arena, &s->lines) = 0;
    for (size_t i = 0; i < s->file.size; i++)
        if (s->file.data[i] == '\n')
            *vec_push(s->arena, &s->lines) = (uint32_t)i + 1;
}

struct source *source_from_text(struct arena *a, const char *path, asl_str bytes) {
    struct source *s = arena_alloc(a, sizeof *s);
    s->arena = a;
    s->path = path;
    s->file = s->text = bytes;
    index_lines(s);
    return s;
}

struct source *source_read(struct arena *a, const char *path, const char **message) {
    bool standard_input = strcmp(path, "-") == 0;
    FILE *in = standard_input ? stdin : fopen(path, "rb");
    asl_buffer bytes = {0};
    struct source *s = NULL;
    if (!in) {
        *message = arena_format(a, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    size_t got;
    do {
        char *room = asl_buffer_reserve(&bytes, 64 * 1024);
        got = fread(room, 1, 64 * 1024, in);
        bytes.size += got;
    } while (got > 0 && bytes.size <= SOURCE_MAX_SIZE);
    if (ferror(in))
        *message = arena_format(a, "cannot read %s: %s", path, strerror(errno));
    else if (bytes.size > SOURCE_MAX_SIZE)
        *message = arena_format(a, "%s is larger than %u MiB", path, SOURCE_MAX_SIZE >> 20);
    else
        s = source_from_text(a, standard_input ? "<stdin>" : arena_copy(a, path, strlen(path)),
                             (asl_str){arena_copy(a, bytes.data, bytes.size), bytes.size});
    if (!standard_input)
        fclose(in);
    asl_buffer_free(&bytes);
    return s;
}

// ---------------------------------------------------------------- placeholders

static bool name_byte(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == ':' || c == '-' || c == '/' || c == '[' || c == ']' || c == '(' || c == ')' || c >= 0x80;
}

/* The placeholder that starts at text[i] ("${"): its length, 0 when it is none, and its name without blanks round it.
   "${!Name}" is how CloudFormation writes a literal "${Name}", and what holds anything but a name is an expression of
   somebody else's template language: neither is a placeholder of ours. */
static size_t placeholder_at(asl_str text, size_t i, asl_str *name) {
    size_t from = i + 2;
    while (from < text.size && text.data[from] == ' ')
        from++;
    size_t to = from;
    while (to < text.size && name_byte((unsigned char)text.data[to]))
        to++;
    size_t end = to;
    while (end < text.size && text.data[end] == ' ')
        end++;
    if (to == from || end == text.size || text.data[end] != '}')
        return 0;
    *name = (asl_str){text.data + from, to - from};
    return end + 1 - i;
}

/* Of several with one name the last counts, as on other command lines: -D after --definitions overrides the file. All of
   them are used then. */
static struct definition *find_definition(struct definition *definitions, size_t count, asl_str name) {
    struct definition *found = NULL;
    for (size_t i = 0; i < count; i++)
        if (asl_str_equal(asl_str_z(definitions[i].name), name)) {
            found = &definitions[i];
            found->used = true;
        }
    return found;
}

/* The value as the inside of a JSON string. */
static void add_escaped(asl_buffer *out, const char *value) {
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        switch (*c) {
        case '"': asl_buffer_z(out, "\\\""); break;
        case '\\': asl_buffer_z(out, "\\\\"); break;
        case '\n': asl_buffer_z(out, "\\n"); break;
        case '\r': asl_buffer_z(out, "\\r"); break;
        case '\t': asl_buffer_z(out, "\\t"); break;
        default:
            if (*c < 0x20)
                asl_buffer_format(out, "\\u%04x", *c);
            else
                asl_buffer_byte(out, (char)*c);
        }
    }
}

void source_expand(struct source *s, struct definition *definitions, size_t count) {
    asl_str in = s->file;
    asl_buffer out = {0};
    size_t copied = 0; /* file bytes before this are in out */
    bool in_string = false;
    for (size_t i = 0; i < in.size; i++) {
        char c = in.data[i];
        if (c == '"') {
            in_string = !in_string;
        } else if (c == '\\' && in_string) {
            i++;
        } else if (c == '$' && i + 1 < in.size && in.data[i + 1] == '$') {
            /* "$${" is left alone; "$$" alone starts paths to the Context object. */
            i++;
            if (i + 1 < in.size && in.data[i + 1] == '{')
                i++;
        } else if (c == '$' && i + 1 < in.size && in.data[i + 1] == '{') {
            asl_str name;
            size_t length = placeholder_at(in, i, &name);
            if (length == 0)
                continue;
            struct definition *d = find_definition(definitions, count, name);
            /* The limit keeps offsets within 32 bits whatever the values are. */
            if (d && out.size + strlen(d->value) * 6 + in.size < SOURCE_MAX_SIZE * 2u) {
                asl_buffer_add(&out, in.data + copied, i - copied);
                size_t at = out.size;
                if (in_string)
                    add_escaped(&out, d->value);
                else
                    asl_buffer_z(&out, d->value);
                *vec_push(s->arena, &s->edits) =
                    (struct source_edit){(uint32_t)at, (uint32_t)(out.size - at), (uint32_t)i, (uint32_t)length};
                copied = i + length;
                d->used = true;
            } else if (in_string) { /* elsewhere the text is not JSON, and its reader says so */
                uint32_t at = (uint32_t)(out.size + (i - copied));
                *vec_push(s->arena, &s->unfilled) = (asl_span){at, at + (uint32_t)length};
            }
            i += length - 1;
        }
    }
    if (s->edits.count) {
        asl_buffer_add(&out, in.data + copied, in.size - copied);
        s->text = (asl_str){arena_copy(s->arena, out.data, out.size), out.size};
    }
    asl_buffer_free(&out);
}

// ---------------------------------------------------------------- the way back

/* The last edit that starts at or before the offset, or NULL. */
static const struct source_edit *edit_before(const struct source *s, uint32_t offset) {
    size_t low = 0, high = s->edits.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->edits.items[middle].at <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &s->edits.items[low - 1] : NULL;
}

/* Inside a filled-in value, a start is the placeholder's start and an end is its end. */
static uint32_t start_to_file(const struct source *s, uint32_t offset) {
    const struct source_edit *e = edit_before(s, offset);
    if (!e)
        return offset;
    return offset < e->at + e->size ? e->from : e->from + e->length + (offset - e->at - e->size);
}

static uint32_t end_to_file(const struct source *s, uint32_t offset) {
    if (offset == 0)
        return 0;
    const struct source_edit *e = edit_before(s, offset - 1); /* by its last byte: the end itself is exclusive */
    if (!e)
        return offset;
    return offset <= e->at + e->size ? e->from + e->length : e->from + e->length + (offset - e->at - e->size);
}

asl_span source_file_span(const struct source *s, asl_span in_text) {
    asl_span span = {start_to_file(s, in_text.start), end_to_file(s, in_text.end)};
    if (span.end < span.start)
        span.end = span.start;
    return span;
}

void source_file_position(const struct source *s, uint32_t file_offset, uint32_t *line, uint32_t *column) {
    size_t low = 1, high = s->lines.count; /* the first line that starts after the offset */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->lines.items[middle] <= file_offset)
            low = middle + 1;
        else
            high = middle;
    }
    *line = (uint32_t)low;
    *column = file_offset - s->lines.items[low - 1] + 1;
}

void source_position(const struct source *s, uint32_t text_offset, uint32_t *line, uint32_t *column) {
    source_file_position(s, start_to_file(s, text_offset), line, column);
}

asl_str source_line(const struct source *s, uint32_t line) {
    if (line == 0 || line > s->lines.count)
        return (asl_str){"", 0};
    size_t start = s->lines.items[line - 1];
    size_t end = line < s->lines.count ? s->lines.items[line] - 1 : s->file.size;
    if (end > start && s->file.data[end - 1] == '\r')
        end--;
    return (asl_str){s->file.data + start, end - start};
}

bool source_has_placeholder(const struct source *s, asl_span in_text) {
    size_t low = 0, high = s->unfilled.count; /* the first one that ends after the span's start */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->unfilled.items[middle].end <= in_text.start)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->unfilled.count && s->unfilled.items[low].start < in_text.end;
}
