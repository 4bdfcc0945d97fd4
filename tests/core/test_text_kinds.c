/*
 * The text of numbers of 128 bits and of flags: what can be written, what is refused, and why.
 */
#include "tests/core/round_trip.h"

__extension__ typedef unsigned __int128 native;

static struct {
    struct mr_command header;
    struct tally_timer_set body;
} command;

/* Reads "KEY=VALUE" into an optional field of a command; `error` tells what is wrong. */
static enum mr_text_outcome read_pair(const char *pair, struct mr_text_error *error)
{
    char line[256];
    int length = snprintf(line, sizeof line, "timer_set due=1 slot=1 %s", pair);
    assert_in_range(length, 0, sizeof line - 1);
    return mr_text_command_read(&tally_logic, line, (size_t)length, &command.header, sizeof command,
                                NULL, error);
}

static void expect_read(const char *pair)
{
    struct mr_text_error error = {0};
    if (read_pair(pair, &error) != MR_TEXT_COMMAND) {
        fail_msg("%s: %s", pair, error.text);
    }
}

enum { VALUE_COLUMN = 24 }; /* of what stands behind "timer_set due=1 slot=1 " */

static void expect_refused(const char *pair, const char *expected)
{
    struct mr_text_error error = {0};
    assert_int_equal(read_pair(pair, &error), MR_TEXT_BAD);
    assert_string_equal(error.text, expected);
    assert_int_equal(error.column, VALUE_COLUMN + (strchr(pair, '=') + 1 - pair));
}

/* How the command is written, from that key on to the next blank. */
static const char *written(const char *key)
{
    static char line[1024], value[256];
    mr_text_command_write(&tally_logic, &command.header, line, sizeof line);
    const char *at = strstr(line, key);
    assert_non_null(at);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(at, " "), at);
    return value;
}

/* -- Numbers of 128 bits. ---------------------------------------------------------------------- */

static const struct {
    const char *text;
    uint64_t high, low;
} wide_values[] = {
    {"wide=0", 0, 0},
    {"wide=1", 0, 1},
    {"wide=999999999", 0, 999999999},
    {"wide=1000000000", 0, 1000000000},
    {"wide=18446744073709551615", 0, UINT64_MAX},
    {"wide=18446744073709551616", 1, 0},
    {"wide=999999999999999999999999999", 54210108, UINT64_C(11515845246265065471)},
    {"wide=1000000000000000000000000000", 54210108, UINT64_C(11515845246265065472)},
    {"wide=170141183460469231731687303715884105728", UINT64_C(1) << 63, 0},
    {"wide=340282366920938463463374607431768211454", UINT64_MAX, UINT64_MAX - 1},
    {"wide=340282366920938463463374607431768211455", UINT64_MAX, UINT64_MAX},
};

static void a_wide_number_is_written_and_read_in_decimal(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof wide_values / sizeof wide_values[0]; i++) {
        expect_read(wide_values[i].text);
        assert_int_equal(command.body.wide.high, wide_values[i].high);
        assert_int_equal(command.body.wide.low, wide_values[i].low);
        assert_string_equal(written("wide="), wide_values[i].text);
    }
}

static void a_wide_number_is_read_in_hex(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t high, low;
    } values[] = {
        {"wide=0x0", 0, 0},
        {"wide=0x00f", 0, 15},
        {"wide=0xdeadbeef", 0, 0xdeadbeef},
        {"wide=0xffffffffffffffff", 0, UINT64_MAX},
        {"wide=0x10000000000000000", 1, 0},
        {"wide=0x0123456789abcdef0fedcba987654321", 0x0123456789abcdef, 0x0fedcba987654321},
        {"wide=0xffffffffffffffffffffffffffffffff", UINT64_MAX, UINT64_MAX},
    };
    for (uint32_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        expect_read(values[i].text);
        assert_int_equal(command.body.wide.high, values[i].high);
        assert_int_equal(command.body.wide.low, values[i].low);
    }
}

#define NO_NUMBER " is not a whole number in plain decimal digits, or 0x..."
#define NO_HEX    " is not 0x and 1 to 32 hex digits in lower case"
#define TOO_LARGE " is out of range: 0 to 340282366920938463463374607431768211455"

static void what_is_no_wide_number_is_refused(void **state)
{
    (void)state;
    expect_refused("wide=", "wide: ''" NO_NUMBER);
    expect_refused("wide=-1", "wide: '-1'" NO_NUMBER);
    expect_refused("wide=+1", "wide: '+1'" NO_NUMBER);
    expect_refused("wide=00", "wide: '00'" NO_NUMBER);
    expect_refused("wide=007", "wide: '007'" NO_NUMBER);
    expect_refused("wide=1.5", "wide: '1.5'" NO_NUMBER);
    expect_refused("wide=1e3", "wide: '1e3'" NO_NUMBER);
    expect_refused("wide=1,000", "wide: '1,000'" NO_NUMBER);
    expect_refused("wide=ff", "wide: 'ff'" NO_NUMBER);
    expect_refused("wide=0X1", "wide: '0X1'" NO_NUMBER);
    expect_refused("wide=x", "wide: 'x'" NO_NUMBER);
    expect_refused("wide=0x", "wide: '0x'" NO_HEX);
    expect_refused("wide=0xg", "wide: '0xg'" NO_HEX);
    expect_refused("wide=0xFF", "wide: '0xFF'" NO_HEX);
    expect_refused("wide=0x-1", "wide: '0x-1'" NO_HEX);
    expect_refused("wide=0x000000000000000000000000000000001",
                   "wide: '0x000000000000000000000000000000001'" NO_HEX);
    expect_refused("wide=340282366920938463463374607431768211456",
                   "wide: '340282366920938463463374607431768211456'" TOO_LARGE);
    expect_refused("wide=340282366920938463463374607431768211460",
                   "wide: '340282366920938463463374607431768211460'" TOO_LARGE);
    expect_refused("wide=999999999999999999999999999999999999999",
                   "wide: '999999999999999999999999999999999999999'" TOO_LARGE);
    expect_refused("wide=3402823669209384634633746074317682114550",
                   "wide: '3402823669209384634633746074317682114550'" TOO_LARGE);
    expect_refused("wide=10000000000000000000000000000000000000000",
                   "wide: '1000000000000000000000000000000000000000...'" TOO_LARGE);
}

/* As text, by the compiler's own arithmetic. */
static void write_native(char *text, native value)
{
    char digits[40];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value != 0);
    memcpy(text, digits + at, sizeof digits - at);
    text[sizeof digits - at] = 0;
}

static void random_wide_numbers_are_written_as_the_compiler_divides_them(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (int i = 0; i < 20000; i++) {
        native value = (native)mr_random_u64(&random) << 64 | mr_random_u64(&random);
        value >>= mr_random_below(&random, 128);
        if (mr_random_chance(&random, 1, 2)) { /* around a power of ten */
            value = 1;
            for (uint64_t j = mr_random_below(&random, 39); j > 0; j--) {
                value *= 10;
            }
            value += mr_random_below(&random, 3) - 1;
        }
        char pair[64] = "wide=";
        write_native(pair + 5, value);
        expect_read(pair);
        assert_memory_equal(&command.body.wide, &value, sizeof value);
        assert_string_equal(written("wide="), pair);
    }
}

/* -- Flags. ------------------------------------------------------------------------------------ */

static void flags_are_read_in_any_order_and_written_in_one(void **state)
{
    (void)state;
    static const struct {
        const char *read, *written;
        uint16_t flags;
    } values[] = {
        {"marks=0", "marks=0", 0},
        {"marks=red", "marks=red", 1},
        {"marks=last", "marks=last", 1 << 15},
        {"marks=red,green,blue,last", "marks=red,green,blue,last", 0x800b},
        {"marks=last,blue,red", "marks=red,blue,last", 0x8009},
        {"marks=4", "marks=4", 4},
        {"marks=9", "marks=red,blue", 9},
        {"marks=65535", "marks=red,green,blue,last,32756", 65535},
        {"marks=4,red", "marks=red,4", 5},
        {"marks=4,red,16", "marks=red,20", 21},
    };
    for (uint32_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        expect_read(values[i].read);
        assert_int_equal(command.body.marks, values[i].flags);
        assert_string_equal(written("marks="), values[i].written);
    }
}

static void all_flags_survive_their_text(void **state)
{
    (void)state;
    expect_read("marks=0");
    for (uint32_t flags = 0; flags <= UINT16_MAX; flags++) {
        command.body.marks = (uint16_t)flags;
        char pair[256];
        snprintf(pair, sizeof pair, "%s", written("marks="));
        expect_read(pair);
        assert_int_equal(command.body.marks, flags);
    }
}

static void flags_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    expect_refused("marks=", "marks: '' lacks a flag: none at all are 0");
    expect_refused("marks=,", "marks: ',' lacks a flag: none at all are 0");
    expect_refused("marks=red,", "marks: 'red,' lacks a flag: none at all are 0");
    expect_refused("marks=,red", "marks: ',red' lacks a flag: none at all are 0");
    expect_refused("marks=red,,blue", "marks: 'red,,blue' lacks a flag: none at all are 0");
    expect_refused("marks=pink", "marks: 'pink' is none of red, green, blue, last");
    expect_refused("marks=RED", "marks: 'RED' is none of red, green, blue, last");
    expect_refused("marks=red,pink", "marks: 'pink' is none of red, green, blue, last");
    expect_refused("marks=red|blue", "marks: 'red|blue' is none of red, green, blue, last");
    expect_refused("marks=-1", "marks: '-1' is none of red, green, blue, last");
    expect_refused("marks=red,red", "marks: 'red' is given twice");
    expect_refused("marks=red,blue,red", "marks: 'red' is given twice");
    expect_refused("marks=red,1", "marks: '1' is given twice");
    expect_refused("marks=3,green", "marks: 'green' is given twice");
    expect_refused("marks=4,4", "marks: '4' is given twice");
    expect_refused("marks=red,0", "marks: 'red,0' has 0, which stands alone for no flags");
    expect_refused("marks=0,0", "marks: '0,0' has 0, which stands alone for no flags");
    expect_refused("marks=0,red", "marks: '0,red' has 0, which stands alone for no flags");
    expect_refused("marks=65536", "marks: '65536' is out of range: 0 to 65535");
    expect_refused("marks=01", "marks: '01' is not a whole number in plain decimal digits");
    expect_refused("marks=0x1", "marks: '0x1' is not a whole number in plain decimal digits");
}

static void flags_without_any_name_are_numbers(void **state)
{
    (void)state;
    static const struct mr_enum_names nameless = {NULL, 0};
    static const struct mr_field field = {
        .size = 2, .kind = MR_FIELD_flags16, .names = &nameless, .name = "bits"};
    static const struct mr_message message = {
        .name = "m", .size = 2, .fields = &field, .field_count = 1};
    uint16_t bits = 99;
    struct mr_text_error error = {0};
    assert_int_equal(mr_text_field_read(NULL, &message, &bits, "bits=4,8", 8, &error), 0);
    assert_int_equal(bits, 12);
    assert_int_equal(mr_text_field_read(NULL, &message, &bits, "bits=x", 6, &error), -1);
    assert_string_equal(error.text, "bits: 'x' is not a whole number in plain decimal digits");
    assert_int_equal(bits, 12);
}

/* -- Both. ------------------------------------------------------------------------------------- */

static void what_is_left_out_is_zero(void **state)
{
    (void)state;
    memset(&command, 0xa5, sizeof command);
    expect_read("");
    assert_true(mr_u128_is_zero(command.body.wide));
    assert_int_equal(command.body.marks, 0);
    assert_string_equal(written("wide="), "wide=0");
    assert_string_equal(written("marks="), "marks=0");
}

static void both_are_quoted_in_json(void **state)
{
    (void)state;
    static const struct {
        const char *pair, *json;
    } values[] = {
        {"wide=0", "\"wide\":\"0\","},
        {"wide=340282366920938463463374607431768211455",
         "\"wide\":\"340282366920938463463374607431768211455\","},
        {"marks=0", "\"marks\":[]}"},
        {"marks=last", "\"marks\":[\"last\"]}"},
        {"marks=4", "\"marks\":[\"4\"]}"},
        {"marks=red,green,20", "\"marks\":[\"red\",\"green\",\"20\"]}"},
        {"marks=65535", "\"marks\":[\"red\",\"green\",\"blue\",\"last\",\"32756\"]}"},
    };
    for (uint32_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        expect_read(values[i].pair);
        char json[1024];
        mr_json_command_write(&tally_logic, &command.header, json, sizeof json);
        assert_non_null(strstr(json, values[i].json));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_number_is_written_and_read_in_decimal),
        cmocka_unit_test(a_wide_number_is_read_in_hex),
        cmocka_unit_test(what_is_no_wide_number_is_refused),
        cmocka_unit_test(random_wide_numbers_are_written_as_the_compiler_divides_them),
        cmocka_unit_test(flags_are_read_in_any_order_and_written_in_one),
        cmocka_unit_test(all_flags_survive_their_text),
        cmocka_unit_test(flags_that_make_no_sense_are_refused),
        cmocka_unit_test(flags_without_any_name_are_numbers),
        cmocka_unit_test(what_is_left_out_is_zero),
        cmocka_unit_test(both_are_quoted_in_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
