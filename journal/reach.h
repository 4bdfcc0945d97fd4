/*
 * How far the watermarks reach: walks ahead of a reader over headers alone, to learn which entries
 * it may show. A header is believed as soon as it is whole, and where it stands in the chain; what
 * lies behind it may be half written.
 */
#ifndef MR_JOURNAL_REACH_H
#define MR_JOURNAL_REACH_H

#include "journal/scan.h"

enum { MR_REACH_FRAMES = 16 }; /* remembered: more than watermarks lag behind on disk durability */

struct mr_reach {
    struct mr_scan scan; /* its place is that of the next header; the window is its own */
    bool prepared;
    bool standing;         /* the place is one */
    uint32_t sure_segment; /* when it began, all in front of this place was sure */
    uint64_t sure_offset;
    uint32_t seal_segment; /* the seal of this segment was looked for, */
    bool sealed;           /* and found, */
    uint64_t sealed_index; /* behind this entry */
    uint64_t generation;   /* of the watermarks: those of an older one do not count any more */
    struct mr_bound durable;
    uint64_t committed_index;
    bool replicated;  /* committed_index is a bound of its own */
    uint64_t os_from; /* from this frame up to the place, all were written under os durability */
    struct {
        uint64_t number;
        uint32_t segment;
        uint64_t offset;
        uint64_t index;        /* of the last entry in front of it */
    } frames[MR_REACH_FRAMES]; /* the last ones, by number */
};

void mr_reach_init(struct mr_reach *reach, struct mr_storage *storage);
void mr_reach_free(struct mr_reach *reach);

/* All up to this index is durable and committed: it must be there. */
static inline uint64_t mr_reach_index(const struct mr_reach *reach)
{
    bool bounded = reach->replicated && reach->committed_index < reach->durable.index;
    return bounded ? reach->committed_index : reach->durable.index;
}

/* Looks on from the place of `reader`, until mr_reach_index is above `reader->tip.index`, or the
 * frame at that place is as good as durable (mr_reach_as_good), or nothing follows. MR_OK;
 * MR_AGAIN: something there is damaged, whatever the watermarks say (`scan.fault` says how);
 * MR_E_*. */
int mr_reach_raise(struct mr_reach *reach, const struct mr_scan *reader, struct mr_error *error);

/* True when the next frame of `reader`, once it is whole, has nothing to wait for: under os
 * durability the page cache is all there is. */
bool mr_reach_as_good(const struct mr_reach *reach, const struct mr_scan *reader);

/* Looks on from the place of `reader` until nothing follows: `scan.tip` is then that of the last
 * whole header. As mr_reach_raise. */
int mr_reach_end(struct mr_reach *reach, const struct mr_scan *reader, struct mr_error *error);

/* After nothing followed: looks behind the place, where a whole frame may say that what is missing
 * there had been durable; then mr_reach_index says so too. Forgets the place: the next raise begins
 * anew. Reads a few MiB. MR_OK or MR_E_*. */
int mr_reach_search(struct mr_reach *reach, struct mr_error *error);

/* The next raise begins anew, at its reader's place. */
static inline void mr_reach_forget(struct mr_reach *reach)
{
    reach->standing = false;
    reach->seal_segment = 0;
}

/* How much of the segment that `reader` is in may be read ahead of use: up to what is sure, because
 * what is not may be half written, or be truncated and written anew. UINT64_MAX: all. */
uint64_t mr_reach_limit(const struct mr_reach *reach, const struct mr_scan *reader);

/* Takes the inventory and the truncation record anew; the segment in hand stays. MR_OK or MR_E_*.
 */
int mr_scan_refresh(struct mr_scan *scan, struct mr_error *error);

/* Goes to the segment with this number. As mr_scan_enter; MR_AGAIN also: there is none (`fault`
 * MISSING). */
int mr_scan_enter_number(struct mr_scan *scan, uint32_t segment, struct mr_error *error);

#endif
