// What every store must do, whatever the database: the tests that test_store.c and test_store_postgres.c have in common.
//
// The file that includes this gives store_url(). The database is the same for all tests, so each has its own machine.
// Other processes are forked while this one has no store open, for SQLite's locks do not survive a fork.
#ifndef ASL_STORE_CASES_H
#define ASL_STORE_CASES_H

#include "test.h"

#include "store/store.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *store_url(void);

#define OK(call)                                                                                             \
    do {                                                                                                     \
        enum store_result ok_result = (call);                                                                \
        if (ok_result != STORE_OK) TEST_FAIL("%s is %d (%s)", #call, (int)ok_result, store_message(s));      \
    } while (0)

static struct store *open_store(void) {
    char message[512] = "";
    struct store *s = store_open(store_url(), true, message, sizeof message);
    if (s) return s;
    printf("FAIL %s\n", message);
    exit(1);
}

static const asl_str none = {NULL, 0};

static struct store_execution new_execution(const char *machine, const char *name) {
    return (struct store_execution){.machine = machine, .name = name, .arn = "arn:x", .definition = "d1", .status = "RUNNING",
                                    .start_ms = 1000, .input = ASL_STR("{\"a\":1}"), .lease_ms = 5000};
}

/* One execution, claimed. */
static struct store_execution start(struct store *s, const char *machine, const char *name) {
    struct store_execution x = new_execution(machine, name);
    OK(store_begin(s));
    OK(store_execution_new(s, &x, 0, 5000));
    OK(store_commit(s));
    return x;
}

/* One transaction that adds an event. */
static enum store_result add_event(struct store *s, struct store_execution *x) {
    enum store_result r = store_begin(s);
    if (r != STORE_OK) return r;
    x->events++;
    r = store_execution_update(s, x);
    if (r == STORE_OK)
        r = store_event_add(s, x->id, x->events, x->events - 1, 1000 + x->events, "PassStateEntered", ASL_STR("{\"name\":\"A\"}"));
    if (r == STORE_OK) return store_commit(s);
    store_rollback(s);
    return r;
}

struct seen {
    int64_t count, last, stop_after;
    asl_buffer text;
};

static bool see_event(void *user, int64_t id, int64_t previous, int64_t time_ms, const char *type, asl_str details) {
    struct seen *seen = user;
    seen->count++;
    CHECK_EQ(id, seen->last + 1);
    CHECK_EQ(previous, seen->last);
    CHECK_EQ(time_ms, 1000 + id);
    CHECK_STR(type, "PassStateEntered");
    CHECK_STR(details, "{\"name\":\"A\"}");
    seen->last = id;
    return seen->count != seen->stop_after;
}

static int64_t count_events(struct store *s, const struct store_execution *x) {
    struct seen seen = {0};
    OK(store_events(s, x->id, 0, see_event, &seen));
    return seen.count;
}

// ---------------------------------------------------------------- other processes

struct other {
    pid_t pid;
    int to, from;
};

/* Starts run() in a process of its own; it and we say one byte at a time to each other. */
static struct other start_other(void (*run)(int in, int out)) {
    int to[2], from[2];
    if (pipe(to) < 0 || pipe(from) < 0) abort();
    fflush(stdout);
    struct other o = {.pid = fork(), .to = to[1], .from = from[0]};
    if (o.pid < 0) abort();
    if (o.pid == 0) {
        close(to[1]);
        close(from[0]);
        alarm(60);
        test_failures = 0;
        run(to[0], from[1]);
        fflush(stdout);
        _exit(test_failures ? 1 : 0);
    }
    close(to[0]);
    close(from[1]);
    return o;
}

static void say(int fd, char c) {
    if (write(fd, &c, 1) != 1) TEST_FAIL("the other process is gone");
}

static char hear(int fd) {
    char c = 0;
    return read(fd, &c, 1) == 1 ? c : 0;
}

static int end_other(struct other *o) {
    int status = 0;
    close(o->to);
    close(o->from);
    while (waitpid(o->pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

// ---------------------------------------------------------------- executions

TEST(new_and_find) {
    struct store *s = open_store();
    struct store_execution x = start(s, "new_and_find", "one"), y;
    CHECK(x.id > 0);
    CHECK_EQ(x.fence, 1);
    OK(store_begin(s));
    struct store_execution again = new_execution("new_and_find", "one");
    CHECK_EQ(store_execution_new(s, &again, 0, 5000), STORE_EXISTS);
    again.name = "two"; /* … and the transaction goes on */
    OK(store_execution_new(s, &again, 0, 5000));
    OK(store_commit(s));
    CHECK(again.id != x.id);

    CHECK_EQ(store_execution_find(s, "new_and_find", "three", &y), STORE_NONE);
    CHECK_EQ(store_execution_find(s, "elsewhere", "one", &y), STORE_NONE);
    OK(store_execution_find(s, "new_and_find", "one", &y));
    CHECK_EQ(y.id, x.id);
    CHECK_STR(y.machine, "new_and_find");
    CHECK_STR(y.name, "one");
    CHECK_STR(y.arn, "arn:x");
    CHECK_STR(y.definition, "d1");
    CHECK_STR(y.status, "RUNNING");
    CHECK_STR(y.input, "{\"a\":1}");
    CHECK_STR(y.owner, store_owner(s));
    CHECK_EQ(y.start_ms, 1000);
    CHECK_EQ(y.stop_ms, 0);
    CHECK_EQ(y.lease_ms, 5000);
    CHECK(!y.output.data && !y.error.data && !y.cause.data && !y.state && !y.stop_wanted);

    x.status = "FAILED";
    x.stop_ms = 9000, x.deadline_ms = 8000, x.redrive_count = 3, x.redrive_ms = 77, x.events = 12, x.lease_ms = 6000;
    x.output = (asl_str){"", 0};
    x.error = ASL_STR("\"E'rr\"");
    x.cause = ASL_STR("\"Größe 漢字 \\u0000\"");
    x.state = "Pack";
    x.definition = "d2";
    OK(store_begin(s));
    OK(store_execution_update(s, &x));
    OK(store_execution_release(s, x.id, x.fence));
    OK(store_commit(s));
    OK(store_execution_find(s, "new_and_find", "one", &y));
    CHECK_STR(y.status, "FAILED");
    CHECK_STR(y.error, "\"E'rr\"");
    CHECK_STR(y.cause, "\"Größe 漢字 \\u0000\"");
    CHECK_STR(y.state, "Pack");
    CHECK_STR(y.definition, "d2");
    CHECK(y.output.data && y.output.size == 0);
    CHECK(!y.owner);
    CHECK_EQ(y.stop_ms, 9000);
    CHECK_EQ(y.deadline_ms, 8000);
    CHECK_EQ(y.redrive_count, 3);
    CHECK_EQ(y.redrive_ms, 77);
    CHECK_EQ(y.events, 12);
    CHECK_EQ(y.lease_ms, 0);
    store_close(s);
}

static bool see_execution(void *user, const struct store_execution *x) {
    struct seen *seen = user;
    CHECK(seen->count == 0 || x->start_ms < seen->last || (x->start_ms == seen->last));
    seen->last = x->start_ms;
    seen->count++;
    return seen->count != seen->stop_after;
}

TEST(list) {
    struct store *s = open_store();
    OK(store_begin(s));
    for (int i = 0; i < 1200; i++) { /* more than one page; many of the same time */
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        struct store_execution x = new_execution("list", name);
        x.start_ms = i / 700;
        OK(store_execution_new(s, &x, 0, 5000));
        if (i % 3 == 0) {
            x.status = "SUCCEEDED";
            OK(store_execution_update(s, &x));
        }
    }
    OK(store_commit(s));
    struct seen all = {0}, some = {0}, few = {.stop_after = 600};
    OK(store_execution_list(s, "list", NULL, see_execution, &all));
    CHECK_EQ(all.count, 1200);
    OK(store_execution_list(s, "list", "SUCCEEDED", see_execution, &some));
    CHECK_EQ(some.count, 400);
    OK(store_execution_list(s, "list", NULL, see_execution, &few));
    CHECK_EQ(few.count, 600);
    store_close(s);
}

TEST(rolled_back) {
    struct store *s = open_store();
    struct store_execution x = start(s, "rolled_back", "one"), y;
    OK(add_event(s, &x));
    OK(store_begin(s));
    struct store_execution two = new_execution("rolled_back", "two");
    OK(store_execution_new(s, &two, 0, 5000));
    OK(store_event_add(s, x.id, 2, 1, 1002, "PassStateEntered", none));
    OK(store_frame_put(s, x.id, ASL_STR("/"), ASL_STR("{}")));
    store_rollback(s);
    store_rollback(s); /* nothing to do */
    CHECK_EQ(store_execution_find(s, "rolled_back", "two", &y), STORE_NONE);
    CHECK_EQ(count_events(s, &x), 1);

    /* A transaction that fails has not happened, and whatever comes behind the failure fails too. */
    OK(store_begin(s));
    OK(store_event_add(s, x.id, 2, 1, 1002, "PassStateEntered", none));
    store_event_add(s, x.id, 1, 0, 1001, "Again", none); /* the first one stays */
    store_event_add(s, x.id, 3, 2, 1003, NULL, none);    /* has to have a type; PostgreSQL may say so later */
    store_frame_put(s, x.id, ASL_STR("/"), ASL_STR("{}"));
    CHECK_EQ(store_commit(s), STORE_ERROR);
    CHECK(*store_message(s) && !strchr(store_message(s), '\n'));
    CHECK_EQ(count_events(s, &x), 1);
    OK(add_event(s, &x));
    CHECK_EQ(count_events(s, &x), 2);

    /* One that is open when the store is closed has not happened either. */
    OK(store_begin(s));
    OK(store_event_add(s, x.id, 3, 2, 1003, "PassStateEntered", none));
    store_close(s);
    s = open_store();
    CHECK_EQ(count_events(s, &x), 2);
    store_close(s);
}

// ---------------------------------------------------------------- what an execution consists of

TEST(events) {
    struct store *s = open_store();
    struct store_execution x = start(s, "events", "one");
    OK(store_begin(s));
    OK(store_execution_update(s, &x));
    for (int i = 1; i <= 2500; i++)
        OK(store_event_add(s, x.id, i, i - 1, 1000 + i, "PassStateEntered", ASL_STR("{\"name\":\"A\"}")));
    OK(store_commit(s));
    CHECK_EQ(count_events(s, &x), 2500);
    struct seen rest = {.last = 1024}, few = {.stop_after = 700};
    OK(store_events(s, x.id, 1024, see_event, &rest));
    CHECK_EQ(rest.count, 2500 - 1024);
    OK(store_events(s, x.id, 0, see_event, &few));
    CHECK_EQ(few.count, 700);
    store_close(s);
}

static bool see_frame(void *user, asl_str path, asl_str record) {
    struct seen *seen = user;
    asl_buffer_format(&seen->text, "%.*s=%.*s ", (int)path.size, path.data, (int)record.size, record.data);
    return true;
}

static bool see_order(void *user, asl_str path, asl_str record) {
    struct seen *seen = user;
    CHECK(seen->count == 0 || strcmp(seen->text.data, path.data) < 0);
    seen->text.size = 0;
    asl_buffer_str(&seen->text, path);
    CHECK_STR(record, "r");
    seen->count++;
    return true;
}

TEST(frames) {
    struct store *s = open_store();
    struct store_execution x = start(s, "frames", "one"), y = start(s, "frames", "two");
    static const char *const paths[] = {"/b[2]/é.1", "/", "/B", "/b[10]", "/b[2]", "/a"};
    OK(store_begin(s));
    for (size_t i = 0; i < 6; i++) {
        OK(store_frame_put(s, x.id, asl_str_z(paths[i]), ASL_STR("old")));
        OK(store_frame_put(s, x.id, asl_str_z(paths[i]), ASL_STR("new")));
    }
    OK(store_frame_delete(s, x.id, ASL_STR("/a")));
    OK(store_frame_put(s, y.id, ASL_STR("/"), ASL_STR("y")));
    OK(store_commit(s));
    struct seen seen = {0};
    OK(store_frames(s, x.id, see_frame, &seen)); /* by their bytes, whatever the database's language */
    CHECK_STR(((asl_str){seen.text.data, seen.text.size}), "/=new /B=new /b[10]=new /b[2]=new /b[2]/é.1=new ");
    asl_buffer_free(&seen.text);

    OK(store_begin(s));
    OK(store_frame_delete(s, y.id, ASL_STR("/")));
    for (int i = 0; i < 1500; i++) {
        char path[32];
        snprintf(path, sizeof path, "/Map[%d]", i);
        OK(store_frame_put(s, y.id, asl_str_z(path), ASL_STR("r")));
    }
    OK(store_commit(s));
    struct seen order = {0};
    OK(store_frames(s, y.id, see_order, &order));
    CHECK_EQ(order.count, 1500);
    asl_buffer_free(&order.text);
    store_close(s);
}

static bool see_result(void *user, asl_str path, int64_t index, asl_str value) {
    struct seen *seen = user;
    if (seen->count == 0) CHECK_STR(path, "/a");
    CHECK_EQ(index, seen->count % 700);
    CHECK_EQ(atoi(value.data), index);
    seen->count++;
    return true;
}

TEST(results) {
    struct store *s = open_store();
    struct store_execution x = start(s, "results", "one");
    OK(store_begin(s));
    for (int i = 699; i >= 0; i--) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        OK(store_result_put(s, x.id, ASL_STR("/b"), i, ASL_STR("old")));
        OK(store_result_put(s, x.id, ASL_STR("/b"), i, asl_str_z(value)));
        OK(store_result_put(s, x.id, ASL_STR("/a"), i, asl_str_z(value)));
    }
    OK(store_commit(s));
    struct seen seen = {0}, rest = {.count = 700};
    OK(store_results(s, x.id, see_result, &seen));
    CHECK_EQ(seen.count, 1400);
    OK(store_begin(s));
    OK(store_results_delete(s, x.id, ASL_STR("/a")));
    OK(store_commit(s));
    OK(store_results(s, x.id, see_result, &rest));
    CHECK_EQ(rest.count, 1400);
    store_close(s);
}

static bool has_payload(struct store *s, const char *ref, asl_str text) {
    asl_buffer b = {0};
    enum store_result r = store_payload_get(s, ref, &b);
    bool same = r == STORE_OK && b.size == text.size && memcmp(b.data, text.data, b.size) == 0;
    asl_buffer_free(&b);
    return same;
}

TEST(payloads) {
    struct store *s = open_store();
    struct store_execution x = start(s, "payloads", "one"), y = start(s, "payloads", "two");
    char ref[65], again[65], other[65];
    asl_str text = ASL_STR("\"a large text\"");
    OK(store_begin(s));
    OK(store_payload_put(s, x.id, text, ref));
    CHECK_STR(ref, "6887be9fea7c7ba021f4968f89d694848d412ff940d4a64e018c34c3c299f6f4");
    store_rollback(s);
    CHECK(!has_payload(s, ref, text));

    OK(store_begin(s)); /* what was rolled back is not taken for known */
    OK(store_payload_put(s, x.id, text, again));
    OK(store_payload_put(s, x.id, text, again));
    OK(store_payload_put(s, y.id, text, again));
    OK(store_commit(s));
    CHECK_STR(again, (const char *)ref);
    CHECK(has_payload(s, ref, text));

    asl_buffer big = {0};
    while (big.size < 5000000) asl_buffer_z(&big, "{\"größe\":\"0123456789\"},");
    OK(store_begin(s));
    OK(store_payload_put(s, y.id, (asl_str){big.data, big.size}, other));
    OK(store_commit(s));
    CHECK(has_payload(s, other, (asl_str){big.data, big.size}));
    CHECK_EQ(store_payload_get(s, "0000", &big), STORE_NONE);

    /* gc takes what ended in time, and keeps the payload that another execution needs. */
    int64_t count;
    OK(store_gc(s, "payloads", 10000, &count));
    CHECK_EQ(count, 0);
    OK(add_event(s, &x));
    x.status = "SUCCEEDED", x.stop_ms = 9000;
    OK(add_event(s, &x));
    OK(store_gc(s, "payloads", 9000, &count));
    CHECK_EQ(count, 0);
    OK(store_gc(s, "payloads", 9001, &count));
    CHECK_EQ(count, 1);
    CHECK_EQ(count_events(s, &x), 0);
    CHECK(has_payload(s, ref, text));
    y.status = "FAILED", y.stop_ms = 9000;
    OK(add_event(s, &y));
    OK(store_gc(s, "payloads", 9001, &count));
    CHECK_EQ(count, 1);
    CHECK(!has_payload(s, ref, text));
    CHECK(!has_payload(s, other, (asl_str){big.data, big.size}));
    asl_buffer_free(&big);
    store_close(s);
}

TEST(gc_of_many) {
    struct store *s = open_store();
    char ref[65];
    for (int i = 0; i < 3; i++) { /* several transactions of executions, more than a page of payloads */
        OK(store_begin(s));
        for (int j = 0; j < 250; j++) {
            char name[32];
            snprintf(name, sizeof name, "n%d", i * 250 + j);
            struct store_execution x = new_execution("gc_of_many", name);
            OK(store_execution_new(s, &x, 0, 5000));
            OK(store_payload_put(s, x.id, asl_str_z(name), ref));
            x.status = "SUCCEEDED", x.stop_ms = j % 2 ? 100 : 200;
            OK(store_execution_update(s, &x));
        }
        OK(store_commit(s));
    }
    int64_t count;
    OK(store_gc(s, "gc_of_many", 101, &count));
    CHECK_EQ(count, 375);
    CHECK(!has_payload(s, ref, ASL_STR("n749")));
    OK(store_gc(s, "gc_of_many", 1000, &count));
    CHECK_EQ(count, 375);
    struct seen seen = {0};
    OK(store_execution_list(s, "gc_of_many", NULL, see_execution, &seen));
    CHECK_EQ(seen.count, 0);
    store_close(s);
}

// ---------------------------------------------------------------- whose it is

TEST(fence) {
    struct store *s = open_store();
    struct store_execution other = start(s, "fence", "other"), x = start(s, "fence", "one"), taken;
    OK(add_event(s, &x));
    OK(store_execution_claim(s, x.id, 0, 7000, &taken)); /* the same process may */
    CHECK_EQ(taken.fence, x.fence + 1);
    CHECK_EQ(taken.events, 1);
    CHECK_EQ(taken.lease_ms, 7000);
    CHECK_STR(taken.owner, store_owner(s));
    int64_t fence = taken.fence;

    /* Nothing of a transaction that touches what was taken over happens. */
    OK(store_begin(s));
    OK(store_execution_update(s, &other));
    OK(store_event_add(s, other.id, 1, 0, 1001, "PassStateEntered", ASL_STR("{\"name\":\"A\"}")));
    enum store_result r = store_execution_update(s, &x);
    CHECK(r == STORE_OK || r == STORE_LOST);
    store_event_add(s, x.id, 2, 1, 1002, "PassStateEntered", ASL_STR("{\"name\":\"A\"}"));
    CHECK_EQ(store_commit(s), STORE_LOST);
    CHECK_EQ(store_lost(s), x.id);
    CHECK_EQ(count_events(s, &other), 0);
    CHECK_EQ(count_events(s, &x), 1);
    OK(add_event(s, &other));

    bool stop;
    CHECK_EQ(store_execution_renew(s, x.id, x.fence, 9000, &stop), STORE_LOST);
    OK(store_execution_renew(s, x.id, fence, 9000, &stop));
    CHECK(!stop);
    OK(store_begin(s)); /* many at once, of which one is lost */
    OK(store_execution_renew(s, other.id, other.fence, 9500, NULL));
    CHECK_EQ(store_execution_renew(s, x.id, x.fence, 9500, NULL), STORE_LOST);
    OK(store_execution_renew(s, x.id, fence, 9500, NULL));
    OK(store_commit(s));
    OK(store_execution_find(s, "fence", "other", &taken));
    CHECK_EQ(taken.lease_ms, 9500);
    CHECK_EQ(store_execution_release(s, x.id, x.fence), STORE_LOST);
    OK(store_execution_release(s, x.id, fence));
    CHECK_EQ(store_execution_claim(s, 999999, 0, 9000, &taken), STORE_NONE);
    store_close(s);
}

static const char *held;

static void hold(int in, int out) {
    struct store *s = open_store();
    struct store_execution x;
    OK(store_execution_find(s, "hold", held, &x));
    OK(store_execution_claim(s, x.id, 6000, 20000, &x)); /* the first one's lease ran out */
    say(out, 'c');
    hear(in);
}

TEST(owner_killed) {
    struct store *s = open_store();
    struct store_execution x = start(s, "hold", held = "killed"), taken;
    store_close(s);
    struct other o = start_other(hold);
    CHECK_EQ(hear(o.from), 'c');
    s = open_store();
    CHECK_EQ(store_execution_claim(s, x.id, 19999, 30000, &taken), STORE_BUSY);
    char pid[32];
    snprintf(pid, sizeof pid, " %ld ", (long)o.pid);
    CHECK(taken.owner && strstr(taken.owner, pid));
    kill(o.pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)o.pid, &info, WEXITED | WNOWAIT); /* dead, though nobody has waited for it */
    OK(store_execution_claim(s, x.id, 6001, 30000, &taken));
    CHECK_EQ(taken.fence, 3);
    end_other(&o);
    CHECK_EQ(add_event(s, &x), STORE_LOST);
    store_close(s);
}

TEST(lease_ran_out) {
    struct store *s = open_store();
    struct store_execution x = start(s, "hold", held = "alive"), taken;
    store_close(s);
    struct other o = start_other(hold);
    CHECK_EQ(hear(o.from), 'c');
    s = open_store();
    CHECK_EQ(store_execution_claim(s, x.id, 19999, 30000, &taken), STORE_BUSY);
    OK(store_execution_claim(s, x.id, 20000, 30000, &taken));
    CHECK_EQ(taken.fence, 3);
    say(o.to, 'x');
    CHECK_EQ(end_other(&o), 0);
    store_close(s);
}

static void compete(int in, int out) {
    struct store *s = open_store();
    struct store_execution x = new_execution("compete", "one"), y;
    hear(in);
    for (int round = 0; round < 20; round++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", round);
        x.name = name;
        OK(store_begin(s));
        enum store_result r = store_execution_new(s, &x, 0, 5000);
        if (r == STORE_OK) {
            OK(store_execution_release(s, x.id, x.fence)); /* in the same transaction: free from the start */
            OK(store_commit(s));
        } else {
            store_rollback(s);
        }
        say(out, r == STORE_OK ? 'n' : r == STORE_EXISTS ? '-' : '?');
        OK(store_execution_find(s, "compete", name, &y));
        r = store_execution_claim(s, y.id, 0, 5000, &y);
        say(out, r == STORE_OK ? 'c' : r == STORE_BUSY ? '-' : '?');
        hear(in); /* it lives until all have tried */
    }
    store_close(s);
}

TEST(compete) {
    enum { PROCESSES = 4 };
    struct other o[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) o[i] = start_other(compete);
    for (int round = 0; round < 20; round++) {
        int made = 0, claimed = 0;
        for (int i = 0; i < PROCESSES; i++) say(o[i].to, 'g');
        for (int i = 0; i < PROCESSES; i++) {
            char n = hear(o[i].from), c = hear(o[i].from);
            made += n == 'n';
            claimed += c == 'c';
            CHECK(n != '?' && c != '?');
        }
        CHECK_EQ(made, 1);
        CHECK_EQ(claimed, 1);
    }
    for (int i = 0; i < PROCESSES; i++) say(o[i].to, 'g');
    for (int i = 0; i < PROCESSES; i++) CHECK_EQ(end_other(&o[i]), 0);
}

// ---------------------------------------------------------------- killed at any moment

static void append(int in, int out) {
    struct store *s = open_store();
    struct store_execution x;
    OK(store_execution_find(s, "killed", "one", &x));
    OK(store_execution_claim(s, x.id, 0, 5000, &x));
    x.status = "RUNNING"; /* texts last until the next call */
    x.definition = NULL, x.state = NULL;
    x.output = x.error = x.cause = none;
    for (;;) {
        OK(add_event(s, &x));
        if (test_failures) return;
        say(out, 'e');
    }
    (void)in;
}

TEST(killed) {
    struct store *s = open_store();
    struct store_execution x = start(s, "killed", "one"), y;
    OK(store_execution_release(s, x.id, x.fence));
    store_close(s);
    int64_t acknowledged = 0;
    for (int round = 0; round < 25; round++) {
        struct other o = start_other(append);
        for (int i = 0; i <= round % 5; i++) acknowledged += hear(o.from) == 'e';
        usleep((useconds_t)(round * 173 % 1000));
        kill(o.pid, SIGKILL);
        while (hear(o.from)) acknowledged++;
        CHECK_EQ(end_other(&o), SIGKILL);
        s = open_store();
        OK(store_execution_claim(s, x.id, 0, 5000, &y)); /* a server may still be busy with the last commit */
        OK(store_execution_release(s, x.id, y.fence));
        CHECK_EQ(y.events, count_events(s, &x)); /* all of a transaction or nothing */
        CHECK(y.events == acknowledged || y.events == acknowledged + 1);
        acknowledged = y.events;
        store_close(s);
    }
    CHECK(acknowledged >= 75);
}

static void write_much(int in, int out) {
    struct store *s = open_store();
    struct store_execution x = new_execution("side_by_side", "?");
    char name[16];
    snprintf(name, sizeof name, "p%ld", (long)getpid());
    x.name = name;
    OK(store_begin(s));
    OK(store_execution_new(s, &x, 0, 5000));
    OK(store_commit(s));
    hear(in);
    for (int i = 0; i < 40; i++) {
        OK(store_begin(s));
        char ref[65];
        OK(store_execution_update(s, &x));
        for (int j = 0; j < 30; j++)
            OK(store_event_add(s, x.id, i * 30 + j + 1, i * 30 + j, 1001 + i * 30 + j, "PassStateEntered", ASL_STR("{\"name\":\"A\"}")));
        OK(store_payload_put(s, x.id, asl_str_z(i % 2 ? "same" : "for all"), ref));
        OK(store_commit(s));
    }
    CHECK_EQ(count_events(s, &x), 1200);
    say(out, 'd');
    store_close(s);
}

TEST(side_by_side) {
    struct other o[3];
    for (int i = 0; i < 3; i++) o[i] = start_other(write_much);
    for (int i = 0; i < 3; i++) say(o[i].to, 'g');
    for (int i = 0; i < 3; i++) CHECK_EQ(hear(o[i].from), 'd');
    for (int i = 0; i < 3; i++) CHECK_EQ(end_other(&o[i]), 0);
}

// ---------------------------------------------------------------- what other processes ask for

static void approve(int in, int out) {
    struct store *s = open_store();
    CHECK_EQ(hear(in), 'h');
    OK(store_token_heartbeat(s, "t1", 3000));
    say(out, 'h');
    CHECK_EQ(hear(in), 'a');
    OK(store_token_answer(s, "t1", 3500, STORE_TOKEN_SUCCESS, ASL_STR("{\"approved\":true}"), none, none));
    CHECK_EQ(store_token_answer(s, "t1", 3500, STORE_TOKEN_FAILURE, none, ASL_STR("E"), none), STORE_EXISTS);
    CHECK_EQ(store_token_heartbeat(s, "t1", 3500), STORE_EXISTS);
    say(out, 'a');
    CHECK_EQ(hear(in), 's');
    struct store_execution x;
    OK(store_execution_find(s, "approve", "one", &x));
    OK(store_execution_ask_stop(s, x.id, ASL_STR("E"), none));
    say(out, 's');
    store_close(s);
}

static bool see_token(void *user, const struct store_token *t) {
    struct seen *seen = user;
    seen->count++;
    asl_buffer_format(&seen->text, "%s@%.*s:%d:%lld ", t->token, (int)t->path.size, t->path.data, (int)t->answer,
                      (long long)t->heartbeat_ms);
    return true;
}

/* Another's write is seen soon. */
static bool changed_soon(struct store *s) {
    for (int i = 0; i < 200; i++) {
        if (store_changed(s)) return true;
        usleep(10000);
    }
    return false;
}

TEST(approve) {
    struct other o = start_other(approve);
    struct store *s = open_store();
    struct store_execution x = start(s, "approve", "one"), y;
    struct store_token t = {.token = "t1", .execution = x.id, .path = ASL_STR("/"), .heartbeat_seconds = 2, .deadline_ms = 3001,
                            .timeout_ms = 100000}, found;
    OK(store_begin(s));
    OK(store_execution_update(s, &x));
    OK(store_token_put(s, &t));
    t.token = "t0", t.deadline_ms = 0, t.heartbeat_seconds = 0;
    OK(store_token_put(s, &t));
    OK(store_commit(s));
    CHECK(store_changed(s)); /* the first time always */
    while (store_changed(s)) usleep(1000); /* the other one's connecting */
    OK(add_event(s, &x));
    CHECK(!store_changed(s)); /* what we write ourselves is no news */

    say(o.to, 'h');
    CHECK_EQ(hear(o.from), 'h');
    CHECK(changed_soon(s));
    CHECK(!store_changed(s));
    OK(store_token_find(s, "t1", &found));
    CHECK_EQ(found.heartbeat_ms, 3000);
    CHECK_EQ(found.deadline_ms, 5000);
    CHECK_EQ(found.answer, STORE_TOKEN_OPEN);

    say(o.to, 'a');
    CHECK_EQ(hear(o.from), 'a');
    CHECK(changed_soon(s));
    OK(store_token_find(s, "t1", &found));
    CHECK_EQ(found.answer, STORE_TOKEN_SUCCESS);
    CHECK_EQ(found.execution, x.id);
    CHECK_STR(found.token, "t1");
    CHECK_STR(found.path, "/");
    CHECK_STR(found.output, "{\"approved\":true}");
    CHECK(!found.error.data && !found.cause.data);
    struct seen seen = {0};
    OK(store_tokens(s, x.id, see_token, &seen));
    CHECK_STR(((asl_str){seen.text.data, seen.text.size}), "t0@/:0:0 t1@/:1:3000 ");
    asl_buffer_free(&seen.text);

    bool stop = true;
    OK(store_execution_renew(s, x.id, x.fence, 9000, &stop));
    CHECK(!stop);
    say(o.to, 's');
    CHECK_EQ(hear(o.from), 's');
    CHECK(changed_soon(s));
    OK(store_execution_renew(s, x.id, x.fence, 9000, &stop));
    CHECK(stop);
    OK(store_execution_find(s, "approve", "one", &y));
    CHECK(y.stop_wanted);
    CHECK_STR(y.stop_error, "E");
    CHECK(!y.stop_cause.data);
    OK(add_event(s, &x)); /* it goes on until it stops, and the wish stays */
    OK(store_execution_find(s, "approve", "one", &y));
    CHECK(y.stop_wanted);
    x.status = "ABORTED";
    OK(add_event(s, &x));
    OK(store_execution_find(s, "approve", "one", &y));
    CHECK(!y.stop_wanted);
    CHECK_EQ(store_execution_ask_stop(s, x.id, none, none), STORE_EXISTS);
    CHECK_EQ(store_execution_ask_stop(s, 999999, none, none), STORE_NONE);

    OK(store_begin(s));
    OK(store_token_delete(s, "t1"));
    OK(store_commit(s));
    CHECK_EQ(store_token_find(s, "t1", &found), STORE_NONE);
    CHECK_EQ(store_token_answer(s, "t1", 0, STORE_TOKEN_SUCCESS, none, none, none), STORE_NONE);
    CHECK_EQ(store_token_heartbeat(s, "t1", 0), STORE_NONE);
    CHECK_EQ(end_other(&o), 0);
    store_close(s);
}

TEST(late_answers) {
    struct store *s = open_store();
    struct store_execution x = start(s, "late_answers", "one");
    struct store_token t = {.token = "late", .execution = x.id, .path = ASL_STR("/A"), .heartbeat_seconds = 10,
                            .deadline_ms = 11000, .timeout_ms = 15000}, found;
    OK(store_begin(s));
    OK(store_token_put(s, &t));
    OK(store_commit(s));
    OK(store_token_heartbeat(s, "late", 10999));
    OK(store_token_find(s, "late", &found));
    CHECK_EQ(found.deadline_ms, 15000); /* TimeoutSeconds is not moved */
    OK(store_begin(s)); /* its owner resumes and puts it again */
    OK(store_token_put(s, &found));
    OK(store_commit(s));
    CHECK_EQ(store_token_answer(s, "late", 15000, STORE_TOKEN_SUCCESS, ASL_STR("1"), none, none), STORE_LOST);
    CHECK_EQ(store_token_heartbeat(s, "late", 15000), STORE_LOST);
    OK(store_token_answer(s, "late", 14999, STORE_TOKEN_FAILURE, none, ASL_STR("E"), ASL_STR("C")));
    OK(store_begin(s));
    t.path = ASL_STR("/B");
    OK(store_token_put(s, &t)); /* the answer stays */
    OK(store_commit(s));
    OK(store_token_find(s, "late", &found));
    CHECK_EQ(found.answer, STORE_TOKEN_FAILURE);
    CHECK_STR(found.path, "/B");
    CHECK_STR(found.error, "E");
    CHECK_STR(found.cause, "C");
    CHECK_EQ(found.heartbeat_ms, 10999);
    store_close(s);
}

#endif
