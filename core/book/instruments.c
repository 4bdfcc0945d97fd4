#include "core/book/instruments.h"

#include "core/book/controls.h"
#include "core/book/report.h"

enum { DECIMALS_MAX = 18, DAY_SECONDS = 86400 };

/* -- Finding. ---------------------------------------------------------------------------------- */

/* The slot of that id, or the empty one where it would be: linear probing in a table of which at
 * most a quarter is used. Ids come from the operator, who has no reason to make them collide. */
static uint32_t home_of(const struct mr_book *book, uint32_t id)
{
    return (id * UINT32_C(0x9e3779b1)) >> (32 - book->layout.instrument_bits);
}

static uint32_t *slot_of(const struct mr_book *book, uint32_t id)
{
    uint32_t *slots = book_at(book, book->layout.instrument_slots);
    uint32_t mask = (UINT32_C(1) << book->layout.instrument_bits) - 1;
    uint32_t i = home_of(book, id);
    while (slots[i] != 0 && book_instrument(book, slots[i] - 1)->id != id)
        i = (i + 1) & mask;
    return &slots[i];
}

struct book_instrument *mr_book_instrument_find(const struct mr_book *book, uint32_t id)
{
    uint32_t number = *slot_of(book, id);
    return number == 0 ? NULL : book_instrument(book, number - 1);
}

const struct book_instrument *mr_book_instrument_guess(const struct mr_book *book, uint32_t id)
{
    const uint32_t *slots = book_at(book, book->layout.instrument_slots);
    uint32_t number = slots[home_of(book, id)];
    return number == 0 ? NULL : book_instrument(book, number - 1);
}

/* -- What is special about one. ---------------------------------------------------------------- */

/* BOOK_HAS_TOP alone is not said elsewhere. */
uint32_t mr_book_instrument_special(const struct mr_book *book,
                                    const struct book_instrument *instrument)
{
    uint32_t special = instrument->special & BOOK_HAS_TOP;
    if (instrument->phase != MR_BOOK_PHASE_CONTINUOUS)
        special |= BOOK_NOT_CONTINUOUS;
    if (instrument->tick > 1 || instrument->tick_table != 0)
        special |= BOOK_HAS_TICKS;
    if (instrument->lot > 1)
        special |= BOOK_HAS_LOT;
    if (instrument->quantity_max > UINT64_MAX / book->config.orders_max)
        special |= BOOK_IS_WIDE;
    return special;
}

/* -- instrument_define ------------------------------------------------------------------------- */

static bool symbol_is_good(const char symbol[16])
{
    uint32_t length = 0;
    while (length < 16 && symbol[length] > ' ' && symbol[length] <= '~')
        length++;
    for (uint32_t i = length; i < 16; i++) {
        if (symbol[i] != 0)
            return false;
    }
    return length > 0;
}

static bool range_is_good(const struct mr_book_instrument_define *command)
{
    uint64_t least = command->lot > 1 ? command->lot : 1;
    return command->price_min <= command->price_max && command->quantity_max >= least;
}

static bool table_is_known(const struct mr_book *book, uint16_t table)
{
    return table <= book->config.tick_tables_max && book_tick_table(book, table)->count > 0;
}

static uint32_t define_flaw(const struct mr_book *book, const struct book_instrument *existing,
                            const struct mr_book_instrument_define *command)
{
    if (command->phase > MR_BOOK_PHASE_CLOSED)
        return MR_BOOK_BAD_PHASE;
    if (!symbol_is_good(command->symbol))
        return MR_BOOK_BAD_SYMBOL;
    if (!range_is_good(command))
        return MR_BOOK_BAD_RANGE;
    if (command->price_decimals > DECIMALS_MAX || command->quantity_decimals > DECIMALS_MAX)
        return MR_BOOK_BAD_DECIMALS;
    if (command->tick != 0 && command->tick_table != 0)
        return MR_BOOK_BAD_TICK;
    if (command->instrument == 0)
        return MR_BOOK_BAD_INSTRUMENT;
    if (existing != NULL)
        return MR_BOOK_INSTRUMENT_EXISTS;
    if (book->instrument_count == book->config.instruments_max)
        return MR_BOOK_INSTRUMENTS_FULL;
    if (command->tick_table != 0 && !table_is_known(book, command->tick_table))
        return MR_BOOK_UNKNOWN_TICK_TABLE;
    return 0;
}

static struct book_instrument *instrument_add(struct mr_book *book,
                                              const struct mr_book_instrument_define *command)
{
    struct book_instrument *instrument = book_instrument(book, book->instrument_count);
    *slot_of(book, command->instrument) = ++book->instrument_count;
    *instrument = (struct book_instrument){
        .id = command->instrument,
        .hash_key = mr_mix64(book->config.hash_seed ^ mr_mix64(command->instrument)) | 1,
        .price_min = command->price_min,
        .price_max = command->price_max,
        .quantity_max = command->quantity_max,
        .lot = command->lot,
        .tick = command->tick,
        .tick_table = command->tick_table,
        .phase = command->phase,
        .price_decimals = command->price_decimals,
        .quantity_decimals = command->quantity_decimals,
    };
    __builtin_memcpy(instrument->symbol, command->symbol, sizeof(instrument->symbol));
    instrument->special = mr_book_instrument_special(book, instrument);
    if (command->tick_table != 0)
        book_tick_table(book, command->tick_table)->users++;
    return instrument;
}

uint32_t mr_book_instrument_define_apply(struct mr_book *book,
                                         const struct mr_book_instrument_define *command,
                                         struct mr_book_turn *turn)
{
    struct book_instrument *existing = mr_book_instrument_find(book, command->instrument);
    uint32_t reason = define_flaw(book, existing, command);
    if (reason != 0)
        return book_report_setup_rejected(turn, existing, MR_BOOK_ACTION_INSTRUMENT_DEFINE,
                                          command->instrument, reason);
    struct book_instrument *instrument = instrument_add(book, command);
    struct mr_book_instrument_defined defined = *(const struct mr_book_instrument_defined *)command;
    __builtin_memset(defined.padding, 0, sizeof(defined.padding));
    union mr_book_report *report = book_report_begin(turn);
    *report = (union mr_book_report){.instrument_defined = defined};
    book_report_end(turn, instrument, report, MR_BOOK_INSTRUMENT_DEFINED);
    return 0;
}

/* -- instrument_update ------------------------------------------------------------------------- */

static uint32_t update_flaw(const struct book_instrument *instrument,
                            const struct mr_book_instrument_update *command)
{
    if (instrument == NULL)
        return MR_BOOK_UNKNOWN_INSTRUMENT;
    if (command->top > MR_BOOK_SWITCH_YES)
        return MR_BOOK_BAD_SWITCH;
    return command->day_end >= DAY_SECONDS ? MR_BOOK_BAD_TIME_OF_DAY : 0;
}

/* What was published counts no more when nobody is told of what comes after it. */
static void top_switch(struct book_instrument *instrument, bool on)
{
    if (on) {
        instrument->special |= BOOK_HAS_TOP;
        return;
    }
    instrument->special &= ~(uint32_t)BOOK_HAS_TOP;
    instrument->bid_price = instrument->ask_price = 0;
    instrument->bid_quantity = instrument->ask_quantity = 0;
}

uint32_t mr_book_instrument_update_apply(struct mr_book *book,
                                         const struct mr_book_instrument_update *command,
                                         struct mr_book_turn *turn)
{
    struct book_instrument *instrument = mr_book_instrument_find(book, command->instrument);
    uint32_t reason = update_flaw(instrument, command);
    if (reason != 0)
        return book_report_setup_rejected(turn, instrument, MR_BOOK_ACTION_INSTRUMENT_UPDATE,
                                          command->instrument, reason);
    if (command->reference != instrument->reference)
        instrument->collar_base = command->reference;
    instrument->reference = command->reference;
    instrument->collar = command->collar;
    instrument->day_end = command->day_end;
    top_switch(instrument, command->top == MR_BOOK_SWITCH_YES);
    BOOK_REPORT(turn, instrument, MR_BOOK_INSTRUMENT_UPDATED, instrument_updated,
                .reference = command->reference, .collar = command->collar,
                .instrument = command->instrument, .day_end = command->day_end,
                .top = command->top);
    if ((instrument->special & BOOK_HAS_TOP) != 0)
        mr_book_top_publish(book, turn, instrument);
    return 0;
}

/* -- phase_set --------------------------------------------------------------------------------- */

uint32_t mr_book_phase_set_apply(struct mr_book *book, const struct mr_book_phase_set *command,
                                 struct mr_book_turn *turn)
{
    struct book_instrument *instrument = mr_book_instrument_find(book, command->instrument);
    uint32_t reason = 0;
    if (instrument == NULL)
        reason = MR_BOOK_UNKNOWN_INSTRUMENT;
    else if (command->phase > MR_BOOK_PHASE_CLOSED)
        reason = MR_BOOK_BAD_PHASE;
    if (reason != 0)
        return book_report_setup_rejected(turn, instrument, MR_BOOK_ACTION_PHASE_SET,
                                          command->instrument, reason);
    instrument->phase = command->phase;
    instrument->special = mr_book_instrument_special(book, instrument);
    BOOK_REPORT(turn, instrument, MR_BOOK_PHASE_CHANGED, phase_changed,
                .instrument = command->instrument, .phase = command->phase);
    return 0;
}
