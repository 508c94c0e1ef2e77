// The program's image: everything of the plan that is data, as one JSON text (aslc/program.h describes it).
#include <string.h>

#include "ir.h"

static void member(asl_buffer *out, const char *key) {
    asl_buffer_byte(out, ',');
    asl_json_print_string(asl_str_z(key), out);
    asl_buffer_byte(out, ':');
}

static void texts(asl_buffer *out, const char *const *items, size_t count, bool quoted) {
    asl_buffer_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            asl_buffer_byte(out, ',');
        if (quoted)
            asl_json_print_string(asl_str_z(items[i]), out);
        else
            asl_buffer_z(out, items[i]);
    }
    asl_buffer_byte(out, ']');
}

/* What a journal needs of each resume point: the state it belongs to, and the slots that are read from there on. */
static void resume_points(struct ir_plan *p, struct ir_machine *m, const uint32_t *points, uint32_t count, asl_buffer *out) {
    const uint64_t *const *live = opt_live(p, m);
    member(out, "states");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t state = m->blocks.items[points[i]]->state;
        asl_buffer_format(out, "%c%d", i ? ',' : '[', state == ASL_NO_OPERAND ? -1 : (int)state);
    }
    asl_buffer_byte(out, ']');
    member(out, "live");
    for (uint32_t i = 0; i < count; i++) {
        asl_buffer_z(out, i ? ",[" : "[[");
        const char *before = "";
        for (uint32_t slot = 0; slot < m->slots.count; slot++) {
            if (!(live[points[i]][slot / 64] >> (slot % 64) & 1))
                continue;
            asl_buffer_format(out, "%s%u", before, slot);
            before = ",";
        }
        asl_buffer_byte(out, ']');
    }
    asl_buffer_byte(out, ']');
}

static void captures(const struct ir_machine *m, asl_buffer *out) {
    if (!m->captures.count)
        return;
    member(out, "captures");
    for (size_t i = 0; i < m->captures.count; i++)
        asl_buffer_format(out, "%c[%u,%u]", i ? ',' : '[', m->captures.items[i].slot, m->captures.items[i].parent_slot);
    asl_buffer_byte(out, ']');
}

/* No journal speaks of a quiet machine: how many slots it has will do. */
static void quiet_machine(const struct ir_machine *m, asl_buffer *out) {
    asl_buffer_z(out, "{\"name\":");
    asl_json_print_string(asl_str_z(m->name), out);
    member(out, "slots");
    asl_buffer_format(out, "%u", ir_frame_slots(m));
    captures(m, out);
    asl_buffer_byte(out, '}');
}

static void machine(struct ir_plan *p, struct ir_machine *m, asl_buffer *out) {
    asl_buffer_z(out, "{\"name\":");
    asl_json_print_string(asl_str_z(m->name), out);
    member(out, "slots");
    texts(out, m->slots.items, m->slots.count, true);
    uint32_t *points, count = ir_resume_points(p->arena, m, &points);
    member(out, "resume");
    asl_buffer_byte(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            asl_buffer_byte(out, ',');
        asl_json_print_string(asl_str_z(m->blocks.items[points[i]]->name), out);
    }
    asl_buffer_byte(out, ']');
    resume_points(p, m, points, count, out);
    captures(m, out);
    asl_buffer_byte(out, '}');
}

void ir_image(struct ir_plan *p, asl_buffer *out) {
    asl_buffer_format(out, "{\"abi\":%d", ASL_ABI);
    member(out, "name");
    asl_json_print_string(asl_str_z(p->name), out);
    member(out, "type");
    asl_buffer_z(out, p->express ? "\"EXPRESS\"" : "\"STANDARD\"");
    if (p->definition_hash) {
        member(out, "definition");
        asl_json_print_string(asl_str_z(p->definition_hash), out);
    }
    if (p->timeout_seconds) {
        member(out, "timeoutSeconds");
        asl_buffer_format(out, "%lld", (long long)p->timeout_seconds);
    }
    if (p->source_text.size) {
        const char *slash = strrchr(p->source_path, '/');
        member(out, "file");
        asl_json_print_string(asl_str_z(slash ? slash + 1 : p->source_path), out);
        member(out, "source");
        asl_json_print_string(p->source_text, out);
    }
    member(out, "constants");
    texts(out, p->constants.items, p->constants.count, false);
    member(out, "paths");
    texts(out, p->paths.items, p->paths.count, true);
    member(out, "states");
    asl_buffer_byte(out, '[');
    for (size_t i = 0; i < p->states.count; i++) {
        asl_buffer_z(out, i ? ",{\"name\":" : "{\"name\":");
        asl_json_print_string(asl_str_z(p->states.items[i].name), out);
        asl_buffer_format(out, ",\"type\":\"%s\"}", p->states.items[i].type);
    }
    asl_buffer_byte(out, ']');
    if (p->quiet) {
        member(out, "quiet");
        asl_buffer_format(out, "%u", p->quiet);
        member(out, "caches");
        asl_buffer_format(out, "%u", p->caches);
    }
    member(out, "machines");
    asl_buffer_byte(out, '[');
    for (size_t i = 0; i < p->machines.count; i++) {
        if (i)
            asl_buffer_byte(out, ',');
        if (p->quiet && i >= p->quiet)
            quiet_machine(p->machines.items[i], out);
        else
            machine(p, p->machines.items[i], out);
    }
    asl_buffer_byte(out, ']');
    if (p->functions.count) {
        member(out, "functions");
        for (size_t i = 0; i < p->functions.count; i++)
            asl_buffer_format(out, "%c[%u,%zu]", i ? ',' : '[', p->functions.items[i]->params, p->functions.items[i]->slots.count);
        asl_buffer_byte(out, ']');
    }
    member(out, "sites");
    texts(out, p->sites.items, p->sites.count, false);
    member(out, "bindings");
    texts(out, p->bindings.items, p->bindings.count, false);
    asl_buffer_byte(out, '}');
}
