#include "tools/ledger_spec.h"

#include "base/assert.h"

#include <stdio.h>

/* Changes with whatever changes the commands that a specification stands for. */
enum { GENERATOR_VERSION = 1 };

#define NS_PER_S UINT64_C(1000000000)

#define ROW(name, value, least, greatest) \
    {#name, offsetof(struct ledger_spec, key_##name), value, least, greatest},
static const struct key list[] = {LEDGER_KEYS(ROW)};
static const struct keys keys = {list, sizeof list / sizeof list[0]};

static int check(const struct ledger_spec *spec, struct mr_error *error)
{
    if (spec->key_transfers == 0) {
        char names[LEDGER_SPEC_TEXT_SIZE];
        keys_names(&keys, names, sizeof names);
        return mr_error_set(error, MR_E_INVALID,
                            "gen: say how many transfers, as in gen:transfers=1000000; the keys "
                            "are%s",
                            names);
    }
    if (spec->key_accounts < 2 * spec->key_ledgers)
        return mr_error_set(error, MR_E_INVALID,
                            "gen: each ledger has at least two accounts: more accounts, or fewer "
                            "ledgers");
    if (spec->key_partial + spec->key_void > 100)
        return mr_error_set(error, MR_E_INVALID,
                            "gen: partial and void are shares of the same transfers, so they make "
                            "at most 100 together");
    if (spec->key_chains > 0 && spec->key_chain > spec->key_batch)
        return mr_error_set(error, MR_E_INVALID,
                            "gen: a chain lies within a batch: batch is at least %llu",
                            (unsigned long long)spec->key_chain);
    uint64_t span_ns; /* no gap is more than twice the mean */
    if (__builtin_mul_overflow(ledger_spec_total(spec), 2 * NS_PER_S / spec->key_rate, &span_ns) ||
        span_ns > INT64_MAX - (spec->key_start + spec->key_timeout) * NS_PER_S)
        return mr_error_set(error, MR_E_INVALID,
                            "gen: so many commands at rate=%llu would end, or expire, after the "
                            "year 2262",
                            (unsigned long long)spec->key_rate);
    return MR_OK;
}

int ledger_spec_parse(const char *text, struct ledger_spec *spec, struct mr_error *error)
{
    int status = keys_parse(&keys, "gen", text, spec, error);
    return status == MR_OK ? check(spec, error) : status;
}

size_t ledger_spec_format(const struct ledger_spec *spec, char text[LEDGER_SPEC_TEXT_SIZE])
{
    int used = snprintf(text, LEDGER_SPEC_TEXT_SIZE, "gen-ledger-%d:", GENERATOR_VERSION);
    ASSERT(used > 0);
    return (size_t)used +
           keys_format(&keys, spec, text + used, LEDGER_SPEC_TEXT_SIZE - (size_t)used);
}

uint64_t ledger_spec_total(const struct ledger_spec *spec)
{
    return spec->key_accounts + spec->key_transfers;
}

uint64_t ledger_spec_pending(const struct ledger_spec *spec)
{
    if (spec->key_pending == 0)
        return 0;
    /* Gaps are half the mean or more in the long run; twice as many are more than ever happen. */
    uint64_t expiring = 2 * spec->key_rate * (spec->key_timeout + 1);
    if (spec->key_expire == 0)
        expiring = 0;
    uint64_t all = LEDGER_OPEN_MAX + expiring;
    return all < spec->key_transfers ? all : spec->key_transfers;
}
