// The uv loop: where handlers wait for what is outside the process.
//
// The engine knows it by a table of calls that it has once a handler has asked for a loop; a program without handlers, whose
// executions at most wait for a time, then links neither this file nor libuv (engine.c sleeps by itself).
#include "engine.h"

#include <stdatomic.h>
#include <uv.h>

static void on_wake(uv_async_t *wake) { (void)wake; }
static void on_timer(uv_timer_t *timer) { (void)timer; } /* the engine looks at its heap afterwards */

static bool loop_alive(const asl_engine *e) { return uv_loop_alive(e->loop); }

static void loop_turn(asl_engine *e, bool waits) { uv_run(e->loop, waits ? UV_RUN_ONCE : UV_RUN_NOWAIT); }

static void loop_sleep(asl_engine *e, int64_t ms) {
    if (ms >= 0) {
        uv_update_time(e->loop);
        uv_timer_start(e->timer, on_timer, (uint64_t)ms, 0);
    }
    uv_run(e->loop, UV_RUN_ONCE);
    uv_timer_stop(e->timer);
}

static void loop_wake(asl_engine *e) { uv_async_send(e->wake); }

static int loop_descriptor(const asl_engine *e) { return uv_backend_fd(e->loop); }

static int64_t loop_timeout(asl_engine *e) {
    if (!uv_loop_alive(e->loop)) return -1;
    uv_update_time(e->loop);
    return uv_backend_timeout(e->loop);
}

static void close_handle(uv_handle_t *h, void *unused) {
    (void)unused;
    if (!uv_is_closing(h)) uv_close(h, NULL);
}

static void loop_close(asl_engine *e) {
    uv_close((uv_handle_t *)e->timer, NULL);
    uv_close((uv_handle_t *)e->wake, NULL);
    uv_run(e->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(e->loop) == UV_EBUSY) { /* a handler of the user's left something open */
        uv_walk(e->loop, close_handle, NULL);
        uv_run(e->loop, UV_RUN_DEFAULT);
        uv_loop_close(e->loop);
    }
    asl_free(e->timer);
    asl_free(e->wake);
    asl_free(e->loop);
}

static const struct asl__loop_calls calls = {
    .alive = loop_alive, .turn = loop_turn, .sleep = loop_sleep, .wake = loop_wake, .descriptor = loop_descriptor,
    .timeout = loop_timeout, .close = loop_close};

struct uv_loop_s *asl__engine_loop(asl_engine *e) {
    if (e->loop) return e->loop;
    uv_loop_t *loop = asl_alloc(sizeof *loop);
    e->timer = asl_alloc(sizeof *e->timer);
    e->wake = asl_alloc(sizeof *e->wake);
    int rc = uv_loop_init(loop);
    if (rc == 0) rc = uv_timer_init(loop, e->timer);
    if (rc == 0) rc = uv_async_init(loop, e->wake, on_wake);
    if (rc < 0) {
        fprintf(stderr, "cannot make an event loop: %s\n", uv_strerror(rc)); /* no descriptors left: as out of memory */
        abort();
    }
    uv_unref((uv_handle_t *)e->wake);
    e->loop_calls = &calls;
    e->loop = loop;
    atomic_signal_fence(memory_order_seq_cst); /* the signal handler must find wake when it finds can_wake */
    e->can_wake = 1;
    return loop;
}

struct uv_loop_s *asl_task_loop(asl_task *task) { return asl__engine_loop(asl__task_engine(task)); }
