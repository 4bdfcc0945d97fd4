/*
 * Small lives of the writer, which leave the same bytes in every run.
 */
#ifndef MR_TESTS_FUZZ_LIVES_H
#define MR_TESTS_FUZZ_LIVES_H

#include "tests/support/memory_storage.h"

#include <millrace/journal.h>

extern const uint8_t lives_id[MR_JOURNAL_ID_SIZE];

/* How a life ends: in good order; as in a crash, without a watermark that covers the last entry;
 * so, and the last frame lost a sector; with half of the entries truncated; so, but cut off when
 * there was no more than the record of it. */
enum life_end { LIFE_STOPPED, LIFE_DIED, LIFE_TORN, LIFE_TRUNCATED, LIFE_CUT };

struct life {
    uint32_t segment_bytes;
    int entries;
    uint32_t payload_max; /* bytes of commands, at least 1 */
    uint32_t zeros_max;   /* the same of every third entry, which is zeros; 0: as the others */
    enum life_end end;
    enum mr_durability durability;
};

/* What the life leaves in a directory. */
struct memory_storage *lives_make(const struct life *life);

/* Starts the journal, appends `count` entries behind what the report says, and stops it. */
void lives_append(struct memory_storage *memory, struct mr_journal *journal,
                  const struct mr_recovery *report, int count);

#endif
