// Shape: the ops of the new machine. What is not built yet is built here, once on each way.
#include "opt/shape/shape.h"

uint32_t shape_new_slot(struct shape *s) {
    return ir_slot(s->plan, s->m, arena_format(s->arena, "r%zu", s->m->slots.count - s->home));
}

uint32_t shape_new_block(struct shape *s, const char *name, uint32_t state) {
    return ir_block_new(s->plan, s->m, name, state);
}

void shape_leave_block(struct shape *s, enum ir_exit_kind kind, uint32_t a, uint32_t b, uint32_t count) {
    struct ir_exit *e = &shape_out_block(s, s->at.out)->exit;
    *e = (struct ir_exit){.kind = kind, .line = s->line, .column = s->column, .target_count = count};
    e->target = arena_alloc(s->arena, 2 * sizeof *e->target);
    e->target[0] = a;
    e->target[1] = b;
}

struct ir_op *shape_append(struct shape *s, enum ir_opcode opcode, const uint32_t *operands) {
    struct ir_op *op = ir_op(s->plan, shape_out_block(s, s->at.out), opcode, operands);
    op->line = s->line;
    op->column = s->column;
    s->ops++;
    return op;
}

void shape_count_events(struct shape *s) {
    struct env *e = &s->at.env;
    if (e->events || e->states)
        shape_append(s, OP_TICK, OPERANDS(e->events, e->states));
    e->events = e->states = 0;
}

// Where a failing op of this state goes: the watched machine begins the state again, or, when only a hope was not met, a
// version of it that hopes for nothing.
static uint32_t again(struct shape *s, bool hoped) { // hoped: that its expressions were what they were taken for
    uint32_t *again = hoped ? &s->hopes_less : &s->again;
    if (*again != IR_NO_BLOCK)
        return *again;
    const struct ir_block *b = s->from[s->entry];
    struct cursor kept = s->at;
    *again = shape_new_block(s, arena_format(s->arena, !hoped ? "%s.again" : s->trusts_less == REALS ? "%s.reals" : "%s.calls", b->name), s->state);
    s->at.out = *again;
    s->at.env = shape_env_copy(s, &s->entry_env);
    s->at.env.events = s->at.env.states = 0; // counted before the op that failed
    if (s->marked)
        shape_append(s, OP_UNMARK, OPERANDS(0));
    if (s->drawn)
        shape_append(s, OP_UNDRAW, OPERANDS(0));
    if (s->results)
        shape_append(s, OP_TAKE_BACK, OPERANDS(0));
    if (s->answer)
        shape_append(s, OP_GIVE_BACK, OPERANDS(s->answer->number));
    shape_to_homes(s, s->entry);
    if (hoped)
        shape_leave_block(s, EXIT_JUMP, shape_plain_version(s, s->entry, s->trusts_less), 0, 1);
    else
        shape_leave_block(s, EXIT_GIVE_UP, s->entry, 0, 1);
    s->at = kept;
    return *again;
}

// An op that may fail: then the state begins again.
void shape_fallible(struct shape *s, enum ir_opcode opcode, const uint32_t *operands) {
    bool called = opcode == OP_JX_EVAL || opcode == OP_EXPECT || opcode == OP_CONDITION; // which has its reasons
    if (!s->marked)
        shape_count_events(s);
    uint32_t to = again(s, s->hopes && !called), before = shape_out_block(s, s->at.out)->error;
    if (before != IR_NO_BLOCK && before != to) { // a block has one place to go to
        uint32_t out = shape_new_block(s, shape_out_block(s, s->at.out)->name, s->state);
        shape_leave_block(s, EXIT_JUMP, out, 0, 1);
        s->at.out = out;
    }
    shape_out_block(s, s->at.out)->error = to;
    shape_append(s, opcode, operands);
}

void shape_give_up(struct shape *s) {
    if (!s->marked)
        shape_count_events(s);
    uint32_t to = again(s, s->hopes);
    shape_leave_block(s, EXIT_JUMP, to, 0, 1);
}

// ---------------------------------------------------------------- building what is not built

// As an operand of kind 'v'.
uint32_t shape_operand(struct shape *s, struct sym *x) {
    return x->kind == CONST ? x->number | ASL_CONSTANT : shape_in_slot(s, x);
}

static uint32_t build(struct shape *s, struct sym *x) {
    uint32_t d;
    uint32_t *values = arena_alloc(s->arena, (x->count + 1) * sizeof *values);
    for (uint32_t i = 0; i < x->count; i++)
        if (x->items[i]->kind != NUMBER || x->base) // those are filled in as they are
            values[i] = x->base ? shape_in_slot(s, x->items[i]) : shape_operand(s, x->items[i]);
    if (x->kind == ARRAY && x->base) {
        uint32_t base = shape_in_slot(s, x->base);
        shape_append(s, OP_COPY, OPERANDS(d = shape_new_slot(s), base));
        for (uint32_t i = 0; i < x->count; i++)
            shape_append(s, OP_PUSH, OPERANDS(d, values[i]));
        return d;
    }
    if (x->kind == ARRAY) {
        shape_append(s, OP_LIST, OPERANDS(d = shape_new_slot(s), x->count));
        for (uint32_t i = 0; i < x->count; i++)
            if (x->items[i]->kind == NUMBER)
                shape_append(s, OP_LIST_INT, OPERANDS(d, i, x->items[i]->number));
            else
                shape_append(s, OP_LIST_ITEM, OPERANDS(d, i, values[i]));
        return d;
    }
    if (x->base) {
        uint32_t base = shape_in_slot(s, x->base);
        shape_append(s, OP_COPY, OPERANDS(d = shape_new_slot(s), base));
        shape_append(s, OP_OWN, OPERANDS(d, x->count));
        for (uint32_t i = 0; i < x->count; i++)
            shape_append(s, OP_SET, OPERANDS(d, x->keys[i], values[i]));
        return d;
    }
    shape_append(s, OP_RECORD, OPERANDS(d = shape_new_slot(s), x->count));
    for (uint32_t i = 0; i < x->count; i++)
        if (x->items[i]->kind == NUMBER)
            shape_append(s, OP_FILL_INT, OPERANDS(d, i, x->keys[i], x->items[i]->number));
        else
            shape_append(s, OP_FILL, OPERANDS(d, i, x->keys[i], values[i]));
    return d;
}

struct sym *shape_settled(struct shape *s, struct sym *x) {
    if (x->kind == ARRAY && x->base)
        return shape_sym_new(s, SLOT, shape_in_slot(s, x), TYPE(ASL_ARRAY));
    struct sym *changed = NULL;
    for (uint32_t i = 0; (x->kind == ARRAY || x->kind == OBJECT) && i < x->count; i++) {
        struct sym *item = shape_settled(s, x->items[i]);
        if (item == x->items[i])
            continue;
        if (!changed) { // others may know x as it is
            changed = shape_sym_new(s, x->kind, 0, x->types);
            *changed = *x;
            changed->items = arena_alloc(s->arena, x->count * sizeof *x->items);
            memcpy(changed->items, x->items, x->count * sizeof *x->items);
        }
        changed->items[i] = item;
    }
    return changed ? changed : x;
}

// The slot that holds x, which is built now unless it has been.
uint32_t shape_in_slot(struct shape *s, struct sym *x) {
    if (x->kind == SLOT)
        return x->number;
    struct sym *known = shape_find(&s->at.env, OP_BOX, x, 0, 0);
    if (known)
        return known->number;
    uint32_t d;
    if (x->kind == NUMBER)
        shape_append(s, OP_BOX, OPERANDS(d = shape_new_slot(s), x->number));
    else if (x->kind == REAL)
        shape_append(s, OP_BOX_REAL, OPERANDS(d = shape_new_slot(s), x->number));
    else if (x->kind == CONST)
        shape_append(s, OP_CONST, OPERANDS(d = shape_new_slot(s), x->number));
    else
        d = build(s, x);
    struct sym *made = shape_sym_new(s, SLOT, d, x->types);
    shape_learn(s, OP_BOX, x, 0, 0, made);
    if (x->kind == NUMBER || x->kind == REAL)
        shape_learn(s, x->kind == NUMBER ? OP_INT : OP_REAL, made, 0, 0, x);
    return d;
}

// An integer of which nothing is known but that: unboxed, or NULL when x cannot be one. It gives up when x is none.
struct sym *shape_as_number(struct shape *s, struct sym *x) {
    int64_t ignored;
    if (x->kind == NUMBER || shape_const_int(s, x, &ignored))
        return x;
    if (x->kind == REAL)
        return shape_find(&s->at.env, OP_FLOOR, x, 2, 0);
    if (x->kind != SLOT || !(shape_types_of(&s->at.env, x) & TYPE(ASL_INT)))
        return NULL;
    struct sym *known = shape_find(&s->at.env, OP_INT, x, 0, 0);
    if (known)
        return known;
    struct sym *n = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
    shape_fallible(s, OP_INT, OPERANDS(n->number, x->number));
    shape_learn(s, OP_INT, x, 0, 0, n);
    shape_learn(s, OP_BOX, n, 0, 0, x);
    shape_learn(s, OP_GUARD, x, TYPE(ASL_INT), 0, x);
    return n;
}

bool shape_within(struct shape *s, struct sym *n, uint32_t bits) {
    struct range r = shape_range_of(s, &s->at.env, n), wanted = shape_bits(bits);
    if (shape_in_range(r, wanted))
        return true;
    if (r.least > wanted.most || r.most < wanted.least)
        return false;
    shape_fallible(s, OP_WITHIN, OPERANDS(n->number, bits));
    shape_learn(s, OP_WITHIN, n, (uint64_t)wanted.least, (uint64_t)wanted.most, n);
    return true;
}

// Copies that happen at once: no source is overwritten before it is read.
void shape_move_all(struct shape *s, struct moves *m) {
    for (size_t i = 0; i < m->items.count; i++)
        for (size_t j = 0; j < i; j++)
            if (m->items.items[i].number == m->items.items[j].number && m->items.items[i].s == m->items.items[j].d &&
                m->items.items[j].d != m->items.items[j].s) {
                uint32_t t;
                if (m->items.items[i].number) {
                    if (m->items.items[i].s & ASL_CONSTANT)
                        continue;
                    shape_append(s, OP_MOVE, OPERANDS(t = s->m->numbers++, m->items.items[i].s));
                } else {
                    shape_append(s, OP_COPY, OPERANDS(t = shape_new_slot(s), m->items.items[i].s));
                }
                m->items.items[i].s = t;
                break;
            }
    for (size_t i = 0; i < m->items.count; i++)
        if (m->items.items[i].d != m->items.items[i].s)
            shape_append(s, m->items.items[i].number ? OP_MOVE : OP_COPY, OPERANDS(m->items.items[i].d, m->items.items[i].s));
}

void shape_put_home(struct shape *s, const uint64_t *slots) {
    struct moves moves = {0};
    for (uint32_t i = 0; i < s->home; i++) {
        struct sym *x = s->at.env.slot[i];
        if (!x || !(slots[i / 64] >> (i % 64) & 1) || (x->kind == SLOT && x->number == i))
            continue;
        uint32_t from = shape_in_slot(s, x);
        *vec_push(s->arena, &moves.items) = (struct move){i, from, false};
    }
    shape_move_all(s, &moves);
}

// Puts the slots that block reads where the watched machine has them.
void shape_to_homes(struct shape *s, uint32_t block) { shape_put_home(s, s->live[block]); }
