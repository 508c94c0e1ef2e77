// The plan as text. ir_parse.c is its inverse: both follow ops.def, so a new op needs no line here.
#include <string.h>

#include "ir.h"
#include "ir_text.h"

const char *const ir_exit_names[] = {"none", "jump", "if", "suspend", "retry", "catch", "done", "failed",
                                     "branch", "give_up", "return"};

const char *const ir_path_mode_names[] = {"invalid", "template", "field", "argument", "choice", "optional"};

const char *const ir_intrinsic_names[] = {
#define INTRINSIC(id, name, min, max, result) name,
#include "aslc/intrinsics.def"
#undef INTRINSIC
};

const char *const ir_choice_names[] = {
#define CHOICE(id, name, type, path) name,
#include "aslc/choice.def"
#undef CHOICE
};

static void quoted(asl_buffer *out, const char *text) { asl_json_print_string(asl_str_z(text), out); }

static void slot(asl_buffer *out, uint32_t operand) {
    if (operand == ASL_NO_OPERAND)
        asl_buffer_z(out, "_");
    else
        asl_buffer_format(out, "%%%u%s", operand & ~ASL_LAST, operand & ASL_LAST ? "!" : "");
}

// An operand of a test: quiet machines have others than slots.
static void tested(asl_buffer *out, uint32_t operand) {
    asl_buffer_byte(out, ' ');
    if (operand != ASL_NO_OPERAND && operand & ASL_CONSTANT)
        asl_buffer_format(out, "k%u", operand & ~ASL_CONSTANT);
    else if (operand != ASL_NO_OPERAND && operand & IR_NUMBER)
        asl_buffer_format(out, "#%u", operand & ~IR_NUMBER);
    else
        slot(out, operand);
}

static void operand(asl_buffer *out, char kind, uint32_t value) {
    asl_buffer_byte(out, ' ');
    if (kind == 'L' || kind == 'l')
        kind = value & ASL_CONSTANT ? 'k' : '#', value &= ~ASL_CONSTANT;
    if (kind == 'v' && value != ASL_NO_OPERAND && value & ASL_CONSTANT)
        asl_buffer_format(out, "k%u", value & ~ASL_CONSTANT);
    else if (strchr("dsxaDXv", kind))
        slot(out, value);
    else if (value == ASL_NO_OPERAND)
        asl_buffer_z(out, "_");
    else if (kind == 'f')
        asl_buffer_z(out, ir_intrinsic_names[value]);
    else if (kind == 'm')
        asl_buffer_z(out, ir_path_mode_names[value]);
    else if (kind == 'i')
        asl_buffer_format(out, "%u", value);
    else
        asl_buffer_format(out, "%c%u", kind, value);
}

static void position(asl_buffer *out, uint32_t line, uint32_t column) {
    if (line)
        asl_buffer_format(out, " @%u:%u", line, column);
    asl_buffer_byte(out, '\n');
}

static void print_exit(asl_buffer *out, const struct ir_exit *e) {
    asl_buffer_z(out, "    ");
    asl_buffer_z(out, ir_exit_names[e->kind]);
    if (e->kind == EXIT_IF) {
        asl_buffer_format(out, " %s", ir_choice_names[e->test]);
        tested(out, e->a);
        tested(out, e->b);
        if (e->parsed)
            asl_buffer_format(out, " #%u", e->parsed - 1);
    } else if (e->kind == EXIT_DONE) {
        asl_buffer_byte(out, ' ');
        slot(out, e->a);
    } else if (e->kind == EXIT_RETURN) {
        asl_buffer_format(out, " %u", e->a);
    } else if (e->kind == EXIT_RETRY || e->kind == EXIT_CATCH) {
        asl_buffer_format(out, " t%u", e->site);
    }
    for (uint32_t i = 0; i < e->target_count; i++)
        asl_buffer_format(out, " b%u", e->target[i]);
    position(out, e->line, e->column);
}

static void print_machine(asl_buffer *out, const struct ir_machine *m, const char *kind, size_t number, bool quiet) {
    asl_buffer_format(out, "%s @%zu ", kind, number);
    quoted(out, m->name);
    if (m->params)
        asl_buffer_format(out, " params %u", m->params);
    if (quiet)
        asl_buffer_z(out, " quiet");
    asl_buffer_byte(out, '\n');
    for (size_t i = 0; i < m->slots.count; i++) {
        asl_buffer_format(out, "  slot %%%zu ", i);
        quoted(out, m->slots.items[i]);
        asl_buffer_z(out, ir_is_view(m, (uint32_t)i) ? " view\n" : "\n");
    }
    if (m->numbers)
        asl_buffer_format(out, "  numbers %u\n", m->numbers);
    for (size_t i = 0; i < m->captures.count; i++)
        asl_buffer_format(out, "  capture %%%u %%%u\n", m->captures.items[i].slot, m->captures.items[i].parent_slot);
    for (size_t i = 0; i < m->blocks.count; i++) {
        const struct ir_block *b = m->blocks.items[i];
        asl_buffer_format(out, "  block b%zu ", i);
        quoted(out, b->name);
        if (b->state != ASL_NO_OPERAND)
            asl_buffer_format(out, " n%u", b->state);
        if (b->resume)
            asl_buffer_z(out, " resume");
        if (b->error != IR_NO_BLOCK)
            asl_buffer_format(out, " error b%u", b->error);
        asl_buffer_byte(out, '\n');
        for (size_t j = 0; j < b->ops.count; j++) {
            const struct ir_op *op = &b->ops.items[j];
            const struct ir_op_info *info = &ir_op_info[op->opcode];
            asl_buffer_format(out, "    %s", info->name);
            for (size_t k = 0; info->operands[k]; k++)
                operand(out, info->operands[k], op->operand[k]);
            position(out, op->line, op->column);
        }
        print_exit(out, &b->exit);
    }
}

void ir_print(const struct ir_plan *p, asl_buffer *out) {
    asl_buffer_z(out, "plan 1 ");
    quoted(out, p->name);
    asl_buffer_z(out, p->express ? " express" : " standard");
    if (p->timeout_seconds)
        asl_buffer_format(out, " timeout %lld", (long long)p->timeout_seconds);
    asl_buffer_byte(out, '\n');
    if (p->definition_hash) {
        asl_buffer_z(out, "definition ");
        quoted(out, p->definition_hash);
        asl_buffer_byte(out, '\n');
    }
    for (size_t i = 0; i < p->constants.count; i++)
        asl_buffer_format(out, "const k%zu = %s\n", i, p->constants.items[i]);
    for (size_t i = 0; i < p->paths.count; i++) {
        asl_buffer_format(out, "path p%zu = ", i);
        quoted(out, p->paths.items[i]);
        asl_buffer_byte(out, '\n');
    }
    for (size_t i = 0; i < p->states.count; i++) {
        const struct ir_state *s = &p->states.items[i];
        asl_buffer_format(out, "state n%zu = %s ", i, s->type);
        quoted(out, s->name);
        position(out, s->line, s->column);
    }
    for (size_t i = 0; i < p->sites.count; i++)
        asl_buffer_format(out, "site t%zu = %s\n", i, p->sites.items[i]);
    for (size_t i = 0; i < p->bindings.count; i++)
        asl_buffer_format(out, "binding %s\n", p->bindings.items[i]);
    for (size_t i = 0; i < p->machines.count; i++)
        print_machine(out, p->machines.items[i], "machine", i, p->quiet && i >= p->quiet);
    for (size_t i = 0; i < p->functions.count; i++)
        print_machine(out, p->functions.items[i], "function", i, false);
}
