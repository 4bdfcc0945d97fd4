/*
 * What instruments are set to, and the tick tables that they use.
 */
#include "core/book/check_parts.h"
#include "core/book/controls.h"
#include "core/book/instruments.h"

enum { DAY_SECONDS = 86400, DECIMALS_MAX = 18 };

static bool is_zero(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++)
        any |= at[i];
    return any == 0;
}

/* Added up over all users, these tell which table has how many, all at once: users of tables take
 * away what the instruments that use them then add. */
static uint64_t table_mark(uint32_t table)
{
    return mr_mix64(table);
}

static bool check_definition(const struct mr_book *book, const struct book_instrument *instrument)
{
    uint64_t key = mr_mix64(book->config.hash_seed ^ mr_mix64(instrument->id)) | 1;
    CHECK(mr_book_instrument_find(book, instrument->id) == instrument);
    CHECK(instrument->hash_key == key);
    CHECK(instrument->price_min <= instrument->price_max);
    CHECK(instrument->quantity_max > 0 && instrument->quantity_max >= instrument->lot);
    CHECK(instrument->phase <= MR_BOOK_PHASE_CLOSED);
    CHECK(instrument->day_end < DAY_SECONDS);
    CHECK(instrument->price_decimals <= DECIMALS_MAX);
    CHECK(instrument->quantity_decimals <= DECIMALS_MAX);
    CHECK(instrument->symbol[0] != 0);
    CHECK(instrument->special == mr_book_instrument_special(book, instrument));
    return is_zero(instrument->reserved, sizeof(instrument->reserved));
}

static bool check_ticks(const struct mr_book *book, const struct book_instrument *instrument,
                        struct book_tally *tally)
{
    uint32_t table = instrument->tick_table;
    if (table == 0)
        return true;
    CHECK(instrument->tick == 0);
    CHECK(table <= book->config.tick_tables_max && book_tick_table(book, table)->count > 0);
    tally->tables += table_mark(table);
    return true;
}

/* Between commands, what was published is what there is. */
static bool check_top(const struct mr_book *book, const struct book_instrument *instrument)
{
    bool published = (instrument->special & BOOK_HAS_TOP) != 0;
    int64_t prices[2] = {0};
    uint64_t quantities[2] = {0};
    for (uint8_t side = 0; published && side < 2; side++) {
        const struct book_side *of = &instrument->sides[side];
        uint32_t best = book_best_level(of);
        if (best == 0)
            continue;
        prices[side] = book_price(side, of->best_key);
        quantities[side] = book_level(book, best)->quantity;
    }
    return instrument->bid_price == prices[MR_BOOK_SIDE_BUY] &&
           instrument->bid_quantity == quantities[MR_BOOK_SIDE_BUY] &&
           instrument->ask_price == prices[MR_BOOK_SIDE_SELL] &&
           instrument->ask_quantity == quantities[MR_BOOK_SIDE_SELL];
}

bool mr_book_check_instrument(const struct mr_book *book, const struct book_instrument *instrument,
                              struct book_tally *tally)
{
    CHECK(check_definition(book, instrument));
    CHECK(check_ticks(book, instrument, tally));
    CHECK(mr_book_check_sides(book, instrument, tally));
    CHECK(check_top(book, instrument));
    CHECK(instrument->trades != 0 || instrument->last_price == 0);
    CHECK(instrument->collar_base == instrument->reference ||
          instrument->collar_base == instrument->last_price);
    tally->trades += instrument->trades;
    return true;
}

static bool check_table(const struct book_tick_table *table)
{
    CHECK(table->count <= MR_BOOK_TICK_BANDS_MAX);
    CHECK(table->users == 0 || table->count > 0);
    for (uint32_t i = 0; i < table->count; i++) {
        CHECK(table->bands[i].tick > 0 && table->bands[i].tick <= UINT32_MAX);
        CHECK(i == 0 || table->bands[i].from > table->bands[i - 1].from);
    }
    for (uint32_t i = table->count; i < MR_BOOK_TICK_BANDS_MAX; i++)
        CHECK(table->bands[i].from == 0 && table->bands[i].tick == 0);
    return is_zero(table->reserved, sizeof(table->reserved));
}

bool mr_book_check_tables(const struct mr_book *book, struct book_tally *tally)
{
    for (uint32_t table = 1; table <= book->config.tick_tables_max; table++) {
        CHECK(check_table(book_tick_table(book, table)));
        tally->tables -= table_mark(table) * book_tick_table(book, table)->users;
    }
    return true;
}
