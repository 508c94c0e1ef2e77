// The functions that Step Functions adds: $partition $range $hash $random $uuid $parse (jsonata-in-step-functions 8).
//
// Arguments that count something are cut towards zero and to 64 bits, as Java casts a double to a long.
#include <math.h>
#include <nettle/nettle-meta.h>

#include "lib.h"

// What the service's evaluator holds of a range for each value: 360,145 of them fit into its 7 MiB, one more does not.
#define RANGE_VALUE_BYTES 20.38074

static int64_t to_long(const asl_value *v) {
    if (v->tag == ASL_INT) return v->i;
    int64_t exact;
    if (asl_number_as_int(v, &exact)) return exact;
    double d = trunc(asl_number(v));
    if (isnan(d)) return 0;
    return d >= 0x1p63 ? INT64_MAX : d < -0x1p63 ? INT64_MIN : (int64_t)d;
}

static int fail(struct jx *jx, asl_value message) {
    int rc = jx_raise(jx, "D3137", "message", &message, (const char *)NULL);
    asl_release(message);
    return rc;
}

static bool given(const asl_value *args, uint32_t count, uint32_t i) { return i < count && args[i].tag != ASL_NONE; }

// ---------------------------------------------------------------- arrays

static asl_value part_of(const asl_value *array, size_t from, size_t size) {
    asl_value part = asl_array_new(size);
    for (size_t i = from; i < from + size; i++) jx_add(&part, asl_retain(*asl_array_at(array, i)));
    return part;
}

int jx_fn_PARTITION(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    *out = asl_none();
    if (args[0].tag == ASL_NONE) return 0;
    JX_WANT(0, JX_A);
    size_t all = asl_array_count(&args[0]);
    if (all == 1 && asl_array_at(&args[0], 0)->tag == ASL_NULL) { // null itself, wrapped by the signature (recorded)
        asl_value index = asl_int(1), type = asl_string_z("objects");
        return jx_raise(jx, "T0412", "value", &args[0], "index", &index, "type", &type, (const char *)NULL);
    }
    size_t size = all;
    if (given(args, count, 1)) {
        JX_WANT(1, JX_N);
        int64_t wanted = to_long(&args[1]);
        if (wanted < 0) return fail(jx, asl_string(ASL_STR("Second argument must be zero or greater")));
        size = (uint64_t)wanted < all ? (size_t)wanted : all;
    }
    if (size == 0) return 0; // recorded: nothing, not []
    asl_value parts = asl_array_new(all / size + 1);
    for (size_t i = 0; i < all; i += size) jx_add(&parts, part_of(&args[0], i, all - i < size ? all - i : size));
    *out = parts;
    return 0;
}

int jx_fn_RANGE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    *out = asl_none();
    for (uint32_t i = 0; i < 3; i++) {
        if (!given(args, count, i)) return 0;
        JX_WANT(i, JX_N);
    }
    int64_t first = to_long(&args[0]), last = to_long(&args[1]), step = to_long(&args[2]);
    if (step == 0 || (step > 0 && first > last) || (step < 0 && first < last)) return 0;
    // Differences of 64-bit integers are right as unsigned ones.
    uint64_t distance = step > 0 ? (uint64_t)last - (uint64_t)first : (uint64_t)first - (uint64_t)last;
    uint64_t stride = step > 0 ? (uint64_t)step : 0 - (uint64_t)step, more = distance / stride;
    if (more == 0) { // recorded: one value comes alone
        *out = asl_int(first);
        return 0;
    }
    double bytes = ((double)more + 1) * RANGE_VALUE_BYTES;
    if (jx_charge(jx, bytes < 0x1p62 ? (size_t)bytes : (size_t)1 << 62) < 0) return -1;
    asl_value range = asl_array_new((size_t)more + 1);
    for (uint64_t i = 0; i <= more; i++) jx_add(&range, asl_int((int64_t)((uint64_t)first + i * (uint64_t)step)));
    *out = jx_marked(range, JX_SEQUENCE);
    return 0;
}

// ---------------------------------------------------------------- hashes, random numbers

static const struct nettle_hash *hash_named(asl_str name) {
    static const struct {
        asl_str name;
        const struct nettle_hash *hash;
    } hashes[] = {
        {{"MD5", 3}, &nettle_md5},         {{"SHA-1", 5}, &nettle_sha1},     {{"SHA-256", 7}, &nettle_sha256},
        {{"SHA-384", 7}, &nettle_sha384}, {{"SHA-512", 7}, &nettle_sha512},
    };
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        if (asl_str_equal(name, hashes[i].name)) return hashes[i].hash;
    }
    return NULL;
}

// The text in UTF-8: half a character is a question mark there, as Java encodes it.
static void hash_text(const struct nettle_hash *hash, void *context, asl_str text) {
    const char *from = text.data, *end = from + text.size;
    for (const char *p = from; p < end; p++) {
        if ((uint8_t)*p != 0xed || (uint8_t)p[1] < 0xa0) continue;
        hash->update(context, (size_t)(p - from), (const uint8_t *)from);
        hash->update(context, 1, (const uint8_t *)"?");
        from = p + 3;
        p += 2;
    }
    hash->update(context, (size_t)(end - from), (const uint8_t *)from);
}

int jx_fn_HASH(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    *out = asl_none();
    if (args[0].tag == ASL_NONE || !given(args, count, 1)) return 0;
    JX_WANT(0, JX_S);
    JX_WANT(1, JX_S);
    const struct nettle_hash *hash = hash_named(asl_text_of(&args[1]));
    if (!hash)
        return fail(jx, asl_string(ASL_STR("Second argument must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512")));
    void *context = asl_alloc(hash->context_size);
    uint8_t digest[64];
    char text[128];
    hash->init(context);
    hash_text(hash, context, asl_text_of(&args[0]));
    hash->digest(context, hash->digest_size, digest);
    asl_free(context);
    for (unsigned i = 0; i < hash->digest_size; i++) {
        text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    *out = asl_string((asl_str){text, (size_t)hash->digest_size * 2});
    return 0;
}

// java.util.Random(seed).nextDouble()
static double java_random(int64_t seed) {
    const uint64_t multiplier = 0x5deece66d, mask = ((uint64_t)1 << 48) - 1;
    uint64_t state = ((uint64_t)seed ^ multiplier) & mask;
    state = (state * multiplier + 0xb) & mask;
    uint64_t high = state >> (48 - 26);
    state = (state * multiplier + 0xb) & mask;
    return (double)((high << 27) + (state >> (48 - 27))) * 0x1p-53;
}

int jx_fn_SFN_RANDOM(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    *out = asl_none();
    if (given(args, count, 0)) {
        JX_WANT(0, JX_N);
        *out = jx_number_value(java_random(to_long(&args[0])));
    } else {
        *out = jx_number_value(asl__random_unit(jx_random(jx)));
    }
    return 0;
}

int jx_fn_UUID(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)args, (void)count;
    char text[37];
    asl__random_uuid(jx_random(jx), text);
    *out = asl_string((asl_str){text, 36});
    return 0;
}

// ---------------------------------------------------------------- $parse

// In valid JSON as many as there are members, those with a key that was there before included.
static size_t count_members(asl_str text) {
    size_t count = 0;
    bool inside = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (inside && c == '\\') i++;
        else if (c == '"') inside = !inside;
        else count += !inside && c == ':';
    }
    return count;
}

// Numbers become what the service has: integers of 64 bits, doubles. Counts the members of objects. False: a number is
// beyond the range of doubles. As deep as the text was nested: at most ASL_MAX_DEPTH.
static bool settle(asl_value *v, size_t *members) {
    if (v->tag == ASL_NUMBER_TEXT) {
        int64_t i;
        asl_value number;
        if (asl_number_as_int(v, &i)) {
            number = asl_int(i);
        } else {
            double d = asl_number(v);
            if (!isfinite(d)) return false;
            number = asl_double(d);
        }
        asl_value_set(v, number);
    } else if (v->tag == ASL_ARRAY) {
        for (uint32_t i = 0; i < v->array->head.count; i++) {
            if (!settle(&v->array->items[i], members)) return false;
        }
    } else if (v->tag == ASL_OBJECT) {
        *members += v->object->head.count;
        for (uint32_t i = 0; i < v->object->head.count; i++) {
            if (!settle(&v->object->entries[i].value, members)) return false;
        }
    }
    return true;
}

int jx_fn_PARSE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    *out = asl_none();
    if (!given(args, count, 0)) return 0;
    JX_WANT(0, JX_S);
    asl_str text = asl_text_of(&args[0]);
    asl_json_limits limits = {.lone_surrogates = true}; // as in the strings of Java
    asl_json_error error;
    asl_value v;
    size_t members = 0;
    if (asl_json_parse(text, &limits, &v, &error) != 0)
        return fail(jx, asl_string_format("Invalid JSON: line %u, column %u: %s", error.line, error.column, error.message));
    const char *wrong = NULL;
    if (!settle(&v, &members)) wrong = "Invalid JSON: a number is too large";
    else if (members != count_members(text)) wrong = "Invalid JSON: an object has a key twice";
    if (wrong) {
        asl_release(v);
        return fail(jx, asl_string_z(wrong));
    }
    *out = v;
    return 0;
}
