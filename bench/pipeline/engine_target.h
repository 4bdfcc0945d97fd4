/*
 * The engine as a target of open_loop: the order book over a journal in a directory of its own,
 * fed and polled by the sending thread.
 */
#ifndef MR_BENCH_PIPELINE_ENGINE_TARGET_H
#define MR_BENCH_PIPELINE_ENGINE_TARGET_H

#include "bench/pipeline/open_loop.h"
#include "bench/pipeline/orders.h"

/* What --topology, --wait, --affinity, --nap and --log say. */
struct engine_setup {
    enum mr_topology topology;
    enum mr_wait_kind wait;
    enum mr_affinity affinity;
    enum mr_log_level log;
    const char *topology_word, *wait_word; /* as they were given */
    long nap_ns; /* the sender sleeps so long when it has nothing to do; 0: it spins */
};

/* Reads these options; false: one of them is none of the words, said so. */
bool engine_setup_read(struct engine_setup *setup);

struct engine_target {
    const struct engine_setup *setup;
    char directory[64];
    struct mr_engine *engine;
    struct mr_error error;
    union order order;
    uint64_t first_sequence; /* of the first order */
    uint64_t answers;
};

/* Opens, starts, opens sessions and defines the instruments. False: said why; close is due. */
bool engine_target_open(struct engine_target *target, const struct engine_setup *setup);
struct open_loop_target engine_target_of(struct engine_target *target);
/* After a run. False: said why. */
bool engine_target_stop(struct engine_target *target);
/* Closes what is open and removes what was written. */
void engine_target_close(struct engine_target *target);

#endif
