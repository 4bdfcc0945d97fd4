/*
 * Commands to the book at random: all kinds, mixed, good and bad, of several senders.
 */
#ifndef MR_TESTS_CORE_BOOK_DICE_H
#define MR_TESTS_CORE_BOOK_DICE_H

#include "tests/core/book_twin.h"

static inline struct mr_book_config small(void)
{
    return (struct mr_book_config){.instruments_max = 3,
                                   .orders_max = 300,
                                   .levels_max = 40,
                                   .fills_max = 6,
                                   .groups_max = 24,
                                   .tick_tables_max = 2};
}

struct sent {
    struct mr_command header;
    unsigned char body[64];
};

static inline struct sent command_of(uint16_t type, const void *body)
{
    const struct mr_message *message = mr_catalog_command(mr_logic_book.catalog, type);
    struct sent sent = {.header = {.length = MR_COMMAND_HEADER + message->size,
                                   .type = type,
                                   .role = MR_ROLE_OPERATOR,
                                   .session = TWIN_OPERATOR}};
    memcpy(sent.body, body, message->size);
    return sent;
}

static inline struct sent instrument_of(uint32_t instrument)
{
    const struct mr_book_instrument_define define = {.symbol = "TEST",
                                                     .price_max = 100,
                                                     .quantity_max = 50,
                                                     .instrument = instrument,
                                                     .tick = instrument == 2 ? 3 : 0,
                                                     .lot = instrument == 2 ? 2 : 0};
    return command_of(MR_BOOK_INSTRUMENT_DEFINE, &define);
}

static inline struct sent random_new(struct mr_random *random, uint64_t time_ns)
{
    bool special = mr_random_chance(random, 1, 2);
    struct mr_book_order_new body = {
        .order = mr_random_below(random, 60),
        .account = mr_random_below(random, 4),
        .price = (int64_t)mr_random_below(random, 22),
        .quantity = mr_random_below(random, 12),
        .instrument = 1 + (uint32_t)mr_random_below(random, 20) / 9,
        .side = (uint8_t)mr_random_below(random, 2),
    };
    if (special) {
        body.min_quantity = mr_random_below(random, 3) * mr_random_below(random, 4);
        body.kind = (uint8_t)mr_random_below(random, 2);
        body.tif = (uint8_t)mr_random_below(random, 6);
        body.post = (uint8_t)(mr_random_below(random, 4) % 3);
        body.stp = (uint8_t)mr_random_below(random, 7);
        body.expires_ns = body.tif == MR_BOOK_TIF_GTD ? time_ns + mr_random_below(random, 200) : 0;
    }
    return command_of(MR_BOOK_ORDER_NEW, &body);
}

static inline struct sent random_change(struct mr_random *random)
{
    if (mr_random_chance(random, 1, 3)) {
        const struct mr_book_order_cancel body = {.order = mr_random_below(random, 60),
                                                  .account = mr_random_below(random, 4),
                                                  .instrument =
                                                      1 + (uint32_t)mr_random_below(random, 2)};
        return command_of(MR_BOOK_ORDER_CANCEL, &body);
    }
    const struct mr_book_order_replace body = {
        .order = mr_random_below(random, 60),
        .account = mr_random_below(random, 4),
        .price = (int64_t)mr_random_below(random, 22),
        .quantity = mr_random_below(random, 12),
        .new_order = mr_random_below(random, 60),
        .instrument = 1 + (uint32_t)mr_random_below(random, 2),
        .basis = (uint8_t)(mr_random_below(random, 5) % 2),
        .renumber = (uint8_t)(mr_random_below(random, 5) % 2),
    };
    return command_of(MR_BOOK_ORDER_REPLACE, &body);
}

static inline struct sent random_setup(struct mr_random *random)
{
    const struct mr_book_instrument_update update = {
        .reference = (int64_t)mr_random_below(random, 22),
        .collar = mr_random_below(random, 6),
        .instrument = 1 + (uint32_t)mr_random_below(random, 3),
        .day_end = (uint32_t)mr_random_below(random, 90000),
        .top = (uint8_t)mr_random_below(random, 3) % 2,
    };
    const struct mr_book_phase_set phase = {
        .instrument = 1 + (uint32_t)mr_random_below(random, 3),
        .phase = mr_random_chance(random, 1, 4) ? (uint8_t)mr_random_below(random, 4) : 0};
    const struct mr_book_account_define account = {.account = mr_random_below(random, 4),
                                                   .stp = (uint8_t)mr_random_below(random, 7)};
    const struct mr_book_account_unblock unblock = {.account = mr_random_below(random, 4)};
    const struct mr_book_tick_band_add band = {.from = (int64_t)mr_random_below(random, 40),
                                               .tick = (uint32_t)mr_random_below(random, 3),
                                               .tick_table = (uint16_t)mr_random_below(random, 4)};
    const struct mr_book_orders_cancel many = {.account = mr_random_below(random, 4),
                                               .of_session = mr_random_below(random, 5),
                                               .instrument = (uint32_t)mr_random_below(random, 4),
                                               .side = (uint8_t)mr_random_below(random, 4)};
    switch (mr_random_below(random, 9)) {
    case 0:
    case 1:
        return command_of(MR_BOOK_INSTRUMENT_UPDATE, &update);
    case 2:
    case 3:
        return command_of(MR_BOOK_PHASE_SET, &phase);
    case 4:
        return command_of(MR_BOOK_ACCOUNT_DEFINE, &account);
    case 5:
        return command_of(MR_BOOK_ACCOUNT_BLOCK, &unblock);
    case 6:
        return command_of(MR_BOOK_ACCOUNT_UNBLOCK, &unblock);
    case 7:
        return command_of(MR_BOOK_TICK_BAND_ADD, &band);
    default:
        return command_of(MR_BOOK_ORDERS_CANCEL, &many);
    }
}

/* A command of somebody who may send such a one. */
static inline struct sent random_command(struct mr_random *random, uint64_t time_ns)
{
    uint64_t dice = mr_random_below(random, 100);
    struct sent sent = dice < 65   ? random_new(random, time_ns)
                       : dice < 92 ? random_change(random)
                                   : random_setup(random);
    uint8_t roles = mr_catalog_command(mr_logic_book.catalog, sent.header.type)->roles;
    if ((roles & MR_ROLE_BIT(MR_ROLE_USER)) != 0 && mr_random_chance(random, 4, 5)) {
        sent.header.role = MR_ROLE_USER;
        sent.header.session = TWIN_USER + mr_random_below(random, 3);
    }
    sent.header.time_ns = time_ns;
    return sent;
}

#endif
