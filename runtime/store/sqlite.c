// SQLite, behind database.h.
//
// The library is opened when the first store is (a workflow without one neither links nor loads it), unless the program
// has it linked in. Everything a transaction writes goes to the write-ahead log and is there when commit returns
// (synchronous=FULL). Of several processes one writes at a time; the others wait up to five seconds.
//
// A file of ours says so in its header: application_id is "ASLj", user_version the version of the tables.
#include "database.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

enum {
    APPLICATION_ID = 0x41534c6a, /* "ASLj" */
    BUSY_MS = 5000,
    CACHE_KIB = 2048,         /* what a journal reads again is small */
    CHECKPOINT_PAGES = 4000,  /* the log is copied back when it has 16 MB: less often than SQLite would, for each time
                                 costs two more fsyncs */
    OLDEST_LIBRARY = 3035000, /* RETURNING */
};

// ---------------------------------------------------------------- the library

#define FUNCTIONS(F)                                                                                         \
    F(open_v2) F(close) F(exec) F(prepare_v3) F(finalize) F(reset) F(step) F(bind_int64) F(bind_text) F(bind_null)   \
    F(column_int64) F(column_text) F(column_bytes) F(changes) F(errmsg) F(errstr) F(extended_errcode)               \
    F(extended_result_codes) F(busy_timeout) F(get_autocommit) F(db_readonly) F(file_control) F(libversion)         \
    F(libversion_number)

#define WEAK(name) extern __typeof__(sqlite3_##name) sqlite3_##name __attribute__((weak));
FUNCTIONS(WEAK)
#undef WEAK

#define MEMBER(name) __typeof__(sqlite3_##name) *name;
static struct {
    FUNCTIONS(MEMBER)
} lib;
#undef MEMBER

static char lib_message[256]; /* why it cannot be used; empty: it can */

static void load(void) {
    if (sqlite3_open_v2) {
#define LINKED(name) lib.name = sqlite3_##name;
        FUNCTIONS(LINKED)
#undef LINKED
    } else {
        void *handle = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
        if (!handle) {
            snprintf(lib_message, sizeof lib_message,
                     "a store in SQLite needs libsqlite3.so.0: apt-get install libsqlite3-0 (%s)", dlerror());
            return;
        }
#define FIND(name) lib.name = (__typeof__(lib.name))dlsym(handle, "sqlite3_" #name);
        FUNCTIONS(FIND)
#undef FIND
    }
#define CHECK(name)                                                                                          \
    if (!lib.name && !*lib_message)                                                                          \
        snprintf(lib_message, sizeof lib_message, "the SQLite library here lacks sqlite3_%s: 3.35 or newer is needed", #name);
    FUNCTIONS(CHECK)
#undef CHECK
    if (!*lib_message && lib.libversion_number() < OLDEST_LIBRARY)
        snprintf(lib_message, sizeof lib_message, "the SQLite library here is %s: 3.35 or newer is needed", lib.libversion());
}

// ---------------------------------------------------------------- a connection

enum { BEGIN, COMMIT, ROLLBACK, DATA_VERSION, OWN_STATEMENTS };
static const char *const own_sql[OWN_STATEMENTS] = {"begin immediate", "commit", "rollback", "pragma data_version"};

struct connection {
    struct database base;
    sqlite3 *sqlite;
    char *path;
    sqlite3_stmt *own[OWN_STATEMENTS];
    int64_t data_version; /* as last seen; 0: not yet */
    sqlite3_stmt *prepared[];
};

static struct connection *connection_of(struct database *d) {
    return (struct connection *)d;
}

// What went wrong, in words that say what to do where SQLite's own do not.
static void explain(const struct connection *c, int rc, char *out, size_t size) {
    const char *path = c->path, *own = c->sqlite ? lib.errmsg(c->sqlite) : lib.errstr(rc);
    switch (rc & 0xff) {
    case SQLITE_FULL:
        snprintf(out, size, "store %s: the disk is full", path);
        return;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        snprintf(out, size, "store %s: another process has kept it locked for %d s", path, BUSY_MS / 1000);
        return;
    case SQLITE_READONLY:
        if (rc == SQLITE_READONLY_DBMOVED)
            snprintf(out, size, "store %s: the file has been moved or deleted while it was in use", path);
        else
            snprintf(out, size, "store %s: the file or its directory is read-only", path);
        return;
    case SQLITE_CORRUPT:
        snprintf(out, size,
                 "store %s: the file is damaged (%s); nothing was written: put a copy in its place, or move it away", path, own);
        return;
    case SQLITE_NOTADB:
        snprintf(out, size, "store %s: not an SQLite database; nothing was written: name another file, or move it away",
                 path);
        return;
    case SQLITE_IOERR:
        snprintf(out, size, "store %s: reading or writing failed (%s)", path, lib.errstr(rc));
        return;
    default:
        snprintf(out, size, "store %s: %s", path, own);
        return;
    }
}

static enum database_result fail(struct connection *c, int rc) {
    explain(c, rc, c->base.message, sizeof c->base.message);
    c->base.passing = (rc & 0xff) == SQLITE_BUSY;
    if (c->base.in_transaction) c->base.failed = DATABASE_ERROR;
    return DATABASE_ERROR;
}

// SQLite numbers $2 by where it first stands, ?2 by its number.
static int prepare(struct connection *c, const char *sql, sqlite3_stmt **out) {
    char text[2048];
    size_t size = strlen(sql);
    if (size >= sizeof text) return SQLITE_TOOBIG;
    memcpy(text, sql, size + 1);
    for (char *p = text; *p; p++)
        if (*p == '$') *p = '?';
    return lib.prepare_v3(c->sqlite, text, (int)size, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

// Steps a statement that returns nothing.
static int run_own(struct connection *c, int which) {
    if (!c->own[which]) {
        int rc = prepare(c, own_sql[which], &c->own[which]);
        if (rc != SQLITE_OK) return rc;
    }
    int rc = lib.step(c->own[which]);
    lib.reset(c->own[which]);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

// The number a pragma or count gives.
static int ask(struct connection *c, const char *sql, int64_t *out) {
    sqlite3_stmt *s = NULL;
    int rc = prepare(c, sql, &s);
    if (rc != SQLITE_OK) return rc;
    rc = lib.step(s);
    if (rc == SQLITE_ROW) *out = lib.column_int64(s, 0);
    lib.finalize(s);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

// ---------------------------------------------------------------- opening

// Why a file cannot be opened: SQLite's own message is the same for everything. False: the file system has nothing
// against it.
static bool explain_path(const struct connection *c, bool create, char *out, size_t size) {
    char directory[4096];
    const char *slash = strrchr(c->path, '/');
    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - c->path + (slash == c->path)) : 1,
             slash ? c->path : ".");
    struct stat st;
    if (stat(c->path, &st) == 0) {
        if (S_ISDIR(st.st_mode)) {
            snprintf(out, size, "store %s: this is a directory", c->path);
            return true;
        }
        if (access(c->path, R_OK) < 0) {
            snprintf(out, size, "store %s: %s", c->path, strerror(errno));
            return true;
        }
        if (access(c->path, W_OK) < 0) {
            snprintf(out, size, "store %s: the file is read-only", c->path);
            return true;
        }
    } else if (errno == ENOENT && stat(directory, &st) < 0) {
        snprintf(out, size, "store %s: there is no directory %s", c->path, directory);
        return true;
    } else if (access(c->path, F_OK) < 0 && errno != ENOENT) {
        snprintf(out, size, "store %s: %s", c->path, strerror(errno));
        return true;
    } else if (!create) {
        snprintf(out, size, "store %s: there is no such file", c->path);
        return true;
    }
    if (access(directory, W_OK) < 0) {
        snprintf(out, size, "store %s: the directory %s is read-only, and the journal needs files beside its own", c->path,
                 directory);
        return true;
    }
    return false;
}

// Two processes that make the same file at once are in each other's way here, and SQLite does not wait by itself.
static int use_log(struct connection *c) {
    int rc = SQLITE_BUSY;
    for (int waited = 0; (rc & 0xff) == SQLITE_BUSY && waited < BUSY_MS; waited += 10) {
        rc = lib.exec(c->sqlite, "pragma journal_mode=wal", NULL, NULL, NULL);
        if ((rc & 0xff) == SQLITE_BUSY) usleep(10000);
    }
    return rc;
}

// What is in the file: nothing yet, our tables, a newer program's, or somebody else's. Once without a lock, and when
// there is something to be made once more with it.
static int check_tables(struct connection *c, bool *missing, char *message, size_t size) {
    int64_t application = 0, version = 0, tables = 0;
    int rc = ask(c, "pragma application_id", &application);
    if (rc == SQLITE_OK) rc = ask(c, "pragma user_version", &version);
    if (rc == SQLITE_OK) rc = ask(c, "select count(*) from sqlite_master", &tables);
    if (rc != SQLITE_OK) return rc;
    *missing = application == 0 && version == 0 && tables == 0;
    if (*missing) return SQLITE_OK;
    if (application != APPLICATION_ID)
        snprintf(message, size, "store %s: an SQLite database, but not a journal: name another file", c->path);
    else if (version > c->base.schema->version)
        snprintf(message, size,
                 "store %s: written by a newer aslc (version %lld of the journal; this program knows %d): "
                 "build the workflow with that aslc, or name another file",
                 c->path, (long long)version, c->base.schema->version);
    return SQLITE_OK;
}

static int make_tables(struct connection *c, char *message, size_t size) {
    int rc = use_log(c);
    if (rc == SQLITE_OK) rc = lib.exec(c->sqlite, "begin immediate", NULL, NULL, NULL);
    if (rc != SQLITE_OK) return rc;
    bool missing = false;
    rc = check_tables(c, &missing, message, size);
    if (rc == SQLITE_OK && missing) {
        asl_buffer sql = {0};
        asl__database_tables(c->base.schema->tables, "integer primary key autoincrement", "text", &sql);
        asl_buffer_format(&sql, "pragma application_id=%d; pragma user_version=%d;", APPLICATION_ID, c->base.schema->version);
        rc = lib.exec(c->sqlite, sql.data, NULL, NULL, NULL);
        asl_buffer_free(&sql);
    }
    if (rc == SQLITE_OK) rc = lib.exec(c->sqlite, "commit", NULL, NULL, NULL);
    return rc; // when it failed, closing rolls back
}

static int prepare_connection(struct connection *c, bool create, char *message, size_t size) {
    char settings[256];
    snprintf(settings, sizeof settings,
             "pragma synchronous=full; pragma cache_size=-%d; pragma wal_autocheckpoint=%d; pragma temp_store=memory;",
             CACHE_KIB, CHECKPOINT_PAGES);
    lib.extended_result_codes(c->sqlite, 1);
    lib.busy_timeout(c->sqlite, BUSY_MS);
    int rc = lib.exec(c->sqlite, settings, NULL, NULL, NULL);
    bool missing = false;
    if (rc == SQLITE_OK) rc = check_tables(c, &missing, message, size);
    if (rc != SQLITE_OK || *message) return rc;
    if (lib.db_readonly(c->sqlite, "main") == 1) return SQLITE_READONLY;
    if (missing && !create) {
        snprintf(message, size, "store %s: there is no journal in it", c->path);
        return SQLITE_OK;
    }
    if (missing) rc = make_tables(c, message, size);
    return rc;
}

static void sqlite_close(struct database *d) {
    struct connection *c = connection_of(d);
    for (int i = 0; i < OWN_STATEMENTS; i++) lib.finalize(c->own[i]);
    for (int i = 0; i < d->schema->statement_count; i++) lib.finalize(c->prepared[i]);
    lib.close(c->sqlite);
    asl_free(c->path);
    asl_free(c);
}

static struct database *sqlite_open(const char *url, const struct database_schema *schema, bool create, char *message,
                                    size_t size) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    if (*lib_message) {
        snprintf(message, size, "%s", lib_message);
        return NULL;
    }
    const char *name = url + strlen("sqlite:");
    if (!*name) {
        snprintf(message, size, "store %s: the file's name is missing: sqlite:FILE", url);
        return NULL;
    }
    struct connection *c = asl_calloc(1, sizeof *c + (size_t)schema->statement_count * sizeof c->prepared[0]);
    c->base.driver = &asl__sqlite;
    c->base.schema = schema;
    asl_buffer path = {0};
    if (*name == ':') asl_buffer_z(&path, "./"); // ":memory:" would be none
    asl_buffer_z(&path, name);
    c->path = path.data;
    *message = 0;
    int rc = lib.open_v2(c->path, &c->sqlite,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0), NULL);
    if (rc == SQLITE_OK) rc = prepare_connection(c, create, message, size);
    if (rc != SQLITE_OK && !*message) {
        int primary = rc & 0xff;
        if ((primary != SQLITE_CANTOPEN && primary != SQLITE_READONLY && primary != SQLITE_IOERR) ||
            !explain_path(c, create, message, size))
            explain(c, rc, message, size);
    }
    if (!*message) return &c->base;
    sqlite_close(&c->base);
    return NULL;
}

// ---------------------------------------------------------------- transactions

static enum database_result sqlite_begin(struct database *d) {
    struct connection *c = connection_of(d);
    int moved = 0; // what is written to a file without a name is lost
    lib.file_control(c->sqlite, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved) return fail(c, SQLITE_READONLY_DBMOVED);
    int rc = run_own(c, BEGIN);
    if (rc != SQLITE_OK) return fail(c, rc);
    d->in_transaction = true;
    d->failed = DATABASE_OK;
    return DATABASE_OK;
}

static void sqlite_rollback(struct database *d) {
    struct connection *c = connection_of(d);
    // A full disk or a broken one has SQLite roll back by itself.
    if (!lib.get_autocommit(c->sqlite)) run_own(c, ROLLBACK);
    d->in_transaction = false;
    d->failed = DATABASE_OK;
}

static enum database_result sqlite_commit(struct database *d) {
    struct connection *c = connection_of(d);
    enum database_result result = d->failed;
    if (result == DATABASE_OK) {
        int rc = run_own(c, COMMIT);
        if (rc != SQLITE_OK) result = fail(c, rc);
    }
    if (result == DATABASE_OK) d->in_transaction = false;
    else sqlite_rollback(d);
    return result;
}

// ---------------------------------------------------------------- statements

// The statement with its parameters; they are borrowed until it is reset.
static int bind(struct connection *c, int statement, const struct database_value *values) {
    if (!c->prepared[statement]) {
        int rc = prepare(c, c->base.schema->statements[statement].sql, &c->prepared[statement]);
        if (rc != SQLITE_OK) return rc;
    }
    sqlite3_stmt *s = c->prepared[statement];
    int count = (int)strlen(c->base.schema->statements[statement].parameters), rc = SQLITE_OK;
    for (int i = 0; i < count && rc == SQLITE_OK; i++) {
        const struct database_value *v = &values[i];
        switch (v->kind) {
        case DATABASE_NULL: rc = lib.bind_null(s, i + 1); break;
        case DATABASE_INTEGER: rc = lib.bind_int64(s, i + 1, v->integer); break;
        case DATABASE_TEXT:
            rc = v->text.size > INT32_MAX ? SQLITE_TOOBIG
                                          : lib.bind_text(s, i + 1, v->text.data, (int)v->text.size, SQLITE_STATIC);
            break;
        }
    }
    return rc;
}

static enum database_result sqlite_write(struct database *d, int statement, const struct database_value *values,
                                         int64_t owner) {
    struct connection *c = connection_of(d);
    if (d->failed != DATABASE_OK) return d->failed;
    int rc = bind(c, statement, values);
    if (rc != SQLITE_OK) return fail(c, rc);
    rc = lib.step(c->prepared[statement]);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW) fail(c, rc); // the message is gone after reset
    lib.reset(c->prepared[statement]);
    if (d->failed == DATABASE_OK && owner && lib.changes(c->sqlite) == 0) {
        d->missed = owner;
        d->failed = DATABASE_NOTHING;
    }
    return d->failed;
}

static enum database_result sqlite_query(struct database *d, int statement, const struct database_value *values,
                                         struct database_rows *rows) {
    struct connection *c = connection_of(d);
    *rows = (struct database_rows){.database = d, .statement = statement};
    if (d->failed != DATABASE_OK) return d->failed;
    int rc = bind(c, statement, values);
    if (rc != SQLITE_OK) return fail(c, rc);
    rows->result = c->prepared[statement];
    return DATABASE_OK;
}

static enum database_result sqlite_next(struct database_rows *rows) {
    int rc = lib.step(rows->result);
    if (rc == SQLITE_ROW) return DATABASE_ROW;
    return rc == SQLITE_DONE ? DATABASE_OK : fail(connection_of(rows->database), rc);
}

static int64_t sqlite_integer(const struct database_rows *rows, int column) {
    return lib.column_int64(rows->result, column);
}

static asl_str sqlite_text(const struct database_rows *rows, int column) {
    const char *data = (const char *)lib.column_text(rows->result, column);
    return (asl_str){data, data ? (size_t)lib.column_bytes(rows->result, column) : 0};
}

static void sqlite_end(struct database_rows *rows) {
    if (rows->result) lib.reset(rows->result);
    rows->result = NULL;
}

// ---------------------------------------------------------------- others

static enum database_result sqlite_tell(struct database *d) {
    return d->failed; // they see it: any commit changes the version of the data
}

static bool sqlite_changed(struct database *d) {
    struct connection *c = connection_of(d);
    int64_t before = c->data_version;
    if (!c->own[DATA_VERSION] && prepare(c, own_sql[DATA_VERSION], &c->own[DATA_VERSION]) != SQLITE_OK) return true;
    if (lib.step(c->own[DATA_VERSION]) != SQLITE_ROW) {
        lib.reset(c->own[DATA_VERSION]);
        return true; // whoever looks gets the error
    }
    c->data_version = lib.column_int64(c->own[DATA_VERSION], 0);
    lib.reset(c->own[DATA_VERSION]);
    return c->data_version != before;
}

const struct database_driver asl__sqlite = {
    .open = sqlite_open, .close = sqlite_close,
    .begin = sqlite_begin, .commit = sqlite_commit, .rollback = sqlite_rollback,
    .write = sqlite_write, .query = sqlite_query, .next = sqlite_next, .integer = sqlite_integer, .text = sqlite_text,
    .end = sqlite_end,
    .tell = sqlite_tell, .changed = sqlite_changed,
};
