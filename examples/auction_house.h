/*
 * An auction house as a logic: lots are opened, bid for, and closed by the clock. What auction.c
 * runs.
 *
 * A bid may be made on a condition, in two ways. `expected` is the version of the lot that the
 * bidder has seen (how many events it has had): the engine itself rejects the command when it is
 * another by now. `seen` is the price that the bidder has seen: the logic's own, kinder condition,
 * which only minds what matters to a bidder.
 */
#ifndef MR_EXAMPLES_AUCTION_HOUSE_H
#define MR_EXAMPLES_AUCTION_HOUSE_H

#include <millrace/millrace.h>

#include <string.h>

#define SECOND_NS UINT64_C(1000000000)

/* -- Messages. --------------------------------------------------------------------------------- */

#define LOT_STATES(V)                                       \
    V(LOT_OPEN, 0, open)                                    \
    V(LOT_SOLD, 1, sold)                                    \
    V(LOT_NO_BID, 2, no_bid)         /* nobody wanted it */ \
    V(LOT_TOO_LITTLE, 3, too_little) /* the reserve was not met */
enum lot_state { LOT_STATES(MR_ENUM_VALUE) };
MR_ENUM_NAMES(lot_state, LOT_STATES);

#define CONFIG_FIELDS(F)                                    \
    F(u32, lots_max, "lots", "lots that there can ever be") \
    F(u32, soft_close_s, "s", "a bid in so many last seconds leaves the others as many again")
#define LOT_OPEN_FIELDS(F)                                                    \
    F(text32, item, "", "what is sold")                                       \
    F(optional(u64), reserve, "cents", "it is not sold below")                \
    F(u64, raise, "cents", "each bid is at least so much above the last one") \
    F(u32, lasts_s, "s", "how long it can be bid for")                        \
    F(pad(4), reserved, "", "")
#define BID_FIELDS(F)                                                                         \
    F(u64, lot, "", "number of the lot")                                                      \
    F(u64, price, "cents", "what is bid")                                                     \
    F(optional(u64), expected, "", "the lot's version that the bidder has seen; 0: whatever") \
    F(optional(u64), seen, "cents", "the price that the bidder has seen; 0: whatever")
#define LOT_OPENED_FIELDS(F)                  \
    F(text32, item, "", "what is sold")       \
    F(u64, raise, "cents", "the least raise") \
    F(u64, ends_ns, "ns", "when bidding ends")
#define BID_TAKEN_FIELDS(F)                  \
    F(u64, price, "cents", "what was bid")   \
    F(u64, bidder, "", "session of who bid") \
    F(u64, ends_ns, "ns", "when bidding ends now")
#define LOT_CLOSED_FIELDS(F)                                         \
    F(u64, price, "cents", "the highest bid, 0: none")               \
    F(u64, bidder, "", "session of who bid it; the winner, if sold") \
    F(enum8(lot_state), outcome, "", "sold, or why not")             \
    F(pad(7), reserved, "", "")
#define ASK_LOT_FIELDS(F)  F(u64, lot, "", "number of the lot")
#define ASK_LOTS_FIELDS(F) F(optional(u64), after, "", "number of the last lot that is known")
#define LOT_ROW_FIELDS(F)                                  \
    F(text32, item, "", "what is sold")                    \
    F(u64, lot, "", "its number")                          \
    F(u64, lot_version, "", "how many events it has had")  \
    F(u64, price, "cents", "the highest bid, 0: none")     \
    F(u64, bidder, "", "session of who bid it")            \
    F(u64, ends_ns, "ns", "when bidding ends")             \
    F(u32, bids, "bids", "how many were taken")            \
    F(enum8(lot_state), state, "", "open, or its outcome") \
    F(pad(3), reserved, "", "")
MR_MESSAGE_STRUCT(house_config, CONFIG_FIELDS);
MR_MESSAGE_STRUCT(lot_open, LOT_OPEN_FIELDS);
MR_MESSAGE_STRUCT(bid, BID_FIELDS);
MR_MESSAGE_STRUCT(lot_opened, LOT_OPENED_FIELDS);
MR_MESSAGE_STRUCT(bid_taken, BID_TAKEN_FIELDS);
MR_MESSAGE_STRUCT(lot_closed, LOT_CLOSED_FIELDS);
MR_MESSAGE_STRUCT(ask_lot, ASK_LOT_FIELDS);
MR_MESSAGE_STRUCT(ask_lots, ASK_LOTS_FIELDS);
MR_MESSAGE_STRUCT(lot_row, LOT_ROW_FIELDS);

enum { OPEN = MR_CATALOG_LOGIC_FIRST, BID };
enum { OPENED = MR_CATALOG_LOGIC_FIRST, TAKEN, CLOSED };
enum { ASK_LOT = MR_CATALOG_LOGIC_FIRST, ASK_LOTS };
enum { ROW_LOT = MR_CATALOG_LOGIC_FIRST };
enum { AGGREGATE_LOT = MR_CATALOG_LOGIC_FIRST };
enum {
    USER = MR_ROLE_BIT(MR_ROLE_USER),
    OPERATOR = MR_ROLE_BIT(MR_ROLE_OPERATOR),
};
#define HOUSE_REASONS(R)                                                             \
    R(REASON_LOTS_FULL, 64, lots_full, "there can be no more lots")                  \
    R(REASON_UNKNOWN_LOT, 65, unknown_lot, "there is no lot of that number")         \
    R(REASON_CLOSED, 66, closed, "bidding for this lot has ended")                   \
    R(REASON_TOO_LOW, 67, too_low, "the bid is not high enough above the last one")  \
    R(REASON_PRICE_MOVED, 68, price_moved, "the price is not the one that was seen") \
    R(REASON_OWN_BID, 69, own_bid, "the bidder has the highest bid already")
enum { HOUSE_REASONS(MR_REASON_VALUE) };

static const struct mr_message config_message =
    MR_CONFIG(house_config, auction, CONFIG_FIELDS, "Of an auction house");
static const struct mr_message commands[] = {
    MR_COMMAND(OPEN, lot_open, lot_open, LOT_OPEN_FIELDS, OPERATOR, "Offers something for sale"),
    MR_COMMAND_IF(BID, bid, bid, BID_FIELDS, USER, AGGREGATE_LOT, lot, expected, "Bids for a lot")};
static const struct mr_message events[] = {
    MR_EVENT(OPENED, lot_opened, lot_opened, LOT_OPENED_FIELDS, AGGREGATE_LOT, "It is for sale"),
    MR_EVENT(TAKEN, bid_taken, bid_taken, BID_TAKEN_FIELDS, AGGREGATE_LOT, "Somebody bid more"),
    MR_EVENT(CLOSED, lot_closed, lot_closed, LOT_CLOSED_FIELDS, AGGREGATE_LOT, "It is over")};
static const struct mr_message queries[] = {
    MR_QUERY(ASK_LOT, ask_lot, lot, ASK_LOT_FIELDS, USER | OPERATOR, "How a lot stands"),
    MR_QUERY(ASK_LOTS, ask_lots, lots, ASK_LOTS_FIELDS, USER | OPERATOR, "How all lots stand")};
static const struct mr_message rows[] = {
    MR_ROW(ROW_LOT, lot_row, lot, LOT_ROW_FIELDS, "A lot, as it stands")};
static const struct mr_reason reasons[] = {HOUSE_REASONS(MR_REASON_ROW)};
static const struct mr_aggregate_kind aggregates[] = {{AGGREGATE_LOT, "lot"}};
static const struct mr_catalog house_catalog = {.commands = commands,
                                                .events = events,
                                                .reasons = reasons,
                                                .aggregates = aggregates,
                                                .command_count = 2,
                                                .event_count = 3,
                                                .reason_count = 6,
                                                .aggregate_count = 1,
                                                .queries = queries,
                                                .rows = rows,
                                                .query_count = 2,
                                                .row_count = 1};

/* -- State. ------------------------------------------------------------------------------------ */

struct lot {
    struct mr_stream stream;
    uint64_t reserve, raise, price, bidder, ends_ns;
    char item[32];
    uint32_t bids;
    uint32_t timer; /* set while it is open */
    uint64_t state; /* enum lot_state */
};

/* Lots are numbered from 1, in the order in which they were opened. */
struct house {
    uint64_t count;
    struct lot lots[];
};

static uint64_t house_size(const void *config_of)
{
    const struct house_config *config = config_of;
    return config->lots_max == 0
               ? 0
               : sizeof(struct house) + (uint64_t)config->lots_max * sizeof(struct lot);
}

static void house_defaults(void *config_of)
{
    *(struct house_config *)config_of =
        (struct house_config){.lots_max = 4096, .soft_close_s = 300};
}

/* -- Applying. --------------------------------------------------------------------------------- */

static bool set_end(struct mr_context *context, struct lot *lot, uint64_t id, uint64_t ends_ns)
{
    const struct mr_timer timer = {.due_ns = ends_ns, .id = id};
    lot->ends_ns = ends_ns;
    return mr_timer_set(context, &timer, &lot->timer);
}

static uint32_t apply_open(struct mr_context *context, const struct lot_open *open)
{
    struct house *house = context->state;
    const struct house_config *config = context->config;
    if (house->count == config->lots_max)
        return REASON_LOTS_FULL;
    if (open->raise == 0 || open->lasts_s == 0)
        return MR_REASON_BAD_VALUE;
    struct lot *lot = &house->lots[house->count];
    uint64_t id = house->count + 1;
    if (!set_end(context, lot, id, context->time_ns + open->lasts_s * SECOND_NS))
        return MR_REASON_TIMERS_FULL;
    house->count = id;
    lot->reserve = open->reserve;
    lot->raise = open->raise;
    memcpy(lot->item, open->item, sizeof lot->item);
    struct lot_opened *opened =
        mr_emit(context, OPENED, 0, sizeof *opened, AGGREGATE_LOT, id, &lot->stream);
    memcpy(opened->item, lot->item, sizeof opened->item);
    opened->raise = lot->raise;
    opened->ends_ns = lot->ends_ns;
    return 0;
}

/* 0, or why the bid is not taken. Comes before anything is changed: what is rejected leaves no
 * trace. */
static uint32_t refuse(const struct house *house, const struct bid *bid, uint64_t bidder)
{
    if (bid->lot == 0 || bid->lot > house->count)
        return REASON_UNKNOWN_LOT;
    const struct lot *lot = &house->lots[bid->lot - 1];
    if (lot->state != LOT_OPEN)
        return REASON_CLOSED;
    if (lot->bidder == bidder)
        return REASON_OWN_BID;
    if (bid->seen != 0 && bid->seen != lot->price)
        return REASON_PRICE_MOVED;
    return bid->price < lot->price || bid->price - lot->price < lot->raise ? REASON_TOO_LOW : 0;
}

static uint32_t apply_bid(struct mr_context *context, const struct bid *bid, uint64_t bidder)
{
    struct house *house = context->state;
    const struct house_config *config = context->config;
    uint32_t reason = refuse(house, bid, bidder);
    if (reason != 0)
        return reason;
    struct lot *lot = &house->lots[bid->lot - 1];
    lot->price = bid->price;
    lot->bidder = bidder;
    lot->bids++;
    uint64_t soft_ns = context->time_ns + config->soft_close_s * SECOND_NS;
    if (lot->ends_ns < soft_ns) { /* a timer is given back first, so there is one to be had */
        mr_timer_cancel(context, lot->timer);
        if (!set_end(context, lot, bid->lot, soft_ns))
            __builtin_trap();
    }
    struct bid_taken *taken =
        mr_emit(context, TAKEN, 0, sizeof *taken, AGGREGATE_LOT, bid->lot, &lot->stream);
    taken->price = lot->price;
    taken->bidder = bidder;
    taken->ends_ns = lot->ends_ns;
    return 0;
}

static uint32_t house_apply(struct mr_context *context, const struct mr_command *command)
{
    return command->type == OPEN ? apply_open(context, mr_command_body(command))
                                 : apply_bid(context, mr_command_body(command), command->session);
}

/* The hammer falls. */
static void house_timer(struct mr_context *context, const struct mr_timer *timer)
{
    struct house *house = context->state;
    struct lot *lot = &house->lots[timer->id - 1];
    bool enough = lot->price >= lot->reserve;
    lot->state = lot->bids == 0 ? LOT_NO_BID : (enough ? LOT_SOLD : LOT_TOO_LITTLE);
    lot->timer = 0;
    struct lot_closed *closed =
        mr_emit(context, CLOSED, 0, sizeof *closed, AGGREGATE_LOT, timer->id, &lot->stream);
    closed->price = lot->price;
    closed->bidder = lot->bidder;
    closed->outcome = (uint8_t)lot->state;
}

/* -- Asking. ----------------------------------------------------------------------------------- */

static bool add_row(struct mr_inquiry *inquiry, const struct house *house, uint64_t id)
{
    const struct lot *lot = &house->lots[id - 1];
    struct lot_row *row = mr_row_add(inquiry, ROW_LOT, 0, sizeof *row);
    if (row == NULL)
        return false;
    memcpy(row->item, lot->item, sizeof row->item);
    row->lot = id;
    row->lot_version = lot->stream.count;
    row->price = lot->price;
    row->bidder = lot->bidder;
    row->ends_ns = lot->ends_ns;
    row->bids = lot->bids;
    row->state = (uint8_t)lot->state;
    return true;
}

static uint32_t house_query(struct mr_inquiry *inquiry, const struct mr_query *query)
{
    const struct house *house = inquiry->state;
    if (query->type == ASK_LOT) {
        const struct ask_lot *ask = mr_query_body(query);
        if (ask->lot == 0 || ask->lot > house->count)
            return REASON_UNKNOWN_LOT;
        (void)add_row(inquiry, house, ask->lot);
        return 0;
    }
    const struct ask_lots *ask = mr_query_body(query);
    for (uint64_t id = ask->after + 1; id > ask->after && id <= house->count; id++)
        if (!add_row(inquiry, house, id))
            break;
    return 0;
}

static const struct mr_stream *house_stream(const void *state, const void *config, uint16_t kind,
                                            uint64_t id)
{
    const struct house *house = state;
    (void)config;
    return kind == AGGREGATE_LOT && id > 0 && id <= house->count ? &house->lots[id - 1].stream
                                                                 : NULL;
}

/* Open lots have a timer, closed ones an outcome that follows from their bids and their reserve;
 * each event is counted once. */
static bool house_check(const void *state, const void *config_of)
{
    const struct house *house = state;
    const struct house_config *config = config_of;
    if (house->count > config->lots_max)
        return false;
    for (uint64_t i = 0; i < house->count; i++) {
        const struct lot *lot = &house->lots[i];
        bool open = lot->state == LOT_OPEN;
        bool sold = lot->bids > 0 && lot->price >= lot->reserve;
        if (open != (lot->timer != 0) || (lot->bids == 0) != (lot->bidder == 0) ||
            lot->price / lot->raise < lot->bids ||
            lot->stream.count != UINT64_C(1) + lot->bids + !open ||
            (!open && sold != (lot->state == LOT_SOLD)) ||
            (!open && (lot->bids == 0) != (lot->state == LOT_NO_BID)))
            return false;
    }
    return true;
}

static const struct mr_logic auction_house = {.name = "auction",
                                              .version = 1,
                                              .catalog = &house_catalog,
                                              .config = &config_message,
                                              .command_size_max = 128,
                                              .event_size_max = 128,
                                              .config_default = house_defaults,
                                              .state_size = house_size,
                                              .apply = house_apply,
                                              .timer = house_timer,
                                              .check = house_check,
                                              .query = house_query,
                                              .stream = house_stream};

#endif
