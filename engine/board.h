/*
 * The board: where the apply thread puts the newest (sequence, event digest), and the sequencer
 * reads it for the entry that it cuts. One writer, any number of readers, nobody waits: a reader
 * that meets a write in progress looks again (a seqlock).
 */
#ifndef MR_ENGINE_BOARD_H
#define MR_ENGINE_BOARD_H

#include "base/limits.h"

#include <millrace/atomic.h>
#include <millrace/digest.h>

struct mr_digest_board {
    alignas(MR_PADDING) MR_ATOMIC(uint64_t) version; /* odd while it is being written */
    MR_ATOMIC(uint64_t) sequence, low, high;
};

static inline void mr_board_write(struct mr_digest_board *board, uint64_t sequence,
                                  struct mr_digest digest)
{
    uint64_t version = mr_atomic_load(&board->version, relaxed);
    mr_atomic_store(&board->version, version + 1, relaxed);
    /* Release: whoever reads one of these sees the odd version, too, and looks again. */
    mr_atomic_store(&board->sequence, sequence, release);
    mr_atomic_store(&board->low, digest.low, release);
    mr_atomic_store(&board->high, digest.high, release);
    /* Release: pairs with the first acquire in mr_board_read. */
    mr_atomic_store(&board->version, version + 2, release);
}

/* The sequence whose digest is returned in *digest; 0: none was written yet. */
static inline uint64_t mr_board_read(const struct mr_digest_board *board, struct mr_digest *digest)
{
    for (;;) {
        /* Acquire: pairs with the last release in mr_board_write. */
        uint64_t before = mr_atomic_load(&board->version, acquire);
        /* Acquire: pairs with the releases of these, and keeps the second look at the version
         * behind them. */
        uint64_t sequence = mr_atomic_load(&board->sequence, acquire);
        uint64_t low = mr_atomic_load(&board->low, acquire);
        uint64_t high = mr_atomic_load(&board->high, acquire);
        if (before % 2 == 0 && mr_atomic_load(&board->version, relaxed) == before) {
            *digest = (struct mr_digest){.low = low, .high = high};
            return sequence;
        }
    }
}

#endif
