/*
 * A crash inside every position of a batch: the largest one, of 8,190 commands as long as a
 * ledger's transfers, is cut at every sector of its frame, at every command, and loses every sector
 * in turn. What recovery finds is all of it or nothing, and what was acknowledged before is there.
 *
 * The bytes of the disk before the batch and behind it are known; a crash is made of them.
 */
#include "base/limits.h"
#include "engine/applier.h"
#include "tests/core/witness.h"
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
    SESSION = 7,
    BEFORE = 20, /* commands acknowledged before the batch */
    BATCH = MR_BATCH_COMMANDS_MAX,
    FIRST = 2 + BEFORE + 1, /* sequence of the batch's first: genesis and a session come before */
    SECTOR = 512,
    LIVE_EVERY = 97, /* how many cuts lie between two that an engine is opened on */
};

/* As long as a transfer. */
struct transfer {
    struct mr_command header;
    struct witness_count body;
    unsigned char rest[120];
};
_Static_assert(sizeof(struct transfer) == 184, "a transfer's header and body");

static struct transfer transfer(uint64_t request)
{
    struct transfer made = {.header = {.length = sizeof made,
                                       .type = WITNESS_COUNT,
                                       .role = MR_ROLE_USER,
                                       .session = SESSION,
                                       .request = request},
                            .body = {.number = request}};
    memset(made.rest, (int)(request % 255) + 1, sizeof made.rest);
    return made;
}

static struct mr_engine *open_engine(struct memory_storage *disk, struct mr_error *error)
{
    const struct mr_engine_options options = {.storage = memory_storage_seam(disk),
                                              .create = true,
                                              .logic = &witness_logic,
                                              .clock_kind = MR_CLOCK_INPUT,
                                              .segment_bytes = MR_SEGMENT_BYTES_MIN,
                                              .journal_id = {1},
                                              .output = MR_OUTPUT_NONE};
    struct mr_engine *engine = NULL;
    if (mr_engine_open(&options, &engine, error) != MR_OK ||
        mr_engine_begin(engine, error) != MR_OK) {
        mr_engine_close(engine);
        return NULL;
    }
    return engine;
}

static void step_until_durable(struct mr_engine *engine, uint64_t sequence)
{
    for (uint32_t i = 0; mr_engine_durable_sequence(engine) < sequence; i++) {
        assert_true(i < 100000);
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            assert_true(mr_engine_step(engine, stage) >= 0);
        }
    }
}

/* The journal has nothing more to write: the watermark frame, too, that follows idle turns. */
static void come_to_rest(struct mr_engine *engine)
{
    for (uint32_t i = 0; i < 100 * MR_ENGINE_STAGES; i++) {
        assert_true(mr_engine_step(engine, i % MR_ENGINE_STAGES) >= 0);
    }
}

static void submit_batch(struct mr_engine *engine)
{
    struct transfer *transfers = calloc(BATCH, sizeof *transfers);
    const struct mr_command **pointers = calloc(BATCH, sizeof(const struct mr_command *));
    assert_non_null(transfers);
    assert_non_null(pointers);
    for (uint32_t i = 0; i < BATCH; i++) {
        transfers[i] = transfer(BEFORE + 1 + i);
        pointers[i] = &transfers[i].header;
    }
    assert_int_equal(mr_engine_submit_batch(engine, pointers, BATCH, NULL), MR_OK);
    step_until_durable(engine, FIRST + BATCH - 1);
    free(transfers);
    free(pointers);
}

/* The disk before and behind the batch, and one that the crashes are made on: there the segment has
 * something of both, and all else (the next segment, which is prepared meanwhile) is as before, or
 * as behind. */
struct bench {
    struct memory_storage *before, *behind, *crashed;
    unsigned char *from, *to, *at; /* the bytes of the segment on each */
    size_t begin, end;             /* of what the batch has changed, in whole sectors */
    size_t *cuts;
    uint32_t cut_count;
};

static void add_cut(struct bench *bench, size_t cut)
{
    if (cut > bench->begin && cut < bench->end) {
        bench->cuts[bench->cut_count++] = cut;
    }
}

static int compare_cuts(const void *a, const void *b)
{
    const size_t *one = a, *other = b;
    return *one < *other ? -1 : *one > *other;
}

/* At each sector, and where each command begins. */
static void plan_cuts(struct bench *bench)
{
    bench->cuts = calloc((bench->end - bench->begin) / SECTOR + BATCH + 1, sizeof *bench->cuts);
    assert_non_null(bench->cuts);
    for (size_t cut = bench->begin; cut < bench->end; cut += (size_t)SECTOR * SECTOR_STRIDE) {
        add_cut(bench, cut);
    }
    /* The first transfer's rest tells where the commands lie. */
    struct transfer first = transfer(BEFORE + 1);
    size_t rest = offsetof(struct transfer, rest);
    const unsigned char *found =
        memmem(bench->to + bench->begin, bench->end - bench->begin, first.rest, sizeof first.rest);
    assert_non_null(found);
    size_t commands = (size_t)(found - bench->to) - rest;
    for (uint32_t i = 0; i < BATCH; i += COMMAND_STRIDE) {
        add_cut(bench, commands + i * sizeof(struct transfer));
    }
    qsort(bench->cuts, bench->cut_count, sizeof *bench->cuts, compare_cuts);
}

static unsigned char *segment(struct memory_storage *disk, size_t *size)
{
    unsigned char *bytes = memory_storage_bytes(disk, "journal/00000001.seg", size);
    assert_non_null(bytes);
    return bytes;
}

static void find_changes(struct bench *bench)
{
    size_t size, same_size;
    bench->from = segment(bench->before, &size);
    bench->to = segment(bench->behind, &same_size);
    bench->at = segment(bench->crashed, &same_size);
    assert_true(size == same_size);
    bench->begin = 0;
    while (memcmp(bench->from + bench->begin, bench->to + bench->begin, SECTOR) == 0) {
        bench->begin += SECTOR;
    }
    bench->end = size;
    while (memcmp(bench->from + bench->end - SECTOR, bench->to + bench->end - SECTOR, SECTOR) ==
           0) {
        bench->end -= SECTOR;
    }
    assert_true(bench->end - bench->begin > (size_t)BATCH * sizeof(struct transfer));
    memcpy(bench->at, bench->from, size);
}

static int setup(void **state, bool all_else_behind)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct memory_storage *disk = memory_storage_create();
    struct mr_error error = {0};
    struct mr_engine *engine = open_engine(disk, &error);
    if (engine == NULL || mr_engine_session(engine, SESSION, MR_ROLE_USER, NULL, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
    for (uint64_t request = 1; request <= BEFORE; request++) {
        struct transfer one = transfer(request);
        assert_int_equal(mr_engine_execute(engine, &one.header, NULL, NULL, &error), MR_OK);
    }
    come_to_rest(engine);
    assert_int_equal(mr_engine_durable_sequence(engine), FIRST - 1);
    bench->before = memory_storage_clone(disk);
    submit_batch(engine);
    bench->behind = memory_storage_clone(disk);
    bench->crashed = memory_storage_clone(all_else_behind ? bench->behind : bench->before);
    mr_engine_close(engine);
    memory_storage_destroy(disk);
    find_changes(bench);
    plan_cuts(bench);
    *state = bench;
    return 0;
}

static int setup_before(void **state)
{
    return setup(state, false);
}

static int setup_behind(void **state)
{
    return setup(state, true);
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    memory_storage_destroy(bench->before);
    memory_storage_destroy(bench->behind);
    memory_storage_destroy(bench->crashed);
    free(bench->cuts);
    free(bench);
    return 0;
}

/* What recovery would keep: true, all of the batch; false, nothing of it. */
static bool keeps(struct bench *bench, size_t cut)
{
    struct mr_recovery plan;
    struct mr_damage damage;
    struct mr_error error = {0};
    if (mr_journal_plan(memory_storage_seam(bench->crashed), &plan, &damage, &error) != MR_OK) {
        fail_msg("cut at %zu of %zu to %zu: %s", cut, bench->begin, bench->end, error.text);
    }
    if (plan.last_sequence != FIRST - 1 && plan.last_sequence != FIRST + BATCH - 1) {
        fail_msg("cut at %zu of %zu to %zu: recovery ends with sequence %llu", cut, bench->begin,
                 bench->end, (unsigned long long)plan.last_sequence);
    }
    return plan.last_sequence == FIRST + BATCH - 1;
}

/* An engine is opened on a copy of what the crash left, and goes on. */
static void goes_on(struct bench *bench, bool kept)
{
    struct memory_storage *disk = memory_storage_clone(bench->crashed);
    struct mr_error error = {0};
    struct mr_engine *engine = open_engine(disk, &error);
    if (engine == NULL) {
        fail_msg("%s", error.text);
    }
    const struct mr_image *image = mr_engine_image(engine);
    uint64_t expected = BEFORE + (kept ? BATCH : 0);
    assert_int_equal(mr_image_status_get(image).sequence, 2 + expected);
    assert_int_equal(*(const uint64_t *)mr_image_state(image), expected);
    assert_true(mr_image_check(image, &witness_logic));
    struct mr_session_info session;
    assert_true(mr_image_session(image, SESSION, &session));
    assert_int_equal(session.last_request, expected);
    struct transfer one = transfer(expected + 1);
    struct mr_answer answer;
    assert_int_equal(mr_engine_execute(engine, &one.header, NULL, &answer, &error), MR_OK);
    assert_int_equal(answer.sequence, 2 + expected + 1);
    mr_engine_close(engine);
    memory_storage_destroy(disk);
}

static void a_batch_that_was_cut_anywhere_is_there_whole_or_not_at_all(void **state)
{
    struct bench *bench = *state;
    size_t written = bench->begin;
    bool kept = keeps(bench, written);
    assert_false(kept);
    goes_on(bench, false);
    for (uint32_t i = 0; i < bench->cut_count; i++) {
        size_t cut = bench->cuts[i];
        memcpy(bench->at + written, bench->to + written, cut - written);
        written = cut;
        bool now = keeps(bench, cut);
        assert_true(now || !kept);
        kept = now;
        if (i % LIVE_EVERY == 0) {
            goes_on(bench, kept);
        }
    }
    memcpy(bench->at + written, bench->to + written, bench->end - written);
    assert_true(keeps(bench, bench->end));
    goes_on(bench, true);
}

static void a_batch_that_lost_any_sector_is_not_there(void **state)
{
    struct bench *bench = *state;
    memcpy(bench->at + bench->begin, bench->to + bench->begin, bench->end - bench->begin);
    assert_true(keeps(bench, bench->end));
    for (size_t lost = bench->begin; lost < bench->end; lost += (size_t)SECTOR * SECTOR_STRIDE) {
        memcpy(bench->at + lost, bench->from + lost, SECTOR);
        bool differs = memcmp(bench->from + lost, bench->to + lost, SECTOR) != 0;
        assert_int_equal(keeps(bench, lost), !differs);
        if (lost / SECTOR % LIVE_EVERY == 0) {
            goes_on(bench, !differs);
        }
        memcpy(bench->at + lost, bench->to + lost, SECTOR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_batch_that_was_cut_anywhere_is_there_whole_or_not_at_all,
                                        setup_before, teardown),
        cmocka_unit_test_setup_teardown(a_batch_that_lost_any_sector_is_not_there, setup_behind,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
