/*
 * Random access: finds a frame by halves, first among the segments, then among the frames of one.
 * Headers are enough for that; the walk from there on checks all the rest.
 */
#ifndef MR_JOURNAL_SEEK_H
#define MR_JOURNAL_SEEK_H

#include "journal/scan.h"

enum mr_seek_key { MR_SEEK_SEQUENCE, MR_SEEK_TIME, MR_SEEK_INDEX };

/* Puts `scan`, which was just initialised, in front of a frame before which every entry has a key
 * (last sequence, time, index) below `value`, close to the first one that has not: at most the
 * frames that one probe passes lie between. At the journal's first frame when there is none such.
 * Elsewhere `adopt` is set. O(log n) reads. MR_OK; MR_AGAIN when the head of the segment is damaged
 * (`fault` says how); MR_E_*. */
int mr_scan_seek(struct mr_scan *scan, enum mr_seek_key key, uint64_t value,
                 struct mr_error *error);

#endif
