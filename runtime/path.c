// JSONPath as Jayway's library reads it, which is what the service's definitions are written for, with the variations
// that were recorded (jsonpath-and-intrinsics.md 2 to 5).
//
// A path is a row of steps. Evaluation keeps a list of nodes and takes it through one step after the other, so that
// nothing here recurses over a document:
//
//     $.a[*].b        [root] ─ name a ─► [a] ─ all ─► [a0, a1, a2] ─ name b ─► [a0.b, a2.b]
//     $..[?(@.x>1)]   [root] ─ scan ─► [every object and array, parents first] ─ filter ─► […]
//
// Paths that are only names and indexes, nearly all there are, walk down directly.
//
// Where a node has not what a step asks for, it just leaves the list: only definite paths can miss. Like Jayway, and
// unlike what the grammar suggests, several names at the end of a path make one object of them
// (`$.[*].['bucket', 'key']`); in the middle of a path they are alternatives.
#include "aslc/path.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "regex.h"

// Filters inside filters and parentheses; everything that recurses over a path recurses no deeper.
enum { MAX_NESTING = 40 };
// Steps such as `..` on `..` list a node once for every way that leads to it. Lists longer than this, and evaluations
// that look at more nodes, find nothing: asl_path_missing says why.
enum { MAX_NODES = 1 << 24, MAX_WORK = 1 << 26 };

enum step_kind {
    STEP_NAME,    // .a          ['a']
    STEP_NAMES,   // ['a', 'b']
    STEP_INDEX,   // [0]         [-1]
    STEP_INDEXES, // [0, 1]
    STEP_SLICE,   // [1:]        [:2]    [1:2]
    STEP_ALL,     // .*          [*]
    STEP_SCAN,    // ..          the step that follows applies to every container below
    STEP_FILTER,  // [?(…)]
    STEP_LENGTH,  // .length()   the last step of a path
};

struct step {
    enum step_kind kind;
    union {
        asl_text *name;
        int64_t index;
        struct {
            asl_text **items;
            size_t count;
        } names;
        struct {
            int64_t *items;
            size_t count;
        } indexes;
        struct {
            int64_t from, to;
            bool has_from, has_to;
        } slice;
        struct {
            struct filter *test;
            size_t roots; // operands in it that start at the root
        } filter;
    } u;
};

struct asl_path {
    asl_text *text; // NULL for the paths inside filters
    asl_path_root root;
    size_t variable_size; // its name stands at text->bytes + 1
    struct step *steps;
    size_t count, capacity;
    bool definite;
    bool direct;    // names and indexes only
    bool reference; // direct, without negative indexes
};

enum filter_kind {
    FILTER_OR,
    FILTER_AND,
    FILTER_NOT,
    FILTER_EXISTS, // @.a
    FILTER_ABSENT, // !@.a: absent or null (reported; plain Jayway only looks for absence)
    FILTER_COMPARE,
};

enum comparison { EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, MATCHES, IN, NOT_IN, CONTAINS, SUBSET_OF,
                  ANY_OF, NONE_OF, SIZE, EMPTY };

enum operand_kind { OPERAND_NONE, OPERAND_ITEM, OPERAND_ROOT, OPERAND_VALUE, OPERAND_REGEX };

struct operand {
    enum operand_kind kind;
    asl_path *path;     // ITEM: from @; ROOT: from $
    size_t root_number; // ROOT: its place among the roots of the filter, which are evaluated once
    asl_value value;
    struct asl__regex *regex;
};

struct filter {
    enum filter_kind kind;
    struct filter *first, *next; // the children of OR, AND, NOT, and the sibling
    enum comparison comparison;
    struct operand left, right; // EXISTS, ABSENT: left
};

// ---------------------------------------------------------------- memory

static void filter_free(struct filter *filter);

static void operand_free(struct operand *o) {
    asl_path_free(o->path);
    asl_release(o->value);
    asl__regex_free(o->regex);
}

static void filter_free(struct filter *filter) {
    while (filter) {
        struct filter *next = filter->next;
        filter_free(filter->first);
        operand_free(&filter->left);
        operand_free(&filter->right);
        asl_free(filter);
        filter = next;
    }
}

static void step_free(struct step *s) {
    switch (s->kind) {
    case STEP_NAME: asl_text_release(s->u.name); break;
    case STEP_NAMES:
        for (size_t i = 0; i < s->u.names.count; i++) asl_text_release(s->u.names.items[i]);
        asl_free(s->u.names.items);
        break;
    case STEP_INDEXES: asl_free(s->u.indexes.items); break;
    case STEP_FILTER: filter_free(s->u.filter.test); break;
    case STEP_INDEX: case STEP_SLICE: case STEP_ALL: case STEP_SCAN: case STEP_LENGTH: break;
    }
}

void asl_path_free(asl_path *path) {
    if (!path) return;
    for (size_t i = 0; i < path->count; i++) step_free(&path->steps[i]);
    asl_free(path->steps);
    if (path->text) asl_text_release(path->text);
    asl_free(path);
}

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

asl_str asl_path_text(const asl_path *path) { return (asl_str){path->text->bytes, path->text->size}; }
asl_path_root asl_path_root_of(const asl_path *path) { return path->root; }
asl_str asl_path_variable(const asl_path *path) { return (asl_str){path->text->bytes + 1, path->variable_size}; }
size_t asl_path_steps(const asl_path *path) { return path->count; }
bool asl_path_definite(const asl_path *path) { return path->definite; }
bool asl_path_reference(const asl_path *path) { return path->reference; }

// ---------------------------------------------------------------- evaluation

struct eval {
    const asl_value *root;
    asl_value *roots; // of the filter being applied: ASL_NONE not evaluated or missing
    bool *roots_known;
    size_t work;
    bool exceeded;
};

struct nodes {
    const asl_value **items;
    size_t count, capacity;
};

static void nodes_add(struct eval *e, struct nodes *n, const asl_value *v) {
    if (++e->work > MAX_WORK || n->count == MAX_NODES) {
        e->exceeded = true;
        return;
    }
    if (n->count == n->capacity) {
        n->capacity = n->capacity ? n->capacity * 2 : 16;
        n->items = asl_realloc(n->items, n->capacity * sizeof *n->items);
    }
    n->items[n->count++] = v;
}

static const asl_value *member(const asl_value *v, const asl_text *name) {
    return v->tag == ASL_OBJECT ? asl_object_get_key(v, name) : NULL;
}

static const asl_value *element(const asl_value *v, int64_t index) {
    if (v->tag != ASL_ARRAY) return NULL;
    int64_t count = (int64_t)asl_array_count(v);
    if (index < 0) index += count;
    return index >= 0 && index < count ? asl_array_at(v, (size_t)index) : NULL;
}

// Follows the names and indexes at the head of a path. Stops before the first step that is something else, or that finds
// nothing (then the result is NULL); *at is its number.
static const asl_value *walk(const asl_path *path, const asl_value *from, size_t *at) {
    const asl_value *v = from;
    size_t i = 0;
    for (; i < path->count; i++) {
        const struct step *s = &path->steps[i];
        if (s->kind != STEP_NAME && s->kind != STEP_INDEX) break;
        const asl_value *next = s->kind == STEP_NAME ? member(v, s->u.name) : element(v, s->u.index);
        *at = i;
        if (!next) return NULL;
        v = next;
    }
    *at = i;
    return v;
}

static void all_children(struct eval *e, const asl_value *v, struct nodes *out) {
    size_t count = v->tag == ASL_ARRAY ? asl_array_count(v) : v->tag == ASL_OBJECT ? asl_object_count(v) : 0;
    for (size_t i = 0; i < count && !e->exceeded; i++)
        nodes_add(e, out, v->tag == ASL_ARRAY ? asl_array_at(v, i) : asl_object_at(v, i));
}

static void slice(struct eval *e, const struct step *s, const asl_value *v, struct nodes *out) {
    if (v->tag != ASL_ARRAY) return;
    int64_t count = (int64_t)asl_array_count(v);
    int64_t from = s->u.slice.has_from ? s->u.slice.from : 0, to = s->u.slice.has_to ? s->u.slice.to : count;
    if (from < 0) from = from + count < 0 ? 0 : from + count;
    if (to < 0) to += count;
    if (to > count) to = count;
    for (int64_t i = from; i < to && !e->exceeded; i++) nodes_add(e, out, asl_array_at(v, (size_t)i));
}

static bool is_container(const asl_value *v) { return v->tag == ASL_ARRAY || v->tag == ASL_OBJECT; }

// v and every object and array below it, each before what it holds. The stack is our own: documents may be deep.
static void scan(struct eval *e, const asl_value *v, struct nodes *out) {
    struct frame {
        const asl_value *v;
        size_t next;
    } *stack = NULL;
    size_t depth = 0, capacity = 0;
    while (v && !e->exceeded) {
        const asl_value *below = NULL;
        if (is_container(v)) {
            nodes_add(e, out, v);
            if (depth == capacity) {
                capacity = capacity ? capacity * 2 : 32;
                stack = asl_realloc(stack, capacity * sizeof *stack);
            }
            stack[depth++] = (struct frame){v, 0};
        }
        while (depth > 0 && !below) { // the next container in document order
            struct frame *f = &stack[depth - 1];
            size_t count = f->v->tag == ASL_ARRAY ? asl_array_count(f->v) : asl_object_count(f->v);
            if (f->next == count) {
                depth--;
                continue;
            }
            const asl_value *child = f->v->tag == ASL_ARRAY ? asl_array_at(f->v, f->next) : asl_object_at(f->v, f->next);
            f->next++;
            if (is_container(child)) below = child;
        }
        v = below;
    }
    asl_free(stack);
}

static bool passes(struct eval *e, const struct filter *f, const asl_value *item);

// A filter tests the elements of an array; an object is tested itself (as Jayway does). After a scan, every container
// comes by on its own, so only itself is tested, or elements would be listed twice.
static void apply_filter(struct eval *e, const struct step *s, const struct nodes *in, bool scanned, struct nodes *out) {
    asl_value *outer_roots = e->roots;
    bool *outer_known = e->roots_known;
    size_t roots = s->u.filter.roots;
    e->roots = roots ? asl_calloc(roots, sizeof *e->roots) : NULL;
    e->roots_known = roots ? asl_calloc(roots, sizeof *e->roots_known) : NULL;
    for (size_t n = 0; n < in->count && !e->exceeded; n++) {
        const asl_value *v = in->items[n];
        if (v->tag == ASL_OBJECT || scanned) {
            if (passes(e, s->u.filter.test, v)) nodes_add(e, out, v);
            continue;
        }
        size_t count = v->tag == ASL_ARRAY ? asl_array_count(v) : 0;
        for (size_t i = 0; i < count && !e->exceeded; i++)
            if (passes(e, s->u.filter.test, asl_array_at(v, i))) nodes_add(e, out, asl_array_at(v, i));
    }
    for (size_t i = 0; i < roots; i++) asl_release(e->roots[i]);
    asl_free(e->roots);
    asl_free(e->roots_known);
    e->roots = outer_roots;
    e->roots_known = outer_known;
}

static void apply(struct eval *e, const struct step *s, const struct nodes *in, bool scanned, struct nodes *out) {
    if (s->kind == STEP_FILTER) {
        apply_filter(e, s, in, scanned, out);
        return;
    }
    for (size_t n = 0; n < in->count && !e->exceeded; n++) {
        const asl_value *v = in->items[n], *hit;
        switch (s->kind) {
        case STEP_NAME:
            if ((hit = member(v, s->u.name))) nodes_add(e, out, hit);
            break;
        case STEP_NAMES:
            for (size_t i = 0; i < s->u.names.count; i++)
                if ((hit = member(v, s->u.names.items[i]))) nodes_add(e, out, hit);
            break;
        case STEP_INDEX:
            if ((hit = element(v, s->u.index))) nodes_add(e, out, hit);
            break;
        case STEP_INDEXES:
            for (size_t i = 0; i < s->u.indexes.count; i++)
                if ((hit = element(v, s->u.indexes.items[i]))) nodes_add(e, out, hit);
            break;
        case STEP_SLICE: slice(e, s, v, out); break;
        case STEP_ALL: all_children(e, v, out); break;
        case STEP_SCAN: scan(e, v, out); break;
        case STEP_FILTER: case STEP_LENGTH: break;
        }
        if (++e->work > MAX_WORK) e->exceeded = true;
    }
}

// Several names at the end of a path: one object with those of them that v has. After a scan, v must have them all.
static asl_value pick(const struct step *s, const asl_value *v, bool scanned) {
    if (v->tag != ASL_OBJECT) return asl_none();
    asl_value picked = asl_object_new(s->u.names.count);
    for (size_t i = 0; i < s->u.names.count; i++) {
        const asl_value *hit = member(v, s->u.names.items[i]);
        if (hit) picked = asl_object_set(picked, s->u.names.items[i], asl_retain(*hit));
        else if (scanned) {
            asl_release(picked);
            return asl_none();
        }
    }
    return picked;
}

static asl_value length_of(const asl_value *v) {
    if (v->tag == ASL_ARRAY) return asl_int((int64_t)asl_array_count(v));
    if (v->tag == ASL_OBJECT) return asl_int((int64_t)asl_object_count(v));
    return asl_none();
}

// The steps from `first` on, beginning at one node.
static asl_value collect(struct eval *e, const asl_path *path, size_t first, const asl_value *from) {
    struct nodes now = {0}, next = {0};
    nodes_add(e, &now, from);
    bool scanned = false, several = false;
    asl_value result = asl_none();
    for (size_t i = first; i < path->count && !e->exceeded; i++) {
        const struct step *s = &path->steps[i];
        bool last = i + 1 == path->count;
        if (s->kind == STEP_LENGTH) {
            result = several ? asl_int((int64_t)now.count) : now.count > 0 ? length_of(now.items[0]) : asl_none();
            goto out;
        }
        if (s->kind == STEP_NAMES && last) {
            result = path->definite ? asl_none() : asl_array_new(now.count);
            for (size_t n = 0; n < now.count; n++) {
                asl_value picked = pick(s, now.items[n], scanned);
                if (path->definite) result = picked;
                else if (picked.tag != ASL_NONE) result = asl_array_push(result, picked);
            }
            goto out;
        }
        next.count = 0;
        apply(e, s, &now, scanned, &next);
        struct nodes swap = now;
        now = next, next = swap;
        scanned = s->kind == STEP_SCAN;
        several = several || (s->kind != STEP_NAME && s->kind != STEP_INDEX);
    }
    if (e->exceeded) goto out;
    result = asl_array_new(now.count);
    for (size_t n = 0; n < now.count; n++) result = asl_array_push(result, asl_retain(*now.items[n]));
out:
    asl_free(now.items);
    asl_free(next.items);
    if (!e->exceeded) return result;
    asl_release(result);
    return asl_none();
}

static asl_value evaluate(struct eval *e, const asl_path *path, const asl_value *from) {
    size_t at = 0;
    const asl_value *v = walk(path, from, &at);
    if (path->direct) return v ? asl_retain(*v) : asl_none();
    if (!v) return path->definite ? asl_none() : asl_array_new(0);
    return collect(e, path, at, v);
}

asl_value asl_path_get(const asl_path *path, const asl_value *root) {
    struct eval e = {.root = root};
    return evaluate(&e, path, root);
}

// ---------------------------------------------------------------- evaluating filters

// The operand's value, or NULL when its path finds nothing. What had to be made is in *made, to be released.
static const asl_value *operand_value(struct eval *e, const struct operand *o, const asl_value *item, asl_value *made) {
    *made = asl_none();
    if (++e->work > MAX_WORK) e->exceeded = true;
    if (o->kind == OPERAND_VALUE) return &o->value;
    if (o->kind == OPERAND_ITEM && o->path->direct) {
        size_t at;
        return walk(o->path, item, &at);
    }
    if (o->kind == OPERAND_ITEM) {
        *made = evaluate(e, o->path, item);
        return made->tag == ASL_NONE ? NULL : made;
    }
    if (o->kind != OPERAND_ROOT) return NULL;
    if (!e->roots_known[o->root_number]) {
        asl_value v = evaluate(e, o->path, e->root);
        e->roots[o->root_number] = v;
        e->roots_known[o->root_number] = true;
    }
    const asl_value *v = &e->roots[o->root_number];
    return v->tag == ASL_NONE ? NULL : v;
}

static asl_str as_text(const asl_value *v, asl_buffer *b) { // of a string, number or boolean
    if (v->tag == ASL_STRING) return asl_text_of(v);
    asl_json_print(v, b);
    return (asl_str){b->size ? b->data : "", b->size};
}

// As Jayway compares: a number with a string by the left one's kind, everything else by value.
static bool loosely_equal(const asl_value *a, const asl_value *b) {
    if (asl_is_number(a) && b->tag == ASL_STRING) {
        asl_value number;
        if (asl_json_parse(asl_text_of(b), NULL, &number, NULL) != 0) return false;
        bool equal = asl_is_number(&number) && asl_number_compare(a, &number) == 0;
        asl_release(number);
        return equal;
    }
    if (a->tag == ASL_STRING && asl_is_number(b)) {
        asl_buffer text = {0};
        bool equal = asl_str_equal(asl_text_of(a), as_text(b, &text));
        asl_buffer_free(&text);
        return equal;
    }
    return asl_equal(a, b);
}

static bool has(const asl_value *list, const asl_value *v) {
    for (size_t i = 0; i < asl_array_count(list); i++)
        if (loosely_equal(v, asl_array_at(list, i))) return true;
    return false;
}

static size_t count_in(const asl_value *list, const asl_value *wanted) {
    size_t n = 0;
    for (size_t i = 0; i < asl_array_count(wanted); i++) n += has(list, asl_array_at(wanted, i));
    return n;
}

static bool ordered(enum comparison comparison, const asl_value *a, const asl_value *b) {
    int order;
    if (asl_is_number(a) && asl_is_number(b)) order = asl_number_compare(a, b);
    else if (a->tag == ASL_STRING && b->tag == ASL_STRING) order = asl_string_compare(asl_text_of(a), asl_text_of(b));
    else return false;
    if (comparison == LESS) return order < 0;
    if (comparison == LESS_EQUAL) return order <= 0;
    return comparison == GREATER ? order > 0 : order >= 0;
}

static bool contains(const asl_value *a, const asl_value *b) {
    if (a->tag == ASL_ARRAY) return has(a, b);
    if (a->tag != ASL_STRING || b->tag != ASL_STRING) return false;
    asl_str text = asl_text_of(a), part = asl_text_of(b);
    return part.size == 0 || (text.size >= part.size && memmem(text.data, text.size, part.data, part.size) != NULL);
}

static int64_t size_of(const asl_value *v) { // -1: has none
    if (v->tag == ASL_STRING) return (int64_t)asl_text_of(v).size;
    return is_container(v) ? length_of(v).i : -1;
}

// Both sides are there.
static bool compare(enum comparison comparison, const asl_value *a, const asl_value *b) {
    bool arrays = a->tag == ASL_ARRAY && b->tag == ASL_ARRAY;
    int64_t n;
    switch (comparison) {
    case EQUAL: return loosely_equal(a, b);
    case NOT_EQUAL: return !loosely_equal(a, b);
    case LESS: case LESS_EQUAL: case GREATER: case GREATER_EQUAL: return ordered(comparison, a, b);
    case IN: return b->tag == ASL_ARRAY && has(b, a);
    case NOT_IN: return !(b->tag == ASL_ARRAY && has(b, a));
    case CONTAINS: return contains(a, b);
    case SUBSET_OF: return arrays && count_in(b, a) == asl_array_count(a);
    case ANY_OF: return arrays && count_in(b, a) > 0;
    case NONE_OF: return arrays && count_in(b, a) == 0;
    case SIZE: return asl_is_number(b) && asl_number_as_int(b, &n) && size_of(a) == n;
    case EMPTY: return size_of(a) >= 0 && b->tag == ASL_BOOL && (size_of(a) == 0) == b->b;
    case MATCHES: break;
    }
    return false;
}

static bool regex_test(const struct asl__regex *regex, const asl_value *v) {
    if (v->tag != ASL_STRING && v->tag != ASL_BOOL && !asl_is_number(v)) return false;
    asl_buffer text = {0};
    bool matches = asl__regex_matches(regex, as_text(v, &text));
    asl_buffer_free(&text);
    return matches;
}

static bool compare_operands(struct eval *e, const struct filter *f, const asl_value *item) {
    asl_value made_left, made_right = asl_none();
    const asl_value *a = operand_value(e, &f->left, item, &made_left);
    bool answer;
    if (f->comparison == MATCHES) {
        answer = a && regex_test(f->right.regex, a);
    } else {
        const asl_value *b = operand_value(e, &f->right, item, &made_right);
        // Something missing equals nothing and is in no list.
        answer = a && b ? compare(f->comparison, a, b) : f->comparison == NOT_EQUAL || f->comparison == NOT_IN;
    }
    asl_release(made_left);
    asl_release(made_right);
    return answer;
}

static bool exists(struct eval *e, const struct operand *o, const asl_value *item, bool null_counts) {
    asl_value made;
    const asl_value *v = operand_value(e, o, item, &made);
    bool there = v && (null_counts || v->tag != ASL_NULL);
    if (there && !o->path->definite) there = asl_array_count(v) > 0;
    asl_release(made);
    return there;
}

static bool passes(struct eval *e, const struct filter *f, const asl_value *item) {
    switch (f->kind) {
    case FILTER_OR:
        for (const struct filter *c = f->first; c; c = c->next)
            if (passes(e, c, item)) return true;
        return false;
    case FILTER_AND:
        for (const struct filter *c = f->first; c; c = c->next)
            if (!passes(e, c, item)) return false;
        return true;
    case FILTER_NOT: return !passes(e, f->first, item);
    case FILTER_EXISTS: return exists(e, &f->left, item, true);
    case FILTER_ABSENT: return !exists(e, &f->left, item, false);
    case FILTER_COMPARE: return compare_operands(e, f, item);
    }
    return false;
}

// ---------------------------------------------------------------- what is missing

static void print_name(const asl_text *name, asl_buffer *out) {
    asl_buffer_byte(out, '\'');
    asl_buffer_add(out, name->bytes, name->size);
    asl_buffer_byte(out, '\'');
}

static void print_step(const struct step *s, asl_buffer *out) {
    switch (s->kind) {
    case STEP_NAME:
        asl_buffer_byte(out, '[');
        print_name(s->u.name, out);
        asl_buffer_byte(out, ']');
        break;
    case STEP_INDEX: asl_buffer_format(out, "[%" PRId64 "]", s->u.index); break;
    case STEP_NAMES:
        for (size_t i = 0; i < s->u.names.count; i++) {
            asl_buffer_byte(out, i ? ',' : '[');
            print_name(s->u.names.items[i], out);
        }
        asl_buffer_byte(out, ']');
        break;
    case STEP_LENGTH: asl_buffer_z(out, ".length()"); break;
    case STEP_INDEXES: case STEP_SLICE: case STEP_ALL: case STEP_SCAN: case STEP_FILTER: break; // never definite
    }
}

void asl_path_missing(const asl_path *path, const asl_value *root, asl_buffer *out) {
    size_t at = 0;
    const asl_value *v = walk(path, root, &at);
    if (!path->definite || (v && at < path->count && path->steps[at].kind != STEP_NAMES && path->steps[at].kind != STEP_LENGTH)) {
        asl_buffer_format(out, "The path selects too many nodes: %s", path->text->bytes);
        return;
    }
    // An index past the end leaves the path without results wherever it stands; a name that is not there is named itself.
    bool middle = !v && at + 1 < path->count && path->steps[at].kind == STEP_NAME;
    size_t count = middle ? at + 1 : path->count;
    asl_buffer_z(out, middle ? "Missing property in path $" : "No results for path: $");
    for (size_t i = 0; i < count; i++) print_step(&path->steps[i], out);
}

bool asl_path_index_past_end(const asl_path *path, const asl_value *root) {
    const asl_value *v = root;
    for (size_t i = 0; path->definite && i < path->count; i++) {
        const struct step *s = &path->steps[i];
        if (s->kind != STEP_NAME && s->kind != STEP_INDEX) return false;
        const asl_value *next = s->kind == STEP_NAME ? member(v, s->u.name) : element(v, s->u.index);
        if (!next) return s->kind == STEP_INDEX && v->tag == ASL_ARRAY;
        v = next;
    }
    return false;
}

// ---------------------------------------------------------------- ResultPath

// Whether a value can be put there: what exists on the way are objects where a name goes on, and arrays long enough
// where an index does. Below the first missing member only names may follow.
static bool can_put(const asl_path *path, const asl_value *document) {
    const asl_value *v = document;
    for (size_t i = 0; i < path->count; i++) {
        const struct step *s = &path->steps[i];
        if (s->kind == STEP_INDEX) {
            if (!v || !(v = element(v, s->u.index))) return false;
        } else if (v) {
            if (v->tag != ASL_OBJECT) return false;
            v = asl_object_get_key(v, s->u.name);
        }
    }
    return true;
}

static asl_value put_child(const struct step *s, asl_value parent, asl_value child) {
    return s->kind == STEP_NAME ? asl_object_set(parent, s->u.name, child) : asl_array_set(parent, (size_t)s->u.index, child);
}

// Down, taking every node on the way out of its parent, and up again, putting it back. A node that was taken out has no
// other owner unless the document is shared, so nothing is copied that need not be.
asl_value asl_path_put(const asl_path *path, asl_value document, asl_value value) {
    if (!path->reference || !can_put(path, &document)) {
        asl_release(document);
        asl_release(value);
        return asl_none();
    }
    if (path->count == 0) {
        asl_release(document);
        return value;
    }
    asl_value *parents = asl_calloc(path->count, sizeof *parents);
    asl_value node = document;
    for (size_t i = 0; i + 1 < path->count; i++) {
        const struct step *s = &path->steps[i];
        const asl_value *found_child = s->kind == STEP_NAME ? member(&node, s->u.name) : element(&node, s->u.index);
        asl_value child = found_child ? asl_retain(*found_child) : asl_object_new(1);
        parents[i] = found_child ? put_child(s, node, asl_null()) : node;
        node = child;
    }
    node = put_child(&path->steps[path->count - 1], node, value);
    for (size_t i = path->count - 1; i-- > 0;) node = put_child(&path->steps[i], parents[i], node);
    asl_free(parents);
    return node;
}
