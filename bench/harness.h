/*
 * The frame of all benches: registers what is to be measured, measures the subjects of a row in
 * turn (A B A B ...), and prints medians for people or for machines. Pure C; Google Benchmark,
 * which runs the measurements, stays behind harness.cc.
 *
 * A bench is one file, bench/bench_NAME.c (one with peers has a folder, bench/NAME, beside it):
 *
 *     static double measure_ours(void *context) { ...; return messages / seconds; }
 *     static double measure_peer(void *context) { ... }
 *
 *     int main(int argc, char **argv)
 *     {
 *         bench_begin("book", argc, argv);
 *         bench_add((struct bench_case){.row = "add-cancel", .subject = "millrace",
 *                                       .unit = BENCH_NS, .loop = add_and_cancel});
 *         bench_add((struct bench_case){.row = "replay", .subject = "millrace",
 *                                       .unit = BENCH_MESSAGES_PER_S, .measure = measure_ours});
 *         bench_add((struct bench_case){.row = "replay", .subject = "peer",
 *                                       .unit = BENCH_MESSAGES_PER_S, .measure = measure_peer});
 *         return bench_end();
 *     }
 *
 * and one line in bench/CMakeLists.txt. Every bench then knows --json, --quick, --runs N,
 * --row TEXT, --list and --help, besides options of its own (bench_option).
 *
 * With --json standard output is rows alone, one object a line: suite, row, subject, unit, median,
 * min, max, runs. Subjects are `millrace`, a peer's name, or `limit:` and what it is.
 */
#ifndef MR_BENCH_HARNESS_H
#define MR_BENCH_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The units there are; none is scaled. */
enum bench_unit {
    BENCH_NS, /* the less, the better; of all others, the more */
    BENCH_MB_PER_S,
    BENCH_MESSAGES_PER_S,
    BENCH_COMMANDS_PER_S,
    BENCH_TRANSFERS_PER_S,
    BENCH_COMMITS_PER_S,
};

/* What a measurement may return instead of a figure. Say why on standard error. */
#define BENCH_SKIPPED (-1.0) /* cannot be measured here (a peer is not installed): left out */
#define BENCH_FAILED  (-2.0) /* went wrong (order broken, write failed): the bench exits 4 */

/* One subject in one row. Exactly one of `measure` and `loop`. */
struct bench_case {
    const char *row;
    const char *subject;
    enum bench_unit unit;
    /* One run: sets up, measures by itself, cleans up, and returns one figure in `unit`. For
     * whatever has threads, files or other processes. */
    double (*measure)(void *context);
    /* An inner loop: does the thing `iterations` times; Google Benchmark chooses how often, takes
     * the time, and gives ns an iteration or (for units a second) iterations a second. */
    void (*loop)(void *context, uint64_t iterations);
    void *context;
};

/* First of all. `suite` is the NAME of bench_NAME. */
void bench_begin(const char *suite, int argc, char **argv);

/* The value of an option of this bench's own, given as `--name VALUE` or `--name=VALUE`; `fallback`
 * (may be NULL) if it was not given. `help` is one line for --help. Between begin and end. */
const char *bench_option(const char *name, const char *fallback, const char *help);

/* Registers a case; strings are copied. Cases of a row need not follow one another. The subjects of
 * a row are run in the order of their registration, in turn. */
void bench_add(struct bench_case given);

/* Measures and prints; the exit code: 0, 2 for wrong usage, 4 if a measurement failed. */
int bench_end(void);

/* Whether --quick was given: the whole bench should end within thirty seconds, so do less a run.
 * After twenty seconds the harness runs what is left once each. */
bool bench_quick(void);

/* -- Helpers for measuring. -------------------------------------------------------------------- */

/* Nanoseconds on a clock that never runs backwards. */
uint64_t bench_now_ns(void);

/* Binds the calling thread to a CPU (modulo the number that this process may use). False: refused.
 */
bool bench_pin(unsigned cpu);

/* How many CPUs this process may use. */
unsigned bench_cpus(void);

/* Keeps the compiler from dropping the computation of a value that nobody uses. */
static inline void bench_keep(uint64_t value)
{
    __asm__ __volatile__("" : : "r"(value) : "memory");
}

#ifdef __cplusplus
}
#endif
#endif
