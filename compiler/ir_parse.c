// Reads a plan's text back. One line is one thing; the first word says what. Used by golden tests and by people who take
// a bug apart: a plan can be cut down by hand and fed to the interpreter or the emitter again.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir.h"
#include "ir_text.h"



struct reader {
    struct arena *arena;
    struct ir_plan *plan;
    struct ir_machine *machine;
    struct ir_block *block;
    const char *at, *end; /* of the current line */
    unsigned line;
    char *message;
    size_t message_size;
    bool failed;
};

static void fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct reader *r, const char *format, ...) {
    if (r->failed)
        return; // the first mistake is the one to look at
    r->failed = true;
    int n = snprintf(r->message, r->message_size, "line %u: ", r->line);
    va_list args;
    va_start(args, format);
    if (n >= 0 && (size_t)n < r->message_size)
        vsnprintf(r->message + n, r->message_size - (size_t)n, format, args);
    va_end(args);
}

static void blanks(struct reader *r) {
    while (r->at < r->end && *r->at == ' ')
        r->at++;
}

static bool at_end(struct reader *r) {
    blanks(r);
    return r->at == r->end;
}

static asl_str word(struct reader *r) {
    blanks(r);
    const char *from = r->at;
    while (r->at < r->end && *r->at != ' ')
        r->at++;
    return (asl_str){from, (size_t)(r->at - from)};
}

static bool is(asl_str w, const char *text) { return asl_str_equal(w, asl_str_z(text)); }

static uint32_t number(struct reader *r, asl_str w, const char *what) {
    uint64_t v = 0;
    if (w.size == 0 || w.size > 10)
        fail(r, "expected %s", what);
    for (size_t i = 0; i < w.size && w.size <= 10; i++) {
        if (w.data[i] < '0' || w.data[i] > '9')
            fail(r, "expected %s, found \"%.*s\"", what, (int)w.size, w.data);
        v = 10 * v + (uint64_t)(w.data[i] - '0');
    }
    if (v > UINT32_MAX)
        fail(r, "%s is too large", what);
    return (uint32_t)v;
}

// A word that is a letter and a number: b3, k12.
static uint32_t reference(struct reader *r, asl_str w, char letter, const char *what) {
    if (w.size < 2 || w.data[0] != letter) {
        fail(r, "expected %s such as %c0, found \"%.*s\"", what, letter, (int)w.size, w.data);
        return 0;
    }
    return number(r, (asl_str){w.data + 1, w.size - 1}, what);
}

static const char *quoted(struct reader *r) {
    blanks(r);
    const char *from = r->at;
    if (from == r->end || *from != '"') {
        fail(r, "expected a name in quotes");
        return "";
    }
    for (r->at++; r->at < r->end && *r->at != '"'; r->at++)
        if (*r->at == '\\' && r->at + 1 < r->end)
            r->at++;
    if (r->at == r->end) {
        fail(r, "a name's closing quote is missing");
        return "";
    }
    r->at++;
    asl_value v;
    asl_json_error error;
    if (asl_json_parse((asl_str){from, (size_t)(r->at - from)}, NULL, &v, &error) < 0) {
        fail(r, "bad name: %s", error.message);
        return "";
    }
    asl_str text = asl_text_of(&v);
    const char *copy = arena_copy(r->arena, text.data, text.size);
    asl_release(v);
    return copy;
}

// The rest of the line, which must be JSON.
static const char *json(struct reader *r) {
    blanks(r);
    asl_value v;
    asl_json_error error;
    asl_str rest = {r->at, (size_t)(r->end - r->at)};
    if (asl_json_parse(rest, &(asl_json_limits){.lone_surrogates = true}, &v, &error) < 0) {
        fail(r, "bad JSON: %s", error.message);
        return "null";
    }
    asl_release(v);
    r->at = r->end;
    return arena_copy(r->arena, rest.data, rest.size);
}

// "k0 =": numbers run from 0 without gaps, so that a reader of the text can trust them.
static void definition(struct reader *r, char letter, size_t expected) {
    uint32_t n = reference(r, word(r), letter, "a number");
    if (!r->failed && n != expected)
        fail(r, "expected %c%zu, found %c%u", letter, expected, letter, n);
    if (!is(word(r), "="))
        fail(r, "expected '='");
}

static uint32_t slot(struct reader *r, asl_str w) {
    if (is(w, "_"))
        return ASL_NO_OPERAND;
    uint32_t last = 0;
    if (w.size > 1 && w.data[w.size - 1] == '!') {
        last = ASL_LAST;
        w.size--;
    }
    return (reference(r, w, '%', "a slot") & ~ASL_LAST) | last;
}

static uint32_t name_in(struct reader *r, asl_str w, const char *const *names, size_t count, const char *what) {
    for (size_t i = 0; i < count; i++)
        if (is(w, names[i]))
            return (uint32_t)i;
    fail(r, "unknown %s \"%.*s\"", what, (int)w.size, w.data);
    return 0;
}

static void position(struct reader *r, uint32_t *line, uint32_t *column) {
    if (at_end(r))
        return;
    asl_str w = word(r);
    const char *colon = memchr(w.data, ':', w.size);
    if (w.data[0] != '@' || !colon) {
        fail(r, "unexpected \"%.*s\"", (int)w.size, w.data);
        return;
    }
    *line = number(r, (asl_str){w.data + 1, (size_t)(colon - w.data) - 1}, "a line");
    *column = number(r, (asl_str){colon + 1, (size_t)(w.data + w.size - colon) - 1}, "a column");
}

static uint32_t operand(struct reader *r, char kind) {
    asl_str w = word(r);
    if (kind == 'v' && w.size > 0 && w.data[0] == 'k')
        return (reference(r, w, 'k', "a constant") & ~ASL_LAST) | ASL_CONSTANT;
    if (strchr("dsxaDXv", kind))
        return slot(r, w);
    if (kind == 'L' || kind == 'l')
        return w.size > 0 && w.data[0] == 'k' ? (reference(r, w, 'k', "a constant") & ~ASL_LAST) | ASL_CONSTANT
                                              : reference(r, w, '#', "a number");
    if (is(w, "_"))
        return ASL_NO_OPERAND;
    if (kind == 'f')
        return name_in(r, w, ir_intrinsic_names, ASL_INTRINSIC_COUNT, "intrinsic function");
    if (kind == 'm')
        return name_in(r, w, ir_path_mode_names, ASL_PATH_OPTIONAL + 1, "path mode");
    if (kind == 'i')
        return number(r, w, "a number");
    return reference(r, w, kind, "an operand");
}

static uint32_t tested(struct reader *r) {
    asl_str w = word(r);
    if (w.size > 0 && w.data[0] == 'k')
        return (reference(r, w, 'k', "a constant") & ~ASL_LAST) | ASL_CONSTANT;
    if (w.size > 0 && w.data[0] == '#')
        return (reference(r, w, '#', "a number") & ~ASL_LAST) | IR_NUMBER;
    return slot(r, w);
}

static void read_exit(struct reader *r, enum ir_exit_kind kind) {
    struct ir_exit *e = &r->block->exit;
    e->kind = kind;
    if (kind == EXIT_IF) {
        e->test = name_in(r, word(r), ir_choice_names, ASL_CHOICE_COUNT, "choice operator");
        e->a = tested(r);
        e->b = tested(r);
        if (!r->failed && !at_end(r) && *r->at == '#')
            e->parsed = reference(r, word(r), '#', "a number") + 1;
    } else if (kind == EXIT_DONE) {
        e->a = slot(r, word(r));
    } else if (kind == EXIT_RETURN) {
        e->a = number(r, word(r), "a status");
    } else if (kind == EXIT_RETRY || kind == EXIT_CATCH) {
        e->site = reference(r, word(r), 't', "a site");
    }
    VEC(uint32_t) targets = {0};
    while (!r->failed && !at_end(r) && *r->at == 'b')
        *vec_push(r->arena, &targets) = reference(r, word(r), 'b', "a block");
    e->target = targets.items;
    e->target_count = (uint32_t)targets.count;
    position(r, &e->line, &e->column);
}

static void read_block(struct reader *r) {
    uint32_t n = reference(r, word(r), 'b', "a block");
    if (!r->machine || n != r->machine->blocks.count) {
        fail(r, "blocks of a machine are numbered from b0 in order");
        return;
    }
    const char *name = quoted(r);
    ir_block_new(r->plan, r->machine, name, ASL_NO_OPERAND);
    r->block = r->machine->blocks.items[n];
    while (!r->failed && !at_end(r)) {
        asl_str w = word(r);
        if (is(w, "resume"))
            r->block->resume = true;
        else if (is(w, "error"))
            r->block->error = reference(r, word(r), 'b', "a block");
        else
            r->block->state = reference(r, w, 'n', "a state");
    }
}

static void read_header(struct reader *r) {
    if (!is(word(r), "1"))
        fail(r, "only plans of version 1 are known");
    const char *name = quoted(r);
    r->plan = ir_plan_new(r->arena, name);
    while (!r->failed && !at_end(r)) {
        asl_str w = word(r);
        if (is(w, "express"))
            r->plan->express = true;
        else if (is(w, "timeout"))
            r->plan->timeout_seconds = number(r, word(r), "seconds");
        else if (!is(w, "standard"))
            fail(r, "unexpected \"%.*s\"", (int)w.size, w.data);
    }
}

static void read_line(struct reader *r) {
    asl_str w = word(r);
    struct ir_plan *p = r->plan;
    if (!p) {
        if (!is(w, "plan"))
            fail(r, "a plan begins with \"plan 1\"");
        else
            read_header(r);
    } else if (is(w, "definition")) {
        p->definition_hash = quoted(r);
    } else if (is(w, "const") && !r->machine) { // in a block, "const" and "path" are ops
        definition(r, 'k', p->constants.count);
        *vec_push(r->arena, &p->constants) = json(r);
    } else if (is(w, "path") && !r->machine) {
        definition(r, 'p', p->paths.count);
        *vec_push(r->arena, &p->paths) = quoted(r);
    } else if (is(w, "state")) {
        definition(r, 'n', p->states.count);
        struct ir_state s = {0};
        asl_str type = word(r);
        s.type = arena_copy(r->arena, type.data, type.size);
        s.name = quoted(r);
        position(r, &s.line, &s.column);
        *vec_push(r->arena, &p->states) = s;
    } else if (is(w, "site")) {
        definition(r, 't', p->sites.count);
        *vec_push(r->arena, &p->sites) = json(r);
    } else if (is(w, "binding")) {
        *vec_push(r->arena, &p->bindings) = json(r);
    } else if (is(w, "machine")) {
        if (reference(r, word(r), '@', "a machine") != p->machines.count)
            fail(r, "machines are numbered from @0 in order");
        r->machine = ir_machine_new(p, quoted(r));
        r->block = NULL;
        if (!at_end(r) && is(word(r), "quiet") && !p->quiet)
            p->quiet = (uint32_t)p->machines.count - 1;
    } else if (is(w, "function")) {
        if (reference(r, word(r), '@', "a function") != p->functions.count)
            fail(r, "functions are numbered from @0 in order");
        uint32_t n = ir_function_new(p, quoted(r), 0);
        r->machine = p->functions.items[n];
        r->block = NULL;
        if (!at_end(r) && is(word(r), "params"))
            r->machine->params = number(r, word(r), "how many");
    } else if (is(w, "slot") && r->machine) {
        if (slot(r, word(r)) != r->machine->slots.count)
            fail(r, "slots of a machine are numbered from %%0 in order");
        const char *name = quoted(r);
        uint32_t n = ir_slot(p, r->machine, name);
        if (!r->failed && !at_end(r)) {
            if (is(word(r), "view"))
                ir_view(p, r->machine, n);
            else
                fail(r, "a slot is a view or nothing special");
        }
    } else if (is(w, "numbers") && r->machine) {
        r->machine->numbers = number(r, word(r), "how many");
    } else if (is(w, "capture") && r->machine) {
        struct ir_capture c = {.slot = slot(r, word(r))};
        c.parent_slot = slot(r, word(r));
        *vec_push(r->arena, &r->machine->captures) = c;
    } else if (is(w, "block")) {
        read_block(r);
    } else if (!r->block) {
        fail(r, "unexpected \"%.*s\"", (int)w.size, w.data);
    } else if (r->block->exit.kind != EXIT_NONE) {
        fail(r, "\"%.*s\" stands after the block's exit", (int)w.size, w.data);
    } else {
        // RETRY and CATCH exits are written like ops; no op has an exit's name.
        for (int kind = EXIT_JUMP; kind <= EXIT_RETURN; kind++)
            if (is(w, ir_exit_names[kind])) {
                read_exit(r, (enum ir_exit_kind)kind);
                return;
            }
        for (int code = 0; code < OP_COUNT; code++)
            if (is(w, ir_op_info[code].name)) {
                uint32_t operands[IR_MAX_OPERANDS] = {0};
                for (size_t i = 0; ir_op_info[code].operands[i]; i++)
                    operands[i] = operand(r, ir_op_info[code].operands[i]);
                struct ir_op *op = ir_op(p, r->block, (enum ir_opcode)code, operands);
                position(r, &op->line, &op->column);
                return;
            }
        fail(r, "unknown op \"%.*s\"", (int)w.size, w.data);
    }
}

struct ir_plan *ir_parse(struct arena *a, asl_str text, char *message, size_t message_size) {
    struct reader r = {.arena = a, .message = message, .message_size = message_size};
    const char *at = text.data, *end = text.data + text.size;
    while (at < end && !r.failed) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        r.line++;
        r.at = at;
        r.end = stop;
        if (!at_end(&r) && *r.at != '#') {
            read_line(&r);
            if (!at_end(&r))
                fail(&r, "unexpected \"%.*s\"", (int)(r.end - r.at), r.at);
        }
        at = newline ? newline + 1 : end;
    }
    if (!r.plan)
        fail(&r, "no plan here");
    return r.failed ? NULL : r.plan;
}
