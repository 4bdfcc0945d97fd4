/*
 * Looking ahead costs about one small read for each frame, and none where a seal says at once that
 * a whole segment is durable.
 */
#include "journal/reach.h"

#include "base/assert.h"
#include "journal/seek.h"

#include <string.h>

enum { AHEAD_MAX = 64 << 10 }; /* what one read asks for, once short frames follow each other */

void mr_reach_init(struct mr_reach *reach, struct mr_storage *storage)
{
    *reach = (struct mr_reach){.scan = {.storage = storage}};
}

void mr_reach_free(struct mr_reach *reach)
{
    if (reach->prepared) {
        mr_scan_free(&reach->scan);
    }
    reach->prepared = false;
}

/* -- Segments that come and go. ---------------------------------------------------------------- */

/* MR_SEGMENT_NUMBER_MAX + 1 would be too many: the count stands for "not there". */
static uint32_t place_of(const struct mr_inventory *inventory, uint32_t segment)
{
    uint32_t at = 0;
    while (at < inventory->count && inventory->numbers[at] != segment) {
        at++;
    }
    return at;
}

int mr_scan_refresh(struct mr_scan *scan, struct mr_error *error)
{
    struct mr_inventory inventory;
    uint32_t segment = mr_scan_segment(scan);
    int status = mr_inventory_take(scan->storage, &inventory, error);
    if (status != MR_OK) {
        return status;
    }
    uint32_t at = place_of(&inventory, segment);
    if (at < inventory.count) {
        mr_inventory_free(&scan->inventory);
        scan->inventory = inventory;
        scan->at = at;
    } else {
        mr_inventory_free(&inventory); /* what was in hand is gone: then nothing new is known */
    }
    status = mr_truncation_read(scan->storage, &scan->truncation, &scan->record_fault, error);
    return status == MR_AGAIN ? MR_OK : status;
}

int mr_scan_enter_number(struct mr_scan *scan, uint32_t segment, struct mr_error *error)
{
    uint32_t at = place_of(&scan->inventory, segment);
    if (at == scan->inventory.count) {
        scan->fault = MR_FAULT_MISSING;
        scan->fault_segment = segment;
        scan->fault_offset = 0;
        return MR_AGAIN;
    }
    return mr_scan_enter(scan, at, error);
}

/* -- What headers say. ------------------------------------------------------------------------- */

static void hear(struct mr_reach *reach, const struct mr_frame_header *header)
{
    if (header->generation > reach->generation) {
        reach->generation = header->generation;
        reach->durable = (struct mr_bound){0};
        reach->committed_index = 0;
    }
    mr_bound_raise(&reach->durable, header);
    if (header->committed_index > reach->committed_index) {
        reach->committed_index = header->committed_index;
    }
    reach->replicated = (header->flags & MR_FRAME_FLAG_REPLICATED) != 0;
}

static bool continues(const struct mr_scan *scan, const struct mr_frame_header *header)
{
    return header->number == scan->number && header->generation >= scan->generation &&
           mr_truncation_allows(&scan->truncation, header->generation, header->number) &&
           mr_tip_equal(&header->before, &scan->tip);
}

/* The chain behind a frame of which `page` is the first. An entry's header lies in the first
 * sector, as its frame's does. */
static struct mr_tip tip_after(const unsigned char *page, const struct mr_frame_header *header)
{
    struct mr_entry entry;
    uint64_t words[sizeof entry / sizeof(uint64_t)];
    if (header->kind != MR_FRAME_ENTRY) {
        return header->before;
    }
    memcpy(words, page + MR_FRAME_ROOM, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        words[i] ^= header->mask;
    }
    memcpy(&entry, words, sizeof entry);
    return mr_tip_after(&entry, header->entry_digest);
}

static void remember_place(struct mr_reach *reach)
{
    const struct mr_scan *scan = &reach->scan;
    uint64_t at = scan->number % MR_REACH_FRAMES;
    reach->frames[at].number = scan->number;
    reach->frames[at].segment = mr_scan_segment(scan);
    reach->frames[at].offset = scan->offset;
    reach->frames[at].index = scan->tip.index;
}

static void step_over(struct mr_reach *reach, const struct mr_frame_header *header)
{
    hear(reach, header);
    if ((header->flags & MR_FRAME_FLAG_OS) == 0) {
        reach->os_from = header->number + 1;
    }
    reach->scan.number = header->number + 1;
    reach->scan.generation = header->generation;
}

/* -- Steps. ------------------------------------------------------------------------------------ */

/* A header that is not whole may be one by now: what is not good is read anew. */
static int look(struct mr_scan *scan, uint64_t offset, struct mr_frame_header *header,
                enum mr_fault *fault, struct mr_error *error)
{
    uint64_t bytes_read = scan->window.bytes_read;
    int status = mr_scan_header(scan, offset, header, fault, error);
    bool good = *fault == MR_FAULT_NONE && continues(scan, header);
    if (status == MR_OK && !good && scan->window.bytes_read == bytes_read) {
        mr_window_forget(&scan->window);
        status = mr_scan_header(scan, offset, header, fault, error);
    }
    return status;
}

/* MR_OK: the place is at the head of the next segment. MR_AGAIN: that is not there, or damaged. */
static int enter_next(struct mr_reach *reach, struct mr_error *error)
{
    struct mr_scan *scan = &reach->scan;
    uint32_t next = mr_scan_segment(scan) + 1;
    int status = MR_OK;
    if (scan->at + 1 == scan->inventory.count) {
        status = mr_scan_refresh(scan, error);
    }
    if (status == MR_OK) {
        status = mr_scan_enter_number(scan, next, error);
    }
    reach->standing = status == MR_OK;
    if (status == MR_E_NOT_FOUND) { /* truncated just now */
        scan->fault = MR_FAULT_MISSING;
        status = MR_AGAIN;
    }
    return status;
}

static int step_over_seal(struct mr_reach *reach, struct mr_error *error)
{
    struct mr_scan *scan = &reach->scan;
    struct mr_frame_header seal;
    enum mr_fault fault = MR_FAULT_BLANK;
    int status = look(scan, mr_scan_seal_offset(scan), &seal, &fault, error);
    if (status != MR_OK) {
        return status;
    }
    if (fault != MR_FAULT_NONE || seal.kind != MR_FRAME_SEAL || seal.end_offset != scan->offset ||
        !continues(scan, &seal)) {
        scan->fault = fault == MR_FAULT_VERSION ? fault : MR_FAULT_NONE;
        return MR_AGAIN;
    }
    status = enter_next(reach, error);
    if (status == MR_OK) {
        step_over(reach, &seal);
        remember_place(reach);
    }
    return status;
}

static int step_over_frame(struct mr_reach *reach, const struct mr_frame_header *header,
                           struct mr_error *error)
{
    struct mr_window *window = &reach->scan.window;
    unsigned char *page;
    int status = mr_window_view(window, reach->scan.offset, MR_PAGE_SIZE, &page, error);
    if (status != MR_OK) {
        return status;
    }
    reach->scan.tip = tip_after(page, header);
    reach->scan.offset += header->length;
    step_over(reach, header);
    remember_place(reach);
    if (header->length > window->ahead) {
        window->ahead = MR_PAGE_SIZE;
    } else if (window->ahead < AHEAD_MAX) {
        window->ahead *= 2;
    }
    return MR_OK;
}

/* MR_OK: passed one header. MR_AGAIN: nothing follows yet (`fault` NONE or MISSING), or what does
 * is damaged. */
static int step(struct mr_reach *reach, struct mr_error *error)
{
    struct mr_scan *scan = &reach->scan;
    uint64_t seal_offset = mr_scan_seal_offset(scan);
    enum mr_fault fault = MR_FAULT_BLANK;
    if (scan->offset < seal_offset) {
        struct mr_frame_header header;
        int status = look(scan, scan->offset, &header, &fault, error);
        if (status != MR_OK) {
            return status;
        }
        if (fault == MR_FAULT_NONE && header.kind != MR_FRAME_SEAL && continues(scan, &header)) {
            return step_over_frame(reach, &header, error);
        }
    }
    scan->window.ahead = MR_PAGE_SIZE;
    scan->fault = fault == MR_FAULT_VERSION ? fault : MR_FAULT_NONE;
    scan->fault_segment = mr_scan_segment(scan);
    scan->fault_offset = scan->offset;
    /* The gap in front of a seal is smaller than the frame that did not fit. */
    bool may_be_full = fault == MR_FAULT_BLANK && seal_offset - scan->offset < MR_FRAME_BYTES_MAX;
    return may_be_full ? step_over_seal(reach, error) : MR_AGAIN;
}

/* -- From where. ------------------------------------------------------------------------------- */

static int stand(struct mr_reach *reach, const struct mr_scan *reader, struct mr_error *error)
{
    struct mr_scan *scan = &reach->scan;
    int status = MR_OK;
    if (!reach->prepared) {
        status = mr_scan_init(scan, reader->storage, error);
        reach->prepared = true;
    } else {
        status = mr_scan_refresh(scan, error);
    }
    scan->window.ahead = MR_PAGE_SIZE;
    if (status == MR_OK) {
        status = mr_scan_enter_number(scan, mr_scan_segment(reader), error);
    }
    reach->standing = status == MR_OK;
    scan->offset = reader->offset;
    scan->number = reader->number;
    scan->generation = reader->generation;
    scan->tip = reader->tip;
    reach->os_from = reader->number;
    memset(reach->frames, 0, sizeof reach->frames);
    if (reach->standing) {
        remember_place(reach);
    }
    return status;
}

/* A seal covers all of its segment but the frames that were in flight with it. */
static int hear_seal(struct mr_reach *reach, const struct mr_scan *reader, struct mr_error *error)
{
    struct mr_scan *scan = &reach->scan;
    struct mr_frame_header seal;
    enum mr_fault fault = MR_FAULT_BLANK;
    if (mr_scan_segment(scan) != mr_scan_segment(reader) ||
        reach->seal_segment == mr_scan_segment(reader)) {
        return MR_OK;
    }
    int status = mr_scan_header(scan, mr_scan_seal_offset(scan), &seal, &fault, error);
    reach->seal_segment = mr_scan_segment(reader);
    reach->sealed = status == MR_OK && fault == MR_FAULT_NONE && seal.kind == MR_FRAME_SEAL &&
                    seal.number >= scan->number &&
                    mr_truncation_allows(&scan->truncation, seal.generation, seal.number);
    if (reach->sealed) {
        reach->sealed_index = seal.before.index;
        hear(reach, &seal);
    }
    return status;
}

/* The last frame of all covers most of the others, which can be read in bulk then. */
static int hear_end(struct mr_reach *reach, const struct mr_scan *reader, struct mr_error *error)
{
    struct mr_scan *scan = &reach->scan;
    struct mr_frame_header last;
    enum mr_fault fault = MR_FAULT_BLANK;
    int status = mr_scan_init(scan, reader->storage, error);
    reach->prepared = true;
    if (status == MR_OK) {
        status = mr_scan_seek(scan, MR_SEEK_INDEX, UINT64_MAX, error);
    }
    if (status == MR_OK) {
        status = mr_scan_header(scan, scan->offset, &last, &fault, error);
    }
    if (status == MR_OK && fault == MR_FAULT_NONE && last.kind != MR_FRAME_SEAL &&
        mr_truncation_allows(&scan->truncation, last.generation, last.number)) {
        hear(reach, &last);
        status = mr_scan_seek(scan, MR_SEEK_INDEX, mr_reach_index(reach), error);
        reach->sure_segment = mr_scan_segment(scan);
        reach->sure_offset = status == MR_OK ? scan->offset : 0;
    }
    return status == MR_AGAIN ? MR_OK : status;
}

static int take_place(struct mr_reach *reach, const struct mr_scan *reader, struct mr_error *error)
{
    int status = MR_OK;
    if (!reach->standing || reach->scan.number < reader->number) {
        status = stand(reach, reader, error);
    }
    return status == MR_OK ? hear_seal(reach, reader, error) : status;
}

bool mr_reach_as_good(const struct mr_reach *reach, const struct mr_scan *reader)
{
    return reader->number >= reach->os_from && reader->number < reach->scan.number &&
           (!reach->replicated || reader->tip.index < reach->committed_index);
}

/* True when the bytes that are at hand hold another header: it costs no read. */
static bool has_more_at_hand(const struct mr_reach *reach)
{
    const struct mr_window *window = &reach->scan.window;
    uint64_t offset = reach->scan.offset;
    return offset >= window->start && offset + MR_PAGE_SIZE <= window->start + window->have;
}

/* Nothing following is no error, and neither is a segment that is not there yet. */
static int forgive(const struct mr_reach *reach, int status)
{
    bool nothing = reach->scan.fault == MR_FAULT_NONE || reach->scan.fault == MR_FAULT_MISSING;
    return status == MR_AGAIN && nothing ? MR_OK : status;
}

int mr_reach_raise(struct mr_reach *reach, const struct mr_scan *reader, struct mr_error *error)
{
    int status = reach->prepared ? MR_OK : hear_end(reach, reader, error);
    if (status == MR_OK) {
        status = take_place(reach, reader, error);
    }
    while (status == MR_OK && mr_reach_index(reach) <= reader->tip.index &&
           !mr_reach_as_good(reach, reader)) {
        status = step(reach, error);
    }
    while (status == MR_OK && reach->scan.number < reader->number + MR_REACH_FRAMES &&
           has_more_at_hand(reach)) {
        status = step(reach, error);
    }
    return forgive(reach, status);
}

int mr_reach_end(struct mr_reach *reach, const struct mr_scan *reader, struct mr_error *error)
{
    int status = take_place(reach, reader, error);
    while (status == MR_OK) {
        status = step(reach, error);
    }
    return forgive(reach, status);
}

/* What that place, up to which all is sure, means for the reader's segment. */
static uint64_t in_segment(const struct mr_scan *reader, uint32_t segment, uint64_t offset)
{
    uint32_t own = mr_scan_segment(reader);
    return segment == own ? offset : segment > own ? UINT64_MAX : 0;
}

/* Up to the first frame behind what is sure, as far as it is remembered. */
static uint64_t sure_end(const struct mr_reach *reach, const struct mr_scan *reader)
{
    uint64_t limit = 0;
    for (uint64_t number = reach->scan.number;; number--) {
        uint64_t at = number % MR_REACH_FRAMES;
        if (reach->frames[at].number != number) {
            return 0;
        }
        if (reach->frames[at].index < mr_reach_index(reach)) {
            return limit;
        }
        limit = in_segment(reader, reach->frames[at].segment, reach->frames[at].offset);
    }
}

uint64_t mr_reach_limit(const struct mr_reach *reach, const struct mr_scan *reader)
{
    const struct mr_scan *scan = &reach->scan;
    uint64_t sure = mr_reach_index(reach);
    bool sealed = reach->sealed && reach->seal_segment == mr_scan_segment(reader);
    if (sealed && (!reach->replicated || reach->sealed_index < sure)) {
        return UINT64_MAX; /* what was in flight with a seal, a second look will find whole */
    }
    bool as_good = !reach->replicated && mr_reach_as_good(reach, reader);
    uint64_t before = in_segment(reader, reach->sure_segment, reach->sure_offset);
    uint64_t since = as_good || scan->tip.index < sure
                         ? in_segment(reader, mr_scan_segment(scan), scan->offset)
                         : sure_end(reach, reader);
    return before > since ? before : since;
}

/* -- Behind what is missing. ------------------------------------------------------------------- */

/* Looks from `offset` to the first frames behind what is missing. */
static int search_from(struct mr_reach *reach, uint64_t offset, struct mr_error *error)
{
    struct mr_scan *scan = &reach->scan;
    for (int left = MR_FRAMES_IN_FLIGHT_MAX + 1; left > 0 && reach->durable.number < scan->number;
         left--) {
        struct mr_frame_header header;
        int status =
            mr_scan_look(scan, offset, offset + MR_FRAME_BYTES_MAX, false, &header, &offset, error);
        if (status != MR_OK) {
            return status == MR_AGAIN ? MR_OK : status;
        }
        if (header.number >= scan->number &&
            mr_truncation_allows(&scan->truncation, header.generation, header.number)) {
            hear(reach, &header);
        }
        offset += header.length;
    }
    return MR_OK;
}

int mr_reach_search(struct mr_reach *reach, struct mr_error *error)
{
    struct mr_scan *scan = &reach->scan;
    if (!reach->standing) {
        return MR_OK;
    }
    scan->window.ahead = MR_WINDOW_READ;
    mr_window_forget(&scan->window);
    int status = search_from(reach, scan->offset, error);
    if (status == MR_OK && reach->durable.number < scan->number) {
        status = enter_next(reach, error);
        if (status == MR_OK) {
            status = search_from(reach, MR_SEGMENT_HEAD, error);
        }
    }
    mr_reach_forget(reach);
    return status == MR_AGAIN ? MR_OK : status;
}
