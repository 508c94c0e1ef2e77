// What quiet machines call, by name: for the JIT. Apart, as symbols.c is.
#include "hot.h"

#include "query.h"
#include "value_private.h"

#include <stddef.h>
#include <string.h>

const struct asl_hot_symbol asl_hot_symbols[] = {
#define HOT(name, result, parameters) {"asl_hot_" #name, (void *)asl_hot_##name},
#include "hot.def"
#undef HOT
    // what their code calls where it is inlined
    {"asl__hot_key", (void *)asl__hot_key},
    {"asl__hot_find", (void *)asl__hot_find},
    {"asl__hot_number", (void *)asl__hot_number},
    {"asl__hot_relate", (void *)asl__hot_relate},
    {"asl__block_alloc", (void *)asl__block_alloc},
    {"asl__choice_test", (void *)asl__choice_test},
    {"asl_release", (void *)asl_release},
    {"memcmp", (void *)memcmp},
    {"bcmp", (void *)memcmp},
    {"memcpy", (void *)memcpy},
    {"memset", (void *)memset},
    {NULL, NULL},
};
