// What a task's process or function gave back, turned into a result or into Error and Cause.
#ifndef ASL_ANSWER_H
#define ASL_ANSWER_H

#include "aslc/handler.h"

#define ASL__CAUSE_MAX 32768 /* bytes: the API's bound on Cause (limits-and-errors 1) */

struct asl__failure {
    asl_value error, cause; /* for asl_task_fail */
};

/* Text from outside as a Cause: trimmed, made valid UTF-8, and when too long its end is kept, where stack traces and
   tools have their message. */
asl_value asl__cause(asl_str text);

/* An object that reports a failure: Error or errorType is a string, or Cause or errorMessage is there. With `only`
   it must name the error and hold nothing that is not part of a report, so that a result is not mistaken for one. */
bool asl__failure_object(const asl_value *v, bool only, struct asl__failure *out);

/* Looks for such an object in what was written to standard error: the whole text, else the last line that is one. */
bool asl__failure_in_text(asl_str text, struct asl__failure *out);

/* Parses an answer. 0, or -1 with a cause: "exec: ./charge printed something that is not JSON (1:17: …): …". */
int asl__answer_json(asl_str text, const char *who, const char *did, asl_value *result, asl_value *cause);

/* Appends text with whatever is not UTF-8 replaced by U+FFFD. */
void asl__utf8_clean(asl_str text, asl_buffer *out);
bool asl__utf8_valid(asl_str text);
bool asl__is_blank(asl_str text); /* empty, or nothing but JSON's white space */

/* States.TaskFailed with this cause. */
void asl__task_fail(asl_task *task, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with `cause`, which is freed, followed by what was said on standard error. */
void asl__task_fail_saying(asl_task *task, asl_buffer *cause, asl_str said);

#endif
