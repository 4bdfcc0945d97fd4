/*
 * That bench_pipeline's open loop leaves nothing out: a real engine stands still for two seconds,
 * once because its logic blocks, once because the whole process is stopped; and the percentiles
 * show two seconds for just those commands that were due meanwhile.
 */
#include "bench/pipeline/open_loop.h"
#include "tests/engine/till.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    RATE = 4000,
    COMMANDS = 3 * RATE, /* three seconds */
    STILL_FROM = RATE / 2,
    STILL_S = 2, /* so two thirds of all were due while it stood still */
    INPUT_SLOTS = 1024,
    MS = 1000000,
};

/* -- An engine that may stand still. ----------------------------------------------------------- */

struct subject {
    struct mr_engine *engine;
    struct till_command command;
    uint64_t answers;
    uint64_t busy; /* how often it was */
    uint64_t first_sequence;
};

static void stand_still(uint32_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * MS};
    while (nanosleep(&left, &left) != 0) {
    }
}

static bool blocks; /* the logic, once */

static uint32_t apply_blocking(struct mr_context *context, const struct mr_command *command)
{
    if (blocks && command->request == STILL_FROM + 1) {
        stand_still(STILL_S * 1000);
    }
    return till_apply(context, command);
}

static bool subject_send(void *context, uint64_t index)
{
    struct subject *subject = context;
    subject->command = till_move(1, index + 1, 0, 1);
    bool taken = mr_engine_submit(subject->engine, &subject->command.header, NULL) == MR_OK;
    subject->busy += !taken;
    return taken;
}

static void count_answer(void *context, const struct mr_answer *answer)
{
    (void)answer;
    ++*(uint64_t *)context;
}

static bool subject_look(void *context, struct open_loop_progress *progress)
{
    struct subject *subject = context;
    const struct mr_engine_handlers handlers = {.answer = count_answer,
                                                .context = &subject->answers};
    (void)mr_engine_poll(subject->engine, &handlers, 1024);
    uint64_t durable = mr_engine_durable_sequence(subject->engine);
    progress->answered = subject->answers;
    progress->durable =
        durable >= subject->first_sequence ? durable - subject->first_sequence + 1 : 0;
    return mr_engine_failure(subject->engine, NULL) == MR_OK;
}

static void subject_idle(void *context, uint64_t wait_ns)
{
    (void)context, (void)wait_ns;
    mr_engine_pause();
}

/* Without a disk, so that nothing but what is planned makes it wait. */
static bool run_engine(struct subject *subject, struct open_loop_result *result)
{
    static struct mr_logic logic;
    logic = till_logic;
    logic.apply = apply_blocking;
    const struct mr_engine_options options = {.logic = &logic,
                                              .clock_kind = MR_CLOCK_INPUT,
                                              .durability = MR_DURABILITY_NONE,
                                              .input_slots = INPUT_SLOTS};
    const struct open_loop_target target = {
        .send = subject_send, .look = subject_look, .idle = subject_idle, .context = subject};
    struct open_loop_schedule schedule = {0};
    bool good = open_loop_constant(&schedule, COMMANDS, RATE) &&
                mr_engine_open(&options, &subject->engine, NULL) == MR_OK &&
                mr_engine_start(subject->engine, NULL) == MR_OK &&
                mr_engine_session(subject->engine, 1, MR_ROLE_USER, NULL, NULL) == MR_OK;
    if (good) {
        subject->first_sequence = mr_engine_applied_sequence(subject->engine) + 1;
        good = open_loop_run(&schedule, &target, result);
    }
    if (subject->engine != NULL) {
        good = mr_engine_stop(subject->engine, NULL) == MR_OK && good;
        mr_engine_close(subject->engine);
    }
    open_loop_schedule_free(&schedule);
    return good;
}

/* -- What has to show. ------------------------------------------------------------------------- */

/* The parts per thousand of all commands that waited longer than `ms`. */
static uint32_t share_above(const struct mr_histogram *histogram, uint64_t ms)
{
    uint64_t above = 0;
    for (uint32_t i = mr_histogram_index(ms * MS) + 1; i < MR_HISTOGRAM_BUCKETS; i++) {
        above += histogram->buckets[i];
    }
    return (uint32_t)(above * 1000 / histogram->count);
}

/* Of three seconds' commands, those that were due in the two seconds waited, evenly spread, from
 * two seconds down to none: a third of all for more than one second, half of all for more than half
 * a second. The bounds are wide: the machine may be busy. */
static void check_stillness(const struct mr_histogram *histogram)
{
    assert_int_equal(histogram->count, COMMANDS);
    assert_in_range(histogram->max, UINT64_C(1900) * MS, UINT64_C(3500) * MS);
    assert_in_range(share_above(histogram, 1000), 280, 480);
    assert_in_range(share_above(histogram, 500), 430, 650);
    assert_in_range(share_above(histogram, 1800), 30, 250);
}

static void a_logic_that_blocks_for_two_seconds_shows_as_two_seconds(void **state)
{
    (void)state;
    static struct open_loop_result result;
    struct subject subject = {0};
    blocks = true;
    assert_true(run_engine(&subject, &result));
    blocks = false;
    check_stillness(&result.answered);
    /* Even though the sender was turned away meanwhile. */
    assert_true(subject.busy > 0);
}

/* In the child: all of it, and the result to the parent. */
static void run_child(int to_parent)
{
    static struct open_loop_result result;
    struct subject subject = {0};
    bool good = write(to_parent, "b", 1) == 1 && run_engine(&subject, &result) &&
                write(to_parent, &result.answered, sizeof result.answered) ==
                    (ssize_t)sizeof result.answered;
    _exit(good ? 0 : 1);
}

static void read_all(int from, void *bytes, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t more = read(from, (unsigned char *)bytes + got, size - got);
        assert_true(more > 0);
        got += (size_t)more;
    }
}

static void a_process_that_is_stopped_for_two_seconds_shows_as_two_seconds(void **state)
{
    (void)state;
    static struct mr_histogram answered;
    int ends[2];
    char begun;
    int status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        run_child(ends[1]);
    }
    close(ends[1]);
    read_all(ends[0], &begun, 1);
    stand_still(500);
    assert_int_equal(kill(child, SIGSTOP), 0);
    stand_still(STILL_S * 1000);
    assert_int_equal(kill(child, SIGCONT), 0);
    read_all(ends[0], &answered, sizeof answered);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ends[0]);
    check_stillness(&answered);
}

/* -- Schedules. -------------------------------------------------------------------------------- */

static void a_constant_rate_is_kept_to_the_end(void **state)
{
    (void)state;
    struct open_loop_schedule schedule;
    assert_true(open_loop_constant(&schedule, 3000001, 3e6));
    assert_int_equal(schedule.due_ns[0], 0);
    assert_int_equal(schedule.due_ns[1], 333);
    assert_in_range(schedule.due_ns[3000000], 999999999, 1000000001);
    open_loop_schedule_free(&schedule);
}

static void random_distances_keep_the_rate_and_follow_from_the_seed(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    struct open_loop_schedule one;
    struct open_loop_schedule same;
    struct open_loop_schedule other;
    assert_true(open_loop_poisson(&one, COUNT, 1e6, 7));
    assert_true(open_loop_poisson(&same, COUNT, 1e6, 7));
    assert_true(open_loop_poisson(&other, COUNT, 1e6, 8));
    assert_memory_equal(one.due_ns, same.due_ns, COUNT * sizeof *one.due_ns);
    assert_memory_not_equal(one.due_ns, other.due_ns, COUNT * sizeof *one.due_ns);
    uint32_t short_ones = 0;
    for (uint32_t i = 1; i < COUNT; i++) {
        assert_true(one.due_ns[i] >= one.due_ns[i - 1]);
        short_ones += one.due_ns[i] - one.due_ns[i - 1] < 1000;
    }
    /* 1 us on the average, and 1 - 1/e of them are shorter than that. */
    assert_in_range(one.due_ns[COUNT - 1], COUNT * 990, COUNT * 1010);
    assert_in_range(short_ones, COUNT * 0.62, COUNT * 0.645);
    open_loop_schedule_free(&one);
    open_loop_schedule_free(&same);
    open_loop_schedule_free(&other);
}

/* -- A subject of which every moment is known. ------------------------------------------------- */

struct slow {
    uint64_t sent;
    uint64_t looks;
    uint64_t turned_away;
};

/* Is busy every other time. */
static bool slow_send(void *context, uint64_t index)
{
    struct slow *slow = context;
    assert_int_equal(index, slow->sent); /* in order, and again after `busy` */
    if (slow->turned_away++ % 2 == 0) {
        return false;
    }
    slow->sent++;
    return true;
}

/* Answers one command a look, and makes none durable that it has not got. */
static bool slow_look(void *context, struct open_loop_progress *progress)
{
    struct slow *slow = context;
    slow->looks++;
    progress->durable = slow->sent;
    progress->answered += progress->answered < slow->sent ? 1 : 0;
    return true;
}

static void every_command_is_sent_once_in_order_and_counted_once(void **state)
{
    (void)state;
    static struct open_loop_result result;
    struct slow slow = {0};
    struct open_loop_schedule schedule;
    const struct open_loop_target target = {.send = slow_send, .look = slow_look, .context = &slow};
    assert_true(open_loop_at_once(&schedule, 1000));
    assert_true(open_loop_run(&schedule, &target, &result));
    assert_int_equal(slow.sent, 1000);
    assert_int_equal(result.durable.count, 1000);
    assert_int_equal(result.answered.count, 1000);
    /* One in eight, drawn by lot. */
    assert_in_range(result.accepted.count, 80, 180);
    assert_true(result.answered.max >= result.durable.max);
    assert_true(result.elapsed_ns >= result.answered.max);
    open_loop_schedule_free(&schedule);
}

static bool failing_look(void *context, struct open_loop_progress *progress)
{
    (void)context, (void)progress;
    return false;
}

static void a_subject_that_fails_ends_the_run(void **state)
{
    (void)state;
    static struct open_loop_result result;
    struct slow slow = {0};
    struct open_loop_schedule schedule;
    const struct open_loop_target target = {
        .send = slow_send, .look = failing_look, .context = &slow};
    assert_true(open_loop_at_once(&schedule, 10));
    assert_false(open_loop_run(&schedule, &target, &result));
    open_loop_schedule_free(&schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_logic_that_blocks_for_two_seconds_shows_as_two_seconds),
        cmocka_unit_test(a_process_that_is_stopped_for_two_seconds_shows_as_two_seconds),
        cmocka_unit_test(a_constant_rate_is_kept_to_the_end),
        cmocka_unit_test(random_distances_keep_the_rate_and_follow_from_the_seed),
        cmocka_unit_test(every_command_is_sent_once_in_order_and_counted_once),
        cmocka_unit_test(a_subject_that_fails_ends_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
