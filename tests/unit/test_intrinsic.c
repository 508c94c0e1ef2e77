// The intrinsic functions, called as compiled code calls them.
#include "query.h"
#include "test.h"

static const char *const names[] = {
#define INTRINSIC(id, name, min, max, result) name,
#include "aslc/intrinsics.def"
#undef INTRINSIC
};

static asl_value json(const char *text) {
    asl_value v = asl_none();
    asl_json_error error;
    if (asl_json_parse(asl_str_z(text), NULL, &v, &error) != 0) TEST_FAIL("%s: %s", text, error.message);
    return v;
}

// Calls by name; args is a JSON array. The result as JSON text, or "! message". The caller frees it.
static char *call(const char *name, const char *args, uint64_t seed) {
    int function = 0;
    while (strcmp(names[function], name) != 0) function++;
    struct asl__random random;
    asl__random_seed(&random, seed);
    asl_value list = json(args), out, copy[16];
    size_t count = asl_array_count(&list);
    for (size_t i = 0; i < count && i < 16; i++) copy[i] = *asl_array_at(&list, i);
    char message[300];
    asl_buffer text = {0};
    if (asl__intrinsic_call((asl_intrinsic)function, copy, count, &random, &out, message, sizeof message) == 0) {
        asl_json_print(&out, &text);
        asl_release(out);
    } else {
        asl_buffer_format(&text, "! %s", message);
    }
    asl_release(list);
    return text.data;
}

struct example {
    const char *name, *args, *result;
};

static void check(const struct example *table, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char *got = call(table[i].name, table[i].args, 1);
        if (strcmp(got, table[i].result) != 0)
            TEST_FAIL("%s %s is %s\n  not %s", table[i].name, table[i].args, got, table[i].result);
        asl_free(got);
    }
}
#define CHECK_EXAMPLES(table) check(table, sizeof table / sizeof *table)

TEST(arrays) {
    static const struct example table[] = {
        {"Array", "[]", "[]"},
        {"Array", "[1,\"a\",null,{\"b\":[]}]", "[1,\"a\",null,{\"b\":[]}]"},
        {"ArrayPartition", "[[],4]", "[]"},
        {"ArrayPartition", "[[0,1,2],2]", "[[0,1],[2]]"},
        {"ArrayPartition", "[[0,1],4]", "[[0,1]]"},
        {"ArrayPartition", "[[0,1,2],1.5]", "[[0,1],[2]]"},
        {"ArrayPartition", "[[0,1,2],0]", "! States.ArrayPartition: argument 2 is the size of a part and must be at least 1, found 0"},
        {"ArrayPartition", "[{},2]", "! States.ArrayPartition: argument 1 must be an array, found an object"},
        {"ArrayPartition", "[[],\"2\"]", "! States.ArrayPartition: argument 2 must be a number, found a string"},
        {"ArrayContains", "[[[1,2,3],2],[1,2,3]]", "true"},
        {"ArrayContains", "[[],null]", "false"},
        {"ArrayContains", "[[{\"1\":2,\"2\":[]}],{\"2\":[],\"1\":2}]", "true"},
        {"ArrayContains", "[[1],1.0]", "true"},
        {"ArrayContains", "[[1],\"1\"]", "false"},
        {"ArrayContains", "[null,1]", "! States.ArrayContains: argument 1 must be an array, found null"},
        {"ArrayRange", "[0,9,3]", "[0,3,6,9]"},
        {"ArrayRange", "[0,10,3]", "[0,3,6,9]"},
        {"ArrayRange", "[1,9,9]", "[1]"},
        {"ArrayRange", "[5,1,-2]", "[5,3,1]"},
        {"ArrayRange", "[1,5,-1]", "[]"},
        {"ArrayRange", "[5,1,1]", "[]"},
        {"ArrayRange", "[3,3,1]", "[3]"},
        {"ArrayRange", "[0.5,2.4,1]", "[1,2]"},
        {"ArrayRange", "[1,9,0.4]", "! States.ArrayRange: argument 3, the step, must not be 0"},
        {"ArrayRange", "[1,1001,1]", "! States.ArrayRange: the range has 1001 elements, at most 1000 are allowed"},
        {"ArrayRange", "[-2147483648,2147483647,1]", "! States.ArrayRange: the range has 4294967296 elements, at most 1000 are allowed"},
        {"ArrayRange", "[0,1e300,1]", "! States.ArrayRange: argument 2 must be between -2147483648 and 2147483647"},
        {"ArrayGetItem", "[[1,2,3,4,5,6,7,8,9],5]", "6"},
        {"ArrayGetItem", "[[1,2],2]", "! States.ArrayGetItem: argument 2 is 2, but the array has 2 elements"},
        {"ArrayGetItem", "[[1],1]", "! States.ArrayGetItem: argument 2 is 1, but the array has 1 element"},
        {"ArrayGetItem", "[[1],-1]", "! States.ArrayGetItem: argument 2, the index, must not be negative, found -1"},
        {"ArrayLength", "[[1,[2,3]]]", "2"},
        {"ArrayLength", "[\"abc\"]", "! States.ArrayLength: argument 1 must be an array, found a string"},
        {"ArrayUnique", "[[1,2,1,\"1\",null,null,{\"a\":1,\"b\":2},{\"b\":2,\"a\":1.0},1.0,0,-0.0,[1],[1]]]",
         "[1,2,\"1\",null,{\"a\":1,\"b\":2},0,[1]]"},
        {"ArrayUnique", "[[]]", "[]"},
        {"ArrayUnique", "[true]", "! States.ArrayUnique: argument 1 must be an array, found a boolean"},
    };
    CHECK_EXAMPLES(table);
}

TEST(unique_of_many) {
    asl_value list = asl_array_new(0), out;
    for (int i = 0; i < 100000; i++) list = asl_array_push(list, asl_int(i % 50000));
    char message[100];
    CHECK_EQ(asl__intrinsic_call(ASL_INTRINSIC_ARRAY_UNIQUE, &list, 1, NULL, &out, message, sizeof message), 0);
    CHECK_EQ(asl_array_count(&out), 50000);
    asl_release(out);
    asl_release(list);
}

TEST(encoding) {
    static const struct example table[] = {
        {"Base64Encode", "[\"\"]", "\"\""},
        {"Base64Encode", "[\"Data to encode\"]", "\"RGF0YSB0byBlbmNvZGU=\""},
        {"Base64Encode", "[\"ä\"]", "\"w6Q=\""},
        {"Base64Encode", "[7]", "! States.Base64Encode: argument 1 must be a string, found a number"},
        {"Base64Decode", "[\"\"]", "\"\""},
        {"Base64Decode", "[\"RGF0YSB0byBlbmNvZGU=\"]", "\"Data to encode\""},
        {"Base64Decode", "[\"YQ==\"]", "\"a\""},
        {"Base64Decode", "[\"YQ\"]", "\"a\""},
        {"Base64Decode", "[\"YWJj\"]", "\"abc\""},
        {"Base64Decode", "[\"YQ=\"]", "! States.Base64Decode: argument 1 is not Base64: its length or its padding is wrong"},
        {"Base64Decode", "[\"Y\"]", "! States.Base64Decode: argument 1 is not Base64: its length or its padding is wrong"},
        {"Base64Decode", "[\"YQ==YQ==\"]", "! States.Base64Decode: argument 1 is not Base64: its length or its padding is wrong"},
        {"Base64Decode", "[\"YW-j\"]", "! States.Base64Decode: argument 1 is not Base64: there is \"-\" at character 3"},
        {"Base64Decode", "[\"/w==\"]", "! States.Base64Decode: argument 1 does not decode to UTF-8 text"},
        {"Base64Decode", "[\"7aCA\"]", "! States.Base64Decode: argument 1 does not decode to UTF-8 text"}, // a surrogate
        {"Hash", "[\"input data\",\"MD5\"]", "\"812f45842bc6d66ee14572ce20db8e86\""},
        {"Hash", "[\"input data\",\"SHA-1\"]", "\"aaff4a450a104cd177d28d18d74485e8cae074b7\""},
        {"Hash", "[\"input data\",\"SHA-256\"]", "\"b4a697a057313163aee33cd8d40c66e9f0f177e00cac2de32475ffff6169c3e3\""},
        {"Hash", "[\"input data\",\"SHA-384\"]",
         "\"d28a7d5cf25a74f11a50a18452b75e04bb3d70c9dd0510d6123aa008c756511b87525bdc835ebb27e1fb9e9374a15562\""},
        {"Hash", "[\"\",\"SHA-512\"]",
         "\"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e\""},
        {"Hash", "[[1],\"MD5\"]", "\"35dba5d75538a9bbe0b4da4422759a0e\""}, // of [1] as text
        {"Hash", "[\"x\",\"md5\"]", "! States.Hash: argument 2 must be MD5, SHA-1, SHA-256, SHA-384 or SHA-512, found \"md5\""},
        {"Hash", "[\"x\",5]", "! States.Hash: argument 2 must be a string, found a number"},
    };
    CHECK_EXAMPLES(table);
}

TEST(long_text) {
    asl_buffer args = {0};
    asl_buffer_z(&args, "[\"");
    for (int i = 0; i < 10000; i++) asl_buffer_z(&args, "ä");
    asl_buffer_z(&args, "\"]");
    char *got = call("Base64Encode", args.data, 1);
    CHECK(got[0] == '"');
    asl_free(got);
    args.size -= 2;
    asl_buffer_z(&args, "x\"]");
    got = call("Base64Encode", args.data, 1);
    CHECK_STR(got, "! States.Base64Encode: argument 1 has 10001 characters, at most 10000 are allowed");
    asl_free(got);
    asl_buffer_free(&args);
}

TEST(json_functions) {
    static const struct example table[] = {
        {"JsonMerge", "[{\"a\":{\"a1\":1,\"a2\":2},\"b\":2,\"d\":3},{\"a\":{\"a3\":1,\"a4\":2},\"c\":3,\"d\":4},false]",
         "{\"a\":{\"a3\":1,\"a4\":2},\"b\":2,\"c\":3,\"d\":4}"}, // recorded, order too
        {"JsonMerge", "[{},{},false]", "{}"},
        {"JsonMerge", "[{},{},true]", "! States.JsonMerge: argument 3 must be false: deep merging is not supported"},
        {"JsonMerge", "[{},[],false]", "! States.JsonMerge: argument 2 must be an object, found an array"},
        {"JsonMerge", "[{},{},0]", "! States.JsonMerge: argument 3 must be a boolean, found a number"},
        {"StringToJson", "[\"\"]", "null"},
        {"StringToJson", "[\" \\n\"]", "null"},
        {"StringToJson", "[\"-0\"]", "0"},
        {"StringToJson", "[\"1.10\"]", "1.10"},
        {"StringToJson", "[\"[1, 2, \\\"HelloWorld\\\"]\"]", "[1,2,\"HelloWorld\"]"},
        {"StringToJson", "[\"{\\\"Arg1\\\": 1, \\\"Arg2\\\": []}\"]", "{\"Arg1\":1,\"Arg2\":[]}"},
        {"StringToJson", "[5]", "! States.StringToJson: argument 1 must be a string, found a number"},
        {"JsonToString", "[\"HelloWorld\"]", "\"\\\"HelloWorld\\\"\""},
        {"JsonToString", "[[1, 2, \"HelloWorld\"]]", "\"[1,2,\\\"HelloWorld\\\"]\""},
        {"JsonToString", "[null]", "\"null\""},
        {"JsonToString", "[1.1]", "\"1.1\""},
    };
    CHECK_EXAMPLES(table);
    char *got = call("StringToJson", "[\"{\\\"a\\\":\"]", 1);
    CHECK(strstr(got, "! States.StringToJson: argument 1 is not JSON: line 1, column 6:") == got);
    asl_free(got);
}

TEST(numbers) {
    static const struct example table[] = {
        {"MathAdd", "[1.49,1.5]", "3"},      {"MathAdd", "[-1.49,-1.5]", "-2"},  {"MathAdd", "[-0.5,0.5]", "1"},
        {"MathAdd", "[1.5,1.51]", "4"},      {"MathAdd", "[-1.5,-1.51]", "-3"},  {"MathAdd", "[2.5,0]", "3"},
        {"MathAdd", "[-2.5,0]", "-2"},       {"MathAdd", "[-3.5,0]", "-3"},      {"MathAdd", "[-1.51,0]", "-2"},
        {"MathAdd", "[2147483647,2147483647]", "4294967294"},
        {"MathAdd", "[2147483648,0]", "! States.MathAdd: argument 1 must be between -2147483648 and 2147483647"},
        {"MathAdd", "[1,\"-1\"]", "! States.MathAdd: argument 2 must be a number, found a string"},
        // java.util.Random of these seeds
        {"MathRandom", "[0,10,42]", "0"},    {"MathRandom", "[100,110,42]", "100"}, {"MathRandom", "[0,1000,0]", "360"},
        {"MathRandom", "[0,999,3]", "239"},  {"MathRandom", "[0,16,42]", "11"},
        {"MathRandom", "[0,999,-5]", "309"}, {"MathRandom", "[0,2000000000,7]", "1569164236"},
        {"MathRandom", "[0,10000000000,9]", "5246538988"},
        {"MathRandom", "[-9007199254740992,9007199254740992,7]", "-4759130259114984"},
        {"MathRandom", "[5,5]", "! States.MathRandom: argument 1, the start, must be less than argument 2, the end: found 5 and 5"},
        {"MathRandom", "[0,\"9\"]", "! States.MathRandom: argument 2 must be a number, found a string"},
    };
    CHECK_EXAMPLES(table);
    bool seen[3] = {false};
    for (uint64_t seed = 0; seed < 100; seed++) {
        char *got = call("MathRandom", "[-1,2]", seed);
        int n = atoi(got);
        CHECK(n >= -1 && n < 2);
        if (n >= -1 && n < 2) seen[n + 1] = true;
        asl_free(got);
    }
    CHECK(seen[0] && seen[1] && seen[2]);
}

TEST(text) {
    static const struct example table[] = {
        {"StringSplit", "[\" , \",\",\"]", "[\" \",\" \"]"},
        {"StringSplit", "[\", , ,\",\",\"]", "[\" \",\" \"]"},
        {"StringSplit", "[\",,,,\",\",\"]", "[]"},
        {"StringSplit", "[\"\",\",\"]", "[]"},
        {"StringSplit", "[\"abc\",\"\"]", "[\"abc\"]"},
        {"StringSplit", "[\"This.is+a,test=string\",\".+,=\"]", "[\"This\",\"is\",\"a\",\"test\",\"string\"]"},
        {"StringSplit", "[\"split on T and \\nnew line\",\"T\\n\"]", "[\"split on \",\" and \",\"new line\"]"},
        {"StringSplit", "[\"aäböc\",\"öä\"]", "[\"a\",\"b\",\"c\"]"},
        {"StringSplit", "[[],\",\"]", "! States.StringSplit: argument 1 must be a string, found an array"},
        {"Format", "[\"Formatting argument {}.\",null]", "\"Formatting argument null.\""},
        {"Format", "[\"{} {} {}\",1.1,true,\"x\"]", "\"1.1 true x\""},
        {"Format", "[\"{}\",1.0]", "\"1.0\""},
        {"Format", "[\"{}\",{\"Arg1\":1,\"Arg2\":[]}]", "\"{Arg1=1, Arg2=[]}\""}, // recorded
        {"Format", "[\"{}\",[\"a\",null,[1,{}],{\"k\":\"v\",\"l\":[2]}]]", "\"[a, null, [1, {}], {k=v, l=[2]}]\""},
        {"Format", "[\"\\\\{{}\\\\} \\\\\\\\ it\\\\'s {x} C:\\\\tmp\",1]", "\"{1} \\\\ it's {x} C:\\\\tmp\""},
        {"Format", "[\"${a}/{}\",1]", "\"${a}/1\""},
        {"Format", "[\"plain\"]", "\"plain\""},
        {"Format", "[\"{} {}\",1]", "! States.Format: the template has 2 placeholders {} for 1 argument"},
        {"Format", "[\"{}\",1,2]", "! States.Format: the template has 1 placeholder {} for 2 arguments"},
        {"Format", "[5]", "! States.Format: argument 1 must be a string, found a number"},
        {"Format", "[]", "! States.Format: wrong number of arguments: 0"},
        {"MathAdd", "[1,2,3]", "! States.MathAdd: wrong number of arguments: 3"},
    };
    CHECK_EXAMPLES(table);
}

TEST(deep_values_print) {
    asl_value deep = asl_array_new(0), out, args[2];
    for (int i = 0; i < ASL_MAX_DEPTH - 1; i++) deep = asl_array_push(asl_array_new(1), deep);
    args[0] = asl_string_z("{}");
    args[1] = deep;
    char message[100];
    CHECK_EQ(asl__intrinsic_call(ASL_INTRINSIC_FORMAT, args, 2, NULL, &out, message, sizeof message), 0);
    CHECK_EQ(asl_text_of(&out).size, 2 * ASL_MAX_DEPTH);
    asl_release(out);
    asl_release(deep);
}

TEST(uuids) {
    char *a = call("UUID", "[]", 1), *b = call("UUID", "[]", 1), *c = call("UUID", "[]", 2);
    CHECK_EQ(strlen(a), 38);
    CHECK(a[15] == '4' && strchr("89ab", a[20]));
    CHECK(a[9] == '-' && a[14] == '-' && a[19] == '-' && a[24] == '-');
    CHECK_STR(a, b);
    CHECK(strcmp(a, c) != 0);
    asl_free(a);
    asl_free(b);
    asl_free(c);
}

TEST(random_numbers) {
    struct asl__random r;
    asl__random_seed(&r, 0);
    CHECK(asl__random_next(&r) == 0x99ec5f36cb75f2b4u); // of the reference implementation, seeded by splitmix64(0)
    for (int i = 0; i < 1000; i++) {
        double d = asl__random_unit(&r);
        CHECK(d >= 0 && d < 1);
    }
}
