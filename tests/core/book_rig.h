/*
 * The book alone (<millrace/book.h>), one call for each request, and what came of it, report by
 * report. Rejects are compared to the byte: whoever expects one has the state before and after.
 */
#ifndef MR_TESTS_CORE_BOOK_RIG_H
#define MR_TESTS_CORE_BOOK_RIG_H

#include "tests/core/book_bytes.h"

#include <millrace/book.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { INSTRUMENT = 1 };
#define BUY  MR_BOOK_SIDE_BUY
#define SELL MR_BOOK_SIDE_SELL

struct book_rig {
    struct mr_book_config config;
    struct mr_book *book;
    struct mr_book *before; /* a copy, from before the last request that must be rejected */
    size_t size;            /* bytes of it */
    struct mr_book_turn turn;
    uint64_t seen;  /* reports that were looked at */
    uint32_t calls; /* that the last request took */
    union mr_book_request request;
};

/* As much of everything as most scenarios need, so that comparing the state is quick. */
static inline struct mr_book_config book_config(void)
{
    struct mr_book_config config;
    mr_logic_book.config_default(&config);
    config.instruments_max = 8;
    config.orders_max = 600;
    config.levels_max = 60;
    config.fills_max = 300;
    config.groups_max = 60;
    config.tick_tables_max = 4;
    return config;
}

static inline void *book_memory(size_t size)
{
    size_t rounded = (size + 4095) & ~(size_t)4095;
    void *memory = aligned_alloc(4096, rounded);
    assert_non_null(memory);
    memset(memory, 0, rounded);
    return memory;
}

/* Room for the reports of that many calls of one request. */
static inline void book_open_calls(struct book_rig *rig, const struct mr_book_config *config,
                                   uint32_t calls)
{
    memset(rig, 0, sizeof *rig);
    rig->config = *config;
    rig->size = mr_logic_book.state_size(config);
    assert_true(rig->size > 0);
    rig->book = book_memory(rig->size);
    rig->before = book_memory(rig->size);
    mr_logic_book.init(rig->book, &rig->config);
    size_t reports = (size_t)mr_book_reports_max(config) * calls;
    rig->turn.reports = book_memory(reports * sizeof(union mr_book_report));
    rig->turn.mask = UINT64_MAX;
}

static inline void book_open(struct book_rig *rig, const struct mr_book_config *config)
{
    book_open_calls(rig, config, 4);
}

static inline void book_check(const struct book_rig *rig)
{
    assert_true(mr_logic_book.check(rig->book, &rig->config));
}

static inline void book_close(struct book_rig *rig)
{
    book_check(rig);
    free(rig->book);
    free(rig->before);
    free(rig->turn.reports);
}

/* -- Requests. --------------------------------------------------------------------------------- */

/* Applies rig->request, in as many calls as it takes; the reason. */
static inline uint32_t book_apply(struct book_rig *rig)
{
    uint32_t reason;
    rig->turn.next = 0;
    rig->seen = 0;
    rig->calls = 0;
    do {
        uint64_t before = rig->turn.next;
        reason = mr_book_apply(rig->book, &rig->request, &rig->turn);
        assert_true(rig->turn.next - before <= mr_book_reports_max(&rig->config));
        rig->calls++;
    } while (rig->turn.again);
    return reason;
}

/* BOOK_APPLY(rig, MR_BOOK_ORDER_NEW, order_new, .order = 1, ...): applies a request with that
 * member of union mr_book_request; the reason. */
#define BOOK_APPLY(rig, kind, view, ...)                           \
    ((rig)->request = (union mr_book_request){.any = {.type = 0}}, \
     (rig)->request.view = (struct mr_book_##view){__VA_ARGS__}, book_typed(rig, kind))

static inline uint32_t book_typed(struct book_rig *rig, enum mr_book_command type)
{
    rig->request.any.type = (uint8_t)type;
    return book_apply(rig);
}

#define BOOK_NEW(rig, ...) BOOK_APPLY(rig, MR_BOOK_ORDER_NEW, order_new, __VA_ARGS__)

static inline uint32_t book_define(struct book_rig *rig, uint32_t instrument, int64_t price_min,
                                   int64_t price_max, uint64_t quantity_max)
{
    return BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define, .symbol = "TEST",
                      .instrument = instrument, .price_min = price_min, .price_max = price_max,
                      .quantity_max = quantity_max);
}

/* An order of nobody's in instrument 1. */
static inline uint32_t book_enter(struct book_rig *rig, enum mr_book_kind kind,
                                  enum mr_book_tif tif, uint64_t order, enum mr_book_side side,
                                  int64_t price, uint64_t quantity)
{
    return BOOK_NEW(rig, .order = order, .price = price, .quantity = quantity,
                    .instrument = INSTRUMENT, .side = (uint8_t)side, .kind = (uint8_t)kind,
                    .tif = (uint8_t)tif);
}

static inline uint32_t book_gtc(struct book_rig *rig, uint64_t order, enum mr_book_side side,
                                int64_t price, uint64_t quantity)
{
    return book_enter(rig, MR_BOOK_KIND_LIMIT, MR_BOOK_TIF_GTC, order, side, price, quantity);
}

static inline uint32_t book_ioc(struct book_rig *rig, uint64_t order, enum mr_book_side side,
                                int64_t price, uint64_t quantity)
{
    return book_enter(rig, MR_BOOK_KIND_LIMIT, MR_BOOK_TIF_IOC, order, side, price, quantity);
}

static inline uint32_t book_fok(struct book_rig *rig, uint64_t order, enum mr_book_side side,
                                int64_t price, uint64_t quantity)
{
    return book_enter(rig, MR_BOOK_KIND_LIMIT, MR_BOOK_TIF_FOK, order, side, price, quantity);
}

static inline uint32_t book_market(struct book_rig *rig, enum mr_book_tif tif, uint64_t order,
                                   enum mr_book_side side, uint64_t quantity)
{
    return book_enter(rig, MR_BOOK_KIND_MARKET, tif, order, side, 0, quantity);
}

/* An account's order. */
static inline uint32_t book_own(struct book_rig *rig, uint64_t account, uint64_t order,
                                enum mr_book_side side, int64_t price, uint64_t quantity,
                                enum mr_book_stp stp)
{
    return BOOK_NEW(rig, .order = order, .account = account, .price = price, .quantity = quantity,
                    .instrument = INSTRUMENT, .side = (uint8_t)side, .stp = (uint8_t)stp);
}

static inline uint32_t book_cancel(struct book_rig *rig, uint64_t order)
{
    return BOOK_APPLY(rig, MR_BOOK_ORDER_CANCEL, order_cancel, .order = order,
                      .instrument = INSTRUMENT);
}

static inline uint32_t book_replace(struct book_rig *rig, uint64_t order, int64_t price,
                                    enum mr_book_basis basis, uint64_t quantity)
{
    return BOOK_APPLY(rig, MR_BOOK_ORDER_REPLACE, order_replace, .order = order, .price = price,
                      .quantity = quantity, .instrument = INSTRUMENT, .basis = (uint8_t)basis);
}

/* As the user of a session says it. */
static inline void book_as(struct book_rig *rig, enum mr_role role, uint64_t session)
{
    rig->turn.role = (uint8_t)role;
    rig->turn.session = session;
}

/* Lets time come, and expires what is due, call by call. */
static inline void book_time(struct book_rig *rig, uint64_t time_ns)
{
    rig->turn.time_ns = time_ns;
    rig->turn.next = 0;
    rig->seen = 0;
    rig->calls = 0;
    do {
        mr_book_expire(rig->book, &rig->turn);
        rig->calls++;
    } while (rig->turn.again);
}

/* -- What came of the last request, report by report. ------------------------------------------ */

static inline const union mr_book_report *book_next(struct book_rig *rig, enum mr_book_event type)
{
    assert_true(rig->seen < rig->turn.next);
    const union mr_book_report *report = &rig->turn.reports[rig->seen++ & rig->turn.mask];
    assert_int_equal(report->any.type, type);
    return report;
}

static inline void book_no_more(const struct book_rig *rig)
{
    assert_int_equal(rig->turn.next - rig->seen, 0);
}

static inline void book_next_accepted(struct book_rig *rig, uint64_t order)
{
    assert_int_equal(book_next(rig, MR_BOOK_ORDER_ACCEPTED)->accepted.order, order);
}

static inline void book_next_trade(struct book_rig *rig, uint64_t maker, uint64_t taker,
                                   int64_t price, uint64_t quantity)
{
    const struct mr_book_trade *trade = &book_next(rig, MR_BOOK_TRADE)->trade;
    assert_int_equal(trade->maker, maker);
    assert_int_equal(trade->taker, taker);
    assert_int_equal(trade->price, price);
    assert_int_equal(trade->quantity, quantity);
}

static inline void book_next_cancelled(struct book_rig *rig, uint64_t order,
                                       enum mr_book_cancel cause, uint64_t remaining)
{
    const struct mr_book_order_cancelled *cancelled =
        &book_next(rig, MR_BOOK_ORDER_CANCELLED)->cancelled;
    assert_int_equal(cancelled->order, order);
    assert_int_equal(cancelled->cause, cause);
    assert_int_equal(cancelled->remaining, remaining);
}

static inline void book_next_reduced(struct book_rig *rig, uint64_t order, uint64_t other,
                                     uint64_t quantity, uint64_t remaining)
{
    const struct mr_book_order_reduced *reduced = &book_next(rig, MR_BOOK_ORDER_REDUCED)->reduced;
    assert_int_equal(reduced->order, order);
    assert_int_equal(reduced->other, other);
    assert_int_equal(reduced->quantity, quantity);
    assert_int_equal(reduced->remaining, remaining);
}

static inline void book_next_replaced(struct book_rig *rig, uint64_t order, int64_t price,
                                      uint64_t open, enum mr_book_place place)
{
    const struct mr_book_order_replaced *replaced =
        &book_next(rig, MR_BOOK_ORDER_REPLACED)->replaced;
    assert_int_equal(replaced->order, order);
    assert_int_equal(replaced->price, price);
    assert_int_equal(replaced->quantity, open);
    assert_int_equal(replaced->place, place);
}

/* The request was rejected as an order's, said so once, and changed nothing. */
static inline void book_only_rejected(struct book_rig *rig, uint64_t order, uint32_t reason)
{
    const struct mr_book_order_rejected *rejected =
        &book_next(rig, MR_BOOK_ORDER_REJECTED)->rejected;
    assert_int_equal(rejected->order, order);
    assert_int_equal(rejected->reason, reason);
    book_no_more(rig);
}

/* Applies rig->request, which must be rejected with `reason`, and change nothing. */
static inline void book_must_reject(struct book_rig *rig, uint32_t reason)
{
    memcpy(rig->before, rig->book, rig->size);
    uint32_t got = book_apply(rig);
    if (got != reason)
        fail_msg("rejected with %s, not with %s",
                 mr_catalog_reason_name(mr_logic_book.catalog, got),
                 mr_catalog_reason_name(mr_logic_book.catalog, reason));
    assert_int_equal(rig->turn.next, 1);
    assert_true(book_same_bytes(rig->before, rig->book, rig->size));
    const union mr_book_report *report = &rig->turn.reports[0];
    if (report->any.type == MR_BOOK_ORDER_REJECTED)
        assert_int_equal(report->rejected.reason, reason);
    else
        assert_int_equal(book_next(rig, MR_BOOK_SETUP_REJECTED)->setup_rejected.reason, reason);
}

/* The request that `call` makes is rejected, says so once, and changes nothing; made twice. */
#define BOOK_REJECTS(rig, call, expected)        \
    do {                                         \
        uint32_t reason_ = call;                 \
        if (reason_ != (expected))               \
            assert_int_equal(reason_, expected); \
        book_must_reject(rig, expected);         \
    } while (0)

/* -- What the book holds. ---------------------------------------------------------------------- */

/* What the touch and its first level look like; orders 0: the side is empty. */
static inline void book_touch(const struct book_rig *rig, enum mr_book_side side, int64_t price,
                              uint64_t quantity, uint32_t orders)
{
    struct mr_book_level level = {0};
    struct mr_book_order listed[16];
    int64_t best = 0;
    uint32_t count = mr_book_depth(rig->book, INSTRUMENT, side, &level, 1);
    assert_int_equal(count, orders > 0);
    assert_int_equal(mr_book_best(rig->book, INSTRUMENT, side, &best), orders > 0);
    if (orders > 0) {
        assert_int_equal(best, price);
        assert_int_equal(level.price, price);
        assert_int_equal(level.quantity, quantity);
        assert_int_equal(mr_book_level_orders(rig->book, INSTRUMENT, side, price, listed, 16),
                         orders);
    }
}

/* Instrument 1 between INT64_MIN and INT64_MAX, any quantity: `state` of most scenarios. */
static inline int book_open_plain(void **state)
{
    static struct book_rig rig;
    struct mr_book_config config = book_config();
    book_open(&rig, &config);
    *state = &rig;
    return book_define(&rig, INSTRUMENT, INT64_MIN, INT64_MAX, UINT64_MAX) == 0 ? 0 : -1;
}

static inline int book_close_plain(void **state)
{
    book_close(*state);
    return 0;
}

#define SCENARIO(name) cmocka_unit_test_setup_teardown(name, book_open_plain, book_close_plain)

#endif
