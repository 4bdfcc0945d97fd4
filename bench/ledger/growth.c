/*
 * bench_ledger --growth yes: what a transfer costs with ten thousand to ten million accounts, and
 * what of it memory explains. Measured in turn, in the same run:
 *
 *     ledger     ns a transfer
 *     lines      ns for the lines of a transfer (lines.h), in as much memory
 *     a line     the same, by how many there are
 *     predicted  ledger with few accounts and a short window, which caches hold, and what the lines
 *                cost more than there
 */
#include "bench/ledger/bank.h"
#include "bench/ledger/rows.h"

#include "bench/harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZES = 5, RUNS = 9, BATCHES = 16, SEED = 1 };

static const uint32_t accounts[SIZES] = {1000, 10000, 100000, 1000000, 10000000};
/* The first window is as short as can be: what leaves it is older than the batch. */
static const uint32_t windows[SIZES] = {TRAFFIC_BATCH, BANK_WINDOW, BANK_WINDOW, BANK_WINDOW,
                                        BANK_WINDOW};

struct size {
    struct traffic traffic;
    struct bank bank;
    struct lines lines;
    uint64_t transfers;
    double ledger_ns[RUNS], lines_ns[RUNS]; /* a transfer */
};

static struct size sizes[SIZES];

/* False: not all were created, said so. */
static bool apply_both(struct size *size, double *ledger_ns, double *lines_ns)
{
    traffic_next(&size->traffic);
    uint64_t begin = bench_now_ns();
    bank_apply(&size->bank, &size->traffic);
    uint64_t end = bench_now_ns();
    *ledger_ns += (double)(end - begin);
    lines_prepare(&size->lines, &size->traffic);
    begin = bench_now_ns();
    lines_touch(&size->lines, LINES_AHEAD);
    end = bench_now_ns();
    *lines_ns += (double)(end - begin);
    size->transfers += TRAFFIC_BATCH;
    bool good = bank_created(&size->bank, size->traffic.count) == size->traffic.created;
    if (!good)
        fputs("bench_ledger: growth: a transfer that must succeed is rejected\n", stderr);
    return good;
}

static bool open_size(int i)
{
    struct size *size = &sizes[i];
    struct mr_ledger_config config = bank_config(accounts[i], windows[i]);
    if (!traffic_init(&size->traffic, TRAFFIC_UNIFORM, accounts[i], SEED) ||
        !bank_open(&size->bank, &config, true))
        return false;
    struct lines_sizes lines = bank_sizes(&size->bank);
    if (!lines_open(&size->lines, &lines, true))
        return false;
    double ignored = 0;
    bool good = true;
    for (uint32_t k = 0; k < windows[i] / TRAFFIC_BATCH + 4 && good; k++)
        good = apply_both(size, &ignored, &ignored);
    return good;
}

static void close_size(struct size *size)
{
    bank_close(&size->bank);
    lines_close(&size->lines);
    traffic_free(&size->traffic);
}

static bool run_size(struct size *size, int run)
{
    double ledger_ns = 0;
    double lines_ns = 0;
    bool good = true;
    for (int i = 0; i < BATCHES && good; i++)
        good = apply_both(size, &ledger_ns, &lines_ns);
    size->ledger_ns[run] = ledger_ns / BATCHES / TRAFFIC_BATCH;
    size->lines_ns[run] = lines_ns / BATCHES / TRAFFIC_BATCH;
    return good;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *figures)
{
    qsort(figures, RUNS, sizeof(*figures), compare);
    return figures[RUNS / 2];
}

static void print(void)
{
    double first_ns = median(sizes[0].ledger_ns);
    double first_lines_ns = median(sizes[0].lines_ns);
    printf("%10s %10s %10s %8s %8s %8s %10s\n", "accounts", "MB", "lines", "a line", "lines",
           "ledger", "predicted");
    for (int i = 0; i < SIZES; i++) {
        struct size *size = &sizes[i];
        double lines = (double)size->lines.touched / (double)size->transfers;
        double lines_ns = median(size->lines_ns);
        printf("%10" PRIu32 " %10.1f %10.2f %8.2f %8.1f %8.1f %10.1f\n", accounts[i],
               (double)size->lines.mapping.size / 1e6, lines, lines_ns / lines, lines_ns,
               median(size->ledger_ns), first_ns + lines_ns - first_lines_ns);
    }
}

bool growth_print(void)
{
    bool good = true;
    for (int i = 0; i < SIZES && good; i++)
        good = open_size(i);
    for (int run = 0; run < RUNS && good; run++)
        for (int i = 0; i < SIZES && good; i++)
            good = run_size(&sizes[i], run);
    if (good)
        print();
    for (int i = 0; i < SIZES; i++)
        close_size(&sizes[i]);
    return good;
}
