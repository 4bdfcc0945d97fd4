/*
 * What `run` and `replay` end with: the counts and digests of a directory from sequence 1, and how
 * fast this run was.
 */
#ifndef MR_TOOLS_SUMMARY_H
#define MR_TOOLS_SUMMARY_H

#include "base/histogram.h"
#include "tools/json.h"

#include <millrace/digest.h>
#include <millrace/image.h>
#include <millrace/logic.h>

#include <stdint.h>

struct execution_counts; /* tools/executions.h */

enum { SUMMARY_REASONS = 256 };

struct summary {
    /* Of the directory, from sequence 1. */
    uint64_t commands;
    uint64_t events;
    uint64_t rejects;
    uint64_t trades; /* 0 for a logic that has none */
    bool is_ledger;  /* then: */
    uint64_t accounts, transfers, pending;
    const struct mr_ledger *ledger; /* of the image that was counted, while that is there */
    uint64_t first_sequence;
    uint64_t last_sequence;
    uint64_t durable_sequence;
    struct mr_digest state_digest;
    struct mr_digest event_digest;
    const struct execution_counts *executions; /* of an exchange, as we had them; NULL: none */
    const struct mr_catalog *catalog;          /* names the reasons for rejects */
    /* Of this run alone. */
    uint64_t run_commands;             /* that it applied */
    uint64_t elapsed_ns;               /* that it took for them */
    uint64_t reasons[SUMMARY_REASONS]; /* answers with that reason; [0]: with any above */
};

/* Counts an answer among the reasons. */
static inline void summary_answer(struct summary *summary, const struct mr_answer *answer)
{
    if (answer->result != 0)
        summary->reasons[answer->result < SUMMARY_REASONS ? answer->result : 0]++;
}

/* Fills in the counts of an image that stands still; sequences and digests are the caller's. */
void summary_count(struct summary *summary, const struct mr_image *image,
                   const struct mr_logic *logic);

/* The last line of --json; `latency` (NULL: none) is told as latency_ns. */
void summary_write_json(const struct summary *summary, const struct mr_histogram *latency,
                        FILE *file);

/* The same for people, on standard output, indented by two blanks. */
void summary_print(const struct summary *summary, const struct mr_histogram *latency);

/* Percentiles in one line: "p50 1.2 ms   p90 ...". */
void summary_print_latency(const struct mr_histogram *latency);

#endif
