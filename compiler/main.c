// The command line of aslc: options in, one call of the pipeline or the runtime out. What it means to compile is in
// driver.c; what it means to run is the runtime's (asl__run_main), shared with every compiled executable.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "aslc/aslc.h"
#include "driver.h"
#include "eval.h"
#include "handlers/native.h"
#include "link.h"
#include "profile.h"
#include "replay.h"
#include "run_main.h"

enum { OK = 0, FAILED = 1, BAD = 2 };

static const char usage[] =
    "Usage: aslc COMMAND [OPTIONS] DEFINITION\n"
    "\n"
    "Compiles workflows written in the Amazon States Language to native code.\n"
    "\n"
    "Commands:\n"
    "  build      compile to an executable, a shared object or an intermediate form\n"
    "  run        compile in memory and run at once\n"
    "  interpret  run by walking the plan, without generating code\n"
    "  check      report everything that is wrong with definitions\n"
    "  eval       evaluate one JSONata or JSONPath expression or intrinsic function\n"
    "  replay     run a definition against a recorded history and show where they part\n"
    "  mocks      make a mock file of the answers in a recorded history\n"
    "  bench      measure a definition, compiled against interpreted\n"
    "  help       explain a command: aslc help build\n"
    "\n"
    "DEFINITION is a JSON file; - reads standard input.\n"
    "\n"
    "  --version  print the version        --help  print this\n";

static const char build_usage[] =
    "Usage: aslc build [OPTIONS] DEFINITION\n"
    "\n"
    "Compiles DEFINITION to a standalone executable, by default ./NAME for NAME.asl.json.\n"
    "\n"
    "  -o FILE                 write FILE\n"
    "  --shared                a shared object libNAME.so, and its header NAME.h\n"
    "  --emit=KIND             stop early: plan, ir, bc, asm or obj (default NAME.KIND; -o - is standard output)\n"
    "  -O0 -O1 -O2 -O3         how hard to optimise (default -O2)\n"
    "  --bind PATTERN=HANDLER  who does the work of the Task resources that PATTERN matches\n"
    "  -l LIB, -L DIR          a library for ffi handlers that are bound here; also .a, .o and .so files\n"
    "  --unbound               leave resources without a handler to --bind at run time\n"
    "  -D NAME=VALUE           fill the placeholder ${NAME}\n"
    "  --definitions FILE      placeholders' values as a JSON object\n"
    "  --type standard|express\n"
    "  --name NAME             of the state machine\n"
    "  --static                link everything statically: a workflow without Tasks against musl, where that is installed;\n"
    "                          such a program keeps no journal\n"
    "  -s                      strip the executable\n"
    "  --dump-after=PASS       print the plan after lower or a pass (thread, quiet, shape, slots, views, pack) on standard error\n"
    "  -fno-PASS               leave a pass out\n"
    "  -v                      print the command that links\n"
    "  --color=WHEN            auto, always or never\n"
    "\n"
    "Handlers: exec:COMMAND, worker:COMMAND, ffi:LIB#SYMBOL(TYPE,…)->TYPE, fail:ERROR[:CAUSE], return:JSON.\n";

static const char run_usage[] =
    "Usage: aslc run|interpret [OPTIONS] DEFINITION [RUN OPTIONS]\n"
    "\n"
    "Runs DEFINITION: compiled in memory (run), or by walking its plan (interpret).\n"
    "\n"
    "  -O0 -O1 -O2 -O3         how hard to optimise (run; default -O2)\n"
    "  -D NAME=VALUE           fill the placeholder ${NAME}\n"
    "  --definitions FILE      placeholders' values as a JSON object\n"
    "  --profile               time and allocations of states and expressions, on standard error\n"
    "  --dump-after=PASS       print the plan after lower or a pass (thread, quiet, shape, slots, views, pack) on standard error\n"
    "  -fno-PASS               leave a pass out\n"
    "\n";

static const char check_usage[] =
    "Usage: aslc check [OPTIONS] DEFINITION...\n"
    "\n"
    "Reports every error and warning; the exit status is 2 when there is an error.\n"
    "\n"
    "  --format text|json|sarif\n"
    "  --references            also print which variables each state reads, one JSON object a definition on a\n"
    "                          line of its own after the messages: {\"file\", \"variableReferences\": {STATE: [NAME]}}\n"
    "  -D NAME=VALUE           fill the placeholder ${NAME}\n"
    "  --definitions FILE      placeholders' values as a JSON object\n"
    "  --type standard|express\n"
    "  --color=WHEN            auto, always or never\n";

static const char eval_usage[] =
    "Usage: aslc eval [--query-language jsonpath|intrinsic|jsonata] EXPRESSION [--data FILE|JSON|-]\n"
    "       aslc eval --batch [OPTIONS]\n"
    "\n"
    "Evaluates EXPRESSION on the data and prints the JSON it gives; nothing when a path finds nothing.\n"
    "Without --query-language: an intrinsic function when it begins with States., JSONata when it is\n"
    "written as {% … %}, else JSONPath.\n"
    "\n"
    "JSONata:\n"
    "  --step-functions        the service's dialect: the data is $states, its limits hold (as in {% … %})\n"
    "  --engine jit|interpret  compile the expression, or walk its plan (default interpret)\n"
    "  --explain               print the types inferred, the plan and the LLVM IR\n"
    "  --batch                 requests on standard input, a JSON object a line, outcomes on standard output\n";

struct command_line {
    aslc_options options;
    VEC(aslc_define) defines;
    VEC(asl_bind) binds;
    VEC(const char *) inputs; /* definitions, or for build: further link inputs too */
    VEC(const char *) link_inputs;
    VEC(char *) rest;         /* run options */
    const char *output, *emit, *format, *language, *data, *engine;
    bool shared, static_link, strip, verbose, unbound, references;
    bool batch, explain, step_functions;
    bool run_command; // run, interpret: a command of the workflow's own was named
    int colour; /* -1: auto */
    struct arena *arena;
};

static int complain(const char *command, const char *format, const char *what) {
    fputs("aslc", stderr);
    if (command)
        fprintf(stderr, " %s", command);
    fputs(": ", stderr);
    fprintf(stderr, format, what); // every format is a literal of ours with one %s
    fputc('\n', stderr);
    if (command)
        fprintf(stderr, "Try 'aslc help %s'.\n", command);
    return BAD;
}

// ---------------------------------------------------------------- options

// --name VALUE, --name=VALUE. 1 taken, 0 another option, -1 its value is missing.
static int valued(const char *name, int argc, char **argv, int *i, const char **value) {
    size_t n = strlen(name);
    if (strncmp(argv[*i], name, n) != 0)
        return 0;
    if (argv[*i][n] == '=') {
        *value = argv[*i] + n + 1;
        return 1;
    }
    if (argv[*i][n] != '\0')
        return 0;
    if (*i + 1 >= argc)
        return -1;
    *value = argv[++*i];
    return 1;
}

// -lLIB and -l LIB.
static int attached(const char *name, int argc, char **argv, int *i, const char **value) {
    if (strncmp(argv[*i], name, 2) != 0)
        return 0;
    if (argv[*i][2]) {
        *value = argv[*i] + 2;
        return 1;
    }
    if (*i + 1 >= argc)
        return -1;
    *value = argv[++*i];
    return 1;
}

static int add_define(struct command_line *c, const char *command, const char *text) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return complain(command, "-D takes NAME=VALUE, not \"%s\"", text);
    aslc_define *d = vec_push(c->arena, &c->defines);
    d->name = arena_copy(c->arena, text, (size_t)(equals - text));
    d->value = equals + 1;
    return OK;
}

static int add_definitions(struct command_line *c, const char *path) {
    aslc_define *defines;
    size_t count;
    if (driver_definitions(c->arena, path, &defines, &count) < 0)
        return BAD;
    for (size_t i = 0; i < count; i++)
        *vec_push(c->arena, &c->defines) = defines[i];
    return OK;
}

static int add_bind(struct command_line *c, const char *command, const char *text) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return complain(command, "--bind takes PATTERN=HANDLER, not \"%s\"", text);
    asl_bind *b = vec_push(c->arena, &c->binds);
    b->pattern = arena_copy(c->arena, text, (size_t)(equals - text));
    b->handler = equals + 1;
    return OK;
}

static int set_type(struct command_line *c, const char *command, const char *type) {
    c->options.express = strcmp(type, "express") == 0;
    if (!c->options.express && strcmp(type, "standard") != 0)
        return complain(command, "--type is standard or express, not \"%s\"", type);
    return OK;
}

static int set_colour(struct command_line *c, const char *command, const char *when) {
    c->colour = strcmp(when, "always") == 0 ? 1 : strcmp(when, "never") == 0 ? 0 : -1;
    if (c->colour < 0 && strcmp(when, "auto") != 0)
        return complain(command, "--color is auto, always or never, not \"%s\"", when);
    return OK;
}

static int set_dump_after(struct command_line *c, const char *command, const char *pass) {
    c->options.dump_after = pass;
    if (!driver_has_pass(pass, false))
        return complain(command, "--dump-after %s",
                        arena_format(c->arena, "is %s, not \"%s\"", driver_passes(c->arena), pass));
    return OK;
}

static int leave_out(struct command_line *c, const char *command, const char *pass) {
    if (!driver_has_pass(pass, true))
        return complain(command, "-fno-%s: there is no such pass", pass);
    c->options.without = arena_format(c->arena, "%s%s,", c->options.without ? c->options.without : "", pass);
    return OK;
}

// Options that every command which reads a definition has. 1 taken, 0 another, -1 after a complaint.
static int common_option(struct command_line *c, const char *command, int argc, char **argv, int *i) {
    const char *value = NULL;
    int got, rc = OK;
    if ((got = attached("-D", argc, argv, i, &value)) > 0)
        rc = add_define(c, command, value);
    else if (got == 0 && (got = valued("--definitions", argc, argv, i, &value)) > 0)
        rc = add_definitions(c, value);
    else if (got == 0 && (got = valued("--color", argc, argv, i, &value)) > 0)
        rc = set_colour(c, command, value);
    else if (got == 0 && (got = valued("--dump-after", argc, argv, i, &value)) > 0)
        rc = set_dump_after(c, command, value);
    else if (got == 0 && strncmp(argv[*i], "-fno-", 5) == 0)
        rc = leave_out(c, command, argv[*i] + 5), got = 1;
    else if (got == 0 && strncmp(argv[*i], "-O", 2) == 0 && argv[*i][2] >= '0' && argv[*i][2] <= '3' && !argv[*i][3])
        c->options.optimise = argv[*i][2] - '0', got = 1;
    if (got < 0) {
        complain(command, "%s needs a value", argv[*i]);
        return -1;
    }
    return rc == OK ? got : -1;
}

static bool is_object_file(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot && (strcmp(dot, ".o") == 0 || strcmp(dot, ".a") == 0 || strcmp(dot, ".so") == 0);
}

static int parse(struct command_line *c, const char *command, int argc, char **argv) {
    bool build = strcmp(command, "build") == 0, eval = strcmp(command, "eval") == 0;
    bool options = true;
    for (int i = 0; i < argc; i++) {
        const char *value = NULL;
        int got = options ? common_option(c, command, argc, argv, &i) : 0;
        if (got < 0)
            return BAD;
        if (got > 0)
            continue;
        if (!options || argv[i][0] != '-' || argv[i][1] == '\0') {
            if (build && is_object_file(argv[i]))
                *vec_push(c->arena, &c->link_inputs) = argv[i];
            else
                *vec_push(c->arena, &c->inputs) = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            options = false;
        } else if ((got = valued("--type", argc, argv, &i, &value)) != 0) {
            if (got > 0 && set_type(c, command, value) != OK)
                return BAD;
        } else if (build && strcmp(argv[i], "--shared") == 0) {
            c->shared = true;
        } else if (build && strcmp(argv[i], "--static") == 0) {
            c->static_link = true;
        } else if (build && strcmp(argv[i], "--unbound") == 0) {
            c->unbound = true;
        } else if (build && strcmp(argv[i], "-s") == 0) {
            c->strip = true;
        } else if (build && strcmp(argv[i], "-v") == 0) {
            c->verbose = true;
        } else if (build && (got = valued("--emit", argc, argv, &i, &value)) != 0) {
            c->emit = value;
        } else if (build && (got = valued("--name", argc, argv, &i, &value)) != 0) {
            c->options.name = value;
        } else if (build && (got = valued("--bind", argc, argv, &i, &value)) != 0) {
            if (got > 0 && add_bind(c, command, value) != OK)
                return BAD;
        } else if (build && (got = attached("-o", argc, argv, &i, &value)) != 0) {
            c->output = value;
        } else if (build && (got = attached("-l", argc, argv, &i, &value)) != 0) {
            if (got > 0)
                *vec_push(c->arena, &c->link_inputs) = arena_format(c->arena, "-l%s", value);
        } else if (build && (got = attached("-L", argc, argv, &i, &value)) != 0) {
            if (got > 0)
                *vec_push(c->arena, &c->link_inputs) = arena_format(c->arena, "-L%s", value);
        } else if (!build && !eval && strcmp(argv[i], "--references") == 0) {
            c->references = true;
        } else if (!build && !eval && (got = valued("--format", argc, argv, &i, &value)) != 0) {
            c->format = value;
        } else if (eval && (got = valued("--query-language", argc, argv, &i, &value)) != 0) {
            c->language = value;
        } else if (eval && (got = valued("--data", argc, argv, &i, &value)) != 0) {
            c->data = value;
        } else if (eval && (got = valued("--engine", argc, argv, &i, &value)) != 0) {
            c->engine = value;
        } else if (eval && strcmp(argv[i], "--interpret") == 0) {
            c->engine = "interpret";
        } else if (eval && strcmp(argv[i], "--batch") == 0) {
            c->batch = true;
        } else if (eval && strcmp(argv[i], "--explain") == 0) {
            c->explain = true;
        } else if (eval && strcmp(argv[i], "--step-functions") == 0) {
            c->step_functions = true;
        } else {
            return complain(command, "there is no option %s", argv[i]);
        }
        if (got < 0)
            return complain(command, "%s needs a value", argv[i]);
    }
    return OK;
}

static void finish_options(struct command_line *c) {
    c->options.defines = c->defines.items;
    c->options.define_count = c->defines.count;
    c->options.binds = c->binds.items;
    c->options.bind_count = c->binds.count;
}

static bool colour(const struct command_line *c) {
    return c->colour >= 0 ? c->colour : isatty(STDERR_FILENO) && !getenv("NO_COLOR");
}

// A compiled unit without errors, or NULL after everything has been said.
static struct aslc_unit *compile(struct command_line *c, const char *path) {
    const char *message = NULL;
    finish_options(c);
    struct aslc_unit *u = driver_compile(path, NULL, &c->options, false, &message);
    if (!u) {
        complain(NULL, "%s", message);
        return NULL;
    }
    diag_print(&u->diag, DIAG_TEXT, colour(c), stderr);
    if (u->plan)
        return u;
    aslc_unit_free(u);
    return NULL;
}

static int one_input(const struct command_line *c, const char *command) {
    if (c->inputs.count == 0)
        return complain(command, "%s", "which definition? Name a file, or - for standard input");
    if (c->inputs.count > 1)
        return complain(command, "one definition at a time; what is \"%s\"?", c->inputs.items[1]);
    return OK;
}

// ---------------------------------------------------------------- build

static const struct { const char *name, *suffix; enum aslc_emit what; } emits[] = {
    {"plan", ".plan", ASLC_EMIT_PLAN}, {"ir", ".ll", ASLC_EMIT_IR},      {"bc", ".bc", ASLC_EMIT_BITCODE},
    {"asm", ".s", ASLC_EMIT_ASM},      {"obj", ".o", ASLC_EMIT_OBJECT},
};

static int unserved(const struct aslc_unit *u) {
    const struct ast_state *s = driver_unserved(u);
    if (!s)
        return OK;
    uint32_t line, column;
    asl_doc *resource = asl_doc_get(s->node, "Resource");
    source_position(u->source, resource->span.start, &line, &column);
    fprintf(stderr, "%s:%u:%u: error: nothing can serve the resource \"%s\" of state \"%s\"\n", u->source->path, line,
            column, s->u.task.resource, s->name);
    fprintf(stderr, "help: bind it with --bind '%s=exec:COMMAND', or say --unbound and bind it at run time\n",
            s->u.task.resource);
    return BAD;
}

// A handler that nobody will find at run time either is a slip; --unbound is for programs that bring schemes of their own.
static int bad_handlers(const struct command_line *c) {
    for (size_t i = 0; i < c->binds.count; i++) {
        const asl_bind *b = &c->binds.items[i];
        struct asl__ffi_signature signature;
        char message[512];
        if (!driver_knows_handler(b->handler)) {
            fprintf(stderr, "aslc build: %s=%s: there is no such handler; see aslc help build\n", b->pattern, b->handler);
            return BAD;
        }
        if (strncmp(b->handler, "ffi:", 4) == 0 &&
            asl__ffi_parse(asl_str_z(b->handler + 4), &signature, message, sizeof message) < 0)
            return complain("build", "%s", message);
    }
    return OK;
}

static int build(struct command_line *c) {
    int rc = one_input(c, "build");
    if (rc != OK)
        return rc;
    enum aslc_emit what = c->shared ? ASLC_EMIT_SHARED : ASLC_EMIT_EXECUTABLE;
    const char *suffix = "";
    if (c->emit) {
        size_t i = 0;
        while (i < sizeof emits / sizeof *emits && strcmp(emits[i].name, c->emit) != 0)
            i++;
        if (i == sizeof emits / sizeof *emits)
            return complain("build", "--emit is plan, ir, bc, asm or obj, not \"%s\"", c->emit);
        what = emits[i].what;
        suffix = emits[i].suffix;
    }
    struct aslc_unit *u = compile(c, c->inputs.items[0]);
    if (!u)
        return BAD;
    bool links = what == ASLC_EMIT_EXECUTABLE || what == ASLC_EMIT_SHARED;
    if (links && !c->unbound && (bad_handlers(c) != OK || unserved(u) != OK)) {
        aslc_unit_free(u);
        return BAD;
    }
    const char *output = c->output;
    if (!output)
        output = what == ASLC_EMIT_SHARED ? arena_format(c->arena, "lib%s.so", u->name)
                                          : arena_format(c->arena, "%s%s%s", links ? "./" : "", u->name, suffix);
    if (what == ASLC_EMIT_PLAN) {
        const char *message;
        rc = aslc_emit(u, what, output, &message) < 0 ? complain(NULL, "%s", message) : OK;
    } else {
        struct emit_options options = {.optimise = c->options.optimise,
                                       .debug = true,
                                       .shared = c->shared,
                                       .static_link = c->static_link,
                                       .strip = c->strip,
                                       .verbose = c->verbose,
                                       .link_inputs = c->link_inputs.items,
                                       .link_input_count = c->link_inputs.count};
        rc = emit_file(u->plan, what, &options, output, u->message, sizeof u->message) < 0 ? complain(NULL, "%s", u->message)
                                                                                            : OK;
    }
    aslc_unit_free(u);
    return rc == OK ? OK : FAILED;
}

// ---------------------------------------------------------------- run, interpret

static int unknown_run_option(const char *command, const char *option) {
    const char *names[64];
    size_t count = 0;
    for (const char *const *o = asl__run_valued_options; *o; o++)
        names[count++] = *o;
    for (const char *const *o = asl__run_flag_options; *o; o++)
        names[count++] = *o;
    const char *near = diag_nearest(option, names, count);
    complain(NULL, "there is no option %s", option);
    fprintf(stderr, near ? "Did you mean \"%s\"?\n" : "Try 'aslc help %s'.\n", near ? near : command);
    return BAD;
}

// The definition is the first word that is neither an option nor an option's value; what is ours is taken out, the rest is
// for the runtime.
static int split_run(struct command_line *c, const char *command, int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        const char *value = NULL;
        int got = common_option(c, command, argc, argv, &i);
        if (got < 0)
            return BAD;
        if (got > 0)
            continue;
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            // What follows the definition is a command of it: aslc run order.asl.json list
            bool known = c->run_command;
            for (const char *const *o = asl__run_commands; c->inputs.count && *o && !known; o++)
                known = strcmp(*o, argv[i]) == 0;
            if (c->inputs.count && !known)
                return complain(command, "one definition at a time; what is \"%s\"?", argv[i]);
            c->run_command = known;
            if (known)
                *vec_push(c->arena, &c->rest) = argv[i];
            else
                *vec_push(c->arena, &c->inputs) = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--profile") == 0) {
            c->options.profile = true;
            continue;
        }
        int at = i;
        if ((got = valued("--type", argc, argv, &i, &value)) > 0 && set_type(c, command, value) != OK)
            return BAD;
        for (const char *const *o = asl__run_valued_options; got == 0 && *o; o++)
            got = valued(*o, argc, argv, &i, &value);
        for (const char *const *o = asl__run_flag_options; got == 0 && *o; o++)
            got = strcmp(*o, argv[i]) == 0;
        if (got < 0)
            return complain(command, "%s needs a value", argv[i]);
        if (got == 0)
            return unknown_run_option(command, argv[i]);
        for (; at <= i; at++)
            *vec_push(c->arena, &c->rest) = argv[at];
    }
    return OK;
}

static int run(struct command_line *c, const char *command, int argc, char **argv) {
    int rc = split_run(c, command, argc, argv);
    if (rc != OK || (rc = one_input(c, command)) != OK)
        return rc;
    bool interpreted = strcmp(command, "interpret") == 0;
    if (interpreted)
        c->options.optimise = 0; // the baseline walks the plan as it was lowered
    struct aslc_unit *u = compile(c, c->inputs.items[0]);
    if (!u)
        return BAD;
    const char *message = NULL;
    const asl_program *program = interpreted ? aslc_interpret(u) : aslc_jit(u, &message);
    if (program && u->profile) {
        setenv("ASLC_THREADS", "1", 1); // what is done by other threads would not be counted
        profile_begin(u->profile);
    }
    if (!program)
        rc = complain(NULL, "%s", message);
    else
        rc = asl__run_main(program, u->name, (int)c->rest.count, c->rest.items);
    if (program && u->profile)
        profile_print(u->profile, u->source, stderr);
    aslc_unit_free(u);
    return rc;
}

// ---------------------------------------------------------------- check

static void print_references(const struct aslc_unit *u) {
    asl_buffer out = {0};
    asl_buffer_z(&out, "{\"file\":");
    asl_json_print_string(asl_str_z(u->source->path), &out);
    asl_buffer_z(&out, ",\"variableReferences\":");
    if (u->ast)
        ast_references(u->arena, u->ast, &out);
    else
        asl_buffer_z(&out, "{}");
    asl_buffer_z(&out, "}\n");
    fwrite(out.data, 1, out.size, stdout);
    asl_buffer_free(&out);
}

static int check(struct command_line *c) {
    static const char *const formats[] = {"text", "json", "sarif"};
    enum diag_format format = DIAG_TEXT;
    if (c->format) {
        size_t i = 0;
        while (i < 3 && strcmp(formats[i], c->format) != 0)
            i++;
        if (i == 3)
            return complain("check", "--format is text, json or sarif, not \"%s\"", c->format);
        format = (enum diag_format)i;
    }
    if (c->inputs.count == 0)
        return one_input(c, "check");
    finish_options(c);
    c->options.lenient = true;
    struct aslc_unit **units = arena_alloc(c->arena, c->inputs.count * sizeof(void *));
    const struct diag **all = arena_alloc(c->arena, c->inputs.count * sizeof(void *));
    size_t count = 0, errors = 0, warnings = 0;
    bool unreadable = false;
    for (size_t i = 0; i < c->inputs.count; i++) {
        const char *message = NULL;
        struct aslc_unit *u = driver_compile(c->inputs.items[i], NULL, &c->options, true, &message);
        if (!u) {
            complain(NULL, "%s", message);
            unreadable = true;
            continue;
        }
        errors += u->diag.errors;
        warnings += u->diag.warnings;
        units[count] = u;
        all[count++] = &u->diag;
    }
    diag_print_all(all, count, format, format == DIAG_TEXT && colour(c), format == DIAG_TEXT ? stderr : stdout);
    if (format == DIAG_TEXT && (errors || warnings))
        fprintf(stderr, "%zu error%s, %zu warning%s\n", errors, errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
    for (size_t i = 0; i < count && c->references; i++)
        print_references(units[i]);
    for (size_t i = 0; i < count; i++)
        aslc_unit_free(units[i]);
    return errors || unreadable ? BAD : OK;
}

// ---------------------------------------------------------------- eval

static bool is_json_text(const char *text) { return strchr("{[\"", text[0]) != NULL; }

// The bytes of --data: JSON itself, or of the file it names.
static int data_text(struct command_line *c, asl_str *bytes) {
    const char *message = NULL;
    *bytes = asl_str_z(c->data);
    if (is_json_text(c->data))
        return OK;
    struct source *s = source_read(c->arena, c->data, &message);
    if (!s)
        return complain(NULL, "%s", message);
    *bytes = s->file;
    return OK;
}

static int read_data(struct command_line *c, asl_value *data) {
    const char *text = c->data ? c->data : "{}", *message = NULL;
    bool is_json = !c->data || strchr("{[\"", text[0]);
    asl_str bytes = asl_str_z(text);
    if (!is_json) {
        struct source *s = source_read(c->arena, text, &message);
        if (!s)
            return complain(NULL, "%s", message);
        bytes = s->file;
    }
    asl_json_error error;
    if (asl_json_parse(bytes, NULL, data, &error) == 0)
        return OK;
    fprintf(stderr, "%s:%u:%u: error: %s\n", is_json ? "--data" : text, error.line, error.column, error.message);
    return BAD;
}

static int print_value(const asl_value *v) {
    asl_buffer out = {0};
    asl_json_print(v, &out);
    asl_buffer_byte(&out, '\n');
    bool written = fwrite(out.data, 1, out.size, stdout) == out.size && fflush(stdout) == 0;
    asl_buffer_free(&out);
    return written ? OK : complain(NULL, "cannot write: %s", strerror(errno));
}

static void point_at(const char *expression, size_t offset, const char *message) {
    fprintf(stderr, "expression:1:%zu: error: %s\n    %s\n    %*s^\n", offset + 1, message, expression, (int)offset, "");
}

static int eval_path(struct command_line *c, const char *expression) {
    asl_value data;
    if (read_data(c, &data) != OK)
        return BAD;
    asl_path_error error;
    asl_path *path = asl_path_parse(asl_str_z(expression), &error);
    int rc = BAD;
    if (!path) {
        point_at(expression, error.offset, error.message);
    } else if (asl_path_root_of(path) != ASL_ROOT_INPUT) {
        point_at(expression, 0, "there is no Context object and there are no variables here: begin with \"$.\"");
    } else {
        asl_value found = asl_path_get(path, &data);
        rc = found.tag == ASL_NONE ? OK : print_value(&found);
        asl_release(found);
    }
    asl_path_free(path);
    asl_release(data);
    return rc;
}

// An intrinsic call is evaluated as the one field of a workflow of one state.
static int eval_intrinsic(struct command_line *c, const char *expression) {
    asl_value data;
    if (read_data(c, &data) != OK)
        return BAD;
    static const char before[] = "{\"StartAt\":\"eval\",\"States\":{\"eval\":{\"Type\":\"Pass\",\"Parameters\":{\"value.$\":";
    asl_buffer text = {0};
    asl_buffer_z(&text, before);
    asl_json_print_string(asl_str_z(expression), &text);
    asl_buffer_z(&text, "},\"OutputPath\":\"$.value\",\"End\":true}}}");
    const char *message = NULL;
    struct aslc_unit *u = driver_compile("expression", &(asl_str){text.data, text.size}, &c->options, false, &message);
    int rc = BAD;
    for (size_t i = 0; i < u->diag.messages.count; i++) {
        const struct diag_message *m = &u->diag.messages.items[i];
        size_t start = m->span.start > sizeof before ? m->span.start - sizeof before : 0;
        if (m->severity == DIAG_ERROR)
            point_at(expression, start < strlen(expression) ? start : 0, m->text);
    }
    const asl_program *program = u->plan ? aslc_jit(u, &message) : NULL;
    char why[256];
    asl_engine_options options = {.virtual_clock = true};
    asl_engine *engine = program ? asl_engine_new(program, &options, why, sizeof why) : NULL;
    if (engine) {
        asl_execution *x = asl_execution_start(engine, data, NULL);
        data = asl_none();
        while (asl_engine_run(engine, ASL_RUN_DEFAULT) > 0) {
        }
        if (asl_execution_status(x) == ASL_SUCCEEDED) {
            rc = print_value(asl_execution_output(x));
        } else {
            asl_str error = asl_text_of(asl_execution_error(x)), cause = asl_text_of(asl_execution_cause(x));
            fprintf(stderr, "%.*s: %.*s\n", (int)error.size, error.data, (int)cause.size, cause.data);
            rc = FAILED;
        }
        asl_execution_free(x);
        asl_engine_free(engine);
    } else if (u->plan) {
        rc = complain(NULL, "%s", program ? why : message);
    }
    asl_release(data);
    aslc_unit_free(u);
    asl_buffer_free(&text);
    return rc;
}

// {% … %} is the service's way to write JSONata.
static asl_str jsonata_source(struct command_line *c, const char *expression) {
    asl_str source = asl_str_z(expression);
    if (source.size < 4 || memcmp(source.data, "{%", 2) != 0 || memcmp(source.data + source.size - 2, "%}", 2) != 0)
        return source;
    c->step_functions = true;
    return (asl_str){source.data + 2, source.size - 4};
}

static int eval_with_jsonata(struct command_line *c, const char *expression) {
    struct eval_options o = {.explain = c->explain, .optimise = c->options.optimise, .data_name = "--data"};
    if (c->engine && strcmp(c->engine, "jit") != 0 && strcmp(c->engine, "interpret") != 0)
        return complain("eval", "--engine is jit or interpret, not \"%s\"", c->engine);
    o.jit = c->engine && strcmp(c->engine, "jit") == 0;
    asl_str source = expression ? jsonata_source(c, expression) : ASL_STR("");
    o.step_functions = c->step_functions;
    if (!expression)
        return eval_batch(&o);
    if (c->data && data_text(c, &o.data) != OK)
        return BAD;
    if (c->data && !is_json_text(c->data))
        o.data_name = c->data;
    return eval_jsonata(c->arena, source, &o);
}

static int eval(struct command_line *c) {
    if (c->batch && (!c->language || strcmp(c->language, "jsonata") == 0))
        return c->inputs.count ? complain("eval", "%s", "--batch reads its expressions from standard input") : eval_with_jsonata(c, NULL);
    if (c->inputs.count != 1)
        return complain("eval", "%s", "which expression? Put it in quotes: '$.orders[0].id'");
    const char *expression = c->inputs.items[0], *language = c->language;
    if (!language)
        language = strncmp(expression, "States.", 7) == 0 ? "intrinsic" : strncmp(expression, "{%", 2) == 0 ? "jsonata" : "jsonpath";
    if (strcmp(language, "jsonpath") == 0)
        return eval_path(c, expression);
    if (strcmp(language, "intrinsic") == 0)
        return eval_intrinsic(c, expression);
    if (strcmp(language, "jsonata") == 0)
        return eval_with_jsonata(c, expression);
    return complain("eval", "--query-language is jsonpath, intrinsic or jsonata, not \"%s\"", language);
}

// ---------------------------------------------------------------- commands

// Commands with a file of their own.
static const struct {
    const char *name, *usage;
    int (*main)(int argc, char **argv);
} commands[] = {
    {"replay", replay_usage, cmd_replay}, {"mocks", mocks_usage, cmd_mocks}, {"bench", bench_usage, bench_main},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int help(const char *command) {
    for (size_t i = 0; command && i < COMMANDS; i++)
        if (strcmp(command, commands[i].name) == 0) {
            fputs(commands[i].usage, stdout);
            return fflush(stdout) == 0 ? OK : FAILED;
        }
    if (!command)
        fputs(usage, stdout);
    else if (strcmp(command, "build") == 0)
        fputs(build_usage, stdout);
    else if (strcmp(command, "run") == 0 || strcmp(command, "interpret") == 0) {
        fputs(run_usage, stdout);
        fputs(asl__run_usage, stdout);
    } else if (strcmp(command, "check") == 0)
        fputs(check_usage, stdout);
    else if (strcmp(command, "eval") == 0)
        fputs(eval_usage, stdout);
    else
        return complain(NULL, "there is no command \"%s\"; see aslc --help", command);
    return fflush(stdout) == 0 ? OK : FAILED;
}

static int dispatch(struct command_line *c, int argc, char **argv) {
    if (argc < 2) {
        fputs(usage, stderr);
        return BAD;
    }
    const char *command = argv[1];
    argc -= 2;
    argv += 2;
    if (strcmp(command, "--version") == 0) {
        puts("aslc " ASLC_VERSION);
        return OK;
    }
    if (strcmp(command, "help") == 0 || strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0)
        return help(argc ? argv[0] : NULL);
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return help(command);
    if (strcmp(command, "run") == 0 || strcmp(command, "interpret") == 0)
        return run(c, command, argc, argv);
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(command, commands[i].name) == 0)
            return commands[i].main(argc, argv);
    static const char *const later[] = {"graph", "cost"};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (strcmp(command, later[i]) == 0)
            return complain(NULL, "the command %s is not in this version yet", command);
    bool is_build = strcmp(command, "build") == 0, is_check = strcmp(command, "check") == 0;
    if (!is_build && !is_check && strcmp(command, "eval") != 0) {
        static const char *const names[] = {"build", "run", "interpret", "check", "eval", "replay", "mocks", "bench", "help"};
        const char *near = diag_nearest(command, names, sizeof names / sizeof *names);
        complain(NULL, "there is no command \"%s\"", command);
        fprintf(stderr, near ? "Did you mean \"%s\"?\n" : "See aslc --help.\n", near);
        return BAD;
    }
    int rc = parse(c, command, argc, argv);
    if (rc != OK)
        return rc;
    return is_build ? build(c) : is_check ? check(c) : eval(c);
}

int main(int argc, char **argv) {
    struct command_line c = {.options = {.optimise = 2}, .colour = -1, .arena = arena_new()};
    int rc = dispatch(&c, argc, argv);
    arena_free(c.arena);
    return rc;
}
