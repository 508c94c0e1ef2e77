// The entries by name, for the JIT and the interpreter. Apart from them, so that an executable links only the entries that
// its workflow calls.
#include "rt.h"

#include <stddef.h>

const struct asl_rt_symbol asl_rt_symbols[] = {
#define RT(name, operands) {"asl_rt_" #name, (void *)asl_rt_##name, operands},
#include "rt.def"
#undef RT
    {NULL, NULL, 0},
};
