// What a task's process or function gave back, turned into a result or into Error and Cause.
//
// Text that comes from outside may be anything: binary, endless, half a document. Here it becomes valid UTF-8 of a
// bounded size before it enters a workflow.

#include "answer.h"
#include "utf8.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// ---------------------------------------------------------------- UTF-8

bool asl__utf8_valid(asl_str text) {
    for (size_t i = 0; i < text.size;) {
        size_t n = asl__utf8_size(text.data + i, text.data + text.size);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

void asl__utf8_clean(asl_str text, asl_buffer *out) {
    size_t from = 0; /* start of the run that is fine */
    for (size_t i = 0; i < text.size;) {
        size_t n = asl__utf8_size(text.data + i, text.data + text.size);
        if (n) {
            i += n;
            continue;
        }
        asl_buffer_add(out, text.data + from, i - from);
        asl_buffer_z(out, "\xef\xbf\xbd");
        from = ++i;
    }
    if (from < text.size)
        asl_buffer_add(out, text.data + from, text.size - from);
}

// ---------------------------------------------------------------- causes

static asl_str trimmed(asl_str t) {
    while (t.size && memchr(" \t\r\n", t.data[0], 4))
        t.data++, t.size--;
    while (t.size && memchr(" \t\r\n", t.data[t.size - 1], 4))
        t.size--;
    return t;
}

bool asl__is_blank(asl_str text) { return trimmed(text).size == 0; }

asl_value asl__cause(asl_str text) {
    static const char cut[] = "[…] ";
    text = trimmed(text);
    if (text.size > ASL__CAUSE_MAX) /* replacing bytes only makes it longer */
        text.data += text.size - ASL__CAUSE_MAX - 4, text.size = ASL__CAUSE_MAX + 4;
    asl_buffer b = {0};
    asl__utf8_clean(text, &b);
    asl_str s = {b.data, b.size};
    asl_value v;
    if (s.size <= ASL__CAUSE_MAX) {
        v = asl_string(s);
    } else {
        size_t keep = ASL__CAUSE_MAX - (sizeof cut - 1);
        s.data += s.size - keep, s.size = keep;
        while (s.size && ((unsigned char)s.data[0] & 0xc0) == 0x80) /* begin with a whole character */
            s.data++, s.size--;
        asl_buffer c = {0};
        asl_buffer_z(&c, cut);
        asl_buffer_str(&c, s);
        v = asl_string((asl_str){c.data, c.size});
        asl_buffer_free(&c);
    }
    asl_buffer_free(&b);
    return v;
}

void asl__task_fail(asl_task *task, const char *format, ...) {
    char text[2048]; /* command names are cut; what a child said has come through asl__cause */
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t size = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    asl_task_fail(task, asl_string(ASL_STR("States.TaskFailed")), asl__cause((asl_str){text, size}));
}

void asl__task_fail_saying(asl_task *task, asl_buffer *cause, asl_str said) {
    asl_value text = asl__cause(said);
    asl_str t = asl_text_of(&text);
    if (t.size) {
        asl_buffer_z(cause, "; standard error: ");
        asl_buffer_str(cause, t);
    }
    asl_release(text);
    asl_task_fail(task, asl_string(ASL_STR("States.TaskFailed")), asl__cause((asl_str){cause->data, cause->size}));
    asl_buffer_free(cause);
}

// ---------------------------------------------------------------- failures

static const asl_value *member(const asl_value *v, const char *name, const char *other) {
    const asl_value *m = asl_object_get(v, asl_str_z(name));
    return m ? m : asl_object_get(v, asl_str_z(other));
}

/* The members of a failure report: ours, and what the Lambda runtimes add. */
static bool is_report_member(const asl_text *key) {
    static const char *const known[] = {"Error",      "Cause", "errorType", "errorMessage",
                                        "stackTrace", "trace", "requestId"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (asl_str_equal((asl_str){key->bytes, key->size}, asl_str_z(known[i])))
            return true;
    return false;
}

bool asl__failure_object(const asl_value *v, bool only, struct asl__failure *out) {
    if (v->tag != ASL_OBJECT)
        return false;
    const asl_value *error = member(v, "Error", "errorType"), *cause = member(v, "Cause", "errorMessage");
    if ((error && error->tag != ASL_STRING) || (!error && (only || !cause)))
        return false;
    for (size_t i = 0; only && i < asl_object_count(v); i++)
        if (!is_report_member(asl_object_key_at(v, i)))
            return false;
    out->error = error ? asl_retain(*error) : asl_string(ASL_STR("States.TaskFailed"));
    out->cause = asl_none();
    if (cause && cause->tag == ASL_STRING) {
        out->cause = asl_text_of(cause).size > ASL__CAUSE_MAX ? asl__cause(asl_text_of(cause)) : asl_retain(*cause);
    } else if (cause) {
        asl_buffer b = {0};
        asl_json_print(cause, &b);
        out->cause = asl__cause((asl_str){b.data, b.size});
        asl_buffer_free(&b);
    }
    return true;
}

static bool failure_in(asl_str text, struct asl__failure *out) {
    text = trimmed(text);
    asl_value v;
    if (text.size == 0 || text.data[0] != '{' || asl_json_parse(text, NULL, &v, NULL) < 0)
        return false;
    bool is = asl__failure_object(&v, false, out);
    asl_release(v);
    return is;
}

bool asl__failure_in_text(asl_str text, struct asl__failure *out) {
    if (failure_in(text, out))
        return true;
    while (text.size) {
        const char *newline = memrchr(text.data, '\n', text.size);
        size_t start = newline ? (size_t)(newline - text.data) + 1 : 0;
        if (failure_in((asl_str){text.data + start, text.size - start}, out))
            return true;
        text.size = newline ? start - 1 : 0;
    }
    return false;
}

// ---------------------------------------------------------------- results

int asl__answer_json(asl_str text, const char *who, const char *did, asl_value *result, asl_value *cause) {
    enum { SHOWN = 80 }; /* bytes of the culprit that help to recognise it */
    asl_json_error error;
    if (asl_json_parse(text, NULL, result, &error) == 0)
        return 0;
    asl_buffer b = {0};
    asl_buffer_format(&b, "%s %s something that is not JSON (%u:%u: %s): ", who, did, error.line, error.column,
                      error.message);
    asl_str t = trimmed(text);
    asl_buffer_add(&b, t.data, t.size < SHOWN ? t.size : SHOWN);
    if (t.size > SHOWN)
        asl_buffer_z(&b, "…");
    *cause = asl__cause((asl_str){b.data, b.size});
    asl_buffer_free(&b);
    return -1;
}
