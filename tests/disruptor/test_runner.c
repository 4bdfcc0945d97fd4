/* Agents under a runner: their lives, their failures, their counters, and where they run. */
#include "tests/disruptor/agent_fixture.h"

#include <millrace/agent.h>

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>

#include <cmocka.h>

static struct mr_runner runner;

static void runner_of_two(struct actor *first, struct actor *second)
{
    static struct mr_agent agents[2];
    const struct mr_agent *const members[2] = {&agents[0], &agents[1]};
    const struct mr_runner_options options = {.wait = {.kind = MR_WAIT_YIELD}};
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
    const struct mr_runner_options odd = {.wait = {.kind = (enum mr_wait_kind)7}};
    const struct mr_runner_options endless = {
        .wait = {.kind = MR_WAIT_SLEEP, .sleep_ns = MR_WAIT_FOREVER}};
    for (int i = 0; i <= MR_RUNNER_AGENTS_MAX; i++)
        members[i] = &fine;
    assert_int_equal(mr_runner_init(&runner, &plain, members, 1, NULL), MR_OK);
    assert_int_equal(mr_runner_init(&runner, &plain, members, 0, NULL), MR_E_INVALID);
    assert_int_equal(mr_runner_init(&runner, &odd, members, 2, NULL), MR_E_INVALID);
    assert_int_equal(mr_runner_init(&runner, &endless, members, 2, NULL), MR_E_INVALID);
    assert_int_equal(mr_runner_init(&runner, &plain, members, MR_RUNNER_AGENTS_MAX + 1, NULL),
                     MR_E_LIMIT);
    members[1] = &nameless;
    assert_int_equal(mr_runner_init(&runner, &plain, members, 2, NULL), MR_E_INVALID);
    members[1] = &workless;
    assert_int_equal(mr_runner_init(&runner, &plain, members, 2, NULL), MR_E_INVALID);
    assert_int_equal(runner.agent_count, 1); /* untouched */
}

static void a_long_name_is_cut_to_what_the_system_takes(void **state)
{
    (void)state;
    struct actor a = {.log = (char[LOG_SIZE]){0}};
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
    char log[LOG_SIZE] = "";
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
    char log[LOG_SIZE] = "";
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
    char log[LOG_SIZE] = "";
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

static void the_turns_of_each_agent_are_counted_apart(void **state)
{
    (void)state;
    const int first_works[] = {3, 0, 7, 5, MR_E_IO};
    const int second_works[] = {0, INT_MAX, 0, INT_MAX, 0, 1};
    struct script scripts[] = {{.works = first_works}, {.works = second_works}};
    const struct mr_agent agents[] = {
        {.name = "first", .work = script_work, .context = &scripts[0]},
        {.name = "second", .work = script_work, .context = &scripts[1]}};
    const struct mr_agent *const members[] = {&agents[0], &agents[1]};
    const struct mr_runner_options plain = {0};
    assert_int_equal(mr_runner_init(&runner, &plain, members, 2, NULL), MR_OK);
    const struct mr_agent_counters *first = mr_runner_agent_counters(&runner, 0);
    const struct mr_agent_counters *second = mr_runner_agent_counters(&runner, 1);
    assert_counters(first, 0, 0, 0, 0);
    assert_int_equal(mr_runner_begin(&runner, NULL), MR_OK);
    assert_counters(first, 0, 0, 0, 0);
    for (int i = 0; i < 4; i++)
        mr_runner_step(&runner);
    assert_counters(first, 4, 3, 15, 7);
    assert_counters(second, 4, 2, 2 * (uint64_t)INT_MAX, INT_MAX);
    for (int i = 0; i < 2; i++) /* the first fails, and is left out */
        mr_runner_step(&runner);
    assert_counters(first, 5, 3, 15, 7);
    assert_counters(second, 6, 3, 2 * (uint64_t)INT_MAX + 1, INT_MAX);
    assert_int_equal(mr_runner_end(&runner), MR_E_IO);
    assert_int_equal(mr_runner_sleeps(&runner), 0);
}

static void counters_of_different_agents_share_no_line(void **state)
{
    (void)state;
    struct actor actor = {.log = (char[LOG_SIZE]){0}};
    runner_of_two(&actor, &actor);
    uintptr_t first = (uintptr_t)mr_runner_agent_counters(&runner, 0);
    uintptr_t second = (uintptr_t)mr_runner_agent_counters(&runner, 1);
    assert_int_equal(first % MR_RING_PADDING, 0);
    assert_int_equal(second - first, MR_RING_PADDING);
}

/* -- With a thread. ---------------------------------------------------------------------------- */

static void a_thread_runs_its_agents_until_it_is_stopped(void **state)
{
    (void)state;
    char log[LOG_SIZE] = "";
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
    char log[LOG_SIZE] = "";
    struct mr_error error = {0};
    struct actor a = {.log = log, .letter = 'A'};
    struct actor b = {.log = log, .letter = 'B', .start_status = MR_E_BUSY};
    runner_of_two(&a, &b);
    assert_int_equal(mr_runner_start(&runner, &error), MR_E_BUSY);
    assert_int_equal(error.code, MR_E_BUSY);
    assert_false(runner.joinable);
    assert_string_equal(log, "sAsBeA");
}

/* What a runner's thread sees of itself. */
struct place {
    char name[MR_RUNNER_NAME_SIZE];
    cpu_set_t cpus;
    sigset_t signals;
    int slack_ns;
};

static int look_around(void *context)
{
    struct place *place = context;
    pthread_getname_np(pthread_self(), place->name, sizeof place->name);
    sched_getaffinity(0, sizeof place->cpus, &place->cpus);
    pthread_sigmask(SIG_BLOCK, NULL, &place->signals);
    place->slack_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    return MR_E_LIMIT; /* seen enough */
}

static struct place place_of(const struct mr_runner_options *options)
{
    struct place place;
    const struct mr_agent agent = {.name = "where", .work = look_around, .context = &place};
    const struct mr_agent again = {.name = "spectator", .work = look_around, .context = &place};
    const struct mr_agent *const members[] = {&agent, &again};
    memset(&place, 0, sizeof place);
    assert_int_equal(mr_runner_init(&runner, options, members, 2, NULL), MR_OK);
    assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
    assert_int_equal(mr_runner_join(&runner), MR_E_LIMIT);
    return place;
}

static void a_pinned_runner_works_on_its_cpu_alone(void **state)
{
    (void)state;
    cpu_set_t allowed;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        const struct mr_runner_options options = {.pin = true, .cpu = cpu};
        if (!CPU_ISSET(cpu, &allowed))
            continue;
        struct place place = place_of(&options);
        assert_int_equal(CPU_COUNT(&place.cpus), 1);
        assert_true(CPU_ISSET(cpu, &place.cpus));
    }
}

static void a_runner_that_is_not_pinned_may_run_where_its_starter_may(void **state)
{
    (void)state;
    cpu_set_t allowed;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    const struct mr_runner_options options = {.cpu = 1};
    struct place place = place_of(&options);
    assert_true(CPU_EQUAL(&place.cpus, &allowed));
}

static void a_runner_is_not_pinned_to_a_cpu_that_is_not_there(void **state)
{
    (void)state;
    struct actor a = {.log = (char[LOG_SIZE]){0}};
    const struct mr_agent agent = actor_agent(&a, "nowhere");
    const struct mr_agent *const members[] = {&agent};
    const uint32_t cpus[] = {CPU_SETSIZE - 1, 1U << 20, UINT32_MAX};
    for (int i = 0; i < 3; i++) {
        struct mr_error error = {0};
        const struct mr_runner_options options = {.pin = true, .cpu = cpus[i]};
        assert_int_equal(mr_runner_init(&runner, &options, members, 1, NULL), MR_OK);
        assert_int_equal(mr_runner_start(&runner, &error), MR_E_INVALID);
        assert_int_equal(error.code, MR_E_INVALID);
        assert_int_equal(mr_runner_join(&runner), MR_OK);
        assert_string_equal(a.log, "");
    }
}

static void the_thread_has_the_runners_name(void **state)
{
    (void)state;
    const struct mr_runner_options named = {.name = "a name of more than fifteen bytes"};
    const struct mr_runner_options plain = {0};
    assert_string_equal(place_of(&named).name, "a name of more ");
    assert_string_equal(place_of(&plain).name, "where+spectator");
}

static void signals_are_for_the_threads_of_the_embedder(void **state)
{
    (void)state;
    const struct mr_runner_options plain = {0};
    sigset_t before, after;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    struct place place = place_of(&plain);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    assert_int_equal(sigismember(&place.signals, SIGTERM), 1);
    assert_int_equal(sigismember(&place.signals, SIGUSR1), 1);
    assert_int_equal(sigismember(&before, SIGTERM), 0);
    assert_int_equal(sigismember(&after, SIGTERM), 0);
}

static void only_who_sleeps_asks_the_kernel_to_be_on_time(void **state)
{
    (void)state;
    const int usual_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    assert_true(usual_ns > 1000);
    for (int k = 0; k < KINDS; k++) {
        const struct mr_runner_options options = {.wait = {.kind = kinds[k]}};
        bool sleeps = kinds[k] == MR_WAIT_PARK || kinds[k] == MR_WAIT_SLEEP;
        assert_int_equal(place_of(&options).slack_ns, sleeps ? 1000 : usual_ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_agents_and_options_are_refused),
        cmocka_unit_test(a_long_name_is_cut_to_what_the_system_takes),
        cmocka_unit_test(agents_start_in_order_work_in_turn_and_stop_in_reverse),
        cmocka_unit_test(an_agent_that_cannot_start_undoes_the_start_of_the_others),
        cmocka_unit_test(a_failed_agent_is_stopped_and_left_out_while_others_go_on),
        cmocka_unit_test(the_turns_of_each_agent_are_counted_apart),
        cmocka_unit_test(counters_of_different_agents_share_no_line),
        cmocka_unit_test(a_thread_runs_its_agents_until_it_is_stopped),
        cmocka_unit_test(a_failing_start_is_reported_to_the_starter_and_leaves_no_thread),
        cmocka_unit_test(a_pinned_runner_works_on_its_cpu_alone),
        cmocka_unit_test(a_runner_that_is_not_pinned_may_run_where_its_starter_may),
        cmocka_unit_test(a_runner_is_not_pinned_to_a_cpu_that_is_not_there),
        cmocka_unit_test(the_thread_has_the_runners_name),
        cmocka_unit_test(signals_are_for_the_threads_of_the_embedder),
        cmocka_unit_test(only_who_sleeps_asks_the_kernel_to_be_on_time),
    };
    return cmocka_run_group_tests_name("runner", tests, NULL, NULL);
}
