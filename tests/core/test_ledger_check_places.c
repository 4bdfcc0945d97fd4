/* Every invariant can be broken, and is found broken: header, ids, places of what is pending. */
#include "tests/core/ledger_rich.h"

/* -- The header. ------------------------------------------------------------------------------- */

static void counts_of_the_header(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    FOUND(ledger->config.accounts_max, 65);
    FOUND(ledger->layout.ring, ledger->layout.ring + 1);
    FOUND(ledger->hash_key[0], ledger->hash_key[0] + 2);
    FOUND(ledger->hash_key[1], ledger->hash_key[1] + 2);
    FOUND(ledger->time_ns, ledger->transfer_time - 1);
    FOUND(ledger->account_time, ledger->account_time + 1);
    FOUND(ledger->transfer_time, ledger->transfer_time + 1);
    FOUND(ledger->forgotten_time, ledger->transfer_time - 1);
    FOUND(ledger->transfers, 10);
    FOUND(ledger->transfers, UINT64_MAX);
    FOUND(ledger->floor, ID(0));
    FOUND(ledger->floor, ID(1)); /* below what is kept */
    FOUND(ledger->unit_count, 1);
    FOUND(ledger->unit_count, 3);
    FOUND(ledger->unit_count, UINT32_MAX);
    FOUND(ledger->account_count, ledger->account_count - 1);
    FOUND(ledger->account_count, UINT32_MAX);
    FOUND(ledger->kept_high, 0);
    FOUND(ledger->kept_high, ledger->pending_high + 1);
}

static void where_the_window_is(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    FOUND(ledger->newest, 0);
    FOUND(ledger->newest, ledger->newest + 1);
    FOUND(ledger->newest, UINT32_MAX);
    FOUND(ledger->count, ledger->count - 1);
    FOUND(ledger->count, ledger->count + 1);
    FOUND(ledger->balance_newest, ledger->balance_newest + 1);
    FOUND(ledger->balance_count, RICH_HISTORY + 1);
    FOUND(ledger->balance_newest, 0);
    FOUND(ledger->balance_high, 1);
    FOUND(ledger->balance_high, ledger->layout.history_ring + 1);
}

static void requests_that_cannot_be_under_way(void **state)
{
    struct ledger_rig *rig = *state;
    struct ledger_request *request = &rig->ledger->request;
    FOUND(request->type, 99);
    FOUND(request->imported, 2);
    FOUND(request->reserved, 1);
    const struct ledger_request good = {.type = MR_LEDGER_TRANSFER_CREATE,
                                        .chain_next = 5,
                                        .chain_count = 3,
                                        .chain_at = 1,
                                        .chain_failed = LEDGER_BATCH_MAX};
    const struct ledger_request before = *request;
    *request = good;
    ledger_check(rig);
    FOUND(request->chain_at, 0);
    FOUND(request->chain_at, 3);
    FOUND(request->chain_count, LEDGER_BATCH_MAX + 1);
    FOUND(request->chain_open, 2);
    FOUND(request->chain_failed, 3);
    FOUND(request->chain_failed, 1); /* without a reason */
    *request = before;
}

/* With next to nothing, where little else gives a damage away. */
static void a_header_of_hardly_anything(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    struct ledger_account *account = account_of(rig, 4);
    FOUND(ledger->newest, UINT32_MAX);
    FOUND(ledger->count, 1);
    FOUND(ledger->count, UINT32_MAX);
    FOUND(ledger->balance_newest, UINT32_MAX);
    FOUND(ledger->balance_count, 1);
    FOUND(ledger->pending_count, 1);
    FOUND(ledger->pending_high, 1);
    FOUND(ledger->pending_high, UINT32_MAX);
    FOUND(ledger->expiry_count, 1);
    FOUND(ledger->transfers, 1);
    FOUND(ledger->transfer_time, 1);
    FOUND(ledger->forgotten_time, 1);
    FOUND(ledger->floor, ID(1)); /* and nothing that could have been forgotten */
    FOUND(account->last, (uint32_t)LEDGER_CREDIT);
    FOUND(account->flags, 6);
    FOUND(account->balances.debits_posted, ID(1));
    account->timestamp = ledger->account_time = ledger->time_ns + 1;
    IS_FOUND(rig);
    account->timestamp = ledger->account_time = ledger->time_ns;
    FOUND(rig->config.hash_seed, 1);
}

/* More than may be: where the limit is less, and all else is as it was. */
static void more_than_there_may_be(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    ledger->config.transfers_max = --rig->config.transfers_max;
    IS_FOUND(rig);
    ledger->config.transfers_max = ++rig->config.transfers_max;
    ledger->config.history_max = --rig->config.history_max;
    IS_FOUND(rig);
    ledger->config.history_max = ++rig->config.history_max;
}

/* -- Ids. -------------------------------------------------------------------------------------- */

static struct ledger_slot *empty_slot(const struct ledger_table *table, uint32_t after)
{
    uint32_t i = (after + 1) & table->mask;
    while (table->slots[i].value != 0 ||
           table->slots[(i - 1) & table->mask].value != 0) /* nobody probes it */
        i = (i + 1) & table->mask;
    return &table->slots[i];
}

/* What holds of the slots of all tables. `other` is a value that is another one's. */
static void break_slots(struct ledger_rig *rig, const struct ledger_table *table,
                        struct ledger_slot *slot, uint32_t other)
{
    struct ledger_slot *empty = empty_slot(table, (uint32_t)(slot - table->slots));
    FOUND(slot->hash, slot->hash ^ 1);
    FOUND(slot->value, other);
    FOUND(slot->value, UINT32_MAX);
    FOUND(slot->value, 0x7ffffffe);
    FOUND(*slot, ((struct ledger_slot){0, 0}));
    FOUND(*empty, *slot);
    FOUND(empty->hash, 1);
    struct ledger_slot moved = *slot;
    *slot = (struct ledger_slot){0, 0};
    *empty = moved; /* where no probe comes by */
    IS_FOUND(rig);
    *empty = (struct ledger_slot){0, 0};
    *slot = moved;
    ledger_check(rig);
}

static void slots_of_ledgers_accounts_and_kept_transfers(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    struct ledger_table units =
        ledger_table(ledger, ledger->layout.unit_slots, ledger->layout.unit_bits);
    struct ledger_table accounts = ledger_account_table(ledger);
    struct ledger_table keeps = ledger_kept_table(ledger);
    break_slots(rig, &units, ledger_slot_of(&units, ledger_hash(ledger, ID(OTHER_UNIT)), 2), 1);
    uint32_t account = mr_ledger_account_find(ledger, ID(PLAIN_B));
    break_slots(rig, &accounts,
                ledger_slot_of(&accounts, ledger_hash(ledger, ID(PLAIN_B)), account), account + 1);
    uint32_t place = rich_find_kept(rig);
    uint32_t hash = ledger_hash(ledger, ledger_kept(ledger, place)->id);
    struct ledger_slot *slot = ledger_slot_of(&keeps, hash, place);
    break_slots(rig, &keeps, slot, ledger->pending_free);
    FOUND(slot->value, place + 1);
    FOUND(slot->value, ledger->kept_high + 1);
    FOUND(ledger->kept_count, ledger->kept_count + 1);
}

/* The bucket that the newest transfer stands in, and where. */
static struct ledger_bucket *newest_bucket(const struct mr_ledger *ledger, uint32_t *place)
{
    uint32_t hash = ledger_hash(ledger, ledger_transfer(ledger, ledger->newest)->id);
    struct ledger_bucket *bucket = ledger_bucket_home(ledger, hash);
    for (;; bucket = ledger_bucket_after(ledger, bucket)) {
        for (*place = 0; *place < LEDGER_BUCKET; (*place)++)
            if (bucket->ordinals[*place] == ledger->newest)
                return bucket;
    }
}

static void buckets_of_transfers(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    uint32_t place;
    struct ledger_bucket *bucket = newest_bucket(ledger, &place);
    FOUND(bucket->hashes[place], bucket->hashes[place] ^ 1);
    FOUND(bucket->ordinals[place], 0);
    FOUND(bucket->ordinals[place], ledger->newest - 1);
    FOUND(bucket->ordinals[place], (uint32_t)LEDGER_ORDINALS + 2);
    FOUND(bucket->next, LEDGER_BUCKET);
    struct ledger_bucket whole = *bucket;
    uint32_t other = (place + 1) % LEDGER_BUCKET; /* it stands in two places */
    bucket->hashes[other] = bucket->hashes[place];
    bucket->ordinals[other] = ledger->newest;
    IS_FOUND(rig);
    *bucket = whole;
    ledger_check(rig);
    uint32_t mask = (UINT32_C(1) << ledger->layout.bucket_bits) - 1;
    uint32_t at = (uint32_t)(bucket - ledger_bucket(ledger, 0));
    struct ledger_bucket *next = ledger_bucket(ledger, (at + 1) & mask);
    struct ledger_bucket next_whole = *next;
    next->hashes[0] = bucket->hashes[place]; /* further on, and nobody knows of it */
    next->ordinals[0] = ledger->newest;
    bucket->ordinals[place] = 0;
    IS_FOUND(rig);
    bucket->spilled = ledger->newest;
    if (next_whole.ordinals[0] == 0)
        ledger_check(rig);
    *next = next_whole;
    *bucket = whole;
    ledger_check(rig);
}

/* An id twice: whatever comes later is never found. */
static void two_with_one_id(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    struct ledger_transfer *transfer = ledger_transfer(ledger, ledger->newest);
    FOUND(transfer->id, ledger_transfer(ledger, ledger->newest - 1)->id);
    struct ledger_account *account = account_of(rig, PLAIN_A);
    FOUND(account->id, ID(PLAIN_B));
}

/* -- Pending transfers. ------------------------------------------------------------------------ */

static void places_of_pending_transfers(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    uint32_t ordinal = rich_find(rig, MR_LEDGER_PENDING, MR_LEDGER_STATE_PENDING);
    struct ledger_transfer *transfer = ledger_transfer(ledger, ordinal);
    struct ledger_pending *pending = ledger_pending(ledger, transfer->pending);
    FOUND(transfer->pending, transfer->pending + 1);
    FOUND(transfer->pending, ledger->pending_free);
    FOUND(transfer->amount.low, transfer->amount.low + 1);
    FOUND(transfer->amount.high, 1);
    FOUND(transfer->state, MR_LEDGER_STATE_VOIDED);
    FOUND(transfer->timeout, transfer->timeout + 1);
    FOUND(pending->ordinal, 0);
    FOUND(pending->ordinal, ordinal - 1);
    FOUND(pending->ordinal, (uint32_t)LEDGER_KEPT);
    FOUND(pending->link, 1);
    FOUND(pending->padding, 1);
    FOUND(pending->expiry, pending->expiry == 0 ? 1 : 0);
    FOUND(pending->expiry, ledger->expiry_count + 1);
    FOUND(ledger->pending_count, ledger->pending_count - 1);
    FOUND(ledger->pending_count, rig->config.pending_max + 1);
    FOUND(ledger->pending_high, ledger->pending_high + 1);
    FOUND(ledger->pending_high, UINT32_MAX);
}

static void transfers_that_are_kept(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    uint32_t place = rich_find_kept(rig);
    struct ledger_transfer *kept = ledger_kept(ledger, place);
    FOUND(kept->id, ID(77777));
    FOUND(kept->amount.low, kept->amount.low + 1);
    FOUND(kept->debit, kept->debit + 1);
    FOUND(kept->debit, 0);
    FOUND(kept->credit, kept->debit);
    FOUND(kept->state, MR_LEDGER_STATE_POSTED);
    FOUND(kept->pending, place + 1);
    FOUND(kept->marks, LEDGER_FAILED);
    FOUND(kept->timestamp, ledger->transfer_time);
    FOUND(kept->flags, kept->flags ^ MR_LEDGER_CLOSING_DEBIT);
    FOUND(kept->flags, kept->flags ^ MR_LEDGER_CLOSING_CREDIT);
    FOUND(ledger_pending(ledger, place)->ordinal, ledger->newest);
    FOUND(ledger_pending(ledger, place)->link, 1);
}

static void places_that_are_free(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    struct ledger_pending *first = ledger_pending(ledger, ledger->pending_free);
    uint32_t used =
        ledger_transfer(ledger, rich_find(rig, MR_LEDGER_PENDING, MR_LEDGER_STATE_PENDING))
            ->pending;
    FOUND(ledger->pending_free, 0);
    FOUND(ledger->pending_free, first->link);
    FOUND(ledger->pending_free, used);
    FOUND(ledger->pending_free, ledger->pending_high + 1);
    FOUND(first->link, ledger->pending_free); /* round and round */
    FOUND(first->link, used);
    FOUND(first->ordinal, ledger->newest);
    FOUND(first->ordinal, 1);
    FOUND(first->expiry, 1);
    FOUND(first->padding, 1);
}

static void the_heap_of_those_that_expire(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger *ledger = rig->ledger;
    struct mr_heap_key *heap = ledger_expiries(ledger).keys;
    FOUND(heap[1].due_ns, heap[1].due_ns + 1);
    FOUND(heap[2].due_ns, heap[2].due_ns - 1);
    FOUND(heap[1].order, heap[1].order - 1);
    FOUND(heap[1].node, heap[2].node);
    FOUND(heap[1].node, ledger->pending_free);
    FOUND(heap[1].node, ledger->pending_high + 1);
    FOUND(heap[1].node, 0);
    FOUND(heap[ledger->expiry_count + 1].node, 1);
    FOUND(heap[1].reserved, 1);
    FOUND(ledger->expiry_count, ledger->expiry_count - 1);
    FOUND(ledger->expiry_count, ledger->expiry_count + 1);
    FOUND(ledger->expiry_count, ledger->pending_count + 1);
    FOUND(ledger->expiry_token, 1);
    FOUND(ledger->expiry_armed, heap[1].due_ns + 1);
    struct mr_heap_key first = heap[1], second = heap[2];
    heap[1] = second; /* two have changed places, and know it */
    heap[2] = first;
    ledger_pending(ledger, heap[1].node)->expiry = 1;
    ledger_pending(ledger, heap[2].node)->expiry = 2;
    IS_FOUND(rig);
    heap[1] = first;
    heap[2] = second;
    ledger_pending(ledger, heap[1].node)->expiry = 1;
    ledger_pending(ledger, heap[2].node)->expiry = 2;
}

/* -- Anything. --------------------------------------------------------------------------------- */

/* Whatever bit is turned anywhere in what is in use, checking comes to an end, right or wrong. */
static void a_damaged_state_is_no_danger_to_whoever_checks_it(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_random random;
    struct mr_span spans[32];
    uint32_t found = 0, count = mr_logic_ledger.used(rig->ledger, &rig->config, spans, 32);
    mr_random_init(&random, 7);
    for (uint32_t i = 0; i < 3000; i++) {
        const struct mr_span *span = &spans[mr_random_below(&random, count)];
        uint64_t at = span->offset + mr_random_below(&random, span->size);
        unsigned char *byte = (unsigned char *)rig->ledger + at;
        unsigned char bit = (unsigned char)(1U << mr_random_below(&random, 8));
        *byte ^= bit;
        found += !mr_logic_ledger.check(rig->ledger, &rig->config);
        *byte ^= bit;
    }
    assert_true(found > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKEN(counts_of_the_header),
        BROKEN(where_the_window_is),
        BROKEN(requests_that_cannot_be_under_way),
        SCENARIO(a_header_of_hardly_anything),
        BROKEN(more_than_there_may_be),
        BROKEN(slots_of_ledgers_accounts_and_kept_transfers),
        BROKEN(buckets_of_transfers),
        BROKEN(two_with_one_id),
        BROKEN(places_of_pending_transfers),
        BROKEN(transfers_that_are_kept),
        BROKEN(places_that_are_free),
        BROKEN(the_heap_of_those_that_expire),
        BROKEN(a_damaged_state_is_no_danger_to_whoever_checks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
