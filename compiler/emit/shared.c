// The C API of a shared object: NAME_execute and its relatives.
//
// Each exported function only passes the program on to the runtime's function of the same purpose (aslc/shared.h), which
// is where they are written and where their contract stands. The table below is the one list of them; the header text
// that users read is further down.
#include "module.h"

#include <string.h>

#include "aslc/shared.h"

/* A number of the preprocessor as text. */
#define ASLC_STRING_(x) #x
#define ASLC_STRING(x) ASLC_STRING_(x)

/* Result, then parameters of the runtime's function: v void  i int32_t  u uint32_t  l int64_t  p pointer, and two that
   the exported function does not have: P the program, N a null pointer. */
static const struct {
    const char *suffix, *target, *types;
} exports[] = {
    {"abi_version", "asl_shared_abi_version", "u"},
    {"execute", "asl_shared_execute", "iPpNppp"},
    {"execute_with", "asl_shared_execute", "iPppppp"},
    {"free", "asl_shared_free", "vp"},
    {"start", "asl_shared_start", "pPppp"},
    {"step", "asl_shared_step", "ip"},
    {"status", "asl_shared_status", "ip"},
    {"poll_fd", "asl_shared_poll_fd", "ip"},
    {"next_deadline", "asl_shared_next_deadline", "lp"},
    {"output", "asl_shared_output", "pp"},
    {"error", "asl_shared_error", "pp"},
    {"cause", "asl_shared_cause", "pp"},
    {"stop", "asl_shared_stop", "vppp"},
    {"close", "asl_shared_close", "vp"},
};

enum { MAX_PARAMETERS = 8 };

static LLVMTypeRef type_of(struct emit *e, char letter) {
    switch (letter) {
    case 'v': return e->void_type;
    case 'i':
    case 'u': return e->i32;
    case 'l': return e->i64;
    default: return e->ptr;
    }
}

static void emit_export(struct emit *e, const char *name, const char *target, const char *types) {
    LLVMTypeRef inner[MAX_PARAMETERS], outer[MAX_PARAMETERS];
    unsigned inner_count = 0, outer_count = 0;
    for (const char *t = types + 1; *t; t++) {
        inner[inner_count++] = type_of(e, *t);
        if (*t != 'P' && *t != 'N')
            outer[outer_count++] = type_of(e, *t);
    }
    struct emit_function callee = emit_declare(e, target, type_of(e, *types), inner, inner_count);
    LLVMValueRef f = LLVMAddFunction(e->module, name, LLVMFunctionType(type_of(e, *types), outer, outer_count, false));
    LLVMPositionBuilderAtEnd(e->builder, LLVMAppendBasicBlockInContext(e->context, f, "entry"));
    LLVMValueRef arguments[MAX_PARAMETERS];
    for (unsigned i = 0, parameter = 0; i < inner_count; i++) {
        char letter = types[1 + i];
        arguments[i] = letter == 'P'   ? emit_program(e)
                       : letter == 'N' ? LLVMConstPointerNull(e->ptr)
                                       : LLVMGetParam(f, parameter++);
    }
    LLVMValueRef result = emit_call(e, callee, arguments, inner_count, "");
    if (*types == 'v')
        LLVMBuildRetVoid(e->builder);
    else
        LLVMBuildRet(e->builder, result);
}

void emit_exports(struct emit *e) {
    for (size_t i = 0; i < sizeof exports / sizeof *exports; i++)
        emit_export(e, arena_format(e->arena, "%s_%s", e->identifier, exports[i].suffix), exports[i].target,
                    exports[i].types);
}

// ---------------------------------------------------------------- the header

/* "@" is the identifier; "%" the name of the workflow. */
static const char header[] =
    "// %, compiled by aslc " ASLC_VERSION ". This file is made again by every `aslc build --shared`: do not edit it.\n"
    "//\n"
    "//     char *output = NULL, *error = NULL, *cause = NULL;\n"
    "//     if (@_execute(\"{\\\"x\\\": 1}\", &output, &error, &cause) == 0)\n"
    "//         puts(output);\n"
    "//     @_free(output), @_free(error), @_free(cause);\n"
    "//\n"
    "// Texts are UTF-8 and NUL-terminated. Different threads may call at the same time: every execution has an event loop of\n"
    "// its own. A struct @_run belongs to one thread at a time.\n"
    "#ifndef ASLC_WORKFLOW_@_H\n"
    "#define ASLC_WORKFLOW_@_H\n"
    "\n"
    "#include <stdint.h>\n"
    "\n"
    "#ifdef __cplusplus\n"
    "extern \"C\" {\n"
    "#endif\n"
    "\n"
    "/* What has become of an execution. */\n"
    "enum {\n"
    "    @_RUNNING = -1,\n"
    "    @_SUCCEEDED = 0,\n"
    "    @_FAILED = 1,\n"
    "    @_INVALID = 2,   /* bad input, options or binding: nothing has run; the cause says what is wrong */\n"
    "    @_TIMED_OUT = 3,\n"
    "    @_ABORTED = 4,   /* by @_stop */\n"
    "};\n"
    "\n"
    "/* The version of this interface: " ASLC_STRING(ASL_SHARED_ABI) ". Another number means that the library is not the one this header came with. */\n"
    "uint32_t @_abi_version(void);\n"
    "\n"
    "/* Runs one execution to its end and returns its status. input is JSON; NULL means {}. Each of output, error and cause\n"
    "   may be NULL; otherwise *output becomes the output's JSON text when the execution succeeded, *error and *cause its\n"
    "   error when it did not, and what does not apply becomes NULL. The texts are yours: release them with @_free. */\n"
    "int32_t @_execute(const char *input, char **output, char **error, char **cause);\n"
    "\n"
    "/* The same with options, a JSON object of which every member may be missing (NULL: none at all):\n"
    "       {\"bind\": {\"arn:aws:lambda:*:function:charge\": \"exec:./charge\"},   who does the work of Task states\n"
    "        \"mock\": \"mocks.json#HappyPath\",                                  answers from a MockConfigFile\n"
    "        \"clock\": \"virtual\",        \"real\" when missing: virtual time does not sleep\n"
    "        \"seed\": 1,                 makes random numbers, UUIDs and jitter repeatable\n"
    "        \"type\": \"express\",         or \"standard\": overrides the compiled-in type\n"
    "        \"strictAws\": true,         holds to the service's quotas\n"
    "        \"name\": \"order-17\"}        of the execution */\n"
    "int32_t @_execute_with(const char *input, const char *options, char **output, char **error, char **cause);\n"
    "\n"
    "/* Releases a text that came through a char ** here. NULL is fine. */\n"
    "void @_free(char *text);\n"
    "\n"
    "// ---- the same in steps, for an event loop of yours:\n"
    "//\n"
    "//     struct @_run *run = @_start(input, NULL, &message);\n"
    "//     while (@_step(run) == @_RUNNING) {\n"
    "//         struct pollfd p = {.fd = @_poll_fd(run), .events = POLLIN};      // fd -1: poll ignores it\n"
    "//         poll(&p, 1, @_next_deadline(run));                               // or your own loop\n"
    "//     }\n"
    "//     puts(@_output(run)), @_close(run);\n"
    "\n"
    "struct @_run; /* one execution and its event loop */\n"
    "\n"
    "/* Prepares an execution; nothing runs before the first step. input and options as above. NULL when they are wrong:\n"
    "   *message (message may be NULL) then says why and is yours to release with @_free; otherwise it becomes NULL. */\n"
    "struct @_run *@_start(const char *input, const char *options, char **message);\n"
    "\n"
    "/* Runs what is ready, without waiting, and returns the status. Never blocks. */\n"
    "int32_t @_step(struct @_run *run);\n"
    "int32_t @_status(const struct @_run *run);\n"
    "\n"
    "/* When to call step again: when the descriptor is readable (-1: nothing outside is awaited) or after so many\n"
    "   milliseconds (0: at once, -1: no timer runs). Ask for both again after every step. */\n"
    "int32_t @_poll_fd(struct @_run *run);\n"
    "int64_t @_next_deadline(struct @_run *run);\n"
    "\n"
    "/* The results once it has ended, else NULL, like those of execute. They live until close: do not free them. */\n"
    "const char *@_output(struct @_run *run);\n"
    "const char *@_error(struct @_run *run);\n"
    "const char *@_cause(struct @_run *run);\n"
    "\n"
    "/* Stops a running execution: its status becomes ABORTED with this error and cause, each of which may be NULL. */\n"
    "void @_stop(struct @_run *run, const char *error, const char *cause);\n"
    "\n"
    "/* Ends it, cancelling what still runs, and releases everything. NULL is fine. */\n"
    "void @_close(struct @_run *run);\n"
    "\n"
    "#ifdef __cplusplus\n"
    "}\n"
    "#endif\n"
    "#endif\n";

void emit_header(const struct ir_plan *p, asl_buffer *out) {
    const char *id = emit_identifier(p);
    for (const char *c = header; *c; c++) {
        if (*c == '@')
            asl_buffer_z(out, id);
        else if (*c == '%')
            for (const char *n = p->name; *n; n++) // a name that ends a comment line early must not end the comment
                asl_buffer_byte(out, (unsigned char)*n < ' ' || *n == '\\' ? ' ' : *n);
        else
            asl_buffer_byte(out, *c);
    }
}
