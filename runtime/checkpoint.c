// Checkpoints: a frame as a record, and frames from records.
//
//     {"up": "/", "index": 3, "machine": "/Each",                          where it hangs
//      "point": "Pack.result", "pointState": "Pack",                       where it goes on
//      "state": "Pack", "open": true, "entered": 12, "enteredMs": …,       the visit
//      "slots": {"input": {"v": …}}, "entry": {"at": "Pack", "slots": …},  its values, and those at the state's beginning
//      "wait": "step" | "task" | "timer" | "fanout", …}                    what it waits for
//
// Everything is stored by name: a rebuilt program takes an old record over when it has every name that the record stands
// on. A value is null (none), {"v": JSON}, or {"r": hash of a text kept once}.
//
// A record "behind" is one of an execution that has ended without success: what a redrive begins with. It has no wait;
// the state that was open is gone into again with the values of its beginning.
#include "journal_private.h"

#include <stdarg.h>
#include <string.h>

// ---------------------------------------------------------------- names

static const struct image *image_of(const struct journal *j) { return &j->engine->image; }

void checkpoint_path(const struct frame *f, asl_buffer *out) {
    if (!f->up) {
        asl_buffer_byte(out, '/');
        return;
    }
    const struct fanout *o = f->up;
    if (o->parent->up) checkpoint_path(o->parent, out);
    asl_buffer_byte(out, '/');
    asl_buffer_z(out, f->execution->engine->image.states[o->site->state].name_z);
    asl_buffer_format(out, o->is_map ? "[%u]" : ".%u", f->index);
}

static const struct point *point_named(const struct points *points, const char *name, const char *state, const struct image *image) {
    for (uint32_t i = 0; i < points->count; i++) {
        const struct point *p = &points->at[i];
        bool same_state = p->state == ASL_NO_OPERAND ? !*state : strcmp(image->states[p->state].name_z, state) == 0;
        if (same_state && strcmp(p->name, name) == 0) return p;
    }
    return NULL;
}

uint32_t checkpoint_entry(const struct journal *j, uint32_t machine, uint32_t state) {
    const struct points *points = &j->points[machine];
    for (uint32_t i = 0; i < points->count; i++)
        if (points->at[i].state == state && strcmp(points->at[i].name, image_of(j)->states[state].name_z) == 0) return i;
    return 0;
}

// ---------------------------------------------------------------- writing

static void key(asl_buffer *out, const char *name) { asl_buffer_format(out, ",\"%s\":", name); }

static void add_string(asl_buffer *out, const char *name, const char *z) {
    key(out, name);
    asl_json_print_string(asl_str_z(z), out);
}

static void add_number(asl_buffer *out, const char *name, int64_t n) {
    if (n) asl_buffer_format(out, ",\"%s\":%lld", name, (long long)n);
}

static void add_flag(asl_buffer *out, const char *name, bool flag) {
    if (flag) asl_buffer_format(out, ",\"%s\":true", name);
}

static void add_value(struct journal *j, const struct frame *f, asl_buffer *out, const char *name, const asl_value *v) {
    key(out, name);
    journal_put_value(j, kept_of(f), v, out);
}

static void add_slots(struct journal *j, const struct frame *f, asl_buffer *out, const struct point *p,
                      const char *const *names, const asl_value *values, bool by_slot) {
    key(out, "slots");
    for (uint32_t i = 0; i < p->live_count; i++) {
        asl_buffer_byte(out, i ? ',' : '{');
        asl_json_print_string(asl_str_z(names[p->live[i]]), out);
        asl_buffer_byte(out, ':');
        journal_put_value(j, kept_of(f), &values[by_slot ? p->live[i] : i], out);
    }
    asl_buffer_z(out, p->live_count ? "}" : "{}");
}

static void add_point(asl_buffer *out, const struct image *image, const struct point *p) {
    add_string(out, "point", p->name);
    add_string(out, "pointState", p->state == ASL_NO_OPERAND ? "" : image->states[p->state].name_z);
}

static void add_failure(struct journal *j, const struct frame *f, asl_buffer *out) {
    key(out, "failure");
    asl_buffer_z(out, "{\"error\":");
    journal_put_value(j, kept_of(f), &f->failure.error, out);
    key(out, "cause");
    journal_put_value(j, kept_of(f), &f->failure.cause, out);
    if (f->failure.state != ASL_NO_OPERAND) add_string(out, "state", image_of(j)->states[f->failure.state].name_z);
    add_flag(out, "heartbeat", f->failure.heartbeat);
    asl_buffer_byte(out, '}');
}

static void add_task(struct journal *j, const struct frame *f, asl_buffer *out) {
    const struct task *t = f->task;
    key(out, "task");
    asl_buffer_z(out, "{\"payload\":");
    journal_put_value(j, kept_of(f), &t->payload, out);
    add_value(j, f, out, "role", &t->role);
    add_string(out, "idempotency", t->idempotency);
    add_number(out, "timeoutMs", t->timeout_ms);
    add_number(out, "heartbeatMs", t->heartbeat_ms);
    if (t->timeout.position) add_number(out, "timeoutDue", t->timeout.due_ms);
    if (t->heartbeat.position) add_number(out, "heartbeatDue", t->heartbeat.due_ms);
    add_flag(out, "told", t->told);
    add_flag(out, "submitted", t->submitted);
    asl_buffer_byte(out, '}');
}

void checkpoint_fanout(struct journal *j, struct kept_execution *x, const struct fanout *o, asl_buffer *out) {
    asl_buffer_z(out, "{\"items\":");
    journal_put_value(j, x, &o->items, out);
    key(out, "input");
    journal_put_value(j, x, &o->input, out);
    add_number(out, "count", (int64_t)o->count);
    add_number(out, "next", (int64_t)o->next);
    add_number(out, "failed", (int64_t)o->failed);
    add_number(out, "maxRunning", (int64_t)o->max_running);
    add_number(out, "tolerated", (int64_t)o->tolerated);
    add_number(out, "chain", (int64_t)o->chain);
    add_number(out, "told", (int64_t)o->told);
    asl_buffer_byte(out, '}');
}

/* A distributed Map's child is an execution of its own. */
static void add_child(struct journal *j, const struct frame *f, asl_buffer *out) {
    const asl_execution *x = f->execution;
    key(out, "child");
    asl_buffer_z(out, "{\"input\":");
    journal_put_value(j, kept_of(f), &x->input, out);
    add_string(out, "name", x->name);
    add_number(out, "startMs", x->start_ms);
    add_number(out, "events", (int64_t)x->events);
    asl_buffer_byte(out, '}');
}

static void add_visit(struct journal *j, const struct frame *f, asl_buffer *out) {
    const struct image *image = image_of(j);
    add_string(out, "state", image->states[f->head.state].name_z);
    add_number(out, "entered", (int64_t)f->head.entered);
    add_number(out, "enteredMs", f->entered_ms);
    add_number(out, "last", (int64_t)f->last);
    add_number(out, "before", (int64_t)f->before);
    add_flag(out, "open", f->open);
    add_flag(out, "stepped", f->stepped);
    add_flag(out, "started", f->started);
    add_flag(out, "caught", f->caught);
    if (f->token) add_string(out, "token", f->token);
    if (f->failed_event) add_string(out, "failedEvent", asl__event_name(f->failed_event));
    if (!f->retry_count) return;
    add_number(out, "retryCount", f->retry_count);
    key(out, "retries");
    for (uint32_t i = 0; i < image->most_retriers; i++) asl_buffer_format(out, "%c%u", i ? ',' : '[', f->retries[i]);
    asl_buffer_byte(out, ']');
}

static void add_wait(struct journal *j, const struct frame *f, asl_buffer *out) {
    if (f->task) {
        add_string(out, "wait", "task");
        add_task(j, f, out);
    } else if (f->down) {
        add_string(out, "wait", "fanout");
        key(out, "fanout");
        checkpoint_fanout(j, kept_of(f), f->down, out);
    } else if (f->timer.position) {
        add_string(out, "wait", "timer");
        add_number(out, "due", f->timer.due_ms);
        add_flag(out, "backoff", f->timer.fire == asl__on_backoff);
    } else {
        add_string(out, "wait", "step");
        if (f->failed) add_failure(j, f, out);
        else add_value(j, f, out, "result", &f->result);
    }
}

void checkpoint_record(struct journal *j, const struct frame *f, bool behind, asl_buffer *out) {
    const struct points *points = &j->points[f->head.machine];
    const struct kept_frame *k = f->kept;
    const struct point *entry = &points->at[k->entry];
    asl_buffer_z(out, "{\"machine\":");
    asl_json_print_string(asl_str_z(image_of(j)->machines[f->head.machine].name), out);
    if (f->up) {
        asl_buffer up = {0};
        checkpoint_path(f->up->parent, &up);
        key(out, "up");
        asl_json_print_string((asl_str){up.data, up.size}, out);
        asl_buffer_free(&up);
        asl_buffer_format(out, ",\"index\":%u", f->index);
        if (f->execution->up == f->up) add_child(j, f, out);
    }
    add_visit(j, f, out);
    if (behind) {
        add_flag(out, "behind", true);
        if (f->down) {
            key(out, "fanout");
            checkpoint_fanout(j, kept_of(f), f->down, out);
        } else if (k->fanout) {
            key(out, "fanout");
            asl_buffer_z(out, k->fanout);
        }
    } else {
        const struct point *p = &points->at[f->head.resume];
        add_point(out, image_of(j), p);
        add_slots(j, f, out, p, points->slots, f->slots, true);
        add_wait(j, f, out);
    }
    key(out, "entry");
    asl_buffer_byte(out, '{');
    size_t at = out->size;
    add_point(out, image_of(j), entry);
    memmove(out->data + at, out->data + at + 1, out->size - at - 1); /* the first member has no comma */
    out->size--;
    add_slots(j, f, out, entry, points->slots, k->values, false);
    asl_buffer_z(out, "}}");
}

// ---------------------------------------------------------------- reading

struct row {
    char *path;
    asl_value record;
    const char *up; /* "" for the root */
    int64_t index;
    struct frame *frame;
};

struct restore {
    struct journal *j;
    asl_execution *x;
    bool redrive;
    struct row *rows;
    size_t count, room;
    size_t found; /* row found last: neighbours hang below the same one */
};

static const asl_value *member(const asl_value *o, const char *name) {
    return o && o->tag == ASL_OBJECT ? asl_object_get(o, asl_str_z(name)) : NULL;
}

static int64_t number(const asl_value *o, const char *name) {
    const asl_value *v = member(o, name);
    int64_t i = 0;
    if (v && asl_is_number(v)) asl_number_as_int(v, &i);
    return i;
}

static bool flag(const asl_value *o, const char *name) {
    const asl_value *v = member(o, name);
    return v && v->tag == ASL_BOOL && v->b;
}

/* "" when it is not there. Valid until the next two calls. */
static const char *string(const asl_value *o, const char *name) {
    ASL__OF_THREAD char (*texts)[4096]; /* the thread's for good: few ever restore anything */
    ASL__OF_THREAD int turn;
    if (!texts) texts = malloc(4 * sizeof *texts);
    if (!texts) abort();
    const asl_value *v = member(o, name);
    if (!v || v->tag != ASL_STRING) return "";
    asl_str s = asl_text_of(v);
    char *text = texts[turn = (turn + 1) % 4];
    snprintf(text, sizeof texts[0], "%.*s", (int)s.size, s.data);
    return text;
}

__attribute__((format(printf, 2, 3))) static bool refuse(struct restore *r, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->j->message, sizeof r->j->message, format, arguments);
    va_end(arguments);
    return false;
}

static bool value(struct restore *r, const asl_value *o, const char *name, asl_value *out) {
    *out = asl_none();
    if (journal_get_value(r->j->store, member(o, name), out)) return true;
    return refuse(r, "the journal lacks a value that execution \"%s\" needs (%s)", r->x->name, name);
}

static bool slots(struct restore *r, struct frame *f, const struct point *p, const asl_value *from) {
    const struct points *points = &r->j->points[f->head.machine];
    const asl_value *stored = member(from, "slots");
    for (uint32_t i = 0; i < p->live_count; i++) {
        const char *name = points->slots[p->live[i]];
        if (!member(stored, name))
            return refuse(r, "the definition has changed since execution \"%s\" was journalled: at \"%s\" it needs \"%s\", which "
                             "was not kept", r->x->name, p->name, name);
        asl_value v;
        if (!value(r, stored, name, &v)) return false;
        asl_value_set(&f->slots[p->live[i]], v);
    }
    return true;
}

static const struct point *find_point(struct restore *r, const struct frame *f, const asl_value *from) {
    const char *name = string(from, "point"), *state = string(from, "pointState");
    const struct point *p = point_named(&r->j->points[f->head.machine], name, state, image_of(r->j));
    if (!p)
        refuse(r, "the definition has changed since execution \"%s\" was journalled: there is no \"%s\" of state \"%s\" in \"%s\" "
                  "any more", r->x->name, name, state, image_of(r->j)->machines[f->head.machine].name);
    return p;
}

static uint32_t state_named(const struct image *image, const char *name) {
    for (uint32_t i = 0; i < image->state_count; i++)
        if (strcmp(image->states[i].name_z, name) == 0) return i;
    return ASL_NO_OPERAND;
}

static enum event event_named(const char *name) {
    for (int i = 0; i < EVENT_COUNT; i++)
        if (strcmp(asl__event_name((enum event)i), name) == 0) return (enum event)i;
    return 0;
}

static const struct site *site_of(const struct image *image, uint32_t state) {
    for (uint32_t i = 0; i < image->site_count; i++)
        if (image->sites[i].state == state) return &image->sites[i];
    return NULL;
}

static bool visit(struct restore *r, struct frame *f, const asl_value *from) {
    const struct image *image = image_of(r->j);
    uint32_t state = state_named(image, string(from, "state"));
    if (state == ASL_NO_OPERAND)
        return refuse(r, "the definition has changed since execution \"%s\" was journalled: there is no state \"%s\" any more",
                      r->x->name, string(from, "state"));
    f->head.state = state;
    f->head.entered = (uint64_t)number(from, "entered");
    f->entered_ms = number(from, "enteredMs");
    f->last = (uint64_t)number(from, "last");
    f->before = (uint64_t)number(from, "before");
    f->open = flag(from, "open");
    f->stepped = flag(from, "stepped");
    f->started = flag(from, "started");
    if (r->redrive) return true;
    f->caught = flag(from, "caught");
    const char *token = string(from, "token"), *failed = string(from, "failedEvent");
    if (*token) f->token = strcpy(asl_alloc(strlen(token) + 1), token);
    if (*failed) f->failed_event = event_named(failed);
    f->retry_count = (uint32_t)number(from, "retryCount");
    const asl_value *retries = member(from, "retries");
    for (uint32_t i = 0; retries && retries->tag == ASL_ARRAY && i < image->most_retriers && i < asl_array_count(retries); i++) {
        int64_t n = 0;
        asl_number_as_int(asl_array_at(retries, i), &n);
        f->retries[i] = (uint32_t)n;
    }
    return true;
}

static bool fanout(struct restore *r, struct frame *f, const asl_value *from) {
    const struct site *site = site_of(image_of(r->j), f->head.state);
    int64_t count = number(from, "count");
    if (!site || site->machine_count == 0 || (site->kind == SITE_PARALLEL && (size_t)count != site->machine_count))
        return refuse(r, "the definition has changed since execution \"%s\" was journalled: state \"%s\" is not what it was",
                      r->x->name, image_of(r->j)->states[f->head.state].name_z);
    struct fanout *o = asl__fanout_restore(f, site, (size_t)count);
    o->next = (size_t)number(from, "next");
    o->failed = r->redrive ? 0 : (size_t)number(from, "failed");
    o->max_running = (size_t)number(from, "maxRunning");
    o->tolerated = (size_t)number(from, "tolerated");
    o->chain = (uint64_t)number(from, "chain");
    o->told = (uint64_t)number(from, "told");
    return value(r, from, "items", &o->items) && value(r, from, "input", &o->input);
}

static bool task(struct restore *r, struct frame *f, const asl_value *from) {
    const struct site *site = site_of(image_of(r->j), f->head.state);
    asl_value payload, role;
    if (!site || site->kind != SITE_TASK)
        return refuse(r, "the definition has changed since execution \"%s\" was journalled: state \"%s\" is no Task any more",
                      r->x->name, image_of(r->j)->states[f->head.state].name_z);
    if (!site->binding && !r->j->options->stop)
        return refuse(r, "state \"%s\": nothing serves the resource \"%s\"; say who does its work with --bind",
                      image_of(r->j)->states[f->head.state].name_z, site->resource);
    if (!value(r, from, "payload", &payload)) return false;
    if (!value(r, from, "role", &role)) {
        asl_release(payload);
        return false;
    }
    asl__task_restore(f, site, payload, role, string(from, "idempotency"), number(from, "timeoutMs"),
                      number(from, "heartbeatMs"), flag(from, "told"), flag(from, "submitted"), number(from, "timeoutDue"),
                      number(from, "heartbeatDue"));
    if (site->callback && f->token) { /* its row came with the record */
        kept_of(f)->tokens++;
        f->kept->token_row = true;
    }
    return true;
}

static bool failure(struct restore *r, struct frame *f, const asl_value *from) {
    struct failure failure = {.state = state_named(image_of(r->j), string(from, "state")), .heartbeat = flag(from, "heartbeat")};
    if (!value(r, from, "error", &failure.error)) return false;
    if (!value(r, from, "cause", &failure.cause)) {
        asl_release(failure.error);
        return false;
    }
    asl__frame_answer_failure(f, &failure);
    return true;
}

static bool wait(struct restore *r, struct frame *f, const asl_value *from) {
    const char *kind = string(from, "wait");
    if (strcmp(kind, "task") == 0) return task(r, f, member(from, "task"));
    if (strcmp(kind, "fanout") == 0) return fanout(r, f, member(from, "fanout"));
    if (strcmp(kind, "timer") == 0) {
        asl__timer_start(&r->j->engine->clock, &f->timer, number(from, "due"),
                         flag(from, "backoff") ? asl__on_backoff : asl__on_wait);
        return true;
    }
    if (member(from, "failure")) return failure(r, f, member(from, "failure"));
    asl_value result;
    if (!value(r, from, "result", &result)) return false;
    asl__frame_answer(f, result);
    return true;
}

/* The values of the beginning are those of the state's record, also for the next one. */
static bool entry(struct restore *r, struct frame *f, const asl_value *from, bool use) {
    const struct point *p = find_point(r, f, from);
    if (!p) return false;
    struct points *points = &r->j->points[f->head.machine];
    struct kept_frame *k = f->kept;
    k->machine = f->head.machine;
    k->entry = (uint32_t)(p - points->at);
    k->values = asl_calloc(p->live_count + 1, sizeof *k->values);
    const asl_value *stored = member(from, "slots");
    for (uint32_t i = 0; i < p->live_count; i++) {
        if (!member(stored, points->slots[p->live[i]])) {
            if (use) return slots(r, f, p, from); /* says which */
            continue;
        }
        if (!value(r, stored, points->slots[p->live[i]], &k->values[i])) return false;
        if (use) asl_value_set(&f->slots[p->live[i]], asl_retain(k->values[i]));
    }
    return true;
}

/* Where a redrive goes into the open state again: a Task is scheduled, a Parallel or Map begins, without being entered
   once more; any other state is. */
static void go_into(struct restore *r, struct frame *f) {
    const struct points *points = &r->j->points[f->head.machine];
    char attempt[4096];
    f->head.resume = f->kept->entry;
    if (f->open) {
        snprintf(attempt, sizeof attempt, "%s.attempt", image_of(r->j)->states[f->head.state].name_z);
        const struct point *p = point_named(points, attempt, image_of(r->j)->states[f->head.state].name_z, image_of(r->j));
        if (p) f->head.resume = (uint32_t)(p - points->at);
        else f->open = false;
    }
    f->last = r->x->events;
    asl__ready_push(f, READY_STEP);
}

static struct row *row_at(struct restore *r, const char *path) {
    for (size_t n = 0; n < r->count; n++) {
        size_t i = (r->found + n) % r->count;
        if (!r->rows[i].frame || strcmp(r->rows[i].path, path) != 0) continue;
        r->found = i;
        return &r->rows[i];
    }
    return NULL;
}

static struct frame *new_frame(struct restore *r, struct row *row) {
    if (!*row->up) {
        if (strcmp(string(&row->record, "machine"), "/") != 0) return NULL;
        return r->x->root = asl__frame_new(r->x, 0);
    }
    struct row *up = row_at(r, row->up);
    struct fanout *o = up ? up->frame->down : NULL;
    if (!o || row->index < 0 || (size_t)row->index >= o->count) return NULL;
    return asl__fanout_restore_child(o, (uint32_t)row->index);
}

static bool restore_row(struct restore *r, struct row *row) {
    const asl_value *from = &row->record;
    struct frame *f = row->frame = new_frame(r, row);
    if (!f) return refuse(r, "the journal of execution \"%s\" is damaged: nothing holds \"%s\"", r->x->name, row->path);
    f->kept = asl_calloc(1, sizeof *f->kept);
    f->kept->row = true;
    const asl_value *child = member(from, "child");
    if (child) {
        asl_value input;
        if (!value(r, child, "input", &input)) return false;
        asl__fanout_restore_execution(f, input, string(child, "name"), number(child, "startMs"), (uint64_t)number(child, "events"));
    }
    if (!visit(r, f, from)) return false;
    if (r->redrive) {
        if (!entry(r, f, member(from, "entry"), true)) return false;
        if (member(from, "fanout")) {
            /* It stands where its branches and items hand it their results. */
            const struct points *points = &r->j->points[f->head.machine];
            char name[4096];
            snprintf(name, sizeof name, "%s.result", image_of(r->j)->states[f->head.state].name_z);
            const struct point *p = point_named(points, name, image_of(r->j)->states[f->head.state].name_z, image_of(r->j));
            if (!p) return refuse(r, "state \"%s\" is not what it was", image_of(r->j)->states[f->head.state].name_z);
            f->head.resume = (uint32_t)(p - points->at);
            return fanout(r, f, member(from, "fanout"));
        }
        go_into(r, f);
        return true;
    }
    const struct point *p = find_point(r, f, from);
    if (!p || !slots(r, f, p, from) || !entry(r, f, member(from, "entry"), false)) return false;
    f->head.resume = (uint32_t)(p - r->j->points[f->head.machine].at);
    return wait(r, f, from);
}

// ---------------------------------------------------------------- all of an execution

static bool add_row(void *user, asl_str path, asl_str record) {
    struct restore *r = user;
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 16;
        r->rows = asl_realloc(r->rows, r->room * sizeof *r->rows);
    }
    struct row *row = &r->rows[r->count];
    *row = (struct row){.path = asl_alloc(path.size + 1)};
    memcpy(row->path, path.data, path.size);
    row->path[path.size] = 0;
    if (asl_json_parse(record, NULL, &row->record, NULL) < 0) {
        asl_free(row->path);
        return refuse(r, "the journal of execution \"%s\" is damaged at \"%.*s\"", r->x->name, (int)path.size, path.data);
    }
    if (flag(&row->record, "behind") != r->redrive) { /* of an earlier failure, or not yet of this one */
        asl_release(row->record);
        asl_free(row->path);
        return true;
    }
    const asl_value *up = member(&row->record, "up");
    size_t size = up && up->tag == ASL_STRING ? asl_text_of(up).size : 0;
    char *text = asl_alloc(size + 1);
    if (size) memcpy(text, asl_text_of(up).data, size);
    text[size] = 0;
    row->up = text;
    row->index = number(&row->record, "index");
    r->count++;
    return true;
}

/* A frame's path begins with its parent's, so sorting by parent puts parents first; children follow in their order. */
static int by_parent(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    int order = strcmp(x->up, y->up);
    if (order) return order;
    return x->index < y->index ? -1 : x->index > y->index;
}

static bool add_result(void *user, asl_str path, int64_t index, asl_str text) {
    struct restore *r = user;
    char name[8192];
    snprintf(name, sizeof name, "%.*s", (int)path.size, path.data);
    struct row *row = row_at(r, name);
    struct fanout *o = row ? row->frame->down : NULL;
    if (!o || index < 0 || (size_t)index >= o->count) return true;
    row->frame->kept->results = true;
    for (struct frame *c = o->first; c; c = c->next)
        if (c->index == (uint32_t)index) return true; /* it is being done again */
    asl_value v;
    asl_value stored = asl_none();
    bool ok = asl_json_parse(text, NULL, &stored, NULL) == 0 && journal_get_value(r->j->store, &stored, &v);
    asl_release(stored);
    if (!ok) return refuse(r, "the journal of execution \"%s\" is damaged at a result of \"%s\"", r->x->name, name);
    o->results = asl_array_set(o->results, (size_t)index, v);
    o->finished++;
    return true;
}

bool checkpoint_restore(struct journal *j, asl_execution *x, bool redrive) {
    struct restore r = {.j = j, .x = x, .redrive = redrive};
    j->message[0] = 0;
    enum store_result got = store_frames(j->store, x->kept->id, add_row, &r);
    bool ok = got == STORE_OK && !j->message[0];
    if (got != STORE_OK) refuse(&r, "%s", store_message(j->store));
    if (r.count) qsort(r.rows, r.count, sizeof *r.rows, by_parent);
    if (ok && r.count == 0) ok = refuse(&r, "the journal has nothing of execution \"%s\" to go on with", x->name);
    for (size_t i = 0; ok && i < r.count; i++) ok = restore_row(&r, &r.rows[i]);
    if (ok) {
        got = store_results(j->store, x->kept->id, add_result, &r);
        ok = got == STORE_OK && !j->message[0];
        if (got != STORE_OK) refuse(&r, "%s", store_message(j->store));
    }
    for (size_t i = 0; ok && i < r.count; i++)
        if (r.rows[i].frame->down) asl__fanout_go_on(r.rows[i].frame->down);
    for (size_t i = 0; i < r.count; i++) {
        asl_release(r.rows[i].record);
        asl_free(r.rows[i].path);
        asl_free((char *)r.rows[i].up);
    }
    asl_free(r.rows);
    return ok;
}
