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
    options[3].wait = MR_WAIT_SPIN;
    assert_int_equal(mr_topology_runner_count(MR_TOPOLOGY_EACH, AGENTS), AGENTS);
    assert_int_equal(mr_topology_init(MR_TOPOLOGY_EACH, 0, runners, options, members, AGENTS, NULL),
                     MR_OK);
    assert_string_equal(runners[0].name, "first");
    assert_string_equal(runners[3].name, "d");
    for (uint32_t i = 0; i < AGENTS; i++) {
        assert_ptr_equal(runners[i].agents[0], &agents[i]);
        assert_int_equal(runners[i].parks, i != 3);
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
    assert_int_equal(mr_topology_init((enum mr_topology)3, 0, runners, NULL, members, AGENTS, NULL),
                     MR_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_runner_takes_all_agents_in_order),
        cmocka_unit_test(two_runners_split_as_the_caller_says),
        cmocka_unit_test(each_agent_gets_a_runner_with_options_of_its_own),
        cmocka_unit_test(a_runner_left_without_agents_is_refused),
    };
    return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
