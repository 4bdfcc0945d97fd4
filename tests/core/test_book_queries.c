/* Looking at the book: by calls, and by queries as they are typed, with rows as they are shown. */
#include "tests/core/book_rig.h"

#include <millrace/book_queries.h>
#include <millrace/common.h>
#include <millrace/text.h>

#include <stdio.h>

enum { ME = 7, OTHER = 8, ROOM = 64 << 10 };

static uint32_t enter_as(struct book_rig *rig, uint64_t session, uint64_t account, uint64_t order,
                         enum mr_book_side side, int64_t price, uint64_t quantity)
{
    rig->turn.session = session;
    uint32_t reason = book_own(rig, account, order, side, price, quantity, MR_BOOK_STP_ACCOUNT);
    rig->turn.session = 0;
    return reason;
}

/* -- By calls. --------------------------------------------------------------------------------- */

static void levels_are_found_by_price_and_listed_from_the_best(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book_level levels[8];
    book_gtc(rig, 1, SELL, 20, 5);
    book_gtc(rig, 2, SELL, -1000000, 6);
    book_gtc(rig, 3, SELL, 20, 7);
    book_gtc(rig, 4, SELL, INT64_MAX, 8);
    assert_int_equal(mr_book_depth(rig->book, INSTRUMENT, SELL, levels, 8), 3);
    static const int64_t prices[] = {-1000000, 20, INT64_MAX};
    static const uint64_t quantities[] = {6, 12, 8};
    for (uint32_t i = 0; i < 3; i++) {
        struct mr_book_level level;
        assert_int_equal(levels[i].price, prices[i]);
        assert_int_equal(levels[i].quantity, quantities[i]);
        assert_true(mr_book_level_get(rig->book, INSTRUMENT, SELL, prices[i], &level));
        assert_int_equal(level.price, prices[i]);
        assert_int_equal(level.quantity, quantities[i]);
        assert_int_equal(level.orders, i == 1 ? 2 : 1);
    }
    assert_int_equal(mr_book_depth(rig->book, INSTRUMENT, SELL, levels, 2), 2);
    assert_int_equal(mr_book_depth(rig->book, INSTRUMENT, BUY, levels, 8), 0);
    assert_int_equal(mr_book_depth(rig->book, 99, BUY, levels, 8), 0);
    assert_false(mr_book_level_get(rig->book, INSTRUMENT, SELL, 21, levels));
    assert_false(mr_book_level_get(rig->book, INSTRUMENT, BUY, 20, levels));
    assert_false(mr_book_level_get(rig->book, 99, BUY, 20, levels));
}

static void orders_at_a_price_are_listed_as_they_would_trade(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book_order orders[8];
    book_gtc(rig, 5, BUY, 20, 1);
    book_gtc(rig, 3, BUY, 20, 2);
    book_gtc(rig, 9, BUY, 20, 3);
    book_replace(rig, 5, 20, MR_BOOK_BASIS_OPEN, 10); /* to the end */
    assert_int_equal(mr_book_level_orders(rig->book, INSTRUMENT, BUY, 20, orders, 8), 3);
    assert_int_equal(orders[0].order, 3);
    assert_int_equal(orders[1].order, 9);
    assert_int_equal(orders[2].order, 5);
    assert_int_equal(orders[2].open, 10);
    assert_int_equal(mr_book_level_orders(rig->book, INSTRUMENT, BUY, 20, orders, 2), 2);
    assert_int_equal(mr_book_level_orders(rig->book, INSTRUMENT, BUY, 20, orders, 0), 0);
    assert_int_equal(mr_book_level_orders(rig->book, INSTRUMENT, SELL, 20, orders, 8), 0);
    assert_int_equal(mr_book_level_orders(rig->book, 2, BUY, 20, orders, 8), 0);
}

static void an_order_shows_all_that_it_was_entered_with(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book_order order;
    rig->turn.session = 33;
    assert_int_equal(BOOK_NEW(rig, .order = UINT64_MAX, .account = ME, .price = -7, .quantity = 9,
                              .expires_ns = 555, .instrument = INSTRUMENT, .side = SELL,
                              .tif = MR_BOOK_TIF_GTD, .post = MR_BOOK_POST_REPRICE,
                              .stp = MR_BOOK_STP_DECREMENT),
                     0);
    rig->turn.session = 0;
    book_ioc(rig, 2, BUY, -7, 4);
    assert_true(mr_book_order_get(rig->book, INSTRUMENT, UINT64_MAX, &order));
    assert_int_equal(order.order, UINT64_MAX);
    assert_int_equal(order.account, ME);
    assert_int_equal(order.price, -7);
    assert_int_equal(order.open, 5);
    assert_int_equal(order.filled, 4);
    assert_int_equal(order.expires_ns, 555);
    assert_int_equal(order.session, 33);
    assert_int_equal(order.instrument, INSTRUMENT);
    assert_int_equal(order.side, MR_BOOK_SIDE_SELL);
    assert_int_equal(order.tif, MR_BOOK_TIF_GTD);
    assert_int_equal(order.post, MR_BOOK_POST_REPRICE);
    assert_int_equal(order.stp, MR_BOOK_STP_DECREMENT);
    assert_false(mr_book_order_get(rig->book, INSTRUMENT, 2, &order));
    assert_false(mr_book_order_get(rig->book, 99, UINT64_MAX, &order));
}

static void an_instrument_shows_how_it_was_defined_and_updated(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book_instrument got;
    assert_int_equal(BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define, .symbol = "LOTS",
                                .price_min = -5, .price_max = 50, .quantity_max = 100, .lot = 10,
                                .instrument = 2, .tick = 5, .price_decimals = 2,
                                .quantity_decimals = 3, .phase = MR_BOOK_PHASE_HALTED),
                     0);
    BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_UPDATE, instrument_update, .reference = 9, .collar = 3,
               .instrument = 2, .day_end = 77, .top = MR_BOOK_SWITCH_YES);
    assert_true(mr_book_instrument_get(rig->book, 2, &got));
    assert_string_equal(got.definition.symbol, "LOTS");
    assert_int_equal(got.definition.lot, 10);
    assert_int_equal(got.definition.tick, 5);
    assert_int_equal(got.definition.phase, MR_BOOK_PHASE_HALTED);
    assert_int_equal(got.update.reference, 9);
    assert_int_equal(got.update.collar, 3);
    assert_int_equal(got.update.day_end, 77);
    assert_int_equal(got.update.top, MR_BOOK_SWITCH_YES);
    BOOK_APPLY(rig, MR_BOOK_PHASE_SET, phase_set, .instrument = 2,
               .phase = MR_BOOK_PHASE_CONTINUOUS);
    BOOK_NEW(rig, .order = 1, .price = 5, .quantity = 20, .instrument = 2);
    BOOK_NEW(rig, .order = 2, .price = 5, .quantity = 10, .instrument = 2, .side = SELL);
    assert_true(mr_book_instrument_at(rig->book, 1, &got));
    assert_int_equal(got.definition.phase, MR_BOOK_PHASE_CONTINUOUS);
    assert_int_equal(got.last_price, 5);
    assert_int_equal(got.trades, 1);
    assert_int_equal(got.orders[BUY], 1);
    assert_int_equal(got.levels[BUY], 1);
    assert_int_equal(got.orders[SELL], 0);
    assert_false(mr_book_instrument_at(rig->book, 2, &got));
    assert_false(mr_book_instrument_get(rig->book, 3, &got));
}

/* In pages of any size, the same orders come in the same order. */
static void an_accounts_orders_come_in_pages_from_the_oldest(void **state)
{
    struct book_rig *rig = *state;
    uint64_t expected[30];
    uint32_t count = 0;
    for (uint64_t order = 0; order < 40; order++) {
        uint64_t account = order % 4 == 3 ? OTHER : ME;
        assert_int_equal(enter_as(rig, 0, account, order, order % 2 == 0 ? BUY : SELL,
                                  order % 2 == 0 ? 10 : 20, 1),
                         0);
        if (account == ME)
            expected[count++] = order;
    }
    for (uint32_t limit = 1; limit <= 31; limit++) {
        struct mr_book_order orders[31];
        uint64_t cursor = 0;
        uint32_t got = 0;
        do {
            uint32_t page = mr_book_account_orders(rig->book, ME, orders, limit, &cursor);
            assert_true(page == limit || cursor == 0);
            for (uint32_t i = 0; i < page; i++)
                assert_int_equal(orders[i].order, expected[got++]);
        } while (cursor != 0);
        assert_int_equal(got, count);
    }
    struct mr_book_account account;
    assert_true(mr_book_account_get(rig->book, ME, &account));
    assert_int_equal(account.orders, count);
    assert_int_equal(account.stp, MR_BOOK_STP_ALLOW);
    uint64_t cursor = 0;
    assert_int_equal(mr_book_account_orders(rig->book, 99, NULL, 0, &cursor), 0);
    assert_false(mr_book_account_get(rig->book, 99, &account));
}

/* -- By queries. ------------------------------------------------------------------------------- */

/* A reply in text, a row a line. */
struct answer {
    uint32_t result;
    uint32_t rows;
    bool truncated;
    char text[ROOM];
};

/* What the row says of the roles is the image's to check: here it must allow both. */
static void ask_room(const struct book_rig *rig, struct mr_query as, const char *line,
                     uint32_t room, struct answer *answer)
{
    static union {
        struct mr_query header;
        unsigned char bytes[1024];
    } query;
    static uint64_t rows[ROOM / 8];
    struct mr_text_error error = {0};
    if (mr_text_query_read(&mr_logic_book, line, strlen(line), &query.header, sizeof query,
                           &error) != MR_TEXT_COMMAND)
        fail_msg("%s\ncolumn %u: %s", line, error.column, error.text);
    query.header.session = as.session;
    query.header.role = as.role;
    struct mr_inquiry inquiry = {
        .state = rig->book, .config = &rig->config, .rows = (void *)rows, .size = room};
    memset(answer, 0, sizeof *answer);
    answer->result = mr_logic_book.query(&inquiry, &query.header);
    answer->rows = inquiry.count;
    answer->truncated = inquiry.truncated;
    size_t used = 0;
    for (uint32_t at = 0; at < inquiry.used;) {
        const struct mr_row *row = (const void *)((const unsigned char *)rows + at);
        used += mr_text_row_write(&mr_logic_book, row, answer->text + used, ROOM - used);
        answer->text[used++] = '\n';
        at += row->length;
    }
}

static const struct answer *ask(const struct book_rig *rig, const char *line)
{
    static struct answer answer;
    ask_room(rig, (struct mr_query){0}, line, ROOM, &answer);
    return &answer;
}

static uint32_t ask_as_user(const struct book_rig *rig, const char *line)
{
    static struct answer answer;
    ask_room(rig, (struct mr_query){.session = 5, .role = MR_ROLE_USER}, line, ROOM, &answer);
    return answer.result;
}

static void expect(const struct book_rig *rig, const char *line, const char *text)
{
    const struct answer *answer = ask(rig, line);
    assert_int_equal(answer->result, 0);
    assert_false(answer->truncated);
    assert_string_equal(answer->text, text);
}

static void anybody_may_ask_anything_of_the_catalog(void **state)
{
    (void)state;
    const struct mr_catalog *catalog = mr_logic_book.catalog;
    const uint32_t both = MR_ROLE_BIT(MR_ROLE_USER) | MR_ROLE_BIT(MR_ROLE_OPERATOR);
    assert_true(catalog->query_count > 0);
    for (uint32_t i = 0; i < catalog->query_count; i++)
        assert_int_equal(catalog->queries[i].roles, both);
}

static void what_is_public_reads_like_this(void **state)
{
    struct book_rig *rig = *state;
    enter_as(rig, 4, ME, 1, BUY, 10, 5);
    enter_as(rig, 4, ME, 2, BUY, 10, 6);
    enter_as(rig, 4, ME, 3, BUY, 9, 7);
    enter_as(rig, 4, OTHER, 4, SELL, 12, 8);
    expect(rig, "?book_totals", "book_totals trades=0 instruments=1 orders=4 levels=3 groups=3\n");
    expect(rig, "?book_best instrument=1",
           "book_best bid_price=10 bid_quantity=11 ask_price=12 ask_quantity=8 instrument=1\n");
    expect(rig, "?book_depth instrument=1",
           "book_level price=10 quantity=11 orders=2 side=buy\nbook_level price=9 quantity=7 "
           "orders=1 side=buy\n"
           "book_level price=12 quantity=8 orders=1 side=sell\n");
    expect(rig, "?book_depth instrument=1 levels=1 side=buy",
           "book_level price=10 quantity=11 orders=2 side=buy\n");
    expect(rig, "?book_depth instrument=1 side=sell",
           "book_level price=12 quantity=8 orders=1 side=sell\n");
    expect(rig, "?book_level price=9 instrument=1 side=buy",
           "book_level price=9 quantity=7 orders=1 side=buy\n");
    expect(rig, "?book_level price=8 instrument=1 side=buy", "");
    expect(rig, "?book_level_orders price=10 instrument=1 side=buy",
           "book_queued order=1 open=5\nbook_queued order=2 open=6\n");
    expect(rig, "?book_level_orders price=10 after=1 instrument=1 side=buy follow=yes",
           "book_queued order=2 open=6\n");
    expect(rig, "?book_level_orders price=8 instrument=1 side=buy", "");
}

static void instruments_read_like_this(void **state)
{
    struct book_rig *rig = *state;
    BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define, .symbol = "LOTS", .price_min = -5,
               .price_max = 50, .quantity_max = 100, .lot = 10, .instrument = 9, .tick = 5,
               .price_decimals = 2, .quantity_decimals = 3);
    BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_UPDATE, instrument_update, .reference = 9, .collar = 3,
               .instrument = 9, .day_end = 77);
    const char *second =
        "book_instrument symbol=LOTS price_min=-5 price_max=50 quantity_max=100 lot=10 "
        "reference=9 collar=3 last_price=0 trades=0 instrument=9 place=2 tick=5 day_end=77 "
        "buy_orders=0 sell_orders=0 buy_levels=0 sell_levels=0 tick_table=0 price_decimals=2 "
        "quantity_decimals=3 phase=continuous top=no\n";
    expect(rig, "?book_instrument instrument=9", second);
    expect(rig, "?book_instruments after=1", second);
    expect(rig, "?book_instruments after=2", "");
    expect(rig, "?book_instruments after=18446744073709551615", "");
    assert_int_equal(ask(rig, "?book_instruments")->rows, 2);
}

static void what_is_private_reads_like_this(void **state)
{
    struct book_rig *rig = *state;
    enter_as(rig, 4, ME, 1, BUY, 10, 5);
    enter_as(rig, 0, ME, 2, SELL, 12, 6);
    BOOK_APPLY(rig, MR_BOOK_ACCOUNT_DEFINE, account_define, .account = ME,
               .stp = MR_BOOK_STP_CANCEL_OLDEST);
    const char *first = "book_order order=1 account=7 price=10 open=5 filled=0 expires_ns=0 "
                        "of_session=4 instrument=1 side=buy tif=gtc post=no stp=allow\n";
    const char *both = "book_order order=1 account=7 price=10 open=5 filled=0 expires_ns=0 "
                       "of_session=4 instrument=1 side=buy tif=gtc post=no stp=allow\n"
                       "book_order order=2 account=7 price=12 open=6 filled=0 expires_ns=0 "
                       "of_session=0 instrument=1 side=sell tif=gtc post=no stp=allow\n";
    expect(rig, "?book_order order=1 instrument=1", first);
    expect(rig, "?book_account_orders account=7", both);
    expect(rig, "?book_account_orders account=7 after=1 after_instrument=1 follow=yes",
           strchr(both, '\n') + 1);
    expect(rig, "?book_account_orders account=7 after=2 after_instrument=1 follow=yes", "");
    expect(rig, "?book_account_orders account=99", "");
    expect(rig, "?book_account account=7",
           "book_account account=7 orders=2 stp=cancel_oldest blocked=no\n");
    BOOK_APPLY(rig, MR_BOOK_ACCOUNT_BLOCK, account_block, .account = ME);
    expect(rig, "?book_account account=7",
           "book_account account=7 orders=0 stp=cancel_oldest blocked=yes\n");
}

static void a_user_sees_orders_of_the_account_that_it_names(void **state)
{
    struct book_rig *rig = *state;
    enter_as(rig, 5, ME, 1, BUY, 10, 5);
    enter_as(rig, 5, 0, 2, BUY, 10, 5);
    assert_int_equal(ask_as_user(rig, "?book_order order=1 instrument=1"), MR_BOOK_NOT_OWNER);
    assert_int_equal(ask_as_user(rig, "?book_order order=1 account=8 instrument=1"),
                     MR_BOOK_NOT_OWNER);
    assert_int_equal(ask_as_user(rig, "?book_order order=1 account=7 instrument=1"), 0);
    assert_int_equal(ask_as_user(rig, "?book_order order=2 instrument=1"), 0);
    assert_int_equal(ask_as_user(rig, "?book_account_orders account=7"), 0);
}

static void a_question_that_names_what_is_not_there_is_refused(void **state)
{
    static const struct {
        const char *line;
        uint32_t reason;
    } cases[] = {
        {"?book_instrument instrument=3", MR_BOOK_UNKNOWN_INSTRUMENT},
        {"?book_best instrument=3", MR_BOOK_UNKNOWN_INSTRUMENT},
        {"?book_depth instrument=3", MR_BOOK_UNKNOWN_INSTRUMENT},
        {"?book_level price=1 instrument=3 side=buy", MR_BOOK_UNKNOWN_INSTRUMENT},
        {"?book_level_orders price=10 after=9 instrument=1 side=buy follow=yes",
         MR_BOOK_UNKNOWN_ORDER},
        {"?book_level_orders price=11 after=1 instrument=1 side=buy follow=yes",
         MR_BOOK_UNKNOWN_ORDER},
        {"?book_level_orders price=10 after=1 instrument=1 side=sell follow=yes",
         MR_BOOK_UNKNOWN_ORDER},
        {"?book_level_orders price=11 after=2 instrument=1 side=sell follow=yes",
         MR_BOOK_UNKNOWN_ORDER},
        {"?book_order order=1 instrument=3", MR_BOOK_UNKNOWN_INSTRUMENT},
        {"?book_order order=9 instrument=1", MR_BOOK_UNKNOWN_ORDER},
        {"?book_account account=0", MR_BOOK_BAD_ACCOUNT},
        {"?book_account account=9", MR_REASON_NOT_FOUND},
        {"?book_account_orders account=0", MR_BOOK_BAD_ACCOUNT},
        {"?book_account_orders account=7 after=9 after_instrument=1 follow=yes",
         MR_BOOK_UNKNOWN_ORDER},
        {"?book_account_orders account=7 after=1 after_instrument=3 follow=yes",
         MR_BOOK_UNKNOWN_ORDER},
        {"?book_account_orders account=8 after=1 after_instrument=1 follow=yes",
         MR_BOOK_UNKNOWN_ORDER},
    };
    struct book_rig *rig = *state;
    enter_as(rig, 0, ME, 1, BUY, 10, 5);
    enter_as(rig, 0, ME, 2, BUY, -12, 5); /* whose key is that of a seller's 11 */
    enter_as(rig, 0, ME, 3, SELL, 11, 5);
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct answer *answer = ask(rig, cases[i].line);
        if (answer->result != cases[i].reason)
            fail_msg("%s: %u", cases[i].line, answer->result);
        assert_int_equal(answer->rows, 0);
    }
}

/* What cannot be typed, but sent. */
static uint32_t ask_body(const struct book_rig *rig, uint16_t type, const void *body, size_t size)
{
    struct {
        struct mr_query header;
        unsigned char body[64];
    } query = {.header = {.type = type}};
    memcpy(query.body, body, size);
    struct mr_inquiry inquiry = {.state = rig->book, .config = &rig->config};
    return mr_logic_book.query(&inquiry, &query.header);
}

#define ASK_BODY(rig, type, tag, ...) \
    ask_body(rig, type, &(struct tag){.instrument = 1, __VA_ARGS__}, sizeof(struct tag))

static void values_that_are_none_are_refused(void **state)
{
    struct book_rig *rig = *state;
    enter_as(rig, 0, ME, 1, BUY, 10, 5);
    assert_int_equal(ASK_BODY(rig, MR_BOOK_QUERY_DEPTH, mr_book_query_depth, .side = 3),
                     MR_BOOK_BAD_SIDE);
    assert_int_equal(ASK_BODY(rig, MR_BOOK_QUERY_LEVEL, mr_book_query_level, .side = 2),
                     MR_BOOK_BAD_SIDE);
    assert_int_equal(
        ASK_BODY(rig, MR_BOOK_QUERY_LEVEL_ORDERS, mr_book_query_level_orders, .side = 255),
        MR_BOOK_BAD_SIDE);
    assert_int_equal(
        ASK_BODY(rig, MR_BOOK_QUERY_LEVEL_ORDERS, mr_book_query_level_orders, .follow = 2),
        MR_BOOK_BAD_SWITCH);
    const struct mr_book_query_account_orders orders = {.account = ME, .follow = 2};
    assert_int_equal(ask_body(rig, MR_BOOK_QUERY_ACCOUNT_ORDERS, &orders, sizeof orders),
                     MR_BOOK_BAD_SWITCH);
}

/* -- Pages. ------------------------------------------------------------------------------------ */

enum { MANY = 250 };

static void open_many(struct book_rig *rig)
{
    struct mr_book_config config = book_config();
    config.levels_max = MANY + 10;
    config.instruments_max = MANY;
    book_open(rig, &config);
    for (uint32_t i = 1; i <= MANY; i++)
        assert_int_equal(book_define(rig, i, 0, 10000, 100), 0);
    for (uint64_t order = 0; order < MANY; order++) {
        assert_int_equal(book_own(rig, ME, order, SELL, 5000, 1, MR_BOOK_STP_ALLOW), 0);
        assert_int_equal(book_gtc(rig, 1000 + order, BUY, (int64_t)order, 1), 0);
    }
}

/* The number that a row has in a field of that name. */
static uint64_t number_in(const char *row, const char *field)
{
    const char *at = strstr(row, field);
    assert_non_null(at);
    return strtoull(at + strlen(field), NULL, 10);
}

/* Asks for page after page, each behind the last row of the one before: every row comes once. */
static void expect_pages(const struct book_rig *rig, const char *first, const char *next,
                         const char *field, uint64_t from)
{
    char line[256];
    uint64_t expected = from;
    uint32_t pages = 0;
    const struct answer *answer = ask(rig, first);
    for (;; pages++) {
        assert_int_equal(answer->result, 0);
        assert_true(answer->rows <= MR_BOOK_REPLY_ROWS_MAX);
        const char *row = answer->text;
        for (uint32_t i = 0; i < answer->rows; i++, row = strchr(row, '\n') + 1)
            assert_int_equal(number_in(row, field), expected++);
        if (!answer->truncated)
            break;
        snprintf(line, sizeof line, "%s after=%llu%s", first, (unsigned long long)(expected - 1),
                 next);
        answer = ask(rig, line);
    }
    assert_int_equal(expected, from + MANY);
    assert_int_equal(pages, 2);
}

static void long_lists_come_in_pages(void **state)
{
    struct book_rig rig;
    (void)state;
    open_many(&rig);
    expect_pages(&rig, "?book_instruments", "", " place=", 1);
    expect_pages(&rig, "?book_account_orders account=7", " after_instrument=1 follow=yes",
                 " order=", 0);
    expect_pages(&rig, "?book_level_orders price=5000 instrument=1 side=sell", " follow=yes",
                 " order=", 0);
    const struct answer *answer = ask(&rig, "?book_depth instrument=1 levels=100 side=buy");
    assert_int_equal(answer->rows, 100);
    assert_false(answer->truncated);
    answer = ask(&rig, "?book_depth instrument=1 levels=101 side=buy");
    assert_int_equal(answer->rows, 100);
    assert_true(answer->truncated);
    assert_int_equal(ask(&rig, "?book_depth instrument=1")->rows, MR_BOOK_DEPTH_DEFAULT + 1);
    book_close(&rig);
}

/* Whatever the room, what fits is shown, and the rest is said to be missing. */
static void a_reply_without_room_says_so(void **state)
{
    static const char *const lines[] = {"?book_totals",
                                        "?book_instrument instrument=1",
                                        "?book_instruments",
                                        "?book_best instrument=1",
                                        "?book_depth instrument=1",
                                        "?book_level price=5000 instrument=1 side=sell",
                                        "?book_level_orders price=5000 instrument=1 side=sell",
                                        "?book_order order=1 instrument=1",
                                        "?book_account account=7",
                                        "?book_account_orders account=7"};
    static struct answer whole, part;
    struct book_rig rig;
    (void)state;
    open_many(&rig);
    for (uint32_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        ask_room(&rig, (struct mr_query){0}, lines[i], ROOM, &whole);
        for (uint32_t room = 0; room < 600; room += 8) {
            ask_room(&rig, (struct mr_query){0}, lines[i], room, &part);
            assert_int_equal(part.result, 0);
            assert_true(part.truncated || part.rows == whole.rows);
            assert_int_equal(strncmp(whole.text, part.text, strlen(part.text)), 0);
        }
    }
    book_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(levels_are_found_by_price_and_listed_from_the_best),
        SCENARIO(orders_at_a_price_are_listed_as_they_would_trade),
        SCENARIO(an_order_shows_all_that_it_was_entered_with),
        SCENARIO(an_instrument_shows_how_it_was_defined_and_updated),
        SCENARIO(an_accounts_orders_come_in_pages_from_the_oldest),
        cmocka_unit_test(anybody_may_ask_anything_of_the_catalog),
        SCENARIO(what_is_public_reads_like_this),
        SCENARIO(instruments_read_like_this),
        SCENARIO(what_is_private_reads_like_this),
        SCENARIO(a_user_sees_orders_of_the_account_that_it_names),
        SCENARIO(a_question_that_names_what_is_not_there_is_refused),
        SCENARIO(values_that_are_none_are_refused),
        cmocka_unit_test(long_lists_come_in_pages),
        cmocka_unit_test(a_reply_without_room_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
