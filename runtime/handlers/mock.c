// --mock: Task states answered from a MockConfigFile of AWS Step Functions Local (mock-config 1 … 3).
//
//     StateMachines ─ machine ─ TestCases ─ test case ─ state: response name
//     MockedResponses ─ response name ─ "0", "1-3", …: Return | Throw | Hang, and Submitted, TimesOutWith, Iteration
//
// The whole file is checked before anything runs and every mistake is reported with its place; then the chosen test
// case is turned into a list of mocked states, and the document is dropped.
//
// Counting: one counter per execution and state, raised by every call (first attempt, retry, loop, Map iteration).
// Answers with an Iteration are for that Map iteration only and are counted by themselves; a call in an iteration that
// has such answers uses those, every other call uses the answers without.

#include "mock.h"
#include "answer.h"
#include "aslc/doc.h"
#include "engine.h"
#include "value_private.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ITERATION_DEPTH = 16 };

enum kind { RETURN, THROW, HANG };

/* What calls first … last of a group get. */
struct entry {
    uint64_t first, last; /* as the file numbers them; then within the group */
    enum kind kind;
    asl_value result, error, cause, submitted; /* ASL_NONE: absent */
    bool for_iteration;
    uint32_t depth, iteration[ITERATION_DEPTH];
};

/* The entries of a state for one Map iteration, or for all others. */
struct group {
    uint32_t first, count; /* in mocked.entries */
    uint32_t counter;      /* index in run.calls */
};

struct mocked {
    asl_value name, response; /* strings */
    const char *asked;        /* its name as the engine has it; NULL before the first call */
    struct entry *entries;    /* sorted by group, then by number */
    uint32_t entry_count;
    struct group *groups;
    uint32_t group_count;
    uint32_t last_group;   /* that answered: mostly it does so again, or the next one does */
    uint32_t last_entry;   /* likewise */
    const char *resource;  /* that was asked about last, and whether its service answers twice */
    bool submits;
};

struct run {
    uint64_t execution;
    uint64_t *calls; /* one a group */
};

struct mock {
    struct mocked *states;
    uint32_t state_count;
    uint32_t counters;
    struct run *runs;
    size_t run_count, last_run;
    asl_buffer warnings;
};

// ---------------------------------------------------------------- messages

struct message {
    uint32_t start;
    size_t from, size; /* in reader.lines */
};

struct reader {
    const char *file;
    asl_str text;
    asl_buffer *warnings;
    size_t count; /* of errors */
    struct message *messages;
    asl_buffer lines;
};

static void add_line(const struct reader *r, asl_buffer *to, asl_span where, const char *severity, const char *message,
                     const char *help) {
    uint32_t line, column;
    asl_doc_position(r->text, where.start, &line, &column);
    asl_buffer_format(to, "%s:%u:%u: %s: %s", r->file, line, column, severity, message);
    if (help)
        asl_buffer_format(to, "; %s", help);
}

static void on_doc_error(void *user, asl_span where, const char *message, const char *help) {
    struct reader *r = user;
    if ((r->count & (r->count - 1)) == 0) /* full: 0, 1, 2, 4, … */
        r->messages = asl_realloc(r->messages, (r->count ? 2 * r->count : 1) * sizeof *r->messages);
    size_t from = r->lines.size;
    add_line(r, &r->lines, where, "error", message, help);
    r->messages[r->count++] = (struct message){where.start, from, r->lines.size - from};
}

static void on_doc_warning(void *user, asl_span where, const char *message, const char *help) {
    struct reader *r = user;
    if (r->warnings->size)
        asl_buffer_byte(r->warnings, '\n');
    add_line(r, r->warnings, where, "warning", message, help);
}

static int by_place(const void *a, const void *b) {
    const struct message *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->from < y->from ? -1 : 1;
}

/* All errors, in the order of the file. */
static void give_errors(struct reader *r, asl_buffer *out) {
    if (r->count > 0)
        qsort(r->messages, r->count, sizeof *r->messages, by_place);
    for (size_t i = 0; i < r->count; i++) {
        if (out->size)
            asl_buffer_byte(out, '\n');
        asl_buffer_add(out, r->lines.data + r->messages[i].from, r->messages[i].size);
    }
    asl_free(r->messages);
    asl_buffer_free(&r->lines);
}

static void complain(struct reader *r, asl_span where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void complain(struct reader *r, asl_span where, const char *format, ...) {
    char message[1024]; /* names are cut with %.N s */
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    on_doc_error(r, where, message, NULL);
}

/* For printing a name of any length with "%.*s". */
#define NAME(s) ((s).size < 200 ? (int)(s).size : 200), ((s).data ? (s).data : "")

// ---------------------------------------------------------------- did you mean …?

/* Edit distance, case counting half, of two short names; large when they are long or far apart. */
static unsigned distance(asl_str a, asl_str b) {
    enum { LONGEST = 64 };
    unsigned row[LONGEST + 1];
    if (a.size > LONGEST || b.size > LONGEST)
        return 1000;
    for (size_t j = 0; j <= b.size; j++)
        row[j] = 2 * (unsigned)j;
    for (size_t i = 1; i <= a.size; i++) {
        unsigned diagonal = row[0];
        row[0] = 2 * (unsigned)i;
        for (size_t j = 1; j <= b.size; j++) {
            char x = a.data[i - 1], y = b.data[j - 1];
            unsigned change = x == y ? 0 : tolower((unsigned char)x) == tolower((unsigned char)y) ? 1 : 2;
            unsigned best = diagonal + change;
            if (row[j] + 2 < best)
                best = row[j] + 2;
            if (row[j - 1] + 2 < best)
                best = row[j - 1] + 2;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b.size];
}

static void consider(asl_str wanted, asl_str candidate, asl_str *best, unsigned *least) {
    unsigned d = distance(wanted, candidate);
    if (d < *least && d <= 1 + 2 * (wanted.size / 3))
        *least = d, *best = candidate;
}

static asl_str nearest_key(asl_str wanted, const asl_doc *object) {
    asl_str best = {0};
    unsigned least = ~0u;
    for (const asl_doc *m = object ? object->first : NULL; m; m = m->next)
        consider(wanted, m->key, &best, &least);
    return best;
}

/* "; did you mean 'x'?" in out, or "". */
static const char *suggestion(asl_str best, char out[256]) {
    *out = 0;
    if (best.size)
        snprintf(out, 256, "; did you mean '%.*s'?", NAME(best));
    return out;
}

// ---------------------------------------------------------------- one response

static bool key_is(const asl_doc *node, const char *name) { return asl_str_equal(node->key, asl_str_z(name)); }

static bool duplicate(struct reader *r, const asl_doc *m, const char *what) {
    if (m->duplicate_of)
        complain(r, m->key_span, "%s '%.*s' is defined twice", what, NAME(m->key));
    return m->duplicate_of != NULL;
}

static bool is_kind(struct reader *r, const asl_doc *node, asl_doc_kind kind, const char *what) {
    static const char *const names[] = {"null", "a boolean", "a number", "a string", "an array", "an object"};
    if (node->kind == kind)
        return true;
    complain(r, node->span, "%s must be %s, not %s", what, names[kind], names[node->kind]);
    return false;
}

static bool read_number(const char **s, const char *end, uint64_t *out) {
    uint64_t n = 0;
    const char *from = *s;
    for (; *s < end && **s >= '0' && **s <= '9'; (*s)++) {
        if (n > 1000000000000)
            return false;
        n = n * 10 + (uint64_t)(**s - '0');
    }
    *out = n;
    return *s > from;
}

/* "3" or "1-3", blanks round them ignored. */
static bool read_range(asl_str key, uint64_t *first, uint64_t *last) {
    const char *s = key.data, *end = key.data + key.size;
    while (s < end && *s == ' ')
        s++;
    while (end > s && end[-1] == ' ')
        end--;
    if (!read_number(&s, end, first))
        return false;
    *last = *first;
    while (s < end && *s == ' ')
        s++;
    if (s == end)
        return true;
    if (*s++ != '-')
        return false;
    while (s < end && *s == ' ')
        s++;
    return read_number(&s, end, last) && s == end;
}

/* {"Error": …, "Cause": …}; either may be left out, which is an extension of ours. */
static void read_throw(struct reader *r, const asl_doc *node, const char *what, asl_value *error, asl_value *cause) {
    if (!is_kind(r, node, ASL_DOC_OBJECT, what))
        return;
    for (const asl_doc *m = node->first; m; m = m->next) {
        bool is_error = key_is(m, "Error");
        if (!is_error && !key_is(m, "Cause")) {
            complain(r, m->key_span, "%s has no member '%.*s'; it takes 'Error' and 'Cause'", what, NAME(m->key));
        } else if (!duplicate(r, m, "member") && m->kind != ASL_DOC_STRING) {
            complain(r, m->span, "'%s' must be a string", is_error ? "Error" : "Cause");
        } else if (m->kind == ASL_DOC_STRING) {
            asl_value_set(is_error ? error : cause, asl_string(m->text));
        }
    }
}

static void read_iteration(struct reader *r, const asl_doc *node, struct entry *e) {
    e->for_iteration = true;
    if (!is_kind(r, node, ASL_DOC_ARRAY, "'Iteration'"))
        return;
    if (node->count == 0 || node->count > ITERATION_DEPTH) {
        complain(r, node->span, "'Iteration' takes 1 to %d indexes, one for each Map round the state, outermost first",
                 ITERATION_DEPTH);
        return;
    }
    for (const asl_doc *m = node->first; m; m = m->next) {
        const char *s = m->text.data;
        uint64_t index = 0;
        if (m->kind != ASL_DOC_NUMBER || !read_number(&s, s + m->text.size, &index) || *s || index > UINT32_MAX)
            complain(r, m->span, "an index in 'Iteration' must be a whole number from 0");
        e->iteration[e->depth++] = (uint32_t)index;
    }
}

static void read_entry(struct reader *r, const asl_doc *node, struct entry *e) {
    if (!is_kind(r, node, ASL_DOC_OBJECT, "a response"))
        return;
    const asl_doc *answer = NULL, *times_out = NULL;
    for (const asl_doc *m = node->first; m; m = m->next) {
        if (duplicate(r, m, "member"))
            continue;
        bool is_answer = true;
        if (key_is(m, "Return")) {
            e->kind = RETURN;
            asl_value_set(&e->result, asl_doc_value(m));
        } else if (key_is(m, "Throw")) {
            e->kind = THROW;
            read_throw(r, m, "'Throw'", &e->error, &e->cause);
        } else if (key_is(m, "Hang")) {
            e->kind = HANG;
            if (m->kind != ASL_DOC_BOOL || !m->boolean)
                complain(r, m->span, "'Hang' must be true");
        } else {
            is_answer = false;
            if (key_is(m, "TimesOutWith")) {
                asl_value error = asl_none(), cause = asl_none();
                read_throw(r, m, "'TimesOutWith'", &error, &cause);
                asl_release(error);
                asl_release(cause);
                times_out = m;
            } else if (key_is(m, "Submitted")) {
                asl_value_set(&e->submitted, asl_doc_value(m));
            } else if (key_is(m, "Iteration")) {
                read_iteration(r, m, e);
            } else {
                complain(r, m->key_span, "a response has no member '%.*s'; it takes 'Return', 'Throw' or 'Hang', and "
                         "'Submitted', 'Iteration', 'TimesOutWith'", NAME(m->key));
            }
        }
        if (is_answer && answer)
            complain(r, m->key_span, "a response cannot hold both '%.*s' and '%.*s'", NAME(answer->key), NAME(m->key));
        if (is_answer)
            answer = m;
    }
    if (!answer)
        complain(r, node->span, "a response must hold 'Return', 'Throw' or 'Hang'");
    if (times_out && answer && e->kind != HANG)
        complain(r, times_out->key_span, "'TimesOutWith' goes with 'Hang' only");
}

struct numbered {
    uint64_t first, last;
    const asl_doc *member;
};

static int by_number(const void *a, const void *b) {
    const struct numbered *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->member->key_span.start < y->member->key_span.start ? -1 : 1;
}

static void entry_release(struct entry *e) {
    asl_release(e->result);
    asl_release(e->error);
    asl_release(e->cause);
    asl_release(e->submitted);
}

/* One member of MockedResponses. The entries in order of their numbers; NULL when out_count is 0. */
static struct entry *read_response(struct reader *r, const asl_doc *response, uint32_t *out_count) {
    *out_count = 0;
    if (!is_kind(r, response, ASL_DOC_OBJECT, "a mocked response") || response->count == 0)
        return NULL;
    struct numbered *order = asl_calloc(response->count, sizeof *order);
    struct entry *entries = asl_calloc(response->count, sizeof *entries);
    size_t count = 0;
    bool keys_fine = true;
    for (const asl_doc *m = response->first; m; m = m->next) {
        struct numbered *n = &order[count];
        n->member = m;
        if (duplicate(r, m, "invocation")) {
            keys_fine = false;
        } else if (!read_range(m->key, &n->first, &n->last)) {
            complain(r, m->key_span, "'%.*s' is no invocation number; write \"0\", \"1\", … or a range \"1-3\"",
                     NAME(m->key));
            keys_fine = false;
        } else if (n->first > n->last) {
            complain(r, m->key_span, "the range '%.*s' runs backwards", NAME(m->key));
            keys_fine = false;
        }
        count++;
    }
    if (keys_fine)
        qsort(order, count, sizeof *order, by_number);
    uint64_t next = 0;
    for (size_t i = 0; i < count; i++) {
        struct numbered *n = &order[i];
        if (keys_fine && n->first != next) {
            complain(r, n->member->key_span,
                     "responses of '%.*s' must be numbered without a gap or an overlap: expected the next to begin at "
                     "%llu, not %llu",
                     NAME(response->key), (unsigned long long)next, (unsigned long long)n->first);
            keys_fine = false; /* one message is enough: what follows is shifted too */
        }
        next = n->last + 1;
        entries[i].first = n->first;
        entries[i].last = n->last;
        read_entry(r, n->member, &entries[i]);
    }
    asl_free(order);
    *out_count = (uint32_t)count;
    return entries;
}

// ---------------------------------------------------------------- the file

static const asl_doc *member_object(struct reader *r, const asl_doc *parent, const char *key) {
    const asl_doc *m = asl_doc_get(parent, key);
    char what[64];
    snprintf(what, sizeof what, "'%s'", key);
    return m && is_kind(r, m, ASL_DOC_OBJECT, what) ? m : NULL;
}

static void check_members(struct reader *r, const asl_doc *object, const char *what, const char *one, const char *two) {
    for (const asl_doc *m = object->first; m; m = m->next) {
        char buffer[256];
        asl_str best = {0};
        unsigned least = ~0u;
        if (duplicate(r, m, "member") || key_is(m, one) || (two && key_is(m, two)))
            continue;
        consider(m->key, asl_str_z(one), &best, &least);
        if (two)
            consider(m->key, asl_str_z(two), &best, &least);
        complain(r, m->key_span, "%s has no member '%.*s'%s", what, NAME(m->key), suggestion(best, buffer));
    }
}

static void check_test_case(struct reader *r, const asl_doc *test_case, const asl_doc *responses) {
    if (!is_kind(r, test_case, ASL_DOC_OBJECT, "a test case"))
        return;
    for (const asl_doc *m = test_case->first; m; m = m->next) {
        char buffer[256];
        if (duplicate(r, m, "state") || !is_kind(r, m, ASL_DOC_STRING, "the name of a mocked response"))
            continue;
        bool found = false;
        for (const asl_doc *a = responses ? responses->first : NULL; a && !found; a = a->next)
            found = asl_str_equal(a->key, m->text);
        if (!found)
            complain(r, m->span, "no mocked response is named '%.*s'%s", NAME(m->text),
                     suggestion(nearest_key(m->text, responses), buffer));
    }
}

static void check_machines(struct reader *r, const asl_doc *machines, const asl_doc *responses) {
    for (const asl_doc *machine = machines->first; machine; machine = machine->next) {
        if (duplicate(r, machine, "state machine") || !is_kind(r, machine, ASL_DOC_OBJECT, "a state machine"))
            continue;
        check_members(r, machine, "a state machine", "TestCases", NULL);
        if (!asl_doc_get(machine, "TestCases"))
            complain(r, machine->span, "the state machine '%.*s' has no 'TestCases'", NAME(machine->key));
        const asl_doc *cases = member_object(r, machine, "TestCases");
        for (const asl_doc *c = cases ? cases->first : NULL; c; c = c->next)
            if (!duplicate(r, c, "test case"))
                check_test_case(r, c, responses);
    }
}

// ---------------------------------------------------------------- choosing the test case

/* The names of all test cases, for a message: "a", "b" and 3 more. */
static void list_cases(const asl_doc *machines, asl_buffer *out) {
    size_t shown = 0, more = 0;
    for (const asl_doc *m = machines->first; m; m = m->next) {
        const asl_doc *cases = asl_doc_get(m, "TestCases");
        for (const asl_doc *c = cases ? cases->first : NULL; c; c = c->next) {
            if (shown < 12)
                asl_buffer_format(out, "%s'%.*s'", shown++ ? ", " : "", NAME(c->key));
            else
                more++;
        }
    }
    if (more)
        asl_buffer_format(out, " and %zu more", more);
}

/* mock-config 2: unknown machine or test case at start. Without a name the file's only test case is meant. */
static const asl_doc *choose(struct reader *r, const asl_doc *machines, const char *name, const char *program) {
    const asl_doc *found = NULL, *named = NULL;
    size_t count = 0;
    for (const asl_doc *m = machines->first; m; m = m->next) {
        const asl_doc *cases = asl_doc_get(m, "TestCases");
        for (const asl_doc *c = cases ? cases->first : NULL; c; c = c->next) {
            if (m->duplicate_of || c->duplicate_of || (name && !asl_str_equal(c->key, asl_str_z(name))))
                continue;
            count++;
            found = c;
            if (program && key_is(m, program))
                named = c;
        }
    }
    if (count == 1)
        return found;
    if (count > 1 && named && name)
        return named;
    asl_buffer cases = {0};
    char buffer[256];
    list_cases(machines, &cases);
    asl_str all = {cases.data, cases.size};
    if (all.size == 0) {
        complain(r, machines->span, "the file has no test case");
    } else if (!name) {
        complain(r, machines->span, "which test case? write %.200s#NAME with one of %.*s", r->file, NAME(all));
    } else if (count == 0) {
        asl_str best = {0};
        unsigned least = ~0u;
        for (const asl_doc *m = machines->first; m; m = m->next) {
            const asl_doc *of = asl_doc_get(m, "TestCases");
            for (const asl_doc *c = of ? of->first : NULL; c; c = c->next)
                consider(asl_str_z(name), c->key, &best, &least);
        }
        if (best.size)
            complain(r, machines->span, "no test case is named '%.200s'%s", name, suggestion(best, buffer));
        else
            complain(r, machines->span, "no test case is named '%.200s'; there are %.*s", name, NAME(all));
    } else if (program) {
        complain(r, machines->span, "%zu state machines have a test case '%.200s', and none of them is named '%.200s'",
                 count, name, program);
    } else {
        complain(r, machines->span, "%zu state machines have a test case '%.200s'", count, name);
    }
    asl_buffer_free(&cases);
    return NULL;
}

// ---------------------------------------------------------------- making the mock

static int compare_iterations(const struct entry *a, const struct entry *b) {
    if (a->depth != b->depth)
        return a->depth < b->depth ? -1 : 1;
    for (uint32_t i = 0; i < a->depth; i++)
        if (a->iteration[i] != b->iteration[i])
            return a->iteration[i] < b->iteration[i] ? -1 : 1;
    return 0;
}

static int by_iteration(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    int c = compare_iterations(x, y);
    return c ? c : x->first < y->first ? -1 : 1;
}

/* Sorts the entries into groups, and numbers them within each. */
static void make_groups(struct mock *mock, struct mocked *s) {
    qsort(s->entries, s->entry_count, sizeof *s->entries, by_iteration);
    s->groups = asl_calloc(s->entry_count + 1, sizeof *s->groups);
    for (uint32_t i = 0; i < s->entry_count; i++) {
        struct entry *e = &s->entries[i];
        bool begins = i == 0 || compare_iterations(&e[-1], e) != 0;
        if (begins)
            s->groups[s->group_count++] = (struct group){.first = i, .counter = mock->counters++};
        s->groups[s->group_count - 1].count++;
        uint64_t calls = e->last - e->first;
        e->first = begins ? 0 : e[-1].last + 1;
        e->last = e->first + calls;
    }
}

static void add_state(struct mock *mock, struct reader *r, const asl_doc *state, const asl_doc *responses) {
    struct mocked *s = &mock->states[mock->state_count++];
    s->name = asl_string(state->key);
    s->response = asl_string(state->text);
    const asl_doc *response = responses->first;
    while (!asl_str_equal(response->key, state->text))
        response = response->next;
    s->entries = read_response(r, response, &s->entry_count);
    if (s->entry_count)
        make_groups(mock, s);
    else
        on_doc_warning(r, response->span, "this mocked response has no entry, so it can answer no call", NULL);
}

static void warn_unused(struct reader *r, const asl_doc *machines, const asl_doc *responses) {
    for (const asl_doc *a = responses ? responses->first : NULL; a; a = a->next) {
        bool used = false;
        for (const asl_doc *m = machines->first; m && !used; m = m->next) {
            const asl_doc *cases = asl_doc_get(m, "TestCases");
            for (const asl_doc *c = cases ? cases->first : NULL; c && !used; c = c->next)
                for (const asl_doc *s = c->first; s && !used; s = s->next)
                    used = asl_str_equal(s->text, a->key);
        }
        char message[256];
        snprintf(message, sizeof message, "the mocked response '%.*s' is never used", NAME(a->key));
        if (!used)
            on_doc_warning(r, a->key_span, message, NULL);
    }
}

void asl__mock_close(void *state) {
    struct mock *mock = state;
    for (uint32_t i = 0; i < mock->state_count; i++) {
        struct mocked *s = &mock->states[i];
        for (uint32_t k = 0; k < s->entry_count; k++)
            entry_release(&s->entries[k]);
        asl_release(s->name);
        asl_release(s->response);
        asl_free(s->entries);
        asl_free(s->groups);
    }
    for (size_t i = 0; i < mock->run_count; i++)
        asl_free(mock->runs[i].calls);
    asl_free(mock->runs);
    asl_free(mock->states);
    asl_buffer_free(&mock->warnings);
    asl_free(mock);
}

static int read_file(const char *file, asl_buffer *text, asl_buffer *errors) {
    FILE *f = fopen(file, "rbe");
    size_t n;
    if (f) {
        do {
            n = fread(asl_buffer_reserve(text, 65536), 1, 65536, f);
            text->size += n;
        } while (n > 0);
    }
    if (!f || ferror(f)) {
        asl_buffer_format(errors, "%s: error: the mock file cannot be read: %s", file, strerror(errno));
        if (f)
            fclose(f);
        return -1;
    }
    fclose(f);
    return 0;
}

/* Checks the whole document and fills in the mock. */
static void build(struct mock *mock, struct reader *r, const asl_doc *root, const char *test_case,
                  const char *program) {
    if (!is_kind(r, root, ASL_DOC_OBJECT, "a mock file"))
        return;
    check_members(r, root, "a mock file", "StateMachines", "MockedResponses");
    const asl_doc *machines = member_object(r, root, "StateMachines");
    const asl_doc *responses = member_object(r, root, "MockedResponses");
    if (!asl_doc_get(root, "StateMachines") && r->count == 0)
        complain(r, root->span, "a mock file must have 'StateMachines'");
    for (const asl_doc *m = responses ? responses->first : NULL; m; m = m->next) {
        uint32_t count = 0;
        struct entry *entries = duplicate(r, m, "mocked response") ? NULL : read_response(r, m, &count);
        for (uint32_t i = 0; i < count; i++)
            entry_release(&entries[i]);
        asl_free(entries);
    }
    if (!machines)
        return;
    check_machines(r, machines, responses);
    if (test_case && !*test_case)
        return;
    const asl_doc *chosen = choose(r, machines, test_case, program);
    if (r->count > 0 || !chosen)
        return;
    warn_unused(r, machines, responses);
    mock->states = asl_calloc(chosen->count + 1, sizeof *mock->states);
    for (const asl_doc *s = chosen->first; s; s = s->next)
        add_state(mock, r, s, responses);
}

int asl__mock_parse(asl_str text, const char *file, const char *test_case, const char *program, void **state,
                    asl_buffer *errors) {
    size_t doc_errors = 0;
    struct mock *mock = asl_calloc(1, sizeof *mock);
    struct reader r = {.file = file, .text = text, .warnings = &mock->warnings};
    asl_doc_tree *tree = asl_doc_read(text, on_doc_error, on_doc_warning, &r, &doc_errors);
    bool readable = tree && asl_doc_root(tree);
    if (readable)
        build(mock, &r, asl_doc_root(tree), test_case, program);
    asl_doc_free(tree);
    give_errors(&r, errors);
    if (r.count > 0 || !readable) {
        asl__mock_close(mock);
        return -1;
    }
    *state = mock;
    return 0;
}

int asl__mock_open(const char *file, const char *test_case, const char *program, void **state, asl_buffer *errors) {
    asl_buffer text = {0};
    int rc = read_file(file, &text, errors);
    if (rc == 0)
        rc = asl__mock_parse((asl_str){text.data, text.size}, file, test_case, program, state, errors);
    asl_buffer_free(&text);
    return rc;
}

// ---------------------------------------------------------------- for the engine

static struct mocked *find(const struct mock *mock, const char *name) {
    asl_str wanted = asl_str_z(name);
    for (uint32_t i = 0; i < mock->state_count; i++)
        if (asl_str_equal(asl_text_of(&mock->states[i].name), wanted))
            return &mock->states[i];
    return NULL;
}

bool asl__mock_serves(void *state, const char *state_name) { return find(state, state_name) != NULL; }

/* Appends to a text of bounded size; what does not fit is left out. */
static void append(char *text, size_t size, const char *line, size_t line_size) {
    size_t have = strlen(text);
    if (have + line_size + 2 > size)
        return;
    if (have)
        text[have++] = '\n';
    memcpy(text + have, line, line_size);
    text[have + line_size] = 0;
}

void asl__mock_check(void *state, const char *const *task_states, size_t count, char *warnings, size_t size) {
    const struct mock *mock = state;
    char line[700], buffer[256];
    *warnings = 0;
    if (mock->warnings.size)
        append(warnings, size, mock->warnings.data, mock->warnings.size);
    for (uint32_t i = 0; i < mock->state_count; i++) {
        asl_str name = asl_text_of(&mock->states[i].name), best = {0};
        unsigned least = ~0u;
        bool known = false;
        for (size_t k = 0; k < count && !known; k++) {
            known = asl_str_equal(name, asl_str_z(task_states[k]));
            consider(name, asl_str_z(task_states[k]), &best, &least);
        }
        if (known)
            continue;
        int n = snprintf(line, sizeof line, "warning: the mocked state '%.*s' is no Task state of this machine%s",
                         NAME(name), suggestion(best, buffer));
        append(warnings, size, line, (size_t)n);
    }
}

void asl__mock_check_calls(void *state, const char *task_state, uint64_t most_calls, char *warnings, size_t size) {
    const struct mocked *s = find(state, task_state);
    if (!s || s->entry_count == 0)
        return;
    const struct entry *last = &s->entries[s->entry_count - 1];
    if (s->group_count > 1 || last->kind != THROW || last->last + 1 >= most_calls)
        return;
    char line[700];
    asl_str response = asl_text_of(&s->response);
    unsigned long long calls = last->last + 1;
    int n = snprintf(line, sizeof line,
                     "warning: the mocked response '%.*s' ends in a 'Throw' after %llu call%s, and with its retriers "
                     "the state '%.200s' can make %llu",
                     NAME(response), calls, calls > 1 ? "s" : "", task_state, (unsigned long long)most_calls);
    append(warnings, size, line, (size_t)n);
}

void asl__mock_forget(void *state, uint64_t execution) {
    struct mock *mock = state;
    for (size_t i = 0; i < mock->run_count; i++) {
        if (mock->runs[i].execution != execution)
            continue;
        asl_free(mock->runs[i].calls);
        mock->runs[i] = mock->runs[--mock->run_count];
        mock->last_run = 0;
        return;
    }
}

// ---------------------------------------------------------------- the handler

static uint64_t *calls_of(struct mock *mock, uint64_t execution) {
    if (mock->last_run < mock->run_count && mock->runs[mock->last_run].execution == execution)
        return mock->runs[mock->last_run].calls;
    size_t i = 0;
    while (i < mock->run_count && mock->runs[i].execution != execution)
        i++;
    if (i == mock->run_count) {
        mock->runs = asl_realloc(mock->runs, (i + 1) * sizeof *mock->runs);
        mock->runs[i] = (struct run){execution, asl_calloc(mock->counters + 1, sizeof(uint64_t))};
        mock->run_count++;
    }
    mock->last_run = i;
    return mock->runs[i].calls;
}

/* Where the task stands to a group's iteration: before (less than 0), in or after it, in the order of the groups. */
static int compare_task(const struct mocked *s, uint32_t group, const asl_task *task) {
    const struct entry *e = &s->entries[s->groups[group].first];
    if (task->iteration_depth != e->depth)
        return task->iteration_depth < e->depth ? -1 : 1;
    for (uint32_t i = 0; i < e->depth; i++)
        if (task->iteration[i] != e->iteration[i])
            return task->iteration[i] < e->iteration[i] ? -1 : 1;
    return 0;
}

/* The group for this call: that of its iteration, else the one without, which comes first. NULL: the state has neither. */
static const struct group *group_of(struct mocked *s, const asl_task *task) {
    if (!s->group_count)
        return NULL;
    uint32_t from = !s->entries[s->groups[0].first].for_iteration, to = s->group_count, near = s->last_group;
    if (near >= from && near < to && compare_task(s, near, task) == 0)
        return &s->groups[near];
    if (++near >= from && near < to && compare_task(s, near, task) == 0)
        return &s->groups[s->last_group = near];
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        int c = compare_task(s, middle, task);
        if (c == 0)
            return &s->groups[s->last_group = middle];
        if (c < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return s->entries[s->groups[0].first].for_iteration ? NULL : &s->groups[0];
}

static bool in_group(const struct group *g, uint32_t entry) { return entry - g->first < g->count; }

/* The entry for this call of a group; the numbers of its entries follow on one another. NULL: it has one call too many. */
static const struct entry *entry_of(struct mocked *s, const struct group *g, uint64_t call) {
    const struct entry *entries = s->entries;
    uint32_t near = s->last_entry;
    if (in_group(g, near) && call - entries[near].first <= entries[near].last - entries[near].first)
        return &entries[near];
    uint32_t from = g->first, to = from + (call < g->count ? (uint32_t)call + 1 : g->count); /* the first that is not over yet */
    if (in_group(g, ++near) && entries[near].first == call)
        from = to = near;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (entries[middle].last >= call)
            to = middle;
        else
            from = middle + 1;
    }
    s->last_entry = from;
    return in_group(g, from) ? &entries[from] : NULL;
}

static const struct entry *next_entry(struct mock *mock, struct mocked *s, const asl_task *task, uint64_t *call) {
    const struct group *g = group_of(s, task);
    *call = 0;
    if (!g)
        return NULL;
    *call = calls_of(mock, task->execution)[g->counter]++;
    return entry_of(s, g, *call);
}

/* Does the service answer twice, first when it has taken the job? */
static bool is_submitted(const char *resource) {
    static const char *const patterns[] = {".sync", ".sync:2", ".waitForTaskToken"};
    const char *dot = resource ? strrchr(resource, '.') : NULL;
    for (size_t i = 0; dot && i < sizeof patterns / sizeof *patterns; i++)
        if (strcmp(dot, patterns[i]) == 0)
            return true;
    return false;
}

static struct mocked *called(const struct mock *mock, const char *state) {
    for (uint32_t i = 0; i < mock->state_count; i++)
        if (mock->states[i].asked == state)
            return &mock->states[i];
    struct mocked *s = find(mock, state);
    if (s)
        s->asked = state;
    return s;
}

static void mock_start(asl_task *task) {
    struct mock *mock = task->binding->state;
    struct mocked *s = called(mock, task->state);
    uint64_t call = 0;
    const struct entry *e = s ? next_entry(mock, s, task, &call) : NULL;
    if (!e) {
        asl_task_broken(
            task, asl_string_format("No mocked response definition for state '%s' and invocation number '%llu'",
                                    task->state, (unsigned long long)call));
        return;
    }
    if (task->resource != s->resource) {
        s->submits = is_submitted(task->resource);
        s->resource = task->resource;
    }
    if (s->submits) {
        if (e->submitted.tag != ASL_NONE)
            asl_task_submitted(task, asl_retain(e->submitted));
        else if (e->kind == RETURN) /* mock-config 3.8 */
            asl_task_submitted(task, asl_retain(e->result));
    }
    switch (e->kind) {
    case RETURN: asl_task_succeed(task, asl__keep(e->result)); break;
    case THROW: asl_task_fail(task, asl__keep(e->error), asl__keep(e->cause)); break;
    case HANG: break; /* a time-out, a heartbeat or the end of the execution ends it */
    }
}

static void mock_cancel(asl_task *task) { (void)task; }

/* As many whole lines as there is room for, and how many were left out. */
static void fit_lines(const asl_buffer *lines, char *message, size_t size) {
    enum { FOR_COUNT = 32 };
    if (lines->size < size) {
        snprintf(message, size, "%.*s", (int)lines->size, lines->data);
        return;
    }
    size_t room = size > FOR_COUNT ? size - FOR_COUNT : 0, fits = 0, more = 1;
    const char *newline = room ? memrchr(lines->data, '\n', room) : NULL;
    fits = newline ? (size_t)(newline - lines->data) : room;
    for (size_t i = fits + (newline != NULL); i < lines->size; i++)
        more += newline && lines->data[i] == '\n';
    snprintf(message, size, "%.*s\n%s", (int)fits, lines->data, "");
    snprintf(message + strlen(message), size - strlen(message), newline ? "and %zu more" : "…", more);
}

/* "FILE", or "FILE#TESTCASE"; a file whose own name holds a # is taken as it is. */
static int mock_open(asl_binding *binding, asl_str spec, void **state, char *message, size_t message_size) {
    asl_buffer file = {0}, errors = {0};
    asl_buffer_str(&file, spec);
    asl_buffer_byte(&file, 0);
    char *hash = access(file.data, F_OK) == 0 ? NULL : strrchr(file.data, '#');
    if (hash)
        *hash = 0;
    int rc = asl__mock_open(file.data, hash ? hash + 1 : NULL, asl__binding_machine(binding), state, &errors);
    if (rc < 0)
        fit_lines(&errors, message, message_size);
    asl_buffer_free(&file);
    asl_buffer_free(&errors);
    return rc;
}

static void mock_close(asl_binding *binding, void *state) {
    (void)binding;
    asl__mock_close(state);
}

const asl_handler asl_handler_mock = {
    .scheme = "mock", .open = mock_open, .close = mock_close, .start = mock_start, .cancel = mock_cancel,
    .simple = true};
