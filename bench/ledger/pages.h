/*
 * Memory on huge pages, where the system has them to give, or on normal ones for certain.
 */
#ifndef MR_BENCH_LEDGER_PAGES_H
#define MR_BENCH_LEDGER_PAGES_H

#include <millrace/mapping.h>

#include <stdbool.h>

/* False: the system has not that much; said so. */
bool pages_map(struct mr_mapping *mapping, size_t size, bool huge);

#endif
