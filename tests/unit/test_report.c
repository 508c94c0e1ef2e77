// The report's data: what a page has in it. How it looks is for tests/browser.
#include "report/report.h"

#include "test.h"

static asl_buffer make(const char *definition, const char *description, asl_str history) {
    asl_buffer page = {0};
    struct report r = {.machine = "M & <N>", .version = "1", .definition = asl_str_z(definition), .definition_file = "m.json",
                       .description = asl_str_z(description), .history = history};
    asl__report(&r, &page);
    return page;
}

/* The data element's JSON. */
static asl_value data_of(const asl_buffer *page) {
    asl_value v = asl_none();
    asl_json_error error;
    const char *from = strstr(page->data, "id=\"data\">"), *to = from ? strstr(from, "</script>") : NULL;
    CHECK(to != NULL);
    if (!to) return v;
    from += strlen("id=\"data\">");
    if (asl_json_parse((asl_str){from, (size_t)(to - from)}, NULL, &v, &error) != 0) TEST_FAIL("%s", error.message);
    return v;
}

static const asl_value *in(const asl_value *object, const char *key) { return asl_object_get(object, asl_str_z(key)); }

TEST(a_page_is_whole) {
    asl_buffer page = make("{}", "{}", ASL_STR("{\"events\":[]}"));
    CHECK(strncmp(page.data, "<!DOCTYPE html>\n", 16) == 0);
    CHECK_STR(page.data + page.size - 8, "</html>\n");
    CHECK(strstr(page.data, "<title>M &amp; &lt;N></title>") != NULL);
    CHECK(strstr(page.data, "script-src 'sha256-") != NULL);
    for (const char *const *s = (const char *const[]){"@TITLE@", "@DATA@", "@STYLE", "@SCRIPT", "https:", NULL}; *s; s++)
        if (strstr(page.data, *s)) TEST_FAIL("%s is in the page", *s);
    asl_buffer_free(&page);
}

TEST(nothing_in_the_data_ends_its_element) {
    asl_buffer page = make("{\"Comment\": \"</script><!--\"}", "{\"name\":\"<b>\"}",
                           ASL_STR("{\"events\":[{\"id\":1,\"type\":\"</script>\",\"x\":{\"<k>\":\"<!--<script>\\u2028\\u0000\"}}]}"));
    asl_value d = data_of(&page);
    CHECK_STR(asl_text_of(in(&d, "definition")), "{\"Comment\": \"</script><!--\"}");
    const char *from = strstr(page.data, "id=\"data\">") + 10;
    CHECK(memchr(from, '<', (size_t)(strstr(from, "</script>") - from)) == NULL);
    asl_release(d);
    asl_buffer_free(&page);
}

TEST(values_are_there_once) {
    asl_buffer page = make("", "{\"status\":\"FAILED\",\"input\":\"{\\\"a\\\":1}\",\"inputDetails\":{\"included\":true},\"startDate\":1718100000.25}",
        ASL_STR("{\"events\":["
                "{\"timestamp\":1718100000.25,\"type\":\"ExecutionStarted\",\"id\":1,\"previousEventId\":0,"
                "\"executionStartedEventDetails\":{\"input\":\"{\\\"a\\\":1}\",\"inputDetails\":{\"truncated\":false},\"roleArn\":\"r\"}},"
                "{\"timestamp\":\"2024-06-11T10:00:01.5+00:00\",\"type\":\"MapStateStarted\",\"id\":2,\"previousEventId\":1,"
                "\"mapStateStartedEventDetails\":{\"length\":3}},"
                "{\"timestamp\":1718100002,\"type\":\"ExecutionStarted\",\"id\":3,\"previousEventId\":0,"
                "\"executionStartedEventDetails\":{\"input\":\"{\\\"a\\\":1}\",\"inputDetails\":{\"truncated\":true},\"roleArn\":\"r\"}}]}"));
    asl_value d = data_of(&page);
    CHECK_EQ(asl_array_count(in(&d, "values")), 6); /* FAILED, the input, the start, r, 3, {"truncated":true} */
    CHECK_EQ(asl_array_count(in(&d, "shapes")), 3);
    CHECK_EQ(asl_array_count(in(&d, "events")), 3);
    CHECK_EQ(in(&d, "start")->i, 1718100000250);
    const asl_value *first = asl_array_at(in(&d, "events"), 0), *second = asl_array_at(in(&d, "events"), 1);
    CHECK_EQ(asl_array_count(first), 6);
    CHECK_EQ(asl_array_at(first, 4)->i, in(in(&d, "execution"), "input")->i);
    CHECK_EQ(asl_array_at(second, 3)->i, 1250);
    CHECK(in(in(&d, "execution"), "inputDetails") == NULL);
    asl_release(d);
    asl_buffer_free(&page);
}

static void add_event(asl_buffer *b, int id, const char *type, const char *key, size_t size, char fill) {
    asl_buffer_format(b, "%s{\"timestamp\":%d,\"type\":\"%s\",\"id\":%d,\"previousEventId\":%d,\"d\":{\"%s\":\"%d ", id > 1 ? "," : "",
                      1718100000 + id, type, id, id - 1, key, id);
    memset(asl_buffer_reserve(b, size), fill, size);
    b->size += size;
    asl_buffer_z(b, "\"}}");
}

TEST(long_payloads_are_cut_between_characters) {
    asl_buffer h = {0};
    asl_buffer_z(&h, "{\"events\":[{\"type\":\"T\",\"id\":1,\"d\":{\"input\":\"x");
    for (int i = 0; i < 40000; i++) asl_buffer_z(&h, "é");
    asl_buffer_z(&h, "\"}}]}");
    asl_buffer page = make("", "", (asl_str){h.data, h.size});
    asl_value d = data_of(&page);
    const asl_value *v = asl_array_at(in(&d, "values"), 0);
    CHECK_EQ(v->tag, ASL_ARRAY);
    CHECK_EQ(asl_array_at(v, 0)->i, 80001);
    CHECK_EQ(asl_text_of(asl_array_at(v, 1)).size, 65535);
    asl_release(d);
    asl_buffer_free(&page);
    asl_buffer_free(&h);
}

TEST(what_led_to_the_end_keeps_its_payloads) {
    asl_buffer h = {0};
    asl_buffer_z(&h, "{\"events\":[");
    for (int i = 1; i <= 1000; i++) add_event(&h, i, "TaskScheduled", "parameters", 30000, 'a');
    asl_buffer_z(&h, "]}");
    asl_buffer page = make("", "", (asl_str){h.data, h.size});
    asl_value d = data_of(&page);
    CHECK(page.size < 5000000);
    CHECK(in(&d, "limit")->i < 30000);
    CHECK_EQ(asl_array_at(in(&d, "values"), 0)->tag, ASL_ARRAY);
    CHECK_EQ(asl_array_at(in(&d, "values"), 999)->tag, ASL_STRING);
    asl_release(d);
    asl_buffer_free(&page);
    asl_buffer_free(&h);
}

TEST(what_cannot_be_read_is_said) {
    asl_buffer page = make("{\"StartAt\": ", "{\"status\":", ASL_STR("{\"events\":[{\"id\":1},"));
    asl_value d = data_of(&page);
    CHECK(asl_text_of(in(&d, "problem")).size > 20);
    CHECK_EQ(asl_array_count(in(&d, "events")), 0);
    asl_release(d);
    asl_buffer_free(&page);
    page = make("", "[]", ASL_STR("{\"events\":[1,null,[],{},{\"id\":\"x\",\"type\":7,\"timestamp\":\"never\",\"previousEventId\":1e300}]}"));
    d = data_of(&page);
    CHECK_EQ(asl_array_count(in(&d, "events")), 2);
    asl_release(d);
    asl_buffer_free(&page);
}

TEST(the_middle_of_too_many_events_goes) {
    asl_buffer h = {0};
    asl_buffer_z(&h, "[");
    for (int i = 1; i <= 200010; i++) asl_buffer_format(&h, "%s{\"type\":\"T\",\"id\":%d}", i > 1 ? "," : "", i);
    asl_buffer_z(&h, "]");
    asl_buffer page = make("", "", (asl_str){h.data, h.size});
    asl_value d = data_of(&page);
    CHECK_EQ(in(&d, "omitted")->i, 10);
    CHECK_EQ(asl_array_count(in(&d, "events")), 200000);
    CHECK_EQ(asl_array_at(asl_array_at(in(&d, "events"), 199999), 1)->i, 200010);
    asl_release(d);
    asl_buffer_free(&page);
    asl_buffer_free(&h);
}
