/* Runners without work: how they pass the time, and that nothing that comes is overlooked. */
#include "disruptor/backoff.h"
#include "tests/disruptor/agent_fixture.h"

#include <millrace/agent.h>

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

enum { HAND_OVERS = 5000 };

static struct mr_runner runner;

static _Thread_local uint64_t own_yields;

/* The program's own goes before the system's: it counts, and does the same. */
int sched_yield(void)
{
    own_yields++;
    return (int)syscall(SYS_sched_yield);
}

static int idle(void *context)
{
    MR_ATOMIC(uint64_t) *yields = context;
    mr_atomic_store(yields, own_yields, relaxed);
    return 0;
}

/* Lets an idle runner turn until it has slept, or turned often. Returns its yields. */
static uint64_t idle_for_a_while(const struct mr_runner_options *options, bool sleeps)
{
    MR_ATOMIC(uint64_t) yields = 0;
    const struct mr_agent agent = {.name = "idle", .work = idle, .context = &yields};
    const struct mr_agent *const members[] = {&agent};
    assert_int_equal(mr_runner_init(&runner, options, members, 1, NULL), MR_OK);
    assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
    const struct mr_agent_counters *counters = mr_runner_agent_counters(&runner, 0);
    while (mr_atomic_load(&counters->turns, relaxed) < 1000 ||
           (sleeps && mr_runner_sleeps(&runner) < 5))
        sched_yield();
    mr_runner_stop(&runner);
    assert_int_equal(mr_runner_join(&runner), MR_OK);
    assert_int_equal(mr_atomic_load(&counters->busy, relaxed), 0);
    return mr_atomic_load(&yields, relaxed);
}

static void an_idle_runner_passes_the_time_as_its_options_say(void **state)
{
    (void)state;
    const struct mr_wait few = {.spins = 1, .yields = 3, .sleep_ns = 1000};
    struct mr_runner_options options = {.wait = few};

    options.wait.kind = MR_WAIT_SPIN;
    assert_int_equal(idle_for_a_while(&options, false), 0);
    assert_int_equal(mr_runner_sleeps(&runner), 0);
    assert_int_equal(mr_atomic_load(&runner.park.word, relaxed), 0);

    options.wait.kind = MR_WAIT_YIELD;
    assert_true(idle_for_a_while(&options, false) > 3);
    assert_int_equal(mr_runner_sleeps(&runner), 0);
    assert_int_equal(mr_atomic_load(&runner.park.word, relaxed), 0);

    options.wait.kind = MR_WAIT_SLEEP;
    assert_int_equal(idle_for_a_while(&options, true), 3);
    assert_int_equal(mr_atomic_load(&runner.park.word, relaxed), 0); /* never announced */

    options.wait.kind = MR_WAIT_PARK;
    assert_int_equal(idle_for_a_while(&options, true), 3);
    assert_int_not_equal(mr_atomic_load(&runner.park.word, relaxed), 0);
}

/* Has work in every hundredth turn, and notes the yields up to the last of them. */
struct rarely {
    uint32_t turn;
    uint64_t yields;
};

static int work_rarely(void *context)
{
    struct rarely *rarely = context;
    rarely->yields = own_yields;
    if (rarely->turn == 300)
        return MR_E_LIMIT;
    return rarely->turn++ % 100 == 0;
}

static void after_work_an_idle_runner_begins_anew_with_what_answers_fastest(void **state)
{
    (void)state;
    struct rarely rarely = {0};
    const struct mr_agent agent = {.name = "rarely", .work = work_rarely, .context = &rarely};
    const struct mr_agent *const members[] = {&agent};
    const struct mr_runner_options options = {
        .wait = {.kind = MR_WAIT_SLEEP, .spins = 1, .yields = 3, .sleep_ns = 1000}};
    assert_int_equal(mr_runner_init(&runner, &options, members, 1, NULL), MR_OK);
    assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
    assert_int_equal(mr_runner_join(&runner), MR_E_LIMIT);
    assert_int_equal(rarely.yields, 3 * 3);
    assert_int_equal(mr_runner_sleeps(&runner), 3 * (99 - 1 - 3));
}

static void a_time_limit_does_not_end_a_runner(void **state)
{
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        const struct mr_runner_options options = {
            .wait = {.kind = kinds[k], .spins = 1, .yields = 1, .sleep_ns = 1, .timeout_ns = 1}};
        bool sleeps = kinds[k] == MR_WAIT_PARK || kinds[k] == MR_WAIT_SLEEP;
        idle_for_a_while(&options, sleeps); /* would hang here, if it did not sleep any more */
    }
}

/* May be left alone for ever once it was asked so often. */
struct waiter {
    uint32_t impatient;
    MR_ATOMIC(uint32_t) asked;
};

static int no_work(void *context)
{
    (void)context;
    return 0;
}

static uint64_t patience_of(void *context)
{
    struct waiter *waiter = context;
    uint32_t asked = mr_atomic_fetch_add(&waiter->asked, 1U, relaxed);
    return asked < waiter->impatient ? 0 : MR_WAIT_FOREVER;
}

static void asked_so_often(const struct waiter *waiter, uint32_t times)
{
    while (mr_atomic_load(&waiter->asked, relaxed) < times)
        sched_yield();
}

static void an_idle_runner_sleeps_as_long_as_its_least_patient_agent_lets_it(void **state)
{
    (void)state;
    static struct waiter waiters[2];
    waiters[0] = (struct waiter){.impatient = 0};
    waiters[1] = (struct waiter){.impatient = 20};
    const struct mr_agent agents[] = {
        {.name = "a", .work = no_work, .context = &waiters[0], .patience = patience_of},
        {.name = "b", .work = no_work, .context = &waiters[1], .patience = patience_of}};
    const struct mr_agent *const members[] = {&agents[0], &agents[1]};
    const struct mr_runner_options options = {
        .wait = {.kind = MR_WAIT_PARK, .spins = 1, .yields = 1, .sleep_ns = 1}};
    assert_int_equal(mr_runner_init(&runner, &options, members, 2, NULL), MR_OK);
    assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
    /* Twenty short sleeps, and one that lasts. */
    asked_so_often(&waiters[1], 21);
    for (uint32_t i = 0; i < 2000; i++)
        sched_yield();
    assert_int_equal(mr_atomic_load(&waiters[1].asked, relaxed), 21);
    assert_int_equal(mr_atomic_load(&waiters[0].asked, relaxed), 21);
    mr_runner_wake(&runner);
    asked_so_often(&waiters[1], 22);
    mr_runner_stop(&runner);
    assert_int_equal(mr_runner_join(&runner), MR_OK);
}

static void an_agent_that_says_nothing_is_left_alone_for_no_longer_than_the_options_say(
    void **state)
{
    (void)state;
    static struct waiter waiter;
    waiter = (struct waiter){.impatient = 0};
    const struct mr_agent agents[] = {
        {.name = "a", .work = no_work, .context = &waiter, .patience = patience_of},
        {.name = "b", .work = no_work}};
    const struct mr_agent *const members[] = {&agents[0], &agents[1]};
    const struct mr_runner_options options = {
        .wait = {.kind = MR_WAIT_PARK, .spins = 1, .yields = 1, .sleep_ns = 1}};
    assert_int_equal(mr_runner_init(&runner, &options, members, 2, NULL), MR_OK);
    assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
    asked_so_often(&waiter, 100); /* would hang here, if it slept for ever */
    mr_runner_stop(&runner);
    assert_int_equal(mr_runner_join(&runner), MR_OK);
}

/* Work that is posted to an agent. */
struct post {
    alignas(MR_RING_PADDING) MR_ATOMIC(uint32_t) posted;
    alignas(MR_RING_PADDING) MR_ATOMIC(uint32_t) done;
    uint32_t unprotected; /* so that a sanitizer sees a missing happens-before */
};

static int do_posted(void *context)
{
    struct post *post = context;
    uint32_t posted = mr_atomic_load(&post->posted, acquire);
    uint32_t done = mr_atomic_load(&post->done, relaxed);
    if (posted == done)
        return 0;
    post->unprotected++;
    mr_atomic_store(&post->done, posted, release);
    return (int)(posted - done);
}

/* Posts to a runner that has slept since the last time. */
static void post_to_sleeper(const struct mr_wait *wait, bool wake)
{
    enum { POSTS = 50 };
    static struct post post;
    const struct mr_agent agent = {.name = "posted", .work = do_posted, .context = &post};
    const struct mr_agent *const members[] = {&agent};
    const struct mr_runner_options options = {.wait = *wait};
    memset(&post, 0, sizeof post);
    assert_int_equal(mr_runner_init(&runner, &options, members, 1, NULL), MR_OK);
    assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
    for (uint32_t i = 1; i <= POSTS; i++) {
        uint64_t sleeps = mr_runner_sleeps(&runner);
        while (!wake && mr_runner_sleeps(&runner) == sleeps)
            sched_yield();
        while (wake && (mr_atomic_load(&runner.park.word, relaxed) & MR_PARK_OCCUPIED) == 0)
            sched_yield();
        post.unprotected++;
        mr_atomic_store(&post.posted, i, release);
        if (wake)
            mr_runner_wake(&runner);
        while (mr_atomic_load(&post.done, acquire) != i) /* would hang here */
            sched_yield();
    }
    mr_runner_stop(&runner);
    assert_int_equal(mr_runner_join(&runner), MR_OK);
    assert_int_equal(post.unprotected, 2 * POSTS);
    assert_counters(mr_runner_agent_counters(&runner, 0),
                    mr_atomic_load(&runner.counters[0].turns, relaxed), POSTS, POSTS, 1);
}

static void a_napping_runner_does_work_that_comes_without_a_wake_up(void **state)
{
    (void)state;
    const struct mr_wait wait = {.kind = MR_WAIT_SLEEP, .spins = 1, .yields = 1, .sleep_ns = 1000};
    post_to_sleeper(&wait, false);
    assert_int_equal(mr_atomic_load(&runner.park.word, relaxed), 0);
}

static void a_parked_runner_with_a_longest_sleep_does_work_that_comes_without_a_wake_up(
    void **state)
{
    (void)state;
    const struct mr_wait brief = {.kind = MR_WAIT_PARK, .spins = 1, .yields = 1, .sleep_ns = 1000};
    const struct mr_wait usual = {.kind = MR_WAIT_PARK};
    post_to_sleeper(&brief, false);
    post_to_sleeper(&usual, false);
}

static void a_runner_parked_for_good_does_work_that_comes_with_a_wake_up(void **state)
{
    (void)state;
    const struct mr_wait wait = {
        .kind = MR_WAIT_PARK, .spins = 1, .yields = 1, .sleep_ns = MR_WAIT_FOREVER};
    post_to_sleeper(&wait, true);
}

static void a_runner_asleep_can_be_stopped(void **state)
{
    (void)state;
    MR_ATOMIC(uint64_t) yields = 0;
    const struct mr_agent agent = {.name = "idle", .work = idle, .context = &yields};
    const struct mr_agent *const members[] = {&agent};
    for (int k = 0; k < KINDS; k++) {
        struct mr_runner_options options = {.wait = {.kind = kinds[k], .spins = 1, .yields = 1}};
        if (kinds[k] == MR_WAIT_PARK)
            options.wait.sleep_ns = MR_WAIT_FOREVER;
        for (int i = 0; i < 50; i++) {
            assert_int_equal(mr_runner_init(&runner, &options, members, 1, NULL), MR_OK);
            assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
            while (kinds[k] == MR_WAIT_PARK && mr_atomic_load(&runner.park.word, relaxed) == 0)
                sched_yield(); /* until it sleeps, or is about to */
            while (kinds[k] == MR_WAIT_SLEEP && mr_runner_sleeps(&runner) == 0)
                sched_yield();
            mr_runner_stop(&runner);
            assert_int_equal(mr_runner_join(&runner), MR_OK); /* would hang here */
        }
    }
}

static int fail_in_time(void *context)
{
    int *turns_left = context;
    return (*turns_left)-- == 0 ? MR_E_IO : 0;
}

/* Whenever it fails: also right after its runner has announced that it is about to sleep. */
static void a_runner_whose_last_agent_has_failed_does_not_sleep_but_end(void **state)
{
    (void)state;
    for (int turns = 0; turns < 4; turns++) {
        int turns_left = turns;
        const struct mr_agent agent = {.name = "f", .work = fail_in_time, .context = &turns_left};
        const struct mr_agent *const members[] = {&agent};
        const struct mr_runner_options options = {
            .wait = {.kind = MR_WAIT_PARK, .spins = 1, .yields = 1, .sleep_ns = MR_WAIT_FOREVER}};
        assert_int_equal(mr_runner_init(&runner, &options, members, 1, NULL), MR_OK);
        assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
        assert_int_equal(mr_runner_join(&runner), MR_E_IO); /* would hang here */
        assert_int_equal(mr_runner_sleeps(&runner), 0);
    }
}

/* An agent that does 0, 1, 2, 3, 0, ... and counts along. */
struct tally {
    uint64_t turns, busy, work;
};

static int do_more_and_more(void *context)
{
    struct tally *tally = context;
    int work = (int)(tally->turns++ % 4);
    tally->busy += work > 0;
    tally->work += (uint64_t)work;
    return work;
}

static void counters_only_grow_under_the_eyes_of_another_thread_and_lose_nothing(void **state)
{
    (void)state;
    struct tally tally = {0};
    const struct mr_agent agent = {.name = "more", .work = do_more_and_more, .context = &tally};
    const struct mr_agent *const members[] = {&agent};
    const struct mr_runner_options options = {.wait = {.kind = MR_WAIT_YIELD}};
    assert_int_equal(mr_runner_init(&runner, &options, members, 1, NULL), MR_OK);
    const struct mr_agent_counters *counters = mr_runner_agent_counters(&runner, 0);
    uint64_t turns = 0, busy = 0, work = 0, largest = 0;
    assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
    while (turns < 100000) {
        uint64_t seen = mr_atomic_load(&counters->turns, relaxed);
        assert_true(seen >= turns);
        turns = seen;
        seen = mr_atomic_load(&counters->busy, relaxed);
        assert_true(seen >= busy);
        busy = seen;
        seen = mr_atomic_load(&counters->work, relaxed);
        assert_true(seen >= work);
        work = seen;
        seen = mr_atomic_load(&counters->work_largest, relaxed);
        assert_true(seen >= largest && seen <= 3);
        largest = seen;
        sched_yield();
    }
    mr_runner_stop(&runner);
    assert_int_equal(mr_runner_join(&runner), MR_OK);
    assert_counters(counters, tally.turns, tally.busy, tally.work, 3);
}

/* -- Wake-ups. --------------------------------------------------------------------------------- */

/* Two runners that sleep until woken hand a counter to and fro. A lost wake-up would hang them. */
struct pair {
    struct mr_runner runners[2];
    MR_ATOMIC(uint32_t) turns; /* even: the first one's turn */
    uint32_t unprotected;      /* so that a sanitizer sees a missing happens-before */
};

static int take_turn(struct pair *pair, uint32_t self)
{
    uint32_t turns = mr_atomic_load(&pair->turns, acquire);
    if (turns >= HAND_OVERS)
        return MR_E_LIMIT;
    if (turns % 2 != self)
        return 0;
    for (int i = 0; i < 300; i++)
        mr_relax(); /* long enough for the other one to fall asleep */
    pair->unprotected++;
    mr_atomic_store(&pair->turns, turns + 1, release);
    mr_runner_wake(&pair->runners[1 - self]);
    return 1;
}

static int take_first(void *context)
{
    return take_turn(context, 0);
}

static int take_second(void *context)
{
    return take_turn(context, 1);
}

static void no_wake_up_between_parked_runners_is_lost(void **state)
{
    (void)state;
    static struct pair pair;
    const struct mr_agent agents[] = {{.name = "0", .work = take_first, .context = &pair},
                                      {.name = "1", .work = take_second, .context = &pair}};
    const struct mr_agent *const members[] = {&agents[0], &agents[1]};
    const struct mr_runner_options options = {
        .wait = {.kind = MR_WAIT_PARK, .spins = 1, .yields = 1, .sleep_ns = MR_WAIT_FOREVER}};
    const struct mr_runner_options both[] = {options, options};
    assert_int_equal(mr_topology_init(MR_TOPOLOGY_EACH, 0, pair.runners, both, members, 2, NULL),
                     MR_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(mr_runner_start(&pair.runners[i], NULL), MR_OK);
    /* The one whose turn is not last sleeps at the end: the other's last hand-over wakes it. */
    for (int i = 0; i < 2; i++)
        assert_int_equal(mr_runner_join(&pair.runners[i]), MR_E_LIMIT);
    assert_int_equal(pair.unprotected, HAND_OVERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_runner_passes_the_time_as_its_options_say),
        cmocka_unit_test(after_work_an_idle_runner_begins_anew_with_what_answers_fastest),
        cmocka_unit_test(an_idle_runner_sleeps_as_long_as_its_least_patient_agent_lets_it),
        cmocka_unit_test(
            an_agent_that_says_nothing_is_left_alone_for_no_longer_than_the_options_say),
        cmocka_unit_test(a_time_limit_does_not_end_a_runner),
        cmocka_unit_test(a_napping_runner_does_work_that_comes_without_a_wake_up),
        cmocka_unit_test(
            a_parked_runner_with_a_longest_sleep_does_work_that_comes_without_a_wake_up),
        cmocka_unit_test(a_runner_parked_for_good_does_work_that_comes_with_a_wake_up),
        cmocka_unit_test(a_runner_asleep_can_be_stopped),
        cmocka_unit_test(a_runner_whose_last_agent_has_failed_does_not_sleep_but_end),
        cmocka_unit_test(counters_only_grow_under_the_eyes_of_another_thread_and_lose_nothing),
        cmocka_unit_test(no_wake_up_between_parked_runners_is_lost),
    };
    return cmocka_run_group_tests_name("runner_idle", tests, NULL, NULL);
}
