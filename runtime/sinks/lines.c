// Where lines go. Each is written by one write(2), so that lines of several processes do not mix.
//
// Nothing here may wait for a reader. Standard error is shared with whoever started us, so it is not made non-blocking:
// a pipe or terminal is opened once more through /proc, which gives a description of our own to set flags on. Where that
// is not allowed (a pipe of another user's), a line is written at once only when poll() says that a page fits, and
// otherwise by the outbox's thread.
//
// A pipe is never filled by more than half, and made larger when that is not enough: who else writes to it, such as this
// process about a failed execution, would otherwise wait for a reader that we have kept busy.
//
// To pipes and terminals a line has at most 16 KiB: Docker splits longer ones. A file or socket takes what comes.
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "aslc/value.h"
#include "outbox.h"

#define LINE_LIMIT  16384
#define QUEUE_LIMIT (4u << 20)
#define PIPE_SIZE   (1 << 20)
#define RETRY_MS    200  /* between attempts to reach a socket */
#define CLOSE_MS    1000 /* how long close waits for a receiver that takes what we have … */
#define PATIENCE_MS 100  /* … and for one that does not */

enum target { TARGET_FILE, TARGET_STREAM, TARGET_BLOCKING, TARGET_SOCKET };

struct lines {
    struct outbox *outbox;
    enum target target;
    int fd; /* -1: a socket that is not connected */
    size_t limit;
    bool torn; /* the file has a line without an end */
    int pipe_room;  /* of a pipe: bytes that we put into it; 0: it is none */
    bool grown;     /* the pipe has been made larger, or cannot be */
    long pause_ms;  /* the next one */
    int64_t retry_ms; /* socket: not before */
    struct sockaddr_un address;
};

// ---------------------------------------------------------------- delivering

static void pause_ms(long ms) { nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL); }

static enum delivery to_file(struct lines *l, const char *data, size_t size) {
    if (l->torn && write(l->fd, "\n", 1) == 1) l->torn = false;
    size_t at = 0;
    while (at < size) {
        ssize_t n = write(l->fd, data + at, size - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        at += (size_t)n;
    }
    if (at == size) return DELIVERED;
    l->torn |= at > 0; /* the disk is full */
    return LOST;
}

static bool is_writable(int fd, int wait_ms) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, wait_ms) > 0; /* with an error too: write then says which */
}

/* A reader that has taken nothing is looked after ever more rarely. */
static void pause_longer(struct lines *l) {
    pause_ms(l->pause_ms);
    if (l->pause_ms < 50) l->pause_ms *= 2;
}

static bool has_room(struct lines *l, size_t size) {
    int queued;
    if (!l->pipe_room || ioctl(l->fd, FIONREAD, &queued) < 0 || queued == 0 || (size_t)queued + size <= (size_t)l->pipe_room)
        return true;
    if (l->grown) return false;
    l->grown = true;
    fcntl(l->fd, F_SETPIPE_SZ, PIPE_SIZE); /* fails where users may have only so many pages */
    int capacity = fcntl(l->fd, F_GETPIPE_SZ);
    if (capacity > 0) l->pipe_room = capacity / 2;
    return (size_t)queued + size <= (size_t)l->pipe_room;
}

static enum delivery to_stream(struct lines *l, const char *data, size_t size, size_t *sent, bool may_wait) {
    bool blocking = l->target == TARGET_BLOCKING;
    if (!has_room(l, size)) {
        if (may_wait) pause_longer(l);
        return NOT_NOW;
    }
    if (blocking && may_wait && !is_writable(l->fd, 100)) return NOT_NOW;
    if (blocking && !may_wait && (size > PIPE_BUF || !is_writable(l->fd, 0))) return NOT_NOW;
    ssize_t n = write(l->fd, data, size);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return LOST;
    if (n > 0) l->pause_ms = 1;
    if (n == (ssize_t)size) return DELIVERED;
    if (n > 0) *sent = (size_t)n;
    else if (may_wait && is_writable(l->fd, 100)) pause_longer(l); /* there is room, but not for a whole line */
    return NOT_NOW;
}

/* Whether there is a connection now. Connecting to a UNIX socket does not wait. */
static bool connect_socket(struct lines *l) {
    if (l->fd >= 0) return true;
    int64_t now = outbox_now_ms();
    if (now < l->retry_ms) return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&l->address, sizeof l->address) == 0) {
        l->fd = fd;
        return true;
    }
    if (fd >= 0) close(fd);
    l->retry_ms = now + RETRY_MS;
    return false;
}

static enum delivery to_socket(struct lines *l, const char *data, size_t size, size_t *sent, bool may_wait) {
    if (!connect_socket(l)) {
        if (may_wait) pause_ms(50);
        return NOT_NOW;
    }
    ssize_t n = send(l->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n == (ssize_t)size) return DELIVERED;
    if (n > 0) *sent = (size_t)n;
    if (n >= 0 || errno == EAGAIN || errno == EINTR) {
        if (may_wait && !is_writable(l->fd, 100)) pause_ms(1);
        return NOT_NOW;
    }
    close(l->fd); /* the receiver is gone, perhaps to come back; a line that it has half is not its any more */
    l->fd = -1;
    l->retry_ms = outbox_now_ms() + RETRY_MS;
    return NOT_NOW;
}

static enum delivery deliver(void *user, const char *data, size_t size, size_t items, size_t *sent, bool may_wait) {
    struct lines *l = user;
    (void)items;
    switch (l->target) {
    case TARGET_FILE: return to_file(l, data, size);
    case TARGET_STREAM:
    case TARGET_BLOCKING: return to_stream(l, data, size, sent, may_wait);
    case TARGET_SOCKET: return to_socket(l, data, size, sent, may_wait);
    }
    return LOST;
}

static void destroy(void *user) {
    struct lines *l = user;
    if (l->fd >= 0) close(l->fd);
    asl_free(l);
}

// ---------------------------------------------------------------- opening

static int open_socket(struct lines *l, const char *path, char *message, size_t message_size) {
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof l->address.sun_path) {
        snprintf(message, message_size, "unix:%s: a socket's path has 1 to %zu bytes", path, sizeof l->address.sun_path - 1);
        return -1;
    }
    l->target = TARGET_SOCKET;
    l->address.sun_family = AF_UNIX;
    memcpy(l->address.sun_path, path, size);
    connect_socket(l); /* that nobody listens yet is no reason not to run */
    return 0;
}

static void look_at(struct lines *l, const struct stat *s) {
    int capacity = S_ISFIFO(s->st_mode) ? fcntl(l->fd, F_GETPIPE_SZ) : 0;
    l->pipe_room = capacity > 0 ? capacity / 2 : 0;
}

static int open_stderr(struct lines *l) {
    struct stat s;
    l->limit = LINE_LIMIT;
    if (fstat(STDERR_FILENO, &s) < 0) {
        l->fd = open("/dev/null", O_WRONLY | O_CLOEXEC); /* started without one */
        return 0;
    }
    if (!S_ISREG(s.st_mode) && !S_ISSOCK(s.st_mode)) {
        l->fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        l->target = TARGET_STREAM;
        look_at(l, &s);
        if (l->fd >= 0) return 0;
    }
    l->fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    l->target = S_ISREG(s.st_mode) ? TARGET_FILE : TARGET_BLOCKING;
    look_at(l, &s);
    return 0;
}

static int open_file(struct lines *l, const char *path, char *message, size_t message_size) {
    struct stat s;
    /* A FIFO is opened for both directions: then it need not have a reader yet. */
    bool fifo = stat(path, &s) == 0 && S_ISFIFO(s.st_mode);
    l->fd = open(path, (fifo ? O_RDWR : O_WRONLY) | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (l->fd < 0 || fstat(l->fd, &s) < 0) {
        snprintf(message, message_size, "cannot write to %s: %s", path, strerror(errno));
        return -1;
    }
    if (S_ISREG(s.st_mode)) return 0;
    look_at(l, &s);
    l->target = TARGET_STREAM;
    l->limit = LINE_LIMIT;
    return 0;
}

struct lines *lines_open(const char *destination, char *message, size_t message_size) {
    struct lines *l = asl_calloc(1, sizeof *l);
    l->fd = -1;
    l->pause_ms = 1;
    int rc = !destination                             ? open_stderr(l)
             : strncmp(destination, "unix:", 5) == 0 ? open_socket(l, destination + 5, message, message_size)
                                                      : open_file(l, destination, message, message_size);
    if (rc < 0) {
        destroy(l);
        return NULL;
    }
    l->outbox = outbox_new(&(struct outbox_options){
        .deliver = deliver, .destroy = destroy, .user = l, .limit = QUEUE_LIMIT});
    return l;
}

size_t lines_limit(const struct lines *l) { return l->limit; }

void lines_put(struct lines *l, const char *line, size_t size) { outbox_put(l->outbox, line, size); }

uint64_t lines_dropped(struct lines *l) { return outbox_dropped(l->outbox); }

uint64_t lines_close(struct lines *l) {
    uint64_t dropped;
    outbox_close(l->outbox, CLOSE_MS, PATIENCE_MS, &dropped);
    return dropped;
}

void lines_complain(const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (size > 0 && poll(&p, 1, 0) == 1 && (p.revents & POLLOUT))
        (void)!write(STDERR_FILENO, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}
