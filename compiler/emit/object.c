// The module as it leaves the compiler: optimised for this machine's kind of processor, as text, bitcode or machine code.
//
// The pipeline is LLVM's own default<On>, or a short one for large workflows; without optimisation, and where nothing is
// worth it, no pass runs at all.
#include "module.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int level(const struct emit *e) {
    int level = e->options->optimise;
    return level < 0 || e->as_it_is ? 0 : level > 3 ? 3 : level;
}

static void initialise(void) {
    LLVMInitializeNativeTarget();
    LLVMInitializeNativeAsmPrinter();
}

static LLVMTargetMachineRef target_machine(const struct emit *e, char *message, size_t message_size) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise);
    static const LLVMCodeGenOptLevel levels[] = {LLVMCodeGenLevelNone, LLVMCodeGenLevelLess, LLVMCodeGenLevelDefault,
                                                 LLVMCodeGenLevelAggressive};
    char *triple = LLVMGetDefaultTargetTriple(), *why = NULL;
    LLVMTargetRef target;
    LLVMTargetMachineRef machine = NULL;
    if (LLVMGetTargetFromTriple(triple, &target, &why)) {
        snprintf(message, message_size, "LLVM does not know this machine (%s): %s", triple, why);
        LLVMDisposeMessage(why);
    } else {
        // A generic processor: the file may run elsewhere, and a step gains nothing from newer instructions.
        machine = LLVMCreateTargetMachine(target, triple, "", "", levels[e->huge ? 0 : level(e)],
                                          LLVMRelocPIC, LLVMCodeModelDefault);
        if (!machine)
            snprintf(message, message_size, "LLVM cannot make code for %s", triple);
    }
    LLVMDisposeMessage(triple);
    return machine;
}

// What of default<O2> brings anything for some hundred inlined ops in a row, in a third of the time.
static const char quick[] = "always-inline,function("
                            "sroa<modify-cfg>,early-cse<memssa>,simplifycfg,instcombine<no-verify-fixpoint>,jump-threading,simplifycfg,"
                            "loop-simplify,lcssa,loop-mssa(loop-rotate,licm),loop(indvars),"
                            "early-cse<memssa>,dse,instcombine<no-verify-fixpoint>,simplifycfg),globaldce";

static int optimise(struct emit *e, LLVMTargetMachineRef machine, char *message, size_t message_size) {
    if (level(e) == 0)
        return 0;
    char passes[] = "default<O0>";
    passes[sizeof "default<O" - 1] = (char)('0' + level(e));
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(e->module, e->large ? quick : passes, machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (!error)
        return 0;
    char *why = LLVMGetErrorMessage(error);
    snprintf(message, message_size, "LLVM's passes failed: %s", why);
    LLVMDisposeErrorMessage(why);
    return -1;
}

static LLVMMemoryBufferRef text(struct emit *e) {
    char *ir = LLVMPrintModuleToString(e->module);
    LLVMMemoryBufferRef b = LLVMCreateMemoryBufferWithMemoryRangeCopy(ir, strlen(ir), "ir");
    LLVMDisposeMessage(ir);
    return b;
}

LLVMMemoryBufferRef emit_buffer(struct emit *e, enum aslc_emit what, char *message, size_t message_size) {
    LLVMTargetMachineRef machine = target_machine(e, message, message_size);
    if (!machine)
        return NULL;
    char *triple = LLVMGetTargetMachineTriple(machine);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetTarget(e->module, triple);
    LLVMSetModuleDataLayout(e->module, layout);
    LLVMDisposeTargetData(layout);
    LLVMDisposeMessage(triple);

    LLVMMemoryBufferRef b = NULL;
    if (optimise(e, machine, message, message_size) == 0) {
        if (what == ASLC_EMIT_IR) {
            b = text(e);
        } else if (what == ASLC_EMIT_BITCODE) {
            b = LLVMWriteBitcodeToMemoryBuffer(e->module);
        } else {
            LLVMCodeGenFileType type = what == ASLC_EMIT_ASM ? LLVMAssemblyFile : LLVMObjectFile;
            char *why = NULL;
            if (LLVMTargetMachineEmitToMemoryBuffer(machine, e->module, type, &why, &b)) {
                snprintf(message, message_size, "LLVM cannot write machine code: %s", why);
                LLVMDisposeMessage(why);
                b = NULL;
            }
        }
    }
    LLVMDisposeTargetMachine(machine);
    return b;
}
