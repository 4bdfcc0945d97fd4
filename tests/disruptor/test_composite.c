/* Agents that act as one: they live and die together, wherever in them something fails. */
#include "tests/disruptor/agent_fixture.h"

#include <millrace/agent.h>

#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct mr_composite composite;
static struct mr_runner runner;

/* Actors A, B, C, ... with one log, as agents. */
enum { ACTORS = 4 };
static char life[LOG_SIZE];
static struct actor actors[ACTORS];
static struct mr_agent agents[ACTORS];
static const struct mr_agent *const members[ACTORS] = {&agents[0], &agents[1], &agents[2],
                                                       &agents[3]};

static int actors_enter(void **state)
{
    static const char *const names[ACTORS] = {"first", "second", "third", "fourth"};
    (void)state;
    life[0] = '\0';
    for (int i = 0; i < ACTORS; i++) {
        actors[i] = (struct actor){.log = life, .letter = (char)('A' + i)};
        agents[i] = actor_agent(&actors[i], names[i]);
    }
    return 0;
}

static void composite_of(struct mr_composite *made, const char *name, const struct mr_agent *first,
                         const struct mr_agent *second)
{
    const struct mr_agent *const both[] = {first, second};
    assert_int_equal(mr_composite_init(made, name, both, 2, NULL), MR_OK);
}

static void runner_of(const struct mr_agent *first, const struct mr_agent *second)
{
    const struct mr_agent *const both[] = {first, second};
    const struct mr_runner_options plain = {0};
    assert_int_equal(mr_runner_init(&runner, &plain, both, second == NULL ? 1 : 2, NULL), MR_OK);
}

static int start(const struct mr_composite *of)
{
    return mr_composite_agent(of)->start(mr_composite_agent(of)->context);
}

static int work(const struct mr_composite *of)
{
    return mr_composite_agent(of)->work(mr_composite_agent(of)->context);
}

static void stop(const struct mr_composite *of)
{
    mr_composite_agent(of)->stop(mr_composite_agent(of)->context);
}

/* -- Setting up. ------------------------------------------------------------------------------- */

static void bad_members_are_refused_and_change_nothing(void **state)
{
    (void)state;
    const struct mr_agent nameless = {.work = actor_work};
    const struct mr_agent workless = {.name = "x"};
    const struct mr_agent *many[MR_COMPOSITE_AGENTS_MAX + 1];
    struct mr_error error = {0};
    for (int i = 0; i <= MR_COMPOSITE_AGENTS_MAX; i++)
        many[i] = &agents[0];
    assert_int_equal(mr_composite_init(&composite, "c", many, MR_COMPOSITE_AGENTS_MAX, NULL),
                     MR_OK);
    assert_int_equal(mr_composite_init(&composite, NULL, many, 1, NULL), MR_E_INVALID);
    assert_int_equal(mr_composite_init(&composite, "d", many, 0, NULL), MR_E_INVALID);
    assert_int_equal(mr_composite_init(&composite, "d", many, MR_COMPOSITE_AGENTS_MAX + 1, &error),
                     MR_E_LIMIT);
    assert_int_equal(error.code, MR_E_LIMIT);
    many[1] = &nameless;
    assert_int_equal(mr_composite_init(&composite, "d", many, 2, NULL), MR_E_INVALID);
    many[1] = &workless;
    assert_int_equal(mr_composite_init(&composite, "d", many, 2, NULL), MR_E_INVALID);
    many[1] = mr_composite_agent(&composite);
    assert_int_equal(mr_composite_init(&composite, "d", many, 2, NULL), MR_E_INVALID);
    assert_string_equal(mr_composite_agent(&composite)->name, "c");
    assert_int_equal(composite.agent_count, MR_COMPOSITE_AGENTS_MAX);
}

/* -- Living and dying together. ---------------------------------------------------------------- */

static void members_start_in_order_work_in_turn_and_stop_in_reverse(void **state)
{
    (void)state;
    actors[0].works_left = 1;
    actors[1].works_left = 2;
    composite_of(&composite, "both", members[0], members[1]);
    runner_of(mr_composite_agent(&composite), members[2]);
    assert_string_equal(runner.name, "both+third");
    assert_int_equal(mr_runner_begin(&runner, NULL), MR_OK);
    assert_int_equal(mr_runner_step(&runner), 20);
    assert_int_equal(mr_runner_step(&runner), 10);
    assert_int_equal(mr_runner_step(&runner), 0);
    assert_int_equal(mr_runner_end(&runner), MR_OK);
    assert_string_equal(life, "sAsBsCwAwBwCwAwBwCwAwBwCeCeBeA");
}

static void members_without_start_and_stop_need_none(void **state)
{
    (void)state;
    agents[1].start = NULL;
    agents[0].stop = NULL;
    composite_of(&composite, "both", members[0], members[1]);
    assert_int_equal(start(&composite), MR_OK);
    assert_int_equal(work(&composite), 0);
    stop(&composite);
    assert_string_equal(life, "sAwAwBeB");
}

static void a_member_that_cannot_start_undoes_the_start_of_those_before_it(void **state)
{
    (void)state;
    struct mr_error error = {0};
    actors[2].start_status = MR_E_NO_SPACE;
    assert_int_equal(mr_composite_init(&composite, "all", members, ACTORS, NULL), MR_OK);
    runner_of(mr_composite_agent(&composite), NULL);
    assert_int_equal(mr_runner_begin(&runner, &error), MR_E_NO_SPACE);
    assert_non_null(strstr(error.text, "all"));
    assert_string_equal(life, "sAsBsCeBeA");
    assert_int_equal(mr_composite_agent_status(&composite, 1), MR_OK);
    assert_int_equal(mr_composite_agent_status(&composite, 2), MR_E_NO_SPACE);
    assert_int_equal(mr_composite_agent_status(&composite, 3), MR_OK);
}

static void a_member_that_fails_takes_all_members_and_only_them_with_it(void **state)
{
    (void)state;
    actors[0].works_left = 5;
    actors[1].works_left = 1;
    actors[1].work_after = MR_E_FENCED;
    const struct mr_agent *const three[] = {members[0], members[1], members[2]};
    assert_int_equal(mr_composite_init(&composite, "three", three, 3, NULL), MR_OK);
    runner_of(mr_composite_agent(&composite), members[3]);
    assert_int_equal(mr_runner_begin(&runner, NULL), MR_OK);
    assert_int_equal(mr_runner_step(&runner), 20);
    assert_string_equal(life, "sAsBsCsDwAwBwCwD");
    life[0] = '\0';
    assert_int_equal(mr_runner_step(&runner), 0);
    assert_string_equal(life, "wAwBeCeBeAwD");
    assert_int_equal(mr_runner_step(&runner), 0);
    assert_int_equal(mr_runner_end(&runner), MR_E_FENCED);
    assert_string_equal(life, "wAwBeCeBeAwDwDeD");
    assert_int_equal(mr_runner_agent_status(&runner, 0), MR_E_FENCED);
    assert_int_equal(mr_runner_agent_status(&runner, 1), MR_OK);
    assert_int_equal(mr_composite_agent_status(&composite, 0), MR_OK);
    assert_int_equal(mr_composite_agent_status(&composite, 1), MR_E_FENCED);
    assert_int_equal(mr_composite_agent_status(&composite, 2), MR_OK);
}

static void a_composite_can_start_again_after_it_was_stopped_or_could_not_start(void **state)
{
    (void)state;
    composite_of(&composite, "both", members[0], members[1]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(start(&composite), MR_OK);
        stop(&composite);
    }
    actors[1].start_status = MR_E_BUSY;
    assert_int_equal(start(&composite), MR_E_BUSY);
    actors[1].start_status = MR_OK;
    assert_int_equal(start(&composite), MR_OK);
    stop(&composite);
    assert_string_equal(life, "sAsBeBeAsAsBeBeAsAsBeAsAsBeBeA");
}

/* -- Work. ------------------------------------------------------------------------------------- */

static void work_that_is_too_much_for_an_int_is_told_as_the_largest(void **state)
{
    (void)state;
    const int first[] = {INT_MAX, INT_MAX - 1, INT_MAX - 1, 0};
    const int second[] = {INT_MAX, 1, 2, 0};
    const int third[] = {INT_MAX, 0, 0, 7};
    struct script scripts[] = {{.works = first}, {.works = second}, {.works = third}};
    struct mr_agent agent[3];
    for (int i = 0; i < 3; i++)
        agent[i] = (struct mr_agent){.name = "script", .work = script_work, .context = &scripts[i]};
    const struct mr_agent *const three[] = {&agent[0], &agent[1], &agent[2]};
    assert_int_equal(mr_composite_init(&composite, "much", three, 3, NULL), MR_OK);
    assert_int_equal(start(&composite), MR_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(work(&composite), INT_MAX);
    assert_int_equal(work(&composite), 7);
    stop(&composite);
}

static void the_turns_of_each_member_are_counted_apart(void **state)
{
    (void)state;
    const int first[] = {3, 0, 5, 4};
    const int second[] = {0, 1, MR_E_IO};
    struct script scripts[] = {{.works = first}, {.works = second}};
    const struct mr_agent both[] = {
        {.name = "first", .work = script_work, .context = &scripts[0]},
        {.name = "second", .work = script_work, .context = &scripts[1]}};
    composite_of(&composite, "both", &both[0], &both[1]);
    runner_of(mr_composite_agent(&composite), NULL);
    assert_int_equal(mr_runner_begin(&runner, NULL), MR_OK);
    for (int i = 0; i < 4; i++)
        mr_runner_step(&runner);
    assert_counters(mr_composite_agent_counters(&composite, 0), 3, 2, 8, 5);
    assert_counters(mr_composite_agent_counters(&composite, 1), 3, 1, 1, 1);
    /* What the first did in the turn in which the second failed is in its own counters alone. */
    assert_counters(mr_runner_agent_counters(&runner, 0), 3, 2, 4, 3);
    assert_int_equal(mr_runner_end(&runner), MR_E_IO);
}

/* -- Composites in composites. ----------------------------------------------------------------- */

static struct mr_composite inner[2];

/* ((A B) (C D)) */
static void nest(void)
{
    composite_of(&inner[0], "left", members[0], members[1]);
    composite_of(&inner[1], "right", members[2], members[3]);
    composite_of(&composite, "outer", mr_composite_agent(&inner[0]), mr_composite_agent(&inner[1]));
    runner_of(mr_composite_agent(&composite), NULL);
}

static void nested_composites_keep_the_order_of_all(void **state)
{
    (void)state;
    for (int i = 0; i < ACTORS; i++)
        actors[i].works_left = i;
    nest();
    assert_int_equal(mr_runner_begin(&runner, NULL), MR_OK);
    assert_int_equal(mr_runner_step(&runner), 30);
    assert_int_equal(mr_runner_end(&runner), MR_OK);
    assert_string_equal(life, "sAsBsCsDwAwBwCwDeDeCeBeA");
}

static void a_failure_deep_inside_stops_everything_outside(void **state)
{
    (void)state;
    nest();
    actors[2].work_after = MR_E_CORRUPT;
    assert_int_equal(mr_runner_begin(&runner, NULL), MR_OK);
    assert_int_equal(mr_runner_step(&runner), 0);
    assert_int_equal(mr_runner_step(&runner), -1);
    assert_int_equal(mr_runner_end(&runner), MR_E_CORRUPT);
    assert_string_equal(life, "sAsBsCsDwAwBwCeDeCeBeA");
    assert_int_equal(mr_composite_agent_status(&composite, 0), MR_OK);
    assert_int_equal(mr_composite_agent_status(&composite, 1), MR_E_CORRUPT);
    assert_int_equal(mr_composite_agent_status(&inner[1], 0), MR_E_CORRUPT);
}

static void a_start_that_fails_deep_inside_undoes_all_before_it(void **state)
{
    (void)state;
    nest();
    actors[3].start_status = MR_E_BUSY;
    assert_int_equal(mr_runner_begin(&runner, NULL), MR_E_BUSY);
    assert_string_equal(life, "sAsBsCsDeCeBeA");
}

static void more_agents_than_a_runner_takes_fit_into_its_composites(void **state)
{
    (void)state;
    enum { EACH = MR_COMPOSITE_AGENTS_MAX, GROUPS = MR_RUNNER_AGENTS_MAX, ALL = EACH * GROUPS };
    static const int ones[] = {1, 1};
    static struct script scripts[ALL];
    static struct mr_agent workers[ALL];
    static struct mr_composite groups[GROUPS];
    const struct mr_agent *tops[GROUPS];
    const struct mr_runner_options plain = {0};
    for (int g = 0; g < GROUPS; g++) {
        const struct mr_agent *each[EACH];
        for (int i = 0; i < EACH; i++) {
            struct script *script = &scripts[g * EACH + i];
            *script = (struct script){.works = ones};
            workers[g * EACH + i] =
                (struct mr_agent){.name = "worker", .work = script_work, .context = script};
            each[i] = &workers[g * EACH + i];
        }
        assert_int_equal(mr_composite_init(&groups[g], "group", each, EACH, NULL), MR_OK);
        tops[g] = mr_composite_agent(&groups[g]);
    }
    assert_int_equal(mr_runner_init(&runner, &plain, tops, GROUPS, NULL), MR_OK);
    assert_int_equal(mr_runner_begin(&runner, NULL), MR_OK);
    assert_int_equal(mr_runner_step(&runner), ALL);
    assert_int_equal(mr_runner_step(&runner), ALL);
    assert_int_equal(mr_runner_end(&runner), MR_OK);
    for (int i = 0; i < ALL; i++)
        assert_int_equal(scripts[i].turns, 2);
}

static void start_a_circle(void)
{
    composite_of(&inner[0], "inner", members[0], members[1]);
    composite_of(&composite, "outer", mr_composite_agent(&inner[0]), members[2]);
    composite_of(&inner[0], "inner", members[0], mr_composite_agent(&composite));
    start(&composite);
}

static void start_in_two_places(void)
{
    composite_of(&inner[0], "inner", members[0], members[1]);
    composite_of(&composite, "outer", mr_composite_agent(&inner[0]), mr_composite_agent(&inner[0]));
    start(&composite);
}

static void work_without_start(void)
{
    composite_of(&composite, "both", members[0], members[1]);
    work(&composite);
}

static void stop_twice(void)
{
    composite_of(&composite, "both", members[0], members[1]);
    start(&composite);
    stop(&composite);
    stop(&composite);
}

static void look_beyond_the_last(void)
{
    composite_of(&composite, "both", members[0], members[1]);
    mr_composite_agent_status(&composite, 2);
}

static void assert_breaks(void (*act)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        fclose(stderr);
        act();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void misuse_is_a_broken_invariant(void **state)
{
    (void)state;
    assert_breaks(start_a_circle);
    assert_breaks(start_in_two_places);
    assert_breaks(work_without_start);
    assert_breaks(stop_twice);
    assert_breaks(look_beyond_the_last);
}

/* -- Under the eyes of another thread. --------------------------------------------------------- */

/* Does 1 each turn, and fails once the other thread has seen enough. */
struct watched {
    MR_ATOMIC(uint32_t) enough;
    uint64_t turns;
};

static int watched_work(void *context)
{
    struct watched *watched = context;
    watched->turns++;
    return mr_atomic_load(&watched->enough, relaxed) != 0 ? MR_E_LIMIT : 1;
}

static void another_thread_sees_counters_grow_and_who_failed(void **state)
{
    (void)state;
    struct watched steady = {0};
    struct watched watched = {0};
    const struct mr_agent first = {.name = "s", .work = watched_work, .context = &steady};
    const struct mr_agent second = {.name = "w", .work = watched_work, .context = &watched};
    composite_of(&composite, "pair", &first, &second);
    runner_of(mr_composite_agent(&composite), NULL);
    const struct mr_agent_counters *counters = mr_composite_agent_counters(&composite, 1);
    uint64_t turns = 0;
    assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
    while (turns < 10000) {
        uint64_t seen = mr_atomic_load(&counters->turns, relaxed);
        assert_true(seen >= turns);
        turns = seen;
        sched_yield();
    }
    mr_atomic_store(&watched.enough, 1U, relaxed);
    while (mr_composite_agent_status(&composite, 1) == MR_OK)
        sched_yield();
    assert_int_equal(mr_composite_agent_status(&composite, 1), MR_E_LIMIT);
    assert_int_equal(mr_runner_join(&runner), MR_E_LIMIT);
    assert_int_equal(mr_composite_agent_status(&composite, 0), MR_OK);
    assert_counters(counters, watched.turns, watched.turns - 1, watched.turns - 1, 1);
    assert_counters(mr_composite_agent_counters(&composite, 0), steady.turns, steady.turns,
                    steady.turns, 1);
}

static uint64_t patience_of(void *context)
{
    return *(const uint64_t *)context;
}

static void a_composite_is_as_patient_as_its_least_patient_member(void **state)
{
    (void)state;
    uint64_t patience[] = {MR_WAIT_FOREVER, 700, 900};
    struct mr_agent patients[3];
    for (int i = 0; i < 3; i++)
        patients[i] = (struct mr_agent){.name = "patient",
                                        .work = actor_work,
                                        .context = &patience[i],
                                        .patience = patience_of};
    composite_of(&composite, "two", &patients[0], &patients[1]);
    const struct mr_agent *whole = mr_composite_agent(&composite);
    assert_int_equal(whole->patience(whole->context), 700);
    static struct mr_composite outer;
    composite_of(&outer, "nested", whole, &patients[2]);
    whole = mr_composite_agent(&outer);
    assert_int_equal(whole->patience(whole->context), 700);
    patience[1] = MR_WAIT_FOREVER;
    assert_int_equal(whole->patience(whole->context), 900);
    composite_of(&composite, "with a silent one", &patients[0], &agents[0]);
    whole = mr_composite_agent(&composite);
    assert_int_equal(whole->patience(whole->context), 0);
}

#define TEST(claim) cmocka_unit_test_setup(claim, actors_enter)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_composite_is_as_patient_as_its_least_patient_member),
        TEST(bad_members_are_refused_and_change_nothing),
        TEST(members_start_in_order_work_in_turn_and_stop_in_reverse),
        TEST(members_without_start_and_stop_need_none),
        TEST(a_member_that_cannot_start_undoes_the_start_of_those_before_it),
        TEST(a_member_that_fails_takes_all_members_and_only_them_with_it),
        TEST(a_composite_can_start_again_after_it_was_stopped_or_could_not_start),
        TEST(work_that_is_too_much_for_an_int_is_told_as_the_largest),
        TEST(the_turns_of_each_member_are_counted_apart),
        TEST(nested_composites_keep_the_order_of_all),
        TEST(a_failure_deep_inside_stops_everything_outside),
        TEST(a_start_that_fails_deep_inside_undoes_all_before_it),
        TEST(more_agents_than_a_runner_takes_fit_into_its_composites),
        TEST(misuse_is_a_broken_invariant),
        TEST(another_thread_sees_counters_grow_and_who_failed),
    };
    return cmocka_run_group_tests_name("composite", tests, NULL, NULL);
}
