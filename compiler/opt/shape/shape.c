// Shape: quiet machines are rebuilt so that objects, calls and tests whose outcome is known cost nothing.
//
// The states that only compute (Pass, Choice, Succeed, Fail) are run here symbolically. A slot then holds no value but
// what is known of one:
//
//     SLOT    in slot %n of the frame; which types it may have
//     NUMBER  a 64-bit integer outside the frame, in a register of the processor
//     REAL    a double, likewise
//     CONST   a constant
//     OBJECT  made of these members, on top of `base` if there is one; nobody has built it yet
//     ARRAY   made of these items, behind those of `base` if there is one; that grows in place when the state is over
//
// So `Parameters` of one state that the next one takes apart again are never built, the same path or function of the same
// value is evaluated once (facts), what is constant is folded, and integers are added in registers. An object is built
// where it leaves: in the output, or before a state that waits.
//
//     block b2 "Add" n1 error b4                     n is in #0, limit in #1
//       within #0 32                                  n is a 32-bit integer, or else b4
//       add #2 #0 k2
//       tick 4 2                                      events and states entered: counted, though nobody is told
//       …
//     block b4 "Add.again" n1                         no 32-bit integer:
//       record %6 2 …                                 the state's input is built after all,
//       give_up b1                                    and the watched machine goes on from the state's start
//
// Nothing that fails is explained here. Up to its end a state that only computes has done nothing that cannot be done
// again, so whatever is unusual gives up: the frame gets the slots that the watched machine has at the state's start, and
// that one goes on. Its errors, event ids and texts are then what they always were.
//
// A state that several others go to is compiled once for each shape that its slots arrive with, up to VERSIONS; after
// that with everything in slots. A loop's body so becomes a first round, which finds out the types, and the loop proper.
// What a state that waits does beside its parts (parts.c) stands as lowering made it, with all slots in place.
#include "opt/shape/shape.h"

static void copy_block(struct shape *s, uint32_t number) {
    const struct ir_block *from = s->from[number];
    struct ir_block *b = shape_out_block(s, s->copies[number]);
    for (size_t i = 0; i < from->ops.count; i++)
        *vec_push(s->arena, &b->ops) = from->ops.items[i];
    b->exit = from->exit;
    b->exit.target = arena_alloc(s->arena, (from->exit.target_count + 1) * sizeof *b->exit.target);
    if (from->error != IR_NO_BLOCK) {
        uint32_t error = shape_target_of_copy(s, from->error);
        shape_out_block(s, s->copies[number])->error = error;
    }
    for (uint32_t i = 0; i < from->exit.target_count; i++) {
        uint32_t to = shape_target_of_copy(s, from->exit.target[i]);
        b->exit.target[i] = to;
        if (from->exit.kind == EXIT_SUSPEND || (from->exit.kind == EXIT_RETRY && i == 0))
            shape_out_block(s, to)->resume = true;
    }
    s->ops += from->ops.count;
}

// Slots that nothing speaks of any more: those of branches that have become registers.
static void pack_slots(struct shape *s, uint32_t home) {
    struct ir_machine *m = s->m;
    uint32_t *to = arena_alloc(s->arena, (m->slots.count + 1) * sizeof *to);
    bool *used = arena_alloc(s->arena, m->slots.count + 1);
    for (size_t i = 0; i < home; i++)
        used[i] = true;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < m->blocks.count; i++) {
            struct ir_block *b = m->blocks.items[i];
            for (size_t o = 0; o < b->ops.count; o++) {
                const char *kinds = ir_op_info[b->ops.items[o].opcode].operands;
                for (size_t k = 0; kinds[k]; k++) {
                    uint32_t *v = &b->ops.items[o].operand[k];
                    if (!strchr("dsxaDXv", kinds[k]) || *v == ASL_NO_OPERAND || (kinds[k] == 'v' && *v & ASL_CONSTANT))
                        continue;
                    uint32_t count = kinds[k] == 'a' ? b->ops.items[o].operand[k + 1] : kinds[k] == 'D' || kinds[k] == 'X' ? 2 : 1;
                    for (uint32_t c = 0; c < count && pass == 0; c++)
                        used[*v + c] = true;
                    if (pass == 1)
                        *v = to[*v];
                }
            }
            uint32_t *tested[] = {&b->exit.a, &b->exit.b};
            for (int t = 0; t < 2; t++) {
                bool is = (b->exit.kind == EXIT_IF || (b->exit.kind == EXIT_DONE && t == 0)) && *tested[t] != ASL_NO_OPERAND &&
                          !(*tested[t] & (ASL_CONSTANT | IR_NUMBER));
                if (is && pass == 0)
                    used[*tested[t]] = true;
                if (is && pass == 1)
                    *tested[t] = to[*tested[t]];
            }
        }
        uint32_t kept = 0;
        for (uint32_t i = 0; i < m->slots.count && pass == 0; i++) {
            to[i] = kept;
            kept += used[i];
        }
    }
    uint32_t kept = 0;
    for (size_t i = 0; i < m->slots.count; i++)
        if (used[i])
            m->slots.items[kept++] = m->slots.items[i];
    m->slots.count = kept;
}

static void rank_blocks(struct shape *s) {
    struct place *stack = arena_alloc(s->arena, (s->from_count + 1) * sizeof *stack);
    bool *seen = arena_alloc(s->arena, s->from_count + 1);
    uint32_t left = (uint32_t)s->from_count;
    for (uint32_t root = 0; root < s->from_count; root++) {
        if (seen[root])
            continue;
        size_t depth = 0;
        stack[depth].block = root;
        stack[depth++].op = 0;
        seen[root] = true;
        while (depth) {
            const struct ir_exit *e = &s->from[stack[depth - 1].block]->exit;
            if (stack[depth - 1].op == e->target_count) {
                s->rank[stack[--depth].block] = --left;
                continue;
            }
            uint32_t to = e->target[stack[depth - 1].op++];
            if (!seen[to]) {
                seen[to] = true;
                stack[depth].block = to;
                stack[depth++].op = 0;
            }
        }
    }
}

// An iteration without an ItemSelector has begun when its frame is made: the op has nothing left to do.
static void drop_items(struct shape *s) {
    for (size_t i = 0; i < s->from_count; i++) {
        struct ir_block *b = s->from[i];
        if (b->ops.count == 1 && b->ops.items[0].opcode == OP_ITEM && b->exit.kind == EXIT_JUMP &&
            !s->sites[b->ops.items[0].operand[0]].selects && !s->sites[b->ops.items[0].operand[0]].distributed)
            b->ops.count = 0;
    }
}

// A Map's iterations that run here and now. Their machine begins with the ItemSelector, which then waits for no others.
static bool is_iteration(const struct ir_plan *p, const struct site *sites, size_t number) {
    for (size_t t = 0; t < p->sites.count; t++)
        if (sites[t].is_map && sites[t].now && sites[t].machines[0] == number)
            return true;
    return false;
}

// The machine becomes a loop over items: what an iteration finds in slots is the item, what it captures, and nothing else.
//
//     block b0 "M.item" n0
//       next_item
//       branch b1 b9                                  b9: return 0
//     block b1 …
//       item_value %7
//       captured %8 2                                 of the Map's own frame
//       …
//       item_result %12!
//       jump b0
static void begin_iterations(struct shape *s) {
    const struct ir_block *from = s->from[0];
    uint32_t first, end;
    s->state = from->state;
    s->line = from->ops.items[0].line;
    s->column = from->ops.items[0].column;
    s->at.out = shape_new_block(s, from->name, from->state);
    s->at.env = (struct env){.slot = arena_alloc(s->arena, (s->home + 1) * sizeof *s->at.env.slot)};
    shape_append(s, OP_NEXT_ITEM, OPERANDS(0));
    first = shape_new_block(s, from->name, from->state);
    end = shape_new_block(s, from->name, from->state);
    shape_leave_block(s, EXIT_BRANCH, first, end, 2);
    shape_out_block(s, end)->exit = (struct ir_exit){.kind = EXIT_RETURN, .a = ASL_DONE};
    s->at.out = first;
    for (uint32_t i = 1; i < s->home; i++)
        if (shape_is_live(s, 0, i)) // a slot that nobody writes
            s->at.env.slot[i] = shape_sym_new(s, SLOT, shape_new_slot(s), TYPE(ASL_NONE));
    for (size_t i = 0; i < s->m->captures.count; i++) {
        const struct ir_capture *c = &s->m->captures.items[i];
        s->at.env.slot[c->slot] = shape_sym_new(s, SLOT, shape_new_slot(s), MAYBE);
        shape_append(s, OP_CAPTURED, OPERANDS(s->at.env.slot[c->slot]->number, c->parent_slot));
    }
    s->at.env.slot[0] = s->item = shape_sym_new(s, SLOT, shape_new_slot(s), ANY);
    shape_append(s, OP_ITEM_VALUE, OPERANDS(s->item->number));
    *vec_push(s->arena, &s->visits) = (struct visit){0, s->at, INTEGERS};
}

static void end_iterations(struct shape *s) {
    for (size_t i = 0; i < s->m->blocks.count; i++) {
        struct ir_block *b = s->m->blocks.items[i];
        if (b->exit.kind != EXIT_DONE)
            continue;
        struct ir_op *op = ir_op(s->plan, b, OP_ITEM_RESULT, OPERANDS(b->exit.a));
        op->line = b->exit.line;
        op->column = b->exit.column;
        b->exit.kind = EXIT_JUMP;
        b->exit.target_count = 1;
        b->exit.target = arena_alloc(s->arena, sizeof *b->exit.target); // block 0
    }
}

static void write_all(struct shape *s) {
    while (s->visits.count || s->to_copy.count) {
        if (s->to_copy.count) {
            copy_block(s, s->to_copy.items[--s->to_copy.count]);
            continue;
        }
        struct visit next = s->visits.items[--s->visits.count];
        shape_run_state(s, next.block, next.at, next.trust);
    }
}

// Where a loop begins again the watched machine hands back to this one, which then finds everything in slots.
static void resume_loops(struct shape *s) {
    for (size_t i = 0; i < s->from_count && s->ops <= s->budget; i++) {
        const struct ir_block *b = s->from[i];
        bool polls = b->ops.count && b->ops.items[b->ops.count - 1].opcode == OP_POLL;
        if (!polls || b->exit.kind != EXIT_JUMP)
            continue;
        uint32_t to = b->exit.target[0];
        if (s->simple[to] && s->from[to]->ops.count && s->from[to]->ops.items[0].opcode == OP_ENTER)
            shape_out_block(s, shape_plain_version(s, to, INTEGERS))->resume = true;
    }
}

static void shape_machine(struct ir_plan *p, struct site *sites, const struct original *originals, size_t number) {
    struct ir_machine *m = p->machines.items[number + p->quiet];
    struct shape shape = {.plan = p, .arena = p->arena, .watched = p->machines.items[number], .m = m}, *s = &shape;
    s->sites = sites;
    s->originals = originals;
    const bool *inlined = shape_inline_branches(s);
    s->from = m->blocks.items;
    s->from_count = m->blocks.count;
    s->simple = shape_only_compute(p, sites, s->watched, s->from, s->from_count, inlined);
    shape_find_parts(s);
    s->iteration = is_iteration(p, sites, number);
    s->simple[0] |= s->iteration;
    shape_splice_expressions(s, &s->simple);
    s->live = opt_live(p, m);
    s->from = m->blocks.items;
    s->from_count = m->blocks.count;
    s->home = (uint32_t)m->slots.count;
    size_t n = s->from_count + 1;
    s->rank = arena_alloc(s->arena, n * sizeof *s->rank);
    s->preds = arena_alloc(s->arena, n * sizeof *s->preds);
    s->copies = arena_alloc(s->arena, n * sizeof *s->copies);
    s->pending = arena_alloc(s->arena, n * sizeof *s->pending);
    memset(s->copies, 0xff, n * sizeof *s->copies);
    for (size_t i = 0; i < s->from_count; i++) {
        s->budget += 3 * s->from[i]->ops.count + 20;
        for (uint32_t t = 0; t < s->from[i]->exit.target_count; t++)
            s->preds[s->from[i]->exit.target[t]]++;
    }
    s->preds[0]++;
    rank_blocks(s);
    if (!s->iteration)
        drop_items(s);
    m->blocks.items = NULL;
    m->blocks.count = m->blocks.capacity = 0;
    if (s->iteration)
        begin_iterations(s);
    else
        shape_target_of_copy(s, 0);
    write_all(s);
    if (number == 0) {
        resume_loops(s);
        write_all(s);
    }
    if (s->iteration)
        end_iterations(s);
    pack_slots(s, (uint32_t)s->watched->slots.count);
    for (size_t i = 0; i < s->forgets.count; i++)
        shape_out_block(s, s->forgets.items[i].block)->ops.items[s->forgets.items[i].op].operand[1] = (uint32_t)m->slots.count;
    shape_drop_checks(s);
    for (size_t k = 0; k < s->constant_room; k++)
        asl_release(s->constants[k]);
    opt_thread_machine(p->arena, m, true);
}

// A quiet machine that nobody starts.
static void leave_empty(struct ir_plan *p, uint32_t number) {
    struct ir_machine *m = p->machines.items[number + p->quiet];
    m->blocks.items = NULL;
    m->blocks.count = m->blocks.capacity = 0;
    m->numbers = 0;
    m->slots.count = p->machines.items[number]->slots.count;
    uint32_t only = ir_block_new(p, m, "inlined", ASL_NO_OPERAND);
    struct ir_block *b = m->blocks.items[only];
    b->exit.kind = EXIT_GIVE_UP;
    b->exit.target_count = 1;
    b->exit.target = arena_alloc(p->arena, sizeof *b->exit.target); // block 0
}

void opt_shape(struct ir_plan *p) {
    if (!p->quiet)
        return;
    struct site *sites = shape_read_sites(p);
    shape_runs_through(p, sites, 0, 0); // nothing runs beside the outermost machine
    struct original *originals = arena_alloc(p->arena, (p->quiet + 1) * sizeof *originals);
    for (size_t i = 0; i < p->quiet; i++) {
        const struct ir_machine *m = p->machines.items[i + p->quiet];
        originals[i] = (struct original){m->blocks.items, m->blocks.count, m->slots.count};
    }
    for (size_t i = p->quiet; i-- > 0;) // inner machines have larger numbers; what is copied into others is not changed
        shape_machine(p, sites, originals, i);
    for (size_t i = 0; i < p->sites.count; i++)
        for (size_t c = 0; c < sites[i].count && sites[i].inlined; c++)
            leave_empty(p, sites[i].machines[c]);
}
