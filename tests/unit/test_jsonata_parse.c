// The parser of expressions: trees, mistakes with their places, what an expression reads.
//
// Trees are compared as text. A node is its token or kind with its parts in brackets; marks follow it:
//     path(a b[0])   steps, a filter as a stage     !keep !single !cons !tuple !tail
//     x<0>           a predicate of the whole       {k:v} a group
//     @v #i ^1       focus, index, ancestor's label
#include "test.h"

#include "jsonata/tree.h"

#include <ctype.h>

static void print(asl_buffer *b, const struct jsonata_node *n);

static void print_list(asl_buffer *b, const char *name, const struct jsonata_list *list) {
    asl_buffer_format(b, "%s(", name);
    for (size_t i = 0; i < list->count; i++) {
        if (i) asl_buffer_byte(b, ' ');
        print(b, list->items[i]);
    }
    asl_buffer_byte(b, ')');
}

static void print_parts(asl_buffer *b, const char *name, const struct jsonata_node *first, const struct jsonata_node *second,
                        const struct jsonata_node *third) {
    const struct jsonata_node *parts[] = {first, second, third};
    asl_buffer_format(b, "%s(", name);
    for (size_t i = 0; i < 3 && parts[i]; i++) {
        if (i) asl_buffer_byte(b, ' ');
        print(b, parts[i]);
    }
    asl_buffer_byte(b, ')');
}

static void print_pairs(asl_buffer *b, const struct jsonata_pairs *pairs) {
    asl_buffer_byte(b, '{');
    for (size_t i = 0; i < pairs->count; i++) {
        if (i) asl_buffer_byte(b, ' ');
        print(b, pairs->items[i].key);
        asl_buffer_byte(b, ':');
        print(b, pairs->items[i].value);
    }
    asl_buffer_byte(b, '}');
}

static void print_lambda(asl_buffer *b, const struct jsonata_node *n) {
    asl_buffer_z(b, "lambda(");
    for (size_t i = 0; i < n->lambda.param_count; i++)
        asl_buffer_format(b, "$%.*s ", (int)n->lambda.params[i].size, n->lambda.params[i].data);
    asl_buffer_str(b, n->lambda.signature);
    if (n->lambda.signature.data) asl_buffer_byte(b, ' ');
    print(b, n->lambda.body);
    asl_buffer_byte(b, ')');
}

static void print_kind(asl_buffer *b, const struct jsonata_node *n) {
    static const char *const operators[] = {"+", "-", "*", "/", "%", "=", "!=", "<", "<=", ">", ">=", "&", "and", "or", "in"};
    char digits[32];
    switch (n->kind) {
    case JSONATA_PATH: print_list(b, "path", &n->path.steps); break;
    case JSONATA_NAME: asl_buffer_str(b, n->text); break;
    case JSONATA_STRING: asl_json_print_string(n->text, b); break;
    case JSONATA_NUMBER: asl_buffer_add(b, digits, asl_double_print(n->number, digits)); break;
    case JSONATA_TRUE: asl_buffer_z(b, "true"); break;
    case JSONATA_FALSE: asl_buffer_z(b, "false"); break;
    case JSONATA_NULL: asl_buffer_z(b, "null"); break;
    case JSONATA_VARIABLE: asl_buffer_format(b, "$%.*s", (int)n->text.size, n->text.data); break;
    case JSONATA_REGEX:
        asl_buffer_format(b, "/%.*s/%s%s", (int)n->regex.pattern.size, n->regex.pattern.data, n->regex.ignore_case ? "i" : "",
                          n->regex.multiline ? "m" : "");
        break;
    case JSONATA_WILDCARD: asl_buffer_z(b, "*"); break;
    case JSONATA_DESCENDANTS: asl_buffer_z(b, "**"); break;
    case JSONATA_PARENT: asl_buffer_format(b, "%%%u", n->slot->label); break;
    case JSONATA_NEGATE: print_parts(b, "-", n->one, NULL, NULL); break;
    case JSONATA_ARRAY: print_list(b, "array", &n->list); break;
    case JSONATA_RANGE: print_parts(b, "..", n->two.left, n->two.right, NULL); break;
    case JSONATA_OBJECT: print_pairs(b, &n->object); break;
    case JSONATA_BINARY: print_parts(b, operators[n->two.operator], n->two.left, n->two.right, NULL); break;
    case JSONATA_CONDITION: print_parts(b, "if", n->condition.test, n->condition.then, n->condition.otherwise); break;
    case JSONATA_ELVIS: print_parts(b, "?:", n->two.left, n->two.right, NULL); break;
    case JSONATA_COALESCE: print_parts(b, "?" "?", n->two.left, n->two.right, NULL); break;
    case JSONATA_BLOCK: print_list(b, "block", &n->list); break;
    case JSONATA_BIND:
        asl_buffer_format(b, "$%.*s:=", (int)n->bind.name.size, n->bind.name.data);
        print(b, n->bind.value);
        break;
    case JSONATA_APPLY: print_parts(b, "~>", n->two.left, n->two.right, NULL); break;
    case JSONATA_CALL:
    case JSONATA_PARTIAL:
        print_parts(b, n->kind == JSONATA_CALL ? "call" : "partial", n->call.callee, NULL, NULL);
        print_list(b, "", &n->call.arguments);
        if (n->kind == JSONATA_CALL && n->call.tail) asl_buffer_z(b, "!tail");
        break;
    case JSONATA_PLACEHOLDER: asl_buffer_byte(b, '?'); break;
    case JSONATA_LAMBDA: print_lambda(b, n); break;
    case JSONATA_TRANSFORM: print_parts(b, "transform", n->transform.pattern, n->transform.update, n->transform.removed); break;
    case JSONATA_SORT:
        asl_buffer_z(b, "sort(");
        for (size_t i = 0; i < n->sort.count; i++) {
            asl_buffer_z(b, i ? " " : "");
            asl_buffer_z(b, n->sort.terms[i].descending ? ">" : "<");
            print(b, n->sort.terms[i].expression);
        }
        asl_buffer_byte(b, ')');
        break;
    }
}

static void print(asl_buffer *b, const struct jsonata_node *n) {
    print_kind(b, n);
    if (n->keep_array) asl_buffer_z(b, "!keep");
    if (n->kind == JSONATA_PATH && n->path.keep_singleton) asl_buffer_z(b, "!single");
    if (n->cons) asl_buffer_z(b, "!cons");
    if (n->tuple) asl_buffer_z(b, "!tuple");
    for (size_t i = 0; i < n->predicates.count; i++) {
        asl_buffer_byte(b, '<');
        print(b, n->predicates.items[i].filter);
        asl_buffer_byte(b, '>');
    }
    if (n->focus.data) asl_buffer_format(b, "@%.*s", (int)n->focus.size, n->focus.data);
    if (n->index.data) asl_buffer_format(b, "#%.*s", (int)n->index.size, n->index.data);
    for (size_t i = 0; i < n->stages.count; i++) {
        const struct jsonata_stage *s = &n->stages.items[i];
        asl_buffer_byte(b, '[');
        if (s->filter) print(b, s->filter);
        else asl_buffer_format(b, "#%.*s", (int)s->index.size, s->index.data);
        asl_buffer_byte(b, ']');
    }
    if (n->ancestor) asl_buffer_format(b, "^%u", n->ancestor);
    if (n->group) print_pairs(b, n->group);
}

static void check_tree(const char *source, const char *wanted) {
    struct arena *a = arena_new();
    struct jsonata_error error = {0};
    struct jsonata_node *tree = jsonata_parse(a, asl_str_z(source), JSONATA_PLAIN, &error);
    asl_buffer text = {0};
    if (tree) print(&text, tree);
    else asl_buffer_format(&text, "%s: %s", error.code, error.message);
    asl_str got = {text.data, text.size};
    if (!asl_str_equal(got, asl_str_z(wanted)))
        TEST_FAIL("%s is %.*s, not %s", source, (int)got.size, got.data, wanted);
    asl_buffer_free(&text);
    arena_free(a);
}

// ---------------------------------------------------------------- trees

TEST(paths) {
    check_tree("a", "path(a)");
    check_tree("a.b.c", "path(a b c)");
    check_tree("`a b`.'c'", "path(a b c)");
    check_tree("\"a\"", "\"a\"");
    check_tree("\"a\".b", "path(a b)");
    check_tree("a.in.and", "path(a in and)");
    check_tree("and", "path(and)");
    check_tree("(a).b", "path(block(path(a)) b)");
    check_tree("a.(b;c)", "path(a block(path(b) path(c)))");
    check_tree("$.a", "path($ a)");
    check_tree("$x.$y", "path($x $y)");
    check_tree("a.*.**", "path(a * **)");
    check_tree("in", "path(in)");
    check_tree("a.b.(c.d).e", "path(a b block(path(c d)) e)");
}

TEST(predicates) {
    check_tree("a[0]", "path(a[0])");
    check_tree("a.b[0][x=1]", "path(a b[0][=(path(x) 1)])");
    check_tree("(a.b)[0]", "block(path(a b))<0>");
    check_tree("(a)[0].b", "path(block(path(a))<0> b)");
    check_tree("x.(a)[0]", "path(x block(path(a))[0])");
    check_tree("$x[-1]", "$x<-1>");
    check_tree("f()[0].x", "path(call(path(f))()<0> x)");
    check_tree("x.f()[0]", "path(x call(path(f))()[0])");
    check_tree("[1,2][0]", "array(1 2)<0>");
    check_tree("a[]", "path(a!keep)!keep!single");
    check_tree("a[0][]", "path(a!keep[0])!keep!single");
    check_tree("a.b[].c", "path(a b!keep c)!single");
    check_tree("(a)[]", "block(path(a))!keep");
    check_tree("(a)[].b", "path(block(path(a))!keep b)!single");
    check_tree("$x[].a", "path($x!keep a)!single");
    check_tree("a[][0]", "path(a!keep[0])!keep!single");
    check_tree("a^(b)[]", "path(a sort(<path(b)))!keep");
    check_tree("a{b:c}[0]", "path(a[0]){path(b):path(c)}");
}

TEST(groups) {
    check_tree("a.b{c:d,e:f}", "path(a b){path(c):path(d) path(e):path(f)}");
    check_tree("[1]{\"k\":$}", "array(1){\"k\":$}");
    check_tree("{}", "{}");
    check_tree("{\"a\":1,b:{}}", "{\"a\":1 path(b):{}}");
}

TEST(sorting) {
    check_tree("a^(b)", "path(a sort(<path(b)))");
    check_tree("a.b^(>c,<d.e).f", "path(a b sort(>path(c) <path(d e)) f)");
    check_tree("$x^($)", "path($x sort(<$))");
    check_tree("a^(b)^(c)", "path(a sort(<path(b)) sort(<path(c)))");
    check_tree("a^(b)[0]", "path(a sort(<path(b))[0])");
}

TEST(tuples) {
    check_tree("a@$v.b", "path(a!tuple@v b)");
    check_tree("a#$i", "path(a!tuple#i)");
    check_tree("a[0]#$i[1]", "path(a!tuple[0][#i][1])");
    check_tree("$x#$i", "path($x!tuple#i)");
    check_tree("(a)[0]#$i.b", "path(block(path(a))!tuple[0][#i] b)");
    check_tree("a@$x#$y", "path(a!tuple@x#y)");
    check_tree("a#$x@$y", "path(a!tuple@y#x)");
    check_tree("a@$x[]", "path(a!keep!tuple@x)!keep");
    check_tree("a#$x[]", "path(a!tuple#x)!keep");
    check_tree("a[]@$x", "path(a!keep!tuple@x)!keep!single");
}

TEST(constructors) {
    check_tree("[]", "array()");
    check_tree("[1,[2],a..b]", "array(1 array(2) ..(path(a) path(b)))");
    check_tree("[a].b", "path(array(path(a))!cons b)");
    check_tree("a.[b]", "path(a array(path(b))!cons)");
    check_tree("[a].b.[c]", "path(array(path(a))!cons b array(path(c))!cons)");
    check_tree("([a].b)", "block(path(array(path(a))!cons b))!cons");
    check_tree("([a].b).c", "path(block(path(array(path(a))!cons b))!cons c)");
    check_tree("[a][0].b", "path(array(path(a))!cons<0> b)");
    check_tree("[a]^(b)", "path(array(path(a)) sort(<path(b)))");
}

TEST(numbers) {
    check_tree("1", "1");
    check_tree("-1", "-1");
    check_tree("- -1.5", "1.5");
    check_tree("-(1)", "-(block(1))");
    check_tree("-a", "-(path(a))");
    check_tree("1e3", "1000");
    check_tree("-1[0]", "-1<0>");
    check_tree("0.5", "0.5");
    check_tree("12345678901234567890", "12345678901234567000");
}

TEST(operators) {
    check_tree("1+2*3-4", "-(+(1 *(2 3)) 4)");
    check_tree("a=b in c", "in(=(path(a) path(b)) path(c))");
    check_tree("1 + 1 = 2 ~> f", "~>(=(+(1 1) 2) path(f))");
    check_tree("a and b or c", "or(and(path(a) path(b)) path(c))");
    check_tree("a?b", "if(path(a) path(b))");
    check_tree("a?b?c:d:e", "if(path(a) if(path(b) path(c) path(d)) path(e))");
    check_tree("a?b:c?d:e", "if(path(a) path(b) if(path(c) path(d) path(e)))");
    check_tree("a ?: b", "?:(path(a) path(b))");
    check_tree("a ?" "? b + 1", "?" "?(path(a) +(path(b) 1))");
    check_tree("a ?" "? b ?" "? c", "?" "?(path(a) ?" "?(path(b) path(c)))");
    check_tree("a&b<=c", "<=(&(path(a) path(b)) path(c))");
    check_tree("a!=b>=c>d<e", "<(>(>=(!=(path(a) path(b)) path(c)) path(d)) path(e))");
    check_tree("a%b/c", "/(%(path(a) path(b)) path(c))");
    check_tree("1~>f(2)", "~>(1 call(path(f))(2))");
    check_tree("a[]~>f", "~>(path(a!keep)!keep!single path(f))!keep");
    check_tree("$x:=$y:=1", "$x:=$y:=1");
    check_tree("$a[]:=1", "$a:=1");
    check_tree("a .. b", "S0201: Syntax error: \"..\"");
}

TEST(functions) {
    check_tree("$f()", "call($f)()");
    check_tree("f(1,a)", "call(path(f))(1 path(a))");
    check_tree("$f(?,1,?)", "partial($f)(? 1 ?)");
    check_tree("function($x){$x}", "lambda($x $x)");
    check_tree("λ($x,$y)<nn:n>{$x+$y}(1,2)", "call(lambda($x $y <nn:n> +($x $y)))(1 2)");
    check_tree("function($x) < s - n >{1}", "lambda($x <s-n> 1)");
    check_tree("`function`(){1}", "lambda(1)");
    check_tree("(function)(1)", "call(block(path(function)))(1)");
    check_tree("$f(1)(2)", "call(call($f)(1))(2)");
    check_tree("$f{a:b}", "$f{path(a):path(b)}");
    check_tree("x.$f().y", "path(x call($f)() y)");
    check_tree("|a.b|{\"c\":1}|", "transform(path(a b) {\"c\":1})");
    check_tree("|a|{},['b']|", "transform(path(a) {} array(\"b\"))");
}

TEST(tail_calls) {
    check_tree("function(){$f()}", "lambda(call($f)()!tail)");
    check_tree("function(){$f()[0]}", "lambda(call($f)()<0>)");
    check_tree("function(){$f()[]}", "lambda(call($f)()!tail)");
    check_tree("function(){$f(){a:b}}", "lambda(call($f)()!tail)");
    check_tree("function(){a ? $f() : ($x; $g())}", "lambda(if(path(a) call($f)()!tail block($x call($g)()!tail)))");
    check_tree("function(){($f())[0]}", "lambda(block(call($f)())<0>)");
    check_tree("function(){$f() + 1}", "lambda(+(call($f)() 1))");
    check_tree("function(){a ? b ? $f() : $g()}", "lambda(if(path(a) if(path(b) call($f)()!tail call($g)()!tail)))");
    check_tree("function(){a ?: $f()}", "lambda(?:(path(a) call($f)()!tail))");
    check_tree("function(){function(){$f()}}", "lambda(lambda(call($f)()!tail))");
    check_tree("$f()", "call($f)()");
    check_tree("function(){$f(?)}", "lambda(partial($f)(?))");
}

TEST(regexes) {
    check_tree("/a/", "/a/");
    check_tree("/a\\/b/im", "/a\\/b/im");
    check_tree("/[/]/", "/[/]/");
    check_tree("/(a/b)/", "/(a/b)/");
    check_tree("a/b/c", "/(/(path(a) path(b)) path(c))");
    check_tree("$f(/x/i)", "call($f)(/x/i)");
    check_tree("[a,/x/]", "array(path(a) /x/)");
    check_tree("/\\\\/", "/\\\\/");
}

TEST(comments) {
    check_tree("/* a */ b /* c /* */", "path(b)");
    check_tree("a/**/.b", "path(a b)");
    check_tree(" \t\r\n\va", "path(a)");
}

TEST(parents) {
    check_tree("a.%", "path(a!tuple^1 %1)");
    check_tree("a.b.%.%", "path(a!tuple^2 b!tuple^1 %1 %2)");
    check_tree("a.b.{\"x\":%}", "path(a b!tuple^1 {\"x\":%1})");
    check_tree("a.b.[%.%]", "path(a!tuple^2 b!tuple^1 array(path(%1 %2))!cons)");
    check_tree("(a.b).%", "path(block(path(a b!tuple^1)!tuple)!tuple %1)");
    check_tree("a.b[%.c]", "path(a b!tuple[path(%1 c)]^1)");
    check_tree("a[%]", "path(a[%1])");
    check_tree("x.a[%]", "path(x a[%1])");
    check_tree("x.a[%.b]", "path(x a!tuple[path(%1 b)]^1)");
    check_tree("a.b@$x.%", "path(a b!tuple@x^1 %1)");
    check_tree("a@$l.b@$k.c.%", "path(a!tuple@l b!tuple@k c!tuple^1 %1)");
    check_tree("a.b.(%.c)", "path(a b!tuple^1 block(path(%1 c)))");
    check_tree("a.b^(%.c)", "path(a b!tuple^1 sort(<path(%1 c)))");
    check_tree("a.b.%.c.%", "path(a b!tuple^1 %1 c!tuple^2 %2)");
    check_tree("a.*.%", "path(a *!tuple^1 %1)");
    check_tree("(a;b).%", "path(block(path(a) path(b!tuple^1)!tuple)!tuple %1)");
    check_tree("a.{\"x\":%, \"y\":%}", "path(a!tuple^1 {\"x\":%1 \"y\":%1})");
    check_tree("(%).a", "path(block(%1) a)");
    check_tree("function(){%}", "lambda(%1)");
    check_tree("|a|%|", "transform(path(a) %1)");
    check_tree("a{%:1}", "path(a){%1:1}");
    check_tree("x.(a?%.b:%)", "path(x!tuple^1 block(if(path(a) path(%1 b) %1)))");
    check_tree("x.a[%.b.%]", "path(x a!tuple[path(%1 b!tuple^2 %2)]^1)");
    check_tree("n.in[%[%.$][$]]", "path(n!tuple^2 in[%2<path(%2 $)><$>])");
}

TEST(positions) {
    struct arena *a = arena_new();
    struct jsonata_error error;
    struct jsonata_node *n = jsonata_parse(a, ASL_STR("'é😀' & $substring( a, -1)"), JSONATA_PLAIN, &error);
    CHECK_OR_END(n && n->kind == JSONATA_BINARY);
    CHECK_EQ(n->position, 7); // UTF-16 units up to the token's end
    CHECK_EQ(n->offset, 9);   // bytes
    CHECK_EQ(n->size, 1);
    CHECK_STR(n->token, "&");
    const struct jsonata_node *call = n->two.right;
    CHECK_EQ(call->position, 19);
    CHECK_STR(call->token, "substring"); // what errors call it
    CHECK_EQ(call->call.arguments.items[0]->position, 21);
    CHECK_EQ(call->call.arguments.items[1]->position, 25); // of the folded number
    arena_free(a);
}

TEST(wtf8) {
    struct arena *a = arena_new();
    struct jsonata_error error;
    struct jsonata_node *n = jsonata_parse(a, ASL_STR("'\\ud83d\\ude00\\ud83d-\\ude00\\uD83D\xED\xB8\x80'"), JSONATA_PLAIN, &error);
    CHECK_OR_END(n);
    CHECK_STR(n->text, "😀\xED\xA0\xBD-\xED\xB8\x80😀"); // halves join their neighbours, also raw ones
    arena_free(a);
}

// ---------------------------------------------------------------- mistakes

struct mistake {
    const char *code, *source;
    int position; /* -1: the reference gives none */
    const char *token, *message;
};

static void check_mistake(const struct mistake *m, enum jsonata_dialect dialect) {
    struct arena *a = arena_new();
    struct jsonata_error error = {0};
    asl_str source = asl_str_z(m->source);
    if (jsonata_parse(a, source, dialect, &error)) {
        TEST_FAIL("%s parses, but is %s", m->source, m->code);
    } else {
        bool same = strcmp(error.code, m->code) == 0 && (m->position < 0 || error.position == (size_t)m->position) &&
                    strcmp(error.message, m->message) == 0 && !error.token == !m->token &&
                    (!m->token || strcmp(error.token, m->token) == 0) && error.offset + error.size <= source.size;
        if (!same)
            TEST_FAIL("%s is %s at %zu, %s: %s", m->source, error.code, error.position, error.token ? error.token : "no token",
                      error.message);
    }
    arena_free(a);
}

TEST(mistakes) {
    static const struct mistake all[] = {
        {"S0101", "\"no closing quote", 17, NULL, "String literal must be terminated by a matching quote"},
        {"S0101", "\"abc", 4, NULL, "String literal must be terminated by a matching quote"},
        {"S0101", "\"", 1, NULL, "String literal must be terminated by a matching quote"},
        {"S0101", "'", 1, NULL, "String literal must be terminated by a matching quote"},
        {"S0102", "10e1000", 0, "10e1000", "Number out of range: \"10e1000\""},
        {"S0102", "1e400", 0, "1e400", "Number out of range: \"1e400\""},
        {"S0103", "\"\\y\"", 2, "y", "Unsupported escape sequence: \\\"y\""},
        {"S0103", "'\\''", 2, "'", "Unsupported escape sequence: \\\"'\""},
        {"S0104", "\"\\u\"", 2, NULL, "The escape sequence \\u must be followed by 4 hex digits"},
        {"S0104", "\"\\u123t\"", 2, NULL, "The escape sequence \\u must be followed by 4 hex digits"},
        {"S0105", "`no closing backtick", 20, NULL, "Quoted property name must be terminated with a backquote (`)"},
        {"S0105", "`abc", 4, NULL, "Quoted property name must be terminated with a backquote (`)"},
        {"S0105", "`", 1, NULL, "Quoted property name must be terminated with a backquote (`)"},
        {"S0105", "a.b.`", 5, NULL, "Quoted property name must be terminated with a backquote (`)"},
        {"S0106", "$substring('Hello, world', 0 /* start at index 0 */, 5/*length*/)\n/* trailing comment - no closing tag should trigger an error\n", 66, NULL, "Comment has no closing tag"},
        {"S0106", "1 /* c", 2, NULL, "Comment has no closing tag"},
        {"S0106", "/*", 0, NULL, "Comment has no closing tag"},
        {"S0201", "Account.Order[0].Product;", 25, ";", "Syntax error: \";\""},
        {"S0201", "$.7a", 4, "a", "Syntax error: \"a\""},
        {"S0201", "2**3", 3, "**", "Syntax error: \"**\""},
        {"S0201", "1..3", 3, "..", "Syntax error: \"..\""},
        {"S0201", "$ \"x\"", 5, "x", "Syntax error: \"x\""},
        {"S0201", "1a", 2, "a", "Syntax error: \"a\""},
        {"S0201", "0x10", 4, "x10", "Syntax error: \"x10\""},
        {"S0201", "1..2", 3, "..", "Syntax error: \"..\""},
        {"S0201", "a..b", 3, "..", "Syntax error: \"..\""},
        {"S0201", "a:b", 2, ":", "Syntax error: \":\""},
        {"S0201", "a b", 3, "b", "Syntax error: \"b\""},
        {"S0201", "\"a\" \"b\"", 7, "b", "Syntax error: \"b\""},
        {"S0201", "a,b", 2, ",", "Syntax error: \",\""},
        {"S0201", "a..", 3, "..", "Syntax error: \"..\""},
        {"S0201", "in a", 4, "a", "Syntax error: \"a\""},
        {"S0201", "or a", 4, "a", "Syntax error: \"a\""},
        {"S0202", "[1,2)", 5, ")", "Expected \"]\", got \")\""},
        {"S0202", "[1:2]", 3, ":", "Expected \"]\", got \":\""},
        {"S0202", "$replace(\"foo\", \"o, \"rr\")", 24, "rr\"", "Expected \")\", got \"rr\\\"\""},
        {"S0202", "a^b", 3, "b", "Expected \"(\", got \"b\""},
        {"S0202", "function($a)<n{1}", 15, "{", "Expected \">\", got \"{\""},
        {"S0203", "$lowercase(\"Missing close brackets\"", 35, "(end)", "Expected \")\" before end of expression"},
        {"S0203", "(1", 2, "(end)", "Expected \")\" before end of expression"},
        {"S0203", "a[", 2, "(end)", "Expected \"]\" before end of expression"},
        {"S0203", "a{b", 3, "(end)", "Expected \":\" before end of expression"},
        {"S0203", "a{b:", 4, "(end)", "Expected \"}\" before end of expression"},
        {"S0203", "|", 1, "(end)", "Expected \"|\" before end of expression"},
        {"S0203", "function(", 9, "(end)", "Expected \")\" before end of expression"},
        {"S0203", "function()", 10, "(end)", "Expected \"{\" before end of expression"},
        {"S0203", "function($a", 11, "(end)", "Expected \")\" before end of expression"},
        {"S0203", "function($a)<", 13, "(end)", "Expected \">\" before end of expression"},
        {"S0203", "$f(", 3, "(end)", "Expected \")\" before end of expression"},
        {"S0203", "$f(1", 4, "(end)", "Expected \")\" before end of expression"},
        {"S0203", "a.{", 3, "(end)", "Expected \":\" before end of expression"},
        {"S0203", "a.(", 3, "(end)", "Expected \")\" before end of expression"},
        {"S0204", "[1!2]", 3, "!", "Unknown operator: \"!\""},
        {"S0204", "!", 1, "!", "Unknown operator: \"!\""},
        {"S0204", "a!b", 2, "!", "Unknown operator: \"!\""},
        {"S0204", "~", 1, "~", "Unknown operator: \"~\""},
        {"S0204", "a~b", 2, "~", "Unknown operator: \"~\""},
        {"S0207", "1=", 2, "(end)", "Unexpected end of expression"},
        {"S0207", "%%", 2, "(end)", "Unexpected end of expression"},
        {"S0207", "library.loans.%%", 16, "(end)", "Unexpected end of expression"},
        {"S0207", "1 +", 3, "(end)", "Unexpected end of expression"},
        {"S0207", "a %", 3, "(end)", "Unexpected end of expression"},
        {"S0207", "$a:=", 4, "(end)", "Unexpected end of expression"},
        {"S0207", "a?", 2, "(end)", "Unexpected end of expression"},
        {"S0207", "a?b:", 4, "(end)", "Unexpected end of expression"},
        {"S0207", "a and", 5, "(end)", "Unexpected end of expression"},
        {"S0207", "/**/", 4, "(end)", "Unexpected end of expression"},
        {"S0207", "/* */ ", 6, "(end)", "Unexpected end of expression"},
        {"S0207", "   ", 3, "(end)", "Unexpected end of expression"},
        {"S0208", "function(x){$x}(3)", 10, "x", "Parameter 1 of function definition must be a variable name (start with $)"},
        {"S0208", "function(x){x}", 10, "x", "Parameter 1 of function definition must be a variable name (start with $)"},
        {"S0208", "function(a){1}", 10, "a", "Parameter 1 of function definition must be a variable name (start with $)"},
        {"S0209", "[1,2,3]{\"num\": $}[true]", 18, NULL, "A predicate cannot follow a grouping expression in a step"},
        {"S0210", "[1,2,3]{\"num\": $}{\"num\": $}", 18, NULL, "Each step can only have one grouping expression"},
        {"S0210", "list{v:i}{\"x\":1}", 10, NULL, "Each step can only have one grouping expression"},
        {"S0211", "@ bar", 1, "@", "The symbol \"@\" cannot be used as a unary operator"},
        {"S0211", "55=>5", 4, ">", "The symbol \">\" cannot be used as a unary operator"},
        {"S0211", "Ssum(:)", 6, ":", "The symbol \":\" cannot be used as a unary operator"},
        {"S0211", "(%%)", 4, ")", "The symbol \")\" cannot be used as a unary operator"},
        {"S0211", "(;1)", 2, ";", "The symbol \";\" cannot be used as a unary operator"},
        {"S0211", "{\"a\":}", 6, "}", "The symbol \"}\" cannot be used as a unary operator"},
        {"S0211", "@", 1, "@", "The symbol \"@\" cannot be used as a unary operator"},
        {"S0211", "..", 2, "..", "The symbol \"..\" cannot be used as a unary operator"},
        {"S0211", "$f(,)", 4, ",", "The symbol \",\" cannot be used as a unary operator"},
        {"S0211", "$f(1,)", 6, ")", "The symbol \")\" cannot be used as a unary operator"},
        {"S0211", "[,]", 2, ",", "The symbol \",\" cannot be used as a unary operator"},
        {"S0211", "(;)", 2, ";", "The symbol \";\" cannot be used as a unary operator"},
        {"S0211", ";", 1, ";", "The symbol \";\" cannot be used as a unary operator"},
        {"S0211", ",", 1, ",", "The symbol \",\" cannot be used as a unary operator"},
        {"S0211", "]", 1, "]", "The symbol \"]\" cannot be used as a unary operator"},
        {"S0211", ")", 1, ")", "The symbol \")\" cannot be used as a unary operator"},
        {"S0211", "}", 1, "}", "The symbol \"}\" cannot be used as a unary operator"},
        {"S0211", ".a", 1, ".", "The symbol \".\" cannot be used as a unary operator"},
        {"S0211", "#$x", 1, "#", "The symbol \"#\" cannot be used as a unary operator"},
        {"S0211", "a^()", 4, ")", "The symbol \")\" cannot be used as a unary operator"},
        {"S0212", "x:=1", 1, "x", "The left side of := must be a variable name (start with $)"},
        {"S0212", "2:=1", 1, NULL, "The left side of := must be a variable name (start with $)"},
        {"S0212", "($a := [1,2]; $a[1]:=3; $a)", 17, "[", "The left side of := must be a variable name (start with $)"},
        {"S0212", "a:=1", 1, "a", "The left side of := must be a variable name (start with $)"},
        {"S0213", "$.7", 3, NULL, "The literal value 7 cannot be used as a step within a path expression"},
        {"S0213", "1.5.5", 3, NULL, "The literal value 1.5 cannot be used as a step within a path expression"},
        {"S0213", "null.x", 4, NULL, "The literal value null cannot be used as a step within a path expression"},
        {"S0214", "Account.Order@o.Product", 15, "@", "The right side of \"@\" must be a variable name (start with $)"},
        {"S0214", "Account.Order@$o#i.Product", 18, "#", "The right side of \"#\" must be a variable name (start with $)"},
        {"S0214", "a@b", 3, "@", "The right side of \"@\" must be a variable name (start with $)"},
        {"S0214", "a#b", 3, "#", "The right side of \"#\" must be a variable name (start with $)"},
        {"S0215", "Account.Order[1]@$o.Product", 17, NULL, "A context variable binding must precede any predicates on a step"},
        {"S0216", "Account.Order^(>OrderID)@$o.Product.{ 'name':`Product Name`, 'orderid':$o.OrderID }", 25, NULL, "A context variable binding must precede the 'order-by' clause on a step"},
        {"S0216", "a^(b)@$x", 6, NULL, "A context variable binding must precede the 'order-by' clause on a step"},
        {"S0217", "{'hello': 'world'}.% ", 1, "unary", "The object representing the 'parent' cannot be derived from this expression"},
        {"S0217", "%", -1, "parent", "The object representing the 'parent' cannot be derived from this expression"},
        {"S0217", "library.loans.%.%.%", -1, "path", "The object representing the 'parent' cannot be derived from this expression"},
        {"S0217", "library.%%%", 10, "binary", "The object representing the 'parent' cannot be derived from this expression"},
        {"S0217", "(%)", 1, "block", "The object representing the 'parent' cannot be derived from this expression"},
        {"S0217", "$.%", 1, "variable", "The object representing the 'parent' cannot be derived from this expression"},
        {"S0217", "$$.%", 2, "variable", "The object representing the 'parent' cannot be derived from this expression"},
        {"S0217", "%.a", -1, "path", "The object representing the 'parent' cannot be derived from this expression"},
        {"S0217", "a.%.%", -1, "path", "The object representing the 'parent' cannot be derived from this expression"},
        {"S0302", "/(/", 3, NULL, "No terminating / in regular expression"},
        {"S0302", "/", 1, NULL, "No terminating / in regular expression"},
        {"S0401", "λ($arg)<n<n>>{$arg}(5)", 10, NULL, "Type parameters can only be applied to functions and arrays"},
        {"S0401", "function($x)<x<n>>{$x}(1)", 15, NULL, "Type parameters can only be applied to functions and arrays"},
        {"S0402", "λ($arr)<(sa<n>)>>{$arr}([[1]])", 9, NULL, "Choice groups containing parameterized types are not supported"},
        {"S0402", "function($x)<(a<n>)>{$x}(1)", 14, NULL, "Choice groups containing parameterized types are not supported"},
        {"S0301", "//", 1, NULL, "Empty regular expressions are not allowed"},
        {"S0302", "a[]/2", 5, NULL, "No terminating / in regular expression"},
        {"S0302", "function(){1}/2", 15, NULL, "No terminating / in regular expression"},
        {"S0201", "|a|b|/2/", 8, NULL, "Syntax error: {}"},
        {"S0102", "1+1e400", 2, "1e400", "Number out of range: \"1e400\""},
        {"S0202", "a^/x/", 5, NULL, "Expected \"(\", got {}"},
        {"S0201", "1 2", 3, NULL, "Syntax error: 2"},
        {"S0201", "a true", 6, NULL, "Syntax error: true"},
        {"S0202", "f(? /x/)", 7, NULL, "Expected \")\", got {}"},
        {"S0211", "(/x/)", 2, "/", "The symbol \"/\" cannot be used as a unary operator"},
        {"S0201", "/a/imq", 6, "q", "Syntax error: \"q\""},
        {"S0101", "\"\\u123", 7, NULL, "String literal must be terminated by a matching quote"},
        {"S0104", "\"\\u12 4\"", 2, NULL, "The escape sequence \\u must be followed by 4 hex digits"},
        {"S0103", "\"a\\", 3, "", "Unsupported escape sequence: \\\"\""},
        {"S0401", "function($x)<nn<n>>{1}", 16, NULL, "Type parameters can only be applied to functions and arrays"},
        {"S0402", "function($x)<n(ns)(a<n>)>{1}", 19, NULL, "Choice groups containing parameterized types are not supported"},
        {"S0202", "function($x)n{1}", 13, "n", "Expected \"{\", got \"n\""},
        {"S0212", "a.b:=1", 2, ".", "The left side of := must be a variable name (start with $)"},
        {"S0212", "true:=1", 4, NULL, "The left side of := must be a variable name (start with $)"},
        {"S0208", "function(a.b){1}", 11, ".", "Parameter 1 of function definition must be a variable name (start with $)"},
        {"S0208", "function(?){1}", 10, "?", "Parameter 1 of function definition must be a variable name (start with $)"},
        {"S0214", "a@1", 3, "@", "The right side of \"@\" must be a variable name (start with $)"},
        {"S0210", "a{b:c}{1.x:2}", 7, NULL, "Each step can only have one grouping expression"},
        {"S0213", "1.x(2.y)", 5, NULL, "The literal value 2 cannot be used as a step within a path expression"},
        {"S0213", "$x(1.x)(2.y)", 9, NULL, "The literal value 2 cannot be used as a step within a path expression"},
        {"S0204", "[1,]!", 5, "!", "Unknown operator: \"!\""},
        {"S0211", "%^(b) + )", 9, ")", "The symbol \")\" cannot be used as a unary operator"},
        {"S0217", "{\"x\":%}", 1, "unary", "The object representing the 'parent' cannot be derived from this expression"},
        {"S0201", "x[%.%.a]+1 )", 12, ")", "Syntax error: \")\""},
        {"S0204", "é😀!", 4, "!", "Unknown operator: \"!\""},
        {"S0207", "1 + ", 4, "(end)", "Unexpected end of expression"},
        {"S0211", "(1 + ) x", 6, ")", "The symbol \")\" cannot be used as a unary operator"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) check_mistake(&all[i], JSONATA_PLAIN);
}

TEST(dialect) {
    static const struct mistake all[] = {
        {"S0211", "a ?: b", 4, ":", "The symbol \":\" cannot be used as a unary operator"},
        {"S0211", "null ?" "? 1", 7, "?", "The symbol \"?\" cannot be used as a unary operator"},
        {"S0207", "", 0, "(end)", "Unexpected end of expression"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) check_mistake(&all[i], JSONATA_STEP_FUNCTIONS);
}

// ---------------------------------------------------------------- depth and size

static asl_str repeated(asl_buffer *b, const char *before, size_t count, const char *middle, const char *after) {
    b->size = 0;
    for (size_t i = 0; i < count; i++) asl_buffer_z(b, before);
    asl_buffer_z(b, middle);
    for (size_t i = 0; i < count; i++) asl_buffer_z(b, after);
    return (asl_str){b->data, b->size};
}

TEST(depth) {
    static const char *const shapes[][3] = {
        {"(", "1", ")"},     {"[", "1", "]"},      {"{\"a\":", "1", "}"}, {"-", "a", ""},      {"function(){", "1", "}"},
        {"a?", "1", ""},     {"a?1:", "1", ""},    {"f(", "1", ")"},      {"$x:=", "1", ""},   {"a[", "1", "]"},
        {"a^(", "1", ")"},   {"|a|", "{}", "|"},   {"a?" "?", "1", ""},   {"a{b:", "c", "}"},  {"1+", "1", ""},
        {"x~>", "$f", ""},   {"a.(", "b", ")"},    {"$f", "", "()"},      {"1&(", "1", ")"},   {"(a;", "1", ")"},
    };
    asl_buffer b = {0};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (size_t count = 50; count <= 200000; count = count == 50 ? 5000 : count * 40) {
            struct arena *a = arena_new();
            struct jsonata_error error = {0};
            asl_str source = repeated(&b, shapes[i][0], count, shapes[i][1], shapes[i][2]);
            struct jsonata_node *tree = jsonata_parse(a, source, JSONATA_PLAIN, &error);
            if (tree ? tree->depth > JSONATA_MAX_DEPTH || count > 5000 : count == 50 || error.code[0] != 'S')
                TEST_FAIL("%zu times %s: %s", count, shapes[i][0], tree ? "too deep" : error.code);
            arena_free(a);
        }
    }
    asl_buffer_free(&b);
}

TEST(deepest) {
    asl_buffer b = {0};
    struct arena *a = arena_new();
    struct jsonata_error error = {0};
    CHECK(jsonata_parse(a, repeated(&b, "(", JSONATA_MAX_DEPTH - 1, "1", ")"), JSONATA_PLAIN, &error));
    CHECK(!jsonata_parse(a, repeated(&b, "(", JSONATA_MAX_DEPTH, "1", ")"), JSONATA_PLAIN, &error));
    CHECK_STR(error.code, "S0501");
    CHECK_STR(error.message, "The expression is nested more than 1000 levels deep");
    CHECK(jsonata_parse(a, repeated(&b, "1+", JSONATA_MAX_DEPTH - 1, "1", ""), JSONATA_PLAIN, &error));
    CHECK(!jsonata_parse(a, repeated(&b, "1+", JSONATA_MAX_DEPTH, "1", ""), JSONATA_PLAIN, &error));
    CHECK_STR(error.code, "S0501");
    arena_free(a);
    asl_buffer_free(&b);
}

TEST(wide) { // linear: what is long and flat is no trouble
    static const char *const shapes[][3] = {
        {"a.", "b", ""}, {"", "a", "[0]"}, {"a.%.", "b", ""}, {"'x',", "", ""}, {"$x:=1;", "$x", ""}, {"", "[1", ",%"},
    };
    asl_buffer b = {0};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct arena *a = arena_new();
        struct jsonata_error error = {0};
        jsonata_parse(a, repeated(&b, shapes[i][0], 100000, shapes[i][1], shapes[i][2]), JSONATA_PLAIN, &error);
        arena_free(a);
    }
    asl_buffer_free(&b);
}

// ---------------------------------------------------------------- what is read

static void add_message(void *arg, const struct jsonata_node *at, const char *message) {
    asl_buffer *b = arg;
    asl_buffer_format(b, "%s%s", b->size ? "|" : "", message);
    CHECK(at != NULL);
}

static void check_creation(const char *source, unsigned offered, const char *wanted) {
    struct arena *a = arena_new();
    struct jsonata_error error = {0};
    struct jsonata_node *tree = jsonata_parse(a, asl_str_z(source), JSONATA_STEP_FUNCTIONS, &error);
    asl_buffer b = {0};
    if (tree) jsonata_check(a, tree, offered, add_message, &b);
    else asl_buffer_z(&b, error.message);
    asl_str got = {b.data ? b.data : "", b.size};
    if (!asl_str_equal(got, asl_str_z(wanted)))
        TEST_FAIL("%s gives %.*s, not %s", source, (int)got.size, got.data, wanted);
    asl_buffer_free(&b);
    arena_free(a);
}

#define TOP(name) "Reference to '" name "' at the top level is not supported."

TEST(creation) {
    check_creation("phone[0]", 0, TOP("phone"));
    check_creation("$.phone", 0, TOP("$"));
    check_creation("$", 0, TOP("$"));
    check_creation("aaa + bbb + aaa", 0, TOP("aaa") "|" TOP("bbb"));
    check_creation("$map($states.input.a, function($x){ b })", 0, TOP("b"));
    check_creation("{aaa: ccc, bbb: $f(ddd)}", 0, TOP("aaa") "|" TOP("ccc") "|" TOP("bbb") "|" TOP("ddd"));
    check_creation("(a; b ? c : d; -e; [f..g]; $x := h)", 0,
                   TOP("a") "|" TOP("b") "|" TOP("c") "|" TOP("d") "|" TOP("e") "|" TOP("f") "|" TOP("g") "|" TOP("h"));
    check_creation("sum([1])", 0, TOP("sum"));
    check_creation("$$.a", 0, "Reference to '$$' is not supported.");
    check_creation("$states.input.a[$$.b = 1]", 0, "Reference to '$$' is not supported.");
    check_creation("$states.input.items[phone > 3].name^(age, >$.size){kind: $sum(price)}", 0, "");
    check_creation("$states.input ~> |a|{\"b\": c}, \"d\"|", 0, "");
    check_creation("$states.input.(a + b.c)", 0, "");
    check_creation("$states.input.phone", 0, "");
    check_creation("function($x){$x.a}", 0, "");
    check_creation("\"text\"", 0, "");
    check_creation("$states.errorOutput", 0, "Field '$states.errorOutput' does not exist.");
    check_creation("$states.errorOutput", JSONATA_ERROR_OUTPUT, "");
    check_creation("$states.result.x", JSONATA_ERROR_OUTPUT, "Field '$states.result' does not exist.");
    check_creation("$states.input[$states.result = a]", 0, "Field '$states.result' does not exist.");
    check_creation("$states.result + $states.result", JSONATA_RESULT, "");
    check_creation("$keys($states)", 0, "");
    check_creation("($states := {\"result\": 1}; $states.result)", 0, "");
    check_creation("a[1,2)", 0, "Expected \"]\", got \",\"");
    check_creation("1 +", 0, "Unexpected end of expression");
    check_creation("{\"a\":}", 0, "The symbol \"}\" cannot be used as a unary operator");
    check_creation("$x :=", 0, "Unexpected end of expression");
    check_creation("$match(\"a\", /abc", 0, "No terminating / in regular expression");
}

static void add_variable(void *arg, const struct jsonata_node *at, asl_str name, asl_str field) {
    asl_buffer *b = arg;
    asl_buffer_format(b, "%s$%.*s", b->size ? " " : "", (int)name.size, name.data);
    if (field.data) asl_buffer_format(b, ".%.*s", (int)field.size, field.data);
    CHECK_EQ(at->kind, JSONATA_VARIABLE);
}

static void check_variables(const char *source, const char *wanted) {
    struct arena *a = arena_new();
    struct jsonata_error error = {0};
    struct jsonata_node *tree = jsonata_parse(a, asl_str_z(source), JSONATA_PLAIN, &error);
    asl_buffer b = {0};
    if (tree) jsonata_variables(a, tree, add_variable, &b);
    else asl_buffer_z(&b, error.message);
    asl_str got = {b.data ? b.data : "", b.size};
    if (!asl_str_equal(got, asl_str_z(wanted)))
        TEST_FAIL("%s reads %.*s, not %s", source, (int)got.size, got.data, wanted);
    asl_buffer_free(&b);
    arena_free(a);
}

TEST(variables) {
    check_variables("$x + $states.input.a + $states", "$x $states.input $states");
    check_variables("$states[0].input + $states@$s.input", "$states $states");
    check_variables("($x := $x; $x)", "$x");
    check_variables("($x := 1; $y := $x; $y)", "");
    check_variables("(($x := 1); $x)", "$x");
    check_variables("($f := function($n){ $n > 0 ? $f($n - 1) : $m }; $f(3))", "$m");
    check_variables("($g := function(){ $x }; $x := 1; $g() + $x)", "");
    check_variables("($y := $x; $x := 1)", "$x");
    check_variables("$c ? $x := 1; $x", "Syntax error: \";\"");
    check_variables("($c ? $x := 1; $x)", "$c $x");
    check_variables("($c and ($x := 1); $x)", "$c $x");
    check_variables("[$x := 1, $x]", "$x");
    check_variables("function($x, $y){ $x + $y + $z }", "$z");
    check_variables("$a.b@$v[$v.c = $w]#$i.{\"k\": $v, \"i\": $i, \"j\": $j} & $v", "$a.b $w $j $v");
    check_variables("$a.b^($k).c{$d: $e}", "$a.b $k $d $e");
    check_variables("$a.b[$x := 1] & $x", "$a.b $x");
    check_variables("$sum($items.price)", "$sum $items.price");
    check_variables("$ & $$.a & $x.($.y & $)", "$ $$.a $x");
    check_variables("$a.(b.c@$v.%.d).%.{\"x\": $v}", "$a");
    check_variables("$o ~> |$p|{\"q\": $q}|", "$o $p $q");
    check_variables("$map($xs, function($v, $i, $a){ $v + $i + $count($a) + $n })", "$map $xs $count $n");
}
