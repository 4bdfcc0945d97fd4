/* Scripts of the ledger: what fuzz_script.h has to know of it. */
#ifndef MR_TESTS_CORE_LEDGER_SCRIPT_H
#define MR_TESTS_CORE_LEDGER_SCRIPT_H

#include "tests/core/fuzz_script.h"
#include "tests/core/ledger_pair.h"

/* Its settings are struct ledger_setting. */
extern const struct fuzz_logic fuzz_ledger;

#endif
