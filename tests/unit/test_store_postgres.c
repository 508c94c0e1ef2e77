// The store in PostgreSQL: what every store does (store_cases.h), and what can be the matter with a server.
//
// The server is one of our own, on a UNIX socket in a temporary directory, as user postgres when we are root; it ends
// with this process. Between it and us there may be a go-between that cuts connections.

#include "store_cases.h"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <sys/select.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static char directory[64], binaries[256];
static pid_t maker, server;

// ---------------------------------------------------------------- the server

/* In the child: no more rights than a server may have, and no longer life than ours. */
static void become_postgres(void) {
    struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (user && (setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0)) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (chdir("/") < 0) _exit(126);
    char path[160];
    snprintf(path, sizeof path, "%s/log", directory);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (log >= 0) {
        dup2(log, 1);
        dup2(log, 2);
    }
    setenv("LC_ALL", "C", 1);
}

static pid_t run(const char *program, ...) __attribute__((sentinel));
static pid_t run(const char *program, ...) {
    char path[400];
    const char *arguments[32] = {path}; /* initdb finds its server beside itself, by this */
    int count = 1;
    va_list list;
    va_start(list, program);
    while ((arguments[count] = va_arg(list, const char *)) && count < 31) count++;
    va_end(list);
    snprintf(path, sizeof path, "%s/%s", binaries, program);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        become_postgres();
        execv(path, (char *const *)arguments);
        _exit(127);
    }
    return pid;
}

static bool succeeded(pid_t pid) {
    int status;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool psql(const char *database, const char *sql) {
    return succeeded(run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", directory, "-d", database, "-U", "postgres", "-c", sql,
                         NULL));
}

static void start_server(void) {
    char data[160], sockets[200];
    snprintf(data, sizeof data, "%s/data", directory);
    snprintf(sockets, sizeof sockets, "unix_socket_directories=%s", directory);
    /* The machine does not fail here, so nothing need be flushed to the disk. */
    server = run("postgres", "-D", data, "-c", sockets, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=30",
                 "-c", "shared_buffers=16MB", "-c", "autovacuum=off", NULL);
}

static void stop_server(int signal_number) {
    kill(server, signal_number);
    waitpid(server, NULL, 0);
    server = 0;
}

static void clean_up(void) {
    if (getpid() != maker) return;
    if (server) stop_server(SIGQUIT);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    if (system(command) != 0) printf("%s could not be removed\n", directory);
}

static void skip(const char *why) {
    printf("SKIPPED: %s, so nothing was tested with PostgreSQL (apt-get install postgresql-15)\n", why);
    exit(77);
}

static void find_binaries(void) {
    DIR *d = opendir("/usr/lib/postgresql");
    int newest = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        if (atoi(e->d_name) > newest) newest = atoi(e->d_name);
    if (d) closedir(d);
    snprintf(binaries, sizeof binaries, "/usr/lib/postgresql/%d/bin", newest);
    char path[300];
    snprintf(path, sizeof path, "%s/initdb", binaries);
    if (access(path, X_OK) < 0) skip("there is no initdb in /usr/lib/postgresql");
    if (getuid() == 0 && !getpwnam("postgres")) skip("there is no user postgres");
}

static void set_up(void) {
    if (maker) return;
    find_binaries();
    snprintf(directory, sizeof directory, "/tmp/test_store.XXXXXX");
    if (!mkdtemp(directory)) abort();
    maker = getpid();
    atexit(clean_up);
    struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (user && chown(directory, user->pw_uid, user->pw_gid) < 0) abort();
    char data[160];
    snprintf(data, sizeof data, "%s/data", directory);
    if (!succeeded(run("initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-N", NULL)))
        skip("initdb does not work here");
    start_server();
    for (int i = 0; i < 300 && !psql("postgres", "create database j"); i++) usleep(100000);
}

static const char *url_of(const char *database) {
    static char url[256];
    set_up();
    snprintf(url, sizeof url, "postgres://postgres@/%s?host=%s", database, directory);
    return url;
}

static const char *store_url(void) {
    return url_of("j");
}

// ---------------------------------------------------------------- wrong databases

static void refused(const char *url, bool create, const char *words) {
    char message[512] = "";
    struct store *s = store_open(url, create, message, sizeof message);
    if (s || !strstr(message, words) || strchr(message, '\n')) TEST_FAIL("%s: \"%s\", not \"…%s…\"", url, message, words);
    store_close(s);
}

TEST(wrong_databases) {
    refused("postgres://postgres:secret@/x?host=/nowhere", true, "cannot connect to PostgreSQL");
    refused("postgres://[", true, "cannot connect to PostgreSQL");
    refused(url_of("none"), true, "database \"none\" does not exist");
    CHECK(psql("postgres", "create database empty"));
    refused(url_of("empty"), false, "there is no journal in this PostgreSQL database");
    CHECK(psql("postgres", "create database latin encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"));
    refused(url_of("latin"), true, "encoding UTF8");
    CHECK(psql("postgres", "create database frozen") && psql("postgres", "alter database frozen set default_transaction_read_only = on"));
    refused(url_of("frozen"), true, "read-only transaction");
    CHECK(psql("postgres", "create database newer") &&
          psql("newer", "create schema aslc; create table aslc.journal(version bigint); insert into aslc.journal values (99)"));
    refused(url_of("newer"), true, "written by a newer aslc (version 99 of the journal; this program knows 1)");
}

// ---------------------------------------------------------------- a server that goes away

/* Begins again for as long as a server needs to start; one that has ended is started. */
static enum store_result begin_again(struct store *s) {
    enum store_result r = STORE_ERROR;
    for (int i = 0; i < 300 && (r = store_begin(s)) == STORE_ERROR; i++) {
        if (server && waitpid(server, NULL, WNOHANG) == server) start_server();
        usleep(20000);
    }
    return r;
}

static void restart(int signal_number) {
    struct store *s = open_store();
    struct store_execution x = start(s, "restart", signal_number == SIGINT ? "fast" : "crash"), y;
    OK(add_event(s, &x));

    /* In the middle of a transaction. */
    OK(store_begin(s));
    OK(store_execution_update(s, &x));
    OK(store_execution_find(s, "restart", x.name, &y)); /* the server has it by now */
    stop_server(signal_number);
    store_event_add(s, x.id, 2, 1, 1002, "PassStateEntered", ASL_STR("{\"name\":\"A\"}"));
    CHECK_EQ(store_commit(s), STORE_ERROR);
    CHECK(*store_message(s) && !strchr(store_message(s), '\n'));
    CHECK_EQ(store_begin(s), STORE_ERROR);
    CHECK(strstr(store_message(s), "cannot connect to PostgreSQL") != NULL);
    store_rollback(s);
    CHECK_EQ(store_execution_find(s, "restart", x.name, &y), STORE_ERROR);
    CHECK(store_changed(s)); /* whoever looks gets the error */
    start_server();
    OK(begin_again(s));
    store_rollback(s);
    CHECK_EQ(count_events(s, &x), 1);
    OK(add_event(s, &x));

    /* Between two: nobody notices. */
    stop_server(signal_number);
    start_server();
    struct store *other = NULL;
    char message[512];
    for (int i = 0; i < 300 && !(other = store_open(store_url(), false, message, sizeof message)); i++) usleep(50000);
    OK(add_event(s, &x));
    CHECK_EQ(count_events(s, &x), 3);
    CHECK(store_changed(s));
    OK(store_execution_ask_stop(other, x.id, none, none));
    CHECK(changed_soon(s)); /* it listens on the new connection too */
    store_close(other);
    store_close(s);
}

TEST(restart_fast) {
    restart(SIGINT);
}
TEST(restart_crash) {
    restart(SIGQUIT);
}

static bool see_sum(void *user, asl_str path, asl_str record) {
    (void)path;
    *(int64_t *)user += atoi(record.data);
    return true;
}

/* The i-th transaction, repeated until it has happened. It makes an execution too: one that exists already gives away
   that it has happened twice. */
static void until_done(struct store *s, struct store_execution *x, int i) {
    char record[16], path[16], name[16];
    snprintf(record, sizeof record, "%d", i);
    snprintf(path, sizeof path, "/%d", i % 7);
    snprintf(name, sizeof name, "%s%d", x->name, i);
    x->events = i;
    for (enum store_result r = STORE_ERROR; r != STORE_OK;) {
        r = begin_again(s);
        if (r == STORE_EXISTS) return;
        struct store_execution made = new_execution("until_done", name);
        if (r == STORE_OK) r = store_execution_update(s, x);
        if (r == STORE_OK) r = store_execution_new(s, &made, 0, 5000);
        if (r == STORE_OK)
            r = store_event_add(s, x->id, i, i - 1, 1000 + i, "PassStateEntered", ASL_STR("{\"name\":\"A\"}"));
        if (r == STORE_OK) r = store_frame_put(s, x->id, asl_str_z(path), asl_str_z(record));
        if (r == STORE_OK) r = store_commit(s);
        else store_rollback(s);
        if (r == STORE_OK) continue;
        CHECK_EQ(r, STORE_ERROR);
        CHECK(store_worth_repeating(s));
        if (test_failures) return;
    }
}

/* A writer that repeats what failed, while the server is stopped and started: each transaction happens once. */
TEST(restart_while_writing) {
    struct store *s = open_store();
    struct store_execution x = start(s, "restart", "writing");
    int stops = 0;
    pid_t ending = 0;
    for (int i = 1; i <= 600; i++) {
        if (i % 100 == 50) kill(ending = server, stops++ % 2 ? SIGQUIT : SIGINT); /* and we go on */
        if (i % 100 == 55 && server == ending) { /* nobody has noticed */
            waitpid(server, NULL, 0);
            start_server();
        }
        until_done(s, &x, i);
    }
    CHECK_EQ(stops, 6);
    int64_t sum = 0;
    CHECK_EQ(count_events(s, &x), 600);
    OK(store_frames(s, x.id, see_sum, &sum));
    CHECK_EQ(sum, 600 + 599 + 598 + 597 + 596 + 595 + 594);
    store_close(s);
}

// ---------------------------------------------------------------- a connection that is cut

/* What the go-between does with the next commit. */
enum cut { PASS, CUT_BEFORE, CUT_BEHIND, CUT_ANYWHERE };

static volatile enum cut *cut;
static unsigned passed; /* pieces, by the go-between */

static int connect_to(const char *name, bool listening) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%s", directory, name);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int rc = listening ? bind(fd, (struct sockaddr *)&address, sizeof address) : connect(fd, (struct sockaddr *)&address, sizeof address);
    if (rc == 0 && listening) rc = chmod(address.sun_path, 0777) | listen(fd, 10);
    if (rc < 0) abort();
    return fd;
}

static bool forward(int from, int to, bool *has_commit) {
    char data[65536];
    ssize_t size = read(from, data, sizeof data);
    if (size <= 0) return false;
    *has_commit = memmem(data, (size_t)size, "\0commit\0", 8) != NULL;
    if (*has_commit && *cut == CUT_BEFORE) return false;
    if (*cut != CUT_ANYWHERE || ++passed * 2654435761u >> 28 != 0) return write(to, data, (size_t)size) == size;
    size = size * (ssize_t)(passed % 5) / 4; /* nothing, a part of it, or all */
    ssize_t sent = write(to, data, (size_t)size);
    (void)sent;
    return false;
}

static void go_between(int in, int out) {
    int listening = connect_to("6000", true);
    say(out, 'l');
    (void)in;
    alarm(100);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int client = accept(listening, NULL, NULL), behind = connect_to("5432", false);
        for (bool open = true, commit; open;) {
            fd_set set;
            FD_ZERO(&set);
            FD_SET(client, &set);
            FD_SET(behind, &set);
            select((client > behind ? client : behind) + 1, &set, NULL, NULL, NULL);
            if (FD_ISSET(behind, &set)) open = forward(behind, client, &commit);
            if (open && FD_ISSET(client, &set)) {
                open = forward(client, behind, &commit);
                if (open && commit && *cut == CUT_BEHIND) {
                    char answer[4096];
                    open = false;
                    if (read(behind, answer, sizeof answer) <= 0) abort(); /* it has happened */
                }
            }
        }
        close(client);
        close(behind);
    }
}

TEST(cut_connections) {
    set_up();
    cut = mmap(NULL, sizeof *cut, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct other o = start_other(go_between);
    CHECK_EQ(hear(o.from), 'l');
    char url[300], message[512];
    snprintf(url, sizeof url, "%s&port=6000", store_url());
    struct store *s = store_open(url, true, message, sizeof message);
    CHECK_OR_END(s != NULL);
    struct store_execution x = start(s, "cut", "one");

    OK(add_event(s, &x));
    *cut = CUT_BEFORE;
    CHECK_EQ(add_event(s, &x), STORE_ERROR);
    CHECK(strstr(store_message(s), "the connection to PostgreSQL is lost") && store_worth_repeating(s));
    *cut = PASS;
    x.events = 1;
    OK(add_event(s, &x)); /* it had not happened */
    CHECK_EQ(count_events(s, &x), 2);

    *cut = CUT_BEHIND;
    CHECK_EQ(add_event(s, &x), STORE_ERROR);
    *cut = PASS;
    CHECK_EQ(count_events(s, &x), 3); /* reading does not make it forget */
    bool stop;
    OK(store_execution_renew(s, x.id, x.fence, 9000, &stop)); /* nor does a transaction of the store's own */
    CHECK_EQ(store_begin(s), STORE_EXISTS);
    OK(store_begin(s));
    store_rollback(s);
    x.events = 3;
    OK(add_event(s, &x));
    CHECK_EQ(count_events(s, &x), 4);

    *cut = CUT_BEHIND; /* a transaction of its own that is cut off is nothing for store_begin to tell */
    CHECK_EQ(store_execution_renew(s, x.id, x.fence, 9000, &stop), STORE_ERROR);
    *cut = PASS;
    OK(add_event(s, &x));

    /* A payload of a transaction that has failed for all we know is put again. */
    char ref[65];
    *cut = CUT_BEFORE;
    OK(store_begin(s));
    OK(store_payload_put(s, x.id, ASL_STR("cut"), ref));
    CHECK_EQ(store_commit(s), STORE_ERROR);
    *cut = PASS;
    OK(store_begin(s));
    OK(store_payload_put(s, x.id, ASL_STR("cut"), ref));
    OK(store_commit(s));
    CHECK(has_payload(s, ref, ASL_STR("cut")));

    /* Anywhere: in the middle of messages, in answers, while connecting. */
    struct store_execution y = start(s, "cut", "anywhere");
    *cut = CUT_ANYWHERE;
    for (int i = 1; i <= 150; i++) until_done(s, &y, i);
    *cut = PASS;
    CHECK_EQ(count_events(s, &y), 150);
    int64_t sum = 0;
    OK(store_frames(s, y.id, see_sum, &sum));
    CHECK_EQ(sum, 150 + 149 + 148 + 147 + 146 + 145 + 144);
    store_close(s);
    kill(o.pid, SIGKILL);
    end_other(&o);
    munmap((void *)cut, sizeof *cut);
}

// ---------------------------------------------------------------- gc beside a writer

static void collect(int in, int out) {
    struct store *s = open_store();
    (void)out;
    fcntl(in, F_SETFL, O_NONBLOCK);
    char c;
    while (read(in, &c, 1) != 1) {
        int64_t count;
        enum store_result r = store_gc(s, "collect", 1000000, &count);
        if (r != STORE_OK) TEST_FAIL("gc: %s", store_message(s));
    }
    store_close(s);
}

/* A payload that gc finds unused while another execution begins to use it: either one is refused, and none is missing. */
TEST(gc_beside_writer) {
    struct other o = start_other(collect);
    struct store *s = open_store();
    char ref[65];
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        struct store_execution x = new_execution("collect", name);
        enum store_result r;
        do {
            OK(store_begin(s));
            r = store_execution_new(s, &x, 0, 5000);
            if (r == STORE_OK) r = store_payload_put(s, x.id, ASL_STR("the same again"), ref);
            if (r == STORE_OK) r = store_commit(s);
            else store_rollback(s);
        } while (r == STORE_ERROR && store_worth_repeating(s));
        CHECK_EQ(r, STORE_OK);
        CHECK(has_payload(s, ref, ASL_STR("the same again")));
        x.stop_ms = 1, x.status = "SUCCEEDED";
        OK(add_event(s, &x));
    }
    say(o.to, 'x');
    CHECK_EQ(end_other(&o), 0);
    store_close(s);
}
