// Regexes: values, and PCRE2 as their engine (jsonata-language 19).
//
// A pattern is compiled at most twice, when first needed: for ASCII, where a byte is a unit, and for everything else. In
// the latter PCRE2 reads UTF-8 whose characters are UTF-16 units: halves of surrogate pairs are three bytes each. That
// is no valid UTF-8, so PCRE2 is told not to check; patterns are given to it as ASCII (pattern.c).
//
// A search that does not come to an end is given up after MATCH_LIMIT steps.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "eval.h"
#include "match.h"

#include <pcre2.h>
#include <stdatomic.h>
#include <stdio.h>

#define MATCH_LIMIT 10000000 // steps; some tenths of a second
#define HEAP_LIMIT  65536    // KiB, for the interpreter behind the compiled code

enum variant { FOR_ASCII, FOR_ALL };

struct pcre_regex {
    struct jx_regex regex;
    asl_str pattern;
    bool ignore_case, multiline;
    pcre2_general_context *memory;
    pcre2_match_context *limits;
    struct {
        pcre2_code *code;
        pcre2_match_data *match;
        bool jit;
    } made[2];
    char bytes[];
};

static void *allocate(size_t size, void *data) {
    (void)data;
    return asl_alloc(size);
}

static void release(void *p, void *data) {
    (void)data;
    asl_free(p);
}

// ---------------------------------------------------------------- compiling

static int compile(struct pcre_regex *r, enum variant variant, char *message, size_t message_size) {
    asl_buffer pattern = {0};
    uint32_t groups;
    const char *why = NULL;
    int error = 0;
    size_t offset;
    if (jx_pattern(r->pattern, variant == FOR_ALL, r->ignore_case, r->multiline, &pattern, &groups, &why) < 0) {
        snprintf(message, message_size, "%s", why);
        asl_buffer_free(&pattern);
        return -1;
    }
    uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;
    if (r->ignore_case) options |= PCRE2_CASELESS;
    if (variant == FOR_ALL) options |= PCRE2_UTF | PCRE2_NO_UTF_CHECK;
    pcre2_compile_context *settings = pcre2_compile_context_create(r->memory);
    pcre2_set_compile_extra_options(settings, PCRE2_EXTRA_ALLOW_SURROGATE_ESCAPES);
    pcre2_set_newline(settings, PCRE2_NEWLINE_NUL); // line ends are written out, but for PCRE2's own short cuts
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)(pattern.data ? pattern.data : ""), pattern.size, options, &error, &offset,
                                     settings);
    pcre2_compile_context_free(settings);
    asl_buffer_free(&pattern);
    if (!code) {
        if (error == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH) snprintf(message, message_size, "lookbehind of variable length is not supported");
        else pcre2_get_error_message(error, (PCRE2_UCHAR *)message, message_size);
        return -1;
    }
    r->regex.groups = groups;
    r->made[variant].code = code;
    r->made[variant].jit = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
    r->made[variant].match = pcre2_match_data_create(groups + 1, r->memory);
    return 0;
}

// Patterns are checked when their expression is compiled; only $eval's come as far as here.
static int raise_invalid(struct jx *jx, const char *message) {
    asl_value text = asl_string_z(message);
    jx_raise(jx, "S0303", "value", &text, (const char *)NULL);
    asl_release(text);
    return -1;
}

// ---------------------------------------------------------------- matching

static int find(struct jx *jx, struct jx_regex *regex, const struct jx_subject *s, size_t from, struct jx_span *spans) {
    struct pcre_regex *r = (struct pcre_regex *)regex; // its first member
    enum variant variant = s->ascii ? FOR_ASCII : FOR_ALL;
    char message[200];
    if (!r->made[variant].code && compile(r, variant, message, sizeof message) < 0) {
        return raise_invalid(jx, message);
    }
    pcre2_match_data *match = r->made[variant].match;
    const pcre2_code *code = r->made[variant].code;
    PCRE2_SPTR text = (PCRE2_SPTR)s->text.data;
    int rc = PCRE2_ERROR_JIT_STACKLIMIT;
    if (r->made[variant].jit) rc = pcre2_jit_match(code, text, s->text.size, from, 0, match, r->limits);
    // The compiled code has 32 KB of stack; behind it the interpreter takes its memory from the heap.
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) {
        rc = pcre2_match(code, text, s->text.size, from, PCRE2_NO_JIT | PCRE2_NO_UTF_CHECK, match, r->limits);
    }
    if (rc == PCRE2_ERROR_NOMATCH) return 0;
    if (rc < 0) return jx_raise_limit(jx, rc == PCRE2_ERROR_HEAPLIMIT ? JX_MEMORY : JX_TIME);
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(match);
    for (uint32_t i = 0; i <= r->regex.groups; i++) {
        spans[i] = (struct jx_span){offsets[2 * i], offsets[2 * i + 1]}; // PCRE2_UNSET is SIZE_MAX
    }
    return 1;
}
_Static_assert(PCRE2_UNSET == SIZE_MAX, "spans of groups that took no part rely on this");

// ---------------------------------------------------------------- keeping

// How many programs of regexes have been dropped, in the whole process. Rarely any: the cache is large.
static atomic_int_fast64_t drops;

static void drop(void *made) {
    struct pcre_regex *r = made;
    atomic_fetch_add_explicit(&drops, 1, memory_order_relaxed);
    for (int i = 0; i < 2; i++) {
        pcre2_match_data_free(r->made[i].match);
        pcre2_code_free(r->made[i].code);
    }
    pcre2_match_context_free(r->limits);
    pcre2_general_context_free(r->memory);
    asl_free(r);
}

// A key is the flags, i or m or a blank for each, and the pattern.
#define FLAGS 2

static void *make(struct jx *jx, asl_str key) {
    (void)jx;
    struct pcre_regex *r = asl_calloc(1, sizeof *r + key.size);
    memcpy(r->bytes, key.data, key.size);
    r->regex.find = find;
    r->pattern = (asl_str){r->bytes + FLAGS, key.size - FLAGS};
    r->ignore_case = key.data[0] == 'i';
    r->multiline = key.data[1] == 'm';
    r->memory = pcre2_general_context_create(allocate, release, NULL);
    r->limits = pcre2_match_context_create(r->memory);
    pcre2_set_match_limit(r->limits, MATCH_LIMIT);
    pcre2_set_heap_limit(r->limits, HEAP_LIMIT);
    return r;
}

static struct jx_regex *get(struct jx *jx, asl_value *held) {
    static const char kind; // its address
    int64_t now = atomic_load_explicit(&drops, memory_order_relaxed);
    struct pcre_regex *r = (struct pcre_regex *)(intptr_t)held[JX_REGEX_FOUND].i;
    if (r && held[JX_REGEX_DROPS].i == now) return &r->regex;
    r = jx_cached(jx, &kind, asl_text_of(&held[JX_REGEX_KEY]), make, drop);
    char message[200];
    if (!r->made[FOR_ASCII].code && !r->made[FOR_ALL].code && compile(r, FOR_ASCII, message, sizeof message) < 0) {
        raise_invalid(jx, message);
        return NULL;
    }
    held[JX_REGEX_FOUND] = asl_int((int64_t)(intptr_t)r);
    held[JX_REGEX_DROPS] = asl_int(atomic_load_explicit(&drops, memory_order_relaxed)); // making one may drop another
    return &r->regex;
}

// The value of a literal is made once: it is asked for wherever its expression comes by.
static void *make_value(struct jx *jx, asl_str key) {
    (void)jx;
    asl_value text = asl_string(key), *v = asl_alloc(sizeof *v);
    *v = jx_regex_value(get, &text);
    asl_release(text);
    return v;
}

static void drop_value(void *made) {
    asl_release(*(asl_value *)made);
    asl_free(made);
}

asl_value jx_regex_new(struct jx *jx, asl_str pattern, bool ignore_case, bool multiline) {
    static const char kind; // its address
    struct jx_text key;
    jx_text_begin(&key);
    jx_text_add(&key, ignore_case ? "i" : " ", 1);
    jx_text_add(&key, multiline ? "m" : " ", 1);
    jx_text_add(&key, pattern.data, pattern.size);
    const asl_value *v = jx_cached(jx, &kind, (asl_str){key.data, key.size}, make_value, drop_value);
    jx_text_end(&key);
    return asl_retain(*v);
}

bool jx_regex_check(asl_str pattern, bool ignore_case, bool multiline, char *message, size_t message_size) {
    struct jx_text key;
    jx_text_begin(&key);
    jx_text_add(&key, ignore_case ? "i" : " ", 1);
    jx_text_add(&key, multiline ? "m" : " ", 1);
    jx_text_add(&key, pattern.data, pattern.size);
    struct pcre_regex *r = make(NULL, (asl_str){key.data, key.size});
    bool ok = compile(r, FOR_ALL, message, message_size) == 0;
    drop(r);
    jx_text_end(&key);
    return ok;
}
