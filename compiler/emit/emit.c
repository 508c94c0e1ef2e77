// The module: what every part of it needs, the order in which its parts are made, and how the result leaves.
//
// A module holds, per machine, one internal function `int32_t NAME.step/M(asl_frame *)`, the constants of tables.c, and
// the few functions that the outside calls. Builder calls are not checked for NULL; the module is verified once.
#include "module.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"

const char *emit_identifier(const struct ir_plan *p) {
    const char *name = p->name && *p->name ? p->name : "workflow";
    bool digit = *name >= '0' && *name <= '9'; // no identifier begins with one
    char *id = arena_format(p->arena, "%s%s", digit ? "asl_" : "", name);
    for (char *c = id; *c; c++) {
        bool ok = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (!ok)
            *c = '_';
    }
    return id;
}

// ---------------------------------------------------------------- vocabulary

LLVMValueRef emit_i32(struct emit *e, uint32_t v) {
    return LLVMConstInt(e->i32, v, false);
}

// The function of that name, which a C symbol of an ffi binding may have declared before with another type.
struct emit_function emit_declare(struct emit *e, const char *name, LLVMTypeRef result, LLVMTypeRef *parameters,
                                  unsigned count) {
    struct emit_function f = {.type = LLVMFunctionType(result, parameters, count, false)};
    f.value = LLVMGetNamedFunction(e->module, name);
    if (!f.value)
        f.value = LLVMAddFunction(e->module, name, f.type);
    return f;
}

LLVMValueRef emit_call(struct emit *e, struct emit_function f, LLVMValueRef *arguments, unsigned count, const char *name) {
    return LLVMBuildCall2(e->builder, f.type, f.value, arguments, count, name);
}

void emit_attribute(struct emit *e, LLVMValueRef function, LLVMAttributeIndex where, const char *attribute, uint64_t value) {
    unsigned kind = LLVMGetEnumAttributeKindForName(attribute, strlen(attribute));
    LLVMAddAttributeAtIndex(function, where, LLVMCreateEnumAttribute(e->context, kind, value));
}

static LLVMValueRef branch_weights(struct emit *e, uint64_t taken, uint64_t other) {
    LLVMMetadataRef node[] = {
        LLVMMDStringInContext2(e->context, "branch_weights", strlen("branch_weights")),
        LLVMValueAsMetadata(LLVMConstInt(e->i32, taken, false)),
        LLVMValueAsMetadata(LLVMConstInt(e->i32, other, false)),
    };
    return LLVMMetadataAsValue(e->context, LLVMMDNodeInContext2(e->context, node, 3));
}

// ---------------------------------------------------------------- the module

static void begin(struct emit *e, bool names) {
    LLVMContextRef c = e->context = LLVMContextCreate();
    LLVMContextSetDiscardValueNames(c, !names); // nobody will read them: a fifth of the time of large modules
    e->module = LLVMModuleCreateWithNameInContext(e->plan->source_path ? e->plan->source_path : e->plan->name, c);
    e->builder = LLVMCreateBuilderInContext(c);
    e->void_type = LLVMVoidTypeInContext(c);
    e->i1 = LLVMInt1TypeInContext(c);
    e->i8 = LLVMInt8TypeInContext(c);
    e->i32 = LLVMInt32TypeInContext(c);
    e->i64 = LLVMInt64TypeInContext(c);
    e->f64 = LLVMDoubleTypeInContext(c);
    e->ptr = LLVMPointerTypeInContext(c, 0);
    e->weights = LLVMGetMDKindIDInContext(c, "prof", strlen("prof"));
    e->unlikely = branch_weights(e, 1, 2000);
}

// Where there are quiet machines, the others only call the runtime and tell of it, as expressions do, and quiet machines
// without a warm block: hard work on their code would take the compiler's time and save nobody's.
static void leave_as_it_is(struct emit *e, LLVMValueRef step) {
    emit_attribute(e, step, LLVMAttributeFunctionIndex, "noinline", 0);
    emit_attribute(e, step, LLVMAttributeFunctionIndex, "optnone", 0);
}

static LLVMValueRef declare_step(struct emit *e, const char *name) {
    LLVMValueRef f = LLVMAddFunction(e->module, name, LLVMFunctionType(e->i32, &e->ptr, 1, false));
    LLVMSetLinkage(f, LLVMInternalLinkage);
    emit_attribute(e, f, LLVMAttributeFunctionIndex, "nounwind", 0);
    emit_attribute(e, f, LLVMAttributeFunctionIndex, "uwtable", 2); // profilers unwind through steps
    emit_attribute(e, f, 1, "nonnull", 0);
    emit_attribute(e, f, LLVMAttributeFunctionIndex, "noimplicitfloat", 0); // values stay two words (runtime/words.h)
    return f;
}

// Names as debuggers and profilers will show them: "order.step", "order.step/M", and "order.Charge/Output/total" for an
// expression.
static void declare_steps(struct emit *e) {
    const struct ir_plan *p = e->plan;
    bool optimises = p->quiet && e->options->optimise > 0;
    e->steps = arena_alloc(e->arena, (p->machines.count + 1) * sizeof *e->steps);
    for (size_t i = 0; i < p->machines.count; i++) {
        const char *machine = p->machines.items[i]->name;
        bool quiet = p->quiet && i >= p->quiet;
        e->steps[i] = declare_step(e, arena_format(e->arena, "%s.step%s%s", e->identifier,
                                                   strcmp(machine, "/") == 0 ? "" : machine, quiet ? ".quiet" : ""));
        if (optimises && !e->warm[i])
            leave_as_it_is(e, e->steps[i]);
    }
    e->functions = arena_alloc(e->arena, (p->functions.count + 1) * sizeof *e->functions);
    for (size_t i = 0; i < p->functions.count; i++) {
        e->functions[i] = declare_step(e, arena_format(e->arena, "%s.%s", e->identifier, p->functions.items[i]->name));
        if (optimises)
            leave_as_it_is(e, e->functions[i]);
    }
}

struct emit *emit_module_new(const struct ir_plan *p, const struct emit_options *options, bool shared, bool in_process,
                             bool names, char *message, size_t message_size) {
    struct emit *e = arena_alloc(p->arena, sizeof *e);
    e->plan = p;
    e->options = options;
    e->arena = p->arena;
    e->identifier = emit_identifier(p);
    e->shared = shared;
    e->in_process = in_process;
    emit_heat(e);
    begin(e, names);
    if (options->debug)
        emit_debug_begin(e);
    declare_steps(e);
    emit_ops_begin(e);
    for (uint32_t i = 0; i < p->machines.count; i++) {
        e->number = i;
        e->quiet = p->quiet && i >= p->quiet;
        emit_machine(e, p->machines.items[i], e->steps[i], e->warm[i]);
    }
    e->quiet = false;
    for (size_t i = 0; i < p->functions.count; i++)
        emit_machine(e, p->functions.items[i], e->functions[i], NULL);
    emit_debug_none(e);
    emit_hot_link(e);
    if (emit_tables(e, message, message_size) < 0)
        goto failed;
    if (shared)
        emit_exports(e);
    emit_debug_end(e);

    char *why = NULL;
    if (LLVMVerifyModule(e->module, LLVMReturnStatusAction, &why)) {
        snprintf(message, message_size, "internal error: the LLVM module is broken: %s", why);
        LLVMDisposeMessage(why);
        goto failed;
    }
    LLVMDisposeMessage(why);
    return e;
failed:
    emit_module_free(e);
    return NULL;
}

void emit_module_free(struct emit *e) {
    emit_debug_end(e); // when the module was given up half-way
    LLVMDisposeBuilder(e->builder);
    LLVMDisposeModule(e->module);
    LLVMContextDispose(e->context);
}

// ---------------------------------------------------------------- files

static int write_file(const char *path, const char *data, size_t size, char *message, size_t message_size) {
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdout : fopen(path, "wb");
    bool ok = f && fwrite(data, 1, size, f) == size;
    if (f && (standard ? fflush(f) : fclose(f)) != 0)
        ok = false;
    if (!ok)
        snprintf(message, message_size, "cannot write %s: %s", standard ? "to standard output" : path, strerror(errno));
    return ok ? 0 : -1;
}

static int write_plan(const struct ir_plan *p, const char *path, char *message, size_t message_size) {
    asl_buffer text = {0};
    ir_print(p, &text);
    int rc = write_file(path, text.data ? text.data : "", text.size, message, message_size);
    asl_buffer_free(&text);
    return rc;
}

static int write_code(const struct ir_plan *p, enum aslc_emit what, bool shared, const struct emit_options *options,
                      const char *path, char *message, size_t message_size) {
    bool names = what != ASLC_EMIT_OBJECT;
    struct emit *e = emit_module_new(p, options, shared, false, names, message, message_size);
    if (!e)
        return -1;
    int rc = -1;
    LLVMMemoryBufferRef b = emit_buffer(e, what, message, message_size);
    if (b) {
        rc = write_file(path, LLVMGetBufferStart(b), LLVMGetBufferSize(b), message, message_size);
        LLVMDisposeMemoryBuffer(b);
    }
    emit_module_free(e);
    return rc;
}

// libNAME.so gives NAME.h, x/y.so gives x/y.h.
static const char *header_path(struct arena *a, const char *path) {
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    size_t directory = (size_t)(base - path), size = strcspn(base, ".");
    if (size > 3 && memcmp(base, "lib", 3) == 0)
        base += 3, size -= 3;
    return arena_format(a, "%.*s%.*s.h", (int)directory, path, (int)size, base);
}

static int write_header(const struct ir_plan *p, const char *path, char *message, size_t message_size) {
    asl_buffer text = {0};
    emit_header(p, &text);
    int rc = write_file(header_path(p->arena, path), text.data, text.size, message, message_size);
    asl_buffer_free(&text);
    return rc;
}

// The libraries of the C functions that were bound at compile time, each once.
static int native_libraries(const struct ir_plan *p, struct link_options *o, char *message, size_t message_size) {
    struct emit_natives natives;
    if (emit_natives(p, &natives, message, message_size) < 0)
        return -1;
    const char **libraries = arena_alloc(p->arena, (natives.count + 1) * sizeof *libraries);
    for (size_t i = 0; i < natives.count; i++) {
        asl_str library = natives.items[i].library;
        size_t at = 0;
        while (at < o->library_count && !asl_str_equal(asl_str_z(libraries[at]), library))
            at++;
        if (library.size > 0 && at == o->library_count)
            libraries[o->library_count++] = arena_copy(p->arena, library.data, library.size);
    }
    o->libraries = libraries;
    return 0;
}

static int write_linked(const struct ir_plan *p, enum aslc_emit what, const struct emit_options *options, const char *path,
                        char *message, size_t message_size) {
    bool shared = what == ASLC_EMIT_SHARED;
    const char *directory = getenv("TMPDIR");
    char *object = arena_format(p->arena, "%s/aslc-XXXXXX.o", directory && *directory ? directory : "/tmp");
    int fd = mkstemps(object, 2);
    if (fd < 0) {
        snprintf(message, message_size, "cannot make a temporary file %s: %s", object, strerror(errno));
        return -1;
    }
    close(fd);
    struct link_options link = {
        .shared = shared,
        .fully_static = options->static_link,
        .alone = !emit_has_tasks(p),
        .strip = options->strip,
        .verbose = options->verbose,
        .inputs = options->link_inputs,
        .input_count = options->link_input_count,
    };
    int rc = native_libraries(p, &link, message, message_size);
    if (rc == 0)
        rc = write_code(p, ASLC_EMIT_OBJECT, shared, options, object, message, message_size);
    if (rc == 0)
        rc = link_file(p->arena, object, path, &link, message, message_size);
    if (rc == 0 && shared)
        rc = write_header(p, path, message, message_size);
    unlink(object);
    return rc;
}

int emit_file(const struct ir_plan *p, enum aslc_emit what, const struct emit_options *options, const char *path,
              char *message, size_t message_size) {
    switch (what) {
    case ASLC_EMIT_PLAN: return write_plan(p, path, message, message_size);
    case ASLC_EMIT_IR:
    case ASLC_EMIT_BITCODE:
    case ASLC_EMIT_ASM:
    case ASLC_EMIT_OBJECT: return write_code(p, what, options->shared, options, path, message, message_size);
    case ASLC_EMIT_EXECUTABLE:
    case ASLC_EMIT_SHARED: return write_linked(p, what, options, path, message, message_size);
    }
    snprintf(message, message_size, "unknown kind of output");
    return -1;
}
