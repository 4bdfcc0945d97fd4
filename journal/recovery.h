/*
 * What a directory holds, and what is to be done about its end: the decision table of
 * docs/format-journal.md.
 */
#ifndef MR_JOURNAL_RECOVERY_H
#define MR_JOURNAL_RECOVERY_H

#include "journal/scan.h"
#include "journal/tail.h"

/* The lettered cases: name, letter, and how a message explains it. A, B, J and K start, the others
 * are refused. L (one copy of a superblock is damaged) may accompany any of them. The letters stand
 * in docs/format-journal.md and in mr_recovery and mr_damage. */
#define MR_CASE_LIST(X)                                                          \
    X(CLEAN, 'A', "nothing lies behind the last frame")                          \
    X(TORN, 'B', "frames that were in flight, never acknowledged, lost sectors") \
    X(DURABLE, 'C', "it had been on stable storage: a watermark says so")        \
    X(DAMAGED, 'D', "no sector is missing, so no crash left it like this")       \
    X(CHAIN, 'E', "a stale, misdirected or duplicated write")                    \
    X(GARBAGE, 'F', "nothing was ever written there")                            \
    X(HEAD, 'G', "a segment gets its name only when its head is whole")          \
    X(MISSING, 'H', "segments are numbered without a gap")                       \
    X(UNSYNCED, 'J', "frames that the system had, not yet synced, lost sectors") \
    X(VERSION, 'I', "a newer program wrote it")                                  \
    X(CUT, 'K', "a truncation was cut off, and is completed")                    \
    X(RECORD, 'M', "the record gets its name only when it is whole")

#define MR_CASE_ENUM(name, letter, text) MR_CASE_##name = (letter),
enum mr_case { MR_CASE_LIST(MR_CASE_ENUM) };
#undef MR_CASE_ENUM

/* Where and how a writer goes on. */
struct mr_resume {
    uint8_t journal_id[MR_JOURNAL_ID_SIZE];
    uint32_t segment;      /* to append to */
    uint32_t segment_last; /* the highest that is prepared */
    uint64_t segment_bytes;
    uint64_t offset;
    uint64_t number;
    uint64_t generation;
    struct mr_tip tip;
    uint64_t recorded_index; /* the highest watermark that a frame carries */
    uint64_t committed_index, committed_sequence;
    enum mr_durability written;      /* the policy of the last frame */
    struct mr_truncation truncation; /* PENDING: to be completed first */
};

/* How the walk goes. All zero is good. */
struct mr_recovery_walk {
    const struct mr_journal_watch *watch; /* NULL: nobody */
    /* Past the page cache: after a failed write-back it holds pages that the disk does not. For
     * whoever is about to acknowledge what he finds. */
    bool direct;
};

/* Reads everything, writes nothing. MR_OK: case A, B, J or K, and `resume` and `tail` say how to go
 * on; MR_E_CORRUPT, MR_E_VERSION (with `damage`, if not NULL), MR_E_NOT_FOUND, MR_E_IO,
 * MR_E_NO_MEMORY.
 */
int mr_recovery_decide(struct mr_storage *storage, const struct mr_recovery_walk *walk,
                       struct mr_recovery *report, struct mr_damage *damage,
                       struct mr_resume *resume, struct mr_tail *tail, struct mr_error *error);

/* Syncs all segments and their directory. */
int mr_segments_sync(struct mr_storage *storage, struct mr_error *error);

/* What a reader says when the walk ended earlier than it should: MR_E_CORRUPT or MR_E_VERSION. */
int mr_scan_refuse(const struct mr_scan *scan, struct mr_damage *damage, struct mr_error *error);

/* Case B: copies the torn parts to DIR/archive/, then zeroes them; all synced. `archive` gets the
 * name of the first copy. */
int mr_torn_remove(struct mr_storage *storage, const struct mr_tail *tail, char archive[64],
                   struct mr_error *error);

#endif
