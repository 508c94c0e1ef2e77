// C functions as handlers: see native.h for the two ways that lead here.
//
//     loop thread:  payload ─► cells (numbers, and malloc'd texts)
//     pool thread:                 text ─► cJSON ─► the function ─► cJSON ─► text
//     loop thread:                                                             text ─► result
//
// Values count references without atomics, so none of them is seen by the pool: what crosses is plain C memory.
//
// Ownership, from the function's view: arguments are borrowed for the call. A string or json result is malloc'd and a
// cjson result is a tree of its own; both are freed here. Giving back an argument itself is fine.

#include "native.h"
#include "aslc/call.h"
#include "answer.h"
#include "engine.h"
#include "value_private.h"
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

// ---------------------------------------------------------------- the signature

static const char *const type_names[] = {"int", "long", "double", "bool", "string", "json", "cjson", "task"};
enum { TYPES = sizeof type_names / sizeof *type_names };

const char *asl__ffi_type_name(enum asl__ffi_type type) { return type_names[type]; }

static void skip_blanks(asl_str *s) {
    while (s->size && (*s->data == ' ' || *s->data == '\t'))
        s->data++, s->size--;
}

static bool skip(asl_str *s, const char *what) {
    size_t n = strlen(what);
    skip_blanks(s);
    if (s->size < n || memcmp(s->data, what, n) != 0)
        return false;
    s->data += n, s->size -= n;
    return true;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* For printing text of any length with "%.*s". */
#define SHOW(s) ((s).size < 100 ? (int)(s).size : 100), ((s).data ? (s).data : "")

static asl_str word(asl_str *s) {
    skip_blanks(s);
    asl_str w = {s->data, 0};
    while (w.size < s->size && (is_letter(s->data[w.size]) || (w.size && is_digit(s->data[w.size]))))
        w.size++;
    s->data += w.size, s->size -= w.size;
    return w;
}

static int read_type(asl_str *s, enum asl__ffi_type *out, char *message, size_t message_size) {
    asl_str w = word(s);
    for (int i = 0; i < TYPES; i++) {
        if (asl_str_equal(w, asl_str_z(type_names[i]))) {
            *out = (enum asl__ffi_type)i;
            return 0;
        }
    }
    if (w.size == 0)
        w = (asl_str){s->data, s->size < 16 ? s->size : 16};
    snprintf(message, message_size,
             "ffi: '%.*s' is no type; the types are int, long, double, bool, string, json, cjson, "
             "and task for a parameter", SHOW(w));
    return -1;
}

int asl__ffi_parse(asl_str spec, struct asl__ffi_signature *out, char *message, size_t message_size) {
    memset(out, 0, sizeof *out);
    const char *bracket = spec.size ? memchr(spec.data, '(', spec.size) : NULL;
    size_t head = bracket ? (size_t)(bracket - spec.data) : spec.size;
    const char *hash = head ? memrchr(spec.data, '#', head) : NULL; /* a path may hold one too */
    if (!bracket || !hash) {
        snprintf(message, message_size, "ffi: write ffi:LIB#SYMBOL(TYPE,…)->TYPE; '%.*s' has no %s", SHOW(spec),
                 hash ? "parameter list" : "#SYMBOL");
        return -1;
    }
    asl_str rest = {hash + 1, spec.size - (size_t)(hash + 1 - spec.data)};
    out->library = (asl_str){spec.data, (size_t)(hash - spec.data)};
    out->symbol = word(&rest);
    if (out->symbol.size == 0 || !skip(&rest, "(")) {
        asl_str name = {hash + 1, (size_t)(bracket - hash - 1)};
        snprintf(message, message_size, "ffi: '%.*s' is no name of a C function", SHOW(name));
        return -1;
    }
    while (!skip(&rest, ")")) {
        if (out->count > 0 && !skip(&rest, ",")) {
            snprintf(message, message_size, "ffi: the parameter list of %.*s needs ',' or ')' after %s",
                     SHOW(out->symbol), type_names[out->parameters[out->count - 1]]);
            return -1;
        }
        if (out->count == ASL__FFI_MAX_PARAMETERS) {
            snprintf(message, message_size, "ffi: a function may have %d parameters at most", ASL__FFI_MAX_PARAMETERS);
            return -1;
        }
        if (read_type(&rest, &out->parameters[out->count], message, message_size) < 0)
            return -1;
        out->count++;
    }
    if (!skip(&rest, "->")) {
        snprintf(message, message_size, "ffi: %.*s(…) needs '->TYPE' for its result", SHOW(out->symbol));
        return -1;
    }
    if (read_type(&rest, &out->result, message, message_size) < 0)
        return -1;
    if (out->result == ASL__FFI_TASK) {
        snprintf(message, message_size, "ffi: %.*s(…)->task: task is what a function is told, it cannot give it back",
                 SHOW(out->symbol));
        return -1;
    }
    skip_blanks(&rest);
    if (rest.size) {
        snprintf(message, message_size, "ffi: unexpected '%.*s' after the result's type", SHOW(rest));
        return -1;
    }
    return 0;
}

// ---------------------------------------------------------------- the binding

/* cJSON is not linked: only functions that take or give its trees need it, and those have it. */
struct cjson {
    void *library; /* to close, or NULL */
    void *(*parse)(const char *text);
    char *(*print)(const void *tree);
    void (*delete)(void *tree);
    void (*free)(void *text);
};

struct native {
    struct asl__ffi_signature signature; /* points into spec */
    char *spec;
    char *name; /* the symbol */
    asl__native_call *call;
    void *context;
    void (*release)(void *context);
    struct cjson cjson;
    size_t calls; /* at work */
    bool closed;
};

static void native_free(struct native *n) {
    if (n->calls > 0 || !n->closed)
        return;
    if (n->release)
        n->release(n->context);
    if (n->cjson.library)
        dlclose(n->cjson.library);
    asl_free(n->spec);
    asl_free(n->name);
    asl_free(n);
}

/* A symbol as a function: ISO C has no cast from object to function pointers, POSIX promises the representation. */
static bool function(void *library, const char *name, void *out) {
    void *symbol = dlsym(library, name);
    memcpy(out, &symbol, sizeof symbol);
    return symbol != NULL;
}

static bool find_cjson(struct cjson *c, void *library) {
    return function(library, "cJSON_Parse", &c->parse) && function(library, "cJSON_PrintUnformatted", &c->print) &&
           function(library, "cJSON_Delete", &c->delete) && function(library, "cJSON_free", &c->free);
}

/* The function's own cJSON first, for both must agree on the allocator. */
static bool load_cjson(struct cjson *c, void *library) {
    if ((library && find_cjson(c, library)) || find_cjson(c, RTLD_DEFAULT))
        return true;
    c->library = dlopen("libcjson.so.1", RTLD_NOW | RTLD_LOCAL);
    return c->library && find_cjson(c, c->library);
}

static bool uses(const struct asl__ffi_signature *s, enum asl__ffi_type type) {
    bool found = s->result == type;
    for (uint32_t i = 0; i < s->count; i++)
        found |= s->parameters[i] == type;
    return found;
}

int asl__native_open_with(asl_str spec, asl__native_call *call, void *context, void (*release)(void *context),
                          void *library, void **state, char *message, size_t message_size) {
    struct native *n = asl_calloc(1, sizeof *n);
    n->closed = true; /* until it is open */
    n->call = call;
    n->context = context;
    n->release = release;
    n->spec = asl_alloc(spec.size + 1);
    memcpy(n->spec, spec.data, spec.size);
    n->spec[spec.size] = 0;
    if (asl__ffi_parse((asl_str){n->spec, spec.size}, &n->signature, message, message_size) < 0) {
        native_free(n);
        return -1;
    }
    n->name = asl_alloc(n->signature.symbol.size + 1);
    memcpy(n->name, n->signature.symbol.data, n->signature.symbol.size);
    n->name[n->signature.symbol.size] = 0;
    if (uses(&n->signature, ASL__FFI_CJSON) && !load_cjson(&n->cjson, library)) {
        snprintf(message, message_size, "ffi: %.200s uses cjson, and libcjson.so.1 cannot be loaded", n->name);
        native_free(n);
        return -1;
    }
    n->closed = false;
    *state = n;
    return 0;
}

void asl__native_close(asl_binding *binding, void *state) {
    (void)binding;
    struct native *n = state;
    n->closed = true;
    native_free(n);
}

// ---------------------------------------------------------------- one call

struct call {
    uv_work_t work;
    struct native *native;
    asl_task *task;          /* NULL: cancelled */
    struct asl_engine *held; /* then its engine waits for the function to return */
    asl_cell arguments[ASL__FFI_MAX_PARAMETERS];
    char *texts[ASL__FFI_MAX_PARAMETERS]; /* malloc'd: of string, json and cjson arguments */
    asl_call told;       /* for task parameters */
    char *told_texts;
    asl_cell result;
    char *text;          /* malloc'd: of a string, json or cjson result */
    const char *problem; /* why there is none, or NULL */
};

static void call_free(struct call *c) {
    for (uint32_t i = 0; i < c->native->signature.count; i++)
        free(c->texts[i]);
    free(c->text);
    asl_free(c->told_texts);
    asl_free(c);
}

/* What it is told, as texts of the call's own: the task may be gone before the function returns. */
static void tell(struct call *c) {
    const char *from[] = {c->task->resource, c->task->state, c->task->idempotency, c->task->token, c->task->traceparent,
                          c->task->xray_trace};
    const char **to[] = {&c->told.resource, &c->told.state, &c->told.idempotency, &c->told.token, &c->told.traceparent,
                         &c->told.xray_trace};
    size_t size = 0;
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        size += from[i] ? strlen(from[i]) + 1 : 0;
    char *at = c->told_texts = asl_alloc(size + 1);
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        if (!from[i])
            continue;
        *to[i] = at;
        at = stpcpy(at, from[i]) + 1;
    }
    c->told.attempt = c->task->attempt;
}

static bool is_argument(const struct call *c, const void *p) {
    for (uint32_t i = 0; i < c->native->signature.count; i++)
        if (c->texts[i] && c->arguments[i].p == p)
            return true;
    return false;
}

static void take_text(struct call *c) {
    char *s = (char *)(uintptr_t)c->result.s; /* malloc'd by the function, const only in the cell */
    if (s && is_argument(c, s)) {
        c->text = strdup(s);
        c->problem = c->text ? NULL : "ran out of memory";
    } else {
        c->text = s;
    }
}

static void take_tree(struct call *c) {
    const struct cjson *j = &c->native->cjson;
    if (!c->result.p)
        return;
    char *printed = j->print(c->result.p);
    if (!printed || !(c->text = strdup(printed))) /* cJSON's allocator need not be ours */
        c->problem = "returned a tree that cJSON cannot print";
    if (printed)
        j->free(printed);
    if (!is_argument(c, c->result.p))
        j->delete(c->result.p);
}

/* On the pool. */
static void work(uv_work_t *w) {
    struct call *c = w->data;
    struct native *n = c->native;
    const struct asl__ffi_signature *s = &n->signature;
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->parameters[i] != ASL__FFI_CJSON)
            continue;
        c->arguments[i].p = n->cjson.parse(c->texts[i]);
        if (!c->arguments[i].p)
            c->problem = "was not called: cJSON cannot read the payload";
    }
    if (!c->problem) {
        n->call(n->context, &c->result, c->arguments);
        if (s->result == ASL__FFI_STRING || s->result == ASL__FFI_JSON)
            take_text(c);
        else if (s->result == ASL__FFI_CJSON)
            take_tree(c);
    }
    for (uint32_t i = 0; i < s->count; i++)
        if (s->parameters[i] == ASL__FFI_CJSON && c->arguments[i].p)
            n->cjson.delete(c->arguments[i].p);
}

static void answer_text(const struct call *c, asl_task *task, const char *who) {
    asl_str text = asl_str_z(c->text);
    struct asl__failure failure;
    asl_value result, cause;
    if (c->native->signature.result == ASL__FFI_STRING) {
        if (asl__utf8_valid(text))
            asl_task_succeed(task, asl_string(text));
        else
            asl__task_fail(task, "%s returned text that is not UTF-8", who);
    } else if (asl__answer_json(text, who, "returned", &result, &cause) < 0) {
        asl_task_fail(task, asl_string(ASL_STR("States.TaskFailed")), cause);
    } else if (asl__failure_object(&result, true, &failure)) {
        asl_release(result);
        asl_task_fail(task, failure.error, failure.cause);
    } else {
        asl_task_succeed(task, result);
    }
}

static void answer(const struct call *c, asl_task *task) {
    char who[256];
    snprintf(who, sizeof who, "ffi: %.200s", c->native->name);
    if (c->problem) {
        asl__task_fail(task, "%s %s", who, c->problem);
        return;
    }
    switch (c->native->signature.result) {
    case ASL__FFI_INT: asl_task_succeed(task, asl_int(c->result.i)); break;
    case ASL__FFI_LONG: asl_task_succeed(task, asl_int(c->result.l)); break;
    case ASL__FFI_BOOL: asl_task_succeed(task, asl_bool(c->result.b)); break;
    case ASL__FFI_DOUBLE:
        if (c->result.d - c->result.d == 0) /* neither infinite nor no number */
            asl_task_succeed(task, asl_double(c->result.d));
        else
            asl__task_fail(task, "%s returned %f, which JSON has no number for", who, c->result.d);
        break;
    case ASL__FFI_TASK: break; /* the signature was refused */
    case ASL__FFI_STRING:
    case ASL__FFI_JSON:
    case ASL__FFI_CJSON:
        if (c->text)
            answer_text(c, task, who);
        else
            asl__task_fail(task, "%s returned NULL", who);
        break;
    }
}

static void worked(uv_work_t *w, int status) {
    struct call *c = w->data;
    struct native *n = c->native;
    struct asl_engine *held = c->held;
    if (c->task) {
        c->task->data = NULL;
        if (status == 0)
            answer(c, c->task);
        else
            asl__task_fail(c->task, "ffi: %.200s was not called: %s", n->name, uv_strerror(status));
    }
    call_free(c);
    n->calls--;
    native_free(n);
    if (held)
        asl_engine_unhold(held);
}

// ---------------------------------------------------------------- arguments

static const char *kind_of(const asl_value *v) {
    switch ((asl_tag)v->tag) {
    case ASL_NONE: return "nothing";
    case ASL_NULL: return "null";
    case ASL_BOOL: return "a boolean";
    case ASL_INT:
    case ASL_DOUBLE:
    case ASL_NUMBER_TEXT: return "a number";
    case ASL_STRING: return "a string";
    case ASL_ARRAY: return "an array";
    case ASL_OBJECT: return "an object";
    case ASL_FUNCTION: return "a function";
    }
    return "?";
}

static char *copy_text(const char *data, size_t size) {
    char *copy = malloc(size + 1);
    if (!copy)
        asl__out_of_memory(size + 1); /* as asl_alloc says; this memory is counted by nobody because the pool frees it */
    memcpy(copy, data, size);
    copy[size] = 0;
    return copy;
}

/* One value as one argument. NULL, or what was expected. */
static const char *convert(struct call *c, uint32_t i, const asl_value *v) {
    asl_cell *cell = &c->arguments[i];
    int64_t n = 0;
    asl_str s;
    asl_buffer b = {0};
    switch (c->native->signature.parameters[i]) {
    case ASL__FFI_INT:
        if (!asl_is_number(v) || !asl_number_as_int(v, &n) || n < INT_MIN || n > INT_MAX)
            return "a whole number in the range of int";
        cell->i = (int)n;
        return NULL;
    case ASL__FFI_LONG:
        if (!asl_is_number(v) || !asl_number_as_int(v, &n))
            return "a whole number in the range of long";
        cell->l = (long)n;
        return NULL;
    case ASL__FFI_DOUBLE:
        if (!asl_is_number(v))
            return "a number";
        cell->d = asl_number(v);
        return NULL;
    case ASL__FFI_BOOL:
        if (v->tag != ASL_BOOL)
            return "a boolean";
        cell->b = v->b;
        return NULL;
    case ASL__FFI_STRING:
        if (v->tag != ASL_STRING)
            return "a string";
        s = asl_text_of(v);
        if (memchr(s.data, 0, s.size))
            return "a string without U+0000, which ends a C string";
        cell->s = c->texts[i] = copy_text(s.data, s.size);
        return NULL;
    case ASL__FFI_JSON:
    case ASL__FFI_CJSON:
        asl_json_print(v, &b);
        cell->s = c->texts[i] = copy_text(b.data, b.size);
        asl_buffer_free(&b);
        return NULL;
    case ASL__FFI_TASK: break; /* not of the payload */
    }
    return "?";
}

/* Which value is which argument. A single json, cjson parameter takes the whole payload. So does a single parameter of
   another type when the payload is no array or object. Else arrays give their elements and objects the values of their
   members, in order, and there must be as many as parameters. False: the task has failed. */
static bool convert_all(struct call *c, const asl_value *payload) {
    const struct asl__ffi_signature *s = &c->native->signature;
    uint32_t places[ASL__FFI_MAX_PARAMETERS], count = 0; /* of the parameters that the payload is for */
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->parameters[i] != ASL__FFI_TASK) {
            places[count++] = i;
            continue;
        }
        if (!c->told_texts)
            tell(c);
        c->arguments[i].p = &c->told;
    }
    bool is_list = payload->tag == ASL_ARRAY || payload->tag == ASL_OBJECT;
    bool whole = count == 1 && (s->parameters[places[0]] == ASL__FFI_JSON || s->parameters[places[0]] == ASL__FFI_CJSON || !is_list);
    if (count == 0)
        return true;
    size_t have = payload->tag == ASL_ARRAY    ? asl_array_count(payload)
                  : payload->tag == ASL_OBJECT ? asl_object_count(payload)
                                               : 0;
    if (!whole && !is_list) {
        asl__task_fail(c->task, "ffi: %.200s takes %u arguments, from an array or object; the payload is %s",
                       c->native->name, count, kind_of(payload));
        return false;
    }
    if (!whole && have != count) {
        asl__task_fail(c->task, "ffi: %.200s takes %u argument%s; the payload is %s of %zu", c->native->name, count,
                       count == 1 ? "" : "s", kind_of(payload), have);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const asl_value *v = whole                         ? payload
                             : payload->tag == ASL_ARRAY ? asl_array_at(payload, i)
                                                           : asl_object_at(payload, i);
        const char *expected = convert(c, places[i], v);
        if (!expected)
            continue;
        asl__task_fail(c->task, "ffi: parameter %u of %.200s takes %s; the payload has %s there", i + 1,
                       c->native->name, expected, kind_of(v));
        return false;
    }
    return true;
}

// ---------------------------------------------------------------- the handler

void asl__native_start(asl_task *task) {
    struct native *n = asl_binding_state(task->binding);
    struct call *c = asl_calloc(1, sizeof *c);
    c->native = n;
    c->task = task;
    c->work.data = c;
    if (!convert_all(c, task->payload)) {
        call_free(c);
        return;
    }
    task->data = c;
    n->calls++;
    int rc = uv_queue_work(asl_task_loop(task), &c->work, work, worked);
    if (rc < 0)
        worked(&c->work, rc);
}

/* A function that runs cannot be stopped from outside; its answer is dropped, and the engine waits until it returns. */
void asl__native_cancel(asl_task *task) {
    struct call *c = task->data;
    if (!c)
        return;
    task->data = NULL;
    asl_task_hold(task, &c->held);
    c->task = NULL;
    uv_cancel((uv_req_t *)&c->work); /* when it still waits for a thread, it does not run at all */
}

static void call_thunk(void *context, asl_cell *result, const asl_cell *arguments) {
    asl_thunk *thunk;
    memcpy(&thunk, &context, sizeof thunk);
    thunk(result, arguments);
}

int asl__native_open(asl_str spec, asl_thunk *thunk, void **state, char *message, size_t message_size) {
    void *context;
    memcpy(&context, &thunk, sizeof context);
    return asl__native_open_with(spec, call_thunk, context, NULL, NULL, state, message, message_size);
}

static int native_open(asl_binding *binding, asl_str spec, void **state, char *message, size_t message_size) {
    asl_thunk *thunk = asl__binding_thunk(binding);
    if (thunk)
        return asl__native_open(spec, thunk, state, message, message_size);
    snprintf(message, message_size, "ffi: this program calls only the C functions it was compiled with");
    return -1;
}

const asl_handler asl__handler_native = {.scheme = "ffi",
                                         .open = native_open,
                                         .close = asl__native_close,
                                         .start = asl__native_start,
                                         .cancel = asl__native_cancel};
