// aslc eval of JSONata: one expression with its mistakes pointed at, or a stream of requests.
#include "eval.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emit/emit.h"
#include "expression.h"
#include "ir.h"
#include "jsonata/explain.h"

enum { OK = 0, FAILED = 1, BAD = 2 };

// ---------------------------------------------------------------- printing

// Compact JSON that is UTF-8: half a surrogate pair, three bytes in our strings, is escaped.
static void print_json(const asl_value *v, asl_buffer *out) {
    asl_buffer raw = {0};
    asl_json_print(v, &raw);
    size_t from = 0;
    for (size_t i = 0; i + 2 < raw.size; i++) {
        unsigned char a = (unsigned char)raw.data[i], b = (unsigned char)raw.data[i + 1], c = (unsigned char)raw.data[i + 2];
        if (a != 0xed || b < 0xa0)
            continue;
        asl_buffer_add(out, raw.data + from, i - from);
        asl_buffer_format(out, "\\u%04x", 0xd000u | (b & 0x3fu) << 6 | (c & 0x3fu));
        from = i + 3;
        i += 2;
    }
    asl_buffer_add(out, raw.data + from, raw.size - from);
    asl_buffer_free(&raw);
}

static int print_line(asl_buffer *out) {
    asl_buffer_byte(out, '\n');
    bool written = fwrite(out->data, 1, out->size, stdout) == out->size && fflush(stdout) == 0;
    if (!written)
        fprintf(stderr, "aslc: cannot write: %s\n", strerror(errno));
    return written ? OK : FAILED;
}

// The line with the byte at offset, and a mark under it.
static void point_at(asl_str source, size_t offset, size_t size, const char *code, const char *message) {
    if (offset > source.size)
        offset = source.size;
    size_t start = offset, end = offset, line = 1, column = 1;
    while (start > 0 && source.data[start - 1] != '\n')
        start--;
    while (end < source.size && source.data[end] != '\n')
        end++;
    for (size_t i = 0; i < start; i++)
        line += source.data[i] == '\n';
    for (size_t i = start; i < offset; i++)
        column += ((unsigned char)source.data[i] & 0xc0) != 0x80;
    fprintf(stderr, "expression:%zu:%zu: error: %s%s%s\n", line, column, code, *code ? ": " : "", message);
    fprintf(stderr, "    %.*s\n    ", (int)(end - start), source.data + start);
    for (size_t i = start; i < offset; i++)
        if (((unsigned char)source.data[i] & 0xc0) != 0x80)
            fputc(source.data[i] == '\t' ? '\t' : ' ', stderr);
    fputc('^', stderr);
    for (size_t i = offset + 1; i < offset + size && i < end; i++)
        if (((unsigned char)source.data[i] & 0xc0) != 0x80)
            fputc('~', stderr);
    fputc('\n', stderr);
}

// The byte where the token ends whose end is so many UTF-16 units into the source; the token begins before it.
static size_t offset_of(asl_str source, int64_t units, asl_str token, size_t *size) {
    size_t i = 0;
    for (int64_t n = 0; i < source.size && n < units; n++) {
        unsigned char c = (unsigned char)source.data[i];
        n += c >= 0xf0;
        i += c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    }
    *size = 1;
    // A call's error stands behind its parenthesis.
    for (size_t back = i; token.size && back > 0 && i - back < 80; back--)
        if (back >= token.size && memcmp(source.data + back - token.size, token.data, token.size) == 0) {
            *size = token.size;
            return back - token.size;
        }
    return i ? i - 1 : 0;
}

// ---------------------------------------------------------------- one expression

static int explain(struct arena *a, asl_str source, const struct expression *e, const struct eval_options *o) {
    asl_buffer text = {0};
    asl_buffer_z(&text, "# tree, and what each node can give\n");
    jsonata_explain(a, source, o->step_functions ? JSONATA_STEP_FUNCTIONS : JSONATA_PLAIN, &text);
    fwrite(text.data, 1, text.size, stdout);
    text.size = 0;
    printf("# %zu parameter%s after the context:", e->compiled.param_count, e->compiled.param_count == 1 ? "" : "s");
    for (size_t i = 0; i < e->compiled.param_count; i++)
        printf(" $%s", e->compiled.params[i]);
    puts("");
    fflush(stdout);
    ir_print(e->plan, &text);
    fwrite(text.data, 1, text.size, stdout);
    asl_buffer_free(&text);
    fflush(stdout);
    char message[1024];
    struct emit_options options = {.optimise = o->optimise};
    puts("");
    fflush(stdout);
    if (emit_file(e->plan, ASLC_EMIT_IR, &options, "-", message, sizeof message) < 0) {
        fprintf(stderr, "aslc eval: %s\n", message);
        return FAILED;
    }
    return OK;
}

int eval_jsonata(struct arena *a, asl_str source, const struct eval_options *o) {
    asl_value data = asl_none();
    asl_json_error bad;
    if (o->data.data && asl_json_parse(o->data, &(asl_json_limits){.lone_surrogates = true, .index_order = true}, &data, &bad) < 0) {
        fprintf(stderr, "%s:%u:%u: error: %s\n", o->data_name, bad.line, bad.column, bad.message);
        return BAD;
    }
    struct jsonata_error why = {0};
    struct expression_options options = {
        .language = {.dialect = o->step_functions ? JSONATA_STEP_FUNCTIONS : JSONATA_PLAIN, .name = "expression"},
        .jit = o->jit,
        .optimise = o->optimise,
    };
    struct expression *e = expression_new(source, &options, a, &why);
    int rc = BAD;
    if (!e) {
        if (*why.code)
            point_at(source, why.offset, why.size, why.code, why.message);
        else
            fprintf(stderr, "aslc eval: internal error: %s\n", why.message);
    } else if (o->explain) {
        rc = explain(a, source, e, o);
    } else {
        asl_value out;
        struct jx_error error;
        struct expression_binding states = {ASL_STR("states"), &data};
        if (expression_run(e, o->step_functions ? NULL : &data, &states, o->step_functions, o->step_functions ? &expression_service_limits : NULL,
                           &out, &error) < 0) {
            size_t size = 1, offset = error.position >= 0 ? offset_of(source, error.position, asl_text_of(&error.token), &size) : 0;
            asl_str text = asl_text_of(&error.message);
            point_at(source, offset, size, error.code, arena_copy(a, text.data, text.size));
            jx_error_clear(&error);
            rc = FAILED;
        } else {
            out = jx_document(out, o->step_functions);
            asl_buffer line = {0};
            rc = OK;
            if (out.tag != ASL_NONE) {
                print_json(&out, &line);
                rc = print_line(&line);
            }
            asl_buffer_free(&line);
            asl_release(out);
        }
    }
    expression_free(e);
    asl_release(data);
    return rc;
}

// ---------------------------------------------------------------- a stream of requests

static const asl_value *member(const asl_value *request, const char *name) {
    return asl_object_get(request, asl_str_z(name));
}

static void answer_member(asl_buffer *b, const char *name, const asl_value *v) {
    asl_buffer_format(b, ",\"%s\":", name);
    print_json(v, b);
}

static void answer_error(asl_buffer *b, const char *code, int64_t position, const asl_value *token, const asl_value *message) {
    asl_buffer_z(b, ",\"code\":");
    asl_json_print_string(asl_str_z(code), b);
    if (position >= 0)
        asl_buffer_format(b, ",\"position\":%lld", (long long)position);
    if (token->tag != ASL_NONE)
        answer_member(b, "token", token);
    if (message->tag != ASL_NONE)
        answer_member(b, "message", message);
}

static void evaluate(struct expression *e, const asl_value *request, const struct expression_binding *bindings, size_t count,
                     bool sfn, asl_buffer *b) {
    const asl_value *data = member(request, "data"), *timelimit = member(request, "timelimit"), *depth = member(request, "depth");
    struct jx_limits limits = sfn && !timelimit && !depth ? expression_service_limits : (struct jx_limits){0};
    if (timelimit && asl_is_number(timelimit))
        limits.milliseconds = (uint32_t)asl_number(timelimit);
    if (depth && asl_is_number(depth))
        limits.depth = (uint32_t)asl_number(depth);
    asl_value nothing = asl_none(), out;
    struct jx_error error;
    if (expression_run(e, data ? data : &nothing, bindings, count, &limits, &out, &error) < 0) {
        answer_error(b, error.code, error.position, &error.token, &error.message);
        if (error.limit != JX_NO_LIMIT)
            asl_buffer_z(b, ",\"limit\":true");
        jx_error_clear(&error);
        return;
    }
    out = jx_document(out, true);
    if (out.tag == ASL_NONE)
        asl_buffer_z(b, ",\"undefined\":true");
    else
        answer_member(b, "result", &out);
    asl_release(out);
}

static void answer(const asl_value *request, const struct eval_options *o, asl_buffer *b) {
    const asl_value *text = member(request, "expr"), *bound = member(request, "bindings"), *sfn_member = member(request, "sfn");
    bool sfn = o->step_functions || (sfn_member && sfn_member->tag == ASL_BOOL && sfn_member->b);
    struct arena *a = arena_new();
    size_t count = bound && bound->tag == ASL_OBJECT ? asl_object_count(bound) : 0;
    struct expression_binding *bindings = arena_alloc(a, (count + 1) * sizeof *bindings);
    const char **names = arena_alloc(a, (count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        const asl_text *key = asl_object_key_at(bound, i);
        names[i] = arena_copy(a, key->bytes, key->size);
        bindings[i] = (struct expression_binding){{key->bytes, key->size}, asl_object_at(bound, i)};
    }
    struct expression_options options = {
        .language = {.dialect = sfn ? JSONATA_STEP_FUNCTIONS : JSONATA_PLAIN, .name = "expression", .bound = names,
                     .bound_count = count, .depth = member(request, "depth") != NULL},
        .jit = o->jit,
        .optimise = o->optimise,
    };
    struct jsonata_error why = {0};
    asl_value none = asl_none();
    if (!text || text->tag != ASL_STRING) {
        asl_value message = asl_string_z("the request has no \"expr\"");
        answer_error(b, "", -1, &none, &message);
        asl_release(message);
    } else {
        struct expression *e = expression_new(asl_text_of(text), &options, a, &why);
        if (e) {
            evaluate(e, request, bindings, count, sfn, b);
        } else {
            asl_value token = why.token ? asl_string_z(why.token) : asl_none(), message = asl_string_z(why.message);
            answer_error(b, why.code, (int64_t)why.position, &token, &message);
            asl_release(token);
            asl_release(message);
        }
        expression_free(e);
    }
    arena_free(a);
}

int eval_batch(const struct eval_options *o) {
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    int rc = OK;
    while (rc == OK && (size = getline(&line, &room, stdin)) >= 0) {
        asl_value request;
        asl_json_error bad;
        asl_buffer b = {0};
        if (size <= 1)
            continue;
        if (asl_json_parse((asl_str){line, (size_t)size}, &(asl_json_limits){.lone_surrogates = true, .index_order = true}, &request, &bad) < 0 ||
            request.tag != ASL_OBJECT) {
            asl_buffer_z(&b, "{\"id\":null,\"code\":\"\",\"message\":\"the request is no JSON object\"}");
        } else {
            const asl_value *id = member(&request, "id"), null = asl_null();
            asl_buffer_z(&b, "{\"id\":");
            print_json(id ? id : &null, &b);
            answer(&request, o, &b);
            asl_buffer_byte(&b, '}');
            asl_release(request);
        }
        rc = print_line(&b);
        asl_buffer_free(&b);
    }
    free(line);
    return rc;
}
