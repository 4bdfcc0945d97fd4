/*
 * What the stages leave in the counters, against what the engine itself knows.
 */
#include "engine/parts.h"
#include "tests/engine/watch_rig.h"

#include <unistd.h>

static void move(struct watch_rig *rig, uint64_t request, int64_t amount, int expected)
{
    struct till_command command = till_move(7, request, 1, amount);
    assert_int_equal(mr_engine_submit(rig->engine, &command.header, NULL), expected);
}

static void counters_agree_with_the_engine(void **state)
{
    struct watch_rig *rig = *state;
    watch_begin(rig);
    assert_int_equal(mr_engine_session(rig->engine, 7, MR_ROLE_USER, NULL, NULL), MR_OK);
    for (uint64_t request = 1; request <= 100; request++) {
        move(rig, request, request % 10 == 0 ? -100000 : 3, MR_OK);
        if (request % 7 == 0) {
            watch_settle(rig);
        }
    }
    watch_settle(rig);
    watch_look(rig);
    const struct mr_image_status status = mr_image_status_get(mr_engine_image(rig->engine));
    assert_int_equal(WATCH_VALUE(rig, accepted), 102);
    assert_int_equal(WATCH_VALUE(rig, sequenced), 102);
    assert_int_equal(WATCH_VALUE(rig, durable), mr_engine_durable_sequence(rig->engine));
    assert_int_equal(WATCH_VALUE(rig, applied), mr_engine_applied_sequence(rig->engine));
    assert_int_equal(WATCH_VALUE(rig, events), status.events);
    assert_int_equal(WATCH_VALUE(rig, rejects), 10);
    assert_int_equal(WATCH_VALUE(rig, sessions), 1);
    assert_int_equal(WATCH_VALUE(rig, logic_version), 1);
    assert_int_equal(WATCH_VALUE(rig, timers), 0);
    assert_int_equal(WATCH_VALUE(rig, batches), 102);
    assert_int_equal(WATCH_VALUE(rig, busy), 0);
    assert_int_equal(WATCH_VALUE(rig, input_slots), 64);
    assert_int_equal(WATCH_VALUE(rig, output_slots), 256);
    assert_int_equal(WATCH_VALUE(rig, input_used), 0);
    assert_int_equal(WATCH_VALUE(rig, block_used), 0);
    assert_int_equal(WATCH_VALUE(rig, output_used), 0);
    assert_int_equal(WATCH_VALUE(rig, blocks_in_flight), 0);
    assert_int_equal(WATCH_VALUE(rig, durability), MR_DURABILITY_OS);
    const struct mr_counters_histogram *histograms = rig->snapshot.histograms;
    assert_int_equal(histograms[MR_HISTOGRAM_batch_commands].count, 102);
    assert_int_equal(histograms[MR_HISTOGRAM_block_commands].sum, 102);
    assert_int_equal(histograms[MR_HISTOGRAM_block_commands].count, WATCH_VALUE(rig, blocks));
    assert_int_equal(histograms[MR_HISTOGRAM_disk_ns].count, WATCH_VALUE(rig, blocks));
    assert_int_equal(histograms[MR_HISTOGRAM_block_bytes].sum, WATCH_VALUE(rig, journaled_bytes));
    assert_true(histograms[MR_HISTOGRAM_apply_ns].count >= WATCH_VALUE(rig, blocks));
    assert_true(WATCH_VALUE(rig, sequence_busy) >= 10);
    assert_true(WATCH_VALUE(rig, sequence_busy) < WATCH_VALUE(rig, sequence_turns));
    assert_memory_equal(rig->snapshot.journal_id,
                        mr_engine_recovery_get(rig->engine)->journal.journal_id,
                        MR_JOURNAL_ID_SIZE);
}

static void batches_are_counted_by_their_size(void **state)
{
    struct watch_rig *rig = *state;
    struct till_command commands[5];
    const struct mr_command *pointers[5];
    watch_begin(rig);
    watch_settle(rig);
    for (uint64_t i = 0; i < 5; i++) {
        commands[i] = till_move(7, i + 1, 1, 1);
        pointers[i] = &commands[i].header;
    }
    assert_int_equal(mr_engine_submit_batch(rig->engine, pointers, 5, NULL), MR_OK);
    assert_int_equal(mr_engine_submit_batch(rig->engine, pointers, 5, NULL), MR_OK);
    assert_int_equal(mr_engine_submit_batch(rig->engine, pointers, 2, NULL), MR_OK);
    watch_settle(rig);
    watch_look(rig);
    const struct mr_counters_histogram *sizes =
        &rig->snapshot.histograms[MR_HISTOGRAM_batch_commands];
    assert_int_equal(WATCH_VALUE(rig, batches), 4); /* genesis is one */
    assert_int_equal(sizes->buckets[1], 1);
    assert_int_equal(sizes->buckets[2], 1);
    assert_int_equal(sizes->buckets[5], 2);
    assert_int_equal(sizes->sum, 13);
}

static void a_full_ring_shows_and_every_busy_answer_counts(void **state)
{
    struct watch_rig *rig = *state;
    watch_begin(rig);
    watch_settle(rig);
    for (uint64_t request = 1; request <= 64; request++) {
        move(rig, request, 1, MR_OK);
    }
    for (uint64_t i = 0; i < 3; i++) {
        move(rig, 65, 1, MR_AGAIN);
    }
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, busy), 3);
    watch_settle(rig);
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, accepted), 65);
    assert_int_equal(WATCH_VALUE(rig, applied), 65);
}

/* 512 events for 256 slots, and nobody takes them. */
static void waiting_for_readers_is_no_applying(void **state)
{
    struct watch_rig *rig = *state;
    watch_begin(rig);
    assert_int_equal(mr_engine_session(rig->engine, 7, MR_ROLE_USER, NULL, NULL), MR_OK);
    watch_settle(rig);
    for (uint64_t request = 1; request <= 6; request++) {
        struct till_command command = till_move(7, request, 1, 5);
        command.body.burst = 90;
        assert_int_equal(mr_engine_submit(rig->engine, &command.header, NULL), MR_OK);
    }
    for (uint32_t i = 0; i < 10000000 && mr_engine_durable_sequence(rig->engine) < 8; i++) {
        (void)mr_engine_step(rig->engine, i % MR_ENGINE_STAGES);
    }
    uint64_t counts[2];
    for (uint32_t look = 0; look < 2; look++) {
        for (uint32_t i = 0; i < 600; i++) {
            (void)mr_engine_step(rig->engine, i % MR_ENGINE_STAGES);
        }
        watch_look(rig);
        assert_true(WATCH_VALUE(rig, output_used) > 200);
        assert_true(WATCH_VALUE(rig, applied) < WATCH_VALUE(rig, durable));
        counts[look] = rig->snapshot.histograms[MR_HISTOGRAM_apply_ns].count;
    }
    assert_int_equal(counts[0], counts[1]);
}

static void ticks_and_timers_count(void **state)
{
    struct watch_rig *rig = *state;
    rig->options.tick_ns = UINT64_C(1000000000);
    watch_begin(rig);
    assert_int_equal(mr_engine_session(rig->engine, 7, MR_ROLE_USER, NULL, NULL), MR_OK);
    struct till_command command = till_move(7, 1, 1, 5);
    command.body.delay_ns = UINT64_C(60000000000);
    assert_int_equal(mr_engine_submit(rig->engine, &command.header, NULL), MR_OK);
    watch_settle(rig);
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, timers), 1);
    assert_int_equal(WATCH_VALUE(rig, ticks), 0);
    mr_simulated_clock_advance(&rig->clock, UINT64_C(61000000000));
    watch_step(rig, 10);
    watch_settle(rig);
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, timers), 0);
    assert_true(WATCH_VALUE(rig, ticks) >= 1);
}

static void those_who_wait_are_counted(void **state)
{
    struct watch_rig *rig = *state;
    struct mr_subscriber *subscriber;
    struct mr_query query = {.length = MR_QUERY_HEADER, .type = 9999};
    struct mr_query_call call = {.query = &query};
    struct mr_future future = {0};
    struct till_command command = till_move(7, 1, 1, 5);
    watch_begin(rig);
    watch_settle(rig);
    assert_int_equal(mr_engine_subscribe(rig->engine, &subscriber, NULL), MR_OK);
    assert_int_equal(mr_engine_call(rig->engine, &command.header, &future), MR_OK);
    for (uint32_t i = 0; i < 200; i++) { /* the journal is not asked: nothing becomes durable */
        (void)mr_engine_step(rig->engine, MR_STAGE_SEQUENCE);
        (void)mr_engine_step(rig->engine, MR_STAGE_APPLY);
    }
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, subscribers), 1);
    assert_int_equal(WATCH_VALUE(rig, futures), 1);
    assert_int_equal(WATCH_VALUE(rig, sequenced), 2);
    assert_int_equal(WATCH_VALUE(rig, durable), 1);
    query.not_before = 2; /* waits for what is not applied yet */
    assert_int_equal(mr_engine_query(rig->engine, &call), MR_OK);
    for (uint32_t i = 0; i < 200; i++) {
        (void)mr_engine_step(rig->engine, MR_STAGE_APPLY);
    }
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, queries_waiting), 1);
    assert_int_equal(WATCH_VALUE(rig, queries), 0);
    mr_engine_unsubscribe(subscriber);
    watch_settle(rig);
    watch_look(rig);
    assert_true(mr_future_ready(&future));
    assert_true(mr_query_ready(&call));
    assert_int_equal(WATCH_VALUE(rig, subscribers), 0);
    assert_int_equal(WATCH_VALUE(rig, futures), 0);
    assert_int_equal(WATCH_VALUE(rig, queries_waiting), 0);
    assert_int_equal(WATCH_VALUE(rig, queries), 1);
}

static void its_states_follow_its_life(void **state)
{
    struct watch_rig *rig = *state;
    watch_open(rig);
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, state), MR_ENGINE_READY);
    assert_true(rig->snapshot.alive);
    assert_int_equal(mr_engine_begin(rig->engine, NULL), MR_OK);
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, state), MR_ENGINE_RUNNING);
    assert_int_equal(WATCH_VALUE(rig, threads), 0);
    assert_int_equal(mr_engine_stop(rig->engine, NULL), MR_OK);
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, state), MR_ENGINE_STOPPED);
    assert_int_equal(rig->snapshot.health, MR_HEALTH_STOPPED);
    assert_true(rig->snapshot.alive);
    mr_engine_close(rig->engine);
    rig->engine = NULL;
    watch_look(rig);
    assert_int_equal(rig->snapshot.health, MR_HEALTH_STOPPED);
    assert_false(rig->snapshot.alive);
}

static void closed_in_the_middle_it_is_dead(void **state)
{
    struct watch_rig *rig = *state;
    watch_begin(rig);
    watch_settle(rig);
    mr_engine_close(rig->engine);
    rig->engine = NULL;
    watch_look(rig);
    assert_int_equal(rig->snapshot.health, MR_HEALTH_DEAD);
    assert_int_equal(WATCH_VALUE(rig, state), MR_ENGINE_RUNNING);
    assert_int_equal(WATCH_VALUE(rig, applied), 1);
}

static void closed_instead_of_started_it_is_not_dead(void **state)
{
    struct watch_rig *rig = *state;
    watch_open(rig);
    mr_engine_close(rig->engine);
    rig->engine = NULL;
    watch_look(rig);
    assert_int_equal(rig->snapshot.health, MR_HEALTH_STOPPED);
}

static void a_failure_stays_and_is_listed(void **state)
{
    struct watch_rig *rig = *state;
    watch_begin(rig);
    struct mr_error error;
    (void)mr_error_set(&error, MR_E_IO, "journal/00000001.seg: offset 4096: gone");
    (void)mr_engine_fail(rig->engine, &error);
    (void)mr_engine_fail(rig->engine, &error); /* another stage, at the same time */
    assert_int_equal(mr_engine_stop(rig->engine, NULL), MR_E_IO);
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, state), MR_ENGINE_FAILED);
    assert_int_equal(rig->snapshot.health, MR_HEALTH_FAILED);
    assert_int_equal(rig->snapshot.error_count, 1);
    assert_int_equal(rig->snapshot.errors[0].count, 1);
    assert_int_equal(rig->snapshot.errors[0].code, MR_E_IO);
    assert_string_equal(rig->snapshot.errors[0].text, error.text);
    assert_int_equal(watch_heard(rig, MR_LOG_ERROR, error.text), 1);
}

static void recovery_is_told_and_the_life_before_is_kept(void **state)
{
    struct watch_rig *rig = *state;
    watch_begin(rig);
    assert_int_equal(mr_engine_session(rig->engine, 7, MR_ROLE_USER, NULL, NULL), MR_OK);
    for (uint64_t request = 1; request <= 30; request++) {
        move(rig, request, 1, MR_OK);
        watch_settle(rig);
    }
    watch_end(rig);
    assert_int_equal(watch_heard(rig, MR_LOG_INFO, "began a new journal"), 1);
    watch_open(rig);
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, recovery_sequence), 32);
    assert_int_equal(WATCH_VALUE(rig, recovery_last), 32);
    assert_true(WATCH_VALUE(rig, recovery_ns) > 0);
    assert_int_equal(WATCH_VALUE(rig, applied), 32);
    assert_int_equal(WATCH_VALUE(rig, durable), 32);
    assert_int_equal(WATCH_VALUE(rig, sequenced), 32);
    assert_int_equal(WATCH_VALUE(rig, blocks), 0); /* of this life */
    assert_int_equal(rig->snapshot.histograms[MR_HISTOGRAM_disk_ns].count, 0);
    assert_int_equal(watch_heard(rig, MR_LOG_INFO, "recovered: case A, sequence 32"), 1);
    char previous[PATH_MAX + 64];
    (void)snprintf(previous, sizeof previous, "%s.previous", rig->counters);
    assert_int_equal(access(previous, R_OK), 0);
}

static void what_is_refused_is_listed_too(void **state)
{
    struct watch_rig *rig = *state;
    watch_begin(rig);
    watch_settle(rig);
    watch_end(rig);
    char segment[PATH_MAX + 64];
    (void)snprintf(segment, sizeof segment, "%s/journal/00000001.seg", rig->directory);
    FILE *file = fopen(segment, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 16384 + 200, SEEK_SET), 0);
    assert_int_equal(fputc('!', file), '!');
    assert_int_equal(fclose(file), 0);
    struct mr_error error;
    assert_int_equal(mr_engine_open(&rig->options, &rig->engine, &error), MR_E_CORRUPT);
    rig->engine = NULL;
    watch_look(rig);
    assert_int_equal(rig->snapshot.health, MR_HEALTH_FAILED);
    assert_int_equal(rig->snapshot.errors[0].code, MR_E_CORRUPT);
    assert_string_equal(rig->snapshot.errors[0].place, "open");
    assert_memory_equal(rig->snapshot.errors[0].text, error.text, 60);
}

static void they_go_where_they_are_sent_or_nowhere(void **state)
{
    struct watch_rig *rig = *state;
    char elsewhere[PATH_MAX + 64];
    rig->options.counters = "";
    watch_begin(rig);
    watch_settle(rig);
    watch_end(rig);
    assert_int_not_equal(access(rig->counters, F_OK), 0);
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/other-name", rig->directory);
    rig->options.counters = elsewhere;
    watch_begin(rig);
    assert_int_not_equal(access(rig->counters, F_OK), 0);
    (void)snprintf(rig->counters, sizeof rig->counters, "%s/other-name", rig->directory);
    watch_settle(rig);
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, applied), 1);
    assert_int_equal(watch_heard(rig, MR_LOG_WARNING, ""), 0);
}

static void trouble_with_them_is_told_and_the_engine_works_on(void **state)
{
    struct watch_rig *rig = *state;
    char nowhere[PATH_MAX + 64];
    (void)snprintf(nowhere, sizeof nowhere, "%s/no/such/place", rig->directory);
    rig->options.counters = nowhere;
    watch_begin(rig);
    assert_int_equal(watch_heard(rig, MR_LOG_WARNING, nowhere), 1);
    assert_int_equal(mr_engine_session(rig->engine, 7, MR_ROLE_USER, NULL, NULL), MR_OK);
    move(rig, 1, 1, MR_OK);
    watch_settle(rig);
    assert_int_equal(mr_engine_applied_sequence(rig->engine), 3);
}

static void without_a_disk_there_are_none_unless_asked_for(void **state)
{
    struct watch_rig *rig = *state;
    rig->options.directory = NULL;
    rig->options.durability = MR_DURABILITY_NONE;
    watch_begin(rig);
    watch_settle(rig);
    assert_int_not_equal(access(rig->counters, F_OK), 0);
    watch_end(rig);
    rig->options.counters = rig->counters;
    watch_begin(rig);
    watch_settle(rig);
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, applied), 1);
    assert_int_equal(WATCH_VALUE(rig, durability), MR_DURABILITY_NONE);
}

/* -- With threads. ----------------------------------------------------------------------------- */

static void threads_beat_also_when_they_are_idle(void **state)
{
    struct watch_rig *rig = *state;
    rig->options.clock_kind = MR_CLOCK_WALL;
    rig->options.clock = NULL;
    watch_open(rig);
    assert_int_equal(mr_engine_start(rig->engine, NULL), MR_OK);
    watch_look(rig);
    uint64_t beats[] = {WATCH_VALUE(rig, sequence_heartbeat), WATCH_VALUE(rig, journal_heartbeat),
                        WATCH_VALUE(rig, apply_heartbeat)};
    bool all = false;
    for (uint32_t i = 0; i < 10000 && !all; i++) { /* bounded by the test's own limit */
        (void)usleep(1000);
        watch_look(rig);
        all = WATCH_VALUE(rig, sequence_heartbeat) > beats[0] &&
              WATCH_VALUE(rig, journal_heartbeat) > beats[1] &&
              WATCH_VALUE(rig, apply_heartbeat) > beats[2];
    }
    assert_true(all);
    assert_int_equal(WATCH_VALUE(rig, threads), 2);
    assert_int_equal(mr_engine_stop(rig->engine, NULL), MR_OK);
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, applied), mr_engine_applied_sequence(rig->engine));
}

/* Waits in the middle of applying until it is told to go on. */
struct gate {
    MR_ATOMIC(bool) open;
    MR_ATOMIC(bool) reached;
};

static void wait_at_the_gate(void *context, const struct mr_answer *answer)
{
    struct gate *gate = context;
    (void)answer;
    mr_atomic_store(&gate->reached, true, release);
    while (!mr_atomic_load(&gate->open, acquire)) {
        (void)usleep(1000);
    }
}

static void a_callback_that_does_not_return_shows_as_a_hang_of_apply(void **state)
{
    struct watch_rig *rig = *state;
    struct gate gate = {.open = false};
    rig->options.clock_kind = MR_CLOCK_WALL;
    rig->options.clock = NULL;
    rig->options.output = MR_OUTPUT_CALLBACK;
    rig->options.handlers =
        (struct mr_engine_handlers){.answer = wait_at_the_gate, .context = &gate};
    watch_open(rig);
    assert_int_equal(mr_engine_start(rig->engine, NULL), MR_OK);
    for (uint32_t i = 0; i < 6000 && rig->snapshot.health != MR_HEALTH_HUNG; i++) {
        (void)usleep(10000);
        watch_look(rig);
    }
    assert_int_equal(rig->snapshot.health, MR_HEALTH_HUNG);
    assert_string_equal(rig->snapshot.silent_stage, "apply");
    assert_true(mr_atomic_load(&gate.reached, acquire));
    assert_int_equal(WATCH_VALUE(rig, durable), 1); /* the other stages are there */
    mr_atomic_store(&gate.open, true, release);
    for (uint32_t i = 0; i < 60000 && WATCH_VALUE(rig, applied) == 0; i++) {
        (void)usleep(1000);
        watch_look(rig);
    }
    assert_int_equal(WATCH_VALUE(rig, applied), 1);
    assert_int_equal(rig->snapshot.health, MR_HEALTH_WELL);
    assert_int_equal(mr_engine_stop(rig->engine, NULL), MR_OK);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, watch_set_up, watch_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(counters_agree_with_the_engine),
        CLAIM(batches_are_counted_by_their_size),
        CLAIM(a_full_ring_shows_and_every_busy_answer_counts),
        CLAIM(waiting_for_readers_is_no_applying),
        CLAIM(ticks_and_timers_count),
        CLAIM(those_who_wait_are_counted),
        CLAIM(its_states_follow_its_life),
        CLAIM(closed_in_the_middle_it_is_dead),
        CLAIM(closed_instead_of_started_it_is_not_dead),
        CLAIM(a_failure_stays_and_is_listed),
        CLAIM(recovery_is_told_and_the_life_before_is_kept),
        CLAIM(what_is_refused_is_listed_too),
        CLAIM(they_go_where_they_are_sent_or_nowhere),
        CLAIM(trouble_with_them_is_told_and_the_engine_works_on),
        CLAIM(without_a_disk_there_are_none_unless_asked_for),
        CLAIM(threads_beat_also_when_they_are_idle),
        CLAIM(a_callback_that_does_not_return_shows_as_a_hang_of_apply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
