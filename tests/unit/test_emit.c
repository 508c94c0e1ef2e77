// From the text of a plan to code that runs: IR, the JIT against the interpreter, the header of a shared object. What a
// linker is needed for is in the end-to-end tests.
#include "emit/emit.h"

#include <unistd.h>

#include "aslc/shared.h"
#include "test.h"

static char message[1024];

static struct ir_plan *plan_of(struct arena *a, const char *text) {
    struct ir_plan *p = ir_parse(a, asl_str_z(text), message, sizeof message);
    if (!p)
        TEST_FAIL("%s", message);
    const char *why = p ? ir_verify(p) : NULL;
    if (why)
        TEST_FAIL("%s", why);
    return p;
}

static const char steps[] =
    "plan 1 \"my order\" standard\n"
    "const k0 = {\"a\":1}\n"
    "const k1 = \"Parameters\"\n"
    "const k2 = true\n"
    "path p0 = \"$.x\"\n"
    "path p1 = \"$.y\"\n"
    "state n0 = Pass \"First state\" @3:5\n"
    "state n1 = Choice \"Big?\" @8:5\n"
    "state n2 = Succeed \"Yes\" @20:5\n"
    "state n3 = Fail \"No\" @24:5\n"
    "machine @0 \"/\"\n"
    "  slot %0 \"input\"\n"
    "  slot %1 \"t0\"\n"
    "  slot %2 \"yes\"\n"
    "  block b0 \"First state\" n0\n"
    "    enter n0 %0\n"
    "    path %1 %0 p0 template k1\n"
    "    put %0 %0 %1 p1\n"
    "    exit n0 %0\n"
    "    jump b1\n"
    "  block b1 \"Big?\" n1\n"
    "    enter n1 %0\n"
    "    const %2 k2\n"
    "    if IsNumeric %1 %2 b2 b3\n"
    "  block b2 \"Yes\" n2\n"
    "    enter n2 %0\n"
    "    exit n2 %0\n"
    "    done %0\n"
    "  block b3 \"No\" n3\n"
    "    enter n3 %0\n"
    "    const %2 k1\n"
    "    raise %2 _\n"
    "    failed\n";

static void execute(const asl_program *program, const char *input, int32_t status, const char *want) {
    char *output, *error, *cause;
    CHECK_EQ(asl_shared_execute(program, input, NULL, &output, &error, &cause), status);
    CHECK_STR(output ? output : error, want);
    asl_shared_free(output);
    asl_shared_free(error);
    asl_shared_free(cause);
}

TEST(jit_runs_what_was_written) {
    for (int level = 0; level <= 3; level++)
        for (int debug = 0; debug <= 1; debug++) {
            struct arena *a = arena_new();
            const asl_program *program = NULL;
            struct emit_options o = {.optimise = level, .debug = debug};
            struct emit_jit *jit = emit_jit_new(plan_of(a, steps), &o, &program, message, sizeof message);
            CHECK_OR_END(jit);
            CHECK_EQ(program->abi, ASL_ABI);
            CHECK_EQ(program->step_count, 1);
            CHECK(!program->handlers[0]); // no Task state: no handler
            execute(program, "{\"x\": 7}", 0, "{\"x\":7,\"y\":7}");
            execute(program, "{\"x\": \"7\"}", 1, "Parameters");
            execute(program, "{}", 1, "States.Runtime");
            emit_jit_free(jit);
            arena_free(a);
        }
    emit_jit_free(NULL);
}

// An unknown resume point is refused, not followed into nowhere.
TEST(unknown_resume_point) {
    struct arena *a = arena_new();
    const asl_program *program = NULL;
    struct emit_jit *jit = emit_jit_new(plan_of(a, steps), &(struct emit_options){0}, &program, message, sizeof message);
    CHECK_OR_END(jit);
    asl_frame f = {.resume = 17};
    CHECK_EQ(program->steps[0](&f), ASL_FAILED);
    emit_jit_free(jit);
    arena_free(a);
}

static char *emitted(const char *plan, enum aslc_emit what, const struct emit_options *o) {
    struct arena *a = arena_new();
    char path[] = "/tmp/aslc-test-XXXXXX";
    int fd = mkstemp(path);
    char *text = NULL;
    if (emit_file(plan_of(a, plan), what, o, path, message, sizeof message) < 0) {
        TEST_FAIL("%s", message);
    } else {
        off_t size = lseek(fd, 0, SEEK_END);
        text = calloc(1, (size_t)size + 1);
        if (pread(fd, text, (size_t)size, 0) != size)
            TEST_FAIL("cannot read %s", path);
    }
    close(fd);
    unlink(path);
    arena_free(a);
    return text ? text : calloc(1, 1);
}

static void has(const char *text, const char *part) {
    if (!strstr(text, part))
        TEST_FAIL("\"%s\" is missing", part);
}

TEST(ir_is_readable) {
    char *ir = emitted(steps, ASLC_EMIT_IR, &(struct emit_options){.debug = true});
    has(ir, "define internal i32 @my_order.step(ptr nonnull %frame)");
    has(ir, "\"First state\":");
    has(ir, "\"Big?\":");
    has(ir, "call i32 @asl_rt_put(ptr %frame, i32 0, i32 0, i32 1, i32 1)");
    has(ir, "call i32 @asl_rt_test(ptr %frame, i32 ");
    has(ir, "@my_order_program = constant { i32, i32, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64 } { i32 1, i32 1, ptr @image,");
    has(ir, "define weak i32 @main(");
    has(ir, "DISubprogram(name: \"Big?\"");
    CHECK(!strstr(ir, "asl_handler_"));
    free(ir);
}

TEST(the_same_plan_gives_the_same_object) {
    struct emit_options o = {.optimise = 2, .debug = true};
    struct arena *a = arena_new();
    char *first = emitted(steps, ASLC_EMIT_ASM, &o), *second = emitted(steps, ASLC_EMIT_ASM, &o);
    CHECK_STR(first, second);
    free(first);
    free(second);
    arena_free(a);
}

TEST(tasks_bring_their_handlers) {
    static const char task[] = "plan 1 \"t\" standard\n"
                               "state n0 = Task \"T\"\n"
                               "site t0 = {\"state\":0,\"kind\":\"task\",\"resource\":\"arn:t\"}\n"
                               "binding {\"pattern\":\"arn:t\",\"handler\":\"ffi:libm.so.6#pow(double,double)->double\"}\n"
                               "machine @0 \"/\"\n"
                               "  slot %0 \"input\"\n"
                               "  block b0 \"T\" n0\n"
                               "    enter n0 %0\n"
                               "    attempt t0\n"
                               "    task t0 %0 _ _ _\n"
                               "    suspend b1\n"
                               "  block b1 \"T.result\" n0 resume\n"
                               "    result %0\n"
                               "    exit n0 %0\n"
                               "    done %0\n";
    char *ir = emitted(task, ASLC_EMIT_IR, &(struct emit_options){.shared = true});
    has(ir, "@asl_handler_exec = external");
    has(ir, "call double @pow(double ");
    has(ir, "->double\\22,\\22thunk\\22:0}"); // in the image
    has(ir, "define i32 @t_execute(ptr ");
    CHECK(!strstr(ir, "@main("));
    free(ir);

    struct arena *a = arena_new();
    const asl_program *program = NULL;
    struct emit_jit *jit = emit_jit_new(plan_of(a, task), &(struct emit_options){.optimise = 2}, &program, message, sizeof message);
    CHECK_OR_END(jit);
    execute(program, "[2, 10]", 0, "1024");
    emit_jit_free(jit);
    arena_free(a);
}

static const char loop_and_wait[] = "plan 1 \"w\" standard\n"
                                    "const k0 = 1\n"
                                    "state n0 = Wait \"W\"\n"
                                    "state n1 = Choice \"C\"\n"
                                    "site t0 = {\"state\":0,\"kind\":\"wait\"}\n"
                                    "machine @0 \"/\"\n"
                                    "  slot %0 \"input\"\n"
                                    "  block b0 \"C\" n1\n"
                                    "    enter n1 %0\n"
                                    "    done %0\n"
                                    "machine @1 \"/\" quiet\n"
                                    "  slot %0 \"input\"\n"
                                    "  slot %1 \"t0\"\n"
                                    "  numbers 1\n"
                                    "  block b0 \"C\" n1\n"
                                    "    tick 2 1\n"
                                    "    add #0 #0 k0\n"
                                    "    box %1 #0\n"
                                    "    if NumericLessThan #0 k0 b0 b1\n"
                                    "  block b1 \"W\" n0\n"
                                    "    tick 3 1\n"
                                    "    copy %1 %0\n"
                                    "    attempt t0\n"
                                    "    wait_seconds t0 %1\n"
                                    "    suspend b2\n"
                                    "  block b2 \"W.result\" n0 resume\n"
                                    "    done %0\n";

/* A loop is optimised though its machine waits; what is behind it calls the library, and one that only waits is left alone. */
TEST(only_what_is_warm_is_optimised) {
    struct emit_options o = {.optimise = 2};
    char *ir = emitted(loop_and_wait, ASLC_EMIT_IR, &o);
    const char *quiet = strstr(ir, "@w.step.quiet(");
    CHECK_OR_END(quiet && strstr(quiet, "\n}"));
    char *body = strndup(quiet, (size_t)(strstr(quiet, "\n}") - quiet));
    has(body, "call void @asl_hot_copy(");
    CHECK(!strstr(body, "alloca i64")); // what is counted is in registers
    free(body);
    free(ir);

    char *waits = strdup(loop_and_wait), *loop = strstr(waits, "if NumericLessThan #0 k0 b0 b1");
    memcpy(loop, "if NumericLessThan #0 k0 b1 b1", strlen("if NumericLessThan #0 k0 b1 b1"));
    ir = emitted(waits, ASLC_EMIT_IR, &o);
    has(ir, "call void @asl_hot_tick(");
    has(ir, "call void @asl_hot_words(");
    has(ir, "alloca i64");
    free(ir);
    free(waits);
}

TEST(missing_libraries_and_functions) {
    static const char *const handlers[][2] = {
        {"ffi:./no-such-library.so#f(int)->int", "cannot open the library of f: "},
        {"ffi:libm.so.6#no_such_function(int)->int", "there is no function no_such_function in libm.so.6"},
        {"ffi:nonsense", ""},
    };
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        struct arena *a = arena_new();
        const asl_program *program = NULL;
        const char *text = arena_format(a, "%sbinding {\"pattern\":\"x\",\"handler\":\"%s\"}\n", steps, handlers[i][0]);
        *message = 0;
        CHECK(!emit_jit_new(plan_of(a, text), &(struct emit_options){0}, &program, message, sizeof message));
        CHECK(*message && strncmp(message, handlers[i][1], strlen(handlers[i][1])) == 0);
        arena_free(a);
    }
}

static void identifier(const char *name, const char *want) {
    struct arena *a = arena_new();
    CHECK_STR(emit_identifier(ir_plan_new(a, name)), want);
    arena_free(a);
}

TEST(identifiers) {
    identifier("order", "order");
    identifier("my-order.v2", "my_order_v2");
    identifier("2nd", "asl_2nd");
    identifier("é", "__");
    identifier("", "workflow");
}

TEST(header) {
    struct arena *a = arena_new();
    asl_buffer b = {0};
    emit_header(ir_plan_new(a, "my-order"), &b);
    has(b.data, "// my-order, compiled by aslc ");
    has(b.data, "int32_t my_order_execute(const char *input, char **output, char **error, char **cause);");
    has(b.data, "struct my_order_run *my_order_start(");
    CHECK(!strchr(b.data, '@') && !strchr(b.data, '%'));
    asl_buffer_free(&b);
    arena_free(a);
}

TEST(files_that_cannot_be_written) {
    struct arena *a = arena_new();
    struct ir_plan *p = plan_of(a, steps);
    CHECK_EQ(emit_file(p, ASLC_EMIT_OBJECT, &(struct emit_options){0}, "/no/such/folder/x.o", message, sizeof message), -1);
    CHECK_STR(message, "cannot write /no/such/folder/x.o: No such file or directory");
    CHECK_EQ(emit_file(p, ASLC_EMIT_ASM, &(struct emit_options){0}, "/dev/full", message, sizeof message), -1);
    CHECK_STR(message, "cannot write /dev/full: No space left on device");
    arena_free(a);
}
