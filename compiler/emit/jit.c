// The program as code in this process: an object file made as for the linker, linked by ORC instead.
//
// The JIT is given finished object code, so `aslc run` runs exactly what `aslc build` would have written, and nothing
// here depends on LLVM's thread-safe module contexts. All that the code may call is defined by address: the runtime's
// entries, the handlers, and the C functions bound at compile time, whose libraries stay open as long as the JIT does.
#include "module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aslc/handler.h"
#include "hot.h"
#include "rt.h"

struct emit_jit {
    LLVMOrcLLJITRef jit;
    void **libraries;
    size_t library_count;
};

struct symbols {
    struct emit_jit *jit;
    LLVMOrcCSymbolMapPair *pairs;
    size_t count;
};

static void define(struct symbols *s, const char *name, const void *address) {
    s->pairs[s->count++] = (LLVMOrcCSymbolMapPair){
        .Name = LLVMOrcLLJITMangleAndIntern(s->jit->jit, name),
        .Sym = {.Address = (LLVMOrcExecutorAddress)(uintptr_t)address, .Flags = {.GenericFlags = LLVMJITSymbolGenericFlagsExported}},
    };
}

static void define_runtime(struct symbols *s) {
    static const struct {
        const char *name;
        const asl_handler *handler;
    } handlers[] = {
        {"asl_handler_exec", &asl_handler_exec}, {"asl_handler_worker", &asl_handler_worker},
        {"asl_handler_ffi", &asl_handler_ffi},   {"asl_handler_fail", &asl_handler_fail},
        {"asl_handler_return", &asl_handler_return}, {"asl_handler_mock", &asl_handler_mock},
    };
    for (const struct asl_rt_symbol *r = asl_rt_symbols; r->name; r++)
        define(s, r->name, r->function);
    for (const struct asl_hot_symbol *h = asl_hot_symbols; h->name; h++)
        define(s, h->name, h->function);
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        define(s, handlers[i].name, handlers[i].handler);
}

// The same as the linker would do: the library, or the program itself when none is named.
static int define_natives(struct symbols *s, const struct ir_plan *p, const struct emit_natives *natives, char *message,
                          size_t message_size) {
    for (size_t i = 0; i < natives->count; i++) {
        const struct asl__ffi_signature *n = &natives->items[i];
        const char *library = arena_copy(p->arena, n->library.data, n->library.size);
        const char *symbol = arena_copy(p->arena, n->symbol.data, n->symbol.size);
        void *handle = dlopen(*library ? library : NULL, RTLD_NOW | RTLD_LOCAL);
        if (!handle) {
            snprintf(message, message_size, "cannot open the library of %s: %s", symbol, dlerror());
            return -1;
        }
        s->jit->libraries[s->jit->library_count++] = handle;
        void *address = dlsym(handle, symbol);
        if (!address) {
            snprintf(message, message_size, "there is no function %s in %s", symbol, *library ? library : "this program");
            return -1;
        }
        bool again = false; // two bindings may name one function
        for (size_t j = 0; j < i; j++)
            again = again || asl_str_equal(natives->items[j].symbol, n->symbol);
        if (!again)
            define(s, symbol, address);
    }
    return 0;
}

static int orc_failed(LLVMErrorRef error, char *message, size_t message_size) {
    if (!error)
        return 0;
    char *why = LLVMGetErrorMessage(error);
    snprintf(message, message_size, "the JIT failed: %s", why);
    LLVMDisposeErrorMessage(why);
    return -1;
}

static int define_all(struct emit_jit *jit, const struct ir_plan *p, char *message, size_t message_size) {
    struct emit_natives natives;
    if (emit_natives(p, &natives, message, message_size) < 0)
        return -1;
    size_t entries = 0;
    while (asl_rt_symbols[entries].name)
        entries++;
    for (size_t i = 0; asl_hot_symbols[i].name; i++)
        entries++;
    struct symbols s = {.jit = jit};
    s.pairs = arena_alloc(p->arena, (entries + 8 + natives.count) * sizeof *s.pairs);
    jit->libraries = calloc(natives.count + 1, sizeof *jit->libraries);
    define_runtime(&s);
    if (!jit->libraries || define_natives(&s, p, &natives, message, message_size) < 0) {
        for (size_t i = 0; i < s.count; i++)
            LLVMOrcReleaseSymbolStringPoolEntry(s.pairs[i].Name);
        return -1;
    }
    return orc_failed(LLVMOrcJITDylibDefine(LLVMOrcLLJITGetMainJITDylib(jit->jit), LLVMOrcAbsoluteSymbols(s.pairs, s.count)),
                      message, message_size);
}

static LLVMMemoryBufferRef object_code(const struct ir_plan *p, const struct emit_options *options, char *message,
                                       size_t message_size) {
    struct emit *e = emit_module_new(p, options, false, true, false, message, message_size);
    if (!e)
        return NULL;
    LLVMMemoryBufferRef b = emit_buffer(e, ASLC_EMIT_OBJECT, message, message_size);
    emit_module_free(e);
    return b;
}

struct emit_jit *emit_jit_new(const struct ir_plan *p, const struct emit_options *options, const asl_program **program,
                              char *message, size_t message_size) {
    LLVMMemoryBufferRef code = object_code(p, options, message, message_size); // makes LLVM know this machine, too
    if (!code)
        return NULL;
    struct emit_jit *jit = calloc(1, sizeof *jit);
    if (!jit || orc_failed(LLVMOrcCreateLLJIT(&jit->jit, NULL), message, message_size) < 0) {
        LLVMDisposeMemoryBuffer(code);
        free(jit);
        return NULL;
    }
    // A debugger that is not there is no reason to fail.
    if (options->debug)
        LLVMConsumeError(LLVMOrcLLJITEnableDebugSupport(jit->jit));
    LLVMOrcExecutorAddress address = 0;
    const char *name = arena_format(p->arena, "%s_program", emit_identifier(p));
    int rc = define_all(jit, p, message, message_size);
    if (rc == 0)
        rc = orc_failed(LLVMOrcLLJITAddObjectFile(jit->jit, LLVMOrcLLJITGetMainJITDylib(jit->jit), code), message, message_size);
    else
        LLVMDisposeMemoryBuffer(code);
    if (rc == 0)
        rc = orc_failed(LLVMOrcLLJITLookup(jit->jit, &address, name), message, message_size);
    if (rc < 0) {
        emit_jit_free(jit);
        return NULL;
    }
    *program = (const asl_program *)(uintptr_t)address;
    return jit;
}

void emit_jit_free(struct emit_jit *jit) {
    if (!jit)
        return;
    LLVMConsumeError(LLVMOrcDisposeLLJIT(jit->jit));
    for (size_t i = 0; i < jit->library_count; i++)
        dlclose(jit->libraries[i]);
    free(jit->libraries);
    free(jit);
}
