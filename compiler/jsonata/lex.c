// Text into tokens (jsonata-language 2).
//
// The source is read once, left to right. Whether a slash divides or begins a regex is the parser's to know; all else is
// decided here. Positions count UTF-16 units and are kept beside the byte offset, so nothing is ever counted twice.
#include "lex.h"

#include <math.h>
#include <string.h>

static int at(const struct lexer *l, uint32_t i) { return i < l->source.size ? (unsigned char)l->source.data[i] : -1; }

/* Moves to byte `to`, counting the units passed: each byte that begins a character is one, of a four-byte one two. */
static void move(struct lexer *l, uint32_t to) {
    for (; l->at < to; l->at++) {
        unsigned char c = (unsigned char)l->source.data[l->at];
        l->units += (c & 0xC0) != 0x80;
        l->units += c >= 0xF0;
    }
}

/* The error has its place before the lexer's present one, or there. */
static bool fail(struct lexer *l, struct lex_error *error, const char *code, uint32_t offset, uint32_t units) {
    *error = (struct lex_error){.code = code, .offset = offset, .position = units};
    error->size = l->at > offset ? l->at - offset : 0;
    return false;
}

static bool is_space(int c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v'; }

static bool is_operator(int c) { return c > 0 && strchr(".[]{}(),@#;:?+-*/%|=<>^&!~", c); }

static bool is_digit(int c) { return c >= '0' && c <= '9'; }

static asl_str slice(const struct lexer *l, uint32_t from, uint32_t to) {
    return (asl_str){l->source.data + from, to - from};
}

static bool skip_blanks(struct lexer *l, struct lex_error *error) {
    for (;;) {
        uint32_t i = l->at;
        while (is_space(at(l, i)))
            i++;
        move(l, i);
        if (at(l, i) != '/' || at(l, i + 1) != '*')
            return true;
        uint32_t units = l->units;
        const char *end = memmem(l->source.data + i + 2, l->source.size - i - 2, "*/", 2);
        if (!end) {
            move(l, (uint32_t)l->source.size);
            return fail(l, error, "S0106", i, units);
        }
        move(l, (uint32_t)(end - l->source.data) + 2);
    }
}

static void accept(struct lexer *l, struct lex_token *t, enum lex_kind kind, uint32_t to) {
    t->kind = kind;
    t->offset = l->at;
    t->size = to - l->at;
    move(l, to);
    t->position = l->units;
}

// ---------------------------------------------------------------- regexes

/* It ends at the first slash that no odd number of backslashes precede and that stands in no brackets; a bracket does not
   count after a backslash, whatever is before that. */
static bool read_regex(struct lexer *l, struct lex_token *t, struct lex_error *error) {
    uint32_t start = l->at + 1, i = start, end = (uint32_t)l->source.size;
    long depth = 0;
    unsigned backslashes = 0;
    for (; i < end; i++) {
        int c = at(l, i), before = i > start ? at(l, i - 1) : '/';
        if (c == '/' && depth == 0 && backslashes % 2 == 0)
            break;
        backslashes = c == '\\' ? backslashes + 1 : 0;
        if (before != '\\') {
            depth += c == '(' || c == '[' || c == '{';
            depth -= c == ')' || c == ']' || c == '}';
        }
    }
    uint32_t opening = l->at;
    if (i == end) {
        move(l, end);
        return fail(l, error, "S0302", opening, l->units);
    }
    if (i == start) {
        move(l, start);
        return fail(l, error, "S0301", opening, l->units);
    }
    t->text = slice(l, start, i);
    for (i++; at(l, i) == 'i' || at(l, i) == 'm'; i++) {
        t->ignore_case |= at(l, i) == 'i';
        t->multiline |= at(l, i) == 'm';
    }
    accept(l, t, TOKEN_REGEX, i);
    return true;
}

// ---------------------------------------------------------------- strings

static int hex_value(int c) {
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends a code point, or half a surrogate pair in three bytes (WTF-8); the second half joins the first. */
static char *put_unit(const char *begin, char *out, uint32_t c) {
    if (c >= 0xDC00 && c < 0xE000 && out - begin >= 3 && (unsigned char)out[-3] == 0xED && (unsigned char)out[-2] >= 0xA0 &&
        (unsigned char)out[-2] < 0xB0) {
        uint32_t high = 0xD000u | ((unsigned char)out[-2] & 0x3Fu) << 6 | ((unsigned char)out[-1] & 0x3Fu);
        c = 0x10000 + ((high - 0xD800) << 10) + (c - 0xDC00);
        out -= 3;
    }
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xE0 | c >> 12);
        } else {
            *out++ = (char)(0xF0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (c & 0x3F));
    return out;
}

/* One escape, whose backslash is at i; *out gets what it means. Where the text goes on; 0 with *error. */
static uint32_t read_escape(struct lexer *l, uint32_t i, const char *begin, char **out, struct lex_error *error) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    int c = at(l, i + 1);
    const char *name = c > 0 ? strchr(names, c) : NULL;
    if (name) {
        *(*out)++ = values[name - names];
        return i + 2;
    }
    uint32_t opening = i;
    move(l, i + 1);
    if (c == 'u') {
        uint32_t unit = 0, digit = i + 2;
        for (; digit < i + 6; digit++) {
            int value = hex_value(at(l, digit));
            if (value < 0)
                break;
            unit = unit * 16 + (uint32_t)value;
        }
        if (digit == i + 6) {
            *out = put_unit(begin, *out, unit);
            return digit;
        }
        /* Digits up to the end of the source: the string is not closed, at the end that four digits would have had. */
        if (digit == l->source.size && digit > i + 2) {
            uint32_t units = l->units + 5;
            move(l, digit);
            fail(l, error, "S0101", opening, units);
            return 0;
        }
        fail(l, error, "S0104", opening, l->units);
        error->size = digit - opening;
        return 0;
    }
    uint32_t units = l->units, end = i + 1 + (c >= 0);
    while (at(l, end) >= 0 && (at(l, end) & 0xC0) == 0x80)
        end++;
    fail(l, error, "S0103", opening, units);
    error->size = end - opening;
    error->has_token = true;
    error->token = (struct lex_token){.kind = TOKEN_STRING, .text = slice(l, i + 1, end)};
    return 0;
}

static bool read_string(struct lexer *l, struct lex_token *t, struct lex_error *error) {
    int quote = at(l, l->at);
    uint32_t opening = l->at, start = opening + 1, end = (uint32_t)l->source.size, i = start;
    /* Its raw text can stand as it is when there is no escape. */
    while (i < end && at(l, i) != quote && at(l, i) != '\\')
        i++;
    char *text = NULL, *out = NULL;
    if (i < end && at(l, i) == '\\') {
        uint32_t close = i;
        while (close < end && at(l, close) != quote)
            close += at(l, close) == '\\' ? 2 : 1;
        close = close < end ? close : end;
        text = arena_alloc(l->arena, close - start + 1);
        memcpy(text, l->source.data + start, i - start);
        out = text + (i - start);
    }
    while (i < end && at(l, i) != quote) {
        if (at(l, i) != '\\') {
            unsigned char c = (unsigned char)l->source.data[i];
            /* The source may itself hold the second half of a pair. */
            if (c == 0xED && at(l, i + 1) >= 0xB0 && i + 2 < end) {
                uint32_t half = 0xD000u | ((unsigned)at(l, i + 1) & 0x3Fu) << 6 | ((unsigned)at(l, i + 2) & 0x3Fu);
                out = put_unit(text, out, half);
                i += 3;
            } else {
                *out++ = (char)c;
                i++;
            }
        } else if (!(i = read_escape(l, i, text, &out, error))) {
            return false;
        }
    }
    if (i >= end) {
        move(l, end);
        return fail(l, error, "S0101", opening, l->units);
    }
    t->text = text ? (asl_str){text, (size_t)(out - text)} : slice(l, start, i);
    accept(l, t, TOKEN_STRING, i + 1);
    t->offset = opening; // accept counts from where an escape may have moved to
    t->size = i + 1 - opening;
    return true;
}

// ---------------------------------------------------------------- numbers and names

static bool read_number(struct lexer *l, struct lex_token *t, struct lex_error *error) {
    uint32_t i = l->at, opening = i, units = l->units;
    if (at(l, i) == '0')
        i++;
    else
        while (is_digit(at(l, i)))
            i++;
    if (at(l, i) == '.' && is_digit(at(l, i + 1)))
        for (i++; is_digit(at(l, i)); i++) {
        }
    if ((at(l, i) | 0x20) == 'e') {
        uint32_t digits = i + 1 + (at(l, i + 1) == '+' || at(l, i + 1) == '-');
        if (is_digit(at(l, digits)))
            for (i = digits; is_digit(at(l, i)); i++) {
            }
    }
    asl_value value = asl_number_text(slice(l, opening, i));
    t->number = asl_number(&value);
    asl_release(value);
    accept(l, t, TOKEN_NUMBER, i);
    if (isfinite(t->number))
        return true;
    fail(l, error, "S0102", opening, units);
    error->has_token = true;
    error->token = (struct lex_token){.kind = TOKEN_STRING, .text = slice(l, opening, i)};
    return false;
}

static void read_name(struct lexer *l, struct lex_token *t) {
    uint32_t i = l->at, start = i;
    while (at(l, i) >= 0 && !is_space(at(l, i)) && !is_operator(at(l, i)))
        i++;
    t->text = slice(l, start, i);
    if (at(l, start) == '$') {
        accept(l, t, TOKEN_VARIABLE, i);
        t->text = slice(l, start + 1, i);
        return;
    }
    static const struct {
        const char *word;
        enum lex_kind kind;
        int op;
    } words[] = {{"and", TOKEN_OPERATOR, OP_AND}, {"or", TOKEN_OPERATOR, OP_OR}, {"in", TOKEN_OPERATOR, OP_IN},
                 {"true", TOKEN_TRUE, 0},         {"false", TOKEN_FALSE, 0},     {"null", TOKEN_NULL, 0}};
    enum lex_kind kind = TOKEN_NAME;
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
        if (asl_str_equal(t->text, asl_str_z(words[w].word))) {
            kind = words[w].kind;
            t->op = words[w].op;
        }
    }
    accept(l, t, kind, i);
}

static bool read_quoted_name(struct lexer *l, struct lex_token *t, struct lex_error *error) {
    uint32_t start = l->at + 1, opening = l->at;
    const char *end = memchr(l->source.data + start, '`', l->source.size - start);
    if (!end) {
        move(l, (uint32_t)l->source.size);
        return fail(l, error, "S0105", opening, l->units);
    }
    uint32_t close = (uint32_t)(end - l->source.data);
    t->text = slice(l, start, close);
    accept(l, t, TOKEN_NAME, close + 1);
    return true;
}

static int two_character_operator(const struct lexer *l) {
    static const struct {
        char text[3];
        int op;
    } operators[] = {{"..", OP_RANGE},   {":=", OP_BIND},        {"!=", OP_NOT_EQUAL}, {">=", OP_AT_LEAST},
                     {"<=", OP_AT_MOST}, {"**", OP_DESCENDANTS}, {"~>", OP_APPLY},     {"?:", OP_ELVIS},
                     {"??", OP_COALESCE}};
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (at(l, l->at) == operators[i].text[0] && at(l, l->at + 1) == operators[i].text[1])
            return operators[i].text[0] == '?' && !l->version_2_1 ? 0 : operators[i].op;
    return 0;
}

bool lex_next(struct lexer *l, bool operand, struct lex_token *t, struct lex_error *error) {
    *t = (struct lex_token){.kind = TOKEN_END};
    if (!skip_blanks(l, error))
        return false;
    int c = at(l, l->at), op;
    if (c < 0) {
        t->text = ASL_STR("(end)");
        t->offset = l->at;
        t->position = l->units;
        return true;
    }
    if (c == '/' && operand)
        return read_regex(l, t, error);
    if (is_operator(c)) {
        op = two_character_operator(l);
        t->op = op ? op : c;
        t->text = slice(l, l->at, l->at + (op ? 2 : 1));
        uint32_t opening = l->at;
        accept(l, t, TOKEN_OPERATOR, l->at + (op ? 2 : 1));
        if (t->op != '!' && t->op != '~')
            return true;
        fail(l, error, "S0204", opening, l->units);
        error->has_token = true;
        error->token = *t;
        return false;
    }
    if (c == '"' || c == '\'')
        return read_string(l, t, error);
    if (is_digit(c))
        return read_number(l, t, error);
    if (c == '`')
        return read_quoted_name(l, t, error);
    read_name(l, t);
    return true;
}
