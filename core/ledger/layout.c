/*
 * Where everything lies in the state, how much it is, and what of it is in use.
 */
#include "core/ledger/layout.h"

#include "core/layout.h"
#include "core/ledger/ids.h"

enum {
    ACCOUNTS_MAX = 1 << 28,
    TRANSFERS_MAX = 1 << 28,
    PENDING_MAX = 1 << 27,
    HISTORY_MAX = 1 << 28,
    LEDGERS_MAX = 1 << 16,
    SLOT_BITS_MIN = 4,
};

static uint32_t slot_bits(uint64_t slots)
{
    uint32_t bits = mr_log2(mr_power_of_two_at_least(slots));
    return bits > SLOT_BITS_MIN ? bits : SLOT_BITS_MIN;
}

struct ledger_layout mr_ledger_layout(const struct mr_ledger_config *config)
{
    uint64_t window = (uint64_t)config->transfers_max + LEDGER_BATCH_MAX;
    uint64_t ring = mr_power_of_two_at_least(window + 1);
    uint64_t history = mr_power_of_two_at_least((uint64_t)config->history_max +
                                                UINT64_C(2) * LEDGER_BATCH_MAX + 1);
    uint64_t pending = (uint64_t)config->pending_max + LEDGER_BATCH_MAX;
    struct ledger_layout layout = {
        .unit_bits = slot_bits((uint64_t)config->ledgers_max * LEDGER_SLOTS),
        .account_bits = slot_bits((uint64_t)config->accounts_max * LEDGER_SLOTS),
        .bucket_bits = slot_bits(window * LEDGER_BUCKETS / 8),
        .kept_bits = slot_bits(pending * LEDGER_SLOTS),
        .ring = (uint32_t)ring,
        .history_ring = (uint32_t)history,
        .pending_pool = (uint32_t)pending,
    };
    uint64_t *end = &layout.size;
    mr_place(end, 1, sizeof(struct mr_ledger));
    layout.units = mr_place(end, config->ledgers_max, sizeof(struct ledger_unit));
    layout.unit_slots = mr_place(end, UINT64_C(1) << layout.unit_bits, sizeof(struct ledger_slot));
    layout.account_slots =
        mr_place(end, UINT64_C(1) << layout.account_bits, sizeof(struct ledger_slot));
    layout.accounts = mr_place(end, config->accounts_max, sizeof(struct ledger_account));
    layout.buckets = mr_place(end, UINT64_C(1) << layout.bucket_bits, sizeof(struct ledger_bucket));
    layout.kept_slots = mr_place(end, UINT64_C(1) << layout.kept_bits, sizeof(struct ledger_slot));
    layout.transfers = mr_place(end, ring, sizeof(struct ledger_transfer));
    layout.links = mr_place(end, ring, sizeof(struct ledger_links));
    layout.history = mr_place(end, history, sizeof(struct ledger_balance));
    layout.pending = mr_place(end, pending, sizeof(struct ledger_pending));
    layout.kept = mr_place(end, pending, sizeof(struct ledger_transfer));
    layout.expiries = mr_place(end, pending, sizeof(struct mr_heap_key));
    return layout;
}

void mr_ledger_config_default(void *config)
{
    *(struct mr_ledger_config *)config = (struct mr_ledger_config){
        .hash_seed = UINT64_C(0x6d696c6c72616365), /* "millrace" */
        .accounts_max = 1 << 20,
        .transfers_max = 1000 * 1000,
        .pending_max = 200 * 1000,
        .history_max = 200 * 1000,
        .ledgers_max = 1024,
        .id_ahead_ms = 1000,
        .id_scheme = MR_LEDGER_IDS_TIME_ORDERED,
    };
}

uint64_t mr_ledger_state_size(const void *config_bytes)
{
    const struct mr_ledger_config *config = config_bytes;
    if (!mr_is_within(config->accounts_max, ACCOUNTS_MAX) ||
        !mr_is_within(config->transfers_max, TRANSFERS_MAX) ||
        !mr_is_within(config->pending_max, PENDING_MAX) ||
        !mr_is_within(config->history_max, HISTORY_MAX) ||
        !mr_is_within(config->ledgers_max, LEDGERS_MAX) || config->id_scheme > MR_LEDGER_IDS_FREE)
        return 0;
    return mr_ledger_layout(config).size;
}

_Static_assert(TRANSFERS_MAX + LEDGER_BATCH_MAX < LEDGER_ORDINALS / 2,
               "an ordinal that has left the window does not come back into it");
_Static_assert(HISTORY_MAX + 2 * LEDGER_BATCH_MAX < LEDGER_ORDINALS / 2, "likewise");

void mr_ledger_init(void *state, const void *config_bytes)
{
    const struct mr_ledger_config *config = config_bytes;
    struct mr_ledger *ledger = state;
    ASSERT((uintptr_t)state % MR_CACHE_LINE == 0);
    *ledger = (struct mr_ledger){
        .config = *config,
        .layout = mr_ledger_layout(config),
        .hash_key = {mr_mix64(config->hash_seed) | 1, mr_mix64(config->hash_seed + 1) | 1},
    };
}

/* -- What is in use. --------------------------------------------------------------------------- */

uint32_t mr_ledger_used(const void *state, const void *config, struct mr_span *spans,
                        uint32_t limit)
{
    const struct mr_ledger *ledger = state;
    const struct ledger_layout *at = &ledger->layout;
    struct mr_spans list = {.at = spans, .limit = limit};
    (void)config;
    mr_spans_add(&list, 0, sizeof(struct mr_ledger));
    mr_spans_add(&list, at->units, ledger->unit_count * sizeof(struct ledger_unit));
    mr_spans_add(&list, at->unit_slots, sizeof(struct ledger_slot) << at->unit_bits);
    mr_spans_add(&list, at->account_slots, sizeof(struct ledger_slot) << at->account_bits);
    mr_spans_add(&list, at->accounts, ledger->account_count * sizeof(struct ledger_account));
    mr_spans_add(&list, at->buckets, sizeof(struct ledger_bucket) << at->bucket_bits);
    mr_spans_add(&list, at->kept_slots, sizeof(struct ledger_slot) << at->kept_bits);
    mr_spans_add(&list, at->transfers, ledger_high(ledger) * sizeof(struct ledger_transfer));
    mr_spans_add(&list, at->links, ledger_high(ledger) * sizeof(struct ledger_links));
    mr_spans_add(&list, at->history, ledger->balance_high * sizeof(struct ledger_balance));
    mr_spans_add(&list, at->pending, ledger->pending_high * sizeof(struct ledger_pending));
    mr_spans_add(&list, at->kept, ledger->kept_high * sizeof(struct ledger_transfer));
    mr_spans_add(&list, at->expiries, ledger->expiry_count * sizeof(struct mr_heap_key));
    return list.count;
}
