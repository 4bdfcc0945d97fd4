/*
 * A new order, from its checks to its place in the book.
 *
 * Most orders are *plain*: gtc or ioc limit orders for an instrument without ticks, lots and the
 * like. That is asked once, at the beginning, and then whether they have an account or a session.
 * What follows is written once and compiled for each of these three: of a plain order that is
 * nobody's an entry is nothing but price and key, and the rest folds away.
 */
#include "core/book/controls.h"
#include "core/book/instruments.h"
#include "core/book/orders.h"
#include "core/book/report.h"

#include <millrace/common.h>

/* How much of what follows an order needs. */
enum care {
    CARE_PLAIN, /* nothing special */
    CARE_OWNED, /* nothing special, but an account or a session */
    CARE_ANY,
};

/* What an order is, once all that it leaves to others is filled in. */
struct entry {
    int64_t price;  /* after re-pricing; 0 for market orders */
    uint64_t key;   /* of it */
    uint64_t limit; /* least key of the other side that it trades with */
    struct book_joins joins;
    uint64_t must_trade;  /* at once, 0: nothing */
    uint64_t stp_account; /* whose orders it must not meet, 0: it may meet all */
    uint8_t stp;          /* effective */
    bool market;
};

/* -- Checks. ----------------------------------------------------------------------------------- */

uint32_t mr_book_price_flaw(const struct mr_book *book, const struct book_instrument *instrument,
                            int64_t price)
{
    if (price < instrument->price_min || price > instrument->price_max)
        return MR_BOOK_PRICE_OUT_OF_RANGE;
    if ((instrument->special & BOOK_HAS_TICKS) != 0 &&
        !mr_book_price_on_tick(book, instrument, price))
        return MR_BOOK_OFF_TICK;
    return 0;
}

uint32_t mr_book_post_only(const struct mr_book *book, const struct book_instrument *instrument,
                           uint8_t side, uint8_t post, uint64_t *key)
{
    const struct book_side *other = &instrument->sides[side ^ 1];
    int64_t price;
    if (!book_crosses(other, ~*key))
        return 0;
    if (post == MR_BOOK_POST_REJECT ||
        !mr_book_price_short_of(book, instrument, side, book_price(side ^ 1, other->best_key),
                                &price))
        return MR_BOOK_WOULD_CROSS;
    *key = book_key(side, price);
    return 0;
}

uint32_t mr_book_quantity_flaw(const struct book_instrument *instrument, uint64_t quantity)
{
    if (quantity == 0)
        return MR_BOOK_ZERO_QUANTITY;
    if ((instrument->special & BOOK_HAS_LOT) != 0 && quantity % instrument->lot != 0)
        return MR_BOOK_OFF_LOT;
    return quantity > instrument->quantity_max ? MR_BOOK_QUANTITY_TOO_LARGE : 0;
}

/* Values of fields that do not go with one another, or are none at all. */
static uint32_t kind_flaw(const struct mr_book_order_new *command)
{
    bool market = command->kind == MR_BOOK_KIND_MARKET;
    if (command->side > MR_BOOK_SIDE_SELL)
        return MR_BOOK_BAD_SIDE;
    if (command->kind > MR_BOOK_KIND_MARKET)
        return MR_BOOK_BAD_KIND;
    if (command->tif > MR_BOOK_TIF_GTD || (market && book_may_rest(command->tif)))
        return MR_BOOK_BAD_TIF;
    if (command->post > MR_BOOK_POST_REPRICE)
        return MR_BOOK_BAD_POST;
    if (command->post != MR_BOOK_POST_NO &&
        (!book_may_rest(command->tif) || command->min_quantity != 0))
        return MR_BOOK_BAD_POST;
    return command->stp > MR_BOOK_STP_DECREMENT ? MR_BOOK_BAD_STP : 0;
}

static uint32_t size_flaw(const struct book_instrument *instrument,
                          const struct mr_book_order_new *command)
{
    uint32_t reason = mr_book_quantity_flaw(instrument, command->quantity);
    if (reason != 0)
        return reason;
    if (command->min_quantity > command->quantity ||
        ((instrument->special & BOOK_HAS_LOT) != 0 && command->min_quantity % instrument->lot != 0))
        return MR_BOOK_BAD_MIN_QUANTITY;
    return 0;
}

static uint32_t any_flaw(const struct mr_book *book, const struct book_instrument *instrument,
                         const struct mr_book_order_new *command, const struct mr_book_turn *turn)
{
    uint32_t reason = kind_flaw(command);
    if (reason == 0)
        reason = book_phase_flaw(instrument);
    if (reason == 0 && command->kind == MR_BOOK_KIND_LIMIT)
        reason = mr_book_price_flaw(book, instrument, command->price);
    if (reason == 0)
        reason = size_flaw(instrument, command);
    if (reason != 0)
        return reason;
    bool good = command->tif == MR_BOOK_TIF_GTD ? command->expires_ns > turn->time_ns
                                                : command->expires_ns == 0;
    if (command->tif == MR_BOOK_TIF_DAY && turn->time_ns == UINT64_MAX)
        good = false; /* no day ends after that */
    return good ? 0 : MR_BOOK_BAD_EXPIRY;
}

/* Whether an order is plain and has no flaw, found with one branch. */
static inline bool is_plain_and_good(const struct book_instrument *instrument,
                                     const struct mr_book_order_new *command)
{
    uint64_t wide = command->min_quantity | command->expires_ns;
    uint32_t narrow; /* side, kind, tif and post: the first and the third may be 1 */
    _Static_assert(offsetof(struct mr_book_order_new, post) ==
                       offsetof(struct mr_book_order_new, side) + 3,
                   "neighbours");
    __builtin_memcpy(&narrow, &command->side, sizeof(narrow));
    narrow = (narrow & ~UINT32_C(0x00010001)) | command->stp |
             (instrument->special & ~(uint32_t)BOOK_HAS_TOP);
    return ((wide | narrow) == 0) & (command->price >= instrument->price_min) &
           (command->price <= instrument->price_max) &
           (command->quantity - 1 < instrument->quantity_max);
}

/* -- What the others need. --------------------------------------------------------------------- */

/* The worst price at which a market order trades, as the least key of the other side. */
static uint64_t market_limit(const struct book_instrument *instrument, uint8_t side)
{
    if (instrument->collar == 0)
        return 0;
    uint64_t base = book_key(side, instrument->collar_base);
    uint64_t key = base > UINT64_MAX - instrument->collar ? UINT64_MAX : base + instrument->collar;
    return ~key;
}

/* Fills in what follows from whose order it is. */
static uint32_t owner_prepare(const struct mr_book *book, const struct mr_book_order_new *command,
                              const struct mr_book_turn *turn, struct entry *entry)
{
    uint8_t stp = command->stp;
    if (command->account != 0) {
        uint32_t number = book_group_lookup(book, BOOK_GROUP_ACCOUNT, command->account);
        const struct book_group *account = number == 0 ? NULL : book_group(book, number);
        if (account != NULL && account->blocked)
            return MR_BOOK_ACCOUNT_IS_BLOCKED;
        if (account != NULL && stp == MR_BOOK_STP_ACCOUNT)
            stp = account->stp;
        entry->joins.keys[BOOK_GROUP_ACCOUNT] = command->account;
        entry->joins.groups[BOOK_GROUP_ACCOUNT] = number;
    }
    entry->joins.keys[BOOK_GROUP_SESSION] = turn->session;
    entry->stp = stp == MR_BOOK_STP_ACCOUNT ? MR_BOOK_STP_ALLOW : stp;
    entry->stp_account = book_stp_account(command->account, entry->stp);
    return 0;
}

/* Checks an order that is not plain and fills in what it leaves to its account and instrument. */
static uint32_t entry_prepare(const struct mr_book *book, const struct book_instrument *instrument,
                              const struct mr_book_order_new *command,
                              const struct mr_book_turn *turn, struct entry *entry)
{
    uint32_t reason = any_flaw(book, instrument, command, turn);
    if (reason == 0)
        reason = owner_prepare(book, command, turn, entry);
    if (reason != 0)
        return reason;
    entry->must_trade = command->min_quantity;
    entry->market = command->kind == MR_BOOK_KIND_MARKET;
    if (entry->market) {
        entry->price = 0;
        entry->limit = market_limit(instrument, command->side);
    }
    if (command->tif == MR_BOOK_TIF_DAY || command->tif == MR_BOOK_TIF_GTD)
        entry->joins.keys[BOOK_GROUP_EXPIRY] =
            mr_book_expiry_of(instrument, command->tif, command->expires_ns, turn->time_ns);
    return 0;
}

static uint32_t post_only(const struct mr_book *book, const struct book_instrument *instrument,
                          const struct mr_book_order_new *command, struct entry *entry)
{
    uint32_t reason =
        mr_book_post_only(book, instrument, command->side, command->post, &entry->key);
    entry->price = book_price(command->side, entry->key);
    entry->limit = ~entry->key;
    return reason;
}

static uint32_t must_trade_flaw(const struct mr_book *book,
                                const struct book_instrument *instrument,
                                const struct mr_book_order_new *command, const struct entry *entry)
{
    bool fok = command->tif == MR_BOOK_TIF_FOK;
    struct book_taker taker = {
        .limit = entry->limit, .account = entry->stp_account, .stp = entry->stp};
    uint32_t reason = mr_book_match_enough(book, &instrument->sides[command->side ^ 1], &taker,
                                           fok ? command->quantity : entry->must_trade);
    return reason == MR_BOOK_FOK_UNFILLED && !fok ? MR_BOOK_MIN_QUANTITY_UNMET : reason;
}

/* -- Room. ------------------------------------------------------------------------------------- */

/* Why an order that meets nothing cannot rest. One that trades and rests afterwards has taken a
 * whole level away, so that there is room for it. */
BOOK_FOLDED uint32_t room_flaw(const struct mr_book *book, const struct book_instrument *instrument,
                               const struct mr_book_order_new *command, uint64_t key, bool plain)
{
    const struct book_side *side = &instrument->sides[command->side];
    if (MR_UNLIKELY(book->live == book->config.orders_max))
        return MR_BOOK_ORDERS_FULL;
    if (MR_UNLIKELY(book->levels == book->config.levels_max) &&
        mr_book_level_find(book, side, key) == 0)
        return MR_BOOK_LEVELS_FULL;
    if (!plain && (instrument->special & BOOK_IS_WIDE) != 0 &&
        book_level_overflows(book, side, key, command->quantity, 0))
        return MR_BOOK_LEVEL_QUANTITY_FULL;
    return 0;
}

/* Why an order that may rest cannot join what it belongs to. */
static uint32_t joins_flaw(struct mr_book *book, struct entry *entry, struct mr_book_turn *turn)
{
    uint64_t expires_ns = entry->joins.keys[BOOK_GROUP_EXPIRY];
    if (!mr_book_groups_have_room(book, &entry->joins))
        return MR_BOOK_GROUPS_FULL;
    if (expires_ns != 0 && !mr_book_expiry_arm(book, turn, expires_ns))
        return MR_REASON_TIMERS_FULL;
    return 0;
}

/* -- Entering. --------------------------------------------------------------------------------- */

BOOK_FOLDED void report_accepted(struct mr_book_turn *turn, struct book_instrument *instrument,
                                 const struct mr_book_order_new *command, const struct entry *entry)
{
    BOOK_REPORT(turn, instrument, MR_BOOK_ORDER_ACCEPTED, accepted, .order = command->order,
                .account = command->account, .price = entry->price, .quantity = command->quantity,
                .min_quantity = command->min_quantity,
                .expires_ns = entry->joins.keys[BOOK_GROUP_EXPIRY],
                .instrument = command->instrument, .side = command->side, .kind = command->kind,
                .tif = command->tif, .post = command->post, .stp = command->stp);
}

/* Puts what is open into the book; `slot` is where its id belongs. */
BOOK_FOLDED void enter(struct mr_book *book, struct book_instrument *instrument,
                       const struct mr_book_order_new *command, const struct entry *entry,
                       struct book_id *slot, uint32_t hash, uint64_t open, uint64_t filled,
                       bool plain)
{
    uint32_t ref = book_order_take(book);
    struct book_order *order = book_order(book, ref);
    order->id = command->order;
    order->account = command->account;
    order->key = entry->key;
    order->open = open;
    order->filled = filled;
    order->hash = hash;
    order->instrument = book->recent_instrument; /* see book_slot_of */
    order->side = command->side;
    order->tif = command->tif;
    order->post_stp = book_post_stp(command->post, entry->stp);
    order->groups = 0;
    book_id_insert(book, slot, hash, ref);
    book_level_append(book, &instrument->sides[command->side], order, ref);
    if (!plain)
        mr_book_groups_join(book, order, &entry->joins);
}

static enum mr_book_cancel remainder_cause(const struct entry *entry, bool limited, bool others)
{
    if (limited)
        return MR_BOOK_CANCEL_FILLS_LIMIT;
    if (!entry->market)
        return MR_BOOK_CANCEL_IOC_REMAINDER;
    return others ? MR_BOOK_CANCEL_COLLAR : MR_BOOK_CANCEL_MARKET_REMAINDER;
}

/* A new order that meets the other side. */
BOOK_FOLDED void trade(struct mr_book *book, struct book_instrument *instrument,
                       const struct mr_book_order_new *command, const struct entry *entry,
                       struct mr_book_turn *turn, uint32_t hash, bool plain)
{
    const struct book_side *other = &instrument->sides[command->side ^ 1];
    struct book_taker taker = {.id = command->order,
                               .open = command->quantity,
                               .limit = entry->limit,
                               .account = entry->stp_account,
                               .side = command->side,
                               .stp = entry->stp};
    mr_book_match(book, instrument, &taker, turn);
    if (taker.open == 0 || (!plain && taker.cancelled))
        return;
    bool limited = book_crosses(other, taker.limit);
    if (book_may_rest(command->tif) && !limited) {
        /* Where it was looked for before is no longer its slot: the fills have moved entries. */
        struct book_id_table table = book_id_table_of(book, hash);
        struct book_id *slot = book_slot_of(book, &table, hash, command->order);
        enter(book, instrument, command, entry, slot, hash, taker.open, taker.filled, plain);
    } else {
        book_report_gone(turn, instrument, command->order, taker.open,
                         remainder_cause(entry, limited, other->best_leaf != 0));
    }
}

/* `care` is a constant wherever this is used. */
BOOK_FOLDED uint32_t new_order(struct mr_book *book, struct book_instrument *instrument,
                               const struct mr_book_order_new *command, struct mr_book_turn *turn,
                               enum care care)
{
    bool plain = care == CARE_PLAIN;
    struct entry entry = {.price = command->price, .stp = MR_BOOK_STP_ALLOW};
    entry.key = book_key(command->side, command->price);
    entry.limit = ~entry.key;
    uint32_t reason = 0;
    if (care == CARE_OWNED)
        reason = owner_prepare(book, command, turn, &entry);
    else if (care == CARE_ANY)
        reason = entry_prepare(book, instrument, command, turn, &entry);
    if (reason != 0)
        return reason;
    uint32_t hash = book_id_hash(book, instrument, command->order);
    struct book_id_table table = book_id_table_of(book, hash);
    struct book_id *slot = book_slot_of(book, &table, hash, command->order);
    if (MR_UNLIKELY(slot->ref != 0))
        return MR_BOOK_DUPLICATE_ORDER;
    if (care == CARE_ANY && command->post != MR_BOOK_POST_NO)
        reason = post_only(book, instrument, command, &entry);
    else if (care == CARE_ANY && (command->tif == MR_BOOK_TIF_FOK || entry.must_trade != 0))
        reason = must_trade_flaw(book, instrument, command, &entry);
    if (reason != 0)
        return reason;

    bool may_rest = book_may_rest(command->tif);
    bool crosses = book_crosses(&instrument->sides[command->side ^ 1], entry.limit);
    if (!crosses && may_rest)
        reason = room_flaw(book, instrument, command, entry.key, care != CARE_ANY);
    if (!plain && reason == 0 && may_rest)
        reason = joins_flaw(book, &entry, turn);
    if (MR_UNLIKELY(reason != 0))
        return reason;

    report_accepted(turn, instrument, command, &entry);
    if (crosses)
        trade(book, instrument, command, &entry, turn, hash, plain);
    else if (may_rest)
        enter(book, instrument, command, &entry, slot, hash, command->quantity, 0, plain);
    else
        book_report_gone(
            turn, instrument, command->order, command->quantity,
            remainder_cause(&entry, false, instrument->sides[command->side ^ 1].best_leaf != 0));
    return 0;
}

__attribute__((noinline)) static uint32_t new_owned(struct mr_book *book,
                                                    struct book_instrument *instrument,
                                                    const struct mr_book_order_new *command,
                                                    struct mr_book_turn *turn)
{
    return new_order(book, instrument, command, turn, CARE_OWNED);
}

__attribute__((noinline)) static uint32_t new_any(struct mr_book *book,
                                                  struct book_instrument *instrument,
                                                  const struct mr_book_order_new *command,
                                                  struct mr_book_turn *turn)
{
    return new_order(book, instrument, command, turn, CARE_ANY);
}

uint32_t mr_book_new_apply(struct mr_book *book, const struct mr_book_order_new *command,
                           struct mr_book_turn *turn)
{
    struct book_instrument *instrument = book_instrument_near(book, command->instrument);
    uint32_t reason;
    if (MR_UNLIKELY(instrument == NULL))
        reason = MR_BOOK_UNKNOWN_INSTRUMENT;
    else if (MR_UNLIKELY(!is_plain_and_good(instrument, command)))
        reason = new_any(book, instrument, command, turn);
    else if ((command->account | turn->session) != 0)
        reason = new_owned(book, instrument, command, turn);
    else
        reason = new_order(book, instrument, command, turn, CARE_PLAIN);
    if (MR_UNLIKELY(reason != 0))
        return book_report_rejected(turn, instrument, MR_BOOK_ACTION_NEW, command->instrument,
                                    command->order, reason);
    if (MR_UNLIKELY((instrument->special & BOOK_HAS_TOP) != 0))
        mr_book_top_publish(book, turn, instrument);
    return 0;
}
