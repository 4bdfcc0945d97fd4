#include "bench/ledger/pages.h"

#include <stdio.h>
#include <sys/mman.h>

bool pages_map(struct mr_mapping *mapping, size_t size, bool huge)
{
    struct mr_error error;
    if (mr_mapping_init(mapping, size, huge ? MR_PAGES_HUGE : MR_PAGES_NORMAL, &error) != MR_OK) {
        fprintf(stderr, "bench_ledger: %s\n", error.text);
        return false;
    }
    /* Where the system merges pages without being asked. Where it cannot, there is nothing to
     * refuse. */
    if (!huge)
        (void)madvise(mapping->memory, mapping->size, MADV_NOHUGEPAGE);
    return true;
}
