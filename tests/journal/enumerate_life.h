/*
 * A life of a real writer on a recorder: create, recover, start, append, mark, stop. What it
 * promised on the way stands in the trace as notes.
 */
#ifndef MR_TESTS_JOURNAL_ENUMERATE_LIFE_H
#define MR_TESTS_JOURNAL_ENUMERATE_LIFE_H

#include "journal/writer.h"
#include "tests/journal/rig.h"
#include "tests/support/recorder.h"

enum life_note {
    NOTE_CREATED,      /* the journal is there for good */
    NOTE_APPENDED,     /* value: index; more: its digest */
    NOTE_ACKNOWLEDGED, /* value: index */
};

enum { LIFE_FRAMES = 16, LIFE_PAYLOAD_MAX = 24 << 10 };

struct life_plan {
    uint64_t seed;
    uint32_t segment_bytes;
    uint32_t frames_in_flight;
    uint32_t payload_max;
    uint32_t entries;
    uint32_t polls; /* between two appends: 0 to so many */
    bool marks;     /* now and then a watermark */
    bool in_order;  /* completions */
};

struct life {
    struct recorder *recorder;
    unsigned char *frames; /* LIFE_FRAMES of the largest size */
    struct mr_journal *journal;
    struct mr_tip tip;
    uint64_t acknowledged;
    struct mr_recovery report;
    struct mr_damage damage;
    struct mr_error error;
};

void life_init(struct life *life, struct recorder *recorder);
void life_free(struct life *life);

/* Directory and first segment. */
void life_create(struct life *life, uint32_t segment_bytes);
/* Recovers and appends; stops in good order. Returns recovery's status; after MR_OK everything else
 * went well, or the test has failed. */
int life_run(struct life *life, const struct life_plan *plan);

#endif
