#include "bench/pipeline/orders.h"

#include "base/random.h"

#include <string.h>

enum {
    LIVE = 4096, /* an order is cancelled after so many more commands */
    POOL = 4096, /* of prices and quantities; small enough for a core's own cache */
    PRICE = 10000,
};

static struct {
    int32_t price;
    uint16_t quantity;
    uint8_t side;
} pool[POOL];

void orders_begin(void)
{
    struct mr_random random;
    mr_random_init(&random, 1);
    for (size_t i = 0; i < POOL; i++) {
        pool[i].side = (uint8_t)mr_random_below(&random, 2);
        int32_t distance = (int32_t)mr_random_below(&random, 40) - 2;
        pool[i].price = PRICE + (pool[i].side == MR_BOOK_SIDE_BUY ? -distance : distance);
        pool[i].quantity = (uint16_t)(1 + mr_random_below(&random, 100));
    }
}

static void *begin(union order *order, uint16_t type, uint32_t body_size, uint64_t request)
{
    order->header = (struct mr_command){.length = MR_COMMAND_HEADER + body_size,
                                        .type = type,
                                        .role = MR_ROLE_USER,
                                        .session = ORDERS_SESSION,
                                        .request = request};
    return mr_command_body_mutable(&order->header);
}

/* The instrument of the order with this id, so that a cancel finds it. */
static uint32_t instrument_of(uint64_t id)
{
    return 1 + (uint32_t)((id - 1) / 2 % ORDERS_INSTRUMENTS);
}

void orders_make(uint64_t index, union order *order)
{
    uint64_t id = index + 1;
    if (index % 2 == 1 && index > LIVE) {
        struct mr_book_order_cancel *cancel =
            begin(order, MR_BOOK_ORDER_CANCEL, sizeof *cancel, index + 1);
        *cancel = (struct mr_book_order_cancel){.order = index - LIVE,
                                                .instrument = instrument_of(index - LIVE)};
        return;
    }
    struct mr_book_order_new *new = begin(order, MR_BOOK_ORDER_NEW, sizeof *new, index + 1);
    *new = (struct mr_book_order_new){.order = id,
                                      .side = pool[index % POOL].side,
                                      .price = pool[index % POOL].price,
                                      .quantity = pool[index % POOL].quantity,
                                      .instrument = instrument_of(id)};
}

void orders_instrument(uint32_t number, union order *order)
{
    struct mr_book_instrument_define *define =
        begin(order, MR_BOOK_INSTRUMENT_DEFINE, sizeof *define, number);
    order->header.role = MR_ROLE_OPERATOR;
    order->header.session = ORDERS_OPERATOR;
    *define = (struct mr_book_instrument_define){.symbol = "BENCH",
                                                 .price_min = 1,
                                                 .price_max = 1 << 20,
                                                 .quantity_max = 1 << 20,
                                                 .instrument = number};
}
