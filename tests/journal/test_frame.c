/* Frames: their bytes, and that no change of any of them goes unnoticed. */
#include "tests/journal/rig.h"

static const struct mr_frame_place place = {
    .journal_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    .segment = 3,
    .offset = 20480,
    .limit = 1 << 22,
};

static _Alignas(4096) unsigned char frame[MR_FRAME_BYTES_MAX];
static _Alignas(4096) unsigned char copy[MR_FRAME_BYTES_MAX];

/* An entry behind a made-up tip, in `frame`, encoded; returns its header. */
static struct mr_frame_header encode(uint32_t payload, uint64_t mask)
{
    struct mr_tip before = {
        .index = 6, .sequence = 40, .time_ns = 1000, .digest = {.low = 0x11, .high = 0x22}};
    struct mr_entry *entry = mr_frame_entry(frame);
    *entry = (struct mr_entry){
        .term = 2,
        .index = 7,
        .first_sequence = 41,
        .time_ns = 1234,
        .count = 2,
        .length = MR_ENTRY_SIZE + payload,
        .previous = before.digest,
    };
    for (uint32_t i = 0; i < payload; i++) {
        ((unsigned char *)(entry + 1))[i] = (unsigned char)(i * 7 + 1);
    }
    struct mr_frame_header header = {
        .kind = MR_FRAME_ENTRY,
        .entry_length = entry->length,
        .generation = 1,
        .number = 9,
        .durable_number = 5,
        .durable_index = 4,
        .durable_sequence = 30,
        .committed_index = 4,
        .committed_sequence = 30,
        .before = before,
        .entry_digest = mr_entry_digest(entry),
        .mask = mask,
    };
    mr_frame_pad(frame, entry->length);
    if (mask != 0) {
        mr_frame_mask(frame, entry->length, mask);
    }
    mr_frame_put_header(frame, &header, &place);
    return header;
}

static enum mr_fault decode(void *bytes)
{
    struct mr_frame_header header;
    enum mr_fault fault = mr_frame_get_header(bytes, &place, &header);
    return fault != MR_FAULT_NONE ? fault : mr_frame_open(bytes, &header);
}

static void assert_hex(const unsigned char *bytes, size_t size, const char *hex)
{
    assert_int_equal(strlen(hex), 2 * size);
    for (size_t i = 0; i < size; i++) {
        char text[3];
        snprintf(text, sizeof text, "%02x", bytes[i]);
        if (memcmp(text, hex + 2 * i, 2) != 0) {
            print_error("byte %zu is %s, expected %.2s\n", i, text, hex + 2 * i);
        }
        assert_memory_equal(text, hex + 2 * i, 2);
    }
}

static void a_frame_has_the_documented_bytes(void **state)
{
    (void)state;
    encode(16, 0);
    assert_hex(frame, 240,
               "4d524652414d4500"                 /* magic */
               "00000001"                         /* version, header_size */
               "01000000"                         /* kind */
               "00100000"                         /* length 4,096 */
               "90000000"                         /* entry_length 144 */
               "0300000000000000"                 /* segment */
               "0100000000000000"                 /* generation */
               "0050000000000000"                 /* offset 20,480 */
               "0900000000000000"                 /* number */
               "0500000000000000"                 /* durable_number */
               "0400000000000000"                 /* durable_index */
               "1e00000000000000"                 /* durable_sequence */
               "0400000000000000"                 /* committed_index */
               "1e00000000000000"                 /* committed_sequence */
               "0600000000000000"                 /* before: index */
               "2800000000000000"                 /* sequence */
               "e803000000000000"                 /* time */
               "11000000000000002200000000000000" /* digest */
               "33bbe57ef53cd598be8fe8feed8764c6"
               "0000000000000000" /* mask */
               "0000000000000000" /* end_offset */
               "000000000000000000000000000000000000000000000000000000000000000000000000"
               "000000000000000000000000000000000000000000000000000000000000000000000000");
    assert_hex(frame + 240, 16, "b815d00176351aab7616dd1904a12291");
    assert_hex(frame + 256, 144,
               "0200000000000000"                 /* term */
               "0700000000000000"                 /* index */
               "2900000000000000"                 /* first_sequence */
               "d204000000000000"                 /* time */
               "02000000"                         /* count */
               "90000000"                         /* length */
               "0000000000000000"                 /* version, flags, reserved */
               "11000000000000002200000000000000" /* previous */
               "0000000000000000"                 /* digest_sequence */
               "00000000000000000000000000000000" /* digest */
               "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
               "01080f161d242b323940474e555c636a");
    for (size_t i = 400; i < 4096; i++) {
        assert_int_equal(frame[i], 0xC3);
    }
}

static void what_is_put_comes_back(void **state)
{
    (void)state;
    static const uint32_t payloads[] = {1, 7, 8, 128, 3712, 3713, 70000, 2 << 20};
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        struct mr_frame_header put = encode(payloads[i], i % 2 == 0 ? 0 : 0x123456789abcdef1);
        struct mr_frame_header got;
        assert_int_equal(mr_frame_get_header(frame, &place, &got), MR_FAULT_NONE);
        assert_memory_equal(&put, &got, sizeof put);
        assert_int_equal(got.length % 4096, 0);
        assert_int_equal(mr_frame_open(frame, &got), MR_FAULT_NONE);
        struct mr_entry *entry = mr_frame_entry(frame);
        assert_int_equal(entry->length, MR_ENTRY_SIZE + payloads[i]);
        for (uint32_t j = 0; j < payloads[i]; j++) {
            assert_int_equal(((unsigned char *)(entry + 1))[j], (unsigned char)(j * 7 + 1));
        }
    }
}

static void every_flipped_bit_is_noticed_and_the_bytes_stay(void **state)
{
    (void)state;
    for (int masked = 0; masked < 2; masked++) {
        uint32_t length = encode(500, masked ? 0xfeedface : 0).length;
        memcpy(copy, frame, length);
        for (uint32_t bit = 0; bit < length * 8; bit++) {
            frame[bit / 8] ^= (unsigned char)(1 << bit % 8);
            assert_int_not_equal(decode(frame), MR_FAULT_NONE);
            frame[bit / 8] ^= (unsigned char)(1 << bit % 8);
            assert_int_equal(memcmp(frame, copy, length), 0);
        }
        assert_int_equal(decode(frame), MR_FAULT_NONE);
    }
}

static void a_frame_out_of_its_place_is_refused(void **state)
{
    (void)state;
    encode(500, 0);
    struct mr_frame_header header;
    struct mr_frame_place other = place;
    other.offset += 4096;
    assert_int_equal(mr_frame_get_header(frame, &other, &header), MR_FAULT_HEADER);
    other = place;
    other.segment++;
    assert_int_equal(mr_frame_get_header(frame, &other, &header), MR_FAULT_HEADER);
    other = place;
    other.journal_id[15]++;
    assert_int_equal(mr_frame_get_header(frame, &other, &header), MR_FAULT_HEADER);
    other = place;
    other.limit = place.offset + 4095;
    assert_int_equal(mr_frame_get_header(frame, &other, &header), MR_FAULT_FIELDS);
    other.limit = 0;
    assert_int_equal(mr_frame_get_header(frame, &other, &header), MR_FAULT_FIELDS);
}

/* Puts the checksum right again after a field was changed, as a faulty program would. */
static enum mr_fault decode_resealed(const struct mr_frame_header *changed)
{
    struct mr_frame_header header = *changed;
    struct mr_frame_header got;
    header.magic = 0;
    mr_frame_put_header(copy, &header, &place);
    return mr_frame_get_header(copy, &place, &got);
}

static void a_header_that_contradicts_itself_is_refused(void **state)
{
    (void)state;
    struct mr_frame_header good = encode(500, 0);
    memcpy(copy, frame, sizeof copy);
    assert_int_equal(decode_resealed(&good), MR_FAULT_NONE);
    struct mr_frame_header bad = good;
    bad.kind = 0;
    assert_int_equal(decode_resealed(&bad), MR_FAULT_FIELDS);
    bad = good;
    bad.kind = 4;
    assert_int_equal(decode_resealed(&bad), MR_FAULT_FIELDS);
    bad = good;
    bad.kind = MR_FRAME_WATERMARK; /* with an entry */
    assert_int_equal(decode_resealed(&bad), MR_FAULT_FIELDS);
    bad = good;
    bad.entry_length = 0; /* an entry's frame without one */
    assert_int_equal(decode_resealed(&bad), MR_FAULT_FIELDS);
    bad = good;
    bad.entry_length = MR_ENTRY_SIZE - 1;
    assert_int_equal(decode_resealed(&bad), MR_FAULT_FIELDS);
    bad = good;
    bad.generation = 0;
    assert_int_equal(decode_resealed(&bad), MR_FAULT_FIELDS);
    bad = good;
    bad.durable_index = good.before.index + 1;
    assert_int_equal(decode_resealed(&bad), MR_FAULT_FIELDS);
    bad = good;
    bad.end_offset = 4096; /* only seals have one */
    assert_int_equal(decode_resealed(&bad), MR_FAULT_FIELDS);
}

static void an_entry_that_contradicts_its_frame_is_refused(void **state)
{
    (void)state;
    struct mr_frame_header header = encode(500, 0);
    struct mr_entry *entry = mr_frame_entry(frame);
    struct mr_digest whole = mr_entry_digest(entry);
    struct mr_entry good = *entry;
    struct mr_entry bad[6];
    for (int i = 0; i < 6; i++) {
        bad[i] = good;
    }
    bad[0].index++;
    bad[1].first_sequence++;
    bad[2].count = 0;
    bad[3].length--;
    bad[4].previous.low++;
    bad[5].version = 1;
    for (int i = 0; i < 6; i++) {
        *entry = bad[i];
        header.entry_digest = whole; /* damaged */
        assert_int_equal(mr_frame_open(frame, &header), MR_FAULT_ENTRY);
        entry->length = good.length; /* the digest is over what the frame says */
        header.entry_digest = mr_entry_digest(entry);
        if (i != 3) {
            assert_int_equal(mr_frame_open(frame, &header),
                             i == 5 ? MR_FAULT_VERSION : MR_FAULT_FIELDS);
        }
    }
}

static void zeros_are_blank_and_anything_else_is_not(void **state)
{
    (void)state;
    struct mr_frame_header header;
    memset(copy, 0, 4096);
    assert_int_equal(mr_frame_get_header(copy, &place, &header), MR_FAULT_BLANK);
    for (int i = 0; i < MR_FRAME_ROOM; i++) {
        copy[i] = 1;
        assert_int_equal(mr_frame_get_header(copy, &place, &header), MR_FAULT_HEADER);
        copy[i] = 0;
    }
}

static void garbage_is_refused_without_reading_too_far(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (int round = 0; round < 20000; round++) {
        unsigned char *bytes = malloc(4096); /* its end is guarded by the address sanitizer */
        for (int i = 0; i < MR_FRAME_ROOM; i++) {
            bytes[i] = (unsigned char)mr_random_u64(&random);
        }
        memcpy(bytes, "MRFRAME", round % 2 ? 8 : 0);
        assert_int_equal(decode(bytes), MR_FAULT_HEADER);
        free(bytes);
    }
}

static bool is_zero_sector_naively(const unsigned char *sector)
{
    for (int i = 0; i < MR_SECTOR_SIZE; i++) {
        if (sector[i] != 0) {
            return false;
        }
    }
    return true;
}

/* All zeros; sectors that are all one of the masks that will be tried first; only the last one. */
static uint64_t awkward_word(int kind, uint32_t sector, uint32_t last, uint64_t low)
{
    switch (kind) {
    case 0:
        return 0;
    case 1:
        return mr_mix64(low + sector % 3);
    default:
        return sector == last ? mr_mix64(low) : 1;
    }
}

static void the_mask_leaves_no_sector_zero(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (int round = 0; round < 2000; round++) {
        uint32_t length = MR_ENTRY_SIZE + 1 + (uint32_t)mr_random_below(&random, 20000);
        if (round % 4 == 0) { /* no padding: the last sector is the entry's */
            length = mr_frame_length(length) - MR_FRAME_ROOM;
        }
        memset(frame, 0, mr_frame_length(length));
        unsigned char *entry = (unsigned char *)mr_frame_entry(frame);
        struct mr_digest digest = {mr_random_u64(&random), 0};
        for (uint32_t i = 0; i + 8 <= length; i += 8) {
            uint64_t word = awkward_word(round % 3, (i + MR_FRAME_ROOM) / MR_SECTOR_SIZE,
                                         (length + MR_FRAME_ROOM - 8) / MR_SECTOR_SIZE, digest.low);
            memcpy(entry + i, &word, 8);
        }
        mr_frame_pad(frame, length);
        memcpy(copy, frame, mr_frame_length(length));
        uint64_t mask = mr_frame_mask_zeros(frame, length, digest);
        assert_int_not_equal(mask, 0);
        for (uint32_t i = MR_SECTOR_SIZE; i < mr_frame_length(length); i += MR_SECTOR_SIZE) {
            assert_false(is_zero_sector_naively(frame + i));
        }
        mr_frame_mask(frame, length, mask);
        assert_memory_equal(frame, copy, mr_frame_length(length));
    }
}

static void a_zero_sector_is_found_wherever_it_is(void **state)
{
    (void)state;
    enum { SECTORS = 24 };
    for (int zero = -1; zero < SECTORS; zero++) {
        for (int last_byte = 0; last_byte < MR_SECTOR_SIZE; last_byte += 511) {
            memset(copy, 0, SECTORS * MR_SECTOR_SIZE);
            for (int i = 0; i < SECTORS; i++) {
                copy[i * MR_SECTOR_SIZE + last_byte] = (unsigned char)(i != zero);
            }
            assert_int_equal(mr_frame_has_zero_sector(copy, (size_t)SECTORS * MR_SECTOR_SIZE),
                             zero >= 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_has_the_documented_bytes),
        cmocka_unit_test(what_is_put_comes_back),
        cmocka_unit_test(every_flipped_bit_is_noticed_and_the_bytes_stay),
        cmocka_unit_test(a_frame_out_of_its_place_is_refused),
        cmocka_unit_test(a_header_that_contradicts_itself_is_refused),
        cmocka_unit_test(an_entry_that_contradicts_its_frame_is_refused),
        cmocka_unit_test(zeros_are_blank_and_anything_else_is_not),
        cmocka_unit_test(garbage_is_refused_without_reading_too_far),
        cmocka_unit_test(the_mask_leaves_no_sector_zero),
        cmocka_unit_test(a_zero_sector_is_found_wherever_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
