// Intrinsic calls: any text may be the value of a ".$" key. What is accepted is evaluated with arguments from a fixed
// input; nothing may crash or leak, whatever the functions are given.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ast.h"
#include "diag.h"
#include "query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *user, asl_span where, const char *message, const char *help) {
    (void)user, (void)where, (void)message, (void)help;
}

static asl_value evaluate(const struct expr *e, const asl_value *input, struct asl__random *random) {
    asl_value v = asl_none();
    if (e->kind == EXPR_LITERAL) {
        if (asl_json_parse(e->u.json, NULL, &v, NULL) != 0) abort(); // the parser's literals are JSON
        return v;
    }
    if (e->kind == EXPR_PATH) {
        v = asl_path_get(e->u.path, input);
        return v.tag == ASL_NONE ? asl_null() : v;
    }
    asl_value *args = asl_calloc(e->u.call.count + 1, sizeof *args);
    for (size_t i = 0; i < e->u.call.count; i++) args[i] = evaluate(e->u.call.args[i], input, random);
    char message[200] = "";
    if (asl__intrinsic_call(e->u.call.function, args, e->u.call.count, random, &v, message, sizeof message) != 0) {
        if (!message[0]) abort();
        v = asl_null();
    }
    for (size_t i = 0; i < e->u.call.count; i++) asl_release(args[i]);
    asl_free(args);
    return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char fixed[] = "{\"a\":[1,2.5,\"x\",null,[1],{\"k\":1}],\"o\":{\"k\":{\"l\":[]}},\"s\":\"a,b;c\",\"n\":-1.5,"
                                "\"f\":\"{} \\\\{ {}\",\"t\":true,\"e\":\"YWJj\",\"big\":12345678901234567890}";
    struct arena *a = arena_new();
    asl_buffer json = {0};
    asl_json_print_string((asl_str){(const char *)data, size}, &json); // bad UTF-8 is refused by the reader below
    struct source *s = source_from_text(a, "fuzz", (asl_str){json.data, json.size});
    source_expand(s, NULL, 0);
    struct diag d;
    diag_init(&d, a, s, false);
    size_t errors;
    asl_doc_tree *tree = asl_doc_read(s->text, ignore, ignore, NULL, &errors);
    asl_doc *root = tree ? asl_doc_root(tree) : NULL;
    if (root && errors == 0) {
        struct expr *e = query_parse(a, &d, root, "x.$");
        if (!e && d.errors == 0) abort(); // refused without a word
        if (e && d.errors > 0) abort();
        for (size_t i = 0; i < d.messages.count; i++)
            if (d.messages.items[i].span.end > s->text.size) abort(); // points outside the text
        if (e) {
            asl_value input;
            struct asl__random random;
            asl__random_seed(&random, 1);
            asl_json_parse((asl_str){fixed, sizeof fixed - 1}, NULL, &input, NULL);
            asl_value v = evaluate(e, &input, &random);
            asl_buffer text = {0};
            asl_json_print(&v, &text);
            asl_buffer_free(&text);
            asl_release(v);
            asl_release(input);
        }
    }
    asl_doc_free(tree);
    asl_buffer_free(&json);
    arena_free(a);
    if (asl_alloc_live() != 0) abort();
    return 0;
}
