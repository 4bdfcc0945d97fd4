/* Sleeping and waking: no wake-up is lost, and none is needed when something came in between. */
#include "base/random.h"
#include "disruptor/backoff.h"

#include <millrace/disruptor.h>

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROUNDS = 5000, RACES = 20000 };

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

/* Two threads pass a token to and fro, each asleep while the other has it. Each dawdles for a
 * random while before it announces its sleep, so that the announcement often meets the other's
 * wake-up. */
struct relay {
    alignas(MR_RING_PADDING) struct mr_park first;
    alignas(MR_RING_PADDING) struct mr_park second;
    alignas(MR_RING_PADDING) MR_ATOMIC(uint32_t) passes; /* even: the first thread's turn */
    alignas(MR_RING_PADDING) uint32_t unprotected; /* a sanitizer sees a missing happens-before */
};

static void relay_run(struct relay *relay, uint32_t self)
{
    struct mr_random random = {self};
    struct mr_park *own = self == 0 ? &relay->first : &relay->second;
    struct mr_park *others = self == 0 ? &relay->second : &relay->first;
    for (;;) {
        for (uint64_t i = mr_random_below(&random, 400); i > 0; i--)
            mr_relax();
        uint32_t ticket = mr_park_prepare(own);
        uint32_t passes = mr_atomic_load(&relay->passes, acquire);
        if (passes >= ROUNDS)
            break;
        if (passes % 2 != self) {
            mr_park_sleep(own, ticket, 0);
            continue;
        }
        relay->unprotected++;
        mr_atomic_store(&relay->passes, passes + 1, release);
        mr_park_wake(others);
    }
    mr_park_wake(others);
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

/* The race itself, many times and without sleeping: one thread makes something true and wakes,
 * while the other announces its sleep and looks. If it saw nothing, then it must have been woken.
 * The lines are apart, and each thread has read the one that it will read again before the race
 * begins: so the waker's store is late and its load early, unless a fence keeps them in order. */
struct race {
    alignas(MR_RING_PADDING) struct mr_park park;
    alignas(MR_RING_PADDING) MR_ATOMIC(uint32_t) come; /* the round up to which it has come true */
    alignas(MR_RING_PADDING) MR_ATOMIC(uint32_t) sleeper_round;
    alignas(MR_RING_PADDING) MR_ATOMIC(uint32_t) waker_round;
};

static void await(const MR_ATOMIC(uint32_t) * round, uint32_t value)
{
    const struct mr_wait yielding = {.kind = MR_WAIT_YIELD};
    struct mr_backoff backoff = mr_backoff_begin(&yielding, NULL);
    while (mr_atomic_load(round, acquire) < value)
        mr_backoff_pause(&backoff);
}

/* Some microseconds at most, so that every order of the two threads' steps comes up. */
static void dawdle(struct mr_random *random)
{
    for (volatile uint64_t i = mr_random_below(random, 2048); i > 0; i--)
        ;
}

/* The threads of the race must run at the same time: binds the caller to the first or the last CPU.
 */
static void bind_to_cpu(bool last)
{
    cpu_set_t allowed;
    cpu_set_t one;
    CPU_ZERO(&one);
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (!last)
            break;
    }
    sched_setaffinity(0, sizeof one, &one);
}

static void *race_waker(void *argument)
{
    struct race *race = argument;
    struct mr_random random = {1};
    bind_to_cpu(false);
    for (uint32_t round = 1; round <= RACES; round++) {
        (void)mr_atomic_load(&race->park.word, acquire);
        mr_atomic_store(&race->waker_round, 2 * round - 1, release);
        await(&race->sleeper_round, 2 * round - 1);
        dawdle(&random);
        mr_atomic_store(&race->come, round, release);
        mr_park_wake(&race->park);
        mr_atomic_store(&race->waker_round, 2 * round, release);
        await(&race->sleeper_round, 2 * round);
    }
    return NULL;
}

static void a_sleeper_that_saw_nothing_is_always_woken(void **state)
{
    (void)state;
    static struct race race;
    pthread_t waker;
    uint32_t lost = 0;
    cpu_set_t before;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    struct mr_random random = {2};
    assert_int_equal(pthread_create(&waker, NULL, race_waker, &race), 0);
    bind_to_cpu(true);
    for (uint32_t round = 1; round <= RACES; round++) {
        (void)mr_atomic_load(&race.come, acquire);
        mr_atomic_store(&race.sleeper_round, 2 * round - 1, release);
        await(&race.waker_round, 2 * round - 1);
        dawdle(&random);
        uint32_t ticket = mr_park_prepare(&race.park);
        bool seen = mr_atomic_load(&race.come, acquire) == round;
        await(&race.waker_round, 2 * round);
        lost += !seen && mr_atomic_load(&race.park.word, relaxed) == ticket;
        mr_park_wake(&race.park); /* empty again, whether seen or not */
        mr_atomic_store(&race.sleeper_round, 2 * round, release);
    }
    pthread_join(waker, NULL);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(lost, 0);
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
        cmocka_unit_test(a_sleeper_that_saw_nothing_is_always_woken),
        cmocka_unit_test(one_wake_up_reaches_every_sleeper),
    };
    return cmocka_run_group_tests_name("park", tests, NULL, NULL);
}
