// Linking through the system's C compiler, which knows where the C library and its start files are.
//
//     cc -o order order.o USER'S INPUTS libasl.a libuv_a.a libffi.a libnettle.a libpcre2-8.a -lm -lpthread -ldl
//
// The runtime's archive stands beside aslc's own executable, in the build tree as after install. What it needs is linked
// from static archives where there are any, so that a compiled workflow needs nothing but the C library to run; sections
// that nothing refers to are dropped, so it holds only what it uses. Where no C compiler is installed a bare linker does,
// given the start files. Executables are linked by gold where it is installed, in half the time.
//
// A static executable of a workflow that calls nobody is linked against musl where musl is installed and the runtime was built
// for it too: such a process is there in a third of the time, because glibc's start asks the processor for its features, which
// a virtual machine has to pass on to its host. What musl's runtime does not have is then not found, and glibc takes over.
//
//     cc -static -nostdlib -o order crt1.o crti.o order.o libasl-musl.a libc.a -lgcc crtn.o
#include "link.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct linker {
    struct arena *arena;
    const struct link_options *options;
    VEC(const char *) command;
    bool bare; /* ld itself, not cc */
};

static void add(struct linker *l, const char *word) {
    *vec_push(l->arena, &l->command) = word;
}

// For the linker itself, also when cc stands before it.
static void add_option(struct linker *l, const char *option) {
    if (l->bare) {
        add(l, option);
    } else if (strchr(option, ',')) {
        add(l, "-Xlinker"); // -Wl, would split it
        add(l, option);
    } else {
        add(l, arena_format(l->arena, "-Wl,%s", option));
    }
}

static void add_split(struct linker *l, const char *text) {
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t size = strcspn(text, " ");
        add(l, arena_copy(l->arena, text, size));
        text += size;
    }
}

// ---------------------------------------------------------------- finding things

static const char *own_directory(struct arena *a) {
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    while (size > 0 && path[size - 1] != '/')
        size--;
    return size > 0 ? arena_copy(a, path, (size_t)size) : "./";
}

const char *link_runtime(struct arena *a, char *message, size_t message_size) {
    static const char *const places[] = {
        "../runtime/libasl.a", // build tree
        "../lib/libasl.a",     // installed
#ifdef ASLC_LIBDIR
        "../" ASLC_LIBDIR "/libasl.a",
#endif
        "../lib/aslc/libasl.a",
        "libasl.a", // unpacked beside it
    };
    const char *chosen = getenv("ASLC_RUNTIME");
    if (chosen && *chosen)
        return chosen;
    const char *here = own_directory(a);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *path = arena_format(a, "%s%s", here, places[i]);
        if (access(path, R_OK) == 0)
            return path;
    }
    snprintf(message, message_size,
             "cannot find the runtime libasl.a: looked in %s../runtime, ../lib, ../lib/aslc and beside aslc itself; "
             "set ASLC_RUNTIME to its path",
             here);
    return NULL;
}

// Where linkers look without being told, the Debian way first.
static const char *const library_directories[] = {
#ifdef __x86_64__
    "/usr/lib/x86_64-linux-gnu/", "/lib/x86_64-linux-gnu/",
#elif defined __aarch64__
    "/usr/lib/aarch64-linux-gnu/", "/lib/aarch64-linux-gnu/",
#elif defined __riscv
    "/usr/lib/riscv64-linux-gnu/", "/lib/riscv64-linux-gnu/",
#endif
    "/usr/lib64/", "/usr/local/lib/", "/usr/lib/", "/lib/",
};

static const char *find_library_file(struct arena *a, const char *name) {
    for (size_t i = 0; i < sizeof library_directories / sizeof *library_directories; i++) {
        const char *path = arena_format(a, "%s%s", library_directories[i], name);
        if (access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}

static const char *find_program(struct arena *a, const char *name) {
    if (strchr(name, '/'))
        return access(name, X_OK) == 0 ? name : NULL;
    const char *path = getenv("PATH");
    for (const char *p = path ? path : "/usr/bin:/bin"; *p;) {
        size_t size = strcspn(p, ":");
        const char *file = arena_format(a, "%.*s/%s", (int)size, size ? p : ".", name);
        if (access(file, X_OK) == 0)
            return file;
        p += size + (p[size] == ':');
    }
    return NULL;
}

// ---------------------------------------------------------------- the command

static void add_archive(struct linker *l, const char *const *archives, const char *fallback) {
    for (; *archives; archives++) {
        const char *path = find_library_file(l->arena, *archives);
        if (path) {
            add(l, path);
            return;
        }
    }
    add(l, fallback);
}

static bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), tail = strlen(end);
    return size >= tail && strcmp(text + size - tail, end) == 0;
}

// A library as an ffi handler names it. At run time the dynamic loader would find it; here the linker must, and the
// executable must find it again from wherever it is started: so its directory is given twice, and only its name recorded.
static void add_native_library(struct linker *l, const char *name) {
    struct arena *a = l->arena;
    const char *slash = strrchr(name, '/');
    if (ends_with(name, ".a") || ends_with(name, ".o")) {
        add(l, name);
    } else if (slash) {
        char *directory = realpath(arena_copy(a, name, (size_t)(slash - name) + 1), NULL);
        if (directory) { // else the linker says that there is no such file
            add(l, arena_format(a, "-L%s", directory));
            add_option(l, arena_format(a, "-rpath=%s", directory));
        }
        free(directory);
        add(l, arena_format(a, "-l:%s", slash + 1));
    } else {
        add(l, arena_format(a, strstr(name, ".so") ? "-l:%s" : "-l%s", name));
    }
}

// A library named twice, in a handler and as an input: the handler's way of naming it is the one that is found again.
static bool is_library(const struct link_options *o, const char *input) {
    for (size_t i = 0; i < o->library_count; i++)
        if (strcmp(o->libraries[i], input) == 0)
            return true;
    return false;
}

static void add_inputs(struct linker *l, const char *object, const char *runtime) {
    static const char *const uv[] = {"libuv_a.a", "libuv.a", NULL}, *const ffi[] = {"libffi_pic.a", "libffi.a", NULL},
                            *const nettle[] = {"libnettle.a", NULL}, *const pcre2[] = {"libpcre2-8.a", NULL};
    const struct link_options *o = l->options;
    add(l, object);
    for (size_t i = 0; i < o->input_count; i++)
        if (!is_library(o, o->inputs[i]))
            add(l, o->inputs[i]);
    for (size_t i = 0; i < o->library_count; i++)
        add_native_library(l, o->libraries[i]);
    add(l, runtime);
    if (o->shared)
        add(l, "-luv"); // the archive that distributions ship is not position-independent enough
    else
        add_archive(l, uv, "-luv");
    add_archive(l, ffi, "-lffi");
    add_archive(l, nettle, "-lnettle");
    add_archive(l, pcre2, "-lpcre2-8"); // nothing of it is taken unless an expression has a regex
    add(l, "-lm");
    add(l, "-lpthread");
    add(l, "-ldl");
}

// Where musl's libc.a and start files are, or NULL.
static const char *musl_directory(struct arena *a) {
#if defined __x86_64__
    static const char *const directories[] = {"/usr/lib/x86_64-linux-musl/", "/usr/local/musl/lib/", "/usr/lib/musl/lib/"};
#elif defined __aarch64__
    static const char *const directories[] = {"/usr/lib/aarch64-linux-musl/", "/usr/local/musl/lib/", "/usr/lib/musl/lib/"};
#else
    static const char *const directories[] = {"/usr/local/musl/lib/", "/usr/lib/musl/lib/"};
#endif
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        if (access(arena_format(a, "%slibc.a", directories[i]), R_OK) == 0 &&
            access(arena_format(a, "%scrt1.o", directories[i]), R_OK) == 0)
            return directories[i];
    return NULL;
}

// The runtime that was built against musl, beside the other; NULL without one, and for what it does not serve.
static const char *musl_runtime(struct arena *a, const struct link_options *o, const char *runtime) {
    size_t size = strlen(runtime);
    if (!o->fully_static || o->shared || !o->alone || o->input_count || o->library_count || !ends_with(runtime, "/libasl.a"))
        return NULL;
    const char *path = arena_format(a, "%.*s-musl.a", (int)(size - 2), runtime);
    return access(path, R_OK) == 0 && musl_directory(a) ? path : NULL;
}

// others: also the archives that were made for glibc, of functions that need nothing of a C library but memory and texts.
static void add_musl_inputs(struct linker *l, const char *object, const char *runtime, bool others) {
    const char *directory = musl_directory(l->arena);
    const char *nettle = find_library_file(l->arena, "libnettle.a"), *pcre2 = find_library_file(l->arena, "libpcre2-8.a");
    add(l, "-nostdlib");
    add_option(l, "-z");
    add_option(l, "noseparate-code"); // every mapping and page that a process touches takes of its time …
    add_option(l, "-z");
    add_option(l, "norelro"); // (there is nothing to relocate)
    add_option(l, "--sort-section=alignment"); // … so what is small stands together …
    const char *order = arena_format(l->arena, "%.*s.ld", (int)strlen(runtime) - 2, runtime);
    if (access(order, R_OK) == 0) { // … and so do the functions that every run executes
        add(l, "-T");
        add(l, order);
    }
    add(l, arena_format(l->arena, "%scrt1.o", directory));
    add(l, arena_format(l->arena, "%scrti.o", directory));
    add(l, object);
    add(l, runtime);
    if (others && nettle)
        add(l, nettle);
    if (others && pcre2)
        add(l, pcre2);
    if (others)
        add(l, runtime); // for the memory that they ask for
    add(l, arena_format(l->arena, "%slibc.a", directory));
    add(l, "-lgcc");
    add(l, arena_format(l->arena, "%scrtn.o", directory));
}

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void add_options(struct linker *l, const char *path) {
    const struct link_options *o = l->options;
    add(l, "-o");
    add(l, path);
    if (o->shared) {
        add(l, "-shared");
        add_option(l, arena_format(l->arena, "-soname=%s", file_name(path)));
        add_option(l, "--exclude-libs=ALL"); // only what the workflow's own object exports
        add_option(l, "-Bsymbolic");
    } else if (o->fully_static) {
        add(l, "-static");
    }
    if (o->strip)
        add(l, "-s");
    add_option(l, "--gc-sections");
    add_option(l, "--as-needed");
}

// ---------------------------------------------------------------- who links

#define TRIED "cc, gcc, clang, clang-19 and ld.lld"

// What a runtime was built with may need the linker that it was built with.
static bool may_choose_linker(const struct linker *l) {
#ifdef ASLC_LINK_FLAGS
    (void)l;
    return false;
#else
    return !l->options->shared && !l->options->fully_static && find_program(l->arena, "ld.gold");
#endif
}

// cc, or what the environment says. False when there is none.
static bool begin_with_cc(struct linker *l) {
    static const char *const names[] = {"cc", "gcc", "clang", "clang-19"};
    const char *chosen = getenv("CC");
    if (chosen && chosen[strspn(chosen, " ")]) {
        add_split(l, chosen);
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (find_program(l->arena, names[i])) {
            add(l, names[i]);
            if (may_choose_linker(l))
                add(l, "-fuse-ld=gold");
            return true;
        }
    return false;
}

// The program loader of this process is the one for its executables too.
static const char *program_loader(void) {
    const Elf64_Phdr *headers = (const Elf64_Phdr *)getauxval(AT_PHDR);
    size_t count = getauxval(AT_PHNUM);
    uintptr_t base = 0;
    for (size_t i = 0; i < count; i++)
        if (headers[i].p_type == PT_PHDR)
            base = (uintptr_t)headers - headers[i].p_vaddr;
    for (size_t i = 0; i < count; i++)
        if (headers[i].p_type == PT_INTERP)
            return (const char *)(base + headers[i].p_vaddr);
    return "/lib64/ld-linux-x86-64.so.2";
}

// A bare linker and the C library's start files: what cc would have added, short of the compiler's own library, which a
// static executable would need.
static bool begin_with_ld(struct linker *l) {
    static const char *const names[] = {"ld.lld", "ld.lld-19", "ld.bfd", "ld"};
    struct arena *a = l->arena;
    const char *linker = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !linker; i++)
        linker = find_program(a, names[i]) ? names[i] : NULL;
    const char *start = find_library_file(a, "Scrt1.o"), *init = find_library_file(a, "crti.o");
    if (!linker || !start || !init || l->options->fully_static)
        return false;
    l->bare = true;
    add(l, linker);
    if (!l->options->shared) {
        add(l, "-pie");
        add(l, "-dynamic-linker");
        add(l, program_loader());
        add(l, "--defsym=__dso_handle=0"); // what crtbegin.o would define
        add(l, start);
    }
    add(l, init);
    for (size_t i = 0; i < sizeof library_directories / sizeof *library_directories; i++)
        add(l, arena_format(a, "-L%s", library_directories[i]));
    return true;
}

static void end_with_ld(struct linker *l) {
    add(l, "-lc");
    add(l, find_library_file(l->arena, "crtn.o"));
}

// ---------------------------------------------------------------- running it

static void print_command(const struct linker *l) {
    for (size_t i = 0; i < l->command.count; i++) {
        const char *word = l->command.items[i];
        bool plain = word[strcspn(word, " \t\"'$\\*?[](){}<>|&;#~`!")] == 0 && *word;
        fputs(i ? " " : "", stderr);
        if (plain) {
            fputs(word, stderr);
            continue;
        }
        fputc('\'', stderr);
        for (; *word; word++)
            fputs(*word == '\'' ? "'\\''" : (char[]){*word, 0}, stderr);
        fputc('\'', stderr);
    }
    fputc('\n', stderr);
}

// Reads all that the linker says; the first part of it stays in message.
static void read_all(int fd, char *message, size_t message_size) {
    char rest[4096];
    size_t used = 0;
    ssize_t n;
    while ((n = read(fd, rest, sizeof rest)) != 0) {
        if (n < 0 && errno != EINTR)
            break;
        for (ssize_t i = 0; i < n && used + 1 < message_size; i++)
            message[used++] = rest[i];
    }
    while (used && message[used - 1] == '\n')
        used--;
    message[used] = 0;
}

static int run(const struct linker *l, char *said, size_t said_size, int *status) {
    int ends[2], rc;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO); // nothing of ours goes to standard output
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    rc = posix_spawnp(&pid, l->command.items[0], &actions, NULL, (char *const *)l->command.items, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (rc == 0) {
        read_all(ends[0], said, said_size);
        while (waitpid(pid, status, 0) < 0 && errno == EINTR) {
        }
    }
    close(ends[0]);
    return rc;
}

// First without nettle, whose start asks the processor for its features: few workflows need it. False: it cannot be done,
// because no cc is there or something is missing that only glibc has.
static bool link_with_musl(struct arena *a, const char *object, const char *path, const struct link_options *options,
                           const char *runtime) {
    char *said = arena_alloc(a, 8192);
    for (int others = 0; others < 2; others++) {
        struct linker l = {.arena = a, .options = options};
        int status = 0;
        if (!begin_with_cc(&l))
            return false;
        add_options(&l, path);
        add_musl_inputs(&l, object, runtime, others);
        if (options->verbose)
            print_command(&l);
        add(&l, NULL);
        if (run(&l, said, 8192, &status) == 0 && status == 0)
            return true;
    }
    if (options->verbose)
        fprintf(stderr, "musl does not do, so the executable is linked against glibc:\n%s\n", said);
    return false;
}

int link_file(struct arena *a, const char *object, const char *path, const struct link_options *options, char *message,
              size_t message_size) {
    const char *runtime = link_runtime(a, message, message_size);
    if (!runtime)
        return -1;
    const char *musl = musl_runtime(a, options, runtime);
    if (musl && link_with_musl(a, object, path, options, musl))
        return 0;
    struct linker l = {.arena = a, .options = options};
    if (!begin_with_cc(&l) && !begin_with_ld(&l)) {
        snprintf(message, message_size, "cannot link: there is no C compiler (tried " TRIED "): install gcc or clang, or set CC");
        return -1;
    }
#ifdef ASLC_LINK_FLAGS // what the runtime was built with: sanitizers, coverage
    add_split(&l, ASLC_LINK_FLAGS);
#endif
    add_options(&l, path);
    add_inputs(&l, object, runtime);
    if (l.bare)
        end_with_ld(&l);
    if (options->verbose)
        print_command(&l);
    add(&l, NULL);

    char *said = arena_alloc(a, 8192);
    int status = 0, rc = run(&l, said, 8192, &status);
    if (rc != 0) {
        snprintf(message, message_size, "cannot link: cannot run %s: %s; install gcc or clang, or set CC",
                 l.command.items[0], strerror(rc));
        return -1;
    }
    if (WIFSIGNALED(status))
        snprintf(message, message_size, "cannot link: %s was killed by signal %d", l.command.items[0], WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        snprintf(message, message_size, "cannot link: %s failed (exit status %d)%s%s", l.command.items[0],
                 WEXITSTATUS(status), *said ? ":\n" : "", said);
    else if (options->verbose && *said)
        fprintf(stderr, "%s\n", said);
    return status == 0 ? 0 : -1;
}
