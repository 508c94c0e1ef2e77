// Expressions of states: the ops that look at what they gave, with the service's words (jsonata-in-step-functions 7).
#include "engine.h"

#define COLD __attribute__((cold, noinline))

static const asl_value *field_of(const asl_frame *frame, uint32_t k) {
    return asl_object_get(((const struct frame *)(const void *)frame)->execution->engine->image.constants[k], ASL_STR("field"));
}

/* "The JSONata expression '…' specified for the field '…'" of constant k. */
static void begin(const asl_frame *frame, uint32_t k, asl_buffer *b) {
    const asl_value *about = ((const struct frame *)(const void *)frame)->execution->engine->image.constants[k];
    asl_buffer_z(b, "The JSONata expression '");
    asl_buffer_str(b, asl_text_of(asl_object_get(about, ASL_STR("expression"))));
    asl_buffer_z(b, "' specified for the field '");
    asl_buffer_str(b, asl_text_of(field_of(frame, k)));
    asl_buffer_byte(b, '\'');
}

// ---------------------------------------------------------------- what fields want

static const char *type_name(const asl_value *v) {
    switch ((asl_tag)v->tag) {
    case ASL_NONE: return "undefined";
    case ASL_NULL: return "null";
    case ASL_BOOL: return "boolean";
    case ASL_INT:
    case ASL_DOUBLE:
    case ASL_NUMBER_TEXT: return "number";
    case ASL_STRING: return "string";
    case ASL_ARRAY: return "array";
    case ASL_OBJECT: return "object";
    case ASL_FUNCTION: return "function";
    }
    return "";
}

static __attribute__((cold)) int32_t unexpected(asl_frame *frame, const asl_value *v, const char *wanted, uint32_t k) {
    asl_buffer b = {0};
    begin(frame, k, &b);
    asl_buffer_format(&b, " returned an unexpected result type. Expected '%s', but was '%s' for value: ", wanted, type_name(v));
    asl_json_print(v, &b);
    return asl__raise_query(frame_of(frame), &b, field_of(frame, k));
}

int32_t asl_rt_expect(asl_frame *frame, uint32_t s, uint32_t kind, uint32_t k) {
    static const char *const names[] = {
        [ASL_EXPECT_ARRAY] = "array", [ASL_EXPECT_NUMBER] = "number", [ASL_EXPECT_STRING] = "string"};
    const asl_value *v = &frame->slot[s & ~ASL_LAST];
    bool fits = kind == ASL_EXPECT_ARRAY    ? v->tag == ASL_ARRAY
                : kind == ASL_EXPECT_NUMBER ? asl_is_number(v)
                                            : v->tag == ASL_STRING;
    return fits ? 0 : unexpected(frame, v, names[kind], k);
}

int32_t asl_rt_condition(asl_frame *frame, uint32_t s, uint32_t k) {
    const asl_value *v = &frame->slot[s & ~ASL_LAST];
    if (v->tag == ASL_BOOL) return v->b;
    unexpected(frame, v, "boolean", k);
    return -1;
}
