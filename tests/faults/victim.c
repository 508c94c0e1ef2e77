// What the fault test runs: one scenario, once, with the nth call of a name failing; then it says what came of it and
// what was left behind, as one line of JSON. See run.py.
//
//     victim SCENARIO CALL N ERRNO [warm]      warm: an engine ran before, so that libuv's own beginnings are over

#include "../unit/one_task.h"

#include <stdlib.h>

extern void fault_arm(const char *name, long n, int error) __attribute__((weak));
extern bool fault_hit(void) __attribute__((weak));

enum { MOST = 4 };

static const struct {
    const char *name;
    struct one_task task;
    size_t payload_size; /* 0: as given */
} scenarios[] = {
    {"exec", {.handler = "exec:cat", .payload = "[1]"}, 0},
    {"exec-large", {.handler = "exec:cat"}, 300000},
    {"exec-several", {.handler = "exec:cat", .payload = "[1]", .count = MOST}, 0},
    {"exec-stopped", {.handler = "exec:sleep 100", .site = "\"timeoutSeconds\":1"}, 0},
    {"worker", {.handler = "worker:sh -c 'while read -r l; do echo \"$l\"; done'", .payload = "[1]", .count = 2}, 0},
    {"worker-large", {.handler = "worker:cat", .count = 2}, 300000},
    {"ffi", {.handler = "ffi:libc.so.6#strdup(json)->json", .payload = "[1]", .count = 2}, 0},
};

static void print_text(const char *name, const asl_value *v) {
    asl_buffer b = {0};
    if (v->tag == ASL_NONE) asl_buffer_z(&b, "null");
    else asl_json_print(v, &b);
    printf(",\"%s\":%.*s", name, (int)b.size, b.data);
    asl_buffer_free(&b);
}

int main(int argc, char **argv) {
    size_t s = 0, count = sizeof scenarios / sizeof *scenarios;
    while (argc >= 5 && s < count && strcmp(scenarios[s].name, argv[1]) != 0) s++;
    if (argc < 5 || s == count || !fault_arm) {
        fprintf(stderr, "usage: LD_PRELOAD=fault.so victim SCENARIO CALL N ERRNO [warm]\n");
        return 2;
    }
    struct one_task task = scenarios[s].task;
    char *payload = NULL;
    if (scenarios[s].payload_size) {
        payload = malloc(scenarios[s].payload_size + 1);
        if (!payload) return 2;
        memset(payload, 'x', scenarios[s].payload_size);
        payload[0] = payload[scenarios[s].payload_size - 1] = '"';
        payload[scenarios[s].payload_size] = 0;
        task.payload = payload;
    }
    if (argc > 5) {
        struct outcome o = run_task("exec:true", "{}", 0);
        outcome_free(&o);
        o = run_task("ffi:libc.so.6#abs(int)->int", "1", 0);
        outcome_free(&o);
    }
    int files = open_files();
    struct outcome out[MOST];
    fault_arm(argv[2], atol(argv[3]), atoi(argv[4]));
    run_all(&task, out);
    bool was_hit = fault_hit();
    fault_arm("", 0, 0);
    printf("{\"hit\":%s,\"message\":\"%s\",\"outcomes\":[", was_hit ? "true" : "false", out[0].message);
    for (int i = 0; i < (task.count ? task.count : 1); i++) {
        printf("%s{\"status\":\"%s\"", i ? "," : "", asl_status_name(out[i].status));
        print_text("error", &out[i].error);
        print_text("cause", &out[i].cause);
        printf("}");
        outcome_free(&out[i]);
    }
    printf("],\"files\":%d,\"children\":%s,\"blocks\":%zu}\n", open_files() - files, has_children() ? "true" : "false",
           asl_alloc_live());
    free(payload);
    return 0;
}
