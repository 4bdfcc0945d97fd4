/*
 * What it costs to hand a message from one thread to another: Millrace's ring, its peers and the
 * machine's limits. The rows are in bench/disruptor/: frame.h has what all have in common, rows.h
 * and graphs.h what the peers do, ours.c and ours_graphs.c what Millrace does, limits.c the limits.
 */
#include "bench/disruptor/peers.h"
#include "bench/harness.h"

#include <stddef.h>
#include <stdio.h>

/* NULL: it was not there when this was built. */
static const struct {
    const char *name;
    void (*add)(void);
} peers[] = {
#ifdef MR_BENCH_PEER_BOOST
    {"boost", boost_add},
#else
    {"boost", NULL},
#endif
#ifdef MR_BENCH_PEER_CK
    {"ck", ck_add},
#else
    {"ck", NULL},
#endif
#ifdef MR_BENCH_PEER_DPDK
    {"dpdk", dpdk_add},
#else
    {"dpdk", NULL},
#endif
#ifdef MR_BENCH_PEER_TBB
    {"tbb", tbb_add},
#else
    {"tbb", NULL},
#endif
};

int main(int argc, char **argv)
{
    bench_begin("disruptor", argc, argv);
    ours_add();
    limits_add();
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        if (peers[i].add != NULL)
            peers[i].add();
        else
            fprintf(stderr, "bench_disruptor: left out, not installed when this was built: %s\n",
                    peers[i].name);
    }
    return bench_end();
}
