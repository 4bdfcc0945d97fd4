#include "tests/tools/source_rig.h"

#include "base/digest.h"
#include "tests/core/book_driver.h"
#include "tools/generator.h"

/* -- The market that the generator imagines is the market that the book makes. ---------------- */

static void define_instruments(struct book_driver *driver, const struct source *source)
{
    for (uint32_t i = 0; i < source->setup_count; i++) {
        struct book_command define = {.header = {.length = 0}};
        memcpy(&define, source->setup[i], source->setup[i]->length);
        assert_int_equal(book_apply(driver, &define), 0);
    }
}

static void compare_instrument(const struct generator *generator, const struct book_driver *driver,
                               uint32_t index)
{
    const struct market_instrument *imagined = &generator->instruments[index];
    struct mr_book_instrument real;
    assert_true(mr_book_instrument_get(driver->book, index + 1, &real));
    for (uint32_t side = 0; side < 2; side++) {
        assert_int_equal(real.orders[side], imagined->resting_of[side]);
        int64_t price;
        bool has_best = mr_book_best(driver->book, index + 1, (enum mr_book_side)side, &price);
        assert_int_equal(has_best, imagined->words[side] != 0);
        if (has_best)
            assert_int_equal(price,
                             generator->price_base[index] + (int64_t)market_best(imagined, side));
    }
}

static void compare_market(const struct generator *generator, const struct book_driver *driver)
{
    for (uint32_t i = 0; i < generator->spec.instruments; i++)
        compare_instrument(generator, driver, i);
}

static void check_market(struct rig *rig, const char *text)
{
    char input[256];
    struct gen_spec spec;
    struct generator generator;
    struct book_driver driver;
    printf("%s\n", text);
    (void)snprintf(input, sizeof input, "gen:%s", text);
    assert_int_equal(rig_open(rig, input, NULL), MR_OK);
    assert_int_equal(gen_spec_parse(text, &spec, &rig->error), MR_OK);
    assert_int_equal(generator_init(&generator, &spec, &rig->error), MR_OK);
    struct mr_book_config config = *(const struct mr_book_config *)rig->source->config;
    config.orders_max = (uint32_t)(spec.instruments * spec.depth); /* no more than it says */
    config.levels_max = config.orders_max;
    book_open(&driver, &config);
    define_instruments(&driver, rig->source);

    struct book_command command;
    uint64_t commands = 0, orders = 0, traded = 0, rejects = 0, time_ns = 0;
    while (generator_next(&generator, SESSION_IMPORTER, &command.header)) {
        assert_int_equal(command.header.request, ++commands);
        assert_true(command.header.time_ns >= time_ns);
        time_ns = command.header.time_ns;
        uint64_t trades_before = mr_book_totals_get(driver.book).trades;
        rejects += book_apply(&driver, &command) != 0;
        assert_int_equal(rejects, generator.expected_rejects);
        orders += command.header.type == MR_BOOK_ORDER_NEW;
        traded += command.header.type == MR_BOOK_ORDER_NEW &&
                  mr_book_totals_get(driver.book).trades > trades_before;
        if (commands % 64 == 0)
            compare_market(&generator, &driver);
    }
    compare_market(&generator, &driver);
    assert_int_equal(orders, spec.orders);
    assert_int_equal(commands, rig->source->total);
    printf("  %" PRIu64 " of %" PRIu64 " orders traded at once, %" PRIu64 " rejects\n", traded,
           orders, rejects);
    if (spec.orders >= 20000) {
        assert_true(traded * 100 >= orders * 15 && traded * 100 <= orders * 75);
        assert_true(rejects * 100 <= commands * 2);
    }
    book_close(&driver);
    generator_free(&generator);
}

static void test_the_book_makes_the_market_that_was_imagined(void **state)
{
    struct rig *rig = *state;
    check_market(rig, "orders=50000");
    check_market(rig, "orders=20000,instruments=1,seed=2");
    check_market(rig, "orders=20000,depth=16,instruments=3,seed=3,cancels=0");
    check_market(rig, "orders=5000,cancels=100,replaces=300,late=20,seed=4");
    check_market(rig, "orders=5000,size=1,spread=2,volatility=1000,seed=5,fok=50,ioc=50,market=0");
    check_market(rig, "orders=5000,size=500,spread=64,market=100,ioc=0,fok=0,seed=6");
    check_market(rig, "orders=1,cancels=100,replaces=1000");
    check_market(rig, "orders=3,cancels=100,replaces=1000,instruments=1000,depth=16");
}

static void test_random_specifications_hold_too(void **state)
{
    struct rig *rig = *state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (int i = 0; i < 12; i++) {
        char text[256];
        (void)snprintf(
            text, sizeof text,
            "orders=%d,seed=%d,instruments=%d,depth=%d,cancels=%d,replaces=%d,late=%d,size=%d",
            1 + (int)mr_random_below(&random, 5000), (int)mr_random_below(&random, 1000000),
            1 + (int)mr_random_below(&random, 20), 16 + (int)mr_random_below(&random, 500),
            (int)mr_random_below(&random, 101), (int)mr_random_below(&random, 200),
            (int)mr_random_below(&random, 101), 1 + (int)mr_random_below(&random, 500));
        check_market(rig, text);
    }
}

/* -- The same everywhere, and at any place. --------------------------------------------------- */

static struct mr_digest digest_of_rest(struct rig *rig, uint64_t *count)
{
    struct mr_digest_stream *stream = mr_digest_begin();
    assert_non_null(stream);
    *count = 0;
    enum source_outcome outcome;
    while ((outcome = rig_next(rig)) == SOURCE_COMMAND) {
        mr_digest_add(stream, &rig->command, rig->command.header.length);
        ++*count;
    }
    assert_int_equal(outcome, SOURCE_END);
    return mr_digest_end(stream);
}

/* When this fails, the generator makes other commands than before: raise GENERATOR_VERSION in
 * tools/gen_spec.c, so that no journal resumes with a market other than its own. */
static void test_every_compiler_makes_the_same_commands(void **state)
{
    struct rig *rig = *state;
    uint64_t count;
    char text[MR_DIGEST_TEXT_SIZE];
    assert_int_equal(rig_open(rig, "gen:orders=100000,seed=7", NULL), MR_OK);
    mr_digest_format(rig->source->fingerprint, text);
    assert_string_equal(text, "9a67fd1241a9ee1f75e653a218cd70a1");
    mr_digest_format(digest_of_rest(rig, &count), text);
    assert_int_equal(count, 150000);
    assert_string_equal(text, "f0afd0710415dbab94dd228d086dba1b");
}

static void test_resuming_goes_on_as_though_nothing_had_been(void **state)
{
    struct rig *rig = *state;
    static const char input[] = "gen:orders=2000,instruments=3,seed=9";
    static const uint64_t lasts[] = {0, 1, 2, 99, 1500, 2999, 3000};
    for (size_t i = 0; i < sizeof lasts / sizeof lasts[0]; i++) {
        assert_int_equal(rig_open(rig, input, NULL), MR_OK);
        for (uint64_t request = 1; request <= lasts[i]; request++)
            assert_int_equal(rig_next(rig), SOURCE_COMMAND);
        uint64_t count, resumed_count;
        struct mr_digest straight = digest_of_rest(rig, &count);
        assert_int_equal(rig_open(rig, input, NULL), MR_OK);
        assert_int_equal(rig->source->calls->resume(rig->source, lasts[i], &rig->error), MR_OK);
        assert_true(mr_digest_equal(straight, digest_of_rest(rig, &resumed_count)));
        assert_int_equal(count, resumed_count);
        assert_int_equal(count, 3000 - lasts[i]);
    }
    assert_int_equal(rig_open(rig, input, NULL), MR_OK);
    assert_int_equal(rig->source->calls->resume(rig->source, 3001, &rig->error), MR_E_MISMATCH);
}

static void test_every_command_is_clean_to_the_byte(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(rig_open(rig, "gen:orders=500", NULL), MR_OK);
    while (rig_next(rig) == SOURCE_COMMAND) {
        const struct mr_command *command = &rig->command.header;
        const struct mr_message *message = mr_catalog_command(mr_logic_book.catalog, command->type);
        assert_int_equal(command->length, MR_COMMAND_HEADER + message->size);
        assert_int_equal(command->session, SESSION_IMPORTER);
        assert_int_equal(command->role, MR_ROLE_USER);
        for (uint32_t i = command->length; i < sizeof rig->command; i++)
            assert_int_equal(rig->command.bytes[i], 0xa5);
    }
}

/* -- What can be asked for. ------------------------------------------------------------------- */

static void test_equal_specifications_have_equal_fingerprints(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(rig_open(rig, "gen:orders=1000,seed=1", NULL), MR_OK);
    struct mr_digest first = rig->source->fingerprint;
    assert_int_equal(rig_open(rig, "gen:instruments=10,orders=1_000", NULL), MR_OK);
    assert_true(mr_digest_equal(first, rig->source->fingerprint));
    assert_int_equal(rig_open(rig, "gen:orders=1000,seed=2", NULL), MR_OK);
    assert_false(mr_digest_equal(first, rig->source->fingerprint));
}

static void test_bad_specifications_are_told_what_is_wrong(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *input, *reason;
    } specs[] = {
        {"gen:", "how many orders"},
        {"gen:seed=1", "how many orders"},
        {"gen:orders=5,frobnicate=1", "'frobnicate'; the keys are orders seed instruments"},
        {"gen:orders=5,,seed=1", "''; the keys are"},
        {"gen:orders", "orders is a whole number from 1"},
        {"gen:orders=", "orders is a whole number"},
        {"gen:orders=0", "orders is a whole number from 1"},
        {"gen:orders=-5", "orders is a whole number"},
        {"gen:orders=1.5", "orders is a whole number"},
        {"gen:orders=5 ", "orders is a whole number"},
        {"gen:orders=99999999999999999999999999999999999999", "orders is a whole number"},
        {"gen:orders=5,seed=1,orders=6", "orders is given twice"},
        {"gen:orders=5,cancels=101", "cancels is a whole number from 0 to 100"},
        {"gen:orders=5,instruments=1001", "instruments is a whole number from 1 to 1000"},
        {"gen:orders=5,market=50,ioc=40,fok=20", "at most 100"},
        {"gen:orders=5,instruments=1000,depth=100000", "16777216"},
        {"gen:orders=1000000000000,rate=1", "2554"},
    };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        assert_int_equal(rig_open(rig, specs[i].input, NULL), MR_E_INVALID);
        if (strstr(rig->error.text, specs[i].reason) == NULL)
            fail_msg("%s: not '%s': %s", specs[i].input, specs[i].reason, rig->error.text);
    }
}

static void test_the_configuration_has_room_for_the_market(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(rig_open(rig, "gen:orders=5,instruments=1000,depth=16000", NULL), MR_OK);
    const struct mr_book_config *config = rig->source->config;
    assert_true(config->instruments_max >= 1000);
    assert_int_equal(config->orders_max, 16000000);
    assert_true(mr_logic_book.state_size(config) > 0);
    assert_int_equal(rig->source->setup_count, 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_book_makes_the_market_that_was_imagined),
        TEST(test_random_specifications_hold_too),
        TEST(test_every_compiler_makes_the_same_commands),
        TEST(test_resuming_goes_on_as_though_nothing_had_been),
        TEST(test_every_command_is_clean_to_the_byte),
        TEST(test_equal_specifications_have_equal_fingerprints),
        TEST(test_bad_specifications_are_told_what_is_wrong),
        TEST(test_the_configuration_has_room_for_the_market),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
