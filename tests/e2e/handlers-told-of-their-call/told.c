#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aslc/call.h"

char *told(const asl_call *call, const char *json) {
    char *s = malloc(512);
    if (strcmp(call->state, "Again") == 0 && call->attempt == 0) return strcpy(s, "{\"Error\":\"Once\",\"Cause\":\"first\"}");
    snprintf(s, 512, "[\"%s\",\"%s\",%u,%s]", call->state, call->idempotency, call->attempt, strlen(json) > 100 ? "0" : json);
    return s;
}
