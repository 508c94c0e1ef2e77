// C functions as handlers: the signature, the way of values in and out, and the call on libuv's pool.
//
// Two ways lead here. Bound at run time, ffi.c opens the library and calls through libffi. Bound at compile time, the
// compiler has emitted a thunk that calls the function directly; native.c alone is linked then, without libffi.
#ifndef ASL_NATIVE_H
#define ASL_NATIVE_H

#include "aslc/handler.h"
#include "aslc/program.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASL__FFI_MAX_PARAMETERS 16

enum asl__ffi_type {
    ASL__FFI_INT,
    ASL__FFI_LONG,
    ASL__FFI_DOUBLE,
    ASL__FFI_BOOL,
    ASL__FFI_STRING, /* const char * in, malloc'd char * out */
    ASL__FFI_JSON,   /* the same, holding JSON text */
    ASL__FFI_CJSON,  /* cJSON * */
    ASL__FFI_TASK,   /* const asl_call * (aslc/call.h): no part of the payload; no result */
};

struct asl__ffi_signature {
    asl_str library; /* as written; empty: the program itself. Points into the spec */
    asl_str symbol;  /* a C identifier. Points into the spec */
    uint32_t count;
    enum asl__ffi_type parameters[ASL__FFI_MAX_PARAMETERS];
    enum asl__ffi_type result;
};

/* Reads "LIB#SYMBOL(TYPE,…)->TYPE", what follows "ffi:". 0, or -1 with a message. Shared with the compiler. */
int asl__ffi_parse(asl_str spec, struct asl__ffi_signature *out, char *message, size_t message_size);
const char *asl__ffi_type_name(enum asl__ffi_type type);

/* Opens a binding that the compiler has made a thunk for; *state is for asl__handler_native's start, cancel, close.
   Both handlers of scheme "ffi" do so by themselves when asl__binding_thunk() gives one. */
int asl__native_open(asl_str spec, asl_thunk *thunk, void **state, char *message, size_t message_size);
/* Scheme "ffi" without libffi, for programs whose C functions are all bound at compile time; its open refuses others. */
extern const asl_handler asl__handler_native;

/* ---- for ffi.c */

/* Calls the function; runs on the pool. */
typedef void asl__native_call(void *context, asl_cell *result, const asl_cell *arguments);

/* library: the dlopen handle, or NULL: where cJSON's functions are looked for first. context and its release pass to
   the binding, also when this fails. */
int asl__native_open_with(asl_str spec, asl__native_call *call, void *context, void (*release)(void *context),
                          void *library, void **state, char *message, size_t message_size);
void asl__native_start(asl_task *task);
void asl__native_cancel(asl_task *task);
void asl__native_close(asl_binding *binding, void *state);

#ifdef __cplusplus
}
#endif
#endif
