// Values: what flows through a workflow.
//
//     a value is 16 bytes, passed by copy:
//
//        byte  0    1       2 … 7         8 … 15
//            +----+------+-------------+-------------------------+
//            |tag | size |             | int64 · double · pointer |
//            +----+------+-------------+-------------------------+
//            |tag | size |  up to 14 bytes of text, inline        |
//            +----+------+---------------------------------------+
//
// Values are immutable and reference counted, without atomics: a value belongs to one loop thread. A sole owner
// (refs == 1) may update in place, which is what the functions below that take and return a value do.
//
// Ownership is in the signature:
//     asl_value        f(asl_value v)           moved in; the result is yours
//     const asl_value *f(const asl_value *v)    borrowed; lives as long as v does and is not modified
//
// Numbers: an integer that fits int64 and is written canonically is ASL_INT; every other JSON number keeps its text
// (ASL_NUMBER_TEXT), so that a number that is only passed through comes out as it went in; ASL_DOUBLE is the result
// of a computation and prints with the shortest digits that read back the same.
#ifndef ASLC_VALUE_H
#define ASLC_VALUE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum asl_tag {
    ASL_NONE = 0, /* no value: a path that found nothing, an unset slot; never inside an array or object */
    ASL_NULL,
    ASL_BOOL,
    ASL_INT,
    ASL_DOUBLE,      /* finite */
    ASL_NUMBER_TEXT, /* a valid JSON number's text, inline or on the heap */
    ASL_STRING,      /* UTF-8, inline or on the heap; may hold U+0000 */
    ASL_ARRAY,
    ASL_OBJECT,
    ASL_FUNCTION,    /* inside an evaluation of JSONata only: laid out like an array of what it holds; never in a document */
} asl_tag;

#define ASL_INLINE_MAX 14  /* bytes of text that fit in the value itself */
#define ASL_ON_HEAP    255 /* .size of a text value whose bytes are in .text */
#define ASL_MAX_DEPTH  1000 /* nesting of arrays and objects; deeper input is refused, nothing recurses further */

/* Text on the heap, and the key of an object's entry. Immutable once made. */
typedef struct asl_text {
    uint32_t refs;
    uint32_t hash; /* asl_hash() of the bytes; 0: not known, see asl__text_hash() */
    size_t size;
    char bytes[]; /* `size` bytes and a NUL */
} asl_text;

typedef struct asl_array asl_array;
typedef struct asl_object asl_object;

typedef union asl_value {
    struct {
        uint8_t tag; /* enum asl_tag */
        uint8_t size;
        uint8_t reserved[6];
        union {
            bool b;
            int64_t i;
            double d;
            asl_text *text;
            asl_array *array;
            asl_object *object;
        };
    };
    struct {
        uint8_t head[2];
        char inline_text[ASL_INLINE_MAX];
    };
} asl_value;

/* Borrowed bytes, not necessarily NUL-terminated. */
typedef struct asl_str {
    const char *data;
    size_t size;
} asl_str;

#define ASL_STR(literal) ((asl_str){"" literal, sizeof(literal) - 1})
asl_str asl_str_z(const char *zero_terminated);
bool asl_str_equal(asl_str a, asl_str b);

// ---------------------------------------------------------------- counting references

asl_value asl_retain(asl_value v);      /* one more owner */
void asl_release(asl_value v);          /* one owner less; iterative, whatever the depth */
void asl_value_set(asl_value *slot, asl_value v); /* slot gets v, its old content is released */

// ---------------------------------------------------------------- scalars

static inline asl_value asl_none(void) { return (asl_value){.tag = ASL_NONE}; }
static inline asl_value asl_null(void) { return (asl_value){.tag = ASL_NULL}; }
static inline asl_value asl_bool(bool b) { return (asl_value){.tag = ASL_BOOL, .i = b}; }
static inline asl_value asl_int(int64_t i) { return (asl_value){.tag = ASL_INT, .i = i}; }
asl_value asl_double(double d);          /* d finite */
asl_value asl_number_text(asl_str text); /* a valid JSON number; becomes ASL_INT when canonical and in range */
asl_value asl_string(asl_str text);      /* text must be UTF-8 */
asl_value asl_string_z(const char *text);
asl_value asl_string_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
asl_value asl_string_of_text(asl_text *key); /* shares key; key is borrowed */

/* The bytes of a string or number text, NUL-terminated except when inline and 14 long. Borrowed: for an inline value
   they are inside *v, so v must outlive the result. */
asl_str asl_text_of(const asl_value *v);

static inline bool asl_is_number(const asl_value *v) {
    return v->tag == ASL_INT || v->tag == ASL_DOUBLE || v->tag == ASL_NUMBER_TEXT;
}
double asl_number(const asl_value *v);                    /* v is a number */
bool asl_number_as_int(const asl_value *v, int64_t *out); /* exact integers only: 3, 3.0, 3e0; false for 3.5 */
int asl_number_compare(const asl_value *a, const asl_value *b); /* -1, 0, 1 by value; exact for two integers */
asl_value asl_number_round(const asl_value *v); /* floor(x + 0.5), as the service rounds intrinsic arguments */
size_t asl_double_print(double d, char out[32]); /* shortest text that reads back the same; returns its length */

// ---------------------------------------------------------------- text

uint32_t asl_hash(asl_str text);    /* seeded once per process */
asl_text *asl_text_new(asl_str text); /* one reference, yours */
asl_text *asl_text_retain(asl_text *t);
void asl_text_release(asl_text *t);

// ---------------------------------------------------------------- arrays

asl_value asl_array_new(size_t reserve);
size_t asl_array_count(const asl_value *array);
const asl_value *asl_array_at(const asl_value *array, size_t index); /* index < count */
asl_value asl_array_push(asl_value array, asl_value item);           /* copies the array first when it is shared */
asl_value asl_array_set(asl_value array, size_t index, asl_value item); /* index < count */

// ---------------------------------------------------------------- objects: insertion order is kept

asl_value asl_object_new(size_t reserve);
size_t asl_object_count(const asl_value *object);
const asl_value *asl_object_get(const asl_value *object, asl_str key); /* NULL when absent */
const asl_value *asl_object_get_key(const asl_value *object, const asl_text *key); /* the same, hash known */
asl_text *asl_object_key_at(const asl_value *object, size_t index);   /* borrowed; index < count */
const asl_value *asl_object_at(const asl_value *object, size_t index);
/* An existing key keeps its place and gets a new value; a new key goes to the end. key is borrowed and shared. */
asl_value asl_object_set(asl_value object, asl_text *key, asl_value item);
asl_value asl_object_put(asl_value object, asl_str key, asl_value item); /* the same, key by text */
asl_value asl_object_remove(asl_value object, asl_str key);

/* Writes into order[] the positions 0..count-1 in the order a java.util.HashMap of these keys would iterate: the order
   of JsonMerge's keys and of dynamic keys in payload templates (recorded, aws-observed-behaviour 17). Keys are UTF-8;
   hashed as Java hashes their UTF-16. */
void asl_java_hash_order(const asl_str *keys, size_t count, size_t *order);

// ---------------------------------------------------------------- comparing

bool asl_equal(const asl_value *a, const asl_value *b); /* deep; numbers by value; key order does not matter */
int asl_string_compare(asl_str a, asl_str b); /* UTF-16 code unit order, as Java's String.compareTo: <0, 0, >0 */

// ---------------------------------------------------------------- a growing buffer of bytes

typedef struct asl_buffer {
    char *data; /* NUL-terminated when size > 0 */
    size_t size, capacity;
} asl_buffer; /* zero-initialised is empty */

void asl_buffer_add(asl_buffer *b, const void *data, size_t size);
void asl_buffer_str(asl_buffer *b, asl_str s);
void asl_buffer_z(asl_buffer *b, const char *s);
void asl_buffer_format(asl_buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void asl_buffer_vformat(asl_buffer *b, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
void asl_buffer_byte(asl_buffer *b, char c);
char *asl_buffer_reserve(asl_buffer *b, size_t more); /* room for `more` bytes at the end; the caller adds to size */
void asl_buffer_free(asl_buffer *b);

// ---------------------------------------------------------------- JSON text

typedef struct asl_json_error {
    size_t offset;           /* bytes from the start of the text */
    uint32_t line, column;   /* from 1; column counts bytes */
    char message[160];       /* "expected ',' or '}' after a member" */
} asl_json_error;

typedef struct asl_json_limits {
    uint32_t max_depth; /* 0: ASL_MAX_DEPTH */
    size_t max_size;    /* bytes of text; 0: no limit */
    bool lone_surrogates; /* half a surrogate pair is allowed, as \ud800 or as its three bytes, which it becomes: JSONata
                             has such strings */
    bool index_order;     /* members whose names are array indices ("0", "12") come first, ascending, as in JavaScript's
                             objects: what JSONata's *, ** and $keys then show */
} asl_json_limits;

/* Parses exactly one JSON text (white space and a UTF-8 byte-order mark round it are fine). Strict: RFC 8259, valid
   UTF-8, no lone surrogates in \u escapes. Of duplicate keys the last one wins, in the first one's place.
   0, or -1 with *error filled (error may be NULL). limits may be NULL. */
int asl_json_parse(asl_str text, const asl_json_limits *limits, asl_value *out, asl_json_error *error);

/* Appends compact JSON: no spaces, keys in order, non-ASCII as UTF-8, only what must be escaped is escaped. */
void asl_json_print(const asl_value *v, asl_buffer *out);
void asl_json_print_string(asl_str text, asl_buffer *out); /* with its quotes */
size_t asl_json_size(const asl_value *v);                  /* bytes that asl_json_print would add */

// ---------------------------------------------------------------- memory

/* All of the runtime's memory comes from here. Allocation does not return NULL: when memory runs out the process
   says so and aborts (a Standard execution's journal makes that safe). */
void *asl_alloc(size_t size);
void *asl_calloc(size_t count, size_t size);
void *asl_realloc(void *p, size_t size);
void asl_free(void *p);

/* For tests: blocks allocated and not freed so far, in this process. */
size_t asl_alloc_live(void);
/* For measuring: blocks this thread has allocated so far. */
size_t asl_alloc_made(void);

#ifdef __cplusplus
}
#endif
#endif
