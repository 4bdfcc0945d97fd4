/*
 * Mending the heads of segments. Where one copy of the superblock is whole, all of the head follows
 * from it. Where none is, it can be made from what the segment holds: a frame that verifies proves
 * the journal's id, by which its checksum is seeded, and the file tells its own length.
 */
#include "journal/repair_view.h"

#include "base/assert.h"
#include "journal/scan.h"

#include <stddef.h>
#include <string.h>

struct heads {
    struct mr_repair_view *view;
    uint8_t id[MR_JOURNAL_ID_SIZE]; /* of the first segment that has a whole superblock */
    bool have_id;
    uint64_t generation; /* the highest seen in a superblock */
};

/* The superblock at `offset`, judged alone. */
static bool copy_is_whole(const unsigned char *head, uint64_t offset, uint32_t number,
                          struct mr_superblock *superblock)
{
    unsigned char alone[MR_SEGMENT_HEAD] = {0};
    uint64_t place;
    bool half;
    memcpy(alone + offset, head + offset, MR_PAGE_SIZE);
    return mr_segment_get_head(alone, number, superblock, &place, &half) == MR_FAULT_NONE;
}

/* The superblock that the whole copies agree on. */
static bool get_superblock(const unsigned char *head, uint32_t number,
                           struct mr_superblock *superblock)
{
    struct mr_superblock other;
    bool a = copy_is_whole(head, MR_SUPERBLOCK_COPY_A, number, superblock);
    bool b = copy_is_whole(head, MR_SUPERBLOCK_COPY_B, number, &other);
    if (!a || !b) {
        *superblock = a ? *superblock : other;
        return a || b;
    }
    other.offset = superblock->offset;
    other.checksum = superblock->checksum;
    return memcmp(&other, superblock, sizeof other) == 0;
}

static int read_head(struct heads *heads, uint32_t number, unsigned char head[MR_SEGMENT_HEAD],
                     uint64_t *file_bytes, struct mr_error *error)
{
    struct mr_storage *real = heads->view->real;
    char name[MR_SEGMENT_NAME_SIZE];
    size_t got = 0;
    int file;
    mr_segment_name(number, name);
    memset(head, 0, MR_SEGMENT_HEAD);
    int status = real->calls->open(real, name, MR_OPEN_READ, &file, error);
    if (status != MR_OK) {
        return status;
    }
    status = real->calls->size(real, file, file_bytes, error);
    if (status == MR_OK) {
        status = real->calls->read(real, file, 0, head, MR_SEGMENT_HEAD, &got, error);
    }
    real->calls->close(real, file);
    return status;
}

/* -- Making a head from what the segment holds. ------------------------------------------------ */

struct search {
    struct mr_frame_place place;
    struct mr_frame_header header;
    bool found;
    bool blank; /* nothing but zeros behind the head */
};

static bool look_for_frame(void *context, uint64_t offset, const unsigned char *page, size_t size)
{
    struct search *search = context;
    search->place.offset = offset;
    search->blank = search->blank && mr_bytes_zero(page, size);
    search->found = size == MR_PAGE_SIZE &&
                    mr_frame_get_header(page, &search->place, &search->header) == MR_FAULT_NONE;
    return !search->found;
}

static int search_frames(struct heads *heads, uint32_t number, const uint8_t *id,
                         struct search *search, struct mr_error *error)
{
    *search = (struct search){.place = {.segment = number, .limit = UINT64_MAX}, .blank = true};
    memcpy(search->place.journal_id, id, MR_JOURNAL_ID_SIZE);
    return mr_repair_pages(heads->view->real, number, MR_SEGMENT_HEAD, look_for_frame, search,
                           error);
}

/* MR_OK: `superblock` is made; MR_AGAIN: the segment does not tell what it was. */
static int rebuild(struct heads *heads, uint32_t number, const unsigned char *head,
                   uint64_t file_bytes, struct mr_superblock *superblock, struct mr_error *error)
{
    /* Whichever of these is damaged will not verify. */
    const uint8_t *ids[3] = {
        heads->id,
        head + MR_SUPERBLOCK_COPY_A + offsetof(struct mr_superblock, journal_id),
        head + MR_SUPERBLOCK_COPY_B + offsetof(struct mr_superblock, journal_id),
    };
    struct search search = {.found = false};
    if (!mr_segment_bytes_valid(file_bytes)) {
        return MR_AGAIN;
    }
    for (int i = heads->have_id ? 0 : 1; i < 3 && !search.found; i++) {
        int status = search_frames(heads, number, ids[i], &search, error);
        if (status != MR_OK) {
            return status;
        }
        if (i == 0 && search.blank) {
            break; /* prepared, and never used */
        }
    }
    if (!search.found && !(search.blank && heads->have_id)) {
        return MR_AGAIN;
    }
    *superblock = (struct mr_superblock){
        .segment = number,
        .generation = search.found ? search.header.generation : heads->generation,
        .segment_bytes = file_bytes,
    };
    memcpy(superblock->journal_id, search.place.journal_id, MR_JOURNAL_ID_SIZE);
    return MR_OK;
}

/* -- Mending. ---------------------------------------------------------------------------------- */

static int patch_head(struct heads *heads, uint32_t number, const unsigned char *head,
                      struct mr_superblock *superblock, struct mr_error *error)
{
    unsigned char whole[MR_SEGMENT_HEAD];
    int status = MR_OK;
    mr_segment_put_head(whole, superblock);
    for (uint64_t at = 0; at < MR_SEGMENT_HEAD && status == MR_OK; at += MR_PAGE_SIZE) {
        if (memcmp(whole + at, head + at, MR_PAGE_SIZE) != 0) {
            status = mr_repair_patch(heads->view, MR_REPAIR_HEAD, number, at, whole + at, error);
        }
    }
    return status;
}

static int mend(struct heads *heads, uint32_t number, struct mr_error *error)
{
    unsigned char head[MR_SEGMENT_HEAD];
    struct mr_superblock superblock;
    uint64_t file_bytes;
    int status = read_head(heads, number, head, &file_bytes, error);
    if (status != MR_OK || file_bytes < MR_SEGMENT_HEAD) {
        return status;
    }
    if (!get_superblock(head, number, &superblock)) {
        status = rebuild(heads, number, head, file_bytes, &superblock, error);
    }
    if (status == MR_OK) {
        status = patch_head(heads, number, head, &superblock, error);
    }
    if (status == MR_OK && file_bytes < superblock.segment_bytes) {
        status = mr_repair_extend(heads->view, number, file_bytes, superblock.segment_bytes, error);
    }
    return status == MR_AGAIN ? MR_OK : status;
}

static int learn(struct heads *heads, uint32_t number, struct mr_error *error)
{
    unsigned char head[MR_SEGMENT_HEAD];
    struct mr_superblock superblock;
    uint64_t file_bytes;
    int status = read_head(heads, number, head, &file_bytes, error);
    if (status == MR_OK && get_superblock(head, number, &superblock)) {
        if (!heads->have_id) {
            memcpy(heads->id, superblock.journal_id, sizeof heads->id);
            heads->have_id = true;
        }
        if (superblock.generation > heads->generation) {
            heads->generation = superblock.generation;
        }
    }
    return status;
}

int mr_repair_heads(struct mr_repair_view *view, const struct mr_inventory *inventory,
                    uint64_t *generation, struct mr_error *error)
{
    struct heads heads = {.view = view};
    int status = MR_OK;
    for (uint32_t i = 0; i < inventory->count && status == MR_OK; i++) {
        status = learn(&heads, inventory->numbers[i], error);
    }
    *generation = heads.generation;
    for (uint32_t i = 0; i < inventory->count && status == MR_OK; i++) {
        status = mend(&heads, inventory->numbers[i], error);
    }
    return status;
}
