/*
 * Whether the writer of counters is alive, what becomes of its file, and that nothing that comes
 * instead of it does harm.
 */
#include "tests/engine/counters_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- Who lives. -------------------------------------------------------------------------------- */

static void the_writer_lives_until_it_ends_and_a_copy_never_does(void **state)
{
    (void)state;
    static char bytes[69632];
    char copy[PATH_MAX + 64];
    make();
    mr_counters_set(&writer, MR_COUNTER_state, MR_ENGINE_RUNNING);
    look_at(path);
    assert_true(snapshot.alive);
    assert_int_equal(snapshot.health, MR_HEALTH_WELL);
    (void)snprintf(copy, sizeof copy, "%s.copy", path);
    int from = open(path, O_RDONLY), to = open(copy, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(read(from, bytes, sizeof bytes), sizeof bytes);
    assert_int_equal(write(to, bytes, sizeof bytes), sizeof bytes);
    assert_int_equal(close(from), 0);
    assert_int_equal(close(to), 0);
    look_at(copy);
    assert_false(snapshot.alive);
    assert_int_equal(snapshot.health, MR_HEALTH_DEAD);
    mr_counters_end(&writer);
    look_at(path);
    assert_false(snapshot.alive);
}

/* A child that outlives its parent, or is merely there, must not pass for it. */
static void a_child_process_does_not_keep_the_dead_alive(void **state)
{
    (void)state;
    make();
    pid_t child = fork();
    if (child == 0) {
        (void)pause();
        _exit(0);
    }
    assert_true(child > 0);
    look_at(path);
    assert_true(snapshot.alive);
    mr_counters_end(&writer);
    look_at(path);
    assert_false(snapshot.alive);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* The child makes the file, and tells through the pipe that it has. */
static pid_t start_writer(int *told)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct mr_counters_writer own = {0};
        bool made = mr_counters_make(&own, path, "till", NULL) == MR_OK;
        mr_counters_set(&own, MR_COUNTER_state, MR_ENGINE_RUNNING);
        mr_counters_set(&own, MR_COUNTER_threads, 1);
        mr_counters_set(&own, MR_COUNTER_applied, 4711);
        (void)!write(ends[1], made ? "y" : "n", 1);
        (void)pause();
        _exit(0);
    }
    char answer = 'n';
    assert_int_equal(read(ends[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    assert_int_equal(close(ends[1]), 0);
    *told = ends[0];
    return child;
}

static void a_killed_writer_is_dead_and_its_numbers_remain(void **state)
{
    (void)state;
    int told, status;
    pid_t child = start_writer(&told);
    look_at(path);
    assert_true(snapshot.alive);
    assert_int_equal(snapshot.pid, child);
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    look_at(path);
    assert_true(snapshot.alive);
    assert_int_equal(snapshot.health, MR_HEALTH_HALTED);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    look_at(path);
    assert_false(snapshot.alive);
    assert_int_equal(snapshot.health, MR_HEALTH_DEAD);
    assert_int_equal(snapshot.values[MR_COUNTER_applied], 4711);
    assert_int_equal(close(told), 0);
}

static void a_stage_that_is_silent_for_two_seconds_hangs(void **state)
{
    (void)state;
    make();
    uint64_t now_ns = writer.file->header.made_monotonic_ns;
    mr_counters_set(&writer, MR_COUNTER_state, MR_ENGINE_RUNNING);
    mr_counters_set(&writer, MR_COUNTER_threads, 2);
    mr_counters_set(&writer, MR_COUNTER_sequence_heartbeat, now_ns + UINT64_C(1000000000000));
    mr_counters_set(&writer, MR_COUNTER_journal_heartbeat, now_ns - UINT64_C(2000000000));
    mr_counters_set(&writer, MR_COUNTER_apply_heartbeat, now_ns);
    look_at(path);
    assert_int_equal(snapshot.health, MR_HEALTH_HUNG);
    assert_string_equal(snapshot.silent_stage, "journal");
    assert_true(snapshot.silent_ns >= UINT64_C(2000000000));
    mr_counters_set(&writer, MR_COUNTER_threads, 0); /* stepped by hand: at its own pace */
    look_at(path);
    assert_int_equal(snapshot.health, MR_HEALTH_WELL);
    mr_counters_set(&writer, MR_COUNTER_state, MR_ENGINE_STOPPED);
    look_at(path);
    assert_int_equal(snapshot.health, MR_HEALTH_STOPPED);
    mr_counters_set(&writer, MR_COUNTER_state, MR_ENGINE_FAILED);
    look_at(path);
    assert_int_equal(snapshot.health, MR_HEALTH_FAILED);
}

static void a_new_life_begins_anew_and_keeps_the_one_before(void **state)
{
    (void)state;
    char previous[PATH_MAX + 64];
    struct mr_counters *counters;
    (void)snprintf(previous, sizeof previous, "%s.previous", path);
    make();
    mr_counters_set(&writer, MR_COUNTER_applied, 17);
    mr_counters_note(&writer, MR_LOG_ERROR, "engine", MR_E_IO, "of old");
    assert_int_equal(mr_counters_open(path, &counters, NULL), MR_OK);
    assert_false(mr_counters_replaced(counters));
    mr_counters_end(&writer);
    make();
    assert_true(mr_counters_replaced(counters));
    mr_counters_snapshot_take(counters, &snapshot);
    assert_int_equal(snapshot.values[MR_COUNTER_applied], 17);
    assert_false(snapshot.alive);
    mr_counters_close(counters);
    look_at(path);
    assert_int_equal(snapshot.values[MR_COUNTER_applied], 0);
    assert_int_equal(snapshot.error_count, 0);
    look_at(previous);
    assert_int_equal(snapshot.values[MR_COUNTER_applied], 17);
    assert_int_equal(snapshot.error_count, 1);
}

/* -- What is not well. ------------------------------------------------------------------------- */

static void expect_refused(int code)
{
    struct mr_counters *counters;
    struct mr_error error = {0};
    assert_int_equal(mr_counters_open(path, &counters, &error), code);
    assert_non_null(strstr(error.text, path));
}

static void put_byte(off_t offset, char byte)
{
    int file = open(path, O_WRONLY);
    assert_int_equal(pwrite(file, &byte, 1, offset), 1);
    assert_int_equal(close(file), 0);
}

static void what_holds_no_counters_is_refused_by_name(void **state)
{
    (void)state;
    expect_refused(MR_E_NOT_FOUND);
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(file, "MRCOUNTS", 8), 8);
    assert_int_equal(close(file), 0);
    expect_refused(MR_E_INVALID);
    make();
    assert_int_equal(truncate(path, 4096), 0);
    expect_refused(MR_E_CORRUPT);
    mr_counters_end(&writer);
    make();
    put_byte(0, 'X');
    expect_refused(MR_E_INVALID);
    put_byte(0, 'M');
    put_byte(8, 1);
    expect_refused(MR_E_VERSION);
    put_byte(8, 0);
    look_at(path);
    put_byte(72, (char)(mr_counters_list_hash() + 1));
    expect_refused(MR_E_VERSION);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_refused(MR_E_INVALID);
}

/* Whatever the header says, and whatever the rest holds: refused, or read, and nothing else. */
static void no_damage_hurts_a_reader(void **state)
{
    (void)state;
    struct mr_random random;
    uint32_t read_all = 0;
    mr_random_init(&random, seed_of(9));
    make();
    mr_counters_end(&writer);
    for (int i = 0; i < 2000; i++) {
        bool header = mr_random_chance(&random, 1, 2);
        off_t offset = (off_t)mr_random_below(&random, header ? 512 : 18432);
        put_byte(offset, (char)mr_random_u64(&random));
        struct mr_counters *counters;
        if (mr_counters_open(path, &counters, NULL) == MR_OK) {
            mr_counters_snapshot_take(counters, &snapshot);
            mr_counters_close(counters);
            assert_true(strlen(snapshot.logic) < sizeof snapshot.logic);
            assert_true(snapshot.error_count <= MR_COUNTERS_ERRORS_MAX);
            read_all++;
        }
        if (offset < 80) {
            make(); /* a sound header again */
            mr_counters_end(&writer);
        }
    }
    assert_true(read_all > 500);
}

static void without_room_there_is_no_file_and_no_harm(void **state)
{
    (void)state;
    struct mr_error error = {0};
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 8192;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int status = mr_counters_make(&writer, path, "till", &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, MR_E_NO_SPACE);
    assert_non_null(strstr(error.text, path));
    assert_null(writer.file);
    char fresh[PATH_MAX + 64];
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_not_equal(access(fresh, F_OK), 0);
    mr_counters_set(&writer, MR_COUNTER_applied, 1);
    mr_counters_grow(&writer, MR_COUNTER_applied, 1);
    mr_counters_add(&writer, MR_COUNTER_busy, 1);
    mr_counters_record(&writer, MR_HISTOGRAM_disk_ns, 1, 1);
    mr_counters_note(&writer, MR_LOG_ERROR, "engine", MR_E_IO, "unheard");
    mr_counters_end(&writer);
}

/* A store that finds no block would end the process. */
static void a_full_disk_refuses_and_does_not_kill(void **state)
{
    (void)state;
    struct mr_error error = {0};
    if (mount("tmpfs", directory, "tmpfs", 0, "size=32k") != 0) {
        puts("not shown: a file system cannot be mounted here");
        return;
    }
    int status = mr_counters_make(&writer, path, "till", &error);
    assert_int_equal(umount2(directory, MNT_DETACH), 0);
    assert_int_equal(status, MR_E_NO_SPACE);
}

/* All blocks are there before the first store, so that a full disk cannot end the process. */
static void the_file_has_all_its_blocks(void **state)
{
    (void)state;
    struct stat stat_;
    make();
    assert_int_equal(stat(path, &stat_), 0);
    assert_int_equal(stat_.st_size, 69632);
    assert_true(stat_.st_blocks * 512 >= stat_.st_size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(the_writer_lives_until_it_ends_and_a_copy_never_does),
        CLAIM(a_child_process_does_not_keep_the_dead_alive),
        CLAIM(a_killed_writer_is_dead_and_its_numbers_remain),
        CLAIM(a_stage_that_is_silent_for_two_seconds_hangs),
        CLAIM(a_new_life_begins_anew_and_keeps_the_one_before),
        CLAIM(what_holds_no_counters_is_refused_by_name),
        CLAIM(no_damage_hurts_a_reader),
        CLAIM(without_room_there_is_no_file_and_no_harm),
        CLAIM(a_full_disk_refuses_and_does_not_kill),
        CLAIM(the_file_has_all_its_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
