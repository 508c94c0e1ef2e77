// PostgreSQL, behind database.h.
//
// Writes are not waited for: begin, every write and commit go out in one pipeline, so that a transaction costs one round
// trip, and a failure of any of them is learned at the next query or in commit. What is still to be answered stands in a
// queue, in the order in which the server will answer it:
//
//     begin  prepare  write  write  …  mark  commit  sync
//     ^ answered first
//
// The server refuses everything behind the first failure up to the next sync, so a transaction happens as a whole or not.
//
// A connection that breaks while commit is on its way leaves open whether it has happened. Therefore each transaction
// also writes its number into a row of this connection's own in "writer"; begin, connecting anew, asks for that number.
// It asks with an update, which waits for a server process that is still busy with the old transaction.
//
// The tables live in the schema "aslc" of the database. NOTIFY on the channel "aslc" is how processes tell each other to
// look.
#include "database.h"

#include <dlfcn.h>
#include <endian.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <libpq-fe.h>

// ---------------------------------------------------------------- the library

#define FUNCTIONS(F)                                                                                         \
    F(PQconnectdbParams) F(PQfinish) F(PQstatus) F(PQerrorMessage) F(PQexec) F(PQclear) F(PQresultStatus)           \
    F(PQresultErrorField) F(PQntuples) F(PQgetvalue) F(PQgetlength) F(PQgetisnull) F(PQcmdTuples) F(PQcmdStatus)    \
    F(PQparameterStatus) F(PQserverVersion) F(PQenterPipelineMode) F(PQpipelineSync) F(PQsendFlushRequest)          \
    F(PQflush) F(PQsendPrepare) F(PQsendQueryPrepared) F(PQsendQueryParams) F(PQgetResult) F(PQconsumeInput)        \
    F(PQnotifies) F(PQfreemem) F(PQbackendPID) F(PQsetNoticeReceiver)

#define WEAK(name) extern __typeof__(name) name __attribute__((weak));
FUNCTIONS(WEAK)
#undef WEAK

#define MEMBER(name) __typeof__(name) *name;
static struct {
    FUNCTIONS(MEMBER)
} lib;
#undef MEMBER

static char lib_message[256]; /* why it cannot be used; empty: it can */

static void load(void) {
    if (PQconnectdbParams) {
#define LINKED(name) lib.name = name;
        FUNCTIONS(LINKED)
#undef LINKED
    } else {
        void *handle = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
        if (!handle) {
            snprintf(lib_message, sizeof lib_message,
                     "a store in PostgreSQL needs libpq.so.5: apt-get install libpq5 (%s)", dlerror());
            return;
        }
#define FIND(name) lib.name = (__typeof__(lib.name))dlsym(handle, #name);
        FUNCTIONS(FIND)
#undef FIND
    }
#define CHECK(name)                                                                                          \
    if (!lib.name && !*lib_message)                                                                          \
        snprintf(lib_message, sizeof lib_message, "the libpq here lacks %s: that of PostgreSQL 14 or newer is needed", #name);
    FUNCTIONS(CHECK)
#undef CHECK
}

// ---------------------------------------------------------------- a connection

enum step { STEP_PREPARE, STEP_RUN, STEP_SYNC };

/* Numbers below zero stand for statements that are not the schema's. */
enum { OWN_BEGIN = -1, OWN_COMMIT = -2, OWN_ROLLBACK = -3, OWN_MARK = -4, OWN_NOTIFY = -5, OWN_ASK = -6 };

struct awaited {
    enum step step;
    int statement;
    int64_t owner;   /* must change a row */
    PGresult **rows; /* where the result is wanted; NULL: nowhere */
};

enum {
    QUEUE_MAX = 1024, /* then the answers are taken in, so that neither side's memory grows */
    OID_INT8 = 20,
    OID_TEXT = 25,
};

struct connection {
    struct database base;
    char *url;
    PGconn *pg;
    struct awaited queue[QUEUE_MAX];
    int queued, answered;  /* [answered, queued) is awaited */
    char id[33];           /* of the row in "writer" */
    int64_t mark;          /* number of the transaction last committed or tried */
    bool uncertain;        /* … it was tried, and the answer did not come */
    bool commit_sent;      /* and not answered */
    bool committed;        /* the answer to commit was yes */
    bool changed;
    bool prepared[];       /* or on its way */
};

static struct connection *connection_of(struct database *d) {
    return (struct connection *)d;
}

// One line of what the server says.
static void one_line(char *out, size_t size, const char *text) {
    size_t used = 0;
    for (; *text && used + 1 < size; text++) {
        if (*text != '\n' && *text != '\t' && *text != '\r') out[used++] = *text;
        else if (used && out[used - 1] != ' ') out[used++] = ' ';
    }
    while (used && out[used - 1] == ' ') used--;
    out[used] = 0;
}

__attribute__((format(printf, 2, 3))) static enum database_result fail(struct connection *c, const char *format, ...) {
    if (c->base.in_transaction && c->base.failed == DATABASE_ERROR) return DATABASE_ERROR; // the first message counts
    char text[sizeof c->base.message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    one_line(c->base.message, sizeof c->base.message, text);
    c->base.failed = DATABASE_ERROR;
    c->base.passing = false;
    return DATABASE_ERROR;
}

static void disconnect(struct connection *c) {
    if (c->pg) lib.PQfinish(c->pg);
    c->pg = NULL;
    c->queued = c->answered = 0;
}

static void say_lost(struct connection *c, const char *why) {
    fail(c, "store: the connection to PostgreSQL is lost: %.*s", (int)strcspn(why, "\n"), why);
    c->base.passing = true;
}

// Nothing that was sent and not answered will be.
static enum database_result lost(struct connection *c) {
    if (c->pg) say_lost(c, lib.PQerrorMessage(c->pg));
    disconnect(c);
    c->uncertain |= c->commit_sent;
    c->commit_sent = false;
    c->changed = true;
    return c->base.failed = DATABASE_ERROR;
}

// ---------------------------------------------------------------- sending

static bool await(struct connection *c, enum step step, int statement, int64_t owner, PGresult **rows) {
    if (c->queued == QUEUE_MAX) {
        memmove(c->queue, c->queue + c->answered, (size_t)(c->queued - c->answered) * sizeof c->queue[0]);
        c->queued -= c->answered;
        c->answered = 0;
    }
    if (c->queued == QUEUE_MAX) return false;
    c->queue[c->queued++] = (struct awaited){step, statement, owner, rows};
    return true;
}

static enum database_result send_sync(struct connection *c) {
    if (!c->pg || !lib.PQpipelineSync(c->pg) || !await(c, STEP_SYNC, 0, 0, NULL)) return lost(c);
    return DATABASE_OK;
}

static enum database_result send_own(struct connection *c, int which, const char *sql, const char *text, int64_t number,
                                     PGresult **rows) {
    static const Oid types[] = {OID_TEXT, OID_INT8};
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)number);
    const char *values[] = {text, digits};
    int count = which == OWN_MARK ? 2 : which == OWN_ASK ? 1 : 0;
    if (!c->pg || !lib.PQsendQueryParams(c->pg, sql, count, types, values, NULL, NULL, 1) ||
        !await(c, STEP_RUN, which, 0, rows))
        return lost(c);
    return DATABASE_OK;
}

// A write that must change a row fails on the server when it does not, so that what was sent behind it does not happen
// either: dividing by the number of rows does that.
static enum database_result send_prepare(struct connection *c, int statement, const char *name, bool must_change) {
    const struct database_statement *s = &c->base.schema->statements[statement];
    Oid types[DATABASE_MAX_PARAMETERS];
    int count = (int)strlen(s->parameters);
    for (int i = 0; i < count; i++) types[i] = s->parameters[i] == 'i' ? OID_INT8 : OID_TEXT;
    char wrapped[2048];
    if (must_change)
        snprintf(wrapped, sizeof wrapped, "with changed as (%s returning 1) select 1 / count(*) from changed", s->sql);
    if (!lib.PQsendPrepare(c->pg, name, must_change ? wrapped : s->sql, count, types) ||
        !await(c, STEP_PREPARE, statement, 0, NULL))
        return lost(c);
    c->prepared[statement] = true;
    return DATABASE_OK;
}

static enum database_result send_statement(struct connection *c, int statement, const struct database_value *values,
                                           int64_t owner, PGresult **rows) {
    char name[16];
    snprintf(name, sizeof name, "aslc%d", statement);
    if (!c->pg) return lost(c);
    if (!c->prepared[statement] && send_prepare(c, statement, name, owner != 0) != DATABASE_OK) return DATABASE_ERROR;

    uint64_t numbers[DATABASE_MAX_PARAMETERS];
    const char *data[DATABASE_MAX_PARAMETERS];
    int lengths[DATABASE_MAX_PARAMETERS], formats[DATABASE_MAX_PARAMETERS];
    int count = (int)strlen(c->base.schema->statements[statement].parameters);
    for (int i = 0; i < count; i++) {
        formats[i] = 1;
        switch (values[i].kind) {
        case DATABASE_NULL:
            data[i] = NULL;
            lengths[i] = 0;
            break;
        case DATABASE_INTEGER:
            numbers[i] = htobe64((uint64_t)values[i].integer);
            data[i] = (const char *)&numbers[i];
            lengths[i] = sizeof numbers[i];
            break;
        case DATABASE_TEXT:
            if (values[i].text.size > INT32_MAX / 2)
                return fail(c, "store: a text of %zu bytes is too long for PostgreSQL", values[i].text.size);
            data[i] = values[i].text.data;
            lengths[i] = (int)values[i].text.size;
            break;
        }
    }
    if (!lib.PQsendQueryPrepared(c->pg, name, count, data, lengths, formats, 1) ||
        !await(c, STEP_RUN, statement, owner, rows))
        return lost(c);
    return DATABASE_OK;
}

// ---------------------------------------------------------------- taking in

// The server's message about one statement. Its connection may be about to end (a server that shuts down says so here).
static void refuse(struct connection *c, const struct awaited *a, const PGresult *r) {
    static const char division_by_zero[] = "22012";
    /* a payload that gc has just taken, conflicts between transactions, a server that is ending or starting */
    static const char *const passing[] = {"23503", "40", "57P"};
    if (c->base.failed != DATABASE_OK) return;
    const char *state = lib.PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *text = lib.PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    if (!state || !text) { // the library's own
        say_lost(c, lib.PQerrorMessage(c->pg));
        return;
    }
    const char *hint = lib.PQresultErrorField(r, PG_DIAG_MESSAGE_HINT);
    if (a->owner && strcmp(state, division_by_zero) == 0) {
        c->base.missed = a->owner;
        c->base.failed = DATABASE_NOTHING;
        return;
    }
    fail(c, "store: PostgreSQL: %s%s%s%s", text, hint ? " (" : "", hint ? hint : "", hint ? ")" : "");
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        c->base.passing |= strncmp(state, passing[i], strlen(passing[i])) == 0;
}

static void take(struct connection *c, const struct awaited *a, PGresult *r) {
    ExecStatusType status = lib.PQresultStatus(r);
    bool is_commit = a->step == STEP_RUN && a->statement == OWN_COMMIT;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        if (is_commit) {
            c->commit_sent = false;
            c->committed = strcmp(lib.PQcmdStatus(r), "COMMIT") == 0;
            if (!c->committed) fail(c, "store: PostgreSQL has rolled the transaction back");
        }
        if (a->rows) {
            *a->rows = r;
            return;
        }
    } else if (status != PGRES_PIPELINE_SYNC) {
        if (a->step == STEP_PREPARE) c->prepared[a->statement] = false;
        if (status == PGRES_PIPELINE_ABORTED) c->commit_sent &= !is_commit;
        else refuse(c, a, r);
    }
    lib.PQclear(r);
}

// Waits for the answers to all that is awaited.
static enum database_result drain(struct connection *c) {
    while (c->pg && c->answered < c->queued) {
        const struct awaited a = c->queue[c->answered];
        PGresult *r = lib.PQgetResult(c->pg);
        if (!r) return lost(c);
        c->answered++;
        take(c, &a, r);
        if (lib.PQstatus(c->pg) != CONNECTION_OK) return lost(c);
        if (a.step == STEP_SYNC) continue;
        while ((r = lib.PQgetResult(c->pg))) lib.PQclear(r); // the end of one statement's answer
    }
    if (!c->pg) return lost(c);
    c->queued = c->answered = 0;
    return c->base.failed;
}

static enum database_result flush_and_drain(struct connection *c) {
    if (!c->pg || !lib.PQsendFlushRequest(c->pg) || lib.PQflush(c->pg) < 0) return lost(c);
    return drain(c);
}

// ---------------------------------------------------------------- connecting

// Runs statements before the pipeline begins. 0, or -1 with a message.
static int execute(PGconn *pg, const char *sql, char *answer, size_t answer_size, char *message, size_t size) {
    PGresult *r = lib.PQexec(pg, sql);
    ExecStatusType status = lib.PQresultStatus(r);
    int rc = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ? 0 : -1;
    if (rc < 0) {
        char line[400];
        const char *text = lib.PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
        one_line(line, sizeof line, text ? text : lib.PQerrorMessage(pg));
        snprintf(message, size, "store: PostgreSQL: %s", line);
    }
    if (answer) *answer = 0;
    if (rc == 0 && answer && status == PGRES_TUPLES_OK && lib.PQntuples(r) > 0)
        snprintf(answer, answer_size, "%s", lib.PQgetvalue(r, 0, 0));
    lib.PQclear(r);
    return rc;
}

// The tables' version: 0 when there are none.
static int ask_version(PGconn *pg, int *version, char *message, size_t size) {
    char answer[32];
    *version = 0;
    if (execute(pg, "select to_regclass('aslc.journal')", answer, sizeof answer, message, size) < 0) return -1;
    if (!*answer) return 0;
    if (execute(pg, "select max(version) from aslc.journal", answer, sizeof answer, message, size) < 0) return -1;
    *version = atoi(answer);
    return 0;
}

// Under a lock, for "create … if not exists" of two processes at once can fail.
static int make_tables(PGconn *pg, const struct database_schema *schema, char *message, size_t size) {
    int version;
    if (execute(pg, "begin; select pg_advisory_xact_lock(72110331)", NULL, 0, message, size) < 0 ||
        ask_version(pg, &version, message, size) < 0)
        return -1;
    if (version == 0) {
        asl_buffer sql = {0};
        asl_buffer_z(&sql, "create schema if not exists aslc; set local search_path = aslc;"
                           "create table writer(id text primary key, mark bigint not null, seen timestamptz not null);");
        asl__database_tables(schema->tables, "bigint generated by default as identity primary key",
                             "text collate \"C\"", &sql);
        // Rows that change all the time find room beside themselves, and no index has to follow.
        asl_buffer_z(&sql, "alter table execution set (fillfactor = 40); alter table frame set (fillfactor = 40);");
        asl_buffer_format(&sql, "create table journal(version bigint not null); insert into journal values (%d);",
                          schema->version);
        int rc = execute(pg, sql.data, NULL, 0, message, size);
        asl_buffer_free(&sql);
        if (rc < 0) return -1;
    }
    return execute(pg, "commit", NULL, 0, message, size);
}

static int prepare_connection(struct connection *c, PGconn *pg, bool create, char *message, size_t size) {
    const char *encoding = lib.PQparameterStatus(pg, "server_encoding");
    int version;
    if (lib.PQserverVersion(pg) < 120000) {
        snprintf(message, size, "store: the PostgreSQL server is older than version 12");
        return -1;
    }
    if (encoding && strcmp(encoding, "UTF8") != 0) {
        snprintf(message, size, "store: the PostgreSQL database has the encoding %s: create one with encoding UTF8", encoding);
        return -1;
    }
    if (ask_version(pg, &version, message, size) < 0) return -1;
    if (version == 0 && !create) {
        snprintf(message, size, "store: there is no journal in this PostgreSQL database (no schema aslc)");
        return -1;
    }
    if (version == 0 && (make_tables(pg, c->base.schema, message, size) < 0 || ask_version(pg, &version, message, size) < 0))
        return -1;
    if (version > c->base.schema->version) {
        snprintf(message, size,
                 "store: written by a newer aslc (version %d of the journal; this program knows %d): "
                 "build the workflow with that aslc, or name another database",
                 version, c->base.schema->version);
        return -1;
    }
    // Rows of processes that were killed are of no use to anybody.
    char sql[640];
    snprintf(sql, sizeof sql,
             "set search_path = aslc; set synchronous_commit = on; set plan_cache_mode = force_generic_plan; set jit = off;"
             "listen aslc;"
             "delete from writer where seen < now() - interval '30 days' and id <> '%s';"
             "insert into writer values ('%s', 0, now()) on conflict (id) do update set seen = now()",
             c->id, c->id);
    return execute(pg, sql, NULL, 0, message, size);
}

static void quiet(void *user, const PGresult *r) {
    (void)user, (void)r; // notices ("schema already exists"), which libpq would print
}

static int connect_database(struct connection *c, bool create, char *message, size_t size) {
    // What stands before dbname is what the URL may overrule. A server that is gone without a word is noticed in time.
    static const char *const keywords[] = {"connect_timeout", "tcp_user_timeout", "keepalives_idle", "fallback_application_name",
                                           "dbname", "client_encoding", NULL};
    const char *const values[] = {"10", "30000", "30", "aslc", c->url, "UTF8", NULL};
    PGconn *pg = lib.PQconnectdbParams(keywords, values, 1);
    int rc = -1;
    lib.PQsetNoticeReceiver(pg, quiet, NULL);
    if (lib.PQstatus(pg) != CONNECTION_OK) {
        char line[400];
        one_line(line, sizeof line, lib.PQerrorMessage(pg));
        snprintf(message, size, "store: cannot connect to PostgreSQL: %s", line);
    } else if (prepare_connection(c, pg, create, message, size) == 0) {
        rc = lib.PQenterPipelineMode(pg) ? 0 : -1;
    }
    if (rc < 0) {
        lib.PQfinish(pg);
        return -1;
    }
    c->pg = pg;
    c->queued = c->answered = 0;
    c->commit_sent = false;
    c->changed = true;
    memset(c->prepared, 0, (size_t)c->base.schema->statement_count * sizeof c->prepared[0]);
    return 0;
}

// Drops a connection that the server has ended since it was last used. What it said last comes in first, and its end only
// when that has been read.
static void look(struct connection *c) {
    if (c->pg && (!lib.PQconsumeInput(c->pg) || !lib.PQconsumeInput(c->pg) || lib.PQstatus(c->pg) != CONNECTION_OK)) lost(c);
}

static enum database_result connect_anew(struct connection *c) {
    look(c);
    if (c->pg) return DATABASE_OK;
    char message[512];
    if (connect_database(c, false, message, sizeof message) == 0) return DATABASE_OK;
    fail(c, "%s", message);
    c->base.passing = true; // it has worked once
    return DATABASE_ERROR;
}

static void postgres_close(struct database *d) {
    struct connection *c = connection_of(d);
    if (d->in_transaction) d->driver->rollback(d);
    if (c->pg) {
        char sql[80];
        snprintf(sql, sizeof sql, "delete from writer where id = '%s'", c->id);
        if (send_own(c, OWN_NOTIFY, sql, NULL, 0, NULL) == DATABASE_OK && send_sync(c) == DATABASE_OK) drain(c);
    }
    disconnect(c);
    asl_free(c->url);
    asl_free(c);
}

static struct database *postgres_open(const char *url, const struct database_schema *schema, bool create, char *message,
                                      size_t size) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    if (*lib_message) {
        snprintf(message, size, "%s", lib_message);
        return NULL;
    }
    uint64_t random[2];
    if (getrandom(random, sizeof random, 0) != sizeof random) {
        snprintf(message, size, "store: the system gives no random numbers");
        return NULL;
    }
    struct connection *c = asl_calloc(1, sizeof *c + (size_t)schema->statement_count * sizeof c->prepared[0]);
    c->base.driver = &asl__postgres;
    c->base.schema = schema;
    c->url = asl_alloc(strlen(url) + 1);
    memcpy(c->url, url, strlen(url) + 1);
    snprintf(c->id, sizeof c->id, "%016llx%016llx", (unsigned long long)random[0], (unsigned long long)random[1]);
    if (connect_database(c, create, message, size) == 0) return &c->base;
    postgres_close(&c->base);
    return NULL;
}

// ---------------------------------------------------------------- transactions

// Whether the transaction that was cut off has happened.
static enum database_result settle(struct connection *c, bool *happened) {
    PGresult *r = NULL;
    enum database_result result =
        send_own(c, OWN_ASK, "update writer set seen = now() where id = $1 returning mark", c->id, 0, &r);
    if (result == DATABASE_OK) result = send_sync(c);
    if (result == DATABASE_OK) result = drain(c);
    if (result == DATABASE_OK && r && lib.PQntuples(r) == 1) {
        uint64_t mark;
        memcpy(&mark, lib.PQgetvalue(r, 0, 0), sizeof mark);
        *happened = (int64_t)be64toh(mark) == c->mark;
        c->uncertain = false;
    } else if (result == DATABASE_OK) {
        result = fail(c, "store: PostgreSQL no longer knows whether the last transaction has happened");
        c->uncertain = false;
    }
    if (r) lib.PQclear(r);
    return result;
}

static enum database_result postgres_begin(struct database *d) {
    struct connection *c = connection_of(d);
    if (connect_anew(c) != DATABASE_OK) return DATABASE_ERROR;
    d->failed = DATABASE_OK; // of the connection that was lost
    if (c->uncertain) {
        bool happened = false;
        if (settle(c, &happened) != DATABASE_OK) return DATABASE_ERROR;
        if (happened) return DATABASE_HAPPENED;
    }
    if (send_own(c, OWN_BEGIN, "begin", NULL, 0, NULL) != DATABASE_OK) return DATABASE_ERROR;
    d->in_transaction = true;
    return DATABASE_OK;
}

static void postgres_rollback(struct database *d) {
    struct connection *c = connection_of(d);
    char kept[sizeof d->message];
    memcpy(kept, d->message, sizeof kept);
    d->failed = DATABASE_OK;
    d->in_transaction = false;
    // After a failure the server listens again behind a sync only.
    if (c->pg && send_sync(c) == DATABASE_OK && send_own(c, OWN_ROLLBACK, "rollback", NULL, 0, NULL) == DATABASE_OK &&
        send_sync(c) == DATABASE_OK)
        drain(c);
    c->commit_sent = false;
    d->failed = DATABASE_OK;
    memcpy(d->message, kept, sizeof kept);
}

static enum database_result postgres_commit(struct database *d) {
    struct connection *c = connection_of(d);
    enum database_result result = d->failed;
    if (result == DATABASE_OK)
        result = send_own(c, OWN_MARK,
                          "insert into writer values ($1, $2, now()) "
                          "on conflict (id) do update set mark = excluded.mark, seen = now()",
                          c->id, ++c->mark, NULL);
    if (result == DATABASE_OK) {
        c->commit_sent = true;
        c->committed = false;
        result = send_own(c, OWN_COMMIT, "commit", NULL, 0, NULL);
        if (result == DATABASE_OK) result = send_sync(c);
        if (result == DATABASE_OK) result = drain(c);
        if (c->committed) result = DATABASE_OK; // and when the connection breaks behind it, it does
    }
    if (result != DATABASE_OK) postgres_rollback(d);
    d->in_transaction = false;
    d->failed = DATABASE_OK;
    return result;
}

// ---------------------------------------------------------------- statements

static enum database_result postgres_write(struct database *d, int statement, const struct database_value *values,
                                           int64_t owner) {
    struct connection *c = connection_of(d);
    if (d->failed != DATABASE_OK) return d->failed;
    if (c->queued - c->answered >= QUEUE_MAX - 8) {
        enum database_result result = flush_and_drain(c);
        if (result != DATABASE_OK) return result;
    }
    return send_statement(c, statement, values, owner, NULL);
}

static enum database_result postgres_query(struct database *d, int statement, const struct database_value *values,
                                           struct database_rows *rows) {
    struct connection *c = connection_of(d);
    *rows = (struct database_rows){.database = d, .statement = statement, .row = -1};
    if (!d->in_transaction) {
        if (connect_anew(c) != DATABASE_OK) return DATABASE_ERROR;
        d->failed = DATABASE_OK; // of what was before
    }
    if (d->failed != DATABASE_OK) return d->failed;
    if (c->queued - c->answered >= QUEUE_MAX - 8 && flush_and_drain(c) != DATABASE_OK) return d->failed;
    PGresult *r = NULL;
    enum database_result result = send_statement(c, statement, values, 0, &r);
    if (result == DATABASE_OK && !d->in_transaction) result = send_sync(c);
    if (result == DATABASE_OK) result = d->in_transaction ? flush_and_drain(c) : drain(c);
    if (result == DATABASE_OK) rows->result = r;
    else if (r) lib.PQclear(r);
    return result;
}

static enum database_result postgres_next(struct database_rows *rows) {
    return ++rows->row < lib.PQntuples(rows->result) ? DATABASE_ROW : DATABASE_OK;
}

static int64_t postgres_integer(const struct database_rows *rows, int column) {
    uint64_t number;
    if (lib.PQgetlength(rows->result, rows->row, column) != sizeof number) return 0; // NULL
    memcpy(&number, lib.PQgetvalue(rows->result, rows->row, column), sizeof number);
    return (int64_t)be64toh(number);
}

static asl_str postgres_text(const struct database_rows *rows, int column) {
    if (lib.PQgetisnull(rows->result, rows->row, column)) return (asl_str){NULL, 0};
    return (asl_str){lib.PQgetvalue(rows->result, rows->row, column),
                     (size_t)lib.PQgetlength(rows->result, rows->row, column)};
}

static void postgres_end(struct database_rows *rows) {
    if (rows->result) lib.PQclear(rows->result);
    rows->result = NULL;
}

// ---------------------------------------------------------------- others

static enum database_result postgres_tell(struct database *d) {
    struct connection *c = connection_of(d);
    if (d->failed != DATABASE_OK) return d->failed;
    return send_own(c, OWN_NOTIFY, "notify aslc", NULL, 0, NULL);
}

static bool postgres_changed(struct database *d) {
    struct connection *c = connection_of(d);
    look(c);
    for (PGnotify *n; c->pg && (n = lib.PQnotifies(c->pg)); lib.PQfreemem(n))
        c->changed |= n->be_pid != lib.PQbackendPID(c->pg);
    bool changed = c->changed;
    c->changed = false;
    return changed;
}

const struct database_driver asl__postgres = {
    .open = postgres_open, .close = postgres_close,
    .begin = postgres_begin, .commit = postgres_commit, .rollback = postgres_rollback,
    .write = postgres_write, .query = postgres_query, .next = postgres_next, .integer = postgres_integer,
    .text = postgres_text, .end = postgres_end,
    .tell = postgres_tell, .changed = postgres_changed,
};
