#include "tests/core/naive_book.h"

#include <stdlib.h>
#include <string.h>

void naive_open(struct naive_book *book, const struct mr_book_config *config, bool no_timers)
{
    *book = (struct naive_book){.config = *config, .no_timers = no_timers};
    book->instruments = calloc(config->instruments_max, sizeof(*book->instruments));
    book->tables = calloc(config->tick_tables_max, sizeof(*book->tables));
    book->accounts = calloc(config->groups_max, sizeof(*book->accounts));
}

void naive_close(struct naive_book *book)
{
    for (uint32_t i = 0; i < book->instrument_count; i++) {
        free(book->instruments[i].sides[0].orders);
        free(book->instruments[i].sides[1].orders);
    }
    free(book->instruments);
    free(book->tables);
    free(book->accounts);
    free(book->reports);
    free(book->sweep);
}

/* -- Reports. ---------------------------------------------------------------------------------- */

union mr_book_report *naive_report(struct naive_book *book, struct naive_instrument *instrument,
                                   enum mr_book_event type)
{
    if (book->report_count == book->report_room) {
        book->report_room = 2 * book->report_room + 16;
        book->reports = realloc(book->reports, book->report_room * sizeof(book->reports[0]));
    }
    struct naive_report *report = &book->reports[book->report_count++];
    memset(report, 0, sizeof(*report));
    report->report.any.type = (uint8_t)type;
    if (instrument != NULL)
        report->stream = (uint32_t)(instrument - book->instruments) + 1;
    return &report->report;
}

void naive_report_cancelled(struct naive_book *book, struct naive_instrument *instrument,
                            const struct naive_order *order, enum mr_book_cancel cause)
{
    union mr_book_report *report = naive_report(book, instrument, MR_BOOK_ORDER_CANCELLED);
    report->cancelled.order = order->id;
    report->cancelled.remaining = order->open;
    report->cancelled.instrument = instrument->definition.instrument;
    report->cancelled.cause = (uint8_t)cause;
}

uint32_t naive_order_rejected(struct naive_book *book, struct naive_instrument *instrument,
                              enum mr_book_action action, uint32_t instrument_id, uint64_t order,
                              uint32_t reason)
{
    union mr_book_report *report = naive_report(book, instrument, MR_BOOK_ORDER_REJECTED);
    report->rejected.order = order;
    report->rejected.instrument = instrument_id;
    report->rejected.reason = reason;
    report->rejected.action = (uint8_t)action;
    return reason;
}

uint32_t naive_setup_rejected(struct naive_book *book, struct naive_instrument *instrument,
                              enum mr_book_action action, uint64_t subject, uint32_t reason)
{
    union mr_book_report *report = naive_report(book, instrument, MR_BOOK_SETUP_REJECTED);
    report->setup_rejected.subject = subject;
    report->setup_rejected.reason = reason;
    report->setup_rejected.action = (uint8_t)action;
    return reason;
}

/* What rests at the best price of a side; zeros: nothing. */
static struct mr_book_level best_level(const struct naive_side *side)
{
    struct mr_book_level best = {.price = side->count == 0 ? 0 : side->orders[0].price};
    for (uint32_t i = 0; i < side->count && side->orders[i].price == best.price; i++) {
        best.quantity += side->orders[i].open;
        best.orders++;
    }
    return best;
}

static void publish(struct naive_book *book, struct naive_instrument *instrument)
{
    struct mr_book_level bid = best_level(&instrument->sides[MR_BOOK_SIDE_BUY]);
    struct mr_book_level ask = best_level(&instrument->sides[MR_BOOK_SIDE_SELL]);
    struct mr_book_top_of_book *published = &instrument->published;
    if (bid.price == published->bid_price && bid.quantity == published->bid_quantity &&
        ask.price == published->ask_price && ask.quantity == published->ask_quantity)
        return;
    published->bid_price = bid.price;
    published->bid_quantity = bid.quantity;
    published->ask_price = ask.price;
    published->ask_quantity = ask.quantity;
    published->instrument = instrument->definition.instrument;
    naive_report(book, instrument, MR_BOOK_TOP_OF_BOOK)->top = *published;
    book->reports[book->report_count - 1].report.any.type = MR_BOOK_TOP_OF_BOOK;
}

/* Instruments in the order in which the reports of the turn so far name them. */
void naive_publish(struct naive_book *book)
{
    uint32_t count = book->report_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t stream = book->reports[i].stream;
        if (stream != 0 && book->instruments[stream - 1].update.top == MR_BOOK_SWITCH_YES)
            publish(book, &book->instruments[stream - 1]);
    }
}

/* -- Looking. ---------------------------------------------------------------------------------- */

struct naive_instrument *naive_instrument(const struct naive_book *book, uint32_t id)
{
    for (uint32_t i = 0; i < book->instrument_count; i++) {
        if (book->instruments[i].definition.instrument == id)
            return &book->instruments[i];
    }
    return NULL;
}

struct naive_account *naive_account(const struct naive_book *book, uint64_t account)
{
    for (uint32_t i = 0; i < book->account_count; i++) {
        if (book->accounts[i].account == account)
            return &book->accounts[i];
    }
    return NULL;
}

struct naive_order *naive_find(const struct naive_instrument *instrument, uint64_t id)
{
    for (uint32_t side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < instrument->sides[side].count; i++) {
            if (instrument->sides[side].orders[i].id == id)
                return &instrument->sides[side].orders[i];
        }
    }
    return NULL;
}

struct naive_order *naive_entered(const struct naive_book *book, uint64_t entry,
                                  struct naive_instrument **instrument)
{
    for (uint32_t n = 0; n < book->instrument_count; n++) {
        *instrument = &book->instruments[n];
        for (uint32_t side = 0; side < 2; side++) {
            const struct naive_side *orders = &(*instrument)->sides[side];
            for (uint32_t i = 0; i < orders->count; i++) {
                if (orders->orders[i].entry == entry)
                    return &orders->orders[i];
            }
        }
    }
    return NULL;
}

uint32_t naive_orders(const struct naive_book *book)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < book->instrument_count; i++)
        count += book->instruments[i].sides[0].count + book->instruments[i].sides[1].count;
    return count;
}

uint32_t naive_side_levels(const struct naive_side *side)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < side->count; i++)
        count += i == 0 || side->orders[i].price != side->orders[i - 1].price;
    return count;
}

uint32_t naive_levels(const struct naive_book *book)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < book->instrument_count; i++) {
        count += naive_side_levels(&book->instruments[i].sides[0]);
        count += naive_side_levels(&book->instruments[i].sides[1]);
    }
    return count;
}

/* Keys that were met, each once; 0 is none. */
struct key_set {
    uint64_t *keys;
    uint32_t count;
};

static void key_add(struct key_set *set, uint64_t key)
{
    if (key == 0)
        return;
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->keys[i] == key)
            return;
    }
    set->keys[set->count++] = key;
}

static void keys_of(struct key_set sets[3], const struct naive_order *order)
{
    key_add(&sets[0], order->account);
    key_add(&sets[1], order->session);
    key_add(&sets[2], order->expires_ns);
}

uint32_t naive_groups(const struct naive_book *book, const struct naive_order *extra)
{
    uint32_t room = naive_orders(book) + book->account_count + 1;
    uint64_t *keys = malloc(3 * (size_t)room * sizeof(*keys));
    struct key_set sets[3] = {{keys, 0}, {keys + room, 0}, {keys + 2 * (size_t)room, 0}};
    for (uint32_t i = 0; i < book->account_count; i++)
        key_add(&sets[0], book->accounts[i].account);
    for (uint32_t n = 0; n < book->instrument_count; n++) {
        for (uint32_t side = 0; side < 2; side++) {
            const struct naive_side *orders = &book->instruments[n].sides[side];
            for (uint32_t i = 0; i < orders->count; i++)
                keys_of(sets, &orders->orders[i]);
        }
    }
    if (extra != NULL)
        keys_of(sets, extra);
    free(keys);
    return sets[0].count + sets[1].count + sets[2].count;
}

uint64_t naive_expiry_next(const struct naive_book *book)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t n = 0; n < book->instrument_count; n++) {
        for (uint32_t side = 0; side < 2; side++) {
            const struct naive_side *orders = &book->instruments[n].sides[side];
            for (uint32_t i = 0; i < orders->count; i++) {
                uint64_t expires_ns = orders->orders[i].expires_ns;
                if (expires_ns != 0 && expires_ns < next)
                    next = expires_ns;
            }
        }
    }
    return next;
}

/* -- Sorted sides. ----------------------------------------------------------------------------- */

void naive_insert(struct naive_instrument *instrument, const struct naive_order *order)
{
    struct naive_order new_order = *order;
    struct naive_side *side = &instrument->sides[new_order.side];
    if (side->count == side->room) {
        side->room = 2 * side->room + 8;
        side->orders = realloc(side->orders, side->room * sizeof(side->orders[0]));
    }
    uint32_t at = side->count;
    while (at > 0 &&
           (new_order.side == MR_BOOK_SIDE_BUY ? side->orders[at - 1].price < new_order.price
                                               : side->orders[at - 1].price > new_order.price)) {
        side->orders[at] = side->orders[at - 1];
        at--;
    }
    side->orders[at] = new_order;
    side->count++;
}

void naive_remove(struct naive_instrument *instrument, const struct naive_order *order)
{
    struct naive_side *side = &instrument->sides[order->side];
    uint32_t at = (uint32_t)(order - side->orders);
    side->count--;
    memmove(&side->orders[at], &side->orders[at + 1], (side->count - at) * sizeof(side->orders[0]));
}

/* -- Dispatch. --------------------------------------------------------------------------------- */

static uint32_t dispatch(struct naive_book *book, const union mr_book_request *request)
{
    switch (request->any.type) {
    case MR_BOOK_INSTRUMENT_DEFINE:
        return naive_define(book, &request->instrument_define);
    case MR_BOOK_ORDER_NEW:
        return naive_new(book, &request->order_new);
    case MR_BOOK_ORDER_CANCEL:
        return naive_cancel(book, &request->order_cancel);
    case MR_BOOK_ORDER_REPLACE:
        return naive_replace(book, &request->order_replace);
    case MR_BOOK_INSTRUMENT_UPDATE:
        return naive_update(book, &request->instrument_update);
    case MR_BOOK_PHASE_SET:
        return naive_phase(book, &request->phase_set);
    case MR_BOOK_TICK_BAND_ADD:
        return naive_band(book, &request->tick_band_add);
    case MR_BOOK_ACCOUNT_DEFINE:
        return naive_account_define(book, &request->account_define);
    case MR_BOOK_ACCOUNT_BLOCK:
        return naive_account_block(book, &request->account_block);
    case MR_BOOK_ACCOUNT_UNBLOCK:
        return naive_account_unblock(book, &request->account_unblock);
    case MR_BOOK_ORDERS_CANCEL:
        return naive_orders_cancel(book, &request->orders_cancel);
    default:
        abort();
    }
}

uint32_t naive_apply(struct naive_book *book, const union mr_book_request *request,
                     const struct naive_asker *asker)
{
    book->time_ns = asker->time_ns;
    book->session = asker->session;
    book->role = asker->role;
    book->report_count = 0;
    uint32_t reason = dispatch(book, request);
    naive_publish(book);
    return reason;
}
