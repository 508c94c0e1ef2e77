// Regular expressions, matched as sets of states (Thompson's construction): linear in the text for every pattern, since a
// definition's author decides on the pattern but not on the text.
//
//     a(b|c)*d    0 CHAR a          parser: one instruction an atom, jumps relative, so that a piece of program can be
//                 1 SPLIT +1 +6     moved or copied as it is (a{2,3} is its atom copied)
//                 2 SPLIT +1 +3
//                 3 CHAR b          matcher: the set of instructions that may come next, moved along by one character
//                 4 JUMP +2         at a time
//                 5 CHAR c
//                 6 JUMP -5
//                 7 CHAR d
//                 8 MATCH
//
// The syntax is the part of java.util.regex that needs no memory of the match: literals, . * + ? {n,m} and their lazy
// forms, classes, groups, alternation, anchors, \d \w \s \b. Everything else is refused with its name.
#include "regex.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PROGRAM = 5000, MAX_GROUPS = 50, MAX_REPEAT = 1000 };

enum opcode { CHAR, ANY, CLASS, SPLIT, JUMP, LINE_START, LINE_END, TEXT_START, TEXT_END, WORD_EDGE, NO_WORD_EDGE, MATCH };

struct instruction {
    enum opcode op;
    uint32_t arg; // CHAR: code point; CLASS: its number
    int32_t x, y; // SPLIT, JUMP: relative
};

struct range {
    uint32_t from, to;
};

struct class {
    struct range *ranges;
    size_t count, capacity;
    bool negated;
};

struct asl__regex {
    struct instruction *program;
    size_t count, capacity;
    struct class *classes;
    size_t class_count;
    unsigned flags;
};

struct parser {
    struct asl__regex *regex;
    const char *start, *p, *end;
    unsigned groups; // nesting
    bool failed;
    size_t offset;
    char *message;
    size_t message_size;
};

__attribute__((format(printf, 3, 4))) static void fail(struct parser *r, const char *at, const char *format, ...) {
    if (r->failed) return;
    r->failed = true;
    r->offset = (size_t)(at - r->start);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->message, r->message_size, format, arguments);
    va_end(arguments);
}

// ---------------------------------------------------------------- characters

static uint32_t code_point(const char **p, const char *end) {
    const unsigned char *s = (const unsigned char *)*p;
    size_t left = (size_t)(end - *p);
    size_t size = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 1;
    if (size > left) size = 1;
    *p += size;
    switch (size) {
    case 2: return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    case 3: return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    case 4: return (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
    default: return s[0];
    }
}

static uint32_t lower(uint32_t c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }
static uint32_t upper(uint32_t c) { return c >= 'a' && c <= 'z' ? c - 32 : c; }
static bool is_word(uint32_t c) { return (c >= '0' && c <= '9') || c == '_' || (lower(c) >= 'a' && lower(c) <= 'z'); }
static bool is_line_end(uint32_t c) { return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029; }

// ---------------------------------------------------------------- building the program

static struct instruction *emit(struct parser *r, size_t at, enum opcode op) {
    struct asl__regex *g = r->regex;
    static struct instruction waste;
    if (g->count == MAX_PROGRAM) {
        fail(r, r->p, "the regular expression is too large");
        return &waste; // written to, never read
    }
    if (g->count == g->capacity) {
        g->capacity = g->capacity ? g->capacity * 2 : 32;
        g->program = asl_realloc(g->program, g->capacity * sizeof *g->program);
    }
    memmove(&g->program[at + 1], &g->program[at], (g->count - at) * sizeof *g->program);
    g->count++;
    g->program[at] = (struct instruction){.op = op};
    return &g->program[at];
}

static struct instruction *append(struct parser *r, enum opcode op) { return emit(r, r->regex->count, op); }

static void append_copy(struct parser *r, size_t from, size_t size) {
    for (size_t i = 0; i < size && !r->failed; i++) {
        struct instruction copy = r->regex->program[from + i];
        *append(r, copy.op) = copy;
    }
}

static struct class *class_new(struct parser *r) {
    struct asl__regex *g = r->regex;
    g->classes = asl_realloc(g->classes, (g->class_count + 1) * sizeof *g->classes);
    g->classes[g->class_count] = (struct class){0};
    return &g->classes[g->class_count++];
}

static void class_add(struct class *c, uint32_t from, uint32_t to) {
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? c->capacity * 2 : 8;
        c->ranges = asl_realloc(c->ranges, c->capacity * sizeof *c->ranges);
    }
    c->ranges[c->count++] = (struct range){from, to};
}

// \d \D \w \W \s \S; false when c is none of them.
static bool class_add_named(struct class *class, char c) {
    static const struct range digit[] = {{'0', '9'}}, word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
                              space[] = {{'\t', '\r'}, {' ', ' '}};
    const struct range *ranges;
    size_t count;
    switch (c) {
    case 'd': case 'D': ranges = digit, count = 1; break;
    case 'w': case 'W': ranges = word, count = 4; break;
    case 's': case 'S': ranges = space, count = 2; break;
    default: return false;
    }
    if (c >= 'a') {
        for (size_t i = 0; i < count; i++) class_add(class, ranges[i].from, ranges[i].to);
        return true;
    }
    uint32_t next = 0; // what lies between the ranges
    for (size_t i = 0; i < count; i++) {
        class_add(class, next, ranges[i].from - 1);
        next = ranges[i].to + 1;
    }
    class_add(class, next, 0x10ffff);
    return true;
}

static uint32_t hex(struct parser *r, int digits) {
    uint32_t n = 0;
    for (int i = 0; i < digits; i++, r->p++) {
        char c = r->p < r->end ? *r->p : 0;
        uint32_t lowered = lower((unsigned char)c);
        if (c >= '0' && c <= '9') n = n * 16 + (uint32_t)(c - '0');
        else if (lowered >= 'a' && lowered <= 'f') n = n * 16 + (lowered - 'a' + 10);
        else {
            fail(r, r->p, "expected %d hexadecimal digits after the backslash", digits);
            return 0;
        }
    }
    return n;
}

// The character an escape stands for; the backslash has been read and something follows. Class escapes and anchors have
// been dealt with before.
static uint32_t escaped_character(struct parser *r) {
    const char *at = r->p - 1;
    uint32_t c = code_point(&r->p, r->end);
    switch (c) {
    case 't': return '\t';
    case 'n': return '\n';
    case 'r': return '\r';
    case 'f': return '\f';
    case 'a': return 7;
    case 'e': return 27;
    case 'x': return hex(r, 2);
    case 'u': return hex(r, 4);
    default: break;
    }
    if (c >= '1' && c <= '9') fail(r, at, "back references are not supported in filters");
    else if (c == 'p' || c == 'P') fail(r, at, "\\p{…} is not supported in filters");
    else if (c == '0' || (is_word(c) && c != '_')) fail(r, at, "the escape \\%c is not supported in filters", (char)c);
    return c;
}

static void parse_class(struct parser *r) { // "[" has been read
    const char *open = r->p - 1;
    struct asl__regex *g = r->regex;
    uint32_t number = (uint32_t)g->class_count;
    struct class *class = class_new(r);
    if (r->p < r->end && *r->p == '^') class->negated = true, r->p++;
    for (bool first = true;; first = false) {
        if (r->p == r->end) {
            fail(r, open, "this \"[\" is never closed");
            return;
        }
        if (*r->p == ']' && !first) break;
        if (*r->p == '[' || (*r->p == '&' && r->p + 1 < r->end && r->p[1] == '&')) {
            fail(r, r->p, "a class inside a class is not supported in filters: write \\%c for the character", *r->p);
            return;
        }
        const char *at = r->p;
        uint32_t from = code_point(&r->p, r->end);
        if (from == '\\') {
            if (r->p == r->end) continue;
            if (class_add_named(class, *r->p)) {
                r->p++;
                continue;
            }
            from = escaped_character(r);
        }
        uint32_t to = from;
        if (r->end - r->p > 1 && r->p[0] == '-' && r->p[1] != ']') {
            r->p++;
            to = code_point(&r->p, r->end);
            if (to == '\\' && r->p < r->end) to = escaped_character(r);
            if (to < from) fail(r, at, "the range in the class runs backwards");
        }
        if (r->failed) return;
        class_add(class, from, to);
    }
    r->p++;
    append(r, CLASS)->arg = number;
}

static void parse_alternatives(struct parser *r);

static void parse_group(struct parser *r) { // "(" has been read
    const char *open = r->p - 1;
    if (r->groups == MAX_GROUPS) {
        fail(r, open, "groups are nested too deeply");
        return;
    }
    if (r->p < r->end && *r->p == '?') {
        if (r->end - r->p < 2 || r->p[1] != ':') {
            fail(r, open, "only plain groups and (?:…) are supported in filters");
            return;
        }
        r->p += 2;
    }
    r->groups++;
    parse_alternatives(r);
    r->groups--;
    if (r->p == r->end || *r->p != ')') fail(r, open, "this \"(\" is never closed");
    else r->p++;
}

static void parse_escape(struct parser *r) { // the backslash has been read
    if (r->p == r->end) {
        fail(r, r->p - 1, "the regular expression ends in a backslash");
        return;
    }
    enum opcode anchor = MATCH;
    switch (*r->p) {
    case 'b': anchor = WORD_EDGE; break;
    case 'B': anchor = NO_WORD_EDGE; break;
    case 'A': anchor = TEXT_START; break;
    case 'z': case 'Z': anchor = TEXT_END; break;
    default: break;
    }
    if (anchor != MATCH) {
        r->p++;
        append(r, anchor);
        return;
    }
    if (strchr("dDwWsS", *r->p) && *r->p) {
        uint32_t number = (uint32_t)r->regex->class_count;
        class_add_named(class_new(r), *r->p++);
        append(r, CLASS)->arg = number;
        return;
    }
    uint32_t c = escaped_character(r);
    append(r, CHAR)->arg = c;
}

// {n}, {n,} or {n,m}; false when the brace is no quantifier.
static bool parse_counts(struct parser *r, unsigned *least, int *most) {
    const char *p = r->p + 1;
    unsigned n[2] = {0, 0};
    bool given[2] = {false, false}, comma = false;
    for (int i = 0; i < 2; i++) {
        for (; p < r->end && *p >= '0' && *p <= '9'; p++) {
            given[i] = true;
            if (n[i] <= MAX_REPEAT) n[i] = n[i] * 10 + (unsigned)(*p - '0');
        }
        if (i == 0 && p < r->end && *p == ',') comma = true, p++;
        else break;
    }
    if (!given[0] || p == r->end || *p != '}') return false;
    if (n[0] > MAX_REPEAT || n[1] > MAX_REPEAT) fail(r, r->p, "more than %d repetitions", MAX_REPEAT);
    if (given[1] && n[1] < n[0]) fail(r, r->p, "the repetition runs backwards");
    *least = n[0];
    *most = !comma ? (int)n[0] : given[1] ? (int)n[1] : -1;
    r->p = p + 1;
    return true;
}

// The atom is program[start…]; repeat it.
static void repeat(struct parser *r, size_t start, unsigned least, int most) {
    size_t size = r->regex->count - start;
    if (most == 0) {
        r->regex->count = start;
        return;
    }
    for (unsigned i = 1; i < least; i++) append_copy(r, start, size);
    if (most < 0) {
        if (least == 0) { // L: SPLIT +1 past; atom; JUMP L
            struct instruction *split = emit(r, start, SPLIT);
            split->x = 1, split->y = (int32_t)size + 2;
            append(r, JUMP)->x = -(int32_t)size - 1;
        } else { // atom; SPLIT back on
            struct instruction *split = append(r, SPLIT);
            split->x = -(int32_t)size, split->y = 1;
        }
        return;
    }
    if (least == 0) {
        struct instruction *split = emit(r, start, SPLIT);
        split->x = 1, split->y = (int32_t)size + 1;
        start++;
        least = 1;
    }
    for (int i = (int)least; i < most && !r->failed; i++) {
        struct instruction *split = append(r, SPLIT);
        split->x = 1, split->y = (int32_t)size + 1;
        append_copy(r, start, size);
    }
}

static void parse_quantifier(struct parser *r, size_t start) {
    unsigned least = 0;
    int most = -1;
    const char *at = r->p;
    switch (r->p < r->end ? *r->p : 0) {
    case '*': r->p++; break;
    case '+': least = 1, r->p++; break;
    case '?': most = 1, r->p++; break;
    case '{':
        if (parse_counts(r, &least, &most)) break;
        return;
    default: return;
    }
    if (r->failed) return;
    repeat(r, start, least, most);
    if (r->p < r->end && *r->p == '?') r->p++; // lazy: which way a match is found does not matter when all must match
    else if (r->p < r->end && *r->p == '+') fail(r, at, "possessive quantifiers are not supported in filters");
    if (r->p < r->end && (*r->p == '*' || *r->p == '+' || *r->p == '?')) fail(r, r->p, "nothing to repeat before \"%c\"", *r->p);
}

static void parse_sequence(struct parser *r) {
    while (r->p < r->end && *r->p != '|' && *r->p != ')' && !r->failed) {
        size_t start = r->regex->count;
        const char *at = r->p;
        uint32_t c = code_point(&r->p, r->end);
        switch (c) {
        case '[': parse_class(r); break;
        case '(': parse_group(r); break;
        case '\\': parse_escape(r); break;
        case '.': append(r, ANY); break;
        case '^': append(r, r->regex->flags & ASL__REGEX_MULTILINE ? LINE_START : TEXT_START); continue;
        case '$': append(r, r->regex->flags & ASL__REGEX_MULTILINE ? LINE_END : TEXT_END); continue;
        case '*': case '+': case '?': fail(r, at, "nothing to repeat before \"%c\"", (char)c); break;
        default: append(r, CHAR)->arg = c; break;
        }
        if (!r->failed) parse_quantifier(r, start);
    }
}

// a|b|c: each alternative but the last gets a SPLIT in front and a JUMP to the end behind; the jumps are chained through
// x until the end is known.
static void parse_alternatives(struct parser *r) {
    int32_t last_jump = -1;
    for (;;) {
        size_t start = r->regex->count;
        parse_sequence(r);
        if (r->failed || r->p == r->end || *r->p != '|') break;
        r->p++;
        struct instruction *split = emit(r, start, SPLIT);
        split->x = 1, split->y = (int32_t)(r->regex->count - start) + 1;
        append(r, JUMP)->x = last_jump;
        last_jump = (int32_t)r->regex->count - 1;
    }
    while (last_jump >= 0 && !r->failed) {
        struct instruction *jump = &r->regex->program[last_jump];
        int32_t before = jump->x;
        jump->x = (int32_t)r->regex->count - last_jump;
        last_jump = before;
    }
}

struct asl__regex *asl__regex_new(asl_str pattern, unsigned flags, size_t *offset, char *message, size_t message_size) {
    struct asl__regex *regex = asl_calloc(1, sizeof *regex);
    regex->flags = flags;
    struct parser r = {.regex = regex, .start = pattern.data, .p = pattern.data, .end = pattern.data + pattern.size,
                       .message = message, .message_size = message_size};
    parse_alternatives(&r);
    if (!r.failed && r.p < r.end) fail(&r, r.p, "unbalanced \")\"");
    if (!r.failed) append(&r, MATCH);
    if (!r.failed) return regex;
    *offset = r.offset;
    asl__regex_free(regex);
    return NULL;
}

void asl__regex_free(struct asl__regex *regex) {
    if (!regex) return;
    for (size_t i = 0; i < regex->class_count; i++) asl_free(regex->classes[i].ranges);
    asl_free(regex->classes);
    asl_free(regex->program);
    asl_free(regex);
}

// ---------------------------------------------------------------- matching

static bool in_ranges(const struct class *class, uint32_t c) {
    for (size_t i = 0; i < class->count; i++)
        if (c >= class->ranges[i].from && c <= class->ranges[i].to) return true;
    return false;
}

static bool accepts(const struct asl__regex *g, const struct instruction *in, uint32_t c) {
    bool fold = g->flags & ASL__REGEX_IGNORE_CASE;
    switch (in->op) {
    case CHAR: return c == in->arg || (fold && lower(c) == lower(in->arg));
    case ANY: return g->flags & ASL__REGEX_DOT_ALL || !is_line_end(c);
    case CLASS: {
        const struct class *class = &g->classes[in->arg];
        bool in_it = in_ranges(class, c) || (fold && (in_ranges(class, lower(c)) || in_ranges(class, upper(c))));
        return in_it != class->negated;
    }
    case SPLIT: case JUMP: case LINE_START: case LINE_END: case TEXT_START: case TEXT_END: case WORD_EDGE:
    case NO_WORD_EDGE: case MATCH: return false;
    }
    return false;
}

enum { EDGE = 0xffffffff }; // before the first and after the last character

static bool anchor_holds(enum opcode op, uint32_t before, uint32_t after) {
    bool edge = (before != EDGE && is_word(before)) != (after != EDGE && is_word(after));
    switch (op) {
    case LINE_START: return before == EDGE || is_line_end(before);
    case LINE_END: return after == EDGE || is_line_end(after);
    case TEXT_START: return before == EDGE;
    case TEXT_END: return after == EDGE;
    case WORD_EDGE: return edge;
    case NO_WORD_EDGE: return !edge;
    case CHAR: case ANY: case CLASS: case SPLIT: case JUMP: case MATCH: return true;
    }
    return true;
}

struct set { // of instruction numbers; member[i] is the step at which i was added last
    uint32_t *items, *member;
    size_t count;
};

// Adds an instruction and, since jumps and anchors take no character, whatever is reached through it.
static void add(const struct asl__regex *g, struct set *set, uint32_t step, uint32_t *stack, uint32_t first, uint32_t before,
                uint32_t after) {
    size_t depth = 0;
    stack[depth++] = first;
    while (depth > 0) {
        uint32_t i = stack[--depth];
        if (set->member[i] == step) continue;
        set->member[i] = step;
        const struct instruction *in = &g->program[i];
        switch (in->op) {
        case SPLIT:
            stack[depth++] = (uint32_t)((int32_t)i + in->y);
            stack[depth++] = (uint32_t)((int32_t)i + in->x);
            break;
        case JUMP: stack[depth++] = (uint32_t)((int32_t)i + in->x); break;
        case LINE_START: case LINE_END: case TEXT_START: case TEXT_END: case WORD_EDGE: case NO_WORD_EDGE:
            if (anchor_holds(in->op, before, after)) stack[depth++] = i + 1;
            break;
        case CHAR: case ANY: case CLASS: case MATCH: set->items[set->count++] = i; break;
        }
    }
}

bool asl__regex_matches(const struct asl__regex *g, asl_str text) {
    // Two sets, and a stack: every instruction pushes at most two and is expanded at most once a step.
    uint32_t *memory = asl_calloc(g->count * 6 + 2, sizeof *memory);
    struct set now = {memory, memory + g->count, 0}, next = {memory + 2 * g->count, memory + 3 * g->count, 0};
    uint32_t *stack = memory + 4 * g->count, step = 1;
    const char *p = text.data, *end = text.data + text.size, *peek = p;
    uint32_t before = EDGE, c = p < end ? code_point(&peek, end) : EDGE;
    add(g, &now, step, stack, 0, before, c);
    while (p < end && now.count > 0) {
        p = peek;
        uint32_t after = p < end ? code_point(&peek, end) : EDGE;
        next.count = 0;
        if (++step == 0) break; // 4 GiB of text: no match
        for (size_t i = 0; i < now.count; i++)
            if (accepts(g, &g->program[now.items[i]], c)) add(g, &next, step, stack, now.items[i] + 1, c, after);
        struct set swap = now;
        now = next, next = swap;
        c = after;
    }
    bool matched = false;
    for (size_t i = 0; p == end && i < now.count; i++) matched = matched || g->program[now.items[i]].op == MATCH;
    asl_free(memory);
    return matched;
}
