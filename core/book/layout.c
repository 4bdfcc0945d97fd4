/*
 * Where everything lies in the state, how much it is, and what of it is in use.
 */
#include "core/book/layout.h"

#include "core/book/ids.h"
#include "core/heap.h"
#include "core/layout.h"

enum {
    INSTRUMENTS_MAX = 1 << 20,
    ORDERS_MAX = 1 << 26,
    LEVELS_MAX = 1 << 22,
    FILLS_MAX = 65000,
    GROUPS_MAX = 1 << 26,
    TICK_TABLES_MAX = 4096,
};

static uint32_t bits_for(uint64_t count)
{
    return mr_log2(mr_power_of_two_at_least(count));
}

/* The size of table that is enough for so many orders. */
static uint32_t id_bits_for(uint64_t orders)
{
    uint32_t near = bits_for(orders * BOOK_ID_LOAD_NEAR);
    uint32_t far = bits_for(orders * BOOK_ID_LOAD_FAR);
    if (near <= BOOK_ID_BITS_MIN)
        return BOOK_ID_BITS_MIN;
    if (near <= BOOK_ID_BITS_NEAR)
        return near;
    return far > BOOK_ID_BITS_NEAR ? far : BOOK_ID_BITS_NEAR;
}

struct book_layout mr_book_layout(const struct mr_book_config *config)
{
    uint64_t orders = config->orders_max;
    uint64_t levels = config->levels_max;
    struct book_layout layout = {0};
    layout.instrument_bits = bits_for((uint64_t)config->instruments_max * 4);
    layout.group_bits = bits_for((uint64_t)config->groups_max * 4);
    layout.id_bits_max = id_bits_for(config->orders_max);
    uint64_t id_slots =
        (UINT64_C(2) << layout.id_bits_max) - (UINT64_C(1) << BOOK_ID_BITS_MIN); /* all sizes */

    uint64_t *end = &layout.size;
    mr_place(end, 1, sizeof(struct mr_book));
    layout.instrument_slots =
        mr_place(end, UINT64_C(1) << layout.instrument_bits, sizeof(uint32_t));
    layout.instruments = mr_place(end, config->instruments_max, sizeof(struct book_instrument));
    layout.tick_tables = mr_place(end, config->tick_tables_max, sizeof(struct book_tick_table));
    layout.group_slots = mr_place(end, UINT64_C(1) << layout.group_bits, sizeof(uint32_t));
    layout.groups = mr_place(end, config->groups_max, sizeof(struct book_group));
    layout.expiries = mr_place(end, config->groups_max, sizeof(struct mr_heap_key));
    layout.branches = mr_place(end, levels, sizeof(struct book_branch));
    layout.leaves = mr_place(end, levels, sizeof(struct book_leaf));
    layout.orders = mr_place(end, orders, sizeof(struct book_order));
    layout.memberships = mr_place(end, orders, sizeof(struct book_memberships));
    layout.id_tables = mr_place(end, id_slots, sizeof(struct book_id));
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
        .groups_max = 1 << 16,
        .tick_tables_max = 16,
    };
}

uint64_t mr_book_state_size(const void *config_bytes)
{
    const struct mr_book_config *config = config_bytes;
    if (!mr_is_within(config->instruments_max, INSTRUMENTS_MAX) ||
        !mr_is_within(config->orders_max, ORDERS_MAX) ||
        !mr_is_within(config->levels_max, LEVELS_MAX) ||
        !mr_is_within(config->fills_max, FILLS_MAX) ||
        !mr_is_within(config->groups_max, GROUPS_MAX) ||
        !mr_is_within(config->tick_tables_max, TICK_TABLES_MAX))
        return 0;
    return mr_book_layout(config).size;
}

_Static_assert((UINT64_C(1) << 32) * BOOK_UNIT >
                   (uint64_t)ORDERS_MAX * sizeof(struct book_order) +
                       (uint64_t)LEVELS_MAX *
                           (sizeof(struct book_leaf) + sizeof(struct book_branch)) +
                       (uint64_t)INSTRUMENTS_MAX * (sizeof(struct book_instrument) + 16) +
                       (uint64_t)GROUPS_MAX *
                           (sizeof(struct book_group) + sizeof(struct mr_heap_key) + 32) +
                       (uint64_t)TICK_TABLES_MAX * sizeof(struct book_tick_table) + 4096,
               "refs reach every level and order");

uint32_t mr_book_reports_max(const struct mr_book_config *config)
{
    uint32_t fills = config->fills_max > BOOK_STEP_ORDERS ? config->fills_max : BOOK_STEP_ORDERS;
    /* A meeting can make two reports, so can an order that is swept (it and its instrument's top);
     * accepted, cancelled and top of book come around them. */
    return 2 * fills + 4;
}

uint32_t mr_book_turn_events_max(const void *config)
{
    return mr_book_reports_max(config);
}

void mr_book_init(void *state, const void *config_bytes)
{
    const struct mr_book_config *config = config_bytes;
    struct mr_book *book = state;
    ASSERT((uintptr_t)state % MR_CACHE_LINE == 0);
    struct book_layout layout = mr_book_layout(config);
    *book = (struct mr_book){
        .recent_id = UINT64_MAX,
        .hash_key = mr_mix64(config->hash_seed) | 1,
        .leaves_first = (uint32_t)(layout.leaves / BOOK_UNIT),
        .orders_first = (uint32_t)(layout.orders / BOOK_UNIT),
        .config = *config,
        .layout = layout,
    };
    mr_book_ids_init(book);
}

/* -- What is in use. --------------------------------------------------------------------------- */

static void add_id_table(struct mr_spans *spans, const struct mr_book *book, uint32_t bits)
{
    mr_spans_add(spans, book_id_offset(book, bits), sizeof(struct book_id) << bits);
}

uint32_t mr_book_used(const void *state, const void *config, struct mr_span *spans, uint32_t limit)
{
    const struct mr_book *book = state;
    const struct book_layout *layout = &book->layout;
    struct mr_spans list = {.at = spans, .limit = limit};
    uint64_t leaves = book->leaf_pool.high, branches = book->branch_pool.high;
    uint64_t instruments = book->instrument_count;
    (void)config;
    mr_spans_add(&list, 0, layout->instruments + instruments * sizeof(struct book_instrument));
    mr_spans_add(&list, layout->tick_tables,
                 layout->groups + book->group_pool.high * sizeof(struct book_group) -
                     layout->tick_tables);
    mr_spans_add(&list, layout->expiries, book->expiry_count * sizeof(struct mr_heap_key));
    mr_spans_add(&list, layout->branches, branches * sizeof(struct book_branch));
    mr_spans_add(&list, layout->leaves, leaves * sizeof(struct book_leaf));
    mr_spans_add(&list, layout->orders, book->order_pool.high * sizeof(struct book_order));
    mr_spans_add(&list, layout->memberships,
                 book->memberships_high * sizeof(struct book_memberships));
    uint32_t bits = book->ids.bits, old_bits = book->ids.old_bits;
    if (old_bits != 0 && old_bits < bits)
        add_id_table(&list, book, old_bits);
    add_id_table(&list, book, bits);
    if (old_bits > bits)
        add_id_table(&list, book, old_bits);
    return list.count;
}
