/* Agents under a runner: their life, their failures, and wake-ups that must not be lost. */
#include "disruptor/backoff.h"

#include <millrace/agent.h>

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { HAND_OVERS = 5000 };

/* An agent that writes its life into a shared log: s tart, w ork, e nd. */
struct actor {
    char *log;
    char letter;
    int start_status;
    int works_left; /* then idle; */
    int work_after; /* what it returns when idle: 0, or a failure */
};

static void note(const struct actor *actor, char what)
{
    size_t used = strlen(actor->log);
    assert_true(used + 2 < 64);
    actor->log[used] = what;
    actor->log[used + 1] = actor->letter;
}

static int actor_start(void *context)
{
    struct actor *actor = context;
    note(actor, 's');
    return actor->start_status;
}

static int actor_work(void *context)
{
    struct actor *actor = context;
    note(actor, 'w');
    if (actor->works_left == 0)
        return actor->work_after;
    actor->works_left--;
    return 10;
}

static void actor_stop(void *context)
{
    note(context, 'e');
}

static struct mr_agent actor_agent(struct actor *actor, const char *name)
{
    return (struct mr_agent){.name = name,
                             .start = actor_start,
                             .work = actor_work,
                             .stop = actor_stop,
                             .context = actor};
}

static struct mr_runner runner;

static void runner_of_two(struct actor *first, struct actor *second)
{
    static struct mr_agent agents[2];
    const struct mr_agent *const members[2] = {&agents[0], &agents[1]};
    const struct mr_runner_options options = {.wait = MR_WAIT_YIELD};
    agents[0] = actor_agent(first, "first");
    agents[1] = actor_agent(second, "second");
    assert_int_equal(mr_runner_init(&runner, &options, members, 2, NULL), MR_OK);
}

/* -- Setting up. ------------------------------------------------------------------------------- */

static void bad_agents_and_options_are_refused(void **state)
{
    (void)state;
    const struct mr_agent nameless = {.work = actor_work};
    const struct mr_agent workless = {.name = "x"};
    const struct mr_agent fine = {.name = "x", .work = actor_work};
    const struct mr_agent *members[MR_RUNNER_AGENTS_MAX + 1];
    const struct mr_runner_options plain = {0};
    const struct mr_runner_options odd = {.wait = (enum mr_wait_kind)7};
    for (int i = 0; i <= MR_RUNNER_AGENTS_MAX; i++)
        members[i] = &fine;
    assert_int_equal(mr_runner_init(&runner, &plain, members, 0, NULL), MR_E_INVALID);
    assert_int_equal(mr_runner_init(&runner, &odd, members, 1, NULL), MR_E_INVALID);
    assert_int_equal(mr_runner_init(&runner, &plain, members, MR_RUNNER_AGENTS_MAX + 1, NULL),
                     MR_E_LIMIT);
    members[1] = &nameless;
    assert_int_equal(mr_runner_init(&runner, &plain, members, 2, NULL), MR_E_INVALID);
    members[1] = &workless;
    assert_int_equal(mr_runner_init(&runner, &plain, members, 2, NULL), MR_E_INVALID);
}

static void a_long_name_is_cut_to_what_the_system_takes(void **state)
{
    (void)state;
    struct actor a = {.log = (char[64]){0}};
    const struct mr_agent agent = actor_agent(&a, "sequencer");
    const struct mr_agent *const members[] = {&agent, &agent};
    const struct mr_runner_options named = {.name = "a name of more than fifteen bytes"};
    const struct mr_runner_options plain = {0};
    assert_int_equal(mr_runner_init(&runner, &named, members, 2, NULL), MR_OK);
    assert_string_equal(runner.name, "a name of more ");
    assert_int_equal(mr_runner_init(&runner, &plain, members, 2, NULL), MR_OK);
    assert_string_equal(runner.name, "sequencer+seque");
}

/* -- By hand. ---------------------------------------------------------------------------------- */

static void agents_start_in_order_work_in_turn_and_stop_in_reverse(void **state)
{
    (void)state;
    char log[64] = "";
    struct actor a = {.log = log, .letter = 'A', .works_left = 1};
    struct actor b = {.log = log, .letter = 'B', .works_left = 2};
    runner_of_two(&a, &b);
    assert_int_equal(mr_runner_begin(&runner, NULL), MR_OK);
    assert_int_equal(mr_runner_step(&runner), 20);
    assert_int_equal(mr_runner_step(&runner), 10);
    assert_int_equal(mr_runner_step(&runner), 0);
    assert_int_equal(mr_runner_end(&runner), MR_OK);
    assert_string_equal(log, "sAsBwAwBwAwBwAwBeBeA");
}

static void an_agent_that_cannot_start_undoes_the_start_of_the_others(void **state)
{
    (void)state;
    char log[64] = "";
    struct mr_error error = {0};
    struct actor a = {.log = log, .letter = 'A'};
    struct actor b = {.log = log, .letter = 'B', .start_status = MR_E_NO_SPACE};
    runner_of_two(&a, &b);
    assert_int_equal(mr_runner_begin(&runner, &error), MR_E_NO_SPACE);
    assert_int_equal(error.code, MR_E_NO_SPACE);
    assert_non_null(strstr(error.text, "second"));
    assert_string_equal(log, "sAsBeA");
    assert_int_equal(mr_runner_step(&runner), -1);
}

static void a_failed_agent_is_stopped_and_left_out_while_others_go_on(void **state)
{
    (void)state;
    char log[64] = "";
    struct actor a = {.log = log, .letter = 'A', .work_after = MR_E_FENCED};
    struct actor b = {.log = log, .letter = 'B', .works_left = 2, .work_after = MR_E_IO};
    runner_of_two(&a, &b);
    assert_int_equal(mr_runner_begin(&runner, NULL), MR_OK);
    assert_int_equal(mr_runner_step(&runner), 10);
    assert_int_equal(mr_runner_status(&runner), MR_E_FENCED);
    assert_int_equal(mr_runner_step(&runner), 10);
    assert_int_equal(mr_runner_step(&runner), 0);
    assert_int_equal(mr_runner_step(&runner), -1);
    assert_int_equal(mr_runner_end(&runner), MR_E_FENCED);
    assert_int_equal(mr_runner_agent_status(&runner, 0), MR_E_FENCED);
    assert_int_equal(mr_runner_agent_status(&runner, 1), MR_E_IO);
    assert_string_equal(log, "sAsBwAeAwBwBwBeB");
}

/* -- With a thread. ---------------------------------------------------------------------------- */

static void a_thread_runs_its_agents_until_it_is_stopped(void **state)
{
    (void)state;
    char log[64] = "";
    struct actor a = {.log = log, .letter = 'A', .works_left = 3, .work_after = MR_E_IO};
    struct actor b = {.log = log, .letter = 'B', .works_left = 3, .work_after = MR_E_IO};
    runner_of_two(&a, &b);
    assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
    assert_int_equal(mr_runner_join(&runner), MR_E_IO); /* it ends by itself: all have failed */
    assert_string_equal(log, "sAsBwAwBwAwBwAwBwAeAwBeB");
    assert_int_equal(mr_runner_join(&runner), MR_E_IO);
}

static void a_failing_start_is_reported_to_the_starter_and_leaves_no_thread(void **state)
{
    (void)state;
    char log[64] = "";
    struct mr_error error = {0};
    struct actor a = {.log = log, .letter = 'A'};
    struct actor b = {.log = log, .letter = 'B', .start_status = MR_E_BUSY};
    runner_of_two(&a, &b);
    assert_int_equal(mr_runner_start(&runner, &error), MR_E_BUSY);
    assert_int_equal(error.code, MR_E_BUSY);
    assert_false(runner.joinable);
    assert_string_equal(log, "sAsBeA");
}

static int report_cpu(void *context)
{
    *(int *)context = sched_getcpu();
    return MR_E_LIMIT; /* seen enough */
}

static void a_pinned_runner_works_on_its_cpu_alone(void **state)
{
    (void)state;
    int cpu = -1;
    const struct mr_agent agent = {.name = "where", .work = report_cpu, .context = &cpu};
    const struct mr_agent *const members[] = {&agent};
    struct mr_runner_options options = {.pin = true, .cpu = (uint32_t)sched_getcpu()};
    assert_int_equal(mr_runner_init(&runner, &options, members, 1, NULL), MR_OK);
    assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
    mr_runner_join(&runner);
    assert_int_equal(cpu, (int)options.cpu);

    struct mr_error error = {0};
    options.cpu = 1U << 20;
    assert_int_equal(mr_runner_init(&runner, &options, members, 1, NULL), MR_OK);
    assert_int_equal(mr_runner_start(&runner, &error), MR_E_INVALID);
    assert_int_equal(error.code, MR_E_INVALID);
}

static int idle(void *context)
{
    (void)context;
    return 0;
}

static void a_runner_asleep_for_good_can_be_stopped(void **state)
{
    (void)state;
    const struct mr_agent agent = {.name = "idle", .work = idle};
    const struct mr_agent *const members[] = {&agent};
    for (int w = MR_WAIT_SPIN; w <= (int)MR_WAIT_PARK; w++) {
        for (int i = 0; i < 50; i++) {
            const struct mr_runner_options options = {
                .wait = (enum mr_wait_kind)w, .spins = 1, .yields = 1, .park_ns = UINT64_MAX};
            assert_int_equal(mr_runner_init(&runner, &options, members, 1, NULL), MR_OK);
            assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
            while (w == MR_WAIT_PARK && mr_atomic_load(&runner.park.word, relaxed) == 0)
                sched_yield(); /* until it sleeps, or is about to */
            mr_runner_stop(&runner);
            assert_int_equal(mr_runner_join(&runner), MR_OK);
        }
    }
}

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
        .wait = MR_WAIT_PARK, .spins = 1, .yields = 1, .park_ns = MR_RUNNER_PARK_FOREVER};
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
        cmocka_unit_test(bad_agents_and_options_are_refused),
        cmocka_unit_test(a_long_name_is_cut_to_what_the_system_takes),
        cmocka_unit_test(agents_start_in_order_work_in_turn_and_stop_in_reverse),
        cmocka_unit_test(an_agent_that_cannot_start_undoes_the_start_of_the_others),
        cmocka_unit_test(a_failed_agent_is_stopped_and_left_out_while_others_go_on),
        cmocka_unit_test(a_thread_runs_its_agents_until_it_is_stopped),
        cmocka_unit_test(a_failing_start_is_reported_to_the_starter_and_leaves_no_thread),
        cmocka_unit_test(a_pinned_runner_works_on_its_cpu_alone),
        cmocka_unit_test(a_runner_asleep_for_good_can_be_stopped),
        cmocka_unit_test(no_wake_up_between_parked_runners_is_lost),
    };
    return cmocka_run_group_tests_name("runner", tests, NULL, NULL);
}
