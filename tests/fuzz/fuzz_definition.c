// Any bytes as a definition: placeholders, document, shape, meaning, expressions, and every way to print the messages. It
// must end with an AST or a message, what has no errors must become a plan that is in order, and all memory comes back.
#include <stdlib.h>
#include <string.h>

#include "ast.h"
#include "diag.h"
#include "ir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static FILE *nowhere;
    size_t live = asl_alloc_live();
    struct arena *a = arena_new();
    struct definition definitions[] = {{"x", "1", false}, {"text", "a\"b\n", false}, {"empty", "", false}};
    struct source *s = source_from_text(a, "fuzz.asl.json", (asl_str){(const char *)data, size});
    struct diag d;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    source_expand(s, definitions, sizeof definitions / sizeof *definitions);
    diag_init(&d, a, s, size % 2);
    struct ast *ast = ast_read(a, &d, s, size % 3 == 0);
    if (!ast && d.errors == 0)
        abort();
    for (size_t i = 0; ast && d.errors == 0 && !ast->later_feature && i < ast->references.count; i++)
        if (!*ast->references.items[i].to)
            abort(); /* the lowering relies on it */
    if (ast && d.errors == 0 && !ast->later_feature) {
        ast->name = "fuzz";
        struct ir_plan *plan = lower(a, ast, s);
        if (ir_verify(plan))
            abort();
        opt_thread(plan);
        opt_slots(plan);
        if (ir_verify(plan))
            abort();
    }
    diag_print(&d, DIAG_TEXT, true, nowhere);
    diag_print(&d, DIAG_JSON, false, nowhere);
    diag_print(&d, DIAG_SARIF, false, nowhere);
    arena_free(a);
    if (asl_alloc_live() != live)
        abort();
    return 0;
}
