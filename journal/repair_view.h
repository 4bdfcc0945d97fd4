/*
 * A storage as it will be once it is repaired: reads show patched pages, short segments at their
 * full length, and no damaged record. So the same walk and the same decision table that recovery
 * uses say what a repair achieves, before anything is written.
 */
#ifndef MR_JOURNAL_REPAIR_VIEW_H
#define MR_JOURNAL_REPAIR_VIEW_H

#include "journal/segment.h"

#include <millrace/repair.h>

/* A page of a segment that is written anew. */
struct mr_repair_patch {
    enum mr_repair_kind kind;
    uint32_t segment;
    uint64_t offset;
    unsigned char *page;
};

/* A segment that is shorter than it says. */
struct mr_repair_length {
    uint32_t segment;
    uint64_t from, to;
};

enum { MR_REPAIR_LENGTHS_MAX = 16, MR_REPAIR_PATCHES_MAX = 1 << 16, MR_REPAIR_FILES_MAX = 4 };

struct mr_repair_view {
    struct mr_storage storage; /* what reads go through */
    struct mr_storage *real;
    struct mr_repair_patch *patches; /* in the order of their places, once sorted */
    uint32_t patch_count, patch_room;
    struct mr_repair_length lengths[MR_REPAIR_LENGTHS_MAX];
    uint32_t length_count;
    bool hide_record; /* as if there had never been a truncation */
    struct {
        int file;
        uint32_t segment; /* 0: another file, or the place is free */
    } files[MR_REPAIR_FILES_MAX];
};

void mr_repair_view_init(struct mr_repair_view *view, struct mr_storage *real);
void mr_repair_view_free(struct mr_repair_view *view);

/* From now on the page at `offset` of a segment reads as `page`. MR_E_NO_MEMORY, MR_E_LIMIT. */
int mr_repair_patch(struct mr_repair_view *view, enum mr_repair_kind kind, uint32_t segment,
                    uint64_t offset, const unsigned char *page, struct mr_error *error);
/* From now on a segment of `from` bytes has `to`. MR_E_LIMIT: too many are short. */
int mr_repair_extend(struct mr_repair_view *view, uint32_t segment, uint64_t from, uint64_t to,
                     struct mr_error *error);

/* Calls `each` for every page of a segment from `from` on, the last one perhaps shorter, until it
 * returns false. */
int mr_repair_pages(struct mr_storage *storage, uint32_t segment, uint64_t from,
                    bool (*each)(void *context, uint64_t offset, const unsigned char *page,
                                 size_t size),
                    void *context, struct mr_error *error);

/* Mends the heads of all segments that can be mended, as patches and extensions (repair_heads.c).
 * `generation` gets the highest that a superblock has. */
int mr_repair_heads(struct mr_repair_view *view, const struct mr_inventory *inventory,
                    uint64_t *generation, struct mr_error *error);

#endif
