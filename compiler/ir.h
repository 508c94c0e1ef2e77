// The plan: the compiler's own IR. Machines of blocks of ops over slots; it prints, parses back, is verified after every
// pass, and is walked by the interpreter.
//
//     plan 1 name "order" type standard
//     const k0 = {"a":1}
//     path p0 = "$.x"
//     state n0 = Task "Charge" @12:7
//     site t0 = {"state":0,"kind":"task",…}
//     machine @0 "/"
//       slot %0 "input"
//       slot %1 "result"
//       capture %1 %4                                        own %1 = the parent's %4
//       block b0 "Charge" n0 resume error b3
//         enter n0 %0 @12:7                                  @line:column in the definition
//         attempt t0
//         path %2 %0 p0 template k1
//         task t0 %2! _ _                                    "!" last use: the value may be moved out
//         suspend b1
//       block b1 "Charge.result" n0 resume error b3
//         result %1
//         jump b2
//       block b2 …
//         if string_equals %3 %4 b5 b6
//       block b3 "Charge.error" n0
//         retry t0 b0 b4                                     wait and go on at b0; no retrier: b4
//       block b4 "Charge.catch" n0
//         catch t0 b5 b6                                     catcher 0, catcher 1; none: the machine fails
//     machine @1 "/" quiet                                 machine @0 once more, for executions that nobody watches
//
// Laws, which ir_verify checks: every block ends in exactly one exit; nothing but slots lives across a suspend (true by
// construction: ops name slots only); a block that a suspend or retry names is a resume point; operands are in range and
// of the kind ops.def says; an op that fails stands in a block with an error edge or in a machine whose failure is final.
#ifndef ASLC_IR_H
#define ASLC_IR_H

#include <stdio.h>

#include "arena.h"
#include "aslc/doc.h"
#include "aslc/program.h"

enum ir_opcode {
#define OP(id, name, operands, flags) OP_##id,
#include "ops.def"
#undef OP
    OP_COUNT
};

struct ir_op_info {
    const char *name, *operands;
    unsigned flags;
};
enum { IR_FAILS = 1, IR_PURE = 2, IR_ASKS = 4, IR_HOT = 8, IR_STARTS = 16 };
extern const struct ir_op_info ir_op_info[OP_COUNT];

#define IR_MAX_OPERANDS 7

struct ir_op {
    uint8_t opcode;
    uint32_t line, column;             /* in the definition; 0: none */
    uint32_t operand[IR_MAX_OPERANDS]; /* in ops.def's order; source slots may carry ASL_LAST; absent: ASL_NO_OPERAND */
};

enum ir_exit_kind {
    EXIT_NONE,    /* not built yet; the verifier refuses it */
    EXIT_JUMP,    /* to target[0] */
    EXIT_IF,      /* asl_rt_test(op, a, b) ? target[0] : target[1] */
    EXIT_SUSPEND, /* returns SUSPENDED; resumes at target[0] */
    EXIT_RETRY,   /* asl_rt_retry(site): 1: SUSPENDED, resumes at target[0]; 0: jump to target[1] */
    EXIT_CATCH,   /* asl_rt_catch(site): k: jump to target[k - 1]; 0: return FAILED */
    EXIT_DONE,    /* asl_rt_done(a); return DONE */
    EXIT_FAILED,  /* return FAILED: the error is in the frame */
    EXIT_BRANCH,  /* the last op asks: nonzero: target[0], zero: target[1] */
    EXIT_GIVE_UP, /* quiet machines: the watched machine goes on at its block target[0] */
    EXIT_RETURN,  /* return a, which is ASL_DONE or, in functions, ASL_TAIL; an op before it has handed over the value */
};

#define IR_NO_BLOCK 0xffffffffu
#define IR_NUMBER 0x20000000u /* in an operand of EXIT_IF: the number #n, not the slot %n */

struct ir_exit {
    enum ir_exit_kind kind;
    uint32_t line, column;
    uint32_t test;      /* IF: asl_choice */
    uint32_t a, b;      /* IF: slots; in quiet machines also constants (ASL_CONSTANT) and numbers (IR_NUMBER);
                           DONE: slot a; RETURN: the number a */
    uint32_t parsed;    /* IF, quiet machines: number that op timestamp or decimal has made of a, plus 1; 0: none */
    uint32_t site;      /* RETRY, CATCH */
    uint32_t *target;   /* block numbers */
    uint32_t target_count;
};

struct ir_block {
    const char *name;   /* after its state: "Charge", "Charge.result", "Charge.catch.0" */
    uint32_t state;     /* the state it belongs to (for debug info), or ASL_NO_OPERAND */
    uint32_t error;     /* block to go to when an op fails; IR_NO_BLOCK: return FAILED */
    bool resume;        /* may be entered from outside; block 0 always is */
    VEC(struct ir_op) ops;
    struct ir_exit exit;
};

struct ir_capture {
    uint32_t slot, parent_slot;
};

/* A machine, or a function: what an expression is compiled to. A function's frame has slots like a machine's; it runs to
   its end without suspending, and its arguments arrive in its first slots. */
struct ir_machine {
    const char *name;   /* "/", "/P.0", "/M"; a function: where its expression stands, "S/Output/total" */
    uint32_t params;    /* functions */
    uint32_t numbers;   /* quiet machines: of how many 64-bit integers outside the frame ops speak */
    VEC(const char *) slots; /* names; slot 0 is the raw input */
    VEC(bool) views;         /* quiet machines: slots that hold no value but know where one is (opt/views.c); see ir_is_view */
    VEC(struct ir_block *) blocks; /* 0 is the entry */
    VEC(struct ir_capture) captures;
};

struct ir_state {
    const char *name, *type;
    uint32_t line, column;
};

struct ir_intern { /* private: finds a constant's or path's number */
    uint32_t *places;
    size_t size, used;
};

struct ir_plan {
    struct arena *arena;
    struct ir_intern constant_index, path_index;
    const char *name;
    bool express;
    int64_t timeout_seconds; /* 0: none */
    const char *definition_hash;
    const char *source_path; /* for debug info; may be NULL */
    asl_str source_text;     /* the definition, for reports; may be empty */
    VEC(const char *) constants; /* compact JSON texts, each once */
    VEC(const char *) paths;
    VEC(struct ir_state) states;
    VEC(const char *) sites;     /* JSON objects as the image has them (aslc/program.h) */
    VEC(struct ir_machine *) machines;
    uint32_t quiet;              /* 0, or half of the machines: machine n + quiet is the quiet form of machine n */
    uint32_t caches;             /* of member accesses: numbered by emit/ */
    VEC(struct ir_machine *) functions; /* op operand gN */
    VEC(const char *) bindings;  /* JSON objects as the image has them */
};

struct ir_plan *ir_plan_new(struct arena *a, const char *name);
uint32_t ir_const(struct ir_plan *p, const char *json);  /* interned */
uint32_t ir_const_string(struct ir_plan *p, const char *text, size_t size);
uint32_t ir_path(struct ir_plan *p, const char *text);   /* interned */
struct ir_machine *ir_machine_new(struct ir_plan *p, const char *name);
uint32_t ir_function_new(struct ir_plan *p, const char *name, uint32_t params); /* its number; slots are added by ir_slot */
uint32_t ir_slot(struct ir_plan *p, struct ir_machine *m, const char *name);
void ir_view(struct ir_plan *p, struct ir_machine *m, uint32_t slot);
bool ir_is_view(const struct ir_machine *m, uint32_t slot);
uint32_t ir_frame_slots(const struct ir_machine *m); /* those up to the last that is no view */
bool ir_finds(uint8_t opcode);       /* a member or item in another slot's value, or a value that others keep */
bool ir_finds_kept(uint8_t opcode);  /* the latter */
bool ir_takes_views(uint8_t opcode); /* where it only reads slots */
uint32_t ir_block_new(struct ir_plan *p, struct ir_machine *m, const char *name, uint32_t state);
struct ir_op *ir_op(struct ir_plan *p, struct ir_block *b, enum ir_opcode opcode, const uint32_t *operands);

/* ir_print.c: the plan as text; ir_parse.c reads it back: printing what was parsed gives the same text. */
void ir_print(const struct ir_plan *p, asl_buffer *out);
struct ir_plan *ir_parse(struct arena *a, asl_str text, char *message, size_t message_size);
/* ir_verify.c: NULL, or what is wrong ("machine @0 block b3 op 2 (path): slot %9 does not exist"), in the arena. */
const char *ir_verify(const struct ir_plan *p);
/* ir_image.c: the program's image (aslc/program.h) as JSON text. */
void ir_image(struct ir_plan *p, asl_buffer *out);
/* Resume points of a machine, in order of block number: resume point N is the block resume[N]. */
uint32_t ir_resume_points(struct arena *a, const struct ir_machine *m, uint32_t **resume);

/* interp.c: a program whose step function walks the plan. Lives in the arena. handlers: as in asl_program. */
const asl_program *interp_program(struct arena *a, const struct ir_plan *p, const struct asl_handler *const *handlers);

/* opt/: each pass changes the plan in place and never what a workflow does. */
void opt_thread_machine(struct arena *a, struct ir_machine *m, bool quiet); /* quiet: its resume points are reached from outside */
void opt_thread(struct ir_plan *p); /* jumps to jumps, empty and unreachable blocks */
void opt_quiet(struct ir_plan *p);  /* a second set of machines, for executions that nobody watches */
void opt_shape(struct ir_plan *p);  /* quiet machines: objects taken apart, numbers unboxed, the same done once */
void opt_slots(struct ir_plan *p);  /* copies removed, temporaries shared, last uses marked */
void opt_pack(struct ir_plan *p);   /* quiet machines: values that do not live at the same time share a slot */
void opt_views(struct ir_plan *p);  /* quiet machines: members and items that are only looked at stay where they are */
/* For each block of the machine as it is now the slots that are read from its start on, as bits. In the plan's arena. */
const uint64_t *const *opt_live(struct ir_plan *p, struct ir_machine *m);
/* The same of slots of a quiet machine that may hold something that counts references; what an op makes of such a set. */
const uint64_t *const *opt_owning(const struct ir_plan *p, const struct ir_machine *m);
void opt_owning_after(const struct ir_plan *p, const struct ir_op *op, uint64_t *owning);

struct ast;
struct source;
/* lower/: a checked AST, free of errors, becomes a plan. */
struct ir_plan *lower(struct arena *a, const struct ast *ast, const struct source *source);

#endif
