// Private to the store: the little that store.c wants of a database.
//
// Statements are numbered and known when the database is opened; each is prepared once, when first run. Their text is
// what SQLite and PostgreSQL both understand: parameters are $1, $2, … in any order, each of the type that its letter in
// `parameters` says, and every number that comes out is a bigint.
//
// In a transaction the first failure is the last word: whatever is asked after it fails the same way, until rollback.
// A driver may send writes in a bunch and learn of a failure later, at the latest in commit; a query waits for all that
// was written before it.
#ifndef ASL_STORE_DATABASE_H
#define ASL_STORE_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aslc/value.h"

enum { DATABASE_MAX_PARAMETERS = 16 };

enum database_result {
    DATABASE_OK,      /* done; of next(): no more rows */
    DATABASE_ROW,     /* next() has one */
    DATABASE_NOTHING, /* a write that must change a row found none: database.missed says whose */
    DATABASE_HAPPENED, /* begin(): the transaction whose commit was cut off has happened after all; none is begun */
    DATABASE_ERROR,   /* database.message */
};

struct database_statement {
    const char *parameters; /* "it": $1 is an integer, $2 a text; either may be NULL */
    const char *sql;
};

struct database_schema {
    const char *tables; /* statements that make them, with @identity and @text where the databases differ */
    const struct database_statement *statements;
    int statement_count;
    int version;
};

struct database_value {
    enum { DATABASE_NULL, DATABASE_INTEGER, DATABASE_TEXT } kind;
    int64_t integer;
    asl_str text;
};

struct database {
    const struct database_driver *driver;
    const struct database_schema *schema;
    bool in_transaction;
    enum database_result failed; /* of the transaction: OK, NOTHING or ERROR */
    int64_t missed;
    bool passing; /* the last DATABASE_ERROR is of a kind that may be gone when the transaction is repeated */
    char message[512]; /* of the last DATABASE_ERROR, one line */
};

/* The rows of one query: the caller's, to be ended whatever happens. Rows of the same statement must not overlap. */
struct database_rows {
    struct database *database;
    int statement;
    void *result;
    int row;
};

struct database_driver {
    /* NULL with a message. create: makes what is missing. */
    struct database *(*open)(const char *url, const struct database_schema *schema, bool create, char *message,
                             size_t message_size);
    void (*close)(struct database *d);
    enum database_result (*begin)(struct database *d);
    /* Not OK: rolled back. ERROR may also mean that the connection broke before the answer came: then the next begin
       says HAPPENED if it has. */
    enum database_result (*commit)(struct database *d);
    void (*rollback)(struct database *d);
    /* In a transaction. owner not 0: at least one row must change, or it is NOTHING and the owner is `missed`. */
    enum database_result (*write)(struct database *d, int statement, const struct database_value *values, int64_t owner);
    /* In a transaction or not; may also be a write that returns something. */
    enum database_result (*query)(struct database *d, int statement, const struct database_value *values,
                                  struct database_rows *rows);
    enum database_result (*next)(struct database_rows *rows);
    int64_t (*integer)(const struct database_rows *rows, int column); /* NULL is 0 */
    asl_str (*text)(const struct database_rows *rows, int column);    /* NUL-terminated; NULL is {NULL, 0} */
    void (*end)(struct database_rows *rows);
    /* Others are to look (with the commit of this transaction); whether others have written since the last call. */
    enum database_result (*tell)(struct database *d);
    bool (*changed)(struct database *d);
};

extern const struct database_driver asl__sqlite, asl__postgres;

/* The tables' text for one database. */
void asl__database_tables(const char *tables, const char *identity, const char *text, asl_buffer *out);

#endif
