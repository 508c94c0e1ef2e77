// An expression as a program of its own.
#include "expression.h"

#include <stdio.h>
#include <string.h>

#include "aslc/aslc.h"
#include "emit/emit.h"
#include "ir.h"

/* Programs that $eval makes are kept for the functions they may have given away; this many, then the oldest go with the
   end of the evaluation. */
enum { MOST_EVALS = 64 };

static int compile_eval(void *user, asl_str text, struct jx_program **out, const char *const **params, size_t *count,
                        struct jx_error *error) {
    struct expression *outer = user;
    struct jsonata_error why;
    struct expression_options o = {.language = {.dialect = JSONATA_PLAIN, .name = "eval", .evaluated = true}};
    struct arena *texts = arena_new();
    struct expression *inner = expression_new(text, &o, texts, &why);
    if (inner) {
        *vec_push(outer->arena, &outer->evals) = inner;
        *out = inner->program;
        *params = inner->compiled.params;
        *count = inner->compiled.param_count;
    } else {
        *error = (struct jx_error){.position = (int64_t)why.position, .message = asl_string_z(why.message)};
        snprintf(error->code, sizeof error->code, "%s", why.code);
    }
    arena_free(texts);
    return inner ? 0 : -1;
}

static struct expression *failed(struct expression *e, struct arena *texts, struct jsonata_error *error, const char *message) {
    *error = (struct jsonata_error){.code = "", .message = arena_copy(texts, message, strlen(message))};
    expression_free(e);
    return NULL;
}

struct expression *expression_new(asl_str source, const struct expression_options *o, struct arena *texts, struct jsonata_error *error) {
    struct arena *a = arena_new();
    struct expression *e = arena_alloc(a, sizeof *e);
    e->arena = a;
    e->plan = ir_plan_new(a, "expression");
    const char *copy = arena_copy(a, source.data ? source.data : "", source.size);
    if (jsonata_compile_with(e->plan, (asl_str){copy, source.size}, &o->language, &e->compiled, error) < 0) {
        if (error->message)
            error->message = arena_copy(texts, error->message, strlen(error->message));
        if (error->token)
            error->token = arena_copy(texts, error->token, strlen(error->token));
        expression_free(e);
        return NULL;
    }
    char message[1024];
    const char *why = ir_verify(e->plan);
    if (!why) {
        opt_thread(e->plan);
        opt_slots(e->plan);
        why = ir_verify(e->plan);
    }
    if (why)
        return failed(e, texts, error, why);
    const asl_program *program;
    if (o->jit) {
        struct emit_options options = {.optimise = o->optimise};
        e->jit = emit_jit_new(e->plan, &options, &program, message, sizeof message);
        if (!e->jit)
            return failed(e, texts, error, message);
    } else {
        program = interp_program(a, e->plan, NULL);
    }
    e->program = jx_program_new(program, NULL, 0, message, sizeof message);
    if (!e->program)
        return failed(e, texts, error, message);
    if (o->language.dialect == JSONATA_PLAIN)
        jx_set_compile(e->program, compile_eval, e);
    return e;
}

static void drop_evals(struct expression *e) {
    for (size_t i = 0; i < e->evals.count; i++)
        expression_free(e->evals.items[i]);
    e->evals.count = 0;
}

void expression_free(struct expression *e) {
    if (!e)
        return;
    drop_evals(e);
    jx_program_free(e->program);
    if (e->jit)
        emit_jit_free(e->jit);
    arena_free(e->arena);
}

static asl_value argument(const char *name, const struct expression_binding *bindings, size_t count) {
    asl_str whole = asl_str_z(name);
    const char *dot = strchr(name, '.');
    for (size_t i = 0; i < count; i++)
        if (asl_str_equal(bindings[i].name, whole))
            return *bindings[i].value;
    for (size_t i = 0; dot && i < count; i++)
        if (asl_str_equal(bindings[i].name, (asl_str){name, (size_t)(dot - name)}) && bindings[i].value->tag == ASL_OBJECT) {
            const asl_value *v = asl_object_get(bindings[i].value, asl_str_z(dot + 1));
            return v ? *v : asl_none();
        }
    return asl_none();
}

int expression_run(struct expression *e, const asl_value *context, const struct expression_binding *bindings, size_t count,
                   const struct jx_limits *limits, asl_value *out, struct jx_error *error) {
    asl_value local[16], *args = local;
    local[0] = asl_none();
    size_t params = e->compiled.param_count;
    if (params > sizeof local / sizeof *local)
        args = asl_alloc(params * sizeof *args);
    for (size_t i = 0; i < params; i++)
        args[i] = argument(e->compiled.params[i], bindings, count);
    int rc = jx_run(e->program, e->compiled.function, context, args, (uint32_t)params, limits, out, error);
    if (args != local)
        asl_free(args);
    if (rc == 0 && e->evals.count) { // functions of theirs cannot leave the evaluation alive
        *out = jx_without_functions(*out);
    }
    if (e->evals.count >= MOST_EVALS)
        drop_evals(e);
    return rc;
}

// ---------------------------------------------------------------- the public face

struct aslc_expression {
    struct expression *expression;
    bool step_functions;
};

/* What the service allows one evaluation (jsonata-in-step-functions 9). */
const struct jx_limits expression_service_limits = {.depth = 100, .milliseconds = 10000, .memory = (size_t)7 << 20};

aslc_expression *aslc_expression_compile(const char *text, size_t size, enum aslc_dialect dialect, aslc_expression_error *error) {
    bool sfn = dialect == ASLC_STEP_FUNCTIONS;
    struct expression_options o = {
        .language = {.dialect = sfn ? JSONATA_STEP_FUNCTIONS : JSONATA_PLAIN, .name = "expression"}, .jit = true, .optimise = 2};
    struct jsonata_error why = {0};
    struct arena *texts = arena_new();
    struct expression *e = expression_new((asl_str){text, size}, &o, texts, &why);
    aslc_expression *x = NULL;
    if (e) {
        x = arena_alloc(e->arena, sizeof *x);
        *x = (struct aslc_expression){e, sfn};
    } else {
        *error = (aslc_expression_error){.position = (int64_t)why.position};
        snprintf(error->code, sizeof error->code, "%s", why.code);
        snprintf(error->message, sizeof error->message, "%s", why.message ? why.message : "");
        snprintf(error->token, sizeof error->token, "%s", why.token ? why.token : "");
    }
    arena_free(texts);
    return x;
}

void aslc_expression_free(aslc_expression *x) {
    if (x)
        expression_free(x->expression);
}

static void copy_text(char *to, size_t room, const asl_value *v) {
    asl_str s = v->tag == ASL_STRING ? asl_text_of(v) : ASL_STR("");
    snprintf(to, room, "%.*s", (int)s.size, s.data);
}

static void report(aslc_expression_error *error, struct jx_error *e) {
    *error = (aslc_expression_error){.position = e->position, .limit = (int)e->limit};
    snprintf(error->code, sizeof error->code, "%s", e->code);
    copy_text(error->message, sizeof error->message, &e->message);
    copy_text(error->token, sizeof error->token, &e->token);
    jx_error_clear(e);
}

int aslc_expression_evaluate(aslc_expression *x, const asl_value *input, const aslc_binding *bindings, size_t count,
                             asl_value *out, aslc_expression_error *error) {
    struct expression_binding local[16], *named = local;
    local[0].value = NULL;
    struct jx_error e;
    if (count > sizeof local / sizeof *local)
        named = asl_alloc(count * sizeof *named);
    for (size_t i = 0; i < count; i++)
        named[i] = (struct expression_binding){asl_str_z(bindings[i].name), bindings[i].value};
    int rc = expression_run(x->expression, x->step_functions ? NULL : input, named, count,
                            x->step_functions ? &expression_service_limits : NULL, out, &e);
    if (named != local)
        asl_free(named);
    if (rc < 0)
        report(error, &e);
    else
        *out = jx_document(*out, x->step_functions);
    return rc;
}
