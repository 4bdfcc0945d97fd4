#include "core/book/instruments.h"

#include "core/book/events.h"

enum { DECIMALS_MAX = 18 };

/* The slot of that id, or the empty one where it would be: linear probing in a table of which at
 * most a quarter is used. Ids come from the operator, who has no reason to make them collide. */
static uint32_t *slot_of(const struct mr_book *book, uint32_t id)
{
    uint32_t *slots = book_at(book, book->layout.instrument_slots);
    uint32_t mask = (UINT32_C(1) << book->layout.instrument_bits) - 1;
    uint32_t i = (id * UINT32_C(0x9e3779b1)) >> (32 - book->layout.instrument_bits);
    while (slots[i] != 0 && book_instrument(book, slots[i] - 1)->id != id)
        i = (i + 1) & mask;
    return &slots[i];
}

struct book_instrument *mr_book_instrument_find(const struct mr_book *book, uint32_t id)
{
    uint32_t number = *slot_of(book, id);
    return number == 0 ? NULL : book_instrument(book, number - 1);
}

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

static uint32_t flaw_of(const struct mr_book *book, const struct book_instrument *existing,
                        const struct mr_book_instrument_define *command)
{
    if (!symbol_is_good(command->symbol))
        return MR_BOOK_BAD_SYMBOL;
    if (command->price_min > command->price_max || command->quantity_max == 0)
        return MR_BOOK_BAD_RANGE;
    if (command->price_decimals > DECIMALS_MAX || command->quantity_decimals > DECIMALS_MAX)
        return MR_BOOK_BAD_DECIMALS;
    if (existing != NULL)
        return MR_BOOK_INSTRUMENT_EXISTS;
    if (book->instrument_count == book->config.instruments_max)
        return MR_BOOK_INSTRUMENTS_FULL;
    return 0;
}

uint32_t mr_book_instrument_apply(struct mr_context *context,
                                  const struct mr_book_instrument_define *command)
{
    struct mr_book *book = context->state;
    struct book_instrument *existing = mr_book_instrument_find(book, command->instrument);
    uint32_t reason = flaw_of(book, existing, command);
    if (reason != 0) {
        book_emit_instrument_rejected(context, existing, command->instrument, reason);
        return reason;
    }
    struct book_instrument *instrument = book_instrument(book, book->instrument_count);
    *slot_of(book, command->instrument) = ++book->instrument_count;
    *instrument = (struct book_instrument){
        .id = command->instrument,
        .hash_key = mr_mix64(book->config.hash_seed ^ mr_mix64(command->instrument)) | 1,
        .price_min = command->price_min,
        .price_max = command->price_max,
        .quantity_max = command->quantity_max,
        .price_decimals = command->price_decimals,
        .quantity_decimals = command->quantity_decimals,
    };
    __builtin_memcpy(instrument->symbol, command->symbol, sizeof(instrument->symbol));
    book_emit_instrument_defined(context, instrument);
    return 0;
}
