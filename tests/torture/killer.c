// Preloaded into a workflow: kills the process at the Nth write that goes to a journal, before or after it is made.
// KILL_AT=N, KILL_AFTER=1: after. Counts what SQLite does with its files: pwrite, fdatasync, fsync, ftruncate, unlink.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long count, at = -1;
static int after;

static int hit(void) {
    if (at < 0) {
        const char *n = getenv("KILL_AT"), *a = getenv("KILL_AFTER");
        at = n ? atol(n) : 0;
        after = a && *a == '1';
        unsetenv("LD_PRELOAD"); /* the tasks are not meant */
    }
    return ++count == at;
}

static void die(void) { kill(getpid(), SIGKILL); }

#define WRAP(type, name, parameters, arguments)                                                                        \
    type name parameters {                                                                                             \
        static type(*real) parameters;                                                                                 \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);                                                          \
        int now = hit();                                                                                               \
        if (now && !after) die();                                                                                      \
        type result = real arguments;                                                                                  \
        if (now) die();                                                                                                \
        return result;                                                                                                 \
    }

WRAP(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o))
WRAP(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o))
WRAP(int, fdatasync, (int fd), (fd))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, ftruncate64, (int fd, off64_t n), (fd, n))
WRAP(int, unlink, (const char *path), (path))
