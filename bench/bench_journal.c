/*
 * The journal against what the disk gives and against others who store durably. It is the same
 * writer that `run` uses. The rows are in bench/journal/: appends.c (append-*), streams.c
 * (durable-128, cpu-256), reads.c (scan-*), batches.c and a file for each peer (batch-*). All of
 * them write in one directory, made below the current one (--dir PATH: below that) and removed
 * afterwards.
 */
#include "bench/harness.h"
#include "bench/journal/common.h"
#include "bench/journal/fio.h"
#include "bench/journal/rows.h"

int main(int argc, char **argv)
{
    enum { CANNOT_WRITE = 4 };
    bench_begin("journal", argc, argv);
    if (!common_begin(bench_option("dir", ".", "write below this directory"))) {
        return CANNOT_WRITE;
    }
    fio_look();
    appends_add();
    streams_add();
    reads_add();
    batches_add();
    int code = bench_end();
    reads_end();
    common_end();
    return code;
}
