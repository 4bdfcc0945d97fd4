/*
 * Accounts and ledgers, each by itself, and what a ledger's accounts add up to.
 */
#include "core/ledger/check_parts.h"

/* -- Balances. --------------------------------------------------------------------------------- */

/* The sums fit, and what must not exceed the other side does not. */
static bool check_balances(const struct ledger_account *account)
{
    const struct ledger_balances *balances = &account->balances;
    struct mr_u128 debits, credits;
    CHECK(!mr_u128_add(balances->debits_pending, balances->debits_posted, &debits));
    CHECK(!mr_u128_add(balances->credits_pending, balances->credits_posted, &credits));
    if ((account->flags & MR_LEDGER_ACCOUNT_DEBITS_LIMITED) != 0)
        CHECK(!mr_u128_below(balances->credits_posted, debits));
    if ((account->flags & MR_LEDGER_ACCOUNT_CREDITS_LIMITED) != 0)
        CHECK(!mr_u128_below(balances->debits_posted, credits));
    return true;
}

bool mr_ledger_check_accounts(const struct mr_ledger *ledger, uint32_t a, uint32_t b)
{
    return (a == 0 || check_balances(ledger_account(ledger, a))) &&
           (b == 0 || check_balances(ledger_account(ledger, b)));
}

/* -- Accounts. --------------------------------------------------------------------------------- */

static bool check_account(const struct mr_ledger *ledger, const struct ledger_account *account)
{
    const uint32_t limits = MR_LEDGER_ACCOUNT_DEBITS_LIMITED | MR_LEDGER_ACCOUNT_CREDITS_LIMITED;
    CHECK(!mr_u128_is_zero(account->id) && !mr_u128_is_max(account->id));
    CHECK(account->code != 0);
    CHECK((account->flags & ~MR_LEDGER_ACCOUNT_FLAGS_ALL) == 0);
    CHECK((account->flags & limits) != limits);
    CHECK(account->unit < ledger->unit_count);
    CHECK(account->timestamp != 0 && account->timestamp <= ledger->time_ns);
    CHECK(account->last == 0 || ledger_link_ordinal(account->last) != 0);
    return check_balances(account);
}

/* They lie in the order of their timestamps, and ledgers in that of their first account. */
bool mr_ledger_check_all_accounts(const struct mr_ledger *ledger)
{
    uint64_t timestamp = 0;
    uint32_t units = 0;
    for (uint32_t number = 1; number <= ledger->account_count; number++) {
        const struct ledger_account *account = ledger_account(ledger, number);
        CHECK(check_account(ledger, account));
        CHECK(account->timestamp > timestamp);
        timestamp = account->timestamp;
        CHECK(account->unit <= units);
        units += account->unit == units;
    }
    CHECK(units == ledger->unit_count);
    return ledger->account_time == timestamp;
}

/* -- Ledgers. ---------------------------------------------------------------------------------- */

struct unit_sums {
    struct mr_u128 pending, posted; /* debits less credits, modulo 2^128 */
    uint32_t accounts;
};

static void add_up(struct unit_sums *sums, const struct ledger_balances *balances)
{
    (void)mr_u128_add(sums->pending, balances->debits_pending, &sums->pending);
    (void)mr_u128_subtract(sums->pending, balances->credits_pending, &sums->pending);
    (void)mr_u128_add(sums->posted, balances->debits_posted, &sums->posted);
    (void)mr_u128_subtract(sums->posted, balances->credits_posted, &sums->posted);
    sums->accounts++;
}

/* What every transfer takes from one account, it gives to another one. */
static bool check_sums(const struct mr_ledger *ledger, uint32_t first, uint32_t count)
{
    struct unit_sums sums[LEDGER_CHECK_UNITS] = {0};
    for (uint32_t number = 1; number <= ledger->account_count; number++) {
        const struct ledger_account *account = ledger_account(ledger, number);
        if (account->unit - first < count)
            add_up(&sums[account->unit - first], &account->balances);
    }
    for (uint32_t i = 0; i < count; i++) {
        CHECK(mr_u128_is_zero(sums[i].pending));
        CHECK(mr_u128_is_zero(sums[i].posted));
        CHECK(ledger_unit(ledger, first + i)->accounts == sums[i].accounts);
        CHECK(ledger_unit(ledger, first + i)->ledger != 0);
    }
    return true;
}

bool mr_ledger_check_units(const struct mr_ledger *ledger)
{
    for (uint32_t first = 0; first < ledger->unit_count; first += LEDGER_CHECK_UNITS) {
        uint32_t left = ledger->unit_count - first;
        CHECK(check_sums(ledger, first, left < LEDGER_CHECK_UNITS ? left : LEDGER_CHECK_UNITS));
    }
    return true;
}
