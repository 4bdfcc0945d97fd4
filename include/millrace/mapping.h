/*
 * <millrace/mapping.h>: memory from the system, on huge pages if wanted: for the slots of a large
 * ring, where it spares translations (one entry of the TLB for 512 pages).
 */
#ifndef MILLRACE_MAPPING_H
#define MILLRACE_MAPPING_H

#include <millrace/error.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* What memory for slots may lie on. */
enum mr_pages {
    MR_PAGES_NORMAL,
    MR_PAGES_HUGE,      /* huge pages if the system grants them, else normal ones */
    MR_PAGES_HUGE_ONLY, /* reserved huge pages (vm.nr_hugepages), or nothing */
};

/* A piece of zeroed memory of the system's, for options.memory or anything else. */
struct mr_mapping {
    void *memory;
    size_t size; /* whole pages: at least what was asked for */
    bool huge;   /* reserved huge pages; false: normal ones, which the kernel may merge */
};

/* Maps `size` bytes. MR_OK; MR_E_INVALID: size 0 or unknown pages; MR_E_NO_MEMORY. Cold. */
int mr_mapping_init(struct mr_mapping *mapping, size_t size, enum mr_pages pages,
                    struct mr_error *error);

/* Gives it back. Fine on one that is all zero. */
void mr_mapping_free(struct mr_mapping *mapping);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
