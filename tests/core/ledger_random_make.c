#include "tests/core/ledger_random_make.h"

#include "core/ledger/ids.h"

enum { COLLIDING_BITS = 11 };

/* -- Accounts. --------------------------------------------------------------------------------- */

static uint64_t some_data(struct ledger_world *world)
{
    uint64_t data = pick(world, 3);
    return chance(world, 25) ? data : 0;
}

static uint16_t account_flags(struct ledger_world *world)
{
    static const uint16_t limits[] = {MR_LEDGER_ACCOUNT_DEBITS_LIMITED,
                                      MR_LEDGER_ACCOUNT_CREDITS_LIMITED};
    uint16_t limit = PICK(world, limits);
    uint16_t flags = chance(world, 30) ? limit : 0;
    if (chance(world, 35))
        flags |= MR_LEDGER_ACCOUNT_HISTORY;
    if (chance(world, 1))
        flags |= MR_LEDGER_ACCOUNT_CLOSED;
    return flags;
}

struct mr_u128 *random_balance(struct ledger_world *world, struct mr_ledger_account *account)
{
    struct mr_u128 *const balances[] = {&account->debits_pending, &account->debits_posted,
                                        &account->credits_pending, &account->credits_posted};
    return PICK(world, balances);
}

void random_make_account(struct ledger_world *world, const struct naive_ledger *naive,
                         struct ledger_step *step)
{
    struct mr_ledger_account *account = &step->account;
    uint64_t number = 1 + pick(world, world->accounts);
    uint64_t beyond = pick(world, 20);
    step->type = MR_LEDGER_ACCOUNT_CREATE;
    const struct mr_ledger_account *existing = naive_account(naive, account_id(number));
    if (existing != NULL && chance(world, 60)) { /* again */
        *account = *existing;
        account->debits_pending = account->debits_posted = mr_u128_of(0, 0);
        account->credits_pending = account->credits_posted = mr_u128_of(0, 0);
        account->flags &= (uint16_t)~MR_LEDGER_ACCOUNT_LINKED;
        if ((account->flags & MR_LEDGER_ACCOUNT_IMPORTED) == 0)
            account->timestamp = 0;
        if (chance(world, 70))
            random_spoil(world, step);
        return;
    }
    account->id = account_id(beyond == 0 ? number + world->accounts : number);
    account->user_data_128.low = some_data(world);
    account->user_data_64 = some_data(world);
    account->user_data_32 = (uint32_t)some_data(world);
    account->ledger = 1 + (uint32_t)pick(world, world->ledgers);
    account->code = 1 + (uint16_t)pick(world, 2);
    account->flags = account_flags(world);
    if (chance(world, 1))
        account->ledger = UINT32_MAX;
    if (chance(world, 3))
        random_balance(world, account)->low = 1 + beyond;
}

/* -- What transfers name. ---------------------------------------------------------------------- */

static struct mr_u128 some_amount(struct ledger_world *world)
{
    static const uint64_t small[] = {0, 1, 2, 3, 5, 10, 10, 100, 1000};
    uint64_t low = PICK(world, small);
    uint64_t dice = pick(world, 6);
    if (!chance(world, world->large))
        return mr_u128_of(0, low);
    if (dice == 0)
        return mr_u128_max();
    if (dice == 1)
        return mr_u128_of(UINT64_MAX, UINT64_MAX - low);
    if (dice == 2)
        return mr_u128_of(UINT64_C(1) << 63, low);
    if (dice == 3)
        return mr_u128_of(UINT64_MAX >> 1, UINT64_MAX - low);
    return dice == 4 ? mr_u128_of(0, UINT64_MAX - low) : mr_u128_of(low, 0);
}

/* Whether an id belongs at the very end of any table, so that others have to begin at the front. */
static bool is_last(const struct ledger_world *world, struct mr_u128 id)
{
    static struct mr_ledger keyed; /* no more of it is looked at than the key */
    uint64_t seed = world->setting.config.hash_seed;
    keyed.hash_key[0] = mr_mix64(seed) | 1;
    keyed.hash_key[1] = mr_mix64(seed + 1) | 1;
    return ledger_hash(&keyed, id) >> (32 - COLLIDING_BITS) == (1U << COLLIDING_BITS) - 1;
}

/* An id between this one and the next number's. */
static struct mr_u128 spread(const struct ledger_world *world, struct mr_u128 id)
{
    id.low <<= 32;
    while (world->colliding && !is_last(world, id))
        id.low++;
    return id;
}

static struct mr_u128 new_id(struct ledger_world *world)
{
    uint64_t dice = pick(world, 1000);
    uint64_t small = pick(world, 40);
    uint64_t random_high = pick(world, 65536);
    uint64_t time_ms = world->time_ns / 1000000, ahead_ms = world->setting.config.id_ahead_ms;
    world->ids++;
    if (world->setting.config.id_scheme == MR_LEDGER_IDS_FREE)
        return dice < 20 ? mr_u128_of(0, small)
                         : spread(world, mr_u128_of(dice < 500 ? 0 : small, world->ids));
    if (dice < 12)
        return mr_u128_of(0, small);
    if (dice < 15) /* as far ahead as may be, or more */
        return mr_ledger_id(time_ms + (ahead_ms < 100000 ? ahead_ms : 2) + (small % 2),
                            (uint16_t)random_high, world->ids);
    if (dice < 18)
        return mr_u128_of(UINT64_MAX, UINT64_MAX - 1 - small);
    if (dice < 60 && time_ms > small) /* older than others */
        return mr_ledger_id(time_ms - small, (uint16_t)random_high, small);
    return spread(world, mr_ledger_id(time_ms, 0, world->ids));
}

static struct mr_u128 some_account(struct ledger_world *world, const struct naive_ledger *naive)
{
    uint64_t at = mr_random_u64(&world->random);
    uint32_t count = naive->now.account_count;
    if (count == 0 || chance(world, 1))
        return account_id(1 + at % (2 * world->accounts));
    return naive->now.accounts[at % count].id;
}

/* A pending transfer, resolved or not; NULL: none comes to mind. */
static const struct mr_ledger_transfer *some_pending(struct ledger_world *world,
                                                     const struct naive_ledger *naive)
{
    const struct naive_list *list = chance(world, 40) ? &naive->now.kept : &naive->now.window;
    uint32_t made = world->recent_count < WORLD_RECENT ? world->recent_count : WORLD_RECENT;
    bool recent = chance(world, 40);
    for (uint32_t tries = 0; tries < 8; tries++) {
        uint64_t at = mr_random_u64(&world->random);
        const struct mr_ledger_transfer *found = NULL;
        if (recent && made > 0)
            found = &world->recent[at % made];
        else if (list->end > list->first)
            found = &list->at[list->first + at % (list->end - list->first)].record;
        if (found != NULL && ((found->flags & MR_LEDGER_PENDING) != 0 || at >> 58 == 0))
            return found;
    }
    return NULL;
}

/* -- Transfers. -------------------------------------------------------------------------------- */

static void make_move(struct ledger_world *world, const struct naive_ledger *naive,
                      struct mr_ledger_transfer *transfer)
{
    transfer->debit_account_id = some_account(world, naive);
    transfer->credit_account_id = some_account(world, naive);
    transfer->amount = some_amount(world);
    transfer->code = 1 + (uint16_t)pick(world, 2);
    const struct mr_ledger_account *debit = naive_account(naive, transfer->debit_account_id);
    transfer->ledger = debit == NULL ? 1 : debit->ledger;
    for (uint32_t i = 0; i < 8; i++) { /* mostly another one, of the same ledger */
        const struct mr_ledger_account *credit = naive_account(naive, transfer->credit_account_id);
        if (credit == NULL || (credit->ledger == transfer->ledger && credit != debit))
            break;
        transfer->credit_account_id = some_account(world, naive);
    }
}

static void make_pending(struct ledger_world *world, struct mr_ledger_transfer *transfer)
{
    static const uint32_t timeouts[] = {0, 1, 1, 2, 3, 60};
    uint32_t timeout = PICK(world, timeouts);
    transfer->flags |= MR_LEDGER_PENDING;
    transfer->timeout = chance(world, 1) ? UINT32_MAX : timeout;
    uint64_t dice = pick(world, 150);
    if (dice < 2)
        transfer->flags |= MR_LEDGER_CLOSING_DEBIT;
    if (dice > 0 && dice < 4)
        transfer->flags |= MR_LEDGER_CLOSING_CREDIT;
}

static void make_balancing(struct ledger_world *world, struct mr_ledger_transfer *transfer)
{
    uint64_t dice = pick(world, 5);
    if (dice != 0)
        transfer->flags |= MR_LEDGER_BALANCING_DEBIT;
    if (dice < 2)
        transfer->flags |= MR_LEDGER_BALANCING_CREDIT;
    if (chance(world, 40))
        transfer->amount = mr_u128_max();
}

/* Posts or voids something, which it may name in full. */
static void make_resolving(struct ledger_world *world, const struct naive_ledger *naive,
                           struct mr_ledger_transfer *transfer)
{
    const struct mr_ledger_transfer *pending = some_pending(world, naive);
    bool post = chance(world, 60);
    uint64_t dice = pick(world, 10);
    if (pending == NULL && chance(world, 90)) {
        make_move(world, naive, transfer);
        return;
    }
    transfer->flags |= post ? MR_LEDGER_POST : MR_LEDGER_VOID;
    transfer->amount = post ? mr_u128_max() : mr_u128_of(0, 0);
    if (pending == NULL) {
        transfer->pending_id = new_id(world);
        return;
    }
    transfer->pending_id = pending->id;
    if (dice < 3)
        transfer->amount = pending->amount;
    else if (dice == 3 && !mr_u128_is_zero(pending->amount))
        (void)mr_u128_subtract(pending->amount, mr_u128_of(0, 1), &transfer->amount);
    else if (dice == 4)
        transfer->amount = some_amount(world);
    if (chance(world, 20))
        transfer->debit_account_id = pending->debit_account_id;
    if (chance(world, 20))
        transfer->credit_account_id = pending->credit_account_id;
    if (chance(world, 20))
        transfer->ledger = pending->ledger;
    if (chance(world, 20))
        transfer->code = pending->code;
    if (chance(world, 3))
        transfer->ledger = 3;
    if (chance(world, 3))
        transfer->code = 3;
}

/* One that was sent before, or is there: the same, or with another field. */
static bool make_again(struct ledger_world *world, const struct naive_ledger *naive,
                       struct ledger_step *step)
{
    const struct naive_list *window = &naive->now.window;
    uint32_t made = world->recent_count < WORLD_RECENT ? world->recent_count : WORLD_RECENT;
    uint64_t at = mr_random_u64(&world->random);
    bool recorded = chance(world, 50);
    if (recorded && window->end > window->first) {
        const struct naive_transfer *existing =
            &window->at[window->first + at % (window->end - window->first)];
        step->transfer = existing->record;
        if ((existing->record.flags & MR_LEDGER_IMPORTED) == 0)
            step->transfer.timestamp = 0;
    } else if (made > 0) {
        step->transfer = world->recent[at % made];
    } else {
        return false;
    }
    if (chance(world, 70))
        step->transfer.flags &= (uint16_t)~MR_LEDGER_LINKED;
    if (chance(world, 70))
        random_spoil(world, step);
    return true;
}

void random_make_transfer(struct ledger_world *world, const struct naive_ledger *naive,
                          struct ledger_step *step)
{
    struct mr_ledger_transfer *transfer = &step->transfer;
    uint64_t kind = pick(world, 100);
    step->type = MR_LEDGER_TRANSFER_CREATE;
    if (kind < 12 && make_again(world, naive, step))
        return;
    transfer->id = new_id(world);
    transfer->user_data_128.low = some_data(world);
    transfer->user_data_64 = some_data(world);
    transfer->user_data_32 = (uint32_t)some_data(world);
    if (kind >= 70) {
        make_resolving(world, naive, transfer);
    } else {
        make_move(world, naive, transfer);
        if (kind >= (world->rushing ? 20U : 45U))
            make_pending(world, transfer);
        if (chance(world, 12))
            make_balancing(world, transfer);
    }
    world->recent[world->recent_count++ % WORLD_RECENT] = *transfer;
}

void random_make_plain(struct ledger_world *world, const struct naive_ledger *naive,
                       struct ledger_step *step)
{
    struct mr_ledger_transfer *transfer = &step->transfer;
    step->type = MR_LEDGER_TRANSFER_CREATE;
    make_move(world, naive, transfer);
    transfer->id = mr_ledger_id(world->time_ns / 1000000, 0, ++world->ids);
    transfer->amount = mr_u128_of(0, 0);
    transfer->user_data_64 = some_data(world);
    transfer->code = chance(world, 1) ? 1 : 2;
}
