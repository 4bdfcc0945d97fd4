/*
 * A directory in memory behind the storage seam, as small and as quick as can be: every write is
 * done, and durable, when it is called or submitted, and completes in order. It loses nothing and
 * fails never; for that there is sim_storage.h. For fuzzers, which start a million times, and for
 * golden files, whose bytes must not depend on time or chance.
 */
#ifndef MR_TESTS_SUPPORT_MEMORY_STORAGE_H
#define MR_TESTS_SUPPORT_MEMORY_STORAGE_H

#include "base/storage.h"

#include <millrace/digest.h>

struct memory_storage;

struct memory_storage *memory_storage_create(void);
void memory_storage_destroy(struct memory_storage *memory);
/* Another directory with the same names and bytes, nothing open. */
struct memory_storage *memory_storage_clone(const struct memory_storage *memory);

struct mr_storage *memory_storage_seam(struct memory_storage *memory);

/* Calls so far that changed something: a write, a name. */
uint64_t memory_storage_changes(const struct memory_storage *memory);
/* How many files and directories are open: what has ended must have closed its own. */
uint32_t memory_storage_open_count(const struct memory_storage *memory);
/* Of all names and bytes. */
struct mr_digest memory_storage_digest(const struct memory_storage *memory);

/* The bytes of a file, to be looked at and changed; NULL: there is none. */
unsigned char *memory_storage_bytes(struct memory_storage *memory, const char *name, size_t *size);
/* Makes a file, or cuts or extends it with zeros. */
void memory_storage_resize(struct memory_storage *memory, const char *name, size_t size);

/* Calls `each` with every file (not directories), in the order of their names. */
void memory_storage_each(const struct memory_storage *memory,
                         void (*each)(void *context, const char *name, const unsigned char *bytes,
                                      size_t size),
                         void *context);

#endif
