/*
 * A torn tail goes: archived, then zeroed.
 */
#include "journal/archive.h"
#include "journal/recovery.h"

#include "base/assert.h"

int mr_torn_remove(struct mr_storage *storage, const struct mr_tail *tail, char archive[64],
                   struct mr_error *error)
{
    ASSERT(tail->count > 0);
    ASSERT(tail->fault == MR_FAULT_NONE);
    int status =
        mr_archive_parts(storage, tail->parts, tail->count, MR_ARCHIVE_TORN, archive, error);
    for (uint32_t i = 0; i < tail->count && status == MR_OK; i++) {
        const struct mr_tail_part *part = &tail->parts[i];
        status = mr_segment_zero(storage, part->segment, part->offset, part->end, error);
    }
    return status;
}
