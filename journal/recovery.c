/*
 * The decision table. The walk (scan.c) passes all frames that are whole, in place and chained;
 * they are kept, whether a watermark covers them or not. It ends where frame number e ought to be.
 * The first row that fits decides. Some of them need only that place:
 *
 *   E  a whole frame that does not continue the chain   refuse: stale, misdirected, duplicated
 *   F  bytes between a segment's frames and its seal    refuse
 *   G  a superblock damaged, foreign, of the wrong size refuse
 *   H  a segment missing                                refuse
 *   I  something whole of an unknown version            refuse (MR_E_VERSION)
 *
 * Else the look ahead (tail.c) gathers the highest watermark w that anything whole carries, up to
 * the end of the last segment, and whether an honest death explains all that lies there:
 *
 *   C  e <= w: the frame had been durable               refuse: rot
 *   D  a frame damaged though no sector is zero         refuse: rot
 *   E F G H I as above, behind that place               refuse
 *   B  bytes behind the end, all explained              archive, zero, go on
 *   J  as B, where the frames were written under os     archive, zero, go on
 *      durability: as many as were not synced yet
 *   A  zeros                                            go on
 *
 * K  A truncation record is PENDING and the walk came to the cut that it names: nothing behind it
 *    counts, the truncation is completed first (truncation.h). A record that is damaged or names
 *    another place is refused (M). L accompanies the others: one copy of a superblock is damaged.
 *
 * A segment that was being prepared (journal/next.tmp) has no name yet and is removed in A and B.
 */
#include "journal/recovery.h"

#include "base/assert.h"
#include "base/clock.h"
#include "journal/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *case_text(enum mr_case kind)
{
#define CASE_TEXT(name, letter, text) \
    case letter:                      \
        return text;
    switch ((int)kind) {
        MR_CASE_LIST(CASE_TEXT)
    default:
        return "";
    }
#undef CASE_TEXT
}

static enum mr_case case_of(enum mr_fault fault)
{
    switch (fault) {
    case MR_FAULT_VERSION:
        return MR_CASE_VERSION;
    case MR_FAULT_SUPERBLOCK:
    case MR_FAULT_FOREIGN:
    case MR_FAULT_SIZE:
        return MR_CASE_HEAD;
    case MR_FAULT_MISSING:
        return MR_CASE_MISSING;
    case MR_FAULT_RECORD:
        return MR_CASE_RECORD;
    case MR_FAULT_CHAIN:
        return MR_CASE_CHAIN;
    case MR_FAULT_GARBAGE:
        return MR_CASE_GARBAGE;
    case MR_FAULT_NONE:
    case MR_FAULT_BLANK:
    case MR_FAULT_HEADER:
    case MR_FAULT_FIELDS:
    case MR_FAULT_PADDING:
    case MR_FAULT_ENTRY:
        break;
    }
    return MR_CASE_DAMAGED;
}

/* Only these faults can be the work of a crash; the look ahead tells. */
static bool needs_look(enum mr_fault fault)
{
    return fault == MR_FAULT_BLANK || fault == MR_FAULT_HEADER || fault == MR_FAULT_PADDING ||
           fault == MR_FAULT_ENTRY;
}

struct finding {
    enum mr_case kind;
    enum mr_fault fault;
    uint32_t segment;
    uint64_t offset;
    uint64_t sequence;
    bool in_record; /* not in a segment, but in the truncation record */
};

static int refuse(const struct finding *finding, struct mr_damage *damage, struct mr_error *error)
{
    char name[MR_SEGMENT_NAME_SIZE];
    if (finding->in_record) {
        snprintf(name, sizeof name, "%s", MR_TRUNCATION_NAME);
    } else {
        mr_segment_name(finding->segment, name);
    }
    if (damage != NULL) {
        *damage = (struct mr_damage){.offset = finding->offset,
                                     .sequence = finding->sequence,
                                     .decided = (char)finding->kind};
        snprintf(damage->segment, sizeof damage->segment, "%s", name);
    }
    int code = finding->kind == MR_CASE_VERSION ? MR_E_VERSION : MR_E_CORRUPT;
    return mr_error_set(error, code,
                        "%s: offset %" PRIu64 ", sequence %" PRIu64 ": %s (case %c: %s); "
                        "no file was changed; 'millrace repair' says what can be saved",
                        name, finding->offset, finding->sequence, mr_fault_text(finding->fault),
                        (char)finding->kind, case_text(finding->kind));
}

/* The walk: everything up to the first place without a good frame. */
static int walk(struct mr_scan *scan, struct mr_recovery *report, struct mr_error *error)
{
    const struct mr_journal_watch *watch = scan->window.watch;
    int status = mr_scan_enter(scan, 0, error);
    while (status == MR_OK) {
        struct mr_frame_header header;
        struct mr_entry *entry;
        status = mr_scan_next(scan, &header, &entry, error);
        if (status == MR_OK && entry != NULL && report->first_index == 0) {
            report->first_index = entry->index;
            report->first_sequence = entry->first_sequence;
        }
        if (status == MR_OK && entry != NULL && watch != NULL && watch->entry != NULL) {
            watch->entry(watch->context, entry);
        }
    }
    return status;
}

static void fill_report(struct mr_recovery *report, const struct mr_scan *scan)
{
    memcpy(report->journal_id, scan->journal_id, sizeof report->journal_id);
    report->last_index = scan->tip.index;
    report->last_sequence = scan->tip.sequence;
    report->last_digest = scan->tip.digest;
    report->last_time_ns = scan->tip.time_ns;
    report->durable_index = scan->durable.index;
    report->committed_index = scan->committed_index;
    report->durability = scan->written;
    report->generation = scan->generation;
    if (scan->half_segment != 0) {
        mr_segment_name(scan->half_segment, report->head_segment);
        report->head_offset = scan->half_offset;
    }
    report->segments = scan->inventory.count;
}

static void fill_resume(struct mr_resume *resume, const struct mr_scan *scan)
{
    *resume = (struct mr_resume){
        .segment = mr_scan_segment(scan),
        .segment_last = scan->inventory.numbers[scan->inventory.count - 1],
        .segment_bytes = scan->superblock.segment_bytes,
        .offset = scan->offset,
        .number = scan->number,
        .generation = scan->generation,
        .tip = scan->tip,
        .recorded_index = scan->durable.index,
        .committed_index = scan->committed_index,
        .committed_sequence = scan->committed_sequence,
        .written = scan->written,
    };
    if (scan->fault == MR_FAULT_NONE) { /* completing it retires what lies behind */
        resume->truncation = scan->truncation;
        resume->segment_last = resume->segment;
    }
    memcpy(resume->journal_id, scan->journal_id, sizeof resume->journal_id);
}

/* What the look ahead found behind the place that `resume` names. */
static void judge_tail(const struct mr_scan *scan, const struct mr_resume *resume,
                       const struct mr_tail *tail, struct finding *finding)
{
    bool durable = scan->durable.number >= resume->number;
    /* Where a seal is damaged, the walk ended in front of the gap before it. */
    bool is_seal = scan->fault == MR_FAULT_BLANK && tail->fault_segment == resume->segment &&
                   tail->fault_offset == mr_segment_seal_offset(resume->segment_bytes);
    if (tail->fault != MR_FAULT_NONE && (!durable || is_seal)) {
        *finding = (struct finding){
            .kind = case_of(tail->fault),
            .fault = tail->fault,
            .segment = tail->fault_segment,
            .offset = tail->fault_offset,
            .sequence = tail->fault_sequence,
        };
    }
    if (durable) {
        finding->kind = MR_CASE_DURABLE;
    } else if (tail->fault == MR_FAULT_NONE) {
        enum mr_case torn = scan->written == MR_DURABILITY_OS ? MR_CASE_UNSYNCED : MR_CASE_TORN;
        finding->kind = tail->count > 0 ? torn : MR_CASE_CLEAN;
    }
}

/* The walk has come to the cut of a truncation: is it the place that the record names? */
static void judge_cut(const struct mr_scan *scan, struct finding *finding)
{
    const struct mr_truncation *record = &scan->truncation;
    bool agrees = mr_scan_segment(scan) == record->segment && scan->offset == record->offset &&
                  mr_tip_equal(&scan->tip, &record->keep);
    finding->kind = agrees ? MR_CASE_CUT : MR_CASE_RECORD;
    finding->fault = agrees ? MR_FAULT_NONE : MR_FAULT_RECORD;
    finding->in_record = !agrees;
}

/* The walk ended where `resume` says: settles the case. MR_OK, or MR_E_IO. */
static int settle(struct mr_scan *scan, const struct mr_resume *resume, struct mr_tail *tail,
                  struct finding *finding, struct mr_error *error)
{
    *finding = (struct finding){
        .kind = case_of(scan->fault),
        .fault = scan->fault,
        .segment = scan->fault_segment,
        .offset = scan->fault_offset,
        .sequence = scan->tip.sequence + 1,
        .in_record = scan->record_fault != MR_FAULT_NONE,
    };
    if (scan->fault == MR_FAULT_NONE) {
        judge_cut(scan, finding);
        return MR_OK;
    }
    if (!needs_look(scan->fault)) {
        return MR_OK;
    }
    int status = mr_tail_look(scan, tail, error);
    if (status == MR_OK) {
        judge_tail(scan, resume, tail, finding);
    }
    return status;
}

static bool goes_on(enum mr_case kind)
{
    return kind == MR_CASE_CLEAN || kind == MR_CASE_TORN || kind == MR_CASE_UNSYNCED ||
           kind == MR_CASE_CUT;
}

static int decide(struct mr_scan *scan, struct mr_recovery *report, struct mr_damage *damage,
                  struct mr_resume *resume, struct mr_tail *tail, struct mr_error *error)
{
    struct finding finding;
    int status = walk(scan, report, error);
    if (status != MR_AGAIN) {
        return status;
    }
    *tail = (struct mr_tail){0};
    fill_resume(resume, scan);
    status = settle(scan, resume, tail, &finding, error);
    if (status != MR_OK) {
        return status;
    }
    fill_report(report, scan);
    report->decided = (char)finding.kind;
    if (finding.kind == MR_CASE_TORN || finding.kind == MR_CASE_UNSYNCED) {
        report->torn = true;
        report->torn_bytes = tail->bytes;
        report->torn_offset = finding.offset;
        mr_segment_name(finding.segment, report->torn_segment);
    }
    return goes_on(finding.kind) ? MR_OK : refuse(&finding, damage, error);
}

int mr_scan_refuse(const struct mr_scan *scan, struct mr_damage *damage, struct mr_error *error)
{
    struct finding finding = {
        .kind = scan->fault == MR_FAULT_BLANK ? MR_CASE_DURABLE : case_of(scan->fault),
        .fault = scan->fault,
        .segment = scan->fault_segment,
        .offset = scan->fault_offset,
        .sequence = scan->tip.sequence + 1,
        .in_record = scan->record_fault != MR_FAULT_NONE,
    };
    return refuse(&finding, damage, error);
}

/* About how much the walk and the look ahead will read: all there is. */
static int count_bytes(struct mr_scan *scan, struct mr_error *error)
{
    struct mr_window *window = &scan->window;
    int status = MR_OK;
    for (uint32_t i = 0; i < scan->inventory.count && status == MR_OK; i++) {
        char name[MR_SEGMENT_NAME_SIZE];
        mr_segment_name(scan->inventory.numbers[i], name);
        status = mr_window_open(window, name, error);
        window->bytes_total += window->file_bytes;
    }
    mr_window_close(window);
    return status;
}

int mr_recovery_decide(struct mr_storage *storage, const struct mr_recovery_walk *walk,
                       struct mr_recovery *report, struct mr_damage *damage,
                       struct mr_resume *resume, struct mr_tail *tail, struct mr_error *error)
{
    uint64_t start = mr_monotonic_ns();
    struct mr_scan scan;
    *report = (struct mr_recovery){0};
    int status = mr_scan_init(&scan, storage, error);
    if (status != MR_OK) {
        return status;
    }
    scan.window.watch = walk->watch;
    scan.window.direct = walk->direct;
    if (walk->watch != NULL && walk->watch->progress != NULL) {
        status = count_bytes(&scan, error);
    }
    if (status == MR_OK) {
        status = decide(&scan, report, damage, resume, tail, error);
    }
    report->bytes_scanned = scan.window.bytes_read;
    report->elapsed_ns = mr_monotonic_ns() - start;
    mr_scan_free(&scan);
    return status;
}

static bool same_place(const struct mr_damage *a, const struct mr_damage *b)
{
    return a->offset == b->offset && a->sequence == b->sequence &&
           strcmp(a->segment, b->segment) == 0;
}

int mr_journal_plan(struct mr_storage *storage, struct mr_recovery *report,
                    struct mr_damage *damage, struct mr_error *error)
{
    return mr_journal_inspect(storage, NULL, report, damage, error);
}

int mr_journal_inspect(struct mr_storage *storage, const struct mr_journal_watch *watch,
                       struct mr_recovery *report, struct mr_damage *damage, struct mr_error *error)
{
    struct mr_resume resume = {0};
    struct mr_tail tail;
    struct mr_damage first = {0}, second = {0};
    struct mr_error found;
    const struct mr_recovery_walk walk = {.watch = watch};
    int status = mr_recovery_decide(storage, &walk, report, &first, &resume, &tail, &found);
    if (status == MR_E_CORRUPT) {
        /* Nobody keeps a writer away: it may have finished what was read half. Damage stays where
         * it is; what a second look passes over was none, and all before it is good. */
        status = mr_recovery_decide(storage, &walk, report, &second, &resume, &tail, &found);
        if (status == MR_E_CORRUPT && !same_place(&first, &second)) {
            report->decided = (char)MR_CASE_CLEAN; /* it will be once it is written */
            return MR_OK;
        }
        first = second;
    }
    if (damage != NULL && (status == MR_E_CORRUPT || status == MR_E_VERSION)) {
        *damage = first;
    }
    if (status != MR_OK && error != NULL) {
        *error = found;
    }
    return status;
}

/* What the dead process wrote may still be in the page cache or in the disk's: only what is synced
 * now may be believed, because what is found is acknowledged again. */
int mr_segments_sync(struct mr_storage *storage, struct mr_error *error)
{
    const struct mr_storage_calls *calls = storage->calls;
    struct mr_inventory inventory;
    int status = mr_inventory_take(storage, &inventory, error);
    for (uint32_t i = 0; i < inventory.count && status == MR_OK; i++) {
        char name[MR_SEGMENT_NAME_SIZE];
        int file;
        mr_segment_name(inventory.numbers[i], name);
        status = calls->open(storage, name, MR_OPEN_READ, &file, error);
        if (status == MR_OK) {
            status = calls->sync(storage, file, error);
            calls->close(storage, file);
        }
    }
    if (status == MR_OK && inventory.count > 0) {
        status = mr_directory_sync(storage, "journal", error);
    }
    mr_inventory_free(&inventory);
    return status;
}

/*
 * Each step may be the last before the next crash:
 *   1. Sync, so that what is read is what stays. Nothing has changed.
 *   2. Decide. On a refusal nothing has changed.
 *   3. Remove a half-prepared segment and a half-written truncation record. They had no name;
 * without      this step they are removed next time. Complete a truncation.
 *   4. Archive the torn bytes under a name of their own. A crash leaves a temporary, or an archive
 *      and the torn bytes; next time they are archived again under the next free name.
 *   5. Zero the torn bytes and sync. A crash leaves any of their sectors zeroed: still torn (case
 * B)
 *      or clean (case A), never whole, since a frame that lost a sector only loses more.
 *   6. Open for appending. The first new frame's watermark covers all that was kept.
 */
int mr_journal_recover(struct mr_storage *storage, const struct mr_journal_options *options,
                       struct mr_recovery *report, struct mr_damage *damage,
                       struct mr_journal **journal, struct mr_error *error)
{
    uint64_t start = mr_monotonic_ns();
    struct mr_resume resume = {0};
    struct mr_tail tail;
    *report = (struct mr_recovery){0};
    int status = mr_journal_options_check_stored(options, error);
    if (status == MR_OK) {
        status = mr_segments_sync(storage, error);
    }
    if (status == MR_OK) {
        const struct mr_recovery_walk walk = {.direct = true};
        status = mr_recovery_decide(storage, &walk, report, damage, &resume, &tail, error);
    }
    if (status == MR_OK) {
        status = mr_leftover_remove(storage, MR_SEGMENT_TEMPORARY, error);
    }
    if (status == MR_OK) {
        status = mr_leftover_remove(storage, MR_TRUNCATION_TEMPORARY, error);
    }
    if (status == MR_OK && resume.truncation.state == MR_TRUNCATION_PENDING) {
        status = mr_truncation_complete(storage, &resume.truncation, error);
    }
    if (status == MR_OK && report->torn) {
        status = mr_torn_remove(storage, &tail, report->archive, error);
    }
    if (status == MR_OK) {
        status = mr_writer_open(storage, options, &resume, journal, error);
    }
    report->elapsed_ns = mr_monotonic_ns() - start;
    return status;
}
