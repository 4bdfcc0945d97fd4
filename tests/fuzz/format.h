/*
 * Checksums computed as docs/format-journal.md says, and not with the journal's own code: to get
 * behind them, and because two that agree are better than one.
 */
#ifndef MR_TESTS_FUZZ_FORMAT_H
#define MR_TESTS_FUZZ_FORMAT_H

#include "journal/frame.h"
#include "journal/segment.h"

/* Of the header's 256 bytes at `header`, as it lies in `place`. */
struct mr_digest format_frame_checksum(const void *header, const struct mr_frame_place *place);
/* Of the copy's 4,096 bytes at `block`. */
struct mr_digest format_superblock_checksum(const void *block);

/* Puts the checksum of the header at `frame` right. */
void format_repair_header(void *frame, const struct mr_frame_place *place);
/* Puts right all that a frame of `room` bytes says of itself: lengths, digest, padding, checksum;
 * with `chain` also what its entry says of the entry before. */
void format_repair_frame(void *frame, size_t room, const struct mr_frame_place *place, bool chain);
/* Puts the checksum of the copy at `block` right. */
void format_repair_superblock(void *block);

#endif
