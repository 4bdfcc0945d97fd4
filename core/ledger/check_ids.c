/*
 * Every id leads to what it is of, and nothing else is found. What stands in a table is checked
 * before anything is looked for there.
 */
#include "core/ledger/check_parts.h"

/* Whether a value can stand in a table; and the hash that it must have there, then. */
typedef bool value_check(const struct mr_ledger *ledger, uint32_t value, uint32_t *hash);

/* How many entries a table has: each is there where a probe finds it, of which an empty slot is the
 * end. */
static bool check_table(const struct mr_ledger *ledger, const struct ledger_table *table,
                        value_check *check, uint64_t *entries)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i <= table->mask; i++) {
        const struct ledger_slot *slot = &table->slots[i];
        uint32_t hash = 0;
        if (slot->value != 0) {
            CHECK(check(ledger, slot->value, &hash));
            count++;
        }
        CHECK(slot->hash == hash);
    }
    *entries = count;
    return count <= table->mask;
}

/* -- Ledgers. ---------------------------------------------------------------------------------- */

static struct ledger_table unit_table(const struct mr_ledger *ledger)
{
    return ledger_table(ledger, ledger->layout.unit_slots, ledger->layout.unit_bits);
}

static bool check_unit(const struct mr_ledger *ledger, uint32_t value, uint32_t *hash)
{
    CHECK(value <= ledger->unit_count);
    *hash = ledger_hash(ledger, mr_u128_of(0, ledger_unit(ledger, value - 1)->ledger));
    return true;
}

/* The value that a ledger's number leads to. */
static uint32_t unit_find(const struct mr_ledger *ledger, uint32_t number)
{
    struct ledger_table table = unit_table(ledger);
    uint32_t i = ledger_hash(ledger, mr_u128_of(0, number)) >> table.shift;
    while (table.slots[i].value != 0 &&
           ledger_unit(ledger, table.slots[i].value - 1)->ledger != number)
        i = (i + 1) & table.mask;
    return table.slots[i].value;
}

static bool check_unit_ids(const struct mr_ledger *ledger)
{
    struct ledger_table table = unit_table(ledger);
    uint64_t entries;
    CHECK(check_table(ledger, &table, check_unit, &entries));
    for (uint32_t unit = 0; unit < ledger->unit_count; unit++)
        CHECK(unit_find(ledger, ledger_unit(ledger, unit)->ledger) == unit + 1);
    return entries == ledger->unit_count;
}

/* -- Accounts. --------------------------------------------------------------------------------- */

static bool check_account(const struct mr_ledger *ledger, uint32_t value, uint32_t *hash)
{
    CHECK(value <= ledger->account_count);
    *hash = ledger_hash(ledger, ledger_account(ledger, value)->id);
    return true;
}

static bool check_account_ids(const struct mr_ledger *ledger)
{
    struct ledger_table table = ledger_account_table(ledger);
    uint64_t entries;
    CHECK(check_table(ledger, &table, check_account, &entries));
    for (uint32_t number = 1; number <= ledger->account_count; number++)
        CHECK(mr_ledger_account_find(ledger, ledger_account(ledger, number)->id) == number);
    return entries == ledger->account_count;
}

/* -- Transfers. -------------------------------------------------------------------------------- */

static bool check_kept(const struct mr_ledger *ledger, uint32_t place, uint32_t *hash)
{
    CHECK(place >= 1 && place <= ledger->kept_high);
    const struct ledger_transfer *kept = ledger_kept(ledger, place);
    CHECK(kept->pending == place && ledger_pending(ledger, place)->ordinal == 0);
    *hash = ledger_hash(ledger, kept->id);
    return true;
}

static bool check_kept_ids(const struct mr_ledger *ledger)
{
    struct ledger_table table = ledger_kept_table(ledger);
    uint64_t entries;
    CHECK(check_table(ledger, &table, check_kept, &entries));
    for (uint64_t i = 0; i <= table.mask; i++) {
        const struct ledger_slot *slot = &table.slots[i];
        CHECK(slot->value == 0 ||
              mr_ledger_kept_find(ledger, slot->hash, ledger_kept(ledger, slot->value)->id) ==
                  ((uint32_t)LEDGER_KEPT | slot->value));
    }
    return entries == ledger->kept_count;
}

/* Whether an entry leads to a transfer. What has left the window may be anything. */
static bool leads(const struct mr_ledger *ledger, uint32_t hash, uint32_t ordinal)
{
    return ledger_in_window(ledger, ordinal) &&
           ledger_hash(ledger, ledger_transfer(ledger, ordinal)->id) == hash;
}

/* Whether an entry would be found in `bucket`: those between are full, or were, and know of it. */
static bool is_on_the_way(const struct mr_ledger *ledger, const struct ledger_bucket *bucket,
                          uint32_t hash)
{
    for (const struct ledger_bucket *at = ledger_bucket_home(ledger, hash); at != bucket;
         at = ledger_bucket_after(ledger, at))
        CHECK(ledger_in_window(ledger, at->spilled));
    return true;
}

/* How many transfers the buckets lead to. */
static bool check_buckets(const struct mr_ledger *ledger, uint64_t *entries)
{
    uint64_t count = 0;
    for (uint32_t at = 0; at < UINT32_C(1) << ledger->layout.bucket_bits; at++) {
        const struct ledger_bucket *bucket = ledger_bucket(ledger, at);
        CHECK(bucket->next < LEDGER_BUCKET);
        for (uint32_t i = 0; i < LEDGER_BUCKET; i++) {
            CHECK(bucket->ordinals[i] <= LEDGER_ORDINALS);
            if (!leads(ledger, bucket->hashes[i], bucket->ordinals[i]))
                continue;
            CHECK(is_on_the_way(ledger, bucket, bucket->hashes[i]));
            count++;
        }
    }
    *entries = count;
    return true;
}

/* What a post or a void has resolved after it had left the window is not known any more. */
static bool check_gone(const struct mr_ledger *ledger, const struct ledger_transfer *transfer)
{
    bool resolves = (transfer->flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0;
    bool is_gone = (transfer->pending & (uint32_t)LEDGER_KEPT) != 0 ||
                   !ledger_in_window(ledger, transfer->pending);
    return !resolves || !is_gone || mr_ledger_transfer_find(ledger, transfer->pending_id) == 0;
}

bool mr_ledger_check_ids(const struct mr_ledger *ledger, struct ledger_tally *tally)
{
    uint64_t entries;
    CHECK(check_unit_ids(ledger));
    CHECK(check_account_ids(ledger));
    CHECK(check_kept_ids(ledger));
    CHECK(check_buckets(ledger, &entries));
    for (uint32_t age = 0; age < ledger->count; age++) {
        uint32_t ordinal = ledger_ordinal_before(ledger->newest, age);
        const struct ledger_transfer *transfer = ledger_transfer(ledger, ordinal);
        CHECK(mr_ledger_transfer_find(ledger, transfer->id) == ordinal);
        CHECK(check_gone(ledger, transfer));
    }
    CHECK(entries == ledger->count);
    tally->kept = ledger->kept_count;
    return true;
}
