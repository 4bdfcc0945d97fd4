/*
 * SQLite as a ledger: a table of accounts and one of transfers, both without row ids, keyed by the
 * 16 bytes of an id; write-ahead log, synchronous=FULL, a transaction a batch, prepared statements.
 * For each transfer: read both balances, write both, and insert the transfer; an id that is there
 * already fails. Nothing is ever deleted.
 */
#ifndef MR_BENCH_LEDGER_PEER_SQLITE_H
#define MR_BENCH_LEDGER_PEER_SQLITE_H

#include <millrace/ledger.h>

struct peer_sqlite;

/* Opens an empty one, in a file of that path. NULL: said why. */
struct peer_sqlite *peer_sqlite_open(const char *path);
void peer_sqlite_close(struct peer_sqlite *peer);

/* One transaction each, of plain events that must succeed. False: said why. */
bool peer_sqlite_accounts_create(struct peer_sqlite *peer, const struct mr_ledger_account *events,
                                 uint32_t count);
bool peer_sqlite_transfers_create(struct peer_sqlite *peer, const struct mr_ledger_transfer *events,
                                  uint32_t count, uint64_t time_ns);

#endif
