/* What the rules of the naive ledger share. */
#ifndef MR_TESTS_CORE_NAIVE_LEDGER_RULES_H
#define MR_TESTS_CORE_NAIVE_LEDGER_RULES_H

#include "tests/core/naive_ledger.h"

enum { RESOLVES = MR_LEDGER_POST | MR_LEDGER_VOID };
enum { BALANCES = MR_LEDGER_BALANCING_DEBIT | MR_LEDGER_BALANCING_CREDIT };
enum { CLOSES = MR_LEDGER_CLOSING_DEBIT | MR_LEDGER_CLOSING_CREDIT };

#define SECOND UINT64_C(1000000000)

/* Gives up with a reason where something holds. */
#define REFUSE_IF(condition, reason) \
    do {                             \
        if (condition)               \
            return reason;           \
    } while (0)

static inline bool is_zero(struct mr_u128 value)
{
    return wide_of(value) == 0;
}

static inline bool is_max(struct mr_u128 value)
{
    return wide_of(value) == ~(wide)0;
}

static inline bool differ(struct mr_u128 a, struct mr_u128 b)
{
    return wide_of(a) != wide_of(b);
}

/* Whether it names something else: zero names nothing. */
static inline bool names_other(struct mr_u128 named, struct mr_u128 value)
{
    return !is_zero(named) && differ(named, value);
}

static inline bool overflows(wide a, wide b)
{
    return a + b < a;
}

static inline void add(struct mr_u128 *balance, wide amount)
{
    *balance = narrow(wide_of(*balance) + amount);
}

static inline void subtract(struct mr_u128 *balance, wide amount)
{
    *balance = narrow(wide_of(*balance) - amount);
}

static inline bool is_closed(const struct mr_ledger_account *account)
{
    return (account->flags & MR_LEDGER_ACCOUNT_CLOSED) != 0;
}

static inline uint64_t timestamp_of(const struct naive_ledger *ledger,
                                    const struct mr_ledger_transfer *transfer)
{
    return (transfer->flags & MR_LEDGER_IMPORTED) != 0 ? transfer->timestamp : ledger->time_ns;
}

/* Whether an imported transfer's timestamp is not above the last one's, or is taken. */
bool naive_regresses(const struct naive_ledger *ledger, const struct mr_ledger_transfer *transfer);
/* Records a transfer, which has changed its two accounts. */
void naive_record(struct naive_ledger *ledger, const struct naive_transfer *transfer,
                  struct naive_result *result);
/* A post or a void. */
uint32_t naive_resolve(struct naive_ledger *ledger, const struct mr_ledger_transfer *transfer,
                       struct naive_result *result);
/* What becomes of a transfer whose id is known. */
uint32_t naive_exists(const struct mr_ledger_transfer *asked, const struct naive_transfer *existing,
                      struct naive_result *result);

#endif
