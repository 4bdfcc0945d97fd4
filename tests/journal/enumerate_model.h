/*
 * What the journal on a disk must be, known without reading it: the frames in the order in which
 * they were written, and which sectors of them are there.
 */
#ifndef MR_TESTS_JOURNAL_ENUMERATE_MODEL_H
#define MR_TESTS_JOURNAL_ENUMERATE_MODEL_H

#include "journal/frame.h"
#include "tests/support/recorder_crash.h"

enum { MODEL_FRAMES_MAX = 96, MODEL_ENTRIES_MAX = 96, MODEL_FLIGHTS_MAX = 64 };

struct model_frame {
    uint32_t op; /* of its write */
    int16_t file;
    uint64_t offset;
    uint32_t length;
    uint64_t index; /* of the last entry, with this frame */
    uint64_t generation;
    bool os; /* written under os durability */
};

/* What an earlier crash left of frames that are not whole, until recovery has zeroed it. */
struct model_rubble {
    int16_t file;
    uint64_t offset;
    uint32_t length;
};

struct model {
    bool created;
    uint64_t acknowledged;                       /* an index: no crash may lose it */
    uint64_t handed_over;                        /* an index: no end of the process may lose it */
    uint64_t generation;                         /* what older ones held behind the cut is gone */
    struct mr_digest digests[MODEL_ENTRIES_MAX]; /* by index */
    struct model_frame frames[MODEL_FRAMES_MAX]; /* by number - 1 */
    uint32_t frame_count;
    struct model_rubble rubble[MODEL_FLIGHTS_MAX];
    uint32_t rubble_count;
};

/* Takes the event that the walk is about to step over. */
void model_take(struct model *model, const struct rec_walk *walk);

/* A frame of which a window decides how much there is. */
struct model_flight {
    uint32_t frame;        /* in the model */
    uint32_t first, count; /* its items; none: it is durable */
};

struct model_view {
    const struct model *model;
    const struct rec_window *window;
    uint32_t whole; /* frames in front of the flights */
    struct model_flight flights[MODEL_FLIGHTS_MAX];
    uint32_t flight_count;
    bool exists; /* the first segment has its name */
    int record;  /* the file of the truncation record; REC_NO_FILE: there is none */
};

/* What recovery must find in the state that the window shows. */
struct model_outcome {
    bool exists;
    uint32_t frames; /* that are kept */
    uint64_t index;  /* of the last entry */
    char decided;
    bool torn;
    uint64_t generation; /* of the truncation record; 1: there is none */
};

void model_look(struct model_view *view, const struct model *model,
                const struct rec_window *window);
struct model_outcome model_expect(const struct model_view *view);
/* The model of a journal that begins in that state. */
void model_follow(struct model *next, const struct model_view *view,
                  const struct model_outcome *outcome);

#endif
