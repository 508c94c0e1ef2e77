// Shape: which states only compute, and which Parallel and Map states run here and now because all inside does, too, and
// nothing else of the execution runs beside them.
#include "opt/shape/shape.h"

static bool computes(const struct ir_plan *p, const struct ir_op *op, int depth);

static bool pure_function(const struct ir_plan *p, uint32_t g, int depth) {
    const struct ir_machine *f = p->functions.items[g];
    if (depth > 20)
        return false;
    for (size_t i = 0; i < f->blocks.count; i++)
        for (size_t j = 0; j < f->blocks.items[i]->ops.count; j++)
            if (!computes(p, &f->blocks.items[i]->ops.items[j], depth + 1))
                return false;
    return true;
}

static bool builtin_draws(uint32_t builtin) {
    return builtin == JX_RANDOM || builtin == JX_SHUFFLE || builtin == JX_EVAL || builtin == JX_SFN_RANDOM || builtin == JX_UUID;
}

bool shape_draws(uint32_t intrinsic) { return intrinsic == ASL_INTRINSIC_UUID || intrinsic == ASL_INTRINSIC_MATH_RANDOM; }

// Whether op may be done twice. An intrinsic that draws random numbers may, as it can be undone.
static bool computes(const struct ir_plan *p, const struct ir_op *op, int depth) {
    switch ((int)op->opcode) {
    case OP_ENTER: case OP_EXIT: case OP_POLL: case OP_CONST: case OP_COPY: case OP_CONTEXT: case OP_VARIABLE: case OP_PATH:
    case OP_OBJECT: case OP_SET: case OP_ARRAY: case OP_PUSH: case OP_PUT: case OP_RAISE: case OP_FAIL: case OP_EXPECT:
    case OP_CONDITION: case OP_TICK: case OP_MARK: case OP_INTRINSIC: return true;
    case OP_JX_EVAL: return pure_function(p, op->operand[1], depth);
    case OP_JX_CALL_FUNCTION: case OP_JX_CLOSURE: return op->operand[1] < p->functions.count && pure_function(p, op->operand[1], depth);
    case OP_JX_TAIL_FUNCTION: return op->operand[0] < p->functions.count && pure_function(p, op->operand[0], depth);
    case OP_JX_BUILTIN: case OP_JX_FUNCTION: return !builtin_draws(op->operand[1] & 0xff); // above that are flags
    case OP_TASK: case OP_LIMIT: case OP_ASSIGN: case OP_ATTEMPT: case OP_WAIT_SECONDS: case OP_WAIT_UNTIL: case OP_PARALLEL:
    case OP_MAP: case OP_ITEM: case OP_RESULT: case OP_ERROR_OUTPUT: return false; // see only_computes
    default: return depth > 0; // JSONata's own
    }
}

bool shape_computes(const struct ir_plan *p, const struct ir_op *op) { return computes(p, op, 0); }

static bool draws(const struct ir_op *op) { return op->opcode == OP_INTRINSIC && shape_draws(op->operand[1]); }

// Which states of a machine only compute, and begin where they should; `now` says which Parallel and Map states do so
// because their sites run now.
bool *shape_only_compute(const struct ir_plan *p, const struct site *sites, const struct ir_machine *watched,
                          struct ir_block *const *from, size_t from_count, const bool *inlined) {
    size_t states = p->states.count;
    bool *bad = arena_alloc(p->arena, states + 1), *entered = arena_alloc(p->arena, states + 1);
    bool *fanout = arena_alloc(p->arena, states + 1), *handler = arena_alloc(p->arena, from_count + 1);
    if (inlined)
        memcpy(fanout, inlined, states * sizeof *fanout);
    for (size_t i = 0; i < from_count; i++)
        for (size_t j = 0; j < from[i]->ops.count && from[i]->state != ASL_NO_OPERAND; j++) {
            const struct ir_op *op = &from[i]->ops.items[j];
            if ((op->opcode == OP_MAP || op->opcode == OP_PARALLEL) && sites[op->operand[0]].now)
                fanout[from[i]->state] = true;
        }
    // What such a state does about errors is the watched machine's business.
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < from_count; i++) {
            const struct ir_block *b = from[i];
            if (b->state == ASL_NO_OPERAND || !fanout[b->state])
                continue;
            for (uint32_t t = 0; t < b->exit.target_count && handler[i]; t++) {
                uint32_t to = b->exit.target[t];
                bool inside = from[to]->state == b->state && !(b->exit.kind == EXIT_RETRY && t == 0);
                more |= inside && !handler[to];
                handler[to] |= inside;
            }
            if (b->error != IR_NO_BLOCK && !handler[b->error])
                more = handler[b->error] = true;
        }
    }
    for (size_t i = 0; i < from_count; i++) {
        const struct ir_block *b = from[i];
        if (b->state == ASL_NO_OPERAND || handler[i])
            continue;
        bool waits = false;
        for (size_t j = 0; j < b->ops.count; j++) {
            const struct ir_op *op = &b->ops.items[j];
            bool forks = op->opcode == OP_MAP || op->opcode == OP_PARALLEL;
            if (forks && sites[op->operand[0]].now)
                waits = true;
            else if (fanout[b->state] && draws(op)) // what its children draw comes in between
                bad[b->state] = true;
            else if (!computes(p, op, 0) && !(op->opcode == OP_RESULT && fanout[b->state]))
                bad[b->state] = true;
            if (op->opcode == OP_ENTER) {
                bad[b->state] = bad[b->state] || j != 0 || entered[b->state];
                entered[b->state] = true;
            }
        }
        enum ir_exit_kind kind = b->exit.kind;
        if ((b->error != IR_NO_BLOCK && !fanout[b->state]) || (kind == EXIT_SUSPEND && !waits) || kind == EXIT_RETRY ||
            kind == EXIT_CATCH || kind == EXIT_NONE || kind == EXIT_GIVE_UP || kind == EXIT_RETURN)
            bad[b->state] = true;
        bool asks = b->ops.count && b->ops.items[b->ops.count - 1].opcode == OP_CONDITION;
        if (kind == EXIT_BRANCH && !asks)
            bad[b->state] = true;
    }
    // Only a state's first block may be entered from outside, and the watched machine must be able to begin there.
    for (size_t i = 0; i < from_count; i++) {
        for (uint32_t t = 0; t < from[i]->exit.target_count; t++) {
            const struct ir_block *to = from[from[i]->exit.target[t]];
            bool first = to->ops.count && to->ops.items[0].opcode == OP_ENTER;
            if (to->state != ASL_NO_OPERAND && to->state != from[i]->state && !first)
                bad[to->state] = true;
        }
        bool first = from[i]->ops.count && from[i]->ops.items[0].opcode == OP_ENTER && from[i]->state != ASL_NO_OPERAND;
        if (first && i != 0 && (i >= watched->blocks.count || !watched->blocks.items[i]->resume))
            bad[from[i]->state] = true;
    }
    bool *simple = arena_alloc(p->arena, from_count + 1);
    for (size_t i = 0; i < from_count; i++) {
        uint32_t state = from[i]->state;
        simple[i] = state != ASL_NO_OPERAND && entered[state] && !bad[state];
    }
    return simple;
}

// What is inside runs beside others after all.
static void not_now(const struct ir_plan *p, struct site *sites, const struct site *outer) {
    for (size_t c = 0; c < outer->count; c++) {
        const struct ir_machine *m = p->machines.items[outer->machines[c] + p->quiet];
        for (size_t i = 0; i < m->blocks.count; i++)
            for (size_t j = 0; j < m->blocks.items[i]->ops.count; j++) {
                const struct ir_op *op = &m->blocks.items[i]->ops.items[j];
                if (op->opcode == OP_MAP || op->opcode == OP_PARALLEL) {
                    sites[op->operand[0]].now = false;
                    not_now(p, sites, &sites[op->operand[0]]);
                }
            }
    }
}

// Whether a machine comes to its end without waiting for anything, once its sites that may run now do so, and draws no random
// numbers: frames take turns, so theirs would come in another order.
bool shape_runs_through(const struct ir_plan *p, struct site *sites, size_t number, int depth) {
    const struct ir_machine *m = p->machines.items[number + p->quiet];
    if (depth > DEEPEST)
        return false;
    for (size_t i = 0; i < m->blocks.count; i++)
        for (size_t j = 0; j < m->blocks.items[i]->ops.count; j++) {
            const struct ir_op *op = &m->blocks.items[i]->ops.items[j];
            if (op->opcode != OP_MAP && op->opcode != OP_PARALLEL)
                continue;
            struct site *site = &sites[op->operand[0]];
            bool may = !site->distributed && !site->limited && site->count > 0;
            if (op->opcode == OP_MAP)
                for (int o = 3; o < 6; o++)
                    may = may && op->operand[o] == ASL_NO_OPERAND;
            for (size_t c = 0; c < site->count && may; c++)
                may = shape_runs_through(p, sites, site->machines[c], depth + 1);
            site->now = may;
            if (!may)
                not_now(p, sites, site);
        }
    bool *simple = shape_only_compute(p, sites, p->machines.items[number], m->blocks.items, m->blocks.count, NULL);
    for (size_t i = 0; i < m->blocks.count; i++)
        for (size_t j = 0; j < m->blocks.items[i]->ops.count && !simple[i]; j++) {
            const struct ir_op *op = &m->blocks.items[i]->ops.items[j];
            if (op->opcode != OP_MAP && op->opcode != OP_PARALLEL)
                continue;
            sites[op->operand[0]].now = false; // something else in the state is in the way
            not_now(p, sites, &sites[op->operand[0]]);
        }
    for (size_t i = 0; i < m->blocks.count; i++) {
        const struct ir_block *b = m->blocks.items[i];
        bool prologue = i == 0 && (b->ops.count == 0 || b->ops.items[0].opcode != OP_ENTER);
        for (size_t j = 0; j < b->ops.count; j++)
            if (draws(&b->ops.items[j]))
                return false;
        if (simple[i])
            continue;
        if (!prologue)
            return false;
        for (size_t j = 0; j < b->ops.count; j++)
            if (!computes(p, &b->ops.items[j], 0) && b->ops.items[j].opcode != OP_ITEM)
                return false;
        if (b->error != IR_NO_BLOCK || (b->exit.kind != EXIT_JUMP && b->exit.kind != EXIT_SUSPEND))
            return false;
    }
    return true;
}

static bool has(const asl_value *site, const char *key) {
    const asl_value *v = asl_object_get(site, asl_str_z(key));
    return v && !(v->tag == ASL_BOOL && !v->b);
}

// As the runtime sees it or more: a callback, a job that is waited for, an activity.
static bool may_have_token(const char *site) {
    return strstr(site, ".sync") || strstr(site, ".waitForTaskToken") || strstr(site, ":activity:");
}

struct site *shape_read_sites(struct ir_plan *p) {
    struct site *sites = arena_alloc(p->arena, (p->sites.count + 1) * sizeof *sites);
    for (size_t i = 0; i < p->sites.count; i++) {
        asl_value v;
        sites[i].has_token = may_have_token(p->sites.items[i]);
        if (asl_json_parse(asl_str_z(p->sites.items[i]), NULL, &v, NULL) < 0)
            continue; // the image is refused when it is loaded
        const asl_value *machines = v.tag == ASL_OBJECT ? asl_object_get(&v, ASL_STR("machines")) : NULL;
        if (machines && machines->tag == ASL_ARRAY) {
            struct site *s = &sites[i];
            s->count = asl_array_count(machines);
            s->machines = arena_alloc(p->arena, (s->count + 1) * sizeof *s->machines);
            for (size_t m = 0; m < s->count; m++)
                s->machines[m] = (uint32_t)asl_array_at(machines, m)->i;
            s->is_map = s->count == 1 && has(&v, "kind") && asl_str_equal(asl_text_of(asl_object_get(&v, ASL_STR("kind"))), ASL_STR("map"));
            s->selects = has(&v, "itemSelector");
            s->distributed = has(&v, "distributed");
            s->limited = has(&v, "toleratedFailureCount") || has(&v, "toleratedFailurePercentage");
        }
        asl_release(v);
    }
    return sites;
}
