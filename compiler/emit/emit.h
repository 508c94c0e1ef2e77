// From a plan to machine code: what the rest of the compiler sees of emit/. No LLVM type leaks out of here.
//
//     plan ─► emit.c, ops.c     one step function per machine      ─► object.c  IR, bitcode, assembly, object
//             tables.c          image, steps, thunks, main                      └─► ../link.c  executable, shared object
//             shared.c          the C API of a shared object       ─► jit.c     code in this process
//             hot.c, heat.c     quiet machines, and what of them is worth LLVM's time
//             debug.c           DWARF: states are functions
//
// The plan must have passed ir_verify. Every function is thread-safe for different plans. Messages are complete
// sentences for the user, without a file name or a final period.
#ifndef ASLC_EMIT_H
#define ASLC_EMIT_H

#include "aslc/aslc.h"
#include "ir.h"

struct emit_options {
    int optimise;      /* 0 … 3 */
    bool debug;        /* DWARF that points into the definition */
    bool shared;       /* the NAME_* functions of a shared object instead of main(); implied by ASLC_EMIT_SHARED */
    bool static_link;  /* link everything statically */
    bool strip;        /* leave symbols and debug information out of the linked file */
    bool verbose;      /* print the link command on standard error */
    const char *const *link_inputs; /* further objects, archives, -l and -L for the linker, in order */
    size_t link_input_count;
};

/* The C identifier that exported names begin with: "my-order" gives "my_order". In the plan's arena. */
const char *emit_identifier(const struct ir_plan *p);

/* Writes the plan as `what` to path; "-" is standard output, except for linked files. SHARED also writes the header, as
   path with its suffix replaced: libNAME.so gives NAME.h beside it. 0, or -1 with a message. */
int emit_file(const struct ir_plan *p, enum aslc_emit what, const struct emit_options *options, const char *path,
              char *message, size_t message_size);

/* The program as code in this process. It lives until emit_jit_free; no step may run then. NULL with a message. */
struct emit_jit *emit_jit_new(const struct ir_plan *p, const struct emit_options *options, const asl_program **program,
                              char *message, size_t message_size);
void emit_jit_free(struct emit_jit *jit);

/* The text of NAME.h, the header of a shared object. */
void emit_header(const struct ir_plan *p, asl_buffer *out);

#endif
