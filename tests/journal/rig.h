/*
 * What the journal's tests share: making entries whose bytes follow from their index alone, so that
 * what is read back can be checked without remembering it.
 */
#ifndef MR_TESTS_JOURNAL_RIG_H
#define MR_TESTS_JOURNAL_RIG_H

#include "base/assert.h"
#include "base/random.h"
#include "journal/frame.h"
#include "journal/segment.h"

#include <millrace/journal.h>

/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t rig_id[MR_JOURNAL_ID_SIZE] = {1, 2,  3,  4,  5,  6,  7,  8,
                                                   9, 10, 11, 12, 13, 14, 15, 16};

/* Printed first, so that a failure can be replayed. */
static inline uint64_t rig_seed(void)
{
    const char *text = getenv("MR_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 20240607;
    printf("MR_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

/* How an entry follows from its index: some are small, some large, some hold zero sectors. */
struct rig_shape {
    uint64_t salt;
    uint32_t payload_max; /* bytes of commands, at least 1 */
};

static inline struct mr_random rig_random(const struct rig_shape *shape, uint64_t index)
{
    struct mr_random random;
    mr_random_init(&random, mr_mix64(shape->salt) + index);
    return random;
}

/* Fills `frame` (large enough) with the entry behind `tip`; returns its digest and moves the tip.
 * */
static inline struct mr_digest rig_fill(const struct rig_shape *shape, void *frame,
                                        struct mr_tip *tip)
{
    struct mr_random random = rig_random(shape, tip->index + 1);
    uint32_t size = 1 + (uint32_t)mr_random_below(&random, shape->payload_max);
    bool zeros = mr_random_chance(&random, 1, 5);
    struct mr_entry *entry = mr_frame_entry(frame);
    unsigned char *payload = (unsigned char *)(entry + 1);
    *entry = (struct mr_entry){
        .term = 1,
        .index = tip->index + 1,
        .first_sequence = tip->sequence + 1,
        .time_ns = tip->time_ns + 10,
        .count = 1 + (uint32_t)mr_random_below(&random, 9),
        .length = MR_ENTRY_SIZE + size,
        .previous = tip->digest,
    };
    memset(payload, 0, size);
    for (uint32_t i = 0; i + 8 <= size && !zeros; i += 8) {
        uint64_t word = mr_random_u64(&random);
        memcpy(payload + i, &word, sizeof word);
    }
    struct mr_digest digest = mr_entry_digest(entry);
    *tip = mr_tip_after(entry, digest);
    return digest;
}

/* True when `entry` is the one that rig_fill makes behind `tip`, which moves on. `frame`: memory.
 * */
static inline bool rig_matches(const struct rig_shape *shape, const struct mr_entry *entry,
                               void *frame, struct mr_tip *tip)
{
    rig_fill(shape, frame, tip);
    const struct mr_entry *expected = mr_frame_entry(frame);
    return entry->length == expected->length && memcmp(entry, expected, entry->length) == 0;
}

#endif
