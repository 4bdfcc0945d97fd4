/*
 * Batches through the engine: the sequencer says what is one, whatever the submitter said; the
 * applier takes none that is not whole; a replay sees the same ones, also when it is cut amid one.
 */
#include "base/limits.h"
#include "engine/applier.h"
#include "tests/core/witness.h"
#include "tests/support/memory_storage.h"

#include <millrace/engine.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SESSION = 7, NOTES_MAX = 64 };

struct note {
    struct mr_command header;
    struct witness_note body;
};

static struct note note(uint64_t request)
{
    return (struct note){.header = {.length = sizeof(struct note),
                                    .type = WITNESS_NOTE,
                                    .role = MR_ROLE_USER,
                                    .session = SESSION,
                                    .request = request,
                                    .correlation = request},
                         .body = {.turns = 1 + request % 2}};
}

/* What was told, by sequence. */
struct told {
    struct witness_noted at[NOTES_MAX];
    uint64_t last;
};

static void on_event(void *context, const struct mr_event *event)
{
    struct told *told = context;
    if (event->type == WITNESS_NOTED) {
        assert_true(event->sequence < NOTES_MAX);
        told->at[event->sequence] = *(const struct witness_noted *)mr_event_body(event);
        told->last = event->sequence;
    }
}

struct bench {
    struct memory_storage *disk;
    struct mr_engine *engine;
    struct told told;
};

static void open_engine(struct bench *bench)
{
    struct mr_error error = {0};
    const struct mr_engine_options options = {.storage = memory_storage_seam(bench->disk),
                                              .create = true,
                                              .logic = &witness_logic,
                                              .clock_kind = MR_CLOCK_INPUT,
                                              .segment_bytes = MR_SEGMENT_BYTES_MIN,
                                              .journal_id = {1},
                                              .output = MR_OUTPUT_POLL};
    if (mr_engine_open(&options, &bench->engine, &error) != MR_OK ||
        mr_engine_begin(bench->engine, &error) != MR_OK ||
        mr_engine_session(bench->engine, SESSION, MR_ROLE_USER, NULL, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
}

static void settle(struct bench *bench)
{
    const struct mr_engine_handlers handlers = {.event = on_event, .context = &bench->told};
    while (!mr_engine_drained(bench->engine)) {
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            assert_true(mr_engine_step(bench->engine, stage) >= 0);
        }
        (void)mr_engine_poll(bench->engine, &handlers, UINT32_MAX);
    }
}

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->disk = memory_storage_create();
    open_engine(bench);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    if (bench->engine != NULL) {
        mr_engine_stop(bench->engine, NULL);
        mr_engine_close(bench->engine);
    }
    memory_storage_destroy(bench->disk);
    free(bench);
    return 0;
}

/* Submits batches of these sizes, all commands with the wrong `more`, some with futures. */
static void submit(struct bench *bench, const uint32_t *sizes, uint32_t batches)
{
    static uint64_t request;
    static struct mr_future futures[NOTES_MAX];
    struct note notes[NOTES_MAX];
    const struct mr_command *pointers[NOTES_MAX];
    for (uint32_t i = 0; i < batches; i++) {
        for (uint32_t j = 0; j < sizes[i]; j++) {
            notes[j] = note(++request);
            notes[j].header.more = j + 1 == sizes[i];
            pointers[j] = &notes[j].header;
        }
        int status = i % 3 == 0 ? mr_engine_call_batch(bench->engine, pointers, sizes[i], futures)
                     : sizes[i] > 1
                         ? mr_engine_submit_batch(bench->engine, pointers, sizes[i], NULL)
                         : mr_engine_submit(bench->engine, pointers[0], NULL);
        assert_int_equal(status, MR_OK);
        settle(bench);
    }
}

/* The first sequence is 3: genesis and a session come before. */
static const uint32_t some_sizes[] = {1, 4, 1, 3, 2, 7, 1};
enum { SOME = sizeof some_sizes / sizeof some_sizes[0], SOME_COMMANDS = 19, FIRST = 3 };

/* What was told of the commands of batches of these sizes, from sequence `first` to `to`. */
static void expect_told(const struct told *told, uint64_t first, uint64_t to)
{
    uint64_t batch = first;
    for (uint32_t i = 0; i < SOME; i++) {
        for (uint32_t j = 0; j < some_sizes[i] && batch + j <= to; j++) {
            assert_int_equal(told->at[batch + j].batch, batch);
            assert_int_equal(told->at[batch + j].ahead, some_sizes[i] - 1 - j);
        }
        batch += some_sizes[i];
    }
    assert_int_equal(told->last, to);
}

static void the_sequencer_says_what_a_batch_is_and_nobody_else(void **state)
{
    struct bench *bench = *state;
    submit(bench, some_sizes, SOME);
    expect_told(&bench->told, FIRST, FIRST + SOME_COMMANDS - 1);
}

static void behind_recovery_a_batch_begins_anew(void **state)
{
    struct bench *bench = *state;
    submit(bench, some_sizes, SOME);
    mr_engine_close(bench->engine); /* a crash, as far as the disk knows */
    open_engine(bench);
    settle(bench);
    memset(&bench->told, 0, sizeof bench->told);
    submit(bench, some_sizes, SOME);
    expect_told(&bench->told, FIRST + SOME_COMMANDS, FIRST + 2 * SOME_COMMANDS - 1);
}

static struct mr_replay *replay(struct bench *bench, uint64_t to, struct told *told)
{
    static const struct mr_logic *const logics[] = {&witness_logic, NULL};
    const struct mr_replay_options options = {.storage = memory_storage_seam(bench->disk),
                                              .logics = logics,
                                              .to = to,
                                              .handlers = {.event = on_event, .context = told}};
    struct mr_replay *made = NULL;
    struct mr_error error = {0};
    memset(told, 0, sizeof *told);
    if (mr_replay_open(&options, &made, NULL, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
    return made;
}

static void a_replay_that_ends_amid_a_batch_sees_all_of_it(void **state)
{
    struct bench *bench = *state;
    submit(bench, some_sizes, SOME);
    mr_engine_close(bench->engine);
    bench->engine = NULL;
    for (uint64_t to = FIRST; to < FIRST + SOME_COMMANDS; to++) {
        struct told told;
        struct mr_replay *made = replay(bench, to, &told);
        expect_told(&told, FIRST, to);
        assert_int_equal(mr_image_status_get(mr_replay_image(made)).sequence, to);
        assert_true(mr_image_check(mr_replay_image(made), mr_replay_logic(made)));
        mr_replay_close(made);
    }
}

/* -- Entries that were written wrong. ---------------------------------------------------------- */

static uint32_t take_events(void *context, const unsigned char *events, uint32_t size)
{
    (void)context;
    (void)events;
    return size;
}

static bool take_answer(void *context, const struct mr_answer *answer)
{
    (void)context;
    (void)answer;
    return true;
}

static const struct mr_sink sink = {.events = take_events, .answer = take_answer};

/* An applier behind its genesis, and an entry with `count` commands, of which all but the last have
 * `more`. */
struct entry_rig {
    struct mr_applier applier;
    struct mr_entry *entry;
    uint32_t count;
};

static struct mr_command *command_in(const struct entry_rig *rig, uint32_t index)
{
    unsigned char *commands = (unsigned char *)rig->entry + MR_ENTRY_SIZE;
    return (struct mr_command *)(void *)(commands + index * sizeof(struct mr_command));
}

static int apply(struct entry_rig *rig, struct mr_error *error)
{
    memset(error, 0, sizeof *error);
    return mr_applier_entry(&rig->applier, rig->entry, UINT32_MAX, &sink, error);
}

static void make_rig(struct entry_rig *rig, uint32_t count)
{
    struct {
        struct mr_command header;
        struct mr_genesis body;
    } genesis = {.header = {.length = sizeof genesis,
                            .type = MR_COMMAND_GENESIS,
                            .role = MR_ROLE_SYSTEM,
                            .sequence = 1},
                 .body = {.logic = "witness",
                          .logic_version = 2,
                          .sessions_max = 1,
                          .answers_max = 1,
                          .clock = MR_CLOCK_INPUT}};
    struct mr_error error = {0};
    memset(rig, 0, sizeof *rig);
    assert_int_equal(mr_applier_init(&rig->applier, &witness_logic, &genesis.header, &error),
                     MR_OK);
    uint64_t room = MR_ENTRY_SIZE + sizeof genesis + (uint64_t)count * sizeof(struct mr_command);
    rig->entry = aligned_alloc(64, (room + 63) / 64 * 64);
    assert_non_null(rig->entry);
    *rig->entry = (struct mr_entry){
        .index = 1, .first_sequence = 1, .count = 1, .length = MR_ENTRY_SIZE + sizeof genesis};
    memcpy(command_in(rig, 0), &genesis, sizeof genesis);
    assert_int_equal(apply(rig, &error), MR_OK);
    *rig->entry =
        (struct mr_entry){.index = 2,
                          .first_sequence = 2,
                          .count = count,
                          .length = MR_ENTRY_SIZE + count * (uint32_t)sizeof(struct mr_command)};
    rig->count = count;
    for (uint32_t i = 0; i < count; i++) {
        *command_in(rig, i) = (struct mr_command){.length = sizeof(struct mr_command),
                                                  .type = MR_COMMAND_TICK,
                                                  .sequence = 2 + i,
                                                  .time_ns = 10,
                                                  .more = i + 1 < count};
    }
}

static void drop_rig(struct entry_rig *rig)
{
    mr_applier_free(&rig->applier);
    free(rig->entry);
}

/* The entry is refused before anything behind sequence `applied` is applied, and the message tells
 * its number, and the sequence of what is wrong. */
static void expect_corrupt(struct entry_rig *rig, uint64_t applied, uint64_t wrong)
{
    struct mr_error error;
    char sequence[32];
    (void)snprintf(sequence, sizeof sequence, "sequence %llu ", (unsigned long long)wrong);
    assert_int_equal(apply(rig, &error), MR_E_CORRUPT);
    assert_int_equal(mr_image_status_get(rig->applier.image).sequence, applied);
    if (strstr(error.text, "entry 2:") == NULL || strstr(error.text, sequence) == NULL) {
        fail_msg("it says: %s", error.text);
    }
    drop_rig(rig);
}

static void a_batch_that_is_not_whole_is_not_begun(void **state)
{
    (void)state;
    struct entry_rig rig;
    struct mr_error error;
    make_rig(&rig, 5);
    assert_int_equal(apply(&rig, &error), MR_OK); /* as it is, it is sound */
    assert_int_equal(mr_image_status_get(rig.applier.image).sequence, 6);
    drop_rig(&rig);

    make_rig(&rig, 5);
    command_in(&rig, 4)->more = 1;
    expect_corrupt(&rig, 1, 7);
    make_rig(&rig, 5);
    command_in(&rig, 3)->length = 8;
    expect_corrupt(&rig, 1, 5);
    make_rig(&rig, 5);
    command_in(&rig, 3)->length += 4096;
    expect_corrupt(&rig, 1, 5);
    make_rig(&rig, 5);
    command_in(&rig, 4)->sequence++;
    expect_corrupt(&rig, 1, 6);
    make_rig(&rig, 5);
    command_in(&rig, 4)->time_ns--;
    expect_corrupt(&rig, 1, 6);
    make_rig(&rig, 5);
    command_in(&rig, 4)->time_ns++;
    expect_corrupt(&rig, 1, 6);
    make_rig(&rig, 5);
    command_in(&rig, 1)->more = 0; /* two of a batch, which is sound, then three which are not */
    command_in(&rig, 4)->more = 1;
    expect_corrupt(&rig, 3, 7);
}

static void a_batch_is_not_larger_than_it_may_be(void **state)
{
    (void)state;
    struct entry_rig rig;
    struct mr_error error;
    make_rig(&rig, MR_BATCH_COMMANDS_MAX);
    assert_int_equal(apply(&rig, &error), MR_OK);
    drop_rig(&rig);
    make_rig(&rig, MR_BATCH_COMMANDS_MAX + 1);
    expect_corrupt(&rig, 1, 2 + MR_BATCH_COMMANDS_MAX);
}

static void a_batch_does_not_go_on_in_the_next_entry(void **state)
{
    (void)state;
    struct entry_rig rig;
    struct mr_error error;
    make_rig(&rig, 5);
    rig.entry->count = 3; /* it says; what lies behind belongs to it, all the same */
    assert_int_equal(apply(&rig, &error), MR_OK);
    rig.entry->index = 3;
    rig.entry->first_sequence = 5;
    rig.entry->count = 1;
    *command_in(&rig, 0) = *command_in(&rig, 4);
    command_in(&rig, 0)->sequence = 5;
    assert_int_equal(apply(&rig, &error), MR_E_CORRUPT);
    assert_non_null(strstr(error.text, "amid a batch"));
    assert_int_equal(mr_image_status_get(rig.applier.image).sequence, 4);
    drop_rig(&rig);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_sequencer_says_what_a_batch_is_and_nobody_else),
        CASE(behind_recovery_a_batch_begins_anew),
        CASE(a_replay_that_ends_amid_a_batch_sees_all_of_it),
        cmocka_unit_test(a_batch_that_is_not_whole_is_not_begun),
        cmocka_unit_test(a_batch_is_not_larger_than_it_may_be),
        cmocka_unit_test(a_batch_does_not_go_on_in_the_next_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
