#include "tests/digests/ledger_script.h"

enum { ACCOUNTS = 60, LEDGERS = 3 };

void ledger_script_config(void *config_bytes)
{
    struct mr_ledger_config *config = config_bytes;
    mr_logic_ledger.config_default(config);
    config->accounts_max = ACCOUNTS - 3;
    config->transfers_max = 300;
    config->pending_max = 120;
    config->history_max = 100;
    config->ledgers_max = LEDGERS;
}

static bool chance(struct script *script, uint64_t of)
{
    return script_below(script, of) == 0;
}

/* -- Accounts. --------------------------------------------------------------------------------- */

/* Of ledger 1, 2 or 3, by what is left of it when it is divided by their number. */
static struct mr_u128 account_of(struct script *script, uint32_t ledger)
{
    return mr_u128_of(0, script_below(script, ACCOUNTS / LEDGERS) * LEDGERS + ledger);
}

static uint16_t account_flags(struct script *script)
{
    static const uint16_t flags[] = {
        0,
        0,
        MR_LEDGER_ACCOUNT_HISTORY,
        MR_LEDGER_ACCOUNT_DEBITS_LIMITED,
        MR_LEDGER_ACCOUNT_CREDITS_LIMITED | MR_LEDGER_ACCOUNT_HISTORY,
        MR_LEDGER_ACCOUNT_DEBITS_LIMITED | MR_LEDGER_ACCOUNT_CREDITS_LIMITED,
        1 << 12,
    };
    uint16_t linked = chance(script, 6) ? MR_LEDGER_ACCOUNT_LINKED : 0;
    return flags[script_below(script, sizeof flags / sizeof flags[0])] | linked;
}

/* Timestamps of imported events rise, mostly. */
static uint64_t imported_time(struct script *script)
{
    script->imported_ns += script_below(script, 20);
    return script->imported_ns;
}

static void account_create(struct script *script, void *room)
{
    struct mr_ledger_account *body = mr_command_body_mutable(
        script_command(room, MR_LEDGER_ACCOUNT_CREATE, sizeof(struct mr_ledger_account)));
    uint32_t ledger = 1 + (uint32_t)script_below(script, LEDGERS);
    body->id = account_of(script, ledger);
    body->ledger = chance(script, 50) ? LEDGERS + 1 : ledger;
    body->code = (uint16_t)(1 + script_below(script, 3));
    body->user_data_64 = script_below(script, 3);
    body->flags = account_flags(script);
    if (script->imported) {
        body->flags |= MR_LEDGER_ACCOUNT_IMPORTED;
        body->timestamp = imported_time(script);
    }
}

/* -- Transfers. -------------------------------------------------------------------------------- */

/* Those of pending ones are kept apart, so that enough of them are posted and voided. */
static struct mr_u128 *recent_id(struct script *script, bool pending)
{
    return &script->ids[script_below(script, SCRIPT_IDS / 2) + (pending ? SCRIPT_IDS / 2 : 0)];
}

/* Mostly of now; some of another time, and some that was there before. */
static struct mr_u128 transfer_id(struct script *script, bool pending)
{
    if (chance(script, 12)) {
        return *recent_id(script, pending);
    }
    uint64_t time_ms = script->time_ns / 1000000;
    time_ms += chance(script, 40) ? 2000 : 0;
    time_ms -= chance(script, 40) ? 60000 : 0;
    uint16_t high = (uint16_t)script_below(script, UINT16_MAX);
    struct mr_u128 id = mr_ledger_id(time_ms, high, mr_random_u64(&script->random));
    *recent_id(script, pending) = id;
    return id;
}

static struct mr_u128 amount(struct script *script)
{
    uint64_t what = script_below(script, 60);
    return what == 0   ? mr_u128_max()
           : what == 1 ? mr_u128_of(UINT64_MAX >> 1, script_below(script, 3))
                       : mr_u128_of(0, script_below(script, 100));
}

static uint16_t transfer_flags(struct script *script)
{
    static const uint16_t flags[] = {
        0,
        0,
        0,
        0,
        MR_LEDGER_PENDING,
        MR_LEDGER_PENDING,
        MR_LEDGER_POST,
        MR_LEDGER_VOID,
        MR_LEDGER_BALANCING_DEBIT,
        MR_LEDGER_BALANCING_CREDIT | MR_LEDGER_PENDING,
        MR_LEDGER_BALANCING_DEBIT | MR_LEDGER_BALANCING_CREDIT,
    };
    uint32_t rare = !chance(script, 60) ? 0 : UINT32_C(1) << script_below(script, 10);
    uint32_t linked = chance(script, 4) ? MR_LEDGER_LINKED : 0;
    return (uint16_t)(flags[script_below(script, sizeof flags / sizeof flags[0])] | rare | linked);
}

static void transfer_create(struct script *script, void *room)
{
    struct mr_ledger_transfer *body = mr_command_body_mutable(
        script_command(room, MR_LEDGER_TRANSFER_CREATE, sizeof(struct mr_ledger_transfer)));
    uint32_t ledger = 1 + (uint32_t)script_below(script, LEDGERS);
    body->flags = transfer_flags(script);
    body->id = transfer_id(script, (body->flags & MR_LEDGER_PENDING) != 0);
    body->amount = amount(script);
    if ((body->flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0) {
        body->pending_id = *recent_id(script, !chance(script, 20));
        body->amount = chance(script, 4)                     ? body->amount
                       : (body->flags & MR_LEDGER_POST) != 0 ? mr_u128_max()
                                                             : mr_u128_of(0, 0);
    } else {
        body->debit_account_id = account_of(script, ledger);
        body->credit_account_id =
            account_of(script, chance(script, 60) ? 1 + ledger % LEDGERS : ledger);
        body->ledger = ledger;
        body->code = 1;
        body->user_data_128 = mr_u128_of(0, script_below(script, 3));
    }
    if ((body->flags & MR_LEDGER_PENDING) != 0) {
        body->timeout = chance(script, 30) ? 0 : 1 + (uint32_t)script_below(script, 3);
    }
    if (script->imported && !chance(script, 20)) {
        body->flags |= MR_LEDGER_IMPORTED;
        body->timestamp = imported_time(script);
        body->timeout = 0;
    }
}

void ledger_script_command(struct script *script, void *room)
{
    /* Of one kind for as long as a batch lasts, mostly: those are one request. */
    bool accounts = script->left % 2 == 0 && script->left > SCRIPT_BATCH_MAX / 2;
    if (chance(script, 20) ? !accounts : accounts) {
        account_create(script, room);
    } else {
        transfer_create(script, room);
    }
}
