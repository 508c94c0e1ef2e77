// Metrics: the service's counters and times (execution-history 6), as EMF lines and as a Prometheus text file.
//
//     events ──► series: one a state machine, function, activity, integration ──┬─► EMF: what is new since the last line
//                                                                               └─► Prometheus: everything so far
//
// A thread writes both every 15 seconds, since an execution that sleeps has no turn of its own to do it; a lock guards the
// series. The file is replaced by a rename, so a reader never sees half of it.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lines.h"
#include "map.h"
#include "sinks.h"

#define PERIOD_S   15
#define EMF_VALUES 100 /* of one metric in a line */

enum family { EXECUTIONS, LAMBDA, ACTIVITY, INTEGRATION, FAMILIES };
enum { COUNTS = 11, TIMES = 3 };
/* … and of a redriven execution its end once more. */
enum { SCHEDULED, STARTED, SUCCEEDED, FAILED, TIMED_OUT, ABORTED, REDRIVEN, AGAIN = REDRIVEN - SUCCEEDED + 1 };
enum { TIME, RUN_TIME, SCHEDULE_TIME };

/* What the service calls them. An execution is not scheduled but started, and has one time. */
static const struct {
    const char *dimension, *label, *prefix;
    const char *counts[COUNTS], *times[TIMES];
} families[FAMILIES] = {
    [EXECUTIONS] = {"StateMachineArn", "state_machine_arn", "aws_states_executions",
                    {[STARTED] = "ExecutionsStarted", [SUCCEEDED] = "ExecutionsSucceeded", [FAILED] = "ExecutionsFailed",
                     [TIMED_OUT] = "ExecutionsTimedOut", [ABORTED] = "ExecutionsAborted", [REDRIVEN] = "ExecutionsRedriven",
                     [AGAIN + SUCCEEDED] = "RedrivenExecutionsSucceeded", [AGAIN + FAILED] = "RedrivenExecutionsFailed",
                     [AGAIN + TIMED_OUT] = "RedrivenExecutionsTimedOut", [AGAIN + ABORTED] = "RedrivenExecutionsAborted"},
                    {[TIME] = "ExecutionTime"}},
    [LAMBDA] = {"LambdaFunctionArn", "lambda_function_arn", "aws_states_lambda_functions",
                {"LambdaFunctionsScheduled", "LambdaFunctionsStarted", "LambdaFunctionsSucceeded", "LambdaFunctionsFailed",
                 "LambdaFunctionsTimedOut"},
                {"LambdaFunctionTime", "LambdaFunctionRunTime", "LambdaFunctionScheduleTime"}},
    [ACTIVITY] = {"ActivityArn", "activity_arn", "aws_states_activities",
                  {"ActivitiesScheduled", "ActivitiesStarted", "ActivitiesSucceeded", "ActivitiesFailed", "ActivitiesTimedOut"},
                  {"ActivityTime", "ActivityRunTime", "ActivityScheduleTime"}},
    [INTEGRATION] = {"ServiceIntegrationResourceArn", "service_integration_resource_arn", "aws_states_service_integrations",
                     {"ServiceIntegrationsScheduled", "ServiceIntegrationsStarted", "ServiceIntegrationsSucceeded",
                      "ServiceIntegrationsFailed", "ServiceIntegrationsTimedOut"},
                     {"ServiceIntegrationTime", "ServiceIntegrationRunTime", "ServiceIntegrationScheduleTime"}},
};
static const char *const count_names[COUNTS] = {
    "scheduled", "started", "succeeded", "failed", "timed_out", "aborted", "redriven",
    "redriven_succeeded", "redriven_failed", "redriven_timed_out", "redriven_aborted"};
static const char *const time_names[FAMILIES][TIMES] = {
    [EXECUTIONS] = {"aws_states_execution_time_milliseconds"},
    [LAMBDA] = {"aws_states_lambda_function_time_milliseconds", "aws_states_lambda_function_run_time_milliseconds",
                "aws_states_lambda_function_schedule_time_milliseconds"},
    [ACTIVITY] = {"aws_states_activity_time_milliseconds", "aws_states_activity_run_time_milliseconds",
                  "aws_states_activity_schedule_time_milliseconds"},
    [INTEGRATION] = {"aws_states_service_integration_time_milliseconds",
                     "aws_states_service_integration_run_time_milliseconds",
                     "aws_states_service_integration_schedule_time_milliseconds"},
};

static const int64_t bounds[] = {1, 10, 50, 100, 500, 1000, 5000, 30000, 60000, 300000, 3600000};
enum { BOUNDS = sizeof bounds / sizeof *bounds };

struct times {
    uint64_t buckets[BOUNDS + 1]; /* the last: longer than all */
    int64_t sum;
    size_t fresh_count; /* not in an EMF line yet */
    int64_t fresh[EMF_VALUES];
};

struct series {
    struct series *next;
    enum family family;
    char *name; /* the dimension's value */
    uint64_t counts[COUNTS], told[COUNTS]; /* told: by EMF */
    struct times times[TIMES];
};

/* The attempt that a frame makes. */
struct attempt {
    struct series *series;
    int64_t scheduled_ms, started_ms;
};

struct metrics {
    struct asl_observer observer;
    const struct sink_counters *counters;
    const char *namespace;
    struct lines *emf;        /* or NULL */
    char *prometheus, *draft; /* paths, or NULL */
    bool complained;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t end;
    bool ending;
    struct series *first, **last;
    struct map attempts;  /* frame → attempt */
    struct map machines;  /* name of the state machine → series */
    int64_t now_ms;       /* of the last event */
    pthread_t thread;
    bool threaded;
    asl_buffer text;
    asl_buffer file; /* not guarded: who writes the file has it */
};

// ---------------------------------------------------------------- EMF

static void emf_metric(asl_buffer *b, const char *name, const char *unit) {
    asl_buffer_format(b, "%s{\"Name\":\"%s\",\"Unit\":\"%s\"}", b->data[b->size - 1] == '[' ? "" : ",", name, unit);
}

/* One line of what is new in a series; nothing when nothing is. */
static void emf_line(struct metrics *m, struct series *s) {
    bool news = memcmp(s->counts, s->told, sizeof s->counts) != 0;
    for (int i = 0; i < TIMES; i++) news |= s->times[i].fresh_count > 0;
    if (!m->emf || !news) return;
    asl_buffer *b = &m->text;
    b->size = 0;
    asl_buffer_format(b, "{\"_aws\":{\"Timestamp\":%lld,\"CloudWatchMetrics\":[{\"Namespace\":", (long long)m->now_ms);
    asl_json_print_string(asl_str_z(m->namespace), b);
    asl_buffer_format(b, ",\"Dimensions\":[[\"%s\"]%s],\"Metrics\":[", families[s->family].dimension,
                      s->family == EXECUTIONS ? ",[]" : ""); /* of executions also the sum over all machines */
    for (int i = 0; i < COUNTS; i++)
        if (families[s->family].counts[i]) emf_metric(b, families[s->family].counts[i], "Count");
    for (int i = 0; i < TIMES; i++)
        if (s->times[i].fresh_count) emf_metric(b, families[s->family].times[i], "Milliseconds");
    asl_buffer_format(b, "]}]},\"%s\":", families[s->family].dimension);
    asl_json_print_string(asl_str_z(s->name), b);
    for (int i = 0; i < COUNTS; i++)
        if (families[s->family].counts[i])
            asl_buffer_format(b, ",\"%s\":%llu", families[s->family].counts[i], (unsigned long long)(s->counts[i] - s->told[i]));
    for (int i = 0; i < TIMES; i++) {
        struct times *t = &s->times[i];
        if (!t->fresh_count) continue;
        asl_buffer_format(b, ",\"%s\":%s", families[s->family].times[i], t->fresh_count > 1 ? "[" : "");
        for (size_t k = 0; k < t->fresh_count; k++) asl_buffer_format(b, "%s%lld", k ? "," : "", (long long)t->fresh[k]);
        if (t->fresh_count > 1) asl_buffer_byte(b, ']');
        t->fresh_count = 0;
    }
    asl_buffer_z(b, "}\n");
    memcpy(s->told, s->counts, sizeof s->counts);
    lines_put(m->emf, b->data, b->size);
}

/* What the other sinks did; at the end, when they have closed. */
static void emf_sinks(struct metrics *m) {
    if (!m->emf || !m->counters) return;
    asl_buffer *b = &m->text;
    b->size = 0;
    asl_buffer_format(b, "{\"_aws\":{\"Timestamp\":%lld,\"CloudWatchMetrics\":[{\"Namespace\":", (long long)m->now_ms);
    asl_json_print_string(asl_str_z(m->namespace), b);
    asl_buffer_z(b, ",\"Dimensions\":[[]],\"Metrics\":[");
    emf_metric(b, "LogLines", "Count");
    emf_metric(b, "LogLinesDropped", "Count");
    emf_metric(b, "TraceSpans", "Count");
    emf_metric(b, "TraceSpansDropped", "Count");
    asl_buffer_format(b, "]}]},\"LogLines\":%llu,\"LogLinesDropped\":%llu,\"TraceSpans\":%llu,\"TraceSpansDropped\":%llu}\n",
                      (unsigned long long)m->counters->lines, (unsigned long long)m->counters->lines_dropped,
                      (unsigned long long)m->counters->spans, (unsigned long long)m->counters->spans_dropped);
    lines_put(m->emf, b->data, b->size);
}

// ---------------------------------------------------------------- Prometheus

/* A label's value: \ " and line feeds are escaped. */
static void prometheus_label(asl_buffer *b, const struct series *s) {
    asl_buffer_format(b, "%s=\"", families[s->family].label);
    for (const char *c = s->name; *c; c++) {
        if (*c == '\\' || *c == '"') asl_buffer_byte(b, '\\');
        if (*c == '\n') asl_buffer_z(b, "\\n");
        else asl_buffer_byte(b, *c);
    }
    asl_buffer_byte(b, '"');
}

static void prometheus_counts(const struct metrics *m, enum family family, int i, asl_buffer *b) {
    const char *service = families[family].counts[i], *prefix = families[family].prefix;
    bool headed = false;
    for (const struct series *s = m->first; s && service; s = s->next) {
        if (s->family != family) continue;
        if (!headed)
            asl_buffer_format(b, "# HELP %s_%s_total %s of AWS/States.\n# TYPE %s_%s_total counter\n", prefix, count_names[i],
                              service, prefix, count_names[i]);
        headed = true;
        asl_buffer_format(b, "%s_%s_total{", prefix, count_names[i]);
        prometheus_label(b, s);
        asl_buffer_format(b, "} %llu\n", (unsigned long long)s->counts[i]);
    }
}

static void prometheus_times(const struct metrics *m, enum family family, int i, asl_buffer *b) {
    const char *service = families[family].times[i], *name = time_names[family][i];
    bool headed = false;
    for (const struct series *s = m->first; s && service; s = s->next) {
        if (s->family != family) continue;
        if (!headed) asl_buffer_format(b, "# HELP %s %s of AWS/States.\n# TYPE %s histogram\n", name, service, name);
        headed = true;
        uint64_t count = 0;
        for (int k = 0; k <= BOUNDS; k++) {
            count += s->times[i].buckets[k];
            asl_buffer_format(b, "%s_bucket{", name);
            prometheus_label(b, s);
            if (k < BOUNDS) asl_buffer_format(b, ",le=\"%lld\"} %llu\n", (long long)bounds[k], (unsigned long long)count);
            else asl_buffer_format(b, ",le=\"+Inf\"} %llu\n", (unsigned long long)count);
        }
        asl_buffer_format(b, "%s_sum{", name);
        prometheus_label(b, s);
        asl_buffer_format(b, "} %lld\n%s_count{", (long long)s->times[i].sum, name);
        prometheus_label(b, s);
        asl_buffer_format(b, "} %llu\n", (unsigned long long)count);
    }
}

static void prometheus_sink(asl_buffer *b, const char *name, const char *help, uint64_t value) {
    asl_buffer_format(b, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", name, help, name, name, (unsigned long long)value);
}

static void prometheus_text(const struct metrics *m, asl_buffer *b) {
    b->size = 0;
    for (int f = 0; f < FAMILIES; f++) {
        for (int i = 0; i < COUNTS; i++) prometheus_counts(m, (enum family)f, i, b);
        for (int i = 0; i < TIMES; i++) prometheus_times(m, (enum family)f, i, b);
    }
    if (!m->counters) return;
    prometheus_sink(b, "aslc_log_lines_total", "Log lines written or dropped.", m->counters->lines);
    prometheus_sink(b, "aslc_log_lines_dropped_total", "Log lines that their destination did not take.", m->counters->lines_dropped);
    prometheus_sink(b, "aslc_trace_spans_total", "Spans recorded.", m->counters->spans);
    prometheus_sink(b, "aslc_trace_spans_dropped_total", "Spans that no receiver took.", m->counters->spans_dropped);
}

static void write_file(struct metrics *m) {
    if (!m->prometheus) return;
    int fd = open(m->draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool ok = fd >= 0;
    for (size_t at = 0; ok && at < m->file.size;) {
        ssize_t n = write(fd, m->file.data + at, m->file.size - at);
        if (n > 0) at += (size_t)n;
        else ok = n < 0 && errno == EINTR;
    }
    int error = errno;
    if (fd >= 0 && close(fd) < 0 && ok) ok = false, error = errno;
    if (ok && rename(m->draft, m->prometheus) < 0) ok = false, error = errno;
    if (ok) return;
    if (fd >= 0) unlink(m->draft);
    if (!m->complained) lines_complain("the metrics could not be written to %s: %s\n", m->prometheus, strerror(error));
    m->complained = true;
}

// ---------------------------------------------------------------- the thread

static void render(struct metrics *m) {
    for (struct series *s = m->first; s; s = s->next) emf_line(m, s);
    if (m->prometheus) prometheus_text(m, &m->file);
}

static void *run(void *argument) {
    struct metrics *m = argument;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&m->lock);
    while (!m->ending) {
        next.tv_sec += PERIOD_S;
        while (!m->ending && pthread_cond_timedwait(&m->end, &m->lock, &next) != ETIMEDOUT) {}
        if (m->ending) break;
        render(m);
        pthread_mutex_unlock(&m->lock); /* a slow disk is no reason to hold up events */
        write_file(m);
        pthread_mutex_lock(&m->lock);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

static void start_thread(struct metrics *m) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    m->threaded = pthread_create(&m->thread, NULL, run, m) == 0; /* without one: at the end only */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// ---------------------------------------------------------------- counting

static struct series *find_series(struct metrics *m, enum family family, const char *name) {
    struct series *s = m->first;
    while (s && (s->family != family || strcmp(s->name, name) != 0)) s = s->next;
    if (s) return s;
    size_t size = strlen(name) + 1;
    s = asl_calloc(1, sizeof *s);
    s->family = family;
    s->name = memcpy(asl_alloc(size), name, size);
    *m->last = s;
    m->last = &s->next;
    return s;
}

static void add_time(struct metrics *m, struct series *s, int which, int64_t ms) {
    struct times *t = &s->times[which];
    int k = 0;
    if (ms < 0) ms = 0;
    while (k < BOUNDS && ms > bounds[k]) k++;
    t->buckets[k]++;
    t->sum += ms;
    if (!m->emf) return;
    t->fresh[t->fresh_count++] = ms;
    if (t->fresh_count == EMF_VALUES) emf_line(m, s);
}

/* The machine's name is the image's own, so its address tells it. */
static struct series *machine_series(struct metrics *m, const asl_execution *x) {
    struct series *s = map_get(&m->machines, x->machine);
    if (s) return s;
    asl_buffer arn = {0};
    asl__machine_arn(x, &arn);
    asl_buffer_byte(&arn, 0);
    s = find_series(m, EXECUTIONS, arn.data);
    asl_buffer_free(&arn);
    map_put(&m->machines, x->machine, s);
    return s;
}

static void schedule(struct metrics *m, const struct event_record *r, enum family family) {
    const char *resource = r->d.resource ? r->d.resource : "";
    struct series *s;
    if (family == INTEGRATION && r->d.resource_type && r->d.resource_type != resource) {
        asl_buffer arn = {0};
        asl_buffer_format(&arn, "arn:%s:states:::%s:%s", r->execution->engine->partition, r->d.resource_type, resource);
        asl_buffer_byte(&arn, 0);
        s = find_series(m, family, arn.data);
        asl_buffer_free(&arn);
    } else {
        s = find_series(m, family, resource);
    }
    struct attempt *a = map_get(&m->attempts, r->frame);
    if (!a) map_put(&m->attempts, r->frame, a = asl_calloc(1, sizeof *a));
    *a = (struct attempt){s, r->time_ms, r->time_ms};
    s->counts[SCHEDULED]++;
}

/* STARTED and what comes of it. */
static void attempt_event(struct metrics *m, const struct event_record *r, int what) {
    struct attempt *a = map_get(&m->attempts, r->frame);
    if (!a) return; /* scheduled before our time */
    struct series *s = a->series;
    s->counts[what]++;
    if (what == STARTED) {
        a->started_ms = r->time_ms;
        add_time(m, s, SCHEDULE_TIME, r->time_ms - a->scheduled_ms);
        return;
    }
    add_time(m, s, RUN_TIME, r->time_ms - a->started_ms);
    add_time(m, s, TIME, r->time_ms - a->scheduled_ms);
    map_remove(&m->attempts, r->frame);
    asl_free(a);
}

static void execution_event(struct metrics *m, const struct event_record *r, int what) {
    struct series *s = machine_series(m, r->execution);
    s->counts[what]++;
    if (what == STARTED || what == REDRIVEN) return;
    add_time(m, s, TIME, r->time_ms - r->execution->start_ms);
    if (r->execution->redrive_count) s->counts[AGAIN + what]++;
}

/* What an event counts as: 0 nothing, else the family and what, plus one. */
#define COUNTS_AS(family, what) (unsigned char)((family)*COUNTS + (what) + 1)
static const unsigned char counts_as[EVENT_COUNT] = {
    [EVENT_EXECUTION_STARTED] = COUNTS_AS(EXECUTIONS, STARTED),
    [EVENT_EXECUTION_SUCCEEDED] = COUNTS_AS(EXECUTIONS, SUCCEEDED),
    [EVENT_EXECUTION_FAILED] = COUNTS_AS(EXECUTIONS, FAILED),
    [EVENT_EXECUTION_ABORTED] = COUNTS_AS(EXECUTIONS, ABORTED),
    [EVENT_EXECUTION_TIMED_OUT] = COUNTS_AS(EXECUTIONS, TIMED_OUT),
    [EVENT_EXECUTION_REDRIVEN] = COUNTS_AS(EXECUTIONS, REDRIVEN),
    [EVENT_LAMBDA_SCHEDULED] = COUNTS_AS(LAMBDA, SCHEDULED),
    [EVENT_LAMBDA_STARTED] = COUNTS_AS(LAMBDA, STARTED),
    [EVENT_LAMBDA_SUCCEEDED] = COUNTS_AS(LAMBDA, SUCCEEDED),
    [EVENT_LAMBDA_FAILED] = COUNTS_AS(LAMBDA, FAILED),
    [EVENT_LAMBDA_TIMED_OUT] = COUNTS_AS(LAMBDA, TIMED_OUT),
    [EVENT_ACTIVITY_SCHEDULED] = COUNTS_AS(ACTIVITY, SCHEDULED),
    [EVENT_ACTIVITY_STARTED] = COUNTS_AS(ACTIVITY, STARTED),
    [EVENT_ACTIVITY_SUCCEEDED] = COUNTS_AS(ACTIVITY, SUCCEEDED),
    [EVENT_ACTIVITY_FAILED] = COUNTS_AS(ACTIVITY, FAILED),
    [EVENT_ACTIVITY_TIMED_OUT] = COUNTS_AS(ACTIVITY, TIMED_OUT),
    [EVENT_TASK_SCHEDULED] = COUNTS_AS(INTEGRATION, SCHEDULED),
    [EVENT_TASK_STARTED] = COUNTS_AS(INTEGRATION, STARTED),
    [EVENT_TASK_SUCCEEDED] = COUNTS_AS(INTEGRATION, SUCCEEDED),
    [EVENT_TASK_FAILED] = COUNTS_AS(INTEGRATION, FAILED),
    [EVENT_TASK_TIMED_OUT] = COUNTS_AS(INTEGRATION, TIMED_OUT),
};

static void metrics_event(struct asl_observer *o, const struct event_record *r) {
    struct metrics *m = (struct metrics *)o;
    if (!counts_as[r->type]) return;
    enum family family = (enum family)((counts_as[r->type] - 1) / COUNTS);
    int what = (counts_as[r->type] - 1) % COUNTS;
    pthread_mutex_lock(&m->lock);
    m->now_ms = r->time_ms;
    if (family == EXECUTIONS) execution_event(m, r, what);
    else if (what == SCHEDULED) schedule(m, r, family);
    else attempt_event(m, r, what);
    if (!m->threaded) start_thread(m);
    pthread_mutex_unlock(&m->lock);
}

static void free_metrics(struct metrics *m) {
    for (struct series *s = m->first, *next; s; s = next) {
        next = s->next;
        asl_free(s->name);
        asl_free(s);
    }
    for (size_t i = 0; i < m->attempts.capacity; i++) asl_free(m->attempts.entries[i].value);
    map_free(&m->attempts);
    map_free(&m->machines);
    asl_buffer_free(&m->text);
    asl_buffer_free(&m->file);
    asl_free(m->prometheus);
    asl_free(m->draft);
    pthread_cond_destroy(&m->end);
    pthread_mutex_destroy(&m->lock);
    asl_free(m);
}

static void metrics_close(struct asl_observer *o) {
    struct metrics *m = (struct metrics *)o;
    pthread_mutex_lock(&m->lock);
    m->ending = true;
    pthread_cond_signal(&m->end);
    pthread_mutex_unlock(&m->lock);
    if (m->threaded) pthread_join(m->thread, NULL); /* it never waits for a reader either */
    if (m->first) {
        render(m);
        write_file(m);
        emf_sinks(m);
    }
    if (m->emf) {
        uint64_t dropped = lines_close(m->emf);
        if (dropped) lines_complain("%llu metric line%s dropped\n", (unsigned long long)dropped, dropped == 1 ? "" : "s");
    }
    free_metrics(m);
}

// ---------------------------------------------------------------- opening

static int open_prometheus(struct metrics *m, const char *path, char *message, size_t message_size) {
    size_t size = strlen(path);
    asl_free(m->prometheus);
    asl_free(m->draft);
    m->prometheus = memcpy(asl_alloc(size + 1), path, size + 1);
    m->draft = asl_alloc(size + 32);
    snprintf(m->draft, size + 32, "%s.%ld.tmp", path, (long)getpid());
    int fd = open(m->draft, O_WRONLY | O_CREAT | O_CLOEXEC, 0666); /* better now than after fifteen seconds */
    if (fd < 0) {
        snprintf(message, message_size, "cannot write metrics to %s: %s", path, strerror(errno));
        return -1;
    }
    close(fd);
    unlink(m->draft);
    return 0;
}

static int open_sink(struct metrics *m, const char *spec, char *message, size_t message_size) {
    if (strcmp(spec, "emf") == 0 || (strncmp(spec, "emf:", 4) == 0 && spec[4])) {
        if (m->emf) lines_close(m->emf);
        m->emf = lines_open(spec[3] ? spec + 4 : NULL, message, message_size);
        return m->emf ? 0 : -1;
    }
    if (strncmp(spec, "prometheus:", 11) == 0 && spec[11]) return open_prometheus(m, spec + 11, message, message_size);
    snprintf(message, message_size, "metrics go to emf[:FILE] or prometheus:FILE, not \"%s\"", spec);
    return -1;
}

struct asl_observer *asl__metrics_open(const struct metrics_options *options, char *message, size_t message_size) {
    struct metrics *m = asl_calloc(1, sizeof *m);
    m->observer = (struct asl_observer){.event = metrics_event, .close = metrics_close};
    m->counters = options->counters;
    m->last = &m->first;
    /* AWS/ is for the service's own: CloudWatch refuses it from others. */
    const char *namespace = getenv("AWS_EMF_NAMESPACE");
    m->namespace = namespace && *namespace ? namespace : "aslc/States";
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&m->end, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (size_t i = 0; i < options->sink_count; i++) {
        if (open_sink(m, options->sinks[i], message, message_size) == 0) continue;
        if (m->emf) lines_close(m->emf);
        free_metrics(m);
        return NULL;
    }
    return &m->observer;
}
