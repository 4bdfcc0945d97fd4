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
    NOTE_ACKNOWLEDGED, /* value: index. It survives everything */
    NOTE_HANDED_OVER,  /* value: index. It survives the end of the process */
    NOTE_TRUNCATING,   /* value: the index that is kept */
    NOTE_TRUNCATED,    /* value: the generation */
};

enum { LIFE_ENTRIES_MAX = 96, LIFE_FRAMES = 16, LIFE_PAYLOAD_MAX = 24 << 10 };

struct life_plan {
    uint64_t seed;
    uint32_t segment_bytes;
    uint32_t frames_in_flight;
    uint32_t payload_max;
    uint32_t entries;
    uint32_t polls; /* between two appends: 0 to so many */
    bool marks;     /* now and then a watermark */
    bool in_order;  /* completions */
    enum mr_durability durability;
    /* After so many entries so many of them are dropped again. 0: no truncation. */
    uint32_t truncate_after, truncate_drops;
    bool replicated; /* as with a truncation, without one */
    bool killed;     /* in the end, instead of stopped */
};

struct life {
    struct recorder *recorder;
    uint8_t id[MR_JOURNAL_ID_SIZE];
    unsigned char *frames; /* LIFE_FRAMES of the largest size */
    struct mr_journal *journal;
    struct mr_tip tip;
    struct mr_tip tips[LIFE_ENTRIES_MAX]; /* by index, of this life */
    uint64_t durable;                     /* as the policy means it */
    enum mr_durability durability;
    uint64_t generation;
    struct mr_recovery report;
    struct mr_damage damage;
    struct mr_error error;
};

/* How many times fewer states are asked for than in an optimised build: MR_ENUMERATE_SHARE, or
 * where sanitizers or costly checks slow everything down, 40; else 1. */
uint32_t life_share(void);

void life_init(struct life *life, struct recorder *recorder);
void life_free(struct life *life);

/* Directory and first segment. */
void life_create(struct life *life, uint32_t segment_bytes);
/* Recovers and appends; stops in good order. Returns recovery's status; after MR_OK everything else
 * went well, or the test has failed. */
int life_run(struct life *life, const struct life_plan *plan);

#endif
