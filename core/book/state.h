/*
 * The book's state: one block of memory without pointers.
 *
 *     header            struct mr_book
 *     instrument slots  where an instrument id stands: hashed, fixed
 *     instruments       one struct each, in the order of their definition
 *     tick tables       one struct each
 *     group slots       where a group stands: hashed, fixed
 *     groups            one struct each (see groups.h)
 *     expiries          struct mr_heap_key each: the groups of orders that expire, the next on top
 *     branches          upper pages of the trees of price levels (see levels.h)
 *     leaves            lower pages, with 64 levels each
 *     orders            one struct each: what every command looks at
 *     memberships       one struct for each order: what only orders in groups need
 *     ids               where a live order stands: hashed, grows and shrinks (see ids.h)
 *
 * Levels and orders both begin with a link and refer to each other by *refs*: places in the state,
 * counted in units of 8 bytes from its beginning; so do leaves and branches. A level is the
 * sentinel of the circular list of its orders, so that unlinking an order needs no branch, whatever
 * its neighbours are. 0 is no ref: the header lies there.
 *
 * Memory is taken from the beginning of each pool and given back to a free list, last in first out,
 * so that what is in use stays dense and `used` spans stay short.
 */
#ifndef MR_CORE_BOOK_STATE_H
#define MR_CORE_BOOK_STATE_H

#include "base/assert.h"
#include "base/bits.h"

#include <millrace/book.h>

/* Compiled anew wherever it is used, so that what is constant there folds away. */
#define BOOK_FOLDED static inline __attribute__((always_inline))

enum {
    BOOK_UNIT = 8,
    BOOK_PAGE_LEVELS = 64, /* levels of a leaf, children of a branch: the bits of a bitmap */
    BOOK_NEAR_LEAVES = 64, /* leaves of a side that are found without looking for them */
    BOOK_ID_BITS_MIN = 6,
    BOOK_ID_BITS_NEAR = 16, /* up to so many the table stays in a cache of its own core */
    BOOK_ID_LOAD_NEAR = 8,  /* id slots for an order, at least, in such a table */
    BOOK_ID_LOAD_FAR = 4,   /* and in larger ones, where a line costs more than a probe */
    BOOK_IDLE_LEAVES =
        256, /* leaves that were without orders once and are kept, as prices come back */
    BOOK_STEP_ORDERS = 256, /* orders that one turn cancels, or looks at, of many */
};

struct book_link {
    uint32_t next; /* of a level: its first order */
    uint32_t prev; /* of a level: its last order */
};

/* One price of one side. */
struct book_level {
    struct book_link link;
    uint64_t quantity; /* open in all its orders */
    uint32_t orders;
    uint32_t reserved[3];
};

struct book_order {
    struct book_link link;
    uint64_t id;
    uint64_t account;
    uint64_t key; /* of its price, see book_key */
    uint64_t open;
    uint64_t filled;
    uint32_t leaf;       /* ref: its level is there */
    uint32_t hash;       /* of its id, see ids.h */
    uint32_t instrument; /* index */
    uint8_t side;
    uint8_t tif;
    uint8_t post_stp; /* post, and the effective stp above it: see book_post_stp */
    uint8_t groups;   /* bit k: it is in a group of enum book_group_kind k */
};

_Static_assert(sizeof(struct book_level) == 32, "two levels are a cache line");
_Static_assert(sizeof(struct book_order) == 64, "an order is one cache line");

/* What orders are kept together by. */
enum book_group_kind {
    BOOK_GROUP_ACCOUNT, /* key: the account */
    BOOK_GROUP_SESSION, /* key: the session that they came from */
    BOOK_GROUP_EXPIRY,  /* key: the time at which they expire */
    BOOK_GROUP_KINDS
};

struct book_membership {
    uint32_t group; /* index, from 1 */
    uint32_t next;  /* ref of the next younger order of the group, 0: it is the youngest */
    uint32_t prev;  /* likewise, older */
};

/* Beside each order, by the same index; read and written only where order.groups says so. */
struct book_memberships {
    struct book_membership of[BOOK_GROUP_KINDS];
    uint32_t reserved[7];
};

_Static_assert(sizeof(struct book_memberships) == 64, "memberships are one cache line");

struct book_group {
    uint64_t key;
    uint32_t first, last; /* refs of its oldest and youngest order, 0: none; free: the next one */
    uint32_t count;       /* orders */
    uint32_t place;       /* of an expiry: in the heap, from 1 */
    uint32_t hash;
    uint8_t kind;    /* enum book_group_kind */
    uint8_t stp;     /* of an account: its default */
    uint8_t blocked; /* of an account */
    uint8_t reserved;
};

_Static_assert(sizeof(struct book_group) == 32, "two groups are a cache line");

/* One side of an instrument: a tree of pages over the keys of its levels. */
struct book_side {
    uint64_t best_key;  /* of the best level; 0: the side is empty, or that is its key */
    uint32_t best_leaf; /* ref: that level is there; 0: the side is empty */
    uint32_t root;      /* ref of a page, 0: the side is empty */
    uint32_t levels;
    uint32_t orders;
    uint32_t reserved[10];
    uint32_t near[BOOK_NEAR_LEAVES]; /* refs of leaves used last, by the key bits above theirs */
};

/* What an instrument has that a plain one has not: none of it costs more than the one look at
 * `special`. */
enum book_special {
    BOOK_NOT_CONTINUOUS = 1, /* phase */
    BOOK_HAS_TICKS = 2,      /* tick above 1, or a tick table */
    BOOK_HAS_LOT = 4,        /* lot above 1 */
    BOOK_HAS_TOP = 8,        /* publishes top_of_book */
    BOOK_IS_WIDE = 16,       /* quantities at a price may not fit into 64 bits */
};

struct book_instrument {
    uint32_t id;
    uint32_t special; /* mask of enum book_special */
    struct mr_stream stream;
    uint64_t hash_key; /* odd; mixes the ids of its orders */
    uint64_t trades;
    int64_t price_min, price_max;
    uint64_t quantity_max;
    struct book_side sides[2];
    /* Seldom used. */
    uint64_t lot; /* as defined: 0 is 1 */
    uint64_t collar;
    int64_t reference;
    int64_t collar_base; /* reference, or price of the last trade if that came later */
    int64_t last_price;  /* of the last trade */
    uint32_t tick;       /* as defined: 0 is 1, if there is no table */
    uint32_t day_end;    /* seconds after midnight */
    char symbol[16];
    /* The top of book that was last published. */
    int64_t bid_price;
    uint64_t bid_quantity;
    int64_t ask_price;
    uint64_t ask_quantity;
    uint16_t tick_table;
    uint8_t phase;
    uint8_t price_decimals, quantity_decimals;
    uint8_t reserved[27];
};

_Static_assert(sizeof(struct book_side) == 64 + 256,
               "a side is five cache lines, of which two are used at a time");
_Static_assert(sizeof(struct book_instrument) == 832, "an instrument is whole cache lines");

struct book_tick_band {
    int64_t from;
    uint64_t tick;
};

struct book_tick_table {
    struct book_tick_band bands[MR_BOOK_TICK_BANDS_MAX]; /* by rising `from` */
    uint32_t count;
    uint32_t users; /* instruments that refer to it: it does not change any more */
    uint32_t reserved[14];
};

_Static_assert(sizeof(struct book_tick_table) == 576, "whole cache lines");

/* What leaves and branches begin with. */
struct book_page {
    uint64_t occupied; /* which of its 64 levels or children have orders */
    uint64_t base;     /* its least key; as many low bits as it spans are zero */
    uint32_t parent;   /* ref, 0: it is the root. Of a free page: the next free one */
    uint32_t shift;    /* key bits below one of its 64 places; 0: a leaf */
};

/* Levels that are not there are empty lists with no quantity, also in leaves that are free: so
 * nothing needs to be prepared when the first order comes to one. */
struct book_leaf {
    struct book_page page;
    uint32_t instrument; /* index; of the side that it is of */
    uint32_t idle_next;  /* ref of the next leaf in the queue of idle ones, 0: the last */
    uint8_t side;
    uint8_t queued; /* it is in that queue, as it was idle once */
    uint8_t reserved[30];
    struct book_level levels[BOOK_PAGE_LEVELS];
};

struct book_branch {
    struct book_page page;
    uint64_t present; /* which of its 64 children are there, with or without orders */
    uint64_t reserved[4];
    uint32_t children[BOOK_PAGE_LEVELS]; /* refs */
};

/* Where an order id leads; ref 0: an empty slot. */
struct book_id {
    uint32_t hash;
    uint32_t ref;
};

/* The table in use has 2^bits slots; while it is being replaced, entries come over from one with
 * 2^old_bits, whose slots from `old_start` on, `old_moved` of them, are done. */
struct book_ids {
    uint64_t at;             /* offset of the table in use */
    uint32_t mask, shift;    /* of it: 2^bits - 1, 32 - bits */
    uint32_t bits, old_bits; /* old_bits 0: nothing to bring over */
    uint32_t old_start, old_moved;
    uint32_t live_min, live_span; /* live orders below, or more above: something is to be done */
};

/* What is taken from a pool. */
struct book_pool {
    uint32_t free; /* ref (of groups: number) of the first of the freed ones, 0: none */
    uint32_t high; /* elements ever taken: all others are untouched */
};

/* Where a command of several turns goes on. Zero between commands. */
struct book_sweep {
    uint64_t orders;     /* cancelled so far */
    uint32_t order;      /* ref of the next one to look at, in its group */
    uint32_t instrument; /* index of the one it has come to */
    uint32_t kind;       /* of that group: enum book_group_kind */
    uint32_t reserved;
};

/* Where the parts of the state begin (offsets), and how large the hashed ones are. */
struct book_layout {
    uint64_t instrument_slots, instruments, tick_tables, group_slots, groups, expiries, branches,
        leaves, orders, memberships, id_tables, size;
    uint32_t instrument_bits, group_bits, id_bits_max, reserved;
};

struct mr_book {
    uint64_t
        recent_id;     /* of the instrument used last; UINT64_MAX: none was, as no id is so large */
    uint64_t hash_key; /* odd; second multiplier of the id hash */
    struct book_ids ids;
    uint32_t live;         /* orders */
    uint32_t levels;       /* live levels */
    uint32_t leaves_first; /* ref of the first leaf */
    uint32_t orders_first; /* ref of the first order */
    uint32_t instrument_count;
    uint32_t recent_instrument; /* its index */
    uint32_t recent_ref;        /* where it lies */
    uint32_t groups;            /* in use */
    uint64_t trades;
    struct book_pool order_pool, leaf_pool, branch_pool, group_pool;
    uint32_t idle_first, idle_last; /* refs of the leaves that were the first and last to be idle */
    uint32_t idle_count;
    uint32_t expiry_count;     /* groups in the heap */
    uint32_t expiry_token;     /* of the timer that is set for the first of them */
    uint32_t memberships_high; /* places of memberships ever used: all others are untouched */
    uint64_t expiry_armed;     /* when it fires, 0: it is not set */
    struct book_sweep sweep;
    struct mr_book_config config;
    struct book_layout layout;
};

/* No byte that a compiler may leave as it was: the same history gives the same bytes. */
_Static_assert(sizeof(struct book_page) == 24 && sizeof(struct book_leaf) == 64 + 2048 &&
                   sizeof(struct book_branch) == 64 + 256,
               "no padding");
_Static_assert(sizeof(struct book_layout) == 112 && sizeof(struct mr_book) == 328, "no padding");

/* Where no leaf is known, ref 0 is looked at as if it were one: the header then shows an odd number
 * for the leaf's base, which is a multiple of 64, and so is never mistaken for it. */
_Static_assert(offsetof(struct mr_book, hash_key) == offsetof(struct book_leaf, page.base),
               "the header is no leaf for any key");

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

static inline struct book_level *book_level(const struct mr_book *book, uint32_t ref)
{
    return book_at(book, (uint64_t)ref * BOOK_UNIT);
}

static inline struct book_leaf *book_leaf(const struct mr_book *book, uint32_t ref)
{
    return book_at(book, (uint64_t)ref * BOOK_UNIT);
}

/* The level that an order rests at. */
static inline struct book_level *book_level_of(const struct mr_book *book,
                                               const struct book_order *order)
{
    return &book_leaf(book, order->leaf)->levels[order->key % BOOK_PAGE_LEVELS];
}

static inline struct book_memberships *book_memberships(const struct mr_book *book,
                                                        const struct book_order *order)
{
    uint64_t offset = (uint64_t)((const unsigned char *)order - (const unsigned char *)book);
    return book_at(book, offset - book->layout.orders + book->layout.memberships);
}

/* Groups are numbered from 1. */
static inline struct book_group *book_group(const struct mr_book *book, uint32_t group)
{
    return (struct book_group *)book_at(book, book->layout.groups) + (group - 1);
}

static inline uint32_t book_group_number(const struct mr_book *book, const struct book_group *group)
{
    return (uint32_t)(group - book_group(book, 1)) + 1;
}

/* Tables are numbered from 1. */
static inline struct book_tick_table *book_tick_table(const struct mr_book *book, uint32_t table)
{
    return (struct book_tick_table *)book_at(book, book->layout.tick_tables) + (table - 1);
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
