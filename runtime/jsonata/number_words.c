// Numbers in words (jsonata-language 17):
//
//     3731   Three Thousand, Seven Hundred and Thirty-One     ordinal: … Thirty-First
//
// Arithmetic is in doubles, also where that is not exact: 10^46 is Ten Billion Trillion Trillion Trillion.
#include "eval.h"
#include "integer_picture.h"

#include <math.h>

static const char *const few[] = {"Zero",    "One",     "Two",       "Three",    "Four",     "Five",    "Six",
                                  "Seven",   "Eight",   "Nine",      "Ten",      "Eleven",   "Twelve",  "Thirteen",
                                  "Fourteen", "Fifteen", "Sixteen",  "Seventeen", "Eighteen", "Nineteen"};
static const char *const ordinals[] = {"Zeroth",     "First",     "Second",     "Third",       "Fourth",
                                       "Fifth",      "Sixth",     "Seventh",    "Eighth",      "Ninth",
                                       "Tenth",      "Eleventh",  "Twelfth",    "Thirteenth",  "Fourteenth",
                                       "Fifteenth",  "Sixteenth", "Seventeenth", "Eighteenth", "Nineteenth"};
static const char *const decades[] = {"Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"};
static const char *const magnitudes[] = {"", "Thousand", "Million", "Billion", "Trillion"};
static const double factors[] = {1, 1e3, 1e6, 1e9, 1e12};

// ---------------------------------------------------------------- to words

static void add(struct jx_text *out, const char *word) { jx_text_add(out, word, strlen(word)); }

static void below_hundred(unsigned n, bool follows, bool ordinal, struct jx_text *out) {
    if (follows) add(out, " and ");
    if (n < 20) {
        add(out, ordinal ? ordinals[n] : few[n]);
        return;
    }
    add(out, decades[n / 10 - 2]);
    if (n % 10) {
        add(out, "-");
        add(out, ordinal ? ordinals[n % 10] : few[n % 10]);
    } else if (ordinal) {
        out->size--;
        add(out, "ieth");
    }
}

// Recurses once for each power of 10^12: at most 26 deep, and once more for what remains below.
static void words(double n, bool follows, bool ordinal, struct jx_text *out) {
    if (n < 100) {
        below_hundred((unsigned)n, follows, ordinal, out);
        return;
    }
    if (follows) add(out, ", ");
    double rest;
    if (n < 1000) {
        add(out, few[(unsigned)n / 100]);
        add(out, " Hundred");
        rest = (unsigned)n % 100;
    } else {
        unsigned magnitude = n >= 1e12 ? 4 : n >= 1e9 ? 3 : n >= 1e6 ? 2 : 1;
        double mantissa = floor(n / factors[magnitude]);
        rest = n - mantissa * factors[magnitude];
        words(mantissa, false, false, out);
        add(out, " ");
        add(out, magnitudes[magnitude]);
    }
    if (rest > 0) words(rest, true, ordinal, out);
    else if (ordinal) add(out, "th");
}

int jx_words_format(struct jx *jx, double value, bool ordinal, struct jx_text *out) {
    if (!isfinite(value)) return jx_raise_limit(jx, JX_STACK);
    words(value, false, ordinal, out);
    return 0;
}

// ---------------------------------------------------------------- from words

/* In the order in which the reference's matcher tries them. */
static const struct word {
    const char *text;
    double value;
} known[] = {
    {"zero", 0},           {"one", 1},           {"two", 2},           {"three", 3},         {"four", 4},
    {"five", 5},           {"six", 6},           {"seven", 7},         {"eight", 8},         {"nine", 9},
    {"ten", 10},           {"eleven", 11},       {"twelve", 12},       {"thirteen", 13},     {"fourteen", 14},
    {"fifteen", 15},       {"sixteen", 16},      {"seventeen", 17},    {"eighteen", 18},     {"nineteen", 19},
    {"zeroth", 0},         {"first", 1},         {"second", 2},        {"third", 3},         {"fourth", 4},
    {"fifth", 5},          {"sixth", 6},         {"seventh", 7},       {"eighth", 8},        {"ninth", 9},
    {"tenth", 10},         {"eleventh", 11},     {"twelfth", 12},      {"thirteenth", 13},   {"fourteenth", 14},
    {"fifteenth", 15},     {"sixteenth", 16},    {"seventeenth", 17},  {"eighteenth", 18},   {"nineteenth", 19},
    {"twenty", 20},        {"twentieth", 20},    {"thirty", 30},       {"thirtieth", 30},    {"forty", 40},
    {"fortieth", 40},      {"fifty", 50},        {"fiftieth", 50},     {"sixty", 60},        {"sixtieth", 60},
    {"seventy", 70},       {"seventieth", 70},   {"eighty", 80},       {"eightieth", 80},    {"ninety", 90},
    {"ninetieth", 90},     {"hundredth", 100},   {"hundred", 100},     {"thousand", 1e3},    {"thousandth", 1e3},
    {"million", 1e6},      {"millionth", 1e6},   {"billion", 1e9},     {"billionth", 1e9},   {"trillion", 1e12},
    {"trillionth", 1e12},  {"and", NAN},         {"-", NAN},           {",", NAN},           {" ", NAN},
};
enum { KNOWN = sizeof known / sizeof *known };

size_t jx_white_space(const char *p, const char *end) {
    if (p >= end) return 0;
    if ((uint8_t)*p < 0x80) return *p == ' ' || (*p >= '\t' && *p <= '\r');
    const char *next = p;
    uint32_t c = jx_next_code(&next);
    bool blank = c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
                 c == 0x205f || c == 0x3000 || c == 0xfeff;
    return blank ? (size_t)(next - p) : 0;
}

// The bytes of what separates words at p, or 0: /,\s|\sand\s|[\s\\-]/
static size_t separator(const char *p, const char *end) {
    size_t blank;
    if (*p == ',') return (blank = jx_white_space(p + 1, end)) ? 1 + blank : 0;
    if (*p == '-' || *p == '\\') return 1;
    if (!(blank = jx_white_space(p, end))) return 0;
    const char *and = p + blank;
    if (end - and > 3 && memcmp(and, "and", 3) == 0) {
        size_t second = jx_white_space(and + 3, end);
        if (second) return blank + 3 + second;
    }
    return blank;
}

static double value_of(const char *word, size_t size) {
    for (int i = 0; i < KNOWN; i++) {
        if (strncmp(known[i].text, word, size) == 0 && known[i].text[size] == 0) return known[i].value;
    }
    return NAN;
}

double jx_words_parse(asl_str text) {
    const char *p = text.data, *end = p + text.size, *word = p;
    double sum = 0, top = 0; // the segments that are complete, and the one at work
    for (;; p++) {
        size_t size = p < end ? separator(p, end) : 0;
        if (p < end && !size) continue;
        double value = value_of(word, (size_t)(p - word));
        if (value < 100) {
            if (top >= 1000) {
                sum += top;
                top = 0;
            }
            top += value;
        } else {
            top *= value;
        }
        if (p >= end) return sum + top;
        word = p + size;
        p = word - 1;
    }
}

static bool begins_with(const char *p, const char *end, const char *word, size_t *size) {
    const char *start = word;
    for (; *word; word++, p++) {
        if (p >= end || (*p | (*word >= 'a' ? 0x20 : 0)) != *word) return false;
    }
    *size = (size_t)(word - start);
    return true;
}

size_t jx_words_match(asl_str text, size_t *ends) {
    // Depth first, as a backtracking matcher: first as many words as can be, then fewer. A place that was reached before
    // leads nowhere new. stack: where each word begins, and the word that is tried there.
    struct {
        size_t at;
        int word;
    } *stack = asl_alloc((text.size + 1) * sizeof *stack);
    bool *reached = asl_calloc(text.size + 1, sizeof *reached);
    size_t depth = 0, count = 0;
    const char *end = text.data + text.size;
    stack[0].at = 0, stack[0].word = 0;
    for (;;) {
        size_t at = stack[depth].at, size;
        int word = stack[depth].word;
        while (word < KNOWN && (!begins_with(text.data + at, end, known[word].text, &size) || reached[at + size]))
            word++;
        if (word < KNOWN) {
            stack[depth].word = word + 1;
            reached[at + size] = true;
            stack[++depth].at = at + size;
            stack[depth].word = 0;
        } else {
            if (depth == 0) break;
            ends[count++] = at;
            depth--;
        }
    }
    asl_free(stack);
    asl_free(reached);
    return count;
}
