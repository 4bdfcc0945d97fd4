#include "tests/journal/enumerate_model.h"

#include "base/assert.h"
#include "journal/truncation.h"
#include "tests/journal/enumerate_life.h"

#include <stdlib.h>
#include <string.h>

static void take_note(struct model *model, const struct rec_event *event)
{
    switch ((enum life_note)event->note) {
    case NOTE_CREATED:
        model->created = true;
        break;
    case NOTE_APPENDED:
        ASSERT(event->value < MODEL_ENTRIES_MAX);
        model->digests[event->value] =
            (struct mr_digest){.low = event->more[0], .high = event->more[1]};
        break;
    case NOTE_ACKNOWLEDGED:
        model->acknowledged = event->value;
        break;
    case NOTE_HANDED_OVER:
        model->handed_over = event->value;
        break;
    case NOTE_TRUNCATING:
        if (model->acknowledged > event->value) {
            model->acknowledged = event->value;
        }
        if (model->handed_over > event->value) {
            model->handed_over = event->value;
        }
        break;
    case NOTE_TRUNCATED:
        model->generation = event->value;
        break;
    }
}

static bool is_zero(const struct rec_disk *disk, const struct model_rubble *rubble)
{
    static const unsigned char zeros[MR_SECTOR_SIZE];
    const unsigned char *bytes = disk->files[rubble->file].bytes + rubble->offset;
    for (uint32_t i = 0; i < rubble->length; i += MR_SECTOR_SIZE) {
        if (memcmp(bytes + i, zeros, MR_SECTOR_SIZE) != 0) {
            return false;
        }
    }
    return true;
}

static bool rubble_left(const struct model *model, const struct rec_disk *disk)
{
    for (uint32_t i = 0; i < model->rubble_count; i++) {
        if (!is_zero(disk, &model->rubble[i])) {
            return true;
        }
    }
    return false;
}

/* Frames of a torn tail are gone when another takes their number. */
static void take_frame(struct model *model, const struct rec_walk *walk,
                       const struct rec_event *event, const struct mr_frame_header *header)
{
    /* Nothing may be written before recovery's zeros are durable. */
    ASSERT(!rubble_left(model, walk->disk));
    model->rubble_count = 0;
    ASSERT(header->number >= 1 && header->number <= model->frame_count + 1);
    ASSERT(header->number <= MODEL_FRAMES_MAX);
    model->frame_count = (uint32_t)header->number;
    model->frames[header->number - 1] = (struct model_frame){
        .op = event->op,
        .file = event->file,
        .offset = event->offset,
        .length = event->size,
        .index = header->before.index + (header->kind == MR_FRAME_ENTRY ? 1 : 0),
        .generation = header->generation,
        .os = (header->flags & MR_FRAME_FLAG_OS) != 0,
    };
}

/* Is this sector held by a durable archive? */
static bool is_archived(const struct rec_disk *disk, const unsigned char *sector, int segment,
                        uint64_t offset)
{
    for (uint32_t i = 0; i < disk->name_count; i++) {
        const struct rec_name *name = &disk->names[i];
        char *end;
        if (name->directory != REC_ARCHIVE || strstr(name->text, ".torn-") == NULL) {
            continue;
        }
        uint64_t number = strtoull(name->text + strlen("archive/"), &end, 10);
        uint64_t start = strtoull(end + 1, NULL, 10);
        char segment_name[MR_SEGMENT_NAME_SIZE];
        mr_segment_name((uint32_t)number, segment_name);
        int at = rec_disk_find(disk, segment_name);
        const struct rec_file *file = &disk->files[name->file];
        if (at >= 0 && disk->names[at].file == segment && offset >= start &&
            offset + MR_SECTOR_SIZE <= start + file->size &&
            memcmp(file->bytes + (offset - start), sector, MR_SECTOR_SIZE) == 0) {
            return disk->exists[REC_ARCHIVE];
        }
    }
    return false;
}

/* Before recovery writes zeros over what is torn, all of it must be archived for good. */
static void check_archive(const struct model *model, const struct rec_walk *walk,
                          const struct rec_event *event)
{
    static const unsigned char zeros[MR_SECTOR_SIZE];
    for (uint32_t i = 0; i < model->rubble_count; i++) {
        const struct model_rubble *rubble = &model->rubble[i];
        const unsigned char *bytes = walk->disk->files[rubble->file].bytes;
        for (uint64_t at = rubble->offset; at < rubble->offset + rubble->length;
             at += MR_SECTOR_SIZE) {
            if (rubble->file == event->file && at >= event->offset &&
                at < event->offset + event->size &&
                memcmp(bytes + at, zeros, MR_SECTOR_SIZE) != 0) {
                ASSERT(is_archived(walk->disk, bytes + at, rubble->file, at));
            }
        }
    }
}

void model_take(struct model *model, const struct rec_walk *walk)
{
    const struct rec_event *event = rec_walk_peek(walk);
    if (event->kind == REC_NOTE) {
        take_note(model, event);
    }
    if (event->kind == REC_WRITE) {
        check_archive(model, walk, event);
    }
    if (event->kind == REC_WRITE && event->size >= MR_PAGE_SIZE) {
        struct mr_frame_header header;
        memcpy(&header, walk->trace->bytes + event->data, sizeof header);
        if (memcmp(&header.magic, "MRFRAME", sizeof header.magic) == 0 &&
            header.offset == event->offset && header.length == event->size) {
            take_frame(model, walk, event, &header);
        }
    }
}

static int pending_of(const struct rec_walk *walk, const struct model_frame *frame)
{
    for (uint32_t i = 0; i < walk->write_count; i++) {
        if (frame->op != 0 && walk->writes[i].op == frame->op) {
            return (int)i;
        }
    }
    return -1;
}

static void find_items(struct model_flight *flight, const struct rec_window *window, int write)
{
    flight->count = 0;
    for (uint32_t i = 0; i < window->count; i++) {
        if (window->items[i].write == write) {
            flight->first = flight->count == 0 ? i : flight->first;
            flight->count++;
        }
    }
}

void model_look(struct model_view *view, const struct model *model, const struct rec_window *window)
{
    const struct rec_disk *disk = window->walk->disk;
    *view = (struct model_view){.model = model, .window = window};
    view->exists = disk->exists[REC_JOURNAL] && rec_disk_find(disk, "journal/00000001.seg") >= 0;
    int record = rec_disk_find(disk, MR_TRUNCATION_NAME);
    view->record = record >= 0 ? disk->names[record].file : REC_NO_FILE;
    for (uint32_t i = 0; i < model->frame_count; i++) {
        int write = pending_of(window->walk, &model->frames[i]);
        if (write < 0 && view->flight_count == 0) {
            view->whole++;
            continue;
        }
        ASSERT(view->flight_count < MODEL_FLIGHTS_MAX);
        struct model_flight *flight = &view->flights[view->flight_count++];
        *flight = (struct model_flight){.frame = i};
        if (write >= 0) {
            find_items(flight, window, write);
            ASSERT(flight->count * MR_SECTOR_SIZE == model->frames[i].length);
        }
    }
}

/* How many of the flight's items are there. */
static uint32_t count_on(const struct model_flight *flight, const uint64_t *on)
{
    uint32_t count = 0;
    uint32_t at = flight->first;
    uint32_t left = flight->count;
    while (left > 0) {
        uint32_t shift = at % 64;
        uint32_t bits = 64 - shift < left ? 64 - shift : left;
        uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
        count += (uint32_t)__builtin_popcountll(on[at / 64] >> shift & mask);
        at += bits;
        left -= bits;
    }
    return count;
}

/* What lies there of frames, were there no truncations. */
static void expect_frames(const struct model_view *view, struct model_outcome *outcome)
{
    bool whole = true;
    outcome->frames = view->whole;
    for (uint32_t i = 0; i < view->flight_count; i++) {
        const struct model_flight *flight = &view->flights[i];
        uint32_t on = count_on(flight, view->window->on);
        whole = whole && on == flight->count;
        outcome->frames += whole;
        outcome->torn = outcome->torn || (!whole && (on > 0 || flight->count == 0));
    }
    if (view->model->rubble_count > 0 && !outcome->torn) {
        outcome->torn = rubble_left(view->model, view->window->walk->disk);
    }
}

/* A record takes away what older generations wrote behind its cut. */
static void expect_cut(const struct model_view *view, struct model_outcome *outcome)
{
    const struct model *model = view->model;
    struct mr_truncation record;
    memcpy(&record, view->window->walk->disk->files[view->record].bytes, sizeof record);
    outcome->generation = record.generation;
    if (record.number <= model->frame_count &&
        model->frames[record.number - 1].generation < record.generation) {
        ASSERT(outcome->frames >= record.number - 1);
        outcome->frames = (uint32_t)record.number - 1;
        outcome->torn = false;
    }
    if (record.state == MR_TRUNCATION_PENDING) {
        outcome->decided = 'K';
        outcome->torn = false;
    }
}

struct model_outcome model_expect(const struct model_view *view)
{
    const struct model *model = view->model;
    struct model_outcome outcome = {.exists = view->exists, .generation = 1};
    expect_frames(view, &outcome);
    if (view->record != REC_NO_FILE) {
        expect_cut(view, &outcome);
    }
    const struct model_frame *last = outcome.frames > 0 ? &model->frames[outcome.frames - 1] : NULL;
    outcome.index = last != NULL ? last->index : 0;
    if (outcome.decided == 0 && !outcome.torn) {
        outcome.decided = 'A';
    } else if (outcome.decided == 0) {
        outcome.decided = (char)(last != NULL && last->os ? 'J' : 'B');
    }
    return outcome;
}

void model_follow(struct model *next, const struct model_view *view,
                  const struct model_outcome *outcome)
{
    *next = *view->model;
    next->created = outcome->exists;
    next->handed_over = 0; /* more than a process has ended */
    next->frame_count = outcome->frames;
    for (uint32_t i = 0; i < next->frame_count; i++) {
        next->frames[i].op = 0; /* another trace begins */
    }
    /* A truncation sees to it that what it drops is gone. */
    for (uint32_t i = outcome->frames; i < view->model->frame_count; i++) {
        const struct model_frame *frame = &view->model->frames[i];
        if (frame->generation < outcome->generation) {
            continue;
        }
        ASSERT(next->rubble_count < MODEL_FLIGHTS_MAX);
        next->rubble[next->rubble_count++] = (struct model_rubble){
            .file = frame->file, .offset = frame->offset, .length = frame->length};
    }
}
