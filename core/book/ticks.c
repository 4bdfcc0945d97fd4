/*
 * Ticks: which prices are allowed. The bands of a table come one behind the other by rising price;
 * the first one applies to what is below it, too. Prices of a band are multiples of its tick,
 * counted from zero, not from where the band begins.
 */
#include "core/book/controls.h"
#include "core/book/report.h"

/* -- Tables. ----------------------------------------------------------------------------------- */

static uint32_t flaw_of(const struct book_tick_table *table,
                        const struct mr_book_tick_band_add *command)
{
    if (command->tick == 0)
        return MR_BOOK_BAD_TICK;
    if (table == NULL)
        return MR_BOOK_UNKNOWN_TICK_TABLE;
    if (table->count > 0 && command->from <= table->bands[table->count - 1].from)
        return MR_BOOK_BAD_TICK;
    if (table->users > 0)
        return MR_BOOK_TICK_TABLE_IN_USE;
    return table->count == MR_BOOK_TICK_BANDS_MAX ? MR_BOOK_TICK_TABLE_FULL : 0;
}

uint32_t mr_book_tick_band_apply(struct mr_book *book, const struct mr_book_tick_band_add *command,
                                 struct mr_book_turn *turn)
{
    bool exists = command->tick_table >= 1 && command->tick_table <= book->config.tick_tables_max;
    struct book_tick_table *table = exists ? book_tick_table(book, command->tick_table) : NULL;
    uint32_t reason = flaw_of(table, command);
    if (reason != 0)
        return book_report_setup_rejected(turn, NULL, MR_BOOK_ACTION_TICK_BAND_ADD,
                                          command->tick_table, reason);
    table->bands[table->count++] =
        (struct book_tick_band){.from = command->from, .tick = command->tick};
    BOOK_REPORT(turn, NULL, MR_BOOK_TICK_BAND_ADDED, tick_band_added, .from = command->from,
                .tick = command->tick, .tick_table = command->tick_table);
    return 0;
}

/* -- Prices. ----------------------------------------------------------------------------------- */

/* The prices of a band, or of an instrument that has only one tick. */
struct span {
    int64_t first, last;
    uint64_t tick;
};

static uint32_t band_of(const struct book_tick_table *table, int64_t price)
{
    uint32_t band = table->count - 1;
    while (band > 0 && table->bands[band].from > price)
        band--;
    return band;
}

/* The one that has that price. */
static struct span span_of(const struct mr_book *book, const struct book_instrument *instrument,
                           int64_t price)
{
    struct span span = {.first = INT64_MIN, .last = INT64_MAX, .tick = instrument->tick};
    if (instrument->tick_table != 0) {
        const struct book_tick_table *table = book_tick_table(book, instrument->tick_table);
        uint32_t band = band_of(table, price);
        span.tick = table->bands[band].tick;
        if (band > 0)
            span.first = table->bands[band].from;
        if (band + 1 < table->count)
            span.last = table->bands[band + 1].from - 1;
    } else if (span.tick == 0) {
        span.tick = 1;
    }
    return span;
}

/* How far the price is above the next multiple of the tick that is not above it. */
static uint64_t above_tick(int64_t price, uint64_t tick)
{
    if (price >= 0)
        return (uint64_t)price % tick;
    uint64_t below_zero = (UINT64_C(0) - (uint64_t)price) % tick;
    return below_zero == 0 ? 0 : tick - below_zero;
}

bool mr_book_price_on_tick(const struct mr_book *book, const struct book_instrument *instrument,
                           int64_t price)
{
    return above_tick(price, span_of(book, instrument, price).tick) == 0;
}

static uint64_t distance(int64_t low, int64_t high)
{
    return (uint64_t)high - (uint64_t)low;
}

/* The greatest allowed price that is not above `price`; false: below price_min. Each round that
 * finds none goes on below its band. */
static bool floor_price(const struct mr_book *book, const struct book_instrument *instrument,
                        int64_t price, int64_t *out)
{
    while (price >= instrument->price_min) {
        struct span span = span_of(book, instrument, price);
        uint64_t above = above_tick(price, span.tick);
        if (above <= distance(span.first, price)) {
            *out = (int64_t)((uint64_t)price - above);
            return *out >= instrument->price_min;
        }
        if (span.first == INT64_MIN)
            return false;
        price = span.first - 1;
    }
    return false;
}

/* The least allowed price that is not below `price`; false: above price_max. */
static bool ceiling_price(const struct mr_book *book, const struct book_instrument *instrument,
                          int64_t price, int64_t *out)
{
    while (price <= instrument->price_max) {
        struct span span = span_of(book, instrument, price);
        uint64_t above = above_tick(price, span.tick);
        uint64_t up = above == 0 ? 0 : span.tick - above;
        if (up <= distance(price, span.last)) {
            *out = (int64_t)((uint64_t)price + up);
            return *out <= instrument->price_max;
        }
        if (span.last == INT64_MAX)
            return false;
        price = span.last + 1;
    }
    return false;
}

bool mr_book_price_short_of(const struct mr_book *book, const struct book_instrument *instrument,
                            uint8_t side, int64_t price, int64_t *out)
{
    if (side == MR_BOOK_SIDE_BUY) {
        if (price == INT64_MIN)
            return false;
        int64_t below = price - 1;
        if (below > instrument->price_max)
            below = instrument->price_max;
        return floor_price(book, instrument, below, out);
    }
    if (price == INT64_MAX)
        return false;
    int64_t above = price + 1;
    if (above < instrument->price_min)
        above = instrument->price_min;
    return ceiling_price(book, instrument, above, out);
}
