// ffi:LIB#SYMBOL(TYPE,…)->TYPE — a C function of a shared library, found and called at run time.
//
// dlopen finds the function, libffi calls it; what goes in and comes out is native.c's.

#include "engine.h"
#include "native.h"
#include <dlfcn.h>
#include <ffi.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct foreign {
    void *library;
    void (*function)(void);
    uint32_t count;
    enum asl__ffi_type result;
    ffi_cif interface;
    ffi_type *types[ASL__FFI_MAX_PARAMETERS];
};

static ffi_type *type_of(enum asl__ffi_type type) {
    switch (type) {
    case ASL__FFI_INT: return &ffi_type_sint;
    case ASL__FFI_LONG: return &ffi_type_slong;
    case ASL__FFI_DOUBLE: return &ffi_type_double;
    case ASL__FFI_BOOL: return &ffi_type_uint8;
    case ASL__FFI_STRING:
    case ASL__FFI_JSON:
    case ASL__FFI_CJSON:
    case ASL__FFI_TASK: return &ffi_type_pointer;
    }
    return NULL;
}

static void call(void *context, asl_cell *result, const asl_cell *arguments) {
    struct foreign *f = context;
    void *values[ASL__FFI_MAX_PARAMETERS];
    union {
        ffi_arg whole; /* libffi widens small results to a register */
        asl_cell cell;
    } r = {0};
    for (uint32_t i = 0; i < f->count; i++)
        values[i] = (void *)(uintptr_t)&arguments[i]; /* read only */
    ffi_call(&f->interface, f->function, &r, values);
    if (f->result == ASL__FFI_BOOL)
        result->b = (r.whole & 0xff) != 0;
    else if (f->result == ASL__FFI_INT)
        result->i = (int)r.whole;
    else
        *result = r.cell;
}

static void release(void *context) {
    struct foreign *f = context;
    if (f->library)
        dlclose(f->library);
    asl_free(f);
}

/* The library and the function in it. 0, or -1 with a message. */
static int find(struct foreign *f, const char *library, const char *symbol, char *message, size_t message_size) {
    f->library = dlopen(*library ? library : NULL, RTLD_NOW | RTLD_LOCAL);
    if (!f->library) {
        const char *why = dlerror();
        bool here = !strchr(library, '/') && access(library, F_OK) == 0;
        snprintf(message, message_size, "ffi: %.300s%s%.200s", why ? why : "the library cannot be loaded",
                 here ? "; for the file in this directory write ./" : "", here ? library : "");
        return -1;
    }
    void *address = dlsym(f->library, symbol);
    if (!address) {
        snprintf(message, message_size, "ffi: %.300s has no function '%.200s'", *library ? library : "this program",
                 symbol);
        return -1;
    }
    memcpy(&f->function, &address, sizeof address);
    return 0;
}

static char *copy(asl_str s) {
    char *z = asl_alloc(s.size + 1);
    memcpy(z, s.data, s.size);
    z[s.size] = 0;
    return z;
}

static int open_foreign(asl_str spec, void **state, char *message, size_t message_size) {
    struct asl__ffi_signature s;
    if (asl__ffi_parse(spec, &s, message, message_size) < 0)
        return -1;
    struct foreign *f = asl_calloc(1, sizeof *f);
    char *library = copy(s.library), *symbol = copy(s.symbol);
    int rc = find(f, library, symbol, message, message_size);
    asl_free(library);
    asl_free(symbol);
    f->count = s.count;
    f->result = s.result;
    for (uint32_t i = 0; i < s.count; i++)
        f->types[i] = type_of(s.parameters[i]);
    if (rc == 0 && ffi_prep_cif(&f->interface, FFI_DEFAULT_ABI, s.count, type_of(s.result), f->types) != FFI_OK) {
        snprintf(message, message_size, "ffi: libffi cannot call a function of these types on this machine");
        rc = -1;
    }
    if (rc < 0) {
        release(f);
        return -1;
    }
    return asl__native_open_with(spec, call, f, release, f->library, state, message, message_size);
}

static int ffi_open(asl_binding *binding, asl_str spec, void **state, char *message, size_t message_size) {
    asl_thunk *thunk = asl__binding_thunk(binding);
    if (thunk) /* the compiler has made a direct call of it */
        return asl__native_open(spec, thunk, state, message, message_size);
    return open_foreign(spec, state, message, message_size);
}

const asl_handler asl_handler_ffi = {.scheme = "ffi",
                                     .open = ffi_open,
                                     .close = asl__native_close,
                                     .start = asl__native_start,
                                     .cancel = asl__native_cancel};
