/*
 * How it works: docs/generator.md tells it for users. Commands come in blocks of 100 orders with
 * the asked-for number of cancels and replaces among them, in random order. Whether an order rests
 * or crosses is drawn so that the number of resting orders holds itself up: the fuller the book,
 * the likelier the next order trades.
 */
#include "tools/generator.h"

#include "base/assert.h"

#include <millrace/book.h>

#include <stdlib.h>

enum { ACTION_NEW, ACTION_CANCEL, ACTION_REPLACE };

enum {
    OFFSET_BITS_MAX = 7, /* an order rests less than 2^8 ticks behind its best place */
    SWEEP_TICKS = 4,     /* a crossing order may take less than so many levels */
    MOVE_TICKS = 4,      /* a replaced order moves by up to so many */
    SPREAD_MAX = 64,
    FAIR_MIN = 320, /* the fair price turns back here, and orders stay within the window */
    FAIR_MAX = MARKET_LEVELS - 1 - FAIR_MIN,
    LARGE_ORDERS = 16, /* one in so many is large: */
    LARGE_FACTOR = 8,
    PRICE_BASE_MIN = 10000,
    PRICE_BASE_RANGE = 90000,
};
_Static_assert(SPREAD_MAX / 2 + (2 << OFFSET_BITS_MAX) <= FAIR_MIN,
               "orders stay within the window");

static uint64_t below(struct generator *generator, uint64_t bound)
{
    return mr_random_below(&generator->random, bound);
}

static uint64_t draw(struct generator *generator)
{
    return mr_random_u64(&generator->random);
}

/* One draw does for two choices among few: one of its upper half, one of its lower half. */
static uint32_t upper(uint64_t bits, uint64_t bound)
{
    return (uint32_t)((bits >> 32) * bound >> 32);
}

static uint32_t lower(uint64_t bits, uint64_t bound)
{
    return (uint32_t)((bits & UINT32_MAX) * bound >> 32);
}

void generator_free(struct generator *generator)
{
    free(generator->instruments);
    free(generator->price_base);
    free(generator->orders);
    free(generator->slots);
    expiries_free(&generator->expiries);
    *generator = (struct generator){0};
}

int generator_init(struct generator *generator, const struct gen_spec *spec, struct mr_error *error)
{
    uint64_t count = spec->instruments, depth = spec->depth;
    *generator = (struct generator){
        .spec = *spec,
        .orders_left = spec->orders,
        .time_ns = spec->start * GEN_NS_PER_S,
        .gap_ns = 2 * GEN_NS_PER_S / spec->rate,
        .instruments = calloc(count, sizeof *generator->instruments),
        .price_base = calloc(count, sizeof *generator->price_base),
        .orders = calloc(count * depth, sizeof *generator->orders),
        .slots = calloc(count * depth, sizeof *generator->slots),
    };
    bool expire = spec->day + spec->gtd > 0;
    if (!expiries_init(&generator->expiries, expire ? count * depth : 0) ||
        generator->instruments == NULL || generator->price_base == NULL ||
        generator->orders == NULL || generator->slots == NULL) {
        generator_free(generator);
        return mr_error_set(error, MR_E_NO_MEMORY,
                            "gen: no memory for %llu instruments of %llu orders",
                            (unsigned long long)count, (unsigned long long)depth);
    }
    mr_random_init(&generator->random, spec->seed);
    for (uint64_t i = 0; i < count; i++) {
        market_init(&generator->instruments[i], generator->orders + i * depth,
                    generator->slots + i * depth, (uint32_t)depth);
        generator->instruments[i].fair = MARKET_LEVELS / 2;
        generator->instruments[i].traded = MARKET_LEVELS / 2;
        generator->price_base[i] = PRICE_BASE_MIN + (int64_t)below(generator, PRICE_BASE_RANGE);
    }
    return MR_OK;
}

int64_t generator_price(const struct generator *generator, uint32_t instrument, uint32_t level)
{
    return (generator->price_base[instrument] + level) * (int64_t)generator->spec.tick;
}

/* What the next command does; false: all is done. */
static bool draw_action(struct generator *generator, uint32_t *action)
{
    uint64_t *left = generator->left;
    if (left[ACTION_NEW] + left[ACTION_CANCEL] + left[ACTION_REPLACE] == 0) {
        uint64_t rest = generator->orders_left;
        uint64_t orders = rest < GEN_BLOCK_ORDERS ? rest : GEN_BLOCK_ORDERS;
        if (orders == 0)
            return false;
        generator->orders_left -= orders;
        left[ACTION_NEW] = orders;
        left[ACTION_CANCEL] = orders * generator->spec.cancels / GEN_BLOCK_ORDERS;
        left[ACTION_REPLACE] = orders * generator->spec.replaces / GEN_BLOCK_ORDERS;
    }
    uint64_t draw = below(generator, left[ACTION_NEW] + left[ACTION_CANCEL] + left[ACTION_REPLACE]);
    *action = draw < left[ACTION_NEW]                         ? ACTION_NEW
              : draw < left[ACTION_NEW] + left[ACTION_CANCEL] ? ACTION_CANCEL
                                                              : ACTION_REPLACE;
    return true;
}

/* Some instruments are busier than others: the first one the most. */
static uint32_t draw_instrument(struct generator *generator)
{
    uint64_t bits = draw(generator);
    return lower(bits, upper(bits, generator->spec.instruments) + UINT64_C(1));
}

static uint32_t draw_quantity(struct generator *generator)
{
    uint64_t bits = draw(generator);
    uint32_t quantity = 1 + upper(bits, 2 * generator->spec.size);
    return lower(bits, LARGE_ORDERS) == 0 ? quantity * LARGE_FACTOR : quantity;
}

/* What goes on between commands: time passes, and the fair price moves. */
static void pass_time(struct generator *generator, struct market_instrument *instrument)
{
    uint64_t bits = draw(generator);
    generator->time_ns += upper(bits, generator->gap_ns + 1);
    uint32_t move = lower(bits, 2000);
    if (move < generator->spec.volatility)
        instrument->fair += instrument->fair < FAIR_MAX ? 1U : 0U;
    else if (move < 2 * generator->spec.volatility)
        instrument->fair -= instrument->fair > FAIR_MIN ? 1U : 0U;
}

/* Where an order that is to rest goes: half of the time as near to the fair price as the spread
 * lets it, a quarter of the time 1 or 2 ticks behind, an eighth 3 to 6, and so on. */
static uint32_t draw_level(struct generator *generator, const struct market_instrument *instrument,
                           uint32_t side)
{
    uint64_t bits = draw(generator);
    uint32_t scale = (uint32_t)__builtin_ctzll(bits | 1U << OFFSET_BITS_MAX);
    uint32_t offset = (1U << scale) - 1 + (uint32_t)(bits >> 32 & ((1U << scale) - 1));
    uint32_t distance = (uint32_t)generator->spec.spread / 2 + offset;
    return side == MARKET_BUY ? instrument->fair - distance : instrument->fair + distance;
}

/* A crossing order's limit: the other side's best level, or a few further. */
static uint32_t sweep(const struct market_instrument *instrument, uint32_t side, uint32_t ticks)
{
    uint32_t best = market_best(instrument, !side);
    if (side == MARKET_BUY)
        return best + ticks < MARKET_LEVELS ? best + ticks : MARKET_LEVELS - 1;
    return best > ticks ? best - ticks : 0;
}

/* Whether one of several features with a share of the orders is asked for: if none is, no number is
 * drawn for them, so that a market without them is what it was before they came. */
static bool has_resting_terms(const struct gen_spec *spec)
{
    return spec->post + spec->reprice + spec->day + spec->gtd > 0;
}

static void set_terms(const struct gen_spec *spec, uint32_t percent,
                      struct mr_book_order_new *order)
{
    order->kind = percent < spec->market ? MR_BOOK_KIND_MARKET : MR_BOOK_KIND_LIMIT;
    order->tif = MR_BOOK_TIF_GTC;
    if (percent < spec->market + spec->ioc)
        order->tif = MR_BOOK_TIF_IOC;
    else if (percent < spec->market + spec->ioc + spec->fok)
        order->tif = MR_BOOK_TIF_FOK;
}

/* How far a market order may go. */
static uint32_t market_limit(const struct generator *generator,
                             const struct market_instrument *instrument, uint32_t side)
{
    uint32_t collar = (uint32_t)generator->spec.collar, level = instrument->traded;
    if (side == MARKET_BUY)
        return collar == 0 || level + collar >= MARKET_LEVELS ? MARKET_LEVELS - 1 : level + collar;
    return collar == 0 || collar > level ? 0 : level - collar;
}

/* An order that is meant to trade. It takes from the side that has more, the likelier so the more
 * it has. Returns its limit. */
static uint32_t draw_crossing(struct generator *generator,
                              const struct market_instrument *instrument, uint32_t pick,
                              struct mr_book_order_new *order)
{
    const struct gen_spec *spec = &generator->spec;
    uint64_t bits = draw(generator);
    order->side = pick < instrument->resting_of[MARKET_BUY] ? MR_BOOK_SIDE_SELL : MR_BOOK_SIDE_BUY;
    set_terms(spec, upper(bits, 100), order);
    generator->crossing++;
    if (spec->min > 0 && order->tif != MR_BOOK_TIF_FOK) {
        uint64_t least = draw(generator);
        if (upper(least, 100) < spec->min)
            order->min_quantity = 1 + lower(least, order->quantity);
    }
    if (order->kind == MR_BOOK_KIND_MARKET)
        return market_limit(generator, instrument, order->side);
    return sweep(instrument, order->side, lower(bits, SWEEP_TICKS));
}

static void draw_expiry(struct generator *generator, uint32_t percent,
                        struct mr_book_order_new *order)
{
    const struct gen_spec *spec = &generator->spec;
    if (percent < spec->day) {
        order->tif = MR_BOOK_TIF_DAY;
    } else if (percent < spec->day + spec->gtd) {
        order->tif = MR_BOOK_TIF_GTD;
        order->expires_ns =
            generator->time_ns + GEN_NS_PER_MS * (1 + below(generator, 2 * spec->lifetime));
    }
}

/* One that would be priced out of the window is not post-only after all. */
static bool is_at_edge(const struct market_instrument *instrument, uint32_t side)
{
    return instrument->words[!side] != 0 &&
           market_best(instrument, !side) == (side == MARKET_BUY ? 0 : MARKET_LEVELS - 1);
}

/* An order that is meant to rest. Returns its limit. */
static uint32_t draw_passive(struct generator *generator,
                             const struct market_instrument *instrument, uint64_t bits,
                             struct mr_book_order_new *order)
{
    const struct gen_spec *spec = &generator->spec;
    order->side = (uint8_t)lower(bits, 2);
    uint32_t limit = draw_level(generator, instrument, order->side);
    if (!has_resting_terms(spec))
        return limit;
    uint64_t terms = draw(generator);
    uint32_t percent = upper(terms, 100);
    if (percent < spec->post)
        order->post = MR_BOOK_POST_REJECT;
    else if (percent < spec->post + spec->reprice && !is_at_edge(instrument, order->side))
        order->post = MR_BOOK_POST_REPRICE;
    draw_expiry(generator, lower(terms, 100), order);
    return limit;
}

static void draw_stp(struct generator *generator, struct mr_book_order_new *order)
{
    if (generator->spec.stp == 0)
        return;
    uint64_t bits = draw(generator);
    if (upper(bits, 100) < generator->spec.stp)
        order->stp = (uint8_t)(MR_BOOK_STP_CANCEL_NEWEST + lower(bits, 4));
}

/* What post-only makes of a limit; false: the order is rejected. */
static bool post_only(const struct market_instrument *instrument, uint32_t side, uint8_t post,
                      uint32_t *limit)
{
    if (post == MR_BOOK_POST_NO || !market_crosses(instrument, side, *limit))
        return true;
    uint32_t best = market_best(instrument, !side);
    *limit = side == MARKET_BUY ? best - 1 : best + 1;
    return post == MR_BOOK_POST_REPRICE;
}

/* An order that rests from now on. */
static void settle(struct generator *generator, uint32_t index, const struct market_order *order,
                   uint32_t old_slot)
{
    uint32_t slot = market_rest(&generator->instruments[index], order);
    if (order->expires_ns != 0 && slot != old_slot)
        expiries_add(&generator->expiries, generator->instruments, index, slot);
}

/* What the order does to the imagined market. Quantities are in lots. */
static void enter(struct generator *generator, uint32_t index,
                  const struct mr_book_order_new *order, uint32_t limit)
{
    struct market_instrument *instrument = &generator->instruments[index];
    struct market_order taker = {
        .id = order->order,
        .account = order->account,
        .expires_ns = order->expires_ns,
        .open = (uint32_t)order->quantity,
        .side = order->side,
        .post = order->post,
        .stp = order->stp,
    };
    if (order->tif == MR_BOOK_TIF_DAY)
        taker.expires_ns = (generator->time_ns / GEN_NS_PER_DAY + 1) * GEN_NS_PER_DAY;
    uint32_t least = order->tif == MR_BOOK_TIF_FOK ? taker.open : (uint32_t)order->min_quantity;
    if (!post_only(instrument, order->side, order->post, &limit) ||
        (least > 0 && !market_can_fill(instrument, &taker, limit, least, GEN_FILLS_MAX))) {
        generator->expected_rejects++;
        return;
    }
    bool goes_on = market_trade(instrument, &taker, limit, GEN_FILLS_MAX);
    taker.level = (uint16_t)limit;
    bool rests = order->tif != MR_BOOK_TIF_IOC && order->tif != MR_BOOK_TIF_FOK;
    if (goes_on && taker.open > 0 && rests)
        settle(generator, index, &taker, MARKET_NONE);
    else
        instrument->gone = order->order;
}

static void make_new(struct generator *generator, uint32_t index, struct mr_command *command)
{
    const struct market_instrument *instrument = &generator->instruments[index];
    struct mr_book_order_new *order = mr_command_body_mutable(command);
    command->type = MR_BOOK_ORDER_NEW;
    command->length = MR_COMMAND_HEADER + sizeof *order;
    uint64_t account = 1 + below(generator, generator->spec.accounts);
    *order = (struct mr_book_order_new){
        .order = ++generator->last_order,
        .account = account,
        .quantity = draw_quantity(generator),
        .instrument = index + 1,
    };
    /* Below `resting` it is as good as drawn among the resting orders. */
    uint64_t bits = draw(generator);
    uint32_t limit, pick = upper(bits, instrument->depth);
    if (pick < instrument->resting)
        limit = draw_crossing(generator, instrument, pick, order);
    else
        limit = draw_passive(generator, instrument, bits, order);
    draw_stp(generator, order);
    if (order->kind == MR_BOOK_KIND_LIMIT)
        order->price = generator_price(generator, index, limit);
    if (instrument->resting == instrument->depth && order->tif == MR_BOOK_TIF_GTC)
        order->tif = MR_BOOK_TIF_IOC; /* nothing more may rest */
    enter(generator, index, order, limit);
    order->quantity *= generator->spec.lot;
    order->min_quantity *= generator->spec.lot;
}

static uint32_t draw_resting(struct generator *generator,
                             const struct market_instrument *instrument)
{
    return instrument->slots[below(generator, instrument->resting)];
}

static void make_cancel(struct generator *generator, uint32_t index, struct mr_command *command)
{
    struct market_instrument *instrument = &generator->instruments[index];
    struct mr_book_order_cancel *cancel = mr_command_body_mutable(command);
    command->type = MR_BOOK_ORDER_CANCEL;
    command->length = MR_COMMAND_HEADER + sizeof *cancel;
    *cancel = (struct mr_book_order_cancel){.instrument = index + 1};
    bool late = below(generator, 100) < generator->spec.late && instrument->gone != 0;
    if (late || instrument->resting == 0) {
        cancel->order = instrument->gone; /* 0, if there has been none: no order has it */
        generator->expected_rejects++;
        return;
    }
    uint32_t slot = draw_resting(generator, instrument);
    cancel->order = instrument->orders[slot].id;
    cancel->account = instrument->orders[slot].account;
    market_remove(instrument, slot);
}

static uint16_t draw_move(struct generator *generator, uint16_t level)
{
    uint32_t move = (uint32_t)below(generator, MOVE_TICKS * UINT64_C(2));
    uint32_t moved = level + (move < MOVE_TICKS ? move + 1 : MOVE_TICKS - 1 - move);
    return moved < MARKET_LEVELS ? (uint16_t)moved : level; /* below 0 is above all, too */
}

/* What is to change about a resting order: its price, or more, or less; and perhaps its id. */
static void draw_change(struct generator *generator, const struct market_instrument *instrument,
                        struct market_order *order)
{
    uint64_t way = below(generator, 4);
    if (way == 0) {
        if (order->post != MR_BOOK_POST_REPRICE || !is_at_edge(instrument, order->side))
            order->level = draw_move(generator, order->level);
    } else if (way == 1) {
        uint64_t open = order->open + (uint64_t)draw_quantity(generator);
        uint64_t open_max = 2 * generator->spec.size * LARGE_FACTOR;
        order->open = (uint32_t)(open < open_max ? open : open_max);
    } else {
        order->open = 1 + (uint32_t)below(generator, order->open);
    }
    if (generator->spec.renumber > 0 && below(generator, 100) < generator->spec.renumber)
        order->id = ++generator->last_order;
}

/* Applies the change to the order in `slot`; false: it is rejected. */
static bool change(struct generator *generator, uint32_t index, uint32_t slot,
                   struct market_order order)
{
    struct market_instrument *instrument = &generator->instruments[index];
    struct market_order *old = &instrument->orders[slot];
    uint32_t limit = order.level;
    if (!post_only(instrument, order.side, order.post, &limit))
        return false;
    if (limit == old->level && order.open <= old->open) {
        old->open = order.open;
        old->id = order.id;
        return true;
    }
    uint64_t gone = instrument->gone;
    market_remove(instrument, slot);
    order.level = (uint16_t)limit;
    if (!market_trade(instrument, &order, limit, GEN_FILLS_MAX) || order.open == 0) {
        instrument->gone = order.id;
        return true;
    }
    settle(generator, index, &order, slot);
    if (instrument->gone == order.id)
        instrument->gone = gone;
    return true;
}

/* A replacement of something that is not there. */
static void make_late_replace(struct generator *generator, uint32_t index,
                              struct mr_book_order_replace *replace)
{
    *replace = (struct mr_book_order_replace){.order = generator->instruments[index].gone,
                                              .price = generator_price(generator, index, 0),
                                              .quantity = generator->spec.lot,
                                              .instrument = index + 1};
    generator->expected_rejects++;
}

static void make_replace(struct generator *generator, uint32_t index, struct mr_command *command)
{
    struct market_instrument *instrument = &generator->instruments[index];
    struct mr_book_order_replace *replace = mr_command_body_mutable(command);
    command->type = MR_BOOK_ORDER_REPLACE;
    command->length = MR_COMMAND_HEADER + sizeof *replace;
    if (instrument->resting == 0) {
        make_late_replace(generator, index, replace);
        return;
    }
    uint32_t slot = draw_resting(generator, instrument);
    struct market_order order = instrument->orders[slot];
    uint64_t id = order.id;
    draw_change(generator, instrument, &order);
    bool total = below(generator, 4) == 0;
    *replace = (struct mr_book_order_replace){
        .order = id,
        .account = order.account,
        .price = generator_price(generator, index, order.level),
        .quantity =
            (total ? (uint64_t)order.open + order.filled : order.open) * generator->spec.lot,
        .new_order = order.id == id ? 0 : order.id,
        .instrument = index + 1,
        .basis = total ? MR_BOOK_BASIS_TOTAL : MR_BOOK_BASIS_OPEN,
        .renumber = order.id == id ? MR_BOOK_SWITCH_NO : MR_BOOK_SWITCH_YES,
    };
    generator->expected_rejects += !change(generator, index, slot, order);
}

bool generator_next(struct generator *generator, uint64_t session, struct mr_command *command)
{
    uint32_t action;
    if (!draw_action(generator, &action))
        return false;
    uint32_t index = draw_instrument(generator);
    struct market_instrument *instrument = &generator->instruments[index];
    pass_time(generator, instrument);
    expiries_apply(&generator->expiries, generator->instruments, generator->time_ns);
    if (instrument->resting == 0 && generator->left[ACTION_NEW] > 0)
        action = ACTION_NEW; /* there is nothing to cancel or replace; its turn comes later */
    generator->left[action]--;

    *command = (struct mr_command){
        .role = MR_ROLE_USER,
        .time_ns = generator->time_ns,
        .session = session,
        .request = ++generator->requests,
    };
    if (action == ACTION_NEW)
        make_new(generator, index, command);
    else if (action == ACTION_CANCEL)
        make_cancel(generator, index, command);
    else
        make_replace(generator, index, command);
    return true;
}
