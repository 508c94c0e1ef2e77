// From the document tree to the AST: shape (parse_shape.c and its table), then one typed struct per state.
//
//     ast_read      text -> document tree -> ast_parse -> ast_check
//     ast_parse     the document as a whole: is it ASL, duplicate keys, unfilled placeholders
//       machine     its states first, so that every name has its struct before anybody refers to it
//         state     shape, the fields all states share, then those of its kind
//
// Names of states are collected as references, which check.c resolves. What was wrong has been reported and is absent.
#include <stdlib.h>
#include <string.h>

#include "jsonata/tree.h"
#include "parse.h"

static void parse_machine(struct parser *p, struct ast_machine *machine, const struct shape *shape);

// ---------------------------------------------------------------- parts

struct expr *parse_literal(struct parser *p, asl_doc *node) {
    struct expr *e = arena_alloc(p->arena, sizeof *e);
    asl_value v = asl_doc_value(node);
    asl_buffer json = {0};
    asl_json_print(&v, &json);
    *e = (struct expr){.kind = EXPR_LITERAL, .node = node, .span = node->span};
    e->u.json = (asl_str){arena_copy(p->arena, json.data, json.size), json.size};
    asl_buffer_free(&json);
    asl_release(v);
    return e;
}

/* Remembers the expression for the check of variables. */
struct expr *parse_use(struct parser *p, struct ast_state *s, struct expr *e) {
    if (e && e->kind != EXPR_LITERAL)
        *vec_push(p->arena, &p->ast->uses) = (struct ast_use){s, e};
    return e;
}

struct expr *parse_path(struct parser *p, struct ast_state *s, asl_doc *node, const char *field, bool reference) {
    if (has_placeholder(p, node) && node->text.size > 1 && memcmp(node->text.data, "${", 2) == 0) {
        struct diag_message *e =
            diag_error(p->diag, DIAG_PLACEHOLDER, node, node->span, "unresolved placeholder in %s: the path must be known", field);
        diag_help(p->diag, e, "fill it with -D NAME=VALUE");
        return NULL;
    }
    return parse_use(p, s, query_parse_path(p->arena, p->diag, node, field, reference));
}

static struct expr *parse_query(struct parser *p, struct ast_state *s, asl_doc *node, const char *field) {
    return parse_use(p, s, query_parse(p->arena, p->diag, node, field));
}

static struct expr *parse_template(struct parser *p, struct ast_state *s, asl_doc *node) {
    return node ? parse_use(p, s, template_parse(p->arena, p->diag, node)) : NULL;
}

static struct ast_path path_field(struct parser *p, struct ast_state *s, const struct shape *shape, const char *field) {
    asl_doc *node = shape_get(shape, field);
    if (!node)
        return (struct ast_path){.presence = PATH_ABSENT};
    if (node->kind == ASL_DOC_NULL)
        return (struct ast_path){.presence = PATH_NULL};
    return (struct ast_path){.presence = PATH_GIVEN, .expr = parse_path(p, s, node, field, false)};
}

/* ResultPath writes, so it can only name a place in the state's own data (asl-language.md 4.1). */
static struct ast_path result_path(struct parser *p, struct ast_state *s, const struct shape *shape) {
    asl_doc *node = shape_get(shape, "ResultPath");
    if (!node || node->kind == ASL_DOC_NULL)
        return (struct ast_path){.presence = node ? PATH_NULL : PATH_ABSENT};
    struct ast_path path = {.presence = PATH_GIVEN, .expr = parse_path(p, s, node, "ResultPath", true)};
    if (path.expr && asl_path_root_of(path.expr->u.path) != ASL_ROOT_INPUT) {
        bool context = asl_path_root_of(path.expr->u.path) == ASL_ROOT_CONTEXT;
        struct diag_message *e = diag_error(p->diag, DIAG_BAD_REFERENCE_PATH, node, node->span,
                                            "ResultPath cannot point into %s", context ? "the Context object" : "a variable");
        diag_help(p->diag, e, context ? "start it with \"$.\"" : "use Assign to set a variable");
        path.expr = NULL;
    }
    return path;
}

static struct ast_path reference_path(struct parser *p, struct ast_state *s, const struct shape *shape, const char *field) {
    asl_doc *node = shape_get(shape, field);
    if (!node)
        return (struct ast_path){.presence = PATH_ABSENT};
    return (struct ast_path){.presence = PATH_GIVEN, .expr = parse_path(p, s, node, field, true)};
}

/* X or XPath; in a JSONata state X may be an expression. */
static struct ast_number number_field(struct parser *p, struct ast_state *s, const struct shape *shape, const char *field,
                                      const char *path_field_name) {
    struct ast_number n = {0};
    shape_exclusive(p, shape, (const char *const[]){field, path_field_name, NULL});
    asl_doc *node = shape_get(shape, field), *path = shape_get(shape, path_field_name);
    if (node && node->kind == ASL_DOC_NUMBER) {
        n.given = true;
        n.value = strtod(node->text.data, NULL);
    } else if (node) {
        n.expr = parse_payload(p, s, node, field, 0);
        n.given = n.expr != NULL;
    } else if (path) {
        n.expr = parse_path(p, s, path, path_field_name, true);
        n.given = n.expr != NULL;
    }
    return n;
}

static int64_t integer_field(const struct shape *shape, const char *field, int64_t absent) {
    asl_doc *node = shape_get(shape, field);
    int64_t value;
    return node && node->kind == ASL_DOC_NUMBER && doc_integer(node, &value) ? value : absent;
}

static const char *text_field(const struct shape *shape, const char *field) {
    asl_doc *node = shape_get(shape, field);
    return node && node->kind == ASL_DOC_STRING ? node->text.data : NULL;
}

void parse_reference(struct parser *p, struct ast_machine *machine, struct ast_state *from, asl_doc *node,
                     struct ast_state **to) {
    *vec_push(p->arena, &p->ast->references) = (struct ast_reference){machine, from, node, to};
}

/* One message a state (or one for the whole machine): what a later version will compile. */
static void later(struct parser *p, const asl_doc *node, asl_span where, const char *what) {
    diag_error(p->diag, DIAG_LATER_FEATURE, node, where, "%s is not compiled by this version yet", what);
    p->ast->later_feature = true;
}

// ---------------------------------------------------------------- Assign, Retry, Catch

/* UAX #31 for ASCII; letters outside it are left to the eye. also: a further character that may follow the first, or '_'. */
static bool is_identifier(asl_str name, unsigned char also) {
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_' || c == also)))
            return false;
    }
    return name.size > 0;
}

static size_t code_points(asl_str text) {
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

static void check_variable_name(struct parser *p, const struct ast_state *s, const asl_doc *m, asl_str name) {
    struct diag_message *e;
    if (asl_str_equal(name, ASL_STR("states"))) {
        e = diag_error(p->diag, DIAG_BAD_VARIABLE, m, m->key_span, "the variable name \"states\" is reserved");
    } else if (code_points(name) > 80) {
        e = diag_error(p->diag, DIAG_BAD_VARIABLE, m, m->key_span, "a variable name has at most 80 characters, this has %zu",
                       code_points(name));
    } else if (s->language == QUERY_JSONATA && !is_identifier(name, '_') && is_identifier(name, '-')) {
        /* No expression can read it, but validators let such definitions pass. */
        e = diag_warning(p->diag, DIAG_BAD_VARIABLE, m, m->key_span, "the variable \"%.80s\" cannot be read: $%.*s ends before the -",
                         m->key.data, (int)strcspn(name.data, "-"), name.data);
        diag_help(p->diag, e, "a name is a letter, then letters, digits and _");
    } else if (!is_identifier(name, '_')) {
        e = diag_error(p->diag, DIAG_BAD_VARIABLE, m, m->key_span, "\"%.80s\" is not a variable name", m->key.data);
        if (memchr(name.data, '.', name.size) || memchr(name.data, '[', name.size))
            diag_help(p->diag, e, "only whole variables can be assigned");
        else
            diag_help(p->diag, e, "a letter, then letters, digits and _");
    }
}

bool in_catcher(const asl_doc *member) {
    const asl_doc *entry = member->parent->parent;
    return entry->parent && entry->parent->kind == ASL_DOC_ARRAY && asl_str_equal(entry->parent->key, ASL_STR("Catch"));
}

/* The place is for check_variables.c: of several, the first that is not in a Catcher. */
static void remember_variable(struct parser *p, struct ast_machine *machine, const char *name, asl_doc *place) {
    void **known = names_at(&p->ast->variables, machine, asl_str_z(name));
    bool first = !*known;
    if (first || (in_catcher(*known) && !in_catcher(place)))
        *known = place;
    if (first)
        *vec_push(p->arena, &machine->variables) = name;
}

void parse_assign(struct parser *p, struct ast_state *s, const asl_doc *node, const char *field, unsigned offered,
                  struct ast_assigns *out) {
    out->node = (asl_doc *)node;
    out->items = arena_alloc(p->arena, (node->count + 1) * sizeof *out->items);
    for (asl_doc *m = node->first; m; m = m->next) {
        bool query = s->language == QUERY_JSONPATH && m->key.size >= 2 && memcmp(m->key.data + m->key.size - 2, ".$", 2) == 0;
        asl_str name = {m->key.data, m->key.size - (query ? 2 : 0)};
        if (m->duplicate_of || (m->broken && m->kind == ASL_DOC_NULL))
            continue;
        check_variable_name(p, s, m, name);
        const char *kept = arena_copy(p->arena, name.data, name.size);
        if (query && asl_doc_get_str(node, name)) {
            diag_error(p->diag, DIAG_DUPLICATE_TEMPLATE_FIELD, m, m->key_span, "\"%s\" and \"%s.$\" cannot both be given", kept, kept);
            continue;
        }
        struct ast_assign *item = &out->items[out->count++];
        item->name = kept;
        if (s->language == QUERY_JSONATA)
            item->value = parse_payload(p, s, m, arena_format(p->arena, "%s/%s", field, kept), offered);
        else
            item->value = query ? parse_query(p, s, m, m->key.data) : parse_template(p, s, m);
        remember_variable(p, s->machine, kept, m);
    }
}

static const char **error_names(struct parser *p, const struct shape *shape, size_t *count) {
    asl_doc *list = shape_get(shape, "ErrorEquals");
    const char **names = arena_alloc(p->arena, ((list ? list->count : 0) + 1) * sizeof *names);
    *count = 0;
    for (asl_doc *item = list ? list->first : NULL; item; item = item->next)
        if (item->kind == ASL_DOC_STRING)
            names[(*count)++] = item->text.data;
    if (list && list->count == 0 && !list->broken) {
        struct diag_message *e = diag_error(p->diag, DIAG_EMPTY, list, list->span, "ErrorEquals is empty");
        diag_help(p->diag, e, "[\"States.ALL\"] matches every error");
    }
    return names;
}

/* The entry of a Retry or Catch array as a shape. */
static bool entry_shape(struct parser *p, struct shape *shape, struct where where, asl_doc *item) {
    if (item->kind == ASL_DOC_OBJECT) {
        shape_check(p, shape, where, item);
        return true;
    }
    if (!item->broken)
        diag_error(p->diag, DIAG_WRONG_TYPE, item, item->span, "%s must be an object, found %s", where_text(p, &where),
                   doc_text(p, item));
    return false;
}

static void parse_retry(struct parser *p, struct ast_state *s, const asl_doc *list) {
    s->retriers = arena_alloc(p->arena, (list->count + 1) * sizeof *s->retriers);
    for (asl_doc *item = list->first; item; item = item->next) {
        struct shape shape;
        if (!entry_shape(p, &shape, (struct where){OWNER_RETRIER, s, "Retry", item->index, s->language}, item))
            continue;
        struct ast_retrier *r = &s->retriers[s->retrier_count++];
        asl_doc *rate = shape_get(&shape, "BackoffRate");
        const char *jitter = text_field(&shape, "JitterStrategy");
        r->node = item;
        r->errors = error_names(p, &shape, &r->error_count);
        r->interval_seconds = integer_field(&shape, "IntervalSeconds", 1);
        r->max_attempts = integer_field(&shape, "MaxAttempts", 3);
        r->backoff_rate = rate ? strtod(rate->text.data, NULL) : 2.0;
        r->max_delay_seconds = integer_field(&shape, "MaxDelaySeconds", 0);
        r->jitter = jitter && strcmp(jitter, "FULL") == 0;
    }
}

static void parse_catch(struct parser *p, struct ast_state *s, const asl_doc *list) {
    s->catchers = arena_alloc(p->arena, (list->count + 1) * sizeof *s->catchers);
    for (asl_doc *item = list->first; item; item = item->next) {
        struct shape shape;
        if (!entry_shape(p, &shape, (struct where){OWNER_CATCHER, s, "Catch", item->index, s->language}, item))
            continue;
        struct ast_catcher *c = &s->catchers[s->catcher_count++];
        asl_doc *next = shape_get(&shape, "Next"), *assign = shape_get(&shape, "Assign");
        c->node = item;
        c->errors = error_names(p, &shape, &c->error_count);
        if (next)
            parse_reference(p, s->machine, s, next, &c->next);
        const char *at = arena_format(p->arena, "Catch[%zu]", item->index);
        if (assign)
            parse_assign(p, s, assign, arena_format(p->arena, "%s/Assign", at), JSONATA_ERROR_OUTPUT, &c->assign);
        if (s->language == QUERY_JSONATA)
            c->output = parse_payload(p, s, shape_get(&shape, "Output"), arena_format(p->arena, "%s/Output", at),
                                      JSONATA_ERROR_OUTPUT);
        else
            c->result_path = result_path(p, s, &shape);
    }
}

// ---------------------------------------------------------------- the kinds of states

static struct expr *role(struct parser *p, struct ast_state *s, asl_doc *credentials) {
    asl_doc *fixed = asl_doc_get(credentials, "RoleArn");
    asl_doc *query = s->language == QUERY_JSONPATH ? asl_doc_get(credentials, "RoleArn.$") : NULL;
    if (!fixed && !query && !credentials->broken) {
        /* What is not an ARN is served by a handler, which makes of Credentials what it likes. */
        bool aws = s->u.task.resource && strncmp(s->u.task.resource, "arn:", 4) == 0;
        struct diag_message *e =
            (aws ? diag_error : diag_warning)(p->diag, DIAG_MISSING_FIELD, credentials, credentials->key_span,
                                              "Credentials of \"%s\" has no RoleArn", s->name);
        diag_help(p->diag, e, "\"RoleArn\": \"arn:aws:iam::ACCOUNT:role/NAME\"%s",
                  s->language == QUERY_JSONPATH ? ", or \"RoleArn.$\" with a path" : "");
    }
    if (fixed && fixed->kind != ASL_DOC_STRING && !fixed->broken)
        diag_error(p->diag, DIAG_WRONG_TYPE, fixed, fixed->span, "RoleArn must be a string, found %s", doc_text(p, fixed));
    struct expr *all = s->language == QUERY_JSONATA ? parse_payload(p, s, credentials, "Credentials", 0)
                                                    : parse_template(p, s, credentials);
    for (size_t i = 0; all && all->kind == EXPR_OBJECT && i < all->u.object.count; i++)
        if (strcmp(all->u.object.fields[i].key, "RoleArn") == 0)
            return all->u.object.fields[i].value;
    return all && fixed && fixed->kind == ASL_DOC_STRING ? parse_literal(p, fixed) : NULL;
}

static void parse_task(struct parser *p, struct ast_state *s, const struct shape *shape) {
    asl_doc *credentials = shape_get(shape, "Credentials");
    s->u.task.resource = text_field(shape, "Resource");
    if (!s->u.task.resource && is_template_function(shape_given(shape, "Resource")))
        later(p, shape_given(shape, "Resource"), shape_given(shape, "Resource")->span, "a CloudFormation function as Resource");
    s->u.task.timeout = number_field(p, s, shape, "TimeoutSeconds", "TimeoutSecondsPath");
    s->u.task.heartbeat = number_field(p, s, shape, "HeartbeatSeconds", "HeartbeatSecondsPath");
    if (credentials)
        s->u.task.role = role(p, s, credentials);
}

static void parse_wait(struct parser *p, struct ast_state *s, const struct shape *shape) {
    static const char *const ways[] = {"Seconds", "SecondsPath", "Timestamp", "TimestampPath", NULL};
    asl_doc *timestamp = shape_get(shape, "Timestamp"), *path = shape_get(shape, "TimestampPath");
    asl_doc *seconds = shape_get(shape, "Seconds"), *seconds_path = shape_get(shape, "SecondsPath");
    if (shape_exclusive(p, shape, ways) == 0)
        shape_missing(p, shape, "Seconds, SecondsPath, Timestamp or TimestampPath");
    if (seconds && seconds->kind == ASL_DOC_NUMBER) {
        s->u.wait.seconds.given = true;
        s->u.wait.seconds.value = strtod(seconds->text.data, NULL);
    } else if (seconds) {
        s->u.wait.seconds.expr = parse_payload(p, s, seconds, "Seconds", 0);
        s->u.wait.seconds.given = true;
    } else if (shape_given(shape, "Seconds")) {
        /* a number that is only a placeholder yet: no wait, rather than a state that waits for nothing known */
        s->u.wait.seconds.given = true;
    } else if (seconds_path) {
        s->u.wait.seconds.expr = parse_path(p, s, seconds_path, "SecondsPath", true);
        s->u.wait.seconds.given = s->u.wait.seconds.expr != NULL;
    } else if (timestamp) {
        s->u.wait.timestamp = s->language == QUERY_JSONATA ? parse_payload(p, s, timestamp, "Timestamp", 0)
                                                           : parse_literal(p, timestamp);
    } else if (path) {
        s->u.wait.timestamp = parse_path(p, s, path, "TimestampPath", true);
    }
}

/* ErrorPath and CausePath: a path, or an intrinsic call that gives a string (asl-language.md 11). */
static struct expr *error_text(struct parser *p, struct ast_state *s, const struct shape *shape, const char *field,
                               const char *path_name) {
    enum { ANY, ARRAY, BOOLEAN, NUMBER, STRING, OBJECT };
    static const int results[] = {
#define INTRINSIC(id, name, min, max, result) result,
#include "aslc/intrinsics.def"
#undef INTRINSIC
    };
    static const char *const kinds[] = {"a value of any kind", "an array", "a boolean", "a number", "a string", "an object"};
    static const char *const names[] = {
#define INTRINSIC(id, name, min, max, result) name,
#include "aslc/intrinsics.def"
#undef INTRINSIC
    };
    asl_doc *text = shape_get(shape, field), *path = shape_get(shape, path_name);
    shape_exclusive(p, shape, (const char *const[]){field, path_name, NULL});
    if (text)
        return s->language == QUERY_JSONATA ? parse_payload(p, s, text, field, 0) : parse_literal(p, text);
    if (!path || s->language == QUERY_JSONATA)
        return NULL;
    struct expr *e = parse_query(p, s, path, path_name);
    if (e && e->kind == EXPR_CALL && results[e->u.call.function] != STRING && e->u.call.function != ASL_INTRINSIC_ARRAY_GET_ITEM) {
        struct diag_message *m = diag_error(p->diag, DIAG_BAD_INTRINSIC, path, path->span,
                                            "%s needs a string, but States.%s gives %s", path_name, names[e->u.call.function],
                                            kinds[results[e->u.call.function]]);
        diag_help(p->diag, m, "one of States.Format, JsonToString, ArrayGetItem, Base64Encode, Base64Decode, Hash, UUID");
        return NULL;
    }
    if (e && e->kind == EXPR_PATH && !asl_path_definite(e->u.path)) {
        diag_error(p->diag, DIAG_BAD_REFERENCE_PATH, path, path->span, "%s must be a Reference Path: it selects one value", path_name);
        return NULL;
    }
    return e;
}

static struct ast_machine *machine_new(struct parser *p, struct ast_state *owner, size_t branch, asl_doc *node) {
    struct ast_machine *m = arena_alloc(p->arena, sizeof *m);
    m->node = node;
    m->parent = owner ? owner->machine : NULL;
    m->owner = owner;
    m->branch = branch;
    m->language = p->ast->root ? p->ast->root->language : QUERY_JSONPATH;
    return m;
}

static void parse_parallel(struct parser *p, struct ast_state *s, const struct shape *shape) {
    asl_doc *branches = shape_get(shape, "Branches");
    if (!branches)
        return;
    s->u.parallel.branches = arena_alloc(p->arena, (branches->count + 1) * sizeof *s->u.parallel.branches);
    for (asl_doc *item = branches->first; item; item = item->next) {
        struct where where = {OWNER_BRANCH, s, "Branches", item->index, s->language};
        struct shape inner;
        if (!entry_shape(p, &inner, where, item))
            continue;
        struct ast_machine *m = machine_new(p, s, s->u.parallel.count, item);
        s->u.parallel.branches[s->u.parallel.count++] = m;
        parse_machine(p, m, &inner);
    }
    if (branches->count == 0 && !branches->broken)
        diag_error(p->diag, DIAG_EMPTY, branches, branches->span, "Branches is empty; a Parallel state needs at least one branch");
}

static void check_processor_config(struct parser *p, struct ast_state *s, struct ast_machine *m, asl_doc *config) {
    struct shape shape;
    shape_check(p, &shape, (struct where){OWNER_PROCESSOR_CONFIG, s, "ProcessorConfig", 0, s->language}, config);
    const char *mode = text_field(&shape, "Mode"), *type = text_field(&shape, "ExecutionType");
    m->distributed = mode && strcmp(mode, "DISTRIBUTED") == 0;
    m->express = type && strcmp(type, "EXPRESS") == 0;
    if (m->distributed && !shape_given(&shape, "ExecutionType")) {
        shape_missing(p, &shape, "ExecutionType");
    } else if (!m->distributed && type) {
        asl_doc *node = shape_get(&shape, "ExecutionType");
        struct diag_message *e = diag_warning(p->diag, DIAG_NO_EFFECT, node, node->key_span,
                                              "ExecutionType has no effect on a Map in INLINE mode");
        diag_help(p->diag, e, "add \"Mode\": \"DISTRIBUTED\" or remove it");
    }
}

/* ItemReader, ItemBatcher and ResultWriter: their shape; what they do is not compiled yet. */
static void check_distributed_parts(struct parser *p, struct ast_state *s, const struct shape *map) {
    struct shape shape, config;
    asl_doc *reader = shape_get(map, "ItemReader"), *batcher = shape_get(map, "ItemBatcher");
    asl_doc *writer = shape_get(map, "ResultWriter"), *node;
    bool jsonata = s->language == QUERY_JSONATA;
    if (reader) {
        shape_check(p, &shape, (struct where){OWNER_READER, s, "ItemReader", 0, s->language}, reader);
        if ((node = shape_get(&shape, "Parameters")))
            parse_template(p, s, node);
        if ((node = shape_get(&shape, "ReaderConfig"))) {
            shape_check(p, &config, (struct where){OWNER_READER_CONFIG, s, "ReaderConfig", 0, s->language}, node);
            shape_exclusive(p, &config, (const char *const[]){"MaxItems", "MaxItemsPath", NULL});
            if ((node = shape_get(&config, "MaxItems")) && jsonata)
                parse_payload(p, s, node, "ItemReader/ReaderConfig/MaxItems", 0);
            if ((node = shape_get(&config, "MaxItemsPath")))
                parse_path(p, s, node, "MaxItemsPath", true);
        }
        parse_payload(p, s, shape_get(&shape, "Arguments"), "ItemReader/Arguments", 0);
    }
    if (batcher) {
        shape_check(p, &shape, (struct where){OWNER_BATCHER, s, "ItemBatcher", 0, s->language}, batcher);
        size_t items = shape_exclusive(p, &shape, (const char *const[]){"MaxItemsPerBatch", "MaxItemsPerBatchPath", NULL});
        size_t bytes =
            shape_exclusive(p, &shape, (const char *const[]){"MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath", NULL});
        if (items + bytes == 0 && !batcher->broken)
            diag_warning(p->diag, DIAG_MISSING_FIELD, batcher, batcher->key_span,
                         "ItemBatcher of \"%s\" has neither MaxItemsPerBatch nor MaxInputBytesPerBatch", s->name);
        if ((node = shape_get(&shape, "BatchInput")) && !jsonata)
            parse_template(p, s, node);
        static const char *const limits[] = {"BatchInput", "MaxItemsPerBatch", "MaxInputBytesPerBatch"};
        for (size_t i = 0; i < 3 && jsonata; i++)
            parse_payload(p, s, shape_get(&shape, limits[i]), arena_format(p->arena, "ItemBatcher/%s", limits[i]), 0);
        if ((node = shape_get(&shape, "MaxItemsPerBatchPath")))
            parse_path(p, s, node, "MaxItemsPerBatchPath", true);
        if ((node = shape_get(&shape, "MaxInputBytesPerBatchPath")))
            parse_path(p, s, node, "MaxInputBytesPerBatchPath", true);
    }
    if (writer) {
        shape_check(p, &shape, (struct where){OWNER_WRITER, s, "ResultWriter", 0, s->language}, writer);
        if (writer->count == 0 && !writer->broken)
            diag_error(p->diag, DIAG_EMPTY, writer, writer->span, "ResultWriter is empty");
        if ((node = shape_get(&shape, "Parameters")))
            parse_template(p, s, node);
        parse_payload(p, s, shape_get(&shape, "Arguments"), "ResultWriter/Arguments", 0);
        if ((node = shape_get(&shape, "WriterConfig")))
            shape_check(p, &config, (struct where){OWNER_WRITER_CONFIG, s, "WriterConfig", 0, s->language}, node);
    }
}

static void check_map_mode(struct parser *p, struct ast_state *s, const struct shape *map) {
    static const char *const parts[] = {"ItemReader", "ItemBatcher", "ResultWriter"};
    static const char *const idle[] = {"Label", "ToleratedFailureCount", "ToleratedFailureCountPath",
                                       "ToleratedFailurePercentage", "ToleratedFailurePercentagePath"};
    const struct ast_machine *m = s->u.map.processor;
    if (!m)
        return;
    bool said = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        asl_doc *node = shape_given(map, parts[i]);
        if (node && !m->distributed) {
            struct diag_message *e = diag_error(p->diag, DIAG_DISTRIBUTED_ONLY, node, node->key_span,
                                                "%s is only for a Map in DISTRIBUTED mode", parts[i]);
            diag_help(p->diag, e, "in ItemProcessor: \"ProcessorConfig\": {\"Mode\": \"DISTRIBUTED\", \"ExecutionType\": \"STANDARD\"}");
        } else if (node && !said) {
            later(p, node, node->key_span, parts[i]);
            said = true;
        }
    }
    for (size_t i = 0; i < sizeof idle / sizeof *idle && !m->distributed; i++) {
        asl_doc *node = shape_given(map, idle[i]);
        if (node)
            diag_warning(p->diag, DIAG_DISTRIBUTED_ONLY, node, node->key_span, "%s is meant for a Map in DISTRIBUTED mode", idle[i]);
    }
}

static void parse_map(struct parser *p, struct ast_state *s, const struct shape *shape) {
    struct shape inner;
    asl_doc *processor = shape_get(shape, "ItemProcessor"), *iterator = shape_get(shape, "Iterator"), *config;
    if (shape_exclusive(p, shape, (const char *const[]){"ItemProcessor", "Iterator", NULL}) == 0)
        shape_missing(p, shape, "ItemProcessor");
    shape_exclusive(p, shape, (const char *const[]){"ItemSelector", "Parameters", NULL});
    if (processor || iterator) {
        struct ast_machine *m = machine_new(p, s, 0, processor ? processor : iterator);
        s->u.map.processor = m;
        shape_check(p, &inner,
                    (struct where){OWNER_PROCESSOR, s, processor ? "ItemProcessor" : "Iterator", 0, s->language}, m->node);
        if ((config = shape_get(&inner, "ProcessorConfig")))
            check_processor_config(p, s, m, config);
        parse_machine(p, m, &inner);
    }
    s->u.map.items_path = reference_path(p, s, shape, "ItemsPath");
    s->u.map.items = parse_payload(p, s, shape_get(shape, "Items"), "Items", 0);
    s->u.map.max_concurrency = number_field(p, s, shape, "MaxConcurrency", "MaxConcurrencyPath");
    s->u.map.tolerated_count = number_field(p, s, shape, "ToleratedFailureCount", "ToleratedFailureCountPath");
    s->u.map.tolerated_percentage = number_field(p, s, shape, "ToleratedFailurePercentage", "ToleratedFailurePercentagePath");
    s->u.map.label = text_field(shape, "Label");
    check_distributed_parts(p, s, shape);
    check_map_mode(p, s, shape);
}

// ---------------------------------------------------------------- one state

static void parse_flow(struct parser *p, struct ast_state *s, const struct shape *shape) {
    asl_doc *next = shape_get(shape, "Next"), *end = shape_get(shape, "End");
    if (next)
        parse_reference(p, s->machine, s, next, &s->next);
    s->end = end && end->boolean;
    if (s->end)
        shape_exclusive(p, shape, (const char *const[]){"Next", "End", NULL});
    bool bad = (shape_given(shape, "End") && !end) || (shape_given(shape, "Next") && !next) ||
               shape_meant(shape, "Next") || shape_meant(shape, "End");
    s->broken = s->broken || bad;
    if (s->end || next || bad || s->node->broken)
        return;
    s->broken = true;
    struct diag_message *e = diag_error(p->diag, DIAG_NO_NEXT_OR_END, s->node, s->node->key_span,
                                        "%s has neither Next nor End", where_text(p, &shape->where));
    diag_help(p->diag, e, "add \"End\": true%s", s->node->next ? ", or \"Next\" with the name of a state" : "");
}

/* The fields that many kinds have in common; shape has said which of them this kind may have. */
static void parse_common(struct parser *p, struct ast_state *s, const struct shape *shape) {
    asl_doc *retry = shape_get(shape, "Retry"), *catch = shape_get(shape, "Catch"), *assign = shape_get(shape, "Assign");
    bool works = s->kind == STATE_TASK || s->kind == STATE_PARALLEL || s->kind == STATE_MAP;
    unsigned offered = works ? JSONATA_RESULT : 0;
    if (assign)
        parse_assign(p, s, assign, "Assign", offered, &s->assign);
    if (retry)
        parse_retry(p, s, retry);
    size_t errors = p->diag->errors;
    if (catch)
        parse_catch(p, s, catch);
    s->broken = s->node->broken || p->diag->errors > errors || (shape_given(shape, "Catch") && !catch);
    asl_doc *selector = shape_get(shape, "ItemSelector");
    if (s->language == QUERY_JSONATA) {
        s->parameters = selector ? parse_payload(p, s, selector, "ItemSelector", 0)
                                 : parse_payload(p, s, shape_get(shape, "Arguments"), "Arguments", 0);
        s->output = parse_payload(p, s, shape_get(shape, "Output"), "Output", offered);
        return;
    }
    s->input_path = path_field(p, s, shape, "InputPath");
    s->parameters = parse_template(p, s, selector ? selector : shape_get(shape, "Parameters"));
    s->result_selector = parse_template(p, s, shape_get(shape, "ResultSelector"));
    s->result_path = result_path(p, s, shape);
    s->output_path = path_field(p, s, shape, "OutputPath");
}

static bool find_kind(struct parser *p, struct ast_state *s) {
    asl_doc *type = asl_doc_get(s->node, "Type");
    if (!type) {
        if (s->node->broken)
            return false;
        static const char *const near_names[] = {"Type"};
        struct diag_message *e =
            diag_error(p->diag, DIAG_MISSING_FIELD, s->node, s->node->key_span, "state \"%s\" has no Type", s->name);
        for (asl_doc *m = s->node->first; m; m = m->next)
            if (diag_nearest(m->key.data, near_names, 1))
                diag_help(p->diag, e, "write \"Type\" for \"%s\"", m->key.data);
        return false;
    }
    if (type->kind != ASL_DOC_STRING) {
        if (!type->broken)
            diag_error(p->diag, DIAG_WRONG_TYPE, type, type->span, "Type must be a string, found %s", doc_text(p, type));
        return false;
    }
    for (size_t i = 0; i <= STATE_MAP; i++)
        if (asl_str_equal(type->text, asl_str_z(state_kind_names[i]))) {
            s->kind = (enum state_kind)i;
            return true;
        }
    struct diag_message *e = diag_error(p->diag, DIAG_BAD_ENUM, type, type->span, "unknown state type \"%.60s\"", type->text.data);
    const char *near = diag_nearest(type->text.data, state_kind_names, STATE_MAP + 1);
    if (near)
        diag_help(p->diag, e, "did you mean \"%s\"? One of Task, Pass, Choice, Wait, Succeed, Fail, Parallel, Map", near);
    else
        diag_help(p->diag, e, "one of Task, Pass, Choice, Wait, Succeed, Fail, Parallel, Map");
    return false;
}

/* A state's language: its own QueryLanguage, else the top level's. JSONata may not be taken back (recorded). */
static void find_language(struct parser *p, struct ast_state *s) {
    asl_doc *own = asl_doc_get(s->node, "QueryLanguage");
    enum query_language top = p->ast->root->language;
    s->language = top;
    if (!own || own->kind != ASL_DOC_STRING)
        return;
    s->language = asl_str_equal(own->text, ASL_STR("JSONPath")) ? QUERY_JSONPATH : QUERY_JSONATA;
    if (top == QUERY_JSONATA && s->language == QUERY_JSONPATH) {
        struct diag_message *e = diag_error(p->diag, DIAG_QUERY_LANGUAGE_DOWNGRADE, own, own->span,
                                            "a state cannot be JSONPath when the whole machine is JSONata");
        asl_doc *machine = asl_doc_get(p->ast->root->node, "QueryLanguage");
        diag_help(p->diag, e, "make the machine JSONPath and set \"QueryLanguage\": \"JSONata\" on the states that use it");
        if (machine)
            diag_note(p->diag, e, machine->span, "the machine's language");
    }
}

/* A state whose kind is unknown still leads somewhere: without that its targets would seem unreachable. */
static void parse_unknown(struct parser *p, struct ast_state *s) {
    asl_doc *next = asl_doc_get(s->node, "Next");
    s->broken = true;
    if (next && next->kind == ASL_DOC_STRING)
        parse_reference(p, s->machine, s, next, &s->next);
}

static void parse_state(struct parser *p, struct ast_state *s) {
    if (s->node->kind != ASL_DOC_OBJECT) {
        static const char *const top[] = {"QueryLanguage", "Comment", "StartAt", "TimeoutSeconds", "Version", "ProcessorConfig"};
        s->broken = true;
        for (size_t i = 0; i < sizeof top / sizeof *top; i++)
            if (strcmp(s->name, top[i]) == 0) {
                struct diag_message *e = diag_error(p->diag, DIAG_MISPLACED_FIELD, s->node, s->node->key_span,
                                                    "\"%s\" inside States is read as the name of a state", s->name);
                diag_help(p->diag, e, "move it up one level");
                return;
            }
        if (!s->node->broken)
            diag_error(p->diag, DIAG_WRONG_TYPE, s->node, s->node->span, "state \"%s\" must be an object, found %s", s->name,
                       doc_text(p, s->node));
        return;
    }
    find_language(p, s);
    if (!find_kind(p, s)) {
        parse_unknown(p, s);
        return;
    }
    struct shape shape;
    shape_check(p, &shape, (struct where){(enum owner)s->kind, s, NULL, 0, s->language}, s->node);
    parse_common(p, s, &shape);
    switch (s->kind) {
    case STATE_TASK: parse_task(p, s, &shape); break;
    case STATE_PASS:
        if (shape_get(&shape, "Result"))
            s->u.pass.result = parse_literal(p, shape_get(&shape, "Result"));
        break;
    case STATE_CHOICE: {
        size_t errors = p->diag->errors;
        if (shape_get(&shape, "Choices"))
            parse_choices(p, s, shape_get(&shape, "Choices"));
        s->broken = s->broken || p->diag->errors > errors || !shape_get(&shape, "Choices");
        if (shape_get(&shape, "Default"))
            parse_reference(p, s->machine, s, shape_get(&shape, "Default"), &s->u.choice.otherwise);
        break;
    }
    case STATE_WAIT: parse_wait(p, s, &shape); break;
    case STATE_SUCCEED: break;
    case STATE_FAIL:
        s->u.fail.error = error_text(p, s, &shape, "Error", "ErrorPath");
        s->u.fail.cause = error_text(p, s, &shape, "Cause", "CausePath");
        break;
    case STATE_PARALLEL: parse_parallel(p, s, &shape); break;
    case STATE_MAP: parse_map(p, s, &shape); break;
    }
    if (s->kind != STATE_CHOICE && s->kind != STATE_SUCCEED && s->kind != STATE_FAIL)
        parse_flow(p, s, &shape);
    for (const asl_doc *m = s->node->first; m; m = m->next)
        s->broken = s->broken || m->duplicate_of; /* which of the two was meant? */
}

// ---------------------------------------------------------------- machines

static void parse_machine(struct parser *p, struct ast_machine *m, const struct shape *shape) {
    asl_doc *start = shape_get(shape, "StartAt"), *states = shape_get(shape, "States");
    if (start)
        parse_reference(p, m, NULL, start, &m->start);
    if (!states)
        return;
    if (states->count == 0 && !states->broken)
        diag_error(p->diag, DIAG_EMPTY, states, states->span, "States is empty; %s needs at least one state",
                   where_text(p, &shape->where));
    m->states = arena_alloc(p->arena, (states->count + 1) * sizeof *m->states);
    for (asl_doc *n = states->first; n; n = n->next) {
        struct ast_state *s = arena_alloc(p->arena, sizeof *s);
        s->kind = STATE_PASS;
        s->name = n->key.data;
        s->name_size = n->key.size;
        s->node = n;
        s->machine = m;
        s->language = p->ast->root->language;
        m->states[m->count++] = s;
    }
    for (size_t i = 0; i < m->count; i++) {
        *vec_push(p->arena, &p->all) = m->states[i];
        parse_state(p, m->states[i]);
    }
}

/* "Next" of another document: CloudFormation, SAM and the like hold state machines but are none. */
static bool is_template(struct parser *p, const asl_doc *root) {
    if (asl_doc_get(root, "StartAt") || asl_doc_get(root, "States"))
        return false;
    asl_doc *mark = asl_doc_get(root, "AWSTemplateFormatVersion");
    if (!mark)
        mark = asl_doc_get(root, "Resources");
    if (!mark)
        return false;
    struct diag_message *e = diag_error(p->diag, DIAG_NOT_ASL, mark, mark->key_span,
                                        "this is a CloudFormation template, not a state machine definition");
    diag_help(p->diag, e, "give the definition itself; templates are not read by this version yet");
    return true;
}

static void report_duplicates(struct parser *p, const asl_doc *root) {
    for (const asl_doc *n = root; n;) {
        if (n->duplicate_of) {
            struct diag_message *e = diag_error(p->diag, DIAG_DUPLICATE_KEY, n, n->key_span, "\"%.80s\" is given twice", n->key.data);
            diag_note(p->diag, e, n->duplicate_of->key_span, "first here");
        }
        if (n->first) {
            n = n->first;
            continue;
        }
        while (n && n != root && !n->next)
            n = n->parent;
        n = n && n != root ? n->next : NULL;
    }
}

/* One warning a name, at its first place. */
static void report_placeholders(struct parser *p) {
    const struct source *s = p->diag->source;
    struct { asl_str name; asl_span first; size_t count; } *seen;
    size_t size = 16, count = 0;
    while (size < s->unfilled.count * 2)
        size *= 2;
    seen = arena_alloc(p->arena, size * sizeof *seen);
    for (size_t i = 0; i < s->unfilled.count; i++) {
        asl_span at = s->unfilled.items[i];
        asl_str name = {s->text.data + at.start + 2, at.end - at.start - 3};
        while (name.size && *name.data == ' ')
            name.data++, name.size--;
        while (name.size && name.data[name.size - 1] == ' ')
            name.size--;
        size_t slot = asl_hash(name) & (size - 1);
        while (seen[slot].count && !asl_str_equal(seen[slot].name, name))
            slot = (slot + 1) & (size - 1);
        if (seen[slot].count++ == 0) {
            seen[slot].name = name;
            seen[slot].first = at;
            count++;
        }
    }
    for (size_t i = 0; i < size && count; i++) {
        if (!seen[i].count)
            continue;
        struct diag_message *e =
            diag_warning(p->diag, DIAG_PLACEHOLDER, NULL, seen[i].first, "placeholder ${%.*s} has no value and stays as text",
                         (int)(seen[i].name.size > 100 ? 100 : seen[i].name.size), seen[i].name.data);
        diag_help(p->diag, e, "fill it with -D %.*s=VALUE%s", (int)(seen[i].name.size > 100 ? 100 : seen[i].name.size),
                  seen[i].name.data, seen[i].count > 1 ? arena_format(p->arena, " (%zu places)", seen[i].count) : "");
    }
}

struct ast *ast_parse(struct arena *a, struct diag *d, asl_doc *root, bool express) {
    struct parser parser = {.arena = a, .diag = d}, *p = &parser;
    struct ast *ast = arena_alloc(a, sizeof *ast);
    if (root->kind != ASL_DOC_OBJECT) {
        if (!root->broken && d->errors == 0) {
            struct diag_message *e =
                diag_error(d, DIAG_NOT_ASL, root, root->span, "a definition must be a JSON object, found %s", doc_text(p, root));
            diag_help(d, e, "{\"StartAt\": \"...\", \"States\": {...}}");
        }
        return NULL;
    }
    p->ast = ast;
    ast->express = express;
    ast->variables.arena = a;
    report_duplicates(p, root);
    if (is_template(p, root))
        return NULL;
    report_placeholders(p);
    if (d->source->text.size > 1048576)
        diag_warning(d, DIAG_TOO_LARGE, root, where_span(root), "the definition has %zu bytes, the service takes at most 1048576",
                     d->source->text.size);
    asl_doc *language = asl_doc_get(root, "QueryLanguage");
    ast->root = machine_new(p, NULL, 0, root);
    if (language && language->kind == ASL_DOC_STRING && !asl_str_equal(language->text, ASL_STR("JSONPath")))
        ast->root->language = QUERY_JSONATA;
    struct shape shape;
    shape_check(p, &shape, (struct where){OWNER_MACHINE, NULL, NULL, 0, ast->root->language}, root);
    ast->root->timeout_seconds = integer_field(&shape, "TimeoutSeconds", 0);
    parse_machine(p, ast->root, &shape);
    ast->all = p->all.items;
    ast->all_count = p->all.count;
    return ast;
}

// ---------------------------------------------------------------- from text

static void listen(void *user, const asl_doc_message *m) {
    static const enum diag_code codes[] = {
        [ASL_DOC_SYNTAX] = DIAG_SYNTAX,           [ASL_DOC_COMMENT] = DIAG_COMMENT,   [ASL_DOC_TRAILING_COMMA] = DIAG_TRAILING_COMMA,
        [ASL_DOC_PLACEHOLDER] = DIAG_PLACEHOLDER, [ASL_DOC_TOO_DEEP] = DIAG_TOO_DEEP,
    };
    struct diag *d = user;
    struct diag_message *e = m->problem == ASL_DOC_TRAILING_COMMA
                                 ? diag_warning(d, codes[m->problem], NULL, m->where, "%s", m->message)
                                 : diag_error(d, codes[m->problem], NULL, m->where, "%s", m->message);
    if (m->help)
        diag_help(d, e, "%s", m->help);
    if (m->note)
        diag_note(d, e, m->note_where, "%s", m->note);
}

static bool has_ending(const char *path, const char *ending) {
    size_t n = strlen(path), m = strlen(ending);
    return n >= m && strcmp(path + n - m, ending) == 0;
}

/* Files of other kinds that hold state machines: said by name rather than as a pile of syntax errors. */
static const char *other_format(const char *path) {
    if (has_ending(path, ".yaml") || has_ending(path, ".yml"))
        return "YAML";
    if (has_ending(path, ".tf") || has_ending(path, ".tf.json") || has_ending(path, ".hcl"))
        return "Terraform";
    return NULL;
}

static void free_tree(void *tree) { asl_doc_free(tree); }

struct ast *ast_read(struct arena *a, struct diag *d, const struct source *s, bool express) {
    const char *format = other_format(s->path);
    size_t errors = 0;
    if (format) {
        struct diag_message *e =
            diag_error(d, DIAG_NOT_ASL, NULL, (asl_span){0, 0}, "%s files are not read by this version yet", format);
        diag_help(d, e, "convert the definition to JSON");
        return NULL;
    }
    asl_doc_tree *tree = asl_doc_read_for(s->text, listen, d, &errors);
    if (!tree)
        return NULL;
    arena_defer(a, free_tree, tree);
    struct ast *ast = ast_parse(a, d, asl_doc_root(tree), express);
    if (ast)
        ast_check(a, d, ast);
    return ast;
}
