// The interpreter: walks the plan through the same runtime entries that compiled code calls. It is the oracle of the
// differential tests and the baseline of the benchmark, so it is plain but not slow on purpose: blocks are flattened
// once, and an op is one indirect call.
#include <pthread.h>
#include <string.h>

#include "aslc/handler.h"
#include "ir.h"
#include "jsonata/jx.h"
#include "rt.h"

typedef int32_t entry0(asl_frame *);
typedef int32_t entry1(asl_frame *, uint32_t);
typedef int32_t entry2(asl_frame *, uint32_t, uint32_t);
typedef int32_t entry3(asl_frame *, uint32_t, uint32_t, uint32_t);
typedef int32_t entry4(asl_frame *, uint32_t, uint32_t, uint32_t, uint32_t);
typedef int32_t entry5(asl_frame *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
typedef int32_t entry6(asl_frame *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
typedef int32_t entry7(asl_frame *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);

/* One member per arity; which one is called is the op's operand count. */
union entry {
    entry0 *f0;
    entry1 *f1;
    entry2 *f2;
    entry3 *f3;
    entry4 *f4;
    entry5 *f5;
    entry6 *f6;
    entry7 *f7;
};

/* ops.def names the entries: an op asl_rt_<name> of as many operands as it has letters. */
static union entry entries[OP_COUNT];
static pthread_once_t entries_once = PTHREAD_ONCE_INIT;

static void find_entries(void) {
    for (int op = 0; op < OP_COUNT; op++)
        for (const struct asl_rt_symbol *s = asl_rt_symbols; s->name; s++)
            if (strcmp(s->name + strlen("asl_rt_"), ir_op_info[op].name) == 0)
                entries[op].f0 = (entry0 *)s->function;
}

struct machine {
    const struct ir_machine *ir;
    const uint32_t *resume; /* block of each resume point */
    uint32_t resume_count;
    uint32_t *point;        /* resume point of each block */
};

struct walker {
    asl_program program;
    struct machine *machines, *functions;
};

static int32_t call(asl_frame *frame, const struct ir_op *op) {
    const uint32_t *o = op->operand;
    union entry e = entries[op->opcode];
    static const uint8_t arity[OP_COUNT] = {
#define OP(id, name, operands, flags) [OP_##id] = sizeof(operands) - 1,
#include "ops.def"
#undef OP
    };
    switch (arity[op->opcode]) {
    case 0: return e.f0(frame);
    case 1: return e.f1(frame, o[0]);
    case 2: return e.f2(frame, o[0], o[1]);
    case 3: return e.f3(frame, o[0], o[1], o[2]);
    case 4: return e.f4(frame, o[0], o[1], o[2], o[3]);
    case 5: return e.f5(frame, o[0], o[1], o[2], o[3], o[4]);
    case 6: return e.f6(frame, o[0], o[1], o[2], o[3], o[4], o[5]);
    default: return e.f7(frame, o[0], o[1], o[2], o[3], o[4], o[5], o[6]);
    }
}

static inline bool failed(const struct ir_op *op, int32_t answer) {
    unsigned flags = ir_op_info[op->opcode].flags;
    if (answer == 0 || !(flags & IR_FAILS))
        return false;
    return flags & IR_ASKS ? answer < 0 : !(flags & IR_STARTS) || answer != ASL_ANSWERED;
}

static int32_t walk(const struct machine *m, asl_frame *frame) {
    uint32_t number = frame->resume < m->resume_count ? m->resume[frame->resume] : IR_NO_BLOCK;
    while (number != IR_NO_BLOCK) {
        const struct ir_block *b = m->ir->blocks.items[number];
        const struct ir_op *op = b->ops.items, *end = b->ops.count ? op + b->ops.count : op; // an empty block has no items
        int32_t answer = 0; // of the last op
        while (op < end && !failed(op, answer = call(frame, op)))
            op++;
        if (op < end) {
            number = b->error;
            continue;
        }
        const struct ir_exit *e = &b->exit;
        int32_t chosen;
        switch (e->kind) {
        case EXIT_JUMP: number = e->target[0]; break;
        case EXIT_IF: number = e->target[asl_rt_test(frame, e->test, e->a, e->b) ? 0 : 1]; break;
        case EXIT_RETRY:
            answer = asl_rt_retry(frame, e->site);
            if (answer == 0) {
                number = e->target[1];
                break;
            }
            __attribute__((fallthrough));
        case EXIT_SUSPEND:
            if (answer != ASL_ANSWERED) {
                frame->resume = m->point[e->target[0]];
                return ASL_SUSPENDED;
            }
            number = e->target[0];
            break;
        case EXIT_CATCH:
            chosen = asl_rt_catch(frame, e->site);
            number = chosen > 0 && (uint32_t)chosen <= e->target_count ? e->target[chosen - 1] : IR_NO_BLOCK;
            break;
        case EXIT_DONE: asl_rt_done(frame, e->a); return ASL_DONE;
        case EXIT_BRANCH: number = e->target[answer ? 0 : 1]; break;
        case EXIT_RETURN: return (int32_t)e->a;
        case EXIT_GIVE_UP: // of quiet machines
        case EXIT_NONE:
        case EXIT_FAILED: number = IR_NO_BLOCK; break;
        }
    }
    return ASL_FAILED;
}

static int32_t step(asl_frame *frame) {
    const struct walker *w = asl_frame_program(frame)->user;
    return walk(&w->machines[frame->machine], frame);
}

static int32_t function(asl_frame *frame) {
    const struct walker *w = asl_rt_jx_program(frame)->user;
    return walk(&w->functions[frame->machine], frame);
}

static struct machine *flatten(struct arena *a, struct ir_machine *const *machines, size_t count) {
    struct machine *all = arena_alloc(a, (count + 1) * sizeof *all);
    for (size_t i = 0; i < count; i++) {
        struct machine *m = &all[i];
        uint32_t *resume;
        m->ir = machines[i];
        m->resume_count = ir_resume_points(a, m->ir, &resume);
        m->resume = resume;
        m->point = arena_alloc(a, m->ir->blocks.count * sizeof *m->point);
        for (uint32_t r = 0; r < m->resume_count; r++)
            m->point[resume[r]] = r;
    }
    return all;
}

static asl_step *const *repeated(struct arena *a, asl_step *step_function, size_t count) {
    asl_step **all = arena_alloc(a, (count + 1) * sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[i] = step_function;
    return all;
}

const asl_program *interp_program(struct arena *a, const struct ir_plan *p, const asl_handler *const *handlers) {
    pthread_once(&entries_once, find_entries);
    struct walker *w = arena_alloc(a, sizeof *w);
    size_t machines = p->quiet ? p->quiet : p->machines.count; // quiet machines are the compiler's
    w->machines = flatten(a, p->machines.items, machines);
    w->functions = flatten(a, p->functions.items, p->functions.count);
    asl_buffer image = {0};
    struct ir_plan watched = *p;
    watched.machines.count = machines;
    watched.quiet = 0;
    ir_image(&watched, &image);
    w->program = (asl_program){.abi = ASL_ABI,
                               .step_count = (uint32_t)machines,
                               .image = arena_copy(a, image.data, image.size),
                               .image_size = image.size,
                               .steps = repeated(a, step, machines),
                               .functions = repeated(a, function, p->functions.count),
                               .function_count = p->functions.count,
                               .handlers = handlers,
                               .user = w};
    asl_buffer_free(&image);
    return &w->program;
}
