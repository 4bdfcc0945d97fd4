/*
 * Random access: finds a frame by halves, first among the segments, then among the frames of one.
 * Headers are enough for that; the walk from there on checks all the rest.
 */
#ifndef MR_JOURNAL_SEEK_H
#define MR_JOURNAL_SEEK_H

#include "journal/scan.h"

enum mr_seek_key { MR_SEEK_SEQUENCE, MR_SEEK_TIME, MR_SEEK_INDEX };

/* Puts `scan`, which was just initialised, in front of the last frame before which every entry has
 * a key (last sequence, time, index) below `value`: the first entry that has not, if there is one,
 * is in that frame. At the journal's first frame when there is none such. Frames whose headers are
 * damaged are passed over; so is a header that lies within another frame, which only a client's
 * bytes can imitate: then it stands in front of the first frame of the segment. `number`,
 * `generation` and `tip` are set as that frame's header says. O(log n) reads, small ones but for a
 * last look at the 2 MiB in front of the place. MR_OK; MR_AGAIN when the head of the segment is
 * damaged (`fault` says how); MR_E_*. */
int mr_scan_seek(struct mr_scan *scan, enum mr_seek_key key, uint64_t value,
                 struct mr_error *error);

/* The header at a page of the segment in hand. `*fault` NONE: `header` is whole; BLANK: the page
 * begins with a sector of zeros, which nothing that is written has; else what is wrong. MR_OK or
 * MR_E_*. */
int mr_scan_header(struct mr_scan *scan, uint64_t offset, struct mr_frame_header *header,
                   enum mr_fault *fault, struct mr_error *error);

/* Looks from `offset` on, which is at a frame's length, page by page, for a whole header of a frame
 * (not of a seal), as far as `end`. MR_OK: found at `*found`; MR_AGAIN: none; MR_E_IO. With
 * `written`, a page of zeros ends the look: nothing was ever written there, nor behind it. */
int mr_scan_look(struct mr_scan *scan, uint64_t offset, uint64_t end, bool written,
                 struct mr_frame_header *header, uint64_t *found, struct mr_error *error);

#endif
