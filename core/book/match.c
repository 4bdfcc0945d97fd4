#include "core/book/match.h"

#include "core/book/ids.h"
#include "core/book/levels.h"
#include "core/book/orders.h"
#include "core/book/report.h"

/* One taker on its way through the other side. */
struct run {
    struct mr_book *book;
    struct book_instrument *instrument;
    struct book_taker *taker;
    struct mr_book_turn *turn;
};

/* -- Self-trade prevention. -------------------------------------------------------------------- */

static inline bool is_own(const struct book_taker *taker, const struct book_order *maker)
{
    return MR_UNLIKELY(taker->account != 0) && maker->account == taker->account;
}

static void cancel_taker(const struct run *run)
{
    struct book_taker *taker = run->taker;
    book_report_gone(run->turn, run->instrument, taker->id, taker->open, MR_BOOK_CANCEL_SELF_TRADE);
    taker->cancelled = true;
}

/* The larger of the two, which has `remaining` open, has lost `quantity` to the other. */
static void report_reduced(const struct run *run, uint64_t order, uint64_t other, uint64_t quantity,
                           uint64_t remaining)
{
    BOOK_REPORT(run->turn, run->instrument, MR_BOOK_ORDER_REDUCED, reduced, .order = order,
                .other = other, .quantity = quantity, .remaining = remaining,
                .instrument = run->instrument->id);
}

/* A taker meets an order of its own account: true if that order goes, which is then taken out as a
 * filled one is, but with what it has open. */
static bool give_way(const struct run *run, struct book_order *maker)
{
    struct book_taker *taker = run->taker;
    bool both = taker->stp == MR_BOOK_STP_CANCEL_BOTH;
    bool decrement = taker->stp == MR_BOOK_STP_DECREMENT;
    bool maker_goes = both || taker->stp == MR_BOOK_STP_CANCEL_OLDEST ||
                      (decrement && maker->open <= taker->open);
    bool taker_goes = both || taker->stp == MR_BOOK_STP_CANCEL_NEWEST ||
                      (decrement && taker->open <= maker->open);
    if (maker_goes)
        book_report_cancelled(run->turn, run->instrument, maker, MR_BOOK_CANCEL_SELF_TRADE);
    if (decrement && !taker_goes) {
        taker->open -= maker->open;
        taker->reduced += maker->open;
        report_reduced(run, taker->id, maker->id, maker->open, taker->open);
    } else if (decrement && !maker_goes) {
        maker->open -= taker->open;
        book_level_of(run->book, maker)->quantity -= taker->open;
        report_reduced(run, maker->id, taker->id, taker->open, maker->open);
    }
    if (taker_goes)
        cancel_taker(run);
    return maker_goes;
}

/* -- Trading. ---------------------------------------------------------------------------------- */

/* What follows is written once and compiled twice. `careful` is a constant wherever it is used:
 * false for takers that may meet anybody, of which self-trade prevention folds away. */

/* A taker on its way, as far as every trade changes it: in registers, as a compiler could not know
 * that nothing else is written through the pointers at hand. */
struct progress {
    uint64_t open;
    uint64_t trade; /* number of the last trade */
    uint64_t key;   /* of its price */
    uint32_t left;  /* meetings */
};

BOOK_FOLDED void report_trade(const struct run *run, const struct progress *progress,
                              const struct book_order *maker, uint64_t quantity,
                              uint64_t maker_open)
{
    struct book_instrument *instrument = run->instrument;
    BOOK_REPORT(run->turn, instrument, MR_BOOK_TRADE, trade, .trade = progress->trade,
                .maker = maker->id, .taker = run->taker->id,
                .price = book_price(maker->side, maker->key), .quantity = quantity,
                .maker_remaining = maker_open, .taker_remaining = progress->open,
                .instrument = instrument->id, .side = run->taker->side);
}

/* Trades with a maker of somebody else's; true: nothing of the maker is left. */
BOOK_FOLDED bool fill(const struct run *run, struct progress *progress, struct book_order *maker)
{
    uint64_t maker_open = maker->open;
    uint64_t quantity = maker_open < progress->open ? maker_open : progress->open;
    maker_open -= quantity;
    progress->open -= quantity;
    progress->trade++;
    progress->key = maker->key;
    book_level_of(run->book, maker)->quantity -= quantity;
    report_trade(run, progress, maker, quantity, maker_open);
    if (maker_open == 0)
        return true;
    maker->open = maker_open;
    maker->filled += quantity;
    return false;
}

/* Meets an order of the taker's own account; true: that order goes. */
static bool meet_own(const struct run *run, struct progress *progress, struct book_order *maker)
{
    uint64_t open = maker->open;
    run->taker->open = progress->open;
    bool goes = give_way(run, maker);
    progress->open = run->taker->open;
    if (goes)
        book_level_of(run->book, maker)->quantity -= open;
    return goes;
}

/* Trades at the best level and takes out of it who was filled. */
BOOK_FOLDED void match_level(const struct run *run, struct book_side *side,
                             struct progress *progress, bool careful)
{
    struct mr_book *book = run->book;
    uint32_t leaf_ref = side->best_leaf;
    struct book_leaf *leaf = book_leaf(book, leaf_ref);
    uint32_t place = side->best_key % BOOK_PAGE_LEVELS;
    uint32_t level_ref = book_level_ref(leaf_ref, place);
    struct book_level *level = &leaf->levels[place];
    uint32_t ref = level->link.next;
    uint32_t gone = 0;
    do {
        struct book_order *maker = book_order(book, ref);
        progress->left--;
        bool goes = careful && is_own(run->taker, maker) ? meet_own(run, progress, maker)
                                                         : fill(run, progress, maker);
        if (!goes)
            break;
        uint32_t next = maker->link.next;
        book_id_forget(book, maker->hash, ref);
        book_order_free(book, maker, ref);
        gone++;
        ref = next;
    } while (ref != level_ref && progress->open > 0 && !(careful && run->taker->cancelled) &&
             progress->left > 0);
    /* Whoever is first now follows the level, also after a partial fill. */
    level->link.next = ref;
    book_link(book, ref)->prev = level_ref;
    level->orders -= gone;
    side->orders -= gone;
    book_level_settle(book, side, leaf_ref, place, ref == level_ref);
}

BOOK_FOLDED void match(const struct run *run, bool careful)
{
    struct book_instrument *instrument = run->instrument;
    struct book_taker *taker = run->taker;
    struct book_side *side = &instrument->sides[taker->side ^ 1];
    uint64_t started = taker->open, trades = instrument->trades;
    struct progress progress = {
        .open = started, .trade = trades, .left = run->book->config.fills_max};
    do {
        match_level(run, side, &progress, careful);
    } while (progress.open > 0 && !(careful && taker->cancelled) && progress.left > 0 &&
             book_crosses(side, taker->limit));
    taker->filled = started - progress.open - (careful ? taker->reduced : 0);
    taker->open = progress.open;
    if (careful && progress.trade == trades)
        return;
    instrument->trades = progress.trade;
    run->book->trades += progress.trade - trades;
    instrument->last_price = book_price(taker->side ^ 1, progress.key);
    instrument->collar_base = instrument->last_price;
}

__attribute__((noinline)) static void match_careful(const struct run *run)
{
    match(run, true);
}

void mr_book_match(struct mr_book *book, struct book_instrument *instrument,
                   struct book_taker *taker, struct mr_book_turn *turn)
{
    struct run run = {.book = book, .instrument = instrument, .taker = taker, .turn = turn};
    if (MR_LIKELY(taker->account == 0))
        match(&run, false);
    else
        match_careful(&run);
}

uint32_t mr_book_match_enough(const struct mr_book *book, const struct book_side *other,
                              const struct book_taker *taker, uint64_t quantity)
{
    uint32_t left = book->config.fills_max;
    for (uint32_t ref = book_best_level(other); ref != 0; ref = mr_book_level_next(book, ref)) {
        if (book_level_key(book, ref) < taker->limit)
            break;
        const struct book_level *level = book_level(book, ref);
        if (taker->account == 0 && left < level->orders && level->quantity < quantity)
            return MR_BOOK_FILLS_LIMIT;
        if (taker->account == 0 && left >= level->orders) { /* no order's own case matters */
            if (level->quantity >= quantity)
                return 0;
            quantity -= level->quantity;
            left -= level->orders;
            continue;
        }
        for (uint32_t next = book_link(book, ref)->next; next != ref;) {
            const struct book_order *maker = book_order(book, next);
            if (left-- == 0)
                return MR_BOOK_FILLS_LIMIT;
            if (is_own(taker, maker)) {
                if (taker->stp != MR_BOOK_STP_CANCEL_OLDEST)
                    return MR_BOOK_FOK_UNFILLED;
            } else if (maker->open >= quantity) {
                return 0;
            } else {
                quantity -= maker->open;
            }
            next = maker->link.next;
        }
    }
    return MR_BOOK_FOK_UNFILLED;
}
