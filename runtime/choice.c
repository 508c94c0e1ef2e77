// The data tests of Choice rules (asl-language.md 8.3): each is a plain question with a plain answer. A value of another
// type than the operator's makes the test false, never an error; a missing one has failed before we get here, except
// for IsPresent.
#include <string.h>

#include "query.h"

// ---------------------------------------------------------------- StringMatches

// One element of the pattern: a wildcard or one literal byte. `\*` and `\\` stand for the characters themselves; a
// backslash before anything else stands for itself, since the test has no way to fail.
struct element {
    bool star;
    char literal;
    size_t size; // in the pattern
};

static struct element element_at(asl_str pattern, size_t i) {
    char c = pattern.data[i];
    if (c == '*') return (struct element){.star = true, .size = 1};
    if (c == '\\' && i + 1 < pattern.size && (pattern.data[i + 1] == '*' || pattern.data[i + 1] == '\\'))
        return (struct element){.literal = pattern.data[i + 1], .size = 2};
    return (struct element){.literal = c, .size = 1};
}

// A star first takes nothing; when what follows fails, the last star takes one byte more. Going back to earlier stars is
// never needed: whatever they could take, the last one can.
bool asl__string_matches(asl_str text, asl_str pattern) {
    size_t t = 0, p = 0, after_star = 0, resume = 0;
    bool star_seen = false;
    while (t < text.size || p < pattern.size) {
        if (p < pattern.size) {
            struct element e = element_at(pattern, p);
            if (e.star) {
                star_seen = true;
                after_star = p += e.size;
                resume = t;
                continue;
            }
            if (t < text.size && e.literal == text.data[t]) {
                p += e.size;
                t++;
                continue;
            }
        }
        if (!star_seen || resume == text.size) return false;
        p = after_star;
        t = ++resume;
    }
    return true;
}

size_t asl__pattern_piece(asl_str pattern, size_t *at, char *out) {
    size_t size = 0;
    while (*at < pattern.size) {
        struct element e = element_at(pattern, *at);
        *at += e.size;
        if (e.star) return size;
        out[size++] = e.literal;
    }
    ++*at;
    return size;
}

bool asl__pieces_follow(asl_str text, const char *pieces, uint32_t count) {
    const char *p = text.data, *end = p + text.size;
    for (; count > 0; count--) {
        uint32_t size;
        memcpy(&size, pieces, sizeof size);
        pieces += sizeof size;
        for (;; p++) {
            if ((size_t)(end - p) < size || !(p = memchr(p, *pieces, (size_t)(end - p) - size + 1))) return false;
            if (memcmp(p, pieces, size) == 0) break;
        }
        p += size;
        pieces += size;
    }
    return true;
}

// ---------------------------------------------------------------- comparisons

enum relation { EQUAL, LESS, GREATER, LESS_EQUAL, GREATER_EQUAL };

static bool holds(enum relation relation, int order) {
    switch (relation) {
    case EQUAL: return order == 0;
    case LESS: return order < 0;
    case GREATER: return order > 0;
    case LESS_EQUAL: return order <= 0;
    case GREATER_EQUAL: return order >= 0;
    }
    return false;
}

static bool strings(enum relation relation, const asl_value *v, const asl_value *operand) {
    if (v->tag != ASL_STRING || operand->tag != ASL_STRING) return false;
    return holds(relation, asl_string_compare(asl_text_of(v), asl_text_of(operand)));
}

static bool numbers(enum relation relation, const asl_value *v, const asl_value *operand) {
    if (!asl_is_number(v) || !asl_is_number(operand)) return false;
    return holds(relation, asl_number_compare(v, operand));
}

static bool booleans(const asl_value *v, const asl_value *operand) {
    return v->tag == ASL_BOOL && operand->tag == ASL_BOOL && v->b == operand->b;
}

static bool is_timestamp(const asl_value *v, int64_t *seconds, int32_t *nanos) {
    return v->tag == ASL_STRING && asl_timestamp_parse(asl_text_of(v), seconds, nanos, NULL);
}

static bool timestamps(enum relation relation, const asl_value *v, const asl_value *operand) {
    int64_t a, b;
    int32_t a_nanos, b_nanos;
    if (!is_timestamp(v, &a, &a_nanos) || !is_timestamp(operand, &b, &b_nanos)) return false;
    int order = a != b ? (a < b ? -1 : 1) : (a_nanos > b_nanos) - (a_nanos < b_nanos);
    return holds(relation, order);
}

// Is…: the operand says which answer is wanted.
static bool is(bool answer, const asl_value *wanted) { return wanted->tag == ASL_BOOL && answer == wanted->b; }

bool asl__choice_test(asl_choice op, const asl_value *v, const asl_value *operand) {
    int64_t seconds;
    int32_t nanos;
    switch (op) {
    case ASL_CHOICE_STRING_EQUALS: return strings(EQUAL, v, operand);
    case ASL_CHOICE_STRING_LESS_THAN: return strings(LESS, v, operand);
    case ASL_CHOICE_STRING_GREATER_THAN: return strings(GREATER, v, operand);
    case ASL_CHOICE_STRING_LESS_THAN_EQUALS: return strings(LESS_EQUAL, v, operand);
    case ASL_CHOICE_STRING_GREATER_THAN_EQUALS: return strings(GREATER_EQUAL, v, operand);
    case ASL_CHOICE_STRING_MATCHES:
        return v->tag == ASL_STRING && operand->tag == ASL_STRING && asl__string_matches(asl_text_of(v), asl_text_of(operand));
    case ASL_CHOICE_NUMERIC_EQUALS: return numbers(EQUAL, v, operand);
    case ASL_CHOICE_NUMERIC_LESS_THAN: return numbers(LESS, v, operand);
    case ASL_CHOICE_NUMERIC_GREATER_THAN: return numbers(GREATER, v, operand);
    case ASL_CHOICE_NUMERIC_LESS_THAN_EQUALS: return numbers(LESS_EQUAL, v, operand);
    case ASL_CHOICE_NUMERIC_GREATER_THAN_EQUALS: return numbers(GREATER_EQUAL, v, operand);
    case ASL_CHOICE_BOOLEAN_EQUALS: return booleans(v, operand);
    case ASL_CHOICE_TIMESTAMP_EQUALS: return timestamps(EQUAL, v, operand);
    case ASL_CHOICE_TIMESTAMP_LESS_THAN: return timestamps(LESS, v, operand);
    case ASL_CHOICE_TIMESTAMP_GREATER_THAN: return timestamps(GREATER, v, operand);
    case ASL_CHOICE_TIMESTAMP_LESS_THAN_EQUALS: return timestamps(LESS_EQUAL, v, operand);
    case ASL_CHOICE_TIMESTAMP_GREATER_THAN_EQUALS: return timestamps(GREATER_EQUAL, v, operand);
    case ASL_CHOICE_IS_NULL: return is(v->tag == ASL_NULL, operand);
    case ASL_CHOICE_IS_PRESENT: return is(v->tag != ASL_NONE, operand);
    case ASL_CHOICE_IS_NUMERIC: return is(asl_is_number(v), operand);
    case ASL_CHOICE_IS_STRING: return is(v->tag == ASL_STRING, operand);
    case ASL_CHOICE_IS_BOOLEAN: return is(v->tag == ASL_BOOL, operand);
    case ASL_CHOICE_IS_TIMESTAMP: return is(is_timestamp(v, &seconds, &nanos), operand);
    case ASL_CHOICE_COUNT: break;
    }
    return false;
}
