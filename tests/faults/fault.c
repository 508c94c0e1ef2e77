// A preloaded library that makes one system call fail: the nth call of a name gives an errno.
//
//     LD_PRELOAD=./fault.so ./victim …          the victim calls fault_arm("pipe2", 3, EMFILE) and fault_hit()
//
// Only calls through the C library's names are seen, and only in the process that armed it: not in its children.
// Every call after the nth works again. Calls by which libuv talks to itself (its signal pipe, its wake-up descriptor, the
// pipe on which a new child reports that exec failed) are left out: libuv ends the process when one of those fails, and
// nobody above it could do anything.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static char armed[32];
static long nth;
static int error;
static pid_t process;
static atomic_long calls;
static atomic_bool hit;

EXPORT void fault_arm(const char *name, long n, int e);
EXPORT bool fault_hit(void);

void fault_arm(const char *name, long n, int e) {
    snprintf(armed, sizeof armed, "%s", name);
    nth = n;
    error = e;
    process = getpid();
    atomic_store(&calls, 0);
    atomic_store(&hit, false);
}

bool fault_hit(void) { return atomic_load(&hit); }

static bool fails(const char *name) {
    if (!armed[0] || strcmp(name, armed) != 0 || getpid() != process || atomic_fetch_add(&calls, 1) + 1 != nth) return false;
    atomic_store(&hit, true);
    errno = error;
    return true;
}

/* The C library's own, found once. */
#define REAL(name)                                                                                                    \
    static __typeof__(&name) real;                                                                                    \
    if (!real) {                                                                                                      \
        void *symbol = dlsym(RTLD_NEXT, #name);                                                                       \
        memcpy(&real, &symbol, sizeof real);                                                                          \
    }

static bool from_libuv(const void *caller) {
    Dl_info info;
    return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "libuv");
}

EXPORT int pipe2(int fds[2], int flags) {
    REAL(pipe2)
    return fails("pipe2") ? -1 : real(fds, flags);
}

EXPORT int socketpair(int domain, int type, int protocol, int fds[2]) {
    REAL(socketpair)
    return fails("socketpair") ? -1 : real(domain, type, protocol, fds);
}

EXPORT pid_t fork(void) {
    REAL(fork)
    return fails("fork") ? -1 : real();
}

EXPORT ssize_t read(int fd, void *data, size_t size) {
    enum { OURS = 4096 }; /* what libuv reads for itself is smaller */
    REAL(read)
    return size >= OURS && fails("read") ? -1 : real(fd, data, size);
}

EXPORT ssize_t write(int fd, const void *data, size_t size) {
    REAL(write)
    return !from_libuv(__builtin_return_address(0)) && fails("write") ? -1 : real(fd, data, size);
}

EXPORT int epoll_create1(int flags) {
    REAL(epoll_create1)
    return fails("epoll_create1") ? -1 : real(flags);
}

EXPORT int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event) {
    REAL(epoll_ctl)
    return fails("epoll_ctl") ? -1 : real(epoll, op, fd, event);
}

EXPORT int eventfd(unsigned value, int flags) {
    REAL(eventfd)
    return fails("eventfd") ? -1 : real(value, flags);
}

EXPORT int dup3(int from, int to, int flags) {
    REAL(dup3)
    return fails("dup3") ? -1 : real(from, to, flags);
}

/* Two names: programs with large files call the second. */
#define FCNTL(name)                                                                                                   \
    EXPORT int name(int fd, int command, ...) {                                                                       \
        REAL(name)                                                                                                    \
        va_list args;                                                                                                 \
        va_start(args, command);                                                                                      \
        void *argument = va_arg(args, void *);                                                                        \
        va_end(args);                                                                                                 \
        return fails("fcntl") ? -1 : real(fd, command, argument);                                                     \
    }
FCNTL(fcntl)
EXPORT int fcntl64(int fd, int command, ...);
FCNTL(fcntl64)

EXPORT int ioctl(int fd, unsigned long request, ...);
EXPORT int ioctl(int fd, unsigned long request, ...) {
    REAL(ioctl)
    va_list args;
    va_start(args, request);
    void *argument = va_arg(args, void *);
    va_end(args);
    return fails("ioctl") ? -1 : real(fd, request, argument);
}

/* "malloc" is all three; glibc's own names, because dlsym allocates. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *p, size_t size);
EXPORT void *malloc(size_t size) {
    return fails("malloc") ? NULL : __libc_malloc(size);
}
EXPORT void *calloc(size_t count, size_t size) {
    return fails("malloc") ? NULL : __libc_calloc(count, size);
}
EXPORT void *realloc(void *p, size_t size) {
    return fails("malloc") ? NULL : __libc_realloc(p, size);
}

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    REAL(pthread_create)
    return fails("pthread_create") ? error : real(thread, attributes, start, argument);
}
