#include "base/arena.h"

#include "base/assert.h"
#include "base/bits.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

int mr_arena_init(struct mr_arena *arena, size_t size, struct mr_error *error)
{
    ASSERT(size > 0);
    *arena = (struct mr_arena){0};
    if (size > SIZE_MAX - MR_ARENA_ALIGNMENT_MAX) {
        return mr_error_set(error, MR_E_NO_MEMORY, "cannot map %zu bytes of memory", size);
    }
    size_t mapped = (size_t)mr_align_up(size, MR_ARENA_ALIGNMENT_MAX);
    void *base = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        return mr_error_set_errno(error, errno, "cannot map %zu bytes of memory", mapped);
    }
    madvise(base, mapped, MADV_HUGEPAGE); /* a hint: kernels without huge pages refuse it */
    *arena = (struct mr_arena){.base = base, .size = mapped};
    return MR_OK;
}

size_t mr_arena_size_add(size_t total, size_t size, size_t alignment)
{
    ASSERT(mr_is_power_of_two(alignment));
    ASSERT(alignment <= MR_ARENA_ALIGNMENT_MAX);
    ASSERT(total <= SIZE_MAX / 2);
    ASSERT(size <= SIZE_MAX / 4);
    return (size_t)mr_align_up(total, alignment) + size;
}

void *mr_arena_take(struct mr_arena *arena, size_t size, size_t alignment)
{
    ASSERT(!arena->sealed);
    ASSERT(arena->base != NULL);
    size_t end = mr_arena_size_add(arena->used, size, alignment);
    ASSERT(end <= arena->size);
    arena->used = end;
    return arena->base + (end - size);
}

void mr_arena_seal(struct mr_arena *arena)
{
    arena->sealed = true;
}

void mr_arena_free(struct mr_arena *arena)
{
    if (arena->base != NULL) {
        munmap(arena->base, arena->size);
    }
    *arena = (struct mr_arena){0};
}
