#include "tools/picture.h"

#include "tools/output.h"

#include <millrace/book.h>

#include <stdio.h>
#include <string.h>

enum { BOOKS_MAX = 16, LEVELS_MAX = 20, BAR_COLUMNS = 40, BAR_EIGHTHS = BAR_COLUMNS * 8 };

struct side {
    struct mr_book_level levels[LEVELS_MAX];
    uint32_t count;
};

/* -- Which books. ------------------------------------------------------------------------------ */

/* Keeps the `count` that traded most in `chosen`, most first. */
static void keep(struct mr_book_instrument *chosen, uint32_t *count, uint32_t limit,
                 const struct mr_book_instrument *candidate)
{
    uint32_t place = *count;
    while (place > 0 && chosen[place - 1].trades < candidate->trades) {
        place--;
    }
    if (place == limit) {
        return;
    }
    *count += *count < limit;
    memmove(&chosen[place + 1], &chosen[place], (*count - 1 - place) * sizeof *chosen);
    chosen[place] = *candidate;
}

static uint32_t choose(const struct mr_book *book, struct mr_book_instrument *chosen,
                       uint32_t limit)
{
    struct mr_book_instrument instrument;
    uint32_t count = 0;
    for (uint32_t i = 0; mr_book_instrument_at(book, i, &instrument); i++) {
        keep(chosen, &count, limit, &instrument);
    }
    return count;
}

/* -- Drawing. ---------------------------------------------------------------------------------- */

/* `eighths` of a column, in blocks of an eighth where they can be shown. */
static void draw_bar(uint32_t eighths)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    bool unicode = output_is_unicode();
    for (uint32_t i = 0; i < eighths / 8; i++) {
        fputs(unicode ? "█" : "#", stdout);
    }
    if (unicode) {
        fputs(parts[eighths % 8], stdout);
    } else if (eighths < 8) {
        putchar('#');
    }
}

static void draw_level(const struct mr_book_level *level,
                       const struct mr_book_instrument_define *of, uint64_t largest,
                       enum paint color)
{
    __extension__ typedef unsigned __int128 wide;
    uint32_t eighths = (uint32_t)((wide)level->quantity * BAR_EIGHTHS / largest);
    int64_t quantity = level->quantity > INT64_MAX ? INT64_MAX : (int64_t)level->quantity;
    printf("    %s%14s%s  %18s %6u  ", paint(color),
           number_scaled(level->price, of->price_decimals).text, paint(PAINT_NONE),
           number_scaled(quantity, of->quantity_decimals).text, level->orders);
    fputs(paint(color), stdout);
    draw_bar(eighths == 0 ? 1 : eighths);
    printf("%s\n", paint(PAINT_NONE));
}

static uint64_t largest_of(const struct side *side, uint64_t largest)
{
    for (uint32_t i = 0; i < side->count; i++) {
        largest = side->levels[i].quantity > largest ? side->levels[i].quantity : largest;
    }
    return largest;
}

static void draw_book(const struct mr_book *book, const struct mr_book_instrument *instrument,
                      uint32_t levels_max)
{
    const struct mr_book_instrument_define *define = &instrument->definition;
    struct side bids, asks;
    bids.count = mr_book_depth(book, define->instrument, MR_BOOK_SIDE_BUY, bids.levels, levels_max);
    asks.count =
        mr_book_depth(book, define->instrument, MR_BOOK_SIDE_SELL, asks.levels, levels_max);
    printf("  %s%.16s%s: %s trades, %s bids and %s asks rest", paint(PAINT_BOLD), define->symbol,
           paint(PAINT_NONE), number_grouped(instrument->trades).text,
           number_grouped(instrument->orders[MR_BOOK_SIDE_BUY]).text,
           number_grouped(instrument->orders[MR_BOOK_SIDE_SELL]).text);
    if (define->phase != MR_BOOK_PHASE_CONTINUOUS) {
        printf("; %strading is %s%s", paint(PAINT_YELLOW),
               define->phase == MR_BOOK_PHASE_HALTED ? "halted" : "closed", paint(PAINT_NONE));
    }
    uint64_t largest = largest_of(&asks, largest_of(&bids, 0));
    if (largest == 0) {
        printf("\n");
        return;
    }
    printf("\n    %s%14s  %18s %6s%s\n", paint(PAINT_DIM), "price", "quantity", "orders",
           paint(PAINT_NONE));
    for (uint32_t i = asks.count; i > 0; i--) {
        draw_level(&asks.levels[i - 1], define, largest, PAINT_RED);
    }
    printf("    %s%14s%s\n", paint(PAINT_DIM),
           output_is_unicode() ? "──────────────" : "--------------", paint(PAINT_NONE));
    for (uint32_t i = 0; i < bids.count; i++) {
        draw_level(&bids.levels[i], define, largest, PAINT_GREEN);
    }
}

void picture_books(const struct mr_image *image, const struct mr_logic *logic, uint32_t books_max,
                   uint32_t levels_max)
{
    if (logic != &mr_logic_book) {
        return;
    }
    struct mr_book_instrument chosen[BOOKS_MAX + 1];
    const struct mr_book *book = mr_image_state(image);
    uint32_t limit = books_max < BOOKS_MAX ? books_max : BOOKS_MAX;
    uint32_t count = choose(book, chosen, limit);
    for (uint32_t i = 0; i < count; i++) {
        draw_book(book, &chosen[i], levels_max < LEVELS_MAX ? levels_max : LEVELS_MAX);
    }
}
