// --profile: which states and expressions take an execution's time and memory.
//
// A pass of its own, the last one, puts an op "profile" before every run of ops that stand at one place of the
// definition:
//
//     block b0 "Add" n1
//       profile 3                    Add is entered
//       enter n1 %0 @7:14
//       profile 4
//       path %2 %0 p0 … @9:21
//       intrinsic %3 MathAdd … @9:21
//       profile 0                    the engine goes on
//       done %2!
//
// What the engine does for a state that waits is the state's, until another place begins: the op that starts the work must
// be the last one before a suspend.
//
// So compiled code, the interpreter and whatever passes there are get the same treatment, and what is shown is what is
// left of a state after they have done their work. Ops of an expression in JSONata are not told apart: the expression is
// one place. runtime/place_counts.c counts.
#include "profile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "place_counts.h"

struct place {
    uint32_t state, line, column; /* in the definition */
    bool entry;                   /* of its state: its visits are the state's */
};

struct profile {
    const struct ir_plan *plan;
    VEC(struct place) places; /* 0: the engine */
    struct asl__profile_place *counted;
};

// ---------------------------------------------------------------- the pass

static uint32_t place_number(struct profile *profile, struct place p) {
    for (size_t i = profile->places.count; i-- > 1;) { // places come in order, so one that is known is near the end
        const struct place *q = &profile->places.items[i];
        if (q->state == p.state && q->line == p.line && q->column == p.column && q->entry == p.entry)
            return (uint32_t)i;
    }
    *vec_push(profile->plan->arena, &profile->places) = p;
    return (uint32_t)profile->places.count - 1;
}

struct writer { /* of a block's new ops */
    struct profile *profile;
    VEC(struct ir_op) ops;
    uint32_t at; /* the place that runs */
};

static void begin_place(struct writer *w, uint32_t number) {
    if (number == w->at)
        return;
    w->at = number;
    *vec_push(w->profile->plan->arena, &w->ops) = (struct ir_op){.opcode = OP_PROFILE, .operand = {number}};
}

// A state is entered where control comes from another state, or from outside: passes may have given it several first blocks.
static bool is_entry(const struct ir_machine *m, size_t number, const struct ir_state *s) {
    const struct ir_block *b = m->blocks.items[number];
    if (strcmp(b->name, s->name) != 0)
        return false;
    bool reached = false;
    for (size_t i = 0; i < m->blocks.count; i++) {
        const struct ir_block *from = m->blocks.items[i];
        for (uint32_t t = 0; t < from->exit.target_count; t++) {
            if (from->exit.target[t] != number)
                continue;
            if (from->state != b->state)
                return true;
            reached = true;
        }
    }
    return number == 0 || !reached;
}

static void instrument(struct profile *profile, const struct ir_machine *m, size_t number) {
    struct ir_block *b = m->blocks.items[number];
    struct writer w = {.profile = profile, .at = ASL_NO_OPERAND};
    if (b->state == ASL_NO_OPERAND)
        return;
    const struct ir_state *s = &profile->plan->states.items[b->state];
    bool entry = is_entry(m, number, s);
    struct place p = {b->state, s->line, s->column, entry};
    begin_place(&w, place_number(profile, p));
    for (size_t i = 0; i < b->ops.count; i++) {
        const struct ir_op *op = &b->ops.items[i];
        struct place q = {b->state, op->line, op->column, false};
        bool whole_state = op->line == s->line && op->column == s->column;
        if (op->line && !whole_state) // what has no place of its own belongs to what is before it
            begin_place(&w, place_number(profile, q));
        else if (op->line)
            begin_place(&w, place_number(profile, (struct place){b->state, s->line, s->column, entry && i == 0}));
        *vec_push(profile->plan->arena, &w.ops) = *op;
    }
    const struct ir_exit *x = &b->exit;
    if (x->kind == EXIT_IF && x->line)
        begin_place(&w, place_number(profile, (struct place){b->state, x->line, x->column, false}));
    else if (x->kind == EXIT_RETRY || x->kind == EXIT_DONE || x->kind == EXIT_FAILED)
        begin_place(&w, 0);
    b->ops.items = w.ops.items;
    b->ops.count = w.ops.count;
    b->ops.capacity = w.ops.capacity;
}

struct profile *profile_plan(struct ir_plan *p) {
    struct profile *profile = arena_alloc(p->arena, sizeof *profile);
    profile->plan = p;
    *vec_push(p->arena, &profile->places) = (struct place){.state = ASL_NO_OPERAND};
    for (size_t m = 0; m < p->machines.count; m++)
        for (size_t b = 0; b < p->machines.items[m]->blocks.count; b++)
            instrument(profile, p->machines.items[m], b);
    return profile;
}

void profile_begin(struct profile *profile) {
    profile->counted = arena_alloc(profile->plan->arena, profile->places.count * sizeof *profile->counted);
    asl__profile_begin(profile->counted, profile->places.count);
}

// ---------------------------------------------------------------- the report

struct row {
    uint32_t number; /* of a state or place */
    struct asl__profile_place sum;
};

static void add(struct asl__profile_place *sum, const struct asl__profile_place *p) {
    sum->ticks += p->ticks;
    sum->blocks += p->blocks;
}

static int by_time(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    if (x->sum.ticks != y->sum.ticks)
        return x->sum.ticks < y->sum.ticks ? 1 : -1;
    return x->number < y->number ? -1 : 1;
}

static const struct profile *sorted; /* qsort passes nothing on */

static int by_place(const void *a, const void *b) {
    const struct place *x = &sorted->places.items[((const struct row *)a)->number];
    const struct place *y = &sorted->places.items[((const struct row *)b)->number];
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x->entry == y->entry ? 0 : x->entry ? -1 : 1;
}

static void print_figures(FILE *out, const struct asl__profile_place *p, double tick, uint64_t all) {
    char text[32];
    fprintf(out, "%10s %6.1f %11" PRIu64, duration((double)p->ticks * tick, text), all ? 100.0 * (double)p->ticks / (double)all : 0,
            p->visits);
    fprintf(out, " %10s %12" PRIu64, p->visits ? duration((double)p->ticks * tick / (double)p->visits, text) : "-", p->blocks);
}

static void print_states(const struct profile *profile, double tick, uint64_t all, FILE *out) {
    size_t count = profile->plan->states.count;
    struct row *rows = arena_alloc(profile->plan->arena, (count + 1) * sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i].number = (uint32_t)i;
    for (size_t i = 1; i < profile->places.count; i++) {
        const struct place *p = &profile->places.items[i];
        add(&rows[p->state].sum, &profile->counted[i]);
        if (p->entry)
            rows[p->state].sum.visits += profile->counted[i].visits;
    }
    qsort(rows, count, sizeof *rows, by_time);
    fprintf(out, "%10s %6s %11s %10s %12s  state\n", "time", "%", "entered", "each", "allocations");
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].sum.visits && !rows[i].sum.ticks)
            continue;
        const struct ir_state *s = &profile->plan->states.items[rows[i].number];
        print_figures(out, &rows[i].sum, tick, all);
        fprintf(out, "  %s (line %u)\n", s->name, s->line);
    }
}

/* What stands there, as much of it as fits on a line. */
static void print_excerpt(FILE *out, const struct source *source, const struct place *p) {
    asl_str line = source_line(source, p->line);
    size_t from = p->column ? p->column - 1 : 0, size = from < line.size ? line.size - from : 0, most = 60;
    bool cut = size > most;
    if (cut)
        for (size = most; size > 0 && ((unsigned char)line.data[from + size] & 0xc0) == 0x80;)
            size--;
    for (size_t i = from; i < from + size; i++)
        fputc((unsigned char)line.data[i] < ' ' ? ' ' : line.data[i], out);
    fputs(cut ? "…\n" : "\n", out);
}

static void print_places(const struct profile *profile, const struct source *source, double tick, uint64_t all, FILE *out) {
    struct row *rows = arena_alloc(profile->plan->arena, profile->places.count * sizeof *rows);
    size_t count = 0;
    for (size_t i = 1; i < profile->places.count; i++)
        if (profile->counted[i].visits)
            rows[count++] = (struct row){(uint32_t)i, profile->counted[i]};
    sorted = profile;
    qsort(rows, count, sizeof *rows, by_place);
    fprintf(out, "\n%10s %6s %11s %10s %12s  %s\n", "time", "%", "times", "each", "allocations", source->path);
    for (size_t i = 0; i < count; i++) {
        const struct place *p = &profile->places.items[rows[i].number];
        char at[32];
        print_figures(out, &rows[i].sum, tick, all);
        snprintf(at, sizeof at, "%u:%u", p->line, p->column);
        fprintf(out, "  %-9s ", at);
        if (p->entry)
            fprintf(out, "%s is entered\n", profile->plan->states.items[p->state].name);
        else
            print_excerpt(out, source, p);
    }
}

void profile_print(struct profile *profile, const struct source *source, FILE *out) {
    struct asl__profile_times times = asl__profile_end();
    double tick = times.tick;
    char text[32];
    uint64_t all = 0;
    for (size_t i = 0; i < profile->places.count; i++)
        all += profile->counted[i].ticks;
    print_states(profile, tick, all, out);
    print_figures(out, &profile->counted[0], tick, all);
    fputs("  (the engine, between states)\n", out);
    if (times.away >= 1e-6)
        fprintf(out, "%10s %43s(waiting, or others had the processor)\n", duration(times.away, text), "");
    print_places(profile, source, tick, all, out);
}
