#include "core/book/match.h"

#include "core/book/ids.h"
#include "core/book/levels.h"
#include "core/book/orders.h"
#include "core/book/report.h"

/* One taker on its way through the other side. */
struct run {
    struct mr_book *book;
    struct book_instrument *instrument;
    struct book_side *side; /* the makers' */
    struct book_taker *taker;
    struct mr_book_turn *turn;
    uint64_t traded_key; /* of the last trade's price */
    uint32_t left;       /* meetings */
};

static inline void report_trade(const struct run *run, const struct book_order *maker,
                                uint64_t quantity)
{
    const struct book_taker *taker = run->taker;
    struct book_instrument *instrument = run->instrument;
    BOOK_REPORT(run->turn, instrument, MR_BOOK_TRADE, trade, .trade = instrument->trades,
                .maker = maker->id, .taker = taker->id,
                .price = book_price(maker->side, maker->key), .quantity = quantity,
                .maker_remaining = maker->open, .taker_remaining = taker->open,
                .instrument = instrument->id, .side = taker->side);
}

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

/* The first order of a level has nothing open any more, or gives way: only its place in the list of
 * the level is left for match_level to mend. */
static inline void maker_gone(const struct run *run, struct book_order *maker, uint32_t ref)
{
    run->side->orders--;
    book_id_forget(run->book, maker->hash, ref);
    book_order_free(run->book, maker, ref);
}

/* Trades at the best level and takes out of it who was filled. */
static inline void match_level(struct run *run)
{
    struct mr_book *book = run->book;
    struct book_taker *taker = run->taker;
    uint32_t leaf_ref = run->side->best_leaf;
    struct book_leaf *leaf = book_leaf(book, leaf_ref);
    uint32_t place = book_highest(leaf->page.occupied);
    uint32_t level_ref = book_level_ref(leaf_ref, place);
    struct book_level *level = &leaf->levels[place];
    uint32_t ref = level->link.next;
    do {
        struct book_order *maker = book_order(book, ref);
        run->left--;
        if (is_own(taker, maker)) {
            uint64_t open = maker->open;
            if (!give_way(run, maker))
                break;
            level->quantity -= open;
        } else {
            uint64_t quantity = maker->open < taker->open ? maker->open : taker->open;
            maker->open -= quantity;
            maker->filled += quantity;
            taker->open -= quantity;
            taker->filled += quantity;
            level->quantity -= quantity;
            run->instrument->trades++;
            book->trades++;
            run->traded_key = maker->key;
            report_trade(run, maker, quantity);
            if (maker->open > 0)
                break;
        }
        uint32_t next = maker->link.next;
        maker_gone(run, maker, ref);
        ref = next;
    } while (ref != level_ref && taker->open > 0 && !taker->cancelled && run->left > 0);
    /* Whoever is first now follows the level, also after a partial fill. */
    level->link.next = ref;
    book_link(book, ref)->prev = level_ref;
    book_level_settle(book, run->side, leaf_ref, place, ref == level_ref);
}

void mr_book_match(struct mr_book *book, struct book_instrument *instrument,
                   struct book_taker *taker, struct mr_book_turn *turn)
{
    struct run run = {.book = book,
                      .instrument = instrument,
                      .side = &instrument->sides[taker->side ^ 1],
                      .taker = taker,
                      .turn = turn,
                      .left = book->config.fills_max};
    uint64_t trades = instrument->trades;
    do {
        match_level(&run);
    } while (taker->open > 0 && !taker->cancelled && run.left > 0 &&
             book_crosses(book, run.side, taker->limit));
    if (MR_LIKELY(instrument->trades != trades)) {
        instrument->last_price = book_price(taker->side ^ 1, run.traded_key);
        instrument->collar_base = instrument->last_price;
    }
}

uint32_t mr_book_match_enough(const struct mr_book *book, const struct book_side *other,
                              const struct book_taker *taker, uint64_t quantity)
{
    uint32_t left = book->config.fills_max;
    for (uint32_t ref = book_best_level(book, other); ref != 0;
         ref = mr_book_level_next(book, ref)) {
        if (book_level_key(book, ref) < taker->limit)
            break;
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
