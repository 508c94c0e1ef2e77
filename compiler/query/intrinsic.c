// Paths and intrinsic calls, as fields of a definition hold them, become expressions (jsonpath-and-intrinsics.md 7).
//
//     call  := NAME '(' [ arg ( ',' arg )* ] ')'
//     arg   := 'text' | number | true | false | null | path | call
//
// What is wrong is reported once for each field, at its bytes inside the JSON string. A placeholder ${Name} that nobody
// filled in is opaque: where a whole value or argument should stand, it is a literal text; inside names and texts it is
// part of them. So a definition is accepted before a deployment fills it in.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ast.h"
#include "diag.h"

enum { MAX_CALLS = 10 }; // nested in one field

static const struct {
    const char *name;
    int min, max;
} functions[] = {
#define INTRINSIC(id, name, min, max, result) {"States." name, min, max},
#include "aslc/intrinsics.def"
#undef INTRINSIC
};

// What each argument must be, when it is a literal: s text, n number, a array, o object, b boolean, * anything. The last
// letter goes for all that follow. Arrays and objects cannot be written as literals at all.
static const char *const argument_types[] = {
    [ASL_INTRINSIC_ARRAY] = "*",          [ASL_INTRINSIC_ARRAY_PARTITION] = "an", [ASL_INTRINSIC_ARRAY_CONTAINS] = "a*",
    [ASL_INTRINSIC_ARRAY_RANGE] = "nnn",  [ASL_INTRINSIC_ARRAY_GET_ITEM] = "an",  [ASL_INTRINSIC_ARRAY_LENGTH] = "a",
    [ASL_INTRINSIC_ARRAY_UNIQUE] = "a",   [ASL_INTRINSIC_BASE64_ENCODE] = "s",    [ASL_INTRINSIC_BASE64_DECODE] = "s",
    [ASL_INTRINSIC_HASH] = "*s",          [ASL_INTRINSIC_JSON_MERGE] = "oob",     [ASL_INTRINSIC_STRING_TO_JSON] = "s",
    [ASL_INTRINSIC_JSON_TO_STRING] = "*", [ASL_INTRINSIC_MATH_RANDOM] = "nnn",    [ASL_INTRINSIC_MATH_ADD] = "nn",
    [ASL_INTRINSIC_STRING_SPLIT] = "ss",  [ASL_INTRINSIC_UUID] = "*",             [ASL_INTRINSIC_FORMAT] = "s*",
};
_Static_assert(sizeof argument_types / sizeof *argument_types == ASL_INTRINSIC_COUNT, "every function has its types");

struct query {
    struct arena *arena;
    struct diag *diag;
    asl_doc *node;
    const char *field;
    const char *text; // of the node
    size_t at, end;   // end: without the blanks after it
    unsigned calls;   // nested so far
};

static asl_span span_of(const struct query *q, size_t from, size_t to) { return asl_doc_text_span(q->node, false, from, to); }

__attribute__((format(printf, 5, 6))) static struct diag_message *wrong(struct query *q, enum diag_code code, size_t from, size_t to,
                                                                        const char *format, ...) {
    char message[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    asl_span where = span_of(q, from, to);
    if (where.end == where.start) where.end++; // at the end of the text: the closing quote
    return diag_error(q->diag, code, q->node, where, "%s", message);
}

static struct expr *expr_new(struct query *q, enum expr_kind kind, size_t from, size_t to) {
    struct expr *e = arena_alloc(q->arena, sizeof *e);
    *e = (struct expr){.kind = kind, .node = q->node, .span = span_of(q, from, to), .field = q->field};
    return e;
}

static struct expr *literal_text(struct query *q, asl_str text, size_t from, size_t to) {
    struct expr *e = expr_new(q, EXPR_LITERAL, from, to);
    asl_buffer json = {0};
    asl_json_print_string(text, &json);
    e->u.json = (asl_str){arena_copy(q->arena, json.data, json.size), json.size};
    asl_buffer_free(&json);
    return e;
}

// ---------------------------------------------------------------- reading

static char peek(const struct query *q) { return q->at < q->end ? q->text[q->at] : 0; }
static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_name(char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '_'; }

static void skip_blanks(struct query *q) {
    while (q->at < q->end && is_blank(q->text[q->at])) q->at++;
}

// The size of a placeholder that begins here and was not filled in, or 0.
static size_t placeholder_at(const struct query *q, size_t at) {
    if (q->end - at < 3 || q->text[at] != '$' || q->text[at + 1] != '{') return 0;
    const char *close = memchr(q->text + at, '}', q->end - at);
    size_t size = close ? (size_t)(close - q->text) + 1 - at : 0;
    return size && source_has_placeholder(q->diag->source, span_of(q, at, at + size)) ? size : 0;
}

static size_t character_size(const struct query *q, size_t at) {
    size_t size = 1;
    while (at + size < q->end && ((unsigned char)q->text[at + size] & 0xc0) == 0x80) size++;
    return size;
}

// "expected X, found Y" at the current place.
static void expected(struct query *q, const char *what) {
    if (q->at >= q->end) {
        wrong(q, DIAG_BAD_INTRINSIC, q->end, q->end, "expected %s, found the end of the text", what);
        return;
    }
    size_t size = character_size(q, q->at);
    wrong(q, DIAG_BAD_INTRINSIC, q->at, q->at + size, "expected %s, found \"%.*s\"", what, (int)size, q->text + q->at);
}

static const char *ordinal(size_t i) {
    static const char *const words[] = {"first", "second", "third"};
    return i < 3 ? words[i] : "next";
}

// ---------------------------------------------------------------- paths

static void free_path(void *path) { asl_path_free(path); }

static struct expr *parse_path(struct query *q, size_t from, size_t to) {
    asl_path_error error;
    asl_path *path = asl_path_parse((asl_str){q->text + from, to - from}, &error);
    if (!path) {
        size_t at = from + error.offset;
        struct diag_message *m =
            wrong(q, DIAG_BAD_PATH, at, at < q->end ? at + character_size(q, at) : at, "%s", error.message);
        if (q->text[from] != '$' && strncmp(q->text + from, "States.", 7) == 0)
            diag_help(q->diag, m, "intrinsic functions are not allowed here; call it in a Pass state's Parameters before");
        else if (q->end - from > 1 && memcmp(q->text + from, "{%", 2) == 0)
            diag_help(q->diag, m, "for JSONata set \"QueryLanguage\": \"JSONata\" on this state");
        return NULL;
    }
    arena_defer(q->arena, free_path, path);
    struct expr *e = expr_new(q, EXPR_PATH, from, to);
    e->u.path = path;
    return e;
}

// Where a path that is an argument ends: at a comma, a blank or the closing parenthesis, unless these are in its own
// brackets, parentheses or quotes.
static size_t path_end(const struct query *q) {
    size_t brackets = 0, parentheses = 0, i = q->at;
    for (; i < q->end; i++) {
        char c = q->text[i];
        size_t placeholder = placeholder_at(q, i);
        bool inside = brackets > 0 || parentheses > 0;
        if (placeholder) {
            i += placeholder - 1;
        } else if (c == '\\') {
            i++;
        } else if (inside && (c == '\'' || c == '"')) {
            for (i++; i < q->end && q->text[i] != c; i++)
                if (q->text[i] == '\\') i++;
        } else if (inside && c == '/') { // a regular expression
            for (i++; i < q->end && q->text[i] != '/'; i++)
                if (q->text[i] == '\\') i++;
        } else if (c == '[') {
            brackets++;
        } else if (c == ']') {
            if (brackets > 0) brackets--;
        } else if (c == '(') {
            parentheses++;
        } else if (c == ')' && parentheses > 0) {
            parentheses--;
        } else if (!inside && (c == ',' || c == ')' || is_blank(c))) {
            break;
        }
    }
    return i < q->end ? i : q->end;
}

// ---------------------------------------------------------------- literals

// A text in apostrophes. The escapes of a template for States.Format stay as they are: only the function itself can tell
// a literal "\{\}" from a placeholder "{}".
static struct expr *parse_text(struct query *q, bool format_template) {
    size_t open = q->at++;
    asl_buffer out = {0};
    struct expr *e = NULL;
    for (; q->at < q->end; q->at++) {
        char c = q->text[q->at];
        if (c == '\'') {
            q->at++;
            e = literal_text(q, (asl_str){out.size ? out.data : "", out.size}, open, q->at);
            break;
        }
        if (c == '\\') {
            char escaped = q->at + 1 < q->end ? q->text[q->at + 1] : 0;
            if (!escaped || !strchr("'{}\\", escaped)) {
                size_t size = q->at + 1 < q->end ? 1 + character_size(q, q->at + 1) : 1;
                struct diag_message *m = wrong(q, DIAG_BAD_INTRINSIC, q->at, q->at + size, "%.*s is not an escape here", (int)size,
                                               q->text + q->at);
                diag_help(q->diag, m, "only \\' \\{ \\} \\\\ are; in JSON each backslash is written twice");
                break;
            }
            if (format_template) asl_buffer_byte(&out, c);
            c = escaped;
            q->at++;
        }
        asl_buffer_byte(&out, c);
    }
    if (q->at >= q->end && !e) wrong(q, DIAG_BAD_INTRINSIC, open, open + 1, "this text is never closed: expected \"'\"");
    asl_buffer_free(&out);
    return e;
}

static struct expr *parse_number(struct query *q) {
    size_t from = q->at;
    while (q->at < q->end && (is_name(q->text[q->at]) || strchr("+-", q->text[q->at]))) q->at++;
    asl_str text = {q->text + from, q->at - from};
    asl_value v;
    asl_json_error error;
    if (asl_json_parse(text, NULL, &v, &error) != 0) {
        wrong(q, DIAG_BAD_INTRINSIC, from, q->at, "\"%.*s\" is not a number", (int)(text.size > 60 ? 60 : text.size), text.data);
        return NULL;
    }
    asl_release(v);
    struct expr *e = expr_new(q, EXPR_LITERAL, from, q->at);
    e->u.json = text;
    return e;
}

static struct expr *parse_opaque(struct query *q) { // at a placeholder
    size_t from = q->at, size;
    while (q->at < q->end && !is_blank(q->text[q->at]) && !strchr(",)", q->text[q->at]))
        q->at += (size = placeholder_at(q, q->at)) ? size : 1;
    return literal_text(q, (asl_str){q->text + from, q->at - from}, from, q->at);
}

// ---------------------------------------------------------------- calls

static struct expr *parse_call(struct query *q);

static struct expr *parse_word(struct query *q) {
    size_t from = q->at, end = from;
    while (end < q->end && is_name(q->text[end])) end++;
    if (end < q->end && q->text[end] == '(') return parse_call(q);
    asl_str word = {q->text + from, end - from};
    if (asl_str_equal(word, ASL_STR("true")) || asl_str_equal(word, ASL_STR("false")) || asl_str_equal(word, ASL_STR("null"))) {
        q->at = end;
        struct expr *e = expr_new(q, EXPR_LITERAL, from, end);
        e->u.json = word;
        return e;
    }
    int shown = (int)(word.size > 60 ? 60 : word.size);
    struct diag_message *m = wrong(q, DIAG_BAD_INTRINSIC, from, end, "\"%.*s\" is not an argument", shown, word.data);
    if (word.size > 7 && memcmp(word.data, "States.", 7) == 0)
        diag_help(q->diag, m, "a call needs parentheses: %.*s(…)", shown, word.data);
    else
        diag_help(q->diag, m, "a text is written in apostrophes: '%.*s'", shown, word.data);
    return NULL;
}

static struct expr *parse_argument(struct query *q, bool format_template) {
    char c = peek(q);
    if (c == '$' && placeholder_at(q, q->at)) return parse_opaque(q);
    if (c == '$') {
        size_t from = q->at;
        q->at = path_end(q);
        return parse_path(q, from, q->at);
    }
    if (c == '\'') return parse_text(q, format_template);
    if (is_digit(c) || c == '-') return parse_number(q);
    if (is_letter(c)) return parse_word(q);
    if (c == '"') {
        struct diag_message *m = wrong(q, DIAG_BAD_INTRINSIC, q->at, q->at + 1, "a text is written in apostrophes, not in quotes");
        diag_help(q->diag, m, "write '…'");
    } else if (c == '[' || c == '{') {
        struct diag_message *m =
            wrong(q, DIAG_BAD_INTRINSIC, q->at, q->at + 1, "%s cannot be written as an argument", c == '[' ? "an array" : "an object");
        diag_help(q->diag, m, c == '[' ? "use States.Array(…) or a path" : "use States.StringToJson('…') or a path");
    } else {
        expected(q, "an argument: 'text', a number, true, false, null, a path or a call");
    }
    return NULL;
}

static const char *type_word(char letter) {
    switch (letter) {
    case 's': return "a string";
    case 'n': return "a number";
    case 'a': return "an array";
    case 'o': return "an object";
    case 'b': return "a boolean";
    default: return "a value";
    }
}

static char literal_type(asl_str json) {
    char c = json.data[0];
    return c == '"' ? 's' : c == 't' || c == 'f' ? 'b' : c == 'n' ? '0' : 'n';
}

static bool is_opaque(struct query *q, const struct expr *e) { return source_has_placeholder(q->diag->source, e->span); }

static bool check_count(struct query *q, asl_intrinsic function, size_t count, size_t from, size_t to) {
    int min = functions[function].min, max = functions[function].max;
    if (count >= (size_t)min && (max < 0 || count <= (size_t)max)) return true;
    char wanted[40];
    if (max < 0) snprintf(wanted, sizeof wanted, "at least %d argument%s", min, min == 1 ? "" : "s");
    else if (max == 0) snprintf(wanted, sizeof wanted, "no arguments");
    else if (min == max) snprintf(wanted, sizeof wanted, "%d argument%s", min, min == 1 ? "" : "s");
    else snprintf(wanted, sizeof wanted, "%d or %d arguments", min, max);
    wrong(q, DIAG_BAD_INTRINSIC, from, to, "%s takes %s, found %zu", functions[function].name, wanted, count);
    return false;
}

static bool check_types(struct query *q, asl_intrinsic function, struct expr *const *args, size_t count) {
    const char *types = argument_types[function];
    for (size_t i = 0; i < count; i++) {
        char wanted = types[i < strlen(types) ? i : strlen(types) - 1];
        if (args[i]->kind != EXPR_LITERAL || wanted == '*' || is_opaque(q, args[i])) continue;
        char got = literal_type(args[i]->u.json);
        if (got == wanted) continue;
        diag_error(q->diag, DIAG_BAD_INTRINSIC, q->node, args[i]->span, "%s argument %zu must be %s or a path, found %s",
                   functions[function].name, i + 1, type_word(wanted), got == '0' ? "null" : type_word(got));
        return false;
    }
    return true;
}

// A template that does not fit its arguments fails whenever it is evaluated. The service accepts it, so we only warn.
static void check_template(struct query *q, struct expr *const *args, size_t count) {
    if (args[0]->kind != EXPR_LITERAL || is_opaque(q, args[0])) return;
    asl_value template;
    if (asl_json_parse(args[0]->u.json, NULL, &template, NULL) != 0) return;
    asl_str text = asl_text_of(&template);
    size_t used = 0;
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (text.data[i] == '\\') i++;
        else if (text.data[i] == '{' && text.data[i + 1] == '}') used++, i++;
    }
    asl_release(template);
    if (used != count - 1)
        diag_warning(q->diag, DIAG_BAD_INTRINSIC, q->node, args[0]->span,
                     "this States.Format fails: its template has %zu placeholder%s {} for %zu argument%s", used, used == 1 ? "" : "s",
                     count - 1, count == 2 ? "" : "s");
}

static int find_function(struct query *q, size_t from, size_t to) {
    asl_str name = {q->text + from, to - from};
    const char *known[ASL_INTRINSIC_COUNT];
    for (int i = 0; i < ASL_INTRINSIC_COUNT; i++) {
        known[i] = functions[i].name;
        if (asl_str_equal(name, asl_str_z(known[i]))) return i;
    }
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)(name.size > 60 ? 60 : name.size), name.data);
    struct diag_message *m;
    if (strcmp(word, "States.") == 0) {
        m = wrong(q, DIAG_BAD_INTRINSIC, from, to, "expected a function's name after \"States.\"");
    } else {
        m = wrong(q, DIAG_BAD_INTRINSIC, from, to, "there is no intrinsic function %s", word);
        char prefixed[80];
        snprintf(prefixed, sizeof prefixed, "%s%s", strncmp(word, "States.", 7) == 0 ? "" : "States.", word);
        const char *nearest = diag_nearest(prefixed, known, ASL_INTRINSIC_COUNT);
        if (nearest) {
            diag_help(q->diag, m, "did you mean \"%s\"?", nearest);
            return -1;
        }
    }
    diag_help(q->diag, m, "the functions are States.Array, ArrayPartition, ArrayContains, ArrayRange, ArrayGetItem, ArrayLength, "
                          "ArrayUnique, Base64Encode, Base64Decode, Hash, JsonMerge, StringToJson, JsonToString, MathRandom, "
                          "MathAdd, StringSplit, UUID and Format");
    return -1;
}

// The arguments up to and with the closing parenthesis; false after reporting.
static bool parse_arguments(struct query *q, asl_intrinsic function, size_t open, struct expr ***args, size_t *count) {
    VEC(struct expr *) list = {0};
    for (;;) {
        skip_blanks(q);
        if (list.count == 0 && peek(q) == ')') break;
        if (q->at >= q->end) {
            wrong(q, DIAG_BAD_INTRINSIC, open, open + 1, "the call of %s is never closed: expected \")\"", functions[function].name);
            return false;
        }
        struct expr *arg = parse_argument(q, function == ASL_INTRINSIC_FORMAT && list.count == 0);
        if (!arg) return false;
        *vec_push(q->arena, &list) = arg;
        skip_blanks(q);
        if (peek(q) == ')') break;
        if (q->at < q->end && peek(q) != ',') {
            char what[80];
            snprintf(what, sizeof what, "\",\" or \")\" after the %s argument of %s", ordinal(list.count - 1), functions[function].name);
            expected(q, what);
            return false;
        }
        if (peek(q) == ',') q->at++;
    }
    q->at++;
    *args = list.items;
    *count = list.count;
    return true;
}

static struct expr *parse_call(struct query *q) { // at the name
    size_t from = q->at;
    while (is_name(peek(q))) q->at++;
    int function = find_function(q, from, q->at);
    if (function < 0) return NULL;
    if (peek(q) != '(') {
        char what[80];
        snprintf(what, sizeof what, "\"(\" after %s", functions[function].name);
        expected(q, what);
        return NULL;
    }
    if (++q->calls > MAX_CALLS) {
        wrong(q, DIAG_BAD_INTRINSIC, from, q->at, "intrinsic calls are nested more than %d deep", MAX_CALLS);
        return NULL;
    }
    struct expr **args;
    size_t count;
    size_t open = q->at++;
    if (!parse_arguments(q, (asl_intrinsic)function, open, &args, &count)) return NULL;
    q->calls--;
    if (!check_count(q, (asl_intrinsic)function, count, from, q->at) || !check_types(q, (asl_intrinsic)function, args, count)) return NULL;
    if (function == ASL_INTRINSIC_FORMAT) check_template(q, args, count);
    struct expr *e = expr_new(q, EXPR_CALL, from, q->at);
    e->u.call.function = (asl_intrinsic)function;
    e->u.call.source = (asl_str){q->text, q->end}; // a call is the whole value but for blanks after it
    e->u.call.args = args;
    e->u.call.count = count;
    return e;
}

// ---------------------------------------------------------------- whole values

static struct query query_new(struct arena *a, struct diag *d, asl_doc *node, const char *field) {
    struct query q = {.arena = a, .diag = d, .node = node, .field = field, .text = node->text.data, .end = node->text.size};
    while (q.end > 0 && is_blank(q.text[q.end - 1])) q.end--;
    return q;
}

static void wrong_type(struct diag *d, asl_doc *node, enum diag_code code, const char *field, const char *wanted, bool template) {
    static const char *const kinds[] = {"null", "a boolean", "number", "a string", "an array", "an object"};
    if (node->broken && node->kind == ASL_DOC_NULL) return; // could not be read, which has been said
    const char *shown = node->kind == ASL_DOC_NUMBER ? node->text.data : "";
    struct diag_message *m = diag_error(d, code, node, node->span, "\"%s\" must be %s, found %s%s%.40s", field, wanted,
                                        kinds[node->kind], *shown ? " " : "", shown);
    if (template) diag_help(d, m, "drop \".$\" for a literal");
}

struct expr *query_parse(struct arena *a, struct diag *d, asl_doc *node, const char *field) {
    size_t field_size = strlen(field);
    bool template = field_size >= 2 && strcmp(field + field_size - 2, ".$") == 0;
    enum diag_code code = template ? DIAG_BAD_TEMPLATE_VALUE : DIAG_BAD_PATH;
    static const char wanted[] = "a path (\"$…\", \"$$…\") or an intrinsic call (States.…)";
    if (node->kind != ASL_DOC_STRING) {
        wrong_type(d, node, code, field, wanted, template);
        return NULL;
    }
    struct query q = query_new(a, d, node, field);
    if (placeholder_at(&q, 0)) return literal_text(&q, node->text, 0, node->text.size);
    skip_blanks(&q);
    if (peek(&q) == '$') return parse_path(&q, q.at, q.end);

    size_t name = q.at;
    while (name < q.end && is_name(q.text[name])) name++;
    bool call = strncmp(q.text + q.at, "States.", 7) == 0 || (name > q.at && name < q.end && q.text[name] == '(');
    if (!call) {
        struct diag_message *m;
        if (q.end == 0)
            m = wrong(&q, code, 0, 0, "\"%s\" must be %s, found an empty string", field, wanted);
        else
            m = wrong(&q, code, 0, node->text.size, "\"%s\" must be %s, found the string \"%.*s\"", field, wanted,
                      (int)(q.end > 60 ? 60 : q.end), q.text);
        if (q.end - q.at > 1 && memcmp(q.text + q.at, "{%", 2) == 0)
            diag_help(d, m, "for JSONata set \"QueryLanguage\": \"JSONata\" on this state");
        else if (template)
            diag_help(d, m, "drop \".$\" for a literal");
        return NULL;
    }
    if (q.at > 0) { // refused by the service, and by everybody else
        struct diag_message *m = wrong(&q, code, 0, q.at, "blanks before an intrinsic call are not allowed");
        diag_help(d, m, "remove them");
        return NULL;
    }
    struct expr *e = parse_call(&q);
    if (e && q.at < q.end) {
        wrong(&q, DIAG_BAD_INTRINSIC, q.at, q.end, "there is text after the call of %s", functions[e->u.call.function].name);
        return NULL;
    }
    return e;
}

struct expr *query_parse_path(struct arena *a, struct diag *d, asl_doc *node, const char *field, bool reference) {
    if (node->kind != ASL_DOC_STRING) {
        wrong_type(d, node, DIAG_BAD_PATH, field, "a path, a string", false);
        return NULL;
    }
    struct query q = query_new(a, d, node, field);
    if (placeholder_at(&q, 0)) return literal_text(&q, node->text, 0, node->text.size);
    skip_blanks(&q);
    struct expr *e = parse_path(&q, q.at, q.end);
    if (e && reference && !asl_path_reference(e->u.path)) {
        struct diag_message *m = diag_error(d, DIAG_BAD_REFERENCE_PATH, node, e->span, "%s must be a Reference Path: \"%.*s\" %s", field,
                                            (int)(q.end - q.at > 80 ? 80 : q.end - q.at), q.text + q.at,
                                            asl_path_definite(e->u.path) ? "does more than name fields and elements"
                                                                         : "may select more than one value");
        diag_help(d, m, "a Reference Path has only .name, ['name'] and [n]");
        return NULL;
    }
    return e;
}
