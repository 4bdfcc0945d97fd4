/*
 * The file of counters: its bytes, what a reader makes of them, who is alive, and that nothing that
 * comes instead of it does harm.
 */
#include "engine/counters.h"

#include "base/random.h"
#include "tests/support/temp_directory.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[PATH_MAX], path[PATH_MAX + 32];
static struct mr_counters_writer writer;
static struct mr_counters_snapshot snapshot;

static int set_up(void **state)
{
    (void)state;
    mr_temp_directory_make(directory);
    (void)snprintf(path, sizeof path, "%s/counters", directory);
    memset(&writer, 0, sizeof writer);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mr_counters_end(&writer);
    mr_temp_directory_remove(directory);
    return 0;
}

static void make(void)
{
    struct mr_error error = {0};
    assert_int_equal(mr_counters_make(&writer, path, "till", &error), MR_OK);
}

static void look_at(const char *at)
{
    struct mr_counters *counters;
    struct mr_error error = {0};
    assert_int_equal(mr_counters_open(at, &counters, &error), MR_OK);
    mr_counters_snapshot(counters, &snapshot);
    mr_counters_close(counters);
}

static uint64_t seed_of(uint64_t fallback)
{
    const char *text = getenv("MR_SEED");
    uint64_t seed = text == NULL ? fallback : strtoull(text, NULL, 10);
    printf("seed %" PRIu64 " (set MR_SEED for another)\n", seed);
    return seed;
}

/* -- The bytes. -------------------------------------------------------------------------------- */

static uint64_t number_at(const unsigned char *bytes, size_t offset, size_t size)
{
    uint64_t number = 0;
    for (size_t i = size; i > 0; i--) {
        number = number << 8 | bytes[offset + i - 1];
    }
    return number;
}

static void the_bytes_are_where_the_table_says(void **state)
{
    (void)state;
    static unsigned char bytes[69632 + 1];
    make();
    mr_counters_set(&writer, MR_COUNTER_state, 0x0102030405060708);
    mr_counters_set(&writer, MR_COUNTER_sequence_heartbeat, 11);
    mr_counters_set(&writer, MR_COUNTER_apply_heartbeat, 12);
    mr_counters_record(&writer, MR_HISTOGRAM_block_commands, 5, 3);
    mr_counters_note(&writer, MR_LOG_WARNING, "space", MR_E_NO_SPACE, "little room");
    int file = open(path, O_RDONLY);
    assert_int_equal(read(file, bytes, sizeof bytes), 69632);
    assert_int_equal(close(file), 0);
    assert_memory_equal(bytes, "MRCOUNTS", 8);
    const uint32_t words[] = {0, 512, 69632, 0, 5, 32, 32, 512, 5, 9856, 512, 0, 2048, 0, 18432, 0};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_int_equal(number_at(bytes, 8 + 4 * i, 4), words[i]);
    }
    assert_int_equal(number_at(bytes, 80, 4), getpid());
    assert_int_equal(number_at(bytes, 84, 4), 1);
    assert_memory_equal(bytes + 144, "till\0\0\0", 8);
    assert_int_equal(bytes[512], 8); /* the lowest byte first */
    assert_int_equal(number_at(bytes, 512, 8), 0x0102030405060708);
    assert_int_equal(number_at(bytes, 512 + (size_t)2 * 256, 8), 11);
    assert_int_equal(number_at(bytes, 512 + (size_t)4 * 256, 8), 12);
    assert_int_equal(number_at(bytes, 2048, 4), 2);
    assert_int_equal((int32_t)number_at(bytes, 2052, 4), MR_E_NO_SPACE);
    assert_int_equal(number_at(bytes, 2056, 4), MR_LOG_WARNING);
    assert_int_equal(number_at(bytes, 2064, 8), 1);
    assert_string_equal((char *)bytes + 2048 + 40, "space");
    assert_string_equal((char *)bytes + 2048 + 72, "little room");
    const size_t histogram = 18432 + 9856;
    assert_int_equal(number_at(bytes, histogram, 8), 3);
    assert_int_equal(number_at(bytes, histogram + 8, 8), 15);
    assert_int_equal(number_at(bytes, histogram + 16, 8), 5);
    assert_int_equal(number_at(bytes, histogram + 24, 8), 5);
    assert_int_equal(number_at(bytes, histogram + 128 + (size_t)5 * 8, 8), 3);
    for (size_t i = 67712; i < 69632; i++) {
        assert_int_equal(bytes[i], 0);
    }
}

/* -- The list. --------------------------------------------------------------------------------- */

static void check_family(const struct mr_counter_info *a, const struct mr_counter_info *b)
{
    assert_string_not_equal(a->name, b->name);
    assert_int_not_equal(a->place, b->place);
    if (strcmp(a->family, b->family) == 0) {
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->unit, b->unit);
        assert_string_not_equal(a->labels, b->labels);
    }
}

static bool ends_in(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void names_are_unique_and_families_agree(void **state)
{
    (void)state;
    uint32_t count, histograms;
    const struct mr_counter_info *list = mr_counters_list(&count);
    const struct mr_counter_info *more = mr_counters_histogram_list(&histograms);
    assert_true(count > 40);
    assert_int_equal(histograms, MR_COUNTERS_HISTOGRAM_COUNT);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(list[i].place < MR_COUNTERS_PLACES);
        assert_true(ends_in(list[i].help, "."));
        assert_int_equal(list[i].unit == MR_COUNTER_UNIT_NS, ends_in(list[i].family, "_seconds"));
        assert_int_equal(list[i].unit == MR_COUNTER_UNIT_BYTES, ends_in(list[i].family, "_bytes"));
        assert_false(ends_in(list[i].family, "_total"));
        for (uint32_t k = 0; k < i; k++) {
            check_family(&list[i], &list[k]);
        }
        for (uint32_t k = 0; k < histograms; k++) {
            assert_string_not_equal(list[i].family, more[k].family);
        }
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    uint32_t count;
    const struct mr_counter_info *list = mr_counters_list(&count);
    make();
    for (uint32_t i = 0; i < count; i++) {
        mr_counters_set(&writer, (enum mr_counter)list[i].place, 1000 + i);
    }
    mr_counters_grow(&writer, MR_COUNTER_events, 7);
    mr_counters_add(&writer, MR_COUNTER_busy, 5);
    mr_counters_add(&writer, MR_COUNTER_busy, -2);
    mr_counters_set(&writer, MR_COUNTER_state, MR_ENGINE_RUNNING);
    look_at(path);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t expected = 1000 + i;
        expected += list[i].place == MR_COUNTER_events ? 7 : 0;
        expected += list[i].place == MR_COUNTER_busy ? 3 : 0;
        if (list[i].kind != MR_COUNTER_KIND_TIME && list[i].place != MR_COUNTER_state) {
            assert_int_equal(snapshot.values[list[i].place], expected);
        }
    }
    assert_int_equal(snapshot.values[MR_COUNTER_state], MR_ENGINE_RUNNING);
    assert_string_equal(snapshot.logic, "till");
    assert_int_equal(snapshot.pid, getpid());
    assert_true(snapshot.alive);
    /* Times are moments: those from soon after the boot lie before the file was made. */
    assert_true(snapshot.values[MR_COUNTER_apply_heartbeat] < snapshot.started_ns);
    assert_true(snapshot.started_ns <= snapshot.taken_ns);
    mr_counters_set(&writer, MR_COUNTER_apply_heartbeat, writer.file->header.made_monotonic_ns);
    look_at(path);
    assert_int_equal(snapshot.values[MR_COUNTER_apply_heartbeat], snapshot.started_ns);
    assert_int_equal(snapshot.started_ns, writer.file->header.made_ns);
    writer.file->header.made_ns -= UINT64_C(3600000000000); /* the clock was set, by an hour */
    look_at(path);
    assert_true(snapshot.started_ns > writer.file->header.made_ns + UINT64_C(3500000000000));
}

/* -- Histograms. ------------------------------------------------------------------------------- */

static void every_value_has_a_bucket_that_is_close(void **state)
{
    (void)state;
    const uint64_t top = (UINT64_C(1) << MR_COUNTERS_HISTOGRAM_TOP) - 1;
    struct mr_random random;
    mr_random_init(&random, seed_of(5));
    for (uint32_t i = 0; i < 200000; i++) {
        uint64_t value = mr_random_u64(&random) >> mr_random_below(&random, 64);
        uint32_t index = mr_counters_bucket(value);
        assert_true(index < MR_COUNTERS_BUCKETS);
        value = value < top ? value : top;
        uint64_t bound = mr_counters_bucket_top(index);
        assert_true(value <= bound && bound - value <= value / 32);
        assert_true(index == 0 || mr_counters_bucket_top(index - 1) < value);
    }
    assert_int_equal(mr_counters_bucket_top(MR_COUNTERS_BUCKETS - 1), top);
    for (uint32_t bit = 0; bit <= MR_COUNTERS_HISTOGRAM_TOP; bit++) {
        uint64_t edge = (UINT64_C(1) << bit) - 1; /* OpenMetrics cuts here */
        assert_int_equal(mr_counters_bucket_top(mr_counters_bucket(edge)), edge);
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void percentiles_are_those_of_the_sorted_values(void **state)
{
    (void)state;
    enum { VALUES = 1999 };
    static uint64_t values[VALUES];
    struct mr_random random;
    mr_random_init(&random, seed_of(6));
    make();
    for (uint32_t i = 0; i < VALUES; i++) {
        values[i] = mr_random_u64(&random) >> (24 + mr_random_below(&random, 40));
        mr_counters_record(&writer, MR_HISTOGRAM_disk_ns, values[i], 1);
    }
    qsort(values, VALUES, sizeof *values, compare);
    look_at(path);
    const struct mr_counters_histogram *histogram = &snapshot.histograms[MR_HISTOGRAM_disk_ns];
    assert_int_equal(histogram->count, VALUES);
    assert_int_equal(histogram->min, values[0]);
    assert_int_equal(histogram->max, values[VALUES - 1]);
    for (uint32_t thousandths = 1000; thousandths <= 100000; thousandths += 500) {
        uint64_t rank = ((uint64_t)VALUES * thousandths + 99999) / 100000;
        uint64_t exact = values[rank - 1];
        uint64_t told = mr_counters_percentile(histogram, thousandths);
        assert_true(told >= exact && told - exact <= exact / 32);
    }
    assert_int_equal(mr_counters_percentile(&snapshot.histograms[MR_HISTOGRAM_apply_ns], 50000), 0);
}

/* -- The error log. ---------------------------------------------------------------------------- */

static void the_same_error_is_counted_and_not_listed_twice(void **state)
{
    (void)state;
    make();
    for (int i = 0; i < 1000; i++) {
        mr_counters_note(&writer, MR_LOG_WARNING, "space", MR_OK, i == 0 ? "first" : "later");
        mr_counters_note(&writer, MR_LOG_ERROR, "engine", i % 2 == 0 ? MR_E_IO : MR_E_NO_SPACE,
                         "text");
    }
    look_at(path);
    assert_int_equal(snapshot.error_count, 3);
    assert_string_equal(snapshot.errors[0].place, "space");
    assert_string_equal(snapshot.errors[0].text, "first");
    assert_int_equal(snapshot.errors[0].count, 1000);
    assert_int_equal(snapshot.errors[0].level, MR_LOG_WARNING);
    assert_int_equal(snapshot.errors[1].code, MR_E_IO);
    assert_int_equal(snapshot.errors[1].count, 500);
    assert_int_equal(snapshot.errors[2].code, MR_E_NO_SPACE);
    assert_true(snapshot.errors[0].first_ns < snapshot.errors[0].last_ns);
    assert_true(snapshot.errors[0].last_ns <= snapshot.taken_ns);
    assert_int_equal(snapshot.values[MR_COUNTER_errors], 2000);
    assert_int_equal(snapshot.values[MR_COUNTER_errors_dropped], 0);
}

static void the_error_log_is_bounded_and_long_texts_are_cut(void **state)
{
    (void)state;
    char place[64], text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    make();
    for (int i = 0; i < MR_COUNTERS_ERRORS_MAX + 8; i++) {
        (void)snprintf(place, sizeof place, "place %d", i);
        mr_counters_note(&writer, MR_LOG_ERROR, place, MR_E_IO, text);
    }
    const char *longest = "a place with a name that is much longer than there is room for it";
    mr_counters_end(&writer);
    look_at(path);
    assert_int_equal(snapshot.error_count, MR_COUNTERS_ERRORS_MAX);
    assert_int_equal(snapshot.values[MR_COUNTER_errors_dropped], 8);
    assert_int_equal(strlen(snapshot.errors[31].text), MR_COUNTERS_TEXT_SIZE - 1);
    make();
    mr_counters_note(&writer, MR_LOG_ERROR, longest, MR_E_IO, text);
    mr_counters_note(&writer, MR_LOG_ERROR, longest, MR_E_IO, text);
    look_at(path);
    assert_int_equal(snapshot.error_count, 1);
    assert_int_equal(snapshot.errors[0].count, 2);
    assert_memory_equal(snapshot.errors[0].place, longest, MR_COUNTERS_PLACE_SIZE - 1);
}

/* Whoever writes an entry may die in the middle of it. */
static void half_an_entry_is_not_shown(void **state)
{
    (void)state;
    make();
    mr_counters_note(&writer, MR_LOG_ERROR, "engine", MR_E_IO, "whole");
    mr_counters_note(&writer, MR_LOG_ERROR, "engine", MR_E_LIMIT, "half");
    mr_atomic_store(&writer.file->errors[1].state, MR_ERROR_SLOT_WRITING, relaxed);
    look_at(path);
    assert_int_equal(snapshot.error_count, 1);
    assert_string_equal(snapshot.errors[0].text, "whole");
}

enum { WRITERS = 4, NOTES = 3000, ADDS = 200000 };

static void *write_much(void *context)
{
    (void)context;
    for (int i = 0; i < ADDS; i++) {
        mr_counters_add(&writer, MR_COUNTER_busy, i % 2 == 0 ? 3 : -2);
    }
    for (int i = 0; i < NOTES; i++) {
        mr_counters_note(&writer, MR_LOG_WARNING, i % 2 == 0 ? "even" : "odd", MR_E_IO, "text");
    }
    return NULL;
}

static void threads_lose_nothing_of_what_they_share(void **state)
{
    (void)state;
    pthread_t threads[WRITERS];
    struct mr_counters *counters;
    make();
    assert_int_equal(mr_counters_open(path, &counters, NULL), MR_OK);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_much, NULL), 0);
    }
    for (int i = 0; i < 200; i++) { /* meanwhile, whoever looks sees whole entries */
        mr_counters_snapshot(counters, &snapshot);
        assert_true(snapshot.error_count <= 2);
        for (uint32_t k = 0; k < snapshot.error_count; k++) {
            assert_string_equal(snapshot.errors[k].text, "text");
            assert_true(snapshot.errors[k].count >= 1);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    mr_counters_snapshot(counters, &snapshot);
    mr_counters_close(counters);
    assert_int_equal(snapshot.values[MR_COUNTER_busy], WRITERS * ADDS / 2);
    assert_int_equal(snapshot.values[MR_COUNTER_errors], WRITERS * NOTES);
    assert_int_equal(snapshot.error_count, 2);
    assert_int_equal(snapshot.errors[0].count + snapshot.errors[1].count, WRITERS * NOTES);
}

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
    mr_counters_snapshot(counters, &snapshot);
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
            mr_counters_snapshot(counters, &snapshot);
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
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(the_bytes_are_where_the_table_says),
        CLAIM(names_are_unique_and_families_agree),
        CLAIM(what_is_written_is_read),
        CLAIM(every_value_has_a_bucket_that_is_close),
        CLAIM(percentiles_are_those_of_the_sorted_values),
        CLAIM(the_same_error_is_counted_and_not_listed_twice),
        CLAIM(the_error_log_is_bounded_and_long_texts_are_cut),
        CLAIM(half_an_entry_is_not_shown),
        CLAIM(threads_lose_nothing_of_what_they_share),
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
