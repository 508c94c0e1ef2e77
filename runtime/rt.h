// The entries that compiled code calls, as C sees them: rt.def expanded into prototypes, and into the table from which
// the JIT and the interpreter take their addresses.
#ifndef ASL_RT_H
#define ASL_RT_H

#include "aslc/program.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASL_RT_ARGUMENTS_0
#define ASL_RT_ARGUMENTS_1 , uint32_t
#define ASL_RT_ARGUMENTS_2 , uint32_t, uint32_t
#define ASL_RT_ARGUMENTS_3 , uint32_t, uint32_t, uint32_t
#define ASL_RT_ARGUMENTS_4 , uint32_t, uint32_t, uint32_t, uint32_t
#define ASL_RT_ARGUMENTS_5 , uint32_t, uint32_t, uint32_t, uint32_t, uint32_t
#define ASL_RT_ARGUMENTS_6 , uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t
#define ASL_RT_ARGUMENTS_7 , uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t

/* The library is built with hidden visibility; these are what a shared object or the JIT must still find. */
#define RT(name, operands)                                                                                             \
    __attribute__((visibility("default"))) int32_t asl_rt_##name(asl_frame *frame ASL_RT_ARGUMENTS_##operands);
#include "rt.def"
#undef RT

struct asl_rt_symbol {
    const char *name; /* "asl_rt_enter" */
    void *function;
    unsigned operands;
};
extern const struct asl_rt_symbol asl_rt_symbols[]; /* ends with a NULL name */

#ifdef __cplusplus
}
#endif
#endif
