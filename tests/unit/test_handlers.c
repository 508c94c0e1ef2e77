// The handlers exec, worker, ffi, fail and return: what a user's programs do to them, and what the workflow sees then.
//
// Every test also checks that nothing is left: no child, zombie or not, and no descriptor; test.h checks the memory.

#include "test.h"

#include "handlers/answer.h"
#include "handlers/native.h"
#include "handlers/process.h"
#include "one_task.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* libuv opens a few descriptors with the first child and keeps them. */
static void warm_up(void) {
    static bool warm;
    if (warm) return;
    warm = true;
    struct outcome o = run_task("exec:true", "{}", 0);
    outcome_free(&o);
    o = run_task("ffi:libc.so.6#abs(int)->int", "1", 0);
    outcome_free(&o);
}

static int files_before;
static void begin(void) {
    warm_up();
    files_before = open_files();
}
static void end(void) {
    CHECK(!has_children());
    CHECK_EQ(open_files(), files_before);
}

static void gives(const char *handler, const char *payload, const char *output) {
    begin();
    struct outcome o = run_task(handler, payload, 0);
    CHECK_STR(o.message, "");
    if (o.status != ASL_SUCCEEDED || strcmp(output_text(&o), output) != 0)
        TEST_FAIL("%s: got %s '%s' (%.*s: %.*s), not '%s'", handler, asl_status_name(o.status), output_text(&o),
                  (int)text_of(&o.error).size, text_of(&o.error).data, (int)text_of(&o.cause).size,
                  text_of(&o.cause).data, output);
    outcome_free(&o);
    end();
}

static void fails_in(int timeout, const char *handler, const char *payload, const char *error, const char *cause) {
    begin();
    struct outcome o = run_task(handler, payload, timeout);
    CHECK_STR(o.message, "");
    CHECK_EQ(o.status, ASL_FAILED_STATUS);
    CHECK_STR(text_of(&o.error), error);
    const char *any = cause ? strstr(cause, "(*)") : NULL; /* the words of the JSON parser are its own */
    asl_str got = text_of(&o.cause);
    if (any && (got.size <= strlen(cause) || memcmp(got.data, cause, (size_t)(any - cause)) != 0 ||
                memcmp(got.data + got.size - strlen(any + 2), any + 2, strlen(any + 2)) != 0))
        TEST_FAIL("%.*s is not like %s", (int)got.size, got.data, cause);
    else if (!any && cause) CHECK_STR(got, cause);
    else if (!cause) CHECK_EQ(o.cause.tag, ASL_NONE);
    outcome_free(&o);
    end();
}

static void fails(const char *handler, const char *payload, const char *error, const char *cause) {
    fails_in(0, handler, payload, error, cause);
}

static void refused(const char *handler, const char *message) {
    begin();
    struct outcome o = run_task(handler, "{}", 0);
    char want[512];
    snprintf(want, sizeof want, "*=%s: %s", handler, message);
    CHECK_STR(o.message, want);
    outcome_free(&o);
    end();
}

/* Files that the tests make; they go when the process does. */
static char folder[128];

static void remove_folder(void) {
    DIR *d = opendir(folder);
    for (struct dirent *entry; d && (entry = readdir(d));) unlinkat(dirfd(d), entry->d_name, 0);
    if (d) closedir(d);
    rmdir(folder);
}

static const char *script(const char *name, const char *text) {
    static char path[256];
    if (!*folder) {
        const char *tmp = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/asl-handlers-XXXXXX", tmp ? tmp : "/tmp");
        if (!mkdtemp(folder)) exit(2);
        atexit(remove_folder);
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    if (!f) exit(2);
    fputs(text, f);
    fclose(f);
    chmod(path, 0755);
    return path;
}

// ---------------------------------------------------------------- words and texts

static void splits(const char *command, const char *joined) {
    char **argv, message[256] = "";
    asl_buffer b = {0};
    if (asl__split_words(asl_str_z(command), &argv, message, sizeof message) < 0) {
        asl_buffer_format(&b, "error: %s", message);
    } else {
        for (char **w = argv; *w; w++) asl_buffer_format(&b, "[%s]", *w);
        asl_free(argv);
    }
    CHECK_STR(((asl_str){b.data, b.size}), joined);
    asl_buffer_free(&b);
}

TEST(commands_are_split_like_a_shell_splits_plain_words) {
    splits("a", "[a]");
    splits("  a\tb \n c  ", "[a][b][c]");
    splits("a 'b c' \"d e\"", "[a][b c][d e]");
    splits("a'b'\"c\"d", "[abcd]");
    splits("a '' \"\"", "[a][][]");
    splits("a '\\x' \"\\x\\\"\\\\\\$\" \\'\\ ", "[a][\\x][\\x\"\\$][' ]");
    splits("a $HOME *.txt ~", "[a][$HOME][*.txt][~]");
    splits("a '|' \\> x", "[a][|][>][x]");
    splits("", "error: names no command");
    splits("  ", "error: names no command");
    splits("''", "error: names no command");
    splits("a 'b", "error: the command has no closing '");
    splits("a \"b", "error: the command has no closing \"");
    splits("a \\", "error: the command ends in a \\ that quotes nothing");
    splits("a | b", "error: no shell runs the command, so '|' means nothing; write sh -c '…'");
    splits("a > b", "error: no shell runs the command, so '>' means nothing; write sh -c '…'");
    splits("a && b", "error: no shell runs the command, so '&&' means nothing; write sh -c '…'");
    splits("a b;c", "[a][b;c]");
}

TEST(causes_are_trimmed_valid_and_bounded) {
    asl_value v = asl__cause(ASL_STR("  a b \n"));
    CHECK_STR(text_of(&v), "a b");
    asl_release(v);
    v = asl__cause(ASL_STR("x\xff\xc3y\xed\xa0\x80\xf4\x90\x80\x80\xc3\xa4"));
    CHECK_STR(text_of(&v), "x\xef\xbf\xbd\xef\xbf\xbdy\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                           "\xef\xbf\xbd\xef\xbf\xbd\xc3\xa4");
    asl_release(v);
    enum { BIG = 100000 };
    char *big = malloc(BIG);
    for (int i = 0; i + 1 < BIG; i += 2) big[i] = '\xc3', big[i + 1] = '\xa4';
    v = asl__cause((asl_str){big, BIG});
    asl_str t = text_of(&v);
    CHECK(t.size <= ASL__CAUSE_MAX && t.size > ASL__CAUSE_MAX - 8);
    CHECK(asl__utf8_valid(t));
    CHECK(memcmp(t.data, "[…] ", 6) == 0);
    asl_release(v);
    memset(big, 'x', BIG);
    v = asl__cause((asl_str){big, ASL__CAUSE_MAX});
    CHECK_EQ(text_of(&v).size, ASL__CAUSE_MAX);
    asl_release(v);
    free(big);
}

static void reports(const char *text, const char *error, const char *cause) {
    struct asl__failure f;
    if (!asl__failure_in_text(asl_str_z(text), &f)) {
        CHECK_STR("none", error);
        return;
    }
    CHECK_STR(text_of(&f.error), error);
    CHECK_STR(text_of(&f.cause), cause);
    asl_release(f.error);
    asl_release(f.cause);
}

TEST(failure_reports_are_found_on_standard_error) {
    reports("{\"Error\":\"E\",\"Cause\":\"C\"}", "E", "C");
    reports("{\"errorType\":\"E\",\"errorMessage\":\"C\",\"stackTrace\":[]}\n", "E", "C");
    reports("{\n \"Error\": \"E\",\n \"Cause\": \"C\"\n}\n", "E", "C");
    reports("noise\n{\"Error\":\"old\"}\n{\"Error\":\"E\",\"Cause\":\"C\"}\nmore noise\n\n", "E", "C");
    reports("{\"Cause\":\"C\"}", "States.TaskFailed", "C");
    reports("{\"Error\":\"E\"}", "E", "(no string)");
    reports("{\"Error\":\"E\",\"Cause\":{\"a\":[1]}}", "E", "{\"a\":[1]}");
    reports("{\"Error\":1}", "none", "");
    reports("{\"message\":\"x\"}", "none", "");
    reports("[1]\n\"x\"\n{\"Error\":", "none", "");
    reports("", "none", "");
}

// ---------------------------------------------------------------- exec

TEST(exec_gives_the_payload_and_takes_the_result) {
    gives("exec:cat", "{\"a\":[1,2.50,\"\\u00e4\\u0000\"],\"b\":null}", "{\"a\":[1,2.50,\"\xc3\xa4\\u0000\"],\"b\":null}");
    gives("exec:sh -c 'cat /dev/stdin'", "[1]", "[1]");
    gives("exec:sh -c 'read line; echo \"[$line, 2]\"'", "1", "[1,2]");
    gives("exec:true", "{}", "null");
    gives("exec:echo", "{}", "null");
    gives("exec:printf %s '{\"x\": \"a b\"}'", "{}", "{\"x\":\"a b\"}");
}

TEST(exec_tells_the_task_in_the_environment) {
    setenv("ASL_TASK_TOKEN", "of an outer workflow", 1);
    gives("exec:sh -c 'echo \"[\\\"$ASL_STATE\\\",\\\"$ASL_RESOURCE\\\",$ASL_ATTEMPT,\\\"${ASL_TASK_TOKEN-none}\\\","
          "${#ASL_IDEMPOTENCY_TOKEN}]\" | sed s/,[1-9][0-9]*]/,many]/ | sed s/many/1/'",
          "{}", "[\"A\",\"urn:task\",0,\"none\",1]");
    unsetenv("ASL_TASK_TOKEN");
}

TEST(exec_failures_name_error_and_cause) {
    fails("exec:sh -c 'echo oh no >&2; exit 3'", "{}", "States.TaskFailed", "oh no");
    fails("exec:sh -c 'exit 3'", "{}", "States.TaskFailed", "exec: sh -c 'exit 3' exited with status 3");
    fails("exec:sh -c 'echo trying >&2; echo \"{\\\"errorType\\\":\\\"Card.Declined\\\",\\\"errorMessage\\\":\\\"no money\\\"}\" "
          ">&2; exit 1'", "{}", "Card.Declined", "no money");
    fails("exec:sh -c 'echo \"{\\\"Error\\\":\\\"E\\\"}\" >&2; exit 1'", "{}", "E", NULL);
    fails("exec:sh -c 'echo 1; exit 1'", "{}", "States.TaskFailed", "exec: sh -c 'echo 1; exit 1' exited with status 1");
}

TEST(exec_ended_by_a_signal) {
    fails("exec:sh -c 'kill -9 $$'", "{}", "States.TaskFailed", "exec: sh -c 'kill -9 $$' was ended by signal 9 (Killed)");
    fails("exec:sh -c 'echo why >&2; kill -SEGV $$'", "{}", "States.TaskFailed",
          "exec: sh -c 'echo why >&2; kill -SEGV $$' was ended by signal 11 (Segmentation fault); standard error: why");
}

TEST(exec_that_cannot_be_started) {
    fails("exec:no-such-command-here x", "{}", "States.TaskFailed", "exec: no-such-command-here: no such file or directory");
    fails("exec:./no-such-file", "{}", "States.TaskFailed", "exec: ./no-such-file: no such file or directory");
    fails("exec:/etc/passwd", "{}", "States.TaskFailed", "exec: /etc/passwd: permission denied");
}

TEST(exec_printing_no_json) {
    fails("exec:printf '{\"a\": 1,\\n \"b'", "{}", "States.TaskFailed",
          "exec: printf '{\"a\": 1,\\n \"b' printed something that is not JSON (*): "
          "{\"a\": 1,\n \"b");
    fails("exec:printf '\\377'", "{}", "States.TaskFailed",
          "exec: printf '\\377' printed something that is not JSON (*): \xef\xbf\xbd");
    fails("exec:echo 1 2", "{}", "States.TaskFailed",
          "exec: echo 1 2 printed something that is not JSON (*): 1 2");
}

TEST(exec_flooding_standard_output_is_killed) {
    setenv("ASL_OUTPUT_LIMIT", "1000000", 1);
    fails("exec:yes", "{}", "States.TaskFailed", "exec: yes printed more than 1000000 bytes and was killed");
    unsetenv("ASL_OUTPUT_LIMIT");
}

TEST(exec_flooding_standard_error_is_bounded) {
    begin();
    struct outcome o = run_task("exec:sh -c 'yes 0123456789 | head -c 3000000 >&2; echo last >&2; exit 1'", "{}", 0);
    CHECK_STR(text_of(&o.error), "States.TaskFailed");
    asl_str cause = text_of(&o.cause);
    CHECK(cause.size <= ASL__CAUSE_MAX && cause.size > ASL__CAUSE_MAX - 8);
    CHECK(cause.size > 4 && memcmp(cause.data + cause.size - 4, "last", 4) == 0);
    outcome_free(&o);
    end();
}

TEST(exec_with_a_large_payload) {
    enum { SIZE = 3 << 20 };
    char *payload = malloc(SIZE + 3);
    memset(payload, 'x', SIZE + 2);
    payload[0] = payload[SIZE + 1] = '"';
    payload[SIZE + 2] = 0;
    begin();
    struct outcome o = run_task("exec:cat", payload, 0);
    CHECK_EQ(o.status, ASL_SUCCEEDED);
    CHECK_EQ(text_of(&o.output).size, SIZE);
    outcome_free(&o);
    end();
    gives("exec:echo 1", payload, "1"); /* does not read it */
    gives("exec:sh -c 'exec 0<&-; sleep 0.1; echo 1'", payload, "1");
    free(payload);
}

TEST(exec_that_times_out_is_stopped) {
    setenv("ASL_KILL_GRACE_MS", "200", 1);
    fails_in(1, "exec:sleep 100", "{}", "States.Timeout", NULL);
    double start = now();
    fails_in(1, "exec:sh -c 'trap : TERM; while :; do sleep 100; done'", "{}", "States.Timeout", NULL);
    CHECK(now() - start >= 1.1 && now() - start < 10);
    fails_in(1, "exec:sh -c 'trap \"\" TERM; sleep 100 & sleep 100 & wait'", "{}", "States.Timeout", NULL);
    fails_in(1, "exec:sh -c 'kill -STOP $$'", "{}", "States.Timeout", NULL);
    unsetenv("ASL_KILL_GRACE_MS");
}

TEST(exec_has_the_grace_to_clean_up) {
    const char *path = script("cleans-up", "#!/bin/sh\ntrap 'echo bye >&2; sleep 0.2; touch \"$0.done\"; exit' TERM\n"
                                           "while :; do sleep 0.05; done\n");
    char handler[300], done[300];
    snprintf(handler, sizeof handler, "exec:%s", path);
    snprintf(done, sizeof done, "%s.done", path);
    fails_in(1, handler, "{}", "States.Timeout", NULL);
    CHECK(access(done, F_OK) == 0);
    unlink(done);
    unlink(path);
}

TEST(exec_leaving_children_behind) {
    double start = now();
    gives("exec:sh -c 'sleep 100 & echo 1'", "{}", "1");               /* holds the pipes */
    gives("exec:sh -c 'sleep 100 >/dev/null 2>&1 & echo 1'", "{}", "1"); /* does not */
    gives("exec:sh -c '(trap \"\" TERM HUP; yes >&2) & sleep 0.2; echo 1'", "{}", "1");
    gives("exec:sh -c 'setsid sleep 1 & sleep 0.2; echo 1'", "{}", "1"); /* has left the group */
    CHECK(now() - start < 10);
}

TEST(exec_closing_its_streams_runs_on) {
    gives("exec:sh -c 'echo 1; exec 1>&- 2>&-; sleep 0.2'", "{}", "1");
    fails("exec:sh -c 'exec 1>&- 2>&-; sleep 0.2; exit 4'", "{}", "States.TaskFailed",
          "exec: sh -c 'exec 1>&- 2>&-; sleep 0.2; exit 4' exited with status 4");
}

TEST(exec_many_at_once) {
    enum { COUNT = 150 };
    static struct outcome out[COUNT];
    begin();
    run_all(&(struct one_task){.handler = "exec:cat", .payload = "[7]", .count = COUNT}, out);
    int fine = 0;
    for (int i = 0; i < COUNT; i++) {
        fine += out[i].status == ASL_SUCCEEDED && strcmp(output_text(&out[i]), "[7]") == 0;
        outcome_free(&out[i]);
    }
    CHECK_EQ(fine, COUNT);
    end();
}

TEST(exec_waiting_in_line_can_time_out) {
    enum { COUNT = 6 };
    static struct outcome out[COUNT];
    setenv("ASL_EXEC_PROCESSES", "2", 1);
    begin();
    double start = now();
    run_all(&(struct one_task){.handler = "exec:sleep 100", .site = "\"timeoutSeconds\":1", .count = COUNT}, out);
    for (int i = 0; i < COUNT; i++) {
        CHECK_STR(text_of(&out[i].error), "States.Timeout");
        outcome_free(&out[i]);
    }
    CHECK(now() - start < 8);
    end();
    unsetenv("ASL_EXEC_PROCESSES");
}

TEST(exec_output_is_a_heartbeat) {
    begin();
    struct outcome o = run_one((struct one_task){
        .handler = "exec:sh -c 'for i in 1 2 3; do sleep 0.6; echo . >&2; done; echo 1'", .site = "\"heartbeatSeconds\":1"});
    CHECK_EQ(o.status, ASL_SUCCEEDED);
    outcome_free(&o);
    o = run_one((struct one_task){.handler = "exec:sleep 3", .site = "\"heartbeatSeconds\":1"});
    CHECK_STR(text_of(&o.error), "States.Timeout");
    outcome_free(&o);
    end();
}

// ---------------------------------------------------------------- worker

/* Answers [n, payload], n counting its calls; some payloads make it misbehave. */
static const char *worker_script(void) {
    return script("worker", "#!/bin/sh\n"
                            "n=0\n"
                            "while read -r line; do\n"
                            "  n=$((n+1))\n"
                            "  case $line in\n"
                            "  '\"exit\"') exit 7;;\n"
                            "  '\"report\"') echo '{\"errorType\":\"E\",\"errorMessage\":\"C\"}' >&2; exit 1;;\n"
                            "  '\"kill\"') kill -9 $$;;\n"
                            "  '\"junk\"') echo '{half';;\n"
                            "  '\"fail\"') echo '{\"Error\":\"Oops\",\"Cause\":\"it broke\"}';;\n"
                            "  '\"two\"') printf '1\\n2\\n';;\n"
                            "  '\"last\"') printf 5; exit;;\n"
                            "  '\"deaf\"') exec 0<&-; sleep 100;;\n"
                            "  '\"hang\"') sleep 100;;\n"
                            "  '\"flood\"') tr '\\0' x </dev/zero;;\n"
                            "  '\"beat\"') for i in 1 2 3; do sleep 0.6; echo; done; echo 1;;\n"
                            "  *) echo \"[$n, $line]\";;\n"
                            "  esac\n"
                            "done\n");
}

static const char *worker_command(void) {
    static char command[300];
    snprintf(command, sizeof command, "worker:%s", worker_script());
    return command;
}

/* The same payload several times in one engine: what came of each, sorted into a text. */
static void worker_gives(const char *options, const char *payload, int count, int timeout, const char *want) {
    char handler[400], site[64];
    struct outcome out[16];
    asl_buffer got = {0};
    snprintf(handler, sizeof handler, "worker:%s%s", options, worker_command() + strlen("worker:"));
    snprintf(site, sizeof site, "\"timeoutSeconds\":%d", timeout ? timeout : 60);
    begin();
    run_all(&(struct one_task){.handler = handler, .payload = payload, .site = site, .count = count}, out);
    for (int i = 0; i < count; i++) {
        if (out[i].status == ASL_SUCCEEDED) asl_buffer_format(&got, "%s;", output_text(&out[i]));
        else asl_buffer_format(&got, "%.*s;", (int)text_of(&out[i].error).size, text_of(&out[i].error).data);
        outcome_free(&out[i]);
    }
    CHECK_STR(((asl_str){got.data, got.size}), want);
    asl_buffer_free(&got);
    end();
}

static void worker_fails(const char *payload, const char *error, const char *cause) {
    char full[512];
    const char *command = worker_command(), *path = command + strlen("worker:");
    snprintf(full, sizeof full, "worker: %s %s", path, cause);
    fails(command, payload, error, *cause == '=' ? cause + 1 : full);
}

TEST(worker_stays) {
    worker_gives("", "\"x\"", 1, 0, "[1,\"x\"];");
    worker_gives("", "\"x\"", 3, 0, "[1,\"x\"];[2,\"x\"];[3,\"x\"];");
    worker_gives("-j3 ", "\"x\"", 3, 0, "[1,\"x\"];[1,\"x\"];[1,\"x\"];");
}

TEST(worker_that_fails_a_task_is_replaced) {
    worker_gives("", "\"exit\"", 2, 0, "States.TaskFailed;States.TaskFailed;");
    worker_fails("\"exit\"", "States.TaskFailed", "exited with status 7 before it answered");
    worker_fails("\"kill\"", "States.TaskFailed", "was ended by signal 9 (Killed) before it answered");
    worker_fails("\"report\"", "E", "=C");
    worker_fails("\"fail\"", "Oops", "=it broke");
    worker_fails("\"junk\"", "States.TaskFailed",
                 "answered with something that is not JSON (*): {half");
    worker_gives("", "\"junk\"", 2, 0, "States.TaskFailed;States.TaskFailed;");
    worker_gives("", "\"two\"", 3, 0, "1;1;1;");
    worker_gives("", "\"last\"", 2, 0, "5;5;");
    fails("worker:no-such-command-here", "{}", "States.TaskFailed",
          "worker: no-such-command-here: no such file or directory");
}

TEST(worker_that_hangs_is_stopped) {
    setenv("ASL_KILL_GRACE_MS", "200", 1);
    worker_gives("", "\"hang\"", 3, 1, "States.Timeout;States.Timeout;States.Timeout;");
    worker_gives("", "\"deaf\"", 1, 1, "States.Timeout;");
    unsetenv("ASL_KILL_GRACE_MS");
}

TEST(worker_flooding_is_killed) {
    setenv("ASL_OUTPUT_LIMIT", "100000", 1);
    worker_fails("\"flood\"", "States.TaskFailed", "answered with more than 100000 bytes and was killed");
    unsetenv("ASL_OUTPUT_LIMIT");
}

TEST(worker_that_ignores_the_end_of_its_input) {
    setenv("ASL_KILL_GRACE_MS", "100", 1);
    gives("worker:sh -c 'trap \"\" TERM; read line; echo \"$line\"; sleep 100'", "1", "1");
    unsetenv("ASL_KILL_GRACE_MS");
}

TEST(worker_blank_lines_are_heartbeats) {
    begin();
    struct outcome o = run_one(
        (struct one_task){.handler = worker_command(), .payload = "\"beat\"", .site = "\"heartbeatSeconds\":1"});
    CHECK_STR(output_text(&o), "1");
    outcome_free(&o);
    end();
}

TEST(worker_options) {
    refused("worker:-x", "worker: '-x' is no option; write worker:-jN -c COMMAND with N from 1 to 256");
    refused("worker:-j0 cat", "worker: '-j0' is no option; write worker:-jN -c COMMAND with N from 1 to 256");
    refused("worker:-j2", "worker: '-j2' is no option; write worker:-jN -c COMMAND with N from 1 to 256");
    refused("worker:", "worker: names no command");
    refused("exec:", "exec: names no command");
}

// ---------------------------------------------------------------- ffi

TEST(ffi_calls_c_functions) {
    gives("ffi:libc.so.6#abs(int)->int", "-3", "3");
    gives("ffi:libc.so.6#abs(int)->int", "[-3]", "3");
    gives("ffi:libc.so.6#labs(long)->long", "{\"n\":-9000000000}", "9000000000");
    gives("ffi:libm.so.6#sqrt(double)->double", "2.25", "1.5");
    gives("ffi:libm.so.6#pow( double , double ) -> double", "[2,10]", "1024");
    gives("ffi:libc.so.6#strdup(string)->string", "\"h\\u00e4\"", "\"h\xc3\xa4\"");
    gives("ffi:libc.so.6#strdup(json)->json", "{\"a\":[1.50,null]}", "{\"a\":[1.50,null]}");
    gives("ffi:libc.so.6#strdup(json)->string", "[1]", "\"[1]\"");
    gives("ffi:libc.so.6#strncmp(string,string,long)->int", "{\"a\":\"same\",\"b\":\"sane\",\"n\":2}", "0");
    gives("ffi:libcjson.so.1#cJSON_Duplicate(cjson,int)->cjson", "[{\"a\":[1,2]},1]", "{\"a\":[1,2]}");
    gives("ffi:libcjson.so.1#cJSON_IsObject(cjson)->bool", "{}", "true");
    gives("ffi:libcjson.so.1#cJSON_GetArraySize(cjson)->int", "[1,2,3]", "3");
}

TEST(ffi_arguments_must_fit) {
    fails("ffi:libc.so.6#abs(int)->int", "\"3\"", "States.TaskFailed",
          "ffi: parameter 1 of abs takes a whole number in the range of int; the payload has a string there");
    fails("ffi:libc.so.6#abs(int)->int", "2147483648", "States.TaskFailed",
          "ffi: parameter 1 of abs takes a whole number in the range of int; the payload has a number there");
    fails("ffi:libc.so.6#labs(long)->long", "1.5", "States.TaskFailed",
          "ffi: parameter 1 of labs takes a whole number in the range of long; the payload has a number there");
    fails("ffi:libc.so.6#abs(int)->int", "[1,2]", "States.TaskFailed",
          "ffi: abs takes 1 argument; the payload is an array of 2");
    fails("ffi:libm.so.6#pow(double,double)->double", "{\"a\":1}", "States.TaskFailed",
          "ffi: pow takes 2 arguments; the payload is an object of 1");
    fails("ffi:libm.so.6#pow(double,double)->double", "3", "States.TaskFailed",
          "ffi: pow takes 2 arguments, from an array or object; the payload is a number");
    fails("ffi:libc.so.6#strdup(string)->string", "\"a\\u0000b\"", "States.TaskFailed",
          "ffi: parameter 1 of strdup takes a string without U+0000, which ends a C string; the payload has a string there");
    fails("ffi:libc.so.6#abs(bool)->int", "1", "States.TaskFailed",
          "ffi: parameter 1 of abs takes a boolean; the payload has a number there");
}

TEST(ffi_results_must_be_json) {
    fails("ffi:libm.so.6#log(double)->double", "0", "States.TaskFailed",
          "ffi: log returned -inf, which JSON has no number for");
    fails("ffi:libc.so.6#getenv(string)->string", "\"ASL_NO_SUCH_VARIABLE\"", "States.TaskFailed",
          "ffi: getenv returned NULL");
    fails("ffi:libc.so.6#strdup(string)->json", "\"{half\"", "States.TaskFailed",
          "ffi: strdup returned something that is not JSON (*): {half");
    fails("ffi:libc.so.6#strdup(json)->json", "{\"Error\":\"E\",\"Cause\":\"C\"}", "E", "C");
    fails("ffi:libcjson.so.1#cJSON_GetArrayItem(cjson,int)->cjson", "[[],3]", "States.TaskFailed",
          "ffi: cJSON_GetArrayItem returned NULL");
}

TEST(ffi_bindings_are_checked_before_anything_runs) {
    refused("ffi:libc.so.6#no_such_function()->int", "ffi: libc.so.6 has no function 'no_such_function'");
    refused("ffi:no-such-library.so#f()->int",
            "ffi: no-such-library.so: cannot open shared object file: No such file or directory");
    refused("ffi:abs(int)->int", "ffi: write ffi:LIB#SYMBOL(TYPE,…)->TYPE; 'abs(int)->int' has no #SYMBOL");
    refused("ffi:libc.so.6#abs", "ffi: write ffi:LIB#SYMBOL(TYPE,…)->TYPE; 'libc.so.6#abs' has no parameter list");
    refused("ffi:libc.so.6#1x(int)->int", "ffi: '1x' is no name of a C function");
    refused("ffi:libc.so.6#abs(int)", "ffi: abs(…) needs '->TYPE' for its result");
    refused("ffi:libc.so.6#abs(int int)->int", "ffi: the parameter list of abs needs ',' or ')' after int");
    refused("ffi:libc.so.6#abs(int", "ffi: the parameter list of abs needs ',' or ')' after int");
    refused("ffi:libc.so.6#abs(float)->int",
            "ffi: 'float' is no type; the types are int, long, double, bool, string, json, cjson, and task for a parameter");
    refused("ffi:libc.so.6#abs(int)->int,", "ffi: unexpected ',' after the result's type");
    refused("ffi:libc.so.6#f(int,int,int,int,int,int,int,int,int,int,int,int,int,int,int,int,int)->int",
            "ffi: a function may have 16 parameters at most");
}

TEST(ffi_runs_several_at_once_and_waits_for_them) {
    enum { COUNT = 8 };
    static struct outcome out[COUNT];
    begin();
    double start = now();
    run_all(&(struct one_task){.handler = "ffi:libc.so.6#usleep(int)->int", .payload = "200000", .count = COUNT}, out);
    for (int i = 0; i < COUNT; i++) {
        CHECK_STR(output_text(&out[i]), "0");
        outcome_free(&out[i]);
    }
    CHECK(now() - start < 1.5); /* one after the other would be 1.6 */
    end();
    /* A function cannot be stopped: its task times out, and the engine ends when it has returned. */
    start = now();
    fails_in(1, "ffi:libc.so.6#sleep(int)->int", "2", "States.Timeout", NULL);
    CHECK(now() - start >= 1.9);
}

static int add(int a, int b) { return a + b; }
static void add_thunk(asl_cell *result, const asl_cell *arguments) {
    result->i = add(arguments[0].i, arguments[1].i);
}

TEST(ffi_bound_at_compile_time_calls_the_thunk) {
    asl_thunk *const thunks[] = {add_thunk};
    begin();
    struct outcome o = run_one((struct one_task){
        .payload = "[40,2]",
        .thunks = thunks,
        .bindings = "{\"pattern\":\"urn:*\",\"handler\":\"ffi:libnone.a#add(int,int)->int\",\"thunk\":0}"});
    CHECK_STR(o.message, "");
    CHECK_STR(output_text(&o), "42");
    outcome_free(&o);
    end();
}

// ---------------------------------------------------------------- fail, return

TEST(fail_and_return_answer_as_written) {
    gives("return:{\"a\": [1]}", "{}", "{\"a\":[1]}");
    gives("return:null", "{}", "null");
    fails("fail:My.Error", "{}", "My.Error", NULL);
    fails("fail:My.Error:a: b", "{}", "My.Error", "a: b");
    fails("fail:My.Error:", "{}", "My.Error", "");
    refused("fail:", "fail: names no error; write fail:ERROR or fail:ERROR:CAUSE");
    refused("fail::x", "fail: names no error; write fail:ERROR or fail:ERROR:CAUSE");
    refused("return:{a}", "return: what follows is not JSON (1:2: expected a member's name in double quotes)");
    refused("return:", "return: what follows is not JSON (1:1: unexpected end of input, expected a value)");
}
