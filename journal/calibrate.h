/*
 * Which of two ways to make a write durable is the faster one here and now? A DSYNC write costs the
 * least, unless the core that takes the disk's interrupts is kept busy: then it was measured to
 * take thirty times as long, and a write with a linked sync hardly longer than ever. Nobody can
 * tell beforehand, so a writer tries both when it starts, on the disk and the file that it will
 * use.
 */
#ifndef MR_JOURNAL_CALIBRATE_H
#define MR_JOURNAL_CALIBRATE_H

#include "base/storage.h"

#include <millrace/journal.h>

enum {
    MR_CALIBRATION_ROUNDS_MAX = 64, /* of either method */
    /* After fewer, a single write that was held up could tip the median. */
    MR_CALIBRATION_ROUNDS_MIN = 8,
    /* A round begins only within this time of the first one. */
    MR_CALIBRATION_NS = 40000000,
    MR_CALIBRATION_PAGES_MAX = 16, /* that are written, one after the other, again and again */
    MR_CALIBRATION_PAGES_MIN = 4,
};

/* What small durable writes took, in rounds: one with either method, one right after the other. */
struct mr_calibration {
    uint32_t rounds;
    uint64_t dsync_ns[MR_CALIBRATION_ROUNDS_MAX];
    uint64_t linked_sync_ns[MR_CALIBRATION_ROUNDS_MAX];
};

/* The choice that the figures lead to, with the medians; without the medians, and DSYNC, when there
 * are too few rounds. Sorts the figures. */
struct mr_durable_choice mr_calibration_decide(struct mr_calibration *calibration);

/* Measures and chooses, when the queue has just been started and nothing is in flight. It writes
 * zeros over the zeros behind the last frame, where nothing was ever written: whatever a crash
 * leaves of that, it leaves zeros. Takes MR_CALIBRATION_NS and the time of one round at most, if
 * the disk does not fall asleep.
 *
 * Does nothing where there is no choice (a storage without queue_use, a queue whose method was
 * given), where small appends are not made durable one by one (os durability), and where the
 * segment in hand has too little room left. MR_OK; MR_E_IO, MR_E_NO_SPACE: a write failed, and the
 * journal is fenced. The writer's thread. */
int mr_journal_calibrate(struct mr_journal *journal, struct mr_error *error);

#endif
