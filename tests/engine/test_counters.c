/*
 * The file of counters: its bytes, its list, and what a reader makes of what was written.
 */
#include "tests/engine/counters_rig.h"

#include <fcntl.h>
#include <unistd.h>

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

enum { WRITERS = 4, NOTES = 3000, ADDS = 1000000 };

static void *write_much(void *context)
{
    (void)pthread_barrier_wait(context); /* all at once */
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
    pthread_barrier_t barrier;
    struct mr_counters *counters;
    make();
    assert_int_equal(mr_counters_open(path, &counters, NULL), MR_OK);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, WRITERS), 0);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_much, &barrier), 0);
    }
    for (int i = 0; i < 200; i++) { /* meanwhile, whoever looks sees whole entries */
        mr_counters_snapshot_take(counters, &snapshot);
        assert_true(snapshot.error_count <= 2);
        for (uint32_t k = 0; k < snapshot.error_count; k++) {
            assert_string_equal(snapshot.errors[k].text, "text");
            assert_true(snapshot.errors[k].count >= 1);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(pthread_barrier_destroy(&barrier), 0);
    mr_counters_snapshot_take(counters, &snapshot);
    mr_counters_close(counters);
    assert_int_equal(snapshot.values[MR_COUNTER_busy], WRITERS * ADDS / 2);
    assert_int_equal(snapshot.values[MR_COUNTER_errors], WRITERS * NOTES);
    assert_int_equal(snapshot.error_count, 2);
    assert_int_equal(snapshot.errors[0].count + snapshot.errors[1].count, WRITERS * NOTES);
}

int main(void)
{
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
