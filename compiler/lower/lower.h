// What the files of lower/ share. One file per kind of state; expressions in expr.c, Retry and Catch in errors.c.
//
// Every state becomes a group of blocks in its machine:
//
//     "S"           enter, and what the state does
//     "S.attempt"   resume point; where a retry begins again (Task, Parallel, Map)
//     "S.result"    resume point; the work's answer has arrived
//     "S.error"     error edge of the two above: retriers, then catchers
//     "S.catch.0"   what catcher 0 does
//
// Slot 0 holds the raw input of the state being run; a transition writes the next state's input there. A variable is a
// slot of the machine whose scope assigns it; an inner machine that reads it captures the slot when it starts. Other
// slots are temporaries of one state, reused by the next.
#ifndef ASLC_LOWER_H
#define ASLC_LOWER_H

#include "ast.h"
#include "ir.h"
#include "names.h"
#include "source.h"

struct scope { /* a machine being lowered */
    struct scope *parent;
    const struct ast_machine *ast;
    struct ir_machine *ir;
    const char *path;        /* its name: "/", "/P.0", "/M" */
    uint32_t temps_used;     /* temporaries of the current state: temps[0 … used) */
    VEC(uint32_t) temps;
    struct { const char *name; uint32_t slot; } *variables;
    size_t variable_count, variable_capacity;
    const struct ast_state *state; /* being lowered */
    uint32_t block;          /* ops go to its end */
    uint32_t error;          /* error edge of new blocks */
    uint32_t states_input, states_result, states_error; /* JSONata: slots of $states' members; ASL_NO_OPERAND: not offered */
};

struct lower {
    struct arena *arena;
    struct ir_plan *plan;
    const struct ast *ast;
    const struct source *source;
    VEC(uint32_t) lines;     /* offset of each line's start in the file */
    uint32_t line, column;   /* of what is being lowered */
    struct names expressions; /* JSONata: source to struct jsonata_expression */
};

// ---------------------------------------------------------------- building (lower.c)

void lower_at(struct lower *l, asl_span where); /* ops to come belong to this place in the definition */
uint32_t lower_block(struct lower *l, struct scope *s, const char *suffix, bool resume); /* a block of the state */
void lower_into(struct scope *s, uint32_t block);
void lower_op(struct lower *l, struct scope *s, enum ir_opcode op, const uint32_t *operands);
#define OPERANDS(...) ((const uint32_t[IR_MAX_OPERANDS]){__VA_ARGS__})
void lower_exit(struct lower *l, struct scope *s, enum ir_exit_kind kind, const uint32_t *targets, uint32_t count);
struct ir_exit *lower_current_exit(struct scope *s);

uint32_t lower_temp(struct lower *l, struct scope *s);
uint32_t lower_temps(struct lower *l, struct scope *s, uint32_t count); /* consecutive; the first */
uint32_t lower_named_slot(struct lower *l, struct scope *s, const char *suffix); /* a slot that is no temporary: "S.source" */
uint32_t lower_variable(struct lower *l, struct scope *s, asl_str name); /* found, captured or made */
uint32_t lower_literal(struct lower *l, struct scope *s, const char *json);
uint32_t lower_site(struct lower *l, asl_buffer *json); /* takes the JSON object's text, frees the buffer */
uint32_t lower_machine(struct lower *l, struct scope *parent, const struct ast_machine *m, const char *path,
                       const struct ast_state *map, uint32_t map_site, uint32_t source_slot);

/* The state is left with this output: exit event, then the next state, or the machine is done. */
void lower_leave(struct lower *l, struct scope *s, uint32_t output, const struct ast_state *next);

// ---------------------------------------------------------------- expressions (expr.c)

/* A path, call or template into a slot; `input` is what $ stands for. An unchanged input is returned as it is. */
uint32_t lower_expr(struct lower *l, struct scope *s, const struct expr *e, uint32_t input);
/* The same for a path field with its own words for "not found". field is for ASL_PATH_FIELD. */
uint32_t lower_path(struct lower *l, struct scope *s, const struct expr *e, uint32_t input, asl_path_mode mode, const char *field);
uint32_t lower_input_path(struct lower *l, struct scope *s);                   /* InputPath of slot 0 */
uint32_t lower_output(struct lower *l, struct scope *s, uint32_t result);      /* ResultPath and OutputPath, or Output */
uint32_t lower_output_path(struct lower *l, struct scope *s, uint32_t value);  /* OutputPath, or Output */
uint32_t lower_result_path(struct lower *l, struct scope *s, const struct ast_path *p, uint32_t result);
/* Assign: values first, by lower_assign_values; then, when nothing else can fail any more, lower_assign_commit. */
struct assigned {
    const struct ast_assigns *assigns;
    uint32_t *values;
};
struct assigned lower_assign_values(struct lower *l, struct scope *s, const struct ast_assigns *a, uint32_t input);
void lower_assign_commit(struct lower *l, struct scope *s, const struct assigned *a);
uint32_t lower_number(struct lower *l, struct scope *s, const struct ast_number *n, uint32_t input, asl_path_mode mode);
void lower_limit(struct lower *l, struct scope *s, uint32_t slot); /* the state's own output */

// ---------------------------------------------------------------- JSONata (jsonata.c)

/* An EXPR_JSONATA; into: where its value must go, or ASL_NO_OPERAND. The slot. */
uint32_t lower_jsonata(struct lower *l, struct scope *s, const struct expr *e, uint32_t into);
/* e's value must be of this kind. Nothing when e is no expression: then the definition's check has seen to it. */
void lower_expect(struct lower *l, struct scope *s, uint32_t slot, asl_expected kind, const struct expr *e);
/* Ends the block by e's truth: EXPR_JSONATA or a literal. */
void lower_condition(struct lower *l, struct scope *s, const struct expr *e, uint32_t yes, uint32_t no);

// ---------------------------------------------------------------- errors (errors.c)

void lower_site_errors(const struct ast_state *state, asl_buffer *json); /* members "retry" and "catch" */
/* Builds "S.error" and what follows, entered when a block of the state fails; IR_NO_BLOCK when there is neither Retry nor Catch. */
uint32_t lower_error_block(struct lower *l, struct scope *s);
void lower_errors(struct lower *l, struct scope *s, uint32_t error_block, uint32_t site, uint32_t attempt);

// ---------------------------------------------------------------- states

void lower_task(struct lower *l, struct scope *s);
void lower_choice(struct lower *l, struct scope *s);
void lower_wait(struct lower *l, struct scope *s);
void lower_parallel(struct lower *l, struct scope *s);
void lower_map(struct lower *l, struct scope *s);
/* The second half of Task, Parallel and Map: from "S.result" on. */
void lower_result(struct lower *l, struct scope *s);
void lower_json_member(asl_buffer *json, const char *key, const char *text);      /* ,"key":"text" */
void lower_json_number(asl_buffer *json, const char *key, const struct ast_number *n, const char *path_key);

#endif
