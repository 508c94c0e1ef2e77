// Timers: in order of their time, then of their creation; stopping; many of them.
#include "engine.h"
#include "test.h"

struct mark {
    struct timer timer;
    int number;
};

static int fired[100000], fired_count;

static void fire(struct timer *t) { fired[fired_count++] = container_of(t, struct mark, timer)->number; }

static void run_until(struct clock *c, int64_t ms) {
    c->now_ms = ms;
    while (asl__timers_fire(c)) {
    }
}

TEST(order) {
    struct clock c;
    asl__clock_init(&c, true, 1000);
    CHECK_EQ(c.now_ms, 1000);
    struct mark m[6] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}, {.number = 5}};
    int64_t due[6] = {3000, 2000, 2000, 5000, 2000, 1000};
    fired_count = 0;
    for (int i = 0; i < 6; i++) asl__timer_start(&c, &m[i].timer, due[i], fire);
    CHECK_EQ(asl__timer_next(&c)->due_ms, 1000);
    asl__timer_stop(&c, &m[2].timer);
    asl__timer_stop(&c, &m[2].timer); /* once more is fine */
    run_until(&c, 4999);
    CHECK_EQ(fired_count, 4);
    int wanted[] = {5, 1, 4, 0};
    for (int i = 0; i < 4; i++) CHECK_EQ(fired[i], wanted[i]);
    run_until(&c, 5000);
    CHECK_EQ(fired_count, 5);
    CHECK(asl__timer_next(&c) == NULL);
    asl__clock_free(&c);
}

TEST(restarting_moves_to_the_end) {
    struct clock c;
    asl__clock_init(&c, true, 1);
    struct mark a = {.number = 1}, b = {.number = 2};
    fired_count = 0;
    asl__timer_start(&c, &a.timer, 10, fire);
    asl__timer_start(&c, &b.timer, 10, fire);
    asl__timer_start(&c, &a.timer, 10, fire);
    run_until(&c, 10);
    CHECK_EQ(fired_count, 2);
    CHECK_EQ(fired[0], 2);
    CHECK_EQ(fired[1], 1);
    asl__clock_free(&c);
}

/* Against the obvious: random times, a third of them stopped again. */
TEST(many) {
    enum { N = 20000 };
    struct clock c;
    struct asl__random r;
    asl__random_seed(&r, 7);
    asl__clock_init(&c, true, 1);
    struct mark *m = asl_calloc(N, sizeof *m);
    size_t running = 0;
    fired_count = 0;
    for (int i = 0; i < N; i++) {
        m[i].number = i;
        asl__timer_start(&c, &m[i].timer, 1 + (int64_t)(asl__random_next(&r) % 1000), fire);
        running++;
        if (asl__random_next(&r) % 3 == 0) {
            struct mark *victim = &m[asl__random_next(&r) % (uint64_t)(i + 1)];
            if (victim->timer.position) running--;
            asl__timer_stop(&c, &victim->timer);
        }
    }
    int seen = 0;
    for (const struct timer *t = NULL; (t = asl__timer_any(&c, t));) seen++;
    CHECK_EQ(seen, running);
    run_until(&c, 2000);
    CHECK_EQ(fired_count, running);
    for (int i = 1; i < fired_count; i++) {
        struct timer *a = &m[fired[i - 1]].timer, *b = &m[fired[i]].timer;
        CHECK(a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->order < b->order));
    }
    asl_free(m);
    asl__clock_free(&c);
}

TEST(real_clock_goes_on) {
    struct clock c;
    asl__clock_init(&c, false, 5);
    CHECK(c.now_ms > INT64_C(1600000000000)); /* start_ms is for the virtual clock only */
    int64_t before = c.now_ms;
    asl__clock_update(&c);
    CHECK(c.now_ms >= before);
    asl__clock_free(&c);
}
