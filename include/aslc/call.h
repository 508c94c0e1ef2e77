// What a C function bound with ffi:…(task,…) is told about its call, besides its arguments.
//
//     char *charge(const asl_call *call, const char *order);      ffi:./libpay.so#charge(task,json)->json
//
// Everything is valid until the function returns.
#ifndef ASLC_CALL_H
#define ASLC_CALL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct asl_call {
    const char *resource;    /* of the Task state */
    const char *state;       /* its name */
    const char *idempotency; /* the same for every start of this attempt, also after a crash; unique otherwise */
    const char *token;       /* task token, or NULL */
    const char *traceparent; /* W3C's trace context of this call, or NULL */
    const char *xray_trace;  /* X-Ray's, or NULL */
    uint32_t attempt;        /* 0 at the first call, then 1, 2, … */
} asl_call;

#ifdef __cplusplus
}
#endif
#endif
