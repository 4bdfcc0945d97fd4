/* A processor's setting up, and the forms in which it runs: in a thread of its own, by hand, as an
 * agent. What becomes of its batches is told in test_batch.c. */
#include "tests/disruptor/processor_fixture.h"

#include <pthread.h>
#include <sched.h>

/* -- Setting up. ------------------------------------------------------------------------------- */

static void assert_refused(const struct mr_processor_options *options)
{
    struct mr_error error = {0};
    memset(&fixture.processor, 0x5a, sizeof fixture.processor);
    assert_int_equal(mr_processor_init(&fixture.processor, options, &error), MR_E_INVALID);
    assert_int_equal(error.code, MR_E_INVALID);
    assert_true(strlen(error.text) > 0);
    assert_int_equal(*(unsigned char *)&fixture.processor, 0x5a);
}

TEST(bad_options_are_refused)
{
    static struct mr_consumer stray;
    struct mr_processor_options bad;
    fixture_open();

    bad = fixture.options;
    bad.handler.handle = NULL;
    assert_refused(&bad);
    bad = fixture.options;
    bad.consumer = &fixture.consumer;
    bad.worker = &fixture.worker;
    assert_refused(&bad);
    bad.consumer = NULL;
    bad.worker = NULL;
    assert_refused(&bad);
    bad.consumer = &stray;
    assert_refused(&bad);
    bad = fixture.options;
    bad.failure.action = (enum mr_failure_action)2;
    assert_refused(&bad);
    bad.failure.action = MR_FAILURE_SKIP;
    assert_refused(&bad);
    bad.failure.dead_letters = &fixture.ring;
    assert_refused(&bad);
    bad = fixture.options;
    bad.rewind = (struct mr_rewind_policy){.pause_ns = 2, .pause_ns_max = 1};
    assert_refused(&bad);
}

/* A ring with slots of this size, which is used for nothing but its sizes. */
static void ring_of(struct mr_ring *ring, enum mr_ring_layout layout, uint32_t slot_size,
                    void *memory)
{
    const struct mr_ring_options options = {
        .capacity = 1, .slot_size = slot_size, .layout = layout, .memory = memory};
    assert_int_equal(mr_ring_init(ring, &options, NULL), MR_OK);
}

TEST(slots_that_cannot_hold_a_dead_letter_are_refused)
{
    static const uint32_t sizes[] = {1, 24, 28, 32, 60, 61};
    for (int i = 0; i < 24; i++) {
        fixture_open();
        fixture.options.failure.dead_letters = &fixture.letters;
        enum mr_ring_layout layout = (enum mr_ring_layout)(i & 1);
        uint32_t line = MR_RING_PADDING / 2;
        uint32_t length = sizes[i / 4];
        if (variant.layout == MR_RING_LATENCY)
            length = length <= line - 4 ? line - 4 : 2 * line - 4;
        ring_of(&fixture.ring, variant.layout, sizes[i / 4], fixture.memory);
        assert_in_range(mr_dead_letter_size(&fixture.ring), 32 + length, 32 + length + 7);
        for (uint32_t size = 1; size < 200; size++) {
            ring_of(&fixture.letters, layout, size, fixture.letter_memory);
            uint64_t stride = mr_ring_stride(&fixture.letters);
            uint64_t room = layout == MR_RING_LATENCY ? stride - 4 : stride;
            if (room >= 32 + length && stride % 8 == 0)
                processor_open(NULL);
            else
                assert_refused(&fixture.options);
        }
        ring_of(&fixture.letters, layout, (uint32_t)mr_dead_letter_size(&fixture.ring),
                fixture.letter_memory);
        processor_open(NULL);
    }
}

/* -- Running, in one thread. ------------------------------------------------------------------- */

static int run(void)
{
    return mr_processor_run(&fixture.processor);
}

static void with_start_and_stop(void)
{
    fixture.options.handler.start = start;
    fixture.options.handler.stop = stop;
}

TEST(a_run_begins_with_start_and_ends_with_stop_at_a_halt)
{
    fixture_open();
    with_start_and_stop();
    processor_open("...H");
    produce(6);
    assert_int_equal(run(), MR_OK);
    assert_log("S [6 0/5 1/4 2/3 3/2 E ");
    assert_int_equal(position(), 4);
    assert_int_equal(run(), MR_OK);
    assert_log("S E ");
    assert_int_equal(position(), 4);
}

TEST(a_run_whose_start_fails_handles_nothing_and_may_be_tried_again)
{
    fixture_open();
    with_start_and_stop();
    fixture.start_status = MR_E_BUSY;
    processor_open("H");
    produce(1);
    assert_int_equal(run(), MR_E_BUSY);
    assert_log("S ");
    assert_int_equal(position(), 0);
    fixture.start_status = MR_OK;
    assert_int_equal(run(), MR_OK);
    assert_log("S [1 0/0 E ");
}

TEST(after_an_alert_that_is_cleared_a_processor_may_be_run_again)
{
    fixture_open();
    with_start_and_stop();
    processor_open(".L AL H");
    produce(5);
    assert_int_equal(run(), MR_OK);
    assert_int_equal(run(), MR_OK);
    mr_consumer_alert_clear(fixture.mine);
    assert_int_equal(run(), MR_OK);
    mr_consumer_alert_clear(fixture.mine);
    assert_int_equal(run(), MR_OK);
    assert_log("S [5 0/4 1/3 E S E S [3 2/2 [3 2/2^1 E S [2 3/1 E ");
    assert_int_equal(position(), 4);
}

TEST(a_run_that_its_policy_stops_says_why_and_calls_stop_once)
{
    fixture_open();
    with_start_and_stop();
    processor_open(".F");
    produce(3);
    assert_int_equal(run(), MR_E_IO);
    assert_int_equal(run(), MR_E_IO);
    assert_log("S [3 0/2 1/1 E ");
    assert_int_equal(position(), 1);
}

TEST(a_run_that_is_halted_while_a_dead_letter_waits_says_so)
{
    for (int alerts = 0; alerts <= 1; alerts++) {
        fixture_open();
        with_start_and_stop();
        skip_failures();
        processor_open(alerts != 0 ? ".l" : ".h");
        produce(3);
        letters_fill();
        assert_int_equal(run(), MR_AGAIN);
        assert_log("S [3 0/2 1/1 E ");
        assert_int_equal(position(), 1);
        letter_drop();
        assert_int_equal(run(), MR_OK);
        assert_int_equal(letters(), LETTERS - 1);
        if (alerts == 0)
            continue;
        mr_consumer_alert_clear(fixture.mine);
        fixture.script = "FH";
        assert_int_equal(run(), MR_OK);
        assert_log("S E S [2 1/1^1 [1 2/0 E ");
        assert_int_equal(letters(), LETTERS);
        assert_int_equal(position(), 3);
    }
}

TEST(a_wait_that_its_time_limit_ends_is_told_and_goes_on)
{
    const enum mr_wait_kind kinds[] = {MR_WAIT_PARK, MR_WAIT_SLEEP, MR_WAIT_YIELD, MR_WAIT_SPIN};
    for (int i = 0; i < 4; i++) {
        fixture_open_waiting((struct mr_wait){.kind = kinds[i], .timeout_ns = 20000});
        with_start_and_stop();
        fixture.options.handler.timeout = timeout;
        processor_open(NULL);
        produce(1);
        assert_int_equal(run(), MR_OK); /* `timeout` halts the ring */
        assert_log("S [1 0/0 T1 E ");
    }
}

TEST(an_end_without_a_time_limit_is_not_told_as_one)
{
    fixture_open();
    with_start_and_stop();
    fixture.options.handler.timeout = timeout;
    processor_open(NULL);
    mr_consumer_alert(fixture.mine);
    assert_int_equal(run(), MR_OK);
    assert_log("S E ");
}

TEST(a_run_passes_the_pauses_of_its_rewinds)
{
    const enum mr_wait_kind kinds[] = {MR_WAIT_PARK, MR_WAIT_SLEEP, MR_WAIT_YIELD, MR_WAIT_SPIN};
    for (int i = 0; i < 8; i++) {
        /* Pauses that are over at once, and others in which it waits. */
        fixture_open_waiting((struct mr_wait){.kind = kinds[i / 2]});
        fixture.options.rewind.pause_ns = i % 2 == 0 ? 1 : 1000;
        fixture.options.rewind.pause_ns_max = i % 2 == 0 ? 1 : 50000;
        processor_open("AAAAAAAAH");
        produce(1);
        assert_int_equal(run(), MR_OK);
        assert_int_equal(position(), 1);
        assert_log("[1 0/0 [1 0/0^1 [1 0/0^2 [1 0/0^3 [1 0/0^4 [1 0/0^5 [1 0/0^6 [1 0/0^7 "
                   "[1 0/0^8 ");
    }
}

/* -- Running beside another thread. ------------------------------------------------------------ */

static void *run_in_thread(void *argument)
{
    int *status = argument;
    *status = run();
    return NULL;
}

static pthread_t run_begin(int *status)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_in_thread, status), 0);
    return thread;
}

static void until(MR_ATOMIC(uint64_t) * counter, uint64_t value)
{
    while (counted(counter) < value)
        sched_yield();
}

/* The ways to wait that differ here: park, where somebody wakes, and the others. */
static const struct mr_wait waits[] = {
    {.kind = MR_WAIT_PARK, .spins = 1, .yields = 1, .sleep_ns = MR_WAIT_FOREVER},
    {.kind = MR_WAIT_SLEEP, .spins = 1, .yields = 1},
    {.kind = MR_WAIT_YIELD, .spins = 1},
};
enum { WAITS = sizeof waits / sizeof waits[0] };

TEST(all_that_is_published_is_handled_before_a_drained_ring_is_halted)
{
    for (int i = 0; i < WAITS; i++) {
        int status = -1;
        fixture_open_waiting(waits[i]);
        fixture.options.handler.batch = NULL;
        processor_open(NULL);
        pthread_t thread = run_begin(&status);
        for (int p = 0; p < 200; p++) {
            while (mr_ring_cursor(&fixture.ring) - position() == CAPACITY)
                sched_yield();
            produce(1);
            if (p % 50 == 0)
                assert_int_equal(mr_ring_drain(&fixture.ring, 0), MR_OK);
        }
        assert_int_equal(mr_ring_drain(&fixture.ring, 0), MR_OK);
        mr_ring_halt(&fixture.ring);
        pthread_join(thread, NULL);
        assert_int_equal(status, MR_OK);
        assert_int_equal(position(), 200);
        assert_int_equal(counted(&fixture.processor.counters.handled), 200);
        assert_true(strstr(fixture.log, "199/0 ") != NULL);
    }
}

TEST(a_halt_or_an_alert_ends_a_run_that_waits_for_positions)
{
    for (int i = 0; i < 2 * WAITS; i++) {
        int status = -1;
        fixture_open_waiting(waits[i / 2]);
        fixture.mine->wait.timeout_ns = HOUR_NS;
        fixture.options.handler.timeout = timeout;
        processor_open(NULL);
        pthread_t thread = run_begin(&status);
        until(&fixture.mine->counters.empty, 1);
        if (i % 2 == 0)
            mr_ring_halt(&fixture.ring);
        else
            mr_consumer_alert(fixture.mine);
        pthread_join(thread, NULL);
        assert_int_equal(status, MR_OK);
        assert_log("");
    }
}

TEST(a_halt_or_an_alert_ends_a_run_in_the_pause_of_a_rewind)
{
    for (int i = 0; i < 2 * WAITS; i++) {
        int status = -1;
        fixture_open_waiting(waits[i / 2]);
        fixture.options.rewind.pause_ns = HOUR_NS;
        if (waits[i / 2].kind == MR_WAIT_SLEEP)
            fixture.mine->wait.sleep_ns = 1000000;
        processor_open(".A");
        produce(2);
        pthread_t thread = run_begin(&status);
        until(&fixture.processor.counters.rewinds, 1);
        if (i % 2 == 0)
            mr_ring_halt(&fixture.ring);
        else
            mr_consumer_alert(fixture.mine);
        pthread_join(thread, NULL);
        assert_int_equal(status, MR_OK);
        assert_log("[2 0/1 1/0 ");
        assert_int_equal(position(), 0);
    }
}

TEST(a_run_waits_for_room_for_a_dead_letter_and_goes_on)
{
    for (int i = 0; i < WAITS; i++) {
        int status = -1;
        fixture_open_waiting(waits[i]);
        fixture.mine->wait.timeout_ns = 1; /* is not meant for this wait */
        skip_failures();
        processor_open(".F.H");
        produce(4);
        letters_fill();
        pthread_t thread = run_begin(&status);
        until(&fixture.processor.counters.held, 5);
        assert_int_equal(position(), 1);
        for (int l = 0; l < LETTERS; l++)
            letter_drop();
        pthread_join(thread, NULL);
        assert_int_equal(status, MR_OK);
        assert_log("[4 0/3 1/2 [2 2/1 3/0 ");
        assert_int_equal(letters(), 1);
        assert_int_equal(letter()->position, 1);
    }
}

TEST(a_halt_or_an_alert_ends_a_run_that_waits_for_room_for_a_dead_letter)
{
    for (int i = 0; i < 2 * WAITS; i++) {
        int status = -1;
        fixture_open_waiting(waits[i / 2]);
        skip_failures();
        processor_open(".F");
        produce(4);
        letters_fill();
        pthread_t thread = run_begin(&status);
        until(&fixture.processor.counters.held, 3);
        if (i % 2 == 0)
            mr_ring_halt(&fixture.ring);
        else
            mr_consumer_alert(fixture.mine);
        pthread_join(thread, NULL);
        assert_int_equal(status, MR_AGAIN);
        assert_log("[4 0/3 1/2 ");
        assert_int_equal(position(), 1);
        assert_int_equal(letters(), LETTERS);
    }
}

/* -- As an agent. ------------------------------------------------------------------------------ */

static void runner_open(struct mr_runner *runner, const struct mr_agent *agent)
{
    const struct mr_runner_options options = {0};
    assert_int_equal(mr_runner_init(runner, &options, &agent, 1, NULL), MR_OK);
}

TEST(an_agent_is_named_starts_works_is_idle_when_halted_and_stops)
{
    static struct mr_runner runner;
    fixture_open();
    with_start_and_stop();
    processor_open(".H");
    assert_string_equal(mr_processor_agent(&fixture.processor)->name, "processor");
    fixture.options.name = "ledger";
    processor_open(".H");
    assert_string_equal(mr_processor_agent(&fixture.processor)->name, "ledger");

    runner_open(&runner, mr_processor_agent(&fixture.processor));
    produce(3);
    assert_int_equal(mr_runner_begin(&runner, NULL), MR_OK);
    assert_int_equal(mr_runner_step(&runner), 2);
    assert_int_equal(mr_runner_step(&runner), 0);
    assert_int_equal(mr_runner_end(&runner), MR_OK);
    assert_log("S [3 0/2 1/1 E ");
    assert_int_equal(position(), 2);
}

TEST(an_agent_that_its_policy_stops_fails_with_its_status_and_does_not_start_again)
{
    static struct mr_runner runner;
    fixture_open();
    with_start_and_stop();
    processor_open(".F");
    produce(3);
    runner_open(&runner, mr_processor_agent(&fixture.processor));
    assert_int_equal(mr_runner_begin(&runner, NULL), MR_OK);
    (void)mr_runner_step(&runner);
    assert_int_equal(mr_runner_end(&runner), MR_E_IO);
    assert_log("S [3 0/2 1/1 E ");
    runner_open(&runner, mr_processor_agent(&fixture.processor));
    assert_int_equal(mr_runner_begin(&runner, NULL), MR_E_IO);
    assert_log("");
}

TEST(an_agent_in_a_thread_rewinds_and_finds_room_without_being_woken)
{
    static struct mr_runner runner;
    fixture_open();
    skip_failures();
    fixture.options.rewind.pause_ns = 200000;
    processor_open("A .F");
    letters_fill();
    runner_open(&runner, mr_processor_agent(&fixture.processor));
    produce(3);
    assert_int_equal(mr_runner_start(&runner, NULL), MR_OK);
    until(&fixture.processor.counters.held, 3);
    letter_drop();
    assert_int_equal(mr_ring_drain(&fixture.ring, 0), MR_OK);
    mr_runner_stop(&runner);
    assert_int_equal(mr_runner_join(&runner), MR_OK);
    assert_log("[3 0/2 [3 0/2^1 1/1 [1 2/0 ");
    assert_int_equal(letters(), LETTERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(slots_that_cannot_hold_a_dead_letter_are_refused),
        cmocka_unit_test(a_run_begins_with_start_and_ends_with_stop_at_a_halt),
        cmocka_unit_test(a_run_whose_start_fails_handles_nothing_and_may_be_tried_again),
        cmocka_unit_test(after_an_alert_that_is_cleared_a_processor_may_be_run_again),
        cmocka_unit_test(a_run_that_its_policy_stops_says_why_and_calls_stop_once),
        cmocka_unit_test(a_run_that_is_halted_while_a_dead_letter_waits_says_so),
        cmocka_unit_test(a_wait_that_its_time_limit_ends_is_told_and_goes_on),
        cmocka_unit_test(an_end_without_a_time_limit_is_not_told_as_one),
        cmocka_unit_test(a_run_passes_the_pauses_of_its_rewinds),
        cmocka_unit_test(all_that_is_published_is_handled_before_a_drained_ring_is_halted),
        cmocka_unit_test(a_halt_or_an_alert_ends_a_run_that_waits_for_positions),
        cmocka_unit_test(a_halt_or_an_alert_ends_a_run_in_the_pause_of_a_rewind),
        cmocka_unit_test(a_run_waits_for_room_for_a_dead_letter_and_goes_on),
        cmocka_unit_test(a_halt_or_an_alert_ends_a_run_that_waits_for_room_for_a_dead_letter),
        cmocka_unit_test(an_agent_is_named_starts_works_is_idle_when_halted_and_stops),
        cmocka_unit_test(
            an_agent_that_its_policy_stops_fails_with_its_status_and_does_not_start_again),
        cmocka_unit_test(an_agent_in_a_thread_rewinds_and_finds_room_without_being_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
