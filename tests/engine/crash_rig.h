/*
 * A crash inside every position of a batch: the largest one, of 8,190 commands as long as a
 * ledger's transfers, is cut at every sector of its frame, at every command, and loses every sector
 * in turn. What recovery finds is all of it or nothing. What that means is for a test to say, which
 * brings the logic and the commands: engines are opened on what some of the crashes left.
 *
 * The bytes of the disk before the batch and behind it are known; a crash is made of them.
 */
#ifndef MR_TESTS_ENGINE_CRASH_RIG_H
#define MR_TESTS_ENGINE_CRASH_RIG_H

#include "base/limits.h"
#include "tests/support/memory_storage.h"

#include <millrace/engine.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In a slow build only every so many sectors and commands. */
#ifndef SECTOR_STRIDE
#define SECTOR_STRIDE  1
#define COMMAND_STRIDE 1
#endif

enum {
    CRASH_BATCH = MR_BATCH_COMMANDS_MAX,
    CRASH_COMMAND = 184, /* bytes: a transfer's header and body */
    CRASH_SECTOR = 512,
    CRASH_LIVE_EVERY = 97, /* how many cuts lie between two that an engine is opened on */
};

struct crash_cut {
    size_t at;
    bool live; /* an engine is opened on what it leaves, whatever the other cuts do */
};

/* The disk before and behind the batch, and one that the crashes are made on: there the segment has
 * something of both, and all else (the next segment, which is prepared meanwhile) is as before, or
 * as behind. */
struct crash_bench {
    /* The test's: the batch, its commands one behind the other, and the sequence of the first one;
     * which of them are watched (NULL: none), so that an engine is opened in any case where they
     * begin; what is done with a disk that a crash has left, from which recovery keeps the batch or
     * not; and what that wants to know. */
    const void *commands;
    uint64_t first;
    bool (*watched)(uint32_t command);
    void (*goes_on)(const struct crash_bench *bench, struct memory_storage *disk, bool kept);
    void *context;

    struct memory_storage *before, *behind, *crashed;
    unsigned char *from, *to, *at; /* the bytes of the segment on each */
    size_t begin, end;             /* of what the batch has changed, in whole sectors */
    struct crash_cut *cuts;
    uint32_t cut_count;
};

/* -- Engines. ---------------------------------------------------------------------------------- */

/* Opens an engine as `how` says, over that disk, and begins to step it by hand. */
static inline struct mr_engine *crash_open(struct memory_storage *disk,
                                           const struct mr_engine_options *how)
{
    struct mr_engine_options options = *how;
    options.storage = memory_storage_seam(disk);
    options.create = true;
    options.clock_kind = MR_CLOCK_INPUT;
    options.segment_bytes = MR_SEGMENT_BYTES_MIN;
    options.journal_id[0] = 1;
    struct mr_engine *engine = NULL;
    struct mr_error error = {0};
    if (mr_engine_open(&options, &engine, &error) != MR_OK ||
        mr_engine_begin(engine, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
    return engine;
}

static inline void crash_step_until(struct mr_engine *engine,
                                    uint64_t (*reached)(const struct mr_engine *engine),
                                    uint64_t sequence)
{
    for (uint32_t i = 0; reached(engine) < sequence; i++) {
        assert_true(i < 100000);
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            assert_true(mr_engine_step(engine, stage) >= 0);
        }
    }
}

/* The journal has nothing more to write: the watermark frame, too, that follows idle turns. */
static inline void crash_come_to_rest(struct mr_engine *engine)
{
    for (uint32_t i = 0; i < 100 * MR_ENGINE_STAGES; i++) {
        assert_true(mr_engine_step(engine, i % MR_ENGINE_STAGES) >= 0);
    }
}

static inline void crash_submit(struct mr_engine *engine, const void *commands)
{
    const struct mr_command **pointers = calloc(CRASH_BATCH, sizeof(const struct mr_command *));
    assert_non_null(pointers);
    for (size_t i = 0; i < CRASH_BATCH; i++) {
        pointers[i] = (const void *)((const unsigned char *)commands + i * CRASH_COMMAND);
        assert_int_equal(pointers[i]->length, CRASH_COMMAND);
    }
    assert_int_equal(mr_engine_submit_batch(engine, pointers, CRASH_BATCH, NULL), MR_OK);
    free(pointers);
}

/* -- Cuts. ------------------------------------------------------------------------------------- */

static inline void crash_cut_add(struct crash_bench *bench, size_t at, bool live)
{
    if (at > bench->begin && at < bench->end) {
        bench->cuts[bench->cut_count++] = (struct crash_cut){.at = at, .live = live};
    }
}

static inline int crash_cut_compare(const void *a, const void *b)
{
    const struct crash_cut *one = a, *other = b;
    return one->at < other->at ? -1 : one->at > other->at;
}

/* Where the commands lie on the disk: the body of the first one tells. */
static inline size_t crash_find_commands(const struct crash_bench *bench)
{
    const unsigned char *body = mr_command_body(bench->commands);
    const unsigned char *found = memmem(bench->to + bench->begin, bench->end - bench->begin, body,
                                        CRASH_COMMAND - MR_COMMAND_HEADER);
    assert_non_null(found);
    return (size_t)(found - bench->to) - MR_COMMAND_HEADER;
}

/* At each sector, and where each command begins. */
static inline void crash_plan_cuts(struct crash_bench *bench)
{
    size_t most = (bench->end - bench->begin) / CRASH_SECTOR + CRASH_BATCH + 1;
    bench->cuts = calloc(most, sizeof *bench->cuts);
    assert_non_null(bench->cuts);
    for (size_t cut = bench->begin; cut < bench->end; cut += (size_t)CRASH_SECTOR * SECTOR_STRIDE) {
        crash_cut_add(bench, cut, false);
    }
    size_t commands = crash_find_commands(bench);
    for (uint32_t i = 0; i < CRASH_BATCH; i++) {
        bool watched = bench->watched != NULL && bench->watched(i);
        if (watched || i % COMMAND_STRIDE == 0) {
            crash_cut_add(bench, commands + (size_t)i * CRASH_COMMAND, watched);
        }
    }
    qsort(bench->cuts, bench->cut_count, sizeof *bench->cuts, crash_cut_compare);
}

static inline unsigned char *crash_segment(struct memory_storage *disk, size_t *size)
{
    unsigned char *bytes = memory_storage_bytes(disk, "journal/00000001.seg", size);
    assert_non_null(bytes);
    return bytes;
}

static inline void crash_find_changes(struct crash_bench *bench)
{
    size_t size, same_size;
    bench->from = crash_segment(bench->before, &size);
    bench->to = crash_segment(bench->behind, &same_size);
    bench->at = crash_segment(bench->crashed, &same_size);
    assert_true(size == same_size);
    bench->begin = 0;
    while (memcmp(bench->from + bench->begin, bench->to + bench->begin, CRASH_SECTOR) == 0) {
        bench->begin += CRASH_SECTOR;
    }
    bench->end = size;
    while (memcmp(bench->from + bench->end - CRASH_SECTOR, bench->to + bench->end - CRASH_SECTOR,
                  CRASH_SECTOR) == 0) {
        bench->end -= CRASH_SECTOR;
    }
    assert_true(bench->end - bench->begin > (size_t)CRASH_BATCH * CRASH_COMMAND);
    memcpy(bench->at, bench->from, size);
}

/* -- The bench. -------------------------------------------------------------------------------- */

/* Gives the batch to an engine at rest, and keeps what its disk was before, and is when the batch
 * is durable. */
static inline void crash_record(struct crash_bench *bench, struct mr_engine *engine,
                                const struct memory_storage *disk, bool all_else_behind)
{
    assert_int_equal(mr_engine_durable_sequence(engine), bench->first - 1);
    bench->before = memory_storage_clone(disk);
    crash_submit(engine, bench->commands);
    crash_step_until(engine, mr_engine_durable_sequence, bench->first + CRASH_BATCH - 1);
    bench->behind = memory_storage_clone(disk);
    bench->crashed = memory_storage_clone(all_else_behind ? bench->behind : bench->before);
    crash_find_changes(bench);
    crash_plan_cuts(bench);
}

static inline void crash_free(struct crash_bench *bench)
{
    memory_storage_destroy(bench->before);
    memory_storage_destroy(bench->behind);
    memory_storage_destroy(bench->crashed);
    free(bench->cuts);
}

/* Recovery would keep all of the batch, if all of its bytes are there, and else nothing of it. */
static inline void crash_keeps(const struct crash_bench *bench, size_t cut, bool whole)
{
    struct mr_recovery plan;
    struct mr_damage damage;
    struct mr_error error = {0};
    if (mr_journal_plan(memory_storage_seam(bench->crashed), &plan, &damage, &error) != MR_OK) {
        fail_msg("cut at %zu of %zu to %zu: %s", cut, bench->begin, bench->end, error.text);
    }
    uint64_t expected = bench->first - 1 + (whole ? CRASH_BATCH : 0);
    if (plan.last_sequence != expected) {
        fail_msg("cut at %zu of %zu to %zu: recovery ends with sequence %llu, not %llu", cut,
                 bench->begin, bench->end, (unsigned long long)plan.last_sequence,
                 (unsigned long long)expected);
    }
}

/* The test goes on with a copy of what the crash left. */
static inline void crash_go_on(const struct crash_bench *bench, bool kept)
{
    struct memory_storage *disk = memory_storage_clone(bench->crashed);
    bench->goes_on(bench, disk, kept);
    memory_storage_destroy(disk);
}

/* -- Claims, as tests. ------------------------------------------------------------------------- */

static void a_batch_that_was_cut_anywhere_is_there_whole_or_not_at_all(void **state)
{
    struct crash_bench *bench = *state;
    size_t written = bench->begin;
    crash_keeps(bench, written, false);
    crash_go_on(bench, false);
    for (uint32_t i = 0; i < bench->cut_count; i++) {
        const struct crash_cut *cut = &bench->cuts[i];
        memcpy(bench->at + written, bench->to + written, cut->at - written);
        written = cut->at;
        bool whole = memcmp(bench->at + written, bench->to + written, bench->end - written) == 0;
        crash_keeps(bench, written, whole);
        if (cut->live || i % CRASH_LIVE_EVERY == 0) {
            crash_go_on(bench, whole);
        }
    }
    memcpy(bench->at + written, bench->to + written, bench->end - written);
    crash_keeps(bench, bench->end, true);
    crash_go_on(bench, true);
}

static void a_batch_that_lost_any_sector_is_not_there(void **state)
{
    struct crash_bench *bench = *state;
    memcpy(bench->at + bench->begin, bench->to + bench->begin, bench->end - bench->begin);
    crash_keeps(bench, bench->end, true);
    crash_go_on(bench, true);
    for (size_t lost = bench->begin; lost < bench->end;
         lost += (size_t)CRASH_SECTOR * SECTOR_STRIDE) {
        memcpy(bench->at + lost, bench->from + lost, CRASH_SECTOR);
        bool differs = memcmp(bench->from + lost, bench->to + lost, CRASH_SECTOR) != 0;
        crash_keeps(bench, lost, !differs);
        if (lost / CRASH_SECTOR % CRASH_LIVE_EVERY == 0) {
            crash_go_on(bench, !differs);
        }
        memcpy(bench->at + lost, bench->to + lost, CRASH_SECTOR);
    }
}

/* Runs both. In *state, `setup` finds a bool, which crash_record wants (whether all but the segment
 * is as it is behind the batch), and leaves its bench. */
static inline int crash_run(CMFixtureFunction setup, CMFixtureFunction teardown)
{
    static bool before = false, behind = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(
            a_batch_that_was_cut_anywhere_is_there_whole_or_not_at_all, setup, teardown, &before),
        cmocka_unit_test_prestate_setup_teardown(a_batch_that_lost_any_sector_is_not_there, setup,
                                                 teardown, &behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
