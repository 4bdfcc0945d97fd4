#include "bench/book/peer_map.h"

#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <unordered_map>

namespace
{

struct order {
    uint64_t id;
    int64_t price;
    uint64_t open;
    uint8_t side;
};

using level = std::list<order>;
using sells = std::map<int64_t, level>;
using buys = std::map<int64_t, level, std::greater<>>;

bool reaches(uint8_t side, int64_t limit, int64_t price)
{
    return side == MR_BOOK_SIDE_BUY ? price <= limit : price >= limit;
}

union mr_book_report &report(struct mr_book_turn *turn, enum mr_book_event type)
{
    union mr_book_report &made = turn->reports[turn->next++ & turn->mask];
    std::memset(&made, 0, sizeof made);
    made.any.type = static_cast<uint8_t>(type);
    return made;
}

void reject(struct mr_book_turn *turn, enum mr_book_action action, uint32_t instrument, uint64_t id,
            enum mr_book_reason reason)
{
    auto &made = report(turn, MR_BOOK_ORDER_REJECTED).rejected;
    made.order = id;
    made.instrument = instrument;
    made.reason = reason;
    made.action = static_cast<uint8_t>(action);
}

void cancelled(struct mr_book_turn *turn, uint32_t instrument, const order &gone,
               enum mr_book_cancel cause)
{
    auto &made = report(turn, MR_BOOK_ORDER_CANCELLED).cancelled;
    made.order = gone.id;
    made.remaining = gone.open;
    made.instrument = instrument;
    made.cause = static_cast<uint8_t>(cause);
}

template <typename Side>
uint32_t depth(const Side &side, struct mr_book_level *levels, uint32_t limit)
{
    uint32_t count = 0;
    for (const auto &[price, orders] : side) {
        if (count == limit)
            break;
        struct mr_book_level &made = levels[count++];
        made = {price, 0, 0};
        for (const order &resting : orders) {
            made.quantity += resting.open;
            made.orders++;
        }
    }
    return count;
}

} // namespace

struct peer_map {
    buys bids;
    sells asks;
    std::unordered_map<uint64_t, level::iterator> live;
    uint64_t trades = 0;

    void rest(const order &incoming)
    {
        level &at = incoming.side == MR_BOOK_SIDE_BUY ? bids[incoming.price] : asks[incoming.price];
        at.push_back(incoming);
        live[incoming.id] = std::prev(at.end());
    }

    template <typename Side> static void drop(Side &side, level::iterator gone)
    {
        auto at = side.find(gone->price);
        at->second.erase(gone);
        if (at->second.empty())
            side.erase(at);
    }

    void remove(std::unordered_map<uint64_t, level::iterator>::iterator entry)
    {
        if (entry->second->side == MR_BOOK_SIDE_BUY)
            drop(bids, entry->second);
        else
            drop(asks, entry->second);
        live.erase(entry);
    }

    void trade(struct mr_book_turn *turn, uint32_t instrument, order &maker, order &taker)
    {
        uint64_t quantity = maker.open < taker.open ? maker.open : taker.open;
        maker.open -= quantity;
        taker.open -= quantity;
        auto &made = report(turn, MR_BOOK_TRADE).trade;
        made.trade = ++trades;
        made.maker = maker.id;
        made.taker = taker.id;
        made.price = maker.price;
        made.quantity = quantity;
        made.maker_remaining = maker.open;
        made.taker_remaining = taker.open;
        made.instrument = instrument;
        made.side = taker.side;
    }

    template <typename Side>
    void match(Side &others, struct mr_book_turn *turn, uint32_t instrument, order &taker)
    {
        while (taker.open > 0 && !others.empty()) {
            auto best = others.begin();
            if (!reaches(taker.side, taker.price, best->first))
                return;
            order &maker = best->second.front();
            trade(turn, instrument, maker, taker);
            if (maker.open > 0)
                return;
            live.erase(maker.id);
            best->second.pop_front();
            if (best->second.empty())
                others.erase(best);
        }
    }

    void meet(struct mr_book_turn *turn, uint32_t instrument, order &taker)
    {
        if (taker.side == MR_BOOK_SIDE_BUY)
            match(asks, turn, instrument, taker);
        else
            match(bids, turn, instrument, taker);
    }

    void enter(const struct mr_book_order_new &wish, struct mr_book_turn *turn)
    {
        if (live.find(wish.order) != live.end()) {
            reject(turn, MR_BOOK_ACTION_NEW, wish.instrument, wish.order, MR_BOOK_DUPLICATE_ORDER);
            return;
        }
        auto &made = report(turn, MR_BOOK_ORDER_ACCEPTED).accepted;
        made.order = wish.order;
        made.price = wish.price;
        made.quantity = wish.quantity;
        made.instrument = wish.instrument;
        made.side = wish.side;
        made.tif = wish.tif;
        order incoming{wish.order, wish.price, wish.quantity, wish.side};
        meet(turn, wish.instrument, incoming);
        if (incoming.open > 0 && wish.tif == MR_BOOK_TIF_IOC)
            cancelled(turn, wish.instrument, incoming, MR_BOOK_CANCEL_IOC_REMAINDER);
        else if (incoming.open > 0)
            rest(incoming);
    }

    void cancel(const struct mr_book_order_cancel &wish, struct mr_book_turn *turn)
    {
        auto entry = live.find(wish.order);
        if (entry == live.end()) {
            reject(turn, MR_BOOK_ACTION_CANCEL, wish.instrument, wish.order, MR_BOOK_UNKNOWN_ORDER);
            return;
        }
        cancelled(turn, wish.instrument, *entry->second, MR_BOOK_CANCEL_REQUESTED);
        remove(entry);
    }

    void replace(const struct mr_book_order_replace &wish, struct mr_book_turn *turn)
    {
        auto entry = live.find(wish.order);
        if (entry == live.end()) {
            reject(turn, MR_BOOK_ACTION_REPLACE, wish.instrument, wish.order,
                   MR_BOOK_UNKNOWN_ORDER);
            return;
        }
        order changed = *entry->second;
        bool kept = wish.price == changed.price && wish.quantity <= changed.open;
        auto &made = report(turn, MR_BOOK_ORDER_REPLACED).replaced;
        made.order = wish.order;
        made.old_order = wish.order;
        made.price = wish.price;
        made.quantity = wish.quantity;
        made.instrument = wish.instrument;
        made.place = kept ? MR_BOOK_PLACE_KEPT : MR_BOOK_PLACE_LOST;
        if (kept) {
            entry->second->open = wish.quantity;
            return;
        }
        remove(entry);
        changed.price = wish.price;
        changed.open = wish.quantity;
        meet(turn, wish.instrument, changed);
        if (changed.open > 0)
            rest(changed);
    }
};

struct peer_map *peer_map_open(void)
{
    return new peer_map;
}

void peer_map_close(struct peer_map *peer)
{
    delete peer;
}

void peer_map_apply(struct peer_map *peer, const union mr_book_request *request,
                    struct mr_book_turn *turn)
{
    switch (request->any.type) {
    case MR_BOOK_ORDER_NEW:
        peer->enter(request->order_new, turn);
        break;
    case MR_BOOK_ORDER_CANCEL:
        peer->cancel(request->order_cancel, turn);
        break;
    case MR_BOOK_ORDER_REPLACE:
        peer->replace(request->order_replace, turn);
        break;
    default:
        break;
    }
}

uint64_t peer_map_orders(const struct peer_map *peer)
{
    return peer->live.size();
}

uint64_t peer_map_levels(const struct peer_map *peer)
{
    return peer->bids.size() + peer->asks.size();
}

uint32_t peer_map_depth(const struct peer_map *peer, uint8_t side, struct mr_book_level *levels,
                        uint32_t limit)
{
    return side == MR_BOOK_SIDE_BUY ? depth(peer->bids, levels, limit)
                                    : depth(peer->asks, levels, limit);
}
