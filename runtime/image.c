// Decodes a program's image (aslc/program.h) into tables.
//
// The JSON text is parsed once; constants stay values of that document, names are copied where a NUL is needed, paths
// are parsed when they are first used. The text comes from the compiler, so a mistake in it is a broken build, not a
// user's error: it is reported, but not with a position.
#include "engine.h"

#include <string.h>

/* Memory that lives as long as the image; freed in one go. */
struct block {
    struct block *next;
    size_t used, size;
    _Alignas(max_align_t) char bytes[];
};

static void *take(struct image *image, size_t size) {
    size = (size + 15) & ~(size_t)15;
    struct block *b = image->blocks;
    if (!b || b->size - b->used < size) {
        size_t room = size > 4000 ? size : 4000;
        b = asl_alloc(sizeof *b + room);
        *b = (struct block){.next = image->blocks, .size = room};
        image->blocks = b;
    }
    void *p = b->bytes + b->used;
    b->used += size;
    return memset(p, 0, size);
}

static const char *take_text(struct image *image, asl_str s) {
    char *z = take(image, s.size + 1);
    memcpy(z, s.data, s.size);
    return z;
}

static const asl_value *get(const asl_value *object, const char *key) {
    return object->tag == ASL_OBJECT ? asl_object_get(object, asl_str_z(key)) : NULL;
}

static const char *get_text(struct image *image, const asl_value *object, const char *key) {
    const asl_value *v = get(object, key);
    return v && v->tag == ASL_STRING ? take_text(image, asl_text_of(v)) : NULL;
}

static int64_t get_int(const asl_value *object, const char *key, int64_t otherwise) {
    const asl_value *v = get(object, key);
    int64_t i;
    return v && asl_is_number(v) && asl_number_as_int(v, &i) ? i : otherwise;
}

static double get_number(const asl_value *object, const char *key, double otherwise) {
    const asl_value *v = get(object, key);
    return v && asl_is_number(v) ? asl_number(v) : otherwise;
}

static bool get_bool(const asl_value *object, const char *key) {
    const asl_value *v = get(object, key);
    return v && v->tag == ASL_BOOL && v->b;
}

static uint32_t list_count(const asl_value *list) {
    return list && list->tag == ASL_ARRAY ? (uint32_t)asl_array_count(list) : 0;
}

static struct matcher decode_matcher(struct image *image, const asl_value *list) {
    struct matcher m = {.count = list_count(list)};
    m.names = take(image, m.count * sizeof *m.names);
    for (size_t i = 0; i < m.count; i++) m.names[i] = *asl_array_at(list, i);
    return m;
}

static void decode_retriers(struct image *image, struct site *site, const asl_value *list) {
    size_t count = list_count(list);
    struct retrier *r = take(image, count * sizeof *r);
    for (size_t i = 0; i < count; i++) {
        const asl_value *from = asl_array_at(list, i);
        r[i].errors = decode_matcher(image, get(from, "errorEquals"));
        r[i].interval_seconds = get_number(from, "intervalSeconds", 1);
        r[i].rate = get_number(from, "backoffRate", 2);
        r[i].max_attempts = get_int(from, "maxAttempts", 3);
        r[i].max_delay_seconds = get_int(from, "maxDelaySeconds", 0);
        r[i].jitter = get_bool(from, "jitter");
    }
    site->retriers = r;
    site->retrier_count = count;
    if (count > image->most_retriers) image->most_retriers = (uint32_t)count;
}

static void decode_catchers(struct image *image, struct site *site, const asl_value *list) {
    size_t count = list_count(list);
    struct matcher *m = take(image, count * sizeof *m);
    for (size_t i = 0; i < count; i++) m[i] = decode_matcher(image, asl_array_at(list, i));
    site->catchers = m;
    site->catcher_count = count;
}

static bool starts(const char *s, const char *with) { return strncmp(s, with, strlen(with)) == 0; }

static bool ends(const char *s, const char *with) {
    size_t n = strlen(s), m = strlen(with);
    return n >= m && strcmp(s + n - m, with) == 0;
}

/* Where the nth field of an ARN begins, counted from 0. */
static const char *arn_field(const char *arn, int n) {
    for (; n > 0; n--) {
        arn = strchr(arn, ':');
        if (!arn) return "";
        arn++;
    }
    return arn;
}

/* What a Resource tells by its form: which events it has, whether it answers through a token, how the service names it
   in States.DataLimitExceeded (aws-observed-behaviour 2.5). */
static void classify_resource(struct image *image, struct site *site) {
    const char *r = site->resource;
    const char *colon = strchr(r, ':');
    site->limit_name = r;
    site->is_arn = starts(r, "arn:");
    site->service = colon ? take_text(image, (asl_str){r, (size_t)(colon - r)}) : r;
    site->action = colon ? colon + 1 : r;
    if (!site->is_arn) return;
    site->action = r;
    const char *service = arn_field(r, 2), *region = arn_field(r, 3), *what = arn_field(r, 5);
    if (starts(service, "lambda:")) {
        site->resource_kind = RESOURCE_LAMBDA;
    } else if (starts(service, "states:") && starts(what, "activity:")) {
        site->resource_kind = RESOURCE_ACTIVITY;
        site->has_token = true;
    } else if (starts(service, "states:") && *region == ':') {
        const char *end = strchr(what, ':');
        if (end && starts(what, "aws-sdk:")) end = strchr(end + 1, ':');
        if (end) {
            site->limit_name = site->service = take_text(image, (asl_str){what, (size_t)(end - what)});
            site->action = end + 1;
        }
        site->submits = ends(r, ".sync") || ends(r, ".sync:2") || ends(r, ".waitForTaskToken");
        site->has_token = site->submits;
        site->callback = ends(r, ".waitForTaskToken");
    }
}

/* "machine/label" (asl-language 14.1). Without a Label the service makes one up; ours is the state's name with what a
   label must not hold replaced, so that it is the same in every run. */
static const char *child_machine(struct image *image, const struct site *site, const char *label) {
    const char *state = image->states[site->state].name_z;
    size_t name_size = strlen(image->name), size = strlen(label ? label : state);
    if (size > 40) size = 40;
    char *z = take(image, name_size + 1 + size + 1);
    memcpy(z, image->name, name_size);
    z[name_size] = '/';
    memcpy(z + name_size + 1, label ? label : state, size);
    for (char *c = z + name_size + 1; !label && *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 127 || strchr("?*<>{}[]:;,\\|^~$#%&`\"/", *c)) *c = '_';
    return z;
}

static int decode_site(struct image *image, struct site *site, const asl_value *from) {
    const asl_value *kind = get(from, "kind");
    asl_str k = kind && kind->tag == ASL_STRING ? asl_text_of(kind) : (asl_str){"", 0};
    if (asl_str_equal(k, ASL_STR("task"))) site->kind = SITE_TASK;
    else if (asl_str_equal(k, ASL_STR("parallel"))) site->kind = SITE_PARALLEL;
    else if (asl_str_equal(k, ASL_STR("map"))) site->kind = SITE_MAP;
    else if (asl_str_equal(k, ASL_STR("wait"))) site->kind = SITE_WAIT;
    else return -1;
    int64_t state = get_int(from, "state", -1);
    if (state < 0 || state >= image->state_count) return -1;
    site->state = (uint32_t)state;
    site->jsonata = get_bool(from, "jsonata");
    if (site->kind == SITE_TASK) {
        site->resource = get_text(image, from, "resource");
        if (!site->resource) return -1;
        classify_resource(image, site);
        site->timeout_seconds = get_int(from, "timeoutSeconds", 0);
        site->heartbeat_seconds = get_int(from, "heartbeatSeconds", 0);
        site->timeout_path = get_text(image, from, "timeoutPath");
        site->heartbeat_path = get_text(image, from, "heartbeatPath");
    } else if (site->kind == SITE_WAIT) {
        site->seconds_path = get_text(image, from, "secondsPath");
        site->timestamp_path = get_text(image, from, "timestampPath");
    } else {
        const asl_value *machines = get(from, "machines");
        site->machine_count = list_count(machines);
        uint32_t *m = take(image, site->machine_count * sizeof *m);
        for (size_t i = 0; i < site->machine_count; i++) {
            int64_t index;
            if (!asl_number_as_int(asl_array_at(machines, i), &index) || index < 0 || index >= image->machine_count)
                return -1;
            m[i] = (uint32_t)index;
        }
        site->machines = m;
        if (site->machine_count == 0) return -1;
    }
    if (site->kind == SITE_MAP) {
        site->max_concurrency = get_int(from, "maxConcurrency", 0);
        site->tolerates_count = get(from, "toleratedFailureCount") != NULL;
        site->tolerates_percentage = get(from, "toleratedFailurePercentage") != NULL;
        site->tolerated_count = get_int(from, "toleratedFailureCount", 0);
        site->tolerated_percentage = get_number(from, "toleratedFailurePercentage", 0);
        site->max_concurrency_path = get_text(image, from, "maxConcurrencyPath");
        site->tolerated_count_path = get_text(image, from, "toleratedFailureCountPath");
        site->tolerated_percentage_path = get_text(image, from, "toleratedFailurePercentagePath");
        site->items_path = get_text(image, from, "itemsPath");
        if (!site->items_path) site->items_path = "$";
        site->distributed = get_bool(from, "distributed");
        site->item_selector = get_bool(from, "itemSelector");
        if (site->distributed) site->child_machine = child_machine(image, site, get_text(image, from, "label"));
        const char *type = get_text(image, from, "executionType");
        site->express_children = type && strcmp(type, "EXPRESS") == 0;
    }
    decode_retriers(image, site, get(from, "retry"));
    decode_catchers(image, site, get(from, "catch"));
    return 0;
}

/* Every state is a resume point, one that waits is more than one, and the image says which. A Map's processor begins with a
   point of the Map's own, where the ItemSelector is evaluated. */
static bool machine_waits(const struct image *image, const asl_value *from) {
    const asl_value *states = get(from, "states");
    bool waits = list_count(states) == 0;
    for (uint32_t i = 0; i < list_count(states); i++) {
        const asl_value *n = asl_array_at(states, i);
        if (n->tag != ASL_INT || n->i < 0 || n->i >= image->state_count) continue;
        enum state_kind kind = image->states[n->i].kind;
        waits |= kind == STATE_TASK || kind == STATE_WAIT || kind == STATE_PARALLEL || (kind == STATE_MAP && i > 0);
    }
    return waits;
}

static int decode_machine(struct image *image, struct machine *m, const asl_value *from, asl_step *step) {
    m->name = get_text(image, from, "name");
    m->step = step;
    m->waits = machine_waits(image, from);
    const asl_value *slots = get(from, "slots"); /* of a quiet machine only their number */
    m->slots = slots && slots->tag == ASL_ARRAY ? list_count(slots) : (uint32_t)get_int(from, "slots", 0);
    const asl_value *captures = get(from, "captures");
    m->capture_count = list_count(captures);
    m->captures = take(image, m->capture_count * sizeof *m->captures);
    for (uint32_t i = 0; i < m->capture_count; i++) {
        const asl_value *pair = asl_array_at(captures, i);
        int64_t slot, parent;
        if (list_count(pair) != 2 || !asl_number_as_int(asl_array_at(pair, 0), &slot) ||
            !asl_number_as_int(asl_array_at(pair, 1), &parent) || slot < 0 || slot >= m->slots)
            return -1;
        m->captures[i] = (struct image_capture){(uint32_t)slot, (uint32_t)parent};
    }
    return m->name && m->slots > 0 && step ? 0 : -1;
}

static int decode_state(struct image *image, struct image_state *s, const asl_value *from) {
    static const char *const kinds[] = {
#define STATE(id, name) name,
#include "events.def"
#undef STATE
    };
    const asl_value *name = get(from, "name"), *type = get(from, "type");
    if (!name || name->tag != ASL_STRING || !type || type->tag != ASL_STRING) return -1;
    s->name = *name;
    s->name_z = take_text(image, asl_text_of(name));
    for (int i = 0; i < STATE_KINDS; i++) {
        if (!asl_str_equal(asl_text_of(type), asl_str_z(kinds[i]))) continue;
        s->kind = (enum state_kind)i;
        return 0;
    }
    return -1;
}

static int decode_tables(struct image *image, const asl_program *program) {
    const asl_value *root = &image->root;
    const asl_value *constants = get(root, "constants"), *paths = get(root, "paths"), *states = get(root, "states"),
                    *machines = get(root, "machines"), *sites = get(root, "sites"), *bindings = get(root, "bindings");

    image->constant_count = list_count(constants);
    image->constants = take(image, image->constant_count * sizeof *image->constants);
    image->keys = take(image, image->constant_count * sizeof *image->keys);
    for (uint32_t i = 0; i < image->constant_count; i++) image->constants[i] = asl_array_at(constants, i);

    image->path_count = list_count(paths);
    image->paths = take(image, image->path_count * sizeof *image->paths);
    for (uint32_t i = 0; i < image->path_count; i++) {
        image->paths[i].text = *asl_array_at(paths, i);
        if (image->paths[i].text.tag != ASL_STRING) return -1;
    }

    image->state_count = list_count(states);
    image->states = take(image, image->state_count * sizeof *image->states);
    for (uint32_t i = 0; i < image->state_count; i++)
        if (decode_state(image, &image->states[i], asl_array_at(states, i)) < 0) return -1;

    image->machine_count = list_count(machines);
    if (image->machine_count == 0 || image->machine_count != program->step_count) return -1;
    image->machines = take(image, image->machine_count * sizeof *image->machines);
    for (uint32_t i = 0; i < image->machine_count; i++)
        if (decode_machine(image, &image->machines[i], asl_array_at(machines, i), program->steps[i]) < 0) return -1;

    int64_t quiet = get_int(root, "quiet", 0);
    if (quiet && (quiet < 0 || quiet * 2 != (int64_t)image->machine_count)) return -1;
    image->quiet = (uint32_t)quiet;
    image->cache_count = (uint32_t)get_int(root, "caches", 0);
    image->caches = take(image, image->cache_count * sizeof *image->caches);
    for (uint32_t i = 0; i < image->quiet; i++) image->machines[i + image->quiet].waits = image->machines[i].waits;

    image->site_count = list_count(sites);
    image->sites = take(image, image->site_count * sizeof *image->sites);
    for (uint32_t i = 0; i < image->site_count; i++)
        if (decode_site(image, &image->sites[i], asl_array_at(sites, i)) < 0) return -1;

    image->binding_count = list_count(bindings);
    image->bindings = take(image, image->binding_count * sizeof *image->bindings);
    for (uint32_t i = 0; i < image->binding_count; i++) {
        const asl_value *from = asl_array_at(bindings, i);
        struct image_binding *b = &image->bindings[i];
        b->pattern = get_text(image, from, "pattern");
        b->handler = get_text(image, from, "handler");
        int64_t thunk = get_int(from, "thunk", -1);
        b->thunk = thunk >= 0 ? (uint32_t)thunk : ASL_NO_OPERAND;
        if (!b->pattern || !b->handler) return -1;
    }
    return 0;
}

int asl__image_decode(struct image *image, const asl_program *program, char *message, size_t message_size) {
    *image = (struct image){0};
    if (program->abi != ASL_ABI) {
        snprintf(message, message_size, "the program was compiled for another runtime: it has ABI %u, this runtime %d",
                 program->abi, ASL_ABI);
        return -1;
    }
    asl_json_error error;
    asl_json_limits limits = {.lone_surrogates = true};
    if (asl_json_parse((asl_str){program->image, program->image_size}, &limits, &image->root, &error) < 0) {
        snprintf(message, message_size, "the program's image is damaged: byte %zu: %s", error.offset, error.message);
        return -1;
    }
    image->name = get_text(image, &image->root, "name");
    const char *type = get_text(image, &image->root, "type");
    image->express = type && strcmp(type, "EXPRESS") == 0;
    image->timeout_seconds = get_int(&image->root, "timeoutSeconds", 0);
    if (get_int(&image->root, "abi", 0) != ASL_ABI || !image->name || decode_tables(image, program) < 0) {
        snprintf(message, message_size, "the program's image is damaged: its tables do not fit together");
        asl__image_free(image);
        return -1;
    }
    return 0;
}

void asl__image_free(struct image *image) {
    for (uint32_t i = 0; i < image->path_count && image->paths; i++) asl_path_free(image->paths[i].path);
    for (uint32_t i = 0; i < image->constant_count && image->keys; i++)
        if (image->keys[i]) asl_text_release(image->keys[i]);
    for (uint32_t i = 0; i < image->cache_count && image->caches; i++)
        if (image->caches[i].key) asl_text_release(image->caches[i].key);
    for (uint32_t i = 0; i < image->machine_count && image->machines; i++) {
        while (image->machines[i].pool) {
            struct frame *f = image->machines[i].pool;
            image->machines[i].pool = f->next;
            asl__task_free_spare(f);
            asl_free(f);
        }
    }
    while (image->blocks) {
        struct block *b = image->blocks;
        image->blocks = b->next;
        asl_free(b);
    }
    asl_release(image->root);
    *image = (struct image){0};
}

const asl_path *asl__image_path(struct image *image, uint32_t p) {
    asl_assert(p < image->path_count);
    struct image_path *path = &image->paths[p];
    if (!path->path) {
        path->path = asl_path_parse(asl_text_of(&path->text), NULL);
        asl_assert(path->path && "the compiler has checked every path");
    }
    return path->path;
}

asl_text *asl__image_key(struct image *image, uint32_t k) {
    asl_assert(k < image->constant_count && image->constants[k]->tag == ASL_STRING);
    if (!image->keys[k]) image->keys[k] = asl_text_new(asl_text_of(image->constants[k]));
    return image->keys[k];
}
