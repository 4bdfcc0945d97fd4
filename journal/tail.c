#include "journal/tail.h"

#include "base/assert.h"

struct look {
    struct mr_scan *scan;
    struct mr_tail *tail;
    uint32_t first_segment; /* where the first frame that is not good would lie */
    uint64_t first_offset;
    uint64_t last_number; /* the highest that a frame passed so far can have had */
};

/* A watermark says that the first bad frame had been durable: nothing else matters. */
static bool settled(const struct look *look)
{
    return look->scan->durable.number >= look->scan->number;
}

static void find(struct look *look, enum mr_fault fault, uint32_t segment, uint64_t offset,
                 uint64_t sequence)
{
    struct mr_tail *tail = look->tail;
    if (tail->fault == MR_FAULT_NONE) {
        tail->fault = fault;
        tail->fault_segment = segment;
        tail->fault_offset = offset;
        tail->fault_sequence = sequence;
    }
}

static void find_here(struct look *look, enum mr_fault fault, uint64_t offset)
{
    find(look, fault, mr_scan_segment(look->scan), offset, look->scan->tip.sequence + 1);
}

/* Adds bytes that are not zero: to the part before when they lie in the same run of frames. */
static void add(struct look *look, uint64_t offset, uint64_t end)
{
    struct mr_tail *tail = look->tail;
    struct mr_tail_part *last = tail->count == 0 ? NULL : &tail->parts[tail->count - 1];
    bool seal = offset == mr_scan_seal_offset(look->scan);
    if (last != NULL && last->segment == mr_scan_segment(look->scan) && !seal) {
        last->end = end;
    } else if (tail->count < MR_TAIL_PARTS_MAX) {
        tail->parts[tail->count++] = (struct mr_tail_part){
            .segment = mr_scan_segment(look->scan), .offset = offset, .end = end};
    } else {
        find_here(look, MR_FAULT_GARBAGE, offset);
    }
}

/* How many frames may have been on their way to the disk. Under os durability, as many as two
 * segments hold. */
static uint64_t frames_unsynced(const struct mr_scan *scan)
{
    return scan->written == MR_DURABILITY_OS ? 2 * MR_SEGMENT_BYTES_MAX / MR_PAGE_SIZE
                                             : MR_FRAMES_IN_FLIGHT_MAX;
}

/* Can a frame with this header be among those in flight, here? */
static bool header_fits(const struct look *look, const struct mr_frame_header *header)
{
    const struct mr_scan *scan = look->scan;
    bool at_first =
        header->segment == look->first_segment &&
        (header->kind == MR_FRAME_SEAL ? header->end_offset : header->offset) == look->first_offset;
    if (header->number == scan->number) {
        return at_first && mr_tip_equal(&header->before, &scan->tip);
    }
    return !at_first && header->number > look->last_number &&
           header->number - scan->number < frames_unsynced(scan) &&
           header->generation >= scan->generation && header->before.sequence >= scan->tip.sequence;
}

/* A whole header lies at `offset`; the frame behind it may be whole or have lost sectors. */
static int look_at_frame(struct look *look, uint64_t offset, const struct mr_frame_header *header,
                         struct mr_error *error)
{
    struct mr_scan *scan = look->scan;
    if (mr_truncation_allows(&scan->truncation, header->generation, header->number)) {
        mr_bound_raise(&scan->durable, header);
    }
    if (!header_fits(look, header)) {
        find(look, MR_FAULT_CHAIN, header->segment, offset, header->before.sequence + 1);
        return MR_OK;
    }
    unsigned char *frame;
    int status = mr_window_view(&scan->window, offset, header->length, &frame, error);
    if (status != MR_OK) {
        return status;
    }
    bool lost_sectors = mr_frame_has_zero_sector(frame, header->length);
    enum mr_fault fault = mr_frame_open(frame, header);
    if (fault != MR_FAULT_NONE && !lost_sectors) {
        find(look, fault, header->segment, offset, header->before.sequence + 1);
    }
    add(look, offset, offset + header->length);
    look->last_number = header->number;
    return MR_OK;
}

/* A page without a whole header. At the known start of a frame its first sector must be zero: it
 * was lost, or nothing was written. Elsewhere it may belong to a frame whose first sector was lost.
 * */
static enum mr_fault blame_page(const unsigned char *page, enum mr_fault fault, bool frame_start)
{
    if (!frame_start || mr_bytes_zero(page, MR_SECTOR_SIZE)) {
        return MR_FAULT_NONE;
    }
    return fault == MR_FAULT_BLANK ? MR_FAULT_HEADER : fault;
}

/* How many frames can still have been in flight behind those that were passed. */
static uint64_t frames_left(const struct look *look)
{
    uint64_t end = look->scan->number + frames_unsynced(look->scan);
    return look->last_number + 1 < end ? end - look->last_number - 1 : 0;
}

static int look_at_frames(struct look *look, uint64_t from, struct mr_error *error)
{
    struct mr_scan *scan = look->scan;
    uint64_t seal_offset = mr_scan_seal_offset(scan);
    uint64_t known = from; /* the last place where a frame must start, if one follows */
    for (uint64_t offset = from; offset < seal_offset && !settled(look);) {
        struct mr_frame_place place = mr_scan_place(scan, offset);
        struct mr_frame_header header;
        unsigned char *page;
        int status = mr_window_view(&scan->window, offset, MR_PAGE_SIZE, &page, error);
        if (status != MR_OK) {
            return status;
        }
        enum mr_fault fault = mr_frame_get_header(page, &place, &header);
        if (fault == MR_FAULT_NONE && header.kind != MR_FRAME_SEAL) {
            status = look_at_frame(look, offset, &header, error);
            if (status != MR_OK) {
                return status;
            }
            offset += header.length;
            known = offset;
            continue;
        }
        fault = blame_page(page, fault == MR_FAULT_NONE ? MR_FAULT_FIELDS : fault, offset == known);
        if (fault != MR_FAULT_NONE) {
            find_here(look, fault, offset);
        }
        if (!mr_bytes_zero(page, MR_PAGE_SIZE)) {
            if (offset - known >= frames_left(look) * MR_FRAME_BYTES_MAX) {
                find_here(look, MR_FAULT_GARBAGE, offset);
            }
            add(look, offset, offset + MR_PAGE_SIZE);
        }
        offset += MR_PAGE_SIZE;
    }
    return MR_OK;
}

static int look_at_seal(struct look *look, struct mr_error *error)
{
    struct mr_scan *scan = look->scan;
    uint64_t offset = mr_scan_seal_offset(scan);
    struct mr_frame_place place = mr_scan_place(scan, offset);
    struct mr_frame_header header;
    unsigned char *page;
    int status = mr_window_view(&scan->window, offset, MR_PAGE_SIZE, &page, error);
    if (status != MR_OK) {
        return status;
    }
    enum mr_fault fault = mr_frame_get_header(page, &place, &header);
    if (fault == MR_FAULT_NONE && header.kind == MR_FRAME_SEAL) {
        const struct mr_tail *tail = look->tail;
        if (tail->count > 0 && tail->parts[tail->count - 1].segment == place.segment &&
            tail->parts[tail->count - 1].end > header.end_offset) {
            find_here(look, MR_FAULT_GARBAGE, header.end_offset);
        }
        return look_at_frame(look, offset, &header, error);
    }
    fault = blame_page(page, fault == MR_FAULT_NONE ? MR_FAULT_FIELDS : fault, true);
    if (fault != MR_FAULT_NONE) {
        find_here(look, fault, offset);
    }
    if (!mr_bytes_zero(page, MR_PAGE_SIZE)) {
        add(look, offset, offset + MR_PAGE_SIZE);
    }
    look->last_number++; /* frames of the next segment come behind this one's seal */
    return MR_OK;
}

static int look_at_segment(struct look *look, uint64_t from, struct mr_error *error)
{
    int status = look_at_frames(look, from, error);
    if (status == MR_OK && !settled(look)) {
        status = look_at_seal(look, error);
    }
    return status;
}

int mr_tail_look(struct mr_scan *scan, struct mr_tail *tail, struct mr_error *error)
{
    *tail = (struct mr_tail){0};
    struct look look = {
        .scan = scan,
        .tail = tail,
        .first_segment = mr_scan_segment(scan),
        .first_offset = scan->offset,
        .last_number = scan->number - 1,
    };
    int status = look_at_segment(&look, scan->offset, error);
    while (status == MR_OK && !settled(&look) && scan->at + 1 < scan->inventory.count) {
        status = mr_scan_enter(scan, scan->at + 1, error);
        if (status == MR_AGAIN) {
            find(&look, scan->fault, scan->fault_segment, scan->fault_offset,
                 scan->tip.sequence + 1);
            status = MR_OK;
            break;
        }
        if (status == MR_OK) {
            status = look_at_segment(&look, MR_SEGMENT_HEAD, error);
        }
    }
    for (uint32_t i = 0; i < tail->count; i++) {
        tail->bytes += tail->parts[i].end - tail->parts[i].offset;
    }
    return status;
}
