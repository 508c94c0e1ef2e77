// The journal: what is written when, and taking executions up again. Contract: journal.h.
//
//     event, record, result ──► ops ──► commit: one transaction ──► tasks are started, ends are told
//
// A commit that fails for good gives the run up: nothing that happened since the last one has had any effect outside, so
// nothing is lost. A database that goes away is waited for.
#include "journal_private.h"

#include <nettle/sha2.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_FOR_MS 60000 /* how long a database that went away is waited for */
#define TOKEN_POLL_MS 100

static int64_t real_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// ---------------------------------------------------------------- what is to be written

size_t journal_text(struct journal *j, asl_str text) {
    size_t at = j->bytes.size;
    asl_buffer_str(&j->bytes, text);
    return at;
}

struct op *journal_op(struct journal *j, enum op_kind kind, struct kept_execution *x) {
    if (j->op_count == j->op_room) {
        j->op_room = j->op_room ? 2 * j->op_room : 64;
        j->ops = asl_realloc(j->ops, j->op_room * sizeof *j->ops);
    }
    struct op *op = &j->ops[j->op_count++];
    *op = (struct op){.kind = kind, .x = x};
    x->dirty = true;
    return op;
}

static void set_path(struct journal *j, struct op *op, const struct frame *f) {
    op->path = j->bytes.size;
    checkpoint_path(f, &j->bytes);
    op->path_size = j->bytes.size - op->path;
}

static asl_str text_at(const struct journal *j, size_t at, size_t size) { return (asl_str){j->bytes.data + at, size}; }

// ---------------------------------------------------------------- values

static void hash(asl_str text, char ref[65]) {
    struct sha256_ctx c;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&c);
    sha256_update(&c, text.size, (const uint8_t *)text.data);
    sha256_digest(&c, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) sprintf(ref + 2 * i, "%02x", digest[i]);
}

static void put_payload(struct journal *j, struct kept_execution *x, asl_str text, char ref[65]) {
    hash(text, ref);
    size_t at = journal_text(j, text);
    struct op *op = journal_op(j, OP_PAYLOAD, x);
    op->text = at;
    op->text_size = text.size;
}

static bool is_shared(const asl_value *v) { return v->tag == ASL_OBJECT || v->tag == ASL_ARRAY; }

static const char *seen(const struct journal *j, const struct kept_execution *x, const asl_value *v) {
    if (!is_shared(v)) return NULL;
    for (size_t i = 0; i < sizeof j->seen / sizeof *j->seen; i++)
        if (j->seen[i].value.tag == v->tag && j->seen[i].value.array == v->array && j->seen[i].execution == (intptr_t)x)
            return j->seen[i].ref;
    return NULL;
}

/* Prints a value into j->scratch, or gives its hash when it is large. */
static const char *print(struct journal *j, struct kept_execution *x, const asl_value *v) {
    const char *known = seen(j, x, v);
    if (known) return known;
    j->scratch.size = 0;
    asl_json_print(v, &j->scratch);
    if (j->scratch.size < JOURNAL_LARGE) return NULL;
    unsigned n = is_shared(v) ? j->seen_next++ % (sizeof j->seen / sizeof *j->seen) : 0;
    ASL__OF_THREAD char ref[65];
    put_payload(j, x, (asl_str){j->scratch.data, j->scratch.size}, ref);
    if (!is_shared(v)) return ref;
    asl_value_set(&j->seen[n].value, asl_retain(*v));
    j->seen[n].execution = (intptr_t)x;
    memcpy(j->seen[n].ref, ref, sizeof ref);
    return ref;
}

void journal_put_value(struct journal *j, struct kept_execution *x, const asl_value *v, asl_buffer *out) {
    if (v->tag == ASL_NONE) {
        asl_buffer_z(out, "null");
        return;
    }
    const char *ref = print(j, x, v);
    if (ref) {
        asl_buffer_format(out, "{\"r\":\"%s\"}", ref);
        return;
    }
    asl_buffer_z(out, "{\"v\":");
    asl_buffer_add(out, j->scratch.data, j->scratch.size);
    asl_buffer_byte(out, '}');
}

void journal_put_text(struct journal *j, struct kept_execution *x, asl_str text, asl_buffer *out) {
    if (text.size < JOURNAL_LARGE) {
        asl_buffer_byte(out, 'j');
        asl_buffer_str(out, text);
        return;
    }
    char ref[65];
    put_payload(j, x, text, ref);
    asl_buffer_format(out, "#%s", ref);
}

bool asl__journal_text(struct store *s, asl_str from, asl_buffer *out) {
    if (from.size == 0) return true;
    if (from.data[0] == 'j') {
        asl_buffer_add(out, from.data + 1, from.size - 1);
        return true;
    }
    char ref[65]; /* a copy: what the store lends is gone with its next call */
    if (from.size != 65) return false;
    memcpy(ref, from.data + 1, 64);
    ref[64] = 0;
    return store_payload_get(s, ref, out) == STORE_OK;
}

bool journal_get_value(struct store *s, const asl_value *from, asl_value *out) {
    *out = asl_none();
    if (!from) return false;
    if (from->tag != ASL_OBJECT) return from->tag == ASL_NULL;
    const asl_value *v = asl_object_get(from, ASL_STR("v")), *r = asl_object_get(from, ASL_STR("r"));
    if (v) {
        *out = asl_retain(*v);
        return true;
    }
    if (!r || r->tag != ASL_STRING || asl_text_of(r).size != 64) return false;
    char ref[65] = "";
    memcpy(ref, asl_text_of(r).data, 64);
    asl_buffer text = {0};
    bool ok = store_payload_get(s, ref, &text) == STORE_OK && asl_json_parse((asl_str){text.data, text.size}, NULL, out, NULL) == 0;
    asl_buffer_free(&text);
    return ok;
}

// ---------------------------------------------------------------- frames

static struct kept_frame *keep(struct journal *j, struct frame *f) {
    if (!f->kept) {
        f->kept = asl_calloc(1, sizeof *f->kept);
        f->kept->first_op = j->op_count;
    }
    return f->kept;
}

static void drop_values(struct journal *j, struct kept_frame *k) {
    if (!k->values) return;
    for (uint32_t i = 0; i < j->points[k->machine].at[k->entry].live_count; i++) asl_release(k->values[i]);
    asl_free(k->values);
    k->values = NULL;
}

static void on_entered(struct asl_journal *hooks, struct frame *f, bool first) {
    struct journal *j = journal_of(hooks);
    struct kept_frame *k = keep(j, f);
    drop_values(j, k);
    k->machine = f->head.machine;
    k->entry = first ? 0 : checkpoint_entry(j, f->head.machine, f->head.state);
    const struct point *p = &j->points[k->machine].at[k->entry];
    k->values = asl_calloc(p->live_count + 1, sizeof *k->values);
    for (uint32_t i = 0; i < p->live_count; i++) k->values[i] = asl_retain(f->slots[p->live[i]]);
}

static void on_touched(struct asl_journal *hooks, struct frame *f, bool urgent) {
    struct journal *j = journal_of(hooks);
    j->urgent |= urgent;
    struct kept_frame *k = keep(j, f);
    if (k->touched) return;
    if (j->touched_count == j->touched_room) {
        j->touched_room = j->touched_room ? 2 * j->touched_room : 64;
        j->touched = asl_realloc(j->touched, j->touched_room * sizeof(struct frame *));
    }
    j->touched[j->touched_count++] = f;
    k->touched = (uint32_t)j->touched_count;
}

static void untouch(struct journal *j, struct kept_frame *k) {
    if (!k->touched) return;
    struct frame *last = j->touched[--j->touched_count];
    j->touched[k->touched - 1] = last;
    last->kept->touched = k->touched;
    k->touched = 0;
}

/* What stayed behind of a fan-out that failed is not needed. */
static void forget(struct journal *j, struct frame *f) {
    struct kept_frame *k = f->kept;
    asl_free(k->fanout);
    k->fanout = NULL;
    for (size_t i = 0; i < k->left_count; i++) {
        size_t path = journal_text(j, asl_str_z(k->left[i])), size = strlen(k->left[i]);
        for (int gone = 0; gone < 2; gone++) { /* its record, and what its own branches and items had done */
            struct op *op = journal_op(j, gone ? OP_RESULTS_GONE : OP_FRAME_GONE, kept_of(f));
            op->path = path;
            op->path_size = size;
        }
        asl_free(k->left[i]);
    }
    asl_free(k->left);
    k->left = NULL;
    k->left_count = k->left_room = 0;
}

static void on_forgotten(struct asl_journal *hooks, struct frame *f) {
    struct journal *j = journal_of(hooks);
    struct kept_frame *k = keep(j, f);
    forget(j, f);
    for (size_t i = k->first_op; i < j->op_count; i++) {
        if (j->ops[i].kind != OP_RESULT || j->ops[i].parent != f) continue;
        j->ops[i].kind = OP_NOTHING;
        asl_release(j->ops[i].value);
        j->ops[i].value = asl_none();
    }
    k->first_op = j->op_count;
    if (!k->results) return;
    k->results = false;
    set_path(j, journal_op(j, OP_RESULTS_GONE, kept_of(f)), f);
}

static void on_gone(struct asl_journal *hooks, struct frame *f) {
    struct journal *j = journal_of(hooks);
    struct kept_frame *k = f->kept;
    if (!k) return;
    untouch(j, k);
    drop_values(j, k);
    if (!k->behind) {
        on_forgotten(hooks, f);
        if (k->row && !kept_of(f)->ended) set_path(j, journal_op(j, OP_FRAME_GONE, kept_of(f)), f);
    } else {
        for (size_t i = 0; i < k->left_count; i++) asl_free(k->left[i]);
        asl_free(k->left);
        asl_free(k->fanout);
        for (size_t i = k->first_op; i < j->op_count; i++) /* results stay, their parent does not */
            if (j->ops[i].parent == f) j->ops[i].parent = NULL;
    }
    asl_free(k);
    f->kept = NULL;
}

static void on_result(struct asl_journal *hooks, struct frame *parent, size_t index, const asl_value *v) {
    struct journal *j = journal_of(hooks);
    size_t path = j->bytes.size;
    keep(j, parent);
    checkpoint_path(parent, &j->bytes);
    struct op *op = journal_op(j, OP_RESULT, kept_of(parent));
    op->path = path;
    op->path_size = j->bytes.size - path;
    op->id = (int64_t)index;
    op->value = asl_retain(*v);
    op->parent = parent;
}

/* Moves a path in. */
static void add_left(struct kept_frame *k, char *path) {
    if (k->left_count == k->left_room) {
        k->left_room = k->left_room ? 2 * k->left_room : 8;
        k->left = asl_realloc(k->left, k->left_room * sizeof *k->left);
    }
    k->left[k->left_count++] = path;
}

/* Writes a record for a redrive, of f and of all that is below it; owner forgets them if it need not come to that. */
static void leave(struct journal *j, struct frame *f, struct frame *owner) {
    struct kept_frame *k = keep(j, f);
    struct kept_execution *x = kept_of(f);
    if (k->behind) return;
    k->behind = true;
    untouch(j, k);
    asl_buffer record = {0};
    checkpoint_record(j, f, true, &record); /* may add ops of its own */
    struct op *op = journal_op(j, OP_FRAME, x);
    set_path(j, op, f);
    op->text = journal_text(j, (asl_str){record.data, record.size});
    op->text_size = record.size;
    asl_buffer_free(&record);
    if (owner) {
        struct kept_frame *o = keep(j, owner);
        add_left(o, asl__copy_text(text_at(j, op->path, op->path_size)));
        for (size_t i = 0; i < k->left_count; i++) add_left(o, k->left[i]); /* of a fan-out of its own that failed before */
        k->left_count = 0;
    }
    for (struct frame *c = f->down ? f->down->first : NULL; c; c = c->next) leave(j, c, owner);
}

static void on_left(struct asl_journal *hooks, struct frame *f) { leave(journal_of(hooks), f, f->up->parent); }

static void on_fell(struct asl_journal *hooks, struct frame *parent) {
    struct journal *j = journal_of(hooks);
    struct kept_frame *k = keep(j, parent);
    asl_buffer record = {0};
    checkpoint_fanout(j, kept_of(parent), parent->down, &record);
    asl_buffer_byte(&record, 0);
    asl_free(k->fanout);
    k->fanout = record.data;
    for (struct frame *c = parent->down->first; c; c = c->next) leave(j, c, parent);
}

static void on_task_ended(struct asl_journal *hooks, struct frame *f) {
    struct journal *j = journal_of(hooks);
    struct kept_frame *k = keep(j, f);
    if (!k->token_row || !f->token) return;
    k->token_row = false;
    if (kept_of(f)->tokens) kept_of(f)->tokens--;
    struct op *op = journal_op(j, OP_TOKEN_GONE, kept_of(f));
    op->text_size = strlen(f->token);
    op->text = journal_text(j, asl_str_z(f->token));
}

// ---------------------------------------------------------------- executions

static void on_begin(struct asl_journal *hooks, asl_execution *x) {
    struct journal *j = journal_of(hooks);
    struct kept_execution *k = asl_calloc(1, sizeof *k);
    *k = (struct kept_execution){.execution = x, .next = j->executions, .fresh = true, .dirty = true};
    j->executions = k;
    x->kept = k;
}

static void on_ended(struct asl_journal *hooks, asl_execution *x) {
    struct journal *j = journal_of(hooks);
    if (x->main != x) return; /* a distributed Map's child is part of its parent's */
    struct kept_execution *k = x->kept;
    j->urgent = true;
    k->ended = k->dirty = true;
    if (x->status == ASL_SUCCEEDED) journal_op(j, OP_ALL_GONE, k);
    else leave(j, x->root, NULL);
}

// ---------------------------------------------------------------- events

static void on_event(struct asl_observer *o, const struct event_record *r) {
    struct journal *j = container_of(o, struct journal, observer);
    if (r->execution->up) return;
    struct kept_execution *x = r->execution->kept;
    const char *name = r->d.input ? "input" : r->d.output ? "output" : r->d.parameters ? "parameters" : NULL;
    const asl_value *payload = r->d.input ? r->d.input : r->d.output ? r->d.output : r->d.parameters;
    asl_buffer details = {0};
    asl_buffer_z(&details, "{\"details\":");
    asl__event_details_print(r, false, &details);
    if (name) {
        asl_buffer_format(&details, ",\"%s\":", name);
        asl_str sent = asl__event_payload_sent(r, payload);
        char ref[65];
        const char *known = sent.size ? NULL : print(j, x, payload);
        if (sent.size >= JOURNAL_LARGE) put_payload(j, x, sent, ref), known = ref;
        if (known) asl_buffer_format(&details, "{\"r\":\"%s\"}", known);
        else if (sent.size) asl_json_print_string(sent, &details);
        else asl_json_print_string((asl_str){j->scratch.data, j->scratch.size}, &details);
    }
    if (r->d.assigned_count) {
        asl_buffer_z(&details, ",\"assignedVariables\":");
        asl__event_assigned_print(r, &details);
    }
    asl_buffer_byte(&details, '}');
    size_t at = journal_text(j, (asl_str){details.data, details.size});
    struct op *op = journal_op(j, OP_EVENT, x);
    op->id = (int64_t)r->id;
    op->previous = (int64_t)r->previous;
    op->time_ms = r->time_ms;
    op->type = asl__event_name(r->type);
    op->text = at;
    op->text_size = details.size;
    asl_buffer_free(&details);
}

bool asl__journal_event_print(struct store *s, int64_t id, int64_t previous, int64_t time_ms, const char *type,
                              asl_str details, asl_buffer *out) {
    static const char *const payloads[] = {"input", "output", "parameters"};
    asl_value stored;
    const char *key = NULL;
    for (int i = 0; i < EVENT_COUNT && !key; i++)
        if (strcmp(asl__event_name((enum event)i), type) == 0) key = asl__event_details_key((enum event)i);
    asl__event_head_print(time_ms, type, (uint64_t)id, (uint64_t)previous, out);
    if (asl_json_parse(details, NULL, &stored, NULL) < 0) return false;
    bool ok = true;
    const asl_value *d = asl_object_get(&stored, ASL_STR("details"));
    if (key && d) {
        asl_buffer_format(out, ",\"%s\":", key);
        asl_json_print(d, out);
        out->size--; /* the brace */
        for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
            const asl_value *p = asl_object_get(&stored, asl_str_z(payloads[i]));
            if (!p) continue;
            asl_buffer_format(out, out->data[out->size - 1] == '{' ? "\"%s\":" : ",\"%s\":", payloads[i]);
            if (p->tag == ASL_STRING) {
                asl_json_print(p, out);
            } else {
                char ref[65] = "";
                asl_buffer text = {0};
                const asl_value *r = asl_object_get(p, ASL_STR("r"));
                if (r && asl_text_of(r).size == 64) memcpy(ref, asl_text_of(r).data, 64);
                ok &= store_payload_get(s, ref, &text) == STORE_OK;
                asl_json_print_string((asl_str){text.data, text.size}, out);
                asl_buffer_free(&text);
            }
            if (i < 2) asl_buffer_format(out, ",\"%sDetails\":{\"truncated\":false}", payloads[i]);
        }
        const asl_value *assigned = asl_object_get(&stored, ASL_STR("assignedVariables"));
        if (assigned) {
            asl_buffer_z(out, out->data[out->size - 1] == '{' ? "\"assignedVariables\":" : ",\"assignedVariables\":");
            asl_json_print(assigned, out);
            asl_buffer_z(out, ",\"assignedVariablesDetails\":{\"truncated\":false}");
        }
        asl_buffer_byte(out, '}');
    }
    asl_buffer_byte(out, '}');
    asl_release(stored);
    return ok;
}

// ---------------------------------------------------------------- committing

/* The texts of a store_execution, until it is written. */
struct texts {
    asl_buffer input, output, error, cause;
};

static void free_texts(struct texts *t) {
    asl_buffer_free(&t->input);
    asl_buffer_free(&t->output);
    asl_buffer_free(&t->error);
    asl_buffer_free(&t->cause);
}

static asl_str as_str(const asl_buffer *b) { return (asl_str){b->data, b->size}; }

static void value_text(struct journal *j, struct kept_execution *k, const asl_value *v, asl_buffer *out) {
    if (v->tag == ASL_NONE) return;
    const char *ref = print(j, k, v);
    if (ref) {
        asl_buffer_format(out, "#%s", ref);
    } else {
        asl_buffer_byte(out, 'j');
        asl_buffer_add(out, j->scratch.data, j->scratch.size);
    }
}

static void describe(struct journal *j, struct kept_execution *k, struct store_execution *row, struct texts *t) {
    asl_execution *x = k->execution;
    bool sent = x->input_text.tag == ASL_STRING;
    if (sent) journal_put_text(j, k, asl_text_of(&x->input_text), &t->input);
    else value_text(j, k, &x->input, &t->input);
    value_text(j, k, &x->output, &t->output);
    value_text(j, k, &x->error, &t->error);
    value_text(j, k, &x->cause, &t->cause);
    const struct image *image = &j->engine->image;
    const asl_value *definition = asl_object_get(&image->root, ASL_STR("definition"));
    ASL__OF_THREAD char hash_text[65];
    snprintf(hash_text, sizeof hash_text, "%.*s", definition ? (int)asl_text_of(definition).size : 0,
             definition ? asl_text_of(definition).data : "");
    const char *state = x->failed_state < image->state_count ? image->states[x->failed_state].name_z : asl__waiting_state(x);
    *row = (struct store_execution){
        .id = k->id, .fence = k->fence, .machine = image->name, .name = x->name, .arn = asl_execution_arn(x),
        .definition = hash_text, .status = asl_status_name(x->status), .start_ms = x->start_ms,
        .stop_ms = x->finished ? x->stop_ms : 0, .deadline_ms = x->deadline_ms == INT64_MAX ? 0 : x->deadline_ms,
        .redrive_count = x->redrive_count, .redrive_ms = x->redrive_ms, .events = (int64_t)x->events,
        .input = as_str(&t->input), .output = as_str(&t->output), .error = as_str(&t->error), .cause = as_str(&t->cause),
        .state = state, .lease_ms = j->lease_until,
    };
}

/* The records of the frames that have changed, as ops. */
static void write_touched(struct journal *j) {
    for (size_t i = 0; i < j->touched_count; i++) {
        struct frame *f = j->touched[i];
        f->kept->touched = 0;
        asl_buffer record = {0};
        checkpoint_record(j, f, false, &record);
        struct op *op = journal_op(j, OP_FRAME, kept_of(f));
        set_path(j, op, f);
        op->text = journal_text(j, as_str(&record));
        op->text_size = record.size;
        asl_buffer_free(&record);
        f->kept->row = true;
        f->kept->first_op = 0;
    }
}

static enum store_result put_token(struct journal *j, struct frame *f) {
    const struct task *t = f->task;
    asl_buffer path = {0};
    checkpoint_path(f, &path);
    int64_t deadline = t->timeout.position ? t->timeout.due_ms : 0;
    if (t->heartbeat.position && (!deadline || t->heartbeat.due_ms < deadline)) deadline = t->heartbeat.due_ms;
    struct store_token token = {.token = f->token, .execution = kept_of(f)->id, .path = as_str(&path),
                                .heartbeat_seconds = t->heartbeat_ms / 1000, .deadline_ms = deadline,
                                .timeout_ms = t->timeout.position ? t->timeout.due_ms : 0};
    enum store_result r = store_token_put(j->store, &token);
    asl_buffer_free(&path);
    return r;
}

static enum store_result write_op(struct journal *j, struct op *op) {
    asl_str path = text_at(j, op->path, op->path_size), text = text_at(j, op->text, op->text_size);
    int64_t x = op->x->id;
    char ref[65];
    switch (op->kind) {
    case OP_NOTHING: return STORE_OK;
    case OP_EVENT: return store_event_add(j->store, x, op->id, op->previous, op->time_ms, op->type, text);
    case OP_FRAME: return store_frame_put(j->store, x, path, text);
    case OP_FRAME_GONE: return store_frame_delete(j->store, x, path);
    case OP_RESULT: return store_result_put(j->store, x, path, op->id, text);
    case OP_RESULTS_GONE: return store_results_delete(j->store, x, path);
    case OP_PAYLOAD: return store_payload_put(j->store, x, text, ref);
    case OP_TOKEN_GONE: {
        char token[2100];
        snprintf(token, sizeof token, "%.*s", (int)text.size, text.data);
        enum store_result r = store_token_delete(j->store, token);
        return r == STORE_NONE ? STORE_OK : r;
    }
    case OP_ALL_GONE: return store_execution_clear(j->store, x);
    }
    return STORE_OK;
}

/* Results are printed now that it is known that they are needed; they may be large, which makes ops. */
static void print_results(struct journal *j) {
    for (size_t i = 0; i < j->op_count; i++) {
        if (j->ops[i].kind != OP_RESULT || j->ops[i].value.tag == ASL_NONE) continue;
        asl_value v = j->ops[i].value;
        asl_buffer text = {0};
        journal_put_value(j, j->ops[i].x, &v, &text);
        j->ops[i].value = asl_none();
        j->ops[i].text = journal_text(j, as_str(&text));
        j->ops[i].text_size = text.size;
        if (j->ops[i].parent) j->ops[i].parent->kept->results = true;
        asl_buffer_free(&text);
        asl_release(v);
    }
}

static enum store_result write_execution(struct journal *j, struct kept_execution *k, const struct store_execution *row) {
    struct store_execution made = *row;
    enum store_result r = STORE_OK;
    if (k->fresh) {
        r = store_execution_new(j->store, &made, real_ms(), j->lease_until);
        if (r == STORE_EXISTS) {
            snprintf(j->message, sizeof j->message, "execution \"%s\" exists already", row->name);
            return r;
        }
        k->id = made.id;
        k->fence = made.fence;
    }
    return r == STORE_OK ? store_execution_update(j->store, &made) : r;
}

static enum store_result write_all(struct journal *j, const struct store_execution *rows) {
    enum store_result r = store_begin(j->store);
    if (r == STORE_EXISTS) return STORE_OK; /* the commit whose answer did not come has happened after all */
    if (r != STORE_OK) return r;
    size_t n = 0;
    for (struct kept_execution *k = j->executions; k && r == STORE_OK; k = k->next)
        if (k->dirty) {
            struct store_execution row = rows[n++];
            row.id = k->id;
            row.fence = k->fence;
            r = write_execution(j, k, &row);
        }
    for (size_t i = 0; i < j->op_count && r == STORE_OK; i++) r = write_op(j, &j->ops[i]);
    for (size_t i = 0; i < j->touched_count && r == STORE_OK; i++) {
        struct frame *f = j->touched[i];
        if (f->task && f->token && f->task->site->callback) r = put_token(j, f);
    }
    if (r == STORE_OK) return store_commit(j->store);
    store_rollback(j->store);
    return r;
}

static void give_up(struct journal *j, enum store_result r) {
    if (j->message[0]) return;
    if (r == STORE_LOST)
        snprintf(j->message, sizeof j->message, "another process has taken the execution over; this one leaves it");
    else snprintf(j->message, sizeof j->message, "the journal cannot be written: %s", store_message(j->store));
}

static bool on_commit(struct asl_journal *hooks) {
    struct journal *j = journal_of(hooks);
    asl_engine *e = j->engine;
    bool any = false;
    for (struct kept_execution *k = j->executions; k; k = k->next) any |= k->dirty;
    if (!any && !j->touched_count) return true;
    if (!j->urgent && !e->held_first && !e->suspended && !e->interrupted) return true; /* nothing that must be known soon */
    j->lease_until = real_ms() + JOURNAL_LEASE_MS;
    size_t touched = j->touched_count;
    write_touched(j);
    print_results(j);
    size_t count = 0;
    for (struct kept_execution *k = j->executions; k; k = k->next) count += k->dirty;
    struct store_execution *rows = asl_calloc(count + 1, sizeof *rows);
    struct texts *texts = asl_calloc(count + 1, sizeof *texts);
    size_t n = 0;
    for (struct kept_execution *k = j->executions; k; k = k->next)
        if (k->dirty) {
            describe(j, k, &rows[n], &texts[n]);
            n++;
        }
    enum store_result r = write_all(j, rows);
    for (int64_t until = real_ms() + RETRY_FOR_MS; r == STORE_ERROR && store_worth_repeating(j->store) && real_ms() < until;) {
        usleep(200 * 1000);
        r = write_all(j, rows);
    }
    for (size_t i = 0; i < n; i++) free_texts(&texts[i]);
    asl_free(texts);
    asl_free(rows);
    if (r != STORE_OK) {
        give_up(j, r);
        return false;
    }
    for (size_t i = 0; i < touched; i++) {
        struct frame *f = j->touched[i];
        bool token = f->task && f->token && f->task->site->callback;
        if (token && !f->kept->token_row) kept_of(f)->tokens++;
        f->kept->token_row = token;
    }
    for (struct kept_execution **at = &j->executions, *k; (k = *at);) {
        k->dirty = k->fresh = false;
        if (!k->ended) {
            at = &k->next;
            continue;
        }
        k->execution->kept = NULL; /* nothing more will be said of it */
        *at = k->next;
        asl_free(k);
    }
    j->touched_count = 0;
    j->op_count = 0;
    j->bytes.size = 0;
    j->urgent = false;
    return true;
}

// ---------------------------------------------------------------- others' doing

struct answers {
    struct journal *j;
    struct kept_execution *x;
    bool any;
};

static struct frame *frame_with_token(struct frame *f, const char *token) {
    if (f->task && f->token && strcmp(f->token, token) == 0) return f;
    for (struct frame *c = f->down ? f->down->first : NULL; c; c = c->next) {
        struct frame *found = frame_with_token(c, token);
        if (found) return found;
    }
    return NULL;
}

static bool take_token(void *user, const struct store_token *t) {
    struct answers *a = user;
    struct frame *f = a->x->execution->root ? frame_with_token(a->x->execution->root, t->token) : NULL;
    if (!f) return true;
    f->kept->token_row = true;
    if (t->heartbeat_ms) asl__task_token_heartbeat(f, t->heartbeat_ms);
    if (t->answer == STORE_TOKEN_OPEN || f->task->answer != ANSWER_NONE) return true;
    if (!f->task->submitted) { /* its handler has handed the token on and is not done */
        a->j->look_again = true;
        return true;
    }
    asl_value output = asl_none();
    if (t->answer == STORE_TOKEN_SUCCESS && asl_json_parse(t->output, NULL, &output, NULL) < 0) output = asl_null();
    asl__task_token_answer(f, t->answer == STORE_TOKEN_SUCCESS, output,
                           t->error.data ? asl_string(t->error) : asl_none(), t->cause.data ? asl_string(t->cause) : asl_none());
    a->any = true;
    return true;
}

static bool look_for_answers(struct journal *j) {
    bool any = false;
    j->look_again = false;
    for (struct kept_execution *k = j->executions; k; k = k->next) {
        if (k->ended || k->fresh || !k->tokens) continue;
        struct answers a = {j, k, false};
        store_tokens(j->store, k->id, take_token, &a);
        any |= a.any;
    }
    return any;
}

static void stop_wanted(struct journal *j, struct kept_execution *k) {
    struct store_execution row;
    k->stopped = true;
    if (store_execution_find(j->store, j->engine->image.name, k->execution->name, &row) != STORE_OK) return;
    asl_value error = row.stop_error.data ? asl_string(row.stop_error) : asl_none();
    asl_value cause = row.stop_cause.data ? asl_string(row.stop_cause) : asl_none();
    asl_execution_stop(k->execution, error, cause);
}

static bool renew(struct journal *j, int64_t now) {
    bool any = false;
    j->lease_until = now + JOURNAL_LEASE_MS;
    if (store_begin(j->store) != STORE_OK) return false; /* a server that is away: there is time until the lease ends */
    for (struct kept_execution *k = j->executions; k; k = k->next) {
        if (k->ended || k->fresh) continue;
        bool stop = false;
        if (store_execution_renew(j->store, k->id, k->fence, j->lease_until, &stop) == STORE_LOST) {
            give_up(j, STORE_LOST);
            j->engine->suspended = any = true;
        }
        k->stop = stop && !k->stopped;
    }
    if (store_commit(j->store) == STORE_LOST) {
        give_up(j, STORE_LOST);
        j->engine->suspended = any = true;
    }
    for (struct kept_execution *k = j->executions; k && !j->engine->suspended; k = k->next) {
        if (!k->stop || k->ended) continue;
        k->stop = false;
        stop_wanted(j, k);
        any = true;
    }
    return any;
}

static bool on_turn(struct asl_journal *hooks) {
    struct journal *j = journal_of(hooks);
    int64_t now = real_ms();
    if (now - j->polled_ms < TOKEN_POLL_MS) return false;
    j->polled_ms = now;
    bool changed = store_changed(j->store), any = false;
    if (changed || j->look_again) any |= look_for_answers(j);
    if (changed || j->lease_until - now < JOURNAL_LEASE_MS * 2 / 3) any |= renew(j, now);
    return any;
}

static bool has_tokens(const struct journal *j) {
    for (const struct kept_execution *k = j->executions; k; k = k->next)
        if (!k->ended && k->tokens) return true;
    return false;
}

static int64_t on_wake(const struct asl_journal *hooks) {
    const struct journal *j = (const struct journal *)(const void *)hooks;
    if (has_tokens(j)) return TOKEN_POLL_MS;
    if (j->engine->outside == 0 && !asl__timer_next(&j->engine->clock)) return -1;
    return 500; /* the lease, and whether a stop is wanted */
}

static bool on_may_suspend(struct asl_journal *hooks) {
    struct journal *j = journal_of(hooks);
    asl_engine *e = j->engine;
    const struct clock *c = &e->clock;
    if (j->options->wait || e->outside > 0) return false;
    bool waits = has_tokens(j);
    for (const struct timer *t = NULL; (t = asl__timer_any(c, t));) {
        if (t->fire != asl__on_wait && t->fire != asl__on_backoff) continue; /* limits run on without a process */
        if (c->is_virtual || t->due_ms - c->now_ms <= j->options->suspend_after_ms) return false;
        waits = true;
    }
    if (!waits) return false;
    if (look_for_answers(j)) return false;
    j->urgent = true;
    return on_commit(hooks);
}

// ---------------------------------------------------------------- opening and closing

static bool decode_points(struct journal *j) {
    const struct image *image = &j->engine->image;
    const asl_value *machines = asl_object_get(&image->root, ASL_STR("machines"));
    j->points = asl_calloc(image->machine_count, sizeof *j->points);
    uint32_t count = image->quiet ? image->quiet : image->machine_count;
    for (uint32_t m = 0; m < count; m++) {
        const asl_value *from = asl_array_at(machines, m);
        const asl_value *names = asl_object_get(from, ASL_STR("resume")), *states = asl_object_get(from, ASL_STR("states")),
                        *live = asl_object_get(from, ASL_STR("live")), *slots = asl_object_get(from, ASL_STR("slots"));
        if (!names || !states || !live || !slots || slots->tag != ASL_ARRAY) return false;
        struct points *p = &j->points[m];
        p->count = (uint32_t)asl_array_count(names);
        p->at = asl_calloc(p->count + 1, sizeof *p->at);
        size_t slot_count = asl_array_count(slots);
        const char **texts = asl_calloc(slot_count + 1, sizeof *texts);
        for (size_t i = 0; i < slot_count; i++) texts[i] = asl__copy_text(asl_text_of(asl_array_at(slots, i)));
        p->slots = texts;
        for (uint32_t i = 0; i < p->count; i++) {
            int64_t state = -1;
            asl_number_as_int(asl_array_at(states, i), &state);
            const asl_value *list = asl_array_at(live, i);
            uint32_t n = (uint32_t)asl_array_count(list);
            uint32_t *numbers = asl_alloc((n + 1) * sizeof *numbers);
            for (uint32_t s = 0; s < n; s++) {
                int64_t slot = 0;
                asl_number_as_int(asl_array_at(list, s), &slot);
                numbers[s] = (uint32_t)slot;
            }
            p->at[i] = (struct point){.name = asl__copy_text(asl_text_of(asl_array_at(names, i))),
                                      .state = state < 0 ? ASL_NO_OPERAND : (uint32_t)state, .live = numbers, .live_count = n};
        }
    }
    return true;
}

static void free_points(struct journal *j) {
    const struct image *image = &j->engine->image;
    const asl_value *machines = asl_object_get(&image->root, ASL_STR("machines"));
    for (uint32_t m = 0; m < image->machine_count; m++) {
        struct points *p = &j->points[m];
        for (uint32_t i = 0; i < p->count; i++) {
            asl_free((char *)p->at[i].name);
            asl_free((uint32_t *)p->at[i].live);
        }
        if (p->slots) {
            size_t count = asl_array_count(asl_object_get(asl_array_at(machines, m), ASL_STR("slots")));
            for (size_t i = 0; i < count; i++) asl_free((char *)p->slots[i]);
        }
        asl_free((const char **)p->slots);
        asl_free(p->at);
    }
    asl_free(j->points);
}

static void on_close(struct asl_journal *hooks) {
    struct journal *j = journal_of(hooks);
    bool leases = false;
    for (struct kept_execution *k = j->executions; k; k = k->next) leases |= !k->fresh && !k->ended;
    leases = leases && store_begin(j->store) == STORE_OK;
    for (struct kept_execution *k = j->executions, *next; k; k = next) {
        next = k->next;
        if (leases && !k->fresh && !k->ended) store_execution_release(j->store, k->id, k->fence);
        asl_free(k);
    }
    if (leases) store_commit(j->store); /* if not, they run out by themselves */
    store_close(j->store);
    for (size_t i = 0; i < j->op_count; i++) asl_release(j->ops[i].value);
    for (size_t i = 0; i < sizeof j->seen / sizeof *j->seen; i++) asl_release(j->seen[i].value);
    asl_free(j->ops);
    asl_free(j->touched);
    asl_buffer_free(&j->bytes);
    asl_buffer_free(&j->scratch);
    free_points(j);
    asl_free(j);
}

static void observer_close(struct asl_observer *o) { (void)o; } /* the hooks' close does it */

struct journal *asl__journal_open(asl_engine *e, const struct journal_options *options, char *message, size_t message_size) {
    struct store *store = store_open(options->url, true, message, message_size);
    if (!store) return NULL;
    struct journal *j = asl_calloc(1, sizeof *j);
    j->hooks = (struct asl_journal){
        .begin = on_begin, .entered = on_entered, .touched = on_touched, .gone = on_gone, .result = on_result, .left = on_left,
        .fell = on_fell, .forgotten = on_forgotten, .task_ended = on_task_ended, .ended = on_ended, .commit = on_commit,
        .turn = on_turn, .wake = on_wake, .may_suspend = on_may_suspend, .close = on_close};
    j->observer = (struct asl_observer){.event = on_event, .close = observer_close};
    j->engine = e;
    j->store = store;
    j->options = options;
    if (!decode_points(j)) {
        snprintf(message, message_size, "this program was compiled by another version of aslc: compile it again to journal it");
        on_close(&j->hooks);
        return NULL;
    }
    e->journal = &j->hooks;
    asl__observe(e, &j->observer);
    return j;
}

struct store *asl__journal_store(struct journal *j) { return j->store; }
const char *asl__journal_problem(const struct journal *j) { return j->message; }

// ---------------------------------------------------------------- taking up

static asl_execution *execution_of(struct journal *j, const struct store_execution *row, asl_value input, asl_str text) {
    asl_engine *e = j->engine;
    struct kept_execution *k = asl_calloc(1, sizeof *k);
    asl_execution *x = asl__execution_take(e, input, row->name, row->start_ms, row->deadline_ms);
    *k = (struct kept_execution){.execution = x, .next = j->executions, .id = row->id, .fence = row->fence};
    j->executions = k;
    x->kept = k;
    x->events = (uint64_t)row->events;
    x->redrive_count = row->redrive_count;
    x->redrive_ms = row->redrive_ms;
    x->arn = asl__copy_text(asl_str_z(row->arn));
    x->input_text = asl_string(text);
    return x;
}

static bool last_time(void *user, int64_t id, int64_t previous, int64_t time_ms, const char *type, asl_str details) {
    (void)id, (void)previous, (void)type, (void)details;
    *(int64_t *)user = time_ms;
    return true;
}

/* A virtual clock goes on where it was. */
static void set_clock(struct journal *j, const struct store_execution *row) {
    int64_t at = 0;
    if (!j->engine->clock.is_virtual) return;
    store_events(j->store, row->id, row->events > 0 ? row->events - 1 : 0, last_time, &at);
    if (at > j->engine->clock.now_ms) j->engine->clock.now_ms = at;
}

static bool same_json(asl_str a, asl_str b) {
    asl_value x = asl_none(), y = asl_none();
    bool same = asl_json_parse(a, NULL, &x, NULL) == 0 && asl_json_parse(b, NULL, &y, NULL) == 0 && asl_equal(&x, &y);
    asl_release(x);
    asl_release(y);
    return same;
}

static void touch_all(struct journal *j, struct frame *f) {
    on_touched(&j->hooks, f, true);
    for (struct frame *c = f->down ? f->down->first : NULL; c; c = c->next) touch_all(j, c);
}

/* Nothing of a redrive is there before it is: the records lose their mark with the first commit, since all are written. */
static void begin_redrive(asl_execution *x) {
    asl_engine *e = x->engine;
    x->redrive_count++;
    x->redrive_ms = e->clock.now_ms;
    int64_t timeout = e->image.timeout_seconds;
    if (timeout) asl__execution_deadline(x, e->clock.now_ms + timeout * 1000);
    asl__publish(x, NULL, EVENT_EXECUTION_REDRIVEN, x->events, DETAILS(.redrive_count = x->redrive_count));
}

/* Gives up one that could not be restored: nothing of it may reach the journal, where it stays as it was. ops: how many
   there were before. */
static void leave_alone(struct journal *j, asl_execution *x, size_t ops) {
    struct kept_execution *k = x->kept;
    k->ended = true; /* its frames' records are not deleted */
    asl__execution_abandon(x);
    for (size_t i = ops; i < j->op_count; i++) asl_release(j->ops[i].value);
    j->op_count = ops;
    asl_assert(j->executions == k);
    j->executions = k->next;
    x->kept = NULL;
    store_execution_release(j->store, k->id, k->fence);
    asl_free(k);
}

enum journal_found asl__journal_take(struct journal *j, const char *name, asl_str input, bool redrive, asl_execution **out,
                                     char *message, size_t message_size) {
    struct store_execution row;
    enum store_result r = store_execution_find(j->store, j->engine->image.name, name, &row);
    if (r == STORE_NONE) return JOURNAL_NEW;
    if (r != STORE_OK) {
        snprintf(message, message_size, "%s", store_message(j->store));
        return JOURNAL_REFUSED;
    }
    bool running = strcmp(row.status, "RUNNING") == 0;
    int64_t id = row.id;
    if (redrive && (running || strcmp(row.status, "SUCCEEDED") == 0)) {
        snprintf(message, message_size, "execution \"%s\" is %s and cannot be redriven", name, row.status);
        return JOURNAL_REFUSED;
    }
    asl_buffer text = {0};
    if (!asl__journal_text(j->store, row.input, &text)) {
        snprintf(message, message_size, "the journal lacks the input of execution \"%s\"", name);
        asl_buffer_free(&text);
        return JOURNAL_REFUSED;
    }
    if (input.size && !same_json(input, as_str(&text))) {
        snprintf(message, message_size, "execution \"%s\" exists already, with another input", name);
        asl_buffer_free(&text);
        return JOURNAL_REFUSED;
    }
    if (!running && !redrive) {
        asl_buffer_free(&text);
        return JOURNAL_ENDED;
    }
    asl_value parsed = asl_none();
    r = store_execution_claim(j->store, id, real_ms(), JOURNAL_LEASE_MS, &row);
    if (r == STORE_BUSY)
        snprintf(message, message_size, "execution \"%s\" is being run by another process (%s)", name, row.owner ? row.owner : "?");
    else if (r != STORE_OK) snprintf(message, message_size, "%s", store_message(j->store));
    if (r != STORE_OK || asl_json_parse(as_str(&text), NULL, &parsed, NULL) < 0) {
        asl_buffer_free(&text);
        return JOURNAL_REFUSED;
    }
    j->lease_until = real_ms() + JOURNAL_LEASE_MS;
    asl_execution *x = execution_of(j, &row, parsed, as_str(&text));
    asl_buffer_free(&text);
    set_clock(j, &row);
    size_t ops = j->op_count;
    if (redrive) begin_redrive(x);
    if (checkpoint_restore(j, x, redrive)) {
        /* Also what has not changed: a record that was left behind is one of a running execution now. */
        if (redrive) touch_all(j, x->root);
        look_for_answers(j);
        *out = x;
        return JOURNAL_RESUMED;
    }
    snprintf(message, message_size, "%s", j->message);
    j->message[0] = 0; /* it was about this one only */
    leave_alone(j, x, ops);
    return JOURNAL_REFUSED;
}
