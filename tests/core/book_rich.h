/*
 * A book that has some of everything, and what breaks it: one field at a time, which is found, and
 * mended.
 */
#ifndef MR_TESTS_CORE_BOOK_RICH_H
#define MR_TESTS_CORE_BOOK_RICH_H

#include "tests/core/book_rig.h"

#include "base/random.h"
#include "core/book/controls.h"
#include "core/book/instruments.h"
#include "core/book/orders.h"

enum {
    PLAIN = 1,
    TICKS,
    LOTS,
    HALTED,
    TABLE = 3,
    ME = 7,
    BLOCKED = 8,
    KEPT = 9,
    DEFINED = 10,
    NOW = 1000
};

/* -- A book with some of everything. ----------------------------------------------------------- */

static inline void define_all(struct book_rig *rig)
{
    for (int64_t from = 0; from < 30; from += 10)
        BOOK_APPLY(rig, MR_BOOK_TICK_BAND_ADD, tick_band_add, .from = from,
                   .tick = (uint32_t)from / 10 + 1, .tick_table = TABLE);
    BOOK_APPLY(rig, MR_BOOK_TICK_BAND_ADD, tick_band_add, .from = 5, .tick = 5, .tick_table = 1);
    book_define(rig, PLAIN, INT64_MIN, INT64_MAX, 1000);
    BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define, .symbol = "TICKS",
               .price_max = 6000, .quantity_max = 1000, .instrument = TICKS, .tick_table = TABLE);
    BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define, .symbol = "LOTS",
               .price_max = 6000, .quantity_max = 1000, .lot = 10, .instrument = LOTS, .tick = 5);
    BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define, .symbol = "HALTED",
               .price_max = 1000, .quantity_max = 1000, .instrument = HALTED,
               .phase = MR_BOOK_PHASE_HALTED);
    for (uint32_t instrument = PLAIN; instrument <= TICKS; instrument++)
        BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_UPDATE, instrument_update, .reference = 50,
                   .collar = 100, .instrument = instrument, .day_end = 3600,
                   .top = MR_BOOK_SWITCH_YES);
    BOOK_APPLY(rig, MR_BOOK_ACCOUNT_DEFINE, account_define, .account = KEPT,
               .stp = MR_BOOK_STP_DECREMENT);
    BOOK_APPLY(rig, MR_BOOK_ACCOUNT_DEFINE, account_define, .account = DEFINED,
               .stp = MR_BOOK_STP_ALLOW);
    BOOK_APPLY(rig, MR_BOOK_ACCOUNT_BLOCK, account_block, .account = BLOCKED);
}

static inline void trade_some(struct book_rig *rig, struct mr_random *random)
{
    static const uint8_t tifs[] = {MR_BOOK_TIF_GTC, MR_BOOK_TIF_GTC, MR_BOOK_TIF_DAY,
                                   MR_BOOK_TIF_GTD};
    uint64_t order = mr_random_below(random, 300);
    uint32_t instrument = PLAIN + (uint32_t)mr_random_below(random, 3);
    uint8_t tif = tifs[mr_random_below(random, 4)];
    int64_t distance = (int64_t)mr_random_below(random, 60) * 30;
    uint8_t side = mr_random_chance(random, 1, 2) ? BUY : SELL;
    rig->turn.session = mr_random_below(random, 4);
    if (mr_random_chance(random, 1, 4))
        BOOK_APPLY(rig, MR_BOOK_ORDER_CANCEL, order_cancel, .order = order,
                   .instrument = instrument);
    else
        BOOK_NEW(rig, .order = order, .account = ME * mr_random_below(random, 2),
                 .price = side == BUY ? 3000 - distance : 2880 + distance,
                 .quantity = 10 + 10 * mr_random_below(random, 9),
                 .expires_ns = tif == MR_BOOK_TIF_GTD ? NOW + 1 + (uint64_t)distance : 0,
                 .instrument = instrument, .side = side, .tif = tif,
                 .post = order % 3 == 0 ? MR_BOOK_POST_REPRICE : MR_BOOK_POST_NO);
}

/* More pages than are kept for orders that come back, so that some are free. */
static inline void leave_pages(struct book_rig *rig)
{
    for (uint64_t order = 0; order < BOOK_IDLE_LEAVES + 20; order++)
        assert_int_equal(book_gtc(rig, order, BUY, -100000 - 64 * (int64_t)order, 1), 0);
    for (uint64_t order = 0; order < BOOK_IDLE_LEAVES + 20; order++)
        assert_int_equal(book_cancel(rig, order), 0);
}

/* Also in the middle of bringing ids over to a table of another size. */
static inline bool is_rich(const struct mr_book *book)
{
    return book->ids.old_bits != 0 && book->order_pool.free != 0 && book->leaf_pool.free != 0 &&
           book->group_pool.free != 0;
}

static inline void open_rich(struct book_rig *rig)
{
    struct mr_book_config config = book_config();
    struct mr_random random;
    config.levels_max = 600;
    book_open(rig, &config);
    rig->turn.time_ns = NOW;
    define_all(rig);
    leave_pages(rig);
    mr_random_init(&random, 42);
    for (uint32_t i = 0; i < 1000 || !is_rich(rig->book); i++)
        trade_some(rig, &random);
    rig->turn.session = 0;
    book_check(rig);
}

static inline int open_state(void **state)
{
    static struct book_rig rig;
    open_rich(&rig);
    *state = &rig;
    return 0;
}

/* Breaks one thing, sees it found, and mends it. */
#define FOUND(lvalue, wrong)                                                      \
    do {                                                                          \
        __typeof__(lvalue) right_ = lvalue;                                       \
        lvalue = wrong;                                                           \
        assert_true(lvalue != right_);                                            \
        if (mr_logic_book.check(rig->book, &rig->config))                         \
            fail_msg("line %d: %s = %s is not found", __LINE__, #lvalue, #wrong); \
        lvalue = right_;                                                          \
        book_check(rig);                                                          \
    } while (0)

static inline struct book_side *side_of(const struct book_rig *rig, uint32_t instrument,
                                        uint32_t side)
{
    return &book_instrument(rig->book, instrument - 1)->sides[side];
}

static inline struct book_order *best_order(const struct book_rig *rig, uint32_t instrument)
{
    const struct mr_book *book = rig->book;
    uint32_t level = book_best_level(side_of(rig, instrument, BUY));
    return book_order(book, book_link(book, level)->next);
}

#define BROKEN(name) cmocka_unit_test_setup_teardown(name, open_state, book_close_plain)

#endif
