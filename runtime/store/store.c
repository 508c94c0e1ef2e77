// The journal's tables, and every SQL statement of aslc.
//
//     execution ──┬── event         what happened, only ever appended
//                 ├── frame         where it stands: one row a frame that is suspended
//                 ├── result        of branches and iterations that are done, until all are
//                 ├── token         task tokens that are out, and their answers
//                 └── payload_use ──► payload     large texts, once, by their SHA-256
//
// Who may write an execution: the process that claimed it last. Each claim raises the fence by one, and the first write
// of every transaction, store_execution_update, changes the row of that fence or none (LOST).
//
// The statements are what SQLite and PostgreSQL both understand; see database.h. All that reads many rows reads pages of
// them, so that what a visitor does meanwhile is in nobody's way and no history has to fit into memory.
#include "store.h"

#include "database.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nettle/sha2.h>

enum {
    VERSION = 1,          /* of the tables */
    PAGE = 512,           /* rows */
    KNOWN_PAYLOADS = 512, /* of which it is remembered that they are there */
    GC_EXECUTIONS = 100,  /* deleted in one transaction, at most … */
    GC_EVENTS = 20000,    /* … and about so many events */
};

// ---------------------------------------------------------------- tables and statements

static const char tables[] =
    "create table execution("
    "  id @identity, machine @text not null, name @text not null, arn text not null, definition text not null,"
    "  status text not null, start_ms bigint not null, stop_ms bigint not null, deadline_ms bigint not null,"
    "  redrive_count bigint not null, redrive_ms bigint not null, events bigint not null,"
    "  input text, output text, error text, cause text, state text,"
    "  owner text, lease_ms bigint not null, fence bigint not null,"
    "  stop_wanted bigint not null, stop_error text, stop_cause text, unique(machine, name));"
    "create index execution_newest on execution(machine, start_ms, id);"
    "create table event("
    "  execution bigint not null, id bigint not null, previous bigint not null, time_ms bigint not null,"
    "  type text not null, details text, primary key(execution, id));"
    "create table frame(execution bigint not null, path @text not null, record text not null, primary key(execution, path));"
    "create table result("
    "  execution bigint not null, path @text not null, item bigint not null, value text not null,"
    "  primary key(execution, path, item));"
    "create table payload(hash @text primary key, text text not null);"
    // Where foreign keys are enforced (PostgreSQL), they keep gc from deleting what another process is about to use.
    "create table payload_use("
    "  execution bigint not null, hash @text not null references payload(hash), primary key(execution, hash));"
    "create index payload_user on payload_use(hash);"
    "create table token("
    "  token @text primary key, execution bigint not null, path text not null, answer bigint not null,"
    "  output text, error text, cause text, heartbeat_ms bigint not null, heartbeat_seconds bigint not null,"
    "  deadline_ms bigint not null, timeout_ms bigint not null);"
    "create index token_of on token(execution);";

#define EXECUTION_COLUMNS                                                                                    \
    "id, start_ms, stop_ms, deadline_ms, redrive_count, redrive_ms, events, lease_ms, fence, stop_wanted, "  \
    "machine, name, arn, definition, status, input, output, error, cause, state, owner, stop_error, stop_cause "
#define TOKEN_COLUMNS                                                                                        \
    "execution, answer, heartbeat_ms, heartbeat_seconds, deadline_ms, timeout_ms, "                          \
    "token, path, output, error, cause "

enum statement {
    EXECUTION_NEW, EXECUTION_BY_NAME, EXECUTION_BY_ID, EXECUTION_LIST, EXECUTION_CLAIM, EXECUTION_RENEW,
    EXECUTION_UPDATE, EXECUTION_RELEASE, EXECUTION_ASK_STOP,
    EVENT_ADD, EVENT_LIST,
    FRAME_PUT, FRAME_DELETE, FRAME_LIST,
    RESULT_PUT, RESULT_DELETE, RESULT_LIST,
    PAYLOAD_PUT, PAYLOAD_USE, PAYLOAD_GET,
    TOKEN_PUT, TOKEN_DELETE, TOKEN_FIND, TOKEN_ANSWER, TOKEN_HEARTBEAT, TOKEN_LIST,
    GC_ENDED, GC_EXECUTION, GC_EVENT, GC_FRAME, GC_RESULT, GC_TOKEN, GC_USE, GC_UNUSED, GC_PAYLOAD,
    STATEMENTS
};

static const struct database_statement statements[STATEMENTS] = {
    [EXECUTION_NEW] = {"ttttiittii",
        "insert into execution(machine, name, arn, definition, start_ms, deadline_ms, input, owner, lease_ms, fence,"
        "  status, stop_ms, redrive_count, redrive_ms, events, stop_wanted) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'RUNNING', 0, 0, 0, 0, 0) "
        "on conflict (machine, name) do nothing returning id"},
    [EXECUTION_BY_NAME] = {"tt", "select " EXECUTION_COLUMNS "from execution where machine = $1 and name = $2"},
    [EXECUTION_BY_ID] = {"i", "select " EXECUTION_COLUMNS "from execution where id = $1"},
    [EXECUTION_LIST] = {"ttiii",
        "select " EXECUTION_COLUMNS "from execution "
        "where machine = $1 and ($2 = '' or status = $2) and (start_ms, id) < ($3, $4) "
        "order by start_ms desc, id desc limit $5"},
    // Nobody else has claimed, renewed or released it since it was read.
    [EXECUTION_CLAIM] = {"iiiti",
        "update execution set owner = $4, lease_ms = $5, fence = fence + 1 "
        "where id = $1 and fence = $2 and lease_ms = $3 returning id"},
    [EXECUTION_RENEW] = {"iii",
        "update execution set lease_ms = $3 where id = $1 and fence = $2 returning stop_wanted"},
    // A stop that was asked for is over with the execution; redriving it must not end it again.
    [EXECUTION_UPDATE] = {"iitiiiiittttti",
        "update execution set status = $3, stop_ms = $4, deadline_ms = $5, redrive_count = $6, redrive_ms = $7,"
        "  events = $8, output = $9, error = $10, cause = $11, state = $12, definition = coalesce($13, definition), lease_ms = $14,"
        "  stop_wanted = case when $3 = 'RUNNING' then stop_wanted else 0 end "
        "where id = $1 and fence = $2"},
    [EXECUTION_RELEASE] = {"ii", "update execution set owner = null, lease_ms = 0 where id = $1 and fence = $2"},
    [EXECUTION_ASK_STOP] = {"itt",
        "update execution set stop_wanted = 1, stop_error = $2, stop_cause = $3 "
        "where id = $1 and status = 'RUNNING' returning id"},

    [EVENT_ADD] = {"iiiitt",
        "insert into event(execution, id, previous, time_ms, type, details) values ($1, $2, $3, $4, $5, $6) "
        "on conflict (execution, id) do nothing"}, // a commit whose outcome was unknown is done again
    [EVENT_LIST] = {"iii",
        "select id, previous, time_ms, type, details from event where execution = $1 and id > $2 order by id limit $3"},

    [FRAME_PUT] = {"itt",
        "insert into frame(execution, path, record) values ($1, $2, $3) "
        "on conflict (execution, path) do update set record = excluded.record"},
    [FRAME_DELETE] = {"it", "delete from frame where execution = $1 and path = $2"},
    [FRAME_LIST] = {"iti",
        "select path, record from frame where execution = $1 and path > $2 order by path limit $3"},

    [RESULT_PUT] = {"itit",
        "insert into result(execution, path, item, value) values ($1, $2, $3, $4) "
        "on conflict (execution, path, item) do update set value = excluded.value"},
    [RESULT_DELETE] = {"it", "delete from result where execution = $1 and path = $2"},
    [RESULT_LIST] = {"itii",
        "select item, path, value from result where execution = $1 and (path, item) > ($2, $3) "
        "order by path, item limit $4"},

    [PAYLOAD_PUT] = {"tt", "insert into payload(hash, text) values ($1, $2) on conflict (hash) do nothing"},
    [PAYLOAD_USE] = {"it",
        "insert into payload_use(execution, hash) values ($1, $2) on conflict (execution, hash) do nothing"},
    [PAYLOAD_GET] = {"t", "select text from payload where hash = $1"},

    // An owner that resumes puts its tokens again: an answer and a heartbeat that are there stay.
    [TOKEN_PUT] = {"titiiii",
        "insert into token(token, execution, path, heartbeat_ms, heartbeat_seconds, deadline_ms, timeout_ms, answer) "
        "values ($1, $2, $3, $4, $5, $6, $7, 0) on conflict (token) do update set path = excluded.path,"
        "  heartbeat_seconds = excluded.heartbeat_seconds, deadline_ms = excluded.deadline_ms,"
        "  timeout_ms = excluded.timeout_ms"},
    [TOKEN_DELETE] = {"t", "delete from token where token = $1"},
    [TOKEN_FIND] = {"t", "select " TOKEN_COLUMNS "from token where token = $1"},
    [TOKEN_ANSWER] = {"tiittt",
        "update token set answer = $3, output = $4, error = $5, cause = $6 "
        "where token = $1 and answer = 0 and (deadline_ms = 0 or deadline_ms > $2) returning execution"},
    [TOKEN_HEARTBEAT] = {"ti",
        "update token set heartbeat_ms = $2, deadline_ms = case "
        "  when heartbeat_seconds = 0 then deadline_ms "
        "  when timeout_ms > 0 and timeout_ms < $2 + heartbeat_seconds * 1000 then timeout_ms "
        "  else $2 + heartbeat_seconds * 1000 end "
        "where token = $1 and answer = 0 and (deadline_ms = 0 or deadline_ms > $2) returning execution"},
    [TOKEN_LIST] = {"iti",
        "select " TOKEN_COLUMNS "from token where execution = $1 and token > $2 order by token limit $3"},

    [GC_ENDED] = {"tiii",
        "select id, events from execution where machine = $1 and stop_ms > 0 and stop_ms < $2 and id > $3 "
        "order by id limit $4"},
    // It may have been redriven since it was read.
    [GC_EXECUTION] = {"ii", "delete from execution where id = $1 and stop_ms > 0 and stop_ms < $2 returning id"},
    [GC_EVENT] = {"i", "delete from event where execution = $1"},
    [GC_FRAME] = {"i", "delete from frame where execution = $1"},
    [GC_RESULT] = {"i", "delete from result where execution = $1"},
    [GC_TOKEN] = {"i", "delete from token where execution = $1"},
    [GC_USE] = {"i", "delete from payload_use where execution = $1"},
    [GC_UNUSED] = {"ti",
        "select hash from payload where hash > $1 and not exists"
        "  (select 1 from payload_use where payload_use.hash = payload.hash) order by hash limit $2"},
    [GC_PAYLOAD] = {"t",
        "delete from payload where hash = $1 and not exists"
        "  (select 1 from payload_use where payload_use.hash = payload.hash)"},
};

void asl__database_tables(const char *text, const char *identity, const char *text_type, asl_buffer *out) {
    for (const char *at; (at = strchr(text, '@')); ) {
        asl_buffer_add(out, text, (size_t)(at - text));
        bool is_text = strncmp(at, "@text", 5) == 0;
        asl_buffer_z(out, is_text ? text_type : identity);
        text = at + (is_text ? strlen("@text") : strlen("@identity"));
    }
    asl_buffer_z(out, text);
}

// ---------------------------------------------------------------- the store

struct known_payload {
    int64_t execution; /* 0: none */
    uint8_t hash[SHA256_DIGEST_SIZE];
};

struct store {
    struct database *database;
    char *owner;
    asl_buffer kept; /* texts of the execution or token given out last */
    bool unsure;     /* the caller's commit was cut off: what it was is in the way of the next begin */
    bool happened;   /* … and it has happened: to be told by the next store_begin */
    struct known_payload *known; /* KNOWN_PAYLOADS, by their hash; NULL: not needed yet */
};

// Who this process is: what another needs to know to see whether it lives.
static bool process_start(long pid, unsigned long long *start, char *state) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    size_t size = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[size] = 0;
    const char *p = strrchr(text, ')'); // the name before it may hold anything
    return p && sscanf(p + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", state,
                       start) == 2;
}

static void describe_place(char *out, size_t size) {
    char host[256] = "?", boot[64] = "?";
    gethostname(host, sizeof host - 1);
    for (char *p = host; *p; p++)
        if (*p == ' ') *p = '_';
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");
    if (f) {
        if (fscanf(f, "%63s", boot) != 1) snprintf(boot, sizeof boot, "?");
        fclose(f);
    }
    struct stat st;
    unsigned long long space = stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
    snprintf(out, size, "%s %s %llu ", host, boot, space);
}

static char *describe_self(void) {
    char place[400], state;
    unsigned long long start = 0;
    process_start((long)getpid(), &start, &state);
    describe_place(place, sizeof place);
    asl_buffer b = {0};
    asl_buffer_format(&b, "%s%ld %llu", place, (long)getpid(), start);
    return b.data;
}

// Whether it can be said that the owner is dead: it was a process of this machine, as we see it, and is no more.
static bool owner_is_dead(const char *owner) {
    char place[400], state;
    describe_place(place, sizeof place);
    size_t size = strlen(place);
    long pid;
    unsigned long long start, start_now;
    if (strncmp(owner, place, size) != 0 || strstr(place, " ? ") || sscanf(owner + size, "%ld %llu", &pid, &start) != 2 ||
        pid <= 0)
        return false;
    if (kill((pid_t)pid, 0) < 0 && errno == ESRCH) return true;
    if (!process_start(pid, &start_now, &state)) return false; // /proc may hide it
    return start_now != start || state == 'Z' || state == 'X';
}

struct store *store_open(const char *url, bool create, char *message, size_t size) {
    static const struct {
        const char *prefix;
        const struct database_driver *driver;
    } kinds[] = {{"sqlite:", &asl__sqlite}, {"postgres://", &asl__postgres}, {"postgresql://", &asl__postgres}};
    static const struct database_schema schema = {tables, statements, STATEMENTS, VERSION};
    struct database *d = NULL;
    bool found = false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && !found; i++) {
        found = strncmp(url, kinds[i].prefix, strlen(kinds[i].prefix)) == 0;
        if (found) d = kinds[i].driver->open(url, &schema, create, message, size);
    }
    if (!found)
        snprintf(message, size, "store %s: neither sqlite:FILE nor postgres://USER@HOST/DATABASE", url);
    if (!d) return NULL;
    struct store *s = asl_calloc(1, sizeof *s);
    s->database = d;
    s->owner = describe_self();
    return s;
}

void store_close(struct store *s) {
    if (!s) return;
    s->database->driver->close(s->database);
    asl_buffer_free(&s->kept);
    asl_free(s->known);
    asl_free(s->owner);
    asl_free(s);
}

const char *store_message(const struct store *s) {
    return s->database->message;
}

const char *store_owner(const struct store *s) {
    return s->owner;
}

bool store_worth_repeating(const struct store *s) {
    return s->database->passing;
}

int64_t store_lost(const struct store *s) {
    return s->database->missed;
}

// ---------------------------------------------------------------- short words for what follows

static struct database_value number(int64_t i) {
    return (struct database_value){.kind = DATABASE_INTEGER, .integer = i};
}

static struct database_value text(asl_str t) {
    return (struct database_value){.kind = t.data ? DATABASE_TEXT : DATABASE_NULL, .text = t};
}

static struct database_value word(const char *z) {
    return z ? text((asl_str){z, strlen(z)}) : (struct database_value){.kind = DATABASE_NULL};
}

static enum store_result result_of(enum database_result r) {
    switch (r) {
    case DATABASE_OK:
    case DATABASE_ROW: return STORE_OK;
    case DATABASE_NOTHING: return STORE_LOST;
    case DATABASE_HAPPENED: return STORE_EXISTS;
    case DATABASE_ERROR: return STORE_ERROR;
    }
    return STORE_ERROR;
}

static enum store_result put_for(struct store *s, enum statement statement, const struct database_value *values,
                                   int64_t owner) {
    if (!s->database->in_transaction) {
        snprintf(s->database->message, sizeof s->database->message, "store: a write outside of a transaction");
        return STORE_ERROR;
    }
    return result_of(s->database->driver->write(s->database, (int)statement, values, owner));
}

static enum store_result put(struct store *s, enum statement statement, const struct database_value *values) {
    return put_for(s, statement, values, 0);
}

// Runs a query of at most one row: OK with it, NONE, or ERROR. The rows are to be ended in any case.
static enum store_result query_one(struct store *s, enum statement statement, const struct database_value *values,
                                   struct database_rows *rows) {
    enum database_result r = s->database->driver->query(s->database, (int)statement, values, rows);
    if (r == DATABASE_OK) r = s->database->driver->next(rows);
    return r == DATABASE_OK ? STORE_NONE : result_of(r);
}

static int64_t column_number(const struct database_rows *rows, int column) {
    return rows->database->driver->integer(rows, column);
}

static asl_str column_text(const struct database_rows *rows, int column) {
    return rows->database->driver->text(rows, column);
}

static void end(struct database_rows *rows) {
    rows->database->driver->end(rows);
}

// Whether a query of one row has one, and its first number.
static enum store_result query_number(struct store *s, enum statement statement, const struct database_value *values,
                                      int64_t *out) {
    struct database_rows rows;
    enum store_result r = query_one(s, statement, values, &rows);
    if (r == STORE_OK && out) *out = column_number(&rows, 0);
    end(&rows);
    return r;
}

// Copies texts that live no longer than their row. Each is given by its address; a NULL text stays NULL.
static void keep(struct store *s, asl_str **texts, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += texts[i]->size + 1;
    s->kept.size = 0;
    char *to = asl_buffer_reserve(&s->kept, size);
    for (size_t i = 0; i < count; i++) {
        if (!texts[i]->data) continue;
        memcpy(to, texts[i]->data, texts[i]->size);
        to[texts[i]->size] = 0;
        texts[i]->data = to;
        to += texts[i]->size + 1;
    }
}

// ---------------------------------------------------------------- transactions

static void forget_payloads(struct store *s) {
    if (s->known) memset(s->known, 0, KNOWN_PAYLOADS * sizeof s->known[0]);
}

// A transaction of ours must not swallow what the database has to say about the caller's last one.
static enum database_result begin(struct store *s) {
    enum database_result r = s->database->driver->begin(s->database);
    if (r == DATABASE_HAPPENED) {
        s->happened |= s->unsure;
        r = s->database->driver->begin(s->database);
    }
    if (r == DATABASE_OK) s->unsure = false;
    return r;
}

enum store_result store_begin(struct store *s) {
    enum database_result r = begin(s);
    if (r != DATABASE_OK || !s->happened) return result_of(r);
    s->database->driver->rollback(s->database);
    s->happened = false;
    return STORE_EXISTS;
}

enum store_result store_commit(struct store *s) {
    enum database_result r = s->database->driver->commit(s->database);
    if (r != DATABASE_OK) forget_payloads(s);
    s->unsure = r == DATABASE_ERROR;
    return result_of(r);
}

void store_rollback(struct store *s) {
    if (!s->database->in_transaction) return;
    s->database->driver->rollback(s->database);
    forget_payloads(s);
}

// What is a transaction of its own, unless the caller has begun one.
static enum store_result own_begin(struct store *s, bool *own) {
    *own = !s->database->in_transaction;
    return *own ? result_of(begin(s)) : STORE_OK;
}

static enum store_result own_end(struct store *s, bool own, enum store_result r) {
    if (!own || !s->database->in_transaction) return r;
    if (r == STORE_OK) return result_of(s->database->driver->commit(s->database));
    s->database->driver->rollback(s->database);
    return r;
}

static enum store_result tell(struct store *s) {
    return result_of(s->database->driver->tell(s->database));
}

bool store_changed(struct store *s) {
    return s->database->driver->changed(s->database);
}

// ---------------------------------------------------------------- executions

static void read_execution(const struct database_rows *rows, struct store_execution *x) {
    *x = (struct store_execution){
        .id = column_number(rows, 0), .start_ms = column_number(rows, 1), .stop_ms = column_number(rows, 2),
        .deadline_ms = column_number(rows, 3), .redrive_count = column_number(rows, 4),
        .redrive_ms = column_number(rows, 5), .events = column_number(rows, 6), .lease_ms = column_number(rows, 7),
        .fence = column_number(rows, 8), .stop_wanted = column_number(rows, 9) != 0,
        .machine = column_text(rows, 10).data, .name = column_text(rows, 11).data, .arn = column_text(rows, 12).data,
        .definition = column_text(rows, 13).data, .status = column_text(rows, 14).data,
        .input = column_text(rows, 15), .output = column_text(rows, 16), .error = column_text(rows, 17),
        .cause = column_text(rows, 18), .state = column_text(rows, 19).data, .owner = column_text(rows, 20).data,
        .stop_error = column_text(rows, 21), .stop_cause = column_text(rows, 22),
    };
}

static void keep_execution(struct store *s, struct store_execution *x) {
    const char **words[] = {&x->machine, &x->name, &x->arn, &x->definition, &x->status, &x->state, &x->owner};
    enum { WORDS = sizeof words / sizeof words[0] };
    asl_str strings[WORDS];
    asl_str *all[WORDS + 6] = {[WORDS] = &x->input, &x->output, &x->error, &x->cause, &x->stop_error, &x->stop_cause};
    for (size_t i = 0; i < WORDS; i++) {
        strings[i] = (asl_str){*words[i], *words[i] ? strlen(*words[i]) : 0};
        all[i] = &strings[i];
    }
    keep(s, all, WORDS + 6);
    for (size_t i = 0; i < WORDS; i++) *words[i] = strings[i].data;
}

static enum store_result find_execution(struct store *s, enum statement statement, const struct database_value *values,
                                        struct store_execution *out) {
    struct database_rows rows;
    enum store_result r = query_one(s, statement, values, &rows);
    if (r == STORE_OK) {
        read_execution(&rows, out);
        keep_execution(s, out);
    }
    end(&rows);
    return r;
}

enum store_result store_execution_new(struct store *s, struct store_execution *x, int64_t now_ms, int64_t lease_ms) {
    (void)now_ms;
    x->fence = 1;
    struct database_value v[] = {word(x->machine), word(x->name), word(x->arn), word(x->definition), number(x->start_ms),
                                 number(x->deadline_ms), text(x->input), word(s->owner), number(lease_ms), number(x->fence)};
    enum store_result r = query_number(s, EXECUTION_NEW, v, &x->id);
    return r == STORE_NONE ? STORE_EXISTS : r;
}

enum store_result store_execution_find(struct store *s, const char *machine, const char *name, struct store_execution *out) {
    struct database_value v[] = {word(machine), word(name)};
    return find_execution(s, EXECUTION_BY_NAME, v, out);
}

// A query of many rows, read page by page. Its parameters are what it asks for, where the page begins, and how many rows.
struct pages {
    struct store *store;
    enum statement statement;
    struct database_value *values;
    bool (*row)(struct pages *p, const struct database_rows *rows); /* false: stop */
    void *visit, *user; /* the visitor, whose type row() knows */
    int rows;           /* of this page, so far */
    asl_buffer place;   /* text of where the next page begins */
};

// The next page begins behind this text; rows but the last need not remember it.
static void continue_behind(struct pages *p, int parameter, asl_str place) {
    if (p->rows < PAGE) return;
    p->place.size = 0;
    asl_buffer_str(&p->place, place);
    p->values[parameter].text = (asl_str){p->place.data, p->place.size};
}

static enum store_result read_pages(struct pages *p) {
    struct database *d = p->store->database;
    enum database_result r;
    bool more = true;
    do {
        struct database_rows rows;
        p->rows = 0;
        r = d->driver->query(d, (int)p->statement, p->values, &rows);
        while (r == DATABASE_OK && more && p->rows < PAGE && (r = d->driver->next(&rows)) == DATABASE_ROW) {
            p->rows++;
            more = p->row(p, &rows);
            r = DATABASE_OK;
        }
        d->driver->end(&rows);
    } while (r == DATABASE_OK && more && p->rows == PAGE);
    asl_buffer_free(&p->place);
    return result_of(r);
}

typedef bool execution_visit(void *user, const struct store_execution *x);

/* Visitors pass through a void pointer, which POSIX lets hold a function. */
static bool execution_row(struct pages *p, const struct database_rows *rows) {
    struct store_execution x;
    read_execution(rows, &x);
    p->values[2] = number(x.start_ms);
    p->values[3] = number(x.id);
    return ((execution_visit *)p->visit)(p->user, &x);
}

enum store_result store_execution_list(struct store *s, const char *machine, const char *status,
                                       bool (*visit)(void *user, const struct store_execution *x), void *user) {
    struct database_value v[] = {word(machine), word(status ? status : ""), number(INT64_MAX), number(INT64_MAX), number(PAGE)};
    return read_pages(&(struct pages){s, EXECUTION_LIST, v, execution_row, (void *)visit, user, 0, {0}});
}

enum store_result store_execution_claim(struct store *s, int64_t id, int64_t now_ms, int64_t lease_ms,
                                        struct store_execution *out) {
    bool own;
    enum store_result r = own_begin(s, &own);
    while (r == STORE_OK) {
        struct database_value by_id[] = {number(id)};
        r = find_execution(s, EXECUTION_BY_ID, by_id, out);
        if (r != STORE_OK) break;
        if (out->owner && out->lease_ms > now_ms && strcmp(out->owner, s->owner) != 0 && !owner_is_dead(out->owner)) {
            r = STORE_BUSY;
            break;
        }
        struct database_value v[] = {number(id), number(out->fence), number(out->lease_ms), word(s->owner), number(lease_ms)};
        r = query_number(s, EXECUTION_CLAIM, v, NULL);
        if (r == STORE_NONE) { // somebody was faster: once more from the start
            r = STORE_OK;
            continue;
        }
        // Our write may have waited for one of the old owner's: what was read before it is old.
        if (r == STORE_OK) r = find_execution(s, EXECUTION_BY_ID, by_id, out);
        break;
    }
    return own_end(s, own, r);
}

enum store_result store_execution_renew(struct store *s, int64_t id, int64_t fence, int64_t until_ms, bool *stop_wanted) {
    struct database_value v[] = {number(id), number(fence), number(until_ms)};
    int64_t wanted = 0;
    bool own;
    enum store_result r = own_begin(s, &own);
    if (r == STORE_OK) r = query_number(s, EXECUTION_RENEW, v, &wanted);
    if (r == STORE_OK && stop_wanted) *stop_wanted = wanted != 0;
    return own_end(s, own, r == STORE_NONE ? STORE_LOST : r);
}

enum store_result store_execution_update(struct store *s, const struct store_execution *x) {
    struct database_value v[] = {number(x->id), number(x->fence), word(x->status), number(x->stop_ms),
                                 number(x->deadline_ms), number(x->redrive_count), number(x->redrive_ms),
                                 number(x->events), text(x->output), text(x->error), text(x->cause), word(x->state),
                                 word(x->definition), number(x->lease_ms)};
    return put_for(s, EXECUTION_UPDATE, v, x->id);
}

enum store_result store_execution_clear(struct store *s, int64_t id) {
    struct database_value v[] = {number(id)};
    enum store_result r = put(s, GC_FRAME, v);
    if (r == STORE_OK) r = put(s, GC_RESULT, v);
    return r == STORE_OK ? put(s, GC_TOKEN, v) : r;
}

enum store_result store_execution_release(struct store *s, int64_t id, int64_t fence) {
    struct database_value v[] = {number(id), number(fence)};
    bool own;
    enum store_result r = own_begin(s, &own);
    if (r == STORE_OK) r = put_for(s, EXECUTION_RELEASE, v, id);
    return own_end(s, own, r);
}

enum store_result store_execution_ask_stop(struct store *s, int64_t id, asl_str error, asl_str cause) {
    struct database_value v[] = {number(id), text(error), text(cause)};
    bool own;
    enum store_result r = own_begin(s, &own);
    if (r == STORE_OK) r = query_number(s, EXECUTION_ASK_STOP, v, NULL);
    if (r == STORE_NONE && (r = query_number(s, EXECUTION_BY_ID, v, NULL)) == STORE_OK) r = STORE_EXISTS;
    else if (r == STORE_OK) r = tell(s);
    return own_end(s, own, r);
}

// ---------------------------------------------------------------- deleting what is old

struct ended {
    int64_t id[GC_EXECUTIONS];
    int count;
    int64_t events;
};

// The executions of one transaction.
static enum store_result find_ended(struct store *s, const char *machine, int64_t before_ms, int64_t after_id,
                                    struct ended *out) {
    struct database_value v[] = {word(machine), number(before_ms), number(after_id), number(GC_EXECUTIONS)};
    struct database_rows rows;
    const struct database_driver *driver = s->database->driver;
    enum database_result r = driver->query(s->database, GC_ENDED, v, &rows);
    *out = (struct ended){.count = 0};
    while (r == DATABASE_OK && out->count < GC_EXECUTIONS && out->events < GC_EVENTS &&
           (r = driver->next(&rows)) == DATABASE_ROW) {
        out->id[out->count++] = column_number(&rows, 0);
        out->events += column_number(&rows, 1);
        r = DATABASE_OK;
    }
    end(&rows);
    return result_of(r);
}

static enum store_result delete_ended(struct store *s, const struct ended *e, int64_t before_ms, int64_t *count) {
    enum store_result r = result_of(begin(s));
    int64_t deleted = 0;
    for (int i = 0; i < e->count && r == STORE_OK; i++) {
        struct database_value v[] = {number(e->id[i]), number(before_ms)};
        r = query_number(s, GC_EXECUTION, v, NULL);
        for (enum statement part = GC_EVENT; part <= GC_USE && r == STORE_OK; part++) {
            r = put(s, part, v);
            deleted += part == GC_USE;
        }
        if (r == STORE_NONE) r = STORE_OK;
    }
    r = own_end(s, true, r);
    if (r == STORE_OK) *count += deleted;
    return r;
}

// Payloads without a user, page by page. In PostgreSQL another process may be about to use one: then the foreign key has
// the whole page refused, and it is left to the next time.
static enum store_result delete_unused(struct store *s) {
    char(*hashes)[65] = asl_calloc(PAGE, sizeof *hashes);
    char after[65] = "";
    enum store_result r = STORE_OK;
    for (int count = PAGE; count == PAGE && r == STORE_OK;) {
        struct database_value v[] = {word(after), number(PAGE)};
        struct database_rows rows;
        const struct database_driver *driver = s->database->driver;
        enum database_result got = driver->query(s->database, GC_UNUSED, v, &rows);
        for (count = 0; got == DATABASE_OK && count < PAGE && (got = driver->next(&rows)) == DATABASE_ROW; got = DATABASE_OK)
            snprintf(hashes[count++], sizeof *hashes, "%s", column_text(&rows, 0).data);
        end(&rows);
        r = result_of(got);
        if (r != STORE_OK || count == 0) break;
        memcpy(after, hashes[count - 1], sizeof after);
        r = result_of(begin(s));
        for (int i = 0; i < count && r == STORE_OK; i++) {
            struct database_value hash[] = {word(hashes[i])};
            r = put(s, GC_PAYLOAD, hash);
        }
        r = own_end(s, true, r);
        if (r == STORE_ERROR && store_worth_repeating(s)) r = STORE_OK; // by the next gc
    }
    asl_free(hashes);
    return r;
}

enum store_result store_gc(struct store *s, const char *machine, int64_t before_ms, int64_t *count) {
    struct ended e = {.count = 0};
    int64_t after_id = 0;
    *count = 0;
    enum store_result r;
    do {
        r = find_ended(s, machine, before_ms, after_id, &e);
        if (r != STORE_OK || e.count == 0) break;
        after_id = e.id[e.count - 1];
        r = delete_ended(s, &e, before_ms, count);
    } while (r == STORE_OK);
    return r == STORE_OK ? delete_unused(s) : r;
}

// ---------------------------------------------------------------- events, frames, results

enum store_result store_event_add(struct store *s, int64_t execution, int64_t id, int64_t previous, int64_t time_ms,
                                  const char *type, asl_str details) {
    struct database_value v[] = {number(execution), number(id), number(previous), number(time_ms), word(type), text(details)};
    return put(s, EVENT_ADD, v);
}

static bool event_row(struct pages *p, const struct database_rows *rows) {
    int64_t id = column_number(rows, 0);
    p->values[1] = number(id);
    return ((store_event_visit *)p->visit)(p->user, id, column_number(rows, 1), column_number(rows, 2),
                                           column_text(rows, 3).data, column_text(rows, 4));
}

enum store_result store_events(struct store *s, int64_t execution, int64_t after_id, store_event_visit *visit, void *user) {
    struct database_value v[] = {number(execution), number(after_id), number(PAGE)};
    return read_pages(&(struct pages){s, EVENT_LIST, v, event_row, (void *)visit, user, 0, {0}});
}

enum store_result store_frame_put(struct store *s, int64_t execution, asl_str path, asl_str record) {
    struct database_value v[] = {number(execution), text(path), text(record)};
    return put(s, FRAME_PUT, v);
}

enum store_result store_frame_delete(struct store *s, int64_t execution, asl_str path) {
    struct database_value v[] = {number(execution), text(path)};
    return put(s, FRAME_DELETE, v);
}

typedef bool frame_visit(void *user, asl_str path, asl_str record);

static bool frame_row(struct pages *p, const struct database_rows *rows) {
    asl_str path = column_text(rows, 0);
    continue_behind(p, 1, path);
    return ((frame_visit *)p->visit)(p->user, path, column_text(rows, 1));
}

enum store_result store_frames(struct store *s, int64_t execution, bool (*visit)(void *user, asl_str path, asl_str record),
                               void *user) {
    struct database_value v[] = {number(execution), word(""), number(PAGE)};
    return read_pages(&(struct pages){s, FRAME_LIST, v, frame_row, (void *)visit, user, 0, {0}});
}

enum store_result store_result_put(struct store *s, int64_t execution, asl_str path, int64_t index, asl_str value) {
    struct database_value v[] = {number(execution), text(path), number(index), text(value)};
    return put(s, RESULT_PUT, v);
}

enum store_result store_results_delete(struct store *s, int64_t execution, asl_str path) {
    struct database_value v[] = {number(execution), text(path)};
    return put(s, RESULT_DELETE, v);
}

typedef bool result_visit(void *user, asl_str path, int64_t index, asl_str value);

static bool result_row(struct pages *p, const struct database_rows *rows) {
    int64_t index = column_number(rows, 0);
    asl_str path = column_text(rows, 1);
    continue_behind(p, 1, path);
    p->values[2] = number(index);
    return ((result_visit *)p->visit)(p->user, path, index, column_text(rows, 2));
}

enum store_result store_results(struct store *s, int64_t execution,
                                bool (*visit)(void *user, asl_str path, int64_t index, asl_str value), void *user) {
    struct database_value v[] = {number(execution), word(""), number(-1), number(PAGE)};
    return read_pages(&(struct pages){s, RESULT_LIST, v, result_row, (void *)visit, user, 0, {0}});
}

// ---------------------------------------------------------------- payloads

// A payload stays while an execution that uses it does, so what this process has put for one need not be put again. By
// execution, for gc of another process may have deleted what only others used.
static struct known_payload *known_payload(struct store *s, int64_t execution, const uint8_t *hash) {
    if (!s->known) s->known = asl_calloc(KNOWN_PAYLOADS, sizeof s->known[0]);
    uint32_t at;
    memcpy(&at, hash, sizeof at);
    return &s->known[(at ^ (uint32_t)execution) % KNOWN_PAYLOADS];
}

enum store_result store_payload_put(struct store *s, int64_t execution, asl_str payload, char ref[65]) {
    uint8_t hash[SHA256_DIGEST_SIZE];
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, payload.size, (const uint8_t *)payload.data);
    sha256_digest(&context, sizeof hash, hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        ref[2 * i] = "0123456789abcdef"[hash[i] >> 4];
        ref[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
    }
    ref[64] = 0;
    struct known_payload *known = known_payload(s, execution, hash);
    if (known->execution == execution && memcmp(known->hash, hash, sizeof hash) == 0) return STORE_OK;
    struct database_value content[] = {word(ref), text(payload)}, use[] = {number(execution), word(ref)};
    enum store_result r = put(s, PAYLOAD_PUT, content);
    if (r == STORE_OK) r = put(s, PAYLOAD_USE, use);
    if (r == STORE_OK) {
        known->execution = execution;
        memcpy(known->hash, hash, sizeof hash);
    }
    return r;
}

enum store_result store_payload_get(struct store *s, const char *ref, asl_buffer *out) {
    struct database_value v[] = {word(ref)};
    struct database_rows rows;
    enum store_result r = query_one(s, PAYLOAD_GET, v, &rows);
    if (r == STORE_OK) asl_buffer_str(out, column_text(&rows, 0));
    end(&rows);
    return r;
}

// ---------------------------------------------------------------- task tokens

enum store_result store_token_put(struct store *s, const struct store_token *t) {
    struct database_value v[] = {word(t->token), number(t->execution), text(t->path), number(t->heartbeat_ms),
                                 number(t->heartbeat_seconds), number(t->deadline_ms), number(t->timeout_ms)};
    return put(s, TOKEN_PUT, v);
}

enum store_result store_token_delete(struct store *s, const char *token) {
    struct database_value v[] = {word(token)};
    return put(s, TOKEN_DELETE, v);
}

static void read_token(const struct database_rows *rows, struct store_token *t) {
    *t = (struct store_token){
        .execution = column_number(rows, 0), .answer = (enum store_token_answer)column_number(rows, 1),
        .heartbeat_ms = column_number(rows, 2), .heartbeat_seconds = column_number(rows, 3),
        .deadline_ms = column_number(rows, 4), .timeout_ms = column_number(rows, 5),
        .token = column_text(rows, 6).data, .path = column_text(rows, 7), .output = column_text(rows, 8),
        .error = column_text(rows, 9), .cause = column_text(rows, 10),
    };
}

enum store_result store_token_find(struct store *s, const char *token, struct store_token *out) {
    struct database_value v[] = {word(token)};
    struct database_rows rows;
    enum store_result r = query_one(s, TOKEN_FIND, v, &rows);
    if (r == STORE_OK) {
        read_token(&rows, out);
        asl_str name = {out->token, strlen(out->token)};
        keep(s, (asl_str *[]){&name, &out->path, &out->output, &out->error, &out->cause}, 5);
        out->token = name.data;
    }
    end(&rows);
    return r;
}

typedef bool token_visit(void *user, const struct store_token *t);

static bool token_row(struct pages *p, const struct database_rows *rows) {
    struct store_token t;
    read_token(rows, &t);
    continue_behind(p, 1, (asl_str){t.token, strlen(t.token)});
    return ((token_visit *)p->visit)(p->user, &t);
}

enum store_result store_tokens(struct store *s, int64_t execution, bool (*visit)(void *user, const struct store_token *t),
                               void *user) {
    struct database_value v[] = {number(execution), word(""), number(PAGE)};
    return read_pages(&(struct pages){s, TOKEN_LIST, v, token_row, (void *)visit, user, 0, {0}});
}

// A write to a token that is open and in time; otherwise, why not.
static enum store_result write_token(struct store *s, enum statement statement, const struct database_value *v) {
    bool own;
    enum store_result r = own_begin(s, &own);
    if (r == STORE_OK) r = query_number(s, statement, v, NULL);
    if (r == STORE_OK) {
        r = tell(s);
    } else if (r == STORE_NONE) {
        struct database_rows rows;
        struct store_token t;
        r = query_one(s, TOKEN_FIND, v, &rows);
        if (r == STORE_OK) {
            read_token(&rows, &t);
            r = t.answer == STORE_TOKEN_OPEN ? STORE_LOST : STORE_EXISTS;
        }
        end(&rows);
    }
    return own_end(s, own, r);
}

enum store_result store_token_answer(struct store *s, const char *token, int64_t now_ms, enum store_token_answer answer,
                                     asl_str output, asl_str error, asl_str cause) {
    struct database_value v[] = {word(token), number(now_ms), number(answer), text(output), text(error), text(cause)};
    return write_token(s, TOKEN_ANSWER, v);
}

enum store_result store_token_heartbeat(struct store *s, const char *token, int64_t now_ms) {
    struct database_value v[] = {word(token), number(now_ms)};
    return write_token(s, TOKEN_HEARTBEAT, v);
}
