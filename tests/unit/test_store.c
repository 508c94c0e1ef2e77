// The store in SQLite: what every store does (store_cases.h), and what can be the matter with a file.

#include "store_cases.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char directory[64];
static pid_t maker;

static void remove_directory(void) {
    if (getpid() != maker) return;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    if (system(command) != 0) printf("%s could not be removed\n", directory);
}

/* In memory where there is a file system in memory: what is tested here is not whether the disk keeps its word. */
static const char *in_directory(const char *name) {
    static char path[160];
    if (!*directory) {
        snprintf(directory, sizeof directory, "%s/test_store.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (!mkdtemp(directory)) abort();
        maker = getpid();
        atexit(remove_directory);
    }
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static const char *store_url(void) {
    static char url[200];
    snprintf(url, sizeof url, "sqlite:%s", in_directory("journal.db"));
    return url;
}

static struct store *open_file(const char *name, bool create, char *message) {
    char url[200];
    snprintf(url, sizeof url, "sqlite:%s", in_directory(name));
    *message = 0;
    return store_open(url, create, message, 512);
}

static void refused(const char *name, bool create, const char *words) {
    char message[512];
    struct store *s = open_file(name, create, message);
    if (s || !strstr(message, words) || strchr(message, '\n')) TEST_FAIL("%s: \"%s\", not \"…%s…\"", name, message, words);
    store_close(s);
}

static void put_file(const char *name, const void *data, size_t size) {
    int fd = open(in_directory(name), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    close(fd);
}

/* A journal of a few hundred events. */
static struct store_execution make_journal(const char *name) {
    char message[512];
    struct store *s = open_file(name, true, message);
    if (!s) abort();
    struct store_execution x = start(s, "m", "one");
    OK(store_begin(s));
    for (int i = 1; i <= 400; i++)
        OK(store_event_add(s, x.id, i, i - 1, 1000 + i, "PassStateEntered", ASL_STR("{\"name\":\"A\"}")));
    x.events = 400;
    OK(store_execution_update(s, &x));
    OK(store_commit(s));
    store_close(s);
    return x;
}

static void overwrite(const char *name, off_t at, const void *data, size_t size) {
    int fd = open(in_directory(name), O_WRONLY);
    if (fd < 0 || pwrite(fd, data, size, at) != (ssize_t)size) abort();
    close(fd);
}

TEST(wrong_urls) {
    char message[512];
    CHECK(!store_open("mysql://x", true, message, sizeof message));
    CHECK_STR((const char *)message, "store mysql://x: neither sqlite:FILE nor postgres://USER@HOST/DATABASE");
    CHECK(!store_open("sqlite:", true, message, sizeof message));
    CHECK(strstr(message, "sqlite:FILE") != NULL);
}

TEST(wrong_places) {
    refused("nowhere/journal.db", true, "there is no directory");
    refused("missing.db", false, "there is no such file");
    refused(".", true, "this is a directory");
    put_file("file", "x", 1);
    refused("file/journal.db", true, "Not a directory");
}

TEST(wrong_files) {
    put_file("empty.db", "", 0);
    refused("empty.db", false, "there is no journal in it");
    char garbage[8192];
    for (size_t i = 0; i < sizeof garbage; i++) garbage[i] = (char)(i * 7 + 1);
    put_file("garbage.db", garbage, sizeof garbage);
    refused("garbage.db", true, "not an SQLite database");
    make_journal("foreign.db");
    overwrite("foreign.db", 68, "\0\0\0\7", 4); /* application_id */
    refused("foreign.db", true, "not a journal");
    make_journal("newer.db");
    overwrite("newer.db", 60, "\0\0\0\143", 4); /* user_version */
    refused("newer.db", true, "written by a newer aslc (version 99 of the journal; this program knows 1)");
}

TEST(torn_file) {
    make_journal("torn.db");
    struct stat st;
    if (stat(in_directory("torn.db"), &st) < 0 || truncate(in_directory("torn.db"), st.st_size / 2) < 0) abort();
    refused("torn.db", true, "the file is damaged");

    struct store_execution x = make_journal("garbled.db");
    char garbage[4096];
    memset(garbage, 0xa5, sizeof garbage);
    for (off_t at = 8192; at < st.st_size; at += 4096) overwrite("garbled.db", at, garbage, sizeof garbage);
    char message[512];
    struct store *s = open_file("garbled.db", true, message);
    CHECK_OR_END(s != NULL);
    struct seen seen = {0};
    CHECK_EQ(store_events(s, x.id, 0, see_event, &seen), STORE_ERROR);
    CHECK(strstr(store_message(s), "the file is damaged") != NULL);
    CHECK_EQ(add_event(s, &x), STORE_ERROR);
    CHECK(strstr(store_message(s), "the file is damaged") != NULL);
    store_close(s);
}

/* What a machine leaves that loses power: a log whose end is not all there. */
TEST(torn_log) {
    struct store_execution x = make_journal("log.db");
    char message[512], command[600];
    struct store *s = open_file("log.db", true, message);
    CHECK_OR_END(s != NULL);
    for (int i = 0; i < 20; i++) OK(add_event(s, &x));
    snprintf(command, sizeof command, "cd %s && cp log.db copy.db && cp log.db-wal copy.db-wal", directory);
    CHECK_EQ(system(command), 0);
    store_close(s);
    struct stat st;
    if (stat(in_directory("copy.db-wal"), &st) < 0 || truncate(in_directory("copy.db-wal"), st.st_size - 100) < 0) abort();
    s = open_file("copy.db", true, message);
    CHECK_OR_END(s != NULL);
    struct store_execution y;
    OK(store_execution_find(s, "m", "one", &y));
    CHECK_EQ(y.events, 419); /* only the last commit is gone, and that one wholly */
    CHECK_EQ(count_events(s, &x), 419);
    store_close(s);
}

static void as_nobody(int in, int out) {
    (void)in, (void)out;
    if (getuid() == 0 && (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)) abort();
    refused("closed/new.db", true, "is read-only");
    refused("closed/journal.db", true, "is read-only, and the journal needs files beside its own");
    refused("fixed/journal.db", true, "the file is read-only");
}

TEST(read_only) {
    char path[2][200];
    static const char *const names[] = {"closed", "fixed"};
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s", in_directory(names[i]));
        if (mkdir(path[i], 0755) < 0) abort();
        char name[32];
        snprintf(name, sizeof name, "%s/journal.db", names[i]);
        make_journal(name);
    }
    if (chmod(directory, 0755) < 0 || chmod(in_directory("closed/journal.db"), 0666) < 0 || chmod(path[0], 0555) < 0 ||
        chmod(in_directory("fixed/journal.db"), 0444) < 0 || chmod(path[1], 0777) < 0)
        abort();
    struct other o = start_other(as_nobody);
    CHECK_EQ(end_other(&o), 0);
    if (chmod(path[0], 0755) < 0) abort();
}

TEST(moved) {
    struct store_execution x = make_journal("before.db");
    char message[512], from[200];
    struct store *s = open_file("before.db", true, message);
    CHECK_OR_END(s != NULL);
    OK(add_event(s, &x));
    snprintf(from, sizeof from, "%s", in_directory("before.db"));
    if (rename(from, in_directory("after.db")) < 0) abort();
    CHECK_EQ(add_event(s, &x), STORE_ERROR);
    CHECK(strstr(store_message(s), "moved or deleted") != NULL);
    if (rename(in_directory("after.db"), from) < 0) abort();
    x.events = 401;
    OK(add_event(s, &x));
    store_close(s);
}

// Fills up what the disk has left: a write fails, the transaction has not happened, and when there is room again it goes on.
static void fill(struct store *s, struct store_execution *x, void (*limit)(bool on)) {
    asl_buffer text = {0};
    for (int i = 0; i < 100000; i++) asl_buffer_format(&text, "%d,", i);
    char ref[65] = "";
    limit(true);
    enum store_result r = STORE_OK;
    int64_t kept = x->events;
    for (int i = 0; i < 200 && r == STORE_OK; i++) {
        kept = x->events;
        snprintf(text.data, 12, "%011d", i);
        r = store_begin(s);
        x->events++;
        if (r == STORE_OK) r = store_execution_update(s, x);
        if (r == STORE_OK) r = store_payload_put(s, x->id, (asl_str){text.data, text.size}, ref);
        if (r == STORE_OK)
            r = store_event_add(s, x->id, x->events, x->events - 1, 1000 + x->events, "PassStateEntered", ASL_STR("{\"name\":\"A\"}"));
        if (r == STORE_OK) r = store_commit(s);
        else store_rollback(s);
    }
    CHECK_EQ(r, STORE_ERROR);
    CHECK(strstr(store_message(s), "the disk is full") || strstr(store_message(s), "reading or writing failed"));
    CHECK(!strchr(store_message(s), '\n'));
    CHECK_EQ(count_events(s, x), kept);
    CHECK(!has_payload(s, ref, (asl_str){text.data, text.size}));
    limit(false);
    x->events = kept;
    OK(add_event(s, x));
    OK(store_begin(s));
    OK(store_payload_put(s, x->id, (asl_str){text.data, text.size}, ref));
    OK(store_commit(s));
    CHECK(has_payload(s, ref, (asl_str){text.data, text.size}));
    CHECK_EQ(count_events(s, x), kept + 1);
    asl_buffer_free(&text);
}

static void limit_files(bool on) {
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit l;
    getrlimit(RLIMIT_FSIZE, &l);
    l.rlim_cur = on ? 3000000 : l.rlim_max;
    setrlimit(RLIMIT_FSIZE, &l);
}

static void in_little_room(int in, int out) {
    (void)in, (void)out;
    struct store_execution x = make_journal("little.db");
    char message[512];
    struct store *s = open_file("little.db", true, message);
    fill(s, &x, limit_files);
    store_close(s);
}

TEST(files_may_not_grow) {
    struct other o = start_other(in_little_room); /* of its own, for the limit is a process's */
    CHECK_EQ(end_other(&o), 0);
}

static void limit_disk(bool on) {
    char path[200];
    snprintf(path, sizeof path, "%s", in_directory("disk"));
    if (mount("tmpfs", path, "tmpfs", MS_REMOUNT, on ? "size=4m" : "size=40m") < 0) abort();
}

TEST(disk_full) {
    char path[200], message[512];
    snprintf(path, sizeof path, "%s", in_directory("disk"));
    if (mkdir(path, 0755) < 0) abort();
    if (mount("tmpfs", path, "tmpfs", 0, "size=40m") < 0) {
        printf("SKIPPED disk_full: no file system may be mounted here (%s)\n", strerror(errno));
        return;
    }
    struct store_execution x = make_journal("disk/journal.db");
    struct store *s = open_file("disk/journal.db", true, message);
    CHECK(s != NULL);
    if (s) fill(s, &x, limit_disk);
    store_close(s);
    if (umount(path) < 0) abort();
}

// The n-th system call of SQLite fails, for every n: what was acknowledged is there, what was not is not, and when the
// fault is over it goes on.
static int calls, failing; /* counted; which one fails, 0: none */

static bool fails(void) {
    if (!failing || ++calls != failing) return false;
    errno = calls % 2 ? ENOSPC : EIO;
    return true;
}

static int failing_open(const char *path, int flags, int mode) {
    return fails() ? -1 : open(path, flags, mode);
}
static ssize_t failing_pread(int fd, void *data, size_t size, off_t at) {
    return fails() ? -1 : pread(fd, data, size, at);
}
static ssize_t failing_pwrite(int fd, const void *data, size_t size, off_t at) {
    return fails() ? -1 : pwrite(fd, data, size, at);
}
static ssize_t failing_write(int fd, const void *data, size_t size) {
    return fails() ? -1 : write(fd, data, size);
}
static int failing_truncate(int fd, off_t size) {
    return fails() ? -1 : ftruncate(fd, size);
}
static void *failing_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    return fails() ? MAP_FAILED : mmap(at, size, protection, flags, fd, offset);
}

static void set_calls(bool on) {
    static const struct {
        const char *name;
        sqlite3_syscall_ptr call;
    } all[] = {{"open", (sqlite3_syscall_ptr)failing_open},      {"pread", (sqlite3_syscall_ptr)failing_pread},
               {"pread64", (sqlite3_syscall_ptr)failing_pread},  {"pwrite", (sqlite3_syscall_ptr)failing_pwrite},
               {"pwrite64", (sqlite3_syscall_ptr)failing_pwrite}, {"write", (sqlite3_syscall_ptr)failing_write},
               {"ftruncate", (sqlite3_syscall_ptr)failing_truncate}, {"mmap", (sqlite3_syscall_ptr)failing_mmap}};
    void *library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) abort();
    sqlite3_vfs *(*find)(const char *) = (sqlite3_vfs * (*)(const char *)) dlsym(library, "sqlite3_vfs_find");
    sqlite3_vfs *vfs = find(NULL);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) vfs->xSetSystemCall(vfs, all[i].name, on ? all[i].call : NULL);
}

TEST(nth_call_fails) {
    char message[512];
    set_calls(true);
    int n = 0, errors = 0;
    bool fired = true;
    while (fired && ++n < 1000) {
        char name[32];
        snprintf(name, sizeof name, "nth%d.db", n);
        calls = 0;
        failing = n;
        struct store *s = open_file(name, true, message);
        fired = calls >= n;
        if (!s) {
            CHECK(fired && *message && !strchr(message, '\n'));
            failing = 0;
            s = open_file(name, true, message);
            CHECK_OR_END(s != NULL);
            failing = n;
        }
        struct store_execution x = new_execution("nth", "one"), y;
        for (int i = 0; !x.id && i < 2; i++) {
            bool made = store_begin(s) == STORE_OK && store_execution_new(s, &x, 0, 5000) == STORE_OK && store_commit(s) == STORE_OK;
            if (!made) store_rollback(s), x.id = 0, errors++;
        }
        for (int i = 0; i < 6; i++) {
            int64_t before = x.events;
            enum store_result r = add_event(s, &x);
            if (r == STORE_OK) continue;
            CHECK_EQ(r, STORE_ERROR);
            CHECK(*store_message(s) && !strchr(store_message(s), '\n'));
            x.events = before;
            errors++;
        }
        CHECK(x.events >= 5);
        fired |= calls >= n;
        failing = 0;
        CHECK_EQ(count_events(s, &x), x.events);
        failing = n;
        store_close(s);
        fired |= calls >= n;
        failing = 0;
        s = open_file(name, false, message);
        if (!s) TEST_FAIL("call %d: %s", n, message);
        if (!s) break;
        OK(store_execution_find(s, "nth", "one", &y));
        CHECK_EQ(y.events, x.events);
        CHECK_EQ(count_events(s, &x), x.events);
        OK(add_event(s, &x));
        store_close(s);
    }
    CHECK(n > 40 && !fired);
    CHECK(errors > 10);
    set_calls(false);
}

static void lock_for_a_while(int in, int out) {
    struct store *s = open_store();
    OK(store_begin(s));
    say(out, 'b');
    hear(in);
    usleep(100000);
    OK(store_commit(s));
    store_close(s);
}

/* Writers wait for one another; readers do not. */
TEST(locked) {
    struct other o = start_other(lock_for_a_while);
    CHECK_EQ(hear(o.from), 'b');
    struct store *s = open_store();
    struct store_execution x;
    CHECK_EQ(store_execution_find(s, "locked", "one", &x), STORE_NONE);
    say(o.to, 'g');
    start(s, "locked", "one");
    CHECK_EQ(end_other(&o), 0);
    store_close(s);
}
