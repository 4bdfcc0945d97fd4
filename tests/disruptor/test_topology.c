/* Which agents share a runner. */
#include <millrace/agent.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { AGENTS = 5 };

static int no_work(void *context)
{
    (void)context;
    return 0;
}

static const struct mr_agent agents[AGENTS] = {
    {.name = "a", .work = no_work}, {.name = "b", .work = no_work}, {.name = "c", .work = no_work},
    {.name = "d", .work = no_work}, {.name = "e", .work = no_work},
};
static const struct mr_agent *const members[AGENTS] = {&agents[0], &agents[1], &agents[2],
                                                       &agents[3], &agents[4]};
static struct mr_runner runners[AGENTS];

static void one_runner_takes_all_agents_in_order(void **state)
{
    (void)state;
    assert_int_equal(mr_topology_runner_count(MR_TOPOLOGY_ONE, AGENTS), 1);
    assert_int_equal(mr_topology_init(MR_TOPOLOGY_ONE, 0, runners, NULL, members, AGENTS, NULL),
                     MR_OK);
    assert_int_equal(runners[0].agent_count, AGENTS);
    for (int i = 0; i < AGENTS; i++)
        assert_ptr_equal(runners[0].agents[i], &agents[i]);
    assert_string_equal(runners[0].name, "a+b+c+d+e");
}

static void two_runners_split_as_the_caller_says(void **state)
{
    (void)state;
    const uint64_t second = 1U << 1 | 1U << 4;
    assert_int_equal(mr_topology_runner_count(MR_TOPOLOGY_TWO, AGENTS), 2);
    assert_int_equal(
        mr_topology_init(MR_TOPOLOGY_TWO, second, runners, NULL, members, AGENTS, NULL), MR_OK);
    assert_string_equal(runners[0].name, "a+c+d");
    assert_string_equal(runners[1].name, "b+e");
    assert_int_equal(mr_topology_runner_of(MR_TOPOLOGY_TWO, second, 4), 1);
    assert_int_equal(mr_topology_runner_of(MR_TOPOLOGY_TWO, second, 3), 0);
}

static void each_agent_gets_a_runner_with_options_of_its_own(void **state)
{
    (void)state;
    struct mr_runner_options options[AGENTS] = {{.name = "first"}};
    options[1].wait.kind = MR_WAIT_SLEEP;
    options[3].wait.kind = MR_WAIT_SPIN;
    assert_int_equal(mr_topology_runner_count(MR_TOPOLOGY_EACH, AGENTS), AGENTS);
    assert_int_equal(mr_topology_init(MR_TOPOLOGY_EACH, 0, runners, options, members, AGENTS, NULL),
                     MR_OK);
    assert_string_equal(runners[0].name, "first");
    assert_string_equal(runners[3].name, "d");
    for (uint32_t i = 0; i < AGENTS; i++) {
        assert_ptr_equal(runners[i].agents[0], &agents[i]);
        assert_int_equal(runners[i].options.wait.kind, options[i].wait.kind);
        assert_int_equal(runners[i].parks, i != 1 && i != 3);
        assert_int_equal(mr_topology_runner_of(MR_TOPOLOGY_EACH, 0, i), i);
    }
}

static void a_runner_left_without_agents_is_refused(void **state)
{
    (void)state;
    struct mr_error error = {0};
    assert_int_equal(mr_topology_init(MR_TOPOLOGY_TWO, 0, runners, NULL, members, AGENTS, &error),
                     MR_E_INVALID);
    assert_int_equal(error.code, MR_E_INVALID);
    assert_int_equal(mr_topology_init(MR_TOPOLOGY_TWO, 0x1f, runners, NULL, members, AGENTS, NULL),
                     MR_E_INVALID);
}

static void an_unknown_topology_or_none_to_run_is_refused(void **state)
{
    (void)state;
    assert_int_equal(mr_topology_init((enum mr_topology)3, 0, runners, NULL, members, AGENTS, NULL),
                     MR_E_INVALID);
    for (int t = 0; t <= (int)MR_TOPOLOGY_EACH; t++)
        assert_int_equal(mr_topology_init((enum mr_topology)t, 1, runners, NULL, members, 0, NULL),
                         MR_E_INVALID);
}

static void more_agents_than_fit_are_refused(void **state)
{
    (void)state;
    const struct mr_agent *many[MR_TOPOLOGY_AGENTS_MAX + 1];
    struct mr_error error = {0};
    for (int i = 0; i <= MR_TOPOLOGY_AGENTS_MAX; i++)
        many[i] = &agents[0];
    assert_int_equal(mr_topology_init(MR_TOPOLOGY_EACH, 0, runners, NULL, many,
                                      MR_TOPOLOGY_AGENTS_MAX + 1, &error),
                     MR_E_LIMIT);
    assert_int_equal(error.code, MR_E_LIMIT);
    assert_int_equal(
        mr_topology_init(MR_TOPOLOGY_ONE, 0, runners, NULL, many, MR_RUNNER_AGENTS_MAX + 1, NULL),
        MR_E_LIMIT);
    assert_int_equal(
        mr_topology_init(MR_TOPOLOGY_ONE, 0, runners, NULL, many, MR_RUNNER_AGENTS_MAX, NULL),
        MR_OK);
}

static void the_last_agent_can_go_to_the_second_runner(void **state)
{
    (void)state;
    const uint32_t last = MR_TOPOLOGY_AGENTS_MAX - 1;
    assert_int_equal(mr_topology_runner_of(MR_TOPOLOGY_TWO, UINT64_C(1) << last, last), 1);
    assert_int_equal(mr_topology_runner_of(MR_TOPOLOGY_TWO, ~(UINT64_C(1) << last), last), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_runner_takes_all_agents_in_order),
        cmocka_unit_test(two_runners_split_as_the_caller_says),
        cmocka_unit_test(each_agent_gets_a_runner_with_options_of_its_own),
        cmocka_unit_test(a_runner_left_without_agents_is_refused),
        cmocka_unit_test(an_unknown_topology_or_none_to_run_is_refused),
        cmocka_unit_test(more_agents_than_fit_are_refused),
        cmocka_unit_test(the_last_agent_can_go_to_the_second_runner),
    };
    return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
