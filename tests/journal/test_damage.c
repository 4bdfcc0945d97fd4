/*
 * Flipped bytes and garbage: a damaged journal is refused with the right place and left alone; what
 * cannot be told from a torn tail costs nothing that was acknowledged.
 */
#include "tests/journal/damage_rig.h"

/* Where a flipped byte must be reported: found by walking the undamaged journal. */
struct expected {
    uint64_t end; /* of the bytes that this describes */
    uint64_t offset;
    uint64_t sequence;
};

static uint32_t list_frames(uint32_t segment, struct expected *list, uint64_t *end_of_all)
{
    struct mr_scan scan;
    struct mr_frame_header header;
    struct mr_entry *entry;
    uint32_t count = 0;
    RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
    RIG_OK(&rig, mr_scan_enter(&scan, 0, &rig.error));
    while (mr_scan_next(&scan, &header, &entry, &rig.error) == MR_OK) {
        if (header.segment == segment) {
            list[count++] = (struct expected){
                .end = scan.offset,
                .offset = header.offset,
                .sequence = header.before.sequence + 1,
            };
        }
    }
    *end_of_all = scan.at + 1 == segment ? scan.offset : TINY;
    uint64_t next = 1;
    if (count > 0 && *end_of_all == TINY) { /* what follows is the seal */
        struct mr_frame_header seal;
        unsigned char page[PAGE];
        char name[MR_SEGMENT_NAME_SIZE];
        mr_segment_name(segment, name);
        mr_sim_read(rig.sim, MR_SIM_CURRENT, name, SEAL, page, PAGE);
        memcpy(&seal, page, sizeof seal);
        next = seal.before.sequence + 1;
        list[count++] = (struct expected){.end = TINY, .offset = SEAL, .sequence = next};
    }
    mr_scan_free(&scan);
    return count;
}

static void flip_every_byte(uint32_t segment, struct mr_random *random)
{
    struct expected list[16] = {{0}};
    uint64_t end;
    char name[MR_SEGMENT_NAME_SIZE];
    uint32_t count = list_frames(segment, list, &end);
    uint32_t at = 0;
    mr_segment_name(segment, name);
    assert_true(count > 0);
    for (uint64_t byte = 0; byte < end; byte++) {
        unsigned bit = (unsigned)mr_random_below(random, 8);
        struct mr_damage damage = {0};
        struct mr_recovery report;
        at += byte == list[at].end;
        uint64_t offset = byte < FIRST ? byte / PAGE * PAGE : list[at].offset;
        mr_sim_flip(rig.sim, name, byte, bit);
        int status = mr_journal_plan(rig.storage, &report, &damage, NULL);
        if (byte < FIRST && byte / PAGE % 2 == 0) { /* the other copy of the superblock is whole */
            assert_int_equal(status, MR_OK);
            assert_int_equal(report.decided, 'A');
            assert_string_equal(report.head_segment, name);
            assert_int_equal(report.head_offset, offset);
            mr_sim_flip(rig.sim, name, byte, bit);
            continue;
        }
        assert_int_equal(status, MR_E_CORRUPT);
        if (byte % 499 == 0) {
            assert_refused(damage.decided, name, offset, list[at].sequence);
        }
        mr_sim_flip(rig.sim, name, byte, bit);
        if (damage.offset != offset || damage.sequence != list[at].sequence) {
            print_error("%s byte %llu: reported %llu, sequence %llu\n", name,
                        (unsigned long long)byte, (unsigned long long)damage.offset,
                        (unsigned long long)damage.sequence);
        }
        assert_string_equal(damage.segment, name);
        assert_int_equal(damage.offset, offset);
        assert_int_equal(damage.sequence, list[at].sequence);
    }
}

static void every_flipped_byte_up_to_the_last_frame_is_refused_with_its_place(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    make_journal(TINY, 5);
    uint64_t changes = mr_sim_calls(rig.sim, MR_SIM_ANY_CHANGE);
    flip_every_byte(1, &random);
    flip_every_byte(2, &random);
    assert_true(mr_sim_calls(rig.sim, MR_SIM_ANY_CHANGE) >= changes);
    assert_goes_on('A', 5);
    rig_free(&rig);
}

static void a_flipped_byte_behind_the_end_never_costs_an_entry(void **state)
{
    (void)state;
    make_journal(TINY, 4); /* an entry and a watermark in the second segment */
    uint64_t end = FIRST + 2 * PAGE;
    for (uint64_t byte = end; byte < TINY; byte += 11) {
        struct mr_recovery report = {0};
        mr_sim_flip(rig.sim, "journal/00000002.seg", byte, byte % 8);
        int status = mr_journal_plan(rig.storage, &report, NULL, NULL);
        assert_true(status == MR_E_CORRUPT || (status == MR_OK && report.torn));
        assert_int_equal(report.last_index, 4);
        mr_sim_flip(rig.sim, "journal/00000002.seg", byte, byte % 8);
    }
    rig_free(&rig);
}

static void garbage_in_a_segment_is_refused_or_torn_but_never_trusted(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (int round = 0; round < 2000; round++) {
        make_journal(TINY, 4);
        for (uint64_t hits = 1 + mr_random_below(&random, 4); hits > 0; hits--) {
            unsigned char bytes[2000];
            size_t size = 1 + mr_random_below(&random, sizeof bytes);
            for (size_t i = 0; i < size; i++) {
                bytes[i] = (unsigned char)(round % 2 == 0 ? mr_random_u64(&random) : 0);
            }
            /* Zeros that hit the last entry and the watermark behind it look like a torn tail. */
            uint32_t segment = round % 2 == 0 ? 1 + (uint32_t)mr_random_below(&random, 2) : 1;
            char name[MR_SEGMENT_NAME_SIZE];
            mr_segment_name(segment, name);
            poke(name, mr_random_below(&random, TINY - size), bytes, size);
        }
        struct mr_recovery report = {0};
        if (mr_journal_plan(rig.storage, &report, NULL, NULL) == MR_OK) {
            assert_int_equal(report.last_index, 4);
            rig_check_entries(&rig, rig.storage, 4);
        }
        rig_free(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_byte_up_to_the_last_frame_is_refused_with_its_place),
        cmocka_unit_test(a_flipped_byte_behind_the_end_never_costs_an_entry),
        cmocka_unit_test(garbage_in_a_segment_is_refused_or_torn_but_never_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
