/*
 * The parts of an engine and who owns them. engine/path.c moves commands through them; nothing else
 * does.
 */
#ifndef MR_ENGINE_PARTS_H
#define MR_ENGINE_PARTS_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/storage.h"
#include "engine/applier.h"
#include "engine/blocks.h"
#include "engine/board.h"

#include <millrace/disruptor.h>
#include <millrace/engine.h>

/* The block ring's slot. The sequencer (or recovery) writes it; journal and apply read it. */
struct mr_block {
    unsigned char *frame; /* 4 KiB-aligned; MR_FRAME_ROOM bytes that belong to the journal, then: */
    struct mr_entry *entry;  /* immutable once published */
    struct mr_digest digest; /* of the entry */
    uint64_t ticket_next;    /* one past the last ticket that went into it */
    uint64_t bytes_end;      /* where its memory ends (mr_blocks_give_back) */
    bool stored;             /* came from the journal: nothing to write */
};

enum { MR_BLOCK_SLOTS = 64 };
_Static_assert((int)MR_BLOCK_SLOTS < (int)MR_APPLIER_MARKS,
               "the digest that an entry records is among those that the applier remembers");

struct mr_sequencer {
    struct mr_consumer input; /* its place in the input ring */
    struct mr_blocks memory;
    uint64_t given_back; /* block positions whose memory was given back */
    uint64_t next_sequence;
    uint64_t next_index;
    uint64_t last_time_ns;
    uint64_t last_work_ns;  /* when it last had a command; for TICKs */
    struct mr_digest chain; /* of the last entry */
    uint32_t window;        /* blocks that may be on their way to the disk */
    bool replaying;         /* recovery feeds the block ring; the sequencer has no part in it */
};

struct mr_journaling {
    struct mr_consumer blocks; /* its place in the block ring: all below is durable */
    struct mr_journal *journal;
    uint64_t appended;   /* next block to hand to the journal */
    uint64_t index_base; /* entry index minus block position */
    uint32_t idle_turns;
    /* Room left on the file system, plus one, while it is low; else 0. */
    MR_ATOMIC(uint64_t) space_low;
};

struct mr_applying {
    struct mr_consumer blocks; /* its place in the block ring, after journaling */
    struct mr_applier applier;
    uint64_t output_first; /* of the output slots that are claimed and filled, but not published */
    uint32_t output_count;
    bool silent; /* recovery: events and answers were given out in an earlier life */
};

struct mr_engine {
    /* Watermarks that other threads read. */
    alignas(MR_PADDING) MR_ATOMIC(uint64_t) durable_sequence;
    MR_ATOMIC(uint64_t) durable_ticket; /* tickets below are durable */
    alignas(MR_PADDING) MR_ATOMIC(uint64_t) applied_sequence;
    MR_ATOMIC(uint64_t) applied_ticket;         /* tickets below are applied */
    alignas(MR_PADDING) MR_ATOMIC(int) failure; /* MR_OK, or why the engine stopped */
    MR_ATOMIC(bool) failing;                    /* somebody is writing failure_error */
    MR_ATOMIC(bool) stopping;                   /* no new commands */
    struct mr_error failure_error;              /* written before `failure` */
    struct mr_digest_board board;

    /* The rings. */
    alignas(MR_PADDING) struct mr_ring input;
    struct mr_ring blocks;
    struct mr_ring output;
    struct mr_consumer reader; /* mr_engine_poll's place in the output ring */

    /* The stages, each owned by its agent's thread. */
    alignas(MR_PADDING) struct mr_sequencer sequencer;
    alignas(MR_PADDING) struct mr_journaling journaling;
    alignas(MR_PADDING) struct mr_applying applying;

    /* Fixed at open. */
    struct mr_engine_options options;
    const struct mr_logic *logic;
    struct mr_storage *storage;
    bool own_storage, locked;
    struct mr_clock clock;
    enum mr_clock_kind clock_kind;
    struct mr_arena arena;
    struct mr_engine_recovery recovery;
    struct mr_command *genesis;

    /* Threads. */
    struct mr_agent agents[MR_ENGINE_STAGES];
    struct mr_runner runners[MR_ENGINE_STAGES];
    uint32_t runner_count;
    uint32_t runner_of[MR_ENGINE_STAGES];
    bool threads_started, begun_by_hand;
};

enum { MR_STAGE_SEQUENCE = 0, MR_STAGE_JOURNAL = 1, MR_STAGE_APPLY = 2 };

/* engine/path.c: the stages. Each does a bounded batch and returns how much, or a negative code. */
int mr_engine_sequence(void *context);
int mr_engine_journal(void *context);
int mr_engine_apply(void *context);
/* Room for a block of `bytes` of commands; NULL: none now. `*frame` is where it begins. */
struct mr_entry *mr_engine_block_begin(struct mr_engine *engine, uint64_t bytes,
                                       unsigned char **frame);
/* Publishes it to journal and apply; the entry is complete. The caller has seen that the block ring
 * has room (asserted). */
void mr_engine_block_end(struct mr_engine *engine, unsigned char *frame, uint64_t ticket_next,
                         bool stored);
/* Records the first failure; returns its code. */
int mr_engine_fail(struct mr_engine *engine, const struct mr_error *error);

/* engine/recover.c */
int mr_engine_recover(struct mr_engine *engine, struct mr_error *error);

/* engine/genesis.c: how long the first command of a journal is; and itself, from options,
 * allocated, to be freed. */
uint32_t mr_genesis_length(const struct mr_engine_options *options);
int mr_genesis_build(const struct mr_engine_options *options, const uint8_t id[MR_JOURNAL_ID_SIZE],
                     struct mr_command **genesis, struct mr_error *error);
/* A copy of the first command of the journal in `storage`, to be freed. Codes of a reader. */
int mr_genesis_read(struct mr_storage *storage, uint64_t last_index, struct mr_command **genesis,
                    struct mr_damage *damage, struct mr_error *error);
/* The logic that a genesis command names, out of a list ended by NULL. MR_E_CORRUPT (no genesis),
 * MR_E_MISMATCH, MR_E_VERSION. */
int mr_genesis_logic(const struct mr_command *command, const struct mr_logic *const *logics,
                     const struct mr_logic **logic, struct mr_error *error);

#endif
