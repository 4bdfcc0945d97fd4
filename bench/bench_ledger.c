/*
 * The ledger: what a transfer costs in it, alone and through the whole pipeline with a real disk,
 * with ten thousand to ten million accounts. The rows are in bench/ledger/, and what they measure
 * is told there and in docs/BENCHMARKS.md. No run counts whose outcome is not right.
 *
 *     apply-uniform-10k, -1M, -10M   transfers/s in one thread, accounts picked at random
 *     apply-skewed-1M                the same by Zipf's law
 *     two-phase-1M                   half of them pending, posted or voided later
 *     chains-1M                      in chains of 2 to 8
 *     ...-4k                         without huge pages
 *     durable-1M                     batches through engine and disk, on two cores
 */
#include "bench/harness.h"
#include "bench/ledger/rows.h"

#include <stddef.h>

int main(int argc, char **argv)
{
    enum { FAILED = 4 };
    bench_begin("ledger", argc, argv);
    if (bench_option("growth", NULL, "'yes': what more accounts cost, and why; nothing else"))
        return growth_print() ? 0 : FAILED;
    apply_add();
    durable_add();
    int status = bench_end();
    apply_end();
    durable_end();
    return status;
}
