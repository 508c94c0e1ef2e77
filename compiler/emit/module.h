// Private to emit/: one LLVM module while it is being built.
#ifndef ASLC_EMIT_MODULE_H
#define ASLC_EMIT_MODULE_H

#include "emit.h"
#include "handlers/native.h"
#include "llvm_compat.h"

enum rt_entry {
#define RT(name, operands) RT_##name,
#include "rt.def"
#undef RT
    RT_COUNT
};

enum hot_entry {
#define HOT(name, result, parameters) HOT_##name,
#include "hot.def"
#undef HOT
    HOT_COUNT
};

struct emit_function {
    LLVMValueRef value;
    LLVMTypeRef type;
};

struct emit {
    const struct ir_plan *plan;
    const struct emit_options *options;
    struct arena *arena;
    const char *identifier; /* emit_identifier(plan) */
    bool shared, in_process; /* what the module is for: neither is an executable */
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMTypeRef void_type, i1, i8, i32, i64, f64, ptr;
    unsigned weights;                 /* metadata kind "prof" */
    LLVMValueRef unlikely;            /* branch weights of a branch to an error edge */
    enum rt_entry entry[OP_COUNT];     /* the entry of the op's name */
    struct emit_function rt[RT_COUNT]; /* declared when first called */
    struct emit_function hot[2][HOT_COUNT]; /* the library's; the ones to be inlined */
    struct emit_debug *debug;         /* or NULL */

    /* the machine being emitted */
    const struct ir_machine *machine;
    LLVMValueRef step, frame;
    LLVMBasicBlockRef *blocks;        /* of the plan, by number */
    uint32_t *resume_number;          /* by block number; undefined for blocks that are no resume points */
    LLVMBasicBlockRef failed;         /* returns FAILED; made when first needed */
    LLVMValueRef *steps;              /* by machine */
    LLVMValueRef *functions;          /* of expressions, by number */
    const bool **warm;                /* by machine, then by block (heat.c); NULL: none is */
    bool quiet;                       /* the next ones are of a quiet machine */
    uint32_t number;                  /* the machine's */
    const bool *warm_blocks;          /* of the machine, or NULL */
    const bool *loops;                /* by block of the machine that executions begin with: it may run more than once in one */
    bool in_warm, in_loop;            /* the block being emitted is warm; may come upon the same keys again */
    LLVMValueRef slots, keys, cache, heap; /* frame->slot and the engine's tables */
    LLVMValueRef events, states, marks[2]; /* counted and not yet told, less what polls imply (hot.c); where that stood at op mark */
    int64_t states_a_poll;
    const bool *cooling;              /* by block: the first that tell what warm ones have counted; NULL: all blocks keep it, or none */
    bool keeps;                       /* what is counted here is told later */
    LLVMValueRef given_up;            /* where it gives up: the number of the watched machine's resume point, as a phi; or NULL */
    uint32_t *watched_points, watched_count; /* all of them, once one was looked for */
    LLVMValueRef polls, boxes[2], *numbers; /* polls: NULL when no loop of the machine's needs them */
    const uint64_t *const *owning;    /* by block, as opt_owning says; NULL: not a quiet machine */
    uint64_t *owns;                   /* where the builder is: slots that may hold what counts references */
    LLVMValueRef *locals;             /* by slot: the variable that is it, or NULL: it is in the frame */
    LLVMValueRef *views, found;       /* by slot: the variable with the place of its value, or NULL; what op drop has found */
    const struct ir_op *drop;         /* its last uses are let go once it has not failed */
    uint32_t caches;
    bool inlines;                     /* warm blocks have the code of hot ops in them */
    bool large;                       /* too much is warm for all of LLVM's passes */
    bool as_it_is;                    /* nothing is worth optimising */
    bool huge;                        /* some machine is too large for LLVM's register allocation */
};

/* emit.c: the whole module, verified. NULL with a message; free with emit_module_free. `names`: keep value names, for
   output that people read. */
struct emit *emit_module_new(const struct ir_plan *p, const struct emit_options *options, bool shared, bool in_process,
                             bool names, char *message, size_t message_size);
void emit_module_free(struct emit *e);

/* emit.c: the vocabulary of the other files. */
LLVMValueRef emit_i32(struct emit *e, uint32_t v);
struct emit_function emit_declare(struct emit *e, const char *name, LLVMTypeRef result, LLVMTypeRef *parameters, unsigned count);
LLVMValueRef emit_call(struct emit *e, struct emit_function f, LLVMValueRef *arguments, unsigned count, const char *name);
void emit_attribute(struct emit *e, LLVMValueRef function, LLVMAttributeIndex where, const char *attribute, uint64_t value);

/* ops.c: finds each op's entry; the tables must agree. */
void emit_ops_begin(struct emit *e);
/* ops.c: fills in the step function of a machine. */
void emit_machine(struct emit *e, const struct ir_machine *m, LLVMValueRef step, const bool *warm);
LLVMBasicBlockRef emit_following(struct emit *e, const char *name);

/* heat.c: what of the quiet machines is worth the optimiser's time: warm, inlines, large, as_it_is. */
void emit_heat(struct emit *e);

/* hot.c: what quiet machines have beside calls of the runtime. */
void emit_hot_begin(struct emit *e, const struct ir_machine *m); /* at the start of the step function */
void emit_hot_block(struct emit *e, uint32_t number);             /* … of a block … */
void emit_hot_end(struct emit *e);                               /* … and when all is there */
/* An op; false: it is a call like any other. *failed: whether it failed, or NULL when it cannot; what the op asks for, if it does. */
bool emit_hot_op(struct emit *e, const struct ir_op *op, LLVMValueRef *failed);
void emit_hot_done(struct emit *e, uint32_t s); /* the output is in this slot */
void emit_hot_drop(struct emit *e);  /* where it has not failed */
void emit_hot_failed(struct emit *e); /* where the step fails, from anywhere in it */
void emit_hot_tell(struct emit *e);  /* what was counted, before somebody asks */
void emit_hot_leave(struct emit *e); /* before every return */
LLVMValueRef emit_hot_counted(struct emit *e);
void emit_hot_unraise(struct emit *e, LLVMValueRef counted);
void emit_hot_give_up(struct emit *e, const struct ir_exit *x);
/* In a watched machine, after the poll at the end of b: on to the quiet one when the poll says so. Returns whether it failed. */
LLVMValueRef emit_hot_hand_back(struct emit *e, const struct ir_block *b, LLVMValueRef poll);
LLVMValueRef emit_hot_test(struct emit *e, const struct ir_exit *x); /* EXIT_IF's condition */
void emit_hot_link(struct emit *e);  /* the functions' own code, for LLVM to inline */

/* tables.c: the program struct (global NAME_program) and what it points to; main() of an executable. -1: message. */
int emit_tables(struct emit *e, char *message, size_t message_size);
LLVMValueRef emit_program(struct emit *e);
/* shared.c: the functions that a shared object exports. */
void emit_exports(struct emit *e);

/* debug.c. All of them do nothing without e->debug. */
void emit_debug_begin(struct emit *e);
void emit_debug_machine(struct emit *e, const struct ir_machine *m); /* e->step gets its subprogram */
void emit_debug_block(struct emit *e, const struct ir_block *b);
void emit_debug_at(struct emit *e, uint32_t line, uint32_t column); /* of the instructions to come; 0: as before */
void emit_debug_outside(struct emit *e); /* of the machine, but of no state of it */
void emit_debug_none(struct emit *e); /* the instructions to come have no place: branches, other functions */
void emit_debug_end(struct emit *e);

/* object.c: the module as it leaves the compiler. Dispose of the buffer. NULL with a message. */
LLVMMemoryBufferRef emit_buffer(struct emit *e, enum aslc_emit what, char *message, size_t message_size);

/* tables.c: the plan's bindings to C functions, each of which becomes a thunk: number N is thunk N. */
struct emit_natives {
    struct asl__ffi_signature *items;
    size_t count;
    const char **bindings; /* all of the plan's, as the image has them: with their thunks' numbers */
};
bool emit_has_tasks(const struct ir_plan *p);
int emit_natives(const struct ir_plan *p, struct emit_natives *out, char *message, size_t message_size);

#endif
