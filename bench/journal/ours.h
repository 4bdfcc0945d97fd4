/*
 * The writer that `run` uses, as the rows use it: one thread makes blocks of commands, appends them
 * and polls. Everything that a row does with it goes through here.
 */
#ifndef MR_BENCH_JOURNAL_OURS_H
#define MR_BENCH_JOURNAL_OURS_H

#include "bench/journal/common.h"
#include "journal/frame.h"

#include <millrace/journal.h>

struct ours_options {
    const char *path;     /* of its directory, in ours; NULL: "millrace" */
    uint32_t frame_bytes; /* the largest frame, a multiple of 4 KiB */
    uint32_t frames_in_flight;
    uint64_t prepared_bytes; /* segments for frames of so many bytes are made beforehand; 0: the
                                writer prepares them while it runs, as it does in `run` */
    enum mr_durability durability;
};

struct ours {
    struct ours_options options;
    char path[COMMON_PATH_SIZE];
    struct mr_storage *storage;
    struct mr_journal *journal;
    struct mr_tip tip;
    unsigned char *frames; /* one more than fit in flight: the one in hand */
    struct mr_error error;
};

/* A new journal in a directory of its own, started. False: said why, and ours_close is still due.
 */
bool ours_open(struct ours *ours, const struct ours_options *options);

/* The place of the commands of the block in hand, and how many bytes of them it may hold. */
unsigned char *ours_block(struct ours *ours);
uint32_t ours_block_bytes(const struct ours *ours);

/* Hashes, frames and appends the block in hand, which holds `count` commands in `bytes` bytes.
 * MR_OK, MR_AGAIN (nothing done), or less: said why. */
int ours_append(struct ours *ours, uint32_t count, uint32_t bytes);

/* A turn of the writer; false: said why. */
bool ours_poll(struct ours *ours, bool sleep);

/* As ours_append, and turns of the writer as long as it takes. */
bool ours_append_soon(struct ours *ours, uint32_t count, uint32_t bytes);

/* Waits until everything appended is durable. */
bool ours_settle(struct ours *ours);

/* Waits, stops, closes; what was written stays. False: said why. */
bool ours_stop(struct ours *ours);

/* After ours_stop: reads the journal, checks all commands (of 128 bytes, from 1), and returns how
 * many there are; below 0: it is damaged, or they are not as written. Under MR_DURABILITY_NONE
 * there is nothing to read: what was appended counts. */
int64_t ours_count(struct ours *ours);
/* After ours_stop: the index of the last entry of a whole journal; below 0: it is damaged. `report`
 * (may be NULL) is what mr_journal_plan found. */
int64_t ours_plan(struct ours *ours, struct mr_recovery *report);

/* Closes what is open and removes what was written. */
void ours_close(struct ours *ours);

#endif
