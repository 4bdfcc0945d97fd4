/*
 * Keeping the bytes of segments that are about to be destroyed: copies below DIR/archive/, whole
 * and synced before anything else happens.
 */
#ifndef MR_JOURNAL_ARCHIVE_H
#define MR_JOURNAL_ARCHIVE_H

#include "journal/tail.h"

enum { MR_ARCHIVE_NAME_SIZE = 64 };

/* What a copy's name says about why it was made. */
#define MR_ARCHIVE_TORN   "torn"   /* a torn tail, cut off by recovery */
#define MR_ARCHIVE_REPAIR "repair" /* what a repair overwrote or dropped */

/* Copies each part to archive/SEGMENT-OFFSET.WHY-N, N being the first that is free: a temporary,
 * synced and renamed; then syncs the directories. Segment 0 stands for the truncation record.
 * `name` gets that of the first copy. After a crash it is done again, under the next names.
 * MR_E_IO, MR_E_NO_SPACE, MR_E_READ_ONLY, MR_E_NO_MEMORY, MR_E_LIMIT (too many copies of one
 * place). */
int mr_archive_parts(struct mr_storage *storage, const struct mr_tail_part *parts, uint32_t count,
                     const char *why, char name[MR_ARCHIVE_NAME_SIZE], struct mr_error *error);

#endif
