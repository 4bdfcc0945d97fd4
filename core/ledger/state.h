/*
 * The ledger's state from inside: one block, no pointers.
 *
 *     header         struct mr_ledger
 *     ledgers        struct ledger_unit, in the order of their first account
 *     ledger slots   where a ledger stands: open addressing by its number
 *     account slots  where an account stands: open addressing by its id
 *     accounts       struct ledger_account, from number 1, in the order of their timestamps
 *     buckets        where a transfer of the window stands: by its id (see ids.h)
 *     kept slots     where one that is kept stands: open addressing by its id
 *     transfers      a ring of struct ledger_transfer, in the order of their timestamps: the window
 *     links          beside each transfer, those of its two accounts that came before it
 *     history        a ring of struct ledger_balance, in the same order
 *     pending        a pool: what is kept of each transfer that is pending
 *     kept           beside it, the transfers that are pending and have left the window
 *     expiries       struct mr_heap_key each: those that expire, the first one on top
 *
 * Transfers are known by their *ordinal*, which rises by one with each: from 1 to LEDGER_ORDINALS,
 * then from 1 again, in the next *epoch*. Its lower bits are the place in the ring, and its
 * distance from the newest one's says whether it is still in the window. That is why nothing has to
 * be done when a transfer leaves the window: links and buckets that lead out of it lead nowhere.
 * (An account that has rested while all ordinals were used up has an old epoch.)
 *
 * An account is two lines that lie together: balances, and what a transfer looks at besides.
 */
#ifndef MR_CORE_LEDGER_STATE_H
#define MR_CORE_LEDGER_STATE_H

#include "base/assert.h"
#include "base/bits.h"
#include "core/heap.h"
#include "core/memory.h"

#include <millrace/ledger.h>

enum {
    LEDGER_ORDINALS = 0x7fffffff,    /* the highest ordinal */
    LEDGER_KEPT = (int)0x80000000,   /* marks the place of one that is kept, for an ordinal's */
    LEDGER_CREDIT = (int)0x80000000, /* marks a link, see struct ledger_links */
    LEDGER_BUCKET = 7,               /* transfers that one bucket leads to */
    LEDGER_LINE = 64,                /* bytes of a cache's line */
    LEDGER_BATCH_MAX = 8190,         /* events of a request, and so of a chain */
    LEDGER_EXPIRE_MAX = 60,          /* transfers that one turn expires */
};

/* -- Parts. ------------------------------------------------------------------------------------ */

struct ledger_balances {
    struct mr_u128 debits_pending;
    struct mr_u128 debits_posted;
    struct mr_u128 credits_pending;
    struct mr_u128 credits_posted;
};

struct ledger_account {
    struct ledger_balances balances;
    struct mr_u128 id;
    struct mr_u128 user_data_128;
    uint64_t user_data_64;
    uint64_t timestamp;
    uint32_t user_data_32;
    uint32_t last;       /* link to the last transfer that it took part in, 0: none */
    uint16_t last_epoch; /* of that one's ordinal */
    uint16_t unit;       /* its ledger's place */
    uint16_t code;
    uint16_t flags;
};

/* A ledger: the accounts that can transfer to one another. */
struct ledger_unit {
    struct mr_stream stream;
    uint32_t ledger;
    uint32_t accounts;
};

/* What is known of a recorded transfer beside what was asked for. */
enum {
    LEDGER_FAILED = 1 << 0, /* it was not created, for a passing reason: only its id counts */
    /* Of a post or a void: what it has is what the pending transfer had. */
    LEDGER_SAME_128 = 1 << 1,
    LEDGER_SAME_64 = 1 << 2,
    LEDGER_SAME_32 = 1 << 3,
    LEDGER_WHOLE = 1 << 4,    /* the whole amount */
    LEDGER_REOPENED = 1 << 5, /* it has opened again what its pending transfer had closed */
};

struct ledger_transfer {
    struct mr_u128 id;
    struct mr_u128 amount;
    struct mr_u128 pending_id;
    struct mr_u128 user_data_128;
    uint64_t user_data_64;
    uint64_t timestamp; /* of a failed one: that of the last one that was created before */
    uint32_t user_data_32;
    uint32_t timeout;
    uint32_t debit, credit; /* accounts; 0 for a failed one */
    /* Of a transfer that is pending: its place. Of a post or a void: the value of the slot of what
     * it has resolved (an ordinal, or a place with LEDGER_KEPT). */
    uint32_t pending;
    uint32_t balance; /* number of the first balance it left in the history, 0: none */
    uint16_t code;
    uint16_t flags;
    uint8_t state; /* enum mr_ledger_state */
    uint8_t marks;
    uint8_t padding[2];
};

/* A link leads to a transfer of an account: its ordinal, and LEDGER_CREDIT if the account is its
 * credit account. So whoever follows an account's transfers looks at links only. 0, or an ordinal
 * that is not in the window any more: there is none. Here, to those right before this one of its
 * debit account and of its credit account: an account's transfers are followed back in time. (To
 * those after it there are none: writing them would cost a transfer two more lines of memory.) */
struct ledger_links {
    uint32_t debit_before;
    uint32_t credit_before;
};

/* An account's balances after a transfer: the debit account's first, if both have `history`. */
struct ledger_balance {
    struct ledger_balances balances;
};

struct ledger_pending {
    uint32_t link;    /* of the free list */
    uint32_t ordinal; /* of the transfer; 0: it has left the window and is among `kept` */
    uint32_t expiry;  /* its place in the heap, from 1; 0: it does not expire */
    uint32_t padding;
};

struct ledger_slot {
    uint32_t hash;  /* its upper bits are the slot where it would like to be */
    uint32_t value; /* 0: empty */
};

/* One line of the table of transfers. */
struct ledger_bucket {
    uint32_t hashes[LEDGER_BUCKET];
    uint32_t next; /* the place of its oldest entry, where the next one goes */
    uint32_t ordinals[LEDGER_BUCKET];
    uint32_t spilled; /* the newest that found no room here, and stands further on */
};

struct ledger_layout {
    uint64_t units, unit_slots, account_slots, accounts, buckets, kept_slots, transfers, links,
        history, pending, kept, expiries, size;
    /* log2 of the number of slots, or of buckets */
    uint32_t unit_bits, account_bits, bucket_bits, kept_bits;
    uint32_t ring; /* places in the ring of transfers, a power of two: at least the window's, those
                    * that a chain may need before it is known to succeed, and one */
    uint32_t history_ring; /* likewise */
    uint32_t pending_pool; /* the pending ones', and those of a chain's */
    uint32_t reserved;
};

/* The request under way: the events of one kind that follow one another in a batch. */
struct ledger_request {
    uint64_t batch;    /* of the engine's: the sequence of its first command */
    uint32_t type;     /* enum mr_ledger_command */
    uint32_t imported; /* what its first event was */

    /* The chain under way, which has taken effect, or failed, with its first event. What the others
     * have become is told when their commands come. */
    uint64_t chain_next; /* sequence of the next one's command; 0: no chain is under way */
    uint64_t chain_now;  /* timestamp of its first event; those of the others follow */
    uint64_t chain_told; /* by the one that failed */
    uint32_t chain_count;
    uint32_t chain_at;     /* the next one's place in the chain */
    uint32_t chain_failed; /* that of the one that failed; LEDGER_BATCH_MAX: the chain succeeded */
    uint32_t chain_reason; /* why it failed */
    uint32_t chain_open;   /* 1: the request ends within the chain */
    uint32_t reserved;
};

struct mr_ledger {
    struct mr_ledger_config config;
    struct ledger_layout layout;

    uint64_t time_ns;   /* the last timestamp given */
    uint64_t transfers; /* created so far */
    uint64_t hash_key[2];
    struct mr_u128 floor;    /* the highest id forgotten */
    uint64_t account_time;   /* timestamp of the last account */
    uint64_t transfer_time;  /* of the last transfer */
    uint64_t forgotten_time; /* of the last transfer that has left the window */

    uint32_t unit_count;
    uint32_t account_count;

    /* The window. */
    uint32_t newest; /* ordinal of the newest transfer; 0: there has been none */
    uint32_t epoch;  /* how often ordinals began anew */
    uint32_t count;

    /* The history: balances are numbered as transfers are. */
    uint32_t balance_newest, balance_count;
    uint32_t balance_high; /* places of its ring that have ever been used */

    uint32_t pending_free; /* the first of the free list, 0: none */
    uint32_t pending_high; /* places that have ever been used */
    uint32_t pending_count;
    uint32_t kept_count;
    uint32_t kept_high; /* the highest place that was ever used among `kept` */

    uint32_t expiry_count;
    uint32_t reserved;
    uint32_t expiry_token; /* of the engine's timer */
    uint64_t expiry_armed; /* when that is due, 0: it is not set */

    struct ledger_request request;
};

/* Places of the ring of transfers that have ever been used. */
static inline uint32_t ledger_high(const struct mr_ledger *ledger)
{
    return ledger->epoch == 0 && ledger->newest < ledger->layout.ring ? ledger->newest + 1
                                                                      : ledger->layout.ring;
}

_Static_assert(sizeof(struct ledger_layout) == 136, "no hidden padding");
_Static_assert(sizeof(struct ledger_account) == 128, "two lines");
_Static_assert(sizeof(struct ledger_transfer) == 112, "no hidden padding");
_Static_assert(sizeof(struct ledger_bucket) == 64, "one line");
_Static_assert(sizeof(struct ledger_links) == 8, "eight in a line");

/* -- Reaching them. ---------------------------------------------------------------------------- */

static inline void *ledger_at(const struct mr_ledger *ledger, uint64_t offset)
{
    return (unsigned char *)(uintptr_t)ledger + offset;
}

static inline struct ledger_unit *ledger_unit(const struct mr_ledger *ledger, uint32_t unit)
{
    return (struct ledger_unit *)ledger_at(ledger, ledger->layout.units) + unit;
}

/* Accounts have numbers from 1. */
static inline struct ledger_account *ledger_account(const struct mr_ledger *ledger, uint32_t number)
{
    return (struct ledger_account *)ledger_at(ledger, ledger->layout.accounts) + (number - 1);
}

static inline uint32_t ledger_account_number(const struct mr_ledger *ledger,
                                             const struct ledger_account *account)
{
    return (uint32_t)(account - ledger_account(ledger, 1)) + 1;
}

static inline struct ledger_pending *ledger_pending(const struct mr_ledger *ledger, uint32_t place)
{
    return (struct ledger_pending *)ledger_at(ledger, ledger->layout.pending) + (place - 1);
}

static inline struct ledger_transfer *ledger_kept(const struct mr_ledger *ledger, uint32_t place)
{
    return (struct ledger_transfer *)ledger_at(ledger, ledger->layout.kept) + (place - 1);
}

/* The heap of those that expire. `order` is the transfer's timestamp: among those that expire
 * together, the older first. */
static inline struct mr_heap ledger_expiries(const struct mr_ledger *ledger)
{
    return (struct mr_heap){
        .keys = (struct mr_heap_key *)ledger_at(ledger, ledger->layout.expiries) - 1,
        .count = ledger_at(ledger, offsetof(struct mr_ledger, expiry_count)),
        .node_place = &ledger_pending(ledger, 1)->expiry,
        .node_size = sizeof(struct ledger_pending),
    };
}

/* -- Ordinals. --------------------------------------------------------------------------------- */

static inline uint32_t ledger_ordinal_after(uint32_t ordinal)
{
    return ordinal == LEDGER_ORDINALS ? 1 : ordinal + 1;
}

/* The ordinal `distance` before, which is less than there are ordinals. */
static inline uint32_t ledger_ordinal_before(uint32_t ordinal, uint32_t distance)
{
    return ordinal > distance ? ordinal - distance : ordinal + (LEDGER_ORDINALS - distance);
}

/* How many ordinals lie from `ordinal` to the newest one; where it is none of the window's, at
 * least `count`. */
static inline uint32_t ledger_age(uint32_t newest, uint32_t ordinal)
{
    return newest >= ordinal ? newest - ordinal : newest + (LEDGER_ORDINALS - ordinal);
}

static inline bool ledger_in_window(const struct mr_ledger *ledger, uint32_t ordinal)
{
    return ordinal != 0 && ledger_age(ledger->newest, ordinal) < ledger->count;
}

/* The place in the ring of a transfer of the window. */
static inline uint32_t ledger_place(const struct mr_ledger *ledger, uint32_t ordinal)
{
    return ordinal & (ledger->layout.ring - 1);
}

/* The link to an account's last transfer, which is in the window; 0: there is none. */
static inline uint32_t ledger_account_last(const struct mr_ledger *ledger,
                                           const struct ledger_account *account)
{
    uint32_t ordinal = account->last & (uint32_t)LEDGER_ORDINALS;
    uint32_t epoch = ledger->epoch - (ordinal > ledger->newest);
    bool there = ledger_in_window(ledger, ordinal) && account->last_epoch == (uint16_t)epoch;
    return MR_LIKELY(there) ? account->last : 0;
}

static inline struct ledger_transfer *ledger_transfer_at(const struct mr_ledger *ledger,
                                                         uint32_t place)
{
    return (struct ledger_transfer *)ledger_at(ledger, ledger->layout.transfers) + place;
}

static inline struct ledger_transfer *ledger_transfer(const struct mr_ledger *ledger,
                                                      uint32_t ordinal)
{
    return ledger_transfer_at(ledger, ledger_place(ledger, ordinal));
}

static inline struct ledger_links *ledger_links(const struct mr_ledger *ledger, uint32_t ordinal)
{
    return (struct ledger_links *)ledger_at(ledger, ledger->layout.links) +
           ledger_place(ledger, ordinal);
}

/* What follows a link. */
static inline uint32_t ledger_link_ordinal(uint32_t link)
{
    return link & ~(uint32_t)LEDGER_CREDIT;
}

static inline bool ledger_link_is_credit(uint32_t link)
{
    return (link & (uint32_t)LEDGER_CREDIT) != 0;
}

/* The link to the transfer of the same account before the one that `link` leads to, which is in the
 * window. */
static inline uint32_t ledger_link_before(const struct mr_ledger *ledger, uint32_t link)
{
    const struct ledger_links *links = ledger_links(ledger, ledger_link_ordinal(link));
    return ledger_link_is_credit(link) ? links->credit_before : links->debit_before;
}

/* The ordinal of the oldest transfer of the window, which is not empty. */
static inline uint32_t ledger_oldest(const struct mr_ledger *ledger)
{
    return ledger_ordinal_before(ledger->newest, ledger->count - 1);
}

/* The transfer that an ordinal, or a place with LEDGER_KEPT, leads to. */
static inline struct ledger_transfer *ledger_transfer_of(const struct mr_ledger *ledger,
                                                         uint32_t value)
{
    return (value & (uint32_t)LEDGER_KEPT) != 0
               ? ledger_kept(ledger, value & ~(uint32_t)LEDGER_KEPT)
               : ledger_transfer(ledger, value);
}

/* Balance number `number` of the history; NULL: it is not remembered any more. */
static inline struct ledger_balance *ledger_balance(const struct mr_ledger *ledger, uint32_t number)
{
    if (number == 0)
        return NULL;
    uint32_t age = ledger_age(ledger->balance_newest, number);
    if (age >= ledger->balance_count)
        return NULL;
    uint32_t place = number & (ledger->layout.history_ring - 1);
    return (struct ledger_balance *)ledger_at(ledger, ledger->layout.history) + place;
}

/* -- What other files look up (core/ledger/ids.h). --------------------------------------------- */

/* The number of the account with that id, 0: there is none. */
uint32_t mr_ledger_account_find(const struct mr_ledger *ledger, struct mr_u128 id);
/* What leads to the transfer with that id (which may be a failed one): its ordinal, or its place
 * with LEDGER_KEPT; 0: there is none. */
uint32_t mr_ledger_transfer_find(const struct mr_ledger *ledger, struct mr_u128 id);

/* As the public structs have them. */
void mr_ledger_account_tell(const struct mr_ledger *ledger, const struct ledger_account *account,
                            struct mr_ledger_account *out);
void mr_ledger_transfer_tell(const struct mr_ledger *ledger, const struct ledger_transfer *transfer,
                             struct mr_ledger_transfer *out);

#endif
