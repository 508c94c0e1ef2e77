// $base64encode and -decode, and the URL functions, which are ECMAScript's encodeURI and its relatives.
#include "lib.h"

#define STRING_ARGUMENT()                                                                                    \
    (void)count;                                                                                             \
    JX_WANT(0, JX_S | JX_M);                                                                                 \
    *out = asl_none();                                                                                       \
    if (args[0].tag == ASL_NONE) return 0;                                                                   \
    asl_str s = asl_text_of(&args[0]);                                                                       \
    struct jx_text t;                                                                                        \
    jx_text_begin(&t)

// ---------------------------------------------------------------- base64

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode_bytes(const uint8_t *p, size_t size, struct jx_text *t) {
    char *to = jx_text_room(t, (size + 2) / 3 * 4);
    for (; size >= 3; p += 3, size -= 3) {
        uint32_t x = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        *to++ = base64[x >> 18];
        *to++ = base64[x >> 12 & 63];
        *to++ = base64[x >> 6 & 63];
        *to++ = base64[x & 63];
    }
    if (size) {
        uint32_t x = (uint32_t)p[0] << 16 | (size == 2 ? (uint32_t)p[1] << 8 : 0);
        *to++ = base64[x >> 18];
        *to++ = base64[x >> 12 & 63];
        *to++ = size == 2 ? base64[x >> 6 & 63] : '=';
        *to++ = '=';
    }
    t->size = (size_t)(to - t->data);
}

// UTF-16 units are taken for bytes: of larger ones only the low eight bits count.
int jx_fn_BASE64_ENCODE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    STRING_ARGUMENT();
    if (jx_ascii(s)) {
        encode_bytes((const uint8_t *)s.data, s.size, &t);
    } else {
        struct jx_text bytes;
        jx_text_begin(&bytes);
        for (const char *p = s.data, *end = p + s.size; p < end;) {
            uint32_t code = jx_next_code(&p);
            char *room = jx_text_room(&bytes, 2);
            if (code > 0xffff) {
                *room++ = (char)(uint8_t)(0xd800 | ((code - 0x10000) >> 10));
                bytes.size++;
            }
            *room = (char)(uint8_t)code; // the low bits of a second half are those of the character
            bytes.size++;
        }
        encode_bytes((const uint8_t *)bytes.data, bytes.size, &t);
        jx_text_end(&bytes);
    }
    *out = jx_text_value(&t);
    return 0;
}

static int base64_digit(uint8_t c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    if (c == '/' || c == '_') return 63;
    return -1;
}

// Lenient: both alphabets, padding may be missing, everything else is passed over. The first '=' ends the text.
int jx_fn_BASE64_DECODE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    STRING_ARGUMENT();
    uint32_t bits = 0;
    int have = 0;
    uint32_t second = 0; // the second unit of a pair, with a bit above it
    for (const char *p = s.data, *end = s.data + s.size; p < end || second;) {
        // As the host does it, the low byte of each unit counts.
        uint32_t unit = second ? second : jx_next_code(&p);
        second = unit > 0xffff && !second ? (unit & 0x3ff) | 0x10000 : 0;
        uint8_t c = (uint8_t)(second ? (unit - 0x10000) >> 10 : unit);
        if (c == '=') break;
        int digit = base64_digit(c);
        if (digit < 0) continue;
        bits = bits << 6 | (uint32_t)digit;
        have += 6;
        if (have < 8) continue;
        have -= 8;
        jx_text_code(&t, bits >> have & 0xff);
    }
    *out = jx_text_value(&t);
    return 0;
}

// ---------------------------------------------------------------- URLs

// What stays as it is: letters, digits and -_.!~*'() ; and in a whole URL what has a meaning there.
#define UNRESERVED "-_.!~*'()"
#define RESERVED   ";/?:@&=+$,#"

static bool is_kept(uint8_t c, bool component) {
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return true;
    return c && c < 0x80 && (strchr(UNRESERVED, c) || (!component && strchr(RESERVED, c)));
}

static int raise_malformed(struct jx *jx, const asl_value *v, const char *function, struct jx_text *t) {
    asl_value name = asl_string_z(function);
    jx_text_end(t);
    jx_raise(jx, "D3140", "value", v, "functionName", &name, (const char *)NULL);
    asl_release(name);
    return -1;
}

static int encode_url(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out, const char *name,
                      bool component) {
    static const char hex[] = "0123456789ABCDEF";
    STRING_ARGUMENT();
    if (jx_has_surrogates(s)) return raise_malformed(jx, &args[0], name, &t);
    for (size_t i = 0; i < s.size; i++) {
        uint8_t c = (uint8_t)s.data[i];
        char *to = jx_text_room(&t, 3);
        if (is_kept(c, component)) {
            *to = (char)c;
            t.size++;
        } else {
            to[0] = '%', to[1] = hex[c >> 4], to[2] = hex[c & 15];
            t.size += 3;
        }
    }
    *out = jx_text_value(&t);
    return 0;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') return (c | 0x20) - 'a' + 10;
    return -1;
}

// The byte of %XX at *p, or -1.
static int escaped_byte(const char **p, const char *end) {
    if (end - *p < 3 || **p != '%') return -1;
    int high = hex_digit((*p)[1]), low = hex_digit((*p)[2]);
    if (high < 0 || low < 0) return -1;
    *p += 3;
    return high << 4 | low;
}

// The character that the escapes at *p spell in UTF-8, or UINT32_MAX.
static uint32_t escaped_code(const char **p, const char *end) {
    int first = escaped_byte(p, end);
    if (first < 0) return UINT32_MAX;
    if (first < 0x80) return (uint32_t)first;
    int more = first >= 0xf8 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (!more) return UINT32_MAX;
    uint32_t code = (uint32_t)first & (0x3fu >> more);
    for (int i = 0; i < more; i++) {
        int byte = escaped_byte(p, end);
        if (byte < 0 || (byte & 0xc0) != 0x80) return UINT32_MAX;
        code = code << 6 | ((uint32_t)byte & 0x3f);
    }
    if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return UINT32_MAX;
    return code;
}

static int decode_url(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out, const char *name,
                      bool component) {
    STRING_ARGUMENT();
    const char *p = s.data, *end = p + s.size;
    while (p < end) {
        const char *escape = memchr(p, '%', (size_t)(end - p));
        jx_text_join(&t, (asl_str){p, (size_t)((escape ? escape : end) - p)});
        if (!escape) break;
        p = escape;
        uint32_t code = escaped_code(&p, end);
        if (code == UINT32_MAX) return raise_malformed(jx, &args[0], name, &t);
        // A whole URL keeps the escapes of what would get a meaning.
        if (!component && code && code < 0x80 && strchr(RESERVED, (int)code)) jx_text_add(&t, escape, 3);
        else jx_text_code(&t, code);
    }
    *out = jx_text_value(&t);
    return 0;
}

int jx_fn_ENCODE_URL_COMPONENT(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    return encode_url(jx, args, count, out, "encodeUrlComponent", true);
}

int jx_fn_ENCODE_URL(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    return encode_url(jx, args, count, out, "encodeUrl", false);
}

int jx_fn_DECODE_URL_COMPONENT(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    return decode_url(jx, args, count, out, "decodeUrlComponent", true);
}

int jx_fn_DECODE_URL(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    return decode_url(jx, args, count, out, "decodeUrl", false);
}
