// Expressions of states: evaluation inside an execution, with the service's words for what goes wrong
// (jsonata-in-step-functions 6, 7, 9).
#include "../engine.h"
#include "eval.h"
#include "state.h"

#include <stdarg.h>

/* What the service allows one evaluation. */
const struct jx_limits jx_service = {.depth = 100, .milliseconds = 10000, .memory = (size_t)7 << 20};

static COLD int32_t fail(asl_frame *frame, uint32_t k, const char *format, ...) __attribute__((format(printf, 3, 4)));

static COLD int32_t fail(asl_frame *frame, uint32_t k, const char *format, ...) {
    const asl_value *about = frame_of(frame)->execution->engine->image.constants[k];
    asl_buffer b = {0};
    asl_buffer_z(&b, "The JSONata expression '");
    asl_buffer_str(&b, asl_text_of(asl_object_get(about, ASL_STR("expression"))));
    asl_buffer_z(&b, "' specified for the field '");
    asl_buffer_str(&b, asl_text_of(asl_object_get(about, ASL_STR("field"))));
    asl_buffer_byte(&b, '\'');
    va_list arguments;
    va_start(arguments, format);
    asl_buffer_vformat(&b, format, arguments);
    va_end(arguments);
    return asl__raise_query(frame_of(frame), &b, asl_object_get(about, ASL_STR("field")));
}

static COLD int32_t evaluation_failed(asl_frame *frame, uint32_t k, struct jx_error *e) {
    static const char *const limits[] = {
        [JX_STACK] = "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive",
        [JX_MEMORY] = "Expression evaluation memory limit exceeded: Check for excessive memory usage",
        [JX_TIME] = "Expression evaluation timeout: Check for infinite loop",
    };
    asl_str message = asl_text_of(&e->message);
    int32_t rc;
    if (e->limit != JX_NO_LIMIT) rc = fail(frame, k, " threw an error during evaluation: %s", limits[e->limit]);
    else rc = fail(frame, k, " threw an error during evaluation. %s: %.*s", e->code, (int)message.size, message.data);
    jx_error_clear(e);
    return rc;
}

COLD struct jx_program *jx_expressions(asl_engine *e, char *message, size_t message_size) {
    e->expressions = jx_program_new(e->program, e->image.constants, e->image.constant_count, message, message_size);
    if (e->expressions) {
        e->free_expressions = jx_program_free;
        jx_set_random(e->expressions, &e->random);
    }
    return e->expressions;
}

int32_t asl_rt_jx_eval(asl_frame *frame, uint32_t d, uint32_t g, uint32_t a, uint32_t count, uint32_t k) {
    asl_engine *engine = frame_of(frame)->execution->engine;
    char message[200];
    if (UNLIKELY(!engine->expressions) && !jx_expressions(engine, message, sizeof message))
        return fail(frame, k, " cannot be evaluated: %s", message);
    struct jx_limits limits = jx_service;
    limits.now_ms = engine->clock.now_ms;
    struct jx_error error;
    asl_value out;
    if (jx_run(engine->expressions, g, NULL, frame->slot + (count ? a : 0), count, &limits, &out, &error) < 0)
        return evaluation_failed(frame, k, &error);
    if (UNLIKELY(out.tag == ASL_NONE)) return fail(frame, k, " returned nothing (undefined).");
    if (UNLIKELY(out.tag == ASL_FUNCTION)) {
        asl_release(out);
        return fail(frame, k, " returned an unsupported result type.");
    }
    put(frame, d, jx_document(out, true));
    jx_strange = false;
    return 0;
}
