// LLVM's C API, versions 18 to 22: the only place that knows how they differ.
//
// What differs in our use of it is little, because the JIT takes object files (no thread-safe contexts, whose functions
// changed in 21) and debug information is made by calls that have kept their signatures.
#ifndef ASLC_EMIT_LLVM_COMPAT_H
#define ASLC_EMIT_LLVM_COMPAT_H

#include <llvm-c/Analysis.h>
#include <llvm-c/BitReader.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/Error.h>
#include <llvm-c/Linker.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/LLJITUtils.h>
#include <llvm-c/Orc.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <llvm/Config/llvm-config.h>

#if LLVM_VERSION_MAJOR < 18 || LLVM_VERSION_MAJOR > 22
#error "aslc is written for LLVM 18 to 22"
#endif

/* A constant text with its NUL. The form with a size_t came with 19; the old one is deprecated since. */
static inline LLVMValueRef emit_llvm_string(LLVMContextRef context, const char *text, size_t size) {
#if LLVM_VERSION_MAJOR >= 19
    return LLVMConstStringInContext2(context, text, size, false);
#else
    return LLVMConstStringInContext(context, text, (unsigned)size, false);
#endif
}

#endif
