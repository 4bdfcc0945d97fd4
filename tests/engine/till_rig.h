/*
 * What tests of an engine with the till begin with: one that is open, or stepped by hand with a
 * session in it.
 */
#ifndef MR_TESTS_ENGINE_TILL_RIG_H
#define MR_TESTS_ENGINE_TILL_RIG_H

#include "base/limits.h"
#include "tests/engine/till.h"
#include "tests/support/sim_storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TILL_SESSION = 7 };

/* Opens an engine as `how` says, over that disk (NULL: durability none). */
static inline struct mr_engine *till_open(struct mr_sim *sim, const struct mr_engine_options *how)
{
    struct mr_engine_options options = *how;
    options.storage = sim != NULL ? mr_sim_storage(sim) : NULL;
    options.durability = sim != NULL ? how->durability : MR_DURABILITY_NONE;
    options.create = true;
    options.logic = how->logic != NULL ? how->logic : &till_logic;
    options.clock_kind = MR_CLOCK_INPUT;
    options.segment_bytes = MR_SEGMENT_BYTES_MIN;
    options.journal_id[0] = 1;
    struct mr_engine *engine = NULL;
    struct mr_error error = {0};
    if (mr_engine_open(&options, &engine, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
    return engine;
}

/* Begins to step it by hand, and opens TILL_SESSION. */
static inline struct mr_engine *till_begin(struct mr_engine *engine)
{
    assert_int_equal(mr_engine_begin(engine, NULL), MR_OK);
    assert_int_equal(mr_engine_session(engine, TILL_SESSION, MR_ROLE_USER, NULL, NULL), MR_OK);
    return engine;
}

#endif
