// Paths, intrinsic calls and payload templates of a definition: the expressions they become, and what is said about slips.
#include "ast.h"
#include "diag.h"
#include "test.h"

struct unit {
    struct arena *arena;
    struct source *source;
    struct diag diag;
    asl_doc_tree *tree;
};

static void no_report(void *user, asl_span where, const char *message, const char *help) {
    (void)user, (void)help;
    TEST_FAIL("at %u: %s", where.start, message);
}

static struct unit unit_new(const char *text) {
    struct unit u = {.arena = arena_new()};
    u.source = source_from_text(u.arena, "test.json", asl_str_z(text));
    source_expand(u.source, NULL, 0);
    diag_init(&u.diag, u.arena, u.source, false);
    size_t errors;
    u.tree = asl_doc_read(u.source->text, no_report, no_report, NULL, &errors);
    return u;
}

static void unit_free(struct unit *u) {
    asl_doc_free(u->tree);
    arena_free(u->arena);
}

// ---------------------------------------------------------------- expressions as text

static void print(const struct expr *e, asl_buffer *out) {
    static const char *const names[] = {
#define INTRINSIC(id, name, min, max, result) name,
#include "aslc/intrinsics.def"
#undef INTRINSIC
    };
    if (!e) {
        asl_buffer_z(out, "(wrong)");
        return;
    }
    switch (e->kind) {
    case EXPR_LITERAL: asl_buffer_str(out, e->u.json); break;
    case EXPR_PATH:
        asl_buffer_byte(out, '<');
        asl_buffer_str(out, asl_path_text(e->u.path));
        asl_buffer_byte(out, '>');
        break;
    case EXPR_CALL:
        asl_buffer_format(out, "%s(", names[e->u.call.function]);
        for (size_t i = 0; i < e->u.call.count; i++) {
            if (i) asl_buffer_z(out, ", ");
            print(e->u.call.args[i], out);
        }
        asl_buffer_byte(out, ')');
        break;
    case EXPR_JSONATA: break; /* not of these parsers */
    case EXPR_OBJECT:
        for (size_t i = 0; i < e->u.object.count; i++) {
            const struct expr_field *f = &e->u.object.fields[i];
            asl_buffer_format(out, "%c %s%s: ", i ? ',' : '{', f->key, f->dynamic ? "*" : "");
            print(f->value, out);
        }
        asl_buffer_z(out, " }");
        break;
    case EXPR_ARRAY:
        for (size_t i = 0; i < e->u.array.count; i++) {
            asl_buffer_byte(out, i ? ',' : '[');
            asl_buffer_byte(out, ' ');
            print(e->u.array.items[i], out);
        }
        asl_buffer_z(out, " ]");
        break;
    }
}

// "7-9 error: text | help" for each message: the bytes of the source it points at.
static void print_messages(const struct diag *d, asl_buffer *out) {
    for (size_t i = 0; i < d->messages.count; i++) {
        const struct diag_message *m = &d->messages.items[i];
        asl_buffer_format(out, "%s%u-%u %s: %s", out->size ? "\n" : "", m->span.start, m->span.end,
                          m->severity == DIAG_ERROR ? "error" : "warning", m->text);
        if (m->help) asl_buffer_format(out, " | %s", m->help);
    }
}

static void check(const char *json, struct expr *(*parse)(struct unit *u, asl_doc *root), const char *wanted, const char *messages) {
    struct unit u = unit_new(json);
    struct expr *e = parse(&u, asl_doc_root(u.tree));
    asl_buffer text = {0}, said = {0};
    print(e, &text);
    print_messages(&u.diag, &said);
    if (strcmp(text.data, wanted) != 0) TEST_FAIL("%s is %s\n  not %s", json, text.data, wanted);
    if (strcmp(said.size ? said.data : "", messages) != 0)
        TEST_FAIL("%s:\n%s\n  not\n%s", json, said.size ? said.data : "", messages);
    asl_buffer_free(&text);
    asl_buffer_free(&said);
    unit_free(&u);
}

static struct expr *as_template(struct unit *u, asl_doc *root) { return template_parse(u->arena, &u->diag, root); }
static struct expr *as_query(struct unit *u, asl_doc *root) { return query_parse(u->arena, &u->diag, root, "x.$"); }
static struct expr *as_error_path(struct unit *u, asl_doc *root) { return query_parse(u->arena, &u->diag, root, "ErrorPath"); }
static struct expr *as_path(struct unit *u, asl_doc *root) { return query_parse_path(u->arena, &u->diag, root, "InputPath", false); }
static struct expr *as_reference(struct unit *u, asl_doc *root) { return query_parse_path(u->arena, &u->diag, root, "ItemsPath", true); }

// ---------------------------------------------------------------- templates

TEST(templates) {
    static const struct {
        const char *json, *expr, *messages;
    } table[] = {
        {"{}", "{}", ""},
        {"5", "5", ""},
        {"{\"a\": [1, {\"b\": 1.50}], \"c\": null}", "{\"a\":[1,{\"b\":1.50}],\"c\":null}", ""},
        {"{\"z\": 1, \"a.$\": \"$.x\", \"b\": [1, 2]}", "{ z: 1, a*: <$.x>, b: [1,2] }", ""},
        {"{\"a\": {\"b\": {\"c.$\": \"$$.Execution.Id\"}, \"d\": {}}}", "{ a: { b: { c*: <$$.Execution.Id> }, d: {} } }", ""},
        {"[1, {\"a.$\": \"$\"}, []]", "[ 1, { a*: <$> }, [] ]", ""},
        {"{\".$\": \"$.x\"}", "{ *: <$.x> }", ""},
        {"{\"a.$\": \"$v.x\", \"b.$\": \"States.UUID()\"}", "{ a*: <$v.x>, b*: UUID() }", ""},
        {"{\"a.$\": \"${Path}\"}", "{ a*: \"${Path}\" }", ""},
        {"{\"a.$\": 5}", "(wrong)",
         "8-9 error: \"a.$\" must be a path (\"$…\", \"$$…\") or an intrinsic call (States.…), found number 5 | drop \".$\" for a literal"},
        {"{\"a.$\": [1], \"b.$\": \"x\"}", "(wrong)",
         "8-11 error: \"a.$\" must be a path (\"$…\", \"$$…\") or an intrinsic call (States.…), found an array | drop \".$\" for a literal\n"
         "21-22 error: \"b.$\" must be a path (\"$…\", \"$$…\") or an intrinsic call (States.…), found the string \"x\" | drop \".$\" for a literal"},
        {"{\"a\": 1, \"a.$\": \"$.x\"}", "(wrong)", "9-14 error: \"a.$\" and \"a\" are the same field"},
        {"{\"id\": \"$.id\"}", "{\"id\":\"$.id\"}", "7-13 warning: this is a plain text, not a path | to evaluate it, write \"id.$\""},
        {"\"$.foo\"", "\"$.foo\"",
         "0-7 warning: this is a plain text, not a path | only the keys of an object that end in \".$\" are evaluated; InputPath hands on "
         "a whole value"},
        {"[\"$.foo\"]", "[\"$.foo\"]",
         "1-8 warning: this is a plain text, not a path | elements of an array are not evaluated; use \"….$\": \"States.Array(…)\""},
        {"{\"id\": \"States.UUID()\", \"d\": \"$\", \"e\": \"$$\", \"f\": \"$var\", \"g\": \"$.not a path\", \"h\": \"$5.00\"}",
         "{\"id\":\"States.UUID()\",\"d\":\"$\",\"e\":\"$$\",\"f\":\"$var\",\"g\":\"$.not a path\",\"h\":\"$5.00\"}",
         "7-22 warning: this is a plain text, not an intrinsic call | to evaluate it, write \"id.$\""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check(table[i].json, as_template, table[i].expr, table[i].messages);
}

TEST(fields_are_named) {
    struct unit u = unit_new("{\"a\": {\"value.$\": \"$.x\", \"f.$\": \"States.Format('{}', States.JsonToString($.y)) \"}}");
    struct expr *e = template_parse(u.arena, &u.diag, asl_doc_root(u.tree));
    CHECK_OR_END(e && e->kind == EXPR_OBJECT);
    struct expr *inner = e->u.object.fields[0].value;
    CHECK_STR(inner->u.object.fields[0].value->field, "value.$");
    struct expr *call = inner->u.object.fields[1].value;
    CHECK_STR(call->field, "f.$");
    CHECK_STR(call->u.call.source, "States.Format('{}', States.JsonToString($.y))");
    CHECK_STR(call->u.call.args[1]->u.call.source, "States.Format('{}', States.JsonToString($.y))");
    CHECK_EQ(call->u.call.args[1]->span.start, 53);
    CHECK_EQ(call->u.call.args[1]->span.end, 77);
    unit_free(&u);
}

// ---------------------------------------------------------------- calls

TEST(calls) {
    static const struct {
        const char *json, *expr;
    } table[] = {
        {"\"States.Array()\"", "Array()"},
        {"\"States.Array( 1 , -2.5e3,'a', true, false,null, $.x , $$.a, $v )\"", "Array(1, -2.5e3, \"a\", true, false, null, <$.x>, <$$.a>, <$v>)"},
        {"\"States.UUID()  \"", "UUID()"},
        {"\"States.StringSplit('Hello\\nWorld', '\\n')\"", "StringSplit(\"Hello\\nWorld\", \"\\n\")"},
        {"\"States.StringToJson('{\\\"a\\\": \\\"b\\\"}')\"", "StringToJson(\"{\\\"a\\\": \\\"b\\\"}\")"},
        {"\"States.StringToJson('\\\\{it\\\\'s \\\\\\\\\\\\}')\"", "StringToJson(\"{it's \\\\}\")"},
        {"\"States.Format('\\\\{\\\\} it\\\\'s {}', 1)\"", "Format(\"\\\\{\\\\} it\\\\'s {}\", 1)"}, // escapes are the function's
        {"\"States.Format($.template, 'it\\\\'s')\"", "Format(<$.template>, \"it's\")"},
        {"\"States.ArrayGetItem(States.StringSplit($$.StateMachine.Name,'-'), States.MathAdd(States.ArrayLength($.a),-1))\"",
         "ArrayGetItem(StringSplit(<$$.StateMachine.Name>, \"-\"), MathAdd(ArrayLength(<$.a>), -1))"},
        {"\"States.ArrayGetItem($.a[?(@.k == FizzBuzz && @.c in ['x,y', ')'])].v, 0)\"",
         "ArrayGetItem(<$.a[?(@.k == FizzBuzz && @.c in ['x,y', ')'])].v>, 0)"},
        {"\"States.Array($.a[?(@.k =~ /[,)]+/)], $.b['c, d)'], $.e-f, $.g.length())\"",
         "Array(<$.a[?(@.k =~ /[,)]+/)]>, <$.b['c, d)']>, <$.e-f>, <$.g.length()>)"},
        {"\"States.Format('${a}/{}', $.b)\"", "Format(\"${a}/{}\", <$.b>)"},
        {"\"States.Format('x = \\\\'${Name}\\\\' and {}', $.b)\"", "Format(\"x = \\\\'${Name}\\\\' and {}\", <$.b>)"},
        {"\"States.MathAdd($.a, ${n})\"", "MathAdd(<$.a>, \"${n}\")"},
        {"\"States.ArrayLength(${List})\"", "ArrayLength(\"${List}\")"},
        {"\"States.Array($.${Name.Of}.x, $.a[${n}])\"", "Array(<$.${Name.Of}.x>, <$.a[${n}]>)"},
        {"\"$.a[?(@.k=='${x}')].v\"", "<$.a[?(@.k=='${x}')].v>"},
        {"\" $.a \"", "<$.a>"},
        {"\"${Whole.Path}\"", "\"${Whole.Path}\""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) check(table[i].json, as_query, table[i].expr, "");
}

TEST(nesting) {
    char text[400];
    for (int depth = 10; depth <= 11; depth++) {
        size_t n = (size_t)sprintf(text, "\"");
        for (int i = 0; i < depth; i++) n += (size_t)sprintf(text + n, "States.Array(");
        for (int i = 0; i < depth; i++) text[n++] = ')';
        strcpy(text + n, "\"");
        struct unit u = unit_new(text);
        CHECK_EQ(query_parse(u.arena, &u.diag, asl_doc_root(u.tree), "x.$") != NULL, depth == 10);
        CHECK_EQ(u.diag.errors, depth == 10 ? 0 : 1);
        unit_free(&u);
    }
    // calls side by side are no nesting
    size_t n = (size_t)sprintf(text, "\"States.Array(");
    for (int i = 0; i < 20; i++) n += (size_t)sprintf(text + n, "%sStates.UUID()", i ? "," : "");
    strcpy(text + n, ")\"");
    struct unit u = unit_new(text);
    CHECK(query_parse(u.arena, &u.diag, asl_doc_root(u.tree), "x.$") != NULL);
    unit_free(&u);
}

TEST(slips_in_calls) {
    static const char functions[] =
        " | the functions are States.Array, ArrayPartition, ArrayContains, ArrayRange, ArrayGetItem, ArrayLength, ArrayUnique, "
        "Base64Encode, Base64Decode, Hash, JsonMerge, StringToJson, JsonToString, MathRandom, MathAdd, StringSplit, UUID and Format";
    static const struct {
        const char *json, *message;
        bool lists;
    } table[] = {
        {"\"\"", "1-2 error: \"x.$\" must be a path (\"$…\", \"$$…\") or an intrinsic call (States.…), found an empty string | drop \".$\" for a literal", false},
        {"\"prod-v1\"", "1-8 error: \"x.$\" must be a path (\"$…\", \"$$…\") or an intrinsic call (States.…), found the string \"prod-v1\" | drop \".$\" for a literal", false},
        {"\"{% $x %}\"", "1-9 error: \"x.$\" must be a path (\"$…\", \"$$…\") or an intrinsic call (States.…), found the string \"{% $x %}\" | for JSONata set \"QueryLanguage\": \"JSONata\" on this state", false},
        {"\"  States.UUID()\"", "1-3 error: blanks before an intrinsic call are not allowed | remove them", false},
        {"\"States.Fromat('x')\"", "1-14 error: there is no intrinsic function States.Fromat | did you mean \"States.Format\"?", false},
        {"\"JsonToString($)\"", "1-13 error: there is no intrinsic function JsonToString | did you mean \"States.JsonToString\"?", false},
        {"\"States.Default($.a, 10)\"", "1-15 error: there is no intrinsic function States.Default", true},
        {"\"States. \"", "1-8 error: expected a function's name after \"States.\"", true},
        {"\"States.Array\"", "13-14 error: expected \"(\" after States.Array, found the end of the text", false},
        {"\"States.StringToJson $.escaped)\"", "20-21 error: expected \"(\" after States.StringToJson, found \" \"", false},
        {"\"States.JsonToString($\"", "20-21 error: the call of States.JsonToString is never closed: expected \")\"", false},
        {"\"States.Array(1, \"", "13-14 error: the call of States.Array is never closed: expected \")\"", false},
        {"\"States.Array(1, )\"", "17-18 error: expected an argument: 'text', a number, true, false, null, a path or a call, found \")\"", false},
        {"\"States.Array(1 2)\"", "16-17 error: expected \",\" or \")\" after the first argument of States.Array, found \"2\"", false},
        {"\"States.Array(1))\"", "16-17 error: there is text after the call of States.Array", false},
        {"\"States.Array(foo)\"", "14-17 error: \"foo\" is not an argument | a text is written in apostrophes: 'foo'", false},
        {"\"States.Array(States.UUID)\"", "14-25 error: \"States.UUID\" is not an argument | a call needs parentheses: States.UUID(…)", false},
        {"\"States.Array(\\\"a\\\")\"", "14-16 error: a text is written in apostrophes, not in quotes | write '…'", false},
        {"\"States.Array([1])\"", "14-15 error: an array cannot be written as an argument | use States.Array(…) or a path", false},
        {"\"States.Array(01)\"", "14-16 error: \"01\" is not a number", false},
        {"\"States.Array('abc)\"", "14-15 error: this text is never closed: expected \"'\"", false},
        {"\"States.StringToJson('{\\\"text\\\":\\\"An \\\\\\\"escaped\\\"}')\"", // recorded as refused
         "37-41 error: \\\" is not an escape here | only \\' \\{ \\} \\\\ are; in JSON each backslash is written twice", false},
        {"\"States.Array('a\\\\n')\"", "16-19 error: \\n is not an escape here | only \\' \\{ \\} \\\\ are; in JSON each backslash is written twice", false},
        {"\"States.Array($.a..[)\"", "20-21 error: expected a quoted name, an index, \"*\" or \"?(\" after \"[\", found \")\"", false},
        {"\"States.MathAdd(1)\"", "1-18 error: States.MathAdd takes 2 arguments, found 1", false},
        {"\"States.MathRandom(1)\"", "1-21 error: States.MathRandom takes 2 or 3 arguments, found 1", false},
        {"\"States.UUID(1)\"", "1-15 error: States.UUID takes no arguments, found 1", false},
        {"\"States.Format()\"", "1-16 error: States.Format takes at least 1 argument, found 0", false},
        {"\"States.ArrayLength(1, 2)\"", "1-25 error: States.ArrayLength takes 1 argument, found 2", false},
        {"\"States.MathAdd(1,'-1')\"", "18-22 error: States.MathAdd argument 2 must be a number or a path, found a string", false},
        {"\"States.ArrayLength(5)\"", "20-21 error: States.ArrayLength argument 1 must be an array or a path, found a number", false},
        {"\"States.JsonMerge($.a, null, false)\"", "23-27 error: States.JsonMerge argument 2 must be an object or a path, found null", false},
        {"\"States.JsonMerge($.a, $.b, 'false')\"", "28-35 error: States.JsonMerge argument 3 must be a boolean or a path, found a string", false},
        {"\"States.Array(States.MathAdd('a',1))\"", "29-32 error: States.MathAdd argument 1 must be a number or a path, found a string", false},
        {"\"\\u0024.a[\"", "10-11 error: expected a quoted name, an index, \"*\" or \"?(\" after \"[\", found nothing", false}, // after an escape
        {"\"$$23\"", "3-4 error: expected \".\" or \"[\" after \"$$\", found \"2\"", false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char message[800];
        snprintf(message, sizeof message, "%s%s", table[i].message, table[i].lists ? functions : "");
        check(table[i].json, as_query, "(wrong)", message);
    }
}

TEST(a_template_that_cannot_fit) {
    check("\"States.Format('{} {}', 1)\"", as_query, "Format(\"{} {}\", 1)",
          "15-22 warning: this States.Format fails: its template has 2 placeholders {} for 1 argument");
    check("\"States.Format('\\\\{}', 1)\"", as_query, "Format(\"\\\\{}\", 1)",
          "15-21 warning: this States.Format fails: its template has 0 placeholders {} for 1 argument");
}

// ---------------------------------------------------------------- paths alone

TEST(plain_paths) {
    check("\"$.a.b[0]\"", as_path, "<$.a.b[0]>", "");
    check("\"$[1:]\"", as_path, "<$[1:]>", "");
    check("\"${P}\"", as_path, "\"${P}\"", "");
    check("\"bug$.library\"", as_path, "(wrong)", "1-2 error: expected \"$\" at the start of a path, found \"b\"");
    check("\"\"", as_path, "(wrong)", "1-2 error: expected \"$\" at the start of a path, found nothing");
    check("5", as_path, "(wrong)", "0-1 error: \"InputPath\" must be a path, a string, found number 5");
    check("\"States.UUID()\"", as_path, "(wrong)",
          "1-2 error: expected \"$\" at the start of a path, found \"S\" | intrinsic functions are not allowed here; call it in a Pass "
          "state's Parameters before");
    check("\"{% $x %}\"", as_path, "(wrong)",
          "1-2 error: expected \"$\" at the start of a path, found \"{\" | for JSONata set \"QueryLanguage\": \"JSONata\" on this state");
    check("\"$.a[0]['b']\"", as_reference, "<$.a[0]['b']>", "");
    check("\"$.a[*]\"", as_reference, "(wrong)",
          "1-7 error: ItemsPath must be a Reference Path: \"$.a[*]\" may select more than one value | a Reference Path has only .name, "
          "['name'] and [n]");
    check("\"$.a[-1] \"", as_reference, "(wrong)",
          "1-8 error: ItemsPath must be a Reference Path: \"$.a[-1]\" does more than name fields and elements | a Reference Path has only "
          ".name, ['name'] and [n]");
    check("\"Error\"", as_error_path, "(wrong)",
          "1-6 error: \"ErrorPath\" must be a path (\"$…\", \"$$…\") or an intrinsic call (States.…), found the string \"Error\"");
    check("\"States.Format('x')\"", as_error_path, "Format(\"x\")", "");
}
