/*
 * Finding accounts and transfers by their ids, in tables of fixed size and at a low load, because a
 * probe that does not end where it begins is a branch that nobody foresaw.
 *
 * Accounts, ledgers and the transfers that are kept stand in slots, with linear probing. A slot
 * keeps 32 bits of hash beside the value: the upper bits are the slot where the entry would like to
 * be (its *home*), so that removing looks at no ids. Removing moves later entries back to where a
 * probe expects them; there are no tombstones.
 *
 * The transfers of the window stand in buckets of one line. An entry whose ordinal is not in the
 * window any more is free: forgetting a transfer touches no bucket. Ordinals rise, so the oldest
 * entry of a bucket is free if any is, and entries take turns. Where all are in the window, the new
 * one goes to the next bucket, and the full one remembers the newest ordinal that passed it by:
 * once that has left the window, so has everything that did.
 */
#ifndef MR_CORE_LEDGER_IDS_H
#define MR_CORE_LEDGER_IDS_H

#include "core/ledger/state.h"

/* Slots for each entry, at least; and buckets for every eight transfers. */
enum { LEDGER_SLOTS = 2, LEDGER_BUCKETS = 3 };

struct ledger_table {
    struct ledger_slot *slots;
    uint32_t mask, shift;
};

static inline struct ledger_table ledger_table(const struct mr_ledger *ledger, uint64_t offset,
                                               uint32_t bits)
{
    return (struct ledger_table){
        .slots = ledger_at(ledger, offset), .mask = (UINT32_C(1) << bits) - 1, .shift = 32 - bits};
}

static inline struct ledger_table ledger_account_table(const struct mr_ledger *ledger)
{
    return ledger_table(ledger, ledger->layout.account_slots, ledger->layout.account_bits);
}

/* Multiplications by secret odd numbers, with the upper half folded into the lower in between:
 * whoever does not know the seed cannot choose ids that share a home. */
static inline uint32_t ledger_hash(const struct mr_ledger *ledger, struct mr_u128 id)
{
    uint64_t mixed = id.low * ledger->hash_key[0];
    mixed ^= mixed >> 32;
    mixed += id.high;
    mixed *= ledger->hash_key[1];
    mixed ^= mixed >> 32;
    return (uint32_t)((mixed * ledger->hash_key[0]) >> 32);
}

static inline void ledger_slot_prefetch(const struct ledger_table *table, uint32_t hash)
{
    __builtin_prefetch(&table->slots[hash >> table->shift], 0, 2);
}

/* The slot of the account with that id, or the empty one where it would be inserted. */
static inline struct ledger_slot *ledger_account_slot(const struct mr_ledger *ledger,
                                                      const struct ledger_table *table,
                                                      uint32_t hash, struct mr_u128 id)
{
    for (uint32_t i = hash >> table->shift;; i = (i + 1) & table->mask) {
        struct ledger_slot *slot = &table->slots[i];
        if (MR_UNLIKELY(slot->value == 0) ||
            (MR_LIKELY(slot->hash == hash) &&
             MR_LIKELY(mr_u128_equal(ledger_account(ledger, slot->value)->id, id))))
            return slot;
    }
}

/* The slot with that hash and value, which is there. */
static inline struct ledger_slot *ledger_slot_of(const struct ledger_table *table, uint32_t hash,
                                                 uint32_t value)
{
    uint32_t i = hash >> table->shift;
    while (table->slots[i].value != value) {
        VERIFY(table->slots[i].value != 0);
        i = (i + 1) & table->mask;
    }
    return &table->slots[i];
}

/* Empties a slot: whatever follows it and would like to be at it or before moves up. */
static inline void ledger_slot_remove(const struct ledger_table *table, struct ledger_slot *slot)
{
    uint32_t gap = (uint32_t)(slot - table->slots);
    for (uint32_t i = (gap + 1) & table->mask; table->slots[i].value != 0;
         i = (i + 1) & table->mask) {
        uint32_t home = table->slots[i].hash >> table->shift;
        if (((i - home) & table->mask) >= ((i - gap) & table->mask)) {
            table->slots[gap] = table->slots[i];
            gap = i;
        }
    }
    table->slots[gap] = (struct ledger_slot){0, 0};
}

/* -- Transfers that are kept. Values are places. ----------------------------------------------- */

static inline struct ledger_table ledger_kept_table(const struct mr_ledger *ledger)
{
    return ledger_table(ledger, ledger->layout.kept_slots, ledger->layout.kept_bits);
}

uint32_t mr_ledger_kept_find(const struct mr_ledger *ledger, uint32_t hash, struct mr_u128 id);
void mr_ledger_kept_add(struct mr_ledger *ledger, uint32_t place);
void mr_ledger_kept_remove(struct mr_ledger *ledger, uint32_t place);

/* -- Transfers of the window: buckets of one line, which are never emptied. -------------------- */

static inline struct ledger_bucket *ledger_bucket(const struct mr_ledger *ledger, uint32_t bucket)
{
    return (struct ledger_bucket *)ledger_at(ledger, ledger->layout.buckets) + bucket;
}

/* The bucket where an id would like to stand. */
static inline struct ledger_bucket *ledger_bucket_home(const struct mr_ledger *ledger,
                                                       uint32_t hash)
{
    return ledger_bucket(ledger, hash >> (32 - ledger->layout.bucket_bits));
}

static inline struct ledger_bucket *ledger_bucket_after(const struct mr_ledger *ledger,
                                                        const struct ledger_bucket *bucket)
{
    uint32_t at = (uint32_t)(bucket - ledger_bucket(ledger, 0));
    return ledger_bucket(ledger, (at + 1) & ((UINT32_C(1) << ledger->layout.bucket_bits) - 1));
}

/* The id of a transfer, hashed, and where it would like to stand. */
struct ledger_home {
    struct ledger_bucket *bucket;
    uint32_t hash;
};

static inline struct ledger_home ledger_home(const struct mr_ledger *ledger, struct mr_u128 id)
{
    uint32_t hash = ledger_hash(ledger, id);
    return (struct ledger_home){.bucket = ledger_bucket_home(ledger, hash), .hash = hash};
}

/* Four 32-bit words, or two of 64, that a machine which can handles at once. */
typedef uint32_t ledger_words __attribute__((vector_size(16)));
typedef uint64_t ledger_halves __attribute__((vector_size(16)));

/* Whether a bucket may have one of that hash. The first half of its line is compared, which has
 * `next`, too: that can only say yes in vain. */
static inline bool ledger_bucket_has(const struct ledger_bucket *bucket, uint32_t hash)
{
    ledger_words words[2];
    _Static_assert(sizeof words == offsetof(struct ledger_bucket, ordinals), "half a line");
    mr_copy(words, bucket, sizeof words);
    ledger_halves same = (ledger_halves)((words[0] == hash) | (words[1] == hash));
    return (same[0] | same[1]) != 0;
}

/* The place in the bucket of the transfer with that id, LEDGER_BUCKET: it is not there. */
static inline uint32_t ledger_bucket_find(const struct mr_ledger *ledger,
                                          const struct ledger_bucket *bucket, uint32_t hash,
                                          struct mr_u128 id)
{
    uint32_t i = 0;
    while (i < LEDGER_BUCKET &&
           !(bucket->hashes[i] == hash && ledger_in_window(ledger, bucket->ordinals[i]) &&
             mr_u128_equal(ledger_transfer(ledger, bucket->ordinals[i])->id, id)))
        i++;
    return i;
}

/* The ordinal of the transfer of the window with that id, 0: there is none. */
static inline uint32_t ledger_window_find(const struct mr_ledger *ledger, struct ledger_home home,
                                          struct mr_u128 id)
{
    const struct ledger_bucket *bucket = home.bucket;
    do {
        if (MR_UNLIKELY(ledger_bucket_has(bucket, home.hash))) {
            uint32_t i = ledger_bucket_find(ledger, bucket, home.hash, id);
            if (i < LEDGER_BUCKET)
                return bucket->ordinals[i];
        }
        if (MR_LIKELY(!ledger_in_window(ledger, bucket->spilled)))
            break;
        bucket = ledger_bucket_after(ledger, bucket);
    } while (bucket != home.bucket); /* chains that fail may leave every bucket marked */
    return 0;
}

/* What leads to the transfer with that id, 0: there is none. */
static inline uint32_t ledger_transfer_find(const struct mr_ledger *ledger, struct ledger_home home,
                                            struct mr_u128 id)
{
    uint32_t ordinal = ledger_window_find(ledger, home, id);
    if (MR_LIKELY(ordinal != 0 || ledger->kept_count == 0))
        return ordinal;
    return mr_ledger_kept_find(ledger, home.hash, id);
}

/* An id leads to an ordinal from now on. The oldest entry of a bucket makes room, unless it is in
 * the window. */
static inline void ledger_bucket_put(const struct mr_ledger *ledger, struct ledger_home home,
                                     uint32_t ordinal)
{
    struct ledger_bucket *bucket = home.bucket;
    for (;; bucket = ledger_bucket_after(ledger, bucket)) {
        uint32_t i = bucket->next;
        for (uint32_t tries = 0; tries < LEDGER_BUCKET; tries++) {
            uint32_t next = i + 1 == LEDGER_BUCKET ? 0 : i + 1;
            if (MR_LIKELY(!ledger_in_window(ledger, bucket->ordinals[i]))) {
                bucket->hashes[i] = home.hash;
                bucket->ordinals[i] = ordinal;
                bucket->next = next;
                return;
            }
            i = next;
        }
        bucket->spilled = ordinal;
    }
}

/* An id leads no more to its ordinal, which is the newest; those that are younger than `remaining`
 * are being taken back. */
void mr_ledger_bucket_clear(struct mr_ledger *ledger, uint32_t hash, uint32_t ordinal,
                            uint32_t remaining);

#endif
