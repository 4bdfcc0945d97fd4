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

/* Appends one entry of `pages` pages whose bytes `fill` makes, a page at a time, from the second
 * one on; waits until it is durable. */
static void append_pages(uint32_t pages, void (*fill)(unsigned char *page, uint64_t offset))
{
    uint32_t length = pages * MR_PAGE_SIZE;
    unsigned char *frame = mr_pages_allocate(length);
    struct mr_journal *journal = rig.journal;
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
    for (uint32_t page = 1; page < pages && fill != NULL; page++) {
        uint64_t offset = (uint64_t)page * MR_PAGE_SIZE;
        fill(frame + offset, journal->offset + offset);
    }
    struct mr_digest digest = mr_entry_digest(entry);
    while (mr_journal_append(journal, frame, digest, &rig.error) == MR_AGAIN) {
        assert_true(rig_poll(&rig) >= 0);
    }
    rig.tip = mr_tip_after(entry, digest);
    while (mr_journal_busy(journal)) {
        assert_true(mr_journal_poll(journal, 0, &rig.error) >= 0);
    }
    free(frame);
}

static uint64_t halvings(uint64_t of)
{
    uint64_t count = 1;
    for (; of > 1; of /= 2) {
        count++;
    }
    return count;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Three reads (of 24 KiB) a segment that is looked at, of which two more than the halves may be
 * empty; for each halving of a segment's pages what finds a header by doubling; and the last look.
 */
static void assert_cheap(uint64_t segment_bytes, uint64_t frame_pages)
{
    uint64_t pages = segment_bytes / MR_PAGE_SIZE;
    uint64_t last_look = least(MR_FRAME_BYTES_MAX, segment_bytes);
    struct mr_inventory inventory;
    RIG_OK(&rig, mr_inventory_take(rig.storage, &inventory, &rig.error));
    uint64_t segments = halvings(inventory.count) + 3;
    uint64_t reads_max =
        3 * segments + halvings(pages) * halvings(frame_pages) + last_look / MR_WINDOW_READ + 2;
    uint64_t bytes_max = (24 << 10) * segments + halvings(pages) * 2 * frame_pages * MR_PAGE_SIZE +
                         last_look + MR_WINDOW_READ;
    uint64_t most = 0;
    for (uint64_t index = 0; index <= rig.tip.index; index += 1 + rig.tip.index / 200) {
        struct mr_scan scan;
        RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
        uint64_t before = mr_sim_calls(rig.sim, MR_SIM_READ);
        RIG_OK(&rig, mr_scan_seek(&scan, MR_SEEK_INDEX, index, &rig.error));
        uint64_t reads = mr_sim_calls(rig.sim, MR_SIM_READ) - before;
        most = reads > most ? reads : most;
        assert_true(reads <= reads_max);
        assert_true(scan.window.bytes_read <= bytes_max);
        mr_scan_free(&scan);
    }
    printf("%u segments of %u pages, frames up to %u: at most %u reads; the bound is %u\n",
           (unsigned)inventory.count, (unsigned)pages, (unsigned)frame_pages, (unsigned)most,
           (unsigned)reads_max);
    mr_inventory_free(&inventory);
}

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
        assert_cheap(shapes[i].segment_bytes, shapes[i].frame_pages);
        rig_free(&rig);
    }
    make_lives(16 << 20, 600, 1, 3);
    rig_start(&rig);
    for (int i = 0; i < 30; i++) {
        append_pages(MR_FRAME_BYTES_MAX / MR_PAGE_SIZE, NULL);
    }
    rig_stop(&rig);
    assert_cheap(16 << 20, MR_FRAME_BYTES_MAX / MR_PAGE_SIZE);
    rig_free(&rig);
}

/* Not a place that was never written, though it looks like one to who sees little of it. */
static void fill_almost_zero(unsigned char *page, uint64_t offset)
{
    (void)offset;
    memset(page, 0, MR_PAGE_SIZE);
    for (int sector = 1; sector <= 8; sector++) {
        page[sector * MR_SECTOR_SIZE - 1] = 1;
    }
}

static void pages_that_begin_with_zeros_are_not_the_end(void **state)
{
    (void)state;
    make_lives(1 << 20, 600, 1, 3);
    rig_start(&rig);
    for (int i = 0; i < 12; i++) {
        append_pages(16, fill_almost_zero);
    }
    rig_stop(&rig);
    assert_all_found();
    rig_free(&rig);
}

static void flip_head(uint32_t segment)
{
    char name[MR_SEGMENT_NAME_SIZE];
    mr_segment_name(segment, name);
    mr_sim_flip(rig.sim, name, 20, 3);
    mr_sim_flip(rig.sim, name, MR_SUPERBLOCK_COPY_B + 20, 3);
}

static void flip_header(const struct frame *frame)
{
    char name[MR_SEGMENT_NAME_SIZE];
    mr_segment_name(frame->segment, name);
    mr_sim_flip(rig.sim, name, frame->offset + 40, 3);
}

/* With something of this segment damaged. */
static void assert_not_led_behind(uint32_t segment)
{
    for (uint64_t value = 1; value <= rig.tip.index; value++) {
        struct mr_scan scan;
        RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
        int status = mr_scan_seek(&scan, MR_SEEK_INDEX, value, &rig.error);
        if (status == MR_OK) {
            assert_true(scan.tip.index < value);
        } else {
            assert_int_equal(status, MR_AGAIN);
            assert_int_equal(mr_scan_segment(&scan), segment);
        }
        mr_scan_free(&scan);
    }
}

/* The walk from the place meets what was damaged, or the entry that was looked for. */
static void damage_never_leads_behind_the_target(void **state)
{
    (void)state;
    make_lives(TINY, 3000, 2, 30);
    walk_everything();
    for (uint32_t i = 0; i < frame_count; i++) {
        flip_header(&frames[i]);
        assert_not_led_behind(frames[i].segment);
        flip_header(&frames[i]);
        flip_head(frames[i].segment);
        assert_not_led_behind(frames[i].segment);
        flip_head(frames[i].segment);
    }
    rig_free(&rig);
}

/* Where the damage is not between the place and the target, it does not matter. */
static void damaged_segments_are_passed_over(void **state)
{
    (void)state;
    enum { DAMAGED = 3 };
    make_lives(TINY, 3000, 1, 60);
    walk_everything();
    uint32_t last = frames[frame_count - 1].segment;
    for (uint32_t segment = 2; segment + DAMAGED <= last; segment++) {
        for (uint32_t i = 0; i < DAMAGED; i++) {
            flip_head(segment + i);
        }
        for (uint32_t i = 0; i < frame_count; i++) {
            bool damaged = frames[i].segment >= segment && frames[i].segment < segment + DAMAGED;
            if (frames[i].header.kind == MR_FRAME_ENTRY && !damaged) {
                assert_found(MR_SEEK_INDEX, frames[i].header.before.index + 1);
            }
        }
        for (uint32_t i = 0; i < DAMAGED; i++) {
            flip_head(segment + i);
        }
    }
    rig_free(&rig);
}

/* -- A client that imitates headers. ----------------------------------------------------------- */

enum { IMITATING_PAGES = 8 };

/* What the imitated headers say, and where in an entry they are. */
enum style { ANYWHERE, LAST_PAGE, OVER_THE_NEXT };
static enum style style;
static uint64_t claimed_index;

static void fill_imitation(unsigned char *page, uint64_t offset)
{
    uint64_t at = (offset - rig.journal->offset) / MR_PAGE_SIZE; /* 1 to IMITATING_PAGES - 1 */
    uint64_t seal_offset = mr_segment_seal_offset(rig.journal->segment_bytes);
    uint64_t pages = style == ANYWHERE ? 1 + mr_random_below(&rig.random, 30) : 1;
    memset(page, 7, MR_PAGE_SIZE);
    if (style == OVER_THE_NEXT && at == 1) {
        pages = IMITATING_PAGES; /* up to the next entry's imitation, past its own header */
    }
    if ((style == LAST_PAGE && at + 1 < IMITATING_PAGES) || (style == OVER_THE_NEXT && at != 1) ||
        offset + pages * MR_PAGE_SIZE > seal_offset) {
        return;
    }
    struct mr_frame_place place = {
        .segment = rig.journal->segment, .offset = offset, .limit = seal_offset};
    memcpy(place.journal_id, rig_id, sizeof rig_id);
    struct mr_frame_header header = {
        .kind = pages == 1 ? MR_FRAME_WATERMARK : MR_FRAME_ENTRY,
        .entry_length = pages == 1 ? 0 : (uint32_t)pages * MR_PAGE_SIZE - MR_FRAME_ROOM,
        .generation = 1,
        .number = claimed_index + 1,
        .durable_number = claimed_index,
        .before = {.index = claimed_index, .sequence = claimed_index, .time_ns = claimed_index},
    };
    mr_frame_put_header(page, &header, &place);
}

static void assert_entry_reached(uint64_t value)
{
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

static void a_header_within_an_entry_is_not_a_place(void **state)
{
    (void)state;
    /* Claims to come before everything, in the middle, behind everything. */
    static const uint64_t claims[] = {1, 60, 90, 1000000};
    enum { CLAIMS = sizeof claims / sizeof claims[0], ENTRIES = 100 };
    for (int i = 0; i < 3 * CLAIMS; i++) {
        style = (enum style)(i / CLAIMS);
        claimed_index = claims[i % CLAIMS];
        struct mr_sim_options options = {.seed = rig_seed()};
        rig_make(&rig, &options, 4 << 20);
        rig_start(&rig);
        for (int entry = 0; entry < ENTRIES; entry++) {
            append_pages(IMITATING_PAGES, fill_imitation);
        }
        rig_stop(&rig);
        for (uint64_t value = 1; value <= rig.tip.index; value++) {
            assert_entry_reached(value);
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
        cmocka_unit_test(pages_that_begin_with_zeros_are_not_the_end),
        cmocka_unit_test(damage_never_leads_behind_the_target),
        cmocka_unit_test(damaged_segments_are_passed_over),
        cmocka_unit_test(a_header_within_an_entry_is_not_a_place),
        cmocka_unit_test(a_read_error_while_seeking_is_reported_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
