/*
 * Readers that follow, stepped by hand between the steps of a writer: they show no entry that a
 * crash could still take, skip none, and catch up, whatever they meet half written.
 */
#include "tests/journal/follow_rig.h"

static bool toss(void *context)
{
    (void)context;
    return below(2) == 0;
}

/* Some sectors of what is in flight are there already. */
static void write_half(void)
{
    write_in_flight(&(struct sim_choice){.keep = toss});
}

static void poll_writer(void)
{
    if (below(2) == 0) {
        RIG_OK(&rig, rig.storage->calls->queue_flush(rig.storage, &rig.error));
        write_half();
    }
    assert_true(rig_poll(&rig) >= 0);
}

static void open_anywhere(struct follower *follower)
{
    uint64_t known = limit() < rig.acknowledged ? limit() : rig.acknowledged;
    uint64_t next = 1 + below(known + 1);
    const struct mr_tip *before = &tips[next - 1];
    struct mr_reader_options options = {.follow = true};
    uint64_t commands = next <= known ? tips[next].sequence - before->sequence : 1;
    uint64_t way = below(3);
    if (way == 0) {
        next = 1;
    } else if (way == 1) {
        options.from_sequence = before->sequence + 1 + below(commands);
    } else {
        options.from_time_ns = before->time_ns + 1 + below(10);
    }
    open_follower(follower, &options, next);
}

static void open_again(void)
{
    struct follower *follower = &followers[below(FOLLOWERS)];
    mr_reader_close(follower->reader);
    open_anywhere(follower);
}

/* With power lost just now, and nothing left but what is durable, all that was shown is there. */
static void check_against_crash(void)
{
    struct mr_sim *after = mr_sim_clone(rig.sim, MR_SIM_DURABLE);
    struct mr_recovery report;
    RIG_OK(&rig, mr_journal_plan(mr_sim_storage(after), &report, NULL, &rig.error));
    for (int i = 0; i < FOLLOWERS; i++) {
        assert_true(followers[i].next - 1 <= report.last_index);
    }
    mr_sim_destroy(after);
}

/* A reader without options shows as much as the followers, and ends. */
static void check_whole(void)
{
    struct mr_reader *reader;
    const struct mr_entry *entry;
    uint64_t index = 0;
    RIG_OK(&rig, mr_reader_open(rig.storage, &(struct mr_reader_options){0}, &reader, &rig.error));
    int status = mr_reader_next(reader, &entry, NULL, &rig.error);
    for (; status == MR_OK; status = mr_reader_next(reader, &entry, NULL, &rig.error)) {
        check_entry(entry, ++index);
    }
    RIG_OK(&rig, status == MR_AGAIN ? MR_OK : status);
    /* What is committed, frames may have said that are truncated now. */
    assert_true(index >= shown || rig.replicated);
    mr_reader_close(reader);
}

static void commit_some(void)
{
    /* Others may have it before this disk has. */
    uint64_t last = below(2) == 0 ? rig.tip.index : rig.acknowledged;
    if (rig.replicated && last > committed) {
        committed += 1 + below(last - committed);
        mr_journal_commit(rig.journal, committed, tips[committed].sequence);
    }
}

static void truncate_some(void)
{
    if (rig.replicated && rig.tip.index > committed) {
        uint64_t keep = committed + below(rig.tip.index - committed);
        RIG_OK(&rig, mr_journal_truncate(rig.journal, keep, &rig.error));
        rig.tip = tips[keep];
        rig.acknowledged = keep;
        rig.salt++;
    }
}

static void crash_and_recover(void)
{
    for (int i = 0; i < FOLLOWERS; i++) {
        mr_reader_close(followers[i].reader);
    }
    rig_crash(&rig);
    rig_start(&rig);
    committed = committed < rig.tip.index ? committed : rig.tip.index;
    shown = 0;
    for (int i = 0; i < FOLLOWERS; i++) {
        struct mr_reader_options options = {.follow = true};
        options.from_sequence = tips[followers[i].next - 1].sequence + 1;
        open_follower(&followers[i], &options, followers[i].next);
    }
}

/* In a hundred steps. */
struct habits {
    uint64_t append, poll, mark, follow, catch_up, open, commit, truncate, check;
};

static const struct habits steady = {35, 25, 5, 20, 5, 3, 2, 0, 4};
static const struct habits unsteady = {30, 22, 4, 16, 6, 8, 6, 6, 2};

static bool is_next_way(uint64_t *way, uint64_t habit)
{
    bool is = *way < habit;
    *way -= is ? 0 : habit;
    return is;
}

static void check_or_crash(void)
{
    if (below(2) == 0) {
        check_whole();
    } else if (rig.durability == MR_DURABILITY_DISK && below(3) == 0) {
        crash_and_recover();
    } else if (rig.durability == MR_DURABILITY_DISK) {
        check_against_crash();
    }
}

static void step(const struct habits *habits)
{
    uint64_t way = below(100);
    if (is_next_way(&way, habits->append)) {
        append();
    } else if (is_next_way(&way, habits->poll)) {
        poll_writer();
    } else if (is_next_way(&way, habits->mark)) {
        assert_true(mr_journal_mark(rig.journal, &rig.error) >= 0);
    } else if (is_next_way(&way, habits->follow)) {
        (void)follow(&followers[below(FOLLOWERS)]);
    } else if (is_next_way(&way, habits->catch_up)) {
        catch_up(&followers[below(FOLLOWERS)]);
    } else if (is_next_way(&way, habits->open)) {
        open_again();
    } else if (is_next_way(&way, habits->commit)) {
        commit_some();
    } else if (is_next_way(&way, habits->truncate)) {
        truncate_some();
    } else {
        check_or_crash();
    }
}

static void begin(uint64_t seed, bool replicated)
{
    mr_random_init(&random_steps, seed);
    struct mr_sim_options options = {.seed = seed, .delay_max = (uint32_t)below(6)};
    rig_make(&rig, &options, (uint64_t)TINY << below(3));
    rig.frames_in_flight = 1 + (uint32_t)below(8);
    rig.payload_max = below(2) == 0 ? 3000 : 9000;
    rig.durability = below(2) == 0 ? MR_DURABILITY_OS : MR_DURABILITY_DISK;
    rig.replicated = replicated;
    committed = shown = 0;
    rig_start(&rig);
    for (int i = 0; i < FOLLOWERS; i++) {
        open_follower(&followers[i], &(struct mr_reader_options){.follow = true}, 1);
    }
}

/* What the last frames say about what is committed, a later one must carry. */
static void finish(void)
{
    while (mr_journal_busy(rig.journal)) {
        assert_true(rig_poll(&rig) >= 0);
    }
    if (rig.replicated) {
        committed = rig.tip.index;
        mr_journal_commit(rig.journal, committed, tips[committed].sequence);
        uint64_t index = rig.tip.index;
        while (rig.tip.index == index) {
            append();
            assert_true(rig_poll(&rig) >= 0);
        }
    }
    rig_stop(&rig);
    for (int i = 0; i < FOLLOWERS; i++) {
        catch_up_to(&followers[i], rig.replicated ? committed : rig.tip.index);
        assert_int_equal(follow(&followers[i]), MR_AGAIN);
    }
    check_whole();
    for (int i = 0; i < FOLLOWERS; i++) {
        mr_reader_close(followers[i].reader);
    }
    rig_free(&rig);
}

static void live(uint64_t runs, bool replicated, const struct habits *habits)
{
    uint64_t seed = rig_seed();
    const char *more = getenv("MR_RUNS");
    runs = more != NULL ? strtoull(more, NULL, 0) : runs;
    for (uint64_t run = 0; run < runs; run++) {
        begin(seed + run, replicated);
        uint64_t steps = 50 + below(800);
        for (uint64_t i = 0; i < steps; i++) {
            step(habits);
        }
        finish();
    }
}

static void a_follower_shows_what_is_durable_and_skips_nothing(void **state)
{
    (void)state;
    live(100, false, &steady);
}

static void a_follower_shows_what_is_committed_and_truncations_do_not_mislead_it(void **state)
{
    (void)state;
    live(600, true, &unsteady);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_follower_shows_what_is_durable_and_skips_nothing),
        cmocka_unit_test(a_follower_shows_what_is_committed_and_truncations_do_not_mislead_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
