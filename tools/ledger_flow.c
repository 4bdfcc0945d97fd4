#include "tools/ledger_flow.h"

#include "base/assert.h"

#include <stdlib.h>

enum { CODES = 8, ACCOUNT_CODE = 10, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

/* A prime above any number of accounts, so that multiplying by it leads to each of them once. */
#define SCATTER UINT64_C(2654435761)

static uint64_t below(struct ledger_flow *flow, uint64_t bound)
{
    return mr_random_below(&flow->random, bound);
}

/* Draws no number for what is not asked for. */
static bool percent(struct ledger_flow *flow, uint64_t share)
{
    return share > 0 && below(flow, 100) < share;
}

void ledger_flow_free(struct ledger_flow *flow)
{
    free(flow->open);
    *flow = (struct ledger_flow){0};
}

int ledger_flow_init(struct ledger_flow *flow, const struct ledger_spec *spec,
                     struct mr_error *error)
{
    *flow = (struct ledger_flow){
        .spec = *spec,
        .transfers_left = spec->key_transfers,
        .time_ns_now = spec->key_start * NS_PER_S,
        .gap_ns = UINT64_C(2) * NS_PER_S / spec->key_rate,
        .open = calloc(LEDGER_OPEN_MAX, sizeof *flow->open),
    };
    if (flow->open == NULL)
        return mr_error_set(error, MR_E_NO_MEMORY, "gen: no memory for pending transfers");
    mr_random_init(&flow->random, spec->key_seed);
    return MR_OK;
}

/* -- Choosing. --------------------------------------------------------------------------------- */

/* One of `count`, some likelier than others: with the likelihood `skew` one of a tenth of them, and
 * within that tenth again. Those that are likely lie scattered. */
static uint64_t draw_skewed(struct ledger_flow *flow, uint64_t count)
{
    uint64_t range = count;
    if (flow->spec.key_skew == 0)
        return below(flow, count);
    while (range > 1 && below(flow, 100) < flow->spec.key_skew)
        range = (range + 9) / 10;
    return below(flow, range) * SCATTER % count;
}

/* Two accounts of one ledger: the accounts take turns among the ledgers. */
static void draw_accounts(struct ledger_flow *flow, struct mr_ledger_transfer *transfer)
{
    uint64_t accounts = flow->spec.key_accounts, ledgers = flow->spec.key_ledgers;
    uint64_t debit = draw_skewed(flow, accounts);
    uint64_t ledger = debit % ledgers;
    uint64_t among = (accounts - ledger + ledgers - 1) / ledgers;
    uint64_t place = draw_skewed(flow, among);
    if (place == debit / ledgers)
        place = (place + 1) % among;
    transfer->debit_account_id = mr_u128_of(0, debit + 1);
    transfer->credit_account_id = mr_u128_of(0, ledger + place * ledgers + 1);
    transfer->ledger = (uint32_t)ledger + 1;
    transfer->code = (uint16_t)(1 + below(flow, CODES));
}

/* Time-ordered: in each millisecond random at first, then counting. */
static struct mr_u128 draw_id(struct ledger_flow *flow)
{
    uint64_t time_ms = flow->time_ns / NS_PER_MS;
    if (mr_u128_is_zero(flow->id) || time_ms > mr_ledger_id_time_ms(flow->id)) {
        uint64_t high = mr_random_u64(&flow->random);
        /* Its highest bit stays free, for counting. */
        flow->id = mr_ledger_id(time_ms, high & 0x7fff, mr_random_u64(&flow->random));
    } else {
        (void)mr_u128_add(flow->id, mr_u128_of(0, 1), &flow->id);
    }
    return flow->id;
}

/* -- Transfers. -------------------------------------------------------------------------------- */

/* A first phase. It is resolved some day, or has a timeout and is not. */
static void make_pending(struct ledger_flow *flow, struct mr_ledger_transfer *transfer)
{
    transfer->flags = MR_LEDGER_PENDING;
    if (percent(flow, flow->spec.key_expire)) {
        transfer->timeout = (uint32_t)flow->spec.key_timeout;
        flow->expected_expiries++;
        return;
    }
    flow->open[flow->open_count++] =
        (struct flow_open){.id = transfer->id, .amount = transfer->amount.low};
}

/* A second phase: of any that is open. It leaves out what it can. */
static void make_resolution(struct ledger_flow *flow, struct mr_ledger_transfer *transfer)
{
    uint64_t place = below(flow, flow->open_count);
    struct flow_open open = flow->open[place];
    flow->open[place] = flow->open[--flow->open_count];
    *transfer = (struct mr_ledger_transfer){.id = draw_id(flow), .pending_id = open.id};
    uint64_t way = below(flow, 100);
    if (way < flow->spec.key_void) {
        transfer->flags = MR_LEDGER_VOID;
        return;
    }
    transfer->flags = MR_LEDGER_POST;
    transfer->amount = way < flow->spec.key_void + flow->spec.key_partial
                           ? mr_u128_of(0, below(flow, open.amount + 1))
                           : mr_u128_max();
}

/* A transfer whose accounts are the same: it fails, and takes its chain with it. */
static void end_chain(struct ledger_flow *flow, struct mr_ledger_transfer *transfer)
{
    if (!flow->chain_breaks)
        return;
    transfer->credit_account_id = transfer->debit_account_id;
    flow->expected_rejects += flow->spec.key_chain;
}

/* Begins a chain so often that the asked-for share of transfers belongs to one. */
static void begin_chain(struct ledger_flow *flow)
{
    uint64_t length = flow->spec.key_chain, share = flow->spec.key_chains;
    if (share == 0 || flow->batch_left < length ||
        below(flow, 100 * length - share * (length - 1)) >= share)
        return;
    flow->chain_left = length;
    flow->chain_breaks = percent(flow, flow->spec.key_broken);
}

static void make_transfer(struct ledger_flow *flow, struct mr_ledger_transfer *transfer)
{
    uint64_t pending = flow->spec.key_pending;
    if (flow->chain_left == 0)
        begin_chain(flow);
    bool alone = flow->chain_left == 0;
    if (alone && !mr_u128_is_zero(flow->last.id) && percent(flow, flow->spec.key_repeat)) {
        *transfer = flow->last;
        flow->expected_rejects++;
        return;
    }
    uint64_t phase = alone && pending > 0 ? below(flow, 100) : 100;
    if (phase >= pending && phase < 2 * pending && flow->open_count > 0) {
        make_resolution(flow, transfer);
        return;
    }
    *transfer = (struct mr_ledger_transfer){
        .id = draw_id(flow),
        .amount = mr_u128_of(0, 1 + below(flow, 2 * flow->spec.key_amount - 1)),
    };
    draw_accounts(flow, transfer);
    if (!alone && --flow->chain_left > 0)
        transfer->flags = MR_LEDGER_LINKED;
    else if (!alone)
        end_chain(flow, transfer);
    else if (phase < pending && flow->open_count < LEDGER_OPEN_MAX)
        make_pending(flow, transfer);
    else
        flow->last = *transfer;
}

static void make_account(struct ledger_flow *flow, struct mr_ledger_account *account)
{
    uint64_t number = flow->requests; /* from 1 */
    *account = (struct mr_ledger_account){
        .id = mr_u128_of(0, number),
        .ledger = (uint32_t)((number - 1) % flow->spec.key_ledgers) + 1,
        .code = ACCOUNT_CODE,
    };
    if (percent(flow, flow->spec.key_limits))
        account->flags |= MR_LEDGER_ACCOUNT_DEBITS_LIMITED;
    if (percent(flow, flow->spec.key_history))
        account->flags |= MR_LEDGER_ACCOUNT_HISTORY;
}

/* -- Commands. --------------------------------------------------------------------------------- */

static void begin_batch(struct ledger_flow *flow, uint64_t left)
{
    if (flow->batch_left > 0)
        return;
    flow->batch_left = left < flow->spec.key_batch ? left : flow->spec.key_batch;
    flow->time_ns = flow->time_ns_now;
}

bool ledger_flow_next(struct ledger_flow *flow, uint64_t session, struct mr_command *command)
{
    bool sets_up = flow->requests < flow->spec.key_accounts;
    if (!sets_up && flow->transfers_left == 0)
        return false;
    flow->time_ns_now += below(flow, flow->gap_ns + 1);
    begin_batch(flow, sets_up ? flow->spec.key_accounts - flow->requests : flow->transfers_left);
    flow->requests++;
    _Static_assert(sizeof(struct mr_ledger_account) == sizeof(struct mr_ledger_transfer), "");
    *command = (struct mr_command){
        .length = MR_COMMAND_HEADER + sizeof(struct mr_ledger_transfer),
        .type = sets_up ? MR_LEDGER_ACCOUNT_CREATE : MR_LEDGER_TRANSFER_CREATE,
        .role = MR_ROLE_USER,
        .time_ns = flow->time_ns,
        .session = session,
        .request = flow->requests,
    };
    if (sets_up) {
        make_account(flow, mr_command_body_mutable(command));
    } else {
        make_transfer(flow, mr_command_body_mutable(command));
        flow->transfers_left--;
    }
    command->more = --flow->batch_left > 0;
    return true;
}
