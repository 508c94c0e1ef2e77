// Private to the runtime: the evaluation of paths, intrinsic functions and choice operators, timestamps, random numbers.
#ifndef ASL_QUERY_H
#define ASL_QUERY_H

#include "aslc/path.h"
#include "aslc/program.h"
#include "aslc/value.h"

/* xoshiro256**; seeded by splitmix64. */
struct asl__random {
    uint64_t s[4];
};
void asl__random_seed(struct asl__random *r, uint64_t seed);
uint64_t asl__random_next(struct asl__random *r);
double asl__random_unit(struct asl__random *r);                     /* [0, 1) */
void asl__random_uuid(struct asl__random *r, char out[37]);         /* version 4, lower case, NUL-terminated */
void asl__uuid_print(uint64_t high, uint64_t low, char out[37]);    /* the one that these two numbers give */

/* asl_path_get for the steps from number `step` on; an indefinite path whose filters do not speak of the root. ASL_NONE: that
   would be too much work. */
asl_value asl__path_get_from(const asl_path *path, size_t step, const asl_value *from);

/* Calls an intrinsic function on borrowed arguments. 0 with *out set (yours), or -1 with a message for
   States.IntrinsicFailure. Limits as in jsonpath-and-intrinsics.md 8. */
int asl__intrinsic_call(asl_intrinsic function, const asl_value *args, size_t count, struct asl__random *random,
                        asl_value *out, char *message, size_t message_size);

/* Whether the data test holds: false across types, never an error (asl-language.md 8.3). For IsPresent a missing value
   is ASL_NONE. */
bool asl__choice_test(asl_choice op, const asl_value *v, const asl_value *operand);
bool asl__string_matches(asl_str text, asl_str pattern); /* StringMatches: *, \*, \\ ; linear in text × stars */
/* The pattern taken apart: the bytes that are to stand before its next star, or its end, go to out; their number. *at is
   behind that star then, or one more than the pattern's size when there is no other piece. */
size_t asl__pattern_piece(asl_str pattern, size_t *at, char *out);
/* Whether pieces are found in the text one after the other. Each is its size, a uint32_t, and so many bytes, at least one. */
bool asl__pieces_follow(asl_str text, const char *pieces, uint32_t count);

/* ISO-8601 extended offset date-time, as Choice and Wait take it: "2016-03-14T01:59:00Z", "…00.5+02:00".
   Seconds since 1970 and nanoseconds. When it is none, false, and *why (may be NULL) gets a static text such as
   "month 13", "missing \"T\" between date and time", "missing zone: add \"Z\"". */
bool asl_timestamp_parse(asl_str text, int64_t *seconds, int32_t *nanos, const char **why);
/* As the Context object prints times: UTC, Z, 0 or 3 fractional digits. Returns the length. */
size_t asl_timestamp_print(int64_t ms_since_1970, char out[40]);

#endif
