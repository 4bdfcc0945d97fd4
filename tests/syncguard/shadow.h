/*
 * The shadow of a data directory: a copy that holds only what a program has seen become durable. It
 * is what a power loss would leave at worst.
 *
 * Content lives in STORE, which is SHADOW with ".store" appended: a file a file, known by device,
 * inode and time of birth, so that a rename is none of its business; and a directory a directory,
 * whose entries are those of the last sync of it, linked to the files. SHADOW itself is a link to
 * the data directory's own.
 *
 * One thread at a time.
 */
#ifndef MR_TESTS_SYNCGUARD_SHADOW_H
#define MR_TESTS_SYNCGUARD_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shadow_file;
struct shadow_listing;

/* `data` need not exist yet; `shadow` must not. Both stay the caller's. */
void shadow_init(const char *data, const char *shadow);

/* The shadow of an open file or directory; NULL when it lies outside of the data directory. */
struct shadow_file *shadow_file_of(int descriptor);
bool shadow_is_directory(const struct shadow_file *file);

/* Written, but not synced. `reason` (may be NULL) names a sync that is known to come after it. */
void shadow_written(struct shadow_file *file, uint64_t offset, const void *data, size_t size,
                    const void *reason);
/* Written and synced at once. */
void shadow_durable(struct shadow_file *file, uint64_t offset, const void *data, size_t size);

/* A sync, in two steps: it covers what was written when it began, and what came with `reason`. */
uint64_t shadow_sync_begins(void);
void shadow_sync_ends(struct shadow_file *file, uint64_t began, const void *reason, bool succeeded);

/* A directory's sync, in two steps: it covers the names there were when it began. */
struct shadow_listing *shadow_listing_take(const struct shadow_file *directory);
void shadow_listing_end(struct shadow_file *directory, struct shadow_listing *listing,
                        bool succeeded);

/* Says what went wrong with the guard itself, and ends the process. */
_Noreturn void shadow_die(const char *what);

#endif
