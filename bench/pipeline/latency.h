/*
 * The open-loop rows of bench_pipeline: what a command waits for at a tenth, half and nine tenths
 * of what the engine can take, which is measured first, in the same run and in the same way.
 *
 *     capacity              commands/s, sent as fast as they are taken
 *     LOAD-accepted-P       ns that mr_engine_submit takes
 *     LOAD-durable-P        ns from when a command was due until it was durable
 *     LOAD-answered-P       ns from when it was due until its answer was polled
 *
 * LOAD is tenth, half or most; P is p50, p99, p99.9 or max. Of LOAD-durable there is one more
 * subject: `limit:journal`, the journal alone at that rate.
 */
#ifndef MR_BENCH_PIPELINE_LATENCY_H
#define MR_BENCH_PIPELINE_LATENCY_H

#include "bench/pipeline/engine_target.h"

/* Registers the rows, and the options --hgrm, --svg, --poisson, --seconds. False: wrong usage. */
bool latency_add(const struct engine_setup *setup);

/* After bench_end: writes what --hgrm and --svg ask for. False: said why. */
bool latency_end(void);

#endif
