// Shape: one op of a state that only computes.
#include "opt/shape/shape.h"

static bool mentions(const struct sym *x, uint32_t slot) {
    if (!x)
        return false;
    if (x->kind == SLOT)
        return x->number == slot;
    for (uint32_t i = 0; i < x->count; i++)
        if (mentions(x->items[i], slot))
            return true;
    return x->base && mentions(x->base, slot);
}

static void forget_facts(struct shape *s, uint32_t slot) {
    struct env *e = &s->at.env;
    size_t kept = 0;
    for (size_t f = 0; f < e->facts.count; f++)
        if (!mentions(e->facts.items[f].s, slot) && !mentions(e->facts.items[f].result, slot))
            e->facts.items[kept++] = e->facts.items[f];
    e->facts.count = kept;
}

// What lies in a slot that is about to be written moves elsewhere. False: other things are made of it.
static bool vacate(struct shape *s, uint32_t at) {
    struct sym *elsewhere = NULL;
    for (uint32_t j = 0; j < s->home; j++) {
        struct sym **both[] = {&s->at.env.slot[j], &s->entry_env.slot[j]};
        for (int n = 0; n < 2; n++) {
            struct sym *x = *both[n];
            if (!mentions(x, at))
                continue;
            if (x->kind != SLOT)
                return false;
            if (!elsewhere) {
                elsewhere = shape_sym_new(s, SLOT, shape_new_slot(s), shape_types_of(&s->at.env, x));
                shape_append(s, OP_COPY, OPERANDS(elsewhere->number, at));
            }
            *both[n] = elsewhere;
        }
    }
    if (elsewhere)
        s->again = s->hopes_less = IR_NO_BLOCK; // what fails from here on finds it there
    forget_facts(s, at);
    return true;
}

// Children capture slots of their parent's: they are put where they belong.
static bool captures_home(struct shape *s, const struct site *site) {
    for (size_t i = 0; i < site->count; i++) {
        const struct ir_machine *child = s->plan->machines.items[site->machines[i]];
        for (size_t c = 0; c < child->captures.count; c++) {
            uint32_t at = child->captures.items[c].parent_slot;
            struct sym *x = s->at.env.slot[at];
            if (!x || x->kind == TEST)
                return false;
            if (x->kind == SLOT && x->number == at)
                continue;
            uint32_t from = shape_in_slot(s, x);
            if (!vacate(s, at))
                return false;
            shape_append(s, OP_COPY, OPERANDS(at, from));
        }
    }
    return true;
}

static uint32_t key(struct shape *s, const char *name) { return ir_const_string(s->plan, name, strlen(name)); }

static void learn_item(struct shape *s, struct sym *context) {
    struct sym *index = shape_sym_new(s, NUMBER, s->m->numbers++, TYPE(ASL_INT));
    index->range = (struct range){0, INT32_MAX}; // arrays are not longer
    shape_append(s, OP_ITEM_INDEX, OPERANDS(index->number));
    struct sym *item = shape_sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT)), *map = shape_sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT));
    item = shape_object_with(s, item, key(s, "Index"), index);
    item = shape_object_with(s, item, key(s, "Value"), s->item);
    map = shape_object_with(s, map, key(s, "Item"), item);
    shape_learn(s, OP_FIELD, context, key(s, "Map"), 0, map);
}

static void learn_state(struct shape *s, struct sym *context) {
    const char *name = s->plan->states.items[s->state].name;
    struct sym *state = shape_sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT));
    bool computes = !s->entered && !(s->iteration && s->entry == 0); // and this is all that is said of such a state
    if (!computes) {
        state->base = shape_sym_new(s, SLOT, shape_new_slot(s), TYPE(ASL_OBJECT));
        shape_append(s, OP_FIELD_MAYBE, OPERANDS(state->base->number, context->number, key(s, "State")));
    }
    state = shape_object_with(s, state, key(s, "Name"), shape_const_sym(s, key(s, name)));
    if (computes) {
        struct sym *entered = shape_sym_new(s, SLOT, shape_new_slot(s), TYPE(ASL_STRING));
        shape_append(s, OP_ENTERED_TIME, OPERANDS(entered->number, s->state));
        state = shape_object_with(s, state, key(s, "EnteredTime"), entered);
    }
    shape_learn(s, OP_FIELD, context, key(s, "State"), 0, state);
}

static void learn_execution(struct shape *s, struct sym *context) {
    static const char *const names[] = {"Execution", "StateMachine"};
    for (uint32_t which = 0; which < 2; which++) {
        struct sym *x = shape_sym_new(s, SLOT, shape_new_slot(s), TYPE(ASL_OBJECT));
        shape_append(s, OP_EXECUTION_CONTEXT, OPERANDS(x->number, which));
        shape_learn(s, OP_FIELD, context, key(s, names[which]), 0, x);
    }
}

// The Context object of this visit. What is known of it, the execution, the state's name and a Map's item, is so without it:
// what nobody asks for is removed later.
static struct sym *context(struct shape *s) {
    struct sym *x = shape_find(&s->at.env, OP_CONTEXT, NULL, s->entry, 0);
    if (x)
        return x;
    shape_count_events(s);
    x = shape_sym_new(s, SLOT, shape_new_slot(s), TYPE(ASL_OBJECT));
    if (s->entered)
        shape_append(s, OP_CONTEXT, OPERANDS(x->number));
    else if (s->iteration && s->entry == 0)
        shape_append(s, OP_ITEM_CONTEXT, OPERANDS(x->number));
    else
        shape_append(s, OP_STATE_CONTEXT, OPERANDS(x->number, s->state));
    shape_learn(s, OP_CONTEXT, NULL, s->entry, 0, x);
    learn_execution(s, x);
    learn_state(s, x);
    if (s->iteration)
        learn_item(s, x);
    return x;
}

// False: the state gives up here.
bool shape_run_op(struct shape *s, const struct ir_op *op) {
    const uint32_t *o = op->operand;
    struct sym **slot = s->at.env.slot, *x;
    if (op->line) {
        s->line = op->line;
        s->column = op->column;
    }
    switch ((int)op->opcode) {
    case OP_ENTER:
    case OP_ATTEMPT: return true; // the latter when all is ready for it
    case OP_EXIT:
        if (s->entered) {
            shape_run_exit(s, op);
            return true;
        }
        s->at.env.events += 2;
        s->at.env.states++;
        return true;
    case OP_POLL: {
        shape_count_events(s);
        uint32_t out = shape_new_block(s, shape_out_block(s, s->at.out)->name, s->state); // without an error edge: it ends the execution
        shape_leave_block(s, EXIT_JUMP, out, 0, 1);
        s->at.out = out;
        shape_append(s, OP_POLL, OPERANDS(0));
        return true;
    }
    case OP_MARK:
        shape_count_events(s);
        shape_append(s, OP_MARK, OPERANDS(0));
        s->marked = true;
        s->again = IR_NO_BLOCK; // what fails from here on has more to take back
        {
            uint32_t out = shape_new_block(s, shape_out_block(s, s->at.out)->name, s->state);
            shape_leave_block(s, EXIT_JUMP, out, 0, 1);
            s->at.out = out;
        }
        return true;
    case OP_TICK: // of branches that were put into their machine
        s->at.env.events += o[0];
        s->at.env.states += o[1];
        return true;
    case OP_CONST: slot[o[0]] = shape_const_sym(s, o[1]); return true;
    case OP_COPY: slot[o[0]] = slot[o[1] & ~ASL_LAST]; return slot[o[0]] != NULL;
    case OP_VARIABLE:
        x = slot[o[1] & ~ASL_LAST];
        if (!x)
            return false;
        if (x->kind == SLOT && shape_types_of(&s->at.env, x) & TYPE(ASL_NONE)) {
            shape_fallible(s, OP_GUARD, OPERANDS(x->number, ANY));
            shape_learn(s, OP_GUARD, x, ANY, 0, x);
        }
        slot[o[0]] = x;
        return true;
    case OP_OBJECT: slot[o[0]] = shape_sym_new(s, OBJECT, 0, TYPE(ASL_OBJECT)); return true;
    case OP_SET: {
        struct sym *value = slot[o[2] & ~ASL_LAST];
        if (!slot[o[0]] || !value || value->kind == TEST)
            return false;
        x = shape_as_object(s, slot[o[0]]);
        if (!x)
            return false; // lowering sets members of objects that it has just made
        slot[o[0]] = shape_bounded(s, shape_object_with(s, x, o[1], value));
        return true;
    }
    case OP_ARRAY:
        slot[o[0]] = shape_sym_new(s, ARRAY, 0, TYPE(ASL_ARRAY));
        slot[o[0]]->depth = 1;
        return true;
    case OP_PUSH: {
        struct sym *a = slot[o[0]], *value = slot[o[1] & ~ASL_LAST];
        if (!a || !value || value->kind == TEST)
            return false;
        if (a->kind != ARRAY || a->base || a->count >= MOST_MEMBERS) { // long ones are built as they grow
            uint32_t from = shape_in_slot(s, a), d = shape_new_slot(s), v = shape_in_slot(s, value);
            shape_append(s, OP_COPY, OPERANDS(d, from));
            shape_append(s, OP_PUSH, OPERANDS(d, v));
            slot[o[0]] = shape_sym_new(s, SLOT, d, TYPE(ASL_ARRAY));
            return true;
        }
        x = shape_sym_new(s, ARRAY, 0, TYPE(ASL_ARRAY));
        x->count = a->count + 1;
        x->items = arena_alloc(s->arena, x->count * sizeof *x->items);
        if (a->count)
            memcpy(x->items, a->items, a->count * sizeof *x->items);
        x->items[a->count] = value;
        x->depth = value->depth >= a->depth ? value->depth + 1 : a->depth;
        slot[o[0]] = shape_bounded(s, x);
        return true;
    }
    case OP_PATH: return shape_run_path(s, op);
    case OP_INTRINSIC: return shape_run_intrinsic(s, op);
    case OP_PUT: return shape_run_put(s, op);
    case OP_CONTEXT: slot[o[0]] = context(s); return true;
    case OP_ITEM: return true; // counted by who runs the iteration
    case OP_JX_EVAL: return shape_call_expression(s, op, false);
    case OP_EXPECT:
        x = slot[o[0] & ~ASL_LAST];
        if (!x || x->kind == TEST)
            return false;
        if (o[1] == ASL_EXPECT_NUMBER && (x->kind == NUMBER || x->types == TYPE(ASL_INT)))
            return true;
        shape_fallible(s, OP_EXPECT, OPERANDS(shape_in_slot(s, x), o[1], o[2]));
        return true;
    case OP_MAP:
    case OP_PARALLEL: {
        bool map = op->opcode == OP_MAP;
        x = slot[o[map ? 2 : 1] & ~ASL_LAST];
        if (!x || x->kind == TEST || (map && !(x->types & TYPE(ASL_ARRAY))) || !captures_home(s, &s->sites[o[0]]))
            return false;
        if (!s->marked) { // an ItemSelector's Context object shows the Map's state
            shape_count_events(s);
            shape_append(s, OP_ARRIVE, OPERANDS(s->state));
        }
        struct sym *results = shape_sym_new(s, SLOT, shape_new_slot(s), TYPE(ASL_ARRAY));
        shape_fallible(s, map ? OP_MAP_NOW : OP_PARALLEL_NOW, OPERANDS(results->number, o[0], shape_in_slot(s, x)));
        s->results = results;
        s->again = s->hopes_less = IR_NO_BLOCK; // what fails from here on has something to take back
        return true;
    }
    case OP_RESULT:
        if (s->entered)
            return shape_run_result(s, op);
        if (o[0] != ASL_NO_OPERAND)
            slot[o[0]] = s->results;
        return s->results != NULL;
    default: return false; // RAISE, FAIL
    }
}
