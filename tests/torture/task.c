// The worker of the torture's tasks: counts every call in a file before anything else, fails where it is told to, and
// answers with its input. What it does depends on the call's idempotency token alone, so that a call that is made again
// does the same again.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int calls_before(const char *path, const char *token) {
    FILE *f = fopen(path, "r");
    char line[512];
    int n = 0;
    size_t size = strlen(token);
    while (f && fgets(line, sizeof line, f)) n += strncmp(line, token, size) == 0 && line[size] == ' ';
    if (f) fclose(f);
    return n;
}

int main(int argc, char **argv) {
    const char *log = argv[1], *token = getenv("ASL_IDEMPOTENCY_TOKEN"), *state = getenv("ASL_STATE"),
               *attempt = getenv("ASL_ATTEMPT");
    char line[512], input[65536];
    if (argc < 3 || !token || !state || !attempt) return 2;
    int again = calls_before(log, token);
    int fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    int size = snprintf(line, sizeof line, "%s %s %s %d\n", token, state, attempt, again);
    if (fd < 0 || write(fd, line, (size_t)size) != size) return 2;
    close(fd);
    size_t n = fread(input, 1, sizeof input - 1, stdin);
    usleep((useconds_t)atoi(argv[2]));
    const char *error = strcmp(state, "Charge") == 0 && atoi(attempt) < 2 ? "Flaky" : strcmp(state, "Risky") == 0 ? "Hopeless" : NULL;
    if (error) {
        fprintf(stderr, "{\"Error\":\"%s\",\"Cause\":\"as told\"}\n", error);
        return 1;
    }
    fwrite(input, 1, n, stdout);
    return 0;
}
