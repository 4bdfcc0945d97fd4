/*
 * The book's state: one block of memory without pointers.
 *
 *     header            struct mr_book
 *     instrument slots  where an instrument id stands: hashed, fixed
 *     instruments       one struct each, in the order of their definition
 *     pages             headers of leaves, then of branches (see levels.h)
 *     children          of the branches
 *     levels            64 for each leaf
 *     orders            one struct each
 *     ids               where a live order stands: hashed, grows and shrinks (see ids.h)
 *
 * Levels and orders both begin with a link and refer to each other by *refs*: places in the state,
 * counted in units of 8 bytes from its beginning. A level is the sentinel of the circular list of
 * its orders, so that unlinking an order needs no branch, whatever its neighbours are. 0 is no ref:
 * the header lies there.
 *
 * Memory is taken from the beginning of each pool and given back to a free list, last in first out,
 * so that what is in use stays dense and `used` spans stay short.
 */
#ifndef MR_CORE_BOOK_STATE_H
#define MR_CORE_BOOK_STATE_H

#include "base/assert.h"
#include "base/bits.h"

#include <millrace/book.h>

enum {
    BOOK_UNIT = 8,
    BOOK_PAGE_LEVELS = 64, /* levels of a leaf, children of a branch: the bits of a bitmap */
    BOOK_ID_BITS_MIN = 6,
    BOOK_ID_LOAD_INVERSE = 4, /* id slots for an order, at least */
};

struct book_link {
    uint32_t next; /* of a level: its first order */
    uint32_t prev; /* of a level: its last order */
};

struct book_order {
    struct book_link link;
    uint64_t id;
    uint64_t account;
    uint64_t key; /* of its price, see book_key */
    uint64_t open;
    uint64_t filled;
    uint32_t instrument; /* index */
    uint32_t hash;       /* of its id, see ids.h */
    uint8_t side;
    uint8_t reserved[7];
};

_Static_assert(sizeof(struct book_order) == 64, "an order is one cache line");

/* One side of an instrument: a tree of pages over the keys of its levels. */
struct book_side {
    uint64_t best_key;
    uint32_t best;   /* level of the best price, 0: the side is empty */
    uint32_t root;   /* page, 0: the side is empty */
    uint32_t recent; /* leaf used last, 0: none. Neighbours in time are neighbours in price */
    uint32_t levels;
    uint32_t orders;
    uint32_t reserved;
};

struct book_instrument {
    uint32_t id;
    uint32_t reserved;
    struct mr_stream stream;
    uint64_t hash_key; /* odd; mixes the ids of its orders */
    uint64_t trades;
    int64_t price_min, price_max;
    uint64_t quantity_max;
    /* The next line. */
    struct book_side sides[2];
    /* Seldom used. */
    char symbol[16];
    uint8_t price_decimals, quantity_decimals;
    uint8_t reserved_too[46];
};

_Static_assert(sizeof(struct book_instrument) == 192, "an instrument is three cache lines");

struct book_page {
    uint64_t occupied; /* which of its 64 levels or children are there */
    uint64_t base;     /* its least key; as many low bits as it spans are zero */
    uint32_t parent;   /* branch, 0: it is the root. Of a free page: the next free one */
    uint32_t shift;    /* key bits below one of its 64 places; 0: a leaf */
    uint64_t reserved;
};

/* Where an order id leads; ref 0: an empty slot. */
struct book_id {
    uint32_t hash;
    uint32_t ref;
};

/* The table in use has 2^bits slots; while it is being replaced, entries come over from one with
 * 2^old_bits, whose slots from `old_start` on, `old_moved` of them, are done. */
struct book_ids {
    uint32_t bits, old_bits; /* old_bits 0: nothing to bring over */
    uint32_t old_start, old_moved;
};

/* What is taken from a pool of `count` elements numbered from 1. */
struct book_pool {
    uint32_t free; /* first of the freed ones, 0: none */
    uint32_t high; /* elements ever taken: all others are untouched */
};

/* Where the parts of the state begin (offsets), and how large the hashed ones are. */
struct book_layout {
    uint64_t instrument_slots, instruments, pages, children, levels, orders, id_tables, size;
    uint32_t instrument_bits, id_bits_max;
};

struct mr_book {
    uint64_t hash_key; /* odd; second multiplier of the id hash */
    struct book_ids ids;
    uint32_t live;         /* orders */
    uint32_t levels;       /* live levels */
    uint32_t levels_first; /* ref of the first level */
    uint32_t instrument_count;
    uint32_t recent_id, recent_instrument; /* the instrument used last: its id, index + 1 */
    uint64_t trades;
    struct book_pool order_pool, leaf_pool, branch_pool;
    struct mr_book_config config;
    struct book_layout layout;
};

/* No byte that a compiler may leave as it was: the same history gives the same bytes. */
_Static_assert(sizeof(struct book_side) == 32 && sizeof(struct book_page) == 32, "no padding");
_Static_assert(sizeof(struct book_layout) == 72 && sizeof(struct mr_book) == 176, "no padding");

/* -- places ------------------------------------------------------------------------------------ */

/* Inlined everywhere: `book` may be const, and what is found then must not be written. */
static inline void *book_at(const struct mr_book *book, uint64_t offset)
{
    return (unsigned char *)(uintptr_t)book + offset;
}

static inline struct book_link *book_link(const struct mr_book *book, uint32_t ref)
{
    return book_at(book, (uint64_t)ref * BOOK_UNIT);
}

static inline struct book_order *book_order(const struct mr_book *book, uint32_t ref)
{
    return book_at(book, (uint64_t)ref * BOOK_UNIT);
}

static inline uint32_t book_order_ref(const struct mr_book *book, const struct book_order *order)
{
    return (uint32_t)((uint64_t)((const unsigned char *)order - (const unsigned char *)book) /
                      BOOK_UNIT);
}

static inline struct book_instrument *book_instrument(const struct mr_book *book, uint32_t index)
{
    return (struct book_instrument *)book_at(book, book->layout.instruments) + index;
}

static inline uint32_t book_instrument_index(const struct mr_book *book,
                                             const struct book_instrument *instrument)
{
    return (uint32_t)(instrument - book_instrument(book, 0));
}

/* -- keys -------------------------------------------------------------------------------------- */

/* Prices are ordered by keys, of which the higher is the better one on both sides. The key that an
 * order of the other side must reach to meet this one is its complement. */
static inline uint64_t book_key(uint8_t side, int64_t price)
{
    return ((uint64_t)price ^ (UINT64_C(1) << 63)) ^ (UINT64_C(0) - side);
}

static inline int64_t book_price(uint8_t side, uint64_t key)
{
    return (int64_t)((key ^ (UINT64_C(0) - side)) ^ (UINT64_C(1) << 63));
}

#endif
