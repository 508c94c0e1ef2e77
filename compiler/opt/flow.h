// Liveness of slots: the usual backward data flow over blocks, with three particularities: an op that can fail keeps alive
// what the block's error edge reads, slots that a child machine captures are alive always, and where a quiet machine gives up
// those are that the watched one reads from there on.
#ifndef ASLC_OPT_FLOW_H
#define ASLC_OPT_FLOW_H

#include <string.h>

#include "ir.h"

typedef uint64_t *set; /* of slots, as bits */

struct flow {
    struct ir_plan *plan;
    struct ir_machine *machine;
    size_t words;
    set pinned; /* captured by children */
    set *in;    /* live at the start of each block */
    uint32_t home; /* quiet: the slots of the watched machine, which goes on from them when this one gives up */
    const struct flow *watched; /* that machine's */
};

static inline bool has(const uint64_t *s, uint32_t slot) { return s[slot / 64] >> (slot % 64) & 1; }
static inline void add(set s, uint32_t slot) { s[slot / 64] |= UINT64_C(1) << (slot % 64); }
static inline void take(set s, uint32_t slot) { s[slot / 64] &= ~(UINT64_C(1) << (slot % 64)); }

struct flow flow_of(struct ir_plan *p, struct ir_machine *m);
/* Fills in f->in; live is room for a set. */
void flow_solve(struct flow *f, set live);
bool flow_join(const struct flow *f, set to, const uint64_t *from); /* whether it grew */
/* Live after the block's last op. */
void flow_after_block(const struct flow *f, const struct ir_block *b, set live);
/* Live before op, given live after it. */
void flow_before_op(const struct flow *f, const struct ir_block *b, struct ir_op *op, set live);

/* Calls visit for each slot that op reads; operand points at the operand naming it alone ('s', or 'x' when changed in
   place), or is NULL where it is one of several or implied. */
typedef void flow_visit(void *user, uint32_t slot, uint32_t *operand, char kind);
void flow_each_use(struct ir_op *op, flow_visit *v, void *user);
bool flow_reads_raw_input(const struct ir_op *op);
uint32_t flow_destination(const struct ir_op *op);             /* or ASL_NO_OPERAND */
bool flow_writes(const struct ir_op *op, uint32_t slot);       /* whether op changes slot in any way */

#endif
