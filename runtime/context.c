// The Context object, $$ (asl-language 18, aws-observed-behaviour 16).
//
//     {"Execution": {"Id", "Input", "StartTime", "Name", "RoleArn", "RedriveCount", "RedriveTime" after a redrive},
//      "StateMachine": {"Id", "Name"},
//      "State": {"Name", "EnteredTime", "RetryCount" in Task states},
//      "Task": {"Token"} with a token only,
//      "Map": {"Item": {"Index", "Value"}} in a Map's iteration only}
//
// It is built when a state asks for it. What does not change during an execution is kept and shared; the whole is kept
// for the rest of the visit.
#include "engine.h"

static const char *const key_texts[KEY_COUNT] = {
    [KEY_EXECUTION] = "Execution", [KEY_ID] = "Id", [KEY_INPUT] = "Input", [KEY_START_TIME] = "StartTime",
    [KEY_NAME] = "Name", [KEY_ROLE_ARN] = "RoleArn", [KEY_REDRIVE_COUNT] = "RedriveCount",
    [KEY_REDRIVE_TIME] = "RedriveTime",
    [KEY_STATE_MACHINE] = "StateMachine", [KEY_STATE] = "State", [KEY_ENTERED_TIME] = "EnteredTime",
    [KEY_RETRY_COUNT] = "RetryCount", [KEY_TASK] = "Task", [KEY_TOKEN] = "Token", [KEY_MAP] = "Map",
    [KEY_ITEM] = "Item", [KEY_INDEX] = "Index", [KEY_VALUE] = "Value", [KEY_ERROR] = "Error", [KEY_CAUSE] = "Cause",
};

asl_text *asl__key(asl_engine *e, int key) {
    if (!e->keys[key]) e->keys[key] = asl_text_new(asl_str_z(key_texts[key]));
    return e->keys[key];
}

asl_value asl__time_value(int64_t ms) {
    char text[40];
    size_t size = asl_timestamp_print(ms, text);
    return asl_string((asl_str){text, size});
}

static asl_value execution_object(asl_execution *x) {
    asl_engine *e = x->engine;
    asl_buffer role = {0};
    asl__role_arn(x, &role);
    asl_value o = asl_object_new(7);
    o = asl_object_set(o, asl__key(e, KEY_ID), asl_string_z(asl_execution_arn(x)));
    o = asl_object_set(o, asl__key(e, KEY_INPUT), asl_retain(x->input));
    o = asl_object_set(o, asl__key(e, KEY_START_TIME), asl__time_value(x->start_ms));
    o = asl_object_set(o, asl__key(e, KEY_NAME), asl_string_z(asl_execution_name(x)));
    o = asl_object_set(o, asl__key(e, KEY_ROLE_ARN), asl_string((asl_str){role.data, role.size}));
    asl_buffer_free(&role);
    /* A synchronous Express execution has none (recorded), and ours is one. */
    if (!x->express) o = asl_object_set(o, asl__key(e, KEY_REDRIVE_COUNT), asl_int(x->redrive_count));
    if (x->redrive_count) o = asl_object_set(o, asl__key(e, KEY_REDRIVE_TIME), asl__time_value(x->redrive_ms));
    return o;
}

static asl_value machine_object(asl_execution *x) {
    asl_buffer arn = {0};
    asl__machine_arn(x, &arn);
    asl_value o = asl_object_new(2);
    o = asl_object_set(o, asl__key(x->engine, KEY_ID), asl_string((asl_str){arn.data, arn.size}));
    asl_buffer_free(&arn);
    return asl_object_set(o, asl__key(x->engine, KEY_NAME), asl_string_z(x->machine));
}

static asl_value state_object(struct frame *f) {
    asl_engine *e = f->execution->engine;
    const struct image_state *s = &e->image.states[f->head.state];
    asl_value o = asl_object_new(3);
    o = asl_object_set(o, asl__key(e, KEY_NAME), asl_retain(s->name));
    o = asl_object_set(o, asl__key(e, KEY_ENTERED_TIME), asl__time_value(f->entered_ms));
    if (s->kind == STATE_TASK) o = asl_object_set(o, asl__key(e, KEY_RETRY_COUNT), asl_int(f->retry_count));
    return o;
}

void asl__context_share(asl_execution *x) {
    if (x->context_execution.tag != ASL_NONE) return;
    x->context_execution = execution_object(x);
    x->context_machine = machine_object(x);
}

asl_value asl__context(struct frame *f) {
    if (f->context.tag != ASL_NONE) return asl_retain(f->context);
    asl_execution *x = f->execution;
    asl_engine *e = x->engine;
    asl__context_share(x);
    asl_value o = asl_object_new(5);
    o = asl_object_set(o, asl__key(e, KEY_EXECUTION), asl_retain(x->context_execution));
    o = asl_object_set(o, asl__key(e, KEY_STATE_MACHINE), asl_retain(x->context_machine));
    o = asl_object_set(o, asl__key(e, KEY_STATE), state_object(f));
    if (f->token) {
        asl_value task = asl_object_set(asl_object_new(1), asl__key(e, KEY_TOKEN), asl_string_z(f->token));
        o = asl_object_set(o, asl__key(e, KEY_TASK), task);
    }
    const asl_value *item;
    uint32_t index;
    if (asl__map_item(f, &item, &index)) {
        asl_value i = asl_object_set(asl_object_new(2), asl__key(e, KEY_INDEX), asl_int(index));
        i = asl_object_set(i, asl__key(e, KEY_VALUE), asl_retain(*item));
        o = asl_object_set(o, asl__key(e, KEY_MAP), asl_object_set(asl_object_new(1), asl__key(e, KEY_ITEM), i));
    }
    f->context = asl_retain(o);
    return o;
}
