/*
 * The order book: what a message costs in it, alone and with every report handed to a second
 * thread, in five regimes of how far the price travels; in one image with ten thousand instruments;
 * and as a logic. The rows are in bench/book/, and what they measure is told there and in
 * docs/BENCHMARKS.md. No run counts whose outcome is not right.
 */
#include "bench/book/rows.h"

#include "bench/harness.h"

int main(int argc, char **argv)
{
    bench_begin("book", argc, argv);
    if (bench_option("describe", NULL, "'yes': count what the flow is like, measure nothing")) {
        describe();
        return 0;
    }
    for (int regime = 0; regime < FLOW_REGIMES; regime++) {
        alone_add((enum flow_regime)regime);
        hand_over_add((enum flow_regime)regime);
        operations_add((enum flow_regime)regime);
    }
    features_add();
    many_add();
    commands_add();
    return bench_end();
}
