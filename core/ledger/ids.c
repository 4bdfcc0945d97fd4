#include "core/ledger/ids.h"

uint32_t mr_ledger_account_find(const struct mr_ledger *ledger, struct mr_u128 id)
{
    struct ledger_table table = ledger_account_table(ledger);
    return ledger_account_slot(ledger, &table, ledger_hash(ledger, id), id)->value;
}

uint32_t mr_ledger_transfer_find(const struct mr_ledger *ledger, struct mr_u128 id)
{
    return ledger_transfer_find(ledger, ledger_home(ledger, id), id);
}

uint32_t mr_ledger_kept_find(const struct mr_ledger *ledger, uint32_t hash, struct mr_u128 id)
{
    struct ledger_table table = ledger_kept_table(ledger);
    for (uint32_t i = hash >> table.shift; table.slots[i].value != 0; i = (i + 1) & table.mask) {
        uint32_t place = table.slots[i].value;
        if (table.slots[i].hash == hash && mr_u128_equal(ledger_kept(ledger, place)->id, id))
            return (uint32_t)LEDGER_KEPT | place;
    }
    return 0;
}

void mr_ledger_kept_add(struct mr_ledger *ledger, uint32_t place)
{
    struct ledger_table table = ledger_kept_table(ledger);
    uint32_t hash = ledger_hash(ledger, ledger_kept(ledger, place)->id);
    uint32_t i = hash >> table.shift;
    while (table.slots[i].value != 0)
        i = (i + 1) & table.mask;
    table.slots[i] = (struct ledger_slot){hash, place};
    ledger->kept_count++;
}

void mr_ledger_kept_remove(struct mr_ledger *ledger, uint32_t place)
{
    struct ledger_table table = ledger_kept_table(ledger);
    uint32_t hash = ledger_hash(ledger, ledger_kept(ledger, place)->id);
    ledger_slot_remove(&table, ledger_slot_of(&table, hash, place));
    ledger->kept_count--;
}

void mr_ledger_bucket_clear(struct mr_ledger *ledger, uint32_t hash, uint32_t ordinal,
                            uint32_t remaining)
{
    struct ledger_bucket *bucket = ledger_bucket_home(ledger, hash);
    for (;; bucket = ledger_bucket_after(ledger, bucket)) {
        for (uint32_t i = 0; i < LEDGER_BUCKET; i++) {
            if (bucket->hashes[i] == hash && bucket->ordinals[i] == ordinal) {
                bucket->ordinals[i] = 0;
                return;
            }
        }
        /* Else it would stand here. What passed by before the chain may still be there. */
        ASSERT(bucket->spilled == remaining ||
               ledger_age(bucket->spilled, ordinal) < LEDGER_BATCH_MAX);
        bucket->spilled = remaining;
    }
}
