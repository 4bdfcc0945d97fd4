#include "bench/ledger/traffic.h"

#include "base/random.h"

#include <math.h>
#include <stdlib.h>

enum {
    AMOUNT_MAX = 1000,
    CHAIN_MIN = 2,
    CHAIN_MAX = 8,
    OPEN_MAX = 1 << 17,
    OPEN_WANTED = 8 * TRAFFIC_BATCH,
    OPEN_NEAR = 4096,   /* of those that are open, one of so many oldest is resolved */
    SCATTER = 15485863, /* a prime that divides none of the numbers of accounts */
};

static const double exponent = 0.99;
static const uint64_t begin_ns = UINT64_C(1700000000) * 1000000000;

/* A pending transfer that is to be resolved. */
struct traffic_open {
    struct mr_u128 id;
    uint64_t amount;
    uint32_t debit, credit;
};

/* -- Random numbers, kept in the traffic itself. ----------------------------------------------- */

static uint64_t draw(struct traffic *traffic)
{
    struct mr_random random = {traffic->random};
    uint64_t drawn = mr_random_u64(&random);
    traffic->random = random.state;
    return drawn;
}

static uint32_t below(struct traffic *traffic, uint32_t bound)
{
    return (uint32_t)(((draw(traffic) >> 32) * bound) >> 32);
}

/* -- Accounts. --------------------------------------------------------------------------------- */

struct mr_u128 traffic_account_id(uint32_t index)
{
    uint64_t number = ((uint64_t)index + 1) * 2;
    return mr_u128_of(mr_mix64(number), mr_mix64(number + 1));
}

struct mr_ledger_account traffic_account(uint32_t index)
{
    return (struct mr_ledger_account){
        .id = traffic_account_id(index), .ledger = TRAFFIC_LEDGER, .code = TRAFFIC_CODE};
}

/* The inverse of the cumulated law, whose density is x^-exponent from 1 to accounts + 1. */
static uint32_t pick_skewed(struct traffic *traffic)
{
    double chance = (double)(draw(traffic) >> 11) * 0x1p-53;
    double rank = pow(1 + chance * traffic->skew_range, 1 / (1 - exponent)) - 1;
    uint64_t whole = rank < (double)traffic->accounts ? (uint64_t)rank : traffic->accounts - 1;
    return (uint32_t)(whole * SCATTER % traffic->accounts);
}

static uint32_t pick(struct traffic *traffic)
{
    return traffic->kind == TRAFFIC_SKEWED ? pick_skewed(traffic)
                                           : below(traffic, traffic->accounts);
}

/* -- Events. ----------------------------------------------------------------------------------- */

static struct mr_u128 new_id(struct traffic *traffic)
{
    uint64_t high = draw(traffic);
    return mr_ledger_id(traffic->time_ns / 1000000, (uint16_t)high, draw(traffic));
}

static struct mr_ledger_transfer *make_plain(struct traffic *traffic)
{
    uint32_t debit = pick(traffic);
    uint32_t credit = pick(traffic);
    while (credit == debit)
        credit = pick(traffic);
    struct mr_ledger_transfer *event = &traffic->events[traffic->count];
    *event = (struct mr_ledger_transfer){
        .id = new_id(traffic),
        .debit_account_id = traffic_account_id(debit),
        .credit_account_id = traffic_account_id(credit),
        .amount = mr_u128_of(0, 1 + (uint64_t)below(traffic, AMOUNT_MAX)),
        .user_data_64 = draw(traffic),
        .ledger = TRAFFIC_LEDGER,
        .code = TRAFFIC_CODE,
    };
    traffic->debits[traffic->count] = debit;
    traffic->credits[traffic->count] = credit;
    traffic->count++;
    traffic->created++;
    return event;
}

static void make_pending(struct traffic *traffic)
{
    struct mr_ledger_transfer *event = make_plain(traffic);
    uint32_t at = traffic->count - 1;
    event->flags = MR_LEDGER_PENDING;
    if (below(traffic, 50) == 0) {
        event->timeout = TRAFFIC_TIMEOUT_S;
        return;
    }
    event->timeout = below(traffic, 4) == 0 ? TRAFFIC_TIMEOUT_LONG_S : 0;
    traffic->open[(traffic->open_first + traffic->open_count++) % OPEN_MAX] =
        (struct traffic_open){.id = event->id,
                              .amount = event->amount.low,
                              .debit = traffic->debits[at],
                              .credit = traffic->credits[at]};
}

/* One of the oldest, in whose place the oldest comes. */
static struct traffic_open take_open(struct traffic *traffic)
{
    struct traffic_open *oldest = &traffic->open[traffic->open_first];
    uint32_t chosen = (traffic->open_first + below(traffic, OPEN_NEAR)) % OPEN_MAX;
    struct traffic_open taken = traffic->open[chosen];
    traffic->open[chosen] = *oldest;
    traffic->open_first = (traffic->open_first + 1) % OPEN_MAX;
    traffic->open_count--;
    return taken;
}

static void make_resolved(struct traffic *traffic, bool post)
{
    struct traffic_open open = take_open(traffic);
    struct mr_ledger_transfer *event = &traffic->events[traffic->count];
    *event = (struct mr_ledger_transfer){
        .id = new_id(traffic),
        .pending_id = open.id,
        .flags = post ? MR_LEDGER_POST : MR_LEDGER_VOID,
    };
    if (post)
        event->amount = below(traffic, 8) == 0 ? mr_u128_of(0, open.amount / 2) : mr_u128_max();
    traffic->debits[traffic->count] = open.debit;
    traffic->credits[traffic->count] = open.credit;
    traffic->count++;
    traffic->created++;
}

/* As long as too few are open, what would resolve one opens one instead. */
static void make_two_phase(struct traffic *traffic)
{
    uint32_t dice = below(traffic, 100);
    bool many = traffic->open_count >= OPEN_WANTED;
    if (dice == 99)
        make_plain(traffic);
    else if (dice >= 50 ? !many : traffic->open_count < OPEN_MAX)
        make_pending(traffic);
    else
        make_resolved(traffic, dice < 94);
}

static void make_chain(struct traffic *traffic)
{
    uint32_t left = TRAFFIC_BATCH - traffic->count;
    uint32_t length = CHAIN_MIN + below(traffic, CHAIN_MAX - CHAIN_MIN + 1);
    length = length < left ? length : left;
    for (uint32_t i = 0; i < length; i++) {
        struct mr_ledger_transfer *event = make_plain(traffic);
        if (i + 1 < length)
            event->flags = MR_LEDGER_LINKED;
    }
    if (below(traffic, 100) == 0) {
        struct mr_ledger_transfer *last = &traffic->events[traffic->count - 1];
        last->credit_account_id = last->debit_account_id;
        traffic->created -= length;
    }
}

void traffic_next(struct traffic *traffic)
{
    traffic->time_ns += TRAFFIC_STEP_NS;
    traffic->count = 0;
    traffic->created = 0;
    while (traffic->count < TRAFFIC_BATCH) {
        if (traffic->kind == TRAFFIC_TWO_PHASE)
            make_two_phase(traffic);
        else if (traffic->kind == TRAFFIC_CHAINS)
            make_chain(traffic);
        else
            make_plain(traffic);
    }
}

/* -- The whole. -------------------------------------------------------------------------------- */

bool traffic_init(struct traffic *traffic, enum traffic_kind kind, uint32_t accounts, uint64_t seed)
{
    *traffic = (struct traffic){
        .kind = kind,
        .accounts = accounts,
        .time_ns = begin_ns,
        .random = seed,
        .skew_range = pow((double)accounts + 1, 1 - exponent) - 1,
        .events = aligned_alloc(4096, (TRAFFIC_BATCH + 2) * sizeof(*traffic->events)),
        .debits = malloc(TRAFFIC_BATCH * sizeof(*traffic->debits)),
        .credits = malloc(TRAFFIC_BATCH * sizeof(*traffic->credits)),
        .open = malloc(OPEN_MAX * sizeof(*traffic->open)),
    };
    return traffic->events != NULL && traffic->debits != NULL && traffic->credits != NULL &&
           traffic->open != NULL;
}

void traffic_free(struct traffic *traffic)
{
    free(traffic->events);
    free(traffic->debits);
    free(traffic->credits);
    free(traffic->open);
    *traffic = (struct traffic){0};
}
