/*
 * A frame on disk: version 0, little-endian, at a multiple of 4 KiB, its length a multiple of it.
 *
 *   offset size field
 *        0    8 magic            "MRFRAME" and a zero byte
 *        8    2 version          0
 *       10    2 header_size      256
 *       12    2 kind             1 entry, 2 watermark, 3 seal
 *       14    2 flags            1: under os durability, 2: replicated; others zero
 *       16    4 length           of the whole frame, padding included
 *       20    4 entry_length     0 in watermarks and seals
 *       24    4 segment          its number
 *       28    4 reserved         zero
 *       32    8 generation       from 1; grows when a journal is truncated
 *       40    8 offset           in the segment's file
 *       48    8 number           of the frame: dense over the journal, from 1, seals included
 *       56    8 durable_number   every frame up to this one was durable when this one was written
 *       64    8 durable_index    the last entry among those
 *       72    8 durable_sequence that entry's last sequence
 *       80    8 committed_index
 *       88    8 committed_sequence
 *       96   40 before           the tip in front of this frame: index, sequence, time, digest
 *      136   16 entry_digest     zeros without an entry
 *      152    8 mask             the entry is XORed with it on disk; 0: not
 *      160    8 end_offset       in a seal: where the segment's frames end; else 0
 *      168   72 reserved         zero
 *      240   16 checksum         XXH3-128 of these 256 bytes with zeros here, seeded with
 *                                journal id, generation, segment and offset
 *      256      entry            header and commands
 *               padding          0xC3 up to `length`
 */
#include "journal/frame.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/digest.h"

#include <stddef.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structures are stored as they lie");
_Static_assert(sizeof(struct mr_frame_header) == MR_FRAME_ROOM, "the header fills the room");
_Static_assert((int)MR_FRAME_ROOM <= (int)MR_SECTOR_SIZE,
               "a header is written whole or not at all");
_Static_assert(offsetof(struct mr_frame_header, length) == 16, "layout");
_Static_assert(offsetof(struct mr_frame_header, generation) == 32, "layout");
_Static_assert(offsetof(struct mr_frame_header, number) == 48, "layout");
_Static_assert(offsetof(struct mr_frame_header, before) == 96, "layout");
_Static_assert(offsetof(struct mr_frame_header, entry_digest) == 136, "layout");
_Static_assert(offsetof(struct mr_frame_header, mask) == 152, "layout");
_Static_assert(offsetof(struct mr_frame_header, checksum) == 240, "layout");
_Static_assert(sizeof(struct mr_entry) == MR_ENTRY_SIZE, "layout");
_Static_assert(offsetof(struct mr_entry, count) == 32, "layout");
_Static_assert(offsetof(struct mr_entry, previous) == 48, "layout");
_Static_assert(offsetof(struct mr_entry, digest) == 72, "layout");
_Static_assert(offsetof(struct mr_entry, reserved_b) == 88, "layout");
_Static_assert((int)MR_FRAME_ROOM == (int)MR_FRAME_HEADER_SIZE, "limits.h agrees");
_Static_assert((int)MR_ENTRY_SIZE == (int)MR_ENTRY_HEADER_SIZE, "limits.h agrees");
_Static_assert(MR_FRAME_BYTES_MAX % MR_STORAGE_ALIGNMENT == 0, "the largest frame is whole pages");

static const unsigned char frame_magic[8] = "MRFRAME";

const char *mr_fault_text(enum mr_fault fault)
{
#define FAULT_TEXT(name, text) text,
    static const char *const texts[] = {MR_FAULT_LIST(FAULT_TEXT)};
#undef FAULT_TEXT
    ASSERT((size_t)fault < sizeof texts / sizeof texts[0]);
    return texts[fault];
}

struct mr_digest mr_entry_digest(const struct mr_entry *entry)
{
    return mr_digest_of(entry, entry->length);
}

struct mr_tip mr_tip_after(const struct mr_entry *entry, struct mr_digest digest)
{
    return (struct mr_tip){
        .index = entry->index,
        .sequence = mr_entry_last_sequence(entry),
        .time_ns = entry->time_ns,
        .digest = digest,
    };
}

bool mr_tip_equal(const struct mr_tip *a, const struct mr_tip *b)
{
    return a->index == b->index && a->sequence == b->sequence && a->time_ns == b->time_ns &&
           mr_digest_equal(a->digest, b->digest);
}

static uint64_t seed_of(const struct mr_frame_place *place, uint64_t generation)
{
    uint64_t id[2];
    memcpy(id, place->journal_id, sizeof id);
    uint64_t seed = mr_mix64(id[0] + 1) ^ id[1];
    seed = mr_mix64(seed + 1) ^ generation;
    seed = mr_mix64(seed + 1) ^ place->segment;
    return mr_mix64(seed + 1) ^ place->offset;
}

static struct mr_digest checksum_of(const struct mr_frame_header *header,
                                    const struct mr_frame_place *place)
{
    struct mr_frame_header copy = *header;
    copy.checksum = (struct mr_digest){0, 0};
    return mr_digest_seeded(&copy, sizeof copy, seed_of(place, header->generation));
}

void mr_frame_pad(void *frame, uint32_t entry_length)
{
    uint32_t used = MR_FRAME_ROOM + entry_length;
    memset((unsigned char *)frame + used, MR_FRAME_PADDING, mr_frame_length(entry_length) - used);
}

/* Almost every sector shows a nonzero byte in its first words, so this stops early. */
static bool is_zero_sector(const unsigned char *sector)
{
    for (size_t i = 0; i < MR_SECTOR_SIZE; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, sector + i, sizeof word);
        if (word != 0) {
            return false;
        }
    }
    return true;
}

bool mr_frame_has_zero_sector(const void *bytes, size_t size)
{
    ASSERT(size % MR_SECTOR_SIZE == 0);
    for (size_t i = 0; i < size; i += MR_SECTOR_SIZE) {
        if (is_zero_sector((const unsigned char *)bytes + i)) {
            return true;
        }
    }
    return false;
}

void mr_frame_mask(void *frame, uint32_t entry_length, uint64_t mask)
{
    unsigned char *bytes = (unsigned char *)frame + MR_FRAME_ROOM;
    uint32_t whole = entry_length & ~7U;
    for (uint32_t i = 0; i < whole; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        word ^= mask;
        memcpy(bytes + i, &word, sizeof word);
    }
    for (uint32_t i = whole; i < entry_length; i++) {
        bytes[i] ^= (unsigned char)(mask >> (8 * (i - whole)));
    }
}

/* A masked sector is zero only if all its words equal the mask, and each sector rules out one mask
 * at most, so this ends. The digest makes the mask one that a sender of commands cannot foresee. */
uint64_t mr_frame_mask_zeros(void *frame, uint32_t entry_length, struct mr_digest entry_digest)
{
    uint64_t mask = 0;
    for (uint64_t attempt = 0;; attempt++) {
        uint64_t candidate = mr_mix64(entry_digest.low + attempt);
        mr_frame_mask(frame, entry_length, mask ^ candidate);
        mask = candidate;
        /* The first sector holds the header, which is not there yet, and never is zero. */
        if (mask != 0 &&
            !mr_frame_has_zero_sector((unsigned char *)frame + MR_SECTOR_SIZE,
                                      mr_frame_length(entry_length) - MR_SECTOR_SIZE)) {
            return mask;
        }
    }
}

/* Under os durability the watermark says what was synced, which may be long ago. */
static bool watermark_fits(const struct mr_frame_header *header)
{
    return (header->flags & MR_FRAME_FLAG_OS) != 0 ||
           header->number - header->durable_number <= MR_FRAMES_IN_FLIGHT_MAX;
}

void mr_frame_put_header(void *frame, struct mr_frame_header *header,
                         const struct mr_frame_place *place)
{
    ASSERT(header->number > header->durable_number);
    ASSERT(watermark_fits(header));
    memcpy(&header->magic, frame_magic, sizeof header->magic);
    header->version = MR_FRAME_VERSION;
    header->header_size = MR_FRAME_ROOM;
    header->length = mr_frame_length(header->entry_length);
    header->segment = place->segment;
    header->offset = place->offset;
    ASSERT(place->offset + header->length <= place->limit);
    header->checksum = checksum_of(header, place);
    memcpy(frame, header, sizeof *header);
}

/* Checks what a whole header says. A checksum does not make a length safe to use: the header may
 * have been written by a faulty program. */
static bool fields_agree(const struct mr_frame_header *header, const struct mr_frame_place *place)
{
    bool has_entry = header->kind == MR_FRAME_ENTRY;
    if (header->kind < MR_FRAME_ENTRY || header->kind > MR_FRAME_SEAL ||
        header->header_size != MR_FRAME_ROOM || header->generation == 0 ||
        (header->flags & ~MR_FRAME_FLAGS_KNOWN) != 0) {
        return false;
    }
    if (header->length > MR_FRAME_BYTES_MAX || header->entry_length > header->length ||
        header->length != mr_frame_length(header->entry_length) ||
        has_entry != (header->entry_length >= MR_ENTRY_SIZE) ||
        (!has_entry && header->entry_length != 0)) {
        return false;
    }
    if (header->segment != place->segment || header->offset != place->offset ||
        place->offset > place->limit || header->length > place->limit - place->offset) {
        return false;
    }
    return header->number > header->durable_number && watermark_fits(header) &&
           header->durable_index <= header->before.index &&
           header->durable_sequence <= header->before.sequence &&
           (header->kind == MR_FRAME_SEAL || header->end_offset == 0);
}

static bool is_blank(const struct mr_frame_header *header)
{
    static const struct mr_frame_header blank;
    return memcmp(header, &blank, sizeof blank) == 0;
}

enum mr_fault mr_frame_get_header(const void *page, const struct mr_frame_place *place,
                                  struct mr_frame_header *header)
{
    memcpy(header, page, sizeof *header);
    if (memcmp(&header->magic, frame_magic, sizeof header->magic) != 0) {
        return is_blank(header) ? MR_FAULT_BLANK : MR_FAULT_HEADER;
    }
    if (!mr_digest_equal(header->checksum, checksum_of(header, place))) {
        return MR_FAULT_HEADER;
    }
    if (header->version != MR_FRAME_VERSION) {
        return MR_FAULT_VERSION;
    }
    return fields_agree(header, place) ? MR_FAULT_NONE : MR_FAULT_FIELDS;
}

/* All bytes equal the first, and that is the pattern. */
static bool padding_is_whole(const unsigned char *frame, const struct mr_frame_header *header)
{
    const unsigned char *padding = frame + MR_FRAME_ROOM + header->entry_length;
    size_t size = header->length - MR_FRAME_ROOM - header->entry_length;
    return size == 0 ||
           (padding[0] == MR_FRAME_PADDING && memcmp(padding, padding + 1, size - 1) == 0);
}

/* The entry's own fields against its frame's: chained to what the frame says lies before it. */
static enum mr_fault check_entry(const struct mr_entry *entry, const struct mr_frame_header *header)
{
    if (entry->version != 0) {
        return MR_FAULT_VERSION;
    }
    bool agrees = entry->length == header->entry_length && entry->count > 0 && entry->index > 0 &&
                  entry->first_sequence > 0 && entry->first_sequence <= UINT64_MAX - entry->count &&
                  entry->index == header->before.index + 1 &&
                  entry->first_sequence == header->before.sequence + 1 &&
                  mr_digest_equal(entry->previous, header->before.digest);
    return agrees ? MR_FAULT_NONE : MR_FAULT_FIELDS;
}

enum mr_fault mr_frame_open(void *frame, const struct mr_frame_header *header)
{
    if (!padding_is_whole(frame, header)) {
        return MR_FAULT_PADDING;
    }
    if (header->kind != MR_FRAME_ENTRY) {
        return MR_FAULT_NONE;
    }
    if (header->mask != 0) {
        mr_frame_mask(frame, header->entry_length, header->mask);
    }
    const struct mr_entry *entry = mr_frame_entry(frame);
    enum mr_fault fault = MR_FAULT_ENTRY;
    if (mr_digest_equal(mr_digest_of(entry, header->entry_length), header->entry_digest)) {
        fault = check_entry(entry, header);
    }
    if (fault != MR_FAULT_NONE && header->mask != 0) {
        mr_frame_mask(frame, header->entry_length, header->mask);
    }
    return fault;
}
