#include "tests/core/fuzz_rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SHARD_SEEDS = 1000000,
    ROUND_SECONDS = 10, /* of the processor: then it has no end */
};

static uint64_t shard;

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

static void *map_shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

uint32_t fuzz_tell(const char *what, uint64_t count)
{
    printf("  %10llu %s\n", (unsigned long long)count, what);
    return count == 0;
}

uint32_t fuzz_tell_reasons(const struct fuzz_logic *logic, const uint64_t *counts, uint32_t first,
                           uint32_t last)
{
    uint32_t missing = 0;
    for (uint32_t reason = first; reason <= last; reason++)
        missing += fuzz_tell(mr_catalog_reason_name(logic->logic->catalog, reason), counts[reason]);
    return missing;
}

/* -- Rounds. ----------------------------------------------------------------------------------- */

static bool round_fails(const struct fuzz_rounds *rounds, uint64_t seed, uint64_t commands,
                        uint64_t *begun, void *seen)
{
    *begun = 0;
    pid_t child = fuzz_child_begin(ROUND_SECONDS);
    if (child == 0)
        _exit(rounds->play(seed, commands, begun, seen) ? EXIT_SUCCESS : EXIT_FAILURE);
    int status = fuzz_child_end(child);
    return !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS;
}

static void report_failure(const struct fuzz_logic *logic, uint64_t seed, uint64_t commands)
{
    struct fuzz_script script;
    printf("MR_SEED=%llu fails at command %llu; making it smaller\n", (unsigned long long)seed,
           (unsigned long long)commands);
    logic->make(&script, seed, commands);
    if (fuzz_script_play(&script) == FUZZ_SAME) {
        printf("played again from its commands, it does not fail\n");
    } else {
        uint32_t plays = fuzz_script_shrink(&script);
        printf("%u commands fail (%u plays):\n\n", script.count, plays);
        fuzz_script_write(&script, stdout);
        printf("\n");
        fuzz_script_explain(&script);
    }
    fuzz_script_close(&script);
    fflush(stdout);
}

static void play_rounds(void **state)
{
    const struct fuzz_rounds *rounds = *state;
    uint64_t seed = from_environment("MR_SEED", 1);
    uint64_t left = from_environment("MR_FUZZ_COMMANDS", rounds->commands);
    bool long_enough = left >= rounds->commands_to_see_all;
    uint64_t *begun = map_shared(sizeof(*begun));
    void *seen = map_shared(rounds->seen_size);
    printf("MR_SEED=%llu MR_FUZZ_COMMANDS=%llu shard %llu\n", (unsigned long long)seed,
           (unsigned long long)left, (unsigned long long)shard);
    seed += shard * SHARD_SEEDS;
    while (left > 0) {
        uint64_t commands = left < rounds->commands_of_round ? left : rounds->commands_of_round;
        if (round_fails(rounds, seed, commands, begun, seen)) {
            report_failure(rounds->logic, seed, *begun);
            fail();
        }
        left -= commands;
        seed++;
    }
    uint32_t missing = rounds->tell(seen);
    if (long_enough)
        assert_int_equal(missing, 0);
}

/* -- A script from a file. --------------------------------------------------------------------- */

static void a_script_does_the_same_to_both(void **state)
{
    const struct fuzz_rounds *rounds = *state;
    const char *path = getenv("MR_FUZZ_SCRIPT");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct fuzz_script script;
    uint32_t line;
    bool good = fuzz_script_read(&script, rounds->logic, file, &line);
    (void)fclose(file);
    if (!good)
        print_error("%s:%u: cannot be read\n", path, line);
    assert_true(good);
    bool same = fuzz_script_play(&script) == FUZZ_SAME;
    if (!same)
        fuzz_script_explain(&script);
    fuzz_script_close(&script);
    assert_true(same);
}

int fuzz_rounds_main(const struct fuzz_rounds *rounds, int argc, char **argv)
{
    struct fuzz_rounds state = *rounds; /* a test's state is not const */
    const struct CMUnitTest tests[] = {
        {rounds->claim, play_rounds, NULL, NULL, &state},
    };
    const struct CMUnitTest script[] = {
        cmocka_unit_test_prestate(a_script_does_the_same_to_both, &state),
    };
    shard = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    return getenv("MR_FUZZ_SCRIPT") != NULL ? cmocka_run_group_tests(script, NULL, NULL)
                                            : cmocka_run_group_tests(tests, NULL, NULL);
}
