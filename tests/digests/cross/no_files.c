/*
 * In place of the storage on files, which takes io_uring: where the digests are compared, the
 * journal lies in memory.
 */
#include "base/storage.h"

int mr_storage_open_files(const char *path, bool create, struct mr_storage **storage,
                          struct mr_error *error)
{
    (void)create;
    *storage = NULL;
    return mr_error_set(error, MR_E_UNSUPPORTED, "%s: there are no files here", path);
}
