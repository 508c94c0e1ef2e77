// Reading JSONPath (jsonpath-and-intrinsics.md 2), sloppy forms that are in use included: `$.[0]`, `[0]name` without the
// dot, strings without quotes in filters, blanks around the path.
//
//     path      := '$' ['$' | variable] segment*
//     segment   := '.' name | '.*' | '..' (name | '*' | bracket) | ['.'] bracket | '.length()'
//     bracket   := '[' (quoted, … | '*' | index, … | [start] ':' [end] | '?(' filter ')' | '(@.length-1)') ']'
//     filter    := and ('||' and)*          and := unary ('&&' unary)*
//     unary     := '!' unary | '(' filter ')' | operand [comparison operand]
//     operand   := '@' segment* | '$' segment* | quoted | number | word | '[' literal, … ']' | /regex/
//
// The first mistake ends the reading; it is reported with its offset in the text.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "path_private.h"

// Filters inside filters and parentheses; everything that recurses over a path recurses no deeper.
enum { MAX_NESTING = 40 };

// ---------------------------------------------------------------- the reader

struct reader {
    const char *start, *p, *end; // the whole text; error offsets count from its start
    asl_path_error *error;
    bool failed;
    unsigned nesting;
    size_t roots; // of the filter being read
};

__attribute__((format(printf, 3, 4))) static void fail(struct reader *r, const char *at, const char *format, ...) {
    if (r->failed) return;
    r->failed = true;
    if (!r->error) return;
    r->error->offset = (size_t)(at - r->start);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->error->message, sizeof r->error->message, format, arguments);
    va_end(arguments);
}

// What stands at p, for messages: "b" in quotes, whole characters of UTF-8.
static const char *found(const struct reader *r, char out[16]) {
    if (r->p == r->end) return "nothing";
    unsigned char c = (unsigned char)*r->p;
    if (c < 0x20 || c == 0x7f) {
        snprintf(out, 16, "character %u", c);
        return out;
    }
    int size = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    if (size > r->end - r->p) size = (int)(r->end - r->p);
    snprintf(out, 16, "\"%.*s\"", size, r->p);
    return out;
}

static void expected(struct reader *r, const char *what) {
    char was[16];
    fail(r, r->p, "expected %s, found %s", what, found(r, was));
}

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
static char peek(const struct reader *r) { return r->p < r->end ? *r->p : 0; }
static char peek_next(const struct reader *r) { return r->end - r->p > 1 ? r->p[1] : 0; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80; }

static void skip_blanks(struct reader *r) {
    while (r->p < r->end && blank(*r->p)) r->p++;
}

static bool take(struct reader *r, char c) {
    if (r->p == r->end || *r->p != c) return false;
    r->p++;
    return true;
}

static struct step *push(asl_path *path, enum step_kind kind) {
    if (path->count == path->capacity) {
        path->capacity = path->capacity ? path->capacity * 2 : 4;
        path->steps = asl_realloc(path->steps, path->capacity * sizeof *path->steps);
    }
    struct step *s = &path->steps[path->count++];
    *s = (struct step){.kind = kind};
    return s;
}

static asl_text *text_of_buffer(asl_buffer *b) {
    asl_text *text = asl_text_new((asl_str){b->size ? b->data : "", b->size});
    asl_buffer_free(b);
    return text;
}

// "${Name}" that nobody has filled in is one piece of a name, dots included.
static size_t placeholder_size(const struct reader *r) {
    if (peek(r) != '$' || peek_next(r) != '{') return 0;
    const char *close = memchr(r->p, '}', (size_t)(r->end - r->p));
    return close ? (size_t)(close + 1 - r->p) : 0;
}

// A name after a dot: up to the next ".", "[", "(" or blank. In a filter it also ends at the filter's own punctuation; in a
// plain path that punctuation is refused, so that a slip is found when the definition is checked.
static void read_name(struct reader *r, asl_buffer *name, bool in_filter) {
    while (r->p < r->end && !blank(*r->p) && !strchr(".[(", *r->p)) {
        size_t placeholder = placeholder_size(r);
        if (placeholder > 0) {
            asl_buffer_add(name, r->p, placeholder);
            r->p += placeholder;
            continue;
        }
        if (*r->p == '\\' && r->end - r->p > 1) { // $.store\.book
            asl_buffer_byte(name, r->p[1]);
            r->p += 2;
            continue;
        }
        if (*r->p == 0 || strchr(in_filter ? ")]=!<>&|,~'\"" : ")],'\"*?=!<>&|", *r->p)) break;
        asl_buffer_byte(name, *r->p++);
    }
}

static void read_function(struct reader *r, asl_path *path, const char *at, const asl_buffer *name) {
    r->p++;
    skip_blanks(r);
    if (name->size != 6 || memcmp(name->data, "length", 6) != 0)
        fail(r, at, "function \"%.*s\" is not supported in paths, only length()", (int)(name->size > 40 ? 40 : name->size),
             name->data);
    else if (!take(r, ')')) expected(r, "\")\": length takes no arguments");
    else push(path, STEP_LENGTH);
}

static void read_dotted(struct reader *r, asl_path *path, bool in_filter, const char *after) {
    if (take(r, '*')) {
        push(path, STEP_ALL);
        return;
    }
    asl_buffer name = {0};
    const char *at = r->p;
    read_name(r, &name, in_filter);
    if (r->p == at) {
        char was[16];
        fail(r, at, "expected a name%s, found %s", after, found(r, was));
    } else if (peek(r) == '(') {
        read_function(r, path, at, &name);
    } else {
        push(path, STEP_NAME)->u.name = text_of_buffer(&name);
        return;
    }
    asl_buffer_free(&name);
}

// 'a' or "a". Inside, the quote and the backslash can be escaped; a backslash before anything else stands for itself
// (recorded: $['Test\""Name"'] names Test\""Name").
static bool read_quoted(struct reader *r, asl_buffer *out) {
    const char *open = r->p;
    char quote = *r->p++;
    for (; r->p < r->end; r->p++) {
        if (*r->p == quote) {
            r->p++;
            return true;
        }
        if (*r->p == '\\' && (peek_next(r) == quote || peek_next(r) == '\\')) r->p++;
        asl_buffer_byte(out, *r->p);
    }
    fail(r, open, "this quote is never closed");
    return false;
}

static void close_bracket(struct reader *r) {
    skip_blanks(r);
    if (!take(r, ']')) expected(r, "\"]\"");
}

static void read_names(struct reader *r, asl_path *path) {
    asl_text **names = NULL;
    size_t count = 0;
    do {
        skip_blanks(r);
        if (peek(r) != '\'' && peek(r) != '"') {
            expected(r, "a quoted name after the comma");
            break;
        }
        asl_buffer name = {0};
        if (!read_quoted(r, &name)) {
            asl_buffer_free(&name);
            break;
        }
        names = asl_realloc(names, (count + 1) * sizeof *names);
        names[count++] = text_of_buffer(&name);
        skip_blanks(r);
    } while (take(r, ','));
    if (count == 1) {
        push(path, STEP_NAME)->u.name = names[0];
        asl_free(names);
    } else {
        struct step *s = push(path, STEP_NAMES);
        s->u.names.items = names;
        s->u.names.count = count;
    }
    close_bracket(r);
}

static int64_t read_integer(struct reader *r) {
    const char *at = r->p;
    bool negative = take(r, '-');
    if (!is_digit(peek(r))) {
        expected(r, "digits");
        return 0;
    }
    int64_t n = 0;
    for (; is_digit(peek(r)); r->p++) {
        n = n * 10 + (*r->p - '0');
        if (n > INT32_MAX) {
            fail(r, at, "the index is too large");
            return 0;
        }
    }
    return negative ? -n : n;
}

static void read_slice(struct reader *r, asl_path *path, bool has_from, int64_t from) { // ":" has been read
    struct step *s = push(path, STEP_SLICE);
    s->u.slice.has_from = has_from;
    s->u.slice.from = from;
    skip_blanks(r);
    if (is_digit(peek(r)) || peek(r) == '-') {
        s->u.slice.has_to = true;
        s->u.slice.to = read_integer(r);
    }
    skip_blanks(r);
    if (peek(r) == ':') fail(r, r->p, "a slice has no step: write [start:end]");
    close_bracket(r);
}

static void read_indexes(struct reader *r, asl_path *path) {
    if (take(r, ':')) {
        read_slice(r, path, false, 0);
        return;
    }
    int64_t *indexes = NULL;
    size_t count = 0;
    do {
        skip_blanks(r);
        int64_t index = read_integer(r);
        if (r->failed) break;
        skip_blanks(r);
        if (count == 0 && take(r, ':')) {
            read_slice(r, path, true, index);
            return;
        }
        indexes = asl_realloc(indexes, (count + 1) * sizeof *indexes);
        indexes[count++] = index;
    } while (take(r, ','));
    if (count == 1) {
        push(path, STEP_INDEX)->u.index = indexes[0];
        asl_free(indexes);
    } else {
        struct step *s = push(path, STEP_INDEXES);
        s->u.indexes.items = indexes;
        s->u.indexes.count = count;
    }
    close_bracket(r);
}

// [(@.length-1)]: the only script there is in the wild; it counts from the end.
static void read_script(struct reader *r, asl_path *path) {
    const char *open = r->p++;
    static const char length[] = "@.length";
    skip_blanks(r);
    bool good = (size_t)(r->end - r->p) > sizeof length && memcmp(r->p, length, sizeof length - 1) == 0;
    if (good) {
        r->p += sizeof length - 1;
        skip_blanks(r);
        good = take(r, '-');
        skip_blanks(r);
        good = good && is_digit(peek(r));
    }
    int64_t n = good ? read_integer(r) : 0;
    skip_blanks(r);
    if (!good || n == 0 || !take(r, ')')) {
        fail(r, open, "expressions in brackets are not supported, except (@.length-1) and filters ?(…)");
        return;
    }
    push(path, STEP_INDEX)->u.index = -n;
    close_bracket(r);
}

static struct filter *read_or(struct reader *r);

static void read_filter(struct reader *r, asl_path *path) { // "?" has been read
    size_t outer_roots = r->roots;
    r->roots = 0;
    skip_blanks(r);
    if (!take(r, '(')) {
        expected(r, "\"(\" after \"?\"");
        return;
    }
    struct filter *test = read_or(r);
    struct step *s = push(path, STEP_FILTER);
    s->u.filter.test = test;
    s->u.filter.roots = r->roots;
    r->roots = outer_roots;
    skip_blanks(r);
    if (!take(r, ')')) expected(r, "\")\" or an operator in the filter");
    else close_bracket(r);
}

static void read_bracket(struct reader *r, asl_path *path) {
    r->p++;
    skip_blanks(r);
    char c = peek(r);
    if (c == '\'' || c == '"') {
        read_names(r, path);
    } else if (is_digit(c) || c == '-' || c == ':') {
        read_indexes(r, path);
    } else if (c == '*') {
        r->p++;
        push(path, STEP_ALL);
        close_bracket(r);
    } else if (c == '?') {
        r->p++;
        read_filter(r, path);
    } else if (c == '(') {
        read_script(r, path);
    } else if (placeholder_size(r) > 0) { // [${Index}]: a name until it is filled in
        size_t size = placeholder_size(r);
        push(path, STEP_NAME)->u.name = asl_text_new((asl_str){r->p, size});
        r->p += size;
        close_bracket(r);
    } else if (is_letter(c) || c == '_') {
        fail(r, r->p, "a name in brackets must be quoted: ['…']");
    } else {
        expected(r, "a quoted name, an index, \"*\" or \"?(\" after \"[\"");
    }
}

static bool ends_path_in_filter(char c) { return blank(c) || strchr(")]=!<>&|,~", c); }

// The steps after the root. At the end the path's properties are known.
static void read_steps(struct reader *r, asl_path *path, bool in_filter) {
    while (r->p < r->end && !r->failed) {
        char c = *r->p;
        if (in_filter && c != 0 && ends_path_in_filter(c)) break;
        if (path->count > 0 && path->steps[path->count - 1].kind == STEP_LENGTH) {
            fail(r, r->p, "nothing can follow length()");
        } else if (c == '[') {
            read_bracket(r, path);
        } else if (c == '.' && peek_next(r) == '.') {
            r->p += 2;
            push(path, STEP_SCAN);
            if (peek(r) == '[') read_bracket(r, path);
            else read_dotted(r, path, in_filter, ", \"*\" or \"[\" after \"..\"");
        } else if (c == '.') {
            r->p++;
            if (peek(r) == '[') read_bracket(r, path);
            else read_dotted(r, path, in_filter, " after \".\"");
        } else if (path->count > 0 && r->p[-1] == ']' && (is_letter(c) || c == '_')) {
            read_dotted(r, path, in_filter, ""); // $.Instances[0]InstanceId
        } else if (blank(c)) {
            fail(r, r->p, "a name with blanks must be written in brackets: ['…']");
        } else {
            expected(r, "\".\" or \"[\"");
        }
    }
    path->definite = path->direct = path->reference = true;
    for (size_t i = 0; i < path->count; i++) {
        const struct step *s = &path->steps[i];
        bool last = i + 1 == path->count;
        if (s->kind != STEP_NAME && s->kind != STEP_INDEX) path->direct = path->reference = false;
        if (s->kind == STEP_INDEX && s->u.index < 0) path->reference = false;
        if (s->kind == STEP_LENGTH) path->definite = true; // of several nodes it is their number
        else if (!(s->kind == STEP_NAMES && last) && s->kind != STEP_NAME && s->kind != STEP_INDEX) path->definite = false;
    }
}

// ---------------------------------------------------------------- reading filters

static asl_path *read_filter_path(struct reader *r) { // at "@" or "$"
    asl_path *path = asl_calloc(1, sizeof *path);
    r->p++;
    read_steps(r, path, true);
    return path;
}

static void read_regex(struct reader *r, struct operand *out) {
    const char *open = r->p++, *start = r->p;
    bool in_class = false;
    for (;; r->p++) {
        if (r->p == r->end) {
            fail(r, open, "this regular expression is never closed: expected \"/\"");
            return;
        }
        if (*r->p == '\\' && r->end - r->p > 1) r->p++;
        else if (*r->p == '[') in_class = true;
        else if (*r->p == ']') in_class = false;
        else if (*r->p == '/' && !in_class) break;
    }
    asl_str pattern = {start, (size_t)(r->p - start)};
    unsigned flags = 0;
    for (r->p++; is_letter(peek(r)); r->p++) {
        if (*r->p == 'i') flags |= ASL__REGEX_IGNORE_CASE;
        else if (*r->p == 'm') flags |= ASL__REGEX_MULTILINE;
        else if (*r->p == 's') flags |= ASL__REGEX_DOT_ALL;
        else {
            char was[16];
            fail(r, r->p, "regular expressions take the flags i, m and s, found %s", found(r, was));
            return;
        }
    }
    size_t offset;
    char message[120];
    out->kind = OPERAND_REGEX;
    out->regex = asl__regex_new(pattern, flags, &offset, message, sizeof message);
    if (!out->regex) fail(r, start + offset, "%s", message);
}

// A word without quotes: a number, true, false, null, or, as many definitions have it, a string (==Failure).
static asl_value read_word(struct reader *r) {
    const char *start = r->p;
    for (size_t size; r->p < r->end && *r->p != 0 && !ends_path_in_filter(*r->p) && !strchr("([{'\"", *r->p);)
        r->p += (size = placeholder_size(r)) > 0 ? size : 1;
    asl_str word = {start, (size_t)(r->p - start)};
    if (word.size == 0) {
        expected(r, "a value");
        return asl_none();
    }
    if (asl_str_equal(word, ASL_STR("true"))) return asl_bool(true);
    if (asl_str_equal(word, ASL_STR("false"))) return asl_bool(false);
    if (asl_str_equal(word, ASL_STR("null"))) return asl_null();
    asl_value number;
    if ((is_digit(*start) || *start == '-') && asl_json_parse(word, NULL, &number, NULL) == 0) return number;
    return asl_string(word);
}

static asl_value read_literal(struct reader *r) {
    if (peek(r) != '\'' && peek(r) != '"') return read_word(r);
    asl_buffer text = {0};
    asl_value v = asl_none();
    if (read_quoted(r, &text)) v = asl_string((asl_str){text.size ? text.data : "", text.size});
    asl_buffer_free(&text);
    return v;
}

static asl_value read_list(struct reader *r) { // "[" has been read
    asl_value list = asl_array_new(4);
    skip_blanks(r);
    if (take(r, ']')) return list;
    do {
        skip_blanks(r);
        if (peek(r) == '[') fail(r, r->p, "a list inside a list is not supported in filters");
        asl_value item = r->failed ? asl_none() : read_literal(r);
        if (r->failed) {
            asl_release(item);
            return list;
        }
        list = asl_array_push(list, item);
        skip_blanks(r);
    } while (take(r, ','));
    if (!take(r, ']')) expected(r, "\",\" or \"]\" in the list");
    return list;
}

static void read_operand(struct reader *r, struct operand *out) {
    skip_blanks(r);
    char c = peek(r);
    if (c == '@' || (c == '$' && placeholder_size(r) == 0)) {
        out->kind = c == '@' ? OPERAND_ITEM : OPERAND_ROOT;
        if (c == '$') out->root_number = r->roots++;
        out->path = read_filter_path(r);
    } else if (c == '/') {
        read_regex(r, out);
    } else if (c == '{') {
        fail(r, r->p, "an object cannot be written in a filter");
    } else {
        out->kind = OPERAND_VALUE;
        if (c == '[') r->p++;
        out->value = c == '[' ? read_list(r) : read_literal(r);
    }
}

static bool take_comparison(struct reader *r, enum comparison *out) {
    static const struct {
        const char *text;
        enum comparison comparison;
    } table[] = {
        {"===", EQUAL}, {"==", EQUAL}, {"!==", NOT_EQUAL}, {"!=", NOT_EQUAL}, {"<=", LESS_EQUAL}, {">=", GREATER_EQUAL},
        {"=~", MATCHES}, {"<", LESS}, {">", GREATER}, {"in", IN}, {"nin", NOT_IN}, {"contains", CONTAINS},
        {"subsetof", SUBSET_OF}, {"anyof", ANY_OF}, {"noneof", NONE_OF}, {"size", SIZE}, {"empty", EMPTY},
    };
    size_t left = (size_t)(r->end - r->p);
    if (is_letter(peek(r))) {
        size_t size = 0;
        while (size < left && is_letter(r->p[size])) size++;
        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
            if (strlen(table[i].text) == size && strncasecmp(table[i].text, r->p, size) == 0) {
                r->p += size;
                *out = table[i].comparison;
                return true;
            }
        fail(r, r->p, "unknown operator \"%.*s\" in the filter", (int)(size > 40 ? 40 : size), r->p);
        return false;
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t size = strlen(table[i].text);
        if (size <= left && memcmp(table[i].text, r->p, size) == 0) {
            r->p += size;
            *out = table[i].comparison;
            return true;
        }
    }
    return false;
}

static struct filter *filter_new(enum filter_kind kind) {
    struct filter *f = asl_calloc(1, sizeof *f);
    f->kind = kind;
    return f;
}

static struct filter *read_test(struct reader *r) {
    struct filter *f = filter_new(FILTER_COMPARE);
    skip_blanks(r);
    const char *at = r->p;
    read_operand(r, &f->left);
    if (f->left.kind == OPERAND_REGEX) fail(r, at, "a regular expression stands right of \"=~\"");
    if (r->failed) return f;
    skip_blanks(r);
    const char *operator_at = r->p;
    if (!take_comparison(r, &f->comparison)) {
        f->kind = FILTER_EXISTS;
        if (f->left.kind == OPERAND_VALUE) {
            if (peek(r) == ')' || r->p == r->end) fail(r, at, "a test needs a path such as @.a or a comparison");
            else if (peek(r) == '=') fail(r, r->p, "compare with \"==\", not \"=\"");
            else expected(r, "a comparison such as \"==\"");
        } else if (peek(r) == '=') {
            fail(r, r->p, "compare with \"==\", not \"=\"");
        }
        return f;
    }
    skip_blanks(r);
    at = r->p;
    read_operand(r, &f->right);
    if (r->failed) return f;
    if (f->comparison == MATCHES && f->right.kind != OPERAND_REGEX)
        fail(r, at, "expected a regular expression such as /a.*/i after \"=~\"");
    if (f->comparison != MATCHES && f->right.kind == OPERAND_REGEX)
        fail(r, operator_at, "a regular expression is matched with \"=~\"");
    return f;
}

static struct filter *read_unary(struct reader *r) {
    skip_blanks(r);
    if (r->nesting == MAX_NESTING) {
        fail(r, r->p, "the filter is nested too deeply");
        return NULL;
    }
    r->nesting++;
    struct filter *f;
    if (peek(r) == '!' && peek_next(r) != '=') {
        r->p++;
        skip_blanks(r);
        bool bare = peek(r) == '@' || peek(r) == '$';
        f = read_unary(r);
        if (f && bare && f->kind == FILTER_EXISTS) {
            f->kind = FILTER_ABSENT;
        } else {
            struct filter *not = filter_new(FILTER_NOT);
            not->first = f;
            f = not;
        }
    } else if (take(r, '(')) {
        f = read_or(r);
        skip_blanks(r);
        if (!take(r, ')')) expected(r, "\")\" or an operator in the filter");
    } else {
        f = read_test(r);
    }
    r->nesting--;
    return f;
}

// a && b && c, or the same with ||: one node with a row of children, however long.
static struct filter *read_row(struct reader *r, enum filter_kind kind, char mark, struct filter *(*read)(struct reader *)) {
    struct filter *first = read(r), *last = first;
    if (!first) return NULL;
    for (;;) {
        skip_blanks(r);
        if (r->failed || peek(r) != mark) break;
        r->p++;
        if (!take(r, mark)) {
            fail(r, r->p - 1, "write \"%c%c\"", mark, mark);
            break;
        }
        struct filter *next = read(r);
        if (!next) break;
        last->next = next;
        last = next;
    }
    if (!first->next) return first;
    struct filter *row = filter_new(kind);
    row->first = first;
    return row;
}

static struct filter *read_and(struct reader *r) { return read_row(r, FILTER_AND, '&', read_unary); }
static struct filter *read_or(struct reader *r) { return read_row(r, FILTER_OR, '|', read_and); }

// ---------------------------------------------------------------- the whole path

static void read_root(struct reader *r, asl_path *path) {
    if (!take(r, '$')) {
        expected(r, "\"$\" at the start of a path");
        return;
    }
    char c = peek(r);
    if (r->p == r->end || c == '.' || c == '[') return;
    if (c == '$') {
        r->p++;
        path->root = ASL_ROOT_CONTEXT;
        if (r->p < r->end && *r->p != '.' && *r->p != '[') expected(r, "\".\" or \"[\" after \"$$\"");
        return;
    }
    path->root = ASL_ROOT_VARIABLE;
    const char *name = r->p;
    if (!is_letter(c)) {
        expected(r, "\".\", \"[\", \"$\" or a variable's name after \"$\"");
        return;
    }
    while (is_letter(peek(r)) || is_digit(peek(r)) || peek(r) == '_') r->p++;
    path->variable_size = (size_t)(r->p - name);
    if (r->p < r->end && *r->p != '.' && *r->p != '[') expected(r, "\".\" or \"[\" after the variable's name");
}

asl_path *asl_path_parse(asl_str text, asl_path_error *error) {
    const char *start = text.size ? text.data : "", *end = start + text.size;
    struct reader r = {.start = start, .p = start, .end = end, .error = error};
    skip_blanks(&r);
    while (r.end > r.p && blank(r.end[-1])) r.end--;
    asl_path *path = asl_calloc(1, sizeof *path);
    path->text = asl_text_new((asl_str){r.p, (size_t)(r.end - r.p)});
    read_root(&r, path);
    read_steps(&r, path, false);
    if (!r.failed) return path;
    asl_path_free(path);
    return NULL;
}
