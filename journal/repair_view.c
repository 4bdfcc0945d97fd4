#include "journal/repair_view.h"

#include "base/assert.h"
#include "journal/truncation.h"

#include <stdlib.h>
#include <string.h>

static struct mr_repair_view *view_of(struct mr_storage *storage)
{
    return (struct mr_repair_view *)(void *)storage; /* it is the first member */
}

/* -- The calls that reading needs. ------------------------------------------------------------- */

/* The segment of which this is the name; 0: it is none that is repaired. */
static uint32_t segment_named(const struct mr_repair_view *view, const char *name)
{
    char segment[MR_SEGMENT_NAME_SIZE];
    for (uint32_t i = 0; i < view->patch_count; i++) {
        mr_segment_name(view->patches[i].segment, segment);
        if (strcmp(segment, name) == 0) {
            return view->patches[i].segment;
        }
    }
    for (uint32_t i = 0; i < view->length_count; i++) {
        mr_segment_name(view->lengths[i].segment, segment);
        if (strcmp(segment, name) == 0) {
            return view->lengths[i].segment;
        }
    }
    return 0;
}

static uint32_t segment_open(const struct mr_repair_view *view, int file)
{
    for (int i = 0; i < MR_REPAIR_FILES_MAX; i++) {
        if (view->files[i].segment != 0 && view->files[i].file == file) {
            return view->files[i].segment;
        }
    }
    return 0;
}

static int view_open(struct mr_storage *storage, const char *name, int flags, int *file,
                     struct mr_error *error)
{
    struct mr_repair_view *view = view_of(storage);
    ASSERT((flags & ~MR_OPEN_DIRECT) == MR_OPEN_READ);
    if (view->hide_record && strcmp(name, MR_TRUNCATION_NAME) == 0) {
        return mr_error_set(error, MR_E_NOT_FOUND, "%s is damaged", name);
    }
    int status = view->real->calls->open(view->real, name, flags, file, error);
    uint32_t segment = status == MR_OK ? segment_named(view, name) : 0;
    if (segment == 0) {
        return status;
    }
    int place = 0;
    while (view->files[place].segment != 0) {
        place++;
        ASSERT(place < MR_REPAIR_FILES_MAX); /* a walk has one file open at a time */
    }
    view->files[place].file = *file;
    view->files[place].segment = segment;
    return MR_OK;
}

static void view_close(struct mr_storage *storage, int file)
{
    struct mr_repair_view *view = view_of(storage);
    for (int i = 0; i < MR_REPAIR_FILES_MAX; i++) {
        if (view->files[i].file == file) {
            view->files[i].segment = 0;
        }
    }
    view->real->calls->close(view->real, file);
}

/* What the segment's length is to become; 0: it stays. */
static uint64_t length_of(const struct mr_repair_view *view, uint32_t segment)
{
    for (uint32_t i = 0; i < view->length_count; i++) {
        if (view->lengths[i].segment == segment) {
            return view->lengths[i].to;
        }
    }
    return 0;
}

static int view_size(struct mr_storage *storage, int file, uint64_t *size, struct mr_error *error)
{
    struct mr_repair_view *view = view_of(storage);
    uint64_t length = length_of(view, segment_open(view, file));
    int status = view->real->calls->size(view->real, file, size, error);
    if (status == MR_OK && length != 0) {
        *size = length;
    }
    return status;
}

static void overlay(const struct mr_repair_patch *patch, uint64_t offset, unsigned char *data,
                    size_t size)
{
    uint64_t from = patch->offset > offset ? patch->offset : offset;
    uint64_t patch_end = patch->offset + MR_PAGE_SIZE;
    uint64_t end = patch_end < offset + size ? patch_end : offset + size;
    if (from < end) {
        memcpy(data + (from - offset), patch->page + (from - patch->offset), (size_t)(end - from));
    }
}

static int view_read(struct mr_storage *storage, int file, uint64_t offset, void *data, size_t size,
                     size_t *got, struct mr_error *error)
{
    struct mr_repair_view *view = view_of(storage);
    uint32_t segment = segment_open(view, file);
    int status = view->real->calls->read(view->real, file, offset, data, size, got, error);
    if (status != MR_OK || segment == 0) {
        return status;
    }
    uint64_t length = length_of(view, segment);
    if (*got < size && offset + *got < length) {
        size_t wanted = length - offset < size ? (size_t)(length - offset) : size;
        memset((unsigned char *)data + *got, 0, wanted - *got);
        *got = wanted;
    }
    for (uint32_t i = 0; i < view->patch_count; i++) {
        if (view->patches[i].segment == segment) {
            overlay(&view->patches[i], offset, data, *got);
        }
    }
    return MR_OK;
}

static int view_list(struct mr_storage *storage, const char *directory,
                     bool (*each)(void *context, const char *name), void *context,
                     struct mr_error *error)
{
    struct mr_repair_view *view = view_of(storage);
    return view->real->calls->list(view->real, directory, each, context, error);
}

static const struct mr_storage_calls view_calls = {
    .open = view_open,
    .close = view_close,
    .size = view_size,
    .read = view_read,
    .list = view_list,
};

/* -- The view. --------------------------------------------------------------------------------- */

void mr_repair_view_init(struct mr_repair_view *view, struct mr_storage *real)
{
    *view = (struct mr_repair_view){.storage = {.calls = &view_calls}, .real = real};
}

void mr_repair_view_free(struct mr_repair_view *view)
{
    for (uint32_t i = 0; i < view->patch_count; i++) {
        free(view->patches[i].page);
    }
    free(view->patches);
    *view = (struct mr_repair_view){.real = NULL};
}

static bool make_room(struct mr_repair_view *view)
{
    if (view->patch_count < view->patch_room) {
        return true;
    }
    uint32_t room = view->patch_room == 0 ? 16 : view->patch_room * 2;
    struct mr_repair_patch *patches = realloc(view->patches, room * sizeof *patches);
    if (patches != NULL) {
        view->patches = patches;
        view->patch_room = room;
    }
    return patches != NULL;
}

int mr_repair_patch(struct mr_repair_view *view, enum mr_repair_kind kind, uint32_t segment,
                    uint64_t offset, const unsigned char *page, struct mr_error *error)
{
    ASSERT(offset % MR_PAGE_SIZE == 0);
    if (view->patch_count == MR_REPAIR_PATCHES_MAX) {
        return mr_error_set(error, MR_E_LIMIT, "too much is damaged: restore from a copy");
    }
    unsigned char *copy = mr_pages_allocate(MR_PAGE_SIZE);
    if (copy == NULL || !make_room(view)) {
        free(copy);
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory to plan a repair");
    }
    memcpy(copy, page, MR_PAGE_SIZE);
    view->patches[view->patch_count++] = (struct mr_repair_patch){kind, segment, offset, copy};
    return MR_OK;
}

int mr_repair_extend(struct mr_repair_view *view, uint32_t segment, uint64_t from, uint64_t to,
                     struct mr_error *error)
{
    if (view->length_count == MR_REPAIR_LENGTHS_MAX) {
        return mr_error_set(error, MR_E_LIMIT, "too many segments are short: restore from a copy");
    }
    view->lengths[view->length_count++] = (struct mr_repair_length){segment, from, to};
    return MR_OK;
}

/* -- Reading page by page. --------------------------------------------------------------------- */

enum { PAGES_CHUNK = 256 << 10 };

int mr_repair_pages(struct mr_storage *storage, uint32_t segment, uint64_t from,
                    bool (*each)(void *context, uint64_t offset, const unsigned char *page,
                                 size_t size),
                    void *context, struct mr_error *error)
{
    const struct mr_storage_calls *calls = storage->calls;
    char name[MR_SEGMENT_NAME_SIZE];
    int file;
    mr_segment_name(segment, name);
    unsigned char *chunk = mr_pages_allocate(PAGES_CHUNK);
    if (chunk == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory to read the journal");
    }
    int status = calls->open(storage, name, MR_OPEN_READ, &file, error);
    if (status != MR_OK) {
        free(chunk);
        return status;
    }
    size_t got = PAGES_CHUNK;
    for (uint64_t offset = from; status == MR_OK && got == PAGES_CHUNK; offset += PAGES_CHUNK) {
        status = calls->read(storage, file, offset, chunk, PAGES_CHUNK, &got, error);
        for (size_t at = 0; status == MR_OK && at < got; at += MR_PAGE_SIZE) {
            size_t size = got - at < MR_PAGE_SIZE ? got - at : MR_PAGE_SIZE;
            if (!each(context, offset + at, chunk + at, size)) {
                got = 0;
            }
        }
    }
    calls->close(storage, file);
    free(chunk);
    return status;
}
