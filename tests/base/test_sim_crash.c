/* What survives a crash of the simulated disk, and what may vanish. */
#include "tests/base/sim_rig.h"

/* -- Crashes. ---------------------------------------------------------------------------------- */

static void synced_bytes_survive_every_crash(void **state)
{
    (void)state;
    uint64_t seed = first_seed();
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct rig rig;
        rig_make(&rig, seed + i);
        rig_write(&rig, 0, PAGE, 'n');
        rig_sync(&rig, rig.file);
        mr_sim_crash(rig.sim, &rig.random);
        assert_int_equal(mr_sim_size(rig.sim, MR_SIM_CURRENT, "a"), PAGE);
        for (uint64_t offset = 0; offset < PAGE; offset++) {
            assert_int_equal(byte_at(&rig, "a", offset), 'n');
        }
        rig_free(&rig);
    }
}

static void unsynced_bytes_survive_by_whole_sectors_in_any_combination(void **state)
{
    (void)state;
    uint64_t seed = first_seed();
    int kept_all = 0, kept_none = 0, kept_some = 0;
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct rig rig;
        rig_make(&rig, seed + i);
        rig_write(&rig, 0, PAGE, 'n');
        mr_sim_crash(rig.sim, &rig.random);
        int kept = 0;
        for (uint64_t offset = 0; offset < PAGE; offset += SECTOR) {
            char byte = byte_at(&rig, "a", offset);
            assert_true(byte == 'o' || byte == 'n');
            for (uint64_t j = 1; j < SECTOR; j++) {
                assert_int_equal(byte_at(&rig, "a", offset + j), byte);
            }
            kept += byte == 'n';
        }
        kept_all += kept == PAGE / SECTOR;
        kept_none += kept == 0;
        kept_some += kept > 0 && kept < PAGE / SECTOR;
        rig_free(&rig);
    }
    assert_true(kept_all > 0);
    assert_true(kept_none > 0);
    assert_true(kept_some > 0);
}

static void an_unsynced_growth_leaves_the_old_size_or_the_new(void **state)
{
    (void)state;
    uint64_t seed = first_seed();
    int grown = 0;
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct rig rig;
        rig_make(&rig, seed + i);
        rig_write(&rig, PAGE, 100, 'n');
        mr_sim_crash(rig.sim, &rig.random);
        uint64_t size = mr_sim_size(rig.sim, MR_SIM_CURRENT, "a");
        assert_true(size == PAGE || size == PAGE + 100);
        grown += size > PAGE;
        /* Grown again, it shows nothing of what was lost. */
        rig_open(&rig, "a", MR_OPEN_WRITE);
        rig_write(&rig, 2 * PAGE, 1, 'x');
        if (size == PAGE) {
            assert_int_equal(byte_at(&rig, "a", PAGE), '\0');
        }
        rig_free(&rig);
    }
    assert_in_range(grown, 1, SEEDS - 1);
}

static void a_new_name_needs_a_sync_of_its_directory(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, 1);
    rig_open(&rig, "b", MR_OPEN_WRITE | MR_OPEN_CREATE);
    rig_sync(&rig, rig.file); /* of the file, which is not enough */
    crash_keeping(&rig, keep_none);
    assert_false(exists(&rig, "b"));
    rig_open(&rig, "b", MR_OPEN_WRITE | MR_OPEN_CREATE);
    rig_sync(&rig, rig.root);
    crash_keeping(&rig, keep_none);
    assert_true(exists(&rig, "b"));
    rig_free(&rig);
}

static void a_directory_takes_its_files_with_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, 1);
    int directory;
    assert_int_equal(rig.calls->make_directory(rig.storage, "d", NULL), MR_OK);
    rig_open(&rig, "d/b", MR_OPEN_WRITE | MR_OPEN_CREATE);
    assert_int_equal(rig.calls->open_directory(rig.storage, "d", &directory, NULL), MR_OK);
    rig_sync(&rig, directory); /* but not of the root, which holds its name */
    struct mr_sim *clone = mr_sim_clone(rig.sim, MR_SIM_DURABLE);
    assert_int_equal(mr_sim_size(clone, MR_SIM_CURRENT, "d/b"), UINT64_MAX);
    mr_sim_destroy(clone);
    rig_sync(&rig, rig.root);
    crash_keeping(&rig, keep_none);
    assert_true(exists(&rig, "d/b"));
    rig_free(&rig);
}

static void a_rename_leaves_the_old_or_the_new_never_neither(void **state)
{
    (void)state;
    uint64_t seed = first_seed();
    int renamed = 0;
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct rig rig;
        rig_make(&rig, seed + i);
        rig_open(&rig, "b", MR_OPEN_WRITE | MR_OPEN_CREATE);
        rig_write(&rig, 0, PAGE, 'b');
        rig_sync(&rig, rig.file);
        rig_sync(&rig, rig.root);
        assert_int_equal(rig.calls->rename(rig.storage, "b", "a", NULL), MR_OK);
        mr_sim_crash(rig.sim, &rig.random);
        assert_true(exists(&rig, "a"));
        char byte = byte_at(&rig, "a", 0);
        assert_int_equal(byte, exists(&rig, "b") ? 'o' : 'b');
        renamed += byte == 'b';
        rig_free(&rig);
    }
    assert_in_range(renamed, 1, SEEDS - 1);
}

static void changes_of_names_survive_as_a_prefix(void **state)
{
    (void)state;
    uint64_t seed = first_seed();
    int seen[5] = {0};
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct rig rig;
        rig_make(&rig, seed + i);
        static const char *const names[4] = {"1", "2", "3", "4"};
        for (int j = 0; j < 4; j++) {
            rig_open(&rig, names[j], MR_OPEN_WRITE | MR_OPEN_CREATE);
        }
        mr_sim_crash(rig.sim, &rig.random);
        int count = 0;
        while (count < 4 && exists(&rig, names[count])) {
            count += 1;
        }
        for (int j = count; j < 4; j++) {
            assert_false(exists(&rig, names[j]));
        }
        seen[count] += 1;
        rig_free(&rig);
    }
    assert_true(seen[0] > 0);
    assert_true(seen[1] + seen[2] + seen[3] > 0);
    assert_true(seen[4] > 0);
}

static void a_crash_closes_files_and_frees_lock_and_queue(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, 1);
    assert_int_equal(rig.calls->lock(rig.storage, 0, NULL), MR_OK);
    assert_int_equal(rig.calls->lock(rig.storage, 0, NULL), MR_E_BUSY);
    struct mr_queue_options options = {.depth = 4};
    assert_int_equal(rig.calls->queue_start(rig.storage, &options, NULL), MR_OK);
    mr_sim_crash(rig.sim, &rig.random);
    assert_int_equal(rig.calls->lock(rig.storage, 0, NULL), MR_OK);
    assert_int_equal(rig.calls->queue_start(rig.storage, &options, NULL), MR_OK);
    rig_free(&rig);
}

static void a_killed_process_loses_nothing_that_was_handed_over(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, 1);
    struct mr_queue_options options = {.depth = 4};
    assert_int_equal(rig.calls->queue_start(rig.storage, &options, NULL), MR_OK);
    rig_write(&rig, PAGE, 10, 'n');
    memset(rig.bytes, 'q', PAGE);
    struct mr_io io = {MR_IO_WRITE_DURABLE, rig.file, rig.bytes, PAGE, 0, 1};
    assert_int_equal(rig.calls->queue_submit(rig.storage, &io), MR_OK);
    assert_int_equal(rig.calls->queue_flush(rig.storage, NULL), MR_OK);
    mr_sim_kill(rig.sim);
    assert_int_equal(byte_at(&rig, "a", 0), 'q');
    assert_int_equal(byte_at(&rig, "a", PAGE), 'n');
    crash_keeping(&rig, keep_none);
    assert_int_equal(byte_at(&rig, "a", 0), 'q'); /* durably so */
    assert_int_equal(mr_sim_size(rig.sim, MR_SIM_CURRENT, "a"), PAGE);
    rig_free(&rig);
}

/* -- Looking, copying, comparing. -------------------------------------------------------------- */

static void a_flipped_bit_is_flipped_for_good_and_shows_in_a_comparison(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, 1);
    struct mr_sim *copy = mr_sim_clone(rig.sim, MR_SIM_CURRENT);
    char difference[200] = "";
    assert_true(mr_sim_equal(rig.sim, copy, difference, sizeof difference));
    mr_sim_flip(rig.sim, "a", 1000, 3);
    assert_false(mr_sim_equal(rig.sim, copy, difference, sizeof difference));
    assert_non_null(strstr(difference, "a differs"));
    assert_int_equal(byte_at(&rig, "a", 1000), 'o' ^ 8);
    crash_keeping(&rig, keep_none);
    assert_int_equal(byte_at(&rig, "a", 1000), 'o' ^ 8);
    mr_sim_flip(rig.sim, "a", 1000, 3);
    assert_true(mr_sim_equal(rig.sim, copy, difference, sizeof difference));
    mr_sim_destroy(copy);
    rig_free(&rig);
}

static void a_clone_of_the_durable_view_is_what_a_crash_leaves_at_worst(void **state)
{
    (void)state;
    struct rig rig;
    char difference[200] = "";
    rig_make(&rig, 1);
    rig_write(&rig, 0, 2 * PAGE, 'n');
    rig_open(&rig, "b", MR_OPEN_WRITE | MR_OPEN_CREATE);
    struct mr_sim *copy = mr_sim_clone(rig.sim, MR_SIM_DURABLE);
    assert_false(mr_sim_equal(rig.sim, copy, difference, sizeof difference));
    crash_keeping(&rig, keep_none);
    assert_true(mr_sim_equal(rig.sim, copy, difference, sizeof difference));
    mr_sim_destroy(copy);
    rig_free(&rig);
}

/* -- A random history against a naive model. --------------------------------------------------- */

enum { MODEL_SECTORS = 32, MODEL_STEPS = 60 };

/* What a sector shows now, and every value that a crash may leave in it. */
struct model_sector {
    uint8_t now;
    bool possible[256];
};

static void settle(struct model_sector *sector, uint8_t value)
{
    memset(sector->possible, 0, sizeof sector->possible);
    sector->possible[value] = true;
    sector->now = value;
}

static void model_write(struct rig *rig, struct model_sector *model, struct mr_random *random,
                        uint8_t value, bool durably)
{
    uint64_t first = mr_random_below(random, MODEL_SECTORS);
    uint64_t count = 1 + mr_random_below(random, MODEL_SECTORS - first);
    unsigned char bytes[MODEL_SECTORS * SECTOR];
    memset(bytes, value, sizeof bytes);
    if (durably) {
        struct mr_io io = {MR_IO_WRITE_DURABLE,      rig->file,      bytes,
                           (uint32_t)count * SECTOR, first * SECTOR, 1};
        uint64_t tag;
        assert_int_equal(rig->calls->queue_submit(rig->storage, &io), MR_OK);
        assert_int_equal(reap(rig, &tag), 0);
    } else {
        assert_int_equal(rig->calls->write(rig->storage, rig->file, first * SECTOR, bytes,
                                           (size_t)count * SECTOR, NULL),
                         MR_OK);
    }
    for (uint64_t i = first; i < first + count; i++) {
        if (durably) {
            settle(&model[i], value);
        } else {
            model[i].now = value;
            model[i].possible[value] = true;
        }
    }
}

static void model_crash(struct rig *rig, struct model_sector *model)
{
    mr_sim_crash(rig->sim, &rig->random);
    for (uint64_t i = 0; i < MODEL_SECTORS; i++) {
        uint8_t value = (uint8_t)byte_at(rig, "m", i * SECTOR);
        assert_true(model[i].possible[value]);
        settle(&model[i], value);
    }
    rig_open(rig, "m", MR_OPEN_WRITE);
    start_queue(rig, 1);
}

static void random_histories_leave_nothing_that_the_model_forbids(void **state)
{
    (void)state;
    uint64_t seed = first_seed();
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct rig rig;
        struct mr_random random;
        struct model_sector model[MODEL_SECTORS] = {0};
        mr_random_init(&random, seed + i);
        rig_make(&rig, seed + i);
        rig_open(&rig, "m", MR_OPEN_WRITE | MR_OPEN_CREATE);
        rig_write(&rig, MODEL_SECTORS * SECTOR - 1, 1, '\0');
        rig_sync(&rig, rig.file);
        rig_sync(&rig, rig.root);
        start_queue(&rig, 1);
        for (int j = 0; j < MODEL_SECTORS; j++) {
            settle(&model[j], 0);
        }
        for (uint32_t step = 1; step <= MODEL_STEPS; step++) {
            switch (mr_random_below(&random, 8)) {
            case 0:
                model_crash(&rig, model);
                break;
            case 1:
                rig_sync(&rig, rig.file);
                for (int j = 0; j < MODEL_SECTORS; j++) {
                    settle(&model[j], model[j].now);
                }
                break;
            case 2:
                model_write(&rig, model, &random, (uint8_t)step, true);
                break;
            default:
                model_write(&rig, model, &random, (uint8_t)step, false);
                break;
            }
        }
        model_crash(&rig, model);
        rig_free(&rig);
    }
}

/* Writes, crashes and reads back by a seed; returns a digest of sorts of all that was seen. */
static uint64_t history(uint64_t seed)
{
    struct rig rig;
    uint64_t sum = 0;
    rig_make(&rig, seed);
    start_queue(&rig, 4);
    for (uint64_t i = 0; i < 4; i++) {
        submit(&rig, MR_IO_WRITE_DURABLE, i * PAGE, i);
    }
    for (int i = 0; i < 3; i++) {
        uint64_t tag;
        assert_int_equal(reap(&rig, &tag), 0);
        sum = mr_mix64(sum + tag);
    }
    mr_sim_crash(rig.sim, &rig.random);
    uint64_t size = mr_sim_size(rig.sim, MR_SIM_CURRENT, "a");
    for (uint64_t offset = 0; offset < size; offset++) {
        sum = mr_mix64(sum + (uint8_t)byte_at(&rig, "a", offset));
    }
    rig_free(&rig);
    return mr_mix64(sum + size);
}

static void the_same_seed_gives_the_same_history(void **state)
{
    (void)state;
    uint64_t seed = first_seed();
    int different = 0;
    for (uint64_t i = 0; i < SEEDS; i++) {
        assert_true(history(seed + i) == history(seed + i));
        different += history(seed + i) != history(seed + i + 1);
    }
    assert_true(different > SEEDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synced_bytes_survive_every_crash),
        cmocka_unit_test(unsynced_bytes_survive_by_whole_sectors_in_any_combination),
        cmocka_unit_test(an_unsynced_growth_leaves_the_old_size_or_the_new),
        cmocka_unit_test(a_new_name_needs_a_sync_of_its_directory),
        cmocka_unit_test(a_directory_takes_its_files_with_it),
        cmocka_unit_test(a_rename_leaves_the_old_or_the_new_never_neither),
        cmocka_unit_test(changes_of_names_survive_as_a_prefix),
        cmocka_unit_test(a_crash_closes_files_and_frees_lock_and_queue),
        cmocka_unit_test(a_killed_process_loses_nothing_that_was_handed_over),
        cmocka_unit_test(a_flipped_bit_is_flipped_for_good_and_shows_in_a_comparison),
        cmocka_unit_test(a_clone_of_the_durable_view_is_what_a_crash_leaves_at_worst),
        cmocka_unit_test(random_histories_leave_nothing_that_the_model_forbids),
        cmocka_unit_test(the_same_seed_gives_the_same_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
