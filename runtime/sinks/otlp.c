// OTLP over HTTP with JSON: spans to an OpenTelemetry collector (execution-history 7).
//
//     span ends ──► its JSON ──► outbox: batches of up to 512, or of a second ──► thread ──► POST /v1/traces
//
// One span an execution (kind server), state (internal) and attempt (client); a branch or iteration has none of its own,
// its states hang on the Parallel or Map and say which they belong to. 429, 502, 503, 504 and no answer at all are tried
// again a few times; what is refused otherwise is dropped. When the process ends, export may take a second more.
#include <ctype.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "aslc/aslc.h"
#include "outbox.h"
#include "post.h"
#include "trace.h"

#define BATCH       512
#define LINGER_MS   1000
#define QUEUE_LIMIT (8u << 20)
#define TIMEOUT_MS  10000 /* of one request: OTEL_EXPORTER_OTLP_TIMEOUT */
#define CLOSE_MS    1000  /* at the end, for a collector that is not known to be slow */
#define SLOW_MS     300   /* one that has not answered for so long is */
#define RETRIES     4     /* after 250 ms, 500 ms, … or as the collector says */
#define LONGEST_RETRY_MS 5000

/* What the outbox has. */
struct sender {
    struct outbox *outbox;
    struct post *post;
    char *head;          /* {"resourceSpans":[{"resource":…,"spans":[ */
    int64_t timeout_ms;  /* of a request */
    int64_t until_ms;    /* of the one under way */
    int retries;         /* of this batch */
    atomic_llong took_ms;  /* the last answer; 0: there was none yet; -1: it did not come */
    atomic_llong since_ms; /* when the one under way began; 0: none is */
    asl_buffer body;
};

struct otlp {
    struct exporter exporter;
    struct sender *sender; /* lives as long as the outbox */
    struct outbox *outbox;
    asl_buffer span;
};

static const char tail[] = "]}]}]}";

// ---------------------------------------------------------------- sending

static int64_t patience(void *user) {
    struct sender *s = user;
    int64_t left = s->until_ms - outbox_now_ms(), end = outbox_left_ms(s->outbox);
    return left < end ? left : end;
}

static bool is_temporary(int status) { return status == 0 || status == 429 || (status >= 502 && status <= 504); }

/* Sleeps, but not longer than the process wants to live. */
static void rest(struct sender *s, int64_t ms) {
    for (int64_t until = outbox_now_ms() + ms; outbox_now_ms() < until && !outbox_closing(s->outbox);)
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000000}, NULL);
}

/* {"partialSuccess":{"rejectedSpans":"3"}}: a number or, as JSON has 64 bits, a string. */
static size_t rejected(const asl_buffer *body) {
    static const char key[] = "\"rejectedSpans\"";
    const char *p = body->size ? memmem(body->data, body->size, key, sizeof key - 1) : NULL;
    if (!p) return 0;
    for (p += sizeof key - 1; p < body->data + body->size && !isdigit((unsigned char)*p); p++)
        if (!strchr(" :\"", *p)) return 0;
    return p < body->data + body->size ? strtoul(p, NULL, 10) : 0;
}

static enum delivery deliver(void *user, const char *data, size_t size, size_t items, size_t *sent, bool may_wait) {
    struct sender *s = user;
    (void)sent;
    if (!may_wait) return NOT_NOW;
    s->body.size = 0;
    asl_buffer_z(&s->body, s->head);
    asl_buffer_add(&s->body, data, size);
    asl_buffer_z(&s->body, tail);
    s->since_ms = outbox_now_ms();
    s->until_ms = s->since_ms + s->timeout_ms;
    struct post_answer answer;
    post_send(s->post, s->body.data, s->body.size, patience, s, &answer);
    size_t refused = answer.status >= 200 && answer.status < 300 ? rejected(&answer.body) : 0;
    asl_buffer_free(&answer.body);
    s->took_ms = answer.status ? outbox_now_ms() - s->since_ms + 1 : -1;
    s->since_ms = 0;
    if (answer.status >= 200 && answer.status < 300) {
        s->retries = 0;
        if (refused) outbox_lose(s->outbox, refused < items ? refused : items);
        return DELIVERED;
    }
    bool again = is_temporary(answer.status) && s->retries < RETRIES && !outbox_closing(s->outbox);
    if (!again) {
        s->retries = 0;
        return LOST;
    }
    int64_t wait = answer.retry_s >= 0 ? answer.retry_s * 1000 : INT64_C(250) << s->retries;
    s->retries++;
    rest(s, wait < LONGEST_RETRY_MS ? wait : LONGEST_RETRY_MS);
    return NOT_NOW;
}

static void destroy(void *user) {
    struct sender *s = user;
    if (s->post) post_close(s->post);
    asl_free(s->head);
    asl_buffer_free(&s->body);
    asl_free(s);
}

// ---------------------------------------------------------------- spans

static void attribute(asl_buffer *b, const char *key, const char *text) {
    asl_buffer_format(b, "%s{\"key\":\"%s\",\"value\":{\"stringValue\":", b->data[b->size - 1] == '[' ? "" : ",", key);
    asl_json_print_string(asl_str_z(text), b);
    asl_buffer_z(b, "}}");
}

static void attribute_int(asl_buffer *b, const char *key, int64_t n) {
    asl_buffer_format(b, "%s{\"key\":\"%s\",\"value\":{\"intValue\":\"%lld\"}}", b->data[b->size - 1] == '[' ? "" : ",", key,
                      (long long)n);
}

static void attribute_true(asl_buffer *b, const char *key) {
    asl_buffer_format(b, "%s{\"key\":\"%s\",\"value\":{\"boolValue\":true}}", b->data[b->size - 1] == '[' ? "" : ",", key);
}

static void execution_attributes(asl_buffer *b, const struct span *s) {
    static const char *const statuses[] = {[SPAN_OK] = "SUCCEEDED", [SPAN_FAILED] = "FAILED", [SPAN_CAUGHT] = "FAILED",
                                           [SPAN_ABORTED] = "ABORTED", [SPAN_SUSPENDED] = "RUNNING"};
    attribute(b, "aws.step_functions.state_machine.arn", s->machine_arn);
    attribute(b, "aslc.execution.arn", s->arn);
    attribute(b, "aslc.execution.name", s->execution_name);
    attribute(b, "aslc.execution.status", s->timed_out ? "TIMED_OUT" : statuses[s->end]);
}

static void state_attributes(asl_buffer *b, const struct span *s) {
    static const char *const kinds[STATE_KINDS] = {
#define STATE(id, name) name,
#include "events.def"
#undef STATE
    };
    attribute(b, "aslc.state.name", s->name);
    attribute(b, "aslc.state.type", kinds[s->state]);
    const struct span *group = s->parent->kind == SPAN_GROUP ? s->parent : NULL;
    if (group) attribute_int(b, group->state == STATE_MAP ? "aslc.map.index" : "aslc.parallel.branch", group->index);
    if (s->end == SPAN_CAUGHT) attribute_true(b, "aslc.state.caught");
    if (s->end == SPAN_ABORTED) attribute_true(b, "aslc.state.aborted");
}

static void attempt_attributes(asl_buffer *b, const struct span *s) {
    attribute(b, "aslc.state.name", s->name);
    if (s->resource_type) attribute(b, "aslc.task.resource_type", s->resource_type);
    if (s->resource) attribute(b, "aslc.task.resource", s->resource);
    attribute_int(b, "aslc.task.attempt", s->attempt);
}

static void print_time(asl_buffer *b, const char *key, int64_t ms) {
    asl_buffer_format(b, ",\"%s\":\"%lld000000\"", key, (long long)ms);
}

static void print_end(asl_buffer *b, const struct span *s) {
    bool failed = s->end == SPAN_FAILED || s->end == SPAN_CAUGHT || (s->end == SPAN_ABORTED && s->kind == SPAN_EXECUTION);
    if (failed && (s->error || s->cause)) {
        asl_buffer_z(b, ",\"events\":[{\"name\":\"exception\"");
        print_time(b, "timeUnixNano", s->end_ms);
        asl_buffer_z(b, ",\"attributes\":[");
        if (s->error) attribute(b, "exception.type", s->error);
        if (s->cause) attribute(b, "exception.message", s->cause);
        asl_buffer_z(b, "]}]");
    }
    if (!failed) {
        asl_buffer_z(b, s->end == SPAN_OK ? ",\"status\":{\"code\":1}" : ",\"status\":{}");
        return;
    }
    const char *message = s->cause ? s->cause : s->error ? s->error : "";
    asl_buffer_z(b, ",\"status\":{\"code\":2,\"message\":");
    asl_json_print_string(asl_str_z(message), b);
    asl_buffer_byte(b, '}');
}

/* A request's, then "lambda:invoke": what an attempt is called. */
static void print_name(asl_buffer *b, const struct span *s) {
    asl_buffer name = {0};
    asl_buffer_z(b, ",\"name\":");
    if (s->kind != SPAN_ATTEMPT || !s->resource) asl_buffer_z(&name, s->name);
    else if (s->resource_type && s->resource_type != s->resource && strncmp(s->resource, "arn:", 4) != 0)
        asl_buffer_format(&name, "%s:%s", s->resource_type, s->resource);
    else asl_buffer_z(&name, s->resource);
    asl_json_print_string((asl_str){name.data, name.size}, b);
    asl_buffer_free(&name);
}

static void ended(struct exporter *e, struct span *s) {
    static const int kinds[] = {[SPAN_EXECUTION] = 2, [SPAN_STATE] = 1, [SPAN_GROUP] = 1, [SPAN_ATTEMPT] = 3};
    struct otlp *o = (struct otlp *)e;
    if (s->kind == SPAN_GROUP || (s->end == SPAN_SUSPENDED && s->key)) return; /* who goes on with it tells it all */
    const struct span *parent = s->parent;
    while (parent && parent->kind == SPAN_GROUP) parent = parent->parent;
    uint64_t parent_id = parent ? parent->id : s->remote_parent;
    asl_buffer *b = &o->span;
    char id[17];
    b->size = 0;
    span_id_print(s->id, id);
    asl_buffer_format(b, "{\"traceId\":\"%s\",\"spanId\":\"%s\"", s->trace->hex, id);
    if (parent_id) {
        span_id_print(parent_id, id);
        asl_buffer_format(b, ",\"parentSpanId\":\"%s\"", id);
    }
    print_name(b, s);
    asl_buffer_format(b, ",\"kind\":%d", kinds[s->kind]);
    print_time(b, "startTimeUnixNano", s->start_ms);
    print_time(b, "endTimeUnixNano", s->end_ms);
    asl_buffer_z(b, ",\"attributes\":[");
    if (s->kind == SPAN_EXECUTION) execution_attributes(b, s);
    else if (s->kind == SPAN_STATE) state_attributes(b, s);
    else attempt_attributes(b, s);
    if (s->error && s->end != SPAN_OK) attribute(b, "error.type", s->error);
    asl_buffer_byte(b, ']');
    print_end(b, s);
    asl_buffer_byte(b, '}');
    outbox_put(o->outbox, b->data, b->size);
}

static uint64_t dropped_otlp(struct exporter *e) { return outbox_dropped(((struct otlp *)e)->outbox); }

static uint64_t close_otlp(struct exporter *e) {
    struct otlp *o = (struct otlp *)e;
    uint64_t dropped;
    int64_t most = o->sender->timeout_ms < CLOSE_MS ? o->sender->timeout_ms : CLOSE_MS;
    /* Waiting for a collector that does not answer is waiting for nothing, and one that does takes about as long as it
       took before: nobody's process is to last longer for it than it must. */
    int64_t took = o->sender->took_ms, since = o->sender->since_ms;
    if (took < 0 || (since && outbox_now_ms() - since > SLOW_MS && outbox_now_ms() - since > took)) most = 0;
    else if (took > 0 && 4 * took + 50 < most) most = 4 * took + 50;
    outbox_close(o->outbox, most, INT64_C(1) << 40, &dropped); /* what lingers has not been tried yet */
    asl_buffer_free(&o->span);
    asl_free(o);
    return dropped;
}

// ---------------------------------------------------------------- opening

static const char *environment(const char *name) {
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

/* OTEL_…_HEADERS and OTEL_RESOURCE_ATTRIBUTES: "key=value,key2=value2", values percent-encoded. */
static void each_pair(const char *list, void (*visit)(asl_buffer *out, const char *key, const char *value), asl_buffer *out) {
    while (list && *list) {
        size_t size = strcspn(list, ","), equals = strcspn(list, "=,");
        asl_buffer key = {0}, value = {0};
        const char *start = list;
        size_t n = equals;
        while (n && isspace((unsigned char)*start)) start++, n--;
        while (n && isspace((unsigned char)start[n - 1])) n--;
        asl_buffer_add(&key, start, n);
        asl_buffer_byte(&key, 0);
        for (size_t i = equals + 1; i < size; i++) {
            char digits[3] = {0};
            if (list[i] == '%' && i + 2 < size && isxdigit((unsigned char)list[i + 1]) && isxdigit((unsigned char)list[i + 2])) {
                memcpy(digits, list + i + 1, 2);
                asl_buffer_byte(&value, (char)strtol(digits, NULL, 16));
                i += 2;
            } else if (!(value.size == 0 && isspace((unsigned char)list[i]))) {
                asl_buffer_byte(&value, list[i]);
            }
        }
        while (value.size && isspace((unsigned char)value.data[value.size - 1])) value.size--;
        asl_buffer_byte(&value, 0);
        if (n && equals < size) visit(out, key.data, value.data);
        asl_buffer_free(&key);
        asl_buffer_free(&value);
        list += size + (list[size] == ',');
    }
}

static void add_header(asl_buffer *out, const char *key, const char *value) {
    if (strpbrk(key, "\r\n:") || strpbrk(value, "\r\n")) return;
    asl_buffer_format(out, "%s: %s\r\n", key, value);
}

static void add_attribute(asl_buffer *out, const char *key, const char *value) {
    if (strcmp(key, "service.name") == 0) return; /* said already */
    asl_buffer_z(out, ",{\"key\":");
    asl_json_print_string(asl_str_z(key), out);
    asl_buffer_z(out, ",\"value\":{\"stringValue\":");
    asl_json_print_string(asl_str_z(value), out);
    asl_buffer_z(out, "}}");
}

static void find_service(asl_buffer *out, const char *key, const char *value) {
    if (strcmp(key, "service.name") != 0) return;
    out->size = 0;
    asl_buffer_z(out, value);
}

static char *make_head(const char *service) {
    asl_buffer b = {0}, name = {0};
    const char *attributes = environment("OTEL_RESOURCE_ATTRIBUTES"), *given = environment("OTEL_SERVICE_NAME");
    asl_buffer_z(&name, service);
    each_pair(attributes, find_service, &name);
    if (given) name.size = 0;
    if (given) asl_buffer_z(&name, given);
    asl_buffer_byte(&name, 0);
    char host[256] = "";
    asl_buffer_z(&b, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
    attribute(&b, "service.name", name.data);
    add_attribute(&b, "telemetry.sdk.name", "aslc");
    add_attribute(&b, "telemetry.sdk.language", "c");
    add_attribute(&b, "telemetry.sdk.version", ASLC_VERSION);
    if (gethostname(host, sizeof host - 1) == 0 && *host) add_attribute(&b, "host.name", host);
    attribute_int(&b, "process.pid", getpid());
    each_pair(attributes, add_attribute, &b);
    asl_buffer_z(&b, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"aslc\",\"version\":\"" ASLC_VERSION "\"},\"spans\":[");
    asl_buffer_byte(&b, 0);
    asl_buffer_free(&name);
    return b.data;
}

static void find_url(const char *spec, asl_buffer *url) {
    const char *traces = environment("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), *base = environment("OTEL_EXPORTER_OTLP_ENDPOINT");
    if (!spec && traces) {
        asl_buffer_z(url, traces); /* as it is */
    } else if (spec) {
        asl_buffer_z(url, spec);
        const char *host = strstr(spec, "://"), *path = host ? strchr(host + 3, '/') : NULL;
        if (!path) asl_buffer_z(url, "/v1/traces");
        else if (!path[1]) asl_buffer_z(url, "v1/traces");
    } else {
        asl_buffer_z(url, base ? base : "http://localhost:4318");
        asl_buffer_z(url, url->data[url->size - 1] == '/' ? "v1/traces" : "/v1/traces");
    }
    asl_buffer_byte(url, 0);
}

static int64_t find_timeout(void) {
    const char *text = environment("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT");
    if (!text) text = environment("OTEL_EXPORTER_OTLP_TIMEOUT");
    long long ms = text ? strtoll(text, NULL, 10) : 0;
    return ms > 0 && ms < 3600000 ? ms : TIMEOUT_MS;
}

struct exporter *otlp_open(const char *spec, const char *service, char *message, size_t message_size) {
    asl_buffer url = {0}, headers = {0};
    find_url(spec, &url);
    asl_buffer_z(&headers, "Content-Type: application/json\r\nUser-Agent: aslc/" ASLC_VERSION "\r\n");
    each_pair(environment("OTEL_EXPORTER_OTLP_HEADERS"), add_header, &headers);
    each_pair(environment("OTEL_EXPORTER_OTLP_TRACES_HEADERS"), add_header, &headers);
    asl_buffer_byte(&headers, 0);
    struct post *post = post_open(url.data, headers.data, message, message_size);
    asl_buffer_free(&url);
    asl_buffer_free(&headers);
    if (!post) return NULL;
    struct sender *s = asl_calloc(1, sizeof *s);
    s->post = post;
    s->head = make_head(service);
    s->timeout_ms = find_timeout();
    struct otlp *o = asl_calloc(1, sizeof *o);
    o->exporter = (struct exporter){.ended = ended, .dropped = dropped_otlp, .close = close_otlp};
    o->sender = s;
    o->outbox = s->outbox = outbox_new(&(struct outbox_options){.deliver = deliver, .destroy = destroy, .user = s,
                                                                 .limit = QUEUE_LIMIT, .batch = BATCH, .linger_ms = LINGER_MS});
    return &o->exporter;
}
