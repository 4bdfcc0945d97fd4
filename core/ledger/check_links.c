/*
 * Each account's transfers lead to one another and to all that there are, and add up to its
 * balances.
 */
#include "core/ledger/check_parts.h"

/* What a transfer has posted. */
static struct mr_u128 posted_by(const struct ledger_transfer *transfer)
{
    bool posts = (transfer->flags & (MR_LEDGER_PENDING | MR_LEDGER_VOID)) == 0;
    return posts ? transfer->amount : mr_u128_of(0, 0);
}

/* -- Balances that were remembered. ------------------------------------------------------------ */

/* What a transfer left of the account; NULL: it is not remembered. */
static const struct ledger_balances *left_by(const struct mr_ledger *ledger,
                                             const struct ledger_transfer *transfer, bool is_credit)
{
    uint32_t number = transfer->balance;
    if (number == 0)
        return NULL;
    if (is_credit &&
        (ledger_account(ledger, transfer->debit)->flags & MR_LEDGER_ACCOUNT_HISTORY) != 0)
        number = ledger_ordinal_after(number);
    const struct ledger_balance *balance = ledger_balance(ledger, number);
    return balance == NULL ? NULL : &balance->balances;
}

/* A transfer, and which side of it an account is on. NULL: none. */
struct part {
    const struct ledger_transfer *transfer;
    bool is_credit;
};

/* Adds what the transfer posts, or reserves; false: that does not fit. Between two balances that
 * are remembered, others may have expired, so that what was reserved before says no more than the
 * most that may be reserved after. */
static bool add_part(struct ledger_balances *balances, struct part part)
{
    struct mr_u128 *posted = part.is_credit ? &balances->credits_posted : &balances->debits_posted;
    struct mr_u128 *pending =
        part.is_credit ? &balances->credits_pending : &balances->debits_pending;
    if ((part.transfer->flags & MR_LEDGER_PENDING) != 0) {
        if (mr_u128_add(*pending, part.transfer->amount, pending))
            *pending = mr_u128_max();
        return true;
    }
    return !mr_u128_add(*posted, posted_by(part.transfer), posted);
}

/* `after` are balances that came of `before` by a transfer. What is posted follows from that. What
 * is pending may be less: resolved by it, or expired. */
static bool check_step(const struct ledger_balances *before, const struct ledger_balances *after,
                       struct part part)
{
    struct ledger_balances expected = *before;
    /* With what was pending then the sum may not fit: some of that may have expired since. */
    bool is_pending = part.transfer != NULL && (part.transfer->flags & MR_LEDGER_PENDING) != 0;
    if (part.transfer != NULL && !add_part(&expected, part)) {
        CHECK(is_pending);
        *(part.is_credit ? &expected.credits_pending : &expected.debits_pending) = mr_u128_max();
    }
    CHECK(mr_u128_equal(expected.debits_posted, after->debits_posted));
    CHECK(mr_u128_equal(expected.credits_posted, after->credits_posted));
    CHECK(!mr_u128_below(expected.debits_pending, after->debits_pending));
    return !mr_u128_below(expected.credits_pending, after->credits_pending);
}

/* -- One account. ------------------------------------------------------------------------------ */

/* What is left of the sums once a transfer has been resolved, or has expired, is what is still
 * reserved. */
static bool add_up(struct ledger_balances *sums, struct part part)
{
    bool is_over = (part.transfer->flags & MR_LEDGER_PENDING) != 0 &&
                   part.transfer->state != MR_LEDGER_STATE_PENDING;
    return is_over || add_part(sums, part);
}

/* From the last one back; adds up what is in the window. */
static bool check_chain(const struct mr_ledger *ledger, uint32_t number,
                        struct ledger_balances *sums, struct ledger_tally *tally)
{
    const struct ledger_account *account = ledger_account(ledger, number);
    const bool has_history = (account->flags & MR_LEDGER_ACCOUNT_HISTORY) != 0;
    const struct ledger_balances *later = &account->balances;
    struct part part = {.transfer = NULL};
    uint32_t after = 0;
    for (uint32_t link = ledger_account_last(ledger, account);
         ledger_check_linked(ledger, link, number) != 0; link = ledger_link_before(ledger, link)) {
        uint32_t ordinal = ledger_link_ordinal(link);
        uint32_t age = ledger_age(ledger->newest, ordinal);
        CHECK(after == 0 || ledger_age(ledger->newest, ledger_link_ordinal(after)) < age);
        CHECK(tally->linked++ < 2 * tally->created);
        const struct ledger_transfer *transfer = ledger_transfer(ledger, ordinal);
        const struct ledger_balances *left =
            has_history ? left_by(ledger, transfer, ledger_link_is_credit(link)) : NULL;
        CHECK(left == NULL || later == NULL || check_step(left, later, part));
        part = (struct part){transfer, ledger_link_is_credit(link)};
        CHECK(add_up(sums, part));
        later = left;
        after = link;
    }
    return true;
}

/* Where everything is in the window, what is posted is exactly that; else it is no less. */
static bool check_sums(const struct ledger_balances *balances, const struct ledger_balances *sums,
                       bool is_all)
{
    CHECK(!mr_u128_below(balances->debits_pending, sums->debits_pending));
    CHECK(!mr_u128_below(balances->credits_pending, sums->credits_pending));
    if (is_all)
        return mr_u128_equal(balances->debits_posted, sums->debits_posted) &&
               mr_u128_equal(balances->credits_posted, sums->credits_posted);
    return !mr_u128_below(balances->debits_posted, sums->debits_posted) &&
           !mr_u128_below(balances->credits_posted, sums->credits_posted);
}

static void put(struct mr_u128 *sum, struct mr_u128 amount, uint32_t account)
{
    (void)mr_u128_add(*sum, ledger_check_marked(amount, account), sum);
}

static bool check_account(const struct mr_ledger *ledger, uint32_t number,
                          struct ledger_tally *tally)
{
    const struct ledger_account *account = ledger_account(ledger, number);
    struct ledger_balances sums = {.debits_pending = {0, 0}};
    CHECK(check_chain(ledger, number, &sums, tally));
    CHECK(check_sums(&account->balances, &sums, tally->created == ledger->transfers));
    put(&tally->debits, account->balances.debits_pending, number);
    put(&tally->credits, account->balances.credits_pending, number);
    /* One that was created closed has never had a transfer (see mr_ledger_check_pending). */
    if ((account->flags & MR_LEDGER_ACCOUNT_CLOSED) != 0 && account->last != 0)
        tally->closed += ledger_check_mark(number);
    return true;
}

bool mr_ledger_check_links(const struct mr_ledger *ledger, struct ledger_tally *tally)
{
    for (uint32_t number = 1; number <= ledger->account_count; number++)
        CHECK(check_account(ledger, number, tally));
    CHECK(tally->linked == 2 * tally->created);
    CHECK(mr_u128_is_zero(tally->debits) && mr_u128_is_zero(tally->credits));
    return tally->closed == 0;
}
