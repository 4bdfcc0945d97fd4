/* What queries of the book say, compared with the naive one and with the views. */
#include "tests/core/book_pair.h"

#include <stdlib.h>
#include <string.h>

/* -- After every step. ------------------------------------------------------------------------- */

static const char *compare_queue(const struct view_queue *view, const struct naive_side *naive)
{
    if (view->count != naive->count)
        return "the reports tell of another number of orders (L3)";
    for (uint32_t i = 0; i < view->count; i++) {
        const struct view_order *order = &view->orders[i];
        if (order->id != naive->orders[i].id || order->price != naive->orders[i].price ||
            order->open != naive->orders[i].open)
            return "the reports tell of other orders, or of another order of them (L3)";
    }
    return NULL;
}

static const char *compare_depth(const struct mr_book *book, uint32_t instrument,
                                 enum mr_book_side side, const struct view_depth *view)
{
    /* Room for one more than there are, which must stay empty. */
    struct mr_book_level some[64];
    struct mr_book_level *levels = some;
    if (view->count >= 64)
        levels = malloc((view->count + 1) * sizeof(levels[0]));
    uint32_t count = mr_book_depth(book, instrument, side, levels, view->count + 1);
    const char *flaw = count == view->count ? NULL : "the depth differs (L2)";
    for (uint32_t i = 0; i < count && flaw == NULL; i++) {
        if (levels[i].price != view->levels[i].price ||
            levels[i].quantity != view->levels[i].quantity ||
            levels[i].orders != view->levels[i].orders)
            flaw = "a level of the depth differs (L2)";
    }
    if (levels != some)
        free(levels);
    return flaw;
}

static const char *compare_best(const struct mr_book *book, uint32_t instrument,
                                enum mr_book_side side, const struct naive_side *naive)
{
    int64_t price = 0;
    bool any = mr_book_best(book, instrument, side, &price);
    if (any != (naive->count > 0) || (any && price != naive->orders[0].price))
        return "the best price differs";
    return NULL;
}

static const char *compare_instrument(const struct book_pair *pair,
                                      const struct naive_instrument *naive)
{
    const struct mr_book *book = book_pair_book(pair);
    uint32_t id = naive->definition.instrument;
    const struct view_instrument *view = book_views_instrument(&pair->views, id);
    if (view == NULL || view->trades != naive->trades || view->last_price != naive->last_price ||
        view->phase != naive->definition.phase)
        return "the reports tell of other trades, or of another phase";
    for (uint32_t side = 0; side < 2; side++) {
        const char *flaw = compare_queue(&view->queues[side], &naive->sides[side]);
        if (flaw == NULL)
            flaw = compare_best(book, id, (enum mr_book_side)side, &naive->sides[side]);
        if (flaw == NULL)
            flaw = compare_depth(book, id, (enum mr_book_side)side, &view->depths[side]);
        if (flaw != NULL)
            return flaw;
    }
    return NULL;
}

const char *pair_compare_step(const struct book_pair *pair)
{
    const struct mr_book *book = book_pair_book(pair);
    struct mr_book_totals totals = mr_book_totals_get(book);
    if (totals.instruments != pair->naive.instrument_count ||
        totals.orders != naive_orders(&pair->naive) || totals.trades != pair->naive.trades)
        return "the totals differ";
    if (mr_book_expiry_next(book) != naive_expiry_next(&pair->naive))
        return "the next expiry differs";
    for (uint32_t i = 0; i < pair->naive.instrument_count; i++) {
        const char *flaw = compare_instrument(pair, &pair->naive.instruments[i]);
        if (flaw != NULL)
            return flaw;
    }
    return NULL;
}

/* -- Now and then. ----------------------------------------------------------------------------- */

static bool is_same_order(const struct mr_book_order *order, const struct naive_order *naive,
                          const struct naive_instrument *instrument)
{
    return order->order == naive->id && order->account == naive->account &&
           order->price == naive->price && order->open == naive->open &&
           order->filled == naive->filled && order->expires_ns == naive->expires_ns &&
           order->session == naive->session &&
           order->instrument == instrument->definition.instrument &&
           (uint8_t)order->side == naive->side && (uint8_t)order->tif == naive->tif &&
           (uint8_t)order->post == naive->post && (uint8_t)order->stp == naive->stp;
}

/* One level, whose first order is number `first` of the side; *next: that of the next level. */
static const char *compare_level(const struct mr_book *book,
                                 const struct naive_instrument *instrument, enum mr_book_side side,
                                 uint32_t first, uint32_t *next)
{
    const struct naive_side *naive = &instrument->sides[side];
    uint32_t id = instrument->definition.instrument, last = first;
    int64_t price = naive->orders[first].price;
    uint64_t quantity = 0;
    struct mr_book_level level;
    while (last < naive->count && naive->orders[last].price == price)
        quantity += naive->orders[last++].open;
    *next = last;
    if (!mr_book_level_get(book, id, side, price, &level) || level.price != price ||
        level.quantity != quantity || level.orders != last - first)
        return "what rests at a price differs";
    uint32_t room = last - first + 1;
    struct mr_book_order *orders = malloc(room * sizeof(orders[0]));
    uint32_t count = mr_book_level_orders(book, id, side, price, orders, room);
    const char *flaw = count == room - 1 ? NULL : "the orders at a price are more, or fewer";
    for (uint32_t i = 0; i < count && flaw == NULL; i++) {
        if (!is_same_order(&orders[i], &naive->orders[first + i], instrument))
            flaw = "an order at a price differs";
    }
    if (flaw == NULL && mr_book_level_orders(book, id, side, price, orders, 1) != 1)
        flaw = "the limit of mr_book_level_orders is none";
    free(orders);
    return flaw;
}

static const char *compare_side(const struct mr_book *book,
                                const struct naive_instrument *instrument, enum mr_book_side side)
{
    const struct naive_side *naive = &instrument->sides[side];
    uint32_t id = instrument->definition.instrument;
    struct mr_book_order order;
    for (uint32_t at = 0; at < naive->count;) {
        const char *flaw = compare_level(book, instrument, side, at, &at);
        if (flaw != NULL)
            return flaw;
    }
    for (uint32_t i = 0; i < naive->count; i++) {
        if (!mr_book_order_get(book, id, naive->orders[i].id, &order) ||
            !is_same_order(&order, &naive->orders[i], instrument))
            return "an order differs";
    }
    /* Neither at a price that nobody has, nor under an id that nobody has. */
    struct mr_book_level level;
    for (int64_t price = -3; price <= 3; price++) {
        bool there = false;
        for (uint32_t i = 0; i < naive->count; i++)
            there |= naive->orders[i].price == price;
        if (mr_book_level_get(book, id, side, price, &level) != there)
            return "something rests at a price where nothing does";
    }
    return NULL;
}

static const char *compare_settings(const struct book_pair *pair, uint32_t index)
{
    const struct naive_instrument *naive = &pair->naive.instruments[index];
    const struct mr_book *book = book_pair_book(pair);
    struct mr_book_instrument at, by_id;
    if (!mr_book_instrument_at(book, index, &at) ||
        !mr_book_instrument_get(book, naive->definition.instrument, &by_id))
        return "an instrument is not there";
    const struct mr_book_instrument *both[2] = {&at, &by_id};
    for (uint32_t i = 0; i < 2; i++) {
        const struct mr_book_instrument *real = both[i];
        bool same = memcmp(&real->definition, &naive->definition, sizeof(naive->definition)) == 0 &&
                    memcmp(&real->update, &naive->update, sizeof(naive->update)) == 0 &&
                    real->trades == naive->trades && real->last_price == naive->last_price;
        for (uint32_t side = 0; side < 2; side++)
            same = same && real->orders[side] == naive->sides[side].count &&
                   real->levels[side] == naive_side_levels(&naive->sides[side]);
        if (!same)
            return "an instrument differs";
    }
    return NULL;
}

static int compare_entries(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* When the orders of an account were entered, oldest first; to be freed. */
static uint64_t *entries_of(const struct naive_book *book, uint64_t account, uint32_t *count)
{
    uint64_t *entries = malloc((naive_orders(book) + 1) * sizeof(entries[0]));
    *count = 0;
    for (uint32_t n = 0; n < book->instrument_count; n++) {
        for (uint32_t side = 0; side < 2; side++) {
            const struct naive_side *orders = &book->instruments[n].sides[side];
            for (uint32_t i = 0; i < orders->count; i++) {
                if (orders->orders[i].account == account)
                    entries[(*count)++] = orders->orders[i].entry;
            }
        }
    }
    qsort(entries, *count, sizeof(entries[0]), compare_entries);
    return entries;
}

/* The orders of an account, three at a time. */
static const char *compare_account_orders(const struct book_pair *pair, uint64_t account,
                                          const uint64_t *entries, uint32_t count)
{
    struct mr_book_order orders[3];
    uint64_t cursor = 0;
    uint32_t total = 0;
    do {
        uint32_t got = mr_book_account_orders(book_pair_book(pair), account, orders, 3, &cursor);
        if (got > count - total || (cursor != 0 && got < 3))
            return "an account has more orders";
        for (uint32_t i = 0; i < got; i++) {
            struct naive_instrument *instrument;
            const struct naive_order *naive =
                naive_entered(&pair->naive, entries[total++], &instrument);
            if (!is_same_order(&orders[i], naive, instrument))
                return "an order of an account differs";
        }
    } while (cursor != 0);
    return total == count ? NULL : "an account has fewer orders";
}

static const char *compare_account(const struct book_pair *pair, uint64_t account)
{
    const struct naive_account *settings = naive_account(&pair->naive, account);
    uint32_t count;
    uint64_t *entries = entries_of(&pair->naive, account, &count);
    const char *flaw = compare_account_orders(pair, account, entries, count);
    free(entries);
    if (flaw != NULL)
        return flaw;
    struct mr_book_account found;
    bool known = mr_book_account_get(book_pair_book(pair), account, &found);
    if (known != (settings != NULL || count > 0))
        return "an account is known, or is not";
    bool blocked = settings != NULL && settings->blocked;
    bool has_stp = settings != NULL && settings->stp != MR_BOOK_STP_ACCOUNT;
    uint8_t stp = has_stp ? settings->stp : (uint8_t)MR_BOOK_STP_ALLOW;
    if (known && (found.account != account || found.orders != count || found.blocked != blocked ||
                  (uint8_t)found.stp != stp))
        return "an account differs";
    return NULL;
}

/* What is not there is not found. */
static const char *compare_absent(const struct book_pair *pair)
{
    const struct mr_book *book = book_pair_book(pair);
    struct mr_book_account account;
    struct mr_book_instrument at;
    struct mr_book_order order;
    struct mr_book_level level;
    uint32_t absent = 1;
    int64_t price;
    while (naive_instrument(&pair->naive, absent) != NULL)
        absent++;
    if (mr_book_instrument_at(book, pair->naive.instrument_count, &at) ||
        mr_book_instrument_get(book, absent, &at) || mr_book_account_get(book, 0, &account) ||
        mr_book_best(book, absent, MR_BOOK_SIDE_BUY, &price) ||
        mr_book_level_get(book, absent, MR_BOOK_SIDE_BUY, 0, &level) ||
        mr_book_depth(book, absent, MR_BOOK_SIDE_BUY, &level, 1) != 0 ||
        mr_book_level_orders(book, absent, MR_BOOK_SIDE_BUY, 0, &order, 1) != 0)
        return "something is found that was never there";
    for (uint32_t i = 0; i < pair->naive.instrument_count; i++) {
        const struct naive_instrument *naive = &pair->naive.instruments[i];
        for (uint64_t id = 0; id < 12; id++) {
            bool there = mr_book_order_get(book, naive->definition.instrument, id, &order);
            if (there != (naive_find(naive, id) != NULL))
                return "an order is found that is gone, or is not that lives";
        }
    }
    return NULL;
}

const char *pair_compare_all(const struct book_pair *pair)
{
    const struct mr_book *book = book_pair_book(pair);
    const struct naive_book *naive = &pair->naive;
    struct mr_book_totals totals = mr_book_totals_get(book);
    if (totals.levels != naive_levels(naive) || totals.groups != naive_groups(naive, NULL))
        return "the totals of levels or groups differ";
    const char *flaw = compare_absent(pair);
    for (uint32_t i = 0; i < naive->instrument_count && flaw == NULL; i++) {
        const struct naive_instrument *instrument = &naive->instruments[i];
        flaw = compare_settings(pair, i);
        for (uint32_t side = 0; side < 2 && flaw == NULL; side++)
            flaw = compare_side(book, instrument, (enum mr_book_side)side);
    }
    for (uint64_t account = 1; account <= 8 && flaw == NULL; account++)
        flaw = compare_account(pair, account);
    for (uint32_t i = 0; i < naive->account_count && flaw == NULL; i++)
        flaw = compare_account(pair, naive->accounts[i].account);
    return flaw;
}
