/*
 * Reading entries in order. A reader walks as recovery does and checks the same; it differs in that
 * it may begin inside the journal and knows where to end, or follows.
 *
 * Three kinds of entries:
 *   - surely there: a recovery has reported them, or a watermark covers them. Where one is missing,
 *     that is damage, unless a second look finds it (a read may have met the write).
 *   - under os durability also what is whole and chained: nothing more will happen to it. Where it
 *     is not whole, it may be in the middle of being written, or lost: nothing yet.
 *   - the others are not shown: a crash could still take them.
 * A reader that follows finds out about watermarks by looking ahead (journal/reach.h), and never
 * shows what is not committed, which a truncation could take.
 */
#include "journal/reach.h"
#include "journal/recovery.h"
#include "journal/scan.h"
#include "journal/seek.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOKS = 3, /* the first may be at what was read earlier, two are fresh */
    /* A follower that finds nothing this often looks whether something is missing; then again
     * after twice as often, and so on up to the second number. */
    IDLE_MIN = 64,
    IDLE_MAX = 1024,
};

struct mr_reader {
    struct mr_scan scan;
    struct mr_reach reach;
    uint64_t from_sequence, from_time_ns; /* what lies below is passed over */
    uint64_t last_index;                  /* ends with it */
    uint64_t sure_index;                  /* what is missing up to it is damage */
    bool follow;
    uint32_t segment;               /* a follower asked how much of it may be read ahead */
    uint32_t idle;                  /* how often in a row nothing was found */
    const struct mr_entry *pending; /* found by open, not yet given */
};

/* -- One frame. -------------------------------------------------------------------------------- */

struct place {
    uint32_t segment;
    uint64_t offset;
    uint64_t number;
    uint64_t generation;
    struct mr_tip tip;
};

static struct place place_of(const struct mr_scan *scan)
{
    return (struct place){
        .segment = mr_scan_segment(scan),
        .offset = scan->offset,
        .number = scan->number,
        .generation = scan->generation,
        .tip = scan->tip,
    };
}

/* The walk may have gone on into the next segment before it ended; `anew`: opens the segment again
 * in any case. MR_AGAIN: it is not what it was. */
static int go_back(struct mr_scan *scan, const struct place *place, bool anew,
                   struct mr_error *error)
{
    int status = MR_OK;
    if (anew || mr_scan_segment(scan) != place->segment) {
        status = mr_scan_enter_number(scan, place->segment, error);
    }
    scan->offset = place->offset;
    scan->number = place->number;
    scan->generation = place->generation;
    scan->tip = place->tip;
    return status;
}

/* With a new inventory, because a segment may have come since. */
static int look_again(struct mr_scan *scan, const struct place *place, struct mr_error *error)
{
    int status = go_back(scan, place, true, error);
    return status == MR_OK ? mr_scan_refresh(scan, error) : status;
}

static bool is_worth_a_look(const struct mr_scan *scan, bool sure)
{
    return sure || scan->fault == MR_FAULT_MISSING;
}

/* The walk ended right behind the seal, in a whole segment: it may stay there. */
static bool has_crossed(const struct mr_scan *scan, const struct place *place)
{
    return mr_scan_segment(scan) != place->segment && scan->number == place->number + 1 &&
           scan->fault_segment == mr_scan_segment(scan) && scan->fault_offset == MR_SEGMENT_HEAD;
}

/* The next frame. `sure`: it must be there. MR_OK, `*entry` NULL for a watermark; MR_AGAIN: it is
 * not there, and need not be; MR_E_*. */
static int take(struct mr_reader *reader, bool sure, struct mr_entry **entry,
                struct mr_damage *damage, struct mr_error *error)
{
    struct mr_scan *scan = &reader->scan;
    struct mr_frame_header header;
    struct place place = place_of(scan);
    int status = mr_scan_next(scan, &header, entry, error);
    for (int look = 2; status == MR_AGAIN && is_worth_a_look(scan, sure) && look <= LOOKS; look++) {
        status = look_again(scan, &place, error);
        if (status == MR_OK) {
            status = mr_scan_next(scan, &header, entry, error);
        }
    }
    if (status != MR_AGAIN) {
        return status;
    }
    if (sure) {
        return mr_scan_refuse(scan, damage, error);
    }
    status = has_crossed(scan, &place) ? MR_AGAIN : go_back(scan, &place, false, error);
    return status == MR_OK ? MR_AGAIN : status;
}

/* -- Following. -------------------------------------------------------------------------------- */

/* Finds out how much is sure. MR_OK or MR_E_*. */
static int raise(struct mr_reader *reader, struct mr_damage *damage, struct mr_error *error)
{
    int status = mr_reach_raise(&reader->reach, &reader->scan, error);
    if (status == MR_AGAIN) { /* a segment may have been truncated while it was looked at */
        mr_reach_forget(&reader->reach);
        status = mr_reach_raise(&reader->reach, &reader->scan, error);
    }
    if (status == MR_AGAIN) {
        return mr_scan_refuse(&reader->reach.scan, damage, error);
    }
    reader->sure_index = mr_reach_index(&reader->reach);
    reader->segment = mr_scan_segment(&reader->scan);
    reader->scan.window.limit = mr_reach_limit(&reader->reach, &reader->scan);
    return status;
}

/* Nothing new is not always because nothing was written: it may be damaged, or what was looked at
 * ahead may have been cut off since. */
static int rest(struct mr_reader *reader, struct mr_error *error)
{
    uint32_t idle = ++reader->idle;
    if (idle < IDLE_MIN || (idle & (idle - 1)) != 0) {
        return MR_OK;
    }
    if (idle == IDLE_MAX) {
        reader->idle = IDLE_MAX / 2;
    }
    int status = mr_reach_search(&reader->reach, error);
    reader->sure_index = mr_reach_index(&reader->reach);
    return status;
}

/* May the next frame be shown? MR_OK: yes, `*sure` or if it is whole; MR_AGAIN: not yet; MR_E_*. */
static int wait_for_next(struct mr_reader *reader, bool *sure, struct mr_damage *damage,
                         struct mr_error *error)
{
    const struct mr_scan *scan = &reader->scan;
    int status = MR_OK;
    bool as_good = !reader->follow;
    *sure = scan->tip.index < reader->sure_index;
    if (reader->follow && (!*sure || reader->segment != mr_scan_segment(scan))) {
        status = raise(reader, damage, error);
        *sure = scan->tip.index < reader->sure_index;
        as_good = mr_reach_as_good(&reader->reach, scan);
    }
    if (status == MR_OK && !*sure && !as_good) {
        status = rest(reader, error);
        *sure = scan->tip.index < reader->sure_index;
    }
    return status == MR_OK && !*sure && !as_good ? MR_AGAIN : status;
}

static bool is_wanted(const struct mr_reader *reader, const struct mr_entry *entry)
{
    return entry != NULL && mr_entry_last_sequence(entry) >= reader->from_sequence &&
           entry->time_ns >= reader->from_time_ns;
}

static int next_entry(struct mr_reader *reader, const struct mr_entry **entry,
                      struct mr_damage *damage, struct mr_error *error)
{
    while (reader->scan.tip.index < reader->last_index) {
        struct mr_entry *found = NULL;
        bool sure;
        int status = wait_for_next(reader, &sure, damage, error);
        if (status == MR_OK) {
            status = take(reader, sure, &found, damage, error);
        }
        if (status != MR_OK) {
            return status;
        }
        reader->idle = 0;
        if (is_wanted(reader, found)) {
            *entry = found;
            return MR_OK;
        }
    }
    return MR_AGAIN;
}

/* -- Opening. ---------------------------------------------------------------------------------- */

static int check_options(const struct mr_reader_options *options, struct mr_error *error)
{
    if (options->from_sequence != 0 && options->from_time_ns != 0) {
        return mr_error_set(error, MR_E_INVALID,
                            "reader: begins at a sequence or at a time, not at both");
    }
    if (options->follow && options->last_index != 0) {
        return mr_error_set(error, MR_E_INVALID,
                            "reader: follows for ever or ends at an index, not both");
    }
    return MR_OK;
}

/* The last index that a reader may show, from what lies at the journal's end, `last`. */
static void settle_end(struct mr_reader *reader, const struct mr_scan *last)
{
    const struct mr_reach *reach = &reader->reach;
    reader->sure_index = mr_reach_index(reach);
    reader->last_index = reader->sure_index;
    if (last->number >= reach->os_from && reach->scan.tip.index > reader->last_index) {
        bool bounded = reach->replicated && reach->committed_index < reach->scan.tip.index;
        reader->last_index = bounded ? reach->committed_index : reach->scan.tip.index;
    }
}

/* Finds out where the watermarks end just now. */
static int find_end(struct mr_reader *reader, struct mr_storage *storage, struct mr_error *error)
{
    struct mr_reach *reach = &reader->reach;
    struct mr_scan last;
    int status = mr_scan_init(&last, storage, error);
    if (status == MR_OK) {
        status = mr_scan_seek(&last, MR_SEEK_INDEX, UINT64_MAX, error);
        if (status == MR_AGAIN) {
            status = mr_scan_refuse(&last, NULL, error);
        }
    }
    if (status == MR_OK) {
        reach->durable = last.durable;
        status = mr_reach_end(reach, &last, error);
        if (status == MR_AGAIN) {
            status = mr_scan_refuse(&reach->scan, NULL, error);
        }
    }
    if (status == MR_OK) {
        status = mr_reach_search(reach, error);
        settle_end(reader, &last);
    }
    mr_scan_free(&last);
    mr_reach_free(reach);
    return status;
}

static int seek(struct mr_reader *reader, enum mr_seek_key key, uint64_t value,
                struct mr_error *error)
{
    int status = mr_scan_seek(&reader->scan, key, value, error);
    return status == MR_AGAIN ? mr_scan_refuse(&reader->scan, NULL, error) : status;
}

static int find_start(struct mr_reader *reader, struct mr_error *error)
{
    if (reader->from_sequence > 1) {
        return seek(reader, MR_SEEK_SEQUENCE, reader->from_sequence, error);
    }
    if (reader->from_time_ns > 0) {
        return seek(reader, MR_SEEK_TIME, reader->from_time_ns, error);
    }
    int status = mr_scan_enter(&reader->scan, 0, error);
    return status == MR_AGAIN ? mr_scan_refuse(&reader->scan, NULL, error) : status;
}

/* A follower's place must be one that stays: behind what is sure, frames may go and others come. */
static int find_sure_start(struct mr_reader *reader, struct mr_error *error)
{
    struct mr_scan *scan = &reader->scan;
    int status = raise(reader, NULL, error);
    if (status == MR_OK && scan->number > 1 && scan->tip.index >= reader->sure_index) {
        struct mr_storage *storage = scan->storage;
        mr_scan_free(scan);
        status = mr_scan_init(scan, storage, error);
        if (status == MR_OK) {
            status = seek(reader, MR_SEEK_INDEX, reader->sure_index, error);
        }
        mr_reach_forget(&reader->reach);
    }
    /* Nothing ahead of use, until it is known how much is sure. */
    mr_window_forget(&scan->window);
    scan->window.limit = scan->window.limit_opened = 0;
    reader->segment = 0;
    return status;
}

/* A follower may begin behind the last entry that is there, and at any time. */
static int is_next(struct mr_reader *reader, struct mr_error *error)
{
    int status = mr_reach_end(&reader->reach, &reader->scan, error);
    const struct mr_scan *end = reader->reach.standing ? &reader->reach.scan : &reader->scan;
    bool next = reader->from_sequence <= end->tip.sequence + 1;
    return status < MR_OK ? status : next ? MR_OK : MR_AGAIN;
}

static int find_first(struct mr_reader *reader, struct mr_error *error)
{
    const struct mr_entry *entry = NULL;
    int status = next_entry(reader, &entry, NULL, error);
    if (status == MR_AGAIN && reader->follow) {
        status = is_next(reader, error);
    }
    bool later = status == MR_OK && entry != NULL && reader->from_sequence > 0 &&
                 entry->first_sequence > reader->from_sequence;
    if (status == MR_AGAIN || later) {
        return reader->from_sequence > 0
                   ? mr_error_set(error, MR_E_NOT_FOUND,
                                  "the journal does not hold sequence %" PRIu64,
                                  reader->from_sequence)
                   : mr_error_set(error, MR_E_NOT_FOUND,
                                  "the journal ends before time %" PRIu64 " ns",
                                  reader->from_time_ns);
    }
    reader->pending = entry;
    return status;
}

static int prepare(struct mr_reader *reader, struct mr_storage *storage, struct mr_error *error)
{
    int status = MR_OK;
    if (!reader->follow && reader->last_index == 0) {
        status = find_end(reader, storage, error);
    }
    if (status == MR_OK) {
        status = mr_scan_init(&reader->scan, storage, error);
    }
    if (status == MR_OK) {
        status = find_start(reader, error);
    }
    if (status == MR_OK && reader->follow) {
        status = find_sure_start(reader, error);
    }
    if (status == MR_OK && (reader->from_sequence > 0 || reader->from_time_ns > 0)) {
        status = find_first(reader, error);
    }
    return status;
}

int mr_reader_open(struct mr_storage *storage, const struct mr_reader_options *options,
                   struct mr_reader **reader, struct mr_error *error)
{
    int status = check_options(options, error);
    if (status != MR_OK) {
        return status;
    }
    struct mr_reader *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory to read the journal");
    }
    opened->from_sequence = options->from_sequence;
    opened->from_time_ns = options->from_time_ns;
    opened->follow = options->follow;
    opened->last_index = options->follow ? UINT64_MAX : options->last_index;
    opened->sure_index = options->last_index;
    mr_window_init(&opened->scan.window, storage);
    mr_reach_init(&opened->reach, storage);
    status = prepare(opened, storage, error);
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
    mr_reach_free(&reader->reach);
    mr_scan_free(&reader->scan);
    free(reader);
}
