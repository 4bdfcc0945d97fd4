/*
 * What one would write first: a ledger of std::unordered_map (accounts, and transfers by their id),
 * a std::deque that says which transfer leaves the window next, and a std::map of what expires.
 * Plain transfers, pending ones that are posted, voided or expire, and chains, with balances of 128
 * bits; it checks what the bench's traffic can be refused for, and no more. A peer to measure, and
 * the independent opinion on what the balances must be.
 */
#ifndef MR_BENCH_LEDGER_PEER_MAP_H
#define MR_BENCH_LEDGER_PEER_MAP_H

#include <millrace/ledger.h>

#ifdef __cplusplus
extern "C" {
#endif

struct peer_map;

/* `window`: transfers that are remembered. NULL: there is no memory. */
struct peer_map *peer_map_open(uint32_t accounts, uint32_t window);
void peer_map_close(struct peer_map *peer);

void peer_map_account_create(struct peer_map *peer, const struct mr_ledger_account *event);

/* Expires what is due, then as mr_ledger_transfers_create; returns how many were created. */
uint32_t peer_map_transfers_create(struct peer_map *peer, const struct mr_ledger_transfer *events,
                                   uint32_t count, uint64_t time_ns,
                                   struct mr_ledger_result *results);

/* As mr_ledger_account_get, but that only the balances are told. */
bool peer_map_account_get(const struct peer_map *peer, struct mr_u128 id,
                          struct mr_ledger_account *out);

#ifdef __cplusplus
}
#endif
#endif
