#include "tests/fuzz/damages.h"

#include "tests/fuzz/bases.h"
#include "tests/fuzz/format.h"
#include "tests/fuzz/lives.h"

#include "journal/truncation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OP_SIZE = 8, OPS_MAX = 48 };

enum op {
    OP_FLIP,        /* a bit */
    OP_ZERO_SECTOR, /* as a crash leaves one that was not written */
    OP_ZERO_PAGES,
    OP_COPY_PAGE, /* from another place: stale, misdirected, duplicated */
    OP_COPY_SECTOR,
    OP_SET_WORD,
    OP_ADD_WORD,
    OP_REPAIR_HEADER,
    OP_REPAIR_FRAME,
    OP_REPAIR_CHAIN,
    OP_REPAIR_SUPERBLOCK, /* and a truncation record, whose checksum is the same */
    OP_RESIZE,
    OP_REMOVE,
    OP_COPY_SEGMENT,
    OP_GARBAGE,
    OP_OTHER_BASE, /* a page out of another journal with the same id */
    OPS,
};

struct spot {
    char name[MR_SEGMENT_NAME_SIZE];
    unsigned char *bytes; /* of the page; NULL: there is none */
    struct mr_frame_place place;
    size_t left; /* bytes from the page to the end of the file */
};

static struct spot spot_of(struct memory_storage *memory, uint8_t segment, uint8_t page)
{
    struct spot spot = {0};
    size_t size;
    if (segment % 8U == 7) {
        (void)snprintf(spot.name, sizeof spot.name, "%s", MR_TRUNCATION_NAME);
    } else {
        mr_segment_name(1 + segment % 4U, spot.name);
    }
    unsigned char *bytes = memory_storage_bytes(memory, spot.name, &size);
    if (size < MR_PAGE_SIZE) {
        return spot;
    }
    size_t offset = page % (size / MR_PAGE_SIZE) * MR_PAGE_SIZE;
    spot.bytes = bytes + offset;
    spot.left = size - offset;
    spot.place = (struct mr_frame_place){
        .segment = 1 + segment % 4U, .offset = offset, .limit = size - MR_PAGE_SIZE};
    memcpy(spot.place.journal_id, lives_id, sizeof lives_id);
    return spot;
}

static void change_files(struct damage *damage, enum op op, const struct spot *spot, uint32_t value)
{
    struct memory_storage *memory = damage->memory;
    struct mr_storage *storage = memory_storage_seam(memory);
    char name[MR_SEGMENT_NAME_SIZE];
    size_t size;
    if (op == OP_RESIZE) {
        memory_storage_resize(memory, spot->name, value % 40 * 2048);
    } else if (op == OP_REMOVE) {
        (void)storage->calls->remove(storage, spot->name, NULL);
    } else {
        mr_segment_name(1 + value % 5U, name);
        if (memory_storage_bytes(memory, spot->name, &size) == NULL || size == 0) {
            return;
        }
        memory_storage_resize(memory, name, 0);
        memory_storage_resize(memory, name, size);
        size_t same;
        unsigned char *to = memory_storage_bytes(memory, name, &same);
        const unsigned char *from = memory_storage_bytes(memory, spot->name, &size);
        memmove(to, from, size);
    }
}

static void repair(struct damage *damage, enum op op, const struct spot *spot)
{
    damage->forged = true;
    if (op == OP_REPAIR_HEADER) {
        format_repair_header(spot->bytes, &spot->place);
    } else if (op == OP_REPAIR_SUPERBLOCK) {
        format_repair_superblock(spot->bytes);
    } else {
        format_repair_frame(spot->bytes, spot->left, &spot->place, op == OP_REPAIR_CHAIN);
    }
}

static void copy(const struct damage *damage, enum op op, const struct spot *to, size_t sector,
                 uint32_t value)
{
    struct memory_storage *memory =
        op == OP_OTHER_BASE ? bases_get((uint8_t)(value >> 16)) : damage->memory;
    struct spot from = spot_of(memory, (uint8_t)value, (uint8_t)(value >> 8));
    if (from.bytes != NULL && op == OP_COPY_SECTOR) {
        memmove(to->bytes + sector, from.bytes + sector, MR_SECTOR_SIZE);
    } else if (from.bytes != NULL) {
        memmove(to->bytes, from.bytes, MR_PAGE_SIZE);
    }
}

static void change_word(unsigned char *at, bool add, uint32_t value)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t delta = (uint64_t)((int64_t)(value & 0xff) - 128);
    word = add ? word + delta : (value >> 16 == 255 ? UINT64_MAX - (value & 0xffff) : value);
    memcpy(at, &word, sizeof word);
}

static void apply(struct damage *damage, const uint8_t *op_bytes)
{
    enum op op = (enum op)(op_bytes[0] % OPS);
    struct spot spot = spot_of(damage->memory, op_bytes[1], op_bytes[2]);
    size_t at = (op_bytes[3] | (size_t)op_bytes[4] << 8) % MR_PAGE_SIZE;
    size_t sector = at / MR_SECTOR_SIZE * MR_SECTOR_SIZE;
    uint32_t value = op_bytes[5] | (uint32_t)op_bytes[6] << 8 | (uint32_t)op_bytes[7] << 16;
    damage->flipped &= op == OP_FLIP;
    if (op == OP_RESIZE || op == OP_REMOVE || op == OP_COPY_SEGMENT) {
        change_files(damage, op, &spot, value);
    } else if (spot.bytes == NULL) {
        return;
    } else if (op == OP_FLIP) {
        spot.bytes[at] ^= (unsigned char)(1U << value % 8);
    } else if (op == OP_ZERO_SECTOR) {
        memset(spot.bytes + sector, 0, MR_SECTOR_SIZE);
    } else if (op == OP_ZERO_PAGES) {
        size_t size = (value % 8 + 1) * (size_t)MR_PAGE_SIZE;
        memset(spot.bytes, 0, size < spot.left ? size : spot.left);
    } else if (op == OP_COPY_PAGE || op == OP_COPY_SECTOR || op == OP_OTHER_BASE) {
        copy(damage, op, &spot, sector, value);
    } else if (op == OP_SET_WORD || op == OP_ADD_WORD) {
        change_word(spot.bytes + at / 8 * 8, op == OP_ADD_WORD, value);
    } else if (op == OP_GARBAGE) {
        size_t size = (value >> 8) % 600;
        memset(spot.bytes + at, (int)value & 0xff, size < spot.left - at ? size : spot.left - at);
    } else {
        repair(damage, op, &spot);
    }
}

struct damage damages_make(const uint8_t *data, size_t size)
{
    struct damage damage = {.memory = NULL, .flipped = true};
    if (size == 0 || size > 1 + OPS_MAX * OP_SIZE) {
        return damage;
    }
    damage.memory = memory_storage_clone(bases_get(data[0]));
    for (size_t at = 1; at + OP_SIZE <= size; at += OP_SIZE) {
        apply(&damage, data + at);
    }
    return damage;
}
