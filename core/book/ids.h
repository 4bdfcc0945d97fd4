/*
 * Finding live orders by (instrument, id): linear probing at a load of at most a quarter, in a
 * table sized for the orders that are live now, so that it stays in cache however many could be.
 *
 * A slot keeps 32 bits of hash beside the ref: its upper bits are the slot where the entry would
 * like to be (its *home*), so that neither growing nor deleting looks at orders. Deleting moves
 * later entries back to where a probe expects them; there are no tombstones.
 *
 * The table doubles when a quarter full and halves when a sixteenth full, a few slots at a time:
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

static inline struct book_id *book_id_table(const struct mr_book *book, uint32_t bits)
{
    uint64_t before = (UINT64_C(1) << bits) - (UINT64_C(1) << BOOK_ID_BITS_MIN);
    return (struct book_id *)book_at(book, book->layout.id_tables) + before;
}

static inline uint32_t book_id_home(uint32_t hash, uint32_t bits)
{
    return hash >> (32 - bits);
}

/* The bits of the table that holds entries of this hash. */
static inline uint32_t book_id_bits(const struct mr_book *book, uint32_t hash)
{
    const struct book_ids *ids = &book->ids;
    if (MR_LIKELY(ids->old_bits == 0))
        return ids->bits;
    uint32_t mask = (UINT32_C(1) << ids->old_bits) - 1;
    uint32_t distance = (book_id_home(hash, ids->old_bits) - ids->old_start) & mask;
    return distance < ids->old_moved ? ids->bits : ids->old_bits;
}

/* The slot of the live order with that id, or the empty one where it would be inserted, which stays
 * right until the next insert or removal. */
static inline struct book_id *book_id_find(const struct mr_book *book, uint32_t hash,
                                           uint32_t instrument, uint64_t id)
{
    uint32_t bits = book_id_bits(book, hash);
    struct book_id *table = book_id_table(book, bits);
    uint32_t mask = (UINT32_C(1) << bits) - 1;
    for (uint32_t i = book_id_home(hash, bits);; i = (i + 1) & mask) {
        struct book_id *slot = &table[i];
        if (slot->ref == 0)
            return slot;
        if (slot->hash == hash) {
            const struct book_order *order = book_order(book, slot->ref);
            if (order->id == id && order->instrument == instrument)
                return slot;
        }
    }
}

/* Brings over the next slots of the old table. */
void mr_book_ids_move(struct mr_book *book);
/* Begins to replace the table by one of 2^bits slots. */
void mr_book_ids_resize(struct mr_book *book, uint32_t bits);

/* After the number of live orders has changed. */
static inline void book_ids_settle(struct mr_book *book)
{
    const struct book_ids *ids = &book->ids;
    if (MR_UNLIKELY(ids->old_bits != 0)) {
        mr_book_ids_move(book);
        return;
    }
    uint64_t slots = UINT64_C(1) << ids->bits;
    if (MR_UNLIKELY((uint64_t)book->live * BOOK_ID_LOAD_INVERSE > slots)) {
        if (ids->bits < book->layout.id_bits_max)
            mr_book_ids_resize(book, ids->bits + 1);
    } else if (MR_UNLIKELY((uint64_t)book->live * BOOK_ID_LOAD_INVERSE * 4 < slots)) {
        if (ids->bits > BOOK_ID_BITS_MIN)
            mr_book_ids_resize(book, ids->bits - 1);
    }
}

/* `slot` is where book_id_find said. */
static inline void book_id_insert(struct mr_book *book, struct book_id *slot,
                                  const struct book_order *order)
{
    VERIFY(slot->ref == 0);
    *slot = (struct book_id){.hash = order->hash, .ref = book_order_ref(book, order)};
    book->live++;
    book_ids_settle(book);
}

/* Empties slot `i` of a table and closes the gap. */
static inline void book_id_close(struct book_id *table, uint32_t bits, uint32_t i)
{
    uint32_t mask = (UINT32_C(1) << bits) - 1;
    for (uint32_t j = (i + 1) & mask; table[j].ref != 0; j = (j + 1) & mask) {
        uint32_t from_home = (j - book_id_home(table[j].hash, bits)) & mask;
        if (from_home >= ((j - i) & mask)) { /* a probe from its home passes the gap */
            table[i] = table[j];
            i = j;
        }
    }
    table[i] = (struct book_id){0};
}

/* Removes the entry of a live order: `slot` is where book_id_find said. */
static inline void book_id_remove(struct mr_book *book, const struct book_id *slot)
{
    uint32_t bits = book_id_bits(book, slot->hash);
    struct book_id *table = book_id_table(book, bits);
    book_id_close(table, bits, (uint32_t)(slot - table));
    book->live--;
    book_ids_settle(book);
}

/* The slot of a live order. */
static inline struct book_id *book_id_slot(const struct mr_book *book,
                                           const struct book_order *order)
{
    uint32_t ref = book_order_ref(book, order);
    uint32_t bits = book_id_bits(book, order->hash);
    struct book_id *table = book_id_table(book, bits);
    uint32_t mask = (UINT32_C(1) << bits) - 1;
    uint32_t i = book_id_home(order->hash, bits);
    while (table[i].ref != ref) {
        VERIFY(table[i].ref != 0);
        i = (i + 1) & mask;
    }
    return &table[i];
}

#endif
