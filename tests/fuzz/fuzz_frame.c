/*
 * Frames. An input is a byte that says how much room the place has, then the frame, as much of it
 * as there is; the rest is padding, so that small inputs can be large frames.
 */
#include "tests/fuzz/format.h"
#include "tests/fuzz/fuzz.h"

#include "base/digest.h"

#include <stdlib.h>
#include <string.h>

static struct mr_frame_place place_of(uint8_t room)
{
    struct mr_frame_place place = {
        .journal_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
        .segment = 3,
        .offset = 20480,
    };
    place.limit = room == 0 ? UINT64_C(4) << 20 : place.offset + (uint64_t)(room - 1) * 2048;
    return place;
}

/* What a whole header promises, and that it can be written again. */
static void check_header(const struct mr_frame_header *header, const struct mr_frame_place *place,
                         const uint8_t *bytes)
{
    unsigned char again[MR_FRAME_ROOM];
    struct mr_frame_header copy = *header;
    HOLDS(header->length >= MR_PAGE_SIZE && header->length % MR_PAGE_SIZE == 0);
    HOLDS(header->length <= MR_FRAME_BYTES_MAX);
    HOLDS(place->offset <= place->limit && header->length <= place->limit - place->offset);
    HOLDS(header->entry_length <= header->length - MR_FRAME_ROOM);
    HOLDS(header->number > header->durable_number);
    struct mr_digest checksum = format_frame_checksum(bytes, place);
    HOLDS(mr_digest_equal(header->checksum, checksum));
    copy.magic = 0;
    copy.version = 7;
    copy.length = 1;
    mr_frame_put_header(again, &copy, place);
    HOLDS(memcmp(again, bytes, sizeof again) == 0);
}

/* The frame was opened: what its entry promises, and that all of it can be written again. */
static void check_open(unsigned char *frame, const struct mr_frame_header *header,
                       const struct mr_frame_place *place, const unsigned char *stored)
{
    if (header->kind == MR_FRAME_ENTRY) {
        const struct mr_entry *entry = mr_frame_entry(frame);
        HOLDS(entry->length == header->entry_length && entry->count > 0);
        HOLDS(mr_entry_last_sequence(entry) >= entry->first_sequence);
        HOLDS(mr_digest_equal(mr_entry_digest(entry), header->entry_digest));
        struct mr_tip tip = mr_tip_after(entry, header->entry_digest);
        HOLDS(tip.index == header->before.index + 1 && tip.sequence > header->before.sequence);
    }
    struct mr_frame_header copy = *header;
    mr_frame_pad(frame, header->entry_length);
    if (header->mask != 0) {
        mr_frame_mask(frame, header->entry_length, header->mask);
    }
    mr_frame_put_header(frame, &copy, place);
    HOLDS(memcmp(frame, stored, header->length) == 0);
}

static void open_frame(const uint8_t *bytes, size_t size, const struct mr_frame_header *header,
                       const struct mr_frame_place *place)
{
    unsigned char *stored = malloc(header->length);
    unsigned char *frame = malloc(header->length); /* exactly: a byte further is an error */
    HOLDS(stored != NULL && frame != NULL);
    memset(stored, MR_FRAME_PADDING, header->length);
    memcpy(stored, bytes, size < header->length ? size : header->length);
    memcpy(frame, stored, header->length);
    if (mr_frame_open(frame, header) == MR_FAULT_NONE) {
        check_open(frame, header, place, stored);
    } else {
        HOLDS(memcmp(frame, stored, header->length) == 0);
    }
    free(stored);
    free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char blank[MR_FRAME_ROOM];
    struct mr_frame_header header;
    if (size < 1 + MR_FRAME_ROOM) {
        return 0;
    }
    const struct mr_frame_place place = place_of(data[0]);
    const uint8_t *bytes = data + 1;
    unsigned char *page = malloc(MR_FRAME_ROOM); /* no byte more is needed */
    HOLDS(page != NULL);
    memcpy(page, bytes, MR_FRAME_ROOM);
    enum mr_fault fault = mr_frame_get_header(page, &place, &header);
    HOLDS((fault == MR_FAULT_BLANK) == (memcmp(bytes, blank, sizeof blank) == 0));
    HOLDS(memcmp(page, bytes, MR_FRAME_ROOM) == 0);
    HOLDS(*mr_fault_text(fault) != 0);
    if (fault == MR_FAULT_NONE) {
        check_header(&header, &place, page);
        open_frame(bytes, size - 1, &header, &place);
    }
    free(page);
    return 0;
}

/* Most mutations only break a checksum; so three of four get behind it. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    size = LLVMFuzzerMutate(data, size, max_size);
    if (size < 1 + MR_FRAME_ROOM) {
        return size;
    }
    const struct mr_frame_place place = place_of(data[0]);
    if (seed % 4 == 1) {
        format_repair_header(data + 1, &place);
    } else if (seed % 4 >= 2) {
        format_repair_frame(data + 1, size - 1, &place, seed % 4 == 3);
    }
    return size;
}
