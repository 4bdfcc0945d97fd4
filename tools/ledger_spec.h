/*
 * What the ledger's generator is asked for: `gen:transfers=1000000,accounts=10000,...`. The keys
 * are listed once; docs/generator.md explains them.
 */
#ifndef MR_TOOLS_LEDGER_SPEC_H
#define MR_TOOLS_LEDGER_SPEC_H

#include "tools/keys.h"

/* K(name, default, least, greatest): `transfers` must be given. */
#define LEDGER_KEYS(K)                          \
    K(transfers, 0, 1, UINT64_C(1000000000000)) \
    K(seed, 1, 0, UINT64_MAX)                   \
    K(accounts, 10000, 2, 200000000)            \
    K(ledgers, 1, 1, 1000)                      \
    K(batch, 1000, 1, 8190)                     \
    K(skew, 0, 0, 99)                           \
    K(amount, 100, 1, UINT64_C(1000000000000))  \
    K(pending, 0, 0, 50)                        \
    K(partial, 20, 0, 100)                      \
    K(void, 20, 0, 100)                         \
    K(expire, 5, 0, 100)                        \
    K(timeout, 1, 1, 1000000)                   \
    K(chains, 0, 0, 100)                        \
    K(chain, 4, 2, 8190)                        \
    K(broken, 0, 0, 100)                        \
    K(repeat, 0, 0, 100)                        \
    K(limits, 0, 0, 100)                        \
    K(history, 0, 0, 100)                       \
    K(rate, 100000, 1, 1000000000)              \
    K(start, 1767225600, 0, UINT64_C(9000000000)) /* 2026 */

/* `void` is a word of the language. */
#define LEDGER_MEMBER(name, value, least, greatest) uint64_t key_##name;
struct ledger_spec {
    LEDGER_KEYS(LEDGER_MEMBER)
};

enum { LEDGER_SPEC_TEXT_SIZE = 1024, LEDGER_OPEN_MAX = 1 << 16 };

/* Reads the part behind "gen:". MR_E_INVALID: unknown, repeated or missing key, or a bad value. */
int ledger_spec_parse(const char *text, struct ledger_spec *spec, struct mr_error *error);

/* Writes the one text that all equal specifications have. Returns its length. */
size_t ledger_spec_format(const struct ledger_spec *spec, char text[LEDGER_SPEC_TEXT_SIZE]);

/* How many commands there are in all. */
uint64_t ledger_spec_total(const struct ledger_spec *spec);

/* The most transfers that can be pending at once. */
uint64_t ledger_spec_pending(const struct ledger_spec *spec);

#endif
