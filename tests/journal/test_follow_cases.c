/* Readers that follow, one thing at a time: when they show, what they report, what they read. */
#include "journal/seek.h"
#include "tests/journal/follow_rig.h"

static void make_plain(enum mr_durability durability, uint64_t segment_bytes, uint32_t payload_max,
                       bool replicated)
{
    struct mr_sim_options options = {.seed = 31, .delay_max = 1};
    rig_make(&rig, &options, segment_bytes);
    rig.payload_max = payload_max;
    rig.durability = durability;
    rig.replicated = replicated;
    committed = shown = 0;
    rig_start(&rig);
    open_follower(&followers[0], &(struct mr_reader_options){.follow = true}, 1);
}

static void end_plain(void)
{
    mr_reader_close(followers[0].reader);
    if (rig.journal != NULL) {
        rig_stop(&rig);
    }
    rig_free(&rig);
}

static void an_entry_is_shown_once_a_later_frame_says_that_it_is_durable(void **state)
{
    (void)state;
    make_plain(MR_DURABILITY_DISK, 64 << 10, 3000, false);
    for (int i = 1; i < 30; i++) {
        append_durably(1);
        catch_up(&followers[0]);
        assert_int_equal(followers[0].next, i); /* whole, and durable, but who says so? */
        assert_int_equal(follow(&followers[0]), MR_AGAIN);
    }
    assert_true(mr_journal_mark(rig.journal, &rig.error) == 1);
    append_durably(0);
    catch_up(&followers[0]);
    assert_int_equal(followers[0].next, 30);
    end_plain();
}

static void under_os_durability_an_entry_is_shown_once_it_is_written(void **state)
{
    (void)state;
    make_plain(MR_DURABILITY_OS, 64 << 10, 3000, false);
    for (int i = 1; i < 60; i++) {
        append_durably(1);
        catch_up(&followers[0]);
        assert_int_equal(followers[0].next, i + 1);
    }
    end_plain();
}

static void what_is_not_committed_is_not_shown(void **state)
{
    (void)state;
    for (int os = 0; os < 2; os++) {
        make_plain(os ? MR_DURABILITY_OS : MR_DURABILITY_DISK, 64 << 10, 3000, true);
        append_durably(20);
        catch_up(&followers[0]);
        assert_int_equal(followers[0].next, 1);
        committed = 15;
        mr_journal_commit(rig.journal, 15, tips[15].sequence);
        append_durably(20);
        catch_up(&followers[0]);
        assert_int_equal(followers[0].next, 16);
        end_plain();
    }
}

/* Frame by frame: its first sector, its first page, or one bit. The last frame is a watermark,
 * which nothing covers. */
static void damage_does_not_leave_a_follower_waiting(void **state)
{
    (void)state;
    enum { ENTRIES = 24 };
    make_plain(MR_DURABILITY_DISK, 64 << 10, 9000, false);
    append_durably(ENTRIES);
    mr_reader_close(followers[0].reader);
    rig_stop(&rig);
    struct mr_sim *whole = rig.sim;
    for (int i = 0; i < 3 * ENTRIES; i++) {
        rig.sim = mr_sim_clone(whole, MR_SIM_CURRENT);
        rig.storage = mr_sim_storage(rig.sim);
        struct mr_scan scan;
        char name[MR_SEGMENT_NAME_SIZE];
        uint64_t index = 1 + (uint64_t)i / 3;
        RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
        RIG_OK(&rig, mr_scan_seek(&scan, MR_SEEK_INDEX, index, &rig.error));
        mr_segment_name(mr_scan_segment(&scan), name);
        if (i % 3 == 0) {
            mr_sim_flip(rig.sim, name, scan.offset + 300, 1);
        } else {
            zero(name, scan.offset, i % 3 == 1 ? MR_SECTOR_SIZE : MR_PAGE_SIZE);
        }
        open_follower(&followers[0], &(struct mr_reader_options){.follow = true}, 1);
        struct mr_damage damage = {0};
        const struct mr_entry *entry;
        int status = MR_OK;
        for (int polls = 0; polls < POLLS_MAX && status >= MR_OK; polls++) {
            status = mr_reader_next(followers[0].reader, &entry, &damage, &rig.error);
            followers[0].next += status == MR_OK;
        }
        assert_int_equal(status, MR_E_CORRUPT);
        assert_int_equal(followers[0].next, index);
        assert_string_equal(damage.segment, name);
        assert_int_equal(damage.offset, scan.offset);
        mr_reader_close(followers[0].reader);
        mr_scan_free(&scan);
        mr_sim_destroy(rig.sim);
    }
    rig.sim = whole;
    rig_free(&rig);
}

/* Nobody can tell from a segment's frames that a seal belongs behind them, but the frames of the
 * next one can. */
static void a_damaged_seal_does_not_leave_a_follower_waiting(void **state)
{
    (void)state;
    make_plain(MR_DURABILITY_DISK, TINY, 3000, false);
    append_durably(12);
    rig_stop(&rig);
    mr_sim_flip(rig.sim, "journal/00000002.seg", SEAL + 50, 1);
    struct mr_damage damage = {0};
    const struct mr_entry *entry;
    int status = MR_OK;
    for (int polls = 0; polls < POLLS_MAX && status >= MR_OK; polls++) {
        status = mr_reader_next(followers[0].reader, &entry, &damage, &rig.error);
        followers[0].next += status == MR_OK;
    }
    assert_int_equal(status, MR_E_CORRUPT);
    assert_string_equal(damage.segment, "journal/00000002.seg");
    assert_in_range(followers[0].next, 4, 7);
    end_plain();
}

/* What was durable before a truncation says nothing about what was written there since. */
static void watermarks_of_an_older_generation_bound_nothing(void **state)
{
    (void)state;
    enum { KEPT = 10, NEW = 6 };
    make_plain(MR_DURABILITY_DISK, 1 << 20, 3000, true);
    append_durably(30);
    committed = KEPT;
    mr_journal_commit(rig.journal, committed, tips[committed].sequence);
    append_durably(2);
    catch_up(&followers[0]);
    assert_int_equal(followers[0].next, KEPT + 1);
    RIG_OK(&rig, mr_journal_truncate(rig.journal, KEPT, &rig.error));
    rig.tip = tips[KEPT];
    rig.acknowledged = KEPT;
    rig.salt++;
    /* Others have the first of the new entries; this disk has them in a cache. */
    append();
    committed = KEPT + 1;
    mr_journal_commit(rig.journal, committed, tips[committed].sequence);
    while (rig.tip.index < KEPT + 4) { /* the frames in flight */
        append();
    }
    RIG_OK(&rig, rig.storage->calls->queue_flush(rig.storage, &rig.error));
    write_in_flight(NULL);
    for (int polls = 0; polls < POLLS_MAX; polls++) {
        assert_int_equal(follow(&followers[0]), MR_AGAIN);
    }
    append_durably(NEW);
    catch_up_to(&followers[0], KEPT + 1);
    end_plain();
}

/* What it looked at ahead is archived and zeroed, and other frames are written there. */
static void a_follower_outlives_the_recovery_of_a_torn_tail(void **state)
{
    (void)state;
    for (int sectors = 1; sectors < 20; sectors++) {
        make_plain(MR_DURABILITY_DISK, 64 << 10, 9000, false);
        append_durably(9);
        rig_stop(&rig);
        catch_up(&followers[0]);
        assert_int_equal(followers[0].next, 10);
        /* The writer's process dies with a frame half written; the follower's does not. */
        struct mr_scan end;
        RIG_OK(&rig, mr_scan_init(&end, rig.storage, &rig.error));
        RIG_OK(&rig, mr_scan_seek(&end, MR_SEEK_INDEX, UINT64_MAX, &rig.error));
        char name[MR_SEGMENT_NAME_SIZE];
        mr_segment_name(mr_scan_segment(&end), name);
        struct rig_shape shape = {.salt = 99, .payload_max = 9000};
        struct mr_tip tip = rig.tip;
        struct mr_frame_header header = {
            .kind = MR_FRAME_ENTRY,
            .generation = 1,
            .number = end.number + 1,
            .durable_number = end.number,
            .durable_index = 9,
            .durable_sequence = tip.sequence,
            .before = tip,
        };
        header.entry_digest = rig_fill(&shape, rig.scratch, &tip);
        header.entry_length = mr_frame_entry(rig.scratch)->length;
        mr_frame_pad(rig.scratch, header.entry_length);
        struct mr_frame_place place = mr_scan_place(&end, end.offset + MR_PAGE_SIZE);
        mr_frame_put_header(rig.scratch, &header, &place);
        uint32_t whole = header.length / MR_SECTOR_SIZE;
        uint32_t half = (uint32_t)sectors < whole ? (uint32_t)sectors : whole - 1;
        poke(name, place.offset, rig.scratch, half * MR_SECTOR_SIZE);
        mr_scan_free(&end);
        for (int i = 0; i < 100; i++) {
            assert_int_equal(follow(&followers[0]), MR_AGAIN);
        }
        rig_start(&rig);
        append_durably(20);
        rig_stop(&rig);
        catch_up_to(&followers[0], 29);
        end_plain();
    }
}

/* -- How much is read. ------------------------------------------------------------------------- */

static uint64_t reads(void)
{
    return mr_sim_calls(rig.sim, MR_SIM_READ);
}

static void waiting_costs_little(void **state)
{
    (void)state;
    enum { WAITS = 4000 };
    make_plain(MR_DURABILITY_DISK, 4 << 20, 3000, false);
    append_durably(50);
    catch_up(&followers[0]);
    uint64_t before = reads();
    for (int i = 0; i < WAITS; i++) {
        assert_int_equal(follow(&followers[0]), MR_AGAIN);
    }
    printf("%llu reads for %d waits\n", (unsigned long long)(reads() - before), WAITS);
    assert_true(reads() - before <= 2 * WAITS);
    end_plain();
}

/* One for what follows, one for its header ahead, one for the frame behind its first page. */
static void keeping_up_costs_a_few_reads_an_entry(void **state)
{
    (void)state;
    enum { ENTRIES = 600 };
    make_plain(MR_DURABILITY_DISK, 4 << 20, 9000, false);
    uint64_t before = reads();
    for (int i = 0; i < ENTRIES; i++) {
        append_durably(1);
        catch_up(&followers[0]);
    }
    printf("%llu reads for %d entries\n", (unsigned long long)(reads() - before), ENTRIES);
    assert_true(reads() - before <= 5 * ENTRIES);
    end_plain();
}

/* The last frame covers almost all: in front of it no header is read ahead. */
static void assert_catches_up_cheaply(bool replicated)
{
    enum { ENTRIES = 3000 };
    make_plain(MR_DURABILITY_DISK, 4 << 20, 3000, replicated);
    append_durably(ENTRIES);
    if (replicated) {
        committed = ENTRIES;
        mr_journal_commit(rig.journal, committed, tips[committed].sequence);
        append_durably(2);
    }
    mr_reader_close(followers[0].reader);
    uint64_t before = reads();
    open_follower(&followers[0], &(struct mr_reader_options){.follow = true}, 1);
    catch_up(&followers[0]);
    assert_in_range(followers[0].next, ENTRIES, ENTRIES + 1);
    printf("%llu reads for %d entries\n", (unsigned long long)(reads() - before), ENTRIES);
    assert_true(reads() - before <= ENTRIES / 16);
    end_plain();
}

static void catching_up_costs_less_than_a_read_a_frame(void **state)
{
    (void)state;
    assert_catches_up_cheaply(false);
    assert_catches_up_cheaply(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_shown_once_a_later_frame_says_that_it_is_durable),
        cmocka_unit_test(under_os_durability_an_entry_is_shown_once_it_is_written),
        cmocka_unit_test(what_is_not_committed_is_not_shown),
        cmocka_unit_test(damage_does_not_leave_a_follower_waiting),
        cmocka_unit_test(a_damaged_seal_does_not_leave_a_follower_waiting),
        cmocka_unit_test(watermarks_of_an_older_generation_bound_nothing),
        cmocka_unit_test(a_follower_outlives_the_recovery_of_a_torn_tail),
        cmocka_unit_test(waiting_costs_little),
        cmocka_unit_test(keeping_up_costs_a_few_reads_an_entry),
        cmocka_unit_test(catching_up_costs_less_than_a_read_a_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
