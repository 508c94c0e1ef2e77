// HTTP POST: plain HTTP/1.1 over a socket of our own, one connection a request; HTTPS through libcurl, loaded on first use
// so that nobody else pays the milliseconds that TLS costs at start-up.
#include "post.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_LIMIT (64u << 10)
#define SLICE_MS     50 /* how often patience is asked */

/* The few functions and numbers of libcurl's stable interface that a POST needs. */
struct curl {
    void *library;
    void *(*init)(void);
    int (*setopt)(void *, int, ...);
    int (*perform)(void *);
    int (*getinfo)(void *, int, ...);
    void (*cleanup)(void *);
    void *(*append)(void *, const char *);
    void (*free_all)(void *);
};
enum {
    CURL_URL = 10002, CURL_POSTFIELDS = 10015, CURL_POSTFIELDSIZE = 60, CURL_HTTPHEADER = 10023, CURL_NOSIGNAL = 99,
    CURL_WRITEFUNCTION = 20011, CURL_WRITEDATA = 10001, CURL_XFERINFOFUNCTION = 20219, CURL_XFERINFODATA = 10057,
    CURL_NOPROGRESS = 43, CURL_CAINFO = 10065, CURL_RESPONSE_CODE = 0x200002, CURL_RETRY_AFTER = 0x600057,
};

struct post {
    char *url, *host, *port, *headers;
    const char *path; /* in url */
    void *handle;     /* curl's */
    void *header_list;
    struct curl curl;
};

// ---------------------------------------------------------------- plain

/* Waits until fd is ready. False: patience is over. */
static bool await(int fd, short events, post_patience *patience, void *user) {
    for (;;) {
        int64_t left = patience(user);
        if (left <= 0) return false;
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, left < SLICE_MS ? (int)left : SLICE_MS);
        if (n > 0) return true;
        if (n < 0 && errno != EINTR) return false;
    }
}

static int connect_to(const struct post *p, post_patience *patience, void *user) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list = NULL;
    if (getaddrinfo(p->host, p->port, &hints, &list) != 0) return -1;
    int fd = -1;
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
        if (fd < 0) continue;
        int error = 0;
        socklen_t size = sizeof error;
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) break;
        if (errno == EINPROGRESS && await(fd, POLLOUT, patience, user) &&
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
            break;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    return fd;
}

static bool send_all(int fd, const char *data, size_t size, post_patience *patience, void *user) {
    for (size_t at = 0; at < size;) {
        ssize_t n = send(fd, data + at, size - at, MSG_NOSIGNAL);
        if (n > 0) at += (size_t)n;
        else if (n < 0 && errno == EINTR) continue;
        else if (n < 0 && errno != EAGAIN) return false;
        else if (!await(fd, POLLOUT, patience, user)) return false;
    }
    return true;
}

static const char *header_value(const char *head, const char *name) {
    size_t size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, size) != 0 || line[size] != ':') continue;
        line += size + 1;
        while (*line == ' ') line++;
        return line;
    }
    return NULL;
}

/* Reads until the answer is whole or the connection ends; what there is of a head by then counts. */
static void read_answer(int fd, post_patience *patience, void *user, struct post_answer *out) {
    asl_buffer all = {0};
    size_t body = 0, length = SIZE_MAX;
    while (all.size < ANSWER_LIMIT && !(body && all.size - body >= length)) {
        char *room = asl_buffer_reserve(&all, 4096);
        ssize_t n = recv(fd, room, 4095, 0);
        if (n > 0) {
            all.size += (size_t)n;
            *asl_buffer_reserve(&all, 1) = 0;
            char *end = body ? NULL : memmem(all.data, all.size, "\r\n\r\n", 4);
            if (end) {
                body = (size_t)(end - all.data) + 4;
                *end = 0; /* the head as a string */
                const char *value = header_value(all.data, "Content-Length");
                if (value) length = strtoull(value, NULL, 10);
                value = header_value(all.data, "Retry-After");
                if (value && isdigit((unsigned char)*value)) out->retry_s = strtol(value, NULL, 10);
                const char *space = strchr(all.data, ' ');
                if (strncmp(all.data, "HTTP/1.", 7) == 0 && space) out->status = atoi(space + 1);
            }
            continue;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n == 0 || errno != EAGAIN || !await(fd, POLLIN, patience, user)) break;
    }
    if (body) asl_buffer_add(&out->body, all.data + body, all.size - body);
    asl_buffer_free(&all);
}

static void send_plain(struct post *p, const char *body, size_t size, post_patience *patience, void *user,
                       struct post_answer *out) {
    int fd = connect_to(p, patience, user);
    if (fd < 0) return;
    asl_buffer head = {0};
    bool six = strchr(p->host, ':') != NULL;
    asl_buffer_format(&head, "POST %s HTTP/1.1\r\nHost: %s%s%s:%s\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n",
                      p->path, six ? "[" : "", p->host, six ? "]" : "", p->port, p->headers, size);
    if (send_all(fd, head.data, head.size, patience, user) && send_all(fd, body, size, patience, user))
        read_answer(fd, patience, user, out);
    asl_buffer_free(&head);
    close(fd);
}

// ---------------------------------------------------------------- libcurl

struct transfer {
    post_patience *patience;
    void *user;
    struct post_answer *out;
};

static size_t on_data(char *data, size_t one, size_t size, void *user) {
    struct transfer *t = user;
    (void)one;
    size_t room = ANSWER_LIMIT - t->out->body.size;
    asl_buffer_add(&t->out->body, data, size < room ? size : room);
    return size;
}

static int on_progress(void *user, int64_t down, int64_t down_now, int64_t up, int64_t up_now) {
    struct transfer *t = user;
    (void)down, (void)down_now, (void)up, (void)up_now;
    return t->patience(t->user) <= 0;
}

/* A function pointer from dlsym's void *, which ISO C has no conversion for. */
static bool find(struct curl *c, const char *name, void *function) {
    void *symbol = dlsym(c->library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static bool load_curl(struct curl *c) {
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
    for (size_t i = 0; i < sizeof names / sizeof *names && !c->library; i++) c->library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return c->library && find(c, "curl_easy_init", &c->init) && find(c, "curl_easy_setopt", &c->setopt) &&
           find(c, "curl_easy_perform", &c->perform) && find(c, "curl_easy_getinfo", &c->getinfo) &&
           find(c, "curl_easy_cleanup", &c->cleanup) && find(c, "curl_slist_append", &c->append) &&
           find(c, "curl_slist_free_all", &c->free_all);
}

static bool open_curl(struct post *p) {
    struct curl *c = &p->curl;
    if (!load_curl(c) || !(p->handle = c->init())) return false;
    for (const char *line = p->headers; *line;) {
        const char *end = strstr(line, "\r\n");
        char *one = strndup(line, (size_t)(end - line));
        p->header_list = c->append(p->header_list, one);
        free(one);
        line = end + 2;
    }
    const char *authority = getenv("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE");
    if (!authority || !*authority) authority = getenv("OTEL_EXPORTER_OTLP_CERTIFICATE");
    if (authority && *authority) c->setopt(p->handle, CURL_CAINFO, authority);
    c->setopt(p->handle, CURL_URL, p->url);
    c->setopt(p->handle, CURL_HTTPHEADER, p->header_list);
    c->setopt(p->handle, CURL_NOSIGNAL, 1L);
    c->setopt(p->handle, CURL_NOPROGRESS, 0L);
    c->setopt(p->handle, CURL_WRITEFUNCTION, on_data);
    c->setopt(p->handle, CURL_XFERINFOFUNCTION, on_progress);
    return true;
}

static void send_curl(struct post *p, const char *body, size_t size, post_patience *patience, void *user,
                      struct post_answer *out) {
    struct curl *c = &p->curl;
    struct transfer t = {patience, user, out};
    long status = 0;
    int64_t retry = 0; /* curl_off_t */
    c->setopt(p->handle, CURL_POSTFIELDSIZE, (long)size);
    c->setopt(p->handle, CURL_POSTFIELDS, body);
    c->setopt(p->handle, CURL_WRITEDATA, &t);
    c->setopt(p->handle, CURL_XFERINFODATA, &t);
    if (c->perform(p->handle) != 0) return;
    if (c->getinfo(p->handle, CURL_RESPONSE_CODE, &status) == 0) out->status = (int)status;
    if (c->getinfo(p->handle, CURL_RETRY_AFTER, &retry) == 0 && retry > 0) out->retry_s = retry;
}

// ---------------------------------------------------------------- opening

static char *copy(const char *text, size_t size) {
    char *z = asl_alloc(size + 1);
    memcpy(z, text, size);
    z[size] = 0;
    return z;
}

void post_close(struct post *p) {
    if (p->header_list) p->curl.free_all(p->header_list);
    if (p->handle) p->curl.cleanup(p->handle);
    asl_free(p->url); /* the library stays: what it has registered with the process cannot be taken back */
    asl_free(p->host);
    asl_free(p->port);
    asl_free(p->headers);
    asl_free(p);
}

/* HOST, HOST:PORT or [ADDRESS]:PORT. */
static bool parse_host(struct post *p, const char *host, size_t size) {
    const char *colon = *host == '[' ? memchr(host, ']', size) : host;
    if (!colon || size == 0) return false;
    colon = memchr(colon, ':', size - (size_t)(colon - host));
    size_t host_size = colon ? (size_t)(colon - host) : size;
    p->port = colon ? copy(colon + 1, size - host_size - 1) : copy("80", 2);
    if (host_size >= 2 && *host == '[' && host[host_size - 1] == ']') host++, host_size -= 2;
    p->host = copy(host, host_size);
    return host_size > 0 && *p->port && strspn(p->port, "0123456789") == strlen(p->port) && strlen(p->port) <= 5;
}

struct post *post_open(const char *url, const char *headers, char *message, size_t message_size) {
    struct post *p = asl_calloc(1, sizeof *p);
    bool https = strncmp(url, "https://", 8) == 0, http = strncmp(url, "http://", 7) == 0;
    p->url = copy(url, strlen(url));
    p->headers = copy(headers, strlen(headers));
    if (https && open_curl(p)) return p;
    if (https) {
        snprintf(message, message_size, "%s: HTTPS needs libcurl, which is not installed here (Debian: libcurl4); without it "
                                        "a collector is reached at http://…", url);
    } else if (http) {
        const char *host = p->url + 7;
        size_t size = strcspn(host, "/?#");
        p->path = host[size] == '/' ? host + size : "/";
        bool clean = true;
        for (const unsigned char *c = (const unsigned char *)p->url; *c; c++) clean &= *c > ' ' && *c != 127;
        if (clean && !memchr(host, '@', size) && parse_host(p, host, size)) return p;
    }
    if (!https) snprintf(message, message_size, "a collector's address is http://HOST[:PORT][/PATH] or https://…, not \"%s\"", url);
    post_close(p);
    return NULL;
}

void post_send(struct post *p, const char *body, size_t size, post_patience *patience, void *user, struct post_answer *out) {
    *out = (struct post_answer){.retry_s = -1};
    if (p->handle) send_curl(p, body, size, patience, user, out);
    else send_plain(p, body, size, patience, user, out);
}
