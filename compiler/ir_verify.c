// The law of the house, checked after every pass (ir.h has the list).
#include <string.h>

#include "ir.h"

struct place {
    const struct ir_plan *plan;
    const struct ir_machine *machine;
    const char *kind; /* "machine" or "function" */
    const struct ir_machine *watched; /* of a quiet machine */
    size_t machine_number, block_number;
};

static const char *at_block(const struct place *at, const char *text) {
    return arena_format(at->plan->arena, "%s @%zu block b%zu: %s", at->kind, at->machine_number, at->block_number, text);
}

static const char *bad_slot(const struct place *at, uint32_t slot, bool may_be_absent) {
    if (slot == ASL_NO_OPERAND)
        return may_be_absent ? NULL : at_block(at, "a slot operand is missing");
    slot &= ~ASL_LAST;
    if (slot < at->machine->slots.count)
        return NULL;
    return at_block(at, arena_format(at->plan->arena, "slot %%%u does not exist", slot));
}

static const char *bad_number(const struct place *at, uint32_t v) {
    if (v & ASL_CONSTANT)
        return (v & ~ASL_CONSTANT) < at->plan->constants.count ? NULL : at_block(at, "a constant does not exist");
    return v < at->machine->numbers ? NULL : at_block(at, arena_format(at->plan->arena, "number #%u does not exist", v));
}

static const char *bad_operand(const struct place *at, char kind, uint32_t v) {
    const struct ir_plan *p = at->plan;
    size_t limit;
    switch (kind) {
    case 'D':
    case 'X':
        if (v != ASL_NO_OPERAND && (v & ~ASL_LAST) + 1 >= at->machine->slots.count)
            return at_block(at, "a pair of slots reaches past the last slot");
        // fall through
    case 'x':
    case 'd':
        return v & ASL_LAST && v != ASL_NO_OPERAND ? at_block(at, "a destination is marked as a last use")
                                                   : bad_slot(at, v, false);
    case 'v':
        if (v == ASL_NO_OPERAND || !(v & ASL_CONSTANT))
            return bad_slot(at, v, true);
        v &= ~ASL_CONSTANT;
        kind = 'k';
        limit = p->constants.count;
        break;
    case 's': return bad_slot(at, v, true);
    case 'L':
    case 'l': return bad_number(at, v);
    case 'a': return v & ASL_LAST && v != ASL_NO_OPERAND ? at_block(at, "arguments are marked as a last use") : bad_slot(at, v, true);
    case 'g': limit = p->functions.count; break;
    case 'k':
        if (v == ASL_NO_OPERAND)
            return NULL;
        limit = p->constants.count;
        break;
    case 'p': limit = p->paths.count; break;
    case 'n': limit = p->states.count; break;
    case 't': limit = p->sites.count; break;
    case 'f': limit = ASL_INTRINSIC_COUNT; break;
    case 'm': limit = ASL_PATH_OPTIONAL + 1; break;
    default: return NULL; // a plain number
    }
    if (v < limit)
        return NULL;
    return at_block(at, arena_format(p->arena, "%c%u does not exist", kind, v));
}

// Views are put into by what finds members and items, and read by what takes them.
static const char *bad_view(const struct place *at, const struct ir_op *op, size_t i) {
    char kind = ir_op_info[op->opcode].operands[i];
    uint32_t v = op->operand[i];
    if (!strchr("dsxaDXv", kind) || v == ASL_NO_OPERAND || (kind == 'v' && v & ASL_CONSTANT))
        return NULL;
    bool first = ir_is_view(at->machine, v & ~ASL_LAST), pair = strchr("DX", kind) && ir_is_view(at->machine, v + 1);
    bool args = false;
    for (uint32_t n = 0; kind == 'a' && n < op->operand[i + 1]; n++)
        args |= ir_is_view(at->machine, v + n);
    bool found = kind == 'd' && ir_finds(op->opcode), read = strchr("sv", kind) && ir_takes_views(op->opcode) && !(v & ASL_LAST);
    return (first && !found && !read) || pair || args ? at_block(at, "a view is used as a value") : NULL;
}

static const char *bad_op(const struct place *at, const struct ir_op *op) {
    if (op->opcode >= OP_COUNT)
        return at_block(at, "unknown op");
    const char *operands = ir_op_info[op->opcode].operands, *why = NULL;
    if (ir_op_info[op->opcode].flags & IR_HOT && !at->watched)
        why = at_block(at, "stands in a machine that is not quiet");
    for (size_t i = 0; operands[i] && !why; i++)
        why = bad_operand(at, operands[i], op->operand[i]);
    for (size_t i = 0; operands[i] && !why; i++)
        why = bad_view(at, op, i);
    const char *args = strchr(operands, 'a');
    if (!why && args && op->operand[args - operands + 1] > 0) {
        uint32_t first = op->operand[args - operands], count = op->operand[args - operands + 1];
        if (first == ASL_NO_OPERAND)
            why = at_block(at, "arguments need a first slot");
        else if (count > at->machine->slots.count || first > at->machine->slots.count - count)
            why = at_block(at, "arguments reach past the last slot");
    }
    return why ? arena_format(at->plan->arena, "%s (%s)", why, ir_op_info[op->opcode].name) : NULL;
}

static const char *bad_tested(const struct place *at, uint32_t v) {
    bool other = at->watched && v != ASL_NO_OPERAND;
    if (other && v & ASL_CONSTANT)
        return bad_number(at, v);
    return other && v & IR_NUMBER ? bad_number(at, v & ~IR_NUMBER) : bad_slot(at, v, false);
}

static const char *bad_exit(const struct place *at, const struct ir_exit *e) {
    static const int targets[] = {[EXIT_JUMP] = 1, [EXIT_IF] = 2, [EXIT_SUSPEND] = 1, [EXIT_RETRY] = 2,
                                  [EXIT_CATCH] = -1, [EXIT_DONE] = 0, [EXIT_FAILED] = 0,
                                  [EXIT_BRANCH] = 2, [EXIT_GIVE_UP] = 1, [EXIT_RETURN] = 0};
    const struct ir_machine *m = at->machine;
    if (e->kind == EXIT_NONE || (size_t)e->kind >= sizeof targets / sizeof *targets)
        return at_block(at, "has no exit");
    if (targets[e->kind] >= 0 && e->target_count != (uint32_t)targets[e->kind])
        return at_block(at, "its exit has the wrong number of targets");
    if (e->kind == EXIT_GIVE_UP) {
        bool there = at->watched && e->target[0] < at->watched->blocks.count;
        return there && (e->target[0] == 0 || at->watched->blocks.items[e->target[0]]->resume) ? NULL : at_block(at, "gives up for no resume point of a watched machine");
    }
    for (uint32_t i = 0; i < e->target_count; i++) {
        if (e->target[i] >= m->blocks.count)
            return at_block(at, arena_format(at->plan->arena, "its exit goes to b%u, which does not exist", e->target[i]));
        bool waits = e->kind == EXIT_SUSPEND || (e->kind == EXIT_RETRY && i == 0);
        if (waits && !m->blocks.items[e->target[i]]->resume)
            return at_block(at, arena_format(at->plan->arena, "waits for b%u, which is no resume point", e->target[i]));
    }
    if ((e->kind == EXIT_RETRY || e->kind == EXIT_CATCH) && e->site >= at->plan->sites.count)
        return at_block(at, "its exit names a site that does not exist");
    if (e->kind == EXIT_IF) {
        if (e->test >= ASL_CHOICE_COUNT)
            return at_block(at, "unknown choice operator");
        const char *why = bad_tested(at, e->a);
        return why ? why : bad_tested(at, e->b);
    }
    return e->kind == EXIT_DONE ? bad_slot(at, e->a, false) : NULL;
}

// Work that is started must be waited for at once: nothing but slots lives across a suspend, and the op that starts the
// work is the last one before it.
static bool starts_work(uint8_t opcode) { return ir_op_info[opcode].flags & IR_STARTS; }

static const char *bad_block(const struct place *at, const struct ir_block *b) {
    const char *why = NULL;
    if (b->error != IR_NO_BLOCK && b->error >= at->machine->blocks.count)
        return at_block(at, "its error edge goes to a block that does not exist");
    if (b->state != ASL_NO_OPERAND && b->state >= at->plan->states.count)
        return at_block(at, "belongs to a state that does not exist");
    for (size_t i = 0; i < b->ops.count && !why; i++) {
        why = bad_op(at, &b->ops.items[i]);
        bool last = i + 1 == b->ops.count, waits = last && b->exit.kind == EXIT_SUSPEND;
        // An iteration lets the others' selectors go first, or goes on.
        bool starts = starts_work(b->ops.items[i].opcode) || (waits && b->ops.items[i].opcode == OP_ITEM);
        if (!why && starts != waits && (starts || last))
            why = at_block(at, "the op that starts work must be the last before a suspend, and only there");
    }
    if (!why && b->ops.count == 0 && b->exit.kind == EXIT_SUSPEND)
        why = at_block(at, "suspends without having started anything");
    for (size_t i = 0; i < b->ops.count + (b->ops.count == 0) && !why; i++) {
        bool asks = i < b->ops.count && ir_op_info[b->ops.items[i].opcode].flags & IR_ASKS;
        bool branches = i + 1 >= b->ops.count && b->exit.kind == EXIT_BRANCH;
        if (asks != branches)
            why = at_block(at, "an op that asks stands before a branch, and only there");
    }
    return why ? why : bad_exit(at, &b->exit);
}

static const char *bad_machine(struct place *at) {
    const struct ir_machine *m = at->machine;
    if (m->blocks.count == 0 || m->slots.count == 0 || m->params > m->slots.count)
        return arena_format(at->plan->arena, "%s @%zu needs a block, and a slot for itself and each parameter", at->kind,
                            at->machine_number);
    const char *why = NULL;
    for (size_t j = 0; j < m->captures.count && !why; j++)
        why = bad_slot(at, m->captures.items[j].slot, false);
    for (size_t j = 0; j < m->blocks.count && !why; j++) {
        at->block_number = j;
        why = bad_block(at, m->blocks.items[j]);
    }
    return why;
}

const char *ir_verify(const struct ir_plan *p) {
    const char *why = p->machines.count + p->functions.count ? NULL : "the plan has no machine";
    if (!why && p->quiet && p->machines.count != 2 * (size_t)p->quiet)
        why = "there must be as many quiet machines as others";
    for (size_t i = 0; i < p->machines.count && !why; i++)
        why = bad_machine(&(struct place){.plan = p, .machine = p->machines.items[i], .kind = "machine", .machine_number = i,
                                          .watched = p->quiet && i >= p->quiet ? p->machines.items[i - p->quiet] : NULL});
    for (size_t i = 0; i < p->functions.count && !why; i++)
        why = bad_machine(&(struct place){.plan = p, .machine = p->functions.items[i], .kind = "function", .machine_number = i});
    return why;
}
