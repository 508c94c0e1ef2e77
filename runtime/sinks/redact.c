// Redaction. A value without any of the fields comes back as it is: nothing is copied that need not be.
//
// JSON is often carried in strings (a queue's message, a function's payload, a Cause), so strings are looked into. One may
// also quote a document in the middle of a sentence; there, "NAME": value is replaced in the text.
#include "redact.h"

#include <string.h>

struct redact {
    asl_str *names;
    size_t count;
    char *text;
};

struct redact *redact_new(const char *const *lists, size_t count) {
    asl_buffer all = {0};
    for (size_t i = 0; i < count; i++) asl_buffer_format(&all, "%s%s", i ? "," : "", lists[i]);
    struct redact *r = asl_calloc(1, sizeof *r);
    r->text = all.data;
    for (size_t at = 0; at < all.size;) {
        const char *start = all.data + at, *comma = memchr(start, ',', all.size - at);
        size_t size = comma ? (size_t)(comma - start) : all.size - at;
        at += size + 1;
        while (size && (*start == ' ' || *start == '\t')) start++, size--;
        while (size && (start[size - 1] == ' ' || start[size - 1] == '\t')) size--;
        if (!size) continue;
        r->names = asl_realloc(r->names, (r->count + 1) * sizeof *r->names);
        r->names[r->count++] = (asl_str){start, size};
    }
    if (r->count) return r;
    redact_free(r);
    return NULL;
}

void redact_free(struct redact *r) {
    if (!r) return;
    asl_free(r->names);
    asl_free(r->text);
    asl_free(r);
}

bool redact_names(const struct redact *r, asl_str field) {
    for (size_t i = 0; r && i < r->count; i++)
        if (asl_str_equal(r->names[i], field)) return true;
    return false;
}

static bool mentions(const struct redact *r, asl_str text) {
    for (size_t i = 0; i < r->count; i++)
        if (memmem(text.data, text.size, r->names[i].data, r->names[i].size)) return true;
    return false;
}

static asl_value redact_at(const struct redact *r, const asl_value *v, uint32_t depth);

/* Nothing was replaced: the value itself came back. */
static bool is_same(const asl_value *a, const asl_value *b) { return memcmp(a, b, sizeof *a) == 0; }

static asl_value star(void) { return asl_string(ASL_STR("***")); }

static asl_value redact_array(const struct redact *r, const asl_value *v, uint32_t depth) {
    asl_value copy = asl_retain(*v);
    for (size_t i = 0, n = asl_array_count(v); i < n; i++) {
        const asl_value *item = asl_array_at(v, i);
        if (item->tag != ASL_STRING && item->tag != ASL_ARRAY && item->tag != ASL_OBJECT) continue;
        asl_value clean = redact_at(r, item, depth + 1);
        if (is_same(&clean, item)) asl_release(clean);
        else copy = asl_array_set(copy, i, clean);
    }
    return copy;
}

static asl_value redact_object(const struct redact *r, const asl_value *v, uint32_t depth) {
    asl_value copy = asl_retain(*v);
    for (size_t i = 0, n = asl_object_count(v); i < n; i++) {
        asl_text *key = asl_object_key_at(v, i);
        const asl_value *item = asl_object_at(v, i);
        bool named = redact_names(r, (asl_str){key->bytes, key->size});
        if (!named && item->tag != ASL_STRING && item->tag != ASL_ARRAY && item->tag != ASL_OBJECT) continue;
        asl_value clean = named ? star() : redact_at(r, item, depth + 1);
        if (is_same(&clean, item)) asl_release(clean);
        else copy = asl_object_set(copy, key, clean);
    }
    return copy;
}

// ---------------------------------------------------------------- in texts

/* The end of the string that starts at text[at], behind its closing quote. quote: how quotes are written there, " or \". */
static size_t string_end(asl_str text, size_t at, asl_str quote) {
    for (at += quote.size; at < text.size;) {
        if (text.size - at >= quote.size && memcmp(text.data + at, quote.data, quote.size) == 0) return at + quote.size;
        at += text.data[at] == '\\' ? 2 : 1;
    }
    return text.size;
}

/* The end of the JSON value that starts at text[at]. */
static size_t value_end(asl_str text, size_t at, asl_str quote) {
    size_t open = 0;
    do {
        if (at >= text.size) return text.size;
        if (text.size - at >= quote.size && memcmp(text.data + at, quote.data, quote.size) == 0) {
            at = string_end(text, at, quote);
        } else if (text.data[at] == '{' || text.data[at] == '[') {
            open++, at++;
        } else if (text.data[at] == '}' || text.data[at] == ']') {
            if (open == 0) return at;
            open--, at++;
        } else if (open) {
            at++;
        } else {
            while (at < text.size && !strchr(",}] \n'", text.data[at])) at++;
            return at;
        }
    } while (open);
    return at;
}

/* When "NAME": value begins at text[at]: where the value does, and how its quotes are written. */
static bool field_at(const struct redact *r, asl_str text, size_t at, asl_str *quote, size_t *value) {
    *quote = text.data[at] == '"' ? ASL_STR("\"") : ASL_STR("\\\"");
    if (text.size - at < quote->size || memcmp(text.data + at, quote->data, quote->size) != 0) return false;
    size_t name = at + quote->size;
    for (size_t i = 0; i < r->count; i++) {
        size_t n = r->names[i].size;
        if (text.size - name < n + quote->size || memcmp(text.data + name, r->names[i].data, n) != 0 ||
            memcmp(text.data + name + n, quote->data, quote->size) != 0)
            continue;
        size_t p = name + n + quote->size;
        while (p < text.size && text.data[p] == ' ') p++;
        if (p == text.size || text.data[p] != ':') continue;
        p++;
        while (p < text.size && text.data[p] == ' ') p++;
        *value = p;
        return true;
    }
    return false;
}

/* A sentence with documents in it. */
static asl_value redact_sentence(const struct redact *r, asl_str text) {
    asl_buffer b = {0};
    for (size_t at = 0, value; at < text.size;) {
        asl_str quote;
        if ((text.data[at] != '"' && text.data[at] != '\\') || !field_at(r, text, at, &quote, &value)) {
            asl_buffer_byte(&b, text.data[at++]);
            continue;
        }
        asl_buffer_add(&b, text.data + at, value - at);
        asl_buffer_str(&b, quote);
        asl_buffer_z(&b, "***");
        asl_buffer_str(&b, quote);
        at = value_end(text, value, quote);
    }
    asl_value result = asl_string((asl_str){b.data, b.size});
    asl_buffer_free(&b);
    return result;
}

static asl_value redact_string(const struct redact *r, const asl_value *v, uint32_t depth) {
    asl_str text = asl_text_of(v);
    if (!mentions(r, text)) return asl_retain(*v);
    asl_value inner, result;
    if (asl_json_parse(text, NULL, &inner, NULL) < 0) return redact_sentence(r, text);
    asl_value clean = redact_at(r, &inner, depth + 1);
    if (is_same(&clean, &inner)) {
        result = asl_retain(*v);
    } else {
        asl_buffer b = {0};
        asl_json_print(&clean, &b);
        result = asl_string((asl_str){b.data, b.size});
        asl_buffer_free(&b);
    }
    asl_release(inner);
    asl_release(clean);
    return result;
}

// ---------------------------------------------------------------- in all

/* Strings in strings may nest deeper than documents may: what is too deep is not shown. */
static asl_value redact_at(const struct redact *r, const asl_value *v, uint32_t depth) {
    if (depth > 2 * ASL_MAX_DEPTH) return star();
    if (v->tag == ASL_ARRAY) return redact_array(r, v, depth);
    if (v->tag == ASL_OBJECT) return redact_object(r, v, depth);
    if (v->tag == ASL_STRING) return redact_string(r, v, depth);
    return asl_retain(*v);
}

asl_value redact_value(const struct redact *r, const asl_value *v) { return r ? redact_at(r, v, 0) : asl_retain(*v); }
