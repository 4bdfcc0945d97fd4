/*
 * Random commands, good and bad, to the book and to a naive one: the same reasons, the same reports
 * byte for byte, the same answers to queries, every invariant; and what consumers keep from the
 * reports alone is what the book holds.
 *
 * MR_SEED=n replays a run, MR_FUZZ_COMMANDS=n makes it longer, MR_FUZZ_SCRIPT=file plays a sequence
 * of commands as it is printed when the two differ. The program's argument is the number of the
 * shard: other ones have other seeds.
 *
 * Each round is a process of its own, so that a crash can be made smaller like anything else.
 */
#include "tests/core/book_random.h"
#include "tests/core/book_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef FUZZ_COMMANDS
#define FUZZ_COMMANDS 1000000
#endif

enum {
    COMMANDS_PER_ROUND = 10000,
    COMMANDS_TO_SEE_ALL = 1000000,
    SHARD_SEEDS = 1000000,
    ROUND_SECONDS = 10, /* of the processor: then it has no end */
};

/* What rounds tell of themselves: memory that they share with who began them. */
struct fuzz_shared {
    uint64_t steps; /* that the round has begun */
    uint64_t reason[256], event[256], cause[256], action[256];
    uint64_t commands, expired, expired_turns, turns;
};

static struct fuzz_shared *shared;
static uint64_t shard;

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

/* So that a fuzzer that no longer reaches something is noticed. */
static void see(const struct book_pair *pair)
{
    shared->commands++;
    shared->reason[pair->naive_reason]++;
    shared->expired += pair->expired != 0;
    shared->expired_turns += pair->expired > NAIVE_STEP_ORDERS;
    shared->turns += pair->expired == 0 && pair->turns > 1;
    for (uint32_t i = 0; i < pair->naive_log.count; i++) {
        const union mr_book_report *report = &pair->naive_log.reports[i].report;
        shared->event[report->any.type]++;
        if (report->any.type == MR_BOOK_ORDER_CANCELLED)
            shared->cause[report->cancelled.cause]++;
        else if (report->any.type == MR_BOOK_ORDER_REJECTED)
            shared->action[report->rejected.action]++;
        else if (report->any.type == MR_BOOK_SETUP_REJECTED)
            shared->action[report->setup_rejected.action]++;
    }
}

/* How often things have happened; what never has, although it should, is counted. */
static uint32_t tell_reasons(uint32_t first, uint32_t last)
{
    uint32_t missing = 0;
    for (uint32_t reason = first; reason <= last; reason++) {
        printf("  %10llu %s\n", (unsigned long long)shared->reason[reason],
               mr_catalog_reason_name(mr_logic_book.catalog, reason));
        missing += shared->reason[reason] == 0;
    }
    return missing;
}

static uint32_t tell_counts(const char *of, const uint64_t *counts, uint32_t first, uint32_t last)
{
    uint32_t missing = 0;
    for (uint32_t i = first; i <= last; i++) {
        printf("  %10llu %s %u\n", (unsigned long long)counts[i], of, i);
        missing += counts[i] == 0;
    }
    return missing;
}

static uint32_t tell_all(void)
{
    printf("  %10llu commands, %llu of several turns\n", (unsigned long long)shared->commands,
           (unsigned long long)shared->turns);
    printf("  %10llu times orders expired, %llu of several turns\n",
           (unsigned long long)shared->expired, (unsigned long long)shared->expired_turns);
    printf("  %10llu done\n", (unsigned long long)shared->reason[0]);
    uint32_t missing = shared->turns == 0 || shared->expired_turns == 0;
    missing += tell_reasons(MR_REASON_TIMERS_FULL, MR_REASON_TIMERS_FULL);
    missing += tell_reasons(MR_BOOK_UNKNOWN_INSTRUMENT, MR_BOOK_TICK_TABLE_FULL);
    missing += tell_counts("events of type", shared->event, MR_BOOK_INSTRUMENT_DEFINED,
                           MR_BOOK_ORDERS_CANCELLED);
    missing += tell_counts("orders cancelled for cause", shared->cause, 0, MR_BOOK_CANCEL_BLOCKED);
    missing += tell_counts("rejects of action", shared->action, 0, MR_BOOK_ACTION_ORDERS_CANCEL);
    return missing;
}

/* -- Rounds. ----------------------------------------------------------------------------------- */

/* Plays a round; false: the books differ. */
static bool play(uint64_t seed, uint64_t commands)
{
    struct book_world world;
    struct book_pair pair;
    struct book_step step;
    book_world_open(&world, seed);
    book_pair_open(&pair, &world.setting, false);
    bool same = true;
    for (uint64_t n = 0; n < commands && same; n++) {
        book_world_step(&world, &pair.naive, &step);
        shared->steps = n + 1;
        same = book_pair_step(&pair, &step);
        see(&pair);
    }
    same = same && book_pair_check(&pair);
    book_pair_close(&pair);
    return same;
}

/* The same steps again, without the real book, which may have crashed. */
static void remake(struct book_script *script, uint64_t seed, uint64_t commands)
{
    struct book_world world;
    struct book_pair pair;
    struct book_step step;
    book_world_open(&world, seed);
    book_pair_open(&pair, &world.setting, true);
    *script = (struct book_script){.setting = world.setting};
    for (uint64_t n = 0; n < commands; n++) {
        book_world_step(&world, &pair.naive, &step);
        book_script_add(script, &step);
        book_pair_step(&pair, &step);
    }
    book_pair_close(&pair);
}

/* A process that may crash, or loop, leaves no core, and has an end. */
static void limit_child(void)
{
    const struct rlimit no_core = {0, 0}, seconds = {ROUND_SECONDS, ROUND_SECONDS};
    setrlimit(RLIMIT_CORE, &no_core);
    setrlimit(RLIMIT_CPU, &seconds);
}

/* Explains in another process: the books may crash once more. */
static void explain(const struct book_script *script)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        limit_child();
        bool differs = book_script_explain(script, stdout);
        fflush(stdout);
        _exit(differs ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status))
        printf("error: the real book ends with signal %d\n", WTERMSIG(status));
}

static void report_failure(uint64_t seed, uint64_t commands)
{
    struct book_script script;
    printf("MR_SEED=%llu fails at command %llu; making it smaller\n", (unsigned long long)seed,
           (unsigned long long)commands);
    remake(&script, seed, commands);
    if (book_script_play(&script) == SCRIPT_SAME) {
        printf("played again from its commands, it does not fail\n");
    } else {
        uint32_t plays = book_script_shrink(&script);
        printf("%u commands fail (%u plays):\n\n", script.count, plays);
        book_script_write(&script, stdout);
        printf("\n");
        explain(&script);
    }
    book_script_close(&script);
    fflush(stdout);
}

static bool round_fails(uint64_t seed, uint64_t commands)
{
    fflush(stdout);
    shared->steps = 0;
    pid_t child = fork();
    if (child == 0) {
        limit_child();
        _exit(play(seed, commands) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS;
}

static void the_book_does_what_the_naive_one_does(void **state)
{
    (void)state;
    uint64_t seed = from_environment("MR_SEED", 1);
    uint64_t left = from_environment("MR_FUZZ_COMMANDS", FUZZ_COMMANDS);
    bool long_enough = left >= COMMANDS_TO_SEE_ALL;
    printf("MR_SEED=%llu MR_FUZZ_COMMANDS=%llu shard %llu\n", (unsigned long long)seed,
           (unsigned long long)left, (unsigned long long)shard);
    seed += shard * SHARD_SEEDS;
    while (left > 0) {
        uint64_t commands = left < COMMANDS_PER_ROUND ? left : COMMANDS_PER_ROUND;
        if (round_fails(seed, commands)) {
            report_failure(seed, shared->steps);
            fail();
        }
        left -= commands;
        seed++;
    }
    uint32_t missing = tell_all();
    if (long_enough)
        assert_int_equal(missing, 0);
}

/* -- A script from a file. --------------------------------------------------------------------- */

static void a_script_does_the_same_to_both(void **state)
{
    const char *path = getenv("MR_FUZZ_SCRIPT");
    (void)state;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct book_script script;
    uint32_t line;
    bool good = book_script_read(&script, file, &line);
    (void)fclose(file);
    if (!good)
        print_error("%s:%u: cannot be read\n", path, line);
    assert_true(good);
    bool same = book_script_play(&script) == SCRIPT_SAME;
    if (!same)
        explain(&script);
    book_script_close(&script);
    assert_true(same);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_book_does_what_the_naive_one_does),
    };
    const struct CMUnitTest script[] = {
        cmocka_unit_test(a_script_does_the_same_to_both),
    };
    shard = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return EXIT_FAILURE;
    return getenv("MR_FUZZ_SCRIPT") != NULL ? cmocka_run_group_tests(script, NULL, NULL)
                                            : cmocka_run_group_tests(tests, NULL, NULL);
}
