#include "tests/journal/enumerate_model.h"

#include "base/assert.h"
#include "tests/journal/enumerate_life.h"

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
    };
}

void model_take(struct model *model, const struct rec_walk *walk)
{
    const struct rec_event *event = rec_walk_peek(walk);
    if (event->kind == REC_NOTE) {
        take_note(model, event);
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

void model_look(struct model_view *view, const struct model *model,
                const struct rec_window *window)
{
    const struct rec_disk *disk = window->walk->disk;
    *view = (struct model_view){.model = model, .window = window};
    view->exists = disk->exists[REC_JOURNAL] && rec_disk_find(disk, "journal/00000001.seg") >= 0;
    for (uint32_t i = 0; i < model->frame_count; i++) {
        int write = pending_of(window->walk, &model->frames[i]);
        if (write < 0 && view->flight_count == 0) {
            view->whole++;
            continue;
        }
        ASSERT(view->flight_count < MR_FRAMES_IN_FLIGHT_MAX);
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

struct model_outcome model_expect(const struct model_view *view)
{
    const struct model *model = view->model;
    struct model_outcome outcome = {.exists = view->exists, .frames = view->whole};
    bool whole = true;
    for (uint32_t i = 0; i < view->flight_count; i++) {
        const struct model_flight *flight = &view->flights[i];
        uint32_t on = count_on(flight, view->window->on);
        whole = whole && on == flight->count;
        outcome.frames += whole;
        outcome.torn = outcome.torn || (!whole && (on > 0 || flight->count == 0));
    }
    if (model->rubble_count > 0 && !outcome.torn) {
        outcome.torn = rubble_left(model, view->window->walk->disk);
    }
    outcome.index = outcome.frames > 0 ? model->frames[outcome.frames - 1].index : 0;
    return outcome;
}

void model_follow(struct model *next, const struct model_view *view,
                  const struct model_outcome *outcome)
{
    *next = *view->model;
    next->created = outcome->exists;
    next->frame_count = outcome->frames;
    for (uint32_t i = 0; i < next->frame_count; i++) {
        next->frames[i].op = 0; /* another trace begins */
    }
    for (uint32_t i = outcome->frames; i < view->model->frame_count; i++) {
        const struct model_frame *frame = &view->model->frames[i];
        ASSERT(next->rubble_count < MODEL_RUBBLE_MAX);
        next->rubble[next->rubble_count++] = (struct model_rubble){
            .file = frame->file, .offset = frame->offset, .length = frame->length};
    }
}
