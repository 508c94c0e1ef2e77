// The 18 intrinsic functions (jsonpath-and-intrinsics.md 8). Arguments are borrowed; a failure is a message, which the
// caller turns into States.IntrinsicFailure.
//
// The service's own messages were never recorded; ours name the function, the argument and what was found:
//     States.ArrayGetItem: argument 2 is 7, but the array has 3 elements
#include <inttypes.h>
#include <nettle/md5.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "query.h"
#include "value_private.h"

enum {
    MAX_CHARACTERS = 10000,   // of text to encode, decode or hash
    MAX_RANGE = 1000,         // elements that ArrayRange makes
    MAX_PARTITIONED = 262144, // bytes of JSON that ArrayPartition takes
};

struct call {
    const char *name;
    const asl_value *args;
    size_t count;
    struct asl__random *random;
    asl_value *out;
    char *message;
    size_t message_size;
};

static const struct {
    const char *name;
    int min, max;
} signatures[] = {
#define INTRINSIC(id, name, min, max, result) {name, min, max},
#include "aslc/intrinsics.def"
#undef INTRINSIC
};

// ---------------------------------------------------------------- arguments

__attribute__((format(printf, 2, 3))) static int fail(struct call *c, const char *format, ...) {
    int n = snprintf(c->message, c->message_size, "States.%s: ", c->name);
    va_list arguments;
    va_start(arguments, format);
    if (n >= 0 && (size_t)n < c->message_size) vsnprintf(c->message + n, c->message_size - (size_t)n, format, arguments);
    va_end(arguments);
    return -1;
}

static int give(struct call *c, asl_value v) {
    *c->out = v;
    return 0;
}

static const char *type_name(const asl_value *v) {
    switch ((asl_tag)v->tag) {
    case ASL_NONE: return "nothing";
    case ASL_NULL: return "null";
    case ASL_BOOL: return "a boolean";
    case ASL_INT: case ASL_DOUBLE: case ASL_NUMBER_TEXT: return "a number";
    case ASL_STRING: return "a string";
    case ASL_ARRAY: return "an array";
    case ASL_OBJECT: return "an object";
    case ASL_FUNCTION: return "a function";
    }
    return "nothing";
}

static bool need(struct call *c, size_t i, bool right, const char *wanted) {
    if (!right) fail(c, "argument %zu must be %s, found %s", i + 1, wanted, type_name(&c->args[i]));
    return right;
}

static const asl_value *array_argument(struct call *c, size_t i) {
    return need(c, i, c->args[i].tag == ASL_ARRAY, "an array") ? &c->args[i] : NULL;
}

static bool text_argument(struct call *c, size_t i, asl_str *out) {
    if (!need(c, i, c->args[i].tag == ASL_STRING, "a string")) return false;
    *out = asl_text_of(&c->args[i]);
    return true;
}

// Rounded to the nearest integer, halves up (recorded: -1.5 is -1).
static bool integer_argument(struct call *c, size_t i, int64_t min, int64_t max, int64_t *out) {
    if (!need(c, i, asl_is_number(&c->args[i]), "a number")) return false;
    asl_value rounded = asl_number_round(&c->args[i]);
    bool fits = asl_number_as_int(&rounded, out) && *out >= min && *out <= max;
    asl_release(rounded);
    if (!fits) fail(c, "argument %zu must be between %" PRId64 " and %" PRId64, i + 1, min, max);
    return fits;
}

static size_t character_size(const char *p, const char *end) {
    size_t size = 1;
    while (p + size < end && ((unsigned char)p[size] & 0xc0) == 0x80) size++;
    return size;
}

static bool short_enough(struct call *c, asl_str text) {
    size_t n = 0;
    for (size_t i = 0; i < text.size; i++) n += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    if (n > MAX_CHARACTERS) fail(c, "argument 1 has %zu characters, at most %d are allowed", n, MAX_CHARACTERS);
    return n <= MAX_CHARACTERS;
}

// ---------------------------------------------------------------- arrays

static int array(struct call *c) {
    return give(c, asl__array_copy(c->args, c->count));
}

// Whether the array's JSON has at most so many bytes, judged without printing: it may also have when this says no.
static bool surely_fits(const asl_value *source, size_t limit) {
    size_t count = asl_array_count(source), size = 2;
    if (count > limit) return false;
    for (size_t i = 0; i < count; i++) {
        const asl_value *v = asl_array_at(source, i);
        if (asl__is_container(v)) return false;
        // An integer has up to 20 characters, another number fewer than 30 or those of its text; an escape has six.
        size += 32 + (asl__has_text(v) ? 6 * v->text->size : 6 * ASL_INLINE_MAX);
    }
    return size <= limit;
}

static int array_partition(struct call *c) {
    const asl_value *source = array_argument(c, 0);
    int64_t size;
    if (!source || !integer_argument(c, 1, INT32_MIN, INT32_MAX, &size)) return -1;
    if (size < 1) return fail(c, "argument 2 is the size of a part and must be at least 1, found %" PRId64, size);
    if (!surely_fits(source, MAX_PARTITIONED) && asl_json_size(source) > MAX_PARTITIONED) return fail(c, "the array is larger than %d bytes", MAX_PARTITIONED);
    size_t count = asl_array_count(source), part_size = (size_t)size;
    asl_value out = asl_array_new(count / part_size + 1);
    for (size_t i = 0; i < count; i += part_size)
        asl__push(&out, asl__array_copy(asl_array_at(source, i), count - i < part_size ? count - i : part_size));
    return give(c, out);
}

static int array_contains(struct call *c) {
    const asl_value *source = array_argument(c, 0);
    if (!source) return -1;
    bool found = false;
    for (size_t i = 0; i < asl_array_count(source) && !found; i++) found = asl__equal(asl_array_at(source, i), &c->args[1]);
    return give(c, asl_bool(found));
}

static int array_range(struct call *c) {
    int64_t first, last, step;
    if (!integer_argument(c, 0, INT32_MIN, INT32_MAX, &first) || !integer_argument(c, 1, INT32_MIN, INT32_MAX, &last) ||
        !integer_argument(c, 2, INT32_MIN, INT32_MAX, &step))
        return -1;
    if (step == 0) return fail(c, "argument 3, the step, must not be 0");
    int64_t count = (last - first) / step + 1;
    if ((step > 0 && first > last) || (step < 0 && first < last)) count = 0; // a step the wrong way leads nowhere
    if (count > MAX_RANGE) return fail(c, "the range has %" PRId64 " elements, at most %d are allowed", count, MAX_RANGE);
    asl_value out = asl_array_new((size_t)count);
    for (int64_t i = 0; i < count; i++) asl__push(&out, asl_int(first + i * step));
    return give(c, out);
}

static int array_get_item(struct call *c) {
    const asl_value *source = array_argument(c, 0);
    int64_t index;
    if (!source || !integer_argument(c, 1, INT32_MIN, INT32_MAX, &index)) return -1;
    size_t count = asl_array_count(source);
    if (index < 0) return fail(c, "argument 2, the index, must not be negative, found %" PRId64, index);
    if ((uint64_t)index >= count)
        return fail(c, "argument 2 is %" PRId64 ", but the array has %zu element%s", index, count, count == 1 ? "" : "s");
    return give(c, asl_retain(*asl_array_at(source, (size_t)index)));
}

static int array_length(struct call *c) {
    const asl_value *source = array_argument(c, 0);
    return source ? give(c, asl_int((int64_t)asl_array_count(source))) : -1;
}

// Equal values have equal hashes; what lies deep inside a value is left out, so that this does not recurse far.
static uint64_t value_hash(const asl_value *v, int depth) {
    uint64_t h = v->tag;
    switch ((asl_tag)v->tag) {
    case ASL_NONE: case ASL_NULL: case ASL_FUNCTION: break;
    case ASL_BOOL: return v->b ? 3 : 2;
    case ASL_INT: case ASL_DOUBLE: case ASL_NUMBER_TEXT: {
        double d = v->tag == ASL_INT ? (double)v->i : asl_number(v);
        if (d == 0) d = 0; // not -0
        memcpy(&h, &d, sizeof h);
        h ^= h >> 32; // the low bits of a small integer's double are all zero, and multiplying would leave them so
        break;
    }
    case ASL_STRING: h = asl_hash(asl_text_of(v)); break;
    case ASL_ARRAY:
        h = asl_array_count(v);
        for (size_t i = 0; depth > 0 && i < asl_array_count(v); i++) h = h * 31 + value_hash(asl_array_at(v, i), depth - 1);
        break;
    case ASL_OBJECT: // the order of keys does not count
        h = asl_object_count(v);
        for (size_t i = 0; depth > 0 && i < asl_object_count(v); i++)
            h += (asl__text_hash(asl_object_key_at(v, i)) ^ value_hash(asl_object_at(v, i), depth - 1)) * 0x9e3779b97f4a7c15u;
        break;
    }
    return h * 0x9e3779b97f4a7c15u;
}

static int array_unique(struct call *c) {
    const asl_value *source = array_argument(c, 0);
    if (!source) return -1;
    size_t count = asl_array_count(source), capacity = 16;
    while (capacity < count * 2) capacity *= 2;
    size_t local[64] = {0}; // 1 + the place in `out` of the value, open addressing
    size_t *table = capacity <= sizeof local / sizeof *local ? local : asl_calloc(capacity, sizeof *table);
    asl_value out = asl_array_new(0);
    for (size_t i = 0; i < count; i++) {
        const asl_value *v = asl_array_at(source, i);
        size_t at = (size_t)(value_hash(v, 4) >> 20) & (capacity - 1);
        while (table[at] && !asl__equal(asl_array_at(&out, table[at] - 1), v)) at = (at + 1) & (capacity - 1);
        if (table[at]) continue;
        asl__push(&out, asl__keep(*v));
        table[at] = asl_array_count(&out);
    }
    if (table != local) asl_free(table);
    return give(c, out);
}

// ---------------------------------------------------------------- encoding

static int base64_encode(struct call *c) {
    asl_str text;
    if (!text_argument(c, 0, &text) || !short_enough(c, text)) return -1;
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size = (text.size + 2) / 3 * 4;
    char local[256], *encoded = size <= sizeof local ? local : asl_alloc(size), *p = encoded;
    for (size_t i = 0; i < text.size; i += 3, p += 4) {
        size_t left = text.size - i;
        const unsigned char *s = (const unsigned char *)text.data + i;
        uint32_t bits = (uint32_t)s[0] << 16 | (left > 1 ? (uint32_t)s[1] << 8 : 0) | (left > 2 ? s[2] : 0);
        p[0] = alphabet[bits >> 18];
        p[1] = alphabet[bits >> 12 & 63];
        p[2] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        p[3] = left > 2 ? alphabet[bits & 63] : '=';
    }
    give(c, asl_string((asl_str){encoded, size}));
    if (encoded != local) asl_free(encoded);
    return 0;
}

static bool is_utf8(const unsigned char *s, size_t size) {
    for (size_t i = 0; i < size;) {
        unsigned char b = s[i++];
        if (b < 0x80) continue;
        int more = b >= 0xc2 && b <= 0xdf ? 1 : (b & 0xf0) == 0xe0 ? 2 : b >= 0xf0 && b <= 0xf4 ? 3 : 0;
        if (more == 0 || size - i < (size_t)more) return false;
        unsigned char least = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80, most = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
        if (s[i] < least || s[i] > most) return false; // overlong, a surrogate, or past U+10FFFF
        for (int k = 1; k < more; k++)
            if ((s[i + (size_t)k] & 0xc0) != 0x80) return false;
        i += (size_t)more;
    }
    return true;
}

// As Java's basic decoder: no white space, padding may be left out but not be wrong. NULL, and *bad where, when invalid.
static unsigned char *decode_base64(asl_str text, size_t *size, size_t *bad) {
    size_t end = text.size;
    while (end > 0 && text.size - end < 2 && text.data[end - 1] == '=') end--;
    unsigned char *out = asl_alloc(end / 4 * 3 + 3);
    uint32_t bits = 0;
    size_t n = 0, i = 0;
    for (; i < end; i++) {
        char ch = text.data[i];
        uint32_t digit = ch >= 'A' && ch <= 'Z'   ? (uint32_t)(ch - 'A')
                         : ch >= 'a' && ch <= 'z' ? (uint32_t)(ch - 'a') + 26
                         : ch >= '0' && ch <= '9' ? (uint32_t)(ch - '0') + 52
                         : ch == '+'              ? 62
                         : ch == '/'              ? 63
                                                  : 64;
        if (digit == 64) break;
        bits = bits << 6 | digit;
        if (i % 4 == 1) out[n++] = (unsigned char)(bits >> 4);
        else if (i % 4 == 2) out[n++] = (unsigned char)(bits >> 2);
        else if (i % 4 == 3) out[n++] = (unsigned char)bits;
    }
    bool padded_right = end == text.size || text.size % 4 == 0;
    if (i < end || end % 4 == 1 || !padded_right) {
        *bad = i;
        asl_free(out);
        return NULL;
    }
    *size = n;
    return out;
}

static int base64_decode(struct call *c) {
    asl_str text;
    size_t size, bad = 0;
    if (!text_argument(c, 0, &text) || !short_enough(c, text)) return -1;
    unsigned char *decoded = decode_base64(text, &size, &bad);
    if (!decoded) {
        if (bad < text.size && text.data[bad] != '=')
            return fail(c, "argument 1 is not Base64: there is \"%.*s\" at character %zu",
                        (int)character_size(text.data + bad, text.data + text.size), text.data + bad, bad + 1);
        return fail(c, "argument 1 is not Base64: its length or its padding is wrong");
    }
    int result = is_utf8(decoded, size) ? give(c, asl_string((asl_str){(char *)decoded, size}))
                                        : fail(c, "argument 1 does not decode to UTF-8 text");
    asl_free(decoded);
    return result;
}

static int hash(struct call *c) {
    static const struct {
        const char *name;
        const struct nettle_hash *hash;
    } algorithms[] = {
        {"MD5", &nettle_md5}, {"SHA-1", &nettle_sha1}, {"SHA-256", &nettle_sha256}, {"SHA-384", &nettle_sha384},
        {"SHA-512", &nettle_sha512},
    };
    asl_str wanted;
    if (!text_argument(c, 1, &wanted)) return -1;
    const struct nettle_hash *algorithm = NULL;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (asl_str_equal(wanted, asl_str_z(algorithms[i].name))) algorithm = algorithms[i].hash;
    if (!algorithm)
        return fail(c, "argument 2 must be MD5, SHA-1, SHA-256, SHA-384 or SHA-512, found \"%.*s\"",
                    (int)(wanted.size > 40 ? 40 : wanted.size), wanted.data);
    asl_buffer printed = {0};
    asl_str data;
    if (c->args[0].tag == ASL_STRING) {
        data = asl_text_of(&c->args[0]);
    } else {
        asl_json_print(&c->args[0], &printed);
        data = (asl_str){printed.data, printed.size};
    }
    if (!short_enough(c, data)) {
        asl_buffer_free(&printed);
        return -1;
    }
    union {
        struct md5_ctx md5;
        struct sha1_ctx sha1;
        struct sha256_ctx sha256;
        struct sha512_ctx sha512; // SHA-384, too
    } context;
    uint8_t digest[SHA512_DIGEST_SIZE];
    char text[2 * sizeof digest];
    algorithm->init(&context);
    algorithm->update(&context, data.size, (const uint8_t *)data.data);
    algorithm->digest(&context, algorithm->digest_size, digest);
    for (unsigned i = 0; i < algorithm->digest_size; i++) {
        text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    asl_buffer_free(&printed);
    return give(c, asl_string((asl_str){text, 2 * algorithm->digest_size}));
}

// ---------------------------------------------------------------- JSON

// Shallow; the keys come in the order of a Java HashMap (recorded).
static int json_merge(struct call *c) {
    for (size_t i = 0; i < 2; i++)
        if (!need(c, i, c->args[i].tag == ASL_OBJECT, "an object")) return -1;
    if (!need(c, 2, c->args[2].tag == ASL_BOOL, "a boolean")) return -1;
    if (c->args[2].b) return fail(c, "argument 3 must be false: deep merging is not supported");
    asl_object *merged = asl_object_new(asl_object_count(&c->args[0]) + asl_object_count(&c->args[1])).object;
    for (size_t i = 0; i < 2; i++) {
        const asl_object *from = c->args[i].object;
        for (uint32_t k = 0; k < from->head.count; k++)
            merged->entries[merged->head.count++] =
                (struct asl__entry){asl_text_retain(from->entries[k].key), asl__keep(from->entries[k].value)};
    }
    asl__object_settle(merged);

    size_t count = merged->head.count, local_order[32];
    asl_str local_keys[32];
    bool few = count <= sizeof local_keys / sizeof *local_keys;
    asl_str *keys = few ? local_keys : asl_alloc(count * sizeof *keys);
    size_t *order = few ? local_order : asl_alloc(count * sizeof *order);
    for (size_t i = 0; i < count; i++) keys[i] = (asl_str){merged->entries[i].key->bytes, merged->entries[i].key->size};
    asl_java_hash_order(keys, count, order);
    asl_value out = asl_object_new(count);
    for (size_t i = 0; i < count; i++) out.object->entries[i] = merged->entries[order[i]];
    out.object->head.count = (uint32_t)count;
    merged->head.count = 0; // its members have moved
    asl_release((asl_value){.tag = ASL_OBJECT, .object = merged});
    if (!few) {
        asl_free(keys);
        asl_free(order);
    }
    return give(c, out);
}

static int string_to_json(struct call *c) {
    asl_str text;
    if (!text_argument(c, 0, &text)) return -1;
    size_t blanks = 0;
    while (blanks < text.size && strchr(" \t\r\n", text.data[blanks]) && text.data[blanks]) blanks++;
    if (blanks == text.size) return give(c, asl_null()); // recorded
    asl_value v;
    asl_json_error error;
    if (asl_json_parse(text, NULL, &v, &error) != 0)
        return fail(c, "argument 1 is not JSON: line %" PRIu32 ", column %" PRIu32 ": %s", error.line, error.column, error.message);
    if (v.tag == ASL_NUMBER_TEXT && asl_str_equal(asl_text_of(&v), ASL_STR("-0"))) { // recorded
        asl_release(v);
        v = asl_int(0);
    }
    return give(c, v);
}

static int json_to_string(struct call *c) {
    asl_buffer text = {0};
    asl_json_print(&c->args[0], &text);
    give(c, asl_string((asl_str){text.data, text.size}));
    asl_buffer_free(&text);
    return 0;
}

// ---------------------------------------------------------------- numbers

// java.util.Random: what a seed gives on the service is said to be its numbers.
struct java_random {
    uint64_t seed; // 48 bits
};

static int32_t java_next(struct java_random *r, int bits) {
    r->seed = (r->seed * 0x5deece66du + 0xb) & ((1ull << 48) - 1);
    return (int32_t)(uint32_t)(r->seed >> (48 - bits));
}

static int32_t java_next_int(struct java_random *r, int32_t bound) {
    if ((bound & (bound - 1)) == 0) return (int32_t)((int64_t)bound * java_next(r, 31) >> 31);
    for (;;) {
        int32_t bits = java_next(r, 31), n = bits % bound;
        if ((int64_t)bits - n + (bound - 1) <= INT32_MAX) return n; // the last, incomplete stretch of numbers is not fair
    }
}

static int64_t java_below(struct java_random *r, int64_t bound) {
    if (bound <= INT32_MAX) return java_next_int(r, (int32_t)bound);
    for (;;) {
        uint64_t high = (uint64_t)(int64_t)java_next(r, 32) << 32;
        uint64_t bits = high + (uint64_t)(int64_t)java_next(r, 32);
        if ((bound & (bound - 1)) == 0) return (int64_t)(bits & (uint64_t)(bound - 1));
        bits >>= 1;
        int64_t n = (int64_t)(bits % (uint64_t)bound);
        if ((int64_t)bits - n <= INT64_MAX - (bound - 1)) return n;
    }
}

static int64_t random_below(struct asl__random *r, int64_t bound) {
    uint64_t range = (uint64_t)bound, unfair = -range % range; // 2^64 mod range
    for (;;) {
        uint64_t n = asl__random_next(r);
        if (n >= unfair) return (int64_t)(n % range);
    }
}

static int math_random(struct call *c) {
    static const int64_t most = (int64_t)1 << 53; // beyond, numbers are not exact
    int64_t start, end, seed = 0;
    if (!integer_argument(c, 0, -most, most, &start) || !integer_argument(c, 1, -most, most, &end) ||
        (c->count > 2 && !integer_argument(c, 2, INT64_MIN, INT64_MAX, &seed)))
        return -1;
    if (start >= end)
        return fail(c, "argument 1, the start, must be less than argument 2, the end: found %" PRId64 " and %" PRId64, start, end);
    if (c->count == 2) return give(c, asl_int(start + random_below(c->random, end - start)));
    struct java_random java = {((uint64_t)seed ^ 0x5deece66du) & ((1ull << 48) - 1)};
    return give(c, asl_int(start + java_below(&java, end - start)));
}

static int math_add(struct call *c) {
    int64_t x, y;
    if (!integer_argument(c, 0, INT32_MIN, INT32_MAX, &x) || !integer_argument(c, 1, INT32_MIN, INT32_MAX, &y)) return -1;
    return give(c, asl_int(x + y));
}

// ---------------------------------------------------------------- text

// Java's StringTokenizer: every character of the splitter separates, and empty parts are left out. UTF-8 characters are
// found as bytes: none is part of another.
static int string_split(struct call *c) {
    asl_str text, splitter;
    if (!text_argument(c, 0, &text) || !text_argument(c, 1, &splitter)) return -1;
    bool ascii[128] = {false};
    for (size_t i = 0; i < splitter.size; i++)
        if ((unsigned char)splitter.data[i] < 128) ascii[(unsigned char)splitter.data[i]] = true;
    asl_value out = asl_array_new(0);
    const char *p = text.data, *end = p + text.size, *token = p;
    while (p < end) {
        size_t size = character_size(p, end);
        bool separates = (unsigned char)*p < 128 ? ascii[(unsigned char)*p]
                                                 : splitter.size > 0 && memmem(splitter.data, splitter.size, p, size) != NULL;
        if (separates) {
            if (p > token) asl__push(&out, asl_string((asl_str){token, (size_t)(p - token)}));
            token = p + size;
        }
        p += size;
    }
    if (end > token) asl__push(&out, asl_string((asl_str){token, (size_t)(end - token)}));
    return give(c, out);
}

static int uuid(struct call *c) {
    char text[37];
    asl__random_uuid(c->random, text);
    return give(c, asl_string_z(text));
}

// As Java's toString prints collections (recorded): {Arg1=1, Arg2=[]}, strings without quotes. With a stack of our own,
// since values may be deep.
static void print_java(const asl_value *v, asl_buffer *out) {
    struct frame {
        const asl_value *v;
        size_t next;
    } *stack = NULL;
    size_t depth = 0, capacity = 0;
    while (v) {
        if (v->tag == ASL_STRING) {
            asl_buffer_str(out, asl_text_of(v));
        } else if (v->tag == ASL_ARRAY || v->tag == ASL_OBJECT) {
            asl_buffer_byte(out, v->tag == ASL_ARRAY ? '[' : '{');
            if (depth == capacity) {
                capacity = capacity ? capacity * 2 : 16;
                stack = asl_realloc(stack, capacity * sizeof *stack);
            }
            stack[depth++] = (struct frame){v, 0};
        } else {
            asl_json_print(v, out);
        }
        v = NULL;
        while (depth > 0 && !v) {
            struct frame *f = &stack[depth - 1];
            bool is_array = f->v->tag == ASL_ARRAY;
            size_t i = f->next++;
            if (i == (is_array ? asl_array_count(f->v) : asl_object_count(f->v))) {
                asl_buffer_byte(out, is_array ? ']' : '}');
                depth--;
                continue;
            }
            if (i > 0) asl_buffer_z(out, ", ");
            if (!is_array) {
                const asl_text *key = asl_object_key_at(f->v, i);
                asl_buffer_add(out, key->bytes, key->size);
                asl_buffer_byte(out, '=');
            }
            v = is_array ? asl_array_at(f->v, i) : asl_object_at(f->v, i);
        }
    }
    asl_free(stack);
}

// {} takes the next argument; \{ \} \\ \' stand for the character; every other brace or backslash for itself. The compiler
// leaves these escapes of a literal template to us, or a literal "{}" could not be told from a placeholder.
static int format(struct call *c) {
    asl_str template;
    if (!text_argument(c, 0, &template)) return -1;
    asl_buffer out = {0};
    size_t used = 0, given = c->count - 1, room = template.size;
    for (size_t i = 1; i <= given; i++) room += c->args[i].tag == ASL_STRING ? asl_text_of(&c->args[i]).size : 20;
    asl_buffer_reserve(&out, room); // most likely enough
    const char *p = template.data, *end = p + template.size, *from = p; // from there on it is to be copied
    for (; p < end; p++) {
        if (*p != '{' && *p != '\\') continue;
        char next = p + 1 < end ? p[1] : 0;
        bool place = *p == '{' && next == '}', escape = *p == '\\' && next && strchr("\\'{}", next);
        if (!place && !escape) continue;
        asl_buffer_add(&out, from, (size_t)(p - from));
        if (place && used < given) print_java(&c->args[used + 1], &out);
        used += place;
        from = place ? p + 2 : p + 1;
        p++;
    }
    asl_buffer_add(&out, from, (size_t)(end - from));
    int result = used == given ? give(c, asl_string((asl_str){out.size ? out.data : "", out.size}))
                               : fail(c, "the template has %zu placeholder%s {} for %zu argument%s", used,
                                      used == 1 ? "" : "s", given, given == 1 ? "" : "s");
    asl_buffer_free(&out);
    return result;
}

// ---------------------------------------------------------------- calling

static int (*const functions[])(struct call *) = {
    [ASL_INTRINSIC_ARRAY] = array,
    [ASL_INTRINSIC_ARRAY_PARTITION] = array_partition,
    [ASL_INTRINSIC_ARRAY_CONTAINS] = array_contains,
    [ASL_INTRINSIC_ARRAY_RANGE] = array_range,
    [ASL_INTRINSIC_ARRAY_GET_ITEM] = array_get_item,
    [ASL_INTRINSIC_ARRAY_LENGTH] = array_length,
    [ASL_INTRINSIC_ARRAY_UNIQUE] = array_unique,
    [ASL_INTRINSIC_BASE64_ENCODE] = base64_encode,
    [ASL_INTRINSIC_BASE64_DECODE] = base64_decode,
    [ASL_INTRINSIC_HASH] = hash,
    [ASL_INTRINSIC_JSON_MERGE] = json_merge,
    [ASL_INTRINSIC_STRING_TO_JSON] = string_to_json,
    [ASL_INTRINSIC_JSON_TO_STRING] = json_to_string,
    [ASL_INTRINSIC_MATH_RANDOM] = math_random,
    [ASL_INTRINSIC_MATH_ADD] = math_add,
    [ASL_INTRINSIC_STRING_SPLIT] = string_split,
    [ASL_INTRINSIC_UUID] = uuid,
    [ASL_INTRINSIC_FORMAT] = format,
};
_Static_assert(sizeof functions / sizeof *functions == ASL_INTRINSIC_COUNT, "every function is here");

int asl__intrinsic_call(asl_intrinsic function, const asl_value *args, size_t count, struct asl__random *random,
                        asl_value *out, char *message, size_t message_size) {
    struct call c = {signatures[function].name, args, count, random, out, message, message_size};
    int min = signatures[function].min, max = signatures[function].max;
    *out = asl_none();
    // The compiler counts too; plans may be written by hand.
    if (count < (size_t)min || (max >= 0 && count > (size_t)max))
        return fail(&c, "wrong number of arguments: %zu", count);
    return functions[function](&c);
}
