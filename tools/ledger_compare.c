/*
 * A ledger's state against its shadow.
 */
#include "tools/ledger_shadow.h"
#include "tools/output.h"

#include <inttypes.h>
#include <stdlib.h>

/* What the accounts of a ledger have together, modulo 2^128. */
struct ledger_sums {
    uint32_t ledger;
    shadow_sum sums[SHADOW_SUMS];
};

struct comparison {
    const struct ledger_shadow *shadow;
    struct id_map ledgers;
    struct ledger_sums *sums; /* from number 1 */
    uint32_t count;
};

static shadow_sum wide(struct mr_u128 value)
{
    return (shadow_sum)value.high << 64 | value.low;
}

static struct number_text text_of(shadow_sum value)
{
    return number_u128(mr_u128_of((uint64_t)(value >> 64), (uint64_t)value));
}

static int differs(const struct mr_ledger_account *found, const char *field, const char *expected,
                   const char *has, struct mr_error *error)
{
    return mr_error_set(error, MR_E_DIVERGED,
                        "account %s: %s: expected %s, as its events make it, found %s",
                        number_u128(found->id).text, field, expected, has);
}

static int differs_small(const struct mr_ledger_account *found, const char *field,
                         uint64_t expected, uint64_t has, struct mr_error *error)
{
    return differs(found, field, number_u128(mr_u128_of(0, expected)).text,
                   number_u128(mr_u128_of(0, has)).text, error);
}

/* The account as the state has it, against what the events make of it. */
static int compare_account(const struct shadow_account *expected,
                           const struct mr_ledger_account *found, const shadow_sum *sums,
                           struct mr_error *error)
{
    for (uint32_t i = 0; i < SHADOW_SUMS; i++) {
        if (sums[i] != expected->sums[i])
            return differs(found, ledger_shadow_names[i], text_of(expected->sums[i]).text,
                           text_of(sums[i]).text, error);
    }
    if (found->flags != expected->flags)
        return differs_small(found, "flags", expected->flags, found->flags, error);
    if (found->ledger != expected->ledger)
        return differs_small(found, "ledger", expected->ledger, found->ledger, error);
    if (found->timestamp != expected->timestamp)
        return differs_small(found, "timestamp", expected->timestamp, found->timestamp, error);
    return MR_OK;
}

/* The sums of that ledger, to be added to; NULL: no memory. */
static struct ledger_sums *sums_of(struct comparison *comparison, uint32_t ledger)
{
    struct mr_u128 id = mr_u128_of(0, ledger);
    uint32_t number = id_map_find(&comparison->ledgers, id);
    if (number != 0)
        return &comparison->sums[number - 1];
    if ((comparison->count & (comparison->count - 1)) == 0) { /* powers of two are the room */
        size_t room = comparison->count == 0 ? 1 : 2 * (size_t)comparison->count;
        struct ledger_sums *sums = realloc(comparison->sums, room * sizeof *sums);
        if (sums == NULL)
            return NULL;
        comparison->sums = sums;
    }
    if (!id_map_add(&comparison->ledgers, id, comparison->count + 1))
        return NULL;
    comparison->sums[comparison->count] = (struct ledger_sums){.ledger = ledger};
    return &comparison->sums[comparison->count++];
}

static int take_account(struct comparison *comparison, const struct mr_ledger_account *found,
                        struct mr_error *error)
{
    const struct ledger_shadow *shadow = comparison->shadow;
    const shadow_sum sums[SHADOW_SUMS] = {
        [SHADOW_DEBITS_PENDING] = wide(found->debits_pending),
        [SHADOW_DEBITS_POSTED] = wide(found->debits_posted),
        [SHADOW_CREDITS_PENDING] = wide(found->credits_pending),
        [SHADOW_CREDITS_POSTED] = wide(found->credits_posted),
    };
    uint32_t number = id_map_find(&shadow->account_ids, found->id);
    if (number == 0)
        return mr_error_set(error, MR_E_DIVERGED, "account %s: no event has created it",
                            number_u128(found->id).text);
    struct ledger_sums *all = sums_of(comparison, found->ledger);
    if (all == NULL)
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for the sums of ledgers");
    for (uint32_t i = 0; i < SHADOW_SUMS; i++)
        all->sums[i] += sums[i];
    return compare_account(&shadow->accounts[number - 1], found, sums, error);
}

static int check_ledger(const struct ledger_sums *all, uint32_t debits, uint32_t credits,
                        struct mr_error *error)
{
    if (all->sums[debits] == all->sums[credits])
        return MR_OK;
    return mr_error_set(error, MR_E_DIVERGED,
                        "ledger %" PRIu32 ": %s of all accounts make %s, but %s make %s",
                        all->ledger, ledger_shadow_names[debits], text_of(all->sums[debits]).text,
                        ledger_shadow_names[credits], text_of(all->sums[credits]).text);
}

static int check_count(const char *what, uint64_t expected, uint64_t found, struct mr_error *error)
{
    return expected == found
               ? MR_OK
               : mr_error_set(error, MR_E_DIVERGED,
                              "%s: expected %" PRIu64 ", as the events make it, found %" PRIu64,
                              what, expected, found);
}

static int check_counts(const struct ledger_shadow *shadow, const struct mr_ledger *ledger,
                        struct mr_error *error)
{
    struct mr_ledger_totals totals = mr_ledger_totals_get(ledger);
    int status = check_count("accounts", shadow->account_count, totals.accounts, error);
    if (status == MR_OK)
        status = check_count("transfers", shadow->transfers, totals.transfers, error);
    if (status == MR_OK)
        status = check_count("pending transfers", shadow->pending_ids.count, totals.pending, error);
    return status;
}

int ledger_shadow_compare(struct ledger_shadow *shadow, const struct mr_ledger *ledger,
                          struct mr_error *error)
{
    struct comparison comparison = {.shadow = shadow};
    struct mr_ledger_account found;
    int status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && mr_ledger_account_at(ledger, i, &found); i++)
        status = take_account(&comparison, &found, error);
    if (status == MR_OK)
        status = check_counts(shadow, ledger, error);
    for (uint32_t i = 0; status == MR_OK && i < comparison.count; i++) {
        const struct ledger_sums *all = &comparison.sums[i];
        status = check_ledger(all, SHADOW_DEBITS_POSTED, SHADOW_CREDITS_POSTED, error);
        if (status == MR_OK)
            status = check_ledger(all, SHADOW_DEBITS_PENDING, SHADOW_CREDITS_PENDING, error);
    }
    shadow->ledgers = comparison.count;
    id_map_free(&comparison.ledgers);
    free(comparison.sums);
    return status;
}
