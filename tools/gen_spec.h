/*
 * What the generator is asked for: `gen:orders=1000000,seed=1,...`. The keys are listed once; the
 * struct, parsing, the canonical form and messages follow. docs/generator.md explains them.
 */
#ifndef MR_TOOLS_GEN_SPEC_H
#define MR_TOOLS_GEN_SPEC_H

#include "tools/keys.h"

/* K(name, default, least, greatest): the default 0 of `orders`, below its least, means that it must
 * be given. */
#define GEN_KEYS(K)                          \
    K(orders, 0, 1, UINT64_C(1000000000000)) \
    K(seed, 1, 0, UINT64_MAX)                \
    K(instruments, 10, 1, 1000)              \
    K(depth, 1000, 16, 100000)               \
    K(cancels, 40, 0, 100)                   \
    K(replaces, 10, 0, 1000)                 \
    K(late, 2, 0, 100)                       \
    K(renumber, 0, 0, 100)                   \
    K(market, 10, 0, 100)                    \
    K(ioc, 15, 0, 100)                       \
    K(fok, 5, 0, 100)                        \
    K(min, 0, 0, 100)                        \
    K(post, 0, 0, 100)                       \
    K(reprice, 0, 0, 100)                    \
    K(day, 0, 0, 100)                        \
    K(gtd, 0, 0, 100)                        \
    K(lifetime, 1000, 1, 1000000000)         \
    K(stp, 0, 0, 100)                        \
    K(size, 50, 1, 500)                      \
    K(spread, 4, 2, 64)                      \
    K(volatility, 20, 0, 1000)               \
    K(accounts, 1000, 1, UINT64_MAX)         \
    K(lot, 1, 1, 1000)                       \
    K(tick, 1, 1, 1000)                      \
    K(collar, 0, 0, 1000)                    \
    K(top, 0, 0, 1)                          \
    K(rate, 100000, 1, 1000000000)           \
    K(start, 1767225600, 0, UINT64_C(9000000000)) /* 2026 */

struct gen_spec {
    GEN_KEYS(KEYS_MEMBER)
};

enum {
    GEN_BLOCK_ORDERS = 100, /* cancels and replaces are counted per so many orders */
    GEN_RESTING_MAX = 1 << 24,
    GEN_FILLS_MAX = 10000, /* trades that one order can make */
    GEN_TEXT_SIZE = 1024,
};
#define GEN_NS_PER_MS  UINT64_C(1000000)
#define GEN_NS_PER_S   UINT64_C(1000000000)
#define GEN_NS_PER_DAY UINT64_C(86400000000000)

/* Reads the part behind "gen:". MR_E_INVALID: unknown, repeated or missing key, or a bad value. */
int gen_spec_parse(const char *text, struct gen_spec *spec, struct mr_error *error);

/* Writes the one text that all equal specifications have: all keys, in their order, behind the
 * version of the generator. Returns its length. */
size_t gen_spec_format(const struct gen_spec *spec, char text[GEN_TEXT_SIZE]);

/* How many commands there are in all. */
uint64_t gen_spec_total(const struct gen_spec *spec);

#endif
