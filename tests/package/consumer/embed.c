// Compiles a definition in memory with libaslc and runs it with the JIT.
#include <stdio.h>
#include <stdlib.h>

#include <aslc/aslc.h>

static void report(void *user, const aslc_diagnostic *d) {
    (void)user;
    fprintf(stderr, "%s:%u:%u: %s: %s\n", d->file, d->line, d->column, d->severity, d->message);
}

int main(int argc, char **argv) {
    static char text[1 << 16];
    FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (!f)
        return 2;
    size_t size = fread(text, 1, sizeof text, f);
    fclose(f);

    aslc_define greeting = {"Greeting", "Bonjour"};
    aslc_options options = {.name = "hello", .optimise = 2, .defines = &greeting, .define_count = 1};
    aslc_unit *unit = aslc_compile(text, size, argv[1], &options, report, NULL);
    if (!unit)
        return 2;
    const char *message = NULL;
    const asl_program *program = aslc_jit(unit, &message);
    if (!program) {
        fprintf(stderr, "%s\n", message);
        return 2;
    }
    asl_outcome outcome;
    int failed = asl_execute(program, "{\"who\":\"library\"}", NULL, &outcome);
    if (!failed && outcome.status == ASL_SUCCEEDED)
        puts(outcome.output);
    else
        fprintf(stderr, "%s\n", outcome.message ? outcome.message : outcome.error);
    failed |= outcome.status != ASL_SUCCEEDED;
    asl_outcome_free(&outcome);
    aslc_unit_free(unit);
    return failed;
}
