#include "bench/ledger/peer_map.h"

#include <deque>
#include <map>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

namespace
{

__extension__ using u128 = unsigned __int128;

constexpr uint64_t second_ns = 1'000'000'000;

u128 whole(struct mr_u128 value)
{
    return static_cast<u128>(value.high) << 64 | value.low;
}

struct mr_u128 halves(u128 value)
{
    return mr_u128_of(static_cast<uint64_t>(value >> 64), static_cast<uint64_t>(value));
}

struct hash {
    size_t operator()(u128 id) const
    {
        return static_cast<size_t>(static_cast<uint64_t>(id >> 64) * 0x9e3779b97f4a7c15U ^
                                   static_cast<uint64_t>(id));
    }
};

struct balances {
    u128 debits_pending = 0;
    u128 debits_posted = 0;
    u128 credits_pending = 0;
    u128 credits_posted = 0;
};

struct account {
    balances now;
    u128 user_data_128;
    uint64_t user_data_64;
    uint64_t timestamp;
    uint32_t user_data_32;
    uint32_t ledger;
    uint16_t code;
    uint16_t flags;
};

struct transfer {
    struct mr_ledger_transfer created;
    enum mr_ledger_state state;
};

// What a chain has done so far, to be undone if one of its events fails.
struct step {
    account *changed;
    balances before;
};

} // namespace

struct peer_map {
    std::unordered_map<u128, account, hash> accounts;
    std::unordered_map<u128, transfer, hash> transfers;
    std::deque<u128> remembered;                            // oldest first
    std::map<std::pair<uint64_t, uint64_t>, u128> expiries; // by time, then timestamp
    std::vector<step> steps;
    size_t window = 0;
    uint64_t time_ns = 0;

    account *find(struct mr_u128 id)
    {
        auto found = accounts.find(whole(id));
        return found == accounts.end() ? nullptr : &found->second;
    }

    void note(account *changed)
    {
        steps.push_back({changed, changed->now});
    }

    static std::pair<uint64_t, uint64_t> expiry_of(const struct mr_ledger_transfer &pending)
    {
        return {pending.timestamp + pending.timeout * second_ns, pending.timestamp};
    }

    void release(const struct mr_ledger_transfer &pending)
    {
        account *debit = find(pending.debit_account_id);
        account *credit = find(pending.credit_account_id);
        note(debit);
        note(credit);
        debit->now.debits_pending -= whole(pending.amount);
        credit->now.credits_pending -= whole(pending.amount);
    }

    void expire(uint64_t until_ns)
    {
        while (!expiries.empty() && expiries.begin()->first.first <= until_ns) {
            auto found = transfers.find(expiries.begin()->second);
            found->second.state = MR_LEDGER_STATE_EXPIRED;
            release(found->second.created);
            expiries.erase(expiries.begin());
        }
        steps.clear();
    }

    void record(const struct mr_ledger_transfer &event)
    {
        bool pending = (event.flags & MR_LEDGER_PENDING) != 0;
        transfers[whole(event.id)] = {event,
                                      pending ? MR_LEDGER_STATE_PENDING : MR_LEDGER_STATE_NONE};
        if (pending && event.timeout != 0)
            expiries[expiry_of(event)] = whole(event.id);
        remembered.push_back(whole(event.id));
    }

    // Transfers that are pending are kept for good.
    void forget()
    {
        for (; remembered.size() > window; remembered.pop_front()) {
            auto found = transfers.find(remembered.front());
            if (found->second.state != MR_LEDGER_STATE_PENDING)
                transfers.erase(found);
        }
    }

    uint32_t resolve(struct mr_ledger_transfer event)
    {
        auto found = transfers.find(whole(event.pending_id));
        if (found == transfers.end())
            return MR_LEDGER_PENDING_TRANSFER_NOT_FOUND;
        transfer &pending = found->second;
        if (pending.state != MR_LEDGER_STATE_PENDING)
            return MR_LEDGER_PENDING_TRANSFER_NOT_PENDING;
        bool post = (event.flags & MR_LEDGER_POST) != 0;
        bool all = post ? mr_u128_is_max(event.amount) : mr_u128_is_zero(event.amount);
        u128 amount = all ? whole(pending.created.amount) : whole(event.amount);
        if (amount > whole(pending.created.amount))
            return MR_LEDGER_EXCEEDS_PENDING_TRANSFER_AMOUNT;
        event.amount = halves(amount);
        event.debit_account_id = pending.created.debit_account_id;
        event.credit_account_id = pending.created.credit_account_id;
        event.ledger = pending.created.ledger;
        event.code = pending.created.code;
        if (pending.created.timeout != 0)
            expiries.erase(expiry_of(pending.created));
        release(pending.created);
        pending.state = post ? MR_LEDGER_STATE_POSTED : MR_LEDGER_STATE_VOIDED;
        if (post) {
            find(event.debit_account_id)->now.debits_posted += amount;
            find(event.credit_account_id)->now.credits_posted += amount;
        }
        record(event);
        return MR_LEDGER_CREATED;
    }

    uint32_t create(const struct mr_ledger_transfer &event)
    {
        if (transfers.find(whole(event.id)) != transfers.end())
            return MR_LEDGER_EXISTS;
        if ((event.flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0)
            return resolve(event);
        if (mr_u128_equal(event.debit_account_id, event.credit_account_id))
            return MR_LEDGER_ACCOUNTS_MUST_BE_DIFFERENT;
        account *debit = find(event.debit_account_id);
        if (debit == nullptr)
            return MR_LEDGER_DEBIT_ACCOUNT_NOT_FOUND;
        account *credit = find(event.credit_account_id);
        if (credit == nullptr)
            return MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND;
        if (debit->ledger != credit->ledger)
            return MR_LEDGER_ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER;
        if (event.ledger != debit->ledger)
            return MR_LEDGER_TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS;
        note(debit);
        note(credit);
        u128 amount = whole(event.amount);
        bool pending = (event.flags & MR_LEDGER_PENDING) != 0;
        u128 &debits = pending ? debit->now.debits_pending : debit->now.debits_posted;
        u128 &credits = pending ? credit->now.credits_pending : credit->now.credits_posted;
        if (debits + amount < debits)
            return MR_LEDGER_OVERFLOWS_DEBITS_POSTED;
        if (credits + amount < credits)
            return MR_LEDGER_OVERFLOWS_CREDITS_POSTED;
        debits += amount;
        credits += amount;
        record(event);
        return MR_LEDGER_CREATED;
    }

    // Undoes `count` transfers, of which none resolves another.
    void undo(size_t count)
    {
        for (; count > 0; count--) {
            transfers.erase(remembered.back());
            remembered.pop_back();
        }
        for (auto at = steps.rbegin(); at != steps.rend(); ++at)
            at->changed->now = at->before;
    }

    // A chain, or an event alone; returns how many were created.
    uint32_t chain(const struct mr_ledger_transfer *events, uint32_t count,
                   struct mr_ledger_result *results)
    {
        steps.clear();
        for (uint32_t i = 0; i < count; i++) {
            struct mr_ledger_transfer event = events[i];
            event.timestamp = ++time_ns;
            uint32_t reason = create(event);
            results[i] = {event.timestamp, reason, 0};
            if (reason == MR_LEDGER_CREATED)
                continue;
            undo(i);
            for (uint32_t k = 0; k < count; k++)
                if (k != i)
                    results[k] = {event.timestamp, MR_LEDGER_LINKED_EVENT_FAILED, 0};
            return 0;
        }
        forget();
        return count;
    }
};

struct peer_map *peer_map_open(uint32_t accounts, uint32_t window)
{
    try {
        auto *peer = new struct peer_map;
        peer->window = window;
        peer->accounts.reserve(accounts);
        peer->transfers.reserve(window);
        return peer;
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

void peer_map_close(struct peer_map *peer)
{
    delete peer;
}

void peer_map_account_create(struct peer_map *peer, const struct mr_ledger_account *event)
{
    peer->accounts[whole(event->id)] = {{},
                                        whole(event->user_data_128),
                                        event->user_data_64,
                                        ++peer->time_ns,
                                        event->user_data_32,
                                        event->ledger,
                                        event->code,
                                        event->flags};
}

uint32_t peer_map_transfers_create(struct peer_map *peer, const struct mr_ledger_transfer *events,
                                   uint32_t count, uint64_t time_ns,
                                   struct mr_ledger_result *results)
{
    uint32_t created = 0;
    peer->expire(time_ns);
    peer->time_ns = time_ns > peer->time_ns ? time_ns : peer->time_ns;
    for (uint32_t i = 0; i < count;) {
        uint32_t length = 1;
        while (i + length < count && (events[i + length - 1].flags & MR_LEDGER_LINKED) != 0)
            length++;
        created += peer->chain(&events[i], length, &results[i]);
        i += length;
    }
    return created;
}

bool peer_map_account_get(const struct peer_map *peer, struct mr_u128 id,
                          struct mr_ledger_account *out)
{
    auto found = peer->accounts.find(whole(id));
    if (found == peer->accounts.end())
        return false;
    *out = {};
    out->id = id;
    out->debits_pending = halves(found->second.now.debits_pending);
    out->debits_posted = halves(found->second.now.debits_posted);
    out->credits_pending = halves(found->second.now.credits_pending);
    out->credits_posted = halves(found->second.now.credits_posted);
    return true;
}
