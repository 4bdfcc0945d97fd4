/* The batches of a processor: what is handled, released, rewound, retried, skipped, and in which
 * order. */
#include "tests/disruptor/processor_fixture.h"

/* -- Batches. ---------------------------------------------------------------------------------- */

TEST(every_position_is_handled_once_and_told_what_is_left_of_its_batch)
{
    fixture_open();
    processor_open(NULL);
    produce(3);
    assert_int_equal(work(), 3);
    assert_int_equal(position(), 3);
    assert_log("[3 0/2 1/1 2/0 ");
    produce(10);
    assert_int_equal(work(), 8);
    assert_int_equal(position(), 11);
    assert_log("[8+2 3/7 4/6 5/5 6/4 7/3 8/2 9/1 10/0 ");
    assert_int_equal(work(), 2);
    assert_log("[2 11/1 12/0 ");
    assert_int_equal(work(), 0);
    assert_log("");
    assert_int_equal(counted(&fixture.processor.counters.handled), 13);
}

static int handle_and_look(void *context, const struct mr_delivery *delivery)
{
    assert_int_equal(position(), 0);
    return handle(context, delivery);
}

static int flush_and_look(void *context, uint64_t first, uint64_t next)
{
    assert_int_equal(position(), 0);
    return flush(context, first, next);
}

TEST(nothing_is_released_before_the_end_of_its_batch_and_its_flush)
{
    fixture_open();
    fixture.options.handler.handle = handle_and_look;
    fixture.options.handler.flush = flush_and_look;
    processor_open(NULL);
    produce(4);
    assert_int_equal(work(), 4);
    assert_int_equal(position(), 4);
    assert_log("[4 0/3 1/2 2/1 3/0 |0-4 ");
}

/* -- Rewinds. ---------------------------------------------------------------------------------- */

TEST(a_rewind_goes_back_to_the_first_position_that_is_not_released)
{
    fixture_open();
    processor_open(".... .A ..A");
    produce(4);
    assert_int_equal(work(), 4);
    produce(4);
    assert_int_equal(work(), 2);
    assert_int_equal(position(), 4);
    assert_int_equal(work(), 3);
    assert_int_equal(position(), 4);
    assert_int_equal(work(), 4);
    assert_int_equal(position(), 8);
    assert_log("[4 0/3 1/2 2/1 3/0 "
               "[4 4/3 5/2 "
               "[4 4/3^1 5/2^1 6/1 "
               "[4 4/3^2 5/2^2 6/1^2 7/0 ");
    assert_int_equal(counted(&fixture.processor.counters.rewinds), 2);
    assert_int_equal(counted(&fixture.processor.counters.batches), 4);
    assert_int_equal(counted(&fixture.processor.counters.handled), 8);
}

TEST(pauses_double_up_to_the_longest_and_begin_anew_after_a_release)
{
    const uint64_t pauses[] = {HOUR_NS, 2 * HOUR_NS, 4 * HOUR_NS, 5 * HOUR_NS, 5 * HOUR_NS};
    fixture_open();
    fixture.options.rewind =
        (struct mr_rewind_policy){.pause_ns = HOUR_NS, .pause_ns_max = 5 * HOUR_NS};
    processor_open("AAAAA . A");
    produce(1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(fixture.processor.pause_ns, pauses[i]);
        assert_int_equal(work(), 1);
        uint64_t until = fixture.processor.resume_ns;
        assert_int_equal(work(), 0);
        assert_int_equal(fixture.processor.resume_ns, until);
        assert_true(until > pauses[i]);
        fixture.processor.resume_ns = 1; /* long ago */
    }
    assert_int_equal(work(), 1);
    assert_int_equal(position(), 1);
    assert_int_equal(fixture.processor.resume_ns, 0); /* no clock is read any more */
    produce(1);
    assert_int_equal(fixture.processor.pause_ns, HOUR_NS);
    assert_int_equal(work(), 1);
    assert_int_equal(work(), 0);
    assert_log("[1 0/0 [1 0/0^1 [1 0/0^2 [1 0/0^3 [1 0/0^4 [1 0/0^5 [1 1/0 ");
}

TEST(a_pause_without_a_longest_stays_the_same_and_an_endless_one_is_endless)
{
    fixture_open();
    fixture.options.rewind.pause_ns = UINT64_MAX;
    processor_open("A");
    produce(1);
    assert_int_equal(work(), 1);
    assert_int_equal(fixture.processor.resume_ns, UINT64_MAX);
    assert_int_equal(fixture.processor.pause_ns, UINT64_MAX);
    assert_int_equal(work(), 0);
}

TEST(the_last_rewind_that_is_allowed_is_done_and_the_next_is_a_failure)
{
    fixture_open();
    skip_failures();
    fixture.options.rewind.rewinds_max = 2;
    processor_open(".A .A .A A");
    produce(3);
    for (int turns = 0; turns < 6; turns++)
        (void)work();
    assert_log("[3 0/2 1/1 "
               "[3 0/2^1 1/1^1 "
               "[3 0/2^2 1/1^2 " /* now it is a dead letter, and the count begins anew */
               "[1 2/0 [1 2/0^1 ");
    assert_int_equal(position(), 3);
    assert_int_equal(letters(), 1);
    assert_int_equal(letter()->position, 1);
    assert_int_equal(letter()->status, MR_E_LIMIT);
    assert_int_equal(letter()->calls, 3);
}

TEST(beyond_the_last_rewind_a_position_is_retried_like_any_failure)
{
    fixture_open();
    fixture.options.rewind.rewinds_max = 1;
    fixture.options.failure.retries = 2;
    processor_open("A AA.A.");
    produce(2);
    assert_int_equal(work(), 1);
    assert_int_equal(work(), 5);
    assert_int_equal(position(), 2);
    assert_log("[2 0/1 [2 0/1^1 0/1^2 0/1^3 1/0 1/0^2 ");
    assert_int_equal(counted(&fixture.processor.counters.failures), 3);
    assert_int_equal(counted(&fixture.processor.counters.retries), 3);
}

/* -- Failures. --------------------------------------------------------------------------------- */

TEST(with_stop_the_positions_before_the_failed_one_are_released_and_no_other)
{
    fixture_open();
    fixture.options.failure.retries = 1;
    processor_open("..FF");
    produce(5);
    assert_int_equal(work(), MR_E_IO);
    assert_int_equal(position(), 2);
    assert_log("[5 0/4 1/3 2/2 2/2^1 ");
    /* It has stopped for good. */
    assert_int_equal(work(), MR_E_IO);
    assert_int_equal(mr_processor_run(&fixture.processor), MR_E_IO);
    assert_log("");
    assert_int_equal(position(), 2);
    assert_int_equal(letters(), 0);

    processor_open(NULL); /* a new one meets the position again */
    assert_int_equal(work(), 3);
    assert_log("[3 2/2 3/1 4/0 ");
    assert_int_equal(position(), 5);
}

TEST(retries_are_counted_for_each_position_by_itself)
{
    fixture_open();
    fixture.options.failure.retries = 2;
    processor_open("FF.F.FF.");
    produce(3);
    assert_int_equal(work(), 8);
    assert_log("[3 0/2 0/2^1 0/2^2 1/1 1/1^1 2/0 2/0^1 2/0^2 ");
    assert_int_equal(position(), 3);
    assert_int_equal(counted(&fixture.processor.counters.failures), 5);
    assert_int_equal(counted(&fixture.processor.counters.retries), 5);
}

TEST(retries_begin_anew_after_a_rewind)
{
    fixture_open();
    fixture.options.failure.retries = 1;
    processor_open(".FA .F. FF");
    produce(3);
    assert_int_equal(work(), 3);
    assert_int_equal(position(), 0);
    assert_int_equal(work(), MR_E_IO);
    assert_log("[3 0/2 1/1 1/1^1 [3 0/2^1 1/1^1 1/1^2 2/0 2/0^2 ");
    assert_int_equal(position(), 2);
}

TEST(a_skipped_position_is_a_dead_letter_with_all_that_was_in_its_slot)
{
    fixture_open();
    skip_failures();
    fixture.options.failure.retries = 2;
    processor_open("..FFF..");
    produce(5);
    unsigned char *slot = mr_ring_slot(&fixture.ring, 2);
    for (unsigned i = 8; i < SLOT_SIZE; i++)
        slot[i] = (unsigned char)i;
    assert_int_equal(work(), 6);
    assert_int_equal(position(), 3);
    assert_int_equal(work(), 2);
    assert_int_equal(position(), 5);
    assert_log("[5 0/4 1/3 2/2 2/2^1 2/2^2 [2 3/1 4/0 ");

    assert_int_equal(letters(), 1);
    assert_int_equal(letter()->position, 2);
    assert_int_equal(letter()->status, MR_E_IO);
    assert_int_equal(letter()->calls, 3);
    assert_ptr_equal(letter()->source, &fixture.ring);
    uint32_t line = MR_RING_PADDING / 2;
    assert_int_equal(letter()->length, variant.layout == MR_RING_LATENCY ? line - 4 : SLOT_SIZE);
    const unsigned char *content = mr_dead_letter_content(letter());
    assert_int_equal(content[0], 14);
    for (unsigned i = 8; i < SLOT_SIZE; i++)
        assert_int_equal(content[i], i);
    assert_int_equal(counted(&fixture.processor.counters.dead_letters), 1);
    assert_int_equal(counted(&fixture.processor.counters.handled), 5);
}

TEST(the_user_decides_what_follows_a_failure)
{
    fixture_open();
    fixture.options.handler.failed = failed;
    fixture.options.failure.dead_letters = &fixture.letters;
    fixture.action = MR_FAILURE_SKIP;
    processor_open(".F F");
    produce(3);
    assert_int_equal(work(), 3);
    assert_int_equal(position(), 2);
    assert_int_equal(letters(), 1);
    skip_failures();
    fixture.action = MR_FAILURE_STOP;
    fixture.processor.options.failure.action = MR_FAILURE_SKIP;
    assert_int_equal(work(), MR_E_IO);
    assert_int_equal(position(), 2);
    assert_int_equal(letters(), 1);
    assert_log("[3 0/2 1/1 !1 [1 2/0 !2 ");
}

TEST(while_the_ring_for_dead_letters_is_full_the_processor_holds_and_loses_nothing)
{
    fixture_open();
    skip_failures();
    processor_open(".F");
    produce(3);
    letters_fill();
    assert_int_equal(work(), 2);
    for (int turns = 0; turns < 3; turns++)
        assert_int_equal(work(), 0);
    assert_int_equal(position(), 1);
    assert_int_equal(letters(), LETTERS);
    assert_int_equal(counted(&fixture.processor.counters.held), 4);
    letter_drop();
    assert_int_equal(work(), 1);
    assert_int_equal(position(), 2);
    for (int i = 1; i < LETTERS; i++)
        letter_drop();
    assert_int_equal(letters(), 1);
    assert_int_equal(letter()->position, 1);
    assert_int_equal(*(const uint64_t *)mr_dead_letter_content(letter()), 7);
    assert_int_equal(work(), 1);
    assert_log("[3 0/2 1/1 [1 2/0 ");
    assert_int_equal(letters(), 1);
    assert_int_equal(counted(&fixture.processor.counters.dead_letters), 1);
}

TEST(an_alert_drops_a_dead_letter_that_waits_and_its_position_is_handled_again)
{
    fixture_open();
    skip_failures();
    processor_open(".F");
    produce(3);
    letters_fill();
    assert_int_equal(work(), 2);
    mr_consumer_alert(fixture.mine);
    assert_int_equal(work(), 0);
    for (int i = 0; i < LETTERS; i++)
        letter_drop();
    assert_int_equal(work(), 0);
    assert_int_equal(position(), 1);
    mr_consumer_alert_clear(fixture.mine);
    assert_int_equal(work(), 2);
    assert_log("[3 0/2 1/1 [2 1/1^1 2/0 ");
    assert_int_equal(position(), 3);
    assert_int_equal(letters(), 0);
}

TEST(who_finds_the_ring_for_dead_letters_full_and_halted_stops_before_the_position)
{
    fixture_open();
    skip_failures();
    processor_open(".F");
    produce(3);
    letters_fill();
    assert_int_equal(work(), 2);
    mr_ring_halt(&fixture.letters);
    assert_int_equal(work(), MR_E_HALTED);
    assert_int_equal(position(), 1);
    for (int i = 0; i < LETTERS; i++)
        letter_drop();
    assert_int_equal(work(), MR_E_HALTED);
    processor_open("F"); /* halted, but with room */
    assert_int_equal(work(), 2);
    assert_int_equal(position(), 2);
    assert_int_equal(letters(), 1);
    assert_int_equal(letter()->position, 1);
}

/* -- Halts and alerts. ------------------------------------------------------------------------- */

TEST(a_halt_ends_a_batch_between_two_positions_and_releases_what_was_handled)
{
    fixture_open();
    fixture.options.handler.flush = flush;
    processor_open("..H");
    produce(5);
    assert_int_equal(work(), 3);
    assert_int_equal(position(), 3);
    assert_int_equal(work(), 0);
    assert_log("[5 0/4 1/3 2/2 |0-3 ");
    assert_int_equal(fixture.processor.status, MR_OK);
}

TEST(after_an_alert_the_rest_of_the_batch_is_a_batch_of_its_own)
{
    fixture_open();
    processor_open("..L");
    produce(5);
    assert_int_equal(work(), 3);
    assert_int_equal(work(), 0);
    assert_int_equal(position(), 3);
    mr_consumer_alert_clear(fixture.mine);
    assert_int_equal(work(), 2);
    assert_log("[5 0/4 1/3 2/2 [2 3/1 4/0 ");
}

TEST(another_processor_goes_on_where_the_last_one_was_alerted)
{
    fixture_open();
    processor_open("..L");
    produce(5);
    assert_int_equal(work(), 3);
    processor_open("A");
    assert_int_equal(work(), 0);
    mr_consumer_alert_clear(fixture.mine);
    assert_int_equal(work(), 1);
    assert_int_equal(work(), 2);
    assert_log("[2 3/1 [2 3/1^1 4/0 ");
    assert_int_equal(position(), 5);
}

TEST(an_alert_between_two_retries_leaves_the_position_for_later)
{
    fixture_open();
    fixture.options.failure.retries = 9;
    processor_open(".FFl FFFFFFFFF.");
    produce(3);
    assert_int_equal(work(), 4);
    assert_int_equal(position(), 1);
    mr_consumer_alert_clear(fixture.mine);
    assert_int_equal(work(), 11);
    assert_int_equal(position(), 3);
    assert_log("[3 0/2 1/1 1/1^1 1/1^2 "
               "[2 1/1^1 1/1^2 1/1^3 1/1^4 1/1^5 1/1^6 1/1^7 1/1^8 1/1^9 1/1^10 2/0 ");
}

TEST(what_was_reached_before_a_rewind_and_an_alert_is_told_to_be_another_attempt)
{
    fixture_open();
    processor_open("...A .L");
    produce(6);
    assert_int_equal(work(), 4);
    assert_int_equal(work(), 2);
    assert_int_equal(position(), 2);
    mr_consumer_alert_clear(fixture.mine);
    assert_int_equal(work(), 4);
    assert_log("[6 0/5 1/4 2/3 3/2 [6 0/5^1 1/4^1 [4 2/3^1 3/2^1 4/1 5/0 ");
    assert_int_equal(position(), 6);
}

TEST(rewinds_in_a_row_are_counted_on_through_an_alert_until_a_release)
{
    fixture_open();
    fixture.options.rewind.rewinds_max = 2;
    fixture.options.failure.retries = 1;
    processor_open("A l A .A");
    produce(2);
    assert_int_equal(work(), 1);
    assert_int_equal(work(), 1);
    mr_consumer_alert_clear(fixture.mine);
    assert_int_equal(work(), 1);
    assert_int_equal(fixture.processor.rewinds, 2);
    assert_int_equal(work(), 3); /* position 1 fails with MR_E_LIMIT, and its retry is fine */
    assert_int_equal(position(), 2);
    assert_int_equal(fixture.processor.rewinds, 0);
    assert_log("[2 0/1 [2 0/1^1 [2 0/1^2 [2 0/1^3 1/0 1/0^4 ");
}

/* -- Flushing. --------------------------------------------------------------------------------- */

TEST(a_flush_comes_before_every_release_and_covers_it)
{
    fixture_open();
    skip_failures();
    fixture.options.handler.flush = flush;
    processor_open("..F F .L .");
    produce(7);
    for (int turns = 0; turns < 3; turns++)
        (void)work();
    mr_consumer_alert_clear(fixture.mine);
    assert_int_equal(work(), 1);
    assert_log("[7 0/6 1/5 2/4 |0-2 [4 3/3 [3 4/2 5/1 |4-6 [1 6/0 |6-7 ");
    assert_int_equal(position(), 7);
    assert_int_equal(letters(), 2);
}

TEST(a_flush_that_says_again_rewinds_its_batch)
{
    fixture_open();
    fixture.options.handler.flush = flush;
    fixture.flush_script = "AA.";
    processor_open(NULL);
    produce(2);
    assert_int_equal(work(), 2);
    assert_int_equal(position(), 0);
    assert_int_equal(work(), 2);
    assert_int_equal(position(), 0);
    assert_int_equal(work(), 2);
    assert_int_equal(position(), 2);
    assert_log("[2 0/1 1/0 |0-2 [2 0/1^1 1/0^1 |0-2 [2 0/1^2 1/0^2 |0-2 ");
    assert_int_equal(counted(&fixture.processor.counters.rewinds), 2);
}

TEST(a_flush_that_says_again_at_an_alert_keeps_what_it_was_to_write)
{
    fixture_open();
    fixture.options.handler.flush = flush;
    fixture.flush_script = "A";
    processor_open(".L");
    produce(3);
    assert_int_equal(work(), 2);
    assert_int_equal(work(), 0);
    assert_int_equal(position(), 0);
    mr_consumer_alert_clear(fixture.mine);
    assert_int_equal(work(), 3);
    assert_log("[3 0/2 1/1 |0-2 [3 0/2^1 1/1^1 2/0 |0-3 ");
}

TEST(a_flush_that_fails_stops_the_processor_whatever_its_policy)
{
    fixture_open();
    skip_failures();
    fixture.options.failure.retries = 3;
    fixture.options.handler.flush = flush;
    fixture.options.handler.failed = failed;
    fixture.action = MR_FAILURE_SKIP;
    fixture.flush_script = "F";
    processor_open(NULL);
    produce(2);
    assert_int_equal(work(), MR_E_IO);
    assert_int_equal(work(), MR_E_IO);
    assert_log("[2 0/1 1/0 |0-2 ");
    assert_int_equal(position(), 0);
    assert_int_equal(letters(), 0);
}

TEST(a_flush_that_says_again_once_too_often_stops_the_processor)
{
    fixture_open();
    skip_failures();
    fixture.options.rewind.rewinds_max = 1;
    fixture.options.handler.flush = flush;
    fixture.flush_script = "AA";
    processor_open(NULL);
    produce(1);
    assert_int_equal(work(), 1);
    assert_int_equal(work(), MR_E_LIMIT);
    assert_log("[1 0/0 |0-1 [1 0/0^1 |0-1 ");
    assert_int_equal(position(), 0);
    assert_int_equal(letters(), 0);
}

TEST(a_flush_before_a_failed_position_may_rewind_and_then_nothing_has_failed_yet)
{
    fixture_open();
    skip_failures();
    fixture.options.handler.flush = flush;
    fixture.options.handler.failed = failed;
    fixture.action = MR_FAILURE_SKIP;
    fixture.flush_script = "A.";
    processor_open("..F ..F");
    produce(3);
    assert_int_equal(work(), 3);
    assert_int_equal(position(), 0);
    assert_int_equal(letters(), 0);
    assert_int_equal(work(), 4);
    assert_int_equal(position(), 3);
    assert_int_equal(letters(), 1);
    assert_log("[3 0/2 1/1 2/0 |0-2 [3 0/2^1 1/1^1 2/0^1 |0-2 !2 ^1 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_position_is_handled_once_and_told_what_is_left_of_its_batch),
        cmocka_unit_test(nothing_is_released_before_the_end_of_its_batch_and_its_flush),
        cmocka_unit_test(a_rewind_goes_back_to_the_first_position_that_is_not_released),
        cmocka_unit_test(pauses_double_up_to_the_longest_and_begin_anew_after_a_release),
        cmocka_unit_test(a_pause_without_a_longest_stays_the_same_and_an_endless_one_is_endless),
        cmocka_unit_test(the_last_rewind_that_is_allowed_is_done_and_the_next_is_a_failure),
        cmocka_unit_test(beyond_the_last_rewind_a_position_is_retried_like_any_failure),
        cmocka_unit_test(with_stop_the_positions_before_the_failed_one_are_released_and_no_other),
        cmocka_unit_test(retries_are_counted_for_each_position_by_itself),
        cmocka_unit_test(retries_begin_anew_after_a_rewind),
        cmocka_unit_test(a_skipped_position_is_a_dead_letter_with_all_that_was_in_its_slot),
        cmocka_unit_test(the_user_decides_what_follows_a_failure),
        cmocka_unit_test(
            while_the_ring_for_dead_letters_is_full_the_processor_holds_and_loses_nothing),
        cmocka_unit_test(an_alert_drops_a_dead_letter_that_waits_and_its_position_is_handled_again),
        cmocka_unit_test(
            who_finds_the_ring_for_dead_letters_full_and_halted_stops_before_the_position),
        cmocka_unit_test(a_halt_ends_a_batch_between_two_positions_and_releases_what_was_handled),
        cmocka_unit_test(after_an_alert_the_rest_of_the_batch_is_a_batch_of_its_own),
        cmocka_unit_test(another_processor_goes_on_where_the_last_one_was_alerted),
        cmocka_unit_test(an_alert_between_two_retries_leaves_the_position_for_later),
        cmocka_unit_test(
            what_was_reached_before_a_rewind_and_an_alert_is_told_to_be_another_attempt),
        cmocka_unit_test(rewinds_in_a_row_are_counted_on_through_an_alert_until_a_release),
        cmocka_unit_test(a_flush_comes_before_every_release_and_covers_it),
        cmocka_unit_test(a_flush_that_says_again_rewinds_its_batch),
        cmocka_unit_test(a_flush_that_says_again_at_an_alert_keeps_what_it_was_to_write),
        cmocka_unit_test(a_flush_that_fails_stops_the_processor_whatever_its_policy),
        cmocka_unit_test(a_flush_that_says_again_once_too_often_stops_the_processor),
        cmocka_unit_test(
            a_flush_before_a_failed_position_may_rewind_and_then_nothing_has_failed_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
