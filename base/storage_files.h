/*
 * What the parts of the real storage share. Private to base/storage_*.c.
 */
#ifndef MR_BASE_STORAGE_FILES_H
#define MR_BASE_STORAGE_FILES_H

#include "base/storage_uring.h"

#include <limits.h>
#include <stdatomic.h>

/* Handed to one thread at a time: `used` is taken with acquire in claim_file, given back with
 * release in release_file, and orders everything else in here. */
struct mr_open_file {
    atomic_bool used;
    int descriptor;
    bool direct;
    bool directory;
    char name[MR_STORAGE_NAME_MAX];
};

struct mr_files {
    struct mr_storage storage; /* first: the seam's handle */
    int directory;             /* of `path`; its flock is the lock */
    bool locked;
    atomic_bool direct_refused; /* the file system did not take O_DIRECT for some file */
    struct mr_open_file open[MR_STORAGE_FILES_MAX];
    struct mr_uring uring;
    char description[256];
    char path[PATH_MAX];
};

static inline struct mr_files *mr_files_of(struct mr_storage *storage)
{
    return (struct mr_files *)(void *)storage;
}

/* "cannot VERB PATH/NAME: what the system said" */
int mr_files_fail(struct mr_storage *storage, const char *verb, const char *name, int system_error,
                  struct mr_error *error);

/* The name as openat and its kin want it. */
const char *mr_files_relative(const char *name);

/* The calls on names, on the file system and on the lock, for the table in storage_files.c. */
int mr_files_rename(struct mr_storage *storage, const char *from, const char *to,
                    struct mr_error *error);
int mr_files_remove(struct mr_storage *storage, const char *name, struct mr_error *error);
int mr_files_make_directory(struct mr_storage *storage, const char *name, struct mr_error *error);
int mr_files_list(struct mr_storage *storage, const char *directory,
                  bool (*each)(void *context, const char *name), void *context,
                  struct mr_error *error);
int mr_files_space(struct mr_storage *storage, uint64_t *bytes, struct mr_error *error);
int mr_files_lock(struct mr_storage *storage, uint32_t wait_ms, struct mr_error *error);
void mr_files_unlock(struct mr_storage *storage);

#endif
