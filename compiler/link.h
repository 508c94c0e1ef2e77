// Linking: an object file, the runtime and what the workflow needs become an executable or a shared object.
#ifndef ASLC_LINK_H
#define ASLC_LINK_H

#include "arena.h"

struct link_options {
    bool shared;       /* a shared object that exports only the object's public functions */
    bool fully_static;
    bool alone;        /* the workflow calls nobody: no handlers are linked */
    bool strip;
    bool verbose;      /* print the command on standard error */
    const char *const *libraries; /* of C functions bound at compile time: "m", "libm.so.6", "./score.so", "score.a" */
    size_t library_count;
    const char *const *inputs;    /* the user's objects, archives, -l and -L, in order */
    size_t input_count;
};

/* Links object to path through cc. 0, or -1 with a message, which holds what the linker said. */
int link_file(struct arena *a, const char *object, const char *path, const struct link_options *options, char *message,
              size_t message_size);

/* The runtime's archive that belongs to this compiler, or NULL with a message that says where it was looked for. */
const char *link_runtime(struct arena *a, char *message, size_t message_size);

#endif
