/*
 * Where the engine's threads run: the decision follows from what was measured; a place that an
 * embedder gives is taken; threads bear their names.
 */
#include "engine/parts.h"
#include "tests/engine/till.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

/* -- What /proc/interrupts says. --------------------------------------------------------------- */

static const char before_text[] = "           CPU0       CPU2       CPU5\n"
                                  " 24:          1          0          7  IO-APIC  ACPI\n"
                                  " 36:        100         50 4000000000  PCI-MSIX disk\n"
                                  " 41:          0          0          0  PCI-MSIX net\n"
                                  "NMI:          0          0          0  Non-maskable\n"
                                  "LOC:        500        500        500  Local timer\n";

static bool served(const char *after, uint32_t writes, uint32_t *cpu)
{
    return mr_interrupts_served(before_text, after, writes, cpu);
}

static void the_cpu_that_was_interrupted_as_often_as_was_written_serves_the_disk(void **state)
{
    (void)state;
    uint32_t cpu = 99;
    /* The timer's interrupts are more, and do not count. */
    assert_true(served("           CPU0       CPU2       CPU5\n"
                       " 24:          1          0          7  IO-APIC  ACPI\n"
                       " 36:        100         50 4000000032  PCI-MSIX disk\n"
                       " 41:          2          0          0  PCI-MSIX net\n"
                       "NMI:          0          0          0  Non-maskable\n"
                       "LOC:       9500        500        500  Local timer\n",
                       16, &cpu));
    assert_int_equal(cpu, 5);
}

static void a_device_that_interrupted_less_is_not_the_disk(void **state)
{
    (void)state;
    uint32_t cpu;
    assert_false(served("           CPU0       CPU2       CPU5\n"
                        " 24:          1          0          7  IO-APIC  ACPI\n"
                        " 36:        100         57 4000000000  PCI-MSIX disk\n"
                        " 41:          0          0          0  PCI-MSIX net\n",
                        16, &cpu));
}

static void two_cpus_that_are_interrupted_alike_leave_it_open(void **state)
{
    (void)state;
    uint32_t cpu;
    assert_false(served("           CPU0       CPU2       CPU5\n"
                        " 24:          1          0          7  IO-APIC  ACPI\n"
                        " 36:        100         50 4000000032  PCI-MSIX disk\n"
                        " 41:         30          0          0  PCI-MSIX net\n",
                        16, &cpu));
}

static void a_text_that_changed_its_shape_leaves_it_open(void **state)
{
    (void)state;
    uint32_t cpu;
    assert_false(served("", 16, &cpu));
    assert_false(served("nothing\nof the kind\n", 16, &cpu));
    assert_false(served("           CPU0       CPU2\n 24: 1 0\n 36: 900 50\n", 16, &cpu));
    assert_false(served("           CPU0       CPU2       CPU5\n"
                        " 24:          1          0          7  IO-APIC  ACPI\n"
                        " 37:        900         50 4000000000  PCI-MSIX disk\n",
                        16, &cpu));
}

static void too_few_writes_leave_it_open(void **state)
{
    (void)state;
    uint32_t cpu;
    assert_false(served("           CPU0       CPU2       CPU5\n"
                        " 24:          1          0          7  IO-APIC  ACPI\n"
                        " 36:        100         52 4000000000  PCI-MSIX disk\n",
                        1, &cpu));
}

/* -- The decision. ----------------------------------------------------------------------------- */

/* CPUs 0 to `cpus` - 1, probed from the first and the last. */
static struct mr_affinity_facts facts_of(uint32_t cpus, uint32_t served_first, uint32_t served_last)
{
    struct mr_affinity_facts facts = {.threads = 2, .journal_thread = 0, .probe_count = 2};
    CPU_ZERO(&facts.allowed);
    for (uint32_t i = 0; i < cpus; i++) {
        CPU_SET(i, &facts.allowed);
    }
    facts.probes[0] = (struct mr_disk_probe){.from = 0, .served = served_first, .known = true};
    facts.probes[1] =
        (struct mr_disk_probe){.from = cpus - 1, .served = served_last, .known = true};
    return facts;
}

static bool runs_on(const struct mr_affinity_plan *plan, uint32_t thread, uint32_t cpu)
{
    return CPU_ISSET(cpu, &plan->on[thread]) != 0;
}

static void all_but_the_journal_are_kept_off_the_cpu_that_serves_the_disk(void **state)
{
    (void)state;
    struct mr_affinity_plan plan;
    struct mr_affinity_facts facts = facts_of(4, 1, 1);
    facts.threads = 3;
    facts.journal_thread = 1;
    mr_affinity_decide(&facts, &plan);
    assert_true(plan.apart);
    assert_int_equal(CPU_COUNT(&plan.on[1]), 1);
    assert_true(runs_on(&plan, 1, 1));
    for (uint32_t thread = 0; thread < 3; thread += 2) {
        assert_int_equal(CPU_COUNT(&plan.on[thread]), 3);
        assert_false(runs_on(&plan, thread, 1));
    }
}

static void where_interrupts_follow_the_writer_the_journal_gets_a_cpu_of_its_own(void **state)
{
    (void)state;
    struct mr_affinity_plan plan;
    struct mr_affinity_facts facts = facts_of(2, 0, 1);
    mr_affinity_decide(&facts, &plan);
    assert_true(plan.apart);
    assert_true(runs_on(&plan, 0, 1) && !runs_on(&plan, 0, 0));
    assert_true(runs_on(&plan, 1, 0) && !runs_on(&plan, 1, 1));
}

static void assert_left_alone(const struct mr_affinity_facts *facts)
{
    struct mr_affinity_plan plan;
    mr_affinity_decide(facts, &plan);
    assert_false(plan.apart);
    assert_non_null(strstr(plan.why, "left to the system"));
}

static void what_is_not_known_leaves_the_threads_alone(void **state)
{
    (void)state;
    struct mr_affinity_facts facts = facts_of(4, 1, 1);
    facts.probes[0].known = facts.probes[1].known = false;
    assert_left_alone(&facts);
    facts = facts_of(4, 1, 2); /* neither one CPU nor the writer's */
    assert_left_alone(&facts);
    facts = facts_of(4, 7, 7); /* not one of ours */
    assert_left_alone(&facts);
    facts = facts_of(1, 0, 0);
    assert_left_alone(&facts);
    facts = facts_of(4, 1, 1);
    facts.threads = 1;
    assert_left_alone(&facts);
}

static void one_probe_that_is_known_is_enough(void **state)
{
    (void)state;
    struct mr_affinity_plan plan;
    struct mr_affinity_facts facts = facts_of(4, 2, 0);
    facts.probes[1].known = false;
    mr_affinity_decide(&facts, &plan);
    assert_true(plan.apart);
    assert_true(runs_on(&plan, 0, 2));
    assert_false(runs_on(&plan, 1, 2));
}

/* -- Names. ------------------------------------------------------------------------------------ */

static void a_long_prefix_is_cut_and_the_label_is_not(void **state)
{
    (void)state;
    char name[MR_RUNNER_NAME_SIZE];
    mr_affinity_name(name, NULL, "journal");
    assert_string_equal(name, "mr-journal");
    mr_affinity_name(name, "exchange-of-the-east", "sequence");
    assert_string_equal(name, "exchan-sequence");
}

/* -- A running engine. ------------------------------------------------------------------------- */

struct running {
    char directory[32];
    struct mr_engine *engine;
    char said[512];
};

static void listen(void *context, enum mr_log_level level, const char *message)
{
    struct running *running = context;
    if (level == MR_LOG_INFO && strstr(message, "affinity") != NULL) {
        (void)snprintf(running->said, sizeof running->said, "%s", message);
    }
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static void open_engine(struct running *running, struct mr_engine_options options)
{
    struct mr_error error = {0};
    *running = (struct running){.directory = "affinity-XXXXXX"};
    assert_non_null(mkdtemp(running->directory));
    options.directory = running->directory;
    options.create = true;
    options.logic = &till_logic;
    options.clock_kind = MR_CLOCK_INPUT;
    options.segment_bytes = 4 << 20;
    options.log = (struct mr_log){.write = listen, .context = running, .level = MR_LOG_INFO};
    if (mr_engine_open(&options, &running->engine, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
}

/* Opens and starts; the code of start. */
static int start(struct running *running, struct mr_engine_options options, struct mr_error *error)
{
    open_engine(running, options);
    return mr_engine_start(running->engine, error);
}

static void stop(struct running *running)
{
    assert_int_equal(mr_engine_stop(running->engine, NULL), MR_OK);
    mr_engine_close(running->engine);
    nftw(running->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The one CPU that the thread of this name may run on; -1: several, -2: there is no such thread. */
static int cpu_of(const char *name)
{
    int found = -2;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        char path[300];
        char text[32] = "";
        (void)snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL || fgets(text, sizeof text, file) == NULL ||
            strncmp(text, name, strlen(name)) != 0 || text[strlen(name)] != '\n') {
            if (file != NULL) {
                fclose(file);
            }
            continue;
        }
        fclose(file);
        cpu_set_t on;
        pid_t id = (pid_t)strtol(task->d_name, NULL, 10);
        assert_int_equal(sched_getaffinity(id, sizeof on, &on), 0);
        found = -1;
        for (uint32_t cpu = 0; CPU_COUNT(&on) == 1 && cpu < CPU_SETSIZE; cpu++) {
            found = CPU_ISSET(cpu, &on) ? (int)cpu : found;
        }
    }
    closedir(tasks);
    return found;
}

/* The first and the last CPU that this process may use. */
static void ends(uint32_t *first, uint32_t *last)
{
    cpu_set_t allowed;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    *last = 0;
    for (uint32_t cpu = CPU_SETSIZE; cpu-- > 0;) {
        if (CPU_ISSET(cpu, &allowed)) {
            *last = *last > cpu ? *last : cpu;
            *first = cpu;
        }
    }
}

static void fixed_threads_run_where_they_are_told(void **state)
{
    (void)state;
    struct mr_error error = {0};
    struct running running;
    uint32_t first = 0;
    uint32_t last;
    ends(&first, &last);
    struct mr_engine_options options = {.affinity = MR_AFFINITY_FIXED,
                                        .topology = MR_TOPOLOGY_EACH,
                                        .name = "till",
                                        .cpus = {last, first, last}};
    assert_int_equal(start(&running, options, &error), MR_OK);
    assert_int_equal(cpu_of("till-sequence"), last);
    assert_int_equal(cpu_of("till-journal"), first);
    assert_int_equal(cpu_of("till-apply"), last);
    stop(&running);
}

static void an_impossible_cpu_is_refused_and_named(void **state)
{
    (void)state;
    static const uint32_t impossible[] = {1000, CPU_SETSIZE, UINT32_MAX};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        struct mr_error error = {0};
        struct running running;
        uint32_t first = 0;
        uint32_t last;
        char number[16];
        ends(&first, &last);
        (void)snprintf(number, sizeof number, "CPU %u", impossible[i]);
        struct mr_engine_options options = {.affinity = MR_AFFINITY_FIXED,
                                            .cpus = {first, first, impossible[i]}};
        assert_int_equal(start(&running, options, &error), MR_E_INVALID);
        assert_non_null(strstr(error.text, "stage apply"));
        assert_non_null(strstr(error.text, number));
        stop(&running);
    }
}

static void stages_that_share_a_thread_share_a_cpu(void **state)
{
    (void)state;
    struct mr_error error = {0};
    const uint32_t threads[] = {0, 0, 1};
    const uint32_t cpus[] = {0, 1, 1};
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    CPU_SET(0, &allowed);
    CPU_SET(1, &allowed);
    assert_int_equal(mr_affinity_check(cpus, threads, &allowed, &error), MR_E_INVALID);
    assert_non_null(strstr(error.text, "sequence and journal"));
    const uint32_t each[] = {0, 1, 2};
    assert_int_equal(mr_affinity_check(cpus, each, &allowed, &error), MR_OK);
}

static void threads_that_park_are_left_alone_and_bear_their_names(void **state)
{
    (void)state;
    struct mr_error error = {0};
    struct running running;
    assert_int_equal(start(&running, (struct mr_engine_options){0}, &error), MR_OK);
    uint32_t first = 0;
    uint32_t last;
    ends(&first, &last);
    int anywhere = first == last ? (int)first : -1;
    assert_int_equal(cpu_of("mr-sequence"), anywhere);
    assert_int_equal(cpu_of("mr-apply"), anywhere);
    assert_string_equal(running.said, "");
    stop(&running);
    const struct mr_engine_options one = {.topology = MR_TOPOLOGY_ONE};
    assert_int_equal(start(&running, one, &error), MR_OK);
    assert_int_equal(cpu_of("mr-engine"), anywhere);
    stop(&running);
}

/* A plan that was not measured but made up. */
static void every_thread_takes_the_place_that_was_planned_for_it(void **state)
{
    (void)state;
    struct running running;
    uint32_t first = 0;
    uint32_t last;
    ends(&first, &last);
    open_engine(&running, (struct mr_engine_options){.topology = MR_TOPOLOGY_EACH});
    struct mr_affinity_plan *plan = &running.engine->affinity;
    plan->apart = true;
    for (uint32_t i = 0; i < MR_ENGINE_STAGES; i++) {
        CPU_ZERO(&plan->on[i]);
        CPU_SET(i == MR_STAGE_JOURNAL ? last : first, &plan->on[i]);
    }
    assert_int_equal(mr_engine_start(running.engine, NULL), MR_OK);
    assert_int_equal(cpu_of("mr-sequence"), first);
    assert_int_equal(cpu_of("mr-journal"), last);
    assert_int_equal(cpu_of("mr-apply"), first);
    stop(&running);
}

/* Whatever this machine's disk is like: the start succeeds, and says what it decided. */
static void threads_that_yield_are_placed_and_it_is_said(void **state)
{
    (void)state;
    struct mr_error error = {0};
    struct running running;
    const struct mr_engine_options options = {.wait = MR_WAIT_YIELD};
    assert_int_equal(start(&running, options, &error), MR_OK);
    assert_non_null(strstr(running.said, "affinity: "));
    print_message("%s\n", running.said);
    bool placed = strstr(running.said, "serves the disk: ") != NULL;
    assert_true(!placed || cpu_of("mr-sequence") >= 0);
    assert_true(!placed || cpu_of("mr-sequence") != cpu_of("mr-apply"));
    stop(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cpu_that_was_interrupted_as_often_as_was_written_serves_the_disk),
        cmocka_unit_test(a_device_that_interrupted_less_is_not_the_disk),
        cmocka_unit_test(two_cpus_that_are_interrupted_alike_leave_it_open),
        cmocka_unit_test(a_text_that_changed_its_shape_leaves_it_open),
        cmocka_unit_test(too_few_writes_leave_it_open),
        cmocka_unit_test(all_but_the_journal_are_kept_off_the_cpu_that_serves_the_disk),
        cmocka_unit_test(where_interrupts_follow_the_writer_the_journal_gets_a_cpu_of_its_own),
        cmocka_unit_test(what_is_not_known_leaves_the_threads_alone),
        cmocka_unit_test(one_probe_that_is_known_is_enough),
        cmocka_unit_test(a_long_prefix_is_cut_and_the_label_is_not),
        cmocka_unit_test(fixed_threads_run_where_they_are_told),
        cmocka_unit_test(an_impossible_cpu_is_refused_and_named),
        cmocka_unit_test(stages_that_share_a_thread_share_a_cpu),
        cmocka_unit_test(threads_that_park_are_left_alone_and_bear_their_names),
        cmocka_unit_test(every_thread_takes_the_place_that_was_planned_for_it),
        cmocka_unit_test(threads_that_yield_are_placed_and_it_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
