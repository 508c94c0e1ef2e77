// The meaning of a definition: one function per rule, named after its clause. Every problem is reported, except those
// that follow from another: a state is not said to be unreachable when a Next beside it is misspelt.
#include "check.h"

#include <string.h>

#include "parse.h"
#include "query.h"

// ---------------------------------------------------------------- names (asl-language.md 19)

static size_t code_points(const char *text, size_t size) {
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static void check_state_names(struct checker *c, struct names *states) {
    for (size_t i = 0; i < c->ast->all_count; i++) {
        struct ast_state *s = c->ast->all[i];
        size_t length = code_points(s->name, s->name_size);
        if (s->node->duplicate_of)
            continue;
        if (length == 0)
            diag_error(c->diag, DIAG_EMPTY, s->node, s->node->key_span, "the name of a state is empty");
        if (length > 80)
            diag_error(c->diag, DIAG_NAME_TOO_LONG, s->node, s->node->key_span,
                       "the name of a state has at most 80 characters, this has %zu", length);
        void **place = names_at(states, NULL, (asl_str){s->name, s->name_size});
        if (!*place) {
            *place = s;
            continue;
        }
        struct ast_state *first = *place;
        struct diag_message *m = diag_error(c->diag, DIAG_DUPLICATE_STATE, s->node, s->node->key_span,
                                            "two states of this machine are called \"%s\"", s->name);
        diag_help(c->diag, m, "names are unique across the whole machine, branches and Maps included");
        diag_note(c->diag, m, first->node->key_span, "the first is here");
    }
}

// ---------------------------------------------------------------- transitions

static bool is_inside(const struct ast_machine *inner, const struct ast_machine *outer) {
    for (; inner; inner = inner->parent)
        if (inner == outer)
            return true;
    return false;
}

static const char *scope_text(const struct ast_machine *m) {
    return !m->owner                            ? "the state machine"
           : m->owner->kind == STATE_PARALLEL ? "this Parallel branch"
                                              : "this Map's processor";
}

static const char *reference_text(struct checker *c, const struct ast_reference *r) {
    if (!r->from)
        return arena_format(c->arena, "StartAt names \"%.100s\"", r->node->text.data);
    return arena_format(c->arena, "state \"%s\" goes to \"%.100s\"", r->from->name, r->node->text.data);
}

static void target_out_of_scope(struct checker *c, const struct ast_reference *r, const struct ast_state *there) {
    const struct ast_machine *here = r->machine;
    const char *name = there->name, *from = r->from ? r->from->name : "StartAt";
    struct diag_message *m;
    if (is_inside(here, there->machine)) {
        m = diag_error(c->diag, DIAG_TARGET_OUT_OF_SCOPE, r->node, r->node->span,
                       "\"%s\" cannot go to \"%s\": that state is outside %s", from, name, scope_text(here));
        if (r->from)
            diag_help(c->diag, m, "end here with \"End\": true; \"%s\" can follow the %s state \"%s\"", name,
                      state_kind_names[here->owner->kind], here->owner->name);
    } else if (is_inside(there->machine, here)) {
        m = diag_error(c->diag, DIAG_TARGET_OUT_OF_SCOPE, r->node, r->node->span,
                       "\"%s\" cannot go to \"%s\": that state is inside \"%s\"", from, name, there->machine->owner->name);
    } else {
        m = diag_error(c->diag, DIAG_TARGET_OUT_OF_SCOPE, r->node, r->node->span,
                       "\"%s\" cannot go to \"%s\": that state is in another part, inside \"%s\"", from, name,
                       there->machine->owner ? there->machine->owner->name : "the machine");
    }
    diag_note(c->diag, m, there->node->key_span, "\"%s\" is here", name);
}

static void missing_target(struct checker *c, const struct ast_reference *r) {
    const struct ast_machine *machine = r->machine;
    const char **names = arena_alloc(c->arena, (machine->count + 1) * sizeof *names);
    for (size_t i = 0; i < machine->count; i++)
        names[i] = machine->states[i]->name;
    struct diag_message *m =
        diag_error(c->diag, DIAG_MISSING_TARGET, r->node, r->node->span, "%s, which does not exist", reference_text(c, r));
    /* Of a huge machine only the first states are compared: a thousand slips in a thousand states stay cheap. */
    const char *near = diag_nearest(r->node->text.data, names, machine->count > 2000 ? 2000 : machine->count);
    for (size_t i = 0; i < machine->count && near; i++)
        if (names[i] == near) {
            diag_help(c->diag, m, "did you mean \"%s\"?", near);
            diag_note(c->diag, m, machine->states[i]->node->key_span, "\"%s\" is here", near);
        }
    if (near || machine->count > 12)
        return;
    asl_buffer list = {0};
    for (size_t i = 0; i < machine->count; i++)
        asl_buffer_format(&list, "%s\"%.60s\"", i ? ", " : "", names[i]);
    if (list.size)
        diag_help(c->diag, m, "the states here are %s", list.data);
    asl_buffer_free(&list);
}

/* Fills what the references point at. Gives the machines where one leads nowhere: nothing more is said about who is
   reachable there. */
static void check_targets(struct checker *c, const struct names *all, struct names *unsure) {
    for (size_t i = 0; i < c->ast->references.count; i++) {
        const struct ast_reference *r = &c->ast->references.items[i];
        asl_doc *states = asl_doc_get(r->machine->node, "States");
        asl_doc *found = asl_doc_get_str(states, r->node->text);
        if (found && r->machine->count) {
            *r->to = r->machine->states[found->index];
            continue;
        }
        *names_at(unsure, r->machine, (asl_str){"", 0}) = r->machine;
        if (r->machine->count == 0)
            continue; /* the missing States is the mistake */
        struct ast_state *there = names_get(all, NULL, r->node->text);
        if (source_has_placeholder(c->diag->source, r->node->span)) {
            struct diag_message *m = diag_error(c->diag, DIAG_PLACEHOLDER, r->node, r->node->span,
                                                "unresolved placeholder in the name of a state");
            diag_help(c->diag, m, "fill it with -D NAME=VALUE");
        } else if (there) {
            target_out_of_scope(c, r, there);
        } else {
            missing_target(c, r);
        }
    }
}

// ---------------------------------------------------------------- reachability, terminal states (asl-language.md 2, 19)

static void reach(struct ast_state **stack, size_t *depth, struct ast_state *s) {
    if (s && !s->reached) {
        s->reached = true;
        stack[(*depth)++] = s;
    }
}

static bool ends(const struct ast_state *s) { return s->end || s->kind == STATE_SUCCEED || s->kind == STATE_FAIL; }

static void check_flow(struct checker *c, struct ast_machine *m, bool unsure) {
    struct ast_state **stack = arena_alloc(c->arena, (m->count + 1) * sizeof *stack);
    size_t depth = 0;
    bool terminal = false;
    for (size_t i = 0; i < m->count; i++) {
        unsure = unsure || m->states[i]->broken;
        terminal = terminal || ends(m->states[i]);
    }
    reach(stack, &depth, m->start);
    while (depth > 0) {
        struct ast_state *s = stack[--depth];
        reach(stack, &depth, s->next);
        for (size_t i = 0; i < s->catcher_count; i++)
            reach(stack, &depth, s->catchers[i].next);
        if (s->kind != STATE_CHOICE)
            continue;
        reach(stack, &depth, s->u.choice.otherwise);
        for (size_t i = 0; i < s->u.choice.count; i++)
            reach(stack, &depth, s->u.choice.rules[i]->next);
    }
    if (unsure || m->count == 0 || !m->start)
        return;
    asl_doc *states = asl_doc_get(m->node, "States");
    if (!terminal && !states->broken && !m->node->broken) {
        struct diag_message *e = diag_error(c->diag, DIAG_NO_TERMINAL, states, states->key_span, "no state ends %s", scope_text(m));
        diag_help(c->diag, e, "give one state \"End\": true, or add a Succeed or Fail state");
    }
    for (size_t i = 0; i < m->count; i++) {
        struct ast_state *s = m->states[i];
        if (s->reached || s->node->duplicate_of)
            continue;
        struct diag_message *e =
            diag_error(c->diag, DIAG_UNREACHABLE, s->node, s->node->key_span, "state \"%s\" cannot be reached", s->name);
        diag_help(c->diag, e, "remove it, or let a state go to it");
    }
}

static void check_machines(struct checker *c, struct names *unsure) {
    check_flow(c, c->ast->root, names_get(unsure, c->ast->root, (asl_str){"", 0}) != NULL);
    for (size_t i = 0; i < c->ast->all_count; i++) {
        struct ast_state *s = c->ast->all[i];
        if (s->kind == STATE_PARALLEL)
            for (size_t b = 0; b < s->u.parallel.count; b++)
                check_flow(c, s->u.parallel.branches[b], names_get(unsure, s->u.parallel.branches[b], (asl_str){"", 0}) != NULL);
        if (s->kind == STATE_MAP && s->u.map.processor)
            check_flow(c, s->u.map.processor, names_get(unsure, s->u.map.processor, (asl_str){"", 0}) != NULL);
    }
}

// ---------------------------------------------------------------- timestamps (asl-language.md 8.4)

static void check_timestamp(struct checker *c, const struct ast_state *s, asl_doc *node) {
    const char *why = NULL;
    int64_t seconds;
    int32_t nanos;
    if (!node || node->kind != ASL_DOC_STRING || source_has_placeholder(c->diag->source, node->span))
        return;
    bool jsonata = is_jsonata(node->text);
    if ((jsonata && s->language == QUERY_JSONATA) || asl_timestamp_parse(node->text, &seconds, &nanos, &why))
        return;
    struct diag_message *m = diag_error(c->diag, DIAG_BAD_TIMESTAMP, node, node->span, "\"%.60s\" is not a timestamp%s%s",
                                        node->text.data, why && !jsonata ? ": " : "", why && !jsonata ? why : "");
    if (jsonata)
        diag_help(c->diag, m, "set \"QueryLanguage\": \"JSONata\" on this state");
    else if (node->text.size && node->text.data[0] == '$')
        diag_help(c->diag, m, "use \"%sPath\" for a path", node->key.data);
    else
        diag_help(c->diag, m, "write it like \"2016-03-14T01:59:00Z\"");
}

static void check_rule_timestamps(struct checker *c, const struct ast_state *s, const struct ast_rule *r) {
    if (r->kind == RULE_TEST && r->operand && r->operand->kind == EXPR_LITERAL && r->op >= ASL_CHOICE_TIMESTAMP_EQUALS &&
        r->op <= ASL_CHOICE_TIMESTAMP_GREATER_THAN_EQUALS)
        check_timestamp(c, s, r->operand->node);
    for (size_t i = 0; i < r->count; i++)
        check_rule_timestamps(c, s, r->children[i]); /* as deep as the document */
}

// ---------------------------------------------------------------- states

static void check_choice(struct checker *c, const struct ast_state *s) {
    for (size_t i = 0; i < s->u.choice.count; i++)
        check_rule_timestamps(c, s, s->u.choice.rules[i]);
    if (asl_doc_get(s->node, "Default") || s->broken)
        return;
    struct diag_message *m = diag_warning(c->diag, DIAG_NO_DEFAULT, s->node, s->node->key_span,
                                          "Choice state \"%s\" has no Default", s->name);
    diag_help(c->diag, m, "an input that no rule matches fails the execution");
}

static void check_task(struct checker *c, struct ast_state *s) {
    const struct ast_number *timeout = &s->u.task.timeout, *heartbeat = &s->u.task.heartbeat;
    check_resource(c, s);
    if (timeout->given && !timeout->expr && heartbeat->given && !heartbeat->expr && heartbeat->value >= timeout->value) {
        asl_doc *node = asl_doc_get(s->node, "HeartbeatSeconds"), *other = asl_doc_get(s->node, "TimeoutSeconds");
        struct diag_message *m = diag_error(c->diag, DIAG_OUT_OF_RANGE, node, node->span,
                                            "HeartbeatSeconds is %.0f, must be less than TimeoutSeconds", heartbeat->value);
        diag_note(c->diag, m, other->span, "TimeoutSeconds is %.0f", timeout->value);
    }
}

/* asl-language.md 14.1 */
static void check_label(struct checker *c, const struct ast_state *s, struct names *labels) {
    static const char forbidden[] = "?*<>{}[]:;,\\|^~$#%&`\"";
    asl_doc *node = asl_doc_get(s->node, "Label");
    if (!node || node->kind != ASL_DOC_STRING || source_has_placeholder(c->diag->source, node->span))
        return;
    size_t length = code_points(node->text.data, node->text.size);
    if (length == 0)
        diag_error(c->diag, DIAG_BAD_LABEL, node, node->span, "Label is empty");
    if (length > 40)
        diag_error(c->diag, DIAG_BAD_LABEL, node, node->span, "Label has %zu characters, at most 40", length);
    for (size_t i = 0; i < node->text.size; i++) {
        unsigned char b = (unsigned char)node->text.data[i];
        if (b > 0x20 && b != 0x7f && !strchr(forbidden, b))
            continue;
        asl_span at = asl_doc_text_span(node, false, i, i + 1);
        if (b <= 0x20 || b == 0x7f)
            diag_error(c->diag, DIAG_BAD_LABEL, node, at, "Label may not contain %s", b == ' ' ? "blanks" : "control characters");
        else
            diag_error(c->diag, DIAG_BAD_LABEL, node, at, "Label may not contain '%c'", b);
        break;
    }
    void **first = names_at(labels, NULL, node->text);
    if (*first) {
        struct diag_message *m =
            diag_error(c->diag, DIAG_BAD_LABEL, node, node->span, "two Maps of this machine have the Label \"%.60s\"",
                       node->text.data);
        diag_note(c->diag, m, ((asl_doc *)*first)->span, "the first is here");
        return;
    }
    *first = node;
}

static void check_map(struct checker *c, const struct ast_state *s, struct names *labels) {
    check_label(c, s, labels);
    if (!c->ast->express || !s->u.map.processor || !s->u.map.processor->distributed)
        return;
    asl_doc *config = asl_doc_get(s->u.map.processor->node, "ProcessorConfig"), *mode = asl_doc_get(config, "Mode");
    struct diag_message *m = diag_error(c->diag, DIAG_EXPRESS_UNSUPPORTED, mode, mode ? mode->span : s->node->key_span,
                                        "Express workflows cannot use a Map in DISTRIBUTED mode");
    diag_help(c->diag, m, "use INLINE, or make the workflow Standard");
}

void ast_check(struct arena *a, struct diag *d, struct ast *ast) {
    struct checker checker = {a, d, ast}, *c = &checker;
    struct names states = {.arena = a}, unsure = {.arena = a}, labels = {.arena = a};
    check_state_names(c, &states);
    check_targets(c, &states, &unsure);
    check_machines(c, &unsure);
    for (size_t i = 0; i < ast->all_count; i++) {
        struct ast_state *s = ast->all[i];
        check_errors(c, s);
        switch (s->kind) {
        case STATE_TASK: check_task(c, s); break;
        case STATE_CHOICE: check_choice(c, s); break;
        case STATE_WAIT: check_timestamp(c, s, asl_doc_get(s->node, "Timestamp")); break;
        case STATE_MAP: check_map(c, s, &labels); break;
        case STATE_PASS:
        case STATE_SUCCEED:
        case STATE_FAIL:
        case STATE_PARALLEL: break;
        }
    }
    check_variables(c);
}
