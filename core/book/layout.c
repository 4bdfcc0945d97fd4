/*
 * Where everything lies in the state, how much it is, and what of it is in use.
 */
#include "core/book/layout.h"

#include "core/book/ids.h"

enum {
    INSTRUMENTS_MAX = 1 << 20,
    ORDERS_MAX = 1 << 26,
    LEVELS_MAX = 1 << 22,
    FILLS_MAX = 65000,
    ALIGNMENT = 64,
};

static uint64_t place(uint64_t *end, uint64_t count, uint64_t size)
{
    uint64_t offset = *end;
    *end = mr_align_up(offset + count * size, ALIGNMENT);
    return offset;
}

static uint32_t bits_for(uint64_t count)
{
    return mr_log2(mr_power_of_two_at_least(count));
}

struct book_layout mr_book_layout(const struct mr_book_config *config)
{
    uint64_t orders = (uint64_t)config->orders_max + 1; /* see book_order_take */
    uint64_t levels = config->levels_max;
    struct book_layout layout = {0};
    layout.instrument_bits = bits_for((uint64_t)config->instruments_max * 4);
    layout.id_bits_max = bits_for((uint64_t)config->orders_max * BOOK_ID_LOAD_INVERSE);
    if (layout.id_bits_max < BOOK_ID_BITS_MIN)
        layout.id_bits_max = BOOK_ID_BITS_MIN;
    uint64_t id_slots =
        (UINT64_C(2) << layout.id_bits_max) - (UINT64_C(1) << BOOK_ID_BITS_MIN); /* all sizes */

    uint64_t *end = &layout.size;
    place(end, 1, sizeof(struct mr_book));
    layout.instrument_slots = place(end, UINT64_C(1) << layout.instrument_bits, sizeof(uint32_t));
    layout.instruments = place(end, config->instruments_max, sizeof(struct book_instrument));
    layout.pages = place(end, 2 * levels + 1, sizeof(struct book_page));
    layout.children = place(end, levels, BOOK_PAGE_LEVELS * sizeof(uint32_t));
    layout.levels = place(end, levels, BOOK_PAGE_LEVELS * sizeof(struct book_link));
    layout.orders = place(end, orders, sizeof(struct book_order));
    layout.id_tables = place(end, id_slots, sizeof(struct book_id));
    return layout;
}

void mr_book_config_default(void *config)
{
    *(struct mr_book_config *)config = (struct mr_book_config){
        .hash_seed = UINT64_C(0x6d696c6c72616365), /* "millrace" */
        .instruments_max = 1024,
        .orders_max = 1 << 19,
        .levels_max = 1 << 16,
        .fills_max = 10000,
    };
}

static bool within(uint32_t value, uint32_t max)
{
    return value >= 1 && value <= max;
}

uint64_t mr_book_state_size(const void *config_bytes)
{
    const struct mr_book_config *config = config_bytes;
    if (!within(config->instruments_max, INSTRUMENTS_MAX) ||
        !within(config->orders_max, ORDERS_MAX) || !within(config->levels_max, LEVELS_MAX) ||
        !within(config->fills_max, FILLS_MAX))
        return 0;
    return mr_book_layout(config).size;
}

_Static_assert((UINT64_C(1) << 32) * BOOK_UNIT > (uint64_t)ORDERS_MAX * sizeof(struct book_order) +
                                                     (uint64_t)LEVELS_MAX * (64 * 12 + 64) +
                                                     (uint64_t)INSTRUMENTS_MAX * 256,
               "refs reach every level and order");

uint32_t mr_book_turn_events_max(const void *config)
{
    return ((const struct mr_book_config *)config)->fills_max + 2; /* accepted and cancelled */
}

void mr_book_init(void *state, const void *config_bytes)
{
    const struct mr_book_config *config = config_bytes;
    struct mr_book *book = state;
    ASSERT((uintptr_t)state % ALIGNMENT == 0);
    struct book_layout layout = mr_book_layout(config);
    *book = (struct mr_book){
        .hash_key = mr_mix64(config->hash_seed) | 1,
        .ids = {.bits = BOOK_ID_BITS_MIN},
        .levels_first = (uint32_t)(layout.levels / BOOK_UNIT),
        .config = *config,
        .layout = layout,
    };
}

/* -- What is in use. --------------------------------------------------------------------------- */

struct spans {
    struct mr_span *at;
    uint32_t limit, count;
};

/* Spans come in rising order and must not touch: one that continues the last one joins it. */
static void add(struct spans *spans, uint64_t offset, uint64_t size)
{
    struct mr_span *last = spans->count == 0 ? NULL : &spans->at[spans->count - 1];
    if (size == 0)
        return;
    if (last != NULL && last->offset + last->size == offset) {
        last->size += size;
        return;
    }
    ASSERT(spans->count < spans->limit);
    spans->at[spans->count++] = (struct mr_span){offset, size};
}

static void add_id_table(struct spans *spans, const struct mr_book *book, uint32_t bits)
{
    const unsigned char *table = (const unsigned char *)book_id_table(book, bits);
    add(spans, (uint64_t)(table - (const unsigned char *)book), sizeof(struct book_id) << bits);
}

uint32_t mr_book_used(const void *state, const void *config, struct mr_span *spans, uint32_t limit)
{
    const struct mr_book *book = state;
    const struct book_layout *layout = &book->layout;
    struct spans list = {.at = spans, .limit = limit};
    uint64_t leaves = book->leaf_pool.high, branches = book->branch_pool.high;
    uint64_t instruments = book->instrument_count, levels_max = book->config.levels_max;
    (void)config;
    add(&list, 0, layout->instruments + instruments * sizeof(struct book_instrument));
    add(&list, layout->pages, (1 + leaves) * sizeof(struct book_page));
    add(&list, layout->pages + (1 + levels_max) * sizeof(struct book_page),
        branches * sizeof(struct book_page));
    add(&list, layout->children, branches * BOOK_PAGE_LEVELS * sizeof(uint32_t));
    add(&list, layout->levels, leaves * BOOK_PAGE_LEVELS * sizeof(struct book_link));
    add(&list, layout->orders, book->order_pool.high * sizeof(struct book_order));
    uint32_t bits = book->ids.bits, old_bits = book->ids.old_bits;
    if (old_bits != 0 && old_bits < bits)
        add_id_table(&list, book, old_bits);
    add_id_table(&list, book, bits);
    if (old_bits > bits)
        add_id_table(&list, book, old_bits);
    return list.count;
}
