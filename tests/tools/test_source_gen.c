#include "tests/tools/source_rig.h"

#include "base/digest.h"
#include "tools/generator.h"

/* -- A book, used alone. ---------------------------------------------------------------------- */

struct market_book {
    struct mr_book *book;
    struct mr_book_turn turn;
};

static void *zeroed(size_t size)
{
    size_t rounded = (size + 4095) & ~(size_t)4095;
    void *memory = aligned_alloc(4096, rounded);
    assert_non_null(memory);
    memset(memory, 0, rounded);
    return memory;
}

static void book_open(struct market_book *market, const struct mr_book_config *config)
{
    size_t size = mr_logic_book.state_size(config);
    assert_true(size > 0);
    market->book = zeroed(size);
    mr_logic_book.init(market->book, config);
    market->turn = (struct mr_book_turn){
        .reports = zeroed(mr_book_reports_max(config) * sizeof(union mr_book_report)),
        .mask = UINT64_MAX,
    };
}

static void book_close(struct market_book *market)
{
    free(market->book);
    free(market->turn.reports);
}

/* What is due goes first, as under the engine. Returns the reason for a rejection. */
static uint32_t book_apply(struct market_book *market, const struct mr_command *command)
{
    struct mr_book_turn *turn = &market->turn;
    union mr_book_request request = {.any = {.type = (uint8_t)command->type}};
    memcpy(&request, mr_command_body(command), command->length - MR_COMMAND_HEADER);
    request.any.type = (uint8_t)command->type;
    turn->time_ns = command->time_ns;
    turn->session = command->session;
    turn->role = command->role;
    while (mr_book_expiry_next(market->book) <= turn->time_ns) {
        turn->next = 0;
        mr_book_expire(market->book, turn);
    }
    turn->next = 0;
    return mr_book_apply(market->book, &request, turn);
}

/* -- The market that the generator imagines is the market that the book makes. ---------------- */

static void compare_side(const struct generator *generator, const struct mr_book *book,
                         uint32_t index, uint32_t side)
{
    const struct market_instrument *imagined = &generator->instruments[index];
    struct mr_book_level level;
    if (mr_book_depth(book, index + 1, (enum mr_book_side)side, &level, 1) == 0) {
        assert_int_equal(imagined->words[side], 0);
        return;
    }
    assert_int_not_equal(imagined->words[side], 0);
    uint32_t best = market_best(imagined, side);
    uint64_t open = 0;
    uint32_t orders = 0;
    for (uint32_t slot = imagined->levels[best].first; slot != MARKET_NONE;
         slot = imagined->orders[slot].next) {
        open += imagined->orders[slot].open;
        orders++;
    }
    assert_int_equal(level.price, generator_price(generator, index, best));
    assert_int_equal(level.quantity, open * generator->spec.lot);
    assert_int_equal(level.orders, orders);
}

static void compare_market(const struct generator *generator, const struct mr_book *book)
{
    for (uint32_t i = 0; i < generator->spec.instruments; i++) {
        struct mr_book_instrument real;
        assert_true(mr_book_instrument_get(book, i + 1, &real));
        for (uint32_t side = 0; side < 2; side++) {
            assert_int_equal(real.orders[side], generator->instruments[i].resting_of[side]);
            compare_side(generator, book, i, side);
        }
    }
}

/* What came of it. */
struct market_counts {
    uint64_t commands, orders, traded, rejects, expired, prevented, collared, tops;
};

static void count_reports(const struct mr_book_turn *turn, struct market_counts *counts)
{
    for (uint64_t i = 0; i < turn->next; i++) {
        const union mr_book_report *report = &turn->reports[i];
        bool cancelled = report->any.type == MR_BOOK_ORDER_CANCELLED;
        counts->prevented += cancelled && report->cancelled.cause == MR_BOOK_CANCEL_SELF_TRADE;
        counts->collared += cancelled && report->cancelled.cause == MR_BOOK_CANCEL_COLLAR;
        counts->tops += report->any.type == MR_BOOK_TOP_OF_BOOK;
    }
}

static void play(struct generator *generator, struct market_book *market,
                 struct market_counts *counts)
{
    union {
        struct mr_command header;
        unsigned char bytes[128];
    } command;
    uint64_t time_ns = 0;
    *counts = (struct market_counts){0};
    while (generator_next(generator, SESSION_IMPORTER, &command.header)) {
        assert_int_equal(command.header.request, ++counts->commands);
        assert_true(command.header.time_ns >= time_ns);
        time_ns = command.header.time_ns;
        counts->expired += mr_book_expiry_next(market->book) <= time_ns;
        uint64_t trades_before = mr_book_totals_get(market->book).trades;
        counts->rejects += book_apply(market, &command.header) != 0;
        assert_int_equal(counts->rejects, generator->expected_rejects);
        count_reports(&market->turn, counts);
        counts->orders += command.header.type == MR_BOOK_ORDER_NEW;
        counts->traded += command.header.type == MR_BOOK_ORDER_NEW &&
                          mr_book_totals_get(market->book).trades > trades_before;
        if (counts->commands % 64 == 0)
            compare_market(generator, market->book);
    }
    compare_market(generator, market->book);
}

static struct market_counts check_market(struct rig *rig, const char *text)
{
    char input[512];
    struct gen_spec spec;
    struct generator generator;
    struct market_book market;
    struct market_counts counts;
    printf("%s\n", text);
    (void)snprintf(input, sizeof input, "gen:%s", text);
    if (rig_open(rig, input, NULL) != MR_OK)
        fail_msg("%s", rig->error.text);
    assert_int_equal(gen_spec_parse(text, &spec, &rig->error), MR_OK);
    assert_int_equal(generator_init(&generator, &spec, &rig->error), MR_OK);
    struct mr_book_config config = *(const struct mr_book_config *)rig->source->config;
    config.orders_max = (uint32_t)(spec.instruments * spec.depth); /* no more than it says */
    config.levels_max = config.orders_max;
    book_open(&market, &config);
    for (uint32_t i = 0; i < rig->source->setup_count; i++)
        assert_int_equal(book_apply(&market, rig->source->setup[i]), 0);
    play(&generator, &market, &counts);
    assert_int_equal(counts.orders, spec.orders);
    assert_int_equal(counts.commands, rig->source->total);
    printf("  %" PRIu64 " of %" PRIu64 " orders traded at once, %" PRIu64 " rejects\n",
           counts.traded, counts.orders, counts.rejects);
    book_close(&market);
    generator_free(&generator);
    return counts;
}

/* A session that is long enough is a market, whatever it is made of. */
static void check_session(struct rig *rig, const char *text)
{
    struct market_counts counts = check_market(rig, text);
    assert_true(counts.traded * 100 >= counts.orders * 15);
    assert_true(counts.traded * 100 <= counts.orders * 75);
    assert_true(counts.rejects * 100 <= counts.commands * 2);
}

static void test_the_book_makes_the_market_that_was_imagined(void **state)
{
    struct rig *rig = *state;
    check_session(rig, "orders=50000");
    check_session(rig, "orders=20000,instruments=1,seed=2");
    check_session(rig, "orders=20000,depth=16,instruments=3,seed=3,cancels=0");
    check_market(rig, "orders=5000,cancels=100,replaces=300,late=20,seed=4");
    check_market(rig, "orders=5000,size=1,spread=2,volatility=1000,seed=5,fok=50,ioc=50,market=0");
    check_market(rig, "orders=5000,size=500,spread=64,market=100,ioc=0,fok=0,seed=6");
    check_market(rig, "orders=1,cancels=100,replaces=1000");
    check_market(rig, "orders=3,cancels=100,replaces=1000,instruments=1000,depth=16");
}

static void test_post_only_orders_are_rejected_or_repriced(void **state)
{
    struct rig *rig = *state;
    uint64_t none = check_market(rig, "orders=10000,fok=0,late=0,spread=2,seed=7").rejects;
    uint64_t repriced =
        check_market(rig, "orders=10000,fok=0,late=0,spread=2,seed=7,reprice=100").rejects;
    uint64_t rejected =
        check_market(rig, "orders=10000,fok=0,late=0,spread=2,seed=7,post=100").rejects;
    assert_int_equal(none, 0);
    assert_int_equal(repriced, 0);
    assert_true(rejected > 100);
    check_market(rig, "orders=10000,post=40,reprice=40,volatility=1000,replaces=300,spread=2");
}

static void test_orders_expire_when_their_time_has_come(void **state)
{
    struct rig *rig = *state;
    struct market_counts counts =
        check_market(rig, "orders=20000,gtd=60,lifetime=5,cancels=0,replaces=100,renumber=20");
    assert_true(counts.expired > 1000);
    /* It begins 10,000 seconds before midnight, and takes twice as long. */
    counts = check_market(rig, "orders=15000,day=50,rate=1,start=1767302000,instruments=3");
    assert_int_equal(counts.expired, 1);
    counts = check_market(
        rig, "orders=15000,day=50,gtd=50,lifetime=1000000,rate=1,depth=100,start=1767302000");
    assert_true(counts.expired > 2);
    check_market(rig, "orders=20000,gtd=100,lifetime=1000000000,replaces=200,depth=16");
}

/* Commands hardly ever come at the very nanosecond. */
static void test_an_order_is_gone_from_its_time_on(void **state)
{
    (void)state;
    enum { DEPTH = 16 };
    static struct market_instrument instrument;
    struct market_order orders[DEPTH] = {{0}};
    uint32_t slots[DEPTH];
    struct expiries expiries;
    market_init(&instrument, orders, slots, DEPTH);
    assert_true(expiries_init(&expiries, DEPTH));
    for (uint64_t i = 0; i < 3; i++) {
        struct market_order order = {.id = i + 1, .expires_ns = 300 - 100 * i, .open = 1};
        expiries_add(&expiries, &instrument, 0, market_rest(&instrument, &order));
    }
    static const uint64_t times[] = {99, 100, 101, 199, 200, 299, 300};
    static const uint32_t resting[] = {3, 2, 2, 2, 1, 1, 0};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        expiries_apply(&expiries, &instrument, times[i]);
        assert_int_equal(instrument.resting, resting[i]);
    }
    expiries_free(&expiries);
}

static void test_self_trades_are_prevented(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(check_market(rig, "orders=10000,accounts=3").prevented, 0);
    assert_true(check_market(rig, "orders=20000,accounts=3,stp=100").prevented > 1000);
    assert_true(check_market(rig, "orders=20000,accounts=20,stp=50,fok=50,min=50").prevented > 10);
    check_market(rig, "orders=20000,accounts=1,stp=100,depth=100,replaces=200");
}

static void test_market_orders_stay_within_their_collar(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(check_market(rig, "orders=20000,market=100,ioc=0,fok=0").collared, 0);
    assert_true(check_market(rig, "orders=20000,market=100,ioc=0,fok=0,collar=1").collared > 20);
    check_market(rig, "orders=5000,market=50,ioc=0,collar=1000,depth=16,spread=64");
}

static void test_ticks_and_lots_scale_prices_and_quantities(void **state)
{
    struct rig *rig = *state;
    check_market(rig, "orders=10000,lot=100,tick=25,collar=3,min=20,post=20");
    check_market(rig, "orders=10000,lot=1000,tick=1000,size=500");
}

static void test_the_top_of_book_is_published_if_asked_for(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(check_market(rig, "orders=5000").tops, 0);
    assert_true(check_market(rig, "orders=5000,top=1").tops > 1000);
}

static void test_random_specifications_hold_too(void **state)
{
    struct rig *rig = *state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (int i = 0; i < 16; i++) {
        char text[512];
        int post = (int)mr_random_below(&random, 101), day = (int)mr_random_below(&random, 101);
        (void)snprintf(
            text, sizeof text,
            "orders=%d,seed=%d,instruments=%d,depth=%d,cancels=%d,replaces=%d,late=%d,size=%d,"
            "renumber=%d,min=%d,post=%d,reprice=%d,day=%d,gtd=%d,lifetime=%d,stp=%d,accounts=%d,"
            "lot=%d,tick=%d,collar=%d,top=%d,rate=%d",
            1 + (int)mr_random_below(&random, 5000), (int)mr_random_below(&random, 1000000),
            1 + (int)mr_random_below(&random, 20), 16 + (int)mr_random_below(&random, 500),
            (int)mr_random_below(&random, 101), (int)mr_random_below(&random, 200),
            (int)mr_random_below(&random, 101), 1 + (int)mr_random_below(&random, 500),
            (int)mr_random_below(&random, 101), (int)mr_random_below(&random, 101), post,
            (int)mr_random_below(&random, 101 - (uint64_t)post), day,
            (int)mr_random_below(&random, 101 - (uint64_t)day),
            1 + (int)mr_random_below(&random, 5000), (int)mr_random_below(&random, 101),
            1 + (int)mr_random_below(&random, 50), 1 + (int)mr_random_below(&random, 100),
            1 + (int)mr_random_below(&random, 100), (int)mr_random_below(&random, 10),
            (int)mr_random_below(&random, 2), 1 + (int)mr_random_below(&random, 1000));
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
    assert_string_equal(text, "1a5b6bb5a17265788d0b54c47a439946");
    mr_digest_format(digest_of_rest(rig, &count), text);
    assert_int_equal(count, 150000);
    assert_string_equal(text, "7e0210a4b03ffddcf22d2942aa0fee61");
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
        {"gen:orders=5,post=50,reprice=51", "at most 100"},
        {"gen:orders=5,day=50,gtd=51", "at most 100"},
        {"gen:orders=5,top=2", "top is a whole number from 0 to 1"},
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
        TEST(test_post_only_orders_are_rejected_or_repriced),
        TEST(test_orders_expire_when_their_time_has_come),
        TEST(test_an_order_is_gone_from_its_time_on),
        TEST(test_self_trades_are_prevented),
        TEST(test_market_orders_stay_within_their_collar),
        TEST(test_ticks_and_lots_scale_prices_and_quantities),
        TEST(test_the_top_of_book_is_published_if_asked_for),
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
