/*
 * Every invariant of the state, by walking all of it.
 */
#include "core/ledger/check.h"

#include "core/ledger/check_parts.h"
#include "core/ledger/layout.h"

/* -- The header. ------------------------------------------------------------------------------- */

/* A ring of `size` places whose newest entry is number `newest`: none that counts is around it
 * twice. */
static bool check_ring(uint32_t newest, uint32_t count, uint32_t high, uint32_t size)
{
    CHECK(newest <= LEDGER_ORDINALS);
    CHECK(high <= size && count < size);
    CHECK(count == 0 || (newest != 0 && (newest & (size - 1)) < high));
    return high == size || newest >= count;
}

static bool check_window_header(const struct mr_ledger *ledger)
{
    const struct ledger_layout *layout = &ledger->layout;
    CHECK(check_ring(ledger->newest, ledger->count, ledger_high(ledger), layout->ring));
    CHECK(check_ring(ledger->balance_newest, ledger->balance_count, ledger->balance_high,
                     layout->history_ring));
    CHECK(ledger->count <= ledger->config.transfers_max);
    CHECK(ledger->transfers <= (uint64_t)ledger->epoch * LEDGER_ORDINALS + ledger->newest);
    CHECK(ledger->balance_count <= ledger->config.history_max);
    return ledger->transfer_time <= ledger->time_ns &&
           ledger->forgotten_time <= ledger->transfer_time;
}

static bool check_header(const struct mr_ledger *ledger, const struct mr_ledger_config *config)
{
    const struct ledger_layout layout = mr_ledger_layout(config);
    CHECK(mr_equal(&ledger->config, config, sizeof(*config)));
    CHECK(mr_equal(&ledger->layout, &layout, sizeof(layout)));
    CHECK(ledger->hash_key[0] == (mr_mix64(config->hash_seed) | 1));
    CHECK(ledger->hash_key[1] == (mr_mix64(config->hash_seed + 1) | 1));
    CHECK(ledger->unit_count <= config->ledgers_max);
    CHECK(ledger->account_count <= config->accounts_max);
    CHECK(ledger->pending_count <= config->pending_max);
    CHECK(ledger->pending_high <= layout.pending_pool);
    CHECK(ledger->pending_count <= ledger->pending_high);
    CHECK(ledger->kept_high <= ledger->pending_high);
    CHECK(ledger->expiry_count <= ledger->pending_count);
    return check_window_header(ledger);
}

/* Between two commands, a chain may be under way. */
static bool check_request(const struct ledger_request *request)
{
    CHECK(request->type == 0 || request->type == MR_LEDGER_ACCOUNT_CREATE ||
          request->type == MR_LEDGER_TRANSFER_CREATE);
    CHECK(request->imported <= 1 && request->reserved == 0);
    if (request->chain_next == 0)
        return true;
    CHECK(request->chain_count <= LEDGER_BATCH_MAX && request->chain_open <= 1);
    CHECK(request->chain_at >= 1 && request->chain_at < request->chain_count);
    return request->chain_failed == LEDGER_BATCH_MAX ||
           (request->chain_failed < request->chain_count && request->chain_reason != 0);
}

/* -- All of it. -------------------------------------------------------------------------------- */

/* As long as no id has been forgotten, every transfer is there. */
static bool check_floor(const struct mr_ledger *ledger, const struct ledger_tally *tally)
{
    if (mr_u128_is_zero(ledger->floor))
        return tally->created == ledger->transfers && tally->kept == 0 &&
               ledger->forgotten_time == 0;
    return ledger->config.id_scheme == MR_LEDGER_IDS_TIME_ORDERED;
}

bool mr_ledger_check(const void *state, const void *config)
{
    const struct mr_ledger *ledger = state;
    struct ledger_tally tally = {0};
    CHECK(check_header(ledger, config));
    CHECK(check_request(&ledger->request));
    CHECK(mr_ledger_check_all_accounts(ledger));
    CHECK(mr_ledger_check_units(ledger));
    CHECK(mr_ledger_check_window(ledger, &tally));
    CHECK(mr_ledger_check_ids(ledger, &tally));
    CHECK(mr_ledger_check_pending(ledger, &tally));
    CHECK(mr_ledger_check_links(ledger, &tally));
    return check_floor(ledger, &tally);
}

bool mr_ledger_check_now_and_then(const struct mr_ledger *ledger)
{
    return !mr_is_power_of_two(ledger->transfers) || mr_ledger_check(ledger, &ledger->config);
}
