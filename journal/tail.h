/*
 * Looking ahead from the first place that holds no good frame: what lies behind it, and could the
 * death of an honest disk have left it there?
 *
 * What such a death leaves: the frames that were in flight, at most MR_FRAMES_IN_FLIGHT_MAX of
 * them, one behind the other, each of their sectors written or still zero. As no sector of a frame
 * is zero, a frame that is not whole has a zero sector; and as a frame's header lies in one sector,
 * it is whole or zero.
 */
#ifndef MR_JOURNAL_TAIL_H
#define MR_JOURNAL_TAIL_H

#include "journal/scan.h"

/* More than the frames in flight can touch. */
enum { MR_TAIL_PARTS_MAX = 2 * MR_FRAMES_IN_FLIGHT_MAX + 2 };

/* Bytes that are not zero behind the end, in whole pages. */
struct mr_tail_part {
    uint32_t segment;
    uint64_t offset;
    uint64_t end;
};

struct mr_tail {
    struct mr_tail_part parts[MR_TAIL_PARTS_MAX];
    uint32_t count;
    uint64_t bytes;

    /* The first thing that no honest death explains; NONE: all is explained. */
    enum mr_fault fault;
    uint32_t fault_segment;
    uint64_t fault_offset;
    uint64_t fault_sequence;
};

/* Looks from where `scan` ended to the end of the last segment, or until a watermark says that the
 * frame at that place had been durable: then scan->durable.number >= scan->number, which settles
 * it. scan->number and scan->tip stay; the place moves. MR_OK or MR_E_*. */
int mr_tail_look(struct mr_scan *scan, struct mr_tail *tail, struct mr_error *error);

#endif
