/*
 * Making a journal out of a dump, entry by entry as it was.
 */
#ifndef MR_TOOLS_LOAD_H
#define MR_TOOLS_LOAD_H

#include "tools/lines.h"

#include <millrace/journal.h>

struct load_report {
    uint64_t entries, commands;
    struct mr_digest chain; /* of the last entry */
};

/* Reads the dump to its end and makes a journal of it in `storage`, which is locked and holds none.
 * MR_OK: it is whole, durable and the same as the one that was dumped. MR_AGAIN: a signal asked to
 * stop. MR_E_INVALID: not a dump, or not as it was written, with file and line; else codes of the
 * journal. After anything but MR_OK, what is in `storage` is of no use. */
int load_journal(struct lines *lines, struct mr_storage *storage, uint64_t segment_bytes,
                 struct load_report *report, struct mr_error *error);

#endif
