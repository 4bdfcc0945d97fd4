#include "base/bits.h"

#include <millrace/mapping.h>

#include <sys/mman.h>
#include <unistd.h>

/* What x86-64 and most of AArch64 call huge; also the alignment at which the kernel can merge. */
enum { HUGE_PAGE = 2 << 20 };

static void *map(size_t size, int flags)
{
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    return memory;
}

/* Normal pages at a place where the kernel can merge them: maps more, gives back what is around. */
static void *map_aligned(size_t size)
{
    unsigned char *memory = map(size + HUGE_PAGE, 0);
    if (memory == NULL)
        return NULL;
    size_t before = (size_t)(mr_align_up((uintptr_t)memory, HUGE_PAGE) - (uintptr_t)memory);
    unsigned char *aligned = memory + before;
    if (before > 0)
        munmap(memory, before);
    munmap(aligned + size, HUGE_PAGE - before);
    /* Advice: without transparent huge pages these are normal ones. */
    madvise(aligned, size, MADV_HUGEPAGE);
    /* cppcheck-suppress [memleak,deallocret] # only what lies around it was given back */
    return aligned;
}

/* Reserved huge pages, else normal ones that the kernel may merge unless `only` those will do. */
static struct mr_mapping map_huge(size_t size, bool only)
{
    struct mr_mapping mapping = {.size = mr_align_up(size, HUGE_PAGE), .huge = true};
    mapping.memory = map(mapping.size, MAP_HUGETLB);
    if (mapping.memory == NULL && !only) {
        mapping.huge = false;
        mapping.memory = map_aligned(mapping.size);
    }
    return mapping;
}

static struct mr_mapping map_normal(size_t size)
{
    struct mr_mapping mapping = {.size = mr_align_up(size, (size_t)sysconf(_SC_PAGESIZE))};
    mapping.memory = map(mapping.size, 0);
    return mapping;
}

int mr_mapping_init(struct mr_mapping *mapping, size_t size, enum mr_pages pages,
                    struct mr_error *error)
{
    if (size == 0 || size > SIZE_MAX / 2 ||
        (pages != MR_PAGES_NORMAL && pages != MR_PAGES_HUGE && pages != MR_PAGES_HUGE_ONLY))
        return mr_error_set(error, MR_E_INVALID, "mapping: %zu bytes of pages %d cannot be had",
                            size, (int)pages);
    struct mr_mapping got =
        pages == MR_PAGES_NORMAL ? map_normal(size) : map_huge(size, pages == MR_PAGES_HUGE_ONLY);
    if (got.memory == NULL)
        return mr_error_set(
            error, MR_E_NO_MEMORY, "mapping: the system has no %zu bytes%s", size,
            pages == MR_PAGES_HUGE_ONLY ? " on huge pages (vm.nr_hugepages reserves them)" : "");
    *mapping = got;
    return MR_OK;
}

void mr_mapping_free(struct mr_mapping *mapping)
{
    if (mapping->memory != NULL)
        munmap(mapping->memory, mapping->size);
    *mapping = (struct mr_mapping){0};
}
