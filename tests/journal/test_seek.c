/* Random access: compared with a walk over everything, counted, and not led astray. */
#include "journal/seek.h"
#include "tests/journal/damage_rig.h"

enum { FRAMES_MAX = 4096 };

/* All frames but seals, as a walk from the first one finds them. */
struct frame {
    uint32_t segment;
    uint64_t offset;
    struct mr_frame_header header;
};

static struct frame frames[FRAMES_MAX];
static uint32_t frame_count;

static void walk_everything(void)
{
    struct mr_scan scan;
    RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
    RIG_OK(&rig, mr_scan_enter(&scan, 0, &rig.error));
    for (frame_count = 0;; frame_count++) {
        struct mr_entry *entry;
        struct frame *frame = &frames[frame_count];
        assert_true(frame_count < FRAMES_MAX);
        int status = mr_scan_next(&scan, &frame->header, &entry, &rig.error);
        if (status != MR_OK) {
            assert_int_equal(status, MR_AGAIN);
            break;
        }
        frame->segment = frame->header.segment;
        frame->offset = frame->header.offset;
    }
    mr_scan_free(&scan);
}

static uint64_t key_before(enum mr_seek_key key, const struct frame *frame)
{
    const struct mr_tip *before = &frame->header.before;
    return key == MR_SEEK_SEQUENCE ? before->sequence
           : key == MR_SEEK_TIME   ? before->time_ns
                                   : before->index;
}

/* The last frame with all keys before it below the value, else the first one. */
static const struct frame *naive(enum mr_seek_key key, uint64_t value)
{
    const struct frame *found = &frames[0];
    for (uint32_t i = 0; i < frame_count && key_before(key, &frames[i]) < value; i++) {
        found = &frames[i];
    }
    return found;
}

static void assert_found(enum mr_seek_key key, uint64_t value)
{
    const struct frame *expected = naive(key, value);
    struct mr_frame_header header;
    struct mr_entry *entry;
    struct mr_scan scan;
    RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
    RIG_OK(&rig, mr_scan_seek(&scan, key, value, &rig.error));
    assert_false(scan.adopt);
    assert_int_equal(mr_scan_segment(&scan), expected->segment);
    assert_int_equal(scan.offset, expected->offset);
    assert_int_equal(scan.number, expected->header.number);
    assert_true(mr_tip_equal(&scan.tip, &expected->header.before));
    RIG_OK(&rig, mr_scan_next(&scan, &header, &entry, &rig.error));
    assert_int_equal(header.number, expected->header.number);
    mr_scan_free(&scan);
}

static void assert_all_found(void)
{
    walk_everything();
    for (uint64_t value = 0; value <= rig.tip.index + 2; value++) {
        assert_found(MR_SEEK_INDEX, value);
    }
    for (uint64_t value = 0; value <= rig.tip.sequence + 2; value += 1 + value % 3) {
        assert_found(MR_SEEK_SEQUENCE, value);
    }
    for (uint64_t value = 0; value <= rig.tip.time_ns + 20; value += 5) {
        assert_found(MR_SEEK_TIME, value);
    }
    for (int key = MR_SEEK_SEQUENCE; key <= MR_SEEK_INDEX; key++) {
        assert_found((enum mr_seek_key)key, UINT64_MAX);
    }
}

/* Several lives, so that watermarks and seals lie between the entries. */
static void make_lives(uint64_t segment_bytes, uint32_t payload_max, int lives, int entries)
{
    struct mr_sim_options options = {.seed = rig_seed(), .delay_max = 2};
    rig_make(&rig, &options, segment_bytes);
    rig.payload_max = payload_max;
    for (int i = 0; i < lives; i++) {
        rig_start(&rig);
        rig_append_many(&rig, entries);
        rig_stop(&rig);
    }
}

static void every_place_is_the_one_that_a_walk_finds(void **state)
{
    (void)state;
    static const struct {
        uint64_t segment_bytes;
        uint32_t payload_max;
        int lives, entries;
    } shapes[] = {
        {TINY, 3000, 1, 1},      {TINY, 3000, 1, 3},        {TINY, 3000, 4, 7},
        {64 << 10, 9000, 3, 30}, {256 << 10, 40000, 2, 40}, {1 << 20, 40000, 2, 60},
        {1 << 20, 600, 2, 200},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        make_lives(shapes[i].segment_bytes, shapes[i].payload_max, shapes[i].lives,
                   shapes[i].entries);
        assert_all_found();
        rig_free(&rig);
    }
}

static void an_empty_journal_has_its_first_place_alone(void **state)
{
    (void)state;
    struct mr_sim_options options = {.seed = 5};
    rig_make(&rig, &options, TINY);
    for (uint64_t value = 0; value < 3; value++) {
        struct mr_scan scan;
        RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
        RIG_OK(&rig, mr_scan_seek(&scan, MR_SEEK_INDEX, value, &rig.error));
        assert_int_equal(scan.offset, MR_SEGMENT_HEAD);
        assert_int_equal(scan.number, 1);
        mr_scan_free(&scan);
    }
    rig_free(&rig);
}

static uint64_t reads_of_seek(uint64_t index)
{
    struct mr_scan scan;
    RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
    uint64_t before = mr_sim_calls(rig.sim, MR_SIM_READ);
    RIG_OK(&rig, mr_scan_seek(&scan, MR_SEEK_INDEX, index, &rig.error));
    uint64_t reads = mr_sim_calls(rig.sim, MR_SIM_READ) - before;
    mr_scan_free(&scan);
    return reads;
}

static uint64_t halvings(uint64_t of)
{
    uint64_t count = 1;
    for (; of > 1; of /= 2) {
        count++;
    }
    return count;
}

/* Three reads a segment that is looked at, of which two more than the halves may be empty; for each
 * halving of a segment's pages as many as find a header by doubling; and the last look. */
static void a_place_costs_a_logarithm_of_reads(void **state)
{
    (void)state;
    static const struct {
        uint64_t segment_bytes;
        uint32_t payload_max;
        uint64_t frame_pages;
    } shapes[] = {{4 << 20, 600, 1}, {TINY, 3000, 1}, {64 << 10, 600, 1}, {4 << 20, 40000, 10}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        make_lives(shapes[i].segment_bytes, shapes[i].payload_max, 1, 900);
        struct mr_inventory inventory;
        RIG_OK(&rig, mr_inventory_take(rig.storage, &inventory, &rig.error));
        uint64_t segments = inventory.count;
        mr_inventory_free(&inventory);
        uint64_t pages = shapes[i].segment_bytes / MR_PAGE_SIZE;
        uint64_t bound = 3 * (halvings(segments) + 3) +
                         halvings(pages) * halvings(shapes[i].frame_pages) +
                         (MR_FRAME_BYTES_MAX + MR_WINDOW_READ - 1) / MR_WINDOW_READ + 1;
        uint64_t most = 0;
        for (uint64_t index = 0; index <= 901; index += 7) {
            uint64_t reads = reads_of_seek(index);
            most = reads > most ? reads : most;
            assert_true(reads <= bound);
        }
        printf("segments %llu of %llu pages: at most %llu reads, bound %llu\n",
               (unsigned long long)segments, (unsigned long long)pages, (unsigned long long)most,
               (unsigned long long)bound);
        rig_free(&rig);
    }
}

/* Damaged headers never lead past the target: the walk from the place meets what was damaged, or
 * the entry that was looked for. */
static void damage_never_leads_behind_the_target(void **state)
{
    (void)state;
    make_lives(TINY, 3000, 2, 30);
    walk_everything();
    for (uint32_t i = 0; i < frame_count; i++) {
        for (int superblock = 0; superblock < 2; superblock++) {
            char name[MR_SEGMENT_NAME_SIZE];
            mr_segment_name(frames[i].segment, name);
            mr_sim_flip(rig.sim, name, superblock ? 20 : frames[i].offset + 40, 3);
            if (superblock) {
                mr_sim_flip(rig.sim, name, MR_SUPERBLOCK_COPY_B + 20, 3);
            }
            for (uint64_t value = 1; value <= rig.tip.index; value++) {
                struct mr_scan scan;
                RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
                int status = mr_scan_seek(&scan, MR_SEEK_INDEX, value, &rig.error);
                if (status == MR_OK) {
                    assert_true(scan.tip.index < value);
                } else {
                    assert_int_equal(status, MR_AGAIN);
                    assert_int_equal(mr_scan_segment(&scan), frames[i].segment);
                }
                mr_scan_free(&scan);
            }
            mr_sim_flip(rig.sim, name, superblock ? 20 : frames[i].offset + 40, 3);
            if (superblock) {
                mr_sim_flip(rig.sim, name, MR_SUPERBLOCK_COPY_B + 20, 3);
            }
        }
    }
    rig_free(&rig);
}

/* Where the damage is not between the place and the target, it does not matter. */
static void a_damaged_segment_is_passed_over(void **state)
{
    (void)state;
    make_lives(TINY, 3000, 1, 40);
    walk_everything();
    uint32_t last = frames[frame_count - 1].segment;
    for (uint32_t segment = 1; segment < last; segment++) {
        char name[MR_SEGMENT_NAME_SIZE];
        mr_segment_name(segment, name);
        mr_sim_flip(rig.sim, name, 20, 3);
        mr_sim_flip(rig.sim, name, MR_SUPERBLOCK_COPY_B + 20, 3);
        for (uint32_t i = 0; i < frame_count; i++) {
            if (frames[i].header.kind == MR_FRAME_ENTRY && frames[i].segment > segment) {
                assert_found(MR_SEEK_INDEX, frames[i].header.before.index + 1);
            }
        }
        mr_sim_flip(rig.sim, name, 20, 3);
        mr_sim_flip(rig.sim, name, MR_SUPERBLOCK_COPY_B + 20, 3);
    }
    rig_free(&rig);
}

/* -- A client that imitates headers. ----------------------------------------------------------- */

/* Appends one entry of `pages` pages whose commands are, page by page, headers of frames that would
 * lie there, each whole and each chained to the one before it. */
static void append_imitation(uint32_t pages, uint64_t claimed_index)
{
    uint32_t length = pages * MR_PAGE_SIZE;
    unsigned char *frame = mr_pages_allocate(length);
    struct mr_tip tip = rig.tip;
    struct mr_entry *entry = mr_frame_entry(frame);
    memset(frame, 7, length);
    *entry = (struct mr_entry){
        .term = 1,
        .index = tip.index + 1,
        .first_sequence = tip.sequence + 1,
        .time_ns = tip.time_ns + 10,
        .count = 1,
        .length = length - MR_FRAME_ROOM,
        .previous = tip.digest,
    };
    struct mr_journal *journal = rig.journal;
    for (uint32_t page = 1; page < pages; page++) {
        struct mr_frame_place place = {
            .segment = journal->segment,
            .offset = journal->offset + (uint64_t)page * MR_PAGE_SIZE,
            .limit = mr_segment_seal_offset(journal->segment_bytes),
        };
        memcpy(place.journal_id, rig_id, sizeof rig_id);
        struct mr_frame_header header = {
            .kind = MR_FRAME_WATERMARK,
            .generation = 1,
            .number = claimed_index + page,
            .durable_number = claimed_index + page - 1,
            .before = {.index = claimed_index, .sequence = claimed_index, .time_ns = claimed_index},
        };
        unsigned char *imitation = frame + (size_t)page * MR_PAGE_SIZE;
        mr_frame_pad(imitation, 0);
        mr_frame_put_header(imitation, &header, &place);
    }
    struct mr_digest digest = mr_entry_digest(entry);
    while (mr_journal_append(journal, frame, digest, &rig.error) == MR_AGAIN) {
        assert_true(rig_poll(&rig) >= 0);
    }
    rig.tip = mr_tip_after(entry, digest);
    while (mr_journal_busy(journal)) {
        assert_true(rig_poll(&rig) >= 0);
    }
    free(frame);
}

static void a_header_within_an_entry_is_not_a_place(void **state)
{
    (void)state;
    /* Claims to come before everything, in the middle, behind everything. */
    static const uint64_t claims[] = {1, 25, 45, 1000000};
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        struct mr_sim_options options = {.seed = 5};
        rig_make(&rig, &options, 1 << 20);
        rig_start(&rig);
        rig_append_many(&rig, 20);
        for (int entry = 0; entry < 5; entry++) {
            append_imitation(20, claims[i]);
            rig_append_many(&rig, 5);
        }
        rig_stop(&rig);
        walk_everything();
        for (uint64_t value = 1; value <= rig.tip.index; value++) {
            struct mr_scan scan;
            struct mr_frame_header header;
            struct mr_entry *entry = NULL;
            RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
            RIG_OK(&rig, mr_scan_seek(&scan, MR_SEEK_INDEX, value, &rig.error));
            assert_true(scan.tip.index < value);
            while (entry == NULL || entry->index < value) {
                RIG_OK(&rig, mr_scan_next(&scan, &header, &entry, &rig.error));
            }
            assert_int_equal(entry->index, value);
            mr_scan_free(&scan);
        }
        rig_free(&rig);
    }
}

static void a_read_error_while_seeking_is_reported_as_one(void **state)
{
    (void)state;
    make_lives(TINY, 3000, 1, 40);
    for (uint64_t nth = 1;; nth++) {
        struct mr_scan scan;
        RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
        mr_sim_inject(rig.sim, &(struct mr_sim_fault){.call = MR_SIM_READ, .nth = nth});
        int status = mr_scan_seek(&scan, MR_SEEK_INDEX, 17, &rig.error);
        mr_scan_free(&scan);
        mr_sim_clear_faults(rig.sim);
        if (status == MR_OK) {
            assert_true(nth > 5);
            break;
        }
        assert_int_equal(status, MR_E_IO);
    }
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_is_the_one_that_a_walk_finds),
        cmocka_unit_test(an_empty_journal_has_its_first_place_alone),
        cmocka_unit_test(a_place_costs_a_logarithm_of_reads),
        cmocka_unit_test(damage_never_leads_behind_the_target),
        cmocka_unit_test(a_damaged_segment_is_passed_over),
        cmocka_unit_test(a_header_within_an_entry_is_not_a_place),
        cmocka_unit_test(a_read_error_while_seeking_is_reported_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
