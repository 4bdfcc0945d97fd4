/*
 * Small journals that the writer made, to be damaged: the same bytes in every run.
 */
#ifndef MR_TESTS_FUZZ_BASES_H
#define MR_TESTS_FUZZ_BASES_H

#include "tests/support/memory_storage.h"

#include <millrace/journal.h>

/* The base that an input's first byte chooses; made when it is first asked for. */
struct memory_storage *bases_get(uint8_t choice);
/* The last index of it that a watermark covers. */
uint64_t bases_durable(uint8_t choice);
/* Is the last entry of the report one that some base holds at that index, or none at all? */
bool bases_knows(const struct mr_recovery *report);

#endif
