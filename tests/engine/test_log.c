/*
 * What the engine says, at which level, how often, and how long at most.
 */
#include "engine/log.h"
#include "engine/parts.h"
#include "tests/engine/watch_rig.h"

static void a_life_is_told_from_beginning_to_end(void **state)
{
    struct watch_rig *rig = *state;
    struct mr_error error;
    watch_open(rig);
    assert_int_equal(mr_engine_start(rig->engine, &error), MR_OK);
    watch_end(rig);
    assert_int_equal(watch_heard(rig, MR_LOG_INFO, "began a new journal for logic 'till'"), 1);
    assert_int_equal(watch_heard(rig, MR_LOG_INFO, "started on 2 threads"), 1);
    assert_int_equal(watch_heard(rig, MR_LOG_INFO, "stopped at sequence 1"), 1);
    assert_int_equal(watch_heard(rig, MR_LOG_WARNING, ""), 0);
    assert_int_equal(watch_heard(rig, MR_LOG_ERROR, ""), 0);
}

static void what_is_above_the_level_is_not_told(void **state)
{
    struct watch_rig *rig = *state;
    struct mr_error error = {.code = MR_E_IO, .text = "failed"};
    for (enum mr_log_level level = MR_LOG_ERROR; level <= MR_LOG_INFO; level++) {
        rig->line_count = 0;
        rig->options.log.level = level;
        watch_begin(rig);
        rig->line_count = 0;
        mr_engine_inform(rig->engine, "info");
        mr_engine_warn(rig->engine, "place", MR_OK, "warning");
        mr_engine_cry(rig->engine, "place", &error);
        assert_int_equal(rig->line_count, 1 + level);
        assert_int_equal(watch_heard(rig, MR_LOG_ERROR, "failed"), 1);
        watch_look(rig); /* the error log has no level */
        assert_int_equal(rig->snapshot.error_count, 2);
        mr_engine_close(rig->engine);
        rig->engine = NULL;
    }
}

static void nobody_need_listen(void **state)
{
    struct watch_rig *rig = *state;
    rig->options.log = (struct mr_log){.level = MR_LOG_INFO};
    watch_begin(rig);
    mr_engine_inform(rig->engine, "%s", "unheard");
    mr_engine_warn(rig->engine, "place", MR_OK, "%s", "unheard");
    watch_settle(rig);
    assert_int_equal(rig->line_count, 0);
}

static void a_long_message_is_cut(void **state)
{
    struct watch_rig *rig = *state;
    char text[3000];
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    watch_begin(rig);
    rig->line_count = 0;
    mr_engine_inform(rig->engine, "%s", text);
    mr_engine_warn(rig->engine, "place", MR_OK, "%s", text);
    assert_int_equal(rig->line_count, 2);
    assert_int_equal(strlen(rig->lines[0]), MR_ERROR_TEXT_SIZE - 1);
    assert_int_equal(strlen(rig->lines[1]), MR_ERROR_TEXT_SIZE - 1);
}

static void room_that_gets_low_is_told_once_and_so_is_that_it_is_back(void **state)
{
    struct watch_rig *rig = *state;
    watch_begin(rig);
    mr_watch_space(rig->engine, true, UINT64_C(64) << 20);
    mr_watch_space(rig->engine, true, UINT64_C(32) << 20);
    assert_int_equal(watch_heard(rig, MR_LOG_WARNING, "64 MiB are left"), 1);
    assert_int_equal(watch_heard(rig, MR_LOG_WARNING, "are left"), 1);
    watch_look(rig);
    assert_int_equal(WATCH_VALUE(rig, space_low), 1);
    assert_int_equal(WATCH_VALUE(rig, space_left_bytes), UINT64_C(32) << 20);
    mr_watch_space(rig->engine, false, UINT64_C(900) << 20);
    assert_int_equal(watch_heard(rig, MR_LOG_INFO, "enough room"), 1);
    mr_watch_space(rig->engine, true, UINT64_C(16) << 20);
    assert_int_equal(watch_heard(rig, MR_LOG_WARNING, "are left"), 2);
    watch_look(rig);
    assert_int_equal(rig->snapshot.error_count, 1);
    assert_int_equal(rig->snapshot.errors[0].count, 2);
}

/* As if the disk had taken so long for the block at position 3. */
static void pretend_slow(struct watch_rig *rig, uint64_t ns)
{
    rig->engine->watch.handed_ns[3] = mr_monotonic_ns() - ns;
    mr_watch_durable(rig->engine, 3, 4);
}

static void a_slow_disk_is_told_but_not_all_the_time(void **state)
{
    struct watch_rig *rig = *state;
    watch_begin(rig);
    watch_settle(rig);
    pretend_slow(rig, UINT64_C(500000000));
    assert_int_equal(watch_heard(rig, MR_LOG_WARNING, "to become durable"), 0);
    pretend_slow(rig, UINT64_C(1500000000));
    assert_int_equal(watch_heard(rig, MR_LOG_WARNING, "took 1500 ms to become durable"), 1);
    pretend_slow(rig, UINT64_C(1500000000));
    assert_int_equal(watch_heard(rig, MR_LOG_WARNING, "to become durable"), 1);
    rig->engine->watch.slow_told_ns -= UINT64_C(10000000000); /* ten seconds later */
    pretend_slow(rig, UINT64_C(2500000000));
    assert_int_equal(watch_heard(rig, MR_LOG_WARNING, "took 2500 ms"), 1);
    watch_look(rig);
    assert_true(rig->snapshot.histograms[MR_HISTOGRAM_disk_ns].max >= UINT64_C(2500000000));
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, watch_set_up, watch_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_life_is_told_from_beginning_to_end),
        CLAIM(what_is_above_the_level_is_not_told),
        CLAIM(nobody_need_listen),
        CLAIM(a_long_message_is_cut),
        CLAIM(room_that_gets_low_is_told_once_and_so_is_that_it_is_back),
        CLAIM(a_slow_disk_is_told_but_not_all_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
