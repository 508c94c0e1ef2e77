// Quiet machines: ops that are code of runtime/hot.c, and what is kept in registers of the processor.
//
//     entry:      slots = frame->slot; events, states, polls, #0, #1 … are variables of the function
//     field:      r = call asl_hot_field(frame, &slots[d], &slots[s], key, cache)      inlined when there is bitcode
//     within:     #n fits 32 bits ? on : error block
//     if:         icmp of numbers; what is not a number is tested by asl_hot_test, whose operator is constant
//     give_up:    what was counted is told; the watched machine's step function goes on
//     poll:       in a watched machine, at the end of a round: the quiet one goes on when the runtime says so (ASL_HAND_BACK)
//
// What was counted is told before anything that may ask for it: ops of rt.def that count events, and every return. Cold blocks
// (heat.c) tell it at once, so that their many states do not have variables from one to the next.
#include "module.h"

#include <assert.h>
#include <string.h>

#include "hot.h"
#include "query.h"

static const struct {
    const char *symbol, *parameters;
    char result;
} hot_info[HOT_COUNT] = {
#define v 'v'
#define i 'i'
#define l 'l'
#define p 'p'
#define HOT(name, result, parameters) {"asl_hot_" #name, parameters, result},
#include "hot.def"
#undef HOT
#undef v
#undef i
#undef l
#undef p
};

static LLVMTypeRef type_of(struct emit *e, char letter) {
    return letter == 'v' ? e->void_type : letter == 'i' ? e->i32 : letter == 'l' ? e->i64 : e->ptr;
}

#ifdef ASLC_HOT_BITCODE
enum { HAS_BITCODE = 1 };
#else
enum { HAS_BITCODE = 0 };
#endif

// What is to be inlined has a name of its own until it is: elsewhere the library's function is called.
static const char *inline_name(struct emit *e, int entry) { return arena_format(e->arena, "%s.inline", hot_info[entry].symbol); }

static LLVMValueRef call(struct emit *e, enum hot_entry entry, LLVMValueRef *arguments) {
    bool inlined = HAS_BITCODE && e->in_warm && e->inlines;
    struct emit_function *f = &e->hot[inlined][entry];
    unsigned count = (unsigned)strlen(hot_info[entry].parameters);
    if (!f->value) {
        LLVMTypeRef parameters[10];
        for (unsigned n = 0; n < count; n++)
            parameters[n] = type_of(e, hot_info[entry].parameters[n]);
        *f = emit_declare(e, inlined ? inline_name(e, entry) : hot_info[entry].symbol, type_of(e, hot_info[entry].result), parameters, count);
        emit_attribute(e, f->value, LLVMAttributeFunctionIndex, "nounwind", 0);
    }
    return emit_call(e, *f, arguments, count, "");
}
#define ARGUMENTS(...) ((LLVMValueRef[]){__VA_ARGS__})

static LLVMValueRef i64(struct emit *e, int64_t n) { return LLVMConstInt(e->i64, (uint64_t)n, true); }

static LLVMValueRef is_not(struct emit *e, LLVMValueRef value, int64_t what) {
    return LLVMBuildICmp(e->builder, LLVMIntNE, value, LLVMConstInt(LLVMTypeOf(value), (uint64_t)what, true), "");
}

// ---------------------------------------------------------------- operands

// Where the value of a slot is. Ops write to slots only.
static LLVMValueRef slot(struct emit *e, uint32_t number) {
    if (ir_is_view(e->machine, number & ~ASL_LAST))
        return LLVMBuildLoad2(e->builder, e->ptr, e->views[number & ~ASL_LAST], "");
    if (e->locals[number & ~ASL_LAST])
        return e->locals[number & ~ASL_LAST];
    LLVMValueRef offset = i64(e, (int64_t)(number & ~ASL_LAST) * (int64_t)sizeof(asl_value));
    return LLVMBuildInBoundsGEP2(e->builder, e->i8, e->slots, &offset, 1, "");
}

// A constant that owns nothing as its two words: what the runtime reads from the image is the same.
static bool as_words(struct emit *e, uint32_t k, int64_t words[2]) {
    asl_value value;
    const char *json = e->plan->constants.items[k];
    if (asl_json_parse(asl_str_z(json), &(asl_json_limits){.lone_surrogates = true}, &value, NULL) < 0)
        return false;
    bool text = value.tag == ASL_STRING || value.tag == ASL_NUMBER_TEXT;
    bool owns = value.tag >= ASL_ARRAY || (text && value.size == ASL_ON_HEAP);
    memcpy(words, &value, sizeof value);
    asl_release(value);
    return !owns;
}

static LLVMValueRef constant_words(struct emit *e, LLVMValueRef *words, unsigned count, const char *name) {
    LLVMValueRef array = LLVMConstArray2(e->i64, words, count);
    LLVMValueRef g = LLVMAddGlobal(e->module, LLVMTypeOf(array), name);
    LLVMSetInitializer(g, array);
    LLVMSetGlobalConstant(g, true);
    LLVMSetLinkage(g, LLVMPrivateLinkage);
    LLVMSetUnnamedAddress(g, LLVMGlobalUnnamedAddr);
    LLVMSetAlignment(g, 16);
    return g;
}

static LLVMValueRef operand(struct emit *e, uint32_t value) {
    int64_t words[2];
    if (value == ASL_NO_OPERAND)
        return LLVMConstPointerNull(e->ptr);
    if (!(value & ASL_CONSTANT))
        return slot(e, value);
    uint32_t k = value & ~ASL_CONSTANT;
    if (!as_words(e, k, words))
        return call(e, HOT_constant, ARGUMENTS(e->frame, emit_i32(e, k)));
    return constant_words(e, ARGUMENTS(i64(e, words[0]), i64(e, words[1])), 2, "constant");
}

static bool owns(const struct emit *e, uint32_t number) {
    number &= ~ASL_LAST;
    return e->owns[number / 64] >> (number % 64) & 1;
}

// Whether what is in the slot can be written over without a look.
static LLVMValueRef fresh(struct emit *e, uint32_t number) { return emit_i32(e, !owns(e, number)); }

static LLVMValueRef number(struct emit *e, uint32_t value) {
    int64_t words[2] = {0, 0};
    if (value & ASL_CONSTANT) {
        as_words(e, value & ~ASL_CONSTANT, words);
        return i64(e, words[1]);
    }
    return LLVMBuildLoad2(e->builder, e->i64, e->numbers[value], "");
}

static void set_number(struct emit *e, uint32_t n, LLVMValueRef value) { LLVMBuildStore(e->builder, value, e->numbers[n]); }

// A double: the number is its bits.
static LLVMValueRef real(struct emit *e, uint32_t n) {
    return LLVMBuildBitCast(e->builder, number(e, n), LLVMDoubleTypeInContext(e->context), "");
}

static LLVMValueRef constant_real(struct emit *e, uint32_t k) {
    asl_value v;
    double d = 0;
    if (asl_json_parse(asl_str_z(e->plan->constants.items[k]), NULL, &v, NULL) == 0) {
        d = asl_is_number(&v) ? asl_number(&v) : 0;
        asl_release(v);
    }
    return LLVMConstReal(LLVMDoubleTypeInContext(e->context), d);
}

static void set_real(struct emit *e, uint32_t n, LLVMValueRef value) {
    set_number(e, n, LLVMBuildBitCast(e->builder, value, e->i64, ""));
}

static LLVMValueRef head_of_int(struct emit *e) {
    asl_value zero = asl_int(0);
    int64_t words[2];
    memcpy(words, &zero, sizeof words);
    return i64(e, words[0]);
}

// ---------------------------------------------------------------- what is counted

static LLVMValueRef variable(struct emit *e, const char *name) {
    LLVMValueRef at = LLVMBuildAlloca(e->builder, e->i64, name);
    LLVMBuildStore(e->builder, i64(e, 0), at);
    return at;
}

static bool has_op(const struct ir_machine *m, enum ir_opcode opcode) {
    for (size_t b = 0; b < m->blocks.count; b++)
        for (size_t o = 0; o < m->blocks.items[b]->ops.count; o++)
            if (m->blocks.items[b]->ops.items[o].opcode == opcode)
                return true;
    return false;
}

// Cold blocks that warm ones go to: they tell what those have counted.
static const bool *find_cooling(struct emit *e, const struct ir_machine *m) {
    bool *cooling = arena_alloc(e->arena, m->blocks.count * sizeof *cooling);
    for (size_t b = 0; b < m->blocks.count; b++) {
        const struct ir_block *block = m->blocks.items[b];
        uint32_t targets = block->exit.kind == EXIT_GIVE_UP ? 0 : block->exit.target_count;
        for (uint32_t t = 0; t <= targets && e->warm_blocks[b]; t++) {
            uint32_t to = t < targets ? block->exit.target[t] : block->error;
            if (to != IR_NO_BLOCK)
                cooling[to] = !e->warm_blocks[to];
        }
    }
    return cooling;
}

// Of states and events, what follows from the count of polls is not counted by itself: a loop then has one counter. With c
// states entered from one poll to the next (in most loops a constant), and two events a state, there remain
//
//     untold states = states + c * polls                    both change by nothing in such a loop: LLVM sees c - c
//     untold events = events + 2 * untold states

static bool polls(const struct ir_block *b) {
    for (size_t o = 0; o < b->ops.count; o++)
        if (b->ops.items[o].opcode == OP_POLL)
            return true;
    return false;
}

static int64_t states_of(const struct ir_block *b) {
    int64_t n = 0;
    for (size_t o = 0; o < b->ops.count; o++)
        if (b->ops.items[o].opcode == OP_TICK)
            n += b->ops.items[o].operand[1];
    return n;
}

// States on some way from a poll to the next: the last loop's, which knows its types best. -1: there is no poll.
static int64_t states_a_poll(struct emit *e, const struct ir_machine *m) {
    uint32_t last = 0, *stack = arena_alloc(e->arena, (m->blocks.count + 1) * sizeof *stack);
    int64_t *far = arena_alloc(e->arena, (m->blocks.count + 1) * sizeof *far); // from the poll to the block's end
    bool any = false, *seen = arena_alloc(e->arena, m->blocks.count + 1);
    seen[0] = true; // a Map's next item is no round of such a loop
    for (uint32_t b = 0; b < m->blocks.count; b++)
        if (polls(m->blocks.items[b]))
            last = b, any = true;
    if (!any)
        return -1;
    size_t depth = 0;
    stack[depth++] = last;
    while (depth) {
        uint32_t at = stack[--depth];
        const struct ir_exit *x = &m->blocks.items[at]->exit;
        for (uint32_t t = 0; t < x->target_count && x->kind != EXIT_GIVE_UP; t++) {
            uint32_t to = x->target[t];
            if (seen[to])
                continue;
            seen[to] = true;
            far[to] = far[at] + states_of(m->blocks.items[to]);
            if (polls(m->blocks.items[to]))
                return far[to];
            stack[depth++] = to;
        }
    }
    return 0;
}

static LLVMValueRef load(struct emit *e, LLVMValueRef variable) { return LLVMBuildLoad2(e->builder, e->i64, variable, ""); }

static void add_to(struct emit *e, LLVMValueRef variable, int64_t n) {
    if (n)
        LLVMBuildStore(e->builder, LLVMBuildAdd(e->builder, load(e, variable), i64(e, n), ""), variable);
}

static LLVMValueRef polled_states(struct emit *e) {
    return e->polls ? LLVMBuildMul(e->builder, load(e, e->polls), i64(e, e->states_a_poll), "") : i64(e, 0);
}

static LLVMValueRef untold_states(struct emit *e) { return LLVMBuildAdd(e->builder, load(e, e->states), polled_states(e), ""); }

static void set_untold_states(struct emit *e, LLVMValueRef n) {
    LLVMBuildStore(e->builder, LLVMBuildSub(e->builder, n, polled_states(e), ""), e->states);
}

static void frame_slot(bool *framed, const struct ir_op *op) {
    const char *kinds = ir_op_info[op->opcode].operands;
    bool takes_addresses = ir_op_info[op->opcode].flags & IR_HOT || op->opcode == OP_COPY || op->opcode == OP_CONST || op->opcode == OP_SET;
    for (size_t i = 0; kinds[i]; i++) {
        uint32_t o = op->operand[i], count = kinds[i] == 'a' ? op->operand[i + 1] : kinds[i] == 'D' || kinds[i] == 'X' ? 2 : 1;
        bool slot = strchr("dsxaDXv", kinds[i]) && o != ASL_NO_OPERAND && !(kinds[i] == 'v' && o & ASL_CONSTANT);
        for (uint32_t n = 0; slot && n < count; n++)
            framed[(o & ~ASL_LAST) + n] |= !takes_addresses || strchr("aDX", kinds[i]);
    }
}

// Slots that own nothing where the machine ends, and that only ops which take addresses name, need no place in the frame:
// as variables of the function they are registers, mostly.
static void find_locals(struct emit *e, const struct ir_machine *m) {
    bool *framed = arena_alloc(e->arena, m->slots.count + 1);
    for (size_t b = 0; b < m->blocks.count; b++) {
        const struct ir_block *block = m->blocks.items[b];
        bool ends = block->exit.kind == EXIT_DONE || block->exit.kind == EXIT_RETURN;
        if (block->exit.kind == EXIT_SUSPEND || block->exit.kind == EXIT_RETRY)
            return;
        memcpy(e->owns, e->owning[b], (m->slots.count / 64 + 1) * sizeof *e->owns);
        for (size_t o = 0; o < block->ops.count; o++) {
            frame_slot(framed, &block->ops.items[o]);
            opt_owning_after(e->plan, &block->ops.items[o], e->owns);
        }
        for (uint32_t n = 0; ends && n < m->slots.count; n++)
            framed[n] |= owns(e, n) && !(block->exit.kind == EXIT_DONE && block->exit.a == (n | ASL_LAST));
    }
    for (uint32_t n = (uint32_t)e->plan->machines.items[e->number - e->plan->quiet]->slots.count; n < m->slots.count; n++)
        if (!framed[n] && !ir_is_view(m, n)) {
            e->locals[n] = LLVMBuildAlloca(e->builder, LLVMArrayType2(e->i64, 2), "local");
            LLVMBuildStore(e->builder, LLVMConstNull(LLVMArrayType2(e->i64, 2)), e->locals[n]);
        }
}

// What else would be lost.
static void let_go(struct emit *e, uint32_t n) {
    if (e->locals[n])
        call(e, HOT_words, ARGUMENTS(e->locals[n], i64(e, 0), i64(e, 0), emit_i32(e, false)));
}

void emit_hot_failed(struct emit *e) {
    for (uint32_t n = 0; n < e->machine->slots.count; n++)
        let_go(e, n);
}

void emit_hot_begin(struct emit *e, const struct ir_machine *m) {
    bool marks = has_op(m, OP_MARK);
    e->given_up = NULL;
    e->watched_points = NULL;
    e->slots = LLVMBuildLoad2(e->builder, e->ptr, e->frame, "slots");
    e->keys = call(e, HOT_keys, ARGUMENTS(e->frame));
    e->cache = call(e, HOT_caches, ARGUMENTS(e->frame));
    e->heap = call(e, HOT_heap, ARGUMENTS(e->frame));
    e->events = e->polls = NULL;
    e->cooling = e->warm_blocks && !marks ? find_cooling(e, m) : NULL;
    e->keeps = e->warm_blocks || marks;
    if (e->keeps) {
        e->events = variable(e, "events");
        e->states = variable(e, "states");
        e->marks[0] = variable(e, "events.mark");
        e->marks[1] = variable(e, "states.mark");
    }
    e->boxes[0] = LLVMBuildAlloca(e->builder, LLVMArrayType2(e->i64, 2), "left");
    e->boxes[1] = LLVMBuildAlloca(e->builder, LLVMArrayType2(e->i64, 2), "right");
    e->states_a_poll = e->warm_blocks ? states_a_poll(e, m) : -1;
    if (e->states_a_poll >= 0) {
        e->polls = variable(e, "polls");
        LLVMBuildStore(e->builder, call(e, HOT_polls, ARGUMENTS(e->frame)), e->polls);
        set_untold_states(e, i64(e, 0));
    }
    e->owning = opt_owning(e->plan, m);
    e->owns = arena_alloc(e->arena, (m->slots.count / 64 + 1) * sizeof *e->owns);
    e->views = arena_alloc(e->arena, (m->slots.count + 1) * sizeof *e->views);
    for (uint32_t n = 0; n < m->slots.count; n++)
        e->views[n] = ir_is_view(m, n) ? LLVMBuildAlloca(e->builder, e->ptr, "view") : NULL;
    e->locals = arena_alloc(e->arena, (m->slots.count + 1) * sizeof *e->locals);
    if (e->warm_blocks && e->inlines)
        find_locals(e, m);
    e->numbers = arena_alloc(e->arena, (m->numbers + 1) * sizeof *e->numbers);
    for (uint32_t n = 0; n < m->numbers; n++)
        e->numbers[n] = variable(e, "number");
}

void emit_hot_block(struct emit *e, uint32_t number) {
    memcpy(e->owns, e->owning[number], (e->machine->slots.count / 64 + 1) * sizeof *e->owns);
    if (e->cooling && e->cooling[number]) {
        e->keeps = true;
        emit_hot_leave(e);
    }
    e->keeps = e->cooling ? e->in_warm : e->events != NULL;
}

static void end_giving_up(struct emit *e) {
    const struct ir_machine *watched = e->plan->machines.items[e->number - e->plan->quiet];
    LLVMPositionBuilderAtEnd(e->builder, LLVMGetInstructionParent(e->given_up));
    emit_debug_outside(e);
    e->keeps = e->events != NULL; // some warm block may have come here
    emit_hot_leave(e);
    LLVMValueRef now = call(e, HOT_give_up, ARGUMENTS(e->frame, emit_i32(e, e->number - e->plan->quiet), e->given_up,
                                                      emit_i32(e, (uint32_t)watched->slots.count)));
    LLVMBasicBlockRef failed = emit_following(e, "failed"), go_on = emit_following(e, "watched");
    LLVMBuildCondBr(e->builder, is_not(e, now, 0), failed, go_on);
    LLVMPositionBuilderAtEnd(e->builder, failed);
    LLVMBuildRet(e->builder, emit_i32(e, ASL_FAILED));
    LLVMPositionBuilderAtEnd(e->builder, go_on);
    struct emit_function step = {e->steps[e->number - e->plan->quiet], LLVMFunctionType(e->i32, &e->ptr, 1, false)};
    LLVMValueRef outcome = emit_call(e, step, &e->frame, 1, "");
    LLVMSetTailCall(outcome, true);
    emit_debug_none(e);
    LLVMBuildRet(e->builder, outcome);
}

// The resume point of the quiet machine that begins where the watched one goes next; ASL_NO_OPERAND: there is none.
static uint32_t point_of(struct emit *e, const struct ir_block *next) {
    const struct ir_machine *quiet = e->plan->machines.items[e->number + e->plan->quiet];
    uint32_t *points, count = ir_resume_points(e->arena, quiet, &points);
    for (uint32_t i = 0; i < count; i++) {
        const struct ir_block *b = quiet->blocks.items[points[i]];
        if (b->resume && b->state == next->state && strcmp(b->name, next->name) == 0)
            return i;
    }
    return ASL_NO_OPERAND;
}

LLVMValueRef emit_hot_hand_back(struct emit *e, const struct ir_block *b, LLVMValueRef poll) {
    uint32_t machine = e->number + e->plan->quiet, point = point_of(e, e->machine->blocks.items[b->exit.target[0]]);
    if (point != ASL_NO_OPERAND) {
        LLVMBasicBlockRef on = emit_following(e, "on"), back = emit_following(e, "hand_back");
        LLVMValueRef branch = LLVMBuildCondBr(e->builder, LLVMBuildICmp(e->builder, LLVMIntEQ, poll, emit_i32(e, ASL_HAND_BACK), ""), back, on);
        LLVMSetMetadata(branch, e->weights, e->unlikely);
        LLVMPositionBuilderAtEnd(e->builder, back);
        call(e, HOT_hand_back, ARGUMENTS(e->frame, emit_i32(e, machine), emit_i32(e, point)));
        struct emit_function step = {e->steps[machine], LLVMFunctionType(e->i32, &e->ptr, 1, false)};
        LLVMValueRef outcome = emit_call(e, step, &e->frame, 1, "");
        LLVMSetTailCall(outcome, true);
        LLVMBuildRet(e->builder, outcome);
        LLVMPositionBuilderAtEnd(e->builder, on);
    }
    return LLVMBuildZExt(e->builder, LLVMBuildICmp(e->builder, LLVMIntEQ, poll, emit_i32(e, 1), ""), e->i32, "");
}

void emit_hot_end(struct emit *e) {
    if (e->given_up)
        end_giving_up(e);
    // What no op has asked for.
    LLVMValueRef begun[] = {e->keys, e->cache, e->heap};
    for (size_t i = 0; i < sizeof begun / sizeof *begun; i++)
        if (!LLVMGetFirstUse(begun[i]))
            LLVMInstructionEraseFromParent(begun[i]);
}

void emit_hot_tell(struct emit *e) {
    if (!e->keeps)
        return;
    LLVMValueRef states = untold_states(e);
    LLVMValueRef events = LLVMBuildAdd(e->builder, load(e, e->events), LLVMBuildMul(e->builder, states, i64(e, 2), ""), "");
    call(e, HOT_tick, ARGUMENTS(e->frame, events, states));
    LLVMBuildStore(e->builder, i64(e, 0), e->events);
    set_untold_states(e, i64(e, 0));
}

void emit_hot_leave(struct emit *e) {
    emit_hot_tell(e);
    if (e->polls)
        call(e, HOT_set_polls, ARGUMENTS(e->frame, load(e, e->polls)));
}

static bool is_silent(uint8_t opcode) {
    switch ((int)opcode) {
    case OP_CONST: case OP_COPY: case OP_VARIABLE: case OP_PATH: case OP_OBJECT: case OP_SET: case OP_ARRAY: case OP_PUSH:
    case OP_INTRINSIC: case OP_PUT: return true;
    default: return false;
    }
}

// ---------------------------------------------------------------- ops

static LLVMValueRef load_at(struct emit *e, LLVMTypeRef type, LLVMValueRef base, int64_t offset) {
    LLVMValueRef by = i64(e, offset);
    return LLVMBuildLoad2(e->builder, type, LLVMBuildInBoundsGEP2(e->builder, e->i8, base, &by, 1, ""), "");
}

static LLVMValueRef outside(struct emit *e, LLVMValueRef n, uint32_t bits) {
    // n + 2^53, unsigned, is not less than 2^54. For 32 bits a narrowing does it.
    if (bits == 32) {
        LLVMValueRef narrow = LLVMBuildTrunc(e->builder, n, e->i32, "");
        return LLVMBuildICmp(e->builder, LLVMIntNE, LLVMBuildSExt(e->builder, narrow, e->i64, ""), n, "");
    }
    LLVMValueRef moved = LLVMBuildAdd(e->builder, n, i64(e, INT64_C(1) << 53), "");
    return LLVMBuildICmp(e->builder, LLVMIntUGE, moved, i64(e, INT64_C(1) << 54), "");
}

static void emit_const(struct emit *e, uint32_t d, uint32_t k) {
    int64_t words[2];
    if (as_words(e, k, words))
        call(e, HOT_words, ARGUMENTS(slot(e, d), i64(e, words[0]), i64(e, words[1]), fresh(e, d)));
    else
        call(e, HOT_copy, ARGUMENTS(slot(e, d), operand(e, k | ASL_CONSTANT), fresh(e, d)));
}

static void emit_fill(struct emit *e, const uint32_t *o) {
    int64_t words[2];
    LLVMValueRef x = slot(e, o[0]), at = emit_i32(e, o[1]), key = emit_i32(e, o[2]), keys = e->keys;
    if (o[3] & ASL_CONSTANT && as_words(e, o[3] & ~ASL_CONSTANT, words))
        call(e, HOT_fill_words, ARGUMENTS(e->frame, keys, x, at, key, i64(e, words[0]), i64(e, words[1])));
    else if (o[3] & ASL_CONSTANT || !(o[3] & ASL_LAST))
        call(e, HOT_fill, ARGUMENTS(e->frame, keys, x, at, key, operand(e, o[3])));
    else
        call(e, HOT_fill_last, ARGUMENTS(e->frame, keys, x, at, key, operand(e, o[3])));
}

static void emit_list_item(struct emit *e, const uint32_t *o) {
    int64_t words[2];
    LLVMValueRef x = slot(e, o[0]), at = emit_i32(e, o[1]);
    if (o[2] & ASL_CONSTANT && as_words(e, o[2] & ~ASL_CONSTANT, words))
        call(e, HOT_list_words, ARGUMENTS(x, at, i64(e, words[0]), i64(e, words[1])));
    else
        call(e, o[2] & ASL_CONSTANT || !(o[2] & ASL_LAST) ? HOT_list_item : HOT_list_item_last, ARGUMENTS(x, at, operand(e, o[2])));
}

static void emit_copy(struct emit *e, uint32_t d, uint32_t s) {
    if (d == (s & ~ASL_LAST))
        return;
    call(e, s & ASL_LAST ? HOT_move : HOT_copy, ARGUMENTS(slot(e, d), slot(e, s), fresh(e, d)));
}

// What was read for the last time is let go.
static void drop_last(struct emit *e, const struct ir_op *op) {
    const char *kinds = ir_op_info[op->opcode].operands;
    for (int o = 0; kinds[o]; o++) {
        uint32_t s = op->operand[o];
        if ((kinds[o] == 's' || kinds[o] == 'v') && s != ASL_NO_OPERAND && !(s & ASL_CONSTANT) && s & ASL_LAST && owns(e, s))
            call(e, HOT_words, ARGUMENTS(slot(e, s), i64(e, 0), i64(e, 0), fresh(e, s)));
    }
}

// As asl_hot_text.
static void text_words(struct emit *e, asl_str text, LLVMValueRef words[3]) {
    uint64_t halves[2] = {0, 0};
    for (size_t i = 0; i < text.size && text.size <= sizeof halves; i++)
        halves[i / 8] |= (uint64_t)(uint8_t)text.data[i] << i % 8 * 8;
    words[0] = i64(e, (int64_t)text.size);
    words[1] = i64(e, (int64_t)halves[0]);
    words[2] = i64(e, (int64_t)halves[1]);
}

// What stands between the places of a template.
static LLVMValueRef pieces_of(struct emit *e, uint32_t k) {
    asl_value v;
    LLVMValueRef words[3 * 5];
    unsigned count = 0;
    asl_json_parse(asl_str_z(e->plan->constants.items[k]), &(asl_json_limits){.lone_surrogates = true}, &v, NULL);
    asl_str t = asl_text_of(&v);
    for (size_t from = 0, at = 0; at <= t.size && count < 15; at++) {
        bool place = at + 1 < t.size && t.data[at] == '{' && t.data[at + 1] == '}';
        if (at < t.size && !place)
            continue;
        text_words(e, (asl_str){t.data + from, at - from}, words + count);
        count += 3;
        from = at + 2;
        at++;
    }
    asl_release(v);
    return constant_words(e, words, count, "pieces");
}

static LLVMValueRef emit_format(struct emit *e, const uint32_t *o) {
    LLVMValueRef a[10] = {e->frame, slot(e, o[0]), emit_i32(e, o[1]), pieces_of(e, o[1]), fresh(e, o[0])};
    uint32_t count = 0;
    for (uint32_t n = 0; n < 4; n++) {
        a[5 + n] = operand(e, o[2 + n]);
        count += o[2 + n] != ASL_NO_OPERAND;
    }
    a[9] = emit_i32(e, count);
    return is_not(e, call(e, count == 1 ? HOT_format_one : HOT_format, a), 0);
}

// A function of up to four values, which follow d and, when there is one, its number.
static LLVMValueRef emit_function_of_four(struct emit *e, enum hot_entry entry, const uint32_t *o, bool numbered) {
    LLVMValueRef a[9] = {e->frame, slot(e, o[0])};
    uint32_t count = 0, at = 2;
    if (numbered)
        a[at++] = emit_i32(e, o[1]);
    a[at++] = fresh(e, o[0]);
    for (uint32_t n = 0; n < 4; n++) {
        uint32_t from = o[1 + numbered + n];
        a[at++] = operand(e, from);
        count += from != ASL_NO_OPERAND;
    }
    a[at] = emit_i32(e, count);
    return is_not(e, call(e, entry, a), 0);
}

// The answer of the block that was come from.
static LLVMValueRef arrived(struct emit *e, LLVMValueRef a, LLVMBasicBlockRef from_a, LLVMValueRef b, LLVMBasicBlockRef from_b) {
    LLVMValueRef phi = LLVMBuildPhi(e->builder, e->i1, "");
    LLVMAddIncoming(phi, ARGUMENTS(a, b), (LLVMBasicBlockRef[]){from_a, from_b}, 2);
    return phi;
}

// Neither infinite nor no number, and not -0: those are for an evaluation to deal with.
static LLVMValueRef is_odd(struct emit *e, LLVMValueRef x, bool signed_zero) {
    LLVMValueRef zero = LLVMConstReal(LLVMTypeOf(x), 0);
    LLVMValueRef odd = LLVMBuildFCmp(e->builder, LLVMRealUNE, LLVMBuildFSub(e->builder, x, x, ""), zero, "");
    if (!signed_zero)
        return odd;
    LLVMValueRef bits = LLVMBuildBitCast(e->builder, x, e->i64, "");
    return LLVMBuildOr(e->builder, odd, LLVMBuildICmp(e->builder, LLVMIntEQ, bits, i64(e, INT64_MIN), ""), "");
}

static LLVMValueRef emit_calculate(struct emit *e, const uint32_t *o) {
    LLVMValueRef a = real(e, o[1]), b = real(e, o[2]), d;
    switch (o[3]) {
    case 0: d = LLVMBuildFAdd(e->builder, a, b, ""); break;
    case 1: d = LLVMBuildFSub(e->builder, a, b, ""); break;
    case 2: d = LLVMBuildFMul(e->builder, a, b, ""); break;
    case 3: d = LLVMBuildFDiv(e->builder, a, b, ""); break;
    default: {
        LLVMValueRef x = LLVMBuildBitCast(e->builder, a, e->i64, ""), y = LLVMBuildBitCast(e->builder, b, e->i64, "");
        d = LLVMBuildBitCast(e->builder, call(e, HOT_remainder, ARGUMENTS(x, y)), LLVMTypeOf(a), "");
    }
    }
    set_real(e, o[0], d);
    return is_odd(e, d, o[3] > 1);
}

// By way of an integer: the processor may have no instruction for it. How: 0 down, 1 up, 2 it must be one.
static LLVMValueRef emit_floor(struct emit *e, const uint32_t *o) {
    LLVMValueRef x = real(e, o[1]), most = LLVMConstReal(LLVMTypeOf(x), 0x1p53 - 1), least = LLVMConstReal(LLVMTypeOf(x), -0x1p53);
    LLVMValueRef large = LLVMBuildOr(e->builder, LLVMBuildFCmp(e->builder, LLVMRealUGT, x, most, ""), LLVMBuildFCmp(e->builder, LLVMRealULT, x, least, ""), "");
    LLVMValueRef n = LLVMBuildFPToSI(e->builder, LLVMBuildSelect(e->builder, large, most, x, ""), e->i64, "");
    LLVMValueRef back = LLVMBuildSIToFP(e->builder, n, LLVMTypeOf(x), "");
    if (o[2] == 0) {
        n = LLVMBuildSub(e->builder, n, LLVMBuildZExt(e->builder, LLVMBuildFCmp(e->builder, LLVMRealOGT, back, x, ""), e->i64, ""), "");
    } else if (o[2] == 1) { // what becomes 0 from below is -0
        n = LLVMBuildAdd(e->builder, n, LLVMBuildZExt(e->builder, LLVMBuildFCmp(e->builder, LLVMRealOLT, back, x, ""), e->i64, ""), "");
        LLVMValueRef zero = LLVMConstReal(LLVMTypeOf(x), 0);
        LLVMValueRef minus = LLVMBuildAnd(e->builder, LLVMBuildFCmp(e->builder, LLVMRealOLT, x, zero, ""), LLVMBuildICmp(e->builder, LLVMIntEQ, n, i64(e, 0), ""), "");
        large = LLVMBuildOr(e->builder, large, minus, "");
    } else {
        large = LLVMBuildOr(e->builder, large, LLVMBuildFCmp(e->builder, LLVMRealUNE, back, x, ""), "");
    }
    set_number(e, o[0], n);
    return large;
}

// Once in ASL_POLLS times the runtime looks at the clock; the block it is in has nothing else that can fail.
static LLVMValueRef emit_poll(struct emit *e) {
    LLVMValueRef polls = LLVMBuildAdd(e->builder, load(e, e->polls), i64(e, 1), "");
    LLVMBasicBlockRef now = emit_following(e, "poll.now"), ok = emit_following(e, "poll.ok");
    LLVMMoveBasicBlockBefore(now, ok);
    LLVMBuildStore(e->builder, polls, e->polls);
    add_to(e, e->states, -e->states_a_poll);
    LLVMValueRef due = LLVMBuildICmp(e->builder, LLVMIntUGE, polls, i64(e, ASL_POLLS), "");
    LLVMBasicBlockRef from = LLVMGetInsertBlock(e->builder);
    LLVMSetMetadata(LLVMBuildCondBr(e->builder, due, now, ok), e->weights, e->unlikely);
    LLVMPositionBuilderAtEnd(e->builder, now);
    LLVMValueRef untold = untold_states(e);
    LLVMBuildStore(e->builder, i64(e, 0), e->polls);
    set_untold_states(e, untold);
    LLVMValueRef cut = is_not(e, call(e, HOT_poll, ARGUMENTS(e->frame)), 0);
    LLVMBuildBr(e->builder, ok);
    LLVMPositionBuilderAtEnd(e->builder, ok);
    return arrived(e, LLVMConstInt(e->i1, 0, false), from, cut, now);
}

static LLVMIntPredicate predicate(uint32_t test, bool *known) {
    *known = true;
    switch ((int)test) {
    case ASL_CHOICE_NUMERIC_EQUALS: case ASL_CHOICE_TIMESTAMP_EQUALS: return LLVMIntEQ;
    case ASL_CHOICE_NUMERIC_LESS_THAN: case ASL_CHOICE_TIMESTAMP_LESS_THAN: return LLVMIntSLT;
    case ASL_CHOICE_NUMERIC_GREATER_THAN: case ASL_CHOICE_TIMESTAMP_GREATER_THAN: return LLVMIntSGT;
    case ASL_CHOICE_NUMERIC_LESS_THAN_EQUALS: case ASL_CHOICE_TIMESTAMP_LESS_THAN_EQUALS: return LLVMIntSLE;
    case ASL_CHOICE_NUMERIC_GREATER_THAN_EQUALS: case ASL_CHOICE_TIMESTAMP_GREATER_THAN_EQUALS: return LLVMIntSGE;
    default: *known = false; return LLVMIntEQ;
    }
}

static LLVMValueRef next_cache(struct emit *e) {
    LLVMValueRef offset = i64(e, (int64_t)e->caches++ * (int64_t)sizeof(struct asl_hot_cache));
    return LLVMBuildInBoundsGEP2(e->builder, e->i8, e->cache, &offset, 1, "");
}

// The key by which code that runs once finds a member; NULL: as a text that has been seen before.
static LLVMValueRef name_of(struct emit *e, uint32_t k) {
    LLVMValueRef words[3], name = LLVMConstPointerNull(e->ptr);
    asl_value v;
    if (e->in_loop || asl_json_parse(asl_str_z(e->plan->constants.items[k]), &(asl_json_limits){.lone_surrogates = true}, &v, NULL) < 0)
        return name;
    asl_str text = asl_text_of(&v);
    text_words(e, text, words);
    if (text.size > 0 && text.size <= 16)
        name = constant_words(e, words, 3, "name");
    asl_release(v);
    return name;
}

// A value that others keep.
static LLVMValueRef find_kept(struct emit *e, const struct ir_op *op) {
    if (op->opcode == OP_ITEM_VALUE)
        return call(e, HOT_item, ARGUMENTS(e->frame));
    return call(e, op->opcode == OP_CAPTURED ? HOT_captured : HOT_execution, ARGUMENTS(e->frame, emit_i32(e, op->operand[1])));
}

// Member or item of a value, as a value. Returns whether there is none, or NULL when that is no failure.
static LLVMValueRef emit_find(struct emit *e, const struct ir_op *op) {
    LLVMValueRef d = slot(e, op->operand[0]), f = fresh(e, op->operand[0]);
    if (ir_finds_kept(op->opcode)) {
        call(e, HOT_copy, ARGUMENTS(d, find_kept(e, op), f));
        return NULL;
    }
    LLVMValueRef s = slot(e, op->operand[1]);
    if (op->opcode == OP_FIELD || op->opcode == OP_FIELD_MAYBE) {
        LLVMValueRef a[] = {e->frame, d, s, emit_i32(e, op->operand[2]), next_cache(e), name_of(e, op->operand[2]), f};
        if (op->opcode == OP_FIELD)
            return is_not(e, call(e, HOT_field, a), 0);
        call(e, HOT_field_maybe, a);
    } else if (op->opcode == OP_OBJECT_OR_NEW) {
        return is_not(e, call(e, HOT_object_or_new, ARGUMENTS(e->frame, d, s, emit_i32(e, op->operand[2]), f)), 0);
    } else {
        LLVMValueRef a[] = {d, s, i64(e, op->operand[2]), f};
        if (op->opcode == OP_ELEMENT)
            return is_not(e, call(e, HOT_element, a), 0);
        call(e, HOT_element_maybe, a);
    }
    return NULL;
}

// The same, as a view: where it is. One that may not be there is known once it has been found.
static LLVMValueRef emit_view(struct emit *e, const struct ir_op *op) {
    bool fails = ir_op_info[op->opcode].flags & IR_FAILS;
    if (ir_finds_kept(op->opcode)) {
        e->found = find_kept(e, op);
        return NULL;
    }
    LLVMValueRef s = slot(e, op->operand[1]);
    if (op->opcode == OP_FIELD || op->opcode == OP_FIELD_MAYBE)
        e->found = call(e, fails ? HOT_field_at : HOT_field_at_maybe,
                        ARGUMENTS(e->frame, s, emit_i32(e, op->operand[2]), next_cache(e), name_of(e, op->operand[2])));
    else if (op->opcode == OP_OBJECT_OR_NEW)
        e->found = call(e, HOT_object_or_new_at, ARGUMENTS(e->frame, s, emit_i32(e, op->operand[2])));
    else
        e->found = call(e, fails ? HOT_element_at : HOT_element_at_maybe, ARGUMENTS(s, i64(e, op->operand[2])));
    return fails ? LLVMBuildIsNull(e->builder, e->found, "") : NULL;
}

void emit_hot_done(struct emit *e, uint32_t s) {
    if (s & ASL_LAST) {
        call(e, HOT_done, ARGUMENTS(e->frame, slot(e, s)));
        return;
    }
    LLVMValueRef copy = LLVMBuildAlloca(e->builder, LLVMArrayType2(e->i64, 2), ""); // captured by children, a view, or alike
    LLVMBuildStore(e->builder, LLVMConstNull(LLVMArrayType2(e->i64, 2)), copy);
    call(e, HOT_copy, ARGUMENTS(copy, slot(e, s), emit_i32(e, 1)));
    call(e, HOT_done, ARGUMENTS(e->frame, copy));
}

static void put_bool(struct emit *e, uint32_t d, LLVMValueRef holds, bool negated) {
    int64_t words[2];
    asl_value no = asl_bool(false);
    memcpy(words, &no, sizeof words);
    LLVMValueRef body = LLVMBuildZExt(e->builder, negated ? LLVMBuildNot(e->builder, holds, "") : holds, e->i64, "");
    call(e, HOT_words, ARGUMENTS(slot(e, d), i64(e, words[0]), body, fresh(e, d)));
}

bool emit_hot_op(struct emit *e, const struct ir_op *op, LLVMValueRef *failed) {
    const uint32_t *o = op->operand;
    *failed = NULL;
    switch ((int)op->opcode) {
    case OP_CONST: emit_const(e, o[0], o[1]); return true;
    case OP_COPY: emit_copy(e, o[0], o[1]); return true;
    case OP_MOVE: set_number(e, o[0], number(e, o[1])); return true;
    case OP_BOX: call(e, HOT_words, ARGUMENTS(slot(e, o[0]), head_of_int(e), number(e, o[1]), fresh(e, o[0]))); return true;
    case OP_TICK:
        if (!e->keeps) {
            call(e, HOT_tick, ARGUMENTS(e->frame, i64(e, o[0]), i64(e, o[1])));
            return true;
        }
        add_to(e, e->states, o[1]);
        add_to(e, e->events, (int64_t)o[0] - 2 * (int64_t)o[1]);
        return true;
    case OP_MARK:
        LLVMBuildStore(e->builder, load(e, e->events), e->marks[0]);
        LLVMBuildStore(e->builder, untold_states(e), e->marks[1]);
        return true;
    case OP_UNMARK:
        LLVMBuildStore(e->builder, load(e, e->marks[0]), e->events);
        set_untold_states(e, load(e, e->marks[1]));
        return true;
    case OP_ARRIVE:
        emit_hot_tell(e);
        call(e, HOT_arrive, ARGUMENTS(e->frame, emit_i32(e, o[0])));
        return true;
    case OP_STATE_CONTEXT:
        emit_hot_tell(e);
        call(e, HOT_arrive, ARGUMENTS(e->frame, emit_i32(e, o[1])));
        call(e, HOT_context, ARGUMENTS(e->frame, slot(e, o[0])));
        return true;
    case OP_ENTERED_TIME:
        emit_hot_tell(e);
        call(e, HOT_arrive, ARGUMENTS(e->frame, emit_i32(e, o[1])));
        call(e, HOT_entered, ARGUMENTS(e->frame, slot(e, o[0])));
        return true;
    case OP_NEXT_ITEM: *failed = call(e, HOT_next_item, ARGUMENTS(e->frame)); return true; // what it asks
    case OP_ITEM_INDEX: set_number(e, o[0], call(e, HOT_index, ARGUMENTS(e->frame))); return true;
    case OP_ITEM_CONTEXT:
        emit_hot_tell(e);
        call(e, HOT_begin_item, ARGUMENTS(e->frame));
        call(e, HOT_context, ARGUMENTS(e->frame, slot(e, o[0])));
        return true;
    case OP_ITEM_RESULT: call(e, o[0] & ASL_LAST ? HOT_result_last : HOT_result, ARGUMENTS(e->frame, slot(e, o[0]))); return true;
    case OP_EXECUTION_CONTEXT:
    case OP_ITEM_VALUE:
    case OP_CAPTURED:
    case OP_FIELD:
    case OP_FIELD_MAYBE:
    case OP_ELEMENT:
    case OP_ELEMENT_MAYBE:
    case OP_OBJECT_OR_NEW: *failed = ir_is_view(e->machine, o[0]) ? emit_view(e, op) : emit_find(e, op); break;
    case OP_PATH_FROM:
        *failed = is_not(e, call(e, HOT_path, ARGUMENTS(e->frame, slot(e, o[0]), slot(e, o[1]), emit_i32(e, o[2]), emit_i32(e, o[3]))), 0);
        break;
    case OP_ITEM_AT:
        *failed = is_not(e, call(e, HOT_element, ARGUMENTS(slot(e, o[0]), slot(e, o[1]), number(e, o[2]), fresh(e, o[0]))), 0);
        break;
    case OP_GUARD: {
        LLVMValueRef tag = LLVMBuildZExt(e->builder, load_at(e, e->i8, slot(e, o[0]), 0), e->i32, "");
        LLVMValueRef bit = LLVMBuildShl(e->builder, emit_i32(e, 1), tag, "");
        *failed = LLVMBuildICmp(e->builder, LLVMIntEQ, LLVMBuildAnd(e->builder, bit, emit_i32(e, o[1]), ""), emit_i32(e, 0), "");
        break;
    }
    case OP_INT:
        *failed = is_not(e, load_at(e, e->i8, slot(e, o[1]), 0), ASL_INT);
        set_number(e, o[0], load_at(e, e->i64, slot(e, o[1]), 8));
        break;
    case OP_WITHIN: *failed = outside(e, number(e, o[0]), o[1]); break;
    case OP_ADD: set_number(e, o[0], LLVMBuildAdd(e->builder, number(e, o[1]), number(e, o[2]), "")); return true;
    case OP_SUBTRACT: set_number(e, o[0], LLVMBuildSub(e->builder, number(e, o[1]), number(e, o[2]), "")); return true;
    case OP_MULTIPLY: {
        LLVMValueRef a = number(e, o[1]), b = number(e, o[2]), pair[] = {a, b};
        LLVMTypeRef type = e->i64;
        unsigned id = LLVMLookupIntrinsicID("llvm.smul.with.overflow", strlen("llvm.smul.with.overflow"));
        LLVMValueRef f = LLVMGetIntrinsicDeclaration(e->module, id, &type, 1);
        LLVMValueRef both = LLVMBuildCall2(e->builder, LLVMIntrinsicGetType(e->context, id, &type, 1), f, pair, 2, "");
        LLVMValueRef d = LLVMBuildExtractValue(e->builder, both, 0, ""), zero = i64(e, 0);
        LLVMValueRef negative = LLVMBuildICmp(e->builder, LLVMIntSLT, LLVMBuildOr(e->builder, a, b, ""), zero, "");
        LLVMValueRef minus_zero = LLVMBuildAnd(e->builder, negative, LLVMBuildICmp(e->builder, LLVMIntEQ, d, zero, ""), "");
        *failed = LLVMBuildOr(e->builder, LLVMBuildExtractValue(e->builder, both, 1, ""), LLVMBuildOr(e->builder, minus_zero, outside(e, d, 53), ""), "");
        set_number(e, o[0], d);
        break;
    }
    case OP_DIVIDE:
    case OP_REMAINDER: {
        LLVMValueRef a = number(e, o[1]), b = number(e, o[2]), zero = i64(e, 0);
        LLVMValueRef no_divisor = LLVMBuildICmp(e->builder, LLVMIntSLE, b, zero, "");
        LLVMValueRef divisor = LLVMBuildSelect(e->builder, no_divisor, i64(e, 1), b, "");
        LLVMValueRef rest = LLVMBuildURem(e->builder, a, divisor, "");
        *failed = LLVMBuildOr(e->builder, no_divisor, LLVMBuildICmp(e->builder, LLVMIntSLT, a, zero, ""), "");
        if (op->opcode == OP_DIVIDE)
            *failed = LLVMBuildOr(e->builder, *failed, is_not(e, rest, 0), "");
        set_number(e, o[0], op->opcode == OP_DIVIDE ? LLVMBuildUDiv(e->builder, a, divisor, "") : rest);
        break;
    }
    case OP_REAL: {
        LLVMValueRef bits = call(e, HOT_real, ARGUMENTS(slot(e, o[1])));
        set_number(e, o[0], bits);
        LLVMValueRef x = real(e, o[0]);
        *failed = LLVMBuildFCmp(e->builder, LLVMRealUNO, x, x, "");
        break;
    }
    case OP_TO_REAL: set_real(e, o[0], LLVMBuildSIToFP(e->builder, number(e, o[1]), LLVMDoubleTypeInContext(e->context), "")); return true;
    case OP_CONST_REAL: set_real(e, o[0], constant_real(e, o[1])); return true;
    case OP_CALCULATE: *failed = emit_calculate(e, o); break;
    case OP_FLOOR: *failed = emit_floor(e, o); break;
    case OP_REAL_HOLDS: {
        static const LLVMRealPredicate predicates[] = {LLVMRealOLT, LLVMRealOLE, LLVMRealOGT, LLVMRealOGE, LLVMRealOEQ};
        LLVMValueRef holds = LLVMBuildFCmp(e->builder, predicates[o[3]], real(e, o[1]), real(e, o[2]), "");
        set_number(e, o[0], LLVMBuildZExt(e->builder, holds, e->i64, ""));
        return true;
    }
    case OP_BOX_REAL: call(e, HOT_box_real, ARGUMENTS(slot(e, o[0]), number(e, o[1]), fresh(e, o[0]))); return true;
    case OP_HOLDS: {
        bool known;
        LLVMValueRef holds = LLVMBuildICmp(e->builder, predicate(o[1], &known), number(e, o[2]), number(e, o[3]), "");
        put_bool(e, o[0], holds, o[4]);
        return true;
    }
    case OP_ANSWER:
        put_bool(e, o[0], is_not(e, call(e, HOT_test, ARGUMENTS(emit_i32(e, o[1]), operand(e, o[2]), operand(e, o[3]))), 0), o[4]);
        break;
    case OP_LENGTH: {
        LLVMValueRef n = call(e, HOT_length, ARGUMENTS(slot(e, o[1])));
        *failed = LLVMBuildICmp(e->builder, LLVMIntSLT, n, i64(e, 0), "");
        set_number(e, o[0], n);
        break;
    }
    case OP_DECIMAL: set_number(e, o[0], call(e, HOT_decimal, ARGUMENTS(slot(e, o[1])))); break;
    case OP_TIMESTAMP: set_number(e, o[0], call(e, HOT_timestamp, ARGUMENTS(slot(e, o[1])))); break;
    case OP_RECORD: call(e, HOT_record, ARGUMENTS(e->heap, slot(e, o[0]), emit_i32(e, o[1]), fresh(e, o[0]))); return true;
    case OP_OWN: call(e, HOT_own, ARGUMENTS(slot(e, o[0]), emit_i32(e, o[1]))); return true;
    case OP_SET:
        call(e, o[2] & ASL_LAST ? HOT_set_last : HOT_set, ARGUMENTS(e->frame, e->keys, slot(e, o[0]), emit_i32(e, o[1]), slot(e, o[2])));
        return true;
    case OP_FILL: emit_fill(e, o); return true;
    case OP_FILL_INT:
        call(e, HOT_fill_words, ARGUMENTS(e->frame, e->keys, slot(e, o[0]), emit_i32(e, o[1]), emit_i32(e, o[2]), head_of_int(e), number(e, o[3])));
        return true;
    case OP_LIST: call(e, HOT_list, ARGUMENTS(e->heap, slot(e, o[0]), emit_i32(e, o[1]), fresh(e, o[0]))); return true;
    case OP_LIST_ITEM: emit_list_item(e, o); return true;
    case OP_LIST_INT: call(e, HOT_list_words, ARGUMENTS(slot(e, o[0]), emit_i32(e, o[1]), head_of_int(e), number(e, o[2]))); return true;
    case OP_MAP_NOW:
    case OP_PARALLEL_NOW:
        emit_hot_tell(e);
        *failed = is_not(e, call(e, op->opcode == OP_MAP_NOW ? HOT_map : HOT_parallel,
                                 ARGUMENTS(e->frame, emit_i32(e, o[1]), slot(e, o[0]), slot(e, o[2]))), 0);
        break;
    case OP_DRAW: call(e, HOT_draw, ARGUMENTS(e->frame)); return true;
    case OP_UNDRAW: call(e, HOT_undraw, ARGUMENTS(e->frame)); return true;
    case OP_TAKE_BACK: call(e, HOT_take_back, ARGUMENTS(e->frame)); return true;
    case OP_FORMAT: *failed = emit_format(e, o); break;
    case OP_CALL: *failed = emit_function_of_four(e, HOT_call, o, true); break;
    case OP_APPLY: *failed = emit_function_of_four(e, HOT_apply, o, true); break;
    case OP_JOIN: *failed = emit_function_of_four(e, HOT_join, o, false); break;
    case OP_RELATE:
        *failed = is_not(e, call(e, HOT_relate, ARGUMENTS(e->frame, slot(e, o[0]), emit_i32(e, o[1]), fresh(e, o[0]), operand(e, o[2]), operand(e, o[3]))), 0);
        break;
    case OP_UNMARKED: call(e, HOT_unmarked, ARGUMENTS(slot(e, o[0]), operand(e, o[1]), fresh(e, o[0]))); break;
    case OP_GIVE_BACK: call(e, HOT_give_back, ARGUMENTS(e->frame, slot(e, o[0]))); return true;
    case OP_FORGET: call(e, HOT_forget, ARGUMENTS(e->frame, emit_i32(e, o[0]), emit_i32(e, o[1]))); return true;
    case OP_POLL:
        if (!e->polls)
            return false;
        *failed = emit_poll(e); // in a cold block, too: loops may go through both
        return true;
    default:
        if (!is_silent(op->opcode))
            emit_hot_tell(e);
        return false;
    }
    e->drop = op;
    if (!*failed)
        emit_hot_drop(e);
    return true;
}

void emit_hot_drop(struct emit *e) {
    if (e->found)
        LLVMBuildStore(e->builder, e->found, e->views[e->drop->operand[0]]);
    if (e->drop)
        drop_last(e, e->drop);
    e->drop = NULL;
    e->found = NULL;
}

// ---------------------------------------------------------------- errors that the watched machine explains

LLVMValueRef emit_hot_counted(struct emit *e) { return call(e, HOT_events, ARGUMENTS(e->frame)); }
void emit_hot_unraise(struct emit *e, LLVMValueRef counted) { call(e, HOT_unraise, ARGUMENTS(e->frame, counted)); }

// All places that give up meet in one block, with the number of the resume point there.
static LLVMValueRef begin_giving_up(struct emit *e) {
    LLVMBasicBlockRef from = LLVMGetInsertBlock(e->builder), block = LLVMAppendBasicBlockInContext(e->context, e->step, "give_up");
    LLVMPositionBuilderAtEnd(e->builder, block);
    LLVMValueRef resume = LLVMBuildPhi(e->builder, e->i32, "resume");
    LLVMPositionBuilderAtEnd(e->builder, from);
    return resume;
}

void emit_hot_give_up(struct emit *e, const struct ir_exit *x) {
    if (!e->given_up)
        e->given_up = begin_giving_up(e);
    const struct ir_machine *m = e->plan->machines.items[e->number - e->plan->quiet];
    if (!e->watched_points)
        e->watched_count = ir_resume_points(e->arena, m, &e->watched_points);
    uint32_t resume = 0;
    while (resume < e->watched_count && e->watched_points[resume] != x->target[0])
        resume++;
    assert(resume < e->watched_count);
    for (uint32_t n = 0; n < e->machine->slots.count; n++)
        if (owns(e, n))
            let_go(e, n);
    LLVMValueRef number = emit_i32(e, resume);
    LLVMBasicBlockRef from = LLVMGetInsertBlock(e->builder);
    LLVMAddIncoming(e->given_up, &number, &from, 1);
    LLVMBuildBr(e->builder, LLVMGetInstructionParent(e->given_up));
}

// ---------------------------------------------------------------- tests

static LLVMValueRef tested(struct emit *e, uint32_t value, int side) {
    if (value == ASL_NO_OPERAND || value & ASL_CONSTANT || !(value & IR_NUMBER))
        return operand(e, value);
    LLVMValueRef at = e->boxes[side], eight = i64(e, 8);
    LLVMBuildStore(e->builder, head_of_int(e), at);
    LLVMBuildStore(e->builder, number(e, value & ~IR_NUMBER), LLVMBuildInBoundsGEP2(e->builder, e->i8, at, &eight, 1, ""));
    return at;
}

static bool is_number(struct emit *e, uint32_t value) {
    int64_t words[2];
    asl_value v;
    if (value & ASL_CONSTANT) {
        if (!as_words(e, value & ~ASL_CONSTANT, words))
            return false;
        memcpy(&v, words, sizeof v);
        return v.tag == ASL_INT;
    }
    return (value & IR_NUMBER) != 0;
}

static bool constant_text(struct emit *e, uint32_t value, asl_str *text) {
    asl_value v;
    if (!(value & ASL_CONSTANT) ||
        asl_json_parse(asl_str_z(e->plan->constants.items[value & ~ASL_CONSTANT]), &(asl_json_limits){.lone_surrogates = true}, &v, NULL) < 0)
        return false;
    bool is = v.tag == ASL_STRING;
    if (is) {
        *text = asl_text_of(&v);
        text->data = arena_copy(e->arena, text->data, text->size);
    }
    asl_release(v);
    return is;
}

static LLVMValueRef bytes(struct emit *e, const char *text, size_t size) {
    LLVMValueRef s = emit_llvm_string(e->context, text, size), g = LLVMAddGlobal(e->module, LLVMTypeOf(s), "pattern");
    LLVMSetInitializer(g, s);
    LLVMSetGlobalConstant(g, true);
    LLVMSetLinkage(g, LLVMPrivateLinkage);
    LLVMSetUnnamedAddress(g, LLVMGlobalUnnamedAddr);
    return g;
}

// A pattern with stars: two comparisons with known lengths for the ends, and when they are right a search for what is to
// be between them. NULL: it is none, or has no star.
static LLVMValueRef matches(struct emit *e, const struct ir_exit *x) {
    asl_str pattern;
    if (x->test != ASL_CHOICE_STRING_MATCHES || x->a & (ASL_CONSTANT | IR_NUMBER) ||
        !constant_text(e, x->b, &pattern))
        return NULL;
    char *head = arena_alloc(e->arena, pattern.size + 1), *piece = arena_alloc(e->arena, pattern.size + 1);
    size_t at = 0, head_size = asl__pattern_piece(pattern, &at, head), size = 0;
    if (at > pattern.size)
        return NULL;
    asl_buffer middle = {0};
    uint32_t count = 0;
    while (size = asl__pattern_piece(pattern, &at, piece), at <= pattern.size)
        if (size) {
            asl_buffer_add(&middle, &(uint32_t){(uint32_t)size}, sizeof(uint32_t));
            asl_buffer_add(&middle, piece, size);
            count++;
        }
    LLVMValueRef s = slot(e, x->a), head_length = emit_i32(e, (uint32_t)head_size), tail_length = emit_i32(e, (uint32_t)size);
    LLVMValueRef ends = is_not(e, call(e, HOT_affixes, ARGUMENTS(s, bytes(e, head, head_size), head_length,
                                                                 bytes(e, piece, size), tail_length)), 0);
    if (count) {
        LLVMBasicBlockRef inside = emit_following(e, "inside"), end = emit_following(e, "matched");
        LLVMMoveBasicBlockBefore(inside, end);
        LLVMBasicBlockRef from = LLVMGetInsertBlock(e->builder);
        LLVMBuildCondBr(e->builder, ends, inside, end);
        LLVMPositionBuilderAtEnd(e->builder, inside);
        LLVMValueRef found = is_not(e, call(e, HOT_pieces, ARGUMENTS(s, head_length, tail_length,
                                                                     bytes(e, middle.data, middle.size), emit_i32(e, count))), 0);
        LLVMBuildBr(e->builder, end);
        LLVMPositionBuilderAtEnd(e->builder, end);
        ends = arrived(e, ends, from, found, inside);
    }
    asl_buffer_free(&middle);
    return ends;
}

static LLVMValueRef general(struct emit *e, const struct ir_exit *x) {
    LLVMValueRef a = tested(e, x->a, 0), b = tested(e, x->b, 1);
    return is_not(e, call(e, HOT_test, ARGUMENTS(emit_i32(e, x->test), a, b)), 0);
}

// The quick answer, unless what was made of the value says that it is an odd one.
static LLVMValueRef quick_unless(struct emit *e, const struct ir_exit *x, LLVMValueRef quick, LLVMValueRef odd) {
    LLVMBasicBlockRef slow = emit_following(e, "slow"), end = emit_following(e, "tested");
    LLVMMoveBasicBlockBefore(slow, end);
    LLVMBasicBlockRef from = LLVMGetInsertBlock(e->builder);
    LLVMSetMetadata(LLVMBuildCondBr(e->builder, odd, slow, end), e->weights, e->unlikely);
    LLVMPositionBuilderAtEnd(e->builder, slow);
    LLVMValueRef answer = general(e, x);
    LLVMBuildBr(e->builder, end);
    LLVMPositionBuilderAtEnd(e->builder, end);
    return arrived(e, quick, from, answer, slow);
}

static LLVMValueRef test_decimal(struct emit *e, const struct ir_exit *x) {
    static const LLVMRealPredicate predicates[] = {
        [ASL_CHOICE_NUMERIC_EQUALS] = LLVMRealOEQ,       [ASL_CHOICE_NUMERIC_LESS_THAN] = LLVMRealOLT,
        [ASL_CHOICE_NUMERIC_GREATER_THAN] = LLVMRealOGT, [ASL_CHOICE_NUMERIC_LESS_THAN_EQUALS] = LLVMRealOLE,
        [ASL_CHOICE_NUMERIC_GREATER_THAN_EQUALS] = LLVMRealOGE,
    };
    LLVMValueRef d = real(e, x->parsed - 1), quick = LLVMBuildFCmp(e->builder, predicates[x->test], d, constant_real(e, x->b & ~ASL_CONSTANT), "");
    return quick_unless(e, x, quick, LLVMBuildFCmp(e->builder, LLVMRealUNO, d, d, ""));
}

LLVMValueRef emit_hot_test(struct emit *e, const struct ir_exit *x) {
    bool known;
    LLVMIntPredicate p = predicate(x->test, &known);
    if (known && !x->parsed && is_number(e, x->a) && is_number(e, x->b)) {
        uint32_t a = x->a & ASL_CONSTANT ? x->a : x->a & ~IR_NUMBER, b = x->b & ASL_CONSTANT ? x->b : x->b & ~IR_NUMBER;
        return LLVMBuildICmp(e->builder, p, number(e, a), number(e, b), "");
    }
    if (x->parsed && known && x->test >= ASL_CHOICE_NUMERIC_EQUALS && x->test <= ASL_CHOICE_NUMERIC_GREATER_THAN_EQUALS && x->b & ASL_CONSTANT)
        return test_decimal(e, x);
    LLVMValueRef m = matches(e, x);
    if (m)
        return m;
    asl_str text;
    int64_t seconds, nanoseconds;
    int32_t nanos;
    if (!x->parsed || !known || !constant_text(e, x->b, &text) ||
        !asl_timestamp_parse(text, &seconds, &nanos, NULL) ||
        __builtin_mul_overflow(seconds, INT64_C(1000000000), &nanoseconds) ||
        __builtin_add_overflow(nanoseconds, nanos, &nanoseconds))
        return general(e, x);
    LLVMValueRef n = number(e, x->parsed - 1), quick = LLVMBuildICmp(e->builder, p, n, i64(e, nanoseconds), "");
    return quick_unless(e, x, quick, LLVMBuildICmp(e->builder, LLVMIntEQ, n, i64(e, INT64_MIN), ""));
}

// ---------------------------------------------------------------- bitcode

#ifdef ASLC_HOT_BITCODE
/* The file's bytes, put between these two by the assembler. */
extern const char asl__hot_bitcode[], asl__hot_bitcode_end[];
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        ".global asl__hot_bitcode\n"
        ".hidden asl__hot_bitcode\n"
        "asl__hot_bitcode:\n"
        ".incbin \"" ASLC_HOT_BITCODE "\"\n"
        ".global asl__hot_bitcode_end\n"
        ".hidden asl__hot_bitcode_end\n"
        "asl__hot_bitcode_end:\n"
        ".popsection\n");

static void forget_processor(LLVMValueRef f) {
    static const char *const attributes[] = {"target-cpu", "target-features", "tune-cpu", "stack-protector-buffer-size"};
    for (size_t n = 0; n < sizeof attributes / sizeof *attributes; n++)
        LLVMRemoveStringAttributeAtIndex(f, LLVMAttributeFunctionIndex, attributes[n], (unsigned)strlen(attributes[n]));
}

// The functions of the bitcode under the names of those to be inlined.
static LLVMModuleRef parse_bitcode(struct emit *e) {
    size_t size = (size_t)(asl__hot_bitcode_end - asl__hot_bitcode);
    LLVMMemoryBufferRef b = LLVMCreateMemoryBufferWithMemoryRangeCopy(asl__hot_bitcode, size, "hot");
    LLVMModuleRef hot = NULL;
    LLVMParseBitcodeInContext2(e->context, b, &hot);
    LLVMDisposeMemoryBuffer(b);
    for (int n = 0; hot && n < HOT_COUNT; n++) {
        LLVMValueRef f = LLVMGetNamedFunction(hot, hot_info[n].symbol);
        if (!f || LLVMIsDeclaration(f))
            continue;
        const char *name = inline_name(e, n);
        LLVMSetValueName2(f, name, strlen(name));
        LLVMSetLinkage(f, LLVMLinkOnceODRLinkage); // it is taken only if it is called
        forget_processor(f);
    }
    return hot;
}

// One whose code is not in the bitcode, because it is long or rare.
static void call_library(struct emit *e, int entry, LLVMValueRef f) {
    LLVMValueRef library = LLVMGetNamedFunction(e->module, hot_info[entry].symbol); // others, or the bitcode, may call it too
    if (library) {
        LLVMReplaceAllUsesWith(f, library);
        LLVMDeleteFunction(f);
    } else {
        LLVMSetValueName2(f, hot_info[entry].symbol, strlen(hot_info[entry].symbol));
    }
}

void emit_hot_link(struct emit *e) {
    if (!e->inlines)
        return;
    LLVMModuleRef hot = parse_bitcode(e);
    if (hot)
        LLVMLinkModules2(e->module, hot);
    for (int n = 0; n < HOT_COUNT; n++) {
        LLVMValueRef f = e->hot[1][n].value ? LLVMGetNamedFunction(e->module, inline_name(e, n)) : NULL;
        if (f && LLVMIsDeclaration(f))
            call_library(e, n, f);
        else if (f)
            LLVMSetLinkage(f, LLVMInternalLinkage);
    }
}
#else
void emit_hot_link(struct emit *e) { (void)e; }
#endif
