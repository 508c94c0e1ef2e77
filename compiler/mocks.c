// aslc mocks: a recorded history becomes a MockConfigFile (docs/mocks.md), so that its run can be had again without services.
//
// Every start of a task gives one entry, in the order of the starts, retries included:
//
//     TaskSucceeded                         Return
//     TaskFailed, …StartFailed, …           Throw
//     TaskTimedOut                          Hang, TimesOutWith
//     none: aborted, or the history ends    Hang
//     TaskSubmitted before it               Submitted
//     inside a Map                          Iteration
//
// Equal entries that follow each other are one with a range for its key.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "recording.h"
#include "replay.h"

enum { OK = 0, FAILED = 1, BAD = 2 };

const char mocks_usage[] =
    "Usage: aslc mocks [OPTIONS] HISTORY\n"
    "\n"
    "Turns a recorded execution into a MockConfigFile: run with --mock FILE, its Task states get the same answers again.\n"
    "HISTORY is what GetExecutionHistory gives (all pages), what --history writes, or the log of an execution at level ALL\n"
    "with execution data; - reads standard input.\n"
    "\n"
    "  -o FILE                 write FILE (default standard output)\n"
    "  --name NAME             of the state machine (default: from the log's execution ARN, or the history's file name)\n"
    "  --case NAME             of the test case (default recorded)\n"
    "  --execution ARN|NAME    which execution, when the log holds several\n";

struct answer {
    uint64_t started; /* id of the event: the order in which mocks are asked */
    const char *state;
    asl_value entry;  /* what MockedResponses holds */
};

struct mocks {
    struct arena *arena;
    struct recording *recording;
    VEC(struct answer) answers;
    VEC(const char *) states; /* in the order of their first start */
};

// ---------------------------------------------------------------- answers

static asl_value put(asl_value object, const char *key, asl_value v) {
    if (v.tag == ASL_NONE) return object;
    return asl_object_put(object, asl_str_z(key), v);
}

static asl_value error_output(const struct event *e) {
    asl_value o = put(asl_object_new(2), "Error", event_text(e, "error"));
    return put(o, "Cause", event_text(e, "cause"));
}

static asl_value iteration_value(const uint32_t *indexes, uint32_t depth) {
    asl_value list = asl_array_new(depth);
    for (uint32_t i = 0; i < depth; i++) list = asl_array_push(list, asl_int(indexes[i]));
    return list;
}

/* The entry for the start at events[at] of its chain. */
static asl_value entry_for(const struct mocks *m, const struct chain *c, size_t at) {
    const struct event *submitted = NULL, *answer = NULL;
    for (size_t i = at + 1; i < c->events.count && !answer; i++) {
        const struct event *e = c->events.items[i];
        if (e->role == EVENT_SUBMITTED) submitted = e;
        else if (e->role == EVENT_STARTED) continue;
        else answer = e;
    }
    asl_value o = asl_object_new(3);
    if (answer && answer->role == EVENT_SUCCEEDED) {
        asl_value output = event_payload(answer, "output");
        o = put(o, "Return", output.tag == ASL_NONE ? asl_null() : output);
    } else if (answer && (answer->role == EVENT_FAILED || answer->role == EVENT_REFUSED)) {
        o = put(o, "Throw", error_output(answer));
    } else {
        o = put(o, "Hang", asl_bool(true));
        if (answer && answer->role == EVENT_TIMED_OUT) o = put(o, "TimesOutWith", error_output(answer));
    }
    if (submitted) o = put(o, "Submitted", event_payload(submitted, "output"));
    uint32_t depth;
    const uint32_t *indexes = chain_iteration(m->arena, c, &depth);
    return depth ? put(o, "Iteration", iteration_value(indexes, depth)) : o;
}

static void note_state(struct mocks *m, const char *state) {
    for (size_t i = 0; i < m->states.count; i++)
        if (strcmp(m->states.items[i], state) == 0) return;
    *vec_push(m->arena, &m->states) = state;
}

/* Mocks are asked when a task starts; one that was only scheduled has asked nobody. */
static void collect(struct mocks *m) {
    const struct recording *r = m->recording;
    for (size_t i = 0; i < r->events.count; i++) {
        struct event *e = r->events.items[i];
        const struct chain *c = e->chain;
        bool starts = e->role == EVENT_STARTED;
        if (e->role == EVENT_SCHEDULED && e->position + 1 < c->events.count)
            starts = c->events.items[e->position + 1]->role == EVENT_REFUSED; /* the service could not start it */
        if (e->role == EVENT_SCHEDULED && e->state) note_state(m, e->state);
        if (!starts || !e->state) continue;
        note_state(m, e->state);
        *vec_push(m->arena, &m->answers) = (struct answer){e->id, e->state, entry_for(m, c, e->position)};
    }
}

static bool has_answer(const struct mocks *m, const char *state) {
    for (size_t i = 0; i < m->answers.count; i++)
        if (strcmp(m->answers.items[i].state, state) == 0) return true;
    return false;
}

/* Cancelled between the two, it is served all the same: its Resource must not be looked for. */
static void add_never_started(struct mocks *m) {
    for (size_t i = 0; i < m->states.count; i++)
        if (!has_answer(m, m->states.items[i]))
            *vec_push(m->arena, &m->answers) =
                (struct answer){0, m->states.items[i], put(asl_object_new(1), "Hang", asl_bool(true))};
}

// ---------------------------------------------------------------- writing

static void key(asl_buffer *out, const char *text) {
    asl_json_print_string(asl_str_z(text), out);
    asl_buffer_z(out, ": ");
}

/* The entries of a state, a line each. */
static void print_entries(const struct mocks *m, const char *state, asl_buffer *out) {
    size_t number = 0;
    for (size_t i = 0; i < m->answers.count;) {
        const struct answer *a = &m->answers.items[i++];
        if (strcmp(a->state, state) != 0) continue;
        size_t last = number;
        for (; i < m->answers.count; i++) {
            const struct answer *b = &m->answers.items[i];
            if (strcmp(b->state, state) != 0) continue;
            if (!asl_equal(&a->entry, &b->entry)) break;
            last++;
        }
        asl_buffer_format(out, number ? ",\n      \"%zu" : "\n      \"%zu", number);
        if (last > number) asl_buffer_format(out, "-%zu", last);
        asl_buffer_z(out, "\": ");
        asl_json_print(&a->entry, out);
        number = last + 1;
    }
}

static void print(const struct mocks *m, const char *machine, const char *test_case, asl_buffer *out) {
    asl_buffer_z(out, "{\n  \"StateMachines\": {\n    ");
    key(out, machine);
    asl_buffer_z(out, "{\n      \"TestCases\": {\n        ");
    key(out, test_case);
    asl_buffer_byte(out, '{');
    for (size_t i = 0; i < m->states.count; i++) {
        asl_buffer_z(out, i ? ",\n          " : "\n          ");
        key(out, m->states.items[i]);
        asl_json_print_string(asl_str_z(m->states.items[i]), out);
    }
    asl_buffer_z(out, m->states.count ? "\n        }\n      }\n    }\n  },\n" : "}\n      }\n    }\n  },\n");
    asl_buffer_z(out, "  \"MockedResponses\": {");
    for (size_t i = 0; i < m->states.count; i++) {
        asl_buffer_z(out, i ? ",\n    " : "\n    ");
        key(out, m->states.items[i]);
        asl_buffer_byte(out, '{');
        print_entries(m, m->states.items[i], out);
        asl_buffer_z(out, "\n    }");
    }
    asl_buffer_z(out, m->states.count ? "\n  }\n}\n" : "}\n}\n");
}

static int write_out(const asl_buffer *text, const char *path) {
    bool standard = !path || strcmp(path, "-") == 0;
    FILE *f = standard ? stdout : fopen(path, "we");
    bool written = f && fwrite(text->data, 1, text->size, f) == text->size && fflush(f) == 0;
    if (!written) fprintf(stderr, "aslc: cannot write %s: %s\n", standard ? "standard output" : path, strerror(errno));
    if (f && !standard && fclose(f) != 0 && written) {
        fprintf(stderr, "aslc: cannot write %s: %s\n", path, strerror(errno));
        written = false;
    }
    return written ? OK : FAILED;
}

// ---------------------------------------------------------------- what the file cannot say

static void tell(const struct mocks *m) {
    const struct recording *r = m->recording;
    if (r->redrives)
        fprintf(stderr, "%s: note: the execution was redriven; answers after the first redrive are left out\n", r->path);
    else if (!r->complete)
        fprintf(stderr, "%s: note: the history ends before the execution did; tasks without an answer hang\n", r->path);
    for (size_t i = 0; i < r->events.count; i++)
        if (strcmp(r->events.items[i]->type, "MapRunStarted") == 0 && r->events.items[i]->state)
            fprintf(stderr, "%s: note: the children of the distributed Map \"%s\" have histories of their own: their tasks are not mocked\n",
                    r->path, r->events.items[i]->state);
}

/* "dir/order.history.json" gives "order". */
static const char *name_from_path(struct arena *a, const char *path) {
    const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path, *dot = strchr(from, '.');
    size_t size = dot && dot > from ? (size_t)(dot - from) : strlen(from);
    return strcmp(path, "-") == 0 ? "workflow" : arena_copy(a, from, size);
}

// ---------------------------------------------------------------- the command

struct mocks_options {
    const char *input, *output, *machine, *test_case, *execution;
};

static int usage_error(const char *format, const char *what) {
    fputs("aslc mocks: ", stderr);
    fprintf(stderr, format, what); // every format is a literal of ours with one %s
    fputs("\nTry 'aslc help mocks'.\n", stderr);
    return BAD;
}

static int parse(int argc, char **argv, struct mocks_options *o) {
    const struct { const char *name; const char **value; } valued[] = {
        {"-o", &o->output}, {"--name", &o->machine}, {"--case", &o->test_case}, {"--execution", &o->execution}};
    for (int i = 0; i < argc; i++) {
        bool taken = false;
        for (size_t k = 0; k < sizeof valued / sizeof *valued && !taken; k++) {
            size_t n = strlen(valued[k].name);
            if (strncmp(argv[i], valued[k].name, n) != 0 || (argv[i][n] && argv[i][n] != '=')) continue;
            taken = true;
            if (argv[i][n] == '=') *valued[k].value = argv[i] + n + 1;
            else if (i + 1 < argc) *valued[k].value = argv[++i];
            else return usage_error("%s needs a value", argv[i]);
        }
        if (taken) continue;
        if (argv[i][0] == '-' && argv[i][1]) return usage_error("there is no option %s", argv[i]);
        if (o->input) return usage_error("one history at a time; what is \"%s\"?", argv[i]);
        o->input = argv[i];
    }
    return o->input ? OK : usage_error("%s", "which history? Name a file, or - for standard input");
}

static int make(struct mocks *m, const struct mocks_options *o) {
    struct recording *r = m->recording = recording_read(m->arena, o->input, o->execution);
    if (!r) return BAD;
    if (!r->has_data) {
        fprintf(stderr, "%s: error: it was recorded without execution data, so there are no answers in it\n", r->path);
        return BAD;
    }
    collect(m);
    add_never_started(m);
    tell(m);
    const char *machine = o->machine ? o->machine : r->machine ? r->machine : name_from_path(m->arena, o->input);
    asl_buffer out = {0};
    print(m, machine, o->test_case, &out);
    int rc = write_out(&out, o->output);
    asl_buffer_free(&out);
    for (size_t i = 0; i < m->answers.count; i++) asl_release(m->answers.items[i].entry);
    return rc;
}

int cmd_mocks(int argc, char **argv) {
    struct mocks_options o = {.test_case = "recorded"};
    int rc = parse(argc, argv, &o);
    if (rc != OK) return rc;
    struct mocks m = {.arena = arena_new()};
    rc = make(&m, &o);
    arena_free(m.arena);
    return rc;
}
