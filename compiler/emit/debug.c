// DWARF that speaks of states.
//
//     compile unit order.asl.json
//       subprogram "order"                    the machine: one function
//         inlined subroutine "Charge"         every block of the plan, as if it were a function called from the state's
//         inlined subroutine "Charge.result"  place; a state's first block has the state's own name
//           line rows of its ops              at their places in the definition
//
// So `break Charge` stops where the state is entered, `break Charge.result` where its task's answer has come, and a
// backtrace reads
//
//     #0  Charge.result () at order.asl.json:14
//     #1  order () at order.asl.json:12
//     #2  asl_engine_run …
//
// One subroutine for a whole state would not do: debuggers take a subroutine's lowest address for its entry, and the
// optimiser puts blocks in the order it likes.
#include "module.h"

#include <string.h>
#include <unistd.h>

struct emit_debug {
    LLVMDIBuilderRef builder;
    LLVMMetadataRef file, type;
    LLVMMetadataRef machine;      /* subprogram of the machine being emitted */
    uint32_t machine_line;
    LLVMMetadataRef block, place; /* subprogram of the block being emitted, and where it is "called" */
    uint32_t line, column;        /* of what has no place of its own */
};

static LLVMMetadataRef subprogram(struct emit *e, const char *name, uint32_t line) {
    struct emit_debug *d = e->debug;
    return LLVMDIBuilderCreateFunction(d->builder, d->file, name, strlen(name), "", 0, d->file, line, d->type, true, true,
                                       line, LLVMDIFlagZero, e->options->optimise > 0);
}

static void set_location(struct emit *e, uint32_t line, uint32_t column, LLVMMetadataRef scope, LLVMMetadataRef place) {
    LLVMSetCurrentDebugLocation2(e->builder, LLVMDIBuilderCreateDebugLocation(e->context, line, column, scope, place));
}

static void module_flag(struct emit *e, const char *name, uint32_t value) {
    LLVMAddModuleFlag(e->module, LLVMModuleFlagBehaviorWarning, name, strlen(name), LLVMValueAsMetadata(emit_i32(e, value)));
}

void emit_debug_begin(struct emit *e) {
    struct emit_debug *d = e->debug = arena_alloc(e->arena, sizeof *d);
    d->builder = LLVMCreateDIBuilder(e->module);
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
    // Not 5: with that, LLVM adds an index of names that holds this unit alone, and gdb looks nowhere else.
    module_flag(e, "Dwarf Version", 4);
}

// Machines have no place of their own: theirs is that of their first state.
static uint32_t line_of_machine(const struct ir_plan *p, const struct ir_machine *m) {
    for (size_t i = 0; i < m->blocks.count; i++)
        if (m->blocks.items[i]->state != ASL_NO_OPERAND)
            return p->states.items[m->blocks.items[i]->state].line;
    return 0;
}

void emit_debug_machine(struct emit *e, const struct ir_machine *m) {
    struct emit_debug *d = e->debug;
    if (!d)
        return;
    const char *name = arena_format(e->arena, "%s%s", e->identifier, strcmp(m->name, "/") == 0 ? "" : m->name);
    d->machine_line = line_of_machine(e->plan, m);
    d->machine = subprogram(e, name, d->machine_line);
    LLVMSetSubprogram(e->step, d->machine);
    emit_debug_outside(e);
}

void emit_debug_outside(struct emit *e) {
    if (e->debug)
        set_location(e, e->debug->machine_line, 0, e->debug->machine, NULL);
}

void emit_debug_block(struct emit *e, const struct ir_block *b) {
    struct emit_debug *d = e->debug;
    if (!d)
        return;
    d->block = d->machine;
    d->place = NULL;
    d->line = d->machine_line, d->column = 0;
    if (b->state == ASL_NO_OPERAND)
        return;
    const struct ir_state *s = &e->plan->states.items[b->state];
    d->line = s->line, d->column = s->column;
    d->block = subprogram(e, b->name, s->line);
    d->place = LLVMDIBuilderCreateDebugLocation(e->context, s->line, s->column, d->machine, NULL);
}

void emit_debug_at(struct emit *e, uint32_t line, uint32_t column) {
    struct emit_debug *d = e->debug;
    if (!d)
        return;
    if (line) // what has no place of its own belongs to the op before it
        d->line = line, d->column = column;
    set_location(e, d->line, d->column, d->block, d->place);
}

// Branches and returns have no place. The optimiser joins them, moves them and splits their edges; an instruction far from
// its state that still counted as a part of it would be taken for its entry.
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
