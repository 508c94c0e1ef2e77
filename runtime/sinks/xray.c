// X-Ray: segment documents in UDP datagrams to the daemon (execution-history 5).
//
//     execution   segment, origin AWS::StepFunctions::StateMachine
//       state     subsegment; in a Parallel or Map, under one for the branch or iteration
//         attempt subsegment, namespace aws or remote
//
// A datagram holds one document of at most 64 kB. What has ended is put into its parent's document as long as there is
// room, and otherwise sent by itself, naming its trace and parent. An execution that goes on while the process sleeps is
// announced as "in_progress". Sending never waits: a full socket drops the document. A daemon that is named rather than
// numbered is looked up by a thread.
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "outbox.h"
#include "trace.h"

#define DATAGRAM_LIMIT 64000 /* of 64 kB */
#define INNER_LIMIT    48000 /* what of it children in it may take: the rest is for the document's own texts */
#define NAME_LIMIT     200
#define MESSAGE_LIMIT  1000
#define QUEUE_LIMIT    (4u << 20)
#define REST_MS        100

static const char header[] = "{\"format\": \"json\", \"version\": 1}\n";

/* What the outbox has: the daemon. */
struct daemon {
    int fd; /* -1: not looked up yet */
    bool failed;
    int64_t rest_until_ms; /* nobody listened: not before */
    char *host, *port;
};

struct xray {
    struct exporter exporter;
    struct outbox *outbox;
    asl_buffer document, datagram;
    uint64_t too_long;
};

// ---------------------------------------------------------------- sending

static int connect_to(const struct daemon *d, int flags) {
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = flags | AI_NUMERICSERV}, *list = NULL;
    if (getaddrinfo(d->host, d->port, &hints, &list) != 0) return -1;
    int fd = -1;
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

static enum delivery deliver(void *user, const char *data, size_t size, size_t items, size_t *sent, bool may_wait) {
    struct daemon *d = user;
    (void)items, (void)sent;
    if (d->fd < 0 && d->failed) return LOST;
    if (d->fd < 0 && !may_wait) return NOT_NOW;
    if (d->fd < 0) d->failed = (d->fd = connect_to(d, 0)) < 0;
    if (d->fd < 0) return LOST;
    if (d->rest_until_ms && outbox_now_ms() < d->rest_until_ms) return LOST;
    ssize_t n = send(d->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n == (ssize_t)size) return DELIVERED;
    /* That nobody listened to the one before; this one was not sent. Each such pair costs as much as ten that arrive. */
    if (errno == ECONNREFUSED) d->rest_until_ms = outbox_now_ms() + REST_MS;
    return LOST;
}

static void destroy(void *user) {
    struct daemon *d = user;
    if (d->fd >= 0) close(d->fd);
    asl_free(d->host);
    asl_free(d->port);
    asl_free(d);
}

static void send_document(struct xray *x, const char *data, size_t size) {
    if (size + sizeof header > DATAGRAM_LIMIT) {
        x->too_long++;
        return;
    }
    x->datagram.size = 0;
    asl_buffer_add(&x->datagram, header, sizeof header - 1);
    asl_buffer_add(&x->datagram, data, size);
    outbox_put(x->outbox, x->datagram.data, x->datagram.size);
}

// ---------------------------------------------------------------- documents

/* A name has letters, digits, spaces and a few signs, and at most 200 characters. */
static void print_name(asl_buffer *b, const char *key, const char *name) {
    asl_buffer clean = {0};
    for (size_t characters = 0; *name && characters < NAME_LIMIT; characters++) {
        unsigned char c = (unsigned char)*name;
        if (c < 0x80) {
            asl_buffer_byte(&clean, isalnum(c) || strchr(" _.:/%&#=+\\-@", c) ? (char)c : '_');
            name++;
            continue;
        }
        do asl_buffer_byte(&clean, *name++);
        while (((unsigned char)*name & 0xc0) == 0x80);
    }
    asl_buffer_format(b, ",\"%s\":", key);
    asl_json_print_string(clean.size ? (asl_str){clean.data, clean.size} : ASL_STR("-"), b);
    asl_buffer_free(&clean);
}

static void print_text(asl_buffer *b, const char *key, const char *text, size_t limit) {
    size_t size = strlen(text);
    if (size > limit)
        for (size = limit; size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80;) size--;
    asl_buffer_format(b, ",\"%s\":", key);
    asl_json_print_string((asl_str){text, size}, b);
}

static void print_time(asl_buffer *b, const char *key, int64_t ms) {
    asl_buffer_format(b, ",\"%s\":%lld.%03d", key, (long long)(ms / 1000), (int)(ms % 1000));
}

static bool is_throttle(const char *error) {
    return error && (strcasestr(error, "Throttl") || strcasestr(error, "TooManyRequests"));
}

static void print_end(asl_buffer *b, const struct span *s) {
    if (s->end == SPAN_ABORTED && s->kind == SPAN_EXECUTION) asl_buffer_z(b, ",\"error\":true");
    if (s->end == SPAN_FAILED || s->end == SPAN_CAUGHT)
        asl_buffer_z(b, is_throttle(s->error) ? ",\"error\":true,\"throttle\":true" : ",\"fault\":true");
    if ((s->end == SPAN_OK || s->end == SPAN_SUSPENDED) || (!s->error && !s->cause)) return;
    char id[17]; /* of the exception: unique in the trace, and made from what is */
    span_id_print(s->id ^ UINT64_C(0x9e3779b97f4a7c15), id);
    asl_buffer_format(b, ",\"cause\":{\"exceptions\":[{\"id\":\"%s\"", id);
    if (s->error) print_text(b, "type", s->error, NAME_LIMIT);
    if (s->cause) print_text(b, "message", s->cause, MESSAGE_LIMIT);
    asl_buffer_z(b, "}]}");
}

static void print_execution(asl_buffer *b, const struct span *s) {
    asl_buffer_z(b, ",\"origin\":\"AWS::StepFunctions::StateMachine\",\"aws\":{\"region\":");
    asl_json_print_string(asl_str_z(s->engine->region), b);
    print_text(b, "account_id", s->engine->account, NAME_LIMIT);
    print_text(b, "state_machine_arn", s->machine_arn, 2048);
    print_text(b, "execution_arn", s->arn, 2048);
    asl_buffer_z(b, ",\"resource_names\":[");
    asl_json_print_string(asl_str_z(s->machine_arn), b);
    asl_buffer_z(b, "]}");
}

static bool is_aws(const struct span *s) {
    static const char *const others[] = {"exec", "worker", "ffi", "http", "https", "fail", "return", "activity"};
    if (!s->resource_type || s->resource_type == s->resource) return false; /* a name of the user's own */
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(s->resource_type, others[i]) == 0) return false;
    return true;
}

static void print_attempt(asl_buffer *b, const struct span *s) {
    bool aws = is_aws(s);
    asl_buffer_format(b, ",\"namespace\":\"%s\"", aws ? "aws" : "remote");
    if (aws) {
        asl_buffer_z(b, ",\"aws\":{\"region\":");
        asl_json_print_string(asl_str_z(s->engine->region), b);
        if (s->resource) print_text(b, "operation", s->resource, NAME_LIMIT);
        asl_buffer_byte(b, '}');
    }
    asl_buffer_format(b, ",\"annotations\":{\"attempt\":%u}", s->attempt);
    if (s->resource) {
        asl_buffer_z(b, ",\"metadata\":{\"aslc\":{\"resource\":");
        asl_json_print_string(asl_str_z(s->resource), b);
        asl_buffer_z(b, "}}");
    }
}

static void print_state(asl_buffer *b, const struct span *s) {
    static const char *const kinds[STATE_KINDS] = {
#define STATE(id, name) name,
#include "events.def"
#undef STATE
    };
    asl_buffer_format(b, ",\"annotations\":{\"state_type\":\"%s\"%s%s}", kinds[s->state],
                      s->end == SPAN_CAUGHT ? ",\"caught\":true" : "", s->end == SPAN_ABORTED ? ",\"aborted\":true" : "");
}

static void print_span(asl_buffer *b, const struct span *s, bool in_progress) {
    char id[17], name[64];
    span_id_print(s->id, id);
    asl_buffer_format(b, "\"id\":\"%s\"", id);
    if (s->kind == SPAN_GROUP) {
        snprintf(name, sizeof name, "%s %u", s->state == STATE_MAP ? "Iteration" : "Branch", s->index);
        print_name(b, "name", name);
    } else if (s->kind == SPAN_ATTEMPT) {
        print_name(b, "name", s->resource_type ? s->resource_type : s->resource ? s->resource : s->name);
    } else {
        print_name(b, "name", s->name);
    }
    print_time(b, "start_time", s->start_ms);
    if (in_progress) asl_buffer_z(b, ",\"in_progress\":true");
    else print_time(b, "end_time", s->end_ms);
    if (!in_progress) print_end(b, s);
    if (s->kind == SPAN_EXECUTION) print_execution(b, s);
    else if (s->kind == SPAN_ATTEMPT) print_attempt(b, s);
    else if (s->kind == SPAN_STATE) print_state(b, s);
    if (!s->inner.size) return;
    asl_buffer_z(b, ",\"subsegments\":[");
    asl_buffer_add(b, s->inner.data, s->inner.size);
    asl_buffer_byte(b, ']');
}

/* What tells a document that stands alone where it belongs. */
static void print_place(asl_buffer *b, const struct span *s) {
    uint64_t parent = s->parent ? s->parent->id : s->remote_parent;
    char id[17];
    asl_buffer_format(b, ",\"trace_id\":\"1-%.8s-%s\"", s->trace->hex, s->trace->hex + 8);
    if (s->kind != SPAN_EXECUTION) asl_buffer_z(b, ",\"type\":\"subsegment\"");
    if (!parent) return;
    span_id_print(parent, id);
    asl_buffer_format(b, ",\"parent_id\":\"%s\"", id);
}

static void ended(struct exporter *e, struct span *s) {
    struct xray *x = (struct xray *)e;
    asl_buffer *b = &x->document;
    b->size = 0;
    asl_buffer_byte(b, '{');
    /* Who goes on with a suspended execution sends this document again when it is complete. */
    print_span(b, s, s->end == SPAN_SUSPENDED && s->key);
    struct span *parent = s->parent;
    if (s->kind != SPAN_EXECUTION && parent->inner.size + b->size < INNER_LIMIT) {
        if (parent->inner.size) asl_buffer_byte(&parent->inner, ',');
        asl_buffer_add(&parent->inner, b->data, b->size);
        asl_buffer_byte(&parent->inner, '}');
        return;
    }
    print_place(b, s);
    asl_buffer_byte(b, '}');
    send_document(x, b->data, b->size);
}

static void turn(struct exporter *e, struct span *executions) {
    struct xray *x = (struct xray *)e;
    for (struct span *s = executions; s && !s->announced; s = s->next) {
        s->announced = true;
        if (!s->trace->sampled) continue;
        x->document.size = 0;
        asl_buffer_byte(&x->document, '{');
        asl_buffer inner = s->inner; /* stays for the end */
        s->inner = (asl_buffer){0};
        print_span(&x->document, s, true);
        s->inner = inner;
        print_place(&x->document, s);
        asl_buffer_byte(&x->document, '}');
        send_document(x, x->document.data, x->document.size);
    }
}

static uint64_t dropped_xray(struct exporter *e) {
    const struct xray *x = (const struct xray *)e;
    return x->too_long + outbox_dropped(x->outbox);
}

static uint64_t close_xray(struct exporter *e) {
    struct xray *x = (struct xray *)e;
    uint64_t dropped;
    outbox_close(x->outbox, 1000, 200, &dropped);
    dropped += x->too_long;
    asl_buffer_free(&x->document);
    asl_buffer_free(&x->datagram);
    asl_free(x);
    return dropped;
}

// ---------------------------------------------------------------- opening

/* "HOST:PORT", "[ADDRESS]:PORT"; of the environment's "tcp:HOST:PORT udp:HOST:PORT" the second. False: it is not. */
static bool parse_address(const char *text, struct daemon *d) {
    const char *udp = strstr(text, "udp:");
    if (udp) text = udp + 4;
    size_t size = strcspn(text, " ");
    const char *colon = memrchr(text, ':', size);
    if (!colon || colon == text || colon + 1 == text + size) return false;
    const char *port = colon + 1;
    size_t port_size = (size_t)(text + size - port), host_size = (size_t)(colon - text);
    if (port_size > 5 || strspn(port, "0123456789") < port_size || atoi(port) < 1 || atoi(port) > 65535) return false;
    if (*text == '[' && colon[-1] == ']') text++, host_size -= 2;
    else if (memchr(text, ':', host_size)) return false; /* an IPv6 address needs its brackets */
    d->host = asl_calloc(1, host_size + 1);
    memcpy(d->host, text, host_size);
    d->port = asl_calloc(1, port_size + 1);
    memcpy(d->port, port, port_size);
    return true;
}

struct exporter *xray_open(const char *spec, char *message, size_t message_size) {
    const char *environment = getenv("AWS_XRAY_DAEMON_ADDRESS");
    const char *address = spec ? spec : environment && *environment ? environment : "127.0.0.1:2000";
    struct daemon *d = asl_calloc(1, sizeof *d);
    d->fd = -1;
    if (!parse_address(address, d)) {
        snprintf(message, message_size, "%s: the X-Ray daemon's address is HOST:PORT, not \"%s\"",
                 spec ? "xray" : "AWS_XRAY_DAEMON_ADDRESS", address);
        destroy(d);
        return NULL;
    }
    if (strcmp(d->host, "localhost") == 0) {
        asl_free(d->host);
        d->host = memcpy(asl_alloc(10), "127.0.0.1", 10);
    }
    d->fd = connect_to(d, AI_NUMERICHOST);
    struct xray *x = asl_calloc(1, sizeof *x);
    x->exporter = (struct exporter){.ended = ended, .turn = turn, .dropped = dropped_xray, .close = close_xray};
    x->outbox = outbox_new(&(struct outbox_options){.deliver = deliver, .destroy = destroy, .user = d, .limit = QUEUE_LIMIT});
    return &x->exporter;
}
