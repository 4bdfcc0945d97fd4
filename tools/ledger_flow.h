/*
 * The ledger's generator: accounts, then transfers between them, out of a seed, the same on every
 * machine. Integers only.
 */
#ifndef MR_TOOLS_LEDGER_FLOW_H
#define MR_TOOLS_LEDGER_FLOW_H

#include "tools/ledger_spec.h"

#include "base/random.h"

#include <millrace/ledger.h>

/* A pending transfer that will be posted or voided. */
struct flow_open {
    struct mr_u128 id;
    uint64_t amount;
};

struct ledger_flow {
    struct ledger_spec spec;
    struct mr_random random;
    uint64_t requests;       /* yielded so far */
    uint64_t transfers_left; /* to come */
    uint64_t batch_left;     /* of the batch at hand */
    uint64_t chain_left;     /* of the chain at hand */
    bool chain_breaks;       /* its last transfer fails */
    uint64_t time_ns;        /* of the batch at hand: what it has is asked for at once */
    uint64_t time_ns_now;    /* of the command at hand, were it by itself */
    uint64_t gap_ns;         /* twice the mean time between commands */
    struct mr_u128 id;
    struct mr_ledger_transfer last; /* that can be sent again; id 0: none */
    struct flow_open *open;         /* LEDGER_OPEN_MAX */
    uint32_t open_count;
    /* What is expected of them. Limits of accounts make more fail. */
    uint64_t expected_rejects, expected_expiries;
};

/* MR_OK, MR_E_NO_MEMORY. */
int ledger_flow_init(struct ledger_flow *flow, const struct ledger_spec *spec,
                     struct mr_error *error);
void ledger_flow_free(struct ledger_flow *flow);

/* Writes the next command (of `session`, requests counting from 1); false: that was all. */
bool ledger_flow_next(struct ledger_flow *flow, uint64_t session, struct mr_command *command);

#endif
