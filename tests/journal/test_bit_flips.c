/*
 * Every single bit of 64 KiB of journal, flipped: it is found, and told from what a crash leaves.
 * Nothing at or below the watermark is ever taken for a torn tail, and nothing is ever lost.
 */
#include "journal/truncation.h"
#include "tests/journal/enumerate_map.h"

enum { JOURNAL_BYTES = 64 << 10 };

static struct map map;
static uint64_t found[MAP_ZERO + 1];

/* Behind the tail a bit cannot always be told from a frame that was torn; but it is seen, and what
 * is there is archived before it is zeroed. */
static void check_tail(const struct map_page *page, const struct map_verdict *verdict,
                       uint32_t segment, uint64_t offset)
{
    bool at_start = page->kind == MAP_START && offset - page->offset < MR_SECTOR_SIZE;
    if (at_start) {
        map_assert_refused(&map, verdict, segment);
        assert_int_equal(verdict->damage.decided, 'D');
        assert_int_equal(verdict->damage.offset, page->offset);
    } else {
        map_assert_accepted(&map, verdict, 'B');
        assert_true(verdict->report.torn);
        assert_true(verdict->report.torn_bytes >= MR_PAGE_SIZE);
    }
}

static void check_copy(const struct map_page *page, const struct map_verdict *verdict,
                       uint32_t segment)
{
    char name[MR_SEGMENT_NAME_SIZE];
    mr_segment_name(segment + 1, name);
    map_assert_accepted(&map, verdict, 'A');
    assert_string_equal(verdict->report.head_segment, name);
    assert_int_equal(verdict->report.head_offset, page->offset);
}

static void check(uint32_t segment, uint64_t offset, const struct map_verdict *verdict)
{
    const struct map_page *page = map_at(&map, segment, offset);
    found[page->kind]++;
    switch (page->kind) {
    case MAP_COPY:
        check_copy(page, verdict, segment);
        break;
    case MAP_GAP:
        map_assert_refused(&map, verdict, segment);
        assert_int_equal(verdict->damage.offset / MR_PAGE_SIZE, offset / MR_PAGE_SIZE);
        break;
    case MAP_COVERED:
        map_assert_refused(&map, verdict, segment);
        assert_int_equal(verdict->damage.offset, page->offset);
        assert_int_equal(verdict->damage.sequence, page->sequence);
        assert_int_equal(verdict->damage.decided, 'C');
        break;
    case MAP_LAST:
        map_assert_refused(&map, verdict, segment);
        assert_int_equal(verdict->damage.offset, page->offset);
        assert_int_equal(verdict->damage.decided, 'D');
        break;
    case MAP_START:
    case MAP_ZERO:
        check_tail(page, verdict, segment, offset);
        break;
    }
}

/* `step`: only one of so many bits. */
static void flip_all(const struct life_plan *plans, int count, uint32_t segments, int step)
{
    static struct map_verdict verdict;
    uint64_t flips = 0;
    map_make(&map, rig_id, plans, count);
    assert_true(map.masked > 0);
    assert_int_equal(map.uncovered, 1);
    assert_int_equal(map.segments, segments);
    assert_int_equal(map.segments * map.segment_bytes, JOURNAL_BYTES);
    for (uint32_t segment = 0; segment < map.segments; segment++) {
        for (uint64_t offset = 0; offset < map.segment_bytes; offset++) {
            unsigned char *byte = map_bytes(&map, segment, offset);
            for (int bit = (int)offset % step; bit < 8; bit += step) {
                *byte ^= (unsigned char)(1 << bit);
                map_judge(&map, flips % 61 == 0, &verdict);
                check(segment, offset, &verdict);
                *byte ^= (unsigned char)(1 << bit);
                flips++;
            }
        }
    }
    assert_int_equal(flips, 8 * JOURNAL_BYTES / step);
    uint64_t behind = found[MAP_START] + found[MAP_ZERO];
    printf("%llu bits: %llu in copies of superblocks, %llu in frames below the watermark, %llu in "
           "the last one, %llu where nothing is written, %llu behind the tail\n",
           (unsigned long long)flips, (unsigned long long)found[MAP_COPY],
           (unsigned long long)found[MAP_COVERED], (unsigned long long)found[MAP_LAST],
           (unsigned long long)found[MAP_GAP], (unsigned long long)behind);
    memset(found, 0, sizeof found);
    map_free(&map);
}

/* Not from MR_SEED: a layout is chosen, and its bits are all there are. */
static void every_bit_of_a_sealed_segment_and_the_next_is_covered(void **state)
{
    (void)state;
    const struct life_plan plans[] = {
        {.seed = 3,
         .segment_bytes = 32 << 10,
         .frames_in_flight = 2,
         .payload_max = 3000,
         .entries = 4},
    };
    flip_all(plans, 1, 2, 1);
}

static void every_bit_of_one_segment_with_long_frames_is_covered(void **state)
{
    (void)state;
    const struct life_plan plans[] = {
        {.seed = 5,
         .segment_bytes = 64 << 10,
         .frames_in_flight = 2,
         .payload_max = 11000,
         .entries = 3},
        {.seed = 6, .frames_in_flight = 1, .payload_max = 200, .entries = 1},
    };
    /* One layout is enough for a sanitizer. */
    flip_all(plans, 2, 1, life_share() == 1 ? 1 : 8);
}

/* Whatever a damaged record said, nobody knows what was dropped. */
static void every_bit_of_a_truncation_record_is_covered(void **state)
{
    (void)state;
    static struct map_verdict verdict;
    const struct life_plan plans[] = {
        {.seed = 7,
         .segment_bytes = 32 << 10,
         .frames_in_flight = 2,
         .payload_max = 3000,
         .entries = 4,
         .truncate_after = 3,
         .truncate_drops = 2},
    };
    map_make(&map, rig_id, plans, 1);
    int at = rec_disk_find(&map.disk, MR_TRUNCATION_NAME);
    assert_true(at >= 0);
    struct rec_file *record = &map.disk.files[map.disk.names[at].file];
    assert_int_equal(record->size, MR_PAGE_SIZE);
    for (uint32_t bit = 0; bit < 8 * MR_PAGE_SIZE; bit++) {
        unsigned char mask = (unsigned char)(1 << bit % 8);
        record->bytes[bit / 8] ^= mask;
        map_judge(&map, bit % 61 == 0, &verdict);
        assert_int_equal(verdict.status, MR_E_CORRUPT);
        assert_int_equal(verdict.damage.decided, 'M');
        assert_string_equal(verdict.damage.segment, MR_TRUNCATION_NAME);
        record->bytes[bit / 8] ^= mask;
    }
    map_judge(&map, true, &verdict);
    map_assert_accepted(&map, &verdict, 'A');
    map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_of_a_sealed_segment_and_the_next_is_covered),
        cmocka_unit_test(every_bit_of_one_segment_with_long_frames_is_covered),
        cmocka_unit_test(every_bit_of_a_truncation_record_is_covered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
