// The shape check: fields.def, read as a table.
//
// An object of a definition is checked member by member: is there a row for it under this owner, is it of the state's
// query language, is its value of the row's type? Then the rows that are needed. What a message suggests comes from the
// same table: the nearest name, the other places where the field is allowed.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

enum language { BOTH, JSONPATH, JSONATA };

enum type {
    TYPE_TEXT, TYPE_TRUTH, TYPE_STATE_TYPE, TYPE_QUERY_LANGUAGE, TYPE_VERSION, TYPE_TARGET, TYPE_SECONDS, TYPE_DELAY,
    TYPE_COUNT, TYPE_ATTEMPTS, TYPE_RATE, TYPE_MAX_DELAY, TYPE_PERCENT, TYPE_POSITIVE, TYPE_BATCH_BYTES, TYPE_PATH,
    TYPE_REFERENCE_PATH, TYPE_RESULT_PATH, TYPE_QUERY, TYPE_TEMPLATE, TYPE_ANY, TYPE_OBJECT, TYPE_ARRAY, TYPE_STRINGS,
    TYPE_CONDITION, TYPE_ITEMS, TYPE_MODE, TYPE_EXECUTION_TYPE, TYPE_JITTER, TYPE_INPUT_TYPE, TYPE_READER_TRANSFORMATION,
    TYPE_MANIFEST_TYPE, TYPE_CSV_HEADER_LOCATION, TYPE_CSV_DELIMITER, TYPE_OUTPUT_TYPE, TYPE_WRITER_TRANSFORMATION,
};

struct field {
    enum owner owner;
    const char *name;
    size_t size;
    enum type type;
    enum language language;
    bool needed;
};

static const struct field fields[] = {
#define YES true
#define NO false
#define FIELD(owner, name, type, language, needed) {OWNER_##owner, #name, sizeof #name - 1, TYPE_##type, language, needed},
#include "fields.def"
#undef FIELD
#undef YES
#undef NO
};
enum { FIELD_COUNT = sizeof fields / sizeof *fields };

/* ORDER state kinds */
const char *const state_kind_names[] = {"Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"};

static const char *const owner_names[OWNER_COUNT] = {
    "Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map",
    "the top level", "a branch", "ItemProcessor", "ProcessorConfig", "a Retry entry", "a Catch entry", "a Choice rule",
    "a nested Choice rule", "ItemReader", "ReaderConfig", "ItemBatcher", "ResultWriter", "WriterConfig",
};

// ---------------------------------------------------------------- types

enum { S = 1 << ASL_DOC_STRING, N = 1 << ASL_DOC_NUMBER, B = 1 << ASL_DOC_BOOL, O = 1 << ASL_DOC_OBJECT,
       A = 1 << ASL_DOC_ARRAY, NUL = 1 << ASL_DOC_NULL, EVERY = S | N | B | O | A | NUL };

struct type_rule {
    const char *wanted;     /* "must be …" */
    unsigned kinds;         /* JSON kinds that fit */
    bool expression;        /* in a JSONata state also {% … %} */
    bool integer;
    double least, most;     /* of a number; both 0: no limits */
    const char *values[6];  /* of a string: one of these */
    const char *help;
};

#define LARGEST 99999999.0
static const struct type_rule types[] = {
    [TYPE_TEXT] = {.wanted = "a string", .kinds = S},
    [TYPE_TRUTH] = {.wanted = "true or false", .kinds = B},
    [TYPE_STATE_TYPE] = {.wanted = "a string", .kinds = S},
    [TYPE_QUERY_LANGUAGE] = {.wanted = "\"JSONPath\" or \"JSONata\"", .kinds = S, .values = {"JSONPath", "JSONata"}},
    [TYPE_VERSION] = {.wanted = "\"1.0\"", .kinds = S, .values = {"1.0"}, .help = "write \"1.0\" in quotes"},
    [TYPE_TARGET] = {.wanted = "the name of a state, a string", .kinds = S},
    [TYPE_SECONDS] = {.wanted = "an integer", .kinds = N, .expression = true, .integer = true, .least = 1, .most = LARGEST},
    [TYPE_DELAY] = {.wanted = "an integer", .kinds = N, .expression = true, .integer = true, .least = 0, .most = LARGEST},
    [TYPE_COUNT] = {.wanted = "an integer", .kinds = N, .expression = true, .integer = true, .least = 0, .most = 1e15},
    [TYPE_ATTEMPTS] = {.wanted = "an integer", .kinds = N, .integer = true, .least = 0, .most = LARGEST},
    [TYPE_RATE] = {.wanted = "a number", .kinds = N, .least = 1, .most = 1e300},
    [TYPE_MAX_DELAY] = {.wanted = "an integer", .kinds = N, .integer = true, .least = 1, .most = 31622400},
    [TYPE_PERCENT] = {.wanted = "a number", .kinds = N, .expression = true, .least = 0, .most = 100},
    [TYPE_POSITIVE] = {.wanted = "an integer", .kinds = N, .expression = true, .integer = true, .least = 1, .most = 1e15},
    [TYPE_BATCH_BYTES] = {.wanted = "an integer", .kinds = N, .expression = true, .integer = true, .least = 1, .most = 262144},
    [TYPE_PATH] = {.wanted = "a path or null", .kinds = S | NUL},
    [TYPE_REFERENCE_PATH] = {.wanted = "a path, a string", .kinds = S},
    [TYPE_RESULT_PATH] = {.wanted = "a path or null", .kinds = S | NUL},
    [TYPE_QUERY] = {.wanted = "a path or an intrinsic call, a string", .kinds = S},
    [TYPE_TEMPLATE] = {.wanted = "any JSON", .kinds = EVERY},
    [TYPE_ANY] = {.wanted = "any JSON", .kinds = EVERY},
    [TYPE_OBJECT] = {.wanted = "an object", .kinds = O},
    [TYPE_ARRAY] = {.wanted = "an array", .kinds = A},
    [TYPE_STRINGS] = {.wanted = "an array of strings", .kinds = A},
    [TYPE_CONDITION] = {.wanted = "true, false or a JSONata expression {% ... %}", .kinds = B, .expression = true},
    [TYPE_ITEMS] = {.wanted = "an array or a JSONata expression {% ... %}", .kinds = A, .expression = true},
    [TYPE_MODE] = {.wanted = "a string", .kinds = S, .values = {"INLINE", "DISTRIBUTED"}},
    [TYPE_EXECUTION_TYPE] = {.wanted = "a string", .kinds = S, .values = {"STANDARD", "EXPRESS"}},
    [TYPE_JITTER] = {.wanted = "a string", .kinds = S, .values = {"FULL", "NONE"}},
    [TYPE_INPUT_TYPE] = {.wanted = "a string", .kinds = S, .values = {"CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"}},
    [TYPE_READER_TRANSFORMATION] = {.wanted = "a string", .kinds = S, .values = {"NONE", "LOAD_AND_FLATTEN"}},
    [TYPE_MANIFEST_TYPE] = {.wanted = "a string", .kinds = S, .values = {"ATHENA_DATA", "S3_INVENTORY"}},
    [TYPE_CSV_HEADER_LOCATION] = {.wanted = "a string", .kinds = S, .values = {"FIRST_ROW", "GIVEN"}},
    [TYPE_CSV_DELIMITER] = {.wanted = "a string", .kinds = S, .values = {"COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"}},
    [TYPE_OUTPUT_TYPE] = {.wanted = "a string", .kinds = S, .values = {"JSON", "JSONL"}},
    [TYPE_WRITER_TRANSFORMATION] = {.wanted = "a string", .kinds = S, .values = {"NONE", "COMPACT", "FLATTEN"}},
};

bool is_jsonata(asl_str t) {
    return t.size >= 4 && memcmp(t.data, "{%", 2) == 0 && memcmp(t.data + t.size - 2, "%}", 2) == 0;
}

bool has_placeholder(const struct parser *p, const asl_doc *node) {
    return node->kind == ASL_DOC_STRING && source_has_placeholder(p->diag->source, node->span);
}

bool is_template_function(const asl_doc *node) {
    return node && node->kind == ASL_DOC_OBJECT && node->count == 1 &&
           (asl_str_equal(node->first->key, ASL_STR("Ref")) ||
            (node->first->key.size > 4 && memcmp(node->first->key.data, "Fn::", 4) == 0));
}

bool doc_integer(const asl_doc *node, int64_t *out) {
    asl_value v = asl_number_text(node->text);
    bool exact = asl_number_as_int(&v, out);
    asl_release(v);
    return exact;
}

const char *doc_text(struct parser *p, const asl_doc *node) {
    switch (node->kind) {
    case ASL_DOC_NULL: return "null";
    case ASL_DOC_BOOL: return node->boolean ? "true" : "false";
    case ASL_DOC_NUMBER: return arena_format(p->arena, "the number %.40s", node->text.data);
    case ASL_DOC_STRING:
        return node->text.size <= 40 ? arena_format(p->arena, "the string \"%s\"", node->text.data) : "a string";
    case ASL_DOC_ARRAY: return "an array";
    case ASL_DOC_OBJECT: return "an object";
    }
    return "";
}

// ---------------------------------------------------------------- places

const char *where_text(struct parser *p, const struct where *w) {
    const char *state = w->state ? w->state->name : "";
    switch (w->owner) {
    case OWNER_TASK:
    case OWNER_PASS:
    case OWNER_CHOICE:
    case OWNER_WAIT:
    case OWNER_SUCCEED:
    case OWNER_FAIL:
    case OWNER_PARALLEL:
    case OWNER_MAP: return arena_format(p->arena, "%s state \"%s\"", state_kind_names[w->owner], state);
    case OWNER_MACHINE: return "the state machine";
    case OWNER_RETRIER:
    case OWNER_CATCHER:
    case OWNER_RULE: return arena_format(p->arena, "%s[%zu] of \"%s\"", w->field, w->index, state);
    case OWNER_NESTED_RULE: return arena_format(p->arena, "a rule inside %s[%zu] of \"%s\"", w->field, w->index, state);
    case OWNER_BRANCH:
        return arena_format(p->arena, "Branches[%zu] of \"%s\"", w->index, state);
    case OWNER_PROCESSOR: return arena_format(p->arena, "%s of \"%s\"", w->field, state);
    case OWNER_PROCESSOR_CONFIG:
    case OWNER_READER:
    case OWNER_READER_CONFIG:
    case OWNER_BATCHER:
    case OWNER_WRITER:
    case OWNER_WRITER_CONFIG: return arena_format(p->arena, "%s of \"%s\"", owner_names[w->owner], state);
    case OWNER_COUNT: break;
    }
    return "";
}

asl_span where_span(const asl_doc *node) {
    if (node->parent && node->parent->kind == ASL_DOC_OBJECT)
        return node->key_span;
    return (asl_span){node->span.start, node->span.start + 1};
}

static bool is_state(enum owner o) { return o <= OWNER_MAP; }

/* "a Choice state", "an entry of Retry": as the subject of "cannot have". */
static const char *kind_text(struct parser *p, const struct where *w) {
    if (is_state(w->owner))
        return arena_format(p->arena, "a %s state", state_kind_names[w->owner]);
    if (w->owner == OWNER_PROCESSOR)
        return w->field;
    return owner_names[w->owner];
}

// ---------------------------------------------------------------- fields that do not belong

static const struct field *find_row(const struct field *rows, size_t count, asl_str name) {
    for (size_t i = 0; i < count; i++)
        if (rows[i].size == name.size && memcmp(rows[i].name, name.data, name.size) == 0)
            return &rows[i];
    return NULL;
}

/* The operator of a Choice rule: every test, and with Path where there is one. */
static bool is_operator(asl_str name) {
#define CHOICE(id, text, type, path)                                                                              \
    if (asl_str_equal(name, ASL_STR(text)) || (path && asl_str_equal(name, ASL_STR(text "Path"))))                \
        return true;
#include "aslc/choice.def"
#undef CHOICE
    return false;
}

static bool fits_language(const struct field *f, enum query_language language) {
    return f->language == BOTH || (f->language == JSONPATH) == (language == QUERY_JSONPATH);
}

/* The nearest name of a field that could stand here. */
static const char *suggest(const struct shape *shape, const char *word) {
    const char *names[SHAPE_MAX + 64];
    size_t count = 0;
    for (size_t i = 0; i < shape->row_count; i++)
        if (fits_language(&shape->rows[i], shape->where.language))
            names[count++] = shape->rows[i].name;
    if ((shape->where.owner == OWNER_RULE || shape->where.owner == OWNER_NESTED_RULE) &&
        shape->where.language == QUERY_JSONPATH) {
#define CHOICE(id, text, type, path)                                                                              \
    names[count++] = text;                                                                                        \
    if (path)                                                                                                     \
        names[count++] = text "Path";
#include "aslc/choice.def"
#undef CHOICE
    }
    const char *near = diag_nearest(word, names, count);
    size_t size = strlen(word);
    if (near || size < 4)
        return near;
    for (size_t i = 0; i < count; i++) { /* "Input" for "InputPath", "Cause.$" for "CausePath" */
        size_t stem = size > 2 && strcmp(word + size - 2, ".$") == 0 ? size - 2 : size;
        if (strncmp(names[i], word, stem) == 0 && strcmp(names[i] + stem, "Path") == 0)
            return names[i];
    }
    return NULL;
}

/* Where else a field of this name may stand: "Task, Parallel"; NULL when nowhere. */
static const char *allowed_in(struct parser *p, asl_str name) {
    const char *list = NULL;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (fields[i].size == name.size && memcmp(fields[i].name, name.data, name.size) == 0)
            list = list ? arena_format(p->arena, "%s, %s", list, owner_names[fields[i].owner]) : owner_names[fields[i].owner];
    return list;
}

static const char *not_allowed_help(enum owner owner, asl_str name) {
    if (owner == OWNER_CHOICE && (asl_str_equal(name, ASL_STR("Next")) || asl_str_equal(name, ASL_STR("End"))))
        return "a Choice state goes on by the Next of its rules, or by Default";
    if (owner == OWNER_CHOICE || owner == OWNER_WAIT || owner == OWNER_SUCCEED)
        if (asl_str_equal(name, ASL_STR("Parameters")) || asl_str_equal(name, ASL_STR("ResultPath")) ||
            asl_str_equal(name, ASL_STR("Result")) || asl_str_equal(name, ASL_STR("ResultSelector")))
            return "put a Pass state before it";
    if (asl_str_equal(name, ASL_STR("QueryLanguage")))
        return "set it on the states inside, or at the top level";
    return NULL;
}

static size_t row_of(const struct shape *shape, const char *field) {
    for (size_t i = 0; i < shape->row_count; i++)
        if (strcmp(shape->rows[i].name, field) == 0)
            return i;
    return SHAPE_MAX;
}

static void report_unexpected(struct parser *p, struct shape *shape, const asl_doc *m) {
    const struct where *w = &shape->where;
    if (w->owner == OWNER_NESTED_RULE && (asl_str_equal(m->key, ASL_STR("Next")) || asl_str_equal(m->key, ASL_STR("Assign")))) {
        struct diag_message *e = diag_error(p->diag, DIAG_NESTED_NEXT, m, m->key_span,
                                            "\"%s\" must stand in the rule itself, not inside And, Or or Not", m->key.data);
        diag_help(p->diag, e, "move it up to %s[%zu]", w->field, w->index);
        return;
    }
    const char *elsewhere = allowed_in(p, m->key);
    struct diag_message *e;
    if (elsewhere || is_operator(m->key)) {
        e = diag_error(p->diag, DIAG_FIELD_NOT_ALLOWED, m, m->key_span, "%s cannot have \"%s\"", kind_text(p, w), m->key.data);
        diag_note(p->diag, e, (asl_span){0, 0}, "allowed in %s", elsewhere ? elsewhere : "the rules of a Choice state");
        const char *help = not_allowed_help(w->owner, m->key);
        if (help)
            diag_help(p->diag, e, "%s", help);
        return;
    }
    e = diag_error(p->diag, DIAG_UNKNOWN_FIELD, m, m->key_span, "unknown field \"%.80s\" in %s", m->key.data, where_text(p, w));
    const char *near = suggest(shape, m->key.data);
    if (near && row_of(shape, near) < SHAPE_MAX)
        shape->meant[row_of(shape, near)] = true;
    if (near && strcmp(near, "InputPath") == 0 && w->owner == OWNER_PASS && strcmp(m->key.data, "Input") == 0)
        diag_help(p->diag, e, "did you mean \"InputPath\" or \"Result\"?");
    else if (near)
        diag_help(p->diag, e, "did you mean \"%s\"?", near);
}

static void report_other_language(struct parser *p, const struct shape *shape, const struct field *f, const asl_doc *m) {
    static const struct { const char *name, *help; } ways[] = {
        {"Parameters", "rename it to \"Arguments\" (in a Pass state \"Output\") and turn \"x.$\": \"$.y\" into "
                       "\"x\": \"{% $states.input.y %}\""},
        {"ResultPath", "use \"Output\""}, {"ResultSelector", "use \"Output\""}, {"OutputPath", "use \"Output\""},
        {"Result", "use \"Output\""}, {"InputPath", "use $states.input in the expressions"}, {"ItemsPath", "use \"Items\""},
        {"Variable", "use \"Condition\""}, {"And", "use \"Condition\""}, {"Or", "use \"Condition\""}, {"Not", "use \"Condition\""},
    };
    bool wants_jsonata = f->language == JSONATA;
    struct diag_message *e = diag_error(p->diag, DIAG_OTHER_QUERY_LANGUAGE, m, m->key_span, "\"%s\" is a %s field, %s is %s",
                                        f->name, wants_jsonata ? "JSONata" : "JSONPath",
                                        shape->where.owner == OWNER_MACHINE ? "the machine" : "this state",
                                        wants_jsonata ? "JSONPath" : "JSONata");
    if (wants_jsonata) {
        diag_help(p->diag, e, "set \"QueryLanguage\": \"JSONata\" on this state");
        return;
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(ways[i].name, f->name) == 0)
            diag_help(p->diag, e, "%s", ways[i].help);
    if (f->size > 4 && strcmp(f->name + f->size - 4, "Path") == 0 && !e->help)
        diag_help(p->diag, e, "use \"%.*s\" with an expression", (int)f->size - 4, f->name);
}

// ---------------------------------------------------------------- values

static bool one_of(struct parser *p, const struct field *f, const struct type_rule *t, const asl_doc *m) {
    size_t count = 0;
    while (count < sizeof t->values / sizeof *t->values && t->values[count])
        count++;
    for (size_t i = 0; i < count; i++)
        if (asl_str_equal(m->text, asl_str_z(t->values[i])))
            return true;
    if (count == 0)
        return true;
    struct diag_message *e =
        diag_error(p->diag, DIAG_BAD_ENUM, m, m->span, "%s cannot be \"%.60s\"", f->name, m->text.data);
    const char *near = diag_nearest(m->text.data, t->values, count);
    const char *list = NULL;
    for (size_t i = 0; i < count; i++)
        list = list ? arena_format(p->arena, "%s, %s", list, t->values[i]) : t->values[i];
    if (near)
        diag_help(p->diag, e, "did you mean \"%s\"?", near);
    else
        diag_help(p->diag, e, count == 1 ? "it must be %s" : "one of %s", list);
    return false;
}

static bool in_range(struct parser *p, const struct field *f, const struct type_rule *t, const asl_doc *m) {
    int64_t integer;
    if (t->integer && !doc_integer(m, &integer)) {
        double value = strtod(m->text.data, NULL);
        if (fabs(value) < 1e15) {
            diag_error(p->diag, DIAG_WRONG_TYPE, m, m->span, "%s must be an integer, found %s", f->name, m->text.data);
            return false;
        }
    }
    double value = strtod(m->text.data, NULL);
    if (value >= t->least && value <= t->most)
        return true;
    if (value < t->least)
        diag_error(p->diag, DIAG_OUT_OF_RANGE, m, m->span, "%s is %.40s, must be at least %s", f->name, m->text.data,
                   t->integer ? arena_format(p->arena, "%.0f", t->least) : arena_format(p->arena, "%.1f", t->least));
    else
        diag_error(p->diag, DIAG_OUT_OF_RANGE, m, m->span, "%s is %.40s, must be at most %.0f", f->name, m->text.data, t->most);
    return false;
}

static bool strings_only(struct parser *p, const struct field *f, const asl_doc *m) {
    bool fine = true;
    for (const asl_doc *item = m->first; item; item = item->next) {
        if (item->kind == ASL_DOC_STRING || item->broken)
            continue;
        diag_error(p->diag, DIAG_WRONG_TYPE, item, item->span, "%s must hold strings, found %s", f->name, doc_text(p, item));
        fine = false;
    }
    return fine;
}

/* The value of a member against the type of its row. */
static bool value_fits(struct parser *p, const struct shape *shape, const struct field *f, const asl_doc *m) {
    const struct type_rule *t = &types[f->type];
    if (m->broken && m->kind == ASL_DOC_NULL)
        return false; /* could not be read, and that was said */
    bool jsonata = shape->where.language == QUERY_JSONATA;
    if (t->kinds & 1u << m->kind) {
        if (m->kind == ASL_DOC_NUMBER && (t->least < t->most))
            return in_range(p, f, t, m);
        if (m->kind == ASL_DOC_STRING && t->values[0] && !has_placeholder(p, m))
            return one_of(p, f, t, m);
        if (f->type == TYPE_STRINGS)
            return strings_only(p, f, m);
        return true;
    }
    if (f->owner == OWNER_TASK && strcmp(f->name, "Resource") == 0 && is_template_function(m))
        return false; /* said by parse_task */
    if (m->kind == ASL_DOC_STRING) {
        if (t->expression && jsonata && is_jsonata(m->text))
            return true;
        /* "TimeoutSeconds": "${t}": the one warning about ${t} is enough, and the field counts as absent. */
        if (t->kinds & (N | B) && f->type != TYPE_TRUTH && has_placeholder(p, m))
            return false;
    }
    struct diag_message *e = diag_error(p->diag, DIAG_WRONG_TYPE, m, m->span, "%s must be %s, found %s", f->name,
                                        t->expression && jsonata && !strstr(t->wanted, "{%")
                                            ? arena_format(p->arena, "%s or a JSONata expression {%% ... %%}", t->wanted)
                                            : t->wanted,
                                        doc_text(p, m));
    if (strcmp(f->name, "ErrorEquals") == 0) {
        diag_help(p->diag, e, m->kind == ASL_DOC_STRING && m->text.size < 60 ? "write [\"%s\"]" : "write [\"States.ALL\"]",
                  m->kind == ASL_DOC_STRING ? m->text.data : "");
    } else if (has_placeholder(p, m)) {
        diag_help(p->diag, e, "fill the placeholder with -D NAME=VALUE");
    } else if (m->kind == ASL_DOC_STRING && is_jsonata(m->text) && t->expression) {
        diag_help(p->diag, e, "set \"QueryLanguage\": \"JSONata\" on this state");
    } else if (m->kind == ASL_DOC_STRING && t->kinds == N && m->text.size > 1 && m->text.data[0] == '$') {
        diag_help(p->diag, e, "use \"%sPath\" for a path", f->name);
    } else if (m->kind == ASL_DOC_STRING && m->text.size && m->text.size < 20 &&
               (t->kinds == N || t->kinds == B) && strspn(m->text.data, "0123456789.") == m->text.size) {
        diag_help(p->diag, e, "write %s without quotes", m->text.data);
    } else if (m->kind == ASL_DOC_STRING && t->kinds == B &&
               (asl_str_equal(m->text, ASL_STR("true")) || asl_str_equal(m->text, ASL_STR("false")))) {
        diag_help(p->diag, e, "write %s without quotes", m->text.data);
    } else if (t->help) {
        diag_help(p->diag, e, "%s", t->help);
    }
    return false;
}

// ---------------------------------------------------------------- the check

void shape_missing(struct parser *p, const struct shape *shape, const char *what) {
    if (shape->node->broken)
        return;
    const struct where *w = &shape->where;
    struct diag_message *e = diag_error(p->diag, DIAG_MISSING_FIELD, shape->node, where_span(shape->node), "%s has no %s",
                                        where_text(p, w), what);
    const char *needs = NULL;
    for (size_t i = 0; i < shape->row_count; i++)
        if (shape->rows[i].needed && fits_language(&shape->rows[i], w->language) && shape->rows[i].type != TYPE_STATE_TYPE)
            needs = needs ? arena_format(p->arena, "%s, %s", needs, shape->rows[i].name) : shape->rows[i].name;
    if (is_state(w->owner) && needs && w->owner != OWNER_CHOICE)
        diag_note(p->diag, e, (asl_span){0, 0}, "%s requires %s and one of Next, End", state_kind_names[w->owner], needs);
}

static const struct field *rows_of(enum owner owner, size_t *count) {
    size_t first = 0;
    while (first < FIELD_COUNT && fields[first].owner != owner)
        first++;
    size_t end = first;
    while (end < FIELD_COUNT && fields[end].owner == owner)
        end++;
    *count = end - first;
    return fields + first;
}

void shape_check(struct parser *p, struct shape *shape, struct where where, asl_doc *node) {
    *shape = (struct shape){.where = where, .node = node};
    shape->rows = rows_of(where.owner, &shape->row_count);
    for (asl_doc *m = node->first; m; m = m->next) {
        const struct field *f = find_row(shape->rows, shape->row_count, m->key);
        bool rule = where.owner == OWNER_RULE || where.owner == OWNER_NESTED_RULE;
        if (m->duplicate_of)
            continue; /* reported for the whole document at once */
        if (!f && rule && is_operator(m->key)) {
            if (where.language == QUERY_JSONATA)
                report_other_language(p, shape, &(struct field){.name = m->key.data, .size = m->key.size, .language = JSONPATH}, m);
        } else if (!f) {
            report_unexpected(p, shape, m);
            shape->strange++;
        } else if (!fits_language(f, where.language)) {
            report_other_language(p, shape, f, m);
            shape->given[f - shape->rows] = m; /* its counterpart is then not said to be missing */
        } else {
            shape->given[f - shape->rows] = m;
            shape->fits[f - shape->rows] = value_fits(p, shape, f, m);
        }
    }
    for (size_t i = 0; i < shape->row_count; i++)
        if (shape->rows[i].needed && !shape->given[i] && !shape->meant[i] && fits_language(&shape->rows[i], where.language))
            shape_missing(p, shape, shape->rows[i].name);
}

asl_doc *shape_given(const struct shape *shape, const char *field) {
    size_t row = row_of(shape, field);
    return row < SHAPE_MAX ? shape->given[row] : NULL;
}

bool shape_meant(const struct shape *shape, const char *field) {
    size_t row = row_of(shape, field);
    return row < SHAPE_MAX && shape->meant[row];
}

asl_doc *shape_get(const struct shape *shape, const char *field) {
    size_t row = row_of(shape, field);
    return row < SHAPE_MAX && shape->fits[row] ? shape->given[row] : NULL;
}

size_t shape_exclusive(struct parser *p, const struct shape *shape, const char *const *names) {
    const asl_doc *first = NULL;
    size_t count = 0;
    for (; *names; names++) {
        const asl_doc *m = shape_given(shape, *names);
        count += m || shape_meant(shape, *names);
        if (!m)
            continue;
        if (!first) {
            first = m;
            continue;
        }
        const asl_doc *later = m->key_span.start > first->key_span.start ? m : first;
        const asl_doc *earlier = later == m ? first : m;
        struct diag_message *e = diag_error(p->diag, DIAG_EXCLUSIVE, later, later->key_span,
                                            "\"%s\" and \"%s\" cannot both be given", earlier->key.data, later->key.data);
        diag_help(p->diag, e, "remove one");
        diag_note(p->diag, e, earlier->key_span, "\"%s\" is given here", earlier->key.data);
    }
    return count;
}
