/* Segments: names, heads, making them on a real directory. */
#include "tests/journal/rig.h"

static unsigned char head[MR_SEGMENT_HEAD];

static struct mr_superblock put(void)
{
    struct mr_superblock superblock = {
        .segment = 7,
        .generation = 2,
        .segment_bytes = 64 << 20,
        .durable = {.number = 100, .index = 90, .sequence = 1000},
    };
    memcpy(superblock.journal_id, rig_id, sizeof rig_id);
    mr_segment_put_head(head, &superblock);
    return superblock;
}

static void a_superblock_has_the_documented_bytes(void **state)
{
    (void)state;
    static const unsigned char expected[112] = {
        'M', 'R', 'S', 'E', 'G', 'M', 'T', 0, /* magic */
        0,   0,   128, 0,   7,   0,   0,   0, /* version, header_size, segment */
        2,   0,   0,   0,   0,   0,   0,   0, /* generation */
        0,   0,   0,   4,   0,   0,   0,   0, /* segment_bytes */
        1,   2,   3,   4,   5,   6,   7,   8, 9, 10, 11, 12, 13, 14, 15, 16, /* journal_id */
        100, 0,   0,   0,   0,   0,   0,   0,                                /* durable: number */
        90,  0,   0,   0,   0,   0,   0,   0,                                /* index */
        232, 3,   0,   0,   0,   0,   0,   0,                                /* sequence */
    };
    put();
    assert_memory_equal(head, expected, sizeof expected);
    unsigned char other[112];
    memcpy(other, expected, sizeof other);
    other[73] = 0x20; /* the second copy says that it lies at 8,192 */
    assert_memory_equal(head + 8192, other, sizeof other);
    static const unsigned char checksums[2][16] = {
        {77, 198, 163, 245, 219, 200, 89, 178, 137, 213, 229, 64, 194, 237, 18, 145},
        {203, 156, 123, 51, 44, 56, 76, 207, 133, 99, 138, 11, 136, 144, 184, 26}};
    assert_memory_equal(head + 112, checksums[0], 16);
    assert_memory_equal(head + 8192 + 112, checksums[1], 16);
    for (int i = 128; i < 8192; i++) {
        assert_int_equal(head[i], 0);
        assert_int_equal(head[8192 + i], 0);
    }
}

static void a_head_comes_back(void **state)
{
    (void)state;
    struct mr_superblock expected = put();
    struct mr_superblock got;
    uint64_t offset;
    bool half;
    assert_int_equal(mr_segment_get_head(head, 7, &got, &offset, &half), MR_FAULT_NONE);
    assert_false(half);
    assert_int_equal(got.segment_bytes, expected.segment_bytes);
    assert_int_equal(got.generation, 2);
    assert_memory_equal(got.journal_id, rig_id, sizeof rig_id);
    assert_int_equal(got.durable.number, 100);
    assert_int_equal(got.durable.index, 90);
    assert_int_equal(got.durable.sequence, 1000);
}

static void every_flipped_bit_of_a_head_is_noticed_in_its_page(void **state)
{
    (void)state;
    struct mr_superblock expected = put();
    for (uint32_t bit = 0; bit < MR_SEGMENT_HEAD * 8; bit++) {
        struct mr_superblock got;
        uint64_t offset = 1;
        head[bit / 8] ^= (unsigned char)(1 << bit % 8);
        bool half;
        bool in_copy = bit / 8 / 4096 % 2 == 0;
        enum mr_fault fault = mr_segment_get_head(head, 7, &got, &offset, &half);
        assert_int_equal(fault, in_copy ? MR_FAULT_NONE : MR_FAULT_GARBAGE);
        assert_int_equal(half, in_copy);
        if (in_copy) { /* the other copy is believed */
            assert_memory_equal(&got, &expected, offsetof(struct mr_superblock, offset));
        }
        assert_int_equal(offset, bit / 8 / 4096 * 4096);
        head[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

static void a_head_without_a_whole_copy_is_refused(void **state)
{
    (void)state;
    put();
    for (int i = 0; i < 100; i++) {
        struct mr_superblock got;
        uint64_t offset;
        bool half;
        head[i] ^= 1;
        head[8192 + 127 - i] ^= 0x80;
        assert_int_equal(mr_segment_get_head(head, 7, &got, &offset, &half), MR_FAULT_SUPERBLOCK);
        assert_int_equal(offset, 0);
        assert_false(half);
        head[i] ^= 1;
        head[8192 + 127 - i] ^= 0x80;
    }
}

static void a_head_of_another_segment_is_foreign(void **state)
{
    (void)state;
    struct mr_superblock got;
    uint64_t offset;
    bool half;
    put();
    assert_int_equal(mr_segment_get_head(head, 8, &got, &offset, &half), MR_FAULT_FOREIGN);
}

static void copies_that_differ_are_refused(void **state)
{
    (void)state;
    unsigned char kept[4096];
    struct mr_superblock superblock = put();
    struct mr_superblock got;
    uint64_t offset;
    bool half;
    memcpy(kept, head + 8192, sizeof kept);
    superblock.generation = 3;
    mr_segment_put_head(head, &superblock);
    memcpy(head + 8192, kept, sizeof kept);
    assert_int_equal(mr_segment_get_head(head, 7, &got, &offset, &half), MR_FAULT_SUPERBLOCK);
    assert_int_equal(offset, 8192);
}

static void sizes_have_bounds(void **state)
{
    (void)state;
    assert_true(mr_segment_bytes_valid(4 << 20));
    assert_true(mr_segment_bytes_valid(256 << 20));
    assert_false(mr_segment_bytes_valid((256 << 20) + 4096));
    assert_false(mr_segment_bytes_valid((4 << 20) + 512));
    assert_false(mr_segment_bytes_valid(0));
    assert_false(mr_segment_bytes_valid(16 << 10));
}

static void names_are_eight_digits(void **state)
{
    (void)state;
    char name[MR_SEGMENT_NAME_SIZE];
    mr_segment_name(1, name);
    assert_string_equal(name, "journal/00000001.seg");
    mr_segment_name(MR_SEGMENT_NUMBER_MAX, name);
    assert_string_equal(name, "journal/99999999.seg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_superblock_has_the_documented_bytes),
        cmocka_unit_test(a_head_comes_back),
        cmocka_unit_test(every_flipped_bit_of_a_head_is_noticed_in_its_page),
        cmocka_unit_test(a_head_without_a_whole_copy_is_refused),
        cmocka_unit_test(a_head_of_another_segment_is_foreign),
        cmocka_unit_test(copies_that_differ_are_refused),
        cmocka_unit_test(sizes_have_bounds),
        cmocka_unit_test(names_are_eight_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
