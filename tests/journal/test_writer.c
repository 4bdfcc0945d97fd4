/* The writer: order, limits, segments, masks, marks, and the real disk. */
#include "journal/scan.h"
#include "tests/journal/sim_rig.h"

#include <ftw.h>
#include <unistd.h>

static struct sim_rig rig;

static void make(uint64_t segment_bytes, uint32_t frames_in_flight, uint32_t delay_max)
{
    struct mr_sim_options options = {.seed = 11, .delay_max = delay_max};
    rig_make(&rig, &options, segment_bytes);
    rig.frames_in_flight = frames_in_flight;
    rig.payload_max = 300; /* no zero sectors, unless a test wants them */
}

static void wait_until_idle(void)
{
    while (mr_journal_busy(rig.journal)) {
        assert_true(rig_poll(&rig) >= 0);
    }
}

static void no_more_frames_are_in_flight_than_allowed(void **state)
{
    (void)state;
    for (uint32_t limit = 1; limit <= MR_FRAMES_IN_FLIGHT_MAX; limit++) {
        make(256 << 10, limit, 0);
        rig_start(&rig);
        for (uint32_t i = 0; i < limit; i++) {
            assert_true(mr_journal_ready(rig.journal));
            assert_int_equal(rig_append(&rig), MR_OK);
        }
        assert_false(mr_journal_ready(rig.journal));
        struct rig_shape shape = {.salt = 1, .payload_max = 100};
        struct mr_tip tip = rig.tip;
        struct mr_digest digest = rig_fill(&shape, rig.scratch, &tip);
        assert_int_equal(mr_journal_append(rig.journal, rig.scratch, digest, NULL), MR_AGAIN);
        assert_int_equal(mr_journal_durable_index(rig.journal), 0);
        wait_until_idle();
        assert_int_equal(mr_journal_durable_index(rig.journal), limit);
        assert_true(mr_journal_ready(rig.journal));
        rig_stop(&rig);
        rig_free(&rig);
    }
}

/* Completes the operations in the queue in an order of the test's choice. */
static struct {
    struct mr_storage_calls calls;
    const struct mr_storage_calls *real;
    struct mr_io_result held[16];
    uint32_t count;
    uint64_t wanted; /* the tag that may pass; 0: none, UINT64_MAX: all */
} gate;

static int gated_reap(struct mr_storage *storage, struct mr_io_result *results, uint32_t limit,
                      uint32_t wait_us, struct mr_error *error)
{
    (void)limit;
    int got =
        gate.real->queue_reap(storage, gate.held + gate.count, 16 - gate.count, wait_us, error);
    assert_true(got >= 0);
    gate.count += (uint32_t)got;
    uint32_t kept = 0;
    int passed = 0;
    for (uint32_t i = 0; i < gate.count; i++) {
        if (gate.wanted == UINT64_MAX || gate.held[i].tag == gate.wanted) {
            results[passed++] = gate.held[i];
        } else {
            gate.held[kept++] = gate.held[i];
        }
    }
    gate.count = kept;
    return passed;
}

static void open_gate(void)
{
    gate.real = rig.storage->calls;
    gate.calls = *gate.real;
    gate.calls.queue_reap = gated_reap;
    gate.count = 0;
    gate.wanted = 0;
    rig.storage->calls = &gate.calls;
}

static void only_the_contiguous_prefix_is_durable(void **state)
{
    (void)state;
    static const uint64_t orders[][4] = {{4, 3, 2, 1}, {2, 1, 4, 3}, {1, 3, 4, 2}, {3, 1, 2, 4}};
    static const uint64_t durable[][4] = {{0, 0, 0, 4}, {0, 2, 2, 4}, {1, 1, 1, 4}, {0, 1, 3, 4}};
    for (int order = 0; order < 4; order++) {
        make(256 << 10, 4, 0);
        open_gate();
        rig_start(&rig);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(rig_append(&rig), MR_OK);
        }
        for (int i = 0; i < 4; i++) {
            gate.wanted = orders[order][i];
            assert_true(rig_poll(&rig) >= 0);
            assert_true(rig_poll(&rig) >= 0);
            assert_int_equal(mr_journal_durable_index(rig.journal), durable[order][i]);
        }
        gate.wanted = UINT64_MAX;
        rig_stop(&rig);
        rig.storage->calls = gate.real;
        rig_free(&rig);
    }
}

static void a_failure_in_a_batch_of_completions_publishes_nothing_of_it(void **state)
{
    (void)state;
    make(256 << 10, 4, 0);
    open_gate();
    rig_start(&rig);
    mr_sim_inject(rig.sim, &(struct mr_sim_fault){.call = MR_SIM_QUEUE_WRITE, .nth = 3});
    for (int i = 0; i < 4; i++) {
        assert_int_equal(rig_append(&rig), MR_OK);
    }
    while (gate.count < 4) {
        assert_int_equal(rig_poll(&rig) < 0, 0);
    }
    gate.wanted = UINT64_MAX; /* all at once */
    assert_int_equal(rig_poll(&rig), MR_E_IO);
    assert_non_null(strstr(rig.error.text, "journal/00000001.seg: offset 24576"));
    assert_int_equal(mr_journal_durable_index(rig.journal), 0);
    assert_int_equal(mr_journal_stop(rig.journal, &rig.error), MR_E_IO);
    assert_int_equal(mr_journal_durable_index(rig.journal), 0);
    mr_journal_close(rig.journal);
    rig.journal = NULL;
    rig.storage->calls = gate.real;
    rig_free(&rig);
}

static void segments_follow_one_another_and_nothing_temporary_is_left(void **state)
{
    (void)state;
    for (uint32_t limit = 1; limit <= 8; limit += 3) {
        make(64 << 10, limit, 2);
        rig.payload_max = 12000;
        rig_start(&rig);
        rig_append_many(&rig, 100);
        rig_stop(&rig);
        assert_int_equal(rig.acknowledged, 100);
        assert_int_equal(mr_sim_size(rig.sim, MR_SIM_CURRENT, MR_SEGMENT_TEMPORARY), UINT64_MAX);
        rig_check_entries(&rig, rig.storage, 100);
        RIG_OK(&rig, mr_journal_plan(rig.storage, &rig.report, NULL, &rig.error));
        assert_true(rig.report.segments > 8);
        assert_int_equal(rig.report.last_index, 100);
        assert_int_equal(rig.report.durable_index, 100);
        rig_free(&rig);
    }
}

static void a_frame_waits_for_the_next_segment(void **state)
{
    (void)state;
    make(32 << 10, 4, 3); /* three frames fill it before the next one can be ready */
    rig_start(&rig);
    uint32_t waited = 0;
    while (rig.tip.index < 20) {
        int status = rig_append(&rig);
        waited += status == MR_AGAIN && !mr_journal_busy(rig.journal);
        assert_true(rig_poll(&rig) >= 0);
    }
    assert_true(waited > 0);
    rig_stop(&rig);
    assert_int_equal(rig.acknowledged, 20);
    rig_free(&rig);
}

static void segments_that_were_prepared_before_are_used(void **state)
{
    (void)state;
    make(32 << 10, 4, 0);
    for (uint32_t number = 2; number <= 6; number++) {
        struct mr_superblock superblock = {
            .segment = number, .generation = 1, .segment_bytes = 32 << 10};
        memcpy(superblock.journal_id, rig_id, sizeof rig_id);
        RIG_OK(&rig, mr_segment_make(rig.storage, &superblock, &rig.error));
    }
    rig_start(&rig);
    assert_int_equal(rig.report.segments, 6);
    uint64_t created = mr_sim_calls(rig.sim, MR_SIM_CREATE);
    rig_append_many(&rig, 12); /* four segments full, two ahead */
    wait_until_idle();
    assert_int_equal(mr_sim_calls(rig.sim, MR_SIM_CREATE), created);
    rig_append_many(&rig, 18);
    assert_true(mr_sim_calls(rig.sim, MR_SIM_CREATE) > created);
    rig_stop(&rig);
    rig_check_entries(&rig, rig.storage, 30);
    rig_free(&rig);
}

static void an_entry_with_zero_sectors_leaves_no_zero_sector_on_disk(void **state)
{
    (void)state;
    make(256 << 10, 4, 0);
    rig_start(&rig);
    for (uint32_t zeros = 0; zeros < 6000; zeros += 997) {
        struct mr_entry *entry = mr_frame_entry(rig.scratch);
        *entry = (struct mr_entry){
            .index = rig.tip.index + 1,
            .first_sequence = rig.tip.sequence + 1,
            .count = 1,
            .length = MR_ENTRY_SIZE + zeros,
            .previous = rig.tip.digest,
        };
        memset(entry + 1, 0, zeros);
        struct mr_digest digest = mr_entry_digest(entry);
        RIG_OK(&rig, mr_journal_append(rig.journal, rig.scratch, digest, &rig.error));
        rig.tip = mr_tip_after(entry, digest);
        wait_until_idle();
        for (uint32_t i = 0; i < zeros; i++) { /* the caller's bytes are as they were */
            assert_int_equal(((unsigned char *)(entry + 1))[i], 0);
        }
    }
    mr_journal_stop(rig.journal, &rig.error);
    uint64_t end = rig.journal->offset;
    static unsigned char bytes[256 << 10];
    mr_sim_read(rig.sim, MR_SIM_DURABLE, "journal/00000001.seg", 0, bytes, sizeof bytes);
    assert_true(end > MR_SEGMENT_HEAD + 7 * 4096);
    for (uint64_t i = MR_SEGMENT_HEAD; i < end; i += MR_SECTOR_SIZE) {
        assert_false(mr_bytes_zero(bytes + i, MR_SECTOR_SIZE));
    }
    struct mr_reader *reader;
    const struct mr_entry *entry;
    uint32_t zeros = 0;
    RIG_OK(&rig,
           mr_reader_open(rig.storage, &(struct mr_reader_options){.last_index = rig.tip.index},
                          &reader, &rig.error));
    while (mr_reader_next(reader, &entry, NULL, &rig.error) == MR_OK) {
        assert_int_equal(entry->length, MR_ENTRY_SIZE + zeros);
        assert_true(mr_bytes_zero(entry + 1, zeros));
        zeros += 997;
    }
    assert_true(zeros >= 6000);
    mr_reader_close(reader);
    mr_journal_close(rig.journal);
    rig_free(&rig);
}

static void one_entry_at_a_time_may_need_the_bounce_buffer(void **state)
{
    (void)state;
    make(256 << 10, 4, 0);
    rig_start(&rig);
    for (int i = 0; i < 2; i++) {
        unsigned char *frame = rig.frames + i * RIG_FRAME_BYTES;
        struct mr_entry *entry = mr_frame_entry(frame);
        *entry = (struct mr_entry){
            .index = rig.tip.index + 1,
            .first_sequence = rig.tip.sequence + 1,
            .count = 1,
            .length = MR_ENTRY_SIZE + 5000,
            .previous = rig.tip.digest,
        };
        memset(entry + 1, 0, 5000);
        struct mr_digest digest = mr_entry_digest(entry);
        int status = mr_journal_append(rig.journal, frame, digest, &rig.error);
        assert_int_equal(status, i == 0 ? MR_OK : MR_AGAIN);
        if (status == MR_AGAIN) {
            wait_until_idle();
            RIG_OK(&rig, mr_journal_append(rig.journal, frame, digest, &rig.error));
        }
        rig.tip = mr_tip_after(entry, digest);
    }
    wait_until_idle();
    assert_int_equal(mr_journal_durable_index(rig.journal), 2);
    RIG_OK(&rig, mr_journal_stop(rig.journal, &rig.error));
    mr_journal_close(rig.journal);
    rig_free(&rig);
}

static void a_mark_records_the_last_entry_once(void **state)
{
    (void)state;
    make(256 << 10, 4, 0);
    rig_start(&rig);
    assert_int_equal(mr_journal_mark(rig.journal, NULL), 0); /* nothing to record */
    rig_append_many(&rig, 2);
    assert_int_equal(mr_journal_mark(rig.journal, NULL), 0); /* not idle */
    wait_until_idle();
    uint64_t end = rig.journal->offset;
    assert_int_equal(mr_journal_mark(rig.journal, NULL), 1);
    assert_true(mr_journal_busy(rig.journal));
    assert_int_equal(mr_journal_mark(rig.journal, NULL), 0); /* under way */
    wait_until_idle();
    assert_int_equal(mr_journal_mark(rig.journal, NULL), 0); /* done */
    assert_int_equal(rig.journal->offset, end + 4096);
    assert_int_equal(mr_journal_durable_index(rig.journal), 2);
    struct mr_recovery report;
    RIG_OK(&rig, mr_journal_plan(rig.storage, &report, NULL, &rig.error));
    assert_int_equal(report.durable_index, 2);
    rig_stop(&rig);
    rig_free(&rig);
}

static void a_full_segment_is_marked_by_its_seal(void **state)
{
    (void)state;
    make(32 << 10, 4, 0);
    rig_start(&rig);
    rig_append_many(&rig, 3);
    wait_until_idle();
    int marked = 0;
    while (marked == 0) { /* until the next segment is there */
        marked = mr_journal_mark(rig.journal, NULL);
        assert_true(marked >= 0);
        assert_true(rig_poll(&rig) >= 0);
    }
    wait_until_idle();
    assert_int_equal(rig.journal->segment, 2);
    assert_int_equal(rig.journal->offset, MR_SEGMENT_HEAD);
    assert_int_equal(mr_journal_mark(rig.journal, NULL), 0);
    struct mr_recovery report;
    RIG_OK(&rig, mr_journal_plan(rig.storage, &report, NULL, &rig.error));
    assert_int_equal(report.durable_index, 3);
    rig_stop(&rig);
    rig_free(&rig);
}

static void a_recovered_journal_records_what_it_kept(void **state)
{
    (void)state;
    make(256 << 10, 4, 0);
    rig_start(&rig);
    rig_append_many(&rig, 3);
    RIG_OK(&rig, rig.storage->calls->queue_flush(rig.storage, &rig.error));
    mr_sim_kill(rig.sim);
    rig_forget(&rig);
    rig_start(&rig);
    assert_int_equal(rig.report.last_index, 3);
    assert_int_equal(rig.report.durable_index, 0);
    assert_int_equal(mr_journal_durable_index(rig.journal), 3);
    assert_int_equal(mr_journal_mark(rig.journal, NULL), 1);
    rig_stop(&rig);
    RIG_OK(&rig, mr_journal_plan(rig.storage, &rig.report, NULL, &rig.error));
    assert_int_equal(rig.report.durable_index, 3);
    rig_free(&rig);
}

static void a_disk_that_fills_up_fences_with_no_space(void **state)
{
    (void)state;
    struct mr_sim_options options = {.seed = 3, .capacity = 100 << 10};
    rig_make(&rig, &options, 32 << 10);
    rig_start(&rig);
    int status = 0;
    while (status >= 0) {
        status = rig_append(&rig);
        status = status < 0 ? status : rig_poll(&rig);
    }
    assert_int_equal(status, MR_E_NO_SPACE);
    uint64_t durable = mr_journal_durable_index(rig.journal);
    assert_true(durable > 0);
    assert_int_equal(mr_journal_poll(rig.journal, 0, NULL), MR_E_FENCED);
    assert_int_equal(mr_journal_stop(rig.journal, NULL), MR_E_NO_SPACE);
    mr_journal_close(rig.journal);
    rig.journal = NULL;
    rig.storage->calls->unlock(rig.storage);
    RIG_OK(&rig, rig_recover(&rig)); /* removes the temporary, which made room */
    assert_true(rig.report.last_index >= durable);
    mr_journal_close(rig.journal);
    rig.journal = NULL;
    rig_free(&rig);
}

static void closing_without_a_stop_completes_what_is_in_flight(void **state)
{
    (void)state;
    make(256 << 10, 4, 3);
    rig_start(&rig);
    rig_append_many(&rig, 4);
    mr_journal_close(rig.journal);
    rig.journal = NULL;
    struct mr_recovery report;
    RIG_OK(&rig, mr_journal_plan(rig.storage, &report, NULL, &rig.error));
    assert_int_equal(report.last_index, 4);
    assert_int_equal(report.durable_index, 0); /* nothing recorded it */
    rig_free(&rig);
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_storage *storage = mr_sim_storage(sim);
    struct mr_error error;
    static const struct mr_journal_options bad[] = {
        {.segment_bytes = 1 << 20},
        {.segment_bytes = (4 << 20) + 512},
        {.segment_bytes = UINT64_C(512) << 20},
        {.frames_in_flight = 9},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(mr_journal_create(storage, rig_id, &bad[i], &error), MR_E_INVALID);
        assert_int_equal(mr_journal_exists(storage, NULL), MR_E_NOT_FOUND);
    }
    mr_sim_destroy(sim);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_tree(const char *directory)
{
    assert_int_equal(nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void the_real_disk_keeps_what_was_appended(void **state)
{
    (void)state;
    char directory[] = "journal-test-XXXXXX";
    assert_non_null(mkdtemp(directory));
    struct mr_error error = {0};
    struct mr_journal_options options = {.segment_bytes = 4 << 20};
    static struct sim_rig real;
    real = (struct sim_rig){.payload_max = RIG_PAYLOAD_MAX, .salt = 1};
    real.frames = mr_pages_allocate((size_t)RIG_FRAMES * RIG_FRAME_BYTES);
    real.scratch = mr_pages_allocate(RIG_FRAME_BYTES);
    RIG_OK(&real, mr_storage_open_files(directory, false, &real.storage, &real.error));
    RIG_OK(&real, real.storage->calls->lock(real.storage, 0, &error));
    RIG_OK(&real, mr_journal_create(real.storage, rig_id, &options, &real.error));
    real.storage->calls->unlock(real.storage);
    for (int life = 1; life <= 3; life++) {
        int status = rig_recover(&real);
        RIG_OK(&real, status);
        status = mr_journal_start(real.journal, &real.error);
        if (status == MR_E_UNSUPPORTED) {
            print_message("skipped: %s\n", real.error.text);
            mr_journal_close(real.journal);
            real.journal = NULL;
            break;
        }
        RIG_OK(&real, status);
        rig_append_many(&real, 150);
        rig_stop(&real);
        assert_int_equal(real.acknowledged, 150 * life);
        rig_check_entries(&real, real.storage, real.acknowledged);
    }
    real.storage->calls->destroy(real.storage);
    free(real.frames);
    free(real.scratch);
    remove_tree(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_frames_are_in_flight_than_allowed),
        cmocka_unit_test(only_the_contiguous_prefix_is_durable),
        cmocka_unit_test(a_failure_in_a_batch_of_completions_publishes_nothing_of_it),
        cmocka_unit_test(segments_follow_one_another_and_nothing_temporary_is_left),
        cmocka_unit_test(a_frame_waits_for_the_next_segment),
        cmocka_unit_test(segments_that_were_prepared_before_are_used),
        cmocka_unit_test(an_entry_with_zero_sectors_leaves_no_zero_sector_on_disk),
        cmocka_unit_test(one_entry_at_a_time_may_need_the_bounce_buffer),
        cmocka_unit_test(a_mark_records_the_last_entry_once),
        cmocka_unit_test(a_full_segment_is_marked_by_its_seal),
        cmocka_unit_test(a_recovered_journal_records_what_it_kept),
        cmocka_unit_test(a_disk_that_fills_up_fences_with_no_space),
        cmocka_unit_test(closing_without_a_stop_completes_what_is_in_flight),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(the_real_disk_keeps_what_was_appended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
