/*
 * Finding live orders by (instrument, id): linear probing at a low load, in a table sized for the
 * orders that are live now, so that it stays in cache however many could be.
 *
 * A slot keeps 32 bits of hash beside the ref: its upper bits are the slot where the entry would
 * like to be (its *home*), so that neither growing nor deleting looks at orders. Deleting moves
 * later entries back to where a probe expects them; there are no tombstones.
 *
 * The table doubles when an eighth full (a large one: a quarter, see BOOK_ID_LOAD_FAR) and halves
 * when a thirty-second full, a few slots at a time (so that it can be a little fuller meanwhile):
 * every insert and removal brings over BOOK_ID_STEP slots and then up to the next empty one. As the
 * old table is cut only at empty slots, no run of entries is ever divided, and the home of an entry
 * in the old table says which of the two holds it. Tables of all sizes have a place of their own;
 * emptied slots are zero, so a table that takes over finds its memory clean.
 */
#ifndef MR_CORE_BOOK_IDS_H
#define MR_CORE_BOOK_IDS_H

#include "core/book/state.h"

enum { BOOK_ID_STEP = 8 };

/* Multiplications by secret odd numbers, of the instrument and of the state, with the upper half
 * folded into the lower in between: whoever does not know the seed cannot choose ids that share a
 * home. Three of them, because after two an arithmetic sequence can still be one, which a bad
 * multiplier piles up. */
static inline uint32_t book_id_hash(const struct mr_book *book,
                                    const struct book_instrument *instrument, uint64_t id)
{
    uint64_t mixed = id * instrument->hash_key;
    mixed ^= mixed >> 32;
    mixed *= book->hash_key;
    mixed ^= mixed >> 32;
    return (uint32_t)((mixed * book->hash_key) >> 32);
}

/* Where tables of 2^bits slots lie. */
static inline uint64_t book_id_offset(const struct mr_book *book, uint32_t bits)
{
    uint64_t before = (UINT64_C(1) << bits) - (UINT64_C(1) << BOOK_ID_BITS_MIN);
    return book->layout.id_tables + before * sizeof(struct book_id);
}

/* A table, and how a hash leads to its home there. */
struct book_id_table {
    struct book_id *slots;
    uint32_t mask, shift;
};

static inline struct book_id_table book_id_table(const struct mr_book *book, uint32_t bits)
{
    return (struct book_id_table){.slots = book_at(book, book_id_offset(book, bits)),
                                  .mask = (UINT32_C(1) << bits) - 1,
                                  .shift = 32 - bits};
}

/* Whether entries of this hash are still in the old table. */
static inline bool book_id_is_old(const struct mr_book *book, uint32_t hash)
{
    const struct book_ids *ids = &book->ids;
    uint32_t mask = (UINT32_C(1) << ids->old_bits) - 1;
    uint32_t distance = ((hash >> (32 - ids->old_bits)) - ids->old_start) & mask;
    return distance >= ids->old_moved;
}

/* The table that holds entries of this hash. */
static inline struct book_id_table book_id_table_of(const struct mr_book *book, uint32_t hash)
{
    const struct book_ids *ids = &book->ids;
    if (MR_UNLIKELY(ids->old_bits != 0) && book_id_is_old(book, hash))
        return book_id_table(book, ids->old_bits);
    return (struct book_id_table){
        .slots = book_at(book, ids->at), .mask = ids->mask, .shift = ids->shift};
}

/* The slot of the live order with that id, or the empty one where it would be inserted, which stays
 * right until the next insert or removal. `table` is the one for its hash. */
static inline struct book_id *book_id_find(const struct mr_book *book,
                                           const struct book_id_table *table, uint32_t hash,
                                           uint32_t instrument, uint64_t id)
{
    for (uint32_t i = hash >> table->shift;; i = (i + 1) & table->mask) {
        struct book_id *slot = &table->slots[i];
        if (slot->ref == 0)
            return slot;
        if (slot->hash == hash) {
            const struct book_order *order = book_order(book, slot->ref);
            if (order->id == id && order->instrument == instrument)
                return slot;
        }
    }
}

/* The same for any instrument and id, for whoever is not in a hurry. */
static inline struct book_id *book_id_look(const struct mr_book *book,
                                           const struct book_instrument *instrument, uint64_t id)
{
    uint32_t hash = book_id_hash(book, instrument, id);
    struct book_id_table table = book_id_table_of(book, hash);
    return book_id_find(book, &table, hash, book_instrument_index(book, instrument), id);
}

/* Begins with the smallest table. */
void mr_book_ids_init(struct mr_book *book);
/* Brings over the next slots of the old table, or begins to replace the table. */
void mr_book_ids_move(struct mr_book *book);

/* After the number of live orders has changed. */
static inline void book_ids_settle(struct mr_book *book)
{
    const struct book_ids *ids = &book->ids;
    if (MR_UNLIKELY(book->live - ids->live_min > ids->live_span))
        mr_book_ids_move(book);
}

/* `slot` is where book_id_find said. */
static inline void book_id_insert(struct mr_book *book, struct book_id *slot, uint32_t hash,
                                  uint32_t ref)
{
    VERIFY(slot->ref == 0);
    *slot = (struct book_id){.hash = hash, .ref = ref};
    book->live++;
    book_ids_settle(book);
}

/* Empties slot `i` of a table and closes the gap. */
static inline void book_id_close(const struct book_id_table *table, uint32_t i)
{
    struct book_id *slots = table->slots;
    uint32_t mask = table->mask;
    for (uint32_t j = (i + 1) & mask; slots[j].ref != 0; j = (j + 1) & mask) {
        uint32_t from_home = (j - (slots[j].hash >> table->shift)) & mask;
        if (from_home >= ((j - i) & mask)) { /* a probe from its home passes the gap */
            slots[i] = slots[j];
            i = j;
        }
    }
    slots[i] = (struct book_id){0};
}

/* Removes the entry of a live order: `slot` is where it was found in `table`. */
static inline void book_id_remove(struct mr_book *book, const struct book_id_table *table,
                                  const struct book_id *slot)
{
    book_id_close(table, (uint32_t)(slot - table->slots));
    book->live--;
    book_ids_settle(book);
}

/* The same for an order whose slot is not known. */
static inline void book_id_forget(struct mr_book *book, uint32_t hash, uint32_t ref)
{
    struct book_id_table table = book_id_table_of(book, hash);
    uint32_t i = hash >> table.shift;
    while (table.slots[i].ref != ref) {
        VERIFY(table.slots[i].ref != 0);
        i = (i + 1) & table.mask;
    }
    book_id_remove(book, &table, &table.slots[i]);
}

#endif
