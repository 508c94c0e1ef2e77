// DWARF that speaks of states.
//
//     compile unit order.asl.json
//       subprogram "order"                    the machine: one function
//         inlined subroutine "Charge"         every state of it, as if it were a function called at the state's line
//           line rows of its ops              at their places in the definition
//
// So `break Charge` stops where the state is entered, and a backtrace reads
//
//     #0  Charge () at order.asl.json:12
//     #1  order () at order.asl.json:11
//     #2  asl_engine_run …
//
// An inlined subroutine's entry is its lowest address: ops.c keeps blocks in the plan's order.
#include "module.h"

#include <string.h>
#include <unistd.h>

struct emit_debug {
    LLVMDIBuilderRef builder;
    LLVMMetadataRef file, type;
    LLVMMetadataRef *states;  /* subprograms, made when first needed */
    LLVMMetadataRef machine;  /* subprogram of the machine being emitted */
    uint32_t machine_line;
};

static LLVMMetadataRef subprogram(struct emit *e, const char *name, const char *linkage, uint32_t line) {
    struct emit_debug *d = e->debug;
    return LLVMDIBuilderCreateFunction(d->builder, d->file, name, strlen(name), linkage, strlen(linkage), d->file, line,
                                       d->type, true, true, line, LLVMDIFlagZero, e->options->optimise > 0);
}

static void module_flag(struct emit *e, const char *name, uint32_t value) {
    LLVMAddModuleFlag(e->module, LLVMModuleFlagBehaviorWarning, name, strlen(name), LLVMValueAsMetadata(emit_i32(e, value)));
}

void emit_debug_begin(struct emit *e) {
    struct emit_debug *d = e->debug = arena_alloc(e->arena, sizeof *d);
    d->builder = LLVMCreateDIBuilder(e->module);
    d->states = arena_alloc(e->arena, (e->plan->states.count + 1) * sizeof *d->states);
    const char *path = e->plan->source_path ? e->plan->source_path : "<definition>";
    char directory[4096];
    if (!getcwd(directory, sizeof directory))
        strcpy(directory, ".");
    d->file = LLVMDIBuilderCreateFile(d->builder, path, strlen(path), directory, strlen(directory));
    static const char producer[] = "aslc " ASLC_VERSION;
    LLVMDIBuilderCreateCompileUnit(d->builder, LLVMDWARFSourceLanguageC11, d->file, producer, strlen(producer),
                                   e->options->optimise > 0, "", 0, 0, "", 0, LLVMDWARFEmissionFull, 0, false, false, "",
                                   0, "", 0);
    d->type = LLVMDIBuilderCreateSubroutineType(d->builder, d->file, NULL, 0, LLVMDIFlagZero);
    module_flag(e, "Debug Info Version", LLVMDebugMetadataVersion());
    module_flag(e, "Dwarf Version", 5);
}

// Machines have no place of their own: theirs is that of their first state.
static uint32_t line_of_machine(const struct ir_plan *p, const struct ir_machine *m) {
    for (size_t i = 0; i < m->blocks.count; i++)
        if (m->blocks.items[i]->state != ASL_NO_OPERAND)
            return p->states.items[m->blocks.items[i]->state].line;
    return 0;
}

void emit_debug_machine(struct emit *e, uint32_t machine) {
    struct emit_debug *d = e->debug;
    if (!d)
        return;
    const struct ir_machine *m = e->plan->machines.items[machine];
    d->machine = LLVMGetSubprogram(e->step);
    if (!d->machine) {
        const char *name = arena_format(e->arena, "%s%s", e->identifier, strcmp(m->name, "/") == 0 ? "" : m->name);
        d->machine_line = line_of_machine(e->plan, m);
        d->machine = subprogram(e, name, LLVMGetValueName2(e->step, &(size_t){0}), d->machine_line);
        LLVMSetSubprogram(e->step, d->machine);
    }
    LLVMSetCurrentDebugLocation2(e->builder, LLVMDIBuilderCreateDebugLocation(e->context, d->machine_line, 0, d->machine, NULL));
}

void emit_debug_at(struct emit *e, uint32_t state, uint32_t line, uint32_t column) {
    struct emit_debug *d = e->debug;
    if (!d)
        return;
    LLVMMetadataRef scope = d->machine, called_at = NULL;
    if (state != ASL_NO_OPERAND) {
        const struct ir_state *s = &e->plan->states.items[state];
        if (!d->states[state])
            d->states[state] = subprogram(e, s->name, "", s->line);
        scope = d->states[state];
        called_at = LLVMDIBuilderCreateDebugLocation(e->context, s->line, s->column, d->machine, NULL);
        if (!line)
            line = s->line, column = s->column;
    }
    LLVMSetCurrentDebugLocation2(e->builder, LLVMDIBuilderCreateDebugLocation(e->context, line, column, scope, called_at));
}

void emit_debug_none(struct emit *e) {
    LLVMSetCurrentDebugLocation2(e->builder, NULL);
}

void emit_debug_end(struct emit *e) {
    if (!e->debug)
        return;
    LLVMDIBuilderFinalize(e->debug->builder);
    LLVMDisposeDIBuilder(e->debug->builder);
    e->debug = NULL;
}
