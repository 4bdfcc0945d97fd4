/*
 * `millrace verify --deep`: what no checksum sees. The journal is replayed from its beginning,
 * every recorded digest of events compared, the state's invariants checked on the way, and a
 * ledger's balances recomputed from the events alone.
 */
#ifndef MR_TOOLS_DEEP_H
#define MR_TOOLS_DEEP_H

#include "tools/json.h"

#include <millrace/error.h>

struct deep_report {
    uint64_t commands, events;
    uint64_t digests;  /* compared */
    uint64_t checks;   /* of the whole state */
    bool is_ledger;    /* then: */
    uint64_t accounts; /* whose balances were recomputed */
    uint64_t transfers, expired, pending;
    uint32_t ledgers;
    uint64_t elapsed_ns;
};

/* Checks the state behind every `every` entries (0: not), and at the end. MR_OK; MR_E_DIVERGED: it
 * is not as it must be, *error says where; MR_E_IO also when a signal asked to stop; else as
 * mr_replay_open. */
int deep_check(const char *directory, uint64_t every, struct deep_report *report,
               struct mr_error *error);

void deep_print(const struct deep_report *report);
void deep_put(const struct deep_report *report, struct json *json);

#endif
