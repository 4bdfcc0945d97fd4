/*
 * A ledger in which every result can be had, and one event to spoil in as many ways: what the tests
 * of results and of their precedence share. A *spoiler* makes the event wrong in one way, whatever
 * else is wrong with it; it may change the ledger, too, to get there.
 */
#ifndef MR_TESTS_CORE_LEDGER_SCENE_H
#define MR_TESTS_CORE_LEDGER_SCENE_H

#include "tests/core/ledger_rig.h"

/* Accounts. Those from PENDING_DEBITS on come in pairs that have as much as fits, on the debit side
 * of the first and on the credit side of the second. */
enum {
    GIVER = 1,
    TAKER = 2,
    OTHER = 3,
    DEBITS_LIMITED = 4,
    CREDITS_LIMITED = 5,
    CLOSED = 6,
    CLOSED_TOO = 7,
    FOREIGN = 8,
    PENDING_DEBITS = 11,
    PENDING_CREDITS = 12,
    POSTED_DEBITS = 13,
    POSTED_CREDITS = 14,
    ALL_DEBITS = 15,
    ALL_CREDITS = 16,
    LATE = 21,
    LATE_TOO = 22,
    NOBODY = 99,
    NOBODY_TOO = 98,
    FOREIGN_UNIT = 2,
    UNKNOWN_UNIT = 3,
};

/* Transfers: OPEN and RETRIED are pending, NEW is not there. */
enum {
    NEW = 50,
    RETRIED = 100,
    SIMPLE = 101,
    OPEN = 102,
    POSTED = 103,
    POST = 104,
    VOIDED = 105,
    VOID_OF = 106,
    EXPIRED = 107,
    FAILED = 108,
    MANY = 1000,
};

struct ledger_scene {
    struct ledger_rig rig;
    struct mr_ledger_transfer before; /* the event in front of it in the request */
    struct mr_ledger_transfer event;
    struct mr_ledger_account account_before;
    struct mr_ledger_account account;
    bool two; /* there is one in front of it */
};

static inline struct mr_ledger_transfer scene_retried(void)
{
    struct mr_ledger_transfer transfer = ledger_pend(RETRIED, GIVER, TAKER, 10, 100);
    transfer.user_data_128 = ID(7);
    transfer.user_data_64 = 8;
    transfer.user_data_32 = 9;
    return transfer;
}

static inline void scene_accounts(struct ledger_rig *rig)
{
    ledger_make_accounts(rig, OTHER);
    struct mr_ledger_account foreign = ledger_new_account(FOREIGN, 0);
    foreign.ledger = FOREIGN_UNIT;
    ACCOUNTS(rig, ledger_new_account(DEBITS_LIMITED, MR_LEDGER_ACCOUNT_DEBITS_LIMITED),
             ledger_new_account(CREDITS_LIMITED, MR_LEDGER_ACCOUNT_CREDITS_LIMITED),
             ledger_new_account(CLOSED, MR_LEDGER_ACCOUNT_CLOSED),
             ledger_new_account(CLOSED_TOO, MR_LEDGER_ACCOUNT_CLOSED), foreign,
             ledger_new_account(PENDING_DEBITS, 0), ledger_new_account(PENDING_CREDITS, 0),
             ledger_new_account(POSTED_DEBITS, 0), ledger_new_account(POSTED_CREDITS, 0),
             ledger_new_account(ALL_DEBITS, 0), ledger_new_account(ALL_CREDITS, 0));
    RESULTS(rig, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

static inline void scene_transfers(struct ledger_rig *rig)
{
    struct mr_u128 nearly = mr_u128_of(UINT64_MAX, UINT64_MAX - 5);
    REQUEST(rig, scene_retried(), ledger_plain(SIMPLE, GIVER, TAKER, 5),
            ledger_pend(OPEN, GIVER, TAKER, 10, 0), ledger_pend(POSTED, GIVER, TAKER, 10, 0),
            ledger_post(POST, POSTED, AMOUNT_MAX), ledger_pend(VOIDED, GIVER, TAKER, 10, 0),
            ledger_void(VOID_OF, VOIDED), ledger_pend(EXPIRED, GIVER, TAKER, 10, 1),
            ledger_plain(FAILED, NOBODY, TAKER, 1),
            ledger_move(109, PENDING_DEBITS, PENDING_CREDITS, AMOUNT_MAX, MR_LEDGER_PENDING),
            ledger_move(110, POSTED_DEBITS, POSTED_CREDITS, AMOUNT_MAX, 0),
            ledger_move(111, ALL_DEBITS, ALL_CREDITS, nearly, MR_LEDGER_PENDING),
            ledger_plain(112, ALL_DEBITS, ALL_CREDITS, 5));
    RESULTS(rig, 0, 0, 0, 0, 0, 0, 0, 0, MR_LEDGER_DEBIT_ACCOUNT_NOT_FOUND, 0, 0, 0, 0);
    assert_int_equal(ledger_expire(rig, START + 10 * SECOND, 7), 1);
}

/* A good transfer and a good account to spoil. */
static inline void scene_open(struct ledger_scene *scene, enum mr_ledger_id_scheme scheme)
{
    struct mr_ledger_config config = ledger_config();
    config.accounts_max = 32;
    config.transfers_max = 64;
    config.pending_max = 16;
    config.ledgers_max = 2;
    config.id_scheme = (uint8_t)scheme;
    memset(scene, 0, sizeof *scene);
    ledger_open(&scene->rig, &config);
    scene_accounts(&scene->rig);
    scene_transfers(&scene->rig);
    scene->before = ledger_plain(NEW + 1, GIVER, TAKER, 1);
    scene->event = ledger_plain(NEW, GIVER, TAKER, 10);
    scene->account_before = ledger_new_account(NEW + 1, 0);
    scene->account = ledger_new_account(NEW, 0);
}

/* What becomes of the transfer, or of the account. */
static inline uint32_t scene_transfer(struct ledger_scene *scene)
{
    if (scene->two)
        REQUEST(&scene->rig, scene->before, scene->event);
    else
        REQUEST(&scene->rig, scene->event);
    return scene->rig.results[scene->rig.count - 1].reason;
}

static inline uint32_t scene_account(struct ledger_scene *scene)
{
    if (scene->two)
        ACCOUNTS(&scene->rig, scene->account_before, scene->account);
    else
        ACCOUNTS(&scene->rig, scene->account);
    return scene->rig.results[scene->rig.count - 1].reason;
}

/* Plain transfers, with rising ids, until one is refused; or `count` of them. */
static inline void scene_fill(struct ledger_scene *scene, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (ledger_one(&scene->rig, ledger_plain(MANY + i, OTHER, TAKER, 1)) != 0)
            return;
}

/* Accounts that are younger than every transfer, and a time between. */
static inline uint64_t scene_late(struct ledger_scene *scene)
{
    scene->rig.time_ns += 20 * SECOND;
    ACCOUNTS(&scene->rig, ledger_new_account(LATE, 0), ledger_new_account(LATE_TOO, 0));
    return scene->rig.time_ns - SECOND;
}

typedef void spoiler(struct ledger_scene *scene);

struct ledger_case {
    uint32_t reason;
    spoiler *spoil;
};

#endif
