/* The arena: zeroed, aligned, bounded, and closed after start. */
#include "base/arena.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct mr_arena arena;
    size_t total = 0;
    for (size_t alignment = 1; alignment <= MR_ARENA_ALIGNMENT_MAX; alignment *= 2) {
        total = mr_arena_size_add(total, 100, alignment);
    }
    assert_int_equal(mr_arena_init(&arena, total, NULL), MR_OK);
    unsigned char *end = arena.base;
    for (size_t alignment = 1; alignment <= MR_ARENA_ALIGNMENT_MAX; alignment *= 2) {
        unsigned char *piece = mr_arena_take(&arena, 100, alignment);
        assert_int_equal((uintptr_t)piece % alignment, 0);
        assert_true(piece >= end);
        for (int i = 0; i < 100; i++) {
            assert_int_equal(piece[i], 0);
        }
        memset(piece, 0xff, 100);
        end = piece + 100;
    }
    assert_int_equal(arena.used, total); /* counted beforehand to the byte */
    mr_arena_free(&arena);
    assert_null(arena.base);
    mr_arena_free(&arena);
}

static void the_size_is_rounded_up_to_pages(void **state)
{
    (void)state;
    struct mr_arena arena;
    assert_int_equal(mr_arena_init(&arena, 5000, NULL), MR_OK);
    assert_int_equal(arena.size, 8192);
    memset(mr_arena_take(&arena, 8192, 4096), 1, 8192);
    assert_non_null(mr_arena_take(&arena, 0, 1)); /* nothing fits behind everything */
    mr_arena_free(&arena);
}

static void more_memory_than_there_is_is_an_error(void **state)
{
    (void)state;
    struct mr_arena arena;
    struct mr_error error;
    assert_int_equal(mr_arena_init(&arena, SIZE_MAX, &error), MR_E_NO_MEMORY);
    assert_int_equal(mr_arena_init(&arena, SIZE_MAX / 2, &error), MR_E_NO_MEMORY);
    assert_int_equal(error.code, MR_E_NO_MEMORY);
    assert_null(arena.base);
}

static void take_too_much(struct mr_arena *arena)
{
    mr_arena_take(arena, 4097, 1);
}

static void take_after_sealing(struct mr_arena *arena)
{
    mr_arena_take(arena, 1, 1);
    mr_arena_seal(arena);
    mr_arena_take(arena, 1, 1);
}

static void take_at_no_power_of_two(struct mr_arena *arena)
{
    mr_arena_take(arena, 1, 3);
}

static void assert_breaks(void (*act)(struct mr_arena *arena))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct mr_arena arena;
        fclose(stderr);
        mr_arena_init(&arena, 4096, NULL);
        act(&arena);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void running_over_or_taking_late_is_a_broken_invariant(void **state)
{
    (void)state;
    assert_breaks(take_too_much);
    assert_breaks(take_after_sealing);
    assert_breaks(take_at_no_power_of_two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(the_size_is_rounded_up_to_pages),
        cmocka_unit_test(more_memory_than_there_is_is_an_error),
        cmocka_unit_test(running_over_or_taking_late_is_a_broken_invariant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
