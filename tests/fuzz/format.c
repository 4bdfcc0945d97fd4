#include "tests/fuzz/format.h"

#include "base/digest.h"

#include <string.h>

/* The 64-bit finalizer of base/bits.h (Stafford's variant 13), again. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t read_u64(const unsigned char *bytes)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) {
        value = value << 8 | bytes[i];
    }
    return value;
}

struct mr_digest format_frame_checksum(const void *header, const struct mr_frame_place *place)
{
    unsigned char copy[256];
    memcpy(copy, header, sizeof copy);
    memset(copy + 240, 0, 16);
    uint64_t seed = mix(read_u64(place->journal_id) + 1) ^ read_u64(place->journal_id + 8);
    seed = mix(seed + 1) ^ read_u64(copy + 32);
    seed = mix(seed + 1) ^ place->segment;
    seed = mix(seed + 1) ^ place->offset;
    return mr_digest_seeded(copy, sizeof copy, seed);
}

struct mr_digest format_superblock_checksum(const void *block)
{
    unsigned char copy[4096];
    memcpy(copy, block, sizeof copy);
    memset(copy + 112, 0, 16);
    return mr_digest_of(copy, sizeof copy);
}

void format_repair_header(void *frame, const struct mr_frame_place *place)
{
    struct mr_digest checksum = format_frame_checksum(frame, place);
    memcpy((unsigned char *)frame + 240, &checksum, sizeof checksum);
}

void format_repair_superblock(void *block)
{
    struct mr_digest checksum = format_superblock_checksum(block);
    memcpy((unsigned char *)block + 112, &checksum, sizeof checksum);
}

static void repair_entry(unsigned char *bytes, struct mr_frame_header *header, bool chain)
{
    struct mr_entry entry;
    uint32_t length = header->entry_length;
    for (uint32_t i = 0; i < length; i++) {
        bytes[i] ^= (unsigned char)(header->mask >> 8 * (i % 8));
    }
    memcpy(&entry, bytes, sizeof entry);
    entry.length = length;
    if (chain) {
        entry.version = 0;
        entry.count += entry.count == 0;
        entry.index = header->before.index + 1;
        entry.first_sequence = header->before.sequence + 1;
        entry.previous = header->before.digest;
    }
    memcpy(bytes, &entry, sizeof entry);
    header->entry_digest = mr_digest_of(bytes, length);
    for (uint32_t i = 0; i < length; i++) {
        bytes[i] ^= (unsigned char)(header->mask >> 8 * (i % 8));
    }
}

void format_repair_frame(void *frame, size_t room, const struct mr_frame_place *place, bool chain)
{
    struct mr_frame_header header;
    unsigned char *bytes = frame;
    memcpy(&header, frame, sizeof header);
    header.magic = read_u64((const unsigned char *)"MRFRAME");
    header.segment = place->segment;
    header.offset = place->offset;
    if (header.kind == MR_FRAME_ENTRY && header.entry_length >= MR_ENTRY_SIZE &&
        header.entry_length <= room - MR_FRAME_ROOM) {
        repair_entry(bytes + MR_FRAME_ROOM, &header, chain);
    }
    uint64_t used = UINT64_C(256) + header.entry_length;
    if (used <= room) {
        uint64_t whole = (used + 4095) / 4096 * 4096;
        memset(bytes + used, 0xC3, (size_t)(whole < room ? whole : room) - (size_t)used);
        header.length = (uint32_t)whole;
    }
    memcpy(frame, &header, sizeof header);
    format_repair_header(frame, place);
}
