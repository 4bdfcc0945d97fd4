/*
 * A ledger that has some of everything, and what breaks it: one field at a time, which is found,
 * and mended.
 */
#ifndef MR_TESTS_CORE_LEDGER_RICH_H
#define MR_TESTS_CORE_LEDGER_RICH_H

#include "tests/core/ledger_rig.h"

#include "base/random.h"
#include "core/ledger/ids.h"

/* Accounts; those from OTHERS on are of another ledger. */
enum {
    PLAIN_A = 1,
    PLAIN_B,
    HISTORY_A,
    HISTORY_B,
    DEBITS_LIMITED,
    CREDITS_LIMITED,
    CREATED_CLOSED,
    CLOSED_AND_KEPT,  /* by a pending transfer that has left the window */
    CLOSED_IN_WINDOW, /* by one that has not */
    OTHERS = 20,
    OTHERS_END = 24,
    OTHER_UNIT = 7,
};

enum { RICH_WINDOW = 150, RICH_HISTORY = 30 };

/* -- A ledger with some of everything. --------------------------------------------------------- */

static inline void rich_accounts(struct ledger_rig *rig)
{
    static const uint16_t flags[] = {
        [HISTORY_A] = MR_LEDGER_ACCOUNT_HISTORY,
        [HISTORY_B] = MR_LEDGER_ACCOUNT_HISTORY,
        [DEBITS_LIMITED] = MR_LEDGER_ACCOUNT_DEBITS_LIMITED,
        [CREDITS_LIMITED] = MR_LEDGER_ACCOUNT_CREDITS_LIMITED,
        [CREATED_CLOSED] = MR_LEDGER_ACCOUNT_CLOSED,
        [CLOSED_IN_WINDOW] = 0,
    };
    for (uint64_t id = PLAIN_A; id <= CLOSED_IN_WINDOW; id++)
        ACCOUNT_GETS(rig, ledger_new_account(id, flags[id]), MR_LEDGER_CREATED);
    for (uint64_t id = OTHERS; id < OTHERS_END; id++) {
        struct mr_ledger_account account = ledger_new_account(id, 0);
        account.ledger = OTHER_UNIT;
        ACCOUNT_GETS(rig, account, MR_LEDGER_CREATED);
    }
}

struct rich {
    struct ledger_rig *rig;
    struct mr_random random;
    uint64_t id; /* of the last transfer */
};

static inline uint64_t rich_pick(struct rich *rich, uint64_t below)
{
    return mr_random_below(&rich->random, below);
}

/* One of a few kinds, between two accounts of one ledger; some fail. */
static inline void rich_step(struct rich *rich)
{
    static const uint64_t few[] = {PLAIN_A,   PLAIN_B,        HISTORY_A,
                                   HISTORY_B, DEBITS_LIMITED, CREDITS_LIMITED};
    bool others = rich_pick(rich, 4) == 0;
    uint64_t debit = others ? OTHERS + rich_pick(rich, 2) : few[rich_pick(rich, 6)];
    uint64_t credit = others ? OTHERS + 2 + rich_pick(rich, 2) : few[rich_pick(rich, 6)];
    uint64_t amount = 1 + rich_pick(rich, 1000), kind = rich_pick(rich, 8);
    uint64_t other = rich->id > 40 ? rich->id - rich_pick(rich, 40) : 1;
    struct mr_ledger_transfer transfer = ledger_plain(++rich->id, debit, credit, amount);
    if (kind == 0)
        transfer = ledger_pend(rich->id, debit, credit, amount, 0);
    else if (kind == 1)
        transfer = ledger_pend(rich->id, debit, credit, amount, 1 + (uint32_t)rich_pick(rich, 50));
    else if (kind == 2)
        transfer = ledger_post(rich->id, other, AMOUNT_MAX);
    else if (kind == 3)
        transfer = ledger_void(rich->id, other);
    else if (kind == 4)
        transfer = ledger_post(rich->id, other, ID(amount));
    else if (kind == 5)
        transfer.debit_account_id = ID(10 + rich_pick(rich, 5)); /* of whom there is none */
    if (others && (kind < 2 || kind > 5))
        transfer.ledger = OTHER_UNIT;
    transfer.user_data_64 = rich_pick(rich, 3);
    (void)ledger_expire(rich->rig, rich->rig->time_ns + SECOND, 3);
    (void)ledger_one(rich->rig, transfer);
}

/* Closes an account, which keeps its transfer pending. */
static inline void rich_close(struct rich *rich, uint64_t account)
{
    MAKES(rich->rig, ledger_plain(++rich->id, account, PLAIN_A, 5));
    struct mr_ledger_transfer closing = ledger_pend(++rich->id, account, PLAIN_A, 7, 0);
    closing.flags |= MR_LEDGER_CLOSING_DEBIT;
    MAKES(rich->rig, closing);
}

/* A place whose transfer is kept. */
static inline uint32_t rich_find_kept(const struct ledger_rig *rig)
{
    const struct mr_ledger *ledger = rig->ledger;
    for (uint32_t place = ledger->kept_high; place > 0; place--)
        if (mr_ledger_transfer_find(ledger, ledger_kept(ledger, place)->id) ==
            ((uint32_t)LEDGER_KEPT | place))
            return place;
    fail_msg("none is kept");
    return 0;
}

static inline bool rich_is_rich(const struct mr_ledger *ledger)
{
    return !mr_u128_is_zero(ledger->floor) && ledger->pending_free != 0 &&
           ledger->expiry_count > 3 && ledger->kept_high > 0;
}

static inline void rich_open(struct ledger_rig *rig)
{
    struct mr_ledger_config config = ledger_config();
    config.transfers_max = RICH_WINDOW;
    config.history_max = RICH_HISTORY;
    config.pending_max = 200;
    ledger_open(rig, &config);
    struct rich rich = {.rig = rig};
    mr_random_init(&rich.random, 42);
    rich_accounts(rig);
    rich_close(&rich, CLOSED_AND_KEPT);
    for (uint32_t i = 0; i < 400 || !rich_is_rich(rig->ledger); i++)
        rich_step(&rich);
    rich_close(&rich, CLOSED_IN_WINDOW);
    MAKES(rig, ledger_pend(++rich.id, HISTORY_A, HISTORY_B, 11, 0));
    rich.id++;
    MAKES(rig, ledger_void(rich.id, ledger_kept(rig->ledger, rich_find_kept(rig))->id.low));
    for (uint32_t i = 0; i < 20 || !rich_is_rich(rig->ledger); i++)
        rich_step(&rich);
    MAKES(rig, ledger_plain(++rich.id, HISTORY_A, HISTORY_B, 9));
    ledger_check(rig);
}

/* Everything is in the window still: a few transfers between all accounts. */
static inline void rich_open_young(struct ledger_rig *rig)
{
    struct mr_ledger_config config = ledger_config();
    ledger_open(rig, &config);
    struct rich rich = {.rig = rig};
    mr_random_init(&rich.random, 43);
    rich_accounts(rig);
    for (uint32_t i = 0; i < 60; i++)
        rich_step(&rich);
}

/* A ledger that is made once, and copied for each test. */
struct rich_made {
    void (*make)(struct ledger_rig *rig);
    struct ledger_rig rig;
    void *copy;
};

static inline int rich_give(struct rich_made *made, void **state)
{
    if (made->copy == NULL) {
        made->make(&made->rig);
        made->copy = made->rig.ledger;
    }
    made->rig.ledger = aligned_alloc(4096, mr_align_up(made->rig.size, 4096));
    assert_non_null(made->rig.ledger);
    memcpy((void *)made->rig.ledger, made->copy, made->rig.size);
    *state = &made->rig;
    return 0;
}

static struct rich_made rich_old = {.make = rich_open};
static struct rich_made rich_young = {.make = rich_open_young};

static inline int rich_give_old(void **state)
{
    return rich_give(&rich_old, state);
}

static inline int rich_give_young(void **state)
{
    return rich_give(&rich_young, state);
}

/* -- Breaking it. ------------------------------------------------------------------------------ */

/* Breaks one thing, sees it found, and mends it. */
#define FOUND(lvalue, wrong)                                                      \
    do {                                                                          \
        __typeof__(lvalue) right_ = lvalue;                                       \
        lvalue = wrong;                                                           \
        assert_int_not_equal(memcmp(&right_, &(lvalue), sizeof right_), 0);       \
        if (mr_logic_ledger.check(rig->ledger, &rig->config))                     \
            fail_msg("line %d: %s = %s is not found", __LINE__, #lvalue, #wrong); \
        lvalue = right_;                                                          \
        ledger_check(rig);                                                        \
    } while (0)

/* What was broken in several places is found. */
#define IS_FOUND(rig) assert_false(mr_logic_ledger.check((rig)->ledger, &(rig)->config))

#define BROKEN(name) cmocka_unit_test_setup_teardown(name, rich_give_old, ledger_close_plain)
#define YOUNG(name)  cmocka_unit_test_setup_teardown(name, rich_give_young, ledger_close_plain)

/* The newest transfer of the window that has all of `flags`, and that state; 0: none. */
static inline uint32_t rich_find(const struct ledger_rig *rig, uint32_t flags,
                                 enum mr_ledger_state state)
{
    const struct mr_ledger *ledger = rig->ledger;
    for (uint32_t age = 0; age < ledger->count; age++) {
        uint32_t ordinal = ledger_ordinal_before(ledger->newest, age);
        const struct ledger_transfer *transfer = ledger_transfer(ledger, ordinal);
        if ((transfer->marks & LEDGER_FAILED) == 0 && (transfer->flags & flags) == flags &&
            transfer->state == state)
            return ordinal;
    }
    fail_msg("there is none");
    return 0;
}

static inline uint32_t rich_find_failed(const struct ledger_rig *rig)
{
    const struct mr_ledger *ledger = rig->ledger;
    uint32_t age = 1;
    while ((ledger_transfer(ledger, ledger_ordinal_before(ledger->newest, age))->marks &
            LEDGER_FAILED) == 0)
        age++;
    return ledger_ordinal_before(ledger->newest, age);
}

static inline struct ledger_account *account_of(const struct ledger_rig *rig, uint64_t id)
{
    return ledger_account(rig->ledger, mr_ledger_account_find(rig->ledger, ID(id)));
}

#endif
