/*
 * Reading entries in order. A reader walks as recovery does and checks the same; it differs in that
 * it may begin inside the journal and knows where to end.
 */
#include "journal/recovery.h"
#include "journal/scan.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct mr_reader {
    struct mr_scan scan;
    uint64_t last_index;
    const struct mr_entry *pending; /* found by open, not yet given */
};

/* The sequence in front of the first frame of a segment; UINT64_MAX when it holds none. Damage is
 * for the walk to find. */
static int sequence_before(struct mr_scan *scan, uint32_t at, uint64_t *sequence,
                           struct mr_error *error)
{
    struct mr_frame_header header;
    unsigned char *page;
    *sequence = UINT64_MAX;
    int status = mr_scan_enter(scan, at, error);
    if (status == MR_AGAIN) {
        return MR_OK;
    }
    if (status != MR_OK) {
        return status;
    }
    struct mr_frame_place place = mr_scan_place(scan, MR_SEGMENT_HEAD);
    status = mr_window_view(&scan->window, MR_SEGMENT_HEAD, MR_PAGE_SIZE, &page, error);
    if (status == MR_OK && mr_frame_get_header(page, &place, &header) == MR_FAULT_NONE) {
        *sequence = header.before.sequence;
    }
    return status;
}

/* The last segment that begins in front of `from`: by halves. */
static int find_segment(struct mr_scan *scan, uint64_t from, uint32_t *at, struct mr_error *error)
{
    uint32_t low = 0;
    uint32_t high = scan->inventory.count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t before;
        int status = sequence_before(scan, middle, &before, error);
        if (status != MR_OK) {
            return status;
        }
        if (before < from) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *at = low;
    return MR_OK;
}

static int next_entry(struct mr_reader *reader, const struct mr_entry **entry,
                      struct mr_damage *damage, struct mr_error *error)
{
    struct mr_scan *scan = &reader->scan;
    while (scan->adopt || scan->tip.index < reader->last_index) {
        struct mr_frame_header header;
        struct mr_entry *found;
        int status = mr_scan_next(scan, &header, &found, error);
        if (status == MR_AGAIN) { /* before the end that was promised */
            return mr_scan_refuse(scan, damage, error);
        }
        if (status != MR_OK) {
            return status;
        }
        if (found != NULL && found->index <= reader->last_index) {
            *entry = found;
            return MR_OK;
        }
    }
    return MR_AGAIN;
}

static int seek(struct mr_reader *reader, uint64_t from, struct mr_error *error)
{
    struct mr_scan *scan = &reader->scan;
    uint32_t at = 0;
    int status = from > 1 ? find_segment(scan, from, &at, error) : MR_OK;
    if (status == MR_OK) {
        status = mr_scan_enter(scan, at, error);
    }
    if (status == MR_AGAIN) {
        return mr_scan_refuse(scan, NULL, error);
    }
    scan->adopt = at > 0;
    const struct mr_entry *entry = NULL;
    while (status == MR_OK && from > 0 && (entry == NULL || mr_entry_last_sequence(entry) < from)) {
        status = next_entry(reader, &entry, NULL, error);
    }
    if (status == MR_AGAIN || (entry != NULL && entry->first_sequence > from)) {
        return mr_error_set(error, MR_E_NOT_FOUND, "the journal does not hold sequence %" PRIu64,
                            from);
    }
    reader->pending = entry;
    return status;
}

int mr_reader_open(struct mr_storage *storage, const struct mr_reader_options *options,
                   struct mr_reader **reader, struct mr_error *error)
{
    struct mr_reader *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory to read the journal");
    }
    opened->last_index = options->last_index;
    int status = mr_scan_init(&opened->scan, storage, error);
    if (status == MR_OK) {
        status = seek(opened, options->from_sequence, error);
    }
    if (status != MR_OK) {
        mr_reader_close(opened);
        return status;
    }
    *reader = opened;
    return MR_OK;
}

int mr_reader_next(struct mr_reader *reader, const struct mr_entry **entry,
                   struct mr_damage *damage, struct mr_error *error)
{
    if (reader->pending != NULL) {
        *entry = reader->pending;
        reader->pending = NULL;
        return MR_OK;
    }
    return next_entry(reader, entry, damage, error);
}

void mr_reader_close(struct mr_reader *reader)
{
    mr_scan_free(&reader->scan);
    free(reader);
}
