// A unit test file is one executable:
//
//     #include "test.h"
//     TEST(name) {
//         CHECK(condition);
//         CHECK_EQ(integer, integer);
//         CHECK_STR(asl_str or char *, "text");
//     }
//
// Run without arguments it runs every test in the order of the file; with names, those; --list prints them. A failed
// check is reported with its place and the test goes on, so that one run shows all that is wrong; CHECK_OR_END ends the
// test, where going on makes no sense. When the runtime is linked in, each test must give back all memory it took.
// The exit status is 1 when anything failed.
#ifndef ASL_TEST_H
#define ASL_TEST_H

#include "aslc/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
    const char *name;
    void (*run)(void);
    struct test_case *next;
};
static struct test_case *test_first, **test_last = &test_first;
static int test_failures; /* of the running test */

/* Compiler tests may do without the runtime. */
extern size_t asl_alloc_live(void) __attribute__((weak));

#define TEST(title)                                                                   \
    static void test_##title(void);                                                   \
    __attribute__((constructor)) static void test_register_##title(void) {            \
        static struct test_case test = {#title, test_##title, NULL};                  \
        *test_last = &test;                                                           \
        test_last = &test.next;                                                       \
    }                                                                                 \
    static void test_##title(void)

#define TEST_FAIL(...)                                                                \
    (printf("FAIL %s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), printf("\n"), (void)test_failures++)

#define CHECK(condition) ((condition) ? (void)0 : TEST_FAIL("%s", #condition))
#define CHECK_OR_END(condition)                                                       \
    do {                                                                              \
        if (condition) break;                                                         \
        TEST_FAIL("%s", #condition);                                                  \
        return;                                                                       \
    } while (0)
#define CHECK_EQ(got, wanted)                                                         \
    do {                                                                              \
        long long test_got = (long long)(got), test_wanted = (long long)(wanted);     \
        if (test_got != test_wanted) TEST_FAIL("%s is %lld, not %lld", #got, test_got, test_wanted); \
    } while (0)
/* Both may be asl_str, char * or const char *. */
#define CHECK_STR(got, wanted)                                                        \
    do {                                                                              \
        asl_str test_got = TEST_STR(got), test_wanted = TEST_STR(wanted);             \
        if (test_got.size != test_wanted.size || memcmp(test_got.data, test_wanted.data, test_got.size) != 0) { \
            TEST_FAIL("%s is \"%.*s\", not \"%.*s\"", #got, (int)test_got.size, test_got.data,                  \
                      (int)test_wanted.size, test_wanted.data);                       \
        }                                                                             \
    } while (0)
#define TEST_STR(s) _Generic((s), asl_str: test_str_same, char *: test_str_z, const char *: test_str_z)(s)

static inline asl_str test_str_same(asl_str s) { return s.data ? s : (asl_str){"", 0}; }
static inline asl_str test_str_z(const char *s) { return s ? (asl_str){s, strlen(s)} : (asl_str){"(null)", 6}; }

static bool test_run(const struct test_case *test) {
    size_t live = asl_alloc_live ? asl_alloc_live() : 0;
    test_failures = 0;
    test->run();
    if (asl_alloc_live && asl_alloc_live() != live) {
        printf("FAIL %s: %lld blocks not freed\n", test->name, (long long)asl_alloc_live() - (long long)live);
        test_failures++;
    }
    printf("%s %s\n", test_failures ? "FAILED" : "ok", test->name);
    fflush(stdout);
    return test_failures == 0;
}

int main(int argc, char **argv) {
    bool all_ok = true;
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        for (const struct test_case *t = test_first; t; t = t->next) puts(t->name);
        return 0;
    }
    for (const struct test_case *t = test_first; argc == 1 && t; t = t->next) all_ok &= test_run(t);
    for (int i = 1; i < argc; i++) {
        const struct test_case *t = test_first;
        while (t && strcmp(t->name, argv[i]) != 0) t = t->next;
        if (t) {
            all_ok &= test_run(t);
        } else {
            printf("FAIL there is no test %s\n", argv[i]);
            all_ok = false;
        }
    }
    return all_ok ? 0 : 1;
}

#endif
