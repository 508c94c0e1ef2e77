// The pipeline: one place that lists the phases in order and hides nothing.
//
//     source   read, placeholders filled in            source.c
//     read     JSON with spans, shape, meaning          runtime/doc.c, parse.c, query/, check.c
//     lower    plan                                     lower/
//     thread   jumps                                    opt/thread.c
//     quiet    machines for executions nobody watches   opt/quiet.c
//     shape    objects taken apart, numbers unboxed     opt/shape/
//     slots    copies, last uses                        opt/slots.c
//     views    what is only looked at                   opt/views.c
//     pack     fewer slots                              opt/pack.c
//     profile  only with --profile: places counted      profile.c
//     emit     LLVM                                     emit/, link.c
//
// The plan is verified after every pass. -fno-NAME leaves a pass out.
#include "driver.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aslc/doc.h"
#include "aslc/handler.h"
#include "profile.h"

static const asl_handler *const all_handlers[] = {&asl_handler_exec,   &asl_handler_worker, &asl_handler_ffi,
                                                  &asl_handler_fail,   &asl_handler_return, &asl_handler_mock,
                                                  NULL};

// ---------------------------------------------------------------- names and definitions

const char *driver_name(struct arena *a, const char *path) {
    static const char *const suffixes[] = {".json", ".asl"};
    const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path;
    size_t size = strlen(from);
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(suffixes[i]);
        if (size > n && memcmp(from + size - n, suffixes[i], n) == 0)
            size -= n;
    }
    if (size == 0 || strcmp(path, "-") == 0)
        return "workflow";
    return arena_copy(a, from, size);
}

struct reporter {
    asl_str text;
    const char *path;
};

static void report_definitions(void *user, asl_span where, const char *message, const char *help) {
    const struct reporter *r = user;
    uint32_t line, column;
    asl_doc_position(r->text, where.start, &line, &column);
    fprintf(stderr, "%s:%u:%u: error: %s\n", r->path, line, column, message);
    if (help)
        fprintf(stderr, "help: %s\n", help);
}

int driver_definitions(struct arena *a, const char *path, aslc_define **defines, size_t *count) {
    const char *message;
    struct source *s = source_read(a, path, &message);
    if (!s) {
        fprintf(stderr, "aslc: %s\n", message);
        return -1;
    }
    struct reporter r = {s->file, path};
    size_t errors = 0;
    asl_doc_tree *tree = asl_doc_read(s->file, report_definitions, report_definitions, &r, &errors);
    const asl_doc *root = tree ? asl_doc_root(tree) : NULL;
    if (errors || !root || root->kind != ASL_DOC_OBJECT) {
        if (!errors)
            fprintf(stderr, "%s:1:1: error: expected an object of names and values: {\"Name\": \"value\"}\n", path);
        asl_doc_free(tree);
        return -1;
    }
    *defines = arena_alloc(a, (root->count + 1) * sizeof **defines);
    *count = 0;
    for (const asl_doc *n = root->first; n; n = n->next) {
        aslc_define *d = &(*defines)[(*count)++];
        d->name = arena_copy(a, n->key.data, n->key.size);
        if (n->kind == ASL_DOC_STRING) {
            d->value = arena_copy(a, n->text.data, n->text.size);
            continue;
        }
        asl_value v = asl_doc_value(n);
        asl_buffer b = {0};
        asl_json_print(&v, &b);
        d->value = arena_copy(a, b.data, b.size);
        asl_buffer_free(&b);
        asl_release(v);
    }
    asl_doc_free(tree);
    return 0;
}

static const char *hash(struct arena *a, asl_str text) {
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    char hex[2 * SHA256_DIGEST_SIZE + 1];
    sha256_init(&context);
    sha256_update(&context, text.size, (const uint8_t *)text.data);
    sha256_digest(&context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return arena_copy(a, hex, 2 * sizeof digest);
}

// ---------------------------------------------------------------- reading

static bool ends_with(const char *text, const char *suffix) {
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && strcmp(text + n - m, suffix) == 0;
}

static void expand(struct aslc_unit *u, const aslc_options *o) {
    struct definition *definitions = arena_alloc(u->arena, (o->define_count + 1) * sizeof *definitions);
    for (size_t i = 0; i < o->define_count; i++)
        definitions[i] = (struct definition){o->defines[i].name, o->defines[i].value, false};
    source_expand(u->source, definitions, o->define_count);
    for (size_t i = 0; i < o->define_count; i++)
        if (!definitions[i].used)
            diag_warning(&u->diag, DIAG_UNUSED_DEFINE, NULL, (asl_span){0, 0}, "there is no placeholder ${%s} to fill in",
                         definitions[i].name);
}

// ---------------------------------------------------------------- the plan

static void broken_pass(const char *pass, const char *why) {
    fprintf(stderr, "aslc: internal error: after %s the plan is broken: %s\n", pass, why);
    abort();
}

static const struct pass {
    const char *name;
    void (*run)(struct ir_plan *p);
} passes[] = {
    {"thread", opt_thread},
    {"quiet", opt_quiet},
    {"shape", opt_shape},
    {"slots", opt_slots},
    {"views", opt_views},
    {"pack", opt_pack},
};
enum { PASSES = sizeof passes / sizeof *passes };

bool driver_has_pass(const char *name, bool optional) {
    for (size_t i = 0; i < PASSES; i++)
        if (strcmp(passes[i].name, name) == 0)
            return true;
    return !optional && (strcmp(name, "lower") == 0 || strcmp(name, "profile") == 0);
}

const char *driver_passes(struct arena *a) {
    const char *list = "lower";
    for (size_t i = 0; i < PASSES; i++)
        list = arena_format(a, "%s%s%s", list, i + 1 == PASSES ? " or " : ", ", passes[i].name);
    return list;
}

// `without` is the names of passes, each followed by a comma.
static bool is_off(const char *without, const char *name) {
    size_t size = strlen(name);
    for (const char *at = without; at && *at; at = strchr(at, ',') + 1)
        if (strncmp(at, name, size) == 0 && at[size] == ',')
            return true;
    return false;
}

static void after_pass(const struct aslc_unit *u, struct ir_plan *p, const char *pass) {
    const char *why = ir_verify(p);
    if (why)
        broken_pass(pass, why);
    if (u->dump_after && strcmp(u->dump_after, pass) == 0) {
        asl_buffer text = {0};
        ir_print(p, &text);
        fwrite(text.data, 1, text.size, stderr);
        asl_buffer_free(&text);
    }
}

static void add_bindings(struct aslc_unit *u, struct ir_plan *p) {
    for (size_t i = 0; i < u->bind_count; i++) {
        asl_buffer json = {0};
        asl_buffer_z(&json, "{\"pattern\":");
        asl_json_print_string(asl_str_z(u->binds[i].pattern), &json);
        asl_buffer_z(&json, ",\"handler\":");
        asl_json_print_string(asl_str_z(u->binds[i].handler), &json);
        asl_buffer_byte(&json, '}');
        *vec_push(u->arena, &p->bindings) = arena_copy(u->arena, json.data, json.size);
        asl_buffer_free(&json);
    }
}

// A file that ends in .plan holds a plan's text instead of a definition: what --emit=plan printed, perhaps cut down by
// hand to take a bug apart.
static struct ir_plan *read_plan(struct aslc_unit *u) {
    char why[256];
    struct ir_plan *p = ir_parse(u->arena, u->source->text, why, sizeof why);
    const char *broken = p ? ir_verify(p) : why;
    if (broken)
        diag_error(&u->diag, DIAG_SYNTAX, NULL, (asl_span){0, 0}, "%s", broken);
    return broken ? NULL : p;
}

static struct ir_plan *make_plan(struct aslc_unit *u, bool optimise) {
    struct ir_plan *p;
    if (u->ast) {
        p = lower(u->arena, u->ast, u->source);
        p->definition_hash = hash(u->arena, u->source->text);
    } else if (!(p = read_plan(u))) {
        return NULL;
    }
    p->source_path = u->source->path;
    if (u->ast)
        p->source_text = u->source->text;
    add_bindings(u, p);
    after_pass(u, p, "lower");
    for (size_t i = 0; optimise && i < PASSES; i++) {
        if (is_off(u->without, passes[i].name))
            continue;
        passes[i].run(p);
        after_pass(u, p, passes[i].name);
    }
    if (u->profiled) {
        u->profile = profile_plan(p);
        after_pass(u, p, "profile");
    }
    return p;
}

// ---------------------------------------------------------------- the pipeline

struct aslc_unit *driver_compile(const char *path, const asl_str *text, const aslc_options *o, bool check_only,
                                 const char **message) {
    struct arena *a = arena_new();
    struct source *source = text ? source_from_text(a, path, *text) : source_read(a, path, message);
    if (!source) {
        static _Thread_local char kept[512]; // the arena that holds the message goes
        snprintf(kept, sizeof kept, "%s", *message);
        *message = kept;
        arena_free(a);
        return NULL;
    }
    struct aslc_unit *u = arena_alloc(a, sizeof *u);
    u->arena = a;
    u->source = source;
    u->optimise = o->optimise;
    u->dump_after = o->dump_after;
    u->without = o->without ? arena_copy(a, o->without, strlen(o->without)) : NULL;
    u->profiled = o->profile;
    asl_bind *binds = arena_alloc(a, (o->bind_count + 1) * sizeof *binds);
    for (size_t i = 0; i < o->bind_count; i++)
        binds[i] = (asl_bind){arena_copy(a, o->binds[i].pattern, strlen(o->binds[i].pattern)),
                              arena_copy(a, o->binds[i].handler, strlen(o->binds[i].handler))};
    u->binds = binds;
    u->bind_count = o->bind_count;
    diag_init(&u->diag, a, source, o->lenient);
    if (ends_with(path, ".plan")) {
        u->plan = make_plan(u, o->optimise > 0);
        u->name = u->plan ? u->plan->name : NULL;
        return u;
    }
    expand(u, o);
    u->ast = ast_read(a, &u->diag, source, o->express);
    if (!u->ast)
        return u;
    u->name = u->ast->name = o->name ? arena_copy(a, o->name, strlen(o->name)) : driver_name(a, path);
    if (u->diag.errors == 0 && !check_only && !u->ast->later_feature)
        u->plan = make_plan(u, o->optimise > 0);
    return u;
}

static bool pattern_matches(const char *pattern, const char *text) {
    const char *star = NULL, *from = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            from = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool driver_knows_handler(const char *handler) {
    for (size_t i = 0; all_handlers[i]; i++) {
        size_t n = strlen(all_handlers[i]->scheme);
        if (strncmp(handler, all_handlers[i]->scheme, n) == 0 && handler[n] == ':')
            return true;
    }
    return false;
}

const struct ast_state *driver_unserved(const struct aslc_unit *u) {
    for (size_t i = 0; u->ast && i < u->ast->all_count; i++) {
        const struct ast_state *s = u->ast->all[i];
        if (s->kind != STATE_TASK)
            continue;
        const char *resource = s->u.task.resource;
        bool served = strncmp(resource, "arn:", 4) == 0 || driver_knows_handler(resource);
        for (size_t b = 0; b < u->bind_count && !served; b++)
            served = pattern_matches(u->binds[b].pattern, resource);
        if (!served)
            return s;
    }
    return NULL;
}

// ---------------------------------------------------------------- the public API

aslc_unit *aslc_compile(const char *text, size_t size, const char *path, const aslc_options *options,
                        aslc_on_diagnostic *report, void *user) {
    static const aslc_options defaults = {.optimise = 2};
    const char *message = NULL;
    struct aslc_unit *u = driver_compile(path ? path : "<memory>", &(asl_str){text, size}, options ? options : &defaults,
                                         false, &message);
    for (size_t i = 0; report && i < u->diag.messages.count; i++) {
        const struct diag_message *m = &u->diag.messages.items[i];
        aslc_diagnostic d = {.severity = m->severity == DIAG_ERROR ? "error" : "warning",
                             .code = m->code,
                             .message = m->text,
                             .help = m->help,
                             .file = u->source->path,
                             .pointer = m->pointer};
        source_position(u->source, m->span.start, &d.line, &d.column);
        source_position(u->source, m->span.end, &d.end_line, &d.end_column);
        report(user, &d);
    }
    if (u->plan)
        return u;
    aslc_unit_free(u);
    return NULL;
}

void aslc_unit_free(aslc_unit *u) {
    if (!u)
        return;
    if (u->jit)
        emit_jit_free(u->jit);
    struct arena *a = u->arena;
    arena_free(a); // the unit itself lies in it
}

int aslc_emit(aslc_unit *u, enum aslc_emit what, const char *path, const char **message) {
    struct emit_options options = {.optimise = u->optimise, .debug = true, .shared = what == ASLC_EMIT_SHARED};
    *message = u->message;
    if (what == ASLC_EMIT_PLAN) {
        asl_buffer text = {0};
        ir_print(u->plan, &text);
        FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
        size_t written = f ? fwrite(text.data, 1, text.size, f) : 0;
        int rc = f && written == text.size ? 0 : -1;
        if (f && (f == stdout ? fflush(f) : fclose(f)) != 0)
            rc = -1;
        if (rc < 0)
            snprintf(u->message, sizeof u->message, "cannot write %s", path);
        asl_buffer_free(&text);
        return rc;
    }
    return emit_file(u->plan, what, &options, path, u->message, sizeof u->message);
}

const asl_program *aslc_jit(aslc_unit *u, const char **message) {
    struct emit_options options = {.optimise = u->optimise, .debug = true};
    *message = u->message;
    if (!u->jit)
        u->jit = emit_jit_new(u->plan, &options, &u->compiled, u->message, sizeof u->message);
    return u->jit ? u->compiled : NULL;
}

const asl_program *aslc_interpret(aslc_unit *u) {
    if (!u->interpreted)
        u->interpreted = interp_program(u->arena, make_plan(u, false), all_handlers);
    return u->interpreted;
}
