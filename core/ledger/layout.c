/*
 * Where everything lies in the state, how much it is, and what of it is in use.
 */
#include "core/ledger/layout.h"

#include "core/ledger/ids.h"

enum {
    ACCOUNTS_MAX = 1 << 28,
    TRANSFERS_MAX = 1 << 28,
    PENDING_MAX = 1 << 27,
    HISTORY_MAX = 1 << 28,
    LEDGERS_MAX = 1 << 16,
    SLOT_BITS_MIN = 4,
    ALIGNMENT = 64,
};

static uint64_t place(uint64_t *end, uint64_t count, uint64_t size)
{
    uint64_t offset = *end;
    *end = mr_align_up(offset + count * size, ALIGNMENT);
    return offset;
}

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
    place(end, 1, sizeof(struct mr_ledger));
    layout.units = place(end, config->ledgers_max, sizeof(struct ledger_unit));
    layout.unit_slots = place(end, UINT64_C(1) << layout.unit_bits, sizeof(struct ledger_slot));
    layout.account_slots =
        place(end, UINT64_C(1) << layout.account_bits, sizeof(struct ledger_slot));
    layout.accounts = place(end, config->accounts_max, sizeof(struct ledger_account));
    layout.buckets = place(end, UINT64_C(1) << layout.bucket_bits, sizeof(struct ledger_bucket));
    layout.kept_slots = place(end, UINT64_C(1) << layout.kept_bits, sizeof(struct ledger_slot));
    layout.transfers = place(end, ring, sizeof(struct ledger_transfer));
    layout.links = place(end, ring, sizeof(struct ledger_links));
    layout.history = place(end, history, sizeof(struct ledger_balance));
    layout.pending = place(end, pending, sizeof(struct ledger_pending));
    layout.kept = place(end, pending, sizeof(struct ledger_transfer));
    layout.expiries = place(end, pending, sizeof(struct ledger_expiry));
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

static bool within(uint32_t value, uint32_t max)
{
    return value >= 1 && value <= max;
}

uint64_t mr_ledger_state_size(const void *config_bytes)
{
    const struct mr_ledger_config *config = config_bytes;
    if (!within(config->accounts_max, ACCOUNTS_MAX) ||
        !within(config->transfers_max, TRANSFERS_MAX) ||
        !within(config->pending_max, PENDING_MAX) || !within(config->history_max, HISTORY_MAX) ||
        !within(config->ledgers_max, LEDGERS_MAX) || config->id_scheme > MR_LEDGER_IDS_FREE)
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
    ASSERT((uintptr_t)state % ALIGNMENT == 0);
    *ledger = (struct mr_ledger){
        .config = *config,
        .layout = mr_ledger_layout(config),
        .hash_key = {mr_mix64(config->hash_seed) | 1, mr_mix64(config->hash_seed + 1) | 1},
    };
}

/* -- What is in use. --------------------------------------------------------------------------- */

struct spans {
    struct mr_span *at;
    uint32_t limit, count;
};

/* Spans come in rising order and must not touch: one that continues the last one joins it. */
static void add(struct spans *spans, uint64_t offset, uint64_t count, uint64_t size)
{
    struct mr_span *last = spans->count == 0 ? NULL : &spans->at[spans->count - 1];
    if (count == 0)
        return;
    if (last != NULL && last->offset + last->size == offset) {
        last->size += count * size;
        return;
    }
    ASSERT(spans->count < spans->limit);
    spans->at[spans->count++] = (struct mr_span){offset, count * size};
}

uint32_t mr_ledger_used(const void *state, const void *config, struct mr_span *spans,
                        uint32_t limit)
{
    const struct mr_ledger *ledger = state;
    const struct ledger_layout *at = &ledger->layout;
    struct spans list = {.at = spans, .limit = limit};
    (void)config;
    add(&list, 0, 1, sizeof(struct mr_ledger));
    add(&list, at->units, ledger->unit_count, sizeof(struct ledger_unit));
    add(&list, at->unit_slots, UINT64_C(1) << at->unit_bits, sizeof(struct ledger_slot));
    add(&list, at->account_slots, UINT64_C(1) << at->account_bits, sizeof(struct ledger_slot));
    add(&list, at->accounts, ledger->account_count, sizeof(struct ledger_account));
    add(&list, at->buckets, UINT64_C(1) << at->bucket_bits, sizeof(struct ledger_bucket));
    add(&list, at->kept_slots, UINT64_C(1) << at->kept_bits, sizeof(struct ledger_slot));
    add(&list, at->transfers, ledger_high(ledger), sizeof(struct ledger_transfer));
    add(&list, at->links, ledger_high(ledger), sizeof(struct ledger_links));
    add(&list, at->history, ledger->balance_high, sizeof(struct ledger_balance));
    add(&list, at->pending, ledger->pending_high, sizeof(struct ledger_pending));
    add(&list, at->kept, ledger->kept_high, sizeof(struct ledger_transfer));
    add(&list, at->expiries, ledger->expiry_count, sizeof(struct ledger_expiry));
    return list.count;
}
