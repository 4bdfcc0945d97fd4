/*
 * A ledger with the memory and the accounts that it needs.
 */
#ifndef MR_BENCH_LEDGER_BANK_H
#define MR_BENCH_LEDGER_BANK_H

#include "bench/ledger/lines.h"
#include "bench/ledger/traffic.h"

#include <millrace/mapping.h>

enum { BANK_WINDOW = 1000000 };

struct bank {
    struct mr_ledger_config config;
    struct mr_mapping mapping;
    struct mr_ledger *ledger;
    struct mr_ledger_result *results;  /* of the last batch */
    struct mr_ledger_expired *expired; /* before it */
};

/* The configuration for so many accounts and transfers. */
struct mr_ledger_config bank_config(uint32_t accounts, uint32_t window);

/* Opens it, and creates all accounts. False: there is not enough memory, said so. Closed with
 * bank_close, which is fine on one that is all zero. */
bool bank_open(struct bank *bank, const struct mr_ledger_config *config, bool huge);
void bank_close(struct bank *bank);

/* What is measured: expires what is due, then creates the batch's transfers. */
void bank_apply(struct bank *bank, const struct traffic *traffic);

/* How many of so many events were created. */
uint32_t bank_created(const struct bank *bank, uint32_t events);

/* As much memory, for its limit. */
struct lines_sizes bank_sizes(const struct bank *bank);

/* Bytes that one more account, or transfer of the window, takes, all that goes with it included. */
struct bank_bytes {
    double account, transfer;
    uint64_t whole;
};
struct bank_bytes bank_bytes(const struct mr_ledger_config *config);

#endif
