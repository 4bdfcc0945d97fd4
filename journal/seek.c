/*
 * A header is looked for at every page, because frames have no index. Its checksum is seeded with
 * its place, so an accident does not look like one; but a client that knows the journal's id could
 * send bytes that do. What rests on a header between the first one of a segment and the place that
 * was found is therefore only speed: the place itself is proven not to lie within a frame.
 */
#include "journal/seek.h"

#include "base/assert.h"

/* Where a frame begins, and its header. */
struct mark {
    uint64_t offset;
    bool whole; /* else the header is damaged, or there is none yet */
    struct mr_frame_header header;
};

struct target {
    enum mr_seek_key key;
    uint64_t value;
};

/* True when all entries in front of this frame have keys below the value. */
static bool is_before(const struct target *target, const struct mr_frame_header *header)
{
    switch (target->key) {
    case MR_SEEK_SEQUENCE:
        return header->before.sequence < target->value;
    case MR_SEEK_TIME:
        return header->before.time_ns < target->value;
    case MR_SEEK_INDEX:
        break;
    }
    return header->before.index < target->value;
}

int mr_scan_header(struct mr_scan *scan, uint64_t offset, struct mr_frame_header *header,
                   enum mr_fault *fault, struct mr_error *error)
{
    struct mr_frame_place place = mr_scan_place(scan, offset);
    unsigned char *page;
    int status = mr_window_view(&scan->window, offset, MR_PAGE_SIZE, &page, error);
    if (status == MR_OK) {
        *fault = mr_frame_get_header(page, &place, header);
        if (*fault == MR_FAULT_BLANK && !mr_bytes_zero(page, MR_SECTOR_SIZE)) {
            *fault = MR_FAULT_HEADER;
        }
    }
    return status;
}

/* -- Among the segments. ----------------------------------------------------------------------- */

/* The header of the first frame of a segment; of a segment that is full of nothing, its seal's.
 * MR_AGAIN: there is none, or it or the head is damaged, which is for the walk to find. */
static int first_header(struct mr_scan *scan, uint32_t at, struct mr_frame_header *header,
                        struct mr_error *error)
{
    enum mr_fault fault = MR_FAULT_NONE;
    int status = mr_scan_enter(scan, at, error);
    if (status == MR_OK) {
        status = mr_scan_header(scan, MR_SEGMENT_HEAD, header, &fault, error);
    }
    if (status == MR_OK && fault == MR_FAULT_BLANK) {
        status = mr_scan_header(scan, mr_scan_seal_offset(scan), header, &fault, error);
        if (status == MR_OK && fault == MR_FAULT_NONE && header->end_offset != MR_SEGMENT_HEAD) {
            fault = MR_FAULT_BLANK; /* it had frames, and the first is lost */
        }
    }
    return status == MR_OK && fault != MR_FAULT_NONE ? MR_AGAIN : status;
}

/* The nearest segment to `middle` between `low` and `high`, both excluded, whose first header is
 * whole: at it, else below it, else above it. MR_AGAIN: none. */
static int nearest_whole(struct mr_scan *scan, uint32_t low, uint32_t high, uint32_t *middle,
                         struct mr_frame_header *header, struct mr_error *error)
{
    for (uint32_t at = *middle; at > low; at--) {
        int status = first_header(scan, at, header, error);
        if (status != MR_AGAIN) {
            *middle = at;
            return status;
        }
    }
    for (uint32_t at = *middle + 1; at < high; at++) {
        int status = first_header(scan, at, header, error);
        if (status != MR_AGAIN) {
            *middle = at;
            return status;
        }
    }
    return MR_AGAIN;
}

/* The last segment that is known to begin in front of the target. */
static int find_segment(struct mr_scan *scan, const struct target *target, uint32_t *at,
                        struct mr_error *error)
{
    uint32_t low = 0;
    uint32_t high = scan->inventory.count;
    while (high - low > 1) {
        struct mr_frame_header header;
        uint32_t middle = low + (high - low) / 2;
        int status = nearest_whole(scan, low, high, &middle, &header, error);
        if (status == MR_AGAIN) {
            break;
        }
        if (status != MR_OK) {
            return status;
        }
        if (is_before(target, &header)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *at = low;
    return MR_OK;
}

/* -- Among the frames of a segment. ------------------------------------------------------------ */

int mr_scan_look(struct mr_scan *scan, uint64_t offset, uint64_t end, bool written,
                 struct mr_frame_header *header, uint64_t *found, struct mr_error *error)
{
    size_t ahead = scan->window.ahead;
    int status = MR_AGAIN;
    uint64_t seal_offset = mr_scan_seal_offset(scan);
    for (end = end < seal_offset ? end : seal_offset; offset < end; offset += MR_PAGE_SIZE) {
        enum mr_fault fault = MR_FAULT_BLANK;
        uint64_t bytes_read = scan->window.bytes_read;
        status = mr_scan_header(scan, offset, header, &fault, error);
        bool is_frame = fault == MR_FAULT_NONE && header->kind != MR_FRAME_SEAL;
        if (status != MR_OK || is_frame) {
            break;
        }
        status = MR_AGAIN;
        if (fault == MR_FAULT_BLANK && written) {
            break;
        }
        /* A long frame: the farther from its beginning, the more at a time. */
        if (scan->window.bytes_read != bytes_read && scan->window.ahead < MR_WINDOW_READ) {
            scan->window.ahead *= 2;
        }
    }
    scan->window.ahead = ahead;
    *found = offset;
    return status;
}

/* By halves between `low`, which stays the last frame known to begin in front of the target, and
 * the seal. */
static int find_frame(struct mr_scan *scan, const struct target *target, struct mark *low,
                      struct mr_error *error)
{
    uint64_t high = mr_scan_seal_offset(scan);
    for (;;) {
        uint64_t next = low->offset + (low->whole ? low->header.length : MR_PAGE_SIZE);
        if (next >= high) {
            return MR_OK;
        }
        struct mark probe = {.whole = true};
        uint64_t middle = next + (high - next) / 2 / MR_PAGE_SIZE * MR_PAGE_SIZE;
        int status = mr_scan_look(scan, middle, high, true, &probe.header, &probe.offset, error);
        if (status != MR_OK && status != MR_AGAIN) {
            return status;
        }
        if (status == MR_OK && is_before(target, &probe.header)) {
            *low = probe;
        } else {
            high = middle;
        }
    }
}

/* MR_OK: no frame in front of `offset` reaches beyond it. MR_AGAIN: one does, or says so. */
static int prove_outside(struct mr_scan *scan, uint64_t offset, struct mr_error *error)
{
    uint64_t reach = MR_FRAME_BYTES_MAX - MR_PAGE_SIZE;
    uint64_t from = offset - MR_SEGMENT_HEAD > reach ? offset - reach : MR_SEGMENT_HEAD;
    scan->window.ahead = MR_WINDOW_READ;
    while (from < offset) {
        struct mr_frame_header header;
        int status = mr_scan_look(scan, from, offset, false, &header, &from, error);
        if (status != MR_OK) {
            return status == MR_AGAIN ? MR_OK : status;
        }
        if (header.length > offset - from) {
            return MR_AGAIN;
        }
        from += MR_PAGE_SIZE; /* not behind it: it may be the imitation */
    }
    return MR_OK;
}

static int first_mark(struct mr_scan *scan, struct mark *mark, struct mr_error *error)
{
    enum mr_fault fault = MR_FAULT_BLANK;
    mark->offset = MR_SEGMENT_HEAD;
    int status = mr_scan_header(scan, MR_SEGMENT_HEAD, &mark->header, &fault, error);
    mark->whole = status == MR_OK && fault == MR_FAULT_NONE && mark->header.kind != MR_FRAME_SEAL;
    if (status == MR_OK && fault == MR_FAULT_BLANK && scan->at > 0) {
        /* Nothing but a seal, whose number and chain are those of the place too. */
        struct mr_frame_header seal;
        status = first_header(scan, scan->at, &seal, error);
        if (status == MR_OK) {
            scan->number = seal.number;
            scan->generation = seal.generation;
            scan->tip = seal.before;
        }
        status = status == MR_AGAIN ? MR_OK : status;
    }
    return status;
}

static int seek_frame(struct mr_scan *scan, const struct target *target, struct mr_error *error)
{
    struct mark first, low;
    int status = first_mark(scan, &first, error);
    low = first;
    if (status == MR_OK) {
        status = find_frame(scan, target, &low, error);
    }
    if (status == MR_OK && low.offset > first.offset) {
        status = prove_outside(scan, low.offset, error);
        if (status == MR_AGAIN) {
            low = first;
            status = MR_OK;
        }
    }
    if (status == MR_OK && low.whole && (scan->at > 0 || low.offset > MR_SEGMENT_HEAD)) {
        scan->offset = low.offset;
        scan->number = low.header.number;
        scan->generation = low.header.generation;
        scan->tip = low.header.before;
    }
    return status;
}

int mr_scan_seek(struct mr_scan *scan, enum mr_seek_key key, uint64_t value, struct mr_error *error)
{
    struct target target = {key, value};
    uint32_t at;
    scan->window.ahead = MR_PAGE_SIZE;
    int status = find_segment(scan, &target, &at, error);
    if (status == MR_OK) {
        status = mr_scan_enter(scan, at, error);
    }
    if (status == MR_OK) {
        status = seek_frame(scan, &target, error);
    }
    scan->window.ahead = MR_WINDOW_READ;
    return status;
}
