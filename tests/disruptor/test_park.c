/* Sleeping and waking: no wake-up is lost, and none is needed when something came in between. */
#include "base/random.h"
#include "disruptor/backoff.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROUNDS = 20000 };

static void waking_an_empty_park_changes_nothing(void **state)
{
    (void)state;
    struct mr_park park = {0};
    mr_park_wake(&park);
    assert_int_equal(mr_atomic_load(&park.word, relaxed), 0);
}

static void a_wake_up_between_prepare_and_sleep_prevents_the_sleep(void **state)
{
    (void)state;
    struct mr_park park = {0};
    uint32_t ticket = mr_park_prepare(&park);
    mr_park_wake(&park);
    mr_park_sleep(&park, ticket, 0); /* would hang here */
    assert_int_equal(mr_atomic_load(&park.word, relaxed) & MR_PARK_OCCUPIED, 0);
}

static void only_the_first_waker_after_an_announcement_acts(void **state)
{
    (void)state;
    struct mr_park park = {0};
    mr_park_prepare(&park);
    mr_park_wake(&park);
    uint32_t after_first = mr_atomic_load(&park.word, relaxed);
    mr_park_wake(&park);
    assert_int_equal(mr_atomic_load(&park.word, relaxed), after_first);
}

static void a_stale_waker_cannot_clear_a_later_announcement(void **state)
{
    (void)state;
    struct mr_park park = {0};
    uint32_t stale = mr_park_prepare(&park);
    mr_park_wake(&park);
    uint32_t ticket = mr_park_prepare(&park);
    mr_park_wake_sleepers(&park, stale);
    assert_int_equal(mr_atomic_load(&park.word, relaxed), ticket);
}

static void a_sleep_with_a_limit_ends_without_a_waker(void **state)
{
    (void)state;
    struct mr_park park = {0};
    uint32_t ticket = mr_park_prepare(&park);
    mr_park_sleep(&park, ticket, 1000);
    mr_park_sleep(&park, ticket, UINT64_C(1000000) + 1);
}

/* Two threads pass a token to and fro, each asleep while the other has it. Each dawdles for a random
 * while before it announces its sleep, so that the announcement often meets the other's wake-up. */
struct relay {
    struct mr_park parks[2];
    MR_ATOMIC(uint32_t) passes; /* even: the first thread's turn */
    uint32_t unprotected;       /* so that a sanitizer sees a missing happens-before */
};

static void relay_run(struct relay *relay, uint32_t self)
{
    struct mr_random random = {self};
    for (;;) {
        for (uint64_t i = mr_random_below(&random, 400); i > 0; i--)
            mr_relax();
        uint32_t ticket = mr_park_prepare(&relay->parks[self]);
        uint32_t passes = mr_atomic_load(&relay->passes, acquire);
        if (passes >= ROUNDS)
            break;
        if (passes % 2 != self) {
            mr_park_sleep(&relay->parks[self], ticket, 0);
            continue;
        }
        relay->unprotected++;
        mr_atomic_store(&relay->passes, passes + 1, release);
        mr_park_wake(&relay->parks[1 - self]);
    }
    mr_park_wake(&relay->parks[1 - self]);
}

static void *relay_second(void *argument)
{
    relay_run(argument, 1);
    return NULL;
}

static void a_token_passed_between_sleepers_is_never_lost(void **state)
{
    (void)state;
    struct relay relay = {0};
    pthread_t second;
    assert_int_equal(pthread_create(&second, NULL, relay_second, &relay), 0);
    relay_run(&relay, 0);
    pthread_join(second, NULL);
    assert_int_equal(relay.unprotected, ROUNDS);
}

/* Several sleepers, one park: a wake-up reaches all. */
struct crowd {
    struct mr_park park;
    MR_ATOMIC(uint32_t) open;
};

static void *crowd_member(void *argument)
{
    struct crowd *crowd = argument;
    for (;;) {
        uint32_t ticket = mr_park_prepare(&crowd->park);
        if (mr_atomic_load(&crowd->open, acquire) != 0)
            return NULL;
        mr_park_sleep(&crowd->park, ticket, 0);
    }
}

static void one_wake_up_reaches_every_sleeper(void **state)
{
    (void)state;
    enum { MEMBERS = 4, CROWDS = 50 };
    for (int round = 0; round < CROWDS; round++) {
        struct crowd crowd = {0};
        pthread_t threads[MEMBERS];
        for (int i = 0; i < MEMBERS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, crowd_member, &crowd), 0);
        mr_atomic_store(&crowd.open, 1U, release);
        mr_park_wake(&crowd.park);
        for (int i = 0; i < MEMBERS; i++)
            pthread_join(threads[i], NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waking_an_empty_park_changes_nothing),
        cmocka_unit_test(a_wake_up_between_prepare_and_sleep_prevents_the_sleep),
        cmocka_unit_test(only_the_first_waker_after_an_announcement_acts),
        cmocka_unit_test(a_stale_waker_cannot_clear_a_later_announcement),
        cmocka_unit_test(a_sleep_with_a_limit_ends_without_a_waker),
        cmocka_unit_test(a_token_passed_between_sleepers_is_never_lost),
        cmocka_unit_test(one_wake_up_reaches_every_sleeper),
    };
    return cmocka_run_group_tests_name("park", tests, NULL, NULL);
}
