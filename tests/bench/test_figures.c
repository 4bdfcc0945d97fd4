/* Where bench_journal gets figures from that it does not measure by itself: fio's report, and
 * percentiles. And that it notices when a command is not what was stored. */
#include "bench/journal/common.h"
#include "bench/journal/fio_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* As fio 3.33 writes it, shortened; "write" is the name of an option's value as well. */
static const char report_text[] =
    "fio: something was said first\n"
    "{ \"jobs\" : [ { \"job options\" : { \"rw\" : \"write\", \"read\" : \"x\", \"write\" : \"y\" "
    "},\n"
    "  \"read\" : { \"io_bytes\" : 0, \"bw_bytes\" : 0, \"bw\" : 0, \"iops\" : 0.000000,\n"
    "    \"slat_ns\" : { \"min\" : 0 }, \"clat_ns\" : { \"min\" : 0, \"N\" : 0 },\n"
    "    \"lat_ns\" : { \"min\" : 0 } },\n"
    "  \"write\" : { \"io_bytes\" : 8388608, \"bw_bytes\" : 59074704, \"bw\" : 57690,\n"
    "    \"iops\" : 14422.535211, \"slat_ns\" : { \"min\" : 2257, \"percentile\" : {\n"
    "      \"50.000000\" : 3880, \"99.000000\" : 5000 } },\n"
    "    \"clat_ns\" : { \"min\" : 519, \"N\" : 2048, \"percentile\" : {\n"
    "      \"1.000000\" : 19584, \"50.000000\" : 20352, \"99.000000\" : 39680,\n"
    "      \"99.900000\" : 444444 } },\n"
    "    \"lat_ns\" : { \"min\" : 0 }, \"bw_min\" : 5 },\n"
    "  \"trim\" : { \"bw_bytes\" : 77 } } ] }\n";

static void a_report_of_writes_gives_the_figures_of_the_writes(void **state)
{
    (void)state;
    struct fio_report report;
    assert_true(fio_report_parse(report_text, "write", &report));
    assert_true(report.bytes_per_s == 59074704);
    assert_true(report.operations_per_s == 14422.535211);
    assert_true(report.p50_ns == 20352);
    assert_true(report.p99_ns == 39680);
}

static void a_direction_without_operations_gives_no_figures(void **state)
{
    (void)state;
    struct fio_report report;
    assert_false(fio_report_parse(report_text, "read", &report));
}

/* Every prefix that ends before the last figure that is wanted. */
static void a_report_that_was_cut_off_gives_no_figures(void **state)
{
    (void)state;
    struct fio_report report;
    char text[sizeof report_text];
    const char *last = strstr(report_text, "39680");
    for (size_t size = 0; size <= (size_t)(last - report_text); size++) {
        memcpy(text, report_text, size);
        text[size] = '\0';
        assert_false(fio_report_parse(text, "write", &report));
    }
}

static void percentiles_are_values_that_were_measured(void **state)
{
    (void)state;
    uint64_t values[] = {70, 10, 100, 30, 20, 60, 50, 40, 90, 80};
    assert_int_equal(common_percentile(values, 10, 0), 10);
    assert_int_equal(common_percentile(values, 10, 50), 60);
    assert_int_equal(common_percentile(values, 10, 99), 100);
    assert_int_equal(common_percentile(values, 10, 100), 100);
    assert_int_equal(common_percentile(values, 1, 50), 10);
}

static void a_command_that_differs_in_one_bit_is_not_whole(void **state)
{
    (void)state;
    unsigned char command[COMMON_COMMAND_BYTES];
    common_command_make(command, 7);
    assert_true(common_command_whole(command, 7));
    assert_false(common_command_whole(command, 8));
    for (size_t bit = 0; bit < sizeof command * 8; bit++) {
        command[bit / 8] ^= (unsigned char)(1U << bit % 8);
        assert_false(common_command_whole(command, 7));
        command[bit / 8] ^= (unsigned char)(1U << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_of_writes_gives_the_figures_of_the_writes),
        cmocka_unit_test(a_direction_without_operations_gives_no_figures),
        cmocka_unit_test(a_report_that_was_cut_off_gives_no_figures),
        cmocka_unit_test(percentiles_are_values_that_were_measured),
        cmocka_unit_test(a_command_that_differs_in_one_bit_is_not_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
