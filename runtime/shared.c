// The C API of shared objects, in terms of the public runtime: texts are read, an engine is made for each execution,
// results are printed. See aslc/shared.h for the contract.
#include "aslc/shared.h"

#include <stdio.h>
#include <string.h>

#include "aslc/runtime.h"

struct asl_shared_run {
    asl_engine *engine;
    asl_execution *execution;
    char *output, *error, *cause; /* printed when first asked for */
};

uint32_t asl_shared_abi_version(void) {
    return ASL_SHARED_ABI;
}

void asl_shared_free(char *text) {
    asl_free(text);
}

static char *copy(const char *data, size_t size) {
    char *text = asl_alloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    return text;
}

static char *copy_text(const asl_value *v) {
    if (v->tag != ASL_STRING)
        return NULL;
    asl_str s = asl_text_of(v);
    return copy(s.data, s.size);
}

// ---------------------------------------------------------------- options

// The options as the engine takes them, with what they point into. An asl_str is not always NUL-terminated, so the texts
// are copied.
struct options {
    asl_engine_options engine;
    asl_bind *binds;
    char *mock, *name;
};

static void options_free(struct options *o) {
    for (size_t i = 0; i < o->engine.bind_count; i++) {
        asl_free((char *)o->binds[i].pattern);
        asl_free((char *)o->binds[i].handler);
    }
    asl_free(o->binds);
    asl_free(o->mock);
    asl_free(o->name);
}

static bool one_of(const asl_value *v, const char *a, const char *b, bool *is_b) {
    if (v->tag != ASL_STRING)
        return false;
    *is_b = asl_str_equal(asl_text_of(v), asl_str_z(b));
    return *is_b || asl_str_equal(asl_text_of(v), asl_str_z(a));
}

static const char *read_binds(struct options *o, const asl_value *v) {
    if (v->tag != ASL_OBJECT)
        return "\"bind\" must be an object of handlers by pattern";
    size_t count = asl_object_count(v);
    o->binds = asl_calloc(count + 1, sizeof *o->binds);
    o->engine.binds = o->binds;
    for (size_t i = 0; i < count; i++) {
        const asl_value *handler = asl_object_at(v, i);
        const asl_text *pattern = asl_object_key_at(v, i);
        if (handler->tag != ASL_STRING)
            return "a handler in \"bind\" must be a string such as \"exec:./charge\"";
        o->binds[i] = (asl_bind){copy(pattern->bytes, pattern->size), copy_text(handler)};
        o->engine.bind_count = i + 1;
    }
    return NULL;
}

static const char *read_mock(struct options *o, const asl_value *v) {
    if (!(o->mock = copy_text(v)))
        return "\"mock\" must be \"FILE\" or \"FILE#TESTCASE\"";
    char *hash = strrchr(o->mock, '#');
    if (hash) {
        *hash = 0;
        o->engine.mock_case = hash + 1;
    }
    o->engine.mock_file = o->mock;
    return NULL;
}

static const char *read_seed(struct options *o, const asl_value *v) {
    int64_t seed;
    if (!asl_is_number(v) || !asl_number_as_int(v, &seed))
        return "\"seed\" must be an integer";
    o->engine.seeded = true;
    o->engine.seed = (uint64_t)seed;
    return NULL;
}

static const char *read_option(struct options *o, asl_str key, const asl_value *v) {
    if (asl_str_equal(key, ASL_STR("bind")))
        return read_binds(o, v);
    if (asl_str_equal(key, ASL_STR("mock")))
        return read_mock(o, v);
    if (asl_str_equal(key, ASL_STR("seed")))
        return read_seed(o, v);
    if (asl_str_equal(key, ASL_STR("clock")))
        return one_of(v, "real", "virtual", &o->engine.virtual_clock) ? NULL : "\"clock\" must be \"real\" or \"virtual\"";
    if (asl_str_equal(key, ASL_STR("type")))
        return one_of(v, "standard", "express", &o->engine.express) ? NULL : "\"type\" must be \"standard\" or \"express\"";
    if (asl_str_equal(key, ASL_STR("strictAws"))) {
        o->engine.strict_aws = v->tag == ASL_BOOL && v->b;
        return v->tag == ASL_BOOL ? NULL : "\"strictAws\" must be true or false";
    }
    if (asl_str_equal(key, ASL_STR("name")))
        return (o->name = copy_text(v)) ? NULL : "\"name\" must be a string";
    return "there is no such option; there are bind, mock, clock, seed, type, strictAws and name";
}

// 0, or -1 with a message. options_free either way.
static int read_options(const char *text, struct options *o, char *message, size_t size) {
    *o = (struct options){0};
    if (!text)
        return 0;
    asl_json_error error;
    asl_value v;
    if (asl_json_parse(asl_str_z(text), NULL, &v, &error) < 0) {
        snprintf(message, size, "the options are no JSON: line %u, column %u: %s", error.line, error.column, error.message);
        return -1;
    }
    const char *why = v.tag == ASL_OBJECT ? NULL : "they must be a JSON object";
    size_t i = 0;
    if (!why)
        for (; i < asl_object_count(&v); i++) {
            const asl_text *key = asl_object_key_at(&v, i);
            why = read_option(o, (asl_str){key->bytes, key->size}, asl_object_at(&v, i));
            if (why)
                break;
        }
    if (why && v.tag == ASL_OBJECT)
        snprintf(message, size, "option \"%.60s\": %s", asl_object_key_at(&v, i)->bytes, why);
    else if (why)
        snprintf(message, size, "the options: %s", why);
    asl_release(v);
    return why ? -1 : 0;
}

// ---------------------------------------------------------------- executions

static int read_input(const char *text, asl_value *input, char *message, size_t size) {
    asl_json_error error;
    if (asl_json_parse(asl_str_z(text ? text : "{}"), NULL, input, &error) == 0)
        return 0;
    snprintf(message, size, "the input is no JSON: line %u, column %u: %s", error.line, error.column, error.message);
    return -1;
}

static asl_shared_run *start(const asl_program *program, const char *text, const char *option_text, char *message,
                             size_t size) {
    struct options o;
    asl_shared_run *run = NULL;
    asl_value input = asl_none();
    if (read_options(option_text, &o, message, size) == 0 && read_input(text, &input, message, size) == 0) {
        asl_engine *engine = asl_engine_new(program, &o.engine, message, size);
        if (engine) {
            run = asl_calloc(1, sizeof *run);
            run->engine = engine;
            run->execution = asl_execution_start(engine, input, o.name);
            input = asl_none(); // moved in
        }
    }
    asl_release(input);
    options_free(&o);
    return run;
}

asl_shared_run *asl_shared_start(const asl_program *program, const char *input, const char *options, char **message) {
    char why[512] = "";
    asl_shared_run *run = start(program, input, options, why, sizeof why);
    if (message)
        *message = run ? NULL : copy(why, strlen(why));
    return run;
}

int32_t asl_shared_status(const asl_shared_run *run) {
    switch (asl_execution_status(run->execution)) {
    case ASL_RUNNING: return ASL_SHARED_RUNNING;
    case ASL_SUCCEEDED: return ASL_SHARED_SUCCEEDED;
    case ASL_FAILED_STATUS: return ASL_SHARED_FAILED;
    case ASL_TIMED_OUT: return ASL_SHARED_TIMED_OUT;
    case ASL_ABORTED: return ASL_SHARED_ABORTED;
    }
    return ASL_SHARED_ABORTED;
}

int32_t asl_shared_step(asl_shared_run *run) {
    asl_engine_run(run->engine, ASL_RUN_NOWAIT);
    return asl_shared_status(run);
}

int32_t asl_shared_poll_fd(asl_shared_run *run) {
    return asl_engine_poll_fd(run->engine);
}

int64_t asl_shared_next_deadline(asl_shared_run *run) {
    return asl_engine_next_deadline(run->engine);
}

const char *asl_shared_output(asl_shared_run *run) {
    const asl_value *v = asl_execution_output(run->execution);
    if (!run->output && v->tag != ASL_NONE) {
        asl_buffer b = {0};
        asl_json_print(v, &b);
        run->output = b.data;
    }
    return run->output;
}

const char *asl_shared_error(asl_shared_run *run) {
    if (!run->error)
        run->error = copy_text(asl_execution_error(run->execution));
    return run->error;
}

const char *asl_shared_cause(asl_shared_run *run) {
    if (!run->cause)
        run->cause = copy_text(asl_execution_cause(run->execution));
    return run->cause;
}

void asl_shared_stop(asl_shared_run *run, const char *error, const char *cause) {
    if (asl_shared_status(run) == ASL_SHARED_RUNNING)
        asl_execution_stop(run->execution, error ? asl_string_z(error) : asl_none(), cause ? asl_string_z(cause) : asl_none());
}

void asl_shared_close(asl_shared_run *run) {
    if (!run)
        return;
    asl_execution_free(run->execution);
    asl_engine_free(run->engine);
    asl_free(run->output);
    asl_free(run->error);
    asl_free(run->cause);
    asl_free(run);
}

// Hands a text of the run over to the caller, who may not want it.
static void give(char **to, char **text) {
    if (to) {
        *to = *text;
        *text = NULL;
    }
}

int32_t asl_shared_execute(const asl_program *program, const char *input, const char *options, char **output,
                           char **error, char **cause) {
    char **const results[] = {output, error, cause};
    for (size_t i = 0; i < 3; i++)
        if (results[i])
            *results[i] = NULL;
    char why[512] = "";
    asl_shared_run *run = start(program, input, options, why, sizeof why);
    if (!run) {
        if (cause)
            *cause = copy(why, strlen(why));
        return ASL_SHARED_INVALID;
    }
    while (asl_engine_run(run->engine, ASL_RUN_DEFAULT) > 0) {
    }
    int32_t status = asl_shared_status(run);
    asl_shared_output(run), asl_shared_error(run), asl_shared_cause(run);
    give(output, &run->output);
    give(error, &run->error);
    give(cause, &run->cause);
    asl_shared_close(run);
    return status;
}
