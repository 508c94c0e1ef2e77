// Text in, text out, in one call: an engine and an execution that live as long as the call.
#include "engine.h"

#include <string.h>

static char *copy_str(asl_str s) {
    char *z = asl_alloc(s.size + 1);
    memcpy(z, s.data, s.size);
    z[s.size] = 0;
    return z;
}

static char *copy_text(const asl_value *v) { return v->tag == ASL_STRING ? copy_str(asl_text_of(v)) : NULL; }

static int refuse(asl_outcome *out, const char *message) {
    out->status = ASL_ABORTED;
    out->message = copy_str(asl_str_z(message));
    return -1;
}

int asl_execute(const asl_program *program, const char *input_json, const asl_engine_options *options, asl_outcome *out) {
    *out = (asl_outcome){.status = ASL_ABORTED};
    char message[4096];
    asl_value input;
    asl_json_error error;
    if (asl_json_parse(asl_str_z(input_json ? input_json : "{}"), NULL, &input, &error) < 0) {
        snprintf(message, sizeof message, "the input is not JSON: %u:%u: %s", error.line, error.column, error.message);
        return refuse(out, message);
    }
    asl_engine *e = asl_engine_new(program, options, message, sizeof message);
    if (!e) {
        asl_release(input);
        return refuse(out, message);
    }
    if (e->strict && asl_json_size(&input) > ASL__PAYLOAD_LIMIT) {
        asl_release(input);
        asl_engine_free(e);
        return refuse(out, "the input is larger than the 262144 bytes that the service accepts");
    }
    asl_execution *x = asl_execution_start(e, input, NULL);
    asl_engine_run(e, ASL_RUN_DEFAULT);
    if (asl_execution_status(x) == ASL_RUNNING) {
        const char *state = asl__waiting_state(x);
        snprintf(message, sizeof message, "nothing can go on: state \"%s\" waits for an answer that cannot come",
                 state ? state : "?");
        asl_execution_stop(x, asl_none(), asl_string_z(message));
    }
    out->status = asl_execution_status(x);
    if (out->status == ASL_SUCCEEDED) {
        asl_buffer text = {0};
        asl_json_print(asl_execution_output(x), &text);
        out->output = copy_str((asl_str){text.data, text.size});
        asl_buffer_free(&text);
    }
    out->error = copy_text(asl_execution_error(x));
    out->cause = copy_text(asl_execution_cause(x));
    asl_execution_free(x);
    asl_engine_free(e);
    return 0;
}

void asl_outcome_free(asl_outcome *out) {
    asl_free(out->output);
    asl_free(out->error);
    asl_free(out->cause);
    asl_free(out->message);
    *out = (asl_outcome){.status = out->status};
}
