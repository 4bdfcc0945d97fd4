/*
 * What senders ask of the ledger: accounts and transfers of all kinds, alone and in chains, new and
 * again. Freestanding.
 */
#ifndef MR_TESTS_DIGESTS_LEDGER_SCRIPT_H
#define MR_TESTS_DIGESTS_LEDGER_SCRIPT_H

#include "tests/digests/script.h"

#include <millrace/ledger.h>

/* So little room that all of it is filled. */
void ledger_script_config(void *config);
/* Writes a command without its header into `room`. */
void ledger_script_command(struct script *script, void *room);

#endif
