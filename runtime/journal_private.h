// Private to the journal: journal.c batches and commits, checkpoint.c turns frames into records and back.
#ifndef ASL_JOURNAL_PRIVATE_H
#define ASL_JOURNAL_PRIVATE_H

#include "journal.h"
#include "store/store.h"
#include "waiting.h"

/* A place where a machine can go on, by name. */
struct point {
    const char *name;
    uint32_t state;        /* ASL_NO_OPERAND: none */
    const uint32_t *live;  /* slots that are read from there on */
    uint32_t live_count;
};

struct points {
    struct point *at;
    uint32_t count;
    const char *const *slots; /* names */
};

/* What is written at the next commit. Texts are offsets into journal.bytes. */
enum op_kind { OP_EVENT, OP_FRAME, OP_FRAME_GONE, OP_RESULT, OP_RESULTS_GONE, OP_PAYLOAD, OP_TOKEN_GONE, OP_ALL_GONE, OP_NOTHING };

struct op {
    enum op_kind kind;
    struct kept_execution *x;
    size_t path, path_size, text, text_size;
    int64_t id, previous, time_ms; /* EVENT; RESULT: id is the index */
    const char *type;              /* EVENT */
    asl_value value;               /* RESULT: printed when it is written, if it is */
    const struct frame *parent;    /* RESULT */
};

struct kept_execution {
    asl_execution *execution;
    struct kept_execution *next;
    int64_t id, fence;
    bool fresh;   /* not in the store yet */
    bool dirty, ended;
    bool stop, stopped; /* another process wants it to stop; that is on its way */
    uint32_t tokens; /* tasks that wait for theirs */
};

struct kept_frame {
    uint32_t touched; /* place in journal.touched, from 1; 0: its record is as it should be */
    bool row;         /* the store may have a record of it */
    bool behind;      /* that record is the one for a redrive: it stays */
    bool token_row;
    uint32_t machine, entry; /* what a redrive needs: the point, and the slots as they were there */
    asl_value *values;
    char *fanout;     /* of a fan-out that failed, as JSON */
    char **left;      /* paths of what stayed behind below it */
    size_t left_count, left_room;
    size_t first_op;  /* of this batch that can be a result of its fan-out */
    bool results;     /* the store may have some */
};

struct journal {
    struct asl_journal hooks;       /* must be first */
    struct asl_observer observer;
    asl_engine *engine;
    struct store *store;
    const struct journal_options *options;
    struct points *points;          /* per machine */
    struct kept_execution *executions;
    struct frame **touched;
    size_t touched_count, touched_room;
    struct op *ops;
    size_t op_count, op_room;
    asl_buffer bytes, scratch;
    bool urgent;
    bool look_again; /* a token has been answered whose handler is still at work */
    int64_t lease_until, polled_ms;
    struct { /* large values written lately: printed and hashed once */
        asl_value value;
        int64_t execution;
        char ref[65];
    } seen[32];
    unsigned seen_next;
    char message[512];
};

#define JOURNAL_LEASE_MS   30000
#define JOURNAL_LARGE      512 /* bytes of a text from which on it is kept once, by content */

static inline struct journal *journal_of(struct asl_journal *hooks) { return (struct journal *)hooks; }
static inline struct kept_execution *kept_of(const struct frame *f) { return f->execution->main->kept; }

struct op *journal_op(struct journal *j, enum op_kind kind, struct kept_execution *x);
size_t journal_text(struct journal *j, asl_str text); /* kept until the commit: its offset */
/* Appends to out the value as records have it: null for none, {"v": JSON}, or {"r": "hash"} for a large one. */
void journal_put_value(struct journal *j, struct kept_execution *x, const asl_value *v, asl_buffer *out);
/* A text that may be large: "j…" or "#hash". */
void journal_put_text(struct journal *j, struct kept_execution *x, asl_str text, asl_buffer *out);
/* The opposite of journal_put_value; false: the store does not have it. That of journal_put_text is asl__journal_text. */
bool journal_get_value(struct store *s, const asl_value *from, asl_value *out);

void checkpoint_path(const struct frame *f, asl_buffer *out);
void checkpoint_record(struct journal *j, const struct frame *f, bool behind, asl_buffer *out);
void checkpoint_fanout(struct journal *j, struct kept_execution *x, const struct fanout *o, asl_buffer *out);
uint32_t checkpoint_entry(const struct journal *j, uint32_t machine, uint32_t state);
/* Makes the frames of an execution from its records. False with journal.message. */
bool checkpoint_restore(struct journal *j, asl_execution *x, bool redrive);

#endif
