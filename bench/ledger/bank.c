#include "bench/ledger/bank.h"

#include "bench/ledger/pages.h"
#include "core/ledger/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAILED = 4 };

struct mr_ledger_config bank_config(uint32_t accounts, uint32_t window)
{
    struct mr_ledger_config config;
    mr_logic_ledger.config_default(&config);
    config.accounts_max = accounts;
    config.transfers_max = window;
    return config;
}

static void create_accounts(struct bank *bank)
{
    struct mr_ledger_account *accounts = calloc(TRAFFIC_BATCH, sizeof(*accounts));
    uint32_t next = 0;
    while (accounts != NULL && next < bank->config.accounts_max) {
        uint32_t count = 0;
        for (; count < TRAFFIC_BATCH && next < bank->config.accounts_max; count++)
            accounts[count] = traffic_account(next++);
        mr_ledger_accounts_create(bank->ledger, accounts, count, 1, bank->results);
        if (bank_created(bank, count) != count) {
            fputs("bench_ledger: an account that was to be there is rejected\n", stderr);
            exit(FAILED);
        }
    }
    free(accounts);
}

bool bank_open(struct bank *bank, const struct mr_ledger_config *config, bool huge)
{
    *bank = (struct bank){.config = *config};
    bank->results = calloc(TRAFFIC_BATCH, sizeof(*bank->results));
    bank->expired = calloc(TRAFFIC_BATCH, sizeof(*bank->expired));
    if (bank->results == NULL || bank->expired == NULL ||
        !pages_map(&bank->mapping, mr_logic_ledger.state_size(config), huge))
        return false;
    bank->ledger = bank->mapping.memory;
    mr_logic_ledger.init(bank->ledger, &bank->config);
    create_accounts(bank);
    return true;
}

void bank_close(struct bank *bank)
{
    free(bank->results);
    free(bank->expired);
    mr_mapping_free(&bank->mapping);
    *bank = (struct bank){0};
}

void bank_apply(struct bank *bank, const struct traffic *traffic)
{
    while (mr_ledger_expire(bank->ledger, traffic->time_ns, bank->expired, TRAFFIC_BATCH) ==
           TRAFFIC_BATCH)
        continue;
    mr_ledger_transfers_create(bank->ledger, traffic->events, traffic->count, traffic->time_ns,
                               bank->results);
}

uint32_t bank_created(const struct bank *bank, uint32_t events)
{
    uint32_t created = 0;
    for (uint32_t i = 0; i < events; i++)
        created += bank->results[i].reason == MR_LEDGER_CREATED;
    return created;
}

struct lines_sizes bank_sizes(const struct bank *bank)
{
    const struct ledger_layout *layout = &bank->ledger->layout;
    return (struct lines_sizes){
        .accounts = bank->config.accounts_max,
        .window = bank->config.transfers_max,
        .account_slots = sizeof(struct ledger_slot) << layout->account_bits,
        .buckets = sizeof(struct ledger_bucket) << layout->bucket_bits,
    };
}

struct bank_bytes bank_bytes(const struct mr_ledger_config *config)
{
    struct mr_ledger_config fewer = *config;
    struct bank_bytes bytes = {.whole = mr_logic_ledger.state_size(config)};
    fewer.accounts_max = 1;
    bytes.account = (double)(bytes.whole - mr_logic_ledger.state_size(&fewer)) /
                    (double)(config->accounts_max - 1);
    fewer = *config;
    fewer.transfers_max = 1;
    bytes.transfer = (double)(bytes.whole - mr_logic_ledger.state_size(&fewer)) /
                     (double)(config->transfers_max - 1);
    return bytes;
}
