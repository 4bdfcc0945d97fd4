#include "journal/scan.h"

#include "base/assert.h"

#include <string.h>

bool mr_bytes_zero(const void *bytes, size_t size)
{
    const unsigned char *b = bytes;
    return size == 0 || (b[0] == 0 && memcmp(b, b + 1, size - 1) == 0);
}

void mr_bound_raise(struct mr_bound *bound, const struct mr_frame_header *header)
{
    if (header->durable_number > bound->number) {
        bound->number = header->durable_number;
        bound->index = header->durable_index;
        bound->sequence = header->durable_sequence;
    }
}

/* From the cut of a truncation on, only what was written after it counts. */
static void reach_cut(struct mr_scan *scan)
{
    const struct mr_truncation *record = &scan->truncation;
    if (!mr_truncation_allows(record, scan->generation, scan->number)) {
        scan->generation = record->generation;
    }
}

static bool is_at_cut(const struct mr_scan *scan)
{
    return scan->truncation.state == MR_TRUNCATION_PENDING &&
           scan->number == scan->truncation.number;
}

/* What a truncation kept was durable before it began. */
static int read_record(struct mr_scan *scan, struct mr_error *error)
{
    struct mr_truncation *record = &scan->truncation;
    int status = mr_truncation_read(scan->storage, record, &scan->record_fault, error);
    if (status == MR_AGAIN) {
        record->state = 0;
        return MR_OK;
    }
    if (status == MR_OK && record->state != 0) {
        scan->durable = (struct mr_bound){
            .number = record->number - 1,
            .index = record->keep.index,
            .sequence = record->keep.sequence,
        };
        reach_cut(scan);
    }
    return status;
}

int mr_scan_init(struct mr_scan *scan, struct mr_storage *storage, struct mr_error *error)
{
    *scan = (struct mr_scan){.storage = storage, .number = 1, .generation = 1};
    mr_window_init(&scan->window, storage);
    int status = read_record(scan, error);
    if (status == MR_OK) {
        status = mr_inventory_take(storage, &scan->inventory, error);
    }
    if (status != MR_OK) {
        return status;
    }
    if (scan->inventory.count == 0) {
        return mr_error_set(error, MR_E_NOT_FOUND, "there is no journal in this directory");
    }
    return MR_OK;
}

void mr_scan_free(struct mr_scan *scan)
{
    mr_window_free(&scan->window);
    mr_inventory_free(&scan->inventory);
}

/* The walk ends at `offset`. What the window holds may have been unmasked: forget it. */
static int stop(struct mr_scan *scan, enum mr_fault fault, uint32_t segment, uint64_t offset)
{
    scan->fault = fault;
    scan->fault_segment = segment;
    scan->fault_offset = offset;
    mr_window_forget(&scan->window);
    return MR_AGAIN;
}

struct mr_frame_place mr_scan_place(const struct mr_scan *scan, uint64_t offset)
{
    uint64_t seal_offset = mr_scan_seal_offset(scan);
    struct mr_frame_place place = {
        .segment = mr_scan_segment(scan),
        .offset = offset,
        .limit = offset == seal_offset ? scan->superblock.segment_bytes : seal_offset,
    };
    memcpy(place.journal_id, scan->journal_id, sizeof place.journal_id);
    return place;
}

/* Checks the head against the file and against the segments before it. */
static enum mr_fault check_head(struct mr_scan *scan, const unsigned char *head, uint64_t *offset)
{
    struct mr_superblock *superblock = &scan->superblock;
    bool half;
    enum mr_fault fault =
        mr_segment_get_head(head, mr_scan_segment(scan), superblock, offset, &half);
    if (fault != MR_FAULT_NONE) {
        return fault;
    }
    if (half && scan->half_segment == 0) {
        scan->half_segment = mr_scan_segment(scan);
        scan->half_offset = *offset;
    }
    *offset = 0;
    if (!scan->have_id) {
        memcpy(scan->journal_id, superblock->journal_id, sizeof scan->journal_id);
        scan->have_id = true;
    }
    if (memcmp(scan->journal_id, superblock->journal_id, sizeof scan->journal_id) != 0) {
        return MR_FAULT_FOREIGN;
    }
    if (scan->truncation.state != 0 &&
        memcmp(scan->journal_id, scan->truncation.journal_id, sizeof scan->journal_id) != 0) {
        scan->record_fault = MR_FAULT_RECORD;
        return MR_FAULT_RECORD;
    }
    return superblock->segment_bytes == scan->window.file_bytes ? MR_FAULT_NONE : MR_FAULT_SIZE;
}

int mr_scan_enter(struct mr_scan *scan, uint32_t at, struct mr_error *error)
{
    ASSERT(at < scan->inventory.count);
    uint32_t expected = at == 0 ? 1 : scan->inventory.numbers[at - 1] + 1;
    scan->at = at;
    scan->offset = MR_SEGMENT_HEAD;
    if (scan->record_fault != MR_FAULT_NONE) {
        return stop(scan, scan->record_fault, expected, 0);
    }
    if (mr_scan_segment(scan) != expected) {
        return stop(scan, MR_FAULT_MISSING, expected, 0);
    }
    char name[MR_SEGMENT_NAME_SIZE];
    mr_segment_name(expected, name);
    int status = mr_window_open(&scan->window, name, error);
    if (status != MR_OK) {
        return status;
    }
    if (scan->window.file_bytes < MR_SEGMENT_BYTES_TINY) {
        return stop(scan, MR_FAULT_SIZE, expected, 0);
    }
    unsigned char *head;
    status = mr_window_view(&scan->window, 0, MR_SEGMENT_HEAD, &head, error);
    if (status != MR_OK) {
        return status;
    }
    uint64_t offset = 0;
    enum mr_fault fault = check_head(scan, head, &offset);
    if (fault != MR_FAULT_NONE) {
        return stop(scan, fault, expected, offset);
    }
    const struct mr_superblock *superblock = &scan->superblock;
    if (superblock->durable.number > scan->durable.number &&
        mr_truncation_allows(&scan->truncation, superblock->generation,
                             superblock->durable.number)) {
        scan->durable = superblock->durable;
    }
    return MR_OK;
}

static bool continues(const struct mr_scan *scan, const struct mr_frame_header *header)
{
    return header->number == scan->number && header->generation >= scan->generation &&
           mr_truncation_allows(&scan->truncation, header->generation, header->number) &&
           mr_tip_equal(&header->before, &scan->tip);
}

static void step_over(struct mr_scan *scan, const struct mr_frame_header *header)
{
    scan->number++;
    scan->generation = header->generation;
    mr_bound_raise(&scan->durable, header);
    scan->written = (header->flags & MR_FRAME_FLAG_OS) != 0 ? MR_DURABILITY_OS : MR_DURABILITY_DISK;
    if (header->committed_index > scan->committed_index) {
        scan->committed_index = header->committed_index;
        scan->committed_sequence = header->committed_sequence;
    }
    reach_cut(scan);
}

/* A whole header stands at the place: checks the rest, and steps over it. */
static int take_frame(struct mr_scan *scan, const struct mr_frame_header *header,
                      struct mr_entry **entry, struct mr_error *error)
{
    unsigned char *frame;
    int status = mr_window_view(&scan->window, scan->offset, header->length, &frame, error);
    if (status != MR_OK) {
        return status;
    }
    enum mr_fault fault = mr_frame_open(frame, header);
    if (fault == MR_FAULT_NONE && !continues(scan, header)) {
        fault = MR_FAULT_CHAIN;
    }
    if (fault != MR_FAULT_NONE) {
        return stop(scan, fault, mr_scan_segment(scan), scan->offset);
    }
    *entry = NULL;
    if (header->kind == MR_FRAME_ENTRY) {
        *entry = mr_frame_entry(frame);
        scan->tip = mr_tip_after(*entry, header->entry_digest);
    }
    scan->offset += header->length;
    step_over(scan, header);
    return MR_OK;
}

/* MR_OK: the segment in hand is sealed just behind the frames that were walked, and the walk stands
 * in the next one. MR_AGAIN: it is not (`fault` NONE), or damage was found. */
static int pass_seal(struct mr_scan *scan, struct mr_error *error)
{
    uint64_t seal_offset = mr_scan_seal_offset(scan);
    struct mr_frame_place place = mr_scan_place(scan, seal_offset);
    struct mr_frame_header header;
    unsigned char *page;
    int status = mr_window_view(&scan->window, seal_offset, MR_PAGE_SIZE, &page, error);
    if (status != MR_OK) {
        return status;
    }
    bool sealed = mr_frame_get_header(page, &place, &header) == MR_FAULT_NONE &&
                  header.kind == MR_FRAME_SEAL && header.end_offset == scan->offset &&
                  mr_frame_open(page, &header) == MR_FAULT_NONE && continues(scan, &header);
    if (!sealed) {
        return stop(scan, MR_FAULT_NONE, mr_scan_segment(scan), seal_offset);
    }
    /* A gap is smaller than the frame that did not fit. */
    uint64_t gap = seal_offset - scan->offset;
    if (gap >= MR_FRAME_BYTES_MAX) {
        return stop(scan, MR_FAULT_CHAIN, mr_scan_segment(scan), seal_offset);
    }
    status = mr_window_view(&scan->window, scan->offset, (size_t)gap, &page, error);
    if (status != MR_OK) {
        return status;
    }
    if (!mr_bytes_zero(page, (size_t)gap)) {
        uint64_t skipped = 0;
        while (page[skipped] == 0) {
            skipped++;
        }
        return stop(scan, MR_FAULT_GARBAGE, mr_scan_segment(scan), scan->offset + skipped);
    }
    step_over(scan, &header);
    /* A segment is sealed only when the next one has its name. */
    if (scan->at + 1 == scan->inventory.count) {
        return stop(scan, MR_FAULT_MISSING, mr_scan_segment(scan) + 1, 0);
    }
    return mr_scan_enter(scan, scan->at + 1, error);
}

int mr_scan_next(struct mr_scan *scan, struct mr_frame_header *header, struct mr_entry **entry,
                 struct mr_error *error)
{
    for (;;) {
        enum mr_fault fault = MR_FAULT_BLANK;
        if (is_at_cut(scan)) {
            return stop(scan, MR_FAULT_NONE, mr_scan_segment(scan), scan->offset);
        }
        if (scan->offset < mr_scan_seal_offset(scan)) {
            struct mr_frame_place place = mr_scan_place(scan, scan->offset);
            unsigned char *page;
            int status = mr_window_view(&scan->window, scan->offset, MR_PAGE_SIZE, &page, error);
            if (status != MR_OK) {
                return status;
            }
            fault = mr_frame_get_header(page, &place, header);
            if (fault == MR_FAULT_NONE && header->kind == MR_FRAME_SEAL) {
                fault = MR_FAULT_FIELDS;
            }
            if (fault == MR_FAULT_NONE) {
                return take_frame(scan, header, entry, error);
            }
        }
        int status = pass_seal(scan, error);
        if (status == MR_AGAIN && scan->fault == MR_FAULT_NONE) {
            return stop(scan, fault, mr_scan_segment(scan), scan->offset);
        }
        if (status != MR_OK) {
            return status;
        }
    }
}
