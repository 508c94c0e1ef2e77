// The program: constants that the runtime reads, and the doors through which the outside comes in.
//
//     @order_program = { abi, steps, image, size, @steps, @thunks, @handlers, null }       asl_program
//     main(argc, argv) { return asl_main(&order_program, argc, argv); }                    executables only, weak: a C
//                                                                                          program that links the object
//                                                                                          may have its own
//
// Handlers are named here and nowhere else, so a program without Task states links none of them.
//
// A thunk is the native call of an ffi binding that was compiled in: it unpacks cells, calls the C symbol with its real
// types, and packs the result.
#include "module.h"

#include <stdio.h>
#include <string.h>

static LLVMValueRef constant(struct emit *e, const char *name, LLVMValueRef value) {
    LLVMValueRef g = LLVMAddGlobal(e->module, LLVMTypeOf(value), name);
    LLVMSetInitializer(g, value);
    LLVMSetGlobalConstant(g, true);
    LLVMSetLinkage(g, LLVMPrivateLinkage);
    LLVMSetUnnamedAddress(g, LLVMGlobalUnnamedAddr);
    return g;
}

static LLVMValueRef pointers(struct emit *e, const char *name, LLVMValueRef *items, size_t count) {
    if (count == 0)
        return LLVMConstPointerNull(e->ptr);
    return constant(e, name, LLVMConstArray2(e->ptr, items, count));
}

// ---------------------------------------------------------------- handlers

bool emit_has_tasks(const struct ir_plan *p) {
    for (size_t i = 0; i < p->sites.count; i++) {
        asl_value site;
        if (asl_json_parse(asl_str_z(p->sites.items[i]), NULL, &site, NULL) < 0)
            continue; // the image is refused when it is loaded
        const asl_value *kind = site.tag == ASL_OBJECT ? asl_object_get(&site, ASL_STR("kind")) : NULL;
        bool task = kind && kind->tag == ASL_STRING && asl_str_equal(asl_text_of(kind), ASL_STR("task"));
        asl_release(site);
        if (task)
            return true;
    }
    return false;
}

static LLVMValueRef handlers(struct emit *e) {
    static const char *const names[] = {"asl_handler_exec", "asl_handler_worker", "asl_handler_ffi", "asl_handler_fail",
                                        "asl_handler_return", "asl_handler_mock"};
    enum { COUNT = sizeof names / sizeof *names };
    LLVMValueRef items[COUNT + 1];
    size_t count = 0;
    if (emit_has_tasks(e->plan))
        for (; count < COUNT; count++) {
            items[count] = LLVMAddGlobal(e->module, e->i8, names[count]); // only its address matters
            LLVMSetGlobalConstant(items[count], true);
        }
    items[count++] = LLVMConstPointerNull(e->ptr);
    return pointers(e, "handlers", items, count);
}

// ---------------------------------------------------------------- thunks

// The signature points into the handler's text, so that is copied. False when the handler is no C function.
static bool is_native(struct arena *a, const asl_value *binding, const char **spec) {
    const asl_value *handler = binding->tag == ASL_OBJECT ? asl_object_get(binding, ASL_STR("handler")) : NULL;
    if (!handler || handler->tag != ASL_STRING)
        return false;
    asl_str text = asl_text_of(handler);
    if (text.size < 4 || memcmp(text.data, "ffi:", 4) != 0)
        return false;
    *spec = arena_copy(a, text.data + 4, text.size - 4);
    return true;
}

// The binding as the image has it, with the number of its thunk.
static const char *with_thunk(struct arena *a, asl_value binding, size_t number) {
    asl_value numbered = asl_object_put(asl_retain(binding), ASL_STR("thunk"), asl_int((int64_t)number));
    asl_buffer text = {0};
    asl_json_print(&numbered, &text);
    const char *copy = arena_copy(a, text.data, text.size);
    asl_buffer_free(&text);
    asl_release(numbered);
    return copy;
}

int emit_natives(const struct ir_plan *p, struct emit_natives *out, char *message, size_t message_size) {
    struct arena *a = p->arena;
    out->items = arena_alloc(a, (p->bindings.count + 1) * sizeof *out->items);
    out->bindings = arena_alloc(a, (p->bindings.count + 1) * sizeof *out->bindings);
    out->count = 0;
    int rc = 0;
    for (size_t i = 0; i < p->bindings.count && rc == 0; i++) {
        asl_value binding;
        const char *spec;
        out->bindings[i] = p->bindings.items[i];
        if (asl_json_parse(asl_str_z(p->bindings.items[i]), NULL, &binding, NULL) < 0)
            continue; // the image is refused when it is loaded
        if (is_native(a, &binding, &spec)) {
            rc = asl__ffi_parse(asl_str_z(spec), &out->items[out->count], message, message_size);
            out->bindings[i] = with_thunk(a, binding, out->count++);
        }
        asl_release(binding);
    }
    return rc;
}

static LLVMTypeRef c_type(struct emit *e, enum asl__ffi_type type) {
    switch (type) {
    case ASL__FFI_INT: return e->i32;
    case ASL__FFI_LONG: return e->i64;
    case ASL__FFI_DOUBLE: return e->f64;
    case ASL__FFI_BOOL: return e->i1;
    case ASL__FFI_STRING:
    case ASL__FFI_JSON:
    case ASL__FFI_CJSON:
    case ASL__FFI_TASK: return e->ptr;
    }
    return e->ptr;
}

// How C passes small integers differs between machines; these two attributes say what the types leave open.
static const char *extension(enum asl__ffi_type type) {
    return type == ASL__FFI_INT ? "signext" : type == ASL__FFI_BOOL ? "zeroext" : NULL;
}

static void extend(struct emit *e, LLVMValueRef call, LLVMAttributeIndex where, enum asl__ffi_type type) {
    if (extension(type)) {
        unsigned kind = LLVMGetEnumAttributeKindForName(extension(type), strlen(extension(type)));
        LLVMAddCallSiteAttribute(call, where, LLVMCreateEnumAttribute(e->context, kind, 0));
    }
}

// A bool is a byte in a cell and one bit as an argument.
static LLVMValueRef load_cell(struct emit *e, LLVMValueRef cells, size_t index, enum asl__ffi_type type) {
    LLVMValueRef offset = LLVMConstInt(e->i64, index * sizeof(asl_cell), false);
    LLVMValueRef at = LLVMBuildInBoundsGEP2(e->builder, e->i8, cells, &offset, 1, "");
    if (type != ASL__FFI_BOOL)
        return LLVMBuildLoad2(e->builder, c_type(e, type), at, "");
    LLVMValueRef byte = LLVMBuildLoad2(e->builder, e->i8, at, "");
    return LLVMBuildICmp(e->builder, LLVMIntNE, byte, LLVMConstInt(e->i8, 0, false), "");
}

static void store_cell(struct emit *e, LLVMValueRef cell, LLVMValueRef v, enum asl__ffi_type type) {
    if (type == ASL__FFI_BOOL)
        v = LLVMBuildZExt(e->builder, v, e->i8, "");
    LLVMBuildStore(e->builder, v, cell);
}

static LLVMValueRef thunk(struct emit *e, const struct asl__ffi_signature *s) {
    LLVMTypeRef parameters[ASL__FFI_MAX_PARAMETERS];
    for (uint32_t i = 0; i < s->count; i++)
        parameters[i] = c_type(e, s->parameters[i]);
    const char *symbol = arena_copy(e->arena, s->symbol.data, s->symbol.size);
    struct emit_function c = emit_declare(e, symbol, c_type(e, s->result), parameters, s->count);

    LLVMTypeRef type = LLVMFunctionType(e->void_type, (LLVMTypeRef[]){e->ptr, e->ptr}, 2, false);
    LLVMValueRef f = LLVMAddFunction(e->module, arena_format(e->arena, "%s.call.%s", e->identifier, symbol), type);
    LLVMSetLinkage(f, LLVMInternalLinkage);
    LLVMPositionBuilderAtEnd(e->builder, LLVMAppendBasicBlockInContext(e->context, f, "entry"));
    LLVMValueRef arguments[ASL__FFI_MAX_PARAMETERS];
    for (uint32_t i = 0; i < s->count; i++)
        arguments[i] = load_cell(e, LLVMGetParam(f, 1), i, s->parameters[i]);
    LLVMValueRef result = emit_call(e, c, arguments, s->count, "");
    extend(e, result, LLVMAttributeReturnIndex, s->result);
    for (uint32_t i = 0; i < s->count; i++)
        extend(e, result, i + 1, s->parameters[i]);
    store_cell(e, LLVMGetParam(f, 0), result, s->result);
    LLVMBuildRetVoid(e->builder);
    return f;
}

// ---------------------------------------------------------------- the program

static void emit_main(struct emit *e) {
    LLVMTypeRef types[] = {e->ptr, e->i32, e->ptr};
    struct emit_function run = emit_declare(e, "asl_main", e->i32, types, 3);
    LLVMValueRef f = LLVMAddFunction(e->module, "main", LLVMFunctionType(e->i32, types + 1, 2, false));
    LLVMSetLinkage(f, LLVMWeakAnyLinkage);
    LLVMPositionBuilderAtEnd(e->builder, LLVMAppendBasicBlockInContext(e->context, f, "entry"));
    LLVMValueRef arguments[] = {emit_program(e), LLVMGetParam(f, 0), LLVMGetParam(f, 1)};
    LLVMBuildRet(e->builder, emit_call(e, run, arguments, 3, ""));
}

LLVMValueRef emit_program(struct emit *e) {
    return LLVMGetNamedGlobal(e->module, arena_format(e->arena, "%s_program", e->identifier));
}

// The plan's image, except that compiled bindings say which thunk is theirs.
static LLVMValueRef image(struct emit *e, const struct emit_natives *natives, size_t *size) {
    struct ir_plan p = *e->plan;
    p.bindings.items = natives->bindings;
    p.caches = e->caches;
    asl_buffer text = {0};
    ir_image(&p, &text);
    LLVMValueRef g = constant(e, "image", emit_llvm_string(e->context, text.data, text.size));
    *size = text.size;
    asl_buffer_free(&text);
    return g;
}

int emit_tables(struct emit *e, char *message, size_t message_size) {
    struct emit_natives natives;
    if (emit_natives(e->plan, &natives, message, message_size) < 0)
        return -1;
    size_t image_size;
    LLVMValueRef text = image(e, &natives, &image_size);
    LLVMValueRef *thunks = arena_alloc(e->arena, (natives.count + 1) * sizeof *thunks);
    for (size_t i = 0; i < natives.count; i++)
        thunks[i] = thunk(e, &natives.items[i]);

    size_t steps = e->plan->machines.count;
    LLVMValueRef fields[] = {
        /* ORDER asl_program (aslc/program.h) */
        emit_i32(e, ASL_ABI),
        emit_i32(e, (uint32_t)steps),
        text,
        LLVMConstInt(e->i64, image_size, false),
        pointers(e, "steps", e->steps, steps),
        pointers(e, "thunks", thunks, natives.count),
        handlers(e),
        LLVMConstPointerNull(e->ptr),
        pointers(e, "functions", e->functions, e->plan->functions.count),
        LLVMConstInt(e->i64, e->plan->functions.count, false),
    };
    LLVMValueRef program = LLVMConstStructInContext(e->context, fields, sizeof fields / sizeof *fields, false);
    LLVMValueRef g = LLVMAddGlobal(e->module, LLVMTypeOf(program), arena_format(e->arena, "%s_program", e->identifier));
    LLVMSetInitializer(g, program);
    LLVMSetGlobalConstant(g, true);
    if (!e->shared && !e->in_process)
        emit_main(e);
    return 0;
}
