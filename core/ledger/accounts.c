/*
 * Creating accounts.
 */
#include "core/ledger/turn.h"

/* -- Ledgers. ---------------------------------------------------------------------------------- */

static struct ledger_table unit_table(const struct mr_ledger *ledger)
{
    return ledger_table(ledger, ledger->layout.unit_slots, ledger->layout.unit_bits);
}

static uint32_t unit_hash(const struct mr_ledger *ledger, uint32_t number)
{
    return ledger_hash(ledger, mr_u128_of(0, number));
}

/* The slot of the ledger with that number, or the empty one where it would be inserted. Values are
 * places, plus 1. */
static struct ledger_slot *unit_slot(const struct mr_ledger *ledger,
                                     const struct ledger_table *table, uint32_t number)
{
    uint32_t i = unit_hash(ledger, number) >> table->shift;
    while (table->slots[i].value != 0 &&
           ledger_unit(ledger, table->slots[i].value - 1)->ledger != number)
        i = (i + 1) & table->mask;
    return &table->slots[i];
}

/* -- Creating. --------------------------------------------------------------------------------- */

static uint32_t check_fields(const struct mr_ledger_account *asked)
{
    uint32_t limits = MR_LEDGER_ACCOUNT_DEBITS_LIMITED | MR_LEDGER_ACCOUNT_CREDITS_LIMITED;
    if ((asked->flags & limits) == limits)
        return MR_LEDGER_FLAGS_ARE_MUTUALLY_EXCLUSIVE;
    if (!mr_u128_is_zero(asked->debits_pending))
        return MR_LEDGER_DEBITS_PENDING_MUST_BE_ZERO;
    if (!mr_u128_is_zero(asked->debits_posted))
        return MR_LEDGER_DEBITS_POSTED_MUST_BE_ZERO;
    if (!mr_u128_is_zero(asked->credits_pending))
        return MR_LEDGER_CREDITS_PENDING_MUST_BE_ZERO;
    if (!mr_u128_is_zero(asked->credits_posted))
        return MR_LEDGER_CREDITS_POSTED_MUST_BE_ZERO;
    if (asked->ledger == 0)
        return MR_LEDGER_LEDGER_MUST_NOT_BE_ZERO;
    if (asked->code == 0)
        return MR_LEDGER_CODE_MUST_NOT_BE_ZERO;
    return 0;
}

/* Timestamps of accounts rise, and no transfer has the same. */
static bool regresses(const struct mr_ledger *ledger, uint64_t timestamp)
{
    return timestamp <= ledger->account_time || mr_ledger_transfer_has_time(ledger, timestamp);
}

static uint32_t check(const struct mr_ledger *ledger, const struct mr_ledger_account *asked,
                      const struct ledger_turn *turn)
{
    uint32_t reason = check_fields(asked);
    if (reason != 0)
        return reason;
    if (turn->imported && regresses(ledger, asked->timestamp))
        return MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_REGRESS;
    return ledger->account_count == ledger->config.accounts_max ? MR_LEDGER_ACCOUNTS_FULL : 0;
}

/* The place of the ledger with that number, which is made if there is room; else false. */
static bool take_unit(struct mr_ledger *ledger, uint32_t number, uint32_t *unit)
{
    struct ledger_table table = unit_table(ledger);
    struct ledger_slot *slot = unit_slot(ledger, &table, number);
    if (slot->value == 0) {
        if (ledger->unit_count == ledger->config.ledgers_max)
            return false;
        *ledger_unit(ledger, ledger->unit_count) = (struct ledger_unit){.ledger = number};
        *slot = (struct ledger_slot){unit_hash(ledger, number), ++ledger->unit_count};
    }
    *unit = slot->value - 1;
    ledger_unit(ledger, *unit)->accounts++;
    return true;
}

uint32_t mr_ledger_account_apply(struct mr_ledger *ledger, const struct mr_ledger_account *asked,
                                 struct ledger_turn *turn)
{
    uint32_t reason =
        ledger_check_time(turn, (asked->flags & MR_LEDGER_ACCOUNT_IMPORTED) != 0, asked->timestamp);
    if (reason != 0)
        return reason;
    if (asked->reserved != 0)
        return MR_LEDGER_RESERVED_FIELD;
    if ((asked->flags & ~MR_LEDGER_ACCOUNT_FLAGS_ALL) != 0)
        return MR_LEDGER_RESERVED_FLAG;
    if (mr_u128_is_zero(asked->id))
        return MR_LEDGER_ID_MUST_NOT_BE_ZERO;
    if (mr_u128_is_max(asked->id))
        return MR_LEDGER_ID_MUST_NOT_BE_INT_MAX;
    struct ledger_table table = ledger_account_table(ledger);
    uint32_t hash = ledger_hash(ledger, asked->id);
    struct ledger_slot *slot = ledger_account_slot(ledger, &table, hash, asked->id);
    if (slot->value != 0) {
        const struct ledger_account *existing = ledger_account(ledger, slot->value);
        reason = mr_ledger_account_exists(ledger, asked, existing);
        turn->told = reason == MR_LEDGER_EXISTS ? existing->timestamp : turn->told;
        return reason;
    }
    reason = check(ledger, asked, turn);
    if (reason != 0)
        return reason;
    uint32_t unit;
    if (!take_unit(ledger, asked->ledger, &unit))
        return MR_LEDGER_LEDGERS_FULL;
    turn->told = turn->imported ? asked->timestamp : turn->now;
    *slot = (struct ledger_slot){hash, ++ledger->account_count};
    *ledger_account(ledger, ledger->account_count) = (struct ledger_account){
        .id = asked->id,
        .user_data_128 = asked->user_data_128,
        .user_data_64 = asked->user_data_64,
        .timestamp = turn->told,
        .user_data_32 = asked->user_data_32,
        .unit = (uint16_t)unit,
        .code = asked->code,
        .flags = asked->flags,
    };
    ledger->account_time = turn->told;
    return 0;
}

void mr_ledger_account_undo(struct mr_ledger *ledger)
{
    const struct ledger_account *account = ledger_account(ledger, ledger->account_count);
    struct ledger_unit *unit = ledger_unit(ledger, account->unit);
    struct ledger_table table = ledger_account_table(ledger);
    ledger_slot_remove(
        &table, ledger_slot_of(&table, ledger_hash(ledger, account->id), ledger->account_count));
    if (--unit->accounts == 0) { /* then it was made for this account, and is the last one */
        ASSERT(account->unit == ledger->unit_count - 1);
        table = unit_table(ledger);
        ledger_slot_remove(&table, unit_slot(ledger, &table, unit->ledger));
        ledger->unit_count--;
    }
    ledger->account_count--;
    ledger->account_time =
        ledger->account_count == 0 ? 0 : ledger_account(ledger, ledger->account_count)->timestamp;
}

bool mr_ledger_account_has_time(const struct mr_ledger *ledger, uint64_t timestamp)
{
    uint32_t low = 1, high = ledger->account_count + 1; /* the first one that is not below it */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ledger_account(ledger, middle)->timestamp < timestamp)
            low = middle + 1;
        else
            high = middle;
    }
    return low <= ledger->account_count && ledger_account(ledger, low)->timestamp == timestamp;
}
