/* Tests of scripts that are the same for every logic; their state is its struct fuzz_logic. */
#ifndef MR_TESTS_CORE_FUZZ_CASES_H
#define MR_TESTS_CORE_FUZZ_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/core/fuzz_script.h"

static inline uint64_t fuzz_seed(void)
{
    const char *text = getenv("MR_SEED");
    return text == NULL ? 3 : strtoull(text, NULL, 0);
}

/* Commands that the logic and the naive one take alike. */
static inline void fuzz_make(struct fuzz_script *script, const struct fuzz_logic *logic,
                             uint64_t seed, uint64_t commands)
{
    printf("MR_SEED=%llu\n", (unsigned long long)seed);
    logic->make(script, seed, commands);
}

/* A script of a world where a bug shows, from the seed on. */
static inline void fuzz_make_failing(struct fuzz_script *script, const struct fuzz_logic *logic,
                                     uint64_t commands, void (*plant)(void *setting))
{
    for (uint64_t seed = fuzz_seed();; seed++) {
        fuzz_make(script, logic, seed, commands);
        assert_int_equal(fuzz_script_play(script), FUZZ_SAME);
        plant(script->setting);
        if (fuzz_script_play(script) != FUZZ_SAME)
            return;
        fuzz_script_close(script);
    }
}

static inline uint32_t fuzz_count_odd(const struct fuzz_script *script)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < script->count; i++)
        count += script->commands[i].odd != 0;
    return count;
}

static inline void what_does_not_fail_is_left_alone(void **state)
{
    struct fuzz_script script;
    fuzz_make(&script, *state, fuzz_seed(), 100);
    uint32_t count = script.count;
    assert_int_equal(fuzz_script_shrink(&script), 1);
    assert_int_equal(script.count, count);
    fuzz_script_close(&script);
}

/* In a world where there are odd commands, if the logic knows any. */
static inline void what_is_written_is_read_again(void **state)
{
    const struct fuzz_logic *logic = *state;
    struct fuzz_script script, again;
    uint64_t seed = fuzz_seed();
    uint32_t line;
    for (fuzz_make(&script, logic, seed, 1000);
         logic->oddity_count > 0 && fuzz_count_odd(&script) == 0;) {
        fuzz_script_close(&script);
        fuzz_make(&script, logic, ++seed, 1000);
    }
    FILE *file = tmpfile();
    assert_non_null(file);
    fuzz_script_write(&script, file);
    rewind(file);
    assert_true(fuzz_script_read(&again, logic, file, &line));
    (void)fclose(file);
    const unsigned char *setting = script.setting, *read = again.setting;
    assert_memory_equal(read + logic->config_offset, setting + logic->config_offset,
                        logic->logic->config->size);
    for (uint32_t i = 0; i < logic->setting->field_count; i++) {
        const struct mr_field *field = &logic->setting->fields[i];
        assert_memory_equal(read + field->offset, setting + field->offset, field->size);
    }
    assert_int_equal(again.count, script.count);
    for (uint32_t i = 0; i < script.count; i++) {
        assert_memory_equal(again.commands[i].bytes, script.commands[i].bytes, FUZZ_COMMAND_BYTES);
        assert_int_equal(again.commands[i].odd, script.commands[i].odd);
    }
    fuzz_script_close(&script);
    fuzz_script_close(&again);
}

/* The last line of the text is what cannot be read. */
static inline void fuzz_expect_bad_line(const struct fuzz_logic *logic, const char *text,
                                        uint32_t expected)
{
    struct fuzz_script script;
    uint32_t line = 0;
    FILE *file = tmpfile();
    assert_non_null(file);
    fputs(text, file);
    rewind(file);
    assert_false(fuzz_script_read(&script, logic, file, &line));
    assert_int_equal(line, expected);
    (void)fclose(file);
    fuzz_script_close(&script);
}

#endif
