// The Resource of a Task (asl-language.md 7, service-integrations.md 1 to 3).
//
//     arn:<partition>:lambda:<region>:<account>:function:<name>[:<qualifier>]
//     arn:<partition>:states:<region>:<account>:activity:<name>
//     arn:<partition>:states:::<service>:<action>[.sync | .sync:2 | .waitForTaskToken]
//     arn:<partition>:states:::aws-sdk:<service>:<action>[.waitForTaskToken]
//
// Anything that does not start with "arn:" is a name that a handler serves: whether one does is known only when the
// bindings are. Parts with an unfilled placeholder are taken on trust.
#include <string.h>

#include "check.h"

enum { REQUEST = 0, SYNC = 1, SYNC2 = 2, TOKEN = 4 };
static const struct integration {
    const char *service, *action;
    int patterns;
} integrations[] = {
#define INTEGRATION(service, action, patterns) {service, action, patterns},
#include "integrations.def"
#undef INTEGRATION
};
enum { INTEGRATION_COUNT = sizeof integrations / sizeof *integrations, PART_MAX = 12 };

struct arn {
    asl_doc *node;
    asl_str part[PART_MAX]; /* between colons; a colon in ${AWS::Region} does not count */
    size_t from[PART_MAX];  /* their offsets */
    size_t count;
};

static void split(struct arn *a, asl_doc *node) {
    const char *t = node->text.data;
    size_t start = 0, size = node->text.size;
    bool placeholder = false;
    *a = (struct arn){.node = node};
    for (size_t i = 0; i <= size; i++) {
        if (i < size && t[i] == '$' && t[i + 1] == '{')
            placeholder = true;
        else if (i < size && t[i] == '}')
            placeholder = false;
        if (i == size || (t[i] == ':' && !placeholder && a->count < PART_MAX - 1)) {
            a->from[a->count] = start;
            a->part[a->count++] = (asl_str){t + start, i - start};
            start = i + 1;
        }
    }
}

static bool is(const struct arn *a, size_t part, const char *text) {
    return part < a->count && asl_str_equal(a->part[part], asl_str_z(text));
}

static bool open(const struct arn *a, size_t part) { /* holds a placeholder */
    return part < a->count && memmem(a->part[part].data, a->part[part].size, "${", 2) != NULL;
}

static asl_span part_span(const struct arn *a, size_t first, size_t last) {
    if (last >= a->count)
        last = a->count - 1;
    if (first > last)
        return a->node->span;
    return asl_doc_text_span(a->node, false, a->from[first], a->from[last] + a->part[last].size);
}

static bool is_action(asl_str text) {
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return false;
    }
    return text.size > 0;
}

static void bad(struct checker *c, const struct arn *a, size_t first, size_t last, const char *why) {
    diag_error(c->diag, DIAG_BAD_RESOURCE, a->node, part_span(a, first, last), "%s", why);
}

// ---------------------------------------------------------------- the kinds

static void check_lambda(struct checker *c, const struct arn *a) {
    if (open(a, a->count - 1) || open(a, 5))
        return;
    if (a->count < 6)
        bad(c, a, 0, a->count - 1, "this Lambda ARN is not complete: arn:aws:lambda:REGION:ACCOUNT:function:NAME");
    else if (!is(a, 5, "function"))
        bad(c, a, 5, 5, "a Lambda ARN names a function: arn:aws:lambda:REGION:ACCOUNT:function:NAME");
    else if (a->count < 7 || a->part[6].size == 0)
        bad(c, a, 5, a->count - 1, "this Lambda ARN has no function name");
    else if (a->count >= 8 && a->part[7].size == 0)
        bad(c, a, 6, 7, "this Lambda ARN ends in an empty version or alias");
    else if (a->count > 8)
        bad(c, a, 8, a->count - 1, "this Lambda ARN has parts behind its version or alias");
}

static void check_activity(struct checker *c, const struct arn *a) {
    if (a->count < 7 || a->part[6].size == 0) {
        bad(c, a, 5, a->count - 1, "this activity ARN has no name");
        return;
    }
    if (c->ast->express)
        diag_error(c->diag, DIAG_EXPRESS_UNSUPPORTED, a->node, a->node->span, "Express workflows cannot use activities");
}

/* The pattern at the end of an action: ".sync", ".sync:2" (whose 2 is a part of its own), ".waitForTaskToken". */
struct pattern {
    asl_str action, suffix;
    int bit; /* -1: none of them */
};

static struct pattern find_pattern(const struct arn *a, size_t part) {
    asl_str text = a->part[part];
    const char *dot = memchr(text.data, '.', text.size);
    struct pattern p = {.action = text, .bit = REQUEST};
    if (!dot)
        return p;
    p.action.size = (size_t)(dot - text.data);
    p.suffix = (asl_str){dot, text.size - p.action.size};
    if (part + 1 < a->count) /* ":2" */
        p.suffix.size = (size_t)(a->part[a->count - 1].data + a->part[a->count - 1].size - dot);
    p.bit = asl_str_equal(p.suffix, ASL_STR(".sync"))               ? SYNC
            : asl_str_equal(p.suffix, ASL_STR(".sync:2"))           ? SYNC2
            : asl_str_equal(p.suffix, ASL_STR(".waitForTaskToken")) ? TOKEN
                                                                    : -1;
    return p;
}

static void check_express(struct checker *c, const struct arn *a, size_t part, const struct pattern *p) {
    if (!c->ast->express || p->bit <= REQUEST)
        return;
    size_t from = a->from[part] + p->action.size;
    struct diag_message *e = diag_error(c->diag, DIAG_EXPRESS_UNSUPPORTED, a->node,
                                        asl_doc_text_span(a->node, false, from, from + p->suffix.size),
                                        "Express workflows cannot use %.*s", (int)p->suffix.size, p->suffix.data);
    diag_help(c->diag, e, "only request and response: leave it out, or make the workflow Standard");
}

static void check_sdk(struct checker *c, const struct arn *a) {
    if (open(a, 6) || open(a, 7))
        return;
    if (a->count < 8 || a->part[6].size == 0 || a->part[7].size == 0) {
        bad(c, a, 5, a->count - 1, "an SDK integration names a service and an action: arn:aws:states:::aws-sdk:SERVICE:ACTION");
        return;
    }
    struct pattern p = find_pattern(a, 7);
    check_express(c, a, 7, &p);
    if (p.bit == -1 || p.bit == SYNC || p.bit == SYNC2)
        bad(c, a, 7, a->count - 1, "an SDK integration takes no pattern but .waitForTaskToken");
    else if (!is_action(p.action))
        bad(c, a, 7, 7, "this is not the name of an action");
    else if (p.action.data[0] >= 'A' && p.action.data[0] <= 'Z') {
        struct diag_message *e = diag_error(c->diag, DIAG_BAD_RESOURCE, a->node, part_span(a, 7, 7),
                                            "the action of an SDK integration starts with a small letter");
        diag_help(c->diag, e, "write \"%c%.*s\"", p.action.data[0] + 32, (int)p.action.size - 1, p.action.data + 1);
    }
}

static void check_integration(struct checker *c, const struct arn *a) {
    if (open(a, 5) || open(a, 6))
        return;
    if (a->count < 7 || a->part[5].size == 0 || a->part[6].size == 0) {
        bad(c, a, 0, a->count - 1, "an integration names a service and an action: arn:aws:states:::SERVICE:ACTION");
        return;
    }
    struct pattern p = find_pattern(a, 6);
    const struct integration *found = NULL;
    const char *actions[INTEGRATION_COUNT];
    size_t action_count = 0;
    for (size_t i = 0; i < INTEGRATION_COUNT; i++) {
        if (!asl_str_equal(a->part[5], asl_str_z(integrations[i].service)))
            continue;
        actions[action_count++] = integrations[i].action;
        if (asl_str_equal(p.action, asl_str_z(integrations[i].action)))
            found = &integrations[i];
    }
    const char *service = arena_copy(c->arena, a->part[5].data, a->part[5].size);
    const char *action = arena_copy(c->arena, p.action.data, p.action.size);
    if (!found) {
        struct diag_message *e = diag_error(c->diag, DIAG_BAD_RESOURCE, a->node, part_span(a, 5, 6),
                                            "\"%s:%s\" is not an optimized integration", service, action);
        const char *near = diag_nearest(action, actions, action_count);
        if (near && action_count)
            diag_help(c->diag, e, "did you mean \"%s:%s\"?", service, near);
        else if (is_action(p.action))
            diag_help(c->diag, e, "use arn:aws:states:::aws-sdk:%s:%s", service, action);
        return;
    }
    check_express(c, a, 6, &p);
    if (p.bit == -1) {
        bad(c, a, 6, a->count - 1, "the pattern of an integration is .sync, .sync:2 or .waitForTaskToken");
    } else if (p.bit & ~found->patterns) {
        size_t from = a->from[6] + p.action.size;
        diag_error(c->diag, DIAG_BAD_RESOURCE, a->node, asl_doc_text_span(a->node, false, from, from + p.suffix.size),
                   "%s:%s has no %.*s", service, action, (int)p.suffix.size, p.suffix.data);
    }
}

/* Not an ARN. "scheme://" of a scheme nobody knows is a mistake, the rest is up to the bindings. */
static void check_name(struct checker *c, asl_doc *node) {
    static const char *const schemes[] = {"http",  "https", "docker", "floe",  "grpc", "grpcs", "tcp",  "unix", "file", "ws",
                                          "wss",   "amqp",  "amqps",  "kafka", "nats", "mqtt",  "mqtts", "redis", "s3",  "ssh",
                                          "exec",  "ffi",   "worker", "local", "podman", "kubernetes"};
    const char *colon = strstr(node->text.data, "://");
    if (colon) {
        asl_str scheme = {node->text.data, (size_t)(colon - node->text.data)};
        for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
            if (asl_str_equal(scheme, asl_str_z(schemes[i])))
                return;
        struct diag_message *e =
            diag_error(c->diag, DIAG_BAD_RESOURCE, node, asl_doc_text_span(node, false, 0, scheme.size + 3),
                       "nothing is known to serve \"%.*s://\"", (int)(scheme.size > 60 ? 60 : scheme.size), scheme.data);
        const char *near = diag_nearest(arena_copy(c->arena, scheme.data, scheme.size), schemes, sizeof schemes / sizeof *schemes);
        if (near)
            diag_help(c->diag, e, "did you mean \"%s://\"?", near);
        else
            diag_help(c->diag, e, "use an ARN, or a name such as \"local:charge\" and --bind 'local:charge=exec:...'");
        return;
    }
    colon = strchr(node->text.data, ':');
    if (colon)
        for (size_t i = 0; i < INTEGRATION_COUNT; i++) {
            size_t size = strlen(integrations[i].service);
            if ((size_t)(colon - node->text.data) == size && memcmp(integrations[i].service, node->text.data, size) == 0 &&
                strcmp(integrations[i].service, "http") != 0) {
                struct diag_message *e = diag_warning(c->diag, DIAG_BAD_RESOURCE, node, node->span,
                                                      "\"%.60s\" is not an ARN; only a binding can serve it", node->text.data);
                diag_help(c->diag, e, "for the service write arn:aws:states:::%.60s", node->text.data);
                return;
            }
        }
    if (colon)
        return;
    struct diag_message *e = diag_warning(c->diag, DIAG_BAD_RESOURCE, node, node->span,
                                          "\"%.60s\" is not an ARN; only a binding can serve it", node->text.data);
    diag_help(c->diag, e, "for a local command: --bind '%.60s=exec:COMMAND'", node->text.data);
}

void check_resource(struct checker *c, struct ast_state *s) {
    asl_doc *node = asl_doc_get(s->node, "Resource");
    if (!s->u.task.resource || !node)
        return;
    if (node->text.size == 0) {
        diag_error(c->diag, DIAG_EMPTY, node, node->span, "Resource is empty");
        return;
    }
    if (strncmp(node->text.data, "arn:", 4) != 0) {
        if (!strstr(node->text.data, "${"))
            check_name(c, node);
        return;
    }
    struct arn a;
    split(&a, node);
    if (open(&a, 2)) /* "arn:aws:${Service}:…" */
        return;
    if (is(&a, 2, "lambda"))
        check_lambda(c, &a);
    else if (is(&a, 2, "states") && is(&a, 5, "activity"))
        check_activity(c, &a);
    else if (is(&a, 2, "states") && is(&a, 5, "aws-sdk"))
        check_sdk(c, &a);
    else if (is(&a, 2, "states"))
        check_integration(c, &a);
    else if (!open(&a, a.count - 1)) {
        struct diag_message *e = diag_error(c->diag, DIAG_BAD_RESOURCE, node, part_span(&a, 2, 2),
                                            "no Task can call \"%.60s\"", node->text.data);
        diag_help(c->diag, e, "a Task calls a Lambda function, an activity, or arn:aws:states:::SERVICE:ACTION");
    }
}
