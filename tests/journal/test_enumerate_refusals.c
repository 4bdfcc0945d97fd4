/*
 * Contents that no honest disk can show: garbage where nothing was written, sectors of another
 * history, frames that were swapped, duplicated, lost, or that belong elsewhere. They end in a
 * refusal that changes nothing; or, behind the tail and where a torn frame may look just so, in a
 * recovery that keeps every entry.
 */
#include "tests/journal/enumerate_map.h"

static struct map map;   /* the journal */
static struct map other; /* where the wrong bytes come from */
static struct map_verdict verdict;
static uint64_t tried, refused;
static bool kin;      /* what is put there is of this very journal, but another history */
static bool replaced; /* a whole page lies in another's place */
static bool foreign;  /* what is put there may be whole superblocks, but other ones */

enum { PAGE = MR_PAGE_SIZE, SECTORS = MR_PAGE_SIZE / MR_SECTOR_SIZE };

static const struct life_plan plans[] = {
    {.segment_bytes = 32 << 10, .frames_in_flight = 2, .payload_max = 3000, .entries = 4},
    {.segment_bytes = 64 << 10, .frames_in_flight = 3, .payload_max = 9000, .entries = 3},
    {.segment_bytes = 48 << 10, .frames_in_flight = 8, .payload_max = 6000, .entries = 6},
};

enum { PLANS = sizeof plans / sizeof plans[0], SEEDS = 6 };

static void make(struct map *made, const uint8_t id[MR_JOURNAL_ID_SIZE], uint64_t plan,
                 uint64_t seed, uint64_t other_seed, uint32_t more)
{
    struct life_plan lives[] = {plans[plan], plans[plan]};
    lives[0].seed = seed;
    lives[0].entries = 2;
    lives[1].seed = other_seed;
    lives[1].entries += more;
    map_make(made, id, lives, 2);
}

/* Whole frames of another history may be chained to what lies before them, and their watermarks
 * tell of frames that this one never had: then the next place is named, or the end. */
static void assert_refused(uint32_t segment)
{
    refused++;
    if (replaced || kin) {
        assert_int_equal(verdict.status, MR_E_CORRUPT);
    } else {
        map_assert_refused(&map, &verdict, segment);
    }
}

/* One copy is damaged: the other is used. Or it is whole, but belongs elsewhere. */
static void check_copy(uint32_t segment, uint64_t offset, bool may_be_whole)
{
    if (may_be_whole && verdict.status != MR_OK) {
        map_assert_refused(&map, &verdict, segment);
        assert_int_equal(verdict.damage.decided, 'G');
        refused++;
    } else {
        map_assert_accepted(&map, &verdict, 'A');
        assert_int_equal(verdict.report.head_offset, offset);
    }
}

static void check_frame(uint32_t segment, const struct map_page *page)
{
    assert_refused(segment);
    if (replaced || kin) {
        return;
    }
    if (page->kind == MAP_COVERED && page->offset == mr_segment_seal_offset(map.segment_bytes)) {
        /* A seal that is not there is missed where the frames before it end. */
        assert_true(verdict.damage.offset <= page->offset);
    } else if (page->kind == MAP_COVERED) {
        assert_int_equal(verdict.damage.offset, page->offset);
        assert_int_equal(verdict.damage.sequence, page->sequence);
    }
}

/* Nothing can be lost behind the tail; but what no crash leaves there is refused. */
static void check_zeros(uint32_t segment, const struct map_page *page, bool has_head)
{
    if (kin && has_head) {
        /* The header may just fit a frame that was in flight, or not. */
        if (verdict.status == MR_OK) {
            map_assert_accepted(&map, &verdict, 'B');
            return;
        }
    }
    if (has_head && (kin || page->kind == MAP_START)) {
        assert_refused(segment);
    } else {
        map_assert_accepted(&map, &verdict, 'B');
    }
}

/* The page at `offset` has been changed; `changed` are its sectors that differ from what they were,
 * `lost` those that are zeros now and were not. */
static void check(uint32_t segment, uint64_t offset, uint32_t changed, uint32_t lost)
{
    const struct map_page *page = map_at(&map, segment, offset);
    map_judge(&map, tried % 3 == 0, &verdict);
    tried++;
    switch (page->kind) {
    case MAP_COPY:
        check_copy(segment, offset, (changed & 1) != 0 && foreign);
        break;
    case MAP_GAP:
    case MAP_COVERED:
        check_frame(segment, page);
        break;
    case MAP_LAST:
        /* One that lost sectors says nothing any more, and the rest of it may be strange. */
        if (lost != 0 && verdict.status == MR_OK) {
            map_assert_accepted(&map, &verdict, verdict.report.torn ? 'B' : 'A');
        } else {
            check_frame(segment, page);
        }
        break;
    case MAP_START:
    case MAP_ZERO:
        check_zeros(segment, page, (changed & 1) != 0);
        break;
    }
}

/* Puts `sectors` of `bytes` into the page, checks, and takes them back. */
static void try_page(uint32_t segment, uint64_t offset, const unsigned char *bytes,
                     uint32_t sectors)
{
    static const unsigned char zeros[MR_SECTOR_SIZE];
    unsigned char was[PAGE];
    unsigned char *page = map_bytes(&map, segment, offset);
    uint32_t changed = 0;
    uint32_t lost = 0;
    memcpy(was, page, sizeof was);
    for (uint32_t i = 0; i < SECTORS; i++) {
        size_t at = (size_t)i * MR_SECTOR_SIZE;
        if ((sectors >> i & 1) != 0 && memcmp(page + at, bytes + at, MR_SECTOR_SIZE) != 0) {
            memcpy(page + at, bytes + at, MR_SECTOR_SIZE);
            changed |= UINT32_C(1) << i;
            lost |= (memcmp(bytes + at, zeros, MR_SECTOR_SIZE) == 0 ? UINT32_C(1) : 0) << i;
        }
    }
    replaced = memcmp(page, bytes, PAGE) == 0;
    if (changed != 0) {
        check(segment, offset, changed, lost);
        memcpy(page, was, sizeof was);
    }
}

/* Every page of the journal gets `sectors` of what `from` holds at the same place. */
static void try_everywhere(const struct map *from, uint32_t sectors)
{
    for (uint32_t segment = 0; segment < map.segments && segment < from->segments; segment++) {
        for (uint64_t offset = 0; offset < map.segment_bytes; offset += PAGE) {
            try_page(segment, offset, map_bytes(from, segment, offset), sectors);
        }
    }
}

static void report(void)
{
    printf("%llu tried, %llu of them refused\n", (unsigned long long)tried,
           (unsigned long long)refused);
    assert_true(refused > 0);
    tried = refused = 0;
    foreign = kin = false;
}

static void garbage_in_any_sector_never_loses_an_entry(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    struct mr_random random;
    mr_random_init(&random, seed);
    for (uint64_t round = 0; round < (uint64_t)PLANS * SEEDS; round++) {
        make(&map, rig_id, round % PLANS, mr_random_u64(&random), mr_random_u64(&random), 0);
        for (uint64_t at = 0; at < map.segments * (uint64_t)map.segment_bytes; at += PAGE) {
            unsigned char bytes[PAGE];
            for (uint32_t i = 0; i < PAGE; i++) {
                /* Noise; one byte among zeros; the padding's pattern. */
                bytes[i] = round % 3 == 0   ? (unsigned char)mr_random_u64(&random)
                           : round % 3 == 1 ? i % MR_SECTOR_SIZE == 77
                                            : MR_FRAME_PADDING;
            }
            uint32_t segment = (uint32_t)(at / map.segment_bytes);
            uint64_t offset = at % map.segment_bytes;
            for (uint32_t sector = 0; sector < SECTORS; sector++) {
                try_page(segment, offset, bytes, UINT32_C(1) << sector);
            }
            try_page(segment, offset, bytes, 0xff);
            try_page(segment, offset, bytes, 1 + (uint32_t)mr_random_below(&random, 0xff));
        }
        map_free(&map);
    }
    report();
}

static void what_was_lost_below_the_watermark_is_missed(void **state)
{
    (void)state;
    static const unsigned char zeros[PAGE];
    uint64_t seed = rig_seed();
    for (uint64_t round = 0; round < PLANS; round++) {
        make(&map, rig_id, round, mr_mix64(seed + round), mr_mix64(~seed + round), 1);
        for (uint64_t at = 0; at < map.segments * (uint64_t)map.segment_bytes; at += PAGE) {
            for (uint32_t sectors = 1; sectors <= 0xff; sectors++) {
                try_page((uint32_t)(at / map.segment_bytes), at % map.segment_bytes, zeros,
                         sectors);
            }
        }
        map_free(&map);
    }
    report();
}

static void sectors_of_another_history_are_told(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    for (uint64_t round = 0; round < (uint64_t)PLANS * 2; round++) {
        uint64_t same = mr_mix64(seed + round);
        make(&map, rig_id, round % PLANS, same, same + 1, 0);
        foreign = kin = true;
        make(&other, rig_id, round % PLANS, same, same + 2, 2);
        for (uint32_t sectors = 1; sectors <= 0xff; sectors++) {
            try_everywhere(&other, sectors);
        }
        map_free(&map);
        map_free(&other);
    }
    report();
}

/* What a truncation dropped was written to the very places where other frames lie now. */
static void sectors_of_older_generations_are_told(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    for (uint64_t round = 0; round < (uint64_t)PLANS * 2; round++) {
        struct life_plan lives[] = {plans[round % PLANS], plans[round % PLANS]};
        lives[0].seed = mr_mix64(seed + round);
        lives[0].replicated = true;
        lives[0].entries += 2;
        map_make(&other, rig_id, lives, 1);
        lives[0].truncate_after = lives[0].entries;
        lives[0].truncate_drops = 3;
        lives[1].seed = ~lives[0].seed;
        map_make(&map, rig_id, lives, 2);
        assert_int_equal(map.whole.generation, 2);
        foreign = kin = true;
        for (uint32_t sectors = 1; sectors <= 0xff; sectors++) {
            try_everywhere(&other, sectors);
        }
        map_free(&map);
        map_free(&other);
    }
    report();
}

static bool is_frame(const struct map *which, uint32_t segment, uint64_t offset)
{
    enum map_kind kind = map_at(which, segment, offset)->kind;
    return kind == MAP_COVERED || kind == MAP_LAST;
}

/* The same lives, and another id: no frame may look the same. */
static void assert_frames_differ(void)
{
    for (uint32_t segment = 0; segment < map.segments; segment++) {
        for (uint64_t offset = 0; offset < map.segment_bytes; offset += PAGE) {
            if (is_frame(&map, segment, offset) &&
                map_at(&map, segment, offset)->offset == offset) {
                assert_memory_not_equal(map_bytes(&map, segment, offset),
                                        map_bytes(&other, segment, offset), PAGE);
            }
        }
    }
}

static void pages_of_another_journal_are_told(void **state)
{
    (void)state;
    const uint8_t id[MR_JOURNAL_ID_SIZE] = {9, 9, 9};
    uint64_t seed = rig_seed();
    for (uint64_t round = 0; round < PLANS; round++) {
        uint64_t same = mr_mix64(seed + round);
        make(&map, rig_id, round, same, same + 1, 0);
        foreign = true;
        make(&other, id, round, same, same + 1, 0);
        assert_frames_differ();
        for (uint32_t sectors = 1; sectors <= 0xff; sectors++) {
            try_everywhere(&other, sectors);
        }
        map_free(&map);
        map_free(&other);
    }
    report();
}

static void swap(unsigned char *a, unsigned char *b)
{
    unsigned char page[PAGE];
    memcpy(page, a, PAGE);
    memcpy(a, b, PAGE);
    memcpy(b, page, PAGE);
}

/* Both are found wrong; the first of them is named. */
static void try_swap(uint64_t a, uint64_t b)
{
    uint32_t segment = (uint32_t)(a / map.segment_bytes);
    unsigned char *first = map_bytes(&map, segment, a % map.segment_bytes);
    unsigned char *second =
        map_bytes(&map, (uint32_t)(b / map.segment_bytes), b % map.segment_bytes);
    if (memcmp(first, second, PAGE) == 0) {
        return;
    }
    swap(first, second);
    map_judge(&map, true, &verdict);
    map_assert_refused(&map, &verdict, segment);
    assert_int_equal(verdict.damage.offset, map_at(&map, segment, a % map.segment_bytes)->offset);
    swap(first, second);
    tried++;
    refused++;
}

static void frames_that_were_swapped_or_copied_are_told(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    for (uint64_t round = 0; round < PLANS; round++) {
        make(&map, rig_id, round, mr_mix64(seed + round), mr_mix64(~seed + round), 0);
        uint64_t end = map.segments * (uint64_t)map.segment_bytes;
        for (uint64_t a = 0; a < end; a += PAGE) {
            uint32_t segment = (uint32_t)(a / map.segment_bytes);
            uint64_t offset = a % map.segment_bytes;
            unsigned char bytes[PAGE];
            if (!is_frame(&map, segment, offset)) {
                continue;
            }
            memcpy(bytes, map_bytes(&map, segment, offset), PAGE);
            for (uint64_t b = 0; b < end; b += PAGE) {
                uint32_t to = (uint32_t)(b / map.segment_bytes);
                try_page(to, b % map.segment_bytes, bytes, 0xff);
                if (b > a && is_frame(&map, to, b % map.segment_bytes)) {
                    try_swap(a, b);
                }
            }
        }
        map_free(&map);
    }
    report();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_in_any_sector_never_loses_an_entry),
        cmocka_unit_test(what_was_lost_below_the_watermark_is_missed),
        cmocka_unit_test(sectors_of_another_history_are_told),
        cmocka_unit_test(sectors_of_older_generations_are_told),
        cmocka_unit_test(pages_of_another_journal_are_told),
        cmocka_unit_test(frames_that_were_swapped_or_copied_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
