/*
 * Truncation: dropping entries that were never committed, so that a crash in the middle leaves
 * either all of them or none.
 *
 *   1. A record that names the cut and a new generation becomes durable: DIR/journal/truncation,
 *      PENDING. From here on the entries behind the cut are gone, whatever happens.
 *   2. Segments behind the cut's are retired, the highest first; then the cut's own is zeroed from
 *      the cut on, and synced.
 *   3. The record becomes durable as DONE. It stays: from the cut on only frames of its generation
 *      or later count, and what an older one promised there binds nobody.
 *
 * Recovery completes 2 and 3 when it finds a PENDING record (case K).
 */
#ifndef MR_JOURNAL_TRUNCATION_H
#define MR_JOURNAL_TRUNCATION_H

#include "journal/segment.h"

enum {
    MR_TRUNCATION_VERSION = 0,
    MR_TRUNCATION_PENDING = 1,
    MR_TRUNCATION_DONE = 2,
};

/* On disk, little-endian; truncation.c has the byte table. */
struct mr_truncation {
    uint64_t magic;
    uint16_t version;
    uint16_t header_size;
    uint32_t state; /* 0 in memory: there is no record */
    uint8_t journal_id[MR_JOURNAL_ID_SIZE];
    uint64_t generation; /* of what is written from the cut on */
    uint64_t number;     /* of the first frame behind the cut */
    uint64_t offset;     /* the cut: where that frame lies */
    uint32_t segment;
    uint32_t reserved_a;
    struct mr_tip keep; /* the chain in front of the cut */
    uint64_t reserved_b;
    struct mr_digest checksum;
};

/* Checks what a file of `size` bytes holds: NONE, RECORD (it is damaged), VERSION. */
enum mr_fault mr_truncation_get(const void *page, size_t size, struct mr_truncation *record);
/* Fills a page. Set by the caller: all but magic, version, header_size, checksum. */
void mr_truncation_put(void *page, struct mr_truncation *record);

/* MR_OK: `record` is whole, or its state is 0 because there is none. MR_AGAIN: it is not; `fault`
 * says why. MR_E_IO. */
int mr_truncation_read(struct mr_storage *storage, struct mr_truncation *record,
                       enum mr_fault *fault, struct mr_error *error);

/* Makes the record durable, in place of the one before. */
int mr_truncation_write(struct mr_storage *storage, struct mr_truncation *record,
                        struct mr_error *error);

/* Steps 2 and 3 of a PENDING record, from any state that a crash in them leaves. On MR_OK the
 * record says DONE. */
int mr_truncation_complete(struct mr_storage *storage, struct mr_truncation *record,
                           struct mr_error *error);

/* True when a frame or a superblock of `generation` may say something about frame `number`. */
static inline bool mr_truncation_allows(const struct mr_truncation *record, uint64_t generation,
                                        uint64_t number)
{
    return number < record->number || generation >= record->generation || record->state == 0;
}

/* The name of the record, for messages. */
#define MR_TRUNCATION_NAME      "journal/truncation"
#define MR_TRUNCATION_TEMPORARY MR_TRUNCATION_NAME ".tmp"

#endif
