/* The simulated disk's queue, and how faults strike. */
#include "tests/base/sim_rig.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- The queue. -------------------------------------------------------------------------------- */

static void a_durable_write_survives_once_it_was_reaped_and_perhaps_before(void **state)
{
    (void)state;
    uint64_t seed = first_seed();
    int whole = 0, partial = 0;
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct rig rig;
        uint64_t tag;
        rig_make(&rig, seed + i);
        start_queue(&rig, 2);
        memset(rig.bytes, 'n', PAGE);
        submit(&rig, MR_IO_WRITE_DURABLE, 0, 1);
        bool reaped = i % 2 == 0;
        if (reaped) {
            assert_int_equal(reap(&rig, &tag), 0);
        }
        mr_sim_crash(rig.sim, &rig.random);
        int kept = 0;
        for (uint64_t offset = 0; offset < PAGE; offset += SECTOR) {
            kept += byte_at(&rig, "a", offset) == 'n';
        }
        assert_true(!reaped || kept == PAGE / SECTOR);
        whole += kept == PAGE / SECTOR;
        partial += kept > 0 && kept < PAGE / SECTOR;
        rig_free(&rig);
    }
    assert_true(whole > SEEDS / 2);
    assert_true(partial > 0);
}

static void a_sync_covers_what_was_written_before_it_began(void **state)
{
    (void)state;
    struct rig rig;
    uint64_t tag;
    rig_make(&rig, 1);
    start_queue(&rig, 2);
    rig_write(&rig, 0, PAGE, '1');
    submit(&rig, MR_IO_SYNC, 0, 1);
    rig_write(&rig, 0, SECTOR, '2');
    assert_int_equal(reap(&rig, &tag), 0);
    assert_int_equal(byte_at(&rig, "a", 0), '2');
    crash_keeping(&rig, keep_none);
    assert_int_equal(byte_at(&rig, "a", 0), '1');
    assert_int_equal(byte_at(&rig, "a", SECTOR), '1');
    rig_free(&rig);
}

static void operations_complete_in_any_order_unless_told_otherwise(void **state)
{
    (void)state;
    uint64_t seed = first_seed();
    for (int in_order = 0; in_order < 2; in_order++) {
        int swapped = 0;
        for (uint64_t i = 0; i < SEEDS; i++) {
            struct rig rig;
            uint64_t tags[2];
            struct mr_sim_options options = {.seed = seed + i, .completes_in_order = in_order == 1};
            rig_make_bare(&rig, &options);
            rig_open(&rig, "a", MR_OPEN_WRITE | MR_OPEN_CREATE);
            start_queue(&rig, 2);
            submit(&rig, MR_IO_WRITE_DURABLE, 0, 0);
            submit(&rig, MR_IO_WRITE_DURABLE, PAGE, 1);
            assert_int_equal(reap(&rig, &tags[0]), 0);
            assert_int_equal(reap(&rig, &tags[1]), 0);
            assert_int_equal(tags[0] + tags[1], 1);
            swapped += tags[0] == 1;
            rig_free(&rig);
        }
        assert_true(in_order == 1 ? swapped == 0 : swapped > 0 && swapped < SEEDS);
    }
}

static void a_buffer_that_changes_in_flight_is_a_broken_invariant(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct rig rig;
        uint64_t tag;
        rig_make(&rig, 1);
        start_queue(&rig, 2);
        submit(&rig, MR_IO_WRITE_DURABLE, 0, 1);
        rig.bytes[7] ^= 1;
        fclose(stderr);
        reap(&rig, &tag);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* -- Faults. ----------------------------------------------------------------------------------- */

static void inject(struct rig *rig, enum mr_sim_call call, uint64_t nth, enum mr_sim_span span)
{
    mr_sim_inject(rig->sim, &(struct mr_sim_fault){
                                .call = call, .nth = nth, .system_error = ENOSPC, .span = span});
}

static int try_write(struct rig *rig)
{
    return rig->calls->write(rig->storage, rig->file, 0, rig->bytes, PAGE, &rig->error);
}

static void a_fault_strikes_the_nth_call_once_or_for_ever(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, 1);
    inject(&rig, MR_SIM_WRITE, 2, MR_SIM_ONCE);
    assert_int_equal(try_write(&rig), MR_OK);
    assert_int_equal(try_write(&rig), MR_E_NO_SPACE);
    assert_non_null(strstr(rig.error.text, "/a"));
    assert_int_equal(try_write(&rig), MR_OK);
    inject(&rig, MR_SIM_WRITE, 2, MR_SIM_FOREVER);
    assert_int_equal(try_write(&rig), MR_OK);
    assert_int_equal(try_write(&rig), MR_E_NO_SPACE);
    assert_int_equal(try_write(&rig), MR_E_NO_SPACE);
    rig_sync(&rig, rig.file); /* other calls go on */
    mr_sim_clear_faults(rig.sim);
    assert_int_equal(try_write(&rig), MR_OK);
    rig_free(&rig);
}

static void a_fault_may_be_for_some_files_only(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, 1);
    mr_sim_inject(rig.sim, &(struct mr_sim_fault){.call = MR_SIM_ANY_CHANGE,
                                                  .nth = 1,
                                                  .span = MR_SIM_FOREVER,
                                                  .name_part = "archive"});
    assert_int_equal(try_write(&rig), MR_OK);
    assert_int_equal(rig.calls->make_directory(rig.storage, "archive", NULL), MR_E_IO);
    rig_free(&rig);
}

static void after_a_power_cut_nothing_works_and_nothing_changes(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, 1);
    start_queue(&rig, 2);
    struct mr_sim *before = mr_sim_clone(rig.sim, MR_SIM_CURRENT);
    memset(rig.bytes, 'n', PAGE);
    inject(&rig, MR_SIM_ANY_CHANGE, 1, MR_SIM_POWER_CUT);
    assert_int_equal(try_write(&rig), MR_E_IO);
    assert_true(mr_sim_power_is_cut(rig.sim));
    assert_int_equal(rig.calls->sync(rig.storage, rig.file, NULL), MR_E_IO);
    assert_int_equal(rig.calls->remove(rig.storage, "a", NULL), MR_E_IO);
    struct mr_io io = {MR_IO_WRITE_DURABLE, rig.file, rig.bytes, PAGE, 0, 1};
    struct mr_io_result result;
    assert_int_equal(rig.calls->queue_submit(rig.storage, &io), MR_OK);
    assert_int_equal(rig.calls->queue_flush(rig.storage, NULL), MR_E_IO);
    assert_int_equal(rig.calls->queue_reap(rig.storage, &result, 1, 0, NULL), MR_E_IO);
    rig.calls->queue_stop(rig.storage);
    rig.calls->destroy(rig.storage);
    mr_sim_crash(rig.sim, &rig.random);
    char difference[200] = "";
    assert_true(mr_sim_equal(rig.sim, before, difference, sizeof difference));
    rig_open(&rig, "a", MR_OPEN_WRITE); /* power is back */
    assert_int_equal(try_write(&rig), MR_OK);
    mr_sim_destroy(before);
    rig_free(&rig);
}

static void what_is_in_flight_at_a_power_cut_waits_for_the_crash(void **state)
{
    (void)state;
    uint64_t seed = first_seed();
    int partial = 0;
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct rig rig;
        rig_make(&rig, seed + i);
        start_queue(&rig, 2);
        memset(rig.bytes, 'n', PAGE);
        submit(&rig, MR_IO_WRITE_DURABLE, 0, 1);
        inject(&rig, MR_SIM_ANY_CALL, 1, MR_SIM_POWER_CUT);
        assert_int_equal(try_write(&rig), MR_E_IO);
        rig.calls->queue_stop(rig.storage);
        rig.calls->destroy(rig.storage);
        memset(rig.bytes, 'x', PAGE); /* the dead process's memory is nobody's */
        assert_int_equal(byte_at(&rig, "a", 0), 'o');
        mr_sim_crash(rig.sim, &rig.random);
        int kept = 0;
        for (uint64_t offset = 0; offset < PAGE; offset += SECTOR) {
            assert_int_not_equal(byte_at(&rig, "a", offset), 'x');
            kept += byte_at(&rig, "a", offset) == 'n';
        }
        partial += kept > 0 && kept < PAGE / SECTOR;
        rig_free(&rig);
    }
    assert_true(partial > 0);
}

static void a_short_write_leaves_a_prefix_and_eio(void **state)
{
    (void)state;
    uint64_t seed = first_seed();
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct rig rig;
        uint64_t tag;
        rig_make(&rig, seed + i);
        start_queue(&rig, 1);
        memset(rig.bytes, 'n', PAGE);
        mr_sim_inject(rig.sim, &(struct mr_sim_fault){
                                   .call = MR_SIM_QUEUE_WRITE, .nth = 1, .short_write = true});
        submit(&rig, MR_IO_WRITE_DURABLE, 0, 1);
        assert_int_equal(reap(&rig, &tag), EIO);
        bool ended = false;
        for (uint64_t offset = 0; offset < PAGE; offset += SECTOR) {
            bool is_new = byte_at(&rig, "a", offset) == 'n';
            assert_false(ended && is_new);
            ended = !is_new;
        }
        rig_free(&rig);
    }
}

static void after_a_failed_sync_a_second_one_succeeds_and_the_data_may_be_gone(void **state)
{
    (void)state;
    uint64_t seed = first_seed();
    int lost = 0;
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct rig rig;
        rig_make(&rig, seed + i);
        rig_write(&rig, 0, SECTOR, 'n');
        inject(&rig, MR_SIM_SYNC, 1, MR_SIM_ONCE);
        assert_int_equal(rig.calls->sync(rig.storage, rig.file, NULL), MR_E_NO_SPACE);
        rig_sync(&rig, rig.file);
        assert_int_equal(byte_at(&rig, "a", 0), 'n'); /* as the page cache pretends */
        crash_keeping(&rig, keep_all);
        lost += byte_at(&rig, "a", 0) == 'o';
        rig_free(&rig);
    }
    assert_in_range(lost, 1, SEEDS - 1);
}

static void a_full_disk_refuses_growth_and_nothing_else(void **state)
{
    (void)state;
    struct rig rig;
    uint64_t tag;
    uint64_t space;
    rig_make_bare(&rig, &(struct mr_sim_options){.seed = 1, .capacity = 3 * PAGE});
    rig_open(&rig, "a", MR_OPEN_WRITE | MR_OPEN_CREATE);
    rig_write(&rig, 0, 2 * PAGE, 'o');
    assert_int_equal(rig.calls->space(rig.storage, &space, NULL), MR_OK);
    assert_int_equal(space, PAGE);
    struct mr_error *error = &rig.error;
    assert_int_equal(rig.calls->write(rig.storage, rig.file, 2 * PAGE, rig.bytes, 2 * PAGE, error),
                     MR_E_NO_SPACE);
    assert_int_equal(mr_sim_size(rig.sim, MR_SIM_CURRENT, "a"), 2 * PAGE);
    start_queue(&rig, 1);
    submit(&rig, MR_IO_WRITE_DURABLE, 3 * PAGE, 1);
    assert_int_equal(reap(&rig, &tag), ENOSPC);
    submit(&rig, MR_IO_WRITE_DURABLE, PAGE, 1);
    assert_int_equal(reap(&rig, &tag), 0);
    rig_write(&rig, 2 * PAGE, PAGE, 'n');
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_durable_write_survives_once_it_was_reaped_and_perhaps_before),
        cmocka_unit_test(a_sync_covers_what_was_written_before_it_began),
        cmocka_unit_test(operations_complete_in_any_order_unless_told_otherwise),
        cmocka_unit_test(a_buffer_that_changes_in_flight_is_a_broken_invariant),
        cmocka_unit_test(a_fault_strikes_the_nth_call_once_or_for_ever),
        cmocka_unit_test(a_fault_may_be_for_some_files_only),
        cmocka_unit_test(after_a_power_cut_nothing_works_and_nothing_changes),
        cmocka_unit_test(what_is_in_flight_at_a_power_cut_waits_for_the_crash),
        cmocka_unit_test(a_short_write_leaves_a_prefix_and_eio),
        cmocka_unit_test(after_a_failed_sync_a_second_one_succeeds_and_the_data_may_be_gone),
        cmocka_unit_test(a_full_disk_refuses_growth_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
