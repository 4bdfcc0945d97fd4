/*
 * The walk over a journal in order, frame by frame, checking every byte that it passes. It ends at
 * the first place that holds no frame that continues the chain; what that means is decided
 * elsewhere (journal/recovery.c for a start, journal/reader.c for a reader).
 */
#ifndef MR_JOURNAL_SCAN_H
#define MR_JOURNAL_SCAN_H

#include "journal/frame.h"
#include "journal/segment.h"
#include "journal/truncation.h"
#include "journal/window.h"

struct mr_scan {
    struct mr_storage *storage;
    struct mr_inventory inventory;
    struct mr_window window;
    uint8_t journal_id[MR_JOURNAL_ID_SIZE];
    bool have_id;
    struct mr_truncation truncation; /* the last one; state 0: there was none */
    enum mr_fault record_fault;      /* of its record */

    /* The place in hand: */
    uint32_t at; /* in the inventory */
    struct mr_superblock superblock;
    uint64_t offset;
    /* What must come there: */
    uint64_t number;
    uint64_t generation;
    struct mr_tip tip;

    /* The first segment met of whose superblock one copy is damaged; 0: none. */
    uint32_t half_segment;
    uint64_t half_offset;

    enum mr_durability written;                   /* the policy of the last frame that was passed */
    uint64_t committed_index, committed_sequence; /* the highest that a frame carries */

    struct mr_bound durable; /* the highest watermark that anything whole carried so far */

    /* Why the walk ended, after MR_AGAIN: */
    enum mr_fault fault;
    uint32_t fault_segment;
    uint64_t fault_offset;
};

/* Takes the inventory, the truncation record (whose faults mr_scan_enter reports) and the memory.
 * MR_E_NOT_FOUND: no segment there. */
int mr_scan_init(struct mr_scan *scan, struct mr_storage *storage, struct mr_error *error);
void mr_scan_free(struct mr_scan *scan);

/* Opens the segment at a place of the inventory (below its count) and checks its head. MR_OK;
 * MR_AGAIN when it is damaged (`fault` says how); MR_E_*. */
int mr_scan_enter(struct mr_scan *scan, uint32_t at, struct mr_error *error);

/* MR_OK: the next whole frame that continues the chain; `*entry` is NULL for a watermark, else lies
 * in the window until the next call. Seals are passed in silence. MR_AGAIN: the walk ends here, the
 * window forgot all, `fault` says what is at the place: NONE when it is the cut of a truncation
 * that is not completed, behind which nothing counts. MR_E_*. */
int mr_scan_next(struct mr_scan *scan, struct mr_frame_header *header, struct mr_entry **entry,
                 struct mr_error *error);

static inline uint32_t mr_scan_segment(const struct mr_scan *scan)
{
    return scan->inventory.numbers[scan->at];
}

static inline uint64_t mr_scan_seal_offset(const struct mr_scan *scan)
{
    return mr_segment_seal_offset(scan->superblock.segment_bytes);
}

/* The place of a frame at `offset` of the segment in hand. */
struct mr_frame_place mr_scan_place(const struct mr_scan *scan, uint64_t offset);

void mr_bound_raise(struct mr_bound *bound, const struct mr_frame_header *header);

bool mr_bytes_zero(const void *bytes, size_t size);

#endif
