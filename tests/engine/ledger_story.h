/*
 * A story that a ledger is told: a few transfers, then the largest batch, of everything that there
 * is, then one more when much time has passed. Each transfer comes with the result that it must
 * get, and from these alone books are kept, by adding up: what every balance must be, and what must
 * have become of every transfer, before the batch, behind it, and at the end.
 */
#ifndef MR_TESTS_ENGINE_LEDGER_STORY_H
#define MR_TESTS_ENGINE_LEDGER_STORY_H

#include "tests/core/ledger_rig.h"

enum {
    STORY_SESSION = 7,
    STORY_ACCOUNTS = 12,
    STORY_LIMITED = 12, /* has nothing to give, and gets nothing */
    STORY_OPEN = 11,    /* accounts that take part in whatever is not said to fail */
    STORY_EARLIER = 20,
    STORY_BATCH = LEDGER_BATCH_MAX,
    STORY_TRANSFERS = STORY_EARLIER + STORY_BATCH + 1,
    STORY_HOUR = 3600,
};

/* Among the earlier transfers: pending ones, of which a chain of the batch posts the last one in
 * vain, so that it expires, as the one before does. */
enum { EARLIER_POSTED = 3, EARLIER_VOIDED = 7, EARLIER_LEFT = 11, EARLIER_CHAINED = 15 };

/* The batch comes in groups, most of which are alike; these are not. */
enum {
    STORY_GROUP = 16,
    GROUP_RESOLVES = 100, /* posts and voids what was pending before the batch */
    GROUP_CHAIN = 200,
    GROUP_CHAIN_FAILS = 300, /* in its middle */
    GROUP_TWICE = 400,       /* the same id, and again */
    GROUP_FAILS = 450,
    GROUP_CHAIN_ENDS = STORY_BATCH / STORY_GROUP, /* with the batch */
};

struct story_transfer {
    struct mr_command header;
    struct mr_ledger_transfer body;
};

/* Of an account. */
struct story_balances {
    uint64_t debits_pending, debits_posted, credits_pending, credits_posted;
};

enum story_point { STORY_BEFORE, STORY_BEHIND, STORY_END, STORY_POINTS };

struct story_books {
    uint32_t told; /* transfers of the story */
    uint32_t created, pending;
    struct story_balances accounts[STORY_ACCOUNTS + 1]; /* by id */
    bool found[STORY_TRANSFERS];
    enum mr_ledger_state states[STORY_TRANSFERS];
};

/* Transfer `i` has the id i + 1, but where the story says otherwise. */
struct story {
    struct story_transfer transfers[STORY_TRANSFERS];
    uint32_t results[STORY_TRANSFERS];
    struct story_books books[STORY_POINTS];
};

static inline bool story_is_special(uint32_t group)
{
    return group == GROUP_RESOLVES || group == GROUP_CHAIN || group == GROUP_CHAIN_FAILS ||
           group == GROUP_TWICE || group == GROUP_FAILS || group == GROUP_CHAIN_ENDS;
}

/* -- Telling it. ------------------------------------------------------------------------------- */

static inline void story_tell(struct story *story, uint32_t at, struct mr_ledger_transfer body,
                              uint32_t result)
{
    uint64_t second = at < STORY_EARLIER ? 1 : at < STORY_TRANSFERS - 1 ? 10 : 2 * STORY_HOUR;
    story->transfers[at] =
        (struct story_transfer){.header = {.length = sizeof(struct story_transfer),
                                           .type = MR_LEDGER_TRANSFER_CREATE,
                                           .role = MR_ROLE_USER,
                                           .time_ns = START + second * SECOND,
                                           .session = STORY_SESSION,
                                           .request = STORY_ACCOUNTS + 1 + at},
                                .body = body};
    story->results[at] = result;
}

static inline struct mr_ledger_transfer story_plain(uint32_t at)
{
    uint64_t debit = at % STORY_OPEN, credit = (debit + 1 + at % (STORY_OPEN - 1)) % STORY_OPEN;
    return ledger_plain(at + 1, debit + 1, credit + 1, 100 + at % 89);
}

static inline struct mr_ledger_transfer story_pend(uint32_t at, uint32_t timeout)
{
    struct mr_ledger_transfer transfer = story_plain(at);
    transfer.flags = MR_LEDGER_PENDING;
    transfer.timeout = timeout;
    return transfer;
}

/* Of the one account that has to have what it gives. */
static inline struct mr_ledger_transfer story_too_much(uint32_t at)
{
    struct mr_ledger_transfer transfer = story_plain(at);
    transfer.debit_account_id = ID(STORY_LIMITED);
    return transfer;
}

static inline void story_tell_earlier(struct story *story)
{
    for (uint32_t at = 0; at < STORY_EARLIER; at++) {
        story_tell(story, at, story_plain(at), 0);
    }
    story_tell(story, EARLIER_POSTED, story_pend(EARLIER_POSTED, STORY_HOUR), 0);
    story_tell(story, EARLIER_VOIDED, story_pend(EARLIER_VOIDED, 0), 0);
    story_tell(story, EARLIER_LEFT, story_pend(EARLIER_LEFT, STORY_HOUR), 0);
    story_tell(story, EARLIER_CHAINED, story_pend(EARLIER_CHAINED, STORY_HOUR), 0);
}

/* A group like most: all is posted of one pending transfer, a part of another, one is voided, and
 * now and then one is left to expire. */
static inline void story_tell_group(struct story *story, uint32_t group, uint32_t first)
{
    for (uint32_t at = first; at < first + STORY_GROUP && at < STORY_TRANSFERS - 1; at++) {
        story_tell(story, at, story_plain(at), 0);
    }
    if (story_is_special(group)) {
        return;
    }
    story_tell(story, first + 1, story_pend(first + 1, STORY_HOUR), 0);
    story_tell(story, first + 3, story_pend(first + 3, 0), 0);
    story_tell(story, first + 5, ledger_post(first + 6, first + 2, AMOUNT_MAX), 0);
    story_tell(story, first + 7, ledger_void(first + 8, first + 4), 0);
    story_tell(story, first + 9, story_pend(first + 9, 0), 0);
    story_tell(story, first + 11, ledger_post(first + 12, first + 10, ID(41)), 0);
    if (group % 8 == 0) {
        story_tell(story, first + 13, story_pend(first + 13, STORY_HOUR), 0);
    }
}

static inline void story_tell_resolves(struct story *story, uint32_t first)
{
    story_tell(story, first, ledger_post(first + 1, EARLIER_POSTED + 1, ID(41)), 0);
    story_tell(story, first + 1, ledger_void(first + 2, EARLIER_VOIDED + 1), 0);
    story_tell(story, first + 2, ledger_void(first + 3, EARLIER_POSTED + 1),
               MR_LEDGER_PENDING_TRANSFER_ALREADY_POSTED);
}

/* The chain has all that a chain can have, what it makes pending and posts itself included. */
static inline void story_tell_chain(struct story *story, uint32_t first, uint32_t count)
{
    for (uint32_t at = first; at + 1 < first + count; at++) {
        story_tell(story, at, ledger_linked(story_plain(at)), 0);
    }
    story_tell(story, first + 1, ledger_linked(story_pend(first + 1, STORY_HOUR)), 0);
    story_tell(story, first + 3, ledger_linked(story_pend(first + 3, STORY_HOUR)), 0);
    story_tell(story, first + 4, ledger_linked(ledger_post(first + 5, first + 2, ID(41))), 0);
}

static inline void story_tell_chain_fails(struct story *story, uint32_t first, uint32_t count)
{
    story_tell_chain(story, first, count);
    story_tell(story, first + 2,
               ledger_linked(ledger_post(first + 3, EARLIER_CHAINED + 1, AMOUNT_MAX)), 0);
    story_tell(story, first + 6, ledger_linked(story_too_much(first + 6)), 0);
    for (uint32_t at = first; at < first + count; at++) {
        story->results[at] = MR_LEDGER_LINKED_EVENT_FAILED;
    }
    story->results[first + 6] = MR_LEDGER_EXCEEDS_CREDITS;
}

static inline void story_tell_again(struct story *story, uint32_t at, uint32_t before,
                                    uint64_t amount, uint32_t result)
{
    struct mr_ledger_transfer again = story->transfers[before].body;
    again.amount = ID(amount);
    story_tell(story, at, again, result);
}

static inline void story_tell_twice(struct story *story, uint32_t first)
{
    uint64_t amount = story->transfers[first].body.amount.low;
    story_tell_again(story, first + 1, first, amount, MR_LEDGER_EXISTS);
    story_tell_again(story, first + 5, first, 1, MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
}

static inline void story_tell_fails(struct story *story, uint32_t first)
{
    story_tell(story, first + 1, story_too_much(first + 1), MR_LEDGER_EXCEEDS_CREDITS);
    story_tell(story, first + 2, ledger_plain(first + 3, 1, 1, 5),
               MR_LEDGER_ACCOUNTS_MUST_BE_DIFFERENT);
    story_tell_again(story, first + 6, first + 1, 0, MR_LEDGER_ID_ALREADY_FAILED);
}

static inline uint32_t story_first_of(uint32_t group)
{
    return STORY_EARLIER + group * STORY_GROUP;
}

/* -- Keeping the books. ------------------------------------------------------------------------ */

static inline bool story_resolves(const struct mr_ledger_transfer *body)
{
    return (body->flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0;
}

/* A transfer as it must be recorded, which a post or void takes from what was pending. */
static inline struct mr_ledger_transfer story_recorded(const struct story *story, uint32_t at)
{
    struct mr_ledger_transfer body = story->transfers[at].body;
    if (story_resolves(&body)) {
        const struct mr_ledger_transfer *pending = &story->transfers[body.pending_id.low - 1].body;
        bool part = (body.flags & MR_LEDGER_POST) != 0 && mr_u128_below(body.amount, AMOUNT_MAX);
        body.debit_account_id = pending->debit_account_id;
        body.credit_account_id = pending->credit_account_id;
        body.amount = part ? body.amount : pending->amount;
    }
    return body;
}

static inline void story_release(const struct story *story, struct story_books *books, uint32_t at,
                                 enum mr_ledger_state state)
{
    const struct mr_ledger_transfer *body = &story->transfers[at].body;
    assert_int_equal(books->states[at], MR_LEDGER_STATE_PENDING);
    books->accounts[body->debit_account_id.low].debits_pending -= body->amount.low;
    books->accounts[body->credit_account_id.low].credits_pending -= body->amount.low;
    books->states[at] = state;
    books->pending--;
}

static inline void story_book(const struct story *story, struct story_books *books, uint32_t at)
{
    const struct mr_ledger_transfer body = story_recorded(story, at);
    struct story_balances *debit = &books->accounts[body.debit_account_id.low];
    struct story_balances *credit = &books->accounts[body.credit_account_id.low];
    books->found[at] = true;
    books->created++;
    if ((body.flags & MR_LEDGER_PENDING) != 0) {
        debit->debits_pending += body.amount.low;
        credit->credits_pending += body.amount.low;
        books->states[at] = MR_LEDGER_STATE_PENDING;
        books->pending++;
        return;
    }
    bool voids = (body.flags & MR_LEDGER_VOID) != 0;
    if (story_resolves(&body)) {
        story_release(story, books, (uint32_t)body.pending_id.low - 1,
                      voids ? MR_LEDGER_STATE_VOIDED : MR_LEDGER_STATE_POSTED);
    }
    if (!voids) {
        debit->debits_posted += body.amount.low;
        credit->credits_posted += body.amount.low;
    }
}

/* Before the last transfer, whatever was pending for a time has expired. */
static inline void story_keep_books(const struct story *story, uint32_t told,
                                    struct story_books *books)
{
    books->told = told;
    for (uint32_t at = 0; at < told; at++) {
        for (uint32_t i = 0; at == STORY_TRANSFERS - 1 && i < at; i++) {
            bool expires = story->transfers[i].body.timeout != 0;
            if (expires && books->states[i] == MR_LEDGER_STATE_PENDING) {
                story_release(story, books, i, MR_LEDGER_STATE_EXPIRED);
            }
        }
        if (story->results[at] == 0) {
            story_book(story, books, at);
        }
    }
}

/* -- All of it. -------------------------------------------------------------------------------- */

/* `story` is zeroed. */
static inline void story_write(struct story *story)
{
    story_tell_earlier(story);
    for (uint32_t group = 0; group <= GROUP_CHAIN_ENDS; group++) {
        story_tell_group(story, group, story_first_of(group));
    }
    story_tell_resolves(story, story_first_of(GROUP_RESOLVES));
    story_tell_chain(story, story_first_of(GROUP_CHAIN) + 3, 10);
    story_tell_chain_fails(story, story_first_of(GROUP_CHAIN_FAILS) + 3, 10);
    story_tell_twice(story, story_first_of(GROUP_TWICE));
    story_tell_fails(story, story_first_of(GROUP_FAILS));
    story_tell_chain(story, STORY_EARLIER + STORY_BATCH - 10, 10);
    story_tell(story, STORY_TRANSFERS - 1, story_plain(STORY_TRANSFERS - 1), 0);
    story_keep_books(story, STORY_EARLIER, &story->books[STORY_BEFORE]);
    story_keep_books(story, STORY_EARLIER + STORY_BATCH, &story->books[STORY_BEHIND]);
    story_keep_books(story, STORY_TRANSFERS, &story->books[STORY_END]);
}

#endif
