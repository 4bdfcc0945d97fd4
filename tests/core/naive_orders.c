/* The naive book: orders that come, change and go, and what they meet. */
#include "tests/core/naive_book.h"

#include <stdlib.h>

/* How far an order may go. */
struct limit {
    bool none; /* any price */
    int64_t price;
};

static bool within(uint8_t side, struct limit limit, int64_t maker_price)
{
    if (limit.none)
        return true;
    return side == MR_BOOK_SIDE_BUY ? maker_price <= limit.price : maker_price >= limit.price;
}

static bool crosses(const struct naive_instrument *instrument, uint8_t side, struct limit limit)
{
    const struct naive_side *other = &instrument->sides[1 - side];
    return other->count > 0 && within(side, limit, other->orders[0].price);
}

static struct limit market_limit(const struct naive_instrument *instrument, uint8_t side)
{
    uint64_t collar = instrument->update.collar;
    int64_t base = instrument->base, price;
    if (collar == 0)
        return (struct limit){.none = true};
    if (side == MR_BOOK_SIDE_BUY) /* the subtractions are modulo 2^64, and their results right */
        price = collar > (uint64_t)INT64_MAX - (uint64_t)base ? INT64_MAX
                                                              : (int64_t)((uint64_t)base + collar);
    else
        price = collar > (uint64_t)base - (uint64_t)INT64_MIN ? INT64_MIN
                                                              : (int64_t)((uint64_t)base - collar);
    return (struct limit){.price = price};
}

/* -- Meeting the other side. ------------------------------------------------------------------- */

static bool is_own(const struct naive_order *taker, const struct naive_order *maker)
{
    return taker->account != 0 && taker->account == maker->account &&
           taker->stp != MR_BOOK_STP_ALLOW;
}

static void trade(struct naive_book *book, struct naive_instrument *instrument,
                  struct naive_order *taker, struct naive_order *maker)
{
    uint64_t quantity = taker->open < maker->open ? taker->open : maker->open;
    taker->open -= quantity;
    taker->filled += quantity;
    maker->open -= quantity;
    maker->filled += quantity;
    instrument->trades++;
    book->trades++;
    instrument->last_price = maker->price;
    instrument->base = maker->price;
    union mr_book_report *report = naive_report(book, instrument, MR_BOOK_TRADE);
    report->trade.trade = instrument->trades;
    report->trade.maker = maker->id;
    report->trade.taker = taker->id;
    report->trade.price = maker->price;
    report->trade.quantity = quantity;
    report->trade.maker_remaining = maker->open;
    report->trade.taker_remaining = taker->open;
    report->trade.instrument = instrument->definition.instrument;
    report->trade.side = taker->side;
    if (maker->open == 0)
        naive_remove(instrument, maker);
}

static void reduce(struct naive_book *book, struct naive_instrument *instrument,
                   struct naive_order *larger, const struct naive_order *smaller)
{
    larger->open -= smaller->open;
    union mr_book_report *report = naive_report(book, instrument, MR_BOOK_ORDER_REDUCED);
    report->reduced.order = larger->id;
    report->reduced.other = smaller->id;
    report->reduced.quantity = smaller->open;
    report->reduced.remaining = larger->open;
    report->reduced.instrument = instrument->definition.instrument;
}

/* Two orders of one account: true if the taker is cancelled. */
static bool prevent(struct naive_book *book, struct naive_instrument *instrument,
                    struct naive_order *taker, struct naive_order *maker)
{
    enum mr_book_cancel why = MR_BOOK_CANCEL_SELF_TRADE;
    switch (taker->stp) {
    case MR_BOOK_STP_CANCEL_NEWEST:
        naive_report_cancelled(book, instrument, taker, why);
        return true;
    case MR_BOOK_STP_CANCEL_OLDEST:
        naive_report_cancelled(book, instrument, maker, why);
        naive_remove(instrument, maker);
        return false;
    case MR_BOOK_STP_CANCEL_BOTH:
        naive_report_cancelled(book, instrument, maker, why);
        naive_remove(instrument, maker);
        naive_report_cancelled(book, instrument, taker, why);
        return true;
    case MR_BOOK_STP_DECREMENT:
        break;
    default:
        abort();
    }
    if (maker->open < taker->open) {
        naive_report_cancelled(book, instrument, maker, why);
        reduce(book, instrument, taker, maker);
        naive_remove(instrument, maker);
        return false;
    }
    if (maker->open > taker->open) {
        reduce(book, instrument, maker, taker);
        naive_report_cancelled(book, instrument, taker, why);
        return true;
    }
    naive_report_cancelled(book, instrument, maker, why);
    naive_remove(instrument, maker);
    naive_report_cancelled(book, instrument, taker, why);
    return true;
}

/* True if self-trade prevention has cancelled the taker. */
static bool match(struct naive_book *book, struct naive_instrument *instrument,
                  struct naive_order *taker, struct limit limit)
{
    struct naive_side *other = &instrument->sides[1 - taker->side];
    uint32_t meetings = 0;
    while (taker->open > 0 && meetings < book->config.fills_max &&
           crosses(instrument, taker->side, limit)) {
        struct naive_order *maker = &other->orders[0];
        meetings++;
        if (!is_own(taker, maker))
            trade(book, instrument, taker, maker);
        else if (prevent(book, instrument, taker, maker))
            return true;
    }
    return false;
}

/* Whether `quantity` could be traded at once: 0, or why not. */
static uint32_t enough_flaw(const struct naive_book *book,
                            const struct naive_instrument *instrument,
                            const struct naive_order *taker, struct limit limit, uint64_t quantity,
                            uint32_t unmet)
{
    const struct naive_side *other = &instrument->sides[1 - taker->side];
    for (uint32_t i = 0; i < other->count; i++) {
        const struct naive_order *maker = &other->orders[i];
        if (!within(taker->side, limit, maker->price))
            return unmet;
        if (i == book->config.fills_max)
            return MR_BOOK_FILLS_LIMIT;
        if (is_own(taker, maker)) {
            if (taker->stp != MR_BOOK_STP_CANCEL_OLDEST)
                return unmet;
        } else if (maker->open >= quantity) {
            return 0;
        } else {
            quantity -= maker->open;
        }
    }
    return unmet;
}

/* -- Room. ------------------------------------------------------------------------------------- */

/* Whether an order, which stands in the book nowhere yet, could rest: 0, or why not. */
static uint32_t level_flaw(const struct naive_book *book, const struct naive_instrument *instrument,
                           const struct naive_order *order)
{
    const struct naive_side *side = &instrument->sides[order->side];
    uint64_t quantity = 0;
    bool is_new = true;
    for (uint32_t i = 0; i < side->count; i++) {
        if (side->orders[i].price == order->price) {
            is_new = false;
            quantity += side->orders[i].open;
        }
    }
    if (is_new && naive_levels(book) >= book->config.levels_max)
        return MR_BOOK_LEVELS_FULL;
    return quantity + order->open < quantity ? MR_BOOK_LEVEL_QUANTITY_FULL : 0;
}

static uint32_t room_flaw(const struct naive_book *book, const struct naive_instrument *instrument,
                          const struct naive_order *order, bool rests_at_once)
{
    if (rests_at_once) {
        if (naive_orders(book) >= book->config.orders_max)
            return MR_BOOK_ORDERS_FULL;
        uint32_t flaw = level_flaw(book, instrument, order);
        if (flaw != 0)
            return flaw;
    }
    bool surely_fits =
        3 * (naive_orders(book) + 1) + book->account_count <= book->config.groups_max;
    if (!surely_fits && naive_groups(book, order) > book->config.groups_max)
        return MR_BOOK_GROUPS_FULL;
    return order->expires_ns != 0 && book->no_timers ? (uint32_t)MR_REASON_TIMERS_FULL : 0;
}

/* -- New. -------------------------------------------------------------------------------------- */

static uint64_t day_end(const struct naive_instrument *instrument, uint64_t time_ns)
{
    const uint64_t second = 1000000000, day = 86400 * second;
    uint64_t today = time_ns - time_ns % day, end = instrument->update.day_end * second;
    if (time_ns - today < end)
        return today > UINT64_MAX - end ? UINT64_MAX : today + end;
    return today > UINT64_MAX - end - day ? UINT64_MAX : today + day + end;
}

static uint32_t names_flaw(const struct mr_book_order_new *command)
{
    bool market = command->kind == MR_BOOK_KIND_MARKET;
    bool never_rests = command->tif == MR_BOOK_TIF_IOC || command->tif == MR_BOOK_TIF_FOK;
    if (command->side > MR_BOOK_SIDE_SELL)
        return MR_BOOK_BAD_SIDE;
    if (command->kind > MR_BOOK_KIND_MARKET)
        return MR_BOOK_BAD_KIND;
    if (command->tif > MR_BOOK_TIF_GTD || (market && !never_rests))
        return MR_BOOK_BAD_TIF;
    if (command->post > MR_BOOK_POST_REPRICE)
        return MR_BOOK_BAD_POST;
    if (command->post != MR_BOOK_POST_NO && (never_rests || command->min_quantity != 0))
        return MR_BOOK_BAD_POST;
    return command->stp > MR_BOOK_STP_DECREMENT ? MR_BOOK_BAD_STP : 0;
}

static uint32_t phase_flaw(const struct naive_instrument *instrument)
{
    if (instrument->definition.phase == MR_BOOK_PHASE_HALTED)
        return MR_BOOK_MARKET_HALTED;
    return instrument->definition.phase == MR_BOOK_PHASE_CLOSED ? MR_BOOK_MARKET_CLOSED : 0;
}

static uint32_t price_flaw(const struct naive_book *book, const struct naive_instrument *instrument,
                           int64_t price)
{
    if (price < instrument->definition.price_min || price > instrument->definition.price_max)
        return MR_BOOK_PRICE_OUT_OF_RANGE;
    return naive_on_tick(book, instrument, price) ? 0 : MR_BOOK_OFF_TICK;
}

static uint64_t lot_of(const struct naive_instrument *instrument)
{
    return instrument->definition.lot == 0 ? 1 : instrument->definition.lot;
}

static uint32_t quantity_flaw(const struct naive_instrument *instrument, uint64_t quantity)
{
    if (quantity == 0)
        return MR_BOOK_ZERO_QUANTITY;
    if (quantity % lot_of(instrument) != 0)
        return MR_BOOK_OFF_LOT;
    return quantity > instrument->definition.quantity_max ? MR_BOOK_QUANTITY_TOO_LARGE : 0;
}

/* What is wrong with the command alone, whatever stands in the book. */
static uint32_t command_flaw(const struct naive_book *book,
                             const struct naive_instrument *instrument,
                             const struct mr_book_order_new *command)
{
    uint32_t flaw = names_flaw(command);
    if (flaw == 0)
        flaw = phase_flaw(instrument);
    if (flaw == 0 && command->kind == MR_BOOK_KIND_LIMIT)
        flaw = price_flaw(book, instrument, command->price);
    if (flaw == 0)
        flaw = quantity_flaw(instrument, command->quantity);
    if (flaw != 0)
        return flaw;
    if (command->min_quantity > command->quantity ||
        command->min_quantity % lot_of(instrument) != 0)
        return MR_BOOK_BAD_MIN_QUANTITY;
    bool good_expiry = command->tif == MR_BOOK_TIF_GTD ? command->expires_ns > book->time_ns
                                                       : command->expires_ns == 0;
    if (command->tif == MR_BOOK_TIF_DAY && book->time_ns == UINT64_MAX)
        good_expiry = false; /* no day ends after that */
    return good_expiry ? 0 : MR_BOOK_BAD_EXPIRY;
}

static uint8_t effective_stp(const struct naive_book *book, uint64_t account, uint8_t stp)
{
    const struct naive_account *settings = naive_account(book, account);
    if (stp == MR_BOOK_STP_ACCOUNT && account != 0 && settings != NULL)
        stp = settings->stp;
    return stp == MR_BOOK_STP_ACCOUNT ? MR_BOOK_STP_ALLOW : stp;
}

/* A post-only order stays out of the other side's way; false: it cannot. */
static bool post(const struct naive_book *book, const struct naive_instrument *instrument,
                 struct naive_order *order)
{
    struct limit limit = {.price = order->price};
    if (order->post == MR_BOOK_POST_NO || !crosses(instrument, order->side, limit))
        return true;
    int64_t best = instrument->sides[1 - order->side].orders[0].price;
    return order->post == MR_BOOK_POST_REPRICE &&
           naive_short_of(book, instrument, order->side, best, &order->price);
}

/* Why the order, which is good by itself, cannot come into the book as it is now; else 0 and its
 * final price. */
static uint32_t book_flaw(const struct naive_book *book, const struct naive_instrument *instrument,
                          const struct mr_book_order_new *command, struct naive_order *order,
                          struct limit *limit)
{
    const struct naive_account *settings = naive_account(book, order->account);
    if (order->account != 0 && settings != NULL && settings->blocked)
        return MR_BOOK_ACCOUNT_IS_BLOCKED;
    if (naive_find(instrument, order->id) != NULL)
        return MR_BOOK_DUPLICATE_ORDER;
    if (!post(book, instrument, order))
        return MR_BOOK_WOULD_CROSS;
    *limit = command->kind == MR_BOOK_KIND_MARKET ? market_limit(instrument, order->side)
                                                  : (struct limit){.price = order->price};
    uint32_t flaw = 0;
    if (order->tif == MR_BOOK_TIF_FOK)
        flaw =
            enough_flaw(book, instrument, order, *limit, command->quantity, MR_BOOK_FOK_UNFILLED);
    else if (command->min_quantity > 0)
        flaw = enough_flaw(book, instrument, order, *limit, command->min_quantity,
                           MR_BOOK_MIN_QUANTITY_UNMET);
    if (flaw != 0)
        return flaw;
    if (order->tif == MR_BOOK_TIF_IOC || order->tif == MR_BOOK_TIF_FOK)
        return 0;
    return room_flaw(book, instrument, order, !crosses(instrument, order->side, *limit));
}

static void report_accepted(struct naive_book *book, struct naive_instrument *instrument,
                            const struct mr_book_order_new *command,
                            const struct naive_order *order)
{
    union mr_book_report *report = naive_report(book, instrument, MR_BOOK_ORDER_ACCEPTED);
    report->accepted.order = order->id;
    report->accepted.account = order->account;
    report->accepted.price = command->kind == MR_BOOK_KIND_MARKET ? 0 : order->price;
    report->accepted.quantity = command->quantity;
    report->accepted.min_quantity = command->min_quantity;
    report->accepted.expires_ns = order->expires_ns;
    report->accepted.instrument = command->instrument;
    report->accepted.side = command->side;
    report->accepted.kind = command->kind;
    report->accepted.tif = command->tif;
    report->accepted.post = command->post;
    report->accepted.stp = command->stp;
}

static void settle_new(struct naive_book *book, struct naive_instrument *instrument,
                       const struct mr_book_order_new *command, const struct naive_order *order,
                       struct limit limit)
{
    const struct naive_side *other = &instrument->sides[1 - order->side];
    if (crosses(instrument, order->side, limit))
        naive_report_cancelled(book, instrument, order, MR_BOOK_CANCEL_FILLS_LIMIT);
    else if (command->kind == MR_BOOK_KIND_MARKET)
        naive_report_cancelled(book, instrument, order,
                               other->count > 0 ? MR_BOOK_CANCEL_COLLAR
                                                : MR_BOOK_CANCEL_MARKET_REMAINDER);
    else if (command->tif == MR_BOOK_TIF_IOC)
        naive_report_cancelled(book, instrument, order, MR_BOOK_CANCEL_IOC_REMAINDER);
    else
        naive_insert(instrument, order);
}

uint32_t naive_new(struct naive_book *book, const struct mr_book_order_new *command)
{
    struct naive_instrument *instrument = naive_instrument(book, command->instrument);
    uint32_t flaw = MR_BOOK_UNKNOWN_INSTRUMENT;
    if (instrument != NULL)
        flaw = command_flaw(book, instrument, command);
    if (flaw != 0)
        return naive_order_rejected(book, instrument, MR_BOOK_ACTION_NEW, command->instrument,
                                    command->order, flaw);
    struct naive_order order = {
        .id = command->order,
        .account = command->account,
        .session = book->session,
        .expires_ns = command->tif == MR_BOOK_TIF_DAY ? day_end(instrument, book->time_ns)
                                                      : command->expires_ns,
        .open = command->quantity,
        .entry = book->entries,
        .price = command->price,
        .side = command->side,
        .tif = command->tif,
        .post = command->post,
        .stp = effective_stp(book, command->account, command->stp),
    };
    struct limit limit;
    flaw = book_flaw(book, instrument, command, &order, &limit);
    if (flaw != 0)
        return naive_order_rejected(book, instrument, MR_BOOK_ACTION_NEW, command->instrument,
                                    command->order, flaw);
    book->entries++;
    report_accepted(book, instrument, command, &order);
    bool cancelled = match(book, instrument, &order, limit);
    if (!cancelled && order.open > 0)
        settle_new(book, instrument, command, &order, limit);
    return 0;
}

/* -- Cancel. ----------------------------------------------------------------------------------- */

static bool may_touch(const struct naive_book *book, const struct naive_order *order,
                      uint64_t account)
{
    bool own = order->account != 0 || order->session == 0 || order->session == book->session;
    return book->role != MR_ROLE_USER || (account == order->account && own);
}

static uint32_t cancel_flaw(const struct naive_book *book,
                            const struct naive_instrument *instrument,
                            const struct mr_book_order_cancel *command)
{
    if (instrument == NULL)
        return MR_BOOK_UNKNOWN_INSTRUMENT;
    const struct naive_order *order = naive_find(instrument, command->order);
    if (order == NULL)
        return MR_BOOK_UNKNOWN_ORDER;
    return may_touch(book, order, command->account) ? 0 : MR_BOOK_NOT_OWNER;
}

uint32_t naive_cancel(struct naive_book *book, const struct mr_book_order_cancel *command)
{
    struct naive_instrument *instrument = naive_instrument(book, command->instrument);
    uint32_t flaw = cancel_flaw(book, instrument, command);
    if (flaw != 0)
        return naive_order_rejected(book, instrument, MR_BOOK_ACTION_CANCEL, command->instrument,
                                    command->order, flaw);
    const struct naive_order *order = naive_find(instrument, command->order);
    naive_report_cancelled(book, instrument, order, MR_BOOK_CANCEL_REQUESTED);
    naive_remove(instrument, order);
    return 0;
}

/* -- Replace. ---------------------------------------------------------------------------------- */

static uint32_t replace_flaw(const struct naive_book *book,
                             const struct naive_instrument *instrument,
                             const struct mr_book_order_replace *command)
{
    if (command->basis > MR_BOOK_BASIS_TOTAL)
        return MR_BOOK_BAD_BASIS;
    if (command->renumber > MR_BOOK_SWITCH_YES)
        return MR_BOOK_BAD_SWITCH;
    uint32_t flaw = phase_flaw(instrument);
    if (flaw == 0)
        flaw = price_flaw(book, instrument, command->price);
    if (flaw == 0)
        flaw = quantity_flaw(instrument, command->quantity);
    if (flaw != 0)
        return flaw;
    const struct naive_order *order = naive_find(instrument, command->order);
    if (order == NULL)
        return MR_BOOK_UNKNOWN_ORDER;
    return may_touch(book, order, command->account) ? 0 : MR_BOOK_NOT_OWNER;
}

/* What the order becomes: 0, or why it cannot. */
static uint32_t wanted_flaw(const struct naive_book *book,
                            const struct naive_instrument *instrument,
                            const struct mr_book_order_replace *command,
                            const struct naive_order *order, struct naive_order *wanted)
{
    *wanted = *order;
    wanted->price = command->price;
    wanted->open = command->basis == MR_BOOK_BASIS_TOTAL ? command->quantity - order->filled
                                                         : command->quantity;
    if (command->renumber == MR_BOOK_SWITCH_YES)
        wanted->id = command->new_order;
    if (wanted->open > instrument->definition.quantity_max - order->filled)
        return MR_BOOK_QUANTITY_TOO_LARGE;
    if (wanted->id != order->id && naive_find(instrument, wanted->id) != NULL)
        return MR_BOOK_DUPLICATE_ORDER;
    return post(book, instrument, wanted) ? 0 : MR_BOOK_WOULD_CROSS;
}

static void report_replaced(struct naive_book *book, struct naive_instrument *instrument,
                            uint64_t previous, const struct naive_order *order,
                            enum mr_book_place place)
{
    union mr_book_report *report = naive_report(book, instrument, MR_BOOK_ORDER_REPLACED);
    report->replaced.order = order->id;
    report->replaced.old_order = previous;
    report->replaced.price = order->price;
    report->replaced.quantity = order->open;
    report->replaced.instrument = instrument->definition.instrument;
    report->replaced.place = (uint8_t)place;
}

/* The order loses its place; nothing is changed if it cannot. */
static uint32_t move(struct naive_book *book, struct naive_instrument *instrument,
                     struct naive_order *order, struct naive_order wanted)
{
    struct limit limit = {.price = wanted.price};
    struct naive_order before = *order;
    struct naive_side *side = &instrument->sides[order->side];
    uint32_t at = (uint32_t)(order - side->orders);
    naive_remove(instrument, order);
    if (!crosses(instrument, wanted.side, limit)) {
        uint32_t flaw = level_flaw(book, instrument, &wanted);
        if (flaw != 0) {
            for (uint32_t i = side->count++; i > at; i--)
                side->orders[i] = side->orders[i - 1];
            side->orders[at] = before;
            return flaw;
        }
    }
    report_replaced(book, instrument, before.id, &wanted, MR_BOOK_PLACE_LOST);
    if (match(book, instrument, &wanted, limit) || wanted.open == 0)
        return 0;
    if (crosses(instrument, wanted.side, limit))
        naive_report_cancelled(book, instrument, &wanted, MR_BOOK_CANCEL_FILLS_LIMIT);
    else
        naive_insert(instrument, &wanted);
    return 0;
}

uint32_t naive_replace(struct naive_book *book, const struct mr_book_order_replace *command)
{
    struct naive_instrument *instrument = naive_instrument(book, command->instrument);
    struct naive_order *order = NULL, wanted;
    uint32_t flaw = MR_BOOK_UNKNOWN_INSTRUMENT;
    if (instrument != NULL)
        flaw = replace_flaw(book, instrument, command);
    if (flaw == 0) {
        order = naive_find(instrument, command->order);
        if (command->basis == MR_BOOK_BASIS_TOTAL && command->quantity <= order->filled) {
            naive_report_cancelled(book, instrument, order, MR_BOOK_CANCEL_REPLACED);
            naive_remove(instrument, order);
            return 0;
        }
        flaw = wanted_flaw(book, instrument, command, order, &wanted);
    }
    if (flaw == 0 && wanted.price == order->price && wanted.open <= order->open) {
        report_replaced(book, instrument, order->id, &wanted, MR_BOOK_PLACE_KEPT);
        *order = wanted;
        return 0;
    }
    if (flaw == 0)
        flaw = move(book, instrument, order, wanted);
    if (flaw != 0)
        naive_order_rejected(book, instrument, MR_BOOK_ACTION_REPLACE, command->instrument,
                             command->order, flaw);
    return flaw;
}
