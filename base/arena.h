/*
 * The arena: all memory of a running engine is taken from it at start, in order, and given back at
 * once at the end. After start it is sealed, and taking from it is a programmer's error: a process
 * that allocates nothing cannot run out of memory in the middle of a command.
 */
#ifndef MR_BASE_ARENA_H
#define MR_BASE_ARENA_H

#include <millrace/error.h>

#include <stdbool.h>
#include <stddef.h>

enum { MR_ARENA_ALIGNMENT_MAX = 4096 };

/* Plain and visible; the caller owns it. All zero is an arena that holds nothing. */
struct mr_arena {
    unsigned char *base;
    size_t size; /* of the whole */
    size_t used;
    bool sealed;
};

/* Maps `size` bytes (above 0; rounded up to pages) of zeroed memory, on huge pages where the kernel
 * gives them for the asking. Pages are touched on first use only. MR_E_NO_MEMORY. */
int mr_arena_init(struct mr_arena *arena, size_t size, struct mr_error *error);

/* The next `size` bytes, zeroed, aligned to `alignment` (a power of two, at most 4096). Never
 * fails: the caller has counted with mr_arena_size_add, so running over is asserted, as is taking
 * from a sealed arena. A `size` of 0 gives a valid pointer to nothing. */
void *mr_arena_take(struct mr_arena *arena, size_t size, size_t alignment)
    __attribute__((malloc, returns_nonnull));

/* For counting beforehand: what `total` becomes when `size` bytes at `alignment` follow it. The
 * caller's sizes are bounded by limits, so that an overflow is asserted. */
size_t mr_arena_size_add(size_t total, size_t size, size_t alignment);

/* No more taking from here on. */
void mr_arena_seal(struct mr_arena *arena);

/* Unmaps everything; every pointer taken from it dies. Fine on an arena that is all zero. */
void mr_arena_free(struct mr_arena *arena);

#endif
