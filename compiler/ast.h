// The checked AST: a typed struct for every kind of state. Built by parse.c from the document tree under the table of
// fields (fields.def), checked by check.c, lowered by lower/. Lives in the compiler's arena; spans point through the
// doc nodes. A field that is absent, or was wrong and has been reported, is NULL / 0.
#ifndef ASLC_AST_H
#define ASLC_AST_H

#include "arena.h"
#include "aslc/doc.h"
#include "aslc/path.h"
#include "aslc/program.h"
#include "names.h"

/* ORDER state kinds */
enum state_kind { STATE_TASK, STATE_PASS, STATE_CHOICE, STATE_WAIT, STATE_SUCCEED, STATE_FAIL, STATE_PARALLEL, STATE_MAP };
extern const char *const state_kind_names[]; /* "Task", … */

enum query_language { QUERY_JSONPATH, QUERY_JSONATA };

// ---------------------------------------------------------------- expressions

enum expr_kind {
    EXPR_LITERAL, /* any JSON, no expression inside */
    EXPR_PATH,    /* $…, $$…, $name… */
    EXPR_CALL,    /* an intrinsic function */
    EXPR_OBJECT,  /* of a payload template or JSONata field, with at least one expression somewhere below */
    EXPR_ARRAY,
    EXPR_JSONATA, /* {% … %} */
};

struct expr;
struct jsonata_node; /* jsonata/tree.h */

struct expr_field {
    const char *key;    /* result key: without .$ */
    bool dynamic;       /* was written key.$ */
    struct expr *value;
};

struct expr {
    enum expr_kind kind;
    asl_doc *node;     /* where it stands */
    asl_span span;     /* of exactly this part, in the expanded text */
    const char *field; /* as error texts name it; PATH, CALL in a template: "x.$"; JSONATA: "Output/a[0]" */
    union {
        asl_str json;  /* LITERAL: compact JSON text */
        asl_path *path; /* PATH; freed with the unit */
        struct {
            asl_intrinsic function;
            asl_str source; /* text of the outermost call, for error texts */
            struct expr **args;
            size_t count;
        } call;
        struct {
            struct expr_field *fields;
            size_t count;
        } object;
        struct {
            struct expr **items;
            size_t count;
        } array;
        struct {
            asl_str source;  /* between the marks, without the blanks round it */
            uint32_t offset; /* of source in node->text */
            const struct jsonata_node *tree;  /* NULL when only a placeholder's value would make it an expression */
            const char *placeholder; /* not NULL: the unfilled "${x}" in its code, which leaves its meaning open */
        } jsonata;
    } u;
};

/* A path field that may also be null. */
enum path_presence { PATH_ABSENT, PATH_NULL, PATH_GIVEN };
struct ast_path {
    enum path_presence presence;
    struct expr *expr; /* GIVEN: EXPR_PATH (ErrorPath, CausePath: also EXPR_CALL); NULL when it was wrong */
};

// ---------------------------------------------------------------- machines and states

struct ast_state;

struct ast_machine {
    asl_doc *node;
    struct ast_machine *parent; /* NULL: the top level */
    struct ast_state *owner;    /* the Parallel or Map it is in */
    size_t branch;              /* its number in a Parallel */
    struct ast_state **states;  /* in document order */
    size_t count;
    struct ast_state *start;    /* NULL when wrong */
    VEC(const char *) variables; /* names assigned by the states of this scope, each once */
    /* top level only */
    enum query_language language;
    int64_t timeout_seconds;    /* 0: none */
    /* ItemProcessor only */
    bool distributed;
    bool express;               /* ProcessorConfig.ExecutionType */
};

struct ast_retrier {
    asl_doc *node;
    const char **errors;
    size_t error_count;
    int64_t interval_seconds; /* 1 */
    int64_t max_attempts;     /* 3 */
    double backoff_rate;      /* 2.0 */
    int64_t max_delay_seconds; /* 0: none */
    bool jitter;
};

struct ast_assign { /* one variable of an Assign object, in order */
    const char *name;
    struct expr *value;
};
struct ast_assigns {
    asl_doc *node; /* NULL: no Assign */
    struct ast_assign *items;
    size_t count;
};

struct ast_catcher {
    asl_doc *node;
    const char **errors;
    size_t error_count;
    struct ast_state *next;
    struct ast_path result_path;
    struct expr *output;      /* JSONata; NULL: the Error Output */
    struct ast_assigns assign;
};

enum rule_kind { RULE_TEST, RULE_AND, RULE_OR, RULE_NOT, RULE_CONDITION };
struct ast_rule {
    enum rule_kind kind;
    asl_doc *node;
    struct ast_rule **children; /* AND, OR, NOT */
    size_t count;
    asl_choice op;              /* TEST */
    struct expr *variable;      /* TEST: EXPR_PATH */
    struct expr *operand;       /* TEST: EXPR_LITERAL, or EXPR_PATH of a …Path operator */
    struct expr *condition;     /* CONDITION: EXPR_LITERAL or EXPR_JSONATA; NULL when it was wrong */
    struct expr *output;        /* JSONata, top-level rules; NULL: the state's input */
    struct ast_state *next;     /* top-level rules */
    struct ast_assigns assign;
};

struct ast_number { /* X or XPath: at most one is given */
    bool given;
    double value;       /* when expr is NULL */
    struct expr *expr;  /* EXPR_PATH, EXPR_JSONATA */
};

struct ast_state {
    enum state_kind kind;
    const char *name;
    size_t name_size;
    asl_doc *node; /* the state object; its key is the name */
    struct ast_machine *machine;
    enum query_language language;
    struct ast_state *next; /* NULL with end set, or for Choice, Succeed, Fail */
    bool end;
    bool reached;           /* from StartAt, set by check.c */
    bool broken;            /* where it leads is not known, which was reported: what follows from that stays unsaid */
    uint32_t number, block; /* lower/'s own: the plan's state number, and its machine's block */
    struct ast_path input_path, output_path, result_path;
    struct expr *parameters;      /* Task, Parallel: also Arguments; Pass; Map: ItemSelector or Parameters */
    struct expr *result_selector;
    struct expr *output;          /* JSONata; NULL: what the state hands on by itself */
    struct ast_assigns assign;
    struct ast_retrier *retriers;
    size_t retrier_count;
    struct ast_catcher *catchers;
    size_t catcher_count;
    union {
        struct {
            const char *resource;
            struct ast_number timeout, heartbeat;
            struct expr *role; /* Credentials.RoleArn, or NULL */
        } task;
        struct {
            struct expr *result; /* EXPR_LITERAL, or NULL */
        } pass;
        struct {
            struct ast_rule **rules;
            size_t count;
            struct ast_state *otherwise; /* Default, or NULL */
        } choice;
        struct {
            struct ast_number seconds;
            struct expr *timestamp; /* EXPR_LITERAL, EXPR_PATH or EXPR_JSONATA, or NULL */
        } wait;
        struct {
            struct expr *error, *cause; /* EXPR_LITERAL, EXPR_PATH, EXPR_CALL, EXPR_JSONATA, or NULL */
        } fail;
        struct {
            struct ast_machine **branches;
            size_t count;
        } parallel;
        struct {
            struct ast_machine *processor;
            struct ast_path items_path;
            struct expr *items;   /* JSONata; NULL: the state's input */
            struct ast_number max_concurrency, tolerated_count, tolerated_percentage;
            const char *label;
        } map;
    } u;
};

/* A place that names a state; check.c fills *to. */
struct ast_reference {
    struct ast_machine *machine; /* whose states it may name */
    struct ast_state *from;      /* NULL: StartAt */
    asl_doc *node;               /* the name */
    struct ast_state **to;
};

/* An expression, and the state whose variables it sees. */
struct ast_use {
    struct ast_state *state;
    struct expr *expr;
};

struct ast { /* one definition */
    struct ast_machine *root;
    const char *name;  /* of the state machine: from the file's name */
    bool express;
    struct ast_state **all; /* every state at every level, in document order */
    size_t all_count;
    bool later_feature; /* uses something this version does not compile yet; each use has been reported */
    VEC(struct ast_reference) references;
    VEC(struct ast_use) uses;
    struct names variables; /* (machine, name) for every name that is assigned; the value is the place */
    VEC(const char *) shadowing; /* assigned names that hide a function of JSONata; set by check.c */
};

struct diag;
struct source;

/* parse.c: the whole front end, from an expanded source to a checked AST that lives as long as the arena. Unlike the
   two phases alone it tells the kinds of syntax errors apart, and refuses YAML and templates of other tools by name. */
struct ast *ast_read(struct arena *a, struct diag *d, const struct source *s, bool express);

/* parse.c: shape. Reports through d; NULL when there is no machine at all. */
struct ast *ast_parse(struct arena *a, struct diag *d, asl_doc *root, bool express);
/* check.c: meaning. Reports through d. */
void ast_check(struct arena *a, struct diag *d, struct ast *ast);

/* check_variables.c: the variables that each state's fields read, as JSON: {"State": ["a", "b"]}, names sorted, states that
   read none left out. */
void ast_references(struct arena *a, const struct ast *ast, asl_buffer *out);

/* query/template.c: a payload template; field paths in messages name the `.$` key. NULL after reporting. */
struct expr *template_parse(struct arena *a, struct diag *d, asl_doc *node);
/* query/intrinsic.c: the value of a `.$` key, or of ErrorPath/CausePath: a path or an intrinsic call. field is the key
   as error texts name it. NULL after reporting. */
struct expr *query_parse(struct arena *a, struct diag *d, asl_doc *node, const char *field);
/* A plain path (no intrinsic). reference: only Reference Paths are allowed. */
struct expr *query_parse_path(struct arena *a, struct diag *d, asl_doc *node, const char *field, bool reference);

#endif
