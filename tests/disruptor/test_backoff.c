/* The order in which a waiting thread spins, yields and sleeps, and when it gives up. */
#include "base/clock.h"
#include "disruptor/backoff.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* What a backoff asks of base and the system. A program's own functions go before those of the
 * libraries, so these here are called instead: time passes only as a test wants it to. */
static struct {
    uint64_t now_ns;
    uint64_t step_ns; /* passes with each look at the clock */
    uint32_t looks;
    uint32_t yields;
    uint32_t naps;
    uint64_t nap_ns; /* the last one */
} world;

uint64_t mr_monotonic_ns(void)
{
    world.looks++;
    world.now_ns += world.step_ns;
    return world.now_ns;
}

int sched_yield(void)
{
    world.yields++;
    return 0;
}

int clock_nanosleep(clockid_t id, int flags, const struct timespec *req, struct timespec *rem)
{
    (void)rem;
    assert_int_equal(id, CLOCK_MONOTONIC);
    assert_int_equal(flags, 0);
    world.naps++;
    world.nap_ns = (uint64_t)req->tv_sec * UINT64_C(1000000000) + (uint64_t)req->tv_nsec;
    world.now_ns += world.nap_ns;
    return 0;
}

static int world_begins(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    return 0;
}

static const enum mr_wait_kind kinds[] = {MR_WAIT_PARK, MR_WAIT_YIELD, MR_WAIT_SPIN, MR_WAIT_SLEEP};
enum { KINDS = sizeof kinds / sizeof kinds[0], USUAL_TURNS = MR_WAIT_SPINS + MR_WAIT_YIELDS };

static struct mr_backoff begin(enum mr_wait_kind kind, struct mr_park *park)
{
    const struct mr_wait wait = {.kind = kind};
    return mr_backoff_begin(&wait, park);
}

static void turns_pass(struct mr_backoff *backoff, int count)
{
    for (int i = 0; i < count; i++)
        assert_true(mr_backoff_pause(backoff));
}

/* -- Kinds. ------------------------------------------------------------------------------------ */

static void only_the_four_kinds_are_valid(void **state)
{
    (void)state;
    for (int kind = -2; kind < 8; kind++) {
        const struct mr_wait wait = {.kind = (enum mr_wait_kind)kind};
        bool known = false;
        for (int k = 0; k < KINDS; k++)
            known = known || kind == (int)kinds[k];
        assert_int_equal(mr_wait_is_valid(&wait), known);
    }
}

static void spinning_never_gives_up_the_core(void **state)
{
    (void)state;
    struct mr_park park = {0};
    struct mr_backoff backoff = begin(MR_WAIT_SPIN, &park);
    turns_pass(&backoff, 1000);
    assert_int_equal(world.yields, 0);
    assert_int_equal(world.naps, 0);
    assert_int_equal(backoff.sleeps, 0);
    assert_int_equal(mr_atomic_load(&park.word, relaxed), 0);
}

static void yielding_begins_after_the_spins_and_never_sleeps(void **state)
{
    (void)state;
    struct mr_park park = {0};
    struct mr_backoff backoff = begin(MR_WAIT_YIELD, &park);
    turns_pass(&backoff, MR_WAIT_SPINS);
    assert_int_equal(world.yields, 0);
    turns_pass(&backoff, 1000);
    assert_int_equal(world.yields, 1000);
    assert_int_equal(world.naps, 0);
    assert_int_equal(backoff.sleeps, 0);
    assert_int_equal(mr_atomic_load(&park.word, relaxed), 0);
}

static void parking_announces_only_after_spins_and_yields(void **state)
{
    (void)state;
    struct mr_park park = {0};
    struct mr_backoff backoff = begin(MR_WAIT_PARK, &park);
    turns_pass(&backoff, USUAL_TURNS);
    assert_int_equal(world.yields, MR_WAIT_YIELDS);
    assert_false(backoff.prepared);
    assert_int_equal(mr_atomic_load(&park.word, relaxed), 0);
    turns_pass(&backoff, 1);
    assert_true(backoff.prepared);
    assert_int_equal(mr_atomic_load(&park.word, relaxed), MR_PARK_OCCUPIED);
}

static void a_wake_up_after_the_announcement_prevents_the_sleep(void **state)
{
    (void)state;
    struct mr_park park = {0};
    struct mr_backoff backoff = begin(MR_WAIT_PARK, &park);
    turns_pass(&backoff, USUAL_TURNS + 1);
    mr_park_wake(&park);
    turns_pass(&backoff, 1); /* would hang here */
    assert_false(backoff.prepared);
}

static void a_sleep_in_vain_is_followed_by_another_without_spinning(void **state)
{
    (void)state;
    struct mr_park park = {0};
    const struct mr_wait wait = {.kind = MR_WAIT_PARK, .sleep_ns = 1};
    struct mr_backoff backoff = mr_backoff_begin(&wait, &park);
    turns_pass(&backoff, USUAL_TURNS + 2);
    assert_false(backoff.prepared);
    turns_pass(&backoff, 1);
    assert_true(backoff.prepared);
}

static void sleeping_naps_after_spins_and_yields_and_never_announces(void **state)
{
    (void)state;
    struct mr_park park = {0};
    struct mr_backoff backoff = begin(MR_WAIT_SLEEP, &park);
    turns_pass(&backoff, USUAL_TURNS);
    assert_int_equal(world.yields, MR_WAIT_YIELDS);
    assert_int_equal(world.naps, 0);
    for (uint32_t nap = 1; nap <= 3; nap++) {
        turns_pass(&backoff, 1);
        assert_int_equal(world.naps, nap);
        assert_int_equal(world.nap_ns, MR_WAIT_SLEEP_NS);
        assert_int_equal(mr_atomic_load(&park.word, relaxed), 0);
    }
    assert_int_equal(world.yields, MR_WAIT_YIELDS);
}

static void parking_without_a_park_naps_instead(void **state)
{
    (void)state;
    struct mr_backoff backoff = begin(MR_WAIT_PARK, NULL);
    turns_pass(&backoff, USUAL_TURNS);
    assert_int_equal(world.naps, 0);
    turns_pass(&backoff, 1);
    assert_int_equal(world.naps, 1);
    assert_int_equal(world.nap_ns, MR_WAIT_SLEEP_NS);
}

static void a_nap_has_an_end_also_where_a_park_would_have_none(void **state)
{
    (void)state;
    const enum mr_wait_kind nappers[] = {MR_WAIT_PARK, MR_WAIT_SLEEP};
    for (int k = 0; k < 2; k++) {
        const struct mr_wait wait = {.kind = nappers[k], .sleep_ns = MR_WAIT_FOREVER};
        struct mr_backoff backoff = mr_backoff_begin(&wait, NULL);
        turns_pass(&backoff, USUAL_TURNS + 1);
        assert_int_equal(world.nap_ns, MR_WAIT_SLEEP_NS);
    }
}

static void the_callers_numbers_go_before_the_usual_ones(void **state)
{
    (void)state;
    const struct mr_wait wait = {
        .kind = MR_WAIT_SLEEP, .spins = 3, .yields = 2, .sleep_ns = UINT64_C(7123456789)};
    struct mr_backoff backoff = mr_backoff_begin(&wait, NULL);
    turns_pass(&backoff, 3);
    assert_int_equal(world.yields, 0);
    turns_pass(&backoff, 2);
    assert_int_equal(world.yields, 2);
    assert_int_equal(world.naps, 0);
    turns_pass(&backoff, 1);
    assert_int_equal(world.naps, 1);
    assert_int_equal(world.nap_ns, UINT64_C(7123456789));
}

static void a_reset_begins_with_spinning_again(void **state)
{
    (void)state;
    struct mr_park park = {0};
    struct mr_backoff parking = begin(MR_WAIT_PARK, &park);
    turns_pass(&parking, USUAL_TURNS + 1);
    mr_backoff_reset(&parking);
    turns_pass(&parking, USUAL_TURNS);
    assert_false(parking.prepared);

    struct mr_backoff sleeping = begin(MR_WAIT_SLEEP, NULL);
    turns_pass(&sleeping, USUAL_TURNS + 1);
    mr_backoff_reset(&sleeping);
    turns_pass(&sleeping, USUAL_TURNS);
    assert_int_equal(world.naps, 1);
}

static void each_sleep_is_counted_and_nothing_else(void **state)
{
    (void)state;
    struct mr_park park = {0};
    const struct mr_wait waits[] = {{.kind = MR_WAIT_SLEEP, .sleep_ns = 1},
                                    {.kind = MR_WAIT_PARK, .sleep_ns = 1}};
    for (int w = 0; w < 2; w++) {
        const int turns_each = waits[w].kind == MR_WAIT_PARK ? 2 : 1; /* announced before */
        struct mr_backoff backoff = mr_backoff_begin(&waits[w], &park);
        turns_pass(&backoff, USUAL_TURNS);
        assert_int_equal(backoff.sleeps, 0);
        turns_pass(&backoff, 5 * turns_each);
        assert_int_equal(backoff.sleeps, 5);
        mr_backoff_reset(&backoff); /* goes on counting */
        turns_pass(&backoff, USUAL_TURNS + turns_each);
        assert_int_equal(backoff.sleeps, 6);
    }
}

/* -- Time limits. ------------------------------------------------------------------------------ */

static void a_wait_without_a_time_limit_never_looks_at_the_clock(void **state)
{
    (void)state;
    struct mr_park park = {0};
    for (int k = 0; k < KINDS; k++) {
        const struct mr_wait wait = {.kind = kinds[k], .sleep_ns = 1};
        struct mr_backoff backoff = mr_backoff_begin(&wait, &park);
        turns_pass(&backoff, 1000);
    }
    assert_int_equal(world.looks, 0);
}

/* Waits until the time limit ends it; it must not before. */
static void wait_out(const struct mr_wait *wait, struct mr_park *park)
{
    const uint64_t begun_ns = world.now_ns;
    struct mr_backoff backoff = mr_backoff_begin(wait, park);
    for (int turn = 0; turn < 1000000; turn++)
        if (!mr_backoff_pause(&backoff)) {
            assert_true(world.now_ns - begun_ns >= wait->timeout_ns);
            return;
        }
    fail_msg("a wait of kind %d goes on after its time limit", (int)wait->kind);
}

static void a_time_limit_ends_every_kind_of_wait_and_not_before(void **state)
{
    (void)state;
    struct mr_park park = {0};
    world.step_ns = 100;
    for (uint64_t timeout_ns = 1; timeout_ns < 100000; timeout_ns *= 3) {
        for (int k = 0; k < KINDS; k++) {
            struct mr_wait wait = {.kind = kinds[k], .sleep_ns = 500, .timeout_ns = timeout_ns};
            wait_out(&wait, &park);
            wait_out(&wait, NULL);
            wait.spins = wait.yields = 1;
            wait_out(&wait, &park);
        }
    }
}

static void a_time_limit_is_seen_while_it_still_spins(void **state)
{
    (void)state;
    struct mr_park park = {0};
    world.step_ns = 100;
    for (int k = 0; k < KINDS; k++) {
        const struct mr_wait wait = {.kind = kinds[k], .spins = UINT32_MAX, .timeout_ns = 1000};
        wait_out(&wait, &park);
    }
    assert_int_equal(world.yields, 0);
}

static void a_nap_is_no_longer_than_the_time_that_is_left(void **state)
{
    (void)state;
    const struct mr_wait wait = {
        .kind = MR_WAIT_SLEEP, .spins = 1, .yields = 1, .sleep_ns = 700, .timeout_ns = 1000};
    struct mr_backoff backoff = mr_backoff_begin(&wait, NULL);
    turns_pass(&backoff, 3);
    assert_int_equal(world.nap_ns, 700);
    turns_pass(&backoff, 1);
    assert_int_equal(world.nap_ns, 300);
    assert_false(mr_backoff_pause(&backoff));
}

static void a_parked_wait_without_a_waker_sleeps_no_longer_than_the_time_that_is_left(void **state)
{
    (void)state;
    struct mr_park park = {0};
    const uint64_t longest_sleeps_ns[] = {0, MR_WAIT_FOREVER, UINT64_C(1) << 60};
    for (int i = 0; i < 3; i++) {
        const struct mr_wait wait = {.kind = MR_WAIT_PARK,
                                     .spins = 1,
                                     .yields = 1,
                                     .sleep_ns = longest_sleeps_ns[i],
                                     .timeout_ns = 1000};
        struct mr_backoff backoff = mr_backoff_begin(&wait, &park);
        turns_pass(&backoff, 4); /* would hang here */
        assert_int_equal(backoff.sleeps, 1);
        world.now_ns += 1000;
        assert_false(mr_backoff_pause(&backoff));
    }
}

static void a_limit_beyond_the_end_of_time_is_none(void **state)
{
    (void)state;
    struct mr_park park = {0};
    const uint64_t timeouts[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 4999};
    for (int t = 0; t < 3; t++) {
        for (int k = 0; k < KINDS; k++) {
            const struct mr_wait wait = {
                .kind = kinds[k], .spins = 1, .sleep_ns = 1, .timeout_ns = timeouts[t]};
            world.now_ns = 5000;
            struct mr_backoff backoff = mr_backoff_begin(&wait, &park);
            world.now_ns = UINT64_C(1) << 63;
            turns_pass(&backoff, 1000);
        }
    }
}

#define TEST(claim) cmocka_unit_test_setup(claim, world_begins)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_the_four_kinds_are_valid),
        TEST(spinning_never_gives_up_the_core),
        TEST(yielding_begins_after_the_spins_and_never_sleeps),
        TEST(parking_announces_only_after_spins_and_yields),
        TEST(a_wake_up_after_the_announcement_prevents_the_sleep),
        TEST(a_sleep_in_vain_is_followed_by_another_without_spinning),
        TEST(sleeping_naps_after_spins_and_yields_and_never_announces),
        TEST(parking_without_a_park_naps_instead),
        TEST(a_nap_has_an_end_also_where_a_park_would_have_none),
        TEST(the_callers_numbers_go_before_the_usual_ones),
        TEST(a_reset_begins_with_spinning_again),
        TEST(each_sleep_is_counted_and_nothing_else),
        TEST(a_wait_without_a_time_limit_never_looks_at_the_clock),
        TEST(a_time_limit_ends_every_kind_of_wait_and_not_before),
        TEST(a_time_limit_is_seen_while_it_still_spins),
        TEST(a_nap_is_no_longer_than_the_time_that_is_left),
        TEST(a_parked_wait_without_a_waker_sleeps_no_longer_than_the_time_that_is_left),
        TEST(a_limit_beyond_the_end_of_time_is_none),
    };
    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
