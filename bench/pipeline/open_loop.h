/*
 * Open-loop measurement, without coordinated omission: what is to be sent when is fixed beforehand,
 * and each command's latency counts from that moment, whatever became of the sender meanwhile. A
 * subject that stands still for two seconds makes late all that was due in these two seconds, and
 * the percentiles say so.
 *
 * The sending thread never waits for answers. It sends what is due, looks how far the subject has
 * come, and sends what is due by then. When the subject is busy, what is due stays due.
 */
#ifndef MR_BENCH_PIPELINE_OPEN_LOOP_H
#define MR_BENCH_PIPELINE_OPEN_LOOP_H

#include "base/histogram.h"

#include <stdbool.h>
#include <stdint.h>

/* How many commands, from the first one on, have come so far by now. */
struct open_loop_progress {
    uint64_t durable;
    uint64_t answered;
};

/* What is measured. All are called by the sending thread. */
struct open_loop_target {
    /* Makes command `index`, which is sent next; they come in order, from 0. NULL: not needed. */
    void (*prepare)(void *context, uint64_t index);
    /* Hands it over. False: busy, nothing has happened; it is prepared and sent again. */
    bool (*send)(void *context, uint64_t index);
    /* False: it has failed, and said why. */
    bool (*look)(void *context, struct open_loop_progress *progress);
    /* Nothing was to be done just now. `wait_ns`: nothing is due for so long; 0: the subject is
     * busy. NULL: the sender spins. */
    void (*idle)(void *context, uint64_t wait_ns);
    void *context;
};

/* When each command is due, in ns from the start; never falls. */
struct open_loop_schedule {
    uint64_t *due_ns;
    uint64_t count;
};

/* At the same distance from one another. False: no memory. */
bool open_loop_constant(struct open_loop_schedule *schedule, uint64_t count, double per_s);
/* As if they came from very many senders who do not know one another: distances vary
 * exponentially. The same seed gives the same schedule. */
bool open_loop_poisson(struct open_loop_schedule *schedule, uint64_t count, double per_s,
                       uint64_t seed);
/* All due at once: how fast is it taken? */
bool open_loop_at_once(struct open_loop_schedule *schedule, uint64_t count);
void open_loop_schedule_free(struct open_loop_schedule *schedule);

struct open_loop_result {
    struct mr_histogram accepted; /* ns that `send` took: of one command in eight, drawn by lot */
    struct mr_histogram durable;  /* ns from when a command was due until it was durable */
    struct mr_histogram answered; /* ns from when it was due until its answer was there */
    uint64_t elapsed_ns;          /* from when the first was due until the last was answered */
};

/* Sends all, waits for the last answer. `result` is overwritten. False: the target has failed, or
 * there is no memory; said why. */
bool open_loop_run(const struct open_loop_schedule *schedule, const struct open_loop_target *target,
                   struct open_loop_result *result);

#endif
