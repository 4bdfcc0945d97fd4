/*
 * Random batches, good and bad, to the ledger and to a naive one, alone or in an image: the same
 * results, events byte for byte, balances, states, totals, the same answers to queries, every
 * invariant; and no money is made or lost.
 *
 * MR_SEED=n replays a run, MR_FUZZ_COMMANDS=n makes it longer, MR_FUZZ_SCRIPT=file plays a sequence
 * of commands as it is printed when the two differ. The program's argument is the number of the
 * shard: other ones have other seeds.
 *
 * Each round is a process of its own, so that a crash can be made smaller like anything else.
 */
#include "tests/core/ledger_random.h"
#include "tests/core/ledger_script.h"

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
#define FUZZ_COMMANDS 1250000
#endif

enum {
    COMMANDS_PER_ROUND = 4000,
    COMMANDS_TO_SEE_ALL = 1250000,
    SHARD_SEEDS = 1000000,
    ROUND_SECONDS = 10, /* of the processor: then it has no end */
    REASONS = 256,
};

/* What rounds tell of themselves: memory that they share with who began them. */
struct fuzz_shared {
    uint64_t steps; /* that the round has begun, to the end of a batch */
    uint64_t reason[REASONS], odd[LEDGER_ODDITY_COUNT];
    uint64_t commands, batches, expired, in_image, kept, chains_beyond, wrapped;
};

static struct fuzz_shared *shared;
static uint64_t shard;

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

/* So that a fuzzer that no longer reaches something is noticed. */
static void see(const struct ledger_pair *pair, const struct ledger_step *steps, uint32_t count)
{
    uint32_t chain = 0;
    shared->commands += count;
    shared->batches++;
    shared->expired += pair->expired_count;
    shared->in_image += pair->setting.in_image ? count : 0;
    shared->wrapped +=
        pair->setting.before_wrap != 0 && pair->naive.now.created > pair->setting.before_wrap;
    shared->kept += pair->naive.now.kept.end - pair->naive.now.kept.first;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = pair->places[i];
        shared->odd[steps[i].odd]++;
        if (place == UINT32_MAX)
            continue;
        shared->reason[pair->answers[place].reason]++;
        bool linked = (steps[i].transfer.flags & MR_LEDGER_LINKED) != 0;
        bool created = pair->answers[place].reason == 0;
        chain = created && linked && steps[i].type == MR_LEDGER_TRANSFER_CREATE ? chain + 1 : 0;
        shared->chains_beyond += chain == pair->setting.config.transfers_max;
    }
}

/* How often things have happened; what never has, although it should, is counted. */
static uint32_t tell(const char *what, uint64_t count)
{
    printf("  %10llu %s\n", (unsigned long long)count, what);
    return count == 0;
}

static uint32_t tell_all(void)
{
    uint32_t missing = tell("commands", shared->commands) + tell("batches", shared->batches);
    missing += tell("commands to an image", shared->in_image);
    missing += tell("times a transfer expired", shared->expired);
    missing += tell("times a pending transfer was beyond the window", shared->kept);
    missing += tell("times a chain was created that is longer than it", shared->chains_beyond);
    missing += tell("batches after ordinals had begun again", shared->wrapped);
    for (uint32_t odd = ODD_NOTHING + 1; odd < LEDGER_ODDITY_COUNT; odd++)
        missing += tell("odd commands", shared->odd[odd]);
    missing += tell("created", shared->reason[0]);
    for (uint32_t reason = MR_LEDGER_LINKED_EVENT_FAILED; reason < MR_LEDGER_BAD_FILTER; reason++)
        missing +=
            tell(mr_catalog_reason_name(mr_logic_ledger.catalog, reason), shared->reason[reason]);
    return missing;
}

/* -- Rounds. ----------------------------------------------------------------------------------- */

static struct ledger_step steps[WORLD_BATCH_MAX];
static struct ledger_world world;

/* Plays a round; false: the ledgers differ. */
static bool play(uint64_t seed, uint64_t commands)
{
    struct ledger_pair pair;
    ledger_world_open(&world, seed);
    ledger_pair_open(&pair, &world.setting, false);
    bool same = true;
    commands = ledger_world_commands(&world, commands);
    for (uint64_t n = 0; n < commands && same;) {
        uint32_t count = ledger_world_batch(&world, &pair.naive, steps);
        n += count;
        shared->steps = n;
        same = ledger_pair_batch(&pair, steps, count);
        see(&pair, steps, count);
    }
    same = same && ledger_pair_check(&pair);
    ledger_pair_close(&pair);
    return same;
}

/* The same steps again, without the real ledger, which may have crashed. */
static void remake(struct ledger_script *script, uint64_t seed, uint64_t commands)
{
    struct ledger_pair pair;
    ledger_world_open(&world, seed);
    ledger_pair_open(&pair, &world.setting, true);
    *script = (struct ledger_script){.setting = world.setting};
    while (script->count < commands) {
        uint32_t count = ledger_world_batch(&world, &pair.naive, steps);
        for (uint32_t i = 0; i < count; i++)
            ledger_script_add(script, &steps[i]);
        ledger_pair_batch(&pair, steps, count);
    }
    ledger_pair_close(&pair);
}

/* A process that may crash, or loop, leaves no core, and has an end. */
static void limit_child(void)
{
    const struct rlimit no_core = {0, 0}, seconds = {ROUND_SECONDS, ROUND_SECONDS};
    setrlimit(RLIMIT_CORE, &no_core);
    setrlimit(RLIMIT_CPU, &seconds);
}

/* Explains in another process: the ledgers may crash once more. */
static void explain(const struct ledger_script *script)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        limit_child();
        bool differs = ledger_script_explain(script, stdout);
        fflush(stdout);
        _exit(differs ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status))
        printf("error: the real ledger ends with signal %d\n", WTERMSIG(status));
}

static void report_failure(uint64_t seed, uint64_t commands)
{
    struct ledger_script script;
    printf("MR_SEED=%llu fails at command %llu; making it smaller\n", (unsigned long long)seed,
           (unsigned long long)commands);
    remake(&script, seed, commands);
    if (ledger_script_play(&script) == SCRIPT_SAME) {
        printf("played again from its commands, it does not fail\n");
    } else {
        uint32_t plays = ledger_script_shrink(&script);
        printf("%u commands fail (%u plays):\n\n", script.count, plays);
        ledger_script_write(&script, stdout);
        printf("\n");
        explain(&script);
    }
    ledger_script_close(&script);
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

static void the_ledger_does_what_the_naive_one_does(void **state)
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
    struct ledger_script script;
    uint32_t line;
    bool good = ledger_script_read(&script, file, &line);
    (void)fclose(file);
    if (!good)
        print_error("%s:%u: cannot be read\n", path, line);
    assert_true(good);
    bool same = ledger_script_play(&script) == SCRIPT_SAME;
    if (!same)
        explain(&script);
    ledger_script_close(&script);
    assert_true(same);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ledger_does_what_the_naive_one_does),
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
