#include "journal/window.h"

#include "base/assert.h"
#include "base/bits.h"
#include "journal/segment.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void mr_window_init(struct mr_window *window, struct mr_storage *storage)
{
    *window = (struct mr_window){
        .storage = storage, .file = -1, .ahead = MR_WINDOW_READ, .limit_opened = UINT64_MAX};
}

void mr_window_free(struct mr_window *window)
{
    mr_window_close(window);
    free(window->bytes);
    window->bytes = NULL;
}

/* Small files need no large window: tests look at millions of them. */
static int make_capacity(struct mr_window *window, struct mr_error *error)
{
    size_t needed = window->file_bytes < MR_WINDOW_BYTES
                        ? (size_t)mr_align_up(window->file_bytes, MR_STORAGE_ALIGNMENT)
                        : MR_WINDOW_BYTES;
    if (needed > window->capacity) {
        free(window->bytes);
        window->bytes = mr_pages_allocate(needed);
        window->capacity = window->bytes != NULL ? needed : 0;
        if (window->bytes == NULL) {
            return mr_error_set(error, MR_E_NO_MEMORY, "no memory to read the journal");
        }
    }
    return MR_OK;
}

int mr_window_open(struct mr_window *window, const char *name, struct mr_error *error)
{
    const struct mr_storage_calls *calls = window->storage->calls;
    mr_window_close(window);
    int file;
    int flags = MR_OPEN_READ | (window->direct ? MR_OPEN_DIRECT : 0);
    int status = calls->open(window->storage, name, flags, &file, error);
    if (status != MR_OK) {
        return status;
    }
    window->file = file;
    window->limit = window->limit_opened;
    memcpy(window->name, name, strlen(name) + 1);
    status = calls->size(window->storage, file, &window->file_bytes, error);
    if (status == MR_OK) {
        status = make_capacity(window, error);
    }
    if (status != MR_OK) {
        mr_window_close(window);
    }
    return status;
}

void mr_window_close(struct mr_window *window)
{
    if (window->file >= 0) {
        window->storage->calls->close(window->storage, window->file);
    }
    window->file = -1;
    mr_window_forget(window);
}

void mr_window_forget(struct mr_window *window)
{
    window->start = 0;
    window->have = 0;
}

static int tell(const struct mr_window *window, struct mr_error *error)
{
    const struct mr_journal_watch *watch = window->watch;
    uint64_t bytes =
        window->bytes_read < window->bytes_total ? window->bytes_read : window->bytes_total;
    bool goes_on = watch == NULL || watch->progress == NULL ||
                   watch->progress(watch->context, bytes, window->bytes_total);
    return goes_on ? MR_OK : mr_error_set(error, MR_E_IO, "reading was given up");
}

/* Bytes to read at `offset`, of which `needed` are. */
static size_t how_much(const struct mr_window *window, uint64_t offset, size_t needed)
{
    uint64_t end = window->limit < window->file_bytes ? window->limit : window->file_bytes;
    uint64_t allowed = offset < end ? end - offset : 0;
    size_t ahead =
        window->direct && window->ahead == MR_WINDOW_READ ? MR_WINDOW_READ_DIRECT : window->ahead;
    size_t wanted = allowed < ahead ? (size_t)allowed : ahead;
    return wanted > needed ? wanted : needed;
}

/* A file of a damaged size may end off the alignment that direct reads want: they ask for more. */
static size_t aligned(const struct mr_window *window, size_t wanted)
{
    return window->direct ? (size_t)mr_align_up(wanted, MR_STORAGE_ALIGNMENT) : wanted;
}

/* Keeps what overlaps, and reads on behind it. */
static int fill(struct mr_window *window, uint64_t offset, size_t size, struct mr_error *error)
{
    size_t kept = 0;
    if (offset >= window->start && offset < window->start + window->have) {
        size_t skipped = (size_t)(offset - window->start);
        kept = window->have - skipped;
        memmove(window->bytes, window->bytes + skipped, kept);
    }
    window->start = offset;
    window->have = kept;
    size_t wanted = how_much(window, offset + kept, size - kept);
    ASSERT(kept + wanted <= window->capacity);
    size_t got = 0;
    int status =
        window->storage->calls->read(window->storage, window->file, offset + kept,
                                     window->bytes + kept, aligned(window, wanted), &got, error);
    if (status == MR_OK && got < wanted) {
        status = mr_error_set(error, MR_E_IO,
                              "%s: offset %" PRIu64 ": the file became shorter while it was read",
                              window->name, offset + kept + got);
    }
    if (status == MR_OK) {
        got = wanted;
        window->have += got;
        window->bytes_read += got;
        status = tell(window, error);
    }
    return status;
}

int mr_window_view(struct mr_window *window, uint64_t offset, size_t size, unsigned char **view,
                   struct mr_error *error)
{
    ASSERT(window->file >= 0);
    ASSERT(size <= MR_WINDOW_VIEW_MAX);
    ASSERT(offset <= window->file_bytes && size <= window->file_bytes - offset);
    bool inside = offset >= window->start && offset - window->start <= window->have &&
                  size <= window->have - (offset - window->start);
    if (!inside) {
        int status = fill(window, offset, size, error);
        if (status != MR_OK) {
            return status;
        }
    }
    *view = window->bytes + (offset - window->start);
    return MR_OK;
}
