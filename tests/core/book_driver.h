/*
 * Drives the book without an image: state, outbox and context, and one call for each command.
 */
#ifndef MR_TESTS_CORE_BOOK_DRIVER_H
#define MR_TESTS_CORE_BOOK_DRIVER_H

#include <millrace/book.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A command with room for the largest body. */
struct book_command {
    struct mr_command header;
    union {
        struct mr_book_instrument_define define;
        struct mr_book_order_new new_order;
        struct mr_book_order_cancel cancel;
        struct mr_book_order_replace replace;
    } body;
};

struct book_driver {
    struct mr_book_config config;
    struct mr_book *book;
    size_t book_size;
    struct mr_outbox outbox;
    struct mr_context context;
    uint64_t next_sequence;
    const struct mr_event *cursor; /* for book_next */
    uint32_t events_left;
};

static inline struct mr_book_config book_config_small(void)
{
    struct mr_book_config config;
    mr_logic_book.config_default(&config);
    config.instruments_max = 8;
    config.orders_max = 10000;
    config.levels_max = 1000;
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

static inline void book_open(struct book_driver *driver, const struct mr_book_config *config)
{
    *driver = (struct book_driver){.config = *config, .next_sequence = 1};
    driver->book_size = mr_logic_book.state_size(config);
    assert_true(driver->book_size > 0);
    driver->book = book_memory(driver->book_size);
    mr_logic_book.init(driver->book, &driver->config);
    uint32_t size = mr_logic_book.turn_events_max(&driver->config) * mr_logic_book.event_size_max;
    driver->outbox = (struct mr_outbox){.bytes = malloc(size), .size = size};
    assert_non_null(driver->outbox.bytes);
    driver->context = (struct mr_context){
        .state = driver->book, .config = &driver->config, .outbox = &driver->outbox};
}

static inline void book_close(struct book_driver *driver)
{
    free(driver->book);
    free(driver->outbox.bytes);
}

/* Applies a command whose type and body are filled in; returns the reason. */
static inline uint32_t book_apply(struct book_driver *driver, struct book_command *command)
{
    const struct mr_message *message =
        &mr_logic_book.catalog->commands[command->header.type - MR_CATALOG_LOGIC_FIRST];
    command->header.length = MR_COMMAND_HEADER + message->size;
    command->header.sequence = driver->next_sequence++;
    command->header.time_ns = command->header.sequence * 1000;
    command->header.correlation = command->header.sequence * 7;
    driver->outbox.used = 0;
    driver->outbox.count = 0;
    driver->context.time_ns = command->header.time_ns;
    driver->context.sequence = command->header.sequence;
    driver->context.correlation = command->header.correlation;
    uint32_t reason = mr_logic_book.apply(&driver->context, &command->header);
    driver->cursor = (const void *)driver->outbox.bytes;
    driver->events_left = driver->outbox.count;
    return reason;
}

/* -- Short forms; instrument 1 unless said. ---------------------------------------------------- */

enum { INSTRUMENT = 1 };
#define BUY  MR_BOOK_SIDE_BUY
#define SELL MR_BOOK_SIDE_SELL

static inline uint32_t book_define(struct book_driver *driver, uint32_t instrument,
                                   int64_t price_min, int64_t price_max, uint64_t quantity_max)
{
    struct book_command command = {
        .header = {.type = MR_BOOK_INSTRUMENT_DEFINE},
        .body.define = {.symbol = "TEST",
                        .instrument = instrument,
                        .price_min = price_min,
                        .price_max = price_max,
                        .quantity_max = quantity_max},
    };
    return book_apply(driver, &command);
}

static inline uint32_t book_enter(struct book_driver *driver, enum mr_book_kind kind,
                                  enum mr_book_tif tif, uint64_t order, enum mr_book_side side,
                                  int64_t price, uint64_t quantity)
{
    struct book_command command = {
        .header = {.type = MR_BOOK_ORDER_NEW},
        .body.new_order = {.order = order,
                           .account = order + 1000,
                           .price = price,
                           .quantity = quantity,
                           .instrument = INSTRUMENT,
                           .side = (uint8_t)side,
                           .kind = (uint8_t)kind,
                           .tif = (uint8_t)tif},
    };
    return book_apply(driver, &command);
}

static inline uint32_t book_gtc(struct book_driver *driver, uint64_t order, enum mr_book_side side,
                                int64_t price, uint64_t quantity)
{
    return book_enter(driver, MR_BOOK_KIND_LIMIT, MR_BOOK_TIF_GTC, order, side, price, quantity);
}

static inline uint32_t book_ioc(struct book_driver *driver, uint64_t order, enum mr_book_side side,
                                int64_t price, uint64_t quantity)
{
    return book_enter(driver, MR_BOOK_KIND_LIMIT, MR_BOOK_TIF_IOC, order, side, price, quantity);
}

static inline uint32_t book_fok(struct book_driver *driver, uint64_t order, enum mr_book_side side,
                                int64_t price, uint64_t quantity)
{
    return book_enter(driver, MR_BOOK_KIND_LIMIT, MR_BOOK_TIF_FOK, order, side, price, quantity);
}

static inline uint32_t book_market(struct book_driver *driver, enum mr_book_tif tif, uint64_t order,
                                   enum mr_book_side side, uint64_t quantity)
{
    return book_enter(driver, MR_BOOK_KIND_MARKET, tif, order, side, 0, quantity);
}

static inline uint32_t book_cancel(struct book_driver *driver, uint64_t order)
{
    struct book_command command = {
        .header = {.type = MR_BOOK_ORDER_CANCEL},
        .body.cancel = {.order = order, .instrument = INSTRUMENT},
    };
    return book_apply(driver, &command);
}

static inline uint32_t book_replace(struct book_driver *driver, uint64_t order, int64_t price,
                                    enum mr_book_basis basis, uint64_t quantity)
{
    struct book_command command = {
        .header = {.type = MR_BOOK_ORDER_REPLACE},
        .body.replace = {.order = order,
                         .price = price,
                         .quantity = quantity,
                         .instrument = INSTRUMENT,
                         .basis = (uint8_t)basis},
    };
    return book_apply(driver, &command);
}

/* -- What the last command caused, event by event. --------------------------------------------- */

/* The body of the next event, which must be of that type. */
static inline const void *book_next(struct book_driver *driver, uint16_t type)
{
    assert_true(driver->events_left > 0);
    const struct mr_event *event = driver->cursor;
    assert_int_equal(event->type, type);
    driver->cursor = (const void *)((const unsigned char *)event + event->length);
    driver->events_left--;
    return mr_event_body(event);
}

static inline void book_no_more(const struct book_driver *driver)
{
    assert_int_equal(driver->events_left, 0);
}

static inline void book_next_accepted(struct book_driver *driver, uint64_t order)
{
    const struct mr_book_order_accepted *event = book_next(driver, MR_BOOK_ORDER_ACCEPTED);
    assert_int_equal(event->order, order);
}

static inline void book_next_trade(struct book_driver *driver, uint64_t maker, uint64_t taker,
                                   int64_t price, uint64_t quantity)
{
    const struct mr_book_trade *event = book_next(driver, MR_BOOK_TRADE);
    assert_int_equal(event->maker, maker);
    assert_int_equal(event->taker, taker);
    assert_int_equal(event->price, price);
    assert_int_equal(event->quantity, quantity);
}

static inline void book_next_cancelled(struct book_driver *driver, uint64_t order,
                                       enum mr_book_cancel cause, uint64_t remaining)
{
    const struct mr_book_order_cancelled *event = book_next(driver, MR_BOOK_ORDER_CANCELLED);
    assert_int_equal(event->order, order);
    assert_int_equal(event->cause, cause);
    assert_int_equal(event->remaining, remaining);
}

static inline void book_next_replaced(struct book_driver *driver, uint64_t order, int64_t price,
                                      uint64_t open, enum mr_book_place place)
{
    const struct mr_book_order_replaced *event = book_next(driver, MR_BOOK_ORDER_REPLACED);
    assert_int_equal(event->order, order);
    assert_int_equal(event->price, price);
    assert_int_equal(event->quantity, open);
    assert_int_equal(event->place, place);
}

/* The command did nothing but say so. */
static inline void book_only_rejected(struct book_driver *driver, uint64_t order, uint32_t reason)
{
    const struct mr_book_order_rejected *event = book_next(driver, MR_BOOK_ORDER_REJECTED);
    assert_int_equal(event->order, order);
    assert_int_equal(event->reason, reason);
    book_no_more(driver);
}

static inline void book_check(const struct book_driver *driver)
{
    assert_true(mr_logic_book.check(driver->book, &driver->config));
}

#endif
