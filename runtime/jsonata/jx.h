// Private to the runtime (and to the interpreter): JSONata.
//
// An expression is a function of the plan, compiled like a machine: `int32_t f(asl_frame *)` over slots. Its frame is a
// jx_frame, whose head is an asl_frame, so compiled code finds its slots the same way; everything it calls is an entry
// asl_rt_jx_* of rt.def. Expressions never suspend.
//
//     asl_rt_jx_eval (an op of a state's machine) ──► jx_call(function, arguments) ──► compiled function
//                                                                                        ├─ asl_rt_jx_* : values
//                                                                                        └─ jx_call: lambdas, $map(…), …
//
// What each file does: eval.c an evaluation's stack, limits, errors and calls; core files (path, group, sort, tuple, …)
// the entries; signature.c argument checks; strings.c numbers.c arrays.c objects.c regex.c number_picture.c
// integer_picture.c date_picture.c sfn.c the built-in functions of include/aslc/jsonata.def.
#ifndef ASL_JX_H
#define ASL_JX_H

#include "aslc/program.h"
#include "aslc/value.h"
#include "query.h"

struct jx; /* one evaluation: its value stack, limits, error, the instant it began */

struct jx_frame {
    asl_frame head; /* head.machine is the function's number; must be first */
    struct jx *jx;
    /* further members are eval.c's */
};

/* The program a function's frame runs: how the interpreter finds its plan. */
const asl_program *asl_rt_jx_program(const asl_frame *frame);

// ---------------------------------------------------------------- marks of arrays (jsonata-language 1)

enum { JX_SEQUENCE = 1, JX_KEEP_SINGLETON = 2, JX_CONS = 4, JX_TUPLES = 8, JX_OUTER = 16 };
static inline uint8_t jx_marks(const asl_value *array) { return array->reserved[0]; }
static inline asl_value jx_marked(asl_value array, uint8_t marks) {
    array.reserved[0] = marks;
    return array;
}

// ---------------------------------------------------------------- built-in functions

/* args are borrowed and have passed the signature: context defaulting, wrapping of scalars for `a` parameters are done,
   count is the number of declared parameters, missing and undefined ones are ASL_NONE. 0 with *out set (yours, ASL_NONE
   for undefined), or -1 after jx_raise. */
typedef int jx_builtin(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out);
#define BUILTIN(id, name, signature, dialect) JX_##id,
enum jx_builtin_id {
#include "aslc/jsonata.def"
    JX_BUILTIN_COUNT
};
#undef BUILTIN

/* The built-ins, one for each row: BUILTIN(SUBSTRING_BEFORE, …) is jx_fn_SUBSTRING_BEFORE. */
#define BUILTIN(id, name, signature, dialect) jx_builtin jx_fn_##id;
#include "aslc/jsonata.def"
#undef BUILTIN

/* Fails the evaluation with an error of the catalogue (aslc/jsonata_errors.def: ERROR(T2001, "The left side of …")); returns
   -1. Fields that the message shows are given as name, value pairs ending in NULL: jx_raise(jx, "D3030", "value", &v, NULL).
   Values are borrowed. Position and token are filled in by the call site. */
int jx_raise(struct jx *jx, const char *code, ...);

/* Calls a function value with borrowed arguments; surplus ones are dropped or checked as the function demands. */
int jx_call(struct jx *jx, const asl_value *function, const asl_value *args, uint32_t count, asl_value *out);
bool jx_is_function(const asl_value *v); /* lambdas, built-ins, partials, regexes */
uint32_t jx_arity(const asl_value *function); /* as higher-order functions count it (15, "Arity") */

/* A function value whose body is C; what it holds (a regex's program as an ASL_INT, its source, …) is copied into it and
   released with it. args are borrowed, count is what the caller gave. */
typedef int jx_native(struct jx *jx, const asl_value *held, const asl_value *args, uint32_t count, asl_value *out);
asl_value jx_native_new(jx_native *call, uint32_t arity, const asl_value *held, uint32_t held_count);
/* What a function made from `call` holds, or NULL when f is another function or none: how $contains and $replace know a
   regex and need not go through jx_call. */
const asl_value *jx_native_held(const asl_value *f, jx_native *call);

int64_t jx_now_ms(struct jx *jx); /* the instant the evaluation began */
struct asl__random *jx_random(struct jx *jx);
int jx_charge(struct jx *jx, size_t bytes_or_steps); /* fuel: 0, or -1 when a limit is exceeded (raised) */

/* Something kept with the program under a key that lives as long as it (a parsed picture, a compiled regex): found or made
   once. make returns NULL after jx_raise. */
void *jx_cached(struct jx *jx, const void *kind, asl_str key, void *(*make)(struct jx *, asl_str), void (*drop)(void *));

// ---------------------------------------------------------------- shared helpers (owner in parentheses)

bool jx_truth(const asl_value *v);                         /* 13 (core); an infinity is true */
int jx_test(struct jx *jx, const asl_value *v);            /* the same, or -1: an infinity has been raised (core) */
bool jx_deep_equal(const asl_value *a, const asl_value *b); /* 13 (core) */
double jx_number(const asl_value *v);                      /* v is a number (core) */
static inline bool jx_is_exact(int64_t i) { return i >= -(INT64_C(1) << 53) && i <= INT64_C(1) << 53; } /* as a double */
asl_value jx_append(asl_value a, asl_value b);             /* $append; both moved in (core) */
/* $string and & : 0 or -1 raised; appends to out (strings.c) */
int jx_stringify(struct jx *jx, const asl_value *v, bool pretty, asl_buffer *out);
size_t jx_number_print(double d, char out[40]);            /* JavaScript's number-to-string (numbers.c) */
size_t jx_number_print15(double d, char out[40]);          /* after rounding to 15 significant digits when not integral (numbers.c) */
asl_value jx_number_value(double d);                       /* ASL_INT when integral, exact and not -0, else ASL_DOUBLE (core) */

/* The members of object are set on into, which is moved in and changed in place when nobody else holds it; keys go to the
   end, integer-like ones too (objects.c) */
asl_value jx_merge(asl_value into, const asl_value *object);

/* A regex function value: undefined or the match object of 19 (regex.c). */
asl_value jx_regex_new(struct jx *jx, asl_str pattern, bool ignore_case, bool multiline); /* ASL_NONE after jx_raise */
/* Whether a pattern can be compiled; if not, why: "Unterminated group". For the compiler. */
bool jx_regex_check(asl_str pattern, bool ignore_case, bool multiline, char *message, size_t message_size);

// ---------------------------------------------------------------- signatures (signature.c)

struct jx_signature; /* parsed once */
struct jx_signature *jx_signature_parse(asl_str text, const char **code, size_t *offset); /* NULL: S0401, S0402 */
void jx_signature_free(struct jx_signature *s);
uint32_t jx_signature_params(const struct jx_signature *s); /* declared parameters */
/* Checks count borrowed args against s with the context value; fills out[0 … jx_signature_params) (or more for `+`), each
   yours, *out_count of them. 0, or -1 after raising T0410, T0411, T0412. capacity: room in out. */
int jx_signature_check(struct jx *jx, const struct jx_signature *s, const asl_value *args, uint32_t count,
                       const asl_value *context, asl_value *out, uint32_t capacity, uint32_t *out_count);

#endif
