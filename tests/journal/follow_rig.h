/*
 * Followers of a journal on a simulated disk, and what they may show: each entry in its turn, byte
 * for byte, none that a crash or a truncation could still take.
 */
#ifndef MR_TESTS_JOURNAL_FOLLOW_RIG_H
#define MR_TESTS_JOURNAL_FOLLOW_RIG_H

#include "tests/journal/damage_rig.h"
#include "tests/support/sim_internal.h"

enum { FOLLOWERS = 3, POLLS_MAX = 3000 };

struct follower {
    struct mr_reader *reader;
    uint64_t next; /* index */
};

static struct follower followers[FOLLOWERS];
static struct mr_random random_steps;
static struct mr_tip tips[RIG_ENTRIES_MAX]; /* by index: the chain with that entry */
static uint64_t committed;                  /* replicated: as told to the writer */
static uint64_t shown; /* the highest index that a follower has shown since the last crash */

static inline uint64_t below(uint64_t bound)
{
    return mr_random_below(&random_steps, bound);
}

/* The highest index that may be shown. */
static inline uint64_t limit(void)
{
    uint64_t good = rig.durability == MR_DURABILITY_OS ? rig.tip.index : rig.acknowledged;
    return rig.replicated && committed < good ? committed : good;
}

static inline void check_entry(const struct mr_entry *entry, uint64_t index)
{
    struct rig_shape shape = rig_shape_of(&rig, index);
    struct mr_tip tip = tips[index - 1];
    assert_int_equal(entry->index, index);
    assert_true(index <= limit());
    assert_true(rig_matches(&shape, entry, rig.scratch, &tip));
}

static inline void open_follower(struct follower *follower, const struct mr_reader_options *options,
                                 uint64_t next)
{
    RIG_OK(&rig, mr_reader_open(rig.storage, options, &follower->reader, &rig.error));
    follower->next = next;
}

/* MR_OK or MR_AGAIN. */
static inline int follow(struct follower *follower)
{
    const struct mr_entry *entry;
    int status = mr_reader_next(follower->reader, &entry, NULL, &rig.error);
    if (status == MR_AGAIN) {
        return status;
    }
    RIG_OK(&rig, status);
    check_entry(entry, follower->next);
    shown = follower->next > shown ? follower->next : shown;
    follower->next++;
    return MR_OK;
}

static inline void catch_up(struct follower *follower)
{
    while (follow(follower) == MR_OK) {
    }
}

/* A follower that had looked at what is gone by now may need a while to notice. */
static inline void catch_up_to(struct follower *follower, uint64_t index)
{
    for (int polls = 0; polls < POLLS_MAX && follower->next <= index; polls++) {
        catch_up(follower);
    }
    assert_int_equal(follower->next, index + 1);
}

static inline void append(void)
{
    if (rig.tip.index + 1 < RIG_ENTRIES_MAX && rig_append(&rig) == MR_OK) {
        tips[rig.tip.index] = rig.tip;
    }
}

static inline void append_durably(int count)
{
    uint64_t last = rig.tip.index + (uint64_t)count;
    while (rig.tip.index < last || mr_journal_busy(rig.journal)) {
        if (rig.tip.index < last) {
            append();
        }
        assert_true(rig_poll(&rig) >= 0);
    }
}

/* What is in flight, or of it what `choice` keeps, can be read already; it is not durable. */
static inline void write_in_flight(const struct sim_choice *choice)
{
    for (uint32_t i = 0; i < rig.sim->depth; i++) {
        struct sim_operation *operation = &rig.sim->operations[i];
        if (operation->state != SIM_FREE && operation->io.kind != MR_IO_SYNC) {
            struct mr_io io = operation->io;
            io.data = operation->data;
            sim_disk_write(&rig.sim->disk, operation->node, &io, false, choice);
        }
    }
}

#endif
