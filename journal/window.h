/*
 * A window on a file: large sequential reads, small views. Views must lie within the file and be no
 * larger than MR_WINDOW_VIEW_MAX.
 *
 * How much a read asks for beyond the view is `ahead`: much for a walk, nothing for a look here and
 * there. Nothing from `limit` on is read before a view wants it: what a writer has not finished
 * there would be stale by then.
 */
#ifndef MR_JOURNAL_WINDOW_H
#define MR_JOURNAL_WINDOW_H

#include "base/limits.h"
#include "base/storage.h"

#include <millrace/journal.h>

enum {
    MR_WINDOW_READ = 256 << 10, /* bytes a walk's read asks for: they stay in the core's cache */
    /* Past the page cache nobody reads ahead for us: fewer, larger reads. */
    MR_WINDOW_READ_DIRECT = 1 << 20,
    MR_WINDOW_VIEW_MAX = MR_FRAME_BYTES_MAX,
    MR_WINDOW_BYTES = MR_WINDOW_VIEW_MAX + MR_WINDOW_READ_DIRECT,
};

struct mr_window {
    struct mr_storage *storage;
    int file; /* -1: none */
    /* Read past the page cache, where the file system can: what the disk holds, not what somebody
     * hopes it holds. Set before a file is opened. */
    bool direct;
    char name[MR_STORAGE_NAME_MAX];
    uint64_t file_bytes;  /* of the file */
    unsigned char *bytes; /* as many as the largest file so far, MR_WINDOW_BYTES at most */
    size_t capacity;
    size_t ahead;          /* bytes that a read asks for at least, MR_WINDOW_READ at most */
    uint64_t limit;        /* in the file; UINT64_MAX: none */
    uint64_t limit_opened; /* what `limit` becomes when a file is opened */
    uint64_t start;        /* in the file, of what `bytes` holds */
    size_t have;
    uint64_t bytes_read;                  /* so far, of all files */
    uint64_t bytes_total;                 /* about what there is to read, for the watch */
    const struct mr_journal_watch *watch; /* NULL: nobody */
};

void mr_window_init(struct mr_window *window, struct mr_storage *storage);
void mr_window_free(struct mr_window *window);

/* Opens `name` in place of the file before. MR_E_NOT_FOUND, MR_E_IO, MR_E_NO_MEMORY. */
int mr_window_open(struct mr_window *window, const char *name, struct mr_error *error);
void mr_window_close(struct mr_window *window);

/* `*view` shows `size` bytes from `offset`, to be changed at will, until the next call. */
int mr_window_view(struct mr_window *window, uint64_t offset, size_t size, unsigned char **view,
                   struct mr_error *error);

/* Forgets what was read, so that the next view shows what the file holds. */
void mr_window_forget(struct mr_window *window);

#endif
