// How long whole processes take, from posix_spawn to their end, one command after the other in every round.
//
//     spawn ROUNDS [--stdin FILE] -- COMMAND ARG… -- COMMAND ARG… …
//
// Prints one JSON line per command: median and least wall time, median processor time, greatest resident size. Standard
// input is FILE or /dev/null, standard output /dev/null. A process's resident size starts as its parent's, so this one is
// small, and static when the smallest programs are measured.
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

enum { MOST_COMMANDS = 16 };

struct command {
    char **argv;
    double *wall, *cpu;
    long resident;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds(struct timeval t) { return (double)t.tv_sec + 1e-6 * (double)t.tv_usec; }

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void run(struct command *c, size_t round, const posix_spawn_file_actions_t *files) {
    pid_t pid;
    int status;
    struct rusage used;
    double begin = now();
    if (posix_spawnp(&pid, c->argv[0], files, NULL, c->argv, environ) != 0) {
        fprintf(stderr, "spawn: cannot start %s\n", c->argv[0]);
        exit(1);
    }
    wait4(pid, &status, 0, &used);
    c->wall[round] = now() - begin;
    c->cpu[round] = seconds(used.ru_utime) + seconds(used.ru_stime);
    if (used.ru_maxrss > c->resident)
        c->resident = used.ru_maxrss;
    if (status != 0) {
        fprintf(stderr, "spawn: %s ends with status %d\n", c->argv[0], status);
        exit(1);
    }
}

int main(int argc, char **argv) {
    struct command commands[MOST_COMMANDS] = {0};
    size_t count = 0, rounds = argc > 1 ? (size_t)atol(argv[1]) : 0;
    const char *input = "/dev/null";
    int i = 2;
    if (i + 1 < argc && strcmp(argv[i], "--stdin") == 0) {
        input = argv[i + 1];
        i += 2;
    }
    for (; i < argc && count < MOST_COMMANDS; i++) {
        if (strcmp(argv[i], "--") != 0)
            continue;
        argv[i] = NULL; // ends the command before
        struct command *c = &commands[count++];
        c->argv = argv + i + 1;
        c->wall = calloc(2 * rounds + 1, sizeof *c->wall);
        c->cpu = c->wall + rounds;
    }
    if (!rounds || !count) {
        fprintf(stderr, "Usage: spawn ROUNDS [--stdin FILE] -- COMMAND ARG… -- COMMAND ARG… …\n");
        return 2;
    }
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, input, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    for (size_t r = 0; r < rounds; r++)
        for (size_t c = 0; c < count; c++)
            run(&commands[c], r, &files);
    for (size_t c = 0; c < count; c++) {
        struct command *k = &commands[c];
        qsort(k->wall, rounds, sizeof(double), compare);
        qsort(k->cpu, rounds, sizeof(double), compare);
        printf("{\"wall_s\":%.6f,\"least_s\":%.6f,\"cpu_s\":%.6f,\"resident_kb\":%ld}\n", k->wall[rounds / 2], k->wall[0],
               k->cpu[rounds / 2], k->resident);
    }
    return 0;
}
