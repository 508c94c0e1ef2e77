// Step functions: blocks, ops and exits of one machine.
//
//     entry:      switch frame->resume -> resume blocks; a number that is none of them returns FAILED
//     block:      r = call asl_rt_path(frame, d, s, p, mode, k)
//                 br r != 0, error block (unlikely), path.ok
//     path.ok:    …
//                 frame->resume = 3; ret SUSPENDED            SUSPEND, and RETRY when a retrier took the error; but when
//                                                             what they wait for is there, a br to the block of that number
//
// An op is a call of the runtime entry of its name with its operands in their order: that is all this file knows of ops.
// A block that fails without an error edge returns FAILED.
#include "module.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *name, *symbol;
    unsigned operands;
} rt_info[RT_COUNT] = {
#define RT(name, operands) {#name, "asl_rt_" #name, operands},
#include "rt.def"
#undef RT
};

void emit_ops_begin(struct emit *e) {
    for (int op = 0; op < OP_COUNT; op++) {
        int entry = 0;
        if (ir_op_info[op].flags & IR_HOT)
            continue;
        while (entry < RT_COUNT && strcmp(rt_info[entry].name, ir_op_info[op].name) != 0)
            entry++;
        assert(entry < RT_COUNT && rt_info[entry].operands == strlen(ir_op_info[op].operands));
        e->entry[op] = (enum rt_entry)entry;
    }
}

// A module with a machine of more basic blocks (some three hundred states) gets machine code made in the simple way: the time of
// LLVM's register allocation grows with their square, to a minute for thousands of states, for a few instructions between
// calls. Expressions are compiled in processes that wait for them, and a long one is calls in a row: it is not optimised.
enum { HUGE_MACHINE = 3000, HUGE_FUNCTION = 600 };

// ---------------------------------------------------------------- calls

static struct emit_function declared(struct emit *e, enum rt_entry entry) {
    struct emit_function *f = &e->rt[entry];
    if (!f->value) {
        LLVMTypeRef parameters[1 + IR_MAX_OPERANDS] = {e->ptr};
        for (unsigned i = 0; i < rt_info[entry].operands; i++)
            parameters[1 + i] = e->i32;
        *f = emit_declare(e, rt_info[entry].symbol, e->i32, parameters, 1 + rt_info[entry].operands);
        emit_attribute(e, f->value, LLVMAttributeFunctionIndex, "nounwind", 0);
    }
    return *f;
}

static LLVMValueRef call_rt(struct emit *e, enum rt_entry entry, const uint32_t *operands) {
    LLVMValueRef arguments[1 + IR_MAX_OPERANDS] = {e->frame};
    unsigned count = rt_info[entry].operands;
    for (unsigned i = 0; i < count; i++)
        arguments[1 + i] = emit_i32(e, operands[i]);
    return emit_call(e, declared(e, entry), arguments, 1 + count, "");
}

// ---------------------------------------------------------------- blocks

static void enter(struct emit *e, LLVMBasicBlockRef block) {
    LLVMPositionBuilderAtEnd(e->builder, block);
}

static void ret(struct emit *e, uint32_t status) {
    if (e->quiet)
        emit_hot_leave(e);
    LLVMBuildRet(e->builder, emit_i32(e, status));
}

// A further basic block of the plan's block that is being emitted: it stands before the plan's next one, so that code
// comes out in the plan's order (debuggers take a state's first address for its entry).
static LLVMBasicBlockRef following(struct emit *e, const char *name) {
    LLVMBasicBlockRef next = LLVMGetNextBasicBlock(LLVMGetInsertBlock(e->builder));
    if (next)
        return LLVMInsertBasicBlockInContext(e->context, next, name);
    return LLVMAppendBasicBlockInContext(e->context, e->step, name);
}

LLVMBasicBlockRef emit_following(struct emit *e, const char *name) { return following(e, name); }

static LLVMBasicBlockRef failed_block(struct emit *e) {
    if (!e->failed)
        e->failed = LLVMAppendBasicBlockInContext(e->context, e->step, "failed");
    return e->failed;
}

static LLVMValueRef is_nonzero(struct emit *e, LLVMValueRef v) {
    return LLVMBuildICmp(e->builder, LLVMIntNE, v, emit_i32(e, 0), "");
}

static LLVMValueRef is_answered(struct emit *e, LLVMValueRef answer) {
    return LLVMBuildICmp(e->builder, LLVMIntEQ, answer, emit_i32(e, ASL_ANSWERED), "");
}

static bool of_expressions(uint8_t opcode) { return opcode == OP_JX_EVAL || opcode == OP_EXPECT || opcode == OP_CONDITION; }

static bool gives_up(const struct emit *e, const struct ir_block *b) {
    return e->quiet && b->error != IR_NO_BLOCK && e->machine->blocks.items[b->error]->exit.kind == EXIT_GIVE_UP;
}

// An op of a quiet machine that is not a call of the runtime's entries.
static bool emit_quiet_op(struct emit *e, const struct ir_block *b, const struct ir_op *op, LLVMValueRef *answer) {
    LLVMValueRef failed;
    *answer = NULL;
    if (!emit_hot_op(e, op, &failed))
        return false;
    if (ir_op_info[op->opcode].flags & IR_ASKS)
        *answer = failed;
    if (!failed || *answer)
        return true;
    LLVMBasicBlockRef error = b->error == IR_NO_BLOCK ? failed_block(e) : e->blocks[b->error];
    LLVMBasicBlockRef ok = following(e, ir_op_info[op->opcode].name);
    LLVMSetMetadata(LLVMBuildCondBr(e->builder, failed, error, ok), e->weights, e->unlikely);
    enter(e, ok);
    emit_hot_drop(e);
    return true;
}

// Returns what the entry answered: an op that asks is followed by a branch on it.
static LLVMValueRef emit_op(struct emit *e, const struct ir_block *b, const struct ir_op *op) {
    const struct ir_op_info *info = &ir_op_info[op->opcode];
    LLVMValueRef counted = NULL, answer;
    if (e->quiet) {
        if (emit_quiet_op(e, b, op, &answer))
            return answer;
        // It raises an error and counts its event, which the watched machine is about to do again.
        if (of_expressions(op->opcode) && gives_up(e, b))
            counted = emit_hot_counted(e);
    }
    LLVMValueRef failed = call_rt(e, e->entry[op->opcode], op->operand);
    if (!(info->flags & IR_FAILS))
        return failed;
    if (op->opcode == OP_POLL && !e->quiet && e->plan->quiet)
        failed = emit_hot_hand_back(e, b, failed);
    LLVMBasicBlockRef error = b->error == IR_NO_BLOCK ? failed_block(e) : e->blocks[b->error];
    LLVMBasicBlockRef ok = following(e, info->name);
    LLVMBasicBlockRef unraise = counted ? following(e, "unraise") : error;
    emit_debug_none(e);
    LLVMValueRef is_failed = info->flags & IR_ASKS     ? LLVMBuildICmp(e->builder, LLVMIntSLT, failed, emit_i32(e, 0), "")
                             : info->flags & IR_STARTS ? LLVMBuildICmp(e->builder, LLVMIntEQ, failed, emit_i32(e, 1), "")
                                                       : is_nonzero(e, failed);
    LLVMValueRef branch = LLVMBuildCondBr(e->builder, is_failed, unraise, ok);
    LLVMSetMetadata(branch, e->weights, e->unlikely);
    if (counted) {
        enter(e, unraise);
        emit_hot_unraise(e, counted);
        LLVMBuildBr(e->builder, error);
    }
    enter(e, ok);
    return failed;
}

// ---------------------------------------------------------------- exits

static void suspend(struct emit *e, uint32_t block) {
    LLVMValueRef offset = LLVMConstInt(e->i64, ASL_FRAME_RESUME, false);
    LLVMValueRef resume = LLVMBuildInBoundsGEP2(e->builder, e->i8, e->frame, &offset, 1, "");
    LLVMBuildStore(e->builder, emit_i32(e, e->resume_number[block]), resume);
    emit_debug_none(e);
    ret(e, ASL_SUSPENDED);
}

/* answer: of the op that started it, or of the retrier. */
static void suspend_unless_answered(struct emit *e, uint32_t block, LLVMValueRef answer) {
    emit_debug_none(e);
    LLVMBasicBlockRef waits = following(e, "waits");
    LLVMBuildCondBr(e->builder, is_answered(e, answer), e->blocks[block], waits);
    enter(e, waits);
    suspend(e, block);
}

static void exit_if(struct emit *e, const struct ir_exit *x) {
    if (e->quiet) {
        LLVMValueRef condition = emit_hot_test(e, x);
        emit_debug_none(e);
        LLVMBuildCondBr(e->builder, condition, e->blocks[x->target[0]], e->blocks[x->target[1]]);
        return;
    }
    LLVMValueRef holds = call_rt(e, RT_test, (uint32_t[]){x->test, x->a, x->b});
    emit_debug_none(e);
    LLVMBuildCondBr(e->builder, is_nonzero(e, holds), e->blocks[x->target[0]], e->blocks[x->target[1]]);
}

static void exit_retry(struct emit *e, const struct ir_exit *x) {
    if (e->quiet)
        emit_hot_tell(e);
    LLVMValueRef taken = call_rt(e, RT_retry, &x->site);
    emit_debug_none(e);
    LLVMBasicBlockRef again = following(e, "again");
    LLVMBuildCondBr(e->builder, is_nonzero(e, taken), again, e->blocks[x->target[1]]);
    enter(e, again);
    suspend_unless_answered(e, x->target[0], taken);
}

static void exit_catch(struct emit *e, const struct ir_exit *x) {
    if (e->quiet)
        emit_hot_tell(e);
    LLVMValueRef catcher = call_rt(e, RT_catch, &x->site);
    emit_debug_none(e);
    LLVMValueRef s = LLVMBuildSwitch(e->builder, catcher, failed_block(e), x->target_count);
    for (uint32_t i = 0; i < x->target_count; i++)
        LLVMAddCase(s, emit_i32(e, i + 1), e->blocks[x->target[i]]);
}

static void emit_exit(struct emit *e, const struct ir_block *b, LLVMValueRef answer) {
    const struct ir_exit *x = &b->exit;
    bool starts = b->ops.count && ir_op_info[b->ops.items[b->ops.count - 1].opcode].flags & IR_STARTS;
    switch (x->kind) {
    case EXIT_NONE: LLVMBuildUnreachable(e->builder); break; // the verifier refuses such a plan
    case EXIT_JUMP:
        emit_debug_none(e);
        LLVMBuildBr(e->builder, e->blocks[x->target[0]]);
        break;
    case EXIT_IF: exit_if(e, x); break;
    case EXIT_SUSPEND:
        if (starts)
            suspend_unless_answered(e, x->target[0], answer);
        else
            suspend(e, x->target[0]);
        break;
    case EXIT_RETRY: exit_retry(e, x); break;
    case EXIT_CATCH: exit_catch(e, x); break;
    case EXIT_DONE:
        if (e->quiet)
            emit_hot_done(e, x->a);
        else
            call_rt(e, RT_done, &x->a);
        emit_debug_none(e);
        ret(e, ASL_DONE);
        break;
    case EXIT_FAILED:
        emit_debug_none(e);
        ret(e, ASL_FAILED);
        break;
    case EXIT_BRANCH:
        emit_debug_none(e);
        LLVMBuildCondBr(e->builder, is_nonzero(e, answer), e->blocks[x->target[0]], e->blocks[x->target[1]]);
        break;
    case EXIT_GIVE_UP: emit_hot_give_up(e, x); break;
    case EXIT_RETURN:
        emit_debug_none(e);
        ret(e, x->a);
        break;
    }
}

// ---------------------------------------------------------------- the machine

static void emit_block(struct emit *e, uint32_t number) {
    const struct ir_block *b = e->machine->blocks.items[number];
    enter(e, e->blocks[number]);
    e->in_warm = e->warm_blocks && e->warm_blocks[number];
    // What other machines do between two tasks is about their results, of which each has keys of its own.
    e->in_loop = !e->quiet || (e->number == e->plan->quiet ? e->loops[number] : e->in_warm);
    emit_debug_block(e, b);
    if (e->quiet) {
        emit_debug_at(e, 0, 0);
        emit_hot_block(e, number);
    }
    LLVMValueRef answer = NULL;
    for (size_t i = 0; i < b->ops.count; i++) {
        // A quiet machine enters states without an op: its first stands at the state's place, for debuggers.
        const struct ir_state *entered = e->quiet && i == 0 && b->state != ASL_NO_OPERAND ? &e->plan->states.items[b->state] : NULL;
        if (entered && strcmp(entered->name, b->name) == 0)
            emit_debug_at(e, entered->line, entered->column);
        else
            emit_debug_at(e, b->ops.items[i].line, b->ops.items[i].column);
        answer = emit_op(e, b, &b->ops.items[i]);
        if (e->quiet)
            opt_owning_after(e->plan, &b->ops.items[i], e->owns);
    }
    emit_debug_at(e, b->exit.line, b->exit.column);
    emit_exit(e, b, answer);
}

static void emit_dispatch(struct emit *e, LLVMBasicBlockRef entry) {
    uint32_t *points, count = ir_resume_points(e->arena, e->machine, &points);
    enter(e, entry);
    if (e->quiet)
        emit_hot_begin(e, e->machine);
    LLVMValueRef offset = LLVMConstInt(e->i64, ASL_FRAME_RESUME, false);
    LLVMValueRef at = LLVMBuildInBoundsGEP2(e->builder, e->i8, e->frame, &offset, 1, "");
    LLVMValueRef resume = LLVMBuildLoad2(e->builder, e->i32, at, "resume");
    LLVMValueRef s = LLVMBuildSwitch(e->builder, resume, failed_block(e), count);
    for (uint32_t i = 0; i < count; i++) {
        e->resume_number[points[i]] = i;
        LLVMAddCase(s, emit_i32(e, i), e->blocks[points[i]]);
    }
}

void emit_machine(struct emit *e, const struct ir_machine *m, LLVMValueRef step, const bool *warm) {
    e->machine = m;
    e->warm_blocks = warm;
    e->in_warm = warm != NULL;
    e->step = step;
    e->frame = LLVMGetParam(e->step, 0);
    LLVMSetValueName2(e->frame, "frame", strlen("frame"));
    e->failed = NULL;
    LLVMBasicBlockRef entry = LLVMAppendBasicBlockInContext(e->context, e->step, "entry");
    e->blocks = arena_alloc(e->arena, m->blocks.count * sizeof *e->blocks);
    e->resume_number = arena_alloc(e->arena, m->blocks.count * sizeof *e->resume_number);
    for (size_t i = 0; i < m->blocks.count; i++)
        e->blocks[i] = LLVMAppendBasicBlockInContext(e->context, e->step, m->blocks.items[i]->name);
    emit_debug_machine(e, m);
    emit_dispatch(e, entry);
    for (uint32_t i = 0; i < m->blocks.count; i++)
        emit_block(e, i);
    if (e->failed) {
        emit_debug_none(e);
        enter(e, e->failed);
        e->keeps = e->quiet && e->events; // some warm block may have come here
        if (e->quiet)
            emit_hot_failed(e);
        ret(e, ASL_FAILED);
    }
    if (e->quiet)
        emit_hot_end(e);
    unsigned blocks = LLVMCountBasicBlocks(e->step);
    e->huge = e->huge || blocks > HUGE_MACHINE;
    e->as_it_is = e->as_it_is || (!e->plan->quiet && m->params && blocks > HUGE_FUNCTION);
}
