/*
 * Repair: what recovery refuses, made such that recovery accepts it.
 *
 * Planning. Heads that can be mended and gaps that ought to be zero become patches of a view
 * (repair_view.h). Through the view the walk finds the end of what is whole, and recovery's own
 * decision table says whether anything that was acknowledged can be missing behind it. If not, the
 * patches are all there is to do. If so, everything behind that end is dropped, by a truncation,
 * so that what older watermarks promised there binds nobody.
 *
 * Applying; each step may be the last before a crash, and doing it all again completes it:
 *   1. Sync, so that what is read is what stays. Plan. Nothing has changed.
 *   2. Archive all that will be overwritten or dropped. A crash leaves copies; they are made again.
 *   3. If something is dropped: the truncation record, PENDING. From here on the plan is that
 *      truncation, and loses nothing any more; what was to be lost has been named and archived.
 *      It comes before the patches: a short segment that has its length again could pass for clean.
 *   4. Write the patches. A crash leaves pages damaged: they are patched again.
 *   5. Recover, as ever: that syncs, and completes the truncation or zeroes a torn tail.
 */
#include "base/assert.h"
#include "journal/archive.h"
#include "journal/recovery.h"
#include "journal/repair_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Behind the last good frame. A seal that was passed behind it carries nothing, and may go. */
struct end {
    uint32_t segment; /* 0: there is no good frame */
    uint64_t offset;
    uint64_t number; /* of the frame that would come there */
    struct mr_tip tip;
};

struct repair {
    struct mr_storage *real;
    /* Past the page cache, as recovery reads: what that refuses must not look whole here. */
    struct mr_recovery_walk as_recovery;
    struct mr_repair *plan;
    struct mr_repair_view view;
    struct mr_inventory inventory;
    uint8_t journal_id[MR_JOURNAL_ID_SIZE];
    struct end end;
    uint64_t generation; /* the highest that anything carries */
    bool drops;
    uint32_t last;              /* segment that stays; what is behind it needs no mending */
    struct mr_tail_part *parts; /* to be archived */
    uint32_t part_count;
};

/* -- What there is to do, for people. ---------------------------------------------------------- */

static void add_step(struct mr_repair *plan, enum mr_repair_kind kind, uint32_t segment,
                     uint64_t offset, uint64_t bytes)
{
    struct mr_repair_step *step = &plan->steps[plan->step_count];
    if (plan->step_count++ >= MR_REPAIR_STEPS_MAX) {
        return;
    }
    *step = (struct mr_repair_step){.kind = kind, .offset = offset, .bytes = bytes};
    if (segment == 0) {
        snprintf(step->file, sizeof step->file, "%s", MR_TRUNCATION_NAME);
    } else {
        mr_segment_name(segment, step->file);
    }
}

static void add_recovery_steps(struct mr_repair *plan, const struct mr_recovery *report)
{
    if (report->torn) {
        add_step(plan, MR_REPAIR_TORN, 0, report->torn_offset, report->torn_bytes);
        struct mr_repair_step *step = &plan->steps[plan->step_count - 1];
        if (plan->step_count <= MR_REPAIR_STEPS_MAX) {
            snprintf(step->file, sizeof step->file, "%s", report->torn_segment);
        }
        plan->archive_bytes += report->torn_bytes;
    }
    if (report->decided == (char)MR_CASE_CUT) {
        add_step(plan, MR_REPAIR_TRUNCATION, 0, 0, 0);
    }
}

static void keep_all(struct mr_repair *plan, const struct mr_recovery *report)
{
    plan->decided = report->decided;
    plan->keep_index = report->last_index;
    plan->keep_sequence = report->last_sequence;
    plan->keep_time_ns = report->last_time_ns;
    plan->generation = report->generation;
}

/* -- Parts to archive. ------------------------------------------------------------------------- */

static int add_part(struct repair *repair, struct mr_tail_part part, struct mr_error *error)
{
    struct mr_tail_part *parts =
        realloc(repair->parts, (repair->part_count + 1) * sizeof *repair->parts);
    if (parts == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory to plan a repair");
    }
    repair->parts = parts;
    parts[repair->part_count++] = part;
    repair->plan->archive_bytes += part.end - part.offset;
    return MR_OK;
}

/* Patches that touch each other are one step and one archive. */
static int add_patches(struct repair *repair, struct mr_error *error)
{
    const struct mr_repair_view *view = &repair->view;
    int status = MR_OK;
    for (uint32_t i = 0; i < view->patch_count && status == MR_OK;) {
        const struct mr_repair_patch *first = &view->patches[i];
        uint64_t end = first->offset;
        for (; i < view->patch_count && view->patches[i].segment == first->segment &&
               view->patches[i].kind == first->kind && view->patches[i].offset == end;
             i++) {
            end += MR_PAGE_SIZE;
        }
        if (first->segment > repair->last) {
            continue;
        }
        add_step(repair->plan, first->kind, first->segment, first->offset, end - first->offset);
        status = add_part(repair, (struct mr_tail_part){first->segment, first->offset, end}, error);
    }
    for (uint32_t i = 0; i < view->length_count; i++) {
        const struct mr_repair_length *length = &view->lengths[i];
        if (length->segment <= repair->last) {
            add_step(repair->plan, MR_REPAIR_EXTEND, length->segment, length->from,
                     length->to - length->from);
        }
    }
    return status;
}

struct dropped {
    struct repair *repair;
    struct mr_frame_place place;
    uint64_t end; /* of the last byte that is not zero */
};

static bool look_at_dropped(void *context, uint64_t offset, const unsigned char *page, size_t size)
{
    struct dropped *dropped = context;
    struct mr_repair *plan = dropped->repair->plan;
    struct mr_frame_header header;
    if (!mr_bytes_zero(page, size)) {
        dropped->end = offset + size;
    }
    dropped->place.offset = offset;
    if (size == MR_PAGE_SIZE &&
        mr_frame_get_header(page, &dropped->place, &header) == MR_FAULT_NONE) {
        uint64_t seen = header.before.sequence + (header.kind == MR_FRAME_ENTRY);
        plan->seen_to = seen > plan->seen_to ? seen : plan->seen_to;
        if (header.generation > dropped->repair->generation) {
            dropped->repair->generation = header.generation;
        }
    }
    return true;
}

static int drop_segment(struct repair *repair, uint32_t segment, struct mr_error *error)
{
    uint64_t from = segment == repair->end.segment ? repair->end.offset : 0;
    struct dropped dropped = {
        .repair = repair, .place = {.segment = segment, .limit = UINT64_MAX}, .end = from};
    memcpy(dropped.place.journal_id, repair->journal_id, MR_JOURNAL_ID_SIZE);
    int status = mr_repair_pages(repair->real, segment, from, look_at_dropped, &dropped, error);
    bool blank = dropped.end <= (from == 0 ? MR_SEGMENT_HEAD : from); /* prepared, never used */
    if (status != MR_OK || blank) {
        return status;
    }
    add_step(repair->plan, MR_REPAIR_DROP, segment, from, dropped.end - from);
    return add_part(repair, (struct mr_tail_part){segment, from, dropped.end}, error);
}

static int drop_rest(struct repair *repair, bool loses, struct mr_error *error)
{
    struct mr_repair *plan = repair->plan;
    const struct end *end = &repair->end;
    int status = MR_OK;
    if (end->tip.index == 0) {
        return mr_error_set(error, MR_E_CORRUPT,
                            "nothing can be saved, not even the first entry: restore the whole "
                            "directory from a copy");
    }
    plan->decided = (char)MR_CASE_CUT;
    plan->keep_index = end->tip.index;
    plan->keep_sequence = end->tip.sequence;
    plan->keep_time_ns = end->tip.time_ns;
    for (uint32_t i = 0; i < repair->inventory.count && status == MR_OK; i++) {
        if (repair->inventory.numbers[i] >= end->segment) {
            status = drop_segment(repair, repair->inventory.numbers[i], error);
        }
    }
    if (status == MR_OK && plan->step_count == 0) { /* what is in the way holds nothing, but goes */
        add_step(plan, MR_REPAIR_DROP, repair->inventory.numbers[repair->inventory.count - 1], 0,
                 0);
    }
    plan->lose_from = loses ? end->tip.sequence + 1 : 0;
    plan->seen_to = plan->seen_to > end->tip.sequence ? plan->seen_to : 0;
    plan->generation = repair->generation + 1;
    return status;
}

/* -- Finding the end of what is whole. --------------------------------------------------------- */

/* The walk stands in front of a seal, behind which it could go on but for bytes in the gap. */
static int patch_gap(struct repair *repair, struct mr_scan *scan, struct mr_error *error)
{
    static const unsigned char zeros[MR_PAGE_SIZE];
    int status = MR_OK;
    uint64_t seal_offset = mr_scan_seal_offset(scan);
    for (uint64_t at = scan->offset; at < seal_offset && status == MR_OK; at += MR_PAGE_SIZE) {
        unsigned char *page;
        status = mr_window_view(&scan->window, at, MR_PAGE_SIZE, &page, error);
        if (status == MR_OK && !mr_bytes_zero(page, MR_PAGE_SIZE)) {
            status = mr_repair_patch(&repair->view, MR_REPAIR_GAP, mr_scan_segment(scan), at, zeros,
                                     error);
        }
    }
    /* Opened anew, so that the view knows it. */
    char name[MR_SEGMENT_NAME_SIZE];
    mr_segment_name(mr_scan_segment(scan), name);
    return status == MR_OK ? mr_window_open(&scan->window, name, error) : status;
}

static bool is_gap(const struct mr_scan *scan)
{
    return scan->fault == MR_FAULT_GARBAGE && scan->fault_segment == mr_scan_segment(scan) &&
           scan->fault_offset >= scan->offset && scan->offset >= MR_SEGMENT_HEAD &&
           scan->fault_offset < mr_scan_seal_offset(scan);
}

static int walk(struct repair *repair, struct mr_scan *scan, struct mr_error *error)
{
    bool entered = false;
    int status = mr_scan_enter(scan, 0, error);
    while (status == MR_OK) {
        struct mr_frame_header header;
        struct mr_entry *entry;
        entered = true;
        status = mr_scan_next(scan, &header, &entry, error);
        if (status == MR_OK) {
            repair->end = (struct end){
                .segment = mr_scan_segment(scan),
                .offset = scan->offset,
                .number = scan->number,
                .tip = scan->tip,
            };
        } else if (status == MR_AGAIN && is_gap(scan)) {
            status = patch_gap(repair, scan, error);
        }
    }
    if (entered && scan->generation > repair->generation) {
        repair->generation = scan->generation;
    }
    memcpy(repair->journal_id, scan->journal_id, sizeof repair->journal_id);
    return status == MR_AGAIN ? MR_OK : status;
}

static int find_end(struct repair *repair, struct mr_error *error)
{
    struct mr_scan scan;
    repair->end = (struct end){.segment = 0};
    int status = mr_scan_init(&scan, &repair->view.storage, error);
    if (status != MR_OK) {
        return status;
    }
    if (scan.truncation.state != 0 && scan.truncation.generation > repair->generation) {
        repair->generation = scan.truncation.generation;
    }
    scan.window.direct = repair->as_recovery.direct;
    status = walk(repair, &scan, error);
    mr_scan_free(&scan);
    return status;
}

/* -- Planning. --------------------------------------------------------------------------------- */

/* What recovery would say once the patches are written. MR_OK: `report`; MR_E_CORRUPT: `damage`. */
static int judge_patched(struct repair *repair, struct mr_recovery *report,
                         struct mr_damage *damage, struct mr_error *error)
{
    struct mr_resume resume;
    struct mr_tail tail;
    int status = find_end(repair, error);
    return status != MR_OK ? status
                           : mr_recovery_decide(&repair->view.storage, &repair->as_recovery, report,
                                                damage, &resume, &tail, error);
}

static int add_record(struct repair *repair, struct mr_error *error)
{
    const struct mr_storage_calls *calls = repair->real->calls;
    uint64_t size = 0;
    int file;
    int status = calls->open(repair->real, MR_TRUNCATION_NAME, MR_OPEN_READ, &file, error);
    if (status == MR_OK) {
        status = calls->size(repair->real, file, &size, error);
        calls->close(repair->real, file);
    }
    add_step(repair->plan, MR_REPAIR_RECORD, 0, 0, size);
    return status == MR_OK && size > 0 ? add_part(repair, (struct mr_tail_part){0, 0, size}, error)
                                       : status;
}

static int plan_deep(struct repair *repair, struct mr_error *error)
{
    struct mr_repair *plan = repair->plan;
    struct mr_recovery report = {.decided = 0};
    struct mr_damage damage = {0};
    int status = mr_inventory_take(repair->real, &repair->inventory, error);
    if (status == MR_OK) {
        status = mr_repair_heads(&repair->view, &repair->inventory, &repair->generation, error);
    }
    if (status == MR_OK) {
        status = judge_patched(repair, &report, &damage, error);
    }
    if (status == MR_E_CORRUPT && damage.decided == (char)MR_CASE_RECORD) {
        repair->view.hide_record = true;
        status = add_record(repair, error);
    }
    if (status == MR_OK && repair->view.hide_record) {
        status = judge_patched(repair, &report, &damage, error);
    }
    if (status != MR_OK && status != MR_E_CORRUPT) {
        return status;
    }
    /* Behind the cut of a truncation that is recorded already, nothing counts. */
    bool cut = status == MR_OK && report.decided == (char)MR_CASE_CUT;
    bool loses = status != MR_OK || (repair->view.length_count > 0 && !cut);
    repair->drops = loses || repair->view.hide_record;
    repair->last = repair->drops || cut ? repair->end.segment : UINT32_MAX;
    status = add_patches(repair, error);
    if (status == MR_OK && repair->drops) {
        return drop_rest(repair, loses, error);
    }
    if (status == MR_OK) {
        keep_all(plan, &report);
        add_recovery_steps(plan, &report);
    }
    return status;
}

/* What recovery says now. Twice, if it refuses: beside a writer, what it was just writing is whole
 * by then, and damage is where it was. */
static int look(struct repair *repair, struct mr_recovery *report, struct mr_error *error)
{
    struct mr_damage first = {0}, *second = &repair->plan->damage;
    struct mr_resume resume;
    struct mr_tail tail;
    int status = mr_recovery_decide(repair->real, &repair->as_recovery, report, &first, &resume,
                                    &tail, error);
    if (status == MR_E_VERSION) {
        *second = first;
    }
    if (status != MR_E_CORRUPT) {
        return status;
    }
    status = mr_recovery_decide(repair->real, &repair->as_recovery, report, second, &resume, &tail,
                                error);
    if (status == MR_E_CORRUPT &&
        (first.offset != second->offset || strcmp(first.segment, second->segment) != 0)) {
        report->decided = (char)MR_CASE_CLEAN;
        *second = (struct mr_damage){.decided = 0};
        return MR_OK;
    }
    return status;
}

static int make_plan(struct repair *repair, struct mr_error *error)
{
    struct mr_repair *plan = repair->plan;
    struct mr_recovery report = {.decided = 0};
    struct mr_error found = {.code = MR_OK};
    int status = look(repair, &report, &found);
    if (status != MR_OK) {
        plan->refusal = found;
    }
    if (status == MR_OK && report.head_segment[0] == '\0') {
        keep_all(plan, &report);
        add_recovery_steps(plan, &report);
        return MR_OK;
    }
    if (status == MR_OK || status == MR_E_CORRUPT) {
        return plan_deep(repair, error);
    }
    return mr_error_set(error, found.code, "%s", found.text);
}

static void repair_init(struct repair *repair, struct mr_storage *storage,
                        const struct mr_journal_watch *watch, struct mr_repair *plan)
{
    *plan = (struct mr_repair){.step_count = 0};
    *repair = (struct repair){
        .real = storage, .as_recovery = {.watch = watch, .direct = true}, .plan = plan};
    mr_repair_view_init(&repair->view, storage);
}

static void repair_free(struct repair *repair)
{
    mr_repair_view_free(&repair->view);
    mr_inventory_free(&repair->inventory);
    free(repair->parts);
}

int mr_repair_plan(struct mr_storage *storage, const struct mr_journal_watch *watch,
                   struct mr_repair *plan, struct mr_error *error)
{
    struct repair repair;
    repair_init(&repair, storage, watch, plan);
    int status = make_plan(&repair, error);
    repair_free(&repair);
    return status;
}

/* -- Applying. --------------------------------------------------------------------------------- */

static int check_loss(const struct mr_repair *plan, uint64_t lose_from, struct mr_error *error)
{
    if (plan->lose_from == 0 || plan->lose_from == lose_from) {
        return MR_OK;
    }
    return mr_error_set(error, MR_E_INVALID,
                        "this loses commands from sequence %" PRIu64 " on, which may have been "
                        "acknowledged; to accept that loss, name that sequence",
                        plan->lose_from);
}

static int archive(struct repair *repair, struct mr_error *error)
{
    uint64_t room;
    struct mr_repair *plan = repair->plan;
    int status = repair->real->calls->space(repair->real, &room, error);
    if (status == MR_OK && room < plan->archive_bytes + MR_ZERO_CHUNK) {
        status = mr_error_set(error, MR_E_NO_SPACE,
                              "archiving what is overwritten takes %" PRIu64 " bytes, and there "
                              "are only %" PRIu64 ": make room first; nothing was changed",
                              plan->archive_bytes, room);
    }
    if (status == MR_OK && repair->part_count > 0) {
        status = mr_archive_parts(repair->real, repair->parts, repair->part_count,
                                  MR_ARCHIVE_REPAIR, plan->archive, error);
    }
    return status;
}

static int record_loss(struct repair *repair, struct mr_error *error)
{
    const struct end *end = &repair->end;
    struct mr_truncation record = {
        .state = MR_TRUNCATION_PENDING,
        .generation = repair->plan->generation,
        .number = end->number,
        .segment = end->segment,
        .offset = end->offset,
        .keep = end->tip,
    };
    memcpy(record.journal_id, repair->journal_id, sizeof record.journal_id);
    return mr_truncation_write(repair->real, &record, error);
}

static int write_page(struct repair *repair, const struct mr_repair_patch *patch,
                      struct mr_error *error)
{
    const struct mr_storage_calls *calls = repair->real->calls;
    char name[MR_SEGMENT_NAME_SIZE];
    int file;
    mr_segment_name(patch->segment, name);
    int status = calls->open(repair->real, name, MR_OPEN_WRITE, &file, error);
    if (status == MR_OK) {
        status = calls->write(repair->real, file, patch->offset, patch->page, MR_PAGE_SIZE, error);
        calls->close(repair->real, file);
    }
    return status;
}

static int write_length(struct repair *repair, const struct mr_repair_length *length,
                        struct mr_error *error)
{
    const struct mr_storage_calls *calls = repair->real->calls;
    char name[MR_SEGMENT_NAME_SIZE];
    int file;
    mr_segment_name(length->segment, name);
    int status = calls->open(repair->real, name, MR_OPEN_WRITE, &file, error);
    if (status != MR_OK) {
        return status;
    }
    for (uint64_t at = length->from; at < length->to && status == MR_OK; at += MR_ZERO_CHUNK) {
        uint64_t left = length->to - at;
        size_t size = left < MR_ZERO_CHUNK ? (size_t)left : MR_ZERO_CHUNK;
        status = calls->write(repair->real, file, at, mr_segment_zeros(), size, error);
    }
    calls->close(repair->real, file);
    return status;
}

/* Not synced: recovery, which comes next, begins with that. */
static int write_patches(struct repair *repair, struct mr_error *error)
{
    const struct mr_repair_view *view = &repair->view;
    int status = MR_OK;
    for (uint32_t i = 0; i < view->length_count && status == MR_OK; i++) {
        const struct mr_repair_length *length = &view->lengths[i];
        status = length->segment <= repair->last ? write_length(repair, length, error) : MR_OK;
    }
    for (uint32_t i = 0; i < view->patch_count && status == MR_OK; i++) {
        const struct mr_repair_patch *patch = &view->patches[i];
        status = patch->segment <= repair->last ? write_page(repair, patch, error) : MR_OK;
    }
    return status;
}

/* What is left to do is what every start does. */
static int recover(struct repair *repair, struct mr_error *error)
{
    const struct mr_journal_options options = {.segment_bytes = 0};
    struct mr_recovery report;
    struct mr_journal *journal;
    int status = mr_journal_recover(repair->real, &options, &report, NULL, &journal, error);
    if (status == MR_OK) {
        mr_journal_close(journal);
        if (repair->plan->archive[0] == '\0') {
            memcpy(repair->plan->archive, report.archive, sizeof report.archive);
        }
    }
    return status;
}

static int apply(struct repair *repair, struct mr_error *error)
{
    int status = archive(repair, error);
    if (status == MR_OK && repair->drops) {
        status = record_loss(repair, error);
    }
    if (status == MR_OK) {
        status = write_patches(repair, error);
    }
    return status == MR_OK ? recover(repair, error) : status;
}

int mr_repair_apply(struct mr_storage *storage, uint64_t lose_from, struct mr_repair *done,
                    struct mr_error *error)
{
    struct repair repair;
    repair_init(&repair, storage, NULL, done);
    int status = mr_segments_sync(storage, error);
    if (status == MR_OK) {
        status = make_plan(&repair, error);
    }
    if (status == MR_OK) {
        status = check_loss(done, lose_from, error);
    }
    if (status == MR_OK && done->step_count > 0) {
        status = apply(&repair, error);
    }
    repair_free(&repair);
    return status;
}
