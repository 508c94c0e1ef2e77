// JSONPath: what paths select, how slips are reported, what is missing, and ResultPath.
#include "aslc/path.h"

#include "test.h"

static asl_value json(const char *text) {
    asl_value v = asl_none();
    asl_json_error error;
    if (asl_json_parse(asl_str_z(text), NULL, &v, &error) != 0) TEST_FAIL("%s: %s", text, error.message);
    return v;
}

// ---------------------------------------------------------------- selecting

struct triple {
    const char *path, *input, *output; // output NULL: nothing
};

static void check_triples(const struct triple *table, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct triple *t = &table[i];
        asl_path_error error;
        asl_path *path = asl_path_parse(asl_str_z(t->path), &error);
        if (!path) {
            TEST_FAIL("%s: at %zu: %s", t->path, error.offset, error.message);
            continue;
        }
        asl_value input = json(t->input), got = asl_path_get(path, &input);
        asl_buffer text = {0};
        if (got.tag != ASL_NONE) asl_json_print(&got, &text);
        const char *printed = got.tag == ASL_NONE ? "(nothing)" : text.data;
        if (strcmp(printed, t->output ? t->output : "(nothing)") != 0)
            TEST_FAIL("%s of %s is %s, not %s", t->path, t->input, printed, t->output ? t->output : "(nothing)");
        asl_buffer_free(&text);
        asl_release(got);
        asl_release(input);
        asl_path_free(path);
    }
}
#define CHECK_TRIPLES(table) check_triples(table, sizeof table / sizeof *table)

TEST(definite) {
    static const struct triple table[] = {
        {"$", "{\"a\":1}", "{\"a\":1}"},
        {"$.a", "{\"a\":1}", "1"},
        {"$.a", "{\"a\":null}", "null"},
        {"$.a", "{}", NULL},
        {"$.a", "[1]", NULL},
        {"$.a.b", "{\"a\":\"text\"}", NULL},
        {"$.a.b.c", "{\"a\":{\"b\":{\"c\":[1]}}}", "[1]"},
        {"$['a']", "{\"a\":1}", "1"},
        {"$[\"a\"]", "{\"a\":1}", "1"},
        {"$[ 'a' ]['b c']", "{\"a\":{\"b c\":2}}", "2"},
        {"$.abc.['def ghi']", "{\"abc\":{\"def ghi\":2}}", "2"},
        {"$.['a']", "{\"a\":1}", "1"},
        {"$[0]", "[1,2]", "1"},
        {"$[1]", "[1,2]", "2"},
        {"$[2]", "[1,2]", NULL},
        {"$[-1]", "[1,2]", "2"},
        {"$.books[-2]", "{\"books\":[1,2,3]}", "2"},
        {"$[-3]", "[1,2]", NULL},
        {"$.[0]", "[1,2]", "1"},
        {"$.Snapshots.[0].State", "{\"Snapshots\":[{\"State\":\"ok\"}]}", "\"ok\""},
        {"$.Reservations[0].Instances[0]InstanceId", "{\"Reservations\":[{\"Instances\":[{\"InstanceId\":\"i-1\"}]}]}", "\"i-1\""},
        {"$[(@.length-1)].bar", "[{\"bar\":1},{\"bar\":2}]", "2"},
        {"$.detail-type", "{\"detail-type\":1}", "1"},
        {"$.a:b", "{\"a:b\":1}", "1"},
        {"$.store\\.book", "{\"store.book\":1}", "1"},
        {"$.foo\\@bar", "{\"foo@bar\":1}", "1"},
        {"$.Über.名", "{\"Über\":{\"名\":1}}", "1"},
        {" $.a ", "{\"a\":1}", "1"},
        {"$.data.Item.status.S ", "{\"data\":{\"Item\":{\"status\":{\"S\":1}}}}", "1"},
        {"$['Test\\\"\"Name\"']", "{\"Test\\\\\\\"\\\"Name\\\"\":\"Value\"}", "\"Value\""}, // recorded
        {"$['it\\'s']", "{\"it's\":1}", "1"},
        {"$[\"say \\\"hi\\\"\"]", "{\"say \\\"hi\\\"\":1}", "1"},
        {"$['back\\\\']", "{\"back\\\\\":1}", "1"},
        {"$['a\\nb']", "{\"a\\\\nb\":1}", "1"},
        {"$['']", "{\"\":1}", "1"},
        {"$.${Name.Attr}.x", "{\"${Name.Attr}\":{\"x\":1}}", "1"},
        {"$.a.length()", "{\"a\":[1,2,3]}", "3"},
        {"$.a.length()", "{\"a\":{\"x\":1}}", "1"},
        {"$.a.length()", "{\"a\":7}", NULL},
        {"$.a.length()", "{}", NULL},
        {"$.length()", "[1]", "1"},
        {"$.a.length", "{\"a\":{\"length\":5}}", "5"},
        {"$['a','b']", "{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":1,\"b\":2}"},
        {"$$.Execution.Id", "{\"Execution\":{\"Id\":\"x\"}}", "\"x\""},
        {"$$", "{\"Execution\":1}", "{\"Execution\":1}"},
        {"$name.field[0]", "{\"field\":[4]}", "4"},
        {"$name", "4", "4"},
    };
    CHECK_TRIPLES(table);
}

TEST(indefinite) {
    static const struct triple table[] = {
        // recorded: whatever is missing, wildcards and slices give an array
        {"$[*]", "{}", "[]"},
        {"$.items[*]", "{}", "[]"},
        {"$.items[1:]", "{}", "[]"},
        {"$.items[:1]", "{}", "[]"},
        {"$.item.items[*]", "{}", "[]"},
        {"$.item.items[1:5]", "{}", "[]"},
        {"$.items[*].v", "{}", "[]"},
        {"$.items[1:].v", "{}", "[]"},
        {"$.*", "{\"b\":1,\"a\":2}", "[1,2]"},
        {"$.[*]", "[1,[2]]", "[1,[2]]"},
        {"$[*][*]", "[[1,2],[3],4]", "[1,2,3]"},
        {"$[*].f", "[{\"f\":null},{\"f\":1},{}]", "[null,1]"}, // reported
        {"$.a[1:]", "{\"a\":[1,2,3]}", "[2,3]"},
        {"$.a[:1]", "{\"a\":[1,2,3]}", "[1]"},
        {"$.a[1:2]", "{\"a\":[1,2,3]}", "[2]"},
        {"$.a[ 1 : 2 ]", "{\"a\":[1,2,3]}", "[2]"},
        {"$.a[-2:]", "{\"a\":[1,2,3]}", "[2,3]"},
        {"$.a[:-1]", "{\"a\":[1,2,3]}", "[1,2]"},
        {"$.a[5:]", "{\"a\":[1,2,3]}", "[]"},
        {"$.a[-9:9]", "{\"a\":[1,2,3]}", "[1,2,3]"},
        {"$.a[:]", "{\"a\":[1,2,3]}", "[1,2,3]"},
        {"$.a[0,2,7]", "{\"a\":[1,2,3]}", "[1,3]"},
        {"$.a[0, -1].b", "{\"a\":[{\"b\":1},{\"b\":2},{\"b\":3}]}", "[1,3]"},
        {"$.[*].['bucket', 'key']", "[{\"bucket\":\"b\",\"key\":\"k\",\"x\":1},{\"key\":\"l\"}]",
         "[{\"bucket\":\"b\",\"key\":\"k\"},{\"key\":\"l\"}]"},
        {"$['a','b'].c", "{\"a\":{\"c\":1},\"b\":{\"c\":2}}", "[1,2]"},
        {"$..age", "{\"age\":1,\"x\":[{\"age\":2},{\"y\":{\"age\":3}}]}", "[1,2,3]"},
        {"$..age", "{\"x\":{\"age\":2},\"age\":1}", "[1,2]"},
        {"$..*", "{\"a\":{\"b\":1},\"c\":[2]}", "[{\"b\":1},[2],1,2]"},
        {"$..[0]", "[[1,2],{\"a\":[3]}]", "[[1,2],1,3]"},
        {"$..['a','b']", "{\"x\":{\"a\":1,\"b\":2},\"y\":{\"a\":3}}", "[{\"a\":1,\"b\":2}]"},
        {"$..a", "5", "[]"},
        {"$..none", "{\"a\":1}", "[]"},
        {"$.a[*].length()", "{\"a\":[{\"x\":1},2]}", "2"},
        {"$.a[?(@ > 1)].length()", "{\"a\":[1,2,3]}", "2"},
        {"$.jar[?(@.a >= 5)][0]", "{\"jar\":[{\"a\":5}]}", "[]"}, // indexes each match
    };
    CHECK_TRIPLES(table);
}

TEST(filters) {
    static const char pets[] = "{\"pets\":[{\"species\":\"cat\",\"age\":3},{\"species\":\"dog\",\"age\":7},{\"species\":\"cat\",\"age\":9}]}";
    static const struct triple table[] = {
        {"$.users[?(@.status == 0)]", "{\"users\":[{\"year\":1997,\"status\":0},{\"year\":1998,\"status\":1}]}",
         "[{\"year\":1997,\"status\":0}]"}, // recorded
        {"$.[?(@.year <= 1998)].year", "[{\"year\":1997},{\"year\":1999}]", "[1997]"},
        {"$.[?(@.OU > 0)]", "[{\"OU\":0},{\"OU\":2}]", "[{\"OU\":2}]"},
        {"$.pets[?(@.species == 'cat' && @.age<5)].age", pets, "[3]"},
        {"$.pets[?(@.species == 'dog' || @.age>=9)].age", pets, "[7,9]"},
        {"$.pets[?(!(@.species == 'dog'))].age", pets, "[3,9]"},
        {"$.pets[?(@.species != \"dog\" && (@.age < 5 || @.age > 8))].age", pets, "[3,9]"},
        {"$[?(@.M)]", "[{\"M\":null},{\"M\":1},{}]", "[{\"M\":null},{\"M\":1}]"},
        {"$[?(!@.M)]", "[{\"M\":null},{\"M\":1},{}]", "[{\"M\":null},{}]"},
        {"$[?(@.info)].info.M", "[{\"info\":{\"M\":1}},{}]", "[1]"},
        {"$.a[?(@.id == $.wanted)].v", "{\"wanted\":2,\"a\":[{\"id\":1,\"v\":\"x\"},{\"id\":2,\"v\":\"y\"}]}", "[\"y\"]"},
        {"$..Q[?(@.s==Failure)]", "{\"r\":{\"Q\":[{\"s\":\"Failure\"},{\"s\":\"Success\"}]}}", "[{\"s\":\"Failure\"}]"},
        {"$[?(@.k == AMOUNT_PAID)]", "[{\"k\":\"AMOUNT_PAID\"}]", "[{\"k\":\"AMOUNT_PAID\"}]"},
        {"$.s[?(@.id =~ /SBJ.*?/i)].id", "{\"s\":[{\"id\":\"sbj001\"},{\"id\":\"x sbj\"},{\"id\":5}]}", "[\"sbj001\"]"},
        {"$[?(@ =~ /\\d+/)]", "[1,\"22\",\"x3\"]", "[1,\"22\"]"},
        {"$[?(@ > 1)]", "[1,2,\"3\"]", "[2]"},
        {"$[?(@ >= 'b')]", "[\"a\",\"b\",\"c\",1]", "[\"b\",\"c\"]"},
        {"$[?(@.a == null)]", "[{\"a\":null},{}]", "[{\"a\":null}]"},
        {"$[?(@.a != 'x')]", "[{\"a\":\"x\"},{},{\"a\":1}]", "[{},{\"a\":1}]"},
        {"$[?(@.a == true)]", "[{\"a\":true},{\"a\":\"true\"}]", "[{\"a\":true}]"},
        {"$[?(@.a == 1.0)]", "[{\"a\":1},{\"a\":\"1.0\"}]", "[{\"a\":1},{\"a\":\"1.0\"}]"},
        {"$[?(@.a == '1')]", "[{\"a\":1},{\"a\":2}]", "[{\"a\":1}]"},
        {"$[?(@.a == -1.5e1)]", "[{\"a\":-15}]", "[{\"a\":-15}]"},
        {"$[?(@ in ['a', \"b\", 3])]", "[\"a\",\"b\",\"c\",3]", "[\"a\",\"b\",3]"},
        {"$[?(@ nin ['a'])]", "[\"a\",\"b\"]", "[\"b\"]"},
        {"$.x[?(@ in $.y)]", "{\"x\":[1,2],\"y\":[2,3]}", "[2]"},
        {"$.x[?(@.n in $.y[*].m)].n", "{\"x\":[{\"n\":1},{\"n\":2}],\"y\":[{\"m\":2}]}", "[2]"},
        {"$[?(@.tags contains 'a')]", "[{\"tags\":[\"a\"]},{\"tags\":\"bac\"},{\"tags\":[]}]", "[{\"tags\":[\"a\"]},{\"tags\":\"bac\"}]"},
        {"$[?(@ subsetof [1,2])]", "[[1],[3],[]]", "[[1],[]]"},
        {"$[?(@ anyof [1,2])]", "[[1,3],[3]]", "[[1,3]]"},
        {"$[?(@ noneof [1,2])]", "[[1,3],[3]]", "[[3]]"},
        {"$[?(@ size 2)]", "[[1,3],[3],\"ab\"]", "[[1,3],\"ab\"]"},
        {"$[?(@ empty true)]", "[[],[3],\"\"]", "[[],\"\"]"},
        {"$[?(@.a[?(@.b == 1)])].n", "[{\"n\":1,\"a\":[{\"b\":1}]},{\"n\":2,\"a\":[{\"b\":2}]},{\"n\":3}]", "[1]"},
        {"$[?(@.a[0].b == 1)]", "[{\"a\":[{\"b\":1}]}]", "[{\"a\":[{\"b\":1}]}]"},
        {"$[?(@['a b'] == 1)]", "[{\"a b\":1}]", "[{\"a b\":1}]"},
        {"$[?(@.length() == 2)]", "[[1,2],[1]]", "[[1,2]]"},
        {"$[?(@.a.length() > $.length())]", "[{\"a\":[1,2]}]", "[{\"a\":[1,2]}]"},
        {"$[?(@..x)]", "[{\"a\":{\"x\":1}},{\"a\":1}]", "[{\"a\":{\"x\":1}}]"},
        {"$[?(@.a == $.x)]", "{\"a\":5,\"x\":5}", "[{\"a\":5,\"x\":5}]"}, // an object is tested itself
        {"$[?(@.a)]", "{\"b\":5}", "[]"},
        {"$[?(@.a == [1])]", "[{\"a\":[1]}]", "[{\"a\":[1]}]"},
        {"$[?(@.a=='${x}')]", "[{\"a\":\"${x}\"}]", "[{\"a\":\"${x}\"}]"},
        {"$[?(@.a==${x.y})]", "[{\"a\":\"${x.y}\"}]", "[{\"a\":\"${x.y}\"}]"},
        {"$..[?(@.a > 1)].a", "{\"x\":[{\"a\":1},{\"a\":2}],\"y\":{\"a\":3}}", "[2,3]"},
        {"$[?(@.OutputKey == FizzBuzz)].OutputValue", "[{\"OutputKey\":\"FizzBuzz\",\"OutputValue\":1}]", "[1]"},
        {"$[?(@.M.answered.BOOL==true)]", "[{\"M\":{\"answered\":{\"BOOL\":true}}}]", "[{\"M\":{\"answered\":{\"BOOL\":true}}}]"},
    };
    CHECK_TRIPLES(table);
}

TEST(regular_expressions) {
    static const struct {
        const char *regex, *text;
        bool matches;
    } table[] = {
        {"/abc/", "abc", true}, {"/abc/", "abcd", false}, {"/abc/", "ABC", false}, {"/abc/i", "aBC", true},
        {"/a.c/", "axc", true}, {"/a.c/", "a\\nc", false}, {"/a.c/s", "a\\nc", true},
        {"/a*/", "", true}, {"/a+/", "", false}, {"/a+?b/", "aab", true}, {"/a?/", "a", true}, {"/a?/", "aa", false},
        {"/a{2}/", "aa", true}, {"/a{2}/", "aaa", false}, {"/a{2,}/", "aaaa", true}, {"/a{2,}/", "a", false},
        {"/a{1,3}/", "aaa", true}, {"/a{1,3}/", "aaaa", false}, {"/a{0,2}b/", "b", true}, {"/a{0}b/", "b", true},
        {"/(ab|cd)+/", "abcdab", true}, {"/(ab|cd|)x/", "x", true}, {"/a|b|c/", "c", true}, {"/a|b|c/", "d", false},
        {"/(?:a|(b|c)d)*e/", "acdabde", true}, {"/(a*)*/", "aaaa", true}, {"/(a*)*b/", "aaaaaaaaaaaaaaaaaaaaaaaac", false},
        {"/[a-c]+/", "abc", true}, {"/[^a-c]/", "d", true}, {"/[^a-c]/", "b", false}, {"/[]x]/", "]", true},
        {"/[a\\-z]/", "-", true}, {"/[\\w.]+/", "a_1.b", true}, {"/[\\D]/", "5", false}, {"/[^\\D]/", "5", true},
        {"/\\d{3}-\\d{4}/", "555-1234", true}, {"/\\s\\S/", " x", true}, {"/\\W/", "-", true},
        {"/^a$/", "a", true}, {"/a^b/", "ab", false}, {"/.*\\bfoo\\b.*/", "a foo b", true}, {"/.*\\bfoo\\b.*/", "afoo", false},
        {"/a\\/b/", "a/b", true}, {"/[/]/", "/", true}, {"/\\./", ".", true}, {"/\\./", "x", false}, {"/\\u00e4/", "ä", true},
        {"/.{3}/", "äöü", true}, {"/[ä-ü]/", "ö", true}, {"/[A-Z]+/i", "abc", true}, {"/a$\\nb/m", "a\\nb", true},
        {"/a{,2}/", "a{,2}", true}, {"/\\$\\{x\\}/", "${x}", true},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char path[100], input[100];
        snprintf(path, sizeof path, "$[?(@ =~ %s)]", table[i].regex);
        snprintf(input, sizeof input, "[\"%s\"]", table[i].text);
        struct triple t = {path, input, table[i].matches ? input : "[]"};
        check_triples(&t, 1);
    }
}

// ---------------------------------------------------------------- slips

TEST(errors_point_into_the_path) {
    static const struct {
        const char *path;
        size_t offset;
        const char *message;
    } table[] = {
        {"", 0, "expected \"$\" at the start of a path, found nothing"},
        {"bug$.a", 0, "expected \"$\" at the start of a path, found \"b\""},
        {"  x", 2, "expected \"$\" at the start of a path, found \"x\""},
        {"ä", 0, "expected \"$\" at the start of a path, found \"ä\""},
        {"States.Format('{}', 1)", 0, "expected \"$\" at the start of a path, found \"S\""},
        {"$.", 2, "expected a name after \".\", found nothing"},
        {"$...", 3, "expected a name, \"*\" or \"[\" after \"..\", found \".\""},
        {"$.a..[", 6, "expected a quoted name, an index, \"*\" or \"?(\" after \"[\", found nothing"},
        {"$..", 3, "expected a name, \"*\" or \"[\" after \"..\", found nothing"},
        {"$$23", 2, "expected \".\" or \"[\" after \"$$\", found \"2\""},
        {"$2", 1, "expected \".\", \"[\", \"$\" or a variable's name after \"$\", found \"2\""},
        {"$_x", 1, "expected \".\", \"[\", \"$\" or a variable's name after \"$\", found \"_\""},
        {"$a-b", 2, "expected \".\" or \"[\" after the variable's name, found \"-\""},
        {"$.a b", 3, "a name with blanks must be written in brackets: ['…']"},
        {"$.a]", 3, "expected \".\" or \"[\", found \"]\""},
        {"$[a]", 2, "a name in brackets must be quoted: ['…']"},
        {"$['a", 2, "this quote is never closed"},
        {"$['a'", 5, "expected \"]\", found nothing"},
        {"$['a',]", 6, "expected a quoted name after the comma, found \"]\""},
        {"$[]", 2, "expected a quoted name, an index, \"*\" or \"?(\" after \"[\", found \"]\""},
        {"$[1", 3, "expected \"]\", found nothing"},
        {"$[1,]", 4, "expected digits, found \"]\""},
        {"$[1:2:3]", 5, "a slice has no step: write [start:end]"},
        {"$[99999999999]", 2, "the index is too large"},
        {"$.a*", 3, "expected \".\" or \"[\", found \"*\""},
        {"$[0]'x'", 4, "expected \".\" or \"[\", found \"'\""},
        {"$.a.min()", 4, "function \"min\" is not supported in paths, only length()"},
        {"$.a.length(1)", 11, "expected \")\": length takes no arguments, found \"1\""},
        {"$.a.length().b", 12, "nothing can follow length()"},
        {"$[(@.length)]", 2, "expressions in brackets are not supported, except (@.length-1) and filters ?(…)"},
        {"$[?]", 3, "expected \"(\" after \"?\", found \"]\""},
        {"$[?(@.a = 1)]", 8, "compare with \"==\", not \"=\""},
        {"$[?(@.a == )]", 11, "expected a value, found \")\""},
        {"$[?(@.a == 1]", 12, "expected \")\" or an operator in the filter, found \"]\""},
        {"$[?(@.a == 1)", 13, "expected \"]\", found nothing"},
        {"$[?(@.a & @.b)]", 8, "write \"&&\""},
        {"$[?(@.a like 'x')]", 8, "unknown operator \"like\" in the filter"},
        {"$[?(1)]", 4, "a test needs a path such as @.a or a comparison"},
        {"$[?(@.a =~ 'x')]", 11, "expected a regular expression such as /a.*/i after \"=~\""},
        {"$[?(@.a == /x/)]", 8, "a regular expression is matched with \"=~\""},
        {"$[?(@.a =~ /(x/)]", 12, "this \"(\" is never closed"},
        {"$[?(@.a =~ /x", 11, "this regular expression is never closed: expected \"/\""},
        {"$[?(@.a =~ /x/q)]", 14, "regular expressions take the flags i, m and s, found \"q\""},
        {"$[?(@.a =~ /(?=x)/)]", 12, "only plain groups and (?:…) are supported in filters"},
        {"$[?(@.a =~ /(x)\\1/)]", 15, "back references are not supported in filters"},
        {"$[?(@.a =~ /*x/)]", 12, "nothing to repeat before \"*\""},
        {"$[?(@.a =~ /x++/)]", 13, "possessive quantifiers are not supported in filters"},
        {"$[?(@.a =~ /[z-a]/)]", 13, "the range in the class runs backwards"},
        {"$[?(@.a == {})]", 11, "an object cannot be written in a filter"},
        {"$[?(@.a in [1)]", 13, "expected \",\" or \"]\" in the list, found \")\""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        asl_path_error error = {0};
        asl_path *path = asl_path_parse(asl_str_z(table[i].path), &error);
        if (path) {
            TEST_FAIL("%s is accepted", table[i].path);
            asl_path_free(path);
            continue;
        }
        if (error.offset != table[i].offset || strcmp(error.message, table[i].message) != 0)
            TEST_FAIL("%s: %zu: %s\n  not %zu: %s", table[i].path, error.offset, error.message, table[i].offset, table[i].message);
    }
    CHECK(asl_path_parse(ASL_STR("x"), NULL) == NULL);
}

TEST(nesting_is_limited) {
    char text[2000];
    size_t n = 0;
    n += (size_t)sprintf(text, "$");
    for (int i = 0; i < 100; i++) n += (size_t)sprintf(text + n, "[?(@.a");
    CHECK(asl_path_parse((asl_str){text, n}, NULL) == NULL);
    n = (size_t)sprintf(text, "$[?(");
    memset(text + n, '(', 1000);
    CHECK(asl_path_parse((asl_str){text, n + 1000}, NULL) == NULL);
    memset(text + n, '!', 1000);
    CHECK(asl_path_parse((asl_str){text, n + 1000}, NULL) == NULL);
}

TEST(classification) {
    static const struct {
        const char *path;
        bool definite, reference;
        asl_path_root root;
        size_t steps;
        const char *variable;
    } table[] = {
        {"$", true, true, ASL_ROOT_INPUT, 0, ""},
        {"$.a['b'][0]", true, true, ASL_ROOT_INPUT, 3, ""},
        {"$$.Map.Item.Index", true, true, ASL_ROOT_CONTEXT, 3, ""},
        {"$count", true, true, ASL_ROOT_VARIABLE, 0, "count"},
        {"$my_Var2.x", true, true, ASL_ROOT_VARIABLE, 1, "my_Var2"},
        {"$.a[-1]", true, false, ASL_ROOT_INPUT, 2, ""},
        {"$.a.length()", true, false, ASL_ROOT_INPUT, 2, ""},
        {"$.a[*].length()", true, false, ASL_ROOT_INPUT, 3, ""},
        {"$['a','b']", true, false, ASL_ROOT_INPUT, 1, ""},
        {"$['a','b'].c", false, false, ASL_ROOT_INPUT, 2, ""},
        {"$[*]", false, false, ASL_ROOT_INPUT, 1, ""},
        {"$..a", false, false, ASL_ROOT_INPUT, 2, ""},
        {"$[0,1]", false, false, ASL_ROOT_INPUT, 1, ""},
        {"$[0:1]", false, false, ASL_ROOT_INPUT, 1, ""},
        {"$[?(@.a)]", false, false, ASL_ROOT_INPUT, 1, ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        asl_path *path = asl_path_parse(asl_str_z(table[i].path), NULL);
        CHECK_OR_END(path);
        CHECK_EQ(asl_path_definite(path), table[i].definite);
        CHECK_EQ(asl_path_reference(path), table[i].reference);
        CHECK_EQ(asl_path_root_of(path), table[i].root);
        CHECK_EQ(asl_path_steps(path), table[i].steps);
        CHECK_STR(asl_path_variable(path), table[i].variable);
        CHECK_STR(asl_path_text(path), table[i].path);
        asl_path_free(path);
    }
    asl_path *path = asl_path_parse(ASL_STR(" $.a\t"), NULL);
    CHECK_STR(asl_path_text(path), "$.a");
    asl_path_free(path);
}

// ---------------------------------------------------------------- what is missing

TEST(missing) {
    static const struct {
        const char *path, *input, *text;
        bool past_end;
    } table[] = {
        {"$.NoSuchInputPath", "{\"int-literal\":0}", "No results for path: $['NoSuchInputPath']", false}, // recorded
        {"$.no.such.result.path", "{}", "Missing property in path $['no']", false},                       // recorded
        {"$.a.b", "{\"a\":{}}", "No results for path: $['a']['b']", false},
        {"$.a.b.c", "{\"a\":{}}", "Missing property in path $['a']['b']", false},
        {"$.a.b", "{\"a\":1}", "No results for path: $['a']['b']", false},
        {"$$.a", "{}", "No results for path: $['a']", false},
        {"$x.a", "{}", "No results for path: $['a']", false},
        {"$.a[3]", "{\"a\":[]}", "No results for path: $['a'][3]", true},
        {"$.a[3].b", "{\"a\":[]}", "No results for path: $['a'][3]['b']", true},
        {"$.a[-1]", "{\"a\":[]}", "No results for path: $['a'][-1]", true},
        {"$.a[0]", "{\"a\":{}}", "No results for path: $['a'][0]", false},
        {"$.a.length()", "{\"a\":0}", "No results for path: $['a'].length()", false},
        {"$['a','b']", "[]", "No results for path: $['a','b']", false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        asl_path *path = asl_path_parse(asl_str_z(table[i].path), NULL);
        asl_value input = json(table[i].input), got = asl_path_get(path, &input);
        CHECK_EQ(got.tag, ASL_NONE);
        asl_buffer text = {0};
        asl_path_missing(path, &input, &text);
        CHECK_STR(((asl_str){text.data, text.size}), table[i].text);
        CHECK_EQ(asl_path_index_past_end(path, &input), table[i].past_end);
        asl_buffer_free(&text);
        asl_release(input);
        asl_path_free(path);
    }
}

TEST(indefinite_paths_have_no_end) {
    asl_value input = json("[]");
    asl_path *path = asl_path_parse(ASL_STR("$[0][*]"), NULL);
    CHECK(!asl_path_index_past_end(path, &input));
    asl_path_free(path);
    asl_release(input);
}

TEST(scans_of_scans_are_bounded) {
    asl_value deep = asl_int(1);
    for (int i = 0; i < ASL_MAX_DEPTH - 1; i++) deep = asl_object_put(asl_object_new(1), ASL_STR("a"), deep);
    asl_path *once = asl_path_parse(ASL_STR("$..a"), NULL), *often = asl_path_parse(ASL_STR("$..a..a..a"), NULL);
    asl_value got = asl_path_get(once, &deep);
    CHECK_EQ(asl_array_count(&got), ASL_MAX_DEPTH - 1);
    asl_release(got);
    got = asl_path_get(often, &deep);
    CHECK_EQ(got.tag, ASL_NONE);
    asl_buffer text = {0};
    asl_path_missing(often, &deep, &text);
    CHECK_STR(((asl_str){text.data, text.size}), "The path selects too many nodes: $..a..a..a");
    asl_buffer_free(&text);
    asl_path_free(once);
    asl_path_free(often);
    asl_release(deep);
}

// ---------------------------------------------------------------- ResultPath

TEST(put) {
    static const struct triple table[] = { // the value put is 7
        {"$", "{\"a\":1}", "7"},
        {"$.a", "{\"a\":1,\"b\":2}", "{\"a\":7,\"b\":2}"},
        {"$.c", "{\"a\":1}", "{\"a\":1,\"c\":7}"},
        {"$.a.b.c", "{}", "{\"a\":{\"b\":{\"c\":7}}}"},
        {"$.a.b", "{\"a\":{\"x\":1},\"z\":2}", "{\"a\":{\"x\":1,\"b\":7},\"z\":2}"},
        {"$['a b']", "{}", "{\"a b\":7}"},
        {"$.a[1].b", "{\"a\":[1,{\"b\":2}]}", "{\"a\":[1,{\"b\":7}]}"},
        {"$[0]", "[1,2]", "[7,2]"},
        {"$.a[2]", "{\"a\":[1,2]}", NULL},
        {"$.a[0]", "{}", NULL},
        {"$.a.b", "{\"a\":1}", NULL},
        {"$.a.b", "{\"a\":null}", NULL},
        {"$.a", "[]", NULL},
        {"$.a", "\"text\"", NULL},
        {"$[*]", "[1]", NULL},
        {"$[-1]", "[1]", NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        asl_path *path = asl_path_parse(asl_str_z(table[i].path), NULL);
        for (int shared = 0; shared < 2; shared++) {
            asl_value document = json(table[i].input), kept = shared ? asl_retain(document) : asl_none();
            asl_value got = asl_path_put(path, document, asl_int(7));
            asl_buffer text = {0};
            if (got.tag != ASL_NONE) asl_json_print(&got, &text);
            CHECK_STR(((asl_str){text.data, text.size}), table[i].output ? table[i].output : "");
            if (shared) {
                text.size = 0;
                asl_json_print(&kept, &text);
                CHECK_STR(((asl_str){text.data, text.size}), table[i].input);
            }
            asl_buffer_free(&text);
            asl_release(got);
            asl_release(kept);
        }
        asl_path_free(path);
    }
}
