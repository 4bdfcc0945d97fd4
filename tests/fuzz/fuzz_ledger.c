/*
 * Commands to the ledger. An input is two bytes that say what the ledger is like, then twelve for
 * each command, which choose among few ids, amounts and times, so that commands meet. The ledger
 * must answer as the naive one of tests/core does, and every invariant must hold.
 */
#include "tests/core/ledger_pair.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

enum { COMMAND_BYTES = 12, BATCH_MAX = 64, ACCOUNTS = 6, MILLISECOND = 1000000 };

#define TIME_FIRST (UINT64_C(1700000000) * 1000 * MILLISECOND)

static struct ledger_setting setting_of(const uint8_t *bytes)
{
    static const uint32_t transfers_max[] = {1, 8, 16, 64};
    static const uint32_t pending_max[] = {1, 4, 16, 64};
    struct ledger_setting setting = {.in_image = (bytes[0] & 1) != 0};
    mr_logic_ledger.config_default(&setting.config);
    setting.config.id_scheme = bytes[0] >> 1 & 1;
    setting.config.transfers_max = transfers_max[bytes[0] >> 2 & 3];
    setting.config.pending_max = pending_max[bytes[0] >> 4 & 3];
    setting.config.history_max = 1 + bytes[1] % 32;
    setting.config.accounts_max = ACCOUNTS - (bytes[1] >> 7);
    setting.config.ledgers_max = 2;
    return setting;
}

/* What a byte stands for. */
static struct mr_u128 account_of(uint8_t byte)
{
    return byte >= 254 ? mr_u128_max() : mr_u128_of(0, byte % (ACCOUNTS + 2));
}

static struct mr_u128 transfer_of(uint8_t byte)
{
    if (byte >= 254)
        return mr_u128_max();
    return byte < 8 ? mr_u128_of(0, byte) : mr_ledger_id(TIME_FIRST / MILLISECOND, 0, byte);
}

static struct mr_u128 amount_of(uint8_t byte)
{
    if (byte >= 250)
        return mr_u128_of(UINT64_MAX, UINT64_MAX - (255U - byte));
    return byte >= 245 ? mr_u128_of(UINT64_MAX >> (byte - 244), 0) : mr_u128_of(0, byte);
}

static uint64_t time_step(uint8_t byte)
{
    if (byte < 192)
        return byte % 4;
    return byte < 240 ? (uint64_t)byte * MILLISECOND : UINT64_C(1000) * MILLISECOND;
}

static void fill_account(struct ledger_step *step, const uint8_t *bytes)
{
    struct mr_ledger_account *account = &step->account;
    account->id = account_of(bytes[2]);
    account->flags = (uint16_t)(bytes[1] | (bytes[0] & 0x80));
    account->ledger = bytes[3] % 4;
    account->code = bytes[4] % 4;
    account->user_data_128.low = bytes[5] % 3;
    account->user_data_64 = bytes[5] / 3 % 3;
    account->user_data_32 = bytes[5] / 9 % 3;
    account->reserved = bytes[6] == 255;
    account->credits_posted.low = bytes[7] == 255;
    if ((account->flags & MR_LEDGER_ACCOUNT_IMPORTED) != 0)
        account->timestamp = step->time_ns - bytes[8];
}

static void fill_transfer(struct ledger_step *step, const uint8_t *bytes)
{
    struct mr_ledger_transfer *transfer = &step->transfer;
    transfer->id = transfer_of(bytes[2]);
    transfer->debit_account_id = account_of(bytes[3]);
    transfer->credit_account_id = account_of(bytes[4]);
    transfer->amount = amount_of(bytes[5]);
    transfer->pending_id = transfer_of(bytes[6]);
    transfer->flags = (uint16_t)(bytes[1] | (bytes[7] == 255) << 8 | (bytes[7] == 254) << 9);
    transfer->timeout = bytes[7] < 200 ? bytes[7] % 3 : 0;
    transfer->ledger = bytes[8] % 4;
    transfer->code = bytes[8] / 4 % 4;
    transfer->user_data_128.low = bytes[9] % 3;
    transfer->user_data_64 = bytes[9] / 3 % 3;
    transfer->user_data_32 = bytes[9] / 9 % 3;
    if ((transfer->flags & MR_LEDGER_IMPORTED) != 0)
        transfer->timestamp = step->time_ns - bytes[8];
}

static struct ledger_step step_of(const uint8_t *bytes, uint64_t *time_ns)
{
    struct ledger_step step;
    memset(&step, 0, sizeof(step));
    *time_ns += time_step(bytes[10]);
    step.time_ns = *time_ns;
    step.session = bytes[11] % (LEDGER_SESSIONS + 1);
    step.more = (bytes[0] & 2) != 0;
    if (bytes[11] >= 224 && step.session != 0)
        step.odd = bytes[11] / 4 % LEDGER_ODDITY_COUNT;
    if ((bytes[0] & 0x0c) == 0) {
        step.type = MR_LEDGER_ACCOUNT_CREATE;
        fill_account(&step, bytes);
    } else {
        step.type = MR_LEDGER_TRANSFER_CREATE;
        fill_transfer(&step, bytes);
    }
    return step;
}

static void tell(const struct ledger_pair *pair)
{
    const struct mr_catalog *catalog = mr_logic_ledger.catalog;
    uint32_t place = pair->places[pair->flaw_at];
    (void)fprintf(stderr, "batch %llu, command %u: %s\n", (unsigned long long)pair->batches,
                  pair->flaw_at + 1, pair->flaw);
    if (place != UINT32_MAX)
        (void)fprintf(stderr, "the naive ledger: %s, the real one: %s\n",
                      mr_catalog_reason_name(catalog, pair->answers[place].reason),
                      mr_catalog_reason_name(catalog, pair->results[place].reason));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ledger_step steps[BATCH_MAX];
    struct ledger_pair pair;
    uint64_t time_ns = TIME_FIRST;
    if (size < 2)
        return 0;
    const struct ledger_setting setting = setting_of(data);
    ledger_pair_open(&pair, &setting, false);
    uint32_t count = 0;
    for (size_t at = 2; size - at >= COMMAND_BYTES; at += COMMAND_BYTES) {
        steps[count++] = step_of(data + at, &time_ns);
        bool is_last = size - at < 2 * (size_t)COMMAND_BYTES;
        if (!steps[count - 1].more || count == BATCH_MAX || is_last) {
            (void)ledger_pair_batch(&pair, steps, count);
            count = 0;
        }
        if (pair.flaw != NULL)
            break;
    }
    if (pair.flaw == NULL)
        (void)ledger_pair_check(&pair);
    if (pair.flaw != NULL)
        tell(&pair);
    HOLDS(pair.flaw == NULL);
    ledger_pair_close(&pair);
    return 0;
}
