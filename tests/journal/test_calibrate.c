/* Choosing how to make writes durable: the decision from figures that are made up, so that no clock
 * decides a test; and what the measuring does to a journal, which must be nothing. */
#include "journal/calibrate.h"
#include "journal/scan.h"
#include "journal/writer.h"
#include "tests/journal/rig.h"
#include "tests/support/temp_directory.h"

#include <errno.h>
#include <limits.h>

enum { SEGMENT_BYTES = MR_SEGMENT_BYTES_MIN };

/* -- The decision. ----------------------------------------------------------------------------- */

static struct mr_calibration figures(uint32_t rounds, uint64_t dsync_ns, uint64_t linked_sync_ns)
{
    struct mr_calibration calibration = {.rounds = rounds};
    for (uint32_t i = 0; i < rounds; i++) {
        calibration.dsync_ns[i] = dsync_ns;
        calibration.linked_sync_ns[i] = linked_sync_ns;
    }
    return calibration;
}

static enum mr_durable_method method_for(uint64_t dsync_ns, uint64_t linked_sync_ns)
{
    struct mr_calibration calibration =
        figures(MR_CALIBRATION_ROUNDS_MAX, dsync_ns, linked_sync_ns);
    return mr_calibration_decide(&calibration).method;
}

static void a_linked_sync_is_taken_only_when_it_is_clearly_faster(void **state)
{
    (void)state;
    assert_int_equal(method_for(132000, 171000), MR_DURABLE_DSYNC);
    assert_int_equal(method_for(4000000, 170000), MR_DURABLE_LINKED_SYNC);
    assert_int_equal(method_for(100000, 100000), MR_DURABLE_DSYNC);
    assert_int_equal(method_for(120000, 100000), MR_DURABLE_DSYNC);
    assert_int_equal(method_for(125000, 100000), MR_DURABLE_DSYNC);
    assert_int_equal(method_for(126000, 100000), MR_DURABLE_LINKED_SYNC);
}

static void figures_without_bounds_are_compared_all_the_same(void **state)
{
    (void)state;
    assert_int_equal(method_for(UINT64_MAX, UINT64_MAX), MR_DURABLE_DSYNC);
    assert_int_equal(method_for(UINT64_MAX, 1), MR_DURABLE_LINKED_SYNC);
    assert_int_equal(method_for(0, 0), MR_DURABLE_DSYNC);
    assert_int_equal(method_for(0, UINT64_MAX), MR_DURABLE_DSYNC);
}

/* Whatever held up less than half of the writes has no say, wherever it stands. */
static void the_medians_decide(void **state)
{
    (void)state;
    struct mr_calibration calibration = figures(21, 100000, 200000);
    for (uint32_t i = 0; i < 20; i += 2) {
        calibration.dsync_ns[i] = 50000000;
        calibration.linked_sync_ns[i] = 1;
    }
    struct mr_durable_choice choice = mr_calibration_decide(&calibration);
    assert_int_equal(choice.method, MR_DURABLE_DSYNC);
    assert_int_equal(choice.dsync_ns, 100000);
    assert_int_equal(choice.linked_sync_ns, 200000);
}

static void too_few_rounds_decide_nothing(void **state)
{
    (void)state;
    struct mr_calibration few = figures(MR_CALIBRATION_ROUNDS_MIN - 1, 9000000, 100);
    struct mr_durable_choice choice = mr_calibration_decide(&few);
    assert_int_equal(choice.method, MR_DURABLE_DSYNC);
    assert_int_equal(choice.dsync_ns, 0);
    struct mr_calibration enough = figures(MR_CALIBRATION_ROUNDS_MIN, 9000000, 100);
    assert_int_equal(mr_calibration_decide(&enough).method, MR_DURABLE_LINKED_SYNC);
}

/* -- The measuring, on real files. ------------------------------------------------------------- */

/* The seam once more, in front of the real one: it notes the writes, and lets one fail. */
struct spy {
    struct mr_storage storage; /* first */
    struct mr_storage_calls calls;
    struct mr_storage *real;
    uint64_t least, most; /* where writes may be */
    uint32_t writes, durable_writes, uses;
    uint32_t fail_at; /* this write fails; 0: none */
    int system_error;
    bool choice_given;
    struct mr_durable_choice choice; /* the last */
};

static struct spy spy; /* one is enough; the calls that are passed on know the real one only */

static bool spy_use(struct mr_storage *storage, const struct mr_durable_choice *choice)
{
    (void)storage;
    if (spy.choice_given) {
        return false;
    }
    spy.uses++;
    spy.choice = *choice;
    return spy.real->calls->queue_use(spy.real, choice);
}

static int spy_submit(struct mr_storage *storage, const struct mr_io *io)
{
    (void)storage;
    spy.writes += io->kind != MR_IO_SYNC;
    spy.durable_writes += io->kind == MR_IO_WRITE_DURABLE;
    assert_true(mr_bytes_zero(io->data, io->size));
    assert_true(io->offset >= spy.least);
    assert_true(io->offset + io->size <= spy.most);
    return spy.real->calls->queue_submit(spy.real, io);
}

static int spy_reap(struct mr_storage *storage, struct mr_io_result *results, uint32_t limit,
                    uint32_t wait_us, struct mr_error *error)
{
    (void)storage;
    int count = spy.real->calls->queue_reap(spy.real, results, limit, wait_us, error);
    if (count > 0 && spy.fail_at > 0 && spy.writes == spy.fail_at) {
        results[0].system_error = spy.system_error;
    }
    return count;
}

struct fixture {
    char path[PATH_MAX];
    struct mr_storage *storage;
    struct mr_journal *journal;
    struct mr_error error;
    unsigned char *frame;
    unsigned char *before, *after; /* the first segment */
};

static void must(struct fixture *f, int status)
{
    if (status != MR_OK) {
        print_error("%s\n", f->error.text);
    }
    assert_int_equal(status, MR_OK);
}

static void read_segment(struct fixture *f, unsigned char *bytes)
{
    int file;
    size_t got = 0;
    const struct mr_storage_calls *calls = f->storage->calls;
    must(f, calls->open(f->storage, "journal/00000001.seg", MR_OPEN_READ, &file, &f->error));
    must(f, calls->read(f->storage, file, 0, bytes, SEGMENT_BYTES, &got, &f->error));
    assert_int_equal(got, SEGMENT_BYTES);
    calls->close(f->storage, file);
}

static void append(struct fixture *f)
{
    struct rig_shape shape = {.salt = 1, .payload_max = 3000};
    struct mr_tip tip = f->journal->tip;
    struct mr_digest digest = rig_fill(&shape, f->frame, &tip);
    must(f, mr_journal_append(f->journal, f->frame, digest, &f->error));
    while (mr_journal_durable_index(f->journal) < tip.index) {
        assert_true(mr_journal_poll(f->journal, 100000, &f->error) >= 0);
    }
}

static void open_journal(struct fixture *f)
{
    struct mr_recovery report;
    struct mr_journal_options options = {.frames_in_flight = 4};
    must(f, mr_journal_recover(f->storage, &options, &report, NULL, &f->journal, &f->error));
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->frame = mr_pages_allocate(64 << 10);
    f->before = malloc(SEGMENT_BYTES);
    f->after = malloc(SEGMENT_BYTES);
    mr_temp_directory_make(f->path);
    must(f, mr_storage_open_files(f->path, false, &f->storage, &f->error));
    must(f, f->storage->calls->lock(f->storage, 0, &f->error));
    struct mr_journal_options options = {.segment_bytes = SEGMENT_BYTES};
    must(f, mr_journal_create(f->storage, rig_id, &options, &f->error));
    open_journal(f);
    must(f, mr_journal_start(f->journal, &f->error));
    append(f);
    must(f, mr_journal_stop(f->journal, &f->error));
    mr_journal_close(f->journal);
    open_journal(f);
    spy = (struct spy){
        .calls = *f->storage->calls,
        .real = f->storage,
        .least = f->journal->offset,
        .most = SEGMENT_BYTES - MR_PAGE_SIZE,
    };
    spy.storage.calls = &spy.calls;
    spy.calls.queue_use = spy_use;
    spy.calls.queue_submit = spy_submit;
    spy.calls.queue_reap = spy_reap;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->journal != NULL) {
        mr_journal_close(f->journal);
    }
    f->storage->calls->destroy(f->storage);
    mr_temp_directory_remove(f->path);
    free(f->frame);
    free(f->before);
    free(f->after);
    free(f);
    return 0;
}

/* Starts as a writer does, but for the calibration, which is the test's. */
static void start_queue(struct fixture *f, enum mr_durable_method method)
{
    struct mr_queue_options options = {.depth = 4, .method = method};
    must(f, f->storage->calls->queue_start(f->storage, &options, &f->error));
}

/* Calibrates through the spy, whose other calls are the real ones. */
static int calibrate_spied(struct fixture *f)
{
    f->journal->storage = &spy.storage;
    int status = mr_journal_calibrate(f->journal, &f->error);
    f->journal->storage = f->storage;
    return status;
}

static void it_writes_zeros_behind_the_last_frame_and_a_bounded_number(void **state)
{
    struct fixture *f = *state;
    read_segment(f, f->before);
    start_queue(f, MR_DURABLE_CHOOSE);
    must(f, calibrate_spied(f));
    assert_true(spy.writes >= 3);
    assert_true(spy.writes <= 1 + 2 * MR_CALIBRATION_ROUNDS_MAX);
    assert_int_equal(spy.writes, spy.durable_writes);
    f->storage->calls->queue_stop(f->storage);
    read_segment(f, f->after);
    assert_memory_equal(f->before, f->after, SEGMENT_BYTES);
}

static void the_storage_says_what_was_chosen_and_why(void **state)
{
    struct fixture *f = *state;
    start_queue(f, MR_DURABLE_CHOOSE);
    assert_null(strstr(f->storage->calls->describe(f->storage), " against "));
    must(f, calibrate_spied(f));
    const char *text = f->storage->calls->describe(f->storage);
    print_message("%s\n", text);
    /* Only a disk that is very slow is asked too seldom for figures. */
    assert_int_equal(strstr(text, " us against ") != NULL, spy.choice.dsync_ns > 0);
    bool linked = spy.choice.method == MR_DURABLE_LINKED_SYNC;
    assert_non_null(strstr(text, linked ? "writes with linked syncs" : "DSYNC writes"));
    f->storage->calls->queue_stop(f->storage);
}

static void a_journal_goes_on_behind_the_zeros(void **state)
{
    struct fixture *f = *state;
    must(f, mr_journal_start(f->journal, &f->error));
    must(f, mr_journal_calibrate(f->journal, &f->error));
    append(f);
    append(f);
    must(f, mr_journal_stop(f->journal, &f->error));
    mr_journal_close(f->journal);
    f->journal = NULL;
    struct mr_recovery report;
    must(f, mr_journal_plan(f->storage, &report, NULL, &f->error));
    assert_int_equal(report.decided, 'A');
    assert_int_equal(report.last_index, 3);
}

static void nothing_is_written_where_there_is_no_choice(void **state)
{
    struct fixture *f = *state;
    start_queue(f, MR_DURABLE_LINKED_SYNC);
    must(f, calibrate_spied(f));
    assert_int_equal(spy.writes, 0);
    assert_non_null(strstr(f->storage->calls->describe(f->storage), "linked syncs"));
    f->storage->calls->queue_stop(f->storage);

    start_queue(f, MR_DURABLE_CHOOSE);
    spy.calls.queue_use = NULL;
    must(f, calibrate_spied(f));
    assert_int_equal(spy.writes, 0);
    spy.calls.queue_use = spy_use;
    f->journal->options.durability = MR_DURABILITY_OS;
    must(f, calibrate_spied(f));
    assert_int_equal(spy.writes, 0);
    f->storage->calls->queue_stop(f->storage);
}

static void nothing_is_written_over_the_seal(void **state)
{
    struct fixture *f = *state;
    uint64_t seal = SEGMENT_BYTES - MR_PAGE_SIZE;
    start_queue(f, MR_DURABLE_CHOOSE);
    for (uint64_t pages = 0; pages <= MR_CALIBRATION_PAGES_MIN; pages++) {
        f->journal->offset = seal - pages * MR_PAGE_SIZE;
        spy.least = f->journal->offset;
        must(f, calibrate_spied(f));
        assert_int_equal(spy.writes > 0, pages == MR_CALIBRATION_PAGES_MIN);
    }
    f->storage->calls->queue_stop(f->storage);
}

static void a_write_that_fails_fences_the_journal(void **state)
{
    struct fixture *f = *state;
    static const uint32_t at[] = {1, 2, 3, 4};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        start_queue(f, MR_DURABLE_CHOOSE);
        spy.writes = 0;
        spy.fail_at = at[i];
        spy.system_error = i % 2 == 0 ? EIO : ENOSPC;
        f->journal->fence = (struct mr_error){0};
        assert_int_equal(calibrate_spied(f), i % 2 == 0 ? MR_E_IO : MR_E_NO_SPACE);
        assert_int_equal(spy.writes, at[i]);
        assert_non_null(strstr(f->error.text, "journal/00000001.seg: offset "));
        assert_int_equal(f->journal->fence.code, f->error.code);
        f->storage->calls->queue_stop(f->storage);
    }
}

int main(void)
{
#define ON_FILES(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_linked_sync_is_taken_only_when_it_is_clearly_faster),
        cmocka_unit_test(figures_without_bounds_are_compared_all_the_same),
        cmocka_unit_test(the_medians_decide),
        cmocka_unit_test(too_few_rounds_decide_nothing),
        ON_FILES(it_writes_zeros_behind_the_last_frame_and_a_bounded_number),
        ON_FILES(the_storage_says_what_was_chosen_and_why),
        ON_FILES(a_journal_goes_on_behind_the_zeros),
        ON_FILES(nothing_is_written_where_there_is_no_choice),
        ON_FILES(nothing_is_written_over_the_seal),
        ON_FILES(a_write_that_fails_fences_the_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
