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
#include "engine/affinity.h"
#include "engine/applier.h"
#include "engine/blocks.h"
#include "engine/board.h"
#include "engine/futures.h"
#include "engine/query.h"
#include "engine/wait.h"
#include "engine/watch.h"

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
    struct mr_engine_handlers handlers; /* called on this thread; NULL: nobody */
    uint64_t output_first; /* of the output slots that are claimed and filled, but not published */
    uint32_t output_count;
    uint32_t readers_seen;
    bool published; /* to the output ring in this turn: readers may have to be woken */
    bool silent;    /* recovery: events and answers were given out in an earlier life */
    bool discards;  /* stopping, and nobody made room in the output ring: no more goes into it */
};

enum { MR_READER_POLLER = 1 << MR_SUBSCRIBERS_MAX, MR_READERS = 2 * MR_READER_POLLER - 1 };

/* Where a subscriber's moment is: apply says so when it first sees that somebody is there, before
 * it writes more. What lies before it in the ring may have been written for others, with gaps
 * behind it. */
struct mr_subscriber_seat {
    MR_ATOMIC(uint32_t) joined; /* counts who took the seat */
    MR_ATOMIC(uint32_t) seen;   /* by apply */
    MR_ATOMIC(uint64_t) start;  /* position, of whom it has seen */
};

/* Who subscribed (engine/subscriber.c). The event descriptors stay open, for the next one in the
 * same seat, until the engine is closed: so that apply can never write to a number that has come
 * to mean another file. */
struct mr_subscribers {
    alignas(MR_PADDING) MR_ATOMIC(uint32_t) armed; /* seats whose descriptor is waited for */
    MR_ATOMIC(uint32_t) taken;                     /* seats */
    struct mr_subscriber_seat seats[MR_SUBSCRIBERS_MAX];
    MR_ATOMIC(int) descriptor_next[MR_SUBSCRIBERS_MAX]; /* plus one; 0: none was asked for */
};

struct mr_subscriber {
    struct mr_consumer reader; /* its place in the output ring */
    struct mr_engine *engine;
    uint32_t seat;
    uint32_t joined;
    bool settled; /* it has come to its moment */
};

struct mr_engine {
    /* Watermarks that other threads read. */
    alignas(MR_PADDING) MR_ATOMIC(uint64_t) durable_sequence;
    MR_ATOMIC(uint64_t) durable_ticket; /* tickets below are durable */
    alignas(MR_PADDING) MR_ATOMIC(uint64_t) applied_sequence;
    MR_ATOMIC(uint64_t) applied_ticket; /* tickets below are applied */
    MR_ATOMIC(uint64_t) next_timer_ns;  /* as of applied_sequence; UINT64_MAX: none is set */
    alignas(MR_PADDING) MR_ATOMIC(int) failure; /* MR_OK, or why the engine stopped */
    MR_ATOMIC(bool) failing;                    /* somebody is writing failure_error */
    MR_ATOMIC(bool) stopping;                   /* no new commands */
    MR_ATOMIC(bool) ended;                      /* no stage will do anything any more */
    MR_ATOMIC(uint32_t) readers;   /* of the output ring: a bit each, and a count of all changes */
    struct mr_error failure_error; /* written before `failure` */
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

    struct mr_futures futures;
    struct mr_queries queries;
    struct mr_subscribers subscribers;
    struct mr_engine_parks parks;
    struct mr_watch watch;

    /* Fixed at open. */
    struct mr_engine_options options;
    const struct mr_logic *logic; /* the newest version; the applier has the one that applies */
    struct mr_storage *storage;
    bool own_storage, locked;
    struct mr_clock clock;
    enum mr_clock_kind clock_kind;
    struct mr_arena arena;
    struct mr_engine_recovery recovery;
    struct mr_command *genesis;
    const char **obstacles; /* see mr_upgrade_survey; by how far the version lies behind `logic` */
    uint32_t obstacle_count;

    /* Threads. */
    struct mr_agent agents[MR_ENGINE_STAGES];
    struct mr_runner runners[MR_ENGINE_STAGES];
    uint32_t runner_count;
    uint32_t runner_of[MR_ENGINE_STAGES];
    struct mr_affinity_plan affinity;
    MR_ATOMIC(bool) threads_started; /* read by whoever has something for a stage to do */
    bool begun_by_hand;
};

enum { MR_STAGE_SEQUENCE = 0, MR_STAGE_JOURNAL = 1, MR_STAGE_APPLY = 2 };

/* Whoever has something for a stage to do wakes its thread. */
static inline void mr_engine_wake_stage(struct mr_engine *engine, uint32_t stage)
{
    /* Acquire: pairs with the release in mr_engine_start; the runners are there. */
    if (mr_atomic_load(&engine->threads_started, acquire)) {
        mr_runner_wake(&engine->runners[engine->runner_of[stage]]);
    }
}

/* A stage that gave another one something to do wakes it, unless they share a thread. */
static inline void mr_engine_hand_on(struct mr_engine *engine, uint32_t from, uint32_t to)
{
    if (engine->runner_of[from] != engine->runner_of[to]) {
        mr_engine_wake_stage(engine, to);
    }
}

/* engine/path.c: the stages. Each does a bounded batch and returns how much, or a negative code. */
int mr_engine_sequence(void *context);
int mr_engine_journal(void *context);
int mr_engine_apply(void *context);
/* engine/blocks.c: room for a block of `bytes` of commands; NULL: none now. `*frame` is where it
 * begins. */
struct mr_entry *mr_engine_block_begin(struct mr_engine *engine, uint64_t bytes,
                                       unsigned char **frame);
/* Publishes it to journal and apply; the entry is complete. The caller has seen that the block ring
 * has room (asserted). */
void mr_engine_block_end(struct mr_engine *engine, unsigned char *frame, uint64_t ticket_next,
                         bool stored);
/* Takes up to `limit` messages from the output ring, and calls back for each. */
uint32_t mr_engine_take(struct mr_engine *engine, struct mr_consumer *reader,
                        const struct mr_engine_handlers *handlers, uint32_t limit);
/* Records the first failure; returns its code. */
int mr_engine_fail(struct mr_engine *engine, const struct mr_error *error);

/* engine/query.c: answers a few queries, if there are any. Once a turn of the apply stage. */
static inline int mr_queries_answer(struct mr_engine *engine)
{
    const struct mr_queries *queries = &engine->queries;
    /* Acquire: pairs with the release in mr_engine_query. */
    bool asked = mr_atomic_load(&queries->asked, acquire) != queries->seen || queries->waiting;
    return MR_UNLIKELY(asked) ? mr_queries_answer_some(engine) : 0;
}

/* engine/subscriber.c: wakes those who wait for output: sleepers, and armed descriptors. After
 * something was published. */
void mr_engine_tell_readers(struct mr_engine *engine);
/* Apply: the readers have changed. */
void mr_subscribers_look(struct mr_engine *engine, uint32_t readers);
void mr_subscribers_free(struct mr_subscribers *subscribers);

/* engine/wait.c: why nothing will move any more, a failure's code or MR_E_FENCED; MR_OK: it may. */
int mr_engine_end(const struct mr_engine *engine);
/* Sleeps at `park` until `reached`, for at most `timeout_ns` (0: for ever). MR_OK,
 * MR_AGAIN, or what ended the engine. */
int mr_engine_wait(const struct mr_engine *engine, struct mr_park *park,
                   bool (*reached)(void *context), void *context, uint64_t timeout_ns);
/* Wakes everybody: the engine has failed or ended. */
void mr_engine_wake_all(struct mr_engine *engine);

/* engine/upgrade.c: MR_OK, or MR_E_VERSION: a version that this program does not carry, or to which
 * the image cannot go. */
int mr_upgrade_check(const struct mr_engine *engine, const struct mr_command *command);
/* NULL, or why the image cannot go to that version, which the program carries. */
const char *mr_upgrade_obstacle(const struct mr_engine *engine, const struct mr_logic *to);
/* Once, when the image is there: finds out for all versions. MR_OK, MR_E_NO_MEMORY. */
int mr_upgrade_survey(struct mr_engine *engine, struct mr_error *error);

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
/* MR_E_VERSION when `newest` does not lead to that version. */
int mr_genesis_version(const struct mr_logic *newest, uint32_t version, struct mr_error *error);
/* The newest version of the logic that a genesis command names, out of a list ended by NULL; it
 * carries the version that the command names, too. MR_E_CORRUPT (no genesis), MR_E_MISMATCH,
 * MR_E_VERSION. */
int mr_genesis_logic(const struct mr_command *command, const struct mr_logic *const *logics,
                     const struct mr_logic **newest, struct mr_error *error);

#endif
