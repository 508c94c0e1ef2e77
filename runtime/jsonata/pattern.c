// ECMAScript's regular expressions, without the u flag, in PCRE2's words (jsonata-language 19).
//
// Every construct is read as ECMAScript's grammar with its annex B has it and written in a form that PCRE2 can read in
// one way only: characters as \x{…}, classes item by item. What PCRE2 would understand and ECMAScript does not (possessive
// quantifiers, inline flags, \A \K \Q …) is an error or the plain character that ECMAScript takes it for.
//
// Differences that remain: a group inside a repeated one keeps its text when a later round does not set it; lookbehind
// must have a fixed length.
#include "match.h"

struct reader {
    const char *p, *end;
    uint32_t half; /* the second half of a character whose first was read, or 0 */
    bool utf, ignore_case, multiline;
    unsigned seen; // of the characters of a class: SEEN_…
    asl_buffer *out;
    uint32_t groups; /* in all */
    const char *message;
};

#define NESTING_MAX 200 // PCRE2 itself stops at 250

static int refuse(struct reader *r, const char *message) {
    r->message = message;
    return -1;
}

// The next UTF-16 unit, or -1.
static int32_t next_unit(struct reader *r) {
    if (r->half) {
        int32_t unit = (int32_t)r->half;
        r->half = 0;
        return unit;
    }
    if (r->p == r->end) return -1;
    uint32_t code = jx_next_code(&r->p);
    if (code < 0x10000) return (int32_t)code;
    r->half = 0xdc00 | (code & 0x3ff);
    return (int32_t)(0xd800 | (code - 0x10000) >> 10);
}

// ASCII syntax is looked at without reading it.
static inline int peek(const struct reader *r, size_t ahead) {
    return !r->half && (size_t)(r->end - r->p) > ahead ? (uint8_t)r->p[ahead] : -1;
}

static bool accept(struct reader *r, char c) {
    if (peek(r, 0) != c) return false;
    r->p++;
    return true;
}

static bool is_digit(int c) { return c >= '0' && c <= '9'; }
static bool is_letter(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static void put(struct reader *r, const char *text) { asl_buffer_z(r->out, text); }

static void put_unit(struct reader *r, uint32_t unit) {
    if (is_digit((int)unit) || is_letter((int)unit)) asl_buffer_byte(r->out, (char)unit);
    else asl_buffer_format(r->out, "\\x{%x}", unit);
}

#define NOTHING "(?:(?!))" // matches nowhere, and may be quantified

// Without the u flag no case relates ASCII to anything else: k is not U+212A, s is not U+017F. To PCRE2 they are.
#define KELVIN 0x212a
#define LONG_S 0x17f

static void put_literal(struct reader *r, uint32_t unit) {
    if (unit > 0x7f && !r->utf) {
        put(r, NOTHING);
    } else if (r->utf && r->ignore_case && (unit == KELVIN || unit == LONG_S)) {
        asl_buffer_format(r->out, "(?-i:\\x{%x})", unit);
    } else if (r->utf && r->ignore_case && unit < 0x80 && strchr("kKsS", (int)unit) && unit) {
        put(r, (unit | 0x20) == 'k' ? "(?-i:[kK])" : "(?-i:[sS])");
    } else {
        put_unit(r, unit);
    }
}

// ---------------------------------------------------------------- sets of characters

struct range {
    uint32_t first, last;
};
static const struct range digits[] = {{'0', '9'}}, words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
                          spaces[] = {{9, 13},           {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680},
                                      {0x2000, 0x200a},  {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
                                      {0x3000, 0x3000},  {0xfeff, 0xfeff}};

enum { SEEN_K = 1, SEEN_S = 2, SEEN_KELVIN = 4, SEEN_LONG_S = 8 };

static bool meets(uint32_t first, uint32_t last, uint32_t unit) { return first <= unit && unit <= last; }

static void put_range(struct reader *r, uint32_t first, uint32_t last) {
    if (meets(first, last, 'k') || meets(first, last, 'K')) r->seen |= SEEN_K;
    if (meets(first, last, 's') || meets(first, last, 'S')) r->seen |= SEEN_S;
    if (meets(first, last, KELVIN)) r->seen |= SEEN_KELVIN;
    if (meets(first, last, LONG_S)) r->seen |= SEEN_LONG_S;
    if (!r->utf) {
        if (first > 0x7f) return;
        if (last > 0x7f) last = 0x7f;
    }
    put_unit(r, first);
    if (last == first) return;
    asl_buffer_byte(r->out, '-');
    put_unit(r, last);
}

// The inside of a class for \d, \w, \s; capitals are what lies between their ranges.
static void put_set(struct reader *r, int letter) {
    const struct range *set = digits;
    size_t count = 1;
    if ((letter | 0x20) == 'w') set = words, count = sizeof words / sizeof *words;
    if ((letter | 0x20) == 's') set = spaces, count = sizeof spaces / sizeof *spaces;
    if (letter & 0x20) {
        for (size_t i = 0; i < count; i++) put_range(r, set[i].first, set[i].last);
        return;
    }
    uint32_t from = 0;
    for (size_t i = 0; i < count; i++) {
        if (set[i].first > from) put_range(r, from, set[i].first - 1);
        from = set[i].last + 1;
    }
    put_range(r, from, 0xffff);
}

static bool is_set(int c) { return c > 0 && strchr("dDwWsS", c); }

// ---------------------------------------------------------------- escapes

static int hex_value(int c) {
    if (is_digit(c)) return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') return (c | 0x20) - 'a' + 10;
    return -1;
}

// n hexadecimal digits, or nothing.
static bool read_hex(struct reader *r, int n, uint32_t *unit) {
    uint32_t value = 0;
    for (int i = 0; i < n; i++) {
        int digit = hex_value(peek(r, (size_t)i));
        if (digit < 0) return false;
        value = value << 4 | (uint32_t)digit;
    }
    r->p += n;
    *unit = value;
    return true;
}

// The character that an escape stands for, behind its backslash; in_class: \b is one there, and \c takes more.
static uint32_t read_escape(struct reader *r, bool in_class) {
    uint32_t unit;
    int c = peek(r, 0);
    switch (c) {
    case 't': r->p++; return '\t';
    case 'n': r->p++; return '\n';
    case 'v': r->p++; return '\v';
    case 'f': r->p++; return '\f';
    case 'r': r->p++; return '\r';
    case 'b':
        r->p++;
        return in_class ? '\b' : 'b';
    case 'x':
    case 'u':
        r->p++;
        return read_hex(r, c == 'x' ? 2 : 4, &unit) ? unit : (uint32_t)c;
    case 'c': {
        int letter = peek(r, 1);
        if (is_letter(letter) || (in_class && (is_digit(letter) || letter == '_'))) {
            r->p += 2;
            return (uint32_t)letter & 31;
        }
        return '\\'; // and c is read next
    }
    default: break;
    }
    if (c >= '0' && c <= '7') { // octal, at most 0377
        uint32_t value = 0;
        for (int i = 0; i < 3 && peek(r, 0) >= '0' && peek(r, 0) <= '7'; i++) {
            uint32_t more = value * 8 + (uint32_t)(peek(r, 0) - '0');
            if (more > 0377) break;
            value = more;
            r->p++;
        }
        return value;
    }
    return (uint32_t)next_unit(r);
}

// \1 and so on, behind the backslash: a group's number when there is one; the digits stay when there is none.
static bool read_group_number(struct reader *r, uint32_t *number) {
    uint64_t value = 0;
    size_t n = 0;
    if (peek(r, 0) == '0') return false;
    for (; is_digit(peek(r, n)); n++) {
        if (value < 100000) value = value * 10 + (uint64_t)(peek(r, n) - '0');
    }
    if (n == 0 || value > r->groups) return false;
    r->p += n;
    *number = (uint32_t)value;
    return true;
}

// ---------------------------------------------------------------- classes

// One member of a class: a unit, or (returns true) the letter of a set.
static bool read_member(struct reader *r, uint32_t *unit, bool *set) {
    int32_t c = next_unit(r);
    if (c < 0) return false;
    *set = false;
    *unit = (uint32_t)c;
    if (c != '\\') return true;
    if (is_set(peek(r, 0))) {
        *set = true;
        *unit = (uint8_t)*r->p++;
        return true;
    }
    if (r->p == r->end && !r->half) return false;
    *unit = read_escape(r, true);
    return true;
}

// What a class of either case would wrongly hold, or not, is put right round it: k and U+212A, s and U+017F.
static void amend_class(struct reader *r, size_t start, bool negated) {
    char wrong[40] = "";
    if ((r->seen & SEEN_K) && !(r->seen & SEEN_KELVIN)) strcat(wrong, "\\x{212a}");
    if ((r->seen & SEEN_S) && !(r->seen & SEEN_LONG_S)) strcat(wrong, "\\x{17f}");
    if (!(r->seen & SEEN_K) && (r->seen & SEEN_KELVIN)) strcat(wrong, "kK");
    if (!(r->seen & SEEN_S) && (r->seen & SEEN_LONG_S)) strcat(wrong, "sS");
    if (!*wrong) return;
    asl_buffer class = {0};
    asl_buffer_add(&class, r->out->data + start, r->out->size - start);
    r->out->size = start;
    asl_buffer_format(r->out, negated ? "(?:(?-i:[%s])|%.*s)" : "(?:(?!(?-i:[%s]))%.*s)", wrong, (int)class.size, class.data);
    asl_buffer_free(&class);
}

static int read_class(struct reader *r) {
    bool negated = accept(r, '^');
    size_t start = r->out->size;
    put(r, negated ? "[^" : "[");
    size_t empty = r->out->size;
    r->seen = 0;
    while (!accept(r, ']')) {
        uint32_t first, last;
        bool first_set, last_set;
        if (!read_member(r, &first, &first_set)) return refuse(r, "Unterminated character class");
        if (peek(r, 0) != '-' || peek(r, 1) == ']' || peek(r, 1) < 0) {
            if (first_set) put_set(r, (int)first);
            else put_range(r, first, first);
            continue;
        }
        r->p++;
        if (!read_member(r, &last, &last_set)) return refuse(r, "Unterminated character class");
        if (first_set || last_set) { // a set is no end of a range: the hyphen is a member
            if (first_set) put_set(r, (int)first);
            else put_range(r, first, first);
            put_range(r, '-', '-');
            if (last_set) put_set(r, (int)last);
            else put_range(r, last, last);
            continue;
        }
        if (first > last) return refuse(r, "Range out of order in character class");
        put_range(r, first, last);
    }
    if (r->out->size == empty) {
        r->out->size = start;
        put(r, negated ? (r->utf ? "[\\x{0}-\\x{ffff}]" : "[\\x{0}-\\x{7f}]") : NOTHING);
    } else {
        put(r, "]");
        if (r->utf && r->ignore_case) amend_class(r, start, negated);
    }
    return 0;
}

// ---------------------------------------------------------------- groups

// What is left of a name, behind (?< or \k<: its bytes, or none.
static asl_str read_name(struct reader *r) {
    const char *start = r->p, *close = memchr(start, '>', (size_t)(r->end - start));
    if (!close || close == start || is_digit((uint8_t)*start)) return (asl_str){NULL, 0};
    for (const char *p = start; p < close; p++) {
        if ((uint8_t)*p < 0x80 && !is_letter((uint8_t)*p) && !is_digit((uint8_t)*p) && *p != '_' && *p != '$') {
            return (asl_str){NULL, 0};
        }
    }
    r->p = close + 1;
    return (asl_str){start, (size_t)(close - start)};
}

// Goes to the next group that captures; its name, if it has one. False at the end.
static bool next_group(const char **p, const char *end, asl_str *name) {
    bool in_class = false;
    while (*p < end) {
        char c = *(*p)++;
        if (c == '\\') {
            if (*p < end) ++*p;
        } else if (in_class) {
            in_class = c != ']';
        } else if (c == '[') {
            in_class = true;
        } else if (c == '(') {
            *name = (asl_str){NULL, 0};
            if (*p == end || **p != '?') return true;
            if (end - *p < 3 || (*p)[1] != '<' || (*p)[2] == '=' || (*p)[2] == '!') continue;
            const char *close = memchr(*p + 2, '>', (size_t)(end - *p - 2));
            if (close) *name = (asl_str){*p + 2, (size_t)(close - *p - 2)};
            return true;
        }
    }
    return false;
}

// The number of the group with this name, 0 when there is none; has_names: whether any group has one.
static uint32_t named_group(asl_str pattern, asl_str name, uint32_t *times, bool *has_names) {
    const char *p = pattern.data, *end = p + pattern.size;
    uint32_t number = 0, found = 0;
    asl_str other;
    *times = 0;
    *has_names = false;
    while (next_group(&p, end, &other)) {
        number++;
        *has_names |= other.size != 0;
        if (!name.size || !asl_str_equal(name, other)) continue;
        if (!found) found = number;
        ++*times;
    }
    return found;
}

// Behind '(': the kind of group, as the letter that open_groups keeps: c captures or just groups, a looks ahead, b behind.
static char read_group(struct reader *r, asl_str pattern) {
    if (!accept(r, '?')) {
        put(r, "(");
        return 'c';
    }
    if (accept(r, ':')) {
        put(r, "(?:");
        return 'c';
    }
    if (peek(r, 0) == '=' || peek(r, 0) == '!') {
        asl_buffer_format(r->out, "(?%c", *r->p++);
        return 'a';
    }
    if (accept(r, '<')) {
        if (peek(r, 0) == '=' || peek(r, 0) == '!') {
            asl_buffer_format(r->out, "(?<%c", *r->p++);
            return 'b';
        }
        uint32_t times;
        bool has_names;
        asl_str name = read_name(r);
        if (!name.size) return refuse(r, "Invalid capture group name"), 0;
        named_group(pattern, name, &times, &has_names);
        if (times > 1) return refuse(r, "Duplicate capture group name"), 0;
        put(r, "(");
        return 'c';
    }
    return refuse(r, "Invalid group"), 0;
}

// ---------------------------------------------------------------- quantifiers

// {n}, {n,}, {n,m} at p, behind '{': moves on when it is one.
static bool read_counts(struct reader *r, uint64_t *least, uint64_t *most) {
    const char *p = r->p;
    uint64_t value[2] = {0, UINT64_MAX};
    for (int i = 0; i < 2; i++) {
        const char *digit = p;
        uint64_t n = 0;
        for (; p < r->end && is_digit((uint8_t)*p); p++) {
            if (n < UINT32_MAX) n = n * 10 + (uint64_t)(*p - '0');
        }
        if (p == digit && i == 0) return false;
        if (p > digit) value[i] = n;
        if (p == r->end) return false;
        if (*p == '}') {
            if (i == 0) value[1] = n;
            break;
        }
        if (i == 1 || *p != ',') return false;
        p++;
    }
    r->p = p + 1;
    *least = value[0], *most = value[1];
    return true;
}

#define REPEAT_MAX 65535 // PCRE2's largest count; more than that in one subject is not told apart from any number

// A quantifier that begins with c. 1 when there was one, 0 when '{' is a plain character.
static int read_quantifier(struct reader *r, int c, bool atom) {
    uint64_t least = c == '+', most = c == '?' ? 1 : UINT64_MAX;
    if (c == '{' && !read_counts(r, &least, &most)) return 0;
    if (!atom) return refuse(r, "Nothing to repeat");
    if (least > most) return refuse(r, "numbers out of order in {} quantifier");
    if (least > REPEAT_MAX) return refuse(r, "Regular expression too large");
    if (c != '{') asl_buffer_byte(r->out, (char)c);
    else if (most == least) asl_buffer_format(r->out, "{%u}", (unsigned)least);
    else if (most > REPEAT_MAX) asl_buffer_format(r->out, "{%u,}", (unsigned)least);
    else asl_buffer_format(r->out, "{%u,%u}", (unsigned)least, (unsigned)most);
    if (accept(r, '?')) put(r, "?");
    return 1;
}

// ---------------------------------------------------------------- the whole

// Behind a backslash outside a class. *atom: whether a quantifier may follow.
static int read_escaped_term(struct reader *r, asl_str pattern, bool *atom) {
    int c = peek(r, 0);
    uint32_t number;
    *atom = true;
    if (r->p == r->end && !r->half) return refuse(r, "\\ at end of pattern");
    if (c == 'b' || c == 'B') {
        r->p++;
        asl_buffer_format(r->out, "\\%c", c);
        *atom = false;
        return 0;
    }
    if (is_set(c)) {
        r->p++;
        if (r->utf && (c | 0x20) == 's') {
            put(r, c == 's' ? "[" : "[^");
            put_set(r, 's');
            put(r, "]");
        } else {
            asl_buffer_format(r->out, "\\%c", c);
        }
        return 0;
    }
    if (is_digit(c) && read_group_number(r, &number)) {
        asl_buffer_format(r->out, "\\g{%u}", (unsigned)number);
        return 0;
    }
    if (c == 'k') {
        uint32_t times;
        bool has_names;
        named_group(pattern, (asl_str){NULL, 0}, &times, &has_names);
        if (has_names) {
            r->p++;
            if (!accept(r, '<')) return refuse(r, "Invalid named reference");
            asl_str name = read_name(r);
            if (!name.size) return refuse(r, "Invalid named reference");
            number = named_group(pattern, name, &times, &has_names);
            if (!number) return refuse(r, "Invalid named capture referenced");
            asl_buffer_format(r->out, "\\g{%u}", (unsigned)number);
            return 0;
        }
    }
    put_literal(r, read_escape(r, false));
    return 0;
}

static int read_pattern(struct reader *r, asl_str pattern) {
    char open[NESTING_MAX];
    size_t depth = 0;
    bool atom = false;
    for (int32_t c; (c = next_unit(r)) >= 0;) {
        switch (c) {
        case '|':
            put(r, "|");
            atom = false;
            break;
        case '(':
            if (depth == NESTING_MAX) return refuse(r, "Regular expression too large");
            open[depth] = read_group(r, pattern);
            if (!open[depth++]) return -1;
            atom = false;
            break;
        case ')':
            if (depth == 0) return refuse(r, "Unmatched ')'");
            put(r, ")");
            atom = open[--depth] != 'b';
            break;
        // Only LF, CR, U+2028 and U+2029 end lines, and each by itself: none of PCRE2's settings is the same.
        case '^':
            put(r, !r->multiline ? "^" : r->utf ? "(?<![^\\n\\r\\x{2028}\\x{2029}])" : "(?<![^\\n\\r])");
            atom = false;
            break;
        case '$':
            put(r, !r->multiline ? "$" : r->utf ? "(?![^\\n\\r\\x{2028}\\x{2029}])" : "(?![^\\n\\r])");
            atom = false;
            break;
        case '.':
            put(r, r->utf ? "[^\\n\\r\\x{2028}\\x{2029}]" : "[^\\n\\r]");
            atom = true;
            break;
        case '[':
            if (read_class(r) < 0) return -1;
            atom = true;
            break;
        case '\\':
            if (read_escaped_term(r, pattern, &atom) < 0) return -1;
            break;
        case '*':
        case '+':
        case '?':
        case '{': {
            int rc = read_quantifier(r, c, atom);
            if (rc < 0) return -1;
            if (rc == 0) put_literal(r, '{');
            atom = rc == 0;
            break;
        }
        default:
            put_literal(r, (uint32_t)c);
            atom = true;
        }
    }
    return depth ? refuse(r, "Unterminated group") : 0;
}

int jx_pattern(asl_str pattern, bool utf, bool ignore_case, bool multiline, asl_buffer *out, uint32_t *groups,
               const char **message) {
    struct reader r = {.p = pattern.data, .end = pattern.data + pattern.size, .out = out};
    r.utf = utf, r.ignore_case = ignore_case, r.multiline = multiline;
    const char *p = r.p;
    asl_str name;
    while (next_group(&p, r.end, &name)) r.groups++;
    *groups = r.groups;
    int rc = read_pattern(&r, pattern);
    *message = r.message;
    return rc;
}
