/* Every invariant can be broken, and is found broken: accounts, transfers, links, balances. */
#include "tests/core/ledger_rich.h"

#include "core/ledger/check.h"

static void the_ledger_of_these_tests_has_some_of_everything(void **state)
{
    struct ledger_rig *rig = *state;
    const struct mr_ledger *ledger = rig->ledger;
    assert_true(rich_is_rich(ledger));
    assert_int_equal(ledger->count, RICH_WINDOW);
    assert_int_equal(ledger->balance_count, RICH_HISTORY);
    assert_int_equal(ledger->unit_count, 2);
    assert_true(ledger_closed(rig, CLOSED_AND_KEPT) && ledger_closed(rig, CLOSED_IN_WINDOW));
    assert_true(rich_find_failed(rig) != 0);
    rich_find_kept(rig);
    rich_find(rig, MR_LEDGER_POST, MR_LEDGER_STATE_NONE);
    rich_find(rig, MR_LEDGER_VOID, MR_LEDGER_STATE_NONE);
    rich_find(rig, MR_LEDGER_PENDING, MR_LEDGER_STATE_POSTED);
    rich_find(rig, MR_LEDGER_PENDING, MR_LEDGER_STATE_VOIDED);
    rich_find(rig, MR_LEDGER_PENDING, MR_LEDGER_STATE_EXPIRED);
    rich_find(rig, MR_LEDGER_PENDING, MR_LEDGER_STATE_PENDING);
}

/* -- Accounts and ledgers. --------------------------------------------------------------------- */

static void what_an_account_is(void **state)
{
    struct ledger_rig *rig = *state;
    struct ledger_account *account = account_of(rig, PLAIN_A);
    FOUND(account->id, ID(0));
    FOUND(account->id, mr_u128_max());
    FOUND(account->id, ID(12345));
    FOUND(account->code, 0);
    FOUND(account->flags, 64);
    FOUND(account->flags, MR_LEDGER_ACCOUNT_DEBITS_LIMITED | MR_LEDGER_ACCOUNT_CREDITS_LIMITED);
    FOUND(account->flags, MR_LEDGER_ACCOUNT_CLOSED);
    FOUND(account->flags, MR_LEDGER_ACCOUNT_HISTORY);
    FOUND(account->timestamp, 0);
    FOUND(account->timestamp, account->timestamp + 1);
    FOUND(account->timestamp, UINT64_MAX);
    FOUND(account->unit, 1);
    FOUND(account->unit, 2);
    FOUND(account->last, 0);
    FOUND(account->last, (uint32_t)LEDGER_CREDIT);
    FOUND(account->last, account->last ^ (uint32_t)LEDGER_CREDIT);
    FOUND(account->last, account->last - 1);
    struct ledger_account *history = account_of(rig, HISTORY_A);
    FOUND(history->flags, 0);
    struct ledger_account *closed = account_of(rig, CREATED_CLOSED);
    FOUND(closed->last, 1);
    FOUND(closed->flags, MR_LEDGER_ACCOUNT_CLOSED | 6);
    FOUND(account_of(rig, CLOSED_AND_KEPT)->flags, 0);
    FOUND(account_of(rig, CLOSED_IN_WINDOW)->flags, 0);
}

static void ledgers_and_how_many_accounts_they_have(void **state)
{
    struct ledger_rig *rig = *state;
    struct ledger_unit *units = ledger_unit(rig->ledger, 0);
    FOUND(units[0].accounts, units[0].accounts + 1);
    FOUND(units[1].accounts, 0);
    FOUND(units[1].ledger, 0);
    FOUND(units[1].ledger, UNIT);
    FOUND(units[1].ledger, 8);
}

static void money_that_was_made_or_lost(void **state)
{
    struct ledger_rig *rig = *state;
    for (uint64_t id = PLAIN_A; id < OTHERS_END; id = id == CLOSED_IN_WINDOW ? OTHERS : id + 1) {
        struct ledger_balances *balances = &account_of(rig, id)->balances;
        struct mr_u128 *all[] = {&balances->debits_pending, &balances->debits_posted,
                                 &balances->credits_pending, &balances->credits_posted};
        for (uint32_t i = 0; i < 4; i++) {
            FOUND(all[i]->low, all[i]->low + 1);
            FOUND(all[i]->low, all[i]->low - 1);
            FOUND(all[i]->high, all[i]->high + 1);
            FOUND(*all[i], mr_u128_max());
        }
    }
}

/* What is moved without a transfer leaves debits equal to credits. */
static void balances_that_no_transfer_explains(void **state)
{
    struct ledger_rig *rig = *state;
    struct ledger_balances *a = &account_of(rig, PLAIN_A)->balances;
    struct ledger_balances *b = &account_of(rig, PLAIN_B)->balances;
    a->debits_posted.low++;
    b->credits_posted.low++;
    IS_FOUND(rig); /* everything is in the window */
    a->debits_posted.low--;
    b->credits_posted.low--;
    a->debits_pending.low++;
    b->credits_pending.low++;
    IS_FOUND(rig);
    a->debits_pending.low--;
    b->credits_pending.low--;
}

static void reservations_of_somebody_else(void **state)
{
    struct ledger_rig *rig = *state;
    struct ledger_balances *a = &account_of(rig, PLAIN_A)->balances;
    struct ledger_balances *b = &account_of(rig, PLAIN_B)->balances;
    a->debits_pending.low++;
    b->credits_pending.low++;
    IS_FOUND(rig);
    b->credits_pending.low--;
    b->debits_pending.low--;
    IS_FOUND(rig);
    a->debits_pending.low--;
    b->debits_pending.low++;
}

static void less_posted_than_the_window_alone_has(void **state)
{
    struct ledger_rig *rig = *state;
    struct ledger_balances *a = &account_of(rig, OTHERS)->balances;
    struct ledger_balances *b = &account_of(rig, OTHERS + 2)->balances;
    struct mr_u128 debits = a->debits_posted, credits = b->credits_posted;
    assert_true(mr_u128_below(ID(1), debits) && mr_u128_below(ID(1), credits));
    bool a_is_less = mr_u128_below(debits, credits);
    struct mr_u128 less = a_is_less ? debits : credits;
    (void)mr_u128_subtract(debits, less, &a->debits_posted);
    (void)mr_u128_subtract(credits, less, &b->credits_posted);
    IS_FOUND(rig);
    a->debits_posted = debits;
    b->credits_posted = credits;
}

static void limits_that_were_passed(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    uint32_t debits = mr_ledger_account_find(ledger, ID(DEBITS_LIMITED));
    uint32_t credits = mr_ledger_account_find(ledger, ID(CREDITS_LIMITED));
    struct ledger_account *limited = ledger_account(ledger, debits);
    struct ledger_account *other = ledger_account(ledger, credits);
    assert_true(mr_ledger_check_accounts(ledger, debits, credits));
    assert_true(mr_ledger_check_accounts(ledger, 0, 0));
    struct ledger_balances before = limited->balances;
    limited->balances.debits_pending = before.credits_posted;
    limited->balances.debits_posted = ID(1);
    assert_false(mr_ledger_check_accounts(ledger, debits, 0));
    assert_false(mr_ledger_check_accounts(ledger, credits, debits));
    IS_FOUND(rig);
    limited->balances = before;
    before = other->balances;
    (void)mr_u128_add(before.debits_posted, ID(1), &other->balances.credits_posted);
    assert_false(mr_ledger_check_accounts(ledger, credits, debits));
    IS_FOUND(rig);
    other->balances = before;
}

static void sums_that_do_not_fit(void **state)
{
    struct ledger_rig *rig = *state;
    uint32_t number = mr_ledger_account_find(rig->ledger, ID(PLAIN_A));
    struct ledger_balances *balances = &ledger_account(rig->ledger, number)->balances;
    const struct ledger_balances before = *balances;
    balances->debits_pending = balances->debits_posted = mr_u128_of(UINT64_C(1) << 63, 0);
    assert_false(mr_ledger_check_accounts(rig->ledger, number, 0));
    *balances = before;
    balances->credits_pending = mr_u128_max();
    balances->credits_posted = ID(1);
    assert_false(mr_ledger_check_accounts(rig->ledger, 0, number));
    *balances = before;
    assert_true(mr_ledger_check_accounts(rig->ledger, number, number));
}

/* -- Transfers. -------------------------------------------------------------------------------- */

static void what_a_transfer_is(void **state)
{
    struct ledger_rig *rig = *state;
    struct ledger_transfer *plain = ledger_transfer(rig->ledger, rig->ledger->newest);
    FOUND(plain->id, ID(0));
    FOUND(plain->id, mr_u128_max());
    FOUND(plain->id, ID(54321));
    FOUND(plain->amount.low, plain->amount.low + 1); /* history remembers */
    FOUND(plain->pending_id, ID(1));
    FOUND(plain->timestamp, plain->timestamp + 1);
    FOUND(plain->timestamp, 1);
    FOUND(plain->timeout, 1);
    FOUND(plain->debit, 0);
    FOUND(plain->debit, rig->ledger->account_count + 1);
    FOUND(plain->debit, plain->credit);
    FOUND(plain->debit, rig->ledger->account_count);
    FOUND(plain->debit, mr_ledger_account_find(rig->ledger, ID(PLAIN_A)));
    FOUND(plain->credit, 0);
    FOUND(plain->credit, mr_ledger_account_find(rig->ledger, ID(PLAIN_A)));
    FOUND(plain->pending, 1);
    FOUND(plain->balance, 0);
    FOUND(plain->balance, plain->balance + 1);
    FOUND(plain->balance, (uint32_t)LEDGER_CREDIT);
    FOUND(plain->code, 0);
    FOUND(plain->flags, 512);
    FOUND(plain->flags, MR_LEDGER_PENDING);
    FOUND(plain->flags, MR_LEDGER_CLOSING_DEBIT);
    FOUND(plain->flags, MR_LEDGER_VOID);
    FOUND(plain->state, MR_LEDGER_STATE_PENDING);
    FOUND(plain->state, 5);
    FOUND(plain->marks, LEDGER_FAILED);
    FOUND(plain->marks, LEDGER_WHOLE);
    FOUND(plain->padding[1], 1);
}

static void what_is_known_of_one_that_failed(void **state)
{
    struct ledger_rig *rig = *state;
    struct ledger_transfer *failed = ledger_transfer(rig->ledger, rich_find_failed(rig));
    FOUND(failed->marks, 0);
    FOUND(failed->marks, LEDGER_FAILED | LEDGER_WHOLE);
    FOUND(failed->debit, 1);
    FOUND(failed->amount, ID(1));
    FOUND(failed->code, 1);
    FOUND(failed->state, 1);
    FOUND(failed->timestamp, failed->timestamp + 1);
    FOUND(failed->timestamp, failed->timestamp - 1);
}

static void posts_and_voids_and_what_they_resolved(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    struct ledger_transfer *post =
        ledger_transfer(ledger, rich_find(rig, MR_LEDGER_POST, MR_LEDGER_STATE_NONE));
    struct ledger_transfer *pending = ledger_transfer(ledger, post->pending);
    FOUND(post->pending, 0);
    FOUND(post->pending, post->pending + 1);
    FOUND(post->pending, (uint32_t)LEDGER_KEPT | 1);
    FOUND(post->pending, (uint32_t)LEDGER_KEPT);
    FOUND(post->pending_id, ID(99999));
    FOUND(post->pending_id, ID(0));
    FOUND(post->flags, MR_LEDGER_POST | MR_LEDGER_VOID);
    FOUND(post->flags, MR_LEDGER_VOID);
    FOUND(post->flags, MR_LEDGER_POST | MR_LEDGER_BALANCING_DEBIT);
    FOUND(post->flags, 0);
    FOUND(post->marks, post->marks ^ LEDGER_WHOLE);
    FOUND(post->marks, post->marks ^ LEDGER_SAME_128);
    FOUND(post->marks, post->marks ^ LEDGER_SAME_64);
    FOUND(post->marks, post->marks ^ LEDGER_SAME_32);
    FOUND(post->marks, post->marks | 64);
    FOUND(post->code, post->code + 1);
    FOUND(pending->state, MR_LEDGER_STATE_PENDING);
    FOUND(pending->state, MR_LEDGER_STATE_VOIDED);
    FOUND(pending->state, MR_LEDGER_STATE_NONE);
    FOUND(pending->flags, 0);
    FOUND(pending->amount, ID(0));
    FOUND(pending->pending, 0);
    FOUND(pending->pending, ledger->pending_high + 1);
    struct ledger_transfer *expired =
        ledger_transfer(ledger, rich_find(rig, MR_LEDGER_PENDING, MR_LEDGER_STATE_EXPIRED));
    FOUND(expired->state, MR_LEDGER_STATE_VOIDED);
    FOUND(expired->state, MR_LEDGER_STATE_PENDING);
    FOUND(expired->state, 5);
    FOUND(expired->timeout, 0);
    FOUND(expired->flags, MR_LEDGER_PENDING | MR_LEDGER_IMPORTED);
}

/* What has been resolved after it had left the window cannot be found. */
static void what_was_resolved_is_known_no_more(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    uint32_t met = 0;
    for (uint32_t age = 0; age < ledger->count; age++) {
        struct ledger_transfer *transfer =
            ledger_transfer(ledger, ledger_ordinal_before(ledger->newest, age));
        if ((transfer->flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) == 0 ||
            (transfer->pending & (uint32_t)LEDGER_KEPT) == 0)
            continue;
        FOUND(transfer->pending_id, ledger_transfer(ledger, ledger->newest)->id);
        FOUND(transfer->pending_id, ledger_kept(ledger, rich_find_kept(rig))->id);
        met++;
    }
    assert_true(met > 0);
}

/* In the middle of the window, where neither end gives it away. */
static void the_order_of_transfers_and_of_their_balances(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    uint32_t times = 0, balances = 0;
    for (uint32_t age = 5; age < ledger->count - 5; age++) {
        uint32_t ordinal = ledger_ordinal_before(ledger->newest, age);
        struct ledger_transfer *transfer = ledger_transfer(ledger, ordinal);
        const struct ledger_transfer *before = ledger_transfer(ledger, ordinal - 1);
        const struct ledger_transfer *after = ledger_transfer(ledger, ordinal + 1);
        bool is_plain = transfer->flags == 0 && transfer->marks == 0;
        if (!is_plain || after->marks == LEDGER_FAILED)
            continue;
        FOUND(transfer->timestamp, before->timestamp);
        FOUND(transfer->timestamp, after->timestamp);
        times++;
        if (transfer->balance == 0)
            continue;
        FOUND(transfer->balance, transfer->balance - 1);
        FOUND(transfer->balance, transfer->balance + 1);
        FOUND(transfer->balance, 0);
        balances++;
    }
    assert_true(times > 5 && balances > 5);
}

/* A transfer at the very time of an account. */
static void a_timestamp_that_an_account_has(void **state)
{
    struct ledger_rig *rig = *state;
    struct ledger_account *last = account_of(rig, OTHERS_END - 1);
    struct ledger_transfer *newest = ledger_transfer(rig->ledger, rig->ledger->newest);
    assert_true(last->timestamp < newest->timestamp);
    uint64_t right = last->timestamp;
    last->timestamp = rig->ledger->account_time = newest->timestamp;
    IS_FOUND(rig);
    last->timestamp = rig->ledger->account_time = right;
}

/* -- Links. ------------------------------------------------------------------------------------ */

static void links_between_an_accounts_transfers(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    const uint32_t credit = (uint32_t)LEDGER_CREDIT;
    struct ledger_links *newest = ledger_links(ledger, ledger->newest);
    FOUND(newest->debit_before, 0);
    FOUND(newest->debit_before, newest->debit_before ^ credit);
    FOUND(newest->debit_before, newest->debit_before - 1);
    FOUND(newest->debit_before, ledger->newest);
    FOUND(newest->credit_before, 0);
    FOUND(newest->credit_before, ledger->newest | credit);
}

/* -- Balances that are remembered. ------------------------------------------------------------- */

static void balances_after_each_transfer(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    for (uint32_t age = 0; age < RICH_HISTORY; age += 7) {
        uint32_t number = ledger_ordinal_before(ledger->balance_newest, age);
        struct ledger_balances *left = &ledger_balance(ledger, number)->balances;
        FOUND(left->debits_posted.low, left->debits_posted.low + 1);
        FOUND(left->credits_posted.low, left->credits_posted.low - 1);
        FOUND(left->debits_posted.high, 1);
    }
    /* What is pending may become less by itself, but not more. */
    uint32_t last = ledger->balance_newest;
    struct ledger_balances *credit = &ledger_balance(ledger, last)->balances;
    struct ledger_balances *debit = &ledger_balance(ledger, last - 1)->balances;
    FOUND(credit->credits_pending, ID(0));
    FOUND(debit->debits_pending, ID(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKEN(the_ledger_of_these_tests_has_some_of_everything),
        BROKEN(what_an_account_is),
        BROKEN(ledgers_and_how_many_accounts_they_have),
        BROKEN(money_that_was_made_or_lost),
        YOUNG(money_that_was_made_or_lost),
        YOUNG(balances_that_no_transfer_explains),
        BROKEN(reservations_of_somebody_else),
        BROKEN(less_posted_than_the_window_alone_has),
        BROKEN(limits_that_were_passed),
        BROKEN(sums_that_do_not_fit),
        BROKEN(what_a_transfer_is),
        BROKEN(what_is_known_of_one_that_failed),
        BROKEN(posts_and_voids_and_what_they_resolved),
        BROKEN(what_was_resolved_is_known_no_more),
        BROKEN(the_order_of_transfers_and_of_their_balances),
        BROKEN(a_timestamp_that_an_account_has),
        BROKEN(links_between_an_accounts_transfers),
        BROKEN(balances_after_each_transfer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
