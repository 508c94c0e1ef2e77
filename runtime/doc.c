// The reader of documents that people write: definitions, mock files, binding files.
//
// One loop over the text with a state that says what may come next; nesting is the chain of open containers, so nothing
// recurses. A mistake is reported and repaired in the way that its author most likely meant:
//
//     "a": 1 "b": 2         a comma is missing                 as if it were there
//     "a": "b": 2           a value and a key in one           "b" becomes the key
//     "a": "b,⏎ "c": 1      the string is not closed           it ends with its line
//     { "a": [1, 2 }        the array is not closed            closed where the object is
//     "a": ${n}             a placeholder nobody filled in     a broken node
//
// What is left in doubt is marked broken, so that later checks do not report the same mistake again. After a mistake the
// rest of its line stays silent: what follows on it is rarely a mistake of its own.
#include "aslc/doc.h"
#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// ---------------------------------------------------------------- memory: chunks, freed with the tree

struct chunk {
    struct chunk *next;
    size_t size, used;
    _Alignas(max_align_t) char bytes[];
};

struct asl_doc_tree {
    struct chunk *chunks;
    asl_doc *root;
};

enum { CHUNK_SIZE = 16 * 1024, TABLE_MIN = 8 /* members from which an object is looked up by hash */ };

static void *tree_alloc(asl_doc_tree *tree, size_t size) {
    struct chunk *c = tree->chunks;
    size = (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
    if (!c || c->size - c->used < size) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        c = asl_calloc(1, sizeof *c + room);
        c->size = room;
        c->next = tree->chunks;
        tree->chunks = c;
    }
    void *p = c->bytes + c->used;
    c->used += size;
    return p;
}

void asl_doc_free(asl_doc_tree *tree) {
    if (!tree)
        return;
    for (struct chunk *c = tree->chunks, *next; c; c = next) {
        next = c->next;
        asl_free(c);
    }
    asl_free(tree);
}

asl_doc *asl_doc_root(asl_doc_tree *tree) { return tree->root; }

// ---------------------------------------------------------------- the reader

enum expect {
    EXPECT_VALUE,      /* after "key": and at the start */
    EXPECT_FIRST_ITEM, /* after [ */
    EXPECT_ITEM,       /* after a comma in an array */
    EXPECT_FIRST_KEY,  /* after { */
    EXPECT_KEY,        /* after a comma in an object */
    EXPECT_COMMA,      /* after a value in a container: a comma or its end */
    EXPECT_END,
};

struct key {
    asl_str text;
    asl_span span;
    const uint32_t *offsets;
};

struct reader {
    asl_str text;
    size_t at;
    asl_doc_tree *tree;
    asl_doc_listener *listener;
    void *user;
    size_t errors;
    asl_doc *open;      /* the innermost container */
    asl_doc *before_last; /* its last child but one, when the last one is a scalar */
    size_t depth;
    enum expect expect;
    struct key key;     /* of the member whose value comes next */
    size_t comma;       /* offset of the last comma */
    bool comma_missing; /* EXPECT_KEY, EXPECT_ITEM without one, already reported */
    size_t end;         /* where the last token ended */
    size_t silent;      /* mistakes before this offset are followers */
};

static asl_span span(size_t start, size_t end) { return (asl_span){(uint32_t)start, (uint32_t)end}; }

static void tell(struct reader *r, const asl_doc_message *m) {
    if (m->problem != ASL_DOC_TRAILING_COMMA)
        r->errors++;
    r->listener(r->user, m);
}

/* A mistake that does not disturb what follows. */
static void complain(struct reader *r, enum asl_doc_problem problem, asl_span where, const char *help,
                     const char *format, ...) {
    char message[256];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    tell(r, &(asl_doc_message){.problem = problem, .where = where, .message = message, .help = help});
}

/* One after which the reader is out of step: the rest of the line is silent. */
static void fail(struct reader *r, asl_span where, const char *help, const char *note, asl_span note_where,
                 const char *format, ...) {
    if (r->open)
        r->open->broken = true;
    if (where.start < r->silent && r->errors)
        return;
    char message[256];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    tell(r, &(asl_doc_message){.where = where, .message = message, .help = help, .note = note, .note_where = note_where});
    const char *newline = memchr(r->text.data + where.start, '\n', r->text.size - where.start);
    r->silent = newline ? (size_t)(newline - r->text.data) + 1 : r->text.size + 1;
}
#define NO_NOTE NULL, ((asl_span){0, 0})

static int peek(const struct reader *r, size_t ahead) {
    return r->at + ahead < r->text.size ? (unsigned char)r->text.data[r->at + ahead] : -1;
}

static bool word_byte(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' ||
           c == '+' || c == '$' || c == '%' || c == '*' || c == '!' || c == '@' || c == '&' || c >= 0x80;
}

/* The token that stands at the reader's place, as a message names it, and its length. */
static size_t describe(const struct reader *r, char out[64]) {
    int c = peek(r, 0);
    size_t size = 1;
    if (c < 0) {
        snprintf(out, 64, "the end of the text");
        return 0;
    }
    if (c < 0x20 || c == 0x7f) {
        snprintf(out, 64, "byte 0x%02x", (unsigned)c);
    } else if (c == 0xc2 && peek(r, 1) == 0xa0) {
        snprintf(out, 64, "a no-break space (U+00A0)");
        size = 2;
    } else if (c == 0xe2 && peek(r, 1) == 0x80 && (peek(r, 2) == 0x9c || peek(r, 2) == 0x9d)) {
        snprintf(out, 64, "a typographic quote (U+%s)", peek(r, 2) == 0x9c ? "201C" : "201D");
        size = 3;
    } else if (word_byte(c)) {
        size = 0;
        while (word_byte(peek(r, size)))
            size++;
        int shown = size > 40 ? 40 : (int)size;
        while (shown > 0 && shown < (int)size && ((unsigned char)r->text.data[r->at + (size_t)shown] & 0xc0) == 0x80)
            shown--; /* no half of a character */
        snprintf(out, 64, "'%.*s'%s", shown, r->text.data + r->at, size > 40 ? "..." : "");
    } else {
        snprintf(out, 64, "'%c'", c);
    }
    return size;
}

// ---------------------------------------------------------------- nodes

static asl_doc *add_node(struct reader *r, asl_doc_kind kind, size_t start, size_t end) {
    asl_doc *n = tree_alloc(r->tree, sizeof *n);
    n->kind = kind;
    n->span = span(start, end);
    n->parent = r->open;
    r->end = end;
    if (!r->open) {
        r->tree->root = n;
        r->expect = EXPECT_END;
        return n;
    }
    if (r->open->kind == ASL_DOC_OBJECT) {
        n->key = r->key.text;
        n->key_span = r->key.span;
        n->key_offsets = r->key.offsets;
    }
    r->before_last = r->open->last;
    n->index = r->open->count++;
    if (r->open->last)
        r->open->last->next = n;
    else
        r->open->first = n;
    r->open->last = n;
    r->expect = EXPECT_COMMA;
    return n;
}

static void add_broken(struct reader *r, size_t start, size_t end) {
    size_t before = r->end;
    add_node(r, ASL_DOC_NULL, start, end)->broken = true;
    if (start == end)
        r->end = before;
}

/* Takes back the member that add_node added last. */
static void pop_last(struct reader *r) {
    r->open->last = r->before_last;
    if (r->before_last)
        r->before_last->next = NULL;
    else
        r->open->first = NULL;
    r->open->count--;
}

/* Finds duplicates, and makes large objects quick to look into. */
static void index_members(asl_doc_tree *tree, asl_doc *object) {
    if (object->count < TABLE_MIN) {
        for (asl_doc *m = object->first; m; m = m->next)
            for (asl_doc *earlier = object->first; earlier != m; earlier = earlier->next)
                if (asl_str_equal(earlier->key, m->key)) {
                    m->duplicate_of = earlier;
                    break;
                }
        return;
    }
    object->table_size = 16;
    while (object->table_size < object->count * 2)
        object->table_size *= 2;
    object->table = tree_alloc(tree, object->table_size * sizeof *object->table);
    for (asl_doc *m = object->first; m; m = m->next) {
        size_t i = asl_hash(m->key) & (object->table_size - 1);
        while (object->table[i] && !asl_str_equal(object->table[i]->key, m->key))
            i = (i + 1) & (object->table_size - 1);
        if (object->table[i])
            m->duplicate_of = object->table[i];
        else
            object->table[i] = m;
    }
}

asl_doc *asl_doc_get_str(const asl_doc *object, asl_str key) {
    if (!object || object->kind != ASL_DOC_OBJECT)
        return NULL;
    if (!object->table) {
        for (asl_doc *m = object->first; m; m = m->next)
            if (asl_str_equal(m->key, key))
                return m;
        return NULL;
    }
    size_t i = asl_hash(key) & (object->table_size - 1);
    while (object->table[i] && !asl_str_equal(object->table[i]->key, key))
        i = (i + 1) & (object->table_size - 1);
    return object->table[i];
}

asl_doc *asl_doc_get(const asl_doc *object, const char *key) { return asl_doc_get_str(object, asl_str_z(key)); }

static void close_container(struct reader *r, size_t end) {
    asl_doc *closed = r->open;
    closed->span.end = (uint32_t)end;
    if (closed->kind == ASL_DOC_OBJECT)
        index_members(r->tree, closed);
    r->open = closed->parent;
    r->depth--;
    r->end = end;
    r->expect = r->open ? EXPECT_COMMA : EXPECT_END;
}

/* From an opening bracket to behind the one that closes it. */
static void skip_balanced(struct reader *r) {
    size_t nesting = 0;
    for (bool in_string = false; r->at < r->text.size; r->at++) {
        char c = r->text.data[r->at];
        if (in_string) {
            if (c == '\\' && r->at + 1 < r->text.size)
                r->at++;
            else if (c == '"' || c == '\n')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            nesting++;
        } else if ((c == '}' || c == ']') && --nesting == 0) {
            r->at++;
            return;
        }
    }
}

static void open_container(struct reader *r, asl_doc_kind kind) {
    size_t start = r->at;
    if (r->depth >= ASL_MAX_DEPTH) {
        complain(r, ASL_DOC_TOO_DEEP, span(start, start + 1), NULL, "nested more than %d levels deep", ASL_MAX_DEPTH);
        skip_balanced(r);
        add_broken(r, start, r->at);
        return;
    }
    r->open = add_node(r, kind, start, start + 1);
    r->depth++;
    r->at++;
    r->expect = kind == ASL_DOC_OBJECT ? EXPECT_FIRST_KEY : EXPECT_FIRST_ITEM;
}

// ---------------------------------------------------------------- strings

/* The offset of the quote that ends the string whose inside starts at `from`; *closed is false when it was not closed
   on its line and its end is the line's. */
static size_t string_end(const struct reader *r, size_t from, char quote, bool *closed, bool *plain) {
    asl_str t = r->text;
    size_t goes_on = 0; /* line ends before this offset are inside the string: decided */
    *closed = *plain = true;
    for (size_t i = from; i < t.size; i++) {
        unsigned char c = (unsigned char)t.data[i];
        if (c == (unsigned char)quote)
            return i;
        if (c == '\\') {
            *plain = false;
            if (i + 1 < t.size && t.data[i + 1] != '\n')
                i++;
        } else if (c == '\n') {
            *plain = false;
            if (i < goes_on)
                continue;
            /* A string that goes on over the line, or one whose quote was forgotten? It is the first when the next
               quote closes something. */
            const char *next = memchr(t.data + i, quote, t.size - i);
            size_t after = next ? (size_t)(next - t.data) + 1 : t.size;
            while (after < t.size && memchr(" \t\r\n", t.data[after], 4))
                after++;
            if (!next || (after < t.size && !memchr(",:}]", t.data[after], 4))) {
                *closed = false;
                size_t end = i;
                while (end > from && memchr(" \t\r,", t.data[end - 1], 4))
                    end--;
                return end;
            }
            goes_on = (size_t)(next - t.data);
        } else if (c < 0x20 || c >= 0x80) {
            *plain = false;
        }
    }
    *closed = false;
    return t.size;
}

static int hex4(const char *p, size_t left) {
    int value = 0;
    if (left < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static size_t put_utf8(char *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* The escape at text[i] (a backslash), before end: its character, and its length. */
static uint32_t escape_at(struct reader *r, size_t i, size_t end, size_t *length) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *p = r->text.data + i;
    size_t left = end - i;
    const char *simple = left >= 2 && p[1] ? strchr(from, p[1]) : NULL;
    *length = 2;
    if (simple)
        return (uint32_t)to[simple - from];
    if (left >= 2 && p[1] == 'u') {
        int high = hex4(p + 2, left - 2);
        if (high < 0) {
            complain(r, ASL_DOC_SYNTAX, span(i, i + 2), NULL, "\\u needs four hexadecimal digits");
            return 0xfffd;
        }
        *length = 6;
        if (high < 0xd800 || high > 0xdfff)
            return (uint32_t)high;
        int low = high < 0xdc00 && left >= 12 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8, left - 8) : -1;
        if (low >= 0xdc00 && low <= 0xdfff) {
            *length = 12;
            return 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
        }
        complain(r, ASL_DOC_SYNTAX, span(i, i + 6), NULL, "%.6s is half of a surrogate pair", p);
        return 0xfffd;
    }
    if (left < 2) {
        *length = 1;
        complain(r, ASL_DOC_SYNTAX, span(i, i + 1), NULL, "the string ends inside an escape");
        return 0xfffd;
    }
    *length = 1;
    complain(r, ASL_DOC_SYNTAX, span(i, i + 2), "write \\\\ for a backslash", "\\%c is not an escape in JSON",
             (unsigned char)p[1] < 0x80 && (unsigned char)p[1] >= 0x20 ? p[1] : '?');
    return '\\';
}

/* Reads the string at the reader's place. */
static struct key read_string(struct reader *r) {
    char quote = r->text.data[r->at];
    size_t start = r->at, from = start + 1;
    bool closed, plain;
    size_t end = string_end(r, from, quote, &closed, &plain);
    if (quote != '"')
        fail(r, span(start, start + 1), "use double quotes", NO_NOTE, "JSON strings stand in double quotes");
    if (!closed)
        fail(r, span(start, end > start ? end : start + 1), NULL, NO_NOTE, "this string is not closed before its line ends");
    r->at = closed ? end + 1 : end;
    if (!closed) /* the blanks and the comma that were cut off its end */
        while (r->at < r->text.size && memchr(" \t\r", r->text.data[r->at], 3))
            r->at++;
    struct key out = {.span = span(start, closed ? end + 1 : end)};
    r->end = out.span.end;
    if (plain) {
        char *copy = tree_alloc(r->tree, end - from + 1);
        memcpy(copy, r->text.data + from, end - from);
        out.text = (asl_str){copy, end - from};
        return out;
    }
    char *text = NULL;
    uint32_t *offsets = NULL;
    size_t size = 0;
    for (int pass = 0; pass < 2; pass++) {
        bool quiet = pass == 0; /* the first pass finds how much room is enough: a broken byte becomes three */
        size = 0;
        for (size_t i = from; i < end;) {
            unsigned char c = (unsigned char)r->text.data[i];
            size_t took = 1, made = 1;
            char made_text[4] = {(char)c};
            if (c == '\\') {
                if (quiet) {
                    took = 1, made = 4;
                } else {
                    made = put_utf8(made_text, escape_at(r, i, end, &took));
                }
            } else if (c >= 0x80) {
                took = asl__utf8_size(r->text.data + i, r->text.data + end);
                made = took;
                memcpy(made_text, r->text.data + i, took);
                if (took == 0) {
                    if (!quiet)
                        complain(r, ASL_DOC_SYNTAX, span(i, i + 1), NULL, "byte 0x%02x is not UTF-8", c);
                    took = 1;
                    made = put_utf8(made_text, 0xfffd);
                }
            } else if (c < 0x20 && !quiet) {
                if (c == '\n')
                    fail(r, span(start, start + 1), "write \\n for a line break", NO_NOTE,
                         "a JSON string cannot go on over the end of a line");
                else if (c != '\r' || i + 1 == end || r->text.data[i + 1] != '\n')
                    complain(r, ASL_DOC_SYNTAX, span(i, i + 1), c == '\t' ? "write \\t" : NULL,
                             "control character 0x%02x in a string", c);
            }
            if (!quiet) {
                for (size_t k = 0; k < made; k++) {
                    text[size + k] = made_text[k];
                    offsets[size + k] = (uint32_t)i;
                }
            }
            size += made;
            i += took;
        }
        if (quiet) {
            text = tree_alloc(r->tree, size + 1);
            offsets = tree_alloc(r->tree, (size + 1) * sizeof *offsets);
        }
    }
    offsets[size] = (uint32_t)end;
    out.text = (asl_str){text, size};
    out.offsets = offsets;
    return out;
}

// ---------------------------------------------------------------- numbers, words, placeholders

static bool json_number(const char *p, size_t size) {
    size_t i = 0;
    if (i < size && p[i] == '-')
        i++;
    size_t digits = i;
    while (i < size && p[i] >= '0' && p[i] <= '9')
        i++;
    if (i == digits || (p[digits] == '0' && i > digits + 1))
        return false;
    if (i < size && p[i] == '.') {
        size_t fraction = ++i;
        while (i < size && p[i] >= '0' && p[i] <= '9')
            i++;
        if (i == fraction)
            return false;
    }
    if (i < size && (p[i] == 'e' || p[i] == 'E')) {
        i++;
        if (i < size && (p[i] == '+' || p[i] == '-'))
            i++;
        size_t exponent = i;
        while (i < size && p[i] >= '0' && p[i] <= '9')
            i++;
        if (i == exponent)
            return false;
    }
    return i == size;
}

static void read_number(struct reader *r) {
    size_t start = r->at;
    char found[64];
    size_t size = describe(r, found);
    r->at += size;
    if (!json_number(r->text.data + start, size)) {
        fail(r, span(start, r->at), NULL, NO_NOTE, "%s is not a JSON number", found);
        add_broken(r, start, r->at);
        return;
    }
    char *copy = tree_alloc(r->tree, size + 1);
    memcpy(copy, r->text.data + start, size);
    add_node(r, ASL_DOC_NUMBER, start, r->at)->text = (asl_str){copy, size};
}

static void read_word(struct reader *r) {
    static const struct { const char *word; const char *help; } slips[] = {
        {"True", "write true"},      {"TRUE", "write true"}, {"False", "write false"}, {"FALSE", "write false"},
        {"None", "write null"},      {"Null", "write null"}, {"NULL", "write null"},   {"nil", "write null"},
        {"undefined", "write null"}, {"yes", "write true"},  {"no", "write false"},
    };
    size_t start = r->at;
    char found[64];
    size_t size = describe(r, found);
    asl_str word = {r->text.data + start, size};
    r->at += size;
    if (asl_str_equal(word, ASL_STR("null"))) {
        add_node(r, ASL_DOC_NULL, start, r->at);
    } else if (asl_str_equal(word, ASL_STR("true")) || asl_str_equal(word, ASL_STR("false"))) {
        add_node(r, ASL_DOC_BOOL, start, r->at)->boolean = word.size == 4;
    } else {
        const char *help = "text stands in double quotes";
        for (size_t i = 0; i < sizeof slips / sizeof *slips; i++)
            if (asl_str_equal(word, asl_str_z(slips[i].word)))
                help = slips[i].help;
        fail(r, span(start, r->at), help, NO_NOTE, "expected a value, found %s", found);
        add_broken(r, start, r->at);
    }
}

static bool at_placeholder(const struct reader *r) { return peek(r, 0) == '$' && peek(r, 1) == '{'; }

/* "${Name}" outside a string. True when one was there: reported and passed over. */
static bool skip_placeholder(struct reader *r) {
    if (!at_placeholder(r))
        return false;
    size_t start = r->at, i = start + 2;
    while (i < r->text.size && r->text.data[i] != '}' && r->text.data[i] != '\n')
        i++;
    bool closed = i < r->text.size && r->text.data[i] == '}';
    size_t size = i - start - 2;
    const char *name = r->text.data + start + 2;
    while (size && *name == ' ')
        name++, size--;
    while (size && (name[size - 1] == ' ' || name[size - 1] == '\r'))
        size--;
    char help[160];
    int shown = size > 100 ? 100 : (int)size;
    snprintf(help, sizeof help, "fill it with -D %.*s=VALUE", shown, name);
    r->at = closed ? i + 1 : i;
    complain(r, ASL_DOC_PLACEHOLDER, span(start, r->at), help, "placeholder ${%.*s} stands outside a string and has no value",
             shown, name);
    return true;
}

/* "%{ if … }": a directive of Terraform's templates. */
static bool skip_directive(struct reader *r) {
    if (peek(r, 0) != '%' || peek(r, 1) != '{')
        return false;
    size_t start = r->at;
    while (r->at < r->text.size && r->text.data[r->at] != '}' && r->text.data[r->at] != '\n')
        r->at++;
    if (r->at < r->text.size && r->text.data[r->at] == '}')
        r->at++;
    complain(r, ASL_DOC_PLACEHOLDER, span(start, r->at), "expand the template before compiling it",
             "template directive %%{ } is not JSON");
    return true;
}

/* White space, and what people write in its place. */
static void skip_blanks(struct reader *r) {
    for (;;) {
        int c = peek(r, 0);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            r->at++;
        } else if (c == '#' || (c == '/' && peek(r, 1) == '/')) {
            size_t start = r->at;
            while (r->at < r->text.size && r->text.data[r->at] != '\n')
                r->at++;
            size_t end = r->at;
            while (end > start + 1 && r->text.data[end - 1] == '\r')
                end--;
            complain(r, ASL_DOC_COMMENT, span(start, end), "use the field \"Comment\"", "JSON has no comments");
        } else if (c == '/' && peek(r, 1) == '*') {
            size_t start = r->at;
            r->at += 2;
            while (r->at < r->text.size && !(r->text.data[r->at] == '*' && peek(r, 1) == '/'))
                r->at++;
            r->at = r->at < r->text.size ? r->at + 2 : r->at;
            complain(r, ASL_DOC_COMMENT, span(start, r->at), "use the field \"Comment\"", "JSON has no comments");
        } else if (!skip_directive(r)) {
            return;
        }
    }
}

// ---------------------------------------------------------------- what may come next

static void skip_unexpected(struct reader *r, const char *wanted) {
    char found[64];
    size_t start = r->at, size = describe(r, found);
    r->at += size;
    fail(r, span(start, r->at), NULL, NO_NOTE, "expected %s, found %s", wanted, found);
}

/* A closing bracket of the other kind, or one too many. */
static void close_mismatched(struct reader *r) {
    char bracket = r->text.data[r->at];
    asl_doc_kind kind = bracket == '}' ? ASL_DOC_OBJECT : ASL_DOC_ARRAY;
    asl_doc *match = r->open;
    while (match && match->kind != kind)
        match = match->parent;
    asl_span here = span(r->at, r->at + 1);
    if (!match) {
        fail(r, here, NULL, NO_NOTE, "unexpected '%c': nothing that it could close is open", bracket);
        r->at++;
        return;
    }
    asl_doc *inner = r->open;
    fail(r, here, NULL, inner->kind == ASL_DOC_OBJECT ? "this '{' is not closed" : "this '[' is not closed",
         span(inner->span.start, inner->span.start + 1), "expected '%c' before '%c'", inner->kind == ASL_DOC_OBJECT ? '}' : ']',
         bracket);
    /* A bracket too few, or the wrong one? What follows tells: if the outer container cannot end here, the wrong one. */
    size_t after = r->at + 1;
    while (after < r->text.size && memchr(" \t\r\n", r->text.data[after], 4))
        after++;
    bool outer_ends = after == r->text.size || (match->parent && memchr(",]}", r->text.data[after], 3));
    while (outer_ends && r->open != match) {
        r->open->broken = true;
        close_container(r, r->at);
    }
    r->at++;
    close_container(r, r->at);
}

static void take_close(struct reader *r) {
    bool fits = r->open && (r->text.data[r->at] == '}') == (r->open->kind == ASL_DOC_OBJECT);
    if (!fits) {
        close_mismatched(r);
        return;
    }
    if ((r->expect == EXPECT_KEY || r->expect == EXPECT_ITEM) && !r->comma_missing)
        complain(r, ASL_DOC_TRAILING_COMMA, span(r->comma, r->comma + 1), "remove it", "comma after the last %s",
                 r->open->kind == ASL_DOC_OBJECT ? "member" : "element");
    r->at++;
    close_container(r, r->at);
}

static void take_value(struct reader *r) {
    int c = peek(r, 0);
    size_t start = r->at;
    switch (c) {
    case '{': open_container(r, ASL_DOC_OBJECT); return;
    case '[': open_container(r, ASL_DOC_ARRAY); return;
    case '"':
    case '\'': {
        struct key string = read_string(r);
        asl_doc *n = add_node(r, ASL_DOC_STRING, string.span.start, string.span.end);
        n->text = string.text;
        n->offsets = string.offsets;
        return;
    }
    case '}':
    case ']':
        if (r->expect != EXPECT_VALUE) {
            take_close(r);
        } else {
            fail(r, span(start, start + 1), NULL, NO_NOTE, "expected a value, found '%c'", c);
            if (r->open)
                add_broken(r, start, start);
            else
                r->at++;
        }
        return;
    case ',':
        fail(r, span(start, start + 1), NULL, NO_NOTE, "expected a value, found ','");
        if (r->expect == EXPECT_VALUE && r->open)
            add_broken(r, start, start);
        else
            r->at++;
        return;
    default: break;
    }
    if (at_placeholder(r)) {
        while (skip_placeholder(r)) { /* "${a}${b}" is one value */
        }
        while (word_byte(peek(r, 0)) && !at_placeholder(r))
            r->at++;
        add_broken(r, start, r->at);
    } else if (c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9')) {
        read_number(r);
    } else if (word_byte(c)) {
        read_word(r);
    } else {
        skip_unexpected(r, "a value");
    }
}

static void take_key(struct reader *r) {
    int c = peek(r, 0);
    if (c == '"' || c == '\'') {
        r->key = read_string(r);
    } else if (c == '}' || c == ']') {
        take_close(r);
        return;
    } else if (at_placeholder(r)) {
        skip_placeholder(r);
        r->open->broken = true;
        return;
    } else if (c == '{' || c == '[') {
        fail(r, span(r->at, r->at + 1), NULL, NO_NOTE, "expected a key in double quotes, found '%c'", c);
        skip_balanced(r);
        r->expect = EXPECT_COMMA;
        r->end = r->at;
        return;
    } else if (word_byte(c)) {
        char found[64];
        size_t start = r->at, size = describe(r, found);
        r->at += size;
        char *copy = tree_alloc(r->tree, size + 1);
        memcpy(copy, r->text.data + start, size);
        r->key = (struct key){.text = {copy, size}, .span = span(start, r->at)};
        fail(r, span(start, r->at), "keys stand in double quotes", NO_NOTE, "expected a key in double quotes, found %s", found);
    } else {
        skip_unexpected(r, "a key in double quotes");
        return;
    }
    r->end = r->at;
    skip_blanks(r);
    if (peek(r, 0) == ':') {
        r->at++;
        r->end = r->at;
        r->expect = EXPECT_VALUE;
        return;
    }
    char found[64];
    size_t size = describe(r, found);
    fail(r, span(r->at, r->at + size), NULL, NO_NOTE, "expected ':' after a key, found %s", found);
    if (peek(r, 0) == '=') {
        r->at++;
        r->expect = EXPECT_VALUE;
    } else if (peek(r, 0) == ',' || peek(r, 0) == '}' || peek(r, 0) < 0) {
        add_broken(r, r->at, r->at);
    } else {
        r->expect = EXPECT_VALUE;
    }
}

static void take_comma(struct reader *r) {
    int c = peek(r, 0);
    bool object = r->open->kind == ASL_DOC_OBJECT;
    if (c == ',') {
        r->comma = r->at++;
        r->comma_missing = false;
        r->expect = object ? EXPECT_KEY : EXPECT_ITEM;
    } else if (c == '}' || c == ']') {
        take_close(r);
    } else if (c == ':' && object && r->open->last && r->open->last->kind == ASL_DOC_STRING) {
        asl_doc *value = r->open->last;
        fail(r, span(r->at, r->at + 1), NULL, NO_NOTE, "expected ',' or '}' after a member, found ':'");
        r->key = (struct key){value->text, value->span, value->offsets};
        pop_last(r);
        r->at++;
        r->expect = EXPECT_VALUE;
    } else if (c == '"' || c == '\'' || (!object && (c == '{' || c == '[' || word_byte(c))) || (object && word_byte(c))) {
        if (object && skip_placeholder(r)) {
            r->open->broken = true;
            return;
        }
        fail(r, span(r->end, r->end + 1), NULL, NO_NOTE, "a ',' is missing here");
        r->comma_missing = true;
        r->expect = object ? EXPECT_KEY : EXPECT_ITEM;
    } else if (c == '{' || c == '[') {
        fail(r, span(r->at, r->at + 1), NULL, NO_NOTE, "expected ',' or '}' after a member, found '%c'", c);
        skip_balanced(r);
    } else {
        skip_unexpected(r, object ? "',' or '}' after a member" : "',' or ']' after an element");
    }
}

static void take_end(struct reader *r) {
    int c = peek(r, 0);
    if (c == '}' || c == ']') {
        close_mismatched(r);
        return;
    }
    size_t start = r->at;
    r->at = r->text.size;
    fail(r, span(start, start + 1), NULL, NO_NOTE, "text after the end of the JSON document");
}

static void read_document(struct reader *r) {
    for (;;) {
        skip_blanks(r);
        if (r->at >= r->text.size)
            break;
        switch (r->expect) {
        case EXPECT_VALUE:
        case EXPECT_FIRST_ITEM:
        case EXPECT_ITEM: take_value(r); break;
        case EXPECT_FIRST_KEY:
        case EXPECT_KEY: take_key(r); break;
        case EXPECT_COMMA: take_comma(r); break;
        case EXPECT_END: take_end(r); break;
        }
    }
    if (!r->open)
        return;
    asl_doc *inner = r->open;
    if (r->expect == EXPECT_VALUE)
        add_broken(r, r->end, r->end);
    fail(r, span(r->end ? r->end - 1 : 0, r->end), NULL,
         inner->kind == ASL_DOC_OBJECT ? "this '{' is not closed" : "this '[' is not closed",
         span(inner->span.start, inner->span.start + 1), "the text ends before its JSON does: expected '%c'",
         inner->kind == ASL_DOC_OBJECT ? '}' : ']');
    while (r->open) {
        r->open->broken = true;
        close_container(r, r->text.size);
    }
}

asl_doc_tree *asl_doc_read_for(asl_str text, asl_doc_listener *listener, void *user, size_t *errors) {
    struct reader r = {.text = text, .listener = listener, .user = user, .expect = EXPECT_VALUE};
    r.tree = asl_calloc(1, sizeof *r.tree);
    const unsigned char *b = (const unsigned char *)text.data;
    if (text.size >= UINT32_MAX) {
        complain(&r, ASL_DOC_SYNTAX, span(0, 0), NULL, "the text is larger than 4 GiB");
    } else if (text.size >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff))) {
        complain(&r, ASL_DOC_SYNTAX, span(0, 2), "save it as UTF-8", "the text is UTF-16");
    } else {
        if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
            r.at = 3;
        read_document(&r);
        if (!r.tree->root && !r.errors)
            complain(&r, ASL_DOC_SYNTAX, span(0, 0), NULL, "the text is empty");
    }
    *errors = r.errors;
    if (!r.tree->root) {
        asl_doc_free(r.tree);
        return NULL;
    }
    return r.tree;
}

struct two_callbacks {
    asl_doc_report *error, *warning;
    void *user;
};

static void forward(void *user, const asl_doc_message *m) {
    struct two_callbacks *to = user;
    (m->problem == ASL_DOC_TRAILING_COMMA ? to->warning : to->error)(to->user, m->where, m->message, m->help);
}

asl_doc_tree *asl_doc_read(asl_str text, asl_doc_report *error, asl_doc_report *warning, void *user, size_t *errors) {
    struct two_callbacks to = {error, warning, user};
    return asl_doc_read_for(text, forward, &to, errors);
}

// ---------------------------------------------------------------- looking at nodes

/* Recursion is bounded: the reader refuses to nest deeper than ASL_MAX_DEPTH. */
asl_value asl_doc_value(const asl_doc *node) {
    switch (node->kind) {
    case ASL_DOC_NULL: return asl_null();
    case ASL_DOC_BOOL: return asl_bool(node->boolean);
    case ASL_DOC_NUMBER: return asl_number_text(node->text);
    case ASL_DOC_STRING: return asl_string(node->text);
    case ASL_DOC_ARRAY: {
        asl_value array = asl_array_new(node->count);
        for (const asl_doc *n = node->first; n; n = n->next)
            array = asl_array_push(array, asl_doc_value(n));
        return array;
    }
    case ASL_DOC_OBJECT: {
        asl_value object = asl_object_new(node->count);
        for (const asl_doc *n = node->first; n; n = n->next)
            object = asl_object_put(object, n->key, asl_doc_value(n));
        return object;
    }
    }
    return asl_null();
}

void asl_doc_pointer(const asl_doc *node, asl_buffer *out) {
    const asl_doc *chain[ASL_MAX_DEPTH + 1];
    size_t depth = 0;
    for (const asl_doc *n = node; n->parent; n = n->parent)
        chain[depth++] = n;
    while (depth-- > 0) {
        const asl_doc *n = chain[depth];
        asl_buffer_byte(out, '/');
        if (n->parent->kind == ASL_DOC_ARRAY) {
            asl_buffer_format(out, "%zu", n->index);
            continue;
        }
        for (size_t i = 0; i < n->key.size; i++) {
            char c = n->key.data[i];
            if (c == '~')
                asl_buffer_z(out, "~0");
            else if (c == '/')
                asl_buffer_z(out, "~1");
            else
                asl_buffer_byte(out, c);
        }
    }
}

asl_span asl_doc_text_span(const asl_doc *node, bool is_key, size_t from, size_t to) {
    asl_str text = is_key ? node->key : node->text;
    asl_span whole = is_key ? node->key_span : node->span;
    const uint32_t *offsets = is_key ? node->key_offsets : node->offsets;
    if (to > text.size)
        to = text.size;
    if (from > to)
        from = to;
    if (offsets)
        return (asl_span){offsets[from], offsets[to]};
    if (whole.end - whole.start < text.size + 2) /* no quotes round it: repaired text */
        return whole;
    return (asl_span){whole.start + 1 + (uint32_t)from, whole.start + 1 + (uint32_t)to};
}

void asl_doc_position(asl_str text, uint32_t offset, uint32_t *line, uint32_t *column) {
    size_t start = 0;
    *line = 1;
    for (size_t i = 0; i < offset && i < text.size; i++)
        if (text.data[i] == '\n') {
            ++*line;
            start = i + 1;
        }
    *column = (uint32_t)(offset - start) + 1;
}
